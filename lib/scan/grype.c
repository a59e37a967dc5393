// SPDX-License-Identifier: Apache-2.0
/* Grype's JSON. The matches come first, and what was scanned behind them. */
#include <errno.h>
#include <string.h>

#include "json.h"

enum { SEEN_MATCHES = 1, SEEN_IMAGE = 2 };

static int of_match(struct scan_json *j, const char *text)
{
	if (scan_json_at(j, "matches/*/vulnerability/id")) {
		scan_json_copy(j->f.id, text);
		return scan_found_cve(&j->f, j->f.id, strlen(j->f.id), j->err);
	}
	if (scan_json_at(j, "matches/*/relatedVulnerabilities/*/id"))
		return scan_found_cve(&j->f, text, strlen(text), j->err);
	if (scan_json_at(j, "matches/*/vulnerability/severity"))
		j->f.severity = scan_severity(text);
	else if (scan_json_at(j, "matches/*/vulnerability/description"))
		scan_json_copy(j->f.title, text);
	else if (scan_json_at(j, "matches/*/vulnerability/fix/versions/*") && !j->f.fixed[0])
		scan_json_copy(j->f.fixed, text);
	else if (scan_json_at(j, "matches/*/artifact/name"))
		scan_json_copy(j->f.package, text);
	else if (scan_json_at(j, "matches/*/artifact/version"))
		scan_json_copy(j->f.version, text);
	else if (scan_json_at(j, "matches/*/artifact/purl"))
		scan_json_copy(j->f.purl, text);
	return 0;
}

static void of_document(struct scan_json *j, const char *text)
{
	if (scan_json_at(j, "source/type")) {
		if (!strcmp(text, "image"))
			j->seen |= SEEN_IMAGE;
	} else if (scan_json_at(j, "source/target")) {
		/* A folder or file; with grype --name, that name. */
		scan_machine_name(&j->m, text);
	} else if (scan_json_at(j, "distro/name") || scan_json_at(j, "distro/version")) {
		size_t n = strlen(j->m.os);

		snprintf(j->m.os + n, sizeof(j->m.os) - n, "%s%s", n ? " " : "", text);
		scan_text(j->m.os, sizeof(j->m.os), j->m.os, strlen(j->m.os));
	} else if (scan_json_at(j, "descriptor/name")) {
		scan_json_copy(scan_summary(j->s)->tool, text);
	} else if (scan_json_at(j, "descriptor/version")) {
		scan_json_copy(scan_summary(j->s)->tool_version, text);
	} else if (scan_json_at(j, "descriptor/timestamp")) {
		j->m.scanned_at = scan_time(text);
	}
}

static int event(struct scan_json *j, enum sut_json_event e, const char *text)
{
	size_t depth = sut_json_stream_depth(j->stream);

	if (depth > 6)
		return 0;
	if (e == SUT_JSON_STRING) {
		if (depth >= 4)
			return of_match(j, text);
		if (depth == 2)
			of_document(j, text);
	} else if (depth == 1 && scan_json_at(j, "matches")) {
		j->seen |= SEEN_MATCHES;
	} else if (depth == 2 && scan_json_at(j, "matches/*")) {
		if (e == SUT_JSON_OBJECT)
			scan_found_clear(&j->f);
		else if (e == SUT_JSON_OBJECT_END)
			return scan_json_found(j);
	}
	return 0;
}

static int check(struct scan_json *j)
{
	if (!(j->seen & SEEN_MATCHES))
		return scan_bad(j->err,
				"is not of Grype: it has no \"matches\". Let grype write it with "
				"-o json");
	if (j->seen & SEEN_IMAGE)
		j->m.hostname[0] = j->m.fqdn[0] = 0;
	return 0;
}

static const struct scan_json_reader reader = {event, check};

static void *create(struct sut_scan *s)
{
	memcpy(scan_summary(s)->tool, "grype", sizeof("grype"));
	return scan_json_create(s, &reader);
}

const struct scan_reader scan_reader_grype = {create, scan_json_feed, scan_json_finish,
					      scan_json_free};
