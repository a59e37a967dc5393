// SPDX-License-Identifier: Apache-2.0
#include "sample_kallsyms.h"

#include <stdlib.h>
#include <string.h>

/* One token stands for several letters, so that expansion is really needed. */
static const char long_token[] = "unix_";
enum { LONG_TOKEN = 0x90 };

static void must(int r)
{
	if (r < 0)
		abort();
}

static void add32(struct sut_buf *b, uint32_t v)
{
	must(sut_buf_add(b, &v, sizeof(v)));
}

static void add_offsets(struct sut_buf *b, enum sample_layout l, const struct sample_sym *s,
			size_t n)
{
	uint64_t base = l == SAMPLE_6_15 ? s[0].addr : SAMPLE_BASE;

	must(sut_buf_align(b, 8));
	for (size_t i = 0; i < n; i++) {
		if (l == SAMPLE_6_15)
			add32(b, (uint32_t)(s[i].addr - base));
		else if (s[i].addr < SAMPLE_BASE)
			add32(b, (uint32_t)s[i].addr);
		else
			add32(b, (uint32_t)(base - s[i].addr - 1));
	}
	must(sut_buf_align(b, 8));
	must(sut_buf_add(b, &base, sizeof(base)));
}

static void add_symbol(struct sut_buf *b, const char *name)
{
	uint8_t tokens[2048];
	size_t n = 0;

	while (*name) {
		if (!strncmp(name, long_token, strlen(long_token))) {
			tokens[n++] = LONG_TOKEN;
			name += strlen(long_token);
		} else {
			tokens[n++] = (uint8_t)*name++;
		}
	}
	if (n > 0x7f) {
		uint8_t len[2] = {(uint8_t)((n & 0x7f) | 0x80), (uint8_t)(n >> 7)};

		must(sut_buf_add(b, len, 2));
	} else {
		uint8_t len = (uint8_t)n;

		must(sut_buf_add(b, &len, 1));
	}
	must(sut_buf_add(b, tokens, n));
}

static void add_tokens(struct sut_buf *b)
{
	uint16_t index[256];
	size_t start;

	must(sut_buf_align(b, 8));
	start = b->len;
	for (unsigned int i = 0; i < 256; i++) {
		char one[2] = {(char)i, 0};

		index[i] = (uint16_t)(b->len - start);
		if (i == LONG_TOKEN)
			must(sut_buf_add(b, long_token, sizeof(long_token)));
		else if (i > ' ' && i < 0x7f)
			must(sut_buf_add(b, one, 2));
		else
			must(sut_buf_addzero(b, 1));
	}
	must(sut_buf_align(b, 8));
	must(sut_buf_add(b, index, sizeof(index)));
}

void sample_kallsyms(struct sut_buf *b, enum sample_layout l, const struct sample_sym *s, size_t n)
{
	uint32_t markers[64];
	size_t names;

	must(sut_buf_addstr(b, "read-only data in front, 0\1\2\3 and so on"));
	must(sut_buf_align(b, 64));
	if (l < SAMPLE_6_4)
		add_offsets(b, l, s, n);
	must(sut_buf_align(b, 8));
	add32(b, (uint32_t)n);
	must(sut_buf_align(b, 8));
	names = b->len;
	for (size_t i = 0; i < n; i++) {
		if (i % 256 == 0)
			markers[i / 256] = (uint32_t)(b->len - names);
		add_symbol(b, s[i].name);
	}
	must(sut_buf_align(b, 8));
	must(sut_buf_add(b, markers, (n + 255) / 256 * sizeof(markers[0])));
	if (l == SAMPLE_6_1_SEQS) {
		must(sut_buf_align(b, 8));
		must(sut_buf_addzero(b, 3 * n));
	}
	add_tokens(b);
	if (l >= SAMPLE_6_4)
		add_offsets(b, l, s, n);
	must(sut_buf_addstr(b, "read-only data behind"));
}
