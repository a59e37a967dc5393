// SPDX-License-Identifier: Apache-2.0
/* Tasks: they run, are woken, exclude each other, survive errors; cleaning up and counting the fleet. */
#include "unit.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "web/metrics.h"
#include "sample_frame.h"
#include "sample_portal.h"
#include "tasks.h"
#include "web/tasks.h"

static _Atomic int runs, failures, inside, together;

static bool wait_until(_Atomic int *v, int at_least)
{
	for (int i = 0; i < 500; i++) {
		if (atomic_load(v) >= at_least)
			return true;
		usleep(10000);
	}
	return false;
}

static int count(struct server *p _unused_, struct sut_db *db, int64_t now, struct sut_err *err)
{
	int rc = sut_db_begin(db, SUT_DB_WRITE, err);

	assert_int_equal(now, SAMPLE_NOW);
	if (rc < 0)
		return rc;
	rc = sut_db_commit(db, err);
	atomic_fetch_add(&runs, 1);
	return rc;
}

static int fail_twice(struct server *p _unused_, struct sut_db *db _unused_, int64_t now _unused_,
		      struct sut_err *err)
{
	atomic_fetch_add(&runs, 1);
	if (atomic_fetch_add(&failures, 1) < 2)
		return sut_err_set(err, EIO, "a failure of the test");
	return 0;
}

static int alone(struct server *p _unused_, struct sut_db *db _unused_, int64_t now _unused_,
		 struct sut_err *err _unused_)
{
	if (atomic_fetch_add(&inside, 1) > 0)
		atomic_fetch_add(&together, 1);
	usleep(20000);
	atomic_fetch_sub(&inside, 1);
	atomic_fetch_add(&runs, 1);
	return 0;
}

static void reset(void)
{
	runs = failures = inside = together = 0;
}

static void start(struct sample_server *s, const struct task *task)
{
	const struct task *const list[] = {task, NULL};
	struct sut_err err = {0};

	reset();
	assert_ok(tasks_start(s->p, list, &err), err);
}

static void stop(struct sample_server *s)
{
	tasks_stop(s->p->tasks);
	s->p->tasks = NULL;
}

static void a_change_wakes_a_task(void **state)
{
	static const struct task task = {
		.name = "test", .every_sec = 3600, .on_touch = true, .run = count};
	struct sample_server *s = *state;

	sample_frame(s);
	start(s, &task);
	assert_true(wait_until(&runs, 1));
	sample_call(s, "POST", "/t/open", NULL, "{\"text\": \"x\", \"mode\": \"touch\"}");
	assert_status(s, 201);
	assert_true(wait_until(&runs, 2));
	sample_call(s, "POST", "/t/open", NULL, "{\"text\": \"x\", \"mode\": \"event\"}");
	assert_true(wait_until(&runs, 3));
	/* Another process, which says nothing to this one. */
	sample_sql(s, "UPDATE meta SET value = value + 1 WHERE name = 'generation'");
	assert_true(wait_until(&runs, 4));
	stop(s);
}

static void caches_follow_other_processes(void **state)
{
	static const struct task task = {.name = "test", .every_sec = 3600, .run = count};
	struct sample_server *s = *state;
	int64_t before = atomic_load(&s->p->generation);

	start(s, &task);
	sample_sql(s, "UPDATE meta SET value = value + 5 WHERE name = 'generation'");
	for (int i = 0; i < 500 && atomic_load(&s->p->generation) == before; i++)
		usleep(10000);
	assert_int_equal(atomic_load(&s->p->generation), before + 5);
	stop(s);
}

static void a_task_that_fails_is_tried_again(void **state)
{
	static const struct task task = {.name = "test", .every_sec = 1, .run = fail_twice};
	struct sample_server *s = *state;

	start(s, &task);
	assert_true(wait_until(&runs, 3));
	stop(s);
}

