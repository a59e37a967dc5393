// SPDX-License-Identifier: Apache-2.0
#include "audit.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/str.h"
#include "gzip.h"
#include "patch/signature.h"
#include "tuf/json.h"

enum { TARGET_MAX = 1 << 30 };

struct audit {
	const struct sut_repo *repo;
	struct sut_audit *out;
	json_t *known; /* files below public/ that have a meaning */
	struct sut_patch_keys keys;
};

static void wrong(struct audit *a, const char *fmt, ...) _printf_(2, 3);

static void wrong(struct audit *a, const char *fmt, ...)
{
	char text[SUT_ERR_MSG_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	a->out->wrong(a->out->ctx, text);
}

static int know(struct audit *a, const char *path, struct sut_err *err)
{
	return json_object_set_new(a->known, path, json_true()) < 0 ? sut_err_oom(err) : 0;
}

/* Of an error that means "could not look"; anything else is a finding. */
static bool cannot_look(int r)
{
	return r == -ENOMEM || r == -EMFILE || r == -ENFILE;
}

/* ------------------------------------------------------------------ */

static int read_minisign(struct audit *a, const char *dir, const char *file, struct sut_err *err)
{
	_cleanup_(sut_freep) char *path = sut_sprintf("%s/%s", dir, file);
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_MINISIGN_FILE_MAX);
	struct sut_patch_key *v = reallocarray(a->keys.v, a->keys.n + 1, sizeof(*v));
	int r;

	if (v)
		a->keys.v = v;
	if (!v || !path)
		return sut_err_oom(err);
	r = sut_file_read(path, &b, err);
	if (r == 0)
		r = sut_minisign_pub_parse(sut_buf_str(&b), b.len, &v[a->keys.n].pub, err);
	if (r < 0) {
		sut_err_prefix(err, "%s", path);
		return r;
	}
	v[a->keys.n].name = strdup(file);
	if (!v[a->keys.n].name)
		return sut_err_oom(err);
	a->keys.n++;
	return 0;
}

static int read_patch_keys(struct audit *a, struct sut_err *err)
{
	_cleanup_(sut_freep) char *dir = sut_repo_path(a->repo, "keys");
	_cleanup_(sut_closedirp) DIR *d = dir ? opendir(dir) : NULL;
	const struct dirent *e;
	int r = 0;

	if (!dir)
		return sut_err_oom(err);
	while (r == 0 && d && (e = readdir(d)))
		if (sut_endswith(e->d_name, ".minisign.pub") && a->keys.n < SUT_PATCH_KEYS_MAX)
			r = read_minisign(a, dir, e->d_name, err);
	return r;
}

/* ------------------------------------------------------------------ */

/* The file and its gzip form, which must be the same. */
static int check_meta(struct audit *a, const struct sut_tree *t, const char *name,
		      struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf plain = SUT_BUF_INIT(SUT_TUF_TARGETS_MAX),
				     gz = SUT_BUF_INIT(SUT_TUF_TARGETS_MAX),
				     out = SUT_BUF_INIT(SUT_TUF_TARGETS_MAX);
	_cleanup_(sut_freep) char *gzname = sut_sprintf("%s.gz", name), *p1 = NULL, *p2 = NULL;
	struct sut_err why = {0};
	int r;

	p1 = sut_sprintf("metadata/%s", name);
	p2 = sut_sprintf("metadata/%s.gz", name);
	if (!gzname || !p1 || !p2)
		return sut_err_oom(err);
	r = know(a, p1, err);
	if (r == 0)
		r = know(a, p2, err);
	if (r < 0)
		return r;
	a->out->metadata++;
	r = sut_tree_get(t, name, &plain, &why);
	if (r == 0 && sut_streq(name, "timestamp.json"))
		return 0;
	if (r == 0)
		r = sut_tree_get(t, gzname, &gz, &why);
	if (r == 0)
		r = sut_gunzip(gz.data, gz.len, &out, &why);
	if (r == 0 && (out.len != plain.len || memcmp(out.data, plain.data, plain.len) != 0))
		r = sut_err_set(&why, EBADMSG, "%s is not %s, compressed; remove it", gzname, name);
	if (cannot_look(r))
		return sut_err_set(err, -r, "%s", why.msg);
	if (r < 0)
		wrong(a, "%s", why.msg);
	return 0;
}

