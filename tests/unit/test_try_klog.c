// SPDX-License-Identifier: Apache-2.0
/* Warnings found in the console log of a virtual machine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "try/klog.h"

static struct sut_klog k;

static void scan(const char *text)
{
	sut_klog_scan(text, strlen(text), &k);
}

static void test_a_healthy_boot_has_none(void **state)
{
	(void)state;
	scan("[    0.000000] Linux version 6.1.0\r\n"
	     "[    0.100000] ftrace: allocating 40521 entries in 159 pages\r\n"
	     "[    0.601026] NMI watchdog: Perf NMI watchdog permanently disabled\r\n"
	     "[    0.700000] RETBleed: Vulnerable\r\n"
	     "[    2.100000] suture: loading out-of-tree module taints kernel.\r\n"
	     "[    2.244264] suture-try: begin script\r\n");
	assert_int_equal(k.total, 0);
}

static void test_a_warning_block_counts_once_and_knows_its_phase(void **state)
{
	(void)state;
	scan("[    2.0] suture-try: begin apply\n"
	     "[    2.1] ------------[ cut here ]------------\n"
	     "[    2.1] WARNING: CPU: 1 PID: 77 at mm/slab.c:12 foo+0x1/0x2\n"
	     "[    2.1] Modules linked in: suture(OE)\n"
	     "[    2.1] RIP: 0010:foo+0x1/0x2\n"
	     "[    2.1] Call Trace:\n"
	     "[    2.1]  <TASK>\n"
	     "[    2.1] ---[ end trace 0000000000000000 ]---\n"
	     "[    2.2] suture-try: end apply 0\n"
	     "[    2.3] eth0: up\n");
	assert_int_equal(k.total, 1);
	assert_string_equal(k.v[0].phase, "apply");
	assert_string_equal(k.v[0].line, "WARNING: CPU: 1 PID: 77 at mm/slab.c:12 foo+0x1/0x2");
	assert_memory_equal(k.v[0].block, "[    2.1] ------------[ cut", 27);
	assert_memory_equal(k.v[0].block + k.v[0].len - 5, "]---\n", 5);
}

static void test_an_oops_counts_once(void **state)
{
	(void)state;
	scan("[    3.1] BUG: unable to handle page fault for address: ffffffffc0000000\n"
	     "[    3.1] #PF: supervisor read access in kernel mode\n"
	     "[    3.1] RIP: 0010:bar+0x10/0x20\n"
	     "[    3.1] Call Trace:\n");
	assert_int_equal(k.total, 1);
	assert_string_equal(k.v[0].phase, "");
}

static void test_each_kind_is_found(void **state)
{
	static const char *const lines[] = {
		"[    1.0] Unpatched return thunk in use. This should not happen!\n",
		"[    1.0] WARNING: possible circular locking dependency detected\n",
		"[    1.0] WARNING: suspicious RCU usage\n",
		"[    1.0][  T12] rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:\n",
		"[    1.0] watchdog: BUG: soft lockup - CPU#0 stuck for 22s!\n",
		"[    1.0] INFO: task sh:1 blocked for more than 120 seconds.\n",
		"[    1.0] general protection fault, probably for non-canonical address\n",
		"[    1.0] Kernel panic - not syncing: Fatal exception\n",
		"[    1.0] ftrace failed to modify\n",
		"[    1.0] BUG: sleeping function called from invalid context at a.c:1\n",
		"[    1.0] pingpong[123]: segfault at 0 ip 0\n",
		"WARNING: stack recursion on stack type 4\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		scan(lines[i]);
		if (k.total != 1)
			fail_msg("not found: %s", lines[i]);
	}
}

static void test_any_bytes_and_many_reports(void **state)
{
	static char many[64 * 200];
	static const char binary[] = "\0\xff[[[[ 1]\n[    1.0] BUG: \x1b[31m bad\n[";
	size_t n = 0;

	(void)state;
	sut_klog_scan(binary, sizeof(binary) - 1, &k);
	assert_int_equal(k.total, 1);
	assert_null(strchr(k.v[0].line, '\x1b'));
	for (int i = 0; i < 200; i++)
		n += (size_t)snprintf(many + n, sizeof(many) - n, "BUG: number %d\n", i);
	sut_klog_scan(many, n, &k);
	assert_int_equal(k.total, 200);
	assert_int_equal(k.n, SUT_KLOG_WARNINGS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_healthy_boot_has_none),
		cmocka_unit_test(test_a_warning_block_counts_once_and_knows_its_phase),
		cmocka_unit_test(test_an_oops_counts_once),
		cmocka_unit_test(test_each_kind_is_found),
		cmocka_unit_test(test_any_bytes_and_many_reports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
