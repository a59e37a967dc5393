// SPDX-License-Identifier: Apache-2.0
#include "sutured/enrol.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "base/utf8.h"
#include "crypto/sha256.h"

static const int64_t serial_max = (INT64_C(1) << 53) - 2;

static int malformed(struct sut_err *err, const char *member)
{
	return sut_err_reason(
		err, EPROTO, "portal-malformed",
		"the portal's answer has no proper \"%s\". Is it the address of a portal, "
		"and not older than this agent?",
		member);
}

static void take_feed(const json_t *body, char ret[static AGENT_NAME_MAX + 1])
{
	const char *feed = json_string_value(json_object_get(body, "feed"));

	(void)snprintf(ret, AGENT_NAME_MAX + 1, "%s", feed ? feed : "");
	sut_make_printable(ret, "");
}

/* Only an address that we would speak to. One of plain HTTP is not taken from a portal of HTTPS. */
static void take_repository(const json_t *body, char ret[static AGENT_URL_MAX + 1])
{
	const char *url = json_string_value(json_object_get(body, "repository_url"));
	const char *at = json_string_value(json_object_get(body, "checkin_url"));
	bool secure = at && sut_startswith(at, "https://");

	*ret = '\0';
	if (!url || strlen(url) > AGENT_URL_MAX || strpbrk(url, " \t\"<>\\^`{|}?#@") ||
	    !(sut_startswith(url, "https://") || (!secure && sut_startswith(url, "http://"))))
		return;
	(void)snprintf(ret, AGENT_URL_MAX + 1, "%s", url);
	sut_make_printable(ret, "");
}

int enrolled_parse(const json_t *body, struct enrolled *ret, struct sut_err *err)
{
	const char *id = json_string_value(json_object_get(body, "system_id"));
	const json_t *serial = json_object_get(body, "serial");
	const json_t *next = json_object_get(body, "next_checkin_s");
	struct enrolled e = {.next_checkin_s = 30};

	if (!id || !sut_uid_ok(id))
		return malformed(err, "system_id");
	memcpy(e.system_id, id, sizeof(e.system_id));
	if (!json_is_integer(serial) || json_integer_value(serial) < 0 ||
	    json_integer_value(serial) > serial_max)
		return malformed(err, "serial");
	e.serial = (int64_t)json_integer_value(serial);
	if (json_is_integer(next) && json_integer_value(next) >= 0 &&
	    json_integer_value(next) < e.next_checkin_s * 10)
		e.next_checkin_s = (int64_t)json_integer_value(next);
	take_feed(body, e.feed);
	take_repository(body, e.repository);
	*ret = e;
	return 0;
}

int enrol_credential(struct net *n, bool fresh, struct sut_err *err)
{
	int r;

	if (*n->id.next && !fresh)
		return 0;
	r = sut_token_make(SUT_TOKEN_SYSTEM, n->id.next, err);
	if (r < 0)
		return r;
	/* Lost, it only means that an answer that is lost as well makes a second row's credential. */
	(void)!net_save(n, NULL);
	return 0;
}

int enrol_prove(struct net *n, json_t *body, struct sut_err *err)
{
	uint8_t hash[SUT_TOKEN_HASH];
	char hex[2 * SUT_TOKEN_HASH + 1];

	sut_token_hash(n->id.next, hash);
	sut_hex(hash, sizeof(hash), hex);
	if (json_object_set_new(body, "credential_sha256", json_string(hex)) < 0)
		return sut_err_oom(err);
	return 0;
}

int enrol_take(struct net *n, const struct enrolled *e, struct sut_err *err)
{
	struct identity *i = &n->id;

	memcpy(i->system_id, e->system_id, sizeof(i->system_id));
	memcpy(i->credential, i->next, sizeof(i->credential));
	explicit_bzero(i->next, sizeof(i->next));
	memcpy(i->feed, e->feed, sizeof(i->feed));
	if (*e->repository)
		memcpy(i->repository, e->repository, sizeof(i->repository));
	i->serial = e->serial;
	i->nonce[0] = i->trouble[0] = '\0';
	i->registered_at = i->heard_at = net_now(n);
	return net_save(n, err);
}
