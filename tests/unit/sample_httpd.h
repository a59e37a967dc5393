/* SPDX-License-Identifier: Apache-2.0 */
/* A server with lib/httpd for its tests, and a client that sends raw bytes. */
#ifndef SUTURE_TESTS_SAMPLE_HTTPD_H
#define SUTURE_TESTS_SAMPLE_HTTPD_H

#include <stdbool.h>

#include "base/buf.h"
#include "httpd/httpd.h"

/*
 * What it answers:
 *   /echo…      at once: "METHOD PATH?QUERY PEER http|https N:BODY"
 *   /later…     the same from another thread, after a random moment
 *   /hold…      when sample_release() is called
 *   /file/PATH  a file below opts.dirfd
 *   /big        65,536 bytes
 *   /header     with a header that cannot be sent
 * Bodies of /small… may have 8 bytes.
 */
struct work;

enum { SAMPLE_LAST = 256 };

struct sample_httpd {
	struct sut_httpd *h;
	unsigned int port;
	char *unix_path;
	int dirfd;
	struct work *work;
	char done[SAMPLE_LAST]; /* for sample_done() */
	unsigned int ndone;
};

/* listen: NULL for 127.0.0.1 at any port. opts: what differs from the defaults. */
void sample_start(struct sample_httpd *s, const struct sut_httpd_opts *opts, const char *listen);
void sample_stop(struct sample_httpd *s);
/* How many requests are done; the last one, "METHOD PATH STATUS" (last may be NULL). */
unsigned int sample_done(const struct sample_httpd *s, char last[SAMPLE_LAST]);
/* How many requests wait at /hold. */
unsigned int sample_held(const struct sample_httpd *s);
/* Answers all that wait there, in another thread than theirs. */
void sample_release(const struct sample_httpd *s);
/* Connects to the server; -1 when it does not let us. */
int sample_connect(const struct sample_httpd *s);
void sample_send(int fd, const void *data, size_t len);
void sample_sends(int fd, const char *text);
/* Reads one answer (status line, headers, body by Content-Length). Returns its status; 0 when the
 * connection ended first, -1 after ten seconds. *text: all of it, until the next call. */
int sample_answer(int fd, bool head, const char **text);
/* Waits for the end of the connection; false after ten seconds. What came is in *text. */
bool sample_ended(int fd, const char **text);
/* All at once: connects, sends, takes one answer, closes. */
int sample_ask(const struct sample_httpd *s, const char *request, const char **text);
bool sample_wait(bool (*cond)(void *), void *arg);

#endif
