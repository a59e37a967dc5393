// SPDX-License-Identifier: Apache-2.0
/* crypto/modsign.h: signatures of kernel modules. The judge that is not ours is the openssl program. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"
#include "base/file.h"
#include "base/proc.h"
#include "base/str.h"
#include "crypto/modsign.h"

#define BUF SUT_BUF_INIT(1 << 20)
#define MAGIC "~Module signature appended~\n"

enum { NOW = 1795000000, MODULE = 100, TRAILER = 12 + 28 };

/* Two keys for all tests: RSA keys take a moment to make. */
struct pair {
	struct sut_buf key, cert;
	struct sut_modsign_key *k;
};
static struct pair ours, other;
static char *dir;
static uint8_t module[MODULE];

static void pair_new(const char *name, const char *passphrase, struct pair *p)
{
	struct sut_err err = {0};

	p->key = p->cert = (struct sut_buf)BUF;
	assert_ok(sut_modsign_key_generate(name, NOW, 30, passphrase, &p->key, &p->cert, &err),
		  err);
	assert_ok(sut_modsign_key_load(sut_buf_str(&p->key), p->key.len, passphrase,
				       sut_buf_str(&p->cert), p->cert.len, &p->k, &err),
		  err);
}

static void pair_free(struct pair *p)
{
	sut_buf_release(&p->key);
	sut_buf_release(&p->cert);
	sut_modsign_key_free(p->k);
}

static char *path_of(const char *name)
{
	char *p = sut_sprintf("%s/%s", dir, name);

	assert_non_null(p);
	return p;
}

static void put(const char *name, const void *data, size_t len)
{
	_cleanup_(sut_freep) char *path = path_of(name);
	struct sut_err err = {0};

	assert_ok(sut_file_write(path, data, len, 0600, &err), err);
}

static void get(const char *name, struct sut_buf *b)
{
	_cleanup_(sut_freep) char *path = path_of(name);
	struct sut_err err = {0};

	assert_ok(sut_file_read(path, b, &err), err);
}

/* Runs openssl in the folder of the test; its exit status. */
#define openssl(...) run((const char *const[]){"openssl", __VA_ARGS__, NULL})
static int run(const char *const argv[])
{
	struct sut_run_opts o = {.cwd = dir, .timeout_sec = 60};
	struct sut_err err = {0};
	int r = sut_run(argv, &o, &err);

	if (r < 0)
		fail_msg("%s", err.msg);
	return r;
}

static int setup(void **state _unused_)
{
	struct sut_err err = {0};

	for (size_t i = 0; i < sizeof(module); i++)
		module[i] = (uint8_t)(i * 151 + (i >> 4));
	assert_ok(sut_tmpdir("test-modsign", &dir, &err), err);
	pair_new("Suture test", NULL, &ours);
	pair_new("Another", NULL, &other);
	put("key.pem", ours.key.data, ours.key.len);
	put("cert.pem", ours.cert.data, ours.cert.len);
	put("module", module, sizeof(module));
	return 0;
}

static int teardown(void **state _unused_)
{
	struct sut_err err = {0};

	pair_free(&ours);
	pair_free(&other);
	assert_ok(sut_rm_rf(dir, &err), err);
	free(dir);
	return 0;
}

static void sign(const struct pair *p, struct sut_buf *out)
{
	struct sut_err err = {0};

	assert_ok(sut_modsign_sign(p->k, module, sizeof(module), out, &err), err);
}

/* From memory of exactly that size, so that ASan sees a read past it. */
static int verify(const void *data, size_t len, const struct pair *p, struct sut_err *err)
{
	_cleanup_(sut_freep) uint8_t *copy = malloc(len ? len : 1);

	assert_non_null(copy);
	if (len)
		memcpy(copy, data, len);
	return sut_modsign_verify(copy, len, sut_buf_str(&p->cert), p->cert.len, err);
}

static int split(const struct sut_buf *b, size_t *len, size_t *sig_len)
{
	struct sut_err err = {0};
	int r = sut_modsign_split(b->data, b->len, len, sig_len, &err);

	if (r < 0)
		assert_true(err.msg[0] != 0);
	return r;
}

static void put_signature(const struct sut_buf *b, const char *name)
{
	size_t len = 0, sig_len = 0;

	assert_int_equal(split(b, &len, &sig_len), 0);
	put(name, b->data + len, sig_len);
}

