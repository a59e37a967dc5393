// SPDX-License-Identifier: Apache-2.0
/* suture-build target: add, list, show and remove targets. */
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "cmd.h"
#include "compile/compile.h"
#include "library/add.h"
#include "library/profile_file.h"
#include "library/show.h"
#include "target/add.h"
#include "target/profile.h"
#include "target/store.h"

static const char usage_text[] =
	"usage: suture-build target add TARGET [--from DIR] [--here] [--cache DIR]\n"
	"       suture-build target list [--json] [--cache DIR]\n"
	"       suture-build target show TARGET [--file FILE] [--json] [--cache DIR]\n"
	"       suture-build target remove TARGET [--cache DIR]\n"
	"       suture-build target clean [--cache DIR]\n"
	"\n"
	"A target is one exact kernel build, for example debian/6.1.0-47-cloud-amd64, or one exact\n"
	"package of libraries or programs, for example debian/libssl3=3.0.17-1~deb12u2.\n"
	"'add debian/newest-cloud-amd64' takes the newest kernel of that flavour. 'add' of a package\n"
	"builds its source package once, in a root of its own (as root), and compares the result\n"
	"with the shipped files.\n"
	"'remove' takes the source tree along when no other target uses it; 'clean' removes\n"
	"the source trees that no target uses.\n"
	"\n"
	"  --from DIR   take the .deb files from DIR; apt does not verify them then\n"
	"  --here       build the package on this machine, with what is installed, not in a root\n"
	"  --file FILE  only this file of the package: libcrypto.so.3\n"
	"  --cache DIR  where targets are kept; default $SUTURE_CACHE, then\n"
	"               /var/cache/suture (root) or ~/.cache/suture\n"
	"  --json       print JSON\n";

struct args {
	const char *verb, *target, *from, *file;
	char *cache;
	bool json, here;
};

static int fail(const struct sut_err *err)
{
	fprintf(stderr, "suture-build target: %s\n", err->msg);
	return SUT_EXIT_ERROR;
}

static int fail_text(const char *text)
{
	fprintf(stderr, "suture-build target: %s\n", text);
	return SUT_EXIT_ERROR;
}

/* The commands of the build are listed now, so that the first patch does not wait for it. */
static int list_commands(const struct args *a, const char *target, struct sut_err *err)
{
	_cleanup_(sut_profile_freep) struct sut_profile *p = NULL;
	int r = sut_profile_open(a->cache, target, &p, err);

	if (r < 0)
		return r;
	sut_progress_say(sut_progress_stderr(), "listing the commands of the kernel's build");
	return sut_compile_prepare(p, err);
}

static int add_library(const struct args *a)
{
	struct sut_lib_add_opts o = {
		.from = a->from, .here = a->here, .progress = sut_progress_stderr()};
	struct sut_err err = {0};
	bool existed;

	if (a->from)
		fprintf(stderr, "suture-build target: packages from %s are not verified by apt\n",
			a->from);
	if (sut_lib_target_add(a->cache, a->target, &o, &existed, &err) < 0)
		return fail(&err);
	printf("%s is %s\n", a->target, existed ? "there already" : "ready");
	return existed ? SUT_EXIT_OK : sut_lib_show(a->cache, a->target, NULL, false);
}

static int add(const struct args *a)
{
	struct sut_add_opts o = {.from = a->from, .progress = sut_progress_stderr()};
	_cleanup_(sut_freep) char *target = NULL;
	struct sut_err err = {0};
	bool existed;

	if (sut_lib_name_is(a->target))
		return add_library(a);
	if (a->here)
		return fail_text("--here is for packages of libraries and programs");
	if (sut_target_resolve(a->target, &target, &err) < 0)
		return fail(&err);
	if (a->from)
		fprintf(stderr, "suture-build target: packages from %s are not verified by apt\n",
			a->from);
	if (sut_target_add(a->cache, target, &o, &existed, &err) < 0)
		return fail(&err);
	if (!existed && list_commands(a, target, &err) < 0)
		return fail(&err);
	if (existed)
		printf("%s is there already\n", target);
	else
		printf("%s is ready\n", target);
	return SUT_EXIT_OK;
}

