// SPDX-License-Identifier: Apache-2.0
/* A whole target of a few symbols: made, opened, listed, removed. */
#include "unit.h"

#include <bpf/btf.h>
#include <elf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "sample_kernel.h"
#include "sample_kallsyms.h"
#include "target/btf.h"
#include "target/modinfo.h"
#include "target/profile.h"
#include "target/profile_file.h"
#include "target/source.h"
#include "target/store.h"

#define TEXT SAMPLE_BASE
#define DATA (SAMPLE_BASE + 0x1000)
#define MCOUNT (SAMPLE_BASE + 0x2000)
#define TARGET "debian/6.1.0-47-test-amd64"
#define RELEASE "6.1.0-47-test-amd64"
#define VERMAGIC "6.1.0-47-test-amd64 SMP preempt mod_unload modversions "

static const struct sample_sym syms[] = {
	{"Aper_cpu", 0x10},
	{"Aper_cpu_end", 0x30},
	{"T_text", TEXT},
	{"Tfirst", TEXT},
	{"ttwice", TEXT + 0x20},
	{"ttwice", TEXT + 0x30},
	{"Tlast", TEXT + 0x40},
	{"T_etext", TEXT + 0x50},
	{"Ddatum", DATA + 8},
	{"d__start_mcount_loc", MCOUNT},
	{"d__stop_mcount_loc", MCOUNT + 16},
};

static void add_int_struct(struct btf *b, int type, const char *name, uint32_t size)
{
	assert_true(btf__add_struct(b, name, size) > 0);
	assert_int_equal(btf__add_field(b, "x", type, 0, 0), 0);
}

/* struct module as of 6.1, but for its fields in between. */
static void make_btf(struct sut_buf *out, bool with_exit)
{
	struct btf *b = btf__new_empty();
	int i8 = btf__add_int(b, "char", 1, BTF_INT_CHAR), arr, ptr;
	const void *raw;
	uint32_t size;

	arr = btf__add_array(b, i8, i8, 56);
	ptr = btf__add_ptr(b, 0);
	assert_true(btf__add_struct(b, "module", 896) > 0);
	assert_int_equal(btf__add_field(b, "name", arr, 24 * 8, 0), 0);
	assert_int_equal(btf__add_field(b, "init", ptr, 312 * 8, 0), 0);
	if (with_exit)
		assert_int_equal(btf__add_field(b, "exit", ptr, 848 * 8, 0), 0);
	add_int_struct(b, i8, "alt_instr", 12);
	add_int_struct(b, i8, "orc_entry", 6);
	raw = btf__raw_data(b, &size);
	assert_int_equal(sut_buf_add(out, raw, size), 0);
	btf__free(b);
}

static void record_sizes_come_from_btf(void **state)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(1 << 16), lacks = SUT_BUF_INIT(1 << 16);
	struct sut_record_sizes s;
	struct sut_module_layout m;
	struct sut_err err = {0};

	(void)state;
	make_btf(&b, true);
	assert_ok(sut_btf_read(b.data, b.len, &s, &m, &err), err);
	assert_int_equal(s.alt_instr, 12);
	assert_int_equal(s.orc_entry, 6);
	assert_int_equal(s.paravirt_patch_site, 0); /* this kernel has none */
	assert_int_equal(m.size, 896);
	assert_int_equal(m.name_off, 24);
	assert_int_equal(m.name_size, 56);
	assert_int_equal(m.init_off, 312);
	assert_int_equal(m.exit_off, 848);
	make_btf(&lacks, false);
	assert_int_equal(sut_btf_read(lacks.data, lacks.len, &s, &m, &err), -EBADMSG);
	assert_says(err, "struct module");
	assert_int_equal(sut_btf_read(b.data, 10, &s, &m, &err), -EBADMSG);
	assert_says(err, "damaged");
}

static void modinfo_tags(void **state)
{
	static const char info[] = "license=GPL\0vermagic2=no\0vermagic=" VERMAGIC;
	const struct sample_section s[] = {
		{".modinfo", SHT_PROGBITS, SHF_ALLOC, 0, info, sizeof(info)}};
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(1 << 16);

	(void)state;
	sample_elf(&b, s, 1);
	assert_string_equal(sut_modinfo_get(b.data, b.len, "vermagic"), VERMAGIC);
	assert_string_equal(sut_modinfo_get(b.data, b.len, "license"), "GPL");
	assert_null(sut_modinfo_get(b.data, b.len, "author"));
	assert_null(sut_modinfo_get(b.data, b.len - 1, "license"));
}

static void put(const char *dir, const char *name, const void *data, size_t len)
{
	_cleanup_(sut_freep) char *path = sut_sprintf("%s/%s", dir, name);
	_cleanup_(sut_freep) char *parent = strdup(path);
	struct sut_err err = {0};

	*strrchr(parent, '/') = 0;
	assert_ok(sut_mkdir_p(parent, &err), err);
	assert_ok(sut_file_write(path, data, len, 0644, &err), err);
}

