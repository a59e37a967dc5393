// SPDX-License-Identifier: Apache-2.0
/* Names of roles and targets in URLs and as files: nothing leaves its folder. */
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "world.h"

/* Not one file more than expected around the two folders of the client. */
static void expect_nothing_outside(struct world *w)
{
	const char *const bad[] = {"delegatedrole.json", "delegatedrole", "file", "escaped", "x"};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(bad); i++) {
		EXPECT(!sut_exists(sim_str("%s/%s", w->dir, bad[i])), "%s was written outside",
		       bad[i]);
		EXPECT(!sut_exists(sim_str("/%s", bad[i])), "/%s was written", bad[i]);
	}
}

static void role_name(struct world *w, const void *arg)
{
	const char *role = arg;
	char *quoted = sim_quote(role);

	sim_delegate(w->sim, "targets", role, "*", 0);
	sim_target(w->sim, role, "file", "text");
	/* names with a space cannot be published by list */
	sim_publish(w->sim, role);
	sim_release(w->sim, "");
	init(w);
	EXPECT(run_download1(w, "nonexistent target") == 1, "there is no such target");
	expect_requests(w, sim_str("2.root.json timestamp.json 2.snapshot.json 2.targets.json "
				   "1.%s.json",
				   quoted));
	expect_same(w, role);
	expect_nothing_outside(w);
	/* and from the folder the next time */
	download(w, "file");
	expect_requests(w, sim_str("2.root.json timestamp.json targets/%s.file",
				   sim_hash("sha256", "text", 4)));
	expect_downloads(w, "text", NULL);
}

/* A delegated role that is called like a top-level one must not replace it. */
static void role_named_as_top_level(struct world *w, const void *arg)
{
	const char *role = arg;
	json_t *d, *entry;
	struct sim_key *k = sim_key_new(SIM_ECDSA);

	init(w);
	refresh(w);
	d = json_pack("{s:{s:O}, s:[{s:s, s:[s], s:i, s:b, s:[s]}]}", "keys", k->id, k->json,
		      "roles", "name", role, "keyids", k->id, "threshold", 1, "terminating", 0,
		      "paths", "*");
	entry = json_array_get(json_object_get(d, "roles"), 0);
	EXPECT(entry, "the test's delegation");
	sim_set(w->sim, "targets", "delegations", d);
	sim_release(w->sim, "");
	download_fails(w, "file");
	sim_set(w->sim, "targets", "delegations", json_pack("{s:{}, s:[]}", "keys", "roles"));
	sim_target(w->sim, "targets", "file", "text");
	sim_release(w->sim, "");
	download(w, "file");
	expect_same(w, "root");
	expect_same(w, "timestamp");
	expect_same(w, "snapshot");
	expect_same(w, "targets");
}

struct target {
	const char *path;
	const char *url; /* behind "targets/"; %s is the hash */
};

/* The file lands in the target folder, whatever its path. */
static void target_name(struct world *w, const void *arg)
{
	const struct target *t = arg;
	int r;

	sim_target(w->sim, "targets", t->path, "text");
	sim_release(w->sim, "");
	init(w);
	r = run_download1(w, t->path);
	expect_nothing_outside(w);
	if (t->url) {
		char *want = sim_str("targets/%s", t->url), *at = strstr(want, "HASH"), *full;

		EXPECT(r == 0, "the download failed");
		full = sim_str("%.*s%s%s", (int)(at - want), want, sim_hash("sha256", "text", 4),
			       at + 4);
		expect_last_request(w, full);
		expect_downloads(w, "text", NULL);
	} else if (r == 0) {
		expect_downloads(w, "text", NULL);
	} else {
		expect_downloads(w, NULL);
	}
}

/* Names that differ only once they are encoded, or decoded, are different files. */
static void names_do_not_meet(struct world *w, const void *arg _unused_)
{
	sim_target(w->sim, "targets", "a/b", "slash");
	sim_target(w->sim, "targets", "a%2Fb", "encoded");
	sim_target(w->sim, "targets", "a%252Fb", "encoded twice");
	sim_target(w->sim, "targets", "A%2fb", "capital");
	sim_target(w->sim, "targets", "a/b.part", "part");
	sim_release(w->sim, "");
	init(w);
	EXPECT(run_download1(w, "a/b") == 0, "a/b");
	EXPECT(run_download1(w, "A%2fb") == 0, "A%%2fb");
	EXPECT(run_download1(w, "a/b.part") == 0, "a/b.part");
	EXPECT(run_download1(w, "a/b") == 0, "a/b again");
	expect_downloads(w, "slash", "capital", "part", NULL);
}

static char *many(const char *what, int n)
{
	char *s = sim_str("%s", "");

	while (n--)
		s = sim_str("%s%s", s, what);
	return s;
}

