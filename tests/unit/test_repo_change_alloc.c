// SPDX-License-Identifier: Apache-2.0
/* repo/change.h, repo/edit.h when memory is short: each allocation fails once. A change is then as it should be or
 * not there, and one that was signed is never another one. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"
#include "base/file.h"
#include "base/str.h"
#include "describe.h"
#include "edit.h"
#include "fault.h"
#include "sample_published.h"

enum { ALLOCATIONS_MAX = 200000 };

static struct sut_err err;

/* Everything that a rotation with hash bins does, up to what is written. */
static int work(struct sample_published *s, struct sut_buf *out, struct sut_err *e)
{
	_cleanup_(sut_change_freep) struct sut_change *c = NULL, *again = NULL;
	_cleanup_buf_ struct sut_buf text = SUT_BUF_INIT(SUT_DESCRIBE_MAX);
	const struct sut_keys *k = &s->repo->keys;
	int r = sut_change_open(s->repo, &c, e);

	if (r == 0)
		r = sut_edit_bins(c, "kernel", 2, e);
	if (r == 0)
		r = sut_edit_rotate(c, "kernel", sut_keys_find(k, "kernel-1")->id,
				    sut_keys_find(k, "kernel-2"), e);
	if (r == 0)
		r = sut_change_settle(c, e);
	if (r == 0)
		r = sut_describe_change(c, SAMPLE_PUBLISHED_NOW, &text, e);
	if (r == 0)
		r = sut_describe_needs(c, &text, e);
	if (r == 0)
		r = sut_change_format(c, out, e);
	if (r == 0)
		r = sut_change_parse(out->data, out->len, &again, e);
	return r;
}

static void each_allocation_fails_once(void **state _unused_)
{
	_cleanup_sample_published_ struct sample_published *s = sample_published_new();
	_cleanup_buf_ struct sut_buf good = SUT_BUF_INIT(SUT_CHANGE_MAX);
	uint64_t n, count = 0;

	assert_ok(work(s, &good, &err), err);
	for (n = 1; n < ALLOCATIONS_MAX; n += 1 + n / 200) {
		_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_CHANGE_MAX);
		int r;

		err = (struct sut_err){0};
		fault_alloc_arm(n);
		r = work(s, &b, &err);
		count = fault_alloc_disarm();
		if (n > count)
			break;
		if (r < 0) {
			assert_true(err.code && err.msg[0]);
			continue;
		}
		/* It went on without: then nothing is missing. */
		assert_int_equal(b.len, good.len);
		assert_memory_equal(b.data, good.data, b.len);
	}
	assert_true(n > 100);
	assert_true(n > count);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_allocation_fails_once),
	};

	return cmocka_run_group_tests_name("repo_change_alloc", tests, NULL, NULL);
}
