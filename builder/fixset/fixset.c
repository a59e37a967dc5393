// SPDX-License-Identifier: Apache-2.0
#include "fixset/fixset.h"

#include <ctype.h>
#include <errno.h>
#include <libgen.h>
#include <string.h>

#include "base/file.h"
#include "base/proc.h"

/* ---- which files ---- */

static bool safe_path(const char *p)
{
	if (!*p || *p == '/')
		return false;
	for (const char *s = p; *s;) {
		size_t n = strcspn(s, "/");

		if (n == 0 || (n == 1 && s[0] == '.') || (n == 2 && s[0] == '.' && s[1] == '.'))
			return false;
		s += n + (s[n] == '/');
	}
	return true;
}

/* The path after "--- " or "+++ ": up to a tab or the line's end; without its first folder. */
static int header_path(const char *line, size_t len, char *out, size_t size)
{
	const char *p = line + 4, *end = line + len, *slash;
	size_t n;

	for (const char *t = p; t < end; t++)
		if (*t == '\t' || *t == '\r') {
			end = t;
			break;
		}
	n = (size_t)(end - p);
	if (n == 9 && !memcmp(p, "/dev/null", 9)) {
		out[0] = 0;
		return 0;
	}
	slash = memchr(p, '/', n);
	if (!slash)
		return -EBADMSG;
	n -= (size_t)(slash + 1 - p);
	if (n >= size || memchr(slash + 1, 0, n))
		return -EBADMSG;
	memcpy(out, slash + 1, n);
	out[n] = 0;
	return safe_path(out) ? 0 : -EBADMSG;
}

int sut_fix_files(const char *text, size_t len, struct sut_strv *ret, struct sut_err *err)
{
	_cleanup_strv_ struct sut_strv files = {0};
	char from[1024] = "", to[1024] = "";
	const char *p = text, *end = text + len;
	long old_left = 0, new_left = 0;
	unsigned int line = 0;
	bool have_from = false;

	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		size_t n = nl ? (size_t)(nl - p) : (size_t)(end - p);

		line++;
		if (old_left > 0 || new_left > 0) { /* inside a hunk */
			if (n == 0 || *p == ' ' || *p == '\t') {
				old_left--;
				new_left--;
			} else if (*p == '-') {
				old_left--;
			} else if (*p == '+') {
				new_left--;
			} else if (*p != '\\') {
				return sut_err_set(err, EBADMSG,
						   "line %u of the fix is inside a hunk "
						   "but is none of ' ', '-', '+'",
						   line);
			}
		} else if (n >= 5 && !memcmp(p, "--- ", 4)) {
			if (header_path(p, n, from, sizeof(from)) < 0)
				return sut_err_set(err, EBADMSG,
						   "line %u of the fix: the path must "
						   "be like a/net/unix/af_unix.c (patch -p1)",
						   line);
			have_from = true;
		} else if (have_from && n >= 5 && !memcmp(p, "+++ ", 4)) {
			const char *name;

			if (header_path(p, n, to, sizeof(to)) < 0)
				return sut_err_set(err, EBADMSG,
						   "line %u of the fix: the path must "
						   "be like b/net/unix/af_unix.c (patch -p1)",
						   line);
			name = *to ? to : from;
			if (files.n >= SUT_FIX_FILES_MAX)
				return sut_err_set(err, EBADMSG,
						   "the fix changes more than %d files",
						   SUT_FIX_FILES_MAX);
			if (*name && !sut_strv_has(&files, name) && sut_strv_add(&files, name) < 0)
				return sut_err_oom(err);
			have_from = false;
		} else if (n >= 4 && !memcmp(p, "@@ -", 4) && files.n) {
			char head[128];
			unsigned long a, b = 1, c, d = 1;

			snprintf(head, sizeof(head), "%.*s", (int)(n < 127 ? n : 127), p);
			if (sscanf(head, "@@ -%9lu,%9lu +%9lu,%9lu @@", &a, &b, &c, &d) != 4 &&
			    (b = 1, sscanf(head, "@@ -%9lu +%9lu,%9lu @@", &a, &c, &d) != 3) &&
			    (d = 1, sscanf(head, "@@ -%9lu,%9lu +%9lu @@", &a, &b, &c) != 3) &&
			    (b = d = 1, sscanf(head, "@@ -%9lu +%9lu @@", &a, &c) != 2))
				return sut_err_set(err, EBADMSG,
						   "line %u of the fix: bad hunk header", line);
			old_left = (long)b;
			new_left = (long)d;
		}
		p += n + (nl != NULL);
	}
	if (!files.n)
		return sut_err_set(err, EBADMSG,
				   "this is no unified diff: no file is named in it "
				   "(make one with 'diff -u', 'git diff' or 'suture-build fix')");
	*ret = files;
	files = (struct sut_strv){0};
	return 0;
}

