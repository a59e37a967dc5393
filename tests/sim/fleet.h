/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The simulated systems: who they are, what they would report, and what the portal acknowledged. They lie in
 * a file that is mapped, so that what was acknowledged is still known when this program is killed.
 */
#ifndef SUTURE_SIM_FLEET_H
#define SUTURE_SIM_FLEET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum { FLEET_KERNELS = 30, FLEET_CHANGE_LEVELS = 12 };

/* Of the file; 256 bytes. Numbers are in this machine's order. */
struct fleet_one {
	char uid[17];	     /* System ID; "" until it is enrolled */
	char credential[64]; /* NUL-terminated */
	char nonce[17];	     /* of the check-in under way, or of the last one */
	uint8_t pending;     /* one is under way, or was not answered */
	uint8_t refused;     /* the portal wants no more of it (409, 410, 401) */
	int64_t serial;	     /* to send next */
	uint32_t rev;	     /* what it reports follows from this; acknowledged */
	uint32_t pending_rev;
	uint64_t acked;	    /* check-ins */
	int64_t acked_at;   /* seconds since the epoch */
	uint8_t spare[120]; /* zero */
};

struct fleet {
	struct fleet_one *v;
	size_t n, bytes;
	uint64_t seed;
	int fd;
};

/* Makes the file with n systems, or opens the one that is there (n may be 0 then). -EEXIST: it has
 * another number of systems or another seed. */
int fleet_open(const char *path, size_t n, uint64_t seed, struct fleet *ret,
	       struct sut_err *err) _must_check_;
void fleet_close(struct fleet *f);

uint64_t fleet_random(uint64_t *state);

/* What system i reports at this revision. */
const char *fleet_state(uint32_t rev);
unsigned int fleet_level(uint32_t rev);
void fleet_boot_id(const struct fleet *f, size_t i, uint32_t rev, char out[37]);
void fleet_hostname(size_t i, char out[24]);

/* JSON bodies. */
int fleet_enrolment(const struct fleet *f, size_t i, const char *key,
		    struct sut_buf *out) _must_check_;
int fleet_report(const struct fleet *f, size_t i, struct sut_buf *out) _must_check_;

#endif
