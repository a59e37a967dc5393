// SPDX-License-Identifier: Apache-2.0
#include "target/kallsyms.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

enum {
	TOKENS = 256,
	TOKEN_MAX = 512,		      /* bytes of one token */
	TOKEN_TABLE_MAX = TOKENS * TOKEN_MAX, /* bytes of the token table */
	PER_MARKER = 256,		      /* symbols between two markers */
	SYMBOL_BYTES_MAX = 2 + 0x3fff,	      /* length and tokens of one compressed symbol */
	WALK_BUDGET = 1 << 28,		      /* symbols looked at while searching: a hostile
						image must not cost quadratic time */
	SYMS_MIN = 4,
};

/* Where the tables are; offsets into the section. */
struct tables {
	const uint8_t *data;
	size_t len;
	size_t token_table, token_index, token_index_end;
	size_t num_syms, names, offsets, relative_base;
	uint32_t n;
	bool absolute_percpu;
};

static uint16_t get16(const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static uint32_t get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static uint64_t get64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static size_t align8(size_t v)
{
	return (v + 7) & ~(size_t)7;
}

/* The end of the token that starts at off (behind its NUL); 0: none. */
static size_t token_end(const struct tables *t, size_t off)
{
	size_t room = off < t->len ? t->len - off : 0;
	const uint8_t *nul;

	if (room > TOKEN_MAX)
		room = TOKEN_MAX;
	nul = room ? memchr(t->data + off, 0, room) : NULL;
	return nul ? (size_t)(nul - t->data) + 1 : 0;
}

/* Does the index at off describe a token table whose '0' is at zero? */
static bool check_index(struct tables *t, size_t zero, size_t off)
{
	size_t start, at;

	if (off + TOKENS * 2 > t->len || get16(t->data + off) != 0)
		return false;
	if (get16(t->data + off + 2 * '0') > zero)
		return false;
	start = zero - get16(t->data + off + 2 * '0');
	at = start;
	for (unsigned int i = 0; i < TOKENS; i++) {
		/* The index has 16 bits, and so has the table's size. */
		if (at - start != get16(t->data + off + 2 * i))
			return false;
		at = token_end(t, at);
		if (!at)
			return false;
	}
	if (align8(at) != off && ((at + 3) & ~(size_t)3) != off)
		return false;
	t->token_table = start;
	t->token_index = off;
	t->token_index_end = off + TOKENS * 2;
	return true;
}

static bool find_tokens(struct tables *t)
{
	static const char digits[] = "0\0001\0002\0003\0004\0005\0006\0007\0008\0009";
	size_t pos = 0;

	while (pos < t->len) {
		const uint8_t *hit = memmem(t->data + pos, t->len - pos, digits, sizeof(digits));
		size_t zero, at;

		if (!hit)
			return false;
		zero = (size_t)(hit - t->data);
		at = zero;
		for (unsigned int i = '0'; at && i < TOKENS; i++)
			at = token_end(t, at);
		if (at && (check_index(t, zero, align8(at)) ||
			   check_index(t, zero, (at + 3) & ~(size_t)3)))
			return true;
		pos = zero + 1;
	}
	return false;
}

/*
 * The compressed symbol at *off; its tokens are *ret_len bytes from *ret_at.
 * Leaves *off behind it. end bounds the table.
 */
static bool next_symbol(const struct tables *t, size_t end, size_t *off, size_t *ret_at,
			size_t *ret_len)
{
	size_t at = *off, n;

	if (at >= end)
		return false;
	n = t->data[at++];
	if (n & 0x80) {
		if (at >= end)
			return false;
		n = (n & 0x7f) | (size_t)t->data[at++] << 7;
	}
	if (n == 0 || n > SYMBOL_BYTES_MAX || n > end - at)
		return false;
	*ret_at = at;
	*ret_len = n;
	*off = at + n;
	return true;
}

/* Is num_syms at p? Walks the names and compares every marker. */
static bool check_names(struct tables *t, size_t p, uint64_t *budget)
{
	uint32_t n = get32(t->data + p);
	size_t names = p + 8, off = names, markers, end, at, len;

	for (uint32_t i = 0; i < n; i++) {
		if (!*budget)
			return false;
		--*budget;
		if (!next_symbol(t, t->token_table, &off, &at, &len))
			return false;
	}
	markers = align8(off);
	end = markers + ((size_t)n + PER_MARKER - 1) / PER_MARKER * 4;
	if (end > t->token_table)
		return false;
	/* Behind the markers: the token table, or the order by name (3 bytes each) before it. */
	if (align8(end) != t->token_table && align8(align8(end) + 3 * (size_t)n) != t->token_table)
		return false;
	off = names;
	for (uint32_t i = 0; i < n; i++) {
		if (i % PER_MARKER == 0 &&
		    get32(t->data + markers + (size_t)(i / PER_MARKER) * 4) != off - names)
			return false;
		if (!next_symbol(t, t->token_table, &off, &at, &len))
			return false;
	}
	t->num_syms = p;
	t->names = names;
	t->n = n;
	return true;
}

static bool find_names(struct tables *t)
{
	uint64_t budget = WALK_BUDGET;

	/* Backwards from the token table: in steps of the tables' alignment. */
	for (size_t p = t->token_table & ~(size_t)7; p >= 8 && budget;) {
		uint32_t n;
		size_t room;

		p -= 8;
		room = t->token_table - p;
		n = get32(t->data + p);
		/* Each symbol takes at least 2 bytes; the rest of the slot is padding. */
		if (n < SYMS_MIN || n > SUT_KALLSYMS_MAX || n > room / 2 || room < 16 ||
		    get32(t->data + p + 4) != 0)
			continue;
		if (check_names(t, p, &budget))
			return true;
	}
	return false;
}

static uint64_t address(const struct tables *t, uint32_t i)
{
	uint32_t off = get32(t->data + t->offsets + (size_t)i * 4);
	uint64_t base = get64(t->data + t->relative_base);

	if (!t->absolute_percpu)
		return base + off;
	if ((int32_t)off >= 0)
		return off;
	return base - 1 - (uint64_t)(int64_t)(int32_t)off;
}

static bool check_addresses(struct tables *t)
{
	/* A kernel lives in the upper half. */
	if (!(get64(t->data + t->relative_base) >> 63))
		return false;
	for (int percpu = 1; percpu >= 0; percpu--) {
		uint64_t last = 0;
		uint32_t i;

		t->absolute_percpu = percpu;
		for (i = 0; i < t->n; i++) {
			uint64_t a = address(t, i);

			if (a < last)
				break;
			last = a;
		}
		/* Offsets all below 2 GiB would make every symbol absolute. */
		if (i == t->n && last >> 63)
			return true;
	}
	return false;
}

static bool find_offsets(struct tables *t)
{
	size_t bytes = align8((size_t)t->n * 4);

	if (t->num_syms >= 8 + bytes) {
		t->relative_base = t->num_syms - 8;
		t->offsets = t->relative_base - bytes;
		if (check_addresses(t))
			return true;
	}
	t->offsets = align8(t->token_index_end);
	if (t->offsets <= t->len && bytes + 8 <= t->len - t->offsets) {
		t->relative_base = t->offsets + bytes;
		if (check_addresses(t))
			return true;
	}
	return false;
}

/* Adds the expanded symbol (type letter, name, NUL) to *b. */
static int expand(const struct tables *t, size_t at, size_t len, struct sut_buf *b)
{
	size_t total = 0;

	for (size_t i = 0; i < len; i++) {
		size_t tok = t->token_table +
			     get16(t->data + t->token_index + 2 * (size_t)t->data[at + i]);
		size_t n = token_end(t, tok) - tok - 1;

		total += n;
		if (total > SUT_KALLSYMS_NAME_MAX + 1)
			return -EBADMSG;
		if (sut_buf_add(b, t->data + tok, n) < 0)
			return -ENOMEM;
	}
	if (total < 2)
		return -EBADMSG;
	return sut_buf_addzero(b, 1);
}

static int compare(const void *a, const void *b)
{
	const struct sut_ksym *x = a, *y = b;

	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	/* Names lie in the image's order. */
	return x->name < y->name ? -1 : x->name > y->name;
}

int sut_kallsyms_decode(const void *data, size_t len, struct sut_kallsyms *ret, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf names = SUT_BUF_INIT(SUT_KALLSYMS_NAMES_MAX);
	struct tables t = {.data = data, .len = len};
	struct sut_kallsyms k = {0};
	size_t off;
	const char *s;

	if (!find_tokens(&t))
		return sut_err_set(err, EBADMSG,
				   "the image has no kallsyms token table; a kernel built with "
				   "CONFIG_KALLSYMS and CONFIG_KALLSYMS_ALL is needed");
	if (!find_names(&t))
		return sut_err_set(err, EBADMSG, "the kallsyms names were not found in the image");
	if (!find_offsets(&t))
		return sut_err_set(err, EBADMSG,
				   "the kallsyms addresses were not found in the image: "
				   "the layout of this kernel is not known");
	off = t.names;
	for (uint32_t i = 0; i < t.n; i++) {
		size_t at, n;
		int r;

		if (!next_symbol(&t, t.token_table, &off, &at, &n))
			return sut_err_set(err, EBADMSG, "the kallsyms names are cut off");
		r = expand(&t, at, n, &names);
		if (r == -EBADMSG)
			return sut_err_set(err, EBADMSG,
					   "kallsyms symbol %u has a name of impossible length", i);
		if (r < 0)
			return sut_err_oom(err);
	}
	k.syms = calloc(t.n, sizeof(*k.syms));
	if (!k.syms)
		return sut_err_oom(err);
	k.n = t.n;
	k.names = (char *)sut_steal(names.data);
	s = k.names;
	for (uint32_t i = 0; i < t.n; i++) {
		k.syms[i] = (struct sut_ksym){.addr = address(&t, i), .type = *s, .name = s + 1};
		s += strlen(s) + 1;
	}
	qsort(k.syms, k.n, sizeof(*k.syms), compare);
	*ret = k;
	return 0;
}

void sut_kallsyms_release(struct sut_kallsyms *k)
{
	free(k->syms);
	free(k->names);
	*k = (struct sut_kallsyms){0};
}
