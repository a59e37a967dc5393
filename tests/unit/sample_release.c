// SPDX-License-Identifier: Apache-2.0
#include "sample_release.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "patch/tar.h"
#include "sample_patch.h"

struct sample_release *sample_release_now;

_Noreturn static void broken(const char *what)
{
	fprintf(stderr, "the fixture is broken: %s\n", what);
	abort();
}

static void must(int r, const struct sut_err *err)
{
	if (r < 0)
		broken(err->msg);
}

static void put(const struct sample_release *r, const char *name, const struct sut_buf *b)
{
	_cleanup_(sut_freep) char *path = sut_sprintf("%s/%s", r->dir, name);
	_cleanup_(sut_freep) char *dir = path ? strdup(path) : NULL;
	_cleanup_(sut_fclosep) FILE *f = NULL;
	struct sut_err err = {0};

	if (!dir)
		broken("memory");
	*strrchr(dir, '/') = 0;
	must(sut_mkdir_p(dir, &err), &err);
	/* Without fsync: a test is not a repository. */
	f = fopen(path, "w");
	if (!f || fwrite(b->data, 1, b->len, f) != b->len)
		broken(path);
}

struct sample_release *sample_release_new(void)
{
	struct sample_release *r = calloc(1, sizeof(*r));
	struct sut_err err = {0};
	struct sut_buf *root;

	if (!r)
		broken("memory");
	must(sut_tmpdir("suture-release", &r->dir, &err), &err);
	r->repo = sample_repo_new();
	r->kernel = sample_tuf_targets();
	r->key = sample_tuf_key(SUT_KEY_ED25519);
	sample_tuf_set(sample_tuf_delegate(r->repo->tuf->signed_[SUT_TUF_TARGETS], "kernel",
					   "kernel/*/*/*", r->key),
		       "terminating", "true");
	root = sample_repo_served(r->repo, "m/1.root.json");
	put(r, "root.json", root);
	sample_release_publish(r);
	return r;
}

void sample_release_free(struct sample_release *r)
{
	struct sut_err err = {0};

	if (!r)
		return;
	must(sut_rm_rf(r->dir, &err), &err);
	free(r->dir);
	sample_repo_free(r->repo);
	json_decref(r->kernel);
	sample_tuf_key_free(r->key);
	free(r);
}

/* sut_patch_pack() makes no such patch. */
static void pack_later_format(json_t *m, const struct sut_member *members, struct sut_buf *out)
{
	_cleanup_buf_ struct sut_buf tar = SUT_BUF_INIT(1 << 24);
	char *text = json_dumps(m, JSON_COMPACT);
	int r = text ? sut_tar_add(&tar, "manifest.json", text, strlen(text), SAMPLE_MTIME) : -1;

	for (size_t i = 0; r == 0 && i < SAMPLE_MEMBERS; i++)
		r = sut_tar_add(&tar, members[i].name, members[i].data, members[i].len,
				SAMPLE_MTIME);
	if (r < 0 || sut_tar_end(&tar) < 0)
		broken("tar");
	sample_compress(&tar, out);
	free(text);
}

static json_t *manifest(const struct sample_patch_opts *o)
{
	json_t *m = o->requires ? sample_manifest_full() : sample_manifest(),
	       *target = json_object_get(m, "target"), *cves = json_array();
	char id[32], cve[32];

	snprintf(id, sizeof(id), "K%u", o->level);
	snprintf(cve, sizeof(cve), "CVE-2026-%04u", 1000 + o->level);
	json_object_set_new(m, "id", json_string(o->id ? o->id : id));
	json_object_set_new(m, "level", json_integer(o->level));
	if (o->created)
		json_object_set_new(m, "created", json_string(o->created));
	json_object_set_new(target, "build_id", json_string(o->build_id));
	if (o->banner)
		json_object_set_new(target, "banner", json_string(o->banner));
	if (o->requires)
		json_object_set_new(m, "requires", json_pack("[s]", o->requires));
	for (size_t i = 0; o->cves && o->cves[i]; i++)
		json_array_append_new(cves, json_string(o->cves[i]));
	if (!o->cves)
		json_array_append_new(cves, json_string(cve));
	json_object_set_new(m, "cves", cves);
	return m;
}

