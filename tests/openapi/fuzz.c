// SPDX-License-Identifier: Apache-2.0
/*
 * Random requests to a running portal, made from docs/formats/openapi.json: good ones, and such in which values,
 * arguments, headers, bodies, methods and tokens are not what they should be.
 *
 *   fuzz URL FILE_WITH_A_STAFF_TOKEN SOURCE_TREE [SECONDS [SEED]]
 *
 * Whatever is asked: no 5xx, errors are documented problems, good answers fit their schemas, and the portal
 * stays well. The same seed makes the same requests. Prints "ok NAME", or what is wrong and "not ok NAME".
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/str.h"
#include "http/http.h"
#include "schema.h"
#include "world.h"

enum { MEND_EVERY = 1000, BAD_MAX = 20 };

struct fuzz {
	struct client c;
	struct world w;
	struct operation *ops;
	size_t nops;
	uint64_t random;
	unsigned int status[6]; /* answers by hundreds */
};

static size_t below(struct fuzz *f, size_t n)
{
	return n ? schema_random(&f->random) % n : 0;
}

static bool one_in(struct fuzz *f, size_t n)
{
	return below(f, n) == 0;
}

static const json_t *any_schema(const json_t *holder)
{
	const json_t *s = json_object_get(holder, "schema");

	return s ? s : json_true();
}

/* A text: what the schema wants, or something else. To be freed. */
static char *text(struct fuzz *f, const json_t *schema)
{
	json_t *v = one_in(f, 3) ? schema_spoil(f->c.doc, schema, &f->random)
				 : schema_make(f->c.doc, schema, &f->random);
	char *s = json_is_string(v) ? strdup(json_string_value(v))
				    : json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT);

	json_decref(v);
	return s ? s : strdup("");
}

static void random_bytes(struct fuzz *f, struct sut_buf *b, size_t max)
{
	size_t n = below(f, max);

	for (size_t i = 0; i < n; i++) {
		uint8_t c = (uint8_t)schema_random(&f->random);

		if (sut_buf_add(b, &c, 1) < 0)
			return;
	}
}

/* --- the parts of a request --- */

static json_t *values(struct fuzz *f, const struct operation *op)
{
	const struct world_tenant *t = one_in(f, 4) ? &f->w.b : &f->w.a;
	json_t *v = world_values(&f->w, t);
	const char *name;
	json_t *old;
	void *next;

	json_object_foreach_safe(v, next, name, old)
	{
		_cleanup_(sut_freep) char *odd = NULL;

		if (!one_in(f, 6) || !operation_names(op, name) || json_is_integer(old))
			continue;
		odd = text(f, json_true());
		/* libcurl takes no NUL, and an empty part is another path. */
		json_object_set_new(v, name, json_string(odd[0] ? odd : "-"));
	}
	/* The tenants themselves are needed. */
	if (operation_names(op, "tenant") && !sut_streq(op->method, "GET"))
		json_object_set_new(v, "tenant", json_string("nobody"));
	return v;
}

static char *query(struct fuzz *f, const struct operation *op)
{
	struct sut_buf b = SUT_BUF_INIT(3000);
	const json_t *p;
	size_t i;

	json_array_foreach(json_object_get(op->json, "parameters"), i, p) {
		_cleanup_(sut_freep) char *value = NULL, *quoted = NULL;

		p = schema_deref(f->c.doc, p);
		if (!sut_streq(json_string_value(json_object_get(p, "in")), "query") ||
		    !one_in(f, 3))
			continue;
		value = text(f, any_schema(p));
		quoted = one_in(f, 30) ? strdup("%zz") : sut_http_quote(value);
		if (quoted &&
		    sut_buf_addf(&b, "%s%s=%s", b.len ? "&" : "",
				 json_string_value(json_object_get(p, "name")), quoted) < 0)
			break;
	}
	if (one_in(f, 20))
		(void)!sut_buf_addf(&b, "%ssurprise=1", b.len ? "&" : "");
	return (char *)b.data;
}

static char *header(struct fuzz *f)
{
	static const char *const names[] = {
		"If-Match",	     "If-None-Match",	"Idempotency-Key",
		"Suture-Tenant",     "Range",		"Accept",
		"Accept-Encoding",   "X-Forwarded-For", "Content-Encoding",
		"If-Modified-Since", "X-Request-Id",	"Cookie"};
	static const char *const good[] = {
		"\"v1\"", "*",	  "once",    "fox",	 "bytes=0-10",
		"*/*",	  "gzip", "1.2.3.4", "identity", "Mon, 01 Jan 2024 00:00:00 GMT",
		"x",	  "a=b"};
	size_t k = below(f, SUT_ARRAY_SIZE(names));
	_cleanup_(sut_freep) char *odd = NULL;

	if (one_in(f, 2))
		return sut_sprintf("%s: %s", names[k], good[k]);
	odd = text(f, json_true());
	/* One header is not several. */
	for (char *s = odd; *s; s++)
		if (*s == '\n' || *s == '\r')
			*s = ' ';
	return sut_sprintf("%s: %s", names[k], odd);
}

static const char *token(struct fuzz *f, const struct operation *op)
{
	const struct world_tenant *t = one_in(f, 5) ? &f->w.b : &f->w.a;

	switch (below(f, 12)) {
	case 0:
		return NULL;
	case 1:
		return "sutapi_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG";
	case 2:
		return t->credential;
	case 3:
	case 4:
		return f->w.staff;
	case 5:
		return world_token(t, world_roles[below(f, WORLD_ROLES)]);
	default:
		return operation_role(op, "agent")   ? t->credential
		       : operation_flag(op, "staff") ? f->w.staff
						     : world_token(t, "admin");
	}
}

