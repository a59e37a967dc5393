// SPDX-License-Identifier: Apache-2.0
/* repo/change.h, repo/edit.h, repo/describe.h: a change, who must sign it, and what it says. */
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "basis.h"
#include "describe.h"
#include "edit.h"
#include "sample_published.h"
#include "tuf/json.h"

#define _cleanup_change_ _cleanup_(sut_change_freep)

static struct sut_err err;

static json_t *edit(struct sut_change *c, const char *role)
{
	json_t *j = NULL;

	assert_ok(sut_change_edit(c, role, &j, &err), err);
	return j;
}

static json_int_t version(const json_t *signed_)
{
	return json_integer_value(json_object_get(signed_, "version"));
}

static size_t signatures(const struct sut_change *c, const char *role)
{
	json_t *e = json_object_get(json_object_get(c->doc, "roles"), role);

	return json_array_size(json_object_get(json_object_get(e, "after"), "signatures"));
}

/* Is the group of this number short of signatures, and by whom? */
static void assert_need(const struct sut_change *c, size_t i, const char *role, unsigned int have,
			unsigned int threshold, size_t missing)
{
	_cleanup_(sut_change_needs_release) struct sut_change_needs n = {0};

	assert_ok(sut_change_needs(c, &n, &err), err);
	assert_true(i < n.n);
	assert_string_equal(n.v[i].role, role);
	assert_int_equal(n.v[i].have, have);
	assert_int_equal(n.v[i].threshold, threshold);
	assert_int_equal(n.v[i].missing.n, missing);
}

static size_t unmet(const struct sut_change *c)
{
	_cleanup_(sut_change_needs_release) struct sut_change_needs n = {0};

	assert_ok(sut_change_needs(c, &n, &err), err);
	return n.unmet;
}

static void rotate(struct sut_change *c, const char *role, const char *old, const char *new)
{
	const struct sut_keys *k = &c->repo->keys;

	assert_ok(sut_edit_rotate(c, role, sut_keys_find(k, old)->id, sut_keys_find(k, new), &err),
		  err);
}

/* ------------------------------------------------------------------ */

static void an_edit_is_the_next_version(void **state _unused_)
{
	_cleanup_sample_published_ struct sample_published *s = sample_published_new();
	_cleanup_change_ struct sut_change *c = sample_published_change(s);
	json_t *j = edit(c, "kernel");
	int64_t expires;

	assert_int_equal(version(j), 2);
	assert_int_equal(signatures(c, "kernel"), 0);
	assert_int_equal(
		sut_tuf_time_parse(json_string_value(json_object_get(j, "expires")), &expires), 0);
	assert_int_equal(expires, SAMPLE_PUBLISHED_NOW + 90 * 86400);
	/* What is published is not touched. */
	assert_int_equal(
		version(json_object_get(sut_repo_role(s->repo, "kernel")->meta->doc, "signed")), 1);
	sample_published_sign(s, c, "kernel-1");
	assert_int_equal(signatures(c, "kernel"), 1);
	j = edit(c, "kernel");
	assert_int_equal(version(j), 2);
	assert_int_equal(signatures(c, "kernel"), 0);
}

/* A try that was killed has left a file: its name never gets another content. */
static void a_name_in_public_is_never_used_twice(void **state _unused_)
{
	_cleanup_sample_published_ struct sample_published *s = sample_published_new();
	_cleanup_(sut_freep) char *left = sut_repo_path(s->repo, "public/metadata/7.kernel.json");
	_cleanup_change_ struct sut_change *c = NULL;

	assert_ok(sut_file_write(left, "{}", 2, 0644, &err), err);
	sample_published_reopen(s);
	c = sample_published_change(s);
	assert_int_equal(version(edit(c, "kernel")), 8);
	assert_int_equal(version(edit(c, "targets")), 2);
}

static void online_roles_are_not_edited(void **state _unused_)
{
	_cleanup_sample_published_ struct sample_published *s = sample_published_new();
	_cleanup_change_ struct sut_change *c = sample_published_change(s);
	json_t *j;

	assert_int_equal(sut_change_edit(c, "snapshot", &j, &err), -EINVAL);
	assert_int_equal(sut_change_edit(c, "timestamp", &j, &err), -EINVAL);
	assert_true(sut_change_empty(c));
}

/* TUF 5.3.4: a threshold of the old keys and a threshold of the new ones. */
static void a_new_root_needs_old_and_new_keys(void **state _unused_)
{
	_cleanup_sample_published_ struct sample_published *s = sample_published_new();
	_cleanup_change_ struct sut_change *c = sample_published_change(s);

	rotate(c, "root", "root-1", "root-4");
	assert_need(c, 0, "root", 0, 2, 3);
	assert_need(c, 1, "root", 0, 2, 3);
	sample_published_sign(s, c, "root-4");
	sample_published_sign(s, c, "root-2");
	assert_need(c, 0, "root", 1, 2, 2);
	assert_need(c, 1, "root", 2, 2, 1);
	assert_int_equal(unmet(c), 1);
	sample_published_sign(s, c, "root-1");
	assert_int_equal(unmet(c), 0);
	sample_published_publish(s, c);
	assert_int_equal(sut_repo_role(s->repo, "root")->meta->version, 2);
}

