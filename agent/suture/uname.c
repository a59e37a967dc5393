// SPDX-License-Identifier: Apache-2.0
#include "uname.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"

void uname_read(const char *root, const json_t *state, struct uname_of *ret)
{
	struct truth_host h;

	memset(ret, 0, sizeof(*ret));
	if (uname(&ret->u) < 0)
		return;
	snprintf(ret->effective, sizeof(ret->effective), "%s", ret->u.release);
	if (truth_is_live(state) && truth_host_read(root, state, &h, NULL) == 0)
		ret->live = truth_effective(state, &h, ret->effective) == 0;
}

void uname_text(const struct uname_of *u, unsigned int what, char *ret, size_t len)
{
	/* uname(1) of Debian knows neither processor nor platform, and -a leaves them out. */
	const char *const parts[] = {u->u.sysname, u->u.nodename, u->effective, u->u.version,
				     u->u.machine, "unknown",	  "unknown",	"GNU/Linux"};
	size_t used = 0;

	*ret = 0;
	for (size_t i = 0; i < SUT_ARRAY_SIZE(parts); i++) {
		int n;

		if (!(what & (1U << i)) || (what == UNAME_ALL && sut_streq(parts[i], "unknown")))
			continue;
		n = snprintf(ret + used, len - used, "%s%s", used ? " " : "", parts[i]);
		if (n < 0 || (size_t)n >= len - used)
			return;
		used += (size_t)n;
	}
}

int uname_options(int argc, char **argv, const char **bad)
{
	static const char letters[] = "snrvmpio";
	static const char *const names[] = {
		"kernel-name", "nodename",  "kernel-release",	 "kernel-version",
		"machine",     "processor", "hardware-platform", "operating-system"};
	unsigned int what = 0;

	for (int i = 1; i < argc; i++) {
		const char *a = argv[i];
		bool known = a[0] == '-' && a[1];

		if (sut_startswith(a, "--")) {
			known = sut_streq(a, "--all");
			what |= known ? UNAME_ALL : 0;
			for (size_t k = 0; !known && k < SUT_ARRAY_SIZE(names); k++)
				if (sut_streq(a + 2, names[k])) {
					known = true;
					what |= 1U << k;
				}
		} else {
			for (const char *c = a + 1; known && *c; c++) {
				const char *at = strchr(letters, *c);

				known = *c == 'a' || at;
				what |= *c == 'a' ? UNAME_ALL : at ? 1U << (at - letters) : 0;
			}
		}
		if (!known) {
			*bad = a;
			return -1;
		}
	}
	return (int)what;
}
