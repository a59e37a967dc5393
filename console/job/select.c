// SPDX-License-Identifier: Apache-2.0
#include "job/select.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "job/find.h"
#include "job/outcome.h"
#include "json/parse.h"

#define COLUMNS                                                                                    \
	"h.id, h.uid, h.hostname, h.system_id, h.job_key, h.state, h.silent, h.gone, h.feed,"      \
	" h.tags, h.fqdn, h.external_id, h.addresses, (SELECT COUNT(*) FROM job_systems b WHERE"   \
	" b.host = h.id AND b.state IN ('queued', 'offered', 'running', 'waiting'))"

enum { /* of COLUMNS */
       C_ID,
       C_UID,
       C_HOSTNAME,
       C_SYSTEM_ID,
       C_JOB_KEY,
       C_STATE,
       C_SILENT,
       C_GONE,
       C_FEED,
       C_TAGS,
       C_FQDN,
       C_EXTERNAL_ID,
       C_ADDRESSES,
       C_BUSY,
};

void job_picks_release(struct job_picks *p)
{
	for (size_t i = 0; i < p->n; i++) {
		free(p->v[i].uid);
		free(p->v[i].hostname);
		free(p->v[i].system_id);
	}
	free(p->v);
	*p = (struct job_picks){0};
}

static char *copy(const char *s)
{
	return strdup(s ? s : "");
}

static int add(struct job_picks *p, struct job_pick pick, struct sut_err *err)
{
	if (p->n == p->cap) {
		size_t cap = p->cap ? 2 * p->cap : 64;
		struct job_pick *more = reallocarray(p->v, cap, sizeof(*more));

		if (more) {
			p->v = more;
			p->cap = cap;
		}
	}
	if (p->n == p->cap || !pick.uid || !pick.hostname || !pick.system_id) {
		free(pick.uid);
		free(pick.hostname);
		free(pick.system_id);
		return sut_err_oom(err);
	}
	p->v[p->n++] = pick;
	p->taking_part += !pick.reason;
	return 0;
}

/* Why it cannot take part; NULL: it can. */
static const char *hindrance(const struct sut_db_rows *row)
{
	const char *state = sut_db_text(row, C_STATE);

	if (!sut_db_is_null(row, C_GONE))
		return "gone";
	if (sut_db_is_null(row, C_SYSTEM_ID) || !state || !*state)
		return "not-registered";
	if (!*sut_db_text(row, C_JOB_KEY))
		return "no-job-key";
	if (sut_db_int(row, C_SILENT))
		return "offline";
	return sut_db_int(row, C_BUSY) ? "busy" : NULL;
}

static int add_row(struct job_picks *p, const struct sut_db_rows *row, const char *reason,
		   struct sut_err *err)
{
	const char *why = hindrance(row);

	return add(p,
		   (struct job_pick){.host = sut_db_int(row, C_ID),
				     .uid = copy(sut_db_text(row, C_UID)),
				     .hostname = copy(sut_db_text(row, C_HOSTNAME)),
				     .system_id = copy(sut_db_text(row, C_SYSTEM_ID)),
				     .reason = why ? why : reason},
		   err);
}

/* --- "query": as the list of systems has it --- */

static bool holds(const struct sut_db_rows *row, int col, const char *part)
{
	const char *text = sut_db_text(row, col);

	return text && strcasestr(text, part);
}

static bool has_tag(const char *tags, const char *wanted)
{
	_cleanup_json_ json_t *j = tags ? json_loads(tags, 0, NULL) : NULL;
	const char *eq = strchr(wanted, '='), *key;
	json_t *value;

	json_object_foreach(j, key, value) {
		if (!eq && sut_streq(key, wanted))
			return true;
		if (eq && strlen(key) == (size_t)(eq - wanted) &&
		    strncmp(key, wanted, strlen(key)) == 0 &&
		    sut_streq(json_string_value(value), eq + 1))
			return true;
	}
	return false;
}

static bool fits_query(const struct sut_db_rows *row, const json_t *query)
{
	const char *q = sut_json_text(query, "q"), *feed = sut_json_text(query, "feed"),
		   *tag = sut_json_text(query, "tag"), *state = sut_json_text(query, "state");

	if (*q && !holds(row, C_HOSTNAME, q) && !holds(row, C_FQDN, q) &&
	    !holds(row, C_SYSTEM_ID, q) && !holds(row, C_EXTERNAL_ID, q) &&
	    !holds(row, C_ADDRESSES, q))
		return false;
	if (*feed && !sut_streq(sut_db_text(row, C_FEED), feed))
		return false;
	if (*state && !sut_streq(sut_db_text(row, C_STATE), state))
		return false;
	return !*tag || has_tag(sut_db_text(row, C_TAGS), tag);
}

/* --- */

