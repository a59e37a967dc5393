// SPDX-License-Identifier: Apache-2.0
/* Which format a file has, by its first bytes. */
#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "internal.h"
#include "json/stream.h"

#define READS "OVAL results, ARF, Trivy, Grype, debsecan, Nessus and CSV are read"

struct known {
	const char *name;
	enum sut_scan_format format;
	const char *instead; /* when it is not read: what it is, and what to do */
};

/* Elements at the top of XML */
static const struct known roots[] = {
	{"oval_results", SUT_SCAN_OVAL, NULL},
	{"asset-report-collection", SUT_SCAN_ARF, NULL},
	{"TestResult", SUT_SCAN_ARF, NULL},
	{"Benchmark", SUT_SCAN_ARF, NULL},
	{"NessusClientData_v2", SUT_SCAN_NESSUS, NULL},
	{"oval_definitions", SUT_SCAN_UNKNOWN,
	 "holds OVAL definitions, not results: run oscap oval eval --results FILE with it, and "
	 "import that FILE"},
	{"NessusClientData", SUT_SCAN_UNKNOWN,
	 "is the first version of the Nessus format: export it as version 2"},
	{"data-stream-collection", SUT_SCAN_UNKNOWN,
	 "is what a scan is made with, not its result: run oscap xccdf eval --results-arf FILE "
	 "with it, and import that FILE"},
};

/* Members of JSON objects */
static const struct known members[] = {
	{"SchemaVersion", SUT_SCAN_TRIVY, NULL},
	{"ArtifactName", SUT_SCAN_TRIVY, NULL},
	{"ArtifactType", SUT_SCAN_TRIVY, NULL},
	{"Results", SUT_SCAN_TRIVY, NULL},
	{"matches", SUT_SCAN_GRYPE, NULL},
	{"ignoredMatches", SUT_SCAN_GRYPE, NULL},
	{"descriptor", SUT_SCAN_GRYPE, NULL},
	{"distro", SUT_SCAN_GRYPE, NULL},
	{"bomFormat", SUT_SCAN_UNKNOWN,
	 "is a CycloneDX list of components, not a scan: run trivy or grype on it with JSON output, "
	 "and import that"},
	{"spdxVersion", SUT_SCAN_UNKNOWN,
	 "is an SPDX list of components, not a scan: run trivy or grype on it with JSON output, and "
	 "import that"},
	{"runs", SUT_SCAN_UNKNOWN,
	 "is SARIF, which leaves out what a scan knows: let the scanner write its own JSON (trivy "
	 "--format json, grype -o json)"},
	{"scannedCves", SUT_SCAN_UNKNOWN, "is of Vuls, which is not read yet: export it as CSV"},
};

static int conclude(const struct known *k, enum sut_scan_format *ret, struct sut_err *err)
{
	if (k->instead)
		return scan_bad(err, "%s", k->instead);
	*ret = k->format;
	return 0;
}

static const char *find(const char *s, const char *end, const char *what)
{
	const char *p = memmem(s, (size_t)(end - s), what, strlen(what));

	return p ? p + strlen(what) : NULL;
}

static int detect_xml(const char *s, const char *end, enum sut_scan_format *ret,
		      struct sut_err *err)
{
	while (s && s < end) {
		char name[64];
		size_t n = 0;

		if (isspace((unsigned char)*s)) {
			s++;
			continue;
		}
		if (*s != '<')
			break;
		if (end - s >= 2 && s[1] == '?') {
			s = find(s, end, "?>");
			continue;
		}
		if (end - s >= 4 && !memcmp(s, "<!--", 4)) {
			s = find(s, end, "-->");
			continue;
		}
		if (end - s >= 2 && s[1] == '!')
			return scan_bad(err,
					"has a document type (<!DOCTYPE), which is not accepted, "
					"since it may define entities: no scanner writes one. "
					"Remove it");
		for (s++; s < end && n < sizeof(name) - 1 && *s != '>' && *s != '/' &&
			  !isspace((unsigned char)*s);
		     s++) {
			if (*s == ':')
				n = 0;
			else
				name[n++] = *s;
		}
		name[n] = 0;
		for (size_t i = 0; i < SUT_ARRAY_SIZE(roots); i++)
			if (!strcmp(name, roots[i].name))
				return conclude(&roots[i], ret, err);
		return scan_bad(err, "is XML of another kind (its first element is <%s>): " READS,
				name);
	}
	return scan_bad(err, "is XML without an element in its first bytes: " READS);
}

