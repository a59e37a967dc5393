/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The settings file of a program that serves: what all such programs have, and a table of what is this one's own. The
 * program's record begins with a struct server_conf; `size` of its description is that of the whole.
 */
#ifndef SUTURE_WEB_CONF_H
#define SUTURE_WEB_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cidr.h"
#include "base/err.h"
#include "base/str.h"

enum { SERVER_LISTEN_MAX = 8, SERVER_SETTINGS_MAX = 64 /* common and own together */ };

enum server_access_log {
	SERVER_LOG_QUIET, /* all but what agents do by the thousand, as long as it works */
	SERVER_LOG_ALL,
	SERVER_LOG_OFF,
};

struct server_conf {
	char *database;		  /* database = sqlite:/var/lib/… | postgresql://… */
	struct sut_strv listen;	  /* listen = 127.0.0.1:8080, may be repeated */
	char *tls_cert, *tls_key; /* tls-cert, tls-key */
	bool plain_http; /* plain-http = yes: beyond loopback without TLS, which else is refused */
	struct sut_cidr *proxies; /* trusted-proxy = 10.0.0.5, may be repeated */
	size_t nproxies;
	char *url;		       /* url = https://portal.example: how the world reaches it */
	struct sut_cidr *metrics_from; /* metrics-from = 10.0.0.0/8; default: loopback */
	size_t nmetrics_from;
	unsigned int readers;		   /* readers = 4: threads with a connection each */
	unsigned int connections;	   /* connections = 10000 */
	enum server_access_log access_log; /* access-log = quiet | all | off */
	bool private_webhooks; /* private-webhooks = yes: also to loopback and link-local addresses */
};

enum server_setting_kind {
	SERVER_SET_TEXT, /* char * */
	SERVER_SET_PATH, /* char *, absolute */
	SERVER_SET_URL,	 /* char *, http:// or https:// */
	SERVER_SET_BOOL, /* bool */
	SERVER_SET_NETWORKS, /* struct sut_cidr *, and at `count` their number, size_t; may be repeated */
	SERVER_SET_LISTEN,   /* struct sut_strv, at most SERVER_LISTEN_MAX; may be repeated */
	SERVER_SET_DURATION, /* int64_t seconds, min to max */
	SERVER_SET_NUMBER,   /* unsigned int, min to max */
	SERVER_SET_WORD,     /* an enum: the place in words */
};

struct server_setting {
	const char *key;
	enum server_setting_kind kind;
	size_t at; /* offsetof() in the program's record */
	size_t count;
	int64_t min, max;
	const char *const *words; /* ended by NULL */
};

struct server_conf_desc {
	const char *program; /* "suture-portal": its page of the manual lists the settings */
	const char *file;    /* where it is when nobody says otherwise */
	size_t size;
	const struct server_setting *own; /* ended by one without key; NULL: none */
	/* Into a zeroed record that has the common defaults: those of the program, with `database`. May be NULL. */
	int (*defaults)(struct server_conf *c, struct sut_err *err);
	/* What has to fit together, after all is read; name: the file. May be NULL. */
	int (*check)(const char *name, const struct server_conf *c, struct sut_err *err);
};

/* Defaults. On failure there is nothing to release. */
int server_conf_init(const struct server_conf_desc *d, struct server_conf *c,
		     struct sut_err *err) _must_check_;
/* A setting that is not known is an error that names the line. */
int server_conf_parse(const struct server_conf_desc *d, const char *name, const void *text,
		      size_t len, struct server_conf *c, struct sut_err *err) _must_check_;
int server_conf_read(const struct server_conf_desc *d, const char *path, struct server_conf *c,
		     struct sut_err *err) _must_check_;
/* to: not yet filled. Release it even when this fails. */
int server_conf_copy(const struct server_conf_desc *d, struct server_conf *to,
		     const struct server_conf *from, struct sut_err *err) _must_check_;
void server_conf_release(const struct server_conf_desc *d, struct server_conf *c);

#endif
