// SPDX-License-Identifier: Apache-2.0
#include "sample_repo.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "http/http.h"

#define MUST(cond)                                                                                 \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond);                 \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

struct sut_buf *sample_repo_served(struct sample_repo *r, const char *name)
{
	for (size_t i = 0; i < r->n; i++)
		if (!strcmp(r->served[i].name, name))
			return &r->served[i].data;
	return NULL;
}

void sample_repo_serve(struct sample_repo *r, const char *name, const void *data, size_t len)
{
	struct sut_buf *b = sample_repo_served(r, name);

	if (!b) {
		MUST(r->n < SUT_ARRAY_SIZE(r->served));
		r->served[r->n].name = strdup(name);
		b = &r->served[r->n++].data;
	}
	sut_buf_release(b);
	*b = SUT_BUF_INIT(2 * SUT_TUF_TARGETS_MAX);
	if (data)
		MUST(sut_buf_reserve(b, 1) == 0 && sut_buf_add(b, data, len) == 0);
}

static int64_t version_of(const json_t *j)
{
	return json_integer_value(json_object_get(j, "version"));
}

static void serve_metadata(struct sample_repo *r, const char *role, int64_t version,
			   const struct sut_buf *b)
{
	bool consistent =
		json_is_true(json_object_get(r->tuf->signed_[SUT_TUF_ROOT], "consistent_snapshot"));
	_cleanup_(sut_freep) char *q = sut_http_quote(role), *name = NULL;

	if (!strcmp(role, "root") || (consistent && strcmp(role, "timestamp")))
		name = sut_sprintf("m/%lld.%s.json", (long long)version, q);
	else
		name = sut_sprintf("m/%s.json", q);
	MUST(name);
	sample_repo_serve(r, name, b->data, b->len);
}

void sample_repo_publish(struct sample_repo *r, enum sut_tuf_type type)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(0);

	sample_tuf_file(r->tuf, type, &b);
	serve_metadata(r, sut_tuf_type_name(type), version_of(r->tuf->signed_[type]), &b);
}

static void bump(json_t *j)
{
	sample_tuf_set_version(j, version_of(j) + 1);
}

/* An entry of "meta", with length and hash kept away: other tests look at these. */
static void enter(json_t *holder, const char *role, int64_t version)
{
	_cleanup_(sut_freep) char *name = sut_sprintf("%s.json", role);

	MUST(name && json_object_set_new(json_object_get(holder, "meta"), name,
					 json_pack("{s:I}", "version", (json_int_t)version)) == 0);
}

void sample_repo_release(struct sample_repo *r)
{
	json_t **s = r->tuf->signed_;

	bump(s[SUT_TUF_TARGETS]);
	bump(s[SUT_TUF_SNAPSHOT]);
	bump(s[SUT_TUF_TIMESTAMP]);
	enter(s[SUT_TUF_SNAPSHOT], "targets", version_of(s[SUT_TUF_TARGETS]));
	enter(s[SUT_TUF_TIMESTAMP], "snapshot", version_of(s[SUT_TUF_SNAPSHOT]));
	sample_repo_publish(r, SUT_TUF_TARGETS);
	sample_repo_publish(r, SUT_TUF_SNAPSHOT);
	sample_repo_publish(r, SUT_TUF_TIMESTAMP);
}

void sample_repo_root(struct sample_repo *r)
{
	bump(r->tuf->signed_[SUT_TUF_ROOT]);
	sample_repo_publish(r, SUT_TUF_ROOT);
}

void sample_repo_role(struct sample_repo *r, const char *role, json_t *signed_,
		      const struct sample_tuf_key *key)
{
	json_t *doc = sample_tuf_sign(signed_, &key, 1);
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(0);

	sample_tuf_bytes(doc, &b);
	json_decref(doc);
	serve_metadata(r, role, version_of(signed_), &b);
	enter(r->tuf->signed_[SUT_TUF_SNAPSHOT], role, version_of(signed_));
}

