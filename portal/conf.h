/* SPDX-License-Identifier: Apache-2.0 */
/* /etc/suture/portal.conf (docs/man/suture-portal.md). */
#ifndef SUTURE_PORTAL_CONF_H
#define SUTURE_PORTAL_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cidr.h"
#include "base/err.h"
#include "base/str.h"

#define PORTAL_CONF_FILE "/etc/suture/portal.conf"

enum { PORTAL_LISTEN_MAX = 8 };

enum portal_access_log {
	PORTAL_LOG_QUIET, /* all but what agents do by the thousand, as long as it works */
	PORTAL_LOG_ALL,
	PORTAL_LOG_OFF,
};

struct portal_conf {
	char *database; /* database = sqlite:/var/lib/suture/portal/portal.db | postgresql://… */
	struct sut_strv listen;	  /* listen = 127.0.0.1:8080, may be repeated */
	char *tls_cert, *tls_key; /* tls-cert, tls-key */
	bool plain_http; /* plain-http = yes: beyond loopback without TLS, which else is refused */
	struct sut_cidr *proxies; /* trusted-proxy = 10.0.0.5, may be repeated */
	size_t nproxies;
	char *url;	       /* url = https://portal.example: how the world reaches it */
	char *repository;      /* repository = …/public: metadata/ and targets/ */
	char *repository_root; /* repository-root = FILE: the trusted root.json to verify it with */
	char *agent_dir;       /* agent-packages = DIR: packages of the agent, for /install */
	struct sut_cidr *metrics_from; /* metrics-from = 10.0.0.0/8; default: loopback */
	size_t nmetrics_from;
	int64_t checkin_sec;	  /* checkin-interval = 5m */
	int64_t check_sec;	  /* check-interval = 4h: how often agents look for patches */
	unsigned int readers;	  /* readers = 4: threads with a connection each */
	unsigned int connections; /* connections = 10000 */
	enum portal_access_log access_log; /* access-log = quiet | all | off */
	bool private_webhooks; /* private-webhooks = yes: also to loopback and link-local addresses */
};

/* Defaults. */
int portal_conf_init(struct portal_conf *c, struct sut_err *err) _must_check_;
/* A setting that is not known is an error that names the line. */
int portal_conf_parse(const char *name, const void *text, size_t len, struct portal_conf *c,
		      struct sut_err *err) _must_check_;
int portal_conf_read(const char *path, struct portal_conf *c, struct sut_err *err) _must_check_;
void portal_conf_release(struct portal_conf *c);

#endif
