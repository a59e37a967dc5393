// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "sample_signer.h"
#include "tuf/trusted.h"

static int ask(struct fixture *f, const char *request, json_t **ret, struct sut_err *err)
{
	_cleanup_(sut_freep) char *text = strdup(request);

	for (char *p = text; *p; p++)
		if (*p == '\'')
			*p = '"';
	*err = (struct sut_err){0};
	return sut_signer_handle(&f->s, text, strlen(text), ret, err);
}

/* The request is granted; what it says is kept in *ret when that is not NULL. */
static void granted(struct fixture *f, const char *request, json_t **ret)
{
	_cleanup_json_ json_t *j = NULL;
	struct sut_err err;

	assert_ok(ask(f, request, &j, &err), err);
	if (ret)
		*ret = json_incref(j);
}

/* Refused for this reason, and the state on the disk has not changed. */
static void refused(struct fixture *f, const char *request, const char *reason)
{
	_cleanup_(sut_freep) char *path = sut_sprintf("%s/state.json", f->state);
	_cleanup_buf_ struct sut_buf before = SUT_BUF_INIT(SUT_SIGNER_STATE_MAX);
	_cleanup_buf_ struct sut_buf after = SUT_BUF_INIT(SUT_SIGNER_STATE_MAX);
	struct sut_err err, ignored;
	json_t *j = NULL;
	bool was = sut_file_read(path, &before, &ignored) == 0;

	assert_true(ask(f, request, &j, &err) < 0);
	assert_null(j);
	assert_string_equal(err.reason, reason);
	assert_true(err.msg[0]);
	assert_int_equal(sut_file_read(path, &after, &ignored) == 0, was);
	assert_int_equal(before.len, after.len);
	if (was)
		assert_memory_equal(before.data, after.data, after.len);
}

static int64_t number(const json_t *j, const char *key)
{
	assert_true(json_is_integer(json_object_get(j, key)));
	return json_integer_value(json_object_get(j, key));
}

/* A client that starts from the first root takes it all. */
static void client_accepts(const struct fixture *f, const json_t *answer)
{
	_cleanup_(sut_tuf_trusted_freep) struct sut_tuf_trusted *t = NULL;
	const char *ts = json_string_value(json_object_get(answer, "timestamp"));
	const char *sn = json_string_value(json_object_get(answer, "snapshot"));
	struct sut_err err;

	assert_ok(sut_tuf_trusted_new(f->root.data, f->root.len, the_time, &t, &err), err);
	assert_ok(sut_tuf_trusted_root_done(t, &err), err);
	assert_ok(sut_tuf_trusted_timestamp(t, ts, strlen(ts), false, &err), err);
	assert_ok(sut_tuf_trusted_snapshot(t, sn, strlen(sn), false, &err), err);
}

/* Version of a role in the snapshot of an answer; 0 when it is not listed. */
static int64_t listed(const json_t *answer, const char *name)
{
	const char *text = json_string_value(json_object_get(answer, "snapshot"));
	_cleanup_json_ json_t *j = json_loads(text, 0, NULL);

	return json_integer_value(json_object_get(
		json_object_get(json_object_get(json_object_get(j, "signed"), "meta"), name),
		"version"));
}

#define FIRST "{'op':'snapshot','roles':{'targets':1,'kernel':1}}"
#define AGAIN "{'op':'snapshot'}"
#define TIMESTAMP "{'op':'timestamp'}"

static void snapshot_lists_every_role_that_can_be_reached(void **state)
{
	struct fixture *f = *state;
	_cleanup_json_ json_t *a = NULL;

	granted(f, FIRST, &a);
	client_accepts(f, a);
	assert_int_equal(number(a, "snapshot_version"), 1);
	assert_int_equal(number(a, "timestamp_version"), 1);
	assert_int_equal(listed(a, "targets.json"), 1);
	assert_int_equal(listed(a, "kernel.json"), 1);
	assert_int_equal(json_array_size(json_object_get(a, "expired")), 0);
}

