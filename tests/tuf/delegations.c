// SPDX-License-Identifier: Apache-2.0
/* Walking the graph of delegations (5.6.7): order, patterns, cycles, diamonds, limits, hash bins. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "tuf/meta.h"
#include "world.h"

#define TOP "2.root.json timestamp.json 2.snapshot.json 2.targets.json"

struct edge {
	const char *from, *to;
	const char *paths; /* NULL: "*" */
	int flags;
};

struct graph {
	const char *visited; /* requests, in order */
	struct edge edges[8];
};

static void add_edges(struct world *w, const struct edge *e)
{
	for (; e->from; e++)
		sim_delegate(w->sim, e->from, e->to, e->paths ? e->paths : "*", e->flags);
}

/* Every role that was made, once, and the top. */
static void release_all(struct world *w)
{
	for (size_t i = 4; i < w->sim->nroles; i++)
		sim_publish(w->sim, w->sim->roles[i].name);
	sim_release(w->sim, "");
}

static void traversal(struct world *w, const void *arg)
{
	const struct graph *g = arg;

	add_edges(w, g->edges);
	release_all(w);
	init(w);
	download_fails(w, "missingpath");
	expect_requests(w, sim_str(TOP " %s", g->visited));
	/* What was visited is trusted and in the folder: nothing of it is asked for again. */
	download_fails(w, "missingpath");
	expect_requests(w, "2.root.json timestamp.json");
}

struct search {
	const char *path, *text; /* text NULL: not to be found */
	const char *visited;	 /* requests, in order */
};

static void search(struct world *w, const void *arg)
{
	static const struct edge tree[] = {
		{"targets", "A", "*.doc *.md", 0},	 {"targets", "B", "releases/*/*", 0},
		{"B", "C", "releases/x/*", 0},		 {"B", "D", "releases/y/*.zip", 0},
		{"targets", "E", "v?/file nested/*", 0}, {NULL, NULL, NULL, 0},
	};
	const struct search *s = arg;

	add_edges(w, tree);
	sim_target(w->sim, "targets", "targetfile", "targetfile content");
	sim_target(w->sim, "A", "README.md", "README by A");
	sim_target(w->sim, "A", "README.MD", "capitals by A");
	sim_target(w->sim, "A", "sub/README.md", "in a folder by A");
	sim_target(w->sim, "C", "releases/x/x_v1", "x release by C");
	sim_target(w->sim, "D", "releases/y/y_v1.zip", "y release by D");
	sim_target(w->sim, "D", "releases/z/z_v1.zip", "z release by D");
	sim_target(w->sim, "E", "v1/file", "one character");
	sim_target(w->sim, "E", "v10/file", "two characters");
	sim_target(w->sim, "E", "v//file", "a slash");
	sim_target(w->sim, "E", "nested/a/b", "two levels");
	release_all(w);
	init(w);
	if (s->text) {
		char *file = strrchr(s->path, '/');
		int dir = file ? (int)(file + 1 - s->path) : 0;

		download(w, s->path);
		expect_downloads(w, s->text, NULL);
		expect_requests(w, sim_str(TOP "%s%s targets/%.*s%s.%s", *s->visited ? " " : "",
					   s->visited, dir, s->path,
					   sim_hash("sha256", s->text, strlen(s->text)),
					   s->path + dir));
	} else {
		download_fails(w, s->path);
		expect_downloads(w, NULL);
		expect_requests(w, sim_str(TOP "%s%s", *s->visited ? " " : "", s->visited));
	}
}

/* A and B delegate to C with different keys; C is signed with those of A only. */
static void diamond(struct world *w)
{
	struct sim_key *of_a;

	sim_delegate(w->sim, "targets", "A", "a/* c", 0);
	sim_delegate(w->sim, "targets", "B", "b/*", 0);
	sim_delegate(w->sim, "A", "C", "a/*", 0);
	of_a = sim_signer(w->sim, "C", 0);
	sim_delegate(w->sim, "B", "C", "b/*", 0);
	sim_clear_signers(w->sim, "C");
	sim_sign_with(w->sim, "C", of_a);
	sim_target(w->sim, "C", "a/file", "a by C");
	sim_target(w->sim, "C", "b/file", "b by C");
	release_all(w);
	init(w);
}

