// SPDX-License-Identifier: Apache-2.0
#include "fleet/match.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "base/str.h"
#include "crypto/machine_id.h"

/* --- what a name comes to --- */

bool match_name(const char *name, char ret[static MATCH_VALUE_MAX + 1])
{
	static const char *const common[] = {"localhost",	"localhost.localdomain",
					     "localhost.local", "localdomain",
					     "(none)",		"unknown"};
	size_t n = name ? strlen(name) : 0;

	if (n && name[n - 1] == '.')
		n--;
	if (!n || n > MATCH_VALUE_MAX)
		return false;
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)name[i];

		if (!isalnum(c) && !strchr("._-", c))
			return false;
		ret[i] = (char)tolower(c);
	}
	ret[n] = '\0';
	for (size_t i = 0; i < SUT_ARRAY_SIZE(common); i++)
		if (!strcmp(ret, common[i]))
			return false;
	return true;
}

static bool v4_in_common(const uint8_t a[4])
{
	/* Bridges that Docker, libvirt and LXD make with the same address everywhere. */
	return a[0] == 0 || a[0] == 127 || a[0] >= 224 || (a[0] == 169 && a[1] == 254) ||
	       (a[0] == 172 && a[1] == 17 && a[2] == 0 && a[3] == 1) ||
	       (a[0] == 192 && a[1] == 168 && a[2] == 122 && a[3] == 1);
}

bool match_address(const char *text, char ret[static MATCH_VALUE_MAX + 1])
{
	struct in6_addr six;
	uint8_t four[4];

	if (!text)
		return false;
	if (inet_pton(AF_INET, text, four) == 1)
		return !v4_in_common(four) && inet_ntop(AF_INET, four, ret, MATCH_VALUE_MAX + 1);
	if (inet_pton(AF_INET6, text, &six) != 1)
		return false;
	if (IN6_IS_ADDR_V4MAPPED(&six)) {
		memcpy(four, six.s6_addr + 12, sizeof(four));
		return !v4_in_common(four) && inet_ntop(AF_INET, four, ret, MATCH_VALUE_MAX + 1);
	}
	return !IN6_IS_ADDR_LOOPBACK(&six) && !IN6_IS_ADDR_UNSPECIFIED(&six) &&
	       !IN6_IS_ADDR_LINKLOCAL(&six) && !IN6_IS_ADDR_MULTICAST(&six) &&
	       inet_ntop(AF_INET6, &six, ret, MATCH_VALUE_MAX + 1);
}

bool match_mac(const char *text, char ret[static MATCH_VALUE_MAX + 1])
{
	char digits[13];
	uint8_t mac[6];
	size_t n = 0;

	for (; text && *text; text++) {
		if (strchr(":-.", *text))
			continue;
		if (n >= sizeof(digits) - 1)
			return false;
		digits[n++] = (char)tolower((unsigned char)*text);
	}
	digits[n] = '\0';
	if (n != 12 || sut_unhex(digits, mac, sizeof(mac)) < 0)
		return false;
	/* Groups, nothing, and everybody; docker0 makes 02:42 from the address, so it is the same everywhere. */
	if ((mac[0] & 1) || !strcmp(digits, "000000000000") || sut_startswith(digits, "0242ac11"))
		return false;
	for (size_t i = 0; i < 6; i++) {
		memcpy(ret + 3 * i, digits + 2 * i, 2);
		ret[3 * i + 2] = i < 5 ? ':' : '\0';
	}
	return true;
}

static bool match_machine(const char *text, char ret[static MATCH_VALUE_MAX + 1])
{
	size_t n = 0;

	for (; text && *text; text++) {
		if (n >= 64 || (!isalnum((unsigned char)*text) && *text != '-'))
			return false;
		ret[n++] = (char)tolower((unsigned char)*text);
	}
	ret[n] = '\0';
	return n >= 8;
}

/* --- all names of one machine --- */

struct name {
	const char *kind;
	char value[MATCH_VALUE_MAX + 1];
};

struct names {
	struct name v[MATCH_NAMES_MAX];
	size_t n;
};

static void add(struct names *l, const char *kind, bool good)
{
	if (!good)
		return;
	for (size_t i = 0; i < l->n; i++)
		if (!strcmp(l->v[i].kind, kind) && !strcmp(l->v[i].value, l->v[l->n].value))
			return;
	l->v[l->n++].kind = kind;
}

static bool room(const struct names *l)
{
	return l->n + 1 < MATCH_NAMES_MAX;
}

/* The name up to its first dot. */
static void add_first(struct names *l, const char *fqdn)
{
	char first[MATCH_VALUE_MAX + 1];
	size_t n = fqdn ? strcspn(fqdn, ".") : 0;

	if (!n || n > MATCH_VALUE_MAX)
		return;
	memcpy(first, fqdn, n);
	first[n] = '\0';
	add(l, "host", match_name(first, l->v[l->n].value));
}

