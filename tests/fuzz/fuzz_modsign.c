// SPDX-License-Identifier: Apache-2.0
/*
 * crypto/modsign.h. The input is a module as it comes from anywhere; the certificate is one of ours,
 * whose key nobody has any more. What is accepted must be the module that this key has signed.
 */
#include <errno.h>
#include <string.h>

#include "crypto/modsign.h"
#include "fuzz.h"
#include "modsign_cert.h"

/* The module of the first seed. */
static const char seed[] = "\x7f"
			   "ELF: the module that was signed\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[SUT_MODSIGN_SIGNER_MAX];
	struct sut_err err = {0};
	size_t len = 0, sig_len = 0;
	int r = sut_modsign_split(data, size, &len, &sig_len, &err), v, s;

	FUZZ_ASSERT(r == 0 || r == -ENODATA || r == -EBADMSG);
	FUZZ_ASSERT(r == 0 || (err.msg[0] && !len && !sig_len));
	FUZZ_ASSERT(r < 0 || (len > 0 && len + sig_len + 12 + 28 == size));
	v = sut_modsign_verify(data, size, modsign_cert, sizeof(modsign_cert) - 1, &err);
	s = sut_modsign_signer(data, size, text, &err);
	/* Without a signature nothing else is said about it. */
	FUZZ_ASSERT(r == 0 || (v == r && s == r));
	if (s == 0)
		for (const char *p = text; *p; p++)
			FUZZ_ASSERT(*p >= ' ' && *p <= '~');
	if (v == 0)
		FUZZ_ASSERT(len == sizeof(seed) - 1 && memcmp(data, seed, len) == 0 && s == 0);
	else
		FUZZ_ASSERT(v == r || v == -EKEYREJECTED);
	return 0;
}
