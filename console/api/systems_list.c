// SPDX-License-Identifier: Apache-2.0
/* GET /v1/systems: the list with its filters. */
#include <stdio.h>
#include <string.h>

#include "api/systems.h"
#include "base/utf8.h"

json_t *systems_json(const struct sut_db_rows *row)
{
#define T(col) sut_db_text(row, SYSTEMS_COL_##col)
#define I(col) sut_db_int(row, SYSTEMS_COL_##col)
	const char *release = T(RELEASE);
	json_t *j =
		json_pack("{s:s, s:s?, s:s?, s:s, s:s, s:o, s:s, s:s, s:{s:s, s:s, s:s}}", "id",
			  T(UID), "system_id", T(SYSTEM), "external_id", T(EXTERNAL), "hostname",
			  T(HOSTNAME), "fqdn", T(FQDN), "addresses",
			  json_loads(T(ADDRESSES), 0, NULL), "os", T(OS), "arch", T(ARCH), "kernel",
			  "release", release, "build_id", T(BUILD), "package_version", T(PACKAGE));
	json_t *more = json_pack(
		"{s:I, s:s, s:s, s:s, s:b, s:o, s:s, s:o, s:o, s:s, s:s, s:o, s:o, s:b, s:o, s:I}",
		"level", (json_int_t)I(LEVEL), "patchset", T(PATCHSET), "feed", T(FEED), "state",
		T(STATE), "silent", (int)I(SILENT), "last_seen", web_time(I(SEEN)), "agent",
		T(AGENT), "tags", json_loads(T(TAGS), 0, NULL), "scanned_at", web_time(I(SCANNED)),
		"scanner", T(SCANNER), "matched_by", T(MATCHED), "registered",
		web_time(I(REGISTERED)), "gone", web_time(I(GONE)), "portal_known",
		!sut_db_is_null(row, SYSTEMS_COL_SYSTEM), "packages_at", web_time(I(PACKAGES)),
		"version", (json_int_t)I(VERSION));
#undef T
#undef I
	int r = j && more ? json_object_update(j, more) : -1;

	json_decref(more);
	if (r == 0)
		return j;
	json_decref(j);
	return NULL;
}

int systems_add_counts(struct web_req *q _unused_, int64_t host _unused_, json_t *j _unused_,
		       struct sut_err *err _unused_)
{
	return 0;
}

struct filter {
	struct web_page page; /* after: how many come before */
	const char *q, *state, *feed, *sort;
	char like[4 * WEB_TEXT_MAX], tag[2 * WEB_TEXT_MAX];
};

static int text_arg(struct web_req *q, struct web_resp *r, const char *name, const char **ret)
{
	const char *s = web_arg(q, name);
	const uint8_t *p = (const uint8_t *)s;

	if (s && (!*s || strlen(s) > WEB_TEXT_MAX / 4))
		return web_problem(r, 400, "bad-argument", "%s may hold 1 to %d bytes of text",
				   name, WEB_TEXT_MAX / 4);
	for (const uint8_t *end = p ? p + strlen(s) : NULL; p && p < end;)
		if (!sut_is_printable(sut_utf8_next(&p, end)))
			return web_problem(r, 400, "bad-argument", "%s is no printable text", name);
	*ret = s;
	return 0;
}

/* "%TEXT%" with what LIKE takes for a pattern escaped, in lower case of ASCII. */
static void like_of(const char *s, char *ret)
{
	*ret++ = '%';
	for (; *s; s++) {
		if (strchr("%_\\", *s))
			*ret++ = '\\';
		*ret++ = *s >= 'A' && *s <= 'Z' ? (char)(*s + 32) : *s;
	}
	*ret++ = '%';
	*ret = '\0';
}

static int take(struct web_req *q, struct web_resp *r, struct filter *f)
{
	static const char *const names[] = {"limit", "cursor", "q",    "state",
					    "feed",  "tag",    "sort", NULL};
	const char *tag = NULL;

	*f = (struct filter){0};
	if (web_only_args(q, r, names) || web_page_take(q, r, &f->page) ||
	    text_arg(q, r, "q", &f->q) || text_arg(q, r, "state", &f->state) ||
	    text_arg(q, r, "feed", &f->feed) || text_arg(q, r, "tag", &tag))
		return WEB_NO;
	f->sort = web_arg(q, "sort");
	if (f->sort && strcmp(f->sort, "name") && strcmp(f->sort, "seen"))
		return web_problem(r, 400, "bad-argument", "sort is one of: name, seen");
	if (f->q)
		like_of(f->q, f->like);
	if (tag) {
		char text[WEB_TEXT_MAX];
		size_t n = strcspn(tag, "=");

		(void)snprintf(text, sizeof(text), "\"%.*s\":%s%s%s", (int)n, tag,
			       tag[n] ? "\"" : "", tag[n] ? tag + n + 1 : "", tag[n] ? "\"" : "");
		like_of(text, f->tag);
	}
	return 0;
}

#define WHERE                                                                                      \
	" WHERE tenant = $1"                                                                       \
	" AND (CAST($4 AS TEXT) IS NULL OR lower(hostname) LIKE $4 ESCAPE '\\'"                    \
	" OR lower(fqdn) LIKE $4 ESCAPE '\\' OR system_id LIKE $4 ESCAPE '\\'"                     \
	" OR lower(external_id) LIKE $4 ESCAPE '\\' OR addresses LIKE $4 ESCAPE '\\')"             \
	" AND (CAST($5 AS TEXT) IS NULL OR state = $5)"                                            \
	" AND (CAST($6 AS TEXT) IS NULL OR feed = $6)"                                             \
	" AND (CAST($7 AS TEXT) IS NULL OR lower(tags) LIKE $7 ESCAPE '\\')"

int systems_list(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	static const char by_name[] =
		SYSTEMS_SELECT WHERE " ORDER BY lower(hostname), id LIMIT $3 OFFSET $2";
	static const char by_seen[] =
		SYSTEMS_SELECT WHERE " ORDER BY COALESCE(last_seen, 0) DESC, id LIMIT $3 OFFSET $2";
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	bool seen, more = false;
	json_t *items;
	struct filter f;
	int x;

	if (take(q, r, &f))
		return WEB_NO;
	seen = f.sort && !strcmp(f.sort, "seen");
	x = sut_db_query(q->db, seen ? by_seen : by_name,
			 SUT_DB_ARGS(SUT_DB_I(q->who.tenant), SUT_DB_I(f.page.after),
				     SUT_DB_I(f.page.limit + 1), SUT_DB_T(f.q ? f.like : NULL),
				     SUT_DB_T(f.state), SUT_DB_T(f.feed),
				     SUT_DB_T(*f.tag ? f.tag : NULL)),
			 &rows, err);
	if (x < 0)
		return x;
	items = json_array();
	while ((x = items ? sut_db_next(rows, err) : sut_err_oom(err)) > 0) {
		json_t *j;

		if (json_array_size(items) == (size_t)f.page.limit) {
			more = true;
			break;
		}
		j = systems_json(rows);
		x = j ? systems_add_counts(q, sut_db_int(rows, SYSTEMS_COL_ID), j, err)
		      : sut_err_oom(err);
		if (json_array_append_new(items, j))
			x = sut_err_oom(err);
		if (x < 0)
			break;
	}
	if (x < 0) {
		json_decref(items);
		return x;
	}
	return web_page_put(q, r, items, f.page.after + (int64_t)json_array_size(items), more, err);
}
