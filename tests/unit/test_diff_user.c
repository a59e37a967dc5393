// SPDX-License-Identifier: Apache-2.0
/* The differ on objects of libraries: what the sections of user space mean, and what cannot be changed in a running process. */
#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "base/proc.h"
#include "base/str.h"
#include "diff/backend.h"
#include "diff/frames.h"
#include "diff/select.h"
#include "unit.h"

struct pair {
	char *dir;
	struct sut_object *object[2];
	struct sut_atoms *atoms[2];
	struct sut_diff *diff;
	struct sut_selection selection;
	struct sut_refusals refusals;
	struct sut_err err;
	int r; /* of the first step that failed */
};

static struct sut_object *compile(const char *dir, const char *name, const char *lang,
				  const char *text)
{
	bool cxx = sut_streq(lang, "cc");
	_cleanup_(sut_freep) char *c = sut_sprintf("%s/%s.%s", dir, name, lang);
	_cleanup_(sut_freep) char *o = sut_sprintf("%s/%s.o", dir, name);
	const char *argv[] = {cxx ? "g++" : "gcc",
			      "-O2",
			      "-fPIC",
			      "-ffunction-sections",
			      "-fdata-sections",
			      "-fcf-protection=none",
			      "-c",
			      "-o",
			      o,
			      c,
			      NULL};
	struct sut_object *object = NULL;
	struct sut_err err = {0};

	assert_non_null(c);
	assert_non_null(o);
	assert_int_equal(sut_file_write(c, text, strlen(text), 0644, &err), 0);
	if (sut_run_ok(argv, NULL, &err) < 0)
		fail_msg("%s", err.msg);
	if (sut_object_read(o, &object, &err) < 0)
		fail_msg("%s", err.msg);
	return object;
}

static void diff(struct pair *p, const char *lang, const char *orig, const char *patched)
{
	struct sut_select_opts opts = {.source = "t.c"};

	*p = (struct pair){0};
	assert_int_equal(sut_tmpdir("test-diff", &p->dir, &p->err), 0);
	p->object[0] = compile(p->dir, "orig", lang, orig);
	p->object[1] = compile(p->dir, "patched", lang, patched);
	for (int i = 0; i < 2; i++)
		if (sut_atoms_new_for(&sut_backend_user, p->object[i], NULL, &p->atoms[i],
				      &p->err) < 0)
			fail_msg("%s", p->err.msg);
	p->r = sut_diff_new(p->atoms[0], p->atoms[1], &p->diff, &p->err);
	if (!p->r)
		p->r = sut_select(p->diff, &opts, &p->selection, &p->refusals, &p->err);
}

static void done(struct pair *p)
{
	struct sut_err err;

	sut_selection_release(&p->selection);
	sut_refusals_release(&p->refusals);
	sut_diff_free(p->diff);
	for (int i = 0; i < 2; i++) {
		sut_atoms_free(p->atoms[i]);
		sut_object_free(p->object[i]);
	}
	assert_int_equal(sut_rm_rf(p->dir, &err), 0);
	free(p->dir);
}

static void expect_replaced(const struct pair *p, const char *names)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(4096);

	if (p->r)
		fail_msg("%s", p->err.msg);
	if (p->refusals.n)
		fail_msg("%s: %s", p->refusals.v[0].reason, p->refusals.v[0].name);
	for (uint32_t i = 0; i < p->atoms[1]->n; i++)
		if (p->selection.replace[i])
			assert_int_equal(sut_buf_addf(&b, "%s%s", b.len ? " " : "",
						      p->atoms[1]->atoms[i].name),
					 0);
	assert_string_equal(sut_buf_str(&b), names);
}

static void expect_refused(const struct pair *p, const char *reason, const char *name)
{
	for (size_t i = 0; i < p->refusals.n; i++)
		if (sut_streq(p->refusals.v[i].reason, reason) &&
		    strstr(p->refusals.v[i].name, name))
			return;
	fail_msg("no refusal %s for %s (%s)", reason, name, p->err.msg);
}

static bool includes(const struct pair *p, const char *name)
{
	for (uint32_t i = 0; i < p->atoms[1]->n; i++)
		if (p->selection.include[i] && strstr(p->atoms[1]->atoms[i].name, name))
			return true;
	return false;
}

