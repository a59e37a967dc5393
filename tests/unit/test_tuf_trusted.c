// SPDX-License-Identifier: Apache-2.0
/* tuf/trusted.h: each step of the client workflow (specification 1.0.34, section 5.3 to 5.6). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"
#include "base/str.h"
#include "sample_tuf.h"
#include "tuf/json.h"
#include "tuf/trusted.h"

#define _cleanup_trusted_ _cleanup_(sut_tuf_trusted_freep)
#define KEYS(...) ((const struct sample_tuf_key *const[]){__VA_ARGS__})

#define ROOT SUT_TUF_ROOT
#define TS SUT_TUF_TIMESTAMP
#define SNAP SUT_TUF_SNAPSHOT
#define TARG SUT_TUF_TARGETS
#define REMOTE false
#define LOCAL true

static struct sut_err err;

static struct sut_buf *bytes(json_t *signed_, const struct sample_tuf_key *const keys[], size_t n)
{
	static struct sut_buf pool[32]; /* the last ones stay */
	static unsigned int next;
	_cleanup_json_ json_t *doc = sample_tuf_sign(signed_, keys, n);
	struct sut_buf *b = &pool[next++ % 32];

	sample_tuf_bytes(doc, b);
	return b;
}

/* A file of the sample, signed with its key. */
static struct sut_buf *file(struct sample_tuf *s, enum sut_tuf_type type)
{
	return bytes(s->signed_[type], KEYS(s->key[type]), 1);
}

static struct sut_tuf_trusted *begin(struct sample_tuf *s)
{
	struct sut_buf *b = file(s, ROOT);
	struct sut_tuf_trusted *t = NULL;

	assert_ok(sut_tuf_trusted_new(b->data, b->len, SAMPLE_TUF_NOW, &t, &err), err);
	return t;
}

static int give_root(struct sut_tuf_trusted *t, const struct sut_buf *b)
{
	err = (struct sut_err){0};
	return sut_tuf_trusted_root(t, b->data, b->len, &err);
}

static int give_timestamp(struct sut_tuf_trusted *t, const struct sut_buf *b, bool local)
{
	err = (struct sut_err){0};
	return sut_tuf_trusted_timestamp(t, b->data, b->len, local, &err);
}

static int give_snapshot(struct sut_tuf_trusted *t, const struct sut_buf *b, bool local)
{
	err = (struct sut_err){0};
	return sut_tuf_trusted_snapshot(t, b->data, b->len, local, &err);
}

static int give_targets(struct sut_tuf_trusted *t, const char *role, const char *by,
			const struct sut_buf *b)
{
	err = (struct sut_err){0};
	return sut_tuf_trusted_targets(t, role, by, b->data, b->len, &err);
}

#define refused(call, word)                                                                        \
	do {                                                                                       \
		assert_true((call) < 0);                                                           \
		assert_string_equal(err.reason, word);                                             \
		assert_true(err.msg[0] != 0);                                                      \
	} while (0)

/* The state in which what comes next is wanted. */
static struct sut_tuf_trusted *upto(struct sample_tuf *s, enum sut_tuf_type type)
{
	struct sut_tuf_trusted *t = begin(s);

	if (type >= ROOT)
		assert_ok(sut_tuf_trusted_root_done(t, &err), err);
	if (type >= TS)
		assert_ok(give_timestamp(t, file(s, TS), REMOTE), err);
	if (type >= SNAP)
		assert_ok(give_snapshot(t, file(s, SNAP), REMOTE), err);
	if (type >= TARG)
		assert_ok(give_targets(t, "targets", "root", file(s, TARG)), err);
	return t;
}

static void version(struct sample_tuf *s, enum sut_tuf_type type, int64_t v)
{
	sample_tuf_set_version(s->signed_[type], v);
}

static json_t *role_of(struct sample_tuf *s, enum sut_tuf_type type)
{
	return json_object_get(json_object_get(s->signed_[ROOT], "roles"), sut_tuf_type_name(type));
}

/* ------------------------------------------------------------------ */

static void a_whole_update_is_trusted(void **state _unused_)
{
	_cleanup_sample_tuf_ struct sample_tuf *s = sample_tuf_new();
	_cleanup_trusted_ struct sut_tuf_trusted *t = begin(s);

	assert_non_null(sut_tuf_trusted_get(t, ROOT));
	assert_null(sut_tuf_trusted_get(t, TS));
	version(s, ROOT, 2);
	assert_ok(give_root(t, file(s, ROOT)), err);
	assert_int_equal(sut_tuf_trusted_get(t, ROOT)->version, 2);
	assert_ok(sut_tuf_trusted_root_done(t, &err), err);
	assert_false(sut_tuf_trusted_rotated(t));
	assert_int_equal(give_timestamp(t, file(s, TS), REMOTE), 0);
	assert_int_equal(sut_tuf_trusted_get(t, TS)->version, 1);
	assert_null(sut_tuf_trusted_get(t, SNAP));
	assert_int_equal(give_snapshot(t, file(s, SNAP), REMOTE), 0);
	assert_int_equal(sut_tuf_trusted_get(t, SNAP)->version, 1);
	assert_null(sut_tuf_trusted_get(t, TARG));
	assert_int_equal(give_targets(t, "targets", "root", file(s, TARG)), 0);
	assert_int_equal(sut_tuf_trusted_get(t, TARG)->version, 1);
	assert_ptr_equal(sut_tuf_trusted_get(t, TARG), sut_tuf_trusted_role(t, "targets", "root"));
	assert_null(sut_tuf_trusted_role(t, "targets", "x"));
}

