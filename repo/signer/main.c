// SPDX-License-Identifier: Apache-2.0
/* suture-signer: holds the online keys of a repository and signs snapshot and timestamp. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>

#include "base/file.h"
#include "signer/config.h"
#include "sandbox/sandbox.h"
#include "signer/sandbox.h"
#include "signer/server.h"
#include "signer/signer.h"

enum { EXIT_USAGE = 64, EXIT_CONFIG = 78 /* sysexits.h: systemd does not try again */ };

static const char help[] =
	"usage: suture-signer [--config FILE] [--check]\n"
	"       suture-signer --new-keys DIR\n\n"
	"Holds the keys of the roles snapshot and timestamp, and signs for suture-repo what it\n"
	"finds right in the metadata folder. Runs as a user of its own, never as root.\n\n"
	"  --config FILE   settings (default: " SUT_SIGNER_CONFIG "; suture-signer(8))\n"
	"  --check         checks settings, keys, root and state, and ends\n"
	"  --new-keys DIR  makes DIR/snapshot.key, DIR/timestamp.key and their public halves\n"
	"  --version, --help\n\n"
	"Exit status: 0 ended by a signal, or all is well; 1 error; 64 usage; 78 settings or\n"
	"keys are wrong\n";

static volatile sig_atomic_t stop;

static void on_signal(int sig _unused_)
{
	stop = 1;
}

static int64_t now(void)
{
	return time(NULL);
}

static void put_line(const char *line)
{
	fprintf(stderr, "suture-signer: %s\n", line);
}

struct options {
	const char *config, *new_keys;
	bool check;
};

struct program {
	struct sut_signer_config config;
	struct sut_signer_allowed allowed;
	struct sut_signer signer;
	int lock, fd;
	sigset_t unblocked;
};

/* ------------------------------------------------------------------ */

static int read_config(struct program *p, const char *path, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_SIGNER_CONFIG_MAX);
	int r = sut_file_read(path, &b, err);

	if (r < 0)
		return r;
	r = sut_signer_config_parse(b.data, b.len, getenv("CREDENTIALS_DIRECTORY"), &p->config,
				    err);
	if (r == 0)
		r = sut_signer_config_allowed(&p->config, &p->allowed, err);
	return r < 0 ? (sut_err_prefix(err, "%s", path), r) : 0;
}

/* One signer per state: two would sign different things under one version. */
static int lock_state(struct program *p, struct sut_err *err)
{
	_cleanup_(sut_freep) char *path = sut_sprintf("%s/lock", p->config.state);
	struct stat st;

	if (!path)
		return sut_err_oom(err);
	if (stat(p->config.state, &st) < 0)
		return sut_err_errno(err, "cannot use the folder of the state, %s",
				     p->config.state);
	if (st.st_uid != geteuid() || (st.st_mode & 022))
		return sut_err_reason(err, EPERM, "permissions",
				      "others can change the state of the signer. Run: chown %u %s "
				      "&& chmod 700 %s",
				      geteuid(), p->config.state, p->config.state);
	p->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (p->lock < 0)
		return sut_err_errno(err, "cannot open %s", path);
	if (flock(p->lock, LOCK_EX | LOCK_NB) < 0)
		return sut_err_set(err, EBUSY, "another suture-signer uses %s. Stop that one first",
				   p->config.state);
	return 0;
}

static int load(struct program *p, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf root = SUT_BUF_INIT(SUT_TUF_ROOT_MAX);
	const struct sut_signer_config *c = &p->config;
	struct sut_err locked = {0};
	int r = sut_file_read(c->root, &root, err);

	if (r < 0)
		return r;
	if (sut_online_lock_memory(&locked) < 0)
		put_line(locked.msg);
	r = sut_online_keys_read(&c->snapshot, &p->signer.snapshot_keys, err);
	if (r == 0)
		r = sut_online_keys_read(&c->timestamp, &p->signer.timestamp_keys, err);
	if (r < 0)
		return r;
	p->signer.metadata = c->metadata;
	p->signer.dir = c->state;
	p->signer.snapshot_sec = c->snapshot_sec;
	p->signer.timestamp_sec = c->timestamp_sec;
	p->signer.now = now;
	return sut_signer_start(&p->signer, &root, err);
}

/* sd_notify(3), READY=1: without a library for 10 lines. */
static void tell_systemd(void)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	static const char ready[] = "READY=1";
	_cleanup_(sut_closep) int fd = -1;
	size_t n;

	if (!path || (path[0] != '/' && path[0] != '@') || strlen(path) >= sizeof(a.sun_path))
		return;
	n = strlen(path);
	memcpy(a.sun_path, path, n);
	if (path[0] == '@')
		a.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0)
		(void)!sendto(fd, ready, sizeof(ready) - 1, MSG_NOSIGNAL, (struct sockaddr *)&a,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n));
}

