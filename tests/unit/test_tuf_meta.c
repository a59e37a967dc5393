// SPDX-License-Identifier: Apache-2.0
/* tuf/meta.h: the form of metadata, and whose signatures count. */
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "unit.h"
#include "base/str.h"
#include "sample_tuf.h"
#include "tuf/json.h"

#define _cleanup_meta_ _cleanup_(sut_tuf_meta_freep)
#define KEYS(...) ((const struct sample_tuf_key *const[]){__VA_ARGS__})

static const char hash_a[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

static int parse(const json_t *doc, enum sut_tuf_type type, struct sut_tuf_meta **ret,
		 struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(0);

	*err = (struct sut_err){0};
	sample_tuf_bytes(doc, &b);
	return sut_tuf_meta_parse(b.data, b.len, type, "x.json", ret, err);
}

static struct sut_tuf_meta *good(json_t *signed_, enum sut_tuf_type type)
{
	_cleanup_json_ json_t *doc = sample_tuf_sign(signed_, NULL, 0);
	struct sut_tuf_meta *m = NULL;
	struct sut_err err;

	assert_ok(parse(doc, type, &m, &err), err);
	return m;
}

static void fill(struct sample_tuf *s)
{
	struct sample_tuf_key *k = s->key[SUT_TUF_TARGETS];
	json_t *targets = s->signed_[SUT_TUF_TARGETS];

	sample_tuf_set(s->signed_[SUT_TUF_SNAPSHOT], "meta/kernel.json",
		       "{\"version\": 7, \"length\": 12, \"hashes\": {\"md5\": \"x\"}}");
	sample_tuf_set(targets, "targets/file",
		       "{\"length\": 5, \"custom\": {\"id\": \"K1\"}, \"hashes\": {\"sha256\": "
		       "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}}");
	sample_tuf_set(targets, "targets/unknown",
		       "{\"length\": 5, \"hashes\": {\"blake2b\": \"00\"}}");
	sample_tuf_delegate(targets, "kernel", "kernel/*/*", k);
	sample_tuf_set(sample_tuf_delegate(targets, "stop", "stop/flag.json", k), "terminating",
		       "true");
}

static void good_files_give_their_values(void **state _unused_)
{
	_cleanup_sample_tuf_ struct sample_tuf *s = sample_tuf_new();
	_cleanup_meta_ struct sut_tuf_meta *root = good(s->signed_[SUT_TUF_ROOT], SUT_TUF_ROOT);
	_cleanup_meta_ struct sut_tuf_meta *ts =
		good(s->signed_[SUT_TUF_TIMESTAMP], SUT_TUF_TIMESTAMP);
	_cleanup_meta_ struct sut_tuf_meta *snapshot = NULL, *targets = NULL;

	fill(s);
	snapshot = good(s->signed_[SUT_TUF_SNAPSHOT], SUT_TUF_SNAPSHOT);
	targets = good(s->signed_[SUT_TUF_TARGETS], SUT_TUF_TARGETS);

	assert_int_equal(root->type, SUT_TUF_ROOT);
	assert_int_equal(root->version, 1);
	assert_int_equal(root->expires, SAMPLE_TUF_NOW + SAMPLE_TUF_DAY);
	assert_true(root->consistent_snapshot);
	assert_int_equal(root->keys.n, 4);
	assert_non_null(root->keys.v[0].pub);
	assert_int_equal(root->roles[SUT_TUF_SNAPSHOT].threshold, 1);
	assert_int_equal(root->roles[SUT_TUF_SNAPSHOT].nkeyids, 1);
	assert_string_equal(root->roles[SUT_TUF_SNAPSHOT].keyids[0], s->key[SUT_TUF_SNAPSHOT]->id);

	assert_int_equal(ts->nrefs, 1);
	assert_string_equal(ts->refs[0].name, "snapshot.json");
	assert_int_equal(ts->refs[0].length, -1);
	assert_false(ts->refs[0].has_hashes);

	assert_int_equal(snapshot->nrefs, 2);
	assert_null(sut_tuf_ref(snapshot, "none.json"));
	assert_int_equal(sut_tuf_ref(snapshot, "targets.json")->version, 1);
	assert_int_equal(sut_tuf_ref(snapshot, "kernel.json")->version, 7);
	assert_int_equal(sut_tuf_ref(snapshot, "kernel.json")->length, 12);
	assert_true(sut_tuf_ref(snapshot, "kernel.json")->has_hashes);
	assert_string_equal(sut_tuf_ref(snapshot, "kernel.json")->hashes.sha256, "");

	assert_int_equal(targets->ndelegations, 2);
	assert_string_equal(targets->delegations[0].name, "kernel");
	assert_false(targets->delegations[0].terminating);
	assert_int_equal(targets->delegations[0].role.threshold, 1);
	assert_string_equal(targets->delegations[1].name, "stop");
	assert_true(targets->delegations[1].terminating);
	assert_int_equal(targets->keys.n, 1);
}

/* The first letter: r(oot), t(imestamp), s(napshot), f(iles): which document. */
static const struct {
	char doc;
	const char *path, *value, *says;
} wrong[] = {
	{'r', "_type", "\"timestamp\"", "_type is not \"root\""},
	{'t', "_type", "\"root\"", "_type is not \"timestamp\""},
	{'s', "_type", NULL, "_type is missing"},
	{'f', "_type", "\"Targets\"", "_type is not"},
	{'r', "spec_version", "\"2.0.0\"", "another generation"},
	{'r', "spec_version", "\"10.0\"", "another generation"},
	{'r', "spec_version", "1", "spec_version is missing or not"},
	{'r', "version", "0", "version is 0"},
	{'t', "version", "-1", "version is -1"},
	{'s', "version", "9007199254740993", "version is 9007199254740993"},
	{'f', "version", "\"1\"", "version is missing or not"},
	{'f', "version", NULL, "version is missing or not"},
	{'r', "expires", NULL, "expires is missing"},
	{'t', "expires", "1795000000", "expires is missing or not"},
	{'s', "expires", "\"2026-11-21\"", "expires is not a time"},
	{'r', "consistent_snapshot", "1", "consistent_snapshot is neither"},
	{'r', "keys", NULL, "keys is missing"},
	{'r', "keys", "[]", "keys is missing or not an object"},
	{'r', "keys/x", "\"key\"", "entry of signed.keys"},
	{'r', "keys/x", "{\"scheme\": \"a\", \"keyval\": {}}", "keytype is missing"},
	{'r', "keys/x", "{\"keytype\": \"a\", \"keyval\": {}}", "scheme is missing"},
	{'r', "keys/x", "{\"keytype\": \"a\", \"scheme\": \"a\"}", "keyval is missing"},
	{'r', "roles", NULL, "roles is missing"},
	{'r', "roles/root", NULL, "root is missing"},
	{'r', "roles/timestamp", NULL, "timestamp is missing"},
	{'r', "roles/snapshot", "[]", "snapshot is missing or not"},
	{'r', "roles/targets", NULL, "targets is missing"},
	/* GHSA-fphv-w9fq-2525 (go-tuf): no signature needed */
	{'r', "roles/root/threshold", "0", "threshold is 0"},
	{'r', "roles/timestamp/threshold", "-1", "threshold is -1"},
	{'r', "roles/timestamp/threshold", "4294967297", "threshold is 4294967297"},
	{'r', "roles/timestamp/threshold", "true", "threshold is missing or not"},
	{'f', "delegations/roles/0/threshold", "0", "threshold is 0"},
	{'f', "delegations/roles/1/threshold", NULL, "threshold is missing"},
	{'r', "roles/root/keyids", "[\"a\", \"b\", \"a\"]", "names a key twice"},
	{'f', "delegations/roles/0/keyids", "[\"a\", \"a\"]", "names a key twice"},
	{'r', "roles/root/keyids", "[1]", "not a string"},
	{'r', "roles/root/keyids", "[\"\"]", "not a string of 1"},
	{'r', "roles/root/keyids", "{}", "keyids is missing or not a list"},
	{'t', "meta", NULL, "meta is missing"},
	{'t', "meta", "{}", "snapshot.json is missing"},
	{'t', "meta", "{\"targets.json\": {\"version\": 1}}", "snapshot.json is missing"},
	{'s', "meta/targets.json", "1", "is missing or not an object"},
	{'s', "meta/targets.json", "{}", "version is missing"},
	{'s', "meta/targets.json/version", "0", "version is 0"},
	{'s', "meta/targets.json/length", "-1", "length is -1"},
	{'s', "meta/targets.json/length", "\"1\"", "length is missing or not an int"},
	{'s', "meta/targets.json/hashes", "{}", "hashes is empty"},
	{'s', "meta/targets.json/hashes", "[]", "hashes is missing or not"},
	{'s', "meta/targets.json/hashes", "{\"sha256\": 1}", "sha256 is missing or not"},
	{'s', "meta/targets.json/hashes", "{\"sha256\": \"00\"}", "not 64"},
	{'s', "meta/targets.json/hashes", "{\"sha512\": \"../../../etc\"}", "not 128"},
	{'s', "meta/", "{\"version\": 1}", "1 to 260 bytes"},
	{'f', "targets", NULL, "targets is missing"},
	{'f', "targets/file", "[]", "is not an object"},
	{'f', "targets/file/length", NULL, "length is missing"},
	{'f', "targets/file/length", "-5", "length is -5"},
	{'f', "targets/file/hashes", NULL, "hashes is missing"},
	{'f', "targets/file/hashes", "{}", "hashes is empty"},
	{'f', "targets/file/custom", "\"text\"", "custom is not an object"},
	{'f', "delegations", "[]", "delegations is missing or not"},
	{'f', "delegations/keys", NULL, "keys is missing"},
	{'f', "delegations/roles", NULL, "roles is missing"},
	{'f', "delegations/roles", "{}", "roles is missing or not"},
	{'f', "delegations/roles/0", "\"kernel\"", "roles[0] is not an object"},
	{'f', "delegations/roles/0/name", NULL, "name is missing"},
	{'f', "delegations/roles/0/name", "\"\"", "name is not 1 to"},
	{'f', "delegations/roles/0/name", "\"stop\"", "names a role twice"},
	{'f', "delegations/roles/0/name", "\"root\"", "top-level"},
	{'f', "delegations/roles/0/name", "\"timestamp\"", "top-level"},
	{'f', "delegations/roles/0/name", "\"snapshot\"", "top-level"},
	{'f', "delegations/roles/0/name", "\"targets\"", "top-level"},
	{'f', "delegations/roles/0/terminating", "1", "terminating is neither"},
	{'f', "delegations/roles/0/path_hash_prefixes", "[\"00\"]", "both"},
	{'f', "delegations/roles/0/path_hash_prefixes", "[]", "both"},
	{'f', "delegations/roles/0/paths", "\"*\"", "paths is missing or not a list"},
	{'f', "delegations/roles/0/paths", "[\"\"]", "not a string of 1"},
	{'f', "delegations/roles/0/paths", "[null]", "not a string of 1"},
};

static void a_wrong_field_is_named_and_the_file_refused(void **state _unused_)
{
	for (size_t i = 0; i < SUT_ARRAY_SIZE(wrong); i++) {
		_cleanup_sample_tuf_ struct sample_tuf *s = sample_tuf_new();
		_cleanup_json_ json_t *doc = NULL;
		enum sut_tuf_type type = wrong[i].doc == 'r'   ? SUT_TUF_ROOT
					 : wrong[i].doc == 't' ? SUT_TUF_TIMESTAMP
					 : wrong[i].doc == 's' ? SUT_TUF_SNAPSHOT
							       : SUT_TUF_TARGETS;
		struct sut_tuf_meta *m = NULL;
		struct sut_err err;

		fill(s);
		if (!strcmp(wrong[i].path, "meta/"))
			json_object_set_new(json_object_get(s->signed_[type], "meta"), "",
					    json_loads(wrong[i].value, 0, NULL));
		else
			sample_tuf_set(s->signed_[type], wrong[i].path, wrong[i].value);
		doc = sample_tuf_sign(s->signed_[type], NULL, 0);
		if (parse(doc, type, &m, &err) != -EBADMSG)
			fail_msg("accepted: %s = %s", wrong[i].path, wrong[i].value);
		assert_null(m);
		assert_string_equal(err.reason, "format");
		assert_says(err, wrong[i].says);
		assert_says(err, "x.json");
	}
}

static void prefixes_are_lower_case_digits(void **state _unused_)
{
	static const char *const bad[] = {"[\"\"]", "[\"0G\"]", "[\"AB\"]", "[1]", "\"ab\""};
	_cleanup_sample_tuf_ struct sample_tuf *s = sample_tuf_new();
	json_t *d = sample_tuf_delegate(s->signed_[SUT_TUF_TARGETS], "bin", "*",
					s->key[SUT_TUF_TARGETS]);

	sample_tuf_set(d, "paths", NULL);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(bad); i++) {
		_cleanup_json_ json_t *doc = NULL;
		struct sut_tuf_meta *m = NULL;
		struct sut_err err;

		sample_tuf_set(d, "path_hash_prefixes", bad[i]);
		doc = sample_tuf_sign(s->signed_[SUT_TUF_TARGETS], NULL, 0);
		assert_int_equal(parse(doc, SUT_TUF_TARGETS, &m, &err), -EBADMSG);
		assert_says(err, "path_hash_prefixes");
	}
}

