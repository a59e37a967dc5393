// SPDX-License-Identifier: Apache-2.0
#include "keys.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/str.h"
#include "repo.h"
#include "tuf/json.h"
#include "tuf/meta.h"

static void release_key(struct sut_key *k)
{
	free(k->name);
	sut_pubkey_free(k->pub);
	json_decref(k->json);
}

void sut_keys_release(struct sut_keys *k)
{
	for (size_t i = 0; i < k->n; i++)
		release_key(&k->v[i]);
	free(k->v);
	*k = (struct sut_keys){0};
}

/* The id and the key object of a public key. */
static int identify(const struct sut_pubkey *pub, char ret_id[static SUT_DIGEST_HEX_MAX],
		    json_t **ret_json, struct sut_err *err)
{
	_cleanup_json_ json_t *j = NULL;
	int r = sut_tuf_key_json(pub, &j, err);

	if (r < 0)
		return r;
	r = sut_tuf_keyid(j, ret_id, err);
	if (r < 0)
		return r;
	if (ret_json)
		*ret_json = sut_steal(j);
	return 0;
}

static int read_public(const char *path, struct sut_pubkey **ret, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_KEY_PEM_MAX);
	int r = sut_file_read(path, &b, err);

	if (r < 0)
		return r;
	r = sut_pubkey_from_pem(sut_buf_str(&b), b.len, ret, err);
	if (r < 0)
		sut_err_prefix(err, "%s", path);
	return r;
}

static int load_key(const char *dir, const char *file, struct sut_key *ret, struct sut_err *err)
{
	size_t stem = strlen(file) - strlen(".pub");
	_cleanup_(sut_freep) char *path = sut_sprintf("%s/%s", dir, file),
				  *priv = sut_sprintf("%s/%.*s.key", dir, (int)stem, file);
	struct sut_key k = {.name = strndup(file, stem)};
	int r;

	if (!path || !priv || !k.name) {
		free(k.name);
		return sut_err_oom(err);
	}
	r = read_public(path, &k.pub, err);
	if (r == 0)
		r = identify(k.pub, k.id, &k.json, err);
	if (r < 0) {
		release_key(&k);
		return r;
	}
	k.has_private = sut_exists(priv);
	*ret = k;
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct sut_key *)a)->name, ((const struct sut_key *)b)->name);
}

int sut_keys_read(const char *dir, struct sut_keys *ret, struct sut_err *err)
{
	_cleanup_(sut_closedirp) DIR *d = opendir(dir);
	_cleanup_(sut_keys_release) struct sut_keys k = {0};
	const struct dirent *e;

	if (!d) {
		if (errno != ENOENT)
			return sut_err_errno(err, "cannot read the folder of keys %s", dir);
		*ret = (struct sut_keys){0};
		return 0;
	}
	while ((errno = 0, e = readdir(d))) {
		struct sut_key *v;
		int r;

		/* NAME.minisign.pub is the same key for other tools. */
		if (!sut_endswith(e->d_name, ".pub") || sut_endswith(e->d_name, ".minisign.pub"))
			continue;
		if (k.n == SUT_KEYS_MAX)
			return sut_err_set(err, E2BIG, "%s has more than %d keys; remove some", dir,
					   SUT_KEYS_MAX);
		v = reallocarray(k.v, k.n + 1, sizeof(*v));
		if (!v)
			return sut_err_oom(err);
		k.v = v;
		r = load_key(dir, e->d_name, &k.v[k.n], err);
		if (r < 0)
			return r;
		k.n++;
	}
	if (errno)
		return sut_err_errno(err, "cannot read the folder of keys %s", dir);
	if (k.n)
		qsort(k.v, k.n, sizeof(*k.v), by_name);
	*ret = k;
	k = (struct sut_keys){0};
	return 0;
}

const struct sut_key *sut_keys_find(const struct sut_keys *k, const char *name_or_id)
{
	const struct sut_key *found = NULL;

	for (size_t i = 0; i < k->n; i++)
		if (sut_streq(k->v[i].name, name_or_id))
			return &k->v[i];
	if (strlen(name_or_id) < 8)
		return NULL;
	for (size_t i = 0; i < k->n; i++) {
		if (!sut_startswith(k->v[i].id, name_or_id))
			continue;
		if (found)
			return NULL;
		found = &k->v[i];
	}
	return found;
}

static int write_public(const char *path, const struct sut_privkey *key, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf pem = SUT_BUF_INIT(SUT_KEY_PEM_MAX);
	_cleanup_(sut_pubkey_freep) struct sut_pubkey *pub = NULL;
	int r = sut_privkey_public(key, &pub, err);

	if (r == 0)
		r = sut_pubkey_pem(pub, &pem, err);
	return r < 0 ? r : sut_file_write(path, pem.data, pem.len, 0644, err);
}

