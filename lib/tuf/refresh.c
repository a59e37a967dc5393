// SPDX-License-Identifier: Apache-2.0
/* The update of metadata: sections 5.3 to 5.6 with files and network around trusted.h. */
#include "tuf/refresh.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "base/utf8.h"
#include "http/http.h"

/* version 0: the name has no version in it. */
static int fetch(struct sut_tuf_client *c, const char *role, int64_t version, int64_t length,
		 int64_t cap, struct sut_buf *out, struct sut_err *err)
{
	_cleanup_(sut_freep) char *name = sut_http_quote(role), *url = NULL;
	char prefix[32] = "";

	if (version > 0)
		snprintf(prefix, sizeof(prefix), "%lld.", (long long)version);
	url = name ? sut_sprintf("%s/%s%s.json", c->metadata_url, prefix, name) : NULL;
	if (!url)
		return sut_err_oom(err);
	if (length >= 0 && length < cap)
		cap = length;
	*out = SUT_BUF_INIT((size_t)cap);
	return c->fetcher.get(c->fetcher.ctx, url, (size_t)cap, out, err);
}

/* A role's name in a message: in one line. */
enum { SHOWN_MAX = 100 };

static void show(const char *role, char ret[static SHOWN_MAX])
{
	snprintf(ret, SHOWN_MAX, "%s", role);
	sut_make_printable(ret, "");
}

/* A file that has to be there. "Not found" must not be taken for "no such target" further up. */
static int fetch_named(struct sut_tuf_client *c, const char *role, int64_t version, int64_t length,
		       int64_t cap, struct sut_buf *out, struct sut_err *err)
{
	int r = fetch(c, role, version, length, cap, out, err);
	char shown[SHOWN_MAX];

	if (r != -ENOENT)
		return r;
	show(role, shown);
	return sut_err_reason(err, EREMOTEIO, "missing",
			      "the repository lacks its metadata file of the role '%s'%s%s. Is it "
			      "the right address? If so, its operator has to publish again",
			      shown, err ? ": " : "", err ? err->msg : "");
}

/*
 * 1 when there is a file, 0 when there is none or one that is no use (a damaged copy is fetched
 * again); an error when it cannot be told, since without the local copies an old file
 * would look new.
 */
static int local(struct sut_tuf_client *c, const char *role, size_t cap, struct sut_buf *out,
		 struct sut_err *err)
{
	int r;

	*out = SUT_BUF_INIT(cap);
	r = sut_tuf_store_get(c->store, role, out, err);
	return r == 0 ? 1 : r == -ENOENT || r == -EFBIG || r == -ELOOP || r == -EINVAL ? 0 : r;
}

/* Does an error on local bytes say that they are no use, or that we are in trouble ourselves? */
static bool is_trouble(int r)
{
	return r == -ENOMEM || r == -EIO;
}

static int persist(struct sut_tuf_client *c, const char *role, const struct sut_buf *b,
		   struct sut_err *err)
{
	c->changed = true;
	return sut_tuf_store_put(c->store, role, b->data, b->len, err);
}

static int load_trusted_root(struct sut_tuf_client *c, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_TUF_ROOT_MAX);
	int r = sut_tuf_store_get(c->store, "root", &b, err);

	if (r == -ENOENT)
		return sut_err_reason(err, ENOENT, "no-root",
				      "no trusted root is there yet; put one there first (init)");
	if (r == 0)
		r = sut_tuf_trusted_new(b.data, b.len, c->now, &c->trusted, err);
	if (r < 0 && err && !is_trouble(r))
		return sut_err_set(err, -r,
				   "the trusted root here is of no use (%s). Put a root that you "
				   "trust there again (init)",
				   err->msg);
	return r;
}

/* 5.3: each root is persisted before the next one is asked for, so what was reached stays reached. */
static int update_root(struct sut_tuf_client *c, struct sut_err *err)
{
	for (int i = 0; i < SUT_TUF_ROTATIONS_MAX; i++) {
		const struct sut_tuf_meta *root = sut_tuf_trusted_get(c->trusted, SUT_TUF_ROOT);
		_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(0);
		int r = fetch(c, "root", root->version + 1, -1, SUT_TUF_ROOT_MAX, &b, err);

		if (r == -ENOENT)
			break;
		if (r == 0)
			r = sut_tuf_trusted_root(c->trusted, b.data, b.len, err);
		if (r == -EALREADY)
			break;
		if (r == 0)
			r = persist(c, "root", &b, err);
		if (r < 0)
			return r;
	}
	return sut_tuf_trusted_root_done(c->trusted, err);
}

