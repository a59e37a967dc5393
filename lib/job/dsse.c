// SPDX-License-Identifier: Apache-2.0
#include "job/dsse.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "crypto/base64.h"
#include "job/json.h"

int sut_dsse_pae(const char *type, const void *payload, size_t len, struct sut_buf *out)
{
	size_t before = out->len;
	int r = sut_buf_addf(out, "DSSEv1 %zu %s %zu ", strlen(type), type, len);

	if (r == 0)
		r = sut_buf_add(out, payload, len);
	if (r < 0 && out->data)
		out->data[out->len = before] = 0;
	return r;
}

void sut_dsse_keyid(const uint8_t key[static SUT_ED25519_LEN], char ret[static SUT_DSSE_KEYID])
{
	sut_sha256_hex(key, SUT_ED25519_LEN, ret);
}

/* ------------------------------------------------------------------ */

/* Of either alphabet, with or without padding. */
static int decode(const char *text, struct sut_buf *out)
{
	size_t n = strlen(text), padded = (n + 3) / 4 * 4;
	_cleanup_(sut_freep) char *copy = malloc(padded + 1);

	if (!copy)
		return -ENOMEM;
	memcpy(copy, text, n);
	memset(copy + n, '=', padded - n);
	copy[padded] = 0;
	for (size_t i = 0; i < n; i++)
		if (copy[i] == '-' || copy[i] == '_')
			copy[i] = copy[i] == '-' ? '+' : '/';
	return sut_base64_decode(copy, padded, out);
}

static int member(const struct sut_json_at *at, const char *key, const char **ret)
{
	*ret = json_string_value(json_object_get(at->node, key));
	return *ret ? 0 : sut_json_bad(at, key, "is missing or not a string");
}

static bool is_type(const char *s)
{
	size_t n = strlen(s);

	for (size_t i = 0; i < n; i++)
		if (s[i] < '!' || s[i] > '~')
			return false;
	return n >= 1 && n <= SUT_DSSE_TYPE_MAX;
}

static int take_sig(const struct sut_json_at *e, struct sut_dsse_sig *ret)
{
	_cleanup_buf_ struct sut_buf raw = SUT_BUF_INIT(SUT_SIG_MAX);
	const char *keyid = json_string_value(json_object_get(e->node, "keyid"));
	const char *sig = NULL;
	int r;

	if (!json_is_object(e->node))
		return sut_json_bad(e, "", "is not an object");
	r = member(e, "sig", &sig);
	if (r < 0)
		return r;
	if (strlen(sig) > 2 * SUT_SIG_MAX)
		return sut_json_bad(e, "sig", "is longer than a signature");
	r = decode(sig, &raw);
	if (r == -ENOMEM)
		return sut_err_oom(e->err);
	if (r < 0)
		return sut_json_bad(e, "sig", "is no base64 of a signature");
	snprintf(ret->keyid, sizeof(ret->keyid), "%s", keyid ? keyid : "");
	memcpy(ret->sig, raw.data ? raw.data : (const uint8_t *)"", raw.len);
	ret->len = raw.len;
	return 0;
}

static int take(const struct sut_json_at *at, struct sut_dsse *d)
{
	const char *type = NULL, *payload = NULL;
	struct sut_json_at list;
	int r = member(at, "payloadType", &type);

	if (r == 0)
		r = member(at, "payload", &payload);
	if (r == 0)
		r = sut_json_list(at, "signatures", false, 1, SUT_DSSE_SIGS_MAX, &list);
	if (r < 0)
		return r;
	if (!is_type(type))
		return sut_json_bad(at, "payloadType", "is not 1 to %d bytes of printable ASCII",
				    SUT_DSSE_TYPE_MAX);
	memcpy(d->type, type, strlen(type) + 1);
	r = decode(payload, &d->payload);
	if (r == -ENOMEM)
		return sut_err_oom(at->err);
	if (r == -ENOBUFS)
		return sut_json_bad(at, "payload", "has more than %d bytes", SUT_DSSE_PAYLOAD_MAX);
	if (r < 0)
		return sut_json_bad(at, "payload", "is no base64");
	d->nsigs = json_array_size(list.node);
	d->sigs = calloc(d->nsigs, sizeof(*d->sigs));
	if (!d->sigs)
		return sut_err_oom(at->err);
	for (size_t i = 0; r == 0 && i < d->nsigs; i++) {
		struct sut_json_at e = sut_json_entry(&list, i);

		r = take_sig(&e, &d->sigs[i]);
	}
	return r;
}

int sut_dsse_parse(const void *text, size_t len, struct sut_dsse *ret, struct sut_err *err)
{
	_cleanup_json_ json_t *j = NULL;
	_cleanup_(sut_dsse_release) struct sut_dsse d = {
		.payload = SUT_BUF_INIT(SUT_DSSE_PAYLOAD_MAX)};
	struct sut_json_at at = job_top("the envelope", "envelope", err);
	int r;

	if (len > SUT_DSSE_MAX)
		return sut_json_bad(&at, "", "has more than %d bytes", SUT_DSSE_MAX);
	r = job_json_parse(&at, text, len, &j);
	if (r == 0)
		r = take(&at, &d);
	if (r < 0)
		return r;
	*ret = d;
	d = (struct sut_dsse){0};
	return 0;
}

void sut_dsse_release(struct sut_dsse *d)
{
	sut_buf_release(&d->payload);
	free(d->sigs);
	*d = (struct sut_dsse){0};
}

/* ------------------------------------------------------------------ */

