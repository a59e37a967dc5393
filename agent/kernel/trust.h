/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who vouches for a patch file: its signature, and the keys this machine trusts
 * (docs/formats/signature.md). Looks at bytes that are in memory, so that what was
 * verified is what is used.
 */
#ifndef SUTURE_AGENT_TRUST_H
#define SUTURE_AGENT_TRUST_H

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"
#include "loaded.h"
#include "patch/signature.h"
#include "policy.h"

#define SUT_KEYS_DIR "/etc/suture/keys.d"

enum { SUT_TRUST_NAME_MAX = 256 };

struct sut_trust_opts {
	const char *sig;     /* NULL: beside the patch, with ".sig" */
	const char *keys;    /* folder; NULL: SUT_KEYS_DIR */
	const char *engine;  /* suture.ko to load; NULL: the one that is installed */
	bool insecure_local; /* apply although nobody vouches */
	bool libraries;	     /* sut_trust_look(): their patches as well */
};

struct sut_trust {
	struct sut_err why; /* code 0: good; otherwise why not, the reason is a word of status.md */
	char key[SUT_TRUST_NAME_MAX]; /* file name of the key without ".pub"; "" unless good */
	char key_number[2 * SUT_MINISIGN_KEYNUM + 1]; /* as minisign shows it; "" unknown */
	struct sut_patch_claim claim;		      /* what was signed; only when good */
	bool insecure_local;
};

bool sut_trust_is_good(const struct sut_trust *t);

/*
 * 0 when the owner of the machine lets its users say whom to trust, or when opts does
 * not ask for it; else the error of the policy, or reason "policy". policy_err: of
 * sut_policy_read(), code 0 when it worked.
 */
int sut_trust_allowed(const struct sut_trust_opts *o, const struct sut_policy *p,
		      const struct sut_err *policy_err, struct sut_err *err) _must_check_;

/* Is l, read from path and not parsed yet, signed by a key of the folder? The answer
 * is in *ret; an error is only what says nothing about the file (-ENOMEM). */
int sut_trust_check(const struct sut_trust_opts *o, const char *path, const struct sut_loaded *l,
		    struct sut_trust *ret, struct sut_err *err) _must_check_;

/* The same with a signature that is in memory. path names the patch in messages. */
int sut_trust_check_sig(const struct sut_trust_opts *o, const char *path,
			const struct sut_loaded *l, const struct sut_buf *sig,
			struct sut_trust *ret, struct sut_err *err) _must_check_;

/* After parsing: a good signature that was made for another patch is not good. */
void sut_trust_claim(struct sut_trust *t, const struct sut_manifest *m);

/* Opens, checks and parses without demanding anything: for those who only look. */
int sut_trust_look(const struct sut_trust_opts *o, const char *path, struct sut_loaded **ret,
		   struct sut_trust *ret_trust, struct sut_err *err) _must_check_;

/* "signature" of docs/formats/status.md, and back: -EBADMSG when it is not that. */
json_t *sut_trust_json(const struct sut_trust *t);
int sut_trust_from_json(const json_t *j, struct sut_trust *ret) _must_check_;

/* One line for people: "good, by vendor (0123456789ABCDEF), 2026-11-21T20:15:00Z". */
void sut_trust_text(const struct sut_trust *t, char *out, size_t len);

#endif
