// SPDX-License-Identifier: Apache-2.0
/*
 * Bodies that are too large for memory. The file has no name until its owner gives it one, so nothing is left behind when
 * the server or the client dies; where the file system cannot do that, it has a name that begins with ".upload-".
 *
 * Writing happens in the worker's thread: what comes in pieces of some kilobytes goes to the page cache.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "httpd/internal.h"

static int make_file(struct sut_hreq *q)
{
	struct httpd_spool *s = &q->spool;

	s->fd = openat(s->dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (s->fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT))
		return s->fd < 0 ? -errno : 0;
	snprintf(s->name, sizeof(s->name), ".upload-%s", q->id);
	s->fd = openat(s->dir, s->name, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (s->fd >= 0)
		return 0;
	s->name[0] = '\0';
	return -errno;
}

/* -1: not known, so it is tried. */
static bool has_room(int dir, uint64_t declared)
{
	uint64_t want = (declared == UINT64_MAX ? 0 : declared) + HTTPD_SPOOL_SPARE;
	struct statvfs v;

	return fstatvfs(dir, &v) < 0 || (uint64_t)v.f_bavail * v.f_frsize >= want;
}

const char *httpd_spool_begin(struct sut_hreq *q, int dir, uint64_t max, uint64_t declared,
			      int *ret_status)
{
	unsigned int most = q->h->opts.spools ? q->h->opts.spools : HTTPD_SPOOLS;
	int r;

	if (declared != UINT64_MAX && declared > max) {
		*ret_status = 413;
		return "the body is larger than this call takes";
	}
	if (!has_room(dir, declared)) {
		*ret_status = 507;
		return "the disk that takes the body has no room for it";
	}
	if (atomic_fetch_add(&q->h->spools, 1) >= most) {
		atomic_fetch_sub(&q->h->spools, 1);
		*ret_status = 503;
		return "too many large bodies come at the same time; try again later";
	}
	q->spool = (struct httpd_spool){.on = true, .fd = -1, .max = max};
	q->spool.dir = fcntl(dir, F_DUPFD_CLOEXEC, 3);
	r = q->spool.dir < 0 ? -errno : make_file(q);
	if (r == 0)
		return NULL;
	httpd_spool_release(q);
	*ret_status = r == -ENOSPC || r == -EDQUOT ? 507 : 503;
	return *ret_status == 507 ? "the disk that takes the body is full"
				  : "the body cannot be written to a file; the server\'s operator "
				    "has to look at its spool folder";
}

int httpd_spool_add(struct sut_hreq *q, const void *data, size_t len)
{
	struct httpd_spool *s = &q->spool;
	const char *p = data;

	if (len > s->max - s->len)
		return 413;
	while (len) {
		ssize_t n = write(s->fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		p += n;
		len -= (size_t)n;
		s->len += (uint64_t)n;
	}
	if (!len)
		return 0;
	/* Its room is given back at once; what still comes is dropped. */
	(void)!ftruncate(s->fd, 0);
	return 507;
}

void httpd_spool_release(struct sut_hreq *q)
{
	struct httpd_spool *s = &q->spool;

	if (!s->on)
		return;
	if (s->name[0])
		(void)!unlinkat(s->dir, s->name, 0);
	if (s->fd >= 0)
		close(s->fd);
	if (s->dir >= 0)
		close(s->dir);
	*s = (struct httpd_spool){0};
	atomic_fetch_sub(&q->h->spools, 1);
}

int sut_hreq_body_keep(struct sut_hreq *q, const char *name)
{
	struct httpd_spool *s = &q->spool;
	char self[64];
	struct stat st;

	if (!s->on || s->fd < 0)
		return -ENOENT;
	if (!s->name[0]) {
		/* One that has a name already was kept. */
		if (fstat(s->fd, &st) < 0 || st.st_nlink > 0)
			return -ENOENT;
		snprintf(self, sizeof(self), "/proc/self/fd/%d", s->fd);
		return linkat(AT_FDCWD, self, s->dir, name, AT_SYMLINK_FOLLOW) < 0 ? -errno : 0;
	}
	if (renameat2(s->dir, s->name, s->dir, name, RENAME_NOREPLACE) < 0)
		return -errno;
	s->name[0] = '\0';
	return 0;
}
