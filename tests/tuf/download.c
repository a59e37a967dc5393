// SPDX-License-Identifier: Apache-2.0
/* Fetching target files (5.7): hashes, names, the cache, what a server can do to them. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "world.h"

#define TEXT "target file contents"

static char *url_of(struct world *w _unused_, const char *text, const char *hash, const char *name)
{
	return sim_str("targets/%s.%s", sim_hash(hash, text, strlen(text)), name);
}

static void expected_file(struct world *w, const void *arg _unused_)
{
	init(w);
	sim_target(w->sim, "targets", "target_file.txt", TEXT);
	sim_release(w->sim, "");
	refresh(w);
	expect_downloads(w, NULL);
	forget_requests(w);
	download(w, "target_file.txt");
	expect_downloads(w, TEXT, NULL);
	expect_last_request(w, url_of(w, TEXT, "sha256", "target_file.txt"));
}

/* The hash goes before the file name, not before the folders. */
static void in_sub_folder(struct world *w, const void *arg _unused_)
{
	init(w);
	sim_target(w->sim, "targets", "path/to/a/target_file.txt", TEXT);
	sim_release(w->sim, "");
	download(w, "path/to/a/target_file.txt");
	expect_downloads(w, TEXT, NULL);
	expect_last_request(w, sim_str("targets/path/to/a/%s.target_file.txt",
				       sim_hash("sha256", TEXT, strlen(TEXT))));
}

static void substituted(struct world *w, const void *arg _unused_)
{
	const char *bad = "malicious data - should not download";

	init(w);
	sim_target(w->sim, "targets", "one", "first one");
	sim_target(w->sim, "targets", "two", "another");
	sim_release(w->sim, "");
	download(w, "one");
	expect_downloads(w, "first one", NULL);
	sim_artifact(w->sim, "one", bad, strlen(bad));
	sim_artifact(w->sim, "two", bad, strlen(bad));
	run_download(w, "one");
	expect_downloads(w, "first one", NULL);
	download_fails(w, "two");
	expect_downloads(w, "first one", NULL);
	/* of the right length */
	sim_artifact(w->sim, "two", "Another", 7);
	download_fails(w, "two");
	expect_downloads(w, "first one", NULL);
	/* and in the end the right one, whatever the tries before left behind */
	sim_artifact(w->sim, "two", "another", 7);
	download(w, "two");
	expect_downloads(w, "first one", "another", NULL);
}

static void many_changes(struct world *w, const void *arg _unused_)
{
	char *text, *more, *kept[4] = {NULL};
	size_t n = 0;

	init(w);
	for (int i = 0; i <= 10; i++) {
		text = sim_str("modified file contents %d", i);
		more = sim_str("new file contents %d", i);
		sim_target(w->sim, "targets", "file", text);
		sim_target(w->sim, "targets", sim_str("new-%d", i), more);
		sim_release(w->sim, "");
		/* the client sees every fifth version only */
		if (i % 5)
			continue;
		download(w, "file");
		download(w, sim_str("new-%d", i));
		kept[n++] = more;
		expect_downloads(w, text, kept[0], kept[1], kept[2], NULL);
		sim_artifact(w->sim, "file", "malicious", 9);
		sim_release(w->sim, "");
		run_download(w, "file");
		expect_downloads(w, text, kept[0], kept[1], kept[2], NULL);
	}
}

static void with_hashes(struct world *w, const void *arg)
{
	const char *hashes = arg;
	char *a = url_of(w, TEXT, "sha256", "file"), *b = url_of(w, TEXT, "sha512", "file");
	const char *last;

	sim_target_hashes(w->sim, "targets", "file", TEXT, hashes);
	sim_release(w->sim, "");
	init(w);
	download(w, "file");
	expect_downloads(w, TEXT, NULL);
	last = strrchr(server_log(w->server), ' ') + 1;
	EXPECT((strstr(hashes, "sha256") && strcmp(last, a) == 0) ||
		       (strstr(hashes, "sha512") && strcmp(last, b) == 0),
	       "asked for %s", last);
}

