// SPDX-License-Identifier: Apache-2.0
#include "signer/online.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/file.h"
#include "tuf/json.h"

/* OpenSSL's arena: powers of two. A few hundred bytes are needed for an RSA key; and what systems let
 * everybody lock is 64 KiB at least. */
enum { ARENA = 32768, ARENA_MIN = 32 };

int sut_online_lock_memory(struct sut_err *err)
{
	if (CRYPTO_secure_malloc_initialized() || CRYPTO_secure_malloc_init(ARENA, ARENA_MIN) == 1)
		return 0;
	return sut_err_set(err, EPERM,
			   "the memory of keys cannot be locked, so they may be written to swap. "
			   "Raise the limit (LimitMEMLOCK= in the unit, ulimit -l)");
}

/* Credentials of systemd belong to root, and we read them by an access list, whose mask
 * shows as the rights of the group. */
static bool is_private(const struct stat *st)
{
	if (st->st_uid == 0 && st->st_gid == 0 && !(st->st_mode & 037))
		return true;
	return (st->st_uid == geteuid() || st->st_uid == 0) && !(st->st_mode & 077);
}

static int check_file(int fd, const char *path, struct sut_err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return sut_err_errno(err, "cannot look at %s", path);
	if (!S_ISREG(st.st_mode))
		return sut_err_reason(err, EPERM, "permissions", "%s is not a file", path);
	if (!is_private(&st))
		return sut_err_reason(err, EPERM, "permissions",
				      "%s is a private key that others can use (mode %04o, user "
				      "%u). Run: chown %u %s && chmod 600 %s",
				      path, st.st_mode & 07777, st.st_uid, geteuid(), path, path);
	return 0;
}

static int read_one(const char *path, struct sut_privkey **ret, struct sut_err *err)
{
	_cleanup_secret_ struct sut_buf pem = SUT_BUF_INIT(SUT_KEY_PEM_MAX);
	_cleanup_(sut_closep) int fd =
		open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int r;

	if (fd < 0)
		return sut_err_errno(err, "cannot open the private key %s", path);
	r = check_file(fd, path, err);
	/* All of it at once, so that it does not move and leave copies. */
	if (r == 0 && sut_buf_reserve(&pem, SUT_KEY_PEM_MAX) < 0)
		r = sut_err_oom(err);
	if (r < 0)
		return r;
	/* Best effort: the keys themselves stay, in OpenSSL's locked memory; this is gone soon. */
	(void)mlock(pem.data, pem.cap);
	r = sut_file_read_fd(fd, path, &pem, err);
	if (r == 0)
		r = sut_privkey_decode((const char *)pem.data, pem.len, NULL, ret, err);
	if (r == -EKEYREJECTED)
		return sut_err_reason(
			err, EKEYREJECTED, "passphrase",
			"%s has a passphrase, which nobody could type here. Use a key "
			"without one, as `suture-signer --new-keys` makes it",
			path);
	return r < 0 ? (sut_err_prefix(err, "%s", path), r) : 0;
}

int sut_online_keys_read(const struct sut_strv *files, struct sut_online_keys *ret,
			 struct sut_err *err)
{
	_cleanup_(sut_online_keys_release) struct sut_online_keys k = {0};

	k.v = calloc(files->n + 1, sizeof(*k.v));
	if (!k.v)
		return sut_err_oom(err);
	for (size_t i = 0; i < files->n; i++) {
		int r = read_one(files->v[i], &k.v[i].priv, err);

		if (r < 0)
			return r;
		k.n++;
		r = sut_privkey_public(k.v[i].priv, &k.v[i].pub, err);
		if (r < 0)
			return r;
		for (size_t j = 0; j < i; j++)
			if (sut_pubkey_equal(k.v[i].pub, k.v[j].pub))
				return sut_err_set(err, EEXIST,
						   "%s and %s are one key. Name it once",
						   files->v[j], files->v[i]);
	}
	*ret = k;
	k = (struct sut_online_keys){0};
	return 0;
}

void sut_online_keys_release(struct sut_online_keys *k)
{
	for (size_t i = 0; i < k->n; i++) {
		sut_privkey_free(k->v[i].priv);
		sut_pubkey_free(k->v[i].pub);
	}
	free(k->v);
	*k = (struct sut_online_keys){0};
}

/* Our key with this id of the root; NULL when we do not have it. */
static const struct sut_privkey *find(const struct sut_online_keys *k,
				      const struct sut_tuf_meta *root, const char *id)
{
	for (size_t i = 0; i < root->keys.n; i++) {
		const struct sut_tuf_key *rk = &root->keys.v[i];

		if (!rk->pub || !sut_streq(rk->id, id))
			continue;
		for (size_t j = 0; j < k->n; j++)
			if (sut_pubkey_equal(rk->pub, k->v[j].pub))
				return k->v[j].priv;
	}
	return NULL;
}

