// SPDX-License-Identifier: Apache-2.0
/* What sutured keeps and waits for: identity, state, tasks, timers; and what it says about the machine. */
#include "unit.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <systemd/sd-id128.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "sutured/facts.h"
#include "sutured/loop.h"
#include "sutured/verb.h"
#include "sutured/worker.h"

#define CREDENTIAL "sutsys_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ"

static struct net n;
static char *root;
static int64_t clock_s;
static struct sut_err err;

static int64_t now(void *ctx _unused_)
{
	return 1795219200;
}

static int64_t boot(void *ctx _unused_)
{
	return clock_s;
}

static int setup(void **state _unused_)
{
	const struct net_ops ops = {.now = now, .boot = boot, .random = net_ops_real.random};
	struct agent_path dir;

	clock_s = 1000;
	assert_ok(sut_tmpdir("frame", &root, &err), err);
	dir = agent_path(root, AGENT_NET_DIR);
	assert_ok(sut_mkdir_p(dir.s, &err), err);
	assert_ok(net_init(&n, root, &ops, &err), err);
	return 0;
}

static int teardown(void **state _unused_)
{
	net_release(&n);
	assert_ok(sut_rm_rf(root, &err), err);
	free(root);
	return 0;
}

static void put(const char *path, const char *text)
{
	const struct agent_path p = agent_path(root, path);
	_cleanup_(sut_freep) char *dir = strndup(p.s, (size_t)(strrchr(p.s, '/') - p.s));

	assert_ok(sut_mkdir_p(dir, &err), err);
	assert_ok(sut_file_write(p.s, text, strlen(text), 0644, &err), err);
}

/* ------------------------------------------------------------------ */