static json_t *hashes_of(struct world *w, const char *role, const char *path)
{
	return json_object_get(
		json_object_get(json_object_get(sim_doc(w->sim, role), "targets"), path), "hashes");
}

static void unknown_hash(struct world *w, const void *arg _unused_)
{
	json_t *h;

	sim_target_hashes(w->sim, "targets", "file", TEXT, "sha512");
	h = hashes_of(w, "targets", "file");
	json_object_set(h, "unknown-hash", json_object_get(h, "sha512"));
	json_object_del(h, "sha512");
	sim_release(w->sim, "");
	init(w);
	download_fails(w, "file");
	expect_downloads(w, NULL);
}

/* An unknown one beside a known one: the known one decides. */
static void unknown_hash_beside(struct world *w, const void *arg _unused_)
{
	sim_target(w->sim, "targets", "file", TEXT);
	json_object_set_new(hashes_of(w, "targets", "file"), "blake3", json_string("00"));
	sim_release(w->sim, "");
	init(w);
	download(w, "file");
	expect_downloads(w, TEXT, NULL);
}

static void every_hash_counts(struct world *w, const void *arg)
{
	sim_target_hashes(w->sim, "targets", "file", TEXT, "sha256 sha512");
	json_object_set_new(hashes_of(w, "targets", "file"), arg,
			    json_string(sim_hash(arg, "other", 5)));
	/* so that it is found under every name */
	w->sim->no_prefix = false;
	sim_release(w->sim, "");
	init(w);
	download_fails(w, "file");
	expect_downloads(w, NULL);
}

static void no_hash_at_all(struct world *w, const void *arg _unused_)
{
	sim_target(w->sim, "targets", "file", TEXT);
	json_object_clear(hashes_of(w, "targets", "file"));
	sim_release(w->sim, "");
	init(w);
	download_fails(w, "file");
	expect_downloads(w, NULL);
}

static void artifact_cache(struct world *w, const void *arg _unused_)
{
	init(w);
	sim_target(w->sim, "targets", "file", TEXT);
	sim_release(w->sim, "");
	download(w, "file");
	expect_last_request(w, url_of(w, TEXT, "sha256", "file"));
	download(w, "file");
	expect_requests(w, "2.root.json timestamp.json");
	expect_downloads(w, TEXT, NULL);
}

/* A file in the target folder that is not the right one any more is fetched again. */
static void cache_is_verified(struct world *w, const void *arg _unused_)
{
	char *name = sim_str("%s/file", w->target_dir);
	struct sut_err err = {0};

	artifact_cache(w, NULL);
	EXPECT(sut_file_write(name, "Target file contents", strlen(TEXT), 0644, &err) == 0, "%s",
	       err.msg);
	download(w, "file");
	expect_downloads(w, TEXT, NULL);
	expect_last_request(w, url_of(w, TEXT, "sha256", "file"));
}

static void several_in_one_run(struct world *w, const void *arg _unused_)
{
	sim_target(w->sim, "targets", "a", "text a");
	sim_target(w->sim, "targets", "b", "text b");
	sim_target(w->sim, "targets", "c", "text c");
	sim_release(w->sim, "");
	init(w);
	download(w, "a b");
	expect_requests(
		w, sim_str("2.root.json timestamp.json 2.snapshot.json 2.targets.json %s %s",
			   url_of(w, "text a", "sha256", "a"), url_of(w, "text b", "sha256", "b")));
	/* stops at the first failure */
	download_fails(w, "a none c");
	expect_requests(w, "2.root.json timestamp.json");
	expect_downloads(w, "text a", "text b", NULL);
}

