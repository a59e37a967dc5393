// SPDX-License-Identifier: Apache-2.0
#include "kernel/build.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "compile/includers.h"
#include "diff/types.h"
#include "kernel/entry.h"
#include "kernel/kind.h"
#include "kernel/resolve.h"
#include "kernel/selfcheck.h"
#include "uapi/suture.h"

const char *const sut_step_name[SUT_STEPS] = {"apply", "compile", "prove", "diff", "payload"};

/* ---- callbacks of the selection ---- */

static bool redirectable(void *ctx, uint32_t orig, char why[static SUT_WHY_MAX])
{
	struct sut_build_unit *u = ctx;
	uint32_t sym = sut_exact_symbol(u->exact, u->orig_atoms, orig);
	struct sut_entry entry;
	uint32_t atom;

	if (!sym) {
		snprintf(why, SUT_WHY_MAX, "the kernel has no function of its own for it");
		return false;
	}
	if (u->exact->syms[sym].proof != SUT_PROOF_IDENTICAL)
		return true; /* the proof tells, later and better */
	atom = u->exact_atoms->sym_atom[sym];
	if (atom == SUT_NO_ATOM)
		return false;
	if (sut_entry_plan(u->profile, u->exact_atoms, atom, u->exact->syms[sym].addr, &entry,
			   NULL) < 0) {
		snprintf(why, SUT_WHY_MAX, "its code cannot be read");
		return false;
	}
	snprintf(why, SUT_WHY_MAX, "%.*s", SUT_WHY_MAX - 1, entry.why);
	return entry.redirect != SUTURE_REDIRECT_NONE;
}

static bool wanted(void *ctx, const char *name)
{
	const struct sut_build_unit *u = ctx;

	for (size_t i = 0; i < u->build->nunits; i++) {
		const struct sut_object *o = u->build->units[i].patched;

		for (uint32_t s = 1; u != &u->build->units[i] && s < o->nsyms; s++)
			if (!o->syms[s].shndx && sut_streq(o->syms[s].name, name))
				return true;
	}
	return false;
}

static unsigned int line_of(void *ctx, const char *name)
{
	const struct sut_build_unit *u = ctx;

	return sut_fix_line_of(sut_buf_str(&u->text), name);
}

/* ---- steps ---- */

static int compile_all(const struct sut_profile *p, const struct sut_request *q,
		       struct sut_build *b, struct sut_err *err)
{
	size_t n = b->nunits * 3 + 1;
	_cleanup_strv_ struct sut_strv out = {0};
	_cleanup_(sut_freep) char *init = sut_sprintf("%s/payload_init.c", q->scratch);
	_cleanup_(sut_freep) struct sut_compile *c = calloc(n, sizeof(*c));
	int r;

	if (!c || !init)
		return sut_err_oom(err);
	for (size_t i = 0; i < n; i++)
		if (sut_strv_addf(&out, "%s/%zu.o", q->scratch, i) < 0)
			return sut_err_oom(err);
	r = sut_file_write(init, sut_payload_init_source, strlen(sut_payload_init_source), 0644,
			   err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < b->nunits; i++) {
		const struct sut_fixed_file *f = &b->fixset.files[i];

		c[3 * i] = (struct sut_compile){.source = f->path, .mode = SUT_COMPILE_EXACT};
		c[3 * i + 1] =
			(struct sut_compile){.source = f->path, .mode = SUT_COMPILE_SECTIONS};
		c[3 * i + 2] = (struct sut_compile){.source = f->path,
						    .text_path = f->patched_path,
						    .mode = SUT_COMPILE_SECTIONS};
	}
	c[n - 1] = (struct sut_compile){
		.source = b->fixset.files[0].path, .text_path = init, .mode = SUT_COMPILE_SECTIONS};
	for (size_t i = 0; i < n; i++)
		c[i].output = out.v[i];
	r = sut_compile_run(p, c, n, err);
	if (r < 0)
		return r;
	for (size_t i = 0; !r && i < b->nunits; i++) {
		struct sut_build_unit *u = &b->units[i];
		_cleanup_(sut_object_freep) struct sut_object *exact = NULL;

		for (int k = 0; k < 3; k++)
			u->compile_seconds[k] = c[3 * i + (size_t)k].seconds;
		r = sut_object_read(out.v[3 * i], &exact, err);
		if (!r)
			r = sut_object_read(out.v[3 * i + 1], &u->orig, err);
		if (!r)
			r = sut_object_read(out.v[3 * i + 2], &u->patched, err);
		if (!r) {
			double start = sut_now_s();

			r = sut_prove(p, exact, &u->exact, err);
			b->seconds[SUT_STEP_PROVE] += sut_now_s() - start;
		}
		if (!r)
			exact = NULL; /* the unit has it now */
	}
	return r ? r : sut_object_read(out.v[n - 1], &b->init.patched, err);
}

