// SPDX-License-Identifier: Apache-2.0
/* Keys, thresholds, and signatures that must not count, or must do no harm. */
#include <string.h>

#include "base/cleanup.h"
#include "world.h"

static json_t *signature_of(json_t *whole, const char *id)
{
	json_t *sig;
	size_t i;

	json_array_foreach(json_object_get(whole, "signatures"), i, sig)
		if (strcmp(json_string_value(json_object_get(sig, "keyid")), id) == 0)
			return sig;
	sim_die("no signature by %s", id);
}

static void threshold_not_met(struct world *w, const void *arg _unused_)
{
	sim_threshold(w->sim, "root", "snapshot", 3);
	sim_add_key(w->sim, "root", "snapshot");
	sim_add_key(w->sim, "root", "snapshot");
	sim_publish(w->sim, "root targets snapshot timestamp");
	init(w);
	refresh(w);
	sim_drop_signer(w->sim, "snapshot");
	sim_release(w->sim, "");
	refresh_fails(w);
	expect_trusted(w, "root:2 snapshot:2 targets:2 timestamp:3");
}

static void too_few_keys(struct world *w, const void *arg _unused_)
{
	init(w);
	for (int i = 0; i < 4; i++)
		sim_add_key(w->sim, "root", "snapshot");
	sim_threshold(w->sim, "root", "snapshot", 6);
	sim_publish(w->sim, "root snapshot timestamp");
	refresh_fails(w);
	/* Whether a root with a threshold nobody can meet is taken is the client's choice. */
	EXPECT(trusted_version(w, "snapshot") == 0, "snapshot is trusted");
}

/* One key under nine equal ids, its signature nine times. */
static void duplicate_keys(struct world *w, const void *arg _unused_)
{
	struct sim_key *k = sim_key_new(SIM_ECDSA);
	json_t *ids = json_object_get(sim_role_json(w->sim, "root", "snapshot"), "keyids"), *whole;

	init(w);
	sim_trust(w->sim, "root", "snapshot", k);
	for (int i = 0; i < 8; i++)
		json_array_append_new(ids, json_string(k->id));
	sim_sign_with(w->sim, "snapshot", k);
	sim_threshold(w->sim, "root", "snapshot", 6);
	sim_publish(w->sim, "root snapshot timestamp");
	whole = sim_parse_last(w->sim, "snapshot");
	for (int i = 0; i < 8; i++)
		json_array_append(json_object_get(whole, "signatures"), signature_of(whole, k->id));
	sim_replace_json(w->sim, "snapshot", whole);
	refresh_fails(w);
	EXPECT(trusted_version(w, "snapshot") == 0, "snapshot is trusted");
}

static void duplicate_signature_ids(struct world *w, const void *arg)
{
	const char *role = arg;
	json_t *whole, *sigs;

	init(w);
	sim_publish(w->sim, "root targets snapshot timestamp");
	whole = sim_parse_last(w->sim, role);
	sigs = json_object_get(whole, "signatures");
	json_array_append(sigs, json_array_get(sigs, 0));
	sim_replace_json(w->sim, role, whole);
	refresh_fails(w);
	EXPECT(trusted_version(w, role) == (strcmp(role, "root") == 0), "%s is trusted", role);
}

/* The scheme is needed to reach the threshold; then its signature is one of something else. */
static void keytype(struct world *w, const void *arg)
{
	const enum sim_key_type *type = arg;
	struct sim_key *k = sim_key_new(*type);
	json_t *whole, *other = json_pack("{s:i}", "other", 1);

	init(w);
	sim_trust(w->sim, "root", "root", k);
	sim_sign_with(w->sim, "root", k);
	sim_threshold(w->sim, "root", "root", 2);
	sim_publish(w->sim, "root");
	refresh(w);
	expect_trusted(w, "root:2 snapshot:1 targets:1 timestamp:1");
	sim_publish(w->sim, "root");
	whole = sim_parse_last(w->sim, "root");
	json_object_set_new(signature_of(whole, k->id), "sig",
			    json_string(sim_signature(k, other)));
	sim_replace_json(w->sim, "root", whole);
	refresh_fails(w);
	expect_trusted(w, "root:2 snapshot:1 targets:1 timestamp:1");
}

/* All four roles with this type alone. */
static void whole_repository(struct world *w, const void *arg)
{
	const char *const roles[] = {"root", "timestamp", "snapshot", "targets"};
	struct sim_key *k = sim_key_new(*(const enum sim_key_type *)arg);

	init(w);
	for (size_t i = 0; i < 4; i++) {
		sim_clear_keys(w->sim, "root", roles[i]);
		if (i)
			sim_clear_signers(w->sim, roles[i]);
		sim_trust(w->sim, "root", roles[i], k);
		sim_sign_with(w->sim, roles[i], k);
	}
	sim_target(w->sim, "targets", "file", "text");
	sim_publish(w->sim, "root targets snapshot timestamp");
	download(w, "file");
	expect_trusted(w, "root:2 snapshot:2 targets:2 timestamp:2");
	expect_downloads(w, "text", NULL);
}

