// SPDX-License-Identifier: GPL-2.0-only
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/uaccess.h>

#include "device.h"
#include "pause.h"
#include "result.h"
#include "switch.h"
#include "verify.h"

#define SUTURE_PAUSE_ROUNDS_MAX 1000

static long suture_ioc_status(void __user *arg)
{
	struct suture_status st = {.abi = SUTURE_ABI};
	const struct suture_set *set;

	mutex_lock(&suture_mutex);
	set = suture_active();
	if (set) {
		st.applied = 1;
		st.level = set->payload->desc->level;
		st.nfuncs = set->n;
		st.applied_at = set->applied_at;
		st.pause_ns = set->pause_ns;
		st.stop_ns = set->stop_ns;
		strscpy(st.id, set->payload->id, sizeof(st.id));
		strscpy(st.module, set->payload->mod->name, sizeof(st.module));
	}
	mutex_unlock(&suture_mutex);
	return copy_to_user(arg, &st, sizeof(st)) ? -EFAULT : 0;
}

static int suture_verify_user(u64 expect, u32 size, struct suture_result *res)
{
	struct suture_table table;
	void *data;
	int r;

	if (size < sizeof(struct suture_expect_header) || size > SUTURE_MAX_EXPECT)
		return suture_fail(res, SUTURE_E_TABLE, NULL);
	/* A private copy: user space can change its own while it is read. */
	data = vmemdup_user(u64_to_user_ptr(expect), size);
	if (IS_ERR(data)) {
		r = PTR_ERR(data);
		return r == -ENOMEM ? suture_fail(res, SUTURE_E_NOMEM, NULL) : r;
	}
	r = suture_table_parse(data, size, &table);
	if (r) {
		r = suture_fail(res, r == -ENOMEM ? SUTURE_E_NOMEM : SUTURE_E_TABLE, NULL);
	} else {
		mutex_lock(&suture_mutex);
		r = suture_verify(&table, suture_active(), res);
		mutex_unlock(&suture_mutex);
	}
	kvfree(data);
	return r;
}

static long suture_ioc_verify(struct suture_verify __user *arg)
{
	struct suture_verify *v;
	long r;

	v = memdup_user(arg, sizeof(*v));
	if (IS_ERR(v))
		return PTR_ERR(v);
	memset(&v->result, 0, sizeof(v->result));
	if (v->reserved)
		r = suture_fail(&v->result, SUTURE_E_TABLE, NULL);
	else
		r = suture_verify_user(v->expect, v->expect_size, &v->result);
	if (copy_to_user(&arg->result, &v->result, sizeof(v->result)))
		r = -EFAULT;
	kfree(v);
	return r;
}

static int suture_switch_locked(const struct suture_switch *s, bool apply,
				struct suture_result *res)
{
	struct suture_loaded *payload = NULL;

	if (apply) {
		payload = suture_payload_find(s->module);
		if (!payload)
			return suture_fail(res, SUTURE_E_NOT_FOUND, NULL);
	} else if (!suture_active()) {
		return suture_fail(res, SUTURE_E_NOT_FOUND, NULL);
	}
	return suture_switch_to(payload, s->flags, res);
}

static long suture_ioc_switch(struct suture_switch __user *arg, bool apply)
{
	struct suture_switch *s;
	long r;

	s = memdup_user(arg, sizeof(*s));
	if (IS_ERR(s))
		return PTR_ERR(s);
	memset(&s->result, 0, sizeof(s->result));
	if (s->reserved || s->flags & ~SUTURE_SWITCH_DRY_RUN ||
	    (apply && strnlen(s->module, sizeof(s->module)) == sizeof(s->module))) {
		r = suture_fail(&s->result, SUTURE_E_TABLE, NULL);
	} else {
		mutex_lock(&suture_mutex);
		r = suture_switch_locked(s, apply, &s->result);
		mutex_unlock(&suture_mutex);
	}
	if (copy_to_user(&arg->result, &s->result, sizeof(s->result)))
		r = -EFAULT;
	kfree(s);
	return r;
}

static int suture_u64_cmp(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

static long suture_ioc_pause(struct suture_pause __user *arg)
{
	struct suture_pause p;
	u64 *ns;
	u32 i;

	if (copy_from_user(&p, arg, sizeof(p)))
		return -EFAULT;
	if (!p.rounds || p.rounds > SUTURE_PAUSE_ROUNDS_MAX || p.reserved)
		return -EINVAL;
	ns = kcalloc(p.rounds, sizeof(*ns), GFP_KERNEL);
	if (!ns)
		return -ENOMEM;
	mutex_lock(&suture_mutex);
	for (i = 0; i < p.rounds; i++) {
		ns[i] = suture_pause_empty_ns();
		cond_resched();
	}
	mutex_unlock(&suture_mutex);
	sort(ns, p.rounds, sizeof(*ns), suture_u64_cmp, NULL);
	p.min_ns = ns[0];
	p.median_ns = ns[p.rounds / 2];
	p.max_ns = ns[p.rounds - 1];
	kfree(ns);
	return copy_to_user(arg, &p, sizeof(p)) ? -EFAULT : 0;
}

static bool suture_allowed(void)
{
	return capable(CAP_SYS_ADMIN) && capable(CAP_SYS_MODULE);
}

static long suture_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	void __user *p = (void __user *)arg;

	/* Again: the descriptor may have been handed to somebody. */
	if (!suture_allowed())
		return -EPERM;
	switch (cmd) {
	case SUTURE_IOC_STATUS:
		return suture_ioc_status(p);
	case SUTURE_IOC_VERIFY:
		return suture_ioc_verify(p);
	case SUTURE_IOC_APPLY:
		return suture_ioc_switch(p, true);
	case SUTURE_IOC_REVERT:
		return suture_ioc_switch(p, false);
	case SUTURE_IOC_PAUSE:
		return suture_ioc_pause(p);
	}
	return -ENOTTY;
}

static int suture_open(struct inode *inode, struct file *file)
{
	return suture_allowed() ? 0 : -EPERM;
}

static const struct file_operations suture_fops = {
	.owner = THIS_MODULE,
	.open = suture_open,
	.unlocked_ioctl = suture_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

static struct miscdevice suture_miscdevice = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "suture",
	.fops = &suture_fops,
	.mode = 0600,
};

int suture_device_init(void)
{
	return misc_register(&suture_miscdevice);
}

void suture_device_exit(void)
{
	misc_deregister(&suture_miscdevice);
}