static void versions_only_go_up(void **state)
{
	struct fixture *f = *state;
	_cleanup_json_ json_t *a = NULL, *b = NULL;

	granted(f, FIRST, NULL);
	granted(f, AGAIN, &a);
	assert_int_equal(number(a, "snapshot_version"), 2);
	assert_int_equal(number(a, "timestamp_version"), 2);
	put_kernel(f, 5);
	granted(f, "{'op':'snapshot','roles':{'kernel':5}}", &b);
	assert_int_equal(number(b, "snapshot_version"), 3);
	assert_int_equal(listed(b, "kernel.json"), 5);
	assert_int_equal(listed(b, "targets.json"), 1);
	client_accepts(f, b);
}

static void role_version_below_one_signed_before_is_refused(void **state)
{
	struct fixture *f = *state;
	struct sut_err err;

	granted(f, FIRST, NULL);
	put_kernel(f, 2);
	granted(f, "{'op':'snapshot','roles':{'kernel':2}}", NULL);
	refused(f, "{'op':'snapshot','roles':{'kernel':1}}", "rollback");
	/* Neither does another process forget. */
	assert_ok(start(f, &err), err);
	refused(f, "{'op':'snapshot','roles':{'kernel':1}}", "rollback");
	granted(f, AGAIN, NULL);
}

/* Whoever owns the folder brings back old files, timestamp and all. */
static void old_folder_does_not_bring_old_versions_back(void **state)
{
	struct fixture *f = *state;
	_cleanup_(sut_freep) char *newest = sut_sprintf("%s/2.kernel.json", f->metadata);
	struct sut_err err;

	granted(f, FIRST, NULL);
	put_kernel(f, 2);
	granted(f, "{'op':'snapshot','roles':{'kernel':2}}", NULL);
	assert_int_equal(unlink(newest), 0);
	assert_ok(start(f, &err), err);
	refused(f, AGAIN, "missing");
	refused(f, TIMESTAMP, "missing");
	refused(f, FIRST, "rollback");
}

static void role_without_a_version_is_refused(void **state)
{
	struct fixture *f = *state;

	refused(f, "{'op':'snapshot','roles':{'targets':1}}", "missing");
	refused(f, AGAIN, "missing");
	refused(f, TIMESTAMP, "missing");
}

static void role_that_nobody_delegates_to_is_refused(void **state)
{
	struct fixture *f = *state;

	put_version(f, "other", f->kernel, 1, f->kernel_key);
	refused(f, "{'op':'snapshot','roles':{'targets':1,'kernel':1,'other':1}}", "missing");
}

static void role_of_a_wrong_key_is_refused(void **state)
{
	struct fixture *f = *state;

	granted(f, FIRST, NULL);
	/* The keys that a thief of the signer's machine would have. */
	put_version(f, "kernel", f->kernel, 2, f->tuf->key[SUT_TUF_TIMESTAMP]);
	refused(f, "{'op':'snapshot','roles':{'kernel':2}}", "signatures");
	put_version(f, "targets", f->tuf->signed_[SUT_TUF_TARGETS], 2,
		    f->tuf->key[SUT_TUF_SNAPSHOT]);
	refused(f, "{'op':'snapshot','roles':{'targets':2}}", "signatures");
}

/* The file is called 3 and says 2. */
static void file_with_another_version_is_refused(void **state)
{
	struct fixture *f = *state;

	granted(f, FIRST, NULL);
	sample_tuf_set_version(f->kernel, 2);
	put(f, "3.kernel.json", f->kernel, f->kernel_key);
	refused(f, "{'op':'snapshot','roles':{'kernel':3}}", "version");
}

