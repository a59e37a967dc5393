// SPDX-License-Identifier: Apache-2.0
#include "job/manifest.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "job/json.h"

static const char *const actions[] = {
	[SUT_JOB_APPLY] = "apply", [SUT_JOB_UNLOAD] = "unload",	      [SUT_JOB_VERIFY] = "verify",
	[SUT_JOB_CHECK] = "check", [SUT_JOB_PREFLIGHT] = "preflight",
};

const char *sut_job_action_word(enum sut_job_action a)
{
	return actions[a];
}

bool sut_job_action_parse(const char *word, enum sut_job_action *ret)
{
	for (size_t i = 0; i < SUT_ARRAY_SIZE(actions); i++)
		if (strcmp(word, actions[i]) == 0) {
			*ret = (enum sut_job_action)i;
			return true;
		}
	return false;
}

/* Those that name a patch. */
static bool has_target(enum sut_job_action a)
{
	return a == SUT_JOB_APPLY || a == SUT_JOB_PREFLIGHT;
}

/* ------------------------------------------------------------------ */

/* Before anything else: a later version may mean other things by every member. */
static int check_format(const struct sut_json_at *at)
{
	const json_t *format = json_object_get(at->node, "format");
	const json_t *version = json_object_get(at->node, "version");

	if (!sut_streq(json_string_value(format), SUT_JOB_FORMAT))
		return sut_json_bad(at, "format", "is not \"" SUT_JOB_FORMAT "\"");
	if (!json_is_integer(version) || json_integer_value(version) < 1)
		return sut_json_bad(at, "version", "is missing or not a positive integer");
	if (json_integer_value(version) != SUT_JOB_VERSION)
		return sut_err_reason(at->err, EPROTONOSUPPORT, "version",
				      "the manifest has format version %lld and this suture reads "
				      "version %d. Upgrade suture",
				      (long long)json_integer_value(version), SUT_JOB_VERSION);
	return 0;
}

static bool is_system(const char *s)
{
	return sut_is_token(s, 64, "");
}

static bool is_external(const char *s)
{
	return *s && strlen(s) <= SUT_JOB_EXTERNAL_MAX && job_is_printable(s);
}

static bool is_window(const char *s)
{
	return *s && strlen(s) <= SUT_JOB_WINDOW_MAX && job_is_printable(s);
}

static int take_strings(const struct sut_json_at *at, const char *key, size_t max,
			bool (*ok)(const char *s), const char *what, struct sut_strv *ret)
{
	struct sut_json_at list;
	int r = sut_json_list(at, key, false, 0, max, &list);

	for (size_t i = 0; r == 0 && i < json_array_size(list.node); i++) {
		struct sut_json_at e = sut_json_entry(&list, i);
		const char *s = json_string_value(e.node);

		if (!s || !ok(s))
			return sut_json_bad(&e, "", "is not %s", what);
		if (sut_strv_add(ret, s) < 0)
			return sut_err_oom(at->err);
	}
	return r;
}

static int take_times(const struct sut_json_at *at, struct sut_job *j)
{
	int r = job_time(at, "created", true, &j->created);

	if (r == 0)
		r = job_time(at, "not_before", false, &j->not_before);
	if (r == 0)
		r = job_time(at, "expires", true, &j->expires);
	if (r < 0)
		return r;
	if (j->created <= 0)
		return sut_json_bad(at, "created", "is before 1970");
	if (j->expires <= j->created || j->expires - j->created > (int64_t)SUT_JOB_DAYS_MAX * 86400)
		return sut_json_bad(at, "expires",
				    "is not after created, and at most %d days later",
				    SUT_JOB_DAYS_MAX);
	if (j->not_before && j->not_before >= j->expires)
		return sut_json_bad(at, "not_before", "is not before expires");
	return 0;
}

static int take_systems(const struct sut_json_at *at, struct sut_job *j)
{
	int r = take_strings(at, "systems", SUT_JOB_SYSTEMS_MAX, is_system, "a System ID",
			     &j->systems);

	if (r == 0)
		r = take_strings(at, "external_ids", SUT_JOB_SYSTEMS_MAX, is_external,
				 "an external id of 1 to 255 bytes", &j->external_ids);
	if (r == 0 && !j->systems.n && !j->external_ids.n)
		return sut_json_bad(at, "systems",
				    "names no system; name one there or in external_ids");
	return r;
}

static int take_goal(const struct sut_json_at *at, struct sut_job_target *t)
{
	const json_t *latest = json_object_get(at->node, "latest");
	const char *patchset = NULL;
	int64_t level = 0;
	int r = sut_json_int(at, "level", false, 1, INT32_MAX, &level);

	if (r == 0)
		r = job_text(at, "patchset", false, SUT_JOB_PATCHSET_MAX, &patchset);
	if (r < 0)
		return r;
	if (latest && !json_is_true(latest))
		return sut_json_bad(at, "latest", "is not true");
	if (!!latest + !!level + !!patchset != 1)
		return sut_json_bad(at, "", "has not exactly one of latest, level and patchset");
	if (patchset && (!sut_is_token(patchset, SUT_JOB_PATCHSET_MAX, "._-") || *patchset == '.'))
		return sut_json_bad(at, "patchset", "is not the id of a patch");
	t->goal = latest ? SUT_JOB_LATEST : level ? SUT_JOB_LEVEL : SUT_JOB_PATCHSET;
	t->level = (uint32_t)level;
	snprintf(t->patchset, sizeof(t->patchset), "%s", patchset ? patchset : "");
	return 0;
}

