// SPDX-License-Identifier: Apache-2.0
#include "stop.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "crypto/sha256.h"
#include "edit.h"
#include "tuf/json.h"
#include "uapi/suture.h"

static const char *const words[] = {
	[SUT_STOP_NONE] = "none",
	[SUT_STOP_HALT] = "halt",
	[SUT_STOP_UNLOAD] = "unload",
};

const char *sut_stop_word(enum sut_stop_action a)
{
	return words[a];
}

static int add_build_ids(json_t *custom, const struct sut_strv *ids, struct sut_err *err)
{
	json_t *list;

	if (!ids->n)
		return 0;
	if (ids->n > SUT_STOP_BUILD_IDS_MAX)
		return sut_err_set(
			err, EINVAL,
			"%zu build-ids (at most %d). Without --build-id the flag is for all "
			"kernels",
			ids->n, SUT_STOP_BUILD_IDS_MAX);
	list = json_array();
	if (json_object_set_new(custom, "build_ids", list) < 0)
		return sut_err_oom(err);
	for (size_t i = 0; i < ids->n; i++) {
		uint8_t raw[SUTURE_BUILD_ID_LEN];
		char hex[2 * SUTURE_BUILD_ID_LEN + 1];

		if (sut_unhex(ids->v[i], raw, sizeof(raw)) < 0)
			return sut_err_set(
				err, EINVAL,
				"'%s' is no build-id of a kernel (%d hexadecimal digits)",
				ids->v[i], 2 * SUTURE_BUILD_ID_LEN);
		sut_hex(raw, sizeof(raw), hex);
		if (json_array_append_new(list, json_string(hex)) < 0)
			return sut_err_oom(err);
	}
	return 0;
}

static int make_custom(enum sut_stop_action action, const char *reason, const struct sut_strv *ids,
		       int64_t since, json_t **ret, struct sut_err *err)
{
	_cleanup_json_ json_t *custom = NULL;
	char time[32];
	int r;

	if (!reason[0] || strlen(reason) > SUT_STOP_REASON_MAX)
		return sut_err_set(err, EINVAL,
				   "a reason of 1 to %d bytes is needed: it is what operators of "
				   "servers read",
				   SUT_STOP_REASON_MAX);
	sut_tuf_time_format(since, time);
	custom = json_pack("{s:s,s:s,s:s}", "action", words[action], "reason", reason, "since",
			   time);
	if (!custom)
		return sut_err_set(err, EINVAL, "the reason is not UTF-8, or memory is short");
	r = add_build_ids(custom, ids, err);
	if (r == 0)
		*ret = sut_steal(custom);
	return r;
}

int sut_stop_set(struct sut_change *c, enum sut_stop_action action, const char *reason,
		 const struct sut_strv *build_ids, int64_t since, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf text = SUT_BUF_INIT(128 << 10);
	_cleanup_(sut_freep) char *role = NULL, *path = NULL;
	_cleanup_json_ json_t *custom = NULL, *entry = NULL;
	char hex[SUT_SHA256_HEX];
	json_t *signed_part;
	int r = make_custom(action, reason, build_ids, since, &custom, err);

	if (r == 0)
		r = sut_json_canonical(custom, &text, err);
	if (r < 0)
		return r;
	sut_sha256_hex(text.data, text.len, hex);
	path = sut_sprintf("targets/stop/%s.flag.json", hex);
	entry = json_pack("{s:I,s:{s:s},s:O}", "length", (json_int_t)text.len, "hashes", "sha256",
			  hex, "custom", custom);
	if (!path || !entry)
		return sut_err_oom(err);
	r = sut_edit_owner(c, SUT_STOP_PATH, &role, err);
	if (r == 0)
		r = sut_change_add_file(c, path, text.data, text.len, err);
	if (r == 0)
		r = sut_change_edit(c, role, &signed_part, err);
	if (r == 0 &&
	    json_object_set(json_object_get(signed_part, "targets"), SUT_STOP_PATH, entry) < 0)
		r = sut_err_oom(err);
	return r;
}

const json_t *sut_stop_get(const struct sut_change *c)
{
	_cleanup_(sut_freep) char *role = NULL;
	const json_t *signed_part;

	if (sut_edit_owner(c, SUT_STOP_PATH, &role, NULL) < 0)
		return NULL;
	signed_part = sut_change_peek(c, role);
	return json_object_get(
		json_object_get(json_object_get(signed_part, "targets"), SUT_STOP_PATH), "custom");
}
