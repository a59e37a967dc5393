// SPDX-License-Identifier: Apache-2.0
#include "crypto/minisign.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/utf8.h"
#include "crypto/base64.h"
#include "crypto/ossl.h"
#include "crypto/sha256.h"

static const char untrusted_prefix[] = "untrusted comment: ";
static const char trusted_prefix[] = "trusted comment: ";

enum {
	ALG_LEN = 2,
	PUB_LEN = ALG_LEN + SUT_MINISIGN_KEYNUM + SUT_ED25519_LEN,
	SIG_LEN = ALG_LEN + SUT_MINISIGN_KEYNUM + SUT_ED25519_SIG_LEN,
	BLAKE2B_LEN = 64,
};

/* Can it be shown on a terminal and in a log as it is? */
static bool comment_ok(const void *text, size_t len)
{
	const uint8_t *p = text, *end = p + len;

	if (len > SUT_MINISIGN_COMMENT_MAX)
		return false;
	while (p < end) {
		int32_t c = sut_utf8_next(&p, end);

		if (c != '\t' && !sut_is_printable(c))
			return false;
	}
	return true;
}

struct lines {
	const char *p, *end;
	unsigned int n; /* of the line that was read last, from 1 */
};

/* The next line without its end, which the last line may lack. Two lines have no separator but
 * '\n': a '\r' is part of the line, and so refused wherever it is. */
static int next_line(struct lines *l, const char **ret, size_t *ret_len, struct sut_err *err)
{
	const char *end;

	l->n++;
	if (l->p == l->end)
		return sut_err_set(err, EBADMSG, "line %u is missing", l->n);
	end = memchr(l->p, '\n', (size_t)(l->end - l->p));
	*ret = l->p;
	*ret_len = (size_t)((end ? end : l->end) - l->p);
	l->p = end ? end + 1 : l->end;
	return 0;
}

static int comment_line(struct lines *l, const char *prefix, const char **ret, size_t *ret_len,
			struct sut_err *err)
{
	size_t n = strlen(prefix), len = 0;
	const char *line = NULL;
	int r = next_line(l, &line, &len, err);

	if (r < 0)
		return r;
	if (len < n || memcmp(line, prefix, n) != 0)
		return sut_err_set(err, EBADMSG, "line %u does not begin with \"%s\"", l->n,
				   prefix);
	if (!comment_ok(line + n, len - n))
		return sut_err_set(
			err, EBADMSG,
			"the comment in line %u is not printable UTF-8 of at most %d bytes", l->n,
			SUT_MINISIGN_COMMENT_MAX);
	*ret = line + n;
	*ret_len = len - n;
	return 0;
}

/* Exactly want bytes in base64. */
static int base64_line(struct lines *l, uint8_t *out, size_t want, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(want);
	const char *line = NULL;
	size_t len = 0;
	int r = next_line(l, &line, &len, err);

	if (r < 0)
		return r;
	r = sut_base64_decode(line, len, &b);
	if (r == -ENOMEM)
		return sut_err_oom(err);
	if (r < 0 || b.len != want)
		return sut_err_set(err, EBADMSG, "line %u is not %zu bytes in base64", l->n, want);
	memcpy(out, b.data, want);
	return 0;
}

static int begin(struct lines *l, const void *text, size_t len, struct sut_err *err)
{
	if (len > SUT_MINISIGN_FILE_MAX)
		return sut_err_set(err, EBADMSG, "it has more than %d bytes",
				   SUT_MINISIGN_FILE_MAX);
	/* An empty buffer may have no memory. */
	*l = (struct lines){.p = len ? text : ""};
	l->end = l->p + len;
	return 0;
}

static int finish(const struct lines *l, struct sut_err *err)
{
	return l->p == l->end ? 0 : sut_err_set(err, EBADMSG, "something follows line %u", l->n);
}

static int parse_pub(const void *text, size_t len, struct sut_minisign_pub *ret,
		     struct sut_err *err)
{
	_cleanup_(sut_pubkey_freep) struct sut_pubkey *k = NULL;
	uint8_t b[PUB_LEN];
	const char *comment;
	size_t comment_len;
	struct lines l;
	int r = begin(&l, text, len, err);

	if (r >= 0)
		r = comment_line(&l, untrusted_prefix, &comment, &comment_len, err);
	if (r >= 0)
		r = base64_line(&l, b, sizeof(b), err);
	if (r >= 0)
		r = finish(&l, err);
	if (r < 0)
		return r;
	if (memcmp(b, "Ed", ALG_LEN) != 0)
		return sut_err_set(err, EBADMSG, "the key is not of the algorithm Ed");
	r = sut_pubkey_from_ed25519(b + ALG_LEN + SUT_MINISIGN_KEYNUM, &k, err);
	if (r < 0)
		return r;
	memcpy(ret->keynum, b + ALG_LEN, sizeof(ret->keynum));
	memcpy(ret->key, b + ALG_LEN + SUT_MINISIGN_KEYNUM, sizeof(ret->key));
	return 0;
}