static int take_target(const struct sut_json_at *at, struct sut_job_target *t)
{
	static const char *const known[] = {"build_id", "latest", "level",
					    "patchset", "sha256", NULL};
	const char *build_id = NULL, *sha256 = NULL;
	int r;

	if (!json_is_object(at->node))
		return sut_json_bad(at, "", "is not an object");
	r = job_known(at, known);
	if (r == 0)
		r = take_goal(at, t);
	if (r == 0)
		r = job_text(at, "build_id", false, SUT_JOB_BUILD_ID, &build_id);
	if (r == 0)
		r = job_text(at, "sha256", false, SUT_SHA256_HEX, &sha256);
	if (r < 0)
		return r;
	if (build_id && !sut_is_hex(build_id, sizeof(t->build_id) - 1))
		return sut_json_bad(at, "build_id", "is not 40 lower-case hexadecimal digits");
	if (sha256 && !sut_is_hex(sha256, sizeof(t->sha256) - 1))
		return sut_json_bad(at, "sha256", "is not 64 lower-case hexadecimal digits");
	snprintf(t->build_id, sizeof(t->build_id), "%s", build_id ? build_id : "");
	snprintf(t->sha256, sizeof(t->sha256), "%s", sha256 ? sha256 : "");
	return 0;
}

static int take_targets(const struct sut_json_at *at, struct sut_job *j)
{
	bool wanted = has_target(j->action);
	struct sut_json_at list;
	int r = sut_json_list(at, "targets", false, wanted ? 1 : 0,
			      wanted ? SUT_JOB_TARGETS_MAX : 0, &list);

	if (r < 0 || !wanted)
		return r;
	j->ntargets = json_array_size(list.node);
	j->targets = calloc(j->ntargets, sizeof(*j->targets));
	if (!j->targets)
		return sut_err_oom(at->err);
	for (size_t i = 0; r == 0 && i < j->ntargets; i++) {
		struct sut_json_at e = sut_json_entry(&list, i);

		r = take_target(&e, &j->targets[i]);
		for (size_t k = 0; r == 0 && k < i; k++)
			if (strcmp(j->targets[i].build_id, j->targets[k].build_id) == 0)
				r = sut_json_bad(&e, "", "is for the same kernels as targets[%zu]",
						 k);
	}
	return r;
}

static int take_products(const struct sut_json_at *at, struct sut_job *j)
{
	struct sut_json_at list;
	int r = sut_json_list(at, "products", false, json_object_get(at->node, "products") ? 1 : 0,
			      2, &list);

	for (size_t i = 0; r == 0 && i < json_array_size(list.node); i++) {
		struct sut_json_at e = sut_json_entry(&list, i);
		const char *s = json_string_value(e.node);
		bool kernel = sut_streq(s, "kernel");
		bool *product = kernel ? &j->kernel : &j->library;

		if (!s || (!kernel && !sut_streq(s, "library")))
			return sut_json_bad(&e, "", "is neither \"kernel\" nor \"library\"");
		if (*product)
			return sut_json_bad(&e, "", "is there twice");
		*product = true;
	}
	if (!j->library)
		j->kernel = true;
	return r;
}

static int take_options(const struct sut_json_at *at, struct sut_job *j)
{
	static const char *const known[] = {"dry_run", "down", "wait", NULL};
	struct sut_json_at o;
	int r = sut_json_object(at, "options", false, &o);

	if (r < 0 || !o.node)
		return r;
	r = job_known(&o, known);
	if (r == 0)
		r = sut_json_bool(&o, "dry_run", &j->dry_run);
	if (r == 0)
		r = sut_json_bool(&o, "down", &j->down);
	return r < 0 ? r : sut_json_bool(&o, "wait", &j->wait);
}

