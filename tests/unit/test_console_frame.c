// SPDX-License-Identifier: Apache-2.0
/* The console is a server with accounts, as the portal is: what it is made of fits together. */
#include "unit.h"

#include <string.h>

#include "sample_console.h"
#include "task_list.h"
#include "web/task.h"

static void who_calls_is_known_by_his_token(void **state)
{
	struct sample_server *s = *state;

	sample_call(s, "GET", "/v1/whoami", s->tenant[0].token[SAMPLE_VIEWER], NULL);
	assert_status(s, 200);
	assert_string_equal(sample_text(s, "tenant"), "alpha");
	sample_call(s, "GET", "/v1/whoami", NULL, NULL);
	assert_status(s, 401);
	sample_call(s, "GET", "/healthz", NULL, NULL);
	assert_status(s, 200);
	sample_call(s, "GET", "/v1/openapi.json", NULL, NULL);
	assert_status(s, 200);
}

static void a_tenant_with_systems_stays(void **state)
{
	struct sample_server *s = *state;

	sample_sql(s, "INSERT INTO hosts (uid, tenant, created, updated)"
		      " SELECT 'h', id, 0, 0 FROM tenants WHERE name = 'beta'");
	sample_call(s, "DELETE", "/v1/tenants/beta", s->staff, NULL);
	assert_problem(s, 409, "not-empty");
}

/* Two with one lock would wait for each other's next turn, now and then. */
static void every_task_has_a_lock_of_its_own(void **state _unused_)
{
	for (size_t i = 0; console_tasks[i]; i++)
		for (size_t k = 0; k < i; k++)
			if (console_tasks[i]->lock &&
			    console_tasks[i]->lock == console_tasks[k]->lock)
				fail_msg("%s and %s have the same lock", console_tasks[i]->name,
					 console_tasks[k]->name);
}

int main(void)
{
	static const struct sample_server_case cases[] = {
		{"who_calls_is_known_by_his_token", who_calls_is_known_by_his_token, NULL, 0},
		{"a_tenant_with_systems_stays", a_tenant_with_systems_stays, NULL, 0},
		{"every_task_has_a_lock_of_its_own", every_task_has_a_lock_of_its_own, NULL, 0},
	};

	return SAMPLE_CONSOLE_RUN(cases);
}
