// SPDX-License-Identifier: Apache-2.0
#include "repo/look.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "crypto/sha256.h"
#include "patch/container.h"
#include "portal.h"
#include "repo/fetch.h"

enum {
	ROLES_SHOWN = 64, /* beside the four of the root; hash bins may be thousands */
	WARNINGS_MAX = 50,
	TARGETS_MAX = 200000,
};

struct repo {
	pthread_mutex_t lock;
	char *dir;	/* of metadata; NULL until it is needed */
	char trust[65]; /* of the root that was put there */
};

/* What the database knew before. */
struct known {
	char *path;
	char sha256[65];
};

struct before {
	char trust[65], timestamp_sha256[65];
	int64_t root_version, timestamp_version, expires;
	bool broken;
	struct known *v; /* by path */
	size_t n, cap;
};

struct looking {
	struct portal *p;
	struct sut_tuf_client *c;
	struct repo_look *look;
	const struct before *before;
	size_t cap, nread, nroles;
	bool consistent;
	json_t *roles, *warnings;
};

int repo_new(struct repo **ret, struct sut_err *err)
{
	struct repo *r = calloc(1, sizeof(*r));

	if (!r)
		return sut_err_oom(err);
	pthread_mutex_init(&r->lock, NULL);
	*ret = r;
	return 0;
}

void repo_free(struct repo *r)
{
	if (!r)
		return;
	/* What cannot be removed is left: it is a temporary folder. */
	if (r->dir && sut_rm_rf(r->dir, NULL) < 0)
		r->dir[0] = 0;
	free(r->dir);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

void repo_look_free(struct repo_look *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < l->n; i++) {
		free(l->v[i].path);
		repo_patch_free(l->v[i].patch);
	}
	free(l->v);
	json_decref(l->state);
	free(l);
}

void repo_look_freep(struct repo_look **l)
{
	repo_look_free(*l);
}

static void before_release(struct before *b)
{
	for (size_t i = 0; i < b->n; i++)
		free(b->v[i].path);
	free(b->v);
}

/* ------------------------------------------------------------------ */
/* Before. */

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct known *)a)->path, ((const struct known *)b)->path);
}

static int read_known(struct sut_db *db, struct before *b, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int r = sut_db_query(db, "SELECT path, sha256 FROM patch_targets", SUT_DB_NONE, &rows, err);

	while (r == 0 && (r = sut_db_next(rows, err)) > 0) {
		if (b->n == b->cap) {
			size_t cap = b->cap ? b->cap * 2 : 256;
			struct known *v = reallocarray(b->v, cap, sizeof(*v));

			if (!v)
				return sut_err_oom(err);
			b->v = v;
			b->cap = cap;
		}
		b->v[b->n].path = strdup(sut_db_text(rows, 0));
		if (!b->v[b->n].path)
			return sut_err_oom(err);
		snprintf(b->v[b->n].sha256, sizeof(b->v[b->n].sha256), "%s", sut_db_text(rows, 1));
		b->n++;
		r = 0;
	}
	if (b->n)
		qsort(b->v, b->n, sizeof(*b->v), by_path);
	return r;
}

static int read_before(struct sut_db *db, struct before *b, struct sut_err *err)
{
	static const char sql[] = "SELECT trust, timestamp_sha256, root_version, timestamp_version,"
				  " expires, error FROM repository WHERE id = 1";
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int r = sut_db_one(db, sql, SUT_DB_NONE, &rows, err);

	if (r == 0)
		return sut_err_set(err, EUCLEAN,
				   "the table repository is empty. Run suture-portal doctor");
	if (r < 0)
		return r;
	snprintf(b->trust, sizeof(b->trust), "%s", sut_db_text(rows, 0));
	snprintf(b->timestamp_sha256, sizeof(b->timestamp_sha256), "%s", sut_db_text(rows, 1));
	b->root_version = sut_db_int(rows, 2);
	b->timestamp_version = sut_db_int(rows, 3);
	b->expires = sut_db_int(rows, 4);
	b->broken = *sut_db_text(rows, 5);
	return 0;
}

static bool is_known(const struct before *b, const char *path, const char *sha256)
{
	struct known key = {.path = (char *)path};
	const struct known *k = b->n ? bsearch(&key, b->v, b->n, sizeof(*b->v), by_path) : NULL;

	return k && !strcmp(k->sha256, sha256);
}

