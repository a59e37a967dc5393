/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How suture, sutured and suture-apply talk: SOCK_SEQPACKET on a unix socket, one JSON object a message, files as
 * descriptors beside it (SCM_RIGHTS). A call is one connection: a request, any number of progress messages,
 * one answer.
 *
 *   request   {"verb": "apply", …}
 *   progress  {"progress": {"step": "download", "state": "begin" | "end" | "note", "text": "…", "done": 1, "total": 2, "at": "…"}}
 *   answer    {"ok": true, …} or {"ok": false, "error": {"reason": "conflict", "message": "…", "errno": 16}, …}
 *
 * What each verb takes and gives is in docs/internals/agent.md.
 */
#ifndef SUTURE_WIRE_WIRE_H
#define SUTURE_WIRE_WIRE_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "base/err.h"

enum {
	WIRE_MAX = 128 << 10, /* bytes of a message */
	WIRE_DEPTH = 16,      /* of nesting */
	WIRE_FDS = 4,	      /* descriptors with one message */
};

struct wire_fds {
	int v[WIRE_FDS];
	size_t n;
};

/* Closes what is left in it. */
void wire_fds_release(struct wire_fds *f);

/* Parses a message: a pure function. An object, no duplicate keys, no depth beyond WIRE_DEPTH. -EBADMSG. */
int wire_parse(const void *data, size_t len, json_t **ret, struct sut_err *err) _must_check_;

/* -ENOENT, -ECONNREFUSED: nobody is there (reason "no-agent"); -EACCES; -ETIMEDOUT after 10 s of a full queue. */
int wire_connect(const char *path, int *ret_fd, struct sut_err *err) _must_check_;

/* For a program that was started by hand, not by its socket unit: listens on path, which gets this mode and
 * (unless it is (gid_t)-1) group. What a dead one left there is replaced; -EADDRINUSE when somebody answers. */
int wire_listen(const char *path, mode_t mode, gid_t group, int *ret_fd,
		struct sut_err *err) _must_check_;

/* fds (may be NULL) stay the caller's. -EMSGSIZE, -EPIPE, -ETIMEDOUT after 10 s of a peer that does not read. */
int wire_send(int fd, const json_t *message, const struct wire_fds *fds,
	      struct sut_err *err) _must_check_;

/*
 * timeout_ms: -1 for ever. *ret_fds (NULL: they are closed) is the caller's, each close-on-exec.
 * -ETIMEDOUT, -ECONNRESET (the peer is gone, reason "gone"), -EBADMSG, -EMSGSIZE.
 */
int wire_receive(int fd, int timeout_ms, json_t **ret, struct wire_fds *ret_fds,
		 struct sut_err *err) _must_check_;

/* Who is at the other end: as the kernel noted it when the connection was made. */
int wire_peer(int fd, struct ucred *ret, struct sut_err *err) _must_check_;

/*
 * A whole call: connects, sends, gives progress to each() (may be NULL), and fills err from an answer that
 * says no (code: its errno, EREMOTEIO when it has none). *ret (may be NULL) is set for both kinds of answer
 * and is the caller's. timeout_ms: the longest silence, -1 for ever.
 */
int wire_call(const char *path, const json_t *request, const struct wire_fds *fds, int timeout_ms,
	      void (*each)(void *ctx, const json_t *progress), void *ctx, json_t **ret,
	      struct sut_err *err) _must_check_;

/* The second half of a call whose request, or requests, were sent on fd: progress, then the answer. As wire_call(). */
int wire_answer(int fd, int timeout_ms, void (*each)(void *ctx, const json_t *progress), void *ctx,
		json_t **ret, struct sut_err *err) _must_check_;

/* For those who answer. All return what wire_send() does. */
int wire_progress(int fd, const char *step, const char *state, const char *text, uint64_t done,
		  uint64_t total);
int wire_ok(int fd, json_t *answer); /* takes answer (an object; may be NULL) over */
int wire_fail(int fd, const struct sut_err *e, json_t *more); /* takes more (may be NULL) over */

/* {"reason", "message", "errno"} of an error, and back. */
json_t *wire_error_json(const struct sut_err *e);
void wire_error_read(const json_t *error, struct sut_err *ret);

#endif
