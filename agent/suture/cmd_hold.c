// SPDX-License-Identifier: Apache-2.0
/* suture hold: nothing new for a while, as during a release of one's own. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/conf.h"
#include "base/str.h"
#include "base/utf8.h"
#include "choose.h"
#include "cmd.h"
#include "kernel/report.h"
#include "options.h"

enum { HOLD_MAX_S = 10 * 366 * 86400 };

static const char help[] =
	"usage: suture hold [--until TIME|DURATION] [REASON]...\n"
	"       suture hold --release\n"
	"       suture hold --show\n\n"
	"Nothing new is applied until then. What runs stays, and is applied again after a boot.\n\n"
	"  --until WHEN  2026-11-23T04:00:00Z, 2026-11-23 (its end; UTC), or counted from now:\n"
	"                30m, 12h, 3d. Without it: until it is released\n"
	"  --release     the hold ends\n"
	"  --show        only say what holds; needs no rights\n"
	"  --json        one object on stdout (docs/formats/status.md)\n\n"
	"Exit status: 0 done, 1 error, 64 usage\n";

static bool parse_until(const char *word, int64_t now, int64_t *ret)
{
	char text[40];
	int64_t t;

	if (strlen(word) == strlen("2026-11-23") && strchr(word, '-')) {
		snprintf(text, sizeof(text), "%sT23:59:59Z", word);
		word = text;
	}
	if (sut_report_parse_time(word, ret) == 0)
		return true;
	if (sut_conf_duration(word + (*word == '+'), HOLD_MAX_S, &t, NULL) < 0 ||
	    strspn(word, "+0123456789") == strlen(word))
		return false;
	*ret = now + t;
	return true;
}

static int parse_reason(char **words, size_t n, struct choice *c)
{
	const uint8_t *p = (uint8_t *)c->hold_reason;
	size_t at = 0;

	for (size_t i = 0; i < n; i++) {
		int len = snprintf(c->hold_reason + at, sizeof(c->hold_reason) - at, "%s%s",
				   i ? " " : "", words[i]);

		if (len < 0 || (size_t)len >= sizeof(c->hold_reason) - at)
			return options_usage("hold", "a reason has at most %d bytes",
					     CHOICE_REASON_MAX);
		at += (size_t)len;
	}
	while (p < (uint8_t *)c->hold_reason + at)
		if (!sut_is_printable(sut_utf8_next(&p, (uint8_t *)c->hold_reason + at)))
			return options_usage("hold", "a reason is one line of printable text");
	return OPTIONS_GO_ON;
}

int cmd_hold(int argc, char **argv)
{
	bool json = false, release = false, show_it = false;
	const char *until = NULL;
	const struct options_row rows[] = {
		OPTIONS_TEXT("until", &until), OPTIONS_FLAG("release", &release),
		OPTIONS_FLAG("show", &show_it), OPTIONS_FLAG("json", &json)};
	const struct options o = {"hold", help, rows, SUT_ARRAY_SIZE(rows), 0, 64, NULL};
	struct choice c = {.hold = true};
	int64_t now = time(NULL);
	char **words;
	size_t n;
	int exit = options_parse(&o, argc, argv, &words, &n);

	if (exit != OPTIONS_GO_ON)
		return exit;
	if ((release || show_it) && (n || until || (release && show_it)))
		return options_usage("hold", "--release and --show stand alone");
	if (show_it)
		return choose("hold", "hold", NULL, json);
	if (until && !parse_until(until, now, &c.hold_until))
		return options_usage("hold",
				     "--until takes 2026-11-23T04:00:00Z, 2026-11-23, 12h or 3d, "
				     "not '%s'",
				     until);
	if (until && c.hold_until <= now)
		return options_usage("hold", "--until %s has passed already", until);
	exit = parse_reason(words, n, &c);
	if (exit != OPTIONS_GO_ON)
		return exit;
	if (release)
		c = (struct choice){0};
	return choose("hold", "hold", &c, json);
}