/* ------------------------------------------------------------------ */
/* Targets. */

static bool parse_path(const char *path, struct repo_target *ret)
{
	enum { ID = 2 * SUTURE_BUILD_ID_LEN };
	bool library = sut_startswith(path, "library/");
	const char *prefix = library ? "library/" : "kernel/",
		   *suffix = library ? "/upatch.bin" : "/kpatch.bin";
	const char *id = path + strlen(prefix), *digits = id + ID + 1, *end;
	char number[16];
	uint64_t level;

	if (!sut_startswith(path, prefix) || strlen(id) <= ID + 1 || id[ID] != '/' ||
	    strspn(id, "0123456789abcdef") != ID)
		return false;
	end = strchr(digits, '/');
	/* kernel/BUILDID/kpatch.bin is the newest once more, and so it is with libraries. */
	if (!end || strcmp(end, suffix) != 0 || *digits == '0' ||
	    (size_t)(end - digits) >= sizeof(number) ||
	    strspn(digits, "0123456789") != (size_t)(end - digits))
		return false;
	snprintf(number, sizeof(number), "%.*s", (int)(end - digits), digits);
	if (sut_parse_u64(number, INT32_MAX, &level) < 0 || !level)
		return false;
	if (ret) {
		snprintf(ret->build_id, sizeof(ret->build_id), "%.*s", ID, id);
		ret->level = (uint32_t)level;
		ret->library = library;
	}
	return true;
}

static bool is_patch(void *ctx _unused_, const char *path)
{
	return parse_path(path, NULL);
}

static void warn(struct looking *g, const char *path, const struct sut_err *why)
{
	if (json_array_size(g->warnings) < WARNINGS_MAX)
		/* One warning less when memory is short. */
		json_array_append_new(g->warnings,
				      json_pack("{s:s,s:s}", "path", path, "detail", why->msg));
}

/* targets/DIR/HASH.NAME */
static char *file_of(const struct looking *g, const struct repo_target *t)
{
	const char *name = strrchr(t->path, '/') + 1;

	return sut_sprintf("targets/%.*s%s%s%s", (int)(name - t->path), t->path,
			   g->consistent ? t->sha256 : "", g->consistent ? "." : "", name);
}

static int read_patch(struct looking *g, struct repo_target *t, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_PATCH_FILE_MAX);
	_cleanup_(sut_freep) char *file = file_of(g, t);
	_cleanup_(repo_patch_freep) struct repo_patch *p = NULL;
	char hex[SUT_SHA256_HEX];
	int r;

	if (!file)
		return sut_err_oom(err);
	r = repo_read_file(g->p->s.files_fd, file, SUT_PATCH_FILE_MAX, &b, err);
	if (r < 0)
		return r;
	sut_sha256_hex(b.data, b.len, hex);
	if ((int64_t)b.len != t->length || strcmp(hex, t->sha256) != 0)
		return sut_err_reason(err, EBADMSG, "hash",
				      "the file %s is not what was released under this name. Copy "
				      "the repository again",
				      file);
	r = repo_patch_parse(b.data, b.len, &p, err);
	if (r == -EPROTONOSUPPORT) {
		warn(g, t->path, err);
		return 0;
	}
	if (r < 0)
		return sut_err_prefix(err, "%s", t->path), r;
	if (p->level != t->level || p->library != t->library ||
	    strcmp(p->build_id, t->build_id) != 0)
		return sut_err_reason(err, EBADMSG, "disagree",
				      "the patch at %s is level %u for the %s %s. Withdraw it and "
				      "release it anew",
				      t->path, p->level, p->library ? "library" : "kernel",
				      p->build_id);
	t->patch = sut_steal(p);
	g->nread++;
	return 0;
}

/* A file that went away, or was cut, is found without reading it all. */
static int check_size(struct looking *g, const struct repo_target *t, struct sut_err *err)
{
	_cleanup_(sut_freep) char *file = file_of(g, t);
	int64_t size;
	int r;

	if (!file)
		return sut_err_oom(err);
	r = repo_file_size(g->p->s.files_fd, file, &size, err);
	if (r == 0 && size != t->length)
		return sut_err_reason(err, EBADMSG, "length",
				      "the file %s has %lld bytes instead of %lld. Copy the "
				      "repository again",
				      file, (long long)size, (long long)t->length);
	return r;
}

