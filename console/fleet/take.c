// SPDX-License-Identifier: Apache-2.0
/* A system as the portal tells it becomes a host. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "auth/token.h"
#include "base/str.h"
#include "base/utf8.h"
#include "crypto/digest.h"
#include "fleet/host.h"
#include "live/live.h"

enum { TEXT_MAX = 255, ADDRESSES_MAX = 64, JSON_MAX = 256 << 10, KEY_FACT = 56 };

/* What changes by itself, or by where a system calls from. */
static const char *const restless[] = {"checkin", "address", "last_pause_ns", "clone_suspect"};

int host_hash(const json_t *item, uint8_t ret[static HOST_HASH])
{
	json_t *copy = json_copy((json_t *)item);
	_cleanup_(sut_freep) char *text = NULL;
	char hex[SUT_DIGEST_HEX_MAX];

	for (size_t i = 0; copy && i < SUT_ARRAY_SIZE(restless); i++)
		(void)json_object_del(copy, restless[i]);
	text = copy ? json_dumps(copy, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
	json_decref(copy);
	if (!text || sut_digest_of(SUT_DIGEST_SHA256, text, strlen(text), hex, NULL) < 0)
		return -ENOMEM;
	return sut_unhex(hex, ret, HOST_HASH);
}

/* --- what it tells --- */

enum text {
	T_SYSTEM,
	T_EXTERNAL,
	T_MACHINE,
	T_HOST,
	T_FQDN,
	T_OS,
	T_ARCH,
	T_RELEASE,
	T_BUILD,
	T_KERNEL,
	T_PATCHSET,
	T_FEED,
	T_STATE,
	T_AGENT,
	T_BOOT,
	T_JOB_KEY,
	TEXTS
};

struct told {
	char *text[TEXTS];
	char *portal, *libraries, *tags, *addresses; /* JSON */
	const char *address[ADDRESSES_MAX];	     /* of the document */
	size_t naddresses;
	int64_t level, errors, registered, checkin, updated;
	bool silent;
};

static void told_release(struct told *t)
{
	for (int i = 0; i < TEXTS; i++)
		free(t->text[i]);
	free(t->portal);
	free(t->libraries);
	free(t->tags);
	free(t->addresses);
}

static char *take_text(const json_t *from, const char *name)
{
	const char *s = json_string_value(json_object_get(from, name));
	char *t = strndup(s ? s : "", TEXT_MAX);

	if (t)
		sut_make_printable(t, "");
	return t;
}

static int64_t take_int(const json_t *from, const char *name)
{
	int64_t v = json_integer_value(json_object_get(from, name));

	return v < 0 ? 0 : v > INT32_MAX ? INT32_MAX : v;
}

static int64_t take_time(const json_t *from, const char *name)
{
	const char *s = json_string_value(json_object_get(from, name));
	int64_t t = 0;

	return s && web_time_parse(s, &t) == 0 ? t : 0;
}

static char *take_json(const json_t *j, const char *otherwise)
{
	char *s = j ? json_dumps(j, JSON_COMPACT) : strdup(otherwise);

	if (s && strlen(s) > JSON_MAX) {
		free(s);
		s = strdup(otherwise);
	}
	return s;
}

static bool all_there(const struct told *t)
{
	for (int i = 0; i < TEXTS; i++)
		if (!t->text[i])
			return false;
	return t->portal && t->libraries && t->tags && t->addresses;
}

static int read_system(const json_t *j, struct told *t, struct sut_err *err)
{
	static const struct {
		enum text to;
		const char *in, *name;
	} texts[] = {
		{T_SYSTEM, NULL, "id"},		 {T_EXTERNAL, NULL, "external_id"},
		{T_MACHINE, NULL, "machine_id"}, {T_HOST, NULL, "hostname"},
		{T_FQDN, "facts", "fqdn"},	 {T_OS, "facts", "distribution"},
		{T_ARCH, "kernel", "arch"},	 {T_RELEASE, "kernel", "release"},
		{T_BUILD, "kernel", "build_id"}, {T_KERNEL, "kernel", "kernel_id"},
		{T_PATCHSET, NULL, "patchset"},	 {T_FEED, NULL, "feed"},
		{T_STATE, NULL, "state"},	 {T_AGENT, NULL, "agent"},
		{T_BOOT, NULL, "boot_id"},	 {T_JOB_KEY, "facts", "job_key"},
	};
	const json_t *facts = json_object_get(j, "facts"), *a, *list;
	json_t *good;
	size_t i;

	for (size_t k = 0; k < SUT_ARRAY_SIZE(texts); k++)
		t->text[texts[k].to] =
			take_text(texts[k].in ? json_object_get(j, texts[k].in) : j, texts[k].name);
	list = json_object_get(facts, "addresses");
	good = json_array();
	json_array_foreach((json_t *)list, i, a) {
		uint8_t bytes[sizeof(struct in6_addr)];
		const char *s = json_string_value(a);

		if (!s || t->naddresses >= ADDRESSES_MAX ||
		    (inet_pton(AF_INET, s, bytes) != 1 && inet_pton(AF_INET6, s, bytes) != 1))
			continue;
		t->address[t->naddresses++] = s;
		(void)!json_array_append(good, (json_t *)a);
	}
	t->portal = take_json(j, "{}");
	t->libraries = take_json(json_object_get(j, "libraries"), "[]");
	t->tags = take_json(json_object_get(j, "tags"), "{}");
	t->addresses = take_json(good, "[]");
	json_decref(good);
	if (!all_there(t))
		return sut_err_oom(err);
	if (!sut_uid_ok(t->text[T_SYSTEM]))
		return sut_err_reason(err, EBADMSG, "portal-away",
				      "the portal tells of a system without a System ID");
	if (strlen(t->text[T_JOB_KEY]) != KEY_FACT)
		t->text[T_JOB_KEY][0] = '\0';
	t->level = take_int(j, "level");
	t->errors = take_int(j, "errors");
	t->registered = take_time(j, "registered");
	t->checkin = take_time(j, "checkin");
	t->updated = take_time(j, "updated");
	t->silent = json_is_true(json_object_get(j, "silent"));
	return 0;
}

/* --- what it was before --- */

struct before {
	int64_t id;
	char uid[SUT_UID_LEN + 1];
	bool registered; /* as this system */
	bool silent;
	int64_t level;
	char state[32], boot[80], release[TEXT_MAX + 1], patchset[TEXT_MAX + 1];
};

static void copy(char *to, size_t size, const char *from)
{
	(void)snprintf(to, size, "%s", from ? from : "");
}

static int read_before(struct sut_db *db, int64_t tenant, int64_t id, struct before *b,
		       struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int r = sut_db_one(
		db,
		"SELECT system_id, silent, level, state, boot_id, kernel_release, patchset, uid"
		" FROM hosts WHERE tenant = $1 AND id = $2",
		SUT_DB_ARGS(SUT_DB_I(tenant), SUT_DB_I(id)), &rows, err);

	if (r <= 0)
		return r < 0 ? r : sut_err_set(err, EAGAIN, "the host is gone again");
	b->id = id;
	b->registered = !sut_db_is_null(rows, 0);
	b->silent = sut_db_int(rows, 1);
	b->level = sut_db_int(rows, 2);
	copy(b->state, sizeof(b->state), sut_db_text(rows, 3));
	copy(b->boot, sizeof(b->boot), sut_db_text(rows, 4));
	copy(b->release, sizeof(b->release), sut_db_text(rows, 5));
	copy(b->patchset, sizeof(b->patchset), sut_db_text(rows, 6));
	copy(b->uid, sizeof(b->uid), sut_db_text(rows, 7));
	return 0;
}

static int make_row(struct web_req *q, int64_t *ret, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	char uid[SUT_UID_LEN + 1];
	int r = sut_uid_make(uid, err);

	if (r == 0)
		r = sut_db_one(
			q->db,
			"INSERT INTO hosts (uid, tenant, created, updated)"
			" VALUES ($1, $2, $3, $3) RETURNING id",
			SUT_DB_ARGS(SUT_DB_T(uid), SUT_DB_I(q->who.tenant), SUT_DB_I(q->now)),
			&rows, err);
	if (r > 0)
		*ret = sut_db_int(rows, 0);
	return r < 0 ? r : 0;
}

/* The row that it is, or is to be. */
static int find_row(struct web_req *q, const struct host_facts *f, struct before *b,
		    const char **ret_by, struct sut_err *err)
{
	const struct host_facts only = {.system_id = f->system_id};
	int64_t id = 0;
	int r = host_match(q->db, q->who.tenant, &only, MATCH_ALL, 0, &id, ret_by, err);

	if (r == 0) {
		r = host_match(q->db, q->who.tenant, f, MATCH_UNREGISTERED, 0, &id, ret_by, err);
		if (r == 0)
			r = make_row(q, &id, err);
	} else {
		*ret_by = NULL;
	}
	return r < 0 ? r : read_before(q->db, q->who.tenant, id, b, err);
}

static int write_row(struct web_req *q, const struct told *t, const struct before *b,
		     const uint8_t *hash, const char *by, struct sut_err *err)
{
	char *const *x = t->text;

	return sut_db_exec(
		q->db,
		"UPDATE hosts SET system_id = $3, external_id = $4, machine_id = $5, hostname = $6,"
		" fqdn = $7, addresses = $8, os = CASE WHEN $9 = '' THEN os ELSE $9 END, arch = $10,"
		/* Another kernel: what its package is called is not known yet. */
		" package_version = CASE WHEN build_id = $12 THEN package_version ELSE '' END,"
		" kernel_release = $11, build_id = $12, kernel_id = $13, level = $14,"
		" patchset = $15, feed = $16, state = $17, silent = $18, errors = $19, agent = $20,"
		" boot_id = $21, registered = $22, last_seen = $23, gone = NULL, portal = $24,"
		" portal_hash = $25, libraries = $26, job_key = $27, tags = $28,"
		" matched_by = CASE WHEN CAST($29 AS TEXT) IS NULL THEN matched_by ELSE $29 END,"
		" updated = $30, version = version + 1 WHERE tenant = $1 AND id = $2",
		SUT_DB_ARGS(SUT_DB_I(q->who.tenant), SUT_DB_I(b->id), SUT_DB_T(x[T_SYSTEM]),
			    SUT_DB_T(*x[T_EXTERNAL] ? x[T_EXTERNAL] : NULL), SUT_DB_T(x[T_MACHINE]),
			    SUT_DB_T(x[T_HOST]), SUT_DB_T(x[T_FQDN]), SUT_DB_T(t->addresses),
			    SUT_DB_T(x[T_OS]), SUT_DB_T(x[T_ARCH]), SUT_DB_T(x[T_RELEASE]),
			    SUT_DB_T(x[T_BUILD]), SUT_DB_T(x[T_KERNEL]), SUT_DB_I(t->level),
			    SUT_DB_T(x[T_PATCHSET]), SUT_DB_T(x[T_FEED]), SUT_DB_T(x[T_STATE]),
			    SUT_DB_I(t->silent), SUT_DB_I(t->errors), SUT_DB_T(x[T_AGENT]),
			    SUT_DB_T(x[T_BOOT]), SUT_DB_I_IF(t->registered, t->registered),
			    SUT_DB_I_IF(t->checkin, t->checkin), SUT_DB_T(t->portal),
			    SUT_DB_B(hash, HOST_HASH), SUT_DB_T(t->libraries),
			    SUT_DB_T(x[T_JOB_KEY]), SUT_DB_T(t->tags), SUT_DB_T(by),
			    SUT_DB_I(q->now)),
		NULL, err);
}

/* --- what changed --- */

/* Of webhooks. */
static int tell(struct web_req *q, const struct told *t, const char *type, struct sut_err *err)
{
	return web_event(q, q->who.tenant, type,
			 json_pack("{s:s, s:s, s:s*, s:s, s:I, s:s}", "system", t->text[T_SYSTEM],
				   "hostname", t->text[T_HOST], "external_id",
				   *t->text[T_EXTERNAL] ? t->text[T_EXTERNAL] : NULL, "state",
				   t->text[T_STATE], "level", (json_int_t)t->level, "patchset",
				   t->text[T_PATCHSET]),
			 err);
}

static int note(struct web_req *q, const struct told *t, const struct before *b, const char *kind,
		const char *text, json_t *data, struct sut_err *err)
{
	/* When it happened, as far as is known. */
	int64_t at = t->updated > 0 && t->updated <= q->now ? t->updated : q->now;

	return host_event(q->db, q->who.tenant, b->id, at, kind, text, data, err);
}

static int note_level(struct web_req *q, const struct told *t, const struct before *b,
		      struct sut_err *err)
{
	char text[2 * TEXT_MAX + 128];
	int r;

	if (t->level == b->level && !strcmp(t->text[T_PATCHSET], b->patchset))
		return 0;
	if (!t->level)
		(void)snprintf(text, sizeof(text), "Runs no live patch any more; it was level %lld",
			       (long long)b->level);
	else
		(void)snprintf(text, sizeof(text),
			       "Runs level %lld (%s) of the kernel's live patch",
			       (long long)t->level, t->text[T_PATCHSET]);
	r = note(q, t, b, "level", text,
		 json_pack("{s:I, s:I, s:s, s:s}", "from", (json_int_t)b->level, "to",
			   (json_int_t)t->level, "from_patchset", b->patchset, "patchset",
			   t->text[T_PATCHSET]),
		 err);
	return r < 0 ? r : tell(q, t, "system.level", err);
}

static int note_changes(struct web_req *q, const struct told *t, const struct before *b,
			struct sut_err *err)
{
	char text[2 * TEXT_MAX + 128];
	int r = 0;

	if (!b->registered) {
		(void)snprintf(text, sizeof(text), "Registered at the portal as %s",
			       t->text[T_SYSTEM]);
		r = host_event(q->db, q->who.tenant, b->id, t->registered ? t->registered : q->now,
			       "registered", text,
			       json_pack("{s:s}", "system_id", t->text[T_SYSTEM]), err);
		if (r == 0)
			r = tell(q, t, "system.registered", err);
	}
	if (r == 0 && *b->boot && *t->text[T_BOOT] && strcmp(b->boot, t->text[T_BOOT]) != 0) {
		(void)snprintf(text, sizeof(text), "Booted %s", t->text[T_RELEASE]);
		r = note(q, t, b, "boot", text,
			 json_pack("{s:s, s:s}", "from", b->release, "to", t->text[T_RELEASE]),
			 err);
	}
	if (r == 0)
		r = note_level(q, t, b, err);
	if (r == 0 && strcmp(b->state, t->text[T_STATE]) != 0 && *b->state) {
		(void)snprintf(text, sizeof(text), "From %s to %s", b->state, t->text[T_STATE]);
		r = note(q, t, b, "state", text,
			 json_pack("{s:s, s:s}", "from", b->state, "to", t->text[T_STATE]), err);
	}
	if (r == 0 && b->registered && b->silent != t->silent) {
		r = host_event(q->db, q->who.tenant, b->id, q->now, t->silent ? "silent" : "back",
			       t->silent ? "Has not called the portal for a day"
					 : "Calls the portal again",
			       NULL, err);
		if (r == 0)
			r = tell(q, t, t->silent ? "system.silent" : "system.back", err);
	}
	return r;
}

/* A host of scans that can only be this one. */
static int absorb(struct web_req *q, const struct host_facts *f, int64_t id, struct sut_err *err)
{
	const struct host_facts sure = {.external_id = f->external_id, .machine_id = f->machine_id};
	const char *by = NULL;
	int64_t other = 0;
	int r = host_match(q->db, q->who.tenant, &sure, MATCH_UNREGISTERED, id, &other, &by, err);

	return r > 0 ? host_merge(q, id, other, by, err) : r;
}

int host_take(struct web_req *q, const json_t *sys, const uint8_t hash[static HOST_HASH],
	      int64_t *ret, struct sut_err *err)
{
	_cleanup_(told_release) struct told t = {0};
	struct before b = {0};
	const char *by = NULL;
	int r = read_system(sys, &t, err);
	const struct host_facts f = {
		.system_id = t.text[T_SYSTEM],
		.external_id = t.text[T_EXTERNAL],
		.machine_id = t.text[T_MACHINE],
		.fqdn = t.text[T_FQDN],
		.hostname = t.text[T_HOST],
		.addresses = t.address,
		.naddresses = t.naddresses,
	};

	if (r == 0)
		r = find_row(q, &f, &b, &by, err);
	if (r == 0)
		r = write_row(q, &t, &b, hash, by, err);
	if (r == 0)
		r = host_set_names(q->db, q->who.tenant, b.id, "portal", &f, err);
	if (r == 0)
		r = note_changes(q, &t, &b, err);
	if (r == 0)
		r = absorb(q, &f, b.id, err);
	if (r == 0)
		r = live_tell(q->db, q->who.tenant, q->now, "system", b.uid, err);
	if (r < 0)
		return r;
	*ret = b.id;
	return 0;
}
