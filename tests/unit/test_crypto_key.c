// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <errno.h>
#include <string.h>

#include <openssl/err.h>

#include "base/file.h"
#include "base/proc.h"
#include "base/str.h"
#include "crypto/key.h"
#include "crypto/pem.h"

static const enum sut_key_type types[] = {SUT_KEY_ED25519, SUT_KEY_ECDSA_P256, SUT_KEY_RSA_PSS};

/* One pair of each type for all tests: making RSA keys takes time. */
static struct sut_privkey *priv[SUT_ARRAY_SIZE(types)];
static struct sut_pubkey *pub[SUT_ARRAY_SIZE(types)];
static char *dir;

static int make_keys(void **state _unused_)
{
	struct sut_err err = {0};

	assert_ok(sut_tmpdir("test-key", &dir, &err), err);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(types); i++) {
		assert_ok(sut_privkey_new(types[i], &priv[i], &err), err);
		assert_ok(sut_privkey_public(priv[i], &pub[i], &err), err);
	}
	return 0;
}

static int free_keys(void **state _unused_)
{
	struct sut_err err = {0};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(types); i++) {
		sut_privkey_free(priv[i]);
		sut_pubkey_free(pub[i]);
	}
	assert_ok(sut_rm_rf(dir, &err), err);
	free(dir);
	return 0;
}

/* Every test: whatever happened, OpenSSL's queue is left empty. */
static int queue_is_clean(void **state _unused_)
{
	return ERR_peek_error() ? -1 : 0;
}

static void sign(const struct sut_privkey *k, const char *text, struct sut_buf *sig)
{
	struct sut_err err = {0};

	assert_ok(sut_privkey_sign(k, text, strlen(text), sig, &err), err);
}

static void each_type_signs_and_verifies(void **state _unused_)
{
	for (size_t i = 0; i < SUT_ARRAY_SIZE(types); i++) {
		_cleanup_buf_ struct sut_buf sig = SUT_BUF_INIT(SUT_SIG_MAX);
		_cleanup_buf_ struct sut_buf none = SUT_BUF_INIT(SUT_SIG_MAX);

		assert_int_equal(sut_pubkey_type(pub[i]), types[i]);
		sign(priv[i], "hello", &sig);
		assert_int_equal(sut_pubkey_verify(pub[i], "hello", 5, sig.data, sig.len), 0);
		assert_int_equal(sut_pubkey_verify(pub[i], "hellp", 5, sig.data, sig.len),
				 -EKEYREJECTED);
		assert_int_equal(sut_pubkey_verify(pub[i], "hell", 4, sig.data, sig.len),
				 -EKEYREJECTED);
		sign(priv[i], "", &none);
		assert_int_equal(sut_pubkey_verify(pub[i], NULL, 0, none.data, none.len), 0);
		assert_int_equal(sut_pubkey_verify(pub[i], "hello", 5, none.data, none.len),
				 -EKEYREJECTED);
	}
}

static void a_flipped_bit_is_never_accepted(void **state _unused_)
{
	for (size_t i = 0; i < SUT_ARRAY_SIZE(types); i++) {
		_cleanup_buf_ struct sut_buf sig = SUT_BUF_INIT(SUT_SIG_MAX);

		sign(priv[i], "hello", &sig);
		for (size_t bit = 0; bit < sig.len * 8; bit++) {
			sig.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_int_equal(sut_pubkey_verify(pub[i], "hello", 5, sig.data, sig.len),
					 -EKEYREJECTED);
			sig.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		assert_int_equal(sut_pubkey_verify(pub[i], "hello", 5, sig.data, sig.len), 0);
	}
}

static void malformed_signatures_are_rejected(void **state _unused_)
{
	uint8_t zeros[SUT_SIG_MAX + 1] = {0};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(types); i++) {
		_cleanup_buf_ struct sut_buf sig = SUT_BUF_INIT(SUT_SIG_MAX + 1);

		sign(priv[i], "hello", &sig);
		for (size_t n = 0; n < sig.len; n++)
			assert_int_equal(sut_pubkey_verify(pub[i], "hello", 5, sig.data, n),
					 -EKEYREJECTED);
		assert_int_equal(sut_buf_addzero(&sig, 1), 0);
		assert_int_equal(sut_pubkey_verify(pub[i], "hello", 5, sig.data, sig.len),
				 -EKEYREJECTED);
		for (size_t n = 0; n <= sizeof(zeros); n++)
			assert_int_equal(sut_pubkey_verify(pub[i], "hello", 5, zeros, n),
					 -EKEYREJECTED);
	}
}

