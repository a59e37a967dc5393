// SPDX-License-Identifier: Apache-2.0
#include "library/kind.h"

#include <errno.h>
#include <string.h>

#include "base/file.h"

bool sut_lib_made_from(const struct sut_lib_object *o, const char *path)
{
	if (sut_streq(o->source, path))
		return true;
	for (const char *const *d = o->deps; d && *d; d++)
		if (sut_streq(*d, path))
			return true;
	return false;
}

static bool ends_with_any(const char *path, const char *const *ends)
{
	for (; *ends; ends++)
		if (sut_endswith(path, *ends))
			return true;
	return false;
}

static bool is_source(const char *path)
{
	static const char *const ends[] = {".c",   ".cc",  ".cpp", ".cxx", ".C",   ".h",   ".hh",
					   ".hpp", ".hxx", ".H",   ".inc", ".tcc", ".ipp", NULL};

	return ends_with_any(path, ends);
}

static bool is_assembly(const char *path)
{
	static const char *const ends[] = {".S", ".s", ".asm", ".sx", NULL};

	return ends_with_any(path, ends);
}

/* Documentation, tests and packaging: no code of the library is made from them. */
static bool is_beside(const char *path)
{
	static const char *const folders[] = {"debian",	  "doc",       "docs",	    "Documentation",
					      "test",	  "tests",     "testsuite", "testdata",
					      "examples", "example",   "demos",	    "po",
					      "man",	  "manual",    ".github",   "fuzz",
					      "bench",	  "benchmark", "contrib",   "translations"};
	static const char *const ends[] = {".md",  ".rst", ".txt", ".pod", ".texi", ".html",
					   ".xml", ".1",   ".3",   ".5",   ".8",    ".po",
					   ".pot", ".svg", ".png", NULL};
	static const char *const names[] = {"NEWS",	 "CHANGES", "ChangeLog", "README",
					    "AUTHORS",	 "Changes", "COPYING",	 "LICENSE",
					    "changelog", "THANKS",  "VERSION",	 "HISTORY"};
	const char *base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;

	for (const char *p = path; (p = *p == '/' ? p + 1 : p) && strchr(p, '/');
	     p = strchr(p, '/')) {
		size_t n = strcspn(p, "/");

		for (size_t i = 0; i < SUT_ARRAY_SIZE(folders); i++)
			if (strlen(folders[i]) == n && !strncmp(folders[i], p, n))
				return true;
	}
	for (size_t i = 0; i < SUT_ARRAY_SIZE(names); i++)
		if (sut_startswith(base, names[i]))
			return true;
	return ends_with_any(path, ends);
}

static bool is_used(const struct sut_lib_profile *p, const char *path, bool *ret_assembly)
{
	bool used = false;

	for (size_t i = 0; i < p->nobjects; i++) {
		if (!sut_lib_made_from(&p->objects[i], path))
			continue;
		used = true;
		*ret_assembly |= sut_streq(p->objects[i].source, path) &&
				 sut_streq(p->objects[i].language, "asm");
	}
	return used;
}

static int file_kind(void *ctx, const char *path, const char *src_dir,
		     struct sut_refusals *refusals)
{
	struct sut_lib_kind *k = ctx;
	_cleanup_(sut_freep) char *full = sut_sprintf("%s/%s", src_dir, path);
	bool assembly = false, used = is_used(k->profile, path, &assembly);

	if (!full)
		return -ENOMEM;
	if (!used && is_beside(path))
		return 0;
	if (assembly || (used && is_assembly(path)))
		return sut_refuse(refusals, "assembly", path, path, 0,
				  "assembly files cannot be patched live: change the C code that "
				  "calls this instead.");
	if (used && sut_exists(full))
		return 1;
	if (!sut_exists(full) && (is_source(path) || is_assembly(path)))
		return sut_refuse(
			refusals, "new-file", path, path, 0,
			"the target's source has no such file: new source files cannot "
			"come with a patch yet. Put the new code into a file that exists.");
	if (is_source(path) || is_assembly(path)) /* of another library, a tool, another platform */
		return sut_strv_add(&k->skipped, path);
	return sut_refuse(
		refusals, "build-file", path, path, 0,
		"it is no source file that an object of this library is made from: what it "
		"makes the build do cannot be applied to a running process. Leave this file "
		"out of the fix.");
}

struct sut_fixset_rules sut_lib_fixset_rules(struct sut_lib_kind *k)
{
	return (struct sut_fixset_rules){.kind = file_kind, .ctx = k};
}
