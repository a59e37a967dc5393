/* SPDX-License-Identifier: Apache-2.0 */
/* Files of the published repository, for lib/tuf and for us: below one folder, never through a link. */
#ifndef SUTURE_PORTAL_REPO_FETCH_H
#define SUTURE_PORTAL_REPO_FETCH_H

#include "tuf/client.h"

#define REPO_URL "repo:" /* what the fetcher's URLs begin with; then a path, percent-encoded */

/* dirfd: lives as long as the fetcher is used; may be O_PATH. */
struct sut_tuf_fetcher repo_fetcher(int *dirfd);

/* Adds the file to *out. -ENOENT; -EFBIG when it has more than max bytes; -ELOOP for what is no regular file
 * or lies behind a link. */
int repo_read_file(int dirfd, const char *path, size_t max, struct sut_buf *out,
		   struct sut_err *err) _must_check_;
/* Its length, without reading. */
int repo_file_size(int dirfd, const char *path, int64_t *ret, struct sut_err *err) _must_check_;

#endif
