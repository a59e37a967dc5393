// SPDX-License-Identifier: Apache-2.0
#include "verify.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "http/http.h"

enum { PAGE_MAX = 16 << 20, SHOW = 10 };

struct entry {
	const char *uid;
	size_t i;
};

static int by_uid(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->uid, ((const struct entry *)b)->uid);
}

static bool is_text(const json_t *j, const char *name, const char *want)
{
	return sut_streq(json_string_value(json_object_get(j, name)), want);
}

/* Is it what system i reported at this revision? */
static bool is_rev(const struct fleet *f, size_t i, uint32_t rev, const json_t *j)
{
	char boot_id[37];

	fleet_boot_id(f, i, rev, boot_id);
	return is_text(j, "state", fleet_state(rev)) && is_text(j, "boot_id", boot_id) &&
	       json_integer_value(json_object_get(j, "level")) == fleet_level(rev);
}

static void show(struct verify_result *r, const char *what, const struct fleet *f, size_t i,
		 const json_t *j)
{
	_cleanup_(sut_freep) char *text = j ? json_dumps(j, JSON_COMPACT) : NULL;

	if (r->missing + r->wrong <= SHOW)
		fprintf(stderr, "%s: system %zu (%s), acknowledged %llu, revision %u%s: %s\n", what,
			i, f->v[i].uid, (unsigned long long)f->v[i].acked, f->v[i].rev,
			f->v[i].pending ? " and one under way" : "", text ? text : "");
}

static void compare(const struct fleet *f, size_t i, const json_t *j, struct verify_result *r)
{
	const struct fleet_one *s = &f->v[i];
	char host[24];
	bool ok;

	fleet_hostname(i, host);
	ok = is_text(j, "hostname", host);
	if (s->acked)
		ok = ok &&
		     (is_rev(f, i, s->rev, j) || (s->pending && is_rev(f, i, s->pending_rev, j)));
	else if (!s->pending)
		ok = ok && is_text(j, "state", "new");
	r->compared++;
	r->pending += s->pending;
	if (ok)
		return;
	r->wrong++;
	show(r, "not what was acknowledged", f, i, j);
}

static int get_page(struct sut_http *h, const char *url, const char *auth, json_t **ret,
		    struct sut_err *err)
{
	const char *const headers[] = {auth, NULL};
	struct sut_http_answer a = {.body = SUT_BUF_INIT(PAGE_MAX)};
	json_error_t why;
	int r = sut_http_request(h, "GET", url, headers, NULL, 0, &a, err);

	if (r == 0 && a.status != 200)
		r = sut_err_set(err, EREMOTEIO, "%s: %d: %.300s", url, a.status,
				sut_buf_str(&a.body));
	if (r == 0) {
		*ret = json_loadb((char *)a.body.data, a.body.len, 0, &why);
		if (!*ret)
			r = sut_err_set(err, EBADMSG, "%s: %s", url, why.text);
	}
	sut_buf_release(&a.body);
	return r;
}

static int read_all(const struct fleet *f, struct sut_http *h, const char *base, const char *auth,
		    const struct entry *index, size_t n, uint8_t *seen, struct verify_result *r,
		    struct sut_err *err)
{
	_cleanup_(sut_freep) char *cursor = strdup("");
	int x = cursor ? 0 : sut_err_oom(err);

	while (x == 0 && cursor) {
		_cleanup_(sut_freep) char *u = sut_sprintf("%s/v1/systems?limit=500%s%s", base,
							   *cursor ? "&cursor=" : "", cursor);
		json_t *page = NULL, *item;
		const char *next;
		size_t i;

		x = u ? get_page(h, u, auth, &page, err) : sut_err_oom(err);
		if (x < 0)
			return x;
		json_array_foreach(json_object_get(page, "items"), i, item) {
			const char *uid = json_string_value(json_object_get(item, "id"));
			struct entry key = {uid ? uid : "", 0};
			const struct entry *e = bsearch(&key, index, n, sizeof(*index), by_uid);

			if (e && !seen[e->i]) {
				seen[e->i] = 1;
				compare(f, e->i, item, r);
			}
		}
		next = json_string_value(json_object_get(page, "next"));
		free(cursor);
		cursor = next ? sut_http_quote(next) : NULL;
		json_decref(page);
	}
	return x;
}

int verify_run(const struct fleet *f, const char *url, const char *token, struct verify_result *ret,
	       struct sut_err *err)
{
	_cleanup_(sut_freep) struct entry *index = calloc(f->n ? f->n : 1, sizeof(*index));
	_cleanup_(sut_freep) uint8_t *seen = calloc(f->n ? f->n : 1, 1);
	_cleanup_(sut_freep) char *auth = sut_sprintf("Authorization: Bearer %s", token);
	_cleanup_(sut_http_freep) struct sut_http *h = NULL;
	struct sut_http_opts opts = {.total_sec = 60};
	const char *base = url;
	size_t n = 0;
	int r;

	if (!index || !seen || !auth)
		return sut_err_oom(err);
	if (sut_startswith(url, "unix:")) {
		opts.unix_socket = url + 5;
		base = "http://localhost";
	}
	*ret = (struct verify_result){0};
	for (size_t i = 0; i < f->n; i++)
		if (f->v[i].uid[0])
			index[n++] = (struct entry){f->v[i].uid, i};
	qsort(index, n, sizeof(*index), by_uid);
	r = sut_http_new(&opts, &h, err);
	if (r == 0)
		r = read_all(f, h, base, auth, index, n, seen, ret, err);
	for (size_t i = 0; r == 0 && i < n; i++)
		if (!seen[index[i].i]) {
			ret->missing++;
			show(ret, "missing", f, index[i].i, NULL);
		}
	return r;
}
