// SPDX-License-Identifier: Apache-2.0
/* Refresh from the beginning, and what is not as it should be in one file: 24 behaviours. */
#include <string.h>

#include "base/cleanup.h"
#include "world.h"

static void refresh_requests(struct world *w, const void *arg _unused_)
{
	init(w);
	refresh(w);
	expect_requests(w, "2.root.json timestamp.json 1.snapshot.json 1.targets.json");
}

static void refresh_trusted_data(struct world *w, const void *arg _unused_)
{
	init(w);
	refresh(w);
	expect_trusted(w, "root:1 snapshot:1 targets:1 timestamp:1");
	expect_same(w, "root");
	expect_same(w, "timestamp");
	expect_same(w, "snapshot");
	expect_same(w, "targets");
}

static void implicit_refresh(struct world *w, const void *arg _unused_)
{
	init(w);
	EXPECT(run_download1(w, "nonexistent artifact") == 1, "there is no such target");
	expect_requests(w, "2.root.json timestamp.json 1.snapshot.json 1.targets.json");
	expect_trusted(w, "root:1 snapshot:1 targets:1 timestamp:1");
	expect_same(w, "targets");
	expect_downloads(w, NULL);
}

static void invalid_initial_root(struct world *w, const void *arg _unused_)
{
	json_t *whole = sim_parse_last(w->sim, "root");

	json_object_del(json_object_get(whole, "signed"), "version");
	sim_replace_json(w->sim, "root", whole);
	run_init(w); /* may look at it, or not */
	refresh_fails(w);
	expect_requests(w, "");
}

static void unsigned_initial_root(struct world *w, const void *arg _unused_)
{
	json_t *whole = sim_parse_last(w->sim, "root"), *other = sim_doc(w->sim, "timestamp");

	/* a good signature by the right key, of something else */
	json_object_set_new(json_array_get(json_object_get(whole, "signatures"), 0), "sig",
			    json_string(sim_signature(sim_signer(w->sim, "root", 0), other)));
	sim_replace_json(w->sim, "root", whole);
	run_init(w);
	refresh_fails(w);
	expect_requests(w, "");
}

struct stop {
	const char *role, *trusted, *requests;
};

static const struct stop unsigned_root = {"root", "root:1", "2.root.json"};
static const struct stop unsigned_timestamp = {"timestamp", "root:2",
					       "2.root.json 3.root.json timestamp.json"};
static const struct stop unsigned_snapshot = {
	"snapshot", "root:2 timestamp:2", "2.root.json 3.root.json timestamp.json 2.snapshot.json"};
static const struct stop unsigned_targets = {
	"targets", "root:2 snapshot:2 timestamp:2",
	"2.root.json 3.root.json timestamp.json 2.snapshot.json 2.targets.json"};

/* Roles before the bad one in the workflow are updated, those from it on are not. */
static void unsigned_metadata(struct world *w, const void *arg)
{
	const struct stop *c = arg;

	sim_drop_signer(w->sim, c->role);
	sim_publish(w->sim, "root targets snapshot timestamp");
	init(w);
	refresh_fails(w);
	expect_trusted(w, c->trusted);
	expect_requests(w, c->requests);
}

/* The file under 2.ROLE.json says that it is version 3. */
static void url_version_mismatch(struct world *w, const void *arg)
{
	const struct stop *c = arg;
	struct sim_role *r = sim_role(w->sim, c->role);

	sim_publish(w->sim, "root targets snapshot timestamp");
	sim_version(w->sim, c->role, 3);
	sim_publish(w->sim, c->role);
	r->files[r->nfiles - 1].version = 2;
	/* What lists it says 2. */
	if (strcmp(c->role, "root") != 0) {
		const char *in = strcmp(c->role, "snapshot") == 0 ? "timestamp" : "snapshot";

		json_object_set_new(sim_meta(w->sim, in, c->role), "version", json_integer(2));
	}
	init(w);
	refresh_fails(w);
	expect_trusted(w, c->trusted);
	expect_requests(w, c->requests);
}

static void timestamp_content_changes(struct world *w, const void *arg _unused_)
{
	init(w);
	refresh(w);
	json_object_set_new(sim_meta(w->sim, "timestamp", "snapshot"), "version",
			    json_integer(100));
	sim_republish(w->sim, "timestamp");
	forget_requests(w);
	refresh(w);
	expect_requests(w, "2.root.json timestamp.json");
	expect_trusted(w, "root:1 snapshot:1 targets:1 timestamp:1");
}

static void metadata_hashes(struct world *w, const void *arg _unused_)
{
	w->sim->hashes = true;
	sim_publish(w->sim, "targets snapshot timestamp");
	init(w);
	refresh(w);
	expect_trusted(w, "root:1 snapshot:2 targets:2 timestamp:2");
}

