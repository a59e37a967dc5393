// SPDX-License-Identifier: Apache-2.0
#include "report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/str.h"
#include "exit.h"
#include "trust.h"

/* Reasons (and words of docs/formats/status.md) that have an exit status of their own. */
static const struct {
	const char *reason;
	int exit;
} exits[] = {
	{"busy", SUT_EXIT_BUSY},
	{"unreliable-stack", SUT_EXIT_BUSY},
	{"wrong-kernel", SUT_EXIT_NOT_FOR_US},
	{"library", SUT_EXIT_NOT_FOR_US},
	{"conflict", SUT_EXIT_CONFLICT},
	{"mismatch", SUT_EXIT_CONFLICT},
	{"changed", SUT_EXIT_CONFLICT},
	{"ftrace", SUT_EXIT_CONFLICT},
	{"unsigned", SUT_EXIT_NOT_TRUSTED},
	{"signature-unreadable", SUT_EXIT_NOT_TRUSTED},
	{"signature-format", SUT_EXIT_NOT_TRUSTED},
	{"bad-signature", SUT_EXIT_NOT_TRUSTED},
	{"unknown-key", SUT_EXIT_NOT_TRUSTED},
	{"claim", SUT_EXIT_NOT_TRUSTED},
	{"no-keys", SUT_EXIT_NOT_TRUSTED},
	{"keys", SUT_EXIT_NOT_TRUSTED},
	{"permissions", SUT_EXIT_NOT_TRUSTED},
	{"policy", SUT_EXIT_NOT_TRUSTED},
	{"signature", SUT_EXIT_NOT_TRUSTED}, /* of a job */
	{"unsupported", SUT_EXIT_NOT_FOR_US},
	{"no-patch", SUT_EXIT_NOT_FOR_US},
	{"container", SUT_EXIT_NOT_FOR_US},
	{"arch", SUT_EXIT_NOT_FOR_US},
	{"foreign", SUT_EXIT_NOT_FOR_US},
	{"mode", SUT_EXIT_HELD},
	{"disabled", SUT_EXIT_HELD},
	{"pin", SUT_EXIT_HELD},
	{"hold", SUT_EXIT_HELD},
	{"held", SUT_EXIT_HELD},
	{"window", SUT_EXIT_HELD},
	{"delay", SUT_EXIT_HELD},
	{"manual", SUT_EXIT_HELD},
	{"no-apply", SUT_EXIT_HELD},
	{"off", SUT_EXIT_HELD},
	{"off-mode", SUT_EXIT_HELD},
	{"off-file", SUT_EXIT_HELD},
	{"off-cmdline", SUT_EXIT_HELD},
	{"sticky", SUT_EXIT_HELD},
	{"portal-held", SUT_EXIT_HELD},
	{"stop-flag", SUT_EXIT_HELD},
	{"unloaded", SUT_EXIT_HELD},
	{"not-registered", SUT_EXIT_NOT_REGISTERED},
	{"portal-refused", SUT_EXIT_NOT_REGISTERED},
	{"identity-damaged", SUT_EXIT_NOT_REGISTERED},
	{"cloned", SUT_EXIT_NOT_REGISTERED},
	{"credential-replaced", SUT_EXIT_NOT_REGISTERED},
	{"credential-unknown", SUT_EXIT_NOT_REGISTERED},
	{"system-deleted", SUT_EXIT_NOT_REGISTERED},
	{"system-unregistered", SUT_EXIT_NOT_REGISTERED},
	{"portal-unreachable", SUT_EXIT_UNREACHABLE},
	{"portal-silent", SUT_EXIT_UNREACHABLE},
	{"repository-unreachable", SUT_EXIT_UNREACHABLE},
	{"repository-silent", SUT_EXIT_UNREACHABLE},
	{"quarantined", SUT_EXIT_QUARANTINED},
	{"pending", SUT_EXIT_PENDING},
	{"residue", SUT_EXIT_REBOOT_NEEDED},
	{"reboot-needed", SUT_EXIT_REBOOT_NEEDED},
};

int sut_report_exit(const struct sut_err *err)
{
	for (size_t i = 0; i < SUT_ARRAY_SIZE(exits); i++)
		if (sut_streq(err->reason, exits[i].reason))
			return exits[i].exit;
	return SUT_EXIT_ERROR;
}

