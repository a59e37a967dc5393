/* SPDX-License-Identifier: Apache-2.0 */
/* A whole TUF repository in memory, and the network that leads to it. It never fails: it aborts. */
#ifndef SUTURE_SAMPLE_REPO_H
#define SUTURE_SAMPLE_REPO_H

#include "sample_tuf.h"
#include "tuf/client.h"

#define SAMPLE_REPO_METADATA "http://repo.test/m/"
#define SAMPLE_REPO_TARGETS "http://repo.test/t"

struct sample_served {
	char *name; /* behind "http://repo.test/", "m/1.root.json" */
	struct sut_buf data;
};

struct sample_repo {
	struct sample_tuf *tuf;
	struct sample_served served[128];
	size_t n;
	/* What was asked, "2.root.json timestamp.json"; targets with "t/" before, and " [N-]" behind
	 * when N bytes were there. */
	struct sut_buf log;
	/* This request fails with the code instead; of a file, after so many bytes were sent. */
	const char *fail;
	int fail_code;
	size_t fail_after;
};

struct sample_repo *sample_repo_new(void); /* version 1 of all four is released */
void sample_repo_free(struct sample_repo *r);
void sample_repo_freep(struct sample_repo **r);
#define _cleanup_sample_repo_ _cleanup_(sample_repo_freep)

struct sut_tuf_fetcher sample_repo_fetcher(struct sample_repo *r);

/* What comes under a name from now on; NULL: nothing. */
void sample_repo_serve(struct sample_repo *r, const char *name, const void *data, size_t len);
struct sut_buf *sample_repo_served(struct sample_repo *r, const char *name);

/* Signs one of the four as it is and serves it. */
void sample_repo_publish(struct sample_repo *r, enum sut_tuf_type type);
/* One version more of targets, snapshot and timestamp. */
void sample_repo_release(struct sample_repo *r);
/* One version more of root. */
void sample_repo_root(struct sample_repo *r);
/* A delegated role as it is, signed by key, served, and entered in the document of snapshot. */
void sample_repo_role(struct sample_repo *r, const char *role, json_t *signed_,
		      const struct sample_tuf_key *key);

/* Enters a target and serves its file. */
void sample_repo_target(struct sample_repo *r, json_t *targets, const char *path, const void *data,
			size_t len);

/* The role of the root gets a new key instead of the old one. */
void sample_repo_rotate(struct sample_repo *r, enum sut_tuf_type type);

#endif
