// SPDX-License-Identifier: Apache-2.0
#include "target/store.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/statvfs.h>

#include "base/file.h"
#include "target/profile.h"
#include "target/source.h"

enum { NAME_MAX_LEN = 128 };

char *sut_cache_dir(void)
{
	const char *e = getenv("SUTURE_CACHE");
	const struct passwd *pw;

	if (e && *e)
		return strdup(e);
	if (geteuid() == 0)
		return strdup("/var/cache/suture");
	e = getenv("XDG_CACHE_HOME");
	if (e && *e == '/')
		return sut_sprintf("%s/suture", e);
	e = getenv("HOME");
	if (!e || !*e) {
		pw = getpwuid(geteuid());
		e = pw ? pw->pw_dir : "/var/tmp";
	}
	return sut_sprintf("%s/.cache/suture", e);
}

int sut_store_open(const char *cache, char **ret, struct sut_err *err)
{
	int r = sut_mkdir_p(cache, err);

	if (r < 0)
		return sut_err_prefix(err, "the cache cannot be used (--cache DIR or $SUTURE_CACHE "
					   "names another one)");
	*ret = realpath(cache, NULL);
	return *ret ? 0 : sut_err_errno(err, "cannot resolve %s", cache);
}

/* A name as a file name: '/' is written as '_'. In place. */
static void flatten(char *name)
{
	for (char *s = name; *s; s++)
		if (*s == '/')
			*s = '_';
}

/* Opens a lock file and takes it, unless another process has it: then *ret_fd is -1. */
static int lock_now(const char *path, int *ret_fd, struct sut_err *err)
{
	_cleanup_(sut_closep) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0)
		return sut_err_errno(err, "cannot open the lock %s", path);
	*ret_fd = flock(fd, LOCK_EX | LOCK_NB) < 0 ? -1 : sut_steal_fd(&fd);
	return 0;
}

/* Takes a lock file; "waiting for another suture-build that …" is said when that means to wait. */
static int lock_file(const char *path, const char *verb, const char *name,
		     const struct sut_progress *progress, int *ret_fd, struct sut_err *err)
{
	_cleanup_(sut_closep) int fd = -1;
	int r = lock_now(path, &fd, err);

	if (r == 0 && fd < 0) {
		sut_progress_say(progress, "waiting for another suture-build that %s %s", verb,
				 name);
		r = sut_lock(path, &fd, err);
	}
	if (r < 0)
		return r;
	/* Programs we start keep the lock, too: should we be killed, nobody else
	 * begins before the last of them has stopped writing. */
	if (fcntl(fd, F_SETFD, 0) < 0)
		return sut_err_errno(err, "cannot keep the lock %s", path);
	*ret_fd = sut_steal_fd(&fd);
	return 0;
}

int sut_store_lock(const char *cache, const struct sut_progress *progress, char **ret_cache,
		   int *ret_fd, struct sut_err *err)
{
	_cleanup_(sut_freep) char *abs = NULL, *path = NULL;
	int r = sut_store_open(cache, &abs, err);

	if (r < 0)
		return r;
	path = sut_sprintf("%s/lock", abs);
	if (!path)
		return sut_err_oom(err);
	r = lock_file(path, "changes", abs, progress, ret_fd, err);
	if (r == 0)
		*ret_cache = sut_steal(abs);
	return r;
}

/* The lock file of one entry; its folder is made. Caller frees. */
static int entry_path(const char *cache, const char *name, char **ret, struct sut_err *err)
{
	_cleanup_(sut_freep) char *locks = sut_sprintf("%s/locks", cache);
	_cleanup_(sut_freep) char *flat = strdup(name);
	int r;

	if (!locks || !flat)
		return sut_err_oom(err);
	r = sut_mkdir_p(locks, err);
	if (r < 0)
		return r;
	flatten(flat);
	*ret = sut_sprintf("%s/%s", locks, flat);
	return *ret ? 0 : sut_err_oom(err);
}

int sut_store_lock_entry(const char *cache, const char *name, const struct sut_progress *progress,
			 int *ret_fd, struct sut_err *err)
{
	_cleanup_(sut_freep) char *path = NULL;
	int r = entry_path(cache, name, &path, err);

	return r < 0 ? r : lock_file(path, "is at", name, progress, ret_fd, err);
}

