// SPDX-License-Identifier: Apache-2.0
/*
 * Calls every operation of docs/formats/console-openapi.json on a running console that has one of everything: with every
 * role, from another tenant, and with bad input.
 *
 *   walk-console URL FILE_WITH_A_STAFF_TOKEN SOURCE_TREE VALUES
 *
 * VALUES: a JSON object, parameter of a path to what the tenant "default" has: {"system": ID, "job": ID, …}. Prints "ok NAME"
 * or what is wrong and "not ok NAME"; ends with 1 when there was any.
 */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/str.h"
#include "console.h"
#include "schema.h"

json_t *walk_body(struct walk *k, struct world_tenant *t _unused_, const struct operation *op,
		  json_t *values)
{
	const json_t *example = operation_example(&k->c, op), *schema = operation_body(&k->c, op);
	uint64_t seed = 1;
	json_t *body;

	if (!schema)
		return NULL;
	body = example ? json_deep_copy(example) : schema_make(k->c.doc, schema, &seed);
	if (sut_streq(op->id, "createEnrolment"))
		json_object_set(body, "key", json_object_get(values, "key"));
	if (json_object_get(body, "name"))
		json_object_set_new(body, "name", json_sprintf("walk-%u", ++k->w.count));
	return body;
}

/* Of those that read: with what is there, they answer 200 as it is described. */
static void valid(struct walk *k)
{
	json_t *values = world_values(&k->w, &k->w.a);

	for (size_t i = 0; i < k->nops; i++) {
		const struct operation *op = &k->ops[i];
		_cleanup_(sut_freep) char *target = NULL;
		_cleanup_(answer_release) struct answer a = {0};
		struct request q = {.method = op->method, .token = k->w.staff};

		if (!sut_streq(op->method, "GET") || operation_flag(op, "hold") ||
		    sut_streq(op->id, "getInstallScript"))
			continue;
		if (operation_role(op, "public"))
			q.token = NULL;
		q.target = target = operation_target(&k->c, op, values, NULL);
		client_call(&k->c, &q, &a);
		if (a.status == 200)
			client_conforms(&k->c, op, &q, &a);
		else
			client_blame(&k->c, &q, &a, op->id);
	}
	json_decref(values);
}

/* --- */

static const struct {
	const char *name;
	void (*run)(struct walk *k);
} parts[] = {
	{"what-reads-answers-as-described", valid},
	{"every-operation-is-for-its-roles-only", walk_roles},
	{"no-operation-tells-a-tenant-of-another", console_others},
	{"every-operation-refuses-bad-input-with-a-problem", walk_invalid},
};

static void make(struct walk *k, struct world_tenant *t, const char *name, json_t *values)
{
	*t = (struct world_tenant){.name = strdup(name),
				   .tokens = json_object(),
				   .values = values,
				   .ids = json_object()};
	for (size_t i = 0; world_roles[i]; i++)
		world_role(&k->c, &k->w, t, world_roles[i]);
}

static void make_world(struct walk *k, const char *staff, json_t *values)
{
	json_t *body = json_pack("{s:s, s:s, s:s}", "name", "quagga", "title", "The quagga",
				 "admin", "quagga-boss");
	const char *name;
	const json_t *v;

	k->w = (struct world){.staff = strdup(staff), .common = json_object()};
	json_decref(client_must(&k->c, &(struct request){.method = "POST",
							 .target = "/v1/tenants",
							 .token = staff,
							 .body = body}));
	json_decref(body);
	make(k, &k->w.a, "default", values);
	make(k, &k->w.b, "quagga", json_object());
	json_object_foreach(values, name, v) {
		if (json_is_string(v) && json_string_length(v) == 16)
			json_object_set_new(k->w.a.ids, json_string_value(v), json_true());
	}
}

int main(int argc, char **argv)
{
	struct sut_buf token = SUT_BUF_INIT(256);
	struct sut_err err = {0};
	struct walk k = {0};
	json_t *values;
	int failed = 0;

	if (argc != 5 || sut_file_read(argv[2], &token, &err) < 0 ||
	    !(values = json_load_file(argv[4], 0, NULL))) {
		fprintf(stderr, "usage: walk-console URL TOKEN_FILE SOURCE_TREE VALUES\n%s\n",
			err.msg);
		return 64;
	}
	token.data[strcspn((char *)token.data, "\n")] = '\0';
	client_open(&k.c, argv[1], argv[3], "console-openapi.json");
	k.nops = client_operations(&k.c, &k.ops);
	make_world(&k, (char *)token.data, values);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(parts); i++) {
		unsigned int calls = k.c.calls, bad = k.c.bad;

		parts[i].run(&k);
		printf("%s console-walk/%s (%zu operations, %u calls)\n",
		       k.c.bad == bad ? "ok" : "not ok", parts[i].name, k.nops, k.c.calls - calls);
		fflush(stdout);
		failed |= k.c.bad != bad;
	}
	free(k.ops);
	world_release(&k.w);
	client_close(&k.c);
	sut_buf_release(&token);
	return failed;
}
