// SPDX-License-Identifier: Apache-2.0
/*
 * Vulnerabilities that other TUF clients had, each by its name, and attacks by whoever has the
 * server or the network.
 */
#include <errno.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "world.h"

/* A repository in which "file" is in charge of the role "delegated". */
static void with_delegation(struct world *w)
{
	sim_delegate(w->sim, "targets", "delegated", "file", 0);
	sim_target(w->sim, "delegated", "file", "text");
	sim_release(w->sim, "delegated");
}

static const char *delegator_of(const char *role)
{
	return strcmp(role, "delegated") == 0 ? "targets" : "root";
}

static void append_signature(struct world *w, const char *role, const char *id, const char *sig)
{
	json_t *whole = sim_parse_last(w->sim, role);

	json_array_append_new(json_object_get(whole, "signatures"),
			      json_pack("{s:s, s:s}", "keyid", id, "sig", sig));
	sim_replace_json(w->sim, role, whole);
}

static void publish_all(struct world *w)
{
	sim_publish(w->sim, "root delegated targets snapshot timestamp");
}

/* What an attack on one role must end in: nothing of it and nothing behind it. */
static void expect_refused(struct world *w, const char *role)
{
	download_fails(w, "file");
	expect_downloads(w, NULL);
	if (strcmp(role, "root") == 0)
		EXPECT(trusted_version(w, "root") == 1, "root is trusted");
	else
		EXPECT(trusted_version(w, role) == 0, "%s is trusted", role);
}

/* --- thresholds --- */

/* 2 of 2, signed twice by one key: two good and different signatures, one key. */
static void one_key_twice(struct world *w, const void *arg)
{
	const char *role = arg;
	struct sim_key *k;

	with_delegation(w);
	init(w);
	sim_add_key(w->sim, delegator_of(role), role);
	sim_drop_signer(w->sim, role);
	sim_threshold(w->sim, delegator_of(role), role, 2);
	publish_all(w);
	k = sim_signer(w->sim, role, 0);
	append_signature(w, role, k->id, sim_signature(k, sim_doc(w->sim, role)));
	expect_refused(w, role);
}

/* The same with the id twice among the keyids of the role, too. */
static void one_id_twice(struct world *w, const void *arg)
{
	const char *role = arg;
	struct sim_key *k;

	with_delegation(w);
	init(w);
	k = sim_signer(w->sim, role, 0);
	json_array_append_new(
		json_object_get(sim_role_json(w->sim, delegator_of(role), role), "keyids"),
		json_string(k->id));
	sim_threshold(w->sim, delegator_of(role), role, 2);
	publish_all(w);
	append_signature(w, role, k->id, sim_signature(k, sim_doc(w->sim, role)));
	expect_refused(w, role);
}

struct zero {
	const char *role;
	json_int_t threshold;
	const char *sigs; /* "none": an empty list; "bad": one that is not good */
};

static void threshold_zero(struct world *w, const void *arg)
{
	const struct zero *z = arg;
	json_t *whole;

	with_delegation(w);
	init(w);
	sim_threshold(w->sim, delegator_of(z->role), z->role, z->threshold);
	publish_all(w);
	/* The new root is signed by its old threshold, as an attacker with the root key would. */
	if (strcmp(z->role, "root") != 0) {
		whole = sim_parse_last(w->sim, z->role);
		json_array_clear(json_object_get(whole, "signatures"));
		sim_replace_json(w->sim, z->role, whole);
		if (strcmp(z->sigs, "bad") == 0)
			append_signature(w, z->role, sim_signer(w->sim, z->role, 0)->id,
					 "3006020100020100");
	}
	expect_refused(w, z->role);
}

/* --- signatures that fit another algorithm --- */

static void expect_does_not_count(struct world *w, struct sim_key *k)
{
	init(w);
	sim_trust(w->sim, "root", "timestamp", k);
	sim_threshold(w->sim, "root", "timestamp", 2);
	sim_sign_with(w->sim, "timestamp", k);
	sim_publish(w->sim, "root timestamp");
	refresh_fails(w);
	EXPECT(trusted_version(w, "timestamp") == 0, "the signature was counted");
}

struct confusion {
	enum sim_key_type type;
	const char *keytype, *scheme;
};