static void one_key_signs_once(void **state _unused_)
{
	_cleanup_sample_published_ struct sample_published *s = sample_published_new();
	_cleanup_change_ struct sut_change *c = sample_published_change(s);

	edit(c, "root");
	sample_published_sign(s, c, "root-1");
	sample_published_sign(s, c, "root-1");
	assert_int_equal(signatures(c, "root"), 1);
	assert_need(c, 0, "root", 1, 2, 2);
	/* Not one of its keys. */
	sample_published_sign(s, c, "kernel-1");
	assert_int_equal(signatures(c, "root"), 1);
}

static void what_loses_its_keys_is_signed_anew(void **state _unused_)
{
	_cleanup_sample_published_ struct sample_published *s = sample_published_new();
	_cleanup_change_ struct sut_change *c = sample_published_change(s);

	rotate(c, "kernel", "kernel-1", "kernel-2");
	assert_null(json_object_get(json_object_get(c->doc, "roles"), "kernel"));
	assert_ok(sut_change_settle(c, &err), err);
	assert_int_equal(version(sut_change_peek(c, "kernel")), 2);
	assert_int_equal(unmet(c), 2);
	sample_published_sign(s, c, "kernel-1");
	assert_int_equal(unmet(c), 2);
	sample_published_sign(s, c, "kernel-2");
	sample_published_sign(s, c, "targets-1");
	assert_int_equal(unmet(c), 0);
	sample_published_publish(s, c);
}

/* A key of three goes, two signatures are still good: the file stays as it is. */
static void what_keeps_its_threshold_is_left_alone(void **state _unused_)
{
	_cleanup_sample_published_ struct sample_published *s = sample_published_new();
	_cleanup_change_ struct sut_change *c = sample_published_change(s);
	json_t *root = edit(c, "root");

	assert_ok(sut_edit_add_key(root, "targets", sut_keys_find(&s->repo->keys, "root-4"), NULL,
				   &err),
		  err);
	assert_ok(sut_change_settle(c, &err), err);
	assert_null(json_object_get(json_object_get(c->doc, "roles"), "targets"));
	json_object_set_new(sut_edit_role(root, "targets"), "threshold", json_integer(2));
	assert_ok(sut_change_settle(c, &err), err);
	assert_int_equal(version(sut_change_peek(c, "targets")), 2);
}

static void a_role_nobody_speaks_of_leaves_the_change(void **state _unused_)
{
	_cleanup_sample_published_ struct sample_published *s = sample_published_new();
	_cleanup_change_ struct sut_change *c = sample_published_change(s);

	edit(c, "kernel");
	assert_ok(sut_edit_undelegate(edit(c, "targets"), "kernel", &err), err);
	assert_ok(sut_change_settle(c, &err), err);
	assert_null(json_object_get(json_object_get(c->doc, "roles"), "kernel"));
	assert_null(json_object_get(sut_change_peek(c, "targets"), "delegations"));
}

/* TUF 5.5.5: it stays in the snapshot, so its version must not go down when it comes back. */
static void a_role_that_comes_back_has_a_higher_version(void **state _unused_)
{
	_cleanup_sample_published_ struct sample_published *s = sample_published_new();
	_cleanup_change_ struct sut_change *c = sample_published_change(s);
	const struct sut_key *k;
	_cleanup_strv_ struct sut_strv paths = {0};
	struct sut_edit_delegation d = {
		.name = "kernel", .paths = &paths, .keys = &k, .nkeys = 1, .threshold = 1};

	assert_ok(sut_edit_undelegate(edit(c, "targets"), "kernel", &err), err);
	sample_published_sign(s, c, "targets-1");
	sample_published_publish(s, c);
	sut_change_free(c);
	c = sample_published_change(s);
	k = sut_keys_find(&s->repo->keys, "kernel-1");
	assert_int_equal(sut_strv_add(&paths, "kernel/*"), 0);
	assert_ok(sut_edit_delegate(edit(c, "targets"), &d, &err), err);
	assert_ok(sut_change_settle(c, &err), err);
	assert_int_equal(version(sut_change_peek(c, "kernel")), 2);
}

static void a_threshold_that_cannot_be_met_is_refused(void **state _unused_)
{
	_cleanup_sample_published_ struct sample_published *s = sample_published_new();
	_cleanup_change_ struct sut_change *c = sample_published_change(s);
	const struct sut_key *k = sut_keys_find(&s->repo->keys, "kernel-1");
	_cleanup_strv_ struct sut_strv roles = {0};
	struct sut_edit_delegation d = {.name = "x", .paths = &roles, .keys = &k, .nkeys = 1};

	assert_int_equal(sut_edit_delegate(edit(c, "targets"), &d, &err), -EINVAL);
	d.threshold = 2;
	assert_int_equal(sut_edit_delegate(edit(c, "targets"), &d, &err), -EINVAL);
	assert_int_equal(sut_edit_revoke(c, k->id, NULL, &roles, &err), -EINVAL);
	assert_says(err, "--replace-with");
	assert_ok(sut_edit_remove_key(edit(c, "root"), "root",
				      sut_keys_find(&s->repo->keys, "root-1")->id, &err),
		  err);
	assert_int_equal(sut_edit_remove_key(edit(c, "root"), "root",
					     sut_keys_find(&s->repo->keys, "root-2")->id, &err),
			 -EINVAL);
}

