/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A receiver of webhooks for tests: a real server on a socket of 127.0.0.1, a thread for each connection, which
 * keeps what came and answers as it was told. Reads only what lib/http sends: Content-Length bodies.
 */
#ifndef SUTURE_TESTS_RECEIVER_H
#define SUTURE_TESTS_RECEIVER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

enum { RECEIVED_MAX = 4096 };

struct received {
	char path[128];
	char id[64], timestamp[32], signature[128], type[64];
	char *body;
};

struct receiver {
	unsigned int port;
	/* how it answers; may change while it runs */
	_Atomic int status;
	_Atomic unsigned int delay_ms;
	_Atomic unsigned int retry_after; /* seconds; 0: not said */
	_Atomic bool drop;		  /* closes instead of an answer */
	_Atomic bool endless;		  /* answers with more than anybody wants */
	const char *location;		  /* header Location; NULL: none */
	/* what came; under the lock */
	pthread_mutex_t lock;
	struct received v[RECEIVED_MAX];
	size_t n;
	size_t now, most; /* requests at a time */
	/* */
	int fd;
	pthread_t thread;
	_Atomic bool stop;
	_Atomic int connections;
};

void receiver_start(struct receiver *r);
void receiver_stop(struct receiver *r);
size_t receiver_count(struct receiver *r);

#endif
