/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the differ must know about the world its objects are for: what their sections mean, which names mean nothing, what
 * cannot be changed while it runs, and how to say that. Everything else is the same for the kernel and for user space.
 */
#ifndef SUTURE_BUILDER_BACKEND_H
#define SUTURE_BUILDER_BACKEND_H

#include "diff/atoms.h"

struct sut_backend {
	bool kernel; /* unwinding is by ORC there: .eh_frame means nothing */
	struct sut_section_rule (*section)(const struct sut_section *s,
					   const struct sut_record_sizes *sizes);
	/* A variable whose name the compiler or a macro made up, so that equal names mean nothing. */
	bool (*made_up)(const struct sut_object *o, const struct sut_atom *a);
	/* May this changed function be replaced, this new part come along? When not: the reason, and why in *ret_text. */
	const char *(*fixed)(const struct sut_atoms *patched, uint32_t atom, const char **ret_text);
	const char *(*unwelcome)(const struct sut_atoms *patched, uint32_t atom,
				 const char **ret_text);
	/* Sentences for refusals. */
	const char *changed_data, *init_code, *init_reference, *start_table, *unknown_section;
};

extern const struct sut_backend sut_backend_kernel, sut_backend_user;

#endif
