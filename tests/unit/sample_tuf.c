// SPDX-License-Identifier: Apache-2.0
#include "sample_tuf.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "tuf/json.h"

#define MUST(cond)                                                                                 \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond);                 \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

struct sample_tuf_key *sample_tuf_key(enum sut_key_type type)
{
	_cleanup_(sut_pubkey_freep) struct sut_pubkey *pub = NULL;
	struct sample_tuf_key *k = calloc(1, sizeof(*k));

	MUST(k && sut_privkey_new(type, &k->priv, NULL) == 0);
	MUST(sut_privkey_public(k->priv, &pub, NULL) == 0);
	MUST(sut_tuf_key_json(pub, &k->json, NULL) == 0);
	MUST(sut_tuf_keyid(k->json, k->id, NULL) == 0);
	return k;
}

void sample_tuf_key_free(struct sample_tuf_key *k)
{
	if (!k)
		return;
	sut_privkey_free(k->priv);
	json_decref(k->json);
	free(k);
}

void sample_tuf_set_version(json_t *j, int64_t version)
{
	MUST(json_object_set_new(j, "version", json_integer(version)) == 0);
}

void sample_tuf_set_expires(json_t *j, int64_t expires)
{
	char text[32];

	sut_tuf_time_format(expires, text);
	MUST(json_object_set_new(j, "expires", json_string(text)) == 0);
}

static json_t *new_signed(enum sut_tuf_type type, const char *fields)
{
	json_t *j = json_loads(fields, 0, NULL);

	MUST(j);
	MUST(json_object_set_new(j, "_type", json_string(sut_tuf_type_name(type))) == 0);
	MUST(json_object_set_new(j, "spec_version", json_string("1.0.34")) == 0);
	sample_tuf_set_version(j, 1);
	sample_tuf_set_expires(j, SAMPLE_TUF_NOW + SAMPLE_TUF_DAY);
	return j;
}

json_t *sample_tuf_targets(void)
{
	return new_signed(SUT_TUF_TARGETS, "{\"targets\": {}}");
}

void sample_tuf_trust(json_t *holder, json_t *role, const struct sample_tuf_key *k)
{
	MUST(json_object_set(json_object_get(holder, "keys"), k->id, k->json) == 0);
	MUST(json_array_append_new(json_object_get(role, "keyids"), json_string(k->id)) == 0);
}

json_t *sample_tuf_delegate(json_t *targets, const char *name, const char *pattern,
			    const struct sample_tuf_key *k)
{
	json_t *d = json_object_get(targets, "delegations"), *role;

	if (!d) {
		d = json_pack("{s:{}, s:[]}", "keys", "roles");
		MUST(d && json_object_set_new(targets, "delegations", d) == 0);
	}
	role = json_pack("{s:s, s:[], s:i, s:b, s:[s]}", "name", name, "keyids", "threshold", 1,
			 "terminating", 0, "paths", pattern);
	MUST(role && json_array_append_new(json_object_get(d, "roles"), role) == 0);
	sample_tuf_trust(d, role, k);
	return role;
}

struct sample_tuf *sample_tuf_new(void)
{
	struct sample_tuf *s = calloc(1, sizeof(*s));
	json_t *roles;

	MUST(s);
	s->signed_[SUT_TUF_ROOT] = new_signed(
		SUT_TUF_ROOT, "{\"consistent_snapshot\": true, \"keys\": {}, \"roles\": {}}");
	s->signed_[SUT_TUF_TIMESTAMP] =
		new_signed(SUT_TUF_TIMESTAMP, "{\"meta\": {\"snapshot.json\": {\"version\": 1}}}");
	s->signed_[SUT_TUF_SNAPSHOT] =
		new_signed(SUT_TUF_SNAPSHOT, "{\"meta\": {\"targets.json\": {\"version\": 1}}}");
	s->signed_[SUT_TUF_TARGETS] = sample_tuf_targets();
	roles = json_object_get(s->signed_[SUT_TUF_ROOT], "roles");
	for (enum sut_tuf_type t = SUT_TUF_ROOT; t <= SUT_TUF_TARGETS; t++) {
		json_t *role = json_pack("{s:[], s:i}", "keyids", "threshold", 1);

		s->key[t] = sample_tuf_key(SUT_KEY_ED25519);
		MUST(role && json_object_set_new(roles, sut_tuf_type_name(t), role) == 0);
		sample_tuf_trust(s->signed_[SUT_TUF_ROOT], role, s->key[t]);
	}
	return s;
}

