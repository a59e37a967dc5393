// SPDX-License-Identifier: Apache-2.0
/* suture unregister: this machine leaves its portal. */
#include <stdio.h>

#include "ask.h"
#include "base/str.h"
#include "cmd.h"
#include "options.h"
#include "show.h"

static const char help[] =
	"usage: suture unregister [--purge] [--json]\n\n"
	"This machine leaves its portal: its System ID and credential are no longer good, and\n"
	"nothing new is fetched. What is applied stays applied until the next boot.\n\n"
	"  --purge  also take out what is applied, and remove all that the agent keeps: patches,\n"
	"           history, choices, quarantine, keys of its own. Settings in /etc stay. Goes on\n"
	"           when the portal does not answer; the system is then to be deleted there\n"
	"  --json   one object on stdout (docs/formats/status.md)\n\n"
	"Exit status: 0 done, or it was not registered, 1 error, 8 the portal does not answer (it\n"
	"is still registered), 64 usage\n";

int cmd_unregister(int argc, char **argv)
{
	bool purge = false, json = false, left, was;
	const struct options_row rows[] = {OPTIONS_FLAG("purge", &purge),
					   OPTIONS_FLAG("json", &json)};
	const struct options o = {"unregister", help, rows, SUT_ARRAY_SIZE(rows), 0, 0, NULL};
	_cleanup_(json_decrefp) json_t *answer = NULL;
	struct progress progress;
	struct sut_err err = {0};
	char warning[256];
	char **words;
	size_t n;
	int exit = options_parse(&o, argc, argv, &words, &n);

	if (exit != OPTIONS_GO_ON)
		return exit;
	progress_init(&progress, "unregister", false, json);
	ask_catch_signals(&progress);
	if (ask_need_root("unregistering this machine", &err) == 0)
		(void)!ask_call(ASK_NETWORK,
				json_pack("{s:s,s:b}", "verb", "unregister", "purge", purge),
				&(struct ask){.progress = &progress}, &answer, &err);
	left = !err.code;
	was = *show_string(answer, "system_id");
	snprintf(warning, sizeof(warning), "%s", show_string(answer, "warning"));
	/* There was nothing to leave; what is kept goes all the same. */
	if (purge && (left || sut_streq(err.reason, "not-registered"))) {
		json_decref(sut_steal(answer));
		err = (struct sut_err){0};
		(void)!ask_call(ASK_APPLY, json_pack("{s:s,s:b}", "verb", "forget", "purge", true),
				&(struct ask){.progress = &progress}, &answer, &err);
	}
	if (!json && left)
		show(NULL, "this machine is %s%s",
		     was ? "not registered any more" : "registered at no portal",
		     purge || !was ? "" : "; what is applied stays until the next boot");
	if (!json && *warning)
		show(NULL, "note: %s", warning);
	if (!json && purge && !err.code)
		show(NULL, "no patch is applied, and what the agent kept is removed");
	return show_end("unregister", json, "suture-unregister",
			json_pack("{s:b,s:b,s:s}", "left", left && !*warning, "purged",
				  purge && !err.code, "warning", warning),
			&err);
}
