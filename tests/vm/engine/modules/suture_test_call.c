// SPDX-License-Identifier: GPL-2.0-only
/* Calls a kernel function that no system call leads to directly: cat the parameter. */
#include <linux/kernel.h>
#include <linux/module.h>

static int hex_get(char *buf, const struct kernel_param *kp)
{
	return sysfs_emit(buf, "%d\n", hex_to_bin('7'));
}

static const struct kernel_param_ops hex_ops = {.get = hex_get};
module_param_cb(hex, &hex_ops, NULL, 0400);
MODULE_LICENSE("GPL");
