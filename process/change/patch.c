// SPDX-License-Identifier: Apache-2.0
/* A patch file as the engine takes it: unpacked, and of one piece. */
#include <errno.h>
#include <string.h>

#include "change/engine.h"
#include "crypto/sha256.h"

static int wrong(const char *what, struct sut_err *err)
{
	return sut_err_reason(err, EBADMSG, "payload",
			      "The patch does not agree with itself: %s. Build or fetch it again.",
			      what);
}

int proc_patch_parse(const void *data, size_t len, struct proc_patch **ret, struct sut_err *err)
{
	_cleanup_(proc_patch_freep) struct proc_patch *p = calloc(1, sizeof(*p));
	const struct sut_manifest_object *o;
	const struct sut_member *m;
	int r;

	if (!p)
		return sut_err_oom(err);
	r = sut_patch_parse(data, len, &p->container, err);
	if (r < 0)
		return r;
	r = sut_manifest_load(p->container->manifest, &p->manifest, err);
	if (r < 0)
		return r;
	if (!sut_manifest_is_library(p->manifest))
		return sut_err_reason(
			err, EINVAL, "kind",
			"%s is a patch for a kernel: it is loaded with suture, not into "
			"processes.",
			p->manifest->id);
	o = p->manifest->nobjects == 1 ? &p->manifest->objects[0] : NULL;
	m = o ? sut_patch_member(p->container, o->payload) : NULL;
	if (!m)
		return wrong("its payload is not there", err);
	r = sut_library_parse(m->data, m->len, &p->library, err);
	if (r < 0)
		return r;
	if (memcmp(p->library->build_id, p->manifest->target.build_id, SUT_LIBRARY_BUILD_ID_LEN))
		return wrong("manifest and payload name different build-ids", err);
	if (p->library->nfuncs != o->nfunctions)
		return wrong("manifest and payload name different functions", err);
	sut_sha256(data, len, p->sha256);
	*ret = sut_steal(p);
	return 0;
}

void proc_patch_free(struct proc_patch *p)
{
	if (!p)
		return;
	sut_library_free(p->library);
	sut_manifest_free(p->manifest);
	sut_patch_free(p->container);
	free(p);
}

void proc_patch_freep(struct proc_patch **p)
{
	proc_patch_free(*p);
}
