/* SPDX-License-Identifier: Apache-2.0 */
/* Functions that are not used here; force-included by the build. The right
 * ones are in base/: snprintf or sut_sprintf, sut_parse_u64, sut_run. */
#ifndef SUTURE_BASE_BANNED_H
#define SUTURE_BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#pragma GCC poison strcpy strcat sprintf vsprintf strtok gets
#pragma GCC poison atoi atol atoll mktemp tmpnam system popen

#endif
