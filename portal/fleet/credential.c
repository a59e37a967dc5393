/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/credential.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"

int credential_take(const char *hex, struct web_resp *r, struct credential *ret,
		    struct sut_err *err)
{
	_cleanup_credential_ struct credential c = {0};

	if (hex) {
		if (strspn(hex, "0123456789abcdef") != strlen(hex) ||
		    sut_unhex(hex, c.hash, sizeof(c.hash)))
			return web_bad_field(
				r, "/credential_sha256",
				"must be the SHA-256 of the credential, 64 hexadecimal digits in lower case");
	} else {
		int x = sut_token_make(SUT_TOKEN_SYSTEM, c.text, err);

		if (x < 0)
			return x;
		sut_token_hash(c.text, c.hash);
	}
	*ret = c;
	return 0;
}

void credential_wipe(struct credential *c)
{
	explicit_bzero(c, sizeof(*c));
}

bool credential_of(const struct web_req *q, uint8_t ret[static SUT_TOKEN_HASH])
{
	const char *h = web_header(q, "Authorization");

	if (!h || strncasecmp(h, "Bearer ", 7))
		return false;
	h += 7;
	h += strspn(h, " ");
	sut_token_hash(h, ret);
	return true;
}

int credential_owner(struct sut_db *db, const uint8_t hash[static SUT_TOKEN_HASH],
		     int64_t *ret_system, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	/* The credential itself is the key to the row here: no tenant is known before. */
	int r = sut_db_one(db,
			   "SELECT id FROM systems WHERE credential = $1 UNION ALL"
			   " SELECT id FROM systems WHERE credential_next = $1 UNION ALL"
			   " SELECT -1 FROM retired_credentials WHERE hash = $1 LIMIT 1",
			   SUT_DB_ARGS(SUT_DB_B(hash, SUT_TOKEN_HASH)), &rows, err);

	if (r <= 0)
		return r;
	if (sut_db_int(rows, 0) < 0)
		return sut_err_set(
			err, ESTALE,
			"this credential was given up: make a fresh one and enrol again");
	*ret_system = sut_db_int(rows, 0);
	return 1;
}

int credential_retire(struct sut_db *db, const uint8_t hash[static SUT_TOKEN_HASH], int64_t now,
		      const char *reason, struct sut_err *err)
{
	return sut_db_exec(
		db,
		"INSERT INTO retired_credentials (hash, at, reason) VALUES ($1, $2, $3)"
		" ON CONFLICT (hash) DO UPDATE SET at = excluded.at, reason = excluded.reason",
		SUT_DB_ARGS(SUT_DB_B(hash, SUT_TOKEN_HASH), SUT_DB_I(now), SUT_DB_T(reason)), NULL,
		err);
}
