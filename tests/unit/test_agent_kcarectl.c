// SPDX-License-Identifier: Apache-2.0
/*
 * What comes from KernelCare: options, lines and exit statuses of kcarectl and kcare-uname beside those that its
 * documentation and its users show, word by word; and the commands of suture that tell what runs. sutured and suture-apply
 * are played by sample_agent.
 */
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "cmd.h"
#include "common/history.h"
#include "common/paths.h"
#include "crypto/sha256.h"
#include "documents.h"
#include "kcarectl.h"
#include "sample_agent.h"
#include "sample_patch.h"

#define BANNER                                                                                     \
	"Linux version 6.1.0-47-amd64 (debian-kernel@lists.debian.org) (gcc-12 (Debian "           \
	"12.2.0-14+deb12u1) 12.2.0) #1 SMP PREEMPT_DYNAMIC Debian 6.1.170-3 (2026-11-01)"

static struct sample_said said;
static json_t *schemas;
static char sha256[SUT_SHA256_HEX];

static void put(const char *path, const void *data, size_t len)
{
	struct sut_err err = {0};
	struct agent_path p = agent_path(sample_agent_root(), path);

	assert_ok(sut_file_write(p.s, data, len, 0644, &err), err);
}

static void text(const char *path, const char *s)
{
	put(path, s, strlen(s));
}

static void keep_patch(void)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(1 << 20);
	char path[256];

	sample_patch(&b);
	sut_sha256_hex(b.data, b.len, sha256);
	snprintf(path, sizeof(path), AGENT_KERNELS "/" SAMPLE_BUILD_ID "/%s.kpatch.bin", sha256);
	put(path, b.data, b.len);
}

static int setup(void **state _unused_)
{
	static const char *const dirs[] = {"/proc", "/var/lib/dpkg", "/etc/sysconfig/kcare",
					   AGENT_KERNELS "/" SAMPLE_BUILD_ID};
	struct sut_err err = {0};

	sample_agent_start();
	for (size_t i = 0; i < SUT_ARRAY_SIZE(dirs); i++)
		assert_ok(sut_mkdir_p(agent_path(sample_agent_root(), dirs[i]).s, &err), err);
	text("/proc/version", BANNER "\n");
	text("/etc/os-release", "ID=debian\nVERSION_ID=\"12\"\n");
	text("/etc/hostname", "web1\n");
	text("/var/lib/dpkg/status", "Package: linux-image-6.1.0-47-amd64\n"
				     "Status: install ok installed\nArchitecture: amd64\n"
				     "Version: 6.1.170-3\n");
	keep_patch();
	return 0;
}

static int teardown(void **state _unused_)
{
	sample_agent_stop();
	return 0;
}

/* What suture-apply says: level 0 is nothing applied. */
static void applied(int level, const char *support, const char *signed_by)
{
	char patch[1024] = "null", all[4096];

	if (level)
		snprintf(patch, sizeof(patch),
			 "{\"id\": \"K20261121_01\", \"level\": %d, \"cves\": [\"CVE-2026-1234\", "
			 "\"CVE-2026-52928\"], \"sha256\": \"%s\", \"applied_at\": "
			 "\"2026-11-22T20:15:00Z\", \"pause_ns\": 812345, \"functions\": "
			 "[\"unix_ioctl\"], \"ours\": true, \"signed_by\": \"%s\"}",
			 level, sha256, signed_by);
	snprintf(all, sizeof(all),
		 "{\"ok\": true, \"format\": \"suture-apply-state\", \"version\": 1, \"at\": "
		 "\"2026-11-22T20:15:00Z\", \"kernel\": {\"release\": \"6.1.0-47-amd64\", "
		 "\"arch\": \"x86_64\", \"build_id\": \"" SAMPLE_BUILD_ID "\", \"kernel_id\": "
		 "\"0a4d55a8d778e5022fab701977c5d840bbc486d0\", \"package_version\": "
		 "\"6.1.170-3\"}, \"boot_id\": \"5d1f6a3e-7c1b-4c8e-9a57-0d9d5f1a2b3c\", "
		 "\"product_uuid\": \"4c4c4544-0042\", \"uptime_s\": 812, \"switch\": {\"state\": "
		 "\"normal\", \"by\": \"\"}, \"support\": {\"state\": \"%s\", \"message\": \"\"}, "
		 "\"engine\": {\"state\": \"loaded\", \"version\": \"0.1.0\", \"abi\": 1, "
		 "\"message\": \"\"}, \"patch\": %s, \"phase\": \"idle\", \"probation\": null, "
		 "\"good\": null, \"unloaded\": false, \"quarantined\": [], \"choice\": "
		 "{\"mode\": \"normal\", \"pin\": null, \"hold\": null, \"tags\": []}, "
		 "\"residue\": false, \"errors\": []}",
		 support, patch);
	sample_agent_answer(SAMPLE_APPLY, "status", all);
}

