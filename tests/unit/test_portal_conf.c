// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "conf.h"

static int parse(const char *text, struct portal_conf *c, struct sut_err *err)
{
	*err = (struct sut_err){0};
	assert_int_equal(portal_conf_init(c, err), 0);
	return portal_conf_parse("portal.conf", text, strlen(text), c, err);
}

static void without_settings_it_is_safe(void **state _unused_)
{
	_cleanup_(portal_conf_release) struct portal_conf c;
	struct sut_err err;

	assert_ok(parse("", &c, &err), err);
	assert_string_equal(c.s.database, "sqlite:/var/lib/suture/portal/portal.db");
	assert_int_equal(c.s.listen.n, 0);
	assert_false(c.s.plain_http);
	assert_false(c.s.private_webhooks);
	assert_int_equal(c.s.nproxies, 0);
	assert_int_equal(c.checkin_sec, 300);
	assert_int_equal(c.check_sec, 4 * 3600);
	assert_int_equal(c.s.access_log, SERVER_LOG_QUIET);
}

static void every_setting_is_taken(void **state _unused_)
{
	static const char text[] = "database = postgresql://db/suture\n"
				   "listen = 127.0.0.1:8080\n"
				   "listen = unix:/run/suture/portal.sock\n"
				   "tls-cert = /etc/suture/cert.pem\n"
				   "tls-key = /etc/suture/key.pem\n"
				   "plain-http = yes\n"
				   "trusted-proxy = 10.0.0.5\n"
				   "trusted-proxy = 10.1.0.0/16\n"
				   "url = https://portal.example\n"
				   "repository = /srv/repo\n"
				   "repository-root = /etc/suture/root.json\n"
				   "agent-packages = /srv/agent\n"
				   "metrics-from = 10.9.0.0/16\n"
				   "checkin-interval = 10m\n"
				   "check-interval = 1h\n"
				   "readers = 8\n"
				   "connections = 50000\n"
				   "private-webhooks = yes\n"
				   "access-log = all\n";
	_cleanup_(portal_conf_release) struct portal_conf c;
	struct sut_err err;

	assert_ok(parse(text, &c, &err), err);
	assert_string_equal(c.s.database, "postgresql://db/suture");
	assert_int_equal(c.s.listen.n, 2);
	assert_string_equal(c.s.listen.v[1], "unix:/run/suture/portal.sock");
	assert_string_equal(c.s.tls_cert, "/etc/suture/cert.pem");
	assert_string_equal(c.s.tls_key, "/etc/suture/key.pem");
	assert_true(c.s.plain_http);
	assert_int_equal(c.s.nproxies, 2);
	assert_true(sut_cidr_any(c.s.proxies, 2, "10.1.2.3"));
	assert_string_equal(c.s.url, "https://portal.example");
	assert_string_equal(c.repository, "/srv/repo");
	assert_string_equal(c.repository_root, "/etc/suture/root.json");
	assert_string_equal(c.agent_dir, "/srv/agent");
	assert_int_equal(c.s.nmetrics_from, 1);
	assert_int_equal(c.checkin_sec, 600);
	assert_int_equal(c.check_sec, 3600);
	assert_int_equal(c.s.readers, 8);
	assert_int_equal(c.s.connections, 50000);
	assert_true(c.s.private_webhooks);
	assert_int_equal(c.s.access_log, SERVER_LOG_ALL);
}

static void mistakes_are_named_with_their_line(void **state _unused_)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{"\nlisen = x\n", "portal.conf:2: there is no setting 'lisen'"},
		{"url = https://a\nurl = https://b\n",
		 "portal.conf:2: 'url' stands here a second time"},
		{"listen =\n", "portal.conf:1: listen: "},
		{"database =\n", "portal.conf:1: database: "},
		{"tls-cert = cert.pem\n", "no absolute path"},
		{"url = portal.example\n", "https://portal.example"},
		{"url = https://portal.example/\n", "'/' at the end"},
		{"url = https://a\"b\n", "without quotes"},
		{"trusted-proxy = 10.1.2.3/8\n", "portal.conf:1: trusted-proxy: "},
		{"trusted-proxy = proxy.example\n", "portal.conf:1: trusted-proxy: "},
		{"plain-http = maybe\n", "neither yes nor no"},
		{"checkin-interval = 1s\n", "less than 10"},
		{"checkin-interval = 2d\n", "more than 86400"},
		{"readers = 0\n", "no number from 1"},
		{"readers = 1000\n", "no number from 1"},
		{"access-log = some\n", "quiet, all, off"},
		{"tls-cert = /a\n", "tls-cert is set without tls-key"},
		{"tls-key = /a\n", "tls-key is set without tls-cert"},
		{"repository = /a\n", "without repository-root"},
	};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(cases); i++) {
		_cleanup_(portal_conf_release) struct portal_conf c;
		struct sut_err err;

		assert_true(parse(cases[i].text, &c, &err) < 0);
		assert_string_equal(err.reason,
				    strstr(cases[i].text, "proxy") ? err.reason : "conf");
		assert_says(err, cases[i].says);
	}
}

static void there_is_an_end_to_what_may_be_repeated(void **state _unused_)
{
	_cleanup_(portal_conf_release) struct portal_conf c;
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(4096);
	struct sut_err err;

	for (int i = 0; i < SERVER_LISTEN_MAX; i++)
		assert_int_equal(sut_buf_addf(&b, "listen = 127.0.0.1:%d\n", i), 0);
	assert_ok(parse(sut_buf_str(&b), &c, &err), err);
	portal_conf_release(&c);
	assert_int_equal(sut_buf_addstr(&b, "listen = 127.0.0.1:9\n"), 0);
	assert_int_equal(parse(sut_buf_str(&b), &c, &err), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_settings_it_is_safe),
		cmocka_unit_test(every_setting_is_taken),
		cmocka_unit_test(mistakes_are_named_with_their_line),
		cmocka_unit_test(there_is_an_end_to_what_may_be_repeated),
	};

	return cmocka_run_group_tests_name("portal_conf", tests, NULL, NULL);
}
