// SPDX-License-Identifier: Apache-2.0
#include "show.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "base/utf8.h"
#include "kernel/exit.h"
#include "kernel/report.h"

void show(const char *label, const char *fmt, ...)
{
	char text[SHOW_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	sut_make_printable(text, "");
	if (label)
		printf("%-10s", label);
	puts(text);
}

const char *show_string(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

json_int_t show_int(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

bool show_bool(const json_t *o, const char *key)
{
	return json_is_true(json_object_get(o, key));
}

const json_t *show_object(const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);

	return json_is_null(v) ? NULL : v;
}

void show_patch_name(const json_t *patch, char *ret, size_t len)
{
	const char *id = show_string(patch, "id");

	snprintf(ret, len, "%.64s (level %" JSON_INTEGER_FORMAT ")",
		 *id ? id : show_string(patch, "patchset"), show_int(patch, "level"));
}

static void age(int64_t s, char *ret, size_t len)
{
	static const struct {
		int64_t seconds;
		const char *one;
	} units[] = {{86400, "day"}, {3600, "hour"}, {60, "minute"}, {1, "second"}};
	size_t i = 0;

	while (i < SUT_ARRAY_SIZE(units) - 1 && s < 2 * units[i].seconds)
		i++;
	snprintf(ret, len, "%" PRId64 " %s%s", s / units[i].seconds, units[i].one,
		 s / units[i].seconds == 1 ? "" : "s");
}

void show_when(const char *time, int64_t now, char *ret, size_t len)
{
	char text[64];
	int64_t t;

	if (sut_report_parse_time(time, &t) < 0) {
		snprintf(ret, len, "%.32s", time);
		return;
	}
	age(t > now ? t - now : now - t, text, sizeof(text));
	snprintf(ret, len, t > now ? "%.32s (in %s)" : "%.32s (%s ago)", time, text);
}

/* --- suture-result --- */

static void show_switch(const json_t *result)
{
	const json_t *s = show_object(result, "switch");

	if (s)
		show(NULL, "pause %.3f ms (whole switch %.3f ms)",
		     (double)show_int(s, "pause_ns") / 1e6, (double)show_int(s, "stop_ns") / 1e6);
}

static void show_applied(const json_t *result, const char *name)
{
	const json_t *before = show_object(result, "before"), *cve;
	bool dry = show_bool(result, "dry_run");
	char was[128] = "";
	size_t i;

	if (before)
		show_patch_name(before, was, sizeof(was));
	show(NULL, "%s %s%s%s", dry ? "can be applied:" : "applied", name,
	     !before ? ""
	     : dry   ? ", would replace "
		     : ", in place of ",
	     was);
	json_array_foreach(json_object_get(show_object(result, "patch"), "cves"), i, cve) {
		show(NULL, "  %s", json_string_value(cve) ?: "");
	}
	show_switch(result);
}

void show_result(const json_t *result)
{
	const char *outcome = show_string(result, "outcome");
	const json_t *patch = show_object(result, "patch"), *code = show_object(result, "code");
	char name[128];

	if (!result || show_int(result, "exit") != SUT_EXIT_OK)
		return;
	show_patch_name(patch ? patch : show_object(result, "before"), name, sizeof(name));
	if (sut_streq(outcome, "applied"))
		show_applied(result, name);
	else if (sut_streq(outcome, "already-applied"))
		show(NULL, "%s is applied already", name);
	else if (sut_streq(outcome, "nothing-applied"))
		show(NULL, "no patch is applied");
	else if (sut_streq(outcome, "reverted")) {
		show_patch_name(show_object(result, "before"), name, sizeof(name));
		show(NULL, "taken out: %s", name);
		show_switch(result);
	} else if (sut_streq(outcome, "verified"))
		show(NULL,
		     "the running code is what %s says: %" JSON_INTEGER_FORMAT
		     " bytes compared, %" JSON_INTEGER_FORMAT " that the kernel rewrites left out",
		     name, show_int(code, "compared"), show_int(code, "ignored"));
	else if (*outcome)
		show(NULL, "%s", outcome);
}

static void in_the_way(const json_t *result)
{
	const json_t *v;
	char text[SHOW_MAX];
	size_t i;

	json_array_foreach(json_object_get(result, "conflicts"), i, v) {
		snprintf(text, sizeof(text), "%s: %s", show_bool(v, "fatal") ? "conflict" : "note",
			 show_string(v, "what"));
		sut_make_printable(text, "");
		fprintf(stderr, "  %s\n", text);
	}
	json_array_foreach(json_object_get(result, "busy"), i, v) {
		snprintf(text, sizeof(text), "PID %d (%s) is inside %s", (int)show_int(v, "pid"),
			 show_string(v, "comm"), show_string(v, "function"));
		sut_make_printable(text, "");
		fprintf(stderr, "  %s\n", text);
	}
}

int show_result_error(const json_t *result, struct sut_err *err)
{
	const json_t *e = show_object(result, "error");
	const char *message = show_string(e, "message");

	if (!result || show_int(result, "exit") == SUT_EXIT_OK)
		return 0;
	in_the_way(result);
	return sut_err_reason(err, EIO, show_string(e, "reason"), "%s",
			      *message ? message : "it did not work");
}

/* --- the end --- */

int show_end_with(const char *command, bool json, const char *format, json_t *members,
		  const struct sut_err *err, int exit)
{
	_cleanup_(json_decrefp) json_t *m = members;
	bool bad = err && err->code;
	json_t *doc;

	if (!json) {
		if (bad)
			sut_report_error(command, err);
		if (fflush(stdout) == EOF) {
			fprintf(stderr, "suture: cannot write the result\n");
			return SUT_EXIT_ERROR;
		}
		return exit;
	}
	doc = json_pack("{s:s,s:i}", "format", format, "version", 1);
	if (doc && m && json_object_update(doc, m) < 0) {
		json_decref(doc);
		doc = NULL;
	}
	if (doc && (json_object_set_new(doc, "exit", json_integer(exit)) < 0 ||
		    json_object_set_new(doc, "error",
					bad ? json_pack("{s:s,s:o}", "reason",
							*err->reason ? err->reason : "error",
							"message", sut_report_text(err->msg))
					    : json_null()) < 0)) {
		json_decref(doc);
		doc = NULL;
	}
	return sut_report_json(doc, exit);
}

int show_end(const char *command, bool json, const char *format, json_t *members,
	     const struct sut_err *err)
{
	return show_end_with(command, json, format, members, err,
			     err && err->code ? sut_report_exit(err) : SUT_EXIT_OK);
}