/* TUF 5.5.5: clients refuse a snapshot from which a role has gone. */
static void role_without_delegation_stays_listed(void **state)
{
	struct fixture *f = *state;
	_cleanup_json_ json_t *a = NULL;
	_cleanup_(sut_freep) char *file = sut_sprintf("%s/1.kernel.json", f->metadata);

	granted(f, FIRST, NULL);
	sample_tuf_set(f->tuf->signed_[SUT_TUF_TARGETS], "delegations", NULL);
	put_targets(f, 2);
	assert_int_equal(unlink(file), 0);
	granted(f, "{'op':'snapshot','roles':{'targets':2}}", &a);
	client_accepts(f, a);
	assert_int_equal(listed(a, "targets.json"), 2);
	assert_int_equal(listed(a, "kernel.json"), 1);
}

static void role_that_vanished_under_its_delegation_is_refused(void **state)
{
	struct fixture *f = *state;
	_cleanup_(sut_freep) char *file = sut_sprintf("%s/1.kernel.json", f->metadata);

	granted(f, FIRST, NULL);
	assert_int_equal(unlink(file), 0);
	refused(f, AGAIN, "missing");
}

static void new_version_that_has_expired_is_refused(void **state)
{
	struct fixture *f = *state;

	granted(f, FIRST, NULL);
	sample_tuf_set_expires(f->kernel, SAMPLE_TUF_NOW);
	put_kernel(f, 2);
	refused(f, "{'op':'snapshot','roles':{'kernel':2}}", "expired");
}

/* A stop flag must get out although the patches' role is late. */
static void old_version_that_has_expired_is_reported(void **state)
{
	struct fixture *f = *state;
	_cleanup_json_ json_t *a = NULL;
	const json_t *expired;

	granted(f, FIRST, NULL);
	the_time += 60 * SAMPLE_TUF_DAY;
	put_targets(f, 2);
	granted(f, "{'op':'snapshot','roles':{'targets':2}}", &a);
	expired = json_object_get(a, "expired");
	assert_int_equal(json_array_size(expired), 1);
	assert_string_equal(json_string_value(json_array_get(expired, 0)), "kernel");
}

/* Clients do not get as far as its signature; the signer does. */
static void expired_role_of_a_wrong_key_is_refused(void **state)
{
	struct fixture *f = *state;

	granted(f, FIRST, NULL);
	the_time += 60 * SAMPLE_TUF_DAY;
	granted(f, AGAIN, NULL);
	put_version(f, "kernel", f->kernel, 1, f->tuf->key[SUT_TUF_TIMESTAMP]);
	refused(f, AGAIN, "signatures");
}

static void expired_root_is_refused(void **state)
{
	struct fixture *f = *state;
	struct sut_err err;

	granted(f, FIRST, NULL);
	the_time += 101 * SAMPLE_TUF_DAY;
	refused(f, AGAIN, "expired");
	/* And it can be started, or the next root could not be published. */
	assert_ok(start(f, &err), err);
}

static void timestamp_keeps_a_young_snapshot(void **state)
{
	struct fixture *f = *state;
	_cleanup_json_ json_t *first = NULL, *young = NULL, *old = NULL;

	granted(f, FIRST, &first);
	the_time += SAMPLE_TUF_DAY;
	granted(f, TIMESTAMP, &young);
	client_accepts(f, young);
	assert_int_equal(number(young, "timestamp_version"), 2);
	assert_true(
		json_equal(json_object_get(first, "snapshot"), json_object_get(young, "snapshot")));
	/* Seven days; after half of them a new one. */
	the_time += 3 * SAMPLE_TUF_DAY;
	granted(f, TIMESTAMP, &old);
	client_accepts(f, old);
	assert_int_equal(number(old, "timestamp_version"), 3);
	assert_int_equal(number(old, "snapshot_version"), 2);
}

static void status_says_what_was_signed(void **state)
{
	struct fixture *f = *state;
	_cleanup_json_ json_t *before = NULL, *a = NULL;

	granted(f, "{'op':'status'}", &before);
	assert_int_equal(number(before, "snapshot_version"), 0);
	granted(f, FIRST, NULL);
	granted(f, "{'op':'status'}", &a);
	assert_int_equal(number(a, "snapshot_version"), 1);
	assert_int_equal(number(json_object_get(a, "roles"), "kernel"), 1);
	assert_int_equal(number(json_object_get(a, "roles"), "targets"), 1);
}

