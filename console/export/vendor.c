// SPDX-License-Identifier: Apache-2.0
#include "export/vendor.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/file.h"
#include "base/str.h"
#include "console.h"
#include "http/http.h"
#include "link/link.h"
#include "tuf/client.h"

enum { FOLDER_OLD_S = 3600 };
#define FOLDER "trust-"

/* --- files --- */

void vendor_free(void *data)
{
	struct vendor *v = data;

	for (size_t i = 0; v && i < v->n; i++) {
		free(v->v[i].name);
		free(v->v[i].data);
		json_decref(v->v[i].doc);
	}
	if (v)
		free(v->v);
	free(v);
}

void vendor_freep(struct vendor **v)
{
	vendor_free(*v);
	*v = NULL;
}

static void forget(struct vendor *v)
{
	for (size_t i = 0; i < v->n; i++) {
		free(v->v[i].name);
		free(v->v[i].data);
		json_decref(v->v[i].doc);
	}
	v->n = 0;
}

struct reader {
	struct vendor *v;
	struct link_client *client;
	size_t total;
	bool away;
};

static int keep(struct reader *k, const char *url, const void *data, size_t len,
		struct sut_err *err)
{
	const char *slash = strrchr(url, '/'), *name = slash ? slash + 1 : url;
	struct vendor_file f = {0};
	void *v;

	if (!sut_is_token(name, VENDOR_NAME_MAX, ".-_~%="))
		return sut_err_set(err, EBADMSG, "the repository has a file of an odd name");
	k->total += len;
	if (k->total > VENDOR_TOTAL_MAX)
		return sut_err_set(err, EFBIG, "the repository's metadata is larger than %d MiB",
				   VENDOR_TOTAL_MAX >> 20);
	v = reallocarray(k->v->v, k->v->n + 1, sizeof(*k->v->v));
	if (!v)
		return sut_err_oom(err);
	k->v->v = v;
	f.name = strdup(name);
	f.data = malloc(len + 1);
	f.len = len;
	if (!f.name || !f.data) {
		free(f.name);
		free(f.data);
		return sut_err_oom(err);
	}
	memcpy(f.data, data, len);
	k->v->v[k->v->n++] = f;
	return 0;
}

static int get(void *ctx, const char *url, size_t max, struct sut_buf *out, struct sut_err *err)
{
	struct reader *k = ctx;
	size_t before = out->len;
	int r = link_get(k->client, url, max, out, err);

	if (r == 0)
		return keep(k, url, out->data + before, out->len - before, err);
	k->away = r != -ENOENT && r != -EFBIG && r != -ENOMEM;
	return r;
}

static int get_no_file(void *ctx _unused_, const char *url _unused_, int fd _unused_,
		       uint64_t have _unused_, uint64_t max _unused_, struct sut_err *err)
{
	return sut_err_set(err, ENOSYS, "nothing is downloaded here");
}

/* --- which patches --- */

static const char *text_of(const json_t *j, const char *key)
{
	const char *s = json_string_value(json_object_get(j, key));

	return s ? s : "";
}

bool vendor_path(const json_t *result, char ret[static VENDOR_PATH_MAX])
{
	const json_t *patch = json_object_get(json_object_get(result, "result"), "patch"),
		     *level = json_object_get(patch, "level");
	const char *build = text_of(json_object_get(result, "kernel"), "build_id");

	if (strlen(build) != 40 || !sut_is_token(build, 40, "") || !json_is_integer(level) ||
	    !*text_of(patch, "sha256"))
		return false;
	(void)snprintf(ret, VENDOR_PATH_MAX, "kernel/%s/%lld/kpatch.bin", build,
		       (long long)json_integer_value(level));
	return true;
}

