// SPDX-License-Identifier: Apache-2.0
/* The client against a repository in memory: what it asks for, what it keeps, what it survives. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/str.h"
#include "sample_repo.h"
#include "tuf/store.h"

static struct sample_repo *repo;
static struct sut_err err;

static void init(void)
{
	struct sut_buf *root = sample_repo_served(repo, "m/1.root.json");

	assert_ok(sut_tuf_init("md", root->data, root->len, &err), err);
}

/* Each test has a fresh repository, and a client that trusts its first root. */
static int enter(void **state)
{
	char *d;

	if (sut_tmpdir("suture-unit", &d, &err) < 0)
		return -1;
	*state = d;
	repo = sample_repo_new();
	if (chdir(d) < 0)
		return -1;
	init();
	return 0;
}

static int leave(void **state)
{
	int r = chdir("/") < 0 || sut_rm_rf(*state, &err) < 0;

	sample_repo_free(repo);
	free(*state);
	return r;
}

static struct sut_tuf_client *client(void)
{
	struct sut_tuf_client_opts o = {.metadata_dir = "md",
					.metadata_url = SAMPLE_REPO_METADATA,
					.targets_url = SAMPLE_REPO_TARGETS,
					.fetcher = sample_repo_fetcher(repo),
					.now = SAMPLE_TUF_NOW};
	struct sut_tuf_client *c = NULL;

	err = (struct sut_err){0};
	assert_ok(sut_tuf_client_new(&o, &c, &err), err);
	sut_buf_release(&repo->log);
	return c;
}

static int refresh(void)
{
	_cleanup_(sut_tuf_client_freep) struct sut_tuf_client *c = client();

	return sut_tuf_refresh(c, &err);
}

static int find(const char *path)
{
	_cleanup_(sut_tuf_client_freep) struct sut_tuf_client *c = client();
	struct sut_tuf_target t;

	return sut_tuf_find(c, path, &t, &err);
}

static int download(const char *path)
{
	_cleanup_(sut_tuf_client_freep) struct sut_tuf_client *c = client();
	_cleanup_(sut_freep) char *where = NULL;
	struct sut_tuf_target t;
	int r = sut_tuf_find(c, path, &t, &err);

	sut_buf_release(&repo->log);
	return r < 0 ? r : sut_tuf_download(c, &t, "out", &where, &err);
}

static void asked(const char *list)
{
	assert_string_equal(sut_buf_str(&repo->log), list);
}

static void assert_holds(const char *path, const void *data, size_t len)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(1 << 20);

	assert_ok(sut_file_read(path, &b, &err), err);
	assert_int_equal(b.len, len);
	if (len)
		assert_memory_equal(b.data, data, len);
}

static void assert_is_served(const char *path, const char *name)
{
	struct sut_buf *b = sample_repo_served(repo, name);

	assert_holds(path, b->data, b->len);
}

static void put(const char *path, const char *text)
{
	assert_ok(sut_file_write(path, text, strlen(text), 0644, &err), err);
}

static json_t *signed_of(enum sut_tuf_type t)
{
	return repo->tuf->signed_[t];
}

/* ------------------------------------------------------------------ */

static void first_refresh_asks_in_order(void **state _unused_)
{
	assert_ok(refresh(), err);
	asked("2.root.json timestamp.json 1.snapshot.json 1.targets.json");
	assert_is_served("md/root.json", "m/1.root.json");
	assert_is_served("md/timestamp.json", "m/timestamp.json");
	assert_is_served("md/snapshot.json", "m/1.snapshot.json");
	assert_is_served("md/targets.json", "m/1.targets.json");
}

static void nothing_new_costs_two_requests(void **state _unused_)
{
	_cleanup_(sut_tuf_client_freep) struct sut_tuf_client *c = client(), *d = NULL;

	assert_null(sut_tuf_client_meta(c, SUT_TUF_ROOT));
	assert_ok(sut_tuf_refresh(c, &err), err);
	assert_true(sut_tuf_changed(c));
	assert_int_equal(sut_tuf_client_meta(c, SUT_TUF_TARGETS)->version, 1);
	assert_int_equal(sut_tuf_refresh(c, &err), -EALREADY);
	sut_tuf_client_free(sut_steal(c));
	d = client();
	assert_ok(sut_tuf_refresh(d, &err), err);
	asked("2.root.json timestamp.json");
	assert_false(sut_tuf_changed(d));
}

