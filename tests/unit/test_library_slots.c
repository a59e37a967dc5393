// SPDX-License-Identifier: Apache-2.0
/* Slots of libraries that the compiler of this machine makes here. */
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "base/proc.h"
#include "library/linked.h"
#include "library/slots.h"

static const char source[] =
	"#include <stdlib.h>\n"
	"#include <errno.h>\n"
	"extern int far_function(int);\n"
	"extern int far_data;\n"
	"extern __thread int far_tls;\n"
	"int own_data = 4;\n"
	"static int hidden_data[4] = {1};\n"
	"int *pointers[3] = {hidden_data, hidden_data + 1, &own_data};\n"
	"__thread int own_tls = 2;\n"
	"static __thread int hidden_pad, hidden_tls = 3;\n"
	"static int one(void) { return 1; }\n"
	"static int (*choose(void))(void) { return one; }\n"
	"int chosen(void) __attribute__((ifunc(\"choose\"), visibility(\"hidden\")));\n"
	"int own(int n) { hidden_tls += n; hidden_pad ^= n; return far_function(n) + far_data + far_tls + own_tls + hidden_tls + hidden_pad + own_data; }\n"
	"int use(void) { return chosen() + own(2) + abs(errno); }\n"
	"void *address(void) { return (void *)far_function; }\n"
	"void *address2(void) { return (void *)getenv; }\n";

struct library {
	char *dir;
	struct sut_buf bytes;
	struct sut_linked *l;
	struct sut_lib_slot *slots;
	size_t n;
};

static void make(struct library *lib, const char *const *options)
{
	_cleanup_(sut_freep) char *c = NULL, *so = NULL;
	_cleanup_strv_ struct sut_strv argv = {0};
	struct sut_err err = {0};

	assert_ok(sut_tmpdir("slots", &lib->dir, &err), err);
	c = sut_sprintf("%s/x.c", lib->dir);
	so = sut_sprintf("%s/x.so", lib->dir);
	assert_ok(sut_file_write(c, source, sizeof(source) - 1, 0644, &err), err);
	for (size_t i = 0; i < 7; i++)
		assert_int_equal(
			sut_strv_add(&argv, (const char *const[]){"gcc", "-O1", "-fPIC", "-shared",
								  "-o", so, c}[i]),
			0);
	for (; *options; options++)
		assert_int_equal(sut_strv_add(&argv, *options), 0);
	assert_ok(sut_run_ok((const char *const *)argv.v, NULL, &err), err);
	lib->bytes = SUT_BUF_INIT(1 << 20);
	assert_ok(sut_file_read(so, &lib->bytes, &err), err);
	assert_ok(sut_linked_parse(lib->bytes.data, lib->bytes.len, &lib->l, &err), err);
	assert_ok(sut_slots_read(lib->l, &lib->slots, &lib->n, &err), err);
}

static void drop(struct library *lib)
{
	assert_int_equal(sut_rm_rf(lib->dir, NULL), 0);
	free(lib->slots);
	sut_linked_free(lib->l);
	sut_buf_release(&lib->bytes);
	free(lib->dir);
}

static const struct sut_lib_slot *slot(const struct library *lib, enum sut_lib_slot_kind kind,
				       const char *name, uint64_t target)
{
	return sut_slots_find(lib->slots, lib->n, kind, name, target);
}

static uint64_t symbol(const struct library *lib, const char *name)
{
	for (size_t i = 0; i < lib->l->nsyms; i++)
		if (lib->l->syms[i].shndx && sut_streq(lib->l->syms[i].name, name))
			return lib->l->syms[i].value;
	fail_msg("no symbol %s", name);
	return 0;
}

/* The relocation at a slot is of that symbol. */
static void assert_filled(const struct library *lib, uint64_t vaddr, uint32_t type,
			  const char *name)
{
	size_t i = sut_linked_rel_from(lib->l, vaddr);

	assert_true(i < lib->l->nrels);
	assert_int_equal(lib->l->rels[i].vaddr, vaddr);
	assert_int_equal(lib->l->rels[i].type, type);
	assert_string_equal(lib->l->dynsyms[lib->l->rels[i].sym].name, name);
}

/* The stub's jump leads to the GOT slot of the symbol. */
static void assert_stub(const struct library *lib, const char *name)
{
	const struct sut_lib_slot *s = slot(lib, SUT_LIB_SLOT_PLT, name, 0);
	const uint8_t *p;
	uint64_t at;
	int32_t rel;

	assert_non_null(s);
	p = sut_linked_bytes(lib->l, s->vaddr, 16);
	assert_non_null(p);
	at = s->vaddr;
	while (*p != 0xff && at < s->vaddr + 8) {
		p++;
		at++;
	}
	assert_int_equal(p[1], 0x25);
	memcpy(&rel, p + 2, 4);
	at += 6 + (uint64_t)(int64_t)rel;
	assert_true(lib->l->rels[sut_linked_rel_from(lib->l, at)].vaddr == at);
	assert_string_equal(lib->l->dynsyms[lib->l->rels[sut_linked_rel_from(lib->l, at)].sym].name,
			    name);
}