/* One character of a good text is not what it was. */
static void mutate(struct fuzz *f, struct sut_buf *b)
{
	for (size_t n = 1 + below(f, 4); b->len && n; n--)
		b->data[below(f, b->len)] = (uint8_t)schema_random(&f->random);
}

static void body(struct fuzz *f, const struct operation *op, struct sut_buf *b)
{
	const json_t *schema = operation_body(&f->c, op);
	_cleanup_(sut_freep) char *s = NULL;
	json_t *v = NULL;

	if (one_in(f, 25)) {
		random_bytes(f, b, 2000);
		return;
	}
	if (!schema) {
		if (json_object_get(op->json, "requestBody"))
			random_bytes(f, b, 200);
		return;
	}
	v = one_in(f, 2) ? schema_make(f->c.doc, schema, &f->random)
			 : schema_spoil(f->c.doc, schema, &f->random);
	if (json_is_object(v) && json_object_get(v, "key") && one_in(f, 2))
		json_object_set_new(v, "key", json_string(f->w.a.key));
	if (json_is_object(v) && json_object_get(v, "patchset") && one_in(f, 2))
		json_object_set(v, "patchset", json_object_get(f->w.common, "patchset"));
	s = v ? json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
	json_decref(v);
	if (s && sut_buf_addstr(b, s) == 0 && one_in(f, 15))
		mutate(f, b);
}

/* --- one request --- */

static void judge(struct fuzz *f, const struct operation *op, const struct request *q,
		  const struct answer *a, bool as_described)
{
	f->status[a->status / 100 % 6]++;
	if (a->status >= 500) {
		/* The portal may be busy, and says when to come back. */
		if (a->status != 503 || !sut_streq(answer_code(a), "busy"))
			client_blame(&f->c, q, a, "a mistake of the portal");
		return;
	}
	if (as_described)
		client_conforms(&f->c, op, q, a);
	else if (a->status >= 400)
		client_is_problem(&f->c, q, a);
}

static void once(struct fuzz *f)
{
	static const char *const methods[] = {"GET",	 "POST",  "PUT",  "PATCH",   "DELETE",
					      "OPTIONS", "TRACE", "BREW", "PROPFIND"};
	const struct operation *op = &f->ops[below(f, f->nops)];
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(1 << 20);
	_cleanup_(answer_release) struct answer a = {0};
	_cleanup_(sut_freep) char *target = NULL, *args = NULL, *more = NULL;
	json_t *v = values(f, op);
	bool as_described = true;
	struct request q = {.method = op->method};

	args = query(f, op);
	q.target = target = operation_target(&f->c, op, v, args);
	q.token = token(f, op);
	json_decref(v);
	if (one_in(f, 3))
		q.header = more = header(f);
	if (q.token == f->w.staff && one_in(f, 2))
		q.tenant = f->w.a.name;
	if (!sut_streq(op->method, "GET") && !sut_streq(op->method, "DELETE"))
		body(f, op, &b);
	if (one_in(f, 40)) {
		q.method = methods[below(f, SUT_ARRAY_SIZE(methods))];
		as_described = false;
	}
	/* A header may ask for 206, 304, 412 or 416 anywhere. */
	as_described &= !q.header;
	q.raw = b.data;
	q.len = b.len;
	if (b.len)
		q.type = one_in(f, 25) ? "text/plain" : "application/json";
	client_call(&f->c, &q, &a);
	judge(f, op, &q, &a, as_described);
}

static void still_well(struct fuzz *f)
{
	_cleanup_(answer_release) struct answer a = {0};
	struct request q = {.method = "GET", .target = "/healthz"};

	world_mend(&f->c, &f->w, &f->w.a);
	world_mend(&f->c, &f->w, &f->w.b);
	client_call(&f->c, &q, &a);
	if (a.status != 200)
		client_blame(&f->c, &q, &a, "the portal is not well");
}

int main(int argc, char **argv)
{
	struct sut_buf staff = SUT_BUF_INIT(256);
	struct fuzz f = {.random = 1};
	uint64_t seconds = 20, seed = 1;
	struct sut_err err = {0};
	unsigned int n = 0;
	time_t end;

	if (argc < 4 || argc > 6 || sut_file_read(argv[2], &staff, &err) < 0 ||
	    (argc > 4 && sut_parse_u64(argv[4], 1000000, &seconds) < 0) ||
	    (argc > 5 && sut_parse_u64(argv[5], UINT64_MAX, &seed) < 0)) {
		fprintf(stderr, "usage: fuzz URL TOKEN_FILE SOURCE_TREE [SECONDS [SEED]]\n%s\n",
			err.msg);
		return 64;
	}
	staff.data[strcspn((char *)staff.data, "\n")] = '\0';
	f.random = seed;
	client_open(&f.c, argv[1], argv[3], "openapi.json");
	f.nops = client_operations(&f.c, &f.ops);
	world_make(&f.c, (char *)staff.data, "fox", "hen", &f.w);
	end = time(NULL) + (time_t)seconds;
	for (; time(NULL) < end && f.c.bad < BAD_MAX; n++) {
		unsigned int bad = f.c.bad;

		once(&f);
		if (f.c.bad != bad)
			printf("    (request %u of seed %llu)\n", n, (unsigned long long)seed);
		if (n % MEND_EVERY == MEND_EVERY - 1)
			still_well(&f);
	}
	still_well(&f);
	printf("%s portal-fuzz/no-request-confuses-the-portal (%u requests, seed %llu: %u good, %u "
	       "refused)\n",
	       f.c.bad ? "not ok" : "ok", n, (unsigned long long)seed, f.status[2] + f.status[3],
	       f.status[4]);
	n = f.c.bad;
	free(f.ops);
	world_release(&f.w);
	client_close(&f.c);
	sut_buf_release(&staff);
	return n ? 1 : 0;
}
