// SPDX-License-Identifier: Apache-2.0
#include "repo.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/str.h"
#include "crypto/sha256.h"
#include "tuf/json.h"

enum { NAME_MAX_LEN = 64 };

bool sut_repo_name_ok(const char *name)
{
	size_t len = strlen(name);

	return len >= 1 && len <= NAME_MAX_LEN &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._-") == len &&
	       !strchr("._-", name[0]);
}

bool sut_repo_is_targets(const char *role)
{
	return !sut_streq(role, "root") && !sut_streq(role, "timestamp") &&
	       !sut_streq(role, "snapshot");
}

char *sut_repo_path(const struct sut_repo *r, const char *fmt, ...)
{
	char *tail = NULL, *path;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&tail, fmt, ap) < 0)
		tail = NULL;
	va_end(ap);
	path = tail ? sut_sprintf("%s/%s", r->dir, tail) : NULL;
	free(tail);
	return path;
}

const struct sut_tree_role *sut_repo_role(const struct sut_repo *r, const char *name)
{
	for (size_t i = 0; i < r->state.nroles; i++)
		if (sut_streq(r->state.roles[i].name, name))
			return &r->state.roles[i];
	return NULL;
}

void sut_repo_free(struct sut_repo *r)
{
	if (!r)
		return;
	sut_tuf_meta_free(r->root_ahead);
	sut_tree_release(&r->state);
	sut_keys_release(&r->keys);
	sut_settings_release(&r->settings);
	json_decref(r->versions);
	if (r->lock >= 0)
		close(r->lock);
	free(r->dir);
	free(r);
}

void sut_repo_freep(struct sut_repo **r)
{
	sut_repo_free(*r);
}

/* What sut_file_write() leaves when it is killed. The lock is held: nobody is writing now. */
static bool is_leftover(const char *name)
{
	const char *t = strstr(name, ".tmp-");

	return t && t[5] && strspn(t + 5, "0123456789") == strlen(t + 5);
}

static int sweep(const struct sut_repo *r, const char *folder, struct sut_err *err)
{
	_cleanup_(sut_freep) char *path = sut_repo_path(r, "%s", folder);
	_cleanup_(sut_closedirp) DIR *d = path ? opendir(path) : NULL;
	const struct dirent *e;

	if (!path)
		return sut_err_oom(err);
	if (!d)
		return errno == ENOENT ? 0 : sut_err_errno(err, "cannot read %s", path);
	while ((errno = 0, e = readdir(d)))
		if (is_leftover(e->d_name) && unlinkat(dirfd(d), e->d_name, 0) < 0 &&
		    errno != ENOENT)
			return sut_err_errno(err, "cannot remove %s/%s", path, e->d_name);
	return errno ? sut_err_errno(err, "cannot read %s", path) : 0;
}

/* "5.targets.json": the version and the role. */
static bool parse_name(const char *file, int64_t *ret_version, char role[static 256])
{
	size_t digits = strspn(file, "0123456789"), len = strlen(file);
	char number[20];
	uint64_t v;

	if (!digits || digits >= sizeof(number) || file[digits] != '.' ||
	    !sut_endswith(file, ".json") || len < digits + 1 + strlen(".json") + 1 ||
	    len - digits > 255)
		return false;
	memcpy(number, file, digits);
	number[digits] = 0;
	if (sut_parse_u64(number, INT64_MAX - 1, &v) < 0)
		return false;
	len -= digits + 1 + strlen(".json");
	memcpy(role, file + digits + 1, len);
	role[len] = 0;
	*ret_version = (int64_t)v;
	return true;
}

static int list_versions(struct sut_repo *r, struct sut_err *err)
{
	_cleanup_(sut_freep) char *path = sut_repo_path(r, "public/metadata");
	_cleanup_(sut_closedirp) DIR *d = path ? opendir(path) : NULL;
	const struct dirent *e;
	char role[256];
	int64_t v;

	r->versions = json_object();
	if (!path || !r->versions)
		return sut_err_oom(err);
	if (!d)
		return errno == ENOENT ? 0 : sut_err_errno(err, "cannot read %s", path);
	while ((errno = 0, e = readdir(d)))
		if (parse_name(e->d_name, &v, role) &&
		    json_integer_value(json_object_get(r->versions, role)) < v &&
		    json_object_set_new(r->versions, role, json_integer(v)) < 0)
			return sut_err_oom(err);
	return errno ? sut_err_errno(err, "cannot read %s", path) : 0;
}

int sut_repo_next_version(const struct sut_repo *r, const char *role, int64_t *ret,
			  struct sut_err *err)
{
	const struct sut_tree_role *p = sut_repo_role(r, role);
	int64_t v = json_integer_value(json_object_get(r->versions, role));

	if (p && p->meta->version > v)
		v = p->meta->version;
	if (v >= INT64_MAX - 1)
		return sut_err_set(err, EOVERFLOW, "there is no higher version for %s", role);
	*ret = v + 1;
	return 0;
}

