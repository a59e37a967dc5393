/* SPDX-License-Identifier: Apache-2.0 */
/* The repository, over the network: TUF metadata in AGENT_TUF, targets by way of AGENT_DOWNLOAD. The worker's. */
#ifndef SUTURE_AGENT_SUTURED_REPOSITORY_H
#define SUTURE_AGENT_SUTURED_REPOSITORY_H

#include "sutured/net.h"
#include "tuf/client.h"

struct repository {
	struct net *net;
	struct sut_http *http;
	struct sut_tuf_client *tuf;
	char targets[AGENT_URL_MAX + sizeof("/targets")];
};

/*
 * Reads what is trusted, and brings it up to date. The first time AGENT_TUF is made from AGENT_ROOT_JSON (-ENOENT, reason
 * "no-root", when there is none), and again when root has replaced that file by another one.
 * Reasons: those of tuf/trusted.h, "not-registered".
 */
int repository_open(struct net *n, struct repository *ret, struct sut_err *err) _must_check_;
void repository_close(struct repository *r);

/*
 * What there is for this build (published.h; old, may be NULL: what was known, for the times of first sight): the
 * highest levels, those of more, and those that are called as ids say. Nothing is read when the snapshot is the one of old and has
 * them.
 */
struct repository_wants {
	uint32_t levels[4];
	const char *ids[2]; /* NULL, "": none */
};
struct half;
int repository_list(struct repository *r, const struct half *h, const json_t *old,
		    const struct repository_wants *more, json_t **ret,
		    struct sut_err *err) _must_check_;

/*
 * The same for a library: {"build_id", "snapshot", "levels", "asked", "stop", "soname", "package", "package_version"}; what it is
 * called is there when the repository says it. Without levels there is nothing for it.
 */
int repository_list_library(struct repository *r, const char *build_id, const json_t *old,
			    const struct repository_wants *more, json_t **ret,
			    struct sut_err *err) _must_check_;

/*
 * Fetches a target and its .sig, as memfds sealed against every change, the caller's. max: bytes. What was fetched in part
 * before is taken up. -ENOENT (reason "no-target"), -ENOSPC (reason "disk-full").
 */
int repository_fetch(struct repository *r, struct task *t, const char *path, int64_t max,
		     int *ret_file, int *ret_sig, char ret_sha256[static SUT_DIGEST_HEX_MAX],
		     struct sut_err *err) _must_check_;
/* Removes what lies in AGENT_DOWNLOAD, but for keep (NULL: none): the path of a target. */
void repository_tidy(struct net *n, const char *keep);

#endif