/* module + PKCS#7 from a file + the kernel's trailer. */
static void append(const char *sig_name, struct sut_buf *out)
{
	uint8_t t[12] = {[2] = 2};
	_cleanup_buf_ struct sut_buf sig = BUF;

	get(sig_name, &sig);
	t[10] = (uint8_t)(sig.len >> 8);
	t[11] = (uint8_t)sig.len;
	assert_int_equal(sut_buf_add(out, module, sizeof(module)), 0);
	assert_int_equal(sut_buf_add(out, sig.data, sig.len), 0);
	assert_int_equal(sut_buf_add(out, t, sizeof(t)), 0);
	assert_int_equal(sut_buf_addstr(out, MAGIC), 0);
}

/* ------------------------------------------------------------------ */

static void signed_module_verifies_and_splits(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf b = BUF;
	size_t len = 0, sig_len = 0;
	struct sut_err err = {0};

	sign(&ours, &b);
	assert_ok(verify(b.data, b.len, &ours, &err), err);
	assert_int_equal(split(&b, &len, &sig_len), 0);
	assert_int_equal(len, sizeof(module));
	assert_memory_equal(b.data, module, len);
	assert_int_equal(len + sig_len + TRAILER, b.len);
}

static void openssl_accepts_the_signature(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf b = BUF;

	sign(&ours, &b);
	put_signature(&b, "sig.p7s");
	assert_int_equal(openssl("cms", "-verify", "-binary", "-inform", "DER", "-in", "sig.p7s",
				 "-content", "module", "-certfile", "cert.pem", "-nointern",
				 "-noverify", "-out", "out"),
			 0);
	module[7] ^= 1;
	put("changed", module, sizeof(module));
	module[7] ^= 1;
	assert_int_not_equal(openssl("cms", "-verify", "-binary", "-inform", "DER", "-in",
				     "sig.p7s", "-content", "changed", "-certfile", "cert.pem",
				     "-nointern", "-noverify", "-out", "out"),
			     0);
}

/* The calls behind scripts/sign-file of the kernel, without and with its option -k. */
static void openssl_writes_the_same_bytes(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf mine = BUF, theirs = BUF, keyid = BUF;
	struct sut_err err = {0};

	assert_int_equal(openssl("cms", "-sign", "-binary", "-noattr", "-nocerts", "-nosmimecap",
				 "-md", "sha256", "-signer", "cert.pem", "-inkey", "key.pem", "-in",
				 "module", "-outform", "DER", "-out", "theirs.p7s"),
			 0);
	assert_int_equal(openssl("cms", "-sign", "-binary", "-noattr", "-nocerts", "-nosmimecap",
				 "-keyid", "-md", "sha256", "-signer", "cert.pem", "-inkey",
				 "key.pem", "-in", "module", "-outform", "DER", "-out",
				 "keyid.p7s"),
			 0);
	sign(&ours, &mine);
	append("theirs.p7s", &theirs);
	assert_int_equal(mine.len, theirs.len);
	assert_memory_equal(mine.data, theirs.data, mine.len);
	append("keyid.p7s", &keyid);
	assert_ok(verify(keyid.data, keyid.len, &ours, &err), err);
	assert_int_equal(verify(keyid.data, keyid.len, &other, &err), -EKEYREJECTED);
}

/* Attributes, an included certificate, another digest: the kernel would not mind all of them, but
 * they are bytes that nobody signed. */
static void signature_of_another_form_is_refused(void **state _unused_)
{
	static const char *const forms[][3] = {
		{"-nocerts", "-nosmimecap", "sha256"}, /* with attributes */
		{"-noattr", "-nosmimecap", "sha256"},  /* with a certificate */
		{"-noattr", "-nocerts", "sha512"},
	};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(forms); i++) {
		_cleanup_buf_ struct sut_buf b = BUF;
		struct sut_err err = {0};

		assert_int_equal(openssl("cms", "-sign", "-binary", forms[i][0], forms[i][1], "-md",
					 forms[i][2], "-signer", "cert.pem", "-inkey", "key.pem",
					 "-in", "module", "-outform", "DER", "-out", "form.p7s"),
				 0);
		append("form.p7s", &b);
		assert_int_equal(verify(b.data, b.len, &ours, &err), -EKEYREJECTED);
	}
}

