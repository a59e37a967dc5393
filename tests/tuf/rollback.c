// SPDX-License-Identifier: Apache-2.0
/* Rollback of every role, and recovery from fast-forward attacks. */
#include <string.h>

#include "base/cleanup.h"
#include "world.h"

/* A lower snapshot that the timestamp does not list is not even asked for. */
static void simple_snapshot(struct world *w, const void *arg _unused_)
{
	init(w);
	sim_publish(w->sim, "snapshot timestamp");
	refresh(w);
	sim_version(w->sim, "snapshot", 1);
	sim_republish(w->sim, "snapshot");
	forget_requests(w);
	refresh(w);
	expect_requests(w, "2.root.json timestamp.json");
	expect_trusted(w, "root:1 snapshot:2 targets:1 timestamp:2");
}

static void timestamp(struct world *w, const void *arg _unused_)
{
	init(w);
	sim_publish(w->sim, "timestamp");
	refresh(w);
	expect_trusted(w, "root:1 snapshot:1 targets:1 timestamp:2");
	sim_version(w->sim, "timestamp", 1);
	sim_publish(w->sim, "timestamp");
	refresh_fails(w);
	expect_last_request(w, "timestamp.json");
	expect_trusted(w, "root:1 snapshot:1 targets:1 timestamp:2");
	expect_nth(w, "timestamp", 1);
	sim_version(w->sim, "timestamp", 3);
	sim_publish(w->sim, "timestamp");
	refresh(w);
}

/* arg: with hashes. The timestamp lists a lower snapshot. */
static void snapshot(struct world *w, const void *arg)
{
	w->sim->hashes = arg != NULL;
	init(w);
	sim_release(w->sim, "");
	refresh(w);
	sim_version(w->sim, "snapshot", 1);
	sim_publish(w->sim, "snapshot timestamp");
	refresh_fails(w);
	expect_last_request(w, "timestamp.json");
	expect_trusted(w, "root:1 snapshot:2 targets:2 timestamp:2");
	sim_version(w->sim, "snapshot", 3);
	sim_publish(w->sim, "snapshot timestamp");
	refresh(w);
	expect_trusted(w, "root:1 snapshot:3 targets:2 timestamp:4");
}

/* arg: with hashes. The local snapshot is needed for the comparison even though its hash is not
 * the one of the new timestamp. */
static void targets(struct world *w, const void *arg)
{
	w->sim->hashes = arg != NULL;
	init(w);
	sim_publish(w->sim, "targets");
	sim_release(w->sim, "");
	refresh(w);
	expect_trusted(w, "root:1 snapshot:2 targets:3 timestamp:2");
	sim_version(w->sim, "targets", 2);
	sim_release(w->sim, "");
	forget_requests(w);
	refresh_fails(w);
	expect_requests(w, "2.root.json timestamp.json 3.snapshot.json");
	expect_trusted(w, "root:1 snapshot:2 targets:3 timestamp:3");
	/* The same again: the refusal lasts although the timestamp was persisted. */
	refresh_fails(w);
	expect_trusted(w, "root:1 snapshot:2 targets:3 timestamp:3");
	sim_version(w->sim, "targets", 4);
	sim_release(w->sim, "");
	refresh(w);
	expect_trusted(w, "root:1 snapshot:4 targets:4 timestamp:4");
}

static void delegated(struct world *w, const void *arg)
{
	w->sim->hashes = arg != NULL;
	sim_delegate(w->sim, "targets", "delegated", "file", 0);
	sim_target(w->sim, "delegated", "file", "old and full of holes");
	sim_publish(w->sim, "delegated");
	sim_target(w->sim, "delegated", "file", "new");
	sim_release(w->sim, "delegated");
	init(w);
	download(w, "file");
	expect_trusted(w, "delegated:2 root:1 snapshot:2 targets:2 timestamp:2");
	sim_target(w->sim, "delegated", "file", "old and full of holes");
	sim_version(w->sim, "delegated", 1);
	sim_publish(w->sim, "delegated snapshot timestamp");
	download_fails(w, "file");
	expect_trusted(w, "delegated:2 root:1 snapshot:2 targets:2 timestamp:3");
	expect_downloads(w, "new", NULL);
}