/* Two portals on one database. */
static void a_task_with_a_lock_runs_in_one_process_at_a_time(void **state)
{
	static const struct task task = {.name = "test",
					 .lock = 0x74657374,
					 .every_sec = 3600,
					 .on_touch = true,
					 .run = alone};
	const struct task *const list[] = {&task, NULL};
	struct sample_server *s = *state;
	struct server *other;
	struct sut_err err = {0};

	other = sample_server_another(s, 0);
	start(s, &task);
	assert_ok(tasks_start(other, list, &err), err);
	for (int i = 0; i < 20; i++) {
		tasks_wake(s->p->tasks);
		tasks_wake(other->tasks);
		usleep(15000);
	}
	assert_true(wait_until(&runs, 5));
	stop(s);
	server_freep(&other);
	assert_int_equal(together, 0);
}

static void a_task_ends_when_it_is_told_to(void **state)
{
	static const struct task task = {.name = "test", .every_sec = 3600, .run = count};
	struct sample_server *s = *state;
	time_t began = time(NULL);

	start(s, &task);
	assert_true(wait_until(&runs, 1));
	stop(s);
	assert_true(time(NULL) - began < 5);
}

/* --- cleaning up --- */

static int64_t rows(struct sample_server *s, const char *table)
{
	char sql[80];

	snprintf(sql, sizeof(sql), "SELECT COUNT(*) FROM %s", table);
	return sample_number(s, sql);
}

static void what_is_over_is_taken_out_and_nothing_else(void **state)
{
	static const int64_t day = 86400;
	struct sample_server *s = *state;
	struct sut_err err = {0};
	int64_t tokens = rows(s, "tokens");

	for (int old = 0; old < 2; old++) {
		const uint8_t hash[32] = {(uint8_t)old};
		int64_t t = s->now - 10, year = 365 * day + 10;
		const struct {
			const char *sql;
			int64_t age;
		} inserts[] = {
			{"INSERT INTO idempotency (scope, key_hash, request_hash, status, answer,"
			 " created) VALUES ('s', $1, $1, 200, $1, $2)",
			 day},
			{"INSERT INTO events (tenant, at, type, data) SELECT 0, $2, 'x', '{}'"
			 " WHERE $1 IS NOT NULL",
			 7 * day},
			{"INSERT INTO retired_credentials (hash, at, reason) VALUES ($1, $2, 'deleted')",
			 year},
			{"INSERT INTO tokens (uid, tenant, user_id, kind, hash, hint, roles, created,"
			 " expires) SELECT CAST(CAST($2 AS BIGINT) AS TEXT), tenant, id, 'session', $1, '', 'viewer', 1, $2"
			 " FROM users WHERE name = 'root'",
			 day},
		};

		for (size_t i = 0; i < SUT_ARRAY_SIZE(inserts); i++)
			assert_ok(sut_db_exec(s->c, inserts[i].sql,
					      SUT_DB_ARGS(SUT_DB_B(hash, sizeof(hash)),
							  SUT_DB_I(old ? t - inserts[i].age : t)),
					      NULL, &err),
				  err);
	}
	sample_sql(s, "INSERT INTO login_failures (subject, failures, last, blocked_until) VALUES"
		      " ('user:old', 1, 1, 1), ('user:new', 1, 1795000000, 1)");
	assert_ok(task_cleanup.run(s->p, s->c, s->now, &err), err);
	assert_int_equal(rows(s, "idempotency"), 1);
	assert_int_equal(rows(s, "events"), 1);
	assert_int_equal(rows(s, "retired_credentials"), 1);
	assert_int_equal(rows(s, "login_failures"), 1);
	/* API tokens stay, however old. */
	assert_int_equal(rows(s, "tokens"), tokens + 1);
}

/* --- metrics --- */

