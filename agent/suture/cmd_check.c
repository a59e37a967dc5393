// SPDX-License-Identifier: Apache-2.0
/* suture check: has sutured ask the portal and the repository now, and says what there is. */
#include <time.h>

#include "ask.h"
#include "base/str.h"
#include "cmd.h"
#include "halves.h"
#include "options.h"
#include "show.h"

static const char help[] =
	"usage: suture check [OPTION]...\n\n"
	"Asks the portal and the repository now, instead of at the next regular time, and says\n"
	"what is to run on this machine. Applies nothing by itself; where updates are automatic,\n"
	"what was found is applied afterwards as always.\n\n"
	"  --exit-code  end with the exit status of 'suture status --exit-code'\n"
	"  --quiet      no progress\n"
	"  --json       one object on stdout (docs/formats/status.md)\n\n"
	"Exit status: 0 asked, 7 not registered, 8 portal or repository do not answer, 1 error,\n"
	"64 usage\n";

/* The newest patch for this kernel, unless it runs. */
static void print_available(const struct halves *h)
{
	const json_t *a = show_object(h->network, "available");
	char name[128];

	if (!a || sut_streq(show_string(a, "sha256"),
			    show_string(json_object_get(h->apply, "patch"), "sha256")))
		return;
	show_patch_name(a, name, sizeof(name));
	show("Available", "%s", name);
}

/* What there is beyond what runs, and why it is not to run. */
static void print_held(const json_t *network)
{
	const json_t *v;
	size_t i;

	json_array_foreach(json_object_get(network, "held"), i, v) {
		const char *until = show_string(v, "until");
		char name[128];

		show_patch_name(v, name, sizeof(name));
		show("Held", "%s: %s%s%s", name, show_string(v, "reason"), *until ? " until " : "",
		     until);
	}
}

int cmd_check(int argc, char **argv)
{
	bool exit_code = false, quiet = false, json = false;
	const struct options_row rows[] = {OPTIONS_FLAG("exit-code", &exit_code),
					   OPTIONS_FLAG("quiet", &quiet),
					   OPTIONS_FLAG("json", &json)};
	const struct options o = {"check", help, rows, SUT_ARRAY_SIZE(rows), 0, 0, NULL};
	_cleanup_(halves_release) struct halves h = {0};
	_cleanup_(json_decrefp) json_t *answer = NULL;
	struct protection p = {0};
	struct progress progress;
	struct sut_err err = {0};
	char **words;
	size_t n;
	int exit = options_parse(&o, argc, argv, &words, &n);

	if (exit != OPTIONS_GO_ON)
		return exit;
	progress_init(&progress, "check", quiet, json);
	ask_catch_signals(&progress);
	if (ask_need_root("asking the portal", &err) < 0 ||
	    ask_call(ASK_NETWORK, json_pack("{s:s}", "verb", "check"),
		     &(struct ask){.progress = &progress}, &answer, &err) < 0)
		return show_end("check", json, "suture-check", NULL, &err);
	h.network = ask_state(answer);
	(void)!halves_read_apply(ask_root(), &h, NULL);
	protection_find(&h, NULL, time(NULL), HALVES_GRACE_S, &p);
	if (!json) {
		show(NULL, "%s: %s", p.state, p.text);
		if (*p.advice)
			show(NULL, "  %s", p.advice);
		print_available(&h);
		print_held(h.network);
	}
	return show_end_with("check", json, "suture-check",
			     json_pack("{s:o,s:o,s:O?,s:O?}", "protection", protection_json(&p),
				       "agent", halves_json(&h), "available",
				       show_object(h.network, "available"), "held",
				       json_object_get(h.network, "held")),
			     NULL, exit_code ? p.exit : SUT_EXIT_OK);
}
