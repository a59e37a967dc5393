/* SPDX-License-Identifier: Apache-2.0 */
/* suture-apply as a program, but for the machine it works on. */
#ifndef SUTURE_AGENT_APPLY_PROGRAM_H
#define SUTURE_AGENT_APPLY_PROGRAM_H

#include "apply.h"

/* main() of suture-apply. machine (NULL: the real one) is put in place once the root is known. */
int program_main(int argc, char **argv, int (*machine)(struct apply *a, struct sut_err *err));

#endif
