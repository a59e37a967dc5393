/* SPDX-License-Identifier: Apache-2.0 */
/* Running other programs, without a shell between. */
#ifndef SUTURE_BASE_PROC_H
#define SUTURE_BASE_PROC_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

struct sut_run_opts {
	const char *cwd;	  /* NULL: the current folder */
	const char *const *env;	  /* "NAME=value" on top of ours; ends with NULL; may be NULL */
	const void *in;		  /* given to standard input; NULL: /dev/null */
	size_t in_len;		  /* bytes of in */
	struct sut_buf *out;	  /* receives standard output; NULL: kept with err_out */
	struct sut_buf *err_out;  /* receives standard error; NULL: a private buffer */
	unsigned int timeout_sec; /* the child's process group is killed then; 0: none */
};

/*
 * Runs argv[0] (searched in PATH) and waits for it.
 * Returns its exit status (0…255), or a negative errno: -ENOENT when there is
 * no such program, -ETIMEDOUT, -ENOBUFS when the output passed the buffer's
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
 * Several commands side by side, at most njobs at a time (0: one per CPU).
 * Stops starting new ones at the first failure and reports that one.
 */
struct sut_job {
	const char *const *argv;
	const char *cwd;
	struct sut_buf output; /* both streams; initialise with a maximum */
	int status;	       /* written: exit status, or negative errno */
	double seconds;	       /* written: wall-clock time it took */
};

int sut_run_jobs(struct sut_job *jobs, size_t n, unsigned int njobs,
		 struct sut_err *err) _must_check_;

#endif
