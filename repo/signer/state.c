// SPDX-License-Identifier: Apache-2.0
#include "signer/state.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "tuf/json.h"

static const char format_name[] = "suture-signer-state";

static int bad(struct sut_err *err, const char *what)
{
	return sut_err_reason(err, EBADMSG, "state",
			      "the state of the signer is damaged (%s). Restore state.json from a "
			      "backup that is not older than what was published last",
			      what);
}

static int take_text(const json_t *j, const char *key, struct sut_buf *out, struct sut_err *err)
{
	const json_t *v = json_object_get(j, key);

	if (!json_is_string(v))
		return bad(err, key);
	if (json_string_length(v) &&
	    sut_buf_add(out, json_string_value(v), json_string_length(v)) < 0)
		return sut_err_oom(err);
	return 0;
}

static int take_version(const json_t *j, const char *key, int64_t *ret, struct sut_err *err)
{
	const json_t *v = json_object_get(j, key);

	*ret = json_integer_value(v);
	return json_is_integer(v) && *ret >= 0 ? 0 : bad(err, key);
}

static int take_keyids(const json_t *j, struct sut_strv *out, struct sut_err *err)
{
	const json_t *list = json_object_get(j, "keyids"), *v;
	size_t i;

	if (!json_is_array(list))
		return bad(err, "keyids");
	json_array_foreach(list, i, v) {
		if (!json_is_string(v))
			return bad(err, "keyids");
		if (sut_strv_add(out, json_string_value(v)) < 0)
			return sut_err_oom(err);
	}
	return 0;
}

static int take_floor(struct sut_signer_state *s, struct sut_err *err)
{
	int r;

	if (!s->snapshot.len)
		return 0;
	r = sut_tuf_meta_parse(s->snapshot.data, s->snapshot.len, SUT_TUF_SNAPSHOT,
			       "the last snapshot", &s->floor, err);
	if (r == -ENOMEM)
		return r;
	return r < 0 || s->floor->version > s->snapshot_version ? bad(err, "snapshot") : 0;
}

int sut_signer_state_parse(const void *data, size_t len, struct sut_signer_state *ret,
			   struct sut_err *err)
{
	_cleanup_(sut_signer_state_release) struct sut_signer_state s = {
		.root = SUT_BUF_INIT(SUT_TUF_ROOT_MAX),
		.snapshot = SUT_BUF_INIT(SUT_TUF_SNAPSHOT_MAX),
	};
	_cleanup_json_ json_t *j = NULL;
	const char *name;
	int r = sut_json_parse(data, len, "the state", &j, err);

	if (r < 0)
		return r == -ENOMEM ? r : bad(err, "no JSON");
	name = json_string_value(json_object_get(j, "format"));
	if (!name || !sut_streq(name, format_name) ||
	    json_integer_value(json_object_get(j, "version")) != 1)
		return bad(err, "format");
	r = take_version(j, "timestamp_version", &s.timestamp_version, err);
	if (r == 0)
		r = take_version(j, "snapshot_version", &s.snapshot_version, err);
	if (r == 0)
		r = take_text(j, "root", &s.root, err);
	if (r == 0)
		r = take_text(j, "snapshot", &s.snapshot, err);
	if (r == 0)
		r = take_keyids(j, &s.keyids, err);
	if (r == 0)
		r = take_floor(&s, err);
	if (r < 0)
		return r;
	if (!s.root.len)
		return bad(err, "root");
	*ret = s;
	s = (struct sut_signer_state){0};
	return 0;
}

int sut_signer_state_format(const struct sut_signer_state *s, struct sut_buf *out,
			    struct sut_err *err)
{
	_cleanup_(sut_freep) char *text = NULL;
	json_t *ids = json_array();
	_cleanup_json_ json_t *j = json_pack(
		"{s:s,s:i,s:I,s:I,s:s#,s:s#,s:o}", "format", format_name, "version", 1,
		"timestamp_version", (json_int_t)s->timestamp_version, "snapshot_version",
		(json_int_t)s->snapshot_version, "root", sut_buf_str(&s->root), s->root.len,
		"snapshot", sut_buf_str(&s->snapshot), s->snapshot.len, "keyids", ids);

	if (!j)
		return sut_err_oom(err);
	for (size_t i = 0; i < s->keyids.n; i++)
		if (json_array_append_new(ids, json_string(s->keyids.v[i])) < 0)
			return sut_err_oom(err);
	text = json_dumps(j, JSON_INDENT(1));
	if (!text || sut_buf_addstr(out, text) < 0)
		return sut_err_oom(err);
	return 0;
}

