// SPDX-License-Identifier: Apache-2.0
#include "suture-apply/library/faults.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/utf8.h"

enum { LINE_MAX_LOOKED = 1024 }; /* the kernel's are shorter */

struct span {
	const char *s;
	size_t len;
};

/* One message, taken apart. */
struct fault {
	struct span comm;
	int64_t pid;
	struct span file; /* where it was; len 0: in no file */
};

/* What stands behind "NAME[PID]" in the messages of faults; "trap " is followed by which. */
static const char *const kinds[] = {
	"segfault at ", "bad frame in ", "general protection", "trap ", "invalid opcode",
};

static struct span skip(struct span l, size_t n)
{
	return (struct span){l.s + n, l.len - n};
}

static bool begins(struct span l, const char *w)
{
	size_t n = strlen(w);

	return l.len >= n && memcmp(l.s, w, n) == 0;
}

static struct span trim(struct span l)
{
	while (l.len && (l.s[0] == ' ' || l.s[0] == '\t'))
		l = skip(l, 1);
	return l;
}

/* "<4>", "[    1.234567]" and "[ T12]" before the text are left out. */
static struct span message(struct span l)
{
	for (;;) {
		char close = l.len && l.s[0] == '<' ? '>' : ']';
		const char *end;

		if (l.len < 2 || (l.s[0] != '<' && l.s[0] != '['))
			return trim(l);
		end = memchr(l.s, close, l.len < 24 ? l.len : 24);
		if (!end)
			return trim(l);
		l = trim(skip(l, (size_t)(end - l.s) + 1));
	}
}

/* "[123]" and ":" or " " behind it; the name of a process may hold anything, so it is looked for from behind. */
static bool take_process(struct span l, size_t kind_at, struct fault *f)
{
	size_t end = kind_at;
	int64_t pid = 0, scale = 1;

	while (end && (l.s[end - 1] == ' ' || l.s[end - 1] == ':'))
		end--;
	if (!end || l.s[end - 1] != ']')
		return false;
	for (end--; end && l.s[end - 1] >= '0' && l.s[end - 1] <= '9'; end--) {
		if (scale > 1000000000)
			return false;
		pid += (l.s[end - 1] - '0') * scale;
		scale *= 10;
	}
	if (scale == 1 || !end || l.s[end - 1] != '[')
		return false;
	*f = (struct fault){.comm = {l.s, end - 1}, .pid = pid};
	return true;
}

/* " in libcrypto.so.3[7f…+2a0000]": the last one, because the name of a process may look like it. */
static struct span find_file(struct span l)
{
	struct span none = {l.s, 0}, found = none;

	for (size_t i = 0; i + 4 < l.len; i++) {
		struct span name = {l.s + i + 4, 0};
		const char *open;

		if (memcmp(l.s + i, " in ", 4) != 0)
			continue;
		open = memchr(name.s, '[', l.len - i - 4);
		if (!open)
			break;
		name.len = (size_t)(open - name.s);
		found = name;
	}
	return found;
}

static bool parse(struct span l, struct fault *f)
{
	if (begins(l, "traps: "))
		l = skip(l, 7);
	for (size_t at = 0; at < l.len; at++)
		for (size_t i = 0; i < SUT_ARRAY_SIZE(kinds); i++)
			if (begins(skip(l, at), kinds[i]) && take_process(l, at, f)) {
				f->file = find_file(skip(l, at));
				return true;
			}
	return false;
}

static bool same(struct span a, const char *b)
{
	return a.len == strlen(b) && memcmp(a.s, b, a.len) == 0;
}

static bool is_patched(const struct fault *f, const struct faults_of *of)
{
	for (size_t i = 0; i < of->npids; i++)
		if (of->pids[i] == f->pid)
			return true;
	for (size_t i = 0; i < of->ncomms; i++)
		if (same(f->comm, of->comms[i]))
			return true;
	return false;
}

static bool is_there(const struct fault *f, const struct faults_of *of)
{
	if (!f->file.len)
		return true;
	for (size_t i = 0; i < SUT_ARRAY_SIZE(of->files); i++) {
		size_t n = of->files[i] ? strlen(of->files[i]) : 0;

		/* A deleted file is told with " (deleted)" behind it. */
		if (n && f->file.len >= n && memcmp(f->file.s, of->files[i], n) == 0 &&
		    (f->file.len == n || f->file.s[n] == ' '))
			return true;
	}
	return false;
}

void faults_scan(const char *text, size_t len, const struct faults_of *of, struct faults *ret)
{
	struct span rest = {text, len};

	*ret = (struct faults){0};
	while (rest.len) {
		const char *newline = memchr(rest.s, '\n', rest.len);
		size_t n = newline ? (size_t)(newline - rest.s) : rest.len;
		struct span l = message((struct span){rest.s, n});
		struct fault f;

		rest = skip(rest, newline ? n + 1 : n);
		l.len = l.len > LINE_MAX_LOOKED ? LINE_MAX_LOOKED : l.len;
		if (!parse(l, &f) || !is_patched(&f, of))
			continue;
		if (!is_there(&f, of)) {
			ret->others++;
			continue;
		}
		if (!ret->fatal) {
			snprintf(ret->text, sizeof(ret->text), "%.*s",
				 (int)(l.len < FAULTS_TEXT_MAX - 1 ? l.len : FAULTS_TEXT_MAX - 1),
				 l.s);
			sut_make_printable(ret->text, "");
		}
		ret->fatal = true;
	}
}
