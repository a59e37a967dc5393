// SPDX-License-Identifier: Apache-2.0
#include "look/elf.h"

#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/uio.h>

#define PAGE ((uint64_t)SUT_LIBRARY_PAGE)
#define HIGHEST UINT64_C(0x7ffffffff000)

/* Bytes of a file that hold all of its headers and its build-id, with usual linkers. */
enum { HEAD = 1024, BATCH = 64 };

static uint64_t down(uint64_t v)
{
	return v & ~(PAGE - 1);
}

static int read_proc(const void *ctx, uint64_t addr, void *buf, size_t len)
{
	return proc_read(ctx, addr, buf, len);
}

struct elf_mem elf_mem_of(const struct proc *p)
{
	return (struct elf_mem){read_proc, p};
}

const struct proc_map *elf_map_at(const struct proc_map *maps, size_t nmaps, uint64_t addr)
{
	size_t lo = 0, hi = nmaps;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (addr < maps[mid].start)
			hi = mid;
		else if (addr >= maps[mid].end)
			lo = mid + 1;
		else
			return &maps[mid];
	}
	return NULL;
}

struct segments {
	Elf64_Phdr v[ELF_PHDRS_MAX];
	size_t n;
};

/* A file may have its first page in two segments; the one that is right has all code where the header says. */
static bool fits(const struct segments *s, uint64_t bias, const struct proc_map *maps, size_t nmaps,
		 const struct proc_map *first, struct proc_elf *e)
{
	uint64_t low = UINT64_MAX, high = 0, text = UINT64_MAX, text_end = 0;

	e->data_end = 0;
	for (size_t i = 0; i < s->n; i++) {
		const Elf64_Phdr *h = &s->v[i];
		uint64_t start = h->p_vaddr + bias, end = start + h->p_memsz;
		const struct proc_map *m;

		if (h->p_type != PT_LOAD || !h->p_memsz)
			continue;
		if (start < PAGE || end > HIGHEST || end <= start)
			return false;
		low = start < low ? start : low;
		if (end > high) {
			high = end;
			e->data_end = h->p_flags & PF_W ? end : 0;
		}
		if (!(h->p_flags & PF_X))
			continue;
		text = start < text ? start : text;
		text_end = end > text_end ? end : text_end;
		m = elf_map_at(maps, nmaps, down(start));
		if (!m || !m->x)
			return false;
		/* Anonymous: code moved to huge pages. */
		if (m->ino && (m->ino != first->ino || m->dev != first->dev ||
			       m->offset + (down(start) - m->start) != down(h->p_offset)))
			return false;
	}
	if (text >= text_end)
		return false;
	e->bias = bias;
	e->low = down(low);
	e->high = down(high + PAGE - 1);
	e->text = text;
	e->text_end = text_end;
	return true;
}

/* len bytes of one PT_NOTE. */
static bool build_id_in(const uint8_t *notes, size_t len, size_t align,
			uint8_t ret[static SUT_LIBRARY_BUILD_ID_LEN])
{
	size_t at = 0;

	while (len - at >= sizeof(Elf64_Nhdr)) {
		Elf64_Nhdr n;
		uint64_t name, desc, next;

		memcpy(&n, notes + at, sizeof(n));
		name = at + sizeof(n);
		desc = (name + n.n_namesz + align - 1) & ~(uint64_t)(align - 1);
		next = (desc + n.n_descsz + align - 1) & ~(uint64_t)(align - 1);
		if (desc + n.n_descsz > len)
			return false;
		if (n.n_type == NT_GNU_BUILD_ID && n.n_namesz == 4 &&
		    !memcmp(notes + name, "GNU", 4) && n.n_descsz == SUT_LIBRARY_BUILD_ID_LEN) {
			memcpy(ret, notes + desc, SUT_LIBRARY_BUILD_ID_LEN);
			return true;
		}
		if (next >= len)
			return false;
		at = next;
	}
	return false;
}

