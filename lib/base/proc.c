// SPDX-License-Identifier: Apache-2.0
#include "base/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <time.h>

#include "base/str.h"

struct child {
	pid_t pid;
	int in, out, err; /* our ends; -1 when closed */
	size_t in_done;
	bool overflow;
};

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void close_end(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* In the child: only async-signal-safe calls; errno goes up the status pipe. */
static void exec_child(const char *const argv[], const struct sut_run_opts *o, int in, int out,
		       int err_fd, int status_fd)
{
	int e;

	setpgid(0, 0);
	if (dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(err_fd, 2) < 0)
		goto fail;
	if (o->cwd && chdir(o->cwd) < 0)
		goto fail;
	for (const char *const *e2 = o->env; e2 && *e2; e2++)
		putenv((char *)*e2);
	signal(SIGPIPE, SIG_DFL);
	execvp(argv[0], (char *const *)argv);
fail:
	e = errno;
	if (write(status_fd, &e, sizeof(e)) < 0)
		_exit(126);
	_exit(127);
}

static int spawn(const char *const argv[], const struct sut_run_opts *o, bool merge,
		 struct child *c, struct sut_err *err)
{
	int in[2] = {-1, -1}, out[2] = {-1, -1}, er[2] = {-1, -1}, st[2] = {-1, -1};
	int e = 0, r;
	ssize_t n;

	if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0 || pipe2(er, O_CLOEXEC) < 0 ||
	    pipe2(st, O_CLOEXEC) < 0) {
		r = sut_err_errno(err, "cannot create a pipe for %s", argv[0]);
		goto out;
	}
	c->pid = fork();
	if (c->pid < 0) {
		r = sut_err_errno(err, "cannot start %s", argv[0]);
		goto out;
	}
	if (c->pid == 0)
		exec_child(argv, o, in[0], out[1], merge ? out[1] : er[1], st[1]);
	close_end(&st[1]);
	do
		n = read(st[0], &e, sizeof(e));
	while (n < 0 && errno == EINTR);
	if (n == (ssize_t)sizeof(e)) {
		waitpid(c->pid, NULL, 0);
		errno = e;
		r = sut_err_errno(err, "cannot run %s", argv[0]);
		goto out;
	}
	c->in = sut_steal_fd(&in[1]);
	c->out = sut_steal_fd(&out[0]);
	c->err = sut_steal_fd(&er[0]);
	fcntl(c->in, F_SETFL, O_NONBLOCK);
	r = 0;
out:
	close_end(&in[0]);
	close_end(&in[1]);
	close_end(&out[0]);
	close_end(&out[1]);
	close_end(&er[0]);
	close_end(&er[1]);
	close_end(&st[0]);
	close_end(&st[1]);
	return r;
}

static void drain(struct child *c, int *fd, struct sut_buf *b)
{
	uint8_t chunk[16384];
	ssize_t n = read(*fd, chunk, sizeof(chunk));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		close_end(fd);
		return;
	}
	if (sut_buf_add(b, chunk, (size_t)n) < 0) {
		c->overflow = true;
		kill(-c->pid, SIGKILL);
		close_end(fd);
	}
}

static void feed(struct child *c, const struct sut_run_opts *o)
{
	ssize_t n = write(c->in, (const uint8_t *)o->in + c->in_done, o->in_len - c->in_done);

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n < 0) {
		close_end(&c->in);
		return;
	}
	c->in_done += (size_t)n;
	if (c->in_done == o->in_len)
		close_end(&c->in);
}

static int reap(struct child *c, const char *name, struct sut_err *err)
{
	int st;

	while (waitpid(c->pid, &st, 0) < 0)
		if (errno != EINTR)
			return sut_err_errno(err, "cannot wait for %s", name);
	if (c->overflow)
		return sut_err_set(err, ENOBUFS, "%s printed more than is allowed", name);
	if (WIFSIGNALED(st))
		return sut_err_set(err, EINTR, "%s was ended by signal %d (%s)", name, WTERMSIG(st),
				   strsignal(WTERMSIG(st)));
	return WEXITSTATUS(st);
}

