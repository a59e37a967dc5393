// SPDX-License-Identifier: Apache-2.0
/*
 * The client workflow of the specification, 5.1 to 5.7, clause by clause: the name begins with
 * the number. Other groups go deeper; here every sentence that says MUST has its test.
 */
#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "tuf/meta.h"
#include "world.h"

static const char *const top[] = {"root", "timestamp", "snapshot", "targets"};

static bool there(struct world *w, const char *role)
{
	return access(sim_str("%s/%s.json", w->metadata_dir, role), F_OK) == 0;
}

/* 5.1: the targets expire while the snapshot trickles in; what counts is when the update began. */
static void fixed_time(struct world *w, const void *arg _unused_)
{
	const double second = 1.0 / 86400;
	time_t start;

	sim_expires(w->sim, "targets", 1 + 4 * second);
	sim_release(w->sim, "");
	init(w);
	server_rule(w->server, "/metadata/2.snapshot.json", SERVER_SLOW,
		    (long)sim_last(w->sim, "snapshot")->len * 10, NULL);
	at_day(w, 1);
	start = time(NULL);
	refresh(w);
	EXPECT(time(NULL) > start + 4, "the test was too quick");
	expect_trusted(w, "root:1 snapshot:2 targets:2 timestamp:2");
	/* The next update begins after it. */
	at_day(w, 1 + 5 * second);
	refresh_fails(w);
	expect_said(w, "expire");
}

/* 5.2: the expiry of the trusted root does not matter yet. */
static void expired_trusted_root(struct world *w, const void *arg _unused_)
{
	sim_unpublish(w->sim, "root");
	sim_version(w->sim, "root", 1);
	sim_expires(w->sim, "root", -400);
	sim_publish(w->sim, "root");
	init(w);
	refresh_fails(w);
	expect_requests(w, "2.root.json");
	sim_expires(w->sim, "root", 30);
	sim_publish(w->sim, "root");
	refresh(w);
	expect_trusted(w, "root:2 snapshot:1 targets:1 timestamp:1");
}

/* 5.3.1, 5.3.9: every root between, in order, each one once. */
static void intermediate_roots(struct world *w, const void *arg _unused_)
{
	init(w);
	sim_publish(w->sim, "root root root");
	refresh(w);
	expect_requests(w, "2.root.json 3.root.json 4.root.json 5.root.json timestamp.json "
			   "1.snapshot.json 1.targets.json");
	expect_same(w, "root");
}

/* 5.3.1: a version that is skipped cannot be reached. */
static void missing_intermediate_root(struct world *w, const void *arg _unused_)
{
	struct sim_role *r = sim_role(w->sim, "root");

	init(w);
	sim_publish(w->sim, "root root");
	r->files[1] = r->files[2]; /* 2.root.json is not there */
	r->nfiles = 2;
	refresh(w);
	expect_requests(w, "2.root.json timestamp.json 1.snapshot.json 1.targets.json");
	expect_nth(w, "root", 0);
}

/* 5.3.3: no more than Y files in one update; the next goes on. */
static void root_cap(struct world *w, const void *arg _unused_)
{
	init(w);
	for (int i = 0; i < SUT_TUF_ROTATIONS_MAX + 4; i++)
		sim_publish(w->sim, "root");
	refresh(w);
	EXPECT(trusted_version(w, "root") == SUT_TUF_ROTATIONS_MAX + 1, "root is %lld",
	       (long long)trusted_version(w, "root"));
	EXPECT(!requested(w, sim_str("%d.root.json", SUT_TUF_ROTATIONS_MAX + 2)), "too many");
	EXPECT(there(w, "targets"), "5.3.10 and on was not done");
	refresh(w);
	EXPECT(trusted_version(w, "root") == SUT_TUF_ROTATIONS_MAX + 5, "root is %lld",
	       (long long)trusted_version(w, "root"));
}

