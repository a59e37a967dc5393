// SPDX-License-Identifier: GPL-2.0-only
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/stringify.h>

#include "anchors.h"
#include "device.h"
#include "seen.h"
#include "stack.h"
#include "symbol.h"
#include "sysfs.h"
#include "table.h"
#include "text.h"

static int __init suture_selftest(void)
{
	int r = 0;

#ifdef SUTURE_SELFTEST
	r = suture_selftest_stack();
	r = suture_selftest_table() ?: r;
	r = suture_selftest_seen() ?: r;
	r = suture_selftest_text() ?: r;
	if (!r)
		pr_info("self-tests passed\n");
#endif
	return r;
}

static int __init suture_init(void)
{
	int r;

	r = suture_selftest();
	if (r)
		return r;
	r = suture_symbol_init();
	if (r)
		return r;
	r = suture_seen_init();
	if (r)
		return r;
	r = suture_sysfs_init();
	if (r)
		return r;
	r = suture_device_init();
	if (r)
		suture_sysfs_exit();
	return r;
}

/* Not while a payload is loaded: payloads use our symbols. */
static void __exit suture_exit(void)
{
	suture_device_exit();
	suture_sysfs_exit();
}

module_init(suture_init);
module_exit(suture_exit);

MODULE_LICENSE("GPL");
MODULE_VERSION(SUTURE_KMOD_VERSION);
MODULE_DESCRIPTION("Switches functions of the running kernel to corrected ones");
/* What a repository wants to know of it before it gives it to servers. */
MODULE_INFO(suture_abi, __stringify(SUTURE_ABI));
#ifdef SUTURE_TARGET_BUILD_ID
MODULE_INFO(suture_build_id, SUTURE_TARGET_BUILD_ID);
#endif