static void an_identity_is_what_was_written_and_for_nobody_else(void **state _unused_)
{
	struct identity a = {.serial = (INT64_C(1) << 53) - 2,
			     .ca = true,
			     .registered_at = 5,
			     .heard_at = 6},
			b;
	const struct agent_path path = agent_path(root, AGENT_IDENTITY);
	struct stat st;

	memcpy(a.system_id, "7f3k9m2q4r8s1t5v", 17);
	memcpy(a.credential, CREDENTIAL, sizeof(CREDENTIAL));
	memcpy(a.portal, "https://p", 10);
	memcpy(a.feed, "\xc3\xa4", 3);
	memcpy(a.trouble, "cloned", 7);
	assert_ok(identity_write(root, &a, &err), err);
	assert_int_equal(stat(path.s, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_ok(identity_read(root, &b, &err), err);
	assert_memory_equal(&a, &b, sizeof(a));
	assert_int_equal(unlink(path.s), 0);
	assert_ok(identity_read(root, &b, &err), err);
	assert_false(identity_registered(&b));
}

static void a_damaged_identity_is_moved_aside_and_counts_as_none(void **state _unused_)
{
	static const char *const bad[] = {
		"",
		"{",
		"[]",
		"{}",
		"{\"format\":\"suture-identity\",\"version\":2}",
		"{\"format\":\"suture-identity\",\"version\":1,\"serial\":-1}",
		"{\"format\":\"suture-identity\",\"version\":1,\"serial\":\"1\"}",
		"{\"format\":\"suture-identity\",\"version\":1,\"system_id\":\"7f3k9m2q4r8s1t5v\"}",
		"{\"format\":\"suture-identity\",\"version\":1,\"system_id\":\"UPPER\"}",
		"{\"format\":\"suture-identity\",\"version\":1,\"credential\":\"x\"}",
		"{\"format\":\"suture-identity\",\"version\":1,\"nonce\":\"12\"}",
		"{\"format\":\"suture-identity\",\"version\":1,\"portal\":\"file:///etc\"}",
		"{\"format\":\"suture-identity\",\"version\":1,\"trouble\":\"Was\\u001b\"}",
		"{\"format\":\"suture-identity\",\"version\":1,\"ca\":1}",
	};
	const struct agent_path aside = agent_path(root, AGENT_IDENTITY ".damaged");
	const struct agent_path path = agent_path(root, AGENT_IDENTITY);
	struct identity i;

	for (size_t k = 0; k < SUT_ARRAY_SIZE(bad); k++) {
		put(AGENT_IDENTITY, bad[k]);
		memset(&i, 0xa5, sizeof(i));
		if (identity_read(root, &i, &err) != -EBADMSG)
			fail_msg("'%s' was taken", bad[k]);
		assert_says(err, "suture register");
		assert_false(identity_registered(&i));
		assert_true(sut_exists(aside.s));
		assert_false(sut_exists(path.s));
	}
}

static void what_was_heard_is_kept_and_may_be_lost(void **state _unused_)
{
	char text[40];

	state_set(&n, "told", json_pack("{s:s}", "action", "keep"));
	state_set(&n, "_mine", json_integer(7));
	state_update(&n, "checkin", json_pack("{s:i}", "failures", 3));
	state_save(&n);
	assert_false(n.state.dirty);
	assert_ok(state_forget(&n, &err), err);
	state_load(&n);
	state_text(&n, "told", "action", text, sizeof(text));
	assert_string_equal(text, "keep");
	assert_int_equal(state_int(&n, "_mine", NULL, 0), 7);
	assert_int_equal(state_int(&n, "checkin", "failures", 9), 0); /* not kept */
	/* A part of another type is not taken. */
	put(AGENT_NET_STATE,
	    "{\"version\":1,\"told\":[],\"held\":{},\"state\":7,\"sandbox\":{\"x\":1}}");
	assert_ok(state_forget(&n, &err), err);
	state_load(&n);
	state_text(&n, "told", "action", text, sizeof(text));
	assert_string_equal(text, "");
	put(AGENT_NET_STATE, "nonsense");
	state_load(&n);
	state_text(&n, "state", NULL, text, sizeof(text));
	assert_string_equal(text, "not-registered");
}

static void the_document_hides_what_is_hidden_and_says_when(void **state _unused_)
{
	json_t *j;

	state_set(&n, "_secret", json_integer(1));
	net_due_in(&n, NET_DUE_CHECKIN, 60);
	j = state_document(&n);
	assert_null(json_object_get(j, "_secret"));
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(j, "checkin"), "next")),
		"2026-11-21T00:01:01Z");
	assert_true(json_is_null(json_object_get(json_object_get(j, "check"), "next")));
	json_decref(j);
}

static void times_that_no_clock_can_show_are_none(void **state _unused_)
{
	char text[sizeof("2026-11-21T20:15:00Z")];

	state_time(1795219200, text);
	assert_string_equal(text, "2026-11-21T00:00:00Z");
	state_time(0, text);
	assert_string_equal(text, "");
	state_time(-5, text);
	assert_string_equal(text, "");
	state_time(INT64_MAX, text);
	assert_string_equal(text, "");
}

/* ------------------------------------------------------------------ */

static int runs;

static void count(struct net *of _unused_, struct task *t)
{
	runs++;
	task_ok(t, NULL);
}

static void forgets_to_answer(struct net *of _unused_, struct task *t _unused_)
{
	runs++;
}

static int queue(task_fn run, int fd)
{
	return task_add(&n, "test", run, fd, fd < 0 ? NULL : json_object(), 0, &err);
}

static void a_task_nobody_waits_for_is_queued_once(void **state _unused_)
{
	runs = 0;
	for (int i = 0; i < 5; i++)
		assert_ok(queue(count, -1), err);
	worker_drain(&n);
	assert_int_equal(runs, 1);
	assert_true(task_idle(&n));
	assert_ok(queue(count, -1), err);
	worker_drain(&n);
	assert_int_equal(runs, 2);
}

