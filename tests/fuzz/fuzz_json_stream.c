// SPDX-License-Identifier: Apache-2.0
/* The reader of JSON as it comes agrees with the one that holds all of it, and with itself, whatever the pieces are. */
#include <jansson.h>
#include <string.h>

#include "fuzz.h"
#include "json/stream.h"

struct told {
	uint64_t hash;
	unsigned int events;
	size_t depth;
};

static void mix(struct told *t, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		t->hash = (t->hash ^ (uint8_t)s[i]) * 1099511628211u;
}

static int event(void *ctx, struct sut_json_stream *s, enum sut_json_event e, const char *text)
{
	struct told *t = ctx;
	char what = (char)e;

	FUZZ_ASSERT(strlen(text) <= 100);
	FUZZ_ASSERT(sut_json_stream_depth(s) <= SUT_JSON_STREAM_DEPTH);
	mix(t, &what, 1);
	mix(t, text, strlen(text) + 1);
	for (size_t i = 1; i <= sut_json_stream_depth(s); i++)
		mix(t, sut_json_stream_key(s, i), strlen(sut_json_stream_key(s, i)) + 1);
	t->events++;
	return 0;
}

static int run(struct told *t, const uint8_t *data, size_t len, size_t piece, bool *ret_deep)
{
	const struct sut_json_stream_opts o = {.string_max = 100, .event = event, .ctx = t};
	struct sut_json_stream *s;
	int r = sut_json_stream_open(&o, &s);

	FUZZ_ASSERT(r == 0);
	while (r == 0 && len) {
		size_t n = len < piece ? len : piece;

		r = sut_json_stream_feed(s, data, n);
		data += n;
		len -= n;
	}
	if (r == 0)
		r = sut_json_stream_finish(s);
	FUZZ_ASSERT(r == 0 || *sut_json_stream_why(s));
	*ret_deep = r < 0 && strstr(sut_json_stream_why(s), "deeply");
	sut_json_stream_free(s);
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct told a = {0}, b = {0};
	bool is_deep, again;
	json_error_t e;
	json_t *j;
	int r = run(&a, data, len, len ? len : 1, &is_deep);

	FUZZ_ASSERT(run(&b, data, len, 1, &again) == r && again == is_deep);
	FUZZ_ASSERT(a.hash == b.hash && a.events == b.events);
	/* Jansson does not take a NUL in a key, nor numbers that its types do not hold; and a byte of 0 is an end for it. */
	if (is_deep || (len && (memmem(data, len, "\\u0000", 6) || memchr(data, 0, len))))
		return 0;
	j = json_loadb((const char *)data, len, JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, &e);
	FUZZ_ASSERT(!j == (r < 0) || (!j && json_error_code(&e) == json_error_numeric_overflow));
	json_decref(j);
	return 0;
}
