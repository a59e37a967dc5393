// SPDX-License-Identifier: Apache-2.0
#include "fix/csource.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

enum { WORD_MAX = 128 };

struct word {
	char s[WORD_MAX];
};

struct scanner {
	const char *p, *end;
	uint32_t line;
	bool line_start; /* only white space so far on this line */

	/* nesting */
	uint32_t braces, parens;
	struct {
		uint32_t braces, parens;
	} ifs[SUT_CSOURCE_IF_MAX];
	unsigned int depth_if;

	/* what was read at file level since the last declaration ended */
	uint32_t first;	       /* line of its first token; 0: nothing yet */
	bool initialiser;      /* '=' was seen: braces hold data */
	bool in_function;      /* then braces is not 0, and parentheses are not counted */
	struct word word;      /* the last identifier */
	struct word candidate; /* the identifier before the parentheses that look like a
				  function's parameters */
	struct word argument;  /* first argument of a macro in capitals */
	bool want_argument;
	bool trailing; /* behind the candidate's parentheses only words with "__" followed */

	struct sut_cfunction current;
	struct sut_csource *out;
	size_t cap;
};

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '$';
}

/* What may stand, with parentheses, before a tag or a function's name. */
static bool is_annotation(const char *s)
{
	static const char *const names[] = {
		"__attribute__", "__attribute",	 "__aligned",  "__section",	"__printf",
		"__scanf",	 "__alloc_size", "__target",   "__no_sanitize", "__typeof__",
		"typeof",	 "_Alignas",	 "__declspec", "_Pragma",	"__diag_ignore",
	};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(names); i++)
		if (sut_streq(s, names[i]))
			return true;
	return false;
}

static bool in_capitals(const char *s)
{
	bool letter = false;

	for (; *s; s++) {
		if (islower((unsigned char)*s))
			return false;
		letter |= isupper((unsigned char)*s) != 0;
	}
	return letter;
}

static void begin_declaration(struct scanner *s)
{
	s->first = 0;
	s->initialiser = false;
	s->word.s[0] = 0;
	s->candidate.s[0] = 0;
	s->argument.s[0] = 0;
	s->want_argument = false;
	s->trailing = false;
}

/* The name of the function whose body begins here; "" when it is none. */
static char *function_name(const struct scanner *s)
{
	const char *c = s->candidate.s, *arg = s->argument.s;

	if (s->initialiser || !*c)
		return NULL;
	if (!in_capitals(c))
		return strdup(c);
	if (strstr(c, "COMPAT_SYSCALL_DEFINE") && *arg)
		return sut_sprintf("__do_compat_sys_%s", arg);
	if (strstr(c, "SYSCALL_DEFINE") && *arg)
		return sut_sprintf("__do_sys_%s", arg);
	return strdup(*arg ? arg : c);
}

static int end_function(struct scanner *s)
{
	struct sut_csource *o = s->out;

	s->in_function = false;
	s->current.last = s->line;
	if (o->n == s->cap) {
		size_t cap = s->cap ? 2 * s->cap : 64;
		struct sut_cfunction *f;

		if (cap > SUT_CSOURCE_FUNCTIONS_MAX)
			return -EFBIG;
		f = realloc(o->functions, cap * sizeof(*f));
		if (!f)
			return -ENOMEM;
		o->functions = f;
		s->cap = cap;
	}
	o->functions[o->n++] = s->current;
	s->current = (struct sut_cfunction){0};
	return 0;
}

/* The branch that ends had the head of a function, and the next one has it again. */
static void drop_function(struct scanner *s)
{
	if (s->in_function) {
		free(s->current.name);
		s->current = (struct sut_cfunction){0};
		s->in_function = false;
	}
	begin_declaration(s);
}

static int open_brace(struct scanner *s)
{
	if (s->braces++ || s->parens)
		return 0;
	s->current.name = function_name(s);
	if (!s->current.name)
		return s->initialiser || !s->candidate.s[0] ? 0 : -ENOMEM;
	s->current.first = s->first ? s->first : s->line;
	s->current.body = s->line;
	s->in_function = true;
	return 0;
}