/* ------------------------------------------------------------------ */

static void add_target(json_t *signed_, const char *path)
{
	json_t *t = json_pack("{s:i s:{s:s} s:{s:s}}", "length", 3, "hashes", "sha256",
			      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
			      "custom", "id", "K1");

	assert_int_equal(json_object_set_new(json_object_get(signed_, "targets"), path, t), 0);
}

/* Each target goes to the bin in which lib/tuf looks for it. */
static void bins_take_what_clients_look_for_in_them(void **state _unused_)
{
	static const unsigned int sizes[] = {2, 16, 32, 512};

	for (size_t n = 0; n < SUT_ARRAY_SIZE(sizes); n++) {
		_cleanup_sample_published_ struct sample_published *s = sample_published_new();
		_cleanup_change_ struct sut_change *c = sample_published_change(s);
		json_t *kernel = edit(c, "kernel");
		char path[64];

		for (int i = 0; i < 50; i++) {
			snprintf(path, sizeof(path), "kernel/%d/kpatch.bin", i);
			add_target(kernel, path);
		}
		assert_ok(sut_edit_bins(c, "kernel", sizes[n], &err), err);
		assert_ok(sut_change_settle(c, &err), err);
		assert_int_equal(
			json_object_size(json_object_get(sut_change_peek(c, "kernel"), "targets")),
			0);
		for (int i = 0; i < 50; i++) {
			_cleanup_(sut_freep) char *role = NULL;

			snprintf(path, sizeof(path), "kernel/%d/kpatch.bin", i);
			assert_ok(sut_edit_owner(c, path, &role, &err), err);
			assert_non_null(json_object_get(
				json_object_get(sut_change_peek(c, role), "targets"), path));
		}
		sample_published_sign(s, c, "kernel-1");
		sample_published_sign(s, c, "targets-1");
		assert_int_equal(unmet(c), 0);
		assert_int_equal(sut_edit_bins(c, "kernel", 4, &err), -EEXIST);
	}
}

static void only_a_power_of_two_is_a_number_of_bins(void **state _unused_)
{
	static const unsigned int bad[] = {0, 1, 3, 6, 100, 8192};
	_cleanup_sample_published_ struct sample_published *s = sample_published_new();
	_cleanup_change_ struct sut_change *c = sample_published_change(s);

	for (size_t i = 0; i < SUT_ARRAY_SIZE(bad); i++)
		assert_int_equal(sut_edit_bins(c, "kernel", bad[i], &err), -EINVAL);
}

static void nobody_owns_what_is_not_delegated(void **state _unused_)
{
	_cleanup_sample_published_ struct sample_published *s = sample_published_new();
	_cleanup_change_ struct sut_change *c = sample_published_change(s);
	_cleanup_(sut_freep) char *role = NULL;

	assert_int_equal(sut_edit_owner(c, "lib/x", &role, &err), -ENOENT);
	assert_ok(sut_edit_owner(c, "kernel/a/b", &role, &err), err);
	assert_string_equal(role, "kernel");
}

/* ------------------------------------------------------------------ */

static struct sut_change *copy_of(const struct sut_change *c)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_CHANGE_MAX);
	struct sut_change *n = NULL;

	assert_ok(sut_change_format(c, &b, &err), err);
	assert_ok(sut_change_parse(b.data, b.len, &n, &err), err);
	return n;
}

/* Two people sign copies on machines of their own. */
static void copies_are_merged(void **state _unused_)
{
	_cleanup_sample_published_ struct sample_published *s = sample_published_new();
	_cleanup_change_ struct sut_change *c = sample_published_change(s), *a = NULL, *b = NULL;
	size_t n;

	edit(c, "root");
	a = copy_of(c);
	b = copy_of(c);
	sample_published_sign(s, a, "root-1");
	sample_published_sign(s, b, "root-3");
	assert_ok(sut_change_merge(c, a, &n, &err), err);
	assert_int_equal(n, 1);
	assert_ok(sut_change_merge(c, b, &n, &err), err);
	assert_ok(sut_change_merge(c, b, &n, &err), err);
	assert_int_equal(n, 0);
	assert_int_equal(unmet(c), 0);
}

static void a_copy_that_differs_is_refused(void **state _unused_)
{
	_cleanup_sample_published_ struct sample_published *s = sample_published_new();
	_cleanup_change_ struct sut_change *c = sample_published_change(s), *a = NULL, *b = NULL;
	size_t n;

	add_target(edit(c, "kernel"), "kernel/a/b");
	a = copy_of(c);
	add_target(json_object_get(json_object_get(json_object_get(json_object_get(a->doc, "roles"),
								   "kernel"),
						   "after"),
				   "signed"),
		   "kernel/a/evil");
	sample_published_sign(s, a, "kernel-1");
	assert_int_equal(sut_change_merge(c, a, &n, &err), -ESTALE);
	assert_int_equal(signatures(c, "kernel"), 0);
	/* One role more. */
	b = copy_of(c);
	edit(c, "root");
	assert_int_equal(sut_change_merge(c, b, &n, &err), -ESTALE);
	assert_int_equal(sut_change_merge(b, c, &n, &err), -ESTALE);
}

