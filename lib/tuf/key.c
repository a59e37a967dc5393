// SPDX-License-Identifier: Apache-2.0
/* Keys and roles of metadata (section 4.2 and 4.3). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "tuf/json.h"
#include "tuf/load.h"

/* What may be said of a key, and what the key then has to be: an algorithm is never the choice of
 * whoever makes a signature. The first line of a type is the one we write. */
static const struct {
	const char *keytype, *scheme;
	enum sut_key_type type;
} schemes[] = {
	{"ed25519", "ed25519", SUT_KEY_ED25519},
	{"ecdsa", "ecdsa-sha2-nistp256", SUT_KEY_ECDSA_P256},
	{"ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256", SUT_KEY_ECDSA_P256},
	{"rsa", "rsassa-pss-sha256", SUT_KEY_RSA_PSS},
};

/* -EOPNOTSUPP for every key that cannot be used, whatever the reason. */
static int make_key(const char *keytype, const char *scheme, const json_t *public,
		    struct sut_pubkey **ret)
{
	_cleanup_(sut_pubkey_freep) struct sut_pubkey *k = NULL;
	const char *text = json_string_value(public);
	size_t i = 0;
	int r;

	while (i < SUT_ARRAY_SIZE(schemes) &&
	       (strcmp(keytype, schemes[i].keytype) != 0 || strcmp(scheme, schemes[i].scheme) != 0))
		i++;
	if (i == SUT_ARRAY_SIZE(schemes) || !text)
		return -EOPNOTSUPP;
	if (schemes[i].type == SUT_KEY_ED25519) {
		uint8_t raw[SUT_ED25519_LEN];

		if (sut_unhex(text, raw, sizeof(raw)) < 0)
			return -EOPNOTSUPP;
		r = sut_pubkey_from_ed25519(raw, &k, NULL);
	} else {
		r = sut_pubkey_from_pem(text, json_string_length(public), &k, NULL);
	}
	if (r < 0)
		return r == -ENOMEM ? r : -EOPNOTSUPP;
	if (sut_pubkey_type(k) != schemes[i].type)
		return -EOPNOTSUPP;
	*ret = sut_steal(k);
	return 0;
}

static int load_key(const struct sut_json_at *at, struct sut_pubkey **ret)
{
	const char *keytype, *scheme;
	struct sut_json_at keyval;
	int r;

	if (!json_is_object(at->node))
		return sut_json_bad(at, "", "is not an object");
	r = sut_json_string(at, "keytype", true, &keytype);
	if (r == 0)
		r = sut_json_string(at, "scheme", true, &scheme);
	if (r == 0)
		r = sut_json_object(at, "keyval", true, &keyval);
	if (r < 0)
		return r;
	r = make_key(keytype, scheme, json_object_get(keyval.node, "public"), ret);
	return r == -ENOMEM ? sut_err_oom(at->err) : 0;
}

void sut_tuf_keys_release(struct sut_tuf_keys *k)
{
	for (size_t i = 0; i < k->n; i++)
		sut_pubkey_free(k->v[i].pub);
	free(k->v);
	*k = (struct sut_tuf_keys){0};
}

int sut_tuf_keys_load(const struct sut_json_at *keys, struct sut_tuf_keys *ret)
{
	_cleanup_(sut_tuf_keys_release) struct sut_tuf_keys k = {0};
	size_t n = json_object_size(keys->node);
	const char *id;
	json_t *v;

	if (n > SUT_TUF_KEYS_MAX)
		return sut_json_bad(keys, "", "has %zu entries (%d at most)", n, SUT_TUF_KEYS_MAX);
	k.v = calloc(n ? n : 1, sizeof(*k.v));
	if (!k.v)
		return sut_err_oom(keys->err);
	json_object_foreach((json_t *)keys->node, id, v) {
		struct sut_json_at at = sut_tuf_at_value(keys, v);
		int r;

		k.v[k.n] = (struct sut_tuf_key){.id = id};
		r = load_key(&at, &k.v[k.n].pub);
		k.n++;
		if (r < 0)
			return r;
	}
	*ret = k;
	k = (struct sut_tuf_keys){0};
	return 0;
}

void sut_tuf_role_release(struct sut_tuf_role *r)
{
	free(r->keyids);
	*r = (struct sut_tuf_role){0};
}

int sut_tuf_role_load(const struct sut_json_at *role, struct sut_tuf_role *ret)
{
	_cleanup_(sut_tuf_role_release) struct sut_tuf_role out = {0};
	int64_t threshold;
	int r = sut_json_int(role, "threshold", true, 1, UINT32_MAX, &threshold);

	if (r == 0)
		r = sut_tuf_get_strings(role, "keyids", SUT_TUF_ROLE_KEYS_MAX, SUT_TUF_PATH_MAX,
					&out.keyids, &out.nkeyids);
	if (r < 0)
		return r;
	r = sut_tuf_duplicates(out.keyids, out.nkeyids);
	if (r)
		return r < 0 ? sut_err_oom(role->err)
			     : sut_json_bad(role, "keyids", "names a key twice");
	out.threshold = (uint32_t)threshold;
	*ret = out;
	out = (struct sut_tuf_role){0};
	return 0;
}

int sut_tuf_keyid(const json_t *key, char ret[static SUT_DIGEST_HEX_MAX], struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(4 * SUT_KEY_PEM_MAX);
	int r = sut_json_canonical(key, &b, err);

	return r < 0 ? r : sut_digest_of(SUT_DIGEST_SHA256, b.data, b.len, ret, err);
}

int sut_tuf_key_json(const struct sut_pubkey *k, json_t **ret, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf text = SUT_BUF_INIT(SUT_KEY_PEM_MAX);
	uint8_t raw[SUT_ED25519_LEN];
	char hex[2 * SUT_ED25519_LEN + 1];
	size_t i = 0;
	json_t *j;
	int r;

	while (i < SUT_ARRAY_SIZE(schemes) && schemes[i].type != sut_pubkey_type(k))
		i++;
	if (i == SUT_ARRAY_SIZE(schemes))
		return sut_err_set(err, EOPNOTSUPP,
				   "TUF has no name for this type of key. "
				   "Use an Ed25519 key");
	if (schemes[i].type == SUT_KEY_ED25519) {
		r = sut_pubkey_ed25519(k, raw);
		if (r < 0)
			return sut_err_set(err, -r, "this Ed25519 key cannot be read");
		sut_hex(raw, sizeof(raw), hex);
		if (sut_buf_addstr(&text, hex) < 0)
			return sut_err_oom(err);
	} else {
		r = sut_pubkey_pem(k, &text, err);
		if (r < 0)
			return r;
	}
	j = json_pack("{s:s, s:s, s:{s:s}}", "keytype", schemes[i].keytype, "scheme",
		      schemes[i].scheme, "keyval", "public", sut_buf_str(&text));
	if (!j)
		return sut_err_oom(err);
	*ret = j;
	return 0;
}
