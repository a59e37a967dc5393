// SPDX-License-Identifier: Apache-2.0
/* What suture doctor says of patches of libraries: agent/suture/doctor.h. */
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "doctor.h"

/* A machine where all is well. */
static const struct doctor_facts well = {.free_bytes = -1,
					 .keys = 1,
					 .root_json = true,
					 .identity_mode = -1,
					 .process = true,
					 .process_enabled = true,
					 .ptrace_scope = 1,
					 .fanotify = 0};

static json_t *checks(const char *apply, const char *network, const struct doctor_facts *f)
{
	struct halves h = {.apply = json_loads(apply, 0, NULL),
			   .network = json_loads(network, 0, NULL),
			   .live = true};
	json_t *ret;

	assert_non_null(h.apply);
	assert_non_null(h.network);
	ret = doctor_checks(&h, f, 1795378500);
	assert_non_null(ret);
	halves_release(&h);
	return ret;
}

/* The check of that name; NULL. */
static const json_t *find(const json_t *list, const char *name)
{
	const json_t *c;
	size_t i;

	json_array_foreach(list, i, c) {
		if (sut_streq(json_string_value(json_object_get(c, "name")), name))
			return c;
	}
	return NULL;
}

static void expect(const json_t *list, const char *name, bool ok, const char *text,
		   const char *advice)
{
	const json_t *c = find(list, name);
	const char *is, *helps;

	if (!c)
		fail_msg("there is no check '%s'", name);
	is = json_string_value(json_object_get(c, "text"));
	helps = json_string_value(json_object_get(c, "advice"));
	if (json_is_true(json_object_get(c, "ok")) != ok || !strstr(is, text) ||
	    !strstr(helps, advice) || (ok && *helps))
		fail_msg("%s: '%s', '%s'", name, is, helps);
}

#define RUNNING "\"daemon\": {\"state\": \"running\", \"text\": \"\", \"watch\": \"on\"}"
#define LIBRARY(more)                                                                              \
	"\"libraries\": [{\"build_id\": \"0f\", \"name\": \"libcrypto.so.3\", \"id\": \"U1\", "    \
	"\"level\": 2, " more "}]"

static void all_that_works_is_ok(void **state _unused_)
{
	json_t *j = checks(
		"{" RUNNING ", " LIBRARY("\"processes\": 3, \"patched\": 2, \"reasons\": "
					 "{\"excluded\": 1}") "}",
		"{\"libraries\": [{\"available\": {\"id\": \"U1\"}}, {\"available\": null}]}",
		&well);

	expect(j, "suture-process", true, "running", "");
	expect(j, "suture-process.service", true, "is enabled", "");
	expect(j, "ptrace", true, "1", "");
	expect(j, "fanotify", true, "new processes are seen", "");
	expect(j, "patchsets", true, "in use: 1", "");
	/* who is excluded is not patched on purpose */
	expect(j, "libcrypto.so.3", true, "U1 (level 2) runs in 2 of 3 processes (1 excluded)", "");
	json_decref(j);
}

static void processes_that_are_not_patched_are_counted(void **state _unused_)
{
	json_t *j =
		checks("{" RUNNING ", " LIBRARY("\"processes\": 5, \"patched\": 2, "
						"\"reasons\": {\"busy\": 1, \"traced\": 2}") "}",
		       "{}", &well);

	expect(j, "libcrypto.so.3", false, "2 of 5 processes (1 busy, 2 traced)",
	       "suture lib explain");
	json_decref(j);
	j = checks("{" RUNNING
		   ", " LIBRARY("\"processes\": 5, \"patched\": 0, \"unloaded\": true") "}",
		   "{}", &well);
	expect(j, "libcrypto.so.3", true, "on purpose", "");
	json_decref(j);
}

static void what_the_daemon_lacks_is_named(void **state _unused_)
{
	struct doctor_facts f = well;
	json_t *j;

	f.process_enabled = false;
	f.ptrace_scope = 3;
	j = checks(
		"{\"daemon\": {\"state\": \"running\", \"text\": \"fanotify_init: no\", \"watch\": "
		"\"failed\"}, \"libraries\": []}",
		"{}", &f);
	expect(j, "suture-process.service", false, "boot", "systemctl enable suture-process");
	expect(j, "ptrace", false, "3", "kernel.yama.ptrace_scope");
	expect(j, "fanotify", false, "fanotify_init: no", "late");
	json_decref(j);
	j = checks(
		"{\"daemon\": {\"state\": \"failed\", \"text\": \"it does not answer\", \"watch\": "
		"\"off\"}, \"libraries\": []}",
		"{}", &well);
	expect(j, "suture-process", false, "failed: it does not answer", "systemctl start");
	json_decref(j);
	/* nothing is to run: the kernel is asked instead */
	f = well;
	f.fanotify = ENOSYS;
	j = checks("{\"daemon\": {\"state\": \"off\", \"text\": \"nothing is to run\", \"watch\": "
		   "\"off\"}, \"libraries\": []}",
		   "{}", &f);
	expect(j, "suture-process", true, "off: nothing is to run", "");
	expect(j, "fanotify", false, strerror(ENOSYS), "late");
	json_decref(j);
}

static void without_the_package_only_what_is_wanted_is_missed(void **state _unused_)
{
	struct doctor_facts f = well;
	json_t *j;

	f.process = false;
	j = checks("{\"libraries\": []}", "{}", &f);
	expect(j, "suture-process", true, "is not installed", "");
	assert_null(find(j, "suture-process.service"));
	assert_null(find(j, "fanotify"));
	json_decref(j);
	j = checks("{" LIBRARY("\"processes\": 1, \"patched\": 1") "}", "{}", &f);
	expect(j, "suture-process", false, "is not installed", "install the package");
	json_decref(j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_that_works_is_ok),
		cmocka_unit_test(processes_that_are_not_patched_are_counted),
		cmocka_unit_test(what_the_daemon_lacks_is_named),
		cmocka_unit_test(without_the_package_only_what_is_wanted_is_missed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