static void a_call_out_of_order_is_refused(void **state _unused_)
{
	_cleanup_sample_tuf_ struct sample_tuf *s = sample_tuf_new();
	_cleanup_trusted_ struct sut_tuf_trusted *t = begin(s);

	assert_int_equal(give_timestamp(t, file(s, TS), REMOTE), -EPROTO);
	assert_int_equal(give_snapshot(t, file(s, SNAP), REMOTE), -EPROTO);
	assert_int_equal(give_targets(t, "targets", "root", file(s, TARG)), -EPROTO);
	assert_ok(sut_tuf_trusted_root_done(t, &err), err);
	assert_int_equal(sut_tuf_trusted_root_done(t, &err), -EPROTO);
	version(s, ROOT, 2);
	assert_int_equal(give_root(t, file(s, ROOT)), -EPROTO);
	assert_int_equal(give_snapshot(t, file(s, SNAP), REMOTE), -EPROTO);
	assert_ok(give_timestamp(t, file(s, TS), REMOTE), err);
	assert_int_equal(give_targets(t, "targets", "root", file(s, TARG)), -EPROTO);
	assert_ok(give_snapshot(t, file(s, SNAP), REMOTE), err);
	assert_int_equal(give_snapshot(t, file(s, SNAP), REMOTE), -EPROTO);
	assert_int_equal(give_timestamp(t, file(s, TS), REMOTE), -EPROTO);
	assert_int_equal(give_targets(t, "kernel", "targets", file(s, TARG)), -EPROTO);
}

/* ------------------------------------------------------------------ */
/* 5.2, 5.3                                                            */

static void r5_2_the_first_root_must_be_signed_by_itself(void **state _unused_)
{
	_cleanup_sample_tuf_ struct sample_tuf *s = sample_tuf_new();
	struct sut_buf *b = bytes(s->signed_[ROOT], KEYS(s->key[TS]), 1);
	struct sut_tuf_trusted *t = NULL;

	refused(sut_tuf_trusted_new(b->data, b->len, SAMPLE_TUF_NOW, &t, &err), "signatures");
	b = file(s, TS);
	refused(sut_tuf_trusted_new(b->data, b->len, SAMPLE_TUF_NOW, &t, &err), "format");
	refused(sut_tuf_trusted_new("{}", 2, SAMPLE_TUF_NOW, &t, &err), "format");
	assert_null(t);
}

static void r5_2_an_expired_root_may_begin_the_chain(void **state _unused_)
{
	_cleanup_sample_tuf_ struct sample_tuf *s = sample_tuf_new();
	_cleanup_trusted_ struct sut_tuf_trusted *t = NULL;

	sample_tuf_set_expires(s->signed_[ROOT], SAMPLE_TUF_NOW - 1000);
	t = begin(s);
	version(s, ROOT, 2);
	assert_ok(give_root(t, file(s, ROOT)), err);
	/* 5.3.10: only the last one has to be good. */
	refused(sut_tuf_trusted_root_done(t, &err), "expired");
	assert_int_equal(give_timestamp(t, file(s, TS), REMOTE), -EPROTO);
	version(s, ROOT, 3);
	sample_tuf_set_expires(s->signed_[ROOT], SAMPLE_TUF_NOW + 1);
	assert_ok(give_root(t, file(s, ROOT)), err);
	assert_ok(sut_tuf_trusted_root_done(t, &err), err);
}

static void r5_3_4_a_root_needs_a_threshold_of_old_and_new_keys(void **state _unused_)
{
	_cleanup_sample_tuf_ struct sample_tuf *s = sample_tuf_new();
	_cleanup_trusted_ struct sut_tuf_trusted *t = begin(s);
	struct sample_tuf_key *new1 = sample_tuf_key(SUT_KEY_ED25519),
			      *new2 = sample_tuf_key(SUT_KEY_ED25519);
	const struct sample_tuf_key *old = s->key[ROOT];
	json_t *root = s->signed_[ROOT];

	version(s, ROOT, 2);
	sample_tuf_set(role_of(s, ROOT), "keyids", "[]");
	sample_tuf_set(role_of(s, ROOT), "threshold", "2");
	sample_tuf_trust(root, role_of(s, ROOT), new1);
	sample_tuf_trust(root, role_of(s, ROOT), new2);
	refused(give_root(t, bytes(root, NULL, 0)), "signatures");
	refused(give_root(t, bytes(root, KEYS(old), 1)), "signatures");
	refused(give_root(t, bytes(root, KEYS(new1, new2), 2)), "signatures");
	refused(give_root(t, bytes(root, KEYS(old, new1), 2)), "signatures");
	assert_int_equal(sut_tuf_trusted_get(t, ROOT)->version, 1);
	assert_ok(give_root(t, bytes(root, KEYS(old, new1, new2), 3)), err);
	/* From now on the old key is nobody's. */
	version(s, ROOT, 3);
	refused(give_root(t, bytes(root, KEYS(old, new1), 2)), "signatures");
	assert_ok(give_root(t, bytes(root, KEYS(new1, new2), 2)), err);
	sample_tuf_key_free(new1);
	sample_tuf_key_free(new2);
}

/* The same key under a second name in the new root: both thresholds, by one person. */
static void r5_3_4_two_names_of_one_key_are_one_key(void **state _unused_)
{
	_cleanup_sample_tuf_ struct sample_tuf *s = sample_tuf_new();
	struct sample_tuf_key alias = *s->key[ROOT];
	_cleanup_trusted_ struct sut_tuf_trusted *t = begin(s);

	snprintf(alias.id, sizeof(alias.id), "alias");
	version(s, ROOT, 2);
	sample_tuf_trust(s->signed_[ROOT], role_of(s, ROOT), &alias);
	sample_tuf_set(role_of(s, ROOT), "threshold", "2");
	refused(give_root(t, bytes(s->signed_[ROOT], KEYS(s->key[ROOT], &alias), 2)), "signatures");
}

static void r5_3_5_the_version_is_exactly_one_more(void **state _unused_)
{
	_cleanup_sample_tuf_ struct sample_tuf *s = sample_tuf_new();
	_cleanup_trusted_ struct sut_tuf_trusted *t = NULL;

	version(s, ROOT, 5);
	t = begin(s);
	refused(give_root(t, file(s, ROOT)), "rollback");
	version(s, ROOT, 4);
	refused(give_root(t, file(s, ROOT)), "rollback");
	version(s, ROOT, 7);
	refused(give_root(t, file(s, ROOT)), "version");
	version(s, ROOT, INT64_C(1) << 53);
	refused(give_root(t, file(s, ROOT)), "version");
	version(s, ROOT, 6);
	assert_ok(give_root(t, file(s, ROOT)), err);
}

