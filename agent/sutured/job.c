// SPDX-License-Identifier: Apache-2.0
#include "sutured/job.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "common/paths.h"
#include "sutured/console.h"
#include "sutured/job_run.h"

/* What else an answer has, besides "ok". */
static json_t *members(const struct job_answer *a)
{
	return json_pack("{s:s?, s:s, s:i, s:b}", "result", a->result, "outcome", a->outcome,
			 "exit", a->exit, "stored", a->stored);
}

void verb_job(struct net *n, struct task *t)
{
	const json_t *manifest = json_object_get(t->request, "manifest");
	const struct job_from from = {.force = json_is_true(json_object_get(t->request, "force"))};
	struct job_answer a = {0};
	struct sut_err err = {0};

	if (!json_is_string(manifest)) {
		sut_err_reason(&err, EINVAL, "envelope",
			       "\"manifest\" is missing: the envelope of a job, as text");
		task_fail(t, &err, NULL);
		return;
	}
	job_run(n, t, json_string_value(manifest), json_string_length(manifest), &from, &a);
	if (a.why.code)
		task_fail(t, &a.why, members(&a));
	else
		task_ok(t, members(&a));
	job_answer_release(&a);
}

/* ------------------------------------------------------------------ */
/* Those that wait.                                                    */

struct waiting {
	struct net *n;
	struct task *t;
};

/* One that waits goes the whole way again: in the meantime it may have expired, or its key may be gone. */
static int again(void *ctx, struct job_record *rec, struct sut_err *err _unused_)
{
	struct waiting *w = ctx;
	const struct job_from from = {.console = rec->console};
	struct job_answer a = {0};

	if (rec->state != JOB_WAITING)
		return 0;
	job_run(w->n, w->t, rec->envelope, strlen(rec->envelope), &from, &a);
	/* It was refused before it was taken, so that it still waits. */
	if (a.why.code && a.why.code != ENOMEM)
		job_give_up(w->n, rec, &a.why);
	else if (!a.waiting && a.result && rec->console)
		console_result(w->n, a.result);
	job_answer_release(&a);
	return 0;
}

void job_due(struct net *n, struct task *t)
{
	struct waiting w = {n, t};
	struct sut_err err = {0};

	if (job_store_sweep(n->root, net_now(n), &err) < 0 ||
	    job_store_each(n->root, again, &w, &err) < 0)
		net_log(NET_WARNING, "jobs: %s", err.msg);
}

/* ------------------------------------------------------------------ */

static int settle(void *ctx, struct job_record *rec, struct sut_err *err _unused_)
{
	struct net *n = ctx;
	struct sut_err why = {0};

	if (rec->state == JOB_WAITING)
		net_due_by(n, NET_DUE_JOB, 1);
	if (rec->state != JOB_TAKEN)
		return 0;
	sut_err_reason(
		&why, EINTR, "interrupted",
		"the agent or the machine stopped in the middle of the job %s. What runs now "
		"is in \"after\"; give it again, with another id",
		rec->id);
	job_give_up(n, rec, &why);
	return 0;
}

static void init(struct net *n)
{
	struct sut_err err = {0};

	n->on_due[NET_DUE_JOB] = job_due;
	if (job_store_sweep(n->root, net_now(n), &err) < 0 ||
	    job_store_each(n->root, settle, n, &err) < 0)
		net_log(NET_WARNING, "jobs: %s", err.msg);
}

static int give_up(void *ctx, struct job_record *rec, struct sut_err *err _unused_)
{
	struct sut_err why = {0};

	sut_err_reason(&why, ENOENT, "not-registered",
		       "this machine was unregistered before the job %s could run", rec->id);
	if (rec->state == JOB_WAITING)
		job_give_up(ctx, rec, &why);
	return 0;
}

static void forget(struct net *n, bool purge)
{
	struct agent_path key = agent_path(n->root, AGENT_JOB_KEY);
	struct agent_path jobs = agent_path(n->root, AGENT_JOBS);
	struct sut_err err = {0};

	if (job_store_each(n->root, give_up, n, &err) < 0)
		net_log(NET_WARNING, "jobs: %s", err.msg);
	net_due_in(n, NET_DUE_JOB, -1);
	if (!purge)
		return;
	if (unlink(key.s) < 0 && errno != ENOENT)
		net_log(NET_WARNING, "%s: %m", key.s);
	if (sut_rm_rf(jobs.s, &err) < 0)
		net_log(NET_WARNING, "jobs: %s", err.msg);
}

static void registering(struct net *n, bool fresh)
{
	char fact[JOB_KEY_FACT];
	struct sut_err err = {0};

	if (job_key_make(n->root, fresh, fact, &err) < 0)
		net_log(NET_WARNING, "no key for the results of jobs: %s", err.msg);
}

static void facts(struct net *n, json_t *facts)
{
	_cleanup_(sut_privkey_freep) struct sut_privkey *k = NULL;
	char fact[JOB_KEY_FACT];

	if (job_key_read(n->root, &k, NULL) == 0 && job_key_fact(k, fact, NULL) == 0)
		(void)json_object_set_new(facts, "job_key", json_string(fact));
}

const struct net_part job_part = {.init = init,
				  .registering = registering,
				  .forget = forget,
				  .facts = facts};
