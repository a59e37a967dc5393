// SPDX-License-Identifier: Apache-2.0
#include "state.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "act.h"
#include "base/file.h"
#include "base/str.h"
#include "common/choice.h"
#include "common/conf.h"
#include "common/when.h"
#include "engine.h"
#include "errors.h"
#include "guard.h"
#include "kernel/applied.h"
#include "library/state.h"
#include "stage.h"
#include "switch.h"
#include "truth/truth.h"

/* What the state is made of. */
struct state {
	struct apply *a;
	struct machine_kernel k;
	struct guard g;
	struct machine_patch runs;
	struct choice choice;
	bool choice_known;
	json_t *facts;	/* of the patch that runs; NULL: not known */
	json_t *errors; /* of now and of before */
};

static void state_release(struct state *s)
{
	machine_patch_release(&s->runs);
	json_decref(s->facts);
	json_decref(s->errors);
}

static json_t *when_json(int64_t t)
{
	char text[WHEN_MAX];

	when_text(t, text);
	return json_string(text);
}

static json_t *kernel_json(const struct state *s)
{
	const char *version = json_string_value(json_object_get(s->facts, "package_version"));
	const struct machine_kernel *k = &s->k;
	json_t *kernel =
		json_pack("{s:o,s:o,s:s,s:s,s:s}", "release", sut_report_text(k->release), "arch",
			  sut_report_text(k->arch), "build_id", k->build_id, "kernel_id",
			  k->kernel_id, "package_version", version ? version : "");
	json_t *all = version && *version ? NULL : json_pack("{s:O}", "kernel", kernel);
	struct truth_host h;

	/* Without a patch that says it: what the system says of itself. */
	if (all && truth_host_read(s->a->root, all, &h, NULL) == 0 && *h.package_version)
		(void)!json_object_set_new(kernel, "package_version",
					   sut_report_text(h.package_version));
	json_decref(all);
	return kernel;
}

static json_t *switch_json(const struct state *s)
{
	struct switch_state sw;

	switch_read(s->a, &s->k, &s->choice, &sw);
	/* What a choice forbade that cannot be read is not known. */
	if (!s->choice_known && sw.mode == CHOICE_NORMAL)
		sw = (struct switch_state){.mode = CHOICE_NO_APPLY, .by = "choice"};
	return json_pack("{s:s,s:s}", "state", choice_mode_word(sw.mode), "by", sw.by);
}

static json_t *support_json(const struct state *s)
{
	static const char *const words[] = {
		[MACHINE_SUPPORTED] = "supported",
		[MACHINE_CONTAINER] = "container",
		[MACHINE_ARCH] = "arch",
		[MACHINE_FOREIGN] = "foreign",
	};
	enum machine_support support = MACHINE_SUPPORTED;
	struct sut_err why = {0};
	char what[256] = "";

	if (s->a->machine.support(s->a->machine.ctx, &support, what, &why) < 0)
		snprintf(what, sizeof(what), "%.255s", why.msg);
	return json_pack("{s:s,s:o}", "state", words[support], "message", sut_report_text(what));
}

static json_t *engine_json(const struct state *s)
{
	const char *refused = errors_find(s->errors, "engine-refused");
	struct machine_engine e = {0};
	struct sut_err why = {0};
	const char *word, *message = "";

	if (s->a->machine.engine(s->a->machine.ctx, &e, &why) < 0) {
		word = "missing";
		message = why.msg;
	} else if (e.loaded) {
		word = "loaded";
	} else if (refused) {
		word = "refused";
		message = refused;
	} else if (e.installed || engine_is_kept(s->a)) {
		word = "available";
	} else {
		word = "missing";
		message = "suture.ko is not installed for this kernel; it comes from the "
			  "repository with the first patch, or from the package suture-dkms";
	}
	return json_pack("{s:s,s:o,s:I,s:o}", "state", word, "version", sut_report_text(e.version),
			 "abi", (json_int_t)e.abi, "message", sut_report_text(message));
}

/* ------------------------------------------------------------------ */
/* the patch                                                           */

static bool is_it(const struct guard_patch *p, const struct machine_patch *runs)
{
	return p->id[0] && sut_streq(p->id, runs->id) && p->level == runs->level;
}

/* As the guard names what runs; NULL when it was not applied by us. */
static const struct guard_patch *in_guard(const struct state *s)
{
	const struct guard_patch *of[] = {&s->g.now, &s->g.before, &s->g.good};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(of); i++)
		if (is_it(of[i], &s->runs))
			return of[i];
	return NULL;
}

