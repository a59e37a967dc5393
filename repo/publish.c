// SPDX-License-Identifier: Apache-2.0
#include "publish.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/str.h"
#include "crypto/sha256.h"
#include "gzip.h"
#include "signer_client.h"
#include "tree.h"
#include "change_view.h"

/* A metadata file that is about to be written. */
struct doc {
	char *name; /* "5.targets.json" */
	const char *role;
	int64_t version;
	struct sut_buf data;
};

struct docs {
	struct doc *v;
	size_t n;
};

static void release_docs(struct docs *d)
{
	for (size_t i = 0; i < d->n; i++) {
		free(d->v[i].name);
		sut_buf_release(&d->v[i].data);
	}
	free(d->v);
}

static int add_text(const char *text, size_t len, void *ctx)
{
	return sut_buf_add(ctx, text, len) < 0 ? -1 : 0;
}

static size_t max_of(const char *role)
{
	return sut_streq(role, "root") ? SUT_TUF_ROOT_MAX : SUT_TUF_TARGETS_MAX;
}

static int add_doc(struct docs *d, const struct sut_change_view_role *x, struct sut_err *err)
{
	struct doc *v = &d->v[d->n];

	*v = (struct doc){
		.name = sut_sprintf("%" PRId64 ".%s.json", x->after->version, x->name),
		.role = x->name,
		.version = x->after->version,
		.data = SUT_BUF_INIT(max_of(x->name)),
	};
	d->n++;
	if (!v->name)
		return sut_err_oom(err);
	if (json_dump_callback(x->after->doc, add_text, &v->data, JSON_COMPACT | JSON_SORT_KEYS) <
	    0)
		return sut_err_set(err, EFBIG,
				   "%s is larger than the %zu bytes that clients accept; split the "
				   "role with hash bins (suture-repo delegate --bins)",
				   v->name, v->data.max);
	return 0;
}

/* ------------------------------------------------------------------ */

static int check_signed(const struct sut_change *c, struct sut_err *err)
{
	_cleanup_(sut_change_needs_release) struct sut_change_needs needs = {0};
	int r = sut_change_needs(c, &needs, err);

	if (r < 0 || !needs.unmet)
		return r;
	for (size_t i = 0; i < needs.n; i++)
		if (needs.v[i].have < needs.v[i].threshold)
			return sut_err_reason(err, ENOKEY, "signatures",
					      "%s needs %u signatures of %s and has %u; "
					      "'suture-repo show-change' says who is to sign",
					      needs.v[i].role, needs.v[i].threshold, needs.v[i].why,
					      needs.v[i].have);
	return sut_err_reason(err, ENOKEY, "signatures", "signatures are missing");
}

/* A file that was staged long ago may have expired on the way. */
static int check_fresh(const struct sut_change_view *v, int64_t now, struct sut_err *err)
{
	for (size_t i = 0; i < v->n; i++)
		if (v->v[i].after && v->v[i].after->expires <= now)
			return sut_err_reason(err, ESTALE, "expired",
					      "the new %s has expired before it was published; run "
					      "'suture-repo renew %s' and sign it again",
					      v->v[i].name, v->v[i].name);
	return 0;
}

/* "kernel/x/HASH.kpatch.bin" below targets/: where clients look for a target. */
static char *target_place(const struct sut_tuf_target *t)
{
	const char *base = strrchr(t->path, '/');
	int dir = base ? (int)(base + 1 - t->path) : 0;
	const char *hash = *t->hashes.sha256 ? t->hashes.sha256 : t->hashes.sha512;

	return sut_sprintf("targets/%.*s%s.%s", dir, t->path, hash, t->path + dir);
}

/* Every target that is new has its file, here or in public/ already. */
static int check_targets(struct sut_change *c, const struct sut_change_view_role *x,
			 struct sut_err *err)
{
	json_t *new = json_object_get(json_object_get(x->after->doc, "signed"), "targets"),
	       *old = x->before ? json_object_get(json_object_get(x->before->doc, "signed"),
						  "targets")
				: NULL,
	       *entry;
	const char *path;