static void diamond_same_process(struct world *w, const void *arg _unused_)
{
	diamond(w);
	download_fails(w, "a/file b/file");
	expect_downloads(w, "a by C", NULL);
}

static void diamond_cached(struct world *w, const void *arg _unused_)
{
	diamond(w);
	download(w, "a/file");
	download_fails(w, "b/file");
	expect_downloads(w, "a by C", NULL);
	/* and the refusal has cost nothing */
	download(w, "a/file");
}

/* Signed for both: both ways lead to it. */
static void diamond_signed_by_both(struct world *w, const void *arg _unused_)
{
	static const struct edge edges[] = {
		{"targets", "A", "a/*", 0}, {"targets", "B", "b/*", 0}, {"A", "C", "a/*", 0},
		{"B", "C", "b/*", 0},	    {NULL, NULL, NULL, 0},
	};

	add_edges(w, edges);
	sim_target(w->sim, "C", "a/file", "a by C");
	sim_target(w->sim, "C", "b/file", "b by C");
	release_all(w);
	init(w);
	download(w, "a/file b/file");
	expect_downloads(w, "a by C", "b by C", NULL);
}

/* The delegator changed the keys of a role; the file in the folder has the old signature and the
 * snapshot still lists its version. */
static void cached_role_current_keys(struct world *w, const void *arg _unused_)
{
	struct sim_key *k = sim_key_new(SIM_ECDSA);
	json_t *ids;

	sim_delegate(w->sim, "targets", "A", "*", 0);
	sim_target(w->sim, "A", "file", "text");
	sim_target(w->sim, "A", "other", "more");
	release_all(w);
	init(w);
	download(w, "file");
	ids = json_object_get(sim_role_json(w->sim, "targets", "A"), "keyids");
	json_array_clear(ids);
	sim_trust(w->sim, "targets", "A", k);
	sim_release(w->sim, "");
	download_fails(w, "other");
	expect_downloads(w, "text", NULL);
	sim_clear_signers(w->sim, "A");
	sim_sign_with(w->sim, "A", k);
	release_all(w);
	download(w, "other");
	expect_downloads(w, "text", "more", NULL);
}

static void threshold_of_delegation(struct world *w, const void *arg _unused_)
{
	sim_delegate(w->sim, "targets", "A", "*", 0);
	sim_add_key(w->sim, "targets", "A");
	sim_threshold(w->sim, "targets", "A", 2);
	sim_target(w->sim, "A", "file", "text");
	sim_drop_signer(w->sim, "A");
	release_all(w);
	init(w);
	download_fails(w, "file");
	expect_trusted(w, "root:1 snapshot:2 targets:2 timestamp:2");
	sim_sign_with(w->sim, "A", sim_key_new(SIM_ECDSA)); /* of nobody */
	release_all(w);
	download_fails(w, "file");
	expect_downloads(w, NULL);
}

static void not_in_snapshot(struct world *w, const void *arg _unused_)
{
	sim_delegate(w->sim, "targets", "A", "*", 0);
	sim_target(w->sim, "A", "file", "text");
	sim_publish(w->sim, "A");
	json_object_del(json_object_get(sim_doc(w->sim, "snapshot"), "meta"), "A.json");
	sim_release(w->sim, "");
	init(w);
	refresh(w);
	forget_requests(w);
	download_fails(w, "file");
	/* It is not guessed at. */
	expect_requests(w, "2.root.json timestamp.json");
	expect_downloads(w, NULL);
}