static void a_queue_that_is_full_says_so_and_loses_nothing(void **state _unused_)
{
	int pair[2], taken = 0;
	ssize_t got;
	char buf[1024];

	runs = 0;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	for (int i = 0; i < TASK_MAX + 5; i++)
		taken += queue(count, dup(pair[0])) == 0;
	assert_int_equal(taken, TASK_MAX);
	assert_string_equal(err.reason, "busy");
	close(pair[0]);
	worker_drain(&n);
	assert_int_equal(runs, TASK_MAX);
	for (int i = 0; i < TASK_MAX; i++)
		assert_true(recv(pair[1], buf, sizeof(buf), MSG_DONTWAIT) > 0);
	got = recv(pair[1], buf, sizeof(buf), MSG_DONTWAIT);
	assert_int_equal(got, 0); /* all were closed */
	close(pair[1]);
}

static void others_than_root_do_not_keep_root_out(void **state _unused_)
{
	int pair[2], taken = 0;

	runs = 0;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	for (int i = 0; i < TASK_MAX; i++)
		taken += task_add(&n, "test", count, dup(pair[0]), json_object(), 65534, &err) == 0;
	assert_int_equal(taken, TASK_OTHERS_MAX);
	assert_string_equal(err.reason, "busy");
	assert_ok(queue(count, dup(pair[0])), err);
	close(pair[0]);
	worker_drain(&n);
	assert_int_equal(runs, TASK_OTHERS_MAX + 1);
	close(pair[1]);
}

static void who_waits_always_gets_an_answer(void **state _unused_)
{
	char buf[1024] = "";
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	assert_ok(queue(forgets_to_answer, pair[0]), err);
	worker_drain(&n);
	assert_true(recv(pair[1], buf, sizeof(buf) - 1, MSG_DONTWAIT) > 0);
	assert_non_null(strstr(buf, "\"ok\":false"));
	close(pair[1]);
	/* One that has gone does not stop the task, nor the agent. */
	runs = 0;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	close(pair[1]);
	assert_ok(queue(count, pair[0]), err);
	worker_drain(&n);
	assert_int_equal(runs, 1);
}

static void what_is_due_is_due_once_and_a_check_goes_with_a_checkin(void **state _unused_)
{
	bool due[NET_DUES];

	net_due_take(&n, due);
	for (size_t i = 0; i < NET_DUES; i++)
		assert_false(due[i]);
	net_due_in(&n, NET_DUE_CHECKIN, 10);
	net_due_in(&n, NET_DUE_CHECK, 300);
	net_due_in(&n, NET_DUE_SETTLE, 300);
	net_due_take(&n, due);
	assert_false(due[NET_DUE_CHECKIN]);
	clock_s += 11;
	net_due_take(&n, due);
	assert_true(due[NET_DUE_CHECKIN]);
	assert_true(due[NET_DUE_CHECK]); /* early, to save a wake-up */
	assert_false(due[NET_DUE_SETTLE]);
	net_due_take(&n, due);
	assert_false(due[NET_DUE_CHECKIN]);
	assert_int_equal(net_due_left(&n, NET_DUE_CHECK), -1);
	/* by: only earlier; in: whatever was */
	net_due_by(&n, NET_DUE_SETTLE, 500);
	assert_int_equal(net_due_left(&n, NET_DUE_SETTLE), 290);
	net_due_by(&n, NET_DUE_SETTLE, 5);
	assert_int_equal(net_due_left(&n, NET_DUE_SETTLE), 6);
	net_due_in(&n, NET_DUE_SETTLE, -1);
	assert_int_equal(net_due_left(&n, NET_DUE_SETTLE), -1);
	net_due_in(&n, NET_DUE_SETTLE, INT64_MAX);
	assert_true(net_due_left(&n, NET_DUE_SETTLE) > 0);
	/* In the first second of a boot, too. */
	clock_s = 0;
	net_due_in(&n, NET_DUE_APPLY, 0);
	clock_s = 1;
	net_due_take(&n, due);
	assert_true(due[NET_DUE_APPLY]);
}

