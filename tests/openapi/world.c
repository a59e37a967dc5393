// SPDX-License-Identifier: Apache-2.0
#include "world.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "schema.h"

const char *const world_roles[] = {"viewer",  "operator", "release-manager", "key-manager", "admin",
				   "auditor", NULL};

static const char changelog[] = "linux (6.1.99-1) bookworm; urgency=medium\n\n"
				"  * af_unix: a fix of the tests (CVE-2026-52928)\n"
				"  * another one (CVE-2024-26923)\n\n"
				" -- A B <a@example.org>  Mon, 01 Jan 2024 00:00:00 +0000\n";

static char *text_of(const json_t *json, const char *name)
{
	const char *s = json_string_value(json_object_get(json, name));

	if (!s) {
		printf("  an answer of the portal has no '%s'\n", name);
		exit(1);
	}
	return strdup(s);
}

/* Makes something and remembers its id. */
static char *make(struct client *c, struct world *w, struct world_tenant *t, const char *path,
		  json_t *body, const char *field, json_t **ret)
{
	json_t *json = client_must(c, &(struct request){.method = "POST",
							.target = path,
							.token = w->staff,
							.tenant = t->name,
							.body = body});
	char *id = text_of(json, field);

	json_object_set_new(t->ids, id, json_true());
	if (ret)
		*ret = json;
	else
		json_decref(json);
	json_decref(body);
	return id;
}

static char *named(struct world *w, const struct world_tenant *t, const char *what)
{
	return sut_sprintf("%s-%s-%u", t->name, what, ++w->count);
}

char *world_enroll(struct client *c, struct world *w, struct world_tenant *t, char **ret_credential)
{
	_cleanup_(sut_freep) char *host = named(w, t, "host");
	json_t *body, *json;
	char *id;

	snprintf(w->machine, sizeof(w->machine), "machine-%s-%08u", t->name, w->count);
	body = json_pack("{s:s, s:s, s:{s:s, s:s, s:s, s:s}}", "key", t->key, "external_id", host,
			 "system", "machine_id", w->machine, "hostname", host, "release",
			 "6.1.0-47-cloud-amd64", "build_id",
			 "6d1c0f5f5e1c7f1bb6b9b7b0b3a6f6c1d2e3f405");
	json = client_must(
		c, &(struct request){.method = "POST", .target = "/v1/enroll", .body = body});
	id = text_of(json, "system_id");
	json_object_set_new(t->ids, id, json_true());
	if (ret_credential)
		*ret_credential = text_of(json, "credential");
	json_decref(body);
	json_decref(json);
	return id;
}

char *world_fresh(struct client *c, struct world *w, struct world_tenant *t, const char *parameter)
{
	_cleanup_(sut_freep) char *name = named(w, t, parameter), *url = NULL;
	json_t *body;

	if (sut_streq(parameter, "key"))
		return make(c, w, t, "/v1/keys",
			    json_pack("{s:s, s:{s:s}}", "note", name, "tags", "site", name), "id",
			    NULL);
	if (sut_streq(parameter, "system"))
		return world_enroll(c, w, t, NULL);
	if (sut_streq(parameter, "user"))
		return make(c, w, t, "/v1/users",
			    json_pack("{s:s, s:s, s:[s]}", "name", name, "title", name, "roles",
				      "viewer"),
			    "id", NULL);
	if (sut_streq(parameter, "token"))
		return make(c, w, t, "/v1/tokens",
			    json_pack("{s:s, s:s, s:[s]}", "name", name, "user",
				      json_string_value(json_object_get(t->values, "viewer")),
				      "roles", "viewer"),
			    "id", NULL);
	if (sut_streq(parameter, "webhook")) {
		url = sut_sprintf("https://%s.invalid/hook", name);
		return make(c, w, t, "/v1/webhooks",
			    json_pack("{s:s, s:s, s:b}", "url", url, "note", name, "active", 1),
			    "id", NULL);
	}
	if (sut_streq(parameter, "feed"))
		return make(c, w, t, "/v1/feeds",
			    json_pack("{s:s, s:s}", "name", name, "title", name), "name", NULL);
	if (sut_streq(parameter, "tenant")) {
		body = json_pack("{s:s}", "name", name);
		json_decref(client_must(c, &(struct request){.method = "POST",
							     .target = "/v1/tenants",
							     .token = w->staff,
							     .body = body}));
		json_decref(body);
		return sut_steal(name);
	}
	return NULL;
}

