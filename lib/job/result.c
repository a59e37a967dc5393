// SPDX-License-Identifier: Apache-2.0
#include "job/result.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "base/utf8.h"
#include "job/json.h"
#include "job/manifest.h"

/* ------------------------------------------------------------------ */
/* Steps.                                                              */

static void end(struct sut_job_step *s, bool failed, const char *text, int64_t now, uint64_t now_ms)
{
	s->ended = now ? now : 1; /* 0 says that it runs */
	s->took_ms = now_ms > s->began_ms ? now_ms - s->began_ms : 0;
	s->failed = failed;
	if (text && *text) {
		snprintf(s->text, sizeof(s->text), "%s", text);
		sut_make_printable(s->text, "");
	}
}

/* Only the last one can be running. */
static struct sut_job_step *running(struct sut_job_steps *s)
{
	return s->n && !s->v[s->n - 1].ended ? &s->v[s->n - 1] : NULL;
}

void sut_job_step_begin(struct sut_job_steps *s, const char *name, int64_t now, uint64_t now_ms)
{
	struct sut_job_step *last = running(s), *step;

	if (last && strncmp(last->name, name, sizeof(last->name) - 1) == 0)
		return;
	if (last)
		end(last, false, NULL, now, now_ms);
	if (s->n == SUT_JOB_STEPS_MAX)
		return;
	step = &s->v[s->n++];
	*step = (struct sut_job_step){.begun = now, .began_ms = now_ms};
	snprintf(step->name, sizeof(step->name), "%s", name);
	sut_make_printable(step->name, "");
}

void sut_job_step_end(struct sut_job_steps *s, const char *name, bool failed, const char *text,
		      int64_t now, uint64_t now_ms)
{
	struct sut_job_step *last = running(s);

	if (last && strncmp(last->name, name, sizeof(last->name) - 1) == 0)
		end(last, failed, text, now, now_ms);
}

/* ------------------------------------------------------------------ */
/* Writing.                                                            */

static json_t *text_or_null(const char *s)
{
	return s ? job_json_text(s) : json_null();
}

static json_t *time_or_null(int64_t t)
{
	char s[32];

	sut_job_time(t, s);
	return t ? json_string(s) : json_null();
}

static json_t *value_or_null(json_t *v)
{
	return v ? json_incref(v) : json_null();
}

static json_t *step_json(const struct sut_job_step *s)
{
	return json_pack("{s:o,s:o,s:o,s:I,s:s,s:o}", "step", job_json_text(s->name), "begun",
			 time_or_null(s->begun), "ended", time_or_null(s->ended), "took_ms",
			 (json_int_t)s->took_ms, "outcome",
			 !s->ended   ? "cut"
			 : s->failed ? "failed"
				     : "ok",
			 "text", job_json_text(s->text));
}

/* NULL when memory is short. */
static json_t *steps_json(const struct sut_job_steps *s)
{
	json_t *list = json_array();

	for (size_t i = 0; list && s && i < s->n; i++)
		if (json_array_append_new(list, step_json(&s->v[i])) < 0) {
			json_decref(list);
			return NULL;
		}
	return list;
}

static json_t *error_json(const struct sut_err *e)
{
	if (!e || !e->code)
		return json_null();
	return json_pack("{s:o,s:o}", "reason", job_json_text(*e->reason ? e->reason : "error"),
			 "message", job_json_text(e->msg));
}

static json_t *document(const struct sut_job_report *r, bool whole)
{
	return json_pack(
		"{s:s,s:i,s:o,s:o,s:o,s:o,s:o,s:o,s:i,s:b,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,"
		"s:b,s:o}",
		"format", SUT_JOB_RESULT_FORMAT, "version", SUT_JOB_RESULT_VERSION, "job",
		text_or_null(r->job), "issuer", text_or_null(r->issuer), "action",
		text_or_null(r->action), "manifest_sha256", text_or_null(r->manifest_sha256),
		"agent", text_or_null(r->agent), "outcome", job_json_text(r->outcome), "exit",
		r->exit, "dry_run", r->dry_run, "begun", time_or_null(r->begun), "ended",
		time_or_null(r->ended), "system", value_or_null(r->host), "kernel",
		value_or_null(r->kernel), "before", value_or_null(r->before), "after",
		value_or_null(r->after), "libraries", value_or_null(whole ? r->libraries : NULL),
		"available", value_or_null(whole ? r->available : NULL), "result",
		value_or_null(whole ? r->result : NULL), "steps", steps_json(r->steps), "shortened",
		!whole, "error", error_json(r->error));
}

