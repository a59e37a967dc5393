/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/library.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "fleet/report.h"
#include "json/parse.h"
#include "portal.h"

static json_int_t int_of(const json_t *j, const char *name)
{
	return json_integer_value(json_object_get(j, name));
}

/* ------------------------------------------------------------------ */
/* What is reported                                                     */

/* 0, 1, 2, 4, 8 …: servers start and end processes all the time. */
static json_int_t magnitude(json_int_t n)
{
	json_int_t m = n > 0 ? 1 : 0;

	while (m && m <= n / 2)
		m *= 2;
	return m;
}

int library_settle(const json_t *libraries, char **ret)
{
	json_t *list = json_array(), *e;
	char *text = NULL;
	size_t i;
	bool ok = list;

	json_array_foreach(libraries, i, e) {
		json_int_t all = int_of(e, "processes"), patched = int_of(e, "patched");

		ok = ok &&
		     !json_array_append_new(
			     list,
			     json_pack("[s, s, s, I, s, I, I, s]", sut_json_text(e, "build_id"),
				       sut_json_text(e, "name"), sut_json_text(e, "version"),
				       int_of(e, "level"), sut_json_text(e, "patchset"),
				       magnitude(all), all > patched ? all - patched : 0,
				       sut_json_text(e, "state")));
	}
	if (ok)
		text = json_dumps(list, JSON_COMPACT);
	json_decref(list);
	if (!text)
		return -ENOMEM;
	*ret = text;
	return 0;
}

int library_store(struct sut_db *db, int64_t id, const json_t *libraries, struct sut_err *err)
{
	static const char insert[] =
		"INSERT INTO system_libraries (system, build_id, name, version, level, patchset,"
		" processes, patched, state) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
		" ON CONFLICT (system, build_id) DO NOTHING";
	int r = sut_db_exec(db, "DELETE FROM system_libraries WHERE system = $1",
			    SUT_DB_ARGS(SUT_DB_I(id)), NULL, err);
	const json_t *e;
	size_t i;

	json_array_foreach(libraries, i, e) {
		if (r < 0)
			break;
		r = sut_db_exec(db, insert,
				SUT_DB_ARGS(SUT_DB_I(id), SUT_DB_T(sut_json_text(e, "build_id")),
					    SUT_DB_T(sut_json_text(e, "name")),
					    SUT_DB_T(sut_json_text(e, "version")),
					    SUT_DB_I(int_of(e, "level")),
					    SUT_DB_T(sut_json_text(e, "patchset")),
					    SUT_DB_I(int_of(e, "processes")),
					    SUT_DB_I(int_of(e, "patched")),
					    SUT_DB_T(sut_json_text(e, "state"))),
				NULL, err);
	}
	return r < 0 ? r : 0;
}

int library_list(struct sut_db *db, int64_t tenant, int64_t id, json_t **ret, struct sut_err *err)
{
	static const char sql[] =
		"SELECT l.build_id, l.name, l.version, l.level, l.patchset, l.processes, l.patched,"
		" l.state FROM system_libraries l JOIN systems s ON s.id = l.system AND s.tenant = $2"
		" WHERE l.system = $1 ORDER BY l.name, l.build_id";
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	json_t *list = json_array();
	int r = list ? sut_db_query(db, sql, SUT_DB_ARGS(SUT_DB_I(id), SUT_DB_I(tenant)), &rows,
				    err)
		     : sut_err_oom(err);

	while (r >= 0 && (r = sut_db_next(rows, err)) > 0)
		if (json_array_append_new(
			    list, json_pack("{s:s, s:s, s:s, s:I, s:s, s:I, s:I, s:s}", "build_id",
					    sut_db_text(rows, 0), "name", sut_db_text(rows, 1),
					    "version", sut_db_text(rows, 2), "level",
					    (json_int_t)sut_db_int(rows, 3), "patchset",
					    sut_db_text(rows, 4), "processes",
					    (json_int_t)sut_db_int(rows, 5), "patched",
					    (json_int_t)sut_db_int(rows, 6), "state",
					    sut_db_text(rows, 7))))
			r = sut_err_oom(err);
	if (r < 0) {
		json_decref(list);
		return r;
	}
	*ret = list;
	return 0;
}

