// SPDX-License-Identifier: Apache-2.0
#include "patch/modsign.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "patch/manifest.h"

static bool is_payload(const struct sut_manifest *m, const char *member)
{
	for (size_t i = 0; i < m->nobjects; i++)
		if (sut_streq(m->objects[i].payload, member))
			return true;
	return false;
}

/* The members of a patch that is being made: the signed payloads belong to it, the rest is lent. */
struct signed_members {
	struct sut_member *v;
	struct sut_buf *payloads; /* one for each member; empty when it is none */
	size_t n;
};

static void release(struct signed_members *s)
{
	for (size_t i = 0; s->payloads && i < s->n; i++)
		sut_buf_release(&s->payloads[i]);
	free(s->payloads);
	free(s->v);
}

static int sign_members(const struct sut_patch *p, const struct sut_manifest *m,
			const struct sut_modsign_key *key, struct signed_members *s,
			struct sut_err *err)
{
	s->n = p->nmembers;
	s->v = calloc(s->n + 1, sizeof(*s->v));
	s->payloads = calloc(s->n + 1, sizeof(*s->payloads));
	if (!s->v || !s->payloads)
		return sut_err_oom(err);
	for (size_t i = 0; i < s->n; i++) {
		struct sut_buf *b = &s->payloads[i];
		int r;

		s->v[i] = p->members[i];
		*b = SUT_BUF_INIT(SUT_PATCH_MEMBER_MAX);
		if (!is_payload(m, s->v[i].name))
			continue;
		r = sut_modsign_sign(key, s->v[i].data, s->v[i].len, b, err);
		if (r < 0)
			return sut_err_prefix(err, "the payload %s", s->v[i].name), r;
		s->v[i].data = b->data;
		s->v[i].len = b->len;
	}
	return 0;
}

int sut_patch_sign_payloads(const struct sut_patch *p, const struct sut_modsign_key *key,
			    struct sut_buf *out, struct sut_err *err)
{
	_cleanup_(release) struct signed_members s = {0};
	_cleanup_(sut_manifest_freep) struct sut_manifest *m = NULL;
	json_t *manifest;
	int r = sut_manifest_load(p->manifest, &m, err);

	if (r == 0)
		r = sut_manifest_need_kernel(m, err);
	if (r == 0)
		r = sign_members(p, m, key, &s, err);
	if (r < 0)
		return r;
	/* Packing writes the list of members into it. */
	manifest = json_deep_copy(p->manifest);
	if (!manifest)
		return sut_err_oom(err);
	r = sut_patch_pack(manifest, s.v, s.n, p->mtime, out, err);
	json_decref(manifest);
	return r;
}

int sut_patch_verify_payloads(const struct sut_patch *p, const char *cert_pem, size_t cert_len,
			      struct sut_err *err)
{
	_cleanup_(sut_manifest_freep) struct sut_manifest *m = NULL;
	int r = sut_manifest_load(p->manifest, &m, err);

	if (r == 0)
		r = sut_manifest_need_kernel(m, err);
	for (size_t i = 0; r == 0 && i < m->nobjects; i++) {
		const struct sut_member *mem = sut_patch_member(p, m->objects[i].payload);

		if (!mem)
			return sut_err_set(err, EBADMSG, "the payload %s is not in the patch",
					   m->objects[i].payload);
		r = sut_modsign_verify(mem->data, mem->len, cert_pem, cert_len, err);
		if (r < 0)
			sut_err_prefix(err, "the payload %s", mem->name);
	}
	return r;
}
