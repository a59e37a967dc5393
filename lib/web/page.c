// SPDX-License-Identifier: Apache-2.0
/* Lists in pages, by a key that grows: what is added or removed meanwhile neither shifts nor repeats. */
#include <errno.h>
#include <string.h>

#include "web/job.h"

int web_page_take(struct web_req *q, struct web_resp *r, struct web_page *ret)
{
	struct web_page p = {.limit = WEB_PAGE_DEFAULT};
	int rc = web_arg_int(q, r, "limit", 1, WEB_PAGE_MAX, &p.limit);

	if (rc == 0)
		rc = web_arg_int(q, r, "cursor", 0, INT64_MAX, &p.after);
	if (rc == 0)
		*ret = p;
	return rc;
}

/* The same request from last on. Left out when the request holds what has no place in a header. */
static int link_next(const struct web_job *j, struct web_resp *r, const char *next)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(16 << 10);
	int rc = sut_buf_addf(&b, "Link: <%s?", j->path);

	for (const char *p = j->query; rc == 0 && *p;) {
		size_t len = strcspn(p, "&");

		if (len && strncmp(p, "cursor=", 7) != 0)
			rc = sut_buf_addf(&b, "%.*s&", (int)len, p);
		p += len + (p[len] == '&');
	}
	if (rc == 0)
		rc = sut_buf_addf(&b, "cursor=%s>; rel=\"next\"", next);
	if (rc < 0)
		return rc == -ENOBUFS ? 0 : rc;
	for (size_t i = 6; i < b.len; i++)
		if (b.data[i] < ' ' || b.data[i] > '~')
			return 0;
	return sut_strv_add(&r->headers, sut_buf_str(&b));
}

int web_page_put(struct web_req *q, struct web_resp *r, json_t *items, int64_t last, bool more,
		 struct sut_err *err)
{
	char next[24];
	int rc = 0;

	if (!items)
		return sut_err_oom(err);
	snprintf(next, sizeof(next), "%lld", (long long)last);
	if (more && q->job)
		rc = link_next(q->job, r, next);
	if (rc < 0) {
		json_decref(items);
		return sut_err_oom(err);
	}
	return web_json(r, 200,
			json_pack("{s:o, s:s?}", "items", items, "next", more ? next : NULL), err);
}

int web_page_rows(struct web_req *q, struct web_resp *r, const struct web_page *page,
		  struct sut_db_rows *rows, int key, enum web_order order,
		  json_t *(*item)(const struct sut_db_rows *row), struct sut_err *err)
{
	json_t *items = json_array();
	int64_t last = 0, n = 0;
	int rc;

	while ((rc = sut_db_next(rows, err)) > 0 && n++ < page->limit) {
		last = sut_db_int(rows, key);
		if (json_array_append_new(items, item(rows))) {
			rc = sut_err_oom(err);
			break;
		}
	}
	if (rc < 0) {
		json_decref(items);
		return rc;
	}
	return web_page_put(q, r, items, order == WEB_NEWEST_FIRST ? WEB_NEWEST(last) : last,
			    n > page->limit, err);
}

int web_list(struct web_req *q, struct web_resp *r, const struct web_list *l,
	     const struct sut_db_arg *args, size_t n, struct sut_err *err)
{
	static const char *const names[] = {"limit", "cursor", NULL};
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	struct sut_db_arg all[WEB_LIST_ARGS + 2];
	struct web_page page;
	int rc = web_only_args(q, r, names);

	if (rc == 0)
		rc = web_page_take(q, r, &page);
	if (rc)
		return rc;
	if (n > WEB_LIST_ARGS)
		return sut_err_set(err, EINVAL, "a list takes %d parameters", WEB_LIST_ARGS);
	for (size_t i = 0; i < n; i++)
		all[i] = args[i];
	all[n] = SUT_DB_I(l->order == WEB_NEWEST_FIRST ? WEB_NEWEST(page.after) : page.after);
	all[n + 1] = SUT_DB_I(page.limit + 1);
	rc = sut_db_query(q->db, l->sql, all, n + 2, &rows, err);
	return rc < 0 ? rc : web_page_rows(q, r, &page, rows, l->key, l->order, l->item, err);
}