/* ------------------------------------------------------------------ */
/* Roots and keys. */

/* The next root, with another key for the role; the old key is the caller's. */
static struct sample_tuf_key *rotate(struct fixture *f, enum sut_tuf_type type)
{
	json_t *root = f->tuf->signed_[SUT_TUF_ROOT];
	json_t *role = json_object_get(json_object_get(root, "roles"), sut_tuf_type_name(type));
	struct sample_tuf_key *old = f->tuf->key[type];

	f->tuf->key[type] = sample_tuf_key(SUT_KEY_ED25519);
	json_array_clear(json_object_get(role, "keyids"));
	sample_tuf_trust(root, role, f->tuf->key[type]);
	sample_tuf_set_version(root, json_integer_value(json_object_get(root, "version")) + 1);
	return old;
}

static void keys_that_are_not_of_the_root_do_not_start(void **state)
{
	struct fixture *f = *state;
	struct sut_err err = {0};

	sample_tuf_key_free(rotate(f, SUT_TUF_SNAPSHOT));
	put(f, "2.root.json", f->tuf->signed_[SUT_TUF_ROOT], f->tuf->key[SUT_TUF_ROOT]);
	assert_int_equal(start(f, &err), -ENOKEY);
	assert_string_equal(err.reason, "keys");
	assert_says(err, "root version 2 asks for 1 of the 1 keys of snapshot");
}

/* A running signer notices that its keys no longer count. */
static void root_is_read_anew_for_each_request(void **state)
{
	struct fixture *f = *state;
	_cleanup_json_ json_t *a = NULL;
	struct sut_err err;

	granted(f, FIRST, NULL);
	sample_tuf_key_free(rotate(f, SUT_TUF_TIMESTAMP));
	put(f, "2.root.json", f->tuf->signed_[SUT_TUF_ROOT], f->tuf->key[SUT_TUF_ROOT]);
	refused(f, TIMESTAMP, "keys");
	sut_online_keys_release(&f->s.snapshot_keys);
	sut_online_keys_release(&f->s.timestamp_keys);
	load_keys(f);
	assert_ok(start(f, &err), err);
	granted(f, AGAIN, &a);
	assert_int_equal(number(a, "snapshot_version"), 2);
	assert_int_equal(number(a, "timestamp_version"), 2);
}

static void new_root_comes_with_the_request(void **state)
{
	struct fixture *f = *state;
	_cleanup_buf_ struct sut_buf text = SUT_BUF_INIT(SUT_TUF_ROOT_MAX);
	_cleanup_buf_ struct sut_buf msg = SUT_BUF_INIT(SUT_SIGNER_REQUEST_MAX);
	_cleanup_json_ json_t *a = NULL;
	struct sut_err err;

	granted(f, FIRST, NULL);
	sample_tuf_set_version(f->tuf->signed_[SUT_TUF_ROOT], 2);
	sample_tuf_file(f->tuf, SUT_TUF_ROOT, &text);
	assert_ok(sut_signer_request_format(SUT_SIGNER_SNAPSHOT, NULL, 0, &text, &msg, &err), err);
	assert_ok(sut_signer_handle(&f->s, msg.data + SUT_SIGNER_HEAD, msg.len - SUT_SIGNER_HEAD,
				    &a, &err),
		  err);
	/* It is not published yet, so it is not what the signer starts from. */
	assert_int_equal(f->s.state.root.len, f->root.len);
	assert_memory_equal(f->s.state.root.data, f->root.data, f->root.len);
}

