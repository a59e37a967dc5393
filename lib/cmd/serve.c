// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "cmd/cmd.h"
#include "web/serve.h"
#include "web/tasks.h"

static void help(const struct server_program *p)
{
	printf("usage: %s serve [--config FILE]\n\n"
	       "Answers requests until SIGTERM or SIGINT; then it takes no new ones, answers those that\n"
	       "are there, and ends. Sockets that systemd passes on are used instead of 'listen', so that\n"
	       "nobody is refused while it starts again. Logs JSON lines to standard error.\n\n"
	       "  --config FILE   settings (default: %s; %s(8))\n",
	       p->name, p->conf->file, p->name);
}

static int parse(const struct server_program *p, int argc, char **argv, const char **ret_config,
		 int *ret_exit)
{
	static const struct option options[] = {
		{"config", required_argument, NULL, 'c'}, {"help", no_argument, NULL, 'h'}, {0}};
	int c;

	*ret_exit = SERVER_EXIT_USAGE;
	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (c == 'h') {
			help(p);
			*ret_exit = SERVER_EXIT_OK;
		}
		if (c != 'c')
			return -EINVAL;
		*ret_config = optarg;
	}
	if (optind == argc)
		return 0;
	fprintf(stderr, "%s serve: '%s' is not understood; see %s serve --help\n", p->name,
		argv[optind], p->name);
	return -EINVAL;
}

/* Before any thread: all inherit it, and only wait_for_signal() gets them. */
static void block_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, set, NULL);
}

static int wait_for_signal(const sigset_t *set)
{
	for (;;) {
		int sig = 0;

		if (sigwait(set, &sig) != 0)
			continue;
		if (sig != SIGHUP)
			return sig;
		server_log("info", "settings are read at the start only. Restart to change them",
			   NULL);
	}
}

static int take_sockets(int *ret_fds, size_t *ret_n, struct sut_err *err)
{
	int n = sd_listen_fds(1);

	if (n < 0)
		return sut_err_set(err, -n, "cannot take the sockets of the service manager: %s",
				   strerror(-n));
	if (n > SUT_HTTPD_LISTEN_MAX)
		return sut_err_reason(err, EINVAL, "conf",
				      "the service manager passes %d sockets; at most %d are taken",
				      n, SUT_HTTPD_LISTEN_MAX);
	for (int i = 0; i < n; i++)
		ret_fds[i] = SD_LISTEN_FDS_START + i;
	*ret_n = (size_t)n;
	return 0;
}

static int serve(const struct server_program *p, const char *config, struct sut_err *err)
{
	_cleanup_(server_freep) struct server *s = NULL;
	struct server_conf *conf = NULL;
	int fds[SUT_HTTPD_LISTEN_MAX];
	size_t nfds = 0;
	sigset_t set;
	int rc;

	block_signals(&set);
	rc = take_sockets(fds, &nfds, err);
	if (rc == 0)
		rc = cmd_conf_new(p, config, &conf, err);
	if (rc == 0)
		rc = p->open(conf, &s, err);
	cmd_conf_free(p, conf);
	if (rc == 0)
		rc = tasks_start(s, p->tasks, err);
	if (rc == 0)
		rc = serve_start(s, fds, nfds, err);
	if (rc < 0)
		return rc;
	sd_notify(0, "READY=1");
	server_log("info", "ready", "version", SUTURE_VERSION, NULL);
	rc = wait_for_signal(&set);
	sd_notify(0, "STOPPING=1");
	server_log("info", "ending", "signal", sigabbrev_np(rc), NULL);
	serve_stop(s);
	return 0;
}

int server_cmd_serve(const struct server_program *p, int argc, char **argv)
{
	const char *config = p->conf->file;
	struct sut_err err = {0};
	int status;

	if (parse(p, argc, argv, &config, &status) < 0)
		return status;
	if (serve(p, config, &err) < 0)
		return cmd_fail(p, "serve", &err);
	server_log("info", "ended", NULL);
	return SERVER_EXIT_OK;
}
