// SPDX-License-Identifier: Apache-2.0
#include "library/root.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/proc.h"
#include "target/store.h"

static const uint64_t space_base = 1500ULL << 20; /* archive and root, before any build */

static const struct release {
	const char *number, *name;
} releases[] = {{"11", "bullseye"}, {"12", "bookworm"}, {"13", "trixie"}};

static char *host_suite(void)
{
	static const char key[] = "\nVERSION_CODENAME=";
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(65536);
	const char *p;

	if (sut_file_read("/etc/os-release", &b, NULL) < 0)
		return NULL;
	p = strstr(sut_buf_str(&b), key);
	return p ? strndup(p + sizeof(key) - 1, strcspn(p + sizeof(key) - 1, "\n")) : NULL;
}

char *sut_root_suite(const char *version)
{
	for (const char *p = version; (p = strstr(p, "deb")); p += 3)
		for (size_t i = 0; i < SUT_ARRAY_SIZE(releases); i++)
			if (p > version && strchr("+~", p[-1]) &&
			    sut_startswith(p + 3, releases[i].number) &&
			    (p[5] == 'u' || p[5] == 0 || p[5] == '+'))
				return strdup(releases[i].name);
	return host_suite();
}

static int make_tar(const char *tar, const char *suite, const struct sut_progress *progress,
		    struct sut_err *err)
{
	_cleanup_(sut_freep) char *tmp = sut_sprintf("%s.new", tar);
	_cleanup_strv_ struct sut_strv argv = {0};
	static const char *const kinds[] = {"deb", "deb-src"};
	int r = tmp ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < 5; i++) {
		static const char *const head[] = {"mmdebstrap", "--mode=root", "--variant=buildd",
						   "--components=main", "--format=tar"};

		r = sut_strv_add(&argv, head[i]);
	}
	if (r == 0)
		r = sut_strv_add(&argv, suite);
	if (r == 0)
		r = sut_strv_add(&argv, tmp);
	for (size_t i = 0; r == 0 && i < SUT_ARRAY_SIZE(kinds); i++) {
		static const char mirror[] = "http://deb.debian.org/debian";

		r = sut_strv_addf(&argv, "%s %s %s main", kinds[i], mirror, suite);
		if (r == 0)
			r = sut_strv_addf(&argv, "%s %s %s-updates main", kinds[i], mirror, suite);
		if (r == 0)
			r = sut_strv_addf(&argv, "%s %s-security %s-security main", kinds[i],
					  mirror, suite);
	}
	if (r < 0)
		return sut_err_oom(err);
	sut_progress_say(progress, "making a build root for %s (once; some minutes)", suite);
	r = sut_run_ok((const char *const *)argv.v, NULL, err);
	if (r == -ENOENT)
		return sut_err_set(
			err, ENOENT,
			"mmdebstrap is not on this machine; install it, or build on this "
			"machine with --here");
	if (r < 0)
		return sut_err_prefix(err, "the build root for %s cannot be made", suite);
	if (rename(tmp, tar) < 0)
		return sut_err_errno(err, "cannot rename %s", tmp);
	return 0;
}

int sut_root_unpack(const char *cache, const char *suite, const char *dest,
		    const struct sut_progress *progress, struct sut_err *err)
{
	_cleanup_(sut_freep) char *roots = sut_sprintf("%s/roots", cache);
	_cleanup_(sut_freep) char *tar = sut_sprintf("%s/roots/%s-amd64.tar", cache, suite);
	const char *const untar[] = {"tar", "--numeric-owner", "-xpf", tar, "-C", dest, NULL};
	int r;

	if (!roots || !tar)
		return sut_err_oom(err);
	if (geteuid() != 0)
		return sut_err_reason(
			err, EPERM, "root",
			"a build root holds files of several users, so only root can "
			"make one. Run this as root (everybody can use the target "
			"afterwards, with --cache), or build on this machine with --here");
	r = sut_mkdir_p(roots, err);
	if (r == 0)
		r = sut_store_space(roots, space_base, err);
	if (r == 0 && !sut_exists(tar))
		r = make_tar(tar, suite, progress, err);
	if (r == 0)
		r = sut_mkdir_p(dest, err);
	if (r == 0)
		r = sut_run_ok(untar, NULL, err);
	return r;
}

int sut_root_argv(struct sut_strv *argv, const char *root, bool network, const char *dir)
{
	const char *const words[] = {
		"bwrap",
		"--bind",
		root,
		"/",
		"--dev",
		"/dev",
		"--proc",
		"/proc",
		"--perms",
		"1777",
		"--tmpfs",
		"/tmp",
		"--unshare-pid",
		"--unshare-ipc",
		"--unshare-uts",
		"--hostname",
		"suture",
		"--die-with-parent",
		"--cap-add",
		"ALL",
		"--clearenv",
		"--chdir",
		dir,
		"--setenv",
		"HOME",
		"/nonexistent",
		"--setenv",
		"LC_ALL",
		"C.UTF-8",
		"--setenv",
		"DEBIAN_FRONTEND",
		"noninteractive",
	};
	int r = 0;

	for (size_t i = 0; i < SUT_ARRAY_SIZE(words) && r == 0; i++)
		r = sut_strv_add(argv, words[i]);
	if (r == 0 && !network)
		r = sut_strv_add(argv, "--unshare-net");
	return r;
}
