// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "sample_console.h"
#include "seal.h"

struct server_program sample_console_program;

static struct server_conf_desc desc;
static char *folder;

static char *in_folder(const char *name)
{
	char *path = sut_sprintf("%s/%s", folder, name);

	assert_non_null(path);
	return path;
}

static int defaults(struct server_conf *s, struct sut_err *err)
{
	struct console_conf *c = (struct console_conf *)s;
	int r = console_conf_desc.defaults(s, err);

	if (r < 0)
		return r;
	free(c->secret_key);
	free(c->spool);
	free(c->pages);
	c->secret_key = in_folder("secret.key");
	c->spool = in_folder("spool");
	c->pages = in_folder("pages");
	return 0;
}

static void remove_folder(void)
{
	(void)!sut_rm_rf(folder, NULL);
	free(folder);
}

void sample_console_init(void)
{
	_cleanup_(sut_freep) char *key = NULL, *spool = NULL, *pages = NULL;
	struct sut_err err = {0};

	if (folder)
		return;
	assert_ok(sut_tmpdir("console", &folder, &err), err);
	atexit(remove_folder);
	key = in_folder("secret.key");
	spool = in_folder("spool");
	pages = in_folder("pages");
	assert_ok(seal_make(key, &err), err);
	assert_ok(sut_mkdir_p(spool, &err), err);
	assert_ok(sut_mkdir_p(pages, &err), err);
	desc = console_conf_desc;
	desc.defaults = defaults;
	sample_console_program = console_program;
	sample_console_program.conf = &desc;
}
