// SPDX-License-Identifier: Apache-2.0
#include "repo/sync.h"

#include <errno.h>
#include <string.h>

#include "portal.h"
#include "tasks.h"
#include "tuf/json.h"
#include "tuf/meta.h"

enum { ROUNDS_MAX = 1000, HOUR = 3600 };

static int64_t generation_of(struct sut_db *db)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;

	return sut_db_one(db, "SELECT value FROM meta WHERE name = 'generation'", SUT_DB_NONE,
			  &rows, NULL) > 0
		       ? sut_db_int(rows, 0)
		       : 0;
}

/* 0 or the errors of the database. */
static int apply(struct portal *p, struct sut_db *db, int64_t now, const struct repo_look *l,
		 struct repo_changes *ret, struct sut_err *err)
{
	struct web_req q = {.server = &p->s, .db = db, .now = now};
	int64_t generation = 0;
	int r = sut_db_begin(db, SUT_DB_WRITE, err);

	if (r < 0)
		return r;
	r = repo_apply(&q, l, ret, err);
	if (r == 0) {
		generation = generation_of(db);
		r = sut_db_commit(db, err);
	}
	if (r < 0)
		sut_db_rollback(db);
	else
		server_generation(&p->s, generation);
	return r;
}

static bool is_trouble_of_ours(int r)
{
	return r == -ENOMEM || r == -EAGAIN || r == -ECONNRESET || r == -ENOSPC || r == -EROFS;
}

int repo_sync(struct portal *p, struct sut_db *db, int64_t now, struct sut_err *err)
{
	struct repo_changes all = {0};

	for (int round = 0; round < ROUNDS_MAX && !atomic_load(&p->s.stopping); round++) {
		_cleanup_(repo_look_freep) struct repo_look *l = NULL;
		struct repo_changes changes = {0};
		struct sut_err why = {0};
		int r = repo_look(p, db, now, round > 0, &l, &why);

		if (r == -ENOTCONN)
			return 0; /* none is configured */
		if (r < 0) {
			if (is_trouble_of_ours(r))
				return sut_err_set(err, -r, "%s", why.msg);
			r = repo_note_failure(db, now, &why, err);
			if (r > 0)
				server_log("error", "the repository is not good", "reason",
					   why.reason, "detail", why.msg, NULL);
			return r < 0 ? r : 0;
		}
		r = l ? apply(p, db, now, l, &changes, err) : repo_note_look(db, now, err);
		if (r < 0)
			return r;
		all.released += changes.released;
		all.withdrawn += changes.withdrawn;
		if (!l || !l->more)
			break;
	}
	if (all.released || all.withdrawn)
		server_log("info", "the repository has changed", NULL);
	return 0;
}

static int run(struct server *s, struct sut_db *db, int64_t now, struct sut_err *err)
{
	return repo_sync(portal_of(s), db, now, err);
}

const struct task task_repository = {.name = "repository",
				     .lock = 7303,
				     .every_sec = 60,
				     .run = run};

/* ------------------------------------------------------------------ */

struct stored {
	int64_t checked, good, expires;
	json_t *error; /* null or {"reason", "detail"} */
	json_t *state;
};

static int read_stored(struct sut_db *db, struct stored *ret, struct sut_err *err)
{
	static const char sql[] =
		"SELECT checked, good, expires, error, reason, state FROM repository WHERE id = 1";
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	const char *text;
	int r = sut_db_one(db, sql, SUT_DB_NONE, &rows, err);

	if (r == 0)
		return sut_err_set(err, EUCLEAN,
				   "the table repository is empty. Run suture-portal doctor");
	if (r < 0)
		return r;
	ret->checked = sut_db_int(rows, 0);
	ret->good = sut_db_int(rows, 1);
	ret->expires = sut_db_int(rows, 2);
	text = sut_db_text(rows, 5);
	r = sut_json_parse(text, strlen(text), "repository.state", &ret->state, err);
	if (r < 0)
		return r;
	ret->error = *sut_db_text(rows, 3) ? json_pack("{s:s,s:s}", "reason", sut_db_text(rows, 4),
						       "detail", sut_db_text(rows, 3))
					   : json_null();
	if (ret->error)
		return 0;
	json_decref(ret->state);
	return sut_err_oom(err);
}

static json_t *get(const json_t *state, const char *key, json_t *otherwise)
{
	json_t *v = json_object_get(state, key);

	if (!v)
		return otherwise;
	json_decref(otherwise);
	return json_incref(v);
}

/* Signed by a machine every day, or by people who need days to come together. */
static int64_t notice(const char *role)
{
	return !strcmp(role, "timestamp")  ? 6 * HOUR
	       : !strcmp(role, "snapshot") ? 24 * HOUR
					   : 14 * 24 * HOUR;
}

static bool expires_soon(const json_t *state, int64_t now)
{
	const json_t *role;
	size_t i;

	json_array_foreach(json_object_get(state, "roles"), i, role) {
		const char *name = json_string_value(json_object_get(role, "name"));
		const char *when = json_string_value(json_object_get(role, "expires"));
		int64_t t;

		if (name && when && sut_tuf_time_parse(when, &t) == 0 && t < now + notice(name))
			return true;
	}
	return false;
}

int repo_status_json(struct portal *p, struct sut_db *db, int64_t now, json_t **ret,
		     struct sut_err *err)
{
	static const char counts[] =
		"SELECT (SELECT COUNT(*) FROM patch_targets WHERE gone IS NULL),"
		" (SELECT COUNT(*) FROM patchsets WHERE withdrawn IS NULL)";
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	bool configured = p->s.files_fd >= 0 && p->conf.repository_root;
	struct stored s = {0};
	const char *status;
	json_t *j;
	int r = sut_db_one(db, counts, SUT_DB_NONE, &rows, err);

	if (r >= 0)
		r = read_stored(db, &s, err);
	if (r < 0)
		return r;
	status = !configured			 ? "not-configured"
		 : !s.checked			 ? "unknown"
		 : !json_is_null(s.error)	 ? "broken"
		 : s.expires && s.expires <= now ? "expired"
		 : expires_soon(s.state, now)	 ? "expires-soon"
						 : "good";
	j = json_pack("{s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:I,s:I}", "status", status, "checked",
		      web_time(s.checked), "good", web_time(s.good), "expires", web_time(s.expires),
		      "error", s.error, "roles", get(s.state, "roles", json_array()), "stop",
		      get(s.state, "stop", json_null()), "warnings",
		      get(s.state, "warnings", json_array()), "patches",
		      (json_int_t)sut_db_int(rows, 0), "patchsets",
		      (json_int_t)sut_db_int(rows, 1));
	json_decref(s.state);
	if (!j)
		return sut_err_oom(err);
	*ret = j;
	return 0;
}

int repository_expiry(struct sut_db *db,
		      int (*each)(void *ctx, const char *role, int64_t expires,
				  struct sut_err *err),
		      void *ctx, bool *ret_good, struct sut_err *err)
{
	struct stored s = {0};
	json_t *role;
	size_t i;
	int r = read_stored(db, &s, err);

	if (r < 0)
		return r;
	json_array_foreach(json_object_get(s.state, "roles"), i, role) {
		const char *name = json_string_value(json_object_get(role, "name"));
		const char *when = json_string_value(json_object_get(role, "expires"));
		int64_t t;

		if (r == 0 && name && when && sut_tuf_time_parse(when, &t) == 0)
			r = each(ctx, name, t, err);
	}
	if (ret_good)
		*ret_good = s.checked && json_is_null(s.error);
	json_decref(s.state);
	json_decref(s.error);
	return r;
}
