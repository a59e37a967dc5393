// SPDX-License-Identifier: Apache-2.0
/* suture-tuf: a client of a TUF repository on the command line, in the form that the public
 * conformance suite drives (CLIENT-CLI.md there). */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/str.h"
#include "http/http.h"
#include "tuf/client.h"

/* The suite knows no other status than 0 and 1. */
enum { EXIT_DONE = 0, EXIT_FAILED = 1 };

struct options {
	const char *metadata_dir, *metadata_url, *targets_url, *target_dir;
	const char *ca_file;
	uint64_t timeout; /* seconds; 0: the usual ones */
	struct sut_strv names;
	bool verbose, stats;
};

static void usage(FILE *f)
{
	fputs("usage: suture-tuf --metadata-dir DIR init ROOT_FILE\n"
	      "       suture-tuf --metadata-dir DIR --metadata-url URL refresh\n"
	      "       suture-tuf --metadata-dir DIR --metadata-url URL --target-name PATH...\n"
	      "                  --target-base-url URL --target-dir DIR download\n"
	      "\n"
	      "  init      trust this root.json; no network\n"
	      "  refresh   bring the metadata up to date\n"
	      "  download  refresh, then fetch targets into the folder\n"
	      "\n"
	      "  --metadata-dir DIR     what is trusted is kept here\n"
	      "  --metadata-url URL     where the repository's metadata is\n"
	      "  --target-name PATH     a target; may be given several times\n"
	      "  --target-base-url URL  where the repository's targets are\n"
	      "  --target-dir DIR       where downloaded targets go\n"
	      "  --ca-file FILE         certificate authorities instead of the system's: a PEM file, or\n"
	      "                         a folder as 'openssl rehash' makes it\n"
	      "  --timeout SECONDS      give up when the server is silent for so long, instead of 60\n"
	      "  --verbose              say each request, and what became of it\n"
	      "  --stats                at the end, one line with the numbers of requests and bytes\n"
	      "  --help, --version\n"
	      "\n"
	      "Exit status: 0 done, 1 failed; the reason is on standard error.\n",
	      f);
}

static int wrong_usage(const char *why, const char *what)
{
	fprintf(stderr, "suture-tuf: %s%s\n\n", why, what);
	usage(stderr);
	return EXIT_FAILED;
}

static int failed(const struct sut_err *err)
{
	fprintf(stderr, "suture-tuf: %s\n", err->msg);
	return EXIT_FAILED;
}

/* ------------------------------------------------------------------ */
/* --verbose: the fetcher of lib/http, with a line per request          */

static void say_result(const char *url, uint64_t before, uint64_t after, int r)
{
	if (r < 0)
		fprintf(stderr, "GET %s: %s\n", url, strerror(-r));
	else
		fprintf(stderr, "GET %s: %llu bytes\n", url, (unsigned long long)(after - before));
}

static uint64_t received(struct sut_http *h)
{
	struct sut_http_stats st;

	sut_http_stats(h, &st);
	return st.received;
}

static int verbose_get(void *ctx, const char *url, size_t max, struct sut_buf *out,
		       struct sut_err *err)
{
	uint64_t before = received(ctx);
	int r = sut_http_get(ctx, url, max, out, err);

	say_result(url, before, received(ctx), r);
	return r;
}

static int verbose_get_file(void *ctx, const char *url, int fd, uint64_t have, uint64_t max,
			    struct sut_err *err)
{
	uint64_t before = received(ctx);
	int r = sut_http_get_file(ctx, url, fd, have, max, err);

	say_result(url, before, received(ctx), r);
	return r;
}

/* ------------------------------------------------------------------ */

static int cmd_init(const struct options *o, const char *file, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf root = SUT_BUF_INIT(SUT_TUF_ROOT_MAX);
	int r = sut_file_read(file, &root, err);

	if (r == 0)
		r = sut_tuf_init(o->metadata_dir, root.data, root.len, err);
	return r;
}

static int download(const struct options *o, struct sut_tuf_client *c, struct sut_err *err)
{
	for (size_t i = 0; i < o->names.n; i++) {
		_cleanup_(sut_freep) char *path = NULL;
		struct sut_tuf_target t;
		int r = sut_tuf_find(c, o->names.v[i], &t, err);

		if (r == 0)
			r = sut_tuf_download(c, &t, o->target_dir, &path, err);
		if (r < 0)
			return r;
		if (o->verbose)
			fprintf(stderr, "%s: %s\n", o->names.v[i], path);
	}
	return 0;
}

/* refresh, or download when targets are named. */
static int cmd_update(const struct options *o, struct sut_http *http, struct sut_err *err)
{
	_cleanup_(sut_tuf_client_freep) struct sut_tuf_client *c = NULL;
	struct sut_tuf_client_opts opts = {
		.metadata_dir = o->metadata_dir,
		.metadata_url = o->metadata_url,
		.targets_url = o->targets_url,
		.fetcher = sut_tuf_fetch_http(http),
		.now = time(NULL),
	};
	int r;

	if (o->verbose)
		opts.fetcher = (struct sut_tuf_fetcher){verbose_get, verbose_get_file, http};
	r = sut_tuf_client_new(&opts, &c, err);
	if (r == 0)
		r = sut_tuf_refresh(c, err);
	return r == 0 ? download(o, c, err) : r;
}

