// SPDX-License-Identifier: Apache-2.0
#include "loaded.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "patch/agree.h"

static int differs(struct sut_err *err, const char *name, const char *what)
{
	return sut_err_reason(err, EBADMSG, "disagree",
			      "the manifest and the expected bytes disagree about %s: %s. "
			      "Do not use this patch; tell its author",
			      name, what);
}

/* The record at that address, or NULL; records are disjoint, so there is at most one. */
static bool find(const struct sut_expect_table *t, uint64_t addr, struct sut_expect_func *ret)
{
	for (uint32_t i = 0; i < t->nfuncs; i++) {
		*ret = sut_expect_at(t, i);
		if (ret->addr == addr)
			return true;
	}
	return false;
}

static int check_record(const struct sut_expect_table *t, const char *name, uint64_t address,
			uint32_t size, uint32_t redirect, struct sut_err *err)
{
	struct sut_expect_func f;

	if (!find(t, address, &f))
		return differs(err, name, "its bytes are not there");
	if (!sut_streq(f.name, name))
		return differs(err, name, "another name stands at its address");
	if (f.size != size)
		return differs(err, name, "its size");
	if (f.redirect != redirect)
		return differs(err, name, "how it is redirected");
	if (!(f.flags & SUTURE_EXPECT_NOSTACK))
		return differs(err, name, "tasks inside it are not looked for");
	return 0;
}

static bool is_busy(const struct sut_manifest *m, const char *name)
{
	for (size_t i = 0; i < m->nbusy; i++)
		if (sut_streq(m->busy[i], name))
			return true;
	return false;
}

static bool is_part(const struct sut_manifest_object *o, uint64_t address)
{
	for (size_t i = 0; i < o->nfunctions; i++) {
		const struct sut_manifest_func *f = &o->functions[i];

		if (f->address == address)
			return true;
		for (size_t j = 0; j < f->nchildren; j++)
			if (f->children[j].address == address)
				return true;
	}
	return false;
}

int sut_loaded_agree(const struct sut_manifest *m, const struct sut_manifest_object *o,
		     const struct sut_expect_table *t, struct sut_err *err)
{
	size_t nbusy = 0;

	if (memcmp(t->build_id, m->target.build_id, SUTURE_BUILD_ID_LEN) != 0)
		return differs(err, "the target", "its build-id");
	for (size_t i = 0; i < o->nfunctions; i++) {
		const struct sut_manifest_func *f = &o->functions[i];
		int r = check_record(t, f->name, f->address, f->size, f->redirect, err);

		for (size_t j = 0; r == 0 && j < f->nchildren; j++)
			r = check_record(t, f->children[j].name, f->children[j].address,
					 f->children[j].size, SUTURE_REDIRECT_NONE, err);
		if (r < 0)
			return r;
	}
	for (uint32_t i = 0; i < t->nfuncs; i++) {
		struct sut_expect_func f = sut_expect_at(t, i);

		if (is_part(o, f.addr))
			continue;
		if (f.redirect != SUTURE_REDIRECT_NONE || !is_busy(m, f.name))
			return differs(err, f.name, "the manifest does not name it");
		nbusy++;
	}
	/* A name may stand for several functions, but not for none. */
	for (size_t i = 0; i < m->nbusy; i++) {
		bool there = false;

		for (uint32_t j = 0; nbusy && !there && j < t->nfuncs; j++)
			there = sut_streq(sut_expect_at(t, j).name, m->busy[i]);
		if (!there)
			return differs(err, m->busy[i], "its bytes are not there");
	}
	return 0;
}

int sut_loaded_take(struct sut_buf *file, struct sut_loaded **ret, struct sut_err *err)
{
	struct sut_loaded *l = calloc(1, sizeof(*l));

	if (!l)
		return sut_err_oom(err);
	l->file = *file;
	*file = SUT_BUF_INIT(file->max);
	l->file_size = l->file.len;
	sut_sha256_hex(l->file.data, l->file.len, l->sha256);
	*ret = l;
	return 0;
}

int sut_loaded_open(const char *path, struct sut_loaded **ret, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf file = SUT_BUF_INIT(SUT_PATCH_FILE_MAX);
	int r = sut_file_read(path, &file, err);

	return r < 0 ? r : sut_loaded_take(&file, ret, err);
}

static int parse(struct sut_loaded *l, bool any, struct sut_err *err)
{
	const struct sut_member *expect;
	int r = sut_patch_parse(l->file.data, l->file.len, &l->patch, err);

	/* The members are copies. */
	sut_buf_release(&l->file);
	if (r == 0)
		r = sut_manifest_load(l->patch->manifest, &l->manifest, err);
	if (r < 0)
		return r;
	if (!any) {
		r = sut_manifest_need_kernel(l->manifest, err);
		if (r < 0)
			return r;
	}
	/* The manifest loader promises that these are there. */
	l->object = &l->manifest->objects[0];
	l->payload = sut_patch_member(l->patch, l->object->payload);
	if (sut_manifest_is_library(l->manifest))
		return sut_library_of_patch(l->patch, l->manifest, &l->library, err);
	expect = sut_patch_member(l->patch, l->object->expect);
	r = sut_expect_parse(expect->data, expect->len, &l->table, err);
	if (r == 0)
		r = sut_loaded_agree(l->manifest, l->object, &l->table, err);
	return r;
}

int sut_loaded_parse(struct sut_loaded *l, const char *path, struct sut_err *err)
{
	int r = parse(l, false, err);

	if (r < 0)
		sut_err_prefix(err, "%s", path);
	return r;
}

int sut_loaded_parse_any(struct sut_loaded *l, const char *path, struct sut_err *err)
{
	int r = parse(l, true, err);

	if (r < 0)
		sut_err_prefix(err, "%s", path);
	return r;
}

void sut_loaded_free(struct sut_loaded *l)
{
	if (!l)
		return;
	sut_buf_release(&l->file);
	sut_library_free(l->library);
	sut_manifest_free(l->manifest);
	sut_patch_free(l->patch);
	free(l);
}

void sut_loaded_freep(struct sut_loaded **l)
{
	sut_loaded_free(*l);
}