int elf_at(const struct elf_mem *m, const struct proc_map *maps, size_t nmaps, size_t i,
	   struct proc_elf *ret)
{
	/* One read for a file. */
	uint8_t page[HEAD], notes[ELF_NOTES_MAX];
	const struct proc_map *first = &maps[i];
	struct proc_elf e = {.map = (uint32_t)i, .base = first->start};
	bool found = false;
	struct segments s;
	Elf64_Ehdr h;
	size_t bytes;

	if (!first->r || first->offset || m->read(m->ctx, first->start, page, sizeof(page)) < 0)
		return -ENOEXEC;
	memcpy(&h, page, sizeof(h));
	if (memcmp(h.e_ident, ELFMAG, SELFMAG) || h.e_ident[EI_CLASS] != ELFCLASS64 ||
	    h.e_ident[EI_DATA] != ELFDATA2LSB || h.e_machine != EM_X86_64 ||
	    (h.e_type != ET_DYN && h.e_type != ET_EXEC) || h.e_phentsize != sizeof(Elf64_Phdr) ||
	    !h.e_phnum || h.e_phnum > ELF_PHDRS_MAX)
		return -ENOEXEC;
	s.n = h.e_phnum;
	bytes = s.n * sizeof(Elf64_Phdr);
	if (h.e_phoff > first->end - first->start || bytes > first->end - first->start - h.e_phoff)
		return -ENOEXEC;
	if (h.e_phoff + bytes <= sizeof(page))
		memcpy(s.v, page + h.e_phoff, bytes);
	else if (m->read(m->ctx, first->start + h.e_phoff, s.v, bytes) < 0)
		return -ENOEXEC;
	for (size_t k = 0; k < s.n && !found; k++)
		found = s.v[k].p_type == PT_LOAD && !down(s.v[k].p_offset) &&
			fits(&s, first->start - down(s.v[k].p_vaddr), maps, nmaps, first, &e);
	if (!found)
		return -ENOEXEC;

	found = false;
	for (size_t k = 0; k < s.n; k++) {
		const Elf64_Phdr *p = &s.v[k];
		uint64_t at = p->p_vaddr + e.bias;
		size_t len = p->p_memsz < sizeof(notes) ? p->p_memsz : sizeof(notes);

		if ((p->p_type != PT_NOTE && p->p_type != PT_DYNAMIC) || at < e.low ||
		    at >= e.high || len > e.high - at)
			continue;
		if (p->p_type == PT_DYNAMIC) {
			e.dynamic = at;
			continue;
		}
		if (found)
			continue;
		if (at - e.base < sizeof(page) && len <= sizeof(page) - (at - e.base) &&
		    at >= e.base)
			memcpy(notes, page + (at - e.base), len);
		else if (m->read(m->ctx, at, notes, len) < 0)
			continue;
		found = build_id_in(notes, len, p->p_align == 8 ? 8 : 4, e.build_id);
	}
	*ret = e;
	return 0;
}

/* Only what has code further on is worth a look at its memory: fonts, locales and databases are mapped as well. */
static bool has_code(const struct proc_map *maps, size_t nmaps, size_t i)
{
	for (size_t k = i; k < nmaps && k < i + 16; k++) {
		if (maps[k].x &&
		    (!maps[k].ino || (maps[k].ino == maps[i].ino && maps[k].dev == maps[i].dev)))
			return true;
	}
	return false;
}

void elf_each(const struct elf_mem *m, const struct proc_map *maps, size_t nmaps,
	      bool (*found)(void *ctx, const struct proc_elf *e), void *ctx)
{
	uint64_t done = 0;
	size_t n = 0;

	for (size_t i = 0; i < nmaps && n < ELF_OBJECTS_MAX; i++) {
		struct proc_elf e;

		if (maps[i].start < done || !maps[i].ino || maps[i].offset || !maps[i].r ||
		    !has_code(maps, nmaps, i) || elf_at(m, maps, nmaps, i, &e) < 0)
			continue;
		n++;
		done = e.high;
		if (!found(ctx, &e))
			return;
	}
}

struct elf_heads {
	size_t n;
	struct {
		uint64_t at; /* ascending */
		bool there;
		uint8_t bytes[HEAD];
	} v[];
};

