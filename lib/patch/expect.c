// SPDX-License-Identifier: Apache-2.0
#include "patch/expect.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

typedef struct suture_expect_header expect_header;
typedef struct suture_expect_func expect_record;

_Static_assert(sizeof(expect_header) == 64, "no padding in the header");
_Static_assert(sizeof(expect_record) == 32, "no padding in a record");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "tables are little-endian");

struct sut_expect {
	expect_header head;
	struct sut_buf records, bytes, strings;
};

/* ------------------------------------------------------------------ */
/* What both sides hold to be well formed.                             */

static const char *wrong_mask(const uint8_t *mask, uint32_t size)
{
	for (uint32_t i = 0; i < size;) {
		uint32_t field = 1;

		switch (mask[i]) {
		case SUTURE_MASK_IGNORE:
		case SUTURE_MASK_EQUAL:
			break;
		case SUTURE_MASK_ABS32:
			field = 4;
			break;
		case SUTURE_MASK_ABS64:
			field = 8;
			break;
		case SUTURE_MASK_CONT:
			return "a mask byte continues an address that did not begin";
		default:
			return "a mask byte has an unknown value";
		}
		if (field > size - i)
			return "an address in the mask passes the end of the function";
		for (uint32_t j = 1; j < field; j++)
			if (mask[i + j] != SUTURE_MASK_CONT)
				return "an address in the mask is cut short";
		i += field;
	}
	return NULL;
}

static const char *wrong_redirect(const struct sut_expect_func *f)
{
	uint32_t off = f->redirect_off;
	bool fits = off <= f->size && f->size - off >= SUT_EXPECT_JUMP_LEN;

	switch (f->redirect) {
	case SUTURE_REDIRECT_NONE:
		return off ? "a redirect offset without a redirect" : NULL;
	case SUTURE_REDIRECT_JUMP_FENTRY:
		/* The slot that stays in front of the jump is 5 bytes long. */
		if (off < SUT_EXPECT_JUMP_LEN)
			return "the jump would overwrite the fentry slot";
		break;
	case SUTURE_REDIRECT_JUMP_ENTRY:
		break;
	case SUTURE_REDIRECT_FTRACE:
		return off < f->size ? NULL : "the fentry slot is outside of the function";
	default:
		return "unknown kind of redirect";
	}
	if (!fits)
		return "the jump passes the end of the function";
	/* The kernel would write over our jump, or find it where it wants its own code. */
	for (uint32_t i = 0; i < SUT_EXPECT_JUMP_LEN; i++)
		if (f->mask[off + i] == SUTURE_MASK_IGNORE)
			return "the jump lies on bytes that the kernel rewrites";
	return NULL;
}

/* NULL, or what is wrong with the record. */
static const char *wrong_func(const struct sut_expect_func *f)
{
	size_t n = strnlen(f->name, SUTURE_NAME_MAX);
	const char *why;

	if (n == 0 || n == SUTURE_NAME_MAX)
		return "the name is empty or too long";
	for (size_t i = 0; i < n; i++)
		if (f->name[i] <= ' ' || f->name[i] > '~')
			return "the name holds a character that no symbol has";
	if (f->size == 0 || f->size > SUT_EXPECT_FUNC_MAX)
		return "the size is 0 or over the limit";
	if (f->addr == 0 || f->addr > UINT64_MAX - f->size)
		return "the address is 0 or wraps around";
	if (f->flags == 0 || f->flags & ~(uint32_t)(SUTURE_EXPECT_REPLACE | SUTURE_EXPECT_NOSTACK))
		return "no flag, or an unknown one";
	if (!(f->flags & SUTURE_EXPECT_REPLACE) != (f->redirect == SUTURE_REDIRECT_NONE))
		return "a redirect must be there exactly when the function is replaced";
	why = wrong_redirect(f);
	return why ? why : wrong_mask(f->mask, f->size);
}

struct range {
	uint64_t start, end;
	uint32_t index;
};

static int by_start(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

/* Two records over the same bytes would be switched or restored twice. */
static int check_overlap(const expect_record *rec, uint32_t n, uint32_t ret_pair[2])
{
	_cleanup_(sut_freep) struct range *v = calloc(n, sizeof(*v));

	if (!v)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++)
		v[i] = (struct range){rec[i].addr, rec[i].addr + rec[i].size, i};
	qsort(v, n, sizeof(*v), by_start);
	for (uint32_t i = 1; i < n; i++) {
		if (v[i].start < v[i - 1].end) {
			ret_pair[0] = v[i - 1].index;
			ret_pair[1] = v[i].index;
			return -EINVAL;
		}
	}
	return 0;
}

/* ------------------------------------------------------------------ */