/* Notary audit of NCC: the algorithm belongs to the key, never to the signature. */
static void a_key_never_verifies_another_algorithm(void **state _unused_)
{
	for (size_t i = 0; i < SUT_ARRAY_SIZE(types); i++)
		for (size_t j = 0; j < SUT_ARRAY_SIZE(types); j++) {
			_cleanup_buf_ struct sut_buf sig = SUT_BUF_INIT(SUT_SIG_MAX);

			sign(priv[i], "hello", &sig);
			assert_int_equal(sut_pubkey_verify(pub[j], "hello", 5, sig.data, sig.len),
					 i == j ? 0 : -EKEYREJECTED);
			assert_int_equal(sut_pubkey_equal(pub[i], pub[j]), i == j);
		}
}

/* The first and third test vectors of RFC 8032 section 7.1. */
static void rfc_8032_vectors(void **state _unused_)
{
	static const struct {
		const char *pub, *message, *sig;
	} cases[] = {
		{"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
		 "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
		 "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"},
		{"fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
		 "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
		 "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"},
	};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(cases); i++) {
		_cleanup_(sut_pubkey_freep) struct sut_pubkey *k = NULL;
		uint8_t raw[32], back[32], sig[64], message[8];
		size_t len = strlen(cases[i].message) / 2;
		struct sut_err err = {0};

		assert_int_equal(sut_unhex(cases[i].pub, raw, sizeof(raw)), 0);
		assert_int_equal(sut_unhex(cases[i].sig, sig, sizeof(sig)), 0);
		assert_int_equal(sut_unhex(cases[i].message, message, len), 0);
		assert_ok(sut_pubkey_from_ed25519(raw, &k, &err), err);
		assert_int_equal(sut_pubkey_verify(k, message, len, sig, sizeof(sig)), 0);
		assert_int_equal(sut_pubkey_ed25519(k, back), 0);
		assert_memory_equal(raw, back, sizeof(raw));
	}
}

/* RFC 8032 section 5.1.7: S must be below the group's order, or signatures could be altered. */
static void ed25519_s_plus_the_order_is_rejected(void **state _unused_)
{
	static const uint8_t order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a,	      0x63,
					  0x12, 0x58, 0xd6, 0x9c, 0xf7,	      0xa2,
					  0xde, 0xf9, 0xde, 0x14, [31] = 0x10};
	_cleanup_buf_ struct sut_buf sig = SUT_BUF_INIT(SUT_SIG_MAX);
	unsigned int carry = 0;

	sign(priv[0], "hello", &sig);
	for (size_t i = 0; i < 32; i++) {
		carry += sig.data[32 + i] + order[i];
		sig.data[32 + i] = (uint8_t)carry;
		carry >>= 8;
	}
	assert_int_equal(sut_pubkey_verify(pub[0], "hello", 5, sig.data, sig.len), -EKEYREJECTED);
}

static void ed25519_keys_of_small_order_are_refused(void **state _unused_)
{
	static const char *const points[] = {
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0000000000000000000000000000000000000000000000000000000000000080",
		"0100000000000000000000000000000000000000000000000000000000000000",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
	};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(points); i++) {
		struct sut_pubkey *k = NULL;
		struct sut_err err = {0};
		uint8_t raw[32];

		assert_int_equal(sut_unhex(points[i], raw, sizeof(raw)), 0);
		assert_int_equal(sut_pubkey_from_ed25519(raw, &k, &err), -EBADMSG);
		assert_null(k);
	}
}

