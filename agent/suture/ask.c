// SPDX-License-Identifier: Apache-2.0
#include "ask.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/str.h"
#include "common/paths.h"
#include "kernel/session.h"

enum { PAUSE_MS = 100 }; /* between two attempts to find somebody */

static const struct {
	const char *name, *path, *start;
} halves[] = {
	[ASK_NETWORK] = {"sutured", AGENT_SOCKET, "systemctl start sutured.service"},
	[ASK_APPLY] = {"suture-apply", AGENT_APPLY_SOCKET, "systemctl start suture-apply.socket"},
};

const char *ask_root(void)
{
	const char *root = getenv("SUTURE_ROOT");

	return root ? root : "";
}

bool ask_is_meant(const json_t *staged, const char *to)
{
	const char *id = json_string_value(json_object_get(staged, "id"));
	uint64_t level;

	if (!to)
		return true;
	if (sut_parse_u64(to, INT32_MAX, &level) == 0)
		return json_integer_value(json_object_get(staged, "level")) == (json_int_t)level;
	return id && sut_streq(id, to);
}

int ask_need_root(const char *what, struct sut_err *err)
{
	if (*ask_root())
		return 0;
	return sut_session_need_root(what, err);
}

static void wipe(json_t *request)
{
	static const char *const secrets[] = {"key", "token"};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(secrets); i++) {
		json_t *s = json_object_get(request, secrets[i]);

		if (json_is_string(s))
			explicit_bzero((char *)json_string_value(s), json_string_length(s));
	}
	json_decref(request);
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* What went wrong between us, in words for people. What the other one answers is left as it is. */
static int explain(enum ask_whom whom, const char *path, int r, struct sut_err *err)
{
	const char *name = halves[whom].name;

	switch (-r) {
	case ENOENT:
	case ECONNREFUSED:
		return sut_err_reason(err, ECONNREFUSED, "no-agent",
				      "%s does not run: nobody listens at %s. Start it: %s", name,
				      path, halves[whom].start);
	case EACCES:
	case EPERM:
		return sut_err_reason(err, EPERM, "not-root",
				      "only root may ask %s. Put sudo before the command", name);
	case ETIMEDOUT:
		return sut_err_reason(
			err, ETIMEDOUT, "no-answer",
			"%s does not answer; it may be busy. Try again later, and see "
			"journalctl -u %s",
			name, name);
	case ECONNRESET:
	case EPIPE:
		return sut_err_reason(err, ECONNRESET, "no-answer",
				      "%s ended before it had answered. Run 'suture status' to see "
				      "how things are, and see journalctl -u %s",
				      name, name);
	default:
		return sut_err_prefix(err, "%s", name);
	}
}

int ask_call(enum ask_whom whom, json_t *request, const struct ask *opts, json_t **ret,
	     struct sut_err *err)
{
	static const struct ask none;
	const struct ask *o = opts ? opts : &none;
	struct agent_path path = agent_path(ask_root(), halves[whom].path);
	int64_t end = now_ms() + o->patience_ms;
	json_t *answer = NULL;
	struct sut_err e;
	int r;

	if (ret)
		*ret = NULL;
	if (!request)
		return sut_err_oom(err);
	for (;;) {
		e = (struct sut_err){0};
		r = wire_call(path.s, request, o->fds, o->timeout_ms ? o->timeout_ms : ASK_LONG_MS,
			      o->progress ? progress_feed : o->each,
			      o->progress ? (void *)o->progress : o->ctx, &answer, &e);
		if ((r != -ENOENT && r != -ECONNREFUSED) || answer || now_ms() >= end)
			break;
		nanosleep(&(struct timespec){.tv_nsec = PAUSE_MS * 1000000L}, NULL);
	}
	wipe(request);
	if (o->progress)
		progress_end(o->progress);
	if (r < 0 && !answer)
		r = explain(whom, path.s, r, &e);
	if (r < 0 && err)
		*err = e;
	if (ret)
		*ret = answer;
	else
		json_decref(answer);
	return r;
}

static const json_t *find_state(const json_t *answer)
{
	static const char *const places[] = {"state", "status"};

	if (json_is_string(json_object_get(answer, "format")))
		return answer;
	for (size_t i = 0; i < SUT_ARRAY_SIZE(places); i++) {
		const json_t *s = json_object_get(answer, places[i]);

		if (json_is_string(json_object_get(s, "format")))
			return s;
	}
	return NULL;
}

json_t *ask_state(const json_t *answer)
{
	static const char *const others[] = {"ok", "result", "error"};
	json_t *copy = json_copy((json_t *)find_state(answer));

	for (size_t i = 0; copy && i < SUT_ARRAY_SIZE(others); i++)
		json_object_del(copy, others[i]);
	return copy;
}

int ask_memfd(const char *name, const void *data, size_t len, int *ret_fd, struct sut_err *err)
{
	_cleanup_(sut_closep) int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	const char *p = data;

	if (fd < 0)
		return sut_err_errno(err, "cannot get memory for %s", name);
	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno != EINTR)
			return sut_err_errno(err, "cannot get memory for %s", name);
		if (n > 0) {
			p += n;
			len -= (size_t)n;
		}
	}
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
		return sut_err_errno(err, "cannot seal the memory of %s", name);
	*ret_fd = sut_steal_fd(&fd);
	return 0;
}

static struct progress *shown;

static void end_line(int sig)
{
	if (shown && shown->out && shown->shown)
		(void)!write(STDERR_FILENO, "\n", 1);
	raise(sig); /* SA_RESETHAND: ends us now */
}

void ask_catch_signals(struct progress *p)
{
	struct sigaction a = {.sa_handler = end_line, .sa_flags = (int)SA_RESETHAND | SA_NODEFER};

	shown = p;
	sigaction(SIGINT, &a, NULL);
	sigaction(SIGTERM, &a, NULL);
}
