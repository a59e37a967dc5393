// SPDX-License-Identifier: Apache-2.0
/* A message between the agent's programs: what is taken is an object within the limits, and survives being
 * sent on; an error that came by it can be shown. */
#include "fuzz.h"

#include <errno.h>
#include <string.h>

#include "wire/wire.h"

static int depth(json_t *j)
{
	int deepest = 0, d;
	const char *key;
	json_t *v;
	size_t i;

	if (!json_is_object(j) && !json_is_array(j))
		return 0;
	json_array_foreach(j, i, v)
		deepest = (d = depth(v)) > deepest ? d : deepest;
	json_object_foreach(j, key, v)
		deepest = (d = depth(v)) > deepest ? d : deepest;
	return deepest + 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sut_err err = {0}, told;
	json_t *j = NULL, *again = NULL, *error;
	char *text;
	int r = wire_parse(data, size, &j, &err);

	if (r < 0) {
		FUZZ_ASSERT(!j && (r == -EBADMSG || r == -ENOMEM) && err.code == -r && *err.msg);
		return 0;
	}
	FUZZ_ASSERT(json_is_object(j) && size <= WIRE_MAX && depth(j) <= WIRE_DEPTH);
	text = json_dumps(j, JSON_COMPACT);
	FUZZ_ASSERT(text);
	if (strlen(text) <= WIRE_MAX) {
		FUZZ_ASSERT(wire_parse(text, strlen(text), &again, NULL) == 0);
		FUZZ_ASSERT(json_equal(j, again));
	}
	wire_error_read(json_object_get(j, "error"), &told);
	FUZZ_ASSERT(told.code > 0 && *told.msg);
	error = wire_error_json(&told);
	wire_error_read(error, &err);
	FUZZ_ASSERT(err.code == told.code && strcmp(err.msg, told.msg) == 0 &&
		    strcmp(err.reason, told.reason) == 0);
	json_decref(error);
	json_decref(again);
	json_decref(j);
	free(text);
	return 0;
}
