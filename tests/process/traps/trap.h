/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One trap is one test: a program of tests/process/targets is started, patched by the engine itself, and asked what it is and whether
 * it noticed. Each runs in a process of its own, with a time limit, and leaves nothing behind.
 */
#ifndef SUTURE_TESTS_TRAP_H
#define SUTURE_TESTS_TRAP_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>

#include "change/engine.h"
#include "upatch.h"

struct trap {
	const char *name;
	bool (*run)(void);
	/* For what many tests have in common: see env.c. */
	const char *program, *mode, *library, *replace, *reason;
};

/* What is wrong, as the test's only output; the test ends with false. */
#define MUST(cond, ...)                                                                            \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			printf("  %s:%d: %s: ", __FILE__, __LINE__, #cond);                        \
			printf(__VA_ARGS__);                                                       \
			printf("\n");                                                              \
			return false;                                                              \
		}                                                                                  \
	} while (0)

/* ---- the program that is patched ---- */

struct victim {
	pid_t pid;
	int in, out;
};

enum { NO_ANSWER = -9999 };

/* Programs and libraries of the build; a path that stays valid. */
const char *built(const char *name);
/* A folder for this test, removed when it ends. */
const char *folder(void);
/* Copies a built file to folder()/to. */
const char *copy_of(const char *name, const char *to);

/* argv[0] is a path; library_path: LD_LIBRARY_PATH, NULL for none; preload: LD_PRELOAD. False when it does not say "ready". */
bool start_with(struct victim *v, const char *const *argv, const char *library_path,
		const char *preload);
bool start(struct victim *v, const char *program, const char *mode, const char *arg);
/* Its answer; NO_ANSWER when there is none within five seconds. */
int ask(struct victim *v, char question);
/* Closes its input and waits: exit status, or -SIGNAL. */
int finish(struct victim *v);
char state_of(pid_t pid);
pid_t tracer_of(pid_t pid);

/* ---- what is done to it ---- */

/* From make-upatch's description; ends the test when it cannot be made. */
struct proc_patch *patch_of(const struct upatch *u);
/* "old=new" of the library by that name (of the build, or a path) with fix.o. */
struct proc_patch *patch_for(const char *target, const char *replace);

struct done {
	int r;
	struct proc_result res;
	struct sut_err err;
};

struct done apply(pid_t pid, const struct proc_patch *p);
struct done apply_with(pid_t pid, const struct proc_patch *p, const struct proc_options *o);
struct done revert(pid_t pid, const struct proc_patch *p);
struct done revert_with(pid_t pid, const struct proc_patch *p, const struct proc_options *o);
struct done repair(pid_t pid);

/* d ended with that reason word, and with an error exactly when it is one. */
bool is(const struct done *d, const char *reason);
#define MUST_BE(d, word)                                                                           \
	MUST(is(&(d), word), "%d, \"%s\", \"%s\" instead of \"%s\": %s", (d).r, (d).res.reason,    \
	     (d).res.text, word, (d).err.msg)

/* Milliseconds. */
void wait_ms(int ms);

/* ---- the tests ---- */
/* Which one runs: for those that share a function. */
extern const struct trap *current_trap;
extern const struct trap traps_env[], traps_files[], traps_threads[], traps_states[], traps_code[],
	traps_hostile[];

#endif