/* How many of its signatures are in the name of a key that the role has now. */
static size_t signatures_of(const struct sut_tuf_meta *m, const struct sut_tuf_role *role)
{
	const json_t *sigs = json_object_get(m->doc, "signatures");
	size_t n = 0;

	for (size_t i = 0; i < json_array_size(sigs); i++) {
		const char *id =
			json_string_value(json_object_get(json_array_get(sigs, i), "keyid"));

		for (size_t k = 0; id && k < role->nkeyids; k++)
			n += !strcmp(role->keyids[k], id);
	}
	return n;
}

/* 1 when a local file of this role cannot be signed by the keys that the root has now. The names of the
 * keys tell, since it was verified when it came. */
static int is_of_old_keys(struct sut_tuf_client *c, enum sut_tuf_type type, size_t cap,
			  struct sut_err *err)
{
	_cleanup_(sut_tuf_meta_freep) struct sut_tuf_meta *m = NULL;
	const struct sut_tuf_meta *root = sut_tuf_trusted_get(c->trusted, SUT_TUF_ROOT);
	const char *name = sut_tuf_type_name(type);
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(0);
	int r = local(c, name, cap, &b, err);

	if (r <= 0)
		return r;
	r = sut_tuf_meta_parse(b.data, b.len, type, name, &m, err);
	if (r < 0)
		return is_trouble(r) ? r : 0;
	return signatures_of(m, &root->roles[type]) < root->roles[type].threshold;
}

/*
 * 5.3.11. sut_tuf_trusted_rotated() knows of this run only. When an earlier one ended between
 * persisting the root and deleting, or between the two deletions, the files themselves tell; so the
 * one that tells goes last.
 */
static int forget_rotated(struct sut_tuf_client *c, struct sut_err *err)
{
	static const char *const names[] = {"snapshot", "timestamp"};
	int timestamp, snapshot, r;

	timestamp = is_of_old_keys(c, SUT_TUF_TIMESTAMP, SUT_TUF_TIMESTAMP_MAX, err);
	if (timestamp < 0)
		return timestamp;
	snapshot = is_of_old_keys(c, SUT_TUF_SNAPSHOT, SUT_TUF_SNAPSHOT_MAX, err);
	if (snapshot < 0)
		return snapshot;
	if (!timestamp && !snapshot && !sut_tuf_trusted_rotated(c->trusted))
		return 0;
	r = sut_tuf_store_remove(c->store, names[snapshot], err);
	return r < 0 ? r : sut_tuf_store_remove(c->store, names[!snapshot], err);
}

static int update_timestamp(struct sut_tuf_client *c, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf old = SUT_BUF_INIT(0), b = SUT_BUF_INIT(0);
	int r = local(c, "timestamp", SUT_TUF_TIMESTAMP_MAX, &old, err);

	if (r > 0) {
		r = sut_tuf_trusted_timestamp(c->trusted, old.data, old.len,
					      /* local= */ true, err);
		if (is_trouble(r))
			return r;
	} else if (r < 0) {
		return r;
	}
	r = fetch_named(c, "timestamp", 0, -1, SUT_TUF_TIMESTAMP_MAX, &b, err);
	if (r == 0)
		r = sut_tuf_trusted_timestamp(c->trusted, b.data, b.len, /* local= */ false, err);
	if (r == 0)
		return persist(c, "timestamp", &b, err);
	return r < 0 ? r : 0;
}

