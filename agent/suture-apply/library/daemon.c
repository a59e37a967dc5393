// SPDX-License-Identifier: Apache-2.0
#include "suture-apply/library/daemon.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#include "base/file.h"
#include "base/proc.h"
#include "base/str.h"
#include "wire/wire.h"

enum { POLL_MS = 20, SYSTEMCTL_S = 30 };

/* Errors of wire say which unit is missing; here it is another one. */
static int not_there(int r, struct sut_err *err)
{
	if (r != -ENOENT && r != -ECONNREFUSED)
		return r;
	return sut_err_reason(err, -r, "no-daemon",
			      "suture-process does not run, which puts patches into processes. Is "
			      "its package installed? See 'systemctl status suture-process'");
}

int daemon_ask(struct apply *a, json_t *request, int timeout_ms, json_t **ret, struct sut_err *err)
{
	struct agent_path path = agent_path(a->root, AGENT_PROCESS_SOCKET);
	json_t *answer = NULL;
	int r = request ? wire_call(path.s, request, NULL, timeout_ms, NULL, NULL, &answer, err)
			: sut_err_oom(err);

	json_decref(request);
	if (r < 0) {
		json_decref(answer);
		return not_there(r, err);
	}
	*ret = answer;
	return 0;
}

static bool has_systemd(const struct apply *a)
{
	return !*a->root && sut_exists("/run/systemd/system");
}

static int connect_now(struct apply *a, int *ret_fd, struct sut_err *err)
{
	struct agent_path path = agent_path(a->root, AGENT_PROCESS_SOCKET);

	return not_there(wire_connect(path.s, ret_fd, err), err);
}

/* As wanted as it is to run, as little may a failing start keep us waiting: the job is queued, and its socket looked for. */
static int start(struct apply *a, int *ret_fd, struct sut_err *err)
{
	static const char *const argv[] = {"systemctl", "start", "--no-block",
					   "suture-process.service", NULL};
	const struct sut_run_opts o = {.timeout_sec = SYSTEMCTL_S};
	const struct timespec t = {0, POLL_MS * 1000000L};
	struct sut_err why = {0};
	int r = connect_now(a, ret_fd, err);

	if (r == 0 || !has_systemd(a))
		return r;
	if (sut_run_ok(argv, &o, &why) < 0)
		return sut_err_reason(err, ENOENT, "no-daemon",
				      "suture-process cannot be started, which puts patches into "
				      "processes: %s. Is its package installed?",
				      why.msg);
	for (int waited = 0; r < 0 && waited < DAEMON_START_MS; waited += POLL_MS) {
		nanosleep(&t, NULL);
		r = connect_now(a, ret_fd, err);
	}
	return r;
}

int daemon_start(struct apply *a, struct sut_err *err)
{
	_cleanup_(sut_closep) int fd = -1;

	return start(a, &fd, err);
}

void daemon_stop(struct apply *a)
{
	static const char *const argv[] = {"systemctl", "stop", "--no-block",
					   "suture-process.service", NULL};
	const struct sut_run_opts o = {.timeout_sec = SYSTEMCTL_S};
	struct sut_err why = {0};

	if (has_systemd(a) && sut_run_ok(argv, &o, &why) < 0)
		apply_log(LOG_WARNING, "suture-process is not needed and stays: %s", why.msg);
}

/* ------------------------------------------------------------------ */
/* set                                                                 */

static json_t *excluded(const struct agent_conf *conf)
{
	static const char *const names[AGENT_EXCLUDE_BY] = {
		[AGENT_EXCLUDE_PATH] = "paths",
		[AGENT_EXCLUDE_NAME] = "names",
		[AGENT_EXCLUDE_UNIT] = "units",
		[AGENT_EXCLUDE_USER] = "users",
	};
	json_t *j = json_object();
	int r = j ? 0 : -1;

	for (size_t by = 0; r == 0 && by < AGENT_EXCLUDE_BY; by++) {
		json_t *list = json_array();

		r = json_object_set_new(j, names[by], list);
		for (size_t i = 0; r == 0 && i < conf->nexcludes; i++)
			if (conf->excludes[i].by == by)
				r = json_array_append_new(list,
							  json_string(conf->excludes[i].glob));
	}
	if (r < 0) {
		json_decref(j);
		return NULL;
	}
	return j;
}

/* Some of the patches, as many as fit into one message. */
static int send_some(int fd, const struct daemon_patch *p, size_t n, bool more,
		     const struct agent_conf *conf, struct sut_err *err)
{
	json_t *list = json_array(), *request;
	struct wire_fds fds = {.n = n};
	int r = 0;

	for (size_t i = 0; i < n; i++) {
		fds.v[i] = p[i].fd;
		if (json_array_append_new(list, json_pack("{s:s}", "sha256", p[i].sha256)) < 0)
			r = -ENOMEM;
	}
	request = json_pack("{s:s,s:o,s:b,s:o,s:b}", "verb", "set", "patches", list, "more", more,
			    "exclude", excluded(conf), "init", conf->lib_init);
	if (r < 0 || !request)
		r = sut_err_oom(err);
	else
		r = wire_send(fd, request, &fds, err);
	json_decref(request);
	return r;
}

static void on_progress(void *ctx, const json_t *progress)
{
	const char *text = json_string_value(json_object_get(progress, "text"));

	if (text && *text)
		apply_step(ctx, "processes", "note", "%s", text);
}

int daemon_set(struct apply *a, const struct daemon_patch *p, size_t n,
	       const struct agent_conf *conf, json_t **ret, struct sut_err *err)
{
	_cleanup_(sut_closep) int fd = -1;
	json_t *answer = NULL;
	size_t at = 0;
	int r = start(a, &fd, err);

	if (r < 0)
		return r;
	do {
		size_t some = n - at > WIRE_FDS ? WIRE_FDS : n - at;

		r = send_some(fd, some ? p + at : NULL, some, at + some < n, conf, err);
		at += some;
	} while (r == 0 && at < n);
	/* One who refuses at once may have gone before all was sent; what he said is there. */
	if (r == 0 || r == -EPIPE)
		r = wire_answer(fd, DAEMON_LONG_MS, on_progress, a, &answer, err);
	if (r < 0) {
		json_decref(answer);
		return r;
	}
	*ret = answer;
	return 0;
}

const json_t *daemon_library(const json_t *answer, const char *build_id)
{
	const json_t *l;
	size_t i;

	json_array_foreach(json_object_get(answer, "libraries"), i, l) {
		const char *is = json_string_value(json_object_get(l, "build_id"));

		if (is && sut_streq(is, build_id))
			return l;
	}
	return NULL;
}