static void root_of_a_stranger_is_refused(void **state)
{
	struct fixture *f = *state;
	_cleanup_buf_ struct sut_buf text = SUT_BUF_INIT(SUT_TUF_ROOT_MAX);
	_cleanup_buf_ struct sut_buf msg = SUT_BUF_INIT(SUT_SIGNER_REQUEST_MAX);
	_cleanup_sample_tuf_ struct sample_tuf *other = sample_tuf_new();
	struct sut_err err = {0};
	json_t *a = NULL;

	granted(f, FIRST, NULL);
	sample_tuf_set_version(other->signed_[SUT_TUF_ROOT], 2);
	sample_tuf_file(other, SUT_TUF_ROOT, &text);
	assert_ok(sut_signer_request_format(SUT_SIGNER_SNAPSHOT, NULL, 0, &text, &msg, &err), err);
	assert_true(sut_signer_handle(&f->s, msg.data + SUT_SIGNER_HEAD, msg.len - SUT_SIGNER_HEAD,
				      &a, &err) < 0);
	assert_string_equal(err.reason, "signatures");
	put(f, "2.root.json", other->signed_[SUT_TUF_ROOT], other->key[SUT_TUF_ROOT]);
	refused(f, AGAIN, "signatures");
	assert_true(start(f, &err) < 0);
}

/* TUF 5.3.11: recovery after a thief of the kernel keys made version 1000000. */
static void rotated_online_keys_forget_fast_forwarded_roles(void **state)
{
	struct fixture *f = *state;
	_cleanup_json_ json_t *a = NULL;
	struct sut_err err;

	put_kernel(f, 1000000);
	granted(f, "{'op':'snapshot','roles':{'targets':1,'kernel':1000000}}", NULL);
	refused(f, FIRST, "rollback");
	sample_tuf_key_free(rotate(f, SUT_TUF_SNAPSHOT));
	put(f, "2.root.json", f->tuf->signed_[SUT_TUF_ROOT], f->tuf->key[SUT_TUF_ROOT]);
	sut_online_keys_release(&f->s.snapshot_keys);
	sut_online_keys_release(&f->s.timestamp_keys);
	load_keys(f);
	assert_ok(start(f, &err), err);
	put_kernel(f, 2);
	granted(f, "{'op':'snapshot','roles':{'targets':1,'kernel':2}}", &a);
	assert_int_equal(listed(a, "kernel.json"), 2);
	assert_int_equal(number(a, "snapshot_version"), 2);
}

static void key_that_others_can_read_is_refused(void **state)
{
	struct fixture *f = *state;
	_cleanup_(sut_freep) char *path = sut_sprintf("%s/snapshot.key", f->dir);
	_cleanup_(sut_freep) char *by_link = sut_sprintf("%s/link.key", f->dir);
	_cleanup_strv_ struct sut_strv files = {0}, links = {0};
	struct sut_online_keys k = {0};
	struct sut_err err = {0};

	assert_int_equal(sut_strv_add(&files, path), 0);
	assert_int_equal(chmod(path, 0604), 0);
	assert_int_equal(sut_online_keys_read(&files, &k, &err), -EPERM);
	assert_string_equal(err.reason, "permissions");
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(symlink(path, by_link), 0);
	assert_int_equal(sut_strv_add(&links, by_link), 0);
	assert_int_equal(sut_online_keys_read(&links, &k, &err), -ELOOP);
}

static void key_with_a_passphrase_is_refused(void **state)
{
	struct fixture *f = *state;
	_cleanup_(sut_freep) char *path = sut_sprintf("%s/locked.key", f->dir);
	_cleanup_secret_ struct sut_buf pem = SUT_BUF_INIT(SUT_KEY_PEM_MAX);
	_cleanup_strv_ struct sut_strv files = {0};
	struct sut_online_keys k = {0};
	struct sut_err err = {0};

	assert_ok(sut_privkey_encode(f->kernel_key->priv, "secret", &pem, &err), err);
	assert_ok(sut_file_write(path, pem.data, pem.len, 0600, &err), err);
	assert_int_equal(sut_strv_add(&files, path), 0);
	assert_int_equal(sut_online_keys_read(&files, &k, &err), -EKEYREJECTED);
	assert_string_equal(err.reason, "passphrase");
}

static void new_keys_never_replace_old_ones(void **state)
{
	struct fixture *f = *state;
	struct sut_err err;

	assert_ok(sut_online_generate(f->state, &err), err);
	assert_int_equal(sut_online_generate(f->state, &err), -EEXIST);
}

