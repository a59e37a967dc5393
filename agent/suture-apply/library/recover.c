// SPDX-License-Identifier: Apache-2.0
/* wanted.json made to agree with what happened since it was written: a suture-apply that was killed, a boot. */
#include <errno.h>
#include <string.h>

#include "suture-apply/library/act.h"
#include "suture-apply/library/daemon.h"
#include "suture-apply/settings.h"
#include "suture-apply/state.h"

/* Does suture-process run this one? When it does not answer, it may have, and is told anew what counts. */
static bool runs(struct apply *a, const char *build_id, const struct guard_patch *p)
{
	json_t *answer = NULL;
	const char *is;
	bool yes;

	if (daemon_ask(a, json_pack("{s:s}", "verb", "status"), DAEMON_SHORT_MS, &answer, NULL) < 0)
		return false;
	is = json_string_value(json_object_get(daemon_library(answer, build_id), "sha256"));
	yes = is && sut_streq(is, p->sha256);
	json_decref(answer);
	return yes;
}

static int found_applying(struct apply *a, const struct machine_kernel *k, const char *build_id,
			  struct guard *g, struct sut_err *err)
{
	struct guard_patch p = g->now;
	bool here = sut_streq(g->boot_id, k->boot_id), in = here && runs(a, build_id, &p);
	struct settings s;
	int r;

	settings_read(a, &s);
	if (in)
		guard_applied(g, k->uptime_s, s.probation_s);
	else
		guard_failed(g);
	r = store_write(a, build_id, g, err);
	if (r == 0)
		library_tell(a, build_id, "suture-apply", in ? "applied" : "failed", &p,
			     "found out after an interruption");
	return r;
}

/* Processes are not those of the last boot: it is watched anew. */
static int watch_anew(struct apply *a, const struct machine_kernel *k, const char *build_id,
		      struct guard *g, struct sut_err *err)
{
	snprintf(g->boot_id, sizeof(g->boot_id), "%s", k->boot_id);
	g->since = a->now();
	g->since_uptime_s = k->uptime_s;
	return store_write(a, build_id, g, err);
}

static int found_unloaded(struct apply *a, const char *build_id, struct guard *g,
			  struct sut_err *err)
{
	struct guard_patch p = g->now;
	int r;

	guard_reverted(g, true);
	r = store_write(a, build_id, g, err);
	if (r == 0)
		library_tell(a, build_id, "suture-apply", "reverted", &p, "found taken out");
	return r;
}

int library_recover(struct apply *a, const struct machine_kernel *k, const char *build_id,
		    struct guard *ret, struct sut_err *err)
{
	struct guard *g = calloc(1, sizeof(*g));
	int r = g ? store_read(a, build_id, g, err) : sut_err_oom(err);

	if (r == 0 && g->phase == GUARD_APPLYING)
		r = found_applying(a, k, build_id, g, err);
	if (r == 0 && g->phase == GUARD_PROBATION && g->unloaded)
		r = found_unloaded(a, build_id, g, err);
	if (r == 0 && g->phase == GUARD_PROBATION && !sut_streq(g->boot_id, k->boot_id))
		r = watch_anew(a, k, build_id, g, err);
	if (r == 0)
		*ret = *g;
	free(g);
	return r;
}

int library_recover_all(struct apply *a, const struct machine_kernel *k, struct sut_err *err)
{
	_cleanup_strv_ struct sut_strv all = {0};
	_cleanup_(sut_freep) struct guard *g = calloc(1, sizeof(*g));
	struct sut_err why = {0};
	int r = g ? store_list(a, &all, err) : sut_err_oom(err);

	for (size_t i = 0; r == 0 && i < all.n; i++) {
		int one = library_recover(a, k, all.v[i], g, &why);

		if (one == -EBADMSG)
			state_failed(a, &why, "");
		else if (one < 0 && err)
			*err = why;
		r = one == -EBADMSG ? 0 : one;
	}
	return r;
}
