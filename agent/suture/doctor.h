/* SPDX-License-Identifier: Apache-2.0 */
/* What `suture doctor` looks at, and what it makes of it. */
#ifndef SUTURE_AGENT_DOCTOR_H
#define SUTURE_AGENT_DOCTOR_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "halves.h"

enum { DOCTOR_MAX = 8 << 20 }; /* bytes of a report */

struct doctor_facts {
	int64_t free_bytes; /* where the agent keeps its files; -1: not known */
	int keys, job_keys; /* *.pub in their folders; -1: cannot be read */
	bool root_json;	    /* the first root of the repository is there */
	int identity_mode;  /* permissions of identity.json; -1: not there, or not for us to see */
	char lockdown[32];  /* of the kernel: "none", "integrity"; "" not known */
	char conf[256];	    /* what is wrong with agent.conf; "" nothing */
	bool repository, portal;       /* agent.conf names one */
	bool process, process_enabled; /* suture-process is installed; its unit is enabled */
	int ptrace_scope; /* kernel.yama.ptrace_scope; -1: there is none, or it cannot be read */
	int fanotify;	  /* 0: permission events can be had; an errno: why not; -1: not known */
};

/* root: before all paths. */
void doctor_facts_read(const char *root, struct doctor_facts *ret);

/* A pure function: [{"name", "ok", "text", "advice"}]. NULL: no memory. */
json_t *doctor_checks(const struct halves *h, const struct doctor_facts *f, int64_t now);

/*
 * The parts of the report that are read from files and other programs: system, agent.conf, files, units, messages.
 * Not redacted yet. What cannot be read is named with the reason.
 */
int doctor_collect(const char *root, struct sut_buf *out) _must_check_;

/*
 * The whole: the checks, and, when `report` is set, a redacted report for others in a file (0600): output, or a
 * new one in /var/tmp when that is NULL. ret_path is "" without one. *ret_checks is the caller's. cmd_doctor.c.
 */
int doctor_report(const char *output, bool report, char ret_path[256], json_t **ret_checks,
		  struct sut_err *err) _must_check_;

#endif
