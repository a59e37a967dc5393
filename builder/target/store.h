/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cache: where targets and source trees are kept.
 *
 *   <cache>/lock                    held by whoever adds what is of a kernel, or removes
 *   <cache>/locks/<name>            one for each target of a library and each build root: held by whoever makes it
 *   <cache>/targets/<name>/         one target, its '/' written as '_'
 *     profile.json                  written last: without it there is no target
 *     image/                        the unpacked image package
 *     vmlinux                       the ELF file from the image
 *     build/                        the prepared O= folder
 *   <cache>/sources/linux-<version>/  source trees, shared
 *
 * Who needs both locks takes that of the target first. What is in a target's folder, and not of a kernel: library/profile.h.
 */
#ifndef SUTURE_BUILDER_STORE_H
#define SUTURE_BUILDER_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "target/progress.h"

/* $SUTURE_CACHE, else $XDG_CACHE_HOME/suture, else ~/.cache/suture, as root
 * /var/cache/suture. Caller frees. */
char *sut_cache_dir(void);

/* Creates the cache when needed; *ret is its absolute path. Caller frees. */
int sut_store_open(const char *cache, char **ret, struct sut_err *err) _must_check_;

/* Creates the cache when needed, takes its lock (and says so when that means
 * to wait), and returns its absolute path. Close *ret_fd to release the lock. */
int sut_store_lock(const char *cache, const struct sut_progress *progress, char **ret_cache,
		   int *ret_fd, struct sut_err *err) _must_check_;

/*
 * Takes the lock of one entry of the cache (sut_store_open()): of a target whose making takes long and touches nothing shared, or of a
 * build root ("roots/bookworm"). Says so when that means to wait. Close *ret_fd to release it.
 */
int sut_store_lock_entry(const char *cache, const char *name, const struct sut_progress *progress,
			 int *ret_fd, struct sut_err *err) _must_check_;

/* Is name of the form "debian/<release>"? -EINVAL with the form otherwise.
 * *ret_release points into name. */
int sut_target_name_check(const char *name, const char **ret_release,
			  struct sut_err *err) _must_check_;

/* The target's folder, whether it is there or not. NULL: no memory. */
char *sut_target_dir(const char *cache, const char *name);

/* Names of all targets, sorted. A cache that is not there has none. */
int sut_target_list(const char *cache, struct sut_strv *ret, struct sut_err *err) _must_check_;

/* Removes a target, and its source tree when no other target uses it. The
 * caller holds the lock. *ret_source (may be NULL): the source went too. */
int sut_target_remove(const char *cache, const char *name, bool *ret_source,
		      struct sut_err *err) _must_check_;

/* Removes the source trees that no target uses, and what a killed command may
 * have left; not what another command is making. The caller holds the lock. *ret_n: how many trees. */
int sut_store_clean(const char *cache, size_t *ret_n, struct sut_err *err) _must_check_;

/* Fails with -ENOSPC, naming both figures, when path's file system has less than
 * need bytes free. */
int sut_store_space(const char *path, uint64_t need, struct sut_err *err) _must_check_;

#endif
