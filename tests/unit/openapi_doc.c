// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "auth/role.h"
#include "base/file.h"
#include "base/str.h"
#include "openapi_doc.h"
#include "schema.h"
#include "web/router.h"

static const struct openapi_doc *about;
static json_t *doc;
static const char *const methods[] = {"get", "post", "put", "patch", "delete"};

static int load(void **state _unused_)
{
	json_error_t e;

	doc = json_load_file(about->file, JSON_REJECT_DUPLICATES, &e);
	if (!doc)
		print_error("%s:%d:%d: %s\n", about->file, e.line, e.column, e.text);
	return doc ? 0 : -1;
}

static int drop(void **state _unused_)
{
	json_decref(doc);
	return 0;
}

static int problems; /* of the case that runs */

#define COMPLAIN(...) (print_error("  " __VA_ARGS__), problems++)

/* --- every operation --- */

typedef void (*operation_fn)(const char *method, const char *path, const json_t *op);

static void each(operation_fn fn)
{
	const json_t *item, *op;
	const char *path, *method;

	problems = 0;
	json_object_foreach((json_t *)json_object_get(doc, "paths"), path, item) {
		json_object_foreach((json_t *)item, method, op) {
			fn(method, path, op);
		}
	}
	assert_int_equal(problems, 0);
}

static const json_t *target(const json_t *v)
{
	return schema_deref(doc, v);
}

/* "/repo/{path}" of the document is "/repo/{*}" of the router when the parameter takes the rest. */
static void router_path(const char *path, const json_t *op, char *ret, size_t size)
{
	const json_t *p;
	const char *brace = strrchr(path, '{');
	size_t i;

	snprintf(ret, size, "%s", path);
	json_array_foreach(json_object_get(op, "parameters"), i, p) {
		p = target(p);
		if (json_is_true(json_object_get(p, "x-suture-rest")) && brace)
			snprintf(ret, size, "%.*s{*}", (int)(brace - path), path);
	}
}

static json_t *roles_of(const struct web_route *r)
{
	json_t *list = json_array();

	if (r->allow & WEB_PUBLIC)
		json_array_append_new(list, json_string("public"));
	if (r->allow & WEB_ANY_USER)
		json_array_append_new(list, json_string("any-user"));
	if (r->allow & WEB_AGENT)
		json_array_append_new(list, json_string("agent"));
	for (unsigned int bit = 1; bit <= SUT_ROLE_ALL; bit <<= 1)
		if (r->allow & bit)
			json_array_append_new(list, json_string(sut_role_name(bit)));
	return list;
}

static json_t *flags_of(const struct web_route *r)
{
	static const struct {
		unsigned int flag;
		const char *name;
	} names[] = {
		{WEB_WRITE, "write"},	    {WEB_STAFF, "staff"},
		{WEB_RAW_BODY, "raw-body"}, {WEB_BIG_BODY, "big-body"},
		{WEB_SECRET, "secret"},	    {WEB_NO_TX, "no-transaction"},
		{WEB_COMPRESS, "compress"}, {WEB_MUST_CHANGE, "must-change"},
		{WEB_HOLD, "hold"},	    {WEB_SPOOL, "spool"},
	};
	json_t *list = json_array();

	for (size_t i = 0; i < SUT_ARRAY_SIZE(names); i++)
		if (r->flags & names[i].flag)
			json_array_append_new(list, json_string(names[i].name));
	return list;
}

static bool has(const json_t *list, const json_t *word)
{
	const json_t *e;
	size_t i;

	json_array_foreach(list, i, e) {
		if (json_equal(e, word))
			return true;
	}
	return false;
}

static bool same(const json_t *a, const json_t *b)
{
	const json_t *e;
	size_t i;

	json_array_foreach(a, i, e) {
		if (!has(b, e))
			return false;
	}
	return json_array_size(a) == json_array_size(b);
}

static void compare(const struct web_route *r, const char *what, const json_t *said, json_t *is)
{
	_cleanup_(sut_freep) char *want = json_dumps(is, 0);

	if (!same(said, is))
		COMPLAIN("%s %s: %s of the router are %s\n", r->method, r->path, what, want);
	json_decref(is);
}

