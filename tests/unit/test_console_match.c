// SPDX-License-Identifier: Apache-2.0
/* Which host a scan or a system is; what a system that the portal tells leaves behind. */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "fleet/host.h"
#include "sample_console.h"

static struct web_req req(struct sample_server *s)
{
	return (struct web_req){.server = s->p,
				.db = s->c,
				.who = {.tenant = s->tenant[0].id},
				.now = s->now,
				.peer = "",
				.request_id = ""};
}

static int64_t scan_by(struct sample_server *s, const struct host_facts *f, const char *want)
{
	const struct host_scan scan = {.facts = *f, .os = "Debian 12", .kernel_release = "6.1.0"};
	struct web_req q = req(s);
	struct sut_err err = {0};
	const char *by = NULL;
	int64_t id = 0;

	assert_ok(sut_db_begin(s->c, SUT_DB_WRITE, &err), err);
	assert_ok(host_of_scan(&q, &scan, &id, &by, &err), err);
	assert_ok(sut_db_commit(s->c, &err), err);
	assert_string_equal(by, want);
	return id;
}

static int64_t take(struct sample_server *s, const char *uid, const char *more)
{
	struct web_req q = req(s);
	char text[2048];
	uint8_t hash[HOST_HASH];
	struct sut_err err = {0};
	int64_t id = 0;
	json_t *j;

	(void)snprintf(text, sizeof(text), "{\"id\":\"%s\"%s}", uid, more);
	j = json_loads(text, 0, NULL);
	assert_non_null(j);
	assert_int_equal(host_hash(j, hash), 0);
	assert_ok(sut_db_begin(s->c, SUT_DB_WRITE, &err), err);
	assert_ok(host_take(&q, j, hash, &id, &err), err);
	assert_ok(sut_db_commit(s->c, &err), err);
	json_decref(j);
	return id;
}

static int64_t count(struct sample_server *s, const char *what)
{
	char sql[256];

	(void)snprintf(sql, sizeof(sql), "SELECT COUNT(*) FROM %s", what);
	return sample_number(s, sql);
}

#define SYS_A "7f3k9m2q4r8s1t5v"
#define SYS_B "7f3k9m2q4r8s1t5w"
#define WEB1                                                                                       \
	",\"hostname\":\"web-1\",\"machine_id\":\"2f1d6a9c0b7e4c0f8a5d3e2b1c0f9e8d\",\"state\":"   \
	"\"current\",\"level\":0,\"patchset\":\"\",\"boot_id\":\"b1\",\"facts\":{\"fqdn\":"        \
	"\"web-1.example\",\"addresses\":[\"10.0.0.7\",\"172.17.0.1\"]},\"kernel\":{\"release\":"  \
	"\"6.1.0\",\"build_id\":\"aa\"}"

static void names_lead_to_the_system(void **state)
{
	struct sample_server *s = *state;
	const char *const ips[] = {"10.0.0.7"}, *const docker[] = {"172.17.0.1", "127.0.0.1"};
	int64_t id = take(s, SYS_A, WEB1);

	assert_int_equal(scan_by(s, &(struct host_facts){.system_id = SYS_A}, "system-id"), id);
	assert_int_equal(
		scan_by(s, &(struct host_facts){.machine_id = "2f1d6a9c0b7e4c0f8a5d3e2b1c0f9e8d"},
			"machine-id"),
		id);
	assert_int_equal(scan_by(s, &(struct host_facts){.fqdn = "WEB-1.example."}, "fqdn"), id);
	assert_int_equal(scan_by(s, &(struct host_facts){.hostname = "Web-1"}, "hostname"), id);
	assert_int_equal(scan_by(s, &(struct host_facts){.addresses = ips, .naddresses = 1}, "ip"),
			 id);
	assert_int_equal(scan_by(s, &(struct host_facts){.hostname = "10.0.0.7"}, "ip"), id);
	/* What all machines have is nobody's. */
	assert_int_not_equal(
		scan_by(s, &(struct host_facts){.addresses = docker, .naddresses = 2}, "new"), id);
	assert_int_not_equal(scan_by(s, &(struct host_facts){.hostname = "localhost"}, "new"), id);
}

