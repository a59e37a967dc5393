/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/system.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "fleet/check.h"
#include "fleet/credential.h"
#include "fleet/key.h"
#include "fleet/library.h"
#include "web/web.h"

/* Columns of SYSTEM_SELECT before the texts. */
enum {
	COL_ID,
	COL_TENANT,
	COL_KEY,
	COL_VERSION,
	COL_CREDENTIAL,
	COL_NEXT,
	COL_NEXT_AT,
	COL_SERIAL,
	COL_NONCES,
	COL_DISPLACED,
	COL_CONFLICT,
	COL_TOLD,
	COL_INSTANCE,
	COL_LEVEL,
	COL_ERRORS,
	COL_BOOTED,
	COL_PAUSE,
	COL_HASH,
	COL_FACTS_HASH,
	COL_FEED,
	COL_DELAY,
	COL_OWN_DELAY,
	COL_HOLD,
	COL_HOLD_UNTIL,
	COL_REGISTERED,
	COL_CHECKIN,
	COL_UPDATED,
	COL_CHATTER,
	COL_REVOKED,
	COL_LIBRARIES_HASH,
	COL_PRODUCTS,
	COL_TEXTS,
};

static bool hash_of(struct sut_db_rows *rows, int col, uint8_t *ret)
{
	size_t len = 0;
	const void *p = sut_db_blob(rows, col, &len);

	if (!p || len != SUT_TOKEN_HASH)
		return false;
	memcpy(ret, p, len);
	return true;
}

static int64_t int_or(struct sut_db_rows *rows, int col, int64_t otherwise)
{
	return sut_db_is_null(rows, col) ? otherwise : sut_db_int(rows, col);
}

/* A list that check_products() has seen. */
static unsigned int products_of(const char *json)
{
	return (strstr(json, "\"kernel\"") ? FLEET_KERNEL : 0) |
	       (strstr(json, "\"library\"") ? FLEET_LIBRARY : 0);
}

int system_read(struct sut_db_rows *rows, struct fleet_system *ret, struct sut_err *err)
{
	_cleanup_system_ struct fleet_system s = {0};

	s.id = sut_db_int(rows, COL_ID);
	s.tenant = sut_db_int(rows, COL_TENANT);
	s.key_id = sut_db_int(rows, COL_KEY);
	s.version = sut_db_int(rows, COL_VERSION);
	if (!hash_of(rows, COL_CREDENTIAL, s.credential))
		return sut_err_set(err, EIO, "the credential of system %lld is damaged",
				   (long long)s.id);
	s.has_next = hash_of(rows, COL_NEXT, s.credential_next);
	s.next_at = sut_db_int(rows, COL_NEXT_AT);
	s.line.serial = sut_db_int(rows, COL_SERIAL);
	snprintf(s.line.nonces, sizeof(s.line.nonces), "%s", sut_db_text(rows, COL_NONCES));
	snprintf(s.line.displaced, sizeof(s.line.displaced), "%s",
		 sut_db_text(rows, COL_DISPLACED));
	s.line.conflict_at = sut_db_int(rows, COL_CONFLICT);
	s.line.told_at = sut_db_int(rows, COL_TOLD);
	s.instance = sut_db_int(rows, COL_INSTANCE);
	s.level = sut_db_int(rows, COL_LEVEL);
	s.errors = sut_db_int(rows, COL_ERRORS);
	s.booted = sut_db_int(rows, COL_BOOTED);
	s.last_pause_ns = int_or(rows, COL_PAUSE, -1);
	s.has_report = hash_of(rows, COL_HASH, s.report_hash);
	s.has_facts = hash_of(rows, COL_FACTS_HASH, s.facts_hash);
	s.feed = sut_db_int(rows, COL_FEED);
	s.delay_hours = int_or(rows, COL_DELAY, -1);
	s.own_delay = int_or(rows, COL_OWN_DELAY, -1);
	s.hold = sut_db_int(rows, COL_HOLD);
	s.hold_until = sut_db_int(rows, COL_HOLD_UNTIL);
	s.registered = sut_db_int(rows, COL_REGISTERED);
	s.checkin = sut_db_int(rows, COL_CHECKIN);
	s.updated = sut_db_int(rows, COL_UPDATED);
	s.chatter = sut_db_int(rows, COL_CHATTER);
	s.key_revoked = !sut_db_is_null(rows, COL_REVOKED);
	s.has_libraries = hash_of(rows, COL_LIBRARIES_HASH, s.libraries_hash);
	s.products = products_of(sut_db_text(rows, COL_PRODUCTS));
	for (int i = 0; i < SYS_TEXTS; i++) {
		const char *t = sut_db_text(rows, COL_TEXTS + i);

		s.text[i] = t ? strdup(t) : NULL;
		if (t && !s.text[i])
			return sut_err_oom(err);
	}
	*ret = s;
	s = (struct fleet_system){0};
	return 0;
}