static void only_what_changed_is_fetched(void **state _unused_)
{
	json_t *s = signed_of(SUT_TUF_SNAPSHOT), *t = signed_of(SUT_TUF_TIMESTAMP);

	assert_ok(refresh(), err);
	sample_tuf_set_version(s, 2);
	sample_tuf_set_version(t, 2);
	sample_tuf_set(t, "meta/snapshot.json/version", "2");
	sample_repo_publish(repo, SUT_TUF_SNAPSHOT);
	sample_repo_publish(repo, SUT_TUF_TIMESTAMP);
	assert_ok(refresh(), err);
	asked("2.root.json timestamp.json 2.snapshot.json");
	sample_repo_release(repo);
	assert_ok(refresh(), err);
	asked("2.root.json timestamp.json 3.snapshot.json 2.targets.json");
}

static void without_consistent_snapshots_names_have_no_version(void **state _unused_)
{
	sample_tuf_set(signed_of(SUT_TUF_ROOT), "consistent_snapshot", "false");
	for (enum sut_tuf_type t = SUT_TUF_ROOT; t <= SUT_TUF_TARGETS; t++)
		sample_repo_publish(repo, t);
	init();
	assert_ok(refresh(), err);
	asked("2.root.json timestamp.json snapshot.json targets.json");
}

static void init_removes_the_earlier_trust(void **state _unused_)
{
	struct sut_buf *root = sample_repo_served(repo, "m/1.root.json");

	assert_ok(refresh(), err);
	put("md/old%2Frole.json", "x");
	/* One that is not good changes nothing. */
	assert_true(sut_tuf_init("md", "{}", 2, &err) < 0);
	assert_true(sut_tuf_init("md", root->data, root->len - 9, &err) < 0);
	assert_true(sut_exists("md/timestamp.json"));
	init();
	assert_is_served("md/root.json", "m/1.root.json");
	assert_false(sut_exists("md/timestamp.json"));
	assert_false(sut_exists("md/targets.json"));
	assert_false(sut_exists("md/old%2Frole.json"));
}

static void without_a_good_root_nothing_is_asked(void **state _unused_)
{
	static const char *const bad[] = {"", "{}", "garbage",
					  "{\"signatures\": [], \"signed\": 1}"};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(bad); i++) {
		put("md/root.json", bad[i]);
		assert_true(refresh() < 0);
		asked("");
		assert_says(err, "init");
	}
	assert_int_equal(unlink("md/root.json"), 0);
	assert_int_equal(refresh(), -ENOENT);
	assert_string_equal(err.reason, "no-root");
	asked("");
}

static void a_missing_folder_is_not_made(void **state _unused_)
{
	struct sut_tuf_client_opts o = {.metadata_dir = "typo", .metadata_url = "http://x"};
	struct sut_tuf_client *c = NULL;

	assert_int_equal(sut_tuf_client_new(&o, &c, &err), -ENOENT);
	assert_false(sut_exists("typo"));
}

/* A copy that was damaged is fetched again, whatever is in its place. */
static void damaged_copies_are_replaced(void **state _unused_)
{
	static const char *const names[][2] = {{"md/timestamp.json", "m/timestamp.json"},
					       {"md/snapshot.json", "m/1.snapshot.json"},
					       {"md/targets.json", "m/1.targets.json"}};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(names); i++) {
		struct sut_buf *b = sample_repo_served(repo, names[i][1]);

		for (int how = 0; how < 4; how++) {
			assert_ok(refresh(), err);
			if (how == 0)
				put(names[i][0], "");
			else if (how == 1)
				assert_ok(sut_file_write(names[i][0], b->data, b->len / 2, 0644,
							 &err),
					  err);
			else if (how == 2)
				put(names[i][0], "garbage");
			else if (unlink(names[i][0]) < 0 || symlink("nowhere", names[i][0]) < 0)
				fail();
			assert_ok(refresh(), err);
			assert_is_served(names[i][0], names[i][1]);
		}
	}
}

static void
what_the_snapshot_names_is_refetched_when_the_copy_is_of_another_version(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf old = SUT_BUF_INIT(1 << 16);

	assert_ok(refresh(), err);
	assert_ok(sut_file_read("md/targets.json", &old, &err), err);
	sample_repo_release(repo);
	assert_ok(refresh(), err);
	assert_ok(sut_file_write("md/targets.json", old.data, old.len, 0644, &err), err);
	assert_ok(refresh(), err);
	asked("2.root.json timestamp.json 2.targets.json");
	assert_is_served("md/targets.json", "m/2.targets.json");
}

/* ------------------------------------------------------------------ */

static void each_root_is_kept_as_soon_as_it_is_good(void **state _unused_)
{
	sample_repo_root(repo);
	sample_repo_root(repo);
	sample_repo_serve(repo, "m/4.root.json", "{}", 2);
	assert_true(refresh() < 0);
	asked("2.root.json 3.root.json 4.root.json");
	assert_is_served("md/root.json", "m/3.root.json");
	sample_repo_serve(repo, "m/4.root.json", NULL, 0);
	assert_ok(refresh(), err);
	asked("4.root.json timestamp.json 1.snapshot.json 1.targets.json");
}

