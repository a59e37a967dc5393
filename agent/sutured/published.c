// SPDX-License-Identifier: Apache-2.0
#include "sutured/published.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "common/when.h"
#include "json/parse.h"
#include "patch/manifest.h"

static int bad(struct sut_err *err, const char *what)
{
	return sut_err_reason(err, EBADMSG, "format",
			      "what was known of the repository is damaged (%s); it is read again",
			      what);
}

static bool is_id(const char *s)
{
	size_t n = strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");

	return n > 0 && n < SUTURE_ID_MAX && !s[n];
}

static bool is_hash(const char *s)
{
	return strspn(s, "0123456789abcdef") == 64 && !s[64];
}

/* ------------------------------------------------------------------ */

static int read_level(const json_t *j, struct published *p, size_t *ncves, struct sut_err *err)
{
	struct decide_level *l = &p->levels[p->nlevels];
	const json_t *cves = json_object_get(j, "cves"), *cve;
	json_int_t level = json_integer_value(json_object_get(j, "level"));
	size_t i;

	*l = (struct decide_level){
		.id = sut_json_text(j, "id"),
		.path = sut_json_text(j, "path"),
		.sha256 = sut_json_text(j, "sha256"),
		.length = json_integer_value(json_object_get(j, "length")),
		.created = json_integer_value(json_object_get(j, "created")),
		.seen = json_integer_value(json_object_get(j, "seen")),
		.level = (uint32_t)level,
		.cves = p->cves + *ncves,
	};
	if (level < 1 || level > INT32_MAX || !is_id(l->id) || !is_hash(l->sha256) || !*l->path ||
	    l->length < 0)
		return bad(err, "levels");
	json_array_foreach(cves, i, cve) {
		if (i == PUBLISHED_CVES_MAX || !json_is_string(cve))
			return bad(err, "cves");
		p->cves[(*ncves)++] = json_string_value(cve);
		l->ncves++;
	}
	p->nlevels++;
	return 0;
}

/* A word that we do not know was meant to stop something. */
static enum decide_stop stop_of(const char *action)
{
	if (!*action || sut_streq(action, "none"))
		return DECIDE_STOP_NONE;
	return sut_streq(action, "unload") ? DECIDE_STOP_UNLOAD : DECIDE_STOP_HALT;
}

int published_read(json_t *doc, struct published *ret, struct sut_err *err)
{
	const json_t *levels = json_object_get(doc, "levels"), *j;
	const json_t *stop = json_object_get(doc, "stop");
	_cleanup_(published_release) struct published p = {0};
	size_t i, ncves = 0;

	p.near = p.stop_reason = p.stop_since = "";
	if (!doc) {
		*ret = p;
		p = (struct published){0};
		return 0;
	}
	p.doc = json_incref(doc);
	if (!json_is_object(doc) || json_array_size(levels) > PUBLISHED_LEVELS_MAX)
		return bad(err, "levels");
	snprintf(p.build_id, sizeof(p.build_id), "%s", sut_json_text(doc, "build_id"));
	p.snapshot = json_integer_value(json_object_get(doc, "snapshot"));
	p.read_at = json_integer_value(json_object_get(doc, "read_at"));
	p.expires = json_integer_value(json_object_get(doc, "expires"));
	json_array_foreach(levels, i, j)
		ncves += json_array_size(json_object_get(j, "cves"));
	if (ncves > PUBLISHED_LEVELS_MAX * PUBLISHED_CVES_MAX)
		return bad(err, "cves");
	p.cves = calloc(ncves + 1, sizeof(*p.cves));
	if (!p.cves)
		return sut_err_oom(err);
	ncves = 0;
	json_array_foreach(levels, i, j) {
		int r = read_level(j, &p, &ncves, err);

		if (r < 0)
			return r;
	}
	p.stop = stop_of(sut_json_text(stop, "action"));
	p.stop_reason = sut_json_text(stop, "reason");
	p.stop_since = sut_json_text(stop, "since");
	p.near = sut_json_text(doc, "near");
	*ret = p;
	p = (struct published){0};
	return 0;
}

