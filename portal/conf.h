/* SPDX-License-Identifier: Apache-2.0 */
/* /etc/suture/portal.conf (docs/man/suture-portal.md). */
#ifndef SUTURE_PORTAL_CONF_H
#define SUTURE_PORTAL_CONF_H

#include "web/conf.h"

#define PORTAL_CONF_FILE "/etc/suture/portal.conf"

struct portal_conf {
	struct server_conf s;  /* what every server has */
	char *repository;      /* repository = …/public: metadata/ and targets/ */
	char *repository_root; /* repository-root = FILE: the trusted root.json to verify it with */
	char *agent_dir;       /* agent-packages = DIR: packages of the agent, for /install */
	int64_t checkin_sec;   /* checkin-interval = 5m */
	int64_t check_sec;     /* check-interval = 4h: how often agents look for patches */
};

extern const struct server_conf_desc portal_conf_desc;

/* Defaults. */
int portal_conf_init(struct portal_conf *c, struct sut_err *err) _must_check_;
/* A setting that is not known is an error that names the line. */
int portal_conf_parse(const char *name, const void *text, size_t len, struct portal_conf *c,
		      struct sut_err *err) _must_check_;
int portal_conf_read(const char *path, struct portal_conf *c, struct sut_err *err) _must_check_;
void portal_conf_release(struct portal_conf *c);

#endif
