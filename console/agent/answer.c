// SPDX-License-Identifier: Apache-2.0
#include "agent/answer.h"

#include <errno.h>
#include <string.h>

#include "agent/libraries.h"
#include "base/str.h"
#include "job/result.h"
#include "job/row.h"
#include "json/parse.h"
#include "live/live.h"

enum { MESSAGE_MAX = 1000 /* bytes */ };

/* The row that a result is about. */
struct place {
	int64_t id, job, tenant, host, manifest;
	char job_uid[SUT_UID_LEN + 1], host_uid[SUT_UID_LEN + 1];
	enum job_state state;
	bool known; /* its result is here */
};

/* 1: found; 0: there is none. */
static int find(struct web_req *q, const struct agent_who *who, const char *sha256,
		const char *name, struct place *ret, struct sut_err *err)
{
	static const char sql[] =
		"SELECT s.id, s.job, s.tenant, s.host, m.id, j.uid, s.host_uid, s.state,"
		" EXISTS (SELECT 1 FROM results r WHERE r.job_system = s.id), m.name"
		" FROM manifests m JOIN job_systems s ON s.manifest = m.id AND s.system_id = $2"
		" JOIN jobs j ON j.id = s.job WHERE m.sha256 = $1 AND m.tenant = $3 AND s.host = $4";
	_cleanup_rows_ struct sut_db_rows *row = NULL;
	int k = sut_db_one(q->db, sql,
			   SUT_DB_ARGS(SUT_DB_T(sha256), SUT_DB_T(who->system_id),
				       SUT_DB_I(who->tenant), SUT_DB_I(who->host)),
			   &row, err);
	const char *known;

	if (k <= 0)
		return k;
	if (name && !sut_streq(name, sut_db_text(row, 9)))
		return 0;
	*ret = (struct place){.id = sut_db_int(row, 0),
			      .job = sut_db_int(row, 1),
			      .tenant = sut_db_int(row, 2),
			      .host = sut_db_int(row, 3),
			      .manifest = sut_db_int(row, 4)};
	(void)snprintf(ret->job_uid, sizeof(ret->job_uid), "%s", sut_db_text(row, 5));
	(void)snprintf(ret->host_uid, sizeof(ret->host_uid), "%s", sut_db_text(row, 6));
	if (!job_state_parse(sut_db_text(row, 7), &ret->state))
		return sut_err_set(err, EIO, "a system of the job %s has a state that is not known",
				   ret->job_uid);
	/* A truth value is 1 in one engine and 't' in the other. */
	known = sut_db_text(row, 8);
	ret->known = known && (*known == '1' || *known == 't');
	return 1;
}

/* --- what it says --- */

static const json_t *in(const json_t *doc, const char *a, const char *b)
{
	return json_object_get(json_object_get(doc, a), b);
}

static int64_t time_of(const json_t *doc, const char *name)
{
	int64_t t;

	return sut_job_time_parse(sut_json_text(doc, name), &t) == 0 ? t : 0;
}

/* The sum of what its steps took; -1: it has none. */
static int64_t took_ms(const json_t *doc)
{
	const json_t *steps = json_object_get(doc, "steps");
	json_t *step;
	int64_t sum = 0;
	size_t i;

	json_array_foreach(steps, i, step) {
		int64_t ms = json_integer_value(json_object_get(step, "took_ms"));

		sum += ms > 0 && ms < INT32_MAX ? ms : 0;
	}
	return json_array_size(steps) ? sum : -1;
}

/* The caller's to free(); NULL: memory is short. */
static char *message_of(const struct sut_job_result *res)
{
	_cleanup_buf_ struct sut_buf out = SUT_BUF_INIT(2 * SUT_JOB_RESULT_MAX);
	const char *text = job_outcome_text(res->outcome);
	const char *said = sut_json_text(json_object_get(res->root, "error"), "message");
	size_t n;
	int r = sut_buf_addf(&out, "%s%s%s", text || *said ? (text ? text : "") : res->outcome,
			     text && *said ? " " : "", said);

	if (r == 0)
		r = agent_libraries_text(json_object_get(res->root, "libraries"), &out);
	if (r < 0)
		return NULL;
	n = out.len;
	if (n > MESSAGE_MAX) {
		n = MESSAGE_MAX;
		while (n && (out.data[n] & 0xc0) == 0x80)
			n--;
		out.data[n] = '\0';
	}
	return (char *)sut_steal(out.data);
}

/* --- what follows from it --- */