void system_release(struct fleet_system *s)
{
	for (int i = 0; i < SYS_TEXTS; i++) {
		free(s->text[i]);
		s->text[i] = NULL;
	}
	explicit_bzero(s->credential, sizeof(s->credential));
	explicit_bzero(s->credential_next, sizeof(s->credential_next));
}

static int read_one(struct sut_db *db, const char *sql, const struct sut_db_arg *args, size_t n,
		    struct fleet_system *ret, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int r = sut_db_one(db, sql, args, n, &rows, err);

	if (r <= 0)
		return r;
	r = system_read(rows, ret, err);
	return r < 0 ? r : 1;
}

int system_by_uid(struct sut_db *db, int64_t tenant, const char *uid, struct fleet_system *ret,
		  struct sut_err *err)
{
	return read_one(db, SYSTEM_SELECT SYSTEM_FROM " WHERE s.tenant = $1 AND s.uid = $2",
			SUT_DB_ARGS(SUT_DB_I(tenant), SUT_DB_T(uid)), ret, err);
}

int system_by_id(struct sut_db *db, int64_t tenant, int64_t id, struct fleet_system *ret,
		 struct sut_err *err)
{
	return read_one(db, SYSTEM_SELECT SYSTEM_FROM " WHERE s.tenant = $1 AND s.id = $2",
			SUT_DB_ARGS(SUT_DB_I(tenant), SUT_DB_I(id)), ret, err);
}

int system_by_machine(struct sut_db *db, int64_t tenant, const char *machine_id,
		      const char *product_uuid, struct fleet_system *ret, struct sut_err *err)
{
	/* Of several equal ones the first: clones that look the same in every way are told apart by
	 * their credentials, not here. */
	return read_one(db,
			SYSTEM_SELECT SYSTEM_FROM
			" WHERE s.tenant = $1 AND s.machine_id = $2"
			" AND (s.product_uuid = $3 OR s.product_uuid = '')"
			" ORDER BY s.product_uuid DESC, s.instance LIMIT 1",
			SUT_DB_ARGS(SUT_DB_I(tenant), SUT_DB_T(machine_id), SUT_DB_T(product_uuid)),
			ret, err);
}

int system_instance(struct sut_db *db, int64_t tenant, const char *machine_id,
		    const char *product_uuid, int64_t *ret, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int r = sut_db_one(
		db,
		"SELECT COALESCE(MAX(instance) + 1, 0) FROM systems"
		" WHERE tenant = $1 AND machine_id = $2 AND product_uuid = $3",
		SUT_DB_ARGS(SUT_DB_I(tenant), SUT_DB_T(machine_id), SUT_DB_T(product_uuid)), &rows,
		err);

	if (r < 0)
		return r;
	*ret = r ? sut_db_int(rows, 0) : 0;
	return 0;
}

static json_t *text_or_null(const char *s)
{
	return s ? json_string(s) : json_null();
}

