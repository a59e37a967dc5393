// SPDX-License-Identifier: Apache-2.0
#include "compile/commands.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/proc.h"
#include "compile/kbuild.h"

enum {
	MAKE_OUTPUT_MAX = 512 << 20, /* `make -n` of a large configuration prints 250 MB */
	MAKE_SECONDS_MAX = 900,
};

static char *in_compile(const struct sut_profile *p, const char *name)
{
	return sut_sprintf("%s/compile/%s", p->dir, name);
}

char *sut_commands_dir(const struct sut_profile *p)
{
	return in_compile(p, "obj");
}

int sut_commands_env(struct sut_strv *argv)
{
	static const char *const keep[] = {"PATH", "HOME", "TMPDIR"};
	int r = sut_strv_add(argv, "env");

	if (r == 0)
		r = sut_strv_add(argv, "-i");
	if (r == 0)
		r = sut_strv_add(argv, "LC_ALL=C");
	for (size_t i = 0; i < SUT_ARRAY_SIZE(keep) && r == 0; i++) {
		const char *v = getenv(keep[i]);

		if (v)
			r = sut_strv_addf(argv, "%s=%s", keep[i], v);
	}
	return r;
}

/* The compiler the build folder was prepared with: the first word of
 * CONFIG_CC_VERSION_TEXT, which is what `$(CC) --version` calls itself. With
 * another one the build system would start to configure anew. */
static int prepared_cc(const struct sut_profile *p, char **ret, struct sut_err *err)
{
	static const char key[] = "\nCONFIG_CC_VERSION_TEXT=\"";
	_cleanup_(sut_freep) char *path = sut_sprintf("%s/.config", p->build_dir);
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(4 << 20);
	const char *s;
	char *cc;
	int r;

	if (!path)
		return sut_err_oom(err);
	r = sut_file_read(path, &b, err);
	if (r < 0)
		return r;
	s = strstr(sut_buf_str(&b), key);
	if (!s)
		return sut_err_set(err, EBADMSG,
				   "%s does not name the compiler of the target; remove the target "
				   "and add it again",
				   path);
	s += sizeof(key) - 1;
	cc = strndup(s, strcspn(s, " \"\n"));
	if (!cc)
		return sut_err_oom(err);
	*ret = cc;
	return 0;
}

static int make_argv(const struct sut_profile *p, struct sut_strv *argv, struct sut_err *err)
{
	_cleanup_(sut_freep) char *cc = NULL;
	int r = prepared_cc(p, &cc, err);

	if (r < 0)
		return r;
	r = sut_commands_env(argv);
	if (r == 0)
		r = sut_strv_add(argv, "make");
	if (r == 0)
		r = sut_strv_addf(argv, "CC=%s", cc);
	return r < 0 ? sut_err_oom(err) : 0;
}

/* The private copy of the build folder; a half-made one is made anew. */
static int copy_build_dir(const struct sut_profile *p, struct sut_err *err)
{
	_cleanup_(sut_freep) char *obj = in_compile(p, "obj"), *tmp = in_compile(p, "obj.new");
	const char *argv[] = {"cp", "-a", p->build_dir, tmp, NULL};
	int r;

	if (!obj || !tmp)
		return sut_err_oom(err);
	if (sut_exists(obj))
		return 0;
	r = sut_rm_rf(tmp, err);
	if (r == 0)
		r = sut_run_ok(argv, NULL, err);
	if (r < 0)
		return r;
	if (rename(tmp, obj) < 0)
		return sut_err_errno(err, "cannot rename %s", tmp);
	return 0;
}

/*
 * Asks for everything at once: it takes hardly longer than asking for one
 * file, and tells what is built into vmlinux. The distribution's keys are not
 * there and have no influence on the commands. -k because the last links
 * cannot be planned without having built their inputs.
 */