/* The key says it is of another type, or to be used by another scheme. */
static void algorithm_confusion(struct world *w, const void *arg)
{
	const struct confusion *c = arg;
	struct sim_key *k = sim_key_new(c->type);

	json_object_set_new(k->json, "keytype", json_string(c->keytype));
	json_object_set_new(k->json, "scheme", json_string(c->scheme));
	sim_key_rename(k);
	expect_does_not_count(w, k);
}

static void other_curve(struct world *w, const void *arg)
{
	struct sim_key *k = sim_key_new(SIM_ECDSA);
	EVP_PKEY *p384 = EVP_EC_gen((const char *)arg);
	BIO *b = BIO_new(BIO_s_mem());
	char *pem;
	long n;

	EXPECT(p384 && b && PEM_write_bio_PUBKEY(b, p384) == 1, "no key");
	n = BIO_get_mem_data(b, &pem);
	json_object_set_new(json_object_get(k->json, "keyval"), "public",
			    json_stringn(pem, (size_t)n));
	k->pkey = p384;
	sim_key_rename(k);
	expect_does_not_count(w, k);
}

/* r = 0 and s = 0, and other numbers a verifier must not take (CVE-2022-21449). */
static void made_up_signature(struct world *w, const void *arg)
{
	struct sim_key *k = sim_key_new(SIM_ECDSA);
	json_t *whole, *sigs;

	init(w);
	sim_clear_keys(w->sim, "root", "timestamp");
	sim_clear_signers(w->sim, "timestamp");
	sim_trust(w->sim, "root", "timestamp", k);
	sim_publish(w->sim, "root timestamp");
	whole = sim_parse_last(w->sim, "timestamp");
	sigs = json_object_get(whole, "signatures");
	EXPECT(json_array_size(sigs) == 0, "the test's signatures");
	json_array_append_new(sigs, json_pack("{s:s, s:s}", "keyid", k->id, "sig", arg));
	sim_replace_json(w->sim, "timestamp", whole);
	refresh_fails(w);
	EXPECT(trusted_version(w, "timestamp") == 0, "the signature was counted");
}

/* A good signature of the document as it is written, not of its canonical form. */
static void signature_of_raw_bytes(struct world *w, const void *arg _unused_)
{
	struct sim_key *k = sim_signer(w->sim, "timestamp", 0);
	json_t *whole;
	char *raw, *hex;
	uint8_t sig[256];
	size_t n = sizeof(sig);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	init(w);
	sim_publish(w->sim, "timestamp");
	whole = sim_parse_last(w->sim, "timestamp");
	raw = json_dumps(json_object_get(whole, "signed"), JSON_INDENT(1));
	EXPECT(ctx && EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, k->pkey) == 1 &&
		       EVP_DigestSign(ctx, sig, &n, (uint8_t *)raw, strlen(raw)) == 1,
	       "cannot sign");
	hex = calloc(2 * n + 1, 1);
	for (size_t i = 0; i < n; i++)
		snprintf(hex + 2 * i, 3, "%02x", sig[i]);
	json_object_set_new(json_array_get(json_object_get(whole, "signatures"), 0), "sig",
			    json_string(hex));
	sim_replace_json(w->sim, "timestamp", whole);
	refresh_fails(w);
}

/* The right signatures under exchanged ids. */
static void exchanged_ids(struct world *w, const void *arg _unused_)
{
	json_t *whole, *sigs, *a, *b, *id;

	init(w);
	sim_add_key(w->sim, "root", "timestamp");
	sim_threshold(w->sim, "root", "timestamp", 2);
	sim_publish(w->sim, "root timestamp");
	whole = sim_parse_last(w->sim, "timestamp");
	sigs = json_object_get(whole, "signatures");
	a = json_array_get(sigs, 0);
	b = json_array_get(sigs, 1);
	id = json_deep_copy(json_object_get(a, "keyid"));
	json_object_set(a, "keyid", json_object_get(b, "keyid"));
	json_object_set_new(b, "keyid", id);
	sim_replace_json(w->sim, "timestamp", whole);
	refresh_fails(w);
	EXPECT(trusted_version(w, "timestamp") == 0, "the signatures were counted");
}

/* --- what is persisted, and when --- */

/* CVE-2025-2888: a timestamp that is refused for its snapshot's version must not be kept, or the
 * real one with the same version is ignored for ever. */
