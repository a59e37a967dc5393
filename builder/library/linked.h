/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A linked ELF file (shared library or executable, x86-64), read from its bytes: segments, sections, symbols with their versions,
 * and dynamic relocations, RELR among them. A pure function of the bytes: fuzzed.
 */
#ifndef SUTURE_BUILDER_LIBRARY_LINKED_H
#define SUTURE_BUILDER_LIBRARY_LINKED_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "library/profile.h"

enum {
	SUT_LINKED_MAX = 1 << 30, /* bytes of a file */
	SUT_LINKED_SEGMENTS_MAX = 256,
	SUT_LINKED_SECTIONS_MAX = 65000,
	SUT_LINKED_SYMS_MAX = 4 << 20,
	SUT_LINKED_RELS_MAX = 8 << 20,
};

struct sut_linked_section {
	const char *name;
	uint32_t type, link, info; /* SHT_* */
	uint64_t flags, vaddr, offset, size, entsize;
};

struct sut_linked_sym {
	const char *name, *version; /* "" for none */
	uint64_t value, size;
	uint16_t shndx;
	uint8_t type, bind, other;
};

/* A dynamic relocation. RELR is given as R_X86_64_RELATIVE with what the place contains as addend. */
struct sut_linked_rel {
	uint64_t vaddr;
	int64_t addend;
	uint32_t type; /* R_X86_64_* */
	uint32_t sym;  /* index into dynsyms; 0: none */
};

struct sut_linked {
	const uint8_t *data; /* the caller's; must outlive this */
	size_t len;
	uint16_t type; /* ET_EXEC, ET_DYN */
	bool interp;   /* has PT_INTERP */
	bool dynamic; /* has PT_DYNAMIC that wants a dynamic linker: PT_INTERP or DT_NEEDED or DT_SONAME */
	bool has_build_id;
	uint8_t build_id[SUT_LIB_BUILD_ID_LEN];
	const char *soname; /* "" for none */
	uint64_t tls_vaddr, tls_memsz, tls_align;
	Elf64_Phdr *loads; /* PT_LOAD by vaddr */
	size_t nloads;
	struct sut_linked_section *sections;
	size_t nsections;
	struct sut_linked_sym *syms; /* .symtab */
	size_t nsyms;
	struct sut_linked_sym *dynsyms; /* .dynsym; [0] is the null symbol when there are any */
	size_t ndynsyms;
	struct sut_linked_rel *rels; /* by vaddr */
	size_t nrels;
	char *names; /* of symbols whose version was cut off */
};

/* -EBADMSG: no such file, or one whose parts do not lie within it. */
int sut_linked_parse(const void *data, size_t len, struct sut_linked **ret,
		     struct sut_err *err) _must_check_;
void sut_linked_free(struct sut_linked *l);
void sut_linked_freep(struct sut_linked **l);

/* Contents at a vaddr; NULL when they are not wholly within one PT_LOAD's contents. */
const uint8_t *sut_linked_bytes(const struct sut_linked *l, uint64_t vaddr, size_t len);

/* NULL when there is none. */
const struct sut_linked_section *sut_linked_section(const struct sut_linked *l, const char *name);
const struct sut_linked_section *sut_linked_section_at(const struct sut_linked *l, uint64_t vaddr);

/* The first relocation at or behind vaddr: an index into rels, nrels when there is none. */
size_t sut_linked_rel_from(const struct sut_linked *l, uint64_t vaddr);

#endif
