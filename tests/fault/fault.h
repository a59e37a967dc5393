/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs code in a child, by ptrace, and makes one thing go wrong at a chosen place: the child is
 * killed just before its n-th system call, or the n-th system call that changes files fails, or the
 * n-th allocation does. Run it with every n, and every place has failed once.
 */
#ifndef SUTURE_TESTS_FAULT_H
#define SUTURE_TESTS_FAULT_H

#include <stdbool.h>
#include <stdint.h>

enum fault_kind {
	FAULT_NONE,  /* only counts */
	FAULT_KILL,  /* SIGKILL instead of system call number n; nothing of it is done */
	FAULT_ERROR, /* file-changing system call number n is not done and returns -error */
	FAULT_ALLOC, /* malloc, calloc or realloc number n returns NULL (needs fault-alloc.c) */
};

struct fault_plan {
	enum fault_kind kind;
	uint64_t n; /* counted from 1 */
	int error;  /* FAULT_ERROR: positive errno */
};

struct fault_result {
	int status;	   /* exit status, or -SIGNAL when a signal ended it */
	uint64_t syscalls; /* system calls begun */
	uint64_t changes;  /* of them, those that change files */
	uint64_t allocs;   /* allocations while armed; 0 without fault-alloc.c */
	long nr;	   /* system call that was hit; -1: none was */
};

/*
 * fn(arg) runs in a forked child, whose exit status is what it returns; it may also exec a
 * program, and then the calls of that program count. Threads of the child are not counted but
 * die with it. Ends the test program with a message when ptrace itself fails.
 */
void fault_run(int (*fn)(void *arg), void *arg, const struct fault_plan *plan,
	       struct fault_result *ret);

/* Does the system call create, change or make durable anything in a file system? */
bool fault_changes_files(long nr, const unsigned long long args[6]);

/* fault-alloc.c, which replaces malloc in the whole program. Allocation n (from 1) after arming fails,
 * once; 0 only counts. */
void fault_alloc_arm(uint64_t n) __attribute__((weak));
uint64_t fault_alloc_disarm(void) __attribute__((weak));

#endif