static int add_target(void *ctx, const struct sut_tuf_target *tt, struct sut_err *err)
{
	struct looking *g = ctx;
	struct repo_look *l = g->look;
	struct repo_target *t;
	struct sut_err why = {0};

	if (!*tt->hashes.sha256) {
		sut_err_set(&why, EBADMSG, "the target has no SHA-256, so it is left out");
		warn(g, tt->path, &why);
		return 0;
	}
	if (l->n == TARGETS_MAX)
		return sut_err_set(err, E2BIG, "the repository has more than %d patches",
				   TARGETS_MAX);
	if (l->n == g->cap) {
		size_t cap = g->cap ? g->cap * 2 : 256;

		t = reallocarray(l->v, cap, sizeof(*t));
		if (!t)
			return sut_err_oom(err);
		l->v = t;
		g->cap = cap;
	}
	t = &l->v[l->n];
	*t = (struct repo_target){.path = strdup(tt->path), .length = tt->length};
	if (!t->path)
		return sut_err_oom(err);
	l->n++;
	snprintf(t->sha256, sizeof(t->sha256), "%s", tt->hashes.sha256);
	if (!parse_path(t->path, t))
		return sut_err_set(err, EBADMSG, "%s is not the path of a patch", t->path);
	if (is_known(g->before, t->path, t->sha256))
		return check_size(g, t, err);
	if (g->nread < REPO_BATCH)
		return read_patch(g, t, err);
	l->more = true;
	return 0;
}

/* ------------------------------------------------------------------ */
/* Metadata. */

static int add_role(struct looking *g, const char *name, const struct sut_tuf_meta *m,
		    struct sut_err *err)
{
	char when[32];

	if (!g->look->expires || m->expires < g->look->expires)
		g->look->expires = m->expires;
	if (g->nroles++ >= ROLES_SHOWN + 4)
		return 0;
	sut_tuf_time_format(m->expires, when);
	if (json_array_append_new(g->roles, json_pack("{s:s,s:I,s:s}", "name", name, "version",
						      (json_int_t)m->version, "expires", when)) < 0)
		return sut_err_oom(err);
	return 0;
}

static int add_delegated(void *ctx, const char *name, const struct sut_tuf_meta *m,
			 struct sut_err *err)
{
	return add_role(ctx, name, m, err);
}

static int add_roles(struct looking *g, struct sut_err *err)
{
	static const enum sut_tuf_type top[] = {SUT_TUF_ROOT, SUT_TUF_TIMESTAMP, SUT_TUF_SNAPSHOT};
	int r = 0;

	for (size_t i = 0; r == 0 && i < SUT_ARRAY_SIZE(top); i++)
		r = add_role(g, sut_tuf_type_name(top[i]), sut_tuf_client_meta(g->c, top[i]), err);
	return r < 0 ? r : sut_tuf_each_role(g->c, add_delegated, g, err);
}

/* The stop flag is in the metadata itself. NULL: none. */
static int stop_flag(struct looking *g, json_t **ret, struct sut_err *err)
{
	struct sut_tuf_target t;
	struct sut_err own = {0};
	int r = sut_tuf_find(g->c, "stop/flag.json", &t, &own);

	*ret = NULL;
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return sut_err_set(err, -r, "%s", own.msg);
	*ret = t.custom ? json_deep_copy(t.custom) : NULL;
	return 0;
}

/* The one who holds the state may not be shown an older one. */
static int check_rollback(const struct before *b, const struct repo_look *l, struct sut_err *err)
{
	if (strcmp(b->trust, l->trust) != 0)
		return 0; /* the operator trusts another root now */
	if (l->root_version < b->root_version ||
	    (l->root_version == b->root_version && l->timestamp_version < b->timestamp_version))
		return sut_err_reason(
			err, EBADMSG, "rollback",
			"the repository is older (root %lld, timestamp %lld) than what was "
			"seen before (root %lld, timestamp %lld). Copy the newer one",
			(long long)l->root_version, (long long)l->timestamp_version,
			(long long)b->root_version, (long long)b->timestamp_version);
	return 0;
}

