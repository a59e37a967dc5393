/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a test works with: a repository, its server, a client folder, and what must be true.
 *
 * A test is a function that runs in a process of its own. The first expectation that does not
 * hold ends it with an explanation, so tests read as a list of steps. Every run of the client
 * must end with 0 or 1, and when with 1, must have said why on standard error.
 */
#ifndef SUTURE_TESTS_TUF_WORLD_H
#define SUTURE_TESTS_TUF_WORLD_H

#include "base/buf.h"
#include "server.h"
#include "sim.h"

struct world {
	struct sim *sim;
	struct server *server;
	const char *program; /* suture-tuf */
	char *dir;	     /* of this test; metadata/ and targets/ are in it */
	char *metadata_dir, *target_dir;
	char *metadata_url, *targets_url;
	char *faketime;			     /* NULL: the real time */
	const struct sim_file *trusted_root; /* what init gets; NULL: version 1 of root */
	const char *patience;		     /* seconds for --timeout; NULL: the usual */
	unsigned int timeout_sec;
	struct sut_buf said; /* standard output and error of the last run */
};

struct tuf_test {
	const char *name; /* GROUP/BEHAVIOUR */
	void (*run)(struct world *w, const void *arg);
	const void *arg;
	const char *covers; /* the public suite's test, a CVE, or a clause; for --list */
};

struct tuf_group {
	const struct tuf_test *tests;
	size_t n;
};

extern const struct tuf_group tuf_basic, tuf_expiration, tuf_download, tuf_keys, tuf_quoting,
	tuf_rollback, tuf_static, tuf_delegations, tuf_rotations, tuf_attacks, tuf_network,
	tuf_hostile, tuf_workflow, tuf_self;

/* --- running the client --- */

/* Each returns the exit status, 0 or 1. */
int run_init(struct world *w);
int run_refresh(struct world *w);
int run_download(struct world *w, const char *paths);	  /* separated by spaces */
int run_download1(struct world *w, const char *path);	  /* one path, with spaces in it */
int run_client(struct world *w, const char *const *args); /* anything; ends with NULL */

/* The same with the status that must come out. */
void init(struct world *w);
void refresh(struct world *w);
void refresh_fails(struct world *w);
void download(struct world *w, const char *paths);
void download_fails(struct world *w, const char *paths);

/* Runs from now on see a time so many days after sim->now; 0 turns it off. */
void at_day(struct world *w, double days);

/* --- what must be true --- */

/* The .json files of the metadata folder: "root:1 snapshot:1 targets:1 timestamp:1", sorted,
 * roles as their file is called; and nothing half-written beside them. */
void expect_trusted(struct world *w, const char *list);
/* The file of the role is, byte for byte, what was published last (or as the n-th, from 0). */
void expect_same(struct world *w, const char *role);
void expect_nth(struct world *w, const char *role, size_t n);
/* Version of a role in the metadata folder, 0 when it is not there. */
json_int_t trusted_version(struct world *w, const char *role);

/* All requests since the last call, in order; and forgets them. */
void expect_requests(struct world *w, const char *list);
/* Is this among the requests since the last look? */
bool requested(struct world *w, const char *one);
/* Only the last one; and forgets them. */
void expect_last_request(struct world *w, const char *one);
void forget_requests(struct world *w);

/* The target folder holds exactly these contents, in any order; ends with NULL. */
#define expect_downloads(w, ...) expect_texts(w, (const char *const[]){__VA_ARGS__})
void expect_texts(struct world *w, const char *const *texts);
/* The client said this in the last run. */
void expect_said(struct world *w, const char *text);

#define EXPECT(cond, ...)                                                                          \
	do {                                                                                       \
		if (!(cond))                                                                       \
			fail(w, __VA_ARGS__);                                                      \
	} while (0)

/* Ends the test: says what, and what the client said and asked. */
__attribute__((noreturn, format(printf, 2, 3))) void fail(struct world *w, const char *fmt, ...);

#endif