static void public_keys_survive_pem(void **state _unused_)
{
	for (size_t i = 0; i < SUT_ARRAY_SIZE(types); i++) {
		_cleanup_buf_ struct sut_buf pem = SUT_BUF_INIT(SUT_KEY_PEM_MAX);
		_cleanup_(sut_pubkey_freep) struct sut_pubkey *k = NULL;
		struct sut_err err = {0};
		uint8_t raw[32];

		assert_ok(sut_pubkey_pem(pub[i], &pem, &err), err);
		assert_ok(sut_pubkey_from_pem(sut_buf_str(&pem), pem.len, &k, &err), err);
		assert_true(sut_pubkey_equal(k, pub[i]));
		assert_int_equal(sut_pubkey_type(k), types[i]);
		assert_int_equal(sut_pubkey_ed25519(k, raw), i == 0 ? 0 : -EINVAL);
	}
}

static void public_refused(const char *pem, size_t len, int code, const char *says)
{
	struct sut_pubkey *k = NULL;
	struct sut_err err = {0};
	int r = sut_pubkey_from_pem(pem, len, &k, &err);

	if (r != -code)
		fail_msg("%d instead of %d: %s\n%.*s", r, -code, err.msg, (int)len, pem);
	assert_says(err, says);
	assert_null(k);
}

static void pem_is_read_strictly(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf pem = SUT_BUF_INIT(SUT_KEY_PEM_MAX);
	struct sut_err err = {0};
	const char *text;

	assert_ok(sut_pubkey_pem(pub[0], &pem, &err), err);
	text = sut_buf_str(&pem);
	const struct {
		const char *before, *after, *says;
		int code;
	} cases[] = {
		{"\r\n \t", "\r\n\n ", NULL, 0},
		{"", "x", "follows", EBADMSG},
		{"x", "", "BEGIN", EBADMSG},
		{"# comment\n", "", "BEGIN", EBADMSG},
		{"", text, "follows", EBADMSG},
		{"-----BEGIN PUBLIC KEY-----\n", "", "END", EBADMSG},
	};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(cases); i++) {
		_cleanup_(sut_freep) char *t =
			sut_sprintf("%s%s%s", cases[i].before, text, cases[i].after);
		_cleanup_(sut_pubkey_freep) struct sut_pubkey *k = NULL;

		assert_non_null(t);
		if (cases[i].code)
			public_refused(t, strlen(t), cases[i].code, cases[i].says);
		else
			assert_ok(sut_pubkey_from_pem(t, strlen(t), &k, &err), err);
	}
	/* Cut anywhere, but for the last line end; and with a NUL behind. */
	for (size_t n = 0; n < pem.len - 1; n++)
		public_refused(text, n, EBADMSG, "PEM");
	public_refused(text, pem.len + 1, EBADMSG, "follows");
}

/* What openssl printed for such keys, and damaged forms of an Ed25519 key made by hand. */
static void other_public_keys_are_refused(void **state _unused_)
{
	static const struct {
		const char *body, *says;
		int code;
	} cases[] = {
		/* as it must be */
		{"MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", NULL, 0},
		/* base64: bits after the end, no padding, padding inside, another alphabet */
		{"MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURp=", "base64", EBADMSG},
		{"MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo", "base64", EBADMSG},
		{"MCowBQYDK2VwAyE=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", "base64", EBADMSG},
		{"MCowBQYDK2VwAyEA11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo=", "base64", EBADMSG},
		{"", "well-formed", EBADMSG},
		/* X25519 */
		{"MCowBQYDK2VuAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", "type",
		 EOPNOTSUPP},
		/* a byte follows; the length in long form (BER); NULL parameters */
		{"MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURoA", "well-formed",
		 EBADMSG},
		{"MIEqMAUGAytlcAMhANdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea", "canonical",
		 EBADMSG},
		{"MCwwBwYDK2VwBQADIQDXWpgBgrEKt9VL/tPJZAc6DuFy89qmIyWvAhpo9wdRGg==", "parameters",
		 EBADMSG},
	};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(cases); i++) {
		_cleanup_(sut_freep) char *t =
			sut_sprintf("-----BEGIN PUBLIC KEY-----\n%s\n-----END PUBLIC KEY-----\n",
				    cases[i].body);
		_cleanup_(sut_pubkey_freep) struct sut_pubkey *k = NULL;
		struct sut_err err = {0};

		assert_non_null(t);
		if (cases[i].code)
			public_refused(t, strlen(t), cases[i].code, cases[i].says);
		else
			assert_ok(sut_pubkey_from_pem(t, strlen(t), &k, &err), err);
	}
}

