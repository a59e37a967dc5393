// SPDX-License-Identifier: Apache-2.0
/* suture unload: the original code again, on purpose, until something is applied again. */
#include <errno.h>

#include "ask.h"
#include "cmd.h"
#include "options.h"
#include "show.h"

static const char help[] =
	"usage: suture unload [OPTION]... [REASON]\n\n"
	"Takes the applied patch out of the running kernel, in one short pause. It is remembered\n"
	"that this was on purpose: nothing is applied again by itself, not at the next boot\n"
	"either, until 'suture update'. Holes that the patch closed are open again.\n\n"
	"  --quiet   no progress\n"
	"  --json    one object on stdout (docs/formats/status.md)\n\n"
	"Exit status: 0 nothing is applied any more, 1 error, 2 busy, 4 somebody else changed\n"
	"our change, 11 the code is not what it was: only a reboot helps, 64 usage\n";

int cmd_unload(int argc, char **argv)
{
	bool quiet = false, json = false;
	const struct options_row rows[] = {OPTIONS_FLAG("quiet", &quiet),
					   OPTIONS_FLAG("json", &json)};
	const struct options o = {"unload", help, rows, SUT_ARRAY_SIZE(rows), 0, 1, NULL};
	_cleanup_(json_decrefp) json_t *answer = NULL, *state = NULL;
	const json_t *result;
	struct progress progress;
	struct sut_err err = {0};
	char **words;
	size_t n;
	int exit = options_parse(&o, argc, argv, &words, &n);

	if (exit != OPTIONS_GO_ON)
		return exit;
	progress_init(&progress, "unload", quiet, json);
	ask_catch_signals(&progress);
	if (ask_need_root("changing what runs", &err) == 0)
		(void)!ask_call(ASK_APPLY,
				json_pack("{s:s,s:s,s:s}", "verb", "unload", "by", "root", "reason",
					  n ? words[0] : ""),
				&(struct ask){.progress = &progress}, &answer, &err);
	result = show_object(answer, "result");
	if (!err.code)
		(void)!show_result_error(result, &err);
	state = ask_state(answer);
	if (!err.code && show_bool(state, "residue"))
		(void)!sut_err_reason(&err, EUCLEAN, "residue",
				      "the patch is out, but the code of the kernel is not what it "
				      "was before. Reboot when that is possible");
	if (!json && !err.code)
		show_result(result);
	return show_end("unload", json, "suture-unload", json_pack("{s:O?}", "result", result),
			&err);
}