static int update(const struct options *o)
{
	_cleanup_(sut_http_freep) struct sut_http *http = NULL;
	struct sut_http_opts opts = {
		.ca_file = o->ca_file,
		.connect_sec = (unsigned int)o->timeout,
		.stall_sec = (unsigned int)o->timeout,
	};
	struct sut_http_stats st;
	struct sut_err err = {0};
	int r = sut_http_new(&opts, &http, &err);

	if (r < 0)
		return failed(&err);
	r = cmd_update(o, http, &err);
	if (o->stats) {
		sut_http_stats(http, &st);
		printf("requests %llu sent %llu received %llu\n", (unsigned long long)st.requests,
		       (unsigned long long)st.sent, (unsigned long long)st.received);
	}
	return r < 0 ? failed(&err) : EXIT_DONE;
}

static int run(struct options *o, int argc, char **argv)
{
	const char *command = argc ? argv[0] : "";
	bool fetch = !strcmp(command, "download");
	struct sut_err err = {0};

	if (!argc)
		return wrong_usage("no command was given", "");
	if (strcmp(command, "init") && strcmp(command, "refresh") && !fetch)
		return wrong_usage("there is no such command: ", command);
	if (!o->metadata_dir)
		return wrong_usage("--metadata-dir is missing", "");
	if (!strcmp(command, "init")) {
		if (argc != 2)
			return wrong_usage("init takes one file, the trusted root.json", "");
		return cmd_init(o, argv[1], &err) < 0 ? failed(&err) : EXIT_DONE;
	}
	if (argc != 1)
		return wrong_usage("too many arguments: ", argv[1]);
	if (!o->metadata_url)
		return wrong_usage("--metadata-url is missing", "");
	if (fetch && (!o->names.n || !o->targets_url || !o->target_dir))
		return wrong_usage("download needs --target-name, --target-base-url and "
				   "--target-dir",
				   "");
	if (!fetch)
		sut_strv_release(&o->names);
	return update(o);
}

int main(int argc, char **argv)
{
	enum {
		METADATA_DIR = 1,
		METADATA_URL,
		TARGET_NAME,
		TARGETS_URL,
		TARGET_DIR,
		CA_FILE,
		TIMEOUT,
		VERBOSE,
		STATS,
		HELP,
		VERSION
	};
	static const struct option options[] = {
		{"metadata-dir", required_argument, NULL, METADATA_DIR},
		{"metadata-url", required_argument, NULL, METADATA_URL},
		{"target-name", required_argument, NULL, TARGET_NAME},
		{"target-base-url", required_argument, NULL, TARGETS_URL},
		{"target-dir", required_argument, NULL, TARGET_DIR},
		{"ca-file", required_argument, NULL, CA_FILE},
		{"timeout", required_argument, NULL, TIMEOUT},
		{"verbose", no_argument, NULL, VERBOSE},
		{"stats", no_argument, NULL, STATS},
		{"help", no_argument, NULL, HELP},
		{"version", no_argument, NULL, VERSION},
		{0},
	};
	struct options o = {0};
	int c, status;

	signal(SIGPIPE, SIG_IGN); /* TLS writes to sockets that may be closed */
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case METADATA_DIR:
			o.metadata_dir = optarg;
			break;
		case METADATA_URL:
			o.metadata_url = optarg;
			break;
		case TARGET_NAME:
			if (sut_strv_add(&o.names, optarg) < 0) {
				fputs("suture-tuf: out of memory\n", stderr);
				return EXIT_FAILED;
			}
			break;
		case TARGETS_URL:
			o.targets_url = optarg;
			break;
		case TARGET_DIR:
			o.target_dir = optarg;
			break;
		case CA_FILE:
			o.ca_file = optarg;
			break;
		case TIMEOUT:
			if (sut_parse_u64(optarg, 86400, &o.timeout) < 0 || !o.timeout) {
				status = wrong_usage("--timeout takes seconds, 1 to 86400, not ",
						     optarg);
				sut_strv_release(&o.names);
				return status;
			}
			break;
		case VERBOSE:
			o.verbose = true;
			break;
		case STATS:
			o.stats = true;
			break;
		case HELP:
			usage(stdout);
			return EXIT_DONE;
		case VERSION:
			printf("suture-tuf %s\n", SUTURE_VERSION);
			return EXIT_DONE;
		default:
			usage(stderr);
			sut_strv_release(&o.names);
			return EXIT_FAILED;
		}
	}
	status = run(&o, argc - optind, argv + optind);
	sut_strv_release(&o.names);
	return status;
}
