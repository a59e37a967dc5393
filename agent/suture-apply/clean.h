/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which boots ended in order: AGENT_CLEAN has their ids, one a line, the newest last. More than one, because a
 * machine may run another kernel build for a while before the guard of this one is asked again.
 */
#ifndef SUTURE_AGENT_APPLY_CLEAN_H
#define SUTURE_AGENT_APPLY_CLEAN_H

#include <stdbool.h>

#include "base/err.h"

enum { CLEAN_BOOTS_MAX = 32, CLEAN_FILE_MAX = 4096 };

/* A file that cannot be read knows none. */
bool clean_has(const char *root, const char *boot_id);

/* Durable when they return. A machine that goes on after all takes its mark away. */
int clean_add(const char *root, const char *boot_id, struct sut_err *err) _must_check_;
int clean_remove(const char *root, const char *boot_id, struct sut_err *err) _must_check_;

#endif
