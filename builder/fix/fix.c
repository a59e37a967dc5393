// SPDX-License-Identifier: Apache-2.0
#include "fix/fix.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fix/change.h"
#include "fix/csource.h"
#include "fix/text.h"
#include "fix/tree.h"

enum {
	AVAILABLE_MAX = 1200, /* bytes of an error's list of what there is */
	HUNKS_MAX = 4096,
};

/* One file of the two trees. */
struct file {
	const char *path;
	struct sut_text old, new;
	struct sut_csource old_fn, new_fn;
	struct sut_changes changes;
};

struct cut {
	const struct sut_fix_opts *opts;
	struct sut_buf *out;
	struct sut_buf *available; /* what could have been selected */
	uint32_t next_hunk;
	bool any;
	char beyond[256]; /* a change that is only partly in a function named; "" for none */
};

int sut_fix_hunks_add(struct sut_fix_hunks *h, const char *s, struct sut_err *err)
{
	uint64_t v;
	uint32_t *n;

	if (sut_parse_u64(s, UINT32_MAX, &v) < 0 || v == 0)
		return sut_err_set(err, EINVAL, "'%s' is no number of a hunk; --list shows them",
				   s);
	if (h->n == HUNKS_MAX)
		return sut_err_set(err, EINVAL, "more than %d hunks are named", HUNKS_MAX);
	n = realloc(h->v, (h->n + 1) * sizeof(*n));
	if (!n)
		return sut_err_oom(err);
	n[h->n++] = (uint32_t)v;
	h->v = n;
	return 0;
}

void sut_fix_hunks_release(struct sut_fix_hunks *h)
{
	free(h->v);
	*h = (struct sut_fix_hunks){0};
}

static bool has_hunk(const struct sut_fix_hunks *h, uint32_t v)
{
	for (size_t i = 0; i < h->n; i++)
		if (h->v[i] == v)
			return true;
	return false;
}

static void release(struct file *f)
{
	sut_text_release(&f->old);
	sut_text_release(&f->new);
	sut_csource_release(&f->old_fn);
	sut_csource_release(&f->new_fn);
	sut_changes_release(&f->changes);
}

static int load(struct file *f, const char *from, const char *to, struct sut_err *err)
{
	_cleanup_(sut_freep) char *a = sut_sprintf("%s/%s", from, f->path);
	_cleanup_(sut_freep) char *b = sut_sprintf("%s/%s", to, f->path);
	int r;

	if (!a || !b)
		return sut_err_oom(err);
	r = sut_text_read(a, &f->old, err);
	if (r == 0)
		r = sut_text_read(b, &f->new, err);
	if (r < 0)
		return r;
	if (sut_csource_scan(sut_buf_str(&f->old.bytes), f->old.bytes.len, &f->old_fn) < 0 ||
	    sut_csource_scan(sut_buf_str(&f->new.bytes), f->new.bytes.len, &f->new_fn) < 0)
		return sut_err_oom(err);
	return sut_changes_between(a, b, &f->old, &f->new, &f->changes, err);
}

/* Are all n lines from first on in the function of that name? */
static bool within(const struct sut_csource *s, const char *name, uint32_t first, uint32_t n)
{
	const struct sut_cfunction *f = sut_csource_function_at(s, first);

	return f && sut_cfunction_is(f, name) && first + n - 1 <= f->last;
}

static bool has_function(const struct sut_csource *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++)
		if (sut_cfunction_is(&s->functions[i], name))
			return true;
	return false;
}

static bool in_function(const struct file *f, const struct sut_change *c, const char *name)
{
	bool old = c->old_n && has_function(&f->old_fn, name);
	bool new = c->new_n &&has_function(&f->new_fn, name);

	if (!old && !new)
		return false;
	return (!old || within(&f->old_fn, name, c->old_first, c->old_n)) &&
	       (!new || within(&f->new_fn, name, c->new_first, c->new_n));
}

