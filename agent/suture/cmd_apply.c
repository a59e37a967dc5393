// SPDX-License-Identifier: Apache-2.0
/* suture apply: from a file to a patched kernel (kernel/change.h). */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "cmd.h"
#include "kernel/change.h"
#include "kernel/insecure.h"
#include "kernel/kernel.h"
#include "kernel/session.h"
#include "kernel/trust.h"
#include "truth/truth.h"

static const char help[] =
	"usage: suture apply FILE [OPTION]...\n\n"
	"Applies a patch to the running kernel. What was applied before is replaced in\n"
	"the same pause. Without success the kernel is as it was. FILE.sig beside it must\n"
	"be a signature by one of the keys in " SUT_KEYS_DIR ".\n\n"
	"  --sig FILE     the signature lies elsewhere\n"
	"  --keys DIR     trust the keys (*.pub) of this folder instead\n"
	"  --insecure-local  for authors of patches, on machines for tests: apply although\n"
	"                 nobody vouches for the patch; it is logged who did it. This,\n"
	"                 --keys and --engine are refused where\n"
	"                 " SUT_POLICY_FILE " says 'insecure-local = refuse'\n"
	"  --engine FILE  suture.ko to load when it is not loaded yet (default: the one\n"
	"                 installed for this kernel)\n"
	"  --dry-run      everything but the change itself\n"
	"  --force        also when the patch has a lower level than the applied one, or the\n"
	"                 same level and another id: fixes that are live may be lost\n"
	"  --attempts N   how often to try while tasks are inside the code to be replaced\n"
	"                 (default: 10, which take about a minute)\n"
	"  --json         one object on stdout (docs/formats/status.md)\n\n"
	"Exit status: 0 applied (or it was already), 1 error, 2 busy, 3 the patch is for\n"
	"another kernel, 4 the running code differs or somebody else changes it, 5 nobody\n"
	"this machine trusts has signed the patch, 64 usage\n";

struct apply {
	const char *file;
	bool force;
	unsigned int attempts;
	struct sut_trust_opts trust_opts;
	struct sut_trust trust;
	struct sut_report report;
	struct sut_loaded *patch;
	int lock;
};

/* What this machine allows. A policy that cannot be relied on is told even when nothing
 * is asked of it: the owner believes something is in force that is not. */
static int check_policy(struct apply *a)
{
	struct sut_policy policy = {0};
	struct sut_err broken = {0};
	int r;

	(void)!sut_policy_read(SUT_POLICY_FILE, &policy, &broken);
	r = sut_trust_allowed(&a->trust_opts, &policy, &broken, &a->report.err);
	if (r == 0 && broken.code)
		sut_report_progress("apply", "note: %s", broken.msg);
	return r;
}

/* The file in memory, and nothing of it unpacked before somebody vouches for it. */
static int read_patch(struct apply *a)
{
	struct sut_report *rep = &a->report;
	int r = sut_loaded_open(a->file, &a->patch, &rep->err);

	if (r == 0)
		r = sut_trust_check(&a->trust_opts, a->file, a->patch, &a->trust, &rep->err);
	if (r < 0)
		return r;
	rep->trust = &a->trust;
	if (a->trust_opts.insecure_local) {
		sut_insecure_warn(a->file, a->patch, &a->trust);
		sut_insecure_log("apply --insecure-local", "trust %s, sha256 %s, file %s",
				 sut_trust_is_good(&a->trust) ? "good" : a->trust.why.reason,
				 a->patch->sha256, a->file);
	} else if (!sut_trust_is_good(&a->trust)) {
		rep->err = a->trust.why;
		return -rep->err.code;
	}
	r = sut_loaded_parse(a->patch, a->file, &rep->err);
	if (r < 0)
		return r;
	rep->loaded = a->patch;
	sut_trust_claim(&a->trust, a->patch->manifest);
	if (!a->trust_opts.insecure_local && !sut_trust_is_good(&a->trust)) {
		rep->err = a->trust.why;
		return -rep->err.code;
	}
	return 0;
}