int sut_run(const char *const argv[], const struct sut_run_opts *opts, struct sut_err *err)
{
	static const struct sut_run_opts none;
	_cleanup_buf_ struct sut_buf own = SUT_BUF_INIT(16 << 20);
	struct child c = {.pid = -1, .in = -1, .out = -1, .err = -1};
	const struct sut_run_opts *o = opts ? opts : &none;
	struct sut_buf *eb = o->err_out ? o->err_out : &own;
	struct sut_buf *ob = o->out ? o->out : eb;
	double end = o->timeout_sec ? now() + o->timeout_sec : 0;
	int r;

	r = spawn(argv, o, ob == eb, &c, err);
	if (r < 0)
		return r;
	if (!o->in_len)
		close_end(&c.in);
	while (c.out >= 0 || c.err >= 0 || c.in >= 0) {
		struct pollfd p[3] = {{c.out, POLLIN, 0}, {c.err, POLLIN, 0}, {c.in, POLLOUT, 0}};
		int ms = -1;

		if (end > 0) {
			double left = end - now();

			if (left <= 0) {
				kill(-c.pid, SIGKILL);
				close_end(&c.out);
				close_end(&c.err);
				close_end(&c.in);
				waitpid(c.pid, NULL, 0);
				return sut_err_set(err, ETIMEDOUT, "%s did not end within %u s",
						   argv[0], o->timeout_sec);
			}
			ms = (int)(left * 1000) + 1;
		}
		if (poll(p, 3, ms) < 0 && errno != EINTR)
			break;
		if (p[0].revents)
			drain(&c, &c.out, ob);
		if (p[1].revents)
			drain(&c, &c.err, eb);
		if (p[2].revents)
			feed(&c, o);
	}
	return reap(&c, argv[0], err);
}

/* The last lines of text, at most max bytes. */
static const char *tail_of(const struct sut_buf *b, size_t max)
{
	const char *s = sut_buf_str(b);
	size_t n = b->len;
	const char *p = n > max ? s + n - max : s;

	if (p > s) {
		const char *nl = strchr(p, '\n');

		if (nl && nl[1])
			p = nl + 1;
	}
	return p;
}

int sut_run_ok(const char *const argv[], const struct sut_run_opts *opts, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf own = SUT_BUF_INIT(16 << 20);
	struct sut_run_opts o = opts ? *opts : (struct sut_run_opts){0};
	int r;

	if (!o.err_out)
		o.err_out = &own;
	r = sut_run(argv, &o, err);
	if (r > 0)
		return sut_err_set(err, ECHILD, "%s ended with status %d:\n%s", argv[0], r,
				   tail_of(o.err_out, 1500));
	return r;
}

struct slot {
	struct child c;
	size_t job;
	double start;
	bool used;
};

int sut_run_jobs(struct sut_job *jobs, size_t n, unsigned int njobs, struct sut_err *err)
{
	size_t next = 0, running = 0, failed = n;
	int r = 0;
	struct slot *slots;

	if (!njobs)
		njobs = (unsigned int)get_nprocs();
	slots = calloc(njobs, sizeof(*slots));
	if (!slots)
		return sut_err_oom(err);
	while (running || (next < n && failed == n && r == 0)) {
		struct pollfd p[256];
		size_t idx[256], np = 0;

		for (unsigned int s = 0; s < njobs && next < n && failed == n && r == 0; s++) {
			struct sut_run_opts o = {.cwd = jobs[next].cwd};

			if (slots[s].used)
				continue;
			slots[s].c = (struct child){.pid = -1, .in = -1, .out = -1, .err = -1};
			r = spawn(jobs[next].argv, &o, true, &slots[s].c, err);
			if (r < 0)
				break;
			close_end(&slots[s].c.in);
			close_end(&slots[s].c.err);
			slots[s].job = next++;
			slots[s].start = now();
			slots[s].used = true;
			running++;
		}
		for (unsigned int s = 0; s < njobs && np < SUT_ARRAY_SIZE(p); s++) {
			if (!slots[s].used)
				continue;
			idx[np] = s;
			p[np++] = (struct pollfd){slots[s].c.out, POLLIN, 0};
		}
		if (!np)
			break;
		if (poll(p, np, -1) < 0)
			continue;
		for (size_t i = 0; i < np; i++) {
			struct slot *s = &slots[idx[i]];
			struct sut_job *j = &jobs[s->job];

			if (!p[i].revents)
				continue;
			drain(&s->c, &s->c.out, &j->output);
			if (s->c.out >= 0)
				continue;
			j->status = reap(&s->c, j->argv[0], NULL);
			j->seconds = now() - s->start;
			if (j->status != 0 && failed == n)
				failed = s->job;
			s->used = false;
			running--;
		}
	}
	free(slots);
	if (r < 0)
		return r;
	if (failed < n)
		return sut_err_set(err, ECHILD, "%s ended with status %d:\n%s",
				   jobs[failed].argv[0], jobs[failed].status,
				   tail_of(&jobs[failed].output, 1500));
	return 0;
}