int sut_expect_new(const uint8_t build_id[static SUTURE_BUILD_ID_LEN], uint64_t anchor_addr,
		   struct sut_expect **ret, struct sut_err *err)
{
	struct sut_expect *x = calloc(1, sizeof(*x));

	if (!x)
		return sut_err_oom(err);
	memcpy(x->head.magic, SUTURE_EXPECT_MAGIC, sizeof(x->head.magic));
	memcpy(x->head.build_id, build_id, SUTURE_BUILD_ID_LEN);
	x->head.anchor_addr = anchor_addr;
	x->records = SUT_BUF_INIT(SUTURE_MAX_FUNCS * sizeof(expect_record));
	x->bytes = SUT_BUF_INIT(SUTURE_MAX_EXPECT);
	x->strings = SUT_BUF_INIT(SUTURE_MAX_FUNCS * SUTURE_NAME_MAX);
	*ret = x;
	return 0;
}

int sut_expect_add(struct sut_expect *x, const struct sut_expect_func *f, struct sut_err *err)
{
	const char *why = wrong_func(f);
	expect_record rec = {
		.addr = f->addr,
		.size = f->size,
		.flags = f->flags,
		.redirect = f->redirect,
		.redirect_off = f->redirect_off,
		.name_off = (uint32_t)x->strings.len,
		.bytes_off = (uint32_t)x->bytes.len,
	};
	size_t bytes_len = x->bytes.len, strings_len = x->strings.len;
	int r;

	if (why)
		return sut_err_set(err, EINVAL, "cannot expect the bytes of %.*s: %s",
				   SUTURE_NAME_MAX, f->name, why);
	if (x->records.len / sizeof(rec) >= SUTURE_MAX_FUNCS)
		return sut_err_set(err, ENOBUFS,
				   "more than %d functions in one patch. Split the patch",
				   SUTURE_MAX_FUNCS);
	r = sut_buf_add(&x->bytes, f->bytes, f->size);
	if (r == 0)
		r = sut_buf_add(&x->bytes, f->mask, f->size);
	if (r == 0)
		r = sut_buf_add(&x->strings, f->name, strlen(f->name) + 1);
	if (r == 0)
		r = sut_buf_add(&x->records, &rec, sizeof(rec));
	if (r == 0)
		return 0;
	x->bytes.len = bytes_len;
	x->strings.len = strings_len;
	if (r == -ENOBUFS)
		return sut_err_set(err, ENOBUFS,
				   "the expected bytes pass the limit of %d bytes. Split the patch",
				   SUTURE_MAX_EXPECT);
	return sut_err_oom(err);
}

size_t sut_expect_count(const struct sut_expect *x)
{
	return x->records.len / sizeof(expect_record);
}

int sut_expect_finish(struct sut_expect *x, struct sut_buf *out, struct sut_err *err)
{
	const expect_record *rec = (const void *)x->records.data;
	expect_header head = x->head;
	uint32_t n = (uint32_t)sut_expect_count(x), pair[2];
	size_t total = sizeof(head) + x->records.len + x->bytes.len + x->strings.len;
	int r;

	if (n == 0)
		return sut_err_set(err, EINVAL, "a table of expected bytes needs a function");
	r = check_overlap(rec, n, pair);
	if (r == -EINVAL)
		return sut_err_set(err, EINVAL, "%s and %s share bytes",
				   (const char *)x->strings.data + rec[pair[0]].name_off,
				   (const char *)x->strings.data + rec[pair[1]].name_off);
	if (r < 0)
		return sut_err_oom(err);
	if (total > SUTURE_MAX_EXPECT)
		return sut_err_set(err, ENOBUFS,
				   "the expected bytes pass the limit of %d bytes. Split the patch",
				   SUTURE_MAX_EXPECT);
	head.total_size = (uint32_t)total;
	head.nfuncs = n;
	head.bytes_off = (uint32_t)(sizeof(head) + x->records.len);
	head.bytes_size = (uint32_t)x->bytes.len;
	head.strings_off = head.bytes_off + head.bytes_size;
	head.strings_size = (uint32_t)x->strings.len;
	r = sut_buf_reserve(out, total);
	if (r == 0)
		r = sut_buf_add(out, &head, sizeof(head));
	if (r == 0)
		r = sut_buf_add(out, x->records.data, x->records.len);
	if (r == 0)
		r = sut_buf_add(out, x->bytes.data, x->bytes.len);
	if (r == 0)
		r = sut_buf_add(out, x->strings.data, x->strings.len);
	if (r == -ENOBUFS)
		return sut_err_set(err, ENOBUFS,
				   "the table of expected bytes (%zu bytes) does not "
				   "fit into its buffer",
				   total);
	return r < 0 ? sut_err_oom(err) : 0;
}

