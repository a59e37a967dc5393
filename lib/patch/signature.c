// SPDX-License-Identifier: Apache-2.0
#include "patch/signature.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/str.h"

#define KEY_SUFFIX ".pub"

/* Who can change this file or folder? Root and the caller may. */
static int check_owner(int fd, const char *dir, const char *name, mode_t kind, struct sut_err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return sut_err_errno(err, "cannot examine %s/%s", dir, name);
	if ((st.st_mode & S_IFMT) != kind)
		return sut_err_reason(err, EPERM, "permissions",
				      "%s/%s is not a regular file. Put the key itself there", dir,
				      name);
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return sut_err_reason(
			err, EPERM, "permissions",
			"%s/%s belongs to user %u, who could change which keys are trusted. See that what is there is right, then give it to root (chown root)",
			dir, name, (unsigned int)st.st_uid);
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		return sut_err_reason(
			err, EPERM, "permissions",
			"others can write %s/%s and so choose which keys are trusted. See that what is there is right, then take that away (chmod go-w)",
			dir, name);
	return 0;
}

/* Appends to keys, which has room. */
static int read_key(int dirfd, const char *dir, const char *file, struct sut_patch_keys *keys,
		    struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_MINISIGN_FILE_MAX);
	_cleanup_(sut_freep) char *path = sut_sprintf("%s/%s", dir, file);
	_cleanup_(sut_freep) char *name = strndup(file, strlen(file) - strlen(KEY_SUFFIX));
	_cleanup_(sut_closep) int fd = -1;
	struct sut_minisign_pub pub;
	struct sut_err why = {0};
	int r;

	if (!path || !name)
		return sut_err_oom(err);
	/* O_NONBLOCK: a pipe would make us wait before its kind is looked at. */
	fd = openat(dirfd, file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 && errno == ELOOP)
		return sut_err_reason(err, EPERM, "permissions",
				      "%s is a symbolic link. Put the key itself there", path);
	if (fd < 0)
		return sut_err_errno(err, "cannot open the trusted key %s", path);
	r = check_owner(fd, dir, file, S_IFREG, err);
	if (r >= 0)
		r = sut_file_read_fd(fd, path, &b, err);
	if (r < 0)
		return r;
	r = sut_minisign_pub_parse(b.data, b.len, &pub, &why);
	if (r < 0)
		return sut_err_set(err, -r,
				   "the trusted key %s cannot be used: %s. Mend or remove it; no "
				   "patch is trusted before",
				   path, why.msg);
	keys->v[keys->n++] = (struct sut_patch_key){.name = sut_steal(name), .pub = pub};
	return 0;
}

static bool is_key_file(const char *name)
{
	return name[0] != '.' && sut_endswith(name, KEY_SUFFIX);
}

