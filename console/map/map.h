/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The views of this process, one for each tenant, and what is kept to make the next one quickly: the coverage index, find
 * sets and names. A task makes a new one when the generation has changed; until it is there, readers have the one before.
 * Where no tasks run (tests, commands), whoever asks makes it.
 */
#ifndef SUTURE_CONSOLE_MAP_MAP_H
#define SUTURE_CONSOLE_MAP_MAP_H

#include "console.h"
#include "map/view.h"

struct map;

int map_new(struct map **ret, struct sut_err *err) _must_check_;
void map_free(struct map *m);

/* db: in a transaction of the caller's. *ret: a reference, view_put(). The first one of a tenant may take a second. */
int map_view(struct console *c, struct sut_db *db, int64_t tenant, struct map_view **ret,
	     struct sut_err *err) _must_check_;
/* The same for a call. */
static inline int map_of(struct web_req *q, struct map_view **ret, struct sut_err *err)
{
	return map_view(console_of(q->server), q->db, q->who.tenant, ret, err);
}

/* The coverage of a tenant, index_unref(); empty when there is none. db as above. */
int map_coverage(struct console *c, struct sut_db *db, int64_t tenant, struct map_index **ret,
		 struct sut_err *err) _must_check_;

#endif
