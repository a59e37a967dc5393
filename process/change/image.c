// SPDX-License-Identifier: Apache-2.0
#include "change/image.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>

#include "base/file.h"
#include "base/str.h"
#include "change/filter.h"
#include "change/frames.h"

#define PAGE ((uint64_t)SUT_LIBRARY_PAGE)
#define WHOLE_PAGES(v) (((uint64_t)(v) + PAGE - 1) & ~(PAGE - 1))

/* How often another thread may take the hole that we have found. */
enum { TRIES = 8 };

int image_relocate(const struct sut_library *l, uint64_t at, uint64_t bias, const uint64_t *imports,
		   uint8_t *buf, struct sut_err *err)
{
	memcpy(buf, l->image, l->image_len);
	for (size_t i = 0; i < l->nrelocs; i++) {
		const struct sut_library_reloc *r = &l->relocs[i];
		uint64_t s, base = r->base == SUT_LIBRARY_TARGET  ? bias
				   : r->base == SUT_LIBRARY_IMAGE ? at
								  : imports[r->import];
		int64_t rel;
		int32_t field;

		s = base + (uint64_t)r->addend;
		if (r->field == SUT_LIBRARY_ABS64) {
			memcpy(buf + r->off, &s, sizeof(s));
			continue;
		}
		rel = (int64_t)(s - (at + r->off));
		field = (int32_t)rel;
		if (field != rel)
			return sut_err_reason(
				err, ERANGE, "no-room",
				"What the new code refers to at offset %#x is more than 2 "
				"GiB away from it.",
				r->off);
		memcpy(buf + r->off, &field, sizeof(field));
	}
	return 0;
}

const struct record *image_again(const struct record *known, size_t n, const struct proc_elf *e,
				 const struct proc_patch *patch)
{
	for (size_t i = 0; i < n; i++) {
		const struct record_head *h = &known[i].head;

		if ((h->state == RECORD_REVERTED || h->state == RECORD_REPLACED) &&
		    h->bias == e->bias && !memcmp(h->build_id, e->build_id, sizeof(e->build_id)) &&
		    !memcmp(h->sha256, patch->sha256, sizeof(h->sha256)))
			return &known[i];
	}
	return NULL;
}

/* Where it says who may not be busy: behind the code if there is room, else in pages of its own at the end. */
static uint64_t busy_off(const struct sut_library *l, uint32_t *ret_n)
{
	uint64_t off = ((uint64_t)l->exec_len + 7) & ~(uint64_t)7;
	uint32_t n = 0;

	for (size_t i = 0; i < l->nranges; i++)
		n += l->ranges[i].kind == SUT_LIBRARY_BUSY;
	*ret_n = n;
	return off + n * sizeof(struct record_busy) <= WHOLE_PAGES(l->exec_len) ? off
										: frames_len(l);
}

/* Bytes of all mappings. */
static uint64_t room_len(const struct sut_library *l)
{
	uint32_t n;
	uint64_t off = busy_off(l, &n), end = WHOLE_PAGES(off + n * sizeof(struct record_busy));

	return end > frames_len(l) ? end : frames_len(l);
}

static int write_busy(struct proc *p, const struct record *r, const struct sut_library *l,
		      struct sut_err *err)
{
	_cleanup_(sut_freep) struct record_busy *v = calloc(r->head.nbusy + 1, sizeof(*v));
	size_t n = 0;

	if (!v)
		return sut_err_oom(err);
	for (size_t i = 0; i < l->nranges; i++)
		if (l->ranges[i].kind == SUT_LIBRARY_BUSY)
			v[n++] = (struct record_busy){l->ranges[i].vaddr + r->head.bias,
						      l->ranges[i].size};
	return n ? proc_write(p, r->at + r->head.busy_off, v, n * sizeof(*v), err) : 0;
}

/* ---- room ---- */

struct room {
	struct proc *p;
	pid_t tid;
	struct inject_gadgets g;
	bool filtered; /* its filter is put aside */
};

/* The number behind a key of /proc/PID/limits; UINT64_MAX: unlimited or not said. */
static uint64_t limit_of(const struct proc *p, const char *key)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(16 << 10);
	char path[64];
	const char *s;

	snprintf(path, sizeof(path), "/proc/%d/limits", p->pid);
	if (sut_file_read(path, &b, NULL) < 0)
		return UINT64_MAX;
	s = strstr(sut_buf_str(&b), key);
	if (!s)
		return UINT64_MAX;
	s += strlen(key);
	s += strspn(s, " ");
	return *s >= '0' && *s <= '9' ? strtoull(s, NULL, 10) : UINT64_MAX;
}