static void signatures_is_a_list_of_objects_with_keyid(void **state _unused_)
{
	static const char *const bad[] = {
		"{}",
		"[1]",
		"[{\"sig\": \"00\"}]",
		"[{\"keyid\": 1, \"sig\": \"00\"}]",
		"[{\"keyid\": \"a\", \"sig\": \"\"}, {\"keyid\": \"a\", \"sig\": \"\"}]",
	};
	_cleanup_sample_tuf_ struct sample_tuf *s = sample_tuf_new();

	for (size_t i = 0; i < SUT_ARRAY_SIZE(bad); i++) {
		_cleanup_json_ json_t *doc = sample_tuf_sign(s->signed_[1], NULL, 0);
		struct sut_tuf_meta *m = NULL;
		struct sut_err err;

		sample_tuf_set(doc, "signatures", bad[i]);
		if (parse(doc, SUT_TUF_ROOT, &m, &err) != -EBADMSG)
			fail_msg("accepted: %s", bad[i]);
		assert_says(err, "signatures");
	}
}

/* ------------------------------------------------------------------ */

/* A root whose role `targets` has the keys and the threshold; and a targets file signed by
 * `with`. Returns the number of good keys; *ret as sut_tuf_verify(). */
static size_t count(struct sample_tuf *s, const struct sample_tuf_key *const keys[], size_t nkeys,
		    unsigned int threshold, const json_t *doc, int *ret)
{
	_cleanup_meta_ struct sut_tuf_meta *root = NULL, *m = NULL;
	_cleanup_json_ json_t *signed_ = json_deep_copy(s->signed_[SUT_TUF_ROOT]);
	json_t *role = json_object_get(json_object_get(signed_, "roles"), "targets");
	struct sut_err err = {0};
	char text[16];
	size_t n = 99;

	sample_tuf_set(role, "keyids", "[]");
	snprintf(text, sizeof(text), "%u", threshold);
	sample_tuf_set(role, "threshold", text);
	for (size_t i = 0; i < nkeys; i++)
		sample_tuf_trust(signed_, role, keys[i]);
	root = good(signed_, SUT_TUF_ROOT);
	assert_ok(parse(doc, SUT_TUF_TARGETS, &m, &err), err);
	*ret = sut_tuf_verify(m, &root->keys, &root->roles[SUT_TUF_TARGETS], "x.json", &n, &err);
	if (*ret < 0) {
		assert_int_equal(*ret, -EKEYREJECTED);
		assert_string_equal(err.reason, "signatures");
		assert_says(err, "x.json is signed by");
	}
	return n;
}

