/* SPDX-License-Identifier: GPL-2.0-only */
/* /sys/kernel/suture/; its contract is docs/formats/sysfs.md. */
#ifndef SUTURE_SYSFS_H
#define SUTURE_SYSFS_H

int suture_sysfs_init(void);
void suture_sysfs_exit(void);

#endif
