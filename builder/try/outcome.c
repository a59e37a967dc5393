// SPDX-License-Identifier: Apache-2.0
#include "try/outcome.h"

#include <string.h>

#include "base/str.h"

static const struct sut_step *nth_step(const struct sut_steps *s, const char *name, size_t nth)
{
	for (size_t i = 0; i < s->n; i++)
		if (sut_streq(s->v[i].name, name) && nth-- == 0)
			return &s->v[i];
	return NULL;
}

/* Were there `times` steps of that name, each with status 0? */
static bool all_ok(const struct sut_steps *s, const char *name, size_t times)
{
	for (size_t i = 0; i < times; i++) {
		const struct sut_step *st = nth_step(s, name, i);

		if (!st || st->status != 0)
			return false;
	}
	return nth_step(s, name, times) == NULL;
}

/* Do all steps of that name, which ran `suture status --json`, say so? */
static bool all_say(const struct sut_steps *s, const char *name, const char *state)
{
	const struct sut_step *st;
	bool yes = true;

	for (size_t i = 0; (st = nth_step(s, name, i)); i++) {
		json_t *j = json_loadb(st->output, st->len, JSON_DISABLE_EOF_CHECK, NULL);

		yes &= sut_streq(json_string_value(json_object_get(j, "state")), state);
		json_decref(j);
	}
	return yes;
}

/* The times of the switch that was active when the status was asked. */
static void read_times(struct sut_outcome *o, const struct sut_step *st)
{
	json_t *j = json_loadb(st->output, st->len, JSON_DISABLE_EOF_CHECK, NULL);
	json_t *patch = json_object_get(j, "patch");

	o->pause_ns = (uint64_t)json_integer_value(json_object_get(patch, "pause_ns"));
	o->stop_ns = (uint64_t)json_integer_value(json_object_get(patch, "stop_ns"));
	json_decref(j);
}

void sut_outcome_judge(struct sut_outcome *o)
{
	size_t times = o->scripted ? 1 : 2;
	const struct sut_step *status = nth_step(&o->steps, "status", 0);
	const struct sut_step *script = sut_steps_find(&o->steps, "script");
	const struct sut_step *engine = sut_steps_find(&o->steps, "engine");
	bool engine_ok = !engine || engine->status == 0;

	if (o->raw) {
		o->ok = o->vm == 0 && engine_ok && script && script->status == 0 &&
			o->klog.total == 0;
		return;
	}
	if (status)
		read_times(o, status);
	o->applied = all_ok(&o->steps, "apply", times) && all_ok(&o->steps, "status", times) &&
		     all_say(&o->steps, "status", "applied");
	o->reverted = all_ok(&o->steps, "revert", times) &&
		      all_ok(&o->steps, "status-reverted", times) &&
		      all_say(&o->steps, "status-reverted", "original");
	o->ok = o->vm == 0 && engine_ok && o->applied && o->reverted && o->klog.total == 0;
}

/* With every line indented, without bytes that a terminal would obey. */
static void print_text(FILE *f, const char *s, size_t len)
{
	bool fresh = true;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c == '\r')
			continue;
		if (fresh && c != '\n')
			fputs("    ", f);
		fresh = c == '\n';
		fputc(c == '\n' || c == '\t' || (c >= ' ' && c != 0x7f) ? c : '?', f);
	}
	if (!fresh)
		fputc('\n', f);
}

static void print_step(const struct sut_step *st, FILE *f)
{
	if (st->status < 0)
		fprintf(f, "%s: did not end\n", st->name);
	else
		fprintf(f, "%s: status %d\n", st->name, st->status);
	print_text(f, st->output, st->len);
}

static void print_warnings(const struct sut_outcome *o, FILE *f)
{
	fprintf(f, "kernel warnings: %zu\n", o->klog.total);
	for (size_t i = 0; i < o->klog.n; i++) {
		const struct sut_klog_warning *w = &o->klog.v[i];

		fprintf(f, "  %s%s%s\n", w->phase, w->phase[0] ? ": " : "", w->line);
		print_text(f, w->block, w->len);
	}
}

void sut_outcome_print(const struct sut_outcome *o, FILE *f)
{
	fprintf(f, "target: %s\n", o->target);
	for (size_t i = 0; i < o->steps.n; i++)
		if (!o->raw || !sut_streq(o->steps.v[i].name, "script"))
			print_step(&o->steps.v[i], f);
	if (o->pause_ns || o->stop_ns)
		fprintf(f, "pause: %.3f ms (whole stop_machine call %.3f ms)\n",
			(double)o->pause_ns / 1e6, (double)o->stop_ns / 1e6);
	print_warnings(o, f);
	if (o->vm < 0)
		fprintf(f, "virtual machine: %s\n", o->vm_msg);
	if (o->attempts > 1)
		fprintf(f, "virtual machine: %u boots were needed\n", o->attempts);
	if (o->raw)
		fprintf(f, "result: %s\n", o->ok ? "ok" : "failed");
	else
		fprintf(f, "result: %s (%s, %s, %zu kernel warnings)\n", o->ok ? "ok" : "failed",
			o->applied ? "applied" : "not applied",
			o->reverted ? "reverted" : "not reverted", o->klog.total);
}

/* JSON strings must be UTF-8; what a VM prints may be anything. */
static json_t *json_text(const char *s, size_t len)
{
	json_t *j = json_stringn(s, len);
	char *clean;

	if (j)
		return j;
	clean = malloc(len + 1);
	if (!clean)
		return NULL;
	for (size_t i = 0; i < len; i++)
		clean[i] = (unsigned char)s[i] < 0x80 ? s[i] : '?';
	j = json_stringn(clean, len);
	free(clean);
	return j;
}

json_t *sut_outcome_json(const struct sut_outcome *o)
{
	json_t *steps = json_array(), *warnings = json_array();

	for (size_t i = 0; i < o->steps.n; i++) {
		const struct sut_step *st = &o->steps.v[i];

		json_array_append_new(steps, json_pack("{s:s, s:i, s:o}", "name", st->name,
						       "status", st->status, "output",
						       json_text(st->output, st->len)));
	}
	for (size_t i = 0; i < o->klog.n; i++) {
		const struct sut_klog_warning *w = &o->klog.v[i];

		json_array_append_new(warnings,
				      json_pack("{s:s, s:s, s:o}", "phase", w->phase, "line",
						w->line, "report", json_text(w->block, w->len)));
	}
	return json_pack("{s:s, s:b, s:b, s:b, s:i, s:f, s:I, s:I, s:o, s:i, s:o, s:s}", "target",
			 o->target, "ok", o->ok, "applied", o->applied, "reverted", o->reverted,
			 "boots", (int)o->attempts, "seconds", o->seconds, "pause_ns",
			 (json_int_t)o->pause_ns, "stop_ns", (json_int_t)o->stop_ns, "steps", steps,
			 "kernel_warnings_total", (int)o->klog.total, "kernel_warnings", warnings,
			 "vm_error", o->vm_msg);
}