static void the_repository_is_where_settings_the_portal_or_its_address_say(void **state _unused_)
{
	char url[AGENT_URL_MAX + 1];

	assert_int_equal(net_repository(&n, url, &err), -ENOENT);
	assert_string_equal(err.reason, "not-registered");
	memcpy(n.id.portal, "https://p", 10);
	assert_ok(net_repository(&n, url, &err), err);
	assert_string_equal(url, "https://p/repo");
	memcpy(n.id.repository, "https://r/x//", 14);
	assert_ok(net_repository(&n, url, &err), err);
	assert_string_equal(url, "https://r/x");
	memcpy(n.conf.repository, "https://c", 10);
	assert_ok(net_repository(&n, url, &err), err);
	assert_string_equal(url, "https://c");
}

static void settings_with_a_mistake_change_nothing(void **state _unused_)
{
	put(AGENT_CONF, "heartbeat = 30s\n");
	assert_ok(net_reload(&n, &err), err);
	assert_int_equal(n.conf.heartbeat_s, 30);
	put(AGENT_CONF, "heartbeat = 60s\nnonsense\n");
	assert_true(net_reload(&n, &err) < 0);
	assert_says(err, "agent.conf:2");
	assert_int_equal(n.conf.heartbeat_s, 30);
}

static void every_verb_has_one_way_to_run(void **state _unused_)
{
	static const char *const names[] = {"status", "register", "unregister", "check",
					    "update", "explain",  "job",	"reload"};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(names); i++) {
		const struct verb *v = verb_find(names[i]);

		assert_non_null(v);
		assert_true(!v->now != !v->run);
		assert_true(v->all ==
			    (!strcmp(names[i], "status") || !strcmp(names[i], "explain")));
	}
	assert_null(verb_find(""));
	assert_null(verb_find("stat"));
}

/* ------------------------------------------------------------------ */

static void the_machine_id_is_hashed_as_systemd_does_it(void **state _unused_)
{
	/* The application id of facts.c. */
	const sd_id128_t app =
		SD_ID128_MAKE(5f, c1, 6d, 0b, 96, 1e, 4c, 5a, 8d, 2b, 73, e4, 0a, f2, 91, d7);
	char ours[IDENTITY_MACHINE + 1], theirs[SD_ID128_STRING_MAX];
	sd_id128_t id;

	put("/etc/machine-id", "0123456789abcdef0123456789abcdef\n");
	assert_ok(facts_machine_id(root, ours, &err), err);
	/* Computed apart, by another HMAC. */
	assert_string_equal(ours, "f6af157575f54473a7199cac86a8c039");
	if (sd_id128_get_machine_app_specific(app, &id) < 0)
		return; /* a container without one */
	assert_ok(facts_machine_id("", ours, &err), err);
	assert_string_equal(ours, sd_id128_to_string(id, theirs));
}

static void names_are_made_of_what_is_allowed(void **state _unused_)
{
	static const char machine[] = "f6af157575f54473a7199cac86a8c039";
	char host[FACTS_HOST_MAX + 1];

	n.conf.report_hostname = true;
	put("/etc/hostname", "web 1\xc3\xa4.example\n");
	facts_hostname(&n, machine, host);
	assert_string_equal(host, "web-1--.example");
	n.conf.report_hostname = false;
	facts_hostname(&n, machine, host);
	assert_string_equal(host, "host-f6af157575f5");
}

static void what_is_not_to_be_told_is_not_told(void **state _unused_)
{
	json_t *j;

	put("/etc/machine-id", "0123456789abcdef0123456789abcdef\n");
	put("/etc/hostname", "secretname\n");
	put("/etc/hosts", "# x\n127.0.1.1 secretname.example secretname # y\n");
	n.conf.report_hostname = true;
	j = facts_more(&n, NULL);
	assert_string_equal(json_string_value(json_object_get(j, "fqdn")), "secretname.example");
	json_decref(j);
	n.conf.report_hostname = false;
	j = facts_more(&n, NULL);
	assert_null(json_object_get(j, "fqdn"));
	assert_null(json_object_get(j, "addresses"));
	json_decref(j);
}

