// SPDX-License-Identifier: Apache-2.0
#include "purl.h"

#include <ctype.h>
#include <string.h>

#include "base/str.h"

/* What may stand in a package URL as it is; the rest becomes %XX. */
static int add_encoded(struct sut_buf *b, const char *before, const char *s)
{
	int r = sut_buf_addstr(b, before);

	for (; *s && !r; s++)
		r = isalnum((unsigned char)*s) || strchr(".-_~:", *s)
			    ? sut_buf_add(b, s, 1)
			    : sut_buf_addf(b, "%%%02X", (unsigned char)*s);
	return r;
}

int sut_purl_add(struct sut_buf *b, const struct sut_purl *p)
{
	const char *arch = p->arch ? p->arch : "", *release = p->os_version ? p->os_version : "";
	int r = sut_buf_addf(b, "pkg:%s", p->type);

	if (r == 0)
		r = add_encoded(b, "/", sut_streq(p->os, "rhel") ? "redhat" : p->os);
	if (r == 0)
		r = add_encoded(b, "/", p->package);
	if (r == 0)
		r = add_encoded(b, "@", p->version);
	if (r == 0 && *arch)
		r = add_encoded(b, "?arch=", arch);
	if (r == 0 && *release)
		r = add_encoded(b, *arch ? "&distro=" : "?distro=", p->os);
	if (r == 0 && *release)
		r = add_encoded(b, "-", release);
	return r;
}

const char *sut_purl_arch(const char *type, const char *machine)
{
	static const char *const deb[][2] = {{"x86_64", "amd64"},
					     {"aarch64", "arm64"},
					     {"i686", "i386"},
					     {"ppc64le", "ppc64el"}};

	for (size_t i = 0; sut_streq(type, "deb") && i < SUT_ARRAY_SIZE(deb); i++)
		if (sut_streq(machine, deb[i][0]))
			return deb[i][1];
	return machine;
}