static void the_fleet_is_counted(void **state)
{
	struct sample_server *s = *state;
	struct sut_err err = {0};

	sample_sql(
		s,
		"INSERT INTO keys (uid, tenant, kind, feed, created, created_by) SELECT 'k', t.id,"
		" 'random', f.id, 1, 'x' FROM tenants t, feeds f WHERE t.name = 'alpha' AND"
		" f.name = 'stable'");
	for (int i = 0; i < 3; i++) {
		char sql[512];

		snprintf(
			sql, sizeof(sql),
			"INSERT INTO systems (uid, tenant, key_id, machine_id, hostname, credential,"
			" state, build_id, level, registered, checkin, updated) SELECT 's%d', tenant, id,"
			" 'm%d', 'h', %s, '%s', 'b\"1', %d, 1, %d, 1 FROM keys WHERE uid = 'k'",
			i, i,
			s->db.engine == SUT_DB_SQLITE
				? (const char *[]){"x'00'", "x'01'", "x'02'"}[i]
				: (const char *[]){"'\\x00'::bytea", "'\\x01'::bytea",
						   "'\\x02'::bytea"}[i],
			i ? "active" : "new", i, i ? SAMPLE_NOW - 60 : 1);
		sample_sql(s, sql);
	}
	assert_ok(task_fleet_metrics.run(s->p, s->c, s->now, &err), err);
	sample_call(s, "GET", "/metrics", NULL, NULL);
	assert_status(s, 200);
	assert_non_null(
		strstr(sut_buf_str(&s->r.raw), "\nsuture_portal_systems{state=\"active\"} 2\n"));
	assert_non_null(strstr(sut_buf_str(&s->r.raw),
			       "\nsuture_portal_systems_by_kernel{build_id=\"b\\\"1\"} 3\n"));
	assert_non_null(strstr(sut_buf_str(&s->r.raw),
			       "\nsuture_portal_systems_by_level{level=\"2\"} 1\n"));
	assert_non_null(strstr(sut_buf_str(&s->r.raw),
			       "\nsuture_portal_systems_by_feed{feed=\"stable\"} 3\n"));
	assert_non_null(
		strstr(sut_buf_str(&s->r.raw), "\nsuture_portal_systems_seen{seen=\"yes\"} 2\n"));
}

/* Every line is a comment, or NAME{LABELS} NUMBER; every name has a type before it. */
static void metrics_are_well_formed(void **state)
{
	struct sample_server *s = *state;
	char type[128] = "", *save = NULL, *text;

	metrics_request(s->p->metrics, NULL, 404, 0.01);
	metrics_group(s->p->metrics, 5, 0.002);
	sample_call(s, "GET", "/metrics", NULL, NULL);
	text = strdup(sut_buf_str(&s->r.raw));
	assert_non_null(text);
	for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		char *space = strrchr(l, ' '), *end;

		if (sscanf(l, "# TYPE %127s", type) == 1 || l[0] == '#')
			continue;
		assert_non_null(space);
		(void)strtod(space + 1, &end);
		assert_true(*end == '\0' && end > space + 1);
		assert_true(!strncmp(l, type, strlen(type)));
	}
	free(text);
	assert_non_null(strstr(sut_buf_str(&s->r.raw), "status=\"4xx\"} 1\n"));
	assert_non_null(
		strstr(sut_buf_str(&s->r.raw), "suture_portal_group_size_bucket{le=\"8\"} 1\n"));
}

int main(void)
{
#define CASE(f)                                                                                    \
	{                                                                                          \
#f, f, NULL, 0                                                                     \
	}
	static const struct sample_server_case cases[] = {
		CASE(a_change_wakes_a_task),
		CASE(caches_follow_other_processes),
		CASE(a_task_that_fails_is_tried_again),
		CASE(a_task_with_a_lock_runs_in_one_process_at_a_time),
		CASE(a_task_ends_when_it_is_told_to),
		CASE(what_is_over_is_taken_out_and_nothing_else),
		CASE(the_fleet_is_counted),
		CASE(metrics_are_well_formed),
	};

	return SAMPLE_PORTAL_RUN(cases);
}
