/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of a running portal, and what every answer of it has to be. What goes wrong is printed and counted. */
#ifndef SUTURE_TESTS_OPENAPI_CLIENT_H
#define SUTURE_TESTS_OPENAPI_CLIENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

struct sut_http;

struct client {
	struct sut_http *http;
	char *url;
	json_t *doc;   /* openapi.json */
	json_t *codes; /* of problems.md: code to its statuses */
	unsigned int calls, bad;
};

/* Ends the program when something is not there. root: of the source tree; document: "openapi.json". */
void client_open(struct client *c, const char *url, const char *root, const char *document);
void client_close(struct client *c);

/* "  text" on standard output, and one bad thing more. */
void client_complain(struct client *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

struct operation {
	const char *id, *method, *path; /* "getKey", "GET", "/v1/keys/{key}" */
	const json_t *json;
};

/* All operations of the document; free() the list. */
size_t client_operations(const struct client *c, struct operation **ret);
bool operation_flag(const struct operation *op, const char *flag);
/* One of x-suture-roles. */
bool operation_role(const struct operation *op, const char *role);
/* Of the JSON body; NULL. */
const json_t *operation_body(const struct client *c, const struct operation *op);
/* Its example; NULL. */
const json_t *operation_example(const struct client *c, const struct operation *op);
/* Has the path {name}? */
bool operation_names(const struct operation *op, const char *name);
bool operation_parameter(const struct client *c, const struct operation *op, const char *in,
			 const char *name);

/* The path with {…} from values (name to text; the rest of the examples), and the query behind. To be freed. */
char *operation_target(const struct client *c, const struct operation *op, const json_t *values,
		       const char *query);

struct request {
	const char *method, *target;
	const char *token;  /* NULL: none */
	const char *tenant; /* Suture-Tenant; NULL */
	const char *type;   /* Content-Type; NULL: JSON when there is a body */
	const char *header; /* one more; NULL */
	const json_t *body; /* or: */
	const void *raw;
	size_t len;
};

struct answer {
	int status; /* 0: there was none */
	json_t *json;
	char type[128];
	struct sut_buf body;
};

/* Releases what ret had; start with a zeroed one. */
void client_call(struct client *c, const struct request *q, struct answer *ret);
void answer_release(struct answer *a);
const char *answer_code(const struct answer *a);

/* It is what the document says of this operation: a status that is described and not 5xx, its type, its
 * schema; a problem has a code of problems.md with this status. */
bool client_conforms(struct client *c, const struct operation *op, const struct request *q,
		     const struct answer *a);
/* Only the latter: is it a problem that is documented? */
bool client_is_problem(struct client *c, const struct request *q, const struct answer *a);
/* Prints the call and what was answered. */
void client_blame(struct client *c, const struct request *q, const struct answer *a,
		  const char *why);

/* A call that has to work; ends the program when it does not. New reference, NULL for no body. */
json_t *client_must(struct client *c, const struct request *q);

#endif
