// SPDX-License-Identifier: Apache-2.0
#include "settings.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "tuf/json.h"

enum { FORMAT = 1, HOUR = 3600, DAY = 24 * HOUR, EXPIRY_MAX_DAYS = 3650 };

/* What a role gets when repo.json does not say: long enough for people, short enough that a frozen mirror is
 * noticed. "delegated" is any other role. */
static const struct {
	const char *role, *text;
} defaults[] = {
	{"root", "365d"},   {"targets", "180d"}, {"kernel", "90d"},
	{"library", "90d"}, {"stop", "365d"},	 {"delegated", "90d"},
};

/* "12h", "365d", "26w" as seconds. */
static int parse_period(const char *s, size_t len, int64_t *ret)
{
	char digits[8];
	uint64_t n;
	int64_t unit;

	if (len < 2 || len > sizeof(digits))
		return -EINVAL;
	memcpy(digits, s, len - 1);
	digits[len - 1] = 0;
	switch (s[len - 1]) {
	case 'h':
		unit = HOUR;
		break;
	case 'd':
		unit = DAY;
		break;
	case 'w':
		unit = 7 * DAY;
		break;
	default:
		return -EINVAL;
	}
	if (digits[0] == '0' || strspn(digits, "0123456789") != len - 1 ||
	    sut_parse_u64(digits, EXPIRY_MAX_DAYS * 24, &n) < 0 || n < 1 ||
	    (int64_t)n * unit > (int64_t)EXPIRY_MAX_DAYS * DAY)
		return -EINVAL;
	*ret = (int64_t)n * unit;
	return 0;
}

static int bad(struct sut_err *err, const char *what)
{
	return sut_err_reason(err, EBADMSG, "settings", "repo.json: %s", what);
}

static const char *string_of(json_t *doc, const char *key)
{
	const char *s = json_string_value(json_object_get(doc, key));

	return s ? s : "";
}

static void look(struct sut_settings *s)
{
	s->signer = string_of(s->doc, "signer");
	s->patch_key = string_of(s->doc, "patch_key");
	s->root = string_of(s->doc, "root");
	s->root_version = json_integer_value(json_object_get(s->doc, "root_version"));
}

static int check_expires(json_t *expires, struct sut_err *err)
{
	const char *key;
	json_t *v;

	json_object_foreach(expires, key, v) {
		const char *text = json_string_value(v);
		int64_t sec;

		if (!text || parse_period(text, strlen(text), &sec) < 0)
			return bad(err, "\"expires\" holds something other than hours, days or "
					"weeks, such as \"90d\"");
	}
	return 0;
}

int sut_settings_parse(const void *data, size_t len, struct sut_settings *ret, struct sut_err *err)
{
	static const char *const strings[] = {"signer", "patch_key", "root"};
	_cleanup_json_ json_t *doc = NULL;
	json_t *expires;
	int r = sut_json_parse(data, len, "repo.json", &doc, err);

	if (r < 0)
		return r;
	if (json_integer_value(json_object_get(doc, "format")) != FORMAT)
		return sut_err_reason(err, EPROTONOSUPPORT, "settings",
				      "repo.json has another format than this suture-repo "
				      "knows; use the one that made it, or a newer one");
	for (size_t i = 0; i < SUT_ARRAY_SIZE(strings); i++)
		if (!json_is_string(json_object_get(doc, strings[i])))
			return sut_err_reason(err, EBADMSG, "settings",
					      "repo.json: \"%s\" is not a string", strings[i]);
	expires = json_object_get(doc, "expires");
	if (!json_is_object(expires))
		return bad(err, "\"expires\" is not an object");
	r = check_expires(expires, err);
	if (r < 0)
		return r;
	ret->doc = sut_steal(doc);
	look(ret);
	return 0;
}

int sut_settings_new(const char *signer, const char *patch_key, struct sut_settings *ret,
		     struct sut_err *err)
{
	_cleanup_json_ json_t *doc =
		json_pack("{s:i s:s s:s s:s s:{}}", "format", FORMAT, "signer", signer, "patch_key",
			  patch_key, "root", "", "expires");

	for (size_t i = 0; doc && i < SUT_ARRAY_SIZE(defaults); i++)
		if (json_object_set_new(json_object_get(doc, "expires"), defaults[i].role,
					json_string(defaults[i].text)) < 0)
			return sut_err_oom(err);
	if (!doc)
		return sut_err_oom(err);
	ret->doc = sut_steal(doc);
	look(ret);
	return 0;
}

static int add_text(const char *text, size_t len, void *ctx)
{
	return sut_buf_add(ctx, text, len) < 0 ? -1 : 0;
}

int sut_settings_format(const struct sut_settings *s, struct sut_buf *out, struct sut_err *err)
{
	if (json_dump_callback(s->doc, add_text, out, JSON_INDENT(2) | JSON_SORT_KEYS) < 0 ||
	    sut_buf_addstr(out, "\n") < 0)
		return sut_err_oom(err);
	return 0;
}

void sut_settings_release(struct sut_settings *s)
{
	json_decref(s->doc);
	*s = (struct sut_settings){0};
}

/* Hash bins ("kernel-3f") live as long as the role they are bins of. */
int64_t sut_settings_expiry(const struct sut_settings *s, const char *role)
{
	json_t *expires = json_object_get(s->doc, "expires");
	const char *dash = strrchr(role, '-');
	const char *text = json_string_value(json_object_get(expires, role));
	char stem[64];
	int64_t sec = 90 * DAY;

	if (!text && dash && (size_t)(dash - role) < sizeof(stem)) {
		memcpy(stem, role, (size_t)(dash - role));
		stem[dash - role] = 0;
		text = json_string_value(json_object_get(expires, stem));
	}
	if (!text)
		text = json_string_value(json_object_get(expires, "delegated"));
	if (text && parse_period(text, strlen(text), &sec) < 0)
		sec = 90 * DAY;
	return sec;
}

int sut_settings_set_expiries(struct sut_settings *s, const char *text, struct sut_err *err)
{
	json_t *expires = json_object_get(s->doc, "expires");

	while (*text) {
		const char *eq = strchr(text, '='), *end = strchr(text, ',');
		size_t len = end ? (size_t)(end - text) : strlen(text);
		_cleanup_(sut_freep) char *role = NULL;
		size_t vlen;
		int64_t sec;

		vlen = eq && eq < text + len ? (size_t)(text + len - eq - 1) : 0;
		if (!vlen || eq == text || parse_period(eq + 1, vlen, &sec) < 0)
			return sut_err_set(err, EINVAL,
					   "\"%.*s\" is no ROLE=PERIOD; a period is a number of "
					   "hours, days or weeks up to ten years, such as "
					   "root=365d",
					   (int)len, text);
		role = strndup(text, (size_t)(eq - text));
		if (!role || json_object_set_new(expires, role, json_stringn(eq + 1, vlen)) < 0)
			return sut_err_oom(err);
		text += len + (end ? 1 : 0);
	}
	return 0;
}

int sut_settings_set_root_version(struct sut_settings *s, int64_t version, struct sut_err *err)
{
	if (json_object_set_new(s->doc, "root_version", json_integer(version)) < 0)
		return sut_err_oom(err);
	look(s);
	return 0;
}

int sut_settings_set(struct sut_settings *s, const char *key, const char *value,
		     struct sut_err *err)
{
	if (json_object_set_new(s->doc, key, json_string(value)) < 0)
		return sut_err_oom(err);
	look(s);
	return 0;
}
