/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What suture-build knows about one shipped library or executable: the file itself, and the recorded build that made it.
 *
 * `target add debian/PACKAGE=VERSION` makes it once, in <cache>/targets/<name with '/' as '_'>/, for every ELF file of the package:
 * the source package is built once, in a root of its own, and the commands of every compiler and linker call are kept, with the
 * objects they made. The link map says where each section of each object went; the rebuilt file gives the symbols that the
 * shipped one was stripped of. Nothing of that is believed before the bytes of the shipped file are the same
 * (docs/internals/library-target.md).
 */
#ifndef SUTURE_BUILDER_LIBRARY_PROFILE_H
#define SUTURE_BUILDER_LIBRARY_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

enum { SUT_LIB_BUILD_ID_LEN = 20 };

/* A symbol of the rebuilt file. */
struct sut_lib_sym {
	const char *name;    /* without "@VERSION" */
	const char *version; /* "" for none */
	uint64_t vaddr, size;
	uint8_t type, bind; /* STT_*, STB_* */
	/* Functions and data with contents: every byte that the shipped file has there is the same. */
	bool proven;
};

/* Where a section of an object went. */
struct sut_lib_placed {
	const char *name; /* ".text", ".rodata.str1.1", ".text.unlikely" */
	uint64_t vaddr, size;
	uint32_t nth; /* of the sections of that name in the object, in their order */
};

/* One object that went into the file. */
struct sut_lib_object {
	const char *
		path; /* of the object that the recorded build made (a copy that is kept), readable from here */
	const char *
		source; /* relative to src_dir: "crypto/rsa/rsa_kem.c"; "" when it was not made from one C or C++ file of the tree */
	const char *const *
		argv; /* the recorded command, ends with NULL; paths as they are inside of the build's root */
	const char *cwd;      /* likewise */
	const char *language; /* "c", "c++", "asm", "" */
	const char *const *
		deps; /* every file of src_dir that it was made from, relative to it; ends with NULL */
	const struct sut_lib_placed
		*placed; /* by the link map; .rodata.str* and the like are merged and not there */
	size_t nplaced;
};

/* A place of the shipped file through which its code reaches a symbol: a PLT stub, a GOT slot, a TLS slot. */
enum sut_lib_slot_kind {
	SUT_LIB_SLOT_PLT,      /* a stub that jumps to the symbol */
	SUT_LIB_SLOT_GOT,      /* 8 bytes: the symbol's address */
	SUT_LIB_SLOT_TLS_IE,   /* 8 bytes: its offset from the thread pointer */
	SUT_LIB_SLOT_TLS_GD,   /* 16 bytes: module and offset */
	SUT_LIB_SLOT_TLS_LD,   /* 16 bytes: this module, 0; has no name */
	SUT_LIB_SLOT_TLS_DESC, /* 16 bytes: a descriptor */
};

struct sut_lib_slot {
	enum sut_lib_slot_kind kind;
	uint64_t vaddr;
	const char *name, *version; /* "" when the symbol is local: then target says what it is */
	uint64_t
		target; /* vaddr of a local symbol (R_*_RELATIVE, IRELATIVE: of the resolver); offset in the TLS block; else 0 */
};

struct sut_lib_profile {
	const char *name;	       /* "debian/libssl3=3.0.17-1~deb12u2" */
	const char *package, *version; /* binary package */
	const char *source, *source_version;
	const char *arch;    /* "x86_64" */
	const char *file;    /* path in the package: "/usr/lib/x86_64-linux-gnu/libcrypto.so.3" */
	const char *soname;  /* "libcrypto.so.3"; of an executable its base name */
	const char *shipped; /* the file from the package, readable from here */
	const char *rebuilt; /* the one from the recorded build, not stripped */
	const char *dir;     /* the profile's folder */
	const char *root; /* root file system of the build; "/" when it was built on this machine */
	const char *
		src_dir; /* unpacked source with the distribution's patches, as a path inside of root; never written to after add */
	uint8_t build_id[SUT_LIB_BUILD_ID_LEN];
	bool executable; /* ET_EXEC, or ET_DYN with an interpreter; TPOFF32 is a constant there */
	bool is_static;	 /* no dynamic section that ld.so would see */
	uint64_t tls_vaddr, tls_memsz, tls_align; /* PT_TLS; memsz 0: none */

	const struct sut_lib_object *objects; /* in the order of the link */
	size_t nobjects;
	const struct sut_lib_sym *syms; /* by vaddr */
	size_t nsyms;
	const struct sut_lib_slot *slots; /* by kind, then name */
	size_t nslots;
	size_t functions, proven; /* of the whole file */
	void *priv;
};

/* -ENOENT with advice when there is no such target; when the package has several files and `file` (base name or soname, NULL:
 * the only one) does not say which, -EINVAL (reason "which-file") names them. */
int sut_lib_profile_open(const char *cache, const char *target, const char *file,
			 struct sut_lib_profile **ret, struct sut_err *err) _must_check_;
void sut_lib_profile_free(struct sut_lib_profile *p);
void sut_lib_profile_freep(struct sut_lib_profile **p);

/* Adds the base names of all files of a target that patches can be made for. */
int sut_lib_profile_files(const char *cache, const char *target, struct sut_strv *ret,
			  struct sut_err *err) _must_check_;

/* Contents of the shipped file at a vaddr, NULL when the range is not wholly within the contents of one PT_LOAD. */
const uint8_t *sut_lib_profile_bytes(const struct sut_lib_profile *p, uint64_t vaddr, size_t len);

/* The same of the rebuilt file. */
const uint8_t *sut_lib_profile_rebuilt(const struct sut_lib_profile *p, uint64_t vaddr, size_t len);

/* Are these bytes the same in both, and dynamic relocations over them as well? *ret_off: the first that differs. */
bool sut_lib_profile_same(const struct sut_lib_profile *p, uint64_t vaddr, size_t len,
			  uint64_t *ret_off);

/* All symbols of a name: returns how many; *ret points at the first of an array of indexes into syms. */
size_t sut_lib_profile_lookup(const struct sut_lib_profile *p, const char *name,
			      const uint32_t **ret);

/* The symbol whose range holds vaddr; NULL when none does. */
const struct sut_lib_sym *sut_lib_profile_at(const struct sut_lib_profile *p, uint64_t vaddr);

/* NULL when the file has none of that kind for the symbol (or, with name "", for target). */
const struct sut_lib_slot *sut_lib_profile_slot(const struct sut_lib_profile *p,
						enum sut_lib_slot_kind kind, const char *name,
						uint64_t target);

/* ---- compiling inside of the root, as recorded ---- */

/* A file of the source tree that is seen with another content: path relative to src_dir, text_path outside of the root. */
struct sut_lib_overlay {
	const char *path, *text_path;
};

struct sut_lib_compile {
	const struct sut_lib_object *object;
	const struct sut_lib_overlay
		*overlays; /* put over the tree for this call alone, under the same paths */
	size_t noverlays;
	const char *const *extra; /* further options, end with NULL: -ffunction-sections … */
	const char *output;	  /* object file to write, outside of the root */
	double seconds;		  /* written */
};

/* Runs n of them, a few at a time. -ECHILD: the compiler failed, with its message. */
int sut_lib_compile_run(const struct sut_lib_profile *p, struct sut_lib_compile *c, size_t n,
			struct sut_err *err) _must_check_;

#endif