static void a_threshold_of_different_keys_is_needed(void **state _unused_)
{
	_cleanup_sample_tuf_ struct sample_tuf *s = sample_tuf_new();
	const struct sample_tuf_key *k1 = s->key[1], *k2 = s->key[2], *k3 = s->key[3];
	_cleanup_json_ json_t *none = sample_tuf_sign(s->signed_[4], NULL, 0);
	_cleanup_json_ json_t *one = sample_tuf_sign(s->signed_[4], KEYS(k1), 1);
	_cleanup_json_ json_t *two = sample_tuf_sign(s->signed_[4], KEYS(k1, k2), 2);
	_cleanup_json_ json_t *other = sample_tuf_sign(s->signed_[4], KEYS(k1, k3), 2);
	int r;

	assert_int_equal(count(s, KEYS(k1, k2), 2, 2, two, &r), 2);
	assert_int_equal(r, 0);
	assert_int_equal(count(s, KEYS(k1, k2), 2, 1, one, &r), 1);
	assert_int_equal(r, 0);
	assert_int_equal(count(s, KEYS(k1, k2), 2, 2, one, &r), 1);
	assert_int_equal(r, -EKEYREJECTED);
	assert_int_equal(count(s, KEYS(k1, k2), 2, 1, none, &r), 0);
	assert_int_equal(r, -EKEYREJECTED);
	/* k3 is a key of the root, but not of the role. */
	assert_int_equal(count(s, KEYS(k1, k2), 2, 2, other, &r), 1);
	assert_int_equal(r, -EKEYREJECTED);
	/* No keys at all. */
	assert_int_equal(count(s, NULL, 0, 1, two, &r), 0);
	assert_int_equal(r, -EKEYREJECTED);
	/* More needed than there are keys. */
	assert_int_equal(count(s, KEYS(k1, k2), 2, 3, two, &r), 2);
	assert_int_equal(r, -EKEYREJECTED);
}

static void a_changed_value_breaks_the_signature_and_white_space_does_not(void **state _unused_)
{
	_cleanup_sample_tuf_ struct sample_tuf *s = sample_tuf_new();
	const struct sample_tuf_key *k = s->key[4];
	_cleanup_json_ json_t *doc = sample_tuf_sign(s->signed_[4], KEYS(k), 1), *copy = NULL;
	int r;

	/* sample_tuf_bytes() indents. */
	assert_int_equal(count(s, KEYS(k), 1, 1, doc, &r), 1);
	copy = json_deep_copy(doc);
	sample_tuf_set(copy, "signed/version", "2");
	assert_int_equal(count(s, KEYS(k), 1, 1, copy, &r), 0);
	json_decref(copy);
	copy = json_deep_copy(doc);
	sample_tuf_set(copy, "signed/extra", "null");
	assert_int_equal(count(s, KEYS(k), 1, 1, copy, &r), 0);
	assert_int_equal(r, -EKEYREJECTED);
}

static void unknown_fields_are_signed_and_ignored(void **state _unused_)
{
	_cleanup_sample_tuf_ struct sample_tuf *s = sample_tuf_new();
	const struct sample_tuf_key *k = s->key[4];
	_cleanup_json_ json_t *doc = NULL;
	int r;

	sample_tuf_set(s->signed_[1], "custom-field", "{\"a\": [1, {\"b\": null}]}");
	sample_tuf_set(s->signed_[1], "roles/targets/x", "\"value\"");
	sample_tuf_set(s->signed_[1], "roles/mirrors", "{\"keyids\": [], \"threshold\": 1}");
	sample_tuf_set(s->signed_[4], "custom-field", "{\"a\": [1, {\"b\": null}]}");
	doc = sample_tuf_sign(s->signed_[4], KEYS(k), 1);
	sample_tuf_set(doc, "beside", "1");
	sample_tuf_set(doc, "signatures/0/more", "[]");
	assert_int_equal(count(s, KEYS(k), 1, 1, doc, &r), 1);
	assert_int_equal(r, 0);
}

/* python-tuf GHSA-pwqf-9h7j-7mv8, tough GHSA-5q2r-92f9-4m49 and CVE-2026-6966 */
static void ghsa_pwqf_a_keyid_twice_in_signatures_is_refused(void **state _unused_)
{
	_cleanup_sample_tuf_ struct sample_tuf *s = sample_tuf_new();
	const struct sample_tuf_key *k = s->key[4];

	for (enum sut_tuf_type t = SUT_TUF_ROOT; t <= SUT_TUF_TARGETS; t++) {
		_cleanup_json_ json_t *doc = sample_tuf_sign(s->signed_[t], KEYS(k, k), 2);
		struct sut_tuf_meta *m = NULL;
		struct sut_err err;

		assert_int_equal(parse(doc, t, &m, &err), -EBADMSG);
		assert_says(err, "two entries of one key");
	}
}

