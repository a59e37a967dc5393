// SPDX-License-Identifier: Apache-2.0
#include "base/secret.h"
#include "keys.h"

_Static_assert((int)SUT_SECRET_MAX == (int)SUT_PASSPHRASE_MAX,
	       "what is asked for is what a key takes");

int sut_passphrase_get(const char *file, const char *prompt, bool confirm, struct sut_buf *ret,
		       struct sut_err *err)
{
	const struct sut_secret_ask a = {
		.word = "passphrase",
		.prompt = prompt,
		.file = file,
		.advice = "give --passphrase-file FILE",
		.confirm = confirm,
	};

	return sut_secret_get(&a, ret, err);
}
