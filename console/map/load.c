// SPDX-License-Identifier: Apache-2.0
#include "map/load.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "base/str.h"
#include "json/parse.h"
#include "link/client.h"
#include "link/coverage.h"
#include "web/server.h"
#include "web/web.h"

void loaded_release(struct loaded *l)
{
	index_unref(l->index);
	names_put(l->names);
	for (size_t i = 0; i < l->nsets; i++)
		kept_set_put(l->sets[i]);
	free(l->sets);
	*l = (struct loaded){0};
}

/* --- coverage --- */

int load_index(struct sut_db *db, int64_t tenant, struct loaded *l, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *row = NULL;
	_cleanup_buf_ struct sut_buf text = SUT_BUF_INIT(LINK_COVERAGE_MAX);
	struct map_index *index = NULL;
	const char *etag;
	int64_t at = 0;
	int r = sut_db_one(db,
			   "SELECT coverage_at, coverage_etag FROM portals WHERE tenant = $1"
			   " AND coverage IS NOT NULL",
			   SUT_DB_ARGS(SUT_DB_I(tenant)), &row, err);

	if (r < 0)
		return r;
	etag = r ? sut_db_text(row, 1) : "";
	if (r == 0) {
		index_unref(sut_steal(l->index));
		l->coverage_at = 0;
		return 0;
	}
	if (l->index && l->coverage_at == sut_db_int(row, 0) && sut_streq(l->coverage_etag, etag))
		return 0;
	r = link_coverage_read(db, tenant, &text, &at, err);
	if (r > 0)
		r = index_new(text.data, text.len, &index, err);
	if (r < 0)
		return r;
	index_unref(l->index);
	l->index = index;
	l->coverage_at = sut_db_int(row, 0);
	snprintf(l->coverage_etag, sizeof(l->coverage_etag), "%s", etag);
	return 0;
}

/* --- names --- */

static int load_names_of(struct sut_db *db, const char *sql, int64_t tenant, struct names *n,
			 int (*put)(struct names *n, const struct sut_db_rows *row),
			 struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int r = tenant ? sut_db_query(db, sql, SUT_DB_ARGS(SUT_DB_I(tenant)), &rows, err)
		       : sut_db_query(db, sql, SUT_DB_NONE, &rows, err);

	while (r >= 0 && (r = sut_db_next(rows, err)) > 0)
		if (put(n, rows) < 0)
			return sut_err_oom(err);
	return r;
}

static int put_cve(struct names *n, const struct sut_db_rows *row)
{
	return names_cve(n, (uint32_t)sut_db_int(row, 0), sut_db_text(row, 1));
}

static int put_package(struct names *n, const struct sut_db_rows *row)
{
	return names_package(n, (uint32_t)sut_db_int(row, 0), sut_db_text(row, 1),
			     sut_db_text(row, 2));
}

static int put_native(struct names *n, const struct sut_db_rows *row)
{
	return names_native(n, (uint32_t)sut_db_int(row, 0), sut_db_text(row, 1),
			    sut_db_text(row, 2));
}

static int load_names(struct sut_db *db, int64_t tenant, struct loaded *l, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *row = NULL;
	struct names *n;
	uint32_t cves, packages, natives;
	int r = sut_db_one(db,
			   "SELECT (SELECT COALESCE(MAX(id), 0) FROM cves),"
			   " (SELECT COALESCE(MAX(id), 0) FROM packages),"
			   " (SELECT COALESCE(MAX(id), 0) FROM natives WHERE tenant = $1)",
			   SUT_DB_ARGS(SUT_DB_I(tenant)), &row, err);

	if (r < 0)
		return r;
	cves = (uint32_t)sut_db_int(row, 0);
	packages = (uint32_t)sut_db_int(row, 1);
	natives = (uint32_t)sut_db_int(row, 2);
	if (l->names && cves == l->max_cve && packages == l->max_package &&
	    natives == l->max_native)
		return 0;
	n = names_new(cves + 1, packages + 1, natives + 1);
	if (!n)
		return sut_err_oom(err);
	r = load_names_of(db, "SELECT id, name FROM cves", 0, n, put_cve, err);
	if (r == 0)
		r = load_names_of(db, "SELECT id, name, version FROM packages", 0, n, put_package,
				  err);
	if (r == 0)
		r = load_names_of(db, "SELECT id, key, title FROM natives WHERE tenant = $1",
				  tenant, n, put_native, err);
	if (r < 0) {
		names_put(n);
		return r;
	}
	names_put(l->names);
	l->names = n;
	l->max_cve = cves;
	l->max_package = packages;
	l->max_native = natives;
	return 0;
}

/* --- find sets --- */

struct use {
	int64_t host, set;
};

struct uses {
	struct use *v; /* by host */
	size_t n, cap;
};

static void uses_release(struct uses *u)
{
	free(u->v);
}