#define NOINLINE "#define noinline __attribute__((noinline))\nextern int ext(int);\n"

static void only_what_changed_is_replaced(void **state)
{
	struct pair p;

	(void)state;
	diff(&p, "c",
	     NOINLINE "int a(int x) { return ext(x) + 1; }\nint b(int x) { return ext(x); }\n",
	     NOINLINE "int a(int x) { return ext(x) + 2; }\nint b(int x) { return ext(x); }\n");
	expect_replaced(&p, "a");
	done(&p);
}

static void a_reference_through_the_got_is_one_to_the_variable(void **state)
{
	struct pair p;

	(void)state;
	diff(&p, "c", "extern int v, w; int a(void) { return v; } int b(void) { return w; }\n",
	     "extern int v, w; int a(void) { return w; } int b(void) { return w; }\n");
	expect_replaced(&p, "a");
	done(&p);
}

static void a_new_thread_local_variable_is_refused(void **state)
{
	struct pair p;

	(void)state;
	diff(&p, "c", "int a(void) { return 1; }\n",
	     "static __thread int n; int a(void) { return ++n; }\n");
	expect_refused(&p, "new-tls", "n");
	done(&p);
}

static void a_changed_initial_value_of_a_thread_local_variable_is_refused(void **state)
{
	struct pair p;

	(void)state;
	diff(&p, "c", "static __thread int n = 1; int a(void) { return ++n; }\n",
	     "static __thread int n = 2; int a(void) { return ++n; }\n");
	expect_refused(&p, "changed-data", "n");
	done(&p);
}

static void a_thread_local_variable_that_stays_is_the_same_one(void **state)
{
	struct pair p;

	(void)state;
	diff(&p, "c",
	     "int a(void) { static __thread int n; return ++n; }\n"
	     "int b(void) { static __thread int n; return n += 2; }\n",
	     "int a(void) { static __thread int n; return ++n; }\n"
	     "int b(void) { static __thread int n; return n += 3; }\n");
	expect_replaced(&p, "b");
	assert_false(includes(&p, "n."));
	done(&p);
}

static void a_changed_constructor_is_refused(void **state)
{
	struct pair p;

	(void)state;
	diff(&p, "c", NOINLINE "static __attribute__((constructor)) void c(void) { ext(1); }\n",
	     NOINLINE "static __attribute__((constructor)) void c(void) { ext(2); }\n");
	expect_refused(&p, "init-code", "c");
	done(&p);
}

static void a_new_constructor_is_refused(void **state)
{
	struct pair p;

	(void)state;
	diff(&p, "c", NOINLINE "int a(void) { return 1; }\n",
	     NOINLINE "int a(void) { return 1; }\n"
		      "static __attribute__((constructor)) void c(void) { ext(2); }\n");
	expect_refused(&p, "init-code", "init_array");
	done(&p);
}

static void a_changed_destructor_is_replaced(void **state)
{
	struct pair p;

	(void)state;
	diff(&p, "c", NOINLINE "static __attribute__((destructor)) void c(void) { ext(1); }\n",
	     NOINLINE "static __attribute__((destructor)) void c(void) { ext(2); }\n");
	expect_replaced(&p, "c");
	done(&p);
}

static void a_changed_ifunc_resolver_is_refused(void **state)
{
	static const char *const form =
		"int one(int x) { return x; } int two(int x) { return 2 * x; }\n"
		"extern int pick;\n"
		"int f(int) __attribute__((ifunc(\"resolve\")));\n";
	_cleanup_(sut_freep) char *a =
		sut_sprintf("%s static void *resolve(void) { return one; }\n", form);
	_cleanup_(sut_freep) char *b =
		sut_sprintf("%s static void *resolve(void) { return two; }\n", form);
	struct pair p;

	(void)state;
	diff(&p, "c", a, b);
	expect_refused(&p, "ifunc-resolver", "");
	done(&p);
}

static void changed_initial_data_are_refused(void **state)
{
	struct pair p;

	(void)state;
	diff(&p, "c", "int v = 1; int a(void) { return v; }\n",
	     "int v = 2; int a(void) { return v; }\n");
	expect_refused(&p, "changed-data", "v");
	done(&p);
}

