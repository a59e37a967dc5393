/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and systems for tests of the portal: short ways to make them, and an agent that checks in. */
#ifndef SUTURE_TESTS_SAMPLE_FLEET_H
#define SUTURE_TESTS_SAMPLE_FLEET_H

#include "sample_portal.h"

#define SAMPLE_BUILD_ID "6d1c0f5f5e1c7f1bb6b9b7b0b3a6f6c1d2e3f405"

struct sample_key {
	char id[SUT_UID_LEN + 1], key[SUT_TOKEN_MAX];
};

/* What an agent keeps. */
struct sample_agent {
	char machine_id[65], product_uuid[65], hostname[64];
	char id[SUT_UID_LEN + 1], credential[SUT_TOKEN_MAX];
	int64_t serial;
	/* of the next report */
	const char *state, *patchset, *boot_id, *more; /* more: further members, ",\"x\":1" */
	int64_t level;
};

/* A key of tenant[t] by its key manager. body: NULL for "{}". */
void sample_key_new(struct sample_server *s, int t, const char *body, struct sample_key *ret);
/* machine_id and hostname are made of the name, product_uuid is uuid. */
void sample_agent_init(struct sample_agent *a, const char *name, const char *uuid);
/* POST /v1/enroll; the status. Keeps what the answer says. more: further members of the body; NULL. */
int sample_enroll(struct sample_server *s, struct sample_agent *a, const char *token,
		  const char *key, const char *more);
/* POST /v1/checkin with the agent's serial and this nonce; the status. The answer's serial is not kept. */
int sample_checkin(struct sample_server *s, struct sample_agent *a, const char *nonce);
/* The same, and its answer arrives. */
void sample_beat(struct sample_server *s, struct sample_agent *a);

#endif