static json_t *describe(const struct sut_profile *p)
{
	char id[2 * SUT_BUILD_ID_LEN + 1];

	sut_hex(p->build_id, SUT_BUILD_ID_LEN, id);
	return json_pack(
		"{s:s s:s s:s s:s s:s s:s s:s s:s s:s s:s s:s s:s s:s s:I s:I s:I"
		" s:{s:I s:I s:I s:I s:I s:I s:I} s:{s:I s:I s:I s:I s:I}}",
		"name", p->name, "release", p->release, "arch", p->arch, "package", p->package,
		"package_version", p->package_version, "build_id", id, "vermagic", p->vermagic,
		"dir", p->dir, "source", p->src_dir, "build", p->build_dir, "vmlinuz", p->vmlinuz,
		"vmlinux", p->vmlinux, "modules", p->modules_dir, "symbols", (json_int_t)p->nsyms,
		"exports", (json_int_t)p->nexports, "fentry_sites", (json_int_t)p->nfentry,
		"record_sizes", "alt_instr", (json_int_t)p->sizes.alt_instr, "bug_entry",
		(json_int_t)p->sizes.bug_entry, "exception_table_entry",
		(json_int_t)p->sizes.exception_table_entry, "jump_entry",
		(json_int_t)p->sizes.jump_entry, "static_call_site",
		(json_int_t)p->sizes.static_call_site, "paravirt_patch_site",
		(json_int_t)p->sizes.paravirt_patch_site, "orc_entry",
		(json_int_t)p->sizes.orc_entry, "struct_module", "size", (json_int_t)p->module.size,
		"name_off", (json_int_t)p->module.name_off, "name_size",
		(json_int_t)p->module.name_size, "init_off", (json_int_t)p->module.init_off,
		"exit_off", (json_int_t)p->module.exit_off);
}

static int print_json(json_t *j)
{
	if (!j || json_dumpf(j, stdout, JSON_INDENT(2)) < 0) {
		fprintf(stderr, "suture-build target: out of memory\n");
		json_decref(j);
		return SUT_EXIT_ERROR;
	}
	putchar('\n');
	json_decref(j);
	return SUT_EXIT_OK;
}

static int show(const struct args *a)
{
	_cleanup_(sut_profile_freep) struct sut_profile *p = NULL;
	struct sut_err err = {0};
	char id[2 * SUT_BUILD_ID_LEN + 1];

	if (sut_lib_name_is(a->target))
		return sut_lib_show(a->cache, a->target, a->file, a->json);
	if (sut_profile_open(a->cache, a->target, &p, &err) < 0)
		return fail(&err);
	if (a->json)
		return print_json(describe(p));
	sut_hex(p->build_id, SUT_BUILD_ID_LEN, id);
	printf("target        %s\n", p->name);
	printf("package       %s %s\n", p->package, p->package_version);
	printf("build-id      %s\n", id);
	printf("vermagic      %s\n", p->vermagic);
	printf("symbols       %zu, %zu exported, %zu fentry sites\n", p->nsyms, p->nexports,
	       p->nfentry);
	printf("source        %s\n", p->src_dir);
	printf("build         %s\n", p->build_dir);
	printf("kernel        %s\n", p->vmlinuz);
	return SUT_EXIT_OK;
}

static int list(const struct args *a)
{
	_cleanup_strv_ struct sut_strv l = {0};
	struct sut_err err = {0};

	if (sut_target_list(a->cache, &l, &err) < 0)
		return fail(&err);
	if (a->json) {
		json_t *j = json_array();

		for (size_t i = 0; i < l.n; i++)
			json_array_append_new(j, json_string(l.v[i]));
		return print_json(j);
	}
	for (size_t i = 0; i < l.n; i++)
		printf("%s\n", l.v[i]);
	if (!l.n)
		fprintf(stderr, "no targets in %s\n", a->cache);
	return SUT_EXIT_OK;
}