#define NETWORK(registered, state, more)                                                           \
	"{\"ok\": true, \"format\": \"suture-agent-state\", \"version\": 1, \"agent\": "           \
	"\"0.1.0\", \"registered\": " registered ", \"system_id\": \"7f3k9m2q4r8s1t5v\", "         \
	"\"portal\": \"https://portal.example\", \"feed\": \"stable\", \"state\": \"" state        \
	"\", \"why\": {\"code\": \"window\", \"text\": \"it waits for a window\", \"advice\": "    \
	"\"\"}" more "}"
#define LEVEL4                                                                                     \
	", \"available\": {\"id\": \"K20261122_01\", \"level\": 4, \"cves\": [\"CVE-2026-1234\", " \
	"\"CVE-2026-2000\"], \"sha256\": \"aa\"}, \"held\": [{\"patchset\": \"K20261123_01\", "    \
	"\"level\": 5, \"reason\": \"delay\", \"until\": \"2026-11-24T09:00:00Z\", \"cves\": "     \
	"[\"CVE-2026-3000\"]}]"

static void current(void)
{
	sample_agent_answer(SAMPLE_NETWORK, "status", NETWORK("true", "current", ""));
}

static void newer(void)
{
	sample_agent_answer(SAMPLE_NETWORK, "status", NETWORK("true", "pending", LEVEL4));
}

static void run(int (*cmd)(int, char **), const char *words, int exit)
{
	sample_agent_run(cmd, words, NULL, &said);
	if (said.exit != exit)
		fail_msg("%s ends with %d, not %d: %s%s", words, said.exit, exit, said.out,
			 said.err);
}

static void assert_out(const char *words, int exit, const char *out)
{
	run(kcarectl, words, exit);
	assert_string_equal(said.out, out);
}

static void assert_has(const char *where, const char *what)
{
	if (!strstr(where, what))
		fail_msg("\"%s\" does not say \"%s\"", where, what);
}

/* --- what runs --- */

/*
 * A user, 2021:
 *   kpatch-state: patch is applied
 *   kpatch-for: Linux version 5.4.0-1028-raspi (buildd@bos02-arm64-034) (gcc …) #31-Ubuntu SMP PREEMPT …
 *   kpatch-build-time: Thu Feb 11 23:02:52 2021
 *   kpatch-description: 1-:1615812815;5.4.0-1028.31
 */
static void info_has_the_four_lines(void **state _unused_)
{
	applied(3, "supported", "vendor");
	current();
	assert_out("kcarectl --info", 0,
		   "kpatch-state: patch is applied\n"
		   "kpatch-for: " BANNER "\n"
		   "kpatch-build-time: Sat Nov 21 20:15:00 2026\n"
		   "kpatch-description: 3-:1795292100;6.1.170-3+suture3\n");
	assert_out("kcarectl -i", 0, said.out);
	applied(0, "supported", "");
	assert_out("kcarectl --info", 0, "kpatch-state: no patch is applied\n");
}

/* The documentation's example has these lines in this order, an empty one before each patch. */
static void patch_info_has_a_head_and_seven_lines_for_each_patch(void **state _unused_)
{
	applied(3, "supported", "vendor");
	assert_out("kcarectl --patch-info", 0,
		   "OS: debian12\n"
		   "kernel: linux-image-6.1.0-47-amd64\n"
		   "time: 2026-11-21 20:15:00\n"
		   "uname: 6.1.170-3+suture3\n"
		   "\n"
		   "kpatch-name: K20261121_01/CVE-2026-1234\n"
		   "kpatch-description: fix of CVE-2026-1234\n"
		   "kpatch-kernel: N/A\n"
		   "kpatch-cve: CVE-2026-1234\n"
		   "kpatch-cvss: N/A\n"
		   "kpatch-cve-url: https://security-tracker.debian.org/tracker/CVE-2026-1234\n"
		   "kpatch-patch-url: N/A\n"
		   "\n"
		   "kpatch-name: K20261121_01/CVE-2026-52928\n"
		   "kpatch-description: fix of CVE-2026-52928\n"
		   "kpatch-kernel: N/A\n"
		   "kpatch-cve: CVE-2026-52928\n"
		   "kpatch-cvss: N/A\n"
		   "kpatch-cve-url: https://security-tracker.debian.org/tracker/CVE-2026-52928\n"
		   "kpatch-patch-url: N/A\n");
}

static void status_tells_by_its_exit_alone(void **state _unused_)
{
	applied(3, "supported", "vendor");
	current();
	assert_out("kcarectl --status", 0, "");
	newer();
	assert_out("kcarectl --status", 2, "");
	applied(0, "supported", "");
	assert_out("kcarectl --status", 1, "");
	applied(0, "container", "");
	assert_out("kcarectl --status", 3, "");
}