/* Why it could not be mapped; nobody is stopped for longer by this than necessary: it is the end anyway. */
static int refused(const struct room *r, int64_t error, uint64_t len, struct sut_err *err)
{
	const struct proc *p = r->p;
	uint64_t limit, used = 0;

	if (error == -EPERM || error == -EACCES)
		return sut_err_reason(
			err, EPERM, "no-exec",
			"Process %d (%s) may not map code (%s): a security policy forbids "
			"it (SELinux execmem, or a filter). Restart it with the updated "
			"package.",
			p->pid, p->comm, strerror((int)-error));
	if (error == -EAGAIN)
		return sut_err_reason(
			err, ENOMEM, "memory-limit",
			"Process %d (%s) locks its memory, and RLIMIT_MEMLOCK leaves no "
			"room for %" PRIu64
			" KiB. Raise the limit (prlimit --memlock), or restart it with "
			"the updated package.",
			p->pid, p->comm, len / 1024);
	if (error != -ENOMEM)
		return sut_err_reason(err, EIO, "no-exec",
				      "Process %d (%s) could not map %" PRIu64
				      " KiB: %s. Restart it with the updated package.",
				      p->pid, p->comm, len / 1024, strerror((int)-error));
	for (size_t i = 0; i < p->nmaps; i++)
		used += p->maps[i].end - p->maps[i].start;
	limit = limit_of(p, "Max address space");
	if (limit != UINT64_MAX && used + len > limit)
		return sut_err_reason(
			err, ENOMEM, "memory-limit",
			"Process %d (%s) has an address space of at most %" PRIu64
			" KiB (RLIMIT_AS), and no room for %" PRIu64
			" KiB. Raise the limit (prlimit --as), or restart it with the "
			"updated package.",
			p->pid, p->comm, limit / 1024, len / 1024);
	return sut_err_reason(
		err, ENOMEM, "memory-limit",
		"Process %d (%s) cannot have %" PRIu64
		" KiB more: vm.max_map_count (it has %zu mappings), vm.overcommit_memory "
		"or RLIMIT_DATA forbid it. Raise the limit, or restart it with the updated "
		"package.",
		p->pid, p->comm, len / 1024, p->nmaps);
}

static int map(struct room *r, uint64_t at, uint64_t len, int prot, int flags, int64_t *ret,
	       struct sut_err *err)
{
	const uint64_t call[7] = {SYS_mmap,
				  at,
				  len,
				  (uint64_t)prot,
				  (uint64_t)(MAP_PRIVATE | MAP_ANONYMOUS | flags),
				  UINT64_MAX,
				  0};

	return inject_syscall(r->p, r->tid, &r->g, call, ret, err);
}

static void unmap(struct room *r, uint64_t at, uint64_t len)
{
	const uint64_t call[7] = {SYS_munmap, at, len};
	int64_t v;

	(void)!inject_syscall(r->p, r->tid, &r->g, call, &v, NULL);
}

/* Where other threads run, a hole may be gone before we have it. */
static int make_room(struct room *r, const struct proc_elf *e, uint64_t len, uint64_t *ret,
		     struct sut_err *err)
{
	int64_t v;
	int rc;

	for (int i = 0; i < TRIES; i++) {
		uint64_t at;

		rc = i ? proc_refresh(r->p, err) : 0;
		if (rc == 0)
			rc = proc_hole(r->p, e->low, e->high, len, &at, err);
		/* Not merged with what the process maps beside it: MAP_NORESERVE makes it another kind. */
		if (rc == 0)
			rc = map(r, at, len, PROT_READ | PROT_EXEC,
				 MAP_FIXED_NOREPLACE | MAP_NORESERVE, &v, err);
		if (rc < 0)
			return rc;
		if (v == (int64_t)at) {
			*ret = at;
			return 0;
		}
		if (v >= 0) /* a kernel before 4.17 takes the address for a wish */
			unmap(r, (uint64_t)v, len);
		else if (v != -EEXIST)
			return refused(r, v, len, err);
	}
	return sut_err_reason(
		err, EBUSY, "busy",
		"Process %d maps memory faster than room can be found in it. Try again.",
		r->p->pid);
}

/* ---- the record ---- */

static void put_jump(uint8_t out[5], uint64_t from, uint64_t to)
{
	int32_t rel = (int32_t)(to - from - 5);

	out[0] = 0xe9;
	memcpy(out + 1, &rel, sizeof(rel));
}

