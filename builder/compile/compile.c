// SPDX-License-Identifier: Apache-2.0
#include "compile/compile.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/proc.h"
#include "compile/commands.h"
#include "compile/kbuild.h"

enum {
	TEXT_MAX = 64 << 20,	   /* bytes of a source file */
	TOOL_OUTPUT_MAX = 4 << 20, /* bytes a compiler may print */
	NOT_STARTED = INT_MIN,	   /* job status before it ran */
};

/* One compilation under way. */
struct task {
	struct sut_compile *c;
	struct sut_kbuild_unit unit;
	struct sut_strv cc, objtool; /* argv */
	bool compiled;
	bool generated; /* make was asked for generated headers */
};

static void task_release(struct task *t)
{
	sut_kbuild_unit_release(&t->unit);
	sut_strv_release(&t->cc);
	sut_strv_release(&t->objtool);
}

static int absolute(const char *path, char **ret, struct sut_err *err)
{
	_cleanup_(sut_freep) char *cwd = NULL;

	if (*path == '/') {
		*ret = strdup(path);
		return *ret ? 0 : sut_err_oom(err);
	}
	cwd = getcwd(NULL, 0);
	if (!cwd)
		return sut_err_errno(err, "cannot tell the current folder");
	*ret = sut_sprintf("%s/%s", cwd, path);
	return *ret ? 0 : sut_err_oom(err);
}

static bool within_tree(const char *path)
{
	if (!*path || *path == '/' || strpbrk(path, "\t\n"))
		return false;
	for (const char *s = path; s; s = strchr(s, '/')) {
		s += *s == '/';
		if (!strncmp(s, "..", 2) && (s[2] == '/' || !s[2]))
			return false;
	}
	return true;
}

/* The unit of a source, or the reason why there is none. */
static int find_unit(const struct sut_profile *p, const struct sut_buf *list, const char *source,
		     struct sut_kbuild_unit *ret, struct sut_err *err)
{
	_cleanup_(sut_kbuild_unit_release) struct sut_kbuild_unit u = {0};
	_cleanup_(sut_freep) char *path = sut_sprintf("%s/%s", p->src_dir, source);
	int r;

	if (!path)
		return sut_err_oom(err);
	if (!within_tree(source))
		return sut_err_set(err, EINVAL,
				   "'%s' is not a path within the source tree; write it "
				   "like net/unix/af_unix.c",
				   source);
	r = sut_kbuild_find(sut_buf_str(list), list->len, source, &u);
	if (r == -EBADMSG)
		return sut_err_set(err, EBADMSG, "%s/compile/list is damaged; remove that file",
				   p->dir);
	if (r < 0)
		return sut_err_oom(err);
	if (!r && !sut_exists(path))
		return sut_err_set(err, ENOENT, "the sources of %s (%s %s) have no file %s",
				   p->name, p->package, p->package_version, source);
	if (!r || u.kind == SUT_UNIT_OTHER)
		return sut_err_reason(
			err, EOPNOTSUPP, "not-built",
			"%s is not compiled into the kernel %s%s; a fix to it changes "
			"nothing there",
			source, p->name,
			r ? " itself (it belongs to the boot code or the vdso)" : "");
	if (u.kind == SUT_UNIT_MODULE)
		return sut_err_reason(
			err, EOPNOTSUPP, "loadable-module",
			"%s belongs to a loadable module in %s; only files built into "
			"vmlinux can be patched so far",
			source, p->name);
	*ret = u;
	u = (struct sut_kbuild_unit){0};
	return 0;
}

static int check_tool(const char *obj, const char *tool, struct sut_err *err)
{
	_cleanup_(sut_freep) char *path = NULL;
	const char *argv[] = {tool, "--version", NULL};
	int r;

	if (strchr(tool, '/')) {
		path = sut_sprintf("%s/%s", obj, tool);
		if (!path)
			return sut_err_oom(err);
		if (access(path, X_OK) < 0)
			return sut_err_errno(err,
					     "objtool of the target is missing (%s); remove the "
					     "target and add it again",
					     path);
		return 0;
	}
	r = sut_run(argv, NULL, err);
	if (r == -ENOENT)
		return sut_err_set(err, ENOENT,
				   "the target's compiler %s is not installed; run: "
				   "apt install %s",
				   tool, tool);
	return r < 0 ? r : 0;
}

static int add_words(struct sut_strv *to, const struct sut_strv *from)
{
	int r = 0;

	for (size_t i = 0; i < from->n && r == 0; i++)
		r = sut_strv_add(to, from->v[i]);
	return r;
}

/*
 * The replacement text, in a private folder under the name of the original.
 * The line marker makes the original path the text's __FILE__; together with
 * -iquote the result is the same as if the text stood in the tree.
 */
