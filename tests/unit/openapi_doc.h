/* SPDX-License-Identifier: Apache-2.0 */
/* The tests of a program's OpenAPI document: it says what the tables of routes say, and problems.md knows every code. */
#ifndef SUTURE_TESTS_OPENAPI_DOC_H
#define SUTURE_TESTS_OPENAPI_DOC_H

#include "web/router.h"

struct openapi_doc {
	const char *file; /* the document */
	const struct web_table *tables;
};

/* What main() returns. */
int openapi_doc_run(const struct openapi_doc *d);

#endif