/* "If any metadata cannot be downloaded nor validated, end the search": B is not tried. */
static void failure_ends_search(struct world *w, const void *arg)
{
	const char *how = arg;

	sim_delegate(w->sim, "targets", "A", "*", 0);
	sim_delegate(w->sim, "targets", "B", "*", 0);
	sim_target(w->sim, "B", "file", "text of B");
	if (strcmp(how, "unsigned") == 0)
		sim_drop_signer(w->sim, "A");
	if (strcmp(how, "expired") == 0)
		sim_expires(w->sim, "A", -1);
	release_all(w);
	if (strcmp(how, "404") == 0)
		sim_unpublish(w->sim, "A");
	init(w);
	download_fails(w, "file");
	expect_requests(w, TOP " 1.A.json");
	expect_downloads(w, NULL);
}

/* A pattern that makes backtracking matchers run for years. */
static void costly_pattern(struct world *w, const void *arg _unused_)
{
	char *pattern = sim_str("%s", ""), *path = sim_str("%s", "");
	time_t start;

	for (int i = 0; i < 40; i++)
		pattern = sim_str("%s*a", pattern);
	for (int i = 0; i < 200; i++)
		path = sim_str("%sa", path);
	sim_delegate(w->sim, "targets", "A", sim_str("%sb %s*[!a] *%s", pattern, pattern, pattern),
		     0);
	sim_target(w->sim, "A", path, "text");
	release_all(w);
	init(w);
	start = time(NULL);
	/* The last of the three patterns is the one that fits. */
	download(w, path);
	expect_downloads(w, "text", NULL);
	EXPECT(time(NULL) - start <= 20, "it took %ld s", (long)(time(NULL) - start));
}

/* Names that look alike are not the same: patterns are compared byte by byte. */
static void pattern_is_literal(struct world *w, const void *arg _unused_)
{
	sim_delegate(w->sim, "targets", "A", "a.c x+y {1,2} a/../b", 0);
	sim_target(w->sim, "A", "abc", "no regular expression");
	sim_target(w->sim, "A", "xxy", "no regular expression");
	sim_target(w->sim, "A", "1", "no alternatives");
	sim_target(w->sim, "A", "b", "no folders");
	sim_target(w->sim, "A", "a.c", "itself");
	release_all(w);
	init(w);
	download_fails(w, "abc");
	download_fails(w, "xxy");
	download_fails(w, "1");
	download_fails(w, "b");
	download(w, "a.c");
	expect_downloads(w, "itself", NULL);
}

/* The first in the list that has the target decides, whatever comes later. */
static void first_wins(struct world *w, const void *arg _unused_)
{
	sim_delegate(w->sim, "targets", "A", "file", 0);
	sim_delegate(w->sim, "targets", "B", "file", 0);
	sim_target(w->sim, "B", "file", "by B");
	sim_target(w->sim, "A", "file", "by A");
	release_all(w);
	init(w);
	download(w, "file");
	expect_downloads(w, "by A", NULL);
}

/* The delegator's own entry comes before all delegations. */
static void own_entry_first(struct world *w, const void *arg _unused_)
{
	sim_delegate(w->sim, "targets", "A", "file", SIM_TERMINATING);
	sim_target(w->sim, "A", "file", "by A");
	sim_target(w->sim, "targets", "file", "by targets");
	release_all(w);
	init(w);
	download(w, "file");
	expect_requests(w, sim_str(TOP " targets/%s.file", sim_hash("sha256", "by targets", 10)));
	expect_downloads(w, "by targets", NULL);
}

/* A role may only speak of what it was given. */
static void outside_of_its_paths(struct world *w, const void *arg _unused_)
{
	sim_delegate(w->sim, "targets", "A", "a/*", 0);
	sim_target(w->sim, "A", "b/file", "not A's");
	sim_target(w->sim, "A", "a/file", "A's");
	release_all(w);
	init(w);
	download(w, "a/file");
	download_fails(w, "b/file");
	expect_downloads(w, "A's", NULL);
}

