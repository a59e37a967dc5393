/* SPDX-License-Identifier: Apache-2.0 */
/* One process of the console: its settings, and what its parts share (docs/internals/console.md). */
#ifndef SUTURE_CONSOLE_CONSOLE_H
#define SUTURE_CONSOLE_CONSOLE_H

#include "conf.h"
#include "web/server.h"
#include "web/web.h"

struct agent_notes; /* agent/notes.h */
struct map;	    /* map/map.h */
struct seal;	    /* seal.h: secrets in the database */

struct console {
	struct server s; /* files_fd: the pages; spool_fd: scans on their way in */
	struct console_conf conf;
	struct seal *seal;
	struct map *map;
	struct agent_notes *notes;
	/* Of agent/wait.c: those who wait were told of these. */
	int64_t told_manifest, told_live;
	/* Questions to portals that somebody waits for; a few at a time, so that one that hangs does not take all readers. */
	_Atomic int asking;
};

extern const struct server_program console_program;

static inline struct console *console_of(struct server *s)
{
	return (struct console *)s;
}

/* Opens the database (which must be migrated), makes pool, router and caches. No sockets yet. */
int console_open(const struct console_conf *conf, struct console **ret,
		 struct sut_err *err) _must_check_;
void console_free(struct console *c);
void console_freep(struct console **c);

/* server_program.restored (restored.c): -EKEYREJECTED (reason "seal") when the secrets in it do not open. */
int console_restored(const struct server_conf *conf, struct sut_db *db,
		     struct sut_err *err) _must_check_;

#endif