static int check_all_meta(struct audit *a, const struct sut_tree *t, const struct sut_tree_state *s,
			  int64_t roots, struct sut_err *err)
{
	int r = 0;

	for (int64_t n = 1; r == 0 && n <= roots; n++) {
		char name[40];

		snprintf(name, sizeof(name), "%" PRId64 ".root.json", n);
		r = check_meta(a, t, name, err);
	}
	for (size_t i = 1; r == 0 && i < s->nroles; i++) {
		_cleanup_(sut_freep) char *name =
			s->roles[i].meta->type == SUT_TUF_TIMESTAMP
				? strdup("timestamp.json")
				: sut_sprintf("%" PRId64 ".%s.json", s->roles[i].meta->version,
					      s->roles[i].name);

		r = name ? check_meta(a, t, name, err) : sut_err_oom(err);
	}
	return r;
}

/* ------------------------------------------------------------------ */

/* The signature that a server asks for before it unpacks a patch. */
static int check_signature(struct audit *a, const char *place, const struct sut_buf *patch,
			   struct sut_err *err)
{
	_cleanup_(sut_freep) char *rel = sut_sprintf("%s.sig", place),
				  *path = sut_repo_path(a->repo, "public/%s.sig", place);
	_cleanup_buf_ struct sut_buf sig = SUT_BUF_INIT(SUT_MINISIGN_FILE_MAX);
	const struct sut_patch_key *by;
	struct sut_patch_claim claim;
	struct sut_err why = {0};
	int r;

	if (!rel || !path)
		return sut_err_oom(err);
	r = know(a, rel, err);
	if (r < 0)
		return r;
	r = sut_file_read(path, &sig, &why);
	if (r == 0)
		r = sut_patch_sig_verify(&a->keys, patch->data, patch->len, sut_buf_str(&sig),
					 sig.len, &claim, &by, &why);
	/* A signature for the one kind of patch is none for the other. */
	if (r == 0 && claim.library != sut_endswith(place, ".upatch.bin"))
		r = sut_err_set(&why, EBADMSG, "it is for the other kind of patch");
	if (cannot_look(r))
		return sut_err_set(err, -r, "%s", why.msg);
	if (r < 0)
		wrong(a, "%s: %s", rel, why.msg);
	return 0;
}

static bool hash_is(const struct sut_buf *b, enum sut_digest_alg alg, const char *hex)
{
	char mine[SUT_DIGEST_HEX_MAX];

	return !*hex ||
	       (sut_digest_of(alg, b->data, b->len, mine, NULL) == 0 && sut_streq(mine, hex));
}

static int check_target(struct audit *a, const char *role, const struct sut_tuf_target *t,
			struct sut_err *err)
{
	const char *base = strrchr(t->path, '/');
	int dir = base ? (int)(base + 1 - t->path) : 0;
	const char *hash = *t->hashes.sha256 ? t->hashes.sha256 : t->hashes.sha512;
	_cleanup_(sut_freep) char *place = sut_sprintf("targets/%.*s%s.%s", dir, t->path, hash,
						       t->path + dir),
				  *path = NULL;
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(TARGET_MAX);
	struct sut_err why = {0};
	int r;

	path = place ? sut_repo_path(a->repo, "public/%s", place) : NULL;
	if (!path)
		return sut_err_oom(err);
	r = know(a, place, err);
	if (r < 0)
		return r;
	a->out->targets++;
	r = sut_file_read(path, &b, &why);
	if (cannot_look(r))
		return sut_err_set(err, -r, "%s", why.msg);
	if (r < 0) {
		wrong(a, "%s names %s: %s", role, t->path, why.msg);
		return 0;
	}
	if ((int64_t)b.len != t->length || !hash_is(&b, SUT_DIGEST_SHA256, t->hashes.sha256) ||
	    !hash_is(&b, SUT_DIGEST_SHA512, t->hashes.sha512))
		wrong(a, "%s is not the file that %s names; restore it", place, role);
	return sut_endswith(place, ".kpatch.bin") || sut_endswith(place, ".upatch.bin")
		       ? check_signature(a, place, &b, err)
		       : 0;
}

