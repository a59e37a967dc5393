// SPDX-License-Identifier: Apache-2.0
/* repo/keys.h: the folder of keys. */
#include "unit.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/str.h"
#include "keys.h"
#include "repo.h"

static char *dir; /* not there at first */

static int set_up(void **state _unused_)
{
	_cleanup_(sut_freep) char *tmp = NULL;

	if (sut_tmpdir("test-keys", &tmp, NULL) < 0)
		return -1;
	dir = sut_sprintf("%s/keys", tmp);
	return dir ? 0 : -1;
}

static int tear_down(void **state _unused_)
{
	dir[strlen(dir) - strlen("/keys")] = 0;
	(void)!sut_rm_rf(dir, NULL);
	free(dir);
	return 0;
}

static void generate(const char *name, enum sut_key_type type, const char *passphrase)
{
	struct sut_err err;

	assert_ok(sut_key_generate(dir, name, type, passphrase, &err), err);
}

static char *path_of(const char *file)
{
	char *p = sut_sprintf("%s/%s", dir, file);

	assert_non_null(p);
	return p;
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

static void private_keys_are_private(void **state _unused_)
{
	_cleanup_(sut_freep) char *key = path_of("a.key"), *pub = path_of("a.pub");
	_cleanup_(sut_privkey_freep) struct sut_privkey *k = NULL;
	struct sut_err err;

	generate("a", SUT_KEY_ED25519, "secret");
	assert_int_equal(mode_of(dir), 0700);
	assert_int_equal(mode_of(key), 0600);
	assert_int_equal(mode_of(pub), 0644);
	assert_int_equal(chmod(key, 0640), 0);
	assert_int_equal(sut_key_private(dir, "a", "secret", &k, &err), -EPERM);
	assert_says(err, "chmod 600");
	assert_null(k);
}

static void a_key_opens_with_its_passphrase_only(void **state _unused_)
{
	_cleanup_(sut_privkey_freep) struct sut_privkey *k = NULL;
	struct sut_err err;

	generate("a", SUT_KEY_ED25519, "secret");
	assert_int_equal(sut_key_private(dir, "a", "Secret", &k, &err), -EKEYREJECTED);
	assert_int_equal(sut_key_private(dir, "a", NULL, &k, &err), -EKEYREJECTED);
	assert_null(k);
	assert_ok(sut_key_private(dir, "a", "secret", &k, &err), err);
}

static void a_key_is_never_replaced(void **state _unused_)
{
	_cleanup_(sut_keys_release) struct sut_keys before = {0}, after = {0};
	struct sut_err err;

	generate("a", SUT_KEY_ED25519, NULL);
	assert_ok(sut_keys_read(dir, &before, &err), err);
	assert_int_equal(sut_key_generate(dir, "a", SUT_KEY_ED25519, NULL, &err), -EEXIST);
	assert_ok(sut_keys_read(dir, &after, &err), err);
	assert_int_equal(after.n, 1);
	assert_string_equal(before.v[0].id, after.v[0].id);
}

/* Killed between the two files: the same command goes on with the key that is there. */
static void half_a_key_is_completed(void **state _unused_)
{
	_cleanup_(sut_freep) char *pub = path_of("a.pub");
	_cleanup_(sut_keys_release) struct sut_keys before = {0}, after = {0};
	struct sut_err err;

	generate("a", SUT_KEY_ED25519, "secret");
	assert_ok(sut_keys_read(dir, &before, &err), err);
	assert_int_equal(unlink(pub), 0);
	assert_int_equal(sut_key_generate(dir, "a", SUT_KEY_ED25519, "other", &err), -EKEYREJECTED);
	assert_ok(sut_key_generate(dir, "a", SUT_KEY_ED25519, "secret", &err), err);
	assert_ok(sut_keys_read(dir, &after, &err), err);
	assert_string_equal(before.v[0].id, after.v[0].id);
}

static void names_stay_in_the_folder(void **state _unused_)
{
	static const char *const bad[] = {"", ".", "..", "../a", "a/b", "A", "-a", "a b", ".a"};
	struct sut_err err;
	char longer[66];

	for (size_t i = 0; i < SUT_ARRAY_SIZE(bad); i++)
		assert_int_equal(sut_key_generate(dir, bad[i], SUT_KEY_ED25519, NULL, &err),
				 -EINVAL);
	memset(longer, 'a', 65);
	longer[65] = 0;
	assert_false(sut_repo_name_ok(longer));
	longer[64] = 0;
	assert_true(sut_repo_name_ok(longer));
}

static void keys_are_found_by_name_and_id(void **state _unused_)
{
	_cleanup_(sut_keys_release) struct sut_keys k = {0};
	struct sut_err err;
	char id[SUT_DIGEST_HEX_MAX];

	generate("b", SUT_KEY_ECDSA_P256, NULL);
	generate("a", SUT_KEY_ED25519, NULL);
	assert_ok(sut_keys_read(dir, &k, &err), err);
	assert_int_equal(k.n, 2);
	assert_string_equal(k.v[0].name, "a");
	assert_true(k.v[0].has_private);
	assert_int_equal(sut_pubkey_type(k.v[1].pub), SUT_KEY_ECDSA_P256);
	assert_ptr_equal(sut_keys_find(&k, "b"), &k.v[1]);
	assert_ptr_equal(sut_keys_find(&k, k.v[1].id), &k.v[1]);
	memcpy(id, k.v[1].id, sizeof(id));
	id[8] = 0;
	assert_ptr_equal(sut_keys_find(&k, id), &k.v[1]);
	id[7] = 0;
	assert_null(sut_keys_find(&k, id));
	/* What fits two keys names none. */
	memcpy(k.v[0].id, k.v[1].id, 16);
	id[7] = k.v[1].id[7];
	id[8] = 0;
	assert_null(sut_keys_find(&k, id));
}

static void a_file_that_is_no_key_is_named(void **state _unused_)
{
	_cleanup_(sut_freep) char *bad = path_of("bad.pub"), *mini = path_of("a.minisign.pub");
	_cleanup_(sut_keys_release) struct sut_keys k = {0};
	struct sut_err err;

	assert_ok(sut_keys_read(dir, &k, &err), err);
	assert_int_equal(k.n, 0);
	generate("a", SUT_KEY_ED25519, NULL);
	assert_ok(sut_file_write(mini, "x", 1, 0644, &err), err);
	assert_ok(sut_keys_read(dir, &k, &err), err);
	sut_keys_release(&k);
	assert_ok(sut_file_write(bad, "x", 1, 0644, &err), err);
	assert_int_equal(sut_keys_read(dir, &k, &err), -EBADMSG);
	assert_says(err, "bad.pub");
}

static void a_passphrase_is_the_first_line(void **state _unused_)
{
	static const struct {
		const char *text, *phrase;
	} good[] = {{"a b\nc\n", "a b"}, {"a", "a"}, {"a\r\n", "a"}};
	_cleanup_(sut_freep) char *file = path_of("pp");
	_cleanup_secret_ struct sut_buf b = SUT_BUF_INIT(SUT_PASSPHRASE_MAX);
	char longer[SUT_PASSPHRASE_MAX + 1];
	struct sut_err err;

	assert_ok(sut_mkdir_p(dir, &err), err);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(good); i++) {
		sut_secret_release(&b);
		assert_ok(sut_file_write(file, good[i].text, strlen(good[i].text), 0600, &err),
			  err);
		assert_ok(sut_passphrase_get(file, "", false, &b, &err), err);
		assert_string_equal(sut_buf_str(&b), good[i].phrase);
	}
	sut_secret_release(&b);
	assert_ok(sut_file_write(file, "\nx", 2, 0600, &err), err);
	assert_int_equal(sut_passphrase_get(file, "", false, &b, &err), -EINVAL);
	assert_int_equal(b.len, 0);
	/* One byte too long is said to be too long. */
	memset(longer, 'x', sizeof(longer));
	assert_ok(sut_file_write(file, longer, sizeof(longer), 0600, &err), err);
	assert_int_equal(sut_passphrase_get(file, "", false, &b, &err), -EINVAL);
	assert_int_equal(b.len, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(private_keys_are_private),	      TEST(a_key_opens_with_its_passphrase_only),
		TEST(a_key_is_never_replaced),	      TEST(half_a_key_is_completed),
		TEST(names_stay_in_the_folder),	      TEST(keys_are_found_by_name_and_id),
		TEST(a_file_that_is_no_key_is_named), TEST(a_passphrase_is_the_first_line),
	};

	return cmocka_run_group_tests_name("repo_keys", tests, NULL, NULL);
}
