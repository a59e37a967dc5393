// SPDX-License-Identifier: Apache-2.0
#include "admin.h"

static const struct admin_arg patchset_arg[] = {{"PATCHSET"}, {0}},
			      cve_args[] = {{"PATCHSET"}, {"CVE", "cve"}, {0}};

static const struct admin_column columns[] = {
	{"NAME", "name"},
	{"PRODUCT", "product"},
	{"CREATED", "created", ADMIN_WHEN},
	{"PATCHES", "patches"},
	{"CVES", "cves", ADMIN_COUNT},
	{"WITHDRAWN", "withdrawn", ADMIN_AGE},
	{"NOTES", "notes"},
	{0},
};
static const struct admin_column patch_columns[] = {
	{"PATCHSET", "patchset"},
	{"LEVEL", "level"},
	{"TARGET", "target"},
	{"BUILD-ID", "build_id", ADMIN_SHORT},
	{"CVES", "cves", ADMIN_COUNT},
	{"PATH", "path"},
	{0},
};
static const struct admin_opt list_opts[] = {
	{"cve", "cve", ADMIN_TEXT, ADMIN_QUERY, "CVE", "that fix it"},
	{0},
};
static const struct admin_opt change_opts[] = {
	{"notes", "notes", ADMIN_TEXT, ADMIN_REQUIRED, "TEXT", "for people"},
	{0},
};
static const struct admin_opt cve_opts[] = {
	{"status", "status", ADMIN_TEXT, ADMIN_REQUIRED, "fixed|partial|mitigated", "how far"},
	{"note", "note", ADMIN_TEXT, 0, "TEXT", "what is left"},
	{0},
};
static const struct admin_opt patch_opts[] = {
	{"kernel-id", "kernel_id", ADMIN_TEXT, ADMIN_QUERY, "ID", "SHA-1 of /proc/version"},
	{"build-id", "build_id", ADMIN_TEXT, ADMIN_QUERY, "ID", "GNU build-id"},
	{0},
};
static const struct admin_verb verbs[] = {
	{"list", "what the repository has", "GET", "/v1/patchsets", .opts = list_opts,
	 .columns = columns, .flags = ADMIN_PAGED},
	{"show", "one patchset, its targets and CVEs", "GET", "/v1/patchsets/{patchset}",
	 patchset_arg},
	{"change", "write notes to it (staff)", "PATCH", "/v1/patchsets/{patchset}", patchset_arg,
	 change_opts, .flags = ADMIN_MATCH},
	{"cve", "say how far it fixes a CVE (staff)", "PUT", "/v1/patchsets/{patchset}/cves",
	 cve_args, cve_opts, .flags = ADMIN_MATCH},
	{0},
};
const struct admin_noun admin_patchset = {"patchset", "the patches of one release", verbs, NULL};

static const struct admin_verb patch_verbs[] = {
	{"list", "the patches for one kernel or library", "GET", "/v1/patches", .opts = patch_opts,
	 .columns = patch_columns, .flags = ADMIN_PAGED},
	{0},
};
const struct admin_noun admin_patch = {"patch", "the files for one kernel or library", patch_verbs,
				       NULL};
