// SPDX-License-Identifier: Apache-2.0
/* The rules of the crash guard one by one, its file, and what a damaged file leads to. */
#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/str.h"
#include "common/paths.h"
#include "suture-apply/guard.h"

#define BOOT1 "11111111-1111-4111-8111-111111111111"
#define BOOT2 "22222222-2222-4222-8222-222222222222"
#define BUILD "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static struct guard_patch patch(char c)
{
	struct guard_patch p = {.level = (uint32_t)(c - 'A' + 1)};

	snprintf(p.id, sizeof(p.id), "K20261121_0%c", c);
	memset(p.sha256, c - 'A' + 'a', SUT_SHA256_HEX - 1);
	return p;
}

static void must_be(const struct guard_patch *p, char c)
{
	struct guard_patch want = patch(c);

	assert_string_equal(p->id, want.id);
	assert_string_equal(p->sha256, want.sha256);
	assert_int_equal(p->level, want.level);
}

static struct guard probation(char c)
{
	struct guard g = {0};
	struct guard_patch p = patch(c);

	guard_begin(&g, &p, BOOT1, 1000, 50);
	guard_applied(&g, 60, 900);
	return g;
}

static struct guard good(char c)
{
	struct guard g = probation(c);

	guard_settled(&g, 2000);
	return g;
}

/* What is applied by a boot, and is in probation again. */
static struct guard good_in_probation(char c)
{
	struct guard g = good(c);
	struct guard_patch p = patch(c);

	guard_begin(&g, &p, BOOT1, 3000, 5);
	guard_applied(&g, 6, 900);
	return g;
}

static struct guard_boot boot(struct guard *g, bool clean, const char *evidence)
{
	struct guard_boot b;

	guard_boot(g, BOOT2, clean, evidence, 5000, &b);
	return b;
}

/* --- one patch's life --- */

static void begins_before_the_kernel_is_touched(void **state)
{
	struct guard g = {0};
	struct guard_patch p = patch('A');

	(void)state;
	guard_begin(&g, &p, BOOT1, 1000, 50);
	assert_int_equal(g.phase, GUARD_APPLYING);
	must_be(&g.now, 'A');
	assert_string_equal(g.boot_id, BOOT1);
	assert_int_equal(g.since, 1000);
	assert_false(guard_due(&g, BOOT1, 1000000));
	guard_failed(&g);
	assert_int_equal(g.phase, GUARD_IDLE);
	assert_string_equal(g.now.id, "");
	assert_string_equal(g.good.id, "");
}

static void probation_is_measured_by_uptime(void **state)
{
	struct guard g = probation('A');

	(void)state;
	assert_false(guard_due(&g, BOOT1, 959));
	assert_true(guard_due(&g, BOOT1, 960));
	assert_false(guard_due(&g, BOOT2, 960)); /* another boot's */
	guard_settled(&g, 2000);
	assert_int_equal(g.phase, GUARD_IDLE);
	must_be(&g.good, 'A');
	assert_int_equal(g.good_since, 2000);
	assert_false(guard_due(&g, BOOT1, 5000));
}

static void a_good_patch_stays_good_since_the_first_time(void **state)
{
	struct guard g = good_in_probation('A');

	(void)state;
	guard_settled(&g, 9000);
	assert_int_equal(g.good_since, 2000);
}

static void what_fails_over_a_patch_in_probation_leaves_that_in_probation(void **state)
{
	struct guard g = probation('A');
	struct guard_patch p = patch('B');

	(void)state;
	guard_begin(&g, &p, BOOT1, 1100, 100);
	must_be(&g.before, 'A');
	guard_failed(&g);
	assert_int_equal(g.phase, GUARD_PROBATION);
	must_be(&g.now, 'A');
	assert_string_equal(g.before.id, "");
	assert_false(guard_due(&g, BOOT1, 999)); /* from the beginning */
	assert_true(guard_due(&g, BOOT1, 1000));
	guard_begin(&g, &p, BOOT1, 1100, 100);
	guard_applied(&g, 110, 900);
	must_be(&g.now, 'B');
	assert_string_equal(g.before.id, "");
}

