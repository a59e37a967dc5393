/* SPDX-License-Identifier: Apache-2.0 */
/* Instruction boundaries of x86-64 code, by Capstone. */
#ifndef SUTURE_BUILDER_INSN_H
#define SUTURE_BUILDER_INSN_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { SUT_INSN_TEXT_MAX = 192 };

/*
 * Writes to ends[i], for each byte i of the code, the offset where the
 * instruction that byte i belongs to ends. Bytes that do not decode count as
 * instructions of one byte.
 */
int sut_insn_ends(const uint8_t *code, size_t len, uint32_t *ends,
		  struct sut_err *err) _must_check_;

/* The instruction at code as text ("mov rax, rbx"), for reports. */
void sut_insn_text(const uint8_t *code, size_t len, char out[static SUT_INSN_TEXT_MAX]);

#endif
