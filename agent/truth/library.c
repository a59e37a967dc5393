// SPDX-License-Identifier: Apache-2.0
/* What the state of suture-apply says of libraries: which CVEs are fixed in every process, and which are not. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "internal.h"

static json_int_t count(const json_t *o, const char *key)
{
	json_int_t n = json_integer_value(json_object_get(o, key));

	return n > 0 ? n : 0;
}

bool truth_library_runs(const json_t *library)
{
	return *truth_text(library, "id") && count(library, "level") > 0 &&
	       !json_is_true(json_object_get(library, "unloaded"));
}

enum truth_library truth_library_is(const json_t *state, const json_t *library)
{
	const json_t *daemon = json_object_get(state, "daemon");

	/* Who does not see every process, and each new one before it runs, cannot say that all are patched. */
	if (!sut_streq(truth_text(daemon, "state"), "running") ||
	    !sut_streq(truth_text(daemon, "watch"), "on"))
		return TRUTH_LIBRARY_UNKNOWN;
	return count(library, "patched") >= count(library, "processes") ? TRUTH_LIBRARY_FIXED
									: TRUTH_LIBRARY_PARTLY;
}

bool truth_library_names(const json_t *library, const char *cve)
{
	const json_t *c;
	size_t i;

	json_array_foreach(json_object_get(library, "cves"), i, c) {
		const char *s = json_string_value(c);

		if (s && truth_is_cve(s) && !strcasecmp(s, cve))
			return true;
	}
	return false;
}

const json_t *truth_library_of(const json_t *state, const char *cve, enum truth_library *ret)
{
	const json_t *found = NULL, *l;
	enum truth_library worst = TRUTH_LIBRARY_FIXED;
	size_t i;

	json_array_foreach(json_object_get(state, "libraries"), i, l) {
		enum truth_library is = truth_library_is(state, l);

		if (!truth_library_runs(l) || !truth_library_names(l, cve) ||
		    (found && is <= worst))
			continue;
		found = l;
		worst = is;
	}
	if (found)
		*ret = worst;
	return found;
}

int truth_library_list(const json_t *state, json_t **ret)
{
	json_t *list = json_array(), *seen = json_object();
	const json_t *l, *c;
	size_t i, k;
	int r = list && seen ? 0 : -ENOMEM;

	json_array_foreach(json_object_get(state, "libraries"), i, l) {
		json_array_foreach(json_object_get(l, "cves"), k, c) {
			const char *cve = json_string_value(c);
			enum truth_library is;

			if (r < 0 || !cve || !truth_is_cve(cve) || json_object_get(seen, cve) ||
			    json_array_size(list) >= TRUTH_CVES_MAX)
				continue;
			if (json_object_set_new(seen, cve, json_true()) < 0)
				r = -ENOMEM;
			else if (truth_library_of(state, cve, &is) && is == TRUTH_LIBRARY_FIXED &&
				 json_array_append_new(list, json_string(cve)) < 0)
				r = -ENOMEM;
		}
	}
	json_decref(seen);
	if (r < 0) {
		json_decref(list);
		return r;
	}
	*ret = list;
	return 0;
}

void truth_library_text(const json_t *state, const json_t *library, char *ret, size_t len)
{
	json_int_t n = count(library, "processes"), patched = count(library, "patched");

	if (truth_library_is(state, library) == TRUTH_LIBRARY_UNKNOWN)
		snprintf(ret, len,
			 "not known in how many processes, because suture-process does not see "
			 "them all");
	else
		snprintf(ret, len, "%" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT " %s",
			 patched, n, n == 1 ? "process" : "processes");
}

static json_t *known(const json_t *o, const char *key)
{
	const char *s = truth_text(o, key);

	return *s ? json_string(s) : json_null();
}

int truth_libraries(const json_t *state, json_t **ret)
{
	static const char *const words[] = {
		[TRUTH_LIBRARY_FIXED] = "fixed",
		[TRUTH_LIBRARY_PARTLY] = "affected",
		[TRUTH_LIBRARY_UNKNOWN] = "under_investigation",
	};
	json_t *list = json_array(), *cves;
	const json_t *l;
	size_t i;

	json_array_foreach(json_object_get(state, "libraries"), i, l) {
		if (!list || !truth_library_runs(l))
			continue;
		cves = json_object_get(l, "cves");
		if (json_array_append_new(
			    list, json_pack("{s:o,s:o,s:o,s:o,s:o,s:I,s:s,s:I,s:I,s:o,s:o}", "name",
					    known(l, "name"), "build_id", known(l, "build_id"),
					    "package", known(l, "package"), "package_version",
					    known(l, "package_version"), "patchset", known(l, "id"),
					    "level", count(l, "level"), "state",
					    words[truth_library_is(state, l)], "processes",
					    count(l, "processes"), "patched", count(l, "patched"),
					    "signed_by", known(l, "signed_by"), "cves",
					    json_is_array(cves) ? json_copy(cves) : json_array())) <
		    0) {
			json_decref(list);
			list = NULL;
		}
	}
	if (!list)
		return -ENOMEM;
	*ret = list;
	return 0;
}