static int take(const struct sut_json_at *at, struct sut_job *j)
{
	static const char *const known[] = {
		"format",	"version",    "id",	 "issuer",  "created",
		"expires",	"not_before", "systems", "action",  "targets",
		"external_ids", "products",   "windows", "options", NULL};
	const char *id = NULL, *issuer = NULL, *action = NULL;
	int r = check_format(at);

	if (r == 0)
		r = job_known(at, known);
	if (r == 0)
		r = job_text(at, "id", true, SUT_JOB_ID_MAX, &id);
	if (r == 0 && !sut_is_token(id, SUT_JOB_ID_MAX, "._:-"))
		r = sut_json_bad(at, "id", "is not 1 to %d of A-Z a-z 0-9 . _ : -", SUT_JOB_ID_MAX);
	if (r == 0)
		r = job_text(at, "issuer", true, SUT_JOB_ISSUER_MAX, &issuer);
	if (r == 0)
		r = job_text(at, "action", true, 16, &action);
	if (r == 0 && !sut_job_action_parse(action, &j->action))
		r = sut_json_bad(at, "action",
				 "is none of \"apply\", \"unload\", \"verify\", \"check\" and "
				 "\"preflight\"");
	if (r < 0)
		return r;
	snprintf(j->id, sizeof(j->id), "%s", id);
	snprintf(j->issuer, sizeof(j->issuer), "%s", issuer);
	r = take_times(at, j);
	if (r == 0)
		r = take_systems(at, j);
	if (r == 0)
		r = take_targets(at, j);
	if (r == 0)
		r = take_products(at, j);
	if (r == 0)
		r = take_strings(at, "windows", SUT_JOB_WINDOWS_MAX, is_window,
				 "a window like \"Mon-Fri 22:00-04:00\"", &j->windows);
	return r < 0 ? r : take_options(at, j);
}

int sut_job_parse(const void *text, size_t len, struct sut_job *ret, struct sut_err *err)
{
	_cleanup_json_ json_t *doc = NULL;
	_cleanup_(sut_job_release) struct sut_job j = {0};
	struct sut_json_at at = job_top("the manifest", "format", err);
	int r;

	if (len > SUT_JOB_MANIFEST_MAX)
		return sut_json_bad(&at, "", "has more than %d bytes", SUT_JOB_MANIFEST_MAX);
	r = job_json_parse(&at, text, len, &doc);
	if (r == 0)
		r = take(&at, &j);
	if (r < 0)
		return r;
	*ret = j;
	j = (struct sut_job){0};
	return 0;
}

void sut_job_release(struct sut_job *j)
{
	sut_strv_release(&j->systems);
	sut_strv_release(&j->external_ids);
	sut_strv_release(&j->windows);
	free(j->targets);
	*j = (struct sut_job){0};
}

int sut_job_open(const void *envelope, size_t len, const struct sut_dsse_key *keys, size_t nkeys,
		 struct sut_job *ret, char ret_digest[static SUT_SHA256_HEX],
		 const struct sut_dsse_key **ret_by, struct sut_err *err)
{
	_cleanup_(sut_dsse_release) struct sut_dsse d = {0};
	const struct sut_dsse_key *by = NULL;
	int r;

	if (len > SUT_JOB_ENVELOPE_MAX)
		return sut_err_reason(err, EBADMSG, "envelope",
				      "the envelope has more than %d bytes, which no manifest "
				      "needs. Is this the right file?",
				      SUT_JOB_ENVELOPE_MAX);
	r = sut_dsse_parse(envelope, len, &d, err);
	if (r == 0 && keys)
		r = sut_dsse_verify(&d, SUT_JOB_TYPE, keys, nkeys, &by, err);
	if (r == 0)
		r = sut_job_parse(d.payload.data, d.payload.len, ret, err);
	if (r < 0)
		return r;
	sut_sha256_hex(d.payload.data, d.payload.len, ret_digest);
	if (ret_by)
		*ret_by = by;
	return 0;
}

/* ------------------------------------------------------------------ */

int sut_job_fresh(const struct sut_job *j, int64_t now, struct sut_err *err)
{
	char at[32], here[32];

	sut_job_time(now, here);
	if (now >= j->expires) {
		sut_job_time(j->expires, at);
		return sut_err_reason(err, ETIME, "expired",
				      "the job %s expired at %s, and here it is %s. Make it anew",
				      j->id, at, here);
	}
	if (j->created - SUT_JOB_CLOCK_SEC > now) {
		sut_job_time(j->created, at);
		return sut_err_reason(err, ERANGE, "clock",
				      "the job %s was made at %s, and here it is only %s: one of "
				      "the two clocks is wrong. Set it right",
				      j->id, at, here);
	}
	if (j->not_before > now) {
		sut_job_time(j->not_before, at);
		return sut_err_reason(err, EAGAIN, "not-yet",
				      "the job %s is not to begin before %s. Run it again then",
				      j->id, at);
	}
	return 0;
}

bool sut_job_names(const struct sut_job *j, const char *system_id, const char *external_id)
{
	if (system_id && *system_id && sut_strv_has(&j->systems, system_id))
		return true;
	return external_id && *external_id && sut_strv_has(&j->external_ids, external_id);
}

const struct sut_job_target *sut_job_target(const struct sut_job *j, const char *build_id)
{
	const struct sut_job_target *general = NULL;

	for (size_t i = 0; i < j->ntargets; i++) {
		if (!*j->targets[i].build_id)
			general = &j->targets[i];
		else if (strcmp(j->targets[i].build_id, build_id) == 0)
			return &j->targets[i];
	}
	return general;
}