/* Inverted against --status, as documented: 0 means that there is something. */
static void check_ends_with_0_when_there_is_something_new(void **state _unused_)
{
	applied(3, "supported", "vendor");
	newer();
	sample_agent_answer(SAMPLE_NETWORK, "check", NETWORK("true", "pending", LEVEL4));
	assert_out("kcarectl --check", 0, "");
	assert_non_null(sample_agent_asked(SAMPLE_NETWORK, "check"));
	current();
	sample_agent_answer(SAMPLE_NETWORK, "check", NETWORK("true", "current", ""));
	assert_out("kcarectl --check", 1, "");
}

static void uname_is_the_version_in_effect(void **state _unused_)
{
	struct utsname u;
	char line[512];

	assert_int_equal(uname(&u), 0);
	applied(3, "supported", "vendor");
	assert_out("kcarectl --uname", 0, "6.1.170-3+suture3\n");
	run(kcare_uname, "kcare-uname -r", 0);
	assert_string_equal(said.out, "6.1.170-3+suture3\n");
	run(kcare_uname, "kcare-uname", 0);
	assert_string_equal(said.out, "Linux\n");
	run(kcare_uname, "kcare-uname -a", 0);
	snprintf(line, sizeof(line), "Linux %s 6.1.170-3+suture3 %s %s GNU/Linux\n", u.nodename,
		 u.version, u.machine);
	assert_string_equal(said.out, line);
	run(kcare_uname, "kcare-uname -p", 0);
	assert_string_equal(said.out, "unknown\n");
	run(kcare_uname, "kcare-uname --machine --kernel-name", 0);
	snprintf(line, sizeof(line), "Linux %s\n", u.machine);
	assert_string_equal(said.out, line);
	run(kcare_uname, "kcare-uname -x", 64);
	/* scripts compare it with uname -r to see whether anything is applied */
	applied(0, "supported", "");
	snprintf(line, sizeof(line), "%s\n", u.release);
	assert_out("kcarectl --uname", 0, line);
}

/* --- changing it --- */

#define APPLIED                                                                                    \
	"{\"ok\": true, \"result\": {\"format\": \"suture-result\", \"version\": 1, \"command\": " \
	"\"apply\", \"outcome\": \"applied\", \"exit\": 0, \"error\": null}}"

/*
 * Shown in the documentation:
 *   Downloading updates
 *   Patch level 11 applied. Effective kernel version 5.8.0-63.7120.04.1
 *   Kernel is safe
 */
static void update_says_what_it_did(void **state _unused_)
{
	applied(3, "supported", "vendor");
	current();
	sample_agent_answer(
		SAMPLE_NETWORK, "update",
		"{\"progress\": {\"step\": \"download\", \"state\": \"begin\", \"text\": "
		"\"\", \"done\": 0, \"total\": 1, \"at\": \"2026-11-22T20:15:00Z\"}}\n"
		"{\"progress\": {\"step\": \"download\", \"state\": \"end\", \"text\": "
		"\"\", \"done\": 1, \"total\": 1, \"at\": \"2026-11-22T20:15:00Z\"}}\n" APPLIED);
	assert_out("kcarectl --update", 0,
		   "Downloading updates\n"
		   "Patch level 3 applied. Effective kernel version 6.1.170-3+suture3\n"
		   "Kernel is safe\n");
	sample_agent_answer(SAMPLE_NETWORK, "update", APPLIED);
	assert_out("kcarectl --smart-update", 0,
		   "Updates already downloaded\n"
		   "Patch level 3 applied. Effective kernel version 6.1.170-3+suture3\n"
		   "Kernel is safe\n");
	sample_agent_answer(SAMPLE_NETWORK, "update", "{\"ok\": true}");
	assert_out("kcarectl -u", 0, "Kernel is safe\n");
	/* the entry of its cron file */
	assert_out("kcarectl -q --auto-update", 0, "");
	assert_null(json_object_get(sample_agent_asked(SAMPLE_NETWORK, "update"), "force"));
}

static void an_update_that_failed_is_never_called_safe(void **state _unused_)
{
	applied(3, "supported", "vendor");
	current();
	sample_agent_answer(SAMPLE_NETWORK, "update",
			    "{\"ok\": false, \"error\": {\"reason\": \"conflict\", \"message\": "
			    "\"a kprobe is in the way. Remove it\", \"errno\": 16}}");
	run(kcarectl, "kcarectl --update", 1);
	assert_string_equal(said.out, "");
	assert_has(said.err, "a kprobe is in the way");
	sample_agent_answer(SAMPLE_NETWORK, "update", "{\"ok\": true}");
	newer();
	run(kcarectl, "kcarectl --update", 0);
	assert_string_equal(said.out, "");
	assert_has(said.err, "it waits for a window");
	applied(0, "container", "");
	run(kcarectl, "kcarectl --update", 3);
}

