/* SPDX-License-Identifier: Apache-2.0 */
/* Code in which nobody may be at a switch: old functions and what belongs to them, and the new code of what is to be taken out. */
#ifndef SUTURE_PROCESS_CHANGE_RANGES_H
#define SUTURE_PROCESS_CHANGE_RANGES_H

#include "change/inside.h"
#include "change/record.h"

/* Whose range it is: inside_range.func is an index of these. */
struct ranges_who {
	const char *name; /* NULL: new code of a patch */
	uint32_t site;	  /* which mapping, as the caller counts */
	uint32_t func; /* index in the library's functions; RANGES_ALL: it belongs to all of them */
	uint64_t start;
};

#define RANGES_ALL UINT32_MAX

struct ranges {
	struct inside_range *v; /* as inside_find() takes them, after ranges_end() */
	struct ranges_who *who;
	size_t n, cap;
};

/* Old functions, their children and what must not be busy. */
int ranges_add_library(struct ranges *r, const struct sut_library *l, uint64_t bias, uint32_t site,
		       struct sut_err *err) _must_check_;
/* The code behind the jumps of a record, its islands, and what it wants to be free. l: what its functions are compared with, to say which is whose; NULL. */
int ranges_add_record(struct ranges *r, const struct proc *p, const struct record *rec,
		      const struct sut_library *l, uint32_t site, struct sut_err *err) _must_check_;
/* Sorts them. */
void ranges_end(struct ranges *r);
void ranges_release(struct ranges *r);

#endif
