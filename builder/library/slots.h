/* SPDX-License-Identifier: Apache-2.0 */
/* The PLT stubs, GOT slots and TLS slots of a linked file, read from its code and its dynamic relocations. */
#ifndef SUTURE_BUILDER_LIBRARY_SLOTS_H
#define SUTURE_BUILDER_LIBRARY_SLOTS_H

#include "library/linked.h"
#include "library/profile.h"

/* By kind, then name, then target, then vaddr. The strings live as long as l; caller frees. */
int sut_slots_read(const struct sut_linked *l, struct sut_lib_slot **ret, size_t *ret_n,
		   struct sut_err *err) _must_check_;

/* The first slot of a kind for a symbol, or with name "" for a target; NULL when there is none. */
const struct sut_lib_slot *sut_slots_find(const struct sut_lib_slot *v, size_t n,
					  enum sut_lib_slot_kind kind, const char *name,
					  uint64_t target);

#endif
