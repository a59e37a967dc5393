// SPDX-License-Identifier: Apache-2.0
/* suture pin: how far may this machine go? */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "choose.h"
#include "cmd.h"
#include "kernel/report.h"
#include "options.h"

static const char help[] =
	"usage: suture pin [LEVEL|DATE|PATCHSET|none] [--json]\n\n"
	"Says, or chooses, how far this machine may go, whatever the portal tells:\n\n"
	"  LEVEL     a number: no patch above this level\n"
	"  DATE      2026-11-21: no patch that was released after that day (UTC)\n"
	"  PATCHSET  K20261121_01: this one and no other\n"
	"  none      as far as there are patches\n\n"
	"  --json    one object on stdout (docs/formats/status.md)\n\n"
	"What runs already stays. Choosing needs root.\n\n"
	"Exit status: 0 done, 1 error, 64 usage\n";

static bool is_date(const char *word)
{
	char text[40];
	int64_t t;

	if (strlen(word) != strlen("2026-11-21"))
		return false;
	snprintf(text, sizeof(text), "%sT00:00:00Z", word);
	if (sut_report_parse_time(text, &t) < 0)
		return false;
	/* strptime(3) takes the 31st of February. */
	sut_report_time(t, text);
	return sut_startswith(text, word);
}

static bool parse(const char *word, struct choice *c)
{
	uint64_t level = 0;

	if (sut_streq(word, "none"))
		return true;
	if (is_date(word)) {
		c->pin = CHOICE_PIN_DATE;
		snprintf(c->pin_date, sizeof(c->pin_date), "%s", word);
	} else if (cmd_is_level(word) && sut_parse_u64(word, INT32_MAX, &level) == 0) {
		c->pin = CHOICE_PIN_LEVEL;
		c->pin_level = (uint32_t)level;
	} else if (cmd_is_patchset(word)) {
		c->pin = CHOICE_PIN_PATCHSET;
		snprintf(c->pin_patchset, sizeof(c->pin_patchset), "%s", word);
	} else {
		return false;
	}
	return true;
}

int cmd_pin(int argc, char **argv)
{
	bool json = false;
	const struct options_row rows[] = {OPTIONS_FLAG("json", &json)};
	const struct options o = {"pin", help, rows, SUT_ARRAY_SIZE(rows), 0, 1, NULL};
	struct choice c = {0};
	char **words;
	size_t n;
	int exit = options_parse(&o, argc, argv, &words, &n);

	if (exit != OPTIONS_GO_ON)
		return exit;
	if (n && !parse(words[0], &c))
		return options_usage("pin",
				     "a pin is a level (3), a day (2026-11-21), a patchset "
				     "(K20261121_01) or none, not '%s'",
				     words[0]);
	return choose("pin", "pin", n ? &c : NULL, json);
}
