// SPDX-License-Identifier: Apache-2.0
#include "compile/kbuild.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "compile/shell.h"

static const char *const kind_names[] = {"built-in", "module", "other"};

/* In the stored text this word stands between compiler and objtool; no word
 * of a command can be like it, because the shell would have ended there. */
static const char divider[] = ";";

static const char *base_name(const char *path)
{
	const char *s = strrchr(path, '/');

	return s ? s + 1 : path;
}

static const char *no_dot_slash(const char *path)
{
	while (sut_startswith(path, "./"))
		path += 2;
	return path;
}

/* The source as a path in the tree, NULL when it lies elsewhere. */
static const char *in_tree(const char *path, const char *src_dir)
{
	size_t n = strlen(src_dir);

	if (*path != '/')
		return NULL;
	if (strncmp(path, src_dir, n) || path[n] != '/')
		return NULL;
	return no_dot_slash(path + n + 1);
}

/* Options that have no influence on the code: debug information (which takes
 * most of the compiler's time) and the list of included files. */
static bool unwanted(const char *w)
{
	return sut_startswith(w, "-g") || sut_startswith(w, "-Wp,-M") || sut_startswith(w, "-M");
}

/* Stored words are separated by tabs, units by newlines. */
static bool storable(const char *w)
{
	return *w && !strpbrk(w, "\t\n") && strcmp(w, divider);
}

struct parser {
	const char *src_dir;
	struct sut_kbuild *k;
	size_t cap;
	struct sut_strv linked;	      /* objects that archives of vmlinux have */
	struct sut_strv printf_words; /* the printf before "| xargs ar" */
};

static struct sut_kbuild_unit *new_unit(struct parser *ps)
{
	struct sut_kbuild *k = ps->k;

	if (k->n == ps->cap) {
		size_t cap = ps->cap ? 2 * ps->cap : 1024;
		void *v = realloc(k->units, cap * sizeof(*k->units));

		if (!v)
			return NULL;
		k->units = v;
		ps->cap = cap;
	}
	k->units[k->n] = (struct sut_kbuild_unit){.kind = SUT_UNIT_OTHER};
	return &k->units[k->n++];
}

