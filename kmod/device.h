/* SPDX-License-Identifier: GPL-2.0-only */
/* /dev/suture */
#ifndef SUTURE_DEVICE_H
#define SUTURE_DEVICE_H

int suture_device_init(void);
void suture_device_exit(void);

#endif
