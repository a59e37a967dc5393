// SPDX-License-Identifier: Apache-2.0
#include "diff/insn.h"

#include <capstone/capstone.h>
#include <errno.h>
#include <stdio.h>

int sut_insn_ends(const uint8_t *code, size_t len, uint32_t *ends, struct sut_err *err)
{
	const uint8_t *p = code;
	size_t left = len;
	uint64_t at = 0;
	cs_insn *insn;
	csh h;

	if (cs_open(CS_ARCH_X86, CS_MODE_64, &h) != CS_ERR_OK)
		return sut_err_set(err, EIO, "cannot start the disassembler");
	cs_option(h, CS_OPT_SKIPDATA, CS_OPT_ON);
	insn = cs_malloc(h);
	if (!insn) {
		cs_close(&h);
		return sut_err_oom(err);
	}
	while (left && cs_disasm_iter(h, &p, &left, &at, insn))
		for (uint64_t i = insn->address; i < at && i < len; i++)
			ends[i] = (uint32_t)at;
	for (; at < len; at++)
		ends[at] = (uint32_t)at + 1;
	cs_free(insn, 1);
	cs_close(&h);
	return 0;
}

void sut_insn_text(const uint8_t *code, size_t len, char out[static SUT_INSN_TEXT_MAX])
{
	cs_insn *insn = NULL;
	size_t n = 0;
	csh h;

	snprintf(out, SUT_INSN_TEXT_MAX, "(no instruction)");
	if (cs_open(CS_ARCH_X86, CS_MODE_64, &h) != CS_ERR_OK)
		return;
	if (len)
		n = cs_disasm(h, code, len, 0, 1, &insn);
	if (n) {
		snprintf(out, SUT_INSN_TEXT_MAX, "%s %s", insn->mnemonic, insn->op_str);
		cs_free(insn, n);
	}
	cs_close(&h);
}
