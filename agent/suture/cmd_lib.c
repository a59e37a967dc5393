// SPDX-License-Identifier: Apache-2.0
/* suture lib: patches of libraries, in running processes. `status` is here, which needs no rights. */
#include "cmd_lib.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "ask.h"
#include "base/str.h"
#include "cmd.h"
#include "halves.h"
#include "options.h"
#include "show.h"

/* Words behind `suture lib`; a row each. */
static const struct word {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
} words_of_lib[] = {
	{"status", cmd_lib_status, "which libraries are patched, in how many processes"},
	{"update", cmd_lib_update, "fetch, verify and apply what is to run"},
	{"unload", cmd_lib_unload, "take patches out of the processes"},
	{"list", cmd_lib_list, "libraries in use, and whether there is a patch"},
	{"explain", cmd_lib_explain, "which processes are not patched, and what to do"},
	{"apply", cmd_lib_apply, "apply a patch file, for authors"},
};

static const char help_status[] =
	"usage: suture lib status [OPTION]...\n\n"
	"Says which libraries and programs are patched, and in how many of the processes that use\n"
	"them. Needs no rights.\n\n"
	"  --exit-code  end with 10 when a process is not patched that should be, 1 when nobody\n"
	"               patches new ones, instead of 0\n"
	"  --json       one object on stdout (docs/formats/status.md)\n\n"
	"Exit status: 0; 1 error; 64 usage\n";

const json_t *lib_list(const json_t *state)
{
	return json_object_get(state, "libraries");
}

json_t *lib_member(const json_t *from, const char *const *members, size_t n)
{
	json_t *one = json_object();

	for (size_t i = 0; i < n; i++) {
		json_t *v = json_object_get(from, members[i]);

		if (v)
			(void)!json_object_set(one, members[i], v);
	}
	return one;
}

json_t *lib_members(const json_t *list, const char *const *members, size_t n)
{
	json_t *ret = json_array();
	const json_t *v;
	size_t i;

	json_array_foreach(list, i, v) {
		(void)!json_array_append_new(ret, lib_member(v, members, n));
	}
	return ret;
}

void lib_counts_text(const json_t *library, char *ret, size_t len)
{
	json_int_t n = show_int(library, "processes");
	int used = snprintf(ret, len, "%" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT " %s",
			    show_int(library, "patched"), n, n == 1 ? "process" : "processes");
	json_t *count;
	const char *word, *before = " (";

	json_object_foreach(json_object_get(library, "reasons"), word, count) {
		if (used < 0 || (size_t)used >= len)
			return;
		used += snprintf(ret + used, len - (size_t)used, "%s%" JSON_INTEGER_FORMAT " %.40s",
				 before, json_integer_value(count), word);
		before = ", ";
	}
	if (*before == ',' && used > 0 && (size_t)used + 1 < len)
		snprintf(ret + used, len - (size_t)used, ")");
}

void lib_show_lines(const json_t *a)
{
	const json_t *daemon = show_object(a, "daemon"), *l;
	const char *label = "Libraries";
	char name[128], counts[512];
	size_t i;

	json_array_foreach(lib_list(a), i, l) {
		show_patch_name(l, name, sizeof(name));
		lib_counts_text(l, counts, sizeof(counts));
		if (show_bool(l, "unloaded"))
			show(label, "%s: taken out on purpose", show_string(l, "name"));
		else
			show(label, "%s: %s in %s%s", show_string(l, "name"), name, counts,
			     sut_streq(show_string(l, "phase"), "probation") ? ", on probation"
									     : "");
		label = "";
	}
	if (sut_streq(show_string(daemon, "state"), "failed"))
		show(label, "%s", show_string(daemon, "text"));
}

static void show_daemon(const json_t *daemon)
{
	const char *state = show_string(daemon, "state"), *watch = show_string(daemon, "watch");

	if (!daemon)
		show("Daemon", "not known");
	else if (!sut_streq(state, "running"))
		show("Daemon", "%s: %s", state, show_string(daemon, "text"));
	else if (sut_streq(watch, "on"))
		show("Daemon", "runs; new processes are patched before they begin");
	else
		show("Daemon", "runs; new processes are found later, not before they begin%s%s",
		     *show_string(daemon, "text") ? ": " : "", show_string(daemon, "text"));
}

