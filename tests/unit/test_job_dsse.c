// SPDX-License-Identifier: Apache-2.0
/* DSSE envelopes: what is signed, and what is believed. */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "job/dsse.h"

#define TYPE "application/vnd.suture.job+json"

static struct sut_privkey *make_key(struct sut_dsse_key *ret)
{
	struct sut_privkey *k = NULL;
	struct sut_pubkey *p = NULL;
	struct sut_err err = {0};

	assert_ok(sut_privkey_new(SUT_KEY_ED25519, &k, &err), err);
	assert_ok(sut_privkey_public(k, &p, &err), err);
	assert_int_equal(sut_pubkey_ed25519(p, ret->key), 0);
	ret->name = "platform";
	sut_pubkey_free(p);
	return k;
}

static char *sign(const struct sut_privkey *k, const char *type, const void *payload, size_t len)
{
	struct sut_buf b = SUT_BUF_INIT(SUT_DSSE_MAX);
	struct sut_err err = {0};

	assert_ok(sut_dsse_sign(k, type, payload, len, &b, &err), err);
	return (char *)b.data;
}

/* The example of the specification (protocol.md, "Test vectors"). */
static void pae_is_that_of_the_specification(void **state _unused_)
{
	struct sut_buf b = SUT_BUF_INIT(256);

	assert_int_equal(sut_dsse_pae("http://example.com/HelloWorld", "hello world", 11, &b), 0);
	assert_string_equal(sut_buf_str(&b),
			    "DSSEv1 29 http://example.com/HelloWorld 11 hello world");
	sut_buf_release(&b);
}

static void lengths_keep_type_and_payload_apart(void **state _unused_)
{
	struct sut_buf a = SUT_BUF_INIT(256), b = SUT_BUF_INIT(256);

	assert_int_equal(sut_dsse_pae("a 1 x", "y", 1, &a), 0);
	assert_int_equal(sut_dsse_pae("a", "x 1 y", 5, &b), 0);
	assert_string_not_equal(sut_buf_str(&a), sut_buf_str(&b));
	sut_buf_release(&a);
	b.max = b.len; /* no room for another */
	assert_int_equal(sut_dsse_pae("a", "b", 1, &b), -ENOBUFS);
	assert_string_equal(sut_buf_str(&b), "DSSEv1 1 a 5 x 1 y");
	sut_buf_release(&b);
}

static void what_was_signed_comes_back(void **state _unused_)
{
	static const uint8_t payload[] = {'{', 0, 0xff, 0x80, '"', '}'};
	struct sut_dsse_key keys[2] = {{.name = "other"}};
	struct sut_privkey *k = make_key(&keys[1]), *o = make_key(&keys[0]);
	const struct sut_dsse_key *by = NULL;
	char *text = sign(k, TYPE, payload, sizeof(payload)), id[SUT_DSSE_KEYID];
	struct sut_dsse d = {0};
	struct sut_err err = {0};

	assert_ok(sut_dsse_parse(text, strlen(text), &d, &err), err);
	assert_int_equal(d.payload.len, sizeof(payload));
	assert_memory_equal(d.payload.data, payload, sizeof(payload));
	assert_string_equal(d.type, TYPE);
	sut_dsse_keyid(keys[1].key, id);
	assert_string_equal(d.sigs[0].keyid, id);
	assert_ok(sut_dsse_verify(&d, TYPE, keys, 2, &by, &err), err);
	assert_ptr_equal(by, &keys[1]);
	sut_dsse_release(&d);
	sut_privkey_free(k);
	sut_privkey_free(o);
	free(text);
}