/* 5.3.4: arg "old" or "new": whose threshold is not reached. */
static void root_threshold(struct world *w, const void *arg)
{
	struct sim_key *old = sim_signer(w->sim, "root", 0);

	init(w);
	sim_rotate(w->sim, "root");
	if (strcmp(arg, "new") == 0) {
		sim_clear_signers(w->sim, "root");
		sim_sign_with(w->sim, "root", old);
	}
	sim_publish(w->sim, "root");
	refresh_fails(w);
	expect_requests(w, "2.root.json");
	expect_trusted(w, "root:1");
}

/* 5.3.5: 2.root.json says it is version arg. */
static void root_version(struct world *w, const void *arg)
{
	const json_int_t *version = arg;
	struct sim_role *r = sim_role(w->sim, "root");

	sim_publish(w->sim, "root");
	init(w);
	refresh(w);
	forget_requests(w);
	sim_set(w->sim, "root", "x", json_integer(1));
	sim_version(w->sim, "root", *version);
	sim_publish(w->sim, "root");
	r->files[r->nfiles - 1].version = 3;
	if (*version == 2) {
		/* "In case they are equal, discard the new root metadata, but proceed." */
		refresh(w);
		expect_requests(w, "3.root.json timestamp.json");
	} else {
		refresh_fails(w);
		expect_requests(w, "3.root.json");
	}
	expect_trusted(w, "root:2 snapshot:1 targets:1 timestamp:1");
	expect_nth(w, "root", 1);
}

/* 5.3.6 */
static void expired_intermediate_root(struct world *w, const void *arg _unused_)
{
	init(w);
	sim_expires(w->sim, "root", -100);
	sim_publish(w->sim, "root");
	sim_expires(w->sim, "root", 30);
	sim_publish(w->sim, "root");
	refresh(w);
	expect_trusted(w, "root:3 snapshot:1 targets:1 timestamp:1");
}

/* 5.3.7: from version 2 on the keys of 2 count, not those the client began with. */
static void new_root_is_trusted(struct world *w, const void *arg _unused_)
{
	struct sim_key *first = sim_signer(w->sim, "root", 0);

	init(w);
	sim_rotate(w->sim, "root");
	sim_sign_with(w->sim, "root", first);
	sim_publish(w->sim, "root");
	sim_clear_keys(w->sim, "root", "root");
	sim_clear_signers(w->sim, "root");
	sim_trust(w->sim, "root", "root", first);
	sim_sign_with(w->sim, "root", first);
	sim_publish(w->sim, "root");
	refresh_fails(w);
	expect_requests(w, "2.root.json 3.root.json");
	expect_trusted(w, "root:2");
	expect_nth(w, "root", 1);
}

/* 5.3.8: each root is persisted before the next one is looked at. */
static void root_is_persisted(struct world *w, const void *arg _unused_)
{
	init(w);
	sim_publish(w->sim, "root root");
	sim_drop_signer(w->sim, "root");
	sim_publish(w->sim, "root");
	refresh_fails(w);
	expect_trusted(w, "root:3");
	expect_nth(w, "root", 2);
}

/* 5.3.10: before anything else is asked for. */
static void expired_root(struct world *w, const void *arg _unused_)
{
	init(w);
	sim_expires(w->sim, "root", -1);
	sim_publish(w->sim, "root");
	refresh_fails(w);
	expect_said(w, "expire");
	expect_requests(w, "2.root.json 3.root.json");
	expect_trusted(w, "root:2");
}

/* 5.3.11: arg is the role whose keys were rotated; both files go, and lower versions are fine. */
static void rotation_deletes(struct world *w, const void *arg)
{
	sim_version(w->sim, "timestamp", 7);
	sim_version(w->sim, "snapshot", 7);
	sim_release(w->sim, "");
	init(w);
	refresh(w);
	expect_trusted(w, "root:1 snapshot:7 targets:2 timestamp:7");
	sim_rotate(w->sim, arg);
	sim_publish(w->sim, "root");
	sim_unpublish(w->sim, "timestamp");
	refresh_fails(w);
	expect_trusted(w, "root:2 targets:2");
	sim_version(w->sim, "snapshot", 3);
	sim_version(w->sim, "timestamp", 3);
	sim_release(w->sim, "");
	refresh(w);
	expect_trusted(w, "root:2 snapshot:3 targets:3 timestamp:3");
}

