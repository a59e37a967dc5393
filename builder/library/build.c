// SPDX-License-Identifier: Apache-2.0
#include "library/build.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "diff/backend.h"
#include "diff/types.h"
#include "library/kind.h"
#include "patch/library.h"

enum { UNITS_MAX = 512 };

const char *const sut_lib_step_name[SUT_LIB_STEPS] = {"apply", "compile", "diff", "payload"};

/* ---- callbacks of the selection ---- */

struct ask {
	struct sut_lib_build *b;
	struct sut_lib_unit *u;
	struct sut_buf text; /* the patched source */
};

static bool redirectable(void *ctx, uint32_t orig, char why[static SUT_WHY_MAX])
{
	const struct ask *a = ctx;

	return sut_lib_redirectable(a->u, orig, why);
}

static bool wanted(void *ctx, const char *name)
{
	const struct ask *a = ctx;

	for (size_t i = 0; i < a->b->nunits; i++) {
		const struct sut_object *o = a->b->units[i].patched;

		for (uint32_t s = 1; a->u != &a->b->units[i] && s < o->nsyms; s++)
			if (!o->syms[s].shndx && sut_streq(o->syms[s].name, name))
				return true;
	}
	return false;
}

static unsigned int line_of(void *ctx, const char *name)
{
	const struct ask *a = ctx;

	return sut_fix_line_of(sut_buf_str(&a->text), name);
}

/* ---- which objects ---- */

static bool affected(const struct sut_lib_object *o, const struct sut_fixset *f)
{
	for (size_t i = 0; i < f->nfiles; i++)
		if (sut_lib_made_from(o, f->files[i].path))
			return true;
	return false;
}

static int find_units(const struct sut_lib_profile *p, struct sut_lib_build *b, struct sut_err *err)
{
	size_t n = 0;
	int r = 0;

	for (size_t i = 0; i < p->nobjects; i++)
		n += affected(&p->objects[i], &b->fixset);
	if (n > UNITS_MAX)
		return sut_err_set(err, EFBIG,
				   "the fix changes what %zu objects are made from, more than %d: "
				   "move the change out of the header into the files that need it",
				   n, UNITS_MAX);
	b->units = calloc(n + 1, sizeof(*b->units));
	b->same = calloc(n + 1, sizeof(*b->same));
	if (!b->units || !b->same)
		return sut_err_oom(err);
	for (size_t i = 0; !r && i < p->nobjects; i++) {
		const struct sut_lib_object *o = &p->objects[i];

		if (!affected(o, &b->fixset))
			continue;
		if (!sut_streq(o->language, "c") && !sut_streq(o->language, "c++")) {
			r = sut_refuse(
				&b->refusals, "assembly", o->source, o->source, 0,
				"this file is made from what the fix changes, and is neither C "
				"nor C++: it cannot be patched live.");
			continue;
		}
		if (!*o->source || !o->argv[0]) {
			const char *base = strrchr(o->path, '/');

			base = base ? base + 1 : o->path;
			r = sut_refuse(
				&b->refusals, "not-recorded", base, base, 0,
				"this object is made from what the fix changes, and not from one "
				"source file of the package: it cannot be compiled again. Move the "
				"change out of the header into the files that need it.");
			continue;
		}
		b->units[b->nunits++] =
			(struct sut_lib_unit){.profile = p, .recorded = o, .source = o->source};
	}
	return r < 0 ? sut_err_oom(err) : 0;
}

/* ---- compiling ---- */

static int compile_all(const struct sut_lib_profile *p, const struct sut_request *q,
		       struct sut_lib_build *b, struct sut_err *err)
{
	static const char *const c_extra[] = {"-ffunction-sections", "-fdata-sections", "-gbtf",
					      "-w", NULL};
	static const char *const cxx_extra[] = {"-ffunction-sections", "-fdata-sections", "-g0",
						"-w", NULL};
	size_t n = b->nunits * 2;
	_cleanup_strv_ struct sut_strv out = {0};
	_cleanup_(sut_freep) struct sut_lib_compile *c = calloc(n + 1, sizeof(*c));
	_cleanup_(sut_freep) struct sut_lib_overlay *over =
		calloc(b->fixset.nfiles + 1, sizeof(*over));
	int r;

