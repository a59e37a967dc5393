/* SPDX-License-Identifier: Apache-2.0 */
/* sample_server.h, with a console. Its key and spool are in a folder that goes with the process. */
#ifndef SUTURE_TESTS_SAMPLE_CONSOLE_H
#define SUTURE_TESTS_SAMPLE_CONSOLE_H

#include "console.h"
#include "sample_server.h"

/* The program of the console, with other defaults. */
extern struct server_program sample_console_program;
/* Makes the folder; before everything else. SAMPLE_CONSOLE_RUN() does it. */
void sample_console_init(void);

/* In a function that configures, which is given the common settings. */
static inline struct console_conf *sample_console_conf(struct server_conf *c)
{
	return (struct console_conf *)c;
}

static inline struct console *sample_console(const struct sample_server *s)
{
	return console_of(s->p);
}

static inline void sample_console_new(enum sut_db_engine engine, sample_configure *configure,
				      struct sample_server *s)
{
	sample_console_init();
	sample_server_new(&sample_console_program, engine, configure, s);
}

#define SAMPLE_CONSOLE_RUN(cases)                                                                  \
	(sample_console_init(),                                                                    \
	 sample_server_run(&sample_console_program, cases, SUT_ARRAY_SIZE(cases)))

#endif