static int remove_target(const struct args *a)
{
	_cleanup_(sut_freep) char *abs = NULL, *cache = NULL;
	_cleanup_(sut_closep) int lock = -1, own = -1;
	const struct sut_progress *say = sut_progress_stderr();
	bool library = sut_lib_name_is(a->target), source;
	struct sut_err err = {0};
	const char *release;
	int r = library ? sut_lib_name_check(a->target, NULL, NULL, &err)
			: sut_target_name_check(a->target, &release, &err);

	if (r == 0)
		r = sut_store_open(a->cache, &cache, &err);
	if (r == 0 && library)
		r = sut_store_lock_entry(cache, a->target, say, &own, &err);
	if (r == 0)
		r = sut_store_lock(cache, say, &abs, &lock, &err);
	if (r == 0)
		r = sut_target_remove(abs, a->target, &source, &err);
	if (r < 0)
		return fail(&err);
	printf("%s is removed%s\n", a->target, source ? ", and its source tree" : "");
	return SUT_EXIT_OK;
}

static int clean(const struct args *a)
{
	_cleanup_(sut_freep) char *abs = NULL;
	_cleanup_(sut_closep) int lock = -1;
	struct sut_err err = {0};
	size_t n;

	if (sut_store_lock(a->cache, sut_progress_stderr(), &abs, &lock, &err) < 0 ||
	    sut_store_clean(abs, &n, &err) < 0)
		return fail(&err);
	printf("%zu source trees are removed\n", n);
	return SUT_EXIT_OK;
}

static const struct verb {
	const char *name;
	int (*run)(const struct args *a);
	bool takes_target;
} verbs[] = {
	{"add", add, true},	 {"list", list, false},
	{"show", show, true},	 {"remove", remove_target, true},
	{"clean", clean, false},
};

static _printf_(1, 2) int usage_error(const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "suture-build target: ");
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\n\n%s", usage_text);
	return SUT_EXIT_ERROR;
}

static int run(int argc, char **argv, struct args *a)
{
	static const struct option opts[] = {
		{"from", required_argument, NULL, 'f'},
		{"cache", required_argument, NULL, 'c'},
		{"here", no_argument, NULL, 'H'},
		{"file", required_argument, NULL, 'F'},
		{"json", no_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	const char *cache = NULL;
	int c;

	optind = 1;
	while ((c = getopt_long(argc, argv, "h", opts, NULL)) != -1) {
		switch (c) {
		case 'f':
			a->from = optarg;
			break;
		case 'H':
			a->here = true;
			break;
		case 'F':
			a->file = optarg;
			break;
		case 'c':
			cache = optarg;
			break;
		case 'j':
			a->json = true;
			break;
		case 'h':
			fputs(usage_text, stdout);
			return SUT_EXIT_OK;
		default:
			fputs(usage_text, stderr);
			return SUT_EXIT_ERROR;
		}
	}
	a->cache = cache ? strdup(cache) : sut_cache_dir();
	if (!a->cache)
		return SUT_EXIT_ERROR;
	if (optind == argc)
		return usage_error("say what to do: add, list, show, remove or clean");
	a->verb = argv[optind++];
	for (size_t i = 0; i < SUT_ARRAY_SIZE(verbs); i++) {
		if (!sut_streq(a->verb, verbs[i].name))
			continue;
		if (verbs[i].takes_target && optind == argc)
			return usage_error("%s needs a target, for example "
					   "debian/6.1.0-47-cloud-amd64",
					   a->verb);
		if (verbs[i].takes_target)
			a->target = argv[optind++];
		if (optind != argc)
			return usage_error("'%s' is one argument too many", argv[optind]);
		return verbs[i].run(a);
	}
	return usage_error("there is no verb '%s'", a->verb);
}

int cmd_target(int argc, char **argv)
{
	struct args a = {0};
	int r = run(argc, argv, &a);

	free(a.cache);
	return r;
}
