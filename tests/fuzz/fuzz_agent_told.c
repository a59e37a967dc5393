// SPDX-License-Identifier: Apache-2.0
/* What a portal answers, what an identity file holds, what os-release says: all that sutured reads. */
#include <string.h>

#include "fuzz.h"
#include "sutured/enrol.h"
#include "sutured/facts.h"
#include "sutured/told.h"

static void answers(const json_t *j)
{
	struct told t;
	struct enrolled e;
	struct sut_err err = {0};

	if (told_parse(j, &t, &err) == 0) {
		const char *action = json_string_value(json_object_get(t.kernel, "action"));

		FUZZ_ASSERT(t.serial >= 0 && t.serial < INT64_C(1) << 53);
		FUZZ_ASSERT(t.next_checkin_s >= 1 && t.next_checkin_s <= 86400);
		FUZZ_ASSERT(t.next_check_s >= 60 && t.next_check_s <= 7 * 86400);
		FUZZ_ASSERT(strlen(t.feed) <= AGENT_NAME_MAX);
		FUZZ_ASSERT(action);
		FUZZ_ASSERT(json_array_size(t.held) <= TOLD_HELD_MAX);
		FUZZ_ASSERT(json_array_size(t.notices) <= TOLD_NOTICES_MAX);
		if (!strcmp(action, "apply")) {
			const char *sha = json_string_value(json_object_get(t.kernel, "sha256"));

			FUZZ_ASSERT(sha && strlen(sha) == 64);
			FUZZ_ASSERT(json_integer_value(json_object_get(t.kernel, "level")) > 0);
			FUZZ_ASSERT(json_integer_value(json_object_get(t.kernel, "length")) > 0);
		}
		told_release(&t);
	} else {
		FUZZ_ASSERT(err.msg[0]);
	}
	if (enrolled_parse(j, &e, &err) == 0) {
		FUZZ_ASSERT(sut_uid_ok(e.system_id));
		FUZZ_ASSERT(e.serial >= 0 && e.next_checkin_s >= 0 && e.next_checkin_s < 300);
		FUZZ_ASSERT(!*e.repository || !strncmp(e.repository, "http", 4));
	}
}

static void identities(const uint8_t *data, size_t size)
{
	struct identity i, again;
	struct sut_err err = {0};
	char *text;
	json_t *j;

	if (identity_parse(data, size, &i, &err) < 0) {
		FUZZ_ASSERT(err.msg[0]);
		return;
	}
	FUZZ_ASSERT(!*i.system_id == !*i.credential);
	FUZZ_ASSERT(!identity_registered(&i) || *i.portal);
	/* What is read is what would be written. */
	j = identity_json(&i);
	text = j ? json_dumps(j, 0) : NULL;
	if (text && strlen(text) <= IDENTITY_MAX) {
		FUZZ_ASSERT(identity_parse(text, strlen(text), &again, &err) == 0);
		FUZZ_ASSERT(!strcmp(i.credential, again.credential) && i.serial == again.serial);
		FUZZ_ASSERT(!strcmp(i.feed, again.feed) && i.ca == again.ca);
	}
	free(text);
	json_decref(j);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char distribution[FACTS_TEXT_MAX + 1];
	json_t *j = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);

	if (j)
		answers(j);
	json_decref(j);
	identities(data, size);
	facts_distribution((const char *)data, size, distribution);
	FUZZ_ASSERT(strlen(distribution) <= FACTS_TEXT_MAX);
	return 0;
}
