// SPDX-License-Identifier: Apache-2.0
/* sutured: the network half of the agent. docs/internals/agent.md */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <grp.h>
#include <malloc.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "base/file.h"
#include "wire/wire.h"
#include "kernel/exit.h"
#include "sandbox/sandbox.h"
#include "sutured/checkin.h"
#include "sutured/console.h"
#include "sutured/loop.h"
#include "sutured/sandbox.h"
#include "sutured/worker.h"

static const char usage[] =
	"usage: sutured [--root DIR] [--user NAME] [--once]\n"
	"\n"
	"The network half of the agent: speaks to the portal and the repository, and hands patches to\n"
	"suture-apply. Started by systemd; 'suture' speaks to it.\n"
	"\n"
	"  --root DIR   before every path (for tests and images)\n"
	"  --user NAME  as root: become this user first\n"
	"  --once       do what is due, and end\n"
	"  --version, --help\n";

/* sysexits(3), EX_CONFIG: the unit does not start it again and again. */
enum { EXIT_CONF = 78 };

struct opts {
	const char *root, *user;
	bool once;
};

/* 0; > 0: end with that - 1 */
static int parse(int argc, char **argv, struct opts *o)
{
	static const struct option longs[] = {
		{"root", required_argument, NULL, 'r'}, {"user", required_argument, NULL, 'u'},
		{"once", no_argument, NULL, 'o'},	{"version", no_argument, NULL, 'V'},
		{"help", no_argument, NULL, 'h'},	{0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "h", longs, NULL)) != -1)
		switch (c) {
		case 'r':
			o->root = optarg;
			break;
		case 'u':
			o->user = optarg;
			break;
		case 'o':
			o->once = true;
			break;
		case 'V':
			puts("sutured " SUTURE_VERSION);
			return 1;
		case 'h':
			fputs(usage, stdout);
			return 1;
		default:
			fputs(usage, stderr);
			return SUT_EXIT_USAGE + 1;
		}
	if (optind < argc) {
		fputs(usage, stderr);
		return SUT_EXIT_USAGE + 1;
	}
	return 0;
}

/* As root only long enough to become somebody else. */
static int become(const struct opts *o, struct sut_err *err)
{
	const struct passwd *p;

	if (geteuid() != 0 || (*o->root && !o->user))
		return 0;
	if (!o->user)
		return sut_err_set(
			err, EPERM,
			"sutured needs no root and does not run as root: use 'systemctl start "
			"sutured', or --user suture");
	p = getpwnam(o->user);
	if (!p)
		return sut_err_set(err, ENOENT, "there is no user '%s': run systemd-sysusers",
				   o->user);
	if (p->pw_uid == 0)
		return sut_err_set(err, EPERM, "user '%s' is root, too", o->user);
	if (initgroups(o->user, p->pw_gid) < 0 || setgid(p->pw_gid) < 0 || setuid(p->pw_uid) < 0)
		return sut_err_errno(err, "cannot become user '%s'", o->user);
	return 0;
}

/*
 * One agent for one machine. The lock is on the folder itself, so that it can be taken on a disk that is full or read-only. A
 * folder that is not there, and cannot be made, needs no lock: nothing is kept.
 */