static void unloading_on_purpose_is_remembered_until_something_is_applied(void **state)
{
	struct guard g = good('A');
	struct guard_patch p = patch('B');

	(void)state;
	guard_reverted(&g, true);
	assert_true(g.unloaded);
	assert_string_equal(boot(&g, true, "").apply.id, "");
	guard_begin(&g, &p, BOOT2, 1, 1);
	guard_failed(&g);
	assert_true(g.unloaded); /* nothing was applied */
	guard_begin(&g, &p, BOOT2, 1, 1);
	guard_applied(&g, 2, 900);
	assert_false(g.unloaded);
}

static void taking_back_an_ill_patch_is_not_on_purpose(void **state)
{
	struct guard g = good('A');
	struct guard_patch p = patch('B');
	struct guard_boot b;

	(void)state;
	guard_begin(&g, &p, BOOT1, 1, 1);
	guard_applied(&g, 2, 900);
	guard_quarantine(&g, &p, "health", "10-web: no answer", 10);
	guard_settled(&g, 11); /* the quarantined one is not made good by mistake */
	must_be(&g.good, 'A');
	assert_int_equal(g.phase, GUARD_PROBATION);
	guard_reverted(&g, false);
	assert_false(g.unloaded);
	b = boot(&g, true, "");
	must_be(&b.apply, 'A');
}

/* --- quarantine --- */

static void quarantine_names_each_patch_once_and_forgets_the_oldest(void **state)
{
	struct guard g = {0};
	char detail[2 * GUARD_DETAIL_MAX];
	struct guard_patch p = patch('A');

	(void)state;
	guard_quarantine(&g, &p, "oops", "first\nline\x1b[1m", 1);
	assert_string_equal(g.quarantined[0].detail, "first?line?[1m");
	guard_quarantine(&g, &p, "health", "second", 2);
	assert_int_equal(g.nquarantined, 1);
	assert_string_equal(g.quarantined[0].why, "health");
	for (int i = 0; i < GUARD_QUARANTINED_MAX; i++) {
		struct guard_patch q = patch('B');

		snprintf(q.sha256, sizeof(q.sha256), "%064d", i);
		guard_quarantine(&g, &q, "oops", "", 3);
	}
	assert_int_equal(g.nquarantined, GUARD_QUARANTINED_MAX);
	assert_false(guard_is_quarantined(&g, p.sha256));
	/* Cut between two characters. */
	memset(detail, 'x', sizeof(detail));
	memcpy(detail + GUARD_DETAIL_MAX - 2, "\xc3\xa4", 2);
	detail[sizeof(detail) - 1] = 0;
	guard_quarantine(&g, &p, "oops", detail, 4);
	assert_int_equal(strlen(g.quarantined[GUARD_QUARANTINED_MAX - 1].detail),
			 GUARD_DETAIL_MAX - 2);
}

static void a_quarantined_patch_is_no_longer_the_good_one(void **state)
{
	struct guard g = good('A');

	(void)state;
	guard_quarantine(&g, &g.good, "oops", "", 1);
	assert_string_equal(g.good.id, "");
	must_be(&g.quarantined[0].patch, 'A');
	assert_string_equal(boot(&g, true, "").apply.id, "");
}

static void release_lets_go_one_or_all(void **state)
{
	struct guard g = {0};
	struct guard_patch a = patch('A'), b = patch('B'), c = patch('C');

	(void)state;
	guard_quarantine(&g, &a, "oops", "", 1);
	guard_quarantine(&g, &b, "oops", "", 1);
	guard_quarantine(&g, &c, "oops", "", 1);
	assert_int_equal(guard_release(&g, b.sha256), 1);
	assert_int_equal(guard_release(&g, b.sha256), 0);
	assert_true(guard_is_quarantined(&g, a.sha256) && guard_is_quarantined(&g, c.sha256));
	assert_int_equal(guard_release(&g, NULL), 2);
	assert_int_equal(g.nquarantined, 0);
}

/* --- boots --- */

static void a_boot_brings_back_the_last_good_one(void **state)
{
	struct guard g = good('A');
	struct guard_boot b = boot(&g, false, "");

	(void)state;
	must_be(&b.apply, 'A');
	assert_false(b.unclean); /* nothing was in probation */
	assert_int_equal(g.nquarantined, 0);
}