static const json_t *operation_of(const struct web_route *r)
{
	const json_t *item;
	const char *path;

	json_object_foreach((json_t *)json_object_get(doc, "paths"), path, item) {
		for (size_t i = 0; i < SUT_ARRAY_SIZE(methods); i++) {
			const json_t *op = json_object_get(item, methods[i]);
			char as[256];

			if (!op || strcasecmp(methods[i], r->method) != 0)
				continue;
			router_path(path, op, as, sizeof(as));
			if (sut_streq(as, r->path))
				return op;
		}
	}
	return NULL;
}

static void every_route_is_described_with_its_roles(void **state _unused_)
{
	struct web_router *router = NULL;
	struct sut_err err = {0};

	problems = 0;
	assert_ok(web_router_new(about->tables, &router, &err), err);
	for (size_t i = 0; i < web_router_count(router); i++) {
		const struct web_route *r = web_router_at(router, i);
		const json_t *op = operation_of(r);

		if (!op) {
			COMPLAIN("%s %s is not in the document\n", r->method, r->path);
			continue;
		}
		compare(r, "x-suture-roles", json_object_get(op, "x-suture-roles"), roles_of(r));
		compare(r, "x-suture-flags", json_object_get(op, "x-suture-flags"), flags_of(r));
	}
	web_router_free(router);
	assert_int_equal(problems, 0);
}

static void has_route(const char *method, const char *path, const json_t *op)
{
	char as[256];

	router_path(path, op, as, sizeof(as));
	for (const struct web_table *t = about->tables; t->name; t++)
		for (const struct web_route *r = t->routes; r->method; r++)
			if (strcasecmp(r->method, method) == 0 && sut_streq(r->path, as))
				return;
	COMPLAIN("%s %s is no route of the program\n", method, path);
}

static void every_operation_is_a_route(void **state _unused_)
{
	each(has_route);
}

static json_t *ids;

static void has_id(const char *method, const char *path, const json_t *op)
{
	const char *id = json_string_value(json_object_get(op, "operationId"));
	const json_t *tag = json_array_get(json_object_get(op, "tags"), 0), *e;
	bool known = false;
	size_t i;

	if (!id)
		COMPLAIN("%s %s has no operationId\n", method, path);
	else if (json_object_get(ids, id))
		COMPLAIN("%s %s: the operationId %s is there twice\n", method, path, id);
	else
		json_object_set_new(ids, id, json_true());
	if (!json_is_string(json_object_get(op, "summary")))
		COMPLAIN("%s %s has no summary\n", method, path);
	json_array_foreach(json_object_get(doc, "tags"), i, e) {
		known |= json_equal(json_object_get(e, "name"), tag);
	}
	if (!known)
		COMPLAIN("%s %s has no tag that the document has\n", method, path);
}

static void operations_have_ids_of_their_own(void **state _unused_)
{
	ids = json_object();
	each(has_id);
	json_decref(ids);
}

/* --- parameters --- */

static void path_is_described(const char *method, const char *path, const json_t *op)
{
	const json_t *p, *list = json_object_get(op, "parameters");
	size_t i, in_path = 0, described = 0;
	char brace[80];

	for (const char *s = path; (s = strchr(s, '{')); s++)
		in_path++;
	json_array_foreach(list, i, p) {
		p = target(p);
		if (!sut_streq(json_string_value(json_object_get(p, "in")), "path"))
			continue;
		described++;
		snprintf(brace, sizeof(brace), "{%s}",
			 json_string_value(json_object_get(p, "name")));
		if (!strstr(path, brace) || !json_is_true(json_object_get(p, "required")))
			COMPLAIN("%s %s: parameter %s\n", method, path, brace);
	}
	if (in_path != described)
		COMPLAIN("%s %s: %zu parameters in the path, %zu are described\n", method, path,
			 in_path, described);
}

static void parameters_of_paths_are_described(void **state _unused_)
{
	each(path_is_described);
}

/* --- what is said is sound --- */

static void walk_refs(const json_t *v)
{
	const char *ref = json_string_value(json_object_get(v, "$ref")), *name;
	const json_t *e;
	size_t i;

	if (ref && !schema_ref(doc, ref))
		COMPLAIN("%s leads nowhere\n", ref);
	json_object_foreach((json_t *)v, name, e) {
		walk_refs(e);
	}
	json_array_foreach(v, i, e) {
		walk_refs(e);
	}
}