/* What `suture apply FILE` noted about it. */
static json_t *facts_by_hand(const struct state *s)
{
	struct agent_path path = agent_path(s->a->root, SUT_APPLIED_FILE);
	struct sut_applied rec;

	if (sut_applied_read(path.s, &rec, NULL) < 0 || !sut_streq(rec.id, s->runs.id) ||
	    rec.level != s->runs.level)
		return NULL;
	return json_pack("{s:s,s:o}", "sha256", rec.sha256, "signed_by",
			 sut_report_text(rec.trust.key));
}

static void find_facts(struct state *s)
{
	const struct guard_patch *p = in_guard(s);

	if (!s->runs.applied)
		return;
	if (p && stage_facts(s->a, p->sha256, &s->facts, NULL) == 0)
		return;
	s->facts = p ? json_pack("{s:s}", "sha256", p->sha256) : facts_by_hand(s);
}

static json_t *functions_json(const struct state *s)
{
	json_t *list = json_array();

	for (const char *f = s->runs.functions; list && f && *f;) {
		size_t n = strcspn(f, "\n");
		_cleanup_(sut_freep) char *name = strndup(f, n);

		if (n && (!name || json_array_append_new(list, sut_report_text(name)) < 0)) {
			json_decref(list);
			return NULL;
		}
		f += n + (f[n] == '\n');
	}
	return list;
}

static json_t *fact(const struct state *s, const char *name)
{
	json_t *v = json_object_get(s->facts, name);

	return v ? json_incref(v) : json_string("");
}

static json_t *patch_json(const struct state *s)
{
	const struct machine_patch *p = &s->runs;
	json_t *cves = json_object_get(s->facts, "cves");

	if (!p->applied)
		return json_null();
	return json_pack("{s:o,s:I,s:o,s:o,s:o,s:I,s:o,s:b,s:o}", "id", sut_report_text(p->id),
			 "level", (json_int_t)p->level, "cves",
			 cves ? json_incref(cves) : json_array(), "sha256", fact(s, "sha256"),
			 "applied_at", when_json(p->applied_at), "pause_ns",
			 (json_int_t)p->pause_ns, "functions", functions_json(s), "ours",
			 in_guard(s) != NULL, "signed_by", fact(s, "signed_by"));
}

/* ------------------------------------------------------------------ */
/* the guard                                                           */

static json_t *probation_json(const struct state *s)
{
	const struct guard *g = &s->g;
	int64_t left = g->since_uptime_s + g->probation_s - s->k.uptime_s;

	if (g->phase != GUARD_PROBATION)
		return json_null();
	return json_pack("{s:o,s:I,s:I}", "since", when_json(g->since), "seconds_left",
			 (json_int_t)(left > 0 ? left : 0), "seconds", (json_int_t)g->probation_s);
}

static json_t *good_json(const struct guard *g)
{
	if (!g->good.id[0])
		return json_null();
	return json_pack("{s:s,s:I,s:s,s:o}", "id", g->good.id, "level", (json_int_t)g->good.level,
			 "sha256", g->good.sha256, "since", when_json(g->good_since));
}

static json_t *quarantined_json(const struct guard *g)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < g->nquarantined; i++) {
		const struct guard_quarantined *q = &g->quarantined[i];

		if (json_array_append_new(list,
					  json_pack("{s:s,s:I,s:s,s:o,s:s,s:s}", "id", q->patch.id,
						    "level", (json_int_t)q->patch.level, "sha256",
						    q->patch.sha256, "at", when_json(q->at), "why",
						    q->why, "detail", q->detail)) < 0) {
			json_decref(list);
			list = NULL;
		}
	}
	return list;
}

/* ------------------------------------------------------------------ */

/* What cannot be read is told as an error, each time anew. */
static void look(struct state *s)
{
	struct apply *a = s->a;
	struct sut_err why = {0};

	if (guard_read(a->root, s->k.build_id, &s->g, &why) < 0)
		errors_add(s->errors, &why, "", a->now());
	/* That of another boot, which has not been looked at yet, says nothing of this one. */
	if (!sut_streq(s->g.boot_id, s->k.boot_id))
		s->g.phase = GUARD_IDLE;
	if (a->machine.patch(a->machine.ctx, &s->runs, &why) < 0)
		errors_add(s->errors, &why, "", a->now());
	s->choice_known = choice_read(a->root, &s->choice, &why) == 0;
	if (!s->choice_known)
		errors_add(s->errors, &why, "", a->now());
	find_facts(s);
}

