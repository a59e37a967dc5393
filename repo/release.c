// SPDX-License-Identifier: Apache-2.0
#include "release.h"

#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "change_view.h"
#include "edit.h"
#include "patch/agree.h"
#include "patch/expect.h"
#include "patch/signature.h"
#include "tuf/json.h"

/* ------------------------------------------------------------------ */
/* The file. */

static int check_objects(const struct sut_release_file *f, struct sut_err *err)
{
	for (size_t i = 0; i < f->manifest->nobjects; i++) {
		const struct sut_manifest_object *o = &f->manifest->objects[i];
		const struct sut_member *m = sut_patch_member(f->patch, o->expect);
		struct sut_expect_table t;
		int r = sut_expect_parse(m->data, m->len, &t, err);

		if (r < 0)
			return sut_err_prefix(err, "%s", o->expect), r;
		if (memcmp(t.build_id, f->manifest->target.build_id, SUTURE_BUILD_ID_LEN) != 0)
			return sut_err_reason(err, EBADMSG, "disagree",
					      "%s is for another kernel than the manifest. Build "
					      "the patch again",
					      o->expect);
	}
	return 0;
}

static int check_library(const struct sut_release_file *f, struct sut_err *err)
{
	_cleanup_(sut_library_freep) struct sut_library *l = NULL;

	return sut_library_of_patch(f->patch, f->manifest, &l, err);
}

static int parse(struct sut_release_file *f, struct sut_err *err)
{
	int r = sut_patch_parse(f->data.data, f->data.len, &f->patch, err);

	if (r == 0)
		r = sut_manifest_load(f->patch->manifest, &f->manifest, err);
	if (r < 0)
		return r;
	return sut_manifest_is_library(f->manifest) ? check_library(f, err) : check_objects(f, err);
}

static int sign_payloads(struct sut_release_file *f, const struct sut_modsign_key *key,
			 struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf out = SUT_BUF_INIT(SUT_PATCH_FILE_MAX);
	int r = sut_patch_sign_payloads(f->patch, key, &out, err);

	if (r < 0)
		return r;
	sut_manifest_free(sut_steal(f->manifest));
	sut_patch_free(sut_steal(f->patch));
	sut_buf_release(&f->data);
	f->data = out;
	out = (struct sut_buf){0};
	return parse(f, err);
}

int sut_release_open(const char *path, const struct sut_modsign_key *key,
		     struct sut_release_file *ret, struct sut_err *err)
{
	_cleanup_(sut_release_close) struct sut_release_file f = {
		.path = strdup(path),
		.data = SUT_BUF_INIT(SUT_PATCH_FILE_MAX),
		.sig = SUT_BUF_INIT(SUT_MINISIGN_FILE_MAX),
	};
	int r;

	if (!f.path)
		return sut_err_oom(err);
	r = sut_file_read(path, &f.data, err);
	if (r < 0)
		return r;
	r = parse(&f, err);
	if (r == 0 && key && !sut_manifest_is_library(f.manifest))
		r = sign_payloads(&f, key, err);
	if (r < 0)
		return sut_err_prefix(err, "%s", path), r;
	sut_hex(f.manifest->target.build_id, SUTURE_BUILD_ID_LEN, f.build_id);
	sut_sha256_hex(f.data.data, f.data.len, f.sha256);
	*ret = f;
	f = (struct sut_release_file){0};
	return 0;
}

void sut_release_close(struct sut_release_file *f)
{
	free(f->path);
	sut_buf_release(&f->data);
	sut_buf_release(&f->sig);
	sut_manifest_free(f->manifest);
	sut_patch_free(f->patch);
	*f = (struct sut_release_file){0};
}

int sut_release_sign(struct sut_release_file *f, const struct sut_privkey *key, int64_t now,
		     struct sut_err *err)
{
	sut_buf_release(&f->sig);
	return sut_patch_sign(key, f->manifest, f->data.data, f->data.len, now, &f->sig, err);
}

int sut_release_take_sig(struct sut_release_file *f, const char *path, const struct sut_pubkey *key,
			 struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf sig = SUT_BUF_INIT(SUT_MINISIGN_FILE_MAX);
	struct sut_patch_key k = {.name = (char *)"the patch key"};
	const struct sut_patch_keys keys = {&k, 1};
	const struct sut_patch_key *by;
	struct sut_patch_claim claim;
	int r = sut_minisign_pub_of(key, &k.pub, err);

	if (r == 0)
		r = sut_file_read(path, &sig, err);
	if (r < 0)
		return r;
	r = sut_patch_sig_verify(&keys, f->data.data, f->data.len, sig.data, sig.len, &claim, &by,
				 err);
	if (r == 0)
		r = sut_patch_sig_matches(&claim, f->manifest, err);
	if (r < 0)
		return sut_err_prefix(err, "%s", path), r;
	sut_buf_release(&f->sig);
	f->sig = sig;
	sig = (struct sut_buf){0};
	return 0;
}

