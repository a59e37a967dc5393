// SPDX-License-Identifier: Apache-2.0
/* change/record.h: what we leave in a process is found again, and nothing else is taken for it. */
#include "unit.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "change/record.h"

static struct proc *self(void)
{
	struct sut_err err = {0};
	struct proc *p = NULL;

	assert_ok(proc_open(getpid(), &p, &err), err);
	return p;
}

static void jump(uint8_t out[5], uint64_t from, uint64_t to)
{
	int32_t rel = (int32_t)(to - from - 5);

	out[0] = 0xe9;
	memcpy(out + 1, &rel, 4);
}

/* A function with a jump, and one with an island. */
static struct record sample(uint64_t at, struct record_place places[2])
{
	struct record r = {.at = at, .places = places};
	uint64_t f = at + (1 << 20);

	r.head = (struct record_head){.state = RECORD_READY,
				      .nplaces = 2,
				      .level = 3,
				      .id = "U20261121_01",
				      .image_len = 8192,
				      .bias = 0x1000,
				      .time = 12};
	memset(r.head.build_id, 7, 20);
	memset(r.head.sha256, 9, 32);
	places[0] = (struct record_place){.addr = f + 4,
					  .func = f,
					  .func_len = 100,
					  .new_addr = at + 4096,
					  .original = {1, 2, 3, 4, 5},
					  .len = 5};
	jump(places[0].jump, f + 4, at + 4096);
	places[1] = (struct record_place){.addr = f + 200,
					  .func = f + 200,
					  .func_len = 3,
					  .new_addr = at + 4200,
					  .island = f + 180,
					  .original = {1, 2},
					  .jump = {0xeb, (uint8_t)(180 - 202)},
					  .island_original = {0xcc, 0xcc, 0xcc, 0xcc, 0xcc},
					  .len = 2};
	jump(places[1].island_jump, f + 180, at + 4200);
	return r;
}

