// SPDX-License-Identifier: Apache-2.0
#include "target/deb.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/proc.h"
#include "base/str.h"

enum { CONTROL_MAX = 65536 };

/* The value of "Name: value" in the control text; NULL when it is not there. */
static char *field(const char *text, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = text; p && *p; p = strchr(p, '\n')) {
		p += *p == '\n';
		if (!strncmp(p, name, n) && !strncmp(p + n, ": ", 2))
			return strndup(p + n + 2, strcspn(p + n + 2, "\n"));
	}
	return NULL;
}

/* "name" or "name (version)"; takes value, which may be NULL. */
static void split_source(struct sut_deb *d, char *value)
{
	char *open = value ? strstr(value, " (") : NULL;

	if (open) {
		*open = 0;
		d->source_version = strndup(open + 2, strcspn(open + 2, ")"));
	}
	d->source = value ? value : d->package ? strdup(d->package) : NULL;
	if (!d->source_version && d->version)
		d->source_version = strdup(d->version);
}

int sut_deb_open(const char *path, struct sut_deb *ret, struct sut_err *err)
{
	const char *const argv[] = {"dpkg-deb", "-f",		path,	  "Package",
				    "Version",	"Architecture", "Source", NULL};
	_cleanup_buf_ struct sut_buf out = SUT_BUF_INIT(CONTROL_MAX);
	struct sut_deb d = {0};
	int r;

	r = sut_run_ok(argv, &(struct sut_run_opts){.out = &out, .timeout_sec = 60}, err);
	if (r < 0)
		return sut_err_prefix(err, "%s is no readable Debian package", path);
	d.path = strdup(path);
	d.package = field(sut_buf_str(&out), "Package");
	d.version = field(sut_buf_str(&out), "Version");
	d.arch = field(sut_buf_str(&out), "Architecture");
	split_source(&d, field(sut_buf_str(&out), "Source"));
	if (!d.path || !d.package || !d.version || !d.arch || !d.source || !d.source_version) {
		sut_deb_release(&d);
		return sut_err_set(err, EBADMSG, "%s lacks the control fields of a Debian package",
				   path);
	}
	*ret = d;
	return 0;
}

void sut_deb_release(struct sut_deb *d)
{
	free(d->path);
	free(d->package);
	free(d->version);
	free(d->arch);
	free(d->source);
	free(d->source_version);
	*d = (struct sut_deb){0};
}

int sut_deb_unpack(const struct sut_deb *d, const char *dest, struct sut_err *err)
{
	const char *const argv[] = {"dpkg-deb", "-x", d->path, dest, NULL};
	int r = sut_mkdir_p(dest, err);

	if (r < 0)
		return r;
	r = sut_run_ok(argv, NULL, err);
	return r < 0 ? sut_err_prefix(err, "cannot unpack %s", d->path) : 0;
}
