/* SPDX-License-Identifier: Apache-2.0 */
/* Files of the key for the kernel's module signatures (crypto/modsign.h). It is no key of the
 * repository: servers trust it through their firmware or shim. */
#ifndef SUTURE_REPO_MODKEY_H
#define SUTURE_REPO_MODKEY_H

#include "crypto/modsign.h"

/* Writes a fresh pair: key_path with 0600, encrypted unless passphrase is NULL, and cert_path. Never
 * replaces a file: -EEXIST. now: seconds since the epoch. */
int sut_modkey_generate(const char *key_path, const char *cert_path, const char *common_name,
			int64_t now, unsigned int days, const char *passphrase,
			struct sut_err *err) _must_check_;

/* Asks for a passphrase, as sut_passphrase_get() does, only when the key is encrypted. -EPERM
 * when others can read the key; errors of sut_modsign_key_load(). */
int sut_modkey_open(const char *key_path, const char *cert_path, const char *passphrase_file,
		    struct sut_modsign_key **ret, struct sut_err *err) _must_check_;

#endif