static int close_brace(struct scanner *s)
{
	int r = 0;

	if (!s->braces)
		return 0;
	if (--s->braces)
		return 0;
	if (s->in_function) {
		r = end_function(s);
		begin_declaration(s);
	} else if (!s->parens) {
		/* "struct x { … } y;" goes on up to its semicolon. */
		s->candidate.s[0] = 0;
		s->word.s[0] = 0;
	}
	return r;
}

static void open_paren(struct scanner *s)
{
	if (s->in_function || s->parens++ || s->braces || s->initialiser)
		return;
	if (!s->word.s[0] || is_annotation(s->word.s) || (s->candidate.s[0] && s->trailing))
		return;
	s->candidate = s->word;
	s->argument.s[0] = 0;
	s->want_argument = true;
	s->trailing = true;
	s->word.s[0] = 0;
}

static int punctuation(struct scanner *s, char c)
{
	switch (c) {
	case '{':
		return open_brace(s);
	case '}':
		return close_brace(s);
	case '(':
		open_paren(s);
		break;
	case ')':
		s->want_argument = false;
		if (s->parens)
			s->parens--;
		if (!s->parens)
			s->word.s[0] = 0;
		break;
	case ',':
		s->want_argument = false;
		break;
	case '=':
		if (!s->braces && !s->parens)
			s->initialiser = true;
		break;
	case ';':
		if (!s->braces && !s->parens)
			begin_declaration(s);
		return 0;
	default:
		break;
	}
	return 0;
}

/* Moves behind a comment, string or character constant that begins at p;
 * false when none does. An unterminated one ends with its line (string) or the text. */
static bool skip_literal(struct scanner *s)
{
	char c = *s->p;

	if (c == '/' && s->p + 1 < s->end && s->p[1] == '/') {
		while (s->p < s->end && *s->p != '\n')
			s->p++;
		return true;
	}
	if (c == '/' && s->p + 1 < s->end && s->p[1] == '*') {
		for (s->p += 2; s->p < s->end; s->p++) {
			if (*s->p == '\n')
				s->line++;
			if (*s->p == '*' && s->p + 1 < s->end && s->p[1] == '/') {
				s->p += 2;
				return true;
			}
		}
		return true;
	}
	if (c != '"' && c != '\'')
		return false;
	for (s->p++; s->p < s->end && *s->p != c; s->p++) {
		if (*s->p == '\\' && s->p + 1 < s->end) {
			s->p++;
			if (*s->p == '\n')
				s->line++;
		} else if (*s->p == '\n') {
			return true;
		}
	}
	if (s->p < s->end)
		s->p++;
	return true;
}

static bool directive_is(const char *p, const char *end, const char *name)
{
	size_t n = strlen(name);

	return (size_t)(end - p) >= n && !memcmp(p, name, n) &&
	       ((size_t)(end - p) == n || !is_word(p[n]));
}

/* A line that begins with '#', and its continuations. */
static void directive(struct scanner *s)
{
	const char *p = s->p + 1;

	while (p < s->end && (*p == ' ' || *p == '\t'))
		p++;
	if (directive_is(p, s->end, "if") || directive_is(p, s->end, "ifdef") ||
	    directive_is(p, s->end, "ifndef")) {
		if (s->depth_if < SUT_CSOURCE_IF_MAX) {
			s->ifs[s->depth_if].braces = s->braces;
			s->ifs[s->depth_if].parens = s->parens;
		}
		s->depth_if++;
	} else if (directive_is(p, s->end, "else") || directive_is(p, s->end, "elif")) {
		if (s->depth_if && s->depth_if <= SUT_CSOURCE_IF_MAX) {
			s->braces = s->ifs[s->depth_if - 1].braces;
			s->parens = s->in_function ? 0 : s->ifs[s->depth_if - 1].parens;
			if (!s->braces)
				drop_function(s);
		}
	} else if (directive_is(p, s->end, "endif")) {
		if (s->depth_if)
			s->depth_if--;
	}
	while (s->p < s->end && *s->p != '\n') {
		/* A comment may go on over lines; a quote in #error text is no string. */
		if (*s->p == '/' && s->p + 1 < s->end && (s->p[1] == '*' || s->p[1] == '/')) {
			skip_literal(s);
			continue;
		}
		if (*s->p == '\\' && s->p + 1 < s->end && s->p[1] == '\n') {
			s->line++;
			s->p++;
		}
		s->p++;
	}
}