/* Threshold 1 is met by one good signature; the text of the other one says anything. */
static void bad_extra_signature(struct world *w, const void *arg)
{
	struct sim_key *bad = sim_signer(w->sim, "timestamp", 0);
	json_t *whole;

	init(w);
	sim_add_key(w->sim, "root", "timestamp");
	sim_publish(w->sim, "root timestamp");
	whole = sim_parse_last(w->sim, "timestamp");
	json_object_set_new(signature_of(whole, bad->id), "sig",
			    arg ? json_string(arg)
				: json_string(sim_signature(bad, sim_doc(w->sim, "root"))));
	sim_replace_json(w->sim, "timestamp", whole);
	refresh(w);
	expect_trusted(w, "root:2 snapshot:1 targets:1 timestamp:2");
}

/* By a key nobody knows, and by one that belongs to another role. */
static void extra_unknown_signatures(struct world *w, const void *arg _unused_)
{
	init(w);
	sim_sign_with(w->sim, "timestamp", sim_key_new(SIM_ED25519));
	sim_sign_with(w->sim, "timestamp", sim_signer(w->sim, "root", 0));
	sim_publish(w->sim, "timestamp");
	refresh(w);
	expect_trusted(w, "root:1 snapshot:1 targets:1 timestamp:2");
}

/* 2 of 2, and one of the two signatures is by the key of another role. */
static void other_roles_key_does_not_count(struct world *w, const void *arg _unused_)
{
	init(w);
	sim_add_key(w->sim, "root", "snapshot");
	sim_threshold(w->sim, "root", "snapshot", 2);
	sim_drop_signer(w->sim, "snapshot");
	sim_sign_with(w->sim, "snapshot", sim_signer(w->sim, "targets", 0));
	sim_publish(w->sim, "root snapshot timestamp");
	refresh_fails(w);
	expect_trusted(w, "root:2 timestamp:2");
}

/* One pair under two ids (an unknown field makes the difference) is one key. */
static void same_key_under_two_ids(struct world *w, const void *arg)
{
	const char *role = arg, *in = strcmp(role, "delegated") == 0 ? "targets" : "root";
	struct sim_key *k, *alias;

	init(w);
	if (strcmp(role, "delegated") == 0) {
		sim_delegate(w->sim, "targets", "delegated", "file", 0);
		sim_target(w->sim, "delegated", "file", "text");
	}
	k = sim_signer(w->sim, role, 0);
	alias = sim_key_alias(k, "comment", json_string("another id"));
	sim_trust(w->sim, in, role, alias);
	sim_sign_with(w->sim, role, alias);
	sim_threshold(w->sim, in, role, 2);
	if (strcmp(role, "delegated") == 0)
		sim_publish(w->sim, "delegated");
	sim_publish(w->sim, "root targets snapshot timestamp");
	download_fails(w, "file");
	EXPECT(trusted_version(w, role) == (strcmp(role, "root") == 0), "%s is trusted", role);
}

/* The same, the second time in another encoding of the same public key. */
static void same_key_in_another_encoding(struct world *w, const void *arg _unused_)
{
	struct sim_key *k = sim_signer(w->sim, "timestamp", 0), *alias;
	json_t *val = json_deep_copy(json_object_get(k->json, "keyval"));
	char *pem = sim_str("%s\n", json_string_value(json_object_get(val, "public")));

	init(w);
	json_object_set_new(val, "public", json_string(pem));
	alias = sim_key_alias(k, "keyval", val);
	sim_trust(w->sim, "root", "timestamp", alias);
	sim_sign_with(w->sim, "timestamp", alias);
	sim_threshold(w->sim, "root", "timestamp", 2);
	sim_publish(w->sim, "root timestamp");
	refresh_fails(w);
	EXPECT(trusted_version(w, "timestamp") == 0, "timestamp is trusted");
}

/* An id that is not the hash of its key is a name like any other: repositories that changed the
 * way they write keys kept the ids. */
static void keyid_may_be_any_name(struct world *w, const void *arg _unused_)
{
	struct sim_key *k = sim_key_new(SIM_ECDSA);

	memset(k->id, 'a', 64);
	init(w);
	sim_clear_keys(w->sim, "root", "timestamp");
	sim_clear_signers(w->sim, "timestamp");
	sim_trust(w->sim, "root", "timestamp", k);
	sim_sign_with(w->sim, "timestamp", k);
	sim_publish(w->sim, "root timestamp");
	refresh(w);
	expect_trusted(w, "root:2 snapshot:1 targets:1 timestamp:2");
}