/* Runs "openssl ARGS…" in the folder; its output is added to *out. */
static void openssl(const char *args, struct sut_buf *out)
{
	_cleanup_(sut_freep) char *words = strdup(args);
	_cleanup_strv_ struct sut_strv argv = {0};
	struct sut_err err = {0};
	char *rest = words, *w;

	assert_int_equal(sut_strv_add(&argv, "openssl"), 0);
	while ((w = strsep(&rest, " ")))
		assert_int_equal(sut_strv_add(&argv, w), 0);
	assert_ok(sut_run_ok((const char *const *)argv.v,
			     &(struct sut_run_opts){.cwd = dir, .out = out, .timeout_sec = 60},
			     &err),
		  err);
}

static char *in_dir(const char *name)
{
	char *p = sut_sprintf("%s/%s", dir, name);

	assert_non_null(p);
	return p;
}

static void put(const char *name, const void *data, size_t len)
{
	_cleanup_(sut_freep) char *path = in_dir(name);
	struct sut_err err = {0};

	assert_ok(sut_file_write(path, data, len, 0600, &err), err);
}

static void get(const char *name, struct sut_buf *b)
{
	_cleanup_(sut_freep) char *path = in_dir(name);
	struct sut_err err = {0};

	assert_ok(sut_file_read(path, b, &err), err);
}

static void keys_of_openssl(void **state _unused_)
{
	static const struct {
		const char *genpkey, *says;
		int code;
	} cases[] = {
		{"-algorithm ED25519", NULL, 0},
		{"-algorithm EC -pkeyopt ec_paramgen_curve:P-256", NULL, 0},
		{"-algorithm RSA -pkeyopt rsa_keygen_bits:2048", NULL, 0},
		{"-algorithm RSA -pkeyopt rsa_keygen_bits:2048 -pkeyopt rsa_keygen_pubexp:3", NULL,
		 0},
		{"-algorithm EC -pkeyopt ec_paramgen_curve:P-384", "P-256", EOPNOTSUPP},
		{"-algorithm EC -pkeyopt ec_paramgen_curve:secp256k1", "P-256", EOPNOTSUPP},
		{"-algorithm EC -pkeyopt ec_paramgen_curve:P-256 -pkeyopt ec_param_enc:explicit",
		 "name", EOPNOTSUPP},
		{"-algorithm RSA -pkeyopt rsa_keygen_bits:1024", "1024 bits", EOPNOTSUPP},
		{"-algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048", "RSASSA-PSS", EOPNOTSUPP},
		{"-algorithm ED448", "type", EOPNOTSUPP},
		{"-algorithm X25519", "type", EOPNOTSUPP},
	};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(cases); i++) {
		_cleanup_(sut_freep) char *gen =
			sut_sprintf("genpkey %s -out key.pem", cases[i].genpkey);
		_cleanup_buf_ struct sut_buf pk = SUT_BUF_INIT(SUT_KEY_PEM_MAX);
		_cleanup_secret_ struct sut_buf sk = SUT_BUF_INIT(SUT_KEY_PEM_MAX);
		_cleanup_(sut_privkey_freep) struct sut_privkey *k = NULL;
		_cleanup_(sut_pubkey_freep) struct sut_pubkey *p = NULL, *of_k = NULL;
		struct sut_err err = {0};

		assert_non_null(gen);
		openssl(gen, NULL);
		openssl("pkey -in key.pem -pubout -out pub.pem", NULL);
		get("key.pem", &sk);
		get("pub.pem", &pk);
		if (cases[i].code) {
			public_refused(sut_buf_str(&pk), pk.len, cases[i].code, cases[i].says);
			assert_int_equal(
				sut_privkey_decode(sut_buf_str(&sk), sk.len, NULL, &k, &err),
				-cases[i].code);
			assert_says(err, cases[i].says);
			continue;
		}
		assert_ok(sut_pubkey_from_pem(sut_buf_str(&pk), pk.len, &p, &err), err);
		assert_ok(sut_privkey_decode(sut_buf_str(&sk), sk.len, NULL, &k, &err), err);
		assert_ok(sut_privkey_public(k, &of_k, &err), err);
		assert_true(sut_pubkey_equal(p, of_k));
	}
}