static void a_bad_signature_is_not_taken_over(void **state _unused_)
{
	_cleanup_sample_published_ struct sample_published *s = sample_published_new();
	_cleanup_change_ struct sut_change *c = sample_published_change(s), *a = NULL;
	json_t *sig;
	char *hex;
	size_t n;

	edit(c, "kernel");
	a = copy_of(c);
	sample_published_sign(s, a, "kernel-1");
	sig = json_array_get(
		json_object_get(
			json_object_get(json_object_get(json_object_get(a->doc, "roles"), "kernel"),
					"after"),
			"signatures"),
		0);
	hex = strdup(json_string_value(json_object_get(sig, "sig")));
	assert_non_null(hex);
	hex[5] = hex[5] == '0' ? '1' : '0';
	json_object_set_new(sig, "sig", json_string(hex));
	free(hex);
	assert_ok(sut_change_merge(c, a, &n, &err), err);
	assert_int_equal(n, 0);
	assert_int_equal(signatures(c, "kernel"), 0);
}

static void files_stay_below_targets(void **state _unused_)
{
	static const char *const bad[] = {"",
					  "targets",
					  "targets/",
					  "metadata/timestamp.json",
					  "targets/../metadata/timestamp.json",
					  "/targets/a",
					  "targets//a",
					  "targets/./a",
					  "targets/a/",
					  "targets/.a",
					  "targets/a b",
					  "targets/a\n",
					  "targets/\xc3\xa9"};
	_cleanup_sample_published_ struct sample_published *s = sample_published_new();
	_cleanup_change_ struct sut_change *c = sample_published_change(s);
	json_t *f;

	assert_ok(sut_change_add_file(c, "targets/a", "abc", 3, &err), err);
	f = json_array_get(json_object_get(c->doc, "files"), 0);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(bad); i++) {
		_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_CHANGE_MAX);
		struct sut_change *n = NULL;

		if (sut_change_add_file(c, bad[i], "abc", 3, &err) != -EINVAL)
			fail_msg("'%s' was taken", bad[i]);
		json_object_set_new(f, "path", json_string(bad[i]));
		assert_ok(sut_change_format(c, &b, &err), err);
		if (sut_change_parse(b.data, b.len, &n, &err) != -EBADMSG)
			fail_msg("'%s' was read", bad[i]);
	}
}

static void a_change_is_read_back(void **state _unused_)
{
	_cleanup_sample_published_ struct sample_published *s = sample_published_new();
	_cleanup_change_ struct sut_change *c = sample_published_change(s), *again = NULL;
	_cleanup_(sut_freep) char *file = NULL;

	assert_false(sut_change_pending(s->repo));
	add_target(edit(c, "kernel"), "kernel/a/b");
	assert_ok(sut_change_add_file(c, "targets/kernel/a/x.b", "abc", 3, &err), err);
	assert_ok(sut_change_add_file(c, "targets/kernel/a/x.b", "abd", 3, &err), err);
	assert_ok(sut_change_save(c, &err), err);
	assert_true(sut_change_pending(s->repo));
	again = sample_published_change(s);
	assert_true(json_equal(c->doc, again->doc));
	assert_int_equal(json_array_size(json_object_get(again->doc, "files")), 1);
	assert_ok(sut_change_abandon(s->repo, &err), err);
	assert_false(sut_change_pending(s->repo));
	file = sut_repo_path(s->repo, "staged");
	assert_false(sut_exists(file));
}

/* Killed after the rename of timestamp.json and before the folder went. */
static void a_change_that_is_published_is_gone(void **state _unused_)
{
	_cleanup_sample_published_ struct sample_published *s = sample_published_new();
	_cleanup_change_ struct sut_change *c = sample_published_change(s), *again = NULL;

	edit(c, "kernel");
	assert_ok(sut_change_save(c, &err), err);
	sample_published_sign(s, c, "kernel-1");
	sample_published_publish(s, c);
	again = sample_published_change(s);
	assert_true(sut_change_empty(again));
	assert_false(sut_change_pending(s->repo));
}

static void a_change_of_another_state_is_refused(void **state _unused_)
{
	_cleanup_sample_published_ struct sample_published *s = sample_published_new();
	_cleanup_change_ struct sut_change *c = sample_published_change(s), *other = NULL;
	struct sut_change *again = NULL;

	edit(c, "kernel");
	assert_ok(sut_change_save(c, &err), err);
	other = sample_published_change(s);
	add_target(edit(other, "kernel"), "kernel/a/b");
	sample_published_sign(s, other, "kernel-1");
	sample_published_publish(s, other);
	assert_int_equal(sut_change_open(s->repo, &again, &err), -ESTALE);
	assert_ok(sut_change_abandon(s->repo, &err), err);
}

