// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "common/conf.h"
#include "common/paths.h"

static struct agent_conf conf;
static struct sut_err err;

static int parse(const char *text)
{
	memset(&conf, 0xa5, sizeof(conf));
	err = (struct sut_err){0};
	return agent_conf_parse(text, strlen(text), &conf, &err);
}

/* Refused, with the line, and words that say what to write. */
static void refused(const char *text, const char *words)
{
	assert_int_equal(parse(text), -EBADMSG);
	assert_string_equal(err.reason, "conf");
	assert_says(err, "agent.conf");
	assert_says(err, words);
	/* Nothing was written. */
	assert_int_equal(conf.portal[0] & 0xff, 0xa5);
}

static void an_empty_file_is_all_defaults(void **state _unused_)
{
	assert_ok(parse(""), err);
	assert_string_equal(conf.portal, "");
	assert_string_equal(conf.repository, "");
	assert_int_equal(conf.policy.update, AGENT_UPDATE_AUTO);
	assert_int_equal(conf.policy.nwindows, 0);
	assert_int_equal(conf.heartbeat_s, 0);
	assert_int_equal(conf.check_s, 0);
	assert_int_equal(conf.probation_s, 900);
	assert_int_equal(conf.grace_s, 7 * 86400);
	assert_int_equal(conf.health_s, 60);
	assert_true(conf.vex);
	assert_true(conf.report_hostname);
	assert_false(conf.plain_http);
	assert_true(conf.libraries);
	assert_false(conf.lib_init);
	assert_int_equal(conf.nexcludes, 0);
	assert_int_equal(conf.nfeeds, 0);
}

static void processes_are_excluded_in_four_ways(void **state _unused_)
{
	struct sut_buf b = SUT_BUF_INIT(1 << 20);

	assert_ok(parse("libraries = no\nlib-init = yes\n"
			"lib-exclude-unit = postgresql@*.service\n"
			"lib-exclude-path = /opt/*\nlib-exclude-path = */qemu-*\n"
			"lib-exclude-name = java\nlib-exclude-user = app[12]\n"),
		  err);
	assert_false(conf.libraries);
	assert_true(conf.lib_init);
	assert_int_equal(conf.nexcludes, 5);
	assert_int_equal(conf.excludes[0].by, AGENT_EXCLUDE_UNIT);
	assert_string_equal(conf.excludes[0].glob, "postgresql@*.service");
	assert_int_equal(conf.excludes[2].by, AGENT_EXCLUDE_PATH);
	assert_string_equal(conf.excludes[2].glob, "*/qemu-*");
	assert_int_equal(conf.excludes[3].by, AGENT_EXCLUDE_NAME);
	assert_int_equal(conf.excludes[4].by, AGENT_EXCLUDE_USER);
	refused("lib-exclude-path = bin/x\n", "whole path");
	refused("libraries = maybe\n", "yes or no");
	refused("lib-exclude-pid = 1\n", "no setting");
	for (int i = 0; i <= AGENT_EXCLUDES_MAX; i++)
		assert_int_equal(sut_buf_addf(&b, "lib-exclude-name = n%d\n", i), 0);
	refused(sut_buf_str(&b), "64 exclusions");
	sut_buf_release(&b);
}

