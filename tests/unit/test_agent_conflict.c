// SPDX-License-Identifier: Apache-2.0
/* conflict.h: texts as kernels print them, and the judgement on each line. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"
#include "base/file.h"
#include "base/str.h"
#include "kernel/conflict.h"
#include "sample_patch.h"

struct fixture {
	struct sut_buf bytes;
	struct sut_expect_table t; /* unix_ioctl (replaced), its .cold, a busy function */
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->bytes = SUT_BUF_INIT(SUTURE_MAX_EXPECT);
	sample_expect(&f->bytes);
	assert_int_equal(sut_expect_parse(f->bytes.data, f->bytes.len, &f->t, NULL), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	sut_buf_release(&f->bytes);
	free(f);
	return 0;
}

typedef int scan_fn(const char *text, const struct sut_expect_table *t, struct sut_conflicts *c,
		    struct sut_err *err);

/* says: NULL for no conflict. */
static void assert_line(const struct fixture *f, scan_fn *scan, const char *text, int fatal,
			const char *says)
{
	_cleanup_(sut_conflicts_release) struct sut_conflicts c = {0};
	struct sut_err err = {0};

	assert_int_equal(scan(text, &f->t, &c, &err), 0);
	if (!says) {
		if (c.n)
			fail_msg("'%s' gives '%s'", text, c.v[0].what);
		return;
	}
	if (c.n != 1)
		fail_msg("'%s' gives %zu conflicts", text, c.n);
	if (!strstr(c.v[0].what, says))
		fail_msg("'%s' is not in '%s'", says, c.v[0].what);
	assert_int_equal(c.v[0].fatal, fatal);
	assert_string_equal(c.v[0].kind, "kprobe");
}

static void probes_of_the_list(void **state)
{
	static const struct {
		const char *line;
		int fatal;
		const char *says;
	} lines[] = {
		{"ffffffff9ab0a000  k  unix_ioctl+0x0    [FTRACE]\n", 0,
		 "at the entry of unix_ioctl"},
		{"ffffffff9ab0a000  r  unix_ioctl+0x0    [DISABLED][FTRACE]\n", 0, "at the return"},
		{"0000000000000000  k  unix_ioctl+0x5\n", 1, "unix_ioctl+0x5, inside"},
		{"ffffffff9ab0a005  k  unix_ioctl+0x5    [OPTIMIZED]\n", 1, "the patch replaces"},
		{"ffffffff9ab0a00f  k  unix_ioctl+0xf    [DISABLED]", 1, "unix_ioctl+0xf"},
		{"ffffffff9ab0a010  k  unix_ioctl+0x10    \n", 0, NULL}, /* behind its end */
		{"ffffffff9ab0b003  k  unix_ioctl.cold+0x3    \n", 1, "unix_ioctl.cold+0x3"},
		{"ffffffff9ab0b000  k  unix_ioctl.cold+0x0    [FTRACE]\n", 0, "keeps working"},
		{"ffffffff9ab09000  k  unix_stream_read_generic+0x3    \n", 1, "as it was built"},
		{"ffffffff9ab09000  k  unix_ioctl2+0x5    \n", 0, NULL},
		{"ffffffff9ab09000  k  unix_ioct+0x5    \n", 0, NULL},
		{"ffffffffc0123005  k  unix_ioctl+0x5  unix_diag  \n", 0, NULL}, /* a module's */
		{"ffffffff9ab0a005  k  ffffffff9ab0a005\n", 0, NULL},
		{"", 0, NULL},
		{"\n\n\n", 0, NULL},
		{"a b", 0, NULL},
		{"a k +0x5\n", 0, NULL},
		{"a k unix_ioctl+\n", 0, NULL},
		{"a k unix_ioctl+0x\n", 0, NULL},
		{"a k unix_ioctl+0x5z\n", 0, NULL},
		{"a k unix_ioctl+0xffffffffffffffffff\n", 0, NULL},
	};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(lines); i++)
		assert_line(*state, sut_conflict_kprobe_list, lines[i].line, lines[i].fatal,
			    lines[i].says);
}

