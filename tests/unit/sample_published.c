// SPDX-License-Identifier: Apache-2.0
#include "sample_published.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "crypto/sha256.h"
#include "edit.h"
#include "tuf/json.h"

#define MUST(x)                                                                                    \
	do {                                                                                       \
		if (!(x)) {                                                                        \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #x);                    \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

static struct sut_err err;

static void ok(int r)
{
	if (r < 0) {
		fprintf(stderr, "sample repository: %s\n", err.msg);
		abort();
	}
}

struct sut_privkey *sample_published_key(const struct sample_published *s, const char *name)
{
	_cleanup_(sut_freep) char *dir = sut_sprintf("%s/keys", s->dir);
	struct sut_privkey *k = NULL;

	MUST(dir);
	ok(sut_key_private(dir, name, NULL, &k, &err));
	return k;
}

void sample_published_sign(const struct sample_published *s, struct sut_change *c, const char *key)
{
	_cleanup_(sut_privkey_freep) struct sut_privkey *k = sample_published_key(s, key);
	size_t n;

	ok(sut_change_sign(c, k, &n, &err));
}

struct sut_change *sample_published_change(const struct sample_published *s)
{
	struct sut_change *c = NULL;

	ok(sut_change_open(s->repo, &c, &err));
	return c;
}

static void write_file(const struct sample_published *s, const char *name, const void *data,
		       size_t len)
{
	_cleanup_(sut_freep) char *path = sut_sprintf("%s/%s", s->dir, name);

	MUST(path);
	ok(sut_file_write(path, data, len, 0644, &err));
}

static void write_doc(const struct sample_published *s, const char *name, const json_t *doc,
		      char hex[static SUT_SHA256_HEX], size_t *len)
{
	_cleanup_(sut_freep) char *text = json_dumps(doc, JSON_COMPACT | JSON_SORT_KEYS),
				  *path = sut_sprintf("public/metadata/%s", name);

	MUST(text && path);
	*len = strlen(text);
	sut_sha256_hex(text, *len, hex);
	write_file(s, path, text, *len);
}

static json_t *sign_online(const struct sample_published *s, const char *role, json_t *signed_)
{
	_cleanup_(sut_freep) char *name = sut_sprintf("%s-1", role);
	_cleanup_(sut_privkey_freep) struct sut_privkey *k = sample_published_key(s, name);
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(1 << 20), sig = SUT_BUF_INIT(SUT_SIG_MAX);
	char hex[2 * SUT_SIG_MAX + 1];
	json_t *doc;

	ok(sut_json_canonical(signed_, &b, &err));
	ok(sut_privkey_sign(k, b.data, b.len, &sig, &err));
	sut_hex(sig.data, sig.len, hex);
	doc = json_pack("{s:[{s:s s:s}] s:o}", "signatures", "keyid",
			sut_keys_find(&s->repo->keys, name)->id, "sig", hex, "signed", signed_);
	MUST(doc);
	return doc;
}

static json_t *online(const char *type, int64_t version, json_t *meta)
{
	json_t *j = json_pack("{s:s s:s s:I s:s s:o}", "_type", type, "spec_version", "1.0.34",
			      "version", (json_int_t)version, "expires", "2027-01-01T00:00:00Z",
			      "meta", meta);

	MUST(j);
	return j;
}

static int64_t last(const struct sample_published *s, enum sut_tuf_type type)
{
	const struct sut_tree_role *r = sut_repo_role(s->repo, sut_tuf_type_name(type));

	return r ? r->meta->version : 0;
}

static json_t *old_refs(const struct sample_published *s)
{
	const struct sut_tree_role *r = sut_repo_role(s->repo, "snapshot");
	json_t *meta =
		r ? json_deep_copy(json_object_get(json_object_get(r->meta->doc, "signed"), "meta"))
		  : json_object();

	MUST(meta);
	return meta;
}

void sample_published_publish(struct sample_published *s, const struct sut_change *c)
{
	_cleanup_json_ json_t *snapshot = NULL, *timestamp = NULL;
	json_t *entry, *meta = old_refs(s);
	int64_t version = last(s, SUT_TUF_SNAPSHOT) + 1;
	char hex[SUT_SHA256_HEX], name[100];
	const char *role;
	size_t len;

	json_object_foreach(json_object_get(c->doc, "roles"), role, entry) {
		json_t *after = json_object_get(entry, "after");
		json_int_t v = json_integer_value(
			json_object_get(json_object_get(after, "signed"), "version"));

		if (!after)
			continue;
		snprintf(name, sizeof(name), "%lld.%s.json", (long long)v, role);
		write_doc(s, name, after, hex, &len);
		if (sut_streq(role, "root")) {
			ok(sut_settings_set_root_version(&s->repo->settings, v, &err));
			if (v == 1)
				ok(sut_settings_set(&s->repo->settings, "root", hex, &err));
			continue;
		}
		snprintf(name, sizeof(name), "%s.json", role);
		MUST(json_object_set_new(meta, name, json_pack("{s:I}", "version", v)) == 0);
	}
	snapshot = sign_online(s, "snapshot", online("snapshot", version, meta));
	snprintf(name, sizeof(name), "%" PRId64 ".snapshot.json", version);
	write_doc(s, name, snapshot, hex, &len);
	timestamp = sign_online(
		s, "timestamp",
		online("timestamp", last(s, SUT_TUF_TIMESTAMP) + 1,
		       json_pack("{s:{s:I}}", "snapshot.json", "version", (json_int_t)version)));
	write_doc(s, "timestamp.json", timestamp, hex, &len);
	sample_published_reopen(s);
}

static void write_settings(const struct sample_published *s, const struct sut_settings *set)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_SETTINGS_MAX);

	ok(sut_settings_format(set, &b, &err));
	write_file(s, "repo.json", b.data, b.len);
}