/* The root cannot be asked for: not the same as "there is no newer one". */
static void a_root_that_fails_to_come_ends_the_update(void **state _unused_)
{
	repo->fail = "m/2.root.json";
	repo->fail_code = -ETIMEDOUT;
	assert_int_equal(refresh(), -ETIMEDOUT);
	asked("2.root.json");
}

/* 5.3.5: the same root again is no rotation; it is passed over, and nothing newer is asked for. */
static void the_same_root_again_ends_the_rotations(void **state _unused_)
{
	struct sut_buf *b;

	sample_repo_root(repo);
	b = sample_repo_served(repo, "m/2.root.json");
	sample_repo_serve(repo, "m/3.root.json", b->data, b->len);
	assert_ok(refresh(), err);
	asked("2.root.json 3.root.json timestamp.json 1.snapshot.json 1.targets.json");
	assert_is_served("md/root.json", "m/2.root.json");
}

static void fast_forward(enum sut_tuf_type type)
{
	sample_tuf_set_version(signed_of(SUT_TUF_TIMESTAMP), 2147483647);
	if (type == SUT_TUF_SNAPSHOT) {
		sample_tuf_set_version(signed_of(SUT_TUF_SNAPSHOT), 2147483647);
		sample_tuf_set(signed_of(SUT_TUF_TIMESTAMP), "meta/snapshot.json/version",
			       "2147483647");
		sample_repo_publish(repo, SUT_TUF_SNAPSHOT);
	}
	sample_repo_publish(repo, SUT_TUF_TIMESTAMP);
	assert_ok(refresh(), err);
}

/* Back to version 2 of everything, with new keys for the roles; all but the root is served. */
static void recover(bool timestamp, bool snapshot)
{
	if (timestamp)
		sample_repo_rotate(repo, SUT_TUF_TIMESTAMP);
	if (snapshot)
		sample_repo_rotate(repo, SUT_TUF_SNAPSHOT);
	sample_tuf_set_version(signed_of(SUT_TUF_TIMESTAMP), 1);
	sample_tuf_set_version(signed_of(SUT_TUF_SNAPSHOT), 1);
	sample_repo_release(repo);
}

static void rotation_of_keys_recovers_from_fast_forward(void **state _unused_)
{
	static const enum sut_tuf_type types[] = {SUT_TUF_TIMESTAMP, SUT_TUF_SNAPSHOT};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(types); i++)
		for (int keys = 1; keys <= 3; keys++) {
			fast_forward(types[i]);
			recover(keys & 1, keys & 2);
			if (!(keys & 1) || types[i] == SUT_TUF_SNAPSHOT)
				assert_int_equal(refresh(), keys & 1 ? -EKEYREJECTED : -ESTALE);
			sample_repo_root(repo);
			assert_ok(refresh(), err);
			assert_is_served("md/timestamp.json", "m/timestamp.json");
			assert_is_served("md/snapshot.json", "m/2.snapshot.json");
		}
}

/* The earlier run was killed between the persisting of the root and the deleting, or between the two
 * deletions. */
static void rotation_recovers_after_a_killed_run(void **state _unused_)
{
	int64_t root = 1;

	for (int keys = 1; keys <= 3; keys++)
		for (int deleted = 0; deleted < 2; deleted++) {
			_cleanup_(sut_freep) char *name = NULL;
			struct sut_buf *b;

			fast_forward(SUT_TUF_SNAPSHOT);
			recover(keys & 1, keys & 2);
			sample_repo_root(repo);
			name = sut_sprintf("m/%lld.root.json", (long long)++root);
			b = sample_repo_served(repo, name);
			assert_ok(sut_file_write("md/root.json", b->data, b->len, 0644, &err), err);
			if (deleted) /* the one that does not tell goes first */
				assert_int_equal(
					unlink(keys & 2 ? "md/timestamp.json" : "md/snapshot.json"),
					0);
			assert_ok(refresh(), err);
			assert_is_served("md/snapshot.json", "m/2.snapshot.json");
		}
}

static void an_expired_root_is_kept_and_ends_the_update(void **state _unused_)
{
	sample_tuf_set_expires(signed_of(SUT_TUF_ROOT), SAMPLE_TUF_NOW);
	sample_repo_root(repo);
	assert_int_equal(refresh(), -EKEYEXPIRED);
	asked("2.root.json 3.root.json");
	assert_is_served("md/root.json", "m/2.root.json");
}