static void any_flipped_bit_is_refused(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf b = BUF;

	sign(&ours, &b);
	for (size_t i = 0; i < b.len; i++) {
		for (unsigned int bit = 0; bit < 8; bit++) {
			struct sut_err err = {0};
			int r;

			b.data[i] ^= (uint8_t)(1 << bit);
			r = verify(b.data, b.len, &ours, &err);
			b.data[i] ^= (uint8_t)(1 << bit);
			if (r != -EKEYREJECTED && r != -EBADMSG && r != -ENODATA)
				fail_msg("byte %zu bit %u: %d", i, bit, r);
			assert_true(err.msg[0] != 0);
		}
	}
}

static void file_cut_or_longer_is_refused(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf b = BUF;
	struct sut_err err = {0};

	sign(&ours, &b);
	for (size_t n = 0; n < b.len; n++)
		assert_true(verify(b.data, n, &ours, &err) < 0);
	assert_int_equal(sut_buf_addzero(&b, 1), 0);
	assert_int_equal(verify(b.data, b.len, &ours, &err), -ENODATA);
}

static void other_key_is_refused(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf b = BUF;
	struct sut_err err = {0};

	sign(&other, &b);
	assert_int_equal(verify(b.data, b.len, &ours, &err), -EKEYREJECTED);
	assert_says(err, "certificate");
	assert_ok(verify(b.data, b.len, &other, &err), err);
	assert_int_equal(sut_modsign_verify(b.data, b.len, "x", 1, &err), -EBADMSG);
	assert_says(err, "the certificate");
}

/* A PKCS#7 that names us, around the signature of the other key. */
static void name_without_signature_is_refused(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf a = BUF, b = BUF;
	struct sut_err err = {0};

	sign(&ours, &a);
	sign(&other, &b);
	memcpy(a.data + a.len - TRAILER - 384, b.data + b.len - TRAILER - 384, 384);
	assert_int_equal(verify(a.data, a.len, &ours, &err), -EKEYREJECTED);
	assert_int_equal(verify(a.data, a.len, &other, &err), -EKEYREJECTED);
}

static void signing_again_replaces_the_signature(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf a = BUF, b = BUF, c = BUF, stacked = BUF, d = BUF;
	struct sut_err err = {0};

	sign(&ours, &a);
	assert_ok(sut_modsign_sign(ours.k, a.data, a.len, &b, &err), err);
	assert_int_equal(a.len, b.len);
	assert_memory_equal(a.data, b.data, a.len);
	assert_ok(sut_modsign_sign(other.k, a.data, a.len, &c, &err), err);
	assert_ok(verify(c.data, c.len, &other, &err), err);
	assert_int_equal(verify(c.data, c.len, &ours, &err), -EKEYREJECTED);
	assert_int_equal(sut_modsign_split(c.data, c.len, &(size_t){0}, &(size_t){0}, &err), 0);
	/* As a tool leaves it that only appends. */
	assert_int_equal(sut_buf_add(&stacked, a.data, a.len), 0);
	assert_int_equal(sut_buf_add(&stacked, c.data + MODULE, c.len - MODULE), 0);
	assert_ok(sut_modsign_sign(ours.k, stacked.data, stacked.len, &d, &err), err);
	assert_int_equal(a.len, d.len);
	assert_memory_equal(a.data, d.data, a.len);
}

static void full_buffer_stays_as_it_was(void **state _unused_)
{
	struct sut_buf b = SUT_BUF_INIT(400);
	struct sut_err err = {0};

	assert_int_equal(sut_buf_addstr(&b, "before"), 0);
	assert_int_equal(sut_modsign_sign(ours.k, module, sizeof(module), &b, &err), -EFBIG);
	assert_string_equal(sut_buf_str(&b), "before");
	sut_buf_release(&b);
}

static void unsigned_module_has_no_signature(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf b = BUF;
	struct sut_err err = {0};
	size_t len = 77, sig_len = 77;

	assert_int_equal(sut_modsign_split(module, sizeof(module), &len, &sig_len, &err), -ENODATA);
	assert_int_equal(sut_modsign_split("", 0, &len, &sig_len, &err), -ENODATA);
	assert_int_equal(len, 77);
	assert_int_equal(sig_len, 77);
	assert_int_equal(verify(module, sizeof(module), &ours, &err), -ENODATA);
	assert_int_equal(sut_modsign_sign(ours.k, "", 0, &b, &err), -EINVAL);
	assert_int_equal(b.len, 0);
}