static void r5_3_10_an_expired_last_root_stops_the_update(void **state _unused_)
{
	_cleanup_sample_tuf_ struct sample_tuf *s = sample_tuf_new();
	_cleanup_trusted_ struct sut_tuf_trusted *t = NULL;

	/* "higher than the fixed update start time" */
	sample_tuf_set_expires(s->signed_[ROOT], SAMPLE_TUF_NOW);
	t = begin(s);
	refused(sut_tuf_trusted_root_done(t, &err), "expired");
	assert_says(err, "2026-11-18T");
}

static void r5_3_11_keys_of_timestamp_or_snapshot_that_are_gone_are_noticed(void **state _unused_)
{
	static const struct {
		enum sut_tuf_type type;
		bool replace, rotated;
	} cases[] = {
		{TS, true, true},   {SNAP, true, true},	  {TARG, true, false},
		{TS, false, false}, {SNAP, false, false},
	};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(cases); i++) {
		_cleanup_sample_tuf_ struct sample_tuf *s = sample_tuf_new();
		_cleanup_trusted_ struct sut_tuf_trusted *t = begin(s);
		struct sample_tuf_key *k = sample_tuf_key(SUT_KEY_ED25519);

		assert_false(sut_tuf_trusted_rotated(t));
		version(s, ROOT, 2);
		if (cases[i].replace)
			sample_tuf_set(role_of(s, cases[i].type), "keyids", "[]");
		sample_tuf_trust(s->signed_[ROOT], role_of(s, cases[i].type), k);
		assert_ok(give_root(t, file(s, ROOT)), err);
		assert_int_equal(sut_tuf_trusted_rotated(t), cases[i].rotated);
		sample_tuf_key_free(k);
	}
}

static void r5_3_11_a_key_that_went_and_came_back_was_gone(void **state _unused_)
{
	_cleanup_sample_tuf_ struct sample_tuf *s = sample_tuf_new();
	_cleanup_json_ json_t *before = json_deep_copy(s->signed_[ROOT]);
	_cleanup_trusted_ struct sut_tuf_trusted *t = begin(s);

	version(s, ROOT, 2);
	sample_tuf_set(role_of(s, SNAP), "keyids", "[]");
	assert_ok(give_root(t, file(s, ROOT)), err);
	sample_tuf_set_version(before, 3);
	assert_ok(give_root(t, bytes(before, KEYS(s->key[ROOT]), 1)), err);
	assert_true(sut_tuf_trusted_rotated(t));
}

/* A key id is only a name: another key under it is another key. */
static void r5_3_11_another_key_under_the_same_id_is_a_rotation(void **state _unused_)
{
	_cleanup_sample_tuf_ struct sample_tuf *s = sample_tuf_new();
	_cleanup_trusted_ struct sut_tuf_trusted *t = begin(s);
	struct sample_tuf_key *k = sample_tuf_key(SUT_KEY_ED25519);

	version(s, ROOT, 2);
	json_object_set(json_object_get(s->signed_[ROOT], "keys"), s->key[TS]->id, k->json);
	assert_ok(give_root(t, file(s, ROOT)), err);
	assert_true(sut_tuf_trusted_rotated(t));
	sample_tuf_key_free(k);
}

/* ------------------------------------------------------------------ */
/* 5.4                                                                 */

static void r5_4_2_the_timestamp_is_signed_by_its_role(void **state _unused_)
{
	_cleanup_sample_tuf_ struct sample_tuf *s = sample_tuf_new();
	_cleanup_trusted_ struct sut_tuf_trusted *t = upto(s, ROOT);
	json_t *ts = s->signed_[TS];

	for (int local = 0; local < 2; local++) {
		refused(give_timestamp(t, bytes(ts, NULL, 0), local), "signatures");
		refused(give_timestamp(t, bytes(ts, KEYS(s->key[SNAP], s->key[ROOT]), 2), local),
			"signatures");
		refused(give_timestamp(t, file(s, SNAP), local), "format");
	}
	assert_null(sut_tuf_trusted_get(t, TS));
}

static void r5_4_3_1_an_older_timestamp_is_a_rollback(void **state _unused_)
{
	_cleanup_sample_tuf_ struct sample_tuf *s = sample_tuf_new();
	_cleanup_trusted_ struct sut_tuf_trusted *t = upto(s, ROOT);

	version(s, TS, 5);
	assert_int_equal(give_timestamp(t, file(s, TS), LOCAL), 0);
	version(s, TS, 4);
	refused(give_timestamp(t, file(s, TS), REMOTE), "rollback");
	assert_int_equal(sut_tuf_trusted_get(t, TS)->version, 5);
	version(s, TS, 6);
	assert_int_equal(give_timestamp(t, file(s, TS), REMOTE), 0);
	assert_int_equal(sut_tuf_trusted_get(t, TS)->version, 6);
}

static void r5_4_3_1_the_same_version_with_other_content_is_ignored(void **state _unused_)
{
	_cleanup_sample_tuf_ struct sample_tuf *s = sample_tuf_new();
	_cleanup_trusted_ struct sut_tuf_trusted *t = upto(s, ROOT);
	const struct sut_tuf_meta *old;

	assert_int_equal(give_timestamp(t, file(s, TS), LOCAL), 0);
	old = sut_tuf_trusted_get(t, TS);
	sample_tuf_set(s->signed_[TS], "meta/snapshot.json/version", "100");
	sample_tuf_set_expires(s->signed_[TS], SAMPLE_TUF_NOW + 10 * SAMPLE_TUF_DAY);
	assert_int_equal(give_timestamp(t, file(s, TS), REMOTE), 1);
	assert_ptr_equal(sut_tuf_trusted_get(t, TS), old);
	assert_int_equal(old->refs[0].version, 1);
	/* But not when nobody signed it. */
	refused(give_timestamp(t, bytes(s->signed_[TS], NULL, 0), REMOTE), "signatures");
}

