// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <string.h>

#include "prove/batch.h"

static void fill(struct sut_strv *l)
{
	for (int i = 0; i < 50; i++)
		assert_int_equal(sut_strv_addf(l, "f%02d.c", i), 0);
}

static void same_seed_same_choice(void **state)
{
	_cleanup_strv_ struct sut_strv a = {0}, b = {0}, c = {0};
	size_t differ = 0;

	(void)state;
	fill(&a);
	fill(&b);
	fill(&c);
	sut_batch_sample(&a, 10, 7);
	sut_batch_sample(&b, 10, 7);
	sut_batch_sample(&c, 10, 8);
	for (size_t i = 0; i < 10; i++) {
		assert_string_equal(a.v[i], b.v[i]);
		differ += strcmp(a.v[i], c.v[i]) != 0;
	}
	assert_true(differ > 5);
}

/* The choice is part of what the survey promises: it must not change silently. */
static void choice_of_seed_1_is_fixed(void **state)
{
	static const char *const expected[] = {"f15.c", "f29.c", "f32.c"};
	_cleanup_strv_ struct sut_strv a = {0};

	(void)state;
	fill(&a);
	sut_batch_sample(&a, 3, 1);
	for (size_t i = 0; i < 3; i++)
		assert_string_equal(a.v[i], expected[i]);
}

static void every_file_stays_once(void **state)
{
	_cleanup_strv_ struct sut_strv a = {0};

	(void)state;
	fill(&a);
	sut_batch_sample(&a, 50, 3);
	for (int i = 0; i < 50; i++) {
		char name[16];

		snprintf(name, sizeof(name), "f%02d.c", i);
		assert_true(sut_strv_has(&a, name));
	}
	assert_int_equal(a.n, 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_seed_same_choice),
		cmocka_unit_test(choice_of_seed_1_is_fixed),
		cmocka_unit_test(every_file_stays_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