static char *path_of(const char *build_id, unsigned int level)
{
	char *p = sut_sprintf("kernel/%s/%u/kpatch.bin", build_id, level);

	if (!p)
		broken("memory");
	return p;
}

void sample_release_add(struct sample_release *r, const struct sample_patch_opts *o)
{
	_cleanup_buf_ struct sut_buf expect = SUT_BUF_INIT(1 << 20);
	_cleanup_buf_ struct sut_buf file = SUT_BUF_INIT(SUT_PATCH_FILE_MAX);
	_cleanup_(sut_freep) char *path =
		o->path ? strdup(o->path) : path_of(o->build_id, o->level);
	struct sut_member members[SAMPLE_MEMBERS];
	json_t *m = manifest(o);
	struct sut_err err = {0};

	sample_expect(&expect);
	sample_members(&expect, members);
	if (o->requires)
		pack_later_format(m, members, &file);
	else
		must(sut_patch_pack(m, members, SAMPLE_MEMBERS, SAMPLE_MTIME, &file, &err), &err);
	sample_repo_target(r->repo, r->kernel, path, file.data, file.len);
	json_decref(m);
}

void sample_release_withdraw(struct sample_release *r, const char *build_id, unsigned int level)
{
	_cleanup_(sut_freep) char *path = path_of(build_id, level);

	if (json_object_del(json_object_get(r->kernel, "targets"), path) < 0)
		broken("there is no such patch");
}

void sample_release_publish(struct sample_release *r)
{
	json_int_t v = json_integer_value(json_object_get(r->kernel, "version"));

	sample_tuf_set_version(r->kernel, v + 1);
	sample_repo_role(r->repo, "kernel", r->kernel, r->key);
	sample_repo_release(r->repo);
	for (size_t i = 0; i < r->repo->n; i++) {
		const struct sample_served *s = &r->repo->served[i];
		_cleanup_(sut_freep) char *name = sut_sprintf(
			"public/%s/%s", s->name[0] == 'm' ? "metadata" : "targets", s->name + 2);

		if (!name)
			broken("memory");
		put(r, name, &s->data);
	}
}

void sample_release_damage(struct sample_release *r, const char *file)
{
	_cleanup_(sut_freep) char *path = sut_sprintf("%s/public/%s", r->dir, file);
	_cleanup_(sut_freep) char *name = sut_sprintf("public/%s", file);
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(1 << 24);
	struct sut_err err = {0};

	if (!path || !name)
		broken("memory");
	must(sut_file_read(path, &b, &err), &err);
	b.data[b.len / 2] ^= 1;
	put(r, name, &b);
}

char *sample_release_file(struct sample_release *r, const char *build_id, unsigned int level)
{
	_cleanup_(sut_freep) char *path = path_of(build_id, level);
	json_t *t = json_object_get(json_object_get(r->kernel, "targets"), path);
	const char *hash =
		json_string_value(json_object_get(json_object_get(t, "hashes"), "sha256"));
	char *f = sut_sprintf("targets/kernel/%s/%u/%s.kpatch.bin", build_id, level, hash);

	if (!f || !hash)
		broken("there is no such patch");
	return f;
}

static struct portal_conf *conf(struct server_conf *c)
{
	return (struct portal_conf *)c;
}

void sample_release_configure(struct server_conf *c)
{
	conf(c)->repository = sut_sprintf("%s/public", sample_release_now->dir);
	conf(c)->repository_root = sut_sprintf("%s/root.json", sample_release_now->dir);
	if (!conf(c)->repository || !conf(c)->repository_root)
		broken("memory");
}

void sample_release_fresh(struct server_conf *c)
{
	sample_release_free(sample_release_now);
	sample_release_now = sample_release_new();
	sample_release_configure(c);
}
