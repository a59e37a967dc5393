// SPDX-License-Identifier: Apache-2.0
#include "seal.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/secret.h"
#include "base/str.h"

enum { KEY_LEN = 32, NONCE_LEN = 12, TAG_LEN = 16, VERSION = 1, FILE_MAX = 256 };

struct seal {
	uint8_t key[KEY_LEN];
	char *path; /* for messages */
};

static void ctx_freep(EVP_CIPHER_CTX **c)
{
	EVP_CIPHER_CTX_free(*c);
}

int seal_make(const char *path, struct sut_err *err)
{
	uint8_t key[KEY_LEN];
	char text[2 * KEY_LEN + 2];
	int r;

	if (sut_exists(path))
		return 1;
	if (RAND_bytes(key, sizeof(key)) != 1)
		return sut_err_set(err, EIO, "there are no random numbers for %s", path);
	sut_hex(key, sizeof(key), text);
	text[sizeof(text) - 2] = '\n';
	r = sut_file_write(path, text, sizeof(text) - 1, 0600, err);
	explicit_bzero(key, sizeof(key));
	explicit_bzero(text, sizeof(text));
	return r;
}

static int check_mode(const char *path, struct sut_err *err)
{
	struct stat st;

	if (stat(path, &st) < 0 && errno == ENOENT)
		return sut_err_reason(
			err, ENOENT, "seal",
			"there is no key file %s. Make one with: suture-console init; "
			"or, when this console has a database already, bring back the "
			"file that it was made with",
			path);
	if (stat(path, &st) < 0)
		return sut_err_errno(err, "cannot look at the key file %s", path);
	if (st.st_mode & 077)
		return sut_err_reason(err, EPERM, "seal",
				      "others may read the key file %s. Run: chmod 600 %s", path,
				      path);
	return 0;
}

int seal_open(const char *path, struct seal **ret, struct sut_err *err)
{
	_cleanup_(seal_freep) struct seal *s = calloc(1, sizeof(*s));
	_cleanup_secret_ struct sut_buf b = SUT_BUF_INIT(FILE_MAX);
	char text[2 * KEY_LEN + 1];
	size_t n;
	int r;

	if (!s)
		return sut_err_oom(err);
	r = check_mode(path, err);
	if (r == 0)
		r = sut_file_read(path, &b, err);
	if (r < 0)
		return r;
	n = strcspn(sut_buf_str(&b), "\n");
	if (n == sizeof(text) - 1 && b.len <= n + 1) {
		memcpy(text, b.data, n);
		text[n] = '\0';
		r = sut_unhex(text, s->key, sizeof(s->key));
		explicit_bzero(text, sizeof(text));
	} else {
		r = -EINVAL;
	}
	if (r < 0)
		return sut_err_reason(
			err, EBADMSG, "seal",
			"%s is no key file: it has to be 64 hexadecimal digits. Bring "
			"back the one that suture-console init made",
			path);
	s->path = strdup(path);
	if (!s->path)
		return sut_err_oom(err);
	*ret = sut_steal(s);
	return 0;
}

void seal_free(struct seal *s)
{
	if (!s)
		return;
	free(s->path);
	explicit_bzero(s, sizeof(*s));
	free(s);
}

void seal_freep(struct seal **s)
{
	seal_free(*s);
	*s = NULL;
}

static int begin(EVP_CIPHER_CTX *c, const struct seal *s, const char *purpose, const uint8_t *nonce,
		 int encrypt)
{
	int n;

	return c && EVP_CipherInit_ex(c, EVP_aes_256_gcm(), NULL, s->key, nonce, encrypt) == 1 &&
	       EVP_CipherUpdate(c, NULL, &n, (const uint8_t *)purpose, (int)strlen(purpose)) == 1;
}

int seal_put(const struct seal *s, const char *purpose, const void *secret, size_t len,
	     struct sut_buf *out, struct sut_err *err)
{
	_cleanup_(ctx_freep) EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	uint8_t nonce[NONCE_LEN], tag[TAG_LEN], version = VERSION;
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SEAL_MAX + SEAL_MORE);
	int n = 0, end = 0;

	if (len > SEAL_MAX)
		return sut_err_set(err, EFBIG, "a secret has more than %d bytes", SEAL_MAX);
	if (RAND_bytes(nonce, sizeof(nonce)) != 1)
		return sut_err_set(err, EIO, "there are no random numbers");
	if (sut_buf_add(&b, &version, 1) || sut_buf_add(&b, nonce, sizeof(nonce)) ||
	    sut_buf_addzero(&b, len + TAG_LEN))
		return sut_err_oom(err);
	if (!begin(c, s, purpose, nonce, 1) ||
	    EVP_CipherUpdate(c, b.data + 1 + NONCE_LEN, &n, secret, (int)len) != 1 ||
	    EVP_CipherFinal_ex(c, b.data + 1 + NONCE_LEN + n, &end) != 1 ||
	    EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, TAG_LEN, tag) != 1)
		return sut_err_oom(err);
	memcpy(b.data + 1 + NONCE_LEN + len, tag, TAG_LEN);
	return sut_buf_add(out, b.data, b.len) < 0 ? sut_err_oom(err) : 0;
}

int seal_get(const struct seal *s, const char *purpose, const void *sealed, size_t len,
	     struct sut_buf *out, struct sut_err *err)
{
	_cleanup_(ctx_freep) EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	_cleanup_secret_ struct sut_buf b = SUT_BUF_INIT(SEAL_MAX);
	const uint8_t *p = sealed;
	uint8_t tag[TAG_LEN];
	int n = 0, end = 0;
	size_t inner;

	if (!p || len < SEAL_MORE || len > SEAL_MAX + SEAL_MORE || p[0] != VERSION)
		goto bad;
	inner = len - SEAL_MORE;
	memcpy(tag, p + len - TAG_LEN, TAG_LEN);
	/* One byte more, so that there is always a place to write to. */
	if (!c || sut_buf_reserve(&b, inner ? inner : 1) < 0)
		return sut_err_oom(err);
	if (!begin(c, s, purpose, p + 1, 0) ||
	    EVP_CipherUpdate(c, b.data, &n, p + 1 + NONCE_LEN, (int)inner) != 1 ||
	    EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_SET_TAG, TAG_LEN, tag) != 1 ||
	    EVP_CipherFinal_ex(c, b.data + n, &end) != 1)
		goto bad;
	b.len = inner;
	return sut_buf_add(out, b.data, inner) < 0 ? sut_err_oom(err) : 0;
bad:
	return sut_err_reason(
		err, EKEYREJECTED, "seal",
		"a secret in the database was not sealed with the key in %s. Bring back "
		"the file that belongs to this database, or set the secret again",
		s->path);
}
