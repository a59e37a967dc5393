/* SPDX-License-Identifier: Apache-2.0 */
/* What each file of a fix means to one library: by the files its objects were made from in the recorded build. */
#ifndef SUTURE_BUILDER_LIBRARY_KIND_H
#define SUTURE_BUILDER_LIBRARY_KIND_H

#include "fixset/fixset.h"
#include "library/profile.h"

struct sut_lib_kind {
	const struct sut_lib_profile *profile;
	struct sut_strv
		skipped; /* source files of the fix that nothing in this library is made from */
};

/* Rules for sut_fixset_apply(); k must outlive them. */
struct sut_fixset_rules sut_lib_fixset_rules(struct sut_lib_kind *k);

/* Was the object made from that file of the tree? */
bool sut_lib_made_from(const struct sut_lib_object *o, const char *path);

#endif