/* 5.3.11 says timestamp and snapshot; keys of others that are rotated delete nothing. */
static void other_rotation_deletes_nothing(struct world *w, const void *arg)
{
	struct sim_key *old = sim_signer(w->sim, arg, 0);

	init(w);
	refresh(w);
	sim_rotate(w->sim, arg);
	if (strcmp(arg, "root") == 0)
		sim_sign_with(w->sim, arg, old);
	sim_publish(w->sim, "root");
	sim_unpublish(w->sim, "timestamp");
	refresh_fails(w);
	expect_trusted(w, "root:2 snapshot:1 targets:1 timestamp:1");
}

/* 5.3.12: as the newest root says, in both directions. */
static void consistent_snapshot(struct world *w, const void *arg _unused_)
{
	init(w);
	refresh(w);
	sim_set(w->sim, "root", "consistent_snapshot", json_false());
	sim_publish(w->sim, "root");
	sim_release(w->sim, "");
	forget_requests(w);
	refresh(w);
	expect_requests(w, "2.root.json 3.root.json timestamp.json snapshot.json targets.json");
	sim_set(w->sim, "root", "consistent_snapshot", json_true());
	sim_publish(w->sim, "root");
	sim_release(w->sim, "");
	refresh(w);
	expect_requests(w, "3.root.json 4.root.json timestamp.json 3.snapshot.json 3.targets.json");
}

/* 5.4.1 */
static void timestamp_url(struct world *w, const void *arg _unused_)
{
	init(w);
	sim_publish(w->sim, "timestamp timestamp timestamp");
	refresh(w);
	expect_requests(w, "2.root.json timestamp.json 1.snapshot.json 1.targets.json");
}

/* 5.4.2, 5.5.3, 5.6.3: signed by a good key of another role. */
static void signed_by_another_role(struct world *w, const void *arg)
{
	const char *role = arg;

	init(w);
	refresh(w);
	sim_clear_signers(w->sim, role);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(top); i++)
		if (strcmp(top[i], role) != 0)
			sim_sign_with(w->sim, role, sim_signer(w->sim, top[i], 0));
	sim_release(w->sim, "");
	refresh_fails(w);
	EXPECT(trusted_version(w, role) == 1, "%s is trusted", role);
}

/* 5.4.2: by the keys of the newest root, not of the one before. */
static void signed_by_revoked_key(struct world *w, const void *arg)
{
	const char *role = arg;
	struct sim_key *old = sim_signer(w->sim, role, 0);

	init(w);
	refresh(w);
	sim_rotate(w->sim, role);
	sim_clear_signers(w->sim, role);
	sim_sign_with(w->sim, role, old);
	sim_publish(w->sim, "root targets snapshot timestamp");
	refresh_fails(w);
	EXPECT(trusted_version(w, role) <= 1, "%s is trusted", role);
}

/* 5.4.3.1 */
static void timestamp_lower(struct world *w, const void *arg _unused_)
{
	init(w);
	sim_publish(w->sim, "timestamp timestamp");
	refresh(w);
	sim_version(w->sim, "timestamp", 2);
	sim_publish(w->sim, "timestamp");
	forget_requests(w);
	refresh_fails(w);
	expect_requests(w, "2.root.json timestamp.json");
	expect_trusted(w, "root:1 snapshot:1 targets:1 timestamp:3");
}

/* 5.4.3.1: equal is quiet, and nothing else is fetched. */
static void timestamp_equal(struct world *w, const void *arg _unused_)
{
	init(w);
	refresh(w);
	forget_requests(w);
	refresh(w);
	expect_requests(w, "2.root.json timestamp.json");
	EXPECT(w->said.len == 0, "something was said");
}

