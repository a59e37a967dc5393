/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Libraries: the same as for the kernel, for each build-id by itself. What is in use is asked of the root half ("lib-files"), what
 * there is for it is looked for in the verified repository, what is told comes with the check-in; then decide() says what is to
 * be done to each, and the root half does it ("lib-apply", "lib-unload"). The worker's.
 *
 * Hidden parts of the state:
 *
 *   _libraries       {"read_at", "expires", "used": {BUILDID: {"path", "processes"}}, "there": {BUILDID: …}} as of the last look;
 *                    "there" as repository_list_library() gives it, for those that the repository has something for
 *   _told_libraries  of the last check-in
 *   _lib_attempts    {BUILDID: {"sha256", "id", "code", "text", "tries", "boot_id", "boot_s"}} the last failure of each
 *   _lib_unloaded    {BUILDID: true}: it was us
 *   _lib_check       {"code", "text"} of the last look, when it failed for libraries alone
 */
#ifndef SUTURE_AGENT_SUTURED_LIBRARY_H
#define SUTURE_AGENT_SUTURED_LIBRARY_H

#include "sutured/act.h"
#include "base/str.h"
#include "sutured/situation.h"

enum {
	LIBRARY_MAX = 256,   /* looked after */
	LIBRARY_FILES = 512, /* in use, that suture-process names */
};

/* ---- library_look.c ---- */

/* Within look(): notes "_libraries". What fails is noted ("_lib_check"), and is no failure of the look. */
void library_look(struct net *n, struct repository *r);

/* Those that something is known of: the repository has patches and they are in use, they are patched or were unloaded, or the
 * portal tells something. apply: the state of the root half, or NULL. */
int library_each(struct net *n, const json_t *apply, struct sut_strv *ret) _must_check_;

/* "libraries" of a check-in. counts: with numbers of processes, which change by themselves. NULL: none, or no memory. */
json_t *library_report(struct net *n, const json_t *apply, bool counts);

/* ---- library.c ---- */

/* Everything about one of them. */
struct library {
	char build_id[2 * SUTURE_BUILD_ID_LEN + 1];
	char name[64]; /* soname, or else the beginning of the build-id */
	const char *version;
	int64_t processes;
	struct half half;
	struct choice choice;
	struct agent_policy policy;
	struct published published;
	json_t *there, *told, *attempt; /* references */
	struct decide_told_held *held;
	const char **cves;
	struct decide_in in;
	struct decide_out out;
};

/* base: situation_new() of the same moment, which must live as long; apply: the state of the root half it was made of; ask as
 * there: level and id only when one library is meant. */
int library_situation(struct net *n, const struct situation *base, const json_t *apply,
		      const struct update_ask *ask, const char *build_id, struct library **ret,
		      struct sut_err *err) _must_check_;
void library_free(struct library *l);
void library_freep(struct library **l);

/* What is the same for all of a moment. */
struct library_moment {
	struct situation *base;
	json_t *apply;	     /* NULL: the root half does not answer */
	struct sut_strv all; /* build-ids */
};

int library_moment_now(struct net *n, struct library_moment *ret, struct sut_err *err) _must_check_;
void library_moment_release(struct library_moment *m);

/* [{"code", …}], as situation_reasons(). */
json_t *library_reasons(const struct library *l);
/* Its entry in "libraries" of the status. */
json_t *library_status(const struct library *l);

/* ---- library_act.c ---- */

/* What is asked of each; NULL: nothing, it is passed over. */
struct library_asks {
	const struct update_ask *(*of)(void *ctx, const char *build_id);
	void *ctx;
};

/* The same of each. */
struct library_asks library_ask_each(const struct update_ask *ask);

/* One library was asked for, or all. *ret: list of the answers, as in docs/internals/agent.md; the caller's. The first error, when
 * one failed. build_id NULL: all. */
int library_update(struct net *n, struct task *t, const struct library_asks *asks,
		   const char *build_id, json_t **ret, struct sut_err *err) _must_check_;

/* Takes out of all processes: one, or (NULL) all. */
int library_unload(struct net *n, struct task *t, const char *build_id, const char *by,
		   const char *reason, json_t **ret_result, struct sut_err *err) _must_check_;

/* The part of the agent (parts.c). */
extern const struct net_part library_part;

/* ---- library_verb.c ---- */

void verb_lib_update(struct net *n, struct task *t);
void verb_lib_explain(struct net *n, struct task *t);

#endif