static void an_expired_timestamp_that_is_known_ends_the_update(void **state _unused_)
{
	assert_ok(refresh(), err);
	sample_tuf_set_expires(signed_of(SUT_TUF_TIMESTAMP), SAMPLE_TUF_NOW + 5);
	sample_tuf_set_version(signed_of(SUT_TUF_TIMESTAMP), 2);
	sample_repo_publish(repo, SUT_TUF_TIMESTAMP);
	assert_ok(refresh(), err);
	{
		struct sut_tuf_client_opts o = {.metadata_dir = "md",
						.metadata_url = SAMPLE_REPO_METADATA,
						.fetcher = sample_repo_fetcher(repo),
						.now = SAMPLE_TUF_NOW + 5};
		_cleanup_(sut_tuf_client_freep) struct sut_tuf_client *c = NULL;

		assert_ok(sut_tuf_client_new(&o, &c, &err), err);
		sut_buf_release(&repo->log);
		assert_int_equal(sut_tuf_refresh(c, &err), -EKEYEXPIRED);
		asked("2.root.json timestamp.json");
	}
}

/* CVE-2025-2888 (tough): a timestamp was kept although the snapshot it names was refused. */
static void nothing_is_kept_of_a_file_that_is_refused(void **state _unused_)
{
	static const enum sut_tuf_type types[] = {SUT_TUF_TIMESTAMP, SUT_TUF_SNAPSHOT,
						  SUT_TUF_TARGETS};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(types); i++) {
		const char *name = sut_tuf_type_name(types[i]);
		_cleanup_(sut_freep) char *path = sut_sprintf("md/%s.json", name);
		_cleanup_buf_ struct sut_buf before = SUT_BUF_INIT(1 << 16);
		int64_t expires = SAMPLE_TUF_NOW + SAMPLE_TUF_DAY;

		assert_ok(refresh(), err);
		assert_ok(sut_file_read(path, &before, &err), err);
		sample_tuf_set_expires(signed_of(types[i]), SAMPLE_TUF_NOW - 1);
		sample_repo_release(repo);
		assert_int_equal(refresh(), -EKEYEXPIRED);
		assert_holds(path, before.data, before.len);
		sample_tuf_set_expires(signed_of(types[i]), expires);
		sample_repo_release(repo);
		assert_ok(refresh(), err);
	}
	assert_ok(refresh(), err);
	/* A snapshot version that goes back, in a timestamp that is new. */
	sample_tuf_set(signed_of(SUT_TUF_TIMESTAMP), "meta/snapshot.json/version", "1");
	sample_tuf_set_version(signed_of(SUT_TUF_TIMESTAMP), 100);
	sample_repo_publish(repo, SUT_TUF_TIMESTAMP);
	assert_int_equal(refresh(), -ESTALE);
	sample_tuf_set_version(signed_of(SUT_TUF_TIMESTAMP), 50);
	sample_repo_release(repo);
	assert_ok(refresh(), err);
}

static void missing_metadata_is_not_a_missing_target(void **state _unused_)
{
	static const char *const names[] = {"m/timestamp.json", "m/1.snapshot.json",
					    "m/1.targets.json"};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(names); i++) {
		_cleanup_(sut_tuf_client_freep) struct sut_tuf_client *c = client();
		struct sut_tuf_target t;

		repo->fail = names[i];
		repo->fail_code = -ENOENT;
		assert_int_equal(sut_tuf_find(c, "x", &t, &err), -EREMOTEIO);
		assert_string_equal(err.reason, "missing");
		assert_int_equal(sut_tuf_find(c, "x", &t, &err), -EPROTO);
	}
	repo->fail = NULL;
	assert_int_equal(find("x"), -ENOENT);
	assert_string_equal(err.reason, "no-target");
}

/* ------------------------------------------------------------------ */

struct tree {
	const char *delegator, *role, *pattern;
	bool terminating;
};

/* A role of each name, all with one key, version 1 each. */
static void plant(const struct tree *t, size_t n)
{
	struct sample_tuf_key *k = sample_tuf_key(SUT_KEY_ED25519);
	json_t *all = json_object();

	for (size_t i = 0; i < n; i++)
		if (!json_object_get(all, t[i].role))
			json_object_set_new(all, t[i].role, sample_tuf_targets());
	for (size_t i = 0; i < n; i++) {
		json_t *from = strcmp(t[i].delegator, "targets") != 0
				       ? json_object_get(all, t[i].delegator)
				       : signed_of(SUT_TUF_TARGETS);
		json_t *d = sample_tuf_delegate(from, t[i].role, t[i].pattern, k);

		if (t[i].terminating)
			sample_tuf_set(d, "terminating", "true");
	}
	for (size_t i = 0; i < n; i++)
		sample_repo_role(repo, t[i].role, json_object_get(all, t[i].role), k);
	sample_repo_release(repo);
	json_decref(all);
	sample_tuf_key_free(k);
}

