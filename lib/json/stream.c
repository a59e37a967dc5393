// SPDX-License-Identifier: Apache-2.0
#include "json/stream.h"

#include <errno.h>
#include <string.h>

#include "base/utf8.h"

enum { NUMBER_MAX = 63 };

enum state {
	VALUE,	      /* a value has to come */
	VALUE_OR_END, /* behind [ */
	KEY_OR_END,   /* behind { */
	KEY,	      /* behind , in an object */
	COLON,
	AFTER, /* behind a value in an object or list */
	DONE,
	STRING,
	ESCAPE,
	HEX,
	LOW_BACKSLASH, /* the second half of a surrogate pair has to come */
	LOW_U,
	LITERAL,
	MINUS, /* numbers */
	ZERO,
	INT,
	DOT,
	FRACTION,
	EXPONENT,
	EXPONENT_SIGN,
	EXPONENT_DIGITS,
};

struct level {
	bool is_list;
	char key[SUT_JSON_STREAM_KEY_MAX + 1];
};

struct sut_json_stream {
	struct sut_json_stream_opts o;
	enum state state;
	size_t depth;
	struct level levels[SUT_JSON_STREAM_DEPTH]; /* level 1 is the first */
	const char *why;
	int failed;
	uint64_t line, column;
	/* the string, number or literal that is being read */
	bool is_key, is_full;
	char *text; /* string_max + 1 bytes, or more for a number */
	size_t len, max;
	uint8_t utf8[4];
	size_t utf8_len, utf8_need;
	unsigned int hex, nhex, high; /* high: first half of a pair, or 0 */
	const char *literal;
	enum sut_json_event literal_event;
};

int sut_json_stream_open(const struct sut_json_stream_opts *o, struct sut_json_stream **ret)
{
	struct sut_json_stream *s = calloc(1, sizeof(*s));
	size_t room = o->string_max > NUMBER_MAX ? o->string_max : NUMBER_MAX;

	if (!s)
		return -ENOMEM;
	s->o = *o;
	s->line = s->column = 1;
	s->why = "";
	s->text = malloc((room > SUT_JSON_STREAM_KEY_MAX ? room : SUT_JSON_STREAM_KEY_MAX) + 1);
	if (!s->text) {
		free(s);
		return -ENOMEM;
	}
	*ret = s;
	return 0;
}

void sut_json_stream_free(struct sut_json_stream *s)
{
	if (!s)
		return;
	free(s->text);
	free(s);
}

const char *sut_json_stream_why(const struct sut_json_stream *s)
{
	return s->why;
}

uint64_t sut_json_stream_line(const struct sut_json_stream *s)
{
	return s->line;
}

uint64_t sut_json_stream_column(const struct sut_json_stream *s)
{
	return s->column;
}

size_t sut_json_stream_depth(const struct sut_json_stream *s)
{
	return s->depth;
}

const char *sut_json_stream_key(const struct sut_json_stream *s, size_t level)
{
	return level && level <= s->depth ? s->levels[level - 1].key : "";
}

bool sut_json_stream_at(const struct sut_json_stream *s, const char *path)
{
	for (size_t i = 0; i < s->depth; i++) {
		const struct level *l = &s->levels[i];
		size_t n = strcspn(path, "/");

		if (l->is_list ? n != 1 || *path != '*'
			       : strlen(l->key) != n || memcmp(l->key, path, n) != 0)
			return false;
		path += n;
		if (*path != '/')
			return !*path && i + 1 == s->depth;
		path++;
	}
	return false;
}

static int bad(struct sut_json_stream *s, const char *why)
{
	s->why = why;
	return s->failed = -EBADMSG;
}

static int tell(struct sut_json_stream *s, enum sut_json_event e, const char *text)
{
	int r = s->o.event(s->o.ctx, s, e, text);

	return r < 0 ? s->failed = r : 0;
}

static void after_value(struct sut_json_stream *s)
{
	s->state = s->depth ? AFTER : DONE;
}

