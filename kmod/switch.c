// SPDX-License-Identifier: GPL-2.0-only
#include <linux/bsearch.h>
#include <linux/kernel.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/sched/task_stack.h>
#include <linux/sort.h>
#include <linux/timekeeping.h>
#include <linux/vmalloc.h>

#include "compat.h"
#include "hook.h"
#include "pause.h"
#include "result.h"
#include "switch.h"
#include "symbol.h"
#include "verify.h"

#define SUTURE_TASKS_MAX 4096 /* tasks whose stack could not be judged before the pause */

DEFINE_MUTEX(suture_mutex);		  /* everything: see switch.h */
static struct suture_set *suture_current; /* under suture_mutex */

/* One switch under way. */
struct suture_switching {
	const struct suture_set *old; /* may be NULL */
	struct suture_set *new;	      /* may be NULL */
	struct suture_ranges *ranges;
	struct suture_poke *pokes;
	u32 npokes;
	struct suture_tasks tasks;
	struct suture_hits *hits;
	struct suture_result *res;
};

const struct suture_set *suture_active(void)
{
	lockdep_assert_held(&suture_mutex);
	return suture_current;
}

static int suture_site_cmp(const void *a, const void *b)
{
	const struct suture_site *x = a, *y = b;

	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

const struct suture_site *suture_set_find(const struct suture_set *set, unsigned long addr)
{
	struct suture_site key = {.addr = addr};

	if (!set)
		return NULL;
	return bsearch(&key, set->sites, set->n, sizeof(key), suture_site_cmp);
}

/* Sites of a payload whose table has been verified. */
static int suture_set_new(struct suture_loaded *p, const struct suture_set *old,
			  struct suture_set **ret, struct suture_result *res)
{
	struct suture_set *set = vzalloc(struct_size(set, sites, p->desc->nfuncs));
	u32 i;
	int r;

	if (!set)
		return suture_fail(res, SUTURE_E_NOMEM, NULL);
	set->payload = p;
	set->n = p->desc->nfuncs;
	for (i = 0; i < set->n; i++) {
		const struct suture_payload_func *f = &p->funcs[i];
		const struct suture_expect_func *e = &p->table.funcs[f->expect_index];
		struct suture_site *site = &set->sites[i];
		const struct suture_site *before = suture_set_find(old, f->old_addr);

		site->addr = f->old_addr;
		site->redirect = e->redirect;
		site->target = f->new_addr;
		strscpy(site->name, suture_table_name(&p->table, f->expect_index),
			sizeof(site->name));
		if (!suture_redirect_is_jump(e->redirect))
			continue;
		site->off = e->redirect_off;
		if (before && suture_redirect_is_jump(before->redirect)) {
			/* Two jumps at different places would overwrite each other. */
			if (before->off != site->off) {
				r = suture_fail(res, SUTURE_E_TABLE, site->name);
				goto fail;
			}
			memcpy(site->orig, before->orig, sizeof(site->orig));
		} else {
			memcpy(site->orig, (const void *)(site->addr + site->off),
			       sizeof(site->orig));
		}
		r = suture_jump_encode(site->addr + site->off, site->target, site->jump);
		if (r) {
			r = suture_fail(res, SUTURE_E_REACH, site->name);
			goto fail;
		}
	}
	sort(set->sites, set->n, sizeof(set->sites[0]), suture_site_cmp, NULL);
	for (i = 1; i < set->n; i++) {
		if (set->sites[i].addr == set->sites[i - 1].addr) {
			r = suture_fail(res, SUTURE_E_TABLE, set->sites[i].name);
			goto fail;
		}
	}
	*ret = set;
	return 0;
fail:
	vfree(set);
	return r;
}

/* Which code nobody may be in when it changes. */
static int suture_plan_ranges(struct suture_switching *sw)
{
	const struct suture_table *t = sw->new ? &sw->new->payload->table : NULL;
	unsigned long text, size;
	u32 i;

	sw->ranges = suture_ranges_new((t ? t->head->nfuncs : 0) + 1);
	if (!sw->ranges)
		return suture_fail(sw->res, SUTURE_E_NOMEM, NULL);
	for (i = 0; t && i < t->head->nfuncs; i++) {
		const struct suture_expect_func *f = &t->funcs[i];
		unsigned long addr = suture_run_addr(t, f->addr);

		/* Verified only; or nobody has entered it since it was redirected. */
		if (!f->flags || suture_set_find(sw->old, addr))
			continue;
		suture_ranges_add(sw->ranges, addr, f->size, suture_table_name(t, i));
	}
	if (sw->old) {
		text = suture_module_text(sw->old->payload->mod, &size);
		suture_ranges_add(sw->ranges, text, size, NULL);
	}
	suture_ranges_sort(sw->ranges);
	return 0;
}

static void suture_plan_poke(struct suture_switching *sw, const struct suture_site *site,
			     const u8 *old, const u8 *new, bool ours)
{
	struct suture_poke *p = &sw->pokes[sw->npokes++];

	p->addr = site->addr + site->off;
	p->func_off = site->off;
	p->name = site->name;
	p->ours = ours;
	memcpy(p->old, old, sizeof(p->old));
	memcpy(p->new, new, sizeof(p->new));
}

/* Which bytes are written, with a writable mapping of each. */
static int suture_plan_pokes(struct suture_switching *sw)
{
	u32 nold = sw->old ? sw->old->n : 0, nnew = sw->new ? sw->new->n : 0, i;
	int r;

	sw->pokes = vzalloc(array_size(nold + nnew, sizeof(*sw->pokes)));
	if (!sw->pokes)
		return suture_fail(sw->res, SUTURE_E_NOMEM, NULL);
	for (i = 0; i < nnew; i++) {
		const struct suture_site *site = &sw->new->sites[i];
		const struct suture_site *before = suture_set_find(sw->old, site->addr);
		bool was = before && suture_redirect_is_jump(before->redirect);

		if (suture_redirect_is_jump(site->redirect))
			suture_plan_poke(sw, site, was ? before->jump : site->orig, site->jump,
					 was);
	}
	for (i = 0; i < nold; i++) {
		const struct suture_site *site = &sw->old->sites[i];
		const struct suture_site *after = suture_set_find(sw->new, site->addr);
		bool stays = after && suture_redirect_is_jump(after->redirect);

		if (suture_redirect_is_jump(site->redirect) && !stays)
			suture_plan_poke(sw, site, site->jump, site->orig, true);
	}
	for (i = 0; i < sw->npokes; i++) {
		r = suture_poke_map(&sw->pokes[i]);
		if (r == -ENOMEM)
			return suture_fail(sw->res, SUTURE_E_NOMEM, NULL);
		if (r)
			return suture_fail(sw->res, SUTURE_E_CHANGED, sw->pokes[i].name);
	}
	return 0;
}

/* Our jumps must be as we left them, or the one who changed them is in our way. */
static int suture_check_ours(const struct suture_set *old, struct suture_result *res)
{
	u32 i, k;

	for (i = 0; old && i < old->n; i++) {
		const struct suture_site *site = &old->sites[i];
		const u8 *text = (const u8 *)(site->addr + site->off);

		if (!suture_redirect_is_jump(site->redirect))
			continue;
		for (k = 0; k < SUTURE_JUMP_SIZE; k++) {
			u8 found = READ_ONCE(text[k]);

			if (found != site->jump[k]) {
				res->offset = site->off + k;
				res->expected = site->jump[k];
				res->found = found;
				return suture_fail(res, SUTURE_E_CHANGED, site->name);
			}
		}
	}
	return 0;
}

static void suture_tasks_add(struct suture_tasks *tasks, struct task_struct *task)
{
	if (tasks->n == tasks->max) {
		tasks->overflow = true;
		return;
	}
	get_task_struct(task);
	tasks->list[tasks->n++] = task;
}

static void suture_look_before(struct suture_switching *sw, struct task_struct *task)
{
	enum suture_stack answer = SUTURE_STACK_UNRELIABLE;
	struct suture_hit hit;

	if (!try_get_task_stack(task))
		return;
	sw->res->tasks_before++;
	if (!READ_ONCE(task->on_cpu))
		answer = suture_stack_check(task, sw->ranges, &hit);
	suture_put_task_stack(task);

	if (answer == SUTURE_STACK_BUSY)
		suture_hits_add(sw->hits, &hit);
	else if (answer == SUTURE_STACK_UNRELIABLE)
		suture_tasks_add(&sw->tasks, task);
}

/*
 * Every stack, while the machine runs. What is seen is right for a task that
 * does not run between this and the pause; the others are recorded by
 * suture_seen or are on sw->tasks, and are looked at again.
 */
static int suture_look_all_before(struct suture_switching *sw)
{
	struct task_struct *group, *task;
	unsigned int cpu;

	for_each_online_cpu(cpu)
		suture_look_before(sw, suture_idle_task(cpu));
	rcu_read_lock();
	for_each_process_thread(group, task)
		suture_look_before(sw, task);
	rcu_read_unlock();
	/* A stack that changed while it was walked is no answer yet: only BUSY counts here. */
	return atomic_read(&sw->hits->busy.n) ? suture_hits_report(sw->hits, sw->res) : 0;
}

static int suture_run_pause(struct suture_switching *sw, u32 flags)
{
	struct suture_pause_plan plan = {
		.ranges = sw->ranges,
		.tasks = &sw->tasks,
		.pokes = sw->pokes,
		.npokes = sw->npokes,
		.dry_run = flags & SUTURE_SWITCH_DRY_RUN,
		.hits = sw->hits,
	};
	struct suture_result *res = sw->res;
	int r;

	r = suture_seen_start(&plan.seen);
	if (r) {
		res->outcome = SUTURE_E_NOMEM;
		return r;
	}
	r = suture_look_all_before(sw);
	if (!r)
		r = suture_pause_run(&plan);
	else
		plan.stop_ns = 0;
	suture_seen_stop(plan.seen);
	if (r)
		return r;

	res->tasks_inside = plan.tasks_inside;
	res->pause_ns = plan.pause_ns;
	res->stop_ns = plan.stop_ns;
	r = suture_hits_report(sw->hits, res);
	if (r)
		return r;
	if (plan.changed >= 0) {
		const struct suture_poke *p = &sw->pokes[plan.changed];

		res->offset = p->func_off + plan.changed_off;
		res->expected = plan.changed_off < SUTURE_JUMP_SIZE
					? p->old[plan.changed_off]
					: p->block[p->addr % SUTURE_BLOCK + plan.changed_off];
		res->found = *(const u8 *)(p->addr + plan.changed_off);
		return suture_fail(res, p->ours ? SUTURE_E_CHANGED : SUTURE_E_MISMATCH, p->name);
	}
	return 0;
}

/* After the fact, as a proof; there is nothing to undo it with. */
static void suture_check_written(const struct suture_switching *sw)
{
	u32 i;

	for (i = 0; i < sw->npokes; i++)
		if (memcmp((const void *)sw->pokes[i].addr, sw->pokes[i].new, SUTURE_JUMP_SIZE))
			pr_err("%s: the bytes just written are not there\n", sw->pokes[i].name);
}

/* The new set is in force: keep what it needs, let go of the old one. */
static void suture_commit(struct suture_switching *sw)
{
	struct suture_set *old = suture_current;

	suture_current = sw->new;
	if (sw->new) {
		sw->new->applied_at = ktime_get_real_seconds();
		sw->new->pause_ns = sw->res->pause_ns;
		sw->new->stop_ns = sw->res->stop_ns;
		pr_info("applied %s, level %u, %u functions\n", sw->new->payload->id,
			sw->new->payload->desc->level, sw->new->n);
	} else {
		pr_info("reverted %s\n", old->payload->id);
	}
	sw->new = NULL; /* not ours to free any more */
	if (!old)
		return;
	/*
	 * Nobody was inside the old payload during the pause, and nobody enters
	 * it any more. A task that was preempted in a trampoline on its way
	 * there is waited for here.
	 */
	synchronize_rcu();
	synchronize_rcu_tasks();
	if (!(old->payload->desc->flags & SUTURE_PAYLOAD_KEEP) &&
	    !(suture_current && suture_current->payload == old->payload))
		suture_payload_put(old->payload);
	vfree(old);
}

static int suture_switch_prepared(struct suture_switching *sw, u32 flags)
{
	u32 at = 0;
	int r;

	r = suture_plan_ranges(sw);
	if (r)
		return r;
	r = suture_plan_pokes(sw);
	if (r)
		return r;
	sw->hits = vzalloc(sizeof(*sw->hits));
	sw->tasks.max = SUTURE_TASKS_MAX;
	sw->tasks.list = vzalloc(array_size(sw->tasks.max, sizeof(*sw->tasks.list)));
	if (!sw->hits || !sw->tasks.list)
		return suture_fail(sw->res, SUTURE_E_NOMEM, NULL);
	r = suture_hooks_prepare(sw->new ? sw->new->sites : NULL, sw->new ? sw->new->n : 0, &at);
	if (r) {
		suture_fail(sw->res, SUTURE_E_FTRACE, sw->new->sites[at].name);
		return r;
	}
	return suture_run_pause(sw, flags);
}

static void suture_switching_free(struct suture_switching *sw)
{
	u32 i;

	for (i = 0; i < sw->npokes; i++)
		suture_poke_unmap(&sw->pokes[i]);
	for (i = 0; i < sw->tasks.n; i++)
		put_task_struct(sw->tasks.list[i]);
	vfree(sw->tasks.list);
	vfree(sw->hits);
	vfree(sw->pokes);
	vfree(sw->ranges);
	vfree(sw->new);
}

int suture_switch_to(struct suture_loaded *payload, u32 flags, struct suture_result *res)
{
	struct suture_switching sw = {.old = suture_current, .res = res};
	bool held = payload && payload->held;
	int r;

	lockdep_assert_held(&suture_mutex);
	r = suture_check_ours(sw.old, res);
	if (r)
		return r;
	if (payload) {
		r = suture_verify(&payload->table, sw.old, res);
		if (r)
			return r;
		if (!suture_payload_get(payload))
			return suture_fail(res, SUTURE_E_NOT_FOUND, NULL);
		r = suture_set_new(payload, sw.old, &sw.new, res);
	}
	if (!r) {
		r = suture_switch_prepared(&sw, flags);
		res->nfuncs = sw.new ? sw.new->n : sw.old->n;
	}
	if (!r && !(flags & SUTURE_SWITCH_DRY_RUN)) {
		suture_check_written(&sw);
		suture_commit(&sw);
		held = true;
	}
	if (payload && !held)
		suture_payload_put(payload);
	suture_hooks_prune();
	suture_switching_free(&sw);
	return r;
}