static void the_private_machine_id_leads_to_the_one_that_agents_tell(void **state)
{
	struct sample_server *s = *state;
	int64_t id =
		take(s, SYS_A,
		     ",\"hostname\":\"a\",\"machine_id\":\"f6af157575f54473a7199cac86a8c039\"");

	assert_int_equal(
		scan_by(s, &(struct host_facts){.machine_id = "0123456789abcdef0123456789abcdef"},
			"machine-id"),
		id);
}

static void what_contradicts_is_another_machine(void **state)
{
	struct sample_server *s = *state;
	int64_t id = take(s, SYS_A, WEB1);

	/* The same host name, another domain; the same name, another machine id. */
	assert_int_not_equal(scan_by(s, &(struct host_facts){.fqdn = "web-1.other.example"}, "new"),
			     id);
	assert_int_not_equal(
		scan_by(s,
			&(struct host_facts){.fqdn = "web-1.example",
					     .machine_id = "99999999999999999999999999999999"},
			"new"),
		id);
}

static void what_several_have_decides_nothing(void **state)
{
	struct sample_server *s = *state;
	int64_t a = take(s, SYS_A, ",\"hostname\":\"web\",\"machine_id\":\"aaaaaaaaaaaaaaaa\"");
	int64_t b = take(s, SYS_B, ",\"hostname\":\"web\",\"machine_id\":\"bbbbbbbbbbbbbbbb\"");
	int64_t c = scan_by(s, &(struct host_facts){.hostname = "web"}, "new");

	assert_int_not_equal(a, b);
	assert_true(c != a && c != b);
	/* The next scan makes no fourth. */
	assert_int_equal(scan_by(s, &(struct host_facts){.hostname = "web"}, "hostname"), c);
	assert_int_equal(count(s, "hosts"), 3);
}

static void a_scanned_host_becomes_the_system_that_registers(void **state)
{
	struct sample_server *s = *state;
	int64_t id = scan_by(s, &(struct host_facts){.fqdn = "web-1.example"}, "new");

	assert_int_equal(take(s, SYS_A, WEB1), id);
	assert_int_equal(count(s, "hosts WHERE matched_by = 'fqdn' AND system_id = '" SYS_A "'"),
			 1);
	assert_int_equal(count(s, "host_events WHERE kind = 'registered'"), 1);
	assert_int_equal(count(s, "events WHERE type = 'system.registered'"), 1);
}

static void two_that_turn_out_to_be_one_become_one(void **state)
{
	struct sample_server *s = *state;
	int64_t id = take(s, SYS_A, ",\"hostname\":\"x\",\"machine_id\":\"eeeeeeeeeeeeeeee\"");
	int64_t other = scan_by(
		s, &(struct host_facts){.machine_id = "2f1d6a9c0b7e4c0f8a5d3e2b1c0f9e8d"}, "new");

	assert_int_not_equal(id, other);
	sample_sql(s, "UPDATE hosts SET scanned_at = 5, scanner = 'trivy' WHERE system_id IS NULL");
	assert_int_equal(take(s, SYS_A, WEB1), id);
	assert_int_equal(count(s, "hosts"), 1);
	assert_int_equal(count(s, "hosts WHERE scanner = 'trivy' AND matched_by = 'machine-id'"),
			 1);
	assert_int_equal(count(s, "host_events WHERE kind = 'linked'"), 1);
}

static void changes_are_in_the_timeline(void **state)
{
	struct sample_server *s = *state;
	int64_t id = take(s, SYS_A, WEB1);

	(void)take(s, SYS_A, WEB1);
	assert_int_equal(count(s, "host_events"), 1);
	assert_int_equal(
		take(s, SYS_A,
		     ",\"hostname\":\"web-1\",\"machine_id\":\"2f1d6a9c0b7e4c0f8a5d3e2b1c0f9e8d\","
		     "\"state\":\"pending\",\"level\":3,\"patchset\":\"K1\",\"boot_id\":\"b2\","
		     "\"silent\":true"),
		id);
	assert_int_equal(count(s, "host_events WHERE kind IN ('level', 'state', 'boot', 'silent')"),
			 4);
	assert_int_equal(count(s, "events WHERE type IN ('system.level', 'system.silent')"), 2);
}

