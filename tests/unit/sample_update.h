/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A machine for tests of updates: sutured's state in a folder, a signed repository that is served over HTTP and may say
 * anything, and a root half that is played by a thread. It never fails: the test does.
 */
#ifndef SUTURE_TESTS_SAMPLE_UPDATE_H
#define SUTURE_TESTS_SAMPLE_UPDATE_H

#include <pthread.h>

#include "sample_httpd.h"
#include "sample_repo.h"
#include "sutured/net.h"

#define WORLD_BUILD "6d1c0a52d53fbbd2a1d2a4b1c8ae2ecf43fb2a61"
#define WORLD_BOOT "8b1e4c1a-0000-4000-8000-000000000001"

#define WORLD_SSL "1111111111111111111111111111111111111111"
#define WORLD_EXPAT "2222222222222222222222222222222222222222"

enum { WORLD_CALLS = 32, WORLD_LIBS = 2 };

/* The root half: what it was asked, and what it says. */
struct half_played {
	pthread_t thread;
	pthread_mutex_t lock;
	int listener, stop[2];
	char verbs[WORLD_CALLS][16];
	json_t *requests[WORLD_CALLS];
	size_t n;
	bool sealed;	    /* all files that came were */
	const char *refuse; /* this verb … */
	const char *reason; /* … with this reason; "hang-up": it is gone in the middle */
};

struct world {
	struct half_played half;
	struct sample_httpd web;
	struct sample_repo *repo;
	struct net n;
	char *root, *www;
	int64_t now, boot;
	uint32_t level; /* of what runs; 0 */
	const char *boot_id;
	const char *more; /* members of the state of the root half */
	/* libssl.so.3 and libexpat.so.1 */
	struct {
		uint32_t processes; /* that use it; 0: it is not in use */
		uint32_t level;	    /* that is applied */
		bool unloaded;
	} lib[WORLD_LIBS];
	const char
		*lib_quarantined; /* further entries of "quarantined", with a comma before each */
};
extern struct world world;
extern struct sut_err world_err;

int world_setup(void **state);
int world_teardown(void **state);

/* A file below root. */
void world_put(const char *root, const char *path, const void *data, size_t len);
/* The root half's state, for everybody. */
void world_publish(void);
/* What it was asked since the last time, "stage apply". */
const char *world_asked(void);

/* K1, K2 … into the repository; what is applied from then on has that level. */
void world_release(uint32_t level);
/* The same for a library: U10, U11 … for the first, U20 … for the second. */
void world_release_library(int lib, uint32_t level);
void world_stop_flag(const char *action);
/* All that is served, as files below world.www. */
void world_flush(void);

/* What the portal has said; sha256 NULL: the right one. */
void world_told(const char *action, uint32_t level, const char *sha256);
/* What it tells of libraries: one more. level 0 with "unload". */
void world_told_library(int lib, const char *action, uint32_t level);
void world_register(void);

/* What sutured does by itself when that is due; then its state, and the code of the reason. */
void world_due(enum net_due what);
const char *world_lib_state(int lib);
const char *world_lib_why(int lib);
const char *world_state(void);
const char *world_why(void);

#endif
