// SPDX-License-Identifier: Apache-2.0
/* kcarectl.h: the options for libraries (LibCare), done as `suture lib` does. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "base/conf.h"
#include "base/file.h"
#include "base/str.h"
#include "cmd_lib.h"
#include "common/conf.h"
#include "common/paths.h"
#include "kcarectl.h"
#include "kernel/exit.h"
#include "kernel/report.h"
#include "show.h"
#include "truth/truth.h"

static int fail(const struct sut_err *err)
{
	sut_report_error("kcarectl", err);
	return SUT_EXIT_ERROR;
}

static int print(json_t *j)
{
	return sut_report_json(j, SUT_EXIT_OK);
}

/* ------------------------------------------------------------------ what runs */

static json_t *process(const json_t *p, const json_t *libraries)
{
	const char *build_id = show_string(p, "build_id"), *name = show_string(p, "file");
	const json_t *l;
	size_t i;

	json_array_foreach(libraries, i, l)
		if (sut_streq(show_string(l, "build_id"), build_id))
			name = show_string(l, "name");
	return json_pack("{s:I,s:o,s:{s:{s:s,s:I}}}", "pid", show_int(p, "pid"), "comm",
			 sut_report_text(show_string(p, "comm")), "libs", name, "buildid", build_id,
			 "patchlvl", show_int(p, "level"));
}

int kcare_lib_info(void)
{
	_cleanup_(json_decrefp) json_t *processes = NULL, *list = json_array();
	_cleanup_(halves_release) struct halves h = {0};
	struct sut_err err = {0};
	const json_t *p;
	size_t i;
	int r = ask_need_root("looking at the processes of others", &err);

	if (r == 0)
		r = halves_read_apply(ask_root(), &h, &err);
	/* Without suture-process nothing was patched by it. */
	if (r == 0 && json_array_size(lib_list(h.apply)))
		r = lib_processes(NULL, &processes, &err);
	if (r < 0)
		return fail(&err);
	json_array_foreach(processes, i, p)
		if (show_int(p, "level") > 0)
			(void)!json_array_append_new(list, process(p, lib_list(h.apply)));
	return print(sut_steal(list));
}

static json_t *library(const json_t *l)
{
	json_t *patches = json_array(), *cve;
	size_t i;

	json_array_foreach(json_object_get(l, "cves"), i, cve)
		(void)!json_array_append_new(
			patches,
			json_pack("{s:O,s:s}", "cve", cve, "kpatch-name", show_string(l, "id")));
	return json_pack("{s:s,s:s,s:I,s:s,s:o}", "name", show_string(l, "name"), "buildid",
			 show_string(l, "build_id"), "patchlvl", show_int(l, "level"), "package",
			 show_string(l, "package"), "patches", patches);
}

int kcare_lib_patch_info(void)
{
	_cleanup_(json_decrefp) json_t *list = json_array();
	_cleanup_(halves_release) struct halves h = {0};
	struct sut_err err = {0};
	const json_t *l;
	size_t i;

	if (halves_read_apply(ask_root(), &h, &err) < 0)
		return fail(&err);
	json_array_foreach(lib_list(h.apply), i, l)
		if (truth_library_runs(l))
			(void)!json_array_append_new(list, library(l));
	return print(sut_steal(list));
}

/* ------------------------------------------------------------------ changing it */

static void say_patched(void)
{
	_cleanup_(halves_release) struct halves h = {0};
	const json_t *l;
	json_int_t all = 0;
	size_t i;

	if (halves_read_apply(ask_root(), &h, NULL) < 0)
		return;
	json_array_foreach(lib_list(h.apply), i, l) {
		if (!truth_library_runs(l))
			continue;
		show(NULL, "Object '%s' is patched for %lld processes.", show_string(l, "name"),
		     (long long)show_int(l, "patched"));
		all += show_int(l, "patched");
	}
	show(NULL, "The overall amount of applied patches is %lld.", (long long)all);
}

int kcare_lib_update(bool quiet)
{
	struct sut_err err = {0};
	int r = ask_need_root("changing what runs", &err);

	if (r == 0)
		r = ask_call(ASK_NETWORK, json_pack("{s:s}", "verb", "lib-update"), NULL, NULL,
			     &err);
	if (r < 0)
		return fail(&err);
	if (!quiet)
		say_patched();
	return SUT_EXIT_OK;
}

int kcare_lib_unload(bool quiet)
{
	struct sut_err err = {0};
	int r = ask_need_root("changing what runs", &err);

	if (r == 0)
		r = ask_call(ASK_APPLY,
			     json_pack("{s:s,s:s,s:s}", "verb", "lib-unload", "by", "root",
				       "reason", "kcarectl --lib-unload"),
			     NULL, NULL, &err);
	if (r < 0)
		return fail(&err);
	if (!quiet)
		puts("Userspace patches are unapplied.");
	return SUT_EXIT_OK;
}

/* ------------------------------------------------------------------ libraries = yes, no */

/* A line of agent.conf that says it already. */
static bool is_setting(const char *line, size_t len)
{
	static const char key[] = "libraries";

	while (len && (*line == ' ' || *line == '\t')) {
		line++;
		len--;
	}
	if (len < sizeof(key) - 1 || memcmp(line, key, sizeof(key) - 1) != 0)
		return false;
	line += sizeof(key) - 1;
	len -= sizeof(key) - 1;
	while (len && (*line == ' ' || *line == '\t')) {
		line++;
		len--;
	}
	return len && *line == '=';
}

int kcare_lib_setting(const char *text, bool yes, struct sut_buf *out)
{
	int r = 0;

	while (*text && r == 0) {
		size_t len = strcspn(text, "\n");

		if (!is_setting(text, len))
			r = sut_buf_addf(out, "%.*s\n", (int)len, text);
		text += len + (text[len] == '\n');
	}
	return r < 0 ? r : sut_buf_addf(out, "libraries = %s\n", yes ? "yes" : "no");
}

static int set(bool yes, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf was = SUT_BUF_INIT(SUT_CONF_MAX),
				     is = SUT_BUF_INIT(SUT_CONF_MAX);
	struct agent_path path = agent_path(ask_root(), AGENT_CONF);
	struct agent_conf *conf = calloc(1, sizeof(*conf));
	/* A file with a mistake is not touched. */
	int r = conf ? agent_conf_read(ask_root(), conf, err) : sut_err_oom(err);

	free(conf);
	if (r < 0)
		return r;
	r = sut_file_read(path.s, &was, err);
	if (r < 0 && r != -ENOENT)
		return r;
	if (kcare_lib_setting(sut_buf_str(&was), yes, &is) < 0)
		return sut_err_set(err, EFBIG, "%s is too long for one more line", path.s);
	return sut_file_write(path.s, is.data, is.len, 0644, err);
}

int kcare_libcare(bool yes, bool quiet)
{
	struct sut_err err = {0}, why = {0};
	int exit, r = ask_need_root("changing what runs", &err);

	if (r == 0)
		r = set(yes, &err);
	if (r < 0)
		return fail(&err);
	/* Where it does not run it reads the file when it is started. */
	(void)!ask_call(ASK_NETWORK, json_pack("{s:s}", "verb", "reload"),
			&(struct ask){.timeout_ms = ASK_SHORT_MS}, NULL, &why);
	exit = yes ? SUT_EXIT_OK : kcare_lib_unload(quiet);
	if (exit == SUT_EXIT_OK && !quiet)
		puts(yes ? "LibCare service is enabled." : "LibCare service is disabled.");
	return exit;
}
