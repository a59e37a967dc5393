// SPDX-License-Identifier: Apache-2.0
#include "common/choice.h"

#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "base/utf8.h"
#include "common/paths.h"
#include "common/when.h"
#include "json/parse.h"

static const char *const modes[] = {
	[CHOICE_NORMAL] = "normal",
	[CHOICE_NO_APPLY] = "no-apply",
	[CHOICE_OFF] = "off",
};

const char *choice_mode_word(enum choice_mode m)
{
	return modes[m];
}

bool choice_mode_parse(const char *word, enum choice_mode *ret)
{
	for (size_t i = 0; i < SUT_ARRAY_SIZE(modes); i++)
		if (sut_streq(word, modes[i])) {
			*ret = (enum choice_mode)i;
			return true;
		}
	return false;
}

bool choice_held(const struct choice *c, int64_t now)
{
	return c->hold && (c->hold_until == 0 || now < c->hold_until);
}

static bool is_word(const char *s, const char *more)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

	for (; *s; s++)
		if (!strchr(letters, *s) && !strchr(more, *s))
			return false;
	return true;
}

bool choice_tag_valid(const char *tag)
{
	const char *colon = strchr(tag, ':');

	if (!*tag || strlen(tag) > CHOICE_TAG_MAX || !is_word(tag, "._-/@:"))
		return false;
	return !colon || (colon != tag && colon[1] && !strchr(colon + 1, ':'));
}

static bool patchset_valid(const char *s)
{
	return *s && *s != '.' && strlen(s) < sizeof(((struct choice *)0)->pin_patchset) &&
	       is_word(s, "._-");
}

static int bad(struct sut_err *err, const char *member, const char *want)
{
	return sut_err_reason(err, EBADMSG, "choice", "'%s' is not what it has to be: %s", member,
			      want);
}

/* The text of a string without a NUL in it, or NULL. */
static const char *text_of(const json_t *j)
{
	const char *s = json_string_value(j);

	return s && strlen(s) == json_string_length(j) ? s : NULL;
}

/* The only member that j has, an object; "" otherwise. */
static const char *only_member(const json_t *j)
{
	return json_is_object(j) && json_object_size(j) == 1
		       ? json_object_iter_key(json_object_iter((json_t *)j))
		       : "";
}

static int take_pin(const json_t *j, struct choice *c, struct sut_err *err)
{
	static const char want[] = "null, {\"level\": N}, {\"date\": \"YYYY-MM-DD\"} or "
				   "{\"patchset\": \"K…\"}";
	const char *kind = only_member(j);
	const json_t *v = json_object_get(j, kind);
	json_int_t level = json_integer_value(v);
	const char *text = text_of(v);

	if (json_is_null(j))
		return 0;
	if (sut_streq(kind, "level") && json_is_integer(v) && level >= 0 && level <= INT32_MAX) {
		c->pin = CHOICE_PIN_LEVEL;
		c->pin_level = (uint32_t)level;
	} else if (sut_streq(kind, "date") && text && when_parse_day(text, NULL)) {
		c->pin = CHOICE_PIN_DATE;
		snprintf(c->pin_date, sizeof(c->pin_date), "%s", text);
	} else if (sut_streq(kind, "patchset") && text && patchset_valid(text)) {
		c->pin = CHOICE_PIN_PATCHSET;
		snprintf(c->pin_patchset, sizeof(c->pin_patchset), "%s", text);
	} else {
		return bad(err, "pin", want);
	}
	return 0;
}

static bool reason_valid(const char *s)
{
	const uint8_t *p = (const uint8_t *)s, *end = p + strlen(s);

	if (strlen(s) > CHOICE_REASON_MAX)
		return false;
	while (p < end)
		if (!sut_is_printable(sut_utf8_next(&p, end)))
			return false;
	return true;
}

static int take_hold(const json_t *j, struct choice *c, struct sut_err *err)
{
	static const char want[] = "null or {\"until\": null or a moment, \"reason\": \"…\"}";
	const json_t *until = json_object_get(j, "until");
	const char *reason = text_of(json_object_get(j, "reason"));

	if (json_is_null(j))
		return 0;
	if (json_object_size(j) != 2 || !until || !reason || !reason_valid(reason))
		return bad(err, "hold", want);
	if (!json_is_null(until) &&
	    (!text_of(until) || !when_parse(text_of(until), &c->hold_until) || c->hold_until == 0))
		return bad(err, "hold", want);
	c->hold = true;
	snprintf(c->hold_reason, sizeof(c->hold_reason), "%s", reason);
	return 0;
}

static int take_tags(const json_t *j, struct choice *c, struct sut_err *err)
{
	const json_t *v;
	size_t i;

	if (!json_is_array(j) || json_array_size(j) > CHOICE_TAGS_MAX)
		return bad(err, "tags", "a list of at most 32 tags");
	json_array_foreach(j, i, v) {
		const char *tag = text_of(v);

		if (!tag || !choice_tag_valid(tag))
			return bad(err, "tags",
				   "a tag is NAME or NAME:VALUE, at most 64 of A-Z a-z 0-9 . _ - / "
				   "@");
		for (size_t k = 0; k < i; k++)
			if (sut_streq(c->tags[k], tag))
				return bad(err, "tags", "each tag once");
		snprintf(c->tags[c->ntags++], sizeof(c->tags[0]), "%s", tag);
	}
	return 0;
}

