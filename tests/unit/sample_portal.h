/* SPDX-License-Identifier: Apache-2.0 */
/* sample_server.h, with a portal. */
#ifndef SUTURE_TESTS_SAMPLE_PORTAL_H
#define SUTURE_TESTS_SAMPLE_PORTAL_H

#include "portal.h"
#include "sample_server.h"

/* In a function that configures, which is given the common settings. */
static inline struct portal_conf *sample_portal_conf(struct server_conf *c)
{
	return (struct portal_conf *)c;
}

static inline struct portal *sample_portal(const struct sample_server *s)
{
	return portal_of(s->p);
}

static inline void sample_portal_new(enum sut_db_engine engine, sample_configure *configure,
				     struct sample_server *s)
{
	sample_server_new(&portal_program, engine, configure, s);
}

#define SAMPLE_PORTAL_RUN(cases) sample_server_run(&portal_program, cases, SUT_ARRAY_SIZE(cases))

#endif