static void make_vmlinux(const char *dir)
{
	static uint8_t text[0x50];
	static const char data[0x10] = "........datum";
	const uint64_t mcount[] = {TEXT + 0x40, TEXT}; /* unsorted */
	_cleanup_buf_ struct sut_buf ro = SUT_BUF_INIT(1 << 20), btf = SUT_BUF_INIT(1 << 16),
				     elf = SUT_BUF_INIT(1 << 20);
	struct sample_section s[] = {
		{".text", SHT_PROGBITS, SHF_ALLOC, TEXT, text, sizeof(text)},
		{".data", SHT_PROGBITS, SHF_ALLOC, DATA, data, sizeof(data)},
		{".init.data", SHT_PROGBITS, SHF_ALLOC, MCOUNT, mcount, sizeof(mcount)},
		{".notes", SHT_NOTE, SHF_ALLOC, DATA + 0x100, sample_notes, sizeof(sample_notes)},
		{".rodata", SHT_PROGBITS, SHF_ALLOC, DATA + 0x4000, NULL, 0},
		{".BTF", SHT_PROGBITS, SHF_ALLOC, DATA + 0x100000, NULL, 0},
		{".data..percpu", SHT_PROGBITS, SHF_ALLOC, 0, text, sizeof(text)},
	};

	sample_kallsyms(&ro, SAMPLE_6_1_SEQS, syms, SUT_ARRAY_SIZE(syms));
	make_btf(&btf, true);
	s[4].data = ro.data;
	s[4].size = ro.len;
	s[5].data = btf.data;
	s[5].size = btf.len;
	sample_elf(&elf, s, SUT_ARRAY_SIZE(s));
	put(dir, "vmlinux", elf.data, elf.len);
}

/* Everything of a target but profile.json. */
static void make_files(const char *cache, const char *dir)
{
	static const char exports[] = "0x00000001\tfirst\tvmlinux\tEXPORT_SYMBOL\t\n";
	static const char info[] = "vermagic=" VERMAGIC;
	const struct sample_section ko[] = {
		{".modinfo", SHT_PROGBITS, SHF_ALLOC, 0, info, sizeof(info)}};
	_cleanup_(sut_freep) char *src = sut_source_dir(cache, "6.1.170-3");
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(1 << 16);
	struct sut_err err = {0};

	make_vmlinux(dir);
	sample_elf(&b, ko, 1);
	put(dir, "image/lib/modules/" RELEASE "/kernel/net/x.ko", b.data, b.len);
	put(dir, "build/Module.symvers", exports, strlen(exports));
	assert_ok(sut_mkdir_p(src, &err), err);
}

static void write_profile(const char *cache, const char *dir, const char *name)
{
	struct sut_profile_origin o = {.name = name,
				       .release = RELEASE,
				       .package = "linux-image-" RELEASE,
				       .package_version = "6.1.170-3",
				       .cache = cache};
	struct sut_err err = {0};

	assert_ok(sut_profile_file_write(dir, &o, &err), err);
}

struct fixture {
	char *cache, *dir;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct sut_err err = {0};

	if (!f || sut_tmpdir("suture-test", &f->cache, &err) < 0)
		return -1;
	f->dir = sut_target_dir(f->cache, TARGET);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	struct sut_err err = {0};
	int r = sut_rm_rf(f->cache, &err);

	free(f->cache);
	free(f->dir);
	free(f);
	return r;
}