static void show_library(const json_t *l)
{
	char name[128], counts[512];
	const char *package = show_string(l, "package");

	show("Library", "%s%s%s%s%s%s", show_string(l, "name"), *package ? " (" : "", package,
	     *package ? " " : "", show_string(l, "package_version"), *package ? ")" : "");
	show("", "build-id %s", show_string(l, "build_id"));
	if (show_bool(l, "unloaded")) {
		show("", "taken out on purpose; 'suture lib update' applies it again");
		return;
	}
	show_patch_name(l, name, sizeof(name));
	lib_counts_text(l, counts, sizeof(counts));
	show("", "%s runs in %s%s", name, counts,
	     sut_streq(show_string(l, "phase"), "probation") ? "; on probation" : "");
	for (size_t i = 0; i < json_array_size(json_object_get(l, "cves")); i++)
		show("", "%s",
		     json_string_value(json_array_get(json_object_get(l, "cves"), i)) ?: "");
}

/* What --exit-code ends with. */
static int judge(const json_t *libraries, const json_t *daemon)
{
	const json_t *l;
	bool any = false;
	size_t i;

	json_array_foreach(libraries, i, l) {
		if (show_bool(l, "unloaded"))
			continue;
		any = true;
		if (show_int(l, "patched") < show_int(l, "processes"))
			return SUT_EXIT_PENDING;
	}
	return any && !sut_streq(show_string(daemon, "state"), "running") ? SUT_EXIT_ERROR
									  : SUT_EXIT_OK;
}

int cmd_lib_status(int argc, char **argv)
{
	bool json = false, exit_code = false;
	const struct options_row rows[] = {OPTIONS_FLAG("json", &json),
					   OPTIONS_FLAG("exit-code", &exit_code)};
	const struct options o = {"lib status", help_status, rows, SUT_ARRAY_SIZE(rows), 0, 0,
				  NULL};
	_cleanup_(halves_release) struct halves h = {0};
	const json_t *libraries, *daemon, *l;
	struct sut_err err = {0};
	char **words;
	size_t n, i;
	int exit = options_parse(&o, argc, argv, &words, &n);

	if (exit != OPTIONS_GO_ON)
		return exit;
	(void)!halves_read_apply(ask_root(), &h, &err);
	libraries = lib_list(h.apply);
	daemon = show_object(h.apply, "daemon");
	if (!json && !err.code) {
		show_daemon(daemon);
		json_array_foreach(libraries, i, l) {
			show_library(l);
		}
		if (!json_array_size(libraries))
			show("Library", "no library is patched");
	}
	exit = show_end("lib status", json, "suture-lib-status",
			json_pack("{s:O?,s:O?}", "libraries", libraries, "daemon", daemon), &err);
	return exit == SUT_EXIT_OK && exit_code ? judge(libraries, daemon) : exit;
}

static void usage(FILE *f)
{
	fprintf(f, "usage: suture lib WORD [OPTION]...\n\n"
		   "Patches of shared libraries and programs, in the processes that run.\n\n");
	for (size_t i = 0; i < SUT_ARRAY_SIZE(words_of_lib); i++)
		fprintf(f, "  %-8s %s\n", words_of_lib[i].name, words_of_lib[i].help);
	fprintf(f, "\n'suture lib WORD --help' tells more.\n");
}

int cmd_lib(int argc, char **argv)
{
	if (argc >= 2 && (sut_streq(argv[1], "--help") || sut_streq(argv[1], "-h"))) {
		usage(stdout);
		return SUT_EXIT_OK;
	}
	for (size_t i = 0; argc >= 2 && i < SUT_ARRAY_SIZE(words_of_lib); i++)
		if (sut_streq(argv[1], words_of_lib[i].name))
			return words_of_lib[i].run(argc - 1, argv + 1);
	if (argc >= 2)
		return options_usage("lib", "there is no '%s'", argv[1]);
	usage(stderr);
	return SUT_EXIT_USAGE;
}
