// SPDX-License-Identifier: Apache-2.0
#include "target/acquire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "target/apt.h"
#include "target/source.h"

void sut_packages_release(struct sut_packages *p)
{
	sut_deb_release(&p->image);
	sut_deb_release(&p->headers);
	sut_deb_release(&p->source);
	if (p->download)
		(void)!sut_rm_rf(p->download, NULL);
	free(p->download);
	*p = (struct sut_packages){0};
}

/* "linux-source-6.1" for release "6.1.0-47-cloud-amd64". */
static char *source_package(const char *release)
{
	size_t n = strcspn(release, ".");

	if (release[n])
		n += 1 + strcspn(release + n + 1, ".-");
	return sut_sprintf("linux-source-%.*s", (int)n, release);
}

/* The first package in dir of that name (and version, unless NULL); file names
 * are only a hint, the control fields decide. */
static int find(const char *dir, const char *package, const char *version, struct sut_deb *ret,
		struct sut_err *err)
{
	_cleanup_(sut_closedirp) DIR *d = opendir(dir);
	const struct dirent *e;

	if (!d)
		return sut_err_errno(err, "cannot read the folder %s", dir);
	while ((e = readdir(d))) {
		_cleanup_(sut_freep) char *path = NULL;
		_cleanup_(sut_deb_release) struct sut_deb deb = {0};
		int r;

		/* apt and dpkg name files <package>_<version>_<arch>.deb */
		if (!sut_startswith(e->d_name, package) || !sut_endswith(e->d_name, ".deb") ||
		    (e->d_name[strlen(package)] != '_' && e->d_name[strlen(package)] != '.'))
			continue;
		path = sut_sprintf("%s/%s", dir, e->d_name);
		if (!path)
			return sut_err_oom(err);
		r = sut_deb_open(path, &deb, err);
		if (r < 0)
			return r;
		if (!sut_streq(deb.package, package) ||
		    (version && !sut_streq(deb.version, version)))
			continue;
		*ret = deb;
		deb = (struct sut_deb){0};
		return 0;
	}
	return sut_err_set(err, ENOENT,
			   "there is no %s%s%s in %s; put the .deb file there, or "
			   "leave out --from to fetch it through apt",
			   package, version ? " of version " : "", version ? version : "", dir);
}

int sut_acquire_dir(const char *dir, const char *release, struct sut_packages *ret,
		    struct sut_err *err)
{
	_cleanup_(sut_packages_release) struct sut_packages p = {0};
	_cleanup_(sut_freep) char *image = sut_sprintf("linux-image-%s", release);
	_cleanup_(sut_freep) char *unsig = sut_sprintf("linux-image-%s-unsigned", release);
	_cleanup_(sut_freep) char *headers = sut_sprintf("linux-headers-%s", release);
	_cleanup_(sut_freep) char *source = source_package(release);
	int r;

	if (!image || !unsig || !headers || !source)
		return sut_err_oom(err);
	r = find(dir, image, NULL, &p.image, err);
	if (r == -ENOENT && find(dir, unsig, NULL, &p.image, NULL) == 0)
		r = 0;
	if (r == 0)
		r = find(dir, headers, p.image.version, &p.headers, err);
	if (r == 0)
		r = find(dir, source, p.image.version, &p.source, err);
	if (r < 0)
		return r;
	*ret = p;
	p = (struct sut_packages){0};
	return 0;
}

/* "cloud-amd64" of 6.1.0-47-cloud-amd64 and of 6.12.111+deb12-cloud-amd64: what
 * follows the first dash before a letter. */
static const char *flavour(const char *release)
{
	for (const char *p = release; *p; p++)
		if (p[0] == '-' && p[1] >= 'a' && p[1] <= 'z')
			return p + 1;
	return release;
}

/* Says which kernels of the flavour the archive has. Headers go first when an
 * archive is cleaned, so a kernel counts that still has them. */
static int not_in_archive(const char *release, const char *what, struct sut_err *err)
{
	_cleanup_(sut_freep) char *regex = sut_sprintf(
		"^linux-headers-[0-9]+[.][0-9]+[.][0-9][^-]*(-[0-9]+)?-%s$", flavour(release));
	_cleanup_buf_ struct sut_buf list = SUT_BUF_INIT(SUT_ERR_MSG_MAX / 2);
	_cleanup_strv_ struct sut_strv names = {0};
	int r;

	if (!regex)
		return sut_err_oom(err);
	r = sut_apt_search(regex, &names, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < names.n; i++)
		if (sut_buf_addf(&list, "%s%s", i ? ", " : "",
				 names.v[i] + strlen("linux-headers-")) < 0)
			break;
	if (!names.n)
		return sut_err_set(err, ENOENT,
				   "the archive does not have %s, nor any other kernel of the "
				   "flavour %s; run 'apt-get update', or name a folder with the "
				   "packages (--from DIR)",
				   what, flavour(release));
	return sut_err_set(
		err, ENOENT,
		"the archive does not have %s (any more). Kernels it has: %s. "
		"'suture-build target add debian/newest-%s' takes the newest one; packages "
		"kept elsewhere can be named with --from DIR",
		what, sut_buf_str(&list), flavour(release));
}

static int download(const char *cache, const struct sut_strv *specs, uint64_t extra,
		    const struct sut_progress *progress, struct sut_packages *p,
		    struct sut_err *err)
{
	int r;

