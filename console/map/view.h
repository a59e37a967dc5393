/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The view of a tenant: what is wrong on which host, and what live patching can do about it. It is computed from hosts,
 * find sets and the coverage index and never changes; when these do, another one takes its place (map.h). Readers
 * hold a reference and need no lock.
 *
 * Hosts that have the same findings, the same kernel at the same level, the same libraries and the same policy make one class, and
 * verdicts are computed for classes. So 10,000 equal hosts cost as much as one; memory is that of the find sets
 * that differ (16 bytes for each record) and some hundred bytes for each host.
 *
 * A host counts a CVE once, whatever packages and findings it comes in; with the worse verdict (verdict_worse()).
 */
#ifndef SUTURE_CONSOLE_MAP_VIEW_H
#define SUTURE_CONSOLE_MAP_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "find/set.h"
#include "map/verdict.h"

struct map_view;

struct map_view *view_ref(struct map_view *v);
/* NULL is fine. */
void view_put(struct map_view *v);
void view_putp(struct map_view **v);

enum view_protection {
	VIEW_PROTECTED, /* registered, scanned, and nothing that a live patch can close is open */
	VIEW_EXPOSED,	/* a live patch could close something: fix-ready, partial, fix-held */
	VIEW_UNKNOWN,	/* not scanned, or not registered */
	VIEW_OFFLINE,	/* registered and silent */
	VIEW_PROTECTIONS
};
const char *view_protection_name(enum view_protection p);

/* Of CVEs. */
struct view_counts {
	uint32_t verdicts[VERDICTS];
	uint32_t findings, exposed;
};

/* Texts belong to the view and are never NULL. */
struct view_host {
	int64_t id;
	const char *uid, *system_id, *external_id, *hostname, *fqdn, *feed, *state, *tags;
	const char *build_id, *release;
	const char *scanner;
	int64_t scanned_at, last_seen; /* 0: never */
	uint32_t level;
	bool registered, silent, scanned;
	enum view_protection protection;
	uint32_t class; /* the view's own */
	const struct view_counts *counts;
};

/* By id. */
size_t view_hosts(const struct map_view *v);
const struct view_host *view_host_at(const struct map_view *v, size_t i);
const struct view_host *view_host(const struct map_view *v, int64_t id);	  /* NULL */
const struct view_host *view_host_uid(const struct map_view *v, const char *uid); /* NULL */
/* What verdicts are made of: the kernel's target, level, feed, libraries. */
const struct verdict_host *view_facts(const struct map_view *v, const struct view_host *h);
/* Host numbers in the order of the worst: by fix-ready, partial …, then by name. view_hosts() of them. */
const uint32_t *view_worst_hosts(const struct map_view *v);

/* What a class is known by; zeros when the host is not in the view. */
void view_system_counts(const struct map_view *v, int64_t host, struct view_counts *ret,
			enum view_protection *ret_protection);

enum { VIEW_KERNEL = 1, VIEW_LIBRARY = 2 }; /* products */

struct view_cve {
	const char *name;
	int64_t key;
	uint32_t id;		     /* cves.id */
	uint32_t verdicts[VERDICTS]; /* systems */
	uint32_t systems, exposed;
	unsigned int severity; /* the worst that a scanner said */
	unsigned int products;
};

/* In the order of what to look at first. */
size_t view_cves(const struct map_view *v);
const struct view_cve *view_cve_at(const struct map_view *v, size_t i);
const struct view_cve *view_cve(const struct map_view *v, const char *name); /* NULL */

struct view_native {
	uint32_t id; /* natives.id */
	const char *key, *title;
	uint32_t verdicts[VERDICTS]; /* systems, rolled up */
	uint32_t systems;
	enum verdict worst;
};

size_t view_natives(const struct map_view *v);
const struct view_native *view_native_at(const struct map_view *v, size_t i);
const struct view_native *view_native(const struct map_view *v, uint32_t id); /* NULL */

struct view_totals {
	uint32_t systems, protection[VIEW_PROTECTIONS];
	uint64_t verdicts[VERDICTS], exposed; /* pairs of host and CVE */
	int64_t last_scan;
	uint32_t stale; /* scanned more than VIEW_STALE_SEC ago */
	uint32_t classes;
};
enum { VIEW_STALE_SEC = 7 * 24 * 3600 };
const struct view_totals *view_totals(const struct map_view *v);
/* When it was made, and of which generation. */
int64_t view_at(const struct map_view *v);
int64_t view_generation(const struct map_view *v);
/* Seconds that making it took. */
double view_took(const struct map_view *v);
/* Of the portal; empty when there is no coverage yet. Lives as long as the view. */
const struct map_index *view_index(const struct map_view *v);

/* One record of a host. */
struct view_finding {
	const char *cve, *native_key, *native_title, *package, *version; /* "" when not known */
	int64_t cve_key;
	uint32_t cve_id, native_id;
	unsigned int severity;
	bool not_running;
	struct verdict_answer answer;
};

/* fn < 0 ends it and is returned. By CVE id. */
typedef int (*view_finding_fn)(void *ctx, const struct view_finding *f);
int view_findings(const struct map_view *v, const struct view_host *h, view_finding_fn fn,
		  void *ctx) _must_check_;

/* The hosts that have a CVE, class by class; finding: that which counts for all of them. */
typedef int (*view_host_fn)(void *ctx, const struct view_host *h, const struct view_finding *f);
int view_cve_hosts(const struct map_view *v, const struct view_cve *c, view_host_fn fn,
		   void *ctx) _must_check_;

/* The CVEs of a scanner's own finding. verdicts: of all systems that have the CVE. */
typedef int (*view_native_fn)(void *ctx, const struct view_cve *c,
			      const uint32_t verdicts[static VERDICTS]);
int view_native_cves(const struct map_view *v, const struct view_native *n, view_native_fn fn,
		     void *ctx) _must_check_;

/*
 * Hosts by what they have. Lists that are not asked for are NULL. A host is selected when it is in the list of hosts (if any), fits
 * q, feed, tag, state, protection (if any), and has a CVE that is one of cves (if any), in one of natives (if any), with a
 * verdict of the mask (if not 0).
 */
struct view_query {
	const char *q;			/* in names and System ID; case does not matter */
	const char *feed, *state, *tag; /* tag: "NAME" or "NAME=VALUE" */
	int protection;			/* enum view_protection; -1: any */
	unsigned int verdicts;		/* mask of 1 << enum verdict */
	unsigned int products;		/* mask; 0: any */
	const int64_t *cves;		/* keys, sorted */
	size_t ncves;
	const uint32_t *natives; /* ids, sorted */
	size_t nnatives;
	const int64_t *hosts; /* ids, sorted */
	size_t nhosts;
};
#define VIEW_ANY ((struct view_query){.protection = -1})

struct view_selected {
	uint32_t host;	/* number */
	uint32_t cves;	/* that made it selected; 0 when the query asks for none */
	uint32_t ready; /* of them fix-ready */
};

/* *ret: the caller's, by host number. *ret_cves (may be NULL): different CVEs of all of them. */
int view_select(const struct map_view *v, const struct view_query *query,
		struct view_selected **ret, size_t *ret_n, size_t *ret_cves,
		struct sut_err *err) _must_check_;
/* Does a host fit all of the query that is not about findings? */
bool view_fits(const struct map_view *v, const struct view_host *h, const struct view_query *query);

#endif