/* An address in the place of a name is an address. */
static bool is_address(const char *s)
{
	uint8_t a[sizeof(struct in6_addr)];

	return s && (inet_pton(AF_INET, s, a) == 1 || inet_pton(AF_INET6, s, a) == 1);
}

/* In the order they are tried in. */
static struct names *names_of(const struct host_facts *f)
{
	struct names *l = calloc(1, sizeof(*l));
	const char *fqdn = is_address(f->fqdn) ? NULL : f->fqdn;
	const char *host = is_address(f->hostname) ? NULL : f->hostname;
	char hashed[SUT_MACHINE_ID];

	if (!l)
		return NULL;
	add(l, "machine", match_machine(f->machine_id, l->v[l->n].value));
	if (f->machine_id && sut_machine_id(f->machine_id, hashed) == 0)
		add(l, "machine", match_machine(hashed, l->v[l->n].value));
	if (fqdn && strchr(fqdn, '.'))
		add(l, "fqdn", match_name(fqdn, l->v[l->n].value));
	if (host && strchr(host, '.'))
		add(l, "fqdn", match_name(host, l->v[l->n].value));
	add_first(l, host);
	add_first(l, fqdn);
	for (size_t i = 0; i < f->nmacs && room(l); i++)
		add(l, "mac", match_mac(f->macs[i], l->v[l->n].value));
	for (size_t i = 0; i < f->naddresses && room(l); i++)
		add(l, "ip", match_address(f->addresses[i], l->v[l->n].value));
	if (f->hostname && !host && room(l))
		add(l, "ip", match_address(f->hostname, l->v[l->n].value));
	return l;
}

/* --- finding --- */

static int by_column(struct sut_db *db, const char *sql, int64_t tenant, const char *value,
		     enum match_scope scope, int64_t except, int64_t *ret, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int r = sut_db_query(
		db, sql,
		SUT_DB_ARGS(SUT_DB_I(tenant), SUT_DB_T(value), SUT_DB_I(except), SUT_DB_I(scope)),
		&rows, err);
	int64_t id = 0;
	int n = 0;

	while (r >= 0 && (r = sut_db_next(rows, err)) > 0) {
		id = sut_db_int(rows, 0);
		n++;
	}
	if (r < 0)
		return r;
	if (n == 1)
		*ret = id;
	return n == 1;
}

#define SCOPE " AND h.id <> $3 AND (CAST($4 AS BIGINT) = 0 OR h.system_id IS NULL) LIMIT 2"

static bool differ(const char *a, const char *b)
{
	return a && *a && b && *b && strcmp(a, b) != 0;
}

/* Does something stronger say that it is another machine? */
static int contradicts(struct sut_db *db, int64_t tenant, int64_t id, const struct host_facts *f,
		       const struct names *l, const char *kind, bool *ret, struct sut_err *err)
{
	static const char sql[] = "SELECT system_id, machine_id, fqdn, external_id FROM hosts"
				  " WHERE tenant = $1 AND id = $2";
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int r = sut_db_one(db, sql, SUT_DB_ARGS(SUT_DB_I(tenant), SUT_DB_I(id)), &rows, err);
	const char *machine = NULL, *fqdn = NULL;

	if (r <= 0)
		return r;
	*ret = differ(f->system_id, sut_db_text(rows, 0)) ||
	       differ(f->external_id, sut_db_text(rows, 3));
	machine = sut_db_text(rows, 1);
	if (machine && *machine && l->n && !strcmp(l->v[0].kind, "machine")) {
		bool same = false;

		for (size_t i = 0; i < l->n && !strcmp(l->v[i].kind, "machine"); i++)
			same = same || !strcmp(l->v[i].value, machine);
		*ret = *ret || !same;
	}
	for (size_t i = 0; i < l->n; i++)
		if (!strcmp(l->v[i].kind, "fqdn")) {
			fqdn = l->v[i].value;
			break;
		}
	if (!strcmp(kind, "host"))
		*ret = *ret || differ(fqdn, sut_db_text(rows, 2));
	return 0;
}

static const char *word_of(const char *kind)
{
	return !strcmp(kind, "machine") ? "machine-id"
	       : !strcmp(kind, "fqdn")	? "fqdn"
	       : !strcmp(kind, "host")	? "hostname"
	       : !strcmp(kind, "mac")	? "mac"
					: "ip";
}