static int list_commands(const struct sut_profile *p, const char *path, struct sut_err *err)
{
	_cleanup_(sut_kbuild_freep) struct sut_kbuild *k = NULL;
	_cleanup_(sut_freep) char *obj = in_compile(p, "obj");
	_cleanup_buf_ struct sut_buf out = SUT_BUF_INIT(MAKE_OUTPUT_MAX);
	_cleanup_buf_ struct sut_buf said = SUT_BUF_INIT(16 << 20);
	_cleanup_buf_ struct sut_buf list = SUT_BUF_INIT(SUT_COMMANDS_MAX);
	struct sut_run_opts o = {
		.cwd = obj, .out = &out, .err_out = &said, .timeout_sec = MAKE_SECONDS_MAX};
	static const char *const goals[] = {"-n",
					    "-k",
					    "CONFIG_MODULE_SIG_KEY=",
					    "CONFIG_SYSTEM_TRUSTED_KEYS=",
					    "CONFIG_SYSTEM_REVOCATION_KEYS=",
					    "vmlinux",
					    "modules"};
	_cleanup_strv_ struct sut_strv argv = {0};
	size_t built_in = 0;
	int r;

	if (!obj)
		return sut_err_oom(err);
	r = make_argv(p, &argv, err);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(goals) && r == 0; i++)
		if (sut_strv_add(&argv, goals[i]) < 0)
			r = sut_err_oom(err);
	if (r < 0)
		return r;
	r = sut_run((const char *const *)argv.v, &o, err);
	if (r < 0)
		return r;
	r = sut_kbuild_parse(sut_buf_str(&out), out.len, p->src_dir, &k, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < k->n; i++)
		built_in += k->units[i].kind == SUT_UNIT_BUILT_IN;
	if (!built_in) {
		const char *s = sut_buf_str(&said);

		return sut_err_set(err, ECHILD,
				   "the kernel's build system in %s names no source of vmlinux; it "
				   "said: %s",
				   obj, said.len > 1000 ? s + said.len - 1000 : s);
	}
	if (sut_kbuild_format(k, &list) < 0)
		return sut_err_oom(err);
	return sut_file_write(path, list.data, list.len, 0644, err);
}

static int take_lock(const struct sut_profile *p, int *ret_fd, struct sut_err *err)
{
	_cleanup_(sut_freep) char *dir = in_compile(p, ""), *lock = in_compile(p, "lock");
	int r;

	if (!dir || !lock)
		return sut_err_oom(err);
	r = sut_mkdir_p(dir, err);
	return r < 0 ? r : sut_lock(lock, ret_fd, err);
}

int sut_commands_prepare(const struct sut_profile *p, struct sut_err *err)
{
	_cleanup_(sut_freep) char *list = in_compile(p, "list");
	_cleanup_(sut_closep) int lock = -1;
	int r;

	if (!list)
		return sut_err_oom(err);
	if (sut_exists(list))
		return 0;
	r = take_lock(p, &lock, err);
	if (r < 0)
		return r;
	if (sut_exists(list)) /* another one made it while we waited */
		return 0;
	r = copy_build_dir(p, err);
	return r < 0 ? r : list_commands(p, list, err);
}

int sut_commands_read(const struct sut_profile *p, struct sut_buf *ret, struct sut_err *err)
{
	_cleanup_(sut_freep) char *list = in_compile(p, "list");
	int r;

	if (!list)
		return sut_err_oom(err);
	r = sut_commands_prepare(p, err);
	return r < 0 ? r : sut_file_read(list, ret, err);
}

int sut_commands_make(const struct sut_profile *p, const char *object, struct sut_err *err)
{
	_cleanup_(sut_freep) char *obj = in_compile(p, "obj");
	struct sut_run_opts o = {.cwd = obj, .timeout_sec = MAKE_SECONDS_MAX};
	_cleanup_strv_ struct sut_strv argv = {0};
	_cleanup_(sut_closep) int lock = -1;
	int r;

	if (!obj)
		return sut_err_oom(err);
	r = make_argv(p, &argv, err);
	if (r < 0)
		return r;
	if (sut_strv_add(&argv, object) < 0)
		return sut_err_oom(err);
	r = take_lock(p, &lock, err);
	return r < 0 ? r : sut_run_ok((const char *const *)argv.v, &o, err);
}
