// SPDX-License-Identifier: Apache-2.0
/* trust.h, applied.h, insecure.h: nothing but a good signature by a key of the folder is good. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"
#include "kernel/applied.h"
#include "base/file.h"
#include "base/str.h"
#include "kernel/insecure.h"
#include "sample_patch.h"
#include "kernel/trust.h"

struct fixture {
	char *dir, *keys, *patch, *sig;
	struct sut_privkey *vendor, *stranger;
	struct sut_manifest *m;
	struct sut_buf bytes;
};

static void put(const char *path, const void *data, size_t len)
{
	struct sut_err err = {0};

	assert_ok(sut_file_write(path, data, len, 0644, &err), err);
}

static void put_key(const struct fixture *f, const char *name, const struct sut_privkey *key)
{
	_cleanup_(sut_freep) char *path = sut_sprintf("%s/%s.pub", f->keys, name);
	_cleanup_(sut_pubkey_freep) struct sut_pubkey *public = NULL;
	_cleanup_buf_ struct sut_buf text = SUT_BUF_INIT(SUT_MINISIGN_FILE_MAX);
	struct sut_minisign_pub pub;
	struct sut_err err = {0};

	assert_ok(sut_privkey_public(key, &public, &err), err);
	assert_ok(sut_minisign_pub_of(public, &pub, &err), err);
	assert_ok(sut_minisign_pub_format(&pub, name, &text, &err), err);
	put(path, text.data, text.len);
}

static void sign(const struct fixture *f, const struct sut_privkey *key)
{
	_cleanup_buf_ struct sut_buf sig = SUT_BUF_INIT(SUT_MINISIGN_FILE_MAX);
	struct sut_err err = {0};

	assert_ok(sut_patch_sign(key, f->m, f->bytes.data, f->bytes.len, 1795292100, &sig, &err),
		  err);
	put(f->sig, sig.data, sig.len);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	json_t *j = sample_manifest_full();
	struct sut_err err = {0};

	assert_non_null(f);
	assert_ok(sut_manifest_load(j, &f->m, &err), err);
	json_decref(j);
	assert_ok(sut_tmpdir("trust", &f->dir, &err), err);
	f->keys = sut_sprintf("%s/keys.d", f->dir);
	f->patch = sut_sprintf("%s/kpatch.bin", f->dir);
	f->sig = sut_sprintf("%s/kpatch.bin.sig", f->dir);
	assert_ok(sut_mkdir_p(f->keys, &err), err);
	assert_ok(sut_privkey_new(SUT_KEY_ED25519, &f->vendor, &err), err);
	assert_ok(sut_privkey_new(SUT_KEY_ED25519, &f->stranger, &err), err);
	f->bytes = SUT_BUF_INIT(SUT_PATCH_FILE_MAX);
	sample_patch(&f->bytes);
	put(f->patch, f->bytes.data, f->bytes.len);
	put_key(f, "vendor", f->vendor);
	sign(f, f->vendor);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(sut_rm_rf(f->dir, NULL), 0);
	sut_manifest_free(f->m);
	sut_privkey_free(f->vendor);
	sut_privkey_free(f->stranger);
	sut_buf_release(&f->bytes);
	free(f->dir);
	free(f->keys);
	free(f->patch);
	free(f->sig);
	free(f);
	return 0;
}

static void look(const struct fixture *f, struct sut_trust *t)
{
	const struct sut_trust_opts o = {.keys = f->keys};
	_cleanup_(sut_loaded_freep) struct sut_loaded *l = NULL;
	struct sut_err err = {0};

	assert_ok(sut_loaded_open(f->patch, &l, &err), err);
	assert_ok(sut_trust_check(&o, f->patch, l, t, &err), err);
}

static void assert_not_good(const struct fixture *f, const char *reason)
{
	struct sut_trust t;

	look(f, &t);
	assert_false(sut_trust_is_good(&t));
	assert_string_equal(t.why.reason, reason);
	assert_string_equal(t.key, "");
	assert_true(strlen(t.why.msg) > 40);
}

static void good_signature_names_its_key(void **state)
{
	const struct fixture *f = *state;
	struct sut_trust t;
	char text[512];

	put_key(f, "another", f->stranger);
	look(f, &t);
	assert_ok(-t.why.code, t.why);
	assert_string_equal(t.key, "vendor");
	assert_int_equal(strlen(t.key_number), 16);
	assert_string_equal(t.claim.name, "K20261121_01");
	assert_int_equal(t.claim.level, 3);
	sut_trust_claim(&t, f->m);
	assert_true(sut_trust_is_good(&t));
	sut_trust_text(&t, text, sizeof(text));
	assert_non_null(strstr(text, "good, by vendor ("));
	assert_non_null(strstr(text, "2026-11-21T20:15:00Z"));
}

static void what_nobody_vouches_for_is_not_good(void **state)
{
	const struct fixture *f = *state;
	_cleanup_(sut_freep) char *pub = sut_sprintf("%s/vendor.pub", f->keys);
	_cleanup_(sut_freep) char *big = calloc(1, SUT_MINISIGN_FILE_MAX + 1);

	sign(f, f->stranger);
	assert_not_good(f, "unknown-key");
	put(f->sig, "", 0);
	assert_not_good(f, "signature-format");
	put(f->sig, big, SUT_MINISIGN_FILE_MAX + 1);
	assert_not_good(f, "signature-format");
	assert_int_equal(unlink(f->sig), 0);
	assert_not_good(f, "unsigned");
	assert_int_equal(mkdir(f->sig, 0755), 0);
	assert_not_good(f, "signature-unreadable");
	assert_int_equal(rmdir(f->sig), 0);
	sign(f, f->vendor);
	assert_int_equal(unlink(pub), 0);
	assert_not_good(f, "no-keys");
	put(pub, "junk", 4);
	assert_not_good(f, "keys");
	assert_int_equal(unlink(pub), 0);
	assert_int_equal(rmdir(f->keys), 0);
	assert_not_good(f, "no-keys");
}

static void folder_that_others_can_write_to_has_no_say(void **state)
{
	const struct fixture *f = *state;
	_cleanup_(sut_freep) char *pub = sut_sprintf("%s/vendor.pub", f->keys);

	assert_int_equal(chmod(f->keys, 0777), 0);
	assert_not_good(f, "permissions");
	assert_int_equal(chmod(f->keys, 0755), 0);
	assert_int_equal(chmod(pub, 0666), 0);
	assert_not_good(f, "permissions");
}

/* A thousand places of each; the VM tests do the same through the program. */
static void flipped_bit_is_never_good(void **state)
{
	struct fixture *f = *state;
	_cleanup_buf_ struct sut_buf sig = SUT_BUF_INIT(SUT_MINISIGN_FILE_MAX);
	const struct sut_trust_opts o = {.keys = f->keys};
	_cleanup_(sut_loaded_freep) struct sut_loaded *l = NULL;
	struct sut_err err = {0};
	const char *line;
	size_t untrusted;

	assert_ok(sut_loaded_open(f->patch, &l, &err), err);
	for (size_t i = 0; i < 1000; i++) {
		struct sut_trust t;

		l->file.data[i * 7 % l->file.len] ^= (uint8_t)(1U << i % 8);
		assert_ok(sut_trust_check(&o, f->patch, l, &t, &err), err);
		assert_string_equal(t.why.reason, "bad-signature");
		l->file.data[i * 7 % l->file.len] ^= (uint8_t)(1U << i % 8);
	}
	assert_ok(sut_file_read(f->sig, &sig, &err), err);
	line = memchr(sig.data, '\n', sig.len);
	assert_non_null(line);
	/* The first line is not signed, by the format. */
	untrusted = (size_t)(line - (const char *)sig.data);
	for (size_t i = untrusted; i < sig.len; i++) {
		struct sut_trust t;

		sig.data[i] ^= (uint8_t)(1U << i % 7);
		put(f->sig, sig.data, sig.len);
		assert_ok(sut_trust_check(&o, f->patch, l, &t, &err), err);
		if (sut_trust_is_good(&t))
			fail_msg("byte %zu of the signature may be 0x%02x", i, sig.data[i]);
		sig.data[i] ^= (uint8_t)(1U << i % 7);
	}
}

