// SPDX-License-Identifier: Apache-2.0
/* Expiry of each role, on the server and in the metadata folder. */
#include "base/cleanup.h"
#include "world.h"

static void root_expired(struct world *w, const void *arg _unused_)
{
	init(w);
	refresh(w);
	sim_publish(w->sim, "root");
	refresh(w);
	sim_expires(w->sim, "root", -1);
	sim_publish(w->sim, "root targets snapshot timestamp");
	forget_requests(w);
	refresh_fails(w);
	expect_said(w, "expire");
	/* Persisted, then refused: 5.3.8 comes before 5.3.10. */
	expect_trusted(w, "root:3 snapshot:1 targets:1 timestamp:1");
	expect_same(w, "root");
	expect_requests(w, "3.root.json 4.root.json");
	sim_expires(w->sim, "root", 30);
	sim_publish(w->sim, "root");
	refresh(w);
	expect_trusted(w, "root:4 snapshot:2 targets:2 timestamp:2");
}

static void timestamp_expired(struct world *w, const void *arg _unused_)
{
	init(w);
	refresh(w);
	sim_expires(w->sim, "timestamp", -5);
	sim_publish(w->sim, "timestamp");
	forget_requests(w);
	refresh_fails(w);
	expect_said(w, "expire");
	expect_trusted(w, "root:1 snapshot:1 targets:1 timestamp:1");
	expect_requests(w, "2.root.json timestamp.json");
	sim_expires(w->sim, "timestamp", 1);
	sim_publish(w->sim, "timestamp");
	refresh(w);
	expect_trusted(w, "root:1 snapshot:1 targets:1 timestamp:3");
}

static void snapshot_expired(struct world *w, const void *arg _unused_)
{
	init(w);
	refresh(w);
	sim_expires(w->sim, "snapshot", -5);
	sim_publish(w->sim, "snapshot timestamp");
	forget_requests(w);
	refresh_fails(w);
	expect_said(w, "expire");
	expect_trusted(w, "root:1 snapshot:1 targets:1 timestamp:2");
	expect_requests(w, "2.root.json timestamp.json 2.snapshot.json");
	sim_expires(w->sim, "snapshot", 5);
	sim_publish(w->sim, "snapshot timestamp");
	refresh(w);
	expect_trusted(w, "root:1 snapshot:3 targets:1 timestamp:3");
}

static void targets_expired(struct world *w, const void *arg _unused_)
{
	init(w);
	refresh(w);
	sim_expires(w->sim, "targets", -5);
	sim_release(w->sim, "");
	forget_requests(w);
	refresh_fails(w);
	expect_said(w, "expire");
	expect_trusted(w, "root:1 snapshot:2 targets:1 timestamp:2");
	expect_requests(w, "2.root.json timestamp.json 2.snapshot.json 2.targets.json");
	sim_expires(w->sim, "targets", 5);
	sim_release(w->sim, "");
	refresh(w);
	expect_trusted(w, "root:1 snapshot:3 targets:3 timestamp:3");
}

static void expired_local_root(struct world *w, const void *arg _unused_)
{
	init(w);
	sim_expires(w->sim, "root", 7);
	sim_publish(w->sim, "root");
	refresh(w);
	sim_expires(w->sim, "root", 21);
	sim_publish(w->sim, "root");
	at_day(w, 18);
	refresh(w);
	expect_trusted(w, "root:3 snapshot:1 targets:1 timestamp:1");
	at_day(w, 22);
	refresh_fails(w);
}

static void expired_local_timestamp(struct world *w, const void *arg _unused_)
{
	init(w);
	sim_expires(w->sim, "timestamp", 7);
	sim_publish(w->sim, "timestamp");
	refresh(w);
	sim_expires(w->sim, "timestamp", 21);
	sim_release(w->sim, "");
	at_day(w, 18);
	refresh(w);
	expect_trusted(w, "root:1 snapshot:2 targets:2 timestamp:3");
}

static void expired_local_snapshot(struct world *w, const void *arg _unused_)
{
	init(w);
	sim_expires(w->sim, "snapshot", 7);
	sim_publish(w->sim, "snapshot timestamp");
	refresh(w);
	at_day(w, 18);
	refresh_fails(w);
	sim_expires(w->sim, "snapshot", 21);
	sim_release(w->sim, "");
	refresh(w);
	expect_trusted(w, "root:1 snapshot:3 targets:2 timestamp:3");
}

/* A new timestamp that lists the old, expired snapshot. */
static void expired_local_snapshot_is_not_used(struct world *w, const void *arg _unused_)
{
	init(w);
	sim_expires(w->sim, "snapshot", 7);
	sim_publish(w->sim, "snapshot timestamp");
	refresh(w);
	sim_publish(w->sim, "timestamp");
	at_day(w, 8);
	refresh_fails(w);
	expect_said(w, "expire");
}

static void expired_local_targets_is_not_used(struct world *w, const void *arg _unused_)
{
	sim_expires(w->sim, "targets", 7);
	sim_target(w->sim, "targets", "file", "text");
	sim_release(w->sim, "");
	init(w);
	refresh(w);
	sim_publish(w->sim, "snapshot timestamp");
	at_day(w, 8);
	refresh_fails(w);
	expect_said(w, "expire");
	download_fails(w, "file");
	expect_downloads(w, NULL);
	sim_expires(w->sim, "targets", 30);
	sim_release(w->sim, "");
	download(w, "file");
	expect_downloads(w, "text", NULL);
}