/* Also specification PR #106: without a local snapshot. CVE-2025-2888 (tough): what is refused here
 * must not have become the trusted one. */
static void cve_2025_2888_the_snapshot_version_in_it_never_goes_down(void **state _unused_)
{
	_cleanup_sample_tuf_ struct sample_tuf *s = sample_tuf_new();
	_cleanup_trusted_ struct sut_tuf_trusted *t = upto(s, ROOT);

	sample_tuf_set(s->signed_[TS], "meta/snapshot.json/version", "7");
	assert_int_equal(give_timestamp(t, file(s, TS), LOCAL), 0);
	version(s, TS, 2);
	sample_tuf_set(s->signed_[TS], "meta/snapshot.json/version", "6");
	refused(give_timestamp(t, file(s, TS), REMOTE), "rollback");
	assert_int_equal(sut_tuf_trusted_get(t, TS)->version, 1);
	assert_int_equal(sut_tuf_trusted_get(t, TS)->refs[0].version, 7);
	sample_tuf_set(s->signed_[TS], "meta/snapshot.json/version", "7");
	assert_int_equal(give_timestamp(t, file(s, TS), REMOTE), 0);
}

static void r5_4_4_an_expired_timestamp_is_not_trusted(void **state _unused_)
{
	_cleanup_sample_tuf_ struct sample_tuf *s = sample_tuf_new();
	_cleanup_trusted_ struct sut_tuf_trusted *t = upto(s, ROOT);

	assert_int_equal(give_timestamp(t, file(s, TS), LOCAL), 0);
	version(s, TS, 2);
	sample_tuf_set_expires(s->signed_[TS], SAMPLE_TUF_NOW);
	refused(give_timestamp(t, file(s, TS), REMOTE), "expired");
	assert_int_equal(sut_tuf_trusted_get(t, TS)->version, 1);
	sample_tuf_set_expires(s->signed_[TS], SAMPLE_TUF_NOW + 1);
	assert_int_equal(give_timestamp(t, file(s, TS), REMOTE), 0);
}

static void r5_4_4_an_expired_stored_timestamp_only_stops_rollback(void **state _unused_)
{
	_cleanup_sample_tuf_ struct sample_tuf *s = sample_tuf_new();
	_cleanup_trusted_ struct sut_tuf_trusted *t = upto(s, ROOT);

	version(s, TS, 3);
	sample_tuf_set_expires(s->signed_[TS], SAMPLE_TUF_NOW - 1);
	assert_int_equal(give_timestamp(t, file(s, TS), LOCAL), 0);
	/* The mirror has nothing newer: a freeze. */
	assert_int_equal(give_timestamp(t, file(s, TS), REMOTE), 1);
	refused(give_snapshot(t, file(s, SNAP), REMOTE), "expired");
	refused(give_snapshot(t, file(s, SNAP), LOCAL), "expired");
	version(s, TS, 2);
	sample_tuf_set_expires(s->signed_[TS], SAMPLE_TUF_NOW + 10);
	refused(give_timestamp(t, file(s, TS), REMOTE), "rollback");
	version(s, TS, 4);
	assert_int_equal(give_timestamp(t, file(s, TS), REMOTE), 0);
	assert_int_equal(give_snapshot(t, file(s, SNAP), REMOTE), 0);
}

static void r4_6_other_entries_of_the_timestamp_are_not_used(void **state _unused_)
{
	_cleanup_sample_tuf_ struct sample_tuf *s = sample_tuf_new();
	_cleanup_trusted_ struct sut_tuf_trusted *t = upto(s, ROOT);

	sample_tuf_set(s->signed_[TS], "meta/a.json", "{\"version\": 9}");
	assert_int_equal(give_timestamp(t, file(s, TS), REMOTE), 0);
	assert_int_equal(sut_tuf_trusted_get(t, TS)->nrefs, 1);
	assert_null(sut_tuf_ref(sut_tuf_trusted_get(t, TS), "a.json"));
}

/* ------------------------------------------------------------------ */
/* 5.5                                                                 */

static void r5_5_2_length_and_hash_come_from_the_timestamp(void **state _unused_)
{
	_cleanup_sample_tuf_ struct sample_tuf *s = sample_tuf_new();
	_cleanup_trusted_ struct sut_tuf_trusted *t = NULL;
	struct sut_buf *right = file(s, SNAP), *longer, *other;

	sample_tuf_hash(s->signed_[TS], "snapshot.json", right->data, right->len);
	t = upto(s, TS);
	/* signed well, and not the one */
	sample_tuf_set(s->signed_[SNAP], "spec_version", "\"1.0.35\"");
	other = file(s, SNAP);
	assert_int_equal(other->len, right->len);
	refused(give_snapshot(t, other, REMOTE), "hash");
	assert_says(err, "snapshot.json: ");
	sample_tuf_set(s->signed_[SNAP], "more", "1");
	longer = file(s, SNAP);
	refused(give_snapshot(t, longer, REMOTE), "length");
	assert_null(sut_tuf_trusted_get(t, SNAP));
	assert_int_equal(give_snapshot(t, right, REMOTE), 0);
}

static void r5_5_3_the_snapshot_is_signed_by_its_role(void **state _unused_)
{
	_cleanup_sample_tuf_ struct sample_tuf *s = sample_tuf_new();
	_cleanup_trusted_ struct sut_tuf_trusted *t = upto(s, TS);

	for (int local = 0; local < 2; local++) {
		refused(give_snapshot(t, bytes(s->signed_[SNAP], KEYS(s->key[TS]), 1), local),
			"signatures");
		refused(give_snapshot(t, bytes(s->signed_[SNAP], NULL, 0), local), "signatures");
	}
	/* Nothing was kept of it. */
	assert_int_equal(give_snapshot(t, file(s, SNAP), LOCAL), 0);
}

