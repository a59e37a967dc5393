// SPDX-License-Identifier: Apache-2.0
/*
 * What the references of carried code become: pairs of small sources are
 * compiled, compared and emitted against a made-up kernel in which every
 * symbol of the original object lies at KERNEL plus its number in the object.
 */
#include <string.h>

#include "base/file.h"
#include "base/proc.h"
#include "kernel/emit.h"
#include "unit.h"

enum { FILES = 2 };

static const uint64_t ANCHOR = 0xffffffff81000000ULL, KERNEL = 0xffffffff81100000ULL;

static const struct sut_export exports[] = {{.name = "_printk", .module = "vmlinux", .ns = ""},
					    {.name = "ext", .module = "vmlinux", .ns = ""},
					    {.name = "fatal", .module = "vmlinux", .ns = ""}};
static const struct sut_profile profile = {.name = "test",
					   .sizes = {12, 12, 12, 16, 8, 16, 6},
					   .exports = exports,
					   .nexports = 3};

struct fix {
	struct sut_object *patched[FILES];
	struct sut_unit exact[FILES];
	struct sut_atoms *atoms[FILES][2];
	struct sut_payload_unit units[FILES];
	struct sut_emitter e;
	size_t n, now;
	struct sut_err err;
};

static struct sut_object *compile(const char *dir, const char *text)
{
	_cleanup_(sut_freep) char *c = sut_sprintf("%s/t.c", dir);
	_cleanup_(sut_freep) char *o = sut_sprintf("%s/t.o", dir);
	const char *argv[] = {"gcc",
			      "-O2",
			      "-ffunction-sections",
			      "-fdata-sections",
			      "-mcmodel=kernel",
			      "-fno-pie",
			      "-fno-asynchronous-unwind-tables",
			      "-fcf-protection=none",
			      "-c",
			      "-o",
			      o,
			      c,
			      NULL};
	struct sut_object *object = NULL;
	struct sut_err err = {0};

	assert_ok(sut_file_write(c, text, strlen(text), 0644, &err), err);
	assert_ok(sut_run_ok(argv, NULL, &err), err);
	assert_ok(sut_object_read(o, &object, &err), err);
	return object;
}

static bool wanted(void *ctx, const char *name)
{
	const struct fix *f = ctx;

	for (size_t i = 0; i < f->n; i++)
		for (uint32_t s = 1; i != f->now && s < f->patched[i]->nsyms; s++)
			if (!f->patched[i]->syms[s].shndx &&
			    sut_streq(f->patched[i]->syms[s].name, name))
				return true;
	return false;
}

/* texts: original and patched, file by file. */
static void emit(struct fix *f, const char *const *texts, size_t n)
{
	struct sut_select_opts opts = {.source = "t.c", .wanted = wanted, .ctx = f};
	struct sut_refusals refusals = {0};
	_cleanup_(sut_freep) char *dir = NULL;
	struct sut_diff *d;

	*f = (struct fix){.n = n};
	assert_ok(sut_tmpdir("test-emit", &dir, &f->err), f->err);
	for (size_t i = 0; i < n; i++) {
		f->exact[i].object = compile(dir, texts[2 * i]);
		f->patched[i] = compile(dir, texts[2 * i + 1]);
		f->exact[i].syms = calloc(f->exact[i].object->nsyms, sizeof(struct sut_proven));
		assert_non_null(f->exact[i].syms);
		for (uint32_t s = 0; s < f->exact[i].object->nsyms; s++)
			f->exact[i].syms[s] =
				(struct sut_proven){SUT_PROOF_IDENTICAL, KERNEL + s, 0, false};
	}
	for (f->now = 0; f->now < n; f->now++) {
		struct sut_payload_unit *u = &f->units[f->now];
		struct sut_atoms **a = f->atoms[f->now];

		assert_ok(sut_atoms_new(f->exact[f->now].object, &profile.sizes, &a[0], &f->err),
			  f->err);
		assert_ok(sut_atoms_new(f->patched[f->now], &profile.sizes, &a[1], &f->err),
			  f->err);
		assert_ok(sut_diff_new(a[0], a[1], &d, &f->err), f->err);
		assert_ok(sut_select(d, &opts, &u->selection, &refusals, &f->err), f->err);
		assert_int_equal(refusals.n, 0);
		u->source = "t.c";
		u->exact = &f->exact[f->now];
		u->exact_atoms = a[0];
		u->diff = d;
		u->atoms = a[1];
	}
	f->e = (struct sut_emitter){.profile = &profile,
				    .units = f->units,
				    .nunits = n,
				    .out = sut_object_new(),
				    .syms = calloc(n, sizeof(uint32_t *)),
				    .offs = calloc(n, sizeof(int64_t *)),
				    .anchor_addr = ANCHOR};
	assert_true(f->e.out && f->e.syms && f->e.offs);
	for (size_t i = 0; i < n; i++) {
		f->e.syms[i] = calloc(f->atoms[i][1]->n + 1, sizeof(uint32_t));
		f->e.offs[i] = calloc(f->atoms[i][1]->n + 1, sizeof(int64_t));
		assert_true(f->e.syms[i] && f->e.offs[i]);
	}
	assert_ok(sut_emit_units(&f->e, &f->err), f->err);
	assert_int_equal(sut_rm_rf(dir, &f->err), 0);
}

