// SPDX-License-Identifier: Apache-2.0
#include "changelog.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <zlib.h>

#include "base/buf.h"
#include "entry.h"
#include "item.h"

enum {
	ITEM_MAX = 64 << 10, /* bytes of one item */
	REVERTS_MAX = 100000,
};

/* Something an item says. age grows towards newer: later versions, and later items of one version. */
struct said {
	uint64_t age;
	char *title; /* owned */
};

struct fix {
	struct said said;
	char cve[SUT_CVE_ID_MAX];
	size_t version;
	char *subject; /* owned */
};

struct parser {
	struct sut_changelog *out;
	struct fix *fixes;
	size_t nfixes, fixes_cap;
	struct said *reverts;
	size_t nreverts, reverts_cap;
	size_t versions_cap;
	struct sut_buf item;
	uint32_t nitems; /* of this version */
	bool in_entry;
	size_t lineno;
	struct sut_err *err;
};

void sut_changelog_free(struct sut_changelog *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->nversions; i++)
		free(c->versions[i].version);
	for (size_t i = 0; i < c->nfixes; i++)
		free(c->fixes[i].subject);
	free(c->versions);
	free(c->fixes);
	free(c->source);
	free(c);
}

void sut_changelog_freep(struct sut_changelog **c)
{
	sut_changelog_free(*c);
}

static void parser_release(struct parser *p)
{
	for (size_t i = 0; i < p->nfixes; i++) {
		free(p->fixes[i].said.title);
		free(p->fixes[i].subject);
	}
	for (size_t i = 0; i < p->nreverts; i++)
		free(p->reverts[i].title);
	free(p->fixes);
	free(p->reverts);
	sut_buf_release(&p->item);
	sut_changelog_free(p->out);
}

static int bad(struct parser *p, const char *what)
{
	return sut_err_reason(p->err, EBADMSG, "changelog",
			      "line %zu of the changelog %s: give it as the package has it, whole",
			      p->lineno, what);
}

/* Room for one more of size bytes; 0 or -ENOMEM. */
static int grow(void *array, size_t n, size_t *cap, size_t size)
{
	void **a = array, *more;
	size_t want = *cap ? *cap * 2 : 64;

	if (n < *cap)
		return 0;
	more = reallocarray(*a, want, size);
	if (!more)
		return -ENOMEM;
	*a = more;
	*cap = want;
	return 0;
}

/* Versions count up while the file goes back in time, so the newest has the largest age. */
static uint64_t age_of(const struct parser *p)
{
	return ((uint64_t)(SUT_CHANGELOG_VERSIONS_MAX - p->out->nversions) << 32) | p->nitems;
}

static int add_revert(struct parser *p, char *title)
{
	if (p->nreverts == REVERTS_MAX) {
		free(title);
		return sut_err_reason(p->err, EBADMSG, "changelog",
				      "the changelog takes back more than %d changes", REVERTS_MAX);
	}
	if (grow(&p->reverts, p->nreverts, &p->reverts_cap, sizeof(*p->reverts)) < 0) {
		free(title);
		return sut_err_oom(p->err);
	}
	p->reverts[p->nreverts++] = (struct said){.age = age_of(p), .title = title};
	return 0;
}

static int add_fix(struct parser *p, const char *item, const char *cve)
{
	struct fix f = {.said.age = age_of(p), .version = p->out->nversions - 1};

	if (p->nfixes == SUT_CHANGELOG_FIXES_MAX)
		return sut_err_reason(p->err, EBADMSG, "changelog",
				      "the changelog names CVEs more than %d times",
				      SUT_CHANGELOG_FIXES_MAX);
	if (grow(&p->fixes, p->nfixes, &p->fixes_cap, sizeof(*p->fixes)) < 0)
		return sut_err_oom(p->err);
	memcpy(f.cve, cve, sizeof(f.cve));
	f.subject = sut_item_subject(item);
	f.said.title = sut_item_title(item);
	p->fixes[p->nfixes++] = f;
	return f.subject && f.said.title ? 0 : sut_err_oom(p->err);
}

/* The entry is another package's, made from this version of the source: it counts as that. */
static void rename_entry(struct parser *p, char *source, char *version)
{
	size_t last = p->out->nversions - 1;

	free(p->out->versions[last].version);
	p->out->versions[last].version = version;
	if (last == 0) {
		free(p->out->source);
		p->out->source = source;
	} else {
		free(source);
	}
}

static int end_item(struct parser *p)
{
	const char *item = sut_buf_str(&p->item);
	char cve[SUT_CVE_ID_MAX] = "", *a = NULL, *b = NULL;
	size_t at = 0;
	int r = 0;

	if (p->item.len == 0)
		return 0;
	p->nitems++;
	if (sut_item_next_cve(item, &at, cve))
		do
			r = add_fix(p, item, cve);
		while (r == 0 && sut_item_next_cve(item, &at, cve));
	if (r == 0) {
		r = sut_item_reverts(item, &a);
		if (r == 1)
			r = add_revert(p, a);
		else if (r < 0)
			r = sut_err_oom(p->err);
	}
	if (r == 0) {
		r = sut_item_signs(item, &a, &b);
		if (r == 1)
			rename_entry(p, a, b);
		r = r < 0 ? sut_err_oom(p->err) : 0;
	}
	p->item.len = 0;
	if (p->item.data)
		p->item.data[0] = 0;
	return r;
}

