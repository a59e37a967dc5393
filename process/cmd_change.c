// SPDX-License-Identifier: Apache-2.0
/* suture-process apply, revert and repair: what is done to processes by hand. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "change/engine.h"
#include "change/record.h"
#include "cmd.h"

enum { PIDS_MAX = 4096, TRIES_MAX = 10000, DEADLINE_MAX = 10000000, TARGETS_MAX = 256 };

static const struct option options[] = {
	{"pid", required_argument, NULL, 'p'},
	{"tries", required_argument, NULL, 't'},
	{"deadline", required_argument, NULL, 'd'},
	{"per-function", no_argument, NULL, 'f'},
	{"scan-heap", optional_argument, NULL, 's'},
	{"include-init", no_argument, NULL, 'i'},
	{"build-id", required_argument, NULL, 'b'},
	{"all", no_argument, NULL, 'a'},
	{"json", no_argument, NULL, 'j'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static const char common_help[] =
	"  --pid PID         the process; may be given several times\n"
	"  --tries N         how often, when somebody is inside of an old function (12), with\n"
	"                    pauses of 1, 2, 4 ... 64 ms\n"
	"  --deadline USEC   in which all threads have to stop (50000)\n"
	"  --scan-heap[=WHEN]  return addresses may lie anywhere in memory: yes, no, or auto\n"
	"                    (where makecontext or swapcontext is in use)\n"
	"  --include-init    PID 1 as well\n"
	"  --json            one document for programs\n\n"
	"Ends with 0, or 2: not now; 3: not this process, ever; 4: its code is not what the patch\n"
	"is for; 1: anything else. Of several processes the first that failed counts.\n";

struct args {
	pid_t pids[PIDS_MAX];
	size_t npids;
	struct proc_options o;
	bool json, all, help;
	const char *file;
	uint8_t build_id[SUT_LIBRARY_BUILD_ID_LEN];
	bool has_build_id;
};

static int complain(const char *what, const char *value)
{
	fprintf(stderr, "suture-process: %s '%s'; --help tells more\n", what, value);
	return PROCESS_EXIT_USAGE;
}

static int parse_scan(const char *when, int8_t *ret)
{
	if (!when || sut_streq(when, "yes"))
		*ret = 1;
	else if (sut_streq(when, "no"))
		*ret = 0;
	else if (sut_streq(when, "auto"))
		*ret = -1;
	else
		return -EINVAL;
	return 0;
}

/* allowed: letters of the options that this command has besides those that all have. 0 or an exit status. */
static int parse(int argc, char **argv, const char *allowed, struct args *a)
{
	uint64_t n;
	int c;

	a->o.scan_heap = -1;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (strchr("fba", c) && !strchr(allowed, c))
			return complain("this command has no option", argv[optind - 1]);
		switch (c) {
		case 'p':
			if (sut_parse_u64(optarg, INT32_MAX, &n) < 0 || !n || a->npids == PIDS_MAX)
				return complain("no number of a process:", optarg);
			a->pids[a->npids++] = (pid_t)n;
			break;
		case 't':
			if (sut_parse_u64(optarg, TRIES_MAX, &n) < 0 || !n)
				return complain("tries are 1 to 10000, not", optarg);
			a->o.tries = (uint32_t)n;
			break;
		case 'd':
			if (sut_parse_u64(optarg, DEADLINE_MAX, &n) < 0 || !n)
				return complain("a deadline is 1 to 10000000 microseconds, not",
						optarg);
			a->o.deadline_us = (uint32_t)n;
			break;
		case 'f':
			a->o.each_function = true;
			break;
		case 's':
			if (parse_scan(optarg, &a->o.scan_heap) < 0)
				return complain("--scan-heap is yes, no or auto, not", optarg);
			break;
		case 'i':
			a->o.init = true;
			break;
		case 'b':
			if (sut_unhex(optarg, a->build_id, sizeof(a->build_id)) < 0)
				return complain("a build-id has 40 hexadecimal digits, not",
						optarg);
			a->has_build_id = true;
			break;
		case 'a':
			a->all = true;
			break;
		case 'j':
			a->json = true;
			break;
		case 'h':
			a->help = true;
			return 0;
		default:
			return PROCESS_EXIT_USAGE;
		}
	}
	if (!a->npids)
		return complain("which process? Missing:", "--pid");
	if (optind < argc)
		a->file = argv[optind++];
	if (optind < argc)
		return complain("one argument too many:", argv[optind]);
	return 0;
}

