// SPDX-License-Identifier: Apache-2.0
/* Health checks: which are run, how they end, what is told about them. */
#include "unit.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "common/paths.h"
#include "suture-apply/health.h"

static int set_up(void **state)
{
	return sut_tmpdir("health", (char **)state, NULL);
}

static int tear_down(void **state)
{
	int r = sut_rm_rf(*state, NULL);

	free(*state);
	return r;
}

static void script(const char *root, const char *name, mode_t mode, const char *body)
{
	struct agent_path folder = agent_path(root, AGENT_HEALTH);
	_cleanup_(sut_freep) char *path = sut_sprintf("%s/%s", folder.s, name);
	_cleanup_(sut_freep) char *text = sut_sprintf("#!/bin/sh\n%s\n", body);
	struct sut_err err = {0};

	assert_ok(sut_mkdir_p(folder.s, &err), err);
	assert_ok(sut_file_write(path, text, strlen(text), mode, &err), err);
	assert_int_equal(chmod(path, mode), 0);
}

static json_t *run(const char *root, int64_t timeout_s)
{
	struct sut_err err = {0};
	json_t *j = NULL;

	assert_ok(health_run(root, 1795000000, timeout_s, &j, &err), err);
	return j;
}

static const json_t *check(const json_t *j, size_t i)
{
	return json_array_get(json_object_get(j, "checks"), i);
}

static void must_be(const json_t *j, size_t i, const char *name, const char *outcome,
		    const char *output)
{
	const json_t *c = check(j, i);

	assert_string_equal(json_string_value(json_object_get(c, "name")), name);
	assert_string_equal(json_string_value(json_object_get(c, "outcome")), outcome);
	assert_string_equal(json_string_value(json_object_get(c, "output")), output);
	assert_int_equal(json_is_true(json_object_get(c, "ok")), sut_streq(outcome, "exit 0"));
}

static struct health told(const json_t *j)
{
	_cleanup_(sut_freep) char *text = json_dumps(j, 0);
	struct sut_err err = {0};
	struct health h;

	assert_ok(health_parse(text, strlen(text), &h, &err), err);
	assert_int_equal(h.ok, json_is_true(json_object_get(j, "ok")));
	return h;
}

static void without_checks_all_is_well(void **state)
{
	json_t *j = run(*state, 5);

	assert_true(json_is_true(json_object_get(j, "ok")));
	assert_int_equal(json_array_size(json_object_get(j, "checks")), 0);
	assert_int_equal(health_count(*state, NULL), 0);
	json_decref(j);
}

static void they_run_in_order_and_all_of_them(void **state)
{
	struct health h;
	json_t *j;

	script(*state, "20-b", 0755, "echo two; exit 3");
	script(*state, "10-a", 0755, "echo one >&2");
	script(*state, "30-c", 0755, "kill -9 $$");
	script(*state, "README", 0644, "exit 1");
	script(*state, "40-d~", 0755, "exit 1");
	script(*state, ".hidden", 0755, "exit 1");
	script(*state, "50-e.dpkg-old", 0755, "exit 1");
	assert_int_equal(health_count(*state, NULL), 3);
	j = run(*state, 5);
	assert_int_equal(json_array_size(json_object_get(j, "checks")), 3);
	must_be(j, 0, "10-a", "exit 0", "one\n");
	must_be(j, 1, "20-b", "exit 3", "two\n");
	must_be(j, 2, "30-c", "signal 9", "");
	h = told(j);
	assert_int_equal(h.run, 3);
	assert_string_equal(h.failed, "20-b: exit 3: two");
	json_decref(j);
}

static void one_that_hangs_is_ended_with_its_children(void **state)
{
	_cleanup_(sut_freep) char *file = sut_sprintf("%s/pid", (char *)*state);
	_cleanup_(sut_freep) char *body = sut_sprintf(
		"sleep 600 & echo $! >%s; trap '' TERM; echo waiting; wait; sleep 600", file);
	_cleanup_buf_ struct sut_buf pid = SUT_BUF_INIT(32);
	struct sut_err err = {0};
	struct health h;
	json_t *j;

	script(*state, "10-a", 0755, body);
	j = run(*state, 1);
	must_be(j, 0, "10-a", "timeout", "waiting\n");
	h = told(j);
	assert_string_equal(h.failed, "10-a: timeout: waiting");
	assert_ok(sut_file_read(file, &pid, &err), err);
	/* It is somebody else's to reap, and dies at once. */
	for (int i = 0; i < 100 && kill((pid_t)strtol(sut_buf_str(&pid), NULL, 10), 0) == 0; i++) {
		char path[64], line[64] = "";
		FILE *f;

		snprintf(path, sizeof(path), "/proc/%ld/stat", strtol(sut_buf_str(&pid), NULL, 10));
		f = fopen(path, "r");
		if (!f || !fgets(line, sizeof(line), f) || strstr(line, ") Z")) {
			if (f)
				fclose(f);
			break;
		}
		fclose(f);
		assert_in_range(i, 0, 98);
		nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
	}
	json_decref(j);
}