/* An equal timestamp does not excuse what is missing from an update that died half-way. */
static void timestamp_equal_completes(struct world *w, const void *arg)
{
	init(w);
	refresh(w);
	EXPECT(unlink(sim_str("%s/%s.json", w->metadata_dir, (const char *)arg)) == 0, "%s",
	       strerror(errno));
	forget_requests(w);
	refresh(w);
	expect_requests(w, sim_str("2.root.json timestamp.json 1.%s.json", (const char *)arg));
	expect_trusted(w, "root:1 snapshot:1 targets:1 timestamp:1");
}

/* 5.4.3.2 */
static void timestamp_lower_snapshot(struct world *w, const void *arg _unused_)
{
	init(w);
	sim_publish(w->sim, "snapshot snapshot timestamp");
	refresh(w);
	json_object_set_new(sim_meta(w->sim, "timestamp", "snapshot"), "version", json_integer(2));
	sim_publish(w->sim, "timestamp");
	forget_requests(w);
	refresh_fails(w);
	expect_requests(w, "2.root.json timestamp.json");
	expect_trusted(w, "root:1 snapshot:3 targets:1 timestamp:2");
}

/* 5.4.3.2: equal is fine. */
static void timestamp_equal_snapshot(struct world *w, const void *arg _unused_)
{
	init(w);
	refresh(w);
	sim_publish(w->sim, "timestamp");
	forget_requests(w);
	refresh(w);
	expect_requests(w, "2.root.json timestamp.json");
	expect_trusted(w, "root:1 snapshot:1 targets:1 timestamp:2");
}

/* 5.4.4, 5.5.6, 5.6.5: arg is the role. */
static void expired(struct world *w, const void *arg)
{
	init(w);
	refresh(w);
	sim_expires(w->sim, arg, -0.01);
	sim_release(w->sim, "");
	refresh_fails(w);
	expect_said(w, "expire");
	EXPECT(trusted_version(w, arg) == 1, "%s is trusted", (const char *)arg);
}

/* 5.4.5, 5.5.7: persisted although what comes next is not there. arg is that. */
static void persisted_before_next(struct world *w, const void *arg)
{
	bool snapshot = strcmp(arg, "snapshot") == 0;

	init(w);
	refresh(w);
	sim_release(w->sim, "");
	sim_unpublish_last(w->sim, arg);
	refresh_fails(w);
	expect_same(w, "timestamp");
	expect_trusted(w, snapshot ? "root:1 snapshot:1 targets:1 timestamp:2"
				   : "root:1 snapshot:2 targets:1 timestamp:2");
}

/* 5.5.1, 5.6.1: the number in the URL is the one of the file that lists it. */
static void versioned_urls(struct world *w, const void *arg _unused_)
{
	init(w);
	sim_version(w->sim, "targets", 42);
	sim_version(w->sim, "snapshot", 17);
	sim_version(w->sim, "timestamp", 99);
	sim_release(w->sim, "");
	refresh(w);
	expect_requests(w, "2.root.json timestamp.json 17.snapshot.json 42.targets.json");
}

/* 5.5.2, 5.6.2: the hash is looked at first: a file with another one is refused even though it
 * is signed and has the right version. */
static void hash(struct world *w, const void *arg)
{
	const char *role = arg;

	w->sim->hashes = true;
	init(w);
	sim_release(w->sim, "");
	sim_set(w->sim, role, "x", json_string("another content of the same version"));
	sim_republish(w->sim, role);
	refresh_fails(w);
	EXPECT(!there(w, role), "%s is trusted", role);
}

/* 5.5.2: SHA-512 as well, and every hash that is listed. */
static void hash_sha512(struct world *w, const void *arg)
{
	const struct sim_file *f;
	bool right = arg == NULL;
	json_t *h;

	init(w);
	sim_publish(w->sim, "targets snapshot");
	f = sim_last(w->sim, "snapshot");
	h = json_pack("{s:s, s:s}", "sha256", sim_hash("sha256", f->data, f->len), "sha512",
		      sim_hash("sha512", right ? (const void *)f->data : "x", right ? f->len : 1));
	json_object_set_new(sim_meta(w->sim, "timestamp", "snapshot"), "hashes", h);
	sim_publish(w->sim, "timestamp");
	if (right) {
		refresh(w);
		expect_trusted(w, "root:1 snapshot:2 targets:2 timestamp:2");
	} else {
		refresh_fails(w);
		expect_trusted(w, "root:1 timestamp:2");
	}
}

