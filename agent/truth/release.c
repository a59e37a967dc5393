// SPDX-License-Identifier: Apache-2.0
/* release.json: for scanners that ask whether a CVE is fixed in the kernel that runs right now. */
#include <errno.h>
#include <string.h>

#include "internal.h"
#include "common/when.h"

/* NULL for "": what is not known is null. */
static const char *known(const char *s)
{
	return *s ? s : NULL;
}

static json_t *patch_json(const json_t *state, const json_t *p)
{
	if (!p)
		return json_null();
	return json_pack("{s:s, s:I, s:s?, s:s?, s:s?, s:b}", "patchset", truth_text(p, "id"),
			 "level", json_integer_value(json_object_get(p, "level")), "applied_at",
			 known(truth_text(p, "applied_at")), "sha256",
			 known(truth_text(p, "sha256")), "signed_by",
			 known(truth_text(p, "signed_by")), "probation",
			 !strcmp(truth_text(state, "phase"), "probation"));
}

int truth_release(const json_t *state, const struct truth_host *h, int64_t now, json_t **ret,
		  struct sut_err *err)
{
	const json_t *kernel = json_object_get(state, "kernel"), *p = truth_patch(state);
	char effective[2 * TRUTH_WORD_MAX] = "", at[WHEN_MAX], until[WHEN_MAX];
	json_t *cves, *libraries, *j;

	if (!json_is_object(kernel))
		return sut_err_set(err, EBADMSG, "the state of suture-apply has no kernel");
	(void)(truth_effective(state, h, effective) < 0); /* stays "" */
	if (truth_cve_list(state, &cves) < 0)
		return sut_err_oom(err);
	if (truth_libraries(state, &libraries) < 0) {
		json_decref(cves);
		return sut_err_oom(err);
	}
	when_text(now, at);
	when_text(now + TRUTH_VALID_S, until);
	j = json_pack("{s:s, s:i, s:s, s:s, s:s, s:s, s:s?, s:b, s:s?,"
		      " s:{s:s?, s:s?, s:s?, s:s?, s:s?, s:s?}, s:o, s:o, s:o}",
		      "format", "suture-release", "version", 1, "provider", "suture",
		      "provider_version", SUTURE_VERSION, "at", at, "valid_until", until, "boot_id",
		      known(truth_text(state, "boot_id")), "live", p != NULL, "effective_version",
		      known(effective), "kernel", "release", known(truth_text(kernel, "release")),
		      "arch", known(truth_text(kernel, "arch")), "build_id",
		      known(truth_text(kernel, "build_id")), "package", known(h->package),
		      "package_version", known(h->package_version), "installed_version",
		      known(h->installed), "patch", patch_json(state, p), "cves", cves, "libraries",
		      libraries);
	if (!j)
		return sut_err_oom(err);
	*ret = j;
	return 0;
}
