// SPDX-License-Identifier: Apache-2.0
/* patch/signature.h: who vouches for a patch, and for what. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "unit.h"
#include "base/file.h"
#include "base/str.h"
#include "patch/signature.h"
#include "sample_patch.h"

enum { NOW = 1795000000 };

#define GOOD                                                                                       \
	"timestamp:1795000000\tfile:kpatch.bin\tname:K20261121_01\tlevel:3\tbuild-id:" SAMPLE_BUILD_ID

static struct sut_privkey *priv, *other;
static struct sut_minisign_pub pub, other_pub;
static struct sut_manifest *manifest;
static struct sut_buf patch = SUT_BUF_INIT(1 << 20), sig = SUT_BUF_INIT(SUT_MINISIGN_FILE_MAX);
static char *dir;

static void make_key(struct sut_privkey **k, struct sut_minisign_pub *p)
{
	_cleanup_(sut_pubkey_freep) struct sut_pubkey *pk = NULL;
	struct sut_err err = {0};

	assert_ok(sut_privkey_new(SUT_KEY_ED25519, k, &err), err);
	assert_ok(sut_privkey_public(*k, &pk, &err), err);
	assert_ok(sut_minisign_pub_of(pk, p, &err), err);
}

static int set_up(void **state _unused_)
{
	json_t *j = sample_manifest_full();
	struct sut_err err = {0};

	make_key(&priv, &pub);
	make_key(&other, &other_pub);
	assert_ok(sut_manifest_load(j, &manifest, &err), err);
	json_decref(j);
	sample_patch(&patch);
	assert_ok(sut_patch_sign(priv, manifest, patch.data, patch.len, NOW, &sig, &err), err);
	return 0;
}

static int tear_down(void **state _unused_)
{
	sut_privkey_free(priv);
	sut_privkey_free(other);
	sut_manifest_free(manifest);
	sut_buf_release(&patch);
	sut_buf_release(&sig);
	return 0;
}

static int make_dir(void **state _unused_)
{
	struct sut_err err = {0};

	assert_ok(sut_tmpdir("test-keys", &dir, &err), err);
	return 0;
}

static int remove_dir(void **state _unused_)
{
	struct sut_err err = {0};

	assert_ok(sut_rm_rf(dir, &err), err);
	free(dir);
	return 0;
}

/* The keys live only as long as the caller's block. */
#define KEYS(...)                                                                                  \
	(&(struct sut_patch_keys){.v = (struct sut_patch_key[]){__VA_ARGS__},                      \
				  .n = sizeof((struct sut_patch_key[]){__VA_ARGS__}) /             \
				       sizeof(struct sut_patch_key)})
#define OURS ((struct sut_patch_key){.name = (char *)"ours", .pub = pub})
#define OTHER ((struct sut_patch_key){.name = (char *)"other", .pub = other_pub})

static int verify(const struct sut_patch_keys *keys, const char *reason)
{
	const struct sut_patch_key *by = NULL;
	struct sut_patch_claim c;
	struct sut_err err = {0};
	int r = sut_patch_sig_verify(keys, patch.data, patch.len, sig.data, sig.len, &c, &by, &err);

	if (r < 0) {
		assert_null(by);
		assert_string_equal(err.reason, reason);
		assert_int_equal(err.code, -r);
	}
	return r;
}

static void a_signed_patch_is_accepted_with_its_claim(void **state _unused_)
{
	const struct sut_patch_keys *keys = KEYS(OTHER, OURS);
	const struct sut_patch_key *by = NULL;
	struct sut_patch_claim c;
	struct sut_err err = {0};

	assert_ok(
		sut_patch_sig_verify(keys, patch.data, patch.len, sig.data, sig.len, &c, &by, &err),
		err);
	assert_ptr_equal(by, &keys->v[1]);
	assert_true(c.time == NOW);
	assert_string_equal(c.name, "K20261121_01");
	assert_int_equal(c.level, 3);
	assert_memory_equal(c.build_id, manifest->target.build_id, sizeof(c.build_id));
	assert_ok(sut_patch_sig_matches(&c, manifest, &err), err);
	assert_non_null(strstr(sut_buf_str(&sig), "\ntrusted comment: " GOOD "\n"));
}