static void refused_timestamp_is_not_kept(struct world *w, const void *arg _unused_)
{
	init(w);
	sim_publish(w->sim, "targets snapshot snapshot timestamp");
	refresh(w);
	expect_trusted(w, "root:1 snapshot:3 targets:2 timestamp:2");
	json_object_set_new(sim_meta(w->sim, "timestamp", "snapshot"), "version", json_integer(2));
	sim_publish(w->sim, "timestamp"); /* 3, of an attacker with the timestamp key */
	refresh_fails(w);
	expect_trusted(w, "root:1 snapshot:3 targets:2 timestamp:2");
	expect_nth(w, "timestamp", 1);
	sim_version(w->sim, "timestamp", 3);
	sim_publish(w->sim, "snapshot timestamp");
	refresh(w);
	expect_trusted(w, "root:1 snapshot:4 targets:2 timestamp:3");
	expect_same(w, "timestamp");
}

/* Specification PR #106: the version in the trusted timestamp counts even without a snapshot file. */
static void rollback_without_local_snapshot(struct world *w, const void *arg _unused_)
{
	init(w);
	sim_publish(w->sim, "snapshot snapshot timestamp");
	refresh(w);
	EXPECT(unlink(sim_str("%s/snapshot.json", w->metadata_dir)) == 0, "%s", strerror(errno));
	json_object_set_new(sim_meta(w->sim, "timestamp", "snapshot"), "version", json_integer(2));
	sim_publish(w->sim, "timestamp");
	refresh_fails(w);
	expect_last_request(w, "timestamp.json");
	expect_trusted(w, "root:1 targets:1 timestamp:2");
}

/* --- delegated roles get the checks of top-level ones (CVE-2026-6967) --- */

static void delegated_hash(struct world *w, const void *arg)
{
	const char *field = arg;
	json_t *entry;

	w->sim->hashes = true;
	sim_delegate(w->sim, "targets", "delegated", "file", 0);
	sim_target(w->sim, "delegated", "file", "text");
	sim_publish(w->sim, "delegated");
	entry = sim_meta(w->sim, "snapshot", "delegated");
	if (strcmp(field, "hash") == 0)
		json_object_set_new(json_object_get(entry, "hashes"), "sha256",
				    json_string(sim_hash("sha256", "other", 5)));
	else
		json_object_set_new(
			entry, "length",
			json_integer(json_integer_value(json_object_get(entry, "length")) +
				     (strcmp(field, "longer") == 0 ? 1 : -1)));
	if (strcmp(field, "hash") != 0)
		json_object_del(entry, "hashes");
	sim_release(w->sim, "");
	init(w);
	expect_refused(w, "delegated");
}

/* --- target files and links (CVE-2026-6968) --- */

static void target_is_a_link(struct world *w, const void *arg)
{
	const char *name = arg;
	char *victim = sim_str("%s/victim", w->dir), *link = sim_str("%s/%s", w->target_dir, name);
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(1000);
	struct sut_err err = {0};

	with_delegation(w);
	init(w);
	EXPECT(sut_file_write(victim, "precious", 8, 0644, &err) == 0, "%s", err.msg);
	EXPECT(symlink(victim, link) == 0, "%s", strerror(errno));
	run_download(w, "file");
	EXPECT(sut_file_read(victim, &b, &err) == 0 && strcmp(sut_buf_str(&b), "precious") == 0,
	       "the file behind the link is now '%s'", sut_buf_str(&b));
}

static void target_is_a_folder(struct world *w, const void *arg)
{
	char *folder = sim_str("%s/%s", w->target_dir, (const char *)arg);

	with_delegation(w);
	init(w);
	EXPECT(mkdir(folder, 0755) == 0, "%s", strerror(errno));
	download_fails(w, "file");
	EXPECT(rmdir(folder) == 0, "the folder: %s", strerror(errno));
	download(w, "file");
	expect_downloads(w, "text", NULL);
}

/* --- INT_MAX --- */

struct number {
	const char *role;
	json_int_t version;
};

/* An attacker with the online keys makes versions that nothing can follow. Rotation ends it. */
static void version_lock_out(struct world *w, const void *arg)
{
	const struct number *n = arg;

	init(w);
	sim_version(w->sim, n->role, n->version);
	sim_release(w->sim, "");
	/* Taken or refused, as the client likes. */
	run_refresh(w);
	sim_rotate(w->sim, "timestamp");
	sim_rotate(w->sim, "snapshot");
	sim_version(w->sim, "root", 2);
	sim_publish(w->sim, "root");
	sim_version(w->sim, "targets", 3);
	sim_version(w->sim, "snapshot", 3);
	sim_version(w->sim, "timestamp", 3);
	sim_release(w->sim, "");
	refresh(w);
	expect_trusted(w, "root:2 snapshot:3 targets:3 timestamp:3");
}