static void no_reference_leads_nowhere(void **state _unused_)
{
	problems = 0;
	walk_refs(doc);
	assert_int_equal(problems, 0);
}

static void sound(const char *where, const json_t *schema)
{
	struct schema_error e;

	if (!schema_sound(doc, schema, &e))
		COMPLAIN("%s%s: %s\n", where, e.pointer, e.text);
}

static void example_fits(const char *where, const json_t *holder)
{
	const json_t *schema = json_object_get(holder, "schema"),
		     *example = json_object_get(holder, "example");
	struct schema_error e;

	if (!schema)
		COMPLAIN("%s has no schema\n", where);
	else
		sound(where, schema);
	if (schema && example && !schema_check(doc, schema, example, SCHEMA_STRICT, &e))
		COMPLAIN("%s: the example at %s: %s\n", where, e.pointer, e.text);
}

static void contents_fit(const char *where, const json_t *content)
{
	const json_t *media;
	const char *type;

	json_object_foreach((json_t *)content, type, media) {
		example_fits(where, media);
	}
}

static void operation_is_sound(const char *method, const char *path, const json_t *op)
{
	const json_t *p, *r, *responses = json_object_get(op, "responses");
	const char *status;
	char where[300];
	size_t i, good = 0;

	json_array_foreach(json_object_get(op, "parameters"), i, p) {
		p = target(p);
		snprintf(where, sizeof(where), "%s %s: parameter %s", method, path,
			 json_string_value(json_object_get(p, "name")));
		example_fits(where, p);
	}
	snprintf(where, sizeof(where), "%s %s: request", method, path);
	contents_fit(where, json_object_get(json_object_get(op, "requestBody"), "content"));
	json_object_foreach((json_t *)responses, status, r) {
		good += status[0] == '2';
		snprintf(where, sizeof(where), "%s %s: %s", method, path, status);
		contents_fit(where, json_object_get(target(r), "content"));
	}
	if (!good)
		COMPLAIN("%s %s never succeeds\n", method, path);
}

static void schemas_and_examples_fit_each_other(void **state _unused_)
{
	const json_t *components = json_object_get(doc, "components"), *v;
	const char *name;

	each(operation_is_sound);
	json_object_foreach((json_t *)json_object_get(components, "schemas"), name, v) {
		char where[200];

		snprintf(where, sizeof(where), "schema %s", name);
		sound(where, v);
	}
	assert_int_equal(problems, 0);
}

static json_t *used;

static void walk_used(const json_t *v)
{
	const char *ref = json_string_value(json_object_get(v, "$ref")), *name;
	const json_t *e;
	size_t i;

	if (ref)
		json_object_set_new(used, ref, json_true());
	json_object_foreach((json_t *)v, name, e) {
		walk_used(e);
	}
	json_array_foreach(v, i, e) {
		walk_used(e);
	}
}

static void no_component_is_left_over(void **state _unused_)
{
	static const char *const kinds[] = {"schemas", "parameters", "responses"};
	const json_t *v;
	const char *name;

	problems = 0;
	used = json_object();
	walk_used(doc);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(kinds); i++) {
		const json_t *all = json_object_get(json_object_get(doc, "components"), kinds[i]);

		json_object_foreach((json_t *)all, name, v) {
			char ref[200];

			snprintf(ref, sizeof(ref), "#/components/%s/%s", kinds[i], name);
			if (!json_object_get(used, ref))
				COMPLAIN("nothing refers to %s\n", ref);
		}
	}
	json_decref(used);
	assert_int_equal(problems, 0);
}

/* --- problems.md --- */

static json_t *page; /* code: its statuses as text */

static void read_page(void)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(1 << 20);
	struct sut_err err = {0};
	char *line, *save = NULL;

	page = json_object();
	assert_ok(sut_file_read(SOURCE_ROOT "/docs/formats/problems.md", &b, &err), err);
	for (line = strtok_r((char *)b.data, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		char code[64], status[32];

		if (sscanf(line, "| `%63[a-z0-9-]` | %31[0-9, ] |", code, status) != 2)
			continue;
		if (json_object_get(page, code))
			COMPLAIN("problems.md has %s twice\n", code);
		json_object_set_new(page, code, json_string(status));
	}
	assert_true(json_object_size(page) > 5);
}

