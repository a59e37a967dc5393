// SPDX-License-Identifier: Apache-2.0
/* portal-sim: a fleet that is not there. Load for a portal, and the proof that nothing was lost. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/file.h"
#include "base/str.h"
#include "load.h"
#include "verify.h"

static const char help[] =
	"usage: portal-sim enroll|checkin|verify|get OPTION...\n\n"
	"enroll   enrols the systems of --state that are not enrolled yet\n"
	"checkin  has them check in; what is not answered is repeated as an agent would\n"
	"verify   compares all systems with what was acknowledged; ends with 1 when something is lost\n"
	"get      asks for --path only: what the server can do at most\n\n"
	"  --url URL          http://127.0.0.1:PORT, https://127.0.0.1:PORT (its certificate is not\n"
	"                     looked at) or unix:PATH; may be repeated\n"
	"  --state FILE       the systems, with their credentials; made when it is not there\n"
	"  --systems N        how many it shall have\n"
	"  --key-file FILE    enroll: registration key; may be repeated\n"
	"  --token-file FILE  verify: API token of a user who sees the systems\n"
	"  --path PATH        get\n"
	"  --connections N    at a time (100)\n"
	"  --keep-alive N     requests on one connection (1000)\n"
	"  --rate R           requests a second (as fast as they are answered); latency counts from when\n"
	"                     a request was due\n"
	"  --duration S       seconds (10; enroll: until all are)\n"
	"  --warmup S         latencies of the first seconds are not counted (0)\n"
	"  --tls-share P      of the connections, 0 to 1 (0)\n"
	"  --change-share P   of the check-ins report something new (0.01)\n"
	"  --seed N           (1)\n\n"
	"Prints lines \"NAME VALUE\".\n";

static volatile int stop;

static void on_signal(int sig _unused_)
{
	stop = 1;
}

struct settings {
	struct load_opts load;
	const char *state, *key_files[LOAD_KEYS_MAX], *token_file;
	size_t systems, nkey_files;
	bool has_duration;
};

static bool number(const char *s, double max, double *ret)
{
	char *end;

	*ret = strtod(s, &end);
	return end != s && !*end && *ret >= 0 && *ret <= max;
}

static int wrong(const char *what)
{
	fprintf(stderr, "portal-sim: %s; see portal-sim --help\n", what);
	return -EINVAL;
}

static int take_option(int c, struct settings *s)
{
	struct load_opts *o = &s->load;
	double v = 0;

	if (strchr("ncrdtpkw", c) && !number(optarg, 1e12, &v))
		return wrong("a number is none");
	switch (c) {
	case 'u':
		if (o->nurls == LOAD_URLS_MAX)
			return wrong("too many --url");
		o->urls[o->nurls++] = optarg;
		return 0;
	case 'K':
		if (s->nkey_files == LOAD_KEYS_MAX)
			return wrong("too many --key-file");
		s->key_files[s->nkey_files++] = optarg;
		return 0;
	case 's':
		s->state = optarg;
		return 0;
	case 'T':
		s->token_file = optarg;
		return 0;
	case 'P':
		o->get = optarg;
		return 0;
	case 'n':
		s->systems = (size_t)v;
		return 0;
	case 'c':
		o->connections = v < 1 ? 1 : v > 60000 ? 60000 : (unsigned int)v;
		return 0;
	case 'k':
		o->keep_alive = v < 1 ? 1 : v > 1e9 ? 1000000000 : (unsigned int)v;
		return 0;
	case 'r':
		o->rate = v;
		return 0;
	case 'd':
		o->seconds = v;
		s->has_duration = true;
		return 0;
	case 'w':
		o->warmup = v;
		return 0;
	case 't':
		o->tls_share = v;
		return 0;
	case 'p':
		o->change_share = v;
		return 0;
	case 'S':
		return sut_parse_u64(optarg, UINT64_MAX, &o->seed) < 0
			       ? wrong("--seed is no number")
			       : 0;
	default:
		return -EINVAL;
	}
}

static int parse(int argc, char **argv, struct settings *s)
{
	static const struct option options[] = {
		{"url", 1, NULL, 'u'},	       {"state", 1, NULL, 's'},
		{"systems", 1, NULL, 'n'},     {"key-file", 1, NULL, 'K'},
		{"token-file", 1, NULL, 'T'},  {"path", 1, NULL, 'P'},
		{"connections", 1, NULL, 'c'}, {"keep-alive", 1, NULL, 'k'},
		{"rate", 1, NULL, 'r'},	       {"duration", 1, NULL, 'd'},
		{"warmup", 1, NULL, 'w'},      {"warmup", 1, NULL, 'w'},
		{"tls-share", 1, NULL, 't'},   {"change-share", 1, NULL, 'p'},
		{"seed", 1, NULL, 'S'},	       {0}};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (take_option(c, s) < 0)
			return -EINVAL;
	return optind < argc ? wrong("too many arguments") : 0;
}

/* A secret on one line. */
static char *read_secret(const char *path, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(4096);
	char *s;

	if (sut_file_read(path, &b, err) < 0)
		return NULL;
	s = strndup(sut_buf_str(&b), strcspn(sut_buf_str(&b), "\r\n"));
	if (!s)
		sut_err_oom(err);
	return s;
}

