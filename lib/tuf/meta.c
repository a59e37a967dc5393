// SPDX-License-Identifier: Apache-2.0
#include "tuf/meta.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "tuf/json.h"
#include "tuf/load.h"

const char *sut_tuf_type_name(enum sut_tuf_type type)
{
	static const char *const names[] = {
		[SUT_TUF_ROOT] = "root",
		[SUT_TUF_TIMESTAMP] = "timestamp",
		[SUT_TUF_SNAPSHOT] = "snapshot",
		[SUT_TUF_TARGETS] = "targets",
	};

	return type >= SUT_TUF_ROOT && type <= SUT_TUF_TARGETS ? names[type] : "unknown";
}

static size_t length_max(enum sut_tuf_type type)
{
	switch (type) {
	case SUT_TUF_ROOT:
		return SUT_TUF_ROOT_MAX;
	case SUT_TUF_TIMESTAMP:
		return SUT_TUF_TIMESTAMP_MAX;
	case SUT_TUF_SNAPSHOT:
		return SUT_TUF_SNAPSHOT_MAX;
	case SUT_TUF_TARGETS:
		return SUT_TUF_TARGETS_MAX;
	}
	return 0;
}

void sut_tuf_meta_free(struct sut_tuf_meta *m)
{
	if (!m)
		return;
	sut_tuf_keys_release(&m->keys);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(m->roles); i++)
		sut_tuf_role_release(&m->roles[i]);
	for (size_t i = 0; i < m->ndelegations; i++)
		sut_tuf_delegation_release(&m->delegations[i]);
	free(m->delegations);
	free(m->refs);
	sut_buf_release(&m->canonical);
	json_decref(m->doc);
	free(m);
}

void sut_tuf_meta_freep(struct sut_tuf_meta **m)
{
	sut_tuf_meta_free(*m);
}

/* The form of "signatures". What a value of "sig" is worth is for sut_tuf_verify() to say:
 * a key holder who has not signed leaves it empty. */
static int check_signatures(const struct sut_json_at *top)
{
	_cleanup_(sut_freep) const char **ids = NULL;
	struct sut_json_at list;
	size_t n;
	int r = sut_json_list(top, "signatures", true, 0, SUT_TUF_SIGS_MAX, &list);

	if (r < 0)
		return r;
	n = json_array_size(list.node);
	ids = calloc(n ? n : 1, sizeof(*ids));
	if (!ids)
		return sut_err_oom(top->err);
	for (size_t i = 0; i < n; i++) {
		struct sut_json_at at = sut_json_entry(&list, i);

		if (!json_is_object(at.node))
			return sut_json_bad(&at, "", "is not an object");
		r = sut_json_string(&at, "keyid", true, &ids[i]);
		if (r < 0)
			return r;
	}
	r = sut_tuf_duplicates(ids, n);
	if (r)
		return r < 0 ? sut_err_oom(top->err)
			     : sut_json_bad(&list, "", "has two entries of one key");
	return 0;
}

static int load_root(const struct sut_json_at *signed_, struct sut_tuf_meta *m)
{
	struct sut_json_at keys, roles, role;
	int r = sut_json_bool(signed_, "consistent_snapshot", &m->consistent_snapshot);

	if (r == 0)
		r = sut_json_object(signed_, "keys", true, &keys);
	if (r == 0)
		r = sut_tuf_keys_load(&keys, &m->keys);
	if (r == 0)
		r = sut_json_object(signed_, "roles", true, &roles);
	for (enum sut_tuf_type t = SUT_TUF_ROOT; r == 0 && t <= SUT_TUF_TARGETS; t++) {
		r = sut_json_object(&roles, sut_tuf_type_name(t), true, &role);
		if (r == 0)
			r = sut_tuf_role_load(&role, &m->roles[t]);
	}
	return r;
}

/* What all four have (section 4.3). */
static int load_common(const struct sut_json_at *signed_, struct sut_tuf_meta *m)
{
	const char *s;
	int r = sut_json_string(signed_, "_type", true, &s);

	if (r < 0)
		return r;
	if (strcmp(s, sut_tuf_type_name(m->type)) != 0)
		return sut_json_bad(signed_, "_type", "is not \"%s\"", sut_tuf_type_name(m->type));
	r = sut_json_string(signed_, "spec_version", true, &s);
	if (r < 0)
		return r;
	if (!sut_startswith(s, "1."))
		return sut_json_bad(
			signed_, "spec_version",
			"is of another generation than 1 (a newer program may read it)");
	r = sut_json_int(signed_, "version", true, 1, SUT_TUF_VERSION_MAX, &m->version);
	if (r == 0)
		r = sut_json_string(signed_, "expires", true, &s);
	if (r < 0)
		return r;
	if (sut_tuf_time_parse(s, &m->expires) < 0)
		return sut_json_bad(signed_, "expires", "is not a time like 2026-11-21T20:15:00Z");
	return 0;
}

