// SPDX-License-Identifier: Apache-2.0
#include "repo/fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"

static int open_below(int dirfd, const char *path, struct stat *st, struct sut_err *err)
{
	struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK,
			       .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};
	_cleanup_(sut_closep) int fd = (int)syscall(SYS_openat2, dirfd, path, &how, sizeof(how));

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return sut_err_reason(err, ENOENT, "missing", "the repository has no file %.200s",
				      path);
	if (fd < 0 || fstat(fd, st) < 0)
		return sut_err_errno(err, "cannot open %.200s in the repository", path);
	if (!S_ISREG(st->st_mode))
		return sut_err_set(err, ELOOP, "%.200s in the repository is no regular file", path);
	return sut_steal_fd(&fd);
}

int repo_read_file(int dirfd, const char *path, size_t max, struct sut_buf *out,
		   struct sut_err *err)
{
	struct stat st;
	_cleanup_(sut_closep) int fd = open_below(dirfd, path, &st, err);
	size_t before = out->max;
	int r;

	if (fd < 0)
		return fd;
	if (out->len + max < out->max)
		out->max = out->len + max;
	r = sut_file_read_fd(fd, path, out, err);
	out->max = before;
	return r;
}

int repo_file_size(int dirfd, const char *path, int64_t *ret, struct sut_err *err)
{
	struct stat st;
	_cleanup_(sut_closep) int fd = open_below(dirfd, path, &st, err);

	if (fd < 0)
		return fd;
	*ret = st.st_size;
	return 0;
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* As a web server would. -EINVAL: malformed, or a NUL. */
static int unquote(const char *s, char *out)
{
	for (; *s; s++) {
		int hi, lo;

		if (*s != '%') {
			*out++ = *s;
			continue;
		}
		hi = hex_digit(s[1]);
		lo = hi < 0 ? -1 : hex_digit(s[2]);
		if (lo < 0 || !(hi | lo))
			return -EINVAL;
		*out++ = (char)(hi << 4 | lo);
		s += 2;
	}
	*out = 0;
	return 0;
}

static int get(void *ctx, const char *url, size_t max, struct sut_buf *out, struct sut_err *err)
{
	_cleanup_(sut_freep) char *path = strdup(url);

	if (!path)
		return sut_err_oom(err);
	if (!sut_startswith(url, REPO_URL) || unquote(url + strlen(REPO_URL), path) < 0)
		return sut_err_set(err, EINVAL, "'%.200s' is not the name of a file", url);
	return repo_read_file(*(int *)ctx, path, max, out, err);
}

/* Targets are read where they lie, not downloaded. */
static int get_file(void *ctx _unused_, const char *url _unused_, int fd _unused_,
		    uint64_t have _unused_, uint64_t max _unused_, struct sut_err *err)
{
	return sut_err_set(err, ENOTSUP, "targets are not downloaded here");
}

struct sut_tuf_fetcher repo_fetcher(int *dirfd)
{
	return (struct sut_tuf_fetcher){.get = get, .get_file = get_file, .ctx = dirfd};
}
