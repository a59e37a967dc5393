// SPDX-License-Identifier: Apache-2.0
/* /v1/enrolments: servers that are to be protected; the line to paste on them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "api/api.h"
#include "auth/token.h"
#include "base/secret.h"
#include "base/str.h"
#include "crypto/machine_id.h"
#include "install/install.h"
#include "link/keys.h"
#include "link/relay.h"

enum { COMMAND_MAX = 4096, ADDRESSES_MAX = 64, EXTERNAL_MAX = 255 };

struct request {
	const char *key, *hostname, *external_id, *machine_id, *product_uuid, *fqdn, *distribution,
		*release, *arch;
	json_t *addresses;
};

static int take(struct web_req *q, struct web_resp *r, struct request *e)
{
	const struct web_field fields[] = {
		{"key", WEB_T_STRING, WEB_REQUIRED, 0, SUT_UID_LEN, &e->key, NULL},
		{"hostname", WEB_T_STRING, 0, 0, 253, &e->hostname, NULL},
		{"external_id", WEB_T_STRING, WEB_NULLABLE, 0, EXTERNAL_MAX, &e->external_id, NULL},
		{"machine_id", WEB_T_STRING, WEB_NULLABLE, 0, 64, &e->machine_id, NULL},
		{"product_uuid", WEB_T_STRING, WEB_NULLABLE, 0, 64, &e->product_uuid, NULL},
		{"fqdn", WEB_T_STRING, WEB_NULLABLE, 0, 253, &e->fqdn, NULL},
		{"addresses", WEB_T_ARRAY, 0, 0, ADDRESSES_MAX, &e->addresses, NULL},
		{"distribution", WEB_T_STRING, WEB_NULLABLE, 0, 128, &e->distribution, NULL},
		{"release", WEB_T_STRING, WEB_NULLABLE, 0, 128, &e->release, NULL},
		{"arch", WEB_T_STRING, WEB_NULLABLE, 0, 32, &e->arch, NULL},
	};
	char hashed[SUT_MACHINE_ID];
	int x = WEB_TAKE(q, r, fields);

	if (x)
		return x;
	if (e->machine_id && sut_machine_id(e->machine_id, hashed) < 0)
		return web_bad_field(
			r, "/machine_id",
			"is not what stands in /etc/machine-id: 32 hexadecimal digits");
	if (e->machine_id && !e->hostname)
		return web_bad_field(r, "/hostname", "is missing: a system has a name");
	return 0;
}

/* --- the line to paste --- */

/* 'TEXT' for a shell, bare when there is nothing to quote. */
static int quote(struct sut_buf *b, const char *text)
{
	int r;

	if (sut_is_token(text, 1024, "._:/-@%+="))
		return sut_buf_addstr(b, text);
	r = sut_buf_addstr(b, "'");
	for (; *text && r == 0; text++)
		r = *text == '\'' ? sut_buf_addstr(b, "'\\''") : sut_buf_add(b, text, 1);
	return r < 0 ? r : sut_buf_addstr(b, "'");
}

/*
 * Of a console that does not know its own address: the portal's. printf is the shell's own: the key stands in no command
 * line that others see.
 */
static int command_of(const struct link *l, const struct link_key *k, const char *external_id,
		      struct sut_buf *b, struct sut_err *err)
{
	int r;

	if (k->customer) {
		r = sut_buf_addstr(b, "sudo suture register --portal ");
		r = r < 0 ? r : quote(b, l->url);
		r = r < 0 ? r : sut_buf_addstr(b, " --customer-id ");
		r = r < 0 ? r : quote(b, sut_buf_str(&k->secret));
		r = r < 0 ? r : sut_buf_addstr(b, " --external-id ");
		r = r < 0 ? r : quote(b, external_id);
	} else {
		r = sut_buf_addf(b, "printf %%s %s | curl -fsS --data-binary @- %s/install | sudo ",
				 sut_buf_str(&k->secret), l->url);
		r = r < 0 ? r : sut_buf_addstr(b, "SUTURE_EXTERNAL_ID=");
		r = r < 0 ? r : quote(b, external_id);
		r = r < 0 ? r : sut_buf_addstr(b, " sh");
	}
	return r < 0 ? sut_err_oom(err) : 0;
}

static int read_key(struct web_req *q, struct web_resp *r, const char *uid, struct link_key *k,
		    struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int x = link_key_read(console_of(q->server), q->db, q->who.tenant, uid, k, err);

	if (x)
		return x < 0 ? x : 0;
	x = sut_db_one(q->db, "SELECT 1 FROM keys WHERE tenant = $1 AND uid = $2",
		       SUT_DB_ARGS(SUT_DB_I(q->who.tenant), SUT_DB_T(uid)), &rows, err);
	if (x < 0)
		return x;
	if (x)
		return web_problem(r, 409, "key-revoked",
				   "The key was revoked: make another, or choose one that is good");
	return web_bad_field(r, "/key", "there is no such key here: see GET /v1/keys");
}

