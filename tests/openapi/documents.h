/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JSON Schemas of docs/formats/schemas, and whether a document fits the one that its "format" names. Schemas refer to
 * one another by file name; here all of them become one document.
 */
#ifndef SUTURE_TESTS_OPENAPI_DOCUMENTS_H
#define SUTURE_TESTS_OPENAPI_DOCUMENTS_H

#include "schema.h"

/* NULL, with the reason in *ret: a file is missing, or is no schema. */
json_t *documents_load(const char *folder, struct schema_error *ret);

/* Strict: a member that is not described is a mistake. */
bool documents_fit(const json_t *all, const json_t *value, struct schema_error *ret);

#endif