void published_release(struct published *p)
{
	json_decref(p->doc);
	free(p->cves);
	*p = (struct published){0};
}

/* ------------------------------------------------------------------ */

/* What the entry says; else what the name says, which has the day in it by custom; else 0. */
static int64_t created_of(const json_t *custom, const char *id)
{
	const char *s = sut_json_text(custom, "created");
	char text[WHEN_MAX];
	int64_t t = 0;

	if (*s)
		return when_parse(s, &t) ? t : 0;
	if ((id[0] == 'K' || id[0] == 'U') && strspn(id + 1, "0123456789") == 8) {
		snprintf(text, sizeof(text), "%.4s-%.2s-%.2sT00:00:00Z", id + 1, id + 5, id + 7);
		if (!when_parse(text, &t))
			t = 0;
	}
	return t;
}

static json_t *cves_of(const json_t *custom)
{
	json_t *list = json_array(), *cve;
	size_t i;

	json_array_foreach(json_object_get(custom, "cves"), i, cve) {
		const char *s = json_string_value(cve);

		if (i == PUBLISHED_CVES_MAX)
			break;
		if (s && strlen(s) <= 32 && is_id(s) && json_array_append(list, cve) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

void published_path(bool library, const char *build_id, int64_t level,
		    char ret[static PUBLISHED_PATH])
{
	const char *folder = library ? "library" : "kernel";
	const char *name = sut_patch_file_name(library);

	if (level)
		snprintf(ret, PUBLISHED_PATH, "%s/%s/%lld/%s", folder, build_id, (long long)level,
			 name);
	else
		snprintf(ret, PUBLISHED_PATH, "%s/%s/%s", folder, build_id, name);
}

int published_level(const struct sut_tuf_target *t, const char *build_id, int64_t now, json_t **ret,
		    struct sut_err *err)
{
	json_int_t level = json_integer_value(json_object_get(t->custom, "level"));
	const char *id = sut_json_text(t->custom, "id");
	char path[PUBLISHED_PATH];
	json_t *j;

	published_path(sut_startswith(t->path, "library/"), build_id, level, path);
	if (level < 1 || level > INT32_MAX || !is_id(id) || !is_hash(t->hashes.sha256) ||
	    !sut_streq(path, t->path) || t->length < 0)
		return sut_err_reason(err, EBADMSG, "format",
				      "the repository's entry of '%.200s' is not that of a patch",
				      t->path);
	j = json_pack("{s:s, s:I, s:s, s:s, s:I, s:I, s:o, s:I}", "id", id, "level", level, "path",
		      path, "sha256", t->hashes.sha256, "length", (json_int_t)t->length, "created",
		      (json_int_t)created_of(t->custom, id), "cves", cves_of(t->custom), "seen",
		      (json_int_t)now);
	if (!j)
		return sut_err_oom(err);
	*ret = j;
	return 0;
}

/* The first bytes of a text, whole characters. */
static json_t *text_of(const char *s, size_t max)
{
	size_t n = strnlen(s, max + 1);

	if (n > max)
		for (n = max; n > 0 && ((unsigned char)s[n] & 0xc0) == 0x80;)
			n--;
	return json_stringn(s, n);
}

json_t *published_stop(const json_t *custom, const char *build_id)
{
	static const char *const words[] = {"none", "halt", "unload"};
	const json_t *ids = json_object_get(custom, "build_ids"), *id;
	enum decide_stop stop = stop_of(sut_json_text(custom, "action"));
	bool here = !json_is_array(ids);
	size_t i;

	json_array_foreach(ids, i, id)
		if (json_is_string(id) && sut_streq(json_string_value(id), build_id))
			here = true;
	if (!here || stop == DECIDE_STOP_NONE)
		return json_pack("{s:s, s:s, s:s}", "action", "none", "reason", "", "since", "");
	return json_pack("{s:s, s:o, s:o}", "action", words[stop], "reason",
			 text_of(sut_json_text(custom, "reason"), DECIDE_TEXT_MAX - 1), "since",
			 text_of(sut_json_text(custom, "since"), 32));
}
