/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/key.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/cidr.h"
#include "base/str.h"

#define KEY_SELECT                                                                                 \
	"SELECT k.id, k.tenant, k.uid, k.kind, k.limit_kind, k.max_systems, k.expires, k.revoked," \
	" k.products, k.feed, f.name, t.name, t.disabled, k.networks, k.tags"                      \
	" FROM keys k JOIN feeds f ON f.id = k.feed JOIN tenants t ON t.id = k.tenant WHERE "

static json_t *document(const char *text, const char *empty)
{
	return json_loads(text && text[0] ? text : empty, JSON_REJECT_DUPLICATES, NULL);
}

static unsigned int products_of(const char *text)
{
	json_t *j = document(text, "[]");
	unsigned int mask = 0;
	struct check c = {0};

	if (check_products(&c, "", "", j, &mask))
		mask = 0;
	json_decref(j);
	return mask;
}

static int take_row(struct sut_db *db, const char *sql, const struct sut_db_arg *args, size_t n,
		    struct fleet_key *ret, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	struct fleet_key k = {0};
	int r = sut_db_one(db, sql, args, n, &rows, err);

	if (r <= 0)
		return r;
	k.id = sut_db_int(rows, 0);
	k.tenant = sut_db_int(rows, 1);
	snprintf(k.uid, sizeof(k.uid), "%s", sut_db_text(rows, 2));
	k.customer = sut_streq(sut_db_text(rows, 3), "customer");
	k.advisory = sut_streq(sut_db_text(rows, 4), "advisory");
	k.max_systems = sut_db_is_null(rows, 5) ? -1 : sut_db_int(rows, 5);
	k.expires = sut_db_int(rows, 6);
	k.revoked = sut_db_int(rows, 7);
	k.products = products_of(sut_db_text(rows, 8));
	k.feed = sut_db_int(rows, 9);
	snprintf(k.feed_name, sizeof(k.feed_name), "%s", sut_db_text(rows, 10));
	snprintf(k.tenant_name, sizeof(k.tenant_name), "%s", sut_db_text(rows, 11));
	k.tenant_disabled = !sut_db_is_null(rows, 12);
	k.networks = document(sut_db_text(rows, 13), "[]");
	k.tags = document(sut_db_text(rows, 14), "{}");
	if (!k.networks || !k.tags) {
		fleet_key_release(&k);
		return sut_err_oom(err);
	}
	*ret = k;
	return 1;
}

int fleet_key_by_hash(struct sut_db *db, const uint8_t hash[static SUT_TOKEN_HASH],
		      struct fleet_key *ret, struct sut_err *err)
{
	return take_row(db, KEY_SELECT "k.hash = $1", SUT_DB_ARGS(SUT_DB_B(hash, SUT_TOKEN_HASH)),
			ret, err);
}

int fleet_key_by_customer(struct sut_db *db, int64_t tenant, const char *customer_id,
			  struct fleet_key *ret, struct sut_err *err)
{
	return take_row(db, KEY_SELECT "k.tenant = $1 AND k.customer_id = $2",
			SUT_DB_ARGS(SUT_DB_I(tenant), SUT_DB_T(customer_id)), ret, err);
}

int fleet_key_by_uid(struct sut_db *db, int64_t tenant, const char *uid, struct fleet_key *ret,
		     struct sut_err *err)
{
	return take_row(db, KEY_SELECT "k.tenant = $1 AND k.uid = $2",
			SUT_DB_ARGS(SUT_DB_I(tenant), SUT_DB_T(uid)), ret, err);
}

int fleet_key_by_id(struct sut_db *db, int64_t tenant, int64_t id, struct fleet_key *ret,
		    struct sut_err *err)
{
	return take_row(db, KEY_SELECT "k.tenant = $1 AND k.id = $2",
			SUT_DB_ARGS(SUT_DB_I(tenant), SUT_DB_I(id)), ret, err);
}

int fleet_key_by_any_customer(struct sut_db *db, const char *customer_id, struct fleet_key *ret,
			      struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int64_t tenant;
	int r = sut_db_one(db,
			   "SELECT MIN(tenant), COUNT(*) FROM keys WHERE customer_id = $1"
			   " AND networks <> '[]'",
			   SUT_DB_ARGS(SUT_DB_T(customer_id)), &rows, err);

	if (r <= 0 || sut_db_int(rows, 1) != 1)
		return r < 0 ? r : 0;
	tenant = sut_db_int(rows, 0);
	return fleet_key_by_customer(db, tenant, customer_id, ret, err);
}

