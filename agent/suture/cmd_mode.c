// SPDX-License-Identifier: Apache-2.0
/* suture mode: may patches be applied on this machine? */
#include "choose.h"
#include "cmd.h"
#include "options.h"

static const char help[] =
	"usage: suture mode [normal|no-apply|off] [--json]\n\n"
	"Says, or chooses, what may happen on this machine:\n\n"
	"  normal    patches are applied as they come\n"
	"  no-apply  what runs stays; nothing new is applied, and nothing after a boot\n"
	"  off       what runs is taken out now, and nothing is applied\n\n"
	"  --json    one object on stdout (docs/formats/status.md)\n\n"
	"suture=off or suture=no-apply on the kernel command line, and /etc/suture/disabled, do the\n"
	"same from outside. Choosing needs root.\n\n"
	"Exit status: 0 done, 1 error, 2 busy, 64 usage\n";

int cmd_mode(int argc, char **argv)
{
	bool json = false;
	const struct options_row rows[] = {OPTIONS_FLAG("json", &json)};
	const struct options o = {"mode", help, rows, SUT_ARRAY_SIZE(rows), 0, 1, NULL};
	struct choice c = {0};
	char **words;
	size_t n;
	int exit = options_parse(&o, argc, argv, &words, &n);

	if (exit != OPTIONS_GO_ON)
		return exit;
	if (n && !choice_mode_parse(words[0], &c.mode))
		return options_usage("mode", "a mode is normal, no-apply or off, not '%s'",
				     words[0]);
	return choose("mode", "mode", n ? &c : NULL, json);
}
