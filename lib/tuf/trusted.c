// SPDX-License-Identifier: Apache-2.0
#include "tuf/trusted.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/utf8.h"

struct trusted_role {
	char *role, *delegator;
	struct sut_tuf_meta *meta;
};

struct sut_tuf_trusted {
	int64_t now;
	bool root_done, rotated;
	struct sut_tuf_meta *root, *timestamp;
	struct sut_tuf_meta *earlier; /* the persisted snapshot, for rollback checks only */
	struct sut_tuf_meta *snapshot;
	struct trusted_role *roles; /* targets files, each as one delegator vouches for it */
	size_t nroles;
};

static int out_of_order(struct sut_err *err, const char *what)
{
	return sut_err_set(err, EPROTO,
			   "%s: not at this point of an update. This is a mistake of "
			   "the program: please report it",
			   what);
}

static bool is_expired(const struct sut_tuf_trusted *t, const struct sut_tuf_meta *m)
{
	return m->expires <= t->now;
}

static int check_expiry(const struct sut_tuf_trusted *t, const struct sut_tuf_meta *m,
			const char *what, struct sut_err *err)
{
	char expires[32], now[32];

	if (!is_expired(t, m))
		return 0;
	sut_tuf_time_format(m->expires, expires);
	sut_tuf_time_format(t->now, now);
	return sut_err_reason(err, EKEYEXPIRED, "expired",
			      "%s expired at %s, and now it is %s. If the clock is right, then the "
			      "repository is not kept up, or somebody keeps new files from this "
			      "machine: try another mirror, and tell the repository's operator",
			      what, expires, now);
}

static int rollback(struct sut_err *err, const char *what, const char *of, int64_t have,
		    int64_t got)
{
	return sut_err_reason(
		err, ESTALE, "rollback",
		"%s: version %lld of %s is older than %lld, which was seen before. The "
		"mirror is behind, or somebody offers old files: try another mirror",
		what, (long long)got, of, (long long)have);
}

static int wrong_version(struct sut_err *err, const char *what, int64_t want, int64_t got)
{
	return sut_err_reason(err, EBADMSG, "version",
			      "%s has version %lld; it has to be %lld. The mirror is between two "
			      "states, or somebody changed it: try again later",
			      what, (long long)got, (long long)want);
}

/* sut_tuf_ref_check() with the name of the file in front of its message. */
static int check_ref(const struct sut_tuf_ref *ref, const void *data, size_t len, const char *what,
		     struct sut_err *err)
{
	int r = sut_tuf_ref_check(ref, data, len, err);

	if (r == -EBADMSG)
		sut_err_prefix(err, "%s", what);
	return r;
}

/* ------------------------------------------------------------------ */
/* Root (5.2 and 5.3)                                                  */

int sut_tuf_trusted_new(const void *root, size_t len, int64_t now, struct sut_tuf_trusted **ret,
			struct sut_err *err)
{
	_cleanup_(sut_tuf_trusted_freep) struct sut_tuf_trusted *t = NULL;
	static const char what[] = "the trusted root";
	int r;

	t = calloc(1, sizeof(*t));
	if (!t)
		return sut_err_oom(err);
	t->now = now;
	r = sut_tuf_meta_parse(root, len, SUT_TUF_ROOT, what, &t->root, err);
	if (r == 0)
		r = sut_tuf_verify(t->root, &t->root->keys, &t->root->roles[SUT_TUF_ROOT], what,
				   NULL, err);
	if (r < 0)
		return r;
	*ret = sut_steal(t);
	return 0;
}

void sut_tuf_trusted_free(struct sut_tuf_trusted *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->nroles; i++) {
		free(t->roles[i].role);
		free(t->roles[i].delegator);
		sut_tuf_meta_free(t->roles[i].meta);
	}
	free(t->roles);
	sut_tuf_meta_free(t->root);
	sut_tuf_meta_free(t->timestamp);
	sut_tuf_meta_free(t->earlier);
	sut_tuf_meta_free(t->snapshot);
	free(t);
}

void sut_tuf_trusted_freep(struct sut_tuf_trusted **t)
{
	sut_tuf_trusted_free(*t);
}

static const struct sut_pubkey *key_of(const struct sut_tuf_meta *root, const char *id)
{
	for (size_t i = 0; i < root->keys.n; i++)
		if (!strcmp(root->keys.v[i].id, id))
			return root->keys.v[i].pub;
	return NULL;
}