	if (!c || !over)
		return sut_err_oom(err);
	for (size_t i = 0; i < b->fixset.nfiles; i++)
		over[i] = (struct sut_lib_overlay){b->fixset.files[i].path,
						   b->fixset.files[i].patched_path};
	for (size_t i = 0; i < n; i++)
		if (sut_strv_addf(&out, "%s/%zu.%s.o", q->scratch, i / 2,
				  i % 2 ? "patched" : "orig") < 0)
			return sut_err_oom(err);
	for (size_t i = 0; i < n; i++) {
		const struct sut_lib_object *obj = b->units[i / 2].recorded;

		c[i] = (struct sut_lib_compile){.object = obj,
						.extra = sut_streq(obj->language, "c") ? c_extra
										       : cxx_extra,
						.output = out.v[i]};
		if (i % 2) {
			c[i].overlays = over;
			c[i].noverlays = b->fixset.nfiles;
		}
	}
	r = sut_lib_compile_run(p, c, n, err);
	for (size_t i = 0; !r && i < b->nunits; i++) {
		struct sut_lib_unit *u = &b->units[i];

		b->same[i].compile_seconds[0] = c[2 * i].seconds;
		b->same[i].compile_seconds[1] = c[2 * i + 1].seconds;
		r = sut_object_read(u->recorded->path, &u->exact, err);
		if (!r)
			r = sut_object_read(out.v[2 * i], &u->orig, err);
		if (!r)
			r = sut_object_read(out.v[2 * i + 1], &u->patched, err);
	}
	return r;
}

static int read_unit(struct sut_lib_build *b, size_t i, struct sut_err *err)
{
	const struct sut_backend *user = &sut_backend_user;
	struct sut_lib_unit *u = &b->units[i];
	int r = sut_lib_unit_place(u, err);

	if (!r)
		r = sut_atoms_new_for(user, u->exact, NULL, &u->exact_atoms, err);
	if (!r)
		r = sut_atoms_new_for(user, u->orig, NULL, &u->orig_atoms, err);
	if (!r)
		r = sut_atoms_new_for(user, u->patched, NULL, &u->patched_atoms, err);
	if (!r)
		r = sut_frames_read(u->patched, &u->frames, err);
	if (!r)
		r = sut_lib_same(u, err);
	for (uint32_t k = 0; !r && k < u->orig_atoms->n; k++) {
		if (u->orig_atoms->atoms[k].class != SUT_SEC_TEXT || !u->orig_atoms->atoms[k].sym)
			continue;
		b->same[i].functions++;
		b->same[i].same += !u->differs[k];
	}
	return r;
}

/* ---- comparing ---- */

static int read_text(const struct sut_lib_build *b, struct ask *a, struct sut_err *err)
{
	const char *path = NULL;

	a->text = SUT_BUF_INIT(SUT_SOURCE_MAX);
	for (size_t i = 0; i < b->fixset.nfiles; i++)
		if (!path || sut_streq(b->fixset.files[i].path, a->u->source))
			path = b->fixset.files[i].plain_path;
	return path ? sut_file_read(path, &a->text, err) : 0;
}

/* Of an executable: main() and what never returns run on until the process ends. */
static int warn_start(struct sut_lib_build *b, const struct sut_lib_unit *u)
{
	int r = 0;

	for (uint32_t i = 0; !r && i < u->patched_atoms->n; i++)
		if (u->selection.replace[i] && u->profile->executable &&
		    sut_streq(u->patched_atoms->atoms[i].name, "main"))
			r = sut_strv_add(
				&b->warnings,
				"main() changes: it is entered once, so processes that run "
				"already stay busy in the old code and are not patched");
	return r;
}

/* ld.so is nearly done when a program begins: these have run. */
static int check_loader(struct sut_lib_build *b, const struct sut_lib_unit *u)
{
	static const char *const names[] = {"_start",
					    "_dl_start",
					    "_dl_start_final",
					    "_dl_start_user",
					    "dl_main",
					    "_dl_sysdep_start",
					    "_dl_non_dynamic_init",
					    "__libc_start_main",
					    "__libc_start_main_impl",
					    "__libc_init_first",
					    "__libc_early_init"};
	int r = 0;

	for (uint32_t i = 0; !r && i < u->patched_atoms->n; i++)
		for (size_t k = 0; !r && u->selection.replace[i] && k < SUT_ARRAY_SIZE(names); k++)
			if (sut_streq(u->patched_atoms->atoms[i].name, names[k]))
				r = sut_refuse(
					&b->refusals, "init-code", names[k], u->source, 0,
					"it runs once, when a program starts: changing it has no "
					"effect on a process that runs already. Leave this part "
					"out if it is not needed for the fix.");
	return r;
}

static int diff_unit(struct sut_lib_build *b, size_t i, struct sut_err *err)
{
	struct sut_lib_unit *u = &b->units[i];
	struct ask a = {.b = b, .u = u};
	struct sut_select_opts opts = {.source = u->source,
				       .redirectable = redirectable,
				       .line_of = line_of,
				       .wanted = wanted,
				       .ctx = &a};
	int r = read_text(b, &a, err);

	if (!r && sut_streq(u->recorded->language, "c"))
		r = sut_types_compare(u->orig, u->patched, u->source, line_of, &a, &b->refusals,
				      err);
	if (!r)
		r = sut_diff_new(u->orig_atoms, u->patched_atoms, &u->diff, err);
	if (!r)
		r = sut_select(u->diff, &opts, &u->selection, &b->refusals, err);
	sut_buf_release(&a.text);
	if (r == -EOPNOTSUPP) /* told by reason: one more thing in the way */
		return sut_refuse_error(&b->refusals, u->source, u->source, err);
	if (!r && (warn_start(b, u) < 0 || check_loader(b, u) < 0))
		return sut_err_oom(err);
	return r;
}

