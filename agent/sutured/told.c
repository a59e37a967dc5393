// SPDX-License-Identifier: Apache-2.0
#include "sutured/told.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "base/utf8.h"
#include "tuf/json.h"

enum {
	DAY_S = 86400,
	CHECK_MIN_S = 60,
	CHECK_DEFAULT_S = 4 * 3600,
	PATCHSET_MAX = 63,
	PATH_MAX_BYTES = 512,
	SHA256_HEX = 64,
	BUILD_ID_HEX = 40,
};
static const int64_t serial_max = (INT64_C(1) << 53) - 2;
static const int64_t length_max = 64 << 20;

void told_release(struct told *t)
{
	json_decref(t->kernel);
	json_decref(t->libraries);
	json_decref(t->held);
	json_decref(t->notices);
	t->kernel = t->libraries = t->held = t->notices = NULL;
}

static int malformed(struct sut_err *err, const char *in, const char *member)
{
	return sut_err_reason(
		err, EPROTO, "portal-malformed",
		"the portal's answer has no proper \"%s%s%s\"; it is not obeyed. Is the portal "
		"older than this agent?",
		in, *in ? "." : "", member);
}

static bool is_printable(const char *s)
{
	const uint8_t *p = (const uint8_t *)s, *end = p + strlen(s);

	while (p < end)
		if (!sut_is_printable(sut_utf8_next(&p, end)))
			return false;
	return true;
}

static bool is_patchset(const char *s)
{
	return *s && strlen(s) <= PATCHSET_MAX && is_printable(s);
}

static int64_t clamp(const json_t *j, int64_t min, int64_t max, int64_t otherwise)
{
	int64_t v = (int64_t)json_integer_value(j);

	if (!json_is_integer(j))
		return otherwise;
	return v < min ? min : v > max ? max : v;
}

static bool has_int(const json_t *j, const char *member, int64_t min, int64_t max)
{
	const json_t *v = json_object_get(j, member);

	return json_is_integer(v) && json_integer_value(v) >= min && json_integer_value(v) <= max;
}

/* what: "kernel" or "libraries". */
static int take_run(const json_t *k, const char *what, json_t **ret, struct sut_err *err)
{
	const char *action = sut_json_text(k, "action"), *patchset = sut_json_text(k, "patchset");
	json_int_t level = json_integer_value(json_object_get(k, "level"));
	const char *sha256 = sut_json_text(k, "sha256"), *path = sut_json_text(k, "path");

	if (strcmp(action, "none") != 0 && strcmp(action, "keep") != 0 &&
	    strcmp(action, "unload") != 0 && strcmp(action, "apply") != 0)
		return malformed(err, what, "action");
	if (strcmp(action, "apply") != 0) {
		/* What is told beside it is for people. */
		*ret = json_pack("{s:s, s:s, s:I}", "action", action, "patchset",
				 is_patchset(patchset) ? patchset : "", "level",
				 has_int(k, "level", 0, INT32_MAX) ? level : 0);
		return *ret ? 0 : sut_err_oom(err);
	}
	if (!is_patchset(patchset))
		return malformed(err, what, "patchset");
	if (!has_int(k, "level", 1, INT32_MAX))
		return malformed(err, what, "level");
	if (!*path || strlen(path) > PATH_MAX_BYTES || !is_printable(path))
		return malformed(err, what, "path");
	if (strlen(sha256) != SHA256_HEX || strspn(sha256, "0123456789abcdef") != SHA256_HEX)
		return malformed(err, what, "sha256");
	if (!has_int(k, "length", 1, length_max))
		return malformed(err, what, "length");
	*ret = json_pack("{s:s, s:s, s:I, s:s, s:s, s:O}", "action", action, "patchset", patchset,
			 "level", level, "path", path, "sha256", sha256, "length",
			 json_object_get(k, "length"));
	return *ret ? 0 : sut_err_oom(err);
}

static bool is_build_id(const char *s)
{
	return strspn(s, "0123456789abcdef") == BUILD_ID_HEX && !s[BUILD_ID_HEX];
}