int sut_tuf_meta_load(json_t *doc, enum sut_tuf_type type, const char *what,
		      struct sut_tuf_meta **ret, struct sut_err *err)
{
	_cleanup_(sut_tuf_meta_freep) struct sut_tuf_meta *m = NULL;
	struct sut_json_at top = sut_tuf_top(doc, what, err), signed_;
	int r;

	m = calloc(1, sizeof(*m));
	if (!m)
		return sut_err_oom(err);
	m->doc = json_incref(doc);
	m->type = type;
	m->canonical = SUT_BUF_INIT(length_max(type));
	r = sut_json_object(&top, "signed", true, &signed_);
	if (r == 0)
		r = load_common(&signed_, m);
	if (r == 0)
		r = check_signatures(&top);
	if (r < 0)
		return r;
	switch (type) {
	case SUT_TUF_ROOT:
		r = load_root(&signed_, m);
		break;
	case SUT_TUF_TIMESTAMP:
	case SUT_TUF_SNAPSHOT:
		r = sut_tuf_refs_load(&signed_, m);
		break;
	case SUT_TUF_TARGETS:
		r = sut_tuf_targets_check(&signed_);
		if (r == 0)
			r = sut_tuf_delegations_load(&signed_, m);
		break;
	}
	if (r == 0)
		r = sut_json_canonical(signed_.node, &m->canonical, err);
	if (r < 0)
		return r;
	*ret = sut_steal(m);
	return 0;
}

int sut_tuf_meta_parse(const void *data, size_t len, enum sut_tuf_type type, const char *what,
		       struct sut_tuf_meta **ret, struct sut_err *err)
{
	_cleanup_json_ json_t *doc = NULL;
	int r;

	if (len > length_max(type))
		return sut_err_reason(err, EBADMSG, "format",
				      "%s has %zu bytes; at most %zu are accepted. Split it", what,
				      len, length_max(type));
	r = sut_json_parse(data, len, what, &doc, err);
	return r < 0 ? r : sut_tuf_meta_load(doc, type, what, ret, err);
}

/* ------------------------------------------------------------------ */

static const struct sut_pubkey *find_key(const struct sut_tuf_keys *keys,
					 const struct sut_tuf_role *role, const char *id)
{
	for (size_t i = 0; i < role->nkeyids; i++)
		if (!strcmp(role->keyids[i], id))
			for (size_t j = 0; j < keys->n; j++)
				if (!strcmp(keys->v[j].id, id))
					return keys->v[j].pub;
	return NULL;
}

/* As sut_pubkey_verify(). */
static int check_one(const struct sut_tuf_meta *m, const json_t *entry, const struct sut_pubkey *k)
{
	const char *hex = json_string_value(json_object_get(entry, "sig"));
	uint8_t sig[SUT_SIG_MAX];
	size_t len = hex ? strlen(hex) : 0;

	/* Digits in lower case only: so there is one way to write a signature. */
	if (!len || len % 2 || len / 2 > sizeof(sig) || !sut_is_hex(hex, len) ||
	    sut_unhex(hex, sig, len / 2) < 0)
		return -EKEYREJECTED;
	return sut_pubkey_verify(k, m->canonical.data, m->canonical.len, sig, len / 2);
}

int sut_tuf_verify(const struct sut_tuf_meta *m, const struct sut_tuf_keys *keys,
		   const struct sut_tuf_role *role, const char *what, size_t *ret_good,
		   struct sut_err *err)
{
	const struct sut_pubkey *good[SUT_TUF_ROLE_KEYS_MAX];
	const json_t *list = json_object_get(m->doc, "signatures");
	size_t n = 0;

	/* sut_tuf_meta_load() saw to it that no id is there twice. One key under two ids
	 * counts once all the same: an id is only what the metadata calls a key. */
	for (size_t i = 0; i < json_array_size(list) && n < SUT_ARRAY_SIZE(good); i++) {
		const json_t *entry = json_array_get(list, i);
		const char *id = json_string_value(json_object_get(entry, "keyid"));
		const struct sut_pubkey *k = id ? find_key(keys, role, id) : NULL;
		size_t j = 0;
		int r = k ? check_one(m, entry, k) : -EKEYREJECTED;

		/* What could not be checked is neither good nor bad. */
		if (r == -ENOMEM)
			return sut_err_oom(err);
		if (r < 0 && r != -EKEYREJECTED)
			return sut_err_set(err, -r, "%s: OpenSSL cannot check a signature", what);
		if (r < 0)
			continue;
		while (j < n && !sut_pubkey_equal(good[j], k))
			j++;
		if (j == n)
			good[n++] = k;
	}
	if (ret_good)
		*ret_good = n;
	if (role->threshold >= 1 && n >= role->threshold)
		return 0;
	return sut_err_reason(
		err, EKEYREJECTED, "signatures",
		"%s is signed by %zu of its %zu keys; %u are needed. Somebody may have "
		"changed it: do not use it, and tell the repository's operator",
		what, n, role->nkeyids, role->threshold);
}
