/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kcarectl and kcare-uname: suture under the names, options, lines and exit statuses that KernelCare documents, for the
 * scripts and tools that call them. docs/kcarectl.md has the table of what is documented and what we do.
 */
#ifndef SUTURE_AGENT_KCARECTL_H
#define SUTURE_AGENT_KCARECTL_H

#include <jansson.h>
#include <stdbool.h>

#include "base/buf.h"
#include "halves.h"
#include "kernel/loaded.h"
#include "truth/truth.h"

enum { /* of --status */
       KCARE_LATEST = 0,
       KCARE_NONE = 1,	  /* nothing is applied */
       KCARE_NEWER = 2,	  /* something newer is not applied */
       KCARE_UNKNOWN = 3, /* the kernel is not supported */
};

/* Pure functions of what both halves say. */
int kcare_status(const struct halves *h);
/* Is there a patchset that is newer than what runs? */
bool kcare_is_new(const struct halves *h);

/* What is known of the live patch beside the state. */
struct kcare_about {
	struct truth_host host;
	const struct sut_manifest *manifest; /* NULL: its file is not there any more */
	const char *version;		     /* /proc/version */
};

/* The lines of --info and --patch-info. -ENOMEM, -ENOBUFS. */
int kcare_info(const json_t *state, const struct kcare_about *a, struct sut_buf *out) _must_check_;
int kcare_patch_info(const json_t *state, const struct kcare_about *a,
		     struct sut_buf *out) _must_check_;

/* Libraries (kcarectl_lib.c); each returns an exit status. */
int kcare_lib_info(void);
int kcare_lib_patch_info(void);
int kcare_lib_update(bool quiet);
int kcare_lib_unload(bool quiet);
/* "libraries = yes" or "no" in agent.conf, where sutured reads it again; no: also takes the patches out. */
int kcare_libcare(bool yes, bool quiet);
/* agent.conf with that setting in place of any other of its kind. Pure. -ENOBUFS, -ENOMEM. */
int kcare_lib_setting(const char *text, bool yes, struct sut_buf *out) _must_check_;

/* DDMMYY, DDMMYYYY or YYYY-MM-DD as "2018-05-25". */
bool kcare_date(const char *text, char ret[sizeof("2018-05-25")]);

#endif