/* Who may sign both must not have one taken for the other. */
static void an_engine_is_no_patch_and_a_patch_no_engine(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf engine = SUT_BUF_INIT(SUT_MINISIGN_FILE_MAX);
	const struct sut_patch_keys *keys = KEYS(OURS);
	struct sut_patch_claim claim = {.time = NOW, .name = "suture-0.1.0", .level = 1}, c;
	const struct sut_patch_key *by = NULL;
	struct sut_err err = {0};

	memcpy(claim.build_id, manifest->target.build_id, sizeof(claim.build_id));
	assert_ok(sut_engine_sign(priv, &claim, "ko", 2, &engine, &err), err);
	assert_ok(sut_engine_sig_verify(keys, "ko", 2, engine.data, engine.len, &c, &by, &err),
		  err);
	assert_memory_equal(&c.build_id, &claim.build_id, sizeof(c.build_id));
	assert_string_equal(c.name, "suture-0.1.0");
	assert_int_equal(c.level, 1);
	assert_true(c.time == NOW);
	assert_int_equal(
		sut_patch_sig_verify(keys, "ko", 2, engine.data, engine.len, &c, &by, &err),
		-EBADMSG);
	assert_string_equal(err.reason, "signature-format");
	assert_int_equal(sut_engine_sig_verify(keys, patch.data, patch.len, sig.data, sig.len, &c,
					       &by, &err),
			 -EBADMSG);
	assert_string_equal(err.reason, "signature-format");
	claim.level = 0;
	assert_int_equal(sut_engine_sign(priv, &claim, "ko", 2, &engine, &err), -EINVAL);
}

static void unknown_keys_are_refused(void **state _unused_)
{
	assert_int_equal(verify(KEYS(OTHER), "unknown-key"), -ENOKEY);
	assert_int_equal(verify(&(struct sut_patch_keys){0}, "unknown-key"), -ENOKEY);
}

/* Key numbers are no proof: all keys with the number are tried, in whatever order they lie. */
static void keys_that_share_a_number_are_all_tried(void **state _unused_)
{
	struct sut_patch_key twin = OTHER;

	memcpy(twin.pub.keynum, pub.keynum, sizeof(pub.keynum));
	assert_int_equal(verify(KEYS(twin), "bad-signature"), -EKEYREJECTED);
	assert_int_equal(verify(KEYS(twin, OURS), ""), 0);
	assert_int_equal(verify(KEYS(OURS, twin), ""), 0);
	assert_int_equal(verify(KEYS(twin, OTHER), "bad-signature"), -EKEYREJECTED);
}

