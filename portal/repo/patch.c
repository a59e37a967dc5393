// SPDX-License-Identifier: Apache-2.0
#include "repo/patch.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "patch/container.h"
#include "tuf/meta.h"

void repo_patch_free(struct repo_patch *p)
{
	if (!p)
		return;
	free(p->target);
	free(p->arch);
	free(p->release);
	free(p->package);
	free(p->package_version);
	free(p->file);
	free(p->soname);
	free(p->source);
	free(p->source_version);
	sut_strv_release(&p->cves);
	free(p->summary);
	free(p);
}

void repo_patch_freep(struct repo_patch **p)
{
	repo_patch_free(*p);
}

int repo_kernel_id(const char *banner, char ret[static REPO_KERNEL_ID_HEX], struct sut_err *err)
{
	_cleanup_(sut_freep) char *text = sut_sprintf("%s\n", banner);
	uint8_t sha1[EVP_MAX_MD_SIZE];
	size_t len = 0;

	if (!text)
		return sut_err_oom(err);
	if (!EVP_Q_digest(NULL, "SHA1", NULL, text, strlen(text), sha1, &len) || len != 20)
		return sut_err_set(err, EIO,
				   "OpenSSL cannot compute SHA-1, by which KernelCare's "
				   "tooling names kernels");
	sut_hex(sha1, len, ret);
	return 0;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int copy_cves(const struct sut_manifest *m, struct sut_strv *ret)
{
	_cleanup_(sut_freep) const char **v = NULL;

	if (!m->ncves)
		return 0;
	v = reallocarray(NULL, m->ncves, sizeof(*v));
	if (!v)
		return -ENOMEM;
	memcpy(v, m->cves, m->ncves * sizeof(*v));
	qsort(v, m->ncves, sizeof(*v), by_text);
	for (size_t i = 0; i < m->ncves; i++)
		if ((!i || strcmp(v[i], v[i - 1]) != 0) && sut_strv_add(ret, v[i]) < 0)
			return -ENOMEM;
	return 0;
}

static int add_functions(json_t *list, const struct sut_manifest_object *o)
{
	for (size_t i = 0; i < o->nfunctions; i++) {
		json_t *f = json_pack("{s:s,s:s}", "name", o->functions[i].name, "source",
				      o->functions[i].source);

		if (json_array_append_new(list, f) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int add_files(json_t *list, const struct sut_manifest_fix *f)
{
	for (size_t i = 0; i < f->nfiles; i++)
		if (json_array_append_new(list, json_string(f->files[i])) < 0)
			return -ENOMEM;
	return 0;
}

static char *summary_of(const struct sut_manifest *m)
{
	json_t *functions = json_array(), *files = json_array(), *j;
	char *text = NULL;
	int r = functions && files ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < m->nobjects; i++)
		r = add_functions(functions, &m->objects[i]);
	for (size_t i = 0; r == 0 && i < m->nfixes; i++)
		r = add_files(files, &m->fixes[i]);
	j = json_pack("{s:s,s:o,s:o}", "generator", m->generator, "functions", functions, "files",
		      files);
	if (r == 0 && j)
		text = json_dumps(j, JSON_COMPACT);
	json_decref(j);
	return text;
}

static int copy_target(const struct sut_manifest *m, struct repo_patch *p)
{
	const struct {
		char **to;
		const char *from;
	} texts[] = {
		{&p->target, m->target.name},
		{&p->arch, m->target.arch},
		{&p->release, m->target.release},
		{&p->package, m->target.package},
		{&p->package_version, m->target.package_version},
		{&p->file, m->target.file},
		{&p->soname, m->target.soname},
		{&p->source, m->target.source},
		{&p->source_version, m->target.source_version},
	};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(texts); i++) {
		*texts[i].to = strdup(texts[i].from);
		if (!*texts[i].to)
			return -ENOMEM;
	}
	return 0;
}

int repo_patch_parse(const void *data, size_t len, struct repo_patch **ret, struct sut_err *err)
{
	_cleanup_(sut_patch_freep) struct sut_patch *file = NULL;
	_cleanup_(sut_manifest_freep) struct sut_manifest *m = NULL;
	_cleanup_(repo_patch_freep) struct repo_patch *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return sut_err_oom(err);
	r = sut_patch_parse(data, len, &file, err);
	if (r == 0)
		r = sut_manifest_load(file->manifest, &m, err);
	if (r < 0)
		return r;
	snprintf(p->id, sizeof(p->id), "%s", m->id);
	p->library = sut_manifest_is_library(m);
	p->level = m->level;
	sut_hex(m->target.build_id, SUTURE_BUILD_ID_LEN, p->build_id);
	if (sut_tuf_time_parse(m->created, &p->created) < 0)
		return sut_err_reason(err, EBADMSG, "manifest",
				      "the manifest of %s was made at '%s', which is no time",
				      m->id, m->created);
	if (*m->target.banner)
		r = repo_kernel_id(m->target.banner, p->kernel_id, err);
	if (r < 0)
		return r;
	p->summary = summary_of(m);
	if (!p->summary || copy_target(m, p) < 0 || copy_cves(m, &p->cves) < 0)
		return sut_err_oom(err);
	*ret = sut_steal(p);
	return 0;
}
