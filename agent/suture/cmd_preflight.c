// SPDX-License-Identifier: Apache-2.0
/* suture preflight: would this patch be applied here? All the checks of suture-apply, and no change. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ask.h"
#include "base/file.h"
#include "base/str.h"
#include "cmd.h"
#include "crypto/sha256.h"
#include "halves.h"
#include "options.h"
#include "show.h"

enum { PATCH_MAX = 64 << 20, SIG_MAX = 4096 };

static const char help[] =
	"usage: suture preflight [OPTION]... [FILE]\n\n"
	"Makes every check that comes before an apply, and changes nothing in the kernel: is the\n"
	"patch trusted and for this kernel, is the engine there, who else changes the same code,\n"
	"is the running code as expected, is there memory and disk, does anything forbid it.\n"
	"Without FILE: for the patch that was fetched last.\n\n"
	"  --sig FILE  the signature (default: FILE.sig beside the patch)\n"
	"  --json      one object on stdout (docs/formats/status.md)\n\n"
	"Exit status: 0 it could be applied, 1 error, 3 for another kernel, or nothing can be\n"
	"applied here, 4 the running code differs or somebody else changes it, 5 not trusted,\n"
	"6 held back, 9 quarantined, 64 usage\n";

static int stage(const char *path, const char *sig, char sha256[static SUT_SHA256_HEX],
		 json_t **ret_patch, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf patch = SUT_BUF_INIT(PATCH_MAX), s = SUT_BUF_INIT(SIG_MAX);
	_cleanup_(sut_freep) char *beside = sut_sprintf("%s.sig", path);
	_cleanup_(wire_fds_release) struct wire_fds fds = {0};
	_cleanup_(json_decrefp) json_t *answer = NULL;
	int r = beside ? sut_file_read(path, &patch, err) : sut_err_oom(err);

	if (r == 0)
		r = sut_file_read(sig ? sig : beside, &s, err);
	if (r == 0)
		r = ask_memfd("the patch", patch.data, patch.len, &fds.v[0], err);
	if (r < 0)
		return r;
	fds.n = 1;
	sut_sha256_hex(patch.data, patch.len, sha256);
	r = ask_memfd("the signature", s.data, s.len, &fds.v[1], err);
	if (r < 0)
		return r;
	fds.n = 2;
	r = ask_call(ASK_APPLY, json_pack("{s:s,s:s}", "verb", "stage", "sha256", sha256),
		     &(struct ask){.fds = &fds}, &answer, err);
	if (r == 0)
		*ret_patch = json_incref(json_object_get(answer, "patch"));
	return r;
}

/* What was fetched last, else what is applied. */
static int newest(char sha256[static SUT_SHA256_HEX], json_t **ret_patch, struct sut_err *err)
{
	_cleanup_(halves_release) struct halves h = {0};
	json_t *patch;

	halves_read(ask_root(), &h);
	patch = (json_t *)show_object(h.network, "available");
	if (!patch)
		patch = (json_t *)show_object(h.apply, "patch");
	if (!patch && h.network_err.code) {
		*err = h.network_err;
		return -err->code;
	}
	if (!patch || strlen(show_string(patch, "sha256")) != SUT_SHA256_HEX - 1)
		return sut_err_reason(err, ENOENT, "no-patch",
				      "no patch was fetched yet. Name a file, or run 'suture "
				      "check'");
	snprintf(sha256, SUT_SHA256_HEX, "%s", show_string(patch, "sha256"));
	*ret_patch = json_pack("{s:s,s:I,s:s}", "id", show_string(patch, "id"), "level",
			       show_int(patch, "level"), "sha256", sha256);
	return 0;
}

/* Why it could not be applied: suture-apply says it as an error with a reason. */
static int judge(const json_t *answer, struct sut_err *err)
{
	const json_t *v, *why = show_object(answer, "why");
	size_t i;

	if (json_is_object(why)) {
		wire_error_read(why, err);
		return -err->code;
	}
	json_array_foreach(json_object_get(answer, "checks"), i, v) {
		if (show_bool(v, "fatal") && !show_bool(v, "ok"))
			return sut_err_set(err, EIO, "%s", show_string(v, "text"));
	}
	return 0;
}

static void print(const json_t *patch, const json_t *checks)
{
	char name[128];
	const json_t *v;
	size_t i;

	show_patch_name(patch, name, sizeof(name));
	show(NULL, "%s", name);
	json_array_foreach(checks, i, v) {
		show(NULL, "  %-7s %-12s %s",
		     show_bool(v, "ok")	     ? "ok"
		     : show_bool(v, "fatal") ? "refused"
					     : "note",
		     show_string(v, "name"), show_string(v, "text"));
	}
}

int cmd_preflight(int argc, char **argv)
{
	bool json = false;
	const char *sig = NULL;
	const struct options_row rows[] = {OPTIONS_TEXT("sig", &sig), OPTIONS_FLAG("json", &json)};
	const struct options o = {"preflight", help, rows, SUT_ARRAY_SIZE(rows), 0, 1, NULL};
	_cleanup_(json_decrefp) json_t *answer = NULL, *patch = NULL;
	char sha256[SUT_SHA256_HEX];
	const json_t *checks;
	struct sut_err err = {0};
	char **words;
	size_t n;
	int exit = options_parse(&o, argc, argv, &words, &n), r;

	if (exit != OPTIONS_GO_ON)
		return exit;
	r = ask_need_root("asking suture-apply", &err);
	if (r == 0)
		r = n ? stage(words[0], sig, sha256, &patch, &err) : newest(sha256, &patch, &err);
	if (r == 0)
		r = ask_call(ASK_APPLY,
			     json_pack("{s:s,s:s}", "verb", "preflight", "sha256", sha256), NULL,
			     &answer, &err);
	checks = json_object_get(answer, "checks");
	if (r == 0)
		r = judge(answer, &err);
	if (checks && !json)
		print(patch, checks);
	return show_end("preflight", json, "suture-preflight",
			json_pack("{s:O?,s:O?}", "patch", patch, "checks", checks), &err);
}