/* --- mix-and-match, extraneous data --- */

/* Two releases with the same numbers: files of one with the timestamp of the other. */
static void mix_and_match(struct world *w, const void *arg)
{
	const char *role = arg;
	struct sim_file f;

	w->sim->hashes = true;
	init(w);
	sim_target(w->sim, "targets", "file", "text of the first");
	sim_release(w->sim, "");
	f = sim_keep(sim_last(w->sim, role));
	/* the same numbers, another content */
	sim_target(w->sim, "targets", "file", "text of the second");
	sim_version(w->sim, "targets", 2);
	sim_version(w->sim, "snapshot", 2);
	sim_version(w->sim, "timestamp", 2);
	sim_release(w->sim, "");
	sim_replace(w->sim, role, f.data, f.len);
	download_fails(w, "file");
	EXPECT(trusted_version(w, role) == 0, "%s is trusted", role);
	expect_downloads(w, NULL);
}

/* Files of another repository with the same structure and its own keys. */
static void other_repository(struct world *w, const void *arg _unused_)
{
	struct sim *other = sim_new(0);

	init(w);
	sim_target(other, "targets", "file", "text");
	sim_publish(other, "targets snapshot timestamp root");
	*w->sim = *other;
	download_fails(w, "file");
	expect_trusted(w, "root:1");
	expect_downloads(w, NULL);
}

static void extraneous_data(struct world *w, const void *arg _unused_)
{
	json_t *meta = json_object_get(sim_doc(w->sim, "snapshot"), "meta");

	init(w);
	sim_target(w->sim, "targets", "file", "text");
	json_object_set_new(meta, "nobody-delegates-to.json", json_pack("{s:i}", "version", 7));
	json_object_set_new(meta, "root.json", json_pack("{s:i}", "version", 1));
	sim_set(w->sim, "targets", "delegations",
		json_pack("{s:{}, s:[], s:s}", "keys", "roles", "note", "empty"));
	sim_release(w->sim, "");
	download(w, "file");
	/* Nothing that nobody needs is asked for. */
	expect_requests(w, sim_str("2.root.json timestamp.json 2.snapshot.json 2.targets.json "
				   "targets/%s.file",
				   sim_hash("sha256", "text", 4)));
	expect_downloads(w, "text", NULL);
}

/* A timestamp with more than the snapshot in it is malformed (4.7). */
static void timestamp_lists_more(struct world *w, const void *arg _unused_)
{
	init(w);
	json_object_set_new(json_object_get(sim_doc(w->sim, "timestamp"), "meta"), "targets.json",
			    json_pack("{s:i}", "version", 1));
	sim_publish(w->sim, "timestamp");
	/* Refused, or the rest ignored. */
	if (run_refresh(w) == 0)
		expect_requests(w, "2.root.json timestamp.json 1.snapshot.json 1.targets.json");
	else
		expect_trusted(w, "root:1");
}

/* --- the metadata folder --- */

static void corrupt(struct world *w, const char *role, const char *text)
{
	struct sut_err err = {0};

	EXPECT(sut_file_write(sim_str("%s/%s.json", w->metadata_dir, role), text, strlen(text),
			      0644, &err) == 0,
	       "%s", err.msg);
}

/* arg: a role. What cannot be used is fetched again. */
static void corrupt_local_file(struct world *w, const void *arg)
{
	const char *role = arg;
	const char *const texts[] = {"", "{", "null", "{\"signed\":{},\"signatures\":[]}"};

	with_delegation(w);
	init(w);
	download(w, "file");
	for (size_t i = 0; i < SUT_ARRAY_SIZE(texts); i++) {
		corrupt(w, role, texts[i]);
		download(w, "file");
		expect_same(w, role);
	}
}

/* Half of the root: nothing can be trusted, nothing is asked, and init helps. */
static void corrupt_local_root(struct world *w, const void *arg _unused_)
{
	const struct sim_file *f = sim_last(w->sim, "root");

	init(w);
	refresh(w);
	forget_requests(w);
	corrupt(w, "root", sim_str("%.*s", (int)f->len / 2, (const char *)f->data));
	refresh_fails(w);
	expect_requests(w, "");
	EXPECT(run_init(w) == 0, "init failed");
	refresh(w);
}

