// SPDX-License-Identifier: Apache-2.0
#include "sutured/identity.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/secret.h"
#include "base/str.h"
#include "base/utf8.h"
#include "common/paths.h"
#include "json/parse.h"
#include "sutured/state.h"

#define FORMAT "suture-identity"

enum { SERIAL_MAX_BITS = 53 };

static const int64_t serial_max = (INT64_C(1) << SERIAL_MAX_BITS) - 2;

static int bad(struct sut_err *err, const char *member)
{
	return sut_err_reason(err, EBADMSG, "identity", "its member \"%s\" is not as it should be",
			      member);
}

static bool is_hex(const char *s)
{
	return strspn(s, "0123456789abcdef") == strlen(s);
}

static bool is_printable(const char *s)
{
	const uint8_t *p = (const uint8_t *)s, *end = p + strlen(s);

	while (p < end)
		if (!sut_is_printable(sut_utf8_next(&p, end)))
			return false;
	return true;
}

static bool is_url(const char *s)
{
	return (sut_startswith(s, "https://") || sut_startswith(s, "http://")) && is_printable(s);
}

static bool is_credential(const char *s)
{
	return sut_token_kind(s) == SUT_TOKEN_SYSTEM;
}

static bool is_nonce(const char *s)
{
	return strlen(s) == IDENTITY_NONCE && is_hex(s);
}

static bool is_machine(const char *s)
{
	return strlen(s) == IDENTITY_MACHINE && is_hex(s);
}

static bool is_word(const char *s)
{
	return strspn(s, "abcdefghijklmnopqrstuvwxyz-") == strlen(s);
}

#define TEXT(member, check)                                                                        \
	{                                                                                          \
#member, offsetof(struct identity, member),                                        \
			sizeof(((struct identity *)NULL)->member), check                           \
	}
#define NUMBER(member)                                                                             \
	{                                                                                          \
#member, offsetof(struct identity, member)                                         \
	}

static const struct {
	const char *name;
	size_t at, size;
	bool (*check)(const char *s); /* of one that is not "" */
} texts[] = {
	TEXT(system_id, sut_uid_ok),  TEXT(credential, is_credential),
	TEXT(nonce, is_nonce),	      TEXT(portal, is_url),
	TEXT(repository, is_url),     TEXT(feed, is_printable),
	TEXT(machine_id, is_machine), TEXT(trouble, is_word),
	TEXT(next, is_credential),    TEXT(external_id, is_printable),
};

static const struct {
	const char *name;
	size_t at;
} numbers[] = {NUMBER(serial), NUMBER(registered_at), NUMBER(heard_at)};

static int take(const json_t *j, struct identity *i, struct sut_err *err)
{
	if (!sut_streq(json_string_value(json_object_get(j, "format")), FORMAT) ||
	    json_integer_value(json_object_get(j, "version")) != 1)
		return bad(err, "format");
	for (size_t k = 0; k < SUT_ARRAY_SIZE(texts); k++) {
		const json_t *v = json_object_get(j, texts[k].name);
		const char *s = json_string_value(v);

		/* jansson refuses texts with NUL. */
		if (v && (!s || strlen(s) >= texts[k].size || (*s && !texts[k].check(s))))
			return bad(err, texts[k].name);
		if (s)
			memcpy((char *)i + texts[k].at, s, strlen(s) + 1);
	}
	for (size_t k = 0; k < SUT_ARRAY_SIZE(numbers); k++) {
		const json_t *v = json_object_get(j, numbers[k].name);
		int64_t value = (int64_t)json_integer_value(v);

		if ((v && !json_is_integer(v)) || value < 0 || value > serial_max)
			return bad(err, numbers[k].name);
		memcpy((char *)i + numbers[k].at, &value, sizeof(value));
	}
	if (json_object_get(j, "ca") && !json_is_boolean(json_object_get(j, "ca")))
		return bad(err, "ca");
	i->ca = json_is_true(json_object_get(j, "ca"));
	/* One without the other is of no use. */
	if (!*i->system_id != !*i->credential)
		return bad(err, "credential");
	if (*i->system_id && !*i->portal)
		return bad(err, "portal");
	return 0;
}

