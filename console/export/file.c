// SPDX-License-Identifier: Apache-2.0
#include "export/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include "auth/token.h"
#include "web/job.h"

enum { OUT_SIZE = 64 << 10, NAME_LEN = 40 };

struct export_file {
	int dir, fd;
	char name[NAME_LEN];
	bool packed, counted;
	z_stream z;
	uint64_t bytes; /* that came in */
	uint8_t out[OUT_SIZE];
};

static _Atomic int being_made;

void export_file_free(struct export_file *f)
{
	if (!f)
		return;
	if (f->packed)
		deflateEnd(&f->z);
	if (f->fd >= 0)
		close(f->fd);
	if (*f->name)
		(void)unlinkat(f->dir, f->name, 0);
	if (f->dir >= 0)
		close(f->dir);
	if (f->counted)
		atomic_fetch_sub(&being_made, 1);
	free(f);
}

void export_file_freep(struct export_file **f)
{
	export_file_free(*f);
	*f = NULL;
}

/* What a console that was killed has left. */
static void sweep(int dir, int64_t now)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *e;
	struct stat st;

	if (!d) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((e = readdir(d)))
		if (!strncmp(e->d_name, "export-", 7) &&
		    fstatat(dir, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    st.st_mtime < now - EXPORT_FILE_OLD_S)
			(void)unlinkat(dir, e->d_name, 0);
	closedir(d);
}

static int begin(struct web_req *q, struct export_file *f, struct sut_err *err)
{
	const char *spool = console_of(q->server)->conf.spool;
	char uid[SUT_UID_LEN + 1];
	struct timespec real;
	int r;

	f->dir = open(spool, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (f->dir < 0)
		return sut_err_errno(err, "cannot open the spool %s", spool);
	clock_gettime(CLOCK_REALTIME, &real);
	sweep(f->dir, real.tv_sec);
	r = sut_uid_make(uid, err);
	if (r < 0)
		return r;
	(void)snprintf(f->name, sizeof(f->name), "export-%s", uid);
	f->fd = openat(f->dir, f->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (f->fd < 0) {
		r = sut_err_errno(err, "cannot make a file in the spool %s", spool);
		f->name[0] = '\0';
		return r;
	}
	if (web_takes_gzip(web_header(q, "Accept-Encoding"))) {
		if (deflateInit2(&f->z, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
			return sut_err_oom(err);
		f->packed = true;
	}
	return 0;
}

int export_file_new(struct web_req *q, struct export_file **ret, struct sut_err *err)
{
	__attribute__((cleanup(export_file_freep))) struct export_file *f = calloc(1, sizeof(*f));
	int r;

	if (!f)
		return sut_err_oom(err);
	f->dir = f->fd = -1;
	f->counted = true;
	if (atomic_fetch_add(&being_made, 1) >= EXPORT_FILES_MAX)
		return sut_err_set(err, EBUSY, "%d exports are being made already",
				   (int)EXPORT_FILES_MAX);
	r = begin(q, f, err);
	if (r < 0)
		return r;
	*ret = f;
	f = NULL;
	return 0;
}

static int write_all(const struct export_file *f, const uint8_t *p, size_t n, struct sut_err *err)
{
	while (n) {
		ssize_t k = write(f->fd, p, n);

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return sut_err_errno(err, "cannot write to the spool");
		p += k;
		n -= (size_t)k;
	}
	return 0;
}

static int pack(struct export_file *f, const void *data, size_t n, int how, struct sut_err *err)
{
	int rc, r = 0;

	f->z.next_in = (void *)data;
	f->z.avail_in = (unsigned int)n;
	do {
		f->z.next_out = f->out;
		f->z.avail_out = OUT_SIZE;
		rc = deflate(&f->z, how);
		if (rc == Z_STREAM_ERROR)
			return sut_err_set(err, EIO, "cannot compress the export");
		r = write_all(f, f->out, OUT_SIZE - f->z.avail_out, err);
	} while (r == 0 &&
		 (f->z.avail_in || !f->z.avail_out || (how == Z_FINISH && rc != Z_STREAM_END)));
	return r;
}

int export_file_add(void *ctx, const struct sut_buf *lines, struct sut_err *err)
{
	struct export_file *f = ctx;

	f->bytes += lines->len;
	if (f->bytes > EXPORT_FILE_MAX)
		return sut_err_reason(
			err, EFBIG, "too-large",
			"this is more than is given at once. Ask for less: ?verdict=, "
			"?cve=, ?feed=, ?tag=");
	return f->packed ? pack(f, lines->data, lines->len, Z_NO_FLUSH, err)
			 : write_all(f, lines->data, lines->len, err);
}

int export_file_answer(struct export_file *f, struct web_resp *r, const char *type,
		       const char *name, struct sut_err *err)
{
	int rc = f->packed ? pack(f, "", 0, Z_FINISH, err) : 0;

	if (rc < 0)
		return rc;
	if (web_add_header(r, "Content-Disposition: attachment; filename=\"%s\"", name) < 0 ||
	    web_add_header(r, "Vary: Accept-Encoding") < 0 ||
	    (f->packed && web_add_header(r, "Content-Encoding: gzip") < 0))
		return sut_err_oom(err);
	r->file = strdup(f->name);
	if (!r->file)
		return sut_err_oom(err);
	r->status = 200;
	r->type = type;
	r->folder = f->dir;
	r->file_once = true;
	r->cache_control = "no-store";
	f->dir = -1;
	f->name[0] = '\0';
	return 0;
}