/* head is what lies before the magic string. */
static void assert_malformed(const void *head, size_t len, const char *says)
{
	_cleanup_buf_ struct sut_buf b = BUF, out = BUF;
	char text[SUT_MODSIGN_SIGNER_MAX];
	struct sut_err err = {0};
	size_t a = 0, s = 0;

	assert_int_equal(sut_buf_add(&b, head, len), 0);
	assert_int_equal(sut_buf_addstr(&b, MAGIC), 0);
	assert_int_equal(sut_modsign_split(b.data, b.len, &a, &s, &err), -EBADMSG);
	assert_string_equal(err.reason, "module-signature");
	assert_says(err, says);
	/* Nothing is built on top of it. */
	assert_int_equal(sut_modsign_sign(ours.k, b.data, b.len, &out, &err), -EBADMSG);
	assert_int_equal(out.len, 0);
	assert_int_equal(verify(b.data, b.len, &ours, &err), -EBADMSG);
	assert_int_equal(sut_modsign_signer(b.data, b.len, text, &err), -EBADMSG);
}

static void malformed_trailer_is_refused(void **state _unused_)
{
	uint8_t m[40];

	memset(m, 0, sizeof(m));
	assert_malformed("", 0, "too short");
	assert_malformed(m, 12, "too short");
	assert_malformed(m, sizeof(m), "PKCS#7");
	/* Every field that must be zero. */
	for (size_t i = 0; i < 8; i++) {
		memset(m, 0, sizeof(m));
		m[28 + 2] = 2;
		m[28 + i] ^= 1;
		assert_malformed(m, sizeof(m), "PKCS#7");
	}
	memset(m, 0, sizeof(m));
	m[28 + 2] = 2;
	assert_malformed(m, sizeof(m), "length");
	m[28 + 11] = 28;
	assert_malformed(m, sizeof(m), "longer than the file");
	m[28 + 8] = 0xff;
	assert_malformed(m, sizeof(m), "longer than the file");
	m[28 + 8] = 0;
	/* Lengths that are not those of the trailer, or not in their shortest form. */
	m[28 + 11] = 20;
	memcpy(m + 8, "\x30\x13", 2);
	assert_malformed(m, sizeof(m), "length");
	memcpy(m + 8, "\x30\x81\x11", 3);
	assert_malformed(m, sizeof(m), "length");
	memcpy(m + 8, "\x30\x82\x00\x10", 4);
	assert_malformed(m, sizeof(m), "length");
	memcpy(m + 8, "\x30\x80", 2);
	assert_malformed(m, sizeof(m), "length");
	memcpy(m + 8, "\x31\x12", 2);
	assert_malformed(m, sizeof(m), "length");
}

static void signer_is_named(void **state _unused_)
{
	char text[SUT_MODSIGN_SIGNER_MAX], hostile[SUT_MODSIGN_SIGNER_MAX];
	_cleanup_buf_ struct sut_buf b = BUF, k = BUF;
	struct pair odd = {0};
	struct sut_err err = {0};

	sign(&ours, &b);
	assert_ok(sut_modsign_signer(b.data, b.len, text, &err), err);
	assert_true(sut_startswith(text, "CN=Suture test, serial "));
	assert_int_equal(strlen(text), strlen("CN=Suture test, serial ") + 32);
	assert_int_equal(sut_modsign_signer(module, sizeof(module), text, &err), -ENODATA);

	assert_int_equal(openssl("cms", "-sign", "-binary", "-noattr", "-nocerts", "-keyid", "-md",
				 "sha256", "-signer", "cert.pem", "-inkey", "key.pem", "-in",
				 "module", "-outform", "DER", "-out", "keyid2.p7s"),
			 0);
	append("keyid2.p7s", &k);
	assert_ok(sut_modsign_signer(k.data, k.len, text, &err), err);
	assert_true(sut_startswith(text, "key id "));
	assert_int_equal(strlen(text), strlen("key id ") + 40);

	/* Whoever made the file chose the name: it must not reach a terminal as it is. */
	pair_new("\x1b[2J\xc3\xa4\n", NULL, &odd);
	sut_buf_release(&b);
	sign(&odd, &b);
	assert_ok(sut_modsign_signer(b.data, b.len, hostile, &err), err);
	for (const char *p = hostile; *p; p++)
		assert_in_range(*p, ' ', '~');
	pair_free(&odd);
}