static void each_refusal_has_its_reason(void **state _unused_)
{
	struct sut_dsse_key key, other;
	struct sut_privkey *k = make_key(&key), *o = make_key(&other);
	char *text = sign(k, TYPE, "{}", 2);
	struct sut_dsse d = {0};
	struct sut_err err = {0};

	assert_ok(sut_dsse_parse(text, strlen(text), &d, &err), err);
	assert_int_equal(sut_dsse_verify(&d, TYPE, NULL, 0, NULL, &err), -ENOKEY);
	assert_string_equal(err.reason, "no-keys");
	assert_int_equal(sut_dsse_verify(&d, TYPE, &other, 1, NULL, &err), -ENOKEY);
	assert_string_equal(err.reason, "unknown-key");
	/* One kind of document does not pass for another, although the key is good. */
	assert_int_equal(sut_dsse_verify(&d, TYPE "x", &key, 1, NULL, &err), -EBADMSG);
	assert_string_equal(err.reason, "envelope");
	memcpy(d.type, "application/vnd.suture.jab+json", sizeof(TYPE));
	assert_int_equal(
		sut_dsse_verify(&d, "application/vnd.suture.jab+json", &key, 1, NULL, &err),
		-EKEYREJECTED);
	assert_string_equal(err.reason, "signature");
	memcpy(d.type, TYPE, sizeof(TYPE));
	assert_ok(sut_dsse_verify(&d, TYPE, &key, 1, NULL, &err), err);
	for (size_t i = 0; i < d.payload.len; i++) {
		d.payload.data[i] ^= 1;
		assert_int_equal(sut_dsse_verify(&d, TYPE, &key, 1, NULL, &err), -EKEYREJECTED);
		assert_string_equal(err.reason, "signature");
		d.payload.data[i] ^= 1;
	}
	for (size_t i = 0; i < d.sigs[0].len; i++) {
		d.sigs[0].sig[i] ^= 4;
		assert_int_equal(sut_dsse_verify(&d, TYPE, &key, 1, NULL, &err), -EKEYREJECTED);
		d.sigs[0].sig[i] ^= 4;
	}
	/* The hint proves nothing, and its absence takes nothing away. */
	d.sigs[0].keyid[0] = 0;
	assert_ok(sut_dsse_verify(&d, TYPE, &key, 1, NULL, &err), err);
	d.sigs[0].len = 0;
	assert_int_equal(sut_dsse_verify(&d, TYPE, &key, 1, NULL, &err), -ENOKEY);
	sut_dsse_release(&d);
	sut_privkey_free(k);
	sut_privkey_free(o);
	free(text);
}

/* Others write base64 without padding, or with the alphabet for URLs, and members of their own. */
static void other_writers_are_understood(void **state _unused_)
{
	struct sut_dsse_key key;
	struct sut_privkey *k = make_key(&key);
	uint8_t payload[64];
	char *text, *p;
	struct sut_dsse d = {0};
	struct sut_err err = {0};

	memset(payload, 0xfb, sizeof(payload)); /* "+/v7" */
	text = sign(k, TYPE, payload, sizeof(payload));
	for (p = strstr(text, "\"payload\":\"") + 11; *p != '"'; p++)
		*p = *p == '+' ? '-' : *p == '/' ? '_' : *p;
	assert_int_equal(p[-1], '=');
	memmove(p - 2, p, strlen(p) + 1);
	p = sut_sprintf("{\"x\": [1], %s\n", text + 1);
	assert_non_null(strchr(p, '-'));
	assert_ok(sut_dsse_parse(p, strlen(p), &d, &err), err);
	assert_ok(sut_dsse_verify(&d, TYPE, &key, 1, NULL, &err), err);
	sut_dsse_release(&d);
	sut_privkey_free(k);
	free(text);
	free(p);
}

static void several_signatures_need_one_that_is_ours(void **state _unused_)
{
	struct sut_dsse_key key, other;
	struct sut_privkey *k = make_key(&key), *o = make_key(&other);
	char *a = sign(o, TYPE, "{}", 2), *b = sign(k, TYPE, "{}", 2);
	char *both, *sa = strstr(a, "[{") + 1, *sb = strstr(b, "[{") + 1;
	struct sut_dsse d = {0};
	struct sut_err err = {0};

	sa[strlen(sa) - 2] = 0;
	both = sut_sprintf(
		"{\"payloadType\":\"" TYPE "\",\"payload\":\"e30=\",\"signatures\":[%s,%s", sa, sb);
	assert_ok(sut_dsse_parse(both, strlen(both), &d, &err), err);
	assert_int_equal(d.nsigs, 2);
	assert_ok(sut_dsse_verify(&d, TYPE, &key, 1, NULL, &err), err);
	sut_dsse_release(&d);
	sut_privkey_free(k);
	sut_privkey_free(o);
	free(a);
	free(b);
	free(both);
}

