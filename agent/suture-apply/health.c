// SPDX-License-Identifier: Apache-2.0
#include "health.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/str.h"
#include "base/utf8.h"
#include "common/when.h"

enum { GRACE_MS = 2000 }; /* between SIGTERM and SIGKILL */

struct check {
	const char *path; /* of the file */
	const char *name;
	char outcome[32];
	bool ok;
	int64_t ms;
	char output[HEALTH_OUTPUT_MAX]; /* the last bytes */
	size_t len;
};

static int64_t clock_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void keep(struct check *c, const char *data, size_t n)
{
	size_t drop;

	if (n > sizeof(c->output)) {
		data += n - sizeof(c->output);
		n = sizeof(c->output);
	}
	drop = c->len + n > sizeof(c->output) ? c->len + n - sizeof(c->output) : 0;
	memmove(c->output, c->output + drop, c->len - drop);
	memcpy(c->output + c->len - drop, data, n);
	c->len += n - drop;
}

/* false: the end of it. */
static bool drain(struct check *c, int fd)
{
	char data[1024];
	ssize_t n = read(fd, data, sizeof(data));

	if (n > 0)
		keep(c, data, (size_t)n);
	return n > 0 || (n < 0 && errno == EINTR);
}

/* In the child; does not return. */
static void become(const char *path, const char *name, int out)
{
	static char *const env[] = {
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8",
		"HOME=/root", NULL};
	char *const argv[] = {(char *)name, NULL};
	int null = open("/dev/null", O_RDWR);
	sigset_t nothing;

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	sigemptyset(&nothing);
	sigprocmask(SIG_SETMASK, &nothing, NULL);
	if (null < 0 || dup2(null, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0 ||
	    close_range(3, ~0U, 0) < 0 || chdir("/") < 0)
		_exit(126);
	execve(path, argv, env);
	fprintf(stderr, "cannot run it: %s\n", strerror(errno));
	_exit(127);
}

/* Until the program has ended or the time is over; what it leaves behind is not waited for. */
static bool wait_for(struct check *c, int pidfd, int *out, int64_t until)
{
	for (;;) {
		struct pollfd p[] = {{.fd = pidfd, .events = POLLIN},
				     {.fd = *out, .events = POLLIN}};
		int64_t left = until - clock_ms();

		if (left <= 0)
			return false;
		if (poll(p, 2, (int)(left < 60000 ? left : 60000)) < 0)
			continue; /* a signal */
		if (p[1].revents && !drain(c, *out)) {
			close(*out);
			*out = -1;
		}
		if (p[0].revents) {
			int flags = *out < 0 ? -1 : fcntl(*out, F_GETFL);

			if (flags >= 0 && fcntl(*out, F_SETFL, flags | O_NONBLOCK) == 0)
				while (drain(c, *out))
					;
			return true;
		}
	}
}

static void judge(struct check *c, int status, bool in_time)
{
	if (!in_time)
		snprintf(c->outcome, sizeof(c->outcome), "timeout");
	else if (WIFSIGNALED(status))
		snprintf(c->outcome, sizeof(c->outcome), "signal %d", WTERMSIG(status));
	else
		snprintf(c->outcome, sizeof(c->outcome), "exit %d", WEXITSTATUS(status));
	c->ok = in_time && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void run(struct check *c, int64_t timeout_s)
{
	int64_t begin = clock_ms();
	int out[2], pidfd, status = 0;
	bool in_time;
	pid_t pid;

	snprintf(c->outcome, sizeof(c->outcome), "error");
	if (pipe2(out, O_CLOEXEC) < 0)
		return;
	pid = fork();
	if (pid == 0)
		become(c->path, c->name, out[1]);
	close(out[1]);
	pidfd = pid < 0 ? -1 : pidfd_open(pid, 0);
	if (pid < 0) {
		close(out[0]);
		return;
	}
	setpgid(pid, pid); /* whichever of the two comes first */
	in_time = pidfd >= 0 && wait_for(c, pidfd, &out[0], begin + timeout_s * 1000);
	if (!in_time) {
		kill(-pid, SIGTERM);
		if (pidfd >= 0)
			(void)wait_for(c, pidfd, &out[0], clock_ms() + GRACE_MS);
	}
	/* Before it is reaped, so that the number is still that of its group. */
	kill(-pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	judge(c, status, in_time);
	c->ms = clock_ms() - begin;
	if (pidfd >= 0)
		close(pidfd);
	if (out[0] >= 0)
		close(out[0]);
}

/* ------------------------------------------------------------------ */

/* Of root (or of whoever we are, in tests), and nobody else may write it. */
static bool is_safe(const struct stat *st)
{
	return (st->st_uid == 0 || st->st_uid == geteuid()) && !(st->st_mode & (S_IWGRP | S_IWOTH));
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Left by editors and package managers, or notes. */
static bool is_no_check(const char *name)
{
	return name[0] == '.' || sut_endswith(name, "~") || strstr(name, ".dpkg-") ||
	       strlen(name) >= HEALTH_NAME_MAX;
}

static bool is_executable(const char *folder, const char *name, struct stat *st)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path) ||
	    lstat(path, st) < 0)
		return false;
	return S_ISLNK(st->st_mode) || (S_ISREG(st->st_mode) && (st->st_mode & 0111));
}

/* The names of the executables, sorted. A folder that is not there has none. */
static int list(const char *folder, struct sut_strv *ret, struct sut_err *err)
{
	_cleanup_(sut_closedirp) DIR *d = opendir(folder);
	const struct dirent *e;
	struct stat st;

	if (!d)
		return errno == ENOENT ? 0
				       : sut_err_errno(err, "cannot read the folder %s", folder);
	while ((e = readdir(d)))
		if (!is_no_check(e->d_name) && is_executable(folder, e->d_name, &st) &&
		    sut_strv_add(ret, e->d_name) < 0)
			return sut_err_oom(err);
	if (ret->n > HEALTH_CHECKS_MAX)
		return sut_err_set(err, E2BIG, "%s has more than %d health checks", folder,
				   HEALTH_CHECKS_MAX);
	if (ret->n)
		qsort(ret->v, ret->n, sizeof(ret->v[0]), by_name);
	return 0;
}

int health_count(const char *root, struct sut_err *err)
{
	struct agent_path folder = agent_path(root, AGENT_HEALTH);
	_cleanup_strv_ struct sut_strv names = {0};
	int r = list(folder.s, &names, err);

	return r < 0 ? r : (int)names.n;
}

static json_t *check_json(struct check *c)
{
	char text[HEALTH_OUTPUT_MAX + 1];

	memcpy(text, c->output, c->len);
	text[c->len] = 0;
	for (size_t i = 0; i < c->len; i++)
		if (text[i] == 0)
			text[i] = '?';
	sut_make_printable(text, "\n\t");
	return json_pack("{s:o,s:b,s:s,s:I,s:s}", "name", sut_report_text(c->name), "ok", c->ok,
			 "outcome", c->outcome, "ms", (json_int_t)c->ms, "output", text);
}

static json_t *run_one(const char *folder, const char *name, bool folder_safe, int64_t timeout_s)
{
	_cleanup_(sut_freep) char *path = sut_sprintf("%s/%s", folder, name);
	_cleanup_(sut_freep) struct check *c = calloc(1, sizeof(*c));
	struct stat st;

	if (!path || !c)
		return NULL;
	c->path = path;
	c->name = name;
	/* Who may change where a link leads may change what is run. */
	if (!folder_safe || lstat(path, &st) < 0 || S_ISLNK(st.st_mode) || !is_safe(&st))
		snprintf(c->outcome, sizeof(c->outcome), "refused");
	else
		run(c, timeout_s);
	return check_json(c);
}

int health_run(const char *root, int64_t now, int64_t timeout_s, json_t **ret_result,
	       struct sut_err *err)
{
	struct agent_path folder = agent_path(root, AGENT_HEALTH);
	_cleanup_strv_ struct sut_strv names = {0};
	json_t *checks, *result;
	char at[WHEN_MAX];
	bool ok = true, safe;
	struct stat st;
	int r = list(folder.s, &names, err);

	if (r < 0)
		return r;
	safe = stat(folder.s, &st) == 0 && is_safe(&st);
	checks = json_array();
	for (size_t i = 0; checks && i < names.n; i++) {
		json_t *j = run_one(folder.s, names.v[i], safe, timeout_s);
		const char *outcome = json_string_value(json_object_get(j, "outcome"));

		ok = ok && (json_is_true(json_object_get(j, "ok")) ||
			    (outcome && sut_streq(outcome, "refused")));
		if (!j || json_array_append_new(checks, j) < 0) {
			json_decref(checks);
			checks = NULL;
		}
	}
	when_text(now, at);
	result = checks ? json_pack("{s:s,s:i,s:s,s:b,s:o}", "format", "suture-health", "version",
				    1, "at", at, "ok", ok, "checks", checks)
			: NULL;
	if (!result)
		return sut_err_oom(err);
	*ret_result = result;
	return 0;
}