static int open_level(struct sut_json_stream *s, bool is_list)
{
	int r = tell(s, is_list ? SUT_JSON_ARRAY : SUT_JSON_OBJECT, "");

	if (r < 0)
		return r;
	if (s->depth == SUT_JSON_STREAM_DEPTH)
		return bad(s, "is nested too deeply");
	s->levels[s->depth].is_list = is_list;
	s->levels[s->depth].key[0] = 0;
	s->depth++;
	s->state = is_list ? VALUE_OR_END : KEY_OR_END;
	return 0;
}

static int close_level(struct sut_json_stream *s, bool is_list)
{
	if (s->levels[s->depth - 1].is_list != is_list)
		return bad(s,
			   is_list ? "has a ] where a } should be" : "has a } where a ] should be");
	s->depth--;
	after_value(s);
	return tell(s, is_list ? SUT_JSON_ARRAY_END : SUT_JSON_OBJECT_END, "");
}

static void begin_text(struct sut_json_stream *s, enum state state, size_t max)
{
	s->state = state;
	s->len = 0;
	s->max = max;
	s->is_full = false;
}

/* A whole character, or a run of ASCII: what does not fit is left out, and all that follows. */
static void add(struct sut_json_stream *s, const void *bytes, size_t n, bool is_run)
{
	size_t room = s->max - s->len;

	if (s->is_full)
		return;
	if (n > room) {
		s->is_full = true;
		n = is_run ? room : 0;
	}
	memcpy(s->text + s->len, bytes, n);
	s->len += n;
}

static int add_character(struct sut_json_stream *s, unsigned int c)
{
	uint8_t b[4];
	size_t n;

	if (c == 0)
		c = '?';
	if (c < 0x80) {
		b[0] = (uint8_t)c;
		n = 1;
	} else if (c < 0x800) {
		b[0] = (uint8_t)(0xc0 | c >> 6);
		n = 2;
	} else if (c < 0x10000) {
		b[0] = (uint8_t)(0xe0 | c >> 12);
		n = 3;
	} else {
		b[0] = (uint8_t)(0xf0 | c >> 18);
		n = 4;
	}
	for (size_t i = 1; i < n; i++)
		b[i] = (uint8_t)(0x80 | (c >> 6 * (n - 1 - i) & 0x3f));
	add(s, b, n, false);
	return 0;
}

static int end_string(struct sut_json_stream *s)
{
	s->text[s->len] = 0;
	if (s->is_key) {
		memcpy(s->levels[s->depth - 1].key, s->text, s->len + 1);
		s->state = COLON;
		return 0;
	}
	after_value(s);
	return tell(s, SUT_JSON_STRING, s->text);
}

static int end_number(struct sut_json_stream *s)
{
	s->text[s->len] = 0;
	after_value(s);
	return tell(s, SUT_JSON_NUMBER, s->text);
}

static int begin_literal(struct sut_json_stream *s, const char *rest, enum sut_json_event e)
{
	s->literal = rest;
	s->literal_event = e;
	s->state = LITERAL;
	return 0;
}

static int begin_value(struct sut_json_stream *s, char c)
{
	switch (c) {
	case '{':
		return open_level(s, false);
	case '[':
		return open_level(s, true);
	case '"':
		s->is_key = false;
		begin_text(s, STRING, s->o.string_max);
		return 0;
	case 't':
		return begin_literal(s, "rue", SUT_JSON_TRUE);
	case 'f':
		return begin_literal(s, "alse", SUT_JSON_FALSE);
	case 'n':
		return begin_literal(s, "ull", SUT_JSON_NULL);
	default:
		if (c != '-' && (c < '0' || c > '9'))
			return bad(s, "has something else where a value should be");
		begin_text(s, c == '-' ? MINUS : c == '0' ? ZERO : INT, NUMBER_MAX);
		add(s, &c, 1, true);
		return 0;
	}
}

static int begin_key(struct sut_json_stream *s, char c)
{
	if (c != '"')
		return bad(s, "has something else where a name of a member should be");
	s->is_key = true;
	begin_text(s, STRING, SUT_JSON_STREAM_KEY_MAX);
	return 0;
}