static int take_head(struct parser *p, const struct head *h)
{
	struct sut_changelog *c = p->out;
	_cleanup_(sut_freep) char *version = NULL;

	if (p->in_entry)
		return bad(p, "begins an entry though the one before has no \" -- \" line");
	if (c->nversions == SUT_CHANGELOG_VERSIONS_MAX)
		return sut_err_reason(p->err, EBADMSG, "changelog",
				      "the changelog has more than %d versions",
				      SUT_CHANGELOG_VERSIONS_MAX);
	version = strndup(h->version.s, h->version.len);
	if (!version ||
	    grow(&c->versions, c->nversions, &p->versions_cap, sizeof(*c->versions)) < 0)
		return sut_err_oom(p->err);
	if (!sut_debversion_ok(version))
		return bad(p, "names a version that is none (deb-version(7))");
	if (!c->source) {
		c->source = strndup(h->source.s, h->source.len);
		if (!c->source)
			return sut_err_oom(p->err);
	}
	c->versions[c->nversions].version = sut_steal(version);
	c->versions[c->nversions++].released = 0;
	p->in_entry = true;
	p->nitems = 0;
	return 0;
}

static int take_text(struct parser *p, struct line l)
{
	bool bullet;
	int r = 0;

	if (!p->in_entry)
		return p->out->nversions ? 0 : bad(p, "stands before the first entry");
	while (l.len && (l.s[0] == ' ' || l.s[0] == '\t')) {
		l.s++;
		l.len--;
	}
	while (l.len && strchr(" \t\r", l.s[l.len - 1]))
		l.len--;
	/* Where the items that follow come from */
	if (sut_line_starts(l, "https://") || sut_line_starts(l, "http://"))
		return end_item(p);
	bullet = l.len > 1 && strchr("*-+", l.s[0]) && l.s[1] == ' ';
	if (bullet) {
		r = end_item(p);
		for (l.s++, l.len--; l.len && l.s[0] == ' ';) {
			l.s++;
			l.len--;
		}
	}
	if (r == 0 && p->item.len)
		r = sut_buf_add(&p->item, " ", 1);
	if (r == 0)
		r = sut_buf_add(&p->item, l.s, l.len);
	if (r == -ENOBUFS)
		return bad(p, "is part of an item that is too long");
	return r == -ENOMEM ? sut_err_oom(p->err) : r;
}

static int take_trailer(struct parser *p, struct line l)
{
	int r;

	if (!p->in_entry)
		return bad(p, "ends an entry that did not begin");
	r = end_item(p);
	if (r < 0)
		return r;
	/* Old entries have dates in many forms. What is not known stays 0; only the first has to be good. */
	if (sut_changelog_date(l, &p->out->versions[p->out->nversions - 1].released) < 0 &&
	    p->out->nversions == 1)
		return bad(p, "has no date of the usual form");
	p->in_entry = false;
	return 0;
}

static int take_lines(struct parser *p, const char *s, size_t len)
{
	const char *end = s + len;

	while (s < end) {
		const char *nl = memchr(s, '\n', (size_t)(end - s));
		struct line l = {s, (size_t)((nl ? nl : end) - s)};
		struct head h = {0};
		int r = 0;

		p->lineno++;
		switch (sut_changelog_line(l, &h)) {
		case LINE_HEAD:
			r = take_head(p, &h);
			break;
		case LINE_TEXT:
			r = take_text(p, l);
			break;
		case LINE_TRAILER:
			r = take_trailer(p, l);
			break;
		case LINE_EMPTY:
			r = p->in_entry ? end_item(p) : 0;
			break;
		case LINE_COMMENT:
			break;
		case LINE_OLD:
			if (!p->in_entry && p->out->nversions)
				return 0;
			r = bad(p, "has an old form");
			break;
		case LINE_BAD:
			r = bad(p, "is neither head, item nor end of an entry");
			break;
		}
		if (r < 0)
			return r;
		s = nl ? nl + 1 : end;
	}
	if (p->in_entry)
		return bad(p, "is the last one and the entry has no \" -- \" line");
	if (!p->out->nversions)
		return sut_err_reason(p->err, EBADMSG, "changelog",
				      "this is no Debian changelog: it has no entry");
	return 0;
}

static int by_title(const void *a, const void *b)
{
	const struct said *x = a, *y = b;
	int d = strcmp(x->title, y->title);

	return d ? d : (x->age > y->age) - (x->age < y->age);
}

