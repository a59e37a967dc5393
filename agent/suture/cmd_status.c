// SPDX-License-Identifier: Apache-2.0
/* suture status: what is applied, from /sys/kernel/suture; needs no rights. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "kernel/applied.h"
#include "base/file.h"
#include "base/str.h"
#include "cmd.h"
#include "kernel/kernel.h"
#include "kernel/report.h"

enum { ATTRIBUTE_MAX = 1 << 20, ROUNDS = 10 };

#define FOLDER "/sys/kernel/suture/"

struct status {
	bool loaded, applied;
	uint64_t abi, level, applied_at, pause_ns, stop_ns;
	char id[SUTURE_ID_MAX], module[SUTURE_MODULE_MAX];
	char version[32];
	struct sut_buf cves, functions; /* separated by white space */
	struct sut_applied record;	/* id "": none for this switch */
};

static void status_release(struct status *s)
{
	sut_buf_release(&s->cves);
	sut_buf_release(&s->functions);
}

static int read_text(const char *name, struct sut_buf *b, struct sut_err *err)
{
	_cleanup_(sut_freep) char *path = sut_sprintf(FOLDER "%s", name);

	sut_buf_release(b);
	return path ? sut_file_read(path, b, err) : sut_err_oom(err);
}

/* The first line, without its end. */
static int read_line(const char *name, char *ret, size_t len, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(ATTRIBUTE_MAX);
	int r = read_text(name, &b, err);

	if (r < 0)
		return r;
	snprintf(ret, len, "%.*s", (int)strcspn(sut_buf_str(&b), "\n"), sut_buf_str(&b));
	return 0;
}

static int read_number(const char *name, uint64_t *ret, struct sut_err *err)
{
	char text[32];
	int r = read_line(name, text, sizeof(text), err);

	if (r < 0)
		return r;
	/* Empty when no patch is applied. */
	if (*text && sut_parse_u64(text, UINT64_MAX, ret) < 0)
		return sut_err_set(err, EBADMSG,
				   FOLDER "%s is not a number. Check that suture.ko "
					  "is of version %s",
				   name, SUTURE_VERSION);
	return 0;
}

static int read_once(struct status *s, struct sut_err *err)
{
	char state[32];
	int r = read_line("version", s->version, sizeof(s->version), err);

	if (r == 0)
		r = read_number("abi", &s->abi, err);
	if (r == 0)
		r = read_line("state", state, sizeof(state), err);
	if (r == 0)
		r = read_line("id", s->id, sizeof(s->id), err);
	if (r == 0)
		r = read_line("module", s->module, sizeof(s->module), err);
	if (r == 0)
		r = read_number("level", &s->level, err);
	if (r == 0)
		r = read_number("applied_at", &s->applied_at, err);
	if (r == 0)
		r = read_number("pause_ns", &s->pause_ns, err);
	if (r == 0)
		r = read_number("stop_ns", &s->stop_ns, err);
	if (r == 0)
		r = read_text("cves", &s->cves, err);
	if (r == 0)
		r = read_text("functions", &s->functions, err);
	if (r == 0)
		s->applied = sut_streq(state, "applied");
	return r;
}

/* The files are read one after the other: again when a switch came between. */
static int read_status(struct status *s, struct sut_err *err)
{
	if (!sut_exists(FOLDER))
		return 0;
	s->loaded = true;
	for (int i = 0; i < ROUNDS; i++) {
		char state[32], id[SUTURE_ID_MAX];
		uint64_t at = 0;
		int r = read_once(s, err);

		if (r == 0)
			r = read_line("state", state, sizeof(state), err);
		if (r == 0)
			r = read_line("id", id, sizeof(id), err);
		if (r == 0)
			r = read_number("applied_at", &at, err);
		if (r < 0)
			return r;
		if (sut_streq(id, s->id) && at == s->applied_at &&
		    s->applied == sut_streq(state, "applied"))
			return 0;
	}
	return sut_err_set(err, EAGAIN, "patches are being switched all the time. Try again");
}

/* Who signed what is applied; nothing when apply could not write it down. */
static void read_record(struct status *s)
{
	struct sut_applied a;

	if (s->applied && sut_applied_read(SUT_APPLIED_FILE, &a, NULL) == 0 &&
	    sut_streq(a.id, s->id) && a.level == s->level && a.applied_at == s->applied_at)
		s->record = a;
}

static json_t *words(const struct sut_buf *b)
{
	_cleanup_(sut_freep) char *copy = strdup(sut_buf_str(b));
	json_t *list = json_array();
	char *save = NULL;

	for (char *w = copy ? strtok_r(copy, " \n", &save) : NULL; w;
	     w = strtok_r(NULL, " \n", &save))
		json_array_append_new(list, sut_report_text(w));
	return list;
}

