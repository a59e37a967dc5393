// SPDX-License-Identifier: Apache-2.0
/* Target files: section 5.7, with beginnings of earlier tries taken up. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "http/http.h"
#include "tuf/filename.h"
#include "tuf/refresh.h"

/* Where it goes. */
struct place {
	char *path; /* dir/NAME */
	char *name, *part;
	int dir, fd; /* fd: of the part */
};

static void place_release(struct place *p)
{
	sut_closep(&p->fd);
	sut_closep(&p->dir);
	free(p->path);
	free(p->name);
	free(p->part);
}

/* base/DIR/HASH.FILE (6.2), or base/DIR/FILE when snapshots are not consistent. */
static int url_of(const struct sut_tuf_client *c, const struct sut_tuf_target *t, char **ret,
		  struct sut_err *err)
{
	const struct sut_tuf_meta *root = sut_tuf_trusted_get(c->trusted, SUT_TUF_ROOT);
	_cleanup_buf_ struct sut_buf url = SUT_BUF_INIT(SUT_HTTP_URL_MAX);
	const char *hash = *t->hashes.sha256 ? t->hashes.sha256 : t->hashes.sha512;
	const char *p = t->path;
	int r = sut_buf_addf(&url, "%s/", c->targets_url);

	while (r == 0) {
		size_t n = strcspn(p, "/");
		_cleanup_(sut_freep) char *part = strndup(p, n), *q = NULL;
		bool last = !p[n];

		q = part ? sut_http_quote(part) : NULL;
		if (!q)
			return sut_err_oom(err);
		if (last && root->consistent_snapshot)
			r = sut_buf_addf(&url, "%s.", hash);
		if (r == 0)
			r = sut_buf_addf(&url, "%s%s", q, last ? "" : "/");
		if (last)
			break;
		p += n + 1;
	}
	if (r == -ENOBUFS)
		return sut_err_set(err, ENAMETOOLONG, "the address of '%.200s' is too long",
				   t->path);
	if (r < 0)
		return sut_err_oom(err);
	*ret = (char *)sut_steal(url.data);
	return 0;
}