static void a_constant_with_pointers_is_compared_through_them(void **state)
{
	struct pair p;

	(void)state;
	diff(&p, "c",
	     "const char *const t[] = {\"x\", \"y\"}; const char *a(int i) { return t[i]; }\n",
	     "const char *const t[] = {\"x\", \"z\"}; const char *a(int i) { return t[i]; }\n");
	expect_refused(&p, "changed-data", "t");
	done(&p);
}

#define CXX "#include <stdexcept>\nextern int ext(int);\nstruct A {}; struct B {};\n"

static void a_handler_for_another_type_is_a_change(void **state)
{
	struct pair p;

	(void)state;
	diff(&p, "cc", CXX "int f(int x) { try { return ext(x); } catch (A &) { return 1; } }\n",
	     CXX "int f(int x) { try { return ext(x); } catch (B &) { return 1; } }\n");
	expect_replaced(&p, "_Z1fi");
	assert_true(includes(&p, "_ZTI1B"));
	done(&p);
}

static void equal_handlers_are_no_change(void **state)
{
	struct pair p;

	(void)state;
	diff(&p, "cc",
	     CXX "int f(int x) { try { return ext(x); } catch (A &) { return 1; } }\n"
		 "int g(int x) { return ext(x); }\n",
	     CXX "int f(int x) { try { return ext(x); } catch (A &) { return 1; } }\n"
		 "int g(int x) { return ext(x) + 1; }\n");
	expect_replaced(&p, "_Z1gi");
	done(&p);
}

static void every_function_has_its_frame(void **state)
{
	struct pair p;
	struct sut_frames f = {0};
	bool handlers = false;

	(void)state;
	diff(&p, "cc", CXX "int f(int x) { try { return ext(x); } catch (A &) { return 1; } }\n",
	     CXX "int f(int x) { try { return ext(x); } catch (A &) { return 2; } }\n");
	assert_int_equal(sut_frames_read(p.object[1], &f, &p.err), 0);
	for (uint32_t i = 0; i < p.atoms[1]->n; i++) {
		const struct sut_atom *t = &p.atoms[1]->atoms[i];
		bool found = t->class != SUT_SEC_TEXT || !t->size;

		for (size_t k = 0; k < f.n; k++)
			found |= f.v[k].section == t->section && f.v[k].start == t->off &&
				 f.v[k].size == t->size;
		if (!found)
			fail_msg("%s has no frame", t->name);
	}
	for (size_t k = 0; k < f.n; k++)
		handlers |= f.v[k].lsda && f.commons[f.v[k].common].personality;
	assert_true(handlers);
	sut_frames_release(&f);
	done(&p);
}

static void damaged_frames_are_refused(void **state)
{
	struct pair p;
	struct sut_frames f = {0};
	struct sut_section *s;
	uint32_t eh;

	(void)state;
	diff(&p, "c", NOINLINE "int a(int x) { return ext(x) + 1; }\n",
	     NOINLINE "int a(int x) { return ext(x) + 2; }\n");
	eh = sut_object_section(p.object[1], ".eh_frame");
	s = &p.object[1]->sections[eh];
	s->data[0] = 0xf0; /* longer than the section */
	assert_int_equal(sut_frames_read(p.object[1], &f, &p.err), -EBADMSG);
	s->data[0] = 4;
	assert_int_equal(sut_frames_read(p.object[1], &f, &p.err), -EBADMSG);
	done(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_changed_is_replaced),
		cmocka_unit_test(a_reference_through_the_got_is_one_to_the_variable),
		cmocka_unit_test(a_new_thread_local_variable_is_refused),
		cmocka_unit_test(a_changed_initial_value_of_a_thread_local_variable_is_refused),
		cmocka_unit_test(a_thread_local_variable_that_stays_is_the_same_one),
		cmocka_unit_test(a_changed_constructor_is_refused),
		cmocka_unit_test(a_new_constructor_is_refused),
		cmocka_unit_test(a_changed_destructor_is_replaced),
		cmocka_unit_test(a_changed_ifunc_resolver_is_refused),
		cmocka_unit_test(changed_initial_data_are_refused),
		cmocka_unit_test(a_constant_with_pointers_is_compared_through_them),
		cmocka_unit_test(a_handler_for_another_type_is_a_change),
		cmocka_unit_test(equal_handlers_are_no_change),
		cmocka_unit_test(every_function_has_its_frame),
		cmocka_unit_test(damaged_frames_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
