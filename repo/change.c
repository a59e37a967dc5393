// SPDX-License-Identifier: Apache-2.0
#include "change.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/str.h"
#include "crypto/sha256.h"
#include "tuf/json.h"
#include "change_view.h"

enum { FORMAT = 1 };

static const char spec_version[] = "1.0.34";

void sut_change_free(struct sut_change *c)
{
	if (!c)
		return;
	json_decref(c->doc);
	json_decref(c->places);
	free(c);
}

void sut_change_freep(struct sut_change **c)
{
	sut_change_free(*c);
}

static json_t *roles_of(const struct sut_change *c)
{
	return json_object_get(c->doc, "roles");
}

static json_t *entry_of(const struct sut_change *c, const char *role)
{
	return json_object_get(roles_of(c), role);
}

static int bad(struct sut_err *err, const char *what)
{
	return sut_err_reason(err, EBADMSG, "change",
			      "this is no change of suture-repo, or it was damaged: %s", what);
}

/* A path below public/ that stays there, in plain characters. */
static bool path_ok(const char *path)
{
	size_t len = strlen(path);

	if (!sut_startswith(path, "targets/") || len > SUT_TUF_PATH_MAX || path[len - 1] == '/' ||
	    strstr(path, "//") || strstr(path, "/."))
		return false;
	return strspn(path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
			    "._-+/") == len;
}

static bool is_sha256(const char *s)
{
	return s && strlen(s) == SUT_SHA256_HEX - 1 &&
	       strspn(s, "0123456789abcdef") == SUT_SHA256_HEX - 1;
}

static int check_files(const json_t *files, struct sut_err *err)
{
	size_t i;
	json_t *f;

	if (!json_is_array(files) || json_array_size(files) > SUT_CHANGE_FILES_MAX)
		return bad(err, "\"files\" is not a list of files");
	json_array_foreach(files, i, f) {
		const char *path = json_string_value(json_object_get(f, "path"));
		json_int_t len = json_integer_value(json_object_get(f, "length"));

		if (!path || !*path || !path_ok(path))
			return bad(err, "a file has no path below targets/");
		if (!is_sha256(json_string_value(json_object_get(f, "sha256"))) ||
		    !json_is_integer(json_object_get(f, "length")) || len < 0 ||
		    len > SUT_CHANGE_TARGET_MAX)
			return bad(err, "a file has no hash or length");
	}
	return 0;
}

static int check_form(const struct sut_change *c, struct sut_err *err)
{
	json_t *names = json_object_get(c->doc, "names"), *roles = roles_of(c), *v;
	const char *key;

	if (json_integer_value(json_object_get(c->doc, "suture-change")) != FORMAT)
		return bad(err, "it has no \"suture-change\", or another format");
	if (!json_is_object(names) || !json_is_object(roles) ||
	    json_object_size(roles) > SUT_CHANGE_ROLES_MAX)
		return bad(err, "\"names\" or \"roles\" is missing or too large");
	json_object_foreach(names, key, v)
		if (!json_is_string(v) || !sut_repo_name_ok(json_string_value(v)))
			return bad(err, "\"names\" holds something that is no name");
	json_object_foreach(roles, key, v) {
		if (!sut_repo_name_ok(key) || sut_streq(key, "snapshot") ||
		    sut_streq(key, "timestamp"))
			return bad(err, "a role in it cannot be changed");
		if (!json_is_object(v))
			return bad(err, "a role is not an object");
	}
	return check_files(json_object_get(c->doc, "files"), err);
}

int sut_change_parse(const void *data, size_t len, struct sut_change **ret, struct sut_err *err)
{
	_cleanup_(sut_change_freep) struct sut_change *c = calloc(1, sizeof(*c));
	_cleanup_(sut_change_view_release) struct sut_change_view v = {0};
	int r;

	if (!c)
		return sut_err_oom(err);
	r = sut_json_parse(data, len, "change.json", &c->doc, err);
	if (r == 0)
		r = check_form(c, err);
	/* Every file in it is one of the form of its role. */
	if (r == 0)
		r = sut_change_view_make(c, &v, err);
	if (r < 0)
		return r;
	*ret = sut_steal(c);
	return 0;
}

