// SPDX-License-Identifier: Apache-2.0
/*
 * debsecan's reports. Every bug begins a line:
 *   summary, simple:  CVE-2026-1234 bash (fixed, remotely exploitable, high urgency)
 *   detail:           CVE-2026-1234 (fixed, high urgency), then what belongs to it, indented
 *   report:           CVE-2026-1234 What it is about..., then "  - bash, tar (high urgency)", under headlines with ***
 *   bugs:             CVE-2026-1234
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

struct debsecan {
	struct sut_scan *s;
	struct sut_buf line;
	uint64_t lineno;
	struct scan_found f;
	bool host_given;
	bool has_bug;	 /* f waits for what belongs to it */
	bool is_report;	 /* the format with headlines */
	bool is_skipped; /* under a headline of what is no finding */
	struct sut_buf
		list; /* of packages, and their notes, of a report: "bash, tar (high urgency)" */
	size_t nfixes, npackages;
};

static void *create(struct sut_scan *s)
{
	struct debsecan *d = calloc(1, sizeof(*d));

	if (d) {
		d->s = s;
		d->line = SUT_BUF_INIT(SUT_SCAN_TOKEN_MAX);
		d->list = SUT_BUF_INIT(SUT_SCAN_TOKEN_MAX);
		memcpy(scan_summary(s)->tool, "debsecan", sizeof("debsecan"));
	}
	return d;
}

static void destroy(void *ctx)
{
	struct debsecan *d = ctx;

	scan_found_release(&d->f);
	sut_buf_release(&d->line);
	sut_buf_release(&d->list);
	free(d);
}

static int host(struct debsecan *d, struct sut_err *err)
{
	if (d->host_given)
		return 0;
	d->host_given = true;
	return scan_give_default_host(d->s, NULL, err);
}

static int give(struct debsecan *d, struct sut_err *err)
{
	int r = host(d, err);

	d->npackages++;
	return r < 0 ? r : scan_give(d->s, &d->f, err);
}

static void urgency(struct debsecan *d, const char *notes)
{
	static const char *const words[] = {"high", "medium", "low", "unimportant"};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(words); i++) {
		char with[32];

		snprintf(with, sizeof(with), "%s urgency", words[i]);
		if (strstr(notes, with))
			d->f.severity = scan_severity(words[i]);
	}
}

/* Gives the list: the notes come last, and count for all of it. */
static int flush_list(struct debsecan *d, struct sut_err *err)
{
	const char *s = sut_buf_str(&d->list), *notes;
	int r = 0;

	if (!d->list.len)
		return 0;
	notes = strchr(s, '(');
	d->f.severity = SUT_SCAN_SEVERITY_UNKNOWN;
	if (notes)
		urgency(d, notes);
	while (r == 0 && *s && *s != '(') {
		size_t n = strcspn(s, ", (");

		if (n) {
			scan_text(d->f.package, sizeof(d->f.package), s, n);
			r = give(d, err);
		}
		s += n ? n : 1;
	}
	d->list.len = 0;
	return r;
}

/* The bug is over. */
static int flush(struct debsecan *d, struct sut_err *err)
{
	int r = flush_list(d, err);

	if (r == 0 && d->has_bug && d->npackages == 0) {
		if (d->nfixes > 1)
			d->f.fixed[0] = 0; /* which of them is for this branch is not said */
		r = give(d, err);
	}
	d->has_bug = false;
	return r;
}

static bool is_bug(const char *s)
{
	return sut_startswith(s, "CVE-") || sut_startswith(s, "TEMP-");
}

static int bug_line(struct debsecan *d, const char *s, struct sut_err *err)
{
	size_t n = strcspn(s, " ");
	const char *rest = s + n + strspn(s + n, " ");
	size_t package;
	int r = flush(d, err);

	if (r < 0)
		return r;
	scan_found_clear(&d->f);
	d->nfixes = d->npackages = 0;
	scan_text(d->f.id, sizeof(d->f.id), s, n);
	r = scan_found_cve(&d->f, s, n, err);
	if (r < 0)
		return r;
	if (d->is_report || !*rest || *rest == '(') {
		d->has_bug = true;
		if (*rest == '(')
			urgency(d, rest);
		else
			scan_text(d->f.title, sizeof(d->f.title), rest, strlen(rest));
		return 0;
	}
	package = strcspn(rest, " ");
	scan_text(d->f.package, sizeof(d->f.package), rest, package);
	rest += package + strspn(rest + package, " ");
	if (*rest && *rest != '(')
		return scan_bad(err,
				"line %llu: behind the package stands \"%.40s\", not notes in "
				"parentheses: send what debsecan printed, unchanged",
				(unsigned long long)d->lineno, rest);
	urgency(d, rest);
	return give(d, err);
}

