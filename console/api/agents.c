// SPDX-License-Identifier: Apache-2.0
/* What agents call: docs/formats/console-agent.md. Their signature is who they are. */
#include <errno.h>
#include <string.h>

#include "agent/answer.h"
#include "agent/notes.h"
#include "agent/request.h"
#include "api/api.h"
#include "base/str.h"
#include "console.h"
#include "job/manifest.h"

enum {
	WAIT_MAX = 300,
	JOBS_MAX = 16,		/* in one answer */
	ANSWER_MAX = 120 << 10, /* bytes of them; one manifest always fits */
};

static const char *const no_args[] = {NULL};

/* --- GET /v1/agent/jobs --- */

/* A job for this system, whose manifest is not over. The next ones come with the next question. */
static int collect(struct web_req *q, const struct agent_who *who, json_t *jobs,
		   struct sut_err *err)
{
	static const char sql[] =
		"SELECT s.id, m.envelope FROM job_systems s JOIN manifests m ON m.id = s.manifest"
		" WHERE s.system_id = $1 AND s.state IN ('offered', 'running') AND s.host = $2"
		" AND m.expires > $3 ORDER BY CASE s.state WHEN 'offered' THEN 0 ELSE 1 END, s.id"
		" LIMIT $4";
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	size_t bytes = 0;
	int k = sut_db_query(q->db, sql,
			     SUT_DB_ARGS(SUT_DB_T(who->system_id), SUT_DB_I(who->host),
					 SUT_DB_I(q->now), SUT_DB_I(JOBS_MAX)),
			     &rows, err);

	while (k >= 0 && (k = sut_db_next(rows, err)) > 0) {
		const char *text = sut_db_text(rows, 1);
		size_t len = text ? strlen(text) : 0;
		json_t *envelope;

		if (bytes && bytes + len > ANSWER_MAX)
			break;
		envelope = len ? json_loads(text, 0, NULL) : NULL;
		if (!envelope || json_array_append_new(jobs, envelope) < 0)
			return sut_err_set(err, EIO, "a manifest of this console is damaged");
		bytes += len;
		agent_notes_given(console_of(q->server)->notes, sut_db_int(rows, 0));
	}
	return k < 0 ? k : 0;
}

static int take_args(struct web_req *q, struct web_resp *r, int64_t *wait)
{
	static const char *const args[] = {"system", "wait", NULL};
	int rc = web_only_args(q, r, args);

	*wait = 0;
	if (rc == 0)
		rc = web_arg_int(q, r, "wait", 0, WAIT_MAX, wait);
	if (rc == 0 && !web_arg(q, "system"))
		rc = web_problem(r, 400, "bad-argument", "Say which system asks: ?system=ID");
	return rc;
}

static int jobs_wait(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	struct agent_who who = {0};
	int64_t wait;
	json_t *jobs;
	int rc = take_args(q, r, &wait);

	if (rc == 0)
		rc = agent_request(q, r, web_arg(q, "system"), &who, err);
	if (rc == 0)
		rc = agent_fresh(q, r, &who, err);
	if (rc != 0)
		return rc;
	jobs = json_array();
	rc = jobs ? collect(q, &who, jobs, err) : sut_err_oom(err);
	if (rc == 0 && json_array_size(jobs))
		return web_json(r, 200, json_pack("{s:o}", "jobs", jobs), err);
	json_decref(jobs);
	if (rc < 0)
		return rc;
	if (!wait || q->last_try)
		return web_no_content(r);
	/* The task of agent/wait.c wakes it. */
	q->wait_until = q->now + wait;
	q->wait_key = who.host;
	return WEB_WAIT;
}

/* --- POST /v1/agent/results --- */

static int results_take(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	struct agent_who who = {0};
	int rc = web_only_args(q, r, no_args);

	if (rc == 0)
		rc = agent_request(q, r, NULL, &who, err);
	if (rc == 0)
		rc = agent_fresh(q, r, &who, err);
	return rc == 0 ? agent_answer(q, r, &who, err) : rc;
}

const struct web_route api_agents[] = {
	{"GET", "/v1/agent/jobs", WEB_PUBLIC, WEB_HOLD, jobs_wait},
	{"POST", "/v1/agent/results", WEB_PUBLIC, WEB_WRITE | WEB_RAW_BODY, results_take},
	{0},
};