static void every_setting_is_taken(void **state _unused_)
{
	assert_ok(
		parse("portal = https://portal.example:8443/\n"
		      "portal-ca = /etc/suture/ca.pem\n"
		      "repository = http://127.0.0.1/repo//\n"
		      "proxy = http://user:pw@proxy:3128\n"
		      "console = https://[::1]:9\n"
		      "console-ca = /c\n"
		      "metrics = /var/lib/prometheus/node-exporter/suture.prom\n"
		      "heartbeat = 30s\ncheck = 1m\nprobation = 2m\ngrace = 3d\nhealth-timeout = 5\n"
		      "vex = no\nreport-hostname = no\nplain-http = yes\n"
		      "update = window\nwindow = daily 02:00-05:00\nwindow = Sat,Sun 00:00-24:00\n"
		      "delay = 2d\nsticky = 2024-02-29\n"),
		err);
	assert_string_equal(conf.portal, "https://portal.example:8443");
	assert_string_equal(conf.portal_ca, "/etc/suture/ca.pem");
	assert_string_equal(conf.repository, "http://127.0.0.1/repo");
	assert_string_equal(conf.proxy, "http://user:pw@proxy:3128");
	assert_string_equal(conf.console, "https://[::1]:9");
	assert_string_equal(conf.console_ca, "/c");
	assert_string_equal(conf.metrics, "/var/lib/prometheus/node-exporter/suture.prom");
	assert_int_equal(conf.heartbeat_s, 30);
	assert_int_equal(conf.check_s, 60);
	assert_int_equal(conf.probation_s, 120);
	assert_int_equal(conf.grace_s, 3 * 86400);
	assert_int_equal(conf.health_s, 5);
	assert_false(conf.vex);
	assert_false(conf.report_hostname);
	assert_true(conf.plain_http);
	assert_int_equal(conf.policy.update, AGENT_UPDATE_WINDOW);
	assert_int_equal(conf.policy.nwindows, 2);
	assert_int_equal(conf.policy.windows[1].days, 0x41);
	assert_int_equal(conf.policy.delay_s, 2 * 86400);
	assert_string_equal(conf.policy.sticky_date, "2024-02-29");
	assert_int_equal(conf.policy.sticky_level, 0);
	assert_ok(parse("proxy = none\nsticky = 12\n"), err);
	assert_string_equal(conf.proxy, "none");
	assert_int_equal(conf.policy.sticky_level, 12);
}

static void what_is_wrong_is_refused_with_its_line_and_advice(void **state _unused_)
{
	refused("\nportla = x\n", "agent.conf:2");
	refused("portla = x\n", "suture-agent.conf(5)");
	refused("portal = portal.example\n", "https://portal.example");
	refused("portal = ftp://x\n", "write an address");
	refused("portal = https://\n", "write an address");
	refused("portal = https:///x\n", "write an address");
	refused("portal =\n", "write an address");
	refused("portal = https://a b\n", "no spaces");
	refused("portal = https://a?x\n", "'?'");
	refused("portal = https://root:secret@a/\n", "leave out name and password");
	refused("portal = https://a\nportal = https://b\n", "set before");
	refused("portal-ca = ca.pem\n", "whole path");
	refused("proxy = yes\n", "none");
	refused("update = always\n", "auto, manual or window");
	refused("update = auto\nupdate = auto\n", "set before");
	refused("update = window\n", "there is no window");
	refused("stable.update = window\n", "stable.window");
	refused("window = 2-5\n", "Mon-Fri 22:00-04:00");
	refused("delay = -1\n", "no duration");
	refused("delay = 400d\n", "more than");
	refused("heartbeat = 1\n", "at least 10 seconds");
	refused("sticky = 0\n", "a level");
	refused("sticky = 2026-02-29\n", "a day");
	refused("sticky = 2026-1-1\n", "a day");
	refused("vex = maybe\n", "yes or no");
	refused(".update = auto\n", "1 to 63 bytes");
	refused("stable.portal = https://a\n", "no setting");
	refused("update\n", "key = value");
}