int sut_minisign_pub_parse(const void *text, size_t len, struct sut_minisign_pub *ret,
			   struct sut_err *err)
{
	int r = parse_pub(text, len, ret, err);

	if (r == -EBADMSG)
		sut_err_prefix(err, "this is not a public key of minisign");
	return r;
}

static int parse_sig(const void *text, size_t len, struct sut_minisign_sig *ret,
		     struct sut_err *err)
{
	const char *comment, *trusted = NULL;
	uint8_t b[SIG_LEN], global[SUT_ED25519_SIG_LEN];
	size_t comment_len, trusted_len = 0;
	struct lines l;
	int r = begin(&l, text, len, err);

	if (r >= 0)
		r = comment_line(&l, untrusted_prefix, &comment, &comment_len, err);
	if (r >= 0)
		r = base64_line(&l, b, sizeof(b), err);
	if (r >= 0)
		r = comment_line(&l, trusted_prefix, &trusted, &trusted_len, err);
	if (r >= 0)
		r = base64_line(&l, global, sizeof(global), err);
	if (r >= 0)
		r = finish(&l, err);
	if (r < 0)
		return r;
	if (memcmp(b, "Ed", ALG_LEN) == 0)
		return sut_err_set(
			err, EBADMSG,
			"it is of the old form, not prehashed: sign again with minisign 0.10 or later");
	if (memcmp(b, "ED", ALG_LEN) != 0)
		return sut_err_set(err, EBADMSG, "its algorithm is not ED");
	memcpy(ret->keynum, b + ALG_LEN, sizeof(ret->keynum));
	memcpy(ret->sig, b + ALG_LEN + SUT_MINISIGN_KEYNUM, sizeof(ret->sig));
	memcpy(ret->global, global, sizeof(ret->global));
	memcpy(ret->trusted, trusted, trusted_len);
	ret->trusted[trusted_len] = 0;
	return 0;
}

int sut_minisign_sig_parse(const void *text, size_t len, struct sut_minisign_sig *ret,
			   struct sut_err *err)
{
	int r = parse_sig(text, len, ret, err);

	if (r == -EBADMSG)
		sut_err_prefix(err, "this is not a signature of minisign");
	return r;
}

/* A whole line, or nothing. */
static int add_comment(struct sut_buf *b, const char *prefix, const char *comment,
		       struct sut_err *err)
{
	if (!comment_ok(comment, strlen(comment)))
		return sut_err_set(err, EINVAL,
				   "a comment is printable UTF-8 of at most %d bytes in one line",
				   SUT_MINISIGN_COMMENT_MAX);
	return sut_buf_addf(b, "%s%s\n", prefix, comment) < 0 ? sut_err_oom(err) : 0;
}

static int add_base64(struct sut_buf *b, const void *data, size_t len, struct sut_err *err)
{
	return sut_base64_encode(data, len, b) < 0 || sut_buf_addstr(b, "\n") < 0 ? sut_err_oom(err)
										  : 0;
}

static int hand_over(const struct sut_buf *b, struct sut_buf *out, struct sut_err *err)
{
	int r = sut_buf_add(out, b->data, b->len);

	return r == -ENOMEM ? sut_err_oom(err)
	       : r < 0	    ? sut_err_set(err, -r, "no room for %zu bytes of minisign text", b->len)
			    : 0;
}

int sut_minisign_pub_format(const struct sut_minisign_pub *p, const char *comment,
			    struct sut_buf *out, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_MINISIGN_FILE_MAX);
	uint8_t raw[PUB_LEN] = "Ed";
	int r;

	memcpy(raw + ALG_LEN, p->keynum, sizeof(p->keynum));
	memcpy(raw + ALG_LEN + SUT_MINISIGN_KEYNUM, p->key, sizeof(p->key));
	r = add_comment(&b, untrusted_prefix, comment, err);
	if (r >= 0)
		r = add_base64(&b, raw, sizeof(raw), err);
	return r < 0 ? r : hand_over(&b, out, err);
}

int sut_minisign_pub_of(const struct sut_pubkey *k, struct sut_minisign_pub *ret,
			struct sut_err *err)
{
	uint8_t raw[SUT_ED25519_LEN], digest[SUT_SHA256_LEN];

	if (sut_pubkey_ed25519(k, raw) < 0)
		return sut_err_set(err, EINVAL,
				   "minisign knows only Ed25519 keys: make one of that type");
	sut_sha256(raw, sizeof(raw), digest);
	memcpy(ret->keynum, digest, sizeof(ret->keynum));
	memcpy(ret->key, raw, sizeof(ret->key));
	return 0;
}