static void a_profile_has_what_the_packages_had(void **state)
{
	_cleanup_(sut_profile_freep) struct sut_profile *p = NULL;
	struct fixture *f = *state;
	const uint32_t *idx;
	struct sut_err err = {0};
	const uint8_t *data;
	uint64_t addr, size;

	make_files(f->cache, f->dir);
	write_profile(f->cache, f->dir, TARGET);
	assert_ok(sut_profile_open(f->cache, TARGET, &p, &err), err);
	assert_string_equal(p->release, RELEASE);
	assert_string_equal(p->vermagic, VERMAGIC);
	assert_string_equal(p->package_version, "6.1.170-3");
	assert_memory_equal(p->build_id, sample_notes + 16, SUT_BUILD_ID_LEN);
	assert_int_equal(p->sizes.orc_entry, 6);
	assert_int_equal(p->module.exit_off, 848);
	assert_true(sut_endswith(p->build_dir, "/debian_6.1.0-47-test-amd64/build"));
	assert_true(sut_endswith(p->src_dir, "/sources/linux-6.1.170-3"));

	assert_int_equal(p->nsyms, SUT_ARRAY_SIZE(syms));
	assert_int_equal(sut_profile_lookup(p, "twice", &idx), 2);
	assert_int_equal(p->syms[idx[0]].addr, TEXT + 0x20);
	assert_int_equal(p->syms[idx[1]].addr, TEXT + 0x30);
	assert_int_equal(sut_profile_lookup(p, "never", &idx), 0);
	/* sizes: to the next symbol; several at one address; the end of the section */
	assert_int_equal(sut_profile_lookup(p, "first", &idx), 1);
	assert_int_equal(p->syms[*idx].size, 0x20);
	assert_int_equal(sut_profile_lookup(p, "_text", &idx), 1);
	assert_int_equal(p->syms[*idx].size, 0x20);
	assert_int_equal(sut_profile_lookup(p, "last", &idx), 1);
	assert_int_equal(p->syms[*idx].size, 0x10);
	assert_int_equal(sut_profile_lookup(p, "_etext", &idx), 1);
	assert_int_equal(p->syms[*idx].size, 0);
	assert_int_equal(sut_profile_lookup(p, "datum", &idx), 1);
	assert_int_equal(p->syms[*idx].size, 8);
	assert_int_equal(sut_profile_lookup(p, "per_cpu", &idx), 1);
	assert_int_equal(p->syms[*idx].size, 0x20);
	assert_int_equal(p->syms[*idx].type, 'A');

	assert_string_equal(sut_profile_at(p, TEXT + 0x2f)->name, "twice");
	assert_string_equal(sut_profile_at(p, TEXT)->name, "_text");
	assert_null(sut_profile_at(p, 0xf));

	assert_memory_equal(sut_profile_bytes(p, DATA + 8, 5), "datum", 5);
	assert_null(sut_profile_bytes(p, DATA + 8, 9));
	assert_true(sut_profile_section(p, ".data", &addr, &size, &data));
	assert_int_equal(addr, DATA);
	assert_int_equal(size, 0x10);
	assert_non_null(data);
	assert_false(sut_profile_section(p, ".nothing", &addr, &size, &data));

	assert_int_equal(p->nfentry, 2);
	assert_int_equal(p->fentry[0], TEXT);
	assert_true(sut_profile_has_fentry(p, TEXT + 0x40));
	assert_false(sut_profile_has_fentry(p, TEXT + 0x41));
	assert_int_equal(sut_profile_export(p, "first")->crc, 1);
	assert_null(sut_profile_export(p, "last"));
}

static void without_profile_json_there_is_no_target(void **state)
{
	struct fixture *f = *state;
	_cleanup_strv_ struct sut_strv l = {0};
	struct sut_profile *p = NULL;
	struct sut_err err = {0};

	make_files(f->cache, f->dir);
	assert_int_equal(sut_profile_open(f->cache, TARGET, &p, &err), -ENOENT);
	assert_says(err, "suture-build target add " TARGET);
	assert_null(p);
	assert_ok(sut_target_list(f->cache, &l, &err), err);
	assert_int_equal(l.n, 0);
	assert_int_equal(sut_profile_open("/nonexistent", TARGET, &p, &err), -ENOENT);
}

static void damage_is_noticed(void **state)
{
	struct fixture *f = *state;
	struct sut_profile *p = NULL;
	struct sut_err err = {0};
	_cleanup_(sut_freep) char *path = sut_sprintf("%s/vmlinux", f->dir);
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(1 << 20);
	uint8_t *id;

	make_files(f->cache, f->dir);
	write_profile(f->cache, f->dir, TARGET);
	/* another kernel's image */
	assert_ok(sut_file_read(path, &b, &err), err);
	id = memmem(b.data, b.len, sample_notes, sizeof(sample_notes));
	assert_non_null(id);
	id[20]++;
	put(f->dir, "vmlinux", b.data, b.len);
	assert_int_equal(sut_profile_open(f->cache, TARGET, &p, &err), -EBADMSG);
	assert_says(err, "suture-build target remove");
	put(f->dir, "profile.json", "{\"format\": 1", 12);
	assert_int_equal(sut_profile_open(f->cache, TARGET, &p, &err), -EBADMSG);
	assert_says(err, "damaged");
	assert_null(p);
}