/* What is written must be what can be read: the floor of everything hangs on it, and when memory is
 * short, jansson may lose bytes without a word. */
static int check_text(const struct sut_signer_state *s, const struct sut_buf *b,
		      struct sut_err *err)
{
	_cleanup_(sut_signer_state_release) struct sut_signer_state back = {0};

	if (sut_signer_state_parse(b->data, b->len, &back, NULL) < 0 ||
	    back.timestamp_version != s->timestamp_version ||
	    back.snapshot_version != s->snapshot_version || back.root.len != s->root.len ||
	    memcmp(back.root.data, s->root.data, s->root.len) != 0 ||
	    back.snapshot.len != s->snapshot.len ||
	    memcmp(back.snapshot.data, s->snapshot.data, s->snapshot.len) != 0 ||
	    back.keyids.n != s->keyids.n)
		return sut_err_oom(err);
	for (size_t i = 0; i < s->keyids.n; i++)
		if (!sut_strv_has(&back.keyids, s->keyids.v[i]))
			return sut_err_oom(err);
	return 0;
}

int sut_signer_state_read(const char *dir, struct sut_signer_state *ret, struct sut_err *err)
{
	_cleanup_(sut_freep) char *path = sut_sprintf("%s/state.json", dir);
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_SIGNER_STATE_MAX);
	struct stat st;
	int r;

	if (!path)
		return sut_err_oom(err);
	/* A folder that cannot be looked into must not pass for one without a state. */
	if (lstat(path, &st) < 0)
		return errno == ENOENT && sut_exists(dir)
			       ? sut_err_set(err, ENOENT, "%s: nothing was signed yet", path)
			       : sut_err_reason(err, EIO, "state",
						"cannot look at %s. Check that the folder is there "
						"and belongs to the signer",
						path);
	r = sut_file_read(path, &b, err);
	if (r == 0)
		r = sut_signer_state_parse(b.data, b.len, ret, err);
	return r < 0 ? (sut_err_prefix(err, "%s", path), r) : 0;
}

int sut_signer_state_write(const char *dir, const struct sut_signer_state *s, struct sut_err *err)
{
	_cleanup_(sut_freep) char *path = sut_sprintf("%s/state.json", dir);
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_SIGNER_STATE_MAX);
	int r;

	if (!path)
		return sut_err_oom(err);
	r = sut_signer_state_format(s, &b, err);
	if (r == 0)
		r = check_text(s, &b, err);
	if (r == 0)
		r = sut_file_write(path, b.data, b.len, 0600, err);
	if (r < 0 && err && !err->reason[0])
		snprintf(err->reason, sizeof(err->reason), "state");
	return r;
}

void sut_signer_state_release(struct sut_signer_state *s)
{
	sut_buf_release(&s->root);
	sut_buf_release(&s->snapshot);
	sut_tuf_meta_free(s->floor);
	sut_strv_release(&s->keyids);
	*s = (struct sut_signer_state){0};
}

static bool has_keyid(const struct sut_tuf_role *r, const char *id)
{
	for (size_t i = 0; i < r->nkeyids; i++)
		if (sut_streq(r->keyids[i], id))
			return true;
	return false;
}

bool sut_signer_state_rotated(const struct sut_signer_state *s, const struct sut_tuf_meta *root)
{
	for (size_t i = 0; i < s->keyids.n; i++)
		if (!has_keyid(&root->roles[SUT_TUF_SNAPSHOT], s->keyids.v[i]) &&
		    !has_keyid(&root->roles[SUT_TUF_TIMESTAMP], s->keyids.v[i]))
			return true;
	return false;
}

int sut_signer_state_bind(struct sut_signer_state *s, const struct sut_tuf_meta *root,
			  struct sut_err *err)
{
	static const enum sut_tuf_type roles[] = {SUT_TUF_SNAPSHOT, SUT_TUF_TIMESTAMP};
	_cleanup_strv_ struct sut_strv ids = {0};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(roles); i++) {
		const struct sut_tuf_role *r = &root->roles[roles[i]];

		for (size_t j = 0; j < r->nkeyids; j++)
			if (!sut_strv_has(&ids, r->keyids[j]) &&
			    sut_strv_add(&ids, r->keyids[j]) < 0)
				return sut_err_oom(err);
	}
	sut_strv_release(&s->keyids);
	s->keyids = ids;
	ids = (struct sut_strv){0};
	return 0;
}