static int in_escape(struct sut_json_stream *s, char c)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *at = c ? strchr(from, c) : NULL;

	if (c == 'u') {
		s->hex = s->nhex = 0;
		s->state = HEX;
		return 0;
	}
	if (!at)
		return bad(s, "has an unknown escape in a string");
	add(s, &to[at - from], 1, true);
	s->state = STRING;
	return 0;
}

static int in_hex(struct sut_json_stream *s, char c)
{
	unsigned int digit = c >= '0' && c <= '9'   ? (unsigned int)(c - '0')
			     : c >= 'a' && c <= 'f' ? (unsigned int)(c - 'a') + 10
			     : c >= 'A' && c <= 'F' ? (unsigned int)(c - 'A') + 10
						    : 16;

	if (digit == 16)
		return bad(s, "has an escape \\u without four hexadecimal digits");
	s->hex = s->hex << 4 | digit;
	if (++s->nhex < 4)
		return 0;
	s->state = STRING;
	if (s->high) {
		unsigned int c32 = 0x10000 + ((s->high - 0xd800) << 10) + (s->hex - 0xdc00);

		if (s->hex < 0xdc00 || s->hex > 0xdfff)
			return bad(s, "has half of a surrogate pair");
		s->high = 0;
		return add_character(s, c32);
	}
	if (s->hex >= 0xdc00 && s->hex <= 0xdfff)
		return bad(s, "has half of a surrogate pair");
	if (s->hex >= 0xd800 && s->hex <= 0xdbff) {
		s->high = s->hex;
		s->state = LOW_BACKSLASH;
		return 0;
	}
	return add_character(s, s->hex);
}

/* The bytes of a character that is not ASCII */
static int in_utf8(struct sut_json_stream *s, uint8_t c)
{
	const uint8_t *p = s->utf8;

	if (!s->utf8_len)
		s->utf8_need = (c & 0xe0) == 0xc0   ? 2
			       : (c & 0xf0) == 0xe0 ? 3
			       : (c & 0xf8) == 0xf0 ? 4
						    : 1;
	s->utf8[s->utf8_len++] = c;
	if (s->utf8_len < s->utf8_need)
		return 0;
	if (sut_utf8_next(&p, s->utf8 + s->utf8_len) < 0 || p != s->utf8 + s->utf8_len)
		return bad(s, "has text that is not UTF-8");
	add(s, s->utf8, s->utf8_len, false);
	s->utf8_len = 0;
	return 0;
}

/* How many bytes were taken, or an error. */
static ssize_t in_string(struct sut_json_stream *s, const char *bytes, size_t len)
{
	size_t n = 0;
	int r;

	if (!s->utf8_len) {
		while (n < len && (uint8_t)bytes[n] >= 0x20 && (uint8_t)bytes[n] < 0x80 &&
		       bytes[n] != '"' && bytes[n] != '\\')
			n++;
		if (n) {
			add(s, bytes, n, true);
			return (ssize_t)n;
		}
	}
	if (s->utf8_len || (uint8_t)bytes[0] >= 0x80)
		r = in_utf8(s, (uint8_t)bytes[0]);
	else if (bytes[0] == '"')
		r = end_string(s);
	else if (bytes[0] == '\\') {
		s->state = ESCAPE;
		r = 0;
	} else
		r = bad(s, "has a control character in a string");
	return r < 0 ? r : 1;
}

