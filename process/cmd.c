// SPDX-License-Identifier: Apache-2.0
#include "cmd.h"

#include <errno.h>
#include <stdio.h>

#include "base/file.h"

int cmd_status(int r)
{
	switch (-r) {
	case 0:
		return PROCESS_EXIT_OK;
	case EBUSY:
		return PROCESS_EXIT_BUSY;
	case EOPNOTSUPP:
		return PROCESS_EXIT_UNSUPPORTED;
	case EBADMSG:
		return PROCESS_EXIT_MISMATCH;
	default:
		return PROCESS_EXIT_ERROR;
	}
}

int cmd_load(const char *path, struct proc_patch **ret, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_PATCH_FILE_MAX);
	int r = sut_file_read(path, &b, err);

	return r < 0 ? r : proc_patch_parse(b.data, b.len, ret, err);
}

void cmd_print_text(const char *s)
{
	for (; *s; s++)
		putchar((unsigned char)*s < ' ' || *s == 0x7f ? '?' : *s);
}
