/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who this machine is to its portal: AGENT_IDENTITY, 0600, written whole and durably. docs/formats/checkin.md says what
 * must be on disk before what is sent.
 */
#ifndef SUTURE_AGENT_SUTURED_IDENTITY_H
#define SUTURE_AGENT_SUTURED_IDENTITY_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "auth/token.h"
#include "base/err.h"
#include "common/conf.h"

enum {
	IDENTITY_MAX = 16 << 10, /* bytes of the file */
	IDENTITY_NONCE = 32,	 /* hexadecimal digits */
	IDENTITY_MACHINE = 32,
	IDENTITY_EXTERNAL = 255, /* bytes */
};

struct identity {
	char system_id[SUT_UID_LEN + 1]; /* "": not registered */
	char credential[SUT_TOKEN_MAX];	 /* secret */
	int64_t serial;			 /* for the next check-in */
	char nonce[IDENTITY_NONCE + 1];	 /* of a check-in that has no answer yet; "" */
	char portal[AGENT_URL_MAX + 1];
	char repository[AGENT_URL_MAX + 1]; /* as the portal said at enrolment; "" */
	char feed[AGENT_NAME_MAX + 1];
	char external_id[IDENTITY_EXTERNAL + 1]; /* the platform's name for this system; "" */
	bool ca;			       /* the portal's authority lies in AGENT_PORTAL_CA */
	int64_t registered_at;		       /* seconds since the epoch */
	int64_t heard_at;		       /* last answer of the portal; 0: none */
	char machine_id[IDENTITY_MACHINE + 1]; /* as it was then */
	char trouble[SUT_ERR_REASON_MAX];      /* "cloned", "credential-replaced", …; "" */
	char next
		[SUT_TOKEN_MAX]; /* secret: a credential that was made for an enrolment or a split whose answer did not come yet; "" */
};

static inline bool identity_registered(const struct identity *i)
{
	return i->system_id[0];
}

/* Pure. -EBADMSG names the member. */
int identity_parse(const void *text, size_t len, struct identity *ret,
		   struct sut_err *err) _must_check_;
json_t *identity_json(const struct identity *i);

/* Empty when there is no file. -EBADMSG: it was damaged, and was moved aside (identity.json.damaged): *ret is empty,
 * too, and err says what to do. */
int identity_read(const char *root, struct identity *ret, struct sut_err *err) _must_check_;
int identity_write(const char *root, const struct identity *i, struct sut_err *err) _must_check_;
void identity_wipe(struct identity *i);

#endif