int sut_target_name_check(const char *name, const char **ret_release, struct sut_err *err)
{
	static const char vendor[] = "debian/";
	const char *r = name + sizeof(vendor) - 1;

	if (!sut_startswith(name, vendor) || !isdigit((unsigned char)*r) ||
	    strlen(name) > NAME_MAX_LEN ||
	    r[strspn(r, "abcdefghijklmnopqrstuvwxyz"
			"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			"0123456789.+-~")])
		return sut_err_set(err, EINVAL,
				   "'%.128s' is no target; write debian/ and the kernel's release, "
				   "for example debian/6.1.0-47-cloud-amd64",
				   name);
	*ret_release = r;
	return 0;
}

char *sut_target_dir(const char *cache, const char *name)
{
	char *dir = sut_sprintf("%s/targets/%s", cache, name);

	if (dir)
		flatten(dir + strlen(dir) - strlen(name));
	return dir;
}

/* A member of a target's profile.json that is a string; NULL when there is none. */
static char *profile_string(const char *dir, const char *key)
{
	_cleanup_(sut_freep) char *path = sut_sprintf("%s/profile.json", dir);
	json_t *j = path ? json_load_file(path, 0, NULL) : NULL;
	const char *v = json_string_value(json_object_get(j, key));
	char *copy = v ? strdup(v) : NULL;

	json_decref(j);
	return copy;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int sut_target_list(const char *cache, struct sut_strv *ret, struct sut_err *err)
{
	_cleanup_(sut_freep) char *targets = sut_sprintf("%s/targets", cache);
	_cleanup_(sut_closedirp) DIR *d = NULL;
	const struct dirent *e;

	if (!targets)
		return sut_err_oom(err);
	d = opendir(targets);
	if (!d)
		return errno == ENOENT ? 0 : sut_err_errno(err, "cannot read %s", targets);
	while ((e = readdir(d))) {
		_cleanup_(sut_freep) char *dir = sut_sprintf("%s/%s", targets, e->d_name);
		_cleanup_(sut_freep) char *name = NULL;

		if (!dir)
			return sut_err_oom(err);
		if (e->d_name[0] == '.')
			continue;
		name = profile_string(dir, "name");
		if (name && sut_strv_add(ret, name) < 0)
			return sut_err_oom(err);
	}
	if (ret->n)
		qsort(ret->v, ret->n, sizeof(*ret->v), compare);
	return 0;
}

/* Does a target (other than except, unless NULL) use the source of that version? */
static bool source_used(const char *cache, const char *version, const struct sut_strv *targets,
			const char *except)
{
	for (size_t i = 0; i < targets->n; i++) {
		_cleanup_(sut_freep) char *dir = sut_target_dir(cache, targets->v[i]);
		_cleanup_(sut_freep) char *v = dir ? profile_string(dir, "package_version") : NULL;

		if (!(except && sut_streq(targets->v[i], except)) && v && sut_streq(v, version))
			return true;
	}
	return false;
}

/* Out of sight first, so that a crash leaves no half target behind. */
static int remove_tree(const char *cache, const char *dir, struct sut_err *err)
{
	_cleanup_(sut_freep) char *trash = sut_sprintf("%s/.trash", cache);
	int r;

	if (!trash)
		return sut_err_oom(err);
	r = sut_rm_rf(trash, err);
	if (r < 0)
		return r;
	if (rename(dir, trash) < 0)
		return errno == ENOENT ? 0 : sut_err_errno(err, "cannot remove %s", dir);
	return sut_rm_rf(trash, err);
}

int sut_target_remove(const char *cache, const char *name, bool *ret_source, struct sut_err *err)
{
	_cleanup_(sut_freep) char *dir = sut_target_dir(cache, name), *version = NULL, *src = NULL;
	_cleanup_strv_ struct sut_strv targets = {0};
	int r = sut_target_list(cache, &targets, err);

	if (r < 0)
		return r;
	if (!dir)
		return sut_err_oom(err);
	if (!sut_strv_has(&targets, name))
		return sut_err_set(err, ENOENT,
				   "there is no target %s in %s; 'suture-build target list' shows "
				   "those that are",
				   name, cache);
	version = profile_string(dir, "package_version");
	r = remove_tree(cache, dir, err);
	if (r < 0)
		return r;
	if (ret_source)
		*ret_source = false;
	if (!version || source_used(cache, version, &targets, name))
		return 0;
	src = sut_source_dir(cache, version);
	if (!src)
		return sut_err_oom(err);
	r = remove_tree(cache, src, err);
	if (r == 0 && ret_source)
		*ret_source = true;
	return r;
}

/*
 * Takes the lock of a target that was not whole when the targets were listed; *ret_fd is -1 when somebody makes it, or it has become
 * whole meanwhile.
 */
static int lock_half(const char *cache, const char *entry, const char *path, int *ret_fd,
		     struct sut_err *err)
{
	_cleanup_(sut_freep) char *lock = NULL, *profile = sut_sprintf("%s/profile.json", path);
	_cleanup_(sut_closep) int fd = -1;
	int r = profile ? entry_path(cache, entry, &lock, err) : sut_err_oom(err);

	if (r == 0)
		r = lock_now(lock, &fd, err);
	if (r == 0)
		*ret_fd = fd < 0 || sut_exists(profile) ? -1 : sut_steal_fd(&fd);
	return r;
}

/* Removes the entries of cache/folder that are not in keep; of targets, those that nobody makes. */
static int clean_folder(const char *cache, const char *folder, bool targets,
			const struct sut_strv *keep, size_t *ret_n, struct sut_err *err)
{
	_cleanup_(sut_freep) char *path = sut_sprintf("%s/%s", cache, folder);
	_cleanup_(sut_closedirp) DIR *d = NULL;
	const struct dirent *e;

	if (!path)
		return sut_err_oom(err);
	d = opendir(path);
	if (!d)
		return errno == ENOENT ? 0 : sut_err_errno(err, "cannot read %s", path);
	while ((e = readdir(d))) {
		_cleanup_(sut_freep) char *p = NULL;
		_cleanup_(sut_closep) int lock = -1;
		int r;

		if (sut_streq(e->d_name, ".") || sut_streq(e->d_name, "..") ||
		    sut_strv_has(keep, e->d_name))
			continue;
		p = sut_sprintf("%s/%s", path, e->d_name);
		if (!p)
			return sut_err_oom(err);
		r = targets ? lock_half(cache, e->d_name, p, &lock, err) : 0;
		if (r < 0)
			return r;
		if (targets && lock < 0)
			continue;
		r = remove_tree(cache, p, err);
		if (r < 0)
			return r;
		*ret_n += e->d_name[0] != '.';
	}
	return 0;
}

int sut_store_clean(const char *cache, size_t *ret_n, struct sut_err *err)
{
	_cleanup_(sut_freep) char *download = sut_sprintf("%s/.download", cache);
	_cleanup_(sut_freep) char *trash = sut_sprintf("%s/.trash", cache);
	_cleanup_strv_ struct sut_strv targets = {0}, dirs = {0}, sources = {0};
	size_t n = 0, halves = 0;
	int r;

	if (!download || !trash)
		return sut_err_oom(err);
	r = sut_target_list(cache, &targets, err);
	for (size_t i = 0; i < targets.n && r == 0; i++) {
		_cleanup_(sut_freep) char *dir = sut_target_dir(cache, targets.v[i]);
		_cleanup_(sut_freep) char *v = dir ? profile_string(dir, "package_version") : NULL;
		_cleanup_(sut_freep) char *kind = dir ? profile_string(dir, "kind") : NULL;

		/* A library's source tree is in its own folder. */
		if (kind && sut_streq(kind, "library")) {
			if (sut_strv_add(&dirs, strrchr(dir, '/') + 1) < 0)
				r = sut_err_oom(err);
			continue;
		}
		/* A profile that cannot be read must not cost a source tree. */
		if (!v)
			return sut_err_set(err, EBADMSG,
					   "the profile of %s cannot be read; remove "
					   "that target first",
					   targets.v[i]);
		if (sut_strv_addf(&sources, "linux-%s", v) < 0 ||
		    sut_strv_add(&dirs, strrchr(dir, '/') + 1) < 0)
			r = sut_err_oom(err);
	}
	if (r == 0)
		r = clean_folder(cache, "sources", false, &sources, &n, err);
	if (r == 0)
		r = clean_folder(cache, "targets", true, &dirs, &halves, err);
	if (r == 0)
		r = sut_rm_rf(download, err);
	if (r == 0)
		r = sut_rm_rf(trash, err);
	if (r == 0)
		*ret_n = n;
	return r;
}

int sut_store_space(const char *path, uint64_t need, struct sut_err *err)
{
	struct statvfs st;
	uint64_t have;

	if (statvfs(path, &st) < 0)
		return sut_err_errno(err, "cannot read the free space of %s", path);
	have = (uint64_t)st.f_bavail * st.f_frsize;
	if (have >= need)
		return 0;
	return sut_err_set(err, ENOSPC,
			   "%s has %llu MB free, %llu MB are needed; free some, or name another "
			   "folder with --cache DIR",
			   path, (unsigned long long)(have >> 20),
			   (unsigned long long)(need >> 20));
}
