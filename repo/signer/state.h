/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the signer has signed, so that it never signs less again: STATE/state.json, written
 * before an answer leaves. Whoever can write the metadata folder cannot write this.
 */
#ifndef SUTURE_REPO_SIGNER_STATE_H
#define SUTURE_REPO_SIGNER_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "tuf/meta.h"

enum { SUT_SIGNER_STATE_MAX = 8 << 20 };

struct sut_signer_state {
	int64_t timestamp_version; /* of the last one signed; 0: none yet */
	int64_t snapshot_version;
	struct sut_buf root;	    /* text of the newest root seen in the metadata folder */
	struct sut_buf snapshot;    /* text of the last one signed; empty: none yet */
	struct sut_tuf_meta *floor; /* the same, parsed; NULL: none yet */
	struct sut_strv keyids;	    /* of snapshot and timestamp, in the root it was signed under */
};

/* A pure function of bytes. -EBADMSG, reason "state". */
int sut_signer_state_parse(const void *data, size_t len, struct sut_signer_state *ret,
			   struct sut_err *err) _must_check_;
int sut_signer_state_format(const struct sut_signer_state *s, struct sut_buf *out,
			    struct sut_err *err) _must_check_;

/* -ENOENT when nothing was signed yet. */
int sut_signer_state_read(const char *dir, struct sut_signer_state *ret,
			  struct sut_err *err) _must_check_;
int sut_signer_state_write(const char *dir, const struct sut_signer_state *s,
			   struct sut_err *err) _must_check_;
void sut_signer_state_release(struct sut_signer_state *s);

/*
 * Has the root taken away a key of snapshot or timestamp since the last signing? Clients then
 * forget what they had of both (TUF 5.3.11), which is how a repository recovers from stolen keys of
 * roles: what was signed before no longer binds.
 */
bool sut_signer_state_rotated(const struct sut_signer_state *s, const struct sut_tuf_meta *root);

/* keyids of s become those of the root. */
int sut_signer_state_bind(struct sut_signer_state *s, const struct sut_tuf_meta *root,
			  struct sut_err *err) _must_check_;

#endif