/* 1: the byte belongs to the number. 0: it is behind it. */
static int in_number(struct sut_json_stream *s, char c)
{
	bool is_digit = c >= '0' && c <= '9', is_e = c == 'e' || c == 'E';
	enum state next = VALUE; /* none */

	switch (s->state) {
	case MINUS:
		next = !is_digit ? VALUE : c == '0' ? ZERO : INT;
		break;
	case INT:
	case ZERO:
		next = is_digit && s->state == INT ? INT : c == '.' ? DOT : is_e ? EXPONENT : VALUE;
		break;
	case DOT:
		next = is_digit ? FRACTION : VALUE;
		break;
	case FRACTION:
		next = is_digit ? FRACTION : is_e ? EXPONENT : VALUE;
		break;
	case EXPONENT:
		next = is_digit ? EXPONENT_DIGITS : c == '+' || c == '-' ? EXPONENT_SIGN : VALUE;
		break;
	default:
		next = is_digit ? EXPONENT_DIGITS : VALUE;
	}
	if (next != VALUE) {
		s->state = next;
		add(s, &c, 1, true);
		return 1;
	}
	if (s->state != INT && s->state != ZERO && s->state != FRACTION &&
	    s->state != EXPONENT_DIGITS)
		return bad(s, "has a number that is none");
	return end_number(s);
}

static int in_literal(struct sut_json_stream *s, char c)
{
	if (c != *s->literal)
		return bad(s, "has a word that is none of true, false, null");
	if (*++s->literal)
		return 0;
	after_value(s);
	return tell(s, s->literal_event, "");
}

static int after(struct sut_json_stream *s, char c)
{
	bool is_list = s->levels[s->depth - 1].is_list;

	if (c == ',') {
		s->state = is_list ? VALUE : KEY;
		return 0;
	}
	if (c == ']' || c == '}')
		return close_level(s, c == ']');
	return bad(s, "has no comma between two values");
}

static int between(struct sut_json_stream *s, char c)
{
	switch (s->state) {
	case VALUE:
		return begin_value(s, c);
	case VALUE_OR_END:
		return c == ']' ? close_level(s, true) : begin_value(s, c);
	case KEY_OR_END:
		return c == '}' ? close_level(s, false) : begin_key(s, c);
	case KEY:
		return begin_key(s, c);
	case COLON:
		s->state = VALUE;
		return c == ':' ? 0 : bad(s, "has no colon behind the name of a member");
	case AFTER:
		return after(s, c);
	default:
		return bad(s, "has something behind its end");
	}
}

/* How many bytes were taken, or an error. */
static ssize_t step(struct sut_json_stream *s, const char *bytes, size_t len)
{
	char c = bytes[0];
	int r;

	switch (s->state) {
	case STRING:
		return in_string(s, bytes, len);
	case ESCAPE:
		r = in_escape(s, c);
		break;
	case HEX:
		r = in_hex(s, c);
		break;
	case LOW_BACKSLASH:
		s->state = LOW_U;
		r = c == '\\' ? 0 : bad(s, "has half of a surrogate pair");
		break;
	case LOW_U:
		s->state = HEX;
		s->hex = s->nhex = 0;
		r = c == 'u' ? 0 : bad(s, "has half of a surrogate pair");
		break;
	case LITERAL:
		r = in_literal(s, c);
		break;
	case MINUS:
	case ZERO:
	case INT:
	case DOT:
	case FRACTION:
	case EXPONENT:
	case EXPONENT_SIGN:
	case EXPONENT_DIGITS:
		return in_number(s, c);
	default:
		r = c == ' ' || c == '\t' || c == '\n' || c == '\r' ? 0 : between(s, c);
	}
	return r < 0 ? r : 1;
}

int sut_json_stream_feed(struct sut_json_stream *s, const void *bytes, size_t len)
{
	const char *at = bytes, *end = at + len;

	if (s->failed)
		return s->failed;
	while (at < end) {
		ssize_t n = step(s, at, (size_t)(end - at));

		if (n < 0)
			return (int)n;
		if (n && *at == '\n') {
			s->line++;
			s->column = 1;
		} else {
			s->column += (uint64_t)n;
		}
		at += n;
	}
	return 0;
}

int sut_json_stream_finish(struct sut_json_stream *s)
{
	if (s->failed)
		return s->failed;
	if (s->state >= MINUS && !s->depth) { /* a number alone has no end of its own */
		ssize_t n = step(s, " ", 1);

		if (n < 0)
			return (int)n;
	}
	return s->state == DONE ? 0 : bad(s, "is cut off");
}
