// SPDX-License-Identifier: Apache-2.0
#include "signer_client.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "base/str.h"
#include "signer/protocol.h"
#include "tuf/json.h"

enum { ANSWER_SECONDS = 120 }; /* thousands of hash bins are verified twice */

static int64_t monotonic_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int connect_to(const char *path, int64_t until, int *ret_fd, struct sut_err *err)
{
	_cleanup_(sut_closep) int fd = -1;
	struct sockaddr_un a = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof(a.sun_path))
		return sut_err_set(err, EINVAL, "the name of the signer's socket is too long: %s",
				   path);
	memcpy(a.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return sut_err_errno(err, "cannot make a socket");
	/* EAGAIN: others wait to be accepted, and there is no event for a place among them. */
	for (;;) {
		const struct timespec pause = {.tv_nsec = 20000000};

		if (connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0) {
			*ret_fd = sut_steal_fd(&fd);
			return 0;
		}
		if ((errno != EAGAIN && errno != EINTR) || monotonic_ms() >= until)
			break;
		nanosleep(&pause, NULL);
	}
	if (errno == ENOENT || errno == ECONNREFUSED)
		return sut_err_reason(err, errno, "no-signer",
				      "no signer listens at %s. Start suture-signer, or name its "
				      "socket",
				      path);
	if (errno == EACCES || errno == EPERM)
		return sut_err_reason(err, EACCES, "permission",
				      "this user may not use the signer at %s. Run this as a user "
				      "of the socket's group",
				      path);
	return sut_err_errno(err, "cannot connect to the signer at %s", path);
}

static int wait_for(int fd, short what, int64_t until, struct sut_err *err)
{
	struct pollfd p = {.fd = fd, .events = what};
	int64_t left = until - monotonic_ms();
	int n;

	do
		n = poll(&p, 1, left > 0 ? (int)left : 0);
	while (n < 0 && errno == EINTR);
	if (n > 0)
		return 0;
	if (n < 0)
		return sut_err_errno(err, "cannot wait for the signer");
	return sut_err_set(err, ETIMEDOUT,
			   "the signer did not answer for %d seconds. Look at its log",
			   ANSWER_SECONDS);
}

static int send_all(int fd, const struct sut_buf *b, int64_t until, struct sut_err *err)
{
	for (size_t at = 0; at < b->len;) {
		ssize_t n = send(fd, b->data + at, b->len - at, MSG_NOSIGNAL);
		int r;

		if (n >= 0) {
			at += (size_t)n;
			continue;
		}
		/* It may have refused us and gone before it read: the answer is there then. */
		if (errno == EPIPE || errno == ECONNRESET)
			return 0;
		if (errno != EAGAIN && errno != EINTR)
			return sut_err_errno(err, "cannot send to the signer");
		r = wait_for(fd, POLLOUT, until, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int receive(int fd, uint8_t *p, size_t len, int64_t until, struct sut_err *err)
{
	while (len) {
		ssize_t n = recv(fd, p, len, 0);
		int r;

		if (n > 0) {
			p += n;
			len -= (size_t)n;
			continue;
		}
		if (n == 0 || errno == ECONNRESET)
			return sut_err_reason(err, EPROTO, "format",
					      "the signer hung up without an answer. Look at its "
					      "log");
		if (errno != EAGAIN && errno != EINTR)
			return sut_err_errno(err, "cannot read from the signer");
		r = wait_for(fd, POLLIN, until, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int talk(const char *path, const struct sut_buf *request, json_t **ret, struct sut_err *err)
{
	_cleanup_(sut_closep) int fd = -1;
	_cleanup_(sut_freep) uint8_t *text = NULL;
	uint8_t head[SUT_SIGNER_HEAD];
	int64_t until = monotonic_ms() + ANSWER_SECONDS * 1000LL;
	size_t len = 0;
	int r = connect_to(path, until, &fd, err);

	if (r == 0)
		r = send_all(fd, request, until, err);
	if (r == 0)
		r = receive(fd, head, sizeof(head), until, err);
	if (r == 0 && sut_signer_head(head, SUT_SIGNER_ANSWER_MAX, &len, err) < 0) {
		err->code = EPROTO;
		r = -EPROTO;
	}
	if (r < 0)
		return r;
	text = malloc(len);
	if (!text)
		return sut_err_oom(err);
	r = receive(fd, text, len, until, err);
	if (r == 0)
		r = sut_signer_answer_parse(text, len, ret, err);
	if (r == -EBADMSG && sut_streq(err->reason, "permission")) {
		err->code = EACCES;
		r = -EACCES;
	}
	return r;
}

static int ask(const char *path, const struct sut_buf *request, json_t **ret, struct sut_err *err)
{
	struct sut_err e = {0};
	int r = talk(path, request, ret, &e);

	if (r < 0 && err)
		*err = e;
	return r;
}

static int take_doc(const json_t *j, const char *name, struct sut_buf *doc, int64_t *version,
		    struct sut_err *err)
{
	const json_t *text = json_object_get(j, name);
	char key[32];

	snprintf(key, sizeof(key), "%s_version", name);
	*version = json_integer_value(json_object_get(j, key));
	if (!json_is_string(text) || *version < 1)
		return sut_err_reason(err, EPROTO, "format",
				      "the signer's answer has no %s. Use the suture-repo and the "
				      "suture-signer of one version",
				      name);
	return sut_buf_add(doc, json_string_value(text), json_string_length(text)) < 0
		       ? sut_err_oom(err)
		       : 0;
}

static int ask_docs(const char *path, const struct sut_buf *request, struct sut_signer_docs *ret,
		    struct sut_err *err)
{
	_cleanup_signer_docs_ struct sut_signer_docs d = {
		.snapshot = SUT_BUF_INIT(SUT_SIGNER_SNAPSHOT_MAX),
		.timestamp = SUT_BUF_INIT(SUT_SIGNER_TIMESTAMP_MAX),
	};
	_cleanup_json_ json_t *j = NULL;
	int r = ask(path, request, &j, err);

	if (r == 0)
		r = take_doc(j, "snapshot", &d.snapshot, &d.snapshot_version, err);
	if (r == 0)
		r = take_doc(j, "timestamp", &d.timestamp, &d.timestamp_version, err);
	if (r < 0)
		return r;
	*ret = d;
	d = (struct sut_signer_docs){0};
	return 0;
}

int sut_signer_snapshot(const char *socket, const struct sut_signer_role *roles, size_t nroles,
			const struct sut_buf *root, struct sut_signer_docs *ret,
			struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_SIGNER_HEAD + SUT_SIGNER_REQUEST_MAX);
	int r = sut_signer_request_format(SUT_SIGNER_SNAPSHOT, roles, nroles, root, &b, err);

	return r < 0 ? r : ask_docs(socket, &b, ret, err);
}

int sut_signer_timestamp(const char *socket, struct sut_signer_docs *ret, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_SIGNER_HEAD + SUT_SIGNER_REQUEST_MAX);
	int r = sut_signer_request_format(SUT_SIGNER_TIMESTAMP, NULL, 0, NULL, &b, err);

	return r < 0 ? r : ask_docs(socket, &b, ret, err);
}

int sut_signer_status(const char *socket, json_t **ret, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_SIGNER_HEAD + SUT_SIGNER_REQUEST_MAX);
	int r = sut_signer_request_format(SUT_SIGNER_STATUS, NULL, 0, NULL, &b, err);

	return r < 0 ? r : ask(socket, &b, ret, err);
}

void sut_signer_docs_release(struct sut_signer_docs *d)
{
	sut_buf_release(&d->snapshot);
	sut_buf_release(&d->timestamp);
}
