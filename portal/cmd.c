// SPDX-License-Identifier: Apache-2.0
#include "cmd.h"

#include <stdio.h>

int cmd_fail(const char *name, const struct sut_err *err)
{
	static const char *const lasting[] = {"conf", "not-migrated"};

	fprintf(stderr, "suture-portal %s: %s\n", name, err->msg);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(lasting); i++)
		if (sut_streq(err->reason, lasting[i]))
			return PORTAL_EXIT_CONFIG;
	return PORTAL_EXIT_ERROR;
}

int cmd_conf(const char *path, struct portal_conf *ret, struct sut_err *err)
{
	int r = portal_conf_init(ret, err);

	if (r == 0)
		r = portal_conf_read(path, ret, err);
	if (r < 0)
		portal_conf_release(ret);
	return r;
}