/* ------------------------------------------------------------------ */
/* What is released. */

const char *sut_release_folder(bool library)
{
	return library ? "library" : "kernel";
}

/* "kernel/BUILDID/LEVEL/kpatch.bin", "library/BUILDID/LEVEL/upatch.bin" */
static bool parse_path(const char *path, struct sut_release *ret)
{
	enum { ID = 2 * SUTURE_BUILD_ID_LEN };
	bool library = sut_startswith(path, "library/");
	const char *prefix = library ? "library/" : "kernel/",
		   *suffix = library ? "/upatch.bin" : "/kpatch.bin";
	uint8_t raw[SUTURE_BUILD_ID_LEN];
	char digits[16];
	uint64_t level;
	size_t n;

	if (!sut_startswith(path, prefix) || !sut_endswith(path, suffix))
		return false;
	path += strlen(prefix);
	n = strlen(path) - strlen(suffix);
	if (n < ID + 2 || n >= ID + 1 + sizeof(digits) || path[ID] != '/')
		return false;
	memcpy(ret->build_id, path, ID);
	ret->build_id[ID] = '\0';
	memcpy(digits, path + ID + 1, n - ID - 1);
	digits[n - ID - 1] = '\0';
	if (sut_unhex(ret->build_id, raw, sizeof(raw)) < 0 || digits[0] == '0' ||
	    strspn(digits, "0123456789") != strlen(digits) ||
	    sut_parse_u64(digits, UINT32_MAX, &level) < 0)
		return false;
	ret->level = (uint32_t)level;
	ret->library = library;
	return true;
}

static int add_release(struct sut_releases *l, const struct sut_release *at, json_t *entry,
		       struct sut_err *err)
{
	const json_t *custom = json_object_get(entry, "custom");
	struct sut_release *grown;

	if ((l->n & (l->n - 1)) == 0) {
		grown = reallocarray(l->v, l->n ? 2 * l->n : 1, sizeof(*grown));
		if (!grown)
			return sut_err_oom(err);
		l->v = grown;
	}
	l->v[l->n] = *at;
	l->v[l->n].id = sut_json_text(custom, "id");
	l->v[l->n].target = sut_json_text(custom, "target");
	l->v[l->n].arch = sut_json_text(custom, "arch");
	l->v[l->n].sha256 = sut_json_text(json_object_get(entry, "hashes"), "sha256");
	l->v[l->n].length = json_integer_value(json_object_get(entry, "length"));
	l->v[l->n].entry = json_incref(entry);
	l->n++;
	return 0;
}

static int by_build_id(const void *a, const void *b)
{
	const struct sut_release *x = a, *y = b;
	int d = x->library != y->library ? x->library - y->library
					 : strcmp(x->build_id, y->build_id);

	return d ? d : x->level < y->level ? -1 : x->level > y->level;
}

static int read_view(const struct sut_change_view *v, struct sut_releases *ret, struct sut_err *err)
{
	_cleanup_(sut_releases_release) struct sut_releases l = {0};
	int r = 0;

	for (size_t i = 0; r == 0 && i < v->n; i++) {
		const struct sut_tuf_meta *m = v->v[i].now;
		const struct sut_tuf_delegation *by;
		struct sut_release at;
		const char *path;
		json_t *entry;

		/* A role that nobody delegates to any more is not read by anybody. */
		if (!m || m->type != SUT_TUF_TARGETS ||
		    !sut_change_view_delegator(v, v->v[i].name, &by))
			continue;
		json_object_foreach(json_object_get(json_object_get(m->doc, "signed"), "targets"),
				    path, entry)
			if (r == 0 && parse_path(path, &at))
				r = add_release(&l, &at, entry, err);
	}
	if (r < 0)
		return r;
	if (l.n)
		qsort(l.v, l.n, sizeof(*l.v), by_build_id);
	*ret = l;
	l = (struct sut_releases){0};
	return 0;
}

int sut_releases_read(const struct sut_change *c, struct sut_releases *ret, struct sut_err *err)
{
	_cleanup_(sut_change_view_release) struct sut_change_view v = {0};
	int r = sut_change_view_make(c, &v, err);

	return r < 0 ? r : read_view(&v, ret, err);
}

