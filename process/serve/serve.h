/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon: what its parts share. Several threads:
 *
 *   main       takes connections
 *   one each   for a connection, and ends with it
 *   keeper     the rescan every five minutes, and tries that are due
 *   workers    one per CPU, while all processes are looked at; a process is handled wholly by one of them, because ptrace is per thread
 *   catchers   processes that start to use a file that is watched (serve/watch.h)
 */
#ifndef SUTURE_PROCESS_SERVE_SERVE_H
#define SUTURE_PROCESS_SERVE_SERVE_H

#include <pthread.h>
#include <stdatomic.h>

#include "serve/glance.h"
#include "serve/table.h"
#include "serve/wanted.h"
#include "serve/young.h"

enum {
	SERVE_RESCAN_MS = 300000,
	SERVE_FRESH_MS = 3000, /* an answer may be that old */
	SERVE_SOON_MAX = 1024, /* processes that are to be looked at soon; more: all of them are */
	SERVE_CONNECTIONS_MAX = 32,
};

struct watch;

struct serve {
	const char *root, *socket;
	dev_t socket_dev; /* of the file that we made */
	ino_t socket_ino;
	int systemd; /* what tells it how we are; -1: nobody asks */
	pid_t below; /* for tests: only descendants of this process; 0: all */

	pthread_mutex_t lock;  /* what follows, up to the next comment */
	struct wanted *wanted; /* NULL: nobody has told us yet */
	int64_t since;	   /* seconds since the epoch: all were looked at the last time; 0: never */
	int64_t looked_ms; /* the same, CLOCK_MONOTONIC */
	int64_t rescan_ms; /* when all are looked at again; 0: never */
	struct {
		pid_t pid;
		int64_t at_ms; /* 0: when somebody asks */
	} soon[SERVE_SOON_MAX];
	size_t nsoon;
	bool soon_all, look_young;
	pthread_cond_t keeper; /* any of these times has changed */

	pthread_mutex_t turn; /* one at a time changes processes; held for long */
	struct young young;   /* with `turn` */
	struct table table;
	struct watch *watch;
	atomic_uint connections;
};

int64_t serve_now_ms(void);

/* What is wanted now: the caller's reference; NULL. */
struct wanted *serve_wanted(struct serve *s);

/* Is it one that we may look at? Always, unless a test asked for less. */
bool serve_may(const struct serve *s, pid_t pid);
/* The same; a negative errno when that cannot be found out. */
int serve_is_ours(const struct serve *s, pid_t pid);

/* To be looked at after delay_ms; -1: when somebody asks. */
void serve_soon(struct serve *s, pid_t pid, int delay_ms);

/* All of them are looked at in that time at the latest, and what is watched is marked anew. */
void serve_rescan_in(struct serve *s, int delay_ms);

/* Those of serve_soon() that are due by now_ms (INT64_MAX: all). *ret_all: everybody is to be looked at. */
size_t serve_take_soon(struct serve *s, int64_t now_ms, pid_t ret[static SERVE_SOON_MAX],
		       bool *ret_all);

/* For people, on standard error. */
void serve_log(const char *fmt, ...) _printf_(1, 2);

/* A connection, from its first message to its answer. */
void request_serve(struct serve *s, int fd);

#endif