/* arg: how many roles in a chain, the last of which has the target. */
static void chain(struct world *w, const void *arg)
{
	size_t n = *(const size_t *)arg;
	const char *from = "targets";

	for (size_t i = 1; i <= n; i++) {
		char *name = sim_str("r%02zu", i);

		sim_delegate(w->sim, from, name, "file", 0);
		from = name;
	}
	sim_target(w->sim, from, "file", "at the end");
	release_all(w);
	init(w);
	if (n <= SUT_TUF_DELEGATIONS_MAX - 1) {
		download(w, "file");
		expect_downloads(w, "at the end", NULL);
	} else {
		download_fails(w, "file");
		expect_downloads(w, NULL);
		EXPECT(!strstr(server_log(w->server),
			       sim_str("1.r%02d.json", SUT_TUF_DELEGATIONS_MAX + 1)),
		       "more than the limit was fetched");
	}
}

/* The same side by side. */
static void fan(struct world *w, const void *arg)
{
	size_t n = *(const size_t *)arg;
	char *last = NULL;

	for (size_t i = 1; i <= n; i++) {
		last = sim_str("r%02zu", i);
		sim_delegate(w->sim, "targets", last, "file", 0);
	}
	sim_target(w->sim, last, "file", "at the end");
	release_all(w);
	init(w);
	if (n <= SUT_TUF_DELEGATIONS_MAX - 1) {
		download(w, "file");
		expect_downloads(w, "at the end", NULL);
	} else {
		download_fails(w, "file");
		expect_downloads(w, NULL);
		EXPECT(!strstr(server_log(w->server),
			       sim_str("1.r%02d.json", SUT_TUF_DELEGATIONS_MAX + 1)),
		       "more than the limit was fetched");
	}
}

static void self_delegation(struct world *w, const void *arg _unused_)
{
	sim_delegate(w->sim, "targets", "A", "*", 0);
	sim_delegate(w->sim, "A", "A", "*", 0);
	release_all(w);
	init(w);
	download_fails(w, "file");
	expect_requests(w, TOP " 1.A.json");
}

/* --- hash bins --- */

/* Two bins by the first digit of the path's hash: 0-7 and 8-f. */
static void hash_bins(struct world *w, const void *arg _unused_)
{
	const char *path = "file", *bins[] = {"low", "high"};
	char *hash = sim_hash("sha256", path, strlen(path));
	bool high = hash[0] >= '8';

	sim_delegate(w->sim, "targets", "low", "0 1 2 3 4 5 6 7", SIM_PREFIXES | SIM_TERMINATING);
	sim_delegate(w->sim, "targets", "high", "8 9 a b c d e f", SIM_PREFIXES | SIM_TERMINATING);
	/* The artifact of the one that is put in last is served. */
	sim_target(w->sim, bins[!high], path, "from the wrong one");
	sim_target(w->sim, bins[high], path, "from the right one");
	release_all(w);
	init(w);
	download(w, path);
	expect_downloads(w, "from the right one", NULL);
	EXPECT(strstr(server_log(w->server), bins[high]) &&
		       !strstr(server_log(w->server), bins[!high]),
	       "the wrong bin was asked for");
}

static void whole_hash_as_prefix(struct world *w, const void *arg _unused_)
{
	char *hash = sim_hash("sha256", "file", 4);

	sim_delegate(w->sim, "targets", "exact", hash, SIM_PREFIXES);
	sim_target(w->sim, "exact", "file", "text");
	sim_target(w->sim, "exact", "other", "text");
	release_all(w);
	init(w);
	download(w, "file");
	download_fails(w, "other");
	expect_downloads(w, "text", NULL);
}