static void search_is_depth_first_in_order(void **state _unused_)
{
	static const struct tree t[] = {
		{"targets", "A", "*", false}, {"targets", "B", "*", false}, {"A", "C", "*", false},
		{"A", "D", "no/*", false},    {"C", "A", "*", false},	    {"A", "E", "*", false},
	};

	plant(t, SUT_ARRAY_SIZE(t));
	assert_int_equal(find("x"), -ENOENT);
	asked("2.root.json timestamp.json 2.snapshot.json 2.targets.json 1.A.json 1.C.json "
	      "1.E.json 1.B.json");
	assert_int_equal(find("x"), -ENOENT);
	asked("2.root.json timestamp.json");
}

static void a_terminating_delegation_ends_the_search(void **state _unused_)
{
	static const struct tree t[] = {
		{"targets", "A", "*", false}, {"targets", "B", "*", false}, {"A", "C", "*", true},
		{"A", "D", "*", false},	      {"C", "E", "*", false},
	};

	plant(t, SUT_ARRAY_SIZE(t));
	assert_int_equal(find("x"), -ENOENT);
	asked("2.root.json timestamp.json 2.snapshot.json 2.targets.json 1.A.json 1.C.json "
	      "1.E.json");
}

static void search_is_bounded(void **state _unused_)
{
	struct tree t[SUT_TUF_DELEGATIONS_MAX + 1];
	char names[SUT_TUF_DELEGATIONS_MAX + 1][8];

	for (size_t i = 0; i < SUT_ARRAY_SIZE(t); i++) {
		snprintf(names[i], sizeof(names[i]), "R%zu", i);
		t[i] = (struct tree){i ? names[i - 1] : "targets", names[i], "*", false};
	}
	plant(t, SUT_ARRAY_SIZE(t));
	assert_int_equal(find("x"), -ELOOP);
	assert_non_null(strstr(sut_buf_str(&repo->log), "1.R31.json"));
	assert_null(strstr(sut_buf_str(&repo->log), "1.R32.json"));
}

static void role_names_are_quoted(void **state _unused_)
{
	static const struct tree t[] = {{"targets", "../a b?#", "*", false}};

	plant(t, 1);
	assert_int_equal(find("x"), -ENOENT);
	asked("2.root.json timestamp.json 2.snapshot.json 2.targets.json "
	      "1...%2Fa%20b%3F%23.json");
	assert_true(sut_exists("md/..%2Fa%20b%3F%23.json"));
}

/* go-tuf #652: such a delegation crashed it. */
static void a_role_that_is_not_in_the_snapshot_is_not_fetched(void **state _unused_)
{
	static const struct tree t[] = {{"targets", "A", "*", false}};

	plant(t, 1);
	sample_tuf_set(signed_of(SUT_TUF_SNAPSHOT), "meta/A.json", NULL);
	sample_repo_release(repo);
	assert_int_equal(find("x"), -EBADMSG);
	assert_string_equal(err.reason, "missing");
	asked("2.root.json timestamp.json 3.snapshot.json 3.targets.json");
}

/* Verified through one delegator is not verified through another. */
static void a_cached_role_is_verified_by_the_keys_on_this_path(void **state _unused_)
{
	struct sample_tuf_key *ka = sample_tuf_key(SUT_KEY_ED25519);
	struct sample_tuf_key *kb = sample_tuf_key(SUT_KEY_ED25519);
	json_t *a = sample_tuf_targets(), *b = sample_tuf_targets(), *c = sample_tuf_targets();
	_cleanup_(sut_tuf_client_freep) struct sut_tuf_client *cl = NULL;
	struct sut_tuf_target t;

	sample_tuf_delegate(signed_of(SUT_TUF_TARGETS), "A", "a", ka);
	sample_tuf_delegate(signed_of(SUT_TUF_TARGETS), "B", "b", ka);
	sample_tuf_delegate(a, "C", "*", ka);
	sample_tuf_delegate(b, "C", "*", kb);
	sample_repo_target(repo, c, "a", "1", 1);
	sample_repo_target(repo, c, "b", "2", 1);
	sample_repo_role(repo, "A", a, ka);
	sample_repo_role(repo, "B", b, ka);
	sample_repo_role(repo, "C", c, ka);
	sample_repo_release(repo);
	cl = client();
	assert_ok(sut_tuf_find(cl, "a", &t, &err), err);
	assert_int_equal(sut_tuf_find(cl, "b", &t, &err), -EKEYREJECTED);
	sut_tuf_client_free(sut_steal(cl));
	assert_int_equal(find("b"), -EKEYREJECTED); /* nor from the folder */
	sample_tuf_key_free(ka);
	sample_tuf_key_free(kb);
	json_decref(a);
	json_decref(b);
	json_decref(c);
}

/* ------------------------------------------------------------------ */

static int note(void *ctx, const struct sut_tuf_target *t, struct sut_err *e _unused_)
{
	return sut_buf_addf(ctx, "%s%s", ((struct sut_buf *)ctx)->len ? " " : "", t->path);
}

