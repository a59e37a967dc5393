// SPDX-License-Identifier: Apache-2.0
/*
 * suture apply: from a file to a patched kernel. Every check comes before the
 * first change, and whatever fails leaves nothing behind: neither the payload,
 * nor an engine that was only loaded for it.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "kernel/applied.h"
#include "base/str.h"
#include "cmd.h"
#include "kernel/engine.h"
#include "kernel/insecure.h"
#include "kernel/kernel.h"
#include "kernel/session.h"
#include "kernel/trust.h"

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
	struct sut_engine engine;
	struct suture_status status; /* before */
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

static int check_engine(struct apply *a)
{
	const struct sut_manifest *m = a->patch->manifest;
	int r = sut_engine_get(&a->engine, a->trust_opts.engine, &a->report.err);

	if (r == 0)
		r = sut_engine_status(&a->engine, &a->status, &a->report.err);
	if (r < 0)
		return r;
	if (m->engine_abi != a->status.abi)
		return sut_err_reason(&a->report.err, EPROTONOSUPPORT, "abi",
				      "the patch was built for engine ABI %u and suture.ko has %u. "
				      "Get the patch of the version that is installed",
				      m->engine_abi, a->status.abi);
	if (a->status.applied) {
		snprintf(a->report.before.id, sizeof(a->report.before.id), "%s", a->status.id);
		a->report.before.level = a->status.level;
	}
	return 0;
}

static bool is_applied(const struct apply *a)
{
	const struct sut_manifest *m = a->patch->manifest;

	return a->status.applied && a->status.level == m->level && sut_streq(a->status.id, m->id);
}

/* Patches are cumulative, so a lower level takes fixes away. The same level under
 * another name may too: nothing orders the two. */
static int check_level(struct apply *a)
{
	const struct sut_manifest *m = a->patch->manifest;

	if (!a->status.applied || a->force || m->level > a->status.level)
		return 0;
	return sut_err_reason(&a->report.err, EEXIST, "lower-level",
			      "%s (level %u) is applied and the patch has level %u: fixes that are "
			      "live could be lost. Use --force if that is meant",
			      a->status.id, a->status.level, m->level);
}

static int check_conflicts(struct apply *a)
{
	struct sut_report *rep = &a->report;
	int r = sut_conflict_scan("", &a->patch->table, &rep->conflicts, &rep->err);
	size_t n;

	if (r < 0)
		return r;
	n = sut_conflicts_fatal(&rep->conflicts);
	if (n == 0)
		return 0;
	return sut_err_reason(&rep->err, EBUSY, "conflict",
			      "%zu conflict%s with the patch. Remove what is listed below, then "
			      "try again",
			      n, n == 1 ? "" : "s");
}

static int verify(struct apply *a)
{
	struct sut_report *rep = &a->report;
	const struct sut_expect_table *t = &a->patch->table;
	int r = sut_engine_verify(&a->engine, t->data, t->len, &rep->result, &rep->err);

	rep->verified = r == 0;
	rep->compared = rep->result.compared;
	rep->ignored = rep->result.ignored;
	return r;
}

static int attempt(const struct sut_engine *e, const void *arg, struct suture_result *ret,
		   struct sut_err *err)
{
	const struct apply *a = arg;

	return sut_engine_apply(e, a->patch->object->module, a->report.dry_run, ret, err);
}

/* What applies that were killed have left; the payload in force stays. */
static int remove_leftovers(struct apply *a)
{
	const char *module = a->patch->object->module;
	size_t n;

	if (a->status.applied && sut_streq(a->status.module, module))
		return sut_err_reason(&a->report.err, EEXIST, "same-module",
				      "the applied patch %s has a payload of the same name (%s). "
				      "Revert it first",
				      a->status.id, module);
	n = sut_engine_unload_idle(a->status.module);
	if (n)
		sut_report_progress("apply", "unloaded %zu idle payload%s of earlier attempts", n,
				    n == 1 ? "" : "s");
	return 0;
}

