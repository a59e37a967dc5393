// SPDX-License-Identifier: Apache-2.0
/* usage: make-upatch --target FILE --object FILE.o --replace OLD=NEW … --out FILE; upatch.h says what the other options mean. */
#include <getopt.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "upatch.h"

static const struct option options[] = {
	{"target", required_argument, NULL, 't'},
	{"object", required_argument, NULL, 'o'},
	{"replace", required_argument, NULL, 'r'},
	{"child", required_argument, NULL, 'c'},
	{"busy", required_argument, NULL, 'b'},
	{"check", required_argument, NULL, 'k'},
	{"id", required_argument, NULL, 'i'},
	{"level", required_argument, NULL, 'l'},
	{"bss", required_argument, NULL, 's'},
	{"wrong", required_argument, NULL, 'w'},
	{"island-of", required_argument, NULL, 'I'},
	{"frames", no_argument, NULL, 'f'},
	{"other-build-id", no_argument, NULL, 'O'},
	{"out", required_argument, NULL, 'x'},
	{NULL, 0, NULL, 0},
};

/* One more in a list that ends with NULL. */
static int add(const char **list, const char *s)
{
	for (size_t i = 0; i < UPATCH_LIST_MAX; i++)
		if (!list[i]) {
			list[i] = s;
			return 0;
		}
	return -1;
}

static int number(const char *s, uint32_t *ret)
{
	char *end;
	unsigned long v = strtoul(s, &end, 10);

	if (!*s || *end || v > UINT32_MAX)
		return -1;
	*ret = (uint32_t)v;
	return 0;
}

int main(int argc, char **argv)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(64 << 20);
	struct upatch u = {0};
	const char *out = NULL;
	struct sut_err err = {0};
	int c, r = 0;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1 && r == 0)
		switch (c) {
		case 't':
			u.target = optarg;
			break;
		case 'o':
			u.object = optarg;
			break;
		case 'r':
			r = add(u.replace, optarg);
			break;
		case 'c':
			r = add(u.child, optarg);
			break;
		case 'b':
			r = add(u.busy, optarg);
			break;
		case 'k':
			r = add(u.check, optarg);
			break;
		case 'i':
			u.id = optarg;
			break;
		case 'l':
			r = number(optarg, &u.level);
			break;
		case 's':
			r = number(optarg, &u.bss);
			break;
		case 'w':
			u.wrong = optarg;
			break;
		case 'I':
			u.island_of = optarg;
			break;
		case 'f':
			u.frames = true;
			break;
		case 'O':
			u.other_build_id = true;
			break;
		case 'x':
			out = optarg;
			break;
		default:
			r = -1;
		}
	if (r < 0 || optind != argc || !u.target || !u.object || !u.replace[0] || !out) {
		fprintf(stderr, "usage: make-upatch --target FILE --object FILE.o --replace "
				"OLD=NEW --out FILE\n");
		return 64;
	}
	if (upatch_make(&u, &b, &err) < 0 || sut_file_write(out, b.data, b.len, 0644, &err) < 0) {
		fprintf(stderr, "make-upatch: %s\n", err.msg);
		return 1;
	}
	return 0;
}