	json_object_foreach(new, path, entry) {
		_cleanup_(sut_freep) char *place = NULL, *full = NULL;
		struct sut_tuf_target t;
		struct stat st;
		const json_t *f;
		int r;

		if (old && json_equal(json_object_get(old, path), entry))
			continue;
		r = sut_tuf_meta_target(x->after, path, &t, err);
		if (r < 0)
			return r;
		place = target_place(&t);
		full = place ? sut_repo_path(c->repo, "public/%s", place) : NULL;
		if (!full)
			return sut_err_oom(err);
		r = sut_change_file(c, place, &f, err);
		if (r < 0)
			return r;
		if (f ? json_integer_value(json_object_get(f, "length")) != t.length
		      : stat(full, &st) < 0 || st.st_size != t.length)
			return sut_err_reason(err, ENOENT, "missing",
					      "%s names the target %s, but its file %s is neither "
					      "in the change nor in public/",
					      x->name, path, place);
	}
	return 0;
}

/* ------------------------------------------------------------------ */

static int write_target(const struct sut_change *c, const json_t *f, struct sut_err *err)
{
	const char *path = json_string_value(json_object_get(f, "path"));
	const char *sha = json_string_value(json_object_get(f, "sha256"));
	_cleanup_(sut_freep) char *from = sut_repo_path(c->repo, "staged/files/%s", sha),
				  *to = sut_repo_path(c->repo, "public/%s", path), *dir = NULL;
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_CHANGE_TARGET_MAX);
	char hex[SUT_SHA256_HEX];
	int r;

	if (!from || !to)
		return sut_err_oom(err);
	r = sut_file_read(from, &b, err);
	if (r < 0)
		return r;
	sut_sha256_hex(b.data, b.len, hex);
	if (!sut_streq(hex, sha))
		return sut_err_set(err, EBADMSG,
				   "%s is damaged; abandon the change and make it anew", from);
	dir = strdup(to);
	if (!dir)
		return sut_err_oom(err);
	r = sut_mkdir_p(dirname(dir), err);
	return r < 0 ? r : sut_file_write(to, b.data, b.len, 0644, err);
}

static int write_gz(const char *path, const struct sut_buf *data, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf gz = SUT_BUF_INIT(SUT_TUF_TARGETS_MAX + 4096);
	_cleanup_(sut_freep) char *name = sut_sprintf("%s.gz", path);
	int r;

	if (!name)
		return sut_err_oom(err);
	r = sut_gzip(data->data, data->len, &gz, err);
	return r < 0 ? r : sut_file_write(name, gz.data, gz.len, 0644, err);
}

/* A name in public/metadata means the same bytes for ever. */
static int write_meta(const struct sut_repo *repo, const char *name, const struct sut_buf *data,
		      struct sut_err *err)
{
	_cleanup_(sut_freep) char *path = sut_repo_path(repo, "public/metadata/%s", name);
	_cleanup_buf_ struct sut_buf there = SUT_BUF_INIT(SUT_TUF_TARGETS_MAX);
	int r;

	if (!path)
		return sut_err_oom(err);
	if (sut_exists(path)) {
		r = sut_file_read(path, &there, err);
		if (r < 0)
			return r;
		if (there.len != data->len || memcmp(there.data, data->data, data->len) != 0)
			return sut_err_set(err, EEXIST,
					   "%s is there with another content; 'suture-repo verify' "
					   "tells more. Edit the pending change (for example with "
					   "'suture-repo renew') to get another version",
					   path);
	}
	r = write_gz(path, data, err);
	if (r < 0 || sut_exists(path))
		return r;
	return sut_file_write(path, data->data, data->len, 0644, err);
}

static int write_settings(const struct sut_repo *repo, struct sut_err *err)
{
	_cleanup_(sut_freep) char *path = sut_repo_path(repo, "repo.json");
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_SETTINGS_MAX);
	int r;

	if (!path)
		return sut_err_oom(err);
	r = sut_settings_format(&repo->settings, &b, err);
	return r < 0 ? r : sut_file_write(path, b.data, b.len, 0644, err);
}

/* repo.json remembers where the chain of roots begins, before it does, and how far it
 * goes, afterwards: whoever can write into public/ can neither start another chain nor cut this one. */
