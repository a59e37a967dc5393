// SPDX-License-Identifier: Apache-2.0
/* suture lib update, unload: what runs in the processes is changed. */
#include <errno.h>
#include <string.h>

#include "ask.h"
#include "base/str.h"
#include "cmd.h"
#include "cmd_lib.h"
#include "halves.h"
#include "options.h"
#include "show.h"

static const char help_update[] =
	"usage: suture lib update [OPTION]...\n\n"
	"Brings the libraries of this machine now to what they are told to run: fetches, verifies,\n"
	"and applies to every process that uses them. Processes that cannot be patched at this\n"
	"moment are tried again by themselves; see 'suture lib explain'.\n\n"
	"  --dry-run   everything but the change itself\n"
	"  --to WHAT   to this level (a number) or this patchset (a name) instead, also down\n"
	"  --library X of this library only: its build-id\n"
	"  --force     in spite of hold, window, delay and 'suture mode no-apply'; never of a\n"
	"              quarantine\n"
	"  --quiet     no progress\n"
	"  --json      one object on stdout (docs/formats/status.md)\n\n"
	"Exit status: 0 done, or nothing is to be done; 1 error, 3 nothing for this machine, 5 not\n"
	"trusted, 6 held back, 7 not registered, 8 portal or repository do not answer,\n"
	"9 quarantined, 64 usage\n";

static const char help_unload[] =
	"usage: suture lib unload [OPTION]... [LIBRARY [REASON]]\n\n"
	"Takes patches out of all processes: of LIBRARY (its build-id or soname), or of all. It is\n"
	"remembered that this was on purpose: nothing is applied again by itself until 'suture lib\n"
	"update'. Holes that the patches closed are open again.\n\n"
	"  --quiet   no progress\n"
	"  --json    one object on stdout (docs/formats/status.md)\n\n"
	"Exit status: 0 done, 1 error, 64 usage\n";

void lib_show_result(const json_t *result)
{
	const char *outcome = show_string(result, "outcome");
	char name[128], counts[512];

	show_patch_name(result, name, sizeof(name));
	lib_counts_text(result, counts, sizeof(counts));
	if (sut_streq(outcome, "applied"))
		show(NULL, "applied %s: it runs in %s", name, counts);
	else if (sut_streq(outcome, "already-applied"))
		show(NULL, "%s is applied already: it runs in %s", name, counts);
	else if (sut_streq(outcome, "would-apply"))
		show(NULL, "can be applied: %s", name);
	else if (sut_streq(outcome, "reverted"))
		show(NULL, "taken out");
	else if (sut_streq(outcome, "nothing-applied"))
		show(NULL, "no library is patched");
	else if (*outcome)
		show(NULL, "%s", outcome);
}

static json_t *request(const char *to, const char *library, bool dry_run, bool force)
{
	json_t *r = json_pack("{s:s,s:b,s:b}", "verb", "lib-update", "dry_run", dry_run, "force",
			      force);
	uint64_t level;
	int bad = 0;

	if (r && to)
		bad |= json_object_set_new(r, "to",
					   sut_parse_u64(to, INT32_MAX, &level) == 0
						   ? json_integer((json_int_t)level)
						   : json_string(to));
	if (r && library)
		bad |= json_object_set_new(r, "build_id", json_string(library));
	if (!bad)
		return r;
	json_decref(r);
	return NULL;
}

/* Mode and hold are root's word to suture-apply: what was staged in spite of them is applied from here. */
static int apply_staged(json_t *one, const char *to, bool dry_run, struct progress *p,
			struct sut_err *err)
{
	const json_t *staged = show_object(one, "staged");
	_cleanup_(json_decrefp) json_t *answer = NULL;
	int r;

	if (!staged)
		return 0;
	if (!ask_is_meant(staged, to))
		return sut_err_reason(
			err, EBADMSG, "no-answer",
			"sutured has staged another patch than %s. It was not applied; "
			"see journalctl -u sutured",
			to);
	r = ask_call(ASK_APPLY,
		     json_pack("{s:s,s:s,s:s,s:b,s:b,s:b}", "verb", "lib-apply", "sha256",
			       show_string(staged, "sha256"), "by", "root", "force", true,
			       "dry_run", dry_run, "down", show_bool(staged, "down")),
		     &(struct ask){.progress = p}, &answer, err);
	if (show_object(answer, "result"))
		(void)!json_object_set(one, "result", json_object_get(answer, "result"));
	return r;
}

/* What became of one, for people; what went wrong with it on standard error. */
static void show_one(const json_t *one)
{
	const json_t *error = show_object(one, "error");
	const json_t *reason = json_array_get(json_object_get(one, "reasons"), 0);

	if (show_object(one, "result"))
		lib_show_result(show_object(one, "result"));
	else if (!error && reason)
		show(NULL, "%s: %s", show_string(one, "name"), show_string(reason, "text"));
	if (error)
		show(NULL, "%s: %s", show_string(one, "name"), show_string(error, "message"));
}

