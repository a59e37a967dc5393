/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of this folder. */
#ifndef SUTURE_AGENT_TRUTH_INTERNAL_H
#define SUTURE_AGENT_TRUTH_INTERNAL_H

#include "truth.h"

/* text when it is a word as truth_host says, else "". */
void truth_word(char ret[TRUTH_WORD_MAX], const void *text, size_t len);

/* A text of an object; "" when it has none. */
const char *truth_text(const json_t *object, const char *key);

/* Name of this machine for people. */
void truth_host_name(const char *root, char ret[TRUTH_WORD_MAX]);

/* The live patch, or NULL. */
const json_t *truth_patch(const json_t *state);

/* A fresh list of the CVEs of the live patch; empty when there is none. -ENOMEM. */
int truth_cve_list(const json_t *state, json_t **ret) _must_check_;

/* Is it a name like CVE-2026-1234? Nothing else is told. */
bool truth_is_cve(const char *s);

#endif
