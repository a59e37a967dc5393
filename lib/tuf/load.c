// SPDX-License-Identifier: Apache-2.0
#include "tuf/load.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct sut_json_at sut_tuf_top(const json_t *doc, const char *what, struct sut_err *err)
{
	return (struct sut_json_at){.node = doc,
				    .doc = what,
				    .reason = "format",
				    .advice =
					    "Whoever made this file has to mend it; until then the "
					    "last good one stays in use",
				    .err = err};
}

struct sut_json_at sut_tuf_at_value(const struct sut_json_at *at, json_t *value)
{
	struct sut_json_at r = *at;

	r.node = value;
	snprintf(r.path, sizeof(r.path), "an entry of %.80s", at->path);
	return r;
}

int sut_tuf_get_strings(const struct sut_json_at *at, const char *key, size_t max, size_t max_len,
			const char ***ret, size_t *ret_n)
{
	_cleanup_(sut_freep) const char **v = NULL;
	struct sut_json_at list;
	size_t n;
	int r = sut_json_list(at, key, true, 0, max, &list);

	if (r < 0)
		return r;
	n = json_array_size(list.node);
	if (n) {
		v = calloc(n, sizeof(*v));
		if (!v)
			return sut_err_oom(at->err);
	}
	for (size_t i = 0; i < n; i++) {
		const json_t *s = json_array_get(list.node, i);

		if (!json_is_string(s) || !json_string_length(s) || json_string_length(s) > max_len)
			return sut_json_bad(&list, "",
					    "has an entry that is not a string of 1 to "
					    "%zu bytes",
					    max_len);
		v[i] = json_string_value(s);
	}
	*ret = sut_steal(v);
	*ret_n = n;
	return 0;
}

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int sut_tuf_duplicates(const char *const *v, size_t n)
{
	_cleanup_(sut_freep) const char **sorted = NULL;

	if (n < 2)
		return 0;
	sorted = calloc(n, sizeof(*sorted));
	if (!sorted)
		return -ENOMEM;
	memcpy(sorted, v, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), by_bytes);
	for (size_t i = 1; i < n; i++)
		if (!strcmp(sorted[i - 1], sorted[i]))
			return 1;
	return 0;
}