/* ------------------------------------------------------------------ */
/* Keys.                                                               */

static void generated_certificate_is_for_modules_only(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf text = BUF;

	assert_int_equal(openssl("x509", "-in", "cert.pem", "-noout", "-text", "-out", "text"), 0);
	get("text", &text);
	assert_non_null(strstr(sut_buf_str(&text), "Public-Key: (3072 bit)"));
	assert_non_null(strstr(sut_buf_str(&text), "sha256WithRSAEncryption"));
	assert_non_null(strstr(sut_buf_str(&text), "CA:FALSE"));
	assert_non_null(strstr(sut_buf_str(&text), "Code Signing, 1.3.6.1.4.1.2312.16.1.2"));
	assert_non_null(strstr(sut_buf_str(&text), "X509v3 Subject Key Identifier"));
	assert_non_null(strstr(sut_buf_str(&text), "X509v3 Authority Key Identifier"));
	assert_non_null(strstr(sut_buf_str(&text), "Not Before: Nov 18 11:06:40 2026 GMT"));
	assert_non_null(strstr(sut_buf_str(&text), "Not After : Dec 18 11:06:40 2026 GMT"));
	/* Signed by itself, as the kernel checks when it is loaded. */
	assert_int_equal(openssl("verify", "-CAfile", "cert.pem", "-partial_chain", "-attime",
				 "1795000001", "cert.pem"),
			 0);
}

static void encrypted_key_needs_its_passphrase(void **state _unused_)
{
	struct sut_modsign_key *k = NULL;
	struct pair p = {0};
	struct sut_err err = {0};

	pair_new("Locked", "correct horse", &p);
	assert_non_null(strstr(sut_buf_str(&p.key), "ENCRYPTED PRIVATE KEY"));
	assert_int_equal(sut_modsign_key_load(sut_buf_str(&p.key), p.key.len, "battery",
					      sut_buf_str(&p.cert), p.cert.len, &k, &err),
			 -EKEYREJECTED);
	assert_string_equal(err.reason, "passphrase");
	/* Without one nothing is asked: standard input is not even looked at. */
	assert_int_equal(sut_modsign_key_load(sut_buf_str(&p.key), p.key.len, NULL,
					      sut_buf_str(&p.cert), p.cert.len, &k, &err),
			 -EKEYREJECTED);
	assert_says(err, "give its passphrase");
	assert_null(k);
	put("locked.pem", p.key.data, p.key.len);
	assert_int_equal(
		openssl("pkey", "-in", "locked.pem", "-passin", "pass:correct horse", "-noout"), 0);
	assert_int_not_equal(openssl("pkey", "-in", "locked.pem", "-passin", "pass:x", "-noout"),
			     0);
	pair_free(&p);
}

/* A key that openssl makes with these options, and its certificate. */
static int load_made(const char *alg, const char *opt, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf key = BUF, cert = BUF;
	struct sut_modsign_key *k = NULL;
	int r;

	assert_int_equal(openssl("req", "-x509", "-newkey", alg, "-pkeyopt", opt, "-nodes",
				 "-keyout", "made.pem", "-out", "made.crt", "-subj", "/CN=made"),
			 0);
	get("made.pem", &key);
	get("made.crt", &cert);
	r = sut_modsign_key_load(sut_buf_str(&key), key.len, NULL, sut_buf_str(&cert), cert.len, &k,
				 err);
	sut_modsign_key_free(k);
	if (r < 0)
		assert_int_equal(
			sut_modsign_verify(ours.cert.data, 0, sut_buf_str(&cert), cert.len, NULL),
			-ENODATA);
	return r;
}