/* Is there a key that could sign for the role by the old root and cannot by the new one? */
static bool keys_gone(const struct sut_tuf_meta *old, const struct sut_tuf_meta *new,
		      enum sut_tuf_type type)
{
	const struct sut_tuf_role *from = &old->roles[type], *to = &new->roles[type];
	const struct sut_pubkey *now[SUT_TUF_ROLE_KEYS_MAX];

	for (size_t i = 0; i < to->nkeyids; i++)
		now[i] = key_of(new, to->keyids[i]);
	for (size_t i = 0; i < from->nkeyids; i++) {
		const struct sut_pubkey *k = key_of(old, from->keyids[i]);
		bool found = !k; /* nobody could sign with it */

		for (size_t j = 0; !found && j < to->nkeyids; j++)
			found = now[j] && sut_pubkey_equal(k, now[j]);
		if (!found)
			return true;
	}
	return false;
}

int sut_tuf_trusted_root(struct sut_tuf_trusted *t, const void *data, size_t len,
			 struct sut_err *err)
{
	_cleanup_(sut_tuf_meta_freep) struct sut_tuf_meta *m = NULL;
	char what[40];
	int r;

	snprintf(what, sizeof(what), "%lld.root.json", (long long)t->root->version + 1);
	if (t->root_done)
		return out_of_order(err, what);
	r = sut_tuf_meta_parse(data, len, SUT_TUF_ROOT, what, &m, err);
	if (r == 0)
		r = sut_tuf_verify(m, &t->root->keys, &t->root->roles[SUT_TUF_ROOT], what, NULL,
				   err);
	if (r == 0)
		r = sut_tuf_verify(m, &m->keys, &m->roles[SUT_TUF_ROOT], what, NULL, err);
	if (r < 0)
		return r;
	if (m->version == t->root->version)
		return sut_err_reason(err, EALREADY, "rollback",
				      "%s is the root that is trusted already, under the number of "
				      "the next one",
				      what);
	if (m->version < t->root->version)
		return rollback(err, what, "it", t->root->version + 1, m->version);
	if (m->version != t->root->version + 1)
		return wrong_version(err, what, t->root->version + 1, m->version);
	if (keys_gone(t->root, m, SUT_TUF_TIMESTAMP) || keys_gone(t->root, m, SUT_TUF_SNAPSHOT))
		t->rotated = true;
	sut_tuf_meta_free(t->root);
	t->root = sut_steal(m);
	return 0;
}

int sut_tuf_trusted_root_done(struct sut_tuf_trusted *t, struct sut_err *err)
{
	int r;

	if (t->root_done)
		return out_of_order(err, "root.json");
	r = check_expiry(t, t->root, "root.json", err);
	if (r == 0)
		t->root_done = true;
	return r;
}

bool sut_tuf_trusted_rotated(const struct sut_tuf_trusted *t)
{
	return t->rotated;
}

/* ------------------------------------------------------------------ */
/* Timestamp (5.4)                                                     */

static int64_t snapshot_version(const struct sut_tuf_meta *timestamp)
{
	return timestamp->refs[0].version;
}

int sut_tuf_trusted_timestamp(struct sut_tuf_trusted *t, const void *data, size_t len, bool local,
			      struct sut_err *err)
{
	_cleanup_(sut_tuf_meta_freep) struct sut_tuf_meta *m = NULL;
	const char *what = local ? "the stored timestamp.json" : "timestamp.json";
	int r;

	if (!t->root_done || t->earlier || t->snapshot)
		return out_of_order(err, what);
	r = sut_tuf_meta_parse(data, len, SUT_TUF_TIMESTAMP, what, &m, err);
	if (r == 0)
		r = sut_tuf_verify(m, &t->root->keys, &t->root->roles[SUT_TUF_TIMESTAMP], what,
				   NULL, err);
	if (r < 0)
		return r;
	if (t->timestamp) {
		if (m->version < t->timestamp->version)
			return rollback(err, what, "it", t->timestamp->version, m->version);
		/* What changed under the same version is nobody's: the old one stays. */
		if (m->version == t->timestamp->version)
			return 1;
		if (snapshot_version(m) < snapshot_version(t->timestamp))
			return rollback(err, what, "snapshot.json", snapshot_version(t->timestamp),
					snapshot_version(m));
	}
	r = local ? 0 : check_expiry(t, m, what, err);
	if (r < 0)
		return r;
	sut_tuf_meta_free(t->timestamp);
	t->timestamp = sut_steal(m);
	return 0;
}

