// SPDX-License-Identifier: Apache-2.0
/* suture lib apply: a patch file of a library, for authors. suture-apply verifies it again, and does it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ask.h"
#include "base/file.h"
#include "base/str.h"
#include "cmd.h"
#include "cmd_lib.h"
#include "kernel/insecure.h"
#include "kernel/trust.h"
#include "options.h"
#include "show.h"

static const char help[] =
	"usage: suture lib apply FILE [OPTION]...\n\n"
	"Applies a patch of a library (upatch.bin) to every process that uses it, now and later.\n"
	"What was applied to that library before is replaced. FILE.sig beside it must be a signature\n"
	"by one of the keys in " SUT_KEYS_DIR ".\n\n"
	"  --sig FILE        the signature lies elsewhere\n"
	"  --insecure-local  for authors of patches, on machines for tests: apply although nobody\n"
	"                    vouches for the patch; it is logged who did it. Refused where\n"
	"                    " SUT_POLICY_FILE " says 'insecure-local = refuse'\n"
	"  --dry-run         everything but the change itself\n"
	"  --force           also a lower level than the applied one, and in spite of hold and of\n"
	"                    'suture mode no-apply'; never of a quarantine\n"
	"  --quiet           no progress\n"
	"  --json            one object on stdout (docs/formats/status.md)\n\n"
	"Exit status: 0 applied (or it was already), 1 error, 3 not a patch of a library, 5 nobody\n"
	"this machine trusts has signed it, 6 held back, 9 quarantined, 64 usage\n";

struct lib_apply {
	const char *file, *sig;
	bool insecure, dry_run, force;
	struct progress progress;
	struct sut_loaded *l;
	json_t *answer;
};

/* Where there is none, suture-apply is given something that is none: it says what is missing. */
static int read_signature(const struct lib_apply *a, struct sut_buf *b, struct sut_err *err)
{
	static const char none[] = "unsigned\n";
	_cleanup_(sut_freep) char *beside = sut_sprintf("%s.sig", a->file);
	const char *path = a->sig ? a->sig : beside;
	struct sut_err why = {0};
	int r;

	if (!beside)
		return sut_err_oom(err);
	r = sut_file_read(path, b, &why);
	if (r < 0 && (r != -ENOENT || a->sig) && err)
		*err = why;
	if (r != -ENOENT || a->sig)
		return r;
	if (!a->insecure)
		return sut_err_reason(err, ENOKEY, "unsigned",
				      "%s has no signature beside it (%s). Get that file as well",
				      a->file, path);
	return sut_buf_add(b, none, sizeof(none) - 1) < 0 ? sut_err_oom(err) : 0;
}

static void say_insecure(const struct lib_apply *a)
{
	const struct sut_trust_opts o = {.sig = a->sig, .insecure_local = true};
	struct sut_trust t;

	if (sut_trust_check(&o, a->file, a->l, &t, NULL) < 0)
		return;
	sut_insecure_warn(a->file, a->l, &t);
	sut_insecure_log("lib apply --insecure-local", "trust %s, sha256 %s, file %s",
			 sut_trust_is_good(&t) ? "good" : t.why.reason, a->l->sha256, a->file);
}

static int stage(struct lib_apply *a, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf sig = SUT_BUF_INIT(SUT_MINISIGN_FILE_MAX);
	_cleanup_(wire_fds_release) struct wire_fds fds = {.v = {-1, -1}, .n = 2};
	_cleanup_(json_decrefp) json_t *answer = NULL;
	int r = sut_loaded_open(a->file, &a->l, err);

	if (r == 0)
		r = read_signature(a, &sig, err);
	if (r == 0 && a->insecure)
		say_insecure(a);
	if (r == 0)
		r = ask_memfd("upatch.bin", a->l->file.data, a->l->file.len, &fds.v[0], err);
	if (r == 0)
		r = ask_memfd("upatch.bin.sig", sig.data, sig.len, &fds.v[1], err);
	if (r == 0)
		r = ask_call(ASK_APPLY,
			     json_pack("{s:s,s:s,s:b}", "verb", "stage", "sha256", a->l->sha256,
				       "insecure_local", a->insecure),
			     &(struct ask){.fds = &fds}, &answer, err);
	if (r == 0 && !sut_streq(show_string(show_object(answer, "patch"), "kind"), "library"))
		r = sut_err_reason(err, EMEDIUMTYPE, "library",
				   "%s is the patch of a kernel: use 'suture apply'", a->file);
	return r;
}

static int run(struct lib_apply *a, struct sut_err *err)
{
	int r = ask_need_root("applying a patch", err);

	if (r == 0)
		r = stage(a, err);
	if (r < 0)
		return r;
	return ask_call(ASK_APPLY,
			json_pack("{s:s,s:s,s:s,s:b,s:b,s:b}", "verb", "lib-apply", "sha256",
				  a->l->sha256, "by", "root", "dry_run", a->dry_run, "down",
				  a->force, "force", a->force),
			&(struct ask){.progress = &a->progress}, &a->answer, err);
}

int cmd_lib_apply(int argc, char **argv)
{
	struct lib_apply a = {.file = NULL};
	bool quiet = false, json = false;
	const struct options_row rows[] = {
		OPTIONS_TEXT("sig", &a.sig),	     OPTIONS_FLAG("insecure-local", &a.insecure),
		OPTIONS_FLAG("dry-run", &a.dry_run), OPTIONS_FLAG("force", &a.force),
		OPTIONS_FLAG("quiet", &quiet),	     OPTIONS_FLAG("json", &json)};
	const struct options o = {"lib apply",		help, rows, SUT_ARRAY_SIZE(rows), 1, 1,
				  "name one patch file"};
	const json_t *result;
	struct sut_err err = {0};
	char **words;
	size_t n;
	int exit = options_parse(&o, argc, argv, &words, &n);

	if (exit != OPTIONS_GO_ON)
		return exit;
	a.file = words[0];
	progress_init(&a.progress, "lib apply", quiet, json);
	ask_catch_signals(&a.progress);
	(void)!run(&a, &err);
	result = show_object(a.answer, "result");
	if (!json && !err.code)
		lib_show_result(result);
	exit = show_end("lib apply", json, "suture-lib-apply",
			json_pack("{s:b,s:O?}", "dry_run", a.dry_run, "result", result), &err);
	sut_loaded_free(a.l);
	json_decref(a.answer);
	return exit;
}
