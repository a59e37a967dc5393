/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of the processes that have something a patch is for: what was found and done there the last time. Only a memory for
 * those who ask: the truth is in the processes themselves.
 */
#ifndef SUTURE_PROCESS_SERVE_TABLE_H
#define SUTURE_PROCESS_SERVE_TABLE_H

#include <pthread.h>

#include "change/engine.h"
#include "serve/wanted.h"

struct table_row {
	uint8_t build_id[SUT_LIBRARY_BUILD_ID_LEN];
	char reason[32], *text, *file; /* text and file may be NULL */
	bool deleted, patched, again;
	uint32_t level;
	char patch[64];
	int64_t since; /* seconds since the epoch: when it became so */
	uint64_t stop_ns;
};

struct table_entry {
	pid_t pid;
	uint64_t starttime;
	uid_t uid;
	char comm[32], *exe, *unit;
	int64_t retry_ms; /* CLOCK_MONOTONIC; 0: not to be tried before the next rescan */
	uint32_t pause_ms;
	size_t nrows;
	struct table_row rows[];
};

struct table {
	pthread_mutex_t lock;
	struct table_entry **v; /* by pid */
	size_t n, room;
};

#define TABLE_INIT                                                                                 \
	{                                                                                          \
		.lock = PTHREAD_MUTEX_INITIALIZER                                                  \
	}

enum { TABLE_PAUSE_MIN = 250, TABLE_PAUSE_MAX = 300000 }; /* ms between tries */

/* Room for n rows. free with table_entry_free(). */
struct table_entry *table_entry_new(size_t n) _must_check_;
void table_entry_free(struct table_entry *e);
void table_entry_freep(struct table_entry **e);

/* Takes e over, in the place of what was there; `since` of what did not change is kept, and pauses between tries grow. -ENOMEM:
 * it is forgotten. now_ms: CLOCK_MONOTONIC. */
int table_put(struct table *t, struct table_entry *e, int64_t now_ms);
void table_drop(struct table *t, pid_t pid);
bool table_has(struct table *t, pid_t pid);
/* Everybody whom keep() does not want. */
void table_sweep(struct table *t, bool (*keep)(void *ctx, const struct table_entry *e), void *ctx);
void table_release(struct table *t);

/* When the next try is due (0: none), and who is due by now: at most max pids, returns how many; they are not due any more. */
int64_t table_due(struct table *t);
size_t table_count(struct table *t);
size_t table_take_due(struct table *t, int64_t now_ms, pid_t *ret, size_t max);

/* For answers, as process.md says: a list, or NULL when memory is short. */
json_t *table_libraries(struct table *t, const struct wanted *w);
/* build_id NULL: all. At most 256 rows, and no more than fits into one message; *ret_next: -1 at the end. */
json_t *table_processes(struct table *t, const uint8_t *build_id, pid_t after, pid_t *ret_next);

#endif
