// SPDX-License-Identifier: Apache-2.0
/* The output of diff, applied to two files of 40 lines; the first bytes choose what is selected. */
#include <string.h>

#include "fix/change.h"
#include "fuzz.h"

enum { LINES = 40 };

static void fill(struct sut_text *t, char c)
{
	char text[2 * LINES];

	for (int i = 0; i < LINES; i++) {
		text[2 * i] = c;
		text[2 * i + 1] = '\n';
	}
	if (sut_text_set(text, sizeof(text), t) < 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	_cleanup_buf_ struct sut_buf out = SUT_BUF_INIT(1 << 20);
	struct sut_text a = {0}, b = {0};
	struct sut_changes c = {0};
	uint32_t next = 1;

	if (len < 4 || sut_changes_parse((const char *)data + 4, len - 4, LINES, LINES, &c) < 0)
		return 0;
	fill(&a, 'a');
	fill(&b, 'b');
	for (size_t i = 0; i < c.n; i++)
		c.v[i].selected = data[i % 4] >> (i / 4 % 8) & 1;
	sut_changes_number(&c, &next);
	FUZZ_ASSERT(sut_changes_write(&c, "x.c", &a, &b, NULL, &out) == 0);
	FUZZ_ASSERT((next > 1) == (out.len > 0));
	sut_changes_release(&c);
	sut_text_release(&a);
	sut_text_release(&b);
	return 0;
}