struct first {
	const struct known *known;
};

static int on_event(void *ctx, struct sut_json_stream *j, enum sut_json_event e _unused_,
		    const char *text _unused_)
{
	struct first *f = ctx;

	if (sut_json_stream_depth(j) != 1)
		return 0;
	for (size_t i = 0; i < SUT_ARRAY_SIZE(members); i++)
		if (!strcmp(sut_json_stream_key(j, 1), members[i].name)) {
			f->known = &members[i];
			return -ECANCELED;
		}
	return 0;
}

static int detect_json(const char *s, const char *end, enum sut_scan_format *ret,
		       struct sut_err *err)
{
	struct first first = {NULL};
	const struct sut_json_stream_opts o = {.event = on_event, .ctx = &first};
	struct sut_json_stream *j;
	int r = sut_json_stream_open(&o, &j);

	if (r < 0)
		return sut_err_oom(err);
	r = sut_json_stream_feed(j, s, (size_t)(end - s));
	if (first.known)
		r = conclude(first.known, ret, err);
	else if (r == -EBADMSG)
		r = scan_bad(err,
			     "line %llu, column %llu: the JSON %s: send it as the scanner wrote it",
			     (unsigned long long)sut_json_stream_line(j),
			     (unsigned long long)sut_json_stream_column(j), sut_json_stream_why(j));
	else
		r = scan_bad(
			err,
			"is JSON of another kind: of Trivy that of SchemaVersion 2 is read, and "
			"of Grype that of grype -o json");
	sut_json_stream_free(j);
	return r;
}

/* Is there a word of that name among the columns of the first line? */
static bool has_column(const char *s, const char *end, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = s; p < end;) {
		const char *q = p;

		while (q < end && !strchr(",;\t\"", *q))
			q++;
		while (p < q && *p == ' ')
			p++;
		if ((size_t)(q - p) >= n && !strncasecmp(p, name, n) &&
		    (p + n == q || p[n] == 's' || p[n] == 'S' || p[n] == ' ' || p[n] == '_'))
			return true;
		p = q + 1;
	}
	return false;
}

static bool starts(const char *s, const char *end, const char *with)
{
	size_t n = strlen(with);

	return (size_t)(end - s) >= n && !memcmp(s, with, n);
}

static int detect_text(const char *s, const char *end, enum sut_scan_format *ret,
		       struct sut_err *err)
{
	const char *nl = memchr(s, '\n', (size_t)(end - s));

	if (!nl)
		nl = end;
	if (has_column(s, nl, "cve")) {
		*ret = SUT_SCAN_CSV;
		return 0;
	}
	if (starts(s, end, "CVE-") || starts(s, end, "TEMP-") ||
	    starts(s, end, "Security report based on") || starts(s, end, "*** ")) {
		*ret = SUT_SCAN_DEBSECAN;
		return 0;
	}
	if (memchr(s, 0, (size_t)(end - s)))
		return scan_bad(err, "is a binary file, not the report of a scanner: " READS);
	return scan_bad(err, "has no format that is known: " READS
			     ". CSV needs a first line that names its columns, with one called "
			     "cve; debsecan's format \"packages\" names no CVE");
}

int scan_detect(const char *s, size_t len, enum sut_scan_format *ret, struct sut_err *err)
{
	const char *end = s + len;

	while (s < end && isspace((unsigned char)*s))
		s++;
	if (s == end)
		return scan_bad(err, "is empty: nothing was scanned, or the scan was not written");
	if (*s == '<')
		return detect_xml(s, end, ret, err);
	if (*s == '{' || *s == '[')
		return detect_json(s, end, ret, err);
	return detect_text(s, end, ret, err);
}
