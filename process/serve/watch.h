/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes that start to use a file that a patch is for, caught before they can run a function of it.
 *
 * The inodes of these files, and no others, have a fanotify mark for permission to open: whoever opens one waits until we have
 * said yes. Before we do, the opening thread is seized; then it is followed from system call to system call until the file is mapped
 * (and relocated, where the patch needs that), patched, and let go (serve/catch.h).
 *
 * Nobody waits for long: a thread that reads events never waits for anything else, there is always one, and what cannot be caught is
 * allowed at once and looked at soon. When we die, the kernel says yes to all.
 */
#ifndef SUTURE_PROCESS_SERVE_WATCH_H
#define SUTURE_PROCESS_SERVE_WATCH_H

#include "serve/serve.h"

/* No kernel support or no right: -EOPNOTSUPP, -EPERM, said by watch_state() as well; the rescan still works. */
int watch_new(struct serve *s, struct watch **ret, struct sut_err *err) _must_check_;

/* What is wanted has changed: the files of the host are looked up by their paths and marked; with nothing wanted nothing is
 * watched. */
void watch_set(struct watch *w, const struct wanted *wanted);

/* Nothing is watched until the next watch_set(); files of watch_file_of() are marked again when they are seen again. */
void watch_pause(struct watch *w);

/* A process has f (of its glance) mapped, and a patch is wanted for it: marked, if it is not. */
void watch_file_of(struct watch *w, pid_t pid, const struct glance_file *f, const char *path);

/* Where w's packages have their files, in the root of process pid: marked before anybody there uses them. */
void watch_root_of(struct watch *w, pid_t pid, const struct wanted *wanted);

/* Grows with every file that is marked and was not before. */
uint64_t watch_count(const struct watch *w);

struct watch_state {
	const char *state; /* "on", "off", "failed" */
	char text[256];
};

void watch_state(struct watch *w, struct watch_state *ret);

/*
 * To be asked every few seconds: has somebody waited for permission since the last times, and nobody of us read it? Then we hold up
 * the whole machine, and are to end at once: the kernel says yes to all then.
 */
bool watch_stuck(struct watch *w);

/* For a descriptor that says when the folders of watched files change; -1: none. Then watch_moved(). */
int watch_fd(const struct watch *w);
/* Reads what it has to say; true: a watched file of the host is another one now, and all is to be looked at again. */
bool watch_moved(struct watch *w, const struct wanted *wanted);

#endif
