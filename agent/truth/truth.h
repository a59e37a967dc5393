/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this machine tells other tools about itself: version in effect, CVEs that are fixed in the running kernel,
 * an OpenVEX document, metrics. docs/formats/truth.md is the contract of the files.
 *
 * Everything is made from the state document of suture-apply (docs/internals/agent.md), from os-release, and from
 * what the package manager knows of the running kernel's package. The one rule: what is told is never more
 * than what runs. So nothing is kept over a boot, and before a fix is taken out of the kernel truth_withdraw()
 * takes it out of the files: whoever dies between the two has told too little.
 */
#ifndef SUTURE_AGENT_TRUTH_TRUTH_H
#define SUTURE_AGENT_TRUTH_TRUTH_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct agent_conf;

enum {
	TRUTH_WORD_MAX = 128,	      /* bytes of a name or version, with its NUL */
	TRUTH_FILE_MAX = 8 << 20,     /* bytes of a file that is made */
	TRUTH_CVES_MAX = 8192,	      /* of one patch; more is -E2BIG */
	TRUTH_VALID_S = 24 * 60 * 60, /* so long an OpenVEX document counts */
};

/*
 * Makes the files say what state says: AGENT_EFFECTIVE, AGENT_CVES, AGENT_RELEASE, AGENT_VEX and
 * the metrics. A file that would have nothing true to say (no patch, switched off by conf) is removed. Call it
 * after every change of the state and at each settle, which also makes what expires fresh.
 *
 * state: the whole document. conf may be NULL (agent.conf is not readable): then no metrics and no
 * OpenVEX, because nobody knows whether they are wanted.
 * A failure of one file does not keep the others from being written; the one that failed is removed when
 * that is possible, and err tells of the first. None of this is a reason to change the kernel.
 */
int truth_publish(const char *root, const json_t *state, const struct agent_conf *conf,
		  struct sut_err *err) _must_check_;

/*
 * Keeps what sutured says of itself with its `status`, for the metrics: {"registered", "state", "checkin", "check"} of its
 * state document. It comes from a process without rights: only known members of the right type are kept.
 */
int truth_said(const char *root, const json_t *said, struct sut_err *err) _must_check_;

/*
 * Removes them all, the metrics too wherever they were written last. Call it before an unload and before a switch to a
 * lower level, and when the agent goes away for good. -errno: something may be left, do not go on.
 */
int truth_withdraw(const char *root, struct sut_err *err) _must_check_;

/* The system around the kernel. Words are "" when they are not known; all are printable ASCII without spaces. */
struct truth_host {
	char os[TRUTH_WORD_MAX];	 /* ID of os-release: "debian" */
	char os_version[TRUTH_WORD_MAX]; /* VERSION_ID: "12" */
	char os_point[TRUTH_WORD_MAX];	 /* of /etc/debian_version, when it has one: "12.11" */
	char type[8];			 /* of the package: "deb", "rpm" */
	char package[TRUTH_WORD_MAX];	 /* of the running kernel: "linux-image-6.1.0-47-amd64" */
	char package_version[TRUTH_WORD_MAX]; /* of what runs: "6.1.170-3" */
	char package_arch[TRUTH_WORD_MAX];    /* "amd64" */
	char installed
		[TRUTH_WORD_MAX]; /* version on disk; differs when an upgrade waits for a boot */
};

/* Files that are missing or damaged leave words empty. -ENOMEM only. */
int truth_host_read(const char *root, const json_t *state, struct truth_host *ret,
		    struct sut_err *err) _must_check_;

/* For truth_host_read(): pure functions of what is in the files. */
void truth_os_release(const void *text, size_t len, struct truth_host *h);
/* A stanza of dpkg's status: version and arch of an installed package. -ENOENT. */
int truth_dpkg(const void *text, size_t len, const char *package, char ret_version[TRUTH_WORD_MAX],
	       char ret_arch[TRUTH_WORD_MAX]) _must_check_;

/* Is a patch applied, and does nothing say that the code was changed behind it? */
bool truth_is_live(const json_t *state);

/* "6.1.170-3+suture3"; the version of what was booted when no patch is live (package, else uname -r). */
int truth_effective(const json_t *state, const struct truth_host *h,
		    char ret[2 * TRUTH_WORD_MAX]) _must_check_;

/* Is it a name like CVE-2026-1234? Nothing else is told. */
bool truth_is_cve(const char *s);

/* Of the live patch, as a fresh list; empty when there is none. -ENOMEM. */
int truth_cve_list(const json_t *state, json_t **ret) _must_check_;

/* Is this CVE fixed by the live patch, or by those of libraries in every process? Case does not matter. */
bool truth_is_fixed(const json_t *state, const char *cve);

/* --- libraries: what runs in processes --- */

enum truth_library {
	TRUTH_LIBRARY_FIXED,  /* every process that uses it runs the patch, and each new one will */
	TRUTH_LIBRARY_PARTLY, /* some do not */
	TRUTH_LIBRARY_UNKNOWN, /* nobody sees them all */
};

/* Is a patch of this entry of "libraries" to run? */
bool truth_library_runs(const json_t *library);
enum truth_library truth_library_is(const json_t *state, const json_t *library);
bool truth_library_names(const json_t *library, const char *cve);
/* The library whose patch fixes this CVE; of several the one that is worst off. NULL: none. */
const json_t *truth_library_of(const json_t *state, const char *cve, enum truth_library *ret);
/* CVEs that patches of libraries fix in every process, as a fresh list. -ENOMEM. */
int truth_library_list(const json_t *state, json_t **ret) _must_check_;
/* "12 of 14 processes" */
void truth_library_text(const json_t *state, const json_t *library, char *ret, size_t len);
/* "libraries" of release.json. -ENOMEM. */
int truth_libraries(const json_t *state, json_t **ret) _must_check_;

/*
 * The files, as pure functions. now: seconds since the epoch. -ENODATA: there is nothing true to say, so
 * there is to be no file; -EBADMSG: state is no such document; -ENOMEM.
 */
int truth_cves(const json_t *state, struct sut_buf *out, struct sut_err *err) _must_check_;
int truth_release(const json_t *state, const struct truth_host *h, int64_t now, json_t **ret,
		  struct sut_err *err) _must_check_;
/* version: 1 for the first of a boot, then one more each time. host_id names this machine in the text. */
int truth_vex(const json_t *state, const struct truth_host *h, const char *host_id, int64_t now,
	      int64_t version, json_t **ret, struct sut_err *err) _must_check_;
/* That version: one more than the document in AGENT_VEX has, when that is of this boot. */
int64_t truth_vex_version(const char *root, const json_t *state);
/* And that name: the host's, or "unnamed". */
void truth_host_name(const char *root, char ret[TRUTH_WORD_MAX]);
/* net: what sutured said of itself (AGENT_NET_SAID), or NULL. It comes from a process without rights: only
 * times, counts and known words are taken from it. */
int truth_metrics(const json_t *state, const json_t *net, const struct truth_host *h, int64_t now,
		  struct sut_buf *out, struct sut_err *err) _must_check_;

#endif