void sut_expect_free(struct sut_expect *x)
{
	if (!x)
		return;
	sut_buf_release(&x->records);
	sut_buf_release(&x->bytes);
	sut_buf_release(&x->strings);
	free(x);
}

void sut_expect_freep(struct sut_expect **x)
{
	sut_expect_free(*x);
}

/* ------------------------------------------------------------------ */

static int bad(struct sut_err *err, const char *fmt, ...) _printf_(2, 3);

static int bad(struct sut_err *err, const char *fmt, ...)
{
	char what[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	return sut_err_reason(err, EBADMSG, "expect",
			      "the table of expected bytes is malformed: %s. "
			      "Download the patch again; if that does not help, tell its author",
			      what);
}

static int check_header(const expect_header *h, size_t len, struct sut_err *err)
{
	uint64_t records_end;

	if (memcmp(h->magic, SUTURE_EXPECT_MAGIC, sizeof(h->magic)) != 0)
		return bad(err, "it does not begin with " SUTURE_EXPECT_MAGIC);
	if (h->total_size != len)
		return bad(err, "it says %u bytes and has %zu", h->total_size, len);
	if (h->nfuncs == 0 || h->nfuncs > SUTURE_MAX_FUNCS)
		return bad(err, "%u functions (1 to %d are possible)", h->nfuncs, SUTURE_MAX_FUNCS);
	if (h->reserved)
		return bad(err, "a reserved field is not 0");
	/* Records, bytes and strings follow each other and fill the table. */
	records_end = sizeof(*h) + (uint64_t)h->nfuncs * sizeof(expect_record);
	if (h->bytes_off != records_end ||
	    h->strings_off != (uint64_t)h->bytes_off + h->bytes_size ||
	    len != (uint64_t)h->strings_off + h->strings_size)
		return bad(err, "its parts do not fill it exactly");
	if (h->strings_size == 0)
		return bad(err, "it has no names");
	return 0;
}

int sut_expect_parse(const void *data, size_t len, struct sut_expect_table *ret,
		     struct sut_err *err)
{
	const uint8_t *p = data;
	struct sut_expect_table t = {.data = p, .len = len};
	_cleanup_(sut_freep) expect_record *rec = NULL;
	expect_header h;
	uint32_t pair[2];
	int r;

	if (len < sizeof(h))
		return bad(err, "it is cut short");
	if (len > SUTURE_MAX_EXPECT)
		return bad(err, "it has more than %d bytes", SUTURE_MAX_EXPECT);
	memcpy(&h, p, sizeof(h));
	r = check_header(&h, len, err);
	if (r < 0)
		return r;
	if (p[len - 1] != 0)
		return bad(err, "the last name does not end");
	t.nfuncs = h.nfuncs;
	t.anchor_addr = h.anchor_addr;
	memcpy(t.build_id, h.build_id, sizeof(t.build_id));

	/* The caller's bytes may lie at any address. */
	rec = malloc(h.nfuncs * sizeof(*rec));
	if (!rec)
		return sut_err_oom(err);
	memcpy(rec, p + sizeof(h), h.nfuncs * sizeof(*rec));
	for (uint32_t i = 0; i < h.nfuncs; i++) {
		struct sut_expect_func f;
		const char *why;

		if (rec[i].name_off >= h.strings_size)
			return bad(err, "record %u: the name is outside of the table", i);
		if (rec[i].size > SUT_EXPECT_FUNC_MAX ||
		    (uint64_t)rec[i].bytes_off + 2 * (uint64_t)rec[i].size > h.bytes_size)
			return bad(err, "record %u: the bytes are outside of the table", i);
		f = sut_expect_at(&t, i);
		why = wrong_func(&f);
		if (why)
			return bad(err, "record %u: %s", i, why);
	}
	r = check_overlap(rec, h.nfuncs, pair);
	if (r == -EINVAL)
		return bad(err, "records %u and %u share bytes", pair[0], pair[1]);
	if (r < 0)
		return sut_err_oom(err);
	*ret = t;
	return 0;
}

struct sut_expect_func sut_expect_at(const struct sut_expect_table *t, uint32_t i)
{
	expect_header h;
	expect_record rec;

	memcpy(&h, t->data, sizeof(h));
	memcpy(&rec, t->data + sizeof(h) + (size_t)i * sizeof(rec), sizeof(rec));
	return (struct sut_expect_func){
		.name = (const char *)t->data + h.strings_off + rec.name_off,
		.addr = rec.addr,
		.size = rec.size,
		.flags = rec.flags,
		.redirect = rec.redirect,
		.redirect_off = rec.redirect_off,
		.bytes = t->data + h.bytes_off + rec.bytes_off,
		.mask = t->data + h.bytes_off + rec.bytes_off + rec.size,
	};
}
