// SPDX-License-Identifier: Apache-2.0
/* machine: what scripts do to the machine of suture-apply-sim (README.md). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "machine_file.h"

static const char help[] =
	"usage: machine new ROOT [BUILD_ID]     a machine that was booted just now\n"
	"       machine boot ROOT [CMDLINE]     the next boot\n"
	"       machine panic ROOT [TEXT]       goes down, leaving TEXT in pstore\n"
	"       machine say ROOT TEXT           the kernel says something\n"
	"       machine ahead ROOT SECONDS      time goes by\n"
	"       machine set ROOT KEY JSON       machine set R fail.apply '\"once:busy\"'\n"
	"       machine get ROOT [KEY]\n";

static int get(const char *root, const char *key, struct sut_err *err)
{
	json_t *j = NULL;
	int r = machine_file_get(root, key, &j, err);

	if (r < 0)
		return r;
	if (json_is_string(j))
		puts(json_string_value(j));
	else if (json_dumpf(j, stdout, JSON_ENCODE_ANY | JSON_INDENT(1)) == 0)
		putchar('\n');
	json_decref(j);
	return 0;
}

static int run(int argc, char **argv, struct sut_err *err)
{
	const char *what = argv[1], *root = argv[2], *arg = argc > 3 ? argv[3] : NULL;
	uint64_t n;

	if (sut_streq(what, "new"))
		return machine_file_new(root, arg, err);
	if (sut_streq(what, "boot"))
		return machine_file_boot(root, arg, err);
	if (sut_streq(what, "panic"))
		return machine_file_panic(root, arg ? arg : "dmesg-efi-1\nKernel panic\n", err);
	if (sut_streq(what, "say") && arg)
		return machine_file_say(root, arg, err);
	if (sut_streq(what, "ahead") && arg && sut_parse_u64(arg, INT32_MAX, &n) == 0)
		return machine_file_ahead(root, (int64_t)n, err);
	if (sut_streq(what, "set") && argc == 5)
		return machine_file_set(root, arg, argv[4], err);
	if (sut_streq(what, "get"))
		return get(root, arg, err);
	return sut_err_set(err, EINVAL, "see 'machine --help'");
}

int main(int argc, char **argv)
{
	struct sut_err err = {0};

	if (argc < 3 || argc > 5) {
		fputs(help, argc == 2 && sut_streq(argv[1], "--help") ? stdout : stderr);
		return argc == 2 && sut_streq(argv[1], "--help") ? 0 : 64;
	}
	if (run(argc, argv, &err) == 0)
		return 0;
	fprintf(stderr, "machine: %s\n", err.msg);
	return 1;
}