static void probes_of_the_events(void **state)
{
	static const struct {
		const char *line;
		int fatal;
		const char *says;
	} lines[] = {
		{"p:kprobes/mine unix_ioctl\n", 0, "kprobes/mine is at the entry"},
		{"p:kprobes/mine unix_ioctl+0 arg1=%di\n", 0, "keeps working"},
		{"r16:grp/ret unix_ioctl\n", 0, "grp/ret is at the return"},
		{"p:grp/ret unix_ioctl%return\n", 0, "keeps working"},
		{"p:kprobes/mine unix_ioctl+5 a=@stderr:string\n", 1,
		 "kprobes/mine is at unix_ioctl+0x5"},
		{"p:kprobes/mine unix_ioctl+0x5\n", 1, "unix_ioctl+0x5"},
		{"p:kprobes/mine unix_ioctl.cold\n", 1, "unix_ioctl.cold+0x0"},
		{"p:kprobes/mine unix_diag:unix_ioctl+5\n", 0, NULL},
		{"p:kprobes/mine 0xffffffff9ab0a005\n", 0, NULL},
		{"p:evil\033[31m unix_ioctl+5\n", 1, "evil?[31m"},
		{"e:grp/ep other.event\n", 0, NULL},
		{"# comment unix_ioctl+5\n", 0, NULL},
		{"p\n", 0, NULL},
		{"p:x", 0, NULL},
	};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(lines); i++)
		assert_line(*state, sut_conflict_kprobe_events, lines[i].line, lines[i].fatal,
			    lines[i].says);
}

static void other_patchers_by_their_modules(void **state _unused_)
{
	static const char text[] = "kcare 90112 1 - Live 0xffffffffc0a00000 (OE)\n"
				   "ksplice_abc123_vmlinux_new 16384 0 - Live 0xffffffffc0a10000\n"
				   "lkrg 262144 0 - Live 0xffffffffc0b00000 (OE)\n"
				   "kpatch 45056 0 - Live 0xffffffffc0c00000\n"
				   "lkrg_unrelated 1 0 - Live 0x0\n"
				   "ext4 983040 1 kcare, Live 0xffffffffc0d00000\n"
				   "suture 65536 1 suture_x, Live 0xffffffffc0e00000\n";
	_cleanup_(sut_conflicts_release) struct sut_conflicts c = {0};
	struct sut_err err = {0};

	assert_int_equal(sut_conflict_modules(text, &c, &err), 0);
	assert_int_equal(c.n, 4);
	assert_int_equal(sut_conflicts_fatal(&c), 3);
	assert_non_null(strstr(c.v[0].what, "KernelCare"));
	assert_non_null(strstr(c.v[1].what, "ksplice_abc123"));
	assert_non_null(strstr(c.v[2].what, "LKRG"));
	assert_false(c.v[3].fatal);
	assert_int_equal(sut_conflict_modules("", &c, &err), 0);
	assert_int_equal(c.n, 4);
}

static void put(const char *root, const char *path, const char *text)
{
	_cleanup_(sut_freep) char *full = sut_sprintf("%s/%s", root, path);
	struct sut_err err = {0};

	assert_non_null(full);
	if (text) {
		char *slash = strrchr(full, '/');

		*slash = 0;
		assert_int_equal(sut_mkdir_p(full, &err), 0);
		*slash = '/';
		assert_int_equal(sut_file_write(full, text, strlen(text), 0644, &err), 0);
	} else {
		assert_int_equal(sut_mkdir_p(full, &err), 0);
	}
}