static int read_paths(struct web_req *q, int64_t from, int64_t to, json_t *paths,
		      struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int k = sut_db_query(q->db,
			     "SELECT document FROM results WHERE tenant = $1 AND received >= $2"
			     " AND received < $3",
			     SUT_DB_ARGS(SUT_DB_I(q->who.tenant), SUT_DB_I(from), SUT_DB_I(to)),
			     &rows, err);

	while (k >= 0 && (k = sut_db_next(rows, err)) > 0) {
		json_t *doc = json_loads(sut_db_text(rows, 0), 0, NULL);
		char path[VENDOR_PATH_MAX];

		if (vendor_path(doc, path) && json_object_set_new(paths, path, json_null()) < 0)
			k = sut_err_oom(err);
		json_decref(doc);
	}
	return k < 0 ? k : 0;
}

/* --- the portal --- */

static int walk(struct reader *k, const char *folder, int64_t now, const json_t *paths,
		struct sut_err *err)
{
	_cleanup_(sut_tuf_client_freep) struct sut_tuf_client *c = NULL;
	_cleanup_buf_ struct sut_buf root = SUT_BUF_INIT(SUT_TUF_ROOT_MAX);
	const struct sut_tuf_client_opts o = {
		.metadata_dir = folder,
		.metadata_url = "/repo/metadata",
		.fetcher = {.get = get, .get_file = get_no_file, .ctx = k},
		.now = now};
	const char *path;
	json_t *unused;
	int r = get(k, "/repo/metadata/1.root.json", SUT_TUF_ROOT_MAX, &root, err);

	if (r == 0)
		r = sut_tuf_init(folder, root.data, root.len, err);
	if (r == 0)
		r = sut_tuf_client_new(&o, &c, err);
	if (r == 0)
		r = sut_tuf_refresh(c, err);
	json_object_foreach((json_t *)paths, path, unused) {
		struct sut_tuf_target t;

		if (r == 0)
			r = sut_tuf_find(c, path, &t, err);
		/* It was taken out of the repository. */
		if (r == -ENOENT && err && sut_streq(err->reason, "no-target"))
			r = 0;
	}
	for (size_t i = 0; r == 0 && i < k->v->n; i++) {
		struct vendor_file *f = &k->v->v[i];

		f->doc = json_loadb((const char *)f->data, f->len, JSON_REJECT_DUPLICATES, NULL);
		if (!f->doc)
			r = sut_err_oom(err);
	}
	return r;
}

/* What a console that was killed has left. */
static void sweep(const char *spool)
{
	DIR *d = opendir(spool);
	struct timespec real;
	struct dirent *e;
	struct stat st;

	clock_gettime(CLOCK_REALTIME, &real);
	while (d && (e = readdir(d))) {
		_cleanup_(sut_freep) char *path = NULL;

		if (!sut_startswith(e->d_name, FOLDER) ||
		    fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    st.st_mtime > real.tv_sec - FOLDER_OLD_S)
			continue;
		path = sut_sprintf("%s/%s", spool, e->d_name);
		if (path)
			(void)!sut_rm_rf(path, NULL);
	}
	if (d)
		closedir(d);
}

static int ask(struct console *c, const struct link *l, int64_t now, const json_t *paths,
	       struct vendor *v, bool *ret_away, struct sut_err *err)
{
	_cleanup_(link_client_freep) struct link_client *client = NULL;
	struct reader k = {.v = v};
	_cleanup_(sut_freep) char *folder = sut_sprintf("%s/" FOLDER "XXXXXX", c->conf.spool);
	int r;

	sweep(c->conf.spool);
	if (!folder)
		return sut_err_oom(err);
	if (!mkdtemp(folder))
		return sut_err_errno(err, "cannot make a folder in the spool %s", c->conf.spool);
	r = link_open(l, LINK_CALL_SEC, -1, &client, err);
	k.client = client;
	if (r == 0)
		r = walk(&k, folder, now, paths, err);
	(void)!sut_rm_rf(folder, NULL);
	*ret_away = k.away;
	return r;
}

