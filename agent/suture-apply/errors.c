// SPDX-License-Identifier: Apache-2.0
#include "errors.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "base/utf8.h"
#include "common/when.h"
#include "uapi/suture.h"

enum { STATE_MAX = 1 << 20 };

static const char *text_of(const json_t *e, const char *name)
{
	return json_string_value(json_object_get(e, name));
}

static bool is_error(const json_t *e)
{
	const char *at = text_of(e, "at"), *code = text_of(e, "code");
	int64_t t;

	return json_object_size(e) == 4 && code && *code && strlen(code) < SUT_ERR_REASON_MAX &&
	       text_of(e, "message") && strlen(text_of(e, "message")) <= ERRORS_TEXT_MAX &&
	       text_of(e, "patchset") && strlen(text_of(e, "patchset")) < SUTURE_ID_MAX && at &&
	       when_parse(at, &t);
}

json_t *errors_parse(const void *text, size_t len)
{
	json_t *state = len ? json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL) : NULL;
	const json_t *from = json_object_get(state, "errors");
	json_t *list = json_array(), *e;
	size_t i;

	json_array_foreach(from, i, e)
		if (json_array_size(list) < ERRORS_MAX && is_error(e))
			(void)!json_array_append(list, e);
	json_decref(state);
	return list;
}

json_t *errors_of(struct apply *a)
{
	struct agent_path path = agent_path(a->root, AGENT_APPLY_STATE);
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(STATE_MAX);

	if (!a->errors) {
		(void)!sut_file_read(path.s, &b, NULL);
		a->errors = errors_parse(sut_buf_str(&b), b.len);
	}
	return a->errors;
}

bool errors_drop(json_t *list, const char *code, const char *id)
{
	bool found = false;

	for (size_t i = json_array_size(list); i > 0; i--) {
		const json_t *e = json_array_get(list, i - 1);

		if (sut_streq(text_of(e, "code"), code) && sut_streq(text_of(e, "patchset"), id))
			found = json_array_remove(list, i - 1) == 0 || found;
	}
	return found;
}

static bool is_of_libraries(const json_t *e)
{
	return text_of(e, "patchset")[0] == 'U' || sut_streq(text_of(e, "code"), "no-daemon");
}

void errors_drop_of(json_t *list, const char *id)
{
	for (size_t i = json_array_size(list); i > 0; i--) {
		const json_t *e = json_array_get(list, i - 1);
		const char *of = text_of(e, "patchset");

		if (sut_streq(of, id) || (!*of && sut_streq(text_of(e, "code"), "no-daemon")))
			(void)!json_array_remove(list, i - 1);
	}
}

void errors_drop_kernel(json_t *list)
{
	for (size_t i = json_array_size(list); i > 0; i--)
		if (!is_of_libraries(json_array_get(list, i - 1)))
			(void)!json_array_remove(list, i - 1);
}

void errors_add(json_t *list, const struct sut_err *e, const char *id, int64_t now)
{
	const char *code = *e->reason ? e->reason : "error";
	char text[ERRORS_TEXT_MAX + 1], at[WHEN_MAX];

	/* A character that is cut in two becomes question marks. */
	snprintf(text, sizeof(text), "%.*s", ERRORS_TEXT_MAX, e->msg);
	sut_make_printable(text, "");
	when_text(now, at);
	(void)errors_drop(list, code, id);
	while (json_array_size(list) >= ERRORS_MAX)
		(void)!json_array_remove(list, 0);
	(void)!json_array_append_new(list,
				     json_pack("{s:s,s:s,s:o,s:s}", "code", code, "message", text,
					       "patchset", sut_report_text(id), "at", at));
}

const char *errors_find(const json_t *list, const char *code)
{
	const json_t *e;
	size_t i;

	json_array_foreach(list, i, e)
		if (sut_streq(text_of(e, "code"), code))
			return text_of(e, "message");
	return NULL;
}
