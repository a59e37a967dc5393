/* SPDX-License-Identifier: Apache-2.0 */
/* JSON that others made, read strictly: one object and nothing behind it. */
#ifndef SUTURE_JSON_PARSE_H
#define SUTURE_JSON_PARSE_H

#include <jansson.h>
#include <stddef.h>

#include "base/cleanup.h"

/* Levels that are enough for any document of ours. */
enum { SUT_JSON_DEPTH = 32 };

/* Why a text was refused, for a message. */
struct sut_json_why {
	const char *text;  /* "is nested too deeply" */
	unsigned int line; /* 0: not known */
};

/*
 * Refuses duplicate keys, invalid UTF-8, U+0000 in keys, what is no object, and more than depth levels: those are counted before
 * the parser, which recurses for each, sees them. -EBADMSG, then *why says it (may be NULL); -ENOMEM, also where the parser would
 * call it a mistake of the text, or read it with a letter missing. The caller owns *ret.
 */
int sut_json_object_parse(const void *data, size_t len, size_t depth, json_t **ret,
			  struct sut_json_why *why) _must_check_;

/* The string of that member; "" when there is none. Lives as long as the document. */
static inline const char *sut_json_text(const json_t *object, const char *member)
{
	const char *s = json_string_value(json_object_get(object, member));

	return s ? s : "";
}

static inline void sut_json_freep(json_t **j)
{
	json_decref(*j);
}
#define _cleanup_json_ _cleanup_(sut_json_freep)

#endif