/* Libraries add what they have to `quarantined` and `errors`. */
static int put_libraries(const struct state *s, json_t *all)
{
	json_t *libraries = NULL, *daemon = NULL;

	if (library_state(s->a, &s->k, json_object_get(all, "quarantined"),
			  json_object_get(all, "errors"), &libraries, &daemon) < 0)
		return -1;
	if (json_object_set_new(all, "libraries", libraries) < 0) {
		json_decref(daemon);
		return -1;
	}
	return json_object_set_new(all, "daemon", daemon);
}

static json_t *make(const struct state *s)
{
	json_t *j = json_pack("{s:s,s:i,s:o,s:o,s:s,s:o,s:I}", "format", "suture-apply-state",
			      "version", 1, "at", when_json(s->a->now()), "kernel", kernel_json(s),
			      "boot_id", s->k.boot_id, "product_uuid",
			      sut_report_text(s->k.product_uuid), "uptime_s",
			      (json_int_t)s->k.uptime_s);
	json_t *more = json_pack(
		"{s:o,s:o,s:o,s:o,s:s,s:o,s:o,s:b,s:o,s:o,s:b,s:O}", "switch", switch_json(s),
		"support", support_json(s), "engine", engine_json(s), "patch", patch_json(s),
		"phase", guard_phase_word(s->g.phase), "probation", probation_json(s), "good",
		good_json(&s->g), "unloaded", s->g.unloaded, "quarantined", quarantined_json(&s->g),
		"choice", s->choice_known ? choice_json(&s->choice) : json_null(), "residue",
		act_residue(s->a), "errors", s->errors);

	if (!j || !more || json_object_update(j, more) < 0 || put_libraries(s, j) < 0) {
		json_decref(j);
		j = NULL;
	}
	json_decref(more);
	return j;
}

int state_json(struct apply *a, json_t **ret, struct sut_err *err)
{
	_cleanup_(sut_freep) struct state *s = calloc(1, sizeof(*s));
	json_t *j;
	int r;

	if (!s)
		return sut_err_oom(err);
	s->a = a;
	r = a->machine.kernel(a->machine.ctx, &s->k, err);
	if (r < 0)
		return r;
	s->errors = json_copy(errors_of(a));
	if (s->errors)
		look(s);
	j = s->errors ? make(s) : NULL;
	state_release(s);
	if (!j)
		return sut_err_oom(err);
	*ret = j;
	return 0;
}

/* ------------------------------------------------------------------ */

static int write_state(struct apply *a, const json_t *state, struct sut_err *err)
{
	struct agent_path path = agent_path(a->root, AGENT_APPLY_STATE);
	struct agent_path run = agent_path(a->root, AGENT_RUN);
	_cleanup_(sut_freep) char *text = NULL;
	json_t *all = json_copy((json_t *)state);
	int r;

	/* The kernel shows it to root only; sutured asks for it. */
	if (all)
		(void)!json_object_del(all, "product_uuid");
	text = all ? json_dumps(all, JSON_INDENT(1)) : NULL;
	json_decref(all);
	r = text ? sut_mkdir_p(run.s, err) : sut_err_oom(err);
	return r < 0 ? r : sut_file_write(path.s, text, strlen(text), 0644, err);
}

static int tell_others(struct apply *a, const json_t *state, struct sut_err *err)
{
	_cleanup_(sut_freep) struct agent_conf *conf = calloc(1, sizeof(*conf));
	bool known = conf && agent_conf_read(a->root, conf, NULL) == 0;

	return truth_publish(a->root, state, known ? conf : NULL, err);
}

int state_tell(struct apply *a, const json_t *state, struct sut_err *err)
{
	struct sut_err why = {0}, why_truth = {0};
	int r = write_state(a, state, &why);

	if (tell_others(a, state, &why_truth) < 0) {
		apply_log(LOG_WARNING, "%s", why_truth.msg);
		if (r == 0) {
			r = -why_truth.code;
			why = why_truth;
		}
	}
	if (r < 0 && err)
		*err = why;
	return r;
}

int state_publish(struct apply *a, struct sut_err *err)
{
	struct sut_err why = {0};
	json_t *state;
	int r = state_json(a, &state, &why);

	if (r == 0) {
		r = state_tell(a, state, &why);
		json_decref(state);
	}
	if (r < 0) {
		apply_log(LOG_WARNING, "the state cannot be told: %s", why.msg);
		if (err)
			*err = why;
	}
	return r;
}

void state_failed(struct apply *a, const struct sut_err *e, const char *id)
{
	errors_add(errors_of(a), e, id, a->now());
}

void state_mended(struct apply *a)
{
	errors_drop_kernel(errors_of(a));
}

void state_mended_of(struct apply *a, const char *id)
{
	errors_drop_of(errors_of(a), id);
}