/* "paths" and "path_hash_prefixes" together, or neither: the file is malformed (4.5). */
static void paths_and_prefixes(struct world *w, const void *arg)
{
	json_t *entry;

	init(w);
	refresh(w);
	sim_delegate(w->sim, "targets", "A", arg ? "*" : NULL, 0);
	entry = sim_role_json(w->sim, "targets", "A");
	if (arg)
		json_object_set_new(entry, "path_hash_prefixes", json_pack("[s]", "0"));
	sim_target(w->sim, "A", "file", "text");
	release_all(w);
	download_fails(w, "file");
	expect_downloads(w, NULL);
}

/* Two entries for one role. */
static void role_twice(struct world *w, const void *arg _unused_)
{
	sim_delegate(w->sim, "targets", "A", "a", 0);
	sim_delegate(w->sim, "targets", "A", "b", 0);
	sim_target(w->sim, "A", "a", "text a");
	release_all(w);
	init(w);
	/* Refused or used by its first entry: both keep what was promised. */
	if (run_download(w, "a") == 0)
		expect_downloads(w, "text a", NULL);
	else
		expect_downloads(w, NULL);
}

#define GRAPH(name, ...)                                                                           \
	{                                                                                          \
		"delegations/" name, traversal, &(const struct graph){__VA_ARGS__},                \
			"test_updater_delegation_graphs.py: test_graph_traversal[" name "]"        \
	}
#define SEARCH(name, ...)                                                                          \
	{                                                                                          \
		"delegations/search-" name, search, &(const struct search){__VA_ARGS__},           \
			"test_updater_delegation_graphs.py: test_targetfile_search[" name "]"      \
	}

static const size_t under = SUT_TUF_DELEGATIONS_MAX - 1, over = SUT_TUF_DELEGATIONS_MAX + 1;

