// SPDX-License-Identifier: Apache-2.0
/*
 * Each allocation of ours and of OpenSSL fails once in turn. Whatever then happens, nothing is
 * accepted that is not signed, a failure is said, and the same call works again afterwards.
 */
#include "unit.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/err.h>

#include "crypto/digest.h"
#include "crypto/key.h"
#include "patch/signature.h"
#include "sample_patch.h"

static long left = -1; /* allocations until the one that fails; negative: none does */
static bool failed;

static bool fails(void)
{
	if (left < 0 || left-- > 0)
		return false;
	failed = true;
	return true;
}

/* The linker sends the calls of our libraries here (--wrap). */
void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
char *__real_strndup(const char *s, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
char *__wrap_strndup(const char *s, size_t n);

void *__wrap_malloc(size_t n)
{
	return fails() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n)
{
	return fails() ? NULL : __real_realloc(p, n);
}

char *__wrap_strndup(const char *s, size_t n)
{
	return fails() ? NULL : __real_strndup(s, n);
}

/* OpenSSL's. */
static void *ossl_malloc(size_t n, const char *file _unused_, int line _unused_)
{
	return n && !fails() ? __real_malloc(n) : NULL;
}

static void *ossl_realloc(void *p, size_t n, const char *file _unused_, int line _unused_)
{
	return fails() ? NULL : __real_realloc(p, n);
}

static void ossl_free(void *p, const char *file _unused_, int line _unused_)
{
	free(p);
}

static const enum sut_key_type types[] = {SUT_KEY_ED25519, SUT_KEY_ECDSA_P256, SUT_KEY_RSA_PSS};
static struct sut_privkey *priv[SUT_ARRAY_SIZE(types)];
static struct sut_pubkey *pub[SUT_ARRAY_SIZE(types)];
static struct sut_buf pub_pem[SUT_ARRAY_SIZE(types)], priv_pem[SUT_ARRAY_SIZE(types)],
	sigs[SUT_ARRAY_SIZE(types)];
static struct sut_manifest *manifest;
static struct sut_patch_key key = {.name = (char *)"key"};
static struct sut_buf patch_sig = SUT_BUF_INIT(SUT_MINISIGN_FILE_MAX);

static int set_up(void **state _unused_)
{
	json_t *j = sample_manifest_full();
	struct sut_err err = {0};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(types); i++) {
		pub_pem[i] = priv_pem[i] = SUT_BUF_INIT(SUT_KEY_PEM_MAX);
		sigs[i] = SUT_BUF_INIT(SUT_SIG_MAX);
		assert_ok(sut_privkey_new(types[i], &priv[i], &err), err);
		assert_ok(sut_privkey_public(priv[i], &pub[i], &err), err);
		assert_ok(sut_pubkey_pem(pub[i], &pub_pem[i], &err), err);
		assert_ok(sut_privkey_encode(priv[i], NULL, &priv_pem[i], &err), err);
		assert_ok(sut_privkey_sign(priv[i], "data", 4, &sigs[i], &err), err);
	}
	assert_ok(sut_minisign_pub_of(pub[0], &key.pub, &err), err);
	assert_ok(sut_manifest_load(j, &manifest, &err), err);
	json_decref(j);
	assert_ok(sut_patch_sign(priv[0], manifest, "data", 4, 1, &patch_sig, &err), err);
	return 0;
}

static int tear_down(void **state _unused_)
{
	for (size_t i = 0; i < SUT_ARRAY_SIZE(types); i++) {
		sut_privkey_free(priv[i]);
		sut_pubkey_free(pub[i]);
		sut_buf_release(&pub_pem[i]);
		sut_buf_release(&priv_pem[i]);
		sut_buf_release(&sigs[i]);
	}
	sut_manifest_free(manifest);
	sut_buf_release(&patch_sig);
	return 0;
}

