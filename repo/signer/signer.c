// SPDX-License-Identifier: Apache-2.0
#include "signer/signer.h"

#include <errno.h>
#include <string.h>

#include "signer/view.h"
#include "tuf/json.h"

static const char spec_version[] = "1.0.34";

/* One request on its way. */
struct job {
	struct sut_signer *s;
	const struct sut_signer_request *q;
	int64_t now;
	struct sut_view view;
	const struct sut_tuf_meta *floor; /* the last snapshot when it still binds, or NULL */
	struct sut_buf snapshot, timestamp;
	int64_t snapshot_version, timestamp_version;
};

static void job_release(struct job *j)
{
	sut_view_release(&j->view);
	sut_buf_release(&j->snapshot);
	sut_buf_release(&j->timestamp);
}

/* ------------------------------------------------------------------ */
/* Which versions. */

/* The entry of a role in the last snapshot, or NULL. */
static const struct sut_tuf_ref *last_of(const struct job *j, const char *role)
{
	const struct sut_tuf_meta *last = j->s->state.floor;
	char name[SUT_SIGNER_NAME_MAX + 8];

	snprintf(name, sizeof(name), "%s.json", role);
	return last ? sut_tuf_ref(last, name) : NULL;
}

static int version_of(void *ctx, const char *role, int64_t *ret, struct sut_err *err)
{
	const struct job *j = ctx;
	const struct sut_tuf_ref *last = last_of(j, role);
	int64_t version = last ? last->version : 0;

	for (size_t i = 0; i < j->q->nroles; i++)
		if (sut_streq(j->q->roles[i].name, role))
			version = j->q->roles[i].version;
	if (version == 0)
		return sut_err_reason(err, EBADMSG, "missing",
				      "there is a delegation to the role %s, and nobody says which "
				      "version of it. Name it in the request",
				      role);
	if (j->floor && last && version < last->version)
		return sut_err_reason(
			err, EBADMSG, "rollback",
			"version %lld of the role %s was signed before, and a lower one "
			"(%lld) is asked for. Publish version %lld or a newer one",
			(long long)last->version, role, (long long)version,
			(long long)last->version);
	*ret = version;
	return 0;
}

/* What is new must be good for some time; what was signed before may run out, and clients
 * say so: a stop flag must get out although another role is late. */
static int check_expiry(const struct job *j, struct sut_err *err)
{
	for (size_t i = 0; i < j->view.nroles; i++) {
		const struct sut_view_role *r = &j->view.roles[i];
		const struct sut_tuf_ref *last = last_of(j, r->name);
		char text[32];

		if (r->meta->expires > j->now || (last && last->version == r->version))
			continue;
		sut_tuf_time_format(r->meta->expires, text);
		return sut_err_reason(err, EBADMSG, "expired",
				      "version %lld of the role %s has expired (%s). Sign a new "
				      "version of it",
				      (long long)r->version, r->name, text);
	}
	return 0;
}

static int check_named(const struct job *j, struct sut_err *err)
{
	for (size_t i = 0; i < j->q->nroles; i++)
		if (!sut_view_role(&j->view, j->q->roles[i].name))
			return sut_err_reason(err, EBADMSG, "missing",
					      "nobody delegates to the role %s, which the request "
					      "names. Delegate to it first",
					      j->q->roles[i].name);
	return 0;
}

/* ------------------------------------------------------------------ */
/* Documents. */

static json_t *new_signed(const char *type, int64_t version, int64_t expires)
{
	char text[32];

	sut_tuf_time_format(expires, text);
	return json_pack("{s:s,s:s,s:I,s:s,s:{}}", "_type", type, "spec_version", spec_version,
			 "version", (json_int_t)version, "expires", text, "meta");
}

static int add_ref(json_t *signed_part, const char *name, int64_t version, int64_t length,
		   const char *sha256, struct sut_err *err)
{
	json_t *meta = json_object_get(signed_part, "meta");
	json_t *ref = json_pack("{s:I,s:I,s:{s:s}}", "version", (json_int_t)version, "length",
				(json_int_t)length, "hashes", "sha256", sha256);

	return json_object_set_new(meta, name, ref) < 0 ? sut_err_oom(err) : 0;
}

/* A role that nobody delegates to any more stays listed: clients refuse a snapshot from
 * which one has gone (TUF 5.5.5). */
