// SPDX-License-Identifier: Apache-2.0
/*
 * Calls every operation of docs/formats/openapi.json on a running portal: with good input, with every role,
 * from another tenant, and with bad input. The portal needs a repository with one patch.
 *
 *   walk URL FILE_WITH_A_STAFF_TOKEN SOURCE_TREE
 *
 * Prints "ok NAME" or what is wrong and "not ok NAME"; ends with 1 when there was any.
 */
#include "walk.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/str.h"

static const struct {
	const char *name;
	void (*run)(struct walk *k);
} parts[] = {
	{"every-operation-answers-as-described", walk_valid},
	{"every-operation-is-for-its-roles-only", walk_roles},
	{"no-operation-tells-a-tenant-of-another", walk_tenants},
	{"every-operation-refuses-bad-input-with-a-problem", walk_invalid},
};

int main(int argc, char **argv)
{
	struct sut_buf token = SUT_BUF_INIT(256);
	struct sut_err err = {0};
	struct walk k = {0};
	int failed = 0;

	if (argc != 4 || sut_file_read(argv[2], &token, &err) < 0) {
		fprintf(stderr, "usage: walk URL TOKEN_FILE SOURCE_TREE\n%s\n", err.msg);
		return 64;
	}
	token.data[strcspn((char *)token.data, "\n")] = '\0';
	client_open(&k.c, argv[1], argv[3], "openapi.json");
	k.nops = client_operations(&k.c, &k.ops);
	world_make(&k.c, (char *)token.data, "zebra", "quagga", &k.w);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(parts); i++) {
		unsigned int calls = k.c.calls, bad = k.c.bad;

		parts[i].run(&k);
		printf("%s portal-walk/%s (%zu operations, %u calls)\n",
		       k.c.bad == bad ? "ok" : "not ok", parts[i].name, k.nops, k.c.calls - calls);
		fflush(stdout);
		failed |= k.c.bad != bad;
	}
	free(k.ops);
	world_release(&k.w);
	client_close(&k.c);
	sut_buf_release(&token);
	return failed;
}
