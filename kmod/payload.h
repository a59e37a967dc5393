/* SPDX-License-Identifier: GPL-2.0-only */
/* Payload modules that are loaded, whether applied or not. */
#ifndef SUTURE_PAYLOAD_H
#define SUTURE_PAYLOAD_H

#include <linux/list.h>
#include <linux/module.h>

#include "table.h"

struct suture_loaded {
	struct list_head node;
	struct module *mod;
	const struct suture_payload *desc;
	const struct suture_payload_func *funcs; /* desc->nfuncs */
	const char *id, *cves;			 /* in the module's memory */
	struct suture_table table;
	bool held; /* we have a reference to mod */
};

/*
 * Called by a payload's init and exit functions. The payload and everything
 * it points to (a struct suture_payload) is read-only from now on. Returns 0, -EINVAL (not a valid
 * description), -EEXIST or -ENOMEM.
 */
int suture_payload_register(const void *payload, void *module);
void suture_payload_unregister(const void *payload);

/* NULL when no payload of that module name is registered and live. */
struct suture_loaded *suture_payload_find(const char *name);

/* The reference that keeps the module in memory; get is false when it is going away. */
bool suture_payload_get(struct suture_loaded *p);
void suture_payload_put(struct suture_loaded *p);

#endif
