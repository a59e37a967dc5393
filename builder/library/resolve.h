/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How new code reaches what is not part of it: directly, when the shipped file has it and the dynamic linker cannot put something
 * else in its place; else through the stub or slot through which the file itself reaches it; else as an import.
 */
#ifndef SUTURE_BUILDER_LIBRARY_RESOLVE_H
#define SUTURE_BUILDER_LIBRARY_RESOLVE_H

#include "base/str.h"
#include "library/image.h"
#include "library/linked.h"
#include "library/unit.h"

struct sut_lib_resolver {
	const struct sut_lib_profile *profile;
	struct sut_linked *linked; /* the shipped file; owned */
	struct sut_buf bytes;	   /* its contents */
	bool symbolic;		   /* references to itself are bound when it is linked */
	struct sut_image *image;   /* gets slots and jumps */
	struct sut_library_import *imports;
	size_t nimports;
	struct sut_strv names; /* of imports */
};

int sut_lib_resolver_init(struct sut_lib_resolver *r, const struct sut_lib_profile *p,
			  struct sut_image *image, struct sut_err *err) _must_check_;
void sut_lib_resolver_release(struct sut_lib_resolver *r);

/* Something that a name or a unit's atom stands for. */
struct sut_lib_thing {
	const char *name;    /* "" when it has none that others use */
	const char *version; /* "" for none */
	bool here;	     /* the shipped file has it: */
	uint64_t vaddr;
	bool tls;	  /* vaddr is the offset in the TLS block */
	bool ifunc;	  /* vaddr is that of the resolver */
	bool weak;	  /* undefined, and may stay so */
	bool preemptible; /* exported: another file's symbol of that name comes first */
};

/* What the linker would have bound an undefined symbol of some object of the file to. -EKEYREJECTED: not certain, or not proven. */
int sut_lib_resolve_name(struct sut_lib_resolver *r, const struct sut_sym *s,
			 struct sut_lib_thing *ret, struct sut_err *err) _must_check_;
/* Something that the unit had before the fix; via: the symbol by which it is referred to. */
int sut_lib_resolve_atom(struct sut_lib_resolver *r, const struct sut_lib_unit *u, uint32_t orig,
			 const struct sut_sym *via, struct sut_lib_thing *ret,
			 struct sut_err *err) _must_check_;
/* Does the file offer the symbol to others, so that another one may be in its place? */
bool sut_lib_preemptible(const struct sut_lib_resolver *r, const struct sut_sym *s);

/*
 * The place whose address a field gets when it means: the thing itself, a call of it, 8 bytes with its address. *ret is in the
 * target or in the image, so that it can be reached. -EOPNOTSUPP (a reason is given): there is no way.
 */
int sut_lib_reach(struct sut_lib_resolver *r, const struct sut_lib_thing *t,
		  struct sut_image_place *ret, struct sut_err *err) _must_check_;
int sut_lib_reach_call(struct sut_lib_resolver *r, const struct sut_lib_thing *t,
		       struct sut_image_place *ret, struct sut_err *err) _must_check_;
int sut_lib_reach_slot(struct sut_lib_resolver *r, const struct sut_lib_thing *t,
		       struct sut_image_place *ret, struct sut_err *err) _must_check_;
/* kind: SUT_LIB_SLOT_TLS_*. */
int sut_lib_reach_tls(struct sut_lib_resolver *r, const struct sut_lib_thing *t,
		      enum sut_lib_slot_kind kind, struct sut_image_place *ret,
		      struct sut_err *err) _must_check_;
/* An address in 8 bytes, wherever it is: an import as well. */
int sut_lib_reach_far(struct sut_lib_resolver *r, const struct sut_lib_thing *t,
		      struct sut_image_place *ret, struct sut_err *err) _must_check_;
/* Offset from the thread pointer; executables only. */
int sut_lib_tpoff(struct sut_lib_resolver *r, const struct sut_lib_thing *t, int64_t *ret,
		  struct sut_err *err) _must_check_;

#endif