static void r5_5_4_the_version_is_that_of_the_timestamp(void **state _unused_)
{
	_cleanup_sample_tuf_ struct sample_tuf *s = sample_tuf_new();
	_cleanup_trusted_ struct sut_tuf_trusted *t = NULL;

	sample_tuf_set(s->signed_[TS], "meta/snapshot.json/version", "2");
	t = upto(s, TS);
	refused(give_snapshot(t, file(s, SNAP), REMOTE), "version");
	version(s, SNAP, 3);
	refused(give_snapshot(t, file(s, SNAP), REMOTE), "version");
	version(s, SNAP, 2);
	assert_int_equal(give_snapshot(t, file(s, SNAP), REMOTE), 0);
}

/* A timestamp that names snapshot 2, and a stored snapshot 1 with two targets files. */
static struct sut_tuf_trusted *with_earlier(struct sample_tuf *s)
{
	struct sut_tuf_trusted *t;

	sample_tuf_set(s->signed_[TS], "meta/snapshot.json/version", "2");
	t = upto(s, TS);
	sample_tuf_set(s->signed_[SNAP], "meta/targets.json/version", "4");
	sample_tuf_set(s->signed_[SNAP], "meta/kernel.json", "{\"version\": 4}");
	assert_int_equal(give_snapshot(t, file(s, SNAP), LOCAL), 1);
	assert_null(sut_tuf_trusted_get(t, SNAP));
	assert_int_equal(give_targets(t, "targets", "root", file(s, TARG)), -EPROTO);
	version(s, SNAP, 2);
	return t;
}

/* GHSA-66x3-6cw3-v5gj (go-tuf): no rollback check for other roles than root */
static void ghsa_66x3_no_targets_version_goes_down(void **state _unused_)
{
	_cleanup_sample_tuf_ struct sample_tuf *s = sample_tuf_new();
	_cleanup_trusted_ struct sut_tuf_trusted *t = with_earlier(s);

	sample_tuf_set(s->signed_[SNAP], "meta/targets.json/version", "3");
	refused(give_snapshot(t, file(s, SNAP), REMOTE), "rollback");
	assert_says(err, "targets.json");
	sample_tuf_set(s->signed_[SNAP], "meta/targets.json/version", "5");
	sample_tuf_set(s->signed_[SNAP], "meta/kernel.json/version", "1");
	refused(give_snapshot(t, file(s, SNAP), REMOTE), "rollback");
	assert_says(err, "kernel.json");
	sample_tuf_set(s->signed_[SNAP], "meta/kernel.json/version", "4");
	sample_tuf_set(s->signed_[SNAP], "meta/new.json", "{\"version\": 1}");
	assert_int_equal(give_snapshot(t, file(s, SNAP), REMOTE), 0);
}

static void r5_5_5_no_targets_file_disappears(void **state _unused_)
{
	_cleanup_sample_tuf_ struct sample_tuf *s = sample_tuf_new();
	_cleanup_trusted_ struct sut_tuf_trusted *t = with_earlier(s);

	sample_tuf_set(s->signed_[SNAP], "meta/kernel.json", NULL);
	refused(give_snapshot(t, file(s, SNAP), REMOTE), "rollback");
	assert_says(err, "does not name kernel.json any more");
	assert_null(sut_tuf_trusted_get(t, SNAP));
}

static void r5_5_5_an_expired_stored_snapshot_stops_rollback_too(void **state _unused_)
{
	_cleanup_sample_tuf_ struct sample_tuf *s = sample_tuf_new();
	_cleanup_trusted_ struct sut_tuf_trusted *t = NULL;

	sample_tuf_set(s->signed_[TS], "meta/snapshot.json/version", "2");
	t = upto(s, TS);
	sample_tuf_set(s->signed_[SNAP], "meta/targets.json/version", "4");
	sample_tuf_set_expires(s->signed_[SNAP], SAMPLE_TUF_NOW - 1000);
	assert_int_equal(give_snapshot(t, file(s, SNAP), LOCAL), 1);
	sample_tuf_set_expires(s->signed_[SNAP], SAMPLE_TUF_NOW + 1000);
	version(s, SNAP, 2);
	sample_tuf_set(s->signed_[SNAP], "meta/targets.json/version", "3");
	refused(give_snapshot(t, file(s, SNAP), REMOTE), "rollback");
}

/* The stored timestamp was lost, the snapshot was not: an older snapshot is refused all the same. */
static void r5_5_5_a_stored_snapshot_that_is_newer_stops_rollback(void **state _unused_)
{
	_cleanup_sample_tuf_ struct sample_tuf *s = sample_tuf_new();
	_cleanup_trusted_ struct sut_tuf_trusted *t = upto(s, TS);

	version(s, SNAP, 5);
	assert_int_equal(give_snapshot(t, file(s, SNAP), LOCAL), 1);
	version(s, SNAP, 1);
	refused(give_snapshot(t, file(s, SNAP), REMOTE), "rollback");
}

static void r5_5_a_stored_snapshot_is_used_when_the_timestamp_names_it(void **state _unused_)
{
	_cleanup_sample_tuf_ struct sample_tuf *s = sample_tuf_new();
	_cleanup_trusted_ struct sut_tuf_trusted *t = NULL;
	struct sut_buf *b = file(s, SNAP);

	sample_tuf_hash(s->signed_[TS], "snapshot.json", b->data, b->len);
	t = upto(s, TS);
	assert_int_equal(give_snapshot(t, b, LOCAL), 0);
	assert_non_null(sut_tuf_trusted_get(t, SNAP));
}

