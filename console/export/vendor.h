/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the vendor signed about the patches of an evidence: the TUF metadata (docs/formats/repository.md) from the first root to
 * the role that names the patch's file and hash, as the portal gives it to everybody. It is read when the evidence is made and
 * kept nowhere: a repository keeps the entries of old patches.
 *
 * The console trusts the first root that the portal shows it; whoever checks compares that one with his own. Everything
 * after it was verified as an agent does before it gets here.
 */
#ifndef SUTURE_CONSOLE_EXPORT_VENDOR_H
#define SUTURE_CONSOLE_EXPORT_VENDOR_H

#include <jansson.h>

#include "web/web.h"

enum {
	VENDOR_TOTAL_MAX = 64 << 20, /* bytes of all files */
	VENDOR_NAME_MAX = 256,
	VENDOR_PATH_MAX = 96,
};

struct vendor_file {
	char *name; /* "3.kernel.json", no '/' in it */
	uint8_t *data;
	size_t len;
	json_t *doc;
};

struct vendor {
	/* "ok"; "none": no patch to speak of; "unset": there is no portal; "away": it does not answer; "invalid":
	 * what it gives cannot be verified. Without files unless it is "ok". */
	const char *state;
	char text[512]; /* why, for people; "" */
	struct vendor_file *v;
	size_t n;
};

/* For `prepare`: asks the portal about patches of results that came in [from, to). 0, also when the portal is away, or < 0. */
int vendor_read(struct web_req *q, int64_t from, int64_t to, struct vendor **ret,
		struct sut_err *err) _must_check_;
void vendor_free(void *v);
void vendor_freep(struct vendor **v);

/* The target's path of the patch that a result (docs/formats/job.md) names; false: it names none. */
bool vendor_path(const json_t *result, char ret[static VENDOR_PATH_MAX]);
/* The file that says this path has this hash; NULL: none does. */
const struct vendor_file *vendor_names(const struct vendor *v, const char *path,
				       const char *sha256);
/* {state, text, roles: [{file, role, named_by}]}: which file says whose keys count for which. NULL: no memory. */
json_t *vendor_json(const struct vendor *v, const char *folder);

#endif
