// SPDX-License-Identifier: Apache-2.0
/* suture-process info: what a patch file holds, what of ours a process has, and whether the one fits the other. Changes nothing. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "change/engine.h"
#include "change/image.h"
#include "cmd.h"

enum { MAPPINGS_MAX = 16 };

static const struct option options[] = {
	{"pid", required_argument, NULL, 'p'},
	{"json", no_argument, NULL, 'j'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static void usage(FILE *f)
{
	fprintf(f,
		"usage: suture-process info [--pid PID] [--json] [FILE]\n\n"
		"What the patch FILE holds; what of ours process PID has; with both, whether FILE fits\n"
		"what the process has in memory now. Nothing is stopped or changed.\n\n"
		"  --pid PID   the process; without FILE all of its files are listed\n"
		"  --json      one document for programs\n");
}

static json_t *hex_of(const void *data, size_t len)
{
	char text[65];

	sut_hex(data, len < 32 ? len : 32, text);
	return json_string(text);
}

/* Text of a process may be in any encoding. */
static json_t *text_of(const char *s)
{
	json_t *j = json_string(s);
	char plain[512];
	size_t n = 0;

	if (j)
		return j;
	for (; *s && n < sizeof(plain) - 1; s++)
		plain[n++] = *s < ' ' || *s > '~' ? '?' : *s;
	plain[n] = 0;
	return json_string(plain);
}

static json_t *patch_json(const struct proc_patch *p)
{
	const struct sut_library *l = p->library;
	json_t *functions = json_array(), *imports = json_array();

	for (size_t i = 0; i < l->nfuncs; i++)
		json_array_append_new(
			functions,
			json_pack("{s:o, s:I, s:i, s:i, s:s}", "name", text_of(l->funcs[i].name),
				  "vaddr", (json_int_t)l->funcs[i].vaddr, "size",
				  (int)l->funcs[i].size, "new_size", (int)l->funcs[i].new_size,
				  "redirect",
				  l->funcs[i].redirect == SUT_LIBRARY_ISLAND ? "jump-island"
									     : "jump-entry"));
	for (size_t i = 0; i < l->nimports; i++)
		json_array_append_new(imports, json_pack("{s:o, s:o, s:b}", "name",
							 text_of(l->imports[i].name), "version",
							 text_of(l->imports[i].version), "weak",
							 (int)l->imports[i].weak));
	return json_pack("{s:s, s:i, s:o, s:s, s:s, s:s, s:o, s:i, s:o, s:o}", "id",
			 p->manifest->id, "level", (int)p->manifest->level, "sha256",
			 hex_of(p->sha256, sizeof(p->sha256)), "target", p->manifest->target.name,
			 "file", p->manifest->target.file, "soname", p->manifest->target.soname,
			 "build_id", hex_of(l->build_id, sizeof(l->build_id)), "memory",
			 (int)l->mem_len, "functions", functions, "imports", imports);
}

static json_t *view_json(const struct proc_view *v)
{
	json_t *files = json_array();

	for (size_t i = 0; i < v->nfiles; i++) {
		const struct proc_file *f = &v->files[i];
		json_t *j = json_pack("{s:o, s:o, s:b, s:I, s:i, s:s, s:b}", "build_id",
				      hex_of(f->build_id, sizeof(f->build_id)), "path",
				      text_of(f->path), "deleted", (int)f->deleted, "bias",
				      (json_int_t)f->bias, "level", (int)f->level, "patch",
				      f->patch, "half", (int)f->half);

		if (j && f->level)
			json_object_set_new(j, "sha256", hex_of(f->sha256, sizeof(f->sha256)));
		json_array_append_new(files, j);
	}
	return json_pack("{s:i, s:o, s:o, s:i, s:o}", "pid", (int)v->pid, "comm", text_of(v->comm),
			 "exe", text_of(v->exe), "uid", (int)v->uid, "files", files);
}

/* Would it go in? Everything that can be seen without a stop. */
static int fits(pid_t pid, const struct proc_patch *patch, struct sut_err *err)
{
	_cleanup_(proc_closep) struct proc *p = NULL;
	_cleanup_(sut_freep) uint64_t *imports =
		calloc(patch->library->nimports + 1, sizeof(*imports));
	struct proc_elf elfs[MAPPINGS_MAX];
	struct record *known = NULL;
	struct inject_gadgets g;
	size_t n, nknown = 0;
	int r;

	if (!imports)
		return sut_err_oom(err);
	r = proc_open(pid, &p, err);
	if (r < 0)
		return r;
	n = proc_elf_find(p, patch->library->build_id, elfs, SUT_ARRAY_SIZE(elfs));
	if (!n)
		return sut_err_reason(
			err, ENOENT, "not-mapped",
			"Process %d does not have %s mapped, not with the build-id of "
			"the patch.",
			pid, patch->manifest->target.soname);
	r = record_find(p, &known, &nknown, err);
	if (r == 0)
		r = inject_find(p, 0, &g, err);
	for (size_t i = 0; i < n && r == 0; i++) {
		uint64_t at;

		r = image_verify(p, &elfs[i], patch->library, known, nknown, err);
		if (r == 0)
			r = image_imports(p, &elfs[i], patch->library, imports, err);
		if (r == 0)
			r = proc_hole(p, elfs[i].low, elfs[i].high, patch->library->mem_len, &at,
				      err);
	}
	record_free_all(known, nknown);
	return r;
}

