// SPDX-License-Identifier: Apache-2.0
#include "job/json.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "job/manifest.h"

struct sut_json_at job_top(const char *doc, const char *reason, struct sut_err *err)
{
	return (struct sut_json_at){.doc = doc,
				    .reason = reason,
				    .advice =
					    "Whoever made it has to mend it (docs/formats/job.md)",
				    .err = err};
}

int job_json_parse(struct sut_json_at *at, const void *text, size_t len, json_t **ret)
{
	struct sut_json_why why;
	int r = sut_json_object_parse(text, len, JOB_JSON_DEPTH_MAX, ret, &why);

	if (r == -ENOMEM)
		return sut_err_oom(at->err);
	if (r < 0 && why.line)
		return sut_json_bad(at, "", "%s (line %u)", why.text, why.line);
	if (r < 0)
		return sut_json_bad(at, "", "%s", why.text);
	at->node = *ret;
	return 0;
}

int job_known(const struct sut_json_at *at, const char *const *known)
{
	const char *key;
	json_t *v;

	json_object_foreach((json_t *)at->node, key, v) {
		size_t i = 0;

		while (known[i] && strcmp(known[i], key) != 0)
			i++;
		if (!known[i])
			return sut_json_bad(at, key, "is not known here");
	}
	return 0;
}

bool job_is_printable(const char *s)
{
	const uint8_t *p = (const uint8_t *)s, *end = p + strlen(s);

	while (p < end)
		if (!sut_is_printable(sut_utf8_next(&p, end)))
			return false;
	return true;
}

int job_text(const struct sut_json_at *at, const char *key, bool must, size_t max, const char **ret)
{
	const char *s = NULL;
	int r = sut_json_string(at, key, must, &s);

	if (r < 0)
		return r;
	if (s && (!*s || strlen(s) > max || !job_is_printable(s)))
		return sut_json_bad(at, key, "is not a printable text of 1 to %zu bytes", max);
	*ret = s;
	return 0;
}

int job_time(const struct sut_json_at *at, const char *key, bool must, int64_t *ret)
{
	const json_t *v = json_object_get(at->node, key);
	const char *s = json_string_value(v);

	if (!v && !must) {
		*ret = 0;
		return 0;
	}
	if (!s || sut_job_time_parse(s, ret) < 0)
		return sut_json_bad(at, key, "is not a time like \"2026-11-22T06:15:00Z\"");
	return 0;
}

json_t *job_json_text(const char *s)
{
	_cleanup_(sut_freep) char *copy = strdup(s);

	if (!copy)
		return NULL;
	sut_make_printable(copy, "\n\t");
	return json_string(copy);
}