static void no_way_back_once_the_signer_was_asked(void **state _unused_)
{
	_cleanup_sample_published_ struct sample_published *s = sample_published_new();
	_cleanup_change_ struct sut_change *c = sample_published_change(s);
	_cleanup_(sut_freep) char *asked = sut_repo_path(s->repo, "staged/asked");

	edit(c, "kernel");
	assert_ok(sut_change_save(c, &err), err);
	assert_ok(sut_file_write(asked, "", 0, 0644, &err), err);
	assert_int_equal(sut_change_abandon(s->repo, &err), -EBUSY);
	assert_true(sut_change_pending(s->repo));
}

/* Killed after the new root, of which the targets keys are others: clients have that root. */
static void a_root_that_is_ahead_is_noticed(void **state _unused_)
{
	_cleanup_sample_published_ struct sample_published *s = sample_published_new();
	_cleanup_change_ struct sut_change *c = sample_published_change(s);
	_cleanup_(sut_freep) char *path = sut_repo_path(s->repo, "public/metadata/2.root.json"),
				  *text = NULL;
	json_t *j;

	rotate(c, "targets", "targets-1", "root-4");
	assert_ok(sut_change_settle(c, &err), err);
	sample_published_sign(s, c, "root-1");
	sample_published_sign(s, c, "root-2");
	text = json_dumps(
		json_object_get(json_object_get(json_object_get(c->doc, "roles"), "root"), "after"),
		0);
	assert_ok(sut_change_save(c, &err), err);
	assert_ok(sut_file_write(path, text, strlen(text), 0644, &err), err);
	sample_published_reopen(s);
	assert_non_null(s->repo->root_ahead);
	assert_int_equal(sut_repo_role(s->repo, "root")->meta->version, 1);
	assert_int_equal(sut_change_abandon(s->repo, &err), -EBUSY);
	sut_change_free(c);
	c = sample_published_change(s);
	assert_int_equal(sut_change_edit(c, "kernel", &j, &err), -EBUSY);
}

/* ------------------------------------------------------------------ */

static void assert_described(const struct sut_change *c, const char *text)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_DESCRIBE_MAX);

	assert_ok(sut_describe_change(c, SAMPLE_PUBLISHED_NOW, &b, &err), err);
	if (!strstr(sut_buf_str(&b), text))
		fail_msg("'%s' is not in\n%s", text, sut_buf_str(&b));
}

static void every_difference_is_described(void **state _unused_)
{
	_cleanup_sample_published_ struct sample_published *s = sample_published_new();
	_cleanup_change_ struct sut_change *c = sample_published_change(s);
	json_t *root, *targets, *kernel;

	edit(c, "kernel");
	assert_described(c, "kernel: next version, valid until 2027-02-16 11:06 UTC (in 90 days)\n"
			    "  nothing else changes\n");
	rotate(c, "root", "root-1", "root-4");
	root = edit(c, "root");
	json_object_set_new(sut_edit_role(root, "root"), "threshold", json_integer(3));
	assert_described(c, "  + key root-4 (ed25519 ");
	assert_described(c, "  - key root-1 (ed25519 ");
	assert_described(c, "  ! threshold of root: 2 -> 3\n");
	json_object_set_new(root, "consistent_snapshot", json_false());
	assert_described(c, "  ! field consistent_snapshot: true -> false\n");
	json_object_set_new(root, "x-unknown", json_pack("{s:i}", "a", 1));
	assert_described(c, "  ! field x-unknown: nothing -> {\"a\":1}\n");
	targets = edit(c, "targets");
	json_object_set_new(sut_edit_role(targets, "kernel"), "terminating", json_true());
	json_object_set_new(sut_edit_role(targets, "kernel"), "paths", json_pack("[s]", "*"));
	assert_described(c, "  ! kernel terminating: false -> true\n");
	assert_described(c, "  ! kernel paths: [\"kernel/*/*\",\"kernel/*/*/*\"] -> [\"*\"]\n");
	kernel = edit(c, "kernel");
	add_target(kernel, "kernel/a/b");
	assert_described(c, "  + target kernel/a/b, 3 bytes, {\"id\":\"K1\"}, SHA-256 ba7816bf");
	assert_ok(sut_edit_undelegate(targets, "kernel", &err), err);
	assert_described(c, "  - delegation to kernel\n");
}

static void hash_bins_are_described_once(void **state _unused_)
{
	_cleanup_sample_published_ struct sample_published *s = sample_published_new();
	_cleanup_change_ struct sut_change *c = sample_published_change(s);
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_DESCRIBE_MAX);
	size_t lines = 0;

	assert_ok(sut_edit_bins(c, "kernel", 16, &err), err);
	assert_ok(sut_change_settle(c, &err), err);
	sample_published_sign(s, c, "kernel-1");
	sample_published_sign(s, c, "targets-1");
	sample_published_publish(s, c);
	sut_change_free(c);
	c = sample_published_change(s);
	rotate(c, "kernel", "kernel-1", "kernel-2");
	assert_ok(sut_change_settle(c, &err), err);
	assert_described(c, "  each of kernel-0 … kernel-f (16 in all):\n"
			    "  + key kernel-2 (ed25519 ");
	assert_described(c, "kernel-0 … kernel-f (16 in all): next version");
	assert_ok(sut_describe_needs(c, &b, &err), err);
	for (size_t i = 0; i < b.len; i++)
		lines += b.data[i] == '\n';
	assert_int_equal(lines, 4);
	assert_non_null(strstr(sut_buf_str(&b),
			       "kernel, kernel-0 … kernel-f (16 in all) need 1 more of "
			       "kernel-2\n"));
	/* One that is different is not among them. */
	add_target(edit(c, "kernel-7"), "kernel/evil/x");
	assert_described(c, "(7 in all): next version");
	assert_described(c, "kernel-7: version 1 -> 2, ");
	assert_described(c, "  + target kernel/evil/x, ");
	assert_described(c, "(8 in all): next version");
}

