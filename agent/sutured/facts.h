/* SPDX-License-Identifier: Apache-2.0 */
/* What the portal is told about this machine: docs/formats/checkin.md, "Enrolment". */
#ifndef SUTURE_AGENT_SUTURED_FACTS_H
#define SUTURE_AGENT_SUTURED_FACTS_H

#include <jansson.h>
#include <netinet/in.h>

#include "sutured/identity.h"
#include "sutured/net.h"

enum { FACTS_HOST_MAX = 253, FACTS_TEXT_MAX = 256 };

/*
 * A name for this machine that tells nothing about /etc/machine-id and that only this software makes: HMAC-SHA-256 with that id
 * as key over an id of ours, as sd_id128_get_machine_app_specific(3) does it, 32 hexadecimal digits. -ENOENT,
 * -EBADMSG (reason "machine-id") with what to do.
 */
int facts_machine_id(const char *root, char ret[static IDENTITY_MACHINE + 1],
		     struct sut_err *err) _must_check_;

/* Of the machine (or ROOT/etc/hostname); what is not allowed in one becomes '-'. When the administrator does not want it to
 * be told, "host-" and the first digits of machine_id. */
void facts_hostname(struct net *n, const char *machine_id, char ret[static FACTS_HOST_MAX + 1]);

/* The object `system` of an enrolment. apply: the state of the root half; NULL: it does not answer. */
int facts_system(struct net *n, const json_t *apply, json_t **ret,
		 struct sut_err *err) _must_check_;

/* The object `facts` of enrolments and check-ins, with what an enrolment may also have beside it: a check-in replaces all of
 * them. NULL when memory is short. */
json_t *facts_more(struct net *n, const json_t *apply);

/* The object `kernel` of a check-in. */
json_t *facts_kernel(const json_t *apply);
/* "" when there is none. */
void facts_product_uuid(const json_t *apply, char ret[static 65]);
void facts_boot_id(const json_t *apply, char ret[static 65]);

/* Pure: copies what `allowed` has of text, at most size - 1 bytes; other bytes become `instead` (0: are left out). */
void facts_filter(const char *text, const char *allowed, char instead, char *ret, size_t size);
/* Pure: PRETTY_NAME (else NAME and VERSION_ID) of an os-release(5) file; "" when there is none. */
void facts_distribution(const char *os_release, size_t len, char ret[static FACTS_TEXT_MAX + 1]);
/* Of this system; "" when it is not known. */
void facts_distro(const char *root, char ret[static FACTS_TEXT_MAX + 1]);
/* Pure: the address of a line of /proc/net/if_inet6, when it is one by which others reach this machine, else "". */
void facts_if_inet6(const char *line, char ret[static INET6_ADDRSTRLEN]);
/* Pure: the word for a hypervisor by what the firmware and the processor say of themselves; "none". */
const char *facts_hypervisor(const char *dmi_vendor, const char *dmi_product, const char *cpuid);

/* What this agent looks after: ["kernel", "library"], or as agent.conf says. */
json_t *facts_products(const struct net *n);

#endif