int sut_online_keys_check(const struct sut_online_keys *k, const struct sut_tuf_meta *root,
			  enum sut_tuf_type role, struct sut_err *err)
{
	const struct sut_tuf_role *r = &root->roles[role];
	size_t have = 0;

	for (size_t i = 0; i < r->nkeyids; i++)
		have += find(k, root, r->keyids[i]) != NULL;
	if (have >= r->threshold)
		return 0;
	return sut_err_reason(err, ENOKEY, "keys",
			      "root version %lld asks for %u of the %zu keys of %s (%.12s%s), and "
			      "%zu of them are here. Name the right files with %s-key and start "
			      "suture-signer again",
			      (long long)root->version, r->threshold, r->nkeyids,
			      sut_tuf_type_name(role), r->nkeyids ? r->keyids[0] : "",
			      r->nkeyids > 1 ? ", ..." : "", have, sut_tuf_type_name(role));
}

static int add_signature(const struct sut_privkey *priv, const char *id,
			 const struct sut_buf *canonical, json_t *list, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf sig = SUT_BUF_INIT(SUT_SIG_MAX);
	char hex[2 * SUT_SIG_MAX + 1];
	int r = sut_privkey_sign(priv, canonical->data, canonical->len, &sig, err);

	if (r < 0)
		return r;
	sut_hex(sig.data, sig.len, hex);
	if (json_array_append_new(list, json_pack("{s:s,s:s}", "keyid", id, "sig", hex)) < 0)
		return sut_err_oom(err);
	return 0;
}

int sut_online_sign(const struct sut_online_keys *k, const struct sut_tuf_meta *root,
		    enum sut_tuf_type role, json_t *signed_part, struct sut_buf *out,
		    struct sut_err *err)
{
	const struct sut_tuf_role *tr = &root->roles[role];
	_cleanup_buf_ struct sut_buf canonical = SUT_BUF_INIT(SUT_TUF_SNAPSHOT_MAX);
	_cleanup_json_ json_t *doc = NULL;
	json_t *list = json_array();
	int r;

	doc = json_pack("{s:o,s:O}", "signatures", list, "signed", signed_part);
	if (!doc)
		return sut_err_oom(err);
	r = sut_json_canonical(signed_part, &canonical, err);
	for (size_t i = 0; r == 0 && i < tr->nkeyids; i++) {
		const struct sut_privkey *priv = find(k, root, tr->keyids[i]);

		if (priv)
			r = add_signature(priv, tr->keyids[i], &canonical, list, err);
	}
	return r < 0 ? r : sut_json_canonical(doc, out, err);
}

/* O_EXCL: a key is never replaced, not even by one that appears just now. */
static int write_new(const char *path, const void *data, size_t len, mode_t mode,
		     struct sut_err *err)
{
	_cleanup_(sut_closep) int fd =
		open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);

	if (fd < 0)
		return errno == EEXIST
			       ? sut_err_set(
					 err, EEXIST,
					 "%s is there already and is not replaced. Name another "
					 "folder",
					 path)
			       : sut_err_errno(err, "cannot create %s", path);
	for (size_t at = 0; at < len;) {
		ssize_t n = write(fd, (const uint8_t *)data + at, len - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			int r = sut_err_errno(err, "cannot write %s", path);

			unlink(path);
			return r;
		}
		at += (size_t)n;
	}
	return fsync(fd) < 0 ? sut_err_errno(err, "cannot write %s", path) : 0;
}

static int generate_one(const char *dir, const char *name, struct sut_err *err)
{
	_cleanup_(sut_privkey_freep) struct sut_privkey *priv = NULL;
	_cleanup_(sut_pubkey_freep) struct sut_pubkey *pub = NULL;
	_cleanup_secret_ struct sut_buf pem = SUT_BUF_INIT(SUT_KEY_PEM_MAX);
	_cleanup_buf_ struct sut_buf text = SUT_BUF_INIT(SUT_KEY_PEM_MAX);
	_cleanup_(sut_freep) char *key = sut_sprintf("%s/%s.key", dir, name);
	_cleanup_(sut_freep) char *pubname = sut_sprintf("%s/%s.pub", dir, name);
	int r;

	if (!key || !pubname)
		return sut_err_oom(err);
	r = sut_privkey_new(SUT_KEY_ED25519, &priv, err);
	if (r == 0)
		r = sut_privkey_public(priv, &pub, err);
	if (r == 0)
		r = sut_privkey_encode(priv, NULL, &pem, err);
	if (r == 0)
		r = sut_pubkey_pem(pub, &text, err);
	if (r == 0)
		r = write_new(key, pem.data, pem.len, 0600, err);
	if (r == 0)
		r = write_new(pubname, text.data, text.len, 0644, err);
	return r;
}

int sut_online_generate(const char *dir, struct sut_err *err)
{
	int r = generate_one(dir, "snapshot", err);

	return r < 0 ? r : generate_one(dir, "timestamp", err);
}