static int load_uses(struct sut_db *db, int64_t tenant, struct uses *u, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int r = sut_db_query(db,
			     "SELECT host, findset FROM host_findings WHERE tenant = $1"
			     " ORDER BY host, family",
			     SUT_DB_ARGS(SUT_DB_I(tenant)), &rows, err);

	while (r >= 0 && (r = sut_db_next(rows, err)) > 0) {
		if (u->n == u->cap) {
			size_t want = u->cap ? u->cap * 2 : 1024;
			struct use *more = reallocarray(u->v, want, sizeof(*more));

			if (!more)
				return sut_err_oom(err);
			u->v = more;
			u->cap = want;
		}
		u->v[u->n++] = (struct use){sut_db_int(rows, 0), sut_db_int(rows, 1)};
	}
	return r;
}

static int by_id(const void *a, const void *b)
{
	const struct kept_set *x = *(struct kept_set *const *)a, *y = *(struct kept_set *const *)b;

	return (x->id > y->id) - (x->id < y->id);
}

static struct kept_set *find_kept(const struct loaded *l, int64_t id)
{
	struct kept_set key = {.id = id}, *p = &key, **found = NULL;

	if (l->nsets)
		found = bsearch(&p, l->sets, l->nsets, sizeof(void *), by_id);
	return found ? *found : NULL;
}