static void what_one_leaves_behind_is_not_waited_for(void **state)
{
	time_t begin = time(NULL);
	json_t *j;

	script(*state, "10-a", 0755, "sleep 30 & echo started");
	j = run(*state, 20);
	must_be(j, 0, "10-a", "exit 0", "started\n");
	assert_in_range(time(NULL) - begin, 0, 10);
	json_decref(j);
}

static void output_is_kept_in_bounds(void **state)
{
	const char *output;
	json_t *j;

	script(*state, "10-a", 0755,
	       "i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); done; printf '\\033[1mend\\377\\0x'; exit 1");
	j = run(*state, 20);
	output = json_string_value(json_object_get(check(j, 0), "output"));
	assert_int_equal(strlen(output), HEALTH_OUTPUT_MAX);
	assert_non_null(strstr(output, "line 2999\n?[1mend??x"));
	json_decref(j);
}

static void they_get_a_clean_environment(void **state)
{
	json_t *j;

	script(*state, "10-a", 0755, "pwd; echo $SECRET; read x; echo $x; ls /proc/$$/fd");
	setenv("SECRET", "leaked", 1);
	j = run(*state, 5);
	unsetenv("SECRET");
	/* 10: dash keeps the script open there. */
	must_be(j, 0, "10-a", "exit 0", "/\n\n\n0\n1\n10\n2\n");
	json_decref(j);
}

static void what_others_may_write_is_refused(void **state)
{
	struct agent_path folder = agent_path(*state, AGENT_HEALTH);
	_cleanup_(sut_freep) char *link = sut_sprintf("%s/30-link", folder.s);
	struct health h;
	json_t *j;

	script(*state, "10-group", 0775, "exit 1");
	script(*state, "20-good", 0755, "true");
	script(*state, "40-world", 0757, "exit 1");
	assert_int_equal(symlink("20-good", link), 0);
	j = run(*state, 5);
	must_be(j, 0, "10-group", "refused", "");
	must_be(j, 1, "20-good", "exit 0", "");
	must_be(j, 2, "30-link", "refused", "");
	must_be(j, 3, "40-world", "refused", "");
	h = told(j);
	assert_true(h.ok); /* the patch is not to blame */
	assert_int_equal(h.refused, 3);
	assert_string_equal(h.not_run, "10-group, 30-link, 40-world");
	json_decref(j);
	assert_int_equal(chmod(folder.s, 0777), 0);
	j = run(*state, 5);
	must_be(j, 1, "20-good", "refused", "");
	json_decref(j);
}

static void one_of_somebody_else_is_refused(void **state)
{
	struct agent_path folder = agent_path(*state, AGENT_HEALTH);
	_cleanup_(sut_freep) char *path = sut_sprintf("%s/10-a", folder.s);
	json_t *j;

	if (geteuid() != 0)
		skip();
	script(*state, "10-a", 0755, "true");
	assert_int_equal(chown(path, 1000, 0), 0);
	j = run(*state, 5);
	must_be(j, 0, "10-a", "refused", "");
	json_decref(j);
}

static void one_that_cannot_be_started_fails(void **state)
{
	struct agent_path folder = agent_path(*state, AGENT_HEALTH);
	_cleanup_(sut_freep) char *path = sut_sprintf("%s/10-a", folder.s);
	struct sut_err err = {0};
	json_t *j;

	script(*state, "10-a", 0755, "");
	assert_ok(sut_file_write(path, "#!/no/such/shell\n", 17, 0755, &err), err);
	assert_int_equal(chmod(path, 0755), 0);
	j = run(*state, 5);
	must_be(j, 0, "10-a", "exit 127", "cannot run it: No such file or directory\n");
	json_decref(j);
}

static void damaged_results_are_refused(void **state)
{
	static const char *const bad[] = {
		"", "{}", "{\"format\": \"suture-health\", \"version\": 1}",
		"{\"format\": \"suture-health\", \"checks\": [{}]}",
		"{\"format\": \"suture-health\", \"checks\": [{\"name\": \"a\", \"ok\": 1, \"outcome\": \"exit 0\", \"output\": \"\"}]}"};
	struct sut_err err = {0};
	struct health h;

	(void)state;
	for (size_t i = 0; i < SUT_ARRAY_SIZE(bad); i++)
		assert_int_equal(health_parse(bad[i], strlen(bad[i]), &h, &err), -EBADMSG);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(without_checks_all_is_well),
		TEST(they_run_in_order_and_all_of_them),
		TEST(one_that_hangs_is_ended_with_its_children),
		TEST(what_one_leaves_behind_is_not_waited_for),
		TEST(output_is_kept_in_bounds),
		TEST(they_get_a_clean_environment),
		TEST(what_others_may_write_is_refused),
		TEST(one_of_somebody_else_is_refused),
		TEST(one_that_cannot_be_started_fails),
		TEST(damaged_results_are_refused),
	};

	return cmocka_run_group_tests_name("agent_health", tests, NULL, NULL);
}
