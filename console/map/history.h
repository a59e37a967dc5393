/* SPDX-License-Identifier: Apache-2.0 */
/* For the files of this folder: what is noted when one view takes the place of another. */
#ifndef SUTURE_CONSOLE_MAP_HISTORY_H
#define SUTURE_CONSOLE_MAP_HISTORY_H

#include "map/map.h"

/* The posture of the day, and for hosts on which more is live-fixed than before how long it had been open. Pages are
 * told. before may be NULL. Makes a transaction of its own. */
int history_note(struct console *c, struct sut_db *db, int64_t tenant, const struct map_view *v,
		 const struct map_view *before, int64_t now, struct sut_err *err) _must_check_;

#endif