static void a_new_patch_is_quarantined_by_its_first_unclean_end(void **state)
{
	for (int applied = 0; applied < 2; applied++) {
		struct guard g = good('A');
		struct guard_patch p = patch('B');
		struct guard_boot b;

		(void)state;
		guard_begin(&g, &p, BOOT1, 1, 1);
		if (applied)
			guard_applied(&g, 2, 900);
		b = boot(&g, false, applied ? "dmesg-efi-1: Kernel panic" : "");
		assert_true(b.unclean && b.quarantine);
		must_be(&b.blamed, 'B');
		must_be(&b.apply, 'A');
		assert_int_equal(g.phase, GUARD_IDLE);
		assert_true(guard_is_quarantined(&g, p.sha256));
		assert_string_equal(g.quarantined[0].why, applied ? "panic" : "unclean");
		assert_int_equal(g.quarantined[0].at, 5000);
	}
}

static void an_orderly_end_in_probation_blames_nobody(void **state)
{
	struct guard g = probation('B');
	struct guard_boot b = boot(&g, true, "dmesg-efi-1: something old");

	(void)state;
	assert_false(b.unclean || b.quarantine);
	assert_int_equal(g.nquarantined, 0);
	assert_string_equal(b.apply.id, ""); /* it never was good */
	assert_int_equal(g.phase, GUARD_IDLE);
}

static void a_good_patch_survives_two_unclean_ends_and_not_the_third(void **state)
{
	struct guard g = good('A');
	struct guard_patch p = patch('A');
	struct guard_boot b;

	(void)state;
	for (int i = 0; i < 3; i++) {
		guard_begin(&g, &p, BOOT1, 1, 1);
		guard_applied(&g, 2, 900);
		b = boot(&g, false, "");
		assert_true(b.unclean);
		assert_int_equal(b.quarantine, i == 2);
		assert_string_equal(b.apply.id, i == 2 ? "" : p.id);
	}
	assert_true(guard_is_quarantined(&g, p.sha256));
}

static void a_stood_probation_forgives_unclean_ends_and_an_orderly_end_does_not(void **state)
{
	struct guard g = good_in_probation('A');
	struct guard_patch p = patch('A');

	(void)state;
	(void)boot(&g, false, "");
	assert_int_equal(g.tries, 1);
	guard_begin(&g, &p, BOOT1, 1, 1);
	guard_applied(&g, 2, 900);
	(void)boot(&g, true, "");
	assert_int_equal(g.tries, 1);
	guard_begin(&g, &p, BOOT1, 1, 1);
	guard_applied(&g, 2, 900);
	guard_settled(&g, 3);
	assert_int_equal(g.tries, 0);
}

static void what_was_in_probation_below_a_new_one_is_blamed_too(void **state)
{
	struct guard g = probation('A');
	struct guard_patch a = patch('A'), b = patch('B');

	(void)state;
	guard_begin(&g, &b, BOOT1, 1100, 100);
	(void)boot(&g, false, "");
	assert_true(guard_is_quarantined(&g, a.sha256));
	assert_true(guard_is_quarantined(&g, b.sha256));
	assert_string_equal(g.good.id, "");
	g = good_in_probation('A');
	guard_begin(&g, &b, BOOT1, 1100, 100);
	must_be(&g.before, 'A');
	(void)boot(&g, false, "");
	assert_false(guard_is_quarantined(&g, a.sha256));
	assert_true(guard_is_quarantined(&g, b.sha256));
}

static void the_same_boot_is_no_boot(void **state)
{
	struct guard g = probation('A'), before = g;
	struct guard_boot b;

	(void)state;
	guard_boot(&g, BOOT1, false, "", 1, &b);
	assert_false(b.unclean);
	assert_string_equal(b.apply.id, "");
	assert_memory_equal(&g, &before, sizeof(g));
}

/* --- the file --- */

struct dir {
	char *root;
	struct agent_path folder, path;
};

static int set_up(void **state)
{
	struct dir *d = calloc(1, sizeof(*d));

	if (!d || sut_tmpdir("guard", &d->root, NULL) < 0)
		return -1;
	d->folder = agent_path(d->root, AGENT_KERNELS "/" BUILD);
	d->path = agent_path(d->root, AGENT_KERNELS "/" BUILD "/guard.json");
	*state = d;
	return 0;
}

static int tear_down(void **state)
{
	struct dir *d = *state;
	int r = sut_rm_rf(d->root, NULL);

	free(d->root);
	free(d);
	return r;
}