static int copy_text(const struct sut_compile *c, const char *original, const char *dir,
		     char **ret_path, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(TEXT_MAX);
	_cleanup_(sut_freep) char *path = NULL;
	const char *base = strrchr(c->source, '/');
	int r;

	path = sut_sprintf("%s/%s", dir, base ? base + 1 : c->source);
	if (!path || sut_buf_addf(&b, "# 1 \"%s\"\n", original) < 0)
		return sut_err_oom(err);
	r = sut_mkdir_p(dir, err);
	if (r == 0)
		r = sut_file_read(c->text_path, &b, err);
	if (r == 0)
		r = sut_file_write(path, b.data, b.len, 0600, err);
	if (r == 0)
		*ret_path = sut_steal(path);
	return r;
}

static int compiler_argv(const struct sut_profile *p, struct task *t, const char *output,
			 const char *text_dir, struct sut_err *err)
{
	_cleanup_(sut_freep) char *original = sut_sprintf("%s/%s", p->src_dir, t->c->source);
	_cleanup_(sut_freep) char *text = NULL;
	int r;

	if (!original)
		return sut_err_oom(err);
	r = sut_commands_env(&t->cc);
	if (r == 0)
		r = add_words(&t->cc, &t->unit.cc);
	if (r == 0 && t->c->mode == SUT_COMPILE_SECTIONS)
		r = sut_strv_add(&t->cc, "-ffunction-sections");
	if (r == 0 && t->c->mode == SUT_COMPILE_SECTIONS)
		r = sut_strv_add(&t->cc, "-fdata-sections");
	if (r == 0 && t->c->mode == SUT_COMPILE_SECTIONS)
		r = sut_strv_add(&t->cc, "-gbtf"); /* the layout of types; costs nothing */
	if (r == 0 && t->c->text_path)
		r = sut_strv_addf(&t->cc, "-iquote%.*s", (int)(strrchr(original, '/') - original),
				  original);
	if (r == 0)
		r = sut_strv_add(&t->cc, "-c");
	if (r == 0)
		r = sut_strv_add(&t->cc, "-o");
	if (r == 0)
		r = sut_strv_add(&t->cc, output);
	if (r < 0)
		return sut_err_oom(err);
	if (t->c->text_path) {
		r = copy_text(t->c, original, text_dir, &text, err);
		if (r < 0)
			return r;
	}
	return sut_strv_add(&t->cc, text ? text : original) < 0 ? sut_err_oom(err) : 0;
}

static int objtool_argv(struct task *t, const char *output)
{
	int r;

	if (!t->unit.objtool.n)
		return 0;
	r = sut_commands_env(&t->objtool);
	if (r == 0)
		r = add_words(&t->objtool, &t->unit.objtool);
	return r < 0 ? r : sut_strv_add(&t->objtool, output);
}

static int prepare(const struct sut_profile *p, const struct sut_buf *list, const char *text_dir,
		   struct task *t, struct sut_err *err)
{
	_cleanup_(sut_freep) char *output = NULL;
	int r = find_unit(p, list, t->c->source, &t->unit, err);

	if (r == 0)
		r = absolute(t->c->output, &output, err);
	if (r == 0)
		r = compiler_argv(p, t, output, text_dir, err);
	if (r == 0 && objtool_argv(t, output) < 0)
		r = sut_err_oom(err);
	return r;
}

/* Runs one tool of all tasks that need it, side by side. Every job that was
 * started has its status set; *ret_jobs is in the order of idx. */
static int run_tools(struct task *tasks, const size_t *idx, size_t n, bool objtool, const char *obj,
		     struct sut_job *jobs)
{
	int r;

	for (size_t i = 0; i < n; i++) {
		struct task *t = &tasks[idx[i]];

		jobs[i] = (struct sut_job){
			.argv = (const char *const *)(objtool ? t->objtool.v : t->cc.v),
			.cwd = obj,
			.output = SUT_BUF_INIT(TOOL_OUTPUT_MAX),
			.status = NOT_STARTED,
		};
	}
	/* failures are looked at job by job, so that each gets its own message */
	r = sut_run_jobs(jobs, n, 0, NULL);
	for (size_t i = 0; i < n; i++)
		tasks[idx[i]].c->seconds += jobs[i].seconds;
	return r == -ECHILD ? 0 : r;
}

/* The first lines are what matters in a compiler's complaint. */
static int tool_failed(const struct task *t, const char *tool, const struct sut_job *j,
		       struct sut_err *err)
{
	return sut_err_set(err, ECHILD, "%s failed on %s (status %d):\n%.1500s", tool, t->c->source,
			   j->status, sut_buf_str(&j->output));
}

static bool misses_header(const struct sut_job *j)
{
	return strstr(sut_buf_str(&j->output), "No such file or directory");
}

/*
 * Compiles until all are done. When an included file is not there it is one
 * that the build generates (lib/crc32table.h): make is asked for it once.
 */
