/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests of the signer, each one program: a metadata folder with a role "kernel", and a
 * signer with its keys and its state. */
#ifndef SUTURE_TESTS_SAMPLE_SIGNER_H
#define SUTURE_TESTS_SAMPLE_SIGNER_H

#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/str.h"
#include "sample_tuf.h"
#include "signer/signer.h"
#include "tuf/json.h"
#include "unit.h"

static int64_t the_time;

static int64_t now(void)
{
	return the_time;
}

/* A metadata folder, a role "kernel" in it, and a signer. */
struct fixture {
	char *dir;
	char metadata[200], state[200];
	struct sample_tuf *tuf;
	struct sample_tuf_key *kernel_key;
	json_t *kernel; /* "signed" */
	struct sut_buf root;
	struct sut_signer s;
};

static void put(const struct fixture *f, const char *name, json_t *signed_,
		const struct sample_tuf_key *key)
{
	_cleanup_json_ json_t *doc = sample_tuf_sign(signed_, &key, 1);
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_TUF_TARGETS_MAX);
	_cleanup_(sut_freep) char *path = sut_sprintf("%s/%s", f->metadata, name);
	struct sut_err err;

	sample_tuf_bytes(doc, &b);
	assert_ok(sut_file_write(path, b.data, b.len, 0644, &err), err);
}

static void put_version(const struct fixture *f, const char *role, json_t *signed_, int64_t version,
			const struct sample_tuf_key *key)
{
	char name[100];

	sample_tuf_set_version(signed_, version);
	snprintf(name, sizeof(name), "%lld.%s.json", (long long)version, role);
	put(f, name, signed_, key);
}

static void put_kernel(const struct fixture *f, int64_t version)
{
	put_version(f, "kernel", f->kernel, version, f->kernel_key);
}

static void put_targets(const struct fixture *f, int64_t version)
{
	put_version(f, "targets", f->tuf->signed_[SUT_TUF_TARGETS], version,
		    f->tuf->key[SUT_TUF_TARGETS]);
}

static void key_file(const struct fixture *f, const char *name, const struct sample_tuf_key *k,
		     struct sut_online_keys *ret)
{
	_cleanup_(sut_freep) char *path = sut_sprintf("%s/%s", f->dir, name);
	_cleanup_buf_ struct sut_buf pem = SUT_BUF_INIT(SUT_KEY_PEM_MAX);
	_cleanup_strv_ struct sut_strv files = {0};
	struct sut_err err;

	assert_ok(sut_privkey_encode(k->priv, NULL, &pem, &err), err);
	assert_ok(sut_file_write(path, pem.data, pem.len, 0600, &err), err);
	assert_int_equal(sut_strv_add(&files, path), 0);
	assert_ok(sut_online_keys_read(&files, ret, &err), err);
}

static int start(struct fixture *f, struct sut_err *err)
{
	sut_signer_state_release(&f->s.state);
	return sut_signer_start(&f->s, &f->root, err);
}

static void load_keys(struct fixture *f)
{
	key_file(f, "snapshot.key", f->tuf->key[SUT_TUF_SNAPSHOT], &f->s.snapshot_keys);
	key_file(f, "timestamp.key", f->tuf->key[SUT_TUF_TIMESTAMP], &f->s.timestamp_keys);
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct sut_err err;

	the_time = SAMPLE_TUF_NOW;
	assert_ok(sut_tmpdir("suture-signer", &f->dir, &err), err);
	snprintf(f->metadata, sizeof(f->metadata), "%s/metadata", f->dir);
	snprintf(f->state, sizeof(f->state), "%s/state", f->dir);
	assert_int_equal(mkdir(f->metadata, 0755), 0);
	assert_int_equal(mkdir(f->state, 0700), 0);
	f->tuf = sample_tuf_new();
	f->kernel_key = sample_tuf_key(SUT_KEY_ED25519);
	f->kernel = sample_tuf_targets();
	sample_tuf_delegate(f->tuf->signed_[SUT_TUF_TARGETS], "kernel", "kernel/*/*",
			    f->kernel_key);
	for (enum sut_tuf_type t = SUT_TUF_ROOT; t <= SUT_TUF_TARGETS; t++)
		sample_tuf_set_expires(f->tuf->signed_[t], SAMPLE_TUF_NOW + 100 * SAMPLE_TUF_DAY);
	sample_tuf_set_expires(f->kernel, SAMPLE_TUF_NOW + 50 * SAMPLE_TUF_DAY);
	f->root = SUT_BUF_INIT(SUT_TUF_ROOT_MAX);
	sample_tuf_file(f->tuf, SUT_TUF_ROOT, &f->root);
	put_version(f, "root", f->tuf->signed_[SUT_TUF_ROOT], 1, f->tuf->key[SUT_TUF_ROOT]);
	put_targets(f, 1);
	put_kernel(f, 1);
	f->s = (struct sut_signer){
		.metadata = f->metadata,
		.dir = f->state,
		.snapshot_sec = 7 * SAMPLE_TUF_DAY,
		.timestamp_sec = SAMPLE_TUF_DAY,
		.now = now,
	};
	load_keys(f);
	assert_ok(start(f, &err), err);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	struct sut_err err;

	sut_signer_release(&f->s);
	sut_buf_release(&f->root);
	json_decref(f->kernel);
	sample_tuf_key_free(f->kernel_key);
	sample_tuf_free(f->tuf);
	assert_ok(sut_rm_rf(f->dir, &err), err);
	free(f->dir);
	free(f);
	return 0;
}

#endif