static json_t *delay_or_null(int64_t hours)
{
	return hours < 0 ? json_null() : json_integer(hours);
}

static int tags_json(struct sut_db *db, int64_t tenant, int64_t id, json_t **ret,
		     struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	json_t *tags = json_object();
	int r = tags ? sut_db_query(db,
				    "SELECT g.name, g.value FROM system_tags g"
				    " JOIN systems s ON s.id = g.system AND s.tenant = $2"
				    " WHERE g.system = $1 ORDER BY g.name",
				    SUT_DB_ARGS(SUT_DB_I(id), SUT_DB_I(tenant)), &rows, err)
		     : sut_err_oom(err);

	while (r >= 0 && (r = sut_db_next(rows, err)) > 0)
		if (json_object_set_new(tags, sut_db_text(rows, 0),
					json_string(sut_db_text(rows, 1))))
			r = sut_err_oom(err);
	if (r < 0) {
		json_decref(tags);
		return r;
	}
	*ret = tags;
	return 0;
}

static int add_details(struct sut_db *db, const struct fleet_system *s, json_t *to,
		       struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int r = sut_db_one(db,
			   "SELECT d.facts, d.report FROM system_details d"
			   " JOIN systems s ON s.id = d.system AND s.tenant = $2"
			   " WHERE d.system = $1",
			   SUT_DB_ARGS(SUT_DB_I(s->id), SUT_DB_I(s->tenant)), &rows, err);

	if (r < 0)
		return r;
	for (int i = 0; i < 2; i++) {
		const char *text = r ? sut_db_text(rows, i) : NULL;

		if (json_object_set_new(to, i ? "report" : "facts",
					json_loads(text ? text : "{}", 0, NULL)))
			return sut_err_oom(err);
	}
	return 0;
}

static int add_libraries(struct sut_db *db, const struct fleet_system *s, json_t *to,
			 struct sut_err *err)
{
	json_t *list = NULL;
	int r = library_list(db, s->tenant, s->id, &list, err);

	if (r == 0 && json_object_set_new(to, "libraries", list))
		r = sut_err_oom(err);
	return r;
}

static bool set(json_t *j, const char *name, json_t *value)
{
	return json_object_set_new(j, name, value) == 0;
}

int system_json(struct sut_db *db, const struct fleet_system *s, bool details, int64_t now,
		json_t **ret, struct sut_err *err)
{
	char *const *t = s->text;
	json_t *tags = NULL, *j = NULL;
	int r = tags_json(db, s->tenant, s->id, &tags, err);
	bool ok;

	if (r < 0)
		return r;
	j = json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:s}", "id", t[SYS_UID], "hostname",
		      t[SYS_HOSTNAME], "machine_id", t[SYS_MACHINE_ID], "product_uuid",
		      t[SYS_PRODUCT_UUID], "state", t[SYS_STATE], "tags", tags, "address",
		      t[SYS_ADDRESS]);
	if (!j)
		return sut_err_oom(err);
	ok = set(j, "external_id", text_or_null(t[SYS_EXTERNAL_ID])) &&
	     set(j, "instance", json_integer(s->instance)) &&
	     set(j, "clone_of", text_or_null(t[SYS_CLONE_OF])) &&
	     set(j, "clone_suspect",
		 json_boolean(s->line.conflict_at > now - LINE_WINDOW_SEC &&
			      s->line.conflict_at)) &&
	     set(j, "kernel",
		 json_pack("{s:s, s:s, s:s, s:s}", "release", t[SYS_RELEASE], "build_id",
			   t[SYS_BUILD_ID], "kernel_id", t[SYS_KERNEL_ID], "arch", t[SYS_ARCH])) &&
	     set(j, "level", json_integer(s->level)) &&
	     set(j, "patchset", json_string(t[SYS_PATCHSET])) &&
	     set(j, "agent", json_string(t[SYS_AGENT])) &&
	     set(j, "boot_id", json_string(t[SYS_BOOT_ID])) &&
	     set(j, "booted", web_time(s->booted)) &&
	     set(j, "last_pause_ns",
		 s->last_pause_ns < 0 ? json_null() : json_integer(s->last_pause_ns)) &&
	     set(j, "errors", json_integer(s->errors)) && set(j, "key", json_string(t[SYS_KEY])) &&
	     set(j, "feed", json_string(t[SYS_FEED])) &&
	     set(j, "own_feed", text_or_null(t[SYS_OWN_FEED])) &&
	     set(j, "delay_hours", delay_or_null(s->own_delay)) &&
	     set(j, "pin", text_or_null(t[SYS_OWN_PIN])) && set(j, "hold", json_boolean(s->hold)) &&
	     set(j, "hold_reason", json_string(t[SYS_HOLD_REASON])) &&
	     set(j, "hold_until", web_time(s->hold_until)) &&
	     set(j, "registered", web_time(s->registered)) &&
	     set(j, "checkin", web_time(s->checkin)) && set(j, "updated", web_time(s->updated)) &&
	     set(j, "silent",
		 json_boolean((s->checkin ? s->checkin : s->registered) <
			      now - SYSTEM_SILENT_SEC)) &&
	     set(j, "version", json_integer(s->version));
	r = !ok ? sut_err_oom(err) : details ? add_details(db, s, j, err) : 0;
	if (r == 0 && details)
		r = add_libraries(db, s, j, err);
	if (r < 0) {
		json_decref(j);
		return r;
	}
	*ret = j;
	return 0;
}