/* --- POST --- */

struct prepared {
	char external_id[EXTERNAL_MAX + 1];
	char system_id[SUT_UID_LEN + 1]; /* "": not yet */
	struct sut_buf command;		 /* secret */
};

static void prepared_free(void *data)
{
	struct prepared *p = data;

	sut_secret_release(&p->command);
	free(p);
}

static json_t *body_of(const struct request *e, const struct link_key *k, const char *external_id)
{
	char machine[SUT_MACHINE_ID];
	json_t *sys;

	if (sut_machine_id(e->machine_id, machine) < 0)
		return NULL;
	sys = json_pack("{s:s, s:s, s:s*, s:s*, s:s*, s:s*, s:s*}", "machine_id", machine,
			"hostname", e->hostname, "product_uuid", e->product_uuid, "fqdn", e->fqdn,
			"distribution", e->distribution, "release", e->release, "arch", e->arch);
	if (sys && json_array_size(e->addresses))
		(void)!json_object_set(sys, "addresses", e->addresses);
	return json_pack("{s:s, s:s, s:o}", k->customer ? "customer_id" : "key",
			 sut_buf_str(&k->secret), "external_id", external_id, "system", sys);
}

static int enrol_there(struct web_req *q, struct web_resp *r, const struct link *l,
		       const struct request *e, const struct link_key *k, struct prepared *p,
		       struct sut_err *err)
{
	_cleanup_answer_ struct link_answer a = {0};
	json_t *body = body_of(e, k, p->external_id);
	char idem[RELAY_KEY_MAX];
	const struct link_call call = {
		.method = "POST", .path = "/v1/enroll", .body = body, .idempotency = idem};
	const char *id;
	int x;

	if (!body)
		return sut_err_oom(err);
	relay_key(q, "enroll", idem);
	x = relay(q, r, l, &call, &a, err);
	json_decref(body);
	if (x)
		return x;
	id = json_string_value(json_object_get(a.json, "system_id"));
	if (!id || !sut_uid_ok(id))
		return sut_err_set(err, EBADMSG, "the portal enrolled a system without a name");
	(void)snprintf(p->system_id, sizeof(p->system_id), "%s", id);
	return 0;
}

/* A name of the platform's for a server that it does not give one: the same when the call is repeated. */
static void name_it(const struct web_req *q, const struct request *e, struct prepared *p)
{
	char key[RELAY_KEY_MAX];

	if (e->external_id) {
		(void)snprintf(p->external_id, sizeof(p->external_id), "%s", e->external_id);
		return;
	}
	relay_key(q, "name", key);
	(void)snprintf(p->external_id, sizeof(p->external_id), "console-%.16s",
		       key + strlen("console-"));
}

static void key_release(struct link_key *k)
{
	sut_secret_release(&k->secret);
}

static int create_prepare(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	_cleanup_(key_release) struct link_key k = {.secret = SUT_BUF_INIT(1024)};
	_cleanup_link_ struct link l = {0};
	struct request e = {0};
	struct prepared *p;
	int x = take(q, r, &e);

	if (x)
		return x;
	p = q->prepared = calloc(1, sizeof(*p));
	if (!p)
		return sut_err_oom(err);
	p->command = SUT_BUF_INIT(COMMAND_MAX);
	name_it(q, &e, p);
	x = relay_link(q, r, &l, err);
	if (!x)
		x = read_key(q, r, e.key, &k, err);
	if (!x)
		x = command_of(&l, &k, p->external_id, &p->command, err);
	if (!x && e.machine_id)
		x = enrol_there(q, r, &l, &e, &k, p, err);
	return x;
}

static json_t *enrolment_json(const struct sut_db_rows *row)
{
	const char *system_id = sut_db_text(row, 4);

	return json_pack("{s:s, s:s, s:s, s:s, s:s?, s:s, s:o, s:s, s:o}", "id",
			 sut_db_text(row, 1), "key", sut_db_text(row, 2), "external_id",
			 sut_db_text(row, 3), "hostname", sut_db_text(row, 5), "system_id",
			 system_id, "state", sut_db_text(row, 6), "created",
			 web_time(sut_db_int(row, 7)), "created_by", sut_db_text(row, 8), "seen",
			 web_time(sut_db_int(row, 9)));
}

#define SELECT                                                                                     \
	"SELECT id, uid, key_uid, external_id, system_id, hostname, state, created, created_by,"   \
	" seen FROM enrolments"

/* The same server announced twice is one. */
static int keep(struct web_req *q, const struct request *e, const struct prepared *p,
		struct sut_db_rows **ret, struct sut_err *err)
{
	char uid[SUT_UID_LEN + 1];
	int r = sut_uid_make(uid, err);

