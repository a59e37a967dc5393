/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine id that agents tell: /etc/machine-id is private (machine-id(5)), so a hash of it that only this software
 * makes. Who knows the private one (a scanner that ran on the machine) finds the other by it.
 */
#ifndef SUTURE_CRYPTO_MACHINE_ID_H
#define SUTURE_CRYPTO_MACHINE_ID_H

#include "base/cleanup.h"

enum { SUT_MACHINE_ID = 33 }; /* 32 lower-case hexadecimal digits and NUL */

/* text: 32 hexadecimal digits, as /etc/machine-id has them. -EINVAL: it is something else; -ENOMEM. */
int sut_machine_id(const char *text, char ret[static SUT_MACHINE_ID]) _must_check_;

#endif