static void a_flipped_bit_is_never_accepted(void **state _unused_)
{
	size_t first = (size_t)((uint8_t *)memchr(sig.data, '\n', sig.len) - sig.data);
	size_t step = patch.len * 8 / 2000 + 1;

	for (size_t bit = 0; bit < patch.len * 8; bit += step) {
		patch.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(verify(KEYS(OURS, OTHER), "bad-signature"), -EKEYREJECTED);
		patch.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	/* Behind the untrusted comment, which nothing protects. */
	for (size_t bit = first * 8; bit < sig.len * 8; bit++) {
		const struct sut_patch_key *by;
		struct sut_patch_claim c;
		int r;

		sig.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		r = sut_patch_sig_verify(KEYS(OURS, OTHER), patch.data, patch.len, sig.data,
					 sig.len, &c, &by, NULL);
		sig.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (r == 0)
			fail_msg("bit %zu of the signature is not protected", bit);
	}
	assert_int_equal(verify(KEYS(OURS), ""), 0);
}

static void a_file_that_is_no_signature_is_refused(void **state _unused_)
{
	const struct sut_patch_key *by = NULL;
	struct sut_patch_claim c;
	struct sut_err err = {0};

	assert_int_equal(
		sut_patch_sig_verify(KEYS(OURS), patch.data, patch.len, "", 0, &c, &by, &err),
		-EBADMSG);
	assert_string_equal(err.reason, "signature-format");
	assert_int_equal(sut_patch_sig_verify(KEYS(OURS), patch.data, patch.len, patch.data,
					      patch.len, &c, &by, &err),
			 -EBADMSG);
	assert_string_equal(err.reason, "signature-format");
}

/* Signs with the good key, so that only the trusted comment decides. */
static int with_comment(const char *comment, struct sut_patch_claim *c, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_MINISIGN_FILE_MAX);
	const struct sut_patch_key *by;

	assert_ok(sut_minisign_sign(priv, "x", comment, "data", 4, &b, err), *err);
	return sut_patch_sig_verify(KEYS(OURS), "data", 4, b.data, b.len, c, &by, err);
}

#define ID "\tbuild-id:" SAMPLE_BUILD_ID
#define HEAD "timestamp:1\tfile:kpatch.bin\t"

static void the_trusted_comment_is_read_strictly(void **state _unused_)
{
	static const struct {
		const char *comment, *says; /* says NULL: it is good */
	} cases[] = {
		{GOOD, NULL},
		{"timestamp:0\tfile:kpatch.bin\tname:a\tlevel:2147483647" ID, NULL},
		{"timestamp:9223372036854775807\tfile:kpatch.bin\tname:a\tlevel:1" ID, NULL},
		/* later versions may add fields at the end */
		{GOOD "\thash:sha256:00", NULL},
		{GOOD "\tarch:x86_64\tnote:two words", NULL},
		{"", "timestamp"},
		{"hello", "timestamp"},
		/* the comment minisign makes by itself */
		{"timestamp:1795000000\tfile:kpatch.bin\thashed", "name"},
		{"timestamp:\tfile:kpatch.bin\tname:a\tlevel:1" ID, "timestamp"},
		{"timestamp:-1\tfile:kpatch.bin\tname:a\tlevel:1" ID, "timestamp"},
		{"timestamp:+1\tfile:kpatch.bin\tname:a\tlevel:1" ID, "timestamp"},
		{"timestamp: 1\tfile:kpatch.bin\tname:a\tlevel:1" ID, "timestamp"},
		{"timestamp:01\tfile:kpatch.bin\tname:a\tlevel:1" ID, "timestamp"},
		{"timestamp:0x1\tfile:kpatch.bin\tname:a\tlevel:1" ID, "timestamp"},
		{"timestamp:9223372036854775808\tfile:kpatch.bin\tname:a\tlevel:1" ID, "timestamp"},
		{"timestamp:99999999999999999999999\tfile:kpatch.bin\tname:a\tlevel:1" ID,
		 "timestamp"},
		{" timestamp:1\tfile:kpatch.bin\tname:a\tlevel:1" ID, "timestamp"},
		{"timestamp:1 \tfile:kpatch.bin\tname:a\tlevel:1" ID, "timestamp"},
		{"timestamp:1\tfile:other.bin\tname:a\tlevel:1" ID, "file"},
		{"timestamp:1\t\tfile:kpatch.bin\tname:a\tlevel:1" ID, "file"},
		{"timestamp:1 file:kpatch.bin name:a level:1" ID, "timestamp"},
		{"timestamp:1\tname:a\tfile:kpatch.bin\tlevel:1" ID, "file"},
		{HEAD "name:\tlevel:1" ID, "name"},
		{HEAD "name:../a\tlevel:1" ID, "name"},
		{HEAD "name:.a\tlevel:1" ID, "name"},
		{HEAD "name:a b\tlevel:1" ID, "name"},
		{HEAD
		 "name:K123456789012345678901234567890123456789012345678901234567890123\tlevel:1" ID,
		 "name"},
		{HEAD "name:a\tlevel:0" ID, "level"},
		{HEAD "name:a\tlevel:03" ID, "level"},
		{HEAD "name:a\tlevel:2147483648" ID, "level"},
		{HEAD "name:a\tlevel:1", "build-id"},
		{HEAD "name:a\tlevel:1\tbuild-id:", "build-id"},
		{HEAD "name:a\tlevel:1\tbuild-id:6d1c", "build-id"},
		{HEAD "name:a\tlevel:1\tbuild-id:6D1C0A52D53FBBD2A1D2A4B1C8AE2ECF43FB2A61",
		 "build-id"},
		{GOOD "0", "build-id"},
		{GOOD "\t", "behind"},
		{GOOD "\tword", "behind"},
		{GOOD "\tkey:", "behind"},
		{GOOD "\tKey:v", "behind"},
		{GOOD "\t:v", "behind"},
		{GOOD "\ta:b\t", "behind"},
		/* a second value would let two readers see two claims */
		{GOOD "\tlevel:4", "behind"},
		{GOOD "\ta:b\tbuild-id:0000000000000000000000000000000000000000", "behind"},
	};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(cases); i++) {
		struct sut_patch_claim c;
		struct sut_err err = {0};
		int r = with_comment(cases[i].comment, &c, &err);

		if (r != (cases[i].says ? -EBADMSG : 0))
			fail_msg("%d for \"%s\": %s", r, cases[i].comment, err.msg);
		if (r == 0)
			continue;
		assert_string_equal(err.reason, "signature-format");
		assert_says(err, cases[i].says);
	}
}