static int lock(struct net *n, int *ret_fd, struct sut_err *err)
{
	const struct agent_path dir = agent_path(n->root, AGENT_NET_DIR);
	struct sut_err why = {0};
	int fd;

	if (!sut_exists(dir.s))
		(void)!net_disk(n, NET_FILE_IDENTITY, sut_mkdir_p(dir.s, &why), &why);
	fd = open(dir.s, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : sut_err_errno(err, "cannot open %s", dir.s);
	if (fchmod(fd, 0700) < 0 && errno != EROFS && errno != EPERM)
		net_log(NET_WARNING, "cannot keep others out of %s: %s", dir.s, strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		close(fd);
		return sut_err_reason(err, EBUSY, "running",
				      "another sutured runs with %s; only one may", dir.s);
	}
	*ret_fd = fd;
	return 0;
}

static int control_socket(struct net *n, int *ret_fd, struct sut_err *err)
{
	const struct agent_path path = agent_path(n->root, AGENT_SOCKET);
	const struct agent_path run = agent_path(n->root, AGENT_RUN);
	int r, given = sd_listen_fds(1);

	if (given > 1)
		return sut_err_set(err, EINVAL, "systemd gave %d sockets; one is expected", given);
	if (given == 1) {
		if (sd_is_socket_unix(SD_LISTEN_FDS_START, SOCK_SEQPACKET, 1, NULL, 0) <= 0)
			return sut_err_set(
				err, EINVAL,
				"the socket that systemd gave is no listening sequential "
				"packet socket");
		*ret_fd = SD_LISTEN_FDS_START;
		return 0;
	}
	r = sut_mkdir_p(run.s, err);
	return r < 0 ? r : wire_listen(path.s, 0666, (gid_t)-1, ret_fd, err);
}

/* What was known, as far as it can be read. */
static int load(struct net *n, struct sut_err *err)
{
	struct sut_err why;
	int r = agent_conf_read(n->root, &n->conf, err);

	if (r < 0)
		return r;
	r = identity_read(n->root, &n->id, &why);
	if (r < 0) {
		net_log(NET_ERR, "%s", why.msg);
		(void)snprintf(n->id.trouble, sizeof(n->id.trouble), "%s",
			       r == -EBADMSG ? "identity-damaged" : "identity-unreadable");
		/* The next start shall know that something was lost, too. What cannot be read may be whole: it stays. */
		if (r == -EBADMSG)
			(void)!net_save(n, NULL);
	}
	state_load(n);
	state_identity(n);
	return 0;
}

static int confine(struct net *n, struct sut_err *err)
{
	struct sandbox_level l;
	int r = sandbox_enter(n->root, &n->conf, &l, err);

	if (r == 0)
		state_set(n, "sandbox",
			  json_pack("{s:b, s:i}", "seccomp", l.seccomp, "landlock", l.landlock));
	return r;
}

static void begin(struct net *n)
{
	n->on_due[NET_DUE_CHECKIN] = checkin_run;
	n->parts = net_parts;
	for (size_t i = 0; n->parts[i]; i++)
		if (n->parts[i]->init)
			n->parts[i]->init(n);
	checkin_start(n);
}

static int once(struct net *n)
{
	char error[256];

	begin(n);
	do {
		loop_due(n);
		worker_drain(n);
	} while (net_due_left(n, NET_DUE_CHECKIN) == 0 || net_due_left(n, NET_DUE_CHECK) == 0);
	if (!identity_registered(&n->id))
		return SUT_EXIT_NOT_REGISTERED;
	state_text(n, "checkin", "error", error, sizeof(error));
	return *error ? SUT_EXIT_UNREACHABLE : SUT_EXIT_OK;
}

static int forever(struct net *n, int listener, struct sut_err *err)
{
	struct loop l;
	pthread_t worker;
	int r = loop_init(&l, n, listener, err);

	if (r == 0)
		r = confine(n, err);
	if (r == 0)
		r = worker_start(n, &worker, err);
	if (r < 0) {
		loop_release(&l);
		return r;
	}
	begin(n);
	sd_notify(0, "READY=1");
	r = loop_run(&l, err);
	sd_notify(0, "STOPPING=1");
	console_stop(n);
	if (!worker_stop(n, worker))
		_exit(r < 0 ? SUT_EXIT_ERROR : SUT_EXIT_OK);
	loop_release(&l);
	return r;
}

static int run(struct net *n, const struct opts *o, struct sut_err *err)
{
	_cleanup_(sut_closep) int held = -1, listener = -1;
	int r = lock(n, &held, err);

	if (r == 0)
		r = load(n, err);
	if (r == 0 && !o->once)
		r = control_socket(n, &listener, err);
	if (r < 0)
		return r;
	if (o->once) {
		r = confine(n, err);
		return r < 0 ? r : once(n);
	}
	return forever(n, listener, err);
}

/*
 * libjansson forgets to look whether it got memory while it reads texts. What is on the disk is good at every moment, so the
 * agent ends, and is started anew.
 */
static void *alloc_json(size_t size)
{
	void *p = malloc(size);

	if (p)
		return p;
	fputs("<3>out of memory; the agent ends and is started again\n", stderr);
	_exit(SUT_EXIT_ERROR);
}

/* Texts from requests may have been keys. */
static void free_json(void *p)
{
	if (p)
		explicit_bzero(p, malloc_usable_size(p));
	free(p);
}

int main(int argc, char **argv)
{
	struct opts o = {.root = ""};
	struct sut_err err = {0};
	struct net n;
	int r = parse(argc, argv, &o);

	if (r)
		return r - 1;
	/* One pool of memory for all threads: what the worker frees goes back. */
	mallopt(M_ARENA_MAX, 1);
	signal(SIGPIPE, SIG_IGN);
	umask(022);
	json_set_alloc_funcs(alloc_json, free_json);
	r = become(&o, &err);
	if (r == 0)
		r = sut_sandbox_begin(&err);
	if (r == 0)
		r = net_init(&n, o.root, &net_ops_real, &err);
	if (r == 0) {
		r = run(&n, &o, &err);
		net_release(&n);
	}
	if (r >= 0)
		return r;
	net_log(NET_ERR, "%s", err.msg);
	if (!strcmp(err.reason, "conf"))
		return EXIT_CONF;
	return r == -EBUSY || r == -EADDRINUSE ? SUT_EXIT_BUSY : SUT_EXIT_ERROR;
}
