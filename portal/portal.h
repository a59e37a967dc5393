/* SPDX-License-Identifier: Apache-2.0 */
/* One portal process: its settings, and what its parts share. */
#ifndef SUTURE_PORTAL_PORTAL_H
#define SUTURE_PORTAL_PORTAL_H

#include "conf.h"
#include "web/server.h"
#include "web/web.h"

struct repo;
struct decisions; /* feed/: what a feed gives for each kernel, kept until the generation changes */
struct coverage;  /* cve/: the compressed document */
struct packages;  /* install/packages.h: of the agent */

struct portal {
	struct server s; /* files_fd: the published repository */
	struct portal_conf conf;
	struct decisions *decisions;
	struct repo *repo; /* repo/: what is kept between looks at the signed repository */
	struct coverage *coverage;
	struct packages *packages;
};

extern const struct server_program portal_program;

static inline struct portal *portal_of(struct server *s)
{
	return (struct portal *)s;
}

/* Opens the database (which must be migrated), makes pool, router and caches. No sockets yet. */
int portal_open(const struct portal_conf *conf, struct portal **ret,
		struct sut_err *err) _must_check_;
void portal_free(struct portal *p);
void portal_freep(struct portal **p);

#endif