/* Ways to change what clients do without a key or a target that is new. */
static void order_and_jumps_are_described(void **state _unused_)
{
	_cleanup_sample_published_ struct sample_published *s = sample_published_new();
	_cleanup_change_ struct sut_change *c = sample_published_change(s);
	json_t *targets = edit(c, "targets"), *kernel = edit(c, "kernel"), *roles, *d;

	json_object_set_new(kernel, "version", json_integer(INT64_C(9007199254740000)));
	assert_described(c, "  ! the version jumps by ");
	roles = json_object_get(json_object_get(targets, "delegations"), "roles");
	d = json_deep_copy(json_array_get(roles, 0));
	json_object_set_new(d, "name", json_string("first"));
	json_array_insert_new(roles, 0, d);
	assert_described(c, "  + delegation to first, before kernel\n");
}

/* Five delegations with one change: none of them is behind an end that is cut off. */
static void names_are_not_cut(void **state _unused_)
{
	_cleanup_sample_published_ struct sample_published *s = sample_published_new();
	_cleanup_change_ struct sut_change *c = sample_published_change(s);
	json_t *roles =
		json_object_get(json_object_get(edit(c, "targets"), "delegations"), "roles");
	static const char *const name[] = {"a", "b", "c", "d", "stop"};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(name); i++) {
		json_t *d = json_deep_copy(json_array_get(roles, 0));

		json_object_set_new(d, "name", json_string(name[i]));
		json_array_append_new(roles, d);
	}
	assert_ok(sut_change_settle(c, &err), err);
	sample_published_sign(s, c, "targets-1");
	sample_published_sign(s, c, "kernel-1");
	sample_published_publish(s, c);
	sut_change_free(c);
	c = sample_published_change(s);
	roles = json_object_get(json_object_get(edit(c, "targets"), "delegations"), "roles");
	for (size_t i = 0; i <= SUT_ARRAY_SIZE(name); i++)
		json_object_set_new(json_array_get(roles, i), "terminating", json_true());
	assert_described(c, "  each of kernel, a, b, c, d, stop:\n");
}

/* All that is signed is said: of targets, of keys, of new files. */
static void nothing_that_is_signed_is_left_out(void **state _unused_)
{
	_cleanup_sample_published_ struct sample_published *s = sample_published_new();
	_cleanup_change_ struct sut_change *c = sample_published_change(s);
	const struct sut_key *key = sut_keys_find(&s->repo->keys, "root-4");
	json_t *root = edit(c, "root"), *kernel = edit(c, "kernel"), *t;

	/* Another file of the same length. */
	add_target(kernel, "kernel/a/b");
	t = json_object_get(json_object_get(kernel, "targets"), "kernel/a/b");
	assert_described(
		c, json_string_value(json_object_get(json_object_get(t, "hashes"), "sha256")));
	json_object_set_new(t, "x-unknown", json_integer(7));
	assert_described(c, ", x-unknown 7");
	json_object_set_new(json_object_get(t, "hashes"), "x-new", json_string("other"));
	assert_described(c, "\"x-new\":\"other\"");
	/* A key that waits for its role. */
	json_object_set(json_object_get(root, "keys"), key->id, key->json);
	assert_described(c, "  + key root-4 (ed25519 ");
	assert_described(c, " of no role\n");
	/* A file that is new. */
	json_object_del(json_object_get(json_object_get(c->doc, "roles"), "root"), "before");
	json_object_set_new(root, "consistent_snapshot", json_false());
	json_object_set_new(root, "x-unknown", json_integer(9));
	assert_described(c, "  ! field x-unknown: nothing -> 9\n");
	assert_described(c, "  ! field consistent_snapshot: true -> false\n");
}

/* The same id, other key material: the id alone would say "no difference". */
static void a_key_that_changes_behind_its_id_is_described(void **state _unused_)
{
	_cleanup_sample_published_ struct sample_published *s = sample_published_new();
	_cleanup_change_ struct sut_change *c = sample_published_change(s);
	const struct sut_keys *k = &s->repo->keys;
	json_t *targets = edit(c, "targets");

	json_object_set(sut_edit_keys(targets), sut_keys_find(k, "kernel-1")->id,
			sut_keys_find(k, "kernel-2")->json);
	assert_described(c, "  ! the key behind the id ");
}