void sample_repo_target(struct sample_repo *r, json_t *targets, const char *path, const void *data,
			size_t len)
{
	char hex[SUT_DIGEST_HEX_MAX];
	_cleanup_(sut_freep) char *url = NULL, *q = NULL;
	const char *file = strrchr(path, '/');
	int dir = file ? (int)(file + 1 - path) : 0;

	MUST(sut_digest_of(SUT_DIGEST_SHA256, data, len, hex, NULL) == 0);
	MUST(json_object_set_new(json_object_get(targets, "targets"), path,
				 json_pack("{s:I, s:{s:s}}", "length", (json_int_t)len, "hashes",
					   "sha256", hex)) == 0);
	q = sut_http_quote(path + dir);
	url = sut_sprintf("t/%.*s%s.%s", dir, path, hex, q);
	MUST(q && url);
	sample_repo_serve(r, url, data, len);
}

void sample_repo_rotate(struct sample_repo *r, enum sut_tuf_type type)
{
	json_t *root = r->tuf->signed_[SUT_TUF_ROOT];
	json_t *role = json_object_get(json_object_get(root, "roles"), sut_tuf_type_name(type));

	sample_tuf_key_free(r->tuf->key[type]);
	r->tuf->key[type] = sample_tuf_key(SUT_KEY_ED25519);
	MUST(json_array_clear(json_object_get(role, "keyids")) == 0);
	sample_tuf_trust(root, role, r->tuf->key[type]);
}

struct sample_repo *sample_repo_new(void)
{
	struct sample_repo *r = calloc(1, sizeof(*r));

	MUST(r);
	r->tuf = sample_tuf_new();
	r->log = SUT_BUF_INIT(1 << 16);
	for (enum sut_tuf_type t = SUT_TUF_ROOT; t <= SUT_TUF_TARGETS; t++)
		sample_repo_publish(r, t);
	return r;
}

void sample_repo_free(struct sample_repo *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->n; i++) {
		free(r->served[i].name);
		sut_buf_release(&r->served[i].data);
	}
	sut_buf_release(&r->log);
	sample_tuf_free(r->tuf);
	free(r);
}

void sample_repo_freep(struct sample_repo **r)
{
	sample_repo_free(*r);
}

/* ------------------------------------------------------------------ */

static int ask(struct sample_repo *r, const char *url, uint64_t have, const struct sut_buf **ret,
	       struct sut_err *err)
{
	const char *name = url + strlen("http://repo.test/");

	MUST(sut_startswith(url, "http://repo.test/"));
	MUST(sut_buf_addf(&r->log, "%s%s", r->log.len ? " " : "",
			  name + (sut_startswith(name, "m/") ? 2 : 0)) == 0);
	if (have)
		MUST(sut_buf_addf(&r->log, " [%llu-]", (unsigned long long)have) == 0);
	*ret = sample_repo_served(r, name);
	if (r->fail && !strcmp(r->fail, name) && !r->fail_after)
		return sut_err_set(err, -r->fail_code, "%s fails", url);
	if (!*ret || !(*ret)->data)
		return sut_err_reason(err, ENOENT, "http-404", "%s: 404", url);
	return 0;
}

static int get(void *ctx, const char *url, size_t max, struct sut_buf *out, struct sut_err *err)
{
	const struct sut_buf *b;
	int r = ask(ctx, url, 0, &b, err);

	if (r < 0)
		return r;
	if (b->len > max)
		return sut_err_reason(err, EFBIG, "length", "%s is too large", url);
	r = sut_buf_add(out, b->data, b->len);
	return r < 0 ? sut_err_oom(err) : 0;
}

static int get_file(void *ctx, const char *url, int fd, uint64_t have, uint64_t max,
		    struct sut_err *err)
{
	struct sample_repo *repo = ctx;
	const struct sut_buf *b;
	size_t end;
	int r = ask(repo, url, have, &b, err);

	if (r < 0)
		return r;
	if (have > b->len) {
		have = 0;
		MUST(ftruncate(fd, 0) == 0);
	}
	end = b->len > max ? max : b->len;
	if (repo->fail && repo->fail_after < end)
		end = repo->fail_after;
	for (size_t at = have; at < end;) {
		ssize_t n = pwrite(fd, b->data + at, end - at, (off_t)at);

		if (n < 0)
			return sut_err_errno(err, "cannot write");
		at += (size_t)n;
	}
	if (repo->fail && end < b->len)
		return sut_err_set(err, -repo->fail_code, "%s is cut", url);
	return b->len > max ? sut_err_reason(err, EFBIG, "length", "%s is too large", url) : 0;
}

struct sut_tuf_fetcher sample_repo_fetcher(struct sample_repo *r)
{
	return (struct sut_tuf_fetcher){.get = get, .get_file = get_file, .ctx = r};
}