static const struct tuf_test tests[] = {
	GRAPH("basic-delegation", "1.A.json", {{"targets", "A"}}),
	GRAPH("single-level-delegations", "1.A.json 1.B.json",
	      {{"targets", "A"}, {"targets", "B"}}),
	GRAPH("two-level-delegations", "1.A.json 1.B.json 1.C.json",
	      {{"targets", "A"}, {"targets", "B"}, {"B", "C"}}),
	GRAPH("two-level-test-DFS-order-of-traversal", "1.A.json 1.C.json 1.D.json 1.B.json",
	      {{"targets", "A"}, {"targets", "B"}, {"A", "C"}, {"A", "D"}}),
	GRAPH("three-level-delegation-test-DFS-order-of-traversal",
	      "1.A.json 1.C.json 1.D.json 1.B.json",
	      {{"targets", "A"}, {"targets", "B"}, {"A", "C"}, {"C", "D"}}),
	GRAPH("two-level-terminating-ignores-all-but-roles-descendants", "1.A.json 1.C.json",
	      {{"targets", "A"}, {"targets", "B"}, {"A", "C", NULL, SIM_TERMINATING}, {"A", "D"}}),
	GRAPH("three-level-terminating-ignores-all-but-roles-descendants",
	      "1.A.json 1.C.json 1.D.json",
	      {{"targets", "A"}, {"targets", "B"}, {"A", "C", NULL, SIM_TERMINATING}, {"C", "D"}}),
	GRAPH("two-level-ignores-all-branches-not-matching-paths", "1.B.json",
	      {{"targets", "A", "*.py"}, {"targets", "B"}, {"A", "C"}}),
	GRAPH("three-level-ignores-all-branches-not-matching-paths", "1.A.json 1.B.json",
	      {{"targets", "A"}, {"targets", "B"}, {"A", "C", "*.py"}, {"C", "D"}}),
	GRAPH("cyclic-graph", "1.A.json 1.B.json 1.C.json 1.D.json",
	      {{"targets", "A"}, {"targets", "B"}, {"B", "C"}, {"C", "D"}, {"D", "B"}}),
	GRAPH("two-roles-delegating-to-a-third", "1.A.json 1.C.json 1.B.json",
	      {{"targets", "A"}, {"targets", "B"}, {"B", "C"}, {"A", "C"}}),
	GRAPH("two-roles-delegating-to-a-third-different-paths", "1.A.json 1.B.json 1.C.json",
	      {{"targets", "A"}, {"targets", "B"}, {"B", "C"}, {"A", "C", "*.py"}}),
	SEARCH("no-delegations", "targetfile", "targetfile content", ""),
	SEARCH("targetpath-matches-wildcard", "README.md", "README by A", "1.A.json"),
	SEARCH("targetpath-with-separators-x", "releases/x/x_v1", "x release by C",
	       "1.B.json 1.C.json"),
	SEARCH("targetpath-with-separators-y", "releases/y/y_v1.zip", "y release by D",
	       "1.B.json 1.D.json"),
	SEARCH("targetpath-is-not-delegated-by-all-roles-in-the-chain", "releases/z/z_v1.zip", NULL,
	       "1.B.json"),
	SEARCH("case-matters", "README.MD", NULL, ""),
	SEARCH("star-does-not-match-slash", "sub/README.md", NULL, ""),
	SEARCH("star-is-one-level", "nested/a/b", NULL, ""),
	SEARCH("question-mark-is-one-character", "v1/file", "one character", "1.E.json"),
	SEARCH("question-mark-is-not-two", "v10/file", NULL, ""),
	SEARCH("question-mark-does-not-match-slash", "v//file", NULL, ""),
	{"delegations/cached-role-is-verified-against-current-delegator", diamond_same_process,
	 NULL,
	 "test_updater_delegation_graphs.py: "
	 "test_cached_role_is_verified_against_current_delegator"},
	{"delegations/not-in-snapshot", not_in_snapshot, NULL,
	 "test_updater_delegation_graphs.py: role not in snapshot; go-tuf #652"},
	{"delegations/diamond-with-different-keys-across-runs", diamond_cached, NULL, "5.6.3"},
	{"delegations/diamond-signed-by-both", diamond_signed_by_both, NULL, "5.6.3"},
	{"delegations/cached-role-with-replaced-keys", cached_role_current_keys, NULL,
	 "5.6.3; 6.1"},
	{"delegations/threshold", threshold_of_delegation, NULL, "5.6.3"},
	{"delegations/unsigned-role-ends-the-search", failure_ends_search, "unsigned", "5.6.7"},
	{"delegations/missing-role-ends-the-search", failure_ends_search, "404", "5.6.7"},
	{"delegations/expired-role-ends-the-search", failure_ends_search, "expired", "5.6.7"},
	{"delegations/first-in-the-list-wins", first_wins, NULL, "5.6.7.2"},
	{"delegations/own-entry-comes-first", own_entry_first, NULL, "5.6.7.1"},
	{"delegations/outside-of-its-paths", outside_of_its_paths, NULL, "4.5"},
	{"delegations/31-in-a-chain", chain, &under, "5.6.7.1"},
	{"delegations/33-in-a-chain-are-too-many", chain, &over, "5.6.7.1"},
	{"delegations/31-side-by-side", fan, &under, "5.6.7.1"},
	{"delegations/33-side-by-side-are-too-many", fan, &over, "5.6.7.1"},
	{"delegations/to-itself", self_delegation, NULL, "5.6.7.1"},
	{"delegations/costly-pattern", costly_pattern, NULL, "4.5"},
	{"delegations/pattern-is-literal", pattern_is_literal, NULL, "4.5"},
	{"delegations/hash-bins", hash_bins, NULL, "4.5"},
	{"delegations/whole-hash-as-prefix", whole_hash_as_prefix, NULL, "4.5"},
	{"delegations/paths-and-prefixes", paths_and_prefixes, "both", "4.5"},
	{"delegations/neither-paths-nor-prefixes", paths_and_prefixes, NULL, "4.5"},
	{"delegations/role-twice", role_twice, NULL, "4.5"},
};

const struct tuf_group tuf_delegations = {tests, SUT_ARRAY_SIZE(tests)};