int elf_read_head(const struct proc *p, uint64_t addr, void *buf, size_t len)
{
	const struct elf_heads *h = p->heads;
	size_t lo = 0, hi = h ? h->n : 0;

	/* The last one that begins at addr or before. */
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (h->v[mid].at <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo && h->v[lo - 1].there && len <= HEAD && addr - h->v[lo - 1].at <= HEAD - len) {
		memcpy(buf, h->v[lo - 1].bytes + (addr - h->v[lo - 1].at), len);
		return 0;
	}
	return proc_read(p, addr, buf, len);
}

static int read_head(const void *ctx, uint64_t addr, void *buf, size_t len)
{
	return elf_read_head(ctx, addr, buf, len);
}

/* One call for many; who cannot be read stops it, and the rest is asked for again. */
static int read_heads(const struct proc *p, struct elf_heads *h)
{
	struct iovec local[BATCH], remote[BATCH];

	for (size_t from = 0; from < h->n;) {
		size_t n = h->n - from < BATCH ? h->n - from : BATCH;
		ssize_t got;

		for (size_t i = 0; i < n; i++) {
			local[i] = (struct iovec){h->v[from + i].bytes, HEAD};
			remote[i] = (struct iovec){(void *)(uintptr_t)h->v[from + i].at, HEAD};
		}
		got = process_vm_readv(p->task, local, n, remote, n, 0);
		if (got < 0 && errno != EFAULT)
			return -errno;
		for (; got >= HEAD; got -= HEAD)
			h->v[from++].there = true, n--;
		/* The one that it ended at. */
		if (n)
			from++;
	}
	return 0;
}

static bool candidate(const struct proc *p, size_t i)
{
	const struct proc_map *m = &p->maps[i];

	return m->ino && !m->offset && m->r && has_code(p->maps, p->nmaps, i);
}

struct list {
	struct proc_elf *v;
	size_t n, cap;
	bool oom;
};

static bool take_all(void *ctx, const struct proc_elf *e)
{
	struct list *l = ctx;

	if (l->n == l->cap) {
		size_t more = l->cap ? l->cap * 2 : 32;
		struct proc_elf *bigger = reallocarray(l->v, more, sizeof(*bigger));

		if (!bigger) {
			l->oom = true;
			return false;
		}
		l->v = bigger;
		l->cap = more;
	}
	l->v[l->n++] = *e;
	return true;
}

int elf_look(struct proc *p)
{
	const struct elf_mem m = {read_head, p};
	struct list l = {0};
	size_t n = 0;
	int r;

	elf_forget(p);
	for (size_t i = 0; i < p->nmaps && n < ELF_OBJECTS_MAX; i++)
		n += candidate(p, i);
	p->heads = calloc(1, sizeof(*p->heads) + n * sizeof(p->heads->v[0]));
	if (!p->heads)
		return -ENOMEM;
	for (size_t i = 0; i < p->nmaps && p->heads->n < n; i++)
		if (candidate(p, i))
			p->heads->v[p->heads->n++].at = p->maps[i].start;
	r = read_heads(p, p->heads);
	if (r == 0) {
		elf_each(&m, p->maps, p->nmaps, take_all, &l);
		r = l.oom ? -ENOMEM : 0;
	}
	p->elfs = l.v;
	p->nelfs = l.n;
	return r;
}

void elf_forget(struct proc *p)
{
	free(p->elfs);
	free(p->heads);
	p->elfs = NULL;
	p->heads = NULL;
	p->nelfs = 0;
}

size_t proc_elf_find(const struct proc *p, const uint8_t build_id[static SUT_LIBRARY_BUILD_ID_LEN],
		     struct proc_elf *ret, size_t max)
{
	static const uint8_t none[SUT_LIBRARY_BUILD_ID_LEN];
	size_t n = 0;

	for (size_t i = 0; i < p->nelfs && n < max; i++)
		if (!memcmp(p->elfs[i].build_id, build_id, sizeof(none)) &&
		    memcmp(build_id, none, sizeof(none)))
			ret[n++] = p->elfs[i];
	return n;
}
