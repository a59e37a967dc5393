/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the client share; only for this folder. */
#ifndef SUTURE_TUF_REFRESH_H
#define SUTURE_TUF_REFRESH_H

#include "tuf/client.h"
#include "tuf/store.h"
#include "tuf/trusted.h"

enum sut_tuf_state { SUT_TUF_FRESH = 0, SUT_TUF_REFRESHED, SUT_TUF_FAILED };

struct sut_tuf_client {
	char *metadata_url, *targets_url; /* without '/' at the end */
	struct sut_tuf_fetcher fetcher;
	int64_t now;
	struct sut_tuf_store *store;
	struct sut_tuf_trusted *trusted;
	enum sut_tuf_state state;
	bool changed;
};

/* The targets file of role, for which delegator has the keys: the local copy when the snapshot names
 * it, or a fetched one, which is then persisted. */
int sut_tuf_load_role(struct sut_tuf_client *c, const char *role, const char *delegator,
		      const struct sut_tuf_meta **ret, struct sut_err *err) _must_check_;

#endif
