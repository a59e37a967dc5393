// SPDX-License-Identifier: Apache-2.0
/* suture update: has sutured fetch, verify and apply what is to run, and waits for it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ask.h"
#include "base/str.h"
#include "base/utf8.h"
#include "cmd.h"
#include "options.h"
#include "show.h"

static const char help[] =
	"usage: suture update [OPTION]...\n\n"
	"Brings this machine now to what it is told to run: asks, fetches, verifies, looks\n"
	"before it touches anything, and applies. When that runs already, nothing happens.\n"
	"Ending this command while it works does not end the update.\n\n"
	"  --dry-run   everything but the change itself\n"
	"  --to WHAT   to this level (a number) or this patchset (a name) instead, also down\n"
	"  --force     in spite of hold, pin, window, delay and 'suture mode no-apply'; never of\n"
	"              a quarantine\n"
	"  --quiet     no progress\n"
	"  --json      one object on stdout (docs/formats/status.md)\n\n"
	"Exit status: 0 it runs, or nothing is to be done; 1 error, 2 busy, 3 nothing for this\n"
	"kernel, 4 the running code differs or somebody else changes it, 5 not trusted, 6 held\n"
	"back, 7 not registered, 8 portal or repository do not answer, 9 quarantined, 64 usage\n";

static json_t *request(const char *to, bool dry_run, bool force)
{
	json_t *r =
		json_pack("{s:s,s:b,s:b}", "verb", "update", "dry_run", dry_run, "force", force);
	uint64_t level;

	if (r && to &&
	    json_object_set_new(r, "to",
				sut_parse_u64(to, INT32_MAX, &level) == 0
					? json_integer((json_int_t)level)
					: json_string(to)) < 0) {
		json_decref(r);
		return NULL;
	}
	return r;
}

static int blocked(const json_t *reason, struct sut_err *err)
{
	return sut_err_reason(err, EPERM, show_string(reason, "code"), "%s. %s",
			      show_string(reason, "text"), show_string(reason, "advice"));
}

/* What else holds it back. */
static void say_too(const json_t *reason)
{
	char text[SHOW_MAX];

	snprintf(text, sizeof(text), "%s: %s", show_string(reason, "code"),
		 show_string(reason, "text"));
	sut_make_printable(text, "");
	fprintf(stderr, "  also %s\n", text);
}

/*
 * Mode, pin and hold are root's word to suture-apply, and only root can go beyond it: then sutured has fetched
 * and staged the patch, and it is applied from here. *answer: of sutured; it becomes that of suture-apply.
 */
static int apply_staged(const char *to, bool dry_run, struct progress *p, json_t **answer,
			struct sut_err *err)
{
	const json_t *staged = show_object(*answer, "staged");
	json_t *q;

	if (!staged)
		return 0;
	if (!ask_is_meant(staged, to))
		return sut_err_reason(err, EBADMSG, "no-answer",
				      "sutured has staged another patch than %s. Nothing was "
				      "applied; see journalctl -u sutured",
				      to);
	q = json_pack("{s:s,s:s,s:s,s:b,s:b,s:b}", "verb", "apply", "sha256",
		      show_string(staged, "sha256"), "by", "root", "force", true, "dry_run",
		      dry_run, "down", show_bool(staged, "down"));
	json_decref(*answer);
	return ask_call(ASK_APPLY, q, &(struct ask){.progress = p}, answer, err);
}

int cmd_update(int argc, char **argv)
{
	bool dry_run = false, force = false, quiet = false, json = false;
	const char *to = NULL;
	const struct options_row rows[] = {OPTIONS_FLAG("dry-run", &dry_run),
					   OPTIONS_TEXT("to", &to), OPTIONS_FLAG("force", &force),
					   OPTIONS_FLAG("quiet", &quiet),
					   OPTIONS_FLAG("json", &json)};
	const struct options o = {"update", help, rows, SUT_ARRAY_SIZE(rows), 0, 0, NULL};
	_cleanup_(json_decrefp) json_t *answer = NULL, *state = NULL;
	const json_t *result, *reasons;
	struct progress progress;
	struct sut_err err = {0};
	char **words;
	size_t n;
	int exit = options_parse(&o, argc, argv, &words, &n);

	if (exit != OPTIONS_GO_ON)
		return exit;
	if (to && !cmd_is_level(to) && !cmd_is_patchset(to))
		return options_usage("update",
				     "--to takes a level (a number) or a patchset (as "
				     "K20261121_01), not '%s'",
				     to);
	progress_init(&progress, "update", quiet, json);
	ask_catch_signals(&progress);
	if (ask_need_root("changing what runs", &err) == 0)
		(void)!ask_call(ASK_NETWORK, request(to, dry_run, force),
				&(struct ask){.progress = &progress}, &answer, &err);
	state = ask_state(answer);
	if (!err.code && force)
		(void)!apply_staged(to, dry_run, &progress, &answer, &err);
	result = show_object(answer, "result");
	if (!err.code)
		(void)!show_result_error(result, &err);
	reasons = json_object_get(answer, "reasons");
	/* Nothing was done, and something stood in the way: that is not "done". */
	if (!err.code && !result && show_bool(json_array_get(reasons, 0), "blocks"))
		(void)!blocked(json_array_get(reasons, 0), &err);
	if (!json && !err.code && result)
		show_result(result);
	else if (!json && !err.code)
		show(NULL, "nothing is to be done%s%s", json_array_size(reasons) ? ": " : "",
		     show_string(json_array_get(reasons, 0), "text"));
	exit = show_end("update", json, "suture-update",
			json_pack("{s:b,s:O?,s:O?,s:O?}", "dry_run", dry_run, "result", result,
				  "reasons", reasons, "network", state),
			&err);
	/* The first is in the error. */
	for (size_t i = 1; !json && err.code && i < json_array_size(reasons); i++)
		say_too(json_array_get(reasons, i));
	return exit;
}
