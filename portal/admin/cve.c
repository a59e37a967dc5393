// SPDX-License-Identifier: Apache-2.0
/* CVEs, the changelogs they come from, and what is covered by patches. */
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "admin.h"
#include "base/buf.h"
#include "base/file.h"
#include "call.h"
#include "http/http.h"
#include "show.h"

enum { CHANGELOG_MAX = 64 << 20, HEAD_MAX = 4096 };

/* The first bytes of a file, unpacked when it is gzip. */
static size_t head_of(const struct sut_buf *file, char ret[static HEAD_MAX + 1])
{
	size_t n = file->len < HEAD_MAX ? file->len : HEAD_MAX;
	z_stream z = {.next_in = file->data, .avail_in = (uInt)file->len};

	if (file->len < 2 || file->data[0] != 0x1f || file->data[1] != 0x8b) {
		memcpy(ret, file->data, n);
		ret[n] = '\0';
		return n;
	}
	z.next_out = (Bytef *)ret;
	z.avail_out = HEAD_MAX;
	if (inflateInit2(&z, 15 + 16) != Z_OK)
		return 0;
	(void)inflate(&z, Z_SYNC_FLUSH);
	n = HEAD_MAX - z.avail_out;
	inflateEnd(&z);
	ret[n] = '\0';
	return n;
}

/* "linux (6.1.1-1) …": the source package that a changelog is of. */
static char *source_of(const struct sut_buf *file)
{
	char head[HEAD_MAX + 1], *start = head;
	size_t n;

	if (!head_of(file, head))
		return NULL;
	start += strspn(start, " \t\r\n");
	n = strcspn(start, " \t\r\n(");
	if (!n || n > 63 || strncmp(start + n, " (", 2) != 0)
		return NULL;
	return strndup(start, n);
}

static int import(struct admin *a, const struct admin_verb *v, const struct admin_input *in)
{
	_cleanup_buf_ struct sut_buf file = SUT_BUF_INIT(CHANGELOG_MAX);
	_cleanup_(sut_freep) char *source = NULL, *target = NULL;
	const char *distribution = json_string_value(json_object_get(in->body, "distribution")),
		   *given = json_string_value(json_object_get(in->body, "source"));
	struct sut_err err = {0};
	json_t *answer = NULL;
	int status;

	if (sut_file_read(in->args.v[0], &file, &err) < 0)
		return admin_fail(&err);
	source = file.len ? (given ? strdup(given) : source_of(&file)) : NULL;
	if (!source) {
		admin_say(
			"%s does not begin as a Debian changelog does: 'PACKAGE (VERSION) …'. Give "
			"the file /usr/share/doc/PACKAGE/changelog.Debian.gz or the like",
			in->args.v[0]);
		return ADMIN_ERROR;
	}
	target = admin_target(
		v->path, (char *[]){(char *)(distribution ? distribution : "debian"), source, NULL},
		NULL);
	if (!target)
		return admin_fail(&(struct sut_err){.msg = "out of memory"});
	status = admin_call(a,
			    &(struct call){.method = v->method,
					   .target = target,
					   .raw = file.data,
					   .len = file.len,
					   .type = "application/octet-stream",
					   .repeat = true},
			    &answer);
	if (status == ADMIN_OK)
		status = a->json ? show_json(answer) : show_record(answer, NULL);
	json_decref(answer);
	return status;
}

static const struct admin_arg cve_arg[] = {{"CVE"}, {0}}, file_arg[] = {{"FILE", "", NULL}, {0}};