static void one_that_is_deleted_stays_as_a_host(void **state)
{
	struct sample_server *s = *state;
	struct web_req q = req(s);
	struct sut_err err = {0};
	int64_t id = take(s, SYS_A, WEB1);

	assert_ok(sut_db_begin(s->c, SUT_DB_WRITE, &err), err);
	assert_ok(host_gone(&q, id, &err), err);
	assert_ok(sut_db_commit(s->c, &err), err);
	assert_int_equal(count(s, "hosts WHERE system_id IS NULL AND gone IS NOT NULL"), 1);
	/* It registers again. */
	assert_int_equal(take(s, SYS_B, WEB1), id);
	assert_int_equal(count(s, "hosts WHERE system_id = '" SYS_B "' AND gone IS NULL"), 1);
}

static void people_call_a_host_by_any_name(void **state)
{
	struct sample_server *s = *state;
	int64_t id = take(s, SYS_A, WEB1);
	char uid[SUT_UID_LEN + 1], got[SUT_UID_LEN + 1] = "";
	const char *const names[] = {SYS_A, "web-1.example", "WEB-1.example.", uid};
	_cleanup_rows_ struct sut_db_rows *row = NULL;
	struct sut_err err = {0};

	assert_int_equal(sut_db_one(s->c, "SELECT uid FROM hosts WHERE id = $1",
				    SUT_DB_ARGS(SUT_DB_I(id)), &row, &err),
			 1);
	snprintf(uid, sizeof(uid), "%s", sut_db_text(row, 0));
	for (size_t i = 0; i < SUT_ARRAY_SIZE(names); i++) {
		got[0] = '\0';
		assert_int_equal(host_named(s->c, s->tenant[0].id, names[i], got, &err), 1);
		assert_string_equal(got, uid);
	}
	assert_int_equal(host_named(s->c, s->tenant[0].id, "web-9.example", got, &err), 0);
	assert_int_equal(host_named(s->c, s->tenant[0].id, "", got, &err), 0);
	assert_int_equal(host_named(s->c, s->tenant[1].id, SYS_A, got, &err), 0);
}

static void hosts_of_another_tenant_are_not_found(void **state)
{
	struct sample_server *s = *state;
	int64_t id = take(s, SYS_A, WEB1);

	s->tenant[0].id = s->tenant[1].id;
	assert_int_not_equal(scan_by(s, &(struct host_facts){.fqdn = "web-1.example"}, "new"), id);
	assert_int_not_equal(scan_by(s, &(struct host_facts){.system_id = SYS_A}, "new"), id);
}

static void names_are_judged(void **state _unused_)
{
	char r[MATCH_VALUE_MAX + 1];

	assert_true(match_mac("02-FC-00-00-00-01", r));
	assert_string_equal(r, "02:fc:00:00:00:01");
	assert_true(match_mac("02fc.0000.0001", r));
	assert_false(match_mac("ff:ff:ff:ff:ff:ff", r));
	assert_false(match_mac("00:00:00:00:00:00", r));
	assert_false(match_mac("02:42:ac:11:00:02", r));
	assert_false(match_mac("02:fc:00:00:00:01:02", r));
	assert_true(match_address("::ffff:10.0.0.7", r));
	assert_string_equal(r, "10.0.0.7");
	assert_true(match_address("2001:DB8::1", r));
	assert_string_equal(r, "2001:db8::1");
	assert_false(match_address("fe80::1", r));
	assert_false(match_address("127.0.0.1", r));
	assert_false(match_address("10.0.0", r));
	assert_false(match_name("", r));
	assert_false(match_name("a b", r));
	assert_false(match_name(".", r));
	assert_false(match_name("LOCALHOST.localdomain.", r));
}

int main(void)
{
	static const struct sample_server_case cases[] = {
#define CASE(f) {#f, f, NULL, 0}
		CASE(names_lead_to_the_system),
		CASE(the_private_machine_id_leads_to_the_one_that_agents_tell),
		CASE(what_contradicts_is_another_machine),
		CASE(what_several_have_decides_nothing),
		CASE(a_scanned_host_becomes_the_system_that_registers),
		CASE(two_that_turn_out_to_be_one_become_one),
		CASE(changes_are_in_the_timeline),
		CASE(one_that_is_deleted_stays_as_a_host),
		CASE(people_call_a_host_by_any_name),
		CASE(hosts_of_another_tenant_are_not_found),
		CASE(names_are_judged),
	};

	return SAMPLE_CONSOLE_RUN(cases);
}