/* ------------------------------------------------------------------ */
/* Snapshot (5.5)                                                      */

/* The name of a file, from metadata, for messages: in one line. */
static void printable(char *out, size_t size, const char *s)
{
	snprintf(out, size, "%s", s);
	sut_make_printable(out, "");
}

static int check_snapshot_rollback(const struct sut_tuf_meta *old, const struct sut_tuf_meta *new,
				   const char *what, struct sut_err *err)
{
	char name[SUT_TUF_NAME_MAX + 1];

	if (new->version < old->version)
		return rollback(err, what, "it", old->version, new->version);
	for (size_t i = 0; i < old->nrefs; i++) {
		const struct sut_tuf_ref *ref = sut_tuf_ref(new, old->refs[i].name);

		printable(name, sizeof(name), old->refs[i].name);
		if (!ref)
			return sut_err_reason(
				err, ESTALE, "rollback",
				"%s does not name %s any more, which it named before. "
				"Somebody may be hiding files: tell the repository's "
				"operator",
				what, name);
		if (ref->version < old->refs[i].version)
			return rollback(err, what, name, old->refs[i].version, ref->version);
	}
	return 0;
}

/* Is a persisted snapshot the one that the timestamp names, and still good? 1, 0 or -ENOMEM. */
static int is_current(const struct sut_tuf_trusted *t, const struct sut_tuf_meta *m,
		      const void *data, size_t len)
{
	const struct sut_tuf_ref *ref = &t->timestamp->refs[0];
	int r;

	if (m->version != ref->version || is_expired(t, m))
		return 0;
	r = sut_tuf_ref_check(ref, data, len, NULL);
	return r == -ENOMEM ? r : r == 0;
}

int sut_tuf_trusted_snapshot(struct sut_tuf_trusted *t, const void *data, size_t len, bool local,
			     struct sut_err *err)
{
	_cleanup_(sut_tuf_meta_freep) struct sut_tuf_meta *m = NULL;
	const char *what = local ? "the stored snapshot.json" : "snapshot.json";
	int r;

	if (!t->timestamp || t->snapshot || (local && t->earlier))
		return out_of_order(err, what);
	r = check_expiry(t, t->timestamp, "timestamp.json", err);
	if (r < 0)
		return r;
	if (!local) {
		r = check_ref(&t->timestamp->refs[0], data, len, what, err);
		if (r < 0)
			return r;
	}
	r = sut_tuf_meta_parse(data, len, SUT_TUF_SNAPSHOT, what, &m, err);
	if (r == 0)
		r = sut_tuf_verify(m, &t->root->keys, &t->root->roles[SUT_TUF_SNAPSHOT], what, NULL,
				   err);
	if (r < 0)
		return r;
	if (local) {
		r = is_current(t, m, data, len);
		if (r < 0)
			return sut_err_oom(err);
		if (r == 0) {
			t->earlier = sut_steal(m);
			return 1;
		}
	}
	if (m->version != snapshot_version(t->timestamp))
		return wrong_version(err, what, snapshot_version(t->timestamp), m->version);
	r = t->earlier ? check_snapshot_rollback(t->earlier, m, what, err) : 0;
	if (r == 0)
		r = check_expiry(t, m, what, err);
	if (r < 0)
		return r;
	t->snapshot = sut_steal(m);
	return 0;
}

/* ------------------------------------------------------------------ */
/* Targets (5.6)                                                       */

/* Any entry of the role: all say the same, see below. */
static const struct sut_tuf_meta *find_role(const struct sut_tuf_trusted *t, const char *role)
{
	for (size_t i = 0; i < t->nroles; i++)
		if (!strcmp(t->roles[i].role, role))
			return t->roles[i].meta;
	return NULL;
}

/* Whose keys speak for the role, as the delegator has it. */
static int find_delegation(const struct sut_tuf_trusted *t, const char *role, const char *delegator,
			   const char *what, const struct sut_tuf_keys **ret_keys,
			   const struct sut_tuf_role **ret_role, struct sut_err *err)
{
	const struct sut_tuf_meta *m;

	if (!strcmp(delegator, "root")) {
		if (strcmp(role, "targets") != 0)
			return sut_err_reason(err, ENOENT, "missing",
					      "%s: the root delegates only to targets", what);
		*ret_keys = &t->root->keys;
		*ret_role = &t->root->roles[SUT_TUF_TARGETS];
		return 0;
	}
	m = find_role(t, delegator);
	if (!m)
		return out_of_order(err, what);
	for (size_t i = 0; i < m->ndelegations; i++)
		if (!strcmp(m->delegations[i].name, role)) {
			*ret_keys = &m->keys;
			*ret_role = &m->delegations[i].role;
			return 0;
		}
	return sut_err_reason(err, ENOENT, "missing",
			      "%s: the role it was looked up for does not delegate to it. Tell the "
			      "repository's operator",
			      what);
}

