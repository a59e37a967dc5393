// SPDX-License-Identifier: Apache-2.0
/* Signatures of a change: who is missing, adding one, taking those of other copies. */
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "change.h"
#include "change_view.h"

static const struct sut_pubkey *key_of(const struct sut_tuf_keys *keys, const char *id)
{
	for (size_t i = 0; i < keys->n; i++)
		if (sut_streq(keys->v[i].id, id))
			return keys->v[i].pub;
	return NULL;
}

static json_t *signature_of(const json_t *doc, const char *id)
{
	json_t *list = json_object_get(doc, "signatures"), *s;
	size_t i;

	json_array_foreach(list, i, s)
		if (sut_streq(json_string_value(json_object_get(s, "keyid")), id))
			return s;
	return NULL;
}

static bool has_signed(const struct sut_tuf_meta *m, const char *id, const struct sut_pubkey *k)
{
	const char *hex = json_string_value(json_object_get(signature_of(m->doc, id), "sig"));
	uint8_t sig[SUT_SIG_MAX];
	size_t len = hex ? strlen(hex) / 2 : 0;

	return k && len && len <= sizeof(sig) && sut_unhex(hex, sig, len) == 0 &&
	       sut_pubkey_verify(k, m->canonical.data, m->canonical.len, sig, len) == 0;
}

void sut_change_needs_release(struct sut_change_needs *n)
{
	for (size_t i = 0; i < n->n; i++) {
		sut_strv_release(&n->v[i].missing);
		sut_strv_release(&n->v[i].ids);
	}
	free(n->v);
	*n = (struct sut_change_needs){0};
}

static int add_need(const struct sut_change *c, const struct sut_change_view_role *x,
		    const struct sut_change_view_group *g, struct sut_change_needs *needs,
		    struct sut_err *err)
{
	struct sut_change_need *v = reallocarray(needs->v, needs->n + 1, sizeof(*v));
	json_t *names = json_object_get(c->doc, "names");
	size_t good = 0;

	if (!v)
		return sut_err_oom(err);
	needs->v = v;
	v += needs->n++;
	*v = (struct sut_change_need){
		.role = x->name,
		.why = g->why,
		.threshold = g->role->threshold,
	};
	if (sut_tuf_verify(x->after, g->keys, g->role, x->name, &good, NULL) < 0)
		needs->unmet++;
	v->have = (uint32_t)good;
	for (size_t i = 0; i < g->role->nkeyids; i++) {
		const char *id = g->role->keyids[i];
		const char *name = json_string_value(json_object_get(names, id));

		if (has_signed(x->after, id, key_of(g->keys, id)))
			continue;
		if (sut_strv_add(&v->ids, id) < 0 ||
		    sut_strv_add(&v->missing, name ? name : id) < 0)
			return sut_err_oom(err);
	}
	return 0;
}

/* A change has few roles and no order; people sign from the top. */
static int order(const void *a, const void *b)
{
	const struct sut_change_need *x = a, *y = b;
	int rx = sut_streq(x->role, "root") ? 0 : sut_streq(x->role, "targets") ? 1 : 2;
	int ry = sut_streq(y->role, "root") ? 0 : sut_streq(y->role, "targets") ? 1 : 2;

	return rx != ry ? rx - ry : strcmp(x->role, y->role);
}

int sut_change_needs(const struct sut_change *c, struct sut_change_needs *ret, struct sut_err *err)
{
	_cleanup_(sut_change_needs_release) struct sut_change_needs needs = {0};
	_cleanup_(sut_change_view_release) struct sut_change_view v = {0};
	int r = sut_change_view_make(c, &v, err);

	for (size_t i = 0; r == 0 && i < v.n; i++) {
		struct sut_change_view_group g[2];
		size_t n;

		if (!v.v[i].after)
			continue;
		n = sut_change_view_groups(&v, &v.v[i], g);
		if (!n)
			r = sut_err_reason(err, EBADMSG, "change",
					   "the change holds a file of %s, to which nobody "
					   "delegates",
					   v.v[i].name);
		for (size_t j = 0; r == 0 && j < n; j++)
			r = add_need(c, &v.v[i], &g[j], &needs, err);
	}
	if (r < 0)
		return r;
	if (needs.n)
		qsort(needs.v, needs.n, sizeof(*needs.v), order);
	*ret = needs;
	needs = (struct sut_change_needs){0};
	return 0;
}