static int add_text(const char *text, size_t len, void *ctx)
{
	return sut_buf_add(ctx, text, len) < 0 ? -1 : 0;
}

int sut_change_format(const struct sut_change *c, struct sut_buf *out, struct sut_err *err)
{
	if (json_dump_callback(c->doc, add_text, out, JSON_INDENT(1) | JSON_SORT_KEYS) < 0 ||
	    sut_buf_addstr(out, "\n") < 0)
		return sut_err_set(err, EFBIG,
				   "the change does not fit into memory or into %d bytes; make "
				   "it smaller",
				   SUT_CHANGE_MAX);
	return 0;
}

bool sut_change_empty(const struct sut_change *c)
{
	json_t *entry;
	const char *role;

	json_object_foreach(roles_of(c), role, entry)
		if (json_object_get(entry, "after"))
			return false;
	return true;
}

/* ------------------------------------------------------------------ */

bool sut_change_pending(const struct sut_repo *repo)
{
	_cleanup_(sut_freep) char *path = sut_repo_path(repo, "staged/change.json");

	return path && sut_exists(path);
}

/* The change itself goes first: without it the rest is nothing. */
int sut_change_done(struct sut_repo *repo, struct sut_err *err)
{
	_cleanup_(sut_freep) char *file = sut_repo_path(repo, "staged/change.json"),
				  *dir = sut_repo_path(repo, "staged");

	if (!file || !dir)
		return sut_err_oom(err);
	if (unlink(file) < 0 && errno != ENOENT)
		return sut_err_errno(err, "cannot remove %s", file);
	return sut_rm_rf(dir, err);
}

int sut_change_abandon(struct sut_repo *repo, struct sut_err *err)
{
	_cleanup_(sut_freep) char *asked = sut_repo_path(repo, "staged/asked");

	if (!asked)
		return sut_err_oom(err);
	if (repo->root_ahead)
		return sut_err_set(err, EBUSY,
				   "version %lld of root is public already, and clients may have "
				   "it: the change cannot be abandoned; run 'suture-repo publish' "
				   "to complete it",
				   (long long)repo->root_ahead->version);
	if (sut_exists(asked))
		return sut_err_set(
			err, EBUSY,
			"the signer may have signed this change: it cannot be abandoned; "
			"run 'suture-repo publish' to complete it, and then undo it with "
			"another change");
	return sut_change_done(repo, err);
}

static bool same_signed(json_t *a, json_t *b)
{
	return json_equal(json_object_get(a, "signed"), json_object_get(b, "signed"));
}

/* Is this file of the change the published one? */
static bool is_published(const struct sut_repo *repo, const char *role, json_t *after)
{
	const struct sut_tree_role *p = sut_repo_role(repo, role);

	if (sut_streq(role, "root") && repo->root_ahead &&
	    same_signed(repo->root_ahead->doc, after))
		return true;
	return p && same_signed(p->meta->doc, after);
}

/* Compares a stored change with what is published: done already, or made for another state? */
static int compare(const struct sut_change *c, bool *ret_done, struct sut_err *err)
{
	bool done = !c->repo->root_ahead && !sut_change_empty(c);
	const char *role;
	json_t *entry;

	json_object_foreach(roles_of(c), role, entry) {
		json_t *before = json_object_get(entry, "before"),
		       *after = json_object_get(entry, "after");
		const struct sut_tree_role *p = sut_repo_role(c->repo, role);

		if (after && is_published(c->repo, role, after))
			continue;
		if (after)
			done = false;
		if (!before ? p != NULL : !p || !same_signed(p->meta->doc, before))
			return sut_err_set(err, ESTALE,
					   "the pending change was made for another state of %s: "
					   "somebody restored or replaced it. Abandon the change "
					   "and make it anew",
					   role);
	}
	*ret_done = done;
	return 0;
}

static int new_change(struct sut_change **ret, struct sut_err *err)
{
	struct sut_change *c = calloc(1, sizeof(*c));

	if (c)
		c->doc = json_pack("{s:i s:{} s:{} s:[]}", "suture-change", FORMAT, "names",
				   "roles", "files");
	if (!c || !c->doc) {
		free(c);
		return sut_err_oom(err);
	}
	*ret = c;
	return 0;
}