/* "gcc … -c -o x.o /src/x.c" */
static int see_compiler(struct parser *ps, const struct sut_strv *w)
{
	const char *source = NULL, *object = NULL, *last = w->v[w->n - 1];
	struct sut_kbuild_unit *u;
	bool c = false;

	if (!sut_endswith(last, ".c"))
		return 0;
	source = in_tree(last, ps->src_dir);
	for (size_t i = 0; i + 1 < w->n; i++) {
		if (!strcmp(w->v[i], "-c"))
			c = true;
		else if (!strcmp(w->v[i], "-o"))
			object = no_dot_slash(w->v[i + 1]);
		if (!storable(w->v[i]))
			return 0;
	}
	if (!c || !object || !source || !storable(source) || !storable(object))
		return 0;
	u = new_unit(ps);
	if (!u)
		return -ENOMEM;
	u->source = strdup(source);
	u->object = strdup(object);
	if (!u->source || !u->object)
		return -ENOMEM;
	for (size_t i = 0; i + 1 < w->n; i++) {
		int r;

		if (!strcmp(w->v[i], "-DMODULE"))
			u->kind = SUT_UNIT_MODULE;
		if (!strcmp(w->v[i], "-o")) {
			i++;
			continue;
		}
		/* the first word is the compiler, whatever it is called */
		if (i && (!strcmp(w->v[i], "-c") || unwanted(w->v[i])))
			continue;
		r = sut_strv_add(&u->cc, w->v[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

/* "objtool … x.o", right behind its compiler */
static int see_objtool(struct parser *ps, const struct sut_strv *w)
{
	struct sut_kbuild_unit *u = ps->k->n ? &ps->k->units[ps->k->n - 1] : NULL;

	if (!u || u->objtool.n || w->n < 2 || strcmp(no_dot_slash(w->v[w->n - 1]), u->object))
		return 0;
	for (size_t i = 0; i + 1 < w->n; i++) {
		int r = storable(w->v[i]) ? sut_strv_add(&u->objtool, w->v[i]) : 0;

		if (r < 0)
			return r;
	}
	return 0;
}

static bool is_vmlinux_lib(const char *archive)
{
	return !strcmp(archive, "lib/lib.a") || !fnmatch("arch/*/lib/lib.a", archive, FNM_PATHNAME);
}

/*
 * The objects vmlinux consists of are those of the built-in.a archives,
 * `printf "dir/%s " a.o b.o | xargs ar cDPrST dir/built-in.a`, and of two
 * libraries, `ar cDPrsT lib/lib.a lib/a.o …`.
 */
static int see_ar(struct parser *ps, const struct sut_strv *w)
{
	size_t at = strcmp(w->v[0], "xargs") ? 2 : 3;
	const char *archive;
	int r = 0;

	if (w->n <= at)
		return 0;
	archive = no_dot_slash(w->v[at]);
	if (strcmp(base_name(archive), "built-in.a") && !is_vmlinux_lib(archive))
		return 0;
	for (size_t i = at + 1; i < w->n && r == 0; i++)
		r = sut_strv_add(&ps->linked, no_dot_slash(w->v[i]));
	if (at == 2 || ps->printf_words.n < 2)
		return r;
	for (size_t i = 2; i < ps->printf_words.n && r == 0; i++) {
		const char *fmt = ps->printf_words.v[1];

		r = sut_strv_addf(&ps->linked, "%.*s%s", (int)(strlen(fmt) - strlen("%s ")),
				  no_dot_slash(fmt), ps->printf_words.v[i]);
	}
	return r;
}

static int see_command(struct parser *ps, struct sut_strv *w)
{
	const char *name = base_name(w->v[0]);

	if (!strcmp(name, "printf") && w->n > 2 && sut_endswith(w->v[1], "%s ")) {
		struct sut_strv old = ps->printf_words;

		ps->printf_words = *w;
		*w = old;
		return 0;
	}
	if (!strcmp(name, "objtool"))
		return see_objtool(ps, w);
	if (strstr(name, "gcc") || strstr(name, "clang"))
		return see_compiler(ps, w);
	if (!strcmp(name, "xargs") || sut_endswith(name, "ar"))
		return see_ar(ps, w);
	return 0;
}

/* One recipe line of make's output. */
static int see_line(struct parser *ps, const char *p, const char *end)
{
	for (;;) {
		_cleanup_strv_ struct sut_strv w = {0};
		int r = sut_shell_next(&p, end, &w);

		if (r == -EBADMSG || r == -E2BIG)
			return 0;
		if (r <= 0)
			return r;
		r = see_command(ps, &w);
		if (r < 0)
			return r;
	}
}

static int cmp_str(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int cmp_unit(const void *a, const void *b)
{
	const struct sut_kbuild_unit *x = a, *y = b;
	int r = strcmp(x->source, y->source);

	if (!r)
		r = (int)x->kind - (int)y->kind;
	return r ? r : strcmp(x->object, y->object);
}

/* Tells built-in units apart, sorts, and keeps one unit per source. */
static void settle(struct parser *ps)
{
	struct sut_kbuild *k = ps->k;
	size_t n = 0;

	if (ps->linked.n)
		qsort(ps->linked.v, ps->linked.n, sizeof(*ps->linked.v), cmp_str);
	for (size_t i = 0; i < k->n; i++) {
		struct sut_kbuild_unit *u = &k->units[i];

		if (u->kind == SUT_UNIT_OTHER && ps->linked.n &&
		    bsearch(&u->object, ps->linked.v, ps->linked.n, sizeof(*ps->linked.v), cmp_str))
			u->kind = SUT_UNIT_BUILT_IN;
	}
	if (k->n)
		qsort(k->units, k->n, sizeof(*k->units), cmp_unit);
	for (size_t i = 0; i < k->n; i++) {
		if (n && !strcmp(k->units[n - 1].source, k->units[i].source))
			sut_kbuild_unit_release(&k->units[i]);
		else
			k->units[n++] = k->units[i];
	}
	k->n = n;
}

int sut_kbuild_parse(const char *text, size_t len, const char *src_dir, struct sut_kbuild **ret,
		     struct sut_err *err)
{
	_cleanup_(sut_kbuild_freep) struct sut_kbuild *k = calloc(1, sizeof(*k));
	struct parser ps = {.src_dir = src_dir, .k = k};
	const char *p = text, *end = text + len;
	int r = k ? 0 : -ENOMEM;

	while (r == 0 && p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		const char *e = nl ? nl : end;

		/* a recipe line goes on after a backslash at its end */
		while (e < end && e > p && e[-1] == '\\') {
			nl = memchr(e + 1, '\n', (size_t)(end - e - 1));
			e = nl ? nl : end;
		}
		if (memmem(p, (size_t)(e - p), " -o ", 4) || memmem(p, (size_t)(e - p), "ar c", 4))
			r = see_line(&ps, p, e);
		p = e + 1;
	}
	if (r == 0)
		settle(&ps);
	sut_strv_release(&ps.linked);
	sut_strv_release(&ps.printf_words);
	if (r < 0)
		return sut_err_oom(err);
	*ret = sut_steal(k);
	return 0;
}

static int add_words(struct sut_buf *out, const struct sut_strv *l)
{
	for (size_t i = 0; i < l->n; i++) {
		int r = sut_buf_addf(out, "\t%s", l->v[i]);

		if (r < 0)
			return r;
	}
	return 0;
}

int sut_kbuild_format(const struct sut_kbuild *k, struct sut_buf *out)
{
	for (size_t i = 0; i < k->n; i++) {
		const struct sut_kbuild_unit *u = &k->units[i];
		int r = sut_buf_addf(out, "%s\t%s\t%s", kind_names[u->kind], u->source, u->object);

		if (r == 0 && u->kind == SUT_UNIT_BUILT_IN) {
			r = add_words(out, &u->cc);
			if (r == 0)
				r = sut_buf_addf(out, "\t%s", divider);
			if (r == 0)
				r = add_words(out, &u->objtool);
		}
		if (r == 0)
			r = sut_buf_addstr(out, "\n");
		if (r < 0)
			return r;
	}
	return 0;
}

/* The next tab-separated word of a line; false at its end. */
static bool next_word(const char **p, const char *end, const char **ret, size_t *ret_len)
{
	const char *t;

	if (*p >= end)
		return false;
	t = memchr(*p, '\t', (size_t)(end - *p));
	*ret = *p;
	*ret_len = (size_t)((t ? t : end) - *p);
	*p = t ? t + 1 : end;
	return true;
}

static bool word_is(const char *w, size_t len, const char *s)
{
	return strlen(s) == len && !memcmp(w, s, len);
}

static int read_unit(const char *p, const char *end, struct sut_kbuild_unit *u)
{
	struct sut_strv *to = &u->cc;
	const char *w;
	size_t n;

	u->kind = SUT_ARRAY_SIZE(kind_names);
	if (!next_word(&p, end, &w, &n))
		return -EBADMSG;
	for (size_t i = 0; i < SUT_ARRAY_SIZE(kind_names); i++)
		if (word_is(w, n, kind_names[i]))
			u->kind = (enum sut_unit_kind)i;
	if (u->kind == SUT_ARRAY_SIZE(kind_names) || !next_word(&p, end, &w, &n))
		return -EBADMSG;
	u->source = strndup(w, n);
	if (!next_word(&p, end, &w, &n))
		return -EBADMSG;
	u->object = strndup(w, n);
	if (!u->source || !u->object)
		return -ENOMEM;
	while (next_word(&p, end, &w, &n)) {
		int r = 0;

		if (to == &u->cc && word_is(w, n, divider))
			to = &u->objtool;
		else
			r = sut_strv_addf(to, "%.*s", (int)n, w);
		if (r < 0)
			return r;
	}
	return u->kind == SUT_UNIT_BUILT_IN && (!u->cc.n || to == &u->cc) ? -EBADMSG : 0;
}

int sut_kbuild_find(const char *text, size_t len, const char *source, struct sut_kbuild_unit *ret)
{
	const char *end = text + len;

	for (const char *p = text, *e; p < end; p = e + 1) {
		_cleanup_(sut_kbuild_unit_release) struct sut_kbuild_unit u = {0};
		const char *q = p, *w;
		size_t n;
		int r;

		e = memchr(p, '\n', (size_t)(end - p));
		if (!e)
			return -EBADMSG; /* cut off */
		if (!next_word(&q, e, &w, &n))
			return -EBADMSG;
		if (!next_word(&q, e, &w, &n))
			return -EBADMSG;
		if (!word_is(w, n, source))
			continue;
		r = read_unit(p, e, &u);
		if (r < 0)
			return r;
		*ret = u;
		u = (struct sut_kbuild_unit){0};
		return 1;
	}
	return 0;
}

int sut_kbuild_sources(const char *text, size_t len, enum sut_unit_kind kind, struct sut_strv *ret)
{
	const char *end = text + len;

	for (const char *p = text, *e; p < end; p = e + 1) {
		const char *q = p, *w;
		bool wanted;
		size_t n;
		int r;

		e = memchr(p, '\n', (size_t)(end - p));
		if (!e || !next_word(&q, e, &w, &n))
			return -EBADMSG;
		wanted = word_is(w, n, kind_names[kind]);
		if (!next_word(&q, e, &w, &n))
			return -EBADMSG;
		if (!wanted)
			continue;
		r = sut_strv_addf(ret, "%.*s", (int)n, w);
		if (r < 0)
			return r;
	}
	return 0;
}

void sut_kbuild_unit_release(struct sut_kbuild_unit *u)
{
	free(u->source);
	free(u->object);
	sut_strv_release(&u->cc);
	sut_strv_release(&u->objtool);
	*u = (struct sut_kbuild_unit){0};
}

void sut_kbuild_free(struct sut_kbuild *k)
{
	if (!k)
		return;
	for (size_t i = 0; i < k->n; i++)
		sut_kbuild_unit_release(&k->units[i]);
	free(k->units);
	free(k);
}

void sut_kbuild_freep(struct sut_kbuild **k)
{
	sut_kbuild_free(*k);
}
