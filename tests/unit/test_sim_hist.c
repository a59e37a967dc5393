// SPDX-License-Identifier: Apache-2.0
/* tests/sim/hist.h: figures of latency are not better than what was measured. */
#include "unit.h"

#include "base/cleanup.h"

#include "../sim/hist.h"

static void shares_are_found_within_a_64th(void **state _unused_)
{
	static struct hist h;

	assert_int_equal(hist_at(&h, 0.5), 0);
	for (uint64_t v = 1; v <= 1000000; v++)
		hist_add(&h, v);
	assert_in_range(hist_at(&h, 0.5), 500000, 500000 + 500000 / 64 + 1);
	assert_in_range(hist_at(&h, 0.99), 990000, 990000 + 990000 / 64 + 1);
	assert_in_range(hist_at(&h, 0.999), 999000, 1000000);
	assert_int_equal(hist_at(&h, 1), 1000000);
	assert_int_equal(h.max, 1000000);
}

static void every_value_has_a_place(void **state _unused_)
{
	for (unsigned int bit = 0; bit < 64; bit++) {
		static struct hist h;
		uint64_t v = 1ULL << bit;

		h = (struct hist){0};
		hist_add(&h, v - 1);
		hist_add(&h, v);
		hist_add(&h, v + 1);
		assert_int_equal(h.n, 3);
		/* What is as large as can be lies in the last slot. */
		if (bit < 44)
			assert_in_range(hist_at(&h, 0.4), v, v + v / 64);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shares_are_found_within_a_64th),
		cmocka_unit_test(every_value_has_a_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