static void print_patch(const struct proc_patch *p)
{
	char id[2 * SUT_LIBRARY_BUILD_ID_LEN + 1];

	sut_hex(p->library->build_id, SUT_LIBRARY_BUILD_ID_LEN, id);
	printf("%s, level %" PRIu32 ", for %s\n  %s, build-id %s\n", p->manifest->id,
	       p->manifest->level, p->manifest->target.name, p->manifest->target.file, id);
	for (size_t i = 0; i < p->library->nfuncs; i++)
		printf("  %s: %" PRIu32 " bytes, were %" PRIu32 "\n", p->library->funcs[i].name,
		       p->library->funcs[i].new_size, p->library->funcs[i].size);
	for (size_t i = 0; i < p->library->nimports; i++)
		printf("  needs %s%s%s\n", p->library->imports[i].name,
		       p->library->imports[i].version[0] ? "@" : "",
		       p->library->imports[i].version);
}

static void print_view(const struct proc_view *v)
{
	printf("%d ", v->pid);
	cmd_print_text(v->comm);
	putchar('\n');
	for (size_t i = 0; i < v->nfiles; i++) {
		const struct proc_file *f = &v->files[i];
		char id[2 * SUT_LIBRARY_BUILD_ID_LEN + 1];

		sut_hex(f->build_id, SUT_LIBRARY_BUILD_ID_LEN, id);
		printf("  %s ", id);
		cmd_print_text(f->path);
		printf("%s", f->deleted ? " (deleted)" : "");
		if (f->level)
			printf(": %s, level %" PRIu32, f->patch, f->level);
		printf("%s\n",
		       f->half ? ": begun and not ended, or changed since; run 'suture-process repair'"
			       : "");
	}
}

static int run(pid_t pid, const char *path, bool json, struct sut_err *err)
{
	_cleanup_(proc_patch_freep) struct proc_patch *patch = NULL;
	struct proc_view v = {0};
	struct sut_err why = {0};
	int r = path ? cmd_load(path, &patch, err) : 0, fit = 0;

	if (r == 0 && pid)
		r = proc_look(pid,
			      patch ? (const uint8_t(*)[SUT_LIBRARY_BUILD_ID_LEN]) &
					      patch->library->build_id
				    : NULL,
			      patch ? 1 : 0, &v, err);
	if (r < 0)
		return r;
	if (patch && pid)
		fit = fits(pid, patch, &why);
	if (json) {
		json_t *j = json_object();

		if (patch)
			json_object_set_new(j, "patch", patch_json(patch));
		if (pid)
			json_object_set_new(j, "process", view_json(&v));
		if (patch && pid)
			json_object_set_new(j, "fits",
					    json_pack("{s:b, s:s, s:o}", "ok", fit == 0, "reason",
						      why.reason, "text", text_of(why.msg)));
		if (json_dumpf(j, stdout, JSON_INDENT(2)) < 0)
			fit = sut_err_oom(err);
		putchar('\n');
		json_decref(j);
	} else {
		if (patch)
			print_patch(patch);
		if (pid)
			print_view(&v);
		if (patch && pid && fit == 0)
			printf("  the patch fits\n");
	}
	proc_view_release(&v);
	if (fit < 0 && !err->code)
		*err = why;
	return fit;
}

int cmd_info(int argc, char **argv)
{
	struct sut_err err = {0};
	bool json = false;
	uint64_t pid = 0;
	int c, r;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (c) {
		case 'p':
			if (sut_parse_u64(optarg, INT32_MAX, &pid) < 0 || !pid) {
				fprintf(stderr, "suture-process: '%s' is no number of a process\n",
					optarg);
				return PROCESS_EXIT_USAGE;
			}
			break;
		case 'j':
			json = true;
			break;
		case 'h':
			usage(stdout);
			return PROCESS_EXIT_OK;
		default:
			usage(stderr);
			return PROCESS_EXIT_USAGE;
		}
	if (argc - optind > 1 || (!pid && optind == argc)) {
		usage(stderr);
		return PROCESS_EXIT_USAGE;
	}
	r = run((pid_t)pid, optind < argc ? argv[optind] : NULL, json, &err);
	if (r < 0)
		fprintf(stderr, "suture-process: %s\n", err.msg);
	return cmd_status(r);
}
