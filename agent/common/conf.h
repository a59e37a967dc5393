/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /etc/suture/agent.conf: "key = value" (base/conf.h). Every key, its values and its default are in
 * docs/man/suture-agent.conf.md. A key of the policy may have the name of a feed before it
 * ("stable.update = window"): it then counts while the system is in that feed, and wins over the plain one.
 */
#ifndef SUTURE_AGENT_COMMON_CONF_H
#define SUTURE_AGENT_COMMON_CONF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum agent_update {
	AGENT_UPDATE_AUTO,   /* apply when it is there */
	AGENT_UPDATE_MANUAL, /* only `suture update` and jobs */
	AGENT_UPDATE_WINDOW, /* within the windows */
};

enum {
	AGENT_WINDOWS_MAX = 16,
	AGENT_FEEDS_MAX = 16, /* feeds that have policies of their own */
	AGENT_NAME_MAX = 63,  /* bytes of a feed's name */
	AGENT_URL_MAX = 1024, /* bytes */
	AGENT_EXCLUDES_MAX = 64,
	AGENT_GLOB_MAX = 255, /* bytes */
};

/* Processes whose libraries are left alone. */
enum agent_exclude_by {
	AGENT_EXCLUDE_PATH, /* of the program */
	AGENT_EXCLUDE_NAME, /* as in /proc/PID/comm */
	AGENT_EXCLUDE_UNIT, /* of systemd */
	AGENT_EXCLUDE_USER, /* who it runs as */
	AGENT_EXCLUDE_BY,
};

struct agent_exclude {
	enum agent_exclude_by by;
	char glob[AGENT_GLOB_MAX + 1]; /* fnmatch(3), without flags */
};

/* "Mon-Fri 22:00-04:00", "daily 02:00-05:00", "Sat,Sun 00:00-24:00": local time of the machine. */
struct agent_window {
	uint8_t days; /* bit 0: Sunday … bit 6: Saturday; the day on which it begins */
	uint16_t from,
		till; /* minutes since midnight, till up to 1440; till <= from: it ends the next day */
};

struct agent_policy {
	enum agent_update update;
	struct agent_window windows[AGENT_WINDOWS_MAX];
	size_t nwindows;
	int64_t delay_s;       /* a patch must have been seen by this machine for so long */
	uint32_t sticky_level; /* 0: none */
	char sticky_date[sizeof("2026-11-21")]; /* "": none */
};

struct agent_conf {
	char portal[AGENT_URL_MAX + 1];	   /* "" : none; without "/" at the end */
	char portal_ca[AGENT_URL_MAX + 1]; /* file; "": the system's */
	char repository[AGENT_URL_MAX +
			1];	       /* "": what the portal says at enrolment, else PORTAL/repo */
	char proxy[AGENT_URL_MAX + 1]; /* "": from the environment; "none" */
	char console[AGENT_URL_MAX + 1]; /* "": none */
	char console_ca[AGENT_URL_MAX + 1];
	char metrics[AGENT_URL_MAX + 1]; /* file for node-exporter's textfile collector; "": none */
	struct agent_policy policy;
	struct {
		char feed[AGENT_NAME_MAX + 1];
		struct agent_policy
			policy; /* whole: plain settings with those of the feed over them */
	} feeds[AGENT_FEEDS_MAX];
	size_t nfeeds;
	int64_t heartbeat_s;  /* 0: what the portal says */
	int64_t check_s;      /* 0: what the portal says; 4 h without a portal */
	int64_t probation_s;  /* 900 */
	int64_t grace_s;      /* so long a silent portal is no error; 7 days */
	int64_t health_s;     /* a health check may take so long; 60 */
	bool vex;	      /* keep AGENT_VEX; yes */
	bool report_hostname; /* yes */
	bool plain_http;      /* a portal beyond loopback may do without TLS; no */
	bool libraries;	      /* patches of libraries, too; yes */
	bool lib_init;	      /* PID 1 may be patched; no */
	struct agent_exclude excludes[AGENT_EXCLUDES_MAX]; /* in the order of the file */
	size_t nexcludes;
};

/* A pure function. -EBADMSG (reason "conf") names line and key, and what to write instead. */
int agent_conf_parse(const void *text, size_t len, struct agent_conf *ret,
		     struct sut_err *err) _must_check_;
/* All defaults when there is no file. */
int agent_conf_read(const char *root, struct agent_conf *ret, struct sut_err *err) _must_check_;

/* An address of http or https, as a setting has it: without "/" at the end. what: for the message. */
int agent_url_parse(const char *what, const char *url, char ret[static AGENT_URL_MAX + 1],
		    struct sut_err *err) _must_check_;

/* That of a feed ("": the plain one). */
const struct agent_policy *agent_conf_policy(const struct agent_conf *c, const char *feed);

int agent_window_parse(const char *text, struct agent_window *ret,
		       struct sut_err *err) _must_check_;
/* Is local time now (seconds since the epoch) in one of them? When not, *ret_opens is when the next one does
 * (INT64_MAX: never). */
bool agent_window_open(const struct agent_window *w, size_t n, int64_t now, int64_t *ret_opens);

#endif