/* ------------------------------------------------------------------ */
/* The folder belongs to others. */

static void link_in_the_folder_is_not_followed(void **state)
{
	struct fixture *f = *state;
	_cleanup_(sut_freep) char *from = sut_sprintf("%s/1.kernel.json", f->metadata);
	_cleanup_(sut_freep) char *to = sut_sprintf("%s/elsewhere", f->dir);
	json_t *j = NULL;
	struct sut_err err;

	assert_int_equal(rename(from, to), 0);
	assert_int_equal(symlink(to, from), 0);
	assert_int_equal(ask(f, FIRST, &j, &err), -ELOOP);
	assert_int_equal(unlink(from), 0);
	/* Nor is a pipe waited for. */
	assert_int_equal(mkfifo(from, 0644), 0);
	assert_int_equal(ask(f, FIRST, &j, &err), -EPERM);
}

static void role_whose_name_leaves_the_folder_is_refused(void **state)
{
	struct fixture *f = *state;

	sample_tuf_delegate(f->tuf->signed_[SUT_TUF_TARGETS], "../state/state", "x/*",
			    f->kernel_key);
	put_targets(f, 1);
	refused(f, FIRST, "format");
}

static void delegations_in_a_circle_end(void **state)
{
	struct fixture *f = *state;
	_cleanup_json_ json_t *a = NULL;

	json_t *sub = sample_tuf_targets();

	sample_tuf_delegate(f->kernel, "kernel", "kernel/*/*", f->kernel_key);
	sample_tuf_delegate(f->kernel, "sub", "kernel/*/*", f->kernel_key);
	sample_tuf_delegate(sub, "kernel", "kernel/*/*", f->kernel_key);
	put_kernel(f, 1);
	put_version(f, "sub", sub, 1, f->kernel_key);
	json_decref(sub);
	granted(f, "{'op':'snapshot','roles':{'targets':1,'kernel':1,'sub':1}}", &a);
	client_accepts(f, a);
}

/* Each delegator's keys count, not only those of the first. */
static void role_of_two_delegators_needs_the_keys_of_both(void **state)
{
	struct fixture *f = *state;
	struct sample_tuf_key *other = sample_tuf_key(SUT_KEY_ED25519);
	_cleanup_json_ json_t *shared = sample_tuf_targets();

	sample_tuf_delegate(f->kernel, "shared", "x/*", other);
	sample_tuf_delegate(f->tuf->signed_[SUT_TUF_TARGETS], "shared", "x/*", f->kernel_key);
	put_targets(f, 1);
	put_version(f, "shared", shared, 1, f->kernel_key);
	put_kernel(f, 1);
	refused(f, "{'op':'snapshot','roles':{'targets':1,'kernel':1,'shared':1}}", "signatures");
	sample_tuf_key_free(other);
}

/* ------------------------------------------------------------------ */
/* The state. */

static void nothing_is_signed_when_the_state_cannot_be_kept(void **state)
{
	struct fixture *f = *state;
	const struct rlimit none = {0, RLIM_INFINITY};
	struct rlimit old;
	_cleanup_json_ json_t *a = NULL;
	json_t *j = NULL;
	struct sut_err err;
	int r;

	granted(f, FIRST, NULL);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	r = ask(f, AGAIN, &j, &err);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(r, -EFBIG);
	assert_null(j);
	granted(f, AGAIN, &a);
	assert_int_equal(number(a, "snapshot_version"), 2);
}

static void damaged_state_does_not_start(void **state)
{
	struct fixture *f = *state;
	_cleanup_(sut_freep) char *path = sut_sprintf("%s/state.json", f->state);
	struct sut_err err = {0};

	granted(f, FIRST, NULL);
	assert_ok(sut_file_write(path, "{}", 2, 0600, &err), err);
	assert_int_equal(start(f, &err), -EBADMSG);
	assert_string_equal(err.reason, "state");
	assert_ok(sut_file_write(path, "", 0, 0600, &err), err);
	assert_int_equal(start(f, &err), -EBADMSG);
}