static void policies_of_a_feed_lie_over_the_plain_ones_whatever_comes_first(void **state _unused_)
{
	const struct agent_policy *p;

	assert_ok(
		parse("stable.update = window\nstable.window = daily 01:00-02:00\n"
		      "a.b.delay = 1h\n"
		      "window = Mon 03:00-04:00\nwindow = Tue 03:00-04:00\nsticky = 4\ndelay = 1d\n"
		      "test.sticky = none\n"),
		err);
	assert_int_equal(conf.nfeeds, 3);
	p = agent_conf_policy(&conf, "stable");
	assert_int_equal(p->update, AGENT_UPDATE_WINDOW);
	assert_int_equal(p->nwindows, 1);
	assert_int_equal(p->windows[0].from, 60);
	assert_int_equal(p->sticky_level, 4);
	assert_int_equal(p->delay_s, 86400);
	p = agent_conf_policy(&conf, "a.b");
	assert_int_equal(p->delay_s, 3600);
	assert_int_equal(p->nwindows, 2);
	assert_int_equal(p->update, AGENT_UPDATE_AUTO);
	assert_int_equal(agent_conf_policy(&conf, "test")->sticky_level, 0);
	assert_ptr_equal(agent_conf_policy(&conf, "other"), &conf.policy);
	assert_ptr_equal(agent_conf_policy(&conf, ""), &conf.policy);
}

static void more_feeds_or_windows_than_there_is_room_for_are_refused(void **state _unused_)
{
	char text[4096] = "";
	size_t n = 0;

	for (int i = 0; i < 17; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "f%d.update = auto\n", i);
	refused(text, "at most 16 feeds");
	n = 0;
	for (int i = 0; i < 17; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "window = Mon 01:00-02:00\n");
	refused(text, "16 windows");
}

static void windows_are_parsed_strictly(void **state _unused_)
{
	static const char *const bad[] = {
		"",
		"daily",
		"daily 1:00-2:00",
		"daily 01:00",
		"daily 01:00-02:00 ",
		"daily 01:60-02:00",
		"daily 24:00-02:00",
		"daily 01:00-24:01",
		"daily 01:00-01:00",
		"Mon- 01:00-02:00",
		"Mon, 01:00-02:00",
		",Mon 01:00-02:00",
		"Monday 01:00-02:00",
		"Mon-Tue-Wed 01:00-02:00",
		"Mon 01:00-02:0x",
	};
	struct agent_window w;

	for (size_t i = 0; i < SUT_ARRAY_SIZE(bad); i++) {
		err = (struct sut_err){0};
		if (agent_window_parse(bad[i], &w, &err) != -EBADMSG)
			fail_msg("'%s' was taken", bad[i]);
		assert_true(err.msg[0]);
	}
	assert_ok(agent_window_parse("fri-MON\t22:30-04:05", &w, &err), err);
	assert_int_equal(w.days, 0x63);
	assert_int_equal(w.from, 22 * 60 + 30);
	assert_int_equal(w.till, 4 * 60 + 5);
}

static int64_t at(int year, int month, int day, int hour, int minute)
{
	struct tm t = {.tm_year = year - 1900,
		       .tm_mon = month - 1,
		       .tm_mday = day,
		       .tm_hour = hour,
		       .tm_min = minute,
		       .tm_isdst = -1};

	return (int64_t)mktime(&t);
}

static bool open_at(const char *text, int64_t now, int64_t *opens)
{
	struct agent_window w;

	*opens = 0;
	assert_ok(agent_window_parse(text, &w, &err), err);
	return agent_window_open(&w, 1, now, opens);
}