static const struct admin_column columns[] = {
	{"CVE", "cve"},
	{"FIXED", "targets.fixed"},
	{"PARTIAL", "targets.partial"},
	{"REBOOT", "targets.pending_reboot"},
	{"SUBJECT", "subject"},
	{0},
};
static const struct admin_opt list_opts[] = {
	{"source", "source", ADMIN_TEXT, ADMIN_QUERY, "NAME",
	 "fixed in it: linux, or debian/linux"},
	{"since", "since", ADMIN_TEXT, ADMIN_QUERY, "VERSION", "with --source: after this version"},
	{"status", "status", ADMIN_TEXT, ADMIN_QUERY, "fixed|partial|pending_reboot",
	 "there are such kernels or libraries"},
	{"search", "q", ADMIN_TEXT, ADMIN_QUERY, "TEXT", "in name or subject"},
	{0},
};
static const struct admin_opt coverage_opts[] = {
	{"build-id", "build_id", ADMIN_TEXT, ADMIN_QUERY, "ID", "only this kernel or library"},
	{"kernel-id", "kernel_id", ADMIN_TEXT, ADMIN_QUERY, "ID",
	 "only this; SHA-1 of /proc/version"},
	{0},
};
static const struct admin_opt import_opts[] = {
	{"replace", "replace", ADMIN_BOOL, ADMIN_QUERY, "yes|no",
	 "yes: forget first what is known of the source"},
	{"distribution", "distribution", ADMIN_TEXT, 0, "NAME", "default: debian"},
	{"source", "source", ADMIN_TEXT, 0, "NAME", "default: what the changelog says"},
	{0},
};
static const struct admin_verb verbs[] = {
	{"list", "CVEs that changelogs and patches name", "GET", "/v1/cves", .opts = list_opts,
	 .columns = columns, .flags = ADMIN_PAGED},
	{"show", "in which versions and patches it is fixed", "GET", "/v1/cves/{cve}", cve_arg},
	{"import", "read a Debian changelog, plain or gzip (staff)", "POST",
	 "/v1/sources/{distribution}/{source}/changelog", file_arg, import_opts, .run = import},
	{0},
};
const struct admin_noun admin_cve = {"cve", "CVEs, and where they are fixed", verbs, NULL};

static const struct admin_column source_columns[] = {
	{"DISTRIBUTION", "distribution"},
	{"SOURCE", "name"},
	{"NEWEST", "version"},
	{"OLDEST", "oldest"},
	{"IMPORTED", "imported", ADMIN_AGE},
	{0},
};
static const struct admin_verb source_verbs[] = {
	{"list", "the source packages whose changelogs were read", "GET", "/v1/sources",
	 .columns = source_columns, .flags = ADMIN_PAGED},
	{0},
};
const struct admin_noun admin_source = {"source", "source packages that are known", source_verbs,
					NULL};

static const struct admin_column target_columns[] = {
	{"TARGET", "target"},
	{"RELEASE", "release"},
	{"BUILD-ID", "build_id", ADMIN_SHORT},
	{"VERSION", "package_version"},
	{"LEVELS", "levels", ADMIN_COUNT},
	{"FIXED", "fixed", ADMIN_COUNT},
	{"PARTIAL", "partial", ADMIN_COUNT},
	{"REBOOT", "pending_reboot", ADMIN_COUNT},
	{0},
};

/* One target is shown whole, several in a table. */
static int coverage(struct admin *a, const struct admin_verb *v, const struct admin_input *in)
{
	_cleanup_(sut_freep) char *target =
		admin_target(v->path, (char *[]){NULL}, (char *)in->query->data);
	const json_t *targets;
	json_t *answer = NULL;
	int status;

	if (!target)
		return admin_fail(&(struct sut_err){.msg = "out of memory"});
	status = admin_call(a, &(struct call){.method = "GET", .target = target}, &answer);
	targets = json_object_get(answer, "targets");
	if (status != ADMIN_OK)
		return status;
	if (a->json)
		status = show_json(answer);
	else if (json_array_size(targets) == 1)
		status = show_record(json_array_get(targets, 0), NULL);
	else if (json_array_size(targets))
		status = show_table(targets, target_columns);
	else
		puts("none");
	json_decref(answer);
	return status;
}

static const struct admin_verb coverage_verbs[] = {
	{"", "for each kernel and library: levels, feeds, CVEs", "GET", "/v1/coverage",
	 .opts = coverage_opts, .run = coverage},
	{0},
};
const struct admin_noun admin_coverage = {"coverage", "what is fixed where", coverage_verbs, NULL};