static void done(struct fix *f)
{
	sut_emitter_release(&f->e);
	for (size_t i = 0; i < f->n; i++) {
		sut_selection_release(&f->units[i].selection);
		sut_diff_free(f->units[i].diff);
		sut_atoms_free(f->atoms[i][0]);
		sut_atoms_free(f->atoms[i][1]);
		sut_object_free(f->exact[i].object);
		sut_object_free(f->patched[i]);
		free(f->exact[i].syms);
	}
}

/* How often the payload refers to the original of that name in file i, and to its own symbol. */
static size_t to_kernel(const struct fix *f, size_t i, const char *name)
{
	const struct sut_object *o = f->e.out, *x = f->exact[i].object;
	size_t n = 0;

	for (uint32_t s = 1; s < o->nsections; s++)
		for (size_t k = 0; k < o->sections[s].nrelas; k++) {
			const struct sut_rela *r = &o->sections[s].relas[k];
			int64_t at = r->addend + (sut_rela_is_pcrel(r->type) ? 4 : 0) +
				     (int64_t)(ANCHOR - KERNEL);

			if (sut_streq(o->syms[r->sym].name, "_printk") && at > 0 &&
			    (uint64_t)at < x->nsyms && sut_streq(x->syms[at].name, name))
				n++;
		}
	return n;
}

static size_t to_own(const struct fix *f, const char *name)
{
	const struct sut_object *o = f->e.out;
	size_t n = 0;

	for (uint32_t s = 1; s < o->nsections; s++)
		for (size_t k = 0; k < o->sections[s].nrelas; k++)
			n += sut_streq(o->syms[o->sections[s].relas[k].sym].name, name) &&
			     o->syms[o->sections[s].relas[k].sym].shndx != SHN_UNDEF;
	return n;
}

#define EXTERN                                                                                     \
	"extern int ext(int); extern void fatal(void *) __attribute__((cold));\n"                  \
	"#define noinline __attribute__((noinline))\n"

static void per_cpu_sections_become_the_one_a_module_may_have(void **state _unused_)
{
#define PERCPU(s) "__attribute__((section(\".data..percpu" s "\"))) "
	static const char *const texts[] = {
		EXTERN "int f(int x) { return ext(x); }\n",
		EXTERN PERCPU("..read_mostly") "int a = 1; " PERCPU(
			"..shared_aligned") "int b; "
					    "int f(int x) { return ext(x) + a + b++; }\n"};
	struct fix f;

	emit(&f, texts, 1);
	assert_int_equal(sut_object_section(f.e.out, ".data..percpu..read_mostly"), 0);
	assert_int_not_equal(sut_object_section(f.e.out, ".data..percpu"), 0);
	assert_int_equal(f.e.out->sections[sut_object_section(f.e.out, ".data..percpu")].size, 8);
	done(&f);
}