void sut_report_release(struct sut_report *r)
{
	sut_conflicts_release(&r->conflicts);
}

/* ------------------------------------------------------------------ */

int sut_report_explain(const struct suture_result *res, int code, struct sut_err *err)
{
	const char *func = res->func;

	switch (res->outcome) {
	case SUTURE_E_TABLE:
		return sut_err_reason(err, code, "malformed",
				      "the engine refuses the patch as malformed. Tell its author");
	case SUTURE_E_BUILD_ID:
		return sut_err_reason(err, code, "wrong-kernel",
				      "the patch is for another build of the kernel. Get the patch "
				      "for this one");
	case SUTURE_E_SYMBOL:
		return sut_err_reason(err, code, "wrong-kernel",
				      "%s is not where the patch expects it. Get the patch for "
				      "this kernel",
				      func);
	case SUTURE_E_MISMATCH:
		return sut_err_reason(err, code, "mismatch",
				      "the running code differs at %s+0x%x: 0x%02x is expected and "
				      "0x%02x is there. Find out who changed it, or reboot into a "
				      "fixed kernel",
				      func, res->offset, res->expected, res->found);
	case SUTURE_E_CHANGED:
		return sut_err_reason(
			err, code, "changed",
			"our own change is overwritten at %s+0x%x: 0x%02x is expected "
			"and 0x%02x is there. Find out who changed it, or reboot into "
			"a fixed kernel",
			func, res->offset, res->expected, res->found);
	case SUTURE_E_BUSY:
		return sut_err_reason(err, code, "busy",
				      "tasks keep running the code to be replaced. Try again "
				      "later, or stop them");
	case SUTURE_E_UNRELIABLE:
		return sut_err_reason(
			err, code, "unreliable-stack",
			"the stacks of some tasks could not be read to their end. Try "
			"again later, or stop them");
	case SUTURE_E_FTRACE:
		return sut_err_reason(
			err, code, "ftrace",
			"ftrace does not let us redirect %s (%s). Stop other tracers "
			"and livepatches of it, and set sysctl kernel.ftrace_enabled=1",
			func, strerror(code));
	case SUTURE_E_NOT_FOUND:
		return sut_err_reason(err, code, "not-found",
				      "the engine does not know the payload. See in the kernel log "
				      "whether it was refused");
	case SUTURE_E_NOMEM:
		return sut_err_reason(err, code, "no-memory",
				      "the kernel is out of memory. Try again later");
	case SUTURE_E_REACH:
		return sut_err_reason(err, code, "reach",
				      "the payload lies too far from %s for a jump. Try again; if "
				      "it stays so, tell the author of the patch",
				      func);
	default:
		return sut_err_reason(err, code, "engine",
				      "the engine answers with outcome %u, which this suture does "
				      "not know. Upgrade suture",
				      res->outcome);
	}
}

void sut_report_error(const char *command, const struct sut_err *err)
{
	const char *end = err->msg;

	/* The cause is the first sentence; names like "vmlinux.ko" have no space behind. */
	while ((end = strstr(end, ". ")) && !(end[2] >= 'A' && end[2] <= 'Z'))
		end += 2;
	if (end)
		fprintf(stderr, "suture: %s: %.*s\n  %s\n", command, (int)(end - err->msg),
			err->msg, end + 2);
	else
		fprintf(stderr, "suture: %s: %s\n", command, err->msg);
}

void sut_report_progress(const char *command, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fprintf(stderr, "suture: %s: %s\n", command, text);
}

void sut_report_time(int64_t seconds, char ret[static 32])
{
	time_t t = (time_t)seconds;
	struct tm tm;

	if (!gmtime_r(&t, &tm) || !strftime(ret, 32, "%Y-%m-%dT%H:%M:%SZ", &tm))
		ret[0] = 0;
}

int sut_report_parse_time(const char *s, int64_t *ret)
{
	struct tm tm = {0};
	const char *end = strptime(s, "%Y-%m-%dT%H:%M:%SZ", &tm);

	if (!end || *end)
		return -EINVAL;
	*ret = timegm(&tm);
	return 0;
}

/* ------------------------------------------------------------------ */