static void auto_update_does_nothing_where_updates_are_manual(void **state _unused_)
{
	applied(0, "supported", "");
	newer();
	text("/etc/suture/agent.conf", "update = manual\n");
	assert_out("kcarectl --auto-update", 0, "");
	assert_null(sample_agent_asked(SAMPLE_NETWORK, "update"));
}

static void unload_warns(void **state _unused_)
{
	sample_agent_answer(SAMPLE_APPLY, "unload", "{\"ok\": true, \"result\": {\"exit\": 0}}");
	assert_out("kcarectl --unload", 0,
		   "KernelCare protection disabled. Your kernel might not be safe\n");
	sample_agent_answer(SAMPLE_APPLY, "unload",
			    "{\"ok\": true, \"result\": {\"exit\": 2, \"error\": {\"reason\": "
			    "\"busy\", \"message\": \"tasks are busy\"}}}");
	run(kcarectl, "kcarectl --unload", 1);
	assert_string_equal(said.out, "");
}

/* --- who we are --- */

static void register_makes_the_file_that_others_read(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(4096);
	struct agent_path file = agent_path(sample_agent_root(), "/etc/sysconfig/kcare/systemid");
	struct stat st;
	const json_t *asked;

	run(kcarectl, "kcarectl --register sutkey_abcdefgh12345678", 1);
	assert_has(said.err, "portal = URL");
	text("/etc/suture/agent.conf", "portal = https://portal.example\n");
	sample_agent_answer(SAMPLE_NETWORK, "register",
			    "{\"ok\": true, \"system_id\": \"7f3k9m2q4r8s1t5v\", \"feed\": \"s\"}");
	assert_out("kcarectl --register sutkey_abcdefgh12345678", 0, "Server Registered\n");
	asked = sample_agent_asked(SAMPLE_NETWORK, "register");
	assert_string_equal(json_string_value(json_object_get(asked, "key")),
			    "sutkey_abcdefgh12345678");
	assert_string_equal(json_string_value(json_object_get(asked, "portal")),
			    "https://portal.example");
	assert_int_equal(sut_file_read(file.s, &b, NULL), 0);
	assert_string_equal(sut_buf_str(&b), "server_id=7f3k9m2q4r8s1t5v\n");
	assert_int_equal(stat(file.s, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	sample_agent_answer(SAMPLE_NETWORK, "unregister", "{\"ok\": true}");
	assert_out("kcarectl --unregister", 0, "Server Unregistered\n");
	assert_false(sut_exists(file.s));
	sample_agent_answer(SAMPLE_NETWORK, "register",
			    "{\"ok\": false, \"error\": {\"reason\": \"key-limit\", \"message\": "
			    "\"the key is full\", \"errno\": 13}}");
	run(kcarectl, "kcarectl --register=sutkey_abcdefgh12345678", 1);
	assert_has(said.err, "Key limit reached\n");
	assert_false(sut_exists(file.s));
}

static void the_key_does_not_stay_in_the_list_of_processes(void **state _unused_)
{
	char name[] = "kcarectl", option[] = "--register", key[] = "sutkey_abcdefgh12345678",
	     none[sizeof(key)] = {0};
	char *argv[] = {name, option, key, NULL};
	int out, null, exit;

	text("/etc/suture/agent.conf", "portal = https://portal.example\n");
	sample_agent_answer(SAMPLE_NETWORK, "register", "{\"ok\": true, \"system_id\": \"x\"}");
	fflush(stdout);
	out = dup(STDOUT_FILENO);
	null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	assert_true(out >= 0 && null >= 0 && dup2(null, STDOUT_FILENO) >= 0);
	exit = kcarectl(3, argv);
	assert_true(dup2(out, STDOUT_FILENO) >= 0);
	close(out);
	close(null);
	assert_int_equal(exit, 0);
	assert_memory_equal(key, none, sizeof(key));
}

static void license_info_tells_whether_it_is_registered(void **state _unused_)
{
	current();
	run(kcarectl, "kcarectl --license-info", 0);
	assert_has(said.out, "7f3k9m2q4r8s1t5v");
	sample_agent_answer(SAMPLE_NETWORK, "status", NETWORK("false", "not-registered", ""));
	run(kcarectl, "kcarectl --license-info", 1);
}

/* --- choices --- */

static void dates_are_read_as_documented(void **state _unused_)
{
	char day[sizeof("2018-05-25")];

	assert_true(kcare_date("250518", day));
	assert_string_equal(day, "2018-05-25");
	assert_true(kcare_date("25052018", day));
	assert_string_equal(day, "2018-05-25");
	assert_true(kcare_date("2018-05-25", day));
	assert_string_equal(day, "2018-05-25");
	assert_false(kcare_date("310218", day));
	assert_false(kcare_date("2018-05-25x", day));
	assert_false(kcare_date("", day));
	assert_false(kcare_date("KEY", day));
}

static void stickiness_is_a_pin(void **state _unused_)
{
	char answer[] =
		"{\"ok\": true, \"format\": \"suture-apply-state\", \"choice\": {\"mode\": \"normal\", \"pin\": {\"date\": "
		"\"2018-05-25\"}, \"hold\": null, \"tags\": []}}";

	sample_agent_answer(SAMPLE_APPLY, "choose", answer);
	run(kcarectl, "kcarectl --set-sticky-patch 250518", 0);
	assert_string_equal(
		json_string_value(json_object_get(
			json_object_get(sample_agent_asked(SAMPLE_APPLY, "choose"), "pin"),
			"date")),
		"2018-05-25");
	run(kcarectl, "kcarectl --set-sticky-patch=", 0);
	assert_true(
		json_is_null(json_object_get(sample_agent_asked(SAMPLE_APPLY, "choose"), "pin")));
	run(kcarectl, "kcarectl --set-sticky-patch KEY", 1);
	run(kcarectl, "kcarectl --set-sticky-patch soon", 64);
}

static void tags_are_separated_by_semicolons(void **state _unused_)
{
	const json_t *tags;

	sample_agent_answer(
		SAMPLE_APPLY, "choose",
		"{\"ok\": true, \"format\": \"suture-apply-state\", \"choice\": {\"mode\": \"normal\", \"pin\": null, "
		"\"hold\": null, \"tags\": [\"a:b\", \"c\"]}}");
	run(kcarectl, "kcarectl --tag a:b;c", 0);
	tags = json_object_get(sample_agent_asked(SAMPLE_APPLY, "choose"), "tags");
	assert_int_equal(json_array_size(tags), 2);
	assert_string_equal(json_string_value(json_array_get(tags, 0)), "a:b");
	assert_string_equal(json_string_value(json_array_get(tags, 1)), "c");
	run(kcarectl, "kcarectl --tag=", 0);
	tags = json_object_get(sample_agent_asked(SAMPLE_APPLY, "choose"), "tags");
	assert_int_equal(json_array_size(tags), 0);
	run(kcarectl, "kcarectl --tag a\\b", 64);
}

/* --- the rest --- */

static void what_is_not_there_says_what_is(void **state _unused_)
{
	static const struct {
		const char *words;
		int exit;
		const char *says;
	} cases[] = {
		{"kcarectl --test", 1, "feed"},
		{"kcarectl --prefix 12h --update", 1, "feed"},
		{"kcarectl --set-patch-type extra --update", 1, "feed"},
		{"kcarectl --set-patch-type free", 1, "feed"},
		{"kcarectl --import-key /x", 1, "/etc/suture/keys.d"},
		{"kcarectl --set-monitoring-key abcdefghijklmnop", 1, "metrics"},
		{"kcarectl --userspace-update db", 1, "write libs"},
	};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(cases); i++) {
		run(kcarectl, cases[i].words, cases[i].exit);
		assert_has(said.err, cases[i].says);
	}
	assert_int_equal(sample_agent_calls(), 0);
}

#define LIBRARIES                                                                                  \
	"\"libraries\": [{\"build_id\": \"0f1e2d3c4b5a69788796a5b4c3d2e1f000112233\", \"name\": "  \
	"\"libcrypto.so.3\", \"package\": \"libssl3\", \"package_version\": \"3.0.17-1\", "        \
	"\"file\": \"/x\", \"id\": \"U20261121_01\", \"level\": 2, \"cves\": "                     \
	"[\"CVE-2026-31790\"], \"processes\": 3, \"patched\": 2, \"reasons\": {\"traced\": 1}, "   \
	"\"phase\": \"good\", \"unloaded\": false}], \"daemon\": {\"state\": \"running\", "        \
	"\"text\": \"\", \"watch\": \"on\"}"

static void libraries_applied(void)
{
	sample_agent_answer(
		SAMPLE_APPLY, "status",
		"{\"ok\": true, \"format\": \"suture-apply-state\", \"version\": 1, " LIBRARIES
		"}");
	sample_agent_answer(
		SAMPLE_APPLY, "lib-processes",
		"{\"ok\": true, \"processes\": [{\"pid\": 7, \"comm\": \"nginx\", \"build_id\": "
		"\"0f1e2d3c4b5a69788796a5b4c3d2e1f000112233\", \"level\": 2, \"reason\": "
		"\"applied\"}, {\"pid\": 8, \"comm\": \"gdb-me\", \"build_id\": "
		"\"0f1e2d3c4b5a69788796a5b4c3d2e1f000112233\", \"level\": 0, \"reason\": "
		"\"traced\"}]}");
}

static void libraries_are_told_and_changed_as_by_libcare(void **state _unused_)
{
	json_t *j;

	libraries_applied();
	run(kcarectl, "kcarectl --lib-info", 0);
	j = json_loads(said.out, JSON_REJECT_DUPLICATES, NULL);
	assert_int_equal(json_array_size(j), 1);
	assert_has(said.out, "nginx");
	assert_has(said.out, "libcrypto.so.3");
	json_decref(j);
	run(kcarectl, "kcarectl --lib-patch-info", 0);
	assert_has(said.out, "\"CVE-2026-31790\"");
	sample_agent_answer(SAMPLE_NETWORK, "lib-update", "{\"ok\": true, \"libraries\": []}");
	run(kcarectl, "kcarectl --userspace-update libs", 0);
	assert_has(said.out, "Object 'libcrypto.so.3' is patched for 2 processes.");
	assert_non_null(sample_agent_asked(SAMPLE_NETWORK, "lib-update"));
	sample_agent_answer(SAMPLE_APPLY, "lib-unload", "{\"ok\": true}");
	run(kcarectl, "kcarectl --lib-unload", 0);
	assert_has(said.out, "unapplied");
}

static void libcare_is_a_setting(void **state _unused_)
{
	struct agent_path conf = agent_path(sample_agent_root(), AGENT_CONF);
	struct sut_buf b = SUT_BUF_INIT(1 << 16), out = SUT_BUF_INIT(1 << 16);
	struct sut_err err = {0};

	assert_int_equal(
		kcare_lib_setting("a = 1\n libraries=yes\nlibraries-x = 2\n#libraries = no", false,
				  &out),
		0);
	assert_string_equal(sut_buf_str(&out),
			    "a = 1\nlibraries-x = 2\n#libraries = no\nlibraries = no\n");
	sut_buf_release(&out);
	sample_agent_answer(SAMPLE_NETWORK, "reload", "{\"ok\": true}");
	sample_agent_answer(SAMPLE_APPLY, "lib-unload", "{\"ok\": true}");
	run(kcarectl, "kcarectl --disable-libcare", 0);
	assert_ok(sut_file_read(conf.s, &b, &err), err);
	assert_non_null(strstr(sut_buf_str(&b), "libraries = no\n"));
	sut_buf_release(&b);
	b = SUT_BUF_INIT(1 << 16);
	run(kcarectl, "kcarectl --enable-libcare", 0);
	assert_ok(sut_file_read(conf.s, &b, &err), err);
	assert_null(strstr(sut_buf_str(&b), "libraries = no\n"));
	assert_non_null(strstr(sut_buf_str(&b), "libraries = yes\n"));
	sut_buf_release(&b);
}

static void a_cve_of_a_library_is_fixed_when_all_are_patched(void **state _unused_)
{
	libraries_applied();
	run(cmd_cves, "cves CVE-2026-31790", 1);
	assert_has(said.out, "2 of 3 processes of libcrypto.so.3");
	sample_agent_answer(SAMPLE_APPLY, "status",
			    "{\"ok\": true, \"format\": \"suture-apply-state\", \"libraries\": "
			    "[{\"build_id\": \"0f\", \"name\": \"libcrypto.so.3\", \"id\": \"U1\", "
			    "\"level\": 2, \"cves\": [\"CVE-2026-31790\"], \"processes\": 3, "
			    "\"patched\": 3}], \"daemon\": {\"state\": \"running\", \"watch\": "
			    "\"on\"}}");
	run(cmd_cves, "cves CVE-2026-31790", 0);
	assert_has(said.out, "fixed in libcrypto.so.3, by U1");
}

static void unknown_options_are_usage_errors(void **state _unused_)
{
	run(kcarectl, "kcarectl --frobnicate", 64);
	assert_has(said.err, "--frobnicate");
	assert_has(said.err, "usage: kcarectl");
	run(kcarectl, "kcarectl", 64);
	run(kcarectl, "kcarectl --register", 64);
	run(kcarectl, "kcarectl --info=yes", 64);
	/* nothing is done before what is wrong is found */
	run(kcarectl, "kcarectl --unload --frobnicate", 64);
	assert_int_equal(sample_agent_calls(), 0);
	run(kcarectl, "kcarectl --help", 0);
	assert_has(said.out, "--set-sticky-patch");
}

static void every_documented_option_is_known(void **state _unused_)
{
	static const char *const documented[] = {"--info",
						 "--update",
						 "--smart-update",
						 "--unload",
						 "--auto-update",
						 "--patch-info",
						 "--status",
						 "--force",
						 "--uname",
						 "--license-info",
						 "--register",
						 "--register-autoretry",
						 "--unregister",
						 "--userspace-update",
						 "--test",
						 "--prefix",
						 "--version",
						 "--import-key",
						 "--set-monitoring-key",
						 "--freezer",
						 "--check",
						 "--doctor",
						 "--set-patch-type",
						 "--set-sticky-patch",
						 "--tag",
						 "--kernel-id"};
	_cleanup_buf_ struct sut_buf page = SUT_BUF_INIT(1 << 20);

	run(kcarectl, "kcarectl --help", 0);
	assert_int_equal(sut_file_read(SOURCE_ROOT "/docs/kcarectl.md", &page, NULL), 0);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(documented); i++) {
		char word[64];

		snprintf(word, sizeof(word), "%s", documented[i]);
		assert_has(said.out, word);
		snprintf(word, sizeof(word), "`%s", documented[i]);
		assert_has(sut_buf_str(&page), word);
	}
}

