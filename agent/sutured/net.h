/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The network half of the agent, as its parts see it.
 *
 * Threads. The worker runs tasks (task.h), one after the other; nearly everything belongs to it. The main thread
 * waits: for the control socket, for the timer, for signals; it never touches the network or the disk. One more
 * thread may wait for a console's jobs (it has an HTTP handle of its own and only queues tasks).
 *
 *   root, ops, lock       set once, before the threads start: everybody's
 *   conf, identity, http,
 *   apply                 the worker's alone
 *   state, queue, due     everybody's, by the functions of state.h, task.h and below, which take the lock
 */
#ifndef SUTURE_AGENT_SUTURED_NET_H
#define SUTURE_AGENT_SUTURED_NET_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/conf.h"
#include "common/paths.h"
#include "http/http.h"
#include "sutured/identity.h"
#include "sutured/state.h"
#include "sutured/task.h"

struct net;

/* Clock and chance, passed in. */
struct net_ops {
	int64_t (*now)(void *ctx);  /* seconds since the epoch; may jump, may be wrong by years */
	int64_t (*boot)(void *ctx); /* seconds since boot, suspended ones too; never goes back */
	int (*random)(void *ctx, void *buf, size_t len); /* 0, -EIO */
	void *ctx;
};
extern const struct net_ops net_ops_real;

/* What the one timer wakes the worker for. */
enum net_due {
	NET_DUE_CHECKIN,
	NET_DUE_CHECK,	 /* look into the repository; also done early, together with a check-in */
	NET_DUE_SETTLE,	 /* a probation is over */
	NET_DUE_APPLY,	 /* a window opens, a hold or a delay ends, a failed apply is tried again */
	NET_DUE_LIBRARY, /* the same for libraries */
	NET_DUE_JOB,	 /* a window of a job opens, or a job that waited has expired */
	NET_DUES,
};

/* What a part of the agent wants to hear of; each may be NULL. parts.c lists them all. All run in the worker, but init, which
 * runs before the threads start. */
struct net_part {
	void (*init)(struct net *n);
	/* A check-in was answered: what is told (state "told", "feed") may have changed. */
	void (*told)(struct net *n);
	/* This machine got a System ID: for the first time, the same one again, or (fresh) another one, because it
	 * is a copy of another machine. Before the facts below are asked for. */
	void (*registering)(struct net *n, bool fresh);
	/* The identity goes away; purge: with everything that was kept. */
	void (*forget)(struct net *n, bool purge);
	/* The root half has published its state anew (read from AGENT_APPLY_STATE; borrowed). */
	void (*changed)(struct net *n, const json_t *apply);
	/* The repository was read, because it was time. */
	void (*looked)(struct net *n);
	/* agent.conf was read again. */
	void (*reloaded)(struct net *n);
	/* Adds facts about this machine for the portal (at most 32 in all, docs/formats/checkin.md). */
	void (*facts)(struct net *n, json_t *facts);
};
extern const struct net_part *const net_parts[];

enum {
	NET_EARLY_S =
		600, /* a look into the repository may be so much too early, to be done beside a check-in */
};

struct net {
	const char *root; /* before every path; "" in earnest */
	struct net_ops ops;
	pthread_mutex_t lock;

	struct agent_conf conf;
	unsigned int disk; /* NET_FILE_… that cannot be written: said as trouble, and we go on */
	struct identity id;
	struct sut_http *http; /* NULL until net_http() */

	struct net_state state;
	struct task_queue queue;
	int64_t due[NET_DUES]; /* seconds since boot; 0: not */
	int timer;	       /* timerfd of the earliest; -1 in tests */

	/* The tasks behind NET_DUE_…; set by their owners (net_part.init), NULL: none. */
	task_fn on_due[NET_DUES];
	const struct net_part *const *parts; /* ends with NULL; NULL in tests that need none */
	struct console *console;	     /* console.c's; NULL: no thread waits for jobs */

	int64_t soon_from;     /* checkin_soon(): under the lock */
	char product_uuid[65]; /* apply.c: what the root half said; under the lock */
	bool product_known;
	int64_t checkin_s, check_s; /* what the portal said last; 0: nothing yet */

	bool once; /* --once: ends when the queue is empty */
};

/* Empty, no file is read. */
int net_init(struct net *n, const char *root, const struct net_ops *ops,
	     struct sut_err *err) _must_check_;
void net_release(struct net *n);

/* Root, who may do everything; in tests, with --root, the user we run as, too. */
bool net_is_root(const struct net *n, uint32_t uid);

int64_t net_now(const struct net *n);
int64_t net_boot_s(const struct net *n);

/* The task of `what` is to be queued in `in_s` seconds (0: at once; less than 0: not). Replaces what was set. */
void net_due_in(struct net *n, enum net_due what, int64_t in_s);
/* Likewise, but only when that is earlier than what is set. */
void net_due_by(struct net *n, enum net_due what, int64_t in_s);
/* Seconds until then; -1: not. */
int64_t net_due_left(struct net *n, enum net_due what);

/* For the main thread: what is due now. Those are not due any more. */
void net_due_take(struct net *n, bool ret[static NET_DUES]);

/*
 * The HTTP handle for portal and repository (never with a credential of its own: who needs one sends the header),
 * made when there is none. net_http_drop(): its memory and its connections are given back. The worker does that
 * after each task by itself.
 */
int net_http(struct net *n, struct sut_http **ret, struct sut_err *err) _must_check_;
void net_http_drop(struct net *n);

/* conf, else where it is registered; "". */
const char *net_portal(const struct net *n);
/* Where the repository is: conf, else what the portal said at enrolment, else PORTAL/repo; no '/' at the end.
 * -ENOENT (reason "not-registered") when there is none. */
int net_repository(const struct net *n, char ret[static AGENT_URL_MAX + 1],
		   struct sut_err *err) _must_check_;

/* What a write below AGENT_NET_DIR came to (r; err when r < 0): the first failure in a row of each file is said in the log,
 * and all the time as trouble "disk" and to the portal. Returns r. */
enum net_file { NET_FILE_IDENTITY = 1, NET_FILE_STATE = 2 };
int net_disk(struct net *n, enum net_file file, int r, const struct sut_err *err);
/* identity_write() of net.id, net_disk() and state_identity(). */
int net_save(struct net *n, struct sut_err *err);

/* Reads agent.conf again. On failure nothing changes. */
int net_reload(struct net *n, struct sut_err *err) _must_check_;

/* A line for the journal on standard error: "<6>text". No secrets. */
enum net_level { NET_ERR = 3, NET_WARNING = 4, NET_INFO = 6, NET_DEBUG = 7 };
void net_log(enum net_level level, const char *fmt, ...) _printf_(2, 3);

#endif