/* Stored somewhere, it would outlive the payload; compared, it would differ. */
static void a_function_takes_its_original_address_in_its_cold_part_too(void **state _unused_)
{
	static const char *const texts[] = {
		EXTERN
		"int f(int x) { if (__builtin_expect(x < 0, 0)) { ext(1); fatal(f); ext(2); } return ext(x); }\n",
		EXTERN
		"int f(int x) { if (__builtin_expect(x < 0, 0)) { ext(1); fatal(f); ext(5); } return ext(x); }\n"};
	struct fix f;

	emit(&f, texts, 1);
	assert_int_equal(to_kernel(&f, 0, "f"), 1);
	assert_false(f.e.keep);
	done(&f);
}

static void a_new_global_of_another_file_comes_along(void **state _unused_)
{
	static const char *const texts[] = {
		EXTERN "int g(int x) { return ext(x); }\n",
		EXTERN
		"int g(int x) { return ext(x); }\nint limit = 7;\n"
		"int check(int x) { return ext(x) > 3; }\nint unused(void) { return ext(9); }\n",
		EXTERN "int f(int x) { return ext(x); }\n",
		EXTERN "extern int check(int), limit; int f(int x) { return check(x) > limit; }\n"};
	struct fix f;

	emit(&f, texts, 2);
	assert_int_equal(to_own(&f, "check"), 1);
	assert_int_equal(to_own(&f, "limit"), 1);
	assert_int_equal(sut_object_sym(f.e.out, "unused"), 0);
	assert_false(f.e.keep);
	done(&f);
}

static void a_new_function_of_another_file_is_kept_when_its_address_is_taken(void **state _unused_)
{
	static const char *const texts[] = {
		EXTERN "int g(int x) { return ext(x); }\n",
		EXTERN "int g(int x) { return ext(x); }\nint check(int x) { return ext(x) > 3; }\n",
		EXTERN "int (*hook)(int); int f(int x) { return ext(x); }\n",
		EXTERN
		"extern int check(int); int (*hook)(int); int f(int x) { hook = check; return ext(x); }\n"};
	struct fix f;

	emit(&f, texts, 2);
	assert_int_equal(to_own(&f, "check"), 1);
	assert_true(f.e.keep);
	done(&f);
}

static bool kept(const char *orig, const char *patched)
{
	const char *const texts[] = {orig, patched};
	struct fix f;
	bool keep;

	emit(&f, texts, 1);
	keep = f.e.keep;
	done(&f);
	return keep;
}

static void a_new_variable_is_kept_when_its_address_is_taken(void **state _unused_)
{
	static const char orig[] = EXTERN "int *p; int f(int x) { return ext(x); }\n";

	assert_true(kept(orig,
			 EXTERN "int *p; static int n; int f(int x) { p = &n; return ext(x); }\n"));
	assert_true(kept(orig, EXTERN
			 "int *p; static int n; int f(int x) { fatal(&n); return ext(x); }\n"));
	assert_false(
		kept(orig, EXTERN "int *p; static int n; int f(int x) { return ext(x + n++); }\n"));
	assert_false(
		kept(orig, EXTERN "int *p; int f(int x) { fatal(\"text\"); return ext(x); }\n"));
}

static void what_becomes_global_is_found_where_it_was(void **state _unused_)
{
	static const char *const texts[] = {
		EXTERN "static noinline int check(int x) { return ext(x) > 3; }\n"
		       "int g(int x) { return check(x); }\n",
		EXTERN "noinline int check(int x) { return ext(x) > 3; }\n"
		       "int g(int x) { return check(x); }\n",
		EXTERN "int f(int x) { return ext(x); }\n",
		EXTERN "extern int check(int); int f(int x) { return check(x) + ext(x); }\n"};
	struct fix f;

	emit(&f, texts, 2);
	assert_int_equal(to_kernel(&f, 0, "check"), 1);
	done(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(per_cpu_sections_become_the_one_a_module_may_have),
		cmocka_unit_test(a_function_takes_its_original_address_in_its_cold_part_too),
		cmocka_unit_test(a_new_global_of_another_file_comes_along),
		cmocka_unit_test(a_new_function_of_another_file_is_kept_when_its_address_is_taken),
		cmocka_unit_test(a_new_variable_is_kept_when_its_address_is_taken),
		cmocka_unit_test(what_becomes_global_is_found_where_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