void fleet_key_release(struct fleet_key *k)
{
	json_decref(k->networks);
	json_decref(k->tags);
	k->networks = k->tags = NULL;
}

static void when(int64_t at, char buf[static 32])
{
	time_t t = (time_t)at;
	struct tm tm;

	if (!gmtime_r(&t, &tm) || !strftime(buf, 32, "%Y-%m-%dT%H:%M:%SZ", &tm))
		snprintf(buf, 32, "some time ago");
}

int fleet_key_refuse(const struct fleet_key *k, int64_t now, unsigned int products,
		     struct web_resp *r)
{
	char at[32];

	if (k->tenant_disabled)
		return web_problem(r, 403, "tenant-disabled",
				   "the tenant %s is disabled: ask the operator of the portal",
				   k->tenant_name);
	if (k->revoked) {
		when(k->revoked, at);
		return web_problem(
			r, 403, "key-revoked",
			"the registration key was revoked on %s: take another one; systems that enrolled with it go on",
			at);
	}
	if (k->expires && k->expires <= now) {
		when(k->expires, at);
		return web_problem(
			r, 403, "key-expired",
			"the registration key expired on %s: have a key-manager extend it or make a new one",
			at);
	}
	if (products & ~k->products)
		return web_problem(
			r, 403, "product-not-covered",
			"the registration key does not cover %s: have a key-manager add it to the key's products",
			products & ~k->products & FLEET_KERNEL ? "\"kernel\"" : "\"library\"");
	return 0;
}

bool fleet_key_network(const struct fleet_key *k, const char *address)
{
	size_t i;
	json_t *v;

	if (!json_array_size(k->networks))
		return true;
	json_array_foreach(k->networks, i, v) {
		struct sut_cidr net;

		if (json_is_string(v) && sut_cidr_parse(json_string_value(v), &net, NULL) == 0 &&
		    sut_cidr_has(&net, address))
			return true;
	}
	return false;
}

/* Told once, by the one who passes the limit, not by everyone after him. */
static int warn(struct web_req *q, const struct fleet_key *k, int64_t systems, struct sut_err *err)
{
	int r = web_event(q, k->tenant, "key.limit-passed",
			  json_pack("{s:s, s:I, s:I}", "key", k->uid, "systems",
				    (json_int_t)systems, "max_systems", (json_int_t)k->max_systems),
			  err);

	if (r < 0)
		return r;
	return web_audit(q, "key.limit-passed", "key", k->uid,
			 json_pack("{s:I, s:I}", "systems", (json_int_t)systems, "max_systems",
				   (json_int_t)k->max_systems),
			 err);
}

int fleet_key_take(struct web_req *q, struct web_resp *r, const struct fleet_key *k,
		   struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int64_t systems, max;
	bool limited;
	/* The row is locked by this; whoever waits for it sees the new count. */
	int x = sut_db_one(
		q->db,
		"UPDATE keys SET systems = systems + 1 WHERE id = $1 AND tenant = $2 AND"
		" (max_systems IS NULL OR limit_kind = 'advisory' OR systems < max_systems)"
		" RETURNING systems, max_systems",
		SUT_DB_ARGS(SUT_DB_I(k->id), SUT_DB_I(k->tenant)), &rows, err);

	if (x < 0)
		return x;
	if (!x)
		return web_problem(
			r, 403, "key-limit",
			"the registration key has all the systems it may have (%lld): have a key-manager raise its limit, or delete systems that are gone",
			(long long)k->max_systems);
	systems = sut_db_int(rows, 0);
	limited = !sut_db_is_null(rows, 1);
	max = sut_db_int(rows, 1);
	if (limited && systems == max + 1)
		return warn(q, k, systems, err);
	return 0;
}

int fleet_key_give(struct sut_db *db, int64_t tenant, int64_t key, int64_t n, struct sut_err *err)
{
	return sut_db_exec(db,
			   "UPDATE keys SET systems = systems - $3 WHERE id = $1 AND tenant = $2",
			   SUT_DB_ARGS(SUT_DB_I(key), SUT_DB_I(tenant), SUT_DB_I(n)), NULL, err);
}

int fleet_feed_find(struct sut_db *db, int64_t tenant, const char *name, int64_t *ret,
		    struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int r = sut_db_one(db,
			   "SELECT id FROM feeds WHERE name = $2 AND (tenant = $1 OR tenant = 0)"
			   " ORDER BY tenant LIMIT 1",
			   SUT_DB_ARGS(SUT_DB_I(tenant), SUT_DB_T(name)), &rows, err);

	if (r > 0)
		*ret = sut_db_int(rows, 0);
	return r;
}