static int diff_unit(const struct sut_profile *p, struct sut_build *b, size_t i,
		     struct sut_err *err)
{
	struct sut_build_unit *u = &b->units[i];
	struct sut_payload_unit *out = &b->payload_units[i];
	struct sut_select_opts opts = {.source = b->fixset.files[i].path,
				       .redirectable = redirectable,
				       .line_of = line_of,
				       .wanted = wanted,
				       .ctx = u};
	int r;

	u->profile = p;
	u->build = b;
	u->text = SUT_BUF_INIT(SUT_SOURCE_MAX);
	r = sut_file_read(b->fixset.files[i].plain_path, &u->text, err);
	if (!r)
		r = sut_atoms_new(u->exact->object, &p->sizes, &u->exact_atoms, err);
	if (!r)
		r = sut_atoms_new(u->orig, &p->sizes, &u->orig_atoms, err);
	if (!r)
		r = sut_atoms_new(u->patched, &p->sizes, &u->patched_atoms, err);
	if (!r)
		r = sut_types_compare(u->orig, u->patched, opts.source, line_of, u, &b->refusals,
				      err);
	if (!r)
		r = sut_diff_new(u->orig_atoms, u->patched_atoms, &u->diff, err);
	if (!r)
		r = sut_select(u->diff, &opts, &out->selection, &b->refusals, err);
	if (r == -EOPNOTSUPP) /* told by reason: one more thing in the way */
		return sut_refuse_error(&b->refusals, opts.source, opts.source, err);
	if (r < 0)
		return r;
	out->source = opts.source;
	out->exact = u->exact;
	out->exact_atoms = u->exact_atoms;
	out->diff = u->diff;
	out->atoms = u->patched_atoms;
	return 0;
}

/* The payload's init code: all of it goes in. */
static int init_unit(const struct sut_profile *p, struct sut_build *b, struct sut_err *err)
{
	struct sut_payload_unit *out = &b->payload_units[b->nunits];
	int r = sut_atoms_new(b->init.patched, &p->sizes, &b->init.patched_atoms, err);

	if (r < 0)
		return r;
	out->source = "";
	out->atoms = b->init.patched_atoms;
	out->selection.include = calloc(out->atoms->n + 1, sizeof(bool));
	out->selection.replace = calloc(out->atoms->n + 1, sizeof(bool));
	if (!out->selection.include || !out->selection.replace)
		return sut_err_oom(err);
	for (uint32_t i = 0; i < out->atoms->n; i++)
		out->selection.include[i] =
			out->atoms->atoms[i].class == SUT_SEC_TEXT && out->atoms->atoms[i].sym;
	return 0;
}

static int name_patch(const struct sut_profile *p, const struct sut_request *q, struct sut_build *b,
		      struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf cves = SUT_BUF_INIT(1 << 20);
	char hex[SUT_SHA256_HEX];
	int r = sut_request_name(q, "local-", &b->fixset, p->build_id, sizeof(p->build_id), b->id,
				 hex, &cves, err);

	if (r < 0)
		return r;
	snprintf(b->module, sizeof(b->module), "suture_l%u_%.8s", q->level, hex);
	b->cves = strdup(sut_buf_str(&cves));
	return b->cves ? 0 : sut_err_oom(err);
}

/* A file that others include as a whole is in the kernel several times. */
static int check_includers(const struct sut_profile *p, struct sut_build *b, struct sut_err *err)
{
	_cleanup_strv_ struct sut_strv sources = {0};
	int r = sut_compile_sources(p, &sources, err);

	for (size_t i = 0; !r && i < b->nunits; i++) {
		const char *path = b->fixset.files[i].path;
		_cleanup_strv_ struct sut_strv v = {0};

		r = sut_compile_includers(p->src_dir, &sources, path, &v, err);
		if (!r && v.n)
			r = sut_refuse(
				&b->refusals, "included-source", path, path, 0,
				"%s includes this file, so the kernel has its code twice, and "
				"the second copy cannot be patched yet: leave this file out.",
				v.v[0]);
	}
	return r;
}