/* Keys of a kind we do not know neither count nor disturb. */
static void unknown_keytype(struct world *w, const void *arg _unused_)
{
	struct sim_key *k =
		sim_key_alias(sim_key_new(SIM_ECDSA), "keytype", json_string("sphincs-2048"));

	json_object_set_new(k->json, "scheme", json_string("sphincs-2048-shake"));
	sim_key_rename(k);
	init(w);
	sim_trust(w->sim, "root", "timestamp", k);
	sim_sign_with(w->sim, "timestamp", k);
	sim_publish(w->sim, "root timestamp");
	refresh(w);
	expect_trusted(w, "root:2 snapshot:1 targets:1 timestamp:2");
	sim_threshold(w->sim, "root", "timestamp", 2);
	sim_publish(w->sim, "root timestamp");
	refresh_fails(w);
	EXPECT(trusted_version(w, "timestamp") != 3, "timestamp 3 is trusted");
}

/* A role whose keyids name keys that are not there. */
static void missing_key(struct world *w, const void *arg _unused_)
{
	struct sim_key *k;

	init(w);
	k = sim_add_key(w->sim, "root", "timestamp");
	json_object_del(json_object_get(sim_doc(w->sim, "root"), "keys"), k->id);
	sim_threshold(w->sim, "root", "timestamp", 2);
	sim_publish(w->sim, "root timestamp");
	refresh_fails(w);
	EXPECT(trusted_version(w, "timestamp") == 0, "timestamp is trusted");
}

static const enum sim_key_type ecdsa = SIM_ECDSA, ed25519 = SIM_ED25519, rsa = SIM_RSA;

static const struct tuf_test tests[] = {
	{"keys/threshold-not-met", threshold_not_met, NULL,
	 "test_keys.py: test_snapshot_does_not_meet_threshold"},
	{"keys/too-few-keys", too_few_keys, NULL, "test_keys.py: test_snapshot_has_too_few_keys"},
	{"keys/duplicate-keys", duplicate_keys, NULL, "test_keys.py: test_duplicate_keys"},
	{"keys/duplicate-signature-ids-snapshot", duplicate_signature_ids, "snapshot",
	 "test_keys.py: test_duplicate_sig_keyids"},
	{"keys/duplicate-signature-ids-root", duplicate_signature_ids, "root", "4.2.1"},
	{"keys/duplicate-signature-ids-timestamp", duplicate_signature_ids, "timestamp", "4.2.1"},
	{"keys/duplicate-signature-ids-targets", duplicate_signature_ids, "targets", "4.2.1"},
	{"keys/keytype-rsassa-pss-sha256", keytype, &rsa,
	 "test_keys.py: test_keytype_and_scheme[rsa/rsassa-pss-sha256]"},
	{"keys/keytype-ecdsa-sha2-nistp256", keytype, &ecdsa,
	 "test_keys.py: test_keytype_and_scheme[ecdsa/ecdsa-sha2-nistp256]"},
	{"keys/keytype-ed25519", keytype, &ed25519,
	 "test_keys.py: test_keytype_and_scheme[ed25519/ed25519]"},
	{"keys/bad-extra-signature", bad_extra_signature, NULL,
	 "test_keys.py: test_invalid_sig_in_valid_metadata (a plausible one)"},
	{"keys/empty-extra-signature", bad_extra_signature, "",
	 "test_keys.py: test_invalid_sig_in_valid_metadata (an empty one)"},
	{"keys/odd-extra-signature", bad_extra_signature, "abc", "5.4.2"},
	{"keys/no-hexadecimal-extra-signature", bad_extra_signature, "zz \303\251", "5.4.2"},
	{"keys/extra-unknown-signatures", extra_unknown_signatures, NULL, "5.4.2"},
	{"keys/other-roles-key-does-not-count", other_roles_key_does_not_count, NULL, "5.5.3"},
	{"keys/same-key-under-two-ids-root", same_key_under_two_ids, "root", "4.2.1; 5.3.4"},
	{"keys/same-key-under-two-ids-timestamp", same_key_under_two_ids, "timestamp",
	 "4.2.1; 5.4.2"},
	{"keys/same-key-under-two-ids-delegated", same_key_under_two_ids, "delegated",
	 "4.2.1; 5.6.3"},
	{"keys/same-key-in-another-encoding", same_key_in_another_encoding, NULL, "4.2.1"},
	{"keys/keyid-is-not-the-hash", keyid_may_be_any_name, NULL, "4.2.1"},
	{"keys/unknown-keytype", unknown_keytype, NULL, "4.2.1"},
	{"keys/missing-key", missing_key, NULL, "5.4.2"},
	{"keys/repository-of-ed25519", whole_repository, &ed25519, "4.2.1"},
	{"keys/repository-of-ecdsa", whole_repository, &ecdsa, "4.2.1"},
	{"keys/repository-of-rsa", whole_repository, &rsa, "4.2.1"},
};

const struct tuf_group tuf_keys = {tests, SUT_ARRAY_SIZE(tests)};
