// SPDX-License-Identifier: Apache-2.0
#include "target/source.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/proc.h"
#include "base/str.h"

char *sut_source_dir(const char *cache, const char *version)
{
	return sut_sprintf("%s/sources/linux-%s", cache, version);
}

static int unpack(const char *tmp, const struct sut_deb *deb, struct sut_err *err)
{
	_cleanup_(sut_freep) char *pkg = sut_sprintf("%s/package", tmp);
	_cleanup_(sut_freep) char *tree = sut_sprintf("%s/tree", tmp);
	_cleanup_(sut_freep) char *tar =
		sut_sprintf("%s/package/usr/src/%s.tar.xz", tmp, deb->package);
	/* --no-same-owner: the tree belongs to whoever unpacks it, also as root. */
	const char *const argv[] = {
		"tar", "--no-same-owner", "--strip-components=1", "-xJf", tar, "-C", tree, NULL};
	/* xz may use all CPUs where the archive allows it. */
	const char *const env[] = {"XZ_DEFAULTS=-T0", NULL};
	int r;

	if (!pkg || !tree || !tar)
		return sut_err_oom(err);
	r = sut_deb_unpack(deb, pkg, err);
	if (r < 0)
		return r;
	if (!sut_exists(tar))
		return sut_err_set(err, EBADMSG,
				   "%s holds no usr/src/%s.tar.xz: it is no kernel source package",
				   deb->path, deb->package);
	r = sut_mkdir_p(tree, err);
	if (r < 0)
		return r;
	r = sut_run_ok(argv, &(struct sut_run_opts){.env = env}, err);
	return r < 0 ? sut_err_prefix(err, "cannot unpack %s", tar) : 0;
}

int sut_source_add(const char *cache, const struct sut_deb *deb,
		   const struct sut_progress *progress, bool *ret_new, struct sut_err *err)
{
	_cleanup_(sut_freep) char *dir = sut_source_dir(cache, deb->version);
	_cleanup_(sut_freep) char *tmp = sut_sprintf("%s/sources/.new-%s", cache, deb->version);
	_cleanup_(sut_freep) char *tree =
		sut_sprintf("%s/sources/.new-%s/tree", cache, deb->version);
	int r;

	if (!dir || !tmp || !tree)
		return sut_err_oom(err);
	if (sut_exists(dir)) {
		if (ret_new)
			*ret_new = false;
		return 0;
	}
	sut_progress_say(progress, "unpacking the source of linux %s", deb->version);
	r = sut_rm_rf(tmp, err); /* what a crash may have left */
	if (r == 0)
		r = sut_mkdir_p(tmp, err);
	if (r == 0)
		r = unpack(tmp, deb, err);
	if (r == 0 && rename(tree, dir) < 0)
		r = sut_err_errno(err, "cannot rename %s to %s", tree, dir);
	if (sut_rm_rf(tmp, r < 0 ? NULL : err) < 0 && r == 0)
		r = -EIO;
	if (r == 0 && ret_new)
		*ret_new = true;
	return r;
}
