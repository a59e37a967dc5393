// SPDX-License-Identifier: Apache-2.0
#include "messages.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/utf8.h"

enum { REPORT_LINES_MAX = 200 };

struct span {
	const char *s;
	size_t len;
};

/* The first words of a report. */
static const char *const starts[] = {
	"BUG: ",
	"BUG ",
	"kernel BUG at ",
	"WARNING: ",
	"Oops",
	"general protection fault",
	"invalid opcode",
	"stack segment",
	"double fault",
	"divide error",
	"int3: ",
	"Unable to handle kernel ",
	"Internal error: ",
	"UBSAN: ",
	"watchdog: BUG",
	"Unpatched return thunk",
};

/* These come within a report that has begun. */
static const char *const goes_on[] = {
	"Oops",		"invalid opcode", "stack segment",
	"double fault", "divide error",	  "Internal error: ",
};

/* Bad news, in which whoever waits appears beside whoever keeps it waiting. */
static const char *const only_counted[] = {
	"INFO: task ",
	"rcu: INFO: ",
	"INFO: rcu_",
};

static bool begins(struct span l, const char *w)
{
	size_t n = strlen(w);

	return l.len >= n && memcmp(l.s, w, n) == 0;
}

static bool begins_one_of(struct span l, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (begins(l, list[i]))
			return true;
	return false;
}

static struct span skip(struct span l, size_t n)
{
	return (struct span){l.s + n, l.len - n};
}

static struct span trim(struct span l)
{
	while (l.len && (l.s[0] == ' ' || l.s[0] == '\t'))
		l = skip(l, 1);
	while (l.len && (l.s[l.len - 1] == ' ' || l.s[l.len - 1] == '\r'))
		l.len--;
	return l;
}

/* "<4>", "[    1.234567]" and "[ T12]" before the text are left out. */
static struct span message(struct span l)
{
	for (;;) {
		char close = l.len && l.s[0] == '<' ? '>' : ']';
		const char *end;

		if (l.len < 2 || (l.s[0] != '<' && l.s[0] != '[') ||
		    (l.s[0] == '<' && (l.s[1] < '0' || l.s[1] > '9')))
			return trim(l);
		end = memchr(l.s, close, l.len < 24 ? l.len : 24);
		if (!end)
			return trim(l);
		l = trim(skip(l, (size_t)(end - l.s) + 1));
	}
}

static size_t word_len(struct span l)
{
	size_t n = 0;

	while (n < l.len && l.s[n] != ' ')
		n++;
	return n;
}

/* "name+0x12/0x40": the length of the name, 0 when it is none. */
static size_t symbol_len(struct span word)
{
	const char *plus = memmem(word.s, word.len, "+0x", 3);

	return plus ? (size_t)(plus - word.s) : 0;
}

/* Is name, or name with what the compiler adds to it (".cold", ".constprop.0"), in the list? */
static bool is_listed(struct span name, const char *functions)
{
	for (const char *f = functions; f && *f;) {
		size_t n = strcspn(f, "\n");

		if (n && name.len >= n && memcmp(name.s, f, n) == 0 &&
		    (name.len == n || name.s[n] == '.'))
			return true;
		f += n + (f[n] == '\n');
	}
	return false;
}

/* l begins with a place in code: is it ours? */
static bool is_ours(struct span l, const char *functions)
{
	size_t n = word_len(l), name = symbol_len((struct span){l.s, n});
	struct span module;

	if (!name)
		return false;
	if (is_listed((struct span){l.s, name}, functions))
		return true;
	module = trim(skip(l, n));
	return begins(module, "[suture_") || begins(module, "[suture]");
}

static bool names_us(struct span l, const char *functions)
{
	const char *at;

	if (begins(l, "WARNING: ")) {
		/* WARNING: CPU: 0 PID: 1 at net/unix/af_unix.c:9 name+0x1/0x2 [module] */
		at = memmem(l.s, l.len, " at ", 4);
		l = trim(skip(l, at ? (size_t)(at - l.s) + 4 : l.len));
		return is_ours(trim(skip(l, word_len(l))), functions);
	}
	if (begins(l, "RIP: ") || begins(l, "pc : ") || begins(l, "lr : ")) {
		l = trim(skip(l, 5));
		at = memchr(l.s, ':', word_len(l));
		return is_ours(at ? skip(l, (size_t)(at - l.s) + 1) : l, functions);
	}
	if (begins(l, "? "))
		l = trim(skip(l, 2));
	return is_ours(l, functions);
}

static void tell(struct messages *m, struct span first, struct span where)
{
	if (first.len > MESSAGES_TEXT_MAX / 2)
		first.len = MESSAGES_TEXT_MAX / 2;
	if (first.s == where.s)
		where.len = 0;
	snprintf(m->text, sizeof(m->text), "%.*s%s%.*s", (int)first.len, first.s,
		 where.len ? ": " : "", (int)where.len, where.s);
	sut_make_printable(m->text, "");
}

void messages_scan(const char *text, size_t len, const char *functions, struct messages *ret)
{
	struct span rest = {text, len}, first = {0};
	size_t lines = 0;	 /* left of the report that has begun */
	bool fatal_kind = false; /* … and it is one that is fatal */
	bool named = false;

	*ret = (struct messages){0};
	while (rest.len) {
		const char *newline = memchr(rest.s, '\n', rest.len);
		size_t n = newline ? (size_t)(newline - rest.s) : rest.len;
		struct span l = message((struct span){rest.s, n});
		bool counted = begins_one_of(l, only_counted, SUT_ARRAY_SIZE(only_counted));

		rest = skip(rest, newline ? n + 1 : n);
		if (counted || (begins_one_of(l, starts, SUT_ARRAY_SIZE(starts)) &&
				!(lines && begins_one_of(l, goes_on, SUT_ARRAY_SIZE(goes_on))))) {
			ret->others += lines && !named;
			lines = REPORT_LINES_MAX;
			first = l;
			fatal_kind = !counted;
			named = false;
		}
		if (!lines)
			continue;
		if (fatal_kind && !named && names_us(l, functions)) {
			named = true;
			if (!ret->fatal)
				tell(ret, first, l);
			ret->fatal = true;
		}
		lines = begins(l, "---[ end ") ? 0 : lines - 1;
		if (!lines)
			ret->others += !named;
	}
	ret->others += lines && !named;
}