static void only_keys_that_the_kernel_can_use(void **state _unused_)
{
	struct sut_err err = {0};

	assert_int_equal(load_made("ec", "ec_paramgen_curve:P-384", &err), -EINVAL);
	assert_says(err, "RSA");
	assert_int_equal(load_made("rsa", "rsa_keygen_bits:1024", &err), -EINVAL);
	assert_says(err, "1024 bits");
	assert_int_equal(load_made("rsa", "rsa_keygen_bits:2560", &err), -EINVAL);
	assert_ok(load_made("rsa", "rsa_keygen_bits:2048", &err), err);
	/* The same numbers, and a key that says it is only for PSS. */
	assert_int_equal(load_made("rsa-pss", "rsa_keygen_bits:2048", &err), -EINVAL);
}

static void key_and_certificate_belong_together(void **state _unused_)
{
	struct sut_modsign_key *k = NULL;
	struct sut_err err = {0};

	assert_int_equal(sut_modsign_key_load(sut_buf_str(&ours.key), ours.key.len, NULL,
					      sut_buf_str(&other.cert), other.cert.len, &k, &err),
			 -EINVAL);
	assert_says(err, "do not belong together");
	assert_int_equal(sut_modsign_key_load(sut_buf_str(&ours.cert), ours.cert.len, NULL,
					      sut_buf_str(&ours.cert), ours.cert.len, &k, &err),
			 -EBADMSG);
	assert_int_equal(
		sut_modsign_key_load("", 0, NULL, sut_buf_str(&ours.cert), ours.cert.len, &k, &err),
		-EBADMSG);
	assert_int_equal(
		sut_modsign_key_load(sut_buf_str(&ours.key), ours.key.len, NULL, "", 0, &k, &err),
		-EBADMSG);
	assert_null(k);
}

static void bad_wishes_are_refused(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf key = BUF, cert = BUF;
	struct sut_buf small = SUT_BUF_INIT(100);
	char name[66], pass[1026];
	struct sut_err err = {0};

	memset(name, 'n', 65);
	name[65] = 0;
	memset(pass, 'p', 1025);
	pass[1025] = 0;
	assert_int_equal(sut_modsign_key_generate("", NOW, 1, NULL, &key, &cert, &err), -EINVAL);
	assert_int_equal(sut_modsign_key_generate(name, NOW, 1, NULL, &key, &cert, &err), -EINVAL);
	assert_int_equal(sut_modsign_key_generate("n", -1, 1, NULL, &key, &cert, &err), -EINVAL);
	assert_int_equal(sut_modsign_key_generate("n", INT64_MAX, 1, NULL, &key, &cert, &err),
			 -EINVAL);
	assert_int_equal(sut_modsign_key_generate("n", NOW, 0, NULL, &key, &cert, &err), -EINVAL);
	assert_int_equal(sut_modsign_key_generate("n", NOW, 36501, NULL, &key, &cert, &err),
			 -EINVAL);
	assert_int_equal(sut_modsign_key_generate("n", NOW, 1, "", &key, &cert, &err), -EINVAL);
	assert_int_equal(sut_modsign_key_generate("n", NOW, 1, pass, &key, &cert, &err), -EINVAL);
	assert_int_equal(key.len + cert.len, 0);
	/* A secret does not stay behind when its certificate has no room. */
	assert_int_equal(sut_modsign_key_generate("n", NOW, 1, NULL, &key, &small, &err), -ENOBUFS);
	assert_int_equal(key.len, 0);
	sut_buf_release(&small);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signed_module_verifies_and_splits),
		cmocka_unit_test(openssl_accepts_the_signature),
		cmocka_unit_test(openssl_writes_the_same_bytes),
		cmocka_unit_test(signature_of_another_form_is_refused),
		cmocka_unit_test(any_flipped_bit_is_refused),
		cmocka_unit_test(file_cut_or_longer_is_refused),
		cmocka_unit_test(other_key_is_refused),
		cmocka_unit_test(name_without_signature_is_refused),
		cmocka_unit_test(signing_again_replaces_the_signature),
		cmocka_unit_test(full_buffer_stays_as_it_was),
		cmocka_unit_test(unsigned_module_has_no_signature),
		cmocka_unit_test(malformed_trailer_is_refused),
		cmocka_unit_test(signer_is_named),
		cmocka_unit_test(generated_certificate_is_for_modules_only),
		cmocka_unit_test(encrypted_key_needs_its_passphrase),
		cmocka_unit_test(only_keys_that_the_kernel_can_use),
		cmocka_unit_test(key_and_certificate_belong_together),
		cmocka_unit_test(bad_wishes_are_refused),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
