/* SPDX-License-Identifier: Apache-2.0 */
/* All processes, or some, by one worker per CPU. */
#ifndef SUTURE_PROCESS_SERVE_PASS_H
#define SUTURE_PROCESS_SERVE_PASS_H

#include "serve/serve.h"

/* Called now and then while it lasts. */
typedef void (*pass_tick)(void *ctx, size_t done, size_t total);

/*
 * The caller holds s->turn. Every process once, ourselves and those that we are the child of last; whoever was busy a few times
 * more, within a second. Ends when everybody was dealt with. -ENOMEM.
 */
int pass_all(struct serve *s, const struct wanted *w, pass_tick tick, void *ctx,
	     struct sut_err *err) _must_check_;

/* Only these. */
void pass_some(struct serve *s, const struct wanted *w, pid_t *pids, size_t n);

/* Ends what a dead patcher began, everywhere. *ret: in how many processes. */
int pass_repair(struct serve *s, size_t *ret, struct sut_err *err) _must_check_;

/* Files in use, as the verb `files` gives them: a list. */
int pass_files(struct serve *s, json_t **ret, bool *ret_cut, struct sut_err *err) _must_check_;

#endif