/* Something forbidden that this version does not know must not be overlooked. */
static int check_names(const json_t *j, struct sut_err *err)
{
	static const char *const known[] = {"format", "version", "mode", "pin", "hold", "tags"};
	size_t n = 0;

	for (size_t i = 0; i < SUT_ARRAY_SIZE(known); i++)
		n += json_object_get(j, known[i]) != NULL;
	if (n != json_object_size(j))
		return sut_err_reason(err, EBADMSG, "choice",
				      "only mode, pin, hold and tags can be chosen");
	return 0;
}

int choice_from_json(const json_t *j, struct choice *ret, struct sut_err *err)
{
	static const char *const must[] = {"mode", "pin", "hold", "tags"};
	struct choice c = {0};
	const char *mode;
	int r;

	if (!json_is_object(j))
		return sut_err_reason(err, EBADMSG, "choice", "a choice is a JSON object");
	for (size_t i = 0; i < SUT_ARRAY_SIZE(must); i++)
		if (!json_object_get(j, must[i]))
			return bad(err, must[i], "it is missing");
	r = check_names(j, err);
	if (r < 0)
		return r;
	mode = text_of(json_object_get(j, "mode"));
	if (!mode || !choice_mode_parse(mode, &c.mode))
		return bad(err, "mode", "normal, no-apply or off");
	r = take_pin(json_object_get(j, "pin"), &c, err);
	if (r == 0)
		r = take_hold(json_object_get(j, "hold"), &c, err);
	if (r == 0)
		r = take_tags(json_object_get(j, "tags"), &c, err);
	if (r == 0)
		*ret = c;
	return r;
}

int choice_parse(const void *text, size_t len, struct choice *ret, struct sut_err *err)
{
	const char *format;
	json_t *j = NULL;
	int r;

	/* That memory is short says nothing of the text. */
	if (len <= CHOICE_MAX &&
	    sut_json_object_parse(text, len, SUT_JSON_DEPTH, &j, NULL) == -ENOMEM)
		return sut_err_oom(err);
	format = text_of(json_object_get(j, "format"));
	if (!format || !sut_streq(format, "suture-choice") ||
	    !json_is_integer(json_object_get(j, "version")) ||
	    json_integer_value(json_object_get(j, "version")) != 1)
		r = bad(err, "format", "suture-choice, version 1");
	else
		r = choice_from_json(j, ret, err);
	json_decref(j);
	return r;
}

static json_t *pin_json(const struct choice *c)
{
	switch (c->pin) {
	case CHOICE_PIN_LEVEL:
		return json_pack("{s:I}", "level", (json_int_t)c->pin_level);
	case CHOICE_PIN_DATE:
		return json_pack("{s:s}", "date", c->pin_date);
	case CHOICE_PIN_PATCHSET:
		return json_pack("{s:s}", "patchset", c->pin_patchset);
	default:
		return json_null();
	}
}

static json_t *hold_json(const struct choice *c)
{
	char until[WHEN_MAX];

	if (!c->hold)
		return json_null();
	when_text(c->hold_until, until);
	return json_pack("{s:s?,s:s}", "until", c->hold_until ? until : NULL, "reason",
			 c->hold_reason);
}

json_t *choice_json(const struct choice *c)
{
	json_t *tags = json_array();

	for (size_t i = 0; tags && i < c->ntags; i++)
		if (json_array_append_new(tags, json_string(c->tags[i])) < 0) {
			json_decref(tags);
			tags = NULL;
		}
	return json_pack("{s:s,s:o,s:o,s:o}", "mode", modes[c->mode], "pin", pin_json(c), "hold",
			 hold_json(c), "tags", tags);
}

int choice_read(const char *root, struct choice *ret, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(CHOICE_MAX);
	struct agent_path path = agent_path(root, AGENT_CHOICE);
	struct sut_err why = {0};
	int r = sut_file_read(path.s, &b, &why);

	if (r == -ENOENT) {
		*ret = (struct choice){0};
		return 0;
	}
	if (r == 0)
		r = choice_parse(b.data, b.len, ret, &why);
	if (r < 0)
		return sut_err_reason(
			err, -r, "choice",
			"what the administrator has chosen (%s) cannot be read, so "
			"nothing is applied: %s. Choose anew with 'suture mode normal'",
			path.s, why.msg);
	return 0;
}

int choice_write(const char *root, const struct choice *c, struct sut_err *err)
{
	struct agent_path path = agent_path(root, AGENT_CHOICE), folder = path;
	json_t *j = choice_json(c);
	_cleanup_(sut_freep) char *text = NULL;
	int r;

	if (j && json_object_set_new(j, "format", json_string("suture-choice")) == 0 &&
	    json_object_set_new(j, "version", json_integer(1)) == 0)
		text = json_dumps(j, JSON_INDENT(2));
	json_decref(j);
	if (!text)
		return sut_err_oom(err);
	r = sut_mkdir_p(dirname(folder.s), err);
	return r < 0 ? r : sut_file_write(path.s, text, strlen(text), 0644, err);
}
