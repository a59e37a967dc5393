// SPDX-License-Identifier: Apache-2.0
#include "fleet/authenticate.h"

#include "base/str.h"
#include "web/job.h"

/* A credential that was good once: its holder is told what happened. */
static int retired(struct web_job *j, const uint8_t *hash, struct sut_err *err)
{
	static const char sql[] = "SELECT reason FROM retired_credentials WHERE hash = $1";
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int rc = sut_db_one(j->q.db, sql, SUT_DB_ARGS(SUT_DB_B(hash, SUT_TOKEN_HASH)), &rows, err);
	const char *reason;

	if (rc < 0)
		return rc;
	reason = rc ? sut_db_text(rows, 0) : NULL;
	if (sut_streq(reason, "unregistered"))
		return web_problem(&j->r, 410, "system-unregistered",
				   "This system was unregistered. Enrol it again to use it");
	if (sut_streq(reason, "deleted"))
		return web_problem(
			&j->r, 410, "system-deleted",
			"This system was deleted in the portal. Enrol it again to use it");
	if (sut_streq(reason, "cloned"))
		web_problem(&j->r, 401, "credential-cloned",
			    "This credential belonged to a clone, which has one of its own now");
	else if (reason)
		web_problem(
			&j->r, 401, "credential-replaced",
			"This credential was replaced when the system enrolled again. Use the new "
			"one, or enrol again");
	else
		web_problem(&j->r, 401, "credential-unknown",
			    "This credential is not known. Enrol the system");
	return web_challenge(&j->r);
}

int fleet_authenticate(struct web_job *j, const uint8_t *hash, struct sut_err *err)
{
	static const char sql[] =
		"SELECT s.id, s.uid, s.tenant, n.name, n.disabled, s.credential_next = $1"
		" FROM systems s JOIN tenants n ON n.id = s.tenant"
		" WHERE s.credential = $1 OR s.credential_next = $1";
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	struct web_who *w = &j->q.who;
	int rc = sut_db_one(j->q.db, sql, SUT_DB_ARGS(SUT_DB_B(hash, SUT_TOKEN_HASH)), &rows, err);
	const char *next;

	if (rc < 0)
		return rc;
	if (rc == 0)
		return retired(j, hash, err);
	if (!sut_db_is_null(rows, 4))
		return web_problem(&j->r, 403, "tenant-disabled",
				   "The tenant '%s' is disabled. Ask the operator of this portal",
				   sut_db_text(rows, 3));
	/* A truth value is 1 in one engine and 't' in the other. */
	next = sut_db_is_null(rows, 5) ? "" : sut_db_text(rows, 5);
	*w = (struct web_who){.kind = WEB_SYSTEM,
			      .system_id = sut_db_int(rows, 0),
			      .tenant = sut_db_int(rows, 2),
			      .next_credential = next && (*next == '1' || *next == 't')};
	web_who_name(w->name, sut_db_text(rows, 1));
	web_who_name(w->tenant_name, sut_db_text(rows, 3));
	return 0;
}