static int check_targets(struct audit *a, const struct sut_tree_role *role, struct sut_err *err)
{
	json_t *targets = json_object_get(json_object_get(role->meta->doc, "signed"), "targets"),
	       *e;
	const char *path;

	json_object_foreach(targets, path, e) {
		struct sut_tuf_target t;
		struct sut_err why = {0};
		int r = sut_tuf_meta_target(role->meta, path, &t, &why);

		if (r < 0)
			wrong(a, "%s: %s", role->name, why.msg);
		else
			r = check_target(a, role->name, &t, err);
		if (cannot_look(r))
			return r;
	}
	return 0;
}

/* ------------------------------------------------------------------ */

/* Superseded versions stay for clients that are in the middle of an update, and roles that nobody delegates to any
 * more stay in the snapshot. */
static bool is_old_metadata(const struct sut_repo *repo, const char *rel)
{
	static const char folder[] = "metadata/";
	const char *file = rel + strlen(folder);
	size_t digits = sut_startswith(rel, folder) ? strspn(file, "0123456789") : 0;
	const struct sut_tuf_meta *snapshot;
	const struct sut_tuf_ref *ref;
	char name[SUT_TUF_NAME_MAX + 8];
	int64_t version = digits ? strtoll(file, NULL, 10) : 0;

	if (!digits || file[digits] != '.' || strlen(file) - digits >= sizeof(name))
		return false;
	snprintf(name, sizeof(name), "%s", file + digits + 1);
	if (sut_endswith(name, ".gz"))
		name[strlen(name) - strlen(".gz")] = 0;
	snapshot = sut_tuf_trusted_get(repo->state.trusted, SUT_TUF_SNAPSHOT);
	if (sut_streq(name, "snapshot.json"))
		return version < snapshot->version;
	ref = sut_tuf_ref(snapshot, name);
	return ref && version <= ref->version;
}

static int visit(struct audit *a, const char *rel, int depth, struct sut_err *err)
{
	_cleanup_(sut_freep) char *dir = sut_repo_path(a->repo, "public/%s", rel);
	_cleanup_(sut_closedirp) DIR *d = dir ? opendir(dir) : NULL;
	const struct dirent *e;
	int r = 0;

	if (!dir)
		return sut_err_oom(err);
	if (!d)
		return errno == ENOENT ? 0 : sut_err_errno(err, "cannot read %s", dir);
	while (r == 0 && (e = readdir(d))) {
		_cleanup_(sut_freep) char *path = NULL;
		struct stat st;

		if (sut_streq(e->d_name, ".") || sut_streq(e->d_name, ".."))
			continue;
		path = sut_sprintf("%s/%s", rel, e->d_name);
		if (!path)
			return sut_err_oom(err);
		if (fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		if (S_ISDIR(st.st_mode) && depth < 32)
			r = visit(a, path, depth + 1, err);
		else if (!json_object_get(a->known, path) && !is_old_metadata(a->repo, path))
			a->out->orphan(a->out->ctx, path);
	}
	return r;
}

static void release(struct audit *a)
{
	json_decref(a->known);
	for (size_t i = 0; i < a->keys.n; i++)
		free(a->keys.v[i].name);
	free(a->keys.v);
}

int sut_audit(const struct sut_repo *repo, struct sut_audit *out, struct sut_err *err)
{
	_cleanup_(release) struct audit a = {.repo = repo, .out = out, .known = json_object()};
	_cleanup_(sut_freep) char *dir = sut_repo_path(repo, "public/metadata");
	_cleanup_(sut_tree_release) struct sut_tree_state s = {0};
	struct sut_tree t = {.dir = dir};
	struct sut_err why = {0};
	int64_t roots;
	int r;

	if (!dir || !a.known)
		return sut_err_oom(err);
	r = read_patch_keys(&a, err);
	if (r < 0)
		return r;
	roots = sut_tree_roots(&t);
	/* First as a client with today's clock; when that fails, what else can be said. */
	r = sut_tree_load(&t, roots, repo->now, &s, &why);
	if (r < 0) {
		wrong(&a, "a client refuses what is public: %s", why.msg);
		r = sut_tree_load(&t, roots, 0, &s, NULL);
	}
	if (cannot_look(r))
		return sut_err_oom(err);
	if (r < 0)
		return 0;
	r = check_all_meta(&a, &t, &s, roots, err);
	for (size_t i = 3; r == 0 && i < s.nroles; i++)
		r = check_targets(&a, &s.roles[i], err);
	if (r == 0)
		r = visit(&a, "metadata", 0, err);
	return r < 0 ? r : visit(&a, "targets", 0, err);
}