/* 5.5.4, 5.6.4: the file under the listed number says one less, or one more. */
static void version(struct world *w, const void *arg)
{
	const char *role = arg, *in = strcmp(role, "snapshot") == 0 ? "timestamp" : "snapshot";
	struct sim_role *r = sim_role(w->sim, role);

	init(w);
	for (int i = 0; i < 2; i++) {
		json_int_t listed = 10 * (i + 1);

		sim_version(w->sim, role, i ? listed + 1 : listed - 1);
		sim_publish(w->sim, role);
		r->files[r->nfiles - 1].version = listed;
		json_object_set_new(sim_meta(w->sim, in, role), "version", json_integer(listed));
		if (strcmp(role, "targets") == 0)
			sim_publish(w->sim, "snapshot");
		sim_publish(w->sim, "timestamp");
		refresh_fails(w);
		EXPECT(!there(w, role), "%s is trusted", role);
	}
}

/* 5.5.5: arg is a role whose version in the snapshot goes down. */
static void snapshot_rolls_back(struct world *w, const void *arg)
{
	sim_delegate(w->sim, "targets", "delegated", "file", 0);
	sim_release(w->sim, "delegated");
	sim_release(w->sim, "delegated");
	init(w);
	refresh(w);
	expect_trusted(w, "root:1 snapshot:3 targets:3 timestamp:3");
	json_object_set_new(sim_meta(w->sim, "snapshot", arg), "version", json_integer(1));
	sim_publish(w->sim, "snapshot timestamp");
	forget_requests(w);
	refresh_fails(w);
	expect_requests(w, "2.root.json timestamp.json 4.snapshot.json");
	expect_trusted(w, "root:1 snapshot:3 targets:3 timestamp:4");
}

/* 5.5.5: a role that joins is no rollback. */
static void snapshot_gains_a_role(struct world *w, const void *arg _unused_)
{
	init(w);
	refresh(w);
	sim_delegate(w->sim, "targets", "delegated", "file", 0);
	sim_release(w->sim, "delegated");
	refresh(w);
	expect_trusted(w, "root:1 snapshot:2 targets:2 timestamp:2");
}

/* 5.6.6 and the end: all four files, byte for byte. */
static void all_persisted(struct world *w, const void *arg _unused_)
{
	init(w);
	sim_publish(w->sim, "root");
	sim_release(w->sim, "");
	refresh(w);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(top); i++)
		expect_same(w, top[i]);
}

/* 5.6.7.1 and 5.6.7.2: parents before children, children before the next, visited ones never again. */
static void search_order(struct world *w, const void *arg _unused_)
{
	sim_delegate(w->sim, "targets", "A", "*", 0);
	sim_delegate(w->sim, "A", "B", "*", 0);
	sim_delegate(w->sim, "B", "A", "*", 0);
	sim_delegate(w->sim, "targets", "C", "*", 0);
	sim_delegate(w->sim, "C", "B", "*", 0);
	sim_target(w->sim, "C", "file", "text");
	sim_release(w->sim, "A B C");
	init(w);
	download(w, "file");
	expect_requests(w, sim_str("2.root.json timestamp.json 2.snapshot.json 2.targets.json "
				   "1.A.json 1.B.json 1.C.json targets/%s.file",
				   sim_hash("sha256", "text", 4)));
}

/* 5.6.7.2.1 and .2: arg: the delegation to A is terminating. */
static void terminating(struct world *w, const void *arg)
{
	sim_delegate(w->sim, "targets", "A", "file", arg ? SIM_TERMINATING : 0);
	sim_delegate(w->sim, "targets", "B", "file", 0);
	sim_target(w->sim, "B", "file", "text");
	sim_release(w->sim, "A B");
	init(w);
	if (arg) {
		download_fails(w, "file");
		EXPECT(!requested(w, "1.B.json"), "the search went on");
	} else {
		download(w, "file");
	}
}