/* 0 when the file has this length and all hashes that are known; -EBADMSG when not. */
static int check(int fd, const struct sut_tuf_target *t, struct sut_err *err)
{
	_cleanup_(sut_digest_freep) struct sut_digest *d256 = NULL, *d512 = NULL;
	char hex[SUT_DIGEST_HEX_MAX];
	uint8_t chunk[65536];
	struct stat st;
	off_t at = 0;
	int r = 0;

	if (fstat(fd, &st) < 0)
		return sut_err_errno(err, "cannot look at the file of '%.200s'", t->path);
	if (st.st_size != t->length)
		return sut_err_reason(err, EBADMSG, "length",
				      "'%.200s' has %lld bytes, but should have %lld; the server "
				      "sends something else than was released",
				      t->path, (long long)st.st_size, (long long)t->length);
	if (*t->hashes.sha256)
		r = sut_digest_new(SUT_DIGEST_SHA256, &d256, err);
	if (r == 0 && *t->hashes.sha512)
		r = sut_digest_new(SUT_DIGEST_SHA512, &d512, err);
	if (r == 0 && !d256 && !d512)
		return sut_err_reason(err, EBADMSG, "hash", "'%.200s' has no hash that is known",
				      t->path);
	while (r == 0) {
		ssize_t n = pread(fd, chunk, sizeof(chunk), at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return sut_err_errno(err, "cannot read the file of '%.200s'", t->path);
		if (n == 0)
			break;
		at += n;
		if (d256)
			r = sut_digest_add(d256, chunk, (size_t)n, err);
		if (r == 0 && d512)
			r = sut_digest_add(d512, chunk, (size_t)n, err);
	}
	for (int i = 0; i < 2 && r == 0; i++) {
		struct sut_digest *d = i ? d512 : d256;

		r = d ? sut_digest_hex(d, hex, err) : 0;
		if (r == 0 && d && strcmp(hex, i ? t->hashes.sha512 : t->hashes.sha256))
			return sut_err_reason(err, EBADMSG, "hash",
					      "'%.200s' does not have the hash it should have; the "
					      "server sends something else than was released",
					      t->path);
	}
	return r;
}

static int place_of(const struct sut_tuf_target *t, const char *dir, struct place *ret,
		    struct sut_err *err)
{
	_cleanup_(place_release) struct place p = {.dir = -1, .fd = -1};
	int r;

	p.name = sut_tuf_file_name(t->path, "");
	p.part = p.name ? sut_sprintf("%s.part", p.name) : NULL;
	p.path = p.name ? sut_sprintf("%s/%s", dir, p.name) : NULL;
	if (!p.part || !p.path)
		return sut_err_oom(err);
	r = sut_mkdir_p(dir, err);
	if (r < 0)
		return r;
	p.dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (p.dir < 0)
		return sut_err_errno(err, "cannot open the folder %s", dir);
	*ret = p;
	p = (struct place){.dir = -1, .fd = -1};
	return 0;
}

/* Only plain files of one name are ever read or written: a link could lead anywhere. And only such as
 * nobody else can write to: he could do so after they were checked. */
static int open_plain(const struct place *p, const char *name, int flags, struct stat *st)
{
	int fd = openat(p->dir, name, flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600);

	if (fd < 0)
		return -errno;
	if (fstat(fd, st) == 0 && S_ISREG(st->st_mode) && st->st_nlink == 1 &&
	    (st->st_uid == geteuid() || st->st_uid == 0) && !(st->st_mode & (S_IWGRP | S_IWOTH)))
		return fd;
	close(fd);
	return -ELOOP;
}

static bool have_already(const struct place *p, const struct sut_tuf_target *t)
{
	struct stat st;
	_cleanup_(sut_closep) int fd = open_plain(p, p->name, O_RDONLY, &st);

	return fd >= 0 && check(fd, t, NULL) == 0;
}

/* The beginning of an earlier try, or an empty file; ours alone for as long as it is open. */
static int open_part(struct place *p, uint64_t *ret_have, struct sut_err *err)
{
	for (int tries = 0; tries < 10; tries++) {
		struct stat st, now;
		_cleanup_(sut_closep) int fd = open_plain(p, p->part, O_RDWR | O_CREAT, &st);

		if (fd == -ELOOP || fd == -EISDIR || fd == -ENXIO) {
			if (unlinkat(p->dir, p->part, 0) < 0 && errno != ENOENT)
				return sut_err_errno(err, "%s.part is in the way", p->path);
			continue;
		}
		if (fd < 0) {
			errno = -fd;
			return sut_err_errno(err, "cannot create %s.part", p->path);
		}
		/* Whoever can read it could hold the lock for ever. */
		if ((st.st_mode & 077) && fchmod(fd, 0600) < 0)
			return sut_err_errno(err, "cannot take %s.part away from others", p->path);
		while (flock(fd, LOCK_EX) < 0)
			if (errno != EINTR)
				return sut_err_errno(err, "cannot lock %s.part", p->path);
		/* Another process may have finished it, or put it away, while we waited. */
		if (fstat(fd, &st) == 0 &&
		    fstatat(p->dir, p->part, &now, AT_SYMLINK_NOFOLLOW) == 0 &&
		    st.st_ino == now.st_ino && st.st_dev == now.st_dev) {
			*ret_have = (uint64_t)st.st_size;
			p->fd = sut_steal_fd(&fd);
			return 0;
		}
	}
	return sut_err_set(err, EBUSY, "%s.part does not stay as it is; who else writes there?",
			   p->path);
}

/* The right bytes into the part, or nothing but a usable beginning. */
static int fetch_part(struct sut_tuf_client *c, const struct sut_tuf_target *t, struct place *p,
		      uint64_t have, struct sut_err *err)
{
	_cleanup_(sut_freep) char *url = NULL;
	uint64_t length = (uint64_t)t->length;
	struct stat st;
	bool resumed;
	int r = url_of(c, t, &url, err);

	if (r < 0)
		return r;
	for (;;) {
		if (have > length) /* of something else */
			have = 0;
		if (!have && ftruncate(p->fd, 0) < 0)
			return sut_err_errno(err, "cannot empty %s.part", p->path);
		resumed = have > 0;
		r = have == length && resumed
			    ? 0
			    : c->fetcher.get_file(c->fetcher.ctx, url, p->fd, have, length, err);
		if (r == -ENOENT)
			r = sut_err_reason(
				err, EREMOTEIO, "missing",
				"the repository lacks the file of the target '%.200s': %s", t->path,
				err->msg);
		if (r < 0 && r != -EFBIG) {
			/* What came stays for the next try, but an empty file says nothing. */
			if (fstat(p->fd, &st) == 0 && st.st_size == 0)
				unlinkat(p->dir, p->part, 0);
			return r;
		}
		if (r == 0)
			r = check(p->fd, t, err);
		if (r != -EBADMSG && r != -EFBIG)
			return r;
		/* Wrong bytes. They may be those of the earlier try: once more from the start. */
		if (!resumed) {
			unlinkat(p->dir, p->part, 0);
			return r;
		}
		have = 0;
	}
}

/* What is in the part is right: it gets its name, and the rights that any new file has. */
static int finish(const struct place *p, struct sut_err *err)
{
	mode_t mask = umask(077);

	umask(mask);
	if (fchmod(p->fd, 0644 & ~mask) < 0 || fsync(p->fd) < 0 ||
	    renameat(p->dir, p->part, p->dir, p->name) < 0 || fsync(p->dir) < 0)
		return sut_err_errno(err, "cannot write %s", p->path);
	return 0;
}

int sut_tuf_download(struct sut_tuf_client *c, const struct sut_tuf_target *t, const char *dir,
		     char **ret_path, struct sut_err *err)
{
	_cleanup_(place_release) struct place p = {.dir = -1, .fd = -1};
	struct sut_err own = {0};
	uint64_t have = 0;
	int r;

	if (!err)
		err = &own;
	if (!c->targets_url)
		return sut_err_set(err, EINVAL, "no address of targets was given");
	r = place_of(t, dir, &p, err);
	if (r < 0)
		return r;
	if (!have_already(&p, t)) {
		r = open_part(&p, &have, err);
		if (r == 0)
			r = fetch_part(c, t, &p, have, err);
		if (r == 0)
			r = finish(&p, err);
		if (r < 0)
			return r;
	}
	*ret_path = sut_steal(p.path);
	return 0;
}
