// SPDX-License-Identifier: Apache-2.0
/* Files as answers. */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/str.h"
#include "httpd/internal.h"

struct file {
	int fd;
	uint64_t size;
	int64_t mtime;
	char etag[64];
	bool packed; /* it is FILE.gz */
	bool varies; /* there is a FILE.gz beside it */
};

/* A regular file below dirfd, or -errno. */
static int open_below(int dirfd, const char *path, struct stat *st)
{
	/* Without O_NONBLOCK a FIFO would hang us. */
	struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
			       .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
					  RESOLVE_NO_MAGICLINKS};
	int fd = (int)syscall(SYS_openat2, dirfd, path, &how, sizeof(how));

	if (fd < 0)
		return -errno;
	if (fstat(fd, st) < 0 || !S_ISREG(st->st_mode)) {
		close(fd);
		return -ENOENT;
	}
	return fd;
}

/* The same bytes have the same one on every portal that keeps the times of its copies. */
static void take(struct file *f, int fd, const struct stat *st)
{
	f->fd = fd;
	f->size = (uint64_t)st->st_size;
	f->mtime = st->st_mtim.tv_sec;
	snprintf(f->etag, sizeof(f->etag), "\"%llx-%llx%09lx%s\"", (unsigned long long)st->st_size,
		 (unsigned long long)st->st_mtim.tv_sec, (unsigned long)st->st_mtim.tv_nsec,
		 f->packed ? "-gz" : "");
}

static int open_file(const struct sut_hreq *q, int dirfd, const char *path, struct file *f)
{
	const char *takes = sut_hreq_header(q, "Accept-Encoding");
	_cleanup_(sut_freep) char *packed = sut_sprintf("%s.gz", path);
	struct stat st, gz;
	int fd, gz_fd;

	if (!packed)
		return -ENOMEM;
	fd = open_below(dirfd, path, &st);
	if (fd < 0)
		return fd;
	gz_fd = open_below(dirfd, packed, &gz);
	/* One that is older than the file was made of another one. */
	f->varies = gz_fd >= 0 && (gz.st_mtim.tv_sec > st.st_mtim.tv_sec ||
				   (gz.st_mtim.tv_sec == st.st_mtim.tv_sec &&
				    gz.st_mtim.tv_nsec >= st.st_mtim.tv_nsec));
	/* Who asks for a part means the bytes of the file. */
	f->packed = f->varies && takes && httpd_takes_gzip(takes) && !sut_hreq_header(q, "Range");
	if (f->packed) {
		close(fd);
		take(f, gz_fd, &gz);
	} else {
		if (gz_fd >= 0)
			close(gz_fd);
		take(f, fd, &st);
	}
	return 0;
}

static const char *type_of(const char *path)
{
	static const char *const types[][2] = {
		{".json", "application/json"},
		{".txt", "text/plain; charset=utf-8"},
		{".html", "text/html; charset=utf-8"},
		{".js", "text/javascript; charset=utf-8"},
		{".css", "text/css; charset=utf-8"},
		{".svg", "image/svg+xml"},
		{".png", "image/png"},
		{".ico", "image/x-icon"},
		{".woff2", "font/woff2"},
		{".webmanifest", "application/manifest+json"},
		{".sh", "text/x-shellscript; charset=utf-8"},
		{".pub", "text/plain; charset=utf-8"},
		{".minisig", "text/plain; charset=utf-8"},
		{".deb", "application/vnd.debian.binary-package"},
		{".gz", "application/gzip"},
	};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(types); i++)
		if (sut_endswith(path, types[i][0]))
			return types[i][1];
	return "application/octet-stream";
}

/* Conditions of RFC 9110 13.2.2, as far as GET has them. */
static bool is_unchanged(const struct sut_hreq *q, const struct file *f)
{
	const char *tags = sut_hreq_header(q, "If-None-Match");
	const char *since = sut_hreq_header(q, "If-Modified-Since");
	int64_t t;

	if (tags)
		return httpd_etag_listed(tags, f->etag);
	return since && httpd_parse_date(since, &t) == 0 && f->mtime <= t;
}