/* An offline machine shows keys by the names they have here. */
static int add_names(struct sut_change *c, struct sut_err *err)
{
	json_t *names = json_object_get(c->doc, "names");

	for (size_t i = 0; i < c->repo->keys.n; i++)
		if (sut_repo_name_ok(c->repo->keys.v[i].name) &&
		    json_object_set_new(names, c->repo->keys.v[i].id,
					json_string(c->repo->keys.v[i].name)) < 0)
			return sut_err_oom(err);
	return 0;
}

int sut_change_open(struct sut_repo *repo, struct sut_change **ret, struct sut_err *err)
{
	_cleanup_(sut_freep) char *path = sut_repo_path(repo, "staged/change.json");
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_CHANGE_MAX);
	_cleanup_(sut_change_freep) struct sut_change *c = NULL;
	bool done = true;
	int r;

	if (!path)
		return sut_err_oom(err);
	if (sut_exists(path)) {
		r = sut_file_read(path, &b, err);
		if (r == 0)
			r = sut_change_parse(b.data, b.len, &c, err);
		if (r < 0) {
			sut_err_prefix(err, "%s", path);
			return r;
		}
		c->repo = repo;
		r = compare(c, &done, err);
		if (r < 0)
			return r;
	}
	if (done) {
		r = sut_change_done(repo, err);
		sut_change_free(c);
		c = NULL;
		if (r == 0)
			r = new_change(&c, err);
		if (r < 0)
			return r;
		c->repo = repo;
	}
	r = add_names(c, err);
	if (r < 0)
		return r;
	*ret = sut_steal(c);
	return 0;
}

/* ------------------------------------------------------------------ */

/* The entry of a role, with what is published, and with those who vouch for it, up to root: an
 * offline machine needs them. */
static int include(struct sut_change *c, const char *role, json_t **ret, struct sut_err *err)
{
	const struct sut_tree_role *p = sut_repo_role(c->repo, role);
	json_t *entry = entry_of(c, role);

	if (!entry) {
		entry = json_object();
		if (json_object_set_new(roles_of(c), role, entry) < 0)
			return sut_err_oom(err);
		if (p && json_object_set(entry, "before", p->meta->doc) < 0) {
			json_object_del(roles_of(c), role);
			return sut_err_oom(err);
		}
	}
	*ret = entry;
	if (sut_streq(role, "root"))
		return 0;
	return include(c, p ? p->delegator : "root", &(json_t *){NULL}, err);
}

/* The "signed" part of the first file of a role. What root needs beyond this is for the caller. */
static json_t *first_signed(const char *role)
{
	if (sut_streq(role, "root"))
		return json_pack("{s:s s:s s:b s:{} s:{}}", "_type", "root", "spec_version",
				 spec_version, "consistent_snapshot", 1, "keys", "roles");
	return json_pack("{s:s s:s s:{}}", "_type", "targets", "spec_version", spec_version,
			 "targets");
}

static int make_after(const struct sut_change *c, const char *role, json_t *entry,
		      struct sut_err *err)
{
	const struct sut_tree_role *p = sut_repo_role(c->repo, role);
	json_t *doc, *sig = p ? json_deep_copy(json_object_get(p->meta->doc, "signed"))
			      : first_signed(role);

	if (!sig)
		return sut_err_oom(err);
	doc = json_pack("{s:[] s:o}", "signatures", "signed", sig);
	if (!doc)
		return sut_err_oom(err);
	if (json_object_set_new(entry, "after", doc) < 0)
		return sut_err_oom(err);
	return 0;
}

