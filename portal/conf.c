// SPDX-License-Identifier: Apache-2.0
#include "conf.h"

#include <errno.h>
#include <string.h>

static const struct server_setting settings[] = {
#define AT(member) .at = offsetof(struct portal_conf, member)
	{"repository", SERVER_SET_PATH, AT(repository)},
	{"repository-root", SERVER_SET_PATH, AT(repository_root)},
	{"agent-packages", SERVER_SET_PATH, AT(agent_dir)},
	{"checkin-interval", SERVER_SET_DURATION, AT(checkin_sec), .min = 10, .max = 86400},
	{"check-interval", SERVER_SET_DURATION, AT(check_sec), .min = 60, .max = 30 * 86400},
	{0},
#undef AT
};

static int defaults(struct server_conf *s, struct sut_err *err)
{
	struct portal_conf *c = (struct portal_conf *)s;

	c->checkin_sec = 300;
	c->check_sec = 4 * 3600;
	s->database = strdup("sqlite:/var/lib/suture/portal/portal.db");
	return s->database ? 0 : sut_err_oom(err);
}

static int check(const char *name, const struct server_conf *s, struct sut_err *err)
{
	const struct portal_conf *c = (const struct portal_conf *)s;

	if (c->repository && !c->repository_root)
		return sut_err_reason(
			err, EBADMSG, "conf",
			"%s: repository is set without repository-root, the root.json "
			"that it is verified with. Get it with: suture-repo export-root",
			name);
	return 0;
}

const struct server_conf_desc portal_conf_desc = {
	.program = "suture-portal",
	.file = PORTAL_CONF_FILE,
	.size = sizeof(struct portal_conf),
	.own = settings,
	.defaults = defaults,
	.check = check,
};

int portal_conf_init(struct portal_conf *c, struct sut_err *err)
{
	return server_conf_init(&portal_conf_desc, &c->s, err);
}

int portal_conf_parse(const char *name, const void *text, size_t len, struct portal_conf *c,
		      struct sut_err *err)
{
	return server_conf_parse(&portal_conf_desc, name, text, len, &c->s, err);
}

int portal_conf_read(const char *path, struct portal_conf *c, struct sut_err *err)
{
	return server_conf_read(&portal_conf_desc, path, &c->s, err);
}

void portal_conf_release(struct portal_conf *c)
{
	server_conf_release(&portal_conf_desc, &c->s);
}
