/* SPDX-License-Identifier: Apache-2.0 */
/* What the portal wants to know of a patch file. */
#ifndef SUTURE_PORTAL_REPO_PATCH_H
#define SUTURE_PORTAL_REPO_PATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "patch/manifest.h"

enum { REPO_KERNEL_ID_HEX = 41 };

struct repo_patch {
	char id[SUTURE_ID_MAX];
	bool library;
	uint32_t level;
	int64_t created;
	char build_id[2 * SUTURE_BUILD_ID_LEN + 1];
	char kernel_id
		[REPO_KERNEL_ID_HEX]; /* SHA-1 of /proc/version; "" when the manifest has no banner */
	char *target, *arch, *release, *package, *package_version;
	char *file, *soname, *source, *source_version; /* of libraries; else "" */
	struct sut_strv cves;			       /* sorted, each once */
	char *summary; /* JSON: {"generator", "functions": [{"name", "source"}], "files": […]} */
};

/* From the bytes of kpatch.bin or upatch.bin. -EBADMSG; -EPROTONOSUPPORT for one of a later format. */
int repo_patch_parse(const void *data, size_t len, struct repo_patch **ret,
		     struct sut_err *err) _must_check_;
void repo_patch_free(struct repo_patch *p);
void repo_patch_freep(struct repo_patch **p);

/* SHA-1 of the text and a newline, in hexadecimal. */
int repo_kernel_id(const char *banner, char ret[static REPO_KERNEL_ID_HEX],
		   struct sut_err *err) _must_check_;

#endif