const char *world_token(const struct world_tenant *t, const char *role)
{
	return json_string_value(json_object_get(t->tokens, role));
}

json_t *world_values(const struct world *w, const struct world_tenant *t)
{
	json_t *all = json_copy(w->common);

	json_object_update(all, t->values);
	return all;
}

void world_role(struct client *c, struct world *w, struct world_tenant *t, const char *role)
{
	_cleanup_(sut_freep) char *name = named(w, t, role), *id = NULL, *token_id = NULL,
				  *token = NULL;
	json_t *json = NULL;

	id = make(c, w, t, "/v1/users",
		  json_pack("{s:s, s:s, s:[s], s:b}", "name", name, "title", name, "roles", role,
			    "service", 1),
		  "id", NULL);
	token_id = make(c, w, t, "/v1/tokens",
			json_pack("{s:s, s:s, s:[s]}", "name", name, "user", name, "roles", role),
			"id", &json);
	token = text_of(json, "token");
	json_object_set_new(t->tokens, role, json_string(token));
	json_object_set_new(t->values, role, json_string(name));
	json_decref(json);
}

/* A key and a system with it. */
static void make_system(struct client *c, struct world *w, struct world_tenant *t)
{
	_cleanup_(sut_freep) char *note = named(w, t, "key"), *id = NULL, *server = NULL;
	json_t *json = NULL;

	id = make(c, w, t, "/v1/keys",
		  json_pack("{s:s, s:{s:s}, s:s}", "note", note, "tags", "site", t->name, "feed",
			    json_string_value(json_object_get(t->values, "feed"))),
		  "id", &json);
	free(t->key);
	free(t->credential);
	t->key = text_of(json, "key");
	json_decref(json);
	json_object_set_new(t->values, "key", json_string(id));
	server = world_enroll(c, w, t, &t->credential);
	json_object_set_new(t->values, "system", json_string(server));
}

static void make_tenant(struct client *c, struct world *w, struct world_tenant *t, const char *mark)
{
	static const char *const things[] = {"user", "token", "webhook", "feed", NULL};
	_cleanup_(sut_freep) char *admin = sut_sprintf("%s-boss", mark),
				  *title = sut_sprintf("The %s", mark), *customer = NULL;
	json_t *json, *body;

	*t = (struct world_tenant){.name = strdup(mark),
				   .tokens = json_object(),
				   .values = json_object(),
				   .ids = json_object()};
	body = json_pack("{s:s, s:s, s:s}", "name", mark, "title", title, "admin", admin);
	json = client_must(c, &(struct request){.method = "POST",
						.target = "/v1/tenants",
						.token = w->staff,
						.body = body});
	json_decref(body);
	json_decref(json);
	json_object_set_new(t->values, "tenant", json_string(mark));
	for (size_t i = 0; world_roles[i]; i++)
		world_role(c, w, t, world_roles[i]);
	for (size_t i = 0; things[i]; i++) {
		_cleanup_(sut_freep) char *id = world_fresh(c, w, t, things[i]);

		json_object_set_new(t->values, things[i], json_string(id));
	}
	make_system(c, w, t);
	customer = named(w, t, "customer");
	free(make(c, w, t, "/v1/keys",
		  json_pack("{s:s, s:s}", "kind", "customer", "customer_id", customer), "id",
		  NULL));
	json_object_set_new(t->values, "customer_id", json_string(customer));
}

static bool is_there(struct client *c, const struct request *q)
{
	struct answer a = {0};
	int status;

	client_call(c, q, &a);
	status = a.status;
	answer_release(&a);
	return status == 200;
}

