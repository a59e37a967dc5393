/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What live patching can do about a finding: a pure function of what is known of the host, of the package that the
 * finding names, of the CVE and of the coverage index. docs/internals/verdicts.md has the rules in words.
 *
 * It is made in two steps, as hosts have thousands of findings and few packages: verdict_subject() finds out what the
 * package means on this host (its running kernel, a kernel that does not run, libraries in use …), verdict_of() what is
 * known of one CVE there.
 */
#ifndef SUTURE_CONSOLE_MAP_VERDICT_H
#define SUTURE_CONSOLE_MAP_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "map/index.h"

/* In the order of what is worth looking at first. */
enum verdict {
	VERDICT_FIX_READY,
	VERDICT_PARTIAL,
	VERDICT_FIX_HELD,
	VERDICT_REBOOT_NEEDED,
	VERDICT_NO_FIX,
	VERDICT_UNKNOWN_TARGET,
	VERDICT_NOT_AFFECTED,
	VERDICT_LIVE_FIXED,
	VERDICTS
};

enum verdict_why {
	WHY_NONE,	    /* the verdict says it */
	WHY_ALL_PROCESSES,  /* live-fixed: of a library */
	WHY_SOME_PROCESSES, /* partial: patched of processes have it */
	WHY_IN_PART,	    /* partial: the patch that runs closes it in part; note */
	WHY_READY_IN_PART,  /* fix-ready: what waits closes it in part; note */
	WHY_FEED,	    /* fix-held: the feed does not give it yet, or not at all */
	WHY_HOLD,	    /* fix-held: the system is on hold; until */
	WHY_PIN,	    /* fix-held: beyond the pin of the system */
	WHY_REBOOT,	    /* reboot-needed: fixed_in, and a reboot */
	WHY_RESTART,	    /* reboot-needed: fixed_in, and a restart of the processes */
	WHY_NOT_IN_USE, /* reboot-needed with fixed_in, else no-fix: no process uses the library now; upgrade the package */
	WHY_NOT_RUNNING,    /* not-affected: of a kernel that is installed and does not run */
	WHY_PACKAGE_HAS_IT, /* not-affected: fixed_in is not newer than what runs */
	WHY_UNREGISTERED,   /* unknown-target: nothing is known of the host */
	WHY_NO_KERNEL,	    /* unknown-target: there are no patches for its kernel */
	WHY_NO_LIBRARY,	    /* unknown-target: there are no patches for this build of the library */
	WHY_OTHER_PACKAGE,  /* unknown-target: neither a kernel nor a library that is patched */
	WHY_NO_PACKAGE, /* unknown-target: the finding names no package, and the CVE is not known */
	WHYS
};

enum {
	VERDICT_LIBRARIES_MAX = 256, /* of a host */
	VERDICT_USES_MAX = 16,	     /* of one package on one host */
};

/* "fix-ready" … "live-fixed" */
const char *verdict_name(enum verdict v);
/* -EINVAL */
int verdict_parse(const char *name, enum verdict *ret) _must_check_;
/* All but live-fixed and not-affected. */
bool verdict_exposed(enum verdict v);
/* Of two findings of one CVE on one host the one that counts: the worse, but live-fixed before not-affected. */
enum verdict verdict_worse(enum verdict a, enum verdict b);
/* Of a finding with several CVEs, from a mask of 1 << verdict: the worst, or partial when some are closed
 * by live patches and some are open. The mask is not 0. */
enum verdict verdict_roll(unsigned int mask);

/* Texts are the caller's and live as long as the host is used; "" or NULL: not known. */
struct verdict_library {
	const char *name; /* soname */
	const char *build_id, *version;
	uint32_t level, processes, patched;
	const struct index_target *target; /* set by verdict_bind() */
};

struct verdict_host {
	bool registered; /* the portal has heard of its kernel */
	const char *build_id, *kernel_id, *release, *package_version; /* of what runs */
	uint32_t level;
	const char *feed, *pin; /* pin: as the portal tells it, "level:3" */
	bool hold;
	int64_t hold_until; /* 0: until somebody ends it */
	struct verdict_library *libraries;
	size_t nlibraries;
	int64_t now;
	/* set by verdict_bind() */
	const struct index_target *kernel;
	uint64_t feed_bit;
	uint32_t pin_level; /* 0: no pin by level */
	int64_t pin_before; /* patchsets released before; 0: no pin by time */
};

/* Finds the targets of the host. Its answers are good as long as the index. */
void verdict_bind(const struct map_index *x, struct verdict_host *h);

enum verdict_about {
	ABOUT_FIXED, /* the same for every CVE: verdict and why */
	ABOUT_KERNEL,
	ABOUT_LIBRARY,	/* uses[] */
	ABOUT_UNUSED,	/* of a library that no process uses: target, may be NULL */
	ABOUT_ANYTHING, /* no package: the kernel, else any library in use */
};

struct verdict_subject {
	enum verdict_about about;
	enum verdict verdict;
	enum verdict_why why;
	const struct index_target *target;
	const char *version; /* of the package, as the finding has it */
	uint16_t uses[VERDICT_USES_MAX];
	size_t nuses;
};

/* package: name as scanners write it, "linux-image-6.1.0-47-amd64" or "libssl3"; NULL or "": none. not_running: the
 * scanner itself says that it is of a kernel which does not run. h is bound. */
void verdict_subject(const struct map_index *x, const struct verdict_host *h, const char *package,
		     const char *version, bool not_running, struct verdict_subject *ret);

struct verdict_answer {
	enum verdict verdict;
	enum verdict_why why;
	const struct index_target *target; /* NULL: none */
	uint32_t level;			   /* that closes it, or waits; 0 */
	const char *patchset, *fixed_in, *note;
	int64_t until; /* of fix-held; 0: not known */
	uint32_t patched, processes;
};

/* cve: index_cve(). */
void verdict_of(const struct map_index *x, const struct verdict_host *h,
		const struct verdict_subject *s, int64_t cve, struct verdict_answer *ret);

/* One sentence for people. "" when the verdict says all. */
enum { VERDICT_TEXT_MAX = 512 };
void verdict_text(const struct verdict_answer *a, char ret[static VERDICT_TEXT_MAX]);

/* Is it the package of a kernel: its image, modules, headers, sources, tools? */
bool verdict_is_kernel(const char *package);

#endif
