/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs that notice when anything of them is changed: each runs in a forked child, does one kind of thing over and over, and
 * compares what came out with what must come out.
 */
#ifndef SUTURE_TESTS_PROCESS_TARGETS_H
#define SUTURE_TESTS_PROCESS_TARGETS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Shared with the child. */
struct target_state {
	volatile uint64_t rounds, errors;
	volatile uint64_t signals; /* that its handler has seen */
	volatile uint64_t value;   /* for the target's own use */
	volatile int stop, ready;
	volatile uint64_t addr;
	char what[128]; /* the first error */
};

struct target {
	pid_t pid;
	struct target_state *s;
	int fd; /* our end of a pipe that it reads from */
};

typedef void (*target_fn)(struct target_state *s, int fd);

void target_spin(struct target_state *s, int fd);     /* every register, the flags, the red zone */
void target_spin_sse(struct target_state *s, int fd); /* … but for the upper halves, which are 0 */
void target_read(struct target_state *s, int fd);     /* blocked in read(): one byte, one round */
void target_sleep(struct target_state *s, int fd); /* clock_nanosleep(), relative: restart_block */
void target_epoll(struct target_state *s,
		  int fd); /* epoll_wait(), never begun again by the kernel */
void target_futex(struct target_state *s, int fd);    /* FUTEX_WAIT with a timeout */
void target_suspend(struct target_state *s, int fd);  /* sigsuspend(): a mask of its own */
void target_altstack(struct target_state *s, int fd); /* on an alternate stack, and not on it */

void target_rseq(struct target_state *s,
		 int fd); /* in a restartable sequence that ends only by being broken off */
void target_dispatch(struct target_state *s,
		     int fd); /* its system calls go to a handler of its own: signals counts */
void target_deep(struct target_state *s,
		 int fd); /* the stack pointer at the lower end of its stack */

bool target_avx(void); /* can target_spin() run here? */

struct target target_start(target_fn fn);
/* Waits until it has done n more rounds; false after five seconds, or when it ended. */
bool target_rounds(const struct target *t, uint64_t n);
/* The same until it has done that many in all. */
bool target_until(const struct target *t, uint64_t rounds);
/* Its state as in /proc: R, S, T, t … */
char target_proc_state(const struct target *t);
/* Lets it end; aborts the test when it saw an error or does not end with 0. */
void target_end(struct target *t);

#endif