/* An unchanged repository after the timestamp's end: the client must not go on with what it has. */
static void indefinite_freeze(struct world *w, const void *arg _unused_)
{
	sim_expires(w->sim, "timestamp", 1);
	sim_target(w->sim, "targets", "file", "text");
	sim_release(w->sim, "");
	init(w);
	download(w, "file");
	at_day(w, 2);
	refresh_fails(w);
	expect_said(w, "expire");
	download_fails(w, "file");
}

static void one_second(struct world *w, const void *arg _unused_)
{
	sim_set(w->sim, "timestamp", "expires", json_string(sim_time(w->sim->now + 10 * 86400)));
	sim_publish(w->sim, "timestamp");
	init(w);
	/* "higher than the fixed update start time": not equal. Faked seconds go on, so minutes. */
	at_day(w, 10 - 60.0 / 86400);
	refresh(w);
	at_day(w, 10);
	refresh_fails(w);
}

static void delegated_expired(struct world *w, const void *arg _unused_)
{
	init(w);
	sim_delegate(w->sim, "targets", "delegated", "delegatedpath/*", 0);
	sim_expires(w->sim, "delegated", -1);
	sim_target(w->sim, "delegated", "delegatedpath/target", "delegated content");
	sim_release(w->sim, "delegated");
	refresh(w);
	download_fails(w, "delegatedpath/target");
	expect_said(w, "expire");
	expect_downloads(w, NULL);
	expect_trusted(w, "root:1 snapshot:2 targets:2 timestamp:2");
}

static void expired_local_delegated(struct world *w, const void *arg _unused_)
{
	init(w);
	sim_delegate(w->sim, "targets", "delegated", "delegatedpath/*", 0);
	sim_expires(w->sim, "delegated", 7);
	sim_target(w->sim, "delegated", "delegatedpath/first", "first");
	sim_target(w->sim, "delegated", "delegatedpath/second", "second");
	sim_release(w->sim, "delegated");
	download(w, "delegatedpath/first");
	at_day(w, 18);
	download_fails(w, "delegatedpath/second");
	expect_said(w, "expire");
	expect_downloads(w, "first", NULL);
}

static void expired_local_delegated_updates(struct world *w, const void *arg _unused_)
{
	expired_local_delegated(w, NULL);
	sim_expires(w->sim, "delegated", 21);
	sim_publish(w->sim, "delegated snapshot timestamp");
	download(w, "delegatedpath/second");
	expect_downloads(w, "first", "second", NULL);
	expect_trusted(w, "delegated:2 root:1 snapshot:3 targets:2 timestamp:3");
}

/* A clock that is off by decades, either way and one after the other, costs nothing but the updates of
 * that time: what was seen stays seen. */
static void odd_clocks(struct world *w, const void *arg _unused_)
{
	init(w);
	refresh(w);
	sim_publish(w->sim, "root targets snapshot timestamp");
	at_day(w, 26000);
	refresh_fails(w);
	expect_said(w, "expire");
	expect_trusted(w, "root:2 snapshot:1 targets:1 timestamp:1");
	at_day(w, -20000);
	refresh(w);
	expect_trusted(w, "root:2 snapshot:2 targets:2 timestamp:2");
	sim_unpublish_last(w->sim, "timestamp");
	for (int i = 0; i < 3; i++) {
		at_day(w, i == 0 ? -20000 : i == 1 ? 26000 : 0);
		refresh_fails(w);
		expect_trusted(w, "root:2 snapshot:2 targets:2 timestamp:2");
	}
	expect_said(w, "older than 2");
	sim_publish(w->sim, "targets snapshot");
	sim_version(w->sim, "timestamp", 3);
	sim_publish(w->sim, "timestamp");
	refresh(w);
	expect_trusted(w, "root:2 snapshot:3 targets:3 timestamp:3");
}

static const struct tuf_test tests[] = {
	{"expiration/root", root_expired, NULL, "test_expiration.py: test_root_expired"},
	{"expiration/timestamp", timestamp_expired, NULL,
	 "test_expiration.py: test_timestamp_expired"},
	{"expiration/snapshot", snapshot_expired, NULL,
	 "test_expiration.py: test_snapshot_expired"},
	{"expiration/targets", targets_expired, NULL, "test_expiration.py: test_targets_expired"},
	{"expiration/local-root", expired_local_root, NULL,
	 "test_expiration.py: test_expired_local_root"},
	{"expiration/local-timestamp", expired_local_timestamp, NULL,
	 "test_expiration.py: test_expired_local_timestamp"},
	{"expiration/local-snapshot", expired_local_snapshot, NULL, "5.5.6"},
	{"expiration/local-snapshot-is-not-used", expired_local_snapshot_is_not_used, NULL,
	 "5.5.6"},
	{"expiration/local-targets-is-not-used", expired_local_targets_is_not_used, NULL, "5.6.5"},
	{"expiration/indefinite-freeze", indefinite_freeze, NULL, "indefinite freeze attack"},
	{"expiration/odd-clocks", odd_clocks, NULL, "5.1"},
	{"expiration/equal-is-expired", one_second, NULL, "5.4.4"},
	{"expiration/delegated", delegated_expired, NULL,
	 "test_delegated_expiration.py: test_delegated_targets_expired; CVE-2026-6967"},
	{"expiration/local-delegated", expired_local_delegated, NULL,
	 "test_delegated_expiration.py: test_expired_local_delegated_targets"},
	{"expiration/local-delegated-updates", expired_local_delegated_updates, NULL,
	 "test_delegated_expiration.py: test_expired_local_delegated_targets_updates"},
};

const struct tuf_group tuf_expiration = {tests, SUT_ARRAY_SIZE(tests)};
