/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A web server for one repository of sim.h, on 127.0.0.1 at a port the kernel chose, in a thread of
 * its own. It serves /metadata/… and /targets/…, keeps what was asked in order, and can be
 * told to misbehave for a path.
 *
 * The repository and the log belong to the test while it runs and to the server while the client
 * does: the test holds the lock and lends it by server_lend() and server_take().
 */
#ifndef SUTURE_TESTS_TUF_SERVER_H
#define SUTURE_TESTS_TUF_SERVER_H

#include <stddef.h>
#include <stdint.h>

#include "sim.h"

enum server_action {
	SERVER_STATUS = 1, /* n: status, with a small body */
	SERVER_CUT,	   /* full Content-Length, n bytes, then the connection is closed */
	SERVER_SLOW,	   /* n bytes a minute */
	SERVER_STALL,	   /* n bytes, then nothing, the connection stays open */
	SERVER_ENDLESS,	   /* the file, then spaces without end; no Content-Length */
	SERVER_HUGE,	   /* Content-Length of 1 TB, the file, then spaces without end */
	SERVER_REDIRECT,   /* 302 to text */
	SERVER_DROP,	   /* closes the connection without an answer */
	SERVER_GARBAGE,	   /* bytes that are not HTTP */
	SERVER_BODY,	   /* 200 and text, n bytes */
	SERVER_GZIP_BOMB,  /* Content-Encoding: gzip, n MB of spaces packed */
};

struct server;

struct server *server_start(struct sim *s);
int server_port(const struct server *srv);
void server_lend(struct server *srv);
void server_take(struct server *srv);

/* path: from the first '/', e.g. "/metadata/timestamp.json". One action a path; the last counts. */
void server_rule(struct server *srv, const char *path, enum server_action action, long n,
		 const char *text);
void server_behave(struct server *srv);

/* What was asked since the last server_forget(), separated by spaces: metadata without
 * "/metadata/", "targets/…", anything else whole; "[100-]" after a name is a Range; "TLS" is
 * somebody who tried https. */
const char *server_log(const struct server *srv);
void server_forget(struct server *srv);

/* Bytes of bodies written since then. */
uint64_t server_sent(const struct server *srv);

#endif
