/* SPDX-License-Identifier: Apache-2.0 */
/* repo.json: what the person who runs a repository has decided. */
#ifndef SUTURE_REPO_SETTINGS_H
#define SUTURE_REPO_SETTINGS_H

#include <jansson.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum { SUT_SETTINGS_MAX = 256 << 10 /* bytes of repo.json */ };

struct sut_settings {
	json_t *doc;
	const char *signer;    /* path of the signer's socket; strings point into doc */
	const char *patch_key; /* name of the key that signs kpatch.bin.sig; "" for none */
	const char *root;      /* SHA-256 of 1.root.json, "" before it is published */
	int64_t root_version;  /* of the newest root that was published, 0 before */
};

/* The settings of a new repository. */
int sut_settings_new(const char *signer, const char *patch_key, struct sut_settings *ret,
		     struct sut_err *err) _must_check_;
int sut_settings_parse(const void *data, size_t len, struct sut_settings *ret,
		       struct sut_err *err) _must_check_;
int sut_settings_format(const struct sut_settings *s, struct sut_buf *out,
			struct sut_err *err) _must_check_;
void sut_settings_release(struct sut_settings *s);

/* Seconds for which a new file of the role is valid. */
int64_t sut_settings_expiry(const struct sut_settings *s, const char *role);

/* "root=365d,kernel=90d": days (d), hours (h) or weeks (w). -EINVAL says what is wrong. */
int sut_settings_set_expiries(struct sut_settings *s, const char *text,
			      struct sut_err *err) _must_check_;
int sut_settings_set_root_version(struct sut_settings *s, int64_t version,
				  struct sut_err *err) _must_check_;
int sut_settings_set(struct sut_settings *s, const char *key, const char *value,
		     struct sut_err *err) _must_check_;

#endif