static int run_steps(const struct sut_profile *p, const struct sut_request *q, struct sut_build *b,
		     struct sut_err *err)
{
	struct sut_payload_info info = {
		.module = b->module, .id = b->id, .level = q->level, .busy = q->busy};
	size_t replaced = 0;
	double t = sut_now_s(), t2;
	int r;

	sut_progress_say(q->progress, "applying %zu fix%s to %s", q->nfixes,
			 q->nfixes == 1 ? "" : "es", p->package_version);
	r = sut_fixset_apply(&sut_kernel_fixset_rules, q->fixes, q->nfixes, p->src_dir, q->scratch,
			     &b->fixset, &b->refusals, err);
	b->seconds[SUT_STEP_APPLY] = (t2 = sut_now_s()) - t;
	if (r < 0 || b->refusals.n)
		return r;
	if (!b->fixset.nfiles)
		return sut_refuse(&b->refusals, "no-code", q->fixes[0], q->fixes[0], 0,
				  "the fix changes no C source file: there is nothing to patch.");
	b->nunits = b->fixset.nfiles;
	b->units = calloc(b->nunits, sizeof(*b->units));
	b->payload_units = calloc(b->nunits + 1, sizeof(*b->payload_units));
	if (!b->units || !b->payload_units)
		return sut_err_oom(err);
	r = name_patch(p, q, b, err);
	if (r < 0)
		return r;
	info.cves = b->cves;
	r = check_includers(p, b, err);
	if (r < 0 || b->refusals.n)
		return r;

	for (size_t i = 0; i < b->nunits; i++)
		sut_progress_say(q->progress, "compiling %s: exact, original, patched",
				 b->fixset.files[i].path);
	r = compile_all(p, q, b, err);
	if (r == -EOPNOTSUPP && *err->reason)
		return sut_refuse_error(&b->refusals, b->fixset.files[0].path,
					b->fixset.files[0].path, err);
	if (r < 0)
		return r;
	t = sut_now_s();
	b->seconds[SUT_STEP_COMPILE] = t - t2 - b->seconds[SUT_STEP_PROVE];
	for (size_t i = 0; i < b->nunits; i++)
		sut_progress_say(q->progress, "proving %s: %zu of %zu functions identical",
				 b->fixset.files[i].path, b->units[i].exact->identical,
				 b->units[i].exact->functions);

	sut_progress_say(q->progress, "comparing");
	for (size_t i = 0; !r && i < b->nunits; i++) {
		r = diff_unit(p, b, i, err);
		replaced += b->payload_units[i].selection.nreplace;
	}
	if (!r)
		r = init_unit(p, b, err);
	b->seconds[SUT_STEP_DIFF] = (t2 = sut_now_s()) - t;
	if (r < 0 || b->refusals.n)
		return r;
	if (!replaced)
		return sut_refuse(
			&b->refusals, "no-change", b->fixset.files[0].path, b->fixset.files[0].path,
			0,
			"the fix does not change the code of any function in this kernel: "
			"there is nothing to patch.");

	sut_progress_say(q->progress, "making the payload: %zu function%s", replaced,
			 replaced == 1 ? "" : "s");
	r = sut_payload_build(p, b->payload_units, b->nunits + 1, &info, &b->payload, err);
	if (!r)
		r = sut_selfcheck(p, b->payload.ko.data, b->payload.ko.len, err);
	b->seconds[SUT_STEP_PAYLOAD] = sut_now_s() - t2;
	return r;
}

int sut_build_kernel(const struct sut_profile *p, const struct sut_request *q, struct sut_build *b,
		     struct sut_err *err)
{
	struct sut_err own = {0};

	*b = (struct sut_build){0};
	return run_steps(p, q, b, err ? err : &own);
}

static void unit_release(struct sut_build_unit *u)
{
	sut_diff_free(u->diff);
	sut_atoms_free(u->exact_atoms);
	sut_atoms_free(u->orig_atoms);
	sut_atoms_free(u->patched_atoms);
	sut_unit_free(u->exact);
	sut_object_free(u->orig);
	sut_object_free(u->patched);
	sut_buf_release(&u->text);
}

void sut_build_release(struct sut_build *b)
{
	sut_payload_result_release(&b->payload);
	for (size_t i = 0; i < b->nunits; i++)
		unit_release(&b->units[i]);
	for (size_t i = 0; b->payload_units && i <= b->nunits; i++)
		sut_selection_release(&b->payload_units[i].selection);
	unit_release(&b->init);
	free(b->units);
	free(b->payload_units);
	free(b->cves);
	sut_fixset_release(&b->fixset);
	sut_refusals_release(&b->refusals);
	*b = (struct sut_build){0};
}