static void kernel_id_is_the_sha1_of_the_banner(void **state _unused_)
{
	applied(0, "supported", "");
	assert_out("kcarectl --kernel-id", 0, "0a4d55a8d778e5022fab701977c5d840bbc486d0\n");
	assert_out("kcarectl --version", 0, SUTURE_VERSION "\n");
}

/* --- the commands of suture --- */

/* Runs with --json; what is printed fits its schema. */
static json_t *document(int (*cmd)(int, char **), const char *words, int exit)
{
	struct schema_error e;
	char all[256];
	json_t *j;

	snprintf(all, sizeof(all), "%s --json", words);
	run(cmd, all, exit);
	j = json_loads(said.out, JSON_REJECT_DUPLICATES, NULL);
	if (!j || !documents_fit(schemas, j, &e))
		fail_msg("%s: %s: %s\n%s", all, j ? e.pointer : "", j ? e.text : "no JSON",
			 said.out);
	return j;
}

static void cves_says_what_is_fixed_now(void **state _unused_)
{
	applied(3, "supported", "vendor");
	newer();
	run(cmd_cves, "cves cve-2026-1234", 0);
	assert_string_equal(said.out, "CVE-2026-1234 is fixed in the running kernel, by "
				      "K20261121_01 (level 3)\n");
	run(cmd_cves, "cves CVE-2026-2000", 1);
	assert_has(said.out, "K20261122_01 (level 4) would fix it");
	run(cmd_cves, "cves CVE-2026-3000", 1);
	assert_has(said.out, "held back (delay, until 2026-11-24T09:00:00Z)");
	run(cmd_cves, "cves CVE-2026-9999", 1);
	run(cmd_cves, "cves 2026-9999", 64);
	run(cmd_cves, "cves", 0);
	assert_string_equal(said.out,
			    "CVE-2026-1234     live       K20261121_01 (level 3)\n"
			    "CVE-2026-52928    live       K20261121_01 (level 3)\n"
			    "CVE-2026-2000     available  K20261122_01 (level 4)\n"
			    "CVE-2026-3000     held       K20261123_01 (level 5): delay until "
			    "2026-11-24T09:00:00Z\n");
	run(cmd_cves, "cves --live", 0);
	assert_null(strstr(said.out, "available"));
	json_decref(document(cmd_cves, "cves", 0));
	json_decref(document(cmd_cves, "cves CVE-2026-1234", 0));
	json_decref(document(cmd_cves, "cves CVE-2026-3000", 1));
	/* what is not known is not called fixed */
	sample_agent_listen(SAMPLE_NETWORK, false);
	run(cmd_cves, "cves CVE-2026-1234", 0);
	run(cmd_cves, "cves CVE-2026-2000", 1);
	assert_has(said.out, "sutured does not answer");
	sample_agent_listen(SAMPLE_APPLY, false);
	json_decref(document(cmd_cves, "cves CVE-2026-1234", 1));
}