int sut_change_edit(struct sut_change *c, const char *role, json_t **ret, struct sut_err *err)
{
	json_t *entry, *after, *sig;
	char expires[32];
	int64_t version, mine;
	int r;

	if (!sut_repo_is_targets(role) && !sut_streq(role, "root"))
		return sut_err_set(err, EINVAL, "%s is made by the signer, not by a change", role);
	if (c->repo->root_ahead)
		return sut_err_set(err, EBUSY,
				   "a publication was interrupted after its root; run "
				   "'suture-repo publish' before anything else");
	r = sut_repo_next_version(c->repo, role, &version, err);
	if (r == 0)
		r = include(c, role, &entry, err);
	if (r == 0 && !json_object_get(entry, "after"))
		r = make_after(c, role, entry, err);
	if (r < 0)
		return r;
	after = json_object_get(entry, "after");
	sig = json_object_get(after, "signed");
	/* A file of this change may be in public/ from a try that did not end well: its name keeps
	 * its content. */
	mine = json_integer_value(json_object_get(sig, "version"));
	if (mine > version)
		version = mine;
	sut_tuf_time_format(c->repo->now + sut_settings_expiry(&c->repo->settings, role), expires);
	if (json_object_set_new(after, "signatures", json_array()) < 0 ||
	    json_object_set_new(sig, "version", json_integer(version)) < 0 ||
	    json_object_set_new(sig, "expires", json_string(expires)) < 0)
		return sut_err_oom(err);
	*ret = sig;
	return 0;
}

const json_t *sut_change_peek(const struct sut_change *c, const char *role)
{
	const struct sut_tree_role *p = c->repo ? sut_repo_role(c->repo, role) : NULL;
	json_t *entry = entry_of(c, role), *doc = json_object_get(entry, "after");

	if (!doc)
		doc = p ? p->meta->doc : json_object_get(entry, "before");
	return json_object_get(doc, "signed");
}

/* A change may add tens of thousands: none is looked for one by one. */
static int index_files(struct sut_change *c, struct sut_err *err)
{
	_cleanup_json_ json_t *places = NULL;
	json_t *f;
	size_t i;

	if (c->places)
		return 0;
	places = json_object();
	json_array_foreach(json_object_get(c->doc, "files"), i, f)
		if (json_object_set_new(places, json_string_value(json_object_get(f, "path")),
					json_integer((json_int_t)i)) < 0)
			return sut_err_oom(err);
	if (!places)
		return sut_err_oom(err);
	c->places = sut_steal(places);
	return 0;
}

int sut_change_file(struct sut_change *c, const char *path, const json_t **ret, struct sut_err *err)
{
	const json_t *at;
	int r = index_files(c, err);

	if (r < 0)
		return r;
	at = json_object_get(c->places, path);
	*ret = at ? json_array_get(json_object_get(c->doc, "files"), (size_t)json_integer_value(at))
		  : NULL;
	return 0;
}

/* One path has one file: the last one. */
static int list_file(struct sut_change *c, const char *path, const char *sha256, size_t len,
		     struct sut_err *err)
{
	json_t *files = json_object_get(c->doc, "files"), *f, *at;
	int r = index_files(c, err);

	if (r < 0)
		return r;
	f = json_pack("{s:s s:s s:I}", "path", path, "sha256", sha256, "length", (json_int_t)len);
	at = json_object_get(c->places, path);
	if (at)
		r = json_array_set_new(files, (size_t)json_integer_value(at), f);
	else if (json_object_set_new(c->places, path,
				     json_integer((json_int_t)json_array_size(files))) < 0)
		json_decref(f), r = -1;
	else
		r = json_array_append_new(files, f);
	if (r < 0)
		json_decref(sut_steal(c->places)); /* made anew from what is there */
	return r < 0 ? sut_err_oom(err) : 0;
}

/* Staged files are named by their content, and have their name when they are complete. */
static bool is_staged(const char *path, size_t len)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && (size_t)st.st_size == len;
}

int sut_change_add_file(struct sut_change *c, const char *path, const void *data, size_t len,
			struct sut_err *err)
{
	_cleanup_(sut_freep) char *dir = sut_repo_path(c->repo, "staged/files"), *to = NULL;
	char hex[SUT_SHA256_HEX];
	int r;

