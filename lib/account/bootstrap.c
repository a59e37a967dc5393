// SPDX-License-Identifier: Apache-2.0
#include "account/bootstrap.h"

#include <errno.h>
#include <string.h>

#include "auth/password.h"
#include "auth/token.h"

int bootstrap_done(struct sut_db *db, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;

	return sut_db_one(db, "SELECT 1 FROM users LIMIT 1", SUT_DB_NONE, &rows, err);
}

static int tenant_id(struct sut_db *db, int64_t now, int64_t *ret, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int r;

	r = sut_db_exec(db,
			"INSERT INTO tenants (name, created) VALUES ($1, $2) "
			"ON CONFLICT (name) DO NOTHING",
			SUT_DB_ARGS(SUT_DB_T(BOOTSTRAP_TENANT), SUT_DB_I(now)), NULL, err);
	if (r == 0)
		r = sut_db_one(db, "SELECT id FROM tenants WHERE name = $1",
			       SUT_DB_ARGS(SUT_DB_T(BOOTSTRAP_TENANT)), &rows, err);
	if (r == 0)
		return sut_err_set(err, EIO, "the tenant " BOOTSTRAP_TENANT " is gone again");
	if (r > 0)
		*ret = sut_db_int(rows, 0);
	return r < 0 ? r : 0;
}

int bootstrap_admin(struct sut_db *db, const char *noun, int64_t now, char ret_password[static 32],
		    struct sut_err *err)
{
	char password[32], hash[SUT_PASSWORD_HASH_MAX], uid[SUT_UID_LEN + 1];
	int64_t tenant = 0;
	int r;

	r = bootstrap_done(db, err);
	if (r > 0)
		r = sut_err_reason(
			err, EEXIST, "exists",
			"the database %s has users already. Manage them with suture-admin",
			sut_db_name(db));
	if (r < 0)
		return r;
	r = tenant_id(db, now, &tenant, err);
	if (r == 0)
		r = sut_uid_make(uid, err);
	if (r == 0)
		r = sut_password_make(password, err);
	if (r == 0)
		r = sut_password_hash(password, hash, err);
	if (r == 0)
		r = sut_db_exec(db,
				"INSERT INTO users (uid, tenant, name, title, password, roles, "
				"staff, must_change, created) "
				"VALUES ($1, $2, $3, '', $4, 'admin', 1, 1, $5)",
				SUT_DB_ARGS(SUT_DB_T(uid), SUT_DB_I(tenant),
					    SUT_DB_T(BOOTSTRAP_USER), SUT_DB_T(hash),
					    SUT_DB_I(now)),
				NULL, err);
	if (r == 0)
		r = sut_db_exec(db,
				"INSERT INTO audit (tenant, at, actor_kind, actor, action, "
				"object_kind, object, detail, address, request_id) VALUES "
				"($1, $2, $4, 'init', 'user.create', 'user', $3, '{}', '', '')",
				SUT_DB_ARGS(SUT_DB_I(tenant), SUT_DB_I(now),
					    SUT_DB_T(BOOTSTRAP_USER), SUT_DB_T(noun)),
				NULL, err);
	if (r == 0)
		memcpy(ret_password, password, sizeof(password));
	explicit_bzero(password, sizeof(password));
	return r;
}