	p->download = sut_sprintf("%s/.download", cache);
	if (!p->download)
		return sut_err_oom(err);
	r = sut_rm_rf(p->download, err); /* what a crash may have left */
	if (r == 0)
		r = sut_apt_download(p->download, specs, extra, progress, err);
	p->verified = r == 0;
	return r;
}

/* The image package for the release that the archive has, and its version. */
static int choose_image(const char *release, char **ret_package, char **ret_version,
			struct sut_err *err)
{
	_cleanup_(sut_freep) char *what = NULL;

	for (int i = 0; i < 2; i++) {
		_cleanup_(sut_freep) char *package =
			sut_sprintf("linux-image-%s%s", release, i == 0 ? "" : "-unsigned");
		_cleanup_strv_ struct sut_strv versions = {0};
		int r;

		if (!package)
			return sut_err_oom(err);
		r = sut_apt_versions(package, &versions, err);
		if (r < 0)
			return r;
		if (!versions.n)
			continue;
		*ret_version = strdup(versions.v[0]);
		if (!*ret_version)
			return sut_err_oom(err);
		*ret_package = sut_steal(package);
		return 0;
	}
	what = sut_sprintf("linux-image-%s", release);
	return what ? not_in_archive(release, what, err) : sut_err_oom(err);
}

/* Adds package=version to specs when the archive has that. */
static int want(const char *release, const char *package, const char *version,
		struct sut_strv *specs, struct sut_err *err)
{
	_cleanup_strv_ struct sut_strv versions = {0};
	_cleanup_(sut_freep) char *what = NULL;
	int r = sut_apt_versions(package, &versions, err);

	if (r < 0)
		return r;
	if (sut_strv_has(&versions, version))
		return sut_strv_addf(specs, "%s=%s", package, version) < 0 ? sut_err_oom(err) : 0;
	what = sut_sprintf("%s of version %s", package, version);
	return what ? not_in_archive(release, what, err) : sut_err_oom(err);
}

int sut_acquire_apt(const char *cache, const char *release, uint64_t extra,
		    const struct sut_progress *progress, struct sut_packages *ret,
		    struct sut_err *err)
{
	_cleanup_(sut_packages_release) struct sut_packages p = {0};
	_cleanup_(sut_freep) char *headers = sut_sprintf("linux-headers-%s", release);
	_cleanup_(sut_freep) char *source = source_package(release);
	_cleanup_(sut_freep) char *image = NULL, *version = NULL, *tree = NULL;
	_cleanup_strv_ struct sut_strv specs = {0};
	bool have_tree;
	int r;

	if (!headers || !source)
		return sut_err_oom(err);
	r = choose_image(release, &image, &version, err);
	if (r < 0)
		return r;
	tree = sut_source_dir(cache, version);
	if (!tree)
		return sut_err_oom(err);
	have_tree = sut_exists(tree);
	r = want(release, image, version, &specs, err);
	if (r == 0)
		r = want(release, headers, version, &specs, err);
	if (r == 0 && !have_tree)
		r = want(release, source, version, &specs, err);
	if (r == 0)
		r = download(cache, &specs, extra + (have_tree ? 0 : SUT_SOURCE_SPACE), progress,
			     &p, err);
	if (r == 0)
		r = find(p.download, image, version, &p.image, err);
	if (r == 0)
		r = find(p.download, headers, version, &p.headers, err);
	if (r == 0 && !have_tree)
		r = find(p.download, source, version, &p.source, err);
	if (r < 0)
		return r;
	*ret = p;
	p = (struct sut_packages){0};
	return 0;
}

int sut_acquire_newest(const char *flav, char **ret_release, struct sut_err *err)
{
	_cleanup_(sut_freep) char *meta = sut_sprintf("linux-image-%s", flav);
	_cleanup_(sut_freep) char *image = NULL, *release = NULL;
	int r;

	if (!meta)
		return sut_err_oom(err);
	r = sut_apt_depends(meta, "linux-image-", &image, err);
	if (r < 0)
		return r;
	release = strdup(image + strlen("linux-image-"));
	if (!release)
		return sut_err_oom(err);
	if (sut_endswith(release, "-unsigned"))
		release[strlen(release) - strlen("-unsigned")] = 0;
	*ret_release = sut_steal(release);
	return 0;
}

int sut_acquire_source(const char *cache, const char *package, const char *version,
		       const struct sut_progress *progress, struct sut_packages *ret,
		       struct sut_err *err)
{
	_cleanup_(sut_packages_release) struct sut_packages p = {0};
	_cleanup_buf_ struct sut_buf list = SUT_BUF_INIT(SUT_ERR_MSG_MAX / 2);
	_cleanup_strv_ struct sut_strv versions = {0}, specs = {0};
	int r = sut_apt_versions(package, &versions, err);

	if (r < 0)
		return r;
	if (!sut_strv_has(&versions, version)) {
		for (size_t i = 0; i < versions.n; i++)
			if (sut_buf_addf(&list, "%s%s", i ? ", " : "", versions.v[i]) < 0)
				break;
		return sut_err_set(err, ENOENT,
				   "the archive does not have %s of version %s; it has: %s. "
				   "'apt-get update' may help; a .deb file can be named instead",
				   package, version, versions.n ? sut_buf_str(&list) : "none");
	}
	if (sut_strv_addf(&specs, "%s=%s", package, version) < 0)
		return sut_err_oom(err);
	r = download(cache, &specs, SUT_SOURCE_SPACE, progress, &p, err);
	if (r == 0)
		r = find(p.download, package, version, &p.source, err);
	if (r < 0)
		return r;
	*ret = p;
	p = (struct sut_packages){0};
	return 0;
}