/* ---- what is printed ---- */

static void print_text(pid_t pid, const struct proc_result *r, const struct proc_patch *patch)
{
	printf("%d: %s", pid, r->reason);
	if (patch && !r->text[0])
		printf(" %s, level %" PRIu32, patch->manifest->id, patch->manifest->level);
	if (r->stops)
		printf(", %" PRIu32 " thread%s stopped for %" PRIu64 " microseconds", r->threads,
		       r->threads == 1 ? "" : "s", r->stop_ns / 1000);
	if (r->tries > 1)
		printf(", %" PRIu32 " tries", r->tries);
	/* Names of threads are the process's own. */
	if (r->text[0])
		printf(": ");
	cmd_print_text(r->text);
	putchar('\n');
}

static json_t *result_json(pid_t pid, const struct proc_result *r, int status)
{
	json_t *text = json_string(r->text);

	return json_pack("{s:i, s:b, s:s, s:o, s:b, s:I, s:I, s:I, s:I, s:I, s:I}", "pid", (int)pid,
			 "ok", status == 0, "reason", r->reason, "text",
			 text ? text : json_string("?"), "again", (int)r->again, "stop_ns",
			 (json_int_t)r->stop_ns, "total_ns", (json_int_t)r->total_ns, "threads",
			 (json_int_t)r->threads, "stops", (json_int_t)r->stops, "tries",
			 (json_int_t)r->tries, "mappings", (json_int_t)r->mappings);
}

/* What one command does to one process. */
typedef int (*each_fn)(pid_t pid, const struct args *a, const struct proc_patch *patch,
		       struct proc_result *r, struct sut_err *err);

static int apply_one(pid_t pid, const struct args *a, const struct proc_patch *patch,
		     struct proc_result *r, struct sut_err *err);

static int for_each(const struct args *a, const struct proc_patch *patch, each_fn fn)
{
	json_t *list = a->json ? json_array() : NULL;
	int status = PROCESS_EXIT_OK;

	for (size_t i = 0; i < a->npids; i++) {
		struct proc_result r = {0};
		struct sut_err err = {0};
		int one = cmd_status(fn(a->pids[i], a, patch, &r, &err));

		if (one && !status)
			status = one;
		if (a->json)
			json_array_append_new(list, result_json(a->pids[i], &r, one));
		else
			print_text(a->pids[i], &r, fn == apply_one ? patch : NULL);
	}
	if (a->json) {
		json_t *doc = json_pack("{s:o}", "processes", list);

		if (!doc || json_dumpf(doc, stdout, JSON_INDENT(2)) < 0)
			status = PROCESS_EXIT_ERROR;
		putchar('\n');
		json_decref(doc);
	}
	return status;
}

/* ---- the commands ---- */

static int apply_one(pid_t pid, const struct args *a, const struct proc_patch *patch,
		     struct proc_result *r, struct sut_err *err)
{
	return proc_apply(pid, patch, &a->o, r, err);
}

static int repair_one(pid_t pid, const struct args *a, const struct proc_patch *patch,
		      struct proc_result *r, struct sut_err *err)
{
	(void)patch;
	return proc_repair(pid, &a->o, r, err);
}

/* The build-ids of everything that is applied in a process. */
static int applied(pid_t pid, uint8_t ids[][SUT_LIBRARY_BUILD_ID_LEN], size_t max, size_t *ret_n,
		   struct sut_err *err)
{
	_cleanup_(proc_closep) struct proc *p = NULL;
	struct record *known = NULL;
	size_t n = 0, nknown;
	int r;

