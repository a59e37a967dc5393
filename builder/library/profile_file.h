/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The folder of a library target, <cache>/targets/debian_PACKAGE=VERSION/:
 *
 *   profile.json         written last: without it there is no target
 *   shipped/             the unpacked binary package
 *   root/                root file system of the build, with the source tree as it was built; or
 *   src/                 the source tree, when it was built on this machine
 *   files/N/rebuilt      an ELF file of the package as the recorded build linked it, not stripped
 *   files/N/objects.json {"paths": [P…], "objects": [{object, source, cwd, language, argv, deps: [index into paths…],
 *                        placed: [[section, vaddr, size, nth]…]}…]}
 *   files/N/objects/     the objects
 *   built                the recorded build is whole; its record is in root/suture/ or record/ until the profile is written
 */
#ifndef SUTURE_BUILDER_LIBRARY_PROFILE_FILE_H
#define SUTURE_BUILDER_LIBRARY_PROFILE_FILE_H

#include "library/profile.h"

#define SUT_LIB_PROFILE_FILE "profile.json"
#define SUT_LIB_OBJECTS_FILE "objects.json"

/* Is it "debian/PACKAGE=VERSION"? Then the outputs, which may be NULL, are the caller's to free. -EINVAL with the form. */
int sut_lib_name_check(const char *name, char **ret_package, char **ret_version,
		       struct sut_err *err) _must_check_;

/* Does the name have the form of a library's target? */
bool sut_lib_name_is(const char *name);

/* As sut_lib_profile_files(), with whole paths. */
int sut_lib_profile_paths(const char *cache, const char *target, struct sut_strv *ret,
			  struct sut_err *err) _must_check_;

/* SOURCE_DATE_EPOCH of the recorded build; "" for none. */
const char *sut_lib_profile_epoch(const struct sut_lib_profile *p);

#endif