/* RSA: PSS with SHA-256 in both places and any salt length, nothing else. */
static void rsa_schemes_of_openssl(void **state _unused_)
{
	static const struct {
		const char *opts;
		int r;
	} cases[] = {
		{"-sha256 -sigopt rsa_padding_mode:pss", 0},
		{"-sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32", 0},
		{"-sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:0", 0},
		{"-sha256", -EKEYREJECTED},
		{"-sha512 -sigopt rsa_padding_mode:pss", -EKEYREJECTED},
		{"-sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_mgf1_md:sha1", -EKEYREJECTED},
	};
	_cleanup_secret_ struct sut_buf sk = SUT_BUF_INIT(SUT_KEY_PEM_MAX);
	struct sut_err err = {0};

	assert_ok(sut_privkey_encode(priv[2], NULL, &sk, &err), err);
	put("rsa.pem", sk.data, sk.len);
	put("data", "hello", 5);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(cases); i++) {
		_cleanup_(sut_freep) char *args =
			sut_sprintf("dgst %s -sign rsa.pem -out sig data", cases[i].opts);
		_cleanup_buf_ struct sut_buf sig = SUT_BUF_INIT(SUT_SIG_MAX);

		assert_non_null(args);
		openssl(args, NULL);
		get("sig", &sig);
		assert_int_equal(sut_pubkey_verify(pub[2], "hello", 5, sig.data, sig.len),
				 cases[i].r);
	}
}

static void openssl_verifies_our_signatures(void **state _unused_)
{
	static const char *const verify[] = {
		"pkeyutl -verify -pubin -inkey pub.pem -rawin -in data -sigfile sig",
		"dgst -sha256 -verify pub.pem -signature sig data",
		"dgst -sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32 -verify pub.pem -signature sig data",
	};

	put("data", "hello", 5);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(types); i++) {
		_cleanup_buf_ struct sut_buf pk = SUT_BUF_INIT(SUT_KEY_PEM_MAX);
		_cleanup_buf_ struct sut_buf sig = SUT_BUF_INIT(SUT_SIG_MAX);
		struct sut_err err = {0};

		assert_ok(sut_pubkey_pem(pub[i], &pk, &err), err);
		put("pub.pem", pk.data, pk.len);
		sign(priv[i], "hello", &sig);
		put("sig", sig.data, sig.len);
		openssl(verify[i], NULL);
	}
}

static void private_keys_survive_pem(void **state _unused_)
{
	for (size_t i = 0; i < SUT_ARRAY_SIZE(types); i++)
		for (int with = 0; with < 2; with++) {
			const char *pass = with ? "correct horse \xc3\xa9" : NULL;
			_cleanup_secret_ struct sut_buf pem = SUT_BUF_INIT(SUT_KEY_PEM_MAX);
			_cleanup_(sut_privkey_freep) struct sut_privkey *k = NULL;
			_cleanup_(sut_pubkey_freep) struct sut_pubkey *p = NULL;
			struct sut_err err = {0};

			assert_ok(sut_privkey_encode(priv[i], pass, &pem, &err), err);
			assert_true(sut_startswith(sut_buf_str(&pem),
						   with ? "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
							: "-----BEGIN PRIVATE KEY-----\n"));
			assert_ok(sut_privkey_decode(sut_buf_str(&pem), pem.len, pass, &k, &err),
				  err);
			assert_ok(sut_privkey_public(k, &p, &err), err);
			assert_true(sut_pubkey_equal(p, pub[i]));
		}
}