/* Where the text goes. Jansson's own buffer may lose a piece when memory is short, and not say so. */
struct sink {
	struct sut_buf *out;
	int r;
};

static int add(const char *text, size_t len, void *arg)
{
	struct sink *s = arg;

	if (s->r == 0)
		s->r = sut_buf_add(s->out, text, len);
	return s->r < 0 ? -1 : 0;
}

int sut_job_result_make(const struct sut_job_report *r, struct sut_buf *out, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf text = SUT_BUF_INIT(SUT_JOB_RESULT_MAX);
	struct sink s = {.out = &text};

	for (int whole = 1; whole >= 0; whole--) {
		_cleanup_json_ json_t *j = document(r, whole);
		int d;

		text.len = 0;
		s.r = 0;
		d = j ? json_dump_callback(j, add, &s, JSON_COMPACT) : -1;
		if (d == 0)
			s.r = sut_buf_add(out, text.data, text.len);
		if (d == 0 && s.r == 0)
			return 0;
		if (s.r != -ENOBUFS)
			return sut_err_oom(err);
	}
	return sut_err_set(err, EFBIG, "the result of the job is too large");
}

/* ------------------------------------------------------------------ */
/* Reading.                                                            */

static int take(const struct sut_json_at *at, struct sut_job_result *ret)
{
	const json_t *version = json_object_get(at->node, "version");
	const json_t *job = json_object_get(at->node, "job");
	int64_t exit = 0;
	struct sut_json_at host;
	int r;

	if (!sut_streq(json_string_value(json_object_get(at->node, "format")),
		       SUT_JOB_RESULT_FORMAT))
		return sut_json_bad(at, "format", "is not \"" SUT_JOB_RESULT_FORMAT "\"");
	if (!json_is_integer(version) || json_integer_value(version) < 1)
		return sut_json_bad(at, "version", "is missing or not a positive integer");
	if (json_integer_value(version) != SUT_JOB_RESULT_VERSION)
		return sut_err_reason(at->err, EPROTONOSUPPORT, "version",
				      "the result has format version %lld and this suture reads "
				      "version %d. Upgrade suture",
				      (long long)json_integer_value(version),
				      SUT_JOB_RESULT_VERSION);
	ret->job = NULL;
	r = json_is_null(job) ? 0 : job_text(at, "job", true, SUT_JOB_ID_MAX, &ret->job);
	if (r == 0)
		r = job_text(at, "outcome", true, 40, &ret->outcome);
	if (r == 0 && !sut_is_token(ret->outcome, 40, "-"))
		r = sut_json_bad(at, "outcome", "is not a word");
	if (r == 0)
		r = sut_json_int(at, "exit", true, 0, 255, &exit);
	if (r == 0)
		r = sut_json_object(at, "system", true, &host);
	if (r == 0)
		r = job_text(&host, "system_id", true, 64, &ret->system_id);
	ret->exit = (int)exit;
	return r;
}

int sut_job_result_parse(const void *text, size_t len, struct sut_job_result *ret,
			 struct sut_err *err)
{
	_cleanup_json_ json_t *doc = NULL;
	struct sut_job_result got = {0};
	struct sut_json_at at = job_top("the result", "format", err);
	int r;

	if (len > SUT_JOB_RESULT_MAX)
		return sut_json_bad(&at, "", "has more than %d bytes", SUT_JOB_RESULT_MAX);
	r = job_json_parse(&at, text, len, &doc);
	if (r == 0)
		r = take(&at, &got);
	if (r < 0)
		return r;
	*ret = got;
	ret->root = sut_steal(doc);
	return 0;
}

void sut_job_result_release(struct sut_job_result *r)
{
	json_decref(r->root);
	*r = (struct sut_job_result){0};
}

int sut_job_result_open(const void *envelope, size_t len, const struct sut_dsse_key *keys,
			size_t nkeys, struct sut_job_result *ret,
			const struct sut_dsse_key **ret_by, struct sut_err *err)
{
	_cleanup_(sut_dsse_release) struct sut_dsse d = {0};
	const struct sut_dsse_key *by = NULL;
	int r = sut_dsse_parse(envelope, len, &d, err);

	if (r == 0 && keys)
		r = sut_dsse_verify(&d, SUT_JOB_RESULT_TYPE, keys, nkeys, &by, err);
	if (r == 0)
		r = sut_job_result_parse(d.payload.data, d.payload.len, ret, err);
	if (r == 0 && ret_by)
		*ret_by = by;
	return r;
}
