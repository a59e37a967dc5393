// SPDX-License-Identifier: Apache-2.0
/* trust.h when memory is short: each allocation fails once. A patch that was changed is never
 * trusted for it, and a good one is refused at worst (OpenSSL does not always say why it failed). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"
#include "base/file.h"
#include "base/str.h"
#include "fault.h"
#include "sample_patch.h"
#include "kernel/trust.h"

enum { ALLOCATIONS_MAX = 10000 };

static struct {
	char *dir, *patch;
	struct sut_trust_opts opts;
} ours;

static void put(const char *path, const struct sut_buf *b)
{
	struct sut_err err = {0};

	assert_ok(sut_file_write(path, b->data, b->len, 0644, &err), err);
}

static int setup(void **state _unused_)
{
	_cleanup_(sut_privkey_freep) struct sut_privkey *key = NULL;
	_cleanup_(sut_pubkey_freep) struct sut_pubkey *public = NULL;
	_cleanup_(sut_manifest_freep) struct sut_manifest *m = NULL;
	_cleanup_buf_ struct sut_buf text = SUT_BUF_INIT(SUT_MINISIGN_FILE_MAX),
				     sig = SUT_BUF_INIT(SUT_MINISIGN_FILE_MAX),
				     patch = SUT_BUF_INIT(SUT_PATCH_FILE_MAX);
	_cleanup_(sut_freep) char *pub_file = NULL, *sig_file = NULL;
	json_t *j = sample_manifest_full();
	struct sut_minisign_pub pub;
	struct sut_err err = {0};

	assert_ok(sut_manifest_load(j, &m, &err), err);
	json_decref(j);
	assert_ok(sut_tmpdir("trust", &ours.dir, &err), err);
	ours.opts.keys = ours.dir;
	ours.patch = sut_sprintf("%s/kpatch.bin", ours.dir);
	pub_file = sut_sprintf("%s/vendor.pub", ours.dir);
	sig_file = sut_sprintf("%s/kpatch.bin.sig", ours.dir);
	assert_ok(sut_privkey_new(SUT_KEY_ED25519, &key, &err), err);
	assert_ok(sut_privkey_public(key, &public, &err), err);
	assert_ok(sut_minisign_pub_of(public, &pub, &err), err);
	assert_ok(sut_minisign_pub_format(&pub, "vendor", &text, &err), err);
	put(pub_file, &text);
	sample_patch(&patch);
	put(ours.patch, &patch);
	assert_ok(sut_patch_sign(key, m, patch.data, patch.len, 1795292100, &sig, &err), err);
	put(sig_file, &sig);
	return 0;
}

static int teardown(void **state _unused_)
{
	assert_int_equal(sut_rm_rf(ours.dir, NULL), 0);
	free(ours.dir);
	free(ours.patch);
	return 0;
}

/* 0 and the answer in t, or the error. */
static int check(const struct sut_loaded *l, uint64_t n, struct sut_trust *t, bool *ret_over)
{
	struct sut_err err = {0};
	uint64_t count;
	int r;

	fault_alloc_arm(n);
	r = sut_trust_check(&ours.opts, ours.patch, l, t, &err);
	count = fault_alloc_disarm();
	*ret_over = n > count;
	if (r < 0 && r != -ENOMEM)
		fail_msg("allocation %llu: %d: %s", (unsigned long long)n, r, err.msg);
	return r;
}

static void short_memory_never_makes_it_good(void **state _unused_)
{
	_cleanup_(sut_loaded_freep) struct sut_loaded *l = NULL;
	struct sut_err err = {0};
	bool over = false;
	uint64_t n;

	assert_ok(sut_loaded_open(ours.patch, &l, &err), err);
	l->file.data[l->file.len / 2] ^= 1;
	for (n = 1; !over && n < ALLOCATIONS_MAX; n++) {
		struct sut_trust t = {0};

		if (check(l, n, &t, &over) == 0 && sut_trust_is_good(&t))
			fail_msg("trusted when allocation %llu fails", (unsigned long long)n);
	}
	assert_true(n > 10 && over);
}

static void refusal_for_short_memory_has_a_reason(void **state _unused_)
{
	_cleanup_(sut_loaded_freep) struct sut_loaded *l = NULL;
	struct sut_err err = {0};
	bool over = false;

	assert_ok(sut_loaded_open(ours.patch, &l, &err), err);
	for (uint64_t n = 1; !over && n < ALLOCATIONS_MAX; n++) {
		struct sut_trust t = {0};

		if (check(l, n, &t, &over) < 0)
			continue;
		if (!sut_trust_is_good(&t) && (!*t.why.reason || !*t.why.msg || *t.key))
			fail_msg("allocation %llu: refused without saying why",
				 (unsigned long long)n);
		assert_true(sut_trust_is_good(&t) || !over);
	}
	assert_true(over);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(short_memory_never_makes_it_good),
		cmocka_unit_test(refusal_for_short_memory_has_a_reason),
	};

	return cmocka_run_group_tests_name("trust_alloc", tests, setup, teardown);
}