static int by_number(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static int take_set(const struct sut_db_rows *row, struct kept_set **ret, struct sut_err *err)
{
	struct find_set set = {0};
	size_t len = 0;
	const void *data = sut_db_blob(row, 1, &len);
	int r = find_set_read(data, len, &set, err);

	/* One that is damaged costs what it held, and nothing else. */
	if (r < 0 && r != -EBADMSG)
		return r;
	*ret = kept_set_new(sut_db_int(row, 0), &set);
	if (*ret) {
		(*ret)->damaged = r < 0;
		return 0;
	}
	find_set_release(&set);
	return sut_err_oom(err);
}

/* Once for each. */
static void tell_damaged(int64_t tenant, int64_t set)
{
	char of[24], id[24];

	snprintf(of, sizeof(of), "%lld", (long long)tenant);
	snprintf(id, sizeof(id), "%lld", (long long)set);
	server_log(
		"error",
		"findings of a scan are damaged in the database: its systems count as not scanned; "
		"suture-console doctor names the scan. Import it again",
		"tenant", of, "findset", id, NULL);
}

/* wanted: ids in order, each once. What is kept stays, the others are read; what nobody wants any more goes. */
static int load_sets_of(struct sut_db *db, int64_t tenant, struct loaded *l, const int64_t *wanted,
			size_t n, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	struct kept_set **v = calloc(n ? n : 1, sizeof(void *));
	size_t have = 0;
	int r = v ? 0 : sut_err_oom(err);

	for (size_t i = 0; v && i < n; i++) {
		struct kept_set *k = find_kept(l, wanted[i]);

		/* An import may have mended one that is damaged. */
		if (k && !k->damaged)
			v[have++] = kept_set_ref(k);
	}
	if (r == 0 && have < n)
		r = sut_db_query(db,
				 "SELECT id, data FROM find_sets WHERE tenant = $1 AND id > $2"
				 " ORDER BY id",
				 SUT_DB_ARGS(SUT_DB_I(tenant), SUT_DB_I(0)), &rows, err);
	while (r >= 0 && have < n && (r = sut_db_next(rows, err)) > 0) {
		int64_t id = sut_db_int(rows, 0);

		const struct kept_set *before = find_kept(l, id);

		if ((before && !before->damaged) ||
		    !bsearch(&id, wanted, n, sizeof(*wanted), by_number))
			continue;
		r = take_set(rows, &v[have], err);
		if (r == 0 && v[have]->damaged && !before)
			tell_damaged(tenant, id);
		have += r == 0;
	}
	if (r < 0) {
		for (size_t i = 0; v && i < have; i++)
			kept_set_put(v[i]);
		free(v);
		return r;
	}
	for (size_t i = 0; i < l->nsets; i++)
		kept_set_put(l->sets[i]);
	free(l->sets);
	if (have)
		qsort(v, have, sizeof(void *), by_id);
	l->sets = v;
	l->nsets = have;
	return 0;
}

static int load_sets(struct sut_db *db, int64_t tenant, struct loaded *l, const struct uses *u,
		     struct sut_err *err)
{
	_cleanup_(sut_freep) int64_t *ids = calloc(u->n ? u->n : 1, sizeof(*ids));
	size_t n = 0;

	if (!ids)
		return sut_err_oom(err);
	for (size_t i = 0; i < u->n; i++)
		ids[i] = u->v[i].set;
	if (u->n)
		qsort(ids, u->n, sizeof(*ids), by_number);
	for (size_t i = 0; i < u->n; i++)
		if (!n || ids[n - 1] != ids[i])
			ids[n++] = ids[i];
	return load_sets_of(db, tenant, l, ids, n, err);
}

/* --- hosts --- */

/* Hold and pin, which few systems have: the whole document is parsed for those alone. */
static json_t *policy_of(const char *portal)
{
	if (!portal || (!strstr(portal, "\"hold\":true") && !strstr(portal, "\"hold\": true") &&
			!strstr(portal, "\"pin\":\"") && !strstr(portal, "\"pin\": \"")))
		return NULL;
	return json_loads(portal, 0, NULL);
}

#define HOST_COLUMNS                                                                                \
	"id, uid, system_id, external_id, hostname, fqdn, addresses, feed, state, tags, build_id,"  \
	" kernel_id, kernel_release, package_version, scanner, libraries, COALESCE(scanned_at, 0)," \
	" COALESCE(last_seen, 0), level, silent, portal, gone"

static int add_host(struct view_builder *b, const struct sut_db_rows *row, const struct loaded *l,
		    const struct uses *u, size_t *at, int64_t now, int64_t *valid_until,
		    struct sut_err *err)
{
	struct kept_set *sets[BUILD_SETS_MAX];
	_cleanup_json_ json_t *policy = policy_of(sut_db_text(row, 20));
	const char *state = sut_db_text(row, 8), *until = sut_json_text(policy, "hold_until");
	struct build_host h = {
		.id = sut_db_int(row, 0),
		.uid = sut_db_text(row, 1),
		.system_id = sut_db_text(row, 2),
		.external_id = sut_db_text(row, 3),
		.hostname = sut_db_text(row, 4),
		.fqdn = sut_db_text(row, 5),
		.addresses = sut_db_text(row, 6),
		.feed = sut_db_text(row, 7),
		.state = state,
		.tags = sut_db_text(row, 9),
		.build_id = sut_db_text(row, 10),
		.kernel_id = sut_db_text(row, 11),
		.release = sut_db_text(row, 12),
		.package_version = sut_db_text(row, 13),
		.scanner = sut_db_text(row, 14),
		.libraries = sut_db_text(row, 15),
		.scanned_at = sut_db_int(row, 16),
		.last_seen = sut_db_int(row, 17),
		.level = (uint32_t)sut_db_int(row, 18),
		.silent = sut_db_int(row, 19),
		.hold = json_is_true(json_object_get(policy, "hold")),
		.pin = sut_json_text(policy, "pin"),
		.sets = sets,
	};

	if (*until)
		(void)!web_time_parse(until, &h.hold_until);
	if (h.hold && h.hold_until > now && h.hold_until < *valid_until)
		*valid_until = h.hold_until;
	/* Before its first check-in nothing is known of what runs there. */
	h.registered = !sut_db_is_null(row, 2) && sut_db_is_null(row, 21) && state && *state &&
		       !sut_streq(state, "new");
	while (*at < u->n && u->v[*at].host < h.id)
		++*at;
	for (; *at < u->n && u->v[*at].host == h.id; ++*at) {
		struct kept_set *k = find_kept(l, u->v[*at].set);

		h.damaged |= k && k->damaged;
		if (k && !k->damaged && h.nsets < BUILD_SETS_MAX)
			sets[h.nsets++] = k;
	}
	return build_host(b, &h, err);
}

static int add_hosts(struct sut_db *db, int64_t tenant, int64_t now, struct view_builder *b,
		     struct loaded *l, const struct uses *u, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int64_t valid_until = INT64_MAX;
	size_t at = 0;
	int r = sut_db_query(db, "SELECT " HOST_COLUMNS " FROM hosts WHERE tenant = $1 ORDER BY id",
			     SUT_DB_ARGS(SUT_DB_I(tenant)), &rows, err);

	while (r >= 0 && (r = sut_db_next(rows, err)) > 0)
		r = add_host(b, rows, l, u, &at, now, &valid_until, err);
	if (r >= 0)
		l->valid_until = valid_until;
	return r;
}

static int generation_of(struct sut_db *db, int64_t *ret, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *row = NULL;
	int r = sut_db_one(db, "SELECT value FROM meta WHERE name = 'generation'", SUT_DB_NONE,
			   &row, err);

	if (r > 0)
		*ret = sut_db_int(row, 0);
	return r < 0 ? r : 0;
}

int load_view(struct sut_db *db, int64_t tenant, int64_t now, struct loaded *l,
	      struct map_view **ret, struct sut_err *err)
{
	_cleanup_(uses_release) struct uses u = {0};
	struct view_builder *b = NULL;
	int64_t generation = 0;
	int r = generation_of(db, &generation, err);

	if (r == 0)
		r = load_index(db, tenant, l, err);
	if (r == 0)
		r = load_names(db, tenant, l, err);
	if (r == 0)
		r = load_uses(db, tenant, &u, err);
	if (r == 0)
		r = load_sets(db, tenant, l, &u, err);
	if (r == 0)
		r = build_begin(index_ref(l->index), names_ref(l->names), now, generation, &b, err);
	if (r < 0)
		return r;
	r = add_hosts(db, tenant, now, b, l, &u, err);
	if (r < 0) {
		build_free(b);
		return r;
	}
	return build_end(b, ret, err);
}