static void without_consistent_snapshots(struct world *w, const void *arg _unused_)
{
	sim_set(w->sim, "root", "consistent_snapshot", json_false());
	sim_target(w->sim, "targets", "dir/file", TEXT);
	sim_publish(w->sim, "root");
	sim_release(w->sim, "");
	init(w);
	download(w, "dir/file");
	expect_requests(w, "2.root.json 3.root.json timestamp.json snapshot.json targets.json "
			   "targets/dir/file");
	expect_downloads(w, TEXT, NULL);
}

/* Absent means no (6.2.1 of 1.0.34). */
static void consistent_snapshot_absent(struct world *w, const void *arg _unused_)
{
	json_object_del(sim_doc(w->sim, "root"), "consistent_snapshot");
	sim_publish(w->sim, "root");
	init(w);
	refresh(w);
	expect_requests(w, "2.root.json 3.root.json timestamp.json snapshot.json targets.json");
}

static void not_found(struct world *w, const void *arg _unused_)
{
	sim_target(w->sim, "targets", "file", TEXT);
	sim_release(w->sim, "");
	init(w);
	server_rule(w->server, sim_str("/%s", url_of(w, TEXT, "sha256", "file")), SERVER_STATUS,
		    404, NULL);
	download_fails(w, "file");
	expect_downloads(w, NULL);
	server_behave(w->server);
	download(w, "file");
	expect_downloads(w, TEXT, NULL);
}

static void longer_than_said(struct world *w, const void *arg _unused_)
{
	init(w);
	sim_target(w->sim, "targets", "file", TEXT);
	sim_release(w->sim, "");
	sim_artifact(w->sim, "file", TEXT "!", strlen(TEXT) + 1);
	download_fails(w, "file");
	expect_downloads(w, NULL);
}

static void shorter_than_said(struct world *w, const void *arg _unused_)
{
	init(w);
	sim_target(w->sim, "targets", "file", TEXT);
	sim_release(w->sim, "");
	sim_artifact(w->sim, "file", TEXT, strlen(TEXT) - 1);
	download_fails(w, "file");
	sim_artifact(w->sim, "file", TEXT, strlen(TEXT));
	download(w, "file");
	expect_downloads(w, TEXT, NULL);
}

static void empty_file(struct world *w, const void *arg _unused_)
{
	init(w);
	sim_target(w->sim, "targets", "file", "");
	sim_release(w->sim, "");
	download(w, "file");
	expect_downloads(w, "", NULL);
}

static char *long_text(size_t n)
{
	char *s = malloc(n + 1);

	if (!s)
		sim_die("out of memory");
	for (size_t i = 0; i < n; i++)
		s[i] = (char)('a' + (i * 7 + i / 26) % 26);
	s[n] = '\0';
	return s;
}

/* The name of the one file in the target folder, "" when it is empty. */
static char *only_file(struct world *w)
{
	DIR *d = opendir(w->target_dir);
	struct dirent *e;
	char *name = sim_str("%s", "");

	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.')
			name = sim_str("%s", e->d_name);
	if (d)
		closedir(d);
	return name;
}

/* A connection that ends early leaves a beginning; the next run asks for the rest. */
static void resumes(struct world *w, const void *arg _unused_)
{
	char *text = long_text(300000), *url = url_of(w, text, "sha256", "file"), *rule;
	struct stat st;

	init(w);
	sim_target(w->sim, "targets", "file", text);
	sim_release(w->sim, "");
	rule = sim_str("/%s", url);
	server_rule(w->server, rule, SERVER_CUT, 100000, NULL);
	download_fails(w, "file");
	EXPECT(strcmp(only_file(w), "file") != 0, "half a file has its final name");
	EXPECT(stat(sim_str("%s/%s", w->target_dir, only_file(w)), &st) == 0 &&
		       st.st_size == 100000,
	       "'%s' does not hold what came", only_file(w));
	server_behave(w->server);
	forget_requests(w);
	download(w, "file");
	expect_last_request(w, sim_str("%s[100000-]", url));
	expect_downloads(w, text, NULL);
}