static void check_common(const struct library *lib)
{
	assert_stub(lib, "far_function");
	assert_stub(lib, "own");
	assert_non_null(slot(lib, SUT_LIB_SLOT_GOT, "far_data", 0));
	assert_non_null(slot(lib, SUT_LIB_SLOT_GOT, "getenv", 0));
	assert_null(slot(lib, SUT_LIB_SLOT_GOT, "no_such_symbol", 0));
	assert_null(slot(lib, SUT_LIB_SLOT_PLT, "far_data", 0));
	/* Relocated data of the library itself are no slots. */
	assert_null(slot(lib, SUT_LIB_SLOT_GOT, "", symbol(lib, "hidden_data")));
	assert_string_equal(slot(lib, SUT_LIB_SLOT_GOT, "getenv", 0)->version, "GLIBC_2.2.5");
}

static void lazy_stubs_and_slots_are_found(void **state)
{
	static const char *const o[] = {"-Wl,-z,lazy", NULL};
	struct library lib;

	(void)state;
	make(&lib, o);
	check_common(&lib);
	assert_filled(&lib, slot(&lib, SUT_LIB_SLOT_GOT, "far_data", 0)->vaddr, R_X86_64_GLOB_DAT,
		      "far_data");
	assert_filled(&lib, slot(&lib, SUT_LIB_SLOT_TLS_GD, "far_tls", 0)->vaddr, R_X86_64_DTPMOD64,
		      "far_tls");
	/* Through a stub as well: __tls_get_addr. */
	assert_stub(&lib, "__tls_get_addr");
	drop(&lib);
}

static void stubs_for_branch_tracking_are_found(void **state)
{
	static const char *const now[] = {"-Wl,-z,now", "-fcf-protection", "-Wl,-z,ibtplt", NULL};
	static const char *const lazy[] = {"-Wl,-z,lazy", "-fcf-protection", "-Wl,-z,ibtplt", NULL};
	struct library lib;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		make(&lib, i ? lazy : now);
		check_common(&lib);
		drop(&lib);
	}
}

static void an_own_ifunc_has_a_stub_that_leads_to_its_resolver(void **state)
{
	static const char *const o[] = {"-Wl,-Bsymbolic", NULL};
	const struct sut_lib_slot *s;
	struct library lib;

	(void)state;
	make(&lib, o);
	s = slot(&lib, SUT_LIB_SLOT_PLT, "", symbol(&lib, "choose"));
	assert_non_null(s);
	assert_non_null(sut_linked_bytes(lib.l, s->vaddr, 8));
	drop(&lib);
}

static void slots_of_initial_exec_and_descriptors_are_found(void **state)
{
	static const char *const ie[] = {"-ftls-model=initial-exec", NULL};
	static const char *const desc[] = {"-mtls-dialect=gnu2", NULL};
	static const char *const ld[] = {"-ftls-model=local-dynamic", NULL};
	struct library lib;
	uint64_t hidden;

	(void)state;
	make(&lib, ie);
	hidden = symbol(&lib, "hidden_tls");
	assert_filled(&lib, slot(&lib, SUT_LIB_SLOT_TLS_IE, "far_tls", 0)->vaddr, R_X86_64_TPOFF64,
		      "far_tls");
	assert_non_null(slot(&lib, SUT_LIB_SLOT_TLS_IE, "", hidden));
	assert_int_equal(slot(&lib, SUT_LIB_SLOT_TLS_IE, "", hidden)->target, hidden);
	drop(&lib);
	make(&lib, desc);
	assert_filled(&lib, slot(&lib, SUT_LIB_SLOT_TLS_DESC, "far_tls", 0)->vaddr,
		      R_X86_64_TLSDESC, "far_tls");
	drop(&lib);
	make(&lib, ld);
	assert_non_null(slot(&lib, SUT_LIB_SLOT_TLS_LD, "", 0));
	drop(&lib);
}

static size_t relative(const struct library *lib)
{
	uint64_t at = symbol(lib, "pointers");
	size_t n = 0;

	for (size_t i = 0; i < lib->l->nrels; i++)
		n += lib->l->rels[i].type == R_X86_64_RELATIVE && lib->l->rels[i].vaddr >= at &&
		     lib->l->rels[i].vaddr < at + 24;
	return n;
}

static void packed_relocations_are_the_same_as_plain_ones(void **state)
{
	static const char *const plain[] = {"-Wl,-Bsymbolic", NULL};
	static const char *const packed[] = {"-Wl,-Bsymbolic", "-Wl,-z,pack-relative-relocs", NULL};
	struct library lib;
	uint64_t hidden;

	(void)state;
	make(&lib, plain);
	assert_int_equal(relative(&lib), 3);
	drop(&lib);
	make(&lib, packed);
	assert_non_null(sut_linked_section(lib.l, ".relr.dyn"));
	assert_int_equal(relative(&lib), 3);
	hidden = symbol(&lib, "hidden_data");
	for (size_t i = 0; i < lib.l->nrels; i++)
		if (lib.l->rels[i].vaddr == symbol(&lib, "pointers") + 8)
			assert_int_equal(lib.l->rels[i].addend, hidden + 4);
	drop(&lib);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lazy_stubs_and_slots_are_found),
		cmocka_unit_test(stubs_for_branch_tracking_are_found),
		cmocka_unit_test(an_own_ifunc_has_a_stub_that_leads_to_its_resolver),
		cmocka_unit_test(slots_of_initial_exec_and_descriptors_are_found),
		cmocka_unit_test(packed_relocations_are_the_same_as_plain_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