void sut_releases_release(struct sut_releases *r)
{
	for (size_t i = 0; i < r->n; i++)
		json_decref(r->v[i].entry);
	free(r->v);
	*r = (struct sut_releases){0};
}

/* The highest level; NULL when there is none. */
static const struct sut_release *latest(const struct sut_releases *kernel)
{
	return kernel->n ? &kernel->v[kernel->n - 1] : NULL;
}

/* ------------------------------------------------------------------ */
/* The plan. */

struct sut_release_plan {
	struct sut_change *c;
	struct sut_change_view view;
	struct sut_releases *kernels; /* each by level */
	size_t n;
	json_t *index; /* "kernel/BUILDID": index in kernels */
};

void sut_release_plan_free(struct sut_release_plan *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->n; i++)
		sut_releases_release(&p->kernels[i]);
	free(p->kernels);
	json_decref(p->index);
	sut_change_view_release(&p->view);
	free(p);
}

void sut_release_plan_freep(struct sut_release_plan **p)
{
	sut_release_plan_free(*p);
}

/* The releases of one kernel or library, empty ones when there are none yet. The pointer holds until the next call. */
static int kernel_of(struct sut_release_plan *p, bool library, const char *build_id,
		     struct sut_releases **ret, struct sut_err *err)
{
	_cleanup_(sut_freep) char *top =
		sut_sprintf("%s/%s", sut_release_folder(library), build_id);
	const json_t *at = top ? json_object_get(p->index, top) : NULL;

	if (!top)
		return sut_err_oom(err);
	if (!at) {
		if ((p->n & (p->n - 1)) == 0) {
			struct sut_releases *grown =
				reallocarray(p->kernels, p->n ? 2 * p->n : 1, sizeof(*p->kernels));

			if (!grown)
				return sut_err_oom(err);
			p->kernels = grown;
		}
		if (json_object_set_new(p->index, top, json_integer((json_int_t)p->n)) < 0)
			return sut_err_oom(err);
		p->kernels[p->n++] = (struct sut_releases){0};
		at = json_object_get(p->index, top);
	}
	*ret = &p->kernels[json_integer_value(at)];
	return 0;
}

/* Into the list of its kernel, at the place of its level; a level that is there is replaced. */
static int note(struct sut_release_plan *p, const struct sut_release *at, json_t *entry,
		struct sut_err *err)
{
	struct sut_releases *kernel;
	int r = kernel_of(p, at->library, at->build_id, &kernel, err);

	for (size_t i = 0; r == 0 && i < kernel->n; i++)
		if (kernel->v[i].level == at->level) {
			json_decref(kernel->v[i].entry);
			kernel->v[i] = kernel->v[--kernel->n];
			break;
		}
	if (r == 0)
		r = add_release(kernel, at, entry, err);
	if (r == 0)
		qsort(kernel->v, kernel->n, sizeof(*kernel->v), by_build_id);
	return r;
}

int sut_release_plan_new(struct sut_change *c, struct sut_release_plan **ret, struct sut_err *err)
{
	_cleanup_(sut_release_plan_freep) struct sut_release_plan *p = calloc(1, sizeof(*p));
	_cleanup_(sut_releases_release) struct sut_releases all = {0};
	int r;

	if (!p || !(p->index = json_object()))
		return sut_err_oom(err);
	p->c = c;
	r = sut_change_view_make(c, &p->view, err);
	if (r == 0)
		r = read_view(&p->view, &all, err);
	for (size_t i = 0; r == 0 && i < all.n; i++)
		r = note(p, &all.v[i], all.v[i].entry, err);
	if (r == 0)
		*ret = sut_steal(p);
	return r;
}

/* ------------------------------------------------------------------ */
/* Edits. */

/* The place of a file under public/, and that of its signature. */
static int add_files(struct sut_change *c, const char *folder, const char *sha256, const char *name,
		     const struct sut_buf *data, const struct sut_buf *sig, struct sut_err *err)
{
	_cleanup_(sut_freep) char *path = sut_sprintf("targets/%s/%s.%s", folder, sha256, name);
	_cleanup_(sut_freep) char *sig_path =
		sut_sprintf("targets/%s/%s.%s.sig", folder, sha256, name);
	int r;

	if (!path || !sig_path)
		return sut_err_oom(err);
	r = sut_change_add_file(c, path, data->data, data->len, err);
	return r < 0 ? r : sut_change_add_file(c, sig_path, sig->data, sig->len, err);
}

