// SPDX-License-Identifier: Apache-2.0
#include "fixes.h"

#include <string.h>

#include "base/str.h"
#include "show.h"
#include "truth/truth.h"

static bool names(const json_t *patch, const char *cve)
{
	const json_t *c;
	size_t i;

	json_array_foreach(json_object_get(patch, "cves"), i, c)
		if (json_is_string(c) && sut_streq(json_string_value(c), cve))
			return true;
	return false;
}

void fix_find(const struct halves *h, const char *cve, struct fix_found *ret)
{
	const json_t *patch = json_object_get(h->apply, "patch"), *v,
		     *available = show_object(h->network, "available");
	const json_t *library;
	enum truth_library is;
	size_t i;

	*ret = (struct fix_found){.fix = FIX_NONE};
	library = truth_library_of(h->apply, cve, &is);
	if (truth_is_fixed(h->apply, cve)) {
		*ret = (struct fix_found){.fix = FIX_LIVE, .by = library ? library : patch};
		return;
	}
	if (library) {
		*ret = (struct fix_found){.fix = FIX_PARTLY, .by = library};
		truth_library_text(h->apply, library, ret->text, sizeof(ret->text));
		return;
	}
	if (names(available, cve)) {
		*ret = (struct fix_found){.fix = FIX_AVAILABLE, .by = available};
		return;
	}
	json_array_foreach(json_object_get(h->network, "held"), i, v)
		if (names(v, cve)) {
			*ret = (struct fix_found){.fix = FIX_HELD, .by = v};
			return;
		}
}

const char *fix_word(enum fix f)
{
	static const char *const words[] = {
		[FIX_LIVE] = "live", [FIX_PARTLY] = "partly", [FIX_AVAILABLE] = "available",
		[FIX_HELD] = "held", [FIX_NONE] = "none",
	};

	return words[f];
}

static json_t *row(const char *cve, const struct fix_found *f)
{
	const char *id = show_string(f->by, "id");
	json_t *reason = json_object_get(f->by, "reason");

	reason = *f->text ? json_string(f->text) : json_incref(reason);
	return json_pack("{s:s, s:s, s:s, s:I, s:o?, s:O?}", "cve", cve, "state", fix_word(f->fix),
			 "patchset", *id ? id : show_string(f->by, "patchset"), "level",
			 show_int(f->by, "level"), "reason", reason, "until",
			 json_object_get(f->by, "until"));
}

/* seen: names that are in the list already. */
static int add_cves(json_t *list, json_t *seen, const struct halves *h, const json_t *patch)
{
	const json_t *c;
	size_t i;

	json_array_foreach(json_object_get(patch, "cves"), i, c) {
		const char *cve = json_string_value(c);
		struct fix_found f;

		if (!cve || !truth_is_cve(cve) || json_object_get(seen, cve))
			continue;
		fix_find(h, cve, &f);
		/* A patch whose code was changed fixes nothing, and is named by nobody else. */
		if (f.fix != FIX_NONE && json_array_append_new(list, row(cve, &f)) < 0)
			return -1;
		if (json_object_set_new(seen, cve, json_true()) < 0)
			return -1;
	}
	return 0;
}

json_t *fix_list(const struct halves *h)
{
	json_t *list = json_array(), *seen = json_object();
	const json_t *v;
	size_t i;
	int r = list && seen ? 0 : -1;

	if (!r)
		r = add_cves(list, seen, h, json_object_get(h->apply, "patch"));
	json_array_foreach(json_object_get(h->apply, "libraries"), i, v)
		if (!r && truth_library_runs(v))
			r = add_cves(list, seen, h, v);
	if (!r)
		r = add_cves(list, seen, h, show_object(h->network, "available"));
	json_array_foreach(json_object_get(h->network, "held"), i, v)
		if (!r)
			r = add_cves(list, seen, h, v);
	json_decref(seen);
	if (r < 0) {
		json_decref(list);
		return NULL;
	}
	return list;
}