static void same_guard(const struct guard *a, const struct guard *b)
{
	json_t *x = guard_json(a), *y = guard_json(b);

	assert_non_null(x);
	assert_true(json_equal(x, y));
	json_decref(x);
	json_decref(y);
}

static void what_is_written_is_read(void **state)
{
	const struct dir *d = *state;
	struct guard g, back;
	struct sut_err err = {0};
	struct guard_patch p = patch('B'), c = patch('C');

	assert_ok(guard_read(d->root, BUILD, &back, &err), err);
	same_guard(&back, &(struct guard){0});
	g = good_in_probation('A');
	guard_quarantine(&g, &c, "panic", "Kernel panic \"here\" \\ äöü", 77);
	guard_begin(&g, &p, BOOT1, -5, 3);
	g.tries = 2;
	g.unloaded = true;
	assert_ok(guard_write(d->root, BUILD, &g, &err), err);
	assert_ok(guard_read(d->root, BUILD, &back, &err), err);
	g.since = 0; /* a clock before 1970 */
	same_guard(&g, &back);
	must_be(&back.before, 'A');
	must_be(&back.good, 'A');
	assert_string_equal(back.quarantined[0].detail, "Kernel panic \"here\" \\ äöü");
}

static void the_largest_guard_fits(void **state)
{
	const struct dir *d = *state;
	struct guard g = good('A'), back;
	struct sut_err err = {0};
	char detail[GUARD_DETAIL_MAX];

	memset(detail, '"', sizeof(detail));
	detail[sizeof(detail) - 1] = 0;
	for (int i = 0; i < GUARD_QUARANTINED_MAX; i++) {
		struct guard_patch q = patch('B');

		snprintf(q.sha256, sizeof(q.sha256), "%064d", i);
		guard_quarantine(&g, &q, "oops", detail, 3);
	}
	assert_ok(guard_write(d->root, BUILD, &g, &err), err);
	assert_ok(guard_read(d->root, BUILD, &back, &err), err);
	same_guard(&g, &back);
}

static size_t count_aside(const struct dir *d)
{
	DIR *dir = opendir(d->folder.s);
	const struct dirent *e;
	size_t n = 0;

	while (dir && (e = readdir(dir)))
		n += sut_startswith(e->d_name, "guard.json.damaged-");
	if (dir)
		closedir(dir);
	return n;
}

static void a_damaged_guard_is_moved_aside_and_reported_until_a_new_one_is_written(void **state)
{
	static const char *const texts[] = {"", "{", "[]", "{\"format\": \"suture-guard\"}",
					    ("\x7f"
					     "ELF")};
	const struct dir *d = *state;
	struct guard g;
	struct sut_err err = {0};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(texts) + 1; i++) {
		assert_ok(sut_mkdir_p(d->folder.s, &err), err);
		if (i < SUT_ARRAY_SIZE(texts))
			assert_ok(sut_file_write(d->path.s, texts[i], strlen(texts[i]), 0644, &err),
				  err);
		else
			assert_ok(sut_mkdir_p(d->path.s, &err), err);
		for (int again = 0; again < 2; again++) {
			assert_int_equal(guard_read(d->root, BUILD, &g, &err), -EBADMSG);
			assert_string_equal(err.reason, "guard");
			assert_says(err, "nothing is applied by itself");
			assert_int_equal(count_aside(d), 1);
			assert_false(sut_exists(d->path.s));
		}
		g = (struct guard){0};
		assert_ok(guard_write(d->root, BUILD, &g, &err), err);
		assert_ok(guard_read(d->root, BUILD, &g, &err), err);
		assert_ok(sut_rm_rf(d->folder.s, &err), err);
	}
}

