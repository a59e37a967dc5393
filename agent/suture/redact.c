// SPDX-License-Identifier: Apache-2.0
#include "redact.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

enum { SECRET_MIN = 8, BASE64_MIN = 32 };

/* The text from p on. */
struct rest {
	const char *p, *end;
};

static size_t left(struct rest r)
{
	return (size_t)(r.end - r.p);
}

static bool begins(struct rest r, const char *s)
{
	size_t n = strlen(s);

	return left(r) >= n && !strncasecmp(r.p, s, n);
}

/* Bytes at r of which all are letters, digits or one of `more`. */
static size_t span(struct rest r, const char *more)
{
	size_t n = 0;

	while (n < left(r) && r.p[n] && (isalnum((unsigned char)r.p[n]) || strchr(more, r.p[n])))
		n++;
	return n;
}

/* "-----BEGIN X-----" to the end of "-----END X-----", or of everything. */
static size_t pem(struct rest r)
{
	const char *e;

	if (!begins(r, "-----BEGIN "))
		return 0;
	e = memmem(r.p, left(r), "-----END ", 9);
	if (!e)
		return left(r);
	e = memchr(e, '\n', (size_t)(r.end - e));
	return e ? (size_t)(e - r.p) : left(r);
}

/* "sutsys_…" */
static size_t ours(struct rest r)
{
	size_t n = 3, tail;

	if (!begins(r, "sut"))
		return 0;
	while (n < left(r) && n < 12 && isalpha((unsigned char)r.p[n]))
		n++;
	/* The name of a payload's module, "suture_k20261121_01", is none. */
	if (n == 3 || begins(r, "suture_") || n >= left(r) || r.p[n] != '_')
		return 0;
	n++;
	tail = span((struct rest){r.p + n, r.end}, "_-");
	return tail >= SECRET_MIN ? n + tail : 0;
}

static size_t email(struct rest r)
{
	size_t n = span(r, "._%+-"), host, dot;

	if (!n || n >= left(r) || r.p[n] != '@')
		return 0;
	host = span((struct rest){r.p + n + 1, r.end}, ".-");
	for (dot = host; dot && r.p[n + dot] != '.'; dot--)
		;
	return dot > 1 ? n + 1 + host : 0;
}

static size_t base64(struct rest r)
{
	size_t n = span(r, "+/_=-");
	bool upper = false, lower = false, digit = false;

	/* a path */
	if (n < BASE64_MIN || r.p[0] == '/')
		return 0;
	for (size_t i = 0; i < n; i++) {
		upper = upper || isupper((unsigned char)r.p[i]);
		lower = lower || islower((unsigned char)r.p[i]);
		digit = digit || isdigit((unsigned char)r.p[i]);
	}
	return upper && lower && digit ? n : 0;
}

/* Behind "://": what stands before "@", with it. */
static size_t userinfo(struct rest r)
{
	for (size_t n = 0; n < left(r) && !strchr(" \t\r\n\"'<>/", r.p[n]); n++)
		if (r.p[n] == '@')
			return n;
	return 0;
}

/* The length of "password", "=" and what is around it, when a secret follows. */
static size_t label(struct rest r)
{
	static const char *const words[] = {
		"password",   "passwd",	     "passphrase", "token",  "secret",
		"credential", "api-key",     "api_key",	   "apikey", "authorization",
		"cookie",     "private_key", "private-key"};
	size_t n = 0;

	for (size_t i = 0; !n && i < SUT_ARRAY_SIZE(words); i++)
		n = begins(r, words[i]) ? strlen(words[i]) : 0;
	if (!n)
		return 0;
	n += span((struct rest){r.p + n, r.end}, "_-"); /* "tokens", "credential_sha256" */
	while (n < left(r) && r.p[n] && strchr("\"' \t", r.p[n]))
		n++;
	if (n >= left(r) || (r.p[n] != '=' && r.p[n] != ':'))
		return 0;
	n++;
	while (n < left(r) && r.p[n] && strchr(" \t", r.p[n]))
		n++;
	/* Not over the beginning of what has rules of its own. */
	return memmem(r.p, n, "-----BEGIN ", 11) ? 0 : n;
}

/* A value: to the end of the line, or of its quotes. */
static size_t value(struct rest r)
{
	size_t n = 0;
	char quote = 0;

	if (left(r) && (*r.p == '"' || *r.p == '\''))
		quote = r.p[n++];
	while (n < left(r) && r.p[n] != '\n' && !(quote && r.p[n] == quote))
		n += quote && r.p[n] == '\\' && n + 1 < left(r) && r.p[n + 1] != '\n' ? 2 : 1;
	return n;
}

/* Is p the beginning of a word? */
static bool at_word(const char *text, const char *p)
{
	return p == text || !(isalnum((unsigned char)p[-1]) || strchr("._%+-", p[-1]));
}

static int add_label(struct rest *r, size_t n, struct sut_buf *out)
{
	size_t v;
	int ret;

	ret = sut_buf_add(out, r->p, n);
	r->p += n;
	v = value(*r);
	if (ret || !v)
		return ret;
	if (*r->p == '"' || *r->p == '\'')
		ret = sut_buf_add(out, r->p, 1);
	r->p += v;
	return ret ? ret : sut_buf_addstr(out, REDACTED);
}

static int hide(const char *text, size_t len, struct sut_buf *out)
{
	struct rest r = {text, text + len};
	bool after = false; /* what was taken out ended here */
	int ret = 0;

	while (!ret && r.p < r.end) {
		size_t n = pem(r), l;

		if (!n && r.p - text >= 3 && !memcmp(r.p - 3, "://", 3))
			n = userinfo(r);
		if (!n && (after || at_word(text, r.p))) {
			n = ours(r);
			n = n ? n : email(r);
			n = n ? n : base64(r);
		}
		l = n ? 0 : label(r);
		after = n || l;
		if (n) {
			ret = sut_buf_addstr(out, REDACTED);
			r.p += n;
		} else if (l) {
			ret = add_label(&r, l, out);
		} else {
			ret = sut_buf_add(out, r.p++, 1);
		}
	}
	return ret;
}

int redact(const void *text, size_t len, struct sut_buf *out)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(len);
	int r = len ? sut_buf_add(&b, text, len) : 0;

	if (r < 0)
		return r;
	/* UTF-8 stays; control characters do not reach a terminal, and hide nothing. */
	for (size_t i = 0; i < b.len; i++)
		if ((b.data[i] < ' ' && b.data[i] != '\n' && b.data[i] != '\t') ||
		    b.data[i] == 0x7f)
			b.data[i] = '?';
	return len ? hide((const char *)b.data, b.len, out) : 0;
}
