// SPDX-License-Identifier: Apache-2.0
/* Runs a fuzz target once on each file of the folders named, without libFuzzer,
 * so that a seed or a past crash is a regression test of every build. */
#include <dirent.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "fuzz.h"

enum { INPUT_MAX = 16 << 20 };

static int replay_file(const char *path)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(INPUT_MAX);
	struct sut_err err = {0};
	uint8_t *exact;

	if (sut_file_read(path, &b, &err) < 0) {
		fprintf(stderr, "%s\n", err.msg);
		return -1;
	}
	/* Memory of exactly this size, so that a read past the end is seen. */
	exact = malloc(b.len ? b.len : 1);
	if (!exact)
		return -1;
	if (b.len)
		memcpy(exact, b.data, b.len);
	LLVMFuzzerTestOneInput(exact, b.len);
	free(exact);
	return 0;
}

int main(int argc, char **argv)
{
	size_t n = 0;

	/* libFuzzer also begins with the empty input. */
	LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
	for (int i = 1; i < argc; i++) {
		_cleanup_(sut_closedirp) DIR *d = opendir(argv[i]);
		struct dirent *e;

		if (!d) {
			fprintf(stderr,
				"cannot open the corpus %s: make it, with at least one seed\n",
				argv[i]);
			return 1;
		}
		while ((e = readdir(d))) {
			_cleanup_(sut_freep) char *path = NULL;

			if (e->d_name[0] == '.')
				continue;
			path = sut_sprintf("%s/%s", argv[i], e->d_name);
			if (!path || replay_file(path) < 0)
				return 1;
			n++;
		}
	}
	printf("%zu inputs\n", n);
	return n ? 0 : 1;
}