static int load_settings(struct sut_repo *r, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_SETTINGS_MAX);
	_cleanup_(sut_freep) char *path = sut_repo_path(r, "repo.json");
	int rc;

	if (!path)
		return sut_err_oom(err);
	if (!sut_exists(path))
		return sut_err_set(err, ENOENT,
				   "%s is no repository: it has no repo.json; 'suture-repo init' "
				   "makes one",
				   r->dir);
	rc = sut_file_read(path, &b, err);
	return rc < 0 ? rc : sut_settings_parse(b.data, b.len, &r->settings, err);
}

/* The chain begins where it began: whoever can write into public/ cannot start another one. */
static int check_first_root(const struct sut_repo *r, const struct sut_tree *t, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_TUF_ROOT_MAX);
	char hex[SUT_SHA256_HEX];
	int rc = sut_tree_get(t, "1.root.json", &b, err);

	if (rc < 0)
		return rc;
	sut_sha256_hex(b.data, b.len, hex);
	if (!sut_streq(hex, r->settings.root))
		return sut_err_reason(err, EBADMSG, "root",
				      "1.root.json in %s is not the one this repository was made "
				      "with; restore it from a copy",
				      t->dir);
	return 0;
}

/* The root of a publication that was interrupted; the roles are of the one before it. */
static int load_ahead(struct sut_repo *r, const struct sut_tree *t, int64_t version,
		      struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_TUF_ROOT_MAX);
	_cleanup_(sut_tuf_meta_freep) struct sut_tuf_meta *m = NULL;
	const struct sut_tree_role *old = sut_repo_role(r, "root");
	char name[40];
	int rc;

	snprintf(name, sizeof(name), "%" PRId64 ".root.json", version);
	rc = sut_tree_get(t, name, &b, err);
	if (rc == 0)
		rc = sut_tuf_meta_parse(b.data, b.len, SUT_TUF_ROOT, name, &m, err);
	if (rc == 0)
		rc = sut_tuf_verify(m, &m->keys, &m->roles[SUT_TUF_ROOT], name, NULL, err);
	if (rc == 0 && old)
		rc = sut_tuf_verify(m, &old->meta->keys, &old->meta->roles[SUT_TUF_ROOT], name,
				    NULL, err);
	if (rc < 0)
		return rc;
	r->root_ahead = sut_steal(m);
	return 0;
}

static int load_state(struct sut_repo *r, struct sut_err *err)
{
	_cleanup_(sut_freep) char *dir = sut_repo_path(r, "public/metadata"),
				  *ts = sut_repo_path(r, "public/metadata/timestamp.json");
	struct sut_tree t = {.dir = dir};
	int64_t n;
	int rc;

	if (!dir || !ts)
		return sut_err_oom(err);
	n = sut_tree_roots(&t);
	if (n < r->settings.root_version)
		return sut_err_reason(err, EBADMSG, "root",
				      "version %" PRId64 " of root was published, but %s has only "
				      "%" PRId64 "; restore it from a copy",
				      r->settings.root_version, dir, n);
	if (!n && !sut_exists(ts))
		return 0;
	rc = check_first_root(r, &t, err);
	if (rc < 0)
		return rc;
	if (n == 1 && !sut_exists(ts))
		return load_ahead(r, &t, n, err);
	rc = sut_tree_load(&t, n, 0, &r->state, err);
	if (rc == -EKEYREJECTED && n > 1) {
		/* The newest root may have been published by a run that was killed before the
		 * rest, which the keys in it sign, was. */
		if (sut_tree_load(&t, n - 1, 0, &r->state, NULL) == 0)
			rc = load_ahead(r, &t, n, err);
	}
	if (rc < 0)
		sut_err_prefix(err, "what is published in %s cannot be verified", dir);
	return rc;
}

int sut_repo_open(const char *dir, int64_t now, struct sut_repo **ret, struct sut_err *err)
{
	static const char *const swept[] = {".", "keys", "staged", "staged/files",
					    "public/metadata"};
	_cleanup_(sut_repo_freep) struct sut_repo *r = calloc(1, sizeof(*r));
	_cleanup_(sut_freep) char *lock = NULL, *keys = NULL;
	int rc;

	if (!r)
		return sut_err_oom(err);
	r->lock = -1;
	r->now = now;
	r->dir = strdup(dir);
	if (!r->dir)
		return sut_err_oom(err);
	rc = load_settings(r, err);
	if (rc < 0)
		return rc;
	lock = sut_repo_path(r, ".lock");
	keys = sut_repo_path(r, "keys");
	if (!lock || !keys)
		return sut_err_oom(err);
	rc = sut_lock(lock, &r->lock, err);
	/* Again: what was read before the lock may have been changed meanwhile. */
	if (rc == 0) {
		sut_settings_release(&r->settings);
		rc = load_settings(r, err);
	}
	for (size_t i = 0; rc == 0 && i < SUT_ARRAY_SIZE(swept); i++)
		rc = sweep(r, swept[i], err);
	if (rc == 0)
		rc = sut_keys_read(keys, &r->keys, err);
	if (rc == 0)
		rc = list_versions(r, err);
	if (rc == 0)
		rc = load_state(r, err);
	if (rc < 0)
		return rc;
	*ret = sut_steal(r);
	return 0;
}