static void openssl_opens_our_encrypted_keys(void **state _unused_)
{
	for (size_t i = 0; i < SUT_ARRAY_SIZE(types); i++) {
		_cleanup_secret_ struct sut_buf pem = SUT_BUF_INIT(SUT_KEY_PEM_MAX);
		_cleanup_buf_ struct sut_buf want = SUT_BUF_INIT(SUT_KEY_PEM_MAX);
		_cleanup_buf_ struct sut_buf out = SUT_BUF_INIT(SUT_KEY_PEM_MAX);
		struct sut_err err = {0};

		assert_ok(sut_privkey_encode(priv[i], "open sesame", &pem, &err), err);
		put("sealed.pem", pem.data, pem.len);
		put("pass", "open sesame\n", 12);
		openssl("pkey -in sealed.pem -passin file:pass -pubout", &out);
		assert_ok(sut_pubkey_pem(pub[i], &want, &err), err);
		assert_string_equal(sut_buf_str(&out), sut_buf_str(&want));
	}
}

/* RFC 7914 with the costs of key.c, and AES-256-CBC. */
static void encryption_is_scrypt_and_aes_256(void **state _unused_)
{
	_cleanup_secret_ struct sut_buf pem = SUT_BUF_INIT(SUT_KEY_PEM_MAX);
	_cleanup_buf_ struct sut_buf out = SUT_BUF_INIT(1 << 16);
	struct sut_err err = {0};

	assert_ok(sut_privkey_encode(priv[0], "open sesame", &pem, &err), err);
	put("sealed.pem", pem.data, pem.len);
	openssl("asn1parse -in sealed.pem", &out);
	assert_non_null(strstr(sut_buf_str(&out), "PBES2"));
	assert_non_null(strstr(sut_buf_str(&out), "scrypt"));
	assert_non_null(strstr(sut_buf_str(&out), "INTEGER           :4000"));
	assert_non_null(strstr(sut_buf_str(&out), "aes-256-cbc"));
}

static void wrong_passphrase_is_said(void **state _unused_)
{
	static const char *const wrong[] = {NULL, "", "open", "open sesame ", "Open sesame"};
	_cleanup_secret_ struct sut_buf pem = SUT_BUF_INIT(SUT_KEY_PEM_MAX);
	_cleanup_(sut_freep) char *lengthy = calloc(1, SUT_PASSPHRASE_MAX + 2);
	struct sut_privkey *k = NULL;
	struct sut_err err = {0};

	assert_ok(sut_privkey_encode(priv[0], "open sesame", &pem, &err), err);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(wrong); i++) {
		assert_int_equal(sut_privkey_decode(sut_buf_str(&pem), pem.len, wrong[i], &k, &err),
				 -EKEYREJECTED);
		assert_string_equal(err.reason, "passphrase");
		assert_null(k);
	}
	assert_non_null(lengthy);
	memset(lengthy, 'x', SUT_PASSPHRASE_MAX + 1);
	assert_int_equal(sut_privkey_decode(sut_buf_str(&pem), pem.len, lengthy, &k, &err),
			 -EKEYREJECTED);
	assert_int_equal(sut_privkey_encode(priv[0], lengthy, &pem, &err), -EINVAL);
	assert_int_equal(sut_privkey_encode(priv[0], "", &pem, &err), -EINVAL);
}