static void one_key_under_two_ids_counts_once(void **state _unused_)
{
	_cleanup_sample_tuf_ struct sample_tuf *s = sample_tuf_new();
	struct sample_tuf_key alias = *s->key[4], differs = *s->key[4];
	const struct sample_tuf_key *k = s->key[4];
	_cleanup_json_ json_t *doc = NULL, *other = json_deep_copy(k->json);
	int r;

	/* The id is the hash of the key object, so another field makes another id. */
	sample_tuf_set(other, "x", "1");
	differs.json = other;
	assert_int_equal(sut_tuf_keyid(other, differs.id, NULL), 0);
	snprintf(alias.id, sizeof(alias.id), "alias");
	doc = sample_tuf_sign(s->signed_[4], KEYS(k, &alias, &differs), 3);
	assert_int_equal(count(s, KEYS(k, &alias, &differs), 3, 2, doc, &r), 1);
	assert_int_equal(r, -EKEYREJECTED);
	assert_int_equal(count(s, KEYS(k, &alias, &differs), 3, 1, doc, &r), 1);
	assert_int_equal(r, 0);
}

static void bad_values_of_sig_do_not_count_and_do_no_harm(void **state _unused_)
{
	static const char *const bad[] = {"\"\"", "\"0\"", "\"zz\"", "\"00\"", "1", "null", NULL};
	_cleanup_sample_tuf_ struct sample_tuf *s = sample_tuf_new();
	const struct sample_tuf_key *k1 = s->key[1], *k2 = s->key[2];
	_cleanup_(sut_freep) char *text = malloc(4 * SUT_SIG_MAX + 8);
	int r;

	for (size_t i = 0; i < SUT_ARRAY_SIZE(bad) + 1; i++) {
		_cleanup_json_ json_t *doc = sample_tuf_sign(s->signed_[4], KEYS(k1, k2), 2);

		if (i < SUT_ARRAY_SIZE(bad)) {
			sample_tuf_set(doc, "signatures/0/sig", bad[i]);
		} else {
			memset(text, '0', 4 * SUT_SIG_MAX + 2);
			text[0] = text[4 * SUT_SIG_MAX + 1] = '"';
			text[4 * SUT_SIG_MAX + 2] = 0;
			sample_tuf_set(doc, "signatures/0/sig", text);
		}
		assert_int_equal(count(s, KEYS(k1, k2), 2, 1, doc, &r), 1);
		assert_int_equal(r, 0);
		assert_int_equal(count(s, KEYS(k1, k2), 2, 2, doc, &r), 1);
		assert_int_equal(r, -EKEYREJECTED);
	}
}

/* One way to write a signature: a changed bit of the file is never without effect. */
static void a_signature_in_upper_case_does_not_count(void **state _unused_)
{
	_cleanup_sample_tuf_ struct sample_tuf *s = sample_tuf_new();
	const struct sample_tuf_key *k1 = s->key[1], *k2 = s->key[2];
	_cleanup_json_ json_t *doc = sample_tuf_sign(s->signed_[4], KEYS(k1, k2), 2);
	json_t *first = json_array_get(json_object_get(doc, "signatures"), 0);
	_cleanup_(sut_freep) char *sig = strdup(json_string_value(json_object_get(first, "sig")));
	size_t at;
	int r;

	assert_non_null(sig);
	assert_int_equal(count(s, KEYS(k1, k2), 2, 2, doc, &r), 2);
	at = strcspn(sig, "abcdef");
	sig[at] = (char)(sig[at] - 'a' + 'A');
	json_object_set_new(first, "sig", json_string(sig));
	assert_int_equal(count(s, KEYS(k1, k2), 2, 2, doc, &r), 1);
	assert_int_equal(r, -EKEYREJECTED);
}

static void a_signature_of_another_key_does_not_count(void **state _unused_)
{
	_cleanup_sample_tuf_ struct sample_tuf *s = sample_tuf_new();
	struct sample_tuf_key liar = *s->key[2];
	const struct sample_tuf_key *k = s->key[1];
	_cleanup_json_ json_t *doc = NULL;
	int r;

	memcpy(liar.id, k->id, sizeof(liar.id));
	doc = sample_tuf_sign(s->signed_[4], KEYS(&liar), 1);
	assert_int_equal(count(s, KEYS(k), 1, 1, doc, &r), 0);
}

static void ed25519_ecdsa_and_rsa_count(void **state _unused_)
{
	_cleanup_sample_tuf_ struct sample_tuf *s = sample_tuf_new();
	struct sample_tuf_key *ec = sample_tuf_key(SUT_KEY_ECDSA_P256);
	struct sample_tuf_key *rsa = sample_tuf_key(SUT_KEY_RSA_PSS);
	_cleanup_json_ json_t *doc = sample_tuf_sign(s->signed_[4], KEYS(s->key[4], ec, rsa), 3);
	int r;

	assert_int_equal(count(s, KEYS(s->key[4], ec, rsa), 3, 3, doc, &r), 3);
	assert_int_equal(r, 0);
	/* The other name of the type. */
	sample_tuf_set(ec->json, "keytype", "\"ecdsa-sha2-nistp256\"");
	assert_int_equal(count(s, KEYS(s->key[4], ec, rsa), 3, 3, doc, &r), 3);
	sample_tuf_key_free(ec);
	sample_tuf_key_free(rsa);
}

/* Notary audit by NCC: the algorithm was not bound to the type of the key. */
static void type_scheme_and_key_must_agree_or_the_key_does_not_count(void **state _unused_)
{
	static const struct {
		enum sut_key_type type;
		const char *keytype, *scheme;
	} confused[] = {
		{SUT_KEY_ED25519, "\"ecdsa\"", "\"ecdsa-sha2-nistp256\""},
		{SUT_KEY_ED25519, "\"ed25519\"", "\"ecdsa-sha2-nistp256\""},
		{SUT_KEY_ED25519, "\"rsa\"", "\"ed25519\""},
		{SUT_KEY_ED25519, "\"Ed25519\"", "\"ed25519\""},
		{SUT_KEY_ED25519, "\"\"", "\"\""},
		{SUT_KEY_ECDSA_P256, "\"rsa\"", "\"rsassa-pss-sha256\""},
		{SUT_KEY_ECDSA_P256, "\"ed25519\"", "\"ed25519\""},
		{SUT_KEY_ECDSA_P256, "\"ecdsa\"", "\"ecdsa-sha2-nistp384\""},
		{SUT_KEY_RSA_PSS, "\"ecdsa\"", "\"ecdsa-sha2-nistp256\""},
		{SUT_KEY_RSA_PSS, "\"rsa\"", "\"rsa-pkcs1v15-sha256\""},
		{SUT_KEY_RSA_PSS, "\"rsa\"", "\"rsassa-pss-sha512\""},
	};
	_cleanup_sample_tuf_ struct sample_tuf *s = sample_tuf_new();
	struct sample_tuf_key *keys[] = {
		[SUT_KEY_ED25519] = sample_tuf_key(SUT_KEY_ED25519),
		[SUT_KEY_ECDSA_P256] = sample_tuf_key(SUT_KEY_ECDSA_P256),
		[SUT_KEY_RSA_PSS] = sample_tuf_key(SUT_KEY_RSA_PSS),
	};
	const struct sample_tuf_key *k = s->key[4];
	int r;

	for (size_t i = 0; i < SUT_ARRAY_SIZE(confused); i++) {
		struct sample_tuf_key c = *keys[confused[i].type];
		_cleanup_json_ json_t *json = json_deep_copy(c.json);
		_cleanup_json_ json_t *doc = sample_tuf_sign(s->signed_[4], KEYS(k, &c), 2);

		sample_tuf_set(json, "keytype", confused[i].keytype);
		sample_tuf_set(json, "scheme", confused[i].scheme);
		c.json = json;
		if (count(s, KEYS(k, &c), 2, 2, doc, &r) != 1)
			fail_msg("%zu: %s %s counts", i, confused[i].keytype, confused[i].scheme);
		assert_int_equal(count(s, KEYS(k, &c), 2, 1, doc, &r), 1);
		assert_int_equal(r, 0);
	}
	for (size_t i = SUT_KEY_ED25519; i <= SUT_KEY_RSA_PSS; i++)
		sample_tuf_key_free(keys[i]);
}

