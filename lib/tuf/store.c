// SPDX-License-Identifier: Apache-2.0
#include "tuf/store.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/str.h"
#include "tuf/filename.h"

struct sut_tuf_store {
	char *dir;
	int lock;
};

static int path_of(const struct sut_tuf_store *s, const char *role, char **ret, struct sut_err *err)
{
	_cleanup_(sut_freep) char *name = NULL;
	char *path;

	if (!*role)
		return sut_err_set(err, EINVAL, "a role has an empty name");
	name = sut_tuf_file_name(role, ".json");
	path = name ? sut_sprintf("%s/%s", s->dir, name) : NULL;
	if (!path)
		return sut_err_oom(err);
	*ret = path;
	return 0;
}

/* A temporary file of sut_file_write(): "NAME.json.tmp-PID". */
static bool is_leftover(const char *name)
{
	const char *p = strrchr(name, '.');

	if (!p || strncmp(p, ".tmp-", 5) || p - name < 5 || strncmp(p - 5, ".json", 5) || !p[5])
		return false;
	for (p += 5; isdigit((unsigned char)*p);)
		p++;
	return !*p;
}

static bool is_metadata(const char *name)
{
	return sut_endswith(name, ".json");
}

static int remove_files(const char *dir, bool (*which)(const char *), const char *but,
			struct sut_err *err)
{
	_cleanup_(sut_closedirp) DIR *d = opendir(dir);
	struct dirent *e;

	if (!d)
		return sut_err_errno(err, "cannot open the folder %s", dir);
	while ((errno = 0, e = readdir(d)))
		if (which(e->d_name) && !(but && !strcmp(e->d_name, but)) &&
		    unlinkat(dirfd(d), e->d_name, 0) < 0 && errno != ENOENT)
			return sut_err_errno(err, "cannot remove %s/%s", dir, e->d_name);
	if (errno)
		return sut_err_errno(err, "cannot read the folder %s", dir);
	return 0;
}

static int sync_dir(const char *dir, struct sut_err *err)
{
	_cleanup_(sut_closep) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || fsync(fd) < 0)
		return sut_err_errno(err, "cannot fsync the folder %s", dir);
	return 0;
}

int sut_tuf_store_open(const char *dir, struct sut_tuf_store **ret, struct sut_err *err)
{
	_cleanup_(sut_tuf_store_freep) struct sut_tuf_store *s = calloc(1, sizeof(*s));
	_cleanup_(sut_freep) char *lock = sut_sprintf("%s/.lock", dir);
	int r;

	if (s)
		s->lock = -1;
	if (!s || !lock || !(s->dir = strdup(dir)))
		return sut_err_oom(err);
	r = sut_mkdir_p(dir, err);
	if (r == 0)
		r = sut_lock(lock, &s->lock, err);
	if (r == 0)
		r = remove_files(dir, is_leftover, NULL, err);
	if (r == 0)
		*ret = sut_steal(s);
	return r;
}

void sut_tuf_store_free(struct sut_tuf_store *s)
{
	if (!s)
		return;
	sut_closep(&s->lock);
	free(s->dir);
	free(s);
}

void sut_tuf_store_freep(struct sut_tuf_store **s)
{
	sut_tuf_store_free(*s);
}

int sut_tuf_store_get(struct sut_tuf_store *s, const char *role, struct sut_buf *out,
		      struct sut_err *err)
{
	_cleanup_(sut_freep) char *path = NULL;
	_cleanup_(sut_closep) int fd = -1;
	struct stat st;
	int r = path_of(s, role, &path, err);

	if (r < 0)
		return r;
	/* Neither a link nor a pipe that never says anything. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return sut_err_errno(err, "cannot open %s", path);
	if (fstat(fd, &st) < 0)
		return sut_err_errno(err, "cannot look at %s", path);
	if (!S_ISREG(st.st_mode))
		return sut_err_set(err, EINVAL, "%s is not a regular file; remove it", path);
	return sut_file_read_fd(fd, path, out, err);
}

int sut_tuf_store_put(struct sut_tuf_store *s, const char *role, const void *data, size_t len,
		      struct sut_err *err)
{
	_cleanup_(sut_freep) char *path = NULL;
	int r = path_of(s, role, &path, err);

	return r < 0 ? r : sut_file_write(path, data, len, 0644, err);
}

int sut_tuf_store_remove(struct sut_tuf_store *s, const char *role, struct sut_err *err)
{
	_cleanup_(sut_freep) char *path = NULL;
	int r = path_of(s, role, &path, err);

	if (r < 0)
		return r;
	if (unlink(path) < 0)
		return errno == ENOENT ? 0 : sut_err_errno(err, "cannot remove %s", path);
	return sync_dir(s->dir, err);
}

int sut_tuf_store_keep_only(struct sut_tuf_store *s, const char *role, struct sut_err *err)
{
	_cleanup_(sut_freep) char *name = sut_tuf_file_name(role, ".json");
	int r;

	if (!name)
		return sut_err_oom(err);
	r = remove_files(s->dir, is_metadata, name, err);
	return r < 0 ? r : sync_dir(s->dir, err);
}
