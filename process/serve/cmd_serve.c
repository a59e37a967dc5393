// SPDX-License-Identifier: Apache-2.0
/* suture-process serve: the daemon. */
#include <errno.h>
#include <getopt.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>

#include "base/file.h"
#include "base/clock.h"
#include "cmd.h"
#include "sandbox/sandbox.h"
#include "serve/pass.h"
#include "serve/rights.h"
#include "serve/watch.h"
#include "wire/wire.h"

static const char help[] =
	"usage: suture-process serve [--root DIR] [--socket PATH] [--only-below PID]\n\n"
	"Keeps library patches in all processes, those that run and those that start. Does nothing until\n"
	"suture-apply has told it what is wanted.\n\n"
	"  --root DIR        where files of packages are looked for (default: /)\n"
	"  --socket PATH     listens there (default: DIR/run/suture/process.sock)\n"
	"  --only-below PID  for tests: leaves all processes alone that do not descend from PID\n"
	"  --help\n\n"
	"Exit status: 0 ended by a signal; 1 error; 64 usage\n";

enum {
	LOOK_MS = 2000,	   /* how often it looks whether all is well with itself */
	FILES_MAX = 65536, /* descriptors */
};

int64_t serve_now_ms(void)
{
	return (int64_t)(sut_now_ns() / 1000000);
}

void serve_log(const char *fmt, ...)
{
	char line[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	fprintf(stderr, "suture-process: %s\n", line);
}

struct wanted *serve_wanted(struct serve *s)
{
	struct wanted *w;

	pthread_mutex_lock(&s->lock);
	w = s->wanted ? wanted_ref(s->wanted) : NULL;
	pthread_mutex_unlock(&s->lock);
	return w;
}

static pid_t parent_of(pid_t pid)
{
	_cleanup_(sut_fclosep) FILE *f = NULL;
	char path[32], line[512];
	const char *end;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	if (!f && errno != ENOENT && errno != ESRCH)
		return -errno;
	end = f && fgets(line, sizeof(line), f) ? strrchr(line, ')') : NULL;
	return end && strlen(end) > 4 ? (pid_t)strtol(end + 4, NULL, 10) : 0;
}

int serve_is_ours(const struct serve *s, pid_t pid)
{
	for (int i = 0; s->below && i < 256 && pid > 0; i++) {
		if (pid == s->below)
			return i > 0;
		pid = parent_of(pid);
	}
	return pid < 0 ? pid : !s->below;
}

bool serve_may(const struct serve *s, pid_t pid)
{
	return serve_is_ours(s, pid) > 0;
}

void serve_soon(struct serve *s, pid_t pid, int delay_ms)
{
	int64_t at = delay_ms < 0 ? 0 : serve_now_ms() + delay_ms;
	bool known = false;

	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; !known && i < s->nsoon; i++)
		known = s->soon[i].pid == pid && (!at || s->soon[i].at_ms);
	if (!known && s->nsoon < SERVE_SOON_MAX) {
		s->soon[s->nsoon].pid = pid;
		s->soon[s->nsoon++].at_ms = at;
	} else if (!known && at) {
		s->soon_all = true;
	}
	if (at && !known)
		pthread_cond_signal(&s->keeper);
	pthread_mutex_unlock(&s->lock);
}

void serve_rescan_in(struct serve *s, int delay_ms)
{
	int64_t at = serve_now_ms() + delay_ms;

	pthread_mutex_lock(&s->lock);
	if (s->rescan_ms > at)
		s->rescan_ms = at;
	pthread_cond_signal(&s->keeper);
	pthread_mutex_unlock(&s->lock);
}

size_t serve_take_soon(struct serve *s, int64_t now_ms, pid_t ret[static SERVE_SOON_MAX],
		       bool *ret_all)
{
	size_t n = 0, kept = 0;

	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < s->nsoon; i++) {
		if (s->soon[i].at_ms <= now_ms)
			ret[n++] = s->soon[i].pid;
		else
			s->soon[kept++] = s->soon[i];
	}
	s->nsoon = kept;
	*ret_all = s->soon_all;
	s->soon_all = false;
	pthread_mutex_unlock(&s->lock);
	return n;
}