static int read_all(struct web_req *q, const json_t *paths, struct vendor *v, struct sut_err *err)
{
	struct console *c = console_of(q->server);
	_cleanup_link_ struct link l = {0};
	struct sut_err why = {0};
	bool away = false;
	int r;

	v->state = "none";
	if (!json_object_size(paths))
		return 0;
	r = link_load(c, q->db, q->who.tenant, &l, err);
	v->state = "unset";
	if (r <= 0)
		return r;
	/* As with other calls that somebody waits for: a portal that hangs takes some of the readers, not all. */
	if (atomic_fetch_add(&c->asking, 1) >= LINK_ASKING_MAX) {
		r = sut_err_set(&why, EBUSY, "the portal is being asked by others already");
		away = true;
	} else {
		r = ask(c, &l, q->now, paths, v, &away, &why);
	}
	atomic_fetch_sub(&c->asking, 1);
	if (r == -ENOMEM)
		return sut_err_oom(err);
	v->state = r == 0 ? "ok" : away ? "away" : "invalid";
	if (r < 0) {
		forget(v);
		(void)snprintf(v->text, sizeof(v->text), "%.500s", why.msg);
	}
	return 0;
}

int vendor_read(struct web_req *q, int64_t from, int64_t to, struct vendor **ret,
		struct sut_err *err)
{
	_cleanup_(vendor_freep) struct vendor *v = calloc(1, sizeof(*v));
	json_t *paths = json_object();
	int r = v && paths ? read_paths(q, from, to, paths, err) : sut_err_oom(err);

	if (r == 0)
		r = read_all(q, paths, v, err);
	json_decref(paths);
	if (r < 0)
		return r;
	*ret = sut_steal(v);
	return 0;
}

/* --- what it says --- */

const struct vendor_file *vendor_names(const struct vendor *v, const char *path, const char *sha256)
{
	for (size_t i = 0; i < v->n; i++) {
		const json_t *targets =
			json_object_get(json_object_get(v->v[i].doc, "signed"), "targets");
		const json_t *hashes = json_object_get(json_object_get(targets, path), "hashes");

		if (hashes && sut_streq(text_of(hashes, "sha256"), sha256))
			return &v->v[i];
	}
	return NULL;
}

/* "3.kernel.json" of "kernel"; the timestamp has no number. */
static const struct vendor_file *file_of(const struct vendor *v, const char *role)
{
	_cleanup_(sut_freep) char *quoted = sut_http_quote(role),
				  *name = quoted ? sut_sprintf("%s.json", quoted) : NULL;
	const struct vendor_file *last = NULL;

	for (size_t i = 0; name && i < v->n; i++) {
		const char *s = v->v[i].name;

		s += strspn(s, "0123456789");
		if (sut_streq(s + (*s == '.'), name))
			last = &v->v[i];
	}
	return last;
}

static int add_role(json_t *list, const struct vendor *v, const char *folder, const char *role,
		    const struct vendor_file *by)
{
	const struct vendor_file *f = file_of(v, role);

	if (!f || !by)
		return 0;
	return json_array_append_new(list,
				     json_pack("{s:s++, s:s, s:s++}", "file", folder, "/", f->name,
					       "role", role, "named_by", folder, "/", by->name));
}

json_t *vendor_json(const struct vendor *v, const char *folder)
{
	static const char *const top[] = {"timestamp", "snapshot", "targets"};
	const struct vendor_file *root = file_of(v, "root");
	json_t *list = json_array();
	int r = list ? 0 : -1;

	for (size_t i = 0; i < SUT_ARRAY_SIZE(top) && r == 0; i++)
		r = add_role(list, v, folder, top[i], root);
	for (size_t i = 0; i < v->n && r == 0; i++) {
		const json_t *of = json_object_get(
				     json_object_get(json_object_get(v->v[i].doc, "signed"),
						     "delegations"),
				     "roles"),
			     *d;
		size_t k;

		json_array_foreach(of, k, d) {
			if (r == 0)
				r = add_role(list, v, folder, text_of(d, "name"), &v->v[i]);
		}
	}
	if (r < 0) {
		json_decref(list);
		return NULL;
	}
	return json_pack("{s:s, s:s, s:o}", "state", v->state, "text", v->text, "roles", list);
}