/* The names of the key files, sorted by their bytes. */
static int list_keys(DIR *d, const char *dir, struct sut_strv *ret, struct sut_err *err)
{
	struct dirent *e;

	while (errno = 0, (e = readdir(d))) {
		if (!is_key_file(e->d_name))
			continue;
		if (ret->n == SUT_PATCH_KEYS_MAX)
			return sut_err_set(
				err, E2BIG,
				"%s has more than %d keys: remove those that are not used", dir,
				SUT_PATCH_KEYS_MAX);
		if (sut_strv_add(ret, e->d_name) < 0)
			return sut_err_oom(err);
	}
	return errno ? sut_err_errno(err, "cannot list the trusted keys in %s", dir) : 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int sut_patch_keys_read(const char *dir, struct sut_patch_keys *ret, struct sut_err *err)
{
	_cleanup_(sut_patch_keys_release) struct sut_patch_keys keys = {0};
	_cleanup_(sut_closedirp) DIR *d = opendir(dir);
	_cleanup_strv_ struct sut_strv names = {0};
	int r;

	if (!d && errno == ENOENT) {
		*ret = (struct sut_patch_keys){0};
		return 0;
	}
	if (!d)
		return sut_err_errno(err, "cannot open the folder of trusted keys, %s", dir);
	r = check_owner(dirfd(d), dir, ".", S_IFDIR, err);
	if (r >= 0)
		r = list_keys(d, dir, &names, err);
	if (r < 0)
		return r;
	if (names.n) {
		qsort(names.v, names.n, sizeof(*names.v), by_name);
		keys.v = calloc(names.n, sizeof(*keys.v));
		if (!keys.v)
			return sut_err_oom(err);
	}
	for (size_t i = 0; i < names.n; i++) {
		r = read_key(dirfd(d), dir, names.v[i], &keys, err);
		if (r < 0)
			return r;
	}
	*ret = keys;
	keys = (struct sut_patch_keys){0};
	return 0;
}

void sut_patch_keys_release(struct sut_patch_keys *k)
{
	for (size_t i = 0; i < k->n; i++)
		free(k->v[i].name);
	free(k->v);
	*k = (struct sut_patch_keys){0};
}

/* Takes "KEY:VALUE" from *p up to a tab, which is taken too, or the end. */
static bool take_field(const char **p, const char *key, char *value, size_t size)
{
	size_t n = strlen(key), len;

	if (strncmp(*p, key, n) != 0 || (*p)[n] != ':')
		return false;
	len = strcspn(*p + n + 1, "\t");
	if (!len || len >= size)
		return false;
	memcpy(value, *p + n + 1, len);
	value[len] = 0;
	*p += n + 1 + len;
	return true;
}

/* Between two fields: one tab. */
static bool take_tab(const char **p)
{
	if (**p != '\t')
		return false;
	(*p)++;
	return true;
}

/* Decimal in its one form: no sign, no zeros in front. */
static bool number(const char *s, uint64_t max, uint64_t *ret)
{
	size_t n = strspn(s, "0123456789");

	return n && !s[n] && (s[0] != '0' || n == 1) && sut_parse_u64(s, max, ret) == 0;
}

/* What a later version may add behind the fields of today. A second value of a field that is known
 * here would let two readers see two claims, so that is refused. */
static bool further_field(const char **p)
{
	static const char *const known[] = {"timestamp", "file", "name", "level", "build-id"};
	size_t n = strspn(*p, "abcdefghijklmnopqrstuvwxyz0123456789-"), len;

	if (!n || (*p)[n] != ':')
		return false;
	for (size_t i = 0; i < SUT_ARRAY_SIZE(known); i++)
		if (strlen(known[i]) == n && memcmp(*p, known[i], n) == 0)
			return false;
	len = strcspn(*p + n + 1, "\t");
	*p += n + 1 + len;
	return len > 0;
}

/* What a key of a machine may vouch for. A signature for one is none for the other. */
static const struct kind {
	const char *file; /* "file" of the claim */
	const char *what; /* for people */
} of_patch = {"kpatch.bin", "kernel patch"}, of_library = {"upatch.bin", "library patch"},
  of_engine = {"suture.ko", "suture.ko"};

static bool is_file(const struct kind *const *kinds, const char *file, const struct kind **ret)
{
	for (; *kinds; kinds++) {
		if (sut_streq(file, (*kinds)->file)) {
			*ret = *kinds;
			return true;
		}
	}
	return false;
}

/* kinds: those that may be claimed, ended by NULL. */
static int parse_claim(const struct kind *const *kinds, const char *comment,
		       struct sut_patch_claim *ret, struct sut_err *err)
{
	char time[24], file[16], level[24], id[2 * SUTURE_BUILD_ID_LEN + 1];
	struct sut_patch_claim c = {0};
	const char *p = comment, *wrong = NULL;
	const struct kind *kind = kinds[0];
	uint64_t t = 0, l = 0;

	if (!take_field(&p, "timestamp", time, sizeof(time)) || !number(time, INT64_MAX, &t))
		wrong = "timestamp";
	else if (!take_tab(&p) || !take_field(&p, "file", file, sizeof(file)) ||
		 !is_file(kinds, file, &kind))
		wrong = "file";
	else if (!take_tab(&p) || !take_field(&p, "name", c.name, sizeof(c.name)) ||
		 !sut_member_name_ok(c.name))
		wrong = "name";
	else if (!take_tab(&p) || !take_field(&p, "level", level, sizeof(level)) ||
		 !number(level, INT32_MAX, &l) || !l)
		wrong = "level";
	else if (!take_tab(&p) || !take_field(&p, "build-id", id, sizeof(id)) ||
		 strspn(id, "0123456789abcdef") != 2 * SUTURE_BUILD_ID_LEN ||
		 sut_unhex(id, c.build_id, sizeof(c.build_id)) < 0)
		wrong = "build-id";
	while (!wrong && *p)
		if (!take_tab(&p) || !further_field(&p))
			wrong = "something behind the build-id";
	if (wrong)
		return sut_err_reason(
			err, EBADMSG, "signature-format",
			"the signature is good, but its trusted comment is not that of a %s (%s is wrong): \"%s\". Was another kind of file signed with this key? Fetch the signature that belongs to the file",
			kind->what, wrong, comment);
	c.time = (int64_t)t;
	c.level = (uint32_t)l;
	c.library = kind == &of_library;
	*ret = c;
	return 0;
}

/* As minisign shows it: the number in little-endian order. */
static void show_keynum(const uint8_t keynum[static SUT_MINISIGN_KEYNUM],
			char ret[static 2 * SUT_MINISIGN_KEYNUM + 1])
{
	for (size_t i = 0; i < SUT_MINISIGN_KEYNUM; i++)
		snprintf(ret + 2 * i, 3, "%02X", keynum[SUT_MINISIGN_KEYNUM - 1 - i]);
}

/* Key numbers are not unique, so all keys that have this one are tried. */
static int find_key(const struct sut_patch_keys *keys, const struct sut_minisign_sig *s,
		    const void *data, size_t len, const struct sut_patch_key **ret,
		    struct sut_err *err)
{
	char shown[2 * SUT_MINISIGN_KEYNUM + 1];
	struct sut_err why = {0};
	int bad = 0, r;

	for (size_t i = 0; i < keys->n; i++) {
		r = sut_minisign_verify(&keys->v[i].pub, s, data, len, &why);
		if (r == 0) {
			*ret = &keys->v[i];
			return 0;
		}
		if (r == -EKEYREJECTED)
			bad = r;
		else if (r != -ENOKEY)
			return sut_err_set(err, -r, "%s", why.msg);
	}
	show_keynum(s->keynum, shown);
	if (bad)
		return sut_err_reason(
			err, EKEYREJECTED, "bad-signature",
			"the signature by the key %s does not fit: the patch or its signature was changed or damaged. Fetch both again",
			shown);
	return sut_err_reason(
		err, ENOKEY, "unknown-key",
		"the patch is signed by the key %s, which is not one of the %zu trusted keys. Add it only when it came to you by a way you trust",
		shown, keys->n);
}

static int verify(const struct kind *const *kinds, const struct sut_patch_keys *keys,
		  const void *data, size_t len, const void *sig, size_t sig_len,
		  struct sut_patch_claim *ret, const struct sut_patch_key **ret_by,
		  struct sut_err *err)
{
	const struct sut_patch_key *by = NULL;
	struct sut_minisign_sig s;
	struct sut_err why = {0};
	int r = sut_minisign_sig_parse(sig, sig_len, &s, &why);

	if (r == -EBADMSG)
		return sut_err_reason(err, EBADMSG, "signature-format",
				      "the signature of the %s cannot be read: %s. Fetch it again",
				      kinds[0] == &of_engine ? of_engine.what : "patch", why.msg);
	if (r < 0)
		return sut_err_oom(err);
	r = find_key(keys, &s, data, len, &by, err);
	if (r >= 0)
		r = parse_claim(kinds, s.trusted, ret, err);
	if (r < 0)
		return r;
	*ret_by = by;
	return 0;
}

int sut_patch_sig_verify(const struct sut_patch_keys *keys, const void *data, size_t len,
			 const void *sig, size_t sig_len, struct sut_patch_claim *ret,
			 const struct sut_patch_key **ret_by, struct sut_err *err)
{
	static const struct kind *const kinds[] = {&of_patch, &of_library, NULL};

	return verify(kinds, keys, data, len, sig, sig_len, ret, ret_by, err);
}

int sut_engine_sig_verify(const struct sut_patch_keys *keys, const void *data, size_t len,
			  const void *sig, size_t sig_len, struct sut_patch_claim *ret,
			  const struct sut_patch_key **ret_by, struct sut_err *err)
{
	static const struct kind *const kinds[] = {&of_engine, NULL};

	return verify(kinds, keys, data, len, sig, sig_len, ret, ret_by, err);
}

int sut_patch_sig_matches(const struct sut_patch_claim *c, const struct sut_manifest *m,
			  struct sut_err *err)
{
	const char *what = c->library != sut_manifest_is_library(m) ? "file"
			   : !sut_streq(c->name, m->id)		    ? "name"
			   : c->level != m->level		    ? "level"
			   : memcmp(c->build_id, m->target.build_id, sizeof(c->build_id)) != 0
				   ? "build-id"
				   : NULL;

	if (what)
		return sut_err_reason(
			err, EKEYREJECTED, "claim",
			"the %s in the signature's trusted comment is not the one in the patch: the signer did not sign what it says. Do not use the patch, and tell who made it",
			what);
	return 0;
}

static int sign(const struct kind *kind, const struct sut_privkey *key,
		const struct sut_patch_claim *c, const void *data, size_t len, struct sut_buf *out,
		struct sut_err *err)
{
	_cleanup_(sut_freep) char *comment = NULL, *untrusted = NULL;
	char id[2 * SUTURE_BUILD_ID_LEN + 1];
	const struct kind *const kinds[] = {kind, NULL};
	struct sut_patch_claim check;

	sut_hex(c->build_id, sizeof(c->build_id), id);
	comment = sut_sprintf("timestamp:%" PRId64 "\tfile:%s\tname:%s\tlevel:%" PRIu32
			      "\tbuild-id:%s",
			      c->time, kind->file, c->name, c->level, id);
	untrusted =
		sut_sprintf("signature of a Suture %s", kind == &of_engine ? "engine" : "patch");
	if (!comment || !untrusted)
		return sut_err_oom(err);
	/* What is written can be read. */
	if (parse_claim(kinds, comment, &check, NULL) < 0)
		return sut_err_set(
			err, EINVAL,
			"the %s cannot be signed: its time, name or level is impossible: \"%s\"",
			kind->what, comment);
	return sut_minisign_sign(key, untrusted, comment, data, len, out, err);
}

int sut_patch_sign(const struct sut_privkey *key, const struct sut_manifest *m, const void *data,
		   size_t len, int64_t now, struct sut_buf *out, struct sut_err *err)
{
	struct sut_patch_claim c = {.time = now, .level = m->level};

	if (snprintf(c.name, sizeof(c.name), "%s", m->id) >= (int)sizeof(c.name))
		return sut_err_set(err, EINVAL, "the id of the patch is too long to be signed");
	memcpy(c.build_id, m->target.build_id, sizeof(c.build_id));
	return sign(sut_manifest_is_library(m) ? &of_library : &of_patch, key, &c, data, len, out,
		    err);
}

int sut_engine_sign(const struct sut_privkey *key, const struct sut_patch_claim *c,
		    const void *data, size_t len, struct sut_buf *out, struct sut_err *err)
{
	return sign(&of_engine, key, c, data, len, out, err);
}