static json_t *found; /* codes that the sources name anywhere */

/* web_problem(r, 403, "code", …): the arguments after '('. */
static void read_call(const char *file, const char *s)
{
	char code[64], status[8], as[16];
	const char *known;

	s = strchr(s, ',');
	if (!s || sscanf(s, ", %7[0-9], \"%63[a-z0-9-]\"", status, code) != 2)
		return;
	known = json_string_value(json_object_get(page, code));
	snprintf(as, sizeof(as), "%s", status);
	if (!known)
		COMPLAIN("%s: \"%s\" (%s) is not in problems.md\n", file, code, status);
	else if (!strstr(known, as))
		COMPLAIN("%s: \"%s\" has status %s; problems.md says %s\n", file, code, status,
			 known);
}

static void read_source(const char *path)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(4 << 20), flat = SUT_BUF_INIT(4 << 20);
	struct sut_err err = {0};
	const char *name;
	const json_t *v;
	bool space = false;

	assert_ok(sut_file_read(path, &b, &err), err);
	for (size_t i = 0; i < b.len; i++) {
		if (isspace(b.data[i])) {
			space = true;
			continue;
		}
		if (space && flat.len && flat.data[flat.len - 1] != '(')
			assert_int_equal(sut_buf_addstr(&flat, " "), 0);
		space = false;
		assert_int_equal(sut_buf_add(&flat, &b.data[i], 1), 0);
	}
	for (const char *s = sut_buf_str(&flat); (s = strstr(s, "web_problem(")); s++)
		read_call(path, s + strlen("web_problem("));
	for (const char *s = sut_buf_str(&flat); (s = strstr(s, "httpd_refuse(")); s++)
		read_call(path, s + strlen("httpd_refuse("));
	json_object_foreach(page, name, v) {
		char quoted[80];

		snprintf(quoted, sizeof(quoted), "\"%s\"", name);
		if (strstr(sut_buf_str(&flat), quoted))
			json_object_set_new(found, name, json_true());
	}
}

static void read_folder(const char *path)
{
	_cleanup_(sut_closedirp) DIR *d = opendir(path);
	const struct dirent *e;

	assert_non_null(d);
	while ((e = readdir(d))) {
		char sub[512];
		struct stat st;

		if (e->d_name[0] == '.')
			continue;
		snprintf(sub, sizeof(sub), "%s/%s", path, e->d_name);
		if (stat(sub, &st) < 0)
			continue;
		/* The command line is no part of the server. */
		if (S_ISDIR(st.st_mode) && !sut_streq(e->d_name, "admin") &&
		    !sut_streq(e->d_name, "node_modules"))
			read_folder(sub);
		else if (S_ISREG(st.st_mode) && sut_endswith(sub, ".c"))
			read_source(sub);
	}
}

static void problems_are_documented_and_documented_ones_are_told(void **state _unused_)
{
	const json_t *v;
	const char *name;

	problems = 0;
	found = json_object();
	read_page();
	/* One page for all of them. */
	read_folder(SOURCE_ROOT "/portal");
	read_folder(SOURCE_ROOT "/console");
	read_folder(SOURCE_ROOT "/lib/web");
	read_folder(SOURCE_ROOT "/lib/account");
	read_folder(SOURCE_ROOT "/lib/httpd");
	json_object_foreach(page, name, v) {
		if (!json_object_get(found, name))
			COMPLAIN("problems.md has %s, which no source tells\n", name);
	}
	json_decref(found);
	json_decref(page);
	assert_int_equal(problems, 0);
}

int openapi_doc_run(const struct openapi_doc *d)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_route_is_described_with_its_roles),
		cmocka_unit_test(every_operation_is_a_route),
		cmocka_unit_test(operations_have_ids_of_their_own),
		cmocka_unit_test(parameters_of_paths_are_described),
		cmocka_unit_test(no_reference_leads_nowhere),
		cmocka_unit_test(schemas_and_examples_fit_each_other),
		cmocka_unit_test(no_component_is_left_over),
		cmocka_unit_test(problems_are_documented_and_documented_ones_are_told),
	};

	about = d;
	return cmocka_run_group_tests(tests, load, drop);
}
