// SPDX-License-Identifier: Apache-2.0
/* suture doctor: what is wrong here, and a report for those who help. It stays on this machine. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ask.h"
#include "base/file.h"
#include "base/str.h"
#include "cmd.h"
#include "common/history.h"
#include "doctor.h"
#include "options.h"
#include "redact.h"
#include "show.h"

enum { HISTORY_LINES = 100 };

static const char help[] =
	"usage: suture doctor [OPTION]...\n\n"
	"Looks at everything that protection depends on, says what is wrong and what helps, and\n"
	"writes a report for those who help. Keys, credentials, passwords and e-mail addresses are\n"
	"taken out of it. Nothing is sent anywhere. As root it sees more.\n\n"
	"  --output FILE  where the report goes (default: a new file in /var/tmp)\n"
	"  --no-report    only says what is wrong\n"
	"  --json         one object on stdout (docs/formats/schemas/suture-doctor.json)\n\n"
	"Exit status: 0 nothing is wrong, 1 something is, or an error, 64 usage\n";

static int add_json(struct sut_buf *out, const char *title, const json_t *j)
{
	char *s = json_dumps(j, JSON_INDENT(1) | JSON_PRESERVE_ORDER | JSON_ENCODE_ANY);
	int r = s ? sut_buf_addf(out, "\n== %s\n%s\n", title, s) : -ENOMEM;

	free(s);
	return r;
}

static int add_checks(struct sut_buf *out, const json_t *checks)
{
	const json_t *c;
	size_t i;
	int r = sut_buf_addstr(out, "\n== checks\n");

	json_array_foreach(checks, i, c) {
		const char *advice = show_string(c, "advice");

		if (!r)
			r = sut_buf_addf(out, "%-4s %s: %s%s%s\n",
					 show_bool(c, "ok") ? "ok" : "BAD", show_string(c, "name"),
					 show_string(c, "text"), *advice ? "; " : "", advice);
	}
	return r;
}

/* What identifies the hardware is of no use to others. */
static void forget_hardware(json_t *halves)
{
	json_t *state = json_object_get(json_object_get(halves, "apply"), "state");

	if (json_object_get(state, "product_uuid"))
		json_object_set_new(state, "product_uuid", json_string(REDACTED));
}

static int fill(const char *root, const struct halves *h, const json_t *checks, struct sut_buf *out)
{
	_cleanup_(json_decrefp) json_t *halves = NULL, *history = NULL, *shared = halves_json(h);
	int r = sut_buf_addstr(out, "Report of suture doctor, suture " SUTURE_VERSION "\n");

	halves = json_deep_copy(shared);
	if (!r && halves) {
		forget_hardware(halves);
		r = add_checks(out, checks);
	}
	if (!r)
		r = halves ? add_json(out, "what both halves say", halves) : -ENOMEM;
	if (!r && history_read(root, HISTORY_LINES, &history, NULL) == 0)
		r = add_json(out, "history", history);
	return r ? r : doctor_collect(root, out);
}

static int write_report(const char *root, const struct halves *h, const json_t *checks,
			const char *path, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf raw = SUT_BUF_INIT(DOCTOR_MAX),
				     clean = SUT_BUF_INIT(2 * DOCTOR_MAX);
	int r = fill(root, h, checks, &raw);

	if (!r)
		r = redact(sut_buf_str(&raw), raw.len, &clean);
	if (r < 0)
		return sut_err_set(err, -r, "the report: %s", strerror(-r));
	return sut_file_write(path, clean.data, clean.len, 0600, err);
}

static size_t print_checks(const json_t *checks, bool json)
{
	const json_t *c;
	size_t i, bad = 0;

	json_array_foreach(checks, i, c) {
		bad += !show_bool(c, "ok");
		if (json)
			continue;
		show(NULL, "%-4s %s: %s", show_bool(c, "ok") ? "ok" : "BAD", show_string(c, "name"),
		     show_string(c, "text"));
		if (*show_string(c, "advice"))
			show(NULL, "       %s", show_string(c, "advice"));
	}
	return bad;
}

int doctor_report(const char *output, bool report, char ret_path[256], json_t **ret_checks,
		  struct sut_err *err)
{
	_cleanup_(halves_release) struct halves h = {0};
	_cleanup_(json_decrefp) json_t *checks = NULL;
	struct doctor_facts facts;
	time_t now = time(NULL);
	struct tm tm;
	int r = 0;

	halves_read(ask_root(), &h);
	doctor_facts_read(ask_root(), &facts);
	checks = doctor_checks(&h, &facts, now);
	if (!checks)
		return sut_err_oom(err);
	*ret_path = 0;
	if (report) {
		gmtime_r(&now, &tm);
		if (output)
			snprintf(ret_path, 256, "%s", output);
		else
			strftime(ret_path, 256, "/var/tmp/suture-report-%Y%m%dT%H%M%SZ.txt", &tm);
		r = write_report(ask_root(), &h, checks, ret_path, err);
	}
	if (!r)
		*ret_checks = sut_steal(checks);
	return r;
}

int cmd_doctor(int argc, char **argv)
{
	const char *output = NULL;
	bool json = false, no_report = false;
	const struct options_row rows[] = {OPTIONS_TEXT("output", &output),
					   OPTIONS_FLAG("no-report", &no_report),
					   OPTIONS_FLAG("json", &json)};
	const struct options o = {"doctor", help, rows, SUT_ARRAY_SIZE(rows), 0, 0, NULL};
	_cleanup_(json_decrefp) json_t *checks = NULL;
	struct sut_err err = {0};
	char path[256];
	char **words;
	size_t n, bad;
	int exit = options_parse(&o, argc, argv, &words, &n);

	if (exit != OPTIONS_GO_ON)
		return exit;
	if (output && strlen(output) >= sizeof(path))
		return options_usage("doctor", "--output is too long a name");
	if (doctor_report(output, !no_report, path, &checks, &err) < 0)
		return show_end("doctor", json, "suture-doctor", NULL, &err);
	bad = print_checks(checks, json);
	if (!json && *path)
		show(NULL,
		     "The report is in %s. Nothing was sent: read it, and give it to whom "
		     "you trust.",
		     path);
	return show_end_with("doctor", json, "suture-doctor",
			     json_pack("{s:s?, s:b, s:I, s:O}", "report", *path ? path : NULL,
				       "sent", false, "bad", (json_int_t)bad, "checks", checks),
			     NULL, bad ? SUT_EXIT_ERROR : SUT_EXIT_OK);
}