int sut_key_generate(const char *dir, const char *name, enum sut_key_type type,
		     const char *passphrase, struct sut_err *err)
{
	_cleanup_(sut_freep) char *key_path = sut_sprintf("%s/%s.key", dir, name),
				  *pub_path = sut_sprintf("%s/%s.pub", dir, name);
	_cleanup_secret_ struct sut_buf pem = SUT_BUF_INIT(SUT_KEY_PEM_MAX);
	_cleanup_(sut_privkey_freep) struct sut_privkey *k = NULL;
	int r;

	if (!key_path || !pub_path)
		return sut_err_oom(err);
	if (!sut_repo_name_ok(name))
		return sut_err_set(err, EINVAL,
				   "\"%s\" is no name for a key: use up to 64 of a-z, 0-9, '.', "
				   "'_' and '-', beginning with a letter or digit",
				   name);
	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return sut_err_errno(err, "cannot create the folder %s", dir);
	if (sut_exists(pub_path))
		return sut_err_set(err, EEXIST,
				   "there is a key %s already; choose another name, keys are "
				   "never replaced",
				   name);
	/* The private half alone is what a killed run left: the public one is made from it. */
	if (sut_exists(key_path)) {
		r = sut_key_private(dir, name, passphrase, &k, err);
		if (r == 0)
			return write_public(pub_path, k, err);
		sut_err_prefix(err, "%s is there without %s.pub", key_path, name);
		return r;
	}
	r = sut_privkey_new(type, &k, err);
	if (r == 0)
		r = sut_privkey_encode(k, passphrase, &pem, err);
	if (r == 0)
		r = sut_file_write(key_path, pem.data, pem.len, 0600, err);
	return r < 0 ? r : write_public(pub_path, k, err);
}

int sut_key_private_file(const char *path, const char *passphrase, struct sut_privkey **ret,
			 char ret_id[static SUT_DIGEST_HEX_MAX], struct sut_err *err)
{
	_cleanup_secret_ struct sut_buf pem = SUT_BUF_INIT(SUT_KEY_PEM_MAX);
	_cleanup_(sut_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	_cleanup_(sut_privkey_freep) struct sut_privkey *k = NULL;
	_cleanup_(sut_pubkey_freep) struct sut_pubkey *pub = NULL;
	char id[SUT_DIGEST_HEX_MAX];
	struct stat st;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0)
		return sut_err_errno(err, "cannot open the key %s", path);
	if (st.st_mode & 077)
		return sut_err_reason(err, EPERM, "permissions",
				      "%s can be read by others than its owner; run 'chmod 600 %s' "
				      "if nobody has, and rotate the key if somebody may have",
				      path, path);
	r = sut_file_read_fd(fd, path, &pem, err);
	if (r < 0)
		return r;
	r = sut_privkey_decode(sut_buf_str(&pem), pem.len, passphrase, &k, err);
	if (r < 0) {
		sut_err_prefix(err, "%s", path);
		return r;
	}
	r = sut_privkey_public(k, &pub, err);
	if (r == 0)
		r = identify(pub, id, NULL, err);
	if (r < 0)
		return r;
	memcpy(ret_id, id, sizeof(id));
	*ret = sut_steal(k);
	return 0;
}

int sut_key_private(const char *dir, const char *name, const char *passphrase,
		    struct sut_privkey **ret, struct sut_err *err)
{
	_cleanup_(sut_freep) char *path = sut_sprintf("%s/%s.key", dir, name);
	char id[SUT_DIGEST_HEX_MAX];

	if (!path)
		return sut_err_oom(err);
	return sut_key_private_file(path, passphrase, ret, id, err);
}

static const struct {
	const char *word;
	enum sut_key_type type;
} types[] = {
	{"ed25519", SUT_KEY_ED25519},
	{"ecdsa", SUT_KEY_ECDSA_P256},
	{"rsa", SUT_KEY_RSA_PSS},
};

const char *sut_key_type_word(enum sut_key_type t)
{
	for (size_t i = 0; i < SUT_ARRAY_SIZE(types); i++)
		if (types[i].type == t)
			return types[i].word;
	return "unknown";
}

int sut_key_type_parse(const char *word, enum sut_key_type *ret, struct sut_err *err)
{
	for (size_t i = 0; i < SUT_ARRAY_SIZE(types); i++)
		if (sut_streq(types[i].word, word)) {
			*ret = types[i].type;
			return 0;
		}
	return sut_err_set(err, EINVAL,
			   "\"%s\" is no type of key: choose ed25519, ecdsa (P-256) or rsa (3072 "
			   "bits)",
			   word);
}
