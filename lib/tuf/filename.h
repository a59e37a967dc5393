/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The name of a local file for a role or a target path. Both are chosen by others: "..", "/etc/passwd"
 * or 1,000 bytes of them have to give one harmless name in one folder.
 */
#ifndef SUTURE_TUF_FILENAME_H
#define SUTURE_TUF_FILENAME_H

/*
 * name percent-encoded (all but A-Z a-z 0-9 - . _ ~), and suffix. Different names give different files.
 * Without a suffix the dot of a leading "." is encoded, so nothing is hidden, "." or "..", and so is that
 * of a ".part" at the end, so the part of one target is never another target. What
 * would be longer than SUT_TUF_FILE_MAX bytes is called "sha256=" and the digest of name ('=' is in no
 * encoded name). NULL when memory is short.
 */
char *sut_tuf_file_name(const char *name, const char *suffix);

/* NAME_MAX without what temporary and partial files add (".tmp-4194304"). */
enum { SUT_TUF_FILE_MAX = 240 };

#endif
