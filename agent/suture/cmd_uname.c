// SPDX-License-Identifier: Apache-2.0
/* suture uname: as uname(1), with the version that is in effect. */
#include <stdio.h>
#include <string.h>

#include "ask.h"
#include "base/str.h"
#include "cmd.h"
#include "halves.h"
#include "options.h"
#include "show.h"
#include "uname.h"

static const char help[] =
	"usage: suture uname [-asnrvmpio] [--json]\n\n"
	"Prints what uname(1) prints, with the version in effect as the kernel release: that of\n"
	"the kernel's package and the level of the live patch, as 6.1.170-3+suture3. Without a live\n"
	"patch it is the release itself. Without an option: the version in effect.\n\n"
	"  -a, --all                 everything, in this order, but what is unknown\n"
	"  -s, --kernel-name         -n, --nodename            -r, --kernel-release\n"
	"  -v, --kernel-version      -m, --machine             -p, --processor\n"
	"  -i, --hardware-platform   -o, --operating-system\n"
	"  --json  one object on stdout (docs/formats/schemas/suture-uname.json)\n\n"
	"Exit status: 0 done, 64 usage\n";

int cmd_uname(int argc, char **argv)
{
	_cleanup_(halves_release) struct halves h = {0};
	const char *bad = "";
	struct uname_of u;
	char text[1024];
	bool json = false;
	int what, kept = 1;

	for (int i = 1; i < argc; i++) {
		if (sut_streq(argv[i], "--help") || sut_streq(argv[i], "-h")) {
			fputs(help, stdout);
			return SUT_EXIT_OK;
		}
		if (sut_streq(argv[i], "--json"))
			json = true;
		else
			argv[kept++] = argv[i];
	}
	what = uname_options(kept, argv, &bad);
	if (what < 0)
		return options_usage("uname", "there is no option '%s'", bad);
	(void)!halves_read_apply(ask_root(), &h, NULL);
	uname_read(ask_root(), h.apply, &u);
	if (json)
		return show_end("uname", true, "suture-uname",
				json_pack("{s:s, s:b, s:s, s:s, s:s, s:s, s:s}", "effective",
					  u.effective, "live", u.live, "release", u.u.release,
					  "kernel_version", u.u.version, "machine", u.u.machine,
					  "sysname", u.u.sysname, "nodename", u.u.nodename),
				NULL);
	uname_text(&u, what ? (unsigned int)what : UNAME_RELEASE, text, sizeof(text));
	show(NULL, "%s", text);
	return SUT_EXIT_OK;
}