/* What is looked for, and what of it was seen. */
struct want {
	const struct job_spec *s;
	json_t *systems; /* {id: true}; NULL: all */
	json_t *seen;	 /* those of it that there are */
	struct job_found found;
	bool by_view;
};

static void want_release(struct want *w)
{
	json_decref(w->systems);
	json_decref(w->seen);
	job_found_release(&w->found);
}

static int want_init(struct want *w, const struct job_spec *s, struct sut_err *err)
{
	const json_t *list = json_object_get(s->select, "systems");
	json_t *item;
	size_t i;

	w->s = s;
	if (!list)
		return 0;
	w->systems = json_object();
	w->seen = json_object();
	if (!w->systems || !w->seen)
		return sut_err_oom(err);
	json_array_foreach(list, i, item) {
		if (json_object_set_new(w->systems, json_string_value(item), json_true()) < 0)
			return sut_err_oom(err);
	}
	return 0;
}

static int consider(struct want *w, const struct sut_db_rows *row, struct job_picks *p,
		    struct sut_err *err)
{
	const json_t *query = json_object_get(w->s->select, "query");
	const char *uid = sut_db_text(row, C_UID), *reason = NULL;

	if (w->systems) {
		if (!json_object_get(w->systems, uid))
			return 0;
		if (json_object_set_new(w->seen, uid, json_true()) < 0)
			return sut_err_oom(err);
	} else if (!sut_db_is_null(row, C_GONE)) {
		return 0;
	}
	if (query && !fits_query(row, query))
		return 0;
	if (w->by_view) {
		enum job_found_as as = job_found_host(&w->found, sut_db_int(row, C_ID));

		if (as == JOB_FOUND_NOT)
			return 0;
		if (as == JOB_FOUND_DONE && w->s->action == SUT_JOB_APPLY)
			reason = "nothing-to-do";
	}
	return add_row(p, row, reason, err);
}

static int missing(struct want *w, struct job_picks *p, struct sut_err *err)
{
	const char *uid;
	json_t *value;
	int rc = 0;

	json_object_foreach(w->systems, uid, value) {
		if (rc == 0 && !json_object_get(w->seen, uid))
			rc = add(p,
				 (struct job_pick){.uid = copy(uid),
						   .hostname = copy(""),
						   .system_id = copy(""),
						   .reason = "not-found"},
				 err);
	}
	return rc;
}

static int too_many(struct web_resp *r, const struct job_picks *p)
{
	if (p->n <= JOB_SYSTEMS_MAX)
		return 0;
	return web_problem(r, 422, "too-many",
			   "This selects %zu systems; a job is for at most %d. Make several of it",
			   p->n, JOB_SYSTEMS_MAX);
}

int job_select(struct web_req *q, struct web_resp *r, const struct job_spec *s,
	       struct job_picks *ret, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	_cleanup_(want_release) struct want w = {0};
	struct job_picks p = {0};
	int k = want_init(&w, s, err);

	if (k == 0)
		k = job_find(q, r, s, &w.found, &w.by_view, err);
	if (k == 0)
		k = sut_db_query(q->db,
				 "SELECT " COLUMNS
				 " FROM hosts h WHERE h.tenant = $1 ORDER BY h.hostname, h.id",
				 SUT_DB_ARGS(SUT_DB_I(q->who.tenant)), &rows, err);
	while (k == 0 && (k = sut_db_next(rows, err)) > 0)
		k = consider(&w, rows, &p, err);
	if (k == 0)
		k = missing(&w, &p, err);
	if (k == 0)
		k = too_many(r, &p);
	if (k != 0) {
		job_picks_release(&p);
		return k;
	}
	p.cves = w.found.cves;
	*ret = p;
	return 0;
}

static int again(struct web_req *q, int64_t job, enum job_state state, struct job_picks *p,
		 struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int k = sut_db_query(q->db,
			     "SELECT " COLUMNS " FROM job_systems s JOIN hosts h ON h.id = s.host"
			     " WHERE s.job = $1 AND s.state = $2 AND h.tenant = $3"
			     " ORDER BY s.id",
			     SUT_DB_ARGS(SUT_DB_I(job), SUT_DB_T(job_state_word(state)),
					 SUT_DB_I(q->who.tenant)),
			     &rows, err);

	while (k >= 0 && (k = sut_db_next(rows, err)) > 0)
		k = add_row(p, rows, NULL, err);
	return k < 0 ? k : 0;
}

int job_select_again(struct web_req *q, struct web_resp *r, int64_t job,
		     const enum job_state *states, struct job_picks *ret, struct sut_err *err)
{
	struct job_picks p = {0};
	int rc = 0;

	for (; rc == 0 && *states != JOB_STATES; states++)
		rc = again(q, job, *states, &p, err);
	if (rc == 0)
		rc = too_many(r, &p);
	if (rc != 0) {
		job_picks_release(&p);
		return rc;
	}
	*ret = p;
	return 0;
}
