// SPDX-License-Identifier: Apache-2.0
#include "fleet/packages.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/utf8.h"
#include "crypto/sha256.h"
#include "pack.h"

enum { KEPT_MAX = 8 << 20 };

void packages_release(struct packages *p)
{
	sut_buf_release(&p->packed);
	json_decref(p->list);
	p->list = NULL;
}

static bool text_ok(const json_t *j)
{
	const char *s = json_string_value(j);
	const uint8_t *p = (const uint8_t *)s, *end;
	size_t n = json_string_length(j);

	if (!s || !n || n > PACKAGES_TEXT_MAX || strlen(s) != n)
		return false;
	for (end = p + n; p < end;)
		if (!sut_is_printable(sut_utf8_next(&p, end)))
			return false;
	return true;
}

static int wrong(struct sut_err *err, size_t i, const char *what)
{
	return sut_err_reason(err, EBADMSG, "packages", "/packages/%zu: %s", i, what);
}

/* Two to four texts; made four. */
static int one(json_t *p, size_t i, struct sut_err *err)
{
	size_t n = json_array_size(p);

	if (!json_is_array(p) || n < 2 || n > 4)
		return wrong(err, i, "is no list of name, version, source, version of the source");
	for (size_t k = 0; k < n; k++)
		if (!text_ok(json_array_get(p, k)))
			return wrong(err, i, "holds something that is no short, printable text");
	while (n < 4) {
		if (json_array_append(p, json_array_get(p, n - 2)))
			return sut_err_oom(err);
		n++;
	}
	return 0;
}

static int by_name(const void *a, const void *b)
{
	const json_t *const *x = a, *const *y = b;
	int d = strcmp(json_string_value(json_array_get(*x, 0)),
		       json_string_value(json_array_get(*y, 0)));

	return d ? d
		 : strcmp(json_string_value(json_array_get(*x, 1)),
			  json_string_value(json_array_get(*y, 1)));
}

/* In order, so that the same packages are the same text. */
static json_t *sorted(const json_t *list)
{
	size_t n = json_array_size(list);
	json_t **v = calloc(n ? n : 1, sizeof(void *)), *out = json_array();

	for (size_t i = 0; v && i < n; i++)
		v[i] = json_array_get(list, i);
	if (v && n)
		qsort(v, n, sizeof(void *), by_name);
	for (size_t i = 0; v && out && i < n; i++)
		if (json_array_append(out, v[i])) {
			json_decref(out);
			out = NULL;
		}
	if (!v) {
		json_decref(out);
		out = NULL;
	}
	free(v);
	return out;
}

static int keep_text(const char *distribution, struct packages *p, struct sut_err *err)
{
	json_t *doc = json_pack("{s:s, s:O}", "distribution", distribution, "packages", p->list);
	_cleanup_(sut_freep) char *text = doc ? json_dumps(doc, JSON_COMPACT) : NULL;
	char hex[SUT_SHA256_HEX];

	json_decref(doc);
	if (!text)
		return sut_err_oom(err);
	sut_sha256_hex(text, strlen(text), hex);
	memcpy(p->hash, hex, sizeof(p->hash));
	return pack(text, strlen(text), &p->packed, err);
}

int packages_parse(const void *body, size_t len, struct packages *ret, struct sut_err *err)
{
	_cleanup_(packages_release) struct packages p = {.packed = SUT_BUF_INIT(KEPT_MAX)};
	json_t *j = NULL, *list, *item;
	size_t i;
	int r = 0;

	if (len > PACKAGES_BYTES_MAX)
		return sut_err_reason(err, EFBIG, "packages", "the list has more than %d bytes",
				      PACKAGES_BYTES_MAX);
	j = json_loadb(body, len, JSON_REJECT_DUPLICATES, NULL);
	list = json_object_get(j, "packages");
	if (!json_is_array(list) || !text_ok(json_object_get(j, "distribution")) ||
	    json_object_size(j) != 2 || json_array_size(list) > PACKAGES_MAX)
		r = sut_err_reason(err, EBADMSG, "packages",
				   "this is no object of distribution and at most %d packages",
				   PACKAGES_MAX);
	json_array_foreach(list, i, item) {
		if (r == 0)
			r = one(item, i, err);
	}
	if (r == 0) {
		p.list = sorted(list);
		r = p.list ? keep_text(json_string_value(json_object_get(j, "distribution")), &p,
				       err)
			   : sut_err_oom(err);
	}
	json_decref(j);
	if (r < 0)
		return r;
	*ret = p;
	p = (struct packages){0};
	return 0;
}

/* The version of the running kernel's package. */
static const char *kernel_version(const struct packages *p, const char *release)
{
	_cleanup_(sut_freep) char *name = sut_sprintf("linux-image-%s", release);
	const json_t *item;
	size_t i;

	json_array_foreach(p->list, i, item) {
		const char *s = json_string_value(json_array_get(item, 0));

		if (name && *release && !strcmp(s, name))
			return json_string_value(json_array_get(item, 1));
	}
	return NULL;
}

int packages_keep(struct web_req *q, int64_t host, const struct packages *p, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	bool same;
	int r = sut_db_one(q->db, "SELECT packages_hash, kernel_release FROM hosts WHERE id = $1",
			   SUT_DB_ARGS(SUT_DB_I(host)), &rows, err);

	if (r <= 0)
		return r < 0 ? r : sut_err_set(err, EAGAIN, "the host is gone");
	same = sut_streq(sut_db_text(rows, 0), p->hash);
	if (same)
		return sut_db_exec(q->db, "UPDATE hosts SET packages_at = $2 WHERE id = $1",
				   SUT_DB_ARGS(SUT_DB_I(host), SUT_DB_I(q->now)), NULL, err);
	r = sut_db_exec(q->db,
			"UPDATE hosts SET packages = $2, packages_hash = $3, packages_at = $4,"
			" package_version = COALESCE($5, package_version), version = version + 1"
			" WHERE id = $1",
			SUT_DB_ARGS(SUT_DB_I(host), SUT_DB_B(p->packed.data, p->packed.len),
				    SUT_DB_T(p->hash), SUT_DB_I(q->now),
				    SUT_DB_T(kernel_version(p, sut_db_text(rows, 1)))),
			NULL, err);
	return r < 0 ? r : web_touch(q, err);
}

int packages_read(struct sut_db *db, int64_t host, json_t **ret, int64_t *ret_at,
		  struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(KEPT_MAX);
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	const void *z;
	size_t len = 0;
	json_t *j;
	int r = sut_db_one(db,
			   "SELECT packages, packages_at FROM hosts WHERE id = $1"
			   " AND packages IS NOT NULL",
			   SUT_DB_ARGS(SUT_DB_I(host)), &rows, err);

	if (r <= 0)
		return r;
	z = sut_db_blob(rows, 0, &len);
	r = unpack(z, len, &b, err);
	if (r < 0)
		return r;
	j = json_loadb((const char *)b.data, b.len, 0, NULL);
	if (!j)
		return sut_err_set(err, EBADMSG, "a package list in the database is damaged");
	*ret = j;
	*ret_at = sut_db_int(rows, 1);
	return 1;
}
