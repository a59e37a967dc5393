// SPDX-License-Identifier: Apache-2.0
#include "program.h"

#include <errno.h>
#include <getopt.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "boot.h"
#include "wire/wire.h"
#include "confine.h"
#include "kernel/exit.h"
#include "kernel/session.h"
#include "library/act.h"
#include "server.h"

static const char help[] =
	"usage: suture-apply [OPTION]... [serve|boot|shutdown|libraries|health|leave|leave-libraries]\n\n"
	"The half of the Suture agent that changes the kernel. systemd starts it; there is\n"
	"seldom a reason to do so by hand (see suture(8) instead).\n\n"
	"  serve          answers calls of suture and sutured until nobody asks any more\n"
	"                 (default)\n"
	"  boot           applies the last good patch, early in a boot\n"
	"  shutdown       notes that the machine goes down in order\n"
	"  libraries      tells suture-process which patches of libraries are to run\n"
	"  health         runs the health checks of /etc/suture/health.d\n"
	"  leave          takes the patches out, before the agent is removed\n"
	"  leave-libraries\n"
	"                 those of libraries alone, before suture-process is removed\n\n"
	"  --root DIR     all files below DIR\n"
	"  --listen PATH  serve: make this socket, instead of the one that systemd gives\n"
	"  --user NAME    serve: the user that sutured runs as (default: suture)\n"
	"  --idle N       serve: end after N seconds without a call (default: 10)\n"
	"  --version, --help\n\n"
	"Exit status: 0 done, 1 error, 64 usage\n";

enum { IDLE_MAX_S = 86400 };

struct options {
	const char *root, *listen, *user, *what;
	unsigned int idle_s;
};

static bool parse(struct options *o, int argc, char **argv, int *ret_exit)
{
	enum { OPT_ROOT = 1, OPT_LISTEN, OPT_USER, OPT_IDLE, OPT_VERSION };
	static const struct option options[] = {{"root", required_argument, NULL, OPT_ROOT},
						{"listen", required_argument, NULL, OPT_LISTEN},
						{"user", required_argument, NULL, OPT_USER},
						{"idle", required_argument, NULL, OPT_IDLE},
						{"version", no_argument, NULL, OPT_VERSION},
						{"help", no_argument, NULL, 'h'},
						{0}};
	uint64_t n;
	int c;

	*ret_exit = SUT_EXIT_USAGE;
	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (c) {
		case OPT_ROOT:
			o->root = optarg;
			break;
		case OPT_LISTEN:
			o->listen = optarg;
			break;
		case OPT_USER:
			o->user = optarg;
			break;
		case OPT_IDLE:
			if (sut_parse_u64(optarg, IDLE_MAX_S, &n) < 0) {
				fprintf(stderr, "suture-apply: --idle takes seconds, not '%s'\n",
					optarg);
				return false;
			}
			o->idle_s = (unsigned int)n;
			break;
		case 'h':
			fputs(help, stdout);
			*ret_exit = SUT_EXIT_OK;
			return false;
		case OPT_VERSION:
			puts("suture-apply " SUTURE_VERSION);
			*ret_exit = SUT_EXIT_OK;
			return false;
		default:
			return false;
		}
	}
	if (optind < argc)
		o->what = argv[optind++];
	if (optind < argc) {
		fprintf(stderr, "suture-apply: '%s' is one word too many\n", argv[optind]);
		return false;
	}
	return true;
}

/* ------------------------------------------------------------------ */

/* Who sutured is: a name or a number, -1 and -1 when there is no such user. */
static void find_agent(const char *name, uid_t *ret_uid, gid_t *ret_gid)
{
	const struct passwd *p;
	uint64_t uid;

	*ret_uid = (uid_t)-1;
	*ret_gid = (gid_t)-1;
	if (sut_parse_u64(name, UINT32_MAX - 1, &uid) == 0) {
		*ret_uid = (uid_t)uid;
		return;
	}
	p = getpwnam(name);
	if (p) {
		*ret_uid = p->pw_uid;
		*ret_gid = p->pw_gid;
	}
}

/* The socket that systemd gives, or one of our own. */
static int find_listener(const struct apply *a, const struct options *o, gid_t group, int *ret,
			 struct sut_err *err)
{
	struct agent_path path = agent_path(a->root, AGENT_APPLY_SOCKET);
	struct agent_path dir = agent_path(a->root, AGENT_RUN);
	int n = sd_listen_fds(1), r;

	if (n > 1 ||
	    (n == 1 && sd_is_socket_unix(SD_LISTEN_FDS_START, SOCK_SEQPACKET, 1, NULL, 0) <= 0))
		return sut_err_set(err, EINVAL,
				   "systemd gives other sockets than the one of "
				   "suture-apply.socket. Is that unit of the same version?");
	if (n == 1 && !o->listen) {
		*ret = SD_LISTEN_FDS_START;
		return 0;
	}
	r = o->listen ? 0 : sut_mkdir_p(dir.s, err);
	if (r < 0)
		return r;
	return wire_listen(o->listen ? o->listen : path.s, 0660, group, ret, err);
}

static int serve(struct apply *a, const struct options *o, struct sut_err *err)
{
	struct server s = {.idle_ms = o->idle_s * 1000, .request_ms = SERVER_REQUEST_MS};
	gid_t group;
	int r;

	find_agent(o->user, &s.agent, &group);
	r = find_listener(a, o, group, &s.listener, err);
	if (r == 0)
		r = confine(err);
	if (r < 0)
		return r;
	(void)!sd_notify(0, "READY=1");
	r = server_run(a, &s, err);
	(void)!sd_notify(0, "STOPPING=1");
	close(s.listener);
	return r;
}

static int run(struct apply *a, const struct options *o, struct sut_err *err)
{
	if (sut_streq(o->what, "serve"))
		return serve(a, o, err);
	sut_session_catch_signals();
	if (sut_streq(o->what, "boot"))
		return apply_boot(a, err);
	if (sut_streq(o->what, "shutdown"))
		return apply_shutdown(a, err);
	if (sut_streq(o->what, "libraries"))
		return apply_libraries(a, err);
	if (sut_streq(o->what, "leave-libraries"))
		return apply_leave_libraries(a, err);
	if (sut_streq(o->what, "leave"))
		return apply_leave(a, err);
	return apply_health(a, err);
}

int program_main(int argc, char **argv, int (*machine)(struct apply *a, struct sut_err *err))
{
	static const char *const words[] = {"serve",  "boot",  "shutdown",	 "libraries",
					    "health", "leave", "leave-libraries"};
	struct options o = {.user = "suture", .what = "serve", .idle_s = SERVER_IDLE_MS / 1000};
	struct sut_err err = {0};
	struct apply a;
	bool known = false;
	int exit, r;

	if (!parse(&o, argc, argv, &exit))
		return exit;
	for (size_t i = 0; i < SUT_ARRAY_SIZE(words); i++)
		known |= sut_streq(o.what, words[i]);
	if (!known) {
		fprintf(stderr, "suture-apply: there is no '%s'; see 'suture-apply --help'\n",
			o.what);
		return SUT_EXIT_USAGE;
	}
	umask(022);
	apply_init(&a, o.root);
	r = machine ? machine(&a, &err) : sut_session_need_root("suture-apply", &err);
	if (r == 0)
		r = run(&a, &o, &err);
	apply_release(&a);
	if (r < 0)
		apply_log(LOG_ERR, "%s", err.msg);
	return r < 0 ? SUT_EXIT_ERROR : SUT_EXIT_OK;
}
