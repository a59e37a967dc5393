// SPDX-License-Identifier: Apache-2.0
#include "change/coroutine.h"

#include <elf.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "look/elf.h"
#include "look/symbol.h"

enum {
	NAMES_MAX = 4 << 20, /* bytes of one string table */
	KNOWN_MAX = 1024,    /* files whose answer is remembered */
};

/* What is known of a file is known of it in every process of the same user: others may show something else under its build-id. */
static struct {
	uint8_t build_id[SUT_LIBRARY_BUILD_ID_LEN];
	uid_t uid;
	bool used;
} known[KNOWN_MAX];
static size_t nknown, oldest;
static pthread_mutex_t known_lock = PTHREAD_MUTEX_INITIALIZER;

static bool recall(const struct proc_elf *e, uid_t uid, bool *ret)
{
	bool found = false;

	pthread_mutex_lock(&known_lock);
	for (size_t i = 0; i < nknown && !found; i++)
		if (known[i].uid == uid &&
		    !memcmp(known[i].build_id, e->build_id, sizeof(e->build_id))) {
			*ret = known[i].used;
			found = true;
		}
	pthread_mutex_unlock(&known_lock);
	return found;
}

static void remember(const struct proc_elf *e, uid_t uid, bool used)
{
	static const uint8_t none[SUT_LIBRARY_BUILD_ID_LEN];
	size_t at;

	if (!memcmp(none, e->build_id, sizeof(none)))
		return;
	pthread_mutex_lock(&known_lock);
	at = nknown < KNOWN_MAX ? nknown++ : oldest++ % KNOWN_MAX;
	memcpy(known[at].build_id, e->build_id, sizeof(e->build_id));
	known[at].uid = uid;
	known[at].used = used;
	pthread_mutex_unlock(&known_lock);
}

static bool names_has(const char *names, size_t len, const char *name)
{
	/* With its end; a longer name that ends like it does no harm. */
	return memmem(names, len, name, strlen(name) + 1) != NULL;
}

/* The file names it without having it. */
static bool imports(const struct proc *p, const struct proc_elf *e)
{
	struct elf_mem m = elf_mem_of(p);
	_cleanup_(sut_freep) char *names = NULL;
	struct symbol_object o;
	struct symbol s;

	if (!e->dynamic || symbol_object(&m, e, &o) < 0 || !o.strtab || !o.strsz)
		return false;
	if (o.strsz > NAMES_MAX || symbol_find(&m, &o, "makecontext", "", &s) == 0)
		return false;
	names = malloc(o.strsz);
	if (!names || proc_read(p, o.strtab, names, o.strsz) < 0)
		return false;
	return names_has(names, o.strsz, "makecontext") || names_has(names, o.strsz, "swapcontext");
}

bool coroutine_used(const struct proc *p)
{
	for (size_t i = 0; i < p->nelfs; i++) {
		bool used;

		if (!recall(&p->elfs[i], p->uid, &used)) {
			used = imports(p, &p->elfs[i]);
			remember(&p->elfs[i], p->uid, used);
		}
		if (used)
			return true;
	}
	return false;
}

/* A note of the toolchain: name "Go", type 4 (its own build-id). */
static bool has_go_note(const uint8_t *notes, size_t len)
{
	size_t at = 0;

	while (len - at >= sizeof(Elf64_Nhdr)) {
		Elf64_Nhdr h;
		size_t name, desc;

		memcpy(&h, notes + at, sizeof(h));
		at += sizeof(h);
		name = ((size_t)h.n_namesz + 3) & ~(size_t)3;
		desc = ((size_t)h.n_descsz + 3) & ~(size_t)3;
		if (name > len - at || desc > len - at - name)
			return false;
		if (h.n_type == 4 && h.n_namesz == 4 && !memcmp(notes + at, "Go\0", 4))
			return true;
		at += name + desc;
	}
	return false;
}

int coroutine_refuse_go(const struct proc *p, struct sut_err *err)
{
	const struct proc_map *m = proc_map_at(p, p->auxv_phdr);
	Elf64_Phdr phdrs[ELF_PHDRS_MAX];
	uint8_t notes[ELF_NOTES_MAX];
	uint64_t bias = 0;
	Elf64_Ehdr h;

	if (!m || elf_read_head(p, m->start, &h, sizeof(h)) < 0 ||
	    memcmp(h.e_ident, ELFMAG, SELFMAG) || h.e_phentsize != sizeof(phdrs[0]) ||
	    h.e_phnum > ELF_PHDRS_MAX ||
	    elf_read_head(p, p->auxv_phdr, phdrs, h.e_phnum * sizeof(phdrs[0])) < 0)
		return 0;
	for (size_t i = 0; i < h.e_phnum; i++)
		if (phdrs[i].p_type == PT_LOAD && !phdrs[i].p_offset)
			bias = m->start - phdrs[i].p_vaddr;
	for (size_t i = 0; i < h.e_phnum; i++) {
		size_t len = phdrs[i].p_filesz < sizeof(notes) ? phdrs[i].p_filesz : sizeof(notes);

		if (phdrs[i].p_type == PT_NOTE &&
		    elf_read_head(p, phdrs[i].p_vaddr + bias, notes, len) == 0 &&
		    has_go_note(notes, len))
			return sut_err_reason(
				err, EOPNOTSUPP, "goroutines",
				"process %d (%s) is a Go program, whose stacks can't be looked at; restart it with the updated package",
				p->pid, p->comm);
	}
	return 0;
}
