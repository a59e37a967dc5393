// SPDX-License-Identifier: Apache-2.0
#include "basis.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "change_view.h"
#include "crypto/sha256.h"
#include "tuf/json.h"

static int bad(struct sut_err *err, const char *role, const char *what)
{
	return sut_err_reason(err, EBADMSG, "basis",
			      "%s: %s. Sign nothing, and ask where this change comes from", role,
			      what);
}

/* The beginning of an id is what people compare. */
static int check_ids(const struct sut_tuf_meta *m, const char *role, struct sut_err *err)
{
	json_t *signed_ = m ? json_object_get(m->doc, "signed") : NULL, *k;
	const char *id;

	if (signed_ && m->type != SUT_TUF_ROOT)
		signed_ = json_object_get(signed_, "delegations");
	json_object_foreach(json_object_get(signed_, "keys"), id, k) {
		char real[SUT_DIGEST_HEX_MAX];
		int r = sut_tuf_keyid(k, real, err);

		if (r < 0)
			return r;
		if (!sut_streq(id, real))
			return bad(err, role, "it has a key under an id that is not the key's own");
	}
	return 0;
}

/* The published files, from root down. */
struct walk {
	const struct sut_change_view *v;
	json_t *places; /* name: its index in v */
	size_t *queue;	/* those that are verified */
	bool *seen;
	size_t n;
};

static void release_walk(struct walk *w)
{
	json_decref(w->places);
	free(w->queue);
	free(w->seen);
}

/* Somebody who is verified delegates to the role. */
static int reach(struct walk *w, const char *name, const struct sut_tuf_keys *keys,
		 const struct sut_tuf_role *role, struct sut_err *err)
{
	const json_t *at = json_object_get(w->places, name);
	size_t i = at ? (size_t)json_integer_value(at) : 0;
	int r;

	if (!at || !w->v->v[i].before)
		return 0;
	r = sut_tuf_verify(w->v->v[i].before, keys, role, name, NULL, err);
	if (r == -EKEYREJECTED)
		return bad(err, name,
			   "what is said to be published lacks the signatures of its keys");
	if (r == 0 && !w->seen[i]) {
		w->seen[i] = true;
		w->queue[w->n++] = i;
	}
	return r;
}

static int visit(struct walk *w, const struct sut_tuf_meta *m, struct sut_err *err)
{
	int r = 0;

	if (m->type == SUT_TUF_ROOT)
		return reach(w, "targets", &m->keys, &m->roles[SUT_TUF_TARGETS], err);
	for (size_t i = 0; r == 0 && i < m->ndelegations; i++)
		r = reach(w, m->delegations[i].name, &m->keys, &m->delegations[i].role, err);
	return r;
}

static int start(struct walk *w, struct sut_err *err)
{
	w->places = json_object();
	w->queue = calloc(w->v->n + 1, sizeof(*w->queue));
	w->seen = calloc(w->v->n + 1, sizeof(*w->seen));
	if (!w->places || !w->queue || !w->seen)
		return sut_err_oom(err);
	for (size_t i = 0; i < w->v->n; i++)
		if (json_object_set_new(w->places, w->v->v[i].name, json_integer((json_int_t)i)) <
		    0)
			return sut_err_oom(err);
	return 0;
}

/* Only what is reached from root counts: roles that delegate to each other prove nothing. */
static int check_before(const struct sut_change_view *v, struct sut_err *err)
{
	_cleanup_(release_walk) struct walk w = {.v = v};
	const struct sut_change_view_role *root = sut_change_view_find(v, "root");
	const struct sut_tuf_meta *m = root ? root->before : NULL;
	int r = start(&w, err);

	if (r == 0 && m)
		r = reach(&w, "root", &m->keys, &m->roles[SUT_TUF_ROOT], err);
	for (size_t i = 0; r == 0 && i < w.n; i++)
		r = visit(&w, v->v[w.queue[i]].before, err);
	for (size_t i = 0; r == 0 && i < v->n; i++)
		if (v->v[i].before && !w.seen[i])
			return bad(err, v->v[i].name,
				   "it is said to be published, but nobody delegated to it");
	return r;
}

static int check_known(const struct sut_tuf_meta *now, const struct sut_tuf_meta *known,
		       struct sut_err *err)
{
	int r;

	if (!now)
		return bad(err, "root", "the change does not hold the root that is published");
	if (now->version < known->version)
		return bad(err, "root",
			   "the change is made for an older root than the one you know");
	if (now->version == known->version)
		return now->canonical.len == known->canonical.len &&
				       memcmp(now->canonical.data, known->canonical.data,
					      known->canonical.len) == 0
			       ? 0
			       : bad(err, "root",
				     "it is not the root of this version that you know");
	r = sut_tuf_verify(now, &known->keys, &known->roles[SUT_TUF_ROOT], "root", NULL, err);
	if (r == -EKEYREJECTED)
		return sut_err_reason(err, EKEYREJECTED, "basis",
				      "root: version %lld, for which the change is made, is not "
				      "signed by the keys of the root that you know, version %lld. "
				      "Get the roots between them from somebody you trust, or sign "
				      "nothing",
				      (long long)now->version, (long long)known->version);
	return r;
}

int sut_basis_check(const struct sut_change *c, const struct sut_tuf_meta *known,
		    struct sut_err *err)
{
	_cleanup_(sut_change_view_release) struct sut_change_view v = {0};
	const struct sut_change_view_role *root;
	int r = sut_change_view_make(c, &v, err);

	for (size_t i = 0; r == 0 && i < v.n; i++) {
		r = check_ids(v.v[i].before, v.v[i].name, err);
		if (r == 0)
			r = check_ids(v.v[i].after, v.v[i].name, err);
	}
	if (r == 0)
		r = check_before(&v, err);
	if (r < 0)
		return r;
	root = sut_change_view_find(&v, "root");
	if (known)
		return check_known(root ? root->before : NULL, known, err);
	if (root && root->before)
		return 0;
	if (!root || !root->after || root->after->version != 1)
		return bad(err, "root", "the change does not hold the root that is published");
	return 0;
}

int sut_basis_root(const struct sut_change *c, int64_t *ret_version,
		   char ret_sha256[static SUT_DIGEST_HEX_MAX], struct sut_err *err)
{
	json_t *entry = json_object_get(json_object_get(c->doc, "roles"), "root"),
	       *doc = json_object_get(entry, "before");
	_cleanup_(sut_freep) char *text = NULL;

	if (!doc) {
		*ret_version = 0;
		return 0;
	}
	text = json_dumps(doc, JSON_COMPACT | JSON_SORT_KEYS);
	if (!text)
		return sut_err_oom(err);
	sut_sha256_hex(text, strlen(text), ret_sha256);
	*ret_version =
		json_integer_value(json_object_get(json_object_get(doc, "signed"), "version"));
	return 0;
}