static int add_role(struct sut_tuf_trusted *t, const char *role, const char *delegator,
		    struct sut_tuf_meta **m)
{
	_cleanup_(sut_freep) char *r = strdup(role), *d = strdup(delegator);
	struct trusted_role *v;

	if (!r || !d || t->nroles >= SUT_TUF_ROLES_MAX)
		return -ENOMEM;
	v = realloc(t->roles, (t->nroles + 1) * sizeof(*v));
	if (!v)
		return -ENOMEM;
	t->roles = v;
	t->roles[t->nroles++] = (struct trusted_role){
		.role = sut_steal(r), .delegator = sut_steal(d), .meta = sut_steal(*m)};
	return 0;
}

int sut_tuf_trusted_targets(struct sut_tuf_trusted *t, const char *role, const char *delegator,
			    const void *data, size_t len, struct sut_err *err)
{
	_cleanup_(sut_tuf_meta_freep) struct sut_tuf_meta *m = NULL;
	char name[SUT_TUF_NAME_MAX + sizeof(".json")], what[sizeof(name)];
	const struct sut_tuf_meta *same;
	const struct sut_tuf_keys *keys = NULL;
	const struct sut_tuf_role *signers = NULL;
	const struct sut_tuf_ref *ref;
	int r;

	if ((size_t)snprintf(name, sizeof(name), "%s.json", role) >= sizeof(name))
		return sut_err_reason(err, ENAMETOOLONG, "missing",
				      "no role has a name of more than %d bytes", SUT_TUF_NAME_MAX);
	printable(what, sizeof(what), name);
	if (!t->snapshot)
		return out_of_order(err, what);
	r = find_delegation(t, role, delegator, what, &keys, &signers, err);
	if (r < 0)
		return r;
	ref = sut_tuf_ref(t->snapshot, name);
	if (!ref)
		return sut_err_reason(
			err, ENOENT, "missing",
			"%s is not named in snapshot.json, although a role delegates to "
			"it. Tell the repository's operator",
			what);
	r = check_ref(ref, data, len, what, err);
	if (r < 0)
		return r;
	r = sut_tuf_meta_parse(data, len, SUT_TUF_TARGETS, what, &m, err);
	if (r == 0)
		r = sut_tuf_verify(m, keys, signers, what, NULL, err);
	if (r < 0)
		return r;
	if (m->version != ref->version)
		return wrong_version(err, what, ref->version, m->version);
	r = check_expiry(t, m, what, err);
	if (r < 0)
		return r;
	/* A snapshot names one file. If it came with two contents under two delegators, then
	 * what the role delegates would depend on the way to it. */
	same = find_role(t, role);
	if (same && (same->canonical.len != m->canonical.len ||
		     memcmp(same->canonical.data, m->canonical.data, m->canonical.len) != 0))
		return sut_err_reason(err, EBADMSG, "hash",
				      "%s came with two contents in one update. Somebody may have "
				      "changed it: try again, and tell the repository's operator",
				      what);
	/* What was handed out stays where it is. */
	if (sut_tuf_trusted_role(t, role, delegator))
		return 0;
	return add_role(t, role, delegator, &m) < 0 ? sut_err_oom(err) : 0;
}

/* ------------------------------------------------------------------ */

const struct sut_tuf_meta *sut_tuf_trusted_get(const struct sut_tuf_trusted *t,
					       enum sut_tuf_type type)
{
	switch (type) {
	case SUT_TUF_ROOT:
		return t->root;
	case SUT_TUF_TIMESTAMP:
		return t->timestamp;
	case SUT_TUF_SNAPSHOT:
		return t->snapshot;
	case SUT_TUF_TARGETS:
		return sut_tuf_trusted_role(t, "targets", "root");
	}
	return NULL;
}

const struct sut_tuf_meta *sut_tuf_trusted_role(const struct sut_tuf_trusted *t, const char *role,
						const char *delegator)
{
	for (size_t i = 0; i < t->nroles; i++)
		if (!strcmp(t->roles[i].role, role) && !strcmp(t->roles[i].delegator, delegator))
			return t->roles[i].meta;
	return NULL;
}