/* Mix and match: the right version, and not the bytes that the timestamp names. */
static void r5_5_a_stored_snapshot_with_another_hash_is_fetched_again(void **state _unused_)
{
	_cleanup_sample_tuf_ struct sample_tuf *s = sample_tuf_new();
	_cleanup_trusted_ struct sut_tuf_trusted *t = NULL;
	struct sut_buf *stored = file(s, SNAP), *b;

	sample_tuf_set(s->signed_[SNAP], "meta/targets.json/version", "2");
	b = file(s, SNAP);
	sample_tuf_hash(s->signed_[TS], "snapshot.json", b->data, b->len);
	t = upto(s, TS);
	assert_int_equal(give_snapshot(t, stored, LOCAL), 1);
	assert_null(sut_tuf_trusted_get(t, SNAP));
	assert_int_equal(give_snapshot(t, b, REMOTE), 0);
}

static void r5_5_6_an_expired_snapshot_is_not_trusted(void **state _unused_)
{
	_cleanup_sample_tuf_ struct sample_tuf *s = sample_tuf_new();
	_cleanup_trusted_ struct sut_tuf_trusted *t = upto(s, TS);

	sample_tuf_set_expires(s->signed_[SNAP], SAMPLE_TUF_NOW);
	refused(give_snapshot(t, file(s, SNAP), REMOTE), "expired");
	assert_int_equal(give_snapshot(t, file(s, SNAP), LOCAL), 1);
	refused(give_snapshot(t, file(s, SNAP), REMOTE), "expired");
	assert_null(sut_tuf_trusted_get(t, SNAP));
}

/* ------------------------------------------------------------------ */
/* 5.6                                                                 */

static void r5_6_2_length_and_hash_come_from_the_snapshot(void **state _unused_)
{
	_cleanup_sample_tuf_ struct sample_tuf *s = sample_tuf_new();
	_cleanup_trusted_ struct sut_tuf_trusted *t = NULL;
	struct sut_buf *right = file(s, TARG);

	sample_tuf_hash(s->signed_[SNAP], "targets.json", right->data, right->len);
	t = upto(s, SNAP);
	sample_tuf_set(s->signed_[TARG], "spec_version", "\"1.0.35\"");
	refused(give_targets(t, "targets", "root", file(s, TARG)), "hash");
	sample_tuf_set(s->signed_[TARG], "more", "1");
	refused(give_targets(t, "targets", "root", file(s, TARG)), "length");
	assert_int_equal(give_targets(t, "targets", "root", right), 0);
}

static void
r5_6_3_to_5_targets_are_signed_of_the_right_version_and_not_expired(void **state _unused_)
{
	_cleanup_sample_tuf_ struct sample_tuf *s = sample_tuf_new();
	_cleanup_trusted_ struct sut_tuf_trusted *t = NULL;

	sample_tuf_set(s->signed_[SNAP], "meta/targets.json/version", "2");
	t = upto(s, SNAP);
	refused(give_targets(t, "targets", "root", file(s, TARG)), "version");
	version(s, TARG, 3);
	refused(give_targets(t, "targets", "root", file(s, TARG)), "version");
	version(s, TARG, 2);
	refused(give_targets(t, "targets", "root", bytes(s->signed_[TARG], KEYS(s->key[SNAP]), 1)),
		"signatures");
	sample_tuf_set_expires(s->signed_[TARG], SAMPLE_TUF_NOW);
	refused(give_targets(t, "targets", "root", file(s, TARG)), "expired");
	refused(give_targets(t, "targets", "root", file(s, SNAP)), "format");
	assert_null(sut_tuf_trusted_get(t, TARG));
	sample_tuf_set_expires(s->signed_[TARG], SAMPLE_TUF_NOW + 1);
	assert_int_equal(give_targets(t, "targets", "root", file(s, TARG)), 0);
}

/* go-tuf #652: a crash */
static void go_tuf_652_a_role_that_the_snapshot_does_not_name_is_an_error(void **state _unused_)
{
	_cleanup_sample_tuf_ struct sample_tuf *s = sample_tuf_new();
	_cleanup_trusted_ struct sut_tuf_trusted *t = NULL;
	_cleanup_json_ json_t *kernel = sample_tuf_targets();
	char role[400];

	sample_tuf_delegate(s->signed_[TARG], "kernel", "*", s->key[TARG]);
	t = upto(s, TARG);
	refused(give_targets(t, "kernel", "targets", bytes(kernel, KEYS(s->key[TARG]), 1)),
		"missing");
	refused(give_targets(t, "nobody", "targets", file(s, TARG)), "missing");
	refused(give_targets(t, "kernel", "root", file(s, TARG)), "missing");
	refused(give_targets(t, "targets", "targets", file(s, TARG)), "missing");
	memset(role, 'x', sizeof(role) - 1);
	role[sizeof(role) - 1] = 0;
	refused(give_targets(t, role, "targets", file(s, TARG)), "missing");
}

static void go_tuf_652_a_snapshot_without_targets_is_an_error(void **state _unused_)
{
	_cleanup_sample_tuf_ struct sample_tuf *s = sample_tuf_new();
	_cleanup_trusted_ struct sut_tuf_trusted *t = NULL;

	sample_tuf_set(s->signed_[SNAP], "meta", "{}");
	t = upto(s, SNAP);
	refused(give_targets(t, "targets", "root", file(s, TARG)), "missing");
}

