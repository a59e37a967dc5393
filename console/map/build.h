/* SPDX-License-Identifier: Apache-2.0 */
/* Making a view, without a database: find sets, hosts, and what the numbers in find sets mean. */
#ifndef SUTURE_CONSOLE_MAP_BUILD_H
#define SUTURE_CONSOLE_MAP_BUILD_H

#include "map/view.h"

/* Find sets are shared by views. */
struct kept_set {
	int64_t id; /* find_sets.id */
	struct find_set set;
	bool damaged; /* it could not be read; set is empty */
	_Atomic unsigned int refs;
};
struct kept_set *kept_set_new(int64_t id, struct find_set *set) _must_check_; /* takes set over */
struct kept_set *kept_set_ref(struct kept_set *s);
void kept_set_put(struct kept_set *s);

/* Names by row id; NULL where there is none. Filled once, then only read. */
struct names {
	_Atomic unsigned int refs;
	struct strings *pool;
	const char **cve;
	int64_t *cve_key;
	uint32_t ncves;
	const char **package, **version;
	uint32_t npackages;
	const char **native, **title;
	uint32_t nnatives;
};
struct names *names_new(uint32_t cves, uint32_t packages, uint32_t natives) _must_check_;
struct names *names_ref(struct names *n);
void names_put(struct names *n);
int names_cve(struct names *n, uint32_t id, const char *name) _must_check_;
int names_package(struct names *n, uint32_t id, const char *name, const char *version) _must_check_;
int names_native(struct names *n, uint32_t id, const char *key, const char *title) _must_check_;

struct view_builder;

struct build_host {
	int64_t id;
	const char *uid, *system_id, *external_id, *hostname, *fqdn, *addresses, *feed, *state,
		*tags, *build_id, *kernel_id, *release, *package_version, *scanner, *libraries,
		*pin;
	int64_t scanned_at, last_seen, hold_until;
	uint32_t level;
	bool registered, silent, hold;
	struct kept_set *const *sets; /* of its scans; references stay the caller's */
	size_t nsets;
	bool damaged; /* one of its scans cannot be read: it is no system of which all is known */
};

/* References of index (may be NULL) and names become the view's. now: for holds. */
int build_begin(struct map_index *index, struct names *names, int64_t now, int64_t generation,
		struct view_builder **ret, struct sut_err *err) _must_check_;
/* In the order of ids. */
int build_host(struct view_builder *b, const struct build_host *h,
	       struct sut_err *err) _must_check_;
/* Computes; b is gone, whatever happens. */
int build_end(struct view_builder *b, struct map_view **ret, struct sut_err *err) _must_check_;
void build_free(struct view_builder *b);

enum { BUILD_SETS_MAX = 8 }; /* of one host: kinds of scanners */

#endif
