// SPDX-License-Identifier: Apache-2.0
#include "applied.h"

#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"

static int malformed(struct sut_err *err, const char *what)
{
	return sut_err_set(err, EBADMSG,
			   "the record of the applied patch is damaged (%s). It is for information "
			   "only; the next apply writes it anew",
			   what);
}

static bool take_number(const json_t *j, const char *name, uint64_t *ret)
{
	const json_t *v = json_object_get(j, name);

	if (!json_is_integer(v) || json_integer_value(v) < 0)
		return false;
	*ret = (uint64_t)json_integer_value(v);
	return true;
}

static int load(const json_t *j, struct sut_applied *a, struct sut_err *err)
{
	const char *format = json_string_value(json_object_get(j, "format"));
	const char *id = json_string_value(json_object_get(j, "id"));
	const char *sha256 = json_string_value(json_object_get(j, "sha256"));
	uint8_t digest[SUT_SHA256_LEN];
	uint64_t version;

	if (!format || !sut_streq(format, "suture-applied") ||
	    !take_number(j, "version", &version) || version != 1)
		return malformed(err, "format");
	if (!id || !sut_member_name_ok(id) || strlen(id) >= sizeof(a->id))
		return malformed(err, "id");
	if (!sha256 || strlen(sha256) != SUT_SHA256_HEX - 1 ||
	    sut_unhex(sha256, digest, sizeof(digest)) < 0)
		return malformed(err, "sha256");
	if (!take_number(j, "level", &a->level) || !take_number(j, "applied_at", &a->applied_at))
		return malformed(err, "level or applied_at");
	if (sut_trust_from_json(json_object_get(j, "signature"), &a->trust) < 0)
		return malformed(err, "signature");
	snprintf(a->id, sizeof(a->id), "%s", id);
	snprintf(a->sha256, sizeof(a->sha256), "%s", sha256);
	return 0;
}

int sut_applied_parse(const void *text, size_t len, struct sut_applied *ret, struct sut_err *err)
{
	struct sut_applied a = {0};
	json_t *j;
	int r;

	if (len > SUT_APPLIED_MAX)
		return malformed(err, "too large");
	j = len ? json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL) : NULL;
	r = j ? load(j, &a, err) : malformed(err, "no JSON");
	json_decref(j);
	if (r == 0)
		*ret = a;
	return r;
}

int sut_applied_read(const char *path, struct sut_applied *ret, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_APPLIED_MAX);
	int r = sut_file_read(path, &b, err);

	return r < 0 ? r : sut_applied_parse(b.data, b.len, ret, err);
}

int sut_applied_write(const char *path, const struct sut_applied *a, struct sut_err *err)
{
	_cleanup_(sut_freep) char *folder = strdup(path), *text = NULL;
	json_t *j = json_pack("{s:s,s:i,s:s,s:I,s:I,s:s,s:o}", "format", "suture-applied",
			      "version", 1, "id", a->id, "level", (json_int_t)a->level,
			      "applied_at", (json_int_t)a->applied_at, "sha256", a->sha256,
			      "signature", sut_trust_json(&a->trust));
	int r;

	text = j ? json_dumps(j, JSON_INDENT(2)) : NULL;
	json_decref(j);
	if (!folder || !text)
		return sut_err_oom(err);
	r = sut_mkdir_p(dirname(folder), err);
	return r < 0 ? r : sut_file_write(path, text, strlen(text), 0644, err);
}