int identity_parse(const void *text, size_t len, struct identity *ret, struct sut_err *err)
{
	struct identity i = {0};
	json_t *j;
	int r;

	if (len > IDENTITY_MAX)
		return sut_err_reason(err, EBADMSG, "identity", "it has more than %d bytes",
				      IDENTITY_MAX);
	r = sut_json_object_parse(text ? text : "", len, SUT_JSON_DEPTH, &j, NULL);
	/* Short memory does not make it a damaged one. */
	if (r == -ENOMEM)
		return sut_err_oom(err);
	if (r < 0)
		return sut_err_reason(err, EBADMSG, "identity", "it is no JSON object");
	if (!json_is_object(j)) {
		json_decref(j);
		return sut_err_reason(err, EBADMSG, "identity", "it is no JSON object");
	}
	r = take(j, &i, err);
	json_decref(j);
	if (r == 0)
		*ret = i;
	identity_wipe(&i);
	return r;
}

json_t *identity_json(const struct identity *i)
{
	json_t *j = json_pack("{s:s, s:i, s:b}", "format", FORMAT, "version", 1, "ca", i->ca);
	int r = j ? 0 : -1;

	for (size_t k = 0; r == 0 && k < SUT_ARRAY_SIZE(texts); k++)
		if (*((const char *)i + texts[k].at))
			r = json_object_set_new(j, texts[k].name,
						json_string((const char *)i + texts[k].at));
	for (size_t k = 0; r == 0 && k < SUT_ARRAY_SIZE(numbers); k++) {
		int64_t v;

		memcpy(&v, (const char *)i + numbers[k].at, sizeof(v));
		if (v)
			r = json_object_set_new(j, numbers[k].name, json_integer(v));
	}
	if (r == 0)
		return j;
	json_decref(j);
	return NULL;
}

static int move_aside(const char *path, struct sut_err *why, struct sut_err *err)
{
	char aside[PATH_MAX + 16];

	(void)snprintf(aside, sizeof(aside), "%s.damaged", path);
	/* Where nothing can be written it stays, and is as good as none. */
	if (rename(path, aside) < 0)
		(void)snprintf(aside, sizeof(aside), "%s", path);
	return sut_err_reason(
		err, EBADMSG, "identity-damaged",
		"who this machine is to its portal is lost: %s was damaged (%s). Register it again "
		"by 'suture register'; it gets the same System ID",
		aside, why->msg);
}

int identity_read(const char *root, struct identity *ret, struct sut_err *err)
{
	const struct agent_path path = agent_path(root, AGENT_IDENTITY);
	_cleanup_(sut_secret_release) struct sut_buf b = SUT_BUF_INIT(IDENTITY_MAX);
	struct identity i = {0};
	struct sut_err why = {0};
	int r = sut_file_read(path.s, &b, &why);

	if (r == 0)
		r = identity_parse(b.data, b.len, &i, &why);
	if (r == -ENOENT)
		r = 0;
	if (r == -EBADMSG || r == -EFBIG) {
		*ret = i;
		return move_aside(path.s, &why, err);
	}
	if (r < 0) {
		if (err)
			*err = why;
		return r;
	}
	*ret = i;
	identity_wipe(&i);
	return 0;
}

int identity_write(const char *root, const struct identity *i, struct sut_err *err)
{
	const struct agent_path path = agent_path(root, AGENT_IDENTITY);
	json_t *j = identity_json(i);
	char *text = j ? json_dumps(j, JSON_INDENT(1) | JSON_PRESERVE_ORDER) : NULL;
	int r;

	json_decref(j);
	if (!text)
		return sut_err_oom(err);
	r = sut_file_write(path.s, text, strlen(text), 0600, err);
	explicit_bzero(text, strlen(text));
	free(text);
	return r;
}

void identity_wipe(struct identity *i)
{
	explicit_bzero(i, sizeof(*i));
}