/* ------------------------------------------------------------------ */

/* When the keeper has something to do; 0: never. s->lock is held. */
static int64_t next_time(struct serve *s)
{
	bool any = s->wanted && (s->wanted->n || table_count(&s->table));
	int64_t at = any ? s->rescan_ms : 0, due = table_due(&s->table);

	if (due && (!at || due < at))
		at = due;
	for (size_t i = 0; i < s->nsoon; i++)
		if (s->soon[i].at_ms && (!at || s->soon[i].at_ms < at))
			at = s->soon[i].at_ms;
	return s->soon_all || s->look_young ? 1 : at;
}

static void keep(struct serve *s, bool rescan, bool young)
{
	_cleanup_(wanted_unrefp) struct wanted *w = serve_wanted(s);
	_cleanup_(sut_freep) pid_t *pids = calloc(2 * (size_t)SERVE_SOON_MAX, sizeof(*pids));
	struct sut_err err = {0};
	bool all;
	size_t n;

	if (!w || !pids)
		return;
	pthread_mutex_lock(&s->turn);
	n = serve_take_soon(s, serve_now_ms(), pids, &all);
	if (rescan || all) {
		watch_set(s->watch, w);
		if (pass_all(s, w, NULL, NULL, &err) < 0)
			serve_log("%s", err.msg);
	} else {
		n += table_take_due(&s->table, serve_now_ms(), pids + n, SERVE_SOON_MAX);
		pass_some(s, w, pids, n);
	}
	if (young)
		young_look(s, w);
	pthread_mutex_unlock(&s->turn);
	malloc_trim(0);
}

static void *keeper(void *arg)
{
	struct serve *s = arg;

	for (;;) {
		int64_t at, now;
		bool rescan, young;

		pthread_mutex_lock(&s->lock);
		for (;;) {
			struct timespec t;

			at = next_time(s);
			now = serve_now_ms();
			if (at && at <= now)
				break;
			t.tv_sec = at / 1000;
			t.tv_nsec = at % 1000 * 1000000;
			if (at)
				pthread_cond_timedwait(&s->keeper, &s->lock, &t);
			else
				pthread_cond_wait(&s->keeper, &s->lock);
		}
		rescan = s->rescan_ms && s->rescan_ms <= now;
		if (rescan)
			s->rescan_ms = now + SERVE_RESCAN_MS;
		young = s->look_young && s->wanted && s->wanted->n;
		s->look_young = false;
		pthread_mutex_unlock(&s->lock);
		keep(s, rescan, young);
	}
	return NULL;
}

struct connection {
	struct serve *s;
	int fd;
};

static void *connection(void *arg)
{
	struct connection *c = arg;

	request_serve(c->s, c->fd);
	close(c->fd);
	atomic_fetch_sub(&c->s->connections, 1);
	free(c);
	return NULL;
}

/* A thread of its own that ends by itself. */
static int start(void *(*run)(void *), void *arg, bool patches)
{
	pthread_attr_t attr;
	pthread_t t;
	int r;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	r = patches ? rights_thread(&t, &attr, run, arg) : pthread_create(&t, &attr, run, arg);
	pthread_attr_destroy(&attr);
	return -r;
}

static void take_connection(struct serve *s, int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	struct connection *c = fd >= 0 ? malloc(sizeof(*c)) : NULL;
	const struct timespec moment = {.tv_nsec = 50000000};
	struct sut_err err = {0};

	if (!c) {
		if (fd >= 0)
			close(fd);
		/* It is still there when descriptors are short: not asked for again at once. */
		nanosleep(&moment, NULL);
		return;
	}
	c->s = s;
	c->fd = fd;
	if (atomic_fetch_add(&s->connections, 1) < SERVE_CONNECTIONS_MAX &&
	    start(connection, c, false) == 0)
		return;
	atomic_fetch_sub(&s->connections, 1);
	(void)!sut_err_reason(&err, EBUSY, "busy",
			      "too many ask suture-process at once. Try again in a minute");
	(void)wire_fail(fd, &err, NULL);
	close(fd);
	free(c);
}

