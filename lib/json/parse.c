// SPDX-License-Identifier: Apache-2.0
#include "json/parse.h"

#include <errno.h>
#include <stdbool.h>

/*
 * Jansson says "invalid token" when memory is short, too, and may even read a text with a letter missing. A file that could not be read
 * is not one that is wrong: on that difference hangs whether somebody still believes what he has. So its allocations are watched,
 * behind whoever watches them already.
 */
static _Thread_local bool starved;
static json_malloc_t next_malloc;

static void *watched_malloc(size_t n)
{
	void *p = next_malloc(n);

	if (!p)
		starved = true;
	return p;
}

__attribute__((constructor)) static void watch(void)
{
	json_free_t release;

	json_get_alloc_funcs(&next_malloc, &release);
	json_set_alloc_funcs(watched_malloc, release);
}

/* Levels of nesting in text that may be anything. */
static size_t depth_of(const char *s, size_t len)
{
	size_t depth = 0, deepest = 0;
	bool in_string = false;

	for (size_t i = 0; i < len; i++) {
		if (in_string) {
			if (s[i] == '\\')
				i++;
			else if (s[i] == '"')
				in_string = false;
		} else if (s[i] == '"') {
			in_string = true;
		} else if (s[i] == '{' || s[i] == '[') {
			if (++depth > deepest)
				deepest = depth;
		} else if ((s[i] == '}' || s[i] == ']') && depth > 0) {
			depth--;
		}
	}
	return deepest;
}

static int refused(struct sut_json_why *why, const char *text, int line)
{
	if (why)
		*why = (struct sut_json_why){text, line > 0 ? (unsigned int)line : 0};
	return -EBADMSG;
}

int sut_json_object_parse(const void *data, size_t len, size_t depth, json_t **ret,
			  struct sut_json_why *why)
{
	_cleanup_json_ json_t *j = NULL;
	json_error_t e = {0};

	if (!len)
		return refused(why, "is empty", 0);
	if (depth_of(data, len) > depth)
		return refused(why, "is nested too deeply", 0);
	starved = false;
	j = json_loadb(data, len, JSON_REJECT_DUPLICATES, &e);
	if (starved || (!j && (json_error_code(&e) == json_error_out_of_memory || !e.text[0])))
		return -ENOMEM;
	if (!j && json_error_code(&e) == json_error_duplicate_key)
		return refused(why, "has the same member twice", e.line);
	if (!j)
		return refused(why, "is not JSON, or its text is not UTF-8", e.line);
	if (!json_is_object(j))
		return refused(why, "is no JSON object", 0);
	*ret = sut_steal(j);
	return 0;
}