static void keys_that_cannot_be_used_leave_the_file_valid(void **state _unused_)
{
	static const char *const values[] = {
		"{\"keytype\": \"dilithium\", \"scheme\": \"d3\", \"keyval\": {\"public\": \"x\"}}",
		"{\"keytype\": \"sigstore-oidc\", \"scheme\": \"Fulcio\", "
		"\"keyval\": {\"identity\": \"a@b\", \"issuer\": \"c\"}}",
		"{\"keytype\": \"ed25519\", \"scheme\": \"ed25519\", \"keyval\": {}}",
		"{\"keytype\": \"ed25519\", \"scheme\": \"ed25519\", \"keyval\": {\"public\": 1}}",
		"{\"keytype\": \"ed25519\", \"scheme\": \"ed25519\", \"keyval\": {\"public\": "
		"\"00\"}}",
		"{\"keytype\": \"rsa\", \"scheme\": \"rsassa-pss-sha256\", \"keyval\": "
		"{\"public\": \"-----BEGIN PUBLIC KEY-----\\n-----END PUBLIC KEY-----\\n\"}}",
	};
	_cleanup_sample_tuf_ struct sample_tuf *s = sample_tuf_new();

	for (size_t i = 0; i < SUT_ARRAY_SIZE(values); i++) {
		_cleanup_meta_ struct sut_tuf_meta *m = NULL;

		sample_tuf_set(s->signed_[1], "keys", "{}");
		sample_tuf_set(s->signed_[1], "keys/odd", values[i]);
		m = good(s->signed_[1], SUT_TUF_ROOT);
		assert_int_equal(m->keys.n, 1);
		assert_string_equal(m->keys.v[0].id, "odd");
		assert_null(m->keys.v[0].pub);
	}
}

/* ------------------------------------------------------------------ */

static void key_objects_have_the_form_and_the_id_of_the_specification(void **state _unused_)
{
	uint8_t raw[SUT_ED25519_LEN] = {0};
	_cleanup_(sut_pubkey_freep) struct sut_pubkey *k = NULL;
	_cleanup_json_ json_t *j = NULL;
	struct sut_err err = {0};
	char id[SUT_DIGEST_HEX_MAX], want[SUT_DIGEST_HEX_MAX];
	/* the public key of RFC 8032, section 7.1, test 1 */
	static const char pub[] =
		"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
	static const char canonical[] =
		"{\"keytype\":\"ed25519\",\"keyval\":{\"public\":"
		"\"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a\"},"
		"\"scheme\":\"ed25519\"}";

	assert_int_equal(sut_unhex(pub, raw, sizeof(raw)), 0);
	assert_ok(sut_pubkey_from_ed25519(raw, &k, &err), err);
	assert_ok(sut_tuf_key_json(k, &j, &err), err);
	assert_ok(sut_tuf_keyid(j, id, &err), err);
	assert_ok(sut_digest_of(SUT_DIGEST_SHA256, canonical, sizeof(canonical) - 1, want, &err),
		  err);
	assert_string_equal(id, want);
}

static void ref_check_compares_length_and_every_known_hash(void **state _unused_)
{
	char h256[SUT_DIGEST_HEX_MAX], h512[SUT_DIGEST_HEX_MAX];
	struct sut_tuf_ref ref = {.name = "x.json", .length = -1, .hashes = {"", ""}};
	struct sut_err err = {0};

	assert_ok(sut_digest_of(SUT_DIGEST_SHA256, "data", 4, h256, &err), err);
	assert_ok(sut_digest_of(SUT_DIGEST_SHA512, "data", 4, h512, &err), err);
	assert_ok(sut_tuf_ref_check(&ref, "data", 4, &err), err);
	ref.length = 4;
	assert_ok(sut_tuf_ref_check(&ref, "data", 4, &err), err);
	assert_int_equal(sut_tuf_ref_check(&ref, "dat", 3, &err), -EBADMSG);
	assert_string_equal(err.reason, "length");
	ref.has_hashes = true; /* only ones we do not know */
	assert_int_equal(sut_tuf_ref_check(&ref, "data", 4, &err), -EBADMSG);
	assert_string_equal(err.reason, "hash");
	ref.hashes.sha256 = h256;
	assert_ok(sut_tuf_ref_check(&ref, "data", 4, &err), err);
	ref.hashes.sha512 = h512;
	assert_ok(sut_tuf_ref_check(&ref, "data", 4, &err), err);
	assert_int_equal(sut_tuf_ref_check(&ref, "dat4", 4, &err), -EBADMSG);
	assert_string_equal(err.reason, "hash");
	h512[0] ^= 1;
	assert_int_equal(sut_tuf_ref_check(&ref, "data", 4, &err), -EBADMSG);
	assert_string_equal(err.reason, "hash");
	ref.hashes.sha512 = "";
	ref.hashes.sha256 = hash_a;
	assert_int_equal(sut_tuf_ref_check(&ref, "data", 4, &err), -EBADMSG);
}

static void targets_are_looked_up_by_their_exact_path(void **state _unused_)
{
	_cleanup_sample_tuf_ struct sample_tuf *s = sample_tuf_new();
	_cleanup_meta_ struct sut_tuf_meta *m = NULL;
	struct sut_tuf_target t = {0};
	struct sut_err err = {0};

	fill(s);
	m = good(s->signed_[SUT_TUF_TARGETS], SUT_TUF_TARGETS);
	assert_ok(sut_tuf_meta_target(m, "file", &t, &err), err);
	assert_string_equal(t.path, "file");
	assert_int_equal(t.length, 5);
	assert_string_equal(t.hashes.sha256, hash_a);
	assert_string_equal(t.hashes.sha512, "");
	assert_string_equal(json_string_value(json_object_get(t.custom, "id")), "K1");
	assert_int_equal(sut_tuf_meta_target(m, "File", &t, &err), -ENOENT);
	assert_int_equal(sut_tuf_meta_target(m, "file ", &t, &err), -ENOENT);
	assert_int_equal(sut_tuf_meta_target(m, "", &t, &err), -ENOENT);
	assert_string_equal(err.reason, "no-target");
	assert_int_equal(sut_tuf_meta_target(m, "unknown", &t, &err), -EBADMSG);
	assert_says(err, "neither sha256 nor sha512");
}

