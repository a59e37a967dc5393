// SPDX-License-Identifier: Apache-2.0
#include "base/cidr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "base/str.h"

enum { ADDRESS_MAX = 64 }; /* characters; the longest that inet_pton() takes has 45 */

static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

/* An address of either family, as IPv6. */
static bool parse_address(const char *s, uint8_t out[16], bool *ret_v4)
{
	struct in_addr v4;

	if (inet_pton(AF_INET, s, &v4) == 1) {
		memcpy(out, mapped, sizeof(mapped));
		memcpy(out + sizeof(mapped), &v4, sizeof(v4));
		*ret_v4 = true;
		return true;
	}
	*ret_v4 = false;
	return inet_pton(AF_INET6, s, out) == 1;
}

/* Are all bits from the one numbered `bits` on zero? */
static bool rest_is_zero(const uint8_t addr[16], unsigned int bits)
{
	for (unsigned int i = bits; i < 128; i++)
		if (addr[i / 8] & (0x80 >> (i % 8)))
			return false;
	return true;
}

int sut_cidr_parse(const char *s, struct sut_cidr *ret, struct sut_err *err)
{
	const char *slash = strchr(s, '/');
	struct sut_cidr c = {.bits = 128};
	char address[ADDRESS_MAX];
	size_t n = slash ? (size_t)(slash - s) : strlen(s);
	uint64_t bits;
	bool v4;

	if (n >= sizeof(address))
		return sut_err_set(err, EINVAL,
				   "'%.80s' is no network; write 10.0.0.0/8 or 2001:db8::/32", s);
	memcpy(address, s, n);
	address[n] = 0;
	if (!parse_address(address, c.addr, &v4))
		return sut_err_set(
			err, EINVAL,
			"'%.80s' is no network: '%s' is no numeric address; write 10.0.0.0/8 or "
			"2001:db8::/32",
			s, address);
	if (slash) {
		/* Digits only: sut_parse_u64() takes "0x10", too. */
		if (strspn(slash + 1, "0123456789") != strlen(slash + 1) ||
		    sut_parse_u64(slash + 1, v4 ? 32 : 128, &bits) < 0)
			return sut_err_set(err, EINVAL,
					   "'%.80s' is no network: after the slash comes the "
					   "number of leading bits, 0 to %d",
					   s, v4 ? 32 : 128);
		c.bits = (unsigned int)bits + (v4 ? 96 : 0);
	}
	if (!rest_is_zero(c.addr, c.bits))
		return sut_err_set(err, EINVAL,
				   "'%.80s' has bits set beyond its prefix; write the first "
				   "address of the network, or the address without '/'",
				   s);
	*ret = c;
	return 0;
}

bool sut_cidr_has(const struct sut_cidr *c, const char *address)
{
	unsigned int bytes = c->bits / 8, bits = c->bits % 8;
	uint8_t a[16];
	bool v4;

	if (!parse_address(address, a, &v4) || memcmp(a, c->addr, bytes))
		return false;
	return !bits || ((a[bytes] ^ c->addr[bytes]) & (uint8_t)(0xff00 >> bits)) == 0;
}

bool sut_cidr_any(const struct sut_cidr *v, unsigned int n, const char *address)
{
	for (unsigned int i = 0; i < n; i++)
		if (sut_cidr_has(&v[i], address))
			return true;
	return false;
}

bool sut_is_loopback(const char *host)
{
	static const struct sut_cidr v4 = {.addr = {[10] = 0xff, [11] = 0xff, [12] = 127},
					   .bits = 104};
	static const struct sut_cidr v6 = {.addr = {[15] = 1}, .bits = 128};

	return !strcmp(host, "localhost") || sut_startswith(host, "unix:") ||
	       sut_cidr_has(&v4, host) || sut_cidr_has(&v6, host);
}
