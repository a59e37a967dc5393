// SPDX-License-Identifier: Apache-2.0
/* suture job new: a manifest to be filled in and signed. */
#include "cmd_job.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "base/str.h"
#include "base/utf8.h"
#include "cmd.h"
#include "job/manifest.h"
#include "kernel/report.h"
#include "options.h"
#include "show.h"

static const char help[] =
	"usage: suture job new [SYSTEM]... [OPTION]...\n\n"
	"Prints a manifest for these systems (System IDs). Look at it, then sign it with 'suture job\n"
	"sign'. What may be in it: docs/formats/job.md.\n\n"
	"  --action ACTION      apply (default), unload, verify, check, preflight\n"
	"  --level LEVEL        apply, preflight: this level; without it what is newest for them\n"
	"  --patchset PATCHSET  apply, preflight: this patchset\n"
	"  --issuer NAME        who gives the job; the name of this machine otherwise\n"
	"  --id ID              its name, once and for all; drawn at random otherwise\n"
	"  --hours N            how long it counts, at most 744; 24 otherwise\n\n"
	"Exit status: 0 done, 1 error, 64 usage\n";

struct wishes {
	const char *action, *level, *patchset, *issuer, *id, *hours;
};

/* The one entry of "targets"; NULL when the action has none. */
static json_t *targets(const struct wishes *w, enum sut_job_action action)
{
	uint64_t level = 0;

	if (action != SUT_JOB_APPLY && action != SUT_JOB_PREFLIGHT)
		return NULL;
	if (w->level && sut_parse_u64(w->level, INT32_MAX, &level) == 0)
		return json_pack("[{s:I}]", "level", (json_int_t)level);
	if (w->patchset)
		return json_pack("[{s:s}]", "patchset", w->patchset);
	return json_pack("[{s:b}]", "latest", 1);
}

static json_t *systems(char **words, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < n; i++)
		if (json_array_append_new(list, json_string(words[i])) < 0) {
			json_decref(list);
			return NULL;
		}
	return list;
}

static int random_id(char *ret, size_t size, struct sut_err *err)
{
	uint8_t raw[10];
	char hex[2 * sizeof(raw) + 1];

	if (getrandom(raw, sizeof(raw), 0) != (ssize_t)sizeof(raw))
		return sut_err_errno(err, "no random numbers");
	sut_hex(raw, sizeof(raw), hex);
	(void)snprintf(ret, size, "job-%s", hex);
	return 0;
}

static int print(const struct wishes *w, enum sut_job_action action, uint64_t hours, char **words,
		 size_t n, struct sut_err *err)
{
	char id[SUT_JOB_ID_MAX + 1], host[256] = "", created[32], expires[32];
	_cleanup_(sut_freep) char *text = NULL;
	int64_t now = (int64_t)time(NULL);
	json_t *j, *t = targets(w, action);
	struct sut_job job = {0};
	int r = 0;

	sut_job_time(now, created);
	sut_job_time(now + (int64_t)hours * 3600, expires);
	if (gethostname(host, sizeof(host) - 1) < 0 || !*host)
		(void)snprintf(host, sizeof(host), "platform");
	sut_make_printable(host, "");
	if (!w->id)
		r = random_id(id, sizeof(id), err);
	j = json_pack("{s:s,s:i,s:s,s:s,s:s,s:s,s:o,s:s,s:o*}", "format", SUT_JOB_FORMAT, "version",
		      SUT_JOB_VERSION, "id",
		      w->id    ? w->id
		      : r == 0 ? id
			       : "",
		      "issuer", w->issuer ? w->issuer : host, "created", created, "expires",
		      expires, "systems", systems(words, n), "action", sut_job_action_word(action),
		      "targets", t);
	text = j ? json_dumps(j, JSON_INDENT(2)) : NULL;
	json_decref(j);
	if (r == 0 && !text)
		r = sut_err_oom(err);
	/* Only the systems may still be missing. */
	if (r == 0 && n)
		r = sut_job_parse(text, strlen(text), &job, err);
	sut_job_release(&job);
	if (r == 0)
		puts(text);
	return r;
}

int cmd_job_new(int argc, char **argv)
{
	struct wishes w = {.action = "apply"};
	const struct options_row rows[] = {OPTIONS_TEXT("action", &w.action),
					   OPTIONS_TEXT("level", &w.level),
					   OPTIONS_TEXT("patchset", &w.patchset),
					   OPTIONS_TEXT("issuer", &w.issuer),
					   OPTIONS_TEXT("id", &w.id),
					   OPTIONS_TEXT("hours", &w.hours)};
	const struct options o = {"job new",	       help, rows, SUT_ARRAY_SIZE(rows), 0,
				  SUT_JOB_SYSTEMS_MAX, NULL};
	enum sut_job_action action;
	struct sut_err err = {0};
	uint64_t hours = 24;
	char **words;
	size_t n;
	int exit = options_parse(&o, argc, argv, &words, &n);

	if (exit != OPTIONS_GO_ON)
		return exit;
	if (!sut_job_action_parse(w.action, &action))
		return options_usage("job new", "there is no action '%s'", w.action);
	if (w.level && (!cmd_is_level(w.level) || sut_streq(w.level, "0")))
		return options_usage("job new", "a level is a number from 1, not '%s'", w.level);
	if (w.patchset && (w.level || !cmd_is_patchset(w.patchset)))
		return options_usage("job new", "give a level or the name of a patchset");
	if ((w.level || w.patchset) && action != SUT_JOB_APPLY && action != SUT_JOB_PREFLIGHT)
		return options_usage("job new", "%s has no target", w.action);
	if (w.hours && (sut_parse_u64(w.hours, SUT_JOB_DAYS_MAX * 24, &hours) < 0 || !hours))
		return options_usage("job new", "--hours is a number from 1 to %d",
				     SUT_JOB_DAYS_MAX * 24);
	(void)!print(&w, action, hours, words, n, &err);
	return show_end("job new", false, "", NULL, &err);
}