/* ---- keeping line numbers ---- */

/* Follows C text far enough to know where a line of its own may be put. */
struct c_state {
	int parens;
	bool comment, continued;
};

static void follow_line(struct c_state *s, const char *p, size_t n)
{
	char quote = 0;

	s->continued = n && p[n - 1] == '\\';
	for (size_t i = 0; i < n; i++) {
		char c = p[i], next = i + 1 < n ? p[i + 1] : 0;

		if (s->comment) {
			if (c == '*' && next == '/') {
				s->comment = false;
				i++;
			}
		} else if (quote) {
			if (c == '\\')
				i++;
			else if (c == quote)
				quote = 0;
		} else if (c == '"' || c == '\'') {
			quote = c;
		} else if (c == '/' && next == '*') {
			s->comment = true;
			i++;
		} else if (c == '/' && next == '/') {
			break;
		} else if (c == '(') {
			s->parens++;
		} else if (c == ')') {
			s->parens--;
		}
	}
}

/* Lines of `diff -U0`: after patched line `after` the original goes on at `orig`. */
struct shift {
	unsigned long after, orig;
};

static size_t parse_shifts(const char *text, struct shift *out, size_t max)
{
	size_t n = 0;

	for (const char *p = text; p && *p; p = strchr(p, '\n') ? strchr(p, '\n') + 1 : NULL) {
		unsigned long a = 0, b = 1, c = 0, d = 1;
		char *q;

		if (strncmp(p, "@@ -", 4))
			continue;
		a = strtoul(p + 4, &q, 10);
		if (*q == ',')
			b = strtoul(q + 1, &q, 10);
		if (strncmp(q, " +", 2))
			continue;
		c = strtoul(q + 2, &q, 10);
		if (*q == ',')
			d = strtoul(q + 1, &q, 10);
		if (n < max)
			out[n++] = (struct shift){d ? c + d - 1 : c, b ? a + b : a + 1};
	}
	return n;
}

int sut_fix_keep_lines(const char *orig_path, const char *patched_path, const char *name,
		       struct sut_buf *out, struct sut_err *err)
{
	const char *argv[] = {"diff", "-U0", "--text", orig_path, patched_path, NULL};
	_cleanup_buf_ struct sut_buf text = SUT_BUF_INIT(SUT_SOURCE_MAX),
				     d = SUT_BUF_INIT(SUT_FIX_MAX);
	struct sut_run_opts o = {.out = &d};
	_cleanup_(sut_freep) struct shift *shifts = NULL;
	struct c_state c = {0};
	unsigned long line = 0, pending = 0;
	size_t n, next = 0;
	int r;

	r = sut_file_read(patched_path, &text, err);
	if (r < 0)
		return r;
	r = sut_run(argv, &o, err);
	if (r < 0)
		return r;
	if (r > 1)
		return sut_err_set(err, EIO, "diff could not compare %s", patched_path);
	shifts = calloc(65536, sizeof(*shifts));
	if (!shifts)
		return sut_err_oom(err);
	n = parse_shifts(sut_buf_str(&d), shifts, 65536);
	for (const char *p = sut_buf_str(&text), *end = p + text.len; p < end;) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		size_t len = nl ? (size_t)(nl - p) : (size_t)(end - p);

