// SPDX-License-Identifier: Apache-2.0
/* library/record.h and library/archive.h: logs of recorded builds, rules of make, paths, archives. */
#include <string.h>

#include "fuzz.h"
#include "library/archive.h"
#include "library/record.h"
#include "library/recorded.h"

static void archive(const uint8_t *data, size_t size)
{
	struct sut_archive a = {0};

	if (sut_archive_parse(data, size, &a, NULL) < 0)
		return;
	for (size_t i = 0; i < a.n; i++)
		FUZZ_ASSERT(a.v[i].data >= data && a.v[i].data + a.v[i].len <= data + size);
	sut_archive_release(&a);
}

static void rule(const uint8_t *data, size_t size)
{
	struct sut_strv v = {0};
	char *text = malloc(size + 1), *path;

	if (!text)
		return;
	if (size)
		memcpy(text, data, size);
	text[size] = 0;
	path = sut_record_path("/cwd", text);
	FUZZ_ASSERT(!path || *path == '/');
	FUZZ_ASSERT(!path || !strstr(path, "/../") || strstr(text, "..."));
	free(path);
	if (sut_record_deps(text, "/cwd", &v) == 0)
		for (size_t i = 0; i < v.n; i++)
			FUZZ_ASSERT(*v.v[i] == '/');
	sut_strv_release(&v);
	free(text);
	path = sut_recorded_path(data, size, "t-1");
	FUZZ_ASSERT(!path ||
		    (!strncmp(path, "/build/", 7) && !strcmp(path + strlen(path) - 4, "/t-1")));
	free(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sut_record_log *l = NULL;

	if (sut_record_parse(data, size, &l, NULL) == 0)
		for (size_t i = 0; i < l->n; i++) {
			FUZZ_ASSERT(l->v[i].argc && !l->v[i].argv[l->v[i].argc]);
			FUZZ_ASSERT(l->v[i].cwd && l->v[i].hash && l->v[i].deps);
			for (size_t k = 0; k < l->v[i].nin; k++)
				FUZZ_ASSERT(l->v[i].in[k].hash && l->v[i].in[k].path);
		}
	sut_record_free(l);
	archive(data, size);
	rule(data, size);
	return 0;
}
