/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a server says about itself when it enrols: who it is, which kernel runs, and facts for people.
 * Parsing is a pure function of the JSON, with the limits below (docs/formats/checkin.md).
 */
#ifndef SUTURE_PORTAL_FLEET_MACHINE_H
#define SUTURE_PORTAL_FLEET_MACHINE_H

#include <jansson.h>

#include "fleet/check.h"

enum {
	MACHINE_ID_MIN = 8,
	MACHINE_ID_MAX = 64,
	MACHINE_HOSTNAME_MAX = 253,
	MACHINE_FACTS_MAX = 32,	     /* in "facts" */
	MACHINE_FACT_NAME_MAX = 40,  /* a-z 0-9 _ */
	MACHINE_FACT_TEXT_MAX = 256, /* bytes of a text */
	MACHINE_FACT_LIST_MAX = 64,  /* texts of a list */
	MACHINE_FACTS_BYTES = 8192,  /* of all of them, as JSON */
};

struct machine_kernel {
	const char *release;   /* uname -r; "" */
	const char *build_id;  /* hexadecimal; "" when it is not known */
	const char *kernel_id; /* SHA-1 of /proc/version; "" */
	const char *arch;      /* uname -m; "" */
};

struct machine {
	/* In lower case: kernels and tools do not agree how a UUID is written. */
	char machine_id[MACHINE_ID_MAX + 1];
	char product_uuid[MACHINE_ID_MAX + 1]; /* "" when it has none */
	const char *hostname; /* this and those of kernel: borrowed from the JSON */
	const char *agent;    /* version; "" */
	struct machine_kernel kernel;
	/* Owned: fqdn, addresses, distribution, virtualization, and the members of "facts". */
	json_t *facts;
};

/* {"machine_id", "hostname", "product_uuid", "release", "build_id", "kernel_id", "arch", "agent", "fqdn",
 * "addresses", "distribution", "virtualization", "facts": {…}}. 0; -EINVAL and *c; -ENOMEM. */
int machine_parse(const json_t *j, const char *where, struct machine *ret,
		  struct check *c) _must_check_;
void machine_release(struct machine *m);
#define _cleanup_machine_ _cleanup_(machine_release)

/* Parts of it that a check-in has, too. */
int machine_id_parse(const json_t *j, const char *where, const char *name, size_t min,
		     char ret[static MACHINE_ID_MAX + 1], struct check *c) _must_check_;
/* {"release", "build_id", "kernel_id", "arch"}; other members are not looked at. */
int machine_kernel_parse(const json_t *j, const char *where, struct machine_kernel *ret,
			 struct check *c) _must_check_;
/* One level of names, each with a text, an integer, a truth value or a list of texts. */
int machine_facts_check(const json_t *j, const char *where, struct check *c) _must_check_;

#endif
