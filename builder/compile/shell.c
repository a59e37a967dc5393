// SPDX-License-Identifier: Apache-2.0
#include "compile/shell.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '<' || c == '>';
}

static bool ends_command(char c)
{
	return c == ';' || c == '&' || c == '|' || c == '(' || c == ')' || c == '\n';
}

static int add(struct sut_buf *w, char c)
{
	int r = sut_buf_add(w, &c, 1);

	return r == -ENOBUFS ? -E2BIG : r;
}

/* Within double quotes a backslash is only special before these. */
static bool escapable(char c)
{
	return c == '$' || c == '`' || c == '"' || c == '\\' || c == '\n';
}

/* *p is at the opening quote; moved behind the closing one. */
static int quoted(const char **p, const char *end, struct sut_buf *w)
{
	char q = *(*p)++;

	for (; *p < end; (*p)++) {
		char c = **p;
		int r;

		if (c == q) {
			(*p)++;
			return 0;
		}
		if (q == '"' && c == '\\' && *p + 1 < end && escapable((*p)[1])) {
			c = *++(*p);
			if (c == '\n')
				continue;
		}
		r = add(w, c);
		if (r < 0)
			return r;
	}
	return -EBADMSG;
}

/* One word; *p is at its first byte. */
static int word(const char **p, const char *end, struct sut_buf *w)
{
	while (*p < end && !is_blank(**p) && !ends_command(**p)) {
		int r = 0;

		if (**p == '\'' || **p == '"') {
			r = quoted(p, end, w);
		} else if (**p == '\\') {
			(*p)++;
			if (*p < end && **p != '\n')
				r = add(w, **p);
			if (*p < end)
				(*p)++;
		} else {
			r = add(w, *(*p)++);
		}
		if (r < 0)
			return r;
	}
	return 0;
}

int sut_shell_next(const char **p, const char *end, struct sut_strv *ret)
{
	_cleanup_strv_ struct sut_strv l = {0};

	while (*p < end) {
		_cleanup_buf_ struct sut_buf w = SUT_BUF_INIT(SUT_SHELL_WORD_MAX);
		int r;

		if (is_blank(**p)) {
			(*p)++;
			continue;
		}
		if (**p == '\\' && *p + 1 < end && (*p)[1] == '\n') {
			*p += 2;
			continue;
		}
		if (ends_command(**p)) {
			(*p)++;
			if (l.n)
				break;
			continue;
		}
		if (l.n >= SUT_SHELL_WORDS_MAX)
			return -E2BIG;
		r = word(p, end, &w);
		if (r < 0)
			return r;
		/* a NUL byte in the text would end the word early: not a command of ours */
		if (w.len != strlen(sut_buf_str(&w)))
			return -EBADMSG;
		r = sut_strv_add(&l, sut_buf_str(&w));
		if (r < 0)
			return r;
	}
	if (!l.n)
		return 0;
	*ret = l;
	l = (struct sut_strv){0};
	return 1;
}
