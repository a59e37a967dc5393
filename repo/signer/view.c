// SPDX-License-Identifier: Apache-2.0
#include "signer/view.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/file.h"
#include "base/str.h"
#include "signer/protocol.h"

/* The folder is somebody else's: no links out of it, no waiting for a pipe. */
static int open_beneath(int dir, const char *name)
{
	struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
	};

	return (int)syscall(SYS_openat2, dir, name, &how, sizeof(how));
}

int sut_view_read(const struct sut_view *v, const char *name, struct sut_buf *out,
		  struct sut_err *err)
{
	_cleanup_(sut_closep) int fd = -1;
	struct stat st;

	if (v->dir < 0)
		return sut_err_reason(err, ENOENT, "missing",
				      "there is no metadata folder yet. Publish first");
	fd = open_beneath(v->dir, name);
	if (fd < 0 && errno == ENOENT)
		return sut_err_reason(err, ENOENT, "missing",
				      "%s is not in the metadata folder. Run `suture-repo publish` "
				      "again",
				      name);
	if (fd < 0)
		return sut_err_errno(err, "cannot open %s of the metadata folder", name);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return sut_err_reason(err, EPERM, "missing", "%s of the metadata folder is no file",
				      name);
	return sut_file_read_fd(fd, name, out, err);
}

/* "N.root.json" for as long as there is a next one. */
static int follow_roots(struct sut_view *v, struct sut_err *err)
{
	for (int i = 0; v->dir >= 0 && i < SUT_TUF_ROTATIONS_MAX; i++) {
		_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_TUF_ROOT_MAX);
		struct sut_err e = {0};
		char name[64];
		int r;

		v->root = sut_tuf_trusted_get(v->trusted, SUT_TUF_ROOT);
		snprintf(name, sizeof(name), "%lld.root.json", (long long)v->root->version + 1);
		r = sut_view_read(v, name, &b, &e);
		if (r == -ENOENT)
			return 0;
		if (r == 0)
			r = sut_tuf_trusted_root(v->trusted, b.data, b.len, &e);
		if (r < 0) {
			if (err)
				*err = e;
			sut_err_prefix(err, "%s", name);
			return r;
		}
		sut_buf_release(&v->root_text);
		v->root_text = b;
		b = (struct sut_buf){0};
	}
	return 0;
}

static int take_staged(struct sut_view *v, const char *staged, size_t len, struct sut_err *err)
{
	int r;

	/* A run that was killed may have put it into the folder already. */
	if (len == v->root_text.len && memcmp(staged, v->root_text.data, len) == 0)
		return 0;
	r = sut_tuf_trusted_root(v->trusted, staged, len, err);
	return r < 0 ? (sut_err_prefix(err, "the new root"), r) : 0;
}

