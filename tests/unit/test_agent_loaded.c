// SPDX-License-Identifier: Apache-2.0
/* loaded.h, and the program on files: a patch whose parts disagree is refused. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"
#include "base/file.h"
#include "base/proc.h"
#include "base/str.h"
#include "crypto/key.h"
#include "kernel/loaded.h"
#include "patch/modsign.h"
#include "sample_patch.h"

struct fixture {
	char *dir, *patch;
	json_t *json;
	struct sut_manifest *m;
	struct sut_buf bytes;
	struct sut_expect_table t;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_PATCH_FILE_MAX);
	struct sut_err err = {0};

	assert_non_null(f);
	assert_int_equal(sut_tmpdir("loaded", &f->dir, &err), 0);
	f->patch = sut_sprintf("%s/kpatch.bin", f->dir);
	sample_patch(&b);
	assert_int_equal(sut_file_write(f->patch, b.data, b.len, 0644, &err), 0);
	f->json = sample_manifest_full();
	assert_int_equal(sut_manifest_load(f->json, &f->m, &err), 0);
	f->bytes = SUT_BUF_INIT(SUTURE_MAX_EXPECT);
	sample_expect(&f->bytes);
	assert_int_equal(sut_expect_parse(f->bytes.data, f->bytes.len, &f->t, &err), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(sut_rm_rf(f->dir, NULL), 0);
	sut_manifest_free(f->m);
	json_decref(f->json);
	sut_buf_release(&f->bytes);
	free(f->dir);
	free(f->patch);
	free(f);
	return 0;
}

static void good_patch_is_loaded(void **state)
{
	const struct fixture *f = *state;
	_cleanup_(sut_loaded_freep) struct sut_loaded *l = NULL;
	struct sut_err err = {0};

	assert_ok(sut_loaded_open(f->patch, &l, &err), err);
	assert_ok(sut_loaded_parse(l, f->patch, &err), err);
	assert_int_equal(l->table.nfuncs, 3);
	assert_int_equal(l->payload->len, 700);
	assert_string_equal(l->object->module, "suture_k20261121_01");
	assert_int_equal(strlen(l->sha256), 64);
}

/* What was verified is what is applied, whatever happens to the file in between. */
static void file_is_read_once(void **state)
{
	const struct fixture *f = *state;
	_cleanup_(sut_loaded_freep) struct sut_loaded *l = NULL;
	struct sut_err err = {0};

	assert_ok(sut_loaded_open(f->patch, &l, &err), err);
	assert_ok(sut_file_write(f->patch, "other", 5, 0644, &err), err);
	assert_ok(sut_loaded_parse(l, f->patch, &err), err);
	assert_string_equal(l->manifest->id, "K20261121_01");
}

/* Opening looks at nothing: whoever vouches for the bytes is asked first. */
static void opening_does_not_unpack(void **state)
{
	const struct fixture *f = *state;
	_cleanup_(sut_loaded_freep) struct sut_loaded *l = NULL;
	struct sut_err err = {0};

	assert_ok(sut_file_write(f->patch, "junk", 4, 0644, &err), err);
	assert_ok(sut_loaded_open(f->patch, &l, &err), err);
	assert_int_equal(l->file.len, 4);
	assert_null(l->patch);
	assert_true(sut_loaded_parse(l, f->patch, &err) < 0);
	assert_says(err, f->patch);
}

static void assert_disagree(struct fixture *f, const char *says)
{
	struct sut_err err = {0};

	assert_int_equal(sut_loaded_agree(f->m, &f->m->objects[0], &f->t, &err), -EBADMSG);
	if (!strstr(err.msg, says))
		fail_msg("'%s' is not in '%s'", says, err.msg);
}

/* The manifest is what people read; it must not say less or other than what the
 * engine is going to do. */
static void manifest_and_table_must_agree(void **state)
{
	struct fixture *f = *state;
	struct sut_manifest_object *o = &f->m->objects[0];
	struct sut_manifest_func *fn = &o->functions[0], was = *fn;
	struct sut_err err = {0};

	assert_int_equal(sut_loaded_agree(f->m, o, &f->t, &err), 0);
	fn->size++;
	assert_disagree(f, "unix_ioctl: its size");
	*fn = was;
	fn->address++;
	assert_disagree(f, "its bytes are not there");
	*fn = was;
	fn->name = "unix_ioctx";
	assert_disagree(f, "another name");
	*fn = was;
	fn->redirect = SUTURE_REDIRECT_FTRACE;
	assert_disagree(f, "how it is redirected");
	*fn = was;
	fn->nchildren = 0; /* a piece the manifest does not tell */
	assert_disagree(f, "unix_ioctl.cold: the manifest does not name it");
	*fn = was;
	fn->children[0].size++;
	assert_disagree(f, "unix_ioctl.cold: its size");
	fn->children[0].size--;
	f->m->nbusy = 0;
	assert_disagree(f, "unix_stream_read_generic: the manifest does not name it");
	f->m->nbusy = 1;
	f->m->busy[0] = "other";
	assert_disagree(f, "the manifest does not name it");
	f->m->target.build_id[3] ^= 1;
	assert_disagree(f, "build-id");
}