static void no_init(struct world *w, const void *arg _unused_)
{
	refresh_fails(w);
	expect_said(w, "init");
	expect_requests(w, "");
	expect_trusted(w, "");
}

/* init over a folder in use: the new root counts, the rest is gone. */
static void init_again(struct world *w, const void *arg _unused_)
{
	init(w);
	sim_version(w->sim, "timestamp", 50);
	sim_release(w->sim, "");
	refresh(w);
	forget_requests(w);
	init(w);
	expect_trusted(w, "root:1");
	refresh(w);
}

#define ROLES(prefix, fn, covers)                                                                  \
	{prefix "root", fn, "root", covers}, {prefix "timestamp", fn, "timestamp", covers},        \
		{prefix "snapshot", fn, "snapshot", covers},                                       \
		{prefix "targets", fn, "targets", covers},                                         \
	{                                                                                          \
		prefix "delegated", fn, "delegated", covers                                        \
	}

#define ZERO(name, role, n, sigs)                                                                  \
	{                                                                                          \
		"attacks/GHSA-fphv-w9fq-2525-threshold-" name, threshold_zero,                     \
			&(const struct zero){role, n, sigs}, "go-tuf GHSA-fphv-w9fq-2525"          \
	}

#define CONFUSION(name, ...)                                                                       \
	{                                                                                          \
		"attacks/Notary-algorithm-binding-" name, algorithm_confusion,                     \
			&(const struct confusion){__VA_ARGS__},                                    \
			"Notary audit: algorithm bound to key type"                                \
	}

#define LOCK_OUT(name, role, n)                                                                    \
	{                                                                                          \
		"attacks/version-lock-out-" name, version_lock_out,                                \
			&(const struct number){role, n}, "version=INT_MAX lock-out; 5.3.11"        \
	}