/* Signals arrive only while the loop waits, so a signature and its state are never torn apart. */
static int set_up_signals(struct program *p, struct sut_err *err)
{
	const struct sigaction end = {.sa_handler = on_signal};
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	if (sigprocmask(SIG_BLOCK, &set, &p->unblocked) < 0 || sigaction(SIGTERM, &end, NULL) < 0 ||
	    sigaction(SIGINT, &end, NULL) < 0)
		return sut_err_errno(err, "cannot set up signals");
	sigdelset(&p->unblocked, SIGTERM);
	sigdelset(&p->unblocked, SIGINT);
	signal(SIGPIPE, SIG_IGN);
	return 0;
}

static int serve(struct program *p, struct sut_err *err)
{
	const struct sut_server_opts o = {
		.allowed = &p->allowed,
		.log = put_line,
		.stop = &stop,
		.unblocked = &p->unblocked,
	};
	char line[200];
	int r = set_up_signals(p, err);

	if (r == 0)
		r = sut_server_listen(&p->config, &p->fd, err);
	if (r < 0)
		return r;
	tell_systemd();
	/* No socket can be made from here on. */
	r = signer_sandbox_enter(p->config.metadata, p->config.state, err);
	if (r < 0)
		return r;
	snprintf(line, sizeof(line), "ready; snapshot %lld, timestamp %lld%s",
		 (long long)p->signer.state.snapshot_version,
		 (long long)p->signer.state.timestamp_version,
		 r == 1 ? "; this kernel has no Landlock" : "");
	put_line(line);
	return sut_server_run(p->fd, &p->signer, &o, err);
}

static int run(struct program *p, const struct options *o, struct sut_err *err)
{
	int r = sut_sandbox_begin(err);

	if (r == 0 && o->new_keys)
		return sut_online_generate(o->new_keys, err);
	if (r == 0 && geteuid() == 0)
		r = sut_err_reason(err, EPERM, "config",
				   "this is root. Make a user for the signer alone and run it as "
				   "that one (suture-signer.service does)");
	if (r == 0)
		r = read_config(p, o->config, err);
	if (r == 0)
		r = lock_state(p, err);
	if (r == 0)
		r = load(p, err);
	if (r < 0 || o->check)
		return r;
	return serve(p, err);
}

static bool parse(struct options *o, int argc, char **argv, int *ret_exit)
{
	enum { OPT_CONFIG = 1, OPT_CHECK, OPT_NEW_KEYS, OPT_VERSION };
	static const struct option options[] = {{"config", required_argument, NULL, OPT_CONFIG},
						{"check", no_argument, NULL, OPT_CHECK},
						{"new-keys", required_argument, NULL, OPT_NEW_KEYS},
						{"version", no_argument, NULL, OPT_VERSION},
						{"help", no_argument, NULL, 'h'},
						{0}};
	int c;

	*ret_exit = EXIT_USAGE;
	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (c) {
		case OPT_CONFIG:
			o->config = optarg;
			break;
		case OPT_CHECK:
			o->check = true;
			break;
		case OPT_NEW_KEYS:
			o->new_keys = optarg;
			break;
		case OPT_VERSION:
			printf("suture-signer %s\n", SUTURE_VERSION);
			*ret_exit = 0;
			return false;
		case 'h':
			fputs(help, stdout);
			*ret_exit = 0;
			return false;
		default:
			return false;
		}
	}
	if (optind != argc)
		fprintf(stderr, "suture-signer: '%s' is not understood; see suture-signer --help\n",
			argv[optind]);
	return optind == argc;
}

static int exit_of(const struct sut_err *err)
{
	static const char *const lasting[] = {"config", "keys", "permissions", "passphrase"};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(lasting); i++)
		if (sut_streq(err->reason, lasting[i]))
			return EXIT_CONFIG;
	return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	struct options o = {.config = SUT_SIGNER_CONFIG};
	struct program p = {.lock = -1, .fd = -1};
	struct sut_err err = {0};
	int exit;

	if (!parse(&o, argc, argv, &exit))
		return exit;
	exit = EXIT_SUCCESS;
	if (run(&p, &o, &err) < 0) {
		put_line(err.msg);
		exit = exit_of(&err);
	} else if (o.new_keys) {
		printf("%s/snapshot.pub\n%s/timestamp.pub\n", o.new_keys, o.new_keys);
	}
	sut_signer_release(&p.signer);
	sut_signer_config_release(&p.config);
	sut_closep(&p.fd);
	sut_closep(&p.lock);
	return exit;
}
