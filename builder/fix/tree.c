// SPDX-License-Identifier: Apache-2.0
#include "fix/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { FILES_MAX = 1 << 20, CHUNK = 65536 };

bool sut_tree_path_ok(const char *path)
{
	if (!*path || *path == '/' || strlen(path) > 1024)
		return false;
	for (const char *p = path; *p; p += *p == '/') {
		size_t n = strcspn(p, "/");

		if (n == 0 || (n == 1 && p[0] == '.') || (n == 2 && p[0] == '.' && p[1] == '.'))
			return false;
		for (size_t i = 0; i < n; i++)
			if ((unsigned char)p[i] < ' ')
				return false;
		p += n;
	}
	return true;
}

static void freep_fts(FTS **f)
{
	if (*f)
		fts_close(*f);
}

/* Paths of the regular files below root/path, relative to root. */
static int walk(const char *root, const char *path, struct sut_strv *ret, struct sut_err *err)
{
	_cleanup_(sut_freep) char *top = path ? sut_sprintf("%s/%s", root, path) : strdup(root);
	char *const paths[] = {top, NULL};
	_cleanup_(freep_fts) FTS *fts = NULL;
	struct stat st;
	FTSENT *e;

	if (!top)
		return sut_err_oom(err);
	if (lstat(top, &st) < 0)
		return errno == ENOENT || errno == ENOTDIR
			       ? 0
			       : sut_err_errno(err, "cannot read %s", top);
	fts = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR | FTS_NOSTAT, NULL);
	if (!fts)
		return sut_err_errno(err, "cannot read %s", top);
	while ((errno = 0, e = fts_read(fts))) {
		if (e->fts_info == FTS_DNR || e->fts_info == FTS_ERR)
			return sut_err_set(err, e->fts_errno, "cannot read %s", e->fts_path);
		if (e->fts_info == FTS_D && e->fts_level > 0 && !strcmp(e->fts_name, ".git"))
			fts_set(fts, e, FTS_SKIP);
		if (e->fts_info != FTS_NSOK && e->fts_info != FTS_F)
			continue;
		if (ret->n == FILES_MAX)
			return sut_err_set(err, EFBIG, "%s has more than %d files", root,
					   FILES_MAX);
		if (sut_strv_add(ret, e->fts_path + strlen(root) + 1) < 0)
			return sut_err_oom(err);
	}
	return errno ? sut_err_errno(err, "cannot read %s", top) : 0;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void sort(struct sut_strv *l)
{
	if (l->n)
		qsort(l->v, l->n, sizeof(*l->v), compare);
}

/* Fills buf from fd, as far as there is something. */
static ssize_t read_full(int fd, char *buf)
{
	size_t n = 0;

	while (n < CHUNK) {
		ssize_t k = read(fd, buf + n, CHUNK - n);

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return -1;
		if (k == 0)
			break;
		n += (size_t)k;
	}
	return (ssize_t)n;
}

/* 1: they differ, 0: equal or neither is a regular file. */
static int differ(const char *from, const char *to, const char *path, struct sut_err *err)
{
	_cleanup_(sut_freep) char *a = sut_sprintf("%s/%s", from, path);
	_cleanup_(sut_freep) char *b = sut_sprintf("%s/%s", to, path);
	_cleanup_(sut_closep) int fa = -1, fb = -1;
	struct stat sa, sb;

	if (!a || !b)
		return sut_err_oom(err);
	if (lstat(a, &sa) < 0 || lstat(b, &sb) < 0)
		return sut_err_errno(err, "cannot read %s", path);
	if (!S_ISREG(sa.st_mode) || !S_ISREG(sb.st_mode))
		return 0;
	if (sa.st_size != sb.st_size)
		return 1;
	fa = open(a, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	fb = open(b, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fa < 0 || fb < 0)
		return sut_err_errno(err, "cannot read %s", path);
	for (;;) {
		char x[CHUNK], y[CHUNK];
		ssize_t n = read_full(fa, x), m = read_full(fb, y);

		if (n < 0 || m < 0)
			return sut_err_errno(err, "cannot read %s", path);
		if (n != m || memcmp(x, y, (size_t)n))
			return 1;
		if (n == 0)
			return 0;
	}
}

static bool is_regular(const char *root, const char *path)
{
	_cleanup_(sut_freep) char *p = sut_sprintf("%s/%s", root, path);
	struct stat st;

	return p && lstat(p, &st) == 0 && S_ISREG(st.st_mode);
}

int sut_tree_compare(const char *from, const char *to, const char *path, struct sut_strv *ret,
		     struct sut_err *err)
{
	_cleanup_strv_ struct sut_strv a = {0}, b = {0};
	size_t i = 0, k = 0;
	int r = walk(from, path, &a, err);

	if (r == 0)
		r = walk(to, path, &b, err);
	if (r < 0)
		return r;
	if (!a.n && !b.n)
		return sut_err_set(err, ENOENT, "neither version has %s", path ? path : "a file");
	sort(&a);
	sort(&b);
	while (i < a.n || k < b.n) {
		int c = i == a.n ? 1 : k == b.n ? -1 : strcmp(a.v[i], b.v[k]);
		const char *name = c <= 0 ? a.v[i] : b.v[k];
		int d = c == 0 ? differ(from, to, name, err) : is_regular(c < 0 ? from : to, name);

		if (d < 0)
			return d;
		if (d && sut_strv_add(ret, name) < 0)
			return sut_err_oom(err);
		i += c <= 0;
		k += c >= 0;
	}
	return 0;
}