/* CVE-2026-6967 (tough): expiry, hash and length of delegated roles were not looked at */
static void cve_2026_6967_delegated_targets_are_checked_like_the_others(void **state _unused_)
{
	_cleanup_sample_tuf_ struct sample_tuf *s = sample_tuf_new();
	_cleanup_trusted_ struct sut_tuf_trusted *t = NULL;
	struct sample_tuf_key *k1 = sample_tuf_key(SUT_KEY_ED25519),
			      *k2 = sample_tuf_key(SUT_KEY_ED25519);
	_cleanup_json_ json_t *kernel = sample_tuf_targets();
	struct sut_buf *right;
	json_t *role;

	role = sample_tuf_delegate(s->signed_[TARG], "kernel", "*", k1);
	sample_tuf_trust(json_object_get(s->signed_[TARG], "delegations"), role, k2);
	sample_tuf_set(role, "threshold", "2");
	sample_tuf_set_version(kernel, 3);
	right = bytes(kernel, KEYS(k1, k2), 2);
	sample_tuf_set(s->signed_[SNAP], "meta/kernel.json", "{\"version\": 3}");
	t = upto(s, TARG);
	refused(give_targets(t, "kernel", "targets", bytes(kernel, KEYS(k1), 1)), "signatures");
	refused(give_targets(t, "kernel", "targets", bytes(kernel, KEYS(s->key[TARG]), 1)),
		"signatures");
	sample_tuf_set_version(kernel, 2);
	refused(give_targets(t, "kernel", "targets", bytes(kernel, KEYS(k1, k2), 2)), "version");
	sample_tuf_set_version(kernel, 3);
	sample_tuf_set_expires(kernel, SAMPLE_TUF_NOW);
	refused(give_targets(t, "kernel", "targets", bytes(kernel, KEYS(k1, k2), 2)), "expired");
	assert_null(sut_tuf_trusted_role(t, "kernel", "targets"));
	assert_int_equal(give_targets(t, "kernel", "targets", right), 0);
	assert_non_null(sut_tuf_trusted_role(t, "kernel", "targets"));
	sut_tuf_trusted_freep(&t);

	sample_tuf_hash(s->signed_[SNAP], "kernel.json", right->data, right->len);
	t = upto(s, TARG);
	refused(give_targets(t, "kernel", "targets", bytes(kernel, KEYS(k1, k2), 2)), "hash");
	assert_int_equal(give_targets(t, "kernel", "targets", right), 0);
	sample_tuf_key_free(k1);
	sample_tuf_key_free(k2);
}

/* targets delegates to a and b, both delegate to c, each with a key of its own for it. */
static void a_role_is_verified_by_the_keys_of_each_delegator(void **state _unused_)
{
	_cleanup_sample_tuf_ struct sample_tuf *s = sample_tuf_new();
	_cleanup_trusted_ struct sut_tuf_trusted *t = NULL;
	_cleanup_json_ json_t *a = sample_tuf_targets(), *b = sample_tuf_targets(),
			      *c = sample_tuf_targets();
	const struct sample_tuf_key *ka = s->key[TS], *kb = s->key[SNAP], *k = s->key[TARG];
	const struct sut_tuf_meta *by_a;

	sample_tuf_delegate(s->signed_[TARG], "a", "*", k);
	sample_tuf_delegate(s->signed_[TARG], "b", "*", k);
	sample_tuf_delegate(a, "c", "*", ka);
	sample_tuf_delegate(b, "c", "*", kb);
	sample_tuf_set(s->signed_[SNAP], "meta/a.json", "{\"version\": 1}");
	sample_tuf_set(s->signed_[SNAP], "meta/b.json", "{\"version\": 1}");
	sample_tuf_set(s->signed_[SNAP], "meta/c.json", "{\"version\": 1}");
	t = upto(s, TARG);
	assert_int_equal(give_targets(t, "c", "a", bytes(c, KEYS(ka), 1)), -EPROTO);
	assert_ok(give_targets(t, "a", "targets", bytes(a, KEYS(k), 1)), err);
	assert_ok(give_targets(t, "b", "targets", bytes(b, KEYS(k), 1)), err);
	assert_ok(give_targets(t, "c", "a", bytes(c, KEYS(ka), 1)), err);
	by_a = sut_tuf_trusted_role(t, "c", "a");
	assert_non_null(by_a);
	/* What a vouches for is nothing to b. */
	assert_null(sut_tuf_trusted_role(t, "c", "b"));
	refused(give_targets(t, "c", "b", bytes(c, KEYS(ka), 1)), "signatures");
	assert_ok(give_targets(t, "c", "b", bytes(c, KEYS(ka, kb), 2)), err);
	assert_non_null(sut_tuf_trusted_role(t, "c", "b"));
	/* Once more changes nothing, and pointers stay. */
	assert_ok(give_targets(t, "c", "a", bytes(c, KEYS(ka), 1)), err);
	assert_ptr_equal(sut_tuf_trusted_role(t, "c", "a"), by_a);
}

static void one_role_has_one_content_in_one_update(void **state _unused_)
{
	_cleanup_sample_tuf_ struct sample_tuf *s = sample_tuf_new();
	_cleanup_trusted_ struct sut_tuf_trusted *t = NULL;
	_cleanup_json_ json_t *a = sample_tuf_targets(), *c = sample_tuf_targets();
	const struct sample_tuf_key *k = s->key[TARG];

	sample_tuf_delegate(s->signed_[TARG], "a", "*", k);
	sample_tuf_delegate(s->signed_[TARG], "c", "*", k);
	sample_tuf_delegate(a, "c", "*", k);
	sample_tuf_set(s->signed_[SNAP], "meta/a.json", "{\"version\": 1}");
	sample_tuf_set(s->signed_[SNAP], "meta/c.json", "{\"version\": 1}");
	t = upto(s, TARG);
	assert_ok(give_targets(t, "a", "targets", bytes(a, KEYS(k), 1)), err);
	assert_ok(give_targets(t, "c", "a", bytes(c, KEYS(k), 1)), err);
	sample_tuf_set(c, "x", "1");
	refused(give_targets(t, "c", "targets", bytes(c, KEYS(k), 1)), "hash");
	assert_null(sut_tuf_trusted_role(t, "c", "targets"));
}

static void text_of_metadata_in_messages_is_printable(void **state _unused_)
{
	_cleanup_sample_tuf_ struct sample_tuf *s = sample_tuf_new();
	_cleanup_trusted_ struct sut_tuf_trusted *t = NULL;

	sample_tuf_delegate(s->signed_[TARG], "k\x1b[2J\n", "*", s->key[TARG]);
	t = upto(s, TARG);
	refused(give_targets(t, "k\x1b[2J\n", "targets", file(s, TARG)), "missing");
	assert_says(err, "k?[2J?.json");
}

/* ------------------------------------------------------------------ */

static unsigned int fail_at, allocations; /* the one that fails; 0: none */

static void *failing_malloc(size_t n)
{
	return ++allocations == fail_at ? NULL : malloc(n);
}