void sample_tuf_free(struct sample_tuf *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < SUT_ARRAY_SIZE(s->key); i++) {
		sample_tuf_key_free(s->key[i]);
		json_decref(s->signed_[i]);
	}
	free(s);
}

void sample_tuf_freep(struct sample_tuf **s)
{
	sample_tuf_free(*s);
}

void sample_tuf_set(json_t *j, const char *path, const char *value)
{
	_cleanup_(sut_freep) char *copy = strdup(path);
	char *save = NULL, *part = strtok_r(copy, "/", &save), *next;
	json_t *v = value ? json_loads(value, JSON_DECODE_ANY, NULL) : NULL;

	MUST(part && (v || !value));
	for (; (next = strtok_r(NULL, "/", &save)); part = next)
		j = json_is_array(j) ? json_array_get(j, strtoul(part, NULL, 10))
				     : json_object_get(j, part);
	if (json_is_array(j) && !strcmp(part, "-"))
		MUST(json_array_append_new(j, v) == 0);
	else if (json_is_array(j))
		MUST((v ? json_array_set_new(j, strtoul(part, NULL, 10), v)
			: json_array_remove(j, strtoul(part, NULL, 10))) == 0);
	else
		MUST((v ? json_object_set_new(j, part, v) : json_object_del(j, part)) == 0);
}

json_t *sample_tuf_sign(json_t *signed_, const struct sample_tuf_key *const keys[], size_t n)
{
	_cleanup_buf_ struct sut_buf canonical = SUT_BUF_INIT(SUT_TUF_TARGETS_MAX);
	json_t *doc = json_pack("{s:[], s:O}", "signatures", "signed", signed_);

	MUST(doc && sut_json_canonical(signed_, &canonical, NULL) == 0);
	for (size_t i = 0; i < n; i++) {
		_cleanup_buf_ struct sut_buf sig = SUT_BUF_INIT(SUT_SIG_MAX);
		char hex[2 * SUT_SIG_MAX + 1];

		MUST(sut_privkey_sign(keys[i]->priv, canonical.data, canonical.len, &sig, NULL) ==
		     0);
		sut_hex(sig.data, sig.len, hex);
		MUST(json_array_append_new(
			     json_object_get(doc, "signatures"),
			     json_pack("{s:s, s:s}", "keyid", keys[i]->id, "sig", hex)) == 0);
	}
	return doc;
}

void sample_tuf_bytes(const json_t *doc, struct sut_buf *out)
{
	_cleanup_(sut_freep) char *text = json_dumps(doc, JSON_INDENT(1));

	sut_buf_release(out);
	out->max = 2 * SUT_TUF_TARGETS_MAX;
	MUST(text && sut_buf_addstr(out, text) == 0);
}

void sample_tuf_file(const struct sample_tuf *s, enum sut_tuf_type type, struct sut_buf *out)
{
	const struct sample_tuf_key *key = s->key[type];
	_cleanup_json_ json_t *doc = sample_tuf_sign(s->signed_[type], &key, 1);

	sample_tuf_bytes(doc, out);
}

void sample_tuf_hash(json_t *signed_, const char *name, const void *data, size_t len)
{
	json_t *entry = json_object_get(json_object_get(signed_, "meta"), name);
	char hex[SUT_DIGEST_HEX_MAX];

	MUST(entry && sut_digest_of(SUT_DIGEST_SHA256, data, len, hex, NULL) == 0);
	MUST(json_object_set_new(entry, "length", json_integer((json_int_t)len)) == 0);
	MUST(json_object_set_new(entry, "hashes", json_pack("{s:s}", "sha256", hex)) == 0);
}