static void text_of_others_does_not_reach_the_terminal(void **state _unused_)
{
	_cleanup_sample_published_ struct sample_published *s = sample_published_new();
	_cleanup_change_ struct sut_change *c = sample_published_change(s);
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_DESCRIBE_MAX);
	json_t *kernel = edit(c, "kernel");

	/* Right to left, an e of another script, no width at all, and spaces up to the next line. */
	add_target(kernel, "kernel/\xe2\x80\xae/k\xd0\xb5rnel\xe2\x80\x8b");
	add_target(kernel, "kernel/x        + key");
	assert_described(c, "target kernel/\\xe2\\x80\\xae/k\\xd0\\xb5rnel\\xe2\\x80\\x8b, ");
	assert_described(c, "target kernel/x \\x20\\x20");
	add_target(kernel, "kernel/\x1b[2J\r\n/\xc2\x9b x");
	json_object_set_new(kernel, "x\x1b]0;", json_string("\x1b[31m"));
	assert_ok(sut_describe_change(c, SAMPLE_PUBLISHED_NOW, &b, &err), err);
	for (size_t i = 0; i < b.len; i++)
		assert_true(b.data[i] == '\n' || (b.data[i] >= 0x20 && b.data[i] != 0x7f));
	assert_null(strstr(sut_buf_str(&b), "\xc2\x9b"));
}

/* ------------------------------------------------------------------ */
/* What a change is compared with. */

static json_t *before_of(const struct sut_change *c, const char *role)
{
	json_t *e = json_object_get(json_object_get(c->doc, "roles"), role);

	/* The published document is shared with the repository. */
	json_object_set_new(e, "before", json_deep_copy(json_object_get(e, "before")));
	return json_object_get(e, "before");
}

static void what_is_said_to_be_published_must_be_signed(void **state _unused_)
{
	_cleanup_sample_published_ struct sample_published *s = sample_published_new();
	_cleanup_change_ struct sut_change *c = sample_published_change(s);
	json_t *kernel = edit(c, "kernel"), *before;

	assert_ok(sut_basis_check(c, NULL, &err), err);
	/* The evil target is there "before", too, so nothing is said of it. */
	before = before_of(c, "kernel");
	add_target(kernel, "kernel/evil/x");
	add_target(json_object_get(before, "signed"), "kernel/evil/x");
	assert_int_equal(sut_basis_check(c, NULL, &err), -EBADMSG);
	assert_string_equal(err.reason, "basis");
	/* Without anything before, it would look like a new repository. */
	json_object_del(json_object_get(json_object_get(c->doc, "roles"), "kernel"), "before");
	json_object_del(json_object_get(json_object_get(c->doc, "roles"), "targets"), "before");
	json_object_del(json_object_get(json_object_get(c->doc, "roles"), "root"), "before");
	assert_int_equal(sut_basis_check(c, NULL, &err), -EBADMSG);
}

/* Two files that are made up delegate to each other with one key of their own. */
static void roles_that_vouch_for_each_other_are_refused(void **state _unused_)
{
	_cleanup_sample_published_ struct sample_published *s = sample_published_new();
	_cleanup_change_ struct sut_change *c = sample_published_change(s);
	json_t *roles = json_object_get(c->doc, "roles"), *signed_;
	static const char *const name[] = {"a", "b"};

	edit(c, "kernel");
	for (int i = 0; i < 2; i++) {
		_cleanup_json_ json_t *d = json_deep_copy(json_object_get(
			json_object_get(sut_repo_role(s->repo, "targets")->meta->doc, "signed"),
			"delegations"));
		json_t *doc = json_deep_copy(before_of(c, "kernel"));

		signed_ = json_object_get(doc, "signed");
		json_object_set_new(json_array_get(json_object_get(d, "roles"), 0), "name",
				    json_string(name[!i]));
		json_object_set(signed_, "delegations", d);
		json_object_set_new(roles, name[i], json_pack("{s:o}", "after", doc));
	}
	/* Signs "after", which then is said to be "before". */
	sample_published_sign(s, c, "kernel-1");
	for (int i = 0; i < 2; i++) {
		json_t *e = json_object_get(roles, name[i]);

		json_object_set(e, "before", json_object_get(e, "after"));
		json_object_del(e, "after");
	}
	assert_int_equal(sut_basis_check(c, NULL, &err), -EBADMSG);
	assert_non_null(strstr(err.msg, "nobody delegated"));
}