static void print_result(const struct load_result *r)
{
	printf("good %llu\nseconds %.2f\nrate %.0f\n", (unsigned long long)r->good, r->seconds,
	       r->seconds > 0 ? (double)r->good / r->seconds : 0);
	printf("p50_ms %.3f\np99_ms %.3f\np999_ms %.3f\nmax_ms %.3f\n",
	       (double)hist_at(&r->latency, 0.5) / 1000, (double)hist_at(&r->latency, 0.99) / 1000,
	       (double)hist_at(&r->latency, 0.999) / 1000, (double)r->latency.max / 1000);
	for (int i = 0; i < 600; i++)
		if (r->statuses[i])
			printf("status_%d %llu\n", i, (unsigned long long)r->statuses[i]);
	printf("refused %llu\nlost %llu\ntimeouts %llu\nretries %llu\nleft %llu\n",
	       (unsigned long long)r->refused, (unsigned long long)r->lost,
	       (unsigned long long)r->timeouts, (unsigned long long)r->retries,
	       (unsigned long long)r->left);
	printf("handshakes %llu\nresumed %llu\nlongest_gap_s %.3f\n",
	       (unsigned long long)r->handshakes, (unsigned long long)r->resumed, r->longest_gap);
}

static int run_load(struct settings *s, struct fleet *f, struct sut_err *err)
{
	static struct load_result result;
	int r = load_run(f, &s->load, &result, err);

	if (r == 0)
		print_result(&result);
	return r < 0 ? r : result.left ? 1 : 0;
}

static int run_verify(struct settings *s, struct fleet *f, struct sut_err *err)
{
	_cleanup_(sut_freep) char *token = s->token_file ? read_secret(s->token_file, err) : NULL;
	struct verify_result v = {0};
	int r;

	if (!token)
		return s->token_file ? -err->code : wrong("verify needs --token-file");
	r = verify_run(f, s->load.urls[0], token, &v, err);
	if (r < 0)
		return r;
	printf("compared %llu\npending %llu\nmissing %llu\nwrong %llu\n",
	       (unsigned long long)v.compared, (unsigned long long)v.pending,
	       (unsigned long long)v.missing, (unsigned long long)v.wrong);
	return v.missing || v.wrong || !v.compared;
}

static int run(const char *command, struct settings *s, struct sut_err *err)
{
	char *keys[LOAD_KEYS_MAX] = {0};
	struct fleet f = {.fd = -1};
	int r = 0;

	if (!s->load.nurls)
		return wrong("--url is missing");
	if (!strcmp(command, "get"))
		return s->load.get ? run_load(s, &f, err) : wrong("get needs --path");
	s->load.get = NULL;
	if (!s->state)
		return wrong("--state is missing");
	r = fleet_open(s->state, s->systems, s->load.seed, &f, err);
	if (r == 0 && !strcmp(command, "enroll")) {
		if (!s->has_duration)
			s->load.seconds = 0;
		for (size_t i = 0; r == 0 && i < s->nkey_files; i++) {
			keys[i] = read_secret(s->key_files[i], err);
			r = keys[i] ? 0 : -err->code;
			s->load.keys[s->load.nkeys++] = keys[i];
		}
		if (r == 0)
			r = s->nkey_files ? run_load(s, &f, err) : wrong("enroll needs --key-file");
	} else if (r == 0 && !strcmp(command, "checkin")) {
		r = run_load(s, &f, err);
	} else if (r == 0 && !strcmp(command, "verify")) {
		r = run_verify(s, &f, err);
	} else if (r == 0) {
		r = wrong("there is no such command");
	}
	for (size_t i = 0; i < s->nkey_files; i++)
		free(keys[i]);
	fleet_close(&f);
	return r;
}

int main(int argc, char **argv)
{
	struct settings s = {.load = {.connections = 100,
				      .keep_alive = 1000,
				      .seconds = 10,
				      .change_share = 0.01,
				      .seed = 1,
				      .stop = &stop}};
	struct sut_err err = {0};
	struct rlimit fds;
	int r;

	if (argc < 2 || !strcmp(argv[1], "--help")) {
		fputs(help, argc < 2 ? stderr : stdout);
		return argc < 2 ? 64 : 0;
	}
	if (parse(argc - 1, argv + 1, &s) < 0)
		return 64;
	if (getrlimit(RLIMIT_NOFILE, &fds) == 0) {
		fds.rlim_cur = fds.rlim_max;
		(void)!setrlimit(RLIMIT_NOFILE, &fds);
	}
	signal(SIGPIPE, SIG_IGN);
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	r = run(argv[1], &s, &err);
	if (r < 0 && err.code)
		fprintf(stderr, "portal-sim: %s\n", err.msg);
	return r < 0 ? 64 : r;
}
