// SPDX-License-Identifier: Apache-2.0
#include "prove/batch.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/sysinfo.h>

#include "base/file.h"
#include "compile/compile.h"

enum { SIDE_BY_SIDE_MAX = 64 };

static int prove_object(const struct sut_profile *p, const char *path, struct sut_unit **ret,
			struct sut_err *err)
{
	_cleanup_(sut_object_freep) struct sut_object *o = NULL;
	int r = sut_object_read(path, &o, err);

	if (r == 0)
		r = sut_prove(p, o, ret, err);
	if (r == 0)
		o = NULL; /* the unit's now */
	return r;
}

/* Would the linker have left the object in its library? Then not one of the
 * functions others could call has its name in the image. */
static bool is_not_linked(const struct sut_profile *p, const struct sut_unit *u)
{
	const struct sut_object *o = u->object;
	const uint32_t *idx;
	size_t named = 0;

	for (uint32_t i = 1; i < o->nsyms; i++) {
		const struct sut_sym *s = &o->syms[i];

		if (s->shndx == SHN_UNDEF || s->shndx >= o->nsections || !s->size ||
		    s->type != STT_FUNC)
			continue;
		if (sut_profile_lookup(p, s->name, &idx))
			return false;
		named++;
	}
	return named > 0;
}

static void prove_one(const struct sut_batch *b, const struct sut_compile *c, int failed,
		      struct sut_batch_file *f)
{
	_cleanup_(sut_unit_freep) struct sut_unit *u = NULL;

	f->seconds = c->seconds;
	if (!failed && prove_object(b->profile, c->output, &u, &f->err) == 0) {
		f->unit = u;
		f->not_linked = is_not_linked(b->profile, u);
	}
	b->done(b->arg, f);
	f->unit = NULL;
}

/* Compiles n files together; when that fails, each alone, to know which one it was. */
static int run_chunk(const struct sut_batch *b, const char *const *sources, size_t n,
		     const char *dir, struct sut_err *err)
{
	struct sut_compile c[SIDE_BY_SIDE_MAX];
	_cleanup_strv_ struct sut_strv outputs = {0};
	int together;

	for (size_t i = 0; i < n; i++) {
		if (sut_strv_addf(&outputs, "%s/%zu.o", dir, i) < 0)
			return sut_err_oom(err);
		c[i] = (struct sut_compile){.source = sources[i],
					    .text_path = b->text_path,
					    .mode = SUT_COMPILE_EXACT,
					    .output = outputs.v[i]};
	}
	together = sut_compile_run(b->profile, c, n, err);
	if (together < 0 && n == 1) {
		struct sut_batch_file f = {.source = sources[0]};

		if (err)
			f.err = *err;
		prove_one(b, &c[0], together, &f);
		return 0;
	}
	for (size_t i = 0; i < n; i++) {
		struct sut_batch_file f = {.source = sources[i]};
		int r = together < 0 ? sut_compile_run(b->profile, &c[i], 1, &f.err) : 0;

		prove_one(b, &c[i], r, &f);
	}
	return 0;
}

int sut_batch_run(const struct sut_batch *b, struct sut_err *err)
{
	_cleanup_(sut_freep) char *dir = NULL;
	size_t side = (size_t)get_nprocs();
	struct sut_err ignored = {0};
	int r = sut_compile_prepare(b->profile, err);

	if (r < 0)
		return r;
	if (side > SIDE_BY_SIDE_MAX)
		side = SIDE_BY_SIDE_MAX;
	r = sut_tmpdir("suture-prove", &dir, err);
	for (size_t i = 0; i < b->n && r == 0; i += side) {
		size_t n = b->n - i < side ? b->n - i : side;
		struct sut_err e = {0};

		r = run_chunk(b, b->sources + i, n, dir, &e);
		if (r < 0 && err)
			*err = e;
	}
	if (dir && sut_rm_rf(dir, r < 0 ? &ignored : err) < 0 && r == 0)
		r = -EIO;
	return r;
}

static uint64_t splitmix64(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

void sut_batch_sample(struct sut_strv *l, size_t n, uint64_t seed)
{
	for (size_t i = 0; i < n && i < l->n; i++) {
		size_t k = i + (size_t)(splitmix64(&seed) % (l->n - i));
		char *s = l->v[i];

		l->v[i] = l->v[k];
		l->v[k] = s;
	}
}