static int update_snapshot(struct sut_tuf_client *c, struct sut_err *err)
{
	const struct sut_tuf_meta *root = sut_tuf_trusted_get(c->trusted, SUT_TUF_ROOT);
	const struct sut_tuf_meta *ts = sut_tuf_trusted_get(c->trusted, SUT_TUF_TIMESTAMP);
	const struct sut_tuf_ref *ref = sut_tuf_ref(ts, "snapshot.json");
	_cleanup_buf_ struct sut_buf old = SUT_BUF_INIT(0), b = SUT_BUF_INIT(0);
	int r;

	if (!ref)
		return sut_err_reason(
			err, EBADMSG, "format",
			"the timestamp of the repository names no snapshot; its operator "
			"has to publish again");
	/* An equal timestamp is kept without a look at its expiry (5.4.3), which is due here. */
	if (ts->expires <= c->now)
		return sut_err_reason(err, EKEYEXPIRED, "expired",
				      "the timestamp of the repository has expired. Is the clock "
				      "right? If so, its operator has to renew it");
	r = local(c, "snapshot", SUT_TUF_SNAPSHOT_MAX, &old, err);
	if (r < 0)
		return r;
	if (r > 0) {
		r = sut_tuf_trusted_snapshot(c->trusted, old.data, old.len,
					     /* local= */ true, err);
		if (r == 0 || is_trouble(r))
			return r;
	}
	r = fetch_named(c, "snapshot", root->consistent_snapshot ? ref->version : 0, ref->length,
			SUT_TUF_SNAPSHOT_MAX, &b, err);
	if (r == 0)
		r = sut_tuf_trusted_snapshot(c->trusted, b.data, b.len, /* local= */ false, err);
	return r < 0 ? r : persist(c, "snapshot", &b, err);
}

int sut_tuf_load_role(struct sut_tuf_client *c, const char *role, const char *delegator,
		      const struct sut_tuf_meta **ret, struct sut_err *err)
{
	const struct sut_tuf_meta *root = sut_tuf_trusted_get(c->trusted, SUT_TUF_ROOT);
	const struct sut_tuf_meta *snapshot = sut_tuf_trusted_get(c->trusted, SUT_TUF_SNAPSHOT);
	const struct sut_tuf_meta *m = sut_tuf_trusted_role(c->trusted, role, delegator);
	_cleanup_buf_ struct sut_buf old = SUT_BUF_INIT(0), b = SUT_BUF_INIT(0);
	_cleanup_(sut_freep) char *name = sut_sprintf("%s.json", role);
	const struct sut_tuf_ref *ref;
	char shown[SHOWN_MAX];
	int r;

	if (!name)
		return sut_err_oom(err);
	if (m) {
		*ret = m;
		return 0;
	}
	ref = sut_tuf_ref(snapshot, name);
	if (!ref) {
		show(role, shown);
		return sut_err_reason(err, EBADMSG, "missing",
				      "the snapshot of the repository does not name the role "
				      "'%s'; its operator has to publish again",
				      shown);
	}
	r = local(c, role, SUT_TUF_TARGETS_MAX, &old, err);
	if (r > 0) {
		r = sut_tuf_trusted_targets(c->trusted, role, delegator, old.data, old.len, err);
		if (is_trouble(r))
			return r;
		if (r == 0)
			goto found;
	} else if (r < 0) {
		return r;
	}
	r = fetch_named(c, role, root->consistent_snapshot ? ref->version : 0, ref->length,
			SUT_TUF_TARGETS_MAX, &b, err);
	if (r == 0)
		r = sut_tuf_trusted_targets(c->trusted, role, delegator, b.data, b.len, err);
	if (r == 0)
		r = persist(c, role, &b, err);
	if (r < 0)
		return r;
found:
	*ret = sut_tuf_trusted_role(c->trusted, role, delegator);
	return 0;
}

static int refresh(struct sut_tuf_client *c, struct sut_err *err)
{
	const struct sut_tuf_meta *targets;
	int r = load_trusted_root(c, err);

	if (r == 0)
		r = update_root(c, err);
	if (r == 0)
		r = forget_rotated(c, err);
	if (r == 0)
		r = update_timestamp(c, err);
	if (r == 0)
		r = update_snapshot(c, err);
	if (r == 0)
		r = sut_tuf_load_role(c, "targets", "root", &targets, err);
	return r;
}

int sut_tuf_refresh(struct sut_tuf_client *c, struct sut_err *err)
{
	/* Messages say why something failed, and are put together from one another. */
	struct sut_err own = {0};
	int r;

	if (!err)
		err = &own;
	if (c->state != SUT_TUF_FRESH)
		return sut_err_set(
			err, EALREADY,
			"this client has been refreshed; make a new one for each update");
	r = refresh(c, err);
	c->state = r < 0 ? SUT_TUF_FAILED : SUT_TUF_REFRESHED;
	return r;
}

bool sut_tuf_changed(const struct sut_tuf_client *c)
{
	return c->changed;
}
