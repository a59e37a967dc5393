// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sample_kallsyms.h"
#include "target/kallsyms.h"

static const struct sample_sym syms[] = {
	{"Afixed_percpu_data", 0},
	{"Acurrent_task", 0x1fb80},
	{"T_text", SAMPLE_BASE},
	{"Tstartup_64", SAMPLE_BASE},
	{"tunix_ioctl", SAMPLE_BASE + 0x8d8050},
	{"T_printk", SAMPLE_BASE + 0x9c7ba0},
	{"B_end", SAMPLE_BASE + 0x2830000},
};
enum { NSYMS = sizeof(syms) / sizeof(syms[0]), FIRST_TEXT = 2 };

static void check(enum sample_layout layout, const struct sample_sym *s, size_t n)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(16 << 20);
	_cleanup_(sut_kallsyms_release) struct sut_kallsyms k = {0};
	struct sut_err err = {0};

	sample_kallsyms(&b, layout, s, n);
	assert_ok(sut_kallsyms_decode(b.data, b.len, &k, &err), err);
	assert_int_equal(k.n, n);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(k.syms[i].addr, s[i].addr);
		assert_int_equal(k.syms[i].type, s[i].name[0]);
		assert_string_equal(k.syms[i].name, s[i].name + 1);
	}
}

static void layouts_of_6_1(void **state)
{
	(void)state;
	check(SAMPLE_6_1, syms, NSYMS);
	check(SAMPLE_6_1_SEQS, syms, NSYMS);
}

static void layout_of_6_4(void **state)
{
	(void)state;
	check(SAMPLE_6_4, syms, NSYMS);
}

static void offsets_without_absolute_symbols(void **state)
{
	(void)state;
	check(SAMPLE_6_15, syms + FIRST_TEXT, NSYMS - FIRST_TEXT);
}

/* More than one marker, and names whose length takes two bytes. */
static void many_and_long_names(void **state)
{
	enum { N = 1000 };
	struct sample_sym *s = calloc(N, sizeof(*s));
	char(*names)[400] = calloc(N, sizeof(*names));

	(void)state;
	assert_true(s && names);
	for (unsigned int i = 0; i < N; i++) {
		snprintf(names[i], sizeof(names[i]), "tunix_function_%0*u", i % 3 ? 4 : 300, i);
		s[i] = (struct sample_sym){names[i], SAMPLE_BASE + i * 16};
	}
	for (enum sample_layout l = SAMPLE_6_1; l <= SAMPLE_6_15; l++)
		check(l, s, N);
	free(s);
	free(names);
}

static void symbols_come_by_address(void **state)
{
	/* Kernels before 6.1 could put absolute symbols anywhere. */
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(1 << 20);
	_cleanup_(sut_kallsyms_release) struct sut_kallsyms k = {0};
	struct sut_err err = {0};

	(void)state;
	sample_kallsyms(&b, SAMPLE_6_1, syms, NSYMS);
	assert_ok(sut_kallsyms_decode(b.data, b.len, &k, &err), err);
	for (size_t i = 1; i < k.n; i++)
		assert_true(k.syms[i - 1].addr <= k.syms[i].addr);
	/* At one address: the image's order. */
	assert_string_equal(k.syms[2].name, "_text");
	assert_string_equal(k.syms[3].name, "startup_64");
}

static void refuse(struct sut_buf *b, const char *says)
{
	struct sut_kallsyms k = {0};
	struct sut_err err = {0};

	assert_int_equal(sut_kallsyms_decode(b->data, b->len, &k, &err), -EBADMSG);
	assert_says(err, says);
	assert_null(k.syms);
}

static void damage_is_refused(void **state)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(1 << 20);
	size_t whole;
	uint8_t *p;

	(void)state;
	assert_int_equal(sut_buf_addstr(&b, "no tables in here"), 0);
	refuse(&b, "no kallsyms token table");
	b.len = 0;
	sample_kallsyms(&b, SAMPLE_6_1, syms, NSYMS);
	whole = b.len;
	/* The token index is cut off. */
	b.len = whole - 200;
	refuse(&b, "token table");
	b.len = whole;
	/* A name longer than what follows it. */
	p = memmem(b.data, b.len, "T_text", 6);
	assert_non_null(p);
	p[-1] = 0x7f;
	refuse(&b, "names were not found");
	p[-1] = 6;
	/* A base that is no kernel address. */
	p = memmem(b.data, b.len, "\0\0\0\201\377\377\377\377", 8);
	assert_non_null(p);
	p[7] = 0;
	refuse(&b, "addresses were not found");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layouts_of_6_1),
		cmocka_unit_test(layout_of_6_4),
		cmocka_unit_test(offsets_without_absolute_symbols),
		cmocka_unit_test(many_and_long_names),
		cmocka_unit_test(symbols_come_by_address),
		cmocka_unit_test(damage_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
