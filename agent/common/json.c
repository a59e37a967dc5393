// SPDX-License-Identifier: Apache-2.0
#include "common/json.h"

#include <errno.h>
#include <stdbool.h>

static json_malloc_t next_malloc;
static _Thread_local bool starved;

static void *watched_malloc(size_t size)
{
	void *p = next_malloc(size);

	starved |= !p;
	return p;
}

/* Whoever else watches is asked in turn. */
__attribute__((constructor)) static void watch(void)
{
	json_free_t release;

	json_get_alloc_funcs(&next_malloc, &release);
	json_set_alloc_funcs(watched_malloc, release);
}

int agent_json_parse(const void *text, size_t len, json_t **ret)
{
	json_t *j;

	if (!len)
		return -EBADMSG;
	starved = false;
	j = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	if (starved) {
		json_decref(j);
		return -ENOMEM;
	}
	if (!j)
		return -EBADMSG;
	*ret = j;
	return 0;
}
