// SPDX-License-Identifier: Apache-2.0
#include "crypto/machine_id.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#include "base/str.h"
#include "crypto/ossl.h"

enum { LEN = 16 };

/* Of this software; never changes. */
static const uint8_t app_id[LEN] = {0x5f, 0xc1, 0x6d, 0x0b, 0x96, 0x1e, 0x4c, 0x5a,
				    0x8d, 0x2b, 0x73, 0xe4, 0x0a, 0xf2, 0x91, 0xd7};

int sut_machine_id(const char *text, char ret[static SUT_MACHINE_ID])
{
	SUT_OSSL_SCOPE;
	uint8_t key[LEN], mac[EVP_MAX_MD_SIZE];
	unsigned int len = 0;
	unsigned char *ok;

	if (strlen(text) != (size_t)2 * LEN || sut_unhex(text, key, sizeof(key)) < 0)
		return -EINVAL;
	ok = HMAC(EVP_sha256(), key, sizeof(key), app_id, sizeof(app_id), mac, &len);
	explicit_bzero(key, sizeof(key));
	if (!ok || len < LEN)
		return -ENOMEM;
	/* Marked as a random UUID (RFC 9562), as sd-id128 does. */
	mac[6] = (uint8_t)((mac[6] & 0x0f) | 0x40);
	mac[8] = (uint8_t)((mac[8] & 0x3f) | 0x80);
	sut_hex(mac, LEN, ret);
	return 0;
}