/* Somebody makes up a root of his own keys and asks for the next version of it. */
static void a_root_that_the_signer_does_not_know_is_refused(void **state _unused_)
{
	_cleanup_sample_published_ struct sample_published *s = sample_published_new();
	_cleanup_change_ struct sut_change *c = sample_published_change(s);
	_cleanup_(sut_tuf_meta_freep) struct sut_tuf_meta *known = NULL;
	const struct sut_keys *k = &s->repo->keys;
	json_t *root = edit(c, "root"), *before;
	const char *const mine[] = {"root-4", "kernel-2"};

	assert_ok(sut_tuf_meta_load(sut_repo_role(s->repo, "root")->meta->doc, SUT_TUF_ROOT, "root",
				    &known, &err),
		  err);
	assert_ok(sut_basis_check(c, known, &err), err);
	for (size_t i = 0; i < 2; i++) {
		const struct sut_key *key = sut_keys_find(k, mine[i]);

		json_object_set(json_object_get(root, "keys"), key->id, key->json);
		json_array_append_new(json_object_get(sut_edit_role(root, "root"), "keyids"),
				      json_string(key->id));
	}
	for (size_t i = 0; i < 2; i++)
		sample_published_sign(s, c, mine[i]);
	before =
		json_object_get(json_object_get(json_object_get(c->doc, "roles"), "root"), "after");
	for (int version = 1; version <= 3; version++) {
		struct sut_change forged = {.doc = json_pack("{s:{s:{s:o}}}", "roles", "root",
							     "before", json_deep_copy(before))};
		json_t *signed_ = json_object_get(
			json_object_get(
				json_object_get(json_object_get(forged.doc, "roles"), "root"),
				"before"),
			"signed");

		/* His signatures are good for version 2 alone. */
		json_object_set_new(signed_, "version", json_integer(version));
		assert_int_equal(sut_basis_check(&forged, NULL, &err), version == 2 ? 0 : -EBADMSG);
		assert_true(sut_basis_check(&forged, known, &err) < 0);
		assert_string_equal(err.reason, "basis");
		json_decref(forged.doc);
	}
}

/* The old keys signed the next root: who knows the one before can follow. */
static void a_later_root_of_the_same_keys_is_followed(void **state _unused_)
{
	_cleanup_sample_published_ struct sample_published *s = sample_published_new();
	_cleanup_change_ struct sut_change *c = sample_published_change(s);
	_cleanup_(sut_tuf_meta_freep) struct sut_tuf_meta *known = NULL;

	assert_ok(sut_tuf_meta_load(sut_repo_role(s->repo, "root")->meta->doc, SUT_TUF_ROOT, "root",
				    &known, &err),
		  err);
	edit(c, "root");
	sample_published_sign(s, c, "root-1");
	sample_published_sign(s, c, "root-2");
	sample_published_publish(s, c);
	sut_change_free(c);
	c = sample_published_change(s);
	edit(c, "targets");
	assert_ok(sut_basis_check(c, known, &err), err);
}

static void a_key_under_an_id_that_is_not_its_own_is_refused(void **state _unused_)
{
	_cleanup_sample_published_ struct sample_published *s = sample_published_new();
	_cleanup_change_ struct sut_change *c = sample_published_change(s);
	const struct sut_keys *k = &s->repo->keys;
	json_t *root = edit(c, "root");

	/* Shown as kernel-1, whose id everybody knows. */
	json_object_set(json_object_get(root, "keys"), sut_keys_find(k, "kernel-1")->id,
			sut_keys_find(k, "root-4")->json);
	assert_int_equal(sut_basis_check(c, NULL, &err), -EBADMSG);
	assert_string_equal(err.reason, "basis");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_edit_is_the_next_version),
		cmocka_unit_test(a_name_in_public_is_never_used_twice),
		cmocka_unit_test(online_roles_are_not_edited),
		cmocka_unit_test(a_new_root_needs_old_and_new_keys),
		cmocka_unit_test(one_key_signs_once),
		cmocka_unit_test(what_loses_its_keys_is_signed_anew),
		cmocka_unit_test(what_keeps_its_threshold_is_left_alone),
		cmocka_unit_test(a_role_nobody_speaks_of_leaves_the_change),
		cmocka_unit_test(a_role_that_comes_back_has_a_higher_version),
		cmocka_unit_test(a_threshold_that_cannot_be_met_is_refused),
		cmocka_unit_test(bins_take_what_clients_look_for_in_them),
		cmocka_unit_test(only_a_power_of_two_is_a_number_of_bins),
		cmocka_unit_test(nobody_owns_what_is_not_delegated),
		cmocka_unit_test(copies_are_merged),
		cmocka_unit_test(a_copy_that_differs_is_refused),
		cmocka_unit_test(a_bad_signature_is_not_taken_over),
		cmocka_unit_test(files_stay_below_targets),
		cmocka_unit_test(a_change_is_read_back),
		cmocka_unit_test(a_change_that_is_published_is_gone),
		cmocka_unit_test(a_change_of_another_state_is_refused),
		cmocka_unit_test(no_way_back_once_the_signer_was_asked),
		cmocka_unit_test(a_root_that_is_ahead_is_noticed),
		cmocka_unit_test(what_is_said_to_be_published_must_be_signed),
		cmocka_unit_test(roles_that_vouch_for_each_other_are_refused),
		cmocka_unit_test(a_root_that_the_signer_does_not_know_is_refused),
		cmocka_unit_test(a_later_root_of_the_same_keys_is_followed),
		cmocka_unit_test(a_key_under_an_id_that_is_not_its_own_is_refused),
		cmocka_unit_test(every_difference_is_described),
		cmocka_unit_test(hash_bins_are_described_once),
		cmocka_unit_test(order_and_jumps_are_described),
		cmocka_unit_test(a_key_that_changes_behind_its_id_is_described),
		cmocka_unit_test(names_are_not_cut),
		cmocka_unit_test(nothing_that_is_signed_is_left_out),
		cmocka_unit_test(text_of_others_does_not_reach_the_terminal),
	};

	return cmocka_run_group_tests_name("repo_change", tests, NULL, NULL);
}
