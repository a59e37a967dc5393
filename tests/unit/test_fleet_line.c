/* SPDX-License-Identifier: Apache-2.0 */
/* One machine is one line of check-ins; two machines are found out. */
#include "unit.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "fleet/line.h"

enum { NOW = 1795000000, MINUTES_5 = 300 };

static void test_a_line_goes_on(void **state)
{
	struct line l = {.serial = 1};

	(void)state;
	assert_int_equal(line_step(&l, 1, "nonce-01", NOW), LINE_ON);
	assert_int_equal(l.serial, 2);
	assert_int_equal(line_step(&l, 2, "nonce-02", NOW), LINE_ON);
	assert_int_equal(l.serial, 3);
	assert_int_equal(l.conflict_at, 0);
}

static void test_a_lost_answer_is_given_again(void **state)
{
	struct line l = {.serial = 1}, before;

	(void)state;
	assert_int_equal(line_step(&l, 1, "nonce-01", NOW), LINE_ON);
	before = l;
	for (int i = 0; i < 5; i++)
		assert_int_equal(line_step(&l, 1, "nonce-01", NOW), LINE_REPEAT);
	assert_memory_equal(&l, &before, sizeof(l));
}

static void test_a_request_that_was_on_its_way_for_long_does_no_harm(void **state)
{
	struct line l = {.serial = 1};

	(void)state;
	assert_int_equal(line_step(&l, 1, "nonce-01", NOW), LINE_ON);
	assert_int_equal(line_step(&l, 2, "nonce-02", NOW), LINE_ON);
	assert_int_equal(line_step(&l, 3, "nonce-03", NOW), LINE_ON);
	assert_int_equal(line_step(&l, 1, "nonce-01", NOW), LINE_LATE);
	assert_int_equal(line_step(&l, 4, "nonce-04", NOW), LINE_ON);
	assert_int_equal(l.conflict_at, 0);
}

static void test_two_clones_are_found_out_when_the_first_comes_again(void **state)
{
	struct line l = {.serial = 7};

	(void)state;
	assert_int_equal(line_step(&l, 7, "aaaaaaa1", NOW), LINE_ON);	    /* A has 8 */
	assert_int_equal(line_step(&l, 7, "bbbbbbb1", NOW), LINE_CONFLICT); /* B has 9 */
	assert_int_equal(l.conflict_at, NOW);
	assert_int_equal(line_step(&l, 8, "aaaaaaa2", NOW + 300), LINE_CLONED);
	assert_int_equal(l.told_at, NOW + 300);
	/* B, who stays, is not disturbed. */
	assert_int_equal(line_step(&l, 9, "bbbbbbb2", NOW + 300), LINE_ON);
	/* A is told as long as it comes. */
	assert_int_equal(line_step(&l, 8, "aaaaaaa3", NOW + 600), LINE_CLONED);
}

static void test_a_machine_set_back_to_a_snapshot_goes_on(void **state)
{
	struct line l = {.serial = 1};
	int64_t snapshot = 1, at = NOW;
	char nonce[24];

	(void)state;
	/* Every night for a month it is set back to the same state. */
	for (int night = 0; night < 30; night++) {
		int64_t serial = snapshot;

		for (int i = 0; i < 20; i++) {
			enum line_verdict v;

			snprintf(nonce, sizeof(nonce), "night-%d-%d", night, i);
			v = line_step(&l, serial, nonce, at);
			assert_int_equal(v, i || !night ? LINE_ON : LINE_CONFLICT);
			serial = l.serial;
			at += 3600;
		}
		at += 4 * 3600;
	}
	assert_int_equal(l.told_at, 0);
}

static void test_a_hundred_copies_of_one_image_are_found_out(void **state)
{
	struct line l = {.serial = 1};
	int64_t serial[100], at = NOW;
	bool gone[100] = {false};
	char nonce[24];
	int left = 100;

	(void)state;
	for (int i = 0; i < 100; i++)
		serial[i] = 1;
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 100; i++) {
			if (gone[i])
				continue;
			snprintf(nonce, sizeof(nonce), "copy-%d-%d", i, round);
			if (line_step(&l, serial[i], nonce, at) == LINE_CLONED) {
				gone[i] = true;
				left--;
			} else {
				serial[i] = l.serial;
			}
			at += 3;
		}
	}
	assert_int_equal(left, 1);
}

static void test_a_portal_set_back_to_a_backup_takes_its_systems_on(void **state)
{
	struct line l = {.serial = 5};

	(void)state;
	assert_int_equal(line_step(&l, 900, "nonce-01", NOW), LINE_AHEAD);
	assert_int_equal(line_step(&l, 901, "nonce-02", NOW), LINE_ON);
	assert_int_equal(l.conflict_at, 0);
}

static void test_the_largest_serial_does_not_overflow(void **state)
{
	struct line l = {.serial = 5};

	(void)state;
	assert_int_equal(line_step(&l, LINE_SERIAL_MAX - 1, "nonce-01", NOW), LINE_AHEAD);
	assert_int_equal(l.serial, LINE_SERIAL_MAX);
}

static void test_what_is_remembered_has_a_limit(void **state)
{
	struct line l = {.serial = LINE_SERIAL_MAX - 1000};
	char nonce[LINE_NONCE_MAX + 1];

	(void)state;
	for (int i = 0; i < 500; i++) {
		snprintf(nonce, sizeof(nonce), "%060d%04d", 0, i);
		(void)line_step(&l, i % 3 ? l.serial : 1, nonce, NOW + i);
		assert_true(strlen(l.nonces) < sizeof(l.nonces));
		assert_true(strlen(l.displaced) < sizeof(l.displaced));
	}
	assert_int_equal(strlen(l.nonces), 4 * 64 + 3);
}

