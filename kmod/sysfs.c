// SPDX-License-Identifier: GPL-2.0-only
#include <linux/kernel.h>
#include <linux/kobject.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "switch.h"
#include "sysfs.h"

static struct kobject *suture_kobj;

static ssize_t version_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%s\n", SUTURE_KMOD_VERSION);
}

static ssize_t abi_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%d\n", SUTURE_ABI);
}

static ssize_t state_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	bool applied;

	mutex_lock(&suture_mutex);
	applied = suture_active();
	mutex_unlock(&suture_mutex);
	return sysfs_emit(buf, "%s\n", applied ? "applied" : "original");
}

/* An attribute of the applied patch; empty when none is. */
#define SUTURE_ATTR(name, fmt, value)                                                              \
	static ssize_t name##_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)   \
	{                                                                                          \
		const struct suture_set *set;                                                      \
		ssize_t n = 0;                                                                     \
                                                                                                   \
		mutex_lock(&suture_mutex);                                                         \
		set = suture_active();                                                             \
		if (set)                                                                           \
			n = sysfs_emit(buf, fmt "\n", value);                                      \
		mutex_unlock(&suture_mutex);                                                       \
		return n;                                                                          \
	}                                                                                          \
	static struct kobj_attribute name##_attr = __ATTR_RO(name)

SUTURE_ATTR(id, "%s", set->payload->id);
SUTURE_ATTR(level, "%u", set->payload->desc->level);
SUTURE_ATTR(module, "%s", set->payload->mod->name);
SUTURE_ATTR(applied_at, "%llu", set->applied_at);
SUTURE_ATTR(pause_ns, "%llu", set->pause_ns);
SUTURE_ATTR(stop_ns, "%llu", set->stop_ns);

static struct kobj_attribute version_attr = __ATTR_RO(version);
static struct kobj_attribute abi_attr = __ATTR_RO(abi);
static struct kobj_attribute state_attr = __ATTR_RO(state);

/* The part of a longer text that a read asks for. */
struct suture_window {
	char *buf;
	loff_t off;   /* of the read in the text */
	size_t count; /* bytes the read wants */
	size_t done;
	loff_t at; /* where the text is */
};

static void suture_window_add(struct suture_window *w, const char *s)
{
	for (; *s; s++, w->at++)
		if (w->at >= w->off && w->done < w->count)
			w->buf[w->done++] = *s;
}

/* Lists may be longer than the page that an ordinary attribute has. */
static ssize_t functions_read(struct file *file, struct kobject *kobj, struct bin_attribute *attr,
			      char *buf, loff_t off, size_t count)
{
	struct suture_window w = {.buf = buf, .off = off, .count = count};
	const struct suture_set *set;
	u32 i;

	mutex_lock(&suture_mutex);
	set = suture_active();
	for (i = 0; set && i < set->n && w.done < count; i++) {
		suture_window_add(&w, set->sites[i].name);
		suture_window_add(&w, "\n");
	}
	mutex_unlock(&suture_mutex);
	return w.done;
}

static ssize_t cves_read(struct file *file, struct kobject *kobj, struct bin_attribute *attr,
			 char *buf, loff_t off, size_t count)
{
	struct suture_window w = {.buf = buf, .off = off, .count = count};
	const struct suture_set *set;

	mutex_lock(&suture_mutex);
	set = suture_active();
	if (set) {
		suture_window_add(&w, set->payload->cves);
		suture_window_add(&w, "\n");
	}
	mutex_unlock(&suture_mutex);
	return w.done;
}

static struct attribute *suture_attrs[] = {
	&version_attr.attr,    &abi_attr.attr,
	&state_attr.attr,      &id_attr.attr,
	&level_attr.attr,      &module_attr.attr,
	&applied_at_attr.attr, &pause_ns_attr.attr,
	&stop_ns_attr.attr,    NULL,
};

static struct bin_attribute functions_attr = __BIN_ATTR_RO(functions, 0);
static struct bin_attribute cves_attr = __BIN_ATTR_RO(cves, 0);

static struct bin_attribute *suture_bin_attrs[] = {&functions_attr, &cves_attr, NULL};

static const struct attribute_group suture_group = {
	.attrs = suture_attrs,
	.bin_attrs = suture_bin_attrs,
};

int suture_sysfs_init(void)
{
	int r;

	suture_kobj = kobject_create_and_add("suture", kernel_kobj);
	if (!suture_kobj)
		return -ENOMEM;
	r = sysfs_create_group(suture_kobj, &suture_group);
	if (r)
		kobject_put(suture_kobj);
	return r;
}

void suture_sysfs_exit(void)
{
	kobject_put(suture_kobj);
}
