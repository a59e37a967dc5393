// SPDX-License-Identifier: Apache-2.0
#include "agent/libraries.h"

#include <stdbool.h>

#include "base/str.h"
#include "json/parse.h"

enum { SHOWN_MAX = 4, WORDS_MAX = 8 };

/* Of what was not touched, or failed, the result does not say what runs: its numbers are 0. */
static bool tells(const json_t *l)
{
	const char *outcome = sut_json_text(l, "outcome");

	return sut_streq(outcome, "applied") || sut_streq(outcome, "already-applied");
}

char *agent_libraries_now(const char *stored, const json_t *said)
{
	json_t *list = json_loads(stored, 0, NULL), *a, *b;
	char *text = NULL;
	bool changed = false;
	size_t i, k;

	json_array_foreach(list, i, a) {
		json_array_foreach(said, k, b) {
			static const char *const same[] = {"level", "patchset", "processes",
							   "patched", NULL};

			if (!tells(b) || !json_equal(json_object_get(a, "build_id"),
						     json_object_get(b, "build_id")))
				continue;
			for (size_t m = 0; same[m]; m++) {
				json_t *v = json_object_get(b, same[m]);

				if (v && !json_is_null(v) && json_object_set(a, same[m], v) == 0)
					changed = true;
			}
		}
	}
	if (changed)
		text = json_dumps(list, JSON_COMPACT);
	json_decref(list);
	return text;
}

static json_int_t number(const json_t *l, const char *name)
{
	json_int_t n = json_integer_value(json_object_get(l, name));

	return n > 0 ? n : 0;
}

/* " (1 traced, 2 busy)" */
static int add_reasons(const json_t *reasons, struct sut_buf *out)
{
	const char *word;
	json_t *n;
	int i = 0, r = 0;

	json_object_foreach((json_t *)reasons, word, n) {
		if (r < 0 || i == WORDS_MAX || json_integer_value(n) < 1)
			continue;
		r = sut_buf_addf(out, "%s%lld %s", i ? ", " : " (",
				 (long long)json_integer_value(n), word);
		i++;
	}
	return r == 0 && i ? sut_buf_addstr(out, ")") : r;
}

static int add_library(const json_t *l, struct sut_buf *out)
{
	json_int_t processes = number(l, "processes"), patched = number(l, "patched");
	const char *name = sut_json_text(l, "name");
	int r = sut_buf_addf(out, " %s: in %lld of %lld process%s", *name ? name : "a library",
			     (long long)patched, (long long)processes, processes == 1 ? "" : "es");

	if (r == 0 && patched < processes)
		r = add_reasons(json_object_get(l, "reasons"), out);
	return r == 0 ? sut_buf_addstr(out, ".") : r;
}

int agent_libraries_text(const json_t *said, struct sut_buf *out)
{
	size_t i, shown = 0, left = 0;
	const json_t *l;
	int r = 0;

	for (int whole = 0; whole < 2; whole++)
		json_array_foreach(said, i, l) {
			if (r < 0 || !number(l, "processes") ||
			    (number(l, "patched") >= number(l, "processes")) != (whole == 1))
				continue;
			if (shown == SHOWN_MAX) {
				left++;
				continue;
			}
			r = add_library(l, out);
			shown++;
		}
	return r == 0 && left ? sut_buf_addf(out, " And %zu more.", left) : r;
}