/* Longer than a file's name may be, at least once it is encoded. */
static void long_role_name(struct world *w, const void *arg)
{
	char *role = many(arg, 120);
	int r;

	sim_delegate(w->sim, "targets", role, "file", 0);
	sim_target(w->sim, role, "file", "text");
	sim_release(w->sim, role);
	init(w);
	r = run_download(w, "file");
	if (r == 0)
		expect_downloads(w, "text", NULL);
	else
		expect_downloads(w, NULL);
	/* and what has nothing to do with it goes on */
	sim_target(w->sim, "targets", "other", "more");
	sim_release(w->sim, role);
	EXPECT(run_download(w, "other") == 0, "the other target");
}

static void long_target_name(struct world *w, const void *arg)
{
	char *path = many(arg, 120);

	sim_target(w->sim, "targets", path, "text");
	sim_release(w->sim, "");
	init(w);
	if (run_download1(w, path) == 0)
		expect_downloads(w, "text", NULL);
	else
		expect_downloads(w, NULL);
}

static const struct target targets[] = {
	{"file with space", NULL},
	{"percent%2Fsign", NULL},
	{"a?b#c", NULL},
	{"../escaped", NULL},
	{"../../escaped", NULL},
	{"/escaped", NULL},
	{"a/../../escaped", NULL},
	{"..", NULL},
	{".", NULL},
	{"a//b", NULL},
	{"dir/", NULL},
	{"\303\251t\303\251", NULL},
	{"a\\b", NULL},
	{"-rf", "HASH.-rf"},
	{".hidden", "HASH..hidden"},
	{"a/b/c", "a/b/HASH.c"},
	{"A-Za-z_~.9", "HASH.A-Za-z_~.9"},
};

static const struct tuf_test tests[] = {
	{"quoting/role-question-mark", role_name, "?",
	 "test_quoting_issues.py: test_unusual_role_name[?]"},
	{"quoting/role-hash", role_name, "#", "test_quoting_issues.py: test_unusual_role_name[#]"},
	{"quoting/role-absolute", role_name, "/delegatedrole",
	 "test_quoting_issues.py: test_unusual_role_name[/delegatedrole]"},
	{"quoting/role-parent", role_name, "../delegatedrole",
	 "test_quoting_issues.py: test_unusual_role_name[../delegatedrole]"},
	{"quoting/role-dot-dot", role_name, "..", "role names as files"},
	{"quoting/role-dot", role_name, ".", "role names as files"},
	{"quoting/role-percent", role_name, "%2e%2e%2fx", "role names as files"},
	{"quoting/role-backslash", role_name, "..\\x", "role names as files"},
	{"quoting/role-utf-8", role_name, "r\303\264le", "role names as files"},
	{"quoting/role-hidden", role_name, ".hidden", "role names as files"},
	{"quoting/role-dash", role_name, "--metadata-dir", "role names as files"},
	{"quoting/role-dot-json", role_name, "x.json", "role names as files"},
	{"quoting/role-like-a-version", role_name, "1.root", "role names as files"},
	{"quoting/role-named-root", role_named_as_top_level, "root", "role names as files"},
	{"quoting/role-named-timestamp", role_named_as_top_level, "timestamp",
	 "role names as files"},
	{"quoting/role-named-snapshot", role_named_as_top_level, "snapshot", "role names as files"},
	{"quoting/role-named-targets", role_named_as_top_level, "targets", "role names as files"},
	{"quoting/role-120-letters", long_role_name, "a", "role names as files"},
	{"quoting/role-240-bytes", long_role_name, "ab", "role names as files"},
	{"quoting/role-120-umlauts", long_role_name, "\303\244", "role names as files"},
	{"quoting/target-360-bytes", long_target_name, "abc", "target names"},
	{"quoting/target-120-folders", long_target_name, "ab/", "target names"},
	{"quoting/target-120-umlauts", long_target_name, "\303\244", "target names"},
	{"quoting/names-do-not-meet", names_do_not_meet, NULL, "target names"},
	{"quoting/target-space", target_name, &targets[0], "target names"},
	{"quoting/target-percent", target_name, &targets[1], "target names"},
	{"quoting/target-question-mark", target_name, &targets[2], "target names"},
	{"quoting/target-parent", target_name, &targets[3], "CVE-2026-6968"},
	{"quoting/target-parent-twice", target_name, &targets[4], "CVE-2026-6968"},
	{"quoting/target-absolute", target_name, &targets[5], "CVE-2026-6968"},
	{"quoting/target-parent-inside", target_name, &targets[6], "CVE-2026-6968"},
	{"quoting/target-dot-dot", target_name, &targets[7], "CVE-2026-6968"},
	{"quoting/target-dot", target_name, &targets[8], "CVE-2026-6968"},
	{"quoting/target-double-slash", target_name, &targets[9], "target names"},
	{"quoting/target-slash-at-end", target_name, &targets[10], "target names"},
	{"quoting/target-utf-8", target_name, &targets[11], "target names"},
	{"quoting/target-backslash", target_name, &targets[12], "target names"},
	{"quoting/target-dash", target_name, &targets[13], "target names"},
	{"quoting/target-hidden", target_name, &targets[14], "target names"},
	{"quoting/target-folders", target_name, &targets[15], "target names"},
	{"quoting/target-plain", target_name, &targets[16], "target names"},
};

const struct tuf_group tuf_quoting = {tests, SUT_ARRAY_SIZE(tests)};