json_t *sut_report_text(const char *s)
{
	json_t *j = json_string(s);
	_cleanup_(sut_freep) char *copy = NULL;

	if (j)
		return j;
	copy = strdup(s);
	for (char *p = copy; p && *p; p++)
		if ((unsigned char)*p > '~')
			*p = '?';
	return copy ? json_string(copy) : NULL;
}

int sut_report_json(json_t *j, int exit)
{
	int r = j ? json_dumpf(j, stdout, JSON_INDENT(2)) : -1;

	json_decref(j);
	if (r < 0 || putchar('\n') == EOF || fflush(stdout) == EOF) {
		fprintf(stderr, "suture: cannot write the result\n");
		return SUT_EXIT_ERROR;
	}
	return exit;
}

static json_t *patch_json(const struct sut_loaded *l)
{
	json_t *cves = json_array();

	if (!l) {
		json_decref(cves);
		return json_null();
	}
	for (size_t i = 0; i < l->manifest->ncves; i++)
		json_array_append_new(cves, json_string(l->manifest->cves[i]));
	return json_pack("{s:s,s:I,s:o,s:s,s:s}", "id", l->manifest->id, "level",
			 (json_int_t)l->manifest->level, "cves", cves, "module", l->object->module,
			 "sha256", l->sha256);
}

static json_t *conflicts_json(const struct sut_conflicts *c)
{
	json_t *list = json_array();

	for (size_t i = 0; i < c->n; i++)
		json_array_append_new(list, json_pack("{s:s,s:b,s:s,s:s}", "kind", c->v[i].kind,
						      "fatal", c->v[i].fatal, "function",
						      c->v[i].function, "what", c->v[i].what));
	return list;
}

static json_t *busy_json(const struct suture_result *res)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < res->nbusy; i++) {
		const struct suture_busy_task *t = &res->busy[i];
		json_t *stack = json_array();

		for (unsigned int j = 0; j < t->nframes; j++)
			json_array_append_new(stack, json_string(t->frames[j]));
		json_array_append_new(list,
				      json_pack("{s:i,s:s,s:s,s:o}", "pid", (int)t->pid, "comm",
						t->comm, "function", t->func, "stack", stack));
	}
	return list;
}

static json_t *mismatch_json(const struct sut_report *r)
{
	const struct suture_result *res = &r->result;

	if (res->outcome != SUTURE_E_MISMATCH && res->outcome != SUTURE_E_CHANGED)
		return json_null();
	return json_pack("{s:s,s:I,s:i,s:i,s:o}", "function", res->func, "offset",
			 (json_int_t)res->offset, "expected", (int)res->expected, "found",
			 (int)res->found, "by",
			 *r->culprit ? sut_report_text(r->culprit) : json_null());
}

static const char *outcome_word(const struct sut_report *r)
{
	if (r->outcome)
		return r->outcome;
	return *r->err.reason ? r->err.reason : "error";
}

json_t *sut_report_result(const struct sut_report *r)
{
	const struct suture_result *res = &r->result;
	json_t *before = *r->before.id ? json_pack("{s:s,s:I}", "id", r->before.id, "level",
						   (json_int_t)r->before.level)
				       : json_null();
	json_t *code = r->verified ? json_pack("{s:I,s:I}", "compared", (json_int_t)r->compared,
					       "ignored", (json_int_t)r->ignored)
				   : json_null();
	json_t *error = r->exit != SUT_EXIT_OK ? json_pack("{s:s,s:o}", "reason", outcome_word(r),
							   "message", sut_report_text(r->err.msg))
					       : json_null();
	json_t *pause =
		r->attempts ? json_pack("{s:I,s:I,s:I,s:I}", "pause_ns", (json_int_t)res->pause_ns,
					"stop_ns", (json_int_t)res->stop_ns, "tasks_before",
					(json_int_t)res->tasks_before, "tasks_inside",
					(json_int_t)res->tasks_inside)
			    : json_null();

	return json_pack("{s:s,s:i,s:s,s:s,s:i,s:b,s:o,s:o,s:o,s:I,s:I,s:o,s:o,s:o,s:o,s:o,s:o}",
			 "format", "suture-result", "version", 1, "command", r->command, "outcome",
			 outcome_word(r), "exit", r->exit, "dry_run", r->dry_run, "patch",
			 patch_json(r->loaded), "signature",
			 r->trust ? sut_trust_json(r->trust) : json_null(), "before", before,
			 "functions", (json_int_t)res->nfuncs, "attempts", (json_int_t)r->attempts,
			 "switch", pause, "code", code, "conflicts", conflicts_json(&r->conflicts),
			 "mismatch", mismatch_json(r), "busy", busy_json(res), "error", error);
}