/* The signature of one patch beside the bytes of another does not verify; this is
 * the signer who says something wrong. */
static void signature_that_claims_another_patch_is_not_good(void **state)
{
	struct fixture *f = *state;
	struct sut_trust t;

	look(f, &t);
	f->m->level++;
	sut_trust_claim(&t, f->m);
	assert_string_equal(t.why.reason, "claim");
	assert_false(sut_trust_is_good(&t));
	f->m->level--;

	look(f, &t);
	f->m->id = "K20261121_02";
	sut_trust_claim(&t, f->m);
	assert_string_equal(t.why.reason, "claim");
	f->m->id = "K20261121_01";

	look(f, &t);
	f->m->target.build_id[19] ^= 1;
	sut_trust_claim(&t, f->m);
	assert_string_equal(t.why.reason, "claim");
}

/* ------------------------------------------------------------------ */

static void policy_decides_over_all_options(void **state _unused_)
{
	static const struct sut_trust_opts none = {0}, insecure = {.insecure_local = true},
					   keys = {.keys = "/root/keys"},
					   engine = {.engine = "/tmp/suture.ko"};
	const struct sut_policy allow = {.insecure_local = true}, refuse = {0};
	struct sut_err ok = {0}, broken = {0}, err = {0};

	assert_ok(sut_trust_allowed(&none, &refuse, &ok, &err), err);
	assert_ok(sut_trust_allowed(&insecure, &allow, &ok, &err), err);
	assert_ok(sut_trust_allowed(&keys, &allow, &ok, &err), err);
	assert_int_equal(sut_trust_allowed(&insecure, &refuse, &ok, &err), -EPERM);
	assert_string_equal(err.reason, "policy");
	assert_says(err, "--insecure-local is refused");
	assert_int_equal(sut_trust_allowed(&keys, &refuse, &ok, &err), -EPERM);
	assert_says(err, "--keys is refused");
	/* Whoever names the engine names code for the kernel, and nobody has signed it for us. */
	assert_ok(sut_trust_allowed(&engine, &allow, &ok, &err), err);
	assert_int_equal(sut_trust_allowed(&engine, &refuse, &ok, &err), -EPERM);
	assert_says(err, "--engine is refused");
	assert_string_equal(err.reason, "policy");

	sut_err_reason(&broken, EBADMSG, "policy", "line 7 is no setting. Mend it");
	assert_int_equal(sut_trust_allowed(&insecure, &allow, &broken, &err), -EBADMSG);
	assert_says(err, "line 7");
	assert_int_equal(sut_trust_allowed(&keys, &allow, &broken, &err), -EBADMSG);
	assert_int_equal(sut_trust_allowed(&engine, &allow, &broken, &err), -EBADMSG);
	/* What the machine trusts by itself goes on working. */
	assert_ok(sut_trust_allowed(&none, &allow, &broken, &err), err);
}

