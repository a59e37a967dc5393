// SPDX-License-Identifier: Apache-2.0
#include "install/packages.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "crypto/digest.h"
#include "cve/changelog.h"

/* Source of suture.ko for DKMS: may lie beside the agent (make deb), and is none. */
#define ENGINE "suture-dkms"
/* What patches libraries: name and what follows it in a file's name. */
#define LIBRARIES "suture-process"

struct packages {
	char *folder; /* NULL: none */
	pthread_mutex_t lock;
	struct package known[PACKAGES_MAX]; /* as they were when they were hashed */
	size_t nknown;
};

int packages_new(const char *folder, struct packages **ret, struct sut_err *err)
{
	struct packages *p = calloc(1, sizeof(*p));

	if (!p)
		return sut_err_oom(err);
	if (folder) {
		p->folder = strdup(folder);
		if (!p->folder) {
			free(p);
			return sut_err_oom(err);
		}
	}
	pthread_mutex_init(&p->lock, NULL);
	*ret = p;
	return 0;
}

void packages_free(struct packages *p)
{
	if (!p)
		return;
	pthread_mutex_destroy(&p->lock);
	free(p->folder);
	free(p);
}

static bool put(char *to, size_t room, const char *from, size_t len)
{
	if (len == 0 || len >= room)
		return false;
	memcpy(to, from, len);
	to[len] = 0;
	return true;
}

/* "suture_1.2-1_amd64" */
static bool take_deb(const char *s, size_t len, struct package *ret)
{
	const char *first = memchr(s, '_', len), *last = memrchr(s, '_', len);

	return first && last != first && first > s &&
	       put(ret->version, sizeof(ret->version), first + 1, (size_t)(last - first - 1)) &&
	       put(ret->arch, sizeof(ret->arch), last + 1, (size_t)(s + len - last - 1));
}

/* "suture-1.2-1.x86_64" */
static bool take_rpm(const char *s, size_t len, struct package *ret)
{
	const char *dot = memrchr(s, '.', len), *release, *version;

	if (!dot)
		return false;
	release = memrchr(s, '-', (size_t)(dot - s));
	version = release ? memrchr(s, '-', (size_t)(release - s)) : NULL;
	return version && version > s &&
	       put(ret->version, sizeof(ret->version), version + 1, (size_t)(dot - version - 1)) &&
	       put(ret->arch, sizeof(ret->arch), dot + 1, (size_t)(s + len - dot - 1));
}

bool package_name(const char *file, struct package *ret)
{
	static const char chars[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.+~_-";
	struct package p = {0};
	size_t len = strlen(file);
	bool deb = sut_endswith(file, ".deb");

	if (len > PACKAGE_NAME_MAX || strspn(file, chars) != len || strchr(".-", file[0]) ||
	    (!deb && !sut_endswith(file, ".rpm")))
		return false;
	memcpy(p.file, file, len + 1);
	memcpy(p.format, deb ? "deb" : "rpm", 4);
	if (deb ? !take_deb(file, len - 4, &p) : !take_rpm(file, len - 4, &p))
		return false;
	p.libraries = sut_startswith(file, LIBRARIES "_") || sut_startswith(file, LIBRARIES "-");
	*ret = p;
	return true;
}

static int hash(int fd, struct package *p, struct sut_err *err)
{
	struct sut_digest *d __attribute__((cleanup(sut_digest_freep))) = NULL;
	char hex[SUT_DIGEST_HEX_MAX], chunk[64 << 10];
	int64_t total = 0;
	ssize_t n;
	int r = sut_digest_new(SUT_DIGEST_SHA256, &d, err);

	while (r == 0 && (n = read(fd, chunk, sizeof(chunk))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return sut_err_errno(err, "cannot read the package %s", p->file);
		total += n;
		r = sut_digest_add(d, chunk, (size_t)n, err);
	}
	if (r == 0)
		r = sut_digest_hex(d, hex, err);
	if (r < 0)
		return r;
	if (total != p->size)
		return sut_err_set(err, EAGAIN, "the package %s changes while it is read", p->file);
	memcpy(p->sha256, hex, sizeof(p->sha256));
	return 0;
}

/* With the lock. */
static bool remembered(const struct packages *p, struct package *pkg)
{
	for (size_t i = 0; i < p->nknown; i++) {
		const struct package *k = &p->known[i];

		if (sut_streq(k->file, pkg->file) && k->inode == pkg->inode &&
		    k->size == pkg->size && k->mtime_ns == pkg->mtime_ns) {
			memcpy(pkg->sha256, k->sha256, sizeof(pkg->sha256));
			return true;
		}
	}
	return false;
}

/* 1: *pkg is complete; 0: no package that can be handed out. */
static int look(struct packages *p, int folder, struct package *pkg, struct sut_err *err)
{
	_cleanup_(sut_closep) int fd =
		openat(folder, pkg->file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size <= 0 ||
	    st.st_size > PACKAGE_SIZE_MAX)
		return 0;
	pkg->inode = st.st_ino;
	pkg->size = st.st_size;
	pkg->mtime_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
	if (remembered(p, pkg))
		return 1;
	r = hash(fd, pkg, err);
	return r < 0 ? r : 1;
}

static bool same_kind(const struct package *a, const struct package *b)
{
	return a->libraries == b->libraries && sut_streq(a->format, b->format) &&
	       sut_streq(a->arch, b->arch);
}

/* The newest of each kind, in the place of the first. */
static size_t newest(struct package *v, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		size_t k = 0;

		while (k < kept && !same_kind(&v[k], &v[i]))
			k++;
		if (k == kept)
			v[kept++] = v[i];
		else if (sut_debversion_cmp(v[k].version, v[i].version) < 0)
			v[k] = v[i];
	}
	return kept;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct package *)a)->file, ((const struct package *)b)->file);
}

