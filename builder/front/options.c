// SPDX-License-Identifier: Apache-2.0
#include "front/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "uapi/suture.h"

enum {
	OPT_FILE = 256,
	OPT_REPORT,
	OPT_TARGET,
	OPT_FIX,
	OPT_LEVEL,
	OPT_CVE,
	OPT_ID,
	OPT_BUSY,
	OPT_CACHE,
	OPT_KEEP,
	OPT_JSON,
	OPT_QUIET
};

static const struct option longopts[] = {
	{"file", required_argument, NULL, OPT_FILE}, /* these two: of files only */
	{"report", required_argument, NULL, OPT_REPORT},
	{"target", required_argument, NULL, OPT_TARGET},
	{"fix", required_argument, NULL, OPT_FIX},
	{"level", required_argument, NULL, OPT_LEVEL},
	{"cve", required_argument, NULL, OPT_CVE},
	{"id", required_argument, NULL, OPT_ID},
	{"busy", required_argument, NULL, OPT_BUSY},
	{"cache", required_argument, NULL, OPT_CACHE},
	{"keep", required_argument, NULL, OPT_KEEP},
	{"output", required_argument, NULL, 'o'},
	{"json", no_argument, NULL, OPT_JSON},
	{"quiet", no_argument, NULL, OPT_QUIET},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static int bad(const char *command, const char *what)
{
	fprintf(stderr, "suture-build %s: %s; 'suture-build %s --help' tells more\n", command, what,
		command);
	return -EINVAL;
}

static bool is_word(const char *s, size_t max)
{
	size_t n = strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");

	return n && !s[n] && n <= max;
}

static int add(const char *command, struct sut_strv *l)
{
	return sut_strv_add(l, optarg) < 0 ? bad(command, "out of memory") : 0;
}

/* Where the argument of an option goes that may be anything; NULL: it is checked, or there may be several. */
static const char **plain(int c, struct sut_build_options *o)
{
	switch (c) {
	case OPT_FILE:
		return &o->file;
	case OPT_REPORT:
		return &o->report;
	case OPT_TARGET:
		return &o->target;
	case OPT_CACHE:
		return &o->cache;
	case OPT_KEEP:
		return &o->keep;
	case 'o':
		return &o->output;
	default:
		return NULL;
	}
}

/* One option that has an argument; getopt has put that into optarg. */
static int take(const char *command, int c, struct sut_build_options *o)
{
	const char **to = plain(c, o);

	if (to) {
		*to = optarg;
		return 0;
	}
	switch (c) {
	case OPT_FIX:
		return add(command, &o->fixes);
	case OPT_BUSY:
		return add(command, &o->busy);
	case OPT_LEVEL:
		if (sut_parse_u64(optarg, INT32_MAX, &o->level) < 0 || !o->level)
			return bad(command, "--level takes a number from 1");
		return 0;
	case OPT_CVE:
		if (!is_word(optarg, 32) || strncmp(optarg, "CVE-", 4))
			return bad(command, "--cve takes an id such as CVE-2026-52928");
		return add(command, &o->cves);
	default: /* OPT_ID */
		if (!is_word(optarg, SUTURE_ID_MAX - 1))
			return bad(command,
				   "--id takes letters, digits, '.', '_' and '-', at most 63");
		o->id = optarg;
		return 0;
	}
}

int sut_build_options_parse(const char *command, bool files, int argc, char **argv,
			    struct sut_build_options *o)
{
	int c, r;

	while ((c = getopt_long(argc, argv, "o:h", longopts + (files ? 0 : 2), NULL)) != -1) {
		switch (c) {
		case OPT_JSON:
			o->json = true;
			break;
		case OPT_QUIET:
			o->quiet = true;
			break;
		case 'h':
			o->help = true;
			return 0;
		case '?':
			return -EINVAL;
		default:
			r = take(command, c, o);
			if (r < 0)
				return r;
		}
	}
	if (optind < argc)
		return bad(command, "it takes options only");
	if (!o->target)
		return bad(command, "--target is missing");
	if (!o->fixes.n)
		return bad(command, "--fix is missing");
	if (!o->level)
		return bad(command, "--level is missing");
	return o->output ? 0 : bad(command, "-o is missing");
}

void sut_build_options_release(struct sut_build_options *o)
{
	sut_strv_release(&o->fixes);
	sut_strv_release(&o->cves);
	sut_strv_release(&o->busy);
}
