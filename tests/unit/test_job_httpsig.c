// SPDX-License-Identifier: Apache-2.0
/* HTTP Message Signatures: the example of the RFC, and what a receiver refuses. */
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "job/httpsig.h"

/* RFC 9421, B.1.4: test-key-ed25519. */
static const char rfc_private[] =
	"-----BEGIN PRIVATE KEY-----\n"
	"MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF\n"
	"-----END PRIVATE KEY-----\n";
static const char rfc_public[] = "-----BEGIN PUBLIC KEY-----\n"
				 "MCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=\n"
				 "-----END PUBLIC KEY-----\n";
/* B.2 and B.2.6. */
static const struct sut_httpsig_component rfc_message[] = {
	{"date", "Tue, 20 Apr 2021 02:07:55 GMT"},
	{"@method", "POST"},
	{"@path", "/foo"},
	{"@authority", "example.com"},
	{"content-type", "application/json"},
	{"content-length", "18"},
};
static const char rfc_input[] =
	"(\"date\" \"@method\" \"@path\" \"@authority\" \"content-type\" \"content-length\")"
	";created=1618884473;keyid=\"test-key-ed25519\"";
static const char rfc_signature[] =
	":wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:";

struct keys {
	struct sut_privkey *private;
	struct sut_pubkey *public;
};

static int setup(void **state)
{
	static struct keys k;
	struct sut_err err = {0};

	assert_ok(sut_privkey_decode(rfc_private, strlen(rfc_private), NULL, &k.private, &err),
		  err);
	assert_ok(sut_pubkey_from_pem(rfc_public, strlen(rfc_public), &k.public, &err), err);
	*state = &k;
	return 0;
}

static int teardown(void **state)
{
	struct keys *k = *state;

	sut_privkey_free(k->private);
	sut_pubkey_free(k->public);
	return 0;
}

static struct sut_httpsig_params rfc_params(void)
{
	return (struct sut_httpsig_params){
		.created = 1618884473, .expires = -1, .keyid = "test-key-ed25519"};
}

static void signs_the_example_of_the_rfc(void **state)
{
	struct keys *k = *state;
	struct sut_httpsig_params p = rfc_params();
	struct sut_buf in = SUT_BUF_INIT(4096), sig = SUT_BUF_INIT(4096);
	struct sut_err err = {0};

	assert_ok(sut_httpsig_sign(k->private, rfc_message, SUT_ARRAY_SIZE(rfc_message), &p, &in,
				   &sig, &err),
		  err);
	assert_string_equal(sut_buf_str(&in) + strlen("sig1="), rfc_input);
	assert_string_equal(sut_buf_str(&sig) + strlen("sig1="), rfc_signature);
	sut_buf_release(&in);
	sut_buf_release(&sig);
}

static void read_rfc(struct sut_httpsig *s)
{
	char input[512], signature[512];
	struct sut_err err = {0};

	(void)snprintf(input, sizeof(input), "sig-b26=%s", rfc_input);
	(void)snprintf(signature, sizeof(signature), "sig-b26=%s", rfc_signature);
	assert_ok(sut_httpsig_parse(input, signature, s, &err), err);
}

static void verifies_the_example_of_the_rfc(void **state)
{
	static const char *const must[] = {"@method", "@path", NULL};
	struct keys *k = *state;
	struct sut_httpsig s;
	struct sut_err err = {0};

	read_rfc(&s);
	assert_int_equal(s.params.created, 1618884473);
	assert_int_equal(s.params.expires, -1);
	assert_string_equal(s.params.keyid, "test-key-ed25519");
	assert_ok(sut_httpsig_verify(&s, k->public, rfc_message, SUT_ARRAY_SIZE(rfc_message), must,
				     &err),
		  err);
}