static int update_row(struct web_req *q, const struct place *p, const struct sut_job_result *res,
		      enum job_state to, struct sut_err *err)
{
	const json_t *before = in(res->root, "before", "level"),
		     *after = in(res->root, "after", "level");
	_cleanup_(sut_freep) char *message = message_of(res);
	int64_t took = took_ms(res->root);
	int rc;

	if (!message)
		return sut_err_oom(err);
	rc = sut_db_exec(
		q->db,
		"UPDATE job_systems SET state = $2, outcome = $3, reason = $4, message = $5,"
		" finished_at = $6, before_level = $7, after_level = $8, took_ms = $9,"
		" given_at = COALESCE(given_at, $10) WHERE id = $1",
		SUT_DB_ARGS(SUT_DB_I(p->id), SUT_DB_T(job_state_word(to)), SUT_DB_T(res->outcome),
			    SUT_DB_T(to == JOB_FAILED ? res->outcome : ""), SUT_DB_T(message),
			    SUT_DB_I_IF(job_state_final(to), q->now),
			    SUT_DB_I_IF(json_is_integer(before), json_integer_value(before)),
			    SUT_DB_I_IF(json_is_integer(after), json_integer_value(after)),
			    SUT_DB_I_IF(took >= 0, took), SUT_DB_I(q->now)),
		NULL, err);
	if (rc == 0 && to != p->state)
		rc = job_count(q->db, p->job, p->state, to, 1, NULL, err);
	return rc == 0 ? live_tell(q->db, p->tenant, q->now, "job", p->job_uid, err) : rc;
}

static int keep(struct web_req *q, const struct place *p, const struct agent_who *who,
		const struct sut_job_result *res, struct sut_err *err)
{
	_cleanup_(sut_freep) char *document = json_dumps(res->root, JSON_COMPACT);
	_cleanup_(sut_freep) char *envelope = strndup(q->raw, q->raw_len);

	if (!document || !envelope)
		return sut_err_oom(err);
	return sut_db_exec(q->db,
			   "INSERT INTO results (tenant, job_system, manifest, system_id, job_key,"
			   " received, ended, outcome, envelope, document)"
			   " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
			   SUT_DB_ARGS(SUT_DB_I(p->tenant), SUT_DB_I(p->id), SUT_DB_I(p->manifest),
				       SUT_DB_T(who->system_id), SUT_DB_T(who->job_key),
				       SUT_DB_I(q->now), SUT_DB_I(time_of(res->root, "ended")),
				       SUT_DB_T(res->outcome), SUT_DB_T(envelope),
				       SUT_DB_T(document)),
			   NULL, err);
}

/* What runs there now: the page is right before the portal tells it. A result that is older than what the portal
 * told tells nothing new. */
static int update_host(struct web_req *q, const struct place *p, const struct sut_job_result *res,
		       struct sut_err *err)
{
	const json_t *after = json_object_get(res->root, "after");
	const json_t *level = json_object_get(after, "level");
	_cleanup_rows_ struct sut_db_rows *row = NULL;
	_cleanup_(sut_freep) char *libraries = NULL;
	int64_t ended = time_of(res->root, "ended");
	int k = sut_db_one(q->db,
			   "SELECT libraries, COALESCE(last_seen, 0) FROM hosts WHERE id = $1",
			   SUT_DB_ARGS(SUT_DB_I(p->host)), &row, err);

	if (k <= 0 || ended < sut_db_int(row, 1))
		return k < 0 ? k : 0;
	libraries =
		agent_libraries_now(sut_db_text(row, 0), json_object_get(res->root, "libraries"));
	sut_db_rows_free(sut_steal(row));
	k = 0;
	if (json_is_integer(level))
		k = sut_db_exec(q->db,
				"UPDATE hosts SET level = $2, patchset = $3, updated = $4,"
				" version = version + 1 WHERE id = $1",
				SUT_DB_ARGS(SUT_DB_I(p->host), SUT_DB_I(json_integer_value(level)),
					    SUT_DB_T(sut_json_text(after, "patchset")),
					    SUT_DB_I(q->now)),
				NULL, err);
	if (k == 0 && libraries)
		k = sut_db_exec(q->db, "UPDATE hosts SET libraries = $2 WHERE id = $1",
				SUT_DB_ARGS(SUT_DB_I(p->host), SUT_DB_T(libraries)), NULL, err);
	if (k == 0)
		k = live_tell(q->db, p->tenant, q->now, "system", p->host_uid, err);
	return k == 0 ? web_touch(q, err) : k;
}