static int run(struct apply *a)
{
	struct sut_report *rep = &a->report;
	struct sut_change change;
	struct sut_kernel kernel;
	int r = sut_session_need_root("applying a patch", &rep->err);

	if (r == 0)
		r = check_policy(a);
	if (r == 0)
		r = read_patch(a);
	if (r < 0)
		return r;
	r = sut_kernel_read(&kernel, &rep->err);
	if (r == 0)
		r = sut_kernel_check(&kernel, a->patch->manifest, &rep->err);
	if (r == 0)
		r = sut_session_lock(SUT_LOCK_FILE, &a->lock, &rep->err);
	/* Perhaps to a lower level: others hear of less before it is less. */
	if (r == 0 && a->force && !rep->dry_run)
		r = truth_withdraw("", &rep->err);
	if (r < 0)
		return r;
	sut_session_catch_signals();
	change = (struct sut_change){.patch = a->patch,
				     .trust = &a->trust,
				     .opts = &a->trust_opts,
				     .force = a->force,
				     .attempts = a->attempts};
	return sut_change_apply(&change, rep);
}

static bool parse(struct apply *a, int argc, char **argv, int *ret_exit)
{
	enum {
		OPT_ENGINE = 1,
		OPT_DRY_RUN,
		OPT_FORCE,
		OPT_ATTEMPTS,
		OPT_JSON,
		OPT_SIG,
		OPT_KEYS,
		OPT_INSECURE_LOCAL,
	};
	static const struct option options[] = {
		{"engine", required_argument, NULL, OPT_ENGINE},
		{"dry-run", no_argument, NULL, OPT_DRY_RUN},
		{"force", no_argument, NULL, OPT_FORCE},
		{"attempts", required_argument, NULL, OPT_ATTEMPTS},
		{"json", no_argument, NULL, OPT_JSON},
		{"sig", required_argument, NULL, OPT_SIG},
		{"keys", required_argument, NULL, OPT_KEYS},
		{"insecure-local", no_argument, NULL, OPT_INSECURE_LOCAL},
		{"help", no_argument, NULL, 'h'},
		{0}};
	int c;

	*ret_exit = SUT_EXIT_USAGE;
	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (c) {
		case OPT_ENGINE:
			a->trust_opts.engine = optarg;
			break;
		case OPT_DRY_RUN:
			a->report.dry_run = true;
			break;
		case OPT_FORCE:
			a->force = true;
			break;
		case OPT_JSON:
			a->report.json = true;
			break;
		case OPT_SIG:
			a->trust_opts.sig = optarg;
			break;
		case OPT_KEYS:
			a->trust_opts.keys = sut_streq(optarg, SUT_KEYS_DIR) ? NULL : optarg;
			break;
		case OPT_INSECURE_LOCAL:
			a->trust_opts.insecure_local = true;
			break;
		case OPT_ATTEMPTS:
			if (sut_session_parse_attempts(optarg, &a->attempts))
				break;
			fprintf(stderr, "suture: apply: --attempts takes 1 to %d, not '%s'\n",
				SUT_ATTEMPTS_MAX, optarg);
			return false;
		case 'h':
			fputs(help, stdout);
			*ret_exit = SUT_EXIT_OK;
			return false;
		default:
			return false;
		}
	}
	if (optind != argc - 1) {
		fprintf(stderr, "suture: apply: name one patch file; see 'suture apply --help'\n");
		return false;
	}
	a->file = argv[optind];
	return true;
}

int cmd_apply(int argc, char **argv)
{
	struct apply a = {
		.attempts = SUT_ATTEMPTS_DEFAULT,
		.report = {.command = "apply"},
		.lock = -1,
	};
	struct sut_report *rep = &a.report;
	int exit;

	if (!parse(&a, argc, argv, &exit))
		return exit;
	rep->exit = run(&a) < 0 ? sut_report_exit(&rep->err) : SUT_EXIT_OK;
	exit = sut_report_emit(rep);
	sut_closep(&a.lock);
	sut_report_release(rep);
	sut_loaded_free(a.patch);
	return exit;
}
