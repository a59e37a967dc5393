// SPDX-License-Identifier: Apache-2.0
/* patch/modsign.h: payloads of a patch get the kernel's signature, and nothing else changes. */
#include <errno.h>
#include <string.h>

#include "unit.h"
#include "base/str.h"
#include "crypto/key.h"
#include "patch/manifest.h"
#include "patch/modsign.h"
#include "sample_patch.h"

#define BUF SUT_BUF_INIT(SUT_PATCH_FILE_MAX)

enum { NOW = 1795000000 };

static struct sut_buf cert = BUF, other_cert = BUF;
static struct sut_modsign_key *key, *other_key;

static struct sut_modsign_key *make(const char *name, struct sut_buf *cert_pem)
{
	_cleanup_secret_ struct sut_buf key_pem = BUF;
	struct sut_modsign_key *k = NULL;
	struct sut_err err = {0};

	assert_ok(sut_modsign_key_generate(name, NOW, 30, NULL, &key_pem, cert_pem, &err), err);
	assert_ok(sut_modsign_key_load(sut_buf_str(&key_pem), key_pem.len, NULL,
				       sut_buf_str(cert_pem), cert_pem->len, &k, &err),
		  err);
	return k;
}

static int setup(void **state _unused_)
{
	key = make("Suture test", &cert);
	other_key = make("Another", &other_cert);
	return 0;
}

static int teardown(void **state _unused_)
{
	sut_modsign_key_free(key);
	sut_modsign_key_free(other_key);
	sut_buf_release(&cert);
	sut_buf_release(&other_cert);
	return 0;
}

static struct sut_patch *parse(const struct sut_buf *b)
{
	struct sut_patch *p = NULL;
	struct sut_err err = {0};

	assert_ok(sut_patch_parse(b->data, b->len, &p, &err), err);
	return p;
}

static struct sut_patch *sample(void)
{
	_cleanup_buf_ struct sut_buf b = BUF;

	sample_patch(&b);
	return parse(&b);
}

static void sign(const struct sut_patch *p, const struct sut_modsign_key *k, struct sut_buf *out)
{
	struct sut_err err = {0};

	assert_ok(sut_patch_sign_payloads(p, k, out, &err), err);
}

static int verify(const struct sut_patch *p, const struct sut_buf *c, struct sut_err *err)
{
	return sut_patch_verify_payloads(p, sut_buf_str(c), c->len, err);
}

/* Without what signing changes: size and digest of the payload. */
static char *manifest_text(const struct sut_patch *p)
{
	json_t *j = json_deep_copy(p->manifest), *m;
	char *text;
	size_t i;

	json_array_foreach(json_object_get(j, "members"), i, m) {
		if (sut_streq(json_string_value(json_object_get(m, "name")), "vmlinux.ko")) {
			json_object_del(m, "size");
			json_object_del(m, "sha256");
		}
	}
	text = json_dumps(j, 0);
	json_decref(j);
	assert_non_null(text);
	return text;
}

static void payload_is_signed_and_nothing_else_changes(void **state _unused_)
{
	_cleanup_(sut_patch_freep) struct sut_patch *before = sample(), *after = NULL;
	_cleanup_(sut_freep) char *a = NULL, *b = NULL;
	_cleanup_buf_ struct sut_buf out = BUF;
	const struct sut_member *payload;
	size_t len = 0, sig_len = 0;
	struct sut_err err = {0};

	assert_int_equal(verify(before, &cert, &err), -ENODATA);
	assert_says(err, "vmlinux.ko");
	sign(before, key, &out);
	after = parse(&out);
	assert_ok(verify(after, &cert, &err), err);
	assert_int_equal(verify(after, &other_cert, &err), -EKEYREJECTED);

	assert_int_equal(after->nmembers, before->nmembers);
	assert_int_equal(after->mtime, SAMPLE_MTIME);
	for (size_t i = 0; i < after->nmembers; i++) {
		assert_string_equal(after->members[i].name, before->members[i].name);
		if (sut_streq(after->members[i].name, "vmlinux.ko"))
			continue;
		assert_int_equal(after->members[i].len, before->members[i].len);
		assert_memory_equal(after->members[i].data, before->members[i].data,
				    after->members[i].len);
	}
	payload = sut_patch_member(after, "vmlinux.ko");
	assert_ok(sut_modsign_split(payload->data, payload->len, &len, &sig_len, &err), err);
	assert_int_equal(len, sut_patch_member(before, "vmlinux.ko")->len);
	assert_memory_equal(payload->data, sut_patch_member(before, "vmlinux.ko")->data, len);
	a = manifest_text(before);
	b = manifest_text(after);
	assert_string_equal(a, b);
}