/* Lower in the file than in the snapshot that lists it. */
static void delegated_version_mismatch(struct world *w, const void *arg _unused_)
{
	struct sim_role *r;

	sim_delegate(w->sim, "targets", "delegated", "file", 0);
	sim_target(w->sim, "delegated", "file", "old");
	sim_publish(w->sim, "delegated");
	sim_target(w->sim, "delegated", "file", "new");
	sim_release(w->sim, "delegated");
	r = sim_role(w->sim, "delegated");
	r->nfiles = 1;
	r->files[0].version = 2; /* 2.delegated.json is what was version 1 */
	init(w);
	download_fails(w, "file");
	expect_downloads(w, NULL);
	expect_trusted(w, "root:1 snapshot:2 targets:2 timestamp:2");
}

static void role_disappears(struct world *w, const void *arg)
{
	const char *role = arg;

	sim_delegate(w->sim, "targets", "delegated", "file", 0);
	sim_release(w->sim, "delegated");
	init(w);
	refresh(w);
	json_object_del(json_object_get(sim_doc(w->sim, "snapshot"), "meta"),
			sim_str("%s.json", role));
	sim_publish(w->sim, "snapshot timestamp");
	refresh_fails(w);
	expect_trusted(w, "root:1 snapshot:2 targets:2 timestamp:3");
	sim_release(w->sim, "delegated");
	refresh(w);
	expect_trusted(w, "root:1 snapshot:4 targets:3 timestamp:4");
}

static void targets_fast_forward(struct world *w, const void *arg _unused_)
{
	init(w);
	sim_version(w->sim, "targets", 99999);
	sim_release(w->sim, "");
	refresh(w);
	EXPECT(trusted_version(w, "targets") == 99999, "fast forward");
	sim_rotate(w->sim, "snapshot");
	sim_version(w->sim, "targets", 2);
	sim_publish(w->sim, "root");
	sim_release(w->sim, "");
	refresh(w);
	expect_trusted(w, "root:2 snapshot:3 targets:2 timestamp:3");
}

static void snapshot_fast_forward(struct world *w, const void *arg _unused_)
{
	init(w);
	sim_version(w->sim, "snapshot", 99999);
	sim_release(w->sim, "");
	refresh(w);
	EXPECT(trusted_version(w, "snapshot") == 99999, "fast forward");
	sim_rotate(w->sim, "snapshot");
	sim_rotate(w->sim, "timestamp");
	sim_publish(w->sim, "root");
	sim_version(w->sim, "snapshot", 2);
	sim_release(w->sim, "");
	refresh(w);
	expect_trusted(w, "root:2 snapshot:2 targets:3 timestamp:3");
}

/* Rotating only the timestamp key is enough by 5.3.11: both files go. */
static void snapshot_fast_forward_timestamp_key(struct world *w, const void *arg _unused_)
{
	init(w);
	sim_version(w->sim, "snapshot", 99999);
	sim_release(w->sim, "");
	refresh(w);
	sim_rotate(w->sim, "timestamp");
	sim_publish(w->sim, "root");
	sim_version(w->sim, "snapshot", 2);
	sim_release(w->sim, "");
	refresh(w);
	expect_trusted(w, "root:2 snapshot:2 targets:3 timestamp:3");
}

static void timestamp_fast_forward(struct world *w, const void *arg _unused_)
{
	init(w);
	sim_version(w->sim, "timestamp", 99999);
	sim_publish(w->sim, "timestamp");
	refresh(w);
	EXPECT(trusted_version(w, "timestamp") == 99999, "fast forward");
	sim_rotate(w->sim, "timestamp");
	sim_publish(w->sim, "root");
	sim_version(w->sim, "timestamp", 1);
	sim_publish(w->sim, "timestamp");
	refresh(w);
	expect_trusted(w, "root:2 snapshot:1 targets:1 timestamp:1");
}

/* The rotation alone does not let old files in that the new keys did not sign. */
static void recovery_needs_the_new_key(struct world *w, const void *arg _unused_)
{
	struct sim_key *old = sim_signer(w->sim, "timestamp", 0);

	init(w);
	sim_version(w->sim, "timestamp", 99999);
	sim_publish(w->sim, "timestamp");
	refresh(w);
	sim_rotate(w->sim, "timestamp");
	sim_publish(w->sim, "root");
	sim_clear_signers(w->sim, "timestamp");
	sim_sign_with(w->sim, "timestamp", old);
	sim_publish(w->sim, "timestamp");
	refresh_fails(w);
	EXPECT(trusted_version(w, "root") == 2 && trusted_version(w, "timestamp") != 100000,
	       "a timestamp of the old key is trusted");
}