static void targets_hash_mismatch(struct world *w, const void *arg _unused_)
{
	metadata_hashes(w, NULL);
	sim_publish(w->sim, "targets");
	json_object_set_new(json_object_get(sim_meta(w->sim, "snapshot", "targets"), "hashes"),
			    "sha256", json_string(sim_hash("sha256", "other", 5)));
	sim_publish(w->sim, "snapshot timestamp");
	refresh_fails(w);
	expect_trusted(w, "root:1 snapshot:3 targets:2 timestamp:3");
	/* and repaired: no state is lost */
	sim_release(w->sim, "");
	refresh(w);
	expect_trusted(w, "root:1 snapshot:4 targets:4 timestamp:4");
}

static void snapshot_hash_mismatch(struct world *w, const void *arg _unused_)
{
	metadata_hashes(w, NULL);
	sim_publish(w->sim, "targets snapshot");
	json_object_set_new(json_object_get(sim_meta(w->sim, "timestamp", "snapshot"), "hashes"),
			    "sha256", json_string(sim_hash("sha256", "other", 5)));
	sim_publish(w->sim, "timestamp");
	refresh_fails(w);
	expect_trusted(w, "root:1 snapshot:2 targets:2 timestamp:3");
	sim_release(w->sim, "");
	refresh(w);
	expect_trusted(w, "root:1 snapshot:4 targets:4 timestamp:4");
}

static void bytes_match(struct world *w, const void *arg _unused_)
{
	const char *const roles[] = {"timestamp", "snapshot", "targets"};

	init(w);
	for (size_t i = 0; i < 3; i++) {
		const struct sim_file *f = sim_last(w->sim, roles[i]);
		char *more = sim_str("\n%s \r\n\t", (const char *)f->data);

		sim_replace(w->sim, roles[i], more, strlen(more));
	}
	refresh(w);
	for (size_t i = 0; i < 3; i++)
		expect_same(w, roles[i]);
}

/* Unknown fields count for signatures and key ids, and mean nothing. */
static void custom_fields(struct world *w, const void *arg _unused_)
{
	struct sim_key *k =
		sim_key_alias(sim_key_new(SIM_ECDSA), "extra-field",
			      json_pack("{s:i, s:[i, s]}", "a", 1, "b", 2, "\303\251\n"));

	init(w);
	refresh(w);
	sim_trust(w->sim, "root", "root", k);
	sim_sign_with(w->sim, "root", k);
	sim_threshold(w->sim, "root", "root", 2);
	sim_set(w->sim, "root", "custom-field", json_string("value"));
	json_object_set_new(sim_role_json(w->sim, "root", "root"), "another-field",
			    json_string("value"));
	sim_set(w->sim, "timestamp", "more", json_pack("[n, b]", 1));
	sim_set(w->sim, "snapshot", "more", json_integer(-1));
	sim_set(w->sim, "targets", "more", json_object());
	json_object_set_new(sim_meta(w->sim, "timestamp", "snapshot"), "custom", json_integer(1));
	sim_publish(w->sim, "root targets snapshot timestamp");
	refresh(w);
	expect_trusted(w, "root:2 snapshot:2 targets:2 timestamp:2");
	expect_same(w, "root");
	/* an unknown field that was changed after signing is found out */
	sim_publish(w->sim, "root");
	sim_replace_text(w->sim, "root", "\"custom-field\": \"value\"",
			 "\"custom-field\": \"other\"");
	refresh_fails(w);
	expect_trusted(w, "root:2 snapshot:2 targets:2 timestamp:2");
}

static void keyid_hash_algorithms(struct world *w, const void *arg _unused_)
{
	struct sim_key *k =
		sim_key_alias(sim_key_new(SIM_ECDSA), "keyid_hash_algorithms", json_string("md5"));

	init(w);
	sim_clear_keys(w->sim, "root", "snapshot");
	sim_clear_signers(w->sim, "snapshot");
	sim_trust(w->sim, "root", "snapshot", k);
	sim_sign_with(w->sim, "snapshot", k);
	sim_publish(w->sim, "root snapshot timestamp");
	refresh(w);
	expect_trusted(w, "root:2 snapshot:2 targets:1 timestamp:2");
}

static void snapshot_404(struct world *w, const void *arg _unused_)
{
	init(w);
	refresh(w);
	json_object_set_new(sim_meta(w->sim, "timestamp", "snapshot"), "version", json_integer(2));
	sim_publish(w->sim, "timestamp");
	refresh_fails(w);
	expect_last_request(w, "2.snapshot.json");
	expect_trusted(w, "root:1 snapshot:1 targets:1 timestamp:2");
	sim_publish(w->sim, "snapshot");
	refresh(w);
	expect_requests(w, "2.root.json timestamp.json 2.snapshot.json");
	expect_trusted(w, "root:1 snapshot:2 targets:1 timestamp:2");
}

static void targets_404(struct world *w, const void *arg _unused_)
{
	init(w);
	refresh(w);
	json_object_set_new(sim_meta(w->sim, "snapshot", "targets"), "version", json_integer(2));
	sim_publish(w->sim, "snapshot timestamp");
	refresh_fails(w);
	expect_last_request(w, "2.targets.json");
	expect_trusted(w, "root:1 snapshot:2 targets:1 timestamp:2");
	sim_publish(w->sim, "targets");
	refresh(w);
	expect_requests(w, "2.root.json timestamp.json 2.targets.json");
	expect_trusted(w, "root:1 snapshot:2 targets:2 timestamp:2");
}