static int write_root(struct sut_repo *repo, const struct doc *root, struct sut_err *err)
{
	char hex[SUT_SHA256_HEX];
	int r = 0;

	if (root->version == 1) {
		sut_sha256_hex(root->data.data, root->data.len, hex);
		r = sut_settings_set(&repo->settings, "root", hex, err);
		if (r == 0)
			r = write_settings(repo, err);
	}
	if (r == 0)
		r = write_meta(repo, root->name, &root->data, err);
	if (r == 0)
		r = sut_settings_set_root_version(&repo->settings, root->version, err);
	return r < 0 ? r : write_settings(repo, err);
}

/* ------------------------------------------------------------------ */

/* The signer may sign from here on, even when we never hear of it: no way back for the change. */
static int mark_asked(const struct sut_repo *repo, bool asked, struct sut_err *err)
{
	_cleanup_(sut_freep) char *path = sut_repo_path(repo, "staged/asked");

	if (!path)
		return sut_err_oom(err);
	if (asked)
		return sut_file_write(path, "", 0, 0644, err);
	return unlink(path) < 0 && errno != ENOENT ? sut_err_errno(err, "cannot remove %s", path)
						   : 0;
}

static int ask_signer(struct sut_repo *repo, const struct docs *d, const struct doc *root,
		      struct sut_signer_docs *ret, struct sut_err *err)
{
	_cleanup_(sut_freep) struct sut_signer_role *roles = calloc(d->n + 1, sizeof(*roles));
	_cleanup_(sut_freep) char *asked = sut_repo_path(repo, "staged/asked");
	bool before;
	size_t n = 0;
	int r;

	if (!roles || !asked)
		return sut_err_oom(err);
	before = sut_exists(asked);
	for (size_t i = 0; i < d->n; i++)
		if (!sut_streq(d->v[i].role, "root"))
			roles[n++] = (struct sut_signer_role){d->v[i].role, d->v[i].version};
	r = mark_asked(repo, true, err);
	if (r < 0)
		return r;
	r = sut_signer_snapshot(repo->settings.signer, roles, n, root ? &root->data : NULL, ret,
				err);
	/* Nobody was there, or the answer was no: then nothing was signed now. */
	if ((r == -ECONNREFUSED || r == -ENOENT || r == -EACCES || r == -EBADMSG) && !before &&
	    mark_asked(repo, false, NULL) < 0)
		return r;
	return r;
}

/* All that will be public, read as a client reads it. */
static int check_whole(struct sut_repo *repo, const struct docs *d,
		       const struct sut_signer_docs *online, struct sut_err *err)
{
	_cleanup_(sut_freep) char *dir = sut_repo_path(repo, "public/metadata");
	_cleanup_(sut_freep) struct sut_tree_file *over = calloc(d->n + 2, sizeof(*over));
	_cleanup_(sut_tree_release) struct sut_tree_state s = {0};
	struct sut_tree t = {.dir = dir, .over = over};
	char snapshot[48];
	int r;

	if (!dir || !over)
		return sut_err_oom(err);
	for (size_t i = 0; i < d->n; i++)
		over[t.nover++] =
			(struct sut_tree_file){d->v[i].name, d->v[i].data.data, d->v[i].data.len};
	snprintf(snapshot, sizeof(snapshot), "%" PRId64 ".snapshot.json", online->snapshot_version);
	over[t.nover++] =
		(struct sut_tree_file){snapshot, online->snapshot.data, online->snapshot.len};
	over[t.nover++] = (struct sut_tree_file){"timestamp.json", online->timestamp.data,
						 online->timestamp.len};
	r = sut_tree_load(&t, sut_tree_roots(&t), 0, &s, err);
	if (r < 0) {
		sut_err_prefix(err, "a client would refuse what is about to be published");
		return r;
	}
	for (size_t i = 0; i < d->n; i++) {
		size_t j = 0;

		while (j < s.nroles && !sut_streq(s.roles[j].name, d->v[i].role))
			j++;
		if (j == s.nroles || s.roles[j].meta->version != d->v[i].version)
			return sut_err_set(err, EPROTO,
					   "the signer's snapshot does not have version %" PRId64
					   " of %s; look at its log",
					   d->v[i].version, d->v[i].role);
	}
	for (int i = SUT_TUF_TIMESTAMP; i <= SUT_TUF_SNAPSHOT; i++)
		if (sut_tuf_trusted_get(s.trusted, (enum sut_tuf_type)i)->expires <= repo->now)
			return sut_err_set(err, EPROTO,
					   "the signer made a %s that has expired; compare the "
					   "clocks of both machines",
					   sut_tuf_type_name((enum sut_tuf_type)i));
	return 0;
}