		/* pending: the original's number of the line that comes now. */
		if (pending && c.parens <= 0 && !c.comment && !c.continued) {
			r = name ? sut_buf_addf(out, "#line %lu \"%s\"\n", pending, name)
				 : sut_buf_addf(out, "#line %lu\n", pending);
			if (r < 0)
				return sut_err_oom(err);
			pending = 0;
		}
		r = sut_buf_add(out, p, len + (nl != NULL));
		if (r < 0)
			return sut_err_oom(err);
		line++;
		follow_line(&c, p, len);
		if (pending)
			pending++;
		while (next < n && shifts[next].after == line)
			pending = shifts[next++].orig;
		p += len + (nl != NULL);
	}
	return 0;
}

/* ---- applying ---- */

static int copy_file(const char *from, const char *to, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_SOURCE_MAX);
	_cleanup_(sut_freep) char *dir = strdup(to);
	int r;

	if (!dir)
		return sut_err_oom(err);
	r = sut_mkdir_p(dirname(dir), err);
	if (!r)
		r = sut_file_read(from, &b, err);
	return r ? r : sut_file_write(to, sut_buf_str(&b), b.len, 0644, err);
}

static int add_file(struct sut_fixset *f, const char *path, const char *src_dir,
		    const char *scratch, struct sut_err *err)
{
	_cleanup_(sut_freep) char *from = sut_sprintf("%s/%s", src_dir, path);
	struct sut_fixed_file *v;

	for (size_t i = 0; i < f->nfiles; i++)
		if (sut_streq(f->files[i].path, path))
			return 0;
	v = reallocarray(f->files, f->nfiles + 1, sizeof(*v));
	if (!v)
		return sut_err_oom(err);
	f->files = v;
	v += f->nfiles++;
	*v = (struct sut_fixed_file){.path = strdup(path),
				     .plain_path = sut_sprintf("%s/patched/%s", scratch, path),
				     .patched_path = sut_sprintf("%s/lines/%s", scratch, path)};
	if (!from || !v->path || !v->plain_path || !v->patched_path)
		return sut_err_oom(err);
	return copy_file(from, v->plain_path, err);
}

/* patch(1) would ask about files that were refused: it gets copies of those too. */
static int apply_one(const char *fix, const struct sut_strv *paths, const char *src_dir,
		     const char *dir, struct sut_err *err)
{
	const char *argv[] = {
		"patch", "-p1", "--batch", "--forward", "--fuzz=0", "--no-backup-if-mismatch",
		"-r",	 "-",	"-i",	   fix,		NULL};
	_cleanup_buf_ struct sut_buf out = SUT_BUF_INIT(1 << 20);
	_cleanup_(sut_freep) char *abs = realpath(fix, NULL);
	struct sut_run_opts o = {.cwd = dir, .err_out = &out};
	int r;

	if (!abs)
		return sut_err_errno(err, "cannot open %s", fix);
	argv[9] = abs;
	for (size_t i = 0; i < paths->n; i++) {
		_cleanup_(sut_freep) char *from = sut_sprintf("%s/%s", src_dir, paths->v[i]);
		_cleanup_(sut_freep) char *to = sut_sprintf("%s/%s", dir, paths->v[i]);

		if (!from || !to)
			return sut_err_oom(err);
		if (sut_exists(from) && !sut_exists(to)) {
			r = copy_file(from, to, err);
			if (r < 0)
				return r;
		}
	}
	r = sut_run(argv, &o, err);
	if (r < 0)
		return r;
	if (r)
		return sut_err_reason(err, EINVAL, "does-not-apply",
				      "%s does not apply to the target's source: cut it again for "
				      "this version (suture-build fix). patch says:\n%.1500s",
				      fix, sut_buf_str(&out));
	return 0;
}

int sut_fixset_apply(const struct sut_fixset_rules *rules, const char *const *fixes, size_t n,
		     const char *src_dir, const char *scratch, struct sut_fixset *ret,
		     struct sut_refusals *refusals, struct sut_err *err)
{
	_cleanup_(sut_fixset_release) struct sut_fixset f = {0};
	_cleanup_(sut_freep) char *dir = sut_sprintf("%s/patched", scratch);
	int r;

