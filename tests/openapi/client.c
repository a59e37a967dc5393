// SPDX-License-Identifier: Apache-2.0
#include "client.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "http/http.h"
#include "schema.h"

enum { ANSWER_MAX = 64 << 20, SHOWN_MAX = 300 };

static _Noreturn void die(const char *what, const char *why)
{
	printf("  %s: %s\n", what, why);
	exit(1);
}

static void read_codes(struct client *c, const char *root)
{
	_cleanup_(sut_freep) char *path = sut_sprintf("%s/docs/formats/problems.md", root);
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(1 << 20);
	struct sut_err err = {0};
	char *save = NULL;

	c->codes = json_object();
	if (!path || sut_file_read(path, &b, &err) < 0)
		die("problems.md", err.msg);
	for (char *line = strtok_r((char *)b.data, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		char code[64], status[32];

		if (sscanf(line, "| `%63[a-z0-9-]` | %31[0-9, ] |", code, status) == 2)
			json_object_set_new(c->codes, code, json_string(status));
	}
}

void client_open(struct client *c, const char *url, const char *root, const char *document)
{
	_cleanup_(sut_freep) char *path = sut_sprintf("%s/docs/formats/%s", root, document);
	const struct sut_http_opts opts = {.total_sec = 60, .ca_file = getenv("SUTURE_CA_FILE")};
	struct sut_err err = {0};
	json_error_t e;

	*c = (struct client){.url = strdup(url)};
	c->doc = path ? json_load_file(path, JSON_REJECT_DUPLICATES, &e) : NULL;
	if (!c->doc)
		die(document, e.text);
	read_codes(c, root);
	if (sut_http_new(&opts, &c->http, &err) < 0)
		die(url, err.msg);
}

void client_close(struct client *c)
{
	sut_http_free(c->http);
	json_decref(c->doc);
	json_decref(c->codes);
	free(c->url);
}

void client_complain(struct client *c, const char *fmt, ...)
{
	va_list ap;

	printf("  ");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
	c->bad++;
}

/* --- operations --- */

size_t client_operations(const struct client *c, struct operation **ret)
{
	static const char *const methods[][2] = {{"get", "GET"},
						 {"post", "POST"},
						 {"put", "PUT"},
						 {"patch", "PATCH"},
						 {"delete", "DELETE"}};
	const json_t *paths = json_object_get(c->doc, "paths"), *item;
	struct operation *v = calloc(json_object_size(paths) * 5 + 1, sizeof(*v));
	const char *path;
	size_t n = 0;

	if (!v)
		die("operations", "no memory");
	json_object_foreach((json_t *)paths, path, item) {
		for (size_t i = 0; i < SUT_ARRAY_SIZE(methods); i++) {
			const json_t *op = json_object_get(item, methods[i][0]);

			if (op)
				v[n++] = (struct operation){
					.id = json_string_value(json_object_get(op, "operationId")),
					.method = methods[i][1],
					.path = path,
					.json = op};
		}
	}
	*ret = v;
	return n;
}

static bool in_list(const json_t *list, const char *word)
{
	const json_t *e;
	size_t i;

	json_array_foreach(list, i, e) {
		if (sut_streq(json_string_value(e), word))
			return true;
	}
	return false;
}

bool operation_flag(const struct operation *op, const char *flag)
{
	return in_list(json_object_get(op->json, "x-suture-flags"), flag);
}

bool operation_role(const struct operation *op, const char *role)
{
	return in_list(json_object_get(op->json, "x-suture-roles"), role);
}

static const json_t *media(const struct operation *op)
{
	return json_object_get(json_object_get(json_object_get(op->json, "requestBody"), "content"),
			       "application/json");
}

const json_t *operation_body(const struct client *c, const struct operation *op)
{
	return schema_deref(c->doc, json_object_get(media(op), "schema"));
}

const json_t *operation_example(const struct client *c, const struct operation *op)
{
	const json_t *e = json_object_get(media(op), "example");

	return e ? e : json_array_get(json_object_get(operation_body(c, op), "examples"), 0);
}

bool operation_names(const struct operation *op, const char *name)
{
	char brace[80];

	snprintf(brace, sizeof(brace), "{%s}", name);
	return strstr(op->path, brace);
}

static const json_t *parameter(const struct client *c, const struct operation *op, const char *in,
			       const char *name)
{
	const json_t *p;
	size_t i;

	json_array_foreach(json_object_get(op->json, "parameters"), i, p) {
		p = schema_deref(c->doc, p);
		if (sut_streq(json_string_value(json_object_get(p, "in")), in) &&
		    sut_streq(json_string_value(json_object_get(p, "name")), name))
			return p;
	}
	return NULL;
}

bool operation_parameter(const struct client *c, const struct operation *op, const char *in,
			 const char *name)
{
	return parameter(c, op, in, name);
}

static char *value_of(const struct client *c, const struct operation *op, const json_t *values,
		      const char *name)
{
	const json_t *p = parameter(c, op, "path", name), *v = json_object_get(values, name);
	char number[32];
	const char *s;

	if (!v)
		v = json_object_get(p, "example");
	snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(v));
	s = json_is_string(v) ? json_string_value(v) : number;
	/* Its slashes stay what they are. */
	if (json_is_true(json_object_get(p, "x-suture-rest")) &&
	    !s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789./_-%")])
		return strdup(s);
	return sut_http_quote(s);
}

char *operation_target(const struct client *c, const struct operation *op, const json_t *values,
		       const char *query)
{
	struct sut_buf b = SUT_BUF_INIT(1 << 20);
	const char *s = op->path;
	int r = 0;

	while (*s && r == 0) {
		_cleanup_(sut_freep) char *name = NULL, *value = NULL;
		size_t n = strcspn(s, "{");

		r = sut_buf_add(&b, s, n);
		s += n;
		if (!*s || r < 0)
			break;
		name = strndup(s + 1, strcspn(s, "}") - 1);
		value = name ? value_of(c, op, values, name) : NULL;
		r = value ? sut_buf_addstr(&b, value) : -ENOMEM;
		s += strcspn(s, "}") + 1;
	}
	if (r == 0 && query)
		r = sut_buf_addf(&b, "?%s", query);
	if (r < 0)
		die(op->id, "the target cannot be made");
	return (char *)b.data;
}

/* --- calls --- */

void answer_release(struct answer *a)
{
	json_decref(a->json);
	sut_buf_release(&a->body);
	*a = (struct answer){0};
}

static void add(struct sut_strv *h, const char *name, const char *value)
{
	if (value && sut_strv_addf(h, "%s: %s", name, value) < 0)
		die(name, "no memory");
}

void client_call(struct client *c, const struct request *q, struct answer *ret)
{
	_cleanup_(sut_freep) char *url = sut_sprintf("%s%s", c->url, q->target),
				  *text = q->body ? json_dumps(q->body,
							       JSON_COMPACT | JSON_ENCODE_ANY)
						  : NULL,
				  *bearer = q->token ? sut_sprintf("Bearer %s", q->token) : NULL;
	struct sut_http_answer a = {.body = SUT_BUF_INIT(ANSWER_MAX)};
	_cleanup_strv_ struct sut_strv h = {0};
	const char *type = q->type;
	struct sut_err err = {0};
	int r;

	answer_release(ret);
	if (!type && text)
		type = "application/json";
	add(&h, "Authorization", bearer);
	add(&h, "Suture-Tenant", q->tenant);
	add(&h, "Content-Type", type);
	if (q->header && sut_strv_add(&h, q->header) < 0)
		die("header", "no memory");
	if (!type && q->raw && sut_strv_add(&h, "Content-Type:") < 0)
		die("header", "no memory");
	if (sut_strv_add(&h, "Expect:") < 0)
		die("header", "no memory");
	c->calls++;
	r = sut_http_request(c->http, q->method, url, (const char *const *)h.v,
			     text ? text : q->raw, text ? strlen(text) : q->len, &a, &err);
	if (r < 0) {
		client_complain(c, "%s %.200s: %s", q->method, q->target, err.msg);
		sut_buf_release(&a.body);
		if (r == -ECONNREFUSED)
			die("the portal", "it has ended");
		return;
	}
	ret->status = a.status;
	ret->body = a.body;
	snprintf(ret->type, sizeof(ret->type), "%s", a.type);
	ret->type[strcspn(ret->type, "; ")] = '\0';
	if (sut_endswith(ret->type, "json"))
		ret->json = json_loadb(sut_buf_str(&a.body), a.body.len, JSON_DECODE_ANY, NULL);
}

const char *answer_code(const struct answer *a)
{
	const char *code = json_string_value(json_object_get(a->json, "code"));

	return a->status >= 400 && code ? code : "";
}

void client_blame(struct client *c, const struct request *q, const struct answer *a,
		  const char *why)
{
	_cleanup_(sut_freep) char *body =
		q->body ? json_dumps(q->body, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;

	client_complain(c, "%s %.300s %.*s: %s\n    %d %s %.*s", q->method, q->target, SHOWN_MAX,
			body ? body : "", why, a->status, a->type, SHOWN_MAX,
			sut_buf_str(&a->body));
}

bool client_is_problem(struct client *c, const struct request *q, const struct answer *a)
{
	const char *known = json_string_value(json_object_get(c->codes, answer_code(a)));
	const json_t *schema = schema_ref(c->doc, "#/components/schemas/Problem");
	struct schema_error e;
	char status[8];

	snprintf(status, sizeof(status), "%d", a->status);
	if (!sut_streq(a->type, "application/problem+json") || !a->json)
		return client_blame(c, q, a, "it is no problem"), false;
	if (!schema_check(c->doc, schema, a->json, SCHEMA_STRICT, &e))
		return client_blame(c, q, a, e.text), false;
	if (json_integer_value(json_object_get(a->json, "status")) != a->status)
		return client_blame(c, q, a, "it names another status"), false;
	if (!known || !strstr(known, status))
		return client_blame(c, q, a, "problems.md has no such code with this status"),
		       false;
	return true;
}

bool client_conforms(struct client *c, const struct operation *op, const struct request *q,
		     const struct answer *a)
{
	const json_t *response, *content, *m;
	struct schema_error e;
	char status[16], why[900];

	if (!a->status)
		return false; /* said already */
	if (a->status >= 500)
		return client_blame(c, q, a, "a mistake of the portal"), false;
	snprintf(status, sizeof(status), "%d", a->status);
	response = schema_deref(c->doc,
				json_object_get(json_object_get(op->json, "responses"), status));
	content = json_object_get(response, "content");
	/* What a shell reads says no in its own words. */
	if (a->status >= 400 &&
	    (!json_object_get(content, a->type) || sut_endswith(a->type, "json")) &&
	    !client_is_problem(c, q, a))
		return false;
	if (!response)
		return client_blame(c, q, a, "the document has no such status"), false;
	if (a->status >= 400)
		return true;
	m = json_object_get(content, a->type);
	if (!content && !a->body.len)
		return true;
	if (!m)
		return client_blame(c, q, a, "the document has no such type of answer"), false;
	if (!sut_endswith(a->type, "json"))
		return true;
	if (!a->json)
		return client_blame(c, q, a, "it is no JSON"), false;
	if (schema_check(c->doc, json_object_get(m, "schema"), a->json, SCHEMA_STRICT, &e))
		return true;
	snprintf(why, sizeof(why), "at '%s': %s", e.pointer, e.text);
	return client_blame(c, q, a, why), false;
}

json_t *client_must(struct client *c, const struct request *q)
{
	struct answer a = {0};
	json_t *json;

	client_call(c, q, &a);
	if (a.status < 200 || a.status > 299) {
		client_blame(c, q, &a, "the tests need this to work");
		exit(1);
	}
	json = json_incref(a.json);
	answer_release(&a);
	return json;
}
