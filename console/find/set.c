// SPDX-License-Identifier: Apache-2.0
#include "find/set.h"

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <zstd.h>

#include "crypto/sha256.h"

enum { HEADER = 8, LEVEL = 3 };

static const char magic[4] = {'S', 'F', 'S', '1'};

const char *find_severity_name(unsigned int severity)
{
	static const char *const names[] = {"unknown", "none", "low", "medium", "high", "critical"};

	return names[severity < SUT_ARRAY_SIZE(names) ? severity : 0];
}

void find_set_release(struct find_set *s)
{
	free(s->v);
	*s = (struct find_set){0};
}

int find_set_add(struct find_set *s, const struct find_rec *rec)
{
	if (!rec->cve)
		return -EINVAL;
	if (s->n == s->cap) {
		size_t want = s->cap ? s->cap * 2 : 64;
		struct find_rec *more;

		if (s->n == FIND_SET_MAX)
			return -EFBIG;
		more = reallocarray(s->v, want, sizeof(*more));
		if (!more)
			return -ENOMEM;
		s->v = more;
		s->cap = want;
	}
	s->v[s->n] = *rec;
	s->v[s->n++].flags &= FIND_FLAGS;
	return 0;
}

static int compare(const struct find_rec *a, const struct find_rec *b)
{
	if (a->cve != b->cve)
		return a->cve < b->cve ? -1 : 1;
	if (a->native != b->native)
		return a->native < b->native ? -1 : 1;
	return a->package == b->package ? 0 : a->package < b->package ? -1 : 1;
}

static int by_key(const void *a, const void *b)
{
	return compare(a, b);
}

static uint32_t merge_flags(uint32_t a, uint32_t b)
{
	uint32_t severity =
		(a & FIND_SEVERITY) > (b & FIND_SEVERITY) ? a & FIND_SEVERITY : b & FIND_SEVERITY;

	return severity | (a & b & FIND_NOT_RUNNING);
}

void find_set_settle(struct find_set *s)
{
	size_t n = 0;

	if (!s->n)
		return;
	qsort(s->v, s->n, sizeof(*s->v), by_key);
	for (size_t i = 0; i < s->n; i++) {
		if (n && compare(&s->v[n - 1], &s->v[i]) == 0)
			s->v[n - 1].flags = merge_flags(s->v[n - 1].flags, s->v[i].flags);
		else
			s->v[n++] = s->v[i];
	}
	s->n = n;
}

static void put(uint8_t *p, uint32_t v)
{
	v = htole32(v);
	memcpy(p, &v, 4);
}

static uint32_t get(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, 4);
	return le32toh(v);
}

int find_set_write(const struct find_set *s, struct sut_buf *b,
		   uint8_t ret_hash[static FIND_SET_HASH], struct sut_err *err)
{
	size_t raw = s->n * sizeof(struct find_rec), room = ZSTD_compressBound(raw), n,
	       old = b->len;
	_cleanup_(sut_freep) uint8_t *plain = malloc(raw ? raw : 1), *packed = malloc(room);
	uint8_t head[HEADER];
	int r;

	if (!plain || !packed)
		return sut_err_oom(err);
	for (size_t i = 0; i < s->n; i++) {
		put(plain + i * 16, s->v[i].cve);
		put(plain + i * 16 + 4, s->v[i].native);
		put(plain + i * 16 + 8, s->v[i].package);
		put(plain + i * 16 + 12, s->v[i].flags);
	}
	n = ZSTD_compress(packed, room, plain, raw, LEVEL);
	if (ZSTD_isError(n))
		return sut_err_set(err, ENOMEM, "cannot compress findings: %s",
				   ZSTD_getErrorName(n));
	memcpy(head, magic, 4);
	put(head + 4, (uint32_t)s->n);
	r = sut_buf_add(b, head, sizeof(head));
	if (r == 0)
		r = sut_buf_add(b, packed, n);
	if (r < 0) {
		b->len = old;
		return sut_err_set(err, -r, "the findings of one host do not fit into %zu bytes",
				   b->max);
	}
	sut_sha256(plain, raw, ret_hash);
	return 0;
}

static int bad(struct sut_err *err, const char *why)
{
	return sut_err_reason(err, EBADMSG, "find-set",
			      "the stored findings are damaged: %s. Import the scan again", why);
}

static int check(const struct find_set *s, struct sut_err *err)
{
	for (size_t i = 0; i < s->n; i++) {
		if (!s->v[i].cve || (s->v[i].flags & ~(uint32_t)FIND_FLAGS))
			return bad(err, "a record is malformed");
		if (i && compare(&s->v[i - 1], &s->v[i]) >= 0)
			return bad(err, "they are not in order");
	}
	return 0;
}

int find_set_read(const void *data, size_t len, struct find_set *ret, struct sut_err *err)
{
	_cleanup_find_set_ struct find_set s = {0};
	_cleanup_(sut_freep) uint8_t *plain = NULL;
	const uint8_t *p = data;
	size_t n, got;
	int r;

	if (len < HEADER || len > FIND_SET_BLOB_MAX || memcmp(p, magic, 4) != 0)
		return bad(err, "they do not begin as they must");
	n = get(p + 4);
	if (n > FIND_SET_MAX)
		return bad(err, "there are too many");
	/* One byte more, so that a frame that holds more than the header says is noticed. */
	plain = malloc(n * 16 + 1);
	s.v = calloc(n ? n : 1, sizeof(*s.v));
	if (!plain || !s.v)
		return sut_err_oom(err);
	got = ZSTD_decompress(plain, n * 16 + 1, p + HEADER, len - HEADER);
	if (ZSTD_isError(got) || got != n * 16)
		return bad(err, "they cannot be unpacked");
	for (size_t i = 0; i < n; i++)
		s.v[i] = (struct find_rec){get(plain + i * 16), get(plain + i * 16 + 4),
					   get(plain + i * 16 + 8), get(plain + i * 16 + 12)};
	s.n = s.cap = n;
	r = check(&s, err);
	if (r < 0)
		return r;
	*ret = s;
	s = (struct find_set){0};
	return 0;
}
