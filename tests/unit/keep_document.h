/* SPDX-License-Identifier: Apache-2.0 */
/* Documents that tests make, kept for validators that are not ours (tests/documents/run). */
#ifndef SUTURE_TESTS_KEEP_DOCUMENT_H
#define SUTURE_TESTS_KEEP_DOCUMENT_H

#include "unit.h"

#include <jansson.h>
#include <stdlib.h>

/* Into the folder $SUTURE_TEST_DOCUMENTS, as WHO-1.KIND.json; nowhere when it is not set. */
static inline void keep_document(const json_t *j, const char *who, const char *kind)
{
	static int n;
	const char *folder = getenv("SUTURE_TEST_DOCUMENTS");
	char path[4096];

	if (!folder)
		return;
	snprintf(path, sizeof(path), "%s/%s-%d.%s.json", folder, who, ++n, kind);
	assert_int_equal(json_dump_file(j, path, JSON_INDENT(2)), 0);
}

#endif