static void claim_and_manifest_must_agree(void **state _unused_)
{
	struct sut_patch_claim good, c;
	struct sut_err err = {0};

	assert_ok(with_comment(GOOD, &good, &err), err);
	assert_ok(sut_patch_sig_matches(&good, manifest, &err), err);
	c = good;
	c.level++;
	assert_int_equal(sut_patch_sig_matches(&c, manifest, &err), -EKEYREJECTED);
	assert_says(err, "level");
	assert_string_equal(err.reason, "claim");
	c = good;
	c.name[0] = 'L';
	assert_int_equal(sut_patch_sig_matches(&c, manifest, &err), -EKEYREJECTED);
	assert_says(err, "name");
	c = good;
	c.build_id[SUTURE_BUILD_ID_LEN - 1] ^= 1;
	assert_int_equal(sut_patch_sig_matches(&c, manifest, &err), -EKEYREJECTED);
	assert_says(err, "build-id");
}

/* The same key signs both, and neither signature is ever taken for the other. */
static void kernel_and_library_are_not_mistaken(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_MINISIGN_FILE_MAX);
	_cleanup_(sut_manifest_freep) struct sut_manifest *library = NULL;
	struct sut_patch_key k = {.name = (char *)"ours", .pub = pub};
	const struct sut_patch_keys keys = {&k, 1};
	json_t *j = sample_library_manifest_full();
	const struct sut_patch_key *by = NULL;
	struct sut_patch_claim kernel, c;
	struct sut_err err = {0};

	assert_ok(sut_manifest_load(j, &library, &err), err);
	json_decref(j);
	assert_ok(sut_patch_sign(priv, library, "data", 4, NOW, &b, &err), err);
	assert_non_null(strstr(sut_buf_str(&b), "\tfile:upatch.bin\tname:U20261121_01\t"));
	assert_ok(sut_patch_sig_verify(&keys, "data", 4, b.data, b.len, &c, &by, &err), err);
	assert_true(c.library);
	assert_ok(sut_patch_sig_matches(&c, library, &err), err);
	c.library = false;
	assert_int_equal(sut_patch_sig_matches(&c, library, &err), -EKEYREJECTED);
	assert_string_equal(err.reason, "claim");
	assert_says(err, "file");
	assert_ok(with_comment(GOOD, &kernel, &err), err);
	assert_false(kernel.library);
	kernel.library = true;
	assert_int_equal(sut_patch_sig_matches(&kernel, manifest, &err), -EKEYREJECTED);
	assert_int_equal(sut_engine_sig_verify(&keys, "data", 4, b.data, b.len, &c, &by, &err),
			 -EBADMSG);
}

