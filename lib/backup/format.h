/* SPDX-License-Identifier: Apache-2.0 */
/* The word in the first line of a file. */
#ifndef SUTURE_BACKUP_FORMAT_H
#define SUTURE_BACKUP_FORMAT_H

/* Of printf, with the name of the program. */
#define BACKUP_FORMAT "%s-backup/1"

enum { BACKUP_FORMAT_MAX = 80 };

#endif