/* 5.6.7.2.1: a terminating delegation for other paths ends nothing. */
static void terminating_elsewhere(struct world *w, const void *arg _unused_)
{
	sim_delegate(w->sim, "targets", "A", "other", SIM_TERMINATING);
	sim_delegate(w->sim, "targets", "B", "file", 0);
	sim_target(w->sim, "B", "file", "text");
	sim_release(w->sim, "A B");
	init(w);
	download(w, "file");
	EXPECT(!requested(w, "1.A.json"), "A has nothing to do with it");
}

/* 5.7.2 */
static void no_such_target(struct world *w, const void *arg _unused_)
{
	init(w);
	download_fails(w, "file");
	expect_requests(w, "2.root.json timestamp.json 1.snapshot.json 1.targets.json");
	expect_downloads(w, NULL);
}

/* 5.7.3: length and hash, also for an artifact that was right once. */
static void target_is_verified(struct world *w, const void *arg)
{
	const char *text = arg;

	init(w);
	sim_target(w->sim, "targets", "file", "text");
	sim_release(w->sim, "");
	sim_artifact(w->sim, "file", text, strlen(text));
	download_fails(w, "file");
	expect_downloads(w, NULL);
}

/* 5.7.3: without consistent snapshots the name is plain. */
static void plain_name(struct world *w, const void *arg _unused_)
{
	sim_set(w->sim, "root", "consistent_snapshot", json_false());
	sim_target(w->sim, "targets", "a/file", "text");
	sim_publish(w->sim, "root");
	sim_release(w->sim, "");
	init(w);
	download(w, "a/file");
	expect_last_request(w, "targets/a/file");
	expect_downloads(w, "text", NULL);
}

static const json_int_t v0 = 1, v1 = 2, v3 = 4, v_far = 1000;

