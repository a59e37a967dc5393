// SPDX-License-Identifier: Apache-2.0
#include "target/prepare.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysinfo.h>

#include "base/file.h"
#include "base/proc.h"
#include "base/str.h"

/* Options that say which tool was used, not what is built. */
static bool records_tool(const char *key, size_t n)
{
	static const char *const keys[] = {
		"CONFIG_CC_VERSION_TEXT",      "CONFIG_GCC_VERSION",
		"CONFIG_CLANG_VERSION",	       "CONFIG_AS_VERSION",
		"CONFIG_LD_VERSION",	       "CONFIG_LLD_VERSION",
		"CONFIG_PAHOLE_VERSION",       "CONFIG_RUSTC_VERSION_TEXT",
		"CONFIG_BINDGEN_VERSION_TEXT",
	};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(keys); i++)
		if (strlen(keys[i]) == n && !strncmp(key, keys[i], n))
			return true;
	return false;
}

/* Is this line an option? *ret_key and *ret_n: its name. Both "CONFIG_A=…"
 * and "# CONFIG_A is not set" are. */
static bool option(const char *line, const char **ret_key, size_t *ret_n)
{
	if (sut_startswith(line, "# CONFIG_"))
		line += 2;
	else if (!sut_startswith(line, "CONFIG_"))
		return false;
	*ret_key = line;
	*ret_n = strcspn(line, "= \n");
	return true;
}

/* The line of text that sets the option; NULL when none does. */
static const char *find_option(const char *text, const char *key, size_t n)
{
	for (const char *p = text; *p;) {
		const char *k, *nl = strchr(p, '\n');
		size_t len;

		if (option(p, &k, &len) && len == n && !strncmp(k, key, n))
			return p;
		if (!nl)
			break;
		p = nl + 1;
	}
	return NULL;
}

static int add_line(struct sut_buf *out, const char *sign, const char *line)
{
	return sut_buf_addf(out, "%s%.*s\n", sign, (int)strcspn(line, "\n"), line);
}

/* Options of a that b does not set in the same way; absent and "is not set" are the same. */
static int one_way(const char *a, const char *b, const char *sign, struct sut_buf *out)
{
	const char *hint = b;
	int r = 0;

	for (const char *p = a; *p && r == 0;) {
		const char *key, *other, *nl = strchr(p, '\n');
		size_t n, len = strcspn(p, "\n");

		if (option(p, &key, &n) && !records_tool(key, n)) {
			/* Both files have the same order, so look on from the last place first. */
			other = find_option(hint, key, n);
			if (!other)
				other = find_option(b, key, n);
			if (other)
				hint = other;
			if (other ? strcspn(other, "\n") != len || strncmp(p, other, len)
				  : *p != '#')
				r = add_line(out, sign, p);
		}
		if (!nl)
			break;
		p = nl + 1;
	}
	return r;
}

int sut_config_compare(const char *before, const char *after, struct sut_buf *out)
{
	int r = one_way(before, after, "-", out);

	return r < 0 ? r : one_way(after, before, "+", out);
}

static int copy(const char *from_dir, const char *to_dir, const char *name, bool needed,
		struct sut_buf *text, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf own = SUT_BUF_INIT(64 << 20);
	_cleanup_(sut_freep) char *from = sut_sprintf("%s/%s", from_dir, name);
	_cleanup_(sut_freep) char *to = sut_sprintf("%s/%s", to_dir, name);
	struct sut_buf *b = text ? text : &own;
	int r;

	if (!from || !to)
		return sut_err_oom(err);
	if (!needed && !sut_exists(from))
		return 0;
	r = sut_file_read(from, b, err);
	return r < 0 ? r : sut_file_write(to, b->data, b->len, 0644, err);
}

static int check_config(const char *build_dir, const struct sut_buf *shipped, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf now = SUT_BUF_INIT(SUT_CONFIG_MAX);
	_cleanup_buf_ struct sut_buf diff = SUT_BUF_INIT(SUT_CONFIG_MAX);
	_cleanup_(sut_freep) char *path = sut_sprintf("%s/.config", build_dir);
	const char *cc, *hint;
	int r;

	if (!path)
		return sut_err_oom(err);
	r = sut_file_read(path, &now, err);
	if (r < 0)
		return r;
	if (sut_config_compare(sut_buf_str(shipped), sut_buf_str(&now), &diff) < 0)
		return sut_err_oom(err);
	if (!diff.len)
		return 0;
	if (strstr(sut_buf_str(&diff), "_BTF") || strstr(sut_buf_str(&diff), "PAHOLE"))
		hint = "pahole is missing or too old: install the package 'pahole'";
	else
		hint = "install the compiler and binutils the kernel was built with";
	cc = strstr(sut_buf_str(shipped), "CONFIG_CC_VERSION_TEXT=");
	cc = cc ? cc + strlen("CONFIG_CC_VERSION_TEXT=") : "\"unknown\"";
	return sut_err_set(err, EINVAL,
			   "the tools of this machine change the kernel's configuration; %s "
			   "(it was built with %.*s). Changed options:\n%.1200s",
			   hint, (int)strcspn(cc, "\n"), cc, sut_buf_str(&diff));
}

static int make(const char *src_dir, const char *build_dir, const char *goal, struct sut_err *err)
{
	_cleanup_(sut_freep) char *o = sut_sprintf("O=%s", build_dir);
	_cleanup_(sut_freep) char *j = sut_sprintf("-j%d", get_nprocs());
	/* A make or a package build around us must not leak into this one. */
	const char *const argv[] = {"env",
				    "-u",
				    "MAKEFLAGS",
				    "-u",
				    "MAKELEVEL",
				    "-u",
				    "MFLAGS",
				    "-u",
				    "LOCALVERSION",
				    "-u",
				    "ARCH",
				    "-u",
				    "CROSS_COMPILE",
				    "-u",
				    "KBUILD_OUTPUT",
				    "LC_ALL=C",
				    "make",
				    "-C",
				    src_dir,
				    o,
				    j,
				    goal,
				    NULL};
	int r;

	if (!o || !j)
		return sut_err_oom(err);
	r = sut_run_ok(argv, NULL, err);
	if (r < 0)
		return sut_err_prefix(err,
				      "the kernel's 'make %s' failed (needed are the packages "
				      "gcc, make, bc, bison, flex, libelf-dev, libssl-dev, pahole)",
				      goal);
	return 0;
}

int sut_prepare(const char *src_dir, const char *build_dir, const char *headers,
		const struct sut_progress *progress, struct sut_err *err)
{
	static const char *const goals[] = {"olddefconfig", "prepare", "modules_prepare"};
	_cleanup_buf_ struct sut_buf config = SUT_BUF_INIT(SUT_CONFIG_MAX);
	int r;

	r = sut_mkdir_p(build_dir, err);
	if (r == 0)
		r = copy(headers, build_dir, ".config", true, &config, err);
	/* Debian's makefile reads the release and the compiler's name from here. */
	if (r == 0)
		r = copy(headers, build_dir, ".kernelvariables", false, NULL, err);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(goals) && r == 0; i++) {
		sut_progress_say(progress, "make %s", goals[i]);
		r = make(src_dir, build_dir, goals[i], err);
		if (r == 0 && i == 0)
			r = check_config(build_dir, &config, err);
	}
	/* Last: kbuild would take an older one for its own and rewrite it. */
	if (r == 0)
		r = copy(headers, build_dir, "Module.symvers", true, NULL, err);
	return r;
}