static void a_window_is_open_from_its_first_minute_until_its_last_one_is_over(void **state _unused_)
{
	int64_t opens;

	/* 2026-11-21 is a Saturday. */
	assert_false(open_at("daily 02:00-05:00", at(2026, 11, 21, 2, 0) - 1, &opens));
	assert_int_equal(opens, at(2026, 11, 21, 2, 0));
	assert_true(open_at("daily 02:00-05:00", at(2026, 11, 21, 2, 0), &opens));
	assert_true(open_at("daily 02:00-05:00", at(2026, 11, 21, 5, 0) - 1, &opens));
	assert_false(open_at("daily 02:00-05:00", at(2026, 11, 21, 5, 0), &opens));
	assert_int_equal(opens, at(2026, 11, 22, 2, 0));
	/* It belongs to the day on which it begins: Friday's lasts into Saturday. */
	assert_true(open_at("Mon-Fri 22:00-04:00", at(2026, 11, 21, 3, 59), &opens));
	assert_false(open_at("Mon-Fri 22:00-04:00", at(2026, 11, 21, 4, 0), &opens));
	assert_int_equal(opens, at(2026, 11, 23, 22, 0));
	assert_false(open_at("Mon-Fri 22:00-04:00", at(2026, 11, 21, 23, 0), &opens));
	assert_false(open_at("Mon-Fri 22:00-04:00", at(2026, 11, 23, 3, 0), &opens));
	assert_true(open_at("Sat,Sun 00:00-24:00", at(2026, 11, 22, 23, 59), &opens));
	assert_false(open_at("Sat,Sun 00:00-24:00", at(2026, 11, 23, 0, 0), &opens));
	assert_int_equal(opens, at(2026, 11, 28, 0, 0));
	/* The same weekday, a week later. */
	assert_false(open_at("Sat 01:00-02:00", at(2026, 11, 21, 2, 0), &opens));
	assert_int_equal(opens, at(2026, 11, 28, 1, 0));
}

static void without_windows_none_ever_opens(void **state _unused_)
{
	int64_t opens = 0;

	assert_false(agent_window_open(NULL, 0, at(2026, 11, 21, 1, 0), &opens));
	assert_true(opens == INT64_MAX);
}

static void windows_follow_the_clock_on_the_wall_through_summer_time(void **state _unused_)
{
	int64_t opens;

	/* Berlin, 2026-03-29: 02:00 becomes 03:00. 2026-10-25: 03:00 becomes 02:00. */
	assert_false(open_at("daily 04:00-05:00", at(2026, 3, 28, 12, 0), &opens));
	assert_int_equal(opens - at(2026, 3, 28, 12, 0), 15 * 3600);
	assert_false(open_at("daily 04:00-05:00", at(2026, 10, 24, 12, 0), &opens));
	assert_int_equal(opens - at(2026, 10, 24, 12, 0), 17 * 3600);
}

static void a_file_that_is_not_there_is_all_defaults_and_a_bad_one_an_error(void **state _unused_)
{
	_cleanup_(sut_freep) char *root = NULL;
	struct agent_path dir, file;

	assert_ok(sut_tmpdir("conf", &root, &err), err);
	assert_ok(agent_conf_read(root, &conf, &err), err);
	assert_int_equal(conf.probation_s, 900);
	dir = agent_path(root, "/etc/suture");
	file = agent_path(root, AGENT_CONF);
	assert_ok(sut_mkdir_p(dir.s, &err), err);
	assert_ok(sut_file_write(file.s, "vex = no\n", 9, 0644, &err), err);
	assert_ok(agent_conf_read(root, &conf, &err), err);
	assert_false(conf.vex);
	assert_ok(sut_file_write(file.s, "vex no\n", 7, 0644, &err), err);
	assert_int_equal(agent_conf_read(root, &conf, &err), -EBADMSG);
	assert_ok(sut_rm_rf(root, &err), err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_file_is_all_defaults),
		cmocka_unit_test(processes_are_excluded_in_four_ways),
		cmocka_unit_test(every_setting_is_taken),
		cmocka_unit_test(what_is_wrong_is_refused_with_its_line_and_advice),
		cmocka_unit_test(policies_of_a_feed_lie_over_the_plain_ones_whatever_comes_first),
		cmocka_unit_test(more_feeds_or_windows_than_there_is_room_for_are_refused),
		cmocka_unit_test(windows_are_parsed_strictly),
		cmocka_unit_test(a_window_is_open_from_its_first_minute_until_its_last_one_is_over),
		cmocka_unit_test(without_windows_none_ever_opens),
		cmocka_unit_test(windows_follow_the_clock_on_the_wall_through_summer_time),
		cmocka_unit_test(a_file_that_is_not_there_is_all_defaults_and_a_bad_one_an_error),
	};

	/* In words, so that no file of time zones is needed. */
	setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
