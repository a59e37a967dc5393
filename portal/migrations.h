/* SPDX-License-Identifier: Apache-2.0 */
/* The portal's schema: lib/account/migrations/ and portal/migrations/NUMBER_NAME.sql, put into the program by the build. */
#ifndef SUTURE_PORTAL_MIGRATIONS_H
#define SUTURE_PORTAL_MIGRATIONS_H

#include "db/migrate.h"

extern const struct sut_migration portal_migrations[];
extern const size_t portal_nmigrations;

#endif
