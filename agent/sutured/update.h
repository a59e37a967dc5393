/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bringing this kernel to what it is to run: looks into the repository, decides (decide.h), fetches, has the root half
 * apply. Every step may be the last one before a power cut: the next run begins anew, with what is there. All of it is the
 * worker's.
 */
#ifndef SUTURE_AGENT_SUTURED_UPDATE_H
#define SUTURE_AGENT_SUTURED_UPDATE_H

#include "sutured/decide.h"
#include "sutured/net.h"

/* What a person, or a job, asks for. */
struct update_ask {
	enum decide_asks asks;
	uint32_t level;	    /* 0: what is told */
	const char *id;	    /* a patchset; NULL or "": what is told */
	const char *sha256; /* 64 digits: of the patch that is meant, else "differs"; NULL: any */
	bool no_down;	    /* a lower level than what runs is refused: "lower-level" */
	bool dry_run;	    /* everything but the change */
	const char *by;	    /* for the history: "root", "job ID" */
};

/*
 * Refreshes the repository, decides, and does it. Progress goes to t (may be NULL): steps "metadata", "download", "stage",
 * "engine", and those of the root half.
 *   0 with *ret (the caller's; may be NULL): {"action": "apply" | "unload" | "none", "result": suture-result or null,
 *   "reasons": list of {code, text, advice, until, patchset, level, cves, blocks}}
 * Held back by something: -EPERM with the code of the first reason (docs/formats/explain.md) as reason, and *ret as
 * above. Not what was meant: -EXDEV (reason "differs", "lower-level"). What fails has the reason of the one who failed;
 * *ret is set, too, when there is a result of the root half.
 */
int update_now(struct net *n, struct task *t, const struct update_ask *ask, json_t **ret,
	       struct sut_err *err) _must_check_;

/* Looks into the repository, without doing anything. */
int update_refresh(struct net *n, struct sut_err *err) _must_check_;

/* The part of the agent (parts.c): due times, what a check-in tells, what a new agent.conf says. */
extern const struct net_part update_part;

/* For verbs: "to", "force" and "dry_run" of a request; and what the portal tells now (that it does not answer is no reason not to
 * look). */
int update_read_ask(const struct task *t, struct update_ask *ask, struct sut_err *err) _must_check_;
int update_ask_portal(struct net *n, struct task *t, struct sut_err *err) _must_check_;
/* Is it the name of one? */
bool explain_is_cve(const char *s);

/* The rows of verb.c. */
void verb_check(struct net *n, struct task *t);
void verb_update(struct net *n, struct task *t);
void verb_explain(struct net *n, struct task *t);

#endif