static bool is_wanted(void *ctx _unused_, const char *path)
{
	return !strstr(path, "skip");
}

static void assert_lists(bool (*want)(void *ctx, const char *path), const char *list)
{
	_cleanup_(sut_tuf_client_freep) struct sut_tuf_client *c = client();
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(4096);

	assert_ok(sut_tuf_each(c, want, note, &b, &err), err);
	assert_string_equal(sut_buf_str(&b), list);
}

/* An entry counts only where its role is in charge: what is not delegated to it, what an earlier role
 * took for itself, and what only a role nobody asks has, is no target. */
static void listed_is_what_would_be_found(void **state _unused_)
{
	struct sample_tuf_key *k = sample_tuf_key(SUT_KEY_ED25519);
	json_t *a = sample_tuf_targets(), *b = sample_tuf_targets(), *c = sample_tuf_targets();

	sample_tuf_set(sample_tuf_delegate(signed_of(SUT_TUF_TARGETS), "A", "a/*", k),
		       "terminating", "true");
	sample_tuf_delegate(signed_of(SUT_TUF_TARGETS), "B", "?/*", k);
	sample_tuf_delegate(a, "C", "a/c", k);
	sample_repo_target(repo, signed_of(SUT_TUF_TARGETS), "top", "1", 1);
	sample_repo_target(repo, a, "a/1", "1", 1);
	sample_repo_target(repo, a, "top2", "1", 1);
	sample_repo_target(repo, b, "a/1", "2", 1);
	sample_repo_target(repo, b, "a/2", "2", 1);
	sample_repo_target(repo, b, "b/skip", "2", 1);
	sample_repo_target(repo, b, "b/1", "2", 1);
	sample_repo_target(repo, c, "a/c", "3", 1);
	sample_repo_target(repo, c, "b/c", "3", 1);
	sample_repo_role(repo, "A", a, k);
	sample_repo_role(repo, "B", b, k);
	sample_repo_role(repo, "C", c, k);
	sample_repo_release(repo);
	assert_lists(NULL, "a/1 a/c b/1 b/skip top");
	assert_lists(is_wanted, "a/1 a/c b/1 top");
	sample_tuf_key_free(k);
	json_decref(a);
	json_decref(b);
	json_decref(c);
}

static int note_role(void *ctx, const char *role, const struct sut_tuf_meta *m,
		     struct sut_err *e _unused_)
{
	return sut_buf_addf(ctx, "%s@%lld ", role, (long long)m->version);
}

static void listing_walks_circles_once(void **state _unused_)
{
	static const struct tree t[] = {{"targets", "A", "*", false},
					{"A", "B", "*", false},
					{"B", "A", "*", false},
					{"B", "B", "*", false}};

	_cleanup_(sut_tuf_client_freep) struct sut_tuf_client *c = NULL;
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(4096);

	plant(t, SUT_ARRAY_SIZE(t));
	assert_lists(NULL, "");
	c = client();
	assert_ok(sut_tuf_each_role(c, note_role, &b, &err), err);
	assert_string_equal(sut_buf_str(&b), "targets@2 A@1 B@1 ");
}

static int refuse(void *ctx _unused_, const struct sut_tuf_target *t _unused_, struct sut_err *e)
{
	return sut_err_set(e, ECANCELED, "enough");
}

static void listing_ends_when_it_is_told_to_or_the_repository_is_broken(void **state _unused_)
{
	static const struct tree t[] = {{"targets", "A", "*", false}};
	_cleanup_(sut_tuf_client_freep) struct sut_tuf_client *c = NULL;

	sample_repo_target(repo, signed_of(SUT_TUF_TARGETS), "f", "1", 1);
	plant(t, 1);
	c = client();
	assert_int_equal(sut_tuf_each(c, NULL, refuse, NULL, &err), -ECANCELED);
	sut_tuf_client_free(sut_steal(c));
	sample_repo_serve(repo, "m/1.A.json", "{}", 2);
	assert_ok(sut_rm_rf("md/A.json", &err), err);
	c = client();
	assert_true(sut_tuf_each(c, NULL, note, NULL, &err) < 0);
	repo->fail = "m/timestamp.json";
	repo->fail_code = -ETIMEDOUT;
	sut_tuf_client_free(sut_steal(c));
	c = client();
	assert_int_equal(sut_tuf_each(c, NULL, note, NULL, &err), -ETIMEDOUT);
	assert_int_equal(sut_tuf_each(c, NULL, note, NULL, &err), -EPROTO);
}

/* ------------------------------------------------------------------ */

#define HELLO_HASH "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"

static void serve_hello(const char *path)
{
	sample_repo_target(repo, signed_of(SUT_TUF_TARGETS), path, "hello", 5);
	sample_repo_release(repo);
}

