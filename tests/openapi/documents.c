// SPDX-License-Identifier: Apache-2.0
#include "documents.h"

#include <glob.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"

/* "common.json#/$defs/time" and "suture-result.json" become "#/$defs/time" and "#/$defs/suture-result.json". */
static bool link_refs(json_t *v)
{
	const char *ref = json_string_value(json_object_get(v, "$ref"));
	json_t *child;
	const char *name;
	size_t i;

	if (ref && *ref != '#') {
		const char *inner = strchr(ref, '#');

		if (json_object_set_new(v, "$ref",
					inner ? json_string(inner)
					      : json_sprintf("#/$defs/%s", ref)) < 0)
			return false;
	}
	json_object_foreach(v, name, child) {
		if (!link_refs(child))
			return false;
	}
	json_array_foreach(v, i, child) {
		if (!link_refs(child))
			return false;
	}
	return true;
}

static bool add(json_t *defs, const char *path, struct schema_error *ret)
{
	const char *name = strrchr(path, '/') + 1, *key;
	json_error_t e;
	json_t *s = json_load_file(path, JSON_REJECT_DUPLICATES, &e), *own, *v;
	bool good = s != NULL;

	if (!s) {
		snprintf(ret->text, sizeof(ret->text), "%s:%d: %s", name, e.line, e.text);
		return false;
	}
	if (!sut_streq(json_string_value(json_object_get(s, "$id")) ?: "", name)) {
		snprintf(ret->text, sizeof(ret->text), "%s: its $id is another one", name);
		good = false;
	}
	json_object_del(s, "$schema");
	json_object_del(s, "$id");
	own = json_incref(json_object_get(s, "$defs"));
	json_object_del(s, "$defs");
	json_object_foreach(own, key, v) {
		good = good && !json_object_get(defs, key) && json_object_set(defs, key, v) == 0;
	}
	json_decref(own);
	good = good && json_object_set(defs, name, s) == 0;
	json_decref(s);
	if (!good && !*ret->text)
		snprintf(ret->text, sizeof(ret->text), "%s: a definition is there twice", name);
	return good;
}

json_t *documents_load(const char *folder, struct schema_error *ret)
{
	_cleanup_(sut_freep) char *pattern = sut_sprintf("%s/*.json", folder);
	json_t *all = json_pack("{s:{}}", "$defs"), *defs = json_object_get(all, "$defs"), *v;
	const char *name;
	glob_t g = {0};
	bool good = pattern && glob(pattern, 0, NULL, &g) == 0;

	*ret = (struct schema_error){0};
	if (!good)
		snprintf(ret->text, sizeof(ret->text), "there are no schemas in %s", folder);
	for (size_t i = 0; good && i < g.gl_pathc; i++)
		good = add(defs, g.gl_pathv[i], ret);
	globfree(&g);
	good = good && link_refs(all);
	json_object_foreach(defs, name, v) {
		if (good && !schema_sound(all, v, ret)) {
			size_t n = strlen(ret->text);

			snprintf(ret->text + n, sizeof(ret->text) - n, " (in %s)", name);
			good = false;
		}
	}
	if (!good) {
		json_decref(all);
		return NULL;
	}
	return all;
}

bool documents_fit(const json_t *all, const json_t *value, struct schema_error *ret)
{
	const char *format = json_string_value(json_object_get(value, "format"));
	_cleanup_(sut_freep) char *name = sut_sprintf("%s.json", format ? format : "");
	const json_t *s = name ? json_object_get(json_object_get(all, "$defs"), name) : NULL;

	*ret = (struct schema_error){0};
	if (!format || !s) {
		snprintf(ret->text, sizeof(ret->text), "there is no schema for format '%s'",
			 format ? format : "");
		return false;
	}
	return schema_check(all, s, value, SCHEMA_STRICT, ret);
}