/* 0, -EKEYREJECTED, or that it could not be found out. */
static int check(const struct sut_buf *pae, const struct sut_dsse_sig *s,
		 const struct sut_dsse_key *k, struct sut_err *err)
{
	_cleanup_(sut_pubkey_freep) struct sut_pubkey *key = NULL;
	int r = sut_pubkey_from_ed25519(k->key, &key, err);

	if (r < 0)
		return sut_err_prefix(err, "the key %s", k->name);
	r = sut_pubkey_verify(key, pae->data, pae->len, s->sig, s->len);
	if (r < 0 && r != -EKEYREJECTED)
		return r == -ENOMEM ? sut_err_oom(err)
				    : sut_err_set(err, -r, "a signature could not be checked");
	return r;
}

/* Does the hint name this key? None is no reason to look at a key that it does not name. */
static bool named(const struct sut_dsse_sig *s, const struct sut_dsse_key *k)
{
	char id[SUT_DSSE_KEYID];

	sut_dsse_keyid(k->key, id);
	return strcmp(s->keyid, id) == 0;
}

int sut_dsse_verify(const struct sut_dsse *d, const char *type, const struct sut_dsse_key *keys,
		    size_t nkeys, const struct sut_dsse_key **ret_by, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf pae =
		SUT_BUF_INIT(SUT_DSSE_PAYLOAD_MAX + SUT_DSSE_TYPE_MAX + 64);
	const struct sut_dsse_key *ours = NULL;

	if (strcmp(d->type, type) != 0)
		return sut_err_reason(err, EBADMSG, "envelope",
				      "the envelope holds a %s, and a %s is needed. Is this the "
				      "right file?",
				      d->type, type);
	if (!nkeys)
		return sut_err_reason(err, ENOKEY, "no-keys",
				      "there is no key to check the signature with. Put the "
				      "public key of who signs (.pub) where keys are looked for");
	if (sut_dsse_pae(d->type, d->payload.data, d->payload.len, &pae) < 0)
		return sut_err_oom(err);
	for (size_t i = 0; i < d->nsigs; i++)
		for (size_t j = 0; j < nkeys; j++) {
			int r = check(&pae, &d->sigs[i], &keys[j], err);

			if (r == 0) {
				if (ret_by)
					*ret_by = &keys[j];
				return 0;
			}
			if (r != -EKEYREJECTED)
				return r;
			if (named(&d->sigs[i], &keys[j]))
				ours = &keys[j];
		}
	if (ours)
		return sut_err_reason(err, EKEYREJECTED, "signature",
				      "the signature by the key %s does not fit: what was signed "
				      "was changed or damaged. Fetch it again; if that does not "
				      "help, do not use it and tell who signed it",
				      ours->name);
	return sut_err_reason(err, ENOKEY, "unknown-key",
			      "none of the keys here has signed it (it names the key %.64s). Do "
			      "not use it unless you know whose key that is; then put its .pub "
			      "file beside the others",
			      *d->sigs[0].keyid ? d->sigs[0].keyid : "\"\"");
}

/* ------------------------------------------------------------------ */

static int add_envelope(const char *type, const void *payload, size_t len, const char *keyid,
			const struct sut_buf *sig, struct sut_buf *out)
{
	int r = sut_buf_addf(out, "{\"payloadType\":\"%s\",\"payload\":\"", type);

	if (r == 0)
		r = sut_base64_encode(payload, len, out);
	if (r == 0)
		r = sut_buf_addf(out, "\",\"signatures\":[{\"keyid\":\"%s\",\"sig\":\"", keyid);
	if (r == 0)
		r = sut_base64_encode(sig->data, sig->len, out);
	return r < 0 ? r : sut_buf_addstr(out, "\"}]}");
}

int sut_dsse_sign(const struct sut_privkey *key, const char *type, const void *payload, size_t len,
		  struct sut_buf *out, struct sut_err *err)
{
	_cleanup_(sut_pubkey_freep) struct sut_pubkey *public = NULL;
	_cleanup_buf_ struct sut_buf pae =
		SUT_BUF_INIT(SUT_DSSE_PAYLOAD_MAX + SUT_DSSE_TYPE_MAX + 64);
	_cleanup_buf_ struct sut_buf sig = SUT_BUF_INIT(SUT_SIG_MAX);
	uint8_t raw[SUT_ED25519_LEN];
	char keyid[SUT_DSSE_KEYID];
	size_t before = out->len;
	int r;

	if (!is_type(type) || strpbrk(type, "\"\\"))
		return sut_err_set(err, EINVAL, "'%.40s' is no type of a payload", type);
	if (len > SUT_DSSE_PAYLOAD_MAX)
		return sut_err_set(err, EFBIG, "it has more than %d bytes and cannot be signed",
				   SUT_DSSE_PAYLOAD_MAX);
	r = sut_privkey_public(key, &public, err);
	if (r < 0)
		return r;
	if (sut_pubkey_type(public) != SUT_KEY_ED25519)
		return sut_err_set(err, EINVAL,
				   "the key is no Ed25519 key. Make one: suture job key, or "
				   "openssl genpkey -algorithm ed25519");
	if (sut_pubkey_ed25519(public, raw) < 0)
		return sut_err_oom(err);
	sut_dsse_keyid(raw, keyid);
	if (sut_dsse_pae(type, payload, len, &pae) < 0)
		return sut_err_oom(err);
	r = sut_privkey_sign(key, pae.data, pae.len, &sig, err);
	if (r < 0)
		return r;
	r = add_envelope(type, payload, len, keyid, &sig, out);
	if (r == 0)
		return 0;
	if (out->data)
		out->data[out->len = before] = 0;
	return r == -ENOBUFS ? sut_err_set(err, EFBIG, "the envelope is too large")
			     : sut_err_oom(err);
}