static void only_what_can_be_read_is_signed(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_MINISIGN_FILE_MAX);
	_cleanup_(sut_privkey_freep) struct sut_privkey *ec = NULL;
	struct sut_err err = {0};

	assert_int_equal(sut_patch_sign(priv, manifest, "d", 1, -1, &b, &err), -EINVAL);
	assert_ok(sut_privkey_new(SUT_KEY_ECDSA_P256, &ec, &err), err);
	assert_int_equal(sut_patch_sign(ec, manifest, "d", 1, NOW, &b, &err), -EINVAL);
	assert_int_equal(b.len, 0);
}

static char *in_dir(const char *name)
{
	char *path = sut_sprintf("%s/%s", dir, name);

	assert_non_null(path);
	return path;
}

static void put_key(const char *name, const struct sut_minisign_pub *p)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_MINISIGN_FILE_MAX);
	_cleanup_(sut_freep) char *path = in_dir(name);
	struct sut_err err = {0};

	assert_ok(sut_minisign_pub_format(p, "a key", &b, &err), err);
	assert_ok(sut_file_write(path, b.data, b.len, 0644, &err), err);
}

static void keys_are_read_in_the_order_of_their_names(void **state _unused_)
{
	_cleanup_(sut_patch_keys_release) struct sut_patch_keys keys = {0};
	struct sut_err err = {0};

	put_key("vendor-b.pub", &pub);
	put_key("vendor-a.pub", &other_pub);
	put_key("README", &pub);
	put_key(".hidden.pub", &pub);
	put_key("Zeta.pub", &pub);
	assert_ok(sut_patch_keys_read(dir, &keys, &err), err);
	assert_int_equal(keys.n, 3);
	assert_string_equal(keys.v[0].name, "Zeta");
	assert_string_equal(keys.v[1].name, "vendor-a");
	assert_string_equal(keys.v[2].name, "vendor-b");
	assert_memory_equal(&keys.v[1].pub, &other_pub, sizeof(pub));
	assert_memory_equal(&keys.v[2].pub, &pub, sizeof(pub));
}

static void no_folder_or_an_empty_one_has_no_keys(void **state _unused_)
{
	_cleanup_(sut_freep) char *none = in_dir("none");
	struct sut_patch_keys keys = {.n = 7};
	struct sut_err err = {0};

	assert_ok(sut_patch_keys_read(dir, &keys, &err), err);
	assert_int_equal(keys.n, 0);
	keys.n = 7;
	assert_ok(sut_patch_keys_read(none, &keys, &err), err);
	assert_int_equal(keys.n, 0);
}

static void keys_refused(int code, const char *reason, const char *says)
{
	struct sut_patch_keys keys = {0};
	struct sut_err err = {0};
	int r = sut_patch_keys_read(dir, &keys, &err);

	if (r != -code)
		fail_msg("%d instead of %d: %s", r, -code, err.msg);
	assert_string_equal(err.reason, reason);
	assert_says(err, says);
	assert_null(keys.v);
}

static void what_others_can_write_is_refused(void **state _unused_)
{
	static const mode_t bad[] = {0664, 0646, 0666};
	_cleanup_(sut_freep) char *path = in_dir("a.pub");

	put_key("a.pub", &pub);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(bad); i++) {
		assert_int_equal(chmod(path, bad[i]), 0);
		keys_refused(EPERM, "permissions", "a.pub");
	}
	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(chmod(dir, 0770), 0);
	keys_refused(EPERM, "permissions", dir);
	assert_int_equal(chmod(dir, 0707), 0);
	keys_refused(EPERM, "permissions", dir);
	assert_int_equal(chmod(dir, 0755), 0);
}