static int take_libraries(const json_t *list, json_t **ret, struct sut_err *err)
{
	_cleanup_json_ json_t *all = json_array();
	const json_t *e;
	size_t i;

	if (!all)
		return sut_err_oom(err);
	/* A portal that knows no libraries says nothing of them. */
	if (list && !json_is_array(list))
		return malformed(err, "", "libraries");
	json_array_foreach(list, i, e) {
		const char *build_id = sut_json_text(e, "build_id");
		json_t *run = NULL;
		int r;

		if (i == TOLD_LIBRARIES_MAX || !is_build_id(build_id))
			return malformed(err, "libraries", "build_id");
		r = take_run(e, "libraries", &run, err);
		if (r < 0)
			return r;
		if (json_object_set_new(run, "build_id", json_string(build_id)) < 0 ||
		    json_array_append(all, run) < 0) {
			json_decref(run);
			return sut_err_oom(err);
		}
		json_decref(run);
	}
	*ret = json_incref(all);
	return 0;
}

/* Those of at most `bytes`, as long as *left lasts: what the agent says in turn has to fit into one message. */
static json_t *words(const json_t *list, size_t bytes, size_t *left)
{
	json_t *ret = json_array(), *e;
	size_t i;

	json_array_foreach(list, i, e) {
		const char *s = json_string_value(e);

		if (!*left)
			break;
		if (s && *s && strlen(s) <= bytes && is_printable(s) &&
		    json_array_append_new(ret, json_string(s)) == 0)
			--*left;
	}
	return ret;
}

static json_t *take_held(const json_t *list)
{
	json_t *ret = json_array(), *e;
	size_t i, left = TOLD_CVES_MAX;

	json_array_foreach(list, i, e) {
		const char *patchset = sut_json_text(e, "patchset"),
			   *reason = sut_json_text(e, "reason");
		const char *until = sut_json_text(e, "until"),
			   *build_id = sut_json_text(e, "build_id");
		json_t *entry;

		if (i >= TOLD_HELD_MAX)
			break;
		if (!is_patchset(patchset) || !is_patchset(reason))
			continue;
		entry = json_pack("{s:s, s:I, s:s, s:o, s:o}", "patchset", patchset, "level",
				  (json_int_t)clamp(json_object_get(e, "level"), 0, INT32_MAX, 0),
				  "reason", reason, "until",
				  is_patchset(until) ? json_string(until) : json_null(), "cves",
				  words(json_object_get(e, "cves"), TOLD_CVE_MAX, &left));
		if (entry && is_build_id(build_id))
			(void)json_object_set_new(entry, "build_id", json_string(build_id));
		(void)json_array_append_new(ret, entry);
	}
	return ret;
}

int told_parse(const json_t *body, struct told *ret, struct sut_err *err)
{
	struct told t = {
		.next_checkin_s = clamp(json_object_get(body, "next_checkin_s"), 1, DAY_S, 0),
		.next_check_s = clamp(json_object_get(body, "next_check_s"), CHECK_MIN_S, 7 * DAY_S,
				      CHECK_DEFAULT_S),
	};
	size_t notices = TOLD_NOTICES_MAX;
	int r;

	if (!has_int(body, "serial", 0, serial_max))
		return malformed(err, "", "serial");
	t.serial = (int64_t)json_integer_value(json_object_get(body, "serial"));
	if (!t.next_checkin_s)
		return malformed(err, "", "next_checkin_s");
	(void)snprintf(t.feed, sizeof(t.feed), "%s", sut_json_text(body, "feed"));
	sut_make_printable(t.feed, "");
	r = take_run(json_object_get(body, "kernel"), "kernel", &t.kernel, err);
	if (r == 0)
		r = take_libraries(json_object_get(body, "libraries"), &t.libraries, err);
	if (r < 0) {
		told_release(&t);
		return r;
	}
	t.held = take_held(json_object_get(body, "held"));
	t.notices = words(json_object_get(body, "notices"), TOLD_TEXT_MAX, &notices);
	if (!t.held || !t.notices) {
		told_release(&t);
		return sut_err_oom(err);
	}
	*ret = t;
	return 0;
}