/* Files others made: PBKDF2 is fine, what is weak, or costly without limit, is not. */
static void encrypted_keys_of_openssl(void **state _unused_)
{
	static const struct {
		const char *opts, *says;
		int code;
	} cases[] = {
		{"-scrypt", NULL, 0},
		{"-v2 aes-256-cbc -iter 100000", NULL, 0},
		{"-v2 aes-256-cbc -iter 2097153", "too much work", EBADMSG},
		{"-scrypt -scrypt_N 2 -scrypt_r 1 -scrypt_p 200000", NULL, 0},
		{"-scrypt -scrypt_N 2048 -scrypt_r 1 -scrypt_p 2048", "too much work", EBADMSG},
		{"-v1 PBE-SHA1-3DES", "not encrypted in a way", EOPNOTSUPP},
	};
	_cleanup_secret_ struct sut_buf plain = SUT_BUF_INIT(SUT_KEY_PEM_MAX);
	struct sut_err err = {0};

	assert_ok(sut_privkey_encode(priv[0], NULL, &plain, &err), err);
	put("plain.pem", plain.data, plain.len);
	put("pass", "open sesame\n", 12);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(cases); i++) {
		_cleanup_(sut_freep) char *args = sut_sprintf(
			"pkcs8 -topk8 -in plain.pem -passout file:pass -out sealed.pem %s",
			cases[i].opts);
		_cleanup_secret_ struct sut_buf pem = SUT_BUF_INIT(SUT_KEY_PEM_MAX);
		_cleanup_(sut_privkey_freep) struct sut_privkey *k = NULL;
		int r;

		assert_non_null(args);
		openssl(args, NULL);
		get("sealed.pem", &pem);
		r = sut_privkey_decode(sut_buf_str(&pem), pem.len, "open sesame", &k, &err);
		assert_int_equal(r, -cases[i].code);
		if (r < 0)
			assert_says(err, cases[i].says);
	}
}

static void private_refused(const char *text, int code, const char *says)
{
	struct sut_privkey *k = NULL;
	struct sut_err err = {0};

	assert_int_equal(sut_privkey_decode(text, strlen(text), NULL, &k, &err), -code);
	assert_says(err, says);
	assert_null(k);
}

static void other_private_files_are_refused(void **state _unused_)
{
	_cleanup_secret_ struct sut_buf pem = SUT_BUF_INIT(SUT_KEY_PEM_MAX);
	_cleanup_buf_ struct sut_buf pk = SUT_BUF_INIT(SUT_KEY_PEM_MAX);
	_cleanup_buf_ struct sut_buf old = SUT_BUF_INIT(SUT_KEY_PEM_MAX);
	_cleanup_(sut_freep) char *twice = NULL;
	struct sut_err err = {0};

	assert_ok(sut_privkey_encode(priv[0], NULL, &pem, &err), err);
	twice = sut_sprintf("%s%s", sut_buf_str(&pem), sut_buf_str(&pem));
	assert_non_null(twice);
	private_refused(twice, EBADMSG, "follows");
	assert_ok(sut_pubkey_pem(pub[0], &pk, &err), err);
	private_refused(sut_buf_str(&pk), EBADMSG, "PUBLIC KEY");
	put("rsa.pem", pem.data, pem.len);
	openssl("genrsa -traditional -out old.pem 2048", NULL);
	get("old.pem", &old);
	private_refused(sut_buf_str(&old), EBADMSG, "pkcs8 -topk8");
	private_refused("", EBADMSG, "BEGIN");
	public_refused(NULL, 0, EBADMSG, "BEGIN");
}

/* The DER of a key of ours; from the end, byte number back is changed by bits. */
static void damaged(bool private, size_t type, size_t back, uint8_t bits, struct sut_buf *pem)
{
	_cleanup_secret_ struct sut_buf text = SUT_BUF_INIT(SUT_KEY_PEM_MAX);
	_cleanup_secret_ struct sut_buf der = SUT_BUF_INIT(SUT_KEY_PEM_MAX);
	char label[SUT_PEM_LABEL_MAX];
	struct sut_err err = {0};

	if (private)
		assert_ok(sut_privkey_encode(priv[type], NULL, &text, &err), err);
	else
		assert_ok(sut_pubkey_pem(pub[type], &text, &err), err);
	assert_ok(sut_pem_decode(sut_buf_str(&text), text.len, label, &der, &err), err);
	if (back == 0)
		assert_int_equal(sut_buf_add(&der, &bits, 1), 0);
	else
		der.data[der.len - back] ^= bits;
	assert_ok(sut_pem_encode(label, der.data, der.len, pem, &err), err);
}

