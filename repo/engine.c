// SPDX-License-Identifier: Apache-2.0
#include "engine.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "change_view.h"
#include "crypto/sha256.h"
#include "edit.h"
#include "elf/object.h"
#include "tuf/json.h"

void sut_engine_file_close(struct sut_engine_file *f)
{
	sut_buf_release(&f->data);
	sut_buf_release(&f->sig);
}

/* .modinfo is "key=value", NUL after each. NULL when it has no such key, or the last text has no end. */
static const char *modinfo(const struct sut_object *o, const char *key)
{
	uint32_t i = sut_object_section(o, ".modinfo");
	const struct sut_section *s = &o->sections[i];
	const char *p = (const char *)s->data, *end = p ? p + s->size : NULL;
	size_t n = strlen(key);

	while (i && p && p < end) {
		size_t len = strnlen(p, (size_t)(end - p));

		if (p + len == end)
			return NULL;
		if (len > n && memcmp(p, key, n) == 0 && p[n] == '=')
			return p + n + 1;
		p += len + 1;
	}
	return NULL;
}

static int no_engine(const char *path, const char *what, struct sut_err *err)
{
	return sut_err_reason(err, EBADMSG, "engine",
			      "%s is not the suture.ko that a repository can give to servers: %s. "
			      "Make it with 'suture-build engine'",
			      path, what);
}

static int read_modinfo(const char *path, const struct sut_object *o, struct sut_engine_file *f,
			struct sut_err *err)
{
	const char *name = modinfo(o, "name"), *version = modinfo(o, "version"),
		   *abi = modinfo(o, "suture_abi"), *id = modinfo(o, "suture_build_id");
	uint64_t n;

	if (!name || !sut_streq(name, "suture"))
		return no_engine(path, "it is no module of that name", err);
	if (!id || strlen(id) != 2 * SUTURE_BUILD_ID_LEN ||
	    sut_unhex(id, f->claim.build_id, sizeof(f->claim.build_id)) < 0)
		return no_engine(path, "it does not say for which kernel it was made", err);
	if (!abi || sut_parse_u64(abi, INT32_MAX, &n) < 0 || !n)
		return no_engine(path, "it does not say which ABI it has", err);
	if (!version ||
	    snprintf(f->version, sizeof(f->version), "%s", version) >= (int)sizeof(f->version) ||
	    snprintf(f->claim.name, sizeof(f->claim.name), "suture-%s", version) >=
		    (int)sizeof(f->claim.name) ||
	    !sut_member_name_ok(f->claim.name))
		return no_engine(path, "its version is missing or not one", err);
	f->claim.level = (uint32_t)n;
	sut_hex(f->claim.build_id, sizeof(f->claim.build_id), f->build_id);
	return 0;
}

int sut_engine_file_open(const char *path, struct sut_engine_file *ret, struct sut_err *err)
{
	_cleanup_(sut_engine_file_close) struct sut_engine_file f = {
		.data = SUT_BUF_INIT(SUT_ENGINE_FILE_MAX),
		.sig = SUT_BUF_INIT(SUT_MINISIGN_FILE_MAX),
	};
	_cleanup_(sut_object_freep) struct sut_object *o = NULL;
	struct sut_err why = {0};
	int r = sut_file_read(path, &f.data, err);

	if (r < 0)
		return r;
	r = sut_object_parse(f.data.data, f.data.len, &o, &why);
	if (r == -ENOMEM)
		return sut_err_oom(err);
	if (r < 0)
		return no_engine(path, why.msg, err);
	r = read_modinfo(path, o, &f, err);
	if (r < 0)
		return r;
	sut_sha256_hex(f.data.data, f.data.len, f.sha256);
	*ret = f;
	f = (struct sut_engine_file){0};
	return 0;
}

/* The entry that is there, of the role in charge. */
static const json_t *entry_now(const struct sut_change_view *v, const char *path)
{
	for (size_t i = 0; i < v->n; i++) {
		const struct sut_tuf_meta *m = v->v[i].now;
		const json_t *e =
			m ? json_object_get(
				    json_object_get(json_object_get(m->doc, "signed"), "targets"),
				    path)
			  : NULL;

		if (e)
			return e;
	}
	return NULL;
}

int sut_engine_file_add(struct sut_change *c, const struct sut_engine_file *f, struct sut_err *err)
{
	_cleanup_(sut_change_view_release) struct sut_change_view v = {0};
	_cleanup_(sut_freep) char *target = sut_sprintf("kernel/%s/suture.ko", f->build_id);
	_cleanup_(sut_freep) char *file =
		sut_sprintf("targets/kernel/%s/%s.suture.ko", f->build_id, f->sha256);
	_cleanup_(sut_freep) char *sig =
		sut_sprintf("targets/kernel/%s/%s.suture.ko.sig", f->build_id, f->sha256);
	_cleanup_json_ json_t *entry =
		json_pack("{s:I,s:{s:s},s:{s:{s:s,s:I}}}", "length", (json_int_t)f->data.len,
			  "hashes", "sha256", f->sha256, "custom", "engine", "version", f->version,
			  "abi", (json_int_t)f->claim.level);
	const json_t *now;
	int r;

	if (!target || !file || !sig || !entry)
		return sut_err_oom(err);
	r = sut_change_view_make(c, &v, err);
	if (r < 0)
		return r;
	now = entry_now(&v, target);
	if (now && json_equal(now, entry))
		return sut_err_reason(err, EALREADY, "released", "just this engine is released");
	r = sut_change_add_file(c, file, f->data.data, f->data.len, err);
	if (r == 0)
		r = sut_change_add_file(c, sig, f->sig.data, f->sig.len, err);
	return r < 0 ? r : sut_edit_target(c, &v, target, entry, err);
}