static int by_names(struct sut_db *db, int64_t tenant, const struct host_facts *f,
		    const struct names *l, enum match_scope scope, int64_t except, int64_t *ret,
		    const char **ret_by, struct sut_err *err)
{
	static const char *const sql[] = {
		"SELECT DISTINCT h.id FROM host_names n JOIN hosts h ON h.id = n.host"
		" WHERE n.tenant = $1 AND n.kind = 'machine' AND n.value = $2" SCOPE,
		"SELECT DISTINCT h.id FROM host_names n JOIN hosts h ON h.id = n.host"
		" WHERE n.tenant = $1 AND n.kind = 'fqdn' AND n.value = $2" SCOPE,
		"SELECT DISTINCT h.id FROM host_names n JOIN hosts h ON h.id = n.host"
		" WHERE n.tenant = $1 AND n.kind = 'host' AND n.value = $2" SCOPE,
		"SELECT DISTINCT h.id FROM host_names n JOIN hosts h ON h.id = n.host"
		" WHERE n.tenant = $1 AND n.kind = 'mac' AND n.value = $2" SCOPE,
		"SELECT DISTINCT h.id FROM host_names n JOIN hosts h ON h.id = n.host"
		" WHERE n.tenant = $1 AND n.kind = 'ip' AND n.value = $2" SCOPE,
	};
	static const char *const kinds[] = {"machine", "fqdn", "host", "mac", "ip"};

	for (size_t i = 0; i < l->n; i++) {
		bool other = false;
		size_t k = 0;
		int r;

		while (strcmp(kinds[k], l->v[i].kind) != 0)
			k++;
		r = by_column(db, sql[k], tenant, l->v[i].value, scope, except, ret, err);
		if (r > 0 && k > 0)
			r = contradicts(db, tenant, *ret, f, l, l->v[i].kind, &other, err) < 0
				    ? -EIO
				    : !other;
		if (r == 0)
			continue;
		if (r > 0)
			*ret_by = word_of(l->v[i].kind);
		return r;
	}
	return 0;
}

int host_match(struct sut_db *db, int64_t tenant, const struct host_facts *f,
	       enum match_scope scope, int64_t except, int64_t *ret, const char **ret_by,
	       struct sut_err *err)
{
	static const char by_system[] =
		"SELECT h.id FROM hosts h WHERE h.tenant = $1 AND h.system_id = $2" SCOPE;
	static const char by_external[] =
		"SELECT h.id FROM hosts h WHERE h.tenant = $1 AND h.external_id = $2" SCOPE;
	_cleanup_(sut_freep) struct names *l = names_of(f);
	int64_t id = 0;
	int r = 0;

	if (!l)
		return sut_err_oom(err);
	if (f->system_id && *f->system_id) {
		r = by_column(db, by_system, tenant, f->system_id, scope, except, &id, err);
		if (r > 0)
			*ret_by = "system-id";
	}
	if (r == 0 && f->external_id && *f->external_id) {
		r = by_column(db, by_external, tenant, f->external_id, scope, except, &id, err);
		if (r > 0)
			*ret_by = "external-id";
	}
	if (r == 0)
		r = by_names(db, tenant, f, l, scope, except, &id, ret_by, err);
	if (r > 0)
		*ret = id;
	return r;
}

int host_named(struct sut_db *db, int64_t tenant, const char *text,
	       char ret[static SUT_UID_LEN + 1], struct sut_err *err)
{
	/* One after the other: together they would contradict each other. */
	const struct host_facts meant[] = {
		{.system_id = text},
		{.external_id = text},
		{.fqdn = text, .hostname = text, .addresses = &text, .naddresses = 1},
	};
	_cleanup_rows_ struct sut_db_rows *row = NULL;
	const char *by;
	int64_t id = 0;
	int r = sut_db_one(db, "SELECT id FROM hosts WHERE tenant = $1 AND uid = $2",
			   SUT_DB_ARGS(SUT_DB_I(tenant), SUT_DB_T(text)), &row, err);

	if (r > 0)
		id = sut_db_int(row, 0);
	for (size_t i = 0; r == 0 && i < SUT_ARRAY_SIZE(meant); i++)
		r = host_match(db, tenant, &meant[i], MATCH_ALL, 0, &id, &by, err);
	sut_db_rows_freep(&row);
	if (r > 0)
		r = sut_db_one(db, "SELECT uid FROM hosts WHERE id = $1", SUT_DB_ARGS(SUT_DB_I(id)),
			       &row, err);
	if (r > 0)
		(void)snprintf(ret, SUT_UID_LEN + 1, "%s", sut_db_text(row, 0));
	return r;
}

int host_set_names(struct sut_db *db, int64_t tenant, int64_t host, const char *origin,
		   const struct host_facts *f, struct sut_err *err)
{
	_cleanup_(sut_freep) struct names *l = names_of(f);
	int r = l ? sut_db_exec(db, "DELETE FROM host_names WHERE host = $1 AND origin = $2",
				SUT_DB_ARGS(SUT_DB_I(host), SUT_DB_T(origin)), NULL, err)
		  : sut_err_oom(err);

	for (size_t i = 0; l && r >= 0 && i < l->n; i++)
		r = sut_db_exec(db,
				"INSERT INTO host_names (tenant, kind, value, host, origin)"
				" VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
				SUT_DB_ARGS(SUT_DB_I(tenant), SUT_DB_T(l->v[i].kind),
					    SUT_DB_T(l->v[i].value), SUT_DB_I(host),
					    SUT_DB_T(origin)),
				NULL, err);
	return r;
}