/* A mirror that first gives a wrong beginning: the next run still ends with the right file. */
static void resumes_after_poison(struct world *w, const void *arg _unused_)
{
	char *text = long_text(300000), *rule;

	init(w);
	sim_target(w->sim, "targets", "file", text);
	sim_release(w->sim, "");
	rule = sim_str("/%s", url_of(w, text, "sha256", "file"));
	server_rule(w->server, rule, SERVER_CUT, 100000, NULL);
	sim_artifact(w->sim, "file", long_text(300001) + 1, 300000);
	download_fails(w, "file");
	server_behave(w->server);
	sim_artifact(w->sim, "file", text, strlen(text));
	/* at most one failure, in which the wrong beginning is found out */
	if (run_download(w, "file") == 1)
		download(w, "file");
	expect_downloads(w, text, NULL);
}

/* A part that is longer than the file now is. */
static void part_too_long(struct world *w, const void *arg _unused_)
{
	char *text = long_text(300000);

	init(w);
	sim_target(w->sim, "targets", "file", text);
	sim_release(w->sim, "");
	server_rule(w->server, sim_str("/%s", url_of(w, text, "sha256", "file")), SERVER_CUT,
		    100000, NULL);
	download_fails(w, "file");
	sim_target(w->sim, "targets", "file", TEXT);
	sim_release(w->sim, "");
	if (run_download(w, "file") == 1)
		download(w, "file");
	expect_downloads(w, TEXT, NULL);
}

static const struct tuf_test tests[] = {
	{"download/expected-file", expected_file, NULL,
	 "test_file_download.py: test_client_downloads_expected_file"},
	{"download/in-sub-folder", in_sub_folder, NULL,
	 "test_file_download.py: test_client_downloads_expected_file_in_sub_dir"},
	{"download/substituted", substituted, NULL,
	 "test_file_download.py: test_repository_substitutes_target_file"},
	{"download/many-changes", many_changes, NULL,
	 "test_file_download.py: test_multiple_changes_to_target"},
	{"download/sha256", with_hashes, "sha256",
	 "test_file_download.py: test_download_with_hash_algorithms[sha256]"},
	{"download/sha512", with_hashes, "sha512",
	 "test_file_download.py: test_download_with_hash_algorithms[sha512]"},
	{"download/sha256-and-sha512", with_hashes, "sha256 sha512",
	 "test_file_download.py: test_download_with_hash_algorithms[both]"},
	{"download/unknown-hash", unknown_hash, NULL,
	 "test_file_download.py: test_download_with_unknown_hash_algorithm"},
	{"download/artifact-cache", artifact_cache, NULL,
	 "test_file_download.py: test_artifact_cache"},
	{"download/unknown-hash-beside-a-known-one", unknown_hash_beside, NULL, "5.7.3"},
	{"download/every-hash-counts-sha256", every_hash_counts, "sha256", "5.7.3"},
	{"download/every-hash-counts-sha512", every_hash_counts, "sha512", "5.7.3"},
	{"download/no-hash", no_hash_at_all, NULL, "5.7.3"},
	{"download/cache-is-verified", cache_is_verified, NULL, "5.7.3"},
	{"download/several-in-one-run", several_in_one_run, NULL, "CLIENT-CLI: several names"},
	{"download/without-consistent-snapshots", without_consistent_snapshots, NULL, "5.3.12"},
	{"download/consistent-snapshot-absent", consistent_snapshot_absent, NULL, "5.3.12"},
	{"download/not-found", not_found, NULL, "5.7.3"},
	{"download/longer-than-said", longer_than_said, NULL, "5.7.3"},
	{"download/shorter-than-said", shorter_than_said, NULL, "5.7.3"},
	{"download/empty-file", empty_file, NULL, "5.7.3"},
	{"download/resumes", resumes, NULL, NULL},
	{"download/resumes-after-a-wrong-beginning", resumes_after_poison, NULL, NULL},
	{"download/part-longer-than-the-file", part_too_long, NULL, NULL},
};

const struct tuf_group tuf_download = {tests, SUT_ARRAY_SIZE(tests)};
