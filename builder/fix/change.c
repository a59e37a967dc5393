// SPDX-License-Identifier: Apache-2.0
#include "fix/change.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/proc.h"
#include "base/str.h"

enum { DIFF_OUTPUT_MAX = 256 << 20, HEADING_MAX = 80 };

/* "a" or "a,b" at *p; false when it is not that. */
static bool read_range(const char **p, const char *end, uint32_t *ret_first, uint32_t *ret_n)
{
	uint64_t v[2] = {0, 1};

	for (int i = 0; i < 2; i++) {
		const char *s = *p;

		v[i] = 0;
		while (*p < end && **p >= '0' && **p <= '9' && *p - s < 10)
			v[i] = v[i] * 10 + (uint64_t)(*(*p)++ - '0');
		if (*p == s || v[i] > UINT32_MAX / 2)
			return false;
		if (*p == end || **p != ',' || i == 1) {
			if (i == 0)
				v[1] = 1;
			break;
		}
		(*p)++;
	}
	*ret_first = (uint32_t)v[0];
	*ret_n = (uint32_t)v[1];
	return true;
}

static bool read_header(const char *p, const char *end, struct sut_change *c)
{
	if (end - p < 4 || memcmp(p, "@@ -", 4))
		return false;
	p += 4;
	if (!read_range(&p, end, &c->old_first, &c->old_n) || end - p < 2 || p[0] != ' ' ||
	    p[1] != '+')
		return false;
	p += 2;
	if (!read_range(&p, end, &c->new_first, &c->new_n) || end - p < 3 || memcmp(p, " @@", 3))
		return false;
	/* diff names the line before an empty range. */
	c->old_first += c->old_n == 0;
	c->new_first += c->new_n == 0;
	return true;
}

int sut_changes_parse(const char *text, size_t len, uint32_t old_lines, uint32_t new_lines,
		      struct sut_changes *ret)
{
	struct sut_changes out = {0};
	uint32_t old_next = 1, new_next = 1;
	size_t cap = 0;
	int r = 0;

	for (const char *p = text, *end = text + len; p < end && r == 0;) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		struct sut_change c = {0};

		if (!nl)
			nl = end;
		if (*p == '@') {
			/* Unchanged stretches have the same length on both sides. */
			if (!read_header(p, nl, &c) || c.old_n + c.new_n == 0 ||
			    c.old_first < old_next || c.new_first < new_next ||
			    c.old_first - old_next != c.new_first - new_next ||
			    c.old_first - 1 + c.old_n > old_lines ||
			    c.new_first - 1 + c.new_n > new_lines) {
				r = -EBADMSG;
				break;
			}
			old_next = c.old_first + c.old_n;
			new_next = c.new_first + c.new_n;
			if (out.n == cap) {
				struct sut_change *v;

				cap = cap ? 2 * cap : 64;
				v = cap > SUT_CHANGES_MAX ? NULL : realloc(out.v, cap * sizeof(*v));
				if (!v) {
					r = cap > SUT_CHANGES_MAX ? -EFBIG : -ENOMEM;
					break;
				}
				out.v = v;
			}
			out.v[out.n++] = c;
		}
		p = nl + (nl < end);
	}
	if (r < 0) {
		sut_changes_release(&out);
		return r;
	}
	*ret = out;
	return 0;
}

int sut_changes_between(const char *old_path, const char *new_path, const struct sut_text *old,
			const struct sut_text *new_text, struct sut_changes *ret,
			struct sut_err *err)
{
	const char *const argv[] = {"diff",
				    "-U0",
				    "-a",
				    old->exists ? old_path : "/dev/null",
				    new_text->exists ? new_path : "/dev/null",
				    NULL};
	_cleanup_buf_ struct sut_buf out = SUT_BUF_INIT(DIFF_OUTPUT_MAX);
	_cleanup_buf_ struct sut_buf said = SUT_BUF_INIT(65536);
	int r = sut_run(argv, &(struct sut_run_opts){.out = &out, .err_out = &said}, err);

	if (r < 0)
		return sut_err_prefix(err, "is the package diffutils installed?");
	if (r > 1)
		return sut_err_set(err, ECHILD, "diff failed: %.500s", sut_buf_str(&said));
	r = sut_changes_parse(sut_buf_str(&out), out.len, old->nlines, new_text->nlines, ret);
	if (r == -ENOMEM)
		return sut_err_oom(err);
	if (r < 0)
		return sut_err_set(err, -r, "the output of diff for %s is not understood",
				   old_path);
	return 0;
}

void sut_changes_release(struct sut_changes *c)
{
	free(c->v);
	*c = (struct sut_changes){0};
}

/* Do the contexts of the two touch or overlap? */
static bool joined(const struct sut_change *a, const struct sut_change *b)
{
	return b->old_first - (a->old_first + a->old_n) <= 2 * SUT_CHANGE_CONTEXT;
}

void sut_changes_number(struct sut_changes *c, uint32_t *next)
{
	const struct sut_change *last = NULL;

	for (size_t i = 0; i < c->n; i++) {
		struct sut_change *x = &c->v[i];

		x->hunk = 0;
		if (!x->selected)
			continue;
		x->hunk = last && joined(last, x) ? last->hunk : (*next)++;
		last = x;
	}
}