static int write_online(struct sut_repo *repo, const struct sut_signer_docs *online,
			struct sut_err *err)
{
	_cleanup_(sut_freep) char *path = sut_repo_path(repo, "public/metadata/timestamp.json");
	char name[48];
	int r;

	if (!path)
		return sut_err_oom(err);
	snprintf(name, sizeof(name), "%" PRId64 ".snapshot.json", online->snapshot_version);
	r = write_meta(repo, name, &online->snapshot, err);
	if (r < 0)
		return r;
	/* This rename is the change. */
	return sut_file_write(path, online->timestamp.data, online->timestamp.len, 0644, err);
}

static int make_folders(const struct sut_repo *repo, struct sut_err *err)
{
	_cleanup_(sut_freep) char *meta = sut_repo_path(repo, "public/metadata"),
				  *targets = sut_repo_path(repo, "public/targets");
	int r;

	if (!meta || !targets)
		return sut_err_oom(err);
	r = sut_mkdir_p(meta, err);
	return r < 0 ? r : sut_mkdir_p(targets, err);
}

static int collect(struct sut_change *c, const struct sut_change_view *v, struct docs *d,
		   struct sut_err *err)
{
	int r = 0;

	d->v = calloc(v->n + 1, sizeof(*d->v));
	if (!d->v)
		return sut_err_oom(err);
	for (size_t i = 0; r == 0 && i < v->n; i++) {
		if (!v->v[i].after)
			continue;
		r = add_doc(d, &v->v[i], err);
		if (r == 0 && !sut_streq(v->v[i].name, "root"))
			r = check_targets(c, &v->v[i], err);
	}
	return r;
}

static int write_new(const struct sut_change *c, const struct docs *d, struct sut_err *err)
{
	json_t *files = json_object_get(c->doc, "files"), *f;
	size_t i;
	int r = make_folders(c->repo, err);

	json_array_foreach(files, i, f)
		if (r == 0)
			r = write_target(c, f, err);
	for (i = 0; r == 0 && i < d->n; i++)
		if (!sut_streq(d->v[i].role, "root"))
			r = write_meta(c->repo, d->v[i].name, &d->v[i].data, err);
	return r;
}

static int refresh_only(struct sut_repo *repo, struct sut_err *err)
{
	_cleanup_signer_docs_ struct sut_signer_docs online = {0};
	const struct docs none = {0};
	int r;

	if (!repo->state.nroles)
		return sut_err_set(err, ENOENT, "nothing is published yet");
	r = sut_signer_timestamp(repo->settings.signer, &online, err);
	if (r == 0)
		r = check_whole(repo, &none, &online, err);
	return r < 0 ? r : write_online(repo, &online, err);
}

int sut_publish(struct sut_repo *repo, struct sut_change *c, struct sut_err *err)
{
	_cleanup_signer_docs_ struct sut_signer_docs online = {0};
	_cleanup_(sut_change_view_release) struct sut_change_view v = {0};
	_cleanup_(release_docs) struct docs d = {0};
	const struct doc *root = NULL;
	int r;

	if (!c || sut_change_empty(c))
		return refresh_only(repo, err);
	r = sut_change_view_make(c, &v, err);
	if (r == 0)
		r = check_signed(c, err);
	if (r == 0)
		r = check_fresh(&v, repo->now, err);
	if (r == 0)
		r = collect(c, &v, &d, err);
	if (r == 0)
		r = write_new(c, &d, err);
	for (size_t i = 0; i < d.n; i++)
		if (sut_streq(d.v[i].role, "root") &&
		    d.v[i].version > json_integer_value(json_object_get(repo->versions, "root")))
			root = &d.v[i];
	if (r == 0)
		r = ask_signer(repo, &d, root, &online, err);
	if (r == 0)
		r = check_whole(repo, &d, &online, err);
	if (r == 0 && root)
		r = write_root(repo, root, err);
	if (r == 0)
		r = write_online(repo, &online, err);
	return r < 0 ? r : sut_change_done(repo, err);
}
