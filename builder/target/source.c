// SPDX-License-Identifier: Apache-2.0
#include "target/source.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/proc.h"
#include "base/str.h"
#include "crypto/sha256.h"
#include "target/store.h"

char *sut_source_dir(const char *cache, const char *version)
{
	return sut_sprintf("%s/sources/linux-%s", cache, version);
}

/* Unpacks the archive to tmp/tree. */
static int unpack_tar(const char *tmp, const char *tar, struct sut_err *err)
{
	_cleanup_(sut_freep) char *tree = sut_sprintf("%s/tree", tmp);
	/* --no-same-owner: the tree belongs to whoever unpacks it, also as root. */
	const char *const argv[] = {
		"tar", "--no-same-owner", "--strip-components=1", "-xf", tar, "-C", tree, NULL};
	/* xz may use all CPUs where the archive allows it. */
	const char *const env[] = {"XZ_DEFAULTS=-T0", NULL};
	int r;

	if (!tree)
		return sut_err_oom(err);
	r = sut_mkdir_p(tree, err);
	if (r == 0)
		r = sut_run_ok(argv, &(struct sut_run_opts){.env = env}, err);
	return r < 0 ? sut_err_prefix(err, "cannot unpack %s", tar) : 0;
}

static int unpack_deb(const char *tmp, const struct sut_deb *deb, struct sut_err *err)
{
	_cleanup_(sut_freep) char *pkg = sut_sprintf("%s/package", tmp);
	_cleanup_(sut_freep) char *tar =
		sut_sprintf("%s/package/usr/src/%s.tar.xz", tmp, deb->package);
	int r;

	if (!pkg || !tar)
		return sut_err_oom(err);
	r = sut_deb_unpack(deb, pkg, err);
	if (r < 0)
		return r;
	if (!sut_exists(tar))
		return sut_err_set(err, EBADMSG,
				   "%s holds no usr/src/%s.tar.xz: it is no kernel source package",
				   deb->path, deb->package);
	return unpack_tar(tmp, tar, err);
}

/* Unpacks deb or tar (one is NULL) beside dir and renames. */
static int add(const char *cache, const char *dir, const struct sut_deb *deb, const char *tar,
	       struct sut_err *err)
{
	_cleanup_(sut_freep) char *tmp = sut_sprintf("%s/sources/.new", cache);
	_cleanup_(sut_freep) char *tree = sut_sprintf("%s/sources/.new/tree", cache);
	int r;

	if (!tmp || !tree)
		return sut_err_oom(err);
	r = sut_rm_rf(tmp, err); /* what a crash may have left */
	if (r == 0)
		r = sut_mkdir_p(tmp, err);
	if (r == 0)
		r = deb ? unpack_deb(tmp, deb, err) : unpack_tar(tmp, tar, err);
	if (r == 0 && rename(tree, dir) < 0)
		r = sut_err_errno(err, "cannot rename %s to %s", tree, dir);
	if (r < 0) {
		(void)!sut_rm_rf(tmp, NULL);
		return r;
	}
	return sut_rm_rf(tmp, err);
}

int sut_source_add(const char *cache, const struct sut_deb *deb,
		   const struct sut_progress *progress, bool *ret_new, struct sut_err *err)
{
	_cleanup_(sut_freep) char *dir = sut_source_dir(cache, deb->version);
	bool there;
	int r = 0;

	if (!dir)
		return sut_err_oom(err);
	there = sut_exists(dir);
	if (!there) {
		sut_progress_say(progress, "unpacking the source of linux %s", deb->version);
		r = add(cache, dir, deb, NULL, err);
	}
	if (r == 0 && ret_new)
		*ret_new = !there;
	return r;
}

int sut_source_add_tar(const char *cache, const char *path, const struct sut_progress *progress,
		       char **ret, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_SOURCE_TAR_MAX);
	_cleanup_(sut_freep) char *dir = NULL;
	char digest[SUT_SHA256_HEX];
	int r = sut_file_read(path, &b, err);

	if (r < 0)
		return r;
	sut_sha256_hex(b.data, b.len, digest);
	sut_buf_release(&b);
	dir = sut_sprintf("%s/sources/tar-%.16s", cache, digest);
	if (!dir)
		return sut_err_oom(err);
	if (!sut_exists(dir)) {
		sut_progress_say(progress, "unpacking %s", path);
		r = sut_store_space(cache, SUT_SOURCE_SPACE, err);
		if (r == 0)
			r = add(cache, dir, NULL, path, err);
	}
	if (r == 0)
		*ret = sut_steal(dir);
	return r;
}
