// SPDX-License-Identifier: Apache-2.0
#include "doctor/doctor.h"
#include "install/anchors.h"
#include "install/packages.h"

static void packagesp(struct packages **p)
{
	packages_free(*p);
}

/* false: it was said that there are none. */
static bool has_packages(struct doctor *d, size_t *ret_n)
{
	_cleanup_(packagesp) struct packages *p = NULL;
	_cleanup_(sut_freep) struct package *v = NULL;
	struct sut_err err = {0};
	int r = packages_new(d->conf.agent_dir, &p, &err);

	if (r == 0)
		r = packages_list(p, &v, ret_n, &err);
	if (r < 0)
		doctor_add(d, DOCTOR_FAIL, "install",
			   "Let the user of the portal read the folder agent-packages", "%s",
			   err.msg);
	else if (!*ret_n)
		doctor_add(d, DOCTOR_WARN, "install",
			   "Put one there: NAME_VERSION_ARCH.deb or NAME-VERSION-RELEASE.ARCH.rpm",
			   "%s has no package of the agent", d->conf.agent_dir);
	return r == 0 && *ret_n;
}

void doctor_install(struct doctor *d)
{
	_cleanup_anchors_ struct anchors a = ANCHORS_INIT;
	struct sut_err err = {0};
	size_t n = 0;

	if (!d->conf.agent_dir)
		return;
	if (!d->conf.s.url)
		doctor_add(d, DOCTOR_WARN, "install", "Set 'url' to what servers call the portal",
			   "agent-packages is set without url, so /install is not offered");
	if (anchors_read(d->conf.agent_dir, d->conf.repository_root, d->now, &a, &err) < 0) {
		doctor_add(d, DOCTOR_FAIL, "install", "Mend it: until then /install is not offered",
			   "%s", err.msg);
		return;
	}
	if (!a.root.len)
		doctor_add(
			d, DOCTOR_WARN, "install",
			"Set repository-root, or put root.json (suture-repo export-root) beside "
			"the packages, unless they have it in them",
			"new agents are given no root.json, so they cannot believe any repository");
	if (!a.nkeys)
		doctor_add(
			d, DOCTOR_WARN, "install",
			"Put the public keys of those who sign patches there as NAME.pub, unless the "
			"packages have them in them",
			"new agents are given no key, so they will refuse every patch (no *.pub in %s)",
			d->conf.agent_dir);
	if (has_packages(d, &n) && a.root.len && a.nkeys)
		doctor_add(
			d, DOCTOR_OK, "install", NULL,
			"%s: packages for %zu kinds of systems, root.json, %zu keys for patches, %zu "
			"for jobs",
			d->conf.agent_dir, n, a.nkeys, a.njob_keys);
}
