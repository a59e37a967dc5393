// SPDX-License-Identifier: Apache-2.0
#include "install/anchors.h"

#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "patch/signature.h"
#include "tuf/trusted.h"

void anchors_release(struct anchors *a)
{
	sut_buf_release(&a->root);
	sut_buf_release(&a->keys);
}

/* Is it a root that a client could begin with? */
static int check_root(const struct sut_buf *b, const char *path, int64_t now, struct sut_err *err)
{
	_cleanup_(sut_tuf_trusted_freep) struct sut_tuf_trusted *t = NULL;
	int r = sut_tuf_trusted_new(b->data, b->len, now, &t, err);

	if (r < 0)
		sut_err_prefix(err, "%s", path);
	return r;
}

static int read_root(const char *path, int64_t now, struct sut_buf *b, struct sut_err *err)
{
	int r = sut_file_read(path, b, err);

	return r < 0 ? r : check_root(b, path, now, err);
}

/* The names become names of files on other machines, written by a shell. */
static bool good_name(const char *s)
{
	return *s && *s != '.' && *s != '-' &&
	       strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") ==
		       strlen(s);
}

static int add_key(const char *to, const struct sut_patch_key *k, struct sut_buf *lines,
		   struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf file = SUT_BUF_INIT(SUT_MINISIGN_FILE_MAX);
	const char *key;
	int r;

	if (!good_name(k->name))
		return sut_err_set(err, EINVAL,
				   "the name of the key '%s.pub' must be of A-Z a-z 0-9 . _ -",
				   k->name);
	r = sut_minisign_pub_format(&k->pub, "key", &file, err);
	if (r < 0)
		return r;
	/* The second line, with its newline. */
	key = strchr(sut_buf_str(&file), '\n') + 1;
	return sut_buf_addf(lines, "%s%s %s %.*s", lines->len ? "\n" : "", to, k->name,
			    (int)strcspn(key, "\n"), key) < 0
		       ? sut_err_oom(err)
		       : 0;
}

static int read_keys(const char *folder, const char *to, struct sut_buf *lines, size_t *ret_n,
		     struct sut_err *err)
{
	_cleanup_(sut_patch_keys_release) struct sut_patch_keys keys = {0};
	int r = sut_patch_keys_read(folder, &keys, err);

	for (size_t i = 0; r == 0 && i < keys.n; i++)
		r = add_key(to, &keys.v[i], lines, err);
	if (r == 0)
		*ret_n = keys.n;
	return r;
}

int anchors_read(const char *folder, const char *repository_root, int64_t now, struct anchors *ret,
		 struct sut_err *err)
{
	_cleanup_(sut_freep) char *own = NULL, *jobs = NULL;
	int r = -ENOENT;

	if (folder) {
		own = sut_sprintf("%s/root.json", folder);
		jobs = sut_sprintf("%s/job-keys", folder);
		if (!own || !jobs)
			return sut_err_oom(err);
		r = read_root(own, now, &ret->root, err);
	}
	if (r == -ENOENT && repository_root)
		r = read_root(repository_root, now, &ret->root, err);
	if (r < 0 && r != -ENOENT)
		return r;
	if (!folder)
		return 0;
	r = read_keys(folder, "keys.d", &ret->keys, &ret->nkeys, err);
	return r < 0 ? r : read_keys(jobs, "job-keys.d", &ret->keys, &ret->njob_keys, err);
}
