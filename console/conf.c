// SPDX-License-Identifier: Apache-2.0
#include "conf.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

/* Of where the program is, so that an installation may lie anywhere; or where it was built for. */
static char *installed_pages(void)
{
	char exe[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	_cleanup_(sut_freep) char *index = NULL;
	char *pages;

	if (len <= 0)
		return strdup(CONSOLE_PAGES);
	exe[len] = 0;
	for (int up = 0; up < 2; up++) { /* PREFIX/sbin/suture-console */
		char *slash = strrchr(exe, '/');

		if (slash)
			*slash = 0;
	}
	pages = sut_sprintf("%s/share/suture/console", exe);
	index = pages ? sut_sprintf("%s/index.html", pages) : NULL;
	if (index && sut_exists(index))
		return pages;
	free(pages);
	return index ? strdup(CONSOLE_PAGES) : NULL;
}

static const struct server_setting settings[] = {
#define AT(member) .at = offsetof(struct console_conf, member)
	{"ca", SERVER_SET_PATH, AT(ca)},
	{"pages", SERVER_SET_PATH, AT(pages)},
	{"secret-key", SERVER_SET_PATH, AT(secret_key)},
	{"spool", SERVER_SET_PATH, AT(spool)},
	{0},
#undef AT
};

static int defaults(struct server_conf *s, struct sut_err *err)
{
	struct console_conf *c = (struct console_conf *)s;

	s->database = strdup("sqlite:/var/lib/suture/console/console.db");
	c->pages = installed_pages();
	c->secret_key = strdup("/etc/suture/console/secret.key");
	c->spool = strdup("/var/lib/suture/console/spool");
	return s->database && c->pages && c->secret_key && c->spool ? 0 : sut_err_oom(err);
}

const struct server_conf_desc console_conf_desc = {
	.program = "suture-console",
	.file = CONSOLE_CONF_FILE,
	.size = sizeof(struct console_conf),
	.own = settings,
	.defaults = defaults,
};

int console_conf_init(struct console_conf *c, struct sut_err *err)
{
	return server_conf_init(&console_conf_desc, &c->s, err);
}

int console_conf_parse(const char *name, const void *text, size_t len, struct console_conf *c,
		       struct sut_err *err)
{
	return server_conf_parse(&console_conf_desc, name, text, len, &c->s, err);
}

void console_conf_release(struct console_conf *c)
{
	server_conf_release(&console_conf_desc, &c->s);
}
