// SPDX-License-Identifier: Apache-2.0
#include "conflict.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"

void sut_conflicts_release(struct sut_conflicts *c)
{
	free(c->v);
	c->v = NULL;
	c->n = 0;
}

size_t sut_conflicts_fatal(const struct sut_conflicts *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++)
		n += c->v[i].fatal;
	return n;
}

static int add(struct sut_conflicts *c, struct sut_err *err, const char *kind, bool fatal,
	       const char *function, const char *fmt, ...) _printf_(6, 7);

static int add(struct sut_conflicts *c, struct sut_err *err, const char *kind, bool fatal,
	       const char *function, const char *fmt, ...)
{
	struct sut_conflict *v;
	va_list ap;

	if (c->n >= SUT_CONFLICTS_MAX)
		return 0;
	v = realloc(c->v, (c->n + 1) * sizeof(*v));
	if (!v)
		return sut_err_oom(err);
	c->v = v;
	v = &c->v[c->n++];
	*v = (struct sut_conflict){.kind = kind, .fatal = fatal};
	snprintf(v->function, sizeof(v->function), "%s", function);
	va_start(ap, fmt);
	vsnprintf(v->what, sizeof(v->what), fmt, ap);
	va_end(ap);
	/* Names of others' events and modules go to a terminal. */
	for (char *p = v->what; *p; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
	return 0;
}

/* ------------------------------------------------------------------ */
/* kprobes                                                             */

struct probe {
	char event[128]; /* "group/name" when it is an event, else "" */
	char symbol[SUTURE_NAME_MAX];
	uint32_t offset;
	bool ret;    /* at the return of the function: sits at its entry */
	bool ftrace; /* known to use the fentry slot */
};

/* The next word of a line; *p moves behind it. False at the end of the line. */
static bool word(const char **p, char *ret, size_t len)
{
	const char *s = *p + strspn(*p, " \t");
	size_t n = strcspn(s, " \t\n");

	if (n == 0)
		return false;
	snprintf(ret, len, "%.*s", n < len ? (int)n : (int)len - 1, s);
	*p = s + n;
	return true;
}

/* "symbol+0x12", "symbol+18", "symbol", each perhaps with "%return". False for an
 * address and for a symbol of a module. */
static bool split_symbol(char *s, struct probe *p)
{
	char *plus, *end;

	s[strcspn(s, "%")] = 0;
	plus = strchr(s, '+');
	if (strchr(s, ':') || sut_startswith(s, "0x") || !*s || plus == s)
		return false;
	if (plus) {
		unsigned long long off;

		*plus++ = 0;
		errno = 0;
		off = strtoull(plus, &end, 0);
		if (errno || end == plus || *end || off > UINT32_MAX)
			return false;
		p->offset = (uint32_t)off;
	}
	if (strlen(s) >= sizeof(p->symbol))
		return false;
	snprintf(p->symbol, sizeof(p->symbol), "%s", s);
	return true;
}

/* "ffffffff8120a3c0  k  vfs_read+0x0  [module] [DISABLED][FTRACE]" (kernel/kprobes.c,
 * report_probe). */
static bool parse_list_line(const char *line, struct probe *ret)
{
	struct probe p = {0};
	char w[256];

	if (!word(&line, w, sizeof(w))) /* the address */
		return false;
	if (!word(&line, w, sizeof(w)))
		return false;
	p.ret = w[0] == 'r';
	if (!word(&line, w, sizeof(w)) || !split_symbol(w, &p))
		return false;
	while (word(&line, w, sizeof(w))) {
		if (w[0] != '[')
			return false; /* the name of a module: not in vmlinux */
		p.ftrace |= strstr(w, "[FTRACE]") != NULL;
	}
	*ret = p;
	return true;
}

/* "p:group/name symbol+12 arg=%di" (Documentation/trace/kprobetrace). */
static bool parse_events_line(const char *line, struct probe *ret)
{
	struct probe p = {0};
	char w[256], *colon;

	if (!word(&line, w, sizeof(w)) || (w[0] != 'p' && w[0] != 'r'))
		return false;
	p.ret = w[0] == 'r';
	colon = strchr(w, ':');
	if (colon)
		snprintf(p.event, sizeof(p.event), "%s", colon + 1);
	if (!word(&line, w, sizeof(w)) || !split_symbol(w, &p))
		return false;
	*ret = p;
	return true;
}

/* At the fentry slot (which may follow an endbr64): the kernel puts the probe on
 * ftrace, and the code we compare and jump from stays as it is. */
static bool at_slot(const struct sut_expect_func *f, const struct probe *p)
{
	bool slot = f->mask[0] == SUTURE_MASK_IGNORE ||
		    (f->size > 4 && f->mask[4] == SUTURE_MASK_IGNORE);

	return p->ftrace || (slot && (p->offset == 0 || p->offset == 4));
}

/* The list repeats the probes that events made. */
static bool is_known(const struct sut_conflicts *c, const char *func, uint32_t offset)
{
	for (size_t i = 0; i < c->n; i++)
		if (sut_streq(c->v[i].kind, "kprobe") && sut_streq(c->v[i].function, func) &&
		    c->v[i].offset == offset)
			return true;
	return false;
}

static int judge(const struct probe *p, const struct sut_expect_table *t, struct sut_conflicts *c,
		 struct sut_err *err)
{
	for (uint32_t i = 0; i < t->nfuncs; i++) {
		struct sut_expect_func f = sut_expect_at(t, i);
		const char *event = *p->event ? p->event : "a kprobe";
		bool replaced = f.flags & SUTURE_EXPECT_REPLACE;
		size_t n;
		int r;

		if (!sut_streq(f.name, p->symbol) || p->offset >= f.size ||
		    is_known(c, f.name, p->offset))
			continue;
		n = c->n;
		if (at_slot(&f, p))
			r = add(c, err, "kprobe", false, f.name,
				"%s is at the %s of %s and keeps working", event,
				p->ret ? "return" : "entry", f.name);
		else
			r = add(c, err, "kprobe", true, f.name,
				"%s is at %s+0x%x, inside code that "
				"%s",
				event, f.name, p->offset,
				replaced ? "the patch replaces" : "must be as it was built");
		if (r < 0)
			return r;
		if (c->n > n)
			c->v[n].offset = p->offset;
	}
	return 0;
}

static int scan_probes(const char *text, bool (*parse)(const char *line, struct probe *ret),
		       const struct sut_expect_table *t, struct sut_conflicts *c,
		       struct sut_err *err)
{
	for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		struct probe p;
		int r;

		if (!parse(line, &p))
			continue;
		r = judge(&p, t, c, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int sut_conflict_kprobe_list(const char *text, const struct sut_expect_table *t,
			     struct sut_conflicts *c, struct sut_err *err)
{
	return scan_probes(text, parse_list_line, t, c, err);
}

int sut_conflict_kprobe_events(const char *text, const struct sut_expect_table *t,
			       struct sut_conflicts *c, struct sut_err *err)
{
	return scan_probes(text, parse_events_line, t, c, err);
}

static bool find_probe(const char *text, bool (*parse)(const char *line, struct probe *ret),
		       const char *func, uint32_t offset, struct probe *ret)
{
	for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n')
		if (parse(line, ret) && sut_streq(ret->symbol, func) && ret->offset == offset)
			return true;
	return false;
}

bool sut_conflict_name_probe(const char *list, const char *events, const char *func,
			     uint32_t offset, char *ret, size_t len)
{
	struct probe p;

	if (find_probe(events, parse_events_line, func, offset, &p)) {
		snprintf(ret, len, "the kprobe event %s", p.event);
		return true;
	}
	if (find_probe(list, parse_list_line, func, offset, &p)) {
		snprintf(ret, len, "a kprobe (listed at %s+0x%x)", p.symbol, p.offset);
		return true;
	}
	return false;
}

/* ------------------------------------------------------------------ */
/* other patchers                                                      */

static const struct {
	const char *prefix;
	bool whole; /* the whole name, not a prefix */
	bool fatal;
	const char *what;
} patchers[] = {
	{"kcare", false, true, "KernelCare changes kernel code without a record of where"},
	{"ksplice", false, true, "Ksplice changes kernel code without a record of where"},
	{"lkrg", true, true, "LKRG would take the switch for an attack"},
	{"p_lkrg", true, true, "LKRG would take the switch for an attack"},
	{"kpatch", true, false, "the old kpatch core may redirect functions through ftrace"},
};

int sut_conflict_modules(const char *text, struct sut_conflicts *c, struct sut_err *err)
{
	for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		const char *p = line;
		char name[64];

		if (!word(&p, name, sizeof(name)))
			continue;
		for (size_t i = 0; i < SUT_ARRAY_SIZE(patchers); i++) {
			int r;

			if (patchers[i].whole ? !sut_streq(name, patchers[i].prefix)
					      : !sut_startswith(name, patchers[i].prefix))
				continue;
			r = add(c, err, "module", patchers[i].fatal, "",
				"the module %s is loaded: %s", name, patchers[i].what);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

/* One folder "FUNCTION,N" of a livepatch. */
static int judge_livepatched(const char *patch, const char *entry, const struct sut_expect_table *t,
			     struct sut_conflicts *c, struct sut_err *err)
{
	size_t n = strcspn(entry, ",");

	if (entry[n] != ',')
		return 0;
	for (uint32_t i = 0; i < t->nfuncs; i++) {
		struct sut_expect_func f = sut_expect_at(t, i);
		int r;

		if (strlen(f.name) != n || memcmp(f.name, entry, n) != 0)
			continue;
		r = add(c, err, "livepatch", f.flags & SUTURE_EXPECT_REPLACE, f.name,
			"the kernel livepatch %s replaces %s", patch, f.name);
		if (r < 0)
			return r;
	}
	return 0;
}

int sut_conflict_livepatch(const char *root, const struct sut_expect_table *t,
			   struct sut_conflicts *c, struct sut_err *err)
{
	_cleanup_(sut_freep) char *top = sut_sprintf("%s/sys/kernel/livepatch", root);
	_cleanup_(sut_closedirp) DIR *d = NULL;
	const struct dirent *e;

	if (!top)
		return sut_err_oom(err);
	d = opendir(top);
	if (!d)
		return errno == ENOENT ? 0 : sut_err_errno(err, "cannot list %s", top);
	while ((e = readdir(d))) {
		_cleanup_(sut_freep) char *dir = sut_sprintf("%s/%s/vmlinux", top, e->d_name);
		_cleanup_(sut_closedirp) DIR *functions = NULL;
		const struct dirent *f;

		if (!dir)
			return sut_err_oom(err);
		functions = e->d_name[0] == '.' ? NULL : opendir(dir);
		while (functions && (f = readdir(functions))) {
			int r = judge_livepatched(e->d_name, f->d_name, t, c, err);

			if (r < 0)
				return r;
		}
	}
	return 0;
}

/* ------------------------------------------------------------------ */

/* The first of the files that can be read; *b stays empty without one. */
static bool read_first(const char *root, const char *const *paths, struct sut_buf *b)
{
	for (; *paths; paths++) {
		_cleanup_(sut_freep) char *path = sut_sprintf("%s%s", root, *paths);

		if (path && sut_file_read(path, b, NULL) == 0)
			return true;
		sut_buf_release(b);
	}
	return false;
}

static const char *const list_paths[] = {"/sys/kernel/debug/kprobes/list", NULL};
static const char *const events_paths[] = {"/sys/kernel/tracing/kprobe_events",
					   "/sys/kernel/debug/tracing/kprobe_events", NULL};
static const char *const modules_paths[] = {"/proc/modules", NULL};

int sut_conflict_scan(const char *root, const struct sut_expect_table *t, struct sut_conflicts *c,
		      struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf events = SUT_BUF_INIT(SUT_CONFLICT_TEXT_MAX);
	_cleanup_buf_ struct sut_buf list = SUT_BUF_INIT(SUT_CONFLICT_TEXT_MAX);
	_cleanup_buf_ struct sut_buf modules = SUT_BUF_INIT(SUT_CONFLICT_TEXT_MAX);
	bool seen = false;
	int r = sut_conflict_livepatch(root, t, c, err);

	if (r < 0)
		return r;
	/* The events have names; the list also has the probes that modules set. */
	if (read_first(root, events_paths, &events)) {
		seen = true;
		r = sut_conflict_kprobe_events(sut_buf_str(&events), t, c, err);
	}
	if (r == 0 && read_first(root, list_paths, &list)) {
		seen = true;
		r = sut_conflict_kprobe_list(sut_buf_str(&list), t, c, err);
	}
	if (r == 0 && !seen)
		r = add(c, err, "unknown", false, "",
			"kprobes cannot be listed here (neither debugfs nor tracefs is mounted)");
	if (r == 0 && read_first(root, modules_paths, &modules))
		r = sut_conflict_modules(sut_buf_str(&modules), c, err);
	return r;
}

bool sut_conflict_who_probes(const char *root, const char *func, uint32_t offset, char *ret,
			     size_t len)
{
	_cleanup_buf_ struct sut_buf list = SUT_BUF_INIT(SUT_CONFLICT_TEXT_MAX);
	_cleanup_buf_ struct sut_buf events = SUT_BUF_INIT(SUT_CONFLICT_TEXT_MAX);

	read_first(root, list_paths, &list);
	read_first(root, events_paths, &events);
	return sut_conflict_name_probe(sut_buf_str(&list), sut_buf_str(&events), func, offset, ret,
				       len);
}
