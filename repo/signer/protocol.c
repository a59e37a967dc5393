// SPDX-License-Identifier: Apache-2.0
#include "signer/protocol.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "tuf/json.h"

static const char *const ops[] = {
	[SUT_SIGNER_SNAPSHOT] = "snapshot",
	[SUT_SIGNER_TIMESTAMP] = "timestamp",
	[SUT_SIGNER_STATUS] = "status",
};

bool sut_signer_role_ok(const char *name)
{
	static const char *const top[] = {"root", "snapshot", "timestamp"};
	size_t n = strlen(name);

	if (n == 0 || n > SUT_SIGNER_NAME_MAX || !isalnum((unsigned char)name[0]))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)name[i]) && !strchr("._-", name[i]))
			return false;
	for (size_t i = 0; i < SUT_ARRAY_SIZE(top); i++)
		if (sut_streq(name, top[i]))
			return false;
	return true;
}

int sut_signer_head(const uint8_t head[static SUT_SIGNER_HEAD], size_t max, size_t *ret,
		    struct sut_err *err)
{
	size_t len = (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];

	if (len == 0 || len > max)
		return sut_err_reason(err, EMSGSIZE, "format",
				      "a message of %zu bytes (1 to %zu are allowed). Use the "
				      "suture-repo and the suture-signer of one version",
				      len, max);
	*ret = len;
	return 0;
}

static int bad(struct sut_err *err, const char *what)
{
	return sut_err_reason(err, EBADMSG, "format",
			      "the request is malformed: %s. Use the suture-repo and the "
			      "suture-signer of one version",
			      what);
}

static int parse_roles(const json_t *list, struct sut_signer_request *r, struct sut_err *err)
{
	const char *name;
	json_t *v;

	if (!json_is_object(list))
		return bad(err, "\"roles\" is not an object");
	if (json_object_size(list) > SUT_SIGNER_ROLES_MAX)
		return bad(err, "too many roles");
	r->roles = calloc(json_object_size(list) + 1, sizeof(*r->roles));
	if (!r->roles)
		return sut_err_oom(err);
	json_object_foreach((json_t *)list, name, v) {
		if (!sut_signer_role_ok(name))
			return bad(err, "a role has a name that cannot be one");
		if (!json_is_integer(v) || json_integer_value(v) < 1)
			return bad(err, "the version of a role is not a number from 1");
		r->roles[r->nroles++] = (struct sut_signer_role){name, json_integer_value(v)};
	}
	return 0;
}

static int parse_members(struct sut_signer_request *r, struct sut_err *err)
{
	const char *key;
	json_t *v;
	int ret;

	json_object_foreach(r->doc, key, v) {
		if (sut_streq(key, "op")) {
			for (size_t i = 1; json_is_string(v) && i < SUT_ARRAY_SIZE(ops); i++)
				if (sut_streq(json_string_value(v), ops[i]))
					r->op = (enum sut_signer_op)i;
		} else if (sut_streq(key, "roles")) {
			ret = parse_roles(v, r, err);
			if (ret < 0)
				return ret;
		} else if (sut_streq(key, "root")) {
			if (!json_is_string(v))
				return bad(err, "\"root\" is not a text");
			r->root = json_string_value(v);
			r->root_len = json_string_length(v);
		} else {
			return bad(err, "it has a member that is not known");
		}
	}
	if (!r->op)
		return bad(err, "\"op\" is none of snapshot, timestamp and status");
	if (r->op != SUT_SIGNER_SNAPSHOT && (r->root || r->roles))
		return bad(err, "only \"snapshot\" takes roles and a root");
	return 0;
}

int sut_signer_request_parse(const void *data, size_t len, struct sut_signer_request *ret,
			     struct sut_err *err)
{
	_cleanup_(sut_signer_request_release) struct sut_signer_request r = {0};
	int e;

	if (len > SUT_SIGNER_REQUEST_MAX)
		return bad(err, "it is too long");
	e = sut_json_parse(data, len, "the request", &r.doc, err);
	if (e == -ENOMEM)
		return e;
	if (e < 0)
		return sut_err_reason(err, EBADMSG, "format", "%s", err ? err->msg : "");
	e = parse_members(&r, err);
	if (e < 0)
		return e;
	*ret = r;
	r = (struct sut_signer_request){0};
	return 0;
}