/* ------------------------------------------------------------------ */

static bool matches(const char *pattern, const char *path)
{
	struct sut_tuf_delegation d = {.paths = &pattern, .npaths = 1};

	return sut_tuf_delegates(&d, path);
}

static void patterns_of_the_specification(void **state _unused_)
{
	static const struct {
		const char *pattern, *path;
		bool yes;
	} cases[] = {
		{"targets/*.tgz", "targets/foo.tgz", true},
		{"targets/*.tgz", "targets/foo.txt", false},
		{"foo-version-?.tgz", "foo-version-2.tgz", true},
		{"foo-version-?.tgz", "foo-version-alpha.tgz", false},
		{"*.tgz", "foo.tgz", true},
		{"*.tgz", "targets/foo.tgz", false},
		{"foo.tgz", "foo.tgz", true},
		{"foo.tgz", "Foo.tgz", false},
		{"foo.tgz", "foo.tgz2", false},
		{"*", "a/b", false},
		{"*/*", "a/b", true},
		{"kernel/*/*", "kernel/abc/kpatch.bin", true},
		{"kernel/*/*", "kernel/abc/3/kpatch.bin", false},
		{"kernel/*/*", "kernel//", true},
		{"kernel/*/*", "kernel/", false},
		{"a?b", "a/b", false},
		{"*", ".hidden", true},
		{"*", "", true},
		{"?*", "", false},
		{"**", "abc", true},
		{"*a*b*c", "xaybzc", true},
		{"*a*b*c", "xaybzcd", false},
		{"a*/b", "axx/b", true},
		{"a*/b", "a/x/b", false},
		{"/abs", "abs", false},
		/* one character, several bytes */
		{"?", "\xc3\xa9", true},
		{"[\xc3\xa0-\xc3\xb0]", "\xc3\xa9", true},
		{"[\xc3\xa0-\xc3\xb0]", "\xc3\x9f", false},
		{"[!a]", "\xc3\xa9", true},
		/* as fnmatch of other clients */
		{"[ab]c", "bc", true},
		{"[a-c]", "b", true},
		{"[!a-c]", "b", false},
		{"[]a]", "]", true},
		{"[!]a]", "]", false},
		{"[a-]", "-", true},
		{"[", "[", true},
		{"[ab", "[ab", true},
		{"[a/b]", "a", false},
		{"[a/b]", "[a/b]", true},
		{"[!a]", "/", false},
		{"\\*", "*", false},
		{"\\*", "\\x", true},
		{"[[:alpha:]]", "b", false},
	};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(cases); i++)
		if (matches(cases[i].pattern, cases[i].path) != cases[i].yes)
			fail_msg("\"%s\" and \"%s\": not %d", cases[i].pattern, cases[i].path,
				 cases[i].yes);
}

/* All short patterns and paths of a few letters: the same answer as fnmatch(3). */
static void patterns_are_those_of_fnmatch(void **state _unused_)
{
	static const char in_pattern[] = "a/*?[]!", in_path[] = "a/]!";
	char pattern[8], path[8];

	for (unsigned int i = 0; i < 7 * 7 * 7 * 7 * 7; i++) {
		size_t n = 0;

		for (unsigned int k = i; k; k /= 7)
			pattern[n++] = in_pattern[k % 7];
		pattern[n] = 0;
		/* glibc sees a '/' inside [] in its own way: that is tested above. */
		if (strchr(pattern, '[') && strchr(pattern, '/'))
			continue;
		for (unsigned int j = 0; j < 4 * 4 * 4 * 4; j++) {
			bool want;

			n = 0;
			for (unsigned int k = j; k; k /= 4)
				path[n++] = in_path[k % 4];
			path[n] = 0;
			want = fnmatch(pattern, path, FNM_PATHNAME | FNM_NOESCAPE) == 0;
			if (matches(pattern, path) != want)
				fail_msg("\"%s\" and \"%s\": fnmatch says %d", pattern, path, want);
		}
	}
}

static void a_hostile_pattern_takes_no_time(void **state _unused_)
{
	char pattern[SUT_TUF_PATH_MAX + 1], path[SUT_TUF_PATH_MAX + 1];

	for (size_t i = 0; i < SUT_TUF_PATH_MAX; i++) {
		pattern[i] = i % 2 ? 'a' : '*';
		path[i] = 'a';
	}
	pattern[SUT_TUF_PATH_MAX - 1] = 'b';
	pattern[SUT_TUF_PATH_MAX] = path[SUT_TUF_PATH_MAX] = 0;
	assert_false(matches(pattern, path));
}

static void hash_prefixes_choose_the_bin(void **state _unused_)
{
	/* SHA-256 of "abc" (FIPS 180-4) begins with ba7816bf. */
	static const struct {
		const char *prefix;
		bool yes;
	} cases[] = {
		{"b", true},
		{"ba78", true},
		{"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", true},
		{"ba79", false},
		{"a", false},
		{"78", false},
	};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(cases); i++) {
		const char *prefix = cases[i].prefix;
		struct sut_tuf_delegation d = {.prefixes = &prefix, .nprefixes = 1};

		assert_int_equal(sut_tuf_delegates(&d, "abc"), cases[i].yes);
	}
}

static void a_delegation_without_paths_speaks_for_nothing(void **state _unused_)
{
	struct sut_tuf_delegation d = {0};

	assert_false(sut_tuf_delegates(&d, "abc"));
	assert_false(sut_tuf_delegates(&d, ""));
}

/* ------------------------------------------------------------------ */

static void times_have_one_form(void **state _unused_)
{
	static const struct {
		const char *text;
		int64_t t;
	} ok[] = {
		{"1970-01-01T00:00:00Z", 0},
		{"1985-10-21T01:21:00Z", 498705660},
		{"2000-02-29T23:59:59Z", 951868799},
		{"2026-11-21T20:15:00Z", 1795292100},
		{"2038-01-19T03:14:08Z", 2147483648},
		{"1969-12-31T23:59:59Z", -1},
		{"0001-01-01T00:00:00Z", -62135596800},
		{"9999-12-31T23:59:59Z", 253402300799},
	};
	static const char *const bad[] = {
		"",
		"2026-11-21",
		"2026-11-21T20:15:00",
		"2026-11-21T20:15:00z",
		"2026-11-21t20:15:00Z",
		"2026-11-21 20:15:00Z",
		"2026-11-21T20:15:00ZZ",
		"2026-11-21T20:15:00.5Z",
		"2026-11-21T20:15:00+00:00",
		" 2026-11-21T20:15:00Z",
		"2026-11-21T20:15:00Z ",
		"2026-13-21T20:15:00Z",
		"2026-00-21T20:15:00Z",
		"2026-11-00T20:15:00Z",
		"2026-11-31T20:15:00Z",
		"2026-02-29T20:15:00Z",
		"2100-02-29T20:15:00Z",
		"2026-11-21T24:00:00Z",
		"2026-11-21T20:60:00Z",
		"2026-11-21T20:15:60Z",
		"0000-11-21T20:15:00Z",
		"+026-11-21T20:15:00Z",
		"20261-1-21T20:15:00Z",
	};
	char text[32];
	int64_t t = 0;

	for (size_t i = 0; i < SUT_ARRAY_SIZE(ok); i++) {
		assert_int_equal(sut_tuf_time_parse(ok[i].text, &t), 0);
		assert_true(t == ok[i].t);
		sut_tuf_time_format(t, text);
		assert_string_equal(text, ok[i].text);
	}
	for (size_t i = 0; i < SUT_ARRAY_SIZE(bad); i++)
		if (sut_tuf_time_parse(bad[i], &t) != -EINVAL)
			fail_msg("accepted: %s", bad[i]);
	sut_tuf_time_format(INT64_MAX, text);
	assert_string_equal(text, "9999-12-31T23:59:59Z");
	sut_tuf_time_format(INT64_MIN, text);
	assert_string_equal(text, "0001-01-01T00:00:00Z");
}

