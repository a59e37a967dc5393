/* SPDX-License-Identifier: Apache-2.0 */
/* /etc/suture/signer.conf: lines "key = value", and "#" for comments (docs/man/suture-signer.md). */
#ifndef SUTURE_REPO_SIGNER_CONFIG_H
#define SUTURE_REPO_SIGNER_CONFIG_H

#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/str.h"

#define SUT_SIGNER_CONFIG "/etc/suture/signer.conf"

enum { SUT_SIGNER_CONFIG_MAX = 64 << 10, SUT_SIGNER_ALLOWED_MAX = 64 };

struct sut_signer_config {
	char *metadata;			     /* folder of N.ROLE.json, only read */
	char *root;			     /* the root trusted at the first start */
	char *state;			     /* our folder */
	char *socket;			     /* "": the one systemd hands over */
	char *socket_group;		     /* "": the group of the process */
	struct sut_strv snapshot, timestamp; /* files of private keys */
	struct sut_strv users, groups;	     /* who may ask: names or numbers */
	int64_t snapshot_sec, timestamp_sec; /* for how long documents are valid */
};

/* A pure function of bytes. -EBADMSG names the line. "credential:NAME" for a key is a file in credentials
 * (may be NULL). */
int sut_signer_config_parse(const void *data, size_t len, const char *credentials,
			    struct sut_signer_config *ret, struct sut_err *err) _must_check_;
void sut_signer_config_release(struct sut_signer_config *c);

/* Who may ask, as numbers. */
struct sut_signer_allowed {
	uid_t uids[SUT_SIGNER_ALLOWED_MAX];
	gid_t gids[SUT_SIGNER_ALLOWED_MAX];
	size_t nuids, ngids;
};

/* Looks the names up. -ENOENT names one that this system does not know. */
int sut_signer_config_allowed(const struct sut_signer_config *c, struct sut_signer_allowed *ret,
			      struct sut_err *err) _must_check_;
int sut_signer_config_gid(const char *name, gid_t *ret, struct sut_err *err) _must_check_;

#endif
