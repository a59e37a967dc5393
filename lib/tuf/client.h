/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client of a TUF repository: refresh, look up, download. Whatever fails, and whenever it is killed, the
 * folder stays one from which a later run can update.
 */
#ifndef SUTURE_TUF_CLIENT_H
#define SUTURE_TUF_CLIENT_H

#include "tuf/meta.h"

/* The network, passed in. Errors as in http/http.h. */
struct sut_tuf_fetcher {
	int (*get)(void *ctx, const char *url, size_t max, struct sut_buf *out,
		   struct sut_err *err);
	int (*get_file)(void *ctx, const char *url, int fd, uint64_t have, uint64_t max,
			struct sut_err *err);
	void *ctx;
};

struct sut_http;
/* The fetcher that uses lib/http. */
struct sut_tuf_fetcher sut_tuf_fetch_http(struct sut_http *h);

struct sut_tuf_client_opts {
	const char *metadata_dir;
	const char *metadata_url; /* with or without '/' at the end */
	const char *targets_url;  /* NULL when nothing is downloaded */
	struct sut_tuf_fetcher fetcher;
	int64_t now; /* seconds since the epoch, UTC */
};

struct sut_tuf_client;

/* Puts the trusted root into the folder, without network. What else is there is removed. */
int sut_tuf_init(const char *metadata_dir, const void *root, size_t len,
		 struct sut_err *err) _must_check_;

/* Copies the strings of opts. */
int sut_tuf_client_new(const struct sut_tuf_client_opts *opts, struct sut_tuf_client **ret,
		       struct sut_err *err) _must_check_;
void sut_tuf_client_free(struct sut_tuf_client *c);
void sut_tuf_client_freep(struct sut_tuf_client **c);

/* Root, timestamp, snapshot, targets. Once per client; a second call is -EALREADY. */
int sut_tuf_refresh(struct sut_tuf_client *c, struct sut_err *err) _must_check_;

/* Was anything new in the last refresh (other than nothing or an equal timestamp)? */
bool sut_tuf_changed(const struct sut_tuf_client *c);

/* Refreshes when that was not done, then walks the delegations (5.6.7). Strings of *ret live as long as c.
 * -ENOENT (reason "no-target") when nobody in charge knows it. */
int sut_tuf_find(struct sut_tuf_client *c, const char *path, struct sut_tuf_target *ret,
		 struct sut_err *err) _must_check_;

/*
 * Calls each() for every target that sut_tuf_find() would find, in the order of their paths, after
 * reading the files of all roles. want (may be NULL) says which paths are of interest. What each()
 * returns below 0 ends it and is returned. -ELOOP when there are more than SUT_TUF_ROLES_MAX roles.
 */
int sut_tuf_each(struct sut_tuf_client *c, bool (*want)(void *ctx, const char *path),
		 int (*each)(void *ctx, const struct sut_tuf_target *t, struct sut_err *err),
		 void *ctx, struct sut_err *err) _must_check_;

/* The same for roles: "targets" and all that are delegated to, each once. */
int sut_tuf_each_role(struct sut_tuf_client *c,
		      int (*each)(void *ctx, const char *role, const struct sut_tuf_meta *m,
				  struct sut_err *err),
		      void *ctx, struct sut_err *err) _must_check_;

/*
 * Downloads a target that was found to dir/NAME, where NAME is the percent-encoded path (one level). Resumes
 * NAME.part of an earlier try; a file that is there and right is not fetched again. The file appears
 * under its name only when length and every known hash are right. *ret_path is the caller's to free.
 */
int sut_tuf_download(struct sut_tuf_client *c, const struct sut_tuf_target *t, const char *dir,
		     char **ret_path, struct sut_err *err) _must_check_;

/* What is trusted, for status displays; NULL before refresh. */
const struct sut_tuf_meta *sut_tuf_client_meta(const struct sut_tuf_client *c,
					       enum sut_tuf_type type);

#endif