static void unload_payload(struct apply *a)
{
	struct sut_err err = {0};

	if (sut_module_unload(a->patch->object->module, &err) < 0)
		sut_report_progress("apply", "%s; nothing uses it, remove it with rmmod", err.msg);
}

/* The payload that the switch has put out of use. */
static void unload_replaced(struct apply *a)
{
	struct sut_err err = {0};

	/* One that asked to be kept is held by the engine. */
	if (a->status.applied && sut_module_unload(a->status.module, &err) < 0 && err.code != EBUSY)
		sut_report_progress("apply", "%s; nothing uses it", err.msg);
}

/* For `suture status`, and for those who read logs. The patch is applied whatever happens here. */
static void record(struct apply *a)
{
	const struct sut_manifest *m = a->patch->manifest;
	struct sut_applied rec = {.level = m->level, .trust = a->trust};
	struct suture_status now;
	struct sut_err err = {0};
	int r = sut_engine_status(&a->engine, &now, &err);

	if (a->trust_opts.insecure_local)
		sut_insecure_log("applied with --insecure-local", "patch %s, level %u, sha256 %s",
				 m->id, m->level, a->patch->sha256);
	else if (a->trust_opts.keys)
		sut_insecure_log("applied with --keys",
				 "patch %s, level %u, sha256 %s, key %s of %s", m->id, m->level,
				 a->patch->sha256, a->trust.key, a->trust_opts.keys);
	if (r == 0) {
		rec.applied_at = now.applied_at;
		snprintf(rec.id, sizeof(rec.id), "%s", m->id);
		snprintf(rec.sha256, sizeof(rec.sha256), "%s", a->patch->sha256);
		r = sut_applied_write(SUT_APPLIED_FILE, &rec, &err);
	}
	if (r < 0)
		sut_report_progress(
			"apply",
			"note: the patch is applied, but 'suture status' cannot say who "
			"signed it: %s",
			err.msg);
}

static int switch_over(struct apply *a)
{
	struct sut_report *rep = &a->report;
	bool ours;
	int r = remove_leftovers(a);

	if (r < 0)
		return r;
	r = sut_module_load(a->patch->object->payload, a->patch->payload->data,
			    a->patch->payload->len, &rep->err);
	ours = r == 0;
	/* One that is never unloaded is there from the last time it was applied. */
	if (r < 0 && !(r == -EEXIST && a->patch->object->keep))
		return r;
	r = sut_session_switch(rep, &a->engine, a->attempts, attempt, a);
	if (r == 0)
		rep->outcome = "applied";
	if (r == 0 && !rep->dry_run) {
		record(a);
		unload_replaced(a);
	} else if (ours)
		unload_payload(a);
	return r;
}

static int run(struct apply *a)
{
	struct sut_report *rep = &a->report;
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
	if (r < 0)
		return r;
	sut_session_catch_signals();
	r = check_engine(a);
	if (r < 0)
		return r;
	if (is_applied(a)) {
		rep->outcome = "already-applied";
		return 0;
	}
	r = check_level(a);
	if (r == 0)
		r = check_conflicts(a);
	if (r == 0)
		r = verify(a);
	return r < 0 ? r : switch_over(a);
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
		.engine = SUT_ENGINE_INIT,
		.lock = -1,
	};
	struct sut_report *rep = &a.report;
	int exit;

	if (!parse(&a, argc, argv, &exit))
		return exit;
	rep->exit = run(&a) < 0 ? sut_report_exit(&rep->err) : SUT_EXIT_OK;
	if (rep->result.outcome == SUTURE_E_MISMATCH || rep->result.outcome == SUTURE_E_CHANGED)
		sut_conflict_who_probes("", rep->result.func, rep->result.offset, rep->culprit,
					sizeof(rep->culprit));
	/* The engine stays when it is in use, and when it was there before. */
	sut_engine_put(&a.engine, rep->exit != SUT_EXIT_OK || rep->dry_run);
	exit = sut_report_emit(rep);
	sut_closep(&a.lock);
	sut_report_release(rep);
	sut_loaded_free(a.patch);
	return exit;
}
