// SPDX-License-Identifier: Apache-2.0
#include "base/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#include "base/str.h"

enum { JOBS_MAX = 64 };

/* A running program. Our ends of its pipes and the pidfd are -1 when closed. */
struct child {
	pid_t pid;
	int pidfd; /* readable once the program has ended; -1 where the kernel has none */
	int in, out, err;
	const uint8_t *input; /* what is still to be written to `in` */
	size_t input_len;
	int failed; /* -ENOBUFS or -ENOMEM when its output could not be kept */
};

/* What the child says when it cannot become the program. */
struct start_error {
	int code;    /* errno */
	bool in_cwd; /* the folder, not the program, is the trouble */
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

/* Moves fd above the standard streams: a program started with those closed gets
 * low numbers from pipe(), and the child's dup2() calls would trample on each other. */
static int move_up(int *fd)
{
	int up;

	if (*fd > 2)
		return 0;
	up = fcntl(*fd, F_DUPFD_CLOEXEC, 3);
	if (up < 0)
		return -errno;
	close(*fd);
	*fd = up;
	return 0;
}

static int make_pipe(int fd[2])
{
	if (pipe2(fd, O_CLOEXEC) < 0)
		return -errno;
	return move_up(&fd[0]) < 0 || move_up(&fd[1]) < 0 ? -errno : 0;
}

/* Our environment with the settings of extra in place of ours. The list is the
 * caller's to free, the strings are not. */
static const char **merge_env(const char *const *extra)
{
	size_t nold = 0, nextra = 0, n = 0;
	const char **env;

	while (environ && environ[nold])
		nold++;
	while (extra && extra[nextra])
		nextra++;
	env = calloc(nold + nextra + 1, sizeof(*env));
	if (!env)
		return NULL;
	for (size_t i = 0; i < nold; i++) {
		bool replaced = false;

		for (size_t j = 0; j < nextra; j++) {
			size_t name = strcspn(extra[j], "=") + 1;

			replaced |= !strncmp(environ[i], extra[j], name);
		}
		if (!replaced)
			env[n++] = environ[i];
	}
	for (size_t j = 0; j < nextra; j++)
		env[n++] = extra[j];
	return env;
}

/* In the child: only async-signal-safe calls. Does not return. */
static void exec_child(const char *const argv[], const char *cwd, const char **env, pid_t parent,
		       int in, int out, int err_fd, int status_fd)
{
	struct start_error e = {0};

	/* A group of its own, so that a timeout ends its children too; and the end of
	 * our program, by Ctrl-C for example, ends this one. */
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(127);
	signal(SIGPIPE, SIG_DFL);
	if (dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(err_fd, 2) < 0)
		goto fail;
	if (cwd && chdir(cwd) < 0) {
		e.in_cwd = true;
		goto fail;
	}
	execvpe(argv[0], (char *const *)argv, (char *const *)env);
fail:
	e.code = errno;
	if (write(status_fd, &e, sizeof(e)) < 0)
		_exit(126);
	_exit(127);
}

static int wait_for(pid_t pid, int *st)
{
	while (waitpid(pid, st, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

/* Waits until the child became argv[0] or said why it could not. */
static int await_start(int status_fd, struct child *c, const char *name, const char *cwd,
		       struct sut_err *err)
{
	struct start_error e;
	ssize_t n;
	int st;

	do
		n = read(status_fd, &e, sizeof(e));
	while (n < 0 && errno == EINTR);
	if (n != (ssize_t)sizeof(e))
		return 0;
	(void)wait_for(c->pid, &st);
	errno = e.code;
	if (e.in_cwd)
		return sut_err_errno(err, "cannot run %s in the folder %s", name, cwd);
	if (e.code == ENOENT)
		return sut_err_set(err, ENOENT,
				   "cannot run %s: there is no such program; install it", name);
	return sut_err_errno(err, "cannot run %s", name);
}

static int spawn(const char *const argv[], const struct sut_run_opts *o, bool merge,
		 struct child *c, struct sut_err *err)
{
	int in[2] = {-1, -1}, out[2] = {-1, -1}, er[2] = {-1, -1}, st[2] = {-1, -1};
	_cleanup_(sut_freep) const char **env = merge_env(o->env);
	pid_t self = getpid();
	int r;

	*c = (struct child){.pid = -1, .pidfd = -1, .in = -1, .out = -1, .err = -1};
	if (!env)
		return sut_err_oom(err);
	if (o->in_len) {
		r = make_pipe(in);
	} else {
		in[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
		r = in[0] < 0 ? -errno : move_up(&in[0]);
	}
	if (r < 0 || make_pipe(out) < 0 || (!merge && make_pipe(er) < 0) || make_pipe(st) < 0) {
		r = sut_err_errno(err, "cannot create a pipe for %s", argv[0]);
		goto out;
	}
	c->pid = fork();
	if (c->pid < 0) {
		r = sut_err_errno(err, "cannot start %s", argv[0]);
		goto out;
	}
	if (c->pid == 0)
		exec_child(argv, o->cwd, env, self, in[0], o->log_fd > 0 ? o->log_fd : out[1],
			   o->log_fd > 0 ? o->log_fd
			   : merge	 ? out[1]
					 : er[1],
			   st[1]);
	close_end(&st[1]);
	r = await_start(st[0], c, argv[0], o->cwd, err);
	if (r < 0)
		goto out;
	c->pidfd = pidfd_open(c->pid, 0);
	c->in = sut_steal_fd(&in[1]);
	c->out = sut_steal_fd(&out[0]);
	c->err = sut_steal_fd(&er[0]);
	c->input = o->in;
	c->input_len = o->in_len;
	for (size_t i = 0; i < 3; i++) {
		int fd = i == 0 ? c->in : i == 1 ? c->out : c->err;

		if (fd >= 0)
			fcntl(fd, F_SETFL, O_NONBLOCK);
	}
out:
	for (size_t i = 0; i < 2; i++) {
		close_end(&in[i]);
		close_end(&out[i]);
		close_end(&er[i]);
		close_end(&st[i]);
	}
	return r;
}

/* Takes what is there now from one of the child's streams. */
static void drain(struct child *c, int *fd, struct sut_buf *b)
{
	uint8_t chunk[16384];

	while (*fd >= 0) {
		ssize_t n = read(*fd, chunk, sizeof(chunk));
		int r;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			close_end(fd);
			return;
		}
		r = sut_buf_add(b, chunk, (size_t)n);
		if (r < 0) {
			c->failed = r;
			kill(-c->pid, SIGKILL);
			close_end(fd);
		}
	}
}

/* write() to a pipe nobody reads any more returns -EPIPE, whatever our program
 * does with SIGPIPE, and leaves that as it is. */
static ssize_t write_quietly(int fd, const void *data, size_t len)
{
	static const struct timespec at_once;
	sigset_t pipe_only, before, pending;
	bool was_pending;
	ssize_t n;
	int e;

	sigemptyset(&pipe_only);
	sigaddset(&pipe_only, SIGPIPE);
	sigpending(&pending);
	was_pending = sigismember(&pending, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &pipe_only, &before);
	n = write(fd, data, len);
	e = errno;
	if (n < 0 && e == EPIPE && !was_pending)
		while (sigtimedwait(&pipe_only, NULL, &at_once) < 0 && errno == EINTR)
			;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	errno = e;
	return n;
}

static void feed(struct child *c)
{
	ssize_t n = write_quietly(c->in, c->input, c->input_len);

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n < 0) {
		/* It does not want the rest; its exit status says whether that was wrong. */
		close_end(&c->in);
		return;
	}
	c->input += n;
	c->input_len -= (size_t)n;
	if (!c->input_len)
		close_end(&c->in);
}

static void close_all(struct child *c)
{
	close_end(&c->in);
	close_end(&c->out);
	close_end(&c->err);
	close_end(&c->pidfd);
}

/* Poll entries of a child, always four. */
enum { POLL_PER_CHILD = 4 };

static void fill_poll(const struct child *c, struct pollfd p[static POLL_PER_CHILD])
{
	p[0] = (struct pollfd){c->out, POLLIN, 0};
	p[1] = (struct pollfd){c->err, POLLIN, 0};
	p[2] = (struct pollfd){c->in, POLLOUT, 0};
	p[3] = (struct pollfd){c->pidfd, POLLIN, 0};
}

/* Does what poll() found; true once the program has ended and its output is taken.
 * A process it left behind may hold the streams open for ever: not waited for. */
static bool serve(struct child *c, const struct pollfd p[static POLL_PER_CHILD],
		  struct sut_buf *out, struct sut_buf *err_out)
{
	bool ended = p[3].revents != 0;

	if (p[0].revents || ended)
		drain(c, &c->out, out);
	if (p[1].revents || ended)
		drain(c, &c->err, err_out);
	if (p[2].revents && !ended)
		feed(c);
	return ended || (c->pidfd < 0 && c->out < 0 && c->err < 0 && c->in < 0);
}

static int reap(struct child *c, const char *name, struct sut_err *err)
{
	int st, r;

	close_all(c);
	r = wait_for(c->pid, &st);
	if (r < 0)
		return sut_err_set(err, -r, "cannot wait for %s: %s", name, strerror(-r));
	if (c->failed == -ENOBUFS)
		return sut_err_set(err, ENOBUFS, "%s printed more than is allowed", name);
	if (c->failed < 0)
		return sut_err_oom(err);
	if (WIFSIGNALED(st))
		return sut_err_set(err, EINTR, "%s was ended by signal %d (%s)", name, WTERMSIG(st),
				   strsignal(WTERMSIG(st)));
	return WEXITSTATUS(st);
}

int sut_run(const char *const argv[], const struct sut_run_opts *opts, struct sut_err *err)
{
	static const struct sut_run_opts none;
	_cleanup_buf_ struct sut_buf own = SUT_BUF_INIT(SUT_RUN_OUTPUT_MAX);
	const struct sut_run_opts *o = opts ? opts : &none;
	struct sut_buf *eb = o->err_out ? o->err_out : &own;
	struct sut_buf *ob = o->out ? o->out : eb;
	double end = o->timeout_sec ? now() + o->timeout_sec : 0;
	struct child c;
	int r;

	r = spawn(argv, o, ob == eb, &c, err);
	if (r < 0)
		return r;
	for (;;) {
		struct pollfd p[POLL_PER_CHILD];
		int ms = -1;

		if (end > 0) {
			double left = end - now();

			if (left <= 0) {
				kill(-c.pid, SIGKILL);
				(void)reap(&c, argv[0], NULL);
				return sut_err_set(err, ETIMEDOUT, "%s did not end within %u s",
						   argv[0], o->timeout_sec);
			}
			ms = left > 3600 ? 3600 * 1000 : (int)(left * 1000) + 1;
		}
		fill_poll(&c, p);
		if (poll(p, POLL_PER_CHILD, ms) < 0)
			continue; /* EINTR; a shortage of memory passes */
		if (serve(&c, p, ob, eb))
			return reap(&c, argv[0], err);
	}
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
	_cleanup_buf_ struct sut_buf own = SUT_BUF_INIT(SUT_RUN_OUTPUT_MAX);
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

char *sut_program_beside(const char *const places[])
{
	_cleanup_(sut_freep) char *me = realpath("/proc/self/exe", NULL);
	const char *slash = me ? strrchr(me, '/') : NULL;

	for (; slash && *places; places++) {
		char *path = sut_sprintf("%.*s/%s", (int)(slash - me), me, *places);

		if (path && access(path, F_OK) == 0)
			return path;
		free(path);
	}
	return NULL;
}

unsigned int sut_ncpus(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return 1;
	return (unsigned int)CPU_COUNT(&set);
}

/* A place in which one job after the other runs. */
struct slot {
	struct child c;
	struct sut_job *job; /* NULL while free */
	double start;
};

static int start_job(struct slot *s, struct sut_job *job, struct sut_err *err)
{
	struct sut_run_opts o = {.cwd = job->cwd};
	int r = spawn(job->argv, &o, true, &s->c, err);

	if (r < 0) {
		job->status = r;
		return r;
	}
	s->job = job;
	s->start = now();
	return 0;
}

static int finish_job(struct slot *s, struct sut_err *err)
{
	struct sut_job *j = s->job;

	s->job = NULL;
	j->status = reap(&s->c, j->argv[0], err);
	j->seconds = now() - s->start;
	if (j->status > 0)
		return sut_err_set(err, ECHILD, "%s ended with status %d:\n%s", j->argv[0],
				   j->status, tail_of(&j->output, 1500));
	return j->status;
}

int sut_run_jobs(struct sut_job *jobs, size_t n, unsigned int njobs, struct sut_err *err)
{
	struct slot slots[JOBS_MAX] = {0};
	size_t next = 0, running = 0;
	int r = 0; /* the first failure */

	if (!njobs)
		njobs = sut_ncpus();
	if (njobs > JOBS_MAX)
		njobs = JOBS_MAX;
	for (size_t i = 0; i < n; i++) {
		jobs[i].status = -ECANCELED;
		jobs[i].seconds = 0;
	}
	for (;;) {
		struct pollfd p[JOBS_MAX][POLL_PER_CHILD];

		for (size_t s = 0; s < njobs; s++) {
			if (!slots[s].job && next < n && r == 0) {
				r = start_job(&slots[s], &jobs[next++], err);
				running += r == 0;
			}
			if (slots[s].job)
				fill_poll(&slots[s].c, p[s]);
			else
				for (size_t i = 0; i < POLL_PER_CHILD; i++)
					p[s][i] = (struct pollfd){.fd = -1};
		}
		if (!running)
			return r;
		if (poll(p[0], (nfds_t)njobs * POLL_PER_CHILD, -1) < 0)
			continue;
		for (size_t s = 0; s < njobs; s++) {
			int jr;

			if (!slots[s].job)
				continue;
			if (!serve(&slots[s].c, p[s], &slots[s].job->output, &slots[s].job->output))
				continue;
			jr = finish_job(&slots[s], r == 0 ? err : NULL);
			if (r == 0)
				r = jr;
			running--;
		}
	}
}
