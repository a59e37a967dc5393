// SPDX-License-Identifier: Apache-2.0
/* Quarantines that are let go, and the end of it all. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "base/file.h"
#include "suture-apply/library/act.h"
#include "suture-apply/library/daemon.h"
#include "suture-apply/recover.h"
#include "suture-apply/state.h"
#include "truth/truth.h"

/* One in the place of a damaged one: nothing is to run by it, and what was quarantined is not known. */
static int start_anew(struct apply *a, const char *build_id, const char *by, struct guard *g,
		      struct sut_err *err)
{
	int r;

	*g = (struct guard){0};
	r = store_write(a, build_id, g, err);
	if (r == 0)
		library_tell(a, build_id, by, "released", NULL,
			     "a damaged wanted.json was replaced");
	return r;
}

static int release_of(struct apply *a, const char *build_id, const char *by, const char *sha256,
		      struct guard *g, struct guard *was, struct sut_err *err)
{
	struct sut_err why = {0};
	int r = store_read(a, build_id, was, &why);
	size_t n;

	if (r == -EBADMSG && !*sha256) {
		r = start_anew(a, build_id, by, g, err);
		return r < 0 ? r : 1;
	}
	if (r < 0) {
		if (err)
			*err = why;
		return r == -EBADMSG ? 0 : r;
	}
	*g = *was;
	n = guard_release(g, *sha256 ? sha256 : NULL);
	r = n ? store_write(a, build_id, g, err) : 0;
	for (size_t i = 0; r == 0 && i < was->nquarantined; i++) {
		const struct guard_patch *p = &was->quarantined[i].patch;

		if (guard_is_quarantined(g, p->sha256))
			continue;
		library_tell(a, build_id, by, "released", p, NULL);
		state_mended_of(a, p->id);
	}
	return r < 0 ? r : (int)n;
}

int library_release(struct apply *a, const struct machine_kernel *k, const char *by,
		    const char *sha256, struct sut_err *err)
{
	_cleanup_strv_ struct sut_strv all = {0};
	struct guard *g = calloc(2, sizeof(*g));
	int n = 0, r = g ? store_list(a, &all, err) : sut_err_oom(err);

	for (size_t i = 0; r >= 0 && i < all.n; i++) {
		r = release_of(a, all.v[i], by, sha256, &g[0], &g[1], err);
		n += r > 0 ? r : 0;
	}
	free(g);
	/* One that is let go in its probation is to run again. */
	if (r >= 0 && n && library_feed(a, k, FEED_START, NULL, NULL) < 0)
		apply_log(LOG_WARNING, "suture-process cannot be told what is to run now");
	return r < 0 ? r : n;
}

int library_leave(struct apply *a, const char *by, bool on_purpose, struct sut_err *err)
{
	const struct act_opts o = {
		.by = by, .reason = "the agent leaves", .on_purpose = on_purpose};
	_cleanup_strv_ struct sut_strv all = {0};
	struct agent_conf *conf;
	json_t *answer = NULL;
	int r = store_list(a, &all, err);

	if (r < 0 || !all.n)
		return r;
	if (on_purpose)
		return library_unload(a, NULL, &o, NULL, err);
	/* What is kept stays, and counts again when the agent is back. */
	r = truth_withdraw(a->root, err);
	conf = calloc(1, sizeof(*conf));
	if (r == 0 && !conf)
		r = sut_err_oom(err);
	if (r == 0 && sut_exists(agent_path(a->root, AGENT_FED).s))
		r = daemon_set(a, NULL, 0, conf, &answer, err);
	free(conf);
	json_decref(answer);
	if (r < 0)
		return sut_err_prefix(err, "patches of libraries stay in the processes that run");
	(void)!unlink(agent_path(a->root, AGENT_FED).s);
	daemon_stop(a);
	recover_publish(a);
	return 0;
}

int apply_leave_libraries(struct apply *a, struct sut_err *err)
{
	int r = apply_lock(a, APPLY_LOCK_WAIT_BOOT_MS, err);

	if (r < 0)
		return r;
	r = library_leave(a, "root", false, err);
	apply_unlock(a);
	return r;
}