/* Runs step until no allocation is left that could fail. */
static void each_fails(int (*step)(size_t type, struct sut_err *err), size_t type)
{
	struct sut_err err = {0};
	long n = 0;
	int r;

	assert_ok(step(type, &err), err); /* fills OpenSSL's caches */
	do {
		err = (struct sut_err){0};
		failed = false;
		left = n++;
		r = step(type, &err);
		left = -1;
		/* OpenSSL does without some of what it asks for. */
		if (r < 0 && (!failed || !err.code))
			fail_msg("allocation %ld: %d: %s", n - 1, r, err.msg);
		assert_false(ERR_peek_error());
		err = (struct sut_err){0};
		if (n % 8 == 0 || !failed)
			assert_ok(step(type, &err), err);
		assert_true(n < 100000);
	} while (failed);
	assert_true(n > 1);
}

static int read_public(size_t type, struct sut_err *err)
{
	_cleanup_(sut_pubkey_freep) struct sut_pubkey *k = NULL;
	int r = sut_pubkey_from_pem(sut_buf_str(&pub_pem[type]), pub_pem[type].len, &k, err);

	assert_int_equal(!k, r < 0);
	return r;
}

static int read_private(size_t type, struct sut_err *err)
{
	_cleanup_(sut_privkey_freep) struct sut_privkey *k = NULL;
	int r = sut_privkey_decode(sut_buf_str(&priv_pem[type]), priv_pem[type].len, NULL, &k, err);

	assert_int_equal(!k, r < 0);
	return r;
}

static int sign(size_t type, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf sig = SUT_BUF_INIT(SUT_SIG_MAX);
	int r = sut_privkey_sign(priv[type], "data", 4, &sig, err);

	assert_int_equal(!sig.len, r < 0);
	return r;
}

static int verify(size_t type, struct sut_err *err)
{
	int r;

	assert_true(sut_pubkey_verify(pub[type], "dats", 4, sigs[type].data, sigs[type].len) < 0);
	r = sut_pubkey_verify(pub[type], "data", 4, sigs[type].data, sigs[type].len);
	return r < 0 ? sut_err_set(err, -r, "not verified") : 0;
}

static int patch(size_t type _unused_, struct sut_err *err)
{
	const struct sut_patch_keys keys = {.v = &key, .n = 1};
	_cleanup_buf_ struct sut_buf sig = SUT_BUF_INIT(SUT_MINISIGN_FILE_MAX);
	const struct sut_patch_key *by = NULL;
	struct sut_patch_claim c;
	int r;

	assert_true(sut_patch_sig_verify(&keys, "dats", 4, patch_sig.data, patch_sig.len, &c, &by,
					 NULL) < 0);
	assert_null(by);
	r = sut_patch_sign(priv[0], manifest, "data", 4, 1, &sig, err);
	if (r < 0) {
		assert_int_equal(sig.len, 0);
		return r;
	}
	return sut_patch_sig_verify(&keys, "data", 4, sig.data, sig.len, &c, &by, err);
}

static int digest(size_t type _unused_, struct sut_err *err)
{
	char hex[SUT_DIGEST_HEX_MAX] = "untouched";
	int r = sut_digest_of(SUT_DIGEST_SHA256, "abc", 3, hex, err);

	assert_int_equal(strcmp(hex, "untouched") == 0, r < 0);
	return r;
}

/* Checking an RSA key takes too long to be done thousands of times. */
static void read_private_survives(void **state _unused_)
{
	each_fails(read_private, 0);
	each_fails(read_private, 1);
}

#define ALL_TYPES(step)                                                                            \
	static void step##_survives(void **state _unused_)                                         \
	{                                                                                          \
		for (size_t i = 0; i < SUT_ARRAY_SIZE(types); i++)                                 \
			each_fails(step, i);                                                       \
	}
ALL_TYPES(read_public)
ALL_TYPES(sign)
ALL_TYPES(verify)

static void patch_signatures_survive(void **state _unused_)
{
	each_fails(patch, 0);
}

static void digests_survive(void **state _unused_)
{
	each_fails(digest, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digests_survive),	 cmocka_unit_test(verify_survives),
		cmocka_unit_test(sign_survives),	 cmocka_unit_test(read_public_survives),
		cmocka_unit_test(read_private_survives), cmocka_unit_test(patch_signatures_survive),
	};

	/* Before OpenSSL allocates anything. */
	if (CRYPTO_set_mem_functions(ossl_malloc, ossl_realloc, ossl_free) != 1)
		return 1;
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