/* sd_notify(3): connected before we may make no sockets any more. -1: nobody wants to know. */
static int connect_systemd(void)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	_cleanup_(sut_closep) int fd = -1;
	size_t n;

	if (!path || (path[0] != '/' && path[0] != '@') || strlen(path) >= sizeof(a.sun_path))
		return -1;
	n = strlen(path);
	memcpy(a.sun_path, path, n);
	if (path[0] == '@')
		a.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&a,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)) < 0)
		return -1;
	return sut_steal_fd(&fd);
}

static void tell_systemd(const struct serve *s, const char *text)
{
	if (s->systemd >= 0)
		(void)!send(s->systemd, text, strlen(text), MSG_NOSIGNAL);
}

static bool is_our_socket(const struct serve *s)
{
	struct stat st;

	return lstat(s->socket, &st) == 0 && st.st_dev == s->socket_dev &&
	       st.st_ino == s->socket_ino;
}

/*
 * Who cannot do his work ends: then the kernel lets everybody pass who waits for us, systemd starts us again, and suture-apply tells us
 * what is wanted. false: it is over.
 */
static bool look_at_ourselves(struct serve *s)
{
	if (watch_stuck(s->watch))
		serve_log("whoever opens a file that is watched waits, and nobody answers: ends");
	else if (!is_our_socket(s))
		serve_log("%s has gone, so that nobody can reach us: ends", s->socket);
	else
		return true;
	return false;
}

static void look_at_young(struct serve *s, int64_t now)
{
	_cleanup_(wanted_unrefp) struct wanted *w = serve_wanted(s);

	if (!w || !w->n || !young_any(now))
		return;
	pthread_mutex_lock(&s->lock);
	s->look_young = true;
	pthread_cond_signal(&s->keeper);
	pthread_mutex_unlock(&s->lock);
}

/* 0: a signal ended it; -EIO: we ended it ourselves. */
static int loop(struct serve *s, int listener, int signals)
{
	int64_t next = serve_now_ms() + LOOK_MS;

	for (;;) {
		struct pollfd p[] = {{.fd = listener, .events = POLLIN},
				     {.fd = signals, .events = POLLIN},
				     {.fd = watch_fd(s->watch), .events = POLLIN}};
		int64_t now = serve_now_ms();

		if (now >= next) {
			next = now + LOOK_MS;
			if (!look_at_ourselves(s))
				return -EIO;
			/* WatchdogSec= of the unit: when we are held ourselves, somebody else ends us. */
			tell_systemd(s, "WATCHDOG=1");
			look_at_young(s, now);
		}
		if (poll(p, SUT_ARRAY_SIZE(p), (int)(next - now)) < 0)
			continue;
		if (p[1].revents)
			return 0;
		if (p[2].revents) {
			_cleanup_(wanted_unrefp) struct wanted *w = serve_wanted(s);

			if (w && watch_moved(s->watch, w)) {
				pthread_mutex_lock(&s->lock);
				s->soon_all = true;
				pthread_cond_signal(&s->keeper);
				pthread_mutex_unlock(&s->lock);
			}
		}
		if (p[0].revents)
			take_connection(s, listener);
	}
}

static void init_locks(struct serve *s)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&s->lock, NULL);
	pthread_mutex_init(&s->turn, NULL);
	pthread_mutex_init(&s->table.lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->keeper, &attr);
	pthread_condattr_destroy(&attr);
}

/* Each process that starts or is stopped takes some, and when there is none left nobody can load what is watched. */
static void raise_limit(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) < 0 || r.rlim_cur >= FILES_MAX)
		return;
	r.rlim_cur = r.rlim_max < FILES_MAX ? r.rlim_max : FILES_MAX;
	(void)setrlimit(RLIMIT_NOFILE, &r);
}