/* The client that took the new root and died before it took the new timestamp. */
static void recovery_in_two_runs(struct world *w, const void *arg _unused_)
{
	init(w);
	sim_version(w->sim, "timestamp", 99999);
	sim_version(w->sim, "snapshot", 99999);
	sim_release(w->sim, "");
	refresh(w);
	sim_rotate(w->sim, "timestamp");
	sim_rotate(w->sim, "snapshot");
	sim_publish(w->sim, "root");
	sim_unpublish(w->sim, "timestamp");
	refresh_fails(w);
	EXPECT(trusted_version(w, "root") == 2, "root was not persisted");
	sim_version(w->sim, "timestamp", 2);
	sim_version(w->sim, "snapshot", 2);
	sim_release(w->sim, "");
	refresh(w);
	expect_trusted(w, "root:2 snapshot:2 targets:3 timestamp:2");
}

/* One more key beside the old ones is no rotation: the comparison stays. */
static void added_key_is_no_rotation(struct world *w, const void *arg _unused_)
{
	init(w);
	sim_version(w->sim, "timestamp", 10);
	sim_publish(w->sim, "timestamp");
	refresh(w);
	sim_add_key(w->sim, "root", "timestamp");
	sim_publish(w->sim, "root");
	sim_version(w->sim, "timestamp", 9);
	sim_publish(w->sim, "timestamp");
	refresh_fails(w);
	expect_trusted(w, "root:2 snapshot:1 targets:1 timestamp:10");
}

static const struct tuf_test tests[] = {
	{"rollback/simple-snapshot", simple_snapshot, NULL,
	 "test_rollback.py: test_simple_snapshot_rollback"},
	{"rollback/timestamp", timestamp, NULL,
	 "test_rollback.py: test_new_timestamp_version_rollback; GHSA-66x3-6cw3-v5gj"},
	{"rollback/snapshot", snapshot, NULL, "test_rollback.py: test_snapshot_rollback[basic]"},
	{"rollback/snapshot-with-hashes", snapshot, "hashes",
	 "test_rollback.py: test_snapshot_rollback[with hashes]"},
	{"rollback/targets", targets, NULL, "test_rollback.py: test_targets_rollback[basic]"},
	{"rollback/targets-with-hashes", targets, "hashes",
	 "test_rollback.py: test_targets_rollback[with hashes]"},
	{"rollback/targets-fast-forward-recovery", targets_fast_forward, NULL,
	 "test_rollback.py: test_new_targets_fast_forward_recovery"},
	{"rollback/snapshot-fast-forward-recovery", snapshot_fast_forward, NULL,
	 "test_rollback.py: test_new_snapshot_fast_forward_recovery"},
	{"rollback/timestamp-fast-forward-recovery", timestamp_fast_forward, NULL,
	 "test_rollback.py: test_new_timestamp_fast_forward_recovery"},
	{"rollback/delegated", delegated, NULL, "5.5.5"},
	{"rollback/delegated-with-hashes", delegated, "hashes", "5.5.5"},
	{"rollback/delegated-version-mismatch", delegated_version_mismatch, NULL, "5.6.4"},
	{"rollback/targets-disappears", role_disappears, "targets", "5.5.5"},
	{"rollback/delegated-disappears", role_disappears, "delegated", "5.5.5"},
	{"rollback/snapshot-recovery-by-timestamp-key", snapshot_fast_forward_timestamp_key, NULL,
	 "5.3.11"},
	{"rollback/recovery-needs-the-new-key", recovery_needs_the_new_key, NULL, "5.3.11"},
	{"rollback/recovery-in-two-runs", recovery_in_two_runs, NULL, "5.3.11"},
	{"rollback/added-key-is-no-rotation", added_key_is_no_rotation, NULL, "5.3.11"},
};

const struct tuf_group tuf_rollback = {tests, SUT_ARRAY_SIZE(tests)};