/* Is the part that is asked for one of this very file? */
static bool range_holds(const struct sut_hreq *q, const struct file *f)
{
	const char *v = sut_hreq_header(q, "If-Range");
	int64_t t;

	if (!v)
		return true;
	if (*v == '"')
		return !strcmp(v, f->etag);
	return httpd_parse_date(v, &t) == 0 && f->mtime == t; /* weak tags never */
}

/* Status and part; the descriptor goes to the answer. */
static void fill(struct sut_hreq *q, struct file *f, struct sut_buf *extra, int *r)
{
	const char *range = sut_hreq_header(q, "Range");
	struct httpd_answer *a = &q->answer;

	a->status = 200;
	a->fd = f->fd;
	a->len = f->size;
	if (is_unchanged(q, f)) {
		a->status = 304;
		a->len = 0;
		return;
	}
	if (!range || strcmp(q->method, "GET") != 0 || !range_holds(q, f))
		return;
	switch (httpd_parse_range(range, f->size, &a->from, &a->len)) {
	case HTTPD_RANGE_PART:
		a->status = 206;
		*r = sut_buf_addf(
			extra, "Content-Range: bytes %llu-%llu/%llu%c", (unsigned long long)a->from,
			(unsigned long long)(a->from + a->len - 1), (unsigned long long)f->size, 0);
		return;
	case HTTPD_RANGE_BEYOND:
		a->status = 416;
		a->len = 0;
		*r = sut_buf_addf(extra, "Content-Range: bytes */%llu%c",
				  (unsigned long long)f->size, 0);
		return;
	default:
		return;
	}
}

static void answer_with(struct sut_hreq *q, struct file *f, const struct sut_hfile *want)
{
	struct sut_buf b = SUT_BUF_INIT(HTTPD_HEADERS_OUT_MAX);
	char date[HTTPD_DATE];
	int r = 0;

	fill(q, f, &b, &r);
	httpd_format_date(f->mtime, date);
	if (r == 0)
		r = sut_buf_addf(&b, "ETag: %s%cLast-Modified: %s%cAccept-Ranges: bytes%c", f->etag,
				 0, date, 0, 0);
	if (r == 0 && q->answer.status != 304 && q->answer.status != 416)
		r = sut_buf_addf(&b, "Content-Type: %s%c",
				 want->type ? want->type : type_of(want->path), 0);
	if (r == 0 && want->cache_control)
		r = sut_buf_addf(&b, "Cache-Control: %s%c", want->cache_control, 0);
	for (size_t i = 0; want->headers && want->headers[i] && r == 0; i++)
		r = sut_buf_add(&b, want->headers[i], strlen(want->headers[i]) + 1);
	if (r == 0 && f->packed)
		r = sut_buf_addf(&b, "Content-Encoding: gzip%c", 0);
	if (r == 0 && f->varies)
		r = sut_buf_addf(&b, "Vary: Accept-Encoding%c", 0);
	if (r == 0)
		r = sut_buf_add(&b, "", 1);
	if (r < 0) {
		sut_buf_release(&b);
		q->answer.status = 0;
	}
	q->answer.headers = (char *)b.data;
}

void sut_hreq_answer_file(struct sut_hreq *q, int dirfd, const struct sut_hfile *want)
{
	struct file f = {.fd = -1};
	int r = -ENOENT;

	if (strcmp(q->method, "GET") != 0 && strcmp(q->method, "HEAD") != 0) {
		static const char *const allow[] = {"Allow: GET, HEAD", NULL};

		sut_hreq_answer(q, &(struct sut_hresp){.status = 405, .headers = allow});
		return;
	}
	if (httpd_path_is_plain(want->path))
		r = open_file(q, dirfd, want->path, &f);
	if (r == 0)
		answer_with(q, &f, want);
	else if (r == -EMFILE || r == -ENFILE || r == -ENOMEM || r == -EIO)
		httpd_refuse(q, 503, "unavailable", "the file cannot be read now; try again later",
			     false);
	else
		httpd_refuse(q, 404, "not-found", "there is no such file", false);
	httpd_answered(q, HTTPD_ANSWERED);
}
