// SPDX-License-Identifier: Apache-2.0
/* suture job: jobs of a management platform. `run` is here; sutured does the work (docs/formats/job.md). */
#include "cmd_job.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "ask.h"
#include "base/file.h"
#include "base/str.h"
#include "base/utf8.h"
#include "cmd.h"
#include "kernel/report.h"
#include "options.h"
#include "show.h"

/* Words behind `suture job`; a row each. */
static const struct word {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
} words_of_job[] = {
	{"run", cmd_job_run, "do what a signed manifest says, and write a signed result"},
	{"new", cmd_job_new, "print a manifest to be filled in"},
	{"sign", cmd_job_sign, "make a signed envelope of a manifest"},
	{"verify", cmd_job_verify, "say what a manifest or a result says, and who signed it"},
	{"key", cmd_job_key, "make a pair of keys that sign jobs"},
};

enum { MANIFEST_MAX = WIRE_MAX / 2 }; /* bytes: as text in a message it may double */

static const char help_run[] =
	"usage: suture job run --manifest FILE|- [--result FILE|-] [OPTION]...\n\n"
	"Does what a signed manifest says: fetches, checks and applies, within its window. The\n"
	"result is a signed document that tells every step with its time (docs/formats/job.md).\n"
	"A manifest that has expired, was done before, is for other systems, or is not signed by\n"
	"a key of /etc/suture/job-keys.d is refused.\n\n"
	"  --manifest FILE  the manifest; - for standard input\n"
	"  --result FILE    where the result goes, also that of a failure; - for standard output\n"
	"  --force          outside of the windows of the manifest, too\n"
	"  --quiet          no progress\n"
	"  --json           one object on stdout (docs/formats/status.md)\n\n"
	"Exit status: 0 done, else as 'suture update' has it; docs/formats/status.md, 64 usage\n";

static int read_manifest(const char *path, struct sut_buf *b, struct sut_err *err)
{
	bool in = sut_streq(path, "-");
	const uint8_t *p, *end;
	int r = in ? sut_file_read_fd(STDIN_FILENO, "standard input", b, err)
		   : sut_file_read(path, b, err);

	if (r < 0)
		return r;
	p = (const uint8_t *)sut_buf_str(b);
	end = p + b->len;
	while (p < end) {
		int32_t c = sut_utf8_next(&p, end);

		if (c <= 0)
			return sut_err_reason(err, EBADMSG, "manifest",
					      "%s is no manifest: it is not text. Give the signed "
					      "envelope as it came",
					      in ? "standard input" : path);
	}
	if (!b->len)
		return sut_err_reason(err, EBADMSG, "manifest", "%s is empty",
				      in ? "standard input" : path);
	return 0;
}

static int write_result(const char *path, const char *text, struct sut_err *err)
{
	if (sut_streq(path, "-"))
		return fputs(text, stdout) == EOF || putchar('\n') == EOF
			       ? sut_err_errno(err, "cannot write the result")
			       : 0;
	return sut_file_write(path, text, strlen(text), 0644, err);
}

/* The envelope as an object, for those who read one document only. */
static json_t *result_json(const char *text)
{
	return *text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
}

int cmd_job_run(int argc, char **argv)
{
	bool json = false, quiet = false, force = false;
	const char *manifest = NULL, *result = NULL, *text, *outcome;
	const struct options_row rows[] = {
		OPTIONS_TEXT("manifest", &manifest), OPTIONS_TEXT("result", &result),
		OPTIONS_FLAG("force", &force), OPTIONS_FLAG("quiet", &quiet),
		OPTIONS_FLAG("json", &json)};
	const struct options o = {"job run", help_run, rows, SUT_ARRAY_SIZE(rows), 0, 0, NULL};
	_cleanup_(json_decrefp) json_t *answer = NULL, *envelope = NULL;
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(MANIFEST_MAX);
	struct progress progress;
	struct sut_err err = {0}, err2 = {0};
	char **words;
	size_t n;
	int exit = options_parse(&o, argc, argv, &words, &n), r;

	if (exit != OPTIONS_GO_ON)
		return exit;
	if (!manifest)
		return options_usage("job run", "name the manifest with --manifest");
	if (json && result && sut_streq(result, "-"))
		return options_usage("job run", "--json has the result in it; --result - does not "
						"go with it");
	progress_init(&progress, "job run", quiet, json);
	ask_catch_signals(&progress);
	r = ask_need_root("running a job", &err);
	if (r == 0)
		r = read_manifest(manifest, &b, &err);
	if (r == 0)
		r = ask_call(ASK_NETWORK,
			     json_pack("{s:s,s:s,s:b}", "verb", "job", "manifest", sut_buf_str(&b),
				       "force", force),
			     &(struct ask){.progress = &progress}, &answer, &err);
	text = show_string(answer, "result");
	outcome = show_string(answer, "outcome");
	exit = (int)show_int(answer, "exit");
	if (*text && result && write_result(result, text, &err2) < 0 && !err.code) {
		err = err2;
		exit = SUT_EXIT_ERROR;
	}
	if (err.code && !exit)
		exit = sut_report_exit(&err);
	if (!json && !err.code && *outcome && !(result && sut_streq(result, "-")))
		show(NULL, "%s", outcome);
	envelope = result_json(text);
	return show_end_with(
		"job run", json, "suture-job-run",
		json_pack("{s:s?,s:O?}", "outcome", *outcome ? outcome : NULL, "result", envelope),
		&err, exit);
}

static void usage(FILE *f)
{
	fprintf(f, "usage: suture job WORD [OPTION]...\n\n"
		   "Jobs of a management platform: signed, once, and with a signed result.\n\n");
	for (size_t i = 0; i < SUT_ARRAY_SIZE(words_of_job); i++)
		fprintf(f, "  %-7s %s\n", words_of_job[i].name, words_of_job[i].help);
	fprintf(f, "\n'suture job WORD --help' tells more.\n");
}

int cmd_job(int argc, char **argv)
{
	if (argc >= 2 && (sut_streq(argv[1], "--help") || sut_streq(argv[1], "-h"))) {
		usage(stdout);
		return SUT_EXIT_OK;
	}
	for (size_t i = 0; argc >= 2 && i < SUT_ARRAY_SIZE(words_of_job); i++)
		if (sut_streq(argv[1], words_of_job[i].name))
			return words_of_job[i].run(argc - 1, argv + 1);
	if (argc >= 2)
		return options_usage("job", "there is no '%s'", argv[1]);
	usage(stderr);
	return SUT_EXIT_USAGE;
}