/* suture ARG… on the patch; JSON, or NULL when there is none. */
static int run(const struct fixture *f, const char *a, const char *b, json_t **ret,
	       struct sut_buf *errors)
{
	const char *const argv[] = {getenv("SUTURE"), a, f->patch, b, NULL};
	_cleanup_buf_ struct sut_buf out = SUT_BUF_INIT(1 << 20);
	const struct sut_run_opts opts = {.out = &out, .err_out = errors, .timeout_sec = 60};
	struct sut_err err = {0};
	int r = sut_run(argv, &opts, &err);

	if (ret)
		*ret = json_loadb(sut_buf_str(&out), out.len, JSON_REJECT_DUPLICATES, NULL);
	return r;
}

static void info_shows_the_manifest(void **state)
{
	const struct fixture *f = *state;
	json_t *j = NULL;

	assert_int_equal(run(f, "info", "--json", &j, NULL), 0);
	assert_string_equal(json_string_value(json_object_get(j, "format")), "suture-info");
	assert_true(json_equal(json_object_get(j, "manifest"), f->json));
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(j, "signature"), "state")),
		"unsigned");
	json_decref(j);
	assert_int_equal(run(f, "info", NULL, NULL, NULL), 0);
}

/* The commands for kernels say what to use; info shows it. */
static void library_is_shown_and_not_taken_for_a_kernel_patch(void **state)
{
	_cleanup_buf_ struct sut_buf errors = SUT_BUF_INIT(1 << 16), b = SUT_BUF_INIT(1 << 20);
	_cleanup_(sut_loaded_freep) struct sut_loaded *l = NULL, *any = NULL;
	const struct fixture *f = *state;
	json_t *j = NULL, *m;
	struct sut_err err = {0};

	sample_library_patch(&b);
	assert_ok(sut_file_write(f->patch, b.data, b.len, 0644, &err), err);
	assert_ok(sut_loaded_open(f->patch, &l, &err), err);
	assert_int_equal(sut_loaded_parse(l, f->patch, &err), -EMEDIUMTYPE);
	assert_string_equal(err.reason, "library");
	assert_ok(sut_loaded_open(f->patch, &any, &err), err);
	assert_ok(sut_loaded_parse_any(any, f->patch, &err), err);
	assert_string_equal(any->object->object, "libexpat.so.1");
	assert_int_equal(run(f, "info", "--json", &j, NULL), 0);
	m = json_object_get(j, "manifest");
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(m, "target"), "kind")),
		"library");
	json_decref(j);
	assert_int_equal(run(f, "info", NULL, NULL, NULL), 0);
	assert_int_equal(run(f, "verify", NULL, NULL, &errors), 3);
	assert_non_null(strstr(sut_buf_str(&errors), "suture lib update"));
}

/* module_signature of `suture info --json`. */
static void assert_payload(const struct fixture *f, const char *state, const char *signer)
{
	json_t *j = NULL, *s;
	const char *text;

	assert_int_equal(run(f, "info", "--json", &j, NULL), 0);
	s = json_object_get(j, "module_signature");
	assert_string_equal(json_string_value(json_object_get(s, "state")), state);
	text = json_string_value(json_object_get(s, "signer"));
	if (signer)
		assert_true(text && sut_startswith(text, signer));
	else
		assert_true(json_is_null(json_object_get(s, "signer")));
	json_decref(j);
	assert_int_equal(run(f, "info", NULL, NULL, NULL), 0);
}

