// SPDX-License-Identifier: Apache-2.0
/* /install: one line installs the agent on a server and registers it. /agent/{file}: its packages. */
#include <errno.h>
#include <string.h>

#include "api/api.h"
#include "auth/token.h"
#include "fleet/key.h"
#include "install/anchors.h"
#include "install/script.h"
#include "portal.h"
#include "web/script.h"

static const char *const none[] = {NULL};

/* The script, with the key or without. */
static int answer(struct web_req *q, struct web_resp *r, const char *key, struct sut_err *err)
{
	const struct portal_conf *conf = &portal_of(q->server)->conf;
	_cleanup_buf_ struct sut_buf given = SUT_BUF_INIT(PACKAGES_CA_MAX),
				     ca = SUT_BUF_INIT(2 * PACKAGES_CA_MAX);
	_cleanup_anchors_ struct anchors anchors = ANCHORS_INIT;
	_cleanup_(sut_freep) struct package *v = NULL;
	struct script s = {.portal = conf->s.url, .key = key};
	struct sut_err why = {0};
	int rc;

	if (!conf->s.url || !conf->agent_dir)
		return web_problem(
			r, 503, "install-not-configured",
			"This portal does not hand out the agent. Its operator has to set url and "
			"agent-packages in portal.conf; until then install the package by hand "
			"and run: suture register");
	rc = packages_list(portal_of(q->server)->packages, &v, &s.npackages, err);
	if (rc == 0 && s.npackages == 0)
		return web_problem(
			r, 503, "install-not-configured",
			"This portal has no package of the agent. Its operator has to put one "
			"(NAME_VERSION_ARCH.deb, NAME-VERSION-RELEASE.ARCH.rpm) into the folder of "
			"agent-packages");
	if (anchors_read(conf->agent_dir, conf->repository_root, q->now, &anchors, &why) < 0)
		return web_problem(
			r, 503, "install-not-configured",
			"This portal cannot tell agents whom to believe: its root.json or a key beside the "
			"packages is not in order. Its operator has to run suture-portal doctor, which says "
			"what is wrong");
	if (rc == 0)
		rc = packages_ca(portal_of(q->server)->packages, &given, err);
	if (rc == 0)
		rc = web_script_ca(&given, conf->s.tls_cert, &ca, err);
	s.packages = v;
	s.ca = sut_buf_str(&ca);
	s.root = sut_buf_str(&anchors.root);
	s.keys = sut_buf_str(&anchors.keys);
	if (rc == 0)
		rc = script_write(&s, &r->raw, err);
	if (rc < 0)
		return rc;
	r->type = "text/x-shellscript; charset=utf-8";
	return 0;
}

static int get(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	int rc = web_only_args(q, r, none);

	return rc ? rc : answer(q, r, "", err);
}

static int unknown_key(struct web_resp *r)
{
	return web_problem(
		r, 403, "key-unknown",
		"there is no such registration key: look whether the body of the request is the key "
		"and nothing else, or have a key-manager make a new one");
}

/* The key of the body, without the space around it. False when it cannot be one. */
static bool take_key(const struct web_req *q, char ret[static FLEET_CUSTOMER_ID_MAX + 1])
{
	const char *s = q->raw, *end = s + q->raw_len;

	while (s < end && strchr(" \t\r\n", *s))
		s++;
	while (end > s && strchr(" \t\r\n", end[-1]))
		end--;
	if (s == end || end - s > FLEET_CUSTOMER_ID_MAX)
		return false;
	for (const char *c = s; c < end; c++)
		if (*c <= ' ' || *c > '~')
			return false;
	memcpy(ret, s, (size_t)(end - s));
	ret[end - s] = 0;
	return true;
}

/* Would POST /v1/enroll take it from here? Whether it still has room is seen then. */
static int check_key(struct web_req *q, struct web_resp *r, const char *text, struct sut_err *err)
{
	_cleanup_key_ struct fleet_key key = {0};
	uint8_t hash[SUT_TOKEN_HASH];
	int rc;

	if (sut_token_kind(text) == SUT_TOKEN_KEY) {
		sut_token_hash(text, hash);
		rc = fleet_key_by_hash(q->db, hash, &key, err);
	} else {
		rc = fleet_key_by_any_customer(q->db, text, &key, err);
	}
	/* A customer ID is no secret, so that it only counts from the networks of its key. */
	if (rc == 0 || (rc > 0 && key.customer && !json_array_size(key.networks)))
		return unknown_key(r);
	if (rc < 0)
		return rc;
	if (!fleet_key_network(&key, q->peer))
		return web_problem(
			r, 403, "key-network",
			"this registration key may not be used from %s: install from one of its "
			"networks, or have a key-manager add this one",
			q->peer);
	return fleet_key_refuse(&key, q->now, 0, r);
}

static int post(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	char key[FLEET_CUSTOMER_ID_MAX + 1] = "";
	int rc = web_only_args(q, r, none);

	if (rc == 0)
		rc = take_key(q, key) ? check_key(q, r, key, err) : unknown_key(r);
	if (rc == 0)
		rc = answer(q, r, key, err);
	explicit_bzero(key, sizeof(key));
	return rc;
}

static int file(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	int folder = -1, rc = web_only_args(q, r, none);

	if (rc)
		return rc;
	rc = packages_open(portal_of(q->server)->packages, q->params[0], &folder, NULL);
	if (rc < 0)
		return web_not_found(r, "package", q->params[0]);
	r->folder = folder;
	r->file = strdup(q->params[0]);
	if (!r->file)
		return sut_err_oom(err);
	/* The version is in the name. */
	r->cache_control = "public, max-age=3600";
	r->type = sut_endswith(r->file, ".deb") ? "application/vnd.debian.binary-package"
						: "application/x-rpm";
	return 0;
}

const struct web_route api_install[] = {
	{.method = "GET", .path = "/install", .allow = WEB_PUBLIC, .run = get},
	{.method = "POST",
	 .path = "/install",
	 .allow = WEB_PUBLIC,
	 .flags = WEB_RAW_BODY | WEB_SECRET,
	 .run = post},
	{.method = "GET",
	 .path = "/agent/{file}",
	 .allow = WEB_PUBLIC,
	 .flags = WEB_NO_TX,
	 .run = file},
	{0},
};
