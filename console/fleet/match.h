/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which host a scan, or a system of the portal, is. Scanners and the portal know machines by different names; here they come
 * together.
 *
 * Names are tried from the strongest to the weakest: System ID, the platform's own name (external_id), machine id, FQDN, host name,
 * MAC, IP. One that leads to several hosts decides nothing, and neither does one that many machines have in common (localhost, loopback,
 * addresses of container bridges). What is found by a name or an address is given up when something stronger contradicts it:
 * both know a System ID or a machine id, and they differ; a bare host name also when the FQDNs differ.
 */
#ifndef SUTURE_CONSOLE_FLEET_MATCH_H
#define SUTURE_CONSOLE_FLEET_MATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth/token.h"
#include "db/db.h"

enum {
	MATCH_NAMES_MAX = 160, /* of one host and origin; what is beyond is left out */
	MATCH_VALUE_MAX = 255, /* bytes of a name */
	MATCH_MACHINE = 33,    /* a machine id as agents make it, with NUL */
};

/* What is known of a machine. Any may be NULL, or "". */
struct host_facts {
	const char *system_id, *external_id;
	/* As agents make it, or what stands in /etc/machine-id: both are tried. */
	const char *machine_id;
	const char *fqdn, *hostname;
	const char *const *macs;
	size_t nmacs;
	const char *const *addresses;
	size_t naddresses;
};

enum match_scope {
	MATCH_ALL,
	MATCH_UNREGISTERED, /* hosts without a System ID */
};

/*
 * 1 with *ret (row id) and *ret_by ("system-id", "external-id", "machine-id", "fqdn", "hostname", "mac", "ip"; static), or 0.
 * except: row id of a host that is not looked at; 0.
 */
int host_match(struct sut_db *db, int64_t tenant, const struct host_facts *f,
	       enum match_scope scope, int64_t except, int64_t *ret, const char **ret_by,
	       struct sut_err *err) _must_check_;

/*
 * The host that people mean: by its id here, its System ID, the platform's own name, a name or an address that is of it alone. 1 with its id
 * in ret, or 0.
 */
int host_named(struct sut_db *db, int64_t tenant, const char *text,
	       char ret[static SUT_UID_LEN + 1], struct sut_err *err) _must_check_;

/* In a WRITE transaction: replaces what is known of the host's names from this origin ("portal", "scan"). */
int host_set_names(struct sut_db *db, int64_t tenant, int64_t host, const char *origin,
		   const struct host_facts *f, struct sut_err *err) _must_check_;

/* Lower case, without the dot at the end. false: empty, too long, or a name that machines have in common. */
bool match_name(const char *name, char ret[static MATCH_VALUE_MAX + 1]);
/* The canonical form of an address. false: none, or one that machines have in common. */
bool match_address(const char *text, char ret[static MATCH_VALUE_MAX + 1]);
/* "02:fc:00:00:00:01" from any usual form. false: none, or of no single machine. */
bool match_mac(const char *text, char ret[static MATCH_VALUE_MAX + 1]);

#endif