static void info_tells_what_is_applied(void **state _unused_)
{
	json_t *j;

	applied(3, "supported", "vendor");
	run(cmd_info, "info", 0);
	assert_has(said.out, "Effective 6.1.170-3+suture3\n");
	assert_has(said.out, "Patch     K20261121_01 (level 3)\n");
	assert_has(said.out, "Built     2026-11-21T20:15:00Z by suture-build 0.1.0\n");
	assert_has(said.out, "CVEs      CVE-2026-1234\n");
	j = document(cmd_info, "info", 0);
	assert_string_equal(json_string_value(json_object_get(j, "created")),
			    "2026-11-21T20:15:00Z");
	json_decref(j);
	applied(0, "supported", "");
	run(cmd_info, "info", 0);
	assert_has(said.out, "Patch     none is applied\n");
	json_decref(document(cmd_info, "info", 0));
}

static void uname_and_history_are_documents(void **state _unused_)
{
	struct history_entry e = {.at = 1795378500,
				  .event = "applied",
				  .id = "K20261121_01",
				  .level = 3,
				  .by = "sutured",
				  .detail = "pause\033 0.8 ms"};
	struct sut_err err = {0};
	json_t *j;

	applied(3, "supported", "vendor");
	run(cmd_uname, "uname", 0);
	assert_string_equal(said.out, "6.1.170-3+suture3\n");
	json_decref(document(cmd_uname, "uname", 0));
	run(cmd_uname, "uname -z", 64);
	run(cmd_history, "history", 0);
	assert_string_equal(said.out, "nothing has happened yet\n");
	json_decref(document(cmd_history, "history", 0));
	assert_ok(history_add(sample_agent_root(), &e, &err), err);
	e.event = "good";
	assert_ok(history_add(sample_agent_root(), &e, &err), err);
	run(cmd_history, "history", 0);
	assert_has(said.out,
		   "2026-11-22T20:15:00Z  applied      K20261121_01 (level 3), by sutured: "
		   "pause? 0.8 ms\n");
	j = document(cmd_history, "history --limit 1", 0);
	assert_int_equal(json_array_size(json_object_get(j, "entries")), 1);
	json_decref(j);
	run(cmd_history, "history --limit many", 64);
}