static void timestamp_404(struct world *w, const void *arg _unused_)
{
	init(w);
	refresh(w);
	sim_unpublish(w->sim, "timestamp");
	refresh_fails(w);
	expect_last_request(w, "timestamp.json");
	expect_trusted(w, "root:1 snapshot:1 targets:1 timestamp:1");
}

/* A snapshot that is also signed by the timestamp key and would pass for a timestamp. */
static void incorrect_type(struct world *w, const void *arg _unused_)
{
	struct sim_key *k = sim_signer(w->sim, "timestamp", 0);
	const struct sim_file *f;

	init(w);
	sim_trust(w->sim, "root", "snapshot", k);
	sim_sign_with(w->sim, "snapshot", k);
	sim_set(w->sim, "snapshot", "meta", json_pack("{s:{s:i}}", "snapshot.json", "version", 1));
	sim_publish(w->sim, "root snapshot");
	f = sim_last(w->sim, "snapshot");
	sim_serve(w->sim, "timestamp", 2, f->data, f->len);
	refresh_fails(w);
	expect_trusted(w, "root:2");
}

static void faketime_works(struct world *w, const void *arg _unused_)
{
	init(w);
	sim_expires(w->sim, "root", 7);
	sim_publish(w->sim, "root");
	refresh(w);
	at_day(w, 8);
	refresh_fails(w);
	expect_said(w, "expire");
	at_day(w, 0);
	refresh(w);
}

static const struct stop mismatch_root = {"root", "root:1", "2.root.json"};

static const struct tuf_test tests[] = {
	{"basic/refresh-requests", refresh_requests, NULL,
	 "test_basic.py: test_basic_refresh_requests"},
	{"basic/refresh-trusted-data", refresh_trusted_data, NULL,
	 "test_basic.py: test_basic_refresh_trusted_data"},
	{"basic/implicit-refresh", implicit_refresh, NULL, "test_basic.py: test_implicit_refresh"},
	{"basic/invalid-initial-root", invalid_initial_root, NULL,
	 "test_basic.py: test_invalid_initial_root"},
	{"basic/unsigned-initial-root", unsigned_initial_root, NULL,
	 "test_basic.py: test_unsigned_initial_root"},
	{"basic/unsigned-root", unsigned_metadata, &unsigned_root,
	 "test_basic.py: test_unsigned_metadata[root]"},
	{"basic/unsigned-timestamp", unsigned_metadata, &unsigned_timestamp,
	 "test_basic.py: test_unsigned_metadata[timestamp]"},
	{"basic/unsigned-snapshot", unsigned_metadata, &unsigned_snapshot,
	 "test_basic.py: test_unsigned_metadata[snapshot]"},
	{"basic/unsigned-targets", unsigned_metadata, &unsigned_targets,
	 "test_basic.py: test_unsigned_metadata[targets]"},
	{"basic/url-version-mismatch-root", url_version_mismatch, &mismatch_root,
	 "test_basic.py: test_url_and_metadata_version_mismatch[root]"},
	{"basic/url-version-mismatch-snapshot", url_version_mismatch, &unsigned_snapshot,
	 "test_basic.py: test_url_and_metadata_version_mismatch[snapshot]"},
	{"basic/url-version-mismatch-targets", url_version_mismatch, &unsigned_targets,
	 "test_basic.py: test_url_and_metadata_version_mismatch[targets]"},
	{"basic/timestamp-content-changes", timestamp_content_changes, NULL,
	 "test_basic.py: test_timestamp_content_changes"},
	{"basic/metadata-hashes", metadata_hashes, NULL,
	 "test_basic.py: test_basic_metadata_hash_support"},
	{"basic/targets-hash-mismatch", targets_hash_mismatch, NULL,
	 "test_basic.py: hash of targets"},
	{"basic/snapshot-hash-mismatch", snapshot_hash_mismatch, NULL,
	 "test_basic.py: hash of snapshot"},
	{"basic/metadata-bytes-match", bytes_match, NULL,
	 "test_basic.py: test_metadata_bytes_match"},
	{"basic/custom-fields", custom_fields, NULL, "test_basic.py: test_custom_fields"},
	{"basic/deprecated-keyid-hash-algorithms", keyid_hash_algorithms, NULL,
	 "test_basic.py: test_deprecated_keyid_hash_algorithms"},
	{"basic/snapshot-404", snapshot_404, NULL, "test_basic.py: test_snapshot_404"},
	{"basic/targets-404", targets_404, NULL, "test_basic.py: test_targets_404"},
	{"basic/timestamp-404", timestamp_404, NULL, "test_basic.py: test_timestamp_404"},
	{"basic/incorrect-metadata-type", incorrect_type, NULL,
	 "test_basic.py: test_incorrect_metadata_type"},
	{"basic/faketime", faketime_works, NULL, "test_basic.py: test_faketime"},
};

const struct tuf_group tuf_basic = {tests, SUT_ARRAY_SIZE(tests)};
