/* SPDX-License-Identifier: Apache-2.0 */
/* Looks at every byte that is public: is it what the metadata says, and does anything else lie there? */
#ifndef SUTURE_REPO_AUDIT_H
#define SUTURE_REPO_AUDIT_H

#include "repo.h"

struct sut_audit {
	void (*wrong)(void *ctx, const char *text);  /* clients cannot update, or not safely */
	void (*orphan)(void *ctx, const char *path); /* below public/; harmless */
	void *ctx;
	size_t metadata, targets; /* written: files looked at */
};

/*
 * Metadata as a client sees it now, from the first root on, with expiry; the .gz beside each file; each target's
 * length and hashes; the signature beside each kpatch.bin, by one of DIR/keys/NAME.minisign.pub.
 * Returns less than 0 only when it could not look.
 */
int sut_audit(const struct sut_repo *repo, struct sut_audit *a, struct sut_err *err) _must_check_;

#endif