static uint8_t *map(size_t len)
{
	uint8_t *m = mmap(NULL, len, PROT_READ | PROT_EXEC,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	assert_true(m != MAP_FAILED);
	return m;
}

static void what_was_written_is_found(void **state _unused_)
{
	uint8_t *m = map(8192);
	struct record_place places[2];
	struct record r = sample((uintptr_t)m, places), *found = NULL;
	struct sut_err err = {0};
	struct proc *p = self();
	size_t n = 0;

	assert_ok(record_find(p, &found, &n, &err), err);
	assert_int_equal(n, 0);
	record_free_all(found, n);
	assert_ok(record_write(p, &r, &err), err);
	assert_ok(record_find(p, &found, &n, &err), err);
	assert_int_equal(n, 1);
	assert_true(found[0].at == (uintptr_t)m && found[0].head.state == RECORD_READY);
	assert_string_equal(found[0].head.id, "U20261121_01");
	assert_int_equal(found[0].head.level, 3);
	assert_memory_equal(found[0].places, places, sizeof(places));
	record_free_all(found, n);

	assert_ok(record_set_state(p, &r, RECORD_APPLIED, &err), err);
	assert_ok(record_find(p, &found, &n, &err), err);
	assert_int_equal(n, 1);
	assert_int_equal(found[0].head.state, RECORD_APPLIED);
	record_free_all(found, n);
	proc_close(p);
	munmap(m, 8192);
}

static void thousands_of_other_mappings_do_not_hide_it(void **state _unused_)
{
	enum { N = 300 };
	struct record_place places[2];
	uint8_t *v[N], *m;
	struct record r, *found = NULL;
	struct sut_err err = {0};
	struct proc *p;
	size_t n = 0;

	/* Every second page, so that none are joined; one of them cannot be read. */
	m = mmap(NULL, N * 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (size_t i = 0; i < N; i++) {
		v[i] = m + i * 8192;
		assert_int_equal(mprotect(v[i], 4096, PROT_READ | PROT_EXEC), 0);
	}
	munmap(v[N - 2], 8192 * 2);
	assert_true(mmap(v[N - 2], 8192, PROT_READ | PROT_EXEC,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == v[N - 2]);
	r = sample((uintptr_t)v[N - 2], places);
	p = self();
	munmap(v[3], 4096);
	assert_ok(record_write(p, &r, &err), err);
	assert_ok(record_find(p, &found, &n, &err), err);
	assert_int_equal(n, 1);
	assert_true(found[0].at == (uintptr_t)v[N - 2]);
	record_free_all(found, n);
	proc_close(p);
	munmap(m, N * 8192);
}

static void a_copy_elsewhere_is_none_of_ours(void **state _unused_)
{
	uint8_t *a = map(8192),
		*b = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct record_place places[2];
	struct record r = sample((uintptr_t)a, places), *found = NULL;
	struct proc *p = self();
	size_t n = 0;

	assert_int_equal(record_write(p, &r, NULL), 0);
	memcpy(b, a, 8192);
	munmap(a, 8192);
	assert_int_equal(mprotect(b, 8192, PROT_READ | PROT_EXEC), 0);
	assert_int_equal(proc_refresh(p, NULL), 0);
	assert_int_equal(record_find(p, &found, &n, NULL), 0);
	assert_int_equal(n, 0);
	record_free_all(found, n);
	proc_close(p);
	munmap(b, 8192);
}

/* Every single bit counts, except in the state, whose values are few. */
static void no_changed_bit_is_accepted(void **state _unused_)
{
	uint8_t *m = map(8192);
	struct record_place places[2];
	struct record r = sample((uintptr_t)m, places), got;
	size_t len = SUT_LIBRARY_HEAD + 2 * SUT_LIBRARY_HEAD_FUNC;
	uint8_t copy[SUT_LIBRARY_HEAD + 2 * SUT_LIBRARY_HEAD_FUNC];
	struct proc *p = self();

	assert_int_equal(record_write(p, &r, NULL), 0);
	memcpy(copy, m, len);
	assert_int_equal(record_parse(copy, len, r.at, &got, NULL), 0);
	record_release(&got);
	for (size_t bit = 0; bit < len * 8; bit++) {
		size_t byte = bit / 8;
		int rc;

		copy[byte] ^= (uint8_t)(1u << bit % 8);
		rc = record_parse(copy, len, r.at, &got, NULL);
		if (rc == 0)
			record_release(&got);
		if (byte >= offsetof(struct record_head, state) &&
		    byte < offsetof(struct record_head, state) + 4)
			assert_true(rc == 0 ? got.head.state <= RECORD_REPLACED : rc == -EBADMSG);
		else
			assert_int_equal(rc, -EBADMSG);
		copy[byte] ^= (uint8_t)(1u << bit % 8);
	}
	for (size_t cut = 0; cut < len; cut++)
		assert_int_equal(record_parse(copy, cut, r.at, &got, NULL), -EBADMSG);
	proc_close(p);
	munmap(m, 8192);
}

static void a_jump_that_leads_elsewhere_is_refused(void **state _unused_)
{
	uint8_t *m = map(8192);
	struct record_place places[2];
	struct proc *p = self();

	for (int what = 0; what < 6; what++) {
		struct record r = sample((uintptr_t)m, places), got;

		if (what == 0)
			places[0].new_addr = r.at + r.head.image_len;
		else if (what == 1)
			places[0].jump[1] ^= 1;
		else if (what == 2)
			places[1].island_jump[1] ^= 1;
		else if (what == 3)
			places[1].jump[1]++;
		else if (what == 4)
			places[0].len = 2;
		else
			places[0].func = places[0].addr + 1;
		assert_int_equal(record_write(p, &r, NULL), 0);
		assert_int_equal(record_parse(m, 8192, r.at, &got, NULL), -EBADMSG);
	}
	proc_close(p);
	munmap(m, 8192);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_written_is_found),
		cmocka_unit_test(thousands_of_other_mappings_do_not_hide_it),
		cmocka_unit_test(a_copy_elsewhere_is_none_of_ours),
		cmocka_unit_test(no_changed_bit_is_accepted),
		cmocka_unit_test(a_jump_that_leads_elsewhere_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