/* When title was taken back last; 0: never. */
static uint64_t reverted(const struct parser *p, const char *title)
{
	size_t lo = 0, hi = p->nreverts;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (strcmp(p->reverts[mid].title, title) <= 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo && strcmp(p->reverts[lo - 1].title, title) == 0 ? p->reverts[lo - 1].age : 0;
}

/* Was the fix taken back afterwards, and that not taken back itself? */
static int is_undone(struct parser *p, const struct fix *f, bool *ret)
{
	uint64_t undone = reverted(p, f->said.title);
	_cleanup_buf_ struct sut_buf again = SUT_BUF_INIT(2 * ITEM_MAX);

	*ret = undone > f->said.age;
	if (!*ret)
		return 0;
	if (sut_buf_addf(&again, "Revert \"%s\"", f->said.title) < 0)
		return sut_err_oom(p->err);
	*ret = reverted(p, sut_buf_str(&again)) < undone;
	return 0;
}

/* By CVE, and of one CVE the oldest first. */
static int by_cve(const void *a, const void *b)
{
	const struct fix *x = a, *y = b;
	int d = strcmp(x->cve, y->cve);

	return d ? d : (x->said.age > y->said.age) - (x->said.age < y->said.age);
}

static int conclude(struct parser *p)
{
	struct sut_changelog *c = p->out;

	if (p->nreverts)
		qsort(p->reverts, p->nreverts, sizeof(*p->reverts), by_title);
	if (p->nfixes)
		qsort(p->fixes, p->nfixes, sizeof(*p->fixes), by_cve);
	c->fixes = calloc(p->nfixes ? p->nfixes : 1, sizeof(*c->fixes));
	if (!c->fixes)
		return sut_err_oom(p->err);
	for (size_t i = 0; i < p->nfixes; i++) {
		struct fix *f = &p->fixes[i];
		struct sut_changelog_fix *out = &c->fixes[c->nfixes];
		bool undone;
		int r;

		if (c->nfixes && strcmp(out[-1].cve, f->cve) == 0)
			continue;
		r = is_undone(p, f, &undone);
		if (r < 0)
			return r;
		if (undone)
			continue;
		memcpy(out->cve, f->cve, sizeof(out->cve));
		out->version = f->version;
		out->subject = sut_steal(f->subject);
		c->nfixes++;
	}
	return 0;
}

static int unpack(const void *data, size_t len, struct sut_buf *out, struct sut_err *err)
{
	unsigned char chunk[32768];
	z_stream z = {.next_in = (void *)data, .avail_in = (uInt)len};
	int end = Z_OK, r = 0;

	if (inflateInit2(&z, MAX_WBITS + 16) != Z_OK)
		return sut_err_oom(err);
	while (r == 0 && end != Z_STREAM_END) {
		z.next_out = chunk;
		z.avail_out = sizeof(chunk);
		end = inflate(&z, Z_NO_FLUSH);
		if (end == Z_MEM_ERROR)
			r = sut_err_oom(err);
		else if (end != Z_OK && end != Z_STREAM_END)
			r = sut_err_reason(err, EBADMSG, "changelog",
					   "the gzip file is damaged or cut off: send it again");
		else
			r = sut_buf_add(out, chunk, sizeof(chunk) - z.avail_out);
	}
	if (r == 0 && z.avail_in)
		r = sut_err_reason(err, EBADMSG, "changelog",
				   "something follows the gzip file: send the changelog alone");
	inflateEnd(&z);
	if (r == -ENOBUFS)
		r = sut_err_reason(err, EBADMSG, "changelog",
				   "unpacked, the changelog is larger than %d bytes",
				   SUT_CHANGELOG_MAX);
	return r == -ENOMEM ? sut_err_oom(err) : r;
}

int sut_changelog_parse(const void *text, size_t len, struct sut_changelog **ret,
			struct sut_err *err)
{
	_cleanup_(parser_release) struct parser p = {
		.item = SUT_BUF_INIT(ITEM_MAX),
		.err = err,
	};
	_cleanup_buf_ struct sut_buf plain = SUT_BUF_INIT(SUT_CHANGELOG_MAX);
	int r = 0;

	if (len > SUT_CHANGELOG_MAX)
		return sut_err_reason(err, EBADMSG, "changelog",
				      "the changelog is larger than %d bytes", SUT_CHANGELOG_MAX);
	if (len > 1 && memcmp(text, "\x1f\x8b", 2) == 0) {
		r = unpack(text, len, &plain, err);
		text = plain.data;
		len = plain.len;
	}
	if (r == 0 && len && memchr(text, 0, len))
		r = sut_err_reason(err, EBADMSG, "changelog",
				   "this is no Debian changelog: it holds bytes of 0");
	if (r < 0)
		return r;
	if (!len)
		text = "";
	p.out = calloc(1, sizeof(*p.out));
	if (!p.out)
		return sut_err_oom(err);
	r = take_lines(&p, text, len);
	if (r == 0)
		r = conclude(&p);
	if (r < 0)
		return r;
	*ret = sut_steal(p.out);
	return 0;
}
