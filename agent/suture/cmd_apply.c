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

#include "base/str.h"
#include "cmd.h"
#include "engine.h"
#include "kernel.h"
#include "session.h"

static const char help[] =
	"usage: suture apply FILE [OPTION]...\n\n"
	"Applies a patch to the running kernel. What was applied before is replaced in\n"
	"the same pause. Without success the kernel is as it was.\n\n"
	"  --engine FILE  suture.ko to load when it is not loaded yet (default: the one\n"
	"                 installed for this kernel)\n"
	"  --dry-run      everything but the change itself\n"
	"  --force        also when the patch has a lower level than the applied one, or the\n"
	"                 same level and another id: fixes that are live may be lost\n"
	"  --attempts N   how often to try while tasks are inside the code to be replaced\n"
	"                 (default: 10, which take about a minute)\n"
	"  --json         one object on stdout (docs/formats/status.md)\n\n"
	"Exit status: 0 applied (or it was already), 1 error, 2 busy, 3 the patch is for\n"
	"another kernel, 4 the running code differs or somebody else changes it, 64 usage\n";

struct apply {
	const char *file, *engine_file;
	bool force;
	unsigned int attempts;
	struct sut_report report;
	struct sut_loaded *patch;
	struct sut_engine engine;
	struct suture_status status; /* before */
	int lock;
};

static int check_engine(struct apply *a)
{
	const struct sut_manifest *m = a->patch->manifest;
	int r = sut_engine_get(&a->engine, a->engine_file, &a->report.err);

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
	if (r == 0 && !rep->dry_run)
		unload_replaced(a);
	else if (ours)
		unload_payload(a);
	return r;
}

static int run(struct apply *a)
{
	struct sut_report *rep = &a->report;
	struct sut_kernel kernel;
	int r = sut_session_need_root("applying a patch", &rep->err);

	if (r == 0)
		r = sut_loaded_read(a->file, &a->patch, &rep->err);
	if (r < 0)
		return r;
	rep->loaded = a->patch;
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
	enum { OPT_ENGINE = 1, OPT_DRY_RUN, OPT_FORCE, OPT_ATTEMPTS, OPT_JSON };
	static const struct option options[] = {{"engine", required_argument, NULL, OPT_ENGINE},
						{"dry-run", no_argument, NULL, OPT_DRY_RUN},
						{"force", no_argument, NULL, OPT_FORCE},
						{"attempts", required_argument, NULL, OPT_ATTEMPTS},
						{"json", no_argument, NULL, OPT_JSON},
						{"help", no_argument, NULL, 'h'},
						{0}};
	int c;

	*ret_exit = SUT_EXIT_USAGE;
	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (c) {
		case OPT_ENGINE:
			a->engine_file = optarg;
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