static int set_up(struct serve *s, int *ret_listener, int *ret_signals, struct sut_err *err)
{
	/* Of stops we hear by waitpid() alone. */
	const struct sigaction quiet = {.sa_handler = SIG_DFL, .sa_flags = SA_NOCLDSTOP};
	sigset_t end;
	struct stat st = {0};
	int r;

	raise_limit();
	signal(SIGPIPE, SIG_IGN);
	sigaction(SIGCHLD, &quiet, NULL);
	sigemptyset(&end);
	sigaddset(&end, SIGTERM);
	sigaddset(&end, SIGINT);
	if (sigprocmask(SIG_BLOCK, &end, NULL) < 0)
		return sut_err_errno(err, "cannot set up signals");
	*ret_signals = signalfd(-1, &end, SFD_CLOEXEC);
	if (*ret_signals < 0)
		return sut_err_errno(err, "cannot set up signals");
	r = sut_sandbox_begin(err);
	if (r == 0)
		r = wire_listen(s->socket, 0600, (gid_t)-1, ret_listener, err);
	if (r == 0 && lstat(s->socket, &st) < 0)
		r = sut_err_errno(err, "cannot look at %s", s->socket);
	s->socket_dev = st.st_dev;
	s->socket_ino = st.st_ino;
	s->systemd = connect_systemd();
	if (r == 0)
		r = rights_begin(err);
	if (r < 0)
		return r;
	s->rescan_ms = serve_now_ms() + SERVE_RESCAN_MS;
	/* Many threads, little memory: one place for all of them. */
	mallopt(M_ARENA_MAX, 2);
	return watch_new(s, &s->watch, err);
}

static int run(struct serve *s, struct sut_err *err)
{
	int listener = -1, signals = -1, r;

	init_locks(s);
	r = set_up(s, &listener, &signals, err);
	if (r < 0)
		return r;
	/* From here on no new sockets. */
	tell_systemd(s, "READY=1");
	r = rights_confine(err);
	if (r == -EOPNOTSUPP)
		serve_log("this kernel has no filters of system calls");
	else if (r < 0)
		return r;
	r = start(keeper, s, true);
	if (r < 0) {
		errno = -r;
		return sut_err_errno(err, "cannot start a thread");
	}
	r = loop(s, listener, signals);
	if (is_our_socket(s))
		unlink(s->socket);
	/* Others of us are at work: what exit() takes away, they may be using. */
	fflush(NULL);
	_exit(r < 0 ? PROCESS_EXIT_ERROR : PROCESS_EXIT_OK);
}

int cmd_serve(int argc, char **argv)
{
	enum { OPT_ROOT = 1, OPT_SOCKET, OPT_BELOW };
	static const struct option options[] = {{"root", required_argument, NULL, OPT_ROOT},
						{"socket", required_argument, NULL, OPT_SOCKET},
						{"only-below", required_argument, NULL, OPT_BELOW},
						{"help", no_argument, NULL, 'h'},
						{0}};
	_cleanup_(sut_freep) char *socket = NULL;
	static struct serve s; /* threads may outlive this function */
	struct sut_err err = {0};
	uint64_t pid = 0;
	int c;

	s.root = "";
	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (c) {
		case OPT_ROOT:
			s.root = optarg;
			break;
		case OPT_SOCKET:
			s.socket = optarg;
			break;
		case OPT_BELOW:
			if (sut_parse_u64(optarg, INT32_MAX, &pid) < 0 || pid < 2) {
				fprintf(stderr,
					"suture-process: --only-below takes the number of a process\n");
				return PROCESS_EXIT_USAGE;
			}
			s.below = (pid_t)pid;
			break;
		case 'h':
			fputs(help, stdout);
			return PROCESS_EXIT_OK;
		default:
			fputs(help, stderr);
			return PROCESS_EXIT_USAGE;
		}
	}
	if (optind != argc) {
		fputs(help, stderr);
		return PROCESS_EXIT_USAGE;
	}
	if (!s.socket) {
		socket = sut_sprintf("%s/run/suture/process.sock", s.root);
		if (!socket)
			return PROCESS_EXIT_ERROR;
		s.socket = socket;
	}
	if (run(&s, &err) < 0) {
		serve_log("%s", err.msg);
		return PROCESS_EXIT_ERROR;
	}
	return PROCESS_EXIT_OK;
}
