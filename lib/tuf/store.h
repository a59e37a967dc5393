/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The metadata folder of a client: root.json, timestamp.json, snapshot.json, targets.json and one
 * NAME.json per delegated role, percent-encoded and flat (tuf/filename.h), each as it was served. Every
 * file is replaced whole or not at all (base/file.h); what a killed writer left is removed.
 */
#ifndef SUTURE_TUF_STORE_H
#define SUTURE_TUF_STORE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

struct sut_tuf_store;

/* Creates the folder (0755) when missing, takes its lock for as long as it is open, removes left-over
 * temporary files. */
int sut_tuf_store_open(const char *dir, struct sut_tuf_store **ret,
		       struct sut_err *err) _must_check_;
void sut_tuf_store_free(struct sut_tuf_store *s);
void sut_tuf_store_freep(struct sut_tuf_store **s);

/* Adds the file to *out. -ENOENT when it is not there; -EFBIG when out->max would be passed; -ELOOP,
 * -EINVAL when it is a link or no regular file. */
int sut_tuf_store_get(struct sut_tuf_store *s, const char *role, struct sut_buf *out,
		      struct sut_err *err) _must_check_;
int sut_tuf_store_put(struct sut_tuf_store *s, const char *role, const void *data, size_t len,
		      struct sut_err *err) _must_check_;

/* A file that is not there is fine. */
int sut_tuf_store_remove(struct sut_tuf_store *s, const char *role,
			 struct sut_err *err) _must_check_;

/* Removes every metadata file but that of role. */
int sut_tuf_store_keep_only(struct sut_tuf_store *s, const char *role,
			    struct sut_err *err) _must_check_;

#endif
