// SPDX-License-Identifier: Apache-2.0
#include "fix/spec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/str.h"
#include "fix/srcpkg.h"
#include "target/acquire.h"
#include "target/source.h"
#include "target/store.h"

static const char prefix[] = "debian/";

static int from_deb(const char *cache, const char *path, const struct sut_progress *progress,
		    char **ret, struct sut_err *err)
{
	_cleanup_(sut_deb_release) struct sut_deb deb = {0};
	_cleanup_(sut_freep) char *dir = NULL;
	int r = sut_deb_open(path, &deb, err);

	if (r < 0)
		return r;
	if (!sut_startswith(deb.package, "linux-source-"))
		return sut_err_set(err, EINVAL,
				   "%s is the package %s; a linux-source package is needed", path,
				   deb.package);
	dir = sut_source_dir(cache, deb.version);
	if (!dir)
		return sut_err_oom(err);
	if (!sut_exists(dir))
		r = sut_store_space(cache, SUT_SOURCE_SPACE, err);
	if (r == 0)
		r = sut_source_add(cache, &deb, progress, NULL, err);
	if (r == 0)
		*ret = sut_steal(dir);
	return r;
}

static int from_archive(const char *cache, const char *spec, const struct sut_progress *progress,
			char **ret, struct sut_err *err)
{
	_cleanup_(sut_packages_release) struct sut_packages p = {0};
	_cleanup_(sut_freep) char *package = strdup(spec + sizeof(prefix) - 1);
	_cleanup_(sut_freep) char *dir = NULL;
	char *version = package ? strchr(package, '=') : NULL;
	int r;

	if (!package)
		return sut_err_oom(err);
	if (version)
		*version++ = 0;
	if (!version || !*version || *version == '-' || !sut_srcpkg_name_ok(package) ||
	    version[strspn(version, "0123456789abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ.+~:-")])
		return sut_err_set(err, EINVAL,
				   "'%s' is no source package; write for example "
				   "debian/linux-source-6.1=6.1.187-1 or "
				   "debian/openssl=3.0.20-1~deb12u2",
				   spec);
	if (!sut_startswith(package, "linux-source-"))
		return sut_srcpkg_add(cache, package, version, progress, ret, err);
	dir = sut_source_dir(cache, version);
	if (!dir)
		return sut_err_oom(err);
	if (!sut_exists(dir)) {
		r = sut_acquire_source(cache, package, version, progress, &p, err);
		if (r == 0)
			r = sut_source_add(cache, &p.source, progress, NULL, err);
		if (r < 0)
			return r;
	}
	*ret = sut_steal(dir);
	return 0;
}

int sut_spec_resolve(const char *cache, const char *spec, const struct sut_progress *progress,
		     char **ret, struct sut_err *err)
{
	_cleanup_(sut_freep) char *abs = NULL;
	_cleanup_(sut_closep) int lock = -1;
	bool archive = sut_startswith(spec, prefix);
	struct stat st = {0};
	int r;

	if (stat(spec, &st) == 0 && S_ISDIR(st.st_mode)) {
		*ret = realpath(spec, NULL);
		return *ret ? 0 : sut_err_errno(err, "cannot resolve %s", spec);
	}
	if (!S_ISREG(st.st_mode) && !archive)
		return sut_err_set(err, ENOENT,
				   "there is no %s; name a folder, a linux-source .deb file, a tar "
				   "archive, or a package such as "
				   "debian/linux-source-6.1=6.1.187-1",
				   spec);
	r = sut_store_lock(cache, progress, &abs, &lock, err);
	if (r < 0)
		return r;
	if (!S_ISREG(st.st_mode))
		return from_archive(abs, spec, progress, ret, err);
	if (sut_endswith(spec, ".deb"))
		return from_deb(abs, spec, progress, ret, err);
	if (!strstr(spec, ".tar"))
		return sut_err_set(err, EINVAL,
				   "%s is neither a folder, a .deb file nor a tar archive", spec);
	return sut_source_add_tar(abs, spec, progress, ret, err);
}