static void times_are_those_of_the_c_library(void **state _unused_)
{
	for (int64_t t = -62135596800; t < 253402300800; t += 86400 * 17 + 4321) {
		char want[32], text[32];
		time_t c = t;
		struct tm tm;
		int64_t back = 0;

		gmtime_r(&c, &tm);
		snprintf(want, sizeof(want), "%04u-%02u-%02uT%02u:%02u:%02uZ",
			 (unsigned int)(tm.tm_year + 1900) % 10000,
			 (unsigned int)(tm.tm_mon + 1) % 100, (unsigned int)tm.tm_mday % 100,
			 (unsigned int)tm.tm_hour % 100, (unsigned int)tm.tm_min % 100,
			 (unsigned int)tm.tm_sec % 100);
		sut_tuf_time_format(t, text);
		assert_string_equal(text, want);
		assert_int_equal(sut_tuf_time_parse(text, &back), 0);
		assert_true(back == t);
	}
}

/* ------------------------------------------------------------------ */

static void caps_are_kept(void **state _unused_)
{
	_cleanup_sample_tuf_ struct sample_tuf *s = sample_tuf_new();
	json_t *root = s->signed_[SUT_TUF_ROOT], *targets = s->signed_[SUT_TUF_TARGETS];
	_cleanup_json_ json_t *doc = NULL;
	struct sut_tuf_meta *m = NULL;
	struct sut_err err;
	char id[1100];

	/* signatures */
	doc = sample_tuf_sign(root, NULL, 0);
	for (int i = 0; i <= SUT_TUF_SIGS_MAX; i++) {
		snprintf(id, sizeof(id), "{\"keyid\": \"%d\", \"sig\": \"\"}", i);
		sample_tuf_set(doc, "signatures/-", id);
	}
	assert_int_equal(parse(doc, SUT_TUF_ROOT, &m, &err), -EBADMSG);
	assert_says(err, "1025 entries");
	sample_tuf_set(doc, "signatures/0", NULL);
	assert_ok(parse(doc, SUT_TUF_ROOT, &m, &err), err);
	sut_tuf_meta_free(sut_steal(m));

	/* keys */
	for (int i = 0; i <= SUT_TUF_KEYS_MAX; i++) {
		snprintf(id, sizeof(id), "keys/%d", i);
		sample_tuf_set(root, id, "{\"keytype\": \"\", \"scheme\": \"\", \"keyval\": {}}");
	}
	json_decref(doc);
	doc = sample_tuf_sign(root, NULL, 0);
	assert_int_equal(parse(doc, SUT_TUF_ROOT, &m, &err), -EBADMSG);
	assert_says(err, "keys has 1029 entries");

	/* keys of a role: each may cost the verification of a whole file */
	sample_tuf_set(root, "keys", "{}");
	sample_tuf_set(root, "roles/root/keyids", "[]");
	for (int i = 0; i <= SUT_TUF_ROLE_KEYS_MAX; i++) {
		snprintf(id, sizeof(id), "\"%d\"", i);
		sample_tuf_set(root, "roles/root/keyids/-", id);
	}
	json_decref(doc);
	doc = sample_tuf_sign(root, NULL, 0);
	assert_int_equal(parse(doc, SUT_TUF_ROOT, &m, &err), -EBADMSG);
	assert_says(err, "keyids has 65 entries (0 to 64 are possible)");
	sample_tuf_set(root, "roles/root/keyids/0", NULL);
	json_decref(doc);
	doc = sample_tuf_sign(root, NULL, 0);
	assert_ok(parse(doc, SUT_TUF_ROOT, &m, &err), err);
	sut_tuf_meta_free(sut_steal(m));

	/* length of a path, of a role's name */
	memset(id, 'p', sizeof(id));
	memcpy(id, "targets/", 8);
	id[8 + SUT_TUF_PATH_MAX + 1] = 0;
	sample_tuf_set(targets, id, "{\"length\": 1, \"hashes\": {\"blake2b\": \"00\"}}");
	json_decref(doc);
	doc = sample_tuf_sign(targets, NULL, 0);
	assert_int_equal(parse(doc, SUT_TUF_TARGETS, &m, &err), -EBADMSG);
	assert_says(err, "1 to 1024 bytes");
	sample_tuf_set(targets, "targets", "{}");
	id[SUT_TUF_NAME_MAX + 1] = 0;
	sample_tuf_delegate(targets, id, "*", s->key[4]);
	json_decref(doc);
	doc = sample_tuf_sign(targets, NULL, 0);
	assert_int_equal(parse(doc, SUT_TUF_TARGETS, &m, &err), -EBADMSG);
	assert_says(err, "1 to 255 bytes");
}

static void a_file_longer_than_its_cap_is_refused(void **state _unused_)
{
	static const size_t caps[] = {0, SUT_TUF_ROOT_MAX, SUT_TUF_TIMESTAMP_MAX,
				      SUT_TUF_SNAPSHOT_MAX, SUT_TUF_TARGETS_MAX};
	_cleanup_sample_tuf_ struct sample_tuf *s = sample_tuf_new();

	for (enum sut_tuf_type t = SUT_TUF_ROOT; t <= SUT_TUF_TARGETS; t++) {
		_cleanup_(sut_freep) char *text = malloc(caps[t] + 1);
		_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(0);
		struct sut_tuf_meta *m = NULL;
		struct sut_err err = {0};

		sample_tuf_file(s, t, &b);
		memset(text, ' ', caps[t] + 1);
		memcpy(text, b.data, b.len);
		assert_int_equal(sut_tuf_meta_parse(text, caps[t] + 1, t, "x.json", &m, &err),
				 -EBADMSG);
		assert_says(err, "bytes");
		assert_ok(sut_tuf_meta_parse(text, caps[t], t, "x.json", &m, &err), err);
		sut_tuf_meta_free(m);
	}
}