/* Is any of the n lines from first on in the function of that name? */
static bool touches(const struct sut_csource *s, const char *name, uint32_t first, uint32_t n)
{
	for (uint32_t i = first; i < first + n; i++) {
		const struct sut_cfunction *f = sut_csource_function_at(s, i);

		if (f && sut_cfunction_is(f, name))
			return true;
	}
	return false;
}

static void note_beyond(struct cut *cut, const struct file *f, const struct sut_change *c)
{
	const struct sut_strv *names = cut->opts->functions;

	for (size_t i = 0; i < names->n && !cut->beyond[0]; i++)
		if (touches(&f->old_fn, names->v[i], c->old_first, c->old_n) ||
		    touches(&f->new_fn, names->v[i], c->new_first, c->new_n))
			snprintf(cut->beyond, sizeof(cut->beyond),
				 "The change at %.120s:%u is in %.80s and reaches beyond it",
				 f->path, c->old_first, names->v[i]);
}

static void select_changes(struct cut *cut, struct file *f)
{
	const struct sut_strv *functions = cut->opts->functions;

	for (size_t i = 0; i < f->changes.n; i++) {
		struct sut_change *c = &f->changes.v[i];

		c->selected = functions->n == 0;
		for (size_t k = 0; k < functions->n && !c->selected; k++)
			c->selected = in_function(f, c, functions->v[k]);
		if (!c->selected)
			note_beyond(cut, f, c);
	}
}

/* The function a change is in: in the new version if it has lines there. */
static const char *function_of(const struct file *f, const struct sut_change *c)
{
	const struct sut_cfunction *fn =
		c->new_n ? sut_csource_function_at(&f->new_fn, c->new_first)
			 : sut_csource_function_at(&f->old_fn, c->old_first);

	return fn ? fn->name : "";
}

/* One line for each hunk among the selected changes. */
static int list_hunks(const struct file *f, struct sut_buf *out)
{
	const struct sut_changes *c = &f->changes;
	int r = 0;

	for (size_t i = 0; i < c->n && r == 0; i++) {
		uint32_t hunk = c->v[i].hunk, plus = 0, minus = 0;
		const char *last = NULL;

		if (!c->v[i].selected || (i && hunk == c->v[i - 1].hunk))
			continue;
		for (size_t k = i; k < c->n; k++)
			if (c->v[k].selected && c->v[k].hunk == hunk) {
				plus += c->v[k].new_n;
				minus += c->v[k].old_n;
			}
		r = sut_buf_addf(out, "%u\t%s:%u\t+%u -%u\t", hunk, f->path, c->v[i].old_first,
				 plus, minus);
		for (size_t k = i; k < c->n && r == 0; k++) {
			const char *name = function_of(f, &c->v[k]);

			if (!c->v[k].selected || c->v[k].hunk != hunk || !*name ||
			    (last && sut_streq(last, name)))
				continue;
			r = sut_buf_addf(out, "%s%s", last ? ", " : "", name);
			last = name;
		}
		if (r == 0)
			r = sut_buf_addstr(out, "\n");
	}
	return r;
}

/* Notes the functions with changes, for the error when nothing is selected.
 * The buffer is small, and what does not fit is left out. */
static void note_available(struct cut *cut, const struct file *f)
{
	const char *last = NULL;

	if (sut_buf_addf(cut->available, "\n%s:", f->path) < 0)
		return;
	for (size_t i = 0; i < f->changes.n; i++) {
		const char *name = function_of(f, &f->changes.v[i]);

		if (!*name)
			name = "(outside of functions)";
		if (last && sut_streq(last, name))
			continue;
		if (sut_buf_addf(cut->available, " %s", name) < 0)
			return;
		last = name;
	}
}

