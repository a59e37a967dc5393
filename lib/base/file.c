// SPDX-License-Identifier: Apache-2.0
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/str.h"

/* The file may be a key or a passphrase: no copy stays on the stack. */
int sut_file_read_fd(int fd, const char *name, struct sut_buf *b, struct sut_err *err)
{
	uint8_t chunk[65536];
	size_t before = b->len, most = 0;
	struct stat st;
	int r;

	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 &&
	    (size_t)st.st_size <= b->max) {
		r = sut_buf_reserve(b, (size_t)st.st_size);
		if (r < 0 && r != -ENOBUFS)
			return sut_err_oom(err);
	}
	for (;;) {
		ssize_t n = read(fd, chunk, sizeof(chunk));

		if (n < 0) {
			if (errno == EINTR)
				continue;
			r = sut_err_errno(err, "cannot read %s", name);
			break;
		}
		if (n == 0) {
			explicit_bzero(chunk, most);
			return 0;
		}
		if ((size_t)n > most)
			most = (size_t)n;
		r = sut_buf_add(b, chunk, (size_t)n);
		if (r == -ENOBUFS)
			r = sut_err_set(err, EFBIG, "%s is larger than the limit of %zu bytes",
					name, b->max);
		else if (r < 0)
			r = sut_err_oom(err);
		if (r < 0)
			break;
	}
	explicit_bzero(chunk, most);
	if (b->data)
		b->data[b->len = before] = 0;
	return r;
}

int sut_file_read(const char *path, struct sut_buf *b, struct sut_err *err)
{
	_cleanup_(sut_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return sut_err_errno(err, "cannot open %s", path);
	return sut_file_read_fd(fd, path, b, err);
}

static int write_all(int fd, const uint8_t *p, size_t len)
{
	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

/* A file beside path that did not exist before; one that a crash or somebody
 * else left there under the same name goes, and is never written to. */
static int create_beside(const char *path, mode_t mode, char **ret_name, struct sut_err *err)
{
	_cleanup_(sut_freep) char *tmp = sut_sprintf("%s.tmp-%d", path, (int)getpid());
	int fd;

	if (!tmp)
		return sut_err_oom(err);
	fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd < 0 && errno == EEXIST && unlink(tmp) == 0)
		fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd < 0)
		return sut_err_errno(err, "cannot create %s", tmp);
	*ret_name = sut_steal(tmp);
	return fd;
}

int sut_file_write(const char *path, const void *data, size_t len, mode_t mode, struct sut_err *err)
{
	_cleanup_(sut_freep) char *tmp = NULL, *copy = strdup(path);
	_cleanup_(sut_closep) int fd = -1, dfd = -1;
	struct stat st;

	if (!copy)
		return sut_err_oom(err);
	/* A rename would put a regular file in the place of /dev/null. */
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return sut_err_set(err, EINVAL, "%s is not a regular file; name a file to write",
				   path);
	fd = create_beside(path, mode, &tmp, err);
	if (fd < 0)
		return fd;
	if (write_all(fd, data, len) < 0 || fsync(fd) < 0 || rename(tmp, path) < 0) {
		int r = sut_err_errno(err, "cannot write %s", path);

		unlink(tmp);
		return r;
	}
	dfd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dfd < 0 || fsync(dfd) < 0)
		return sut_err_errno(err, "cannot fsync the folder of %s", path);
	return 0;
}

int sut_mkdir_p(const char *path, struct sut_err *err)
{
	_cleanup_(sut_freep) char *p = strdup(path);
	struct stat st;

	if (!p)
		return sut_err_oom(err);
	if (!*p)
		return sut_err_set(err, EINVAL, "cannot create a folder with an empty name");
	for (char *s = p + 1;; s++) {
		char c = *s;

		if (c && c != '/')
			continue;
		*s = 0;
		if (mkdir(p, 0755) < 0 && errno != EEXIST)
			return sut_err_errno(err, "cannot create the folder %s", p);
		if (stat(p, &st) == 0 && !S_ISDIR(st.st_mode))
			return sut_err_set(err, ENOTDIR,
					   "cannot create the folder %s: a file of this name is "
					   "there; remove it or choose another place",
					   p);
		if (!c)
			return 0;
		*s = c;
	}
}

static int remove_one(const char *path, const struct stat *st _unused_, int flag _unused_,
		      struct FTW *ftw _unused_)
{
	/* Somebody else may be removing the same tree. */
	return remove(path) < 0 && errno != ENOENT ? -1 : 0;
}

int sut_rm_rf(const char *path, struct sut_err *err)
{
	if (nftw(path, remove_one, 64, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) < 0 && errno != ENOENT)
		return sut_err_errno(err, "cannot remove %s", path);
	return 0;
}

bool sut_exists(const char *path)
{
	return access(path, F_OK) == 0;
}

int sut_tmpdir(const char *tag, char **ret, struct sut_err *err)
{
	const char *base = getenv("TMPDIR");
	char *p = sut_sprintf("%s/%s.XXXXXX", base && *base ? base : "/var/tmp", tag);

	if (!p)
		return sut_err_oom(err);
	if (!mkdtemp(p)) {
		int r = sut_err_errno(err, "cannot create the temporary folder %s", p);

		free(p);
		return r;
	}
	*ret = p;
	return 0;
}

int sut_lock(const char *path, int *ret_fd, struct sut_err *err)
{
	_cleanup_(sut_closep) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	struct stat st;

	if (fd < 0)
		return sut_err_errno(err, "cannot open the lock %s", path);
	/* flock() asks for no more than an open file: whoever can read it could hold it for ever. */
	if (fstat(fd, &st) == 0 && st.st_uid == geteuid() && (st.st_mode & 077) &&
	    fchmod(fd, 0600) < 0)
		return sut_err_errno(err, "cannot take the lock %s away from others", path);
	while (flock(fd, LOCK_EX) < 0)
		if (errno != EINTR)
			return sut_err_errno(err, "cannot lock %s", path);
	*ret_fd = sut_steal_fd(&fd);
	return 0;
}
