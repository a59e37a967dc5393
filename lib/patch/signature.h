/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kpatch.bin.sig, upatch.bin.sig: who vouches for a patch file (docs/formats/signature.md).
 *
 * The signature covers every byte of the file. The trusted comment repeats what people and tools need
 * before they unpack anything, and must say the same as the manifest:
 *
 *   timestamp:1795000000<TAB>file:kpatch.bin<TAB>name:K20261121_01<TAB>level:3<TAB>build-id:<40 hex>
 *
 * file is upatch.bin for the patch of a library: a signature for the one kind is none for the other, which
 * sut_patch_sig_matches() sees to, once the manifest says which it is.
 *
 * The fields stand in this order, numbers in their one decimal form. Behind them a later version may
 * add more of the form <TAB>key:value (key of [a-z0-9-], value not empty, none of the keys above
 * again), which are ignored here.
 */
#ifndef SUTURE_PATCH_SIGNATURE_H
#define SUTURE_PATCH_SIGNATURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/minisign.h"
#include "patch/manifest.h"

struct sut_patch_claim {
	int64_t time;  /* of signing, seconds since the epoch */
	char name[64]; /* id of the manifest */
	uint32_t level;
	bool library; /* file:upatch.bin */
	uint8_t build_id[SUTURE_BUILD_ID_LEN];
};

/* A public key somebody trusts, and where it came from. */
struct sut_patch_key {
	char *name; /* file name without ".pub" */
	struct sut_minisign_pub pub;
};

struct sut_patch_keys {
	struct sut_patch_key *v;
	size_t n;
};

enum { SUT_PATCH_KEYS_MAX = 256 };

/* All *.pub of a folder, in the order of their names; names that begin with a dot are not keys.
 * Refuses (-EPERM, reason "permissions") files and folders that others than root or the caller can
 * write, symbolic links and whatever else is no regular file. A folder that is not there has no keys.
 * A key that cannot be read is an error: nothing is passed over silently. -E2BIG: more than
 * SUT_PATCH_KEYS_MAX. */
int sut_patch_keys_read(const char *dir, struct sut_patch_keys *ret,
			struct sut_err *err) _must_check_;
void sut_patch_keys_release(struct sut_patch_keys *k);

/*
 * Is data signed by one of the keys, and does the trusted comment have the form above?
 *   -ENOKEY        reason "unknown-key": none of the keys made it
 *   -EKEYREJECTED  reason "bad-signature"
 *   -EBADMSG       reason "signature-format"
 * On success *ret_by is the key (in keys).
 */
int sut_patch_sig_verify(const struct sut_patch_keys *keys, const void *data, size_t len,
			 const void *sig, size_t sig_len, struct sut_patch_claim *ret,
			 const struct sut_patch_key **ret_by, struct sut_err *err) _must_check_;

/* The claim and the manifest say the same, the kind of patch as well. -EKEYREJECTED, reason "claim". */
int sut_patch_sig_matches(const struct sut_patch_claim *c, const struct sut_manifest *m,
			  struct sut_err *err) _must_check_;

/* Adds the text of a .sig file for this patch. now: seconds since the epoch. -EINVAL for another key
 * than Ed25519, and for a time before the epoch. */
int sut_patch_sign(const struct sut_privkey *key, const struct sut_manifest *m, const void *data,
		   size_t len, int64_t now, struct sut_buf *out, struct sut_err *err) _must_check_;

/*
 * The same for suture.ko, which a machine gets from the repository when no package has it:
 *
 *   timestamp:1795000000<TAB>file:suture.ko<TAB>name:suture-0.1.0<TAB>level:1<TAB>build-id:<40 hex>
 *
 * level is the ABI, build-id that of the kernel it was made for. A signature for a patch is none for an
 * engine, and the other way round (reason "signature-format").
 */
int sut_engine_sig_verify(const struct sut_patch_keys *keys, const void *data, size_t len,
			  const void *sig, size_t sig_len, struct sut_patch_claim *ret,
			  const struct sut_patch_key **ret_by, struct sut_err *err) _must_check_;
int sut_engine_sign(const struct sut_privkey *key, const struct sut_patch_claim *c,
		    const void *data, size_t len, struct sut_buf *out,
		    struct sut_err *err) _must_check_;

#endif