static int do_file(struct cut *cut, struct file *f, struct sut_err *err)
{
	const struct sut_fix_hunks *hunks = cut->opts->hunks;
	int r;

	note_available(cut, f);
	select_changes(cut, f);
	sut_changes_number(&f->changes, &cut->next_hunk);
	for (size_t i = 0; i < f->changes.n; i++) {
		struct sut_change *c = &f->changes.v[i];

		if (c->selected && hunks->n && !has_hunk(hunks, c->hunk))
			c->selected = false;
		cut->any |= c->selected;
	}
	r = cut->opts->list ? list_hunks(f, cut->out)
			    : sut_changes_write(&f->changes, f->path, &f->old, &f->new, &f->old_fn,
						cut->out);
	if (r == -ENOBUFS)
		return sut_err_set(err, EFBIG,
				   "the patch is larger than the limit of %d bytes; "
				   "select less with --file",
				   SUT_FIX_MAX);
	return r < 0 ? sut_err_oom(err) : 0;
}

static int list_files(const char *from, const char *to, const struct sut_strv *files,
		      struct sut_strv *ret, struct sut_err *err)
{
	int r = 0;

	if (!files->n)
		return sut_tree_compare(from, to, NULL, ret, err);
	for (size_t i = 0; i < files->n && r == 0; i++) {
		if (!sut_tree_path_ok(files->v[i]))
			return sut_err_set(err, EINVAL,
					   "'%s' is no path inside the source; write it relative "
					   "to the top, for example net/unix/af_unix.c",
					   files->v[i]);
		r = sut_tree_compare(from, to, files->v[i], ret, err);
	}
	return r;
}

/* Nothing was asked for: what differs is the answer. */
static int nothing_asked(const struct sut_strv *paths, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf list = SUT_BUF_INIT(AVAILABLE_MAX);

	for (size_t i = 0; i < paths->n; i++)
		if (sut_buf_addf(&list, "\n%s", paths->v[i]) < 0)
			break;
	return sut_err_set(err, EINVAL,
			   "nothing is selected; name files with --file or functions with "
			   "--function, or use --list. %zu files differ:%s%s",
			   paths->n, sut_buf_str(&list), list.len > AVAILABLE_MAX / 2 ? "\n…" : "");
}

int sut_fix_cut(const char *from, const char *to, const struct sut_fix_opts *opts,
		struct sut_buf *out, struct sut_err *err)
{
	_cleanup_strv_ struct sut_strv paths = {0};
	_cleanup_buf_ struct sut_buf available = SUT_BUF_INIT(AVAILABLE_MAX);
	struct cut cut = {.opts = opts, .out = out, .next_hunk = 1, .available = &available};
	int r = list_files(from, to, opts->files, &paths, err);

	if (r < 0)
		return r;
	if (!paths.n)
		return sut_err_set(err, ENOENT, "there is no difference between the two versions%s",
				   opts->files->n ? " in the files named" : "");
	if (!opts->files->n && !opts->functions->n && !opts->hunks->n && !opts->list)
		return nothing_asked(&paths, err);
	for (size_t i = 0; i < paths.n && r == 0; i++) {
		struct file f = {.path = paths.v[i]};

		if (i && sut_streq(paths.v[i], paths.v[i - 1]))
			continue;
		r = load(&f, from, to, err);
		if (r == 0)
			r = do_file(&cut, &f, err);
		release(&f);
	}
	if (r < 0)
		return r;
	if (!cut.any && opts->hunks->n && cut.next_hunk > 1)
		return sut_err_set(err, ENOENT, "there are hunks 1 to %u; --list shows them",
				   cut.next_hunk - 1);
	if (!cut.any && cut.beyond[0])
		return sut_err_set(err, ENOENT,
				   "no change is wholly within the functions named. %s: take it "
				   "with --hunk and without --function (--list shows the numbers)",
				   cut.beyond);
	if (!cut.any)
		return sut_err_set(err, ENOENT,
				   "no change is within the functions named. Changed are:%s",
				   sut_buf_str(&available));
	return 0;
}
