// SPDX-License-Identifier: Apache-2.0
/* Trivy's JSON of SchemaVersion 2. */
#include <errno.h>
#include <string.h>

#include "json.h"

enum { SEEN_NAME = 1, SEEN_METADATA = 2, SEEN_VERSION = 4, SEEN_IMAGE = 8, SEEN_RESULTS = 16 };

#define VULNERABILITY "Results/*/Vulnerabilities/*"

static int member(struct scan_json *j, const char *text)
{
	static const struct {
		const char *path;
		size_t offset, size;
	} fields[] = {
#define FIELD(path, member)                                                                        \
	{VULNERABILITY "/" path, offsetof(struct scan_found, member),                              \
	 sizeof(((struct scan_found *)0)->member)}
		FIELD("Title", title),
		FIELD("PkgName", package),
		FIELD("InstalledVersion", version),
		FIELD("FixedVersion", fixed),
		FIELD("PkgIdentifier/PURL", purl),
#undef FIELD
	};

	if (scan_json_at(j, VULNERABILITY "/VulnerabilityID")) {
		scan_json_copy(j->f.id, text);
		return scan_found_cve(&j->f, j->f.id, strlen(j->f.id), j->err);
	}
	if (scan_json_at(j, VULNERABILITY "/Severity")) {
		j->f.severity = scan_severity(text);
		return 0;
	}
	for (size_t i = 0; i < SUT_ARRAY_SIZE(fields); i++)
		if (scan_json_at(j, fields[i].path)) {
			scan_text((char *)&j->f + fields[i].offset, fields[i].size, text,
				  strlen(text));
			break;
		}
	return 0;
}

static int maybe_ready(struct scan_json *j)
{
	unsigned int both = SEEN_NAME | SEEN_METADATA;

	return (j->seen & both) == both ? scan_json_ready(j) : 0;
}

static int of_document(struct scan_json *j, const char *text)
{
	if (scan_json_at(j, "ArtifactName")) {
		/* "web1" of trivy rootfs with a name; of an image it is a reference, of a folder a path. */
		if (!(j->seen & SEEN_IMAGE))
			scan_machine_name(&j->m, text);
		j->seen |= SEEN_NAME;
	} else if (scan_json_at(j, "ArtifactType")) {
		if (!strcmp(text, "container_image")) {
			j->seen |= SEEN_IMAGE;
			j->m.hostname[0] = j->m.fqdn[0] = 0;
		}
	} else if (scan_json_at(j, "CreatedAt")) {
		j->m.scanned_at = scan_time(text);
	} else if (scan_json_at(j, "Trivy/Version")) {
		scan_json_copy(scan_summary(j->s)->tool_version, text);
	} else if (scan_json_at(j, "Metadata/OS/Family") || scan_json_at(j, "Metadata/OS/Name")) {
		size_t n = strlen(j->m.os);

		snprintf(j->m.os + n, sizeof(j->m.os) - n, "%s%s", n ? " " : "", text);
		scan_text(j->m.os, sizeof(j->m.os), j->m.os, strlen(j->m.os));
	}
	return 0;
}

static int event(struct scan_json *j, enum sut_json_event e, const char *text)
{
	size_t depth = sut_json_stream_depth(j->stream);

	if (e == SUT_JSON_NUMBER && depth == 1 && scan_json_at(j, "SchemaVersion")) {
		j->seen |= SEEN_VERSION;
		if (strcmp(text, "2") != 0)
			return scan_json_bad(
				j,
				"SchemaVersion is %.20s, and 2 is read: scan with a newer "
				"trivy",
				text);
	}
	/* Nothing of it lies deeper. */
	if (depth > 6)
		return 0;
	if (e == SUT_JSON_STRING)
		return depth >= 5 ? member(j, text) : of_document(j, text);
	if (depth == 1 && e == SUT_JSON_OBJECT_END && scan_json_at(j, "Metadata"))
		j->seen |= SEEN_METADATA;
	if (depth == 1 && e == SUT_JSON_ARRAY && scan_json_at(j, "Results")) {
		j->seen |= SEEN_RESULTS;
		return maybe_ready(j);
	}
	if (depth == 4 && scan_json_at(j, VULNERABILITY)) {
		if (e == SUT_JSON_OBJECT)
			scan_found_clear(&j->f);
		else if (e == SUT_JSON_OBJECT_END)
			return scan_json_found(j);
	}
	return 0;
}

static int check(struct scan_json *j)
{
	if (!(j->seen & SEEN_VERSION) || !(j->seen & (SEEN_NAME | SEEN_RESULTS)))
		return scan_bad(j->err,
				"is not of Trivy: SchemaVersion is missing. Let trivy write it "
				"with --format json");
	return 0;
}

static const struct scan_json_reader reader = {event, check};

static void *create(struct sut_scan *s)
{
	memcpy(scan_summary(s)->tool, "Trivy", sizeof("Trivy"));
	return scan_json_create(s, &reader);
}

const struct scan_reader scan_reader_trivy = {create, scan_json_feed, scan_json_finish,
					      scan_json_free};
