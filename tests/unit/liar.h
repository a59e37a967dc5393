/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A portal that says what it is told to, byte for byte, on a socket of 127.0.0.1: one connection after the other, one request
 * each. What came is kept.
 */
#ifndef SUTURE_TESTS_LIAR_H
#define SUTURE_TESTS_LIAR_H

#include <pthread.h>
#include <stddef.h>

enum { LIAR_MAX = 32 };

struct liar {
	char url[64];
	/* what came, in its order; valid once the answer has arrived */
	char path[LIAR_MAX][128];
	char authorization[LIAR_MAX][128];
	char *body[LIAR_MAX];
	size_t n;
	/* */
	const char *always[LIAR_MAX]; /* paths that have an answer of their own: answers[] there */
	char *answers[LIAR_MAX];
	size_t len[LIAR_MAX], nanswers, said;
	pthread_mutex_t lock;
	pthread_t thread;
	int fd;
};

void liar_start(struct liar *l);
void liar_stop(struct liar *l);
/* What the next request that has no answer yet gets: a status line such as "200 OK", further header lines (each with "\r\n";
 * may be NULL), a body. */
void liar_says(struct liar *l, const char *status, const char *headers, const char *body);
/* What requests of this path (a constant) always get. */
void liar_always(struct liar *l, const char *path, const char *status, const char *body);
/* Bytes as they are; none: the connection is closed without an answer. */
void liar_raw(struct liar *l, const void *bytes, size_t len);

#endif
