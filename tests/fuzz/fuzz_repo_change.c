// SPDX-License-Identifier: Apache-2.0
/* repo/change.h: a change.json that comes back from another machine, and what is said of it. */
#include <string.h>

#include "describe.h"
#include "fuzz.h"

static void check_files(const struct sut_change *c)
{
	json_t *files = json_object_get(c->doc, "files"), *f;
	size_t i;

	json_array_foreach(files, i, f) {
		const char *path = json_string_value(json_object_get(f, "path"));

		FUZZ_ASSERT(path && !strncmp(path, "targets/", 8) && !strstr(path, "/.") &&
			    !strstr(path, "//"));
	}
}

/* Whatever it holds, it cannot speak to the terminal. */
static void check_text(const struct sut_buf *b)
{
	for (size_t i = 0; i < b->len; i++)
		FUZZ_ASSERT(b->data[i] == '\n' || (b->data[i] >= 0x20 && b->data[i] != 0x7f));
}

static void check(const struct sut_change *c)
{
	_cleanup_buf_ struct sut_buf text = SUT_BUF_INIT(SUT_DESCRIBE_MAX),
				     file = SUT_BUF_INIT(SUT_CHANGE_MAX);
	_cleanup_(sut_change_freep) struct sut_change *again = NULL;
	_cleanup_(sut_change_needs_release) struct sut_change_needs needs = {0};
	struct sut_err err = {0};
	size_t n;

	check_files(c);
	if (sut_change_needs(c, &needs, &err) == 0)
		for (size_t i = 0; i < needs.n; i++)
			FUZZ_ASSERT(needs.v[i].threshold >= 1 &&
				    needs.v[i].missing.n == needs.v[i].ids.n);
	if (sut_describe_change(c, 0, &text, &err) == 0)
		check_text(&text);
	if (sut_describe_needs(c, &text, &err) == 0)
		check_text(&text);
	FUZZ_ASSERT(sut_change_format(c, &file, &err) == 0);
	FUZZ_ASSERT(sut_change_parse(file.data, file.len, &again, &err) == 0);
	FUZZ_ASSERT(sut_change_merge(again, c, &n, &err) == 0 && n == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sut_change *c = NULL;
	struct sut_err err = {0};

	if (sut_change_parse(data, size, &c, &err) == 0)
		check(c);
	else
		FUZZ_ASSERT(!c && err.code && err.msg[0]);
	sut_change_free(c);
	return 0;
}
