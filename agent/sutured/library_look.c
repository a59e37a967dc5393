// SPDX-License-Identifier: Apache-2.0
/* Which libraries are in use here, and what the verified repository has for them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "sutured/apply.h"
#include "sutured/facts.h"
#include "sutured/library.h"
#include "tuf/json.h"

#define WORD "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-:+~/@"

enum { FILES_MS = 60000, NAME_BYTES = 256, VERSION_BYTES = 128 };

static bool is_build_id(const char *s)
{
	return strlen(s) == 2 * SUTURE_BUILD_ID_LEN && strspn(s, "0123456789abcdef") == strlen(s);
}

/* ------------------------------------------------------------------ */
/* What is in use                                                       */

static int add_file(json_t *used, const json_t *f)
{
	const char *build_id = sut_json_text(f, "build_id");
	json_int_t n = json_integer_value(json_object_get(f, "processes"));
	json_t *was = json_object_get(used, build_id);

	/* Two copies of one file, in containers for example, are one library. */
	if (!is_build_id(build_id) || (!was && json_object_size(used) >= LIBRARY_FILES))
		return 0;
	if (was)
		n += json_integer_value(json_object_get(was, "processes"));
	return json_object_set_new(used, build_id,
				   json_pack("{s:s, s:I}", "path", sut_json_text(f, "path"),
					     "processes", n > 0 && n < INT32_MAX ? n : 0));
}

static int ask_files(struct net *n, json_t **ret, struct sut_err *err)
{
	_cleanup_json_ json_t *used = json_object();
	json_t *answer = NULL, *f;
	size_t i;
	int r = apply_call(n, NULL, json_pack("{s:s}", "verb", "lib-files"), NULL, FILES_MS,
			   &answer, err);

	if (r == 0 && !used)
		r = sut_err_oom(err);
	json_array_foreach(json_object_get(answer, "files"), i, f) {
		if (r < 0)
			break;
		if (add_file(used, f) < 0)
			r = sut_err_oom(err);
	}
	json_decref(answer);
	if (r == 0)
		*ret = json_incref(used);
	return r;
}

/* ------------------------------------------------------------------ */
/* What there is for it                                                 */

static const json_t *told_of(const json_t *told, const char *build_id)
{
	const json_t *e;
	size_t i;

	json_array_foreach(told, i, e)
		if (sut_streq(sut_json_text(e, "build_id"), build_id))
			return e;
	return NULL;
}

static const json_t *patched_of(const json_t *apply, const char *build_id)
{
	return told_of(json_object_get(apply, "libraries"), build_id);
}

static int add(struct sut_strv *all, const char *build_id)
{
	if (!is_build_id(build_id) || all->n >= LIBRARY_FILES + LIBRARY_MAX)
		return 0;
	for (size_t i = 0; i < all->n; i++)
		if (sut_streq(all->v[i], build_id))
			return 0;
	return sut_strv_add(all, build_id);
}

static int add_list(struct sut_strv *all, const json_t *list)
{
	const json_t *e;
	size_t i;
	int r = 0;

	json_array_foreach(list, i, e)
		if (r == 0)
			r = add(all, sut_json_text(e, "build_id"));
	return r;
}

static int add_keys(struct sut_strv *all, json_t *object)
{
	const char *build_id;
	json_t *v;
	int r = 0;

	json_object_foreach(object, build_id, v)
		if (r == 0)
			r = add(all, build_id);
	return r;
}

static int list_there(struct net *n, struct repository *r, json_t *used, json_t **ret,
		      struct sut_err *err)
{
	_cleanup_json_ json_t *there = json_object(), *before = state_get(n, "_libraries"),
			      *told = state_get(n, "_told_libraries"), *apply = NULL;
	_cleanup_strv_ struct sut_strv all = {0};
	int k = there ? 0 : sut_err_oom(err);

	if (k == 0 && apply_state(n, false, &apply, NULL) < 0)
		apply = NULL;
	if (k == 0 && (add_list(&all, json_object_get(apply, "libraries")) < 0 ||
		       add_list(&all, told) < 0 || add_keys(&all, used) < 0))
		k = sut_err_oom(err);
	for (size_t i = 0; k == 0 && i < all.n && json_object_size(there) < LIBRARY_MAX; i++) {
		const char *id = all.v[i];
		const struct repository_wants more = {
			.levels = {(uint32_t)json_integer_value(
					   json_object_get(told_of(told, id), "level")),
				   (uint32_t)json_integer_value(
					   json_object_get(patched_of(apply, id), "level"))}};
		const json_t *old = json_object_get(json_object_get(before, "there"), id);
		json_t *doc = NULL;

		k = repository_list_library(r, id, old, &more, &doc, err);
		if (k == 0 && json_array_size(json_object_get(doc, "levels")))
			k = json_object_set(there, id, doc) < 0 ? sut_err_oom(err) : 0;
		json_decref(doc);
	}
	if (k == 0)
		*ret = json_incref(there);
	return k;
}