int sut_view_open(const char *metadata, const struct sut_buf *start, const char *staged,
		  size_t staged_len, int64_t now, struct sut_view *ret, struct sut_err *err)
{
	_cleanup_(sut_view_release) struct sut_view v = {
		.dir = open(metadata, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
		.root_text = SUT_BUF_INIT(SUT_TUF_ROOT_MAX),
	};
	int r;

	if (v.dir < 0 && errno != ENOENT)
		return sut_err_errno(err, "cannot open the metadata folder %s", metadata);
	v.index = json_object();
	if (!v.index || sut_buf_add(&v.root_text, start->data, start->len) < 0)
		return sut_err_oom(err);
	r = sut_tuf_trusted_new(start->data, start->len, now, &v.trusted, err);
	if (r < 0)
		return sut_err_prefix(err, "the root that the signer trusts"), r;
	r = follow_roots(&v, err);
	if (r == 0 && staged)
		r = take_staged(&v, staged, staged_len, err);
	if (r < 0)
		return r;
	v.root = sut_tuf_trusted_get(v.trusted, SUT_TUF_ROOT);
	*ret = v;
	v = (struct sut_view){.dir = -1};
	return 0;
}

static int load(struct sut_view *v, const char *role, int64_t version, struct sut_err *err)
{
	struct sut_view_role *at, *grown;
	char name[SUT_SIGNER_NAME_MAX + 64];
	int r;

	if (v->nroles >= SUT_SIGNER_ROLES_MAX)
		return sut_err_reason(err, E2BIG, "format", "more than %d roles",
				      SUT_SIGNER_ROLES_MAX);
	if ((v->nroles & (v->nroles - 1)) == 0) { /* at powers of two */
		grown = reallocarray(v->roles, v->nroles ? v->nroles * 2 : 1, sizeof(*grown));
		if (!grown)
			return sut_err_oom(err);
		v->roles = grown;
	}
	at = &v->roles[v->nroles];
	*at = (struct sut_view_role){
		.name = strdup(role),
		.version = version,
		.text = SUT_BUF_INIT(SUT_TUF_TARGETS_MAX),
	};
	v->nroles++; /* freed with v from here on */
	if (!at->name ||
	    json_object_set_new(v->index, role, json_integer((json_int_t)v->nroles - 1)) < 0)
		return sut_err_oom(err);
	snprintf(name, sizeof(name), "%lld.%s.json", (long long)version, role);
	r = sut_view_read(v, name, &at->text, err);
	if (r < 0)
		return r;
	v->bytes += at->text.len;
	if (v->bytes > SUT_VIEW_BYTES_MAX)
		return sut_err_reason(err, EFBIG, "length",
				      "the metadata of all roles has more than %d bytes",
				      SUT_VIEW_BYTES_MAX);
	r = sut_tuf_meta_parse(at->text.data, at->text.len, SUT_TUF_TARGETS, name, &at->meta, err);
	if (r < 0)
		return r;
	if (at->meta->version != version)
		return sut_err_reason(err, EBADMSG, "version",
				      "%s says that it is version %lld. Run `suture-repo publish` "
				      "again",
				      name, (long long)at->meta->version);
	return sut_digest_of(SUT_DIGEST_SHA256, at->text.data, at->text.len, at->sha256, err);
}

static int add_edge(struct sut_view *v, int delegator, int role, struct sut_err *err)
{
	if ((v->nedges & (v->nedges - 1)) == 0) {
		struct sut_view_edge *grown =
			reallocarray(v->edges, v->nedges ? v->nedges * 2 : 1, sizeof(*v->edges));

		if (!grown)
			return sut_err_oom(err);
		v->edges = grown;
	}
	v->edges[v->nedges++] = (struct sut_view_edge){delegator, role};
	return 0;
}

/* The role is delegated to with these keys: read it once, verify it each time. */
static int visit(struct sut_view *v, const struct sut_view_ask *ask, int delegator,
		 const char *name, const struct sut_tuf_keys *keys, const struct sut_tuf_role *who,
		 struct sut_err *err)
{
	const json_t *known = json_object_get(v->index, name);
	size_t i = known ? (size_t)json_integer_value(known) : v->nroles;
	int64_t version;
	int r = 0;

	if (!known) {
		if (!sut_signer_role_ok(name))
			return sut_err_reason(err, EBADMSG, "format",
					      "a role is called '%s', which cannot be part of a "
					      "file name. Give it another name",
					      name);
		r = ask->version(ask->ctx, name, &version, err);
		if (r == 0)
			r = load(v, name, version, err);
	}
	if (r == 0)
		r = sut_tuf_verify(v->roles[i].meta, keys, who, name, NULL, err);
	return r < 0 ? r : add_edge(v, delegator, (int)i, err);
}

int sut_view_roles(struct sut_view *v, const struct sut_view_ask *ask, struct sut_err *err)
{
	int r = visit(v, ask, -1, "targets", &v->root->keys, &v->root->roles[SUT_TUF_TARGETS], err);

	for (size_t i = 0; r == 0 && i < v->nroles; i++) {
		const struct sut_tuf_meta *m = v->roles[i].meta;

		for (size_t j = 0; r == 0 && j < m->ndelegations; j++)
			r = visit(v, ask, (int)i, m->delegations[j].name, &m->keys,
				  &m->delegations[j].role, err);
	}
	return r;
}

const struct sut_view_role *sut_view_role(const struct sut_view *v, const char *name)
{
	const json_t *i = json_object_get(v->index, name);

	return i ? &v->roles[json_integer_value(i)] : NULL;
}

void sut_view_release(struct sut_view *v)
{
	sut_closep(&v->dir);
	for (size_t i = 0; i < v->nroles; i++) {
		free(v->roles[i].name);
		sut_buf_release(&v->roles[i].text);
		sut_tuf_meta_free(v->roles[i].meta);
	}
	free(v->roles);
	free(v->edges);
	json_decref(v->index);
	sut_buf_release(&v->root_text);
	sut_tuf_trusted_free(v->trusted);
	*v = (struct sut_view){.dir = -1};
}
