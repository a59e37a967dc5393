/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scan for hosts that have no scanner: what runs and what is installed there, as agents report it, against the coverage document. It knows the CVEs
 * that a patch or a newer package closes, and no others.
 */
#ifndef SUTURE_CONSOLE_FIND_BUILTIN_H
#define SUTURE_CONSOLE_FIND_BUILTIN_H

#include "find/sink.h"

/* Writes findings of all systems that the scan names, or of all. */
int builtin_scan(struct sink *k, struct sut_err *err) _must_check_;

#endif
