/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the files of this folder: one item of a changelog, its lines joined by spaces, without its bullet.
 *
 * An item that takes something back ("Revert "TITLE"") is no fix of what TITLE names, but of what it names
 * itself, behind the quotation mark: some holes were made by a change and are closed by taking it
 * back. "Drop …" is no fix at all.
 */
#ifndef SUTURE_CVE_ITEM_H
#define SUTURE_CVE_ITEM_H

#include <stddef.h>

#include "base/cleanup.h"
#include "changelog.h"

/* The next CVE that the item says it fixes, from *at on; *at moves behind it. 1, or 0 when there is none. */
int sut_item_next_cve(const char *item, size_t *at, char ret[static SUT_CVE_ID_MAX]);

/* What it is about, without references, cut to SUT_CVE_SUBJECT_MAX, printable. NULL: no memory. */
char *sut_item_subject(const char *item) _must_check_;

/* The title by which others refer to it: without "[x86]" and references. NULL: no memory. */
char *sut_item_title(const char *item) _must_check_;

/* When it begins with Revert "TITLE": 1 and TITLE; else 0. -ENOMEM. */
int sut_item_reverts(const char *item, char **ret_title) _must_check_;

/* "Sign kernel from NAME VERSION": 1, and both. So entries of linux-signed-amd64 name the version
 * of the source package they stand for. -ENOMEM. */
int sut_item_signs(const char *item, char **ret_source, char **ret_version) _must_check_;

#endif
