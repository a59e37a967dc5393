/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <string.h>

#include "sample_fleet.h"

void sample_key_new(struct sample_server *s, int t, const char *body, struct sample_key *ret)
{
	*ret = (struct sample_key){0};
	sample_call(s, "POST", "/v1/keys", s->tenant[t].token[SAMPLE_KEYS], body ? body : "{}");
	assert_status(s, 201);
	snprintf(ret->id, sizeof(ret->id), "%s", sample_text(s, "id"));
	if (json_object_get(s->json, "key"))
		snprintf(ret->key, sizeof(ret->key), "%s", sample_text(s, "key"));
}

void sample_agent_init(struct sample_agent *a, const char *name, const char *uuid)
{
	*a = (struct sample_agent){
		.serial = 1, .state = "current", .patchset = "", .boot_id = "boot-1", .more = ""};
	snprintf(a->machine_id, sizeof(a->machine_id), "machine-%s", name);
	snprintf(a->product_uuid, sizeof(a->product_uuid), "%s", uuid);
	snprintf(a->hostname, sizeof(a->hostname), "%s", name);
}

int sample_enroll(struct sample_server *s, struct sample_agent *a, const char *token,
		  const char *key, const char *more)
{
	char body[1024];

	snprintf(body, sizeof(body),
		 "{\"key\":\"%s\",\"system\":{\"machine_id\":\"%s\",\"product_uuid\":\"%s\","
		 "\"hostname\":\"%s\"}%s}",
		 key, a->machine_id, a->product_uuid, a->hostname, more ? more : "");
	sample_call(s, "POST", "/v1/enroll", token, body);
	if (s->status == 200 || s->status == 201) {
		snprintf(a->id, sizeof(a->id), "%s", sample_text(s, "system_id"));
		if (json_object_get(s->json, "credential"))
			snprintf(a->credential, sizeof(a->credential), "%s",
				 sample_text(s, "credential"));
		a->serial = sample_int(s, "serial");
	}
	return s->status;
}

int sample_checkin(struct sample_server *s, struct sample_agent *a, const char *nonce)
{
	char body[4096];

	snprintf(
		body, sizeof(body),
		"{\"serial\":%lld,\"nonce\":\"%s\",\"machine_id\":\"%s\",\"product_uuid\":\"%s\","
		"\"boot_id\":\"%s\",\"state\":\"%s\",\"level\":%lld,\"patchset\":\"%s\","
		"\"uptime_s\":100,\"kernel\":{\"release\":\"6.1.0-47-cloud-amd64\",\"arch\":\"x86_64\","
		"\"build_id\":\"" SAMPLE_BUILD_ID "\"}%s}",
		(long long)a->serial, nonce, a->machine_id, a->product_uuid, a->boot_id, a->state,
		(long long)a->level, a->patchset, a->more);
	return sample_call(s, "POST", "/v1/checkin", a->credential, body);
}

void sample_beat(struct sample_server *s, struct sample_agent *a)
{
	static int n;
	char nonce[32];

	snprintf(nonce, sizeof(nonce), "sample-nonce-%d", ++n);
	sample_checkin(s, a, nonce);
	assert_status(s, 200);
	a->serial = sample_int(s, "serial");
}
