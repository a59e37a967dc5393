// SPDX-License-Identifier: Apache-2.0
/* suture history: what happened to this machine's kernel. */
#include <stdio.h>
#include <string.h>

#include "ask.h"
#include "base/str.h"
#include "cmd.h"
#include "common/history.h"
#include "options.h"
#include "show.h"

enum { LIMIT = 20, LIMIT_MAX = 100000 };

static const char help[] =
	"usage: suture history [OPTION]...\n\n"
	"Tells what happened to this machine's kernel: patches that were applied, found good, taken\n"
	"out or quarantined, and what the administrator chose. The latest is last.\n\n"
	"  --limit N  the last N (default: 20; 0: all that is kept)\n"
	"  --json     one object on stdout (docs/formats/schemas/suture-history.json)\n\n"
	"Exit status: 0 done, 1 error, 64 usage\n";

static void print_entry(const json_t *e)
{
	const char *id = show_string(e, "id"), *by = show_string(e, "by"),
		   *detail = show_string(e, "detail");
	char name[128] = "";

	if (*id)
		show_patch_name(e, name, sizeof(name));
	show(NULL, "%-20s  %-11s  %s%s%s%s%s%s", show_string(e, "at"), show_string(e, "event"),
	     name, *by ? (*name ? ", by " : "by ") : "", by, *detail && (*name || *by) ? ": " : "",
	     detail, "");
}

int cmd_history(int argc, char **argv)
{
	const char *limit = NULL;
	bool json = false;
	const struct options_row rows[] = {OPTIONS_TEXT("limit", &limit),
					   OPTIONS_FLAG("json", &json)};
	const struct options o = {"history", help, rows, SUT_ARRAY_SIZE(rows), 0, 0, NULL};
	_cleanup_(json_decrefp) json_t *list = NULL;
	struct sut_err err = {0};
	uint64_t max = LIMIT;
	const json_t *e;
	char **words;
	size_t n, i;
	int exit = options_parse(&o, argc, argv, &words, &n);

	if (exit != OPTIONS_GO_ON)
		return exit;
	if (limit && sut_parse_u64(limit, LIMIT_MAX, &max) < 0)
		return options_usage("history", "--limit takes a number up to %d, not '%s'",
				     LIMIT_MAX, limit);
	if (history_read(ask_root(), max ? max : LIMIT_MAX, &list, &err) < 0)
		return show_end("history", json, "suture-history", NULL, &err);
	if (!json) {
		json_array_foreach(list, i, e) {
			print_entry(e);
		}
		if (!json_array_size(list))
			show(NULL, "nothing has happened yet");
	}
	return show_end("history", json, "suture-history", json_pack("{s:O}", "entries", list),
			NULL);
}