static void a_source_is_kept_while_a_target_uses_it(void **state)
{
	struct fixture *f = *state;
	_cleanup_(sut_freep) char *other = sut_target_dir(f->cache, "debian/6.1.0-47-amd64");
	_cleanup_(sut_freep) char *src = sut_source_dir(f->cache, "6.1.170-3");
	_cleanup_strv_ struct sut_strv l = {0};
	struct sut_err err = {0};
	bool source;

	make_files(f->cache, f->dir);
	write_profile(f->cache, f->dir, TARGET);
	make_files(f->cache, other);
	write_profile(f->cache, other, "debian/6.1.0-47-amd64");
	assert_ok(sut_target_list(f->cache, &l, &err), err);
	assert_int_equal(l.n, 2);
	assert_string_equal(l.v[0], "debian/6.1.0-47-amd64");
	assert_ok(sut_target_remove(f->cache, TARGET, &source, &err), err);
	assert_false(source);
	assert_true(sut_exists(src));
	assert_false(sut_exists(f->dir));
	assert_int_equal(sut_target_remove(f->cache, TARGET, &source, &err), -ENOENT);
	assert_says(err, "target list");
	assert_ok(sut_target_remove(f->cache, "debian/6.1.0-47-amd64", &source, &err), err);
	assert_true(source);
	assert_false(sut_exists(src));
}

static void cleaning_keeps_what_targets_use(void **state)
{
	struct fixture *f = *state;
	_cleanup_(sut_freep) char *used = sut_source_dir(f->cache, "6.1.170-3");
	_cleanup_(sut_freep) char *unused = sut_source_dir(f->cache, "6.1.187-1");
	_cleanup_(sut_freep) char *half = sut_target_dir(f->cache, "debian/6.1.0-50-amd64");
	struct sut_profile *p = NULL;
	struct sut_err err = {0};
	size_t n;

	make_files(f->cache, f->dir);
	write_profile(f->cache, f->dir, TARGET);
	assert_ok(sut_mkdir_p(unused, &err), err);
	assert_ok(sut_mkdir_p(half, &err), err);
	put(f->cache, "sources/.new/tree/Makefile", "x", 1);
	assert_ok(sut_store_clean(f->cache, &n, &err), err);
	assert_int_equal(n, 1);
	assert_true(sut_exists(used));
	assert_false(sut_exists(unused));
	assert_false(sut_exists(half));
	assert_ok(sut_profile_open(f->cache, TARGET, &p, &err), err);
	sut_profile_free(p);
}

static void cleaning_keeps_what_is_being_made(void **state)
{
	struct fixture *f = *state;
	static const char name[] = "debian/libtiny1=1.0-1";
	_cleanup_(sut_freep) char *half = sut_target_dir(f->cache, name), *abs = NULL;
	struct sut_err err = {0};
	int fd, other;
	size_t n;

	assert_ok(sut_mkdir_p(half, &err), err);
	assert_ok(sut_store_open(f->cache, &abs, &err), err);
	assert_ok(sut_store_lock_entry(abs, name, NULL, &fd, &err), err);
	assert_ok(sut_store_lock_entry(abs, "debian/libtiny2=1.0-1", NULL, &other, &err), err);
	assert_ok(sut_store_clean(f->cache, &n, &err), err);
	assert_true(sut_exists(half));
	close(fd);
	assert_ok(sut_store_clean(f->cache, &n, &err), err);
	assert_false(sut_exists(half));
	close(other);
}

static void names_of_targets(void **state)
{
	static const char *const bad[] = {
		"6.1.0-47",	"debian/",	"debian/../x",	       "debian/6/1",
		"debian/6.1 0", "ubuntu/6.1.0", "debian/newest-amd64", "debian/6.1\n"};
	struct sut_err err = {0};
	const char *release;

	(void)state;
	for (size_t i = 0; i < SUT_ARRAY_SIZE(bad); i++) {
		assert_int_equal(sut_target_name_check(bad[i], &release, &err), -EINVAL);
		assert_says(err, "debian/6.1.0-47-cloud-amd64");
	}
	assert_ok(sut_target_name_check("debian/6.12.111+deb12-cloud-amd64", &release, &err), err);
	assert_string_equal(release, "6.12.111+deb12-cloud-amd64");
}

static void too_little_space_is_said_beforehand(void **state)
{
	struct fixture *f = *state;
	struct sut_err err = {0};

	assert_int_equal(sut_store_space(f->cache, UINT64_MAX, &err), -ENOSPC);
	assert_says(err, "MB are needed");
	assert_ok(sut_store_space(f->cache, 1, &err), err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(record_sizes_come_from_btf),
		cmocka_unit_test(modinfo_tags),
		cmocka_unit_test(names_of_targets),
		cmocka_unit_test_setup_teardown(a_profile_has_what_the_packages_had, setup,
						teardown),
		cmocka_unit_test_setup_teardown(without_profile_json_there_is_no_target, setup,
						teardown),
		cmocka_unit_test_setup_teardown(damage_is_noticed, setup, teardown),
		cmocka_unit_test_setup_teardown(a_source_is_kept_while_a_target_uses_it, setup,
						teardown),
		cmocka_unit_test_setup_teardown(cleaning_keeps_what_targets_use, setup, teardown),
		cmocka_unit_test_setup_teardown(cleaning_keeps_what_is_being_made, setup, teardown),
		cmocka_unit_test_setup_teardown(too_little_space_is_said_beforehand, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
