// SPDX-License-Identifier: Apache-2.0
#include "diff/diff.h"

#include <stdio.h>
#include <string.h>

#include "diff/compare.h"
#include "diff/correlate.h"

static void judge(struct sut_diff *d)
{
	for (uint32_t p = 0; p < d->patched->n; p++) {
		const struct sut_atom *b = &d->patched->atoms[p];

		if (d->twin[p] == SUT_NO_ATOM || b->anonymous)
			d->verdict[p] = SUT_NEW;
		else if (sut_compare_atoms(d, d->twin[p], p, d->why[p]))
			d->verdict[p] = SUT_SAME;
		else
			d->verdict[p] = SUT_CHANGED;
	}
	/* A function and its split-off part are one: they change together. */
	for (uint32_t p = 0; p < d->patched->n; p++) {
		uint32_t parent = d->patched->atoms[p].parent;

		if (parent == SUT_NO_ATOM)
			continue;
		if (d->verdict[p] != SUT_SAME && d->verdict[parent] == SUT_SAME) {
			d->verdict[parent] = SUT_CHANGED;
			memcpy(d->why[parent], d->why[p], SUT_WHY_MAX);
		} else if (d->verdict[parent] != SUT_SAME && d->verdict[p] == SUT_SAME) {
			d->verdict[p] = SUT_CHANGED;
		}
	}
}

int sut_diff_new(const struct sut_atoms *orig, const struct sut_atoms *patched,
		 struct sut_diff **ret, struct sut_err *err)
{
	_cleanup_(sut_diff_freep) struct sut_diff *d = calloc(1, sizeof(*d));
	int r;

	if (!d)
		return sut_err_oom(err);
	d->orig = orig;
	d->patched = patched;
	d->twin = malloc((patched->n + 1) * sizeof(*d->twin));
	d->twin_back = malloc((orig->n + 1) * sizeof(*d->twin_back));
	d->verdict = calloc(patched->n + 1, sizeof(*d->verdict));
	d->why = calloc(patched->n + 1, sizeof(*d->why));
	if (!d->twin || !d->twin_back || !d->verdict || !d->why)
		return sut_err_oom(err);
	for (uint32_t i = 0; i < patched->n; i++)
		d->twin[i] = SUT_NO_ATOM;
	for (uint32_t i = 0; i < orig->n; i++)
		d->twin_back[i] = SUT_NO_ATOM;
	r = sut_correlate(d, err);
	if (r < 0)
		return r;
	judge(d);
	*ret = sut_steal(d);
	return 0;
}

void sut_diff_free(struct sut_diff *d)
{
	if (!d)
		return;
	free(d->twin);
	free(d->twin_back);
	free(d->verdict);
	free(d->why);
	free(d);
}

void sut_diff_freep(struct sut_diff **d)
{
	sut_diff_free(*d);
}
