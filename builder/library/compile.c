// SPDX-License-Identifier: Apache-2.0
/*
 * Recorded compilations once more: the same compiler, arguments and folder, the changed files bound over the tree's own, so that
 * __FILE__, #include and every header are as they were. Nothing but the output's folder can be written to.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/proc.h"
#include "base/str.h"
#include "library/profile.h"
#include "library/profile_file.h"

enum { OUTPUT_MAX = 1 << 20 };

#define OUTSIDE "/tmp/suture-out" /* the output's folder, inside of the root */

static int add_all(struct sut_strv *argv, const char *const *words)
{
	int r = 0;

	for (; *words && r == 0; words++)
		r = sut_strv_add(argv, *words);
	return r;
}

/* Files that a fix adds: their folder is made anew, of the same entries, for a mount needs a place. */
static int open_folder(struct sut_strv *argv, const struct sut_lib_profile *p, const char *folder)
{
	_cleanup_(sut_freep) char *outside =
		sut_sprintf("%s%s", sut_streq(p->root, "/") ? "" : p->root, folder);
	_cleanup_(sut_closedirp) DIR *d = outside ? opendir(outside) : NULL;
	const struct dirent *e;
	int r = add_all(argv, (const char *const[]){"--tmpfs", folder, NULL});

	while (r == 0 && d && (e = readdir(d))) {
		_cleanup_(sut_freep) char *from = NULL, *to = NULL;
		char target[PATH_MAX];
		ssize_t len;

		if (sut_streq(e->d_name, ".") || sut_streq(e->d_name, ".."))
			continue;
		from = sut_sprintf("%s/%s", outside, e->d_name);
		to = sut_sprintf("%s/%s", folder, e->d_name);
		if (!from || !to)
			return -ENOMEM;
		/* A link leads to where it leads in there, and to nothing of ours. */
		len = readlinkat(dirfd(d), e->d_name, target, sizeof(target) - 1);
		target[len > 0 ? len : 0] = 0;
		r = len > 0 ? add_all(argv, (const char *const[]){"--symlink", target, to, NULL})
			    : add_all(argv, (const char *const[]){"--ro-bind", from, to, NULL});
	}
	return r;
}

static int add_overlays(struct sut_strv *argv, const struct sut_lib_profile *p,
			const struct sut_lib_compile *c, struct sut_err *err)
{
	_cleanup_strv_ struct sut_strv opened = {0};

	for (size_t i = 0; i < c->noverlays; i++) {
		_cleanup_(sut_freep) char *path =
			sut_sprintf("%s/%s", p->src_dir, c->overlays[i].path);
		_cleanup_(sut_freep) char *outside =
			path ? sut_sprintf("%s%s", sut_streq(p->root, "/") ? "" : p->root, path)
			     : NULL;
		_cleanup_(sut_freep) char *folder = path ? strdup(path) : NULL;
		struct stat st;

		if (!outside || !folder)
			return sut_err_oom(err);
		if (lstat(outside, &st) == 0 && !S_ISREG(st.st_mode))
			return sut_err_set(err, EINVAL,
					   "%s is no ordinary file in the source tree; change the "
					   "file that it stands for",
					   c->overlays[i].path);
		*strrchr(folder, '/') = 0;
		if (!sut_exists(outside) && !sut_strv_has(&opened, folder))
			if (open_folder(argv, p, folder) < 0 || sut_strv_add(&opened, folder) < 0)
				return sut_err_oom(err);
	}
	for (size_t i = 0; i < c->noverlays; i++) {
		_cleanup_(sut_freep) char *path =
			sut_sprintf("%s/%s", p->src_dir, c->overlays[i].path);
		_cleanup_(sut_freep) char *text = realpath(c->overlays[i].text_path, NULL);

		if (!text)
			return sut_err_errno(err, "cannot open %s", c->overlays[i].text_path);
		if (!path ||
		    add_all(argv, (const char *const[]){"--ro-bind", text, path, NULL}) < 0)
			return sut_err_oom(err);
	}
	return 0;
}

/* Words to leave out of the recorded command: 0 (keep), 1 or 2. */
static unsigned int left_out(const char *a)
{
	static const char *const alone[] = {"-MD", "-MMD", "-MP", "-MG", "-M", "-MM"};
	static const char *const pairs[] = {"-o", "-MF", "-MT", "-MQ"};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(alone); i++)
		if (sut_streq(a, alone[i]))
			return 1;
	for (size_t i = 0; i < SUT_ARRAY_SIZE(pairs); i++)
		if (sut_streq(a, pairs[i]))
			return 2;
	return sut_startswith(a, "-MF") || sut_startswith(a, "-MT") || sut_startswith(a, "-MQ") ||
	       sut_startswith(a, "-Wp,-M") || (sut_startswith(a, "-o") && a[2]);
}

static int add_command(struct sut_strv *argv, const struct sut_lib_compile *c, const char *output)
{
	int r = 0;

	for (size_t i = 0; c->object->argv[i] && r == 0;) {
		unsigned int skip = i ? left_out(c->object->argv[i]) : 0;

		if (!skip)
			r = sut_strv_add(argv, c->object->argv[i]);
		for (skip += !skip; skip && c->object->argv[i]; skip--)
			i++;
	}
	if (r == 0 && c->extra)
		r = add_all(argv, c->extra);
	return r < 0 ? r : add_all(argv, (const char *const[]){"-o", output, NULL});
}

