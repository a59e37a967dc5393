// SPDX-License-Identifier: Apache-2.0
/* crypto/modsign.h when memory is short: each allocation fails once, and never is a module accepted
 * or signed wrongly because of that. */
#include <stdlib.h>
#include <string.h>

#include "unit.h"
#include "crypto/key.h"
#include "crypto/modsign.h"
#include "fault.h"

#define BUF SUT_BUF_INIT(1 << 20)

enum { NOW = 1795000000, MODULE = 300, ALLOCATIONS_MAX = 10000 };

static struct {
	struct sut_buf key, cert;
	struct sut_modsign_key *k;
} ours = {.key = BUF, .cert = BUF};
static uint8_t module[MODULE];

static int setup(void **state _unused_)
{
	struct sut_err err = {0};

	memset(module, 'm', sizeof(module));
	assert_ok(
		sut_modsign_key_generate("Suture test", NOW, 30, NULL, &ours.key, &ours.cert, &err),
		err);
	assert_ok(sut_modsign_key_load(sut_buf_str(&ours.key), ours.key.len, NULL,
				       sut_buf_str(&ours.cert), ours.cert.len, &ours.k, &err),
		  err);
	return 0;
}

static int teardown(void **state _unused_)
{
	sut_secret_release(&ours.key);
	sut_buf_release(&ours.cert);
	sut_modsign_key_free(ours.k);
	return 0;
}

static void sign(struct sut_buf *out)
{
	struct sut_err err = {0};

	assert_ok(sut_modsign_sign(ours.k, module, sizeof(module), out, &err), err);
}

static void no_failed_allocation_makes_it_accept(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf good = BUF, bad = BUF;
	struct sut_err err = {0};

	sign(&good);
	sign(&bad);
	bad.data[5] ^= 1;
	for (uint64_t n = 1;; n++) {
		char text[SUT_MODSIGN_SIGNER_MAX];
		uint64_t asked;
		int a, b;

		fault_alloc_arm(n);
		a = sut_modsign_verify(good.data, good.len, sut_buf_str(&ours.cert), ours.cert.len,
				       &err);
		asked = fault_alloc_disarm();
		fault_alloc_arm(n);
		b = sut_modsign_verify(bad.data, bad.len, sut_buf_str(&ours.cert), ours.cert.len,
				       &err);
		fault_alloc_disarm();
		assert_true(b < 0);
		fault_alloc_arm(n);
		b = sut_modsign_signer(good.data, good.len, text, &err);
		fault_alloc_disarm();
		assert_true(b <= 0);
		if (asked < n) {
			assert_int_equal(a, 0);
			break;
		}
		assert_in_range(n, 1, ALLOCATIONS_MAX);
	}
}

static void no_failed_allocation_signs_wrongly(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf good = BUF;
	struct sut_err err = {0};

	sign(&good);
	for (uint64_t n = 1;; n++) {
		_cleanup_buf_ struct sut_buf b = BUF;
		uint64_t asked;
		int r;

		fault_alloc_arm(n);
		r = sut_modsign_sign(ours.k, module, sizeof(module), &b, &err);
		asked = fault_alloc_disarm();
		if (r == 0) {
			assert_int_equal(b.len, good.len);
			assert_memory_equal(b.data, good.data, b.len);
		} else {
			assert_int_equal(b.len, 0);
		}
		if (asked < n) {
			assert_int_equal(r, 0);
			break;
		}
		assert_in_range(n, 1, ALLOCATIONS_MAX);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_failed_allocation_makes_it_accept),
		cmocka_unit_test(no_failed_allocation_signs_wrongly),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
