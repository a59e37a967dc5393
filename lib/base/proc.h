/* SPDX-License-Identifier: Apache-2.0 */
/* Running other programs, without a shell between. */
#ifndef SUTURE_BASE_PROC_H
#define SUTURE_BASE_PROC_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

enum { SUT_RUN_OUTPUT_MAX = 16 << 20 }; /* bytes of output kept when no buffer is given */

struct sut_run_opts {
	const char *cwd;	  /* NULL: the current folder */
	const char *const *env;	  /* "NAME=value" on top of ours; ends with NULL; may be NULL */
	const void *in;		  /* given to standard input; NULL: /dev/null */
	size_t in_len;		  /* bytes of in */
	struct sut_buf *out;	  /* receives standard output; NULL: kept with err_out */
	struct sut_buf *err_out;  /* receives standard error; NULL: a private buffer */
	int log_fd;		  /* > 0: both streams go there, and nothing of them is kept */
	unsigned int timeout_sec; /* the child's process group is killed then; 0: none */
};

/*
 * Runs argv[0] (searched in PATH) and waits for it, not for processes it leaves
 * behind. It gets a process group of its own, and SIGTERM when we end first.
 * Returns its exit status (0…255), or a negative errno: -ENOENT when there is
 * no such program or folder, -ETIMEDOUT, -ENOBUFS when the output passed the buffer's
 * maximum, -EINTR when a signal ended it. A status other than 0 is not an
 * error of this function.
 */
int sut_run(const char *const argv[], const struct sut_run_opts *opts,
	    struct sut_err *err) _must_check_;

/* As sut_run(), and a status other than 0 is an error (-ECHILD) whose message
 * has the last lines of what the program said. */
int sut_run_ok(const char *const argv[], const struct sut_run_opts *opts,
	       struct sut_err *err) _must_check_;

/*
 * The first of these paths that is there, relative to the folder of the program that is running: where a program of the same
 * package is, installed or in a build tree. NULL when none is, or memory is short. places ends with NULL; caller frees.
 */
char *sut_program_beside(const char *const places[]);

/* CPUs this process may use; at least 1. */
unsigned int sut_ncpus(void);

/*
 * Several commands side by side, at most njobs at a time (0: one per CPU, and
 * never more than 64). Starts no new ones after the first failure, waits for
 * those that run, and reports that failure: -ECHILD for a status other than 0,
 * else as sut_run().
 */
struct sut_job {
	const char *const *argv;
	const char *cwd;
	struct sut_buf output; /* both streams; initialise with a maximum */
	int status;	       /* written: exit status, negative errno; -ECANCELED: not run */
	double seconds;	       /* written: wall-clock time it took */
};

int sut_run_jobs(struct sut_job *jobs, size_t n, unsigned int njobs,
		 struct sut_err *err) _must_check_;

#endif