static int add_lines(struct sut_buf *out, char sign, const struct sut_text *t, uint32_t first,
		     uint32_t n)
{
	int r = 0;

	for (uint32_t i = first; i < first + n && r == 0; i++) {
		size_t len;
		const char *line = sut_text_line(t, i, &len);

		r = sut_buf_add(out, &sign, 1);
		if (r == 0)
			r = sut_buf_add(out, line, len);
		if (r == 0 && line[len - 1] != '\n')
			r = sut_buf_addstr(out, "\n\\ No newline at end of file\n");
	}
	return r;
}

/* " static int f(void)" of the function the line is in; nothing elsewhere. */
static int add_heading(struct sut_buf *out, const struct sut_text *old,
		       const struct sut_csource *functions, uint32_t line)
{
	const struct sut_cfunction *f = functions ? sut_csource_function_at(functions, line) : NULL;
	const char *s;
	size_t len;

	if (!f || f->first >= line || f->first > old->nlines)
		return 0;
	s = sut_text_line(old, f->first, &len);
	while (len && (s[len - 1] == '\n' || s[len - 1] == '\r' || s[len - 1] == ' '))
		len--;
	if (len > HEADING_MAX)
		len = HEADING_MAX;
	return sut_buf_addf(out, " %.*s", (int)len, s);
}

/* A hunk header's range: an empty one names the line before it. */
static int add_range(struct sut_buf *out, char sign, uint32_t first, uint32_t n)
{
	if (n == 1)
		return sut_buf_addf(out, "%c%u", sign, first);
	return sut_buf_addf(out, "%c%u,%u", sign, n ? first : first - 1, n);
}

/* Writes changes from … to-1 (selected ones among them make one hunk). shift:
 * lines that hunks before this one have added. Returns what this one adds. */
static int write_hunk(const struct sut_changes *c, size_t from, size_t to, int64_t *shift,
		      const struct sut_text *old, const struct sut_text *new_text,
		      const struct sut_csource *functions, struct sut_buf *out)
{
	const struct sut_change *a = &c->v[from], *z = &c->v[to - 1];
	uint32_t ctx = SUT_CHANGE_CONTEXT;
	uint32_t first = a->old_first > ctx ? a->old_first - ctx : 1;
	uint32_t end = z->old_first + z->old_n, at = first; /* end: behind the last line */
	uint32_t old_n, new_n;
	int64_t added = 0;
	int r;

	end = old->nlines - (end - 1) > ctx ? end + ctx : old->nlines + 1;
	for (size_t i = from; i < to; i++)
		if (c->v[i].selected)
			added += (int64_t)c->v[i].new_n - c->v[i].old_n;
	old_n = end - first;
	new_n = (uint32_t)(old_n + added);
	r = sut_buf_addstr(out, "@@ ");
	if (r == 0)
		r = add_range(out, '-', first, old_n);
	if (r == 0)
		r = sut_buf_addstr(out, " ");
	if (r == 0)
		r = add_range(out, '+', (uint32_t)(first + *shift), new_n);
	if (r == 0)
		r = sut_buf_addstr(out, " @@");
	if (r == 0)
		r = add_heading(out, old, functions, a->old_first);
	if (r == 0)
		r = sut_buf_addstr(out, "\n");
	for (size_t i = from; i < to && r == 0; i++) {
		const struct sut_change *x = &c->v[i];

		if (!x->selected)
			continue;
		r = add_lines(out, ' ', old, at, x->old_first - at);
		if (r == 0)
			r = add_lines(out, '-', old, x->old_first, x->old_n);
		if (r == 0)
			r = add_lines(out, '+', new_text, x->new_first, x->new_n);
		at = x->old_first + x->old_n;
	}
	if (r == 0)
		r = add_lines(out, ' ', old, at, end - at);
	*shift += added;
	return r;
}

int sut_changes_write(const struct sut_changes *c, const char *path, const struct sut_text *old,
		      const struct sut_text *new_text, const struct sut_csource *functions,
		      struct sut_buf *out)
{
	bool started = false, removed = !new_text->exists;
	int64_t shift = 0;
	int r = 0;

	/* A removed file of which something is kept is a changed file. */
	for (size_t i = 0; i < c->n; i++)
		removed &= c->v[i].selected;
	for (size_t i = 0; i < c->n && r == 0;) {
		size_t to = i + 1;

		if (!c->v[i].selected) {
			i++;
			continue;
		}
		for (size_t k = to; k < c->n; k++) {
			if (!c->v[k].selected)
				continue;
			if (c->v[k].hunk != c->v[i].hunk)
				break;
			to = k + 1;
		}
		if (!started)
			r = sut_buf_addf(out, "--- %s%s\n+++ %s%s\n", old->exists ? "a/" : "",
					 old->exists ? path : "/dev/null", removed ? "" : "b/",
					 removed ? "/dev/null" : path);
		started = true;
		if (r == 0)
			r = write_hunk(c, i, to, &shift, old, new_text, functions, out);
		i = to;
	}
	return r;
}
