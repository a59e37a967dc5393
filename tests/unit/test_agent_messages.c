// SPDX-License-Identifier: Apache-2.0
/* Which messages of the kernel count against a patch, and which do not. */
#include "unit.h"

#include <string.h>

#include "base/cleanup.h"
#include "suture-apply/messages.h"

static const char functions[] = "unix_ioctl\nlookup_dcache\n";

static struct messages scan(const char *text)
{
	struct messages m;

	messages_scan(text, strlen(text), functions, &m);
	return m;
}

static void quiet_messages_say_nothing(void **state)
{
	struct messages m =
		scan("[   12.345678] suture: applied K1, unix_ioctl+0x0/0x90 [suture_k1]\n"
		     "<6>[   13.0] usb 1-1: new device\n"
		     "[   14.1][ T12] EXT4-fs (sda1): mounted\n");

	(void)state;
	assert_false(m.fatal);
	assert_int_equal(m.others, 0);
	m = scan("");
	assert_false(m.fatal);
}

static void a_function_of_the_patch_in_a_report_is_fatal(void **state)
{
	static const char *const fatal[] = {
		/* where it happened */
		"BUG: kernel NULL pointer dereference, address: 0000000000000008\n"
		"#PF: supervisor read access in kernel mode\n"
		"Oops: 0000 [#1] PREEMPT SMP PTI\n"
		"RIP: 0010:unix_ioctl+0x12/0x90\n"
		"---[ end trace 0000000000000000 ]---\n",
		"[  101.2] general protection fault, probably for non-canonical address: 0000 [#1]\n"
		"[  101.2] RIP: 0010:lookup_dcache.constprop.0+0x1a/0x40\n",
		"<4>[  101.2] WARNING: CPU: 1 PID: 77 at net/unix/af_unix.c:3000 unix_ioctl+0x50/0x90\n",
		"kernel BUG at fs/namei.c:1500!\ninvalid opcode: 0000 [#1] SMP\n"
		"RIP: 0010:lookup_dcache.cold+0x0/0x5\n",
		/* on the way to it */
		"BUG: unable to handle page fault for address: ffffc90000000000\n"
		"RIP: 0010:memcpy+0x5/0x10\nCall Trace:\n <TASK>\n ? unix_ioctl+0x44/0x90\n </TASK>\n",
		"watchdog: BUG: soft lockup - CPU#0 stuck for 22s! [x:1]\n unix_ioctl+0x44/0x90\n",
		/* new code, known by its module only */
		"WARNING: CPU: 0 PID: 1 at /tmp/x.c:5 helper+0x5/0x10 [suture_k20261121_01]\n",
		"BUG: scheduling while atomic: sh/12/0x2\n helper+0x5/0x10 [suture_k20261121_01]\r\n",
		/* and the engine */
		"Oops: 0002 [#1]\nRIP: 0010:sut_switch+0x5/0x10 [suture]\n",
		/* arm64 */
		"Unable to handle kernel paging request at virtual address 8\n"
		"Internal error: Oops: 96000004 [#1]\npc : unix_ioctl+0x10/0x80\n",
	};

	(void)state;
	for (size_t i = 0; i < SUT_ARRAY_SIZE(fatal); i++) {
		struct messages m = scan(fatal[i]);

		if (!m.fatal)
			fail_msg("not fatal: %s", fatal[i]);
		assert_int_equal(m.others, 0);
		assert_true(m.text[0] && !strchr(m.text, '\n') && !strchr(m.text, '<'));
	}
}

static void others_are_counted(void **state)
{
	struct messages m =
		scan("WARNING: CPU: 1 PID: 77 at drivers/x.c:1 x_probe+0x50/0x90 [x]\n"
		     "Modules linked in: x suture_k20261121_01(OE) suture(OE) unix_diag\n"
		     " suture_more(OE) unix_ioctl\n"
		     "CPU: 1 PID: 77 Comm: unix_ioctl+0x1/ Tainted: G OE\n"
		     "RIP: 0010:x_probe+0x50/0x90 [x]\nCall Trace:\n y+0x1/0x2\n"
		     "---[ end trace 0000000000000000 ]---\n"
		     "unix_ioctl+0x50/0x90 is only a name here\n"
		     "INFO: task sh:99 blocked for more than 120 seconds.\n unix_ioctl+0x50/0x90\n"
		     "rcu: INFO: rcu_preempt self-detected stall on CPU\n lookup_dcache+0x1/0x2\n"
		     "BUG: Bad page state in process unix_ioctl  pfn:1\n unix_ioctl_more+0x1/0x2\n"
		     "Oops: 0000 [#1]\nRIP: 0033:0x7f0000000000\n");

	(void)state;
	if (m.fatal)
		fail_msg("fatal: %s", m.text);
	assert_int_equal(m.others, 4);
}

static void a_process_cannot_pretend_to_be_the_patch(void **state)
{
	/* A name of 15 bytes is all that a process has. */
	struct messages m =
		scan("WARNING: CPU: 0 PID: 5 at kernel/fork.c:1 copy_process+0x1/0x2\n"
		     "CPU: 0 PID: 5 Comm: [suture_x] Not tainted\n"
		     "CPU: 0 PID: 6 Comm: unix_ioctl+0x1 Not tainted\n"
		     "BUG: scheduling while atomic: unix_ioctl+0x/5/0x2\n"
		     "watchdog: BUG: soft lockup - CPU#0 stuck for 22s! [unix_ioctl+0x1:5]\n");

	(void)state;
	assert_false(m.fatal);
	assert_int_equal(m.others, 3);
}

static void a_report_ends(void **state)
{
	_cleanup_(sut_freep) char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	struct messages m;

	(void)state;
	fputs("WARNING: CPU: 0 PID: 5 at kernel/fork.c:1 copy_process+0x1/0x2\n", f);
	for (int i = 0; i < 300; i++)
		fputs("something else\n", f);
	fputs(" unix_ioctl+0x1/0x2\n", f);
	fclose(f);
	messages_scan(text, len, functions, &m);
	assert_false(m.fatal);
	assert_int_equal(m.others, 1);
}

static void what_is_told_is_printable_and_bounded(void **state)
{
	char text[4096];
	struct messages m;

	(void)state;
	memset(text, 'A', sizeof(text));
	memcpy(text, "BUG: \x1b[31m\xff", 12);
	memcpy(text + 3000, "\n unix_ioctl+0x1/0x2 \x01", 22);
	messages_scan(text, sizeof(text), functions, &m);
	assert_true(m.fatal);
	assert_true(strlen(m.text) < MESSAGES_TEXT_MAX);
	for (const char *p = m.text; *p; p++)
		assert_in_range(*p, ' ', '~');
	assert_non_null(strstr(m.text, "unix_ioctl+0x1/0x2"));
	/* Without functions the module alone is known. */
	messages_scan("BUG: x\n a+0x1/0x2 [suture_k1]", 29, NULL, &m);
	assert_true(m.fatal);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quiet_messages_say_nothing),
		cmocka_unit_test(a_function_of_the_patch_in_a_report_is_fatal),
		cmocka_unit_test(others_are_counted),
		cmocka_unit_test(a_process_cannot_pretend_to_be_the_patch),
		cmocka_unit_test(a_report_ends),
		cmocka_unit_test(what_is_told_is_printable_and_bounded),
	};

	return cmocka_run_group_tests_name("agent_messages", tests, NULL, NULL);
}
