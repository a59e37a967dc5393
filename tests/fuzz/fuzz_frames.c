// SPDX-License-Identifier: Apache-2.0
/* diff/frames.h and diff/atoms.h on objects of libraries: unwind tables, tables of handlers, and what refers to what. */
#include <string.h>

#include "diff/backend.h"
#include "diff/frames.h"
#include "fuzz.h"

static void check_frames(const struct sut_object *o, const struct sut_frames *f)
{
	const struct sut_section *eh = &o->sections[f->eh];

	for (size_t i = 0; i < f->ncommons; i++) {
		const struct sut_frame_common *c = &f->commons[i];

		FUZZ_ASSERT((uint64_t)c->off + c->len <= eh->size);
		FUZZ_ASSERT(!c->personality ||
			    (c->personality > c->off && c->personality + 4 <= c->off + c->len));
	}
	for (size_t i = 0; i < f->n; i++) {
		const struct sut_frame *v = &f->v[i];

		FUZZ_ASSERT(v->common < f->ncommons);
		FUZZ_ASSERT((uint64_t)v->off + v->len <= eh->size);
		FUZZ_ASSERT(v->section < o->nsections && v->lsda < o->nsections);
		FUZZ_ASSERT(!v->section || v->start + v->size <= o->sections[v->section].size);
		FUZZ_ASSERT(!v->lsda_at ||
			    (v->lsda_at > v->off && v->lsda_at + 4 <= v->off + v->len));
		FUZZ_ASSERT(!v->lsda || v->lsda_off <= o->sections[v->lsda].size);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(sut_object_freep) struct sut_object *o = NULL;
	_cleanup_(sut_atoms_freep) struct sut_atoms *a = NULL;
	_cleanup_(sut_frames_release) struct sut_frames f = {0};
	_cleanup_(sut_freep) uint8_t *copy = malloc(size ? size : 1); /* aligned, as a file */

	if (!copy || !size)
		return 0;
	memcpy(copy, data, size);
	if (sut_object_parse(copy, size, &o, NULL) < 0)
		return 0;
	if (sut_frames_read(o, &f, NULL) == 0)
		check_frames(o, &f);
	if (sut_atoms_new_for(&sut_backend_user, o, NULL, &a, NULL) < 0)
		return 0;
	for (uint32_t i = 0; i < a->nrecords; i++)
		FUZZ_ASSERT(a->records[i].atom < a->n && a->records[i].table == SUT_TABLE_LSDA);
	return 0;
}
