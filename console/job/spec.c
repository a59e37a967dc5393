// SPDX-License-Identifier: Apache-2.0
#include "job/spec.h"

#include <string.h>

#include "base/str.h"
#include "job/make.h"
#include "json/parse.h"

static int take_products(struct web_resp *r, json_t *list, struct job_spec *s)
{
	json_t *item;
	size_t i;

	s->kernel = s->library = false;
	json_array_foreach(list, i, item) {
		const char *w = json_string_value(item);

		if (sut_streq(w, "kernel"))
			s->kernel = true;
		else if (sut_streq(w, "library"))
			s->library = true;
		else
			return web_bad_field(r, "/products",
					     "it is a list of \"kernel\" and \"library\"");
	}
	if (!s->kernel && !s->library)
		return web_bad_field(r, "/products", "name \"kernel\", \"library\", or both");
	if (s->action == SUT_JOB_VERIFY && !s->kernel)
		return web_bad_field(r, "/products", "\"verify\" compares the code of the kernel");
	return 0;
}

static int take_windows(struct web_resp *r, json_t *list)
{
	json_t *item;
	size_t i;

	json_array_foreach(list, i, item) {
		const char *w = json_string_value(item);
		char where[32];

		if (w && job_window_ok(w))
			continue;
		(void)snprintf(where, sizeof(where), "/windows/%zu", i);
		return web_bad_field(r, where,
				     "it is no window. Write days and times of the systems: "
				     "\"Mon-Fri 22:00-04:00\", or \"daily 02:00-05:00\"");
	}
	return 0;
}

static int take_target(struct web_resp *r, const json_t *t)
{
	const char *patchset = json_string_value(json_object_get(t, "patchset"));

	if (json_object_size(t) == 1 && json_is_true(json_object_get(t, "latest")))
		return 0;
	if (json_object_size(t) == 1 && patchset &&
	    sut_is_token(patchset, SUT_JOB_PATCHSET_MAX, "._-"))
		return 0;
	return web_bad_field(r, "/target",
			     "it is {\"latest\": true}, or {\"patchset\": NAME} with a name of "
			     "GET /v1/patches");
}

static int take_texts(struct web_resp *r, const char *where, const json_t *list)
{
	json_t *item;
	size_t i;

	if (!json_is_array(list) || json_array_size(list) < 1 ||
	    json_array_size(list) > JOB_SELECT_MAX)
		return web_bad_field(r, where, "it is a list of 1 to %d texts", JOB_SELECT_MAX);
	json_array_foreach(list, i, item) {
		const char *w = json_string_value(item);

		if (!w || !*w || strlen(w) > 255)
			return web_bad_field(r, where, "entry %zu is no text of 1 to 255 bytes", i);
	}
	return 0;
}

static int take_query(struct web_resp *r, json_t *query)
{
	static const char *const known[] = {"q", "feed", "tag", "state", NULL};
	const char *key;
	json_t *value;

	if (!json_is_object(query) || !json_object_size(query))
		return web_bad_field(r, "/select/query", "it is an object of q, feed, tag, state");
	json_object_foreach(query, key, value) {
		const char *w = json_string_value(value);
		size_t i = 0;

		while (known[i] && strcmp(known[i], key) != 0)
			i++;
		if (!known[i] || !w || !*w || strlen(w) > 255)
			return web_bad_field(r, "/select/query",
					     "it is an object of q, feed, tag, state, each a text");
	}
	return 0;
}

static int take_select(struct web_resp *r, json_t *select)
{
	static const char *const lists[] = {"systems", "cves", "findings", "verdicts", NULL};
	const char *key;
	json_t *value;
	int rc = 0;

	if (!json_object_size(select))
		return web_bad_field(r, "/select",
				     "say which systems: systems, cves, findings, verdicts, query");
	json_object_foreach(select, key, value) {
		char where[64];
		size_t i = 0;

		(void)snprintf(where, sizeof(where), "/select/%.40s", key);
		while (lists[i] && strcmp(lists[i], key) != 0)
			i++;
		if (lists[i])
			rc = take_texts(r, where, value);
		else if (sut_streq(key, "query"))
			rc = take_query(r, value);
		else
			rc = web_bad_field(
				r, where, "it is none of systems, cves, findings, verdicts, query");
		if (rc)
			return rc;
	}
	return 0;
}

static int take_batch(struct web_resp *r, const json_t *batch, struct job_spec *s)
{
	const json_t *size = json_object_get(batch, "size");
	const json_t *pause = json_object_get(batch, "pause_s");
	size_t known = (size ? 1 : 0) + (pause ? 1 : 0);

	if (known != json_object_size(batch) || (size && !json_is_integer(size)) ||
	    (pause && !json_is_integer(pause)))
		return web_bad_field(r, "/batch", "it is {\"size\": N, \"pause_s\": N}");
	s->batch_size = json_integer_value(size);
	s->batch_pause_s = json_integer_value(pause);
	if (s->batch_size < 0 || s->batch_size > JOB_SYSTEMS_MAX)
		return web_bad_field(r, "/batch/size", "it is 0 (all at once) to %d",
				     JOB_SYSTEMS_MAX);
	if (s->batch_pause_s < 0 || s->batch_pause_s > JOB_PAUSE_MAX_S)
		return web_bad_field(r, "/batch/pause_s", "it is 0 to %d", JOB_PAUSE_MAX_S);
	return 0;
}