/* There is a limit to how many webhooks a tenant has. */
static void drop_webhooks(struct client *c, struct world *w, struct world_tenant *t)
{
	json_t *json = client_must(c, &(struct request){.method = "GET",
							.target = "/v1/webhooks?limit=500",
							.token = w->staff,
							.tenant = t->name});
	const json_t *e;
	size_t i;

	json_array_foreach(json_object_get(json, "items"), i, e) {
		_cleanup_(sut_freep) char *id = text_of(e, "id"),
					  *target = sut_sprintf("/v1/webhooks/%s", id);

		json_decref(client_must(c, &(struct request){.method = "DELETE",
							     .target = target,
							     .token = w->staff,
							     .tenant = t->name}));
	}
	json_decref(json);
}

static void mend_thing(struct client *c, struct world *w, struct world_tenant *t, const char *name,
		       const char *path)
{
	_cleanup_(sut_freep) char *target =
		sut_sprintf("%s/%s", path, json_string_value(json_object_get(t->values, name)));
	_cleanup_(sut_freep) char *id = NULL;

	if (is_there(c, &(struct request){.method = "GET",
					  .target = target,
					  .token = w->staff,
					  .tenant = t->name}))
		return;
	if (sut_streq(name, "webhook"))
		drop_webhooks(c, w, t);
	id = world_fresh(c, w, t, name);
	json_object_set_new(t->values, name, json_string(id));
}

void world_mend(struct client *c, struct world *w, struct world_tenant *t)
{
	static const struct {
		const char *name, *path;
	} things[] = {{"feed", "/v1/feeds"},
		      {"user", "/v1/users"},
		      {"token", "/v1/tokens"},
		      {"webhook", "/v1/webhooks"}};

	for (size_t i = 0; world_roles[i]; i++) {
		struct answer a = {0};

		client_call(c,
			    &(struct request){.method = "GET",
					      .target = "/v1/whoami",
					      .token = world_token(t, world_roles[i])},
			    &a);
		if (a.status == 401 || a.status == 403)
			world_role(c, w, t, world_roles[i]);
		answer_release(&a);
	}
	for (size_t i = 0; i < SUT_ARRAY_SIZE(things); i++)
		mend_thing(c, w, t, things[i].name, things[i].path);
	if (!is_there(c, &(struct request){
				 .method = "GET", .target = "/v1/self", .token = t->credential}))
		make_system(c, w, t);
}

/* What is there already, by the repository of the script that runs us. */
static void find_common(struct client *c, struct world *w)
{
	json_t *json, *first;

	w->common = json_pack("{s:s, s:s, s:s, s:s}", "cve", "CVE-2026-52928", "distribution",
			      "debian", "source", "linux", "path", "metadata/timestamp.json");
	json = client_must(c, &(struct request){.method = "POST",
						.target = "/v1/sources/debian/linux/changelog",
						.token = w->staff,
						.type = "text/plain",
						.raw = changelog,
						.len = strlen(changelog)});
	json_decref(json);
	json = client_must(c, &(struct request){.method = "POST",
						.target = "/v1/repository/sync",
						.token = w->staff});
	json_decref(json);
	json = client_must(
		c,
		&(struct request){.method = "GET", .target = "/v1/patchsets", .token = w->staff});
	first = json_array_get(json_object_get(json, "items"), 0);
	if (first)
		json_object_set(w->common, "patchset", json_object_get(first, "name"));
	json_decref(json);
	json = client_must(
		c, &(struct request){.method = "GET", .target = "/v1/coverage", .token = w->staff});
	first = json_array_get(json_object_get(json, "targets"), 0);
	if (first) {
		json_object_set(w->common, "kernel_id", json_object_get(first, "build_id"));
		json_object_set(w->common, "level",
				json_object_get(json_array_get(json_object_get(first, "levels"), 0),
						"level"));
	}
	json_decref(json);
}

void world_make(struct client *c, const char *staff, const char *mark_a, const char *mark_b,
		struct world *ret)
{
	*ret = (struct world){.staff = strdup(staff)};
	find_common(c, ret);
	make_tenant(c, ret, &ret->a, mark_a);
	make_tenant(c, ret, &ret->b, mark_b);
}

static void tenant_release(struct world_tenant *t)
{
	free(t->name);
	free(t->key);
	free(t->credential);
	json_decref(t->tokens);
	json_decref(t->values);
	json_decref(t->ids);
}

void world_release(struct world *w)
{
	tenant_release(&w->a);
	tenant_release(&w->b);
	json_decref(w->common);
	free(w->staff);
}
