/* SPDX-License-Identifier: Apache-2.0 */
/* For the files of this folder: what a view is made of. */
#ifndef SUTURE_CONSOLE_MAP_VIEW_INTERNAL_H
#define SUTURE_CONSOLE_MAP_VIEW_INTERNAL_H

#include "map/build.h"
#include "map/strings.h"

struct view_class {
	const char *key; /* all that makes hosts equal */
	struct kept_set *sets[BUILD_SETS_MAX];
	size_t nsets;
	struct find_set merged;	    /* when there are several */
	const struct find_set *set; /* that of sets[0], merged, or empty */
	struct verdict_host host;
	struct verdict_library *libraries;
	struct view_counts counts;
	uint32_t nhosts, first; /* in by_class */
	unsigned int products;	/* of what is fix-ready */
};

struct map_view {
	_Atomic unsigned int refs;
	struct map_index *index;
	struct names *names;
	struct strings *pool;
	struct view_host *hosts;
	const char **search; /* what q looks in, in lower case */
	size_t nhosts;
	struct view_class *classes;
	size_t nclasses;
	uint32_t *by_class; /* host numbers, class by class */
	uint32_t *worst;
	struct view_cve *cves; /* by what to look at first */
	size_t ncves;
	uint32_t *cve_at; /* by cves.id: 1 + place in cves; names->ncves of them */
	struct view_native *natives;
	uint32_t *native_at, *native_class; /* by natives.id; a class that has it */
	size_t nnatives;
	struct view_totals totals;
	int64_t at, generation;
	double took;
};

/* The subject of each package of a class, found when it is first asked for. Zero-initialise; not shared by threads. */
struct subjects {
	const struct map_view *v;
	const struct view_class *c;
	struct verdict_subject *s; /* 2 of each package: running, and not */
	uint8_t *known;
	uint32_t n;
};
int subjects_init(struct subjects *s, const struct map_view *v) _must_check_;
void subjects_for(struct subjects *s, const struct view_class *c); /* another class */
void subjects_release(struct subjects *s);
const struct verdict_subject *subject_of(struct subjects *s, const struct find_rec *r);

/* The records of one CVE, from i on; returns where they end. */
size_t same_cve(const struct find_set *set, size_t i);
/* The first record of a CVE, or set->n. */
size_t find_cve(const struct find_set *set, uint32_t cve);
void view_free(struct map_view *v);

#endif