/* Puts one signature into the file, in the place of one of the same key. */
static int put_signature(json_t *doc, const char *id, const char *hex, struct sut_err *err)
{
	json_t *old = signature_of(doc, id);
	int r;

	if (old)
		r = json_object_set_new(old, "sig", json_string(hex));
	else
		r = json_array_append_new(json_object_get(doc, "signatures"),
					  json_pack("{s:s s:s}", "keyid", id, "sig", hex));
	return r < 0 ? sut_err_oom(err) : 0;
}

static int sign_one(const struct sut_change_view_role *x, const char *id,
		    const struct sut_privkey *key, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf sig = SUT_BUF_INIT(SUT_SIG_MAX);
	char hex[2 * SUT_SIG_MAX + 1];
	int r = sut_privkey_sign(key, x->after->canonical.data, x->after->canonical.len, &sig, err);

	if (r < 0)
		return r;
	sut_hex(sig.data, sig.len, hex);
	return put_signature(x->after->doc, id, hex, err);
}

int sut_change_sign(struct sut_change *c, const struct sut_privkey *key, size_t *ret_n,
		    struct sut_err *err)
{
	_cleanup_(sut_pubkey_freep) struct sut_pubkey *pub = NULL;
	_cleanup_(sut_change_view_release) struct sut_change_view v = {0};
	size_t count = 0;
	int r = sut_privkey_public(key, &pub, err);

	if (r == 0)
		r = sut_change_view_make(c, &v, err);
	for (size_t i = 0; r == 0 && i < v.n; i++) {
		struct sut_change_view_group g[2];
		size_t n = v.v[i].after ? sut_change_view_groups(&v, &v.v[i], g) : 0;
		bool signed_ = false;

		for (size_t j = 0; j < n; j++)
			for (size_t k = 0; r == 0 && k < g[j].role->nkeyids; k++) {
				const char *id = g[j].role->keyids[k];
				const struct sut_pubkey *p = key_of(g[j].keys, id);

				if (!p || !sut_pubkey_equal(p, pub) ||
				    has_signed(v.v[i].after, id, p))
					continue;
				r = sign_one(&v.v[i], id, key, err);
				signed_ = true;
			}
		count += signed_;
	}
	if (r < 0)
		return r;
	*ret_n = count;
	return 0;
}

static json_t *after_of(const struct sut_change *c, const char *role)
{
	json_t *entry = json_object_get(json_object_get(c->doc, "roles"), role);

	return json_object_get(entry, "after");
}

/* Do both hold the same new files, signatures apart? */
static bool same_change(const struct sut_change *a, const struct sut_change *b)
{
	json_t *entry;
	const char *role;

	json_object_foreach(json_object_get(a->doc, "roles"), role, entry) {
		json_t *x = json_object_get(entry, "after"), *y = after_of(b, role);

		if (!x != !y ||
		    (x && !json_equal(json_object_get(x, "signed"), json_object_get(y, "signed"))))
			return false;
	}
	return true;
}

int sut_change_merge(struct sut_change *c, const struct sut_change *other, size_t *ret_n,
		     struct sut_err *err)
{
	_cleanup_(sut_change_view_release) struct sut_change_view theirs = {0};
	size_t count = 0;
	int r;

	if (!same_change(c, other) || !same_change(other, c))
		return sut_err_set(err, ESTALE,
				   "it is a copy of another change, or of an earlier state of this "
				   "one; carry the pending change to its signer again");
	r = sut_change_view_make(other, &theirs, err);
	for (size_t i = 0; r == 0 && i < theirs.n; i++) {
		struct sut_change_view_group g[2];
		size_t n = theirs.v[i].after ? sut_change_view_groups(&theirs, &theirs.v[i], g) : 0;

		for (size_t j = 0; j < n; j++)
			for (size_t k = 0; r == 0 && k < g[j].role->nkeyids; k++) {
				const char *id = g[j].role->keyids[k];
				json_t *doc = after_of(c, theirs.v[i].name), *s;

				if (signature_of(doc, id) ||
				    !has_signed(theirs.v[i].after, id, key_of(g[j].keys, id)))
					continue;
				s = json_object_get(signature_of(theirs.v[i].after->doc, id),
						    "sig");
				r = put_signature(doc, id, json_string_value(s), err);
				count++;
			}
	}
	if (r < 0)
		return r;
	*ret_n = count;
	return 0;
}
