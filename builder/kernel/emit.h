/* SPDX-License-Identifier: Apache-2.0 */
/* Copying selected atoms of several objects into one new object, relocations made anew. */
#ifndef SUTURE_BUILDER_EMIT_H
#define SUTURE_BUILDER_EMIT_H

#include "kernel/payload.h"

struct sut_emitter {
	const struct sut_profile *profile;
	struct sut_payload_unit *units;
	size_t nunits;
	struct sut_object *out; /* owned */
	uint32_t **syms;	/* per unit and atom: its symbol in out; 0: not there */
	int64_t **offs;		/* what to add to an addend to mean the atom's start through syms */
	uint64_t anchor_addr;	/* link address of _printk */
	struct sut_anchored *anchored; /* owned until taken */
	size_t nanchored;
	bool keep; /* the address of a new function or variable is taken */
};

int sut_emitter_init(struct sut_emitter *e, const struct sut_profile *p,
		     struct sut_payload_unit *units, size_t n, struct sut_err *err) _must_check_;
void sut_emitter_release(struct sut_emitter *e);

/* Section of out by name, made when missing; its index or -ENOMEM. */
int sut_emit_section(struct sut_emitter *e, const char *name, uint32_t type, uint64_t flags,
		     uint64_t align) _must_check_;
/* Adds bytes (NULL: zeros); *ret_off: where they begin. */
int sut_emit_bytes(struct sut_emitter *e, uint32_t section, const void *data, uint64_t len,
		   uint64_t align, uint64_t *ret_off) _must_check_;
/* The undefined symbol of that name, made when missing. */
int sut_emit_undefined(struct sut_emitter *e, const char *name) _must_check_;
/* A 64-bit field that will hold a link address plus the KASLR offset. */
int sut_emit_anchored64(struct sut_emitter *e, uint32_t section, uint64_t off,
			uint64_t addr) _must_check_;

/* All included atoms of all units: contents first, then what refers to what. */
int sut_emit_units(struct sut_emitter *e, struct sut_err *err) _must_check_;

#endif