	r = proc_open(pid, &p, err);
	if (!r)
		r = record_find(p, &known, &nknown, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < nknown; i++) {
		const struct record_head *h = &known[i].head;
		bool seen = h->state == RECORD_REVERTED || h->state == RECORD_REPLACED;

		for (size_t k = 0; k < n && !seen; k++)
			seen = !memcmp(ids[k], h->build_id, sizeof(ids[k]));
		if (!seen && n < max)
			memcpy(ids[n++], h->build_id, sizeof(ids[0]));
	}
	record_free_all(known, nknown);
	*ret_n = n;
	return 0;
}

static int revert_one(pid_t pid, const struct args *a, const struct proc_patch *patch,
		      struct proc_result *r, struct sut_err *err)
{
	uint8_t ids[TARGETS_MAX][SUT_LIBRARY_BUILD_ID_LEN];
	struct proc_result all = {.reason = "current"};
	size_t n;
	int rc;

	if (!a->all)
		return proc_revert(pid, patch ? patch->library->build_id : a->build_id, &a->o, r,
				   err);
	rc = applied(pid, ids, TARGETS_MAX, &n, err);
	if (rc < 0) {
		snprintf(r->reason, sizeof(r->reason), "%.31s", err->reason);
		snprintf(r->text, sizeof(r->text), "%.255s", err->msg);
		return rc;
	}
	for (size_t i = 0; i < n; i++) {
		rc = proc_revert(pid, ids[i], &a->o, r, err);
		if (rc < 0)
			return rc;
		if (!sut_streq(r->reason, "current"))
			memcpy(all.reason, r->reason, sizeof(all.reason));
		all.stops += r->stops;
		all.tries += r->tries;
		all.mappings += r->mappings;
		all.total_ns += r->total_ns;
		if (r->stop_ns > all.stop_ns)
			all.stop_ns = r->stop_ns;
		if (r->threads > all.threads)
			all.threads = r->threads;
	}
	*r = all;
	return 0;
}

static int with_file(const struct args *a, each_fn fn)
{
	_cleanup_(proc_patch_freep) struct proc_patch *patch = NULL;
	struct sut_err err = {0};

	if (a->file && cmd_load(a->file, &patch, &err) < 0) {
		fprintf(stderr, "suture-process: %s\n", err.msg);
		return PROCESS_EXIT_ERROR;
	}
	return for_each(a, patch, fn);
}

int cmd_apply(int argc, char **argv)
{
	static struct args a;
	int r = parse(argc, argv, "f", &a);

	if (!r && a.help) {
		printf("usage: suture-process apply --pid PID... [OPTION]... FILE\n\n"
		       "Brings processes to the patch FILE (upatch.bin), whatever patch of ours they have.\n"
		       "No signature is looked at.\n\n"
		       "  --per-function    switch each function as soon as it is free, not all at once\n%s",
		       common_help);
		return PROCESS_EXIT_OK;
	}
	if (!r && !a.file)
		r = complain("which patch? Missing:", "FILE");
	return r ? r : with_file(&a, apply_one);
}

int cmd_revert(int argc, char **argv)
{
	static struct args a;
	int r = parse(argc, argv, "ba", &a);

	if (!r && a.help) {
		printf("usage: suture-process revert --pid PID... [OPTION]... (FILE | --build-id ID | --all)\n\n"
		       "Takes out what of ours is applied: to the target of the patch FILE, to the file with\n"
		       "that build-id, or to all files.\n\n%s",
		       common_help);
		return PROCESS_EXIT_OK;
	}
	if (!r && (a.file != NULL) + a.has_build_id + a.all != 1)
		r = complain("say one of them:", "FILE, --build-id, --all");
	return r ? r : with_file(&a, revert_one);
}

int cmd_repair(int argc, char **argv)
{
	static struct args a;
	int r = parse(argc, argv, "", &a);

	if (!r && a.help) {
		printf("usage: suture-process repair --pid PID... [OPTION]...\n\n"
		       "Ends what a dead patcher has begun: forwards when all of it is there, else backwards.\n\n%s",
		       common_help);
		return PROCESS_EXIT_OK;
	}
	if (!r && a.file)
		r = complain("one argument too many:", a.file);
	return r ? r : for_each(&a, NULL, repair_one);
}