int system_set_tags(struct sut_db *db, int64_t tenant, int64_t id, const json_t *tags,
		    struct sut_err *err)
{
	const char *name;
	json_t *v;
	int r = sut_db_exec(db,
			    "DELETE FROM system_tags WHERE system ="
			    " (SELECT id FROM systems WHERE id = $1 AND tenant = $2)",
			    SUT_DB_ARGS(SUT_DB_I(id), SUT_DB_I(tenant)), NULL, err);

	if (r < 0)
		return r;
	json_object_foreach((json_t *)tags, name, v) {
		r = sut_db_exec(
			db, "INSERT INTO system_tags (system, name, value) VALUES ($1, $2, $3)",
			SUT_DB_ARGS(SUT_DB_I(id), SUT_DB_T(name), SUT_DB_T(json_string_value(v))),
			NULL, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int system_event(struct sut_db *db, int64_t id, int64_t now, const char *type, json_t *data,
		 struct sut_err *err)
{
	_cleanup_(sut_freep) char *text = data ? json_dumps(data, JSON_COMPACT) : NULL;

	json_decref(data);
	if (!text)
		return sut_err_oom(err);
	return sut_db_exec(db,
			   "INSERT INTO system_events (system, at, type, data)"
			   " VALUES ($1, $2, $3, $4)",
			   SUT_DB_ARGS(SUT_DB_I(id), SUT_DB_I(now), SUT_DB_T(type), SUT_DB_T(text)),
			   NULL, err);
}

int system_delete(struct sut_db *db, const struct fleet_system *s, int64_t now, const char *reason,
		  struct sut_err *err)
{
	int64_t n = 0;
	int r = credential_retire(db, s->credential, now, reason, err);

	if (r >= 0 && s->has_next)
		r = credential_retire(db, s->credential_next, now, reason, err);
	if (r >= 0)
		r = sut_db_exec(
			db, "DELETE FROM systems WHERE id = $1 AND tenant = $2 AND key_id = $3",
			SUT_DB_ARGS(SUT_DB_I(s->id), SUT_DB_I(s->tenant), SUT_DB_I(s->key_id)), &n,
			err);
	/* A key gets back one for each, whichever portal was first. */
	if (r >= 0 && n != 1)
		return sut_err_set(err, EAGAIN, "the system was changed at the same time");
	if (r >= 0)
		r = fleet_key_give(db, s->tenant, s->key_id, 1, err);
	return r;
}
