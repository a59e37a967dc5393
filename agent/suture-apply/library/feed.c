// SPDX-License-Identifier: Apache-2.0
/* Telling suture-process what is to run. */
#include <errno.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "base/file.h"
#include "common/choice.h"
#include "common/conf.h"
#include "suture-apply/library/act.h"
#include "suture-apply/library/daemon.h"
#include "suture-apply/recover.h"
#include "suture-apply/state.h"
#include "suture-apply/switch.h"

struct feed {
	struct apply *a;
	struct daemon_patch *p;
	size_t n;
	struct guard g;
	struct agent_conf conf;
};

static void feed_freep(struct feed **f)
{
	if (!*f)
		return;
	for (size_t i = 0; i < (*f)->n; i++)
		sut_closep(&(*f)->p[i].fd);
	free((*f)->p);
	free(*f);
}

/* Errors that say nothing of the patch: what is to run is not known then, and nothing is told. */
static bool is_ours(int r)
{
	return r == -ENOMEM || r == -EMFILE || r == -ENFILE || r == -EINTR;
}

/* One that cannot be relied on any more stays out, and does not keep the others away. */
static int left_out(struct feed *f, const char *build_id, const char *id, const struct sut_err *why)
{
	apply_log(LOG_ERR, "the patch %s of the library %s is left out: %s", id, build_id,
		  why->msg);
	state_failed(f->a, why, id);
	return 0;
}

static int add(struct feed *f, const char *build_id, struct sut_err *err)
{
	_cleanup_(sut_loaded_freep) struct sut_loaded *l = NULL;
	struct daemon_patch *p = &f->p[f->n];
	const struct guard_patch *want;
	struct sut_trust trust;
	struct sut_err why = {0};
	int r = store_read(f->a, build_id, &f->g, &why);

	if (r == 0) {
		want = store_wanted(&f->g);
		if (!want->id[0])
			return 0;
		snprintf(p->build_id, sizeof(p->build_id), "%s", build_id);
		snprintf(p->sha256, sizeof(p->sha256), "%s", want->sha256);
		r = store_open(f->a, build_id, want->sha256, &l, &trust, &p->fd, &why);
		if (r == 0)
			f->n++;
		else if (!is_ours(r))
			return left_out(f, build_id, want->id, &why);
	} else if (!is_ours(r)) {
		return left_out(f, build_id, "", &why);
	}
	if (r < 0 && err)
		*err = why;
	return r;
}

static int collect(struct feed *f, struct sut_err *err)
{
	_cleanup_strv_ struct sut_strv all = {0};
	int r = store_list(f->a, &all, err);

	if (r == 0 && all.n) {
		f->p = calloc(all.n, sizeof(*f->p));
		if (!f->p)
			return sut_err_oom(err);
	}
	for (size_t i = 0; r == 0 && i < all.n; i++)
		r = add(f, all.v[i], err);
	return r;
}

static bool was_fed(const struct apply *a)
{
	return sut_exists(agent_path(a->root, AGENT_FED).s);
}

/* After a boot, or a restart of suture-process: is it to be told? */
static void note_fed(const struct apply *a, size_t n)
{
	struct agent_path path = agent_path(a->root, AGENT_FED);
	struct agent_path run = agent_path(a->root, AGENT_RUN);
	struct sut_err err = {0};

	if (!n)
		(void)!unlink(path.s);
	else if (sut_mkdir_p(run.s, &err) < 0 || sut_file_write(path.s, "", 0, 0644, &err) < 0)
		apply_log(LOG_WARNING, "%s", err.msg);
}

/* 1: nothing may run; 0: what the store says; -ECANCELED: what it was told before counts. */
static int may(struct apply *a, const struct machine_kernel *k, enum library_feed how,
	       struct sut_err *err)
{
	struct switch_state s;
	struct choice c;
	int r = choice_read(a->root, &c, err);

	if (r < 0)
		return r;
	switch_read(a, k, &c, &s);
	if (s.mode == CHOICE_OFF && !s.leave_running)
		return 1;
	if (s.mode != CHOICE_NORMAL && how != FEED_FORCE && !was_fed(a))
		return -ECANCELED;
	return 0;
}

static int tell(struct feed *f, enum library_feed how, json_t **ret, struct sut_err *err)
{
	struct apply *a = f->a;
	json_t *answer = NULL;
	struct sut_err why = {0};
	int r;

	/* Nothing is to run and nothing did. When it does not run, then to take out what it left is no reason at a boot. */
	if (how == FEED_THERE || (!f->n && !was_fed(a))) {
		r = daemon_ask(a, json_pack("{s:s}", "verb", "status"), DAEMON_SHORT_MS, &answer,
			       &why);
		json_decref(answer);
		if (r == -ENOENT || r == -ECONNREFUSED) {
			*ret = NULL;
			return 0;
		}
	}
	r = daemon_set(a, f->p, f->n, &f->conf, ret, err);
	if (r < 0)
		return r;
	note_fed(a, f->n);
	if (!f->n)
		daemon_stop(a);
	return 0;
}

int library_feed(struct apply *a, const struct machine_kernel *k, enum library_feed how,
		 json_t **ret, struct sut_err *err)
{
	_cleanup_(feed_freep) struct feed *f = calloc(1, sizeof(*f));
	json_t *answer = NULL;
	int off, r;

	if (!f)
		return sut_err_oom(err);
	f->a = a;
	off = may(a, k, how, err);
	if (off < 0 && off != -ECANCELED)
		return off;
	/* Whom the administrator excluded is not touched by mistake. */
	r = off == -ECANCELED ? 0 : agent_conf_read(a->root, &f->conf, err);
	if (r == 0 && off == 0)
		r = collect(f, err);
	if (r == 0 && off != -ECANCELED)
		r = tell(f, how, &answer, err);
	if (r < 0)
		return r;
	if (ret)
		*ret = answer;
	else
		json_decref(answer);
	return 0;
}

int apply_libraries(struct apply *a, struct sut_err *err)
{
	struct machine_kernel k;
	struct sut_err why = {0};
	int r = apply_lock(a, APPLY_LOCK_WAIT_LIBRARIES_MS, err);

	if (r == 0)
		r = a->machine.kernel(a->machine.ctx, &k, err);
	if (r < 0)
		return r;
	r = library_recover_all(a, &k, &why);
	if (r == 0)
		r = library_feed(a, &k, FEED_THERE, NULL, &why);
	if (r < 0) {
		state_failed(a, &why, "");
		if (err)
			*err = why;
	}
	recover_publish(a);
	apply_unlock(a);
	return r;
}