void sample_published_reopen(struct sample_published *s)
{
	if (s->repo)
		write_settings(s, &s->repo->settings);
	sut_repo_free(s->repo);
	s->repo = NULL;
	ok(sut_repo_open(s->dir, SAMPLE_PUBLISHED_NOW, &s->repo, &err));
}

static const struct sut_key *key(const struct sample_published *s, const char *name)
{
	const struct sut_key *k = sut_keys_find(&s->repo->keys, name);

	MUST(k);
	return k;
}

static void first_change(struct sample_published *s)
{
	_cleanup_(sut_change_freep) struct sut_change *c = sample_published_change(s);
	_cleanup_strv_ struct sut_strv paths = {0};
	const struct sut_key *root[] = {key(s, "root-1"), key(s, "root-2"), key(s, "root-3")},
			     *targets = key(s, "targets-1"), *snapshot = key(s, "snapshot-1"),
			     *timestamp = key(s, "timestamp-1"), *kernel = key(s, "kernel-1");
	struct sut_edit_delegation d = {
		.name = "kernel", .paths = &paths, .keys = &kernel, .nkeys = 1, .threshold = 1};
	json_t *j;

	ok(sut_change_edit(c, "root", &j, &err));
	ok(sut_edit_root_role(j, "root", root, 3, 2, &err));
	ok(sut_edit_root_role(j, "targets", &targets, 1, 1, &err));
	ok(sut_edit_root_role(j, "snapshot", &snapshot, 1, 1, &err));
	ok(sut_edit_root_role(j, "timestamp", &timestamp, 1, 1, &err));
	ok(sut_change_edit(c, "targets", &j, &err));
	MUST(sut_strv_add(&paths, "kernel/*/*") == 0 && sut_strv_add(&paths, "kernel/*/*/*") == 0);
	ok(sut_edit_delegate(j, &d, &err));
	ok(sut_change_settle(c, &err));
	sample_published_sign(s, c, "root-1");
	sample_published_sign(s, c, "root-2");
	sample_published_sign(s, c, "targets-1");
	sample_published_sign(s, c, "kernel-1");
	sample_published_publish(s, c);
}

struct sample_published *sample_published_new(void)
{
	static const char *const names[] = {"root-1",	"root-2",     "root-3",
					    "root-4",	"targets-1",  "kernel-1",
					    "kernel-2", "snapshot-1", "timestamp-1"};
	_cleanup_(sut_settings_release) struct sut_settings set = {0};
	_cleanup_(sut_freep) char *keys = NULL, *meta = NULL;
	struct sample_published *s = calloc(1, sizeof(*s));

	MUST(s);
	ok(sut_tmpdir("test-repo", &s->dir, &err));
	keys = sut_sprintf("%s/keys", s->dir);
	meta = sut_sprintf("%s/public/metadata", s->dir);
	MUST(keys && meta);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(names); i++)
		ok(sut_key_generate(keys, names[i], SUT_KEY_ED25519, NULL, &err));
	ok(sut_mkdir_p(meta, &err));
	ok(sut_settings_new("/nowhere", "", &set, &err));
	write_settings(s, &set);
	sample_published_reopen(s);
	first_change(s);
	return s;
}

void sample_published_free(struct sample_published *s)
{
	if (!s)
		return;
	sut_repo_free(s->repo);
	(void)!sut_rm_rf(s->dir, NULL);
	free(s->dir);
	free(s);
}

void sample_published_freep(struct sample_published **s)
{
	sample_published_free(*s);
}