static void what_is_covered_cannot_be_changed(void **state)
{
	static const char *const must[] = {"@method", "content-digest", NULL};
	struct keys *k = *state;
	struct sut_httpsig_component c[SUT_ARRAY_SIZE(rfc_message)];
	struct sut_httpsig s;
	struct sut_err err = {0};

	read_rfc(&s);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(c); i++) {
		memcpy(c, rfc_message, sizeof(c));
		c[i].value = "another";
		assert_int_equal(
			sut_httpsig_verify(&s, k->public, c, SUT_ARRAY_SIZE(c), NULL, &err),
			-EKEYREJECTED);
		assert_string_equal(err.reason, "signature");
		/* Not there at all. */
		c[i].name = "x-other";
		assert_int_equal(
			sut_httpsig_verify(&s, k->public, c, SUT_ARRAY_SIZE(c), NULL, &err),
			-EBADMSG);
		assert_string_equal(err.reason, "signature-input");
		/* A value that brings lines of its own. */
		c[i] = rfc_message[i];
		c[i].value = "a\n\"@method\": GET";
		assert_int_equal(
			sut_httpsig_verify(&s, k->public, c, SUT_ARRAY_SIZE(c), NULL, &err),
			-EBADMSG);
	}
	assert_int_equal(sut_httpsig_verify(&s, k->public, rfc_message, SUT_ARRAY_SIZE(rfc_message),
					    must, &err),
			 -EKEYREJECTED);
	assert_string_equal(err.reason, "not-covered");
	/* Nor the time, nor who signed. */
	memcpy(strstr(s.inner, "1618884473"), "1618884474", 10);
	assert_int_equal(sut_httpsig_verify(&s, k->public, rfc_message, SUT_ARRAY_SIZE(rfc_message),
					    NULL, &err),
			 -EKEYREJECTED);
}

static void everything_that_is_written_is_read(void **state)
{
	struct keys *k = *state;
	static const struct sut_httpsig_component c[] = {
		{"@method", "GET"},
		{"@target-uri", "https://console.example/v1/agent/jobs?system=a"}};
	struct sut_httpsig_params p = {.created = 0,
				       .expires = 999999999999999,
				       .keyid = "7f3k9m2q4r8s1t5v",
				       .alg = "ed25519",
				       .nonce = "abc/+=",
				       .tag = "suture"};
	struct sut_buf in = SUT_BUF_INIT(4096), sig = SUT_BUF_INIT(4096);
	struct sut_httpsig s;
	struct sut_err err = {0};

	assert_ok(sut_httpsig_sign(k->private, c, 2, &p, &in, &sig, &err), err);
	assert_ok(sut_httpsig_parse(sut_buf_str(&in), sut_buf_str(&sig), &s, &err), err);
	assert_int_equal(s.n, 2);
	assert_string_equal(s.names[1], "@target-uri");
	assert_memory_equal(&s.params.created, &p.created, sizeof(p.created));
	assert_int_equal(s.params.expires, p.expires);
	assert_string_equal(s.params.nonce, p.nonce);
	assert_string_equal(s.params.tag, p.tag);
	assert_ok(sut_httpsig_verify(&s, k->public, c, 2, NULL, &err), err);
	sut_buf_release(&in);
	sut_buf_release(&sig);
}