static void a_build_id_is_no_path(void **state)
{
	const struct dir *d = *state;
	struct guard g = {0};
	struct sut_err err = {0};

	assert_int_equal(guard_read(d->root, "../../../etc", &g, &err), -EINVAL);
	assert_int_equal(guard_write(d->root, "", &g, &err), -EINVAL);
	assert_int_equal(guard_write(d->root, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", &g, &err),
			 -EINVAL);
}

/* Each member is looked at: one that is missing, of another kind or out of bounds is refused by name. */
static void every_member_is_checked(void **state)
{
	static const struct {
		const char *name, *value;
	} bad[] = {
		{"format", "\"suture-applied\""},
		{"version", "2"},
		{"phase", "\"busy\""},
		{"phase", "\"idle\""},
		{"now", "null"},
		{"now", "{\"id\": \"../x\", \"level\": 1, \"sha256\": \"\"}"},
		{"boot_id", "\"\""},
		{"boot_id", "\"1\""},
		{"boot_id", "\"/1111111-1111-4111-8111-111111111111\""},
		{"since", "-1"},
		{"since", "1e3"},
		{"since_uptime_s", "\"5\""},
		{"probation_s", "-1"},
		{"before", "{}"},
		{"tries", "3"},
		{"good", "[]"},
		{"good_since", "null"},
		{"unloaded", "0"},
		{"quarantined", "{}"},
		{"quarantined", "[{}]"},
	};
	struct guard g = good_in_probation('A');
	struct guard_patch p = patch('B');
	struct guard ret;
	struct sut_err err = {0};

	(void)state;
	guard_quarantine(&g, &p, "oops", "", 1);
	for (size_t i = 0; i < 2 * SUT_ARRAY_SIZE(bad) + 1; i++) {
		json_t *j = guard_json(&g);
		char *text;
		int r;

		if (i < SUT_ARRAY_SIZE(bad))
			json_object_set_new(j, bad[i].name,
					    json_loads(bad[i].value, JSON_DECODE_ANY, NULL));
		else if (i < 2 * SUT_ARRAY_SIZE(bad))
			json_object_del(j, bad[i - SUT_ARRAY_SIZE(bad)].name);
		text = json_dumps(j, 0);
		json_decref(j);
		r = guard_parse(text, strlen(text), &ret, &err);
		free(text);
		if (i == 2 * SUT_ARRAY_SIZE(bad)) {
			assert_int_equal(r, 0);
			continue;
		}
		if (r != -EBADMSG)
			fail_msg("%s: %d", bad[i % SUT_ARRAY_SIZE(bad)].name, r);
		assert_string_equal(err.reason, "guard");
	}
}

static void a_good_patch_that_is_quarantined_contradicts_itself(void **state)
{
	struct guard g = good('A'), ret;
	struct sut_err err = {0};
	char *text;
	json_t *j;

	(void)state;
	guard_quarantine(&g, &g.good, "oops", "", 1);
	g.good = patch('A');
	j = guard_json(&g);
	text = json_dumps(j, 0);
	assert_int_equal(guard_parse(text, strlen(text), &ret, &err), -EBADMSG);
	assert_says(err, "'good'");
	json_decref(j);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(begins_before_the_kernel_is_touched),
		cmocka_unit_test(probation_is_measured_by_uptime),
		cmocka_unit_test(a_good_patch_stays_good_since_the_first_time),
		cmocka_unit_test(what_fails_over_a_patch_in_probation_leaves_that_in_probation),
		cmocka_unit_test(unloading_on_purpose_is_remembered_until_something_is_applied),
		cmocka_unit_test(taking_back_an_ill_patch_is_not_on_purpose),
		cmocka_unit_test(quarantine_names_each_patch_once_and_forgets_the_oldest),
		cmocka_unit_test(a_quarantined_patch_is_no_longer_the_good_one),
		cmocka_unit_test(release_lets_go_one_or_all),
		cmocka_unit_test(a_boot_brings_back_the_last_good_one),
		cmocka_unit_test(a_new_patch_is_quarantined_by_its_first_unclean_end),
		cmocka_unit_test(an_orderly_end_in_probation_blames_nobody),
		cmocka_unit_test(a_good_patch_survives_two_unclean_ends_and_not_the_third),
		cmocka_unit_test(
			a_stood_probation_forgives_unclean_ends_and_an_orderly_end_does_not),
		cmocka_unit_test(what_was_in_probation_below_a_new_one_is_blamed_too),
		cmocka_unit_test(the_same_boot_is_no_boot),
		cmocka_unit_test_setup_teardown(what_is_written_is_read, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_largest_guard_fits, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_damaged_guard_is_moved_aside_and_reported_until_a_new_one_is_written,
			set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_build_id_is_no_path, set_up, tear_down),
		cmocka_unit_test(every_member_is_checked),
		cmocka_unit_test(a_good_patch_that_is_quarantined_contradicts_itself),
	};

	return cmocka_run_group_tests_name("agent_guard", tests, NULL, NULL);
}
