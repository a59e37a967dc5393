// SPDX-License-Identifier: Apache-2.0
/* patch/agree.h: the manifest of a library's patch and its payload say the same, or the patch is refused. */
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "patch/agree.h"
#include "sample_library.h"
#include "sample_patch.h"

static struct sut_patch *patch;
static struct sut_manifest *m;
static struct sample_library s;

static int set_up(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(1 << 20);
	struct sut_err err = {0};

	sample_library_patch(&b);
	assert_ok(sut_patch_parse(b.data, b.len, &patch, &err), err);
	assert_ok(sut_manifest_load(patch->manifest, &m, &err), err);
	sample_library(&s);
	memcpy(s.l.build_id, m->target.build_id, sizeof(s.l.build_id));
	return 0;
}

static int tear_down(void **state _unused_)
{
	sut_manifest_freep(&m);
	sut_patch_freep(&patch);
	m = NULL;
	patch = NULL;
	return 0;
}

static void a_good_patch_is_opened(void **state _unused_)
{
	_cleanup_(sut_library_freep) struct sut_library *l = NULL;
	struct sut_err err = {0};

	assert_ok(sut_library_of_patch(patch, m, &l, &err), err);
	assert_int_equal(l->nfuncs, 2);
	assert_memory_equal(l->build_id, m->target.build_id, sizeof(l->build_id));
}

static void a_payload_that_is_none_is_refused(void **state _unused_)
{
	struct sut_member *member = (struct sut_member *)sut_patch_member(patch, "libexpat.bin");
	struct sut_library *l = NULL;
	struct sut_err err = {0};

	member->data[0] ^= 1;
	assert_int_equal(sut_library_of_patch(patch, m, &l, &err), -EBADMSG);
	assert_null(l);
	assert_says(err, "libexpat.bin");
}

static void disagree(const char *says)
{
	struct sut_err err = {0};

	assert_int_equal(sut_library_agrees(m, &s.l, &err), -EBADMSG);
	assert_string_equal(err.reason, "disagree");
	assert_says(err, says);
}

static void every_difference_is_named(void **state _unused_)
{
	struct sut_manifest_object *o = &m->objects[0];
	struct sut_err err = {0};

	assert_ok(sut_library_agrees(m, &s.l, &err), err);
	m->target.build_id[19] ^= 1;
	disagree("build-id");
	m->target.build_id[19] ^= 1;
	o->functions[0].address++;
	disagree("lookup: the payload does not replace it");
	o->functions[0].address--;
	s.funcs[0].name = "look";
	disagree("another name");
	s.funcs[0].name = "lookup";
	o->functions[1].new_size++;
	disagree("tiny: its size");
	o->functions[1].new_size--;
	o->functions[1].redirect = SUTURE_REDIRECT_JUMP_ENTRY;
	disagree("tiny: how");
	o->functions[1].redirect = SUT_REDIRECT_JUMP_ISLAND;
	s.ranges[0].kind = SUT_LIBRARY_CHECK;
	disagree("lookup.cold: the payload has no such piece");
	s.ranges[0].kind = SUT_LIBRARY_CHILD;
	s.ranges[2].kind = SUT_LIBRARY_CHILD; /* a piece the manifest does not tell */
	disagree("split off");
	s.ranges[2].kind = SUT_LIBRARY_BUSY;
	disagree("table: the manifest does not name it");
	s.ranges[2].kind = SUT_LIBRARY_CHECK;
	s.ranges[1].kind = SUT_LIBRARY_CHECK;
	disagree("caller: its bytes");
	s.ranges[1].kind = SUT_LIBRARY_BUSY;
	o->nfunctions = 1; /* one that is not told */
	disagree("how many functions");
	o->nfunctions = 2;
	o->imports[1].name = "other";
	disagree("lookup: the manifest does not import it");
	o->imports[1].name = "lookup";
	o->nimports = 1;
	disagree("how many symbols");
	o->nimports = 2;
	m->engine_abi = 2;
	assert_int_equal(sut_library_agrees(m, &s.l, &err), -EPROTONOSUPPORT);
	assert_string_equal(err.reason, "version");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_good_patch_is_opened, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_payload_that_is_none_is_refused, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(every_difference_is_named, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("agree", tests, NULL, NULL);
}