static void damaged_public_keys_are_refused(void **state _unused_)
{
	static const struct {
		size_t type, back;
		uint8_t bits;
		const char *says;
	} cases[] = {
		{1, 1, 1, "well-formed"}, /* not on the curve */
		{2, 1, 1, "impossible"},  /* even exponent, 65536 */
		{2, 6, 1, "impossible"},  /* even modulus */
		{0, 0, 0, "well-formed"}, /* a byte follows */
	};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(cases); i++) {
		_cleanup_buf_ struct sut_buf pem = SUT_BUF_INIT(SUT_KEY_PEM_MAX);

		damaged(false, cases[i].type, cases[i].back, cases[i].bits, &pem);
		public_refused(sut_buf_str(&pem), pem.len, EBADMSG, cases[i].says);
	}
}

/* P-256's neutral element, which OpenSSL reads as a point. */
static void the_point_at_infinity_is_refused(void **state _unused_)
{
	static const char pem[] = "-----BEGIN PUBLIC KEY-----\n"
				  "MBkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDAgAA\n"
				  "-----END PUBLIC KEY-----\n";

	public_refused(pem, strlen(pem), EBADMSG, "not a point");
}

static void damaged_private_keys_are_refused(void **state _unused_)
{
	static const struct {
		size_t type, back;
		const char *says;
	} cases[] = {
		{0, 0, "well-formed"}, /* a byte follows */
		{1, 100, "belong"},    /* in the secret number; the point is behind it */
		{2, 1100, "belong"},   /* in the private exponent */
	};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(cases); i++) {
		_cleanup_secret_ struct sut_buf pem = SUT_BUF_INIT(SUT_KEY_PEM_MAX);

		damaged(true, cases[i].type, cases[i].back, 1, &pem);
		private_refused(sut_buf_str(&pem), EBADMSG, cases[i].says);
	}
}

/* OpenSSL takes an RSA signature without its leading zeros, so one could be changed. */
static void an_rsa_signature_has_one_length(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf sig = SUT_BUF_INIT(SUT_SIG_MAX);

	for (int tries = 0; !sig.len || sig.data[0]; tries++) {
		assert_true(tries < 20000);
		sig.len = 0;
		sign(priv[2], "hello", &sig);
	}
	assert_int_equal(sut_pubkey_verify(pub[2], "hello", 5, sig.data, sig.len), 0);
	assert_int_equal(sut_pubkey_verify(pub[2], "hello", 5, sig.data + 1, sig.len - 1),
			 -EKEYREJECTED);
}

int main(void)
{
#define T(f) cmocka_unit_test_teardown(f, queue_is_clean)
	const struct CMUnitTest tests[] = {
		T(each_type_signs_and_verifies),
		T(a_flipped_bit_is_never_accepted),
		T(malformed_signatures_are_rejected),
		T(a_key_never_verifies_another_algorithm),
		T(rfc_8032_vectors),
		T(ed25519_s_plus_the_order_is_rejected),
		T(ed25519_keys_of_small_order_are_refused),
		T(public_keys_survive_pem),
		T(pem_is_read_strictly),
		T(other_public_keys_are_refused),
		T(keys_of_openssl),
		T(rsa_schemes_of_openssl),
		T(openssl_verifies_our_signatures),
		T(private_keys_survive_pem),
		T(openssl_opens_our_encrypted_keys),
		T(encryption_is_scrypt_and_aes_256),
		T(wrong_passphrase_is_said),
		T(encrypted_keys_of_openssl),
		T(other_private_files_are_refused),
		T(damaged_public_keys_are_refused),
		T(the_point_at_infinity_is_refused),
		T(damaged_private_keys_are_refused),
		T(an_rsa_signature_has_one_length),
	};

	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