static int make_record(const struct proc_elf *e, const struct proc_patch *patch, uint64_t at,
		       uint64_t len, uint64_t replaces, struct record *ret, struct sut_err *err)
{
	const struct sut_library *l = patch->library;
	struct record r = {.at = at, .places = calloc(l->nfuncs + 1, sizeof(*r.places))};
	struct timespec now;

	if (!r.places)
		return sut_err_oom(err);
	clock_gettime(CLOCK_BOOTTIME, &now);
	r.head = (struct record_head){.state = RECORD_READY,
				      .nplaces = (uint32_t)l->nfuncs,
				      .level = patch->manifest->level,
				      .image_len = len,
				      .bias = e->bias,
				      .replaces = replaces,
				      .time = (uint64_t)now.tv_sec};
	memcpy(r.head.build_id, e->build_id, sizeof(e->build_id));
	memcpy(r.head.sha256, patch->sha256, sizeof(r.head.sha256));
	snprintf(r.head.id, sizeof(r.head.id), "%s", patch->manifest->id);
	r.head.busy_off = (uint32_t)busy_off(l, &r.head.nbusy);
	for (size_t i = 0; i < l->nfuncs; i++) {
		const struct sut_library_func *f = &l->funcs[i];
		struct record_place *q = &r.places[i];

		q->func = f->vaddr + e->bias;
		q->func_len = f->size;
		q->addr = q->func + f->jump_off;
		q->new_addr = at + f->new_off;
		if (f->redirect == SUT_LIBRARY_ISLAND) {
			q->len = 2;
			q->island = f->island + e->bias;
			q->jump[0] = 0xeb;
			q->jump[1] = (uint8_t)(q->island - q->addr - 2);
			memcpy(q->island_original, f->island_bytes, 5);
			put_jump(q->island_jump, q->island, q->new_addr);
		} else {
			q->len = 5;
			put_jump(q->jump, q->addr, q->new_addr);
		}
		memcpy(q->original, f->bytes + f->jump_off, q->len);
	}
	*ret = r;
	return 0;
}

/* ---- all of it ---- */

/* Pages that are zero are left alone: then they cost nothing. */
static int fill(struct proc *p, uint64_t at, const uint8_t *bytes, uint64_t from, uint64_t to,
		struct sut_err *err)
{
	static const uint8_t zeros[SUT_LIBRARY_PAGE];
	int r = 0;

	while (from < to && r == 0) {
		uint64_t n = PAGE - from % PAGE;

		n = n < to - from ? n : to - from;
		if (memcmp(bytes + from, zeros, n))
			r = proc_write(p, at + from, bytes + from, n, err);
		from += n;
	}
	return r;
}

static int place(struct room *r, const struct proc_elf *e, const struct proc_patch *patch,
		 const uint64_t *imports, uint8_t *bytes, uint64_t *ret, struct sut_err *err)
{
	const struct sut_library *l = patch->library;
	uint64_t len = room_len(l), rw = WHOLE_PAGES(l->exec_len), at = 0;
	int64_t v;
	int rc;

	rc = filter_off(r->p, r->tid, &r->filtered, err);
	if (rc == 0)
		rc = make_room(r, e, len, &at, err);
	if (rc < 0)
		return rc;
	rc = image_relocate(l, at, e->bias, imports, bytes, err);
	if (rc == 0 && rw < len) {
		rc = map(r, at + rw, len - rw, PROT_READ | PROT_WRITE, MAP_FIXED, &v, err);
		if (rc == 0 && v != (int64_t)(at + rw))
			rc = refused(r, v, len - rw, err);
	}
	/* Where the kernel lets nobody write into code, better now than later. */
	if (rc == 0)
		rc = proc_write(r->p, at, "", 1, err);
	if (rc < 0) {
		unmap(r, at, len);
		return rc;
	}
	*ret = at;
	return 0;
}

int image_place(struct proc *p, pid_t tid, const struct proc_elf *e, const struct proc_patch *patch,
		uint64_t replaces, int (*resume)(void *ctx), void *ctx, struct record *ret,
		struct sut_err *err)
{
	const struct sut_library *l = patch->library;
	_cleanup_(sut_freep) uint64_t *imports = calloc(l->nimports + 1, sizeof(*imports));
	_cleanup_(sut_freep) uint8_t *bytes = malloc(l->image_len + 1);
	struct room room = {.p = p, .tid = tid};
	struct record r;
	uint64_t at = 0;
	int rc;

	if (!imports || !bytes)
		return sut_err_oom(err);
	rc = image_imports(p, e, l, imports, err);
	if (rc == 0)
		rc = inject_find(p, 0, &room.g, err);
	/* A program without any library: 12 bytes of its last page of code stay written. */
	if (rc == -EOPNOTSUPP)
		rc = inject_find(p, inject_scratch(p, e), &room.g, err);
	if (rc == 0)
		rc = place(&room, e, patch, imports, bytes, &at, err);
	if (room.filtered)
		filter_on(tid);
	if (rc == 0 && resume)
		rc = resume(ctx);
	if (rc < 0)
		return rc;

	rc = make_record(e, patch, at, room_len(l), replaces, &r, err);
	if (rc < 0)
		return rc;
	rc = fill(p, at, bytes, l->head_len, l->exec_len, err);
	if (rc == 0 && l->image_len > l->data_off)
		rc = fill(p, at, bytes, l->data_off, l->image_len, err);
	if (rc == 0)
		rc = write_busy(p, &r, l, err);
	if (rc == 0)
		rc = record_write(p, &r, err);
	if (rc < 0) {
		record_release(&r);
		return rc;
	}
	*ret = r;
	return 0;
}
