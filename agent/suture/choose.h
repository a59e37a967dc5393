/* SPDX-License-Identifier: Apache-2.0 */
/* What mode, pin, hold and tag share: asking suture-apply to note what the administrator has chosen. */
#ifndef SUTURE_AGENT_CHOOSE_H
#define SUTURE_AGENT_CHOOSE_H

#include <jansson.h>
#include <stdbool.h>

#include "common/choice.h"

/*
 * Has the member `name` ("mode", "pin", "hold", "tags") of c set, and says what counts from now on. Returns
 * the exit status of the command. c NULL: sets nothing, says what counts now, and needs no rights for it.
 */
int choose(const char *command, const char *name, const struct choice *c, bool json);

/* What counts now. */
int choose_now(struct choice *ret, struct sut_err *err) _must_check_;

/* "K20261121_01", "level 3", "nothing released after 2026-11-21", "none". */
void choose_pin_text(const struct choice *c, char *ret, size_t len);
/* "until 2026-11-22T04:00:00Z: REASON", "none". */
void choose_hold_text(const struct choice *c, char *ret, size_t len);

#endif