static int add_retired(const struct job *j, json_t *signed_part, struct sut_err *err)
{
	const json_t *meta = json_object_get(signed_part, "meta");

	for (size_t i = 0; j->floor && i < j->floor->nrefs; i++) {
		const struct sut_tuf_ref *ref = &j->floor->refs[i];
		int r;

		if (json_object_get(meta, ref->name))
			continue;
		r = add_ref(signed_part, ref->name, ref->version, ref->length,
			    ref->hashes.sha256 ? ref->hashes.sha256 : "", err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int make_snapshot(struct job *j, struct sut_err *err)
{
	int64_t version = j->s->state.snapshot_version + 1;
	_cleanup_json_ json_t *sp = new_signed("snapshot", version, j->now + j->s->snapshot_sec);
	int r = sp ? 0 : sut_err_oom(err);

	for (size_t i = 0; r == 0 && i < j->view.nroles; i++) {
		const struct sut_view_role *role = &j->view.roles[i];
		char name[SUT_SIGNER_NAME_MAX + 8];

		snprintf(name, sizeof(name), "%s.json", role->name);
		r = add_ref(sp, name, role->version, (int64_t)role->text.len, role->sha256, err);
	}
	if (r == 0)
		r = add_retired(j, sp, err);
	if (r == 0)
		r = sut_online_sign(&j->s->snapshot_keys, j->view.root, SUT_TUF_SNAPSHOT, sp,
				    &j->snapshot, err);
	if (r == 0)
		j->snapshot_version = version;
	return r;
}

static int make_timestamp(struct job *j, struct sut_err *err)
{
	int64_t version = j->s->state.timestamp_version + 1;
	_cleanup_json_ json_t *sp = new_signed("timestamp", version, j->now + j->s->timestamp_sec);
	char sha256[SUT_DIGEST_HEX_MAX];
	int r = sp ? 0 : sut_err_oom(err);

	if (r == 0)
		r = sut_digest_of(SUT_DIGEST_SHA256, j->snapshot.data, j->snapshot.len, sha256,
				  err);
	if (r == 0)
		r = add_ref(sp, "snapshot.json", j->snapshot_version, (int64_t)j->snapshot.len,
			    sha256, err);
	if (r == 0)
		r = sut_online_sign(&j->s->timestamp_keys, j->view.root, SUT_TUF_TIMESTAMP, sp,
				    &j->timestamp, err);
	if (r == 0)
		j->timestamp_version = version;
	return r;
}

/* Can the last snapshot be used again: by the keys of today, the same files, half of its time left? */
static bool still_good(const struct job *j)
{
	const struct sut_tuf_meta *m = j->floor;

	if (!m || m->expires - j->now < j->s->snapshot_sec / 2 ||
	    sut_tuf_verify(m, &j->view.root->keys, &j->view.root->roles[SUT_TUF_SNAPSHOT],
			   "the last snapshot", NULL, NULL) < 0)
		return false;
	for (size_t i = 0; i < j->view.nroles; i++) {
		const struct sut_view_role *role = &j->view.roles[i];
		const struct sut_tuf_ref *ref = last_of(j, role->name);

		if (!ref || ref->version != role->version ||
		    sut_tuf_ref_check(ref, role->text.data, role->text.len, NULL) < 0)
			return false;
	}
	return true;
}

static int keep_snapshot(struct job *j, struct sut_err *err)
{
	const struct sut_buf *last = &j->s->state.snapshot;

	if (sut_buf_add(&j->snapshot, last->data, last->len) < 0)
		return sut_err_oom(err);
	j->snapshot_version = j->floor->version;
	return 0;
}

/* ------------------------------------------------------------------ */
/* A client's view of the result: what it would refuse does not leave. */

static int check_as_client(struct job *j, struct sut_err *err)
{
	struct sut_view *v = &j->view;
	int r = sut_tuf_trusted_timestamp(v->trusted, j->timestamp.data, j->timestamp.len, false,
					  err);

	if (r >= 0)
		r = sut_tuf_trusted_snapshot(v->trusted, j->snapshot.data, j->snapshot.len, false,
					     err);
	for (size_t i = 0; r >= 0 && i < v->nedges; i++) {
		const struct sut_view_edge *e = &v->edges[i];
		const struct sut_view_role *role = &v->roles[e->role];
		const struct sut_view_role *by = e->delegator < 0 ? NULL : &v->roles[e->delegator];

		/* Clients do not get past these, and the expiry is reported. */
		if (role->meta->expires <= j->now || (by && by->meta->expires <= j->now))
			continue;
		r = sut_tuf_trusted_targets(v->trusted, role->name, by ? by->name : "root",
					    role->text.data, role->text.len, err);
	}
	return r < 0 ? r : 0;
}

/* ------------------------------------------------------------------ */

static int keep_state(struct job *j, struct sut_err *err)
{
	_cleanup_(sut_signer_state_release) struct sut_signer_state n = {
		.timestamp_version = j->timestamp_version,
		.snapshot_version = j->snapshot_version,
		.root = SUT_BUF_INIT(SUT_TUF_ROOT_MAX),
		.snapshot = SUT_BUF_INIT(SUT_TUF_SNAPSHOT_MAX),
	};
	const struct sut_buf *root = &j->view.root_text;
	int r;

	if (sut_buf_add(&n.root, root->data, root->len) < 0 ||
	    sut_buf_add(&n.snapshot, j->snapshot.data, j->snapshot.len) < 0)
		return sut_err_oom(err);
	r = sut_tuf_meta_parse(n.snapshot.data, n.snapshot.len, SUT_TUF_SNAPSHOT, "the snapshot",
			       &n.floor, err);
	if (r == 0)
		r = sut_signer_state_bind(&n, j->view.root, err);
	if (r == 0)
		r = sut_signer_state_write(j->s->dir, &n, err);
	if (r < 0)
		return r;
	sut_signer_state_release(&j->s->state);
	j->s->state = n;
	n = (struct sut_signer_state){0};
	return 0;
}

static int make_answer(const struct job *j, json_t **ret, struct sut_err *err)
{
	json_t *expired = json_array();
	_cleanup_json_ json_t *a = json_pack(
		"{s:s#,s:I,s:s#,s:I,s:o}", "snapshot", sut_buf_str(&j->snapshot), j->snapshot.len,
		"snapshot_version", (json_int_t)j->snapshot_version, "timestamp",
		sut_buf_str(&j->timestamp), j->timestamp.len, "timestamp_version",
		(json_int_t)j->timestamp_version, "expired", expired);

	if (!a)
		return sut_err_oom(err);
	for (size_t i = 0; i < j->view.nroles; i++) {
		const struct sut_view_role *r = &j->view.roles[i];

		if (r->meta->expires <= j->now &&
		    json_array_append_new(expired, json_string(r->name)) < 0)
			return sut_err_oom(err);
	}
	*ret = sut_steal(a);
	return 0;
}

static int open_view(struct job *j, struct sut_err *err)
{
	struct sut_signer *s = j->s;
	int r = sut_view_open(s->metadata, &s->state.root, j->q->root, j->q->root_len, j->now,
			      &j->view, err);

	if (r == 0)
		r = sut_online_keys_check(&s->snapshot_keys, j->view.root, SUT_TUF_SNAPSHOT, err);
	if (r == 0)
		r = sut_online_keys_check(&s->timestamp_keys, j->view.root, SUT_TUF_TIMESTAMP, err);
	if (r == 0)
		j->floor =
			sut_signer_state_rotated(&s->state, j->view.root) ? NULL : s->state.floor;
	return r;
}

static int sign(struct sut_signer *s, const struct sut_signer_request *q, json_t **ret,
		struct sut_err *err)
{
	_cleanup_(job_release) struct job j = {
		.s = s,
		.q = q,
		.now = s->now(),
		.view = {.dir = -1},
		.snapshot = SUT_BUF_INIT(SUT_SIGNER_SNAPSHOT_MAX),
		.timestamp = SUT_BUF_INIT(SUT_SIGNER_TIMESTAMP_MAX),
	};
	const struct sut_view_ask ask = {version_of, &j};
	_cleanup_json_ json_t *answer = NULL;
	int r = open_view(&j, err);

	if (r == 0)
		r = sut_tuf_trusted_root_done(j.view.trusted, err);
	if (r == 0)
		r = sut_view_roles(&j.view, &ask, err);
	if (r == 0)
		r = check_named(&j, err);
	if (r == 0)
		r = check_expiry(&j, err);
	if (r == 0)
		r = q->op == SUT_SIGNER_TIMESTAMP && still_good(&j) ? keep_snapshot(&j, err)
								    : make_snapshot(&j, err);
	if (r == 0)
		r = make_timestamp(&j, err);
	if (r == 0)
		r = check_as_client(&j, err);
	if (r == 0)
		r = make_answer(&j, &answer, err);
	/* The last thing that can fail: from here on these versions count as given away. */
	if (r == 0)
		r = keep_state(&j, err);
	if (r == 0)
		*ret = sut_steal(answer);
	return r;
}

static int add_expiry(json_t *a, const char *key, int64_t t, struct sut_err *err)
{
	char text[32];

	sut_tuf_time_format(t, text);
	return json_object_set_new(a, key, json_string(text)) < 0 ? sut_err_oom(err) : 0;
}

static int status(const struct sut_signer *s, json_t **ret, struct sut_err *err)
{
	json_t *roles = json_object();
	_cleanup_json_ json_t *a = json_pack(
		"{s:s,s:I,s:I,s:o,s:I,s:I}", "version", SUTURE_VERSION, "snapshot_version",
		(json_int_t)s->state.snapshot_version, "timestamp_version",
		(json_int_t)s->state.timestamp_version, "roles", roles, "snapshot_seconds",
		(json_int_t)s->snapshot_sec, "timestamp_seconds", (json_int_t)s->timestamp_sec);
	const struct sut_tuf_meta *f = s->state.floor;

	if (!a)
		return sut_err_oom(err);
	for (size_t i = 0; f && i < f->nrefs; i++) {
		char name[SUT_TUF_NAME_MAX + 8];

		/* "kernel.json" is the role kernel */
		snprintf(name, sizeof(name), "%s", f->refs[i].name);
		if (sut_endswith(name, ".json"))
			name[strlen(name) - 5] = '\0';
		if (json_object_set_new(roles, name, json_integer(f->refs[i].version)) < 0)
			return sut_err_oom(err);
	}
	if (f) {
		int r = add_expiry(a, "snapshot_expires", f->expires, err);

		if (r < 0)
			return r;
	}
	*ret = sut_steal(a);
	return 0;
}

int sut_signer_handle(struct sut_signer *s, const void *data, size_t len, json_t **ret_answer,
		      struct sut_err *err)
{
	_cleanup_(sut_signer_request_release) struct sut_signer_request q = {0};
	int r = sut_signer_request_parse(data, len, &q, err);

	if (r < 0)
		return r;
	return q.op == SUT_SIGNER_STATUS ? status(s, ret_answer, err)
					 : sign(s, &q, ret_answer, err);
}

/* ------------------------------------------------------------------ */
/* The first start. */

/* A document of the folder when it was signed with the keys of the root; 1 when there is none. */
static int read_signed(const struct sut_view *v, const char *name, enum sut_tuf_type type,
		       struct sut_buf *text, struct sut_tuf_meta **ret, struct sut_err *err)
{
	struct sut_err e = {0};
	int r = sut_view_read(v, name, text, &e);

	if (r == -ENOENT)
		return 1;
	if (r == 0)
		r = sut_tuf_meta_parse(text->data, text->len, type, name, ret, &e);
	if (r == 0)
		r = sut_tuf_verify(*ret, &v->root->keys, &v->root->roles[type], name, NULL, &e);
	/* Of other keys, from before a rotation: clients forget it too. */
	if (r == -EKEYREJECTED)
		return 1;
	if (r < 0 && err)
		*err = e;
	return r;
}

static int take_over(struct sut_signer_state *st, const struct sut_view *v, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf text = SUT_BUF_INIT(SUT_TUF_TIMESTAMP_MAX);
	_cleanup_(sut_tuf_meta_freep) struct sut_tuf_meta *ts = NULL;
	char name[64];
	int r = read_signed(v, "timestamp.json", SUT_TUF_TIMESTAMP, &text, &ts, err);

	if (r != 0)
		return r < 0 ? r : 0;
	snprintf(name, sizeof(name), "%lld.snapshot.json", (long long)ts->refs[0].version);
	r = read_signed(v, name, SUT_TUF_SNAPSHOT, &st->snapshot, &st->floor, err);
	if (r == 1)
		return sut_err_reason(
			err, EBADMSG, "state",
			"the metadata folder has a timestamp of these keys, and %s is "
			"missing or of other keys. Restore it, or the state of the "
			"signer",
			name);
	if (r < 0)
		return r;
	st->timestamp_version = ts->version;
	st->snapshot_version = st->floor->version;
	return sut_signer_state_bind(st, v->root, err);
}

static int first_state(struct sut_signer *s, const struct sut_buf *root, struct sut_err *err)
{
	_cleanup_(sut_signer_state_release) struct sut_signer_state st = {
		.root = SUT_BUF_INIT(SUT_TUF_ROOT_MAX),
		.snapshot = SUT_BUF_INIT(SUT_TUF_SNAPSHOT_MAX),
	};
	_cleanup_(sut_view_release) struct sut_view v = {.dir = -1};
	int r;

	if (sut_buf_add(&st.root, root->data, root->len) < 0)
		return sut_err_oom(err);
	r = sut_view_open(s->metadata, root, NULL, 0, s->now(), &v, err);
	if (r == 0)
		r = take_over(&st, &v, err);
	if (r < 0)
		return r;
	s->state = st;
	st = (struct sut_signer_state){0};
	return 0;
}

int sut_signer_start(struct sut_signer *s, const struct sut_buf *root, struct sut_err *err)
{
	struct sut_signer_request none = {0};
	struct sut_err e = {0};
	struct job j = {.s = s, .q = &none, .now = s->now(), .view = {.dir = -1}};
	int r = sut_signer_state_read(s->dir, &s->state, &e);

	if (r == -ENOENT)
		r = first_state(s, root, &e);
	/* An expired root is no reason: whoever publishes the next one needs us. */
	if (r == 0)
		r = open_view(&j, &e);
	job_release(&j);
	if (r < 0 && err)
		*err = e;
	return r;
}

void sut_signer_release(struct sut_signer *s)
{
	sut_online_keys_release(&s->snapshot_keys);
	sut_online_keys_release(&s->timestamp_keys);
	sut_signer_state_release(&s->state);
}