static void distributions_are_read_from_os_release(void **state _unused_)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{"", ""},
		{"NAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\nPRETTY_NAME=\"Debian 12 (b)\"\n",
		 "Debian 12 (b)"},
		{"NAME=Alpine\nVERSION_ID=3.20\n", "Alpine 3.20"},
		{"NAME='Arch'", "Arch"},
		{"XPRETTY_NAME=no\nPRETTY_NAME=\"a\x1b[31m\"\n", "a?[31m"},
		{"PRETTY_NAME", ""},
	};
	char got[FACTS_TEXT_MAX + 1];

	for (size_t i = 0; i < SUT_ARRAY_SIZE(cases); i++) {
		facts_distribution(cases[i].text, strlen(cases[i].text), got);
		assert_string_equal(got, cases[i].want);
	}
}

static void hypervisors_are_told_by_what_they_say(void **state _unused_)
{
	assert_string_equal(facts_hypervisor("", "", ""), "none");
	assert_string_equal(facts_hypervisor("Dell Inc.", "PowerEdge", ""), "none");
	assert_string_equal(facts_hypervisor("QEMU", "Standard PC", "KVMKVMKVM"), "kvm");
	assert_string_equal(facts_hypervisor("QEMU", "Standard PC", "TCGTCGTCGTCG"), "qemu");
	assert_string_equal(
		facts_hypervisor("Microsoft Corporation", "Virtual Machine", "Microsoft Hv"),
		"microsoft");
	assert_string_equal(facts_hypervisor("Microsoft Corporation", "Surface", ""), "none");
	assert_string_equal(facts_hypervisor("VMware, Inc.", "VMware20,1", "VMwareVMware"),
			    "vmware");
	assert_string_equal(facts_hypervisor("Amazon EC2", "m5", "KVMKVMKVM"), "kvm");
	assert_string_equal(facts_hypervisor("x", "y", "??"), "other");
}

static void addresses_are_those_by_which_others_reach_it(void **state _unused_)
{
	static const struct {
		const char *line, *want;
	} cases[] = {
		{"fd000000000000000000000000000002 02 40 00 80     eth0\n", "fd00::2"},
		{"00000000000000000000000000000001 01 80 10 80       lo\n", ""},
		{"fe80000000000000000000000000aaaa 02 40 20 80     eth0\n", ""},
		{"20010db8000000000000000000000001 02 40 00 01     eth0\n", ""}, /* temporary */
		{"20010db8000000000000000000000001 02 40 00 20     eth0\n", ""}, /* deprecated */
		{"20010db800 02 40 00 80 eth0\n", ""},
		{"", ""},
	};
	char got[INET6_ADDRSTRLEN];

	for (size_t i = 0; i < SUT_ARRAY_SIZE(cases); i++) {
		facts_if_inet6(cases[i].line, got);
		assert_string_equal(got, cases[i].want);
	}
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(an_identity_is_what_was_written_and_for_nobody_else),
		T(a_damaged_identity_is_moved_aside_and_counts_as_none),
		T(what_was_heard_is_kept_and_may_be_lost),
		T(the_document_hides_what_is_hidden_and_says_when),
		T(times_that_no_clock_can_show_are_none),
		T(a_task_nobody_waits_for_is_queued_once),
		T(a_queue_that_is_full_says_so_and_loses_nothing),
		T(others_than_root_do_not_keep_root_out),
		T(who_waits_always_gets_an_answer),
		T(what_is_due_is_due_once_and_a_check_goes_with_a_checkin),
		T(the_repository_is_where_settings_the_portal_or_its_address_say),
		T(settings_with_a_mistake_change_nothing),
		T(every_verb_has_one_way_to_run),
		T(the_machine_id_is_hashed_as_systemd_does_it),
		T(names_are_made_of_what_is_allowed),
		T(what_is_not_to_be_told_is_not_told),
		T(addresses_are_those_by_which_others_reach_it),
		T(distributions_are_read_from_os_release),
		T(hypervisors_are_told_by_what_they_say),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
