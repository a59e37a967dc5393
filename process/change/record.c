// SPDX-License-Identifier: Apache-2.0
#include "change/record.h"

#include <errno.h>
#include <string.h>
#include <sys/uio.h>

#include "base/str.h"
#include "crypto/sha256.h"

enum {
	RECORD_VERSION = 1,
	FOUND_MAX = 1024, /* of one process */
	BATCH = 64,	  /* mappings looked at with one call */
};

#define LEN_MAX (SUT_LIBRARY_HEAD + (size_t)SUT_LIBRARY_FUNCS_MAX * SUT_LIBRARY_HEAD_FUNC)

_Static_assert(sizeof(struct record_head) <= SUT_LIBRARY_HEAD, "the head has its room");
_Static_assert(sizeof(struct record_place) == SUT_LIBRARY_HEAD_FUNC, "a place has its room");

static int not_ours(uint64_t at, const char *what, struct sut_err *err)
{
	return sut_err_reason(err, EBADMSG, "record",
			      "What lies at %#llx is no record of ours: %s.",
			      (unsigned long long)at, what);
}

static bool zeros(const void *data, size_t len)
{
	const uint8_t *s = data;

	for (size_t i = 0; i < len; i++)
		if (s[i])
			return false;
	return true;
}

static void digest(const struct record_head *h, const struct record_place *places, uint8_t *bytes,
		   uint8_t out[static SUT_SHA256_LEN])
{
	struct record_head plain = *h;

	plain.state = 0;
	memset(plain.digest, 0, sizeof(plain.digest));
	memset(bytes, 0, SUT_LIBRARY_HEAD);
	memcpy(bytes, &plain, sizeof(plain));
	memcpy(bytes + SUT_LIBRARY_HEAD, places, h->nplaces * sizeof(*places));
	sut_sha256(bytes, h->len, out);
}

/* Does the e9 or eb at `from` lead to `to`? */
static bool leads(const uint8_t jump[5], uint32_t len, uint64_t from, uint64_t to)
{
	int32_t rel;

	if (len == 2)
		return jump[0] == 0xeb && from + 2 + (uint64_t)(int64_t)(int8_t)jump[1] == to &&
		       zeros(jump + 2, 3);
	memcpy(&rel, jump + 1, sizeof(rel));
	return jump[0] == 0xe9 && from + 5 + (uint64_t)(int64_t)rel == to;
}

static const char *place_wrong(const struct record_head *h, const struct record_place *p)
{
	if (p->new_addr < h->image || p->new_addr - h->image >= h->image_len)
		return "a jump leads out of it";
	if (p->addr < p->func || p->addr - p->func > p->func_len)
		return "a jump lies outside of its function";
	if (p->addr >= h->image && p->addr - h->image < h->image_len)
		return "a jump lies in itself";
	if (p->island ? p->len != 2 || !leads(p->jump, 2, p->addr, p->island) ||
				!leads(p->island_jump, 5, p->island, p->new_addr) ||
				!zeros(p->original + 2, 3)
		      : p->len != 5 || !leads(p->jump, 5, p->addr, p->new_addr) ||
				!zeros(p->island_jump, 5) || !zeros(p->island_original, 5))
		return "a jump is none";
	return NULL;
}

int record_parse(const void *data, size_t len, uint64_t at, struct record *ret, struct sut_err *err)
{
	_cleanup_(sut_freep) struct record_place *places = NULL;
	_cleanup_(sut_freep) uint8_t *bytes = NULL;
	uint8_t sum[SUT_SHA256_LEN];
	struct record_head h;

	if (len < SUT_LIBRARY_HEAD)
		return not_ours(at, "it is too short", err);
	memcpy(&h, data, sizeof(h));
	if (memcmp(h.magic, RECORD_MAGIC, sizeof(h.magic)))
		return not_ours(at, "it does not begin like one", err);
	if (h.version != RECORD_VERSION || h.state > RECORD_REPLACED || h.pad)
		return not_ours(at, "its version or state is not known", err);
	if (h.nplaces > SUT_LIBRARY_FUNCS_MAX ||
	    h.len != SUT_LIBRARY_HEAD + h.nplaces * SUT_LIBRARY_HEAD_FUNC || h.len > len)
		return not_ours(at, "its length is wrong", err);
	if (h.nbusy > SUT_LIBRARY_RANGES_MAX || h.busy_off > h.image_len ||
	    h.nbusy * sizeof(struct record_busy) > h.image_len - h.busy_off)
		return not_ours(at, "what it wants to be free lies outside of it", err);
	if (h.image != at || h.image_len < h.len ||
	    h.image_len > SUT_LIBRARY_IMAGE_MAX * UINT64_C(4) || at > UINT64_MAX - h.image_len)
		return not_ours(at, "it is the copy of another one", err);
	if (!memchr(h.id, 0, sizeof(h.id)) || !zeros(h.build_id + SUT_LIBRARY_BUILD_ID_LEN, 4) ||
	    !zeros((const uint8_t *)data + sizeof(h), SUT_LIBRARY_HEAD - sizeof(h)))
		return not_ours(at, "there is something where nothing may be", err);
	/* The name goes to terminals and logs. */
	for (const char *s = h.id; *s; s++)
		if (*s < ' ' || *s > '~')
			return not_ours(at, "its name is malformed", err);

	places = calloc(h.nplaces + 1, sizeof(*places));
	bytes = malloc(h.len);
	if (!places || !bytes)
		return sut_err_oom(err);
	memcpy(places, (const uint8_t *)data + SUT_LIBRARY_HEAD, h.nplaces * sizeof(*places));
	digest(&h, places, bytes, sum);
	if (memcmp(sum, h.digest, sizeof(sum)))
		return not_ours(at, "its digest does not agree", err);
	for (uint32_t i = 0; i < h.nplaces; i++) {
		const char *wrong = place_wrong(&h, &places[i]);

		if (wrong)
			return not_ours(at, wrong, err);
	}
	*ret = (struct record){.at = at, .head = h, .places = sut_steal(places)};
	return 0;
}

