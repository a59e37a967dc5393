// SPDX-License-Identifier: Apache-2.0
#include "trap.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"

static void broken(const char *what)
{
	printf("  %s: %s\n", what, strerror(errno));
	fflush(stdout);
	_exit(2);
}

const char *built(const char *name)
{
	char *path = name[0] == '/' ? strdup(name) : sut_sprintf("%s/%s", TARGETS, name);

	if (!path)
		broken("memory");
	return path;
}

const char *folder(void)
{
	static char *path;
	char *made;

	if (path)
		return path;
	made = sut_sprintf("%s/%d", getenv("TRAP_DIR"), getpid());
	if (!made || mkdir(made, 0755) < 0)
		broken("cannot make a folder");
	path = made;
	return path;
}

const char *copy_of(const char *name, const char *to)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(64 << 20);
	struct sut_err err = {0};
	char *path = sut_sprintf("%s/%s", folder(), to);

	if (!path || sut_file_read(built(name), &b, &err) < 0 ||
	    sut_file_write(path, b.data, b.len, 0755, &err) < 0)
		broken(err.msg);
	return path;
}

void wait_ms(int ms)
{
	struct timespec t = {ms / 1000, (long)(ms % 1000) * 1000000};

	nanosleep(&t, NULL);
}

/* One line; -1 when none comes. */
static int read_line(int fd, char *buf, size_t size)
{
	size_t n = 0;

	for (;;) {
		struct pollfd p = {.fd = fd, .events = POLLIN};

		if (poll(&p, 1, 5000) <= 0 || read(fd, buf + n, 1) != 1)
			return -1;
		if (buf[n] == '\n') {
			buf[n] = 0;
			return 0;
		}
		if (++n == size)
			return -1;
	}
}

static void become(const char *const *argv, const char *library_path, const char *preload)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* Nothing is left behind when the test is killed. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (library_path)
		setenv("LD_LIBRARY_PATH", library_path, 1);
	if (preload)
		setenv("LD_PRELOAD", preload, 1);
	execv(argv[0], (char *const *)argv);
	perror(argv[0]);
	_exit(127);
}

bool start_with(struct victim *v, const char *const *argv, const char *library_path,
		const char *preload)
{
	int in[2], out[2];
	char line[32];

	if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0)
		broken("pipe");
	v->pid = fork();
	if (v->pid < 0)
		broken("fork");
	if (v->pid == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		become(argv, library_path, preload);
	}
	close(in[0]);
	close(out[1]);
	v->in = in[1];
	v->out = out[0];
	MUST(read_line(v->out, line, sizeof(line)) == 0 && strcmp(line, "ready") == 0,
	     "%s did not start", argv[0]);
	return true;
}

bool start(struct victim *v, const char *program, const char *mode, const char *arg)
{
	const char *const argv[] = {built(program), mode, arg, NULL};

	return start_with(v, argv, NULL, NULL);
}

int ask(struct victim *v, char question)
{
	char line[32], *end;
	long n;

	if (write(v->in, &question, 1) != 1 || read_line(v->out, line, sizeof(line)) < 0)
		return NO_ANSWER;
	n = strtol(line, &end, 10);
	return *end || end == line ? NO_ANSWER : (int)n;
}

int finish(struct victim *v)
{
	int status;

	close(v->in);
	for (int i = 0; i < 500; i++) {
		if (waitpid(v->pid, &status, WNOHANG) == v->pid)
			return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
		wait_ms(10);
	}
	kill(v->pid, SIGKILL);
	return -1000;
}

static long status_field(pid_t pid, const char *name, char *ret_word)
{
	char path[64], buf[4096], *at;
	int fd;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, buf, sizeof(buf) - 1);
	if (fd >= 0)
		close(fd);
	if (n < 0)
		return -1;
	buf[n] = 0;
	at = strstr(buf, name);
	if (!at)
		return -1;
	at += strlen(name);
	at += strspn(at, " \t");
	*ret_word = *at;
	return strtol(at, NULL, 10);
}

char state_of(pid_t pid)
{
	char c = '-';

	status_field(pid, "State:", &c);
	return c;
}

pid_t tracer_of(pid_t pid)
{
	char c;

	return (pid_t)status_field(pid, "TracerPid:", &c);
}

struct proc_patch *patch_of(const struct upatch *u)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(64 << 20);
	struct proc_patch *p = NULL;
	struct sut_err err = {0};

	if (upatch_make(u, &b, &err) < 0 || proc_patch_parse(b.data, b.len, &p, &err) < 0) {
		printf("  no patch: %s\n", err.msg);
		fflush(stdout);
		_exit(2);
	}
	return p;
}

struct proc_patch *patch_for(const char *target, const char *replace)
{
	struct upatch u = {.target = built(target), .object = built("fix.o"), .replace = {replace}};

	return patch_of(&u);
}

static void end(struct done *d)
{
	d->res.reason[sizeof(d->res.reason) - 1] = 0;
	d->res.text[sizeof(d->res.text) - 1] = 0;
}

struct done apply_with(pid_t pid, const struct proc_patch *p, const struct proc_options *o)
{
	struct done d = {0};

	d.r = proc_apply(pid, p, o, &d.res, &d.err);
	end(&d);
	return d;
}

struct done apply(pid_t pid, const struct proc_patch *p)
{
	/* Other tests and builds run beside this one: what is measured is whether, not when. */
	struct proc_options o = {.deadline_us = 1000000, .scan_heap = -1};

	return apply_with(pid, p, &o);
}

struct done revert_with(pid_t pid, const struct proc_patch *p, const struct proc_options *o)
{
	struct done d = {0};

	d.r = proc_revert(pid, p->library->build_id, o, &d.res, &d.err);
	end(&d);
	return d;
}

struct done revert(pid_t pid, const struct proc_patch *p)
{
	struct proc_options o = {.deadline_us = 1000000, .scan_heap = -1};

	return revert_with(pid, p, &o);
}

struct done repair(pid_t pid)
{
	struct proc_options o = {.deadline_us = 1000000, .scan_heap = -1};
	struct done d = {0};

	d.r = proc_repair(pid, &o, &d.res, &d.err);
	end(&d);
	return d;
}

bool is(const struct done *d, const char *reason)
{
	static const char *const good[] = {"applied", "current", "replaced", "reverted",
					   "repaired"};
	bool fine = false;

	for (size_t i = 0; i < SUT_ARRAY_SIZE(good); i++)
		fine |= strcmp(reason, good[i]) == 0;
	if (strcmp(d->res.reason, reason) != 0 || (d->r == 0) != fine)
		return false;
	/* An error is one word, the same in both places, and says something. */
	return fine ||
	       (strcmp(d->err.reason, reason) == 0 && d->err.msg[0] && d->err.code == -d->r);
}