static void malformed_envelopes_are_refused(void **state _unused_)
{
	static const char *const bad[] = {
		"",
		"[]",
		"{}",
		"{\"payloadType\":\"a\",\"payload\":\"e30=\",\"signatures\":[]}",
		"{\"payloadType\":\"a\",\"payload\":\"e30=\"}",
		"{\"payloadType\":\"a\",\"payload\":\"e30=\",\"signatures\":{}}",
		"{\"payloadType\":\"a\",\"payload\":\"e30=\",\"signatures\":[1]}",
		"{\"payloadType\":\"a\",\"payload\":\"e30=\",\"signatures\":[{}]}",
		"{\"payloadType\":\"a\",\"payload\":\"e30=\",\"signatures\":[{\"sig\":1}]}",
		"{\"payloadType\":\"a\",\"payload\":\"e30=\",\"signatures\":[{\"sig\":\"a\"}]}",
		"{\"payloadType\":\"a\",\"payload\":\"e3*=\",\"signatures\":[{\"sig\":\"\"}]}",
		"{\"payloadType\":\"a\",\"payload\":\"e30==\",\"signatures\":[{\"sig\":\"\"}]}",
		"{\"payloadType\":\"a\",\"payload\":\"e31=\",\"signatures\":[{\"sig\":\"\"}]}",
		"{\"payloadType\":\"a b\",\"payload\":\"e30=\",\"signatures\":[{\"sig\":\"\"}]}",
		"{\"payloadType\":\"\",\"payload\":\"e30=\",\"signatures\":[{\"sig\":\"\"}]}",
		"{\"payloadType\":1,\"payload\":\"e30=\",\"signatures\":[{\"sig\":\"\"}]}",
		"{\"payloadType\":\"a\",\"payload\":7,\"signatures\":[{\"sig\":\"\"}]}",
		"{\"payloadType\":\"a\",\"payload\":\"\",\"payload\":\"\",\"signatures\":[{\"sig\":\"\"}]}",
		"{\"payloadType\":\"a\",\"payload\":\"e30=\",\"signatures\":[{\"sig\":\"\"}]} x",
		"{\"x\":[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]}",
	};
	struct sut_dsse d = {0};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(bad); i++) {
		struct sut_err err = {0};

		if (sut_dsse_parse(bad[i], strlen(bad[i]), &d, &err) != -EBADMSG)
			fail_msg("taken: %s", bad[i]);
		assert_string_equal(err.reason, "envelope");
		assert_null(d.payload.data);
	}
}

static void what_is_too_large_is_refused(void **state _unused_)
{
	struct sut_dsse_key key;
	struct sut_privkey *k = make_key(&key), *rsa = NULL;
	struct sut_buf b = SUT_BUF_INIT(SUT_DSSE_MAX * 2);
	struct sut_dsse d = {0};
	struct sut_err err = {0};
	char *big = calloc(1, SUT_DSSE_MAX + 1);
	char long_type[SUT_DSSE_TYPE_MAX + 2];

	assert_non_null(big);
	assert_int_equal(sut_dsse_sign(k, TYPE, big, SUT_DSSE_PAYLOAD_MAX + 1, &b, &err), -EFBIG);
	assert_int_equal(b.len, 0);
	assert_ok(sut_dsse_sign(k, TYPE, big, SUT_DSSE_PAYLOAD_MAX, &b, &err), err);
	assert_true(b.len <= SUT_DSSE_MAX);
	assert_ok(sut_dsse_parse(b.data, b.len, &d, &err), err);
	assert_ok(sut_dsse_verify(&d, TYPE, &key, 1, NULL, &err), err);
	sut_dsse_release(&d);
	memset(big, ' ', SUT_DSSE_MAX + 1);
	assert_int_equal(sut_dsse_parse(big, SUT_DSSE_MAX + 1, &d, &err), -EBADMSG);
	assert_says(err, "more than");
	memset(long_type, 'a', sizeof(long_type));
	long_type[sizeof(long_type) - 1] = 0;
	assert_int_equal(sut_dsse_sign(k, long_type, "", 0, &b, &err), -EINVAL);
	assert_int_equal(sut_dsse_sign(k, "a\"b", "", 0, &b, &err), -EINVAL);
	assert_ok(sut_privkey_new(SUT_KEY_ECDSA_P256, &rsa, &err), err);
	assert_int_equal(sut_dsse_sign(rsa, TYPE, "", 0, &b, &err), -EINVAL);
	assert_says(err, "Ed25519");
	sut_buf_release(&b);
	sut_privkey_free(k);
	sut_privkey_free(rsa);
	free(big);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pae_is_that_of_the_specification),
		cmocka_unit_test(lengths_keep_type_and_payload_apart),
		cmocka_unit_test(what_was_signed_comes_back),
		cmocka_unit_test(each_refusal_has_its_reason),
		cmocka_unit_test(other_writers_are_understood),
		cmocka_unit_test(several_signatures_need_one_that_is_ours),
		cmocka_unit_test(malformed_envelopes_are_refused),
		cmocka_unit_test(what_is_too_large_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
