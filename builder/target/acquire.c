// SPDX-License-Identifier: Apache-2.0
#include "target/acquire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"

void sut_packages_release(struct sut_packages *p)
{
	sut_deb_release(&p->image);
	sut_deb_release(&p->headers);
	sut_deb_release(&p->source);
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
