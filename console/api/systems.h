/* SPDX-License-Identifier: Apache-2.0 */
/* What the functions of /v1/systems share. */
#ifndef SUTURE_CONSOLE_API_SYSTEMS_H
#define SUTURE_CONSOLE_API_SYSTEMS_H

#include "web/web.h"

/* A host as *system* of the API, from a row of this. */
#define SYSTEMS_SELECT                                                                             \
	"SELECT id, uid, system_id, external_id, hostname, fqdn, addresses, os, arch,"             \
	" kernel_release, build_id, package_version, level, patchset, feed, state, silent,"        \
	" last_seen, agent, tags, scanned_at, scanner, matched_by, registered, gone, packages_at," \
	" version, portal, libraries FROM hosts"
enum {
	SYSTEMS_COL_ID,
	SYSTEMS_COL_UID,
	SYSTEMS_COL_SYSTEM,
	SYSTEMS_COL_EXTERNAL,
	SYSTEMS_COL_HOSTNAME,
	SYSTEMS_COL_FQDN,
	SYSTEMS_COL_ADDRESSES,
	SYSTEMS_COL_OS,
	SYSTEMS_COL_ARCH,
	SYSTEMS_COL_RELEASE,
	SYSTEMS_COL_BUILD,
	SYSTEMS_COL_PACKAGE,
	SYSTEMS_COL_LEVEL,
	SYSTEMS_COL_PATCHSET,
	SYSTEMS_COL_FEED,
	SYSTEMS_COL_STATE,
	SYSTEMS_COL_SILENT,
	SYSTEMS_COL_SEEN,
	SYSTEMS_COL_AGENT,
	SYSTEMS_COL_TAGS,
	SYSTEMS_COL_SCANNED,
	SYSTEMS_COL_SCANNER,
	SYSTEMS_COL_MATCHED,
	SYSTEMS_COL_REGISTERED,
	SYSTEMS_COL_GONE,
	SYSTEMS_COL_PACKAGES,
	SYSTEMS_COL_VERSION,
	SYSTEMS_COL_PORTAL,
	SYSTEMS_COL_LIBRARIES,
};

/* Without counts. NULL when memory is short. */
json_t *systems_json(const struct sut_db_rows *row);
/* Adds protection, verdicts, exposed, findings: what the view knows of the host (row id). */
int systems_add_counts(struct web_req *q, int64_t host, json_t *j,
		       struct sut_err *err) _must_check_;
/* The host that the path names. 0, WEB_NO (404), < 0. */
int systems_find(struct web_req *q, struct web_resp *r, int64_t *ret,
		 struct sut_err *err) _must_check_;

/* GET /v1/systems (systems_list.c). */
int systems_list(struct web_req *q, struct web_resp *r, struct sut_err *err);

#endif