/* ---- all of it ---- */

static int name_patch(const struct sut_lib_profile *p, const struct sut_request *q,
		      struct sut_lib_build *b, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf cves = SUT_BUF_INIT(1 << 20);
	char hex[SUT_SHA256_HEX];

	/* As every name of a patch for libraries: docs/formats/library.md. */
	return sut_request_name(q, "U-local-", &b->fixset, p->build_id, sizeof(p->build_id), b->id,
				hex, &cves, err);
}

static int apply(const struct sut_lib_profile *p, const struct sut_request *q,
		 struct sut_lib_build *b, struct sut_err *err)
{
	_cleanup_(sut_freep) char *tree =
		sut_sprintf("%s%s", sut_streq(p->root, "/") ? "" : p->root, p->src_dir);
	struct sut_lib_kind kind = {.profile = p};
	struct sut_fixset_rules rules = sut_lib_fixset_rules(&kind);
	int r;

	if (!tree)
		return sut_err_oom(err);
	r = sut_fixset_apply(&rules, q->fixes, q->nfixes, tree, q->scratch, &b->fixset,
			     &b->refusals, err);
	b->skipped = kind.skipped;
	if (r < 0 || b->refusals.n)
		return r;
	if (!b->fixset.nfiles)
		return sut_refuse(&b->refusals, b->skipped.n ? "not-built" : "no-code", p->soname,
				  q->fixes[0], 0,
				  "the fix changes nothing that %s is made from: is it for another "
				  "file of the package (--file)?",
				  p->soname);
	return find_units(p, b, err);
}

static int run_steps(const struct sut_lib_profile *p, const struct sut_request *q,
		     struct sut_lib_build *b, struct sut_err *err)
{
	double t = sut_now_s(), t2;
	size_t replaced = 0;
	int r;

	sut_progress_say(q->progress, "applying %zu fix%s to %s %s", q->nfixes,
			 q->nfixes == 1 ? "" : "es", p->source, p->source_version);
	r = apply(p, q, b, err);
	b->seconds[SUT_LIB_STEP_APPLY] = (t2 = sut_now_s()) - t;
	if (!r && !b->refusals.n)
		r = name_patch(p, q, b, err);
	if (r < 0 || b->refusals.n)
		return r;

	if (b->nunits <= 4)
		for (size_t i = 0; i < b->nunits; i++)
			sut_progress_say(q->progress, "compiling %s: original, patched",
					 b->units[i].source);
	else
		sut_progress_say(q->progress, "compiling %zu files: original, patched", b->nunits);
	r = compile_all(p, q, b, err);
	b->seconds[SUT_LIB_STEP_COMPILE] = (t = sut_now_s()) - t2;
	for (size_t i = 0; !r && i < b->nunits; i++)
		r = read_unit(b, i, err);
	if (r == -EOPNOTSUPP && *err->reason)
		return sut_refuse_error(&b->refusals, p->soname, b->units[0].source, err);
	if (r < 0)
		return r;

	sut_progress_say(q->progress, "comparing");
	for (size_t i = 0; !r && i < b->nunits; i++) {
		r = diff_unit(b, i, err);
		replaced += b->units[i].selection.nreplace;
	}
	b->seconds[SUT_LIB_STEP_DIFF] = (t2 = sut_now_s()) - t;
	if (r < 0 || b->refusals.n)
		return r;
	if (replaced) {
		sut_progress_say(q->progress, "making the payload: %zu function%s", replaced,
				 replaced == 1 ? "" : "s");
		r = sut_lib_payload_build(p, b->units, b->nunits, q->busy, &b->payload,
					  &b->refusals, err);
	}
	b->seconds[SUT_LIB_STEP_PAYLOAD] = sut_now_s() - t2;
	if (r < 0 || b->refusals.n || b->payload.nreplaced)
		return r;
	return sut_refuse(
		&b->refusals, "no-change", p->soname, b->units[0].source, 0,
		"the fix does not change the code of any function of %s: there is nothing "
		"to patch.",
		p->soname);
}

int sut_lib_build(const struct sut_lib_profile *p, const struct sut_request *q,
		  struct sut_lib_build *b, struct sut_err *err)
{
	struct sut_err own = {0};

	*b = (struct sut_lib_build){0};
	return run_steps(p, q, b, err ? err : &own);
}

void sut_lib_build_release(struct sut_lib_build *b)
{
	sut_lib_payload_release(&b->payload);
	for (size_t i = 0; i < b->nunits; i++)
		sut_lib_unit_release(&b->units[i]);
	free(b->units);
	free(b->same);
	sut_fixset_release(&b->fixset);
	sut_refusals_release(&b->refusals);
	sut_strv_release(&b->skipped);
	sut_strv_release(&b->warnings);
	*b = (struct sut_lib_build){0};
}
