/* SPDX-License-Identifier: Apache-2.0 */
/* Networks: "10.0.0.0/8", "2001:db8::/32", or one address. */
#ifndef SUTURE_BASE_CIDR_H
#define SUTURE_BASE_CIDR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct sut_cidr {
	uint8_t addr[16];  /* IPv4 as IPv4-mapped IPv6 */
	unsigned int bits; /* 0…128, of the mapped form */
};

/* -EINVAL says what is wrong. Bits beyond the prefix must be zero: "10.1.2.3/8" is a mistake. */
int sut_cidr_parse(const char *s, struct sut_cidr *ret, struct sut_err *err) _must_check_;
/* Is the numeric address in it? False for what is no address ("unix"). */
bool sut_cidr_has(const struct sut_cidr *c, const char *address);
bool sut_cidr_any(const struct sut_cidr *v, unsigned int n, const char *address);
/* 127.0.0.0/8, ::1, "localhost", "unix:…" */
bool sut_is_loopback(const char *host);

#endif
