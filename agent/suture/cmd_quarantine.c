// SPDX-License-Identifier: Apache-2.0
/* suture quarantine: patches that were taken out after the machine or a health check failed. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "ask.h"
#include "base/str.h"
#include "cmd.h"
#include "halves.h"
#include "kernel/report.h"
#include "options.h"
#include "show.h"

static const char help[] =
	"usage: suture quarantine [list] [--json]\n"
	"       suture quarantine release PATCHSET|SHA256|--all [--json]\n\n"
	"A patch with which the machine went down during its probation, or that made a health check\n"
	"fail, is quarantined: it is never applied here again, unless somebody releases it.\n\n"
	"  list      what is quarantined, and why; needs no rights\n"
	"  release   let one go (or all): it may be applied again. Needs root\n"
	"  --all     all of them\n"
	"  --json    one object on stdout (docs/formats/status.md)\n\n"
	"Exit status: 0 done, 1 error, 64 usage\n";

/* Of a guard that cannot be read nobody knows what is quarantined; NULL: it can be. */
static const char *not_known(const json_t *state)
{
	const json_t *e;
	size_t i;

	json_array_foreach(json_object_get(state, "errors"), i, e)
		if (sut_streq(show_string(e, "code"), "guard"))
			return show_string(e, "message");
	return NULL;
}

static void print(const json_t *state)
{
	const json_t *list = json_object_get(state, "quarantined"), *v;
	const char *why = not_known(state);
	char name[128], when[96];
	size_t i;

	if (why)
		show(NULL, "what is quarantined is not known: %s", why);
	else if (!json_array_size(list))
		show(NULL, "nothing is quarantined");
	json_array_foreach(list, i, v) {
		show_patch_name(v, name, sizeof(name));
		show_when(show_string(v, "at"), time(NULL), when, sizeof(when));
		show(NULL, "%s: %s, %s", name, show_string(v, "why"), when);
		if (*show_string(v, "detail"))
			show(NULL, "  %s", show_string(v, "detail"));
		show(NULL, "  sha256 %s", show_string(v, "sha256"));
	}
}

/* The one that is meant: by name, or by its whole digest. */
static int find(const json_t *list, const char *word, const char **ret, struct sut_err *err)
{
	const json_t *v;
	size_t i, n = 0;

	json_array_foreach(list, i, v) {
		if (!sut_streq(show_string(v, "id"), word) &&
		    strcasecmp(show_string(v, "sha256"), word) != 0)
			continue;
		*ret = show_string(v, "sha256");
		n++;
	}
	if (n == 1)
		return 0;
	if (n)
		return sut_err_reason(err, EEXIST, "ambiguous",
				      "%zu quarantined patches are called %s. Name one by its "
				      "SHA-256, which 'suture quarantine list' shows",
				      n, word);
	return sut_err_reason(err, ENOENT, "not-found",
			      "%s is not quarantined. See 'suture quarantine list'", word);
}

static int release(const char *word, json_t **ret, struct sut_err *err)
{
	_cleanup_(halves_release) struct halves h = {0};
	const char *sha256 = NULL;
	int r = ask_need_root("releasing a patch", err);

	if (r == 0 && word)
		r = halves_read_apply(ask_root(), &h, err);
	if (r == 0 && word)
		r = find(json_object_get(h.apply, "quarantined"), word, &sha256, err);
	if (r < 0)
		return r;
	return ask_call(ASK_APPLY, json_pack("{s:s,s:s*}", "verb", "release", "sha256", sha256),
			NULL, ret, err);
}

int cmd_quarantine(int argc, char **argv)
{
	bool json = false, all = false, releasing;
	const struct options_row rows[] = {OPTIONS_FLAG("all", &all), OPTIONS_FLAG("json", &json)};
	const struct options o = {"quarantine", help, rows, SUT_ARRAY_SIZE(rows), 0, 2, NULL};
	_cleanup_(halves_release) struct halves h = {0};
	_cleanup_(json_decrefp) json_t *answer = NULL;
	const json_t *list;
	struct sut_err err = {0};
	char **words;
	size_t n;
	int exit = options_parse(&o, argc, argv, &words, &n);

	if (exit != OPTIONS_GO_ON)
		return exit;
	releasing = n && sut_streq(words[0], "release");
	if (n && !releasing && !sut_streq(words[0], "list"))
		return options_usage("quarantine", "say list or release, not '%s'", words[0]);
	if (releasing ? (n == 2) == all : n == 2 || all)
		return options_usage("quarantine", releasing ? "name one patch, or say --all"
							     : "list takes nothing more");
	if (releasing && release(all ? NULL : words[1], &answer, &err) < 0)
		return show_end("quarantine", json, "suture-quarantine", NULL, &err);
	h.apply = ask_state(answer);
	if (!h.apply)
		(void)!halves_read_apply(ask_root(), &h, &err);
	list = json_object_get(h.apply, "quarantined");
	if (!json && !err.code)
		print(h.apply);
	return show_end("quarantine", json, "suture-quarantine",
			json_pack("{s:O?}", "quarantined", list), &err);
}