static void ten_thousand_targets_are_read_at_once(void **state _unused_)
{
	_cleanup_json_ json_t *signed_ = sample_tuf_targets(), *doc = NULL;
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(0);
	struct timespec from, to;
	struct sut_tuf_meta *m = NULL;
	struct sut_tuf_target t;
	struct sut_err err = {0};
	char path[64];
	double ms;

	for (int i = 0; i < 10000; i++) {
		snprintf(path, sizeof(path), "kernel/%040d/kpatch.bin", i);
		json_object_set_new(
			json_object_get(signed_, "targets"), path,
			json_pack("{s:i, s:{s:s}}", "length", i, "hashes", "sha256", hash_a));
	}
	doc = sample_tuf_sign(signed_, NULL, 0);
	sample_tuf_bytes(doc, &b);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
	assert_ok(sut_tuf_meta_parse(b.data, b.len, SUT_TUF_TARGETS, "x.json", &m, &err), err);
	for (int i = 0; i < 10000; i++) {
		snprintf(path, sizeof(path), "kernel/%040d/kpatch.bin", i);
		assert_ok(sut_tuf_meta_target(m, path, &t, &err), err);
		assert_int_equal(t.length, i);
	}
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
	sut_tuf_meta_free(m);
	ms = (double)(to.tv_sec - from.tv_sec) * 1e3 + (double)(to.tv_nsec - from.tv_nsec) / 1e6;
	print_message("# %zu bytes and 10000 look-ups: %.0f ms\n", b.len, ms);
	assert_true(ms < 5000); /* also under sanitizers; something quadratic takes minutes */
}

static void many_bins_are_read_at_once(void **state _unused_)
{
	_cleanup_sample_tuf_ struct sample_tuf *s = sample_tuf_new();
	json_t *targets = s->signed_[SUT_TUF_TARGETS], *roles = json_array();
	struct sut_tuf_meta *m = NULL;
	_cleanup_json_ json_t *doc = NULL;
	struct sut_err err;

	for (unsigned int i = 0; i <= SUT_TUF_ROLES_MAX; i++) {
		char name[32], prefix[8];

		snprintf(name, sizeof(name), "bin-%04x", i);
		snprintf(prefix, sizeof(prefix), "%04x", i);
		json_array_append_new(roles, json_pack("{s:s, s:[s], s:i, s:[s]}", "name", name,
						       "keyids", s->key[4]->id, "threshold", 1,
						       "path_hash_prefixes", prefix));
	}
	sample_tuf_set(targets, "delegations", "{\"keys\": {}}");
	json_object_set_new(json_object_get(targets, "delegations"), "roles", roles);
	doc = sample_tuf_sign(targets, NULL, 0);
	assert_int_equal(parse(doc, SUT_TUF_TARGETS, &m, &err), -EBADMSG);
	assert_says(err, "16385 entries");
	json_array_remove(roles, SUT_TUF_ROLES_MAX);
	assert_ok(parse(doc, SUT_TUF_TARGETS, &m, &err), err);
	assert_int_equal(m->ndelegations, SUT_TUF_ROLES_MAX);
	sut_tuf_meta_free(m);
}

/* ------------------------------------------------------------------ */

static unsigned int fail_at, allocations; /* the one that fails; 0: none */

static void *failing_malloc(size_t n)
{
	return ++allocations == fail_at ? NULL : malloc(n);
}

static void short_memory_never_verifies_what_is_not_signed(void **state _unused_)
{
	_cleanup_sample_tuf_ struct sample_tuf *s = sample_tuf_new();
	_cleanup_buf_ struct sut_buf right = SUT_BUF_INIT(0), forged = SUT_BUF_INIT(0);
	_cleanup_json_ json_t *doc = NULL;
	bool done = false;

	sample_tuf_file(s, SUT_TUF_ROOT, &right);
	doc = sample_tuf_sign(s->signed_[1], KEYS(s->key[1]), 1);
	sample_tuf_set(doc, "signed/version", "2");
	sample_tuf_bytes(doc, &forged);
	json_set_alloc_funcs(failing_malloc, free);
	for (unsigned int n = 1; !done; n++) {
		for (int forge = 0; forge < 2; forge++) {
			const struct sut_buf *b = forge ? &forged : &right;
			struct sut_tuf_meta *m = NULL;
			struct sut_err err = {0};
			int r;

			allocations = 0;
			fail_at = n;
			r = sut_tuf_meta_parse(b->data, b->len, SUT_TUF_ROOT, "x", &m, &err);
			if (r == 0)
				r = sut_tuf_verify(m, &m->keys, &m->roles[1], "x", NULL, &err);
			else
				assert_null(m);
			if (forge)
				assert_true(r < 0);
			else
				done = r == 0 && allocations < n;
			assert_true(r == 0 || err.msg[0]);
			sut_tuf_meta_free(m);
		}
		assert_true(n < 10000);
	}
	json_set_alloc_funcs(malloc, free);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_files_give_their_values),
		cmocka_unit_test(a_wrong_field_is_named_and_the_file_refused),
		cmocka_unit_test(prefixes_are_lower_case_digits),
		cmocka_unit_test(signatures_is_a_list_of_objects_with_keyid),
		cmocka_unit_test(a_threshold_of_different_keys_is_needed),
		cmocka_unit_test(a_changed_value_breaks_the_signature_and_white_space_does_not),
		cmocka_unit_test(unknown_fields_are_signed_and_ignored),
		cmocka_unit_test(ghsa_pwqf_a_keyid_twice_in_signatures_is_refused),
		cmocka_unit_test(one_key_under_two_ids_counts_once),
		cmocka_unit_test(bad_values_of_sig_do_not_count_and_do_no_harm),
		cmocka_unit_test(a_signature_in_upper_case_does_not_count),
		cmocka_unit_test(a_signature_of_another_key_does_not_count),
		cmocka_unit_test(ed25519_ecdsa_and_rsa_count),
		cmocka_unit_test(type_scheme_and_key_must_agree_or_the_key_does_not_count),
		cmocka_unit_test(keys_that_cannot_be_used_leave_the_file_valid),
		cmocka_unit_test(key_objects_have_the_form_and_the_id_of_the_specification),
		cmocka_unit_test(ref_check_compares_length_and_every_known_hash),
		cmocka_unit_test(targets_are_looked_up_by_their_exact_path),
		cmocka_unit_test(patterns_of_the_specification),
		cmocka_unit_test(patterns_are_those_of_fnmatch),
		cmocka_unit_test(a_hostile_pattern_takes_no_time),
		cmocka_unit_test(hash_prefixes_choose_the_bin),
		cmocka_unit_test(a_delegation_without_paths_speaks_for_nothing),
		cmocka_unit_test(times_have_one_form),
		cmocka_unit_test(times_are_those_of_the_c_library),
		cmocka_unit_test(caps_are_kept),
		cmocka_unit_test(a_file_longer_than_its_cap_is_refused),
		cmocka_unit_test(ten_thousand_targets_are_read_at_once),
		cmocka_unit_test(many_bins_are_read_at_once),
		cmocka_unit_test(short_memory_never_verifies_what_is_not_signed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