void record_release(struct record *r)
{
	free(r->places);
	r->places = NULL;
}

void record_free_all(struct record *r, size_t n)
{
	for (size_t i = 0; r && i < n; i++)
		record_release(&r[i]);
	free(r);
}

struct found {
	struct record *v;
	size_t n, cap;
};

static int add(struct proc *p, const struct proc_map *m, uint32_t len, struct found *f,
	       struct sut_err *err)
{
	_cleanup_(sut_freep) uint8_t *bytes = NULL;
	struct record r;
	int rc;

	if (len < SUT_LIBRARY_HEAD || len > LEN_MAX || len > m->end - m->start)
		return 0;
	bytes = malloc(len);
	if (!bytes)
		return sut_err_oom(err);
	if (proc_read(p, m->start, bytes, len) < 0)
		return 0;
	rc = record_parse(bytes, len, m->start, &r, err);
	if (rc == -EBADMSG)
		return 0;
	if (rc < 0)
		return rc;
	if (f->n == f->cap) {
		size_t more = f->cap ? f->cap * 2 : 4;
		struct record *bigger = reallocarray(f->v, more, sizeof(*bigger));

		if (!bigger) {
			record_release(&r);
			return sut_err_oom(err);
		}
		f->v = bigger;
		f->cap = more;
	}
	f->v[f->n++] = r;
	return 0;
}

/* Only the first word and the length: a process that compiles at run time has thousands of such mappings. */
struct start {
	char magic[8];
	uint32_t version, state, nplaces, len;
};

static bool candidate(const struct proc_map *m)
{
	return m->r && m->x && !m->w && !m->shared && !m->ino &&
	       (!m->path[0] || sut_startswith(m->path, "[anon"));
}

/* The starts of n mappings; those that cannot be read stay zero. */
static void read_starts(const struct proc *p, const struct proc_map **maps, struct start *s,
			size_t n)
{
	struct iovec local[BATCH], remote[BATCH];
	ssize_t got;

	memset(s, 0, n * sizeof(*s));
	for (size_t i = 0; i < n; i++) {
		local[i] = (struct iovec){&s[i], sizeof(*s)};
		remote[i] = (struct iovec){(void *)(uintptr_t)maps[i]->start, sizeof(*s)};
	}
	got = process_vm_readv(p->task, local, n, remote, n, 0);
	if (got == (ssize_t)(n * sizeof(*s)))
		return;
	for (size_t i = 0; i < n; i++)
		if (proc_read(p, maps[i]->start, &s[i], sizeof(*s)) < 0)
			memset(&s[i], 0, sizeof(*s));
}

int record_find(struct proc *p, struct record **ret, size_t *ret_n, struct sut_err *err)
{
	const struct proc_map *maps[BATCH];
	struct start starts[BATCH];
	struct found f = {0};
	size_t n = 0;
	int r = 0;

	for (size_t i = 0; i <= p->nmaps && r == 0; i++) {
		if (i < p->nmaps && candidate(&p->maps[i]))
			maps[n++] = &p->maps[i];
		if (!n || (n < BATCH && i < p->nmaps))
			continue;
		read_starts(p, maps, starts, n);
		for (size_t k = 0; k < n && r == 0 && f.n < FOUND_MAX; k++)
			if (!memcmp(starts[k].magic, RECORD_MAGIC, sizeof(starts[k].magic)))
				r = add(p, maps[k], starts[k].len, &f, err);
		n = 0;
	}
	if (r < 0) {
		record_free_all(f.v, f.n);
		return r;
	}
	*ret = f.v;
	*ret_n = f.n;
	return 0;
}

int record_write(struct proc *p, const struct record *r, struct sut_err *err)
{
	_cleanup_(sut_freep) uint8_t *bytes = NULL;
	struct record_head h = r->head;
	int rc;

	if (h.nplaces > SUT_LIBRARY_FUNCS_MAX)
		return sut_err_set(err, EINVAL, "A record holds at most %d places.",
				   SUT_LIBRARY_FUNCS_MAX);
	memcpy(h.magic, RECORD_MAGIC, sizeof(h.magic));
	h.version = RECORD_VERSION;
	h.len = SUT_LIBRARY_HEAD + h.nplaces * SUT_LIBRARY_HEAD_FUNC;
	h.image = r->at;
	bytes = malloc(h.len);
	if (!bytes)
		return sut_err_oom(err);
	digest(&h, r->places, bytes, h.digest);

	/* The word by which it is found comes last: before that there is none. */
	memcpy(bytes, &h, sizeof(h));
	memset(bytes, 0, sizeof(h.magic));
	rc = proc_write(p, r->at, bytes, h.len, err);
	return rc < 0 ? rc : proc_write(p, r->at, h.magic, sizeof(h.magic), err);
}

int record_set_state(struct proc *p, const struct record *r, enum record_state s,
		     struct sut_err *err)
{
	uint32_t v = s;

	return proc_write(p, r->at + offsetof(struct record_head, state), &v, sizeof(v), err);
}
