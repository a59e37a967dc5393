// SPDX-License-Identifier: GPL-2.0-only
#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "compat.h"
#include "payload.h"
#include "switch.h"
#include "verify.h"

#define SUTURE_CVES_MAX 8192 /* bytes, with the NUL */

static LIST_HEAD(suture_payloads); /* under suture_mutex */

static bool suture_string_valid(const struct module *mod, u64 addr, size_t max)
{
	size_t i;

	for (i = 0; i < max; i++) {
		if (!suture_module_has(mod, addr + i, 1))
			return false;
		if (!*(const char *)(unsigned long)(addr + i))
			return true;
	}
	return false;
}

/* The redirected functions and the REPLACE records are the same, one to one. */
static int suture_funcs_check(const struct suture_loaded *p)
{
	const struct suture_expect_header *head = p->table.head;
	unsigned long text, text_size, *seen;
	u32 i, replaced = 0;
	int r = -EINVAL;

	text = suture_module_text(p->mod, &text_size);
	seen = bitmap_zalloc(head->nfuncs, GFP_KERNEL);
	if (!seen)
		return -ENOMEM;
	for (i = 0; i < head->nfuncs; i++)
		replaced += !!(p->table.funcs[i].flags & SUTURE_EXPECT_REPLACE);
	if (replaced != p->desc->nfuncs)
		goto out;
	for (i = 0; i < p->desc->nfuncs; i++) {
		const struct suture_payload_func *f = &p->funcs[i];
		const struct suture_expect_func *e;

		if (f->expect_index >= head->nfuncs || __test_and_set_bit(f->expect_index, seen))
			goto out;
		e = &p->table.funcs[f->expect_index];
		if (!(e->flags & SUTURE_EXPECT_REPLACE) ||
		    f->old_addr != suture_run_addr(&p->table, e->addr))
			goto out;
		if (!f->new_size || f->new_addr < text || f->new_size > text_size ||
		    f->new_addr - text > text_size - f->new_size)
			goto out;
	}
	r = 0;
out:
	bitmap_free(seen);
	return r;
}

static int suture_payload_check(struct suture_loaded *p)
{
	const struct suture_payload *d = p->desc;
	int r;

	if (!suture_module_has(p->mod, (unsigned long)d, sizeof(*d)) || d->abi != SUTURE_ABI ||
	    d->size != sizeof(*d) || !d->nfuncs || d->nfuncs > SUTURE_MAX_FUNCS ||
	    d->flags & ~SUTURE_PAYLOAD_KEEP)
		return -EINVAL;
	if (!suture_string_valid(p->mod, d->id, SUTURE_ID_MAX) ||
	    !suture_string_valid(p->mod, d->cves, SUTURE_CVES_MAX))
		return -EINVAL;
	if (!IS_ALIGNED(d->funcs, 8) ||
	    !suture_module_has(p->mod, d->funcs, d->nfuncs * sizeof(*p->funcs)) ||
	    !suture_module_has(p->mod, d->expect, d->expect_size))
		return -EINVAL;
	p->id = (const char *)(unsigned long)d->id;
	p->cves = (const char *)(unsigned long)d->cves;
	p->funcs = (const void *)(unsigned long)d->funcs;
	r = suture_table_parse((const void *)(unsigned long)d->expect, d->expect_size, &p->table);
	if (r)
		return r;
	return suture_funcs_check(p);
}

int suture_payload_register(const void *payload, void *module)
{
	const struct suture_payload *desc = payload;
	struct suture_loaded *p, *other;
	struct module *mod = module;
	int r;

	if (!desc || !mod)
		return -EINVAL;
	p = kzalloc(sizeof(*p), GFP_KERNEL);
	if (!p)
		return -ENOMEM;
	p->desc = desc;
	p->mod = mod;
	mutex_lock(&suture_mutex);
	r = suture_payload_check(p);
	list_for_each_entry(other, &suture_payloads, node)
		if (other->mod == mod)
			r = -EEXIST;
	if (!r)
		list_add_tail(&p->node, &suture_payloads);
	mutex_unlock(&suture_mutex);
	if (r) {
		pr_err("%s: not a valid payload (%d)\n", mod->name, r);
		kfree(p);
	}
	return r;
}
EXPORT_SYMBOL_GPL(suture_payload_register);

void suture_payload_unregister(const void *payload)
{
	struct suture_loaded *p, *next;

	mutex_lock(&suture_mutex);
	list_for_each_entry_safe(p, next, &suture_payloads, node) {
		if (p->desc != payload)
			continue;
		/* Our reference keeps the module's exit function from running. */
		WARN_ON_ONCE(p->held);
		list_del(&p->node);
		kfree(p);
	}
	mutex_unlock(&suture_mutex);
}
EXPORT_SYMBOL_GPL(suture_payload_unregister);

struct suture_loaded *suture_payload_find(const char *name)
{
	struct suture_loaded *p;

	lockdep_assert_held(&suture_mutex);
	list_for_each_entry(p, &suture_payloads, node)
		if (!strcmp(p->mod->name, name) && p->mod->state == MODULE_STATE_LIVE)
			return p;
	return NULL;
}

bool suture_payload_get(struct suture_loaded *p)
{
	lockdep_assert_held(&suture_mutex);
	if (!p->held)
		p->held = try_module_get(p->mod);
	return p->held;
}

void suture_payload_put(struct suture_loaded *p)
{
	lockdep_assert_held(&suture_mutex);
	if (!p->held)
		return;
	p->held = false;
	module_put(p->mod);
}
