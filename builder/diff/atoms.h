/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Atoms: the indivisible parts of a relocatable object, and what they refer to.
 *
 * A function or variable is an atom; so is a whole section without symbols
 * (switch tables, merged strings). Every relocation is resolved to an atom and
 * an offset in it, whatever form the assembler gave it (section symbol plus
 * addend, local label, named symbol). Records of the special sections are
 * attached to the function they belong to.
 */
#ifndef SUTURE_BUILDER_ATOMS_H
#define SUTURE_BUILDER_ATOMS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "diff/special.h"
#include "elf/object.h"

enum { SUT_NO_ATOM = UINT32_MAX };

/* What a relocation refers to. Either an atom of this object, or an undefined symbol. */
struct sut_ref {
	uint32_t atom;	 /* index; SUT_NO_ATOM for an undefined or absolute symbol */
	uint32_t sym;	 /* symbol index when there is no atom */
	int64_t target;	 /* the place meant: offset from the atom's start (or symbol's value) */
	uint64_t offset; /* of the field, from the start of the atom that refers */
	int64_t addend;	 /* as a relocation against the atom's start (or the symbol) has it */
	uint32_t type;	 /* R_X86_64_* */
	bool branch;	 /* the field is the target of a call or jump instruction */
};

/* A record of a special section. */
struct sut_record {
	uint32_t section; /* index in the object */
	uint32_t offset;  /* of the record in the section */
	uint32_t atom;	  /* the function it belongs to */
	uint64_t place;	  /* offset in that function */
	uint32_t first_ref,
		nrefs; /* its relocations, in sut_atoms.record_refs; offsets from the record */
	enum sut_table_kind table;
};

struct sut_atom {
	uint32_t section;
	uint32_t sym;	    /* the symbol that names it; 0 for a section without symbols */
	uint64_t off, size; /* range in the section */
	const char *name;   /* symbol or section name */
	enum sut_section_class class;
	bool anonymous;	 /* its name means nothing: compared by content, and copied */
	uint32_t parent; /* of a .cold part: the function it was split off; else SUT_NO_ATOM */
	uint32_t child;	 /* of a function: its .cold part; else SUT_NO_ATOM */
	uint32_t first_ref, nrefs;	 /* in sut_atoms.refs */
	uint32_t first_record, nrecords; /* in sut_atoms.records */
};

struct sut_backend;

struct sut_atoms {
	const struct sut_backend *backend;
	const struct sut_object *object; /* not owned */
	struct sut_section_rule *rules;	 /* one per section */
	struct sut_atom *atoms;
	uint32_t n, max;
	uint32_t *sym_atom; /* per symbol: its atom, or SUT_NO_ATOM */
	struct sut_ref *refs;
	uint32_t nrefs;
	struct sut_record *records; /* by function, then table, then offset */
	uint32_t nrecords;
	struct sut_ref *record_refs;
	uint32_t nrecord_refs;
	uint32_t *by_place; /* atoms sorted by section and offset; internal */
};

/* -EOPNOTSUPP with reason "unknown-record" when a table is there whose record
 * size the target does not tell. The object must outlive the result. sizes: NULL for user space. */
int sut_atoms_new_for(const struct sut_backend *b, const struct sut_object *o,
		      const struct sut_record_sizes *sizes, struct sut_atoms **ret,
		      struct sut_err *err) _must_check_;
/* For the kernel. */
int sut_atoms_new(const struct sut_object *o, const struct sut_record_sizes *sizes,
		  struct sut_atoms **ret, struct sut_err *err) _must_check_;
/* The atom of a symbol of that name that other objects can use; SUT_NO_ATOM when there is none. */
uint32_t sut_atoms_global(const struct sut_atoms *a, const char *name);
void sut_atoms_free(struct sut_atoms *a);
void sut_atoms_freep(struct sut_atoms **a);

/* The atom that holds a place of a section; SUT_NO_ATOM when there is none. */
uint32_t sut_atoms_at(const struct sut_atoms *a, uint32_t section, uint64_t off);

/* First byte of the atom's contents; NULL for .bss. */
const uint8_t *sut_atom_bytes(const struct sut_atoms *a, uint32_t atom);

/* Compares names without the compiler's numbers: foo.isra.3 ~ foo.isra.5, x.12 ~ x.7. */
bool sut_name_alike(const char *a, const char *b);

/* Does the name have a number of the compiler's (x.12, foo.isra.0)? */
bool sut_name_numbered(const char *name);

#endif
