/* SPDX-License-Identifier: Apache-2.0 */
/* The console's schema: that of lib/account, then console/migrations/NUMBER_NAME.sql, put into the program by the build. */
#ifndef SUTURE_CONSOLE_MIGRATIONS_H
#define SUTURE_CONSOLE_MIGRATIONS_H

#include "db/migrate.h"

extern const struct sut_migration console_migrations[];
extern const size_t console_nmigrations;

#endif