static int command(const struct sut_lib_profile *p, const struct sut_lib_compile *c,
		   const char *folder, const char *base, struct sut_strv *argv, struct sut_err *err)
{
	bool here = sut_streq(p->root, "/");
	const char *out = here ? folder : OUTSIDE;
	_cleanup_(sut_freep) char *output = sut_sprintf("%s/%s", out, base);
	int r = add_all(argv,
			(const char *const[]){
				"bwrap", "--ro-bind", p->root, "/", "--dev", "/dev",
				/* The compiler is one of the target's root: of root's rights it
						 gets what reading and writing files takes. */
				"--unshare-net", "--unshare-pid", "--unshare-ipc",
				"--die-with-parent", "--new-session", "--cap-drop", "ALL",
				"--cap-add", "CAP_DAC_OVERRIDE", "--clearenv", "--setenv", "PATH",
				"/usr/local/bin:/usr/bin:/bin", "--setenv", "LC_ALL", "C.UTF-8",
				NULL});

	if (r == 0 && !here)
		r = add_all(argv, (const char *const[]){"--tmpfs", "/tmp", NULL});
	if (r == 0)
		r = add_all(argv, (const char *const[]){"--bind", folder, out, "--setenv", "TMPDIR",
							out, NULL});
	if (r == 0 && *sut_lib_profile_epoch(p))
		r = add_all(argv, (const char *const[]){"--setenv", "SOURCE_DATE_EPOCH",
							sut_lib_profile_epoch(p), NULL});
	if (r < 0 || !output)
		return sut_err_oom(err);
	r = add_overlays(argv, p, c, err);
	if (r < 0)
		return r;
	r = add_all(argv, (const char *const[]){"--chdir", c->object->cwd, NULL});
	return r < 0 || add_command(argv, c, output) < 0 ? sut_err_oom(err) : 0;
}

/* The folder of the output as an absolute path, and the last part of its name. */
static int split_output(const char *output, char **ret_folder, const char **ret_base,
			struct sut_err *err)
{
	const char *slash = strrchr(output, '/');
	_cleanup_(sut_freep) char *dir =
		slash ? strndup(output, (size_t)(slash - output) + (slash == output)) : strdup(".");

	*ret_base = slash ? slash + 1 : output;
	*ret_folder = dir ? realpath(dir, NULL) : NULL;
	return *ret_folder ? 0 : sut_err_errno(err, "cannot write to the folder of %s", output);
}

static int prepare(const struct sut_lib_profile *p, const struct sut_lib_compile *c,
		   struct sut_strv *argv, struct sut_err *err)
{
	_cleanup_(sut_freep) char *folder = NULL;
	const char *base;
	int r;

	if (!*c->object->source || !c->object->argv[0])
		return sut_err_set(err, EINVAL,
				   "how %s was compiled is not recorded: it was not made from one "
				   "source file of the package",
				   c->object->path);
	r = split_output(c->output, &folder, &base, err);
	return r < 0 ? r : command(p, c, folder, base, argv, err);
}

/* What the compiler said, without the warnings that the package lives with. */
static int say_failure(const struct sut_lib_compile *c, struct sut_job *j, struct sut_err *err)
{
	const char *s = sut_buf_str(&j->output), *e = strstr(s, "error:");

	if (strstr(s, "bwrap:"))
		return sut_err_set(
			err, ECHILD,
			"%s cannot be compiled in the target's root:\n%.1500s\n(bubblewrap "
			"needs user namespaces, or root)",
			c->object->source, s);
	while (e && e > s && e[-1] != '\n')
		e--;
	return sut_err_set(err, ECHILD, "%s does not compile:\n%.1600s", c->object->source,
			   e ? e : s);
}

int sut_lib_compile_run(const struct sut_lib_profile *p, struct sut_lib_compile *c, size_t n,
			struct sut_err *err)
{
	_cleanup_(sut_freep) struct sut_job *jobs = calloc(n + 1, sizeof(*jobs));
	_cleanup_(sut_freep) struct sut_strv *argv = calloc(n + 1, sizeof(*argv));
	int r = jobs && argv ? 0 : sut_err_oom(err);

	for (size_t i = 0; i < n && r == 0; i++) {
		r = prepare(p, &c[i], &argv[i], err);
		jobs[i].argv = (const char *const *)argv[i].v;
		jobs[i].output = SUT_BUF_INIT(OUTPUT_MAX);
	}
	if (r == 0 && n) {
		r = sut_run_jobs(jobs, n, 0, err);
		if (r == -ENOENT)
			r = sut_err_set(
				err, ENOENT,
				"bubblewrap is not on this machine: apt-get install bubblewrap");
		for (size_t i = 0; i < n && r == -ECHILD; i++)
			if (jobs[i].status > 0) {
				r = say_failure(&c[i], &jobs[i], err);
				break;
			}
	}
	for (size_t i = 0; jobs && argv && i < n; i++) {
		c[i].seconds = jobs[i].seconds;
		sut_strv_release(&argv[i]);
		sut_buf_release(&jobs[i].output);
	}
	return r;
}