/* ------------------------------------------------------------------ */
/* What is told                                                         */

static bool is_in(const json_t *list, const char *s)
{
	const json_t *e;
	size_t i;

	json_array_foreach(list, i, e)
		if (sut_streq(json_string_value(e), s))
			return true;
	return false;
}

static int add_held(const struct decide_in *in, const struct decide_out *out, const char *build_id,
		    json_t *held, json_t **ret_told, struct sut_err *err)
{
	json_t *told = NULL, *list = NULL, *e;
	int r = decide_json(in, out, &told, &list, err);
	size_t i;

	if (r < 0)
		return r;
	json_array_foreach(list, i, e)
		if (json_array_size(held) < LIBRARY_HELD_MAX + DECIDE_HELD_MAX &&
		    (json_object_set_new(e, "build_id", json_string(build_id)) ||
		     json_array_append(held, e)))
			r = sut_err_oom(err);
	json_decref(list);
	if (r < 0) {
		json_decref(told);
		return r;
	}
	*ret_told = told;
	return 0;
}

static int decide_one(struct sut_db *db, const struct feed_view *view, const struct fleet_system *s,
		      const json_t *library, const json_t *quarantined, int64_t now,
		      const struct library_answer *ret, struct sut_err *err)
{
	const char *build_id = sut_json_text(library, "build_id");
	struct decide_policy policy = {
		.has_delay = s->delay_hours >= 0,
		.delay_hours = s->delay_hours,
		.pin = s->text[SYS_PIN],
		.library = true,
		.hold = s->hold,
		.hold_until = s->hold_until,
		.hold_reason = s->text[SYS_HOLD_REASON],
		.running = (uint32_t)int_of(library, "level"),
		.running_patchset = sut_json_text(library, "patchset"),
		.now = now,
	};
	struct decide_out out;
	struct decide_in in;
	json_t *told = NULL;
	int r = decide_for(db, view, &policy, &in, &out, err);

	if (r < 0)
		return r;
	if (out.action == DECIDE_APPLY && is_in(quarantined, out.target->patchset)) {
		out.action = policy.running ? DECIDE_KEEP : DECIDE_NONE;
		out.target = NULL;
		out.level = policy.running;
		if (!is_in(ret->notices, "quarantined") &&
		    json_array_append_new(ret->notices, json_string("quarantined")))
			return sut_err_oom(err);
	}
	r = add_held(&in, &out, build_id, ret->held, &told, err);
	if (r < 0)
		return r;
	if (out.action == DECIDE_NONE) {
		json_decref(told);
		return 0;
	}
	if (json_object_set_new(told, "build_id", json_string(build_id)) ||
	    json_array_append(ret->list, told))
		r = sut_err_oom(err);
	json_decref(told);
	return r;
}

int library_decide(struct portal *p, struct sut_db *db, const struct fleet_system *s,
		   const json_t *libraries, const json_t *quarantined, int64_t now,
		   const struct library_answer *ret, struct sut_err *err)
{
	unsigned int fresh = LIBRARY_FRESH_MAX;
	const json_t *e;
	size_t i;

	json_array_foreach(libraries, i, e) {
		_cleanup_(decisions_putp) const struct feed_view *view = NULL;
		int r = decisions_get_library(p, db, s->feed, sut_json_text(e, "build_id"), &fresh,
					      &view, err);

		if (r < 0)
			return r;
		/* What this portal has nothing for is nobody's business here, whoever's patch it is. */
		if (!view || !view->n || !sut_startswith(view->v[0].path, "library/"))
			continue;
		r = decide_one(db, view, s, e, quarantined, now, ret, err);
		if (r < 0)
			return r;
	}
	return 0;
}