void sut_signer_request_release(struct sut_signer_request *r)
{
	json_decref(r->doc);
	free(r->roles);
	*r = (struct sut_signer_request){0};
}

/* Adds j with its length in front. */
static int put(const json_t *j, size_t max, struct sut_buf *out, struct sut_err *err)
{
	_cleanup_(sut_freep) char *text = json_dumps(j, JSON_COMPACT | JSON_SORT_KEYS);
	uint8_t head[SUT_SIGNER_HEAD];
	size_t n;
	int r;

	if (!text)
		return sut_err_oom(err);
	n = strlen(text);
	if (n > max)
		return sut_err_reason(err, EMSGSIZE, "format",
				      "a message of %zu bytes (at most %zu). Divide the metadata "
				      "into fewer roles",
				      n, max);
	head[0] = (uint8_t)(n >> 24);
	head[1] = (uint8_t)(n >> 16);
	head[2] = (uint8_t)(n >> 8);
	head[3] = (uint8_t)n;
	r = sut_buf_reserve(out, sizeof(head) + n);
	if (r == 0)
		r = sut_buf_add(out, head, sizeof(head));
	if (r == 0)
		r = sut_buf_add(out, text, n);
	return r < 0 ? sut_err_oom(err) : 0;
}

int sut_signer_request_format(enum sut_signer_op op, const struct sut_signer_role *roles,
			      size_t nroles, const struct sut_buf *root, struct sut_buf *out,
			      struct sut_err *err)
{
	_cleanup_json_ json_t *j = json_pack("{s:s}", "op", ops[op]);

	if (!j)
		return sut_err_oom(err);
	if (nroles) {
		json_t *list = json_object();

		if (json_object_set_new(j, "roles", list) < 0)
			return sut_err_oom(err);
		for (size_t i = 0; i < nroles; i++) {
			if (!sut_signer_role_ok(roles[i].name))
				return sut_err_reason(err, EINVAL, "format",
						      "the role '%s' cannot be signed for: names "
						      "have letters, digits, '.', '_' and '-'",
						      roles[i].name);
			if (json_object_set_new(list, roles[i].name,
						json_integer(roles[i].version)) < 0)
				return sut_err_oom(err);
		}
	}
	if (root &&
	    json_object_set_new(j, "root", json_stringn((const char *)root->data, root->len)) < 0)
		return sut_err_reason(err, EINVAL, "format",
				      "the new root is not UTF-8, or memory is short");
	return put(j, SUT_SIGNER_REQUEST_MAX, out, err);
}

int sut_signer_answer_format(json_t *j, struct sut_buf *out, struct sut_err *err)
{
	if (json_object_set_new(j, "ok", json_true()) < 0)
		return sut_err_oom(err);
	return put(j, SUT_SIGNER_ANSWER_MAX, out, err);
}

int sut_signer_refusal_format(const struct sut_err *why, struct sut_buf *out, struct sut_err *err)
{
	/* Names in messages may have been cut in the middle of a character. */
	_cleanup_json_ json_t *j =
		json_pack("{s:b,s:s,s:s}", "ok", 0, "reason",
			  why->reason[0] ? why->reason : "error", "message", why->msg);

	if (!j)
		j = json_pack("{s:b,s:s,s:s}", "ok", 0, "reason", "error", "message",
			      "refused; the log of suture-signer says why");
	return j ? put(j, SUT_SIGNER_ANSWER_MAX, out, err) : sut_err_oom(err);
}

int sut_signer_answer_parse(const void *data, size_t len, json_t **ret, struct sut_err *err)
{
	_cleanup_json_ json_t *j = NULL;
	const json_t *ok;
	int r = sut_json_parse(data, len, "the signer's answer", &j, err);

	if (r == -ENOMEM)
		return r;
	ok = json_object_get(j, "ok");
	if (r < 0 || !json_is_boolean(ok))
		return sut_err_reason(err, EPROTO, "format",
				      "what the signer says is no answer. Use the suture-repo and "
				      "the suture-signer of one version");
	if (json_is_false(ok)) {
		const char *reason = json_string_value(json_object_get(j, "reason"));
		const char *msg = json_string_value(json_object_get(j, "message"));

		return sut_err_reason(err, EBADMSG, reason ? reason : "error", "%s",
				      msg ? msg : "the signer refuses and does not say why");
	}
	*ret = sut_steal(j);
	return 0;
}