static void read_word(struct scanner *s)
{
	const char *start = s->p;
	size_t n;

	while (s->p < s->end && is_word(*s->p))
		s->p++;
	n = (size_t)(s->p - start);
	if (n >= WORD_MAX)
		n = WORD_MAX - 1;
	if (s->braces)
		return;
	if (!s->parens) {
		memcpy(s->word.s, start, n);
		s->word.s[n] = 0;
		if (!sut_startswith(s->word.s, "__"))
			s->trailing = false;
	} else if (s->want_argument && s->parens == 1) {
		/* The last word before the first comma. */
		memcpy(s->argument.s, start, n);
		s->argument.s[n] = 0;
	}
}

static int scan(struct scanner *s)
{
	while (s->p < s->end) {
		char c = *s->p;
		int r;

		if (c == '\n') {
			s->line++;
			s->line_start = true;
			s->p++;
			continue;
		}
		if (isspace((unsigned char)c)) {
			s->p++;
			continue;
		}
		if (c == '#' && s->line_start) {
			directive(s);
			continue;
		}
		s->line_start = false;
		if (skip_literal(s))
			continue;
		if (!s->first && !s->braces && !s->parens && c != ';' && c != '}')
			s->first = s->line;
		if (is_word(c)) {
			read_word(s);
			continue;
		}
		r = punctuation(s, c);
		if (r < 0)
			return r;
		s->p++;
	}
	/* A function the text ends in. */
	return s->in_function ? end_function(s) : 0;
}

int sut_csource_scan(const char *text, size_t len, struct sut_csource *ret)
{
	struct sut_csource out = {0};
	struct scanner s = {
		.p = text, .end = text + len, .line = 1, .line_start = true, .out = &out};
	int r;

	if (len > SUT_CSOURCE_MAX)
		return -EFBIG;
	r = scan(&s);
	free(s.current.name);
	if (r < 0) {
		sut_csource_release(&out);
		return r;
	}
	*ret = out;
	return 0;
}

void sut_csource_release(struct sut_csource *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->functions[i].name);
	free(s->functions);
	*s = (struct sut_csource){0};
}

const struct sut_cfunction *sut_csource_function_at(const struct sut_csource *s, uint32_t line)
{
	size_t lo = 0, hi = s->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (s->functions[mid].last < line)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < s->n && s->functions[lo].first <= line ? &s->functions[lo] : NULL;
}

bool sut_cfunction_is(const struct sut_cfunction *f, const char *name)
{
	static const char *const native[] = {"",	  "sys_",      "__x64_sys_",  "__ia32_sys_",
					     "__se_sys_", "__do_sys_", "__arm64_sys_"};
	static const char *const compat[] = {"compat_sys_", "__ia32_compat_sys_",
					     "__x64_compat_sys_", "__se_compat_sys_"};
	const char *call;

	if (sut_streq(f->name, name))
		return true;
	if (sut_startswith(f->name, "__do_compat_sys_")) {
		call = f->name + strlen("__do_compat_sys_");
		for (size_t i = 0; i < SUT_ARRAY_SIZE(compat); i++)
			if (sut_startswith(name, compat[i]) &&
			    sut_streq(name + strlen(compat[i]), call))
				return true;
	} else if (sut_startswith(f->name, "__do_sys_")) {
		call = f->name + strlen("__do_sys_");
		for (size_t i = 0; i < SUT_ARRAY_SIZE(native); i++)
			if (sut_startswith(name, native[i]) &&
			    sut_streq(name + strlen(native[i]), call))
				return true;
	}
	return false;
}