static int print_json(const struct status *s, const struct sut_kernel *k)
{
	char build_id[2 * SUTURE_BUILD_ID_LEN + 1], at[32];
	json_t *patch = json_null();

	sut_hex(k->build_id, SUTURE_BUILD_ID_LEN, build_id);
	sut_report_time((int64_t)s->applied_at, at);
	if (s->applied)
		patch = json_pack(
			"{s:o,s:I,s:o,s:o,s:o,s:s,s:I,s:I,s:o,s:o}", "id", sut_report_text(s->id),
			"level", (json_int_t)s->level, "cves", words(&s->cves), "module",
			sut_report_text(s->module), "functions", words(&s->functions), "applied_at",
			at, "pause_ns", (json_int_t)s->pause_ns, "stop_ns", (json_int_t)s->stop_ns,
			"sha256", *s->record.id ? json_string(s->record.sha256) : json_null(),
			"signature",
			*s->record.id ? sut_trust_json(&s->record.trust) : json_null());
	return sut_report_json(json_pack("{s:s,s:i,s:s,s:{s:b,s:o,s:o},s:{s:s,s:s,s:s},s:o}",
					 "format", "suture-status", "version", 1, "state",
					 !s->loaded   ? "not-loaded"
					 : s->applied ? "applied"
						      : "original",
					 "engine", "loaded", s->loaded, "abi",
					 s->loaded ? json_integer((json_int_t)s->abi) : json_null(),
					 "version",
					 s->loaded ? sut_report_text(s->version) : json_null(),
					 "kernel", "release", k->release, "arch", k->machine,
					 "build_id", build_id, "patch", patch),
			       SUT_EXIT_OK);
}

static void print_words(const char *label, const struct sut_buf *b)
{
	_cleanup_(sut_freep) char *copy = strdup(sut_buf_str(b));
	char *save = NULL;

	for (char *w = copy ? strtok_r(copy, " \n", &save) : NULL; w;
	     w = strtok_r(NULL, " \n", &save)) {
		printf("%-10s%s\n", label, w);
		label = "";
	}
}

static void print_signature(const struct sut_applied *a)
{
	char text[SUT_TRUST_NAME_MAX + 128];

	if (!*a->id) {
		printf("%-10s%s\n", "Signature", "unknown (apply has left no record)");
		return;
	}
	sut_trust_text(&a->trust, text, sizeof(text));
	printf("%-10s%s%s\n", "Signature", text,
	       a->trust.insecure_local ? "; applied with --insecure-local" : "");
}

static void print_text(const struct status *s, const struct sut_kernel *k)
{
	char build_id[2 * SUTURE_BUILD_ID_LEN + 1], at[32];

	sut_hex(k->build_id, SUTURE_BUILD_ID_LEN, build_id);
	printf("%-10s%s (build-id %s)\n", "Kernel", k->release, build_id);
	if (s->loaded)
		printf("%-10sloaded, version %s, ABI %" PRIu64 "\n", "Engine", s->version, s->abi);
	else
		printf("%-10snot loaded\n", "Engine");
	if (!s->applied) {
		printf("%-10snone\n", "Patch");
		return;
	}
	sut_report_time((int64_t)s->applied_at, at);
	printf("%-10s%s, level %" PRIu64 "\n", "Patch", s->id, s->level);
	printf("%-10s%s, pause %.3f ms (whole switch %.3f ms)\n", "Applied", at,
	       (double)s->pause_ns / 1e6, (double)s->stop_ns / 1e6);
	print_signature(&s->record);
	printf("%-10s%s\n", "Module", s->module);
	print_words("CVEs", &s->cves);
	print_words("Functions", &s->functions);
}

int cmd_status(int argc, char **argv)
{
	static const struct option options[] = {
		{"json", no_argument, NULL, 'j'}, {"help", no_argument, NULL, 'h'}, {0}};
	_cleanup_(status_release) struct status s = {.cves = SUT_BUF_INIT(ATTRIBUTE_MAX),
						     .functions = SUT_BUF_INIT(ATTRIBUTE_MAX)};
	struct sut_kernel k;
	struct sut_err err = {0};
	bool json = false;
	int c;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (c == 'h') {
			printf("usage: suture status [--json]\n\n"
			       "Says what is applied to the running kernel. Needs no rights.\n\n"
			       "  --json  one object on stdout (docs/formats/status.md)\n");
			return SUT_EXIT_OK;
		}
		if (c != 'j')
			return SUT_EXIT_USAGE;
		json = true;
	}
	if (optind != argc) {
		fprintf(stderr, "suture: status: '%s' is one word too many\n", argv[optind]);
		return SUT_EXIT_USAGE;
	}
	if (sut_kernel_read(&k, &err) < 0 || read_status(&s, &err) < 0) {
		sut_report_error("status", &err);
		return SUT_EXIT_ERROR;
	}
	read_record(&s);
	if (json)
		return print_json(&s, &k);
	print_text(&s, &k);
	return SUT_EXIT_OK;
}
