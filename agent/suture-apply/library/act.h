/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What suture-apply does about patches of libraries: wanted.json is written first, then suture-process is told all that is to
 * run, then wanted.json says how it ended. Whoever is killed in between finds out by store and daemon (library_recover()).
 *
 * All are called with the lock held, and publish the new state before they return, but for library_feed().
 */
#ifndef SUTURE_AGENT_APPLY_LIBRARY_ACT_H
#define SUTURE_AGENT_APPLY_LIBRARY_ACT_H

#include "suture-apply/act.h"
#include "suture-apply/library/store.h"

/*
 * A staged patch. *ret_result (may be NULL): {"outcome", "build_id", "id", "level", "processes", "patched", "reasons"}, the caller's;
 * NULL when it failed. outcome: "applied", "already-applied", "would-apply". That processes could not be patched is no failure;
 * they are in "reasons".
 */
int library_apply(struct apply *a, const char *sha256, const struct act_opts *o,
		  json_t **ret_result, struct sut_err *err) _must_check_;

/* build_id NULL: all. outcome: "reverted", "nothing-applied". */
int library_unload(struct apply *a, const char *build_id, const struct act_opts *o,
		   json_t **ret_result, struct sut_err *err) _must_check_;

enum library_feed {
	FEED_THERE, /* only when suture-process runs already */
	FEED_START, /* it is started when there is anything to be told */
	FEED_FORCE, /* the same, in spite of no-apply and the disable file */
};

/*
 * Tells suture-process all that is to run, as the store has it; what cannot be verified any more is left out, and told as an error.
 * Nothing is to run while the machine is switched off; with no-apply and the disable file it is not told, unless it was before in
 * this boot. *ret (may be NULL): its answer, the caller's; NULL when it was not asked.
 */
int library_feed(struct apply *a, const struct machine_kernel *k, enum library_feed how,
		 json_t **ret, struct sut_err *err) _must_check_;

/* `suture-apply libraries`, whenever suture-process has started or ended: verifies everything again, and feeds it. */
int apply_libraries(struct apply *a, struct sut_err *err) _must_check_;

/* store_read(), with what a killed suture-apply or a boot has left mended. */
int library_recover(struct apply *a, const struct machine_kernel *k, const char *build_id,
		    struct guard *ret, struct sut_err *err) _must_check_;

/* All of them. One that is damaged keeps none of the others back; it is told as an error of the state. */
int library_recover_all(struct apply *a, const struct machine_kernel *k,
			struct sut_err *err) _must_check_;

/* Ends probations that are over, whichever way; 0 when there are none. */
int library_settle(struct apply *a, struct sut_err *err) _must_check_;

/* Those that lie aside damaged begin anew, and what is quarantined is let go; sha256 "": all. How many, or -errno. */
int library_release(struct apply *a, const struct machine_kernel *k, const char *by,
		    const char *sha256, struct sut_err *err) _must_check_;

/* Everything out, and what is kept removed: for `forget` and the removal of the package. */
int library_leave(struct apply *a, const char *by, bool on_purpose,
		  struct sut_err *err) _must_check_;

/* `suture-apply leave-libraries`: as above, not on purpose: what is wanted counts again when suture-process is back. */
int apply_leave_libraries(struct apply *a, struct sut_err *err) _must_check_;

/* A line of the history. p may be NULL. */
void library_tell(struct apply *a, const char *build_id, const char *by, const char *event,
		  const struct guard_patch *p, const char *detail);

#endif