static void livepatches_by_their_functions(void **state)
{
	const struct fixture *f = *state;
	_cleanup_(sut_conflicts_release) struct sut_conflicts c = {0};
	_cleanup_(sut_freep) char *root = NULL;
	struct sut_err err = {0};

	assert_int_equal(sut_tmpdir("conflict", &root, &err), 0);
	assert_int_equal(sut_conflict_livepatch(root, &f->t, &c, &err), 0); /* no such folder */
	put(root, "sys/kernel/livepatch/lp_one/vmlinux/unix_ioctl,1", NULL);
	put(root, "sys/kernel/livepatch/lp_one/vmlinux/unix_ioctl2,1", NULL);
	put(root, "sys/kernel/livepatch/lp_one/unix_diag/unix_ioctl.cold,1", NULL);
	put(root, "sys/kernel/livepatch/lp_two/vmlinux/unix_stream_read_generic,3", NULL);
	put(root, "sys/kernel/livepatch/lp_two/enabled", "1\n");
	assert_int_equal(sut_conflict_livepatch(root, &f->t, &c, &err), 0);
	assert_int_equal(c.n, 2);
	assert_int_equal(sut_conflicts_fatal(&c), 1);
	for (size_t i = 0; i < c.n; i++) {
		bool fatal = c.v[i].fatal;

		assert_string_equal(c.v[i].function,
				    fatal ? "unix_ioctl" : "unix_stream_read_generic");
		assert_non_null(strstr(c.v[i].what, fatal ? "lp_one" : "lp_two"));
	}
	assert_int_equal(sut_rm_rf(root, &err), 0);
}

static void scan_puts_it_all_together(void **state)
{
	const struct fixture *f = *state;
	_cleanup_(sut_conflicts_release) struct sut_conflicts c = {0}, none = {0};
	_cleanup_(sut_freep) char *root = NULL;
	struct sut_err err = {0};
	char who[128];

	assert_int_equal(sut_tmpdir("conflict", &root, &err), 0);
	/* Without any of the files that is said, and is not fatal. */
	assert_int_equal(sut_conflict_scan(root, &f->t, &none, &err), 0);
	assert_int_equal(none.n, 1);
	assert_int_equal(sut_conflicts_fatal(&none), 0);
	assert_non_null(strstr(none.v[0].what, "cannot be listed"));

	put(root, "sys/kernel/tracing/kprobe_events", "p:kprobes/mine unix_ioctl+5\n");
	put(root, "sys/kernel/debug/kprobes/list",
	    "ffffffff9ab0a005  k  unix_ioctl+0x5    [DISABLED]\n"
	    "ffffffff9ab0a00a  k  unix_ioctl+0xa    \n");
	put(root, "proc/modules", "kcare 1 0 - Live 0x0\n");
	put(root, "sys/kernel/livepatch/lp/vmlinux/unix_ioctl,1", NULL);
	assert_int_equal(sut_conflict_scan(root, &f->t, &c, &err), 0);
	/* The probe that both files list counts once, by the name of its event. */
	assert_int_equal(c.n, 4);
	assert_int_equal(sut_conflicts_fatal(&c), 4);

	assert_true(sut_conflict_who_probes(root, "unix_ioctl", 5, who, sizeof(who)));
	assert_string_equal(who, "the kprobe event kprobes/mine");
	assert_true(sut_conflict_who_probes(root, "unix_ioctl", 10, who, sizeof(who)));
	assert_non_null(strstr(who, "unix_ioctl+0xa"));
	assert_false(sut_conflict_who_probes(root, "unix_ioctl", 11, who, sizeof(who)));
	assert_int_equal(sut_rm_rf(root, &err), 0);
}

static void endless_lists_are_bounded(void **state)
{
	const struct fixture *f = *state;
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(1 << 20);
	_cleanup_(sut_conflicts_release) struct sut_conflicts c = {0};
	struct sut_err err = {0};

	for (int i = 0; i < 1000; i++)
		assert_int_equal(sut_buf_addstr(&b, "kcare_x 1 0 - Live 0x0\n"), 0);
	assert_int_equal(sut_conflict_modules(sut_buf_str(&b), &c, &err), 0);
	assert_int_equal(c.n, SUT_CONFLICTS_MAX);
	memset(b.data, 'p', b.len);
	assert_int_equal(sut_conflict_kprobe_events(sut_buf_str(&b), &f->t, &c, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(probes_of_the_list, setup, teardown),
		cmocka_unit_test_setup_teardown(probes_of_the_events, setup, teardown),
		cmocka_unit_test(other_patchers_by_their_modules),
		cmocka_unit_test_setup_teardown(livepatches_by_their_functions, setup, teardown),
		cmocka_unit_test_setup_teardown(scan_puts_it_all_together, setup, teardown),
		cmocka_unit_test_setup_teardown(endless_lists_are_bounded, setup, teardown),
	};

	return cmocka_run_group_tests_name("conflict", tests, NULL, NULL);
}