static void record_comes_back_as_it_was_written(void **state)
{
	const struct fixture *f = *state;
	_cleanup_(sut_freep) char *path = sut_sprintf("%s/new/applied.json", f->dir);
	struct sut_applied a = {.id = "K1", .level = 3, .applied_at = 1795292100}, b;
	struct sut_err err = {0};

	look(f, &a.trust);
	memset(a.sha256, 'a', 64);
	assert_int_equal(sut_applied_read(path, &b, &err), -ENOENT);
	assert_ok(sut_applied_write(path, &a, &err), err);
	assert_ok(sut_applied_read(path, &b, &err), err);
	assert_string_equal(b.id, "K1");
	assert_int_equal(b.level, 3);
	assert_int_equal(b.applied_at, 1795292100);
	assert_string_equal(b.sha256, a.sha256);
	assert_true(sut_trust_is_good(&b.trust));
	assert_string_equal(b.trust.key, "vendor");
	assert_string_equal(b.trust.key_number, a.trust.key_number);
	assert_int_equal(b.trust.claim.time, 1795292100);

	assert_int_equal(unlink(f->sig), 0);
	look(f, &a.trust);
	a.trust.insecure_local = true;
	assert_ok(sut_applied_write(path, &a, &err), err);
	assert_ok(sut_applied_read(path, &b, &err), err);
	assert_false(sut_trust_is_good(&b.trust));
	assert_string_equal(b.trust.why.reason, "unsigned");
	assert_true(b.trust.insecure_local);
	put(path, "{}", 2);
	assert_int_equal(sut_applied_read(path, &b, &err), -EBADMSG);
}

/* A file name can neither forge a line of the log nor push out who it was. */
static void log_record_is_one_printable_line(void **state _unused_)
{
	_cleanup_(sut_freep) char *name = calloc(1, 5001);
	char record[SUT_INSECURE_RECORD_MAX];

	sut_insecure_record("apply --insecure-local", "file /tmp/a\nsuture: forged\x1b[2J", 0, 1000,
			    record);
	assert_string_equal(record, "apply --insecure-local: by uid 0, login uid 1000: file "
				    "/tmp/a?suture: forged?[2J");
	assert_non_null(name);
	memset(name, 'x', 5000);
	sut_insecure_record("apply --insecure-local", name, 7, SUT_NO_LOGIN, record);
	assert_int_equal(strlen(record), sizeof(record) - 1);
	assert_non_null(strstr(record, "by uid 7, login uid none: "));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(good_signature_names_its_key, setup, teardown),
		cmocka_unit_test_setup_teardown(what_nobody_vouches_for_is_not_good, setup,
						teardown),
		cmocka_unit_test_setup_teardown(folder_that_others_can_write_to_has_no_say, setup,
						teardown),
		cmocka_unit_test_setup_teardown(flipped_bit_is_never_good, setup, teardown),
		cmocka_unit_test_setup_teardown(signature_that_claims_another_patch_is_not_good,
						setup, teardown),
		cmocka_unit_test(policy_decides_over_all_options),
		cmocka_unit_test_setup_teardown(record_comes_back_as_it_was_written, setup,
						teardown),
		cmocka_unit_test(log_record_is_one_printable_line),
	};

	return cmocka_run_group_tests_name("trust", tests, NULL, NULL);
}
