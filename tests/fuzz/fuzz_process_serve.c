// SPDX-License-Identifier: Apache-2.0
/* What the daemon reads of processes: their mappings, the heads of their files, their cgroups. The first byte says which. */
#include "fuzz.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "serve/catch.h"
#include "serve/exclude.h"
#include "serve/glance.h"

static void maps(const char *text, size_t len)
{
	struct glance g = {.text = SUT_BUF_INIT(1 << 20)};

	if (sut_buf_add(&g.text, text, len) == 0 && glance_parse(&g) == 0)
		for (size_t i = 0; i < g.nfiles; i++) {
			const struct glance_file *f = &g.files[i];

			FUZZ_ASSERT(f->exec && f->ino && f->path <= len &&
				    f->path_len <= len - f->path);
			FUZZ_ASSERT(!memchr(glance_path(&g, f), '\n', f->path_len));
		}
	glance_release(&g);
}

static void head(const uint8_t *data, size_t len)
{
	uint8_t id[SUT_LIBRARY_BUILD_ID_LEN];
	struct catch_elf e;
	int r = glance_build_id(data, len, id);

	FUZZ_ASSERT(r == 0 || r == 1 || r == -EAGAIN);
	if (catch_elf(data, len, &e) == 0)
		FUZZ_ASSERT(e.loads && !(e.relro & 4095) && !(e.relro_end & 4095));
}

static void cgroup(const char *text)
{
	char unit[EXCLUDE_UNIT_MAX];

	exclude_unit(text, unit);
	FUZZ_ASSERT(strlen(unit) < sizeof(unit) && !strchr(unit, '/') && !strchr(unit, '\n'));
}

static void users(const char *text)
{
	struct exclude e = {0};
	json_t *j = json_pack("{s:[s,s]}", "users", "a*", "7");

	if (j && exclude_load(j, text, &e, NULL) == 0) {
		for (size_t i = 1; i < e.nuids; i++)
			FUZZ_ASSERT(e.uids[i - 1] <= e.uids[i]);
		exclude_release(&e);
	}
	json_decref(j);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;

	if (!size)
		return 0;
	text = strndup((const char *)data + 1, size - 1);
	if (!text)
		return 0;
	switch (data[0]) {
	case 'm':
		maps((const char *)data + 1, size - 1);
		break;
	case 'h':
		head(data + 1, size - 1);
		break;
	case 'c':
		cgroup(text);
		break;
	default:
		users(text);
	}
	free(text);
	return 0;
}