static int blake2b(const void *data, size_t len, uint8_t out[static BLAKE2B_LEN],
		   struct sut_err *err)
{
	SUT_OSSL_SCOPE;

	if (EVP_Digest(len ? data : "", len, out, NULL, EVP_blake2b512(), NULL) != 1)
		return sut_ossl_err(err, EIO, "OpenSSL cannot compute BLAKE2b-512");
	return 0;
}

/* What the global signature covers: the first signature and the trusted comment. */
struct global {
	uint8_t data[SUT_ED25519_SIG_LEN + SUT_MINISIGN_COMMENT_MAX];
	size_t len;
};

/* The comment has at most SUT_MINISIGN_COMMENT_MAX bytes. */
static void make_global(const uint8_t sig[static SUT_ED25519_SIG_LEN], const char *trusted,
			struct global *ret)
{
	size_t n = strnlen(trusted, SUT_MINISIGN_COMMENT_MAX);

	memcpy(ret->data, sig, SUT_ED25519_SIG_LEN);
	memcpy(ret->data + SUT_ED25519_SIG_LEN, trusted, n);
	ret->len = SUT_ED25519_SIG_LEN + n;
}

int sut_minisign_verify(const struct sut_minisign_pub *p, const struct sut_minisign_sig *s,
			const void *data, size_t len, struct sut_err *err)
{
	_cleanup_(sut_pubkey_freep) struct sut_pubkey *k = NULL;
	uint8_t digest[BLAKE2B_LEN];
	struct global g;
	int r;

	if (memcmp(p->keynum, s->keynum, sizeof(p->keynum)) != 0)
		return sut_err_set(err, ENOKEY, "the signature was made with another key");
	r = sut_pubkey_from_ed25519(p->key, &k, err);
	if (r == -EBADMSG)
		return sut_err_set(err, EKEYREJECTED,
				   "the public key is not usable: make another key");
	if (r >= 0)
		r = blake2b(data, len, digest, err);
	if (r < 0)
		return r;
	r = sut_pubkey_verify(k, digest, sizeof(digest), s->sig, sizeof(s->sig));
	if (r >= 0) {
		make_global(s->sig, s->trusted, &g);
		r = sut_pubkey_verify(k, g.data, g.len, s->global, sizeof(s->global));
		if (r == -EKEYREJECTED)
			return sut_err_set(
				err, EKEYREJECTED,
				"the trusted comment is not the one that was signed: fetch the signature again");
	}
	if (r == -ENOMEM)
		return sut_err_oom(err);
	return r < 0 ? sut_err_set(
			       err, EKEYREJECTED,
			       "the signature does not fit the file: one of them was changed; fetch both again")
		     : 0;
}

static int sign_exactly(const struct sut_privkey *k, const void *data, size_t len,
			uint8_t ret[static SUT_ED25519_SIG_LEN], struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_SIG_MAX);
	int r = sut_privkey_sign(k, data, len, &b, err);

	if (r < 0)
		return r;
	if (b.len != SUT_ED25519_SIG_LEN)
		return sut_err_set(err, EIO, "the signature has %zu bytes instead of %d", b.len,
				   SUT_ED25519_SIG_LEN);
	memcpy(ret, b.data, SUT_ED25519_SIG_LEN);
	return 0;
}

int sut_minisign_sign(const struct sut_privkey *k, const char *untrusted, const char *trusted,
		      const void *data, size_t len, struct sut_buf *out, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_MINISIGN_FILE_MAX);
	_cleanup_(sut_pubkey_freep) struct sut_pubkey *pub = NULL;
	uint8_t digest[BLAKE2B_LEN], raw[SIG_LEN] = "ED", second[SUT_ED25519_SIG_LEN];
	struct sut_minisign_pub id;
	struct global g;
	int r;

	r = sut_privkey_public(k, &pub, err);
	if (r >= 0)
		r = sut_minisign_pub_of(pub, &id, err);
	if (r >= 0)
		r = add_comment(&b, untrusted_prefix, untrusted, err);
	if (r >= 0)
		r = blake2b(data, len, digest, err);
	if (r >= 0)
		r = sign_exactly(k, digest, sizeof(digest), raw + ALG_LEN + SUT_MINISIGN_KEYNUM,
				 err);
	if (r < 0)
		return r;
	memcpy(raw + ALG_LEN, id.keynum, sizeof(id.keynum));
	r = add_base64(&b, raw, sizeof(raw), err);
	if (r >= 0)
		r = add_comment(&b, trusted_prefix, trusted, err);
	if (r < 0)
		return r;
	make_global(raw + ALG_LEN + SUT_MINISIGN_KEYNUM, trusted, &g);
	r = sign_exactly(k, g.data, g.len, second, err);
	if (r >= 0)
		r = add_base64(&b, second, sizeof(second), err);
	return r < 0 ? r : hand_over(&b, out, err);
}