static void info_names_who_signed_the_payload(void **state)
{
	_cleanup_secret_ struct sut_buf key = SUT_BUF_INIT(SUT_KEY_PEM_MAX);
	_cleanup_buf_ struct sut_buf cert = SUT_BUF_INIT(1 << 16), b = SUT_BUF_INIT(1 << 20);
	_cleanup_(sut_modsign_key_freep) struct sut_modsign_key *k = NULL;
	_cleanup_(sut_patch_freep) struct sut_patch *p = NULL;
	const struct fixture *f = *state;
	struct sut_member *ko;
	struct sut_err err = {0};

	assert_payload(f, "none", NULL);
	assert_ok(sut_modsign_key_generate("Test", SAMPLE_MTIME, 1, NULL, &key, &cert, &err), err);
	assert_ok(sut_modsign_key_load(sut_buf_str(&key), key.len, NULL, sut_buf_str(&cert),
				       cert.len, &k, &err),
		  err);
	assert_ok(sut_patch_read(f->patch, &p, &err), err);
	assert_ok(sut_patch_sign_payloads(p, k, &b, &err), err);
	assert_ok(sut_file_write(f->patch, b.data, b.len, 0644, &err), err);
	assert_payload(f, "present", "CN=Test, serial ");

	ko = (struct sut_member *)sut_patch_member(p, "vmlinux.ko");
	memcpy(ko->data + ko->len - 28, "~Module signature appended~\n", 28);
	sut_buf_release(&b);
	assert_ok(sut_patch_pack(p->manifest, p->members, p->nmembers, p->mtime, &b, &err), err);
	assert_ok(sut_file_write(f->patch, b.data, b.len, 0644, &err), err);
	assert_payload(f, "malformed", NULL);
}

static void patch_for_another_kernel_is_not_applied(void **state)
{
	static const char *const commands[] = {"verify", "apply"};
	const struct fixture *f = *state;

	for (size_t i = 0; i < SUT_ARRAY_SIZE(commands); i++) {
		json_t *j = NULL;
		const char *outcome;
		int r = run(f, commands[i], "--json", &j, NULL);

		outcome = json_string_value(json_object_get(j, "outcome"));
		/* Without root apply stops before it looks at the file, and without a signature
		 * before it looks into it. */
		if (i == 1 && geteuid() != 0) {
			assert_int_equal(r, 1);
			assert_string_equal(outcome, "not-root");
		} else if (i == 1) {
			assert_int_equal(r, 5);
			assert_string_equal(outcome, "unsigned");
			assert_true(json_is_null(json_object_get(j, "patch")));
		} else {
			assert_int_equal(r, 3);
			assert_string_equal(outcome, "wrong-kernel");
		}
		assert_int_equal(json_integer_value(json_object_get(j, "exit")), r);
		json_decref(j);
	}
}

static void broken_file_is_told_in_two_lines(void **state)
{
	const struct fixture *f = *state;
	_cleanup_buf_ struct sut_buf errors = SUT_BUF_INIT(1 << 16), file = SUT_BUF_INIT(1 << 20);
	struct sut_err err = {0};

	assert_int_equal(sut_file_read(f->patch, &file, &err), 0);
	assert_int_equal(sut_file_write(f->patch, file.data, file.len / 2, 0644, &err), 0);
	assert_int_equal(run(f, "info", NULL, NULL, &errors), 1);
	assert_non_null(
		strstr(sut_buf_str(&errors), "the file is cut short\n  Download it again\n"));
}

static void wrong_usage_has_its_own_status(void **state)
{
	const struct fixture *f = *state;

	assert_int_equal(run(f, "nonsense", NULL, NULL, NULL), 64);
	assert_int_equal(run(f, "info", "--nonsense", NULL, NULL), 64);
	assert_int_equal(run(f, "apply", "--attempts=0", NULL, NULL), 64);
	assert_int_equal(run(f, "apply", "second-file", NULL, NULL), 64);
	assert_int_equal(run(f, "status", NULL, NULL, NULL), 64);
	assert_int_equal(run(f, "revert", NULL, NULL, NULL), 64);
	assert_int_equal(run(f, "verify", "--help", NULL, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(good_patch_is_loaded, setup, teardown),
		cmocka_unit_test_setup_teardown(file_is_read_once, setup, teardown),
		cmocka_unit_test_setup_teardown(opening_does_not_unpack, setup, teardown),
		cmocka_unit_test_setup_teardown(manifest_and_table_must_agree, setup, teardown),
		cmocka_unit_test_setup_teardown(info_shows_the_manifest, setup, teardown),
		cmocka_unit_test_setup_teardown(library_is_shown_and_not_taken_for_a_kernel_patch,
						setup, teardown),
		cmocka_unit_test_setup_teardown(info_names_who_signed_the_payload, setup, teardown),
		cmocka_unit_test_setup_teardown(patch_for_another_kernel_is_not_applied, setup,
						teardown),
		cmocka_unit_test_setup_teardown(broken_file_is_told_in_two_lines, setup, teardown),
		cmocka_unit_test_setup_teardown(wrong_usage_has_its_own_status, setup, teardown),
	};

	return cmocka_run_group_tests_name("loaded", tests, NULL, NULL);
}
