// SPDX-License-Identifier: Apache-2.0
/*
 * suture verify: with a file, all the checks of apply and nothing of the change; without, suture-apply compares
 * the running code with what is applied.
 */
#include <stdio.h>

#include "ask.h"
#include "cmd.h"
#include "cmd_lib.h"
#include "halves.h"
#include "kernel/change.h"
#include "kernel/kernel.h"
#include "kernel/session.h"
#include "kernel/trust.h"
#include "options.h"
#include "show.h"

static const char help[] =
	"usage: suture verify [OPTION]...\n"
	"       suture verify FILE [OPTION]...\n\n"
	"Without FILE: compares the running code, byte for byte, with what the applied patch (or,\n"
	"when none is applied, the last good one) says it is. Needs root.\n\n"
	"With FILE: checks a patch without applying it: the file, whether it is made for this\n"
	"kernel, who else changes the same code, and (as root, with the engine) that the\n"
	"running code is the code the patch was built against. Also says who has signed\n"
	"it; a patch that apply would not trust is checked all the same.\n\n"
	"  --sig FILE     the signature (default: FILE.sig beside the patch)\n"
	"  --keys DIR     folder of the trusted keys (default: " SUT_KEYS_DIR ")\n"
	"  --engine FILE  suture.ko to load for the check when it is not loaded; it is\n"
	"                 unloaded again\n"
	"  --json         one object on stdout (docs/formats/status.md)\n\n"
	"Exit status: 0 fits, 1 error or not all could be checked, 3 the patch is for\n"
	"another kernel, 4 the running code differs or somebody else changes it,\n"
	"5 the policy of this machine refuses --engine, 64 usage\n";

/* An engine that is only loaded for the check is code in the kernel all the same; --keys is not. */
static int check_policy(const char *engine_file, struct sut_err *err)
{
	const struct sut_trust_opts o = {.engine = engine_file};
	struct sut_policy policy = {0};
	struct sut_err broken = {0};

	(void)!sut_policy_read(SUT_POLICY_FILE, &policy, &broken);
	return sut_trust_allowed(&o, &policy, &broken, err);
}

struct verify {
	const char *file;
	struct sut_trust_opts trust_opts;
	struct sut_trust trust;
};

static int run(struct sut_report *rep, struct verify *v, struct sut_loaded **patch)
{
	struct sut_change change = {.opts = &v->trust_opts, .trust = &v->trust};
	struct sut_kernel kernel;
	int r = check_policy(v->trust_opts.engine, &rep->err);

	if (r == 0)
		r = sut_trust_look(&v->trust_opts, v->file, patch, &v->trust, &rep->err);
	if (r < 0)
		return r;
	rep->loaded = *patch;
	rep->trust = &v->trust;
	if (!sut_trust_is_good(&v->trust) && !rep->json)
		sut_report_progress("verify", "note: apply would not trust this patch: %s",
				    v->trust.why.msg);
	r = sut_kernel_read(&kernel, &rep->err);
	if (r == 0)
		r = sut_kernel_check(&kernel, (*patch)->manifest, &rep->err);
	if (r < 0)
		return r;
	change.patch = *patch;
	return sut_change_verify(&change, rep);
}

static int verify_running(bool json)
{
	_cleanup_(halves_release) struct halves h = {0};
	_cleanup_(json_decrefp) json_t *answer = NULL;
	struct progress progress;
	struct sut_err err = {0};
	json_t *result;

	progress_init(&progress, "verify", false, json);
	ask_catch_signals(&progress);
	if (ask_need_root("comparing the running code", &err) == 0)
		(void)!ask_call(ASK_APPLY, json_pack("{s:s}", "verb", "verify"),
				&(struct ask){.progress = &progress}, &answer, &err);
	result = json_object_get(answer, "result");
	if (json_is_object(result) && json)
		return sut_report_json(json_incref(result), (int)show_int(result, "exit"));
	if (!err.code)
		(void)!show_result_error(result, &err);
	if (!err.code && !json)
		show_result(result);
	/* Their code is compared by suture-process, before each change and when it looks again. */
	if (!json && halves_read_apply(ask_root(), &h, NULL) == 0)
		lib_show_lines(h.apply);
	return show_end("verify", json, "suture-result", NULL, &err);
}

static int verify_file(struct verify *v, bool json)
{
	_cleanup_(sut_loaded_freep) struct sut_loaded *patch = NULL;
	_cleanup_(sut_report_release) struct sut_report rep = {.command = "verify", .json = json};

	rep.exit = run(&rep, v, &patch) < 0 ? sut_report_exit(&rep.err) : SUT_EXIT_OK;
	return sut_report_emit(&rep);
}

int cmd_verify(int argc, char **argv)
{
	struct verify v = {0};
	bool json = false;
	const struct options_row rows[] = {OPTIONS_TEXT("engine", &v.trust_opts.engine),
					   OPTIONS_TEXT("sig", &v.trust_opts.sig),
					   OPTIONS_TEXT("keys", &v.trust_opts.keys),
					   OPTIONS_FLAG("json", &json)};
	const struct options o = {"verify", help, rows, SUT_ARRAY_SIZE(rows), 0, 1, NULL};
	char **words;
	size_t n;
	int exit = options_parse(&o, argc, argv, &words, &n);

	if (exit != OPTIONS_GO_ON)
		return exit;
	if (!n && (v.trust_opts.engine || v.trust_opts.sig || v.trust_opts.keys))
		return options_usage("verify", "--sig, --keys and --engine go with a patch file");
	if (!n)
		return verify_running(json);
	v.file = words[0];
	return verify_file(&v, json);
}