	if (!dir)
		return sut_err_oom(err);
	if (!*path || !path_ok(path))
		return sut_err_set(err, EINVAL, "\"%s\" is no path below targets/", path);
	if (len > SUT_CHANGE_TARGET_MAX ||
	    json_array_size(json_object_get(c->doc, "files")) >= SUT_CHANGE_FILES_MAX)
		return sut_err_set(err, EFBIG, "%s does not fit into one change", path);
	sut_sha256_hex(data, len, hex);
	to = sut_sprintf("%s/%s", dir, hex);
	if (!to)
		return sut_err_oom(err);
	if (!is_staged(to, len)) {
		r = sut_mkdir_p(dir, err);
		if (r == 0)
			r = sut_file_write(to, data, len, 0644, err);
		if (r < 0)
			return r;
	}
	return list_file(c, path, hex, len, err);
}

/* ------------------------------------------------------------------ */

/* Does the published file still stand when its delegator's word is this group's? */
static bool stands(const struct sut_change_view_role *x, const struct sut_change_view_group *g)
{
	return x && x->now &&
	       (x->after || sut_tuf_verify(x->now, g->keys, g->role, x->name, NULL, NULL) == 0);
}

/* Roles that somebody still speaks of, in the order of delegation; edits those that must be signed anew. */
static int walk(struct sut_change *c, const struct sut_change_view *v, struct sut_strv *reached,
		struct sut_err *err)
{
	const struct sut_change_view_role *root = sut_change_view_find(v, "root"), *x;
	struct sut_change_view_group g;
	json_t *j;
	int r = 0;

	if (!root || !root->now)
		return sut_err_set(err, EINVAL, "a repository without root cannot be changed");
	if (sut_strv_add(reached, "root") < 0 || sut_strv_add(reached, "targets") < 0)
		return sut_err_oom(err);
	g = (struct sut_change_view_group){"targets", &root->now->keys,
					   &root->now->roles[SUT_TUF_TARGETS]};
	if (!stands(sut_change_view_find(v, "targets"), &g))
		r = sut_change_edit(c, "targets", &j, err);
	for (size_t i = 1; r == 0 && i < reached->n; i++) {
		x = sut_change_view_find(v, reached->v[i]);
		for (size_t d = 0; r == 0 && x && x->now && d < x->now->ndelegations; d++) {
			const struct sut_tuf_delegation *del = &x->now->delegations[d];

			if (sut_strv_has(reached, del->name))
				return sut_err_set(err, ELOOP,
						   "two roles delegate to %s; give one of them "
						   "another name",
						   del->name);
			if (sut_strv_add(reached, del->name) < 0)
				return sut_err_oom(err);
			g = (struct sut_change_view_group){del->name, &x->now->keys, &del->role};
			if (!stands(sut_change_view_find(v, del->name), &g))
				r = sut_change_edit(c, del->name, &j, err);
		}
	}
	return r;
}

int sut_change_settle(struct sut_change *c, struct sut_err *err)
{
	_cleanup_strv_ struct sut_strv reached = {0};
	_cleanup_(sut_change_view_release) struct sut_change_view v = {0};
	const char *role;
	json_t *entry;
	void *tmp;
	int r;

	if (sut_change_empty(c))
		return 0;
	r = sut_change_view_make(c, &v, err);
	if (r == 0)
		r = walk(c, &v, &reached, err);
	if (r < 0)
		return r;
	/* Nobody would read, or could sign, the file of a role that is gone. */
	json_object_foreach_safe(roles_of(c), tmp, role, entry) if (!sut_strv_has(&reached, role))
		json_object_del(roles_of(c), role);
	return 0;
}

int sut_change_save(struct sut_change *c, struct sut_err *err)
{
	_cleanup_(sut_freep) char *dir = sut_repo_path(c->repo, "staged"),
				  *path = sut_repo_path(c->repo, "staged/change.json");
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_CHANGE_MAX);
	_cleanup_(sut_change_freep) struct sut_change *again = NULL;
	int r;

	if (!dir || !path)
		return sut_err_oom(err);
	r = sut_change_settle(c, err);
	if (r == 0)
		r = sut_change_format(c, &b, err);
	/* What could not be read back must not be written. */
	if (r == 0)
		r = sut_change_parse(b.data, b.len, &again, err);
	if (r == 0)
		r = sut_mkdir_p(dir, err);
	return r < 0 ? r : sut_file_write(path, b.data, b.len, 0644, err);
}