static int compile_all(const struct sut_profile *p, struct task *tasks, size_t n, const char *obj,
		       struct sut_job *jobs, size_t *idx, struct sut_err *err)
{
	for (;;) {
		size_t m = 0;
		int r;

		for (size_t i = 0; i < n; i++)
			if (!tasks[i].compiled)
				idx[m++] = i;
		if (!m)
			return 0;
		r = run_tools(tasks, idx, m, false, obj, jobs);
		if (r < 0)
			r = sut_err_set(err, -r, "cannot run %s", tasks[idx[0]].unit.cc.v[0]);
		for (size_t i = 0; i < m; i++) {
			struct task *t = &tasks[idx[i]];

			if (r == 0 && jobs[i].status == 0) {
				t->compiled = true;
			} else if (r == 0 && jobs[i].status != NOT_STARTED) {
				if (misses_header(&jobs[i]) && !t->generated) {
					t->generated = true;
					r = sut_commands_make(p, t->unit.object, err);
				} else {
					r = tool_failed(t, t->unit.cc.v[0], &jobs[i], err);
				}
			}
			sut_buf_release(&jobs[i].output);
		}
		if (r < 0)
			return r;
	}
}

static int objtool_all(struct task *tasks, size_t n, const char *obj, struct sut_job *jobs,
		       size_t *idx, struct sut_err *err)
{
	size_t m = 0;
	int r = 0;

	for (size_t i = 0; i < n; i++)
		if (tasks[i].objtool.n)
			idx[m++] = i;
	if (m)
		r = run_tools(tasks, idx, m, true, obj, jobs);
	if (r < 0)
		r = sut_err_set(err, -r, "cannot run objtool");
	for (size_t i = 0; i < m; i++) {
		if (r == 0 && jobs[i].status != 0 && jobs[i].status != NOT_STARTED)
			r = tool_failed(&tasks[idx[i]], "objtool", &jobs[i], err);
		sut_buf_release(&jobs[i].output);
	}
	return r;
}

static int run(const struct sut_profile *p, struct task *tasks, size_t n, const char *tmp,
	       struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf list = SUT_BUF_INIT(SUT_COMMANDS_MAX);
	_cleanup_(sut_freep) char *obj = sut_commands_dir(p);
	_cleanup_(sut_freep) struct sut_job *jobs = calloc(n, sizeof(*jobs));
	_cleanup_(sut_freep) size_t *idx = calloc(n, sizeof(*idx));
	int r;

	if (!obj || !jobs || !idx)
		return sut_err_oom(err);
	r = sut_commands_read(p, &list, err);
	for (size_t i = 0; i < n && r == 0; i++) {
		_cleanup_(sut_freep) char *dir = sut_sprintf("%s/%zu", tmp, i);

		r = dir ? prepare(p, &list, dir, &tasks[i], err) : sut_err_oom(err);
	}
	/* all units have the same tools */
	if (r == 0)
		r = check_tool(obj, tasks[0].unit.cc.v[0], err);
	for (size_t i = 0; i < n && r == 0; i++)
		if (tasks[i].unit.objtool.n)
			r = check_tool(obj, tasks[i].unit.objtool.v[0], err);
	if (r == 0)
		r = compile_all(p, tasks, n, obj, jobs, idx, err);
	if (r == 0)
		r = objtool_all(tasks, n, obj, jobs, idx, err);
	return r;
}

int sut_compile_run(const struct sut_profile *p, struct sut_compile *c, size_t n,
		    struct sut_err *err)
{
	_cleanup_(sut_freep) struct task *tasks = NULL;
	_cleanup_(sut_freep) char *tmp = NULL;
	int r;

	if (!n)
		return 0;
	tasks = calloc(n, sizeof(*tasks));
	if (!tasks)
		return sut_err_oom(err);
	r = sut_tmpdir("suture-compile", &tmp, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		tasks[i].c = &c[i];
		c[i].seconds = 0;
	}
	r = run(p, tasks, n, tmp, err);
	for (size_t i = 0; i < n; i++) {
		if (r < 0)
			unlink(c[i].output);
		task_release(&tasks[i]);
	}
	if (sut_rm_rf(tmp, r < 0 ? NULL : err) < 0 && r == 0)
		r = -EIO;
	return r;
}

int sut_compile_prepare(const struct sut_profile *p, struct sut_err *err)
{
	return sut_commands_prepare(p, err);
}

int sut_compile_sources(const struct sut_profile *p, struct sut_strv *ret, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf list = SUT_BUF_INIT(SUT_COMMANDS_MAX);
	int r = sut_commands_read(p, &list, err);

	if (r < 0)
		return r;
	r = sut_kbuild_sources(sut_buf_str(&list), list.len, SUT_UNIT_BUILT_IN, ret);
	if (r == -EBADMSG)
		return sut_err_set(err, EBADMSG, "%s/compile/list is damaged; remove that file",
				   p->dir);
	return r < 0 ? sut_err_oom(err) : 0;
}
