/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Build roots: a Debian file system with a compiler, in <cache>/roots/SUITE-amd64.tar, unpacked once for each target. Programs run in
 * it under bubblewrap, which mounts in a namespace of its own: nothing of it is ever seen, or left, on the host. The mirrors and proxies
 * (library/mirror.h) are those at the time when the archive was made.
 */
#ifndef SUTURE_BUILDER_LIBRARY_ROOT_H
#define SUTURE_BUILDER_LIBRARY_ROOT_H

#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"
#include "target/progress.h"

/* The release of Debian that a package's version is from: "~deb12u2" is "bookworm"; else this machine's. Caller frees; NULL: not
 * known, or no memory. */
char *sut_root_suite(const char *version);

/* Makes the tar archive when it is not there, and unpacks it as dest, which is created. -EPERM: it needs root. */
int sut_root_unpack(const char *cache, const char *suite, const char *dest,
		    const struct sut_progress *progress, struct sut_err *err) _must_check_;

/*
 * The start of a command line that runs something in the root as root of it: "bwrap …"; dir is its working folder. It is root without what
 * reaches beyond files: a package's build scripts are anybody's programs.
 */
int sut_root_argv(struct sut_strv *argv, const char *root, bool network,
		  const char *dir) _must_check_;

/* What has run in a root may have left links in the place of folders and files that we go on with, from outside. -EPERM (reason
 * "build-root"): below root there is not a folder at every step to `folder`; there is something else than files and folders in it. */
int sut_root_check(const char *root, const char *folder, struct sut_err *err) _must_check_;
int sut_root_check_files(const char *folder, struct sut_err *err) _must_check_;

/* Takes away what would make programs below dir, once everybody may go there, run with rights of others: set-user-ID, device nodes. */
int sut_root_disarm(const char *dir, struct sut_err *err) _must_check_;

#endif