static int look_into(struct looking *g, struct sut_err *err)
{
	struct repo_look *l = g->look;
	json_t *stop = NULL;
	int r = sut_tuf_refresh(g->c, err);

	if (r < 0)
		return r;
	l->root_version = sut_tuf_client_meta(g->c, SUT_TUF_ROOT)->version;
	l->timestamp_version = sut_tuf_client_meta(g->c, SUT_TUF_TIMESTAMP)->version;
	g->consistent = sut_tuf_client_meta(g->c, SUT_TUF_ROOT)->consistent_snapshot;
	r = check_rollback(g->before, l, err);
	if (r == 0)
		r = add_roles(g, err);
	if (r == 0)
		r = sut_tuf_each(g->c, is_patch, add_target, g, err);
	if (r == 0)
		r = stop_flag(g, &stop, err);
	if (r < 0)
		return r;
	l->state = json_pack("{s:O,s:o?,s:O}", "roles", g->roles, "stop", stop, "warnings",
			     g->warnings);
	return l->state ? 0 : sut_err_oom(err);
}

static int prepare_dir(struct repo *repo, const char *trust, const struct sut_buf *root,
		       struct sut_err *err)
{
	int r = 0;

	if (repo->dir && !strcmp(repo->trust, trust))
		return 0;
	if (!repo->dir)
		r = sut_tmpdir("suture-portal", &repo->dir, err);
	if (r == 0)
		r = sut_tuf_init(repo->dir, root->data, root->len, err);
	if (r == 0)
		snprintf(repo->trust, sizeof(repo->trust), "%s", trust);
	return r;
}

static int look(struct portal *p, const struct before *b, int64_t now, struct repo_look *l,
		struct sut_err *err)
{
	struct sut_tuf_client_opts o = {
		.metadata_dir = p->repo->dir,
		.metadata_url = REPO_URL "metadata",
		.fetcher = repo_fetcher(&p->s.files_fd),
		.now = now,
	};
	struct looking g = {.p = p, .look = l, .before = b};
	int r = sut_tuf_client_new(&o, &g.c, err);

	if (r < 0)
		return r;
	g.roles = json_array();
	g.warnings = json_array();
	r = g.roles && g.warnings ? look_into(&g, err) : sut_err_oom(err);
	json_decref(g.roles);
	json_decref(g.warnings);
	sut_tuf_client_free(g.c);
	return r;
}

static int look_locked(struct portal *p, struct sut_db *db, int64_t now, bool force,
		       struct repo_look **ret, struct sut_err *err)
{
	_cleanup_(before_release) struct before b = {0};
	_cleanup_(repo_look_freep) struct repo_look *l = calloc(1, sizeof(*l));
	_cleanup_buf_ struct sut_buf root = SUT_BUF_INIT(SUT_TUF_ROOT_MAX);
	_cleanup_buf_ struct sut_buf ts = SUT_BUF_INIT(SUT_TUF_TIMESTAMP_MAX);
	int r;

	if (!l)
		return sut_err_oom(err);
	r = read_before(db, &b, err);
	if (r == 0)
		r = sut_file_read(p->conf.repository_root, &root, err);
	if (r == 0)
		r = repo_read_file(p->s.files_fd, "metadata/timestamp.json", SUT_TUF_TIMESTAMP_MAX,
				   &ts, err);
	if (r < 0)
		return r;
	sut_sha256_hex(root.data, root.len, l->trust);
	sut_sha256_hex(ts.data, ts.len, l->timestamp_sha256);
	if (!force && !b.broken && now < b.expires && !strcmp(l->trust, b.trust) &&
	    !strcmp(l->timestamp_sha256, b.timestamp_sha256))
		return 1;
	r = read_known(db, &b, err);
	if (r == 0)
		r = prepare_dir(p->repo, l->trust, &root, err);
	if (r == 0)
		r = look(p, &b, now, l, err);
	if (r < 0)
		return r;
	*ret = sut_steal(l);
	return 0;
}

int repo_look(struct portal *p, struct sut_db *db, int64_t now, bool force, struct repo_look **ret,
	      struct sut_err *err)
{
	struct sut_err own = {0};
	int r;

	if (!err)
		err = &own;
	*ret = NULL;
	if (p->s.files_fd < 0 || !p->conf.repository_root)
		return sut_err_reason(err, ENOTCONN, "not-configured",
				      "no repository is configured: set repository and "
				      "repository-root in the configuration of suture-portal");
	pthread_mutex_lock(&p->repo->lock);
	r = look_locked(p, db, now, force, ret, err);
	pthread_mutex_unlock(&p->repo->lock);
	return r;
}