/* ------------------------------------------------------------------ */

static void print_busy(const struct suture_result *res)
{
	for (unsigned int i = 0; i < res->nbusy; i++) {
		const struct suture_busy_task *t = &res->busy[i];

		if (*t->func)
			fprintf(stderr, "  PID %d (%s) is inside %s:\n", t->pid, t->comm, t->func);
		else
			fprintf(stderr, "  PID %d (%s) has a stack that cannot be read:\n", t->pid,
				t->comm);
		for (unsigned int j = 0; j < t->nframes; j++)
			fprintf(stderr, "    %s\n", t->frames[j]);
	}
}

static void print_conflicts(const struct sut_conflicts *c)
{
	for (size_t i = 0; i < c->n; i++)
		fprintf(stderr, "  %s: %s\n", c->v[i].fatal ? "conflict" : "note", c->v[i].what);
}

static void print_switch(const struct sut_report *r)
{
	const struct suture_result *res = &r->result;

	printf("pause %.3f ms (whole switch %.3f ms), %u stacks checked before, %u inside",
	       (double)res->pause_ns / 1e6, (double)res->stop_ns / 1e6, res->tasks_before,
	       res->tasks_inside);
	if (r->attempts > 1)
		printf(", attempt %u", r->attempts);
	putchar('\n');
}

static const char *functions(uint32_t n)
{
	return n == 1 ? "function" : "functions";
}

static void print_signature(const struct sut_report *r)
{
	char text[SUT_TRUST_NAME_MAX + 128];

	if (!r->trust)
		return;
	sut_trust_text(r->trust, text, sizeof(text));
	printf("signature: %s\n", text);
}

static void print_applied(const struct sut_report *r)
{
	const struct sut_manifest *m = r->loaded->manifest;

	printf("%s %s (level %u), %u %s", r->dry_run ? "can be applied:" : "applied", m->id,
	       m->level, r->result.nfuncs, functions(r->result.nfuncs));
	if (*r->before.id)
		printf(", %s %s (level %u)", r->dry_run ? "would replace" : "in place of",
		       r->before.id, r->before.level);
	putchar('\n');
	for (size_t i = 0; i < m->ncves; i++)
		printf("  %s\n", m->cves[i]);
	print_signature(r);
	print_switch(r);
}

static void print_done(const struct sut_report *r)
{
	const char *word = outcome_word(r);

	if (sut_streq(word, "applied"))
		print_applied(r);
	else if (sut_streq(word, "already-applied"))
		printf("%s (level %u) is applied already\n", r->before.id, r->before.level);
	else if (sut_streq(word, "nothing-applied"))
		printf("no patch is applied\n");
	else if (sut_streq(word, "reverted")) {
		printf("reverted %s (level %u), %u %s\n", r->before.id, r->before.level,
		       r->result.nfuncs, functions(r->result.nfuncs));
		print_switch(r);
	} else if (sut_streq(word, "verified")) {
		printf("%s (level %u) fits this kernel: %u bytes of %u %s compared, %u that the "
		       "kernel rewrites left out\n",
		       r->loaded->manifest->id, r->loaded->manifest->level, r->compared,
		       r->result.nfuncs, functions(r->result.nfuncs), r->ignored);
		print_signature(r);
	}
}

int sut_report_emit(const struct sut_report *r)
{
	if (r->json)
		return sut_report_json(sut_report_result(r), r->exit);
	if (r->exit != SUT_EXIT_OK)
		sut_report_error(r->command, &r->err);
	if (*r->culprit)
		fprintf(stderr, "  changed by %s\n", r->culprit);
	print_conflicts(&r->conflicts);
	if (r->exit != SUT_EXIT_OK)
		print_busy(&r->result);
	else
		print_done(r);
	return r->exit;
}