static void a_target_is_downloaded_once(void **state _unused_)
{
	serve_hello("dir/a b");
	assert_ok(download("dir/a b"), err);
	asked("t/dir/" HELLO_HASH ".a%20b");
}

static void a_right_file_is_not_fetched_again(void **state _unused_)
{
	serve_hello("f");
	assert_ok(download("f"), err);
	asked("t/" HELLO_HASH ".f");
	assert_holds("out/f", "hello", 5);
	assert_false(sut_exists("out/f.part"));
	assert_ok(download("f"), err);
	asked("");
	put("out/f", "jello");
	assert_ok(download("f"), err);
	asked("t/" HELLO_HASH ".f");
	assert_holds("out/f", "hello", 5);
}

static void a_download_goes_on_where_it_was_cut(void **state _unused_)
{
	serve_hello("f");
	repo->fail = "t/" HELLO_HASH ".f";
	repo->fail_code = -EIO;
	repo->fail_after = 2;
	assert_int_equal(download("f"), -EIO);
	assert_holds("out/f.part", "he", 2);
	assert_false(sut_exists("out/f"));
	repo->fail = NULL;
	assert_ok(download("f"), err);
	asked("t/" HELLO_HASH ".f [2-]");
	assert_holds("out/f", "hello", 5);
	assert_false(sut_exists("out/f.part"));
}

static void a_wrong_beginning_is_fetched_anew_once(void **state _unused_)
{
	serve_hello("f");
	assert_ok(sut_mkdir_p("out", &err), err);
	put("out/f.part", "HE");
	assert_ok(download("f"), err);
	asked("t/" HELLO_HASH ".f [2-] t/" HELLO_HASH ".f");
	assert_holds("out/f", "hello", 5);
	/* Complete but wrong, and longer than it may be: no use asking for the rest. */
	for (int i = 0; i < 2; i++) {
		assert_int_equal(unlink("out/f"), 0);
		put("out/f.part", i ? "HELLO, world" : "HELLO");
		assert_ok(download("f"), err);
		asked("t/" HELLO_HASH ".f");
		assert_holds("out/f", "hello", 5);
	}
	assert_int_equal(unlink("out/f"), 0);
	put("out/f.part", "hello");
	assert_ok(download("f"), err);
	asked("");
}

static void wrong_files_leave_nothing(void **state _unused_)
{
	static const char *const wrong[] = {"HELLO", "hell", "hello, world", ""};

	serve_hello("f");
	for (size_t i = 0; i < SUT_ARRAY_SIZE(wrong); i++) {
		sample_repo_serve(repo, "t/" HELLO_HASH ".f", wrong[i], strlen(wrong[i]));
		assert_int_equal(download("f"), i == 2 ? -EFBIG : -EBADMSG);
		asked("t/" HELLO_HASH ".f");
		assert_false(sut_exists("out/f"));
		assert_false(sut_exists("out/f.part"));
	}
	sample_repo_serve(repo, "t/" HELLO_HASH ".f", NULL, 0);
	assert_int_equal(download("f"), -EREMOTEIO);
	assert_false(sut_exists("out/f"));
}

static void an_empty_target(void **state _unused_)
{
	sample_repo_target(repo, signed_of(SUT_TUF_TARGETS), "f", "", 0);
	sample_repo_release(repo);
	assert_ok(download("f"), err);
	assert_holds("out/f", "", 0);
}

/* CVE-2026-6968 (tough): absolute names and links led out of the folder. */
static void targets_stay_in_their_folder(void **state _unused_)
{
	static const char *const paths[][2] = {
		{"../escaped", "out/%2E.%2Fescaped"},
		{"a/../../escaped", "out/a%2F..%2F..%2Fescaped"},
	};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(paths); i++) {
		serve_hello(paths[i][0]);
		/* Refused or encoded, but never outside. */
		if (download(paths[i][0]) == 0)
			assert_holds(paths[i][1], "hello", 5);
		assert_false(sut_exists("escaped"));
	}
}

static void links_in_the_folder_are_not_followed(void **state _unused_)
{
	struct stat st;

	serve_hello("f");
	put("victim", "hello");
	assert_ok(sut_mkdir_p("out", &err), err);
	assert_int_equal(symlink("../victim", "out/f"), 0);
	assert_int_equal(symlink("../victim", "out/f.part"), 0);
	assert_ok(download("f"), err);
	assert_int_equal(lstat("out/f", &st), 0);
	assert_true(S_ISREG(st.st_mode));
	put("victim", "precious");
	assert_int_equal(unlink("out/f"), 0);
	assert_int_equal(link("victim", "out/f.part"), 0);
	assert_ok(download("f"), err);
	assert_holds("victim", "precious", 8);
	assert_int_equal(unlink("out/f"), 0);
	assert_int_equal(mkfifo("out/f.part", 0600), 0);
	assert_ok(download("f"), err);
	assert_holds("out/f", "hello", 5);
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	return st.st_mode & 07777;
}

