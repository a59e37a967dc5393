// SPDX-License-Identifier: Apache-2.0
/* repo/signer/protocol.h: whatever a client may send, its length first. */
#include <string.h>

#include "fuzz.h"
#include "signer/protocol.h"

static void check(const struct sut_signer_request *q)
{
	_Bool snapshot = q->op == SUT_SIGNER_SNAPSHOT;

	FUZZ_ASSERT(q->doc && q->op >= SUT_SIGNER_SNAPSHOT && q->op <= SUT_SIGNER_STATUS);
	FUZZ_ASSERT(snapshot || (!q->root && !q->roles));
	FUZZ_ASSERT(q->nroles <= SUT_SIGNER_ROLES_MAX);
	for (size_t i = 0; i < q->nroles; i++) {
		const char *name = q->roles[i].name;

		FUZZ_ASSERT(q->roles[i].version >= 1);
		FUZZ_ASSERT(name[0] && name[0] != '.' && !strchr(name, '/') &&
			    strlen(name) <= SUT_SIGNER_NAME_MAX);
		for (size_t j = 0; j < i; j++)
			FUZZ_ASSERT(strcmp(name, q->roles[j].name) != 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sut_signer_request q = {0};
	struct sut_err err = {0};
	size_t len = 0;

	if (size < SUT_SIGNER_HEAD)
		return 0;
	if (sut_signer_head(data, SUT_SIGNER_REQUEST_MAX, &len, &err) < 0)
		FUZZ_ASSERT(err.code && !len);
	else
		FUZZ_ASSERT(len >= 1 && len <= SUT_SIGNER_REQUEST_MAX);
	/* Any length: the loop only calls this with the right one. */
	err = (struct sut_err){0};
	if (sut_signer_request_parse(data + SUT_SIGNER_HEAD, size - SUT_SIGNER_HEAD, &q, &err) == 0)
		check(&q);
	else
		FUZZ_ASSERT(!q.doc && err.code && err.msg[0] && err.reason[0]);
	sut_signer_request_release(&q);
	return 0;
}
