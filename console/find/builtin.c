// SPDX-License-Identifier: Apache-2.0
#include "find/builtin.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "fleet/packages.h"
#include "json/parse.h"
#include "map/map.h"

/* One host, read before anything is written. */
struct machine {
	int64_t id;
	char *uid, *hostname, *build_id, *kernel_id, *release, *version, *libraries;
};

static void machine_release(struct machine *m)
{
	free(m->uid);
	free(m->hostname);
	free(m->build_id);
	free(m->kernel_id);
	free(m->release);
	free(m->version);
	free(m->libraries);
}

/* All that is known of what runs: the package of this version has each of these holes. */
static int add_target(struct sink *k, const struct index_target *t, struct sut_err *err)
{
	struct find_rec rec = {0};
	char cve[INDEX_CVE_NAME];
	int r = 0;

	if (t->package)
		r = intern_package(k->in, t->package, t->version, &rec.package, err);
	for (size_t i = 0; r == 0 && i < t->nfixes; i++) {
		index_cve_name(t->fixes[i].cve, cve);
		r = intern_cve(k->in, cve, &rec.cve, err);
		if (r == 0 && find_set_add(&k->set, &rec) < 0)
			r = sut_err_oom(err);
	}
	return r;
}

static int add_libraries(struct sink *k, const struct map_index *x, const char *json,
			 struct sut_err *err)
{
	_cleanup_json_ json_t *j = json ? json_loads(json, 0, NULL) : NULL;
	int r = 0;

	for (size_t i = 0; r == 0 && i < json_array_size(j); i++) {
		const struct index_target *t =
			index_by_build_id(x, sut_json_text(json_array_get(j, i), "build_id"));

		if (t && t->library)
			r = add_target(k, t, err);
	}
	return r;
}

/* Libraries that are installed and that no process may use now. Kernels that are installed and do not run have no holes. */
static int add_packages(struct sink *k, const struct map_index *x, int64_t host,
			struct sut_err *err)
{
	_cleanup_json_ json_t *doc = NULL;
	const json_t *list;
	int64_t at = 0;
	int r = packages_read(k->db, host, &doc, &at, err);

	list = json_object_get(doc, "packages");
	for (size_t i = 0; r >= 0 && i < json_array_size(list); i++) {
		const json_t *p = json_array_get(list, i);
		const char *name = json_string_value(json_array_get(p, 0)),
			   *version = json_string_value(json_array_get(p, 1));
		const struct index_target *t =
			name && version ? index_by_package(x, name, version) : NULL;

		if (t && t->library)
			r = add_target(k, t, err);
	}
	return r < 0 ? r : 0;
}

static int scan_machine(struct sink *k, const struct map_index *x, const struct machine *m,
			struct sut_err *err)
{
	struct verdict_host h = {.build_id = m->build_id,
				 .kernel_id = m->kernel_id,
				 .release = m->release,
				 .package_version = m->version};
	int r = 0;

	verdict_bind(x, &h);
	k->set.n = 0;
	if (h.kernel)
		r = add_target(k, h.kernel, err);
	if (r == 0)
		r = add_libraries(k, x, m->libraries, err);
	if (r == 0)
		r = add_packages(k, x, m->id, err);
	find_set_settle(&k->set);
	if (r == 0)
		r = sink_write(k, m->id, m->hostname, "asked", err);
	k->set.n = 0;
	return r == 0 ? sink_breathe(k, false, err) : r;
}

static int next_machine(struct sink *k, int64_t after, struct machine *ret, struct sut_err *err)
{
	static const char sql[] =
		"SELECT id, uid, hostname, build_id, kernel_id, kernel_release, package_version,"
		" libraries FROM hosts WHERE tenant = $1 AND id > $2 AND system_id IS NOT NULL"
		" AND state NOT IN ('', 'new') AND gone IS NULL ORDER BY id LIMIT 1";
	_cleanup_rows_ struct sut_db_rows *row = NULL;
	char **const texts[] = {&ret->uid,     &ret->hostname, &ret->build_id, &ret->kernel_id,
				&ret->release, &ret->version,  &ret->libraries};
	int r = sut_db_one(k->db, sql, SUT_DB_ARGS(SUT_DB_I(k->scan->tenant), SUT_DB_I(after)),
			   &row, err);

	if (r <= 0)
		return r;
	ret->id = sut_db_int(row, 0);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(texts); i++) {
		const char *s = sut_db_text(row, 1 + (int)i);

		*texts[i] = strdup(s ? s : "");
		if (!*texts[i])
			return sut_err_oom(err);
	}
	return 1;
}

static bool wanted(const json_t *systems, const char *uid)
{
	for (size_t i = 0; i < json_array_size(systems); i++)
		if (sut_streq(json_string_value(json_array_get(systems, i)), uid))
			return true;
	return !systems;
}

static int coverage(struct sink *k, struct map_index **ret, struct sut_err *err)
{
	int r = sut_db_begin(k->db, SUT_DB_READ, err);

	if (r < 0)
		return r;
	r = map_coverage(k->c, k->db, k->scan->tenant, ret, err);
	sut_db_rollback(k->db);
	return r;
}

int builtin_scan(struct sink *k, struct sut_err *err)
{
	_cleanup_json_ json_t *systems =
		k->scan->systems ? json_loads(k->scan->systems, 0, NULL) : NULL;
	_cleanup_(index_unrefp) struct map_index *x = NULL;
	int64_t after = 0;
	int r;

	k->family = "builtin";
	snprintf(k->tool, sizeof(k->tool), "built-in");
	k->scanned_at = k->q.now;
	r = coverage(k, &x, err);
	if (r < 0)
		return r;
	if (!index_count(x))
		return sut_err_reason(
			err, EBADMSG, "scan",
			"the portal has told of no patches yet, so there is nothing to "
			"compare with. Connect the portal, or wait until its coverage "
			"has come");
	for (;;) {
		_cleanup_(machine_release) struct machine m = {0};

		r = next_machine(k, after, &m, err);
		if (r <= 0)
			return r;
		after = m.id;
		r = wanted(systems, m.uid) ? scan_machine(k, x, &m, err) : 0;
		if (r < 0)
			return r;
	}
}