/* "name version (…)" */
static void name_version(const char *s, char *name, char *version)
{
	size_t n = strcspn(s, " ");
	const char *v = s + n + strspn(s + n, " ");

	if (name)
		scan_text(name, SUT_SCAN_ID_MAX + 1, s, n);
	scan_text(version, SUT_SCAN_ID_MAX + 1, v, strcspn(v, " "));
}

static int more(struct debsecan *d, const char *s, struct sut_err *err)
{
	size_t indent = strspn(s, " ");
	const char *at = s + indent;

	if (!d->has_bug || d->is_skipped)
		return 0;
	if (d->is_report) {
		int r = 0;

		if (sut_startswith(at, "- ")) {
			r = flush_list(d, err);
			at += 2;
		} else if (!d->list.len || indent < 4) {
			return 0;
		}
		if (r == 0)
			r = sut_buf_addf(&d->list, "%s ", at);
		return r == -ENOMEM ? sut_err_oom(err)
		       : r == -ENOBUFS
			       ? scan_big(err, "line %llu: the list of packages is too long",
					  (unsigned long long)d->lineno)
			       : r;
	}
	if (sut_startswith(at, "installed: ")) {
		name_version(at + strlen("installed: "), d->f.package, d->f.version);
	} else if (sut_startswith(at, "fixed on branch:")) {
		at += strlen("fixed on branch:");
		name_version(at + strspn(at, " "), NULL, d->f.fixed);
		d->nfixes++;
	} else if (indent == 2 && !d->f.title[0] && !sut_startswith(at, "fix")) {
		scan_text(d->f.title, sizeof(d->f.title), at, strlen(at));
	}
	return 0;
}

static int one_line(struct debsecan *d, struct sut_err *err)
{
	const char *s = sut_buf_str(&d->line);
	int r = 0;

	d->lineno++;
	if (memchr(s, 0, d->line.len))
		return scan_bad(err, "line %llu holds a byte of 0: this is no text",
				(unsigned long long)d->lineno);
	if (d->line.len && s[d->line.len - 1] == '\r')
		d->line.data[d->line.len - 1] = 0;
	if (!*s || *s == ' ') {
		r = *s ? more(d, s, err) : 0;
	} else if (sut_startswith(s, "Security report based on") || sut_startswith(s, "*** ")) {
		r = flush(d, err);
		d->is_report = true;
		d->is_skipped = sut_startswith(s, "*** Fixed") || sut_startswith(s, "*** Packages");
	} else if (is_bug(s)) {
		r = d->is_skipped ? 0 : bug_line(d, s, err);
	} else if (!d->is_report && !sut_startswith(s, "No known vulnerabilities")) {
		r = scan_bad(err,
			     "line %llu begins with \"%.40s\", not with a CVE: send what debsecan "
			     "printed, unchanged (its format \"packages\" names no CVE)",
			     (unsigned long long)d->lineno, s);
	}
	d->line.len = 0;
	return r;
}

static int feed(void *ctx, const char *bytes, size_t len, struct sut_err *err)
{
	struct debsecan *d = ctx;

	while (len) {
		const char *nl = memchr(bytes, '\n', len);
		size_t n = nl ? (size_t)(nl - bytes) : len;
		int r = sut_buf_add(&d->line, bytes, n);

		if (r == -ENOBUFS)
			return scan_big(
				err, "line %llu is longer than %d bytes: this is not of debsecan",
				(unsigned long long)d->lineno + 1, SUT_SCAN_TOKEN_MAX);
		if (r < 0)
			return sut_err_oom(err);
		if (nl) {
			r = one_line(d, err);
			if (r < 0)
				return r;
			n++;
		}
		bytes += n;
		len -= n;
	}
	return 0;
}

static int finish(void *ctx, struct sut_err *err)
{
	struct debsecan *d = ctx;
	int r = d->line.len ? one_line(d, err) : 0;

	if (r == 0)
		r = flush(d, err);
	return r < 0 ? r : host(d, err);
}

const struct scan_reader scan_reader_debsecan = {create, feed, finish, destroy};