int cmd_lib_update(int argc, char **argv)
{
	static const char *const members[] = {"build_id", "name",    "action",
					      "result",	  "reasons", "error"};
	bool dry_run = false, quiet = false, json = false, force = false;
	const char *to = NULL, *library = NULL;
	const struct options_row rows[] = {
		OPTIONS_FLAG("dry-run", &dry_run), OPTIONS_TEXT("to", &to),
		OPTIONS_TEXT("library", &library), OPTIONS_FLAG("force", &force),
		OPTIONS_FLAG("quiet", &quiet),	   OPTIONS_FLAG("json", &json)};
	const struct options o = {"lib update", help_update, rows, SUT_ARRAY_SIZE(rows), 0, 0,
				  NULL};
	_cleanup_(json_decrefp) json_t *answer = NULL;
	struct progress progress;
	struct sut_err err = {0};
	json_t *libraries, *one;
	char **words;
	size_t n, i;
	int exit = options_parse(&o, argc, argv, &words, &n), r;

	if (exit != OPTIONS_GO_ON)
		return exit;
	if (to && !cmd_is_level(to) && !cmd_is_patchset(to))
		return options_usage("lib update",
				     "--to takes a level (a number) or a patchset (as "
				     "U20261121_01), not '%s'",
				     to);
	progress_init(&progress, "lib update", quiet, json);
	ask_catch_signals(&progress);
	r = ask_need_root("changing what runs", &err);
	if (r == 0)
		r = ask_call(ASK_NETWORK, request(to, library, dry_run, force),
			     &(struct ask){.progress = &progress}, &answer, &err);
	libraries = json_object_get(answer, "libraries");
	json_array_foreach(libraries, i, one)
		if (r == 0 && force)
			r = apply_staged(one, to, dry_run, &progress, &err);
	if (!json) {
		json_array_foreach(libraries, i, one) {
			show_one(one);
		}
		if (r == 0 && !json_array_size(libraries))
			show(NULL, "there is no patch for a library of this machine");
	}
	return show_end("lib update", json, "suture-lib-update",
			json_pack("{s:b,s:o}", "dry_run", dry_run, "libraries",
				  lib_members(libraries, members, SUT_ARRAY_SIZE(members))),
			&err);
}

/* ------------------------------------------------------------------ */

static bool is_build_id(const char *s)
{
	return strlen(s) == 40 && strspn(s, "0123456789abcdef") == 40;
}

/* The build-ids of what is patched under that name. */
static int find(const char *name, struct sut_strv *ret, struct sut_err *err)
{
	_cleanup_(halves_release) struct halves h = {0};
	const json_t *l;
	size_t i;
	int r;

	if (is_build_id(name))
		return sut_strv_add(ret, name) < 0 ? sut_err_oom(err) : 0;
	r = halves_read_apply(ask_root(), &h, err);
	if (r < 0)
		return r;
	json_array_foreach(lib_list(h.apply), i, l)
		if (sut_streq(show_string(l, "name"), name) &&
		    sut_strv_add(ret, show_string(l, "build_id")) < 0)
			return sut_err_oom(err);
	return ret->n ? 0
		      : sut_err_reason(err, ENOENT, "not-found",
				       "no library %s is patched. 'suture lib status' lists those "
				       "that are",
				       name);
}

static int unload(const char *build_id, const char *reason, struct progress *p, json_t *results,
		  struct sut_err *err)
{
	_cleanup_(json_decrefp) json_t *answer = NULL;
	json_t *q = json_pack("{s:s,s:s,s:s,s:s*}", "verb", "lib-unload", "by", "root", "reason",
			      reason, "build_id", build_id);
	int r = ask_call(ASK_APPLY, q, &(struct ask){.progress = p}, &answer, err);

	if (show_object(answer, "result"))
		(void)!json_array_append(results, json_object_get(answer, "result"));
	return r;
}

int cmd_lib_unload(int argc, char **argv)
{
	bool quiet = false, json = false;
	const struct options_row rows[] = {OPTIONS_FLAG("quiet", &quiet),
					   OPTIONS_FLAG("json", &json)};
	const struct options o = {"lib unload", help_unload, rows, SUT_ARRAY_SIZE(rows), 0, 2,
				  NULL};
	_cleanup_(json_decrefp) json_t *results = json_array();
	_cleanup_strv_ struct sut_strv which = {0};
	struct progress progress;
	struct sut_err err = {0};
	const char *reason;
	const json_t *one;
	char **words;
	size_t n, i;
	int exit = options_parse(&o, argc, argv, &words, &n), r;

	if (exit != OPTIONS_GO_ON)
		return exit;
	reason = n > 1 ? words[1] : "";
	progress_init(&progress, "lib unload", quiet, json);
	ask_catch_signals(&progress);
	r = ask_need_root("changing what runs", &err);
	if (r == 0 && n)
		r = find(words[0], &which, &err);
	if (r == 0 && !n)
		r = unload(NULL, reason, &progress, results, &err);
	for (i = 0; r == 0 && i < which.n; i++)
		r = unload(which.v[i], reason, &progress, results, &err);
	if (!json) {
		json_array_foreach(results, i, one) {
			lib_show_result(one);
		}
	}
	return show_end("lib unload", json, "suture-lib-unload",
			json_pack("{s:O}", "results", results), &err);
}