void library_look(struct net *n, struct repository *r)
{
	_cleanup_json_ json_t *used = NULL, *there = NULL, *before = NULL;
	struct sut_err err = {0};
	int k;

	if (!n->conf.libraries) {
		state_set(n, "_libraries", json_object());
		state_set(n, "_lib_check", json_object());
		return;
	}
	/* Where nothing can be patched there is nobody to ask. */
	if (ask_files(n, &used, &err) < 0) {
		net_log(NET_DEBUG, "which libraries are in use is not known: %s", err.msg);
		before = state_get(n, "_libraries");
		used = json_incref(json_object_get(before, "used"));
	}
	k = list_there(n, r, used, &there, &err);
	if (k < 0) {
		net_log(NET_INFO, "what the repository has for libraries is not known: %s",
			err.msg);
		state_set(n, "_lib_check",
			  json_pack("{s:s, s:s}", "code",
				    err.reason[0] ? err.reason : "repository-unreachable", "text",
				    err.msg));
		return;
	}
	state_set(n, "_lib_check", json_object());
	state_set(n, "_libraries",
		  json_pack("{s:I, s:O?, s:O}", "read_at", (json_int_t)net_now(n), "used", used,
			    "there", there));
}

int library_each(struct net *n, const json_t *apply, struct sut_strv *ret)
{
	_cleanup_json_ json_t *known = state_get(n, "_libraries"),
			      *told = state_get(n, "_told_libraries");
	int r = add_list(ret, json_object_get(apply, "libraries"));

	if (r == 0 && n->conf.libraries)
		r = add_keys(ret, json_object_get(known, "there"));
	if (r == 0 && n->conf.libraries && identity_registered(&n->id))
		r = add_list(ret, told);
	return r;
}

/* ------------------------------------------------------------------ */
/* What the portal hears                                                */

/* A file's name without its path. */
static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* The word of the check-in for one of them, as it was decided last; "" when nobody has. */
static const char *state_of(const json_t *status, const char *build_id)
{
	static const char *const ours[] = {"unknown", "not-registered"};
	const char *word = sut_json_text(told_of(status, build_id), "state");

	for (size_t i = 0; i < SUT_ARRAY_SIZE(ours); i++)
		if (sut_streq(word, ours[i]))
			return "";
	return word;
}

static json_t *one(const char *build_id, const json_t *used, const json_t *there,
		   const json_t *patched, const char *state, bool counts)
{
	char name[NAME_BYTES + 1], version[VERSION_BYTES + 1], patchset[64];
	const char *called = sut_json_text(patched, "name");
	const json_t *running = counts ? patched : NULL;
	json_int_t processes, of_daemon, done;
	json_t *j;

	if (!*called)
		called = sut_json_text(there, "soname");
	if (!*called)
		called = base_name(sut_json_text(used, "path"));
	facts_filter(*called ? called : "?", WORD, '-', name, sizeof(name));
	facts_filter(*sut_json_text(patched, "package_version")
			     ? sut_json_text(patched, "package_version")
			     : sut_json_text(there, "package_version"),
		     WORD, '-', version, sizeof(version));
	facts_filter(sut_json_text(patched, "id"), WORD, 0, patchset, sizeof(patchset));
	j = json_pack("{s:s, s:s, s:s, s:I, s:s}", "build_id", build_id, "name", name, "version",
		      version, "level", json_integer_value(json_object_get(patched, "level")),
		      "patchset", patchset);
	if (j && *state)
		(void)json_object_set_new(j, "state", json_string(state));
	if (!j || !counts)
		return j;
	of_daemon = json_integer_value(json_object_get(running, "processes"));
	processes = of_daemon ? of_daemon : json_integer_value(json_object_get(used, "processes"));
	done = json_integer_value(json_object_get(running, "patched"));
	(void)json_object_set_new(j, "processes", json_integer(processes));
	(void)json_object_set_new(j, "patched", json_integer(done));
	return j;
}

json_t *library_report(struct net *n, const json_t *apply, bool counts)
{
	_cleanup_json_ json_t *known = state_get(n, "_libraries"),
			      *status = state_get(n, "libraries");
	_cleanup_strv_ struct sut_strv all = {0};
	json_t *list = json_array();
	int r = list ? add_list(&all, json_object_get(apply, "libraries")) : -ENOMEM;

	if (!n->conf.libraries) {
		json_decref(list);
		return NULL;
	}
	if (r == 0)
		r = add_keys(&all, json_object_get(known, "there"));
	for (size_t i = 0; r == 0 && i < all.n && i < LIBRARY_MAX; i++) {
		const char *id = all.v[i];
		const json_t *used = json_object_get(json_object_get(known, "used"), id);
		const json_t *patched = patched_of(apply, id);
		json_t *j;

		/* What nobody uses, and what is not patched, is not of interest. */
		if (!used && !patched)
			continue;
		j = one(id, used, json_object_get(json_object_get(known, "there"), id), patched,
			state_of(status, id), counts);
		r = json_array_append_new(list, j);
	}
	if (r < 0) {
		json_decref(list);
		return NULL;
	}
	return list;
}