static int timeline(struct web_req *q, const struct place *p, const struct sut_job_result *res,
		    struct sut_err *err)
{
	const char *text = job_outcome_text(res->outcome);
	_cleanup_json_ json_t *data =
		json_pack("{s:s, s:s}", "job", p->job_uid, "outcome", res->outcome);
	_cleanup_(sut_freep) char *json = data ? json_dumps(data, JSON_COMPACT) : NULL;

	if (!json)
		return sut_err_oom(err);
	return sut_db_exec(q->db,
			   "INSERT INTO host_events (tenant, host, at, kind, text, data)"
			   " SELECT h.tenant, h.id, $2, 'job', $3, $4 FROM hosts h WHERE h.id = $1",
			   SUT_DB_ARGS(SUT_DB_I(p->host), SUT_DB_I(q->now),
				       SUT_DB_T(text ? text : res->outcome), SUT_DB_T(json)),
			   NULL, err);
}

static int take_final(struct web_req *q, struct web_resp *r, const struct place *p,
		      const struct agent_who *who, const struct sut_job_result *res,
		      struct sut_err *err)
{
	enum job_state to = job_outcome_state(res->outcome, res->exit);
	int rc = keep(q, p, who, res, err);

	if (rc == 0)
		rc = update_row(q, p, res, to, err);
	if (rc == 0)
		rc = timeline(q, p, res, err);
	if (rc == 0)
		rc = update_host(q, p, res, err);
	if (rc == 0)
		rc = sut_db_exec(q->db, "UPDATE meta SET value = value + 1 WHERE name = 'offers'",
				 SUT_DB_NONE, NULL, err);
	return rc == 0 ? web_json(r, 200, json_pack("{s:s}", "state", job_state_word(to)), err)
		       : rc;
}

/* A receipt. One that comes after the console gave up on the system tells no end. */
static int take_receipt(struct web_req *q, struct web_resp *r, const struct place *p,
			const struct sut_job_result *res, struct sut_err *err)
{
	int rc = 0;

	if (!job_state_final(p->state))
		rc = update_row(q, p, res, JOB_WAITING, err);
	return rc == 0 ? web_json(r, 202, json_pack("{s:s}", "state", "waiting"), err) : rc;
}

static int open_result(struct web_req *q, struct web_resp *r, const struct agent_who *who,
		       struct sut_job_result *ret, struct sut_err *err)
{
	struct sut_dsse_key key = {.name = who->system_id};
	struct sut_err why = {0};
	int rc;

	memcpy(key.key, who->key, sizeof(key.key));
	rc = sut_job_result_open(q->raw, q->raw_len, &key, 1, ret, NULL, &why);
	switch (rc) {
	case 0:
		return 0;
	case -ENOKEY:
	case -EKEYREJECTED:
		return web_problem(r, 422, "result-signature",
				   "The result is not signed with the key of the system %s",
				   who->system_id);
	case -ENOMEM:
		return sut_err_oom(err);
	default:
		return web_problem(r, 400, "envelope", "%s", why.msg);
	}
}

static int take(struct web_req *q, struct web_resp *r, const struct agent_who *who,
		const struct sut_job_result *res, struct sut_err *err)
{
	const char *sha256 = sut_json_text(res->root, "manifest_sha256");
	struct place p = {0};
	int rc;

	if (!sut_streq(res->system_id, who->system_id))
		return web_problem(
			r, 422, "result-foreign",
			"The result is of another system than the one that brings it, %s",
			who->system_id);
	rc = find(q, who, sha256, res->job, &p, err);
	if (rc > 0)
		rc = job_row_lock(q->db, p.job, err);
	else if (rc == 0)
		return web_problem(r, 422, "manifest-unknown",
				   "This console has given the system %s no job with this manifest",
				   who->system_id);
	/* Nobody changes it from here on. */
	if (rc == 0)
		rc = find(q, who, sha256, res->job, &p, err);
	if (rc < 0)
		return rc;
	if (p.known)
		return web_problem(r, 409, "result-known",
				   "The result of this job is here already; the first one counts");
	return sut_streq(res->outcome, "waiting") ? take_receipt(q, r, &p, res, err)
						  : take_final(q, r, &p, who, res, err);
}

int agent_answer(struct web_req *q, struct web_resp *r, const struct agent_who *who,
		 struct sut_err *err)
{
	struct sut_job_result res = {0};
	int rc = open_result(q, r, who, &res, err);

	if (rc == 0) {
		q->who.tenant = who->tenant;
		rc = take(q, r, who, &res, err);
	}
	sut_job_result_release(&res);
	return rc;
}