static void malformed_headers_are_refused(void **state _unused_)
{
#define SIG                                                                                        \
	"a=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:"
	static const struct {
		const char *input, *signature;
	} bad[] = {
		{"", SIG},
		{"=()", SIG},
		{"a=", SIG},
		{"a=(", SIG},
		{"a=(\"@method\"", SIG},
		{"a=(\"@method\" )", SIG},
		{"a=(\"@method\"  \"date\")", SIG},
		{"a=(\"@method\"\"date\")", SIG},
		{"a=(\"@method\" \"@method\")", SIG},
		{"a=(\"@Method\")", SIG},
		{"a=(\"@\")", SIG},
		{"a=(\"\")", SIG},
		{"a=(\"@query-param\";name=\"x\")", SIG},
		{"a=(\"date\"); created=1", SIG},
		{"a=(\"date\");created=x", SIG},
		{"a=(\"date\");created=-1", SIG},
		{"a=(\"date\");created=1;created=2", SIG},
		{"a=(\"date\");created=1234567890123456", SIG},
		{"a=(\"date\");keyid=x", SIG},
		{"a=(\"date\");keyid=\"x", SIG},
		{"a=(\"date\");keyid=\"\"", SIG},
		{"a=(\"date\");keyid=\"a\\\"b\"", SIG},
		{"a=(\"date\");keyid=\"a\";keyid=\"b\"", SIG},
		{"a=(\"date\");other=1", SIG},
		{"a=(\"date\");alg=\"hmac-sha256\"", SIG},
		{"a=(\"date\"), b=(\"date\")", SIG},
		{"b=(\"date\")", SIG},
		{"a=(\"date\")", "a=:AAAA:"},
		{"a=(\"date\")", "a=wqcA"},
		{"a=(\"date\")", "a=:"},
		{"a=(\"date\")", ""},
		{"a=(\"1\" \"2\" \"3\" \"4\" \"5\" \"6\" \"7\" \"8\" \"9\" \"10\" \"11\" \"12\" \"13\" "
		 "\"14\" \"15\" \"16\" \"17\")",
		 SIG},
	};
	struct sut_httpsig s;
	struct sut_err err = {0};

	assert_ok(sut_httpsig_parse("a=(\"date\");created=1", SIG, &s, &err), err);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(bad); i++) {
		if (sut_httpsig_parse(bad[i].input, bad[i].signature, &s, &err) != -EBADMSG)
			fail_msg("taken: %s / %s", bad[i].input, bad[i].signature);
		assert_string_equal(err.reason, "signature-input");
	}
}

static void what_no_header_may_hold_is_not_signed(void **state)
{
	struct keys *k = *state;
	struct sut_httpsig_component c = {"@method", "GET\r\nX: y"};
	struct sut_httpsig_params p = rfc_params();
	struct sut_buf in = SUT_BUF_INIT(4096), sig = SUT_BUF_INIT(4096);
	struct sut_privkey *ec = NULL;
	struct sut_err err = {0};

	assert_int_equal(sut_httpsig_sign(k->private, &c, 1, &p, &in, &sig, &err), -EINVAL);
	c = (struct sut_httpsig_component){"Method", "GET"};
	assert_int_equal(sut_httpsig_sign(k->private, &c, 1, &p, &in, &sig, &err), -EINVAL);
	c.name = "@method";
	memcpy(p.keyid, "a\"b", 4);
	assert_int_equal(sut_httpsig_sign(k->private, &c, 1, &p, &in, &sig, &err), -EINVAL);
	p = rfc_params();
	assert_ok(sut_privkey_new(SUT_KEY_ECDSA_P256, &ec, &err), err);
	assert_int_equal(sut_httpsig_sign(ec, &c, 1, &p, &in, &sig, &err), -EINVAL);
	sut_privkey_free(ec);
	in.max = 10; /* both or none */
	assert_int_equal(sut_httpsig_sign(k->private, &c, 1, &p, &in, &sig, &err), -EINVAL);
	assert_int_equal(in.len + sig.len, 0);
	sut_buf_release(&in);
	sut_buf_release(&sig);
}

/* RFC 9530, appendix D: the digest of {"hello": "world"} with a newline. */
static void content_digest_is_that_of_the_rfc(void **state _unused_)
{
	static const char body[] = "{\"hello\": \"world\"}\n";
	struct sut_buf b = SUT_BUF_INIT(128);

	assert_int_equal(sut_content_digest(body, strlen(body), &b), 0);
	assert_string_equal(sut_buf_str(&b),
			    "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:");
	sut_buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signs_the_example_of_the_rfc),
		cmocka_unit_test(verifies_the_example_of_the_rfc),
		cmocka_unit_test(what_is_covered_cannot_be_changed),
		cmocka_unit_test(everything_that_is_written_is_read),
		cmocka_unit_test(malformed_headers_are_refused),
		cmocka_unit_test(what_no_header_may_hold_is_not_signed),
		cmocka_unit_test(content_digest_is_that_of_the_rfc),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
