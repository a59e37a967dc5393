/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is a stopped thread inside of certain code, or will it return there?
 *
 * First conservatively: the program counter, and every word of its stack (and of its alternate stack). A hit is then looked at by
 * unwinding (libdwfl); only a stack that can be unwound to its end can take a hit back.
 */
#ifndef SUTURE_PROCESS_CHANGE_INSIDE_H
#define SUTURE_PROCESS_CHANGE_INSIDE_H

#include "change/contexts.h"
#include "change/threads.h"
#include "change/unwind.h"

struct inside_range {
	uint64_t start, end; /* addresses */
	uint32_t func; /* what the caller calls it: the same for a function and its children */
	/* Whoever stands exactly at start has done nothing of it yet and may be redirected; elsewhere (jump_len bytes) it may not. */
	uint32_t jump_len;
};

struct inside_hit {
	pid_t tid;     /* 0: in memory that belongs to no thread (scan_heap, contexts) */
	uint64_t addr; /* the word that was found */
	uint32_t range;
	bool unwound; /* certain: a frame; false: a word, and the stack could not be unwound to its end */
};

struct inside_options {
	/* Words of private writable memory count, too, wherever they are. Many of them are of calls that have ended long ago. */
	bool scan_heap;
	/* Stacks of coroutines, as far as they are in use; NULL: none. */
	const struct contexts *contexts;
	struct unwind
		*unwind; /* prepared before the stop; NULL: every word that is found is believed */
};

/* ranges ascending, disjoint. *ret_hits (malloc) and n: one per thread and range at most. 0 with n 0: nobody is inside. */
int inside_find(const struct threads *t, const struct inside_range *ranges, size_t nranges,
		const struct inside_options *o, struct inside_hit **ret_hits, size_t *ret_n,
		struct sut_err *err) _must_check_;

#endif