/* --- a model: machines that keep their serial and the nonce of the request without answer --- */

struct machine {
	int64_t serial;
	char nonce[24]; /* "" when the last answer has come */
	bool told;
	int checkins;
};

static uint32_t seed;

static unsigned int dice(unsigned int n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

struct late {
	int64_t serial;
	char nonce[24];
	int due;
	struct machine *from;
};

/* One request, which may be lost, doubled, or come late; its answer may be lost. *late keeps a double. */
static enum line_verdict visit(struct line *l, struct machine *m, int64_t at, bool bad_network,
			       struct late *late, int step)
{
	static int nonces;
	enum line_verdict v;

	m->checkins++;
	if (!m->nonce[0])
		snprintf(m->nonce, sizeof(m->nonce), "nonce-%08d", ++nonces);
	if (bad_network && dice(5) == 0)
		return LINE_ON; /* lost on the way */
	if (bad_network && late && !late->due && dice(6) == 0) {
		late->serial = m->serial;
		memcpy(late->nonce, m->nonce, sizeof(late->nonce));
		late->due = step + 1 + (int)dice(3);
		late->from = m;
	}
	v = line_step(l, m->serial, m->nonce, at);
	if (bad_network && dice(5) == 0)
		return v; /* its answer is lost */
	if (v == LINE_CLONED) {
		m->told = true;
		return v;
	}
	m->serial = l->serial;
	m->nonce[0] = 0;
	return v;
}

static void test_a_single_machine_is_never_told_that_it_is_a_clone(void **state)
{
	(void)state;
	for (seed = 1; seed < 2000; seed++) {
		uint32_t run = seed;
		struct line l = {.serial = 1};
		struct machine m = {.serial = 1};
		struct late late = {0};
		int64_t at = NOW;

		for (int step = 0; step < 60; step++, at += MINUTES_5) {
			enum line_verdict v = visit(&l, &m, at, true, &late, step);

			if (v == LINE_CLONED || v == LINE_CONFLICT)
				fail_msg("run %u, step %d: verdict %d", run, step, (int)v);
			if (late.due && late.due <= step) {
				v = line_step(&l, late.serial, late.nonce, at);
				if (v == LINE_CLONED || v == LINE_CONFLICT)
					fail_msg("run %u, step %d: a late one: %d", run, step,
						 (int)v);
				late.due = 0;
			}
		}
		/* It is where the portal is, or one lost answer behind. */
		assert_true(m.serial == l.serial || m.serial == l.serial - 1);
		seed = run;
	}
}

static void test_of_two_live_clones_one_is_told_within_few_checkins(void **state)
{
	int worst = 0;

	(void)state;
	for (seed = 1; seed < 2000; seed++) {
		uint32_t run = seed;
		struct line l = {.serial = 1};
		struct machine m[2] = {{.serial = 1}};
		int64_t at = NOW;
		int steps = 0;

		/* Some life before it is copied, perhaps with a request without answer. */
		for (int i = (int)dice(10); i > 0; i--)
			(void)visit(&l, &m[0], at, true, NULL, 0);
		m[1] = m[0];
		m[0].checkins = m[1].checkins = 0;
		while (!m[0].told && !m[1].told) {
			(void)visit(&l, &m[dice(2)], at, true, NULL, 0);
			at += MINUTES_5 / 2;
			if (++steps > 200)
				fail_msg("run %u: nobody was told", run);
		}
		/* Not both: whoever is left goes on undisturbed. */
		assert_int_equal(m[0].told + m[1].told, 1);
		if (steps > worst)
			worst = steps;
		for (int i = 0; i < 30; i++, at += MINUTES_5) {
			struct machine *left = m[0].told ? &m[1] : &m[0];
			enum line_verdict v = visit(&l, left, at, true, NULL, 0);

			if (v == LINE_CLONED || v == LINE_CONFLICT)
				fail_msg("run %u: the one that is left: %d", run, (int)v);
		}
		seed = run;
	}
	assert_true(worst < 80);
}

static void test_on_a_good_network_clones_are_told_by_their_third_checkin(void **state)
{
	(void)state;
	for (seed = 1; seed < 500; seed++) {
		uint32_t run = seed;
		struct line l = {.serial = 1};
		struct machine m[2] = {{.serial = 1}, {.serial = 1}};
		int64_t at = NOW;

		for (int i = 0; i < 3 && !m[0].told && !m[1].told; i++, at += MINUTES_5) {
			unsigned int first = dice(2);

			(void)visit(&l, &m[first], at, false, NULL, 0);
			if (!m[first].told)
				(void)visit(&l, &m[!first], at, false, NULL, 0);
		}
		assert_int_equal(m[0].told + m[1].told, 1);
		seed = run;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_line_goes_on),
		cmocka_unit_test(test_a_lost_answer_is_given_again),
		cmocka_unit_test(test_a_request_that_was_on_its_way_for_long_does_no_harm),
		cmocka_unit_test(test_two_clones_are_found_out_when_the_first_comes_again),
		cmocka_unit_test(test_a_machine_set_back_to_a_snapshot_goes_on),
		cmocka_unit_test(test_a_hundred_copies_of_one_image_are_found_out),
		cmocka_unit_test(test_a_portal_set_back_to_a_backup_takes_its_systems_on),
		cmocka_unit_test(test_the_largest_serial_does_not_overflow),
		cmocka_unit_test(test_what_is_remembered_has_a_limit),
		cmocka_unit_test(test_a_single_machine_is_never_told_that_it_is_a_clone),
		cmocka_unit_test(test_of_two_live_clones_one_is_told_within_few_checkins),
		cmocka_unit_test(test_on_a_good_network_clones_are_told_by_their_third_checkin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
