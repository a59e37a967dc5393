/* SPDX-License-Identifier: Apache-2.0 */
/* Of walk-console: what walk.h does not have. */
#ifndef SUTURE_TESTS_OPENAPI_CONSOLE_H
#define SUTURE_TESTS_OPENAPI_CONSOLE_H

#include "walk.h"

/* Every operation that names what the first tenant has, called by the second: 404, nothing is told and nothing changes. */
void console_others(struct walk *k);

#endif
