// SPDX-License-Identifier: Apache-2.0
/* document SCHEMAS <JSON: does what suture has printed fit its schema? Says what is wrong, and ends with 1. */
#include <stdio.h>

#include "documents.h"

int main(int argc, char **argv)
{
	struct schema_error e;
	json_error_t je;
	json_t *all, *v;
	int exit = 1;

	if (argc != 2) {
		fprintf(stderr, "usage: document SCHEMAS <JSON\n");
		return 64;
	}
	all = documents_load(argv[1], &e);
	/* One document, and nothing else. */
	v = all ? json_loadf(stdin, JSON_REJECT_DUPLICATES, &je) : NULL;
	if (!all)
		fprintf(stderr, "document: %s: %s\n", e.pointer, e.text);
	else if (!v)
		fprintf(stderr, "document: no JSON: line %d: %s\n", je.line, je.text);
	else if (!documents_fit(all, v, &e))
		fprintf(stderr, "document: %s: %s\n", e.pointer, e.text);
	else
		exit = 0;
	json_decref(v);
	json_decref(all);
	return exit;
}