static void what_belongs_to_others_is_refused(void **state _unused_)
{
	_cleanup_(sut_freep) char *path = in_dir("a.pub");

	put_key("a.pub", &pub);
	if (geteuid() != 0)
		skip(); /* only root can give files away */
	assert_int_equal(chown(path, 12345, 0), 0);
	keys_refused(EPERM, "permissions", "12345");
	assert_int_equal(chown(path, 0, 0), 0);
	assert_int_equal(chown(dir, 12345, 0), 0);
	keys_refused(EPERM, "permissions", "12345");
	assert_int_equal(chown(dir, 0, 0), 0);
}

static void what_is_not_a_regular_file_is_refused(void **state _unused_)
{
	_cleanup_(sut_freep) char *path = in_dir("a.pub");

	put_key("real", &pub);
	assert_int_equal(symlink("real", path), 0);
	keys_refused(EPERM, "permissions", "symbolic link");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	keys_refused(EPERM, "permissions", "regular file");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	keys_refused(EPERM, "permissions", "regular file");
}

static void a_key_that_cannot_be_read_is_not_passed_over(void **state _unused_)
{
	_cleanup_(sut_freep) char *path = in_dir("b.pub");
	_cleanup_(sut_freep) char *large = calloc(1, SUT_MINISIGN_FILE_MAX + 1);
	struct sut_err err = {0};

	put_key("a.pub", &pub);
	assert_non_null(large);
	assert_ok(sut_file_write(path, "nonsense", 8, 0644, &err), err);
	keys_refused(EBADMSG, "", "b.pub");
	assert_ok(sut_file_write(path, "", 0, 0644, &err), err);
	keys_refused(EBADMSG, "", "b.pub");
	assert_ok(sut_file_write(path, large, SUT_MINISIGN_FILE_MAX + 1, 0644, &err), err);
	keys_refused(EFBIG, "", "b.pub");
}

static void too_many_keys_are_refused(void **state _unused_)
{
	for (int i = 0; i <= SUT_PATCH_KEYS_MAX; i++) {
		_cleanup_(sut_freep) char *path = sut_sprintf("%s/%d.pub", dir, i);
		FILE *f = fopen(path, "w");

		assert_non_null(f);
		fclose(f);
	}
	keys_refused(E2BIG, "", "256");
}

int main(void)
{
#define IN_DIR(f) cmocka_unit_test_setup_teardown(f, make_dir, remove_dir)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_signed_patch_is_accepted_with_its_claim),
		cmocka_unit_test(an_engine_is_no_patch_and_a_patch_no_engine),
		cmocka_unit_test(unknown_keys_are_refused),
		cmocka_unit_test(keys_that_share_a_number_are_all_tried),
		cmocka_unit_test(a_flipped_bit_is_never_accepted),
		cmocka_unit_test(a_file_that_is_no_signature_is_refused),
		cmocka_unit_test(the_trusted_comment_is_read_strictly),
		cmocka_unit_test(claim_and_manifest_must_agree),
		cmocka_unit_test(kernel_and_library_are_not_mistaken),
		cmocka_unit_test(only_what_can_be_read_is_signed),
		IN_DIR(keys_are_read_in_the_order_of_their_names),
		IN_DIR(no_folder_or_an_empty_one_has_no_keys),
		IN_DIR(what_others_can_write_is_refused),
		IN_DIR(what_belongs_to_others_is_refused),
		IN_DIR(what_is_not_a_regular_file_is_refused),
		IN_DIR(a_key_that_cannot_be_read_is_not_passed_over),
		IN_DIR(too_many_keys_are_refused),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