static void same_patch_and_key_give_the_same_bytes(void **state _unused_)
{
	_cleanup_(sut_patch_freep) struct sut_patch *p = sample(), *once = NULL;
	_cleanup_buf_ struct sut_buf a = BUF, b = BUF, c = BUF;

	sign(p, key, &a);
	sign(p, key, &b);
	assert_int_equal(a.len, b.len);
	assert_memory_equal(a.data, b.data, a.len);
	/* Also when it is signed a second time. */
	once = parse(&a);
	sign(once, key, &c);
	assert_int_equal(a.len, c.len);
	assert_memory_equal(a.data, c.data, a.len);
}

static void another_key_replaces_the_signature(void **state _unused_)
{
	_cleanup_(sut_patch_freep) struct sut_patch *p = sample(), *first = NULL, *second = NULL;
	_cleanup_buf_ struct sut_buf a = BUF, b = BUF, direct = BUF;
	struct sut_err err = {0};

	sign(p, key, &a);
	first = parse(&a);
	sign(first, other_key, &b);
	second = parse(&b);
	assert_ok(verify(second, &other_cert, &err), err);
	assert_int_equal(verify(second, &cert, &err), -EKEYREJECTED);
	sign(p, other_key, &direct);
	assert_int_equal(b.len, direct.len);
	assert_memory_equal(b.data, direct.data, b.len);
}

/* The patch in memory may be used on. */
static void patch_in_memory_is_not_changed(void **state _unused_)
{
	_cleanup_(sut_patch_freep) struct sut_patch *p = sample();
	_cleanup_buf_ struct sut_buf before = BUF, after = BUF, out = BUF;
	struct sut_err err = {0};

	assert_ok(sut_patch_pack(p->manifest, p->members, p->nmembers, p->mtime, &before, &err),
		  err);
	sign(p, key, &out);
	assert_ok(sut_patch_pack(p->manifest, p->members, p->nmembers, p->mtime, &after, &err),
		  err);
	assert_int_equal(before.len, after.len);
	assert_memory_equal(before.data, after.data, before.len);
}

static void malformed_signature_of_a_payload_is_refused(void **state _unused_)
{
	_cleanup_(sut_patch_freep) struct sut_patch *p = sample();
	struct sut_member *ko = (struct sut_member *)sut_patch_member(p, "vmlinux.ko");
	_cleanup_buf_ struct sut_buf out = BUF;
	struct sut_err err = {0};

	memcpy(ko->data + ko->len - 28, "~Module signature appended~\n", 28);
	assert_int_equal(sut_patch_sign_payloads(p, key, &out, &err), -EBADMSG);
	assert_says(err, "the payload vmlinux.ko");
	assert_int_equal(out.len, 0);
	assert_int_equal(verify(p, &cert, &err), -EBADMSG);
}

/* Every bit of a signed payload counts, whatever the manifest says about it. */
static void changed_payload_is_refused(void **state _unused_)
{
	_cleanup_(sut_patch_freep) struct sut_patch *p = sample(), *s = NULL;
	_cleanup_buf_ struct sut_buf out = BUF;
	struct sut_member *ko;
	struct sut_err err = {0};

	sign(p, key, &out);
	s = parse(&out);
	ko = (struct sut_member *)sut_patch_member(s, "vmlinux.ko");
	for (size_t i = 0; i < ko->len; i += 13) {
		ko->data[i] ^= 4;
		assert_true(verify(s, &cert, &err) < 0);
		ko->data[i] ^= 4;
	}
	assert_ok(verify(s, &cert, &err), err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(payload_is_signed_and_nothing_else_changes),
		cmocka_unit_test(same_patch_and_key_give_the_same_bytes),
		cmocka_unit_test(another_key_replaces_the_signature),
		cmocka_unit_test(patch_in_memory_is_not_changed),
		cmocka_unit_test(malformed_signature_of_a_payload_is_refused),
		cmocka_unit_test(changed_payload_is_refused),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