/* With the lock. */
static int scan(struct packages *p, struct package *v, size_t *ret_n, struct sut_err *err)
{
	_cleanup_(sut_closedirp) DIR *d = opendir(p->folder);
	size_t n = 0;
	struct dirent *e;

	if (!d && errno == ENOENT) {
		*ret_n = 0;
		return 0;
	}
	if (!d)
		return sut_err_errno(err, "cannot read the folder of agent packages %s", p->folder);
	while (n < PACKAGES_MAX && (e = readdir(d))) {
		int r;

		if (!package_name(e->d_name, &v[n]) || sut_startswith(e->d_name, ENGINE))
			continue;
		r = look(p, dirfd(d), &v[n], err);
		if (r < 0)
			return r;
		n += (size_t)r;
	}
	qsort(v, n, sizeof(*v), by_name);
	*ret_n = n;
	return 0;
}

int packages_list(struct packages *p, struct package **ret, size_t *ret_n, struct sut_err *err)
{
	struct package *v = calloc(PACKAGES_MAX, sizeof(*v));
	size_t n = 0;
	int r = 0;

	if (!v)
		return sut_err_oom(err);
	if (p->folder) {
		pthread_mutex_lock(&p->lock);
		r = scan(p, v, &n, err);
		if (r == 0) {
			memcpy(p->known, v, n * sizeof(*v));
			p->nknown = n;
		}
		pthread_mutex_unlock(&p->lock);
	}
	if (r < 0) {
		free(v);
		return r;
	}
	*ret_n = newest(v, n);
	*ret = v;
	return 0;
}

int packages_open(struct packages *p, const char *file, int *ret_folder, struct sut_err *err)
{
	_cleanup_(sut_closep) int fd = -1;
	struct package pkg;
	struct stat st;

	if (!p->folder || !package_name(file, &pkg))
		return sut_err_set(err, ENOENT, "there is no package %s", file);
	fd = open(p->folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return sut_err_errno(err, "cannot open the folder of agent packages %s", p->folder);
	if (fstatat(fd, file, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
		return sut_err_set(err, ENOENT, "there is no package %s", file);
	*ret_folder = sut_steal_fd(&fd);
	return 0;
}

int packages_ca(struct packages *p, struct sut_buf *b, struct sut_err *err)
{
	_cleanup_(sut_freep) char *path = NULL;
	_cleanup_buf_ struct sut_buf pem = SUT_BUF_INIT(PACKAGES_CA_MAX);
	int r;

	if (!p->folder)
		return 0;
	path = sut_sprintf("%s/ca.pem", p->folder);
	if (!path)
		return sut_err_oom(err);
	r = sut_file_read(path, &pem, err);
	if (r == -ENOENT)
		return 0;
	if (r == 0 && sut_buf_add(b, pem.data, pem.len) < 0)
		return sut_err_oom(err);
	return r;
}