static json_t *strings(const char *const *v, size_t n, size_t max)
{
	json_t *l = json_array();

	for (size_t i = 0; l && i < n && i < max; i++)
		if (json_array_append_new(l, json_string(v[i])) < 0) {
			json_decref(l);
			return NULL;
		}
	return l;
}

static json_t *superseded(const struct sut_releases *kernel, const struct sut_release_file *f)
{
	json_t *ids = json_array();

	/* The newest ones when there are too many. */
	for (size_t i = kernel->n; ids && i-- > 0;) {
		const struct sut_release *r = &kernel->v[i];

		if (r->level >= f->manifest->level)
			continue;
		if (json_array_size(ids) >= SUT_RELEASE_SUPERSEDES_MAX)
			break;
		if (json_array_append_new(ids, json_string(r->id)) < 0) {
			json_decref(ids);
			return NULL;
		}
	}
	return ids;
}

static json_t *make_entry(const struct sut_releases *kernel, const struct sut_release_file *f,
			  const char *reason)
{
	const struct sut_manifest *m = f->manifest;
	json_t *custom = json_pack("{s:s,s:I,s:s,s:o,s:s,s:s,s:o}", "id", m->id, "level",
				   (json_int_t)m->level, "created", m->created, "cves",
				   strings(m->cves, m->ncves, SUT_RELEASE_CVES_MAX), "target",
				   m->target.name, "arch", m->target.arch, "supersedes",
				   superseded(kernel, f));

	if (custom && m->ncves > SUT_RELEASE_CVES_MAX &&
	    json_object_set_new(custom, "cves_total", json_integer((json_int_t)m->ncves)) < 0)
		json_decref(sut_steal(custom));
	/* What people, and agents without a portal, call it. */
	if (custom && sut_manifest_is_library(m) &&
	    json_object_update_new(custom,
				   json_pack("{s:s,s:s,s:s}", "soname", m->target.soname, "package",
					     m->target.package, "package_version",
					     m->target.package_version)) < 0)
		json_decref(sut_steal(custom));
	if (custom && reason && json_object_set_new(custom, "reason", json_string(reason)) < 0)
		json_decref(sut_steal(custom));
	return json_pack("{s:I,s:{s:s},s:o}", "length", (json_int_t)f->data.len, "hashes", "sha256",
			 f->sha256, "custom", custom);
}

static int check_level(const struct sut_releases *kernel, const struct sut_release_file *f,
		       const char *reason, struct sut_err *err)
{
	const struct sut_release *last = latest(kernel);

	for (size_t i = 0; i < kernel->n; i++)
		if (kernel->v[i].level == f->manifest->level &&
		    sut_streq(kernel->v[i].sha256, f->sha256))
			return sut_err_reason(err, EALREADY, "released", "%s: level %u is released",
					      f->path, f->manifest->level);
	if (!last || f->manifest->level > last->level || reason)
		return 0;
	return sut_err_reason(
		err, EEXIST, "lower-level",
		"%s: %s (level %u) is released for this target and the patch has "
		"level %u: servers would not take it. Build it with a higher level, or "
		"use --force --reason TEXT",
		f->path, last->id, last->level, f->manifest->level);
}

int sut_release_add(struct sut_release_plan *p, const struct sut_release_file *f,
		    const struct sut_release_opts *o, struct sut_err *err)
{
	bool library = sut_manifest_is_library(f->manifest);
	const char *name = sut_patch_file_name(library);
	_cleanup_(sut_freep) char *top =
		sut_sprintf("%s/%s", sut_release_folder(library), f->build_id);
	_cleanup_(sut_freep) char *folder =
		sut_sprintf("%s/%u", top ? top : "", f->manifest->level);
	_cleanup_(sut_freep) char *path = sut_sprintf("%s/%s", folder ? folder : "", name);
	_cleanup_(sut_freep) char *newest = sut_sprintf("%s/%s", top ? top : "", name);
	_cleanup_json_ json_t *entry = NULL;
	struct sut_release now = {.library = library, .level = f->manifest->level};
	const struct sut_release *last;
	struct sut_releases *kernel;
	bool highest;
	int r;

	if (!top || !folder || !path || !newest)
		return sut_err_oom(err);
	if (!f->sig.len && !o->dry_run)
		return sut_err_reason(err, EINVAL, "signature", "%s is not signed", f->path);
	r = kernel_of(p, library, f->build_id, &kernel, err);
	if (r == 0)
		r = check_level(kernel, f, o->reason, err);
	if (r < 0)
		return r;
	entry = make_entry(kernel, f, o->reason);
	if (!entry)
		return sut_err_oom(err);
	last = latest(kernel);
	highest = !last || f->manifest->level >= last->level;
	if (!o->dry_run) {
		r = add_files(p->c, folder, f->sha256, name, &f->data, &f->sig, err);
		if (r == 0 && highest)
			r = add_files(p->c, top, f->sha256, name, &f->data, &f->sig, err);
	}
	if (r == 0)
		r = sut_edit_target(p->c, &p->view, path, entry, err);
	if (r == 0 && highest)
		r = sut_edit_target(p->c, &p->view, newest, entry, err);
	memcpy(now.build_id, f->build_id, sizeof(now.build_id));
	return r < 0 ? r : note(p, &now, entry, err);
}

