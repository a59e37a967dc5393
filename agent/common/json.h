/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON of files that matter. When memory is short, jansson may take a sound text for a damaged one, or leave a letter
 * out and say nothing: here both are told apart from what is damaged.
 */
#ifndef SUTURE_AGENT_COMMON_JSON_H
#define SUTURE_AGENT_COMMON_JSON_H

#include <jansson.h>
#include <stddef.h>

#include "base/cleanup.h"

/* -EBADMSG: no JSON object or list, or a key twice; -ENOMEM. *ret is the caller's. */
int agent_json_parse(const void *text, size_t len, json_t **ret) _must_check_;

#endif