static const struct tuf_test tests[] = {
	{"workflow/5.1-time-is-fixed-at-the-start", fixed_time, NULL, "5.1"},
	{"workflow/5.2-expired-trusted-root", expired_trusted_root, NULL, "5.2"},
	{"workflow/5.3.1-intermediate-roots", intermediate_roots, NULL, "5.3.1; 5.3.2; 5.3.9"},
	{"workflow/5.3.1-missing-intermediate-root", missing_intermediate_root, NULL, "5.3.1"},
	{"workflow/5.3.3-at-most-256-roots", root_cap, NULL, "5.3.3"},
	{"workflow/5.3.4-old-threshold", root_threshold, "old", "5.3.4 (1)"},
	{"workflow/5.3.4-new-threshold", root_threshold, "new", "5.3.4 (2)"},
	{"workflow/5.3.5-lower-version", root_version, &v0, "5.3.5"},
	{"workflow/5.3.5-equal-version", root_version, &v1, "5.3.5"},
	{"workflow/5.3.5-version-skipped", root_version, &v3, "5.3.5"},
	{"workflow/5.3.5-fast-forward", root_version, &v_far, "5.3.5"},
	{"workflow/5.3.6-expired-intermediate-root", expired_intermediate_root, NULL, "5.3.6"},
	{"workflow/5.3.7-new-root-is-trusted", new_root_is_trusted, NULL, "5.3.7"},
	{"workflow/5.3.8-each-root-is-persisted", root_is_persisted, NULL, "5.3.8"},
	{"workflow/5.3.10-expired-root", expired_root, NULL, "5.3.10"},
	{"workflow/5.3.11-timestamp-keys-rotated", rotation_deletes, "timestamp", "5.3.11"},
	{"workflow/5.3.11-snapshot-keys-rotated", rotation_deletes, "snapshot", "5.3.11"},
	{"workflow/5.3.11-targets-keys-rotated", other_rotation_deletes_nothing, "targets",
	 "5.3.11"},
	{"workflow/5.3.11-root-keys-rotated", other_rotation_deletes_nothing, "root", "5.3.11"},
	{"workflow/5.3.12-consistent-snapshots", consistent_snapshot, NULL, "5.3.12"},
	{"workflow/5.4.1-name-of-timestamp", timestamp_url, NULL, "5.4.1"},
	{"workflow/5.4.2-signed-by-other-roles", signed_by_another_role, "timestamp", "5.4.2"},
	{"workflow/5.4.2-signed-by-revoked-key", signed_by_revoked_key, "timestamp", "5.4.2"},
	{"workflow/5.4.3.1-lower-version", timestamp_lower, NULL, "5.4.3.1"},
	{"workflow/5.4.3.1-equal-version", timestamp_equal, NULL, "5.4.3.1"},
	{"workflow/5.4.3.1-equal-version-without-snapshot", timestamp_equal_completes, "snapshot",
	 "5.4.3.1; 5"},
	{"workflow/5.4.3.1-equal-version-without-targets", timestamp_equal_completes, "targets",
	 "5.4.3.1; 5"},
	{"workflow/5.4.3.2-lower-snapshot", timestamp_lower_snapshot, NULL, "5.4.3.2"},
	{"workflow/5.4.3.2-equal-snapshot", timestamp_equal_snapshot, NULL, "5.4.3.2"},
	{"workflow/5.4.4-expired", expired, "timestamp", "5.4.4"},
	{"workflow/5.4.5-persisted", persisted_before_next, "snapshot", "5.4.5"},
	{"workflow/5.5.1-names", versioned_urls, NULL, "5.5.1; 5.6.1"},
	{"workflow/5.5.2-hash", hash, "snapshot", "5.5.2"},
	{"workflow/5.5.2-hash-sha512", hash_sha512, NULL, "5.5.2"},
	{"workflow/5.5.2-every-hash", hash_sha512, "wrong", "5.5.2"},
	{"workflow/5.5.3-signed-by-other-roles", signed_by_another_role, "snapshot", "5.5.3"},
	{"workflow/5.5.3-signed-by-revoked-key", signed_by_revoked_key, "snapshot", "5.5.3"},
	{"workflow/5.5.4-version", version, "snapshot", "5.5.4"},
	{"workflow/5.5.5-targets-roll-back", snapshot_rolls_back, "targets", "5.5.5"},
	{"workflow/5.5.5-delegated-rolls-back", snapshot_rolls_back, "delegated", "5.5.5"},
	{"workflow/5.5.5-a-role-joins", snapshot_gains_a_role, NULL, "5.5.5"},
	{"workflow/5.5.6-expired", expired, "snapshot", "5.5.6"},
	{"workflow/5.5.7-persisted", persisted_before_next, "targets", "5.5.7"},
	{"workflow/5.6.2-hash", hash, "targets", "5.6.2"},
	{"workflow/5.6.3-signed-by-other-roles", signed_by_another_role, "targets", "5.6.3"},
	{"workflow/5.6.3-signed-by-revoked-key", signed_by_revoked_key, "targets", "5.6.3"},
	{"workflow/5.6.4-version", version, "targets", "5.6.4"},
	{"workflow/5.6.5-expired", expired, "targets", "5.6.5"},
	{"workflow/5.6.6-persisted", all_persisted, NULL, "5.6.6"},
	{"workflow/5.6.7-order-of-search", search_order, NULL, "5.6.7.1; 5.6.7.2"},
	{"workflow/5.6.7.2.1-terminating", terminating, "yes", "5.6.7.2.1"},
	{"workflow/5.6.7.2.1-terminating-for-others", terminating_elsewhere, NULL, "5.6.7.2.1"},
	{"workflow/5.6.7.2.2-not-terminating", terminating, NULL, "5.6.7.2.2"},
	{"workflow/5.7.2-no-such-target", no_such_target, NULL, "5.7.2"},
	{"workflow/5.7.3-hash", target_is_verified, "Text", "5.7.1; 5.7.3"},
	{"workflow/5.7.3-too-long", target_is_verified, "text and more", "5.7.3"},
	{"workflow/5.7.3-too-short", target_is_verified, "tex", "5.7.3"},
	{"workflow/5.7.3-plain-name", plain_name, NULL, "5.7.3"},
};

const struct tuf_group tuf_workflow = {tests, SUT_ARRAY_SIZE(tests)};