static void vex_prints_the_document(void **state _unused_)
{
	struct agent_path out = agent_path(sample_agent_root(), "/out.json");
	char words[PATH_MAX + 32];
	json_t *j;

	applied(3, "supported", "vendor");
	run(cmd_vex, "vex", 0);
	j = json_loads(said.out, JSON_REJECT_DUPLICATES, NULL);
	assert_string_equal(json_string_value(json_object_get(j, "@context")),
			    "https://openvex.dev/ns/v0.2.0");
	assert_int_equal(json_array_size(json_object_get(j, "statements")), 2);
	json_decref(j);
	snprintf(words, sizeof(words), "vex --output %s", out.s);
	run(cmd_vex, words, 0);
	assert_string_equal(said.out, "");
	assert_true(sut_exists(out.s));
	applied(0, "supported", "");
	json_decref(document(cmd_vex, "vex", 1));
	applied(3, "supported", "");
	run(cmd_vex, "vex", 1);
	assert_has(said.err, "nobody vouches");
}

static void the_report_of_doctor_holds_no_secrets(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(1 << 20);
	struct agent_path out = agent_path(sample_agent_root(), "/report.txt");
	static const char *const secrets[] = {"hunter2", "joe", "sutkey_", "4c4c4544-0042",
					      "someone@example.com"};
	char words[PATH_MAX + 32];
	struct stat st;

	text("/etc/suture/agent.conf", "portal = https://portal.example\n"
				       "proxy = http://joe:hunter2@proxy:3128\n"
				       "# someone@example.com: sutkey_abcdefgh12345678\n");
	applied(3, "supported", "vendor");
	newer();
	snprintf(words, sizeof(words), "doctor --output %s", out.s);
	run(cmd_doctor, words, 1);
	assert_has(said.out, "Nothing was sent");
	assert_int_equal(stat(out.s, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(sut_file_read(out.s, &b, NULL), 0);
	assert_has(sut_buf_str(&b), "K20261121_01");
	assert_has(sut_buf_str(&b), "proxy = http://[redacted]@proxy:3128");
	for (size_t i = 0; i < SUT_ARRAY_SIZE(secrets); i++)
		if (strstr(sut_buf_str(&b), secrets[i]))
			fail_msg("the report holds %s", secrets[i]);
	json_decref(document(cmd_doctor, "doctor --no-report", 1));
	sample_agent_listen(SAMPLE_NETWORK, false);
	sample_agent_listen(SAMPLE_APPLY, false);
	json_decref(document(cmd_doctor, "doctor --no-report", 1));
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(info_has_the_four_lines),
		CASE(patch_info_has_a_head_and_seven_lines_for_each_patch),
		CASE(status_tells_by_its_exit_alone),
		CASE(check_ends_with_0_when_there_is_something_new),
		CASE(uname_is_the_version_in_effect),
		CASE(update_says_what_it_did),
		CASE(an_update_that_failed_is_never_called_safe),
		CASE(auto_update_does_nothing_where_updates_are_manual),
		CASE(unload_warns),
		CASE(register_makes_the_file_that_others_read),
		CASE(the_key_does_not_stay_in_the_list_of_processes),
		CASE(license_info_tells_whether_it_is_registered),
		CASE(dates_are_read_as_documented),
		CASE(stickiness_is_a_pin),
		CASE(tags_are_separated_by_semicolons),
		CASE(what_is_not_there_says_what_is),
		CASE(unknown_options_are_usage_errors),
		CASE(every_documented_option_is_known),
		CASE(kernel_id_is_the_sha1_of_the_banner),
		CASE(cves_says_what_is_fixed_now),
		CASE(libraries_are_told_and_changed_as_by_libcare),
		CASE(libcare_is_a_setting),
		CASE(a_cve_of_a_library_is_fixed_when_all_are_patched),
		CASE(info_tells_what_is_applied),
		CASE(uname_and_history_are_documents),
		CASE(vex_prints_the_document),
		CASE(the_report_of_doctor_holds_no_secrets),
	};
	struct schema_error e;
	int failed;

	schemas = documents_load(SOURCE_ROOT "/docs/formats/schemas", &e);
	if (!schemas) {
		fprintf(stderr, "%s: %s\n", e.pointer, e.text);
		return 1;
	}
	unsetenv("TERM");
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	json_decref(schemas);
	return failed;
}