	f.texts = calloc(n ? n : 1, sizeof(*f.texts));
	if (!f.texts || !dir)
		return sut_err_oom(err);
	r = sut_mkdir_p(dir, err);
	for (size_t i = 0; !r && i < n; i++) {
		_cleanup_strv_ struct sut_strv paths = {0};

		f.texts[i] = SUT_BUF_INIT(SUT_FIX_MAX);
		r = sut_strv_add(&f.fixes, fixes[i]);
		if (!r)
			r = sut_file_read(fixes[i], &f.texts[i], err);
		if (!r)
			r = sut_fix_files(sut_buf_str(&f.texts[i]), f.texts[i].len, &paths, err);
		if (r == -EBADMSG)
			return sut_err_prefix(err, "%s", fixes[i]);
		for (size_t k = 0; !r && k < paths.n; k++) {
			r = rules->kind(rules->ctx, paths.v[k], src_dir, refusals);
			if (r == 1)
				r = add_file(&f, paths.v[k], src_dir, scratch, err);
		}
		if (!r && !refusals->n)
			r = apply_one(fixes[i], &paths, src_dir, dir, err);
	}
	for (size_t i = 0; !r && !refusals->n && i < f.nfiles; i++) {
		_cleanup_buf_ struct sut_buf text = SUT_BUF_INIT(2 * (size_t)SUT_SOURCE_MAX);
		_cleanup_(sut_freep) char *orig = sut_sprintf("%s/%s", src_dir, f.files[i].path);
		_cleanup_(sut_freep) char *to = strdup(f.files[i].patched_path);

		if (!orig || !to)
			return sut_err_oom(err);
		if (!sut_exists(f.files[i].plain_path)) {
			r = sut_refuse(refusals, "removed-file", f.files[i].path, f.files[i].path,
				       0,
				       "the fix removes this file, but its code is in the running "
				       "kernel: leave this part out.");
			continue;
		}
		r = sut_fix_keep_lines(orig, f.files[i].plain_path,
				       rules->line_names ? f.files[i].path : NULL, &text, err);
		if (!r)
			r = sut_mkdir_p(dirname(to), err);
		if (!r)
			r = sut_file_write(f.files[i].patched_path, sut_buf_str(&text), text.len,
					   0644, err);
	}
	if (r < 0)
		return r;
	*ret = f;
	f = (struct sut_fixset){0};
	return 0;
}

void sut_fixset_release(struct sut_fixset *f)
{
	for (size_t i = 0; f->texts && i < f->fixes.n; i++)
		sut_buf_release(&f->texts[i]);
	free(f->texts);
	for (size_t i = 0; i < f->nfiles; i++) {
		free(f->files[i].path);
		free(f->files[i].patched_path);
		free(f->files[i].plain_path);
	}
	free(f->files);
	sut_strv_release(&f->fixes);
	*f = (struct sut_fixset){0};
}

/* ---- lines for messages ---- */

static bool word_at(const char *p, const char *start, const char *word, size_t len)
{
	return !strncmp(p, word, len) &&
	       (p == start || (!isalnum((unsigned char)p[-1]) && p[-1] != '_')) &&
	       !isalnum((unsigned char)p[len]) && p[len] != '_';
}

unsigned int sut_fix_line_of(const char *text, const char *name)
{
	size_t len = strcspn(name, ".");
	unsigned int line = 1, first = 0;
	bool column0 = false;

	for (const char *p = text; *p; p++) {
		if (p == text || p[-1] == '\n')
			column0 = isalpha((unsigned char)*p) || *p == '_';
		if (*p == '\n') {
			line++;
			continue;
		}
		if (!word_at(p, text, name, len))
			continue;
		if (column0) {
			const char *end = strchr(p, '\n');

			/* A declaration that ends here is not the definition. */
			if (!end || end == text || end[-1] != ';' || !strchr(p, '(') ||
			    strchr(p, '(') > end)
				return line;
		}
		if (!first)
			first = line;
	}
	return first;
}