/* A signer on a new machine goes on where the old one ended. */
static void lost_state_is_taken_from_what_was_published(void **state)
{
	struct fixture *f = *state;
	_cleanup_(sut_freep) char *path = sut_sprintf("%s/state.json", f->state);
	_cleanup_(sut_freep) char *ts = sut_sprintf("%s/timestamp.json", f->metadata);
	_cleanup_(sut_freep) char *sn = sut_sprintf("%s/2.snapshot.json", f->metadata);
	_cleanup_json_ json_t *a = NULL, *b = NULL;
	const char *text;
	struct sut_err err;

	granted(f, FIRST, NULL);
	granted(f, AGAIN, &a);
	text = json_string_value(json_object_get(a, "timestamp"));
	assert_ok(sut_file_write(ts, text, strlen(text), 0644, &err), err);
	assert_int_equal(unlink(path), 0);
	/* The timestamp is ours, its snapshot is not there: something is wrong. */
	assert_int_equal(start(f, &err), -EBADMSG);
	text = json_string_value(json_object_get(a, "snapshot"));
	assert_ok(sut_file_write(sn, text, strlen(text), 0644, &err), err);
	assert_ok(start(f, &err), err);
	granted(f, AGAIN, &b);
	assert_int_equal(number(b, "snapshot_version"), 3);
	assert_int_equal(number(b, "timestamp_version"), 3);
	assert_int_equal(listed(b, "kernel.json"), 1);
}

static void damage_to_published_files_of_others_is_no_floor(void **state)
{
	struct fixture *f = *state;
	json_t *signed_ = f->tuf->signed_[SUT_TUF_TIMESTAMP];
	_cleanup_json_ json_t *a = NULL;
	struct sut_err err;

	/* A timestamp of version 1000000 that we never signed. */
	sample_tuf_set_version(signed_, 1000000);
	put(f, "timestamp.json", signed_, f->kernel_key);
	assert_ok(start(f, &err), err);
	granted(f, FIRST, &a);
	assert_int_equal(number(a, "timestamp_version"), 1);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(snapshot_lists_every_role_that_can_be_reached),
		CASE(versions_only_go_up),
		CASE(role_version_below_one_signed_before_is_refused),
		CASE(old_folder_does_not_bring_old_versions_back),
		CASE(role_without_a_version_is_refused),
		CASE(role_that_nobody_delegates_to_is_refused),
		CASE(role_of_a_wrong_key_is_refused),
		CASE(file_with_another_version_is_refused),
		CASE(role_without_delegation_stays_listed),
		CASE(role_that_vanished_under_its_delegation_is_refused),
		CASE(new_version_that_has_expired_is_refused),
		CASE(old_version_that_has_expired_is_reported),
		CASE(expired_role_of_a_wrong_key_is_refused),
		CASE(expired_root_is_refused),
		CASE(timestamp_keeps_a_young_snapshot),
		CASE(status_says_what_was_signed),
		CASE(keys_that_are_not_of_the_root_do_not_start),
		CASE(root_is_read_anew_for_each_request),
		CASE(new_root_comes_with_the_request),
		CASE(root_of_a_stranger_is_refused),
		CASE(rotated_online_keys_forget_fast_forwarded_roles),
		CASE(key_that_others_can_read_is_refused),
		CASE(key_with_a_passphrase_is_refused),
		CASE(new_keys_never_replace_old_ones),
		CASE(link_in_the_folder_is_not_followed),
		CASE(role_whose_name_leaves_the_folder_is_refused),
		CASE(delegations_in_a_circle_end),
		CASE(role_of_two_delegators_needs_the_keys_of_both),
		CASE(nothing_is_signed_when_the_state_cannot_be_kept),
		CASE(damaged_state_does_not_start),
		CASE(lost_state_is_taken_from_what_was_published),
		CASE(damage_to_published_files_of_others_is_no_floor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