	if (r < 0)
		return r;
	r = sut_db_exec(
		q->db,
		"INSERT INTO enrolments (uid, tenant, key_uid, external_id, hostname, system_id,"
		" state, created, created_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
		" ON CONFLICT (tenant, external_id) DO UPDATE SET key_uid = $3,"
		" hostname = CASE WHEN $5 = '' THEN enrolments.hostname ELSE $5 END,"
		" system_id = COALESCE($6, enrolments.system_id),"
		" state = CASE WHEN enrolments.state = 'waiting' THEN $7 ELSE enrolments.state END",
		SUT_DB_ARGS(SUT_DB_T(uid), SUT_DB_I(q->who.tenant), SUT_DB_T(e->key),
			    SUT_DB_T(p->external_id), SUT_DB_T(e->hostname ? e->hostname : ""),
			    SUT_DB_T(*p->system_id ? p->system_id : NULL),
			    SUT_DB_T(*p->system_id ? "registered" : "waiting"), SUT_DB_I(q->now),
			    SUT_DB_T(q->who.name)),
		NULL, err);
	if (r < 0)
		return r;
	r = sut_db_one(q->db, SELECT " WHERE tenant = $1 AND external_id = $2",
		       SUT_DB_ARGS(SUT_DB_I(q->who.tenant), SUT_DB_T(p->external_id)), ret, err);
	return r > 0 ? 0 : r < 0 ? r : sut_err_set(err, EIO, "the enrolment is not there");
}

/* The console's own script also tells the agent where the console is, and whose jobs it takes. */
static int line_of(struct web_req *q, int64_t enrolment, const struct prepared *p, char **ret,
		   struct sut_err *err)
{
	struct sut_err why = {0};
	int r = install_command(q, enrolment, ret, &why);

	if (r != -EINVAL) {
		if (r < 0 && err)
			*err = why;
		return r;
	}
	*ret = strdup(sut_buf_str(&p->command));
	return *ret ? 0 : sut_err_oom(err);
}

static void wipe(char **s)
{
	if (*s)
		explicit_bzero(*s, strlen(*s));
	free(*s);
}

static int create(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	_cleanup_(wipe) char *line = NULL;
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	const struct prepared *p = q->prepared;
	struct request e = {0};
	json_t *j;
	int x = take(q, r, &e);

	if (!x)
		x = keep(q, &e, p, &rows, err);
	/* Its system is wanted on the page now, not in half a minute. */
	if (!x)
		x = link_want(q, q->who.tenant, err);
	if (!x)
		x = web_audit(q, "enrolment.create", "enrolment", sut_db_text(rows, 1),
			      json_pack("{s:s, s:s, s:s*}", "key", e.key, "external_id",
					p->external_id, "system_id",
					*p->system_id ? p->system_id : NULL),
			      err);
	if (!x)
		x = line_of(q, sut_db_int(rows, 0), p, &line, err);
	if (x)
		return x;
	j = enrolment_json(rows);
	if (!j || json_object_set_new(j, "command", json_string(line))) {
		json_decref(j);
		return sut_err_oom(err);
	}
	return web_created(r, j, err, "/v1/enrolments/%s", sut_db_text(rows, 1));
}

/* --- reading --- */

static int list(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	static const struct web_list list = {
		SELECT " WHERE tenant = $1 AND id < $2 ORDER BY id DESC LIMIT $3", 0,
		WEB_NEWEST_FIRST, enrolment_json};

	return web_list(q, r, &list, SUT_DB_ARGS(SUT_DB_I(q->who.tenant)), err);
}

static int get(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	static const char *const none[] = {NULL};
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int x = web_only_args(q, r, none);

	if (x)
		return x;
	x = sut_db_one(q->db, SELECT " WHERE tenant = $1 AND uid = $2",
		       SUT_DB_ARGS(SUT_DB_I(q->who.tenant), SUT_DB_T(q->params[0])), &rows, err);
	if (x <= 0)
		return x < 0 ? x : web_not_found(r, "enrolment", q->params[0]);
	return web_json(r, 200, enrolment_json(rows), err);
}

const struct web_route api_enrolments[] = {
	{"GET", "/v1/enrolments", SUT_ROLE_KEYS | SUT_ROLE_AUDITOR, 0, list, NULL, NULL, NULL},
	{"POST", "/v1/enrolments", SUT_ROLE_KEYS, WEB_WRITE | WEB_SECRET, create, create_prepare,
	 prepared_free, NULL},
	{"GET", "/v1/enrolments/{enrolment}", SUT_ROLE_KEYS | SUT_ROLE_AUDITOR, 0, get, NULL, NULL,
	 NULL},
	{0},
};