/* flock(2) asks for no more than an open file: whoever can read one can hold it for ever. */
static void others_cannot_hold_up_a_download(void **state _unused_)
{
	mode_t mask = umask(022);

	serve_hello("f");
	assert_int_equal(mode_of("md/.lock"), 0600);
	repo->fail = "t/" HELLO_HASH ".f";
	repo->fail_code = -EIO;
	repo->fail_after = 2;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(download("f"), -EIO);
		assert_int_equal(mode_of("out/f.part"), 0600);
		assert_int_equal(chmod("out/f.part", 0644), 0);
	}
	repo->fail = NULL;
	assert_ok(download("f"), err);
	asked("t/" HELLO_HASH ".f [2-]");
	assert_int_equal(mode_of("out/f"), 0644);
	assert_int_equal(unlink("out/f"), 0);
	umask(027);
	assert_ok(download("f"), err);
	assert_int_equal(mode_of("out/f"), 0640);
	umask(mask);
}

/* Who can write to a file can still change it after it was checked. */
static void what_others_can_write_is_fetched_anew(void **state _unused_)
{
	struct stat st;

	serve_hello("f");
	assert_ok(sut_mkdir_p("out", &err), err);
	put("out/f.part", "hello");
	assert_int_equal(chmod("out/f.part", 0666), 0);
	assert_ok(download("f"), err);
	asked("t/" HELLO_HASH ".f");
	assert_int_equal(chmod("out/f", 0666), 0);
	assert_ok(download("f"), err);
	asked("t/" HELLO_HASH ".f");
	assert_false(mode_of("out/f") & 022);
	if (geteuid() != 0)
		return;
	assert_int_equal(chown("out/f", 65534, 65534), 0);
	put("out/f.part", "hello");
	assert_int_equal(chown("out/f.part", 65534, 65534), 0);
	assert_ok(download("f"), err);
	asked("t/" HELLO_HASH ".f");
	assert_int_equal(stat("out/f", &st), 0);
	assert_int_equal(st.st_uid, 0);
}

static void parts_are_never_other_targets(void **state _unused_)
{
	serve_hello("f.part");
	assert_ok(download("f.part"), err);
	serve_hello("f");
	assert_ok(download("f"), err);
	assert_holds("out/f", "hello", 5);
	assert_holds("out/f%2Epart", "hello", 5);
}

#define in_folder(t) cmocka_unit_test_setup_teardown(t, enter, leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_folder(first_refresh_asks_in_order),
		in_folder(nothing_new_costs_two_requests),
		in_folder(only_what_changed_is_fetched),
		in_folder(without_consistent_snapshots_names_have_no_version),
		in_folder(init_removes_the_earlier_trust),
		in_folder(without_a_good_root_nothing_is_asked),
		in_folder(a_missing_folder_is_not_made),
		in_folder(damaged_copies_are_replaced),
		in_folder(what_the_snapshot_names_is_refetched_when_the_copy_is_of_another_version),
		in_folder(each_root_is_kept_as_soon_as_it_is_good),
		in_folder(a_root_that_fails_to_come_ends_the_update),
		in_folder(the_same_root_again_ends_the_rotations),
		in_folder(rotation_of_keys_recovers_from_fast_forward),
		in_folder(rotation_recovers_after_a_killed_run),
		in_folder(an_expired_root_is_kept_and_ends_the_update),
		in_folder(an_expired_timestamp_that_is_known_ends_the_update),
		in_folder(nothing_is_kept_of_a_file_that_is_refused),
		in_folder(missing_metadata_is_not_a_missing_target),
		in_folder(search_is_depth_first_in_order),
		in_folder(a_terminating_delegation_ends_the_search),
		in_folder(search_is_bounded),
		in_folder(role_names_are_quoted),
		in_folder(a_role_that_is_not_in_the_snapshot_is_not_fetched),
		in_folder(a_cached_role_is_verified_by_the_keys_on_this_path),
		in_folder(listed_is_what_would_be_found),
		in_folder(listing_walks_circles_once),
		in_folder(listing_ends_when_it_is_told_to_or_the_repository_is_broken),
		in_folder(a_target_is_downloaded_once),
		in_folder(a_right_file_is_not_fetched_again),
		in_folder(a_download_goes_on_where_it_was_cut),
		in_folder(a_wrong_beginning_is_fetched_anew_once),
		in_folder(wrong_files_leave_nothing),
		in_folder(an_empty_target),
		in_folder(targets_stay_in_their_folder),
		in_folder(links_in_the_folder_are_not_followed),
		in_folder(others_cannot_hold_up_a_download),
		in_folder(what_others_can_write_is_fetched_anew),
		in_folder(parts_are_never_other_targets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