static const struct tuf_test tests[] = {
	ROLES("attacks/GHSA-pwqf-9h7j-7mv8-one-key-twice-", one_key_twice,
	      "python-tuf GHSA-pwqf-9h7j-7mv8"),
	{"attacks/GHSA-5q2r-92f9-4m49-one-id-twice-root", one_id_twice, "root",
	 "tough GHSA-5q2r-92f9-4m49"},
	{"attacks/GHSA-5q2r-92f9-4m49-one-id-twice-timestamp", one_id_twice, "timestamp",
	 "tough GHSA-5q2r-92f9-4m49"},
	{"attacks/GHSA-5q2r-92f9-4m49-one-id-twice-snapshot", one_id_twice, "snapshot",
	 "tough GHSA-5q2r-92f9-4m49"},
	{"attacks/GHSA-5q2r-92f9-4m49-one-id-twice-targets", one_id_twice, "targets",
	 "tough GHSA-5q2r-92f9-4m49"},
	{"attacks/CVE-2026-6966-one-id-twice-delegated", one_id_twice, "delegated",
	 "tough CVE-2026-6966"},
	ZERO("0-root", "root", 0, "none"),
	ZERO("0-timestamp", "timestamp", 0, "none"),
	ZERO("0-snapshot", "snapshot", 0, "none"),
	ZERO("0-targets", "targets", 0, "none"),
	ZERO("0-delegated", "delegated", 0, "none"),
	ZERO("0-timestamp-bad-signature", "timestamp", 0, "bad"),
	ZERO("0-delegated-bad-signature", "delegated", 0, "bad"),
	ZERO("negative-timestamp", "timestamp", -1, "none"),
	ZERO("negative-delegated", "delegated", -1, "none"),
	ZERO("2-to-the-32-timestamp", "timestamp", 4294967296, "none"),
	{"attacks/CVE-2025-2888-refused-timestamp-is-not-kept", refused_timestamp_is_not_kept, NULL,
	 "tough CVE-2025-2888"},
	{"attacks/spec-PR-106-rollback-without-local-snapshot", rollback_without_local_snapshot,
	 NULL, "specification PR #106"},
	{"attacks/CVE-2026-6967-delegated-hash", delegated_hash, "hash", "tough CVE-2026-6967"},
	{"attacks/CVE-2026-6967-delegated-shorter-than-said", delegated_hash, "longer",
	 "tough CVE-2026-6967"},
	{"attacks/CVE-2026-6967-delegated-longer-than-said", delegated_hash, "shorter",
	 "tough CVE-2026-6967"},
	{"attacks/CVE-2026-6968-target-is-a-link", target_is_a_link, "file", "tough CVE-2026-6968"},
	{"attacks/CVE-2026-6968-part-is-a-link", target_is_a_link, "file.part",
	 "tough CVE-2026-6968"},
	{"attacks/target-is-a-folder", target_is_a_folder, "file", NULL},
	CONFUSION("ecdsa-as-ed25519", SIM_ECDSA, "ed25519", "ed25519"),
	CONFUSION("ecdsa-as-rsa", SIM_ECDSA, "rsa", "rsassa-pss-sha256"),
	CONFUSION("rsa-as-ecdsa", SIM_RSA, "ecdsa", "ecdsa-sha2-nistp256"),
	CONFUSION("ed25519-as-ecdsa", SIM_ED25519, "ecdsa", "ecdsa-sha2-nistp256"),
	CONFUSION("ed25519-as-rsa", SIM_ED25519, "rsa", "rsassa-pss-sha256"),
	CONFUSION("rsa-key-ecdsa-scheme", SIM_RSA, "rsa", "ecdsa-sha2-nistp256"),
	CONFUSION("ecdsa-key-rsa-scheme", SIM_ECDSA, "ecdsa", "rsassa-pss-sha256"),
	CONFUSION("ecdsa-key-ed25519-scheme", SIM_ECDSA, "ecdsa", "ed25519"),
	CONFUSION("rsa-pkcs1v15", SIM_RSA, "rsa", "rsa-pkcs1v15-sha256"),
	CONFUSION("ecdsa-p384-scheme", SIM_ECDSA, "ecdsa", "ecdsa-sha2-nistp384"),
	CONFUSION("hmac", SIM_ECDSA, "hmac", "hmac-sha256"),
	CONFUSION("none", SIM_ECDSA, "none", "none"),
	{"attacks/Notary-algorithm-binding-curve-P-384", other_curve, "P-384",
	 "Notary audit: algorithm bound to key type"},
	{"attacks/Notary-algorithm-binding-curve-secp256k1", other_curve, "secp256k1",
	 "Notary audit: algorithm bound to key type"},
	{"attacks/CVE-2022-21449-zero-signature", made_up_signature, "3006020100020100",
	 "CVE-2022-21449"},
	{"attacks/signature-of-zero-bytes", made_up_signature,
	 "00000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
	 "000000000000000000000000000000000000000000",
	 "5.4.2"},
	{"attacks/signature-empty", made_up_signature, "", "5.4.2"},
	{"attacks/signature-of-raw-bytes", signature_of_raw_bytes, NULL, "4.2"},
	{"attacks/signatures-under-exchanged-ids", exchanged_ids, NULL, "5.4.2"},
	LOCK_OUT("INT32_MAX-timestamp", "timestamp", 2147483647),
	LOCK_OUT("INT32_MAX-snapshot", "snapshot", 2147483647),
	LOCK_OUT("INT32_MAX-targets", "targets", 2147483647),
	LOCK_OUT("INT64_MAX-timestamp", "timestamp", 9223372036854775807),
	LOCK_OUT("INT64_MAX-snapshot", "snapshot", 9223372036854775807),
	LOCK_OUT("INT64_MAX-targets", "targets", 9223372036854775807),
	{"attacks/mix-and-match-snapshot", mix_and_match, "snapshot",
	 "mix-and-match attack; 5.5.2"},
	{"attacks/mix-and-match-targets", mix_and_match, "targets", "mix-and-match attack; 5.6.2"},
	{"attacks/other-repository", other_repository, NULL, "5.3.4"},
	{"attacks/extraneous-data", extraneous_data, NULL, "extraneous dependencies"},
	{"attacks/timestamp-lists-more", timestamp_lists_more, NULL, "4.7"},
	{"attacks/corrupt-local-timestamp", corrupt_local_file, "timestamp", "5"},
	{"attacks/corrupt-local-snapshot", corrupt_local_file, "snapshot", "5"},
	{"attacks/corrupt-local-targets", corrupt_local_file, "targets", "5"},
	{"attacks/corrupt-local-delegated", corrupt_local_file, "delegated", "5"},
	{"attacks/corrupt-local-root", corrupt_local_root, NULL, "5.2"},
	{"attacks/without-init", no_init, NULL, "5.2"},
	{"attacks/init-again", init_again, NULL, "CLIENT-CLI: init"},
};

const struct tuf_group tuf_attacks = {tests, SUT_ARRAY_SIZE(tests)};