/* A whole update in which each allocation of jansson fails once in turn. The step that
 * fails is done again: then it works, so the failure has changed nothing. */
static void short_memory_changes_nothing(void **state _unused_)
{
	_cleanup_sample_tuf_ struct sample_tuf *s = sample_tuf_new();
	_cleanup_buf_ struct sut_buf root = SUT_BUF_INIT(0), root2 = SUT_BUF_INIT(0);
	_cleanup_buf_ struct sut_buf ts = SUT_BUF_INIT(0), snap = SUT_BUF_INIT(0);
	_cleanup_buf_ struct sut_buf targ = SUT_BUF_INIT(0), forged = SUT_BUF_INIT(0);
	_cleanup_json_ json_t *doc = sample_tuf_sign(s->signed_[TARG], KEYS(s->key[TS]), 1);
	bool done = false;

	sample_tuf_file(s, ROOT, &root);
	version(s, ROOT, 2);
	sample_tuf_file(s, ROOT, &root2);
	sample_tuf_file(s, TS, &ts);
	sample_tuf_file(s, SNAP, &snap);
	sample_tuf_file(s, TARG, &targ);
	sample_tuf_bytes(doc, &forged);
	json_set_alloc_funcs(failing_malloc, free);
	for (unsigned int n = 1; !done; n++) {
		_cleanup_trusted_ struct sut_tuf_trusted *t = NULL;
		unsigned int failures = 0;

		allocations = 0;
		fail_at = n;
		while (sut_tuf_trusted_new(root.data, root.len, SAMPLE_TUF_NOW, &t, &err) < 0)
			assert_true(++failures <= 1 && !t);
		while (give_root(t, &root2) < 0)
			assert_true(++failures <= 1 && sut_tuf_trusted_get(t, ROOT)->version == 1);
		assert_ok(sut_tuf_trusted_root_done(t, &err), err);
		while (give_timestamp(t, &ts, REMOTE) < 0)
			assert_true(++failures <= 1 && !sut_tuf_trusted_get(t, TS));
		while (give_snapshot(t, &snap, REMOTE) < 0)
			assert_true(++failures <= 1 && !sut_tuf_trusted_get(t, SNAP));
		assert_true(give_targets(t, "targets", "root", &forged) < 0);
		assert_null(sut_tuf_trusted_get(t, TARG));
		while (give_targets(t, "targets", "root", &targ) < 0)
			assert_true(++failures <= 1 && !sut_tuf_trusted_get(t, TARG));
		done = allocations < n;
		assert_true(n < 100000);
	}
	json_set_alloc_funcs(malloc, free);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_update_is_trusted),
		cmocka_unit_test(a_call_out_of_order_is_refused),
		cmocka_unit_test(r5_2_the_first_root_must_be_signed_by_itself),
		cmocka_unit_test(r5_2_an_expired_root_may_begin_the_chain),
		cmocka_unit_test(r5_3_4_a_root_needs_a_threshold_of_old_and_new_keys),
		cmocka_unit_test(r5_3_4_two_names_of_one_key_are_one_key),
		cmocka_unit_test(r5_3_5_the_version_is_exactly_one_more),
		cmocka_unit_test(r5_3_10_an_expired_last_root_stops_the_update),
		cmocka_unit_test(r5_3_11_keys_of_timestamp_or_snapshot_that_are_gone_are_noticed),
		cmocka_unit_test(r5_3_11_a_key_that_went_and_came_back_was_gone),
		cmocka_unit_test(r5_3_11_another_key_under_the_same_id_is_a_rotation),
		cmocka_unit_test(r5_4_2_the_timestamp_is_signed_by_its_role),
		cmocka_unit_test(r5_4_3_1_an_older_timestamp_is_a_rollback),
		cmocka_unit_test(r5_4_3_1_the_same_version_with_other_content_is_ignored),
		cmocka_unit_test(cve_2025_2888_the_snapshot_version_in_it_never_goes_down),
		cmocka_unit_test(r5_4_4_an_expired_timestamp_is_not_trusted),
		cmocka_unit_test(r5_4_4_an_expired_stored_timestamp_only_stops_rollback),
		cmocka_unit_test(r4_6_other_entries_of_the_timestamp_are_not_used),
		cmocka_unit_test(r5_5_2_length_and_hash_come_from_the_timestamp),
		cmocka_unit_test(r5_5_3_the_snapshot_is_signed_by_its_role),
		cmocka_unit_test(r5_5_4_the_version_is_that_of_the_timestamp),
		cmocka_unit_test(ghsa_66x3_no_targets_version_goes_down),
		cmocka_unit_test(r5_5_5_no_targets_file_disappears),
		cmocka_unit_test(r5_5_5_an_expired_stored_snapshot_stops_rollback_too),
		cmocka_unit_test(r5_5_5_a_stored_snapshot_that_is_newer_stops_rollback),
		cmocka_unit_test(r5_5_a_stored_snapshot_is_used_when_the_timestamp_names_it),
		cmocka_unit_test(r5_5_a_stored_snapshot_with_another_hash_is_fetched_again),
		cmocka_unit_test(r5_5_6_an_expired_snapshot_is_not_trusted),
		cmocka_unit_test(r5_6_2_length_and_hash_come_from_the_snapshot),
		cmocka_unit_test(
			r5_6_3_to_5_targets_are_signed_of_the_right_version_and_not_expired),
		cmocka_unit_test(go_tuf_652_a_role_that_the_snapshot_does_not_name_is_an_error),
		cmocka_unit_test(go_tuf_652_a_snapshot_without_targets_is_an_error),
		cmocka_unit_test(cve_2026_6967_delegated_targets_are_checked_like_the_others),
		cmocka_unit_test(a_role_is_verified_by_the_keys_of_each_delegator),
		cmocka_unit_test(one_role_has_one_content_in_one_update),
		cmocka_unit_test(text_of_metadata_in_messages_is_printable),
		cmocka_unit_test(short_memory_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