static void default_title(struct job_spec *s)
{
	static const char *const titles[] = {
		[SUT_JOB_APPLY] = "Apply live patches",
		[SUT_JOB_UNLOAD] = "Take live patches out",
		[SUT_JOB_VERIFY] = "Compare the running code",
		[SUT_JOB_CHECK] = "Look for patches",
		[SUT_JOB_PREFLIGHT] = "Check whether patches can be applied",
	};

	if (!*s->title)
		s->title = titles[s->action];
}

/* What belongs together. */
static int judge(struct web_req *q, struct web_resp *r, struct job_spec *s)
{
	bool wanted = s->action == SUT_JOB_APPLY || s->action == SUT_JOB_PREFLIGHT;

	if (!wanted)
		s->target = NULL;
	if (s->library && s->target && json_object_get(s->target, "patchset"))
		return web_bad_field(r, "/target",
				     "a patchset is named for the kernel alone: libraries get what "
				     "is newest for each. Leave \"library\" out of products, or "
				     "target {\"latest\": true}");
	if (s->not_before && s->not_before > q->now + s->expires_hours * 3600)
		return web_bad_field(r, "/not_before",
				     "the job would have expired by then; make "
				     "expires_hours larger");
	default_title(s);
	return 0;
}

int job_spec_take(struct web_req *q, struct web_resp *r, struct job_spec *ret)
{
	struct job_spec s = {.title = "",
			     .kernel = true,
			     .expires_hours = JOB_EXPIRES_DEFAULT_H,
			     .max_failed = -1};
	json_t *products = NULL, *batch = NULL;
	const char *action = "apply";
	const struct web_field fields[] = {
		{"title", WEB_T_STRING, WEB_EMPTY_OK, 0, JOB_TITLE_MAX, &s.title, NULL},
		{"action", WEB_T_STRING, 0, 0, 16, &action, NULL},
		{"products", WEB_T_ARRAY, 0, 0, 2, &products, NULL},
		{"select", WEB_T_OBJECT, WEB_REQUIRED, 0, 0, &s.select, NULL},
		{"dry_run", WEB_T_BOOL, 0, 0, 0, &s.dry_run, NULL},
		{"windows", WEB_T_ARRAY, WEB_NULLABLE, 0, SUT_JOB_WINDOWS_MAX, &s.windows, NULL},
		{"not_before", WEB_T_TIME, WEB_NULLABLE, 0, 0, &s.not_before, NULL},
		{"expires_hours", WEB_T_INT, 0, 1, JOB_EXPIRES_MAX_H, &s.expires_hours, NULL},
		{"batch", WEB_T_OBJECT, WEB_NULLABLE, 0, 0, &batch, NULL},
		{"max_failed", WEB_T_INT, WEB_NULLABLE, 0, JOB_SYSTEMS_MAX, &s.max_failed, NULL},
		{"target", WEB_T_OBJECT, WEB_NULLABLE, 0, 0, &s.target, NULL},
	};
	int rc = WEB_TAKE(q, r, fields);

	if (rc == 0 && !sut_job_action_parse(action, &s.action))
		rc = web_bad_field(r, "/action",
				   "it is one of apply, unload, verify, check, preflight");
	if (rc == 0 && products)
		rc = take_products(r, products, &s);
	if (rc == 0)
		rc = take_select(r, s.select);
	if (rc == 0 && s.windows)
		rc = take_windows(r, s.windows);
	if (rc == 0 && batch)
		rc = take_batch(r, batch, &s);
	if (rc == 0 && s.target)
		rc = take_target(r, s.target);
	if (rc == 0)
		rc = judge(q, r, &s);
	if (rc == 0)
		*ret = s;
	return rc;
}

json_t *job_spec_json(const struct job_spec *s)
{
	json_t *products = json_array();

	if (s->kernel)
		(void)json_array_append_new(products, json_string("kernel"));
	if (s->library)
		(void)json_array_append_new(products, json_string("library"));
	return json_pack("{s:s, s:s, s:o, s:b, s:O, s:O*, s:O*, s:I, s:I, s:I, s:I, s:I}", "title",
			 s->title, "action", sut_job_action_word(s->action), "products", products,
			 "dry_run", s->dry_run, "select", s->select, "windows", s->windows,
			 "target", s->target, "not_before", (json_int_t)s->not_before,
			 "expires_hours", (json_int_t)s->expires_hours, "batch_size",
			 (json_int_t)s->batch_size, "batch_pause_s", (json_int_t)s->batch_pause_s,
			 "max_failed", (json_int_t)s->max_failed);
}

static int64_t number(const json_t *doc, const char *name, int64_t otherwise)
{
	const json_t *v = json_object_get(doc, name);

	return json_is_integer(v) ? json_integer_value(v) : otherwise;
}

void job_spec_read(const json_t *doc, struct job_spec *ret)
{
	json_t *item;
	size_t i;

	*ret = (struct job_spec){
		.title = sut_json_text(doc, "title"),
		.dry_run = json_is_true(json_object_get(doc, "dry_run")),
		.select = json_object_get(doc, "select"),
		.windows = json_object_get(doc, "windows"),
		.target = json_object_get(doc, "target"),
		.not_before = number(doc, "not_before", 0),
		.expires_hours = number(doc, "expires_hours", JOB_EXPIRES_DEFAULT_H),
		.batch_size = number(doc, "batch_size", 0),
		.batch_pause_s = number(doc, "batch_pause_s", 0),
		.max_failed = number(doc, "max_failed", -1),
	};
	(void)!sut_job_action_parse(sut_json_text(doc, "action"), &ret->action);
	json_array_foreach(json_object_get(doc, "products"), i, item) {
		if (sut_streq(json_string_value(item), "kernel"))
			ret->kernel = true;
		if (sut_streq(json_string_value(item), "library"))
			ret->library = true;
	}
}