/* A file of public/, or of the change when it is not published yet. */
static int read_file(const struct sut_change *c, const char *path, struct sut_buf *out,
		     struct sut_err *err)
{
	_cleanup_(sut_freep) char *from = NULL;
	const json_t *f;
	size_t i;

	json_array_foreach(json_object_get(c->doc, "files"), i, f)
		if (sut_streq(sut_json_text(f, "path"), path))
			from = sut_repo_path(c->repo, "staged/files/%s",
					     sut_json_text(f, "sha256"));
	if (!from)
		from = sut_repo_path(c->repo, "public/%s", path);
	return from ? sut_file_read(from, out, err) : sut_err_oom(err);
}

/* What is the highest level now may never have been the newest, or its copy may be gone. */
static int promote(struct sut_change *c, const struct sut_release *r, const char *top,
		   struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf data = SUT_BUF_INIT(SUT_PATCH_FILE_MAX);
	_cleanup_buf_ struct sut_buf sig = SUT_BUF_INIT(SUT_MINISIGN_FILE_MAX);
	const char *name = sut_patch_file_name(r->library);
	_cleanup_(sut_freep) char *from =
		sut_sprintf("targets/%s/%u/%s.%s", top, r->level, r->sha256, name);
	_cleanup_(sut_freep) char *from_sig =
		sut_sprintf("targets/%s/%u/%s.%s.sig", top, r->level, r->sha256, name);
	int e;

	if (!from || !from_sig)
		return sut_err_oom(err);
	e = read_file(c, from, &data, err);
	if (e == 0)
		e = read_file(c, from_sig, &sig, err);
	return e < 0 ? e : add_files(c, top, r->sha256, name, &data, &sig, err);
}

static int withdraw(struct sut_release_plan *p, struct sut_releases *kernel, uint32_t level,
		    uint32_t *ret_latest, struct sut_err *err)
{
	bool library = kernel->v[0].library;
	const char *name = sut_patch_file_name(library);
	_cleanup_(sut_freep) char *top =
		sut_sprintf("%s/%s", sut_release_folder(library), kernel->v[0].build_id);
	_cleanup_(sut_freep) char *path = sut_sprintf("%s/%u/%s", top ? top : "", level, name);
	_cleanup_(sut_freep) char *newest = sut_sprintf("%s/%s", top ? top : "", name);
	const struct sut_release *left = NULL;
	int r;

	if (!top || !path || !newest)
		return sut_err_oom(err);
	for (size_t i = 0; i < kernel->n; i++)
		if (kernel->v[i].level != level)
			left = &kernel->v[i];
	r = sut_edit_target(p->c, &p->view, path, NULL, err);
	if (r == 0 && left)
		r = promote(p->c, left, top, err);
	if (r == 0)
		r = sut_edit_target(p->c, &p->view, newest, left ? left->entry : NULL, err);
	if (r == 0)
		*ret_latest = left ? left->level : 0;
	return r;
}

static bool has_level(const struct sut_releases *kernel, uint32_t level)
{
	for (size_t i = 0; i < kernel->n; i++)
		if (kernel->v[i].level == level)
			return true;
	return false;
}

int sut_release_withdraw(struct sut_change *c, const char *build_id, uint32_t level,
			 uint32_t *ret_latest, struct sut_err *err)
{
	_cleanup_(sut_release_plan_freep) struct sut_release_plan *p = NULL;
	struct sut_releases *kernel;
	int r = sut_release_plan_new(c, &p, err);

	for (int library = 0; r == 0 && library < 2; library++) {
		r = kernel_of(p, library, build_id, &kernel, err);
		if (r == 0 && has_level(kernel, level))
			return withdraw(p, kernel, level, ret_latest, err);
	}
	if (r < 0)
		return r;
	return sut_err_set(err, ENOENT,
			   "no patch of level %u is released for the kernel or library %s. "
			   "'suture-repo list' shows what is",
			   level, build_id);
}
