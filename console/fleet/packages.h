/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Package lists of agents (docs/formats/console-agent.md), for the built-in scan. Kept compressed in the row of the host as
 * {"distribution": "debian 12", "packages": [[name, version, source, version of the source], …]}, in the order of names; the source is
 * the name, and its version that of the package, where the agent does not say otherwise.
 */
#ifndef SUTURE_CONSOLE_FLEET_PACKAGES_H
#define SUTURE_CONSOLE_FLEET_PACKAGES_H

#include <jansson.h>

#include "web/web.h"

enum {
	PACKAGES_MAX = 50000,
	PACKAGES_BYTES_MAX = 2 << 20, /* of the body */
	PACKAGES_TEXT_MAX = 255,      /* bytes of a name or version */
};

/* A list as it was sent, checked. */
struct packages {
	struct sut_buf packed; /* what is kept */
	char hash[65];	       /* of its text */
	json_t *list;	       /* of packages */
};
void packages_release(struct packages *p);

/* -EBADMSG (reason "packages") when it is no such list, with its place; -EFBIG; -ENOMEM. Pure. */
int packages_parse(const void *body, size_t len, struct packages *ret,
		   struct sut_err *err) _must_check_;

/* In a WRITE transaction. Bumps the generation when the list is another one. */
int packages_keep(struct web_req *q, int64_t host, const struct packages *p,
		  struct sut_err *err) _must_check_;

/* 1: *ret is the document, and *ret_at when the agent confirmed it; 0: there is none. */
int packages_read(struct sut_db *db, int64_t host, json_t **ret, int64_t *ret_at,
		  struct sut_err *err) _must_check_;

#endif
