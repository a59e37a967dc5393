// SPDX-License-Identifier: Apache-2.0
#include "sutured/job_run.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/str.h"
#include "job/result.h"
#include "json/parse.h"
#include "kernel/exit.h"
#include "patch/signature.h"
#include "sutured/apply.h"
#include "sutured/checkin.h"
#include "sutured/console.h"
#include "sutured/facts.h"
#include "sutured/job.h"
#include "sutured/job_library.h"
#include "sutured/update.h"
#include "truth/truth.h"

enum { CALL_MS = 30 * 60000 };

/* A job on its way. */
struct job {
	struct net *n;
	struct task *t;
	const struct job_from *from;
	struct sut_privkey *key; /* of this system */
	struct sut_patch_keys signers;
	struct sut_dsse_key keys[SUT_PATCH_KEYS_MAX];
	bool trusted; /* j is what somebody signed whom this machine trusts */
	struct sut_job j;
	char digest[SUT_SHA256_HEX];
	bool taken;
	int64_t begun;
	struct sut_job_steps steps;
	json_t *before, *after, *kernel; /* NULL: not known */
	json_t *result, *available, *libraries;
	char outcome[JOB_OUTCOME_MAX + 1];
	int exit;
};

static void job_release(struct job *j)
{
	sut_privkey_free(j->key);
	sut_patch_keys_release(&j->signers);
	sut_job_release(&j->j);
	json_decref(j->before);
	json_decref(j->after);
	json_decref(j->kernel);
	json_decref(j->result);
	json_decref(j->available);
	json_decref(j->libraries);
	free(j);
}

static void job_freep(struct job **j)
{
	if (*j)
		job_release(*j);
}

void job_answer_release(struct job_answer *a)
{
	free(a->result);
	*a = (struct job_answer){0};
}

/* ------------------------------------------------------------------ */

int job_exit(const char *reason)
{
	static const struct {
		const char *reason;
		int exit;
	} exits[] = {
		/* of jobs */
		{"signature", SUT_EXIT_NOT_TRUSTED},
		{"unknown-key", SUT_EXIT_NOT_TRUSTED},
		{"no-keys", SUT_EXIT_NOT_TRUSTED},
		{"keys", SUT_EXIT_NOT_TRUSTED},
		{"permissions", SUT_EXIT_NOT_TRUSTED},
		{"expired", SUT_EXIT_NOT_TRUSTED},
		{"replayed", SUT_EXIT_NOT_TRUSTED},
		{"differs", SUT_EXIT_NOT_TRUSTED},
		{"foreign", SUT_EXIT_NOT_FOR_US},
		{"no-target", SUT_EXIT_NOT_FOR_US},
		{"product", SUT_EXIT_NOT_FOR_US},
		{"not-yet", SUT_EXIT_HELD},
		{"window", SUT_EXIT_HELD},
		{"waiting", SUT_EXIT_HELD},
		{"full", SUT_EXIT_BUSY},
		/* of what they ask for: docs/formats/explain.md, docs/formats/status.md */
		{"not-registered", SUT_EXIT_NOT_REGISTERED},
		{"trouble", SUT_EXIT_NOT_REGISTERED},
		{"busy", SUT_EXIT_BUSY},
		{"unreliable-stack", SUT_EXIT_BUSY},
		{"wrong-kernel", SUT_EXIT_NOT_FOR_US},
		{"unsupported", SUT_EXIT_NOT_FOR_US},
		{"no-patch", SUT_EXIT_NOT_FOR_US},
		{"not-in-repository", SUT_EXIT_NOT_FOR_US},
		{"conflict", SUT_EXIT_CONFLICT},
		{"mismatch", SUT_EXIT_CONFLICT},
		{"changed", SUT_EXIT_CONFLICT},
		{"ftrace", SUT_EXIT_CONFLICT},
		{"bad-signature", SUT_EXIT_NOT_TRUSTED},
		{"mode", SUT_EXIT_HELD},
		{"disabled", SUT_EXIT_HELD},
		{"no-apply", SUT_EXIT_HELD},
		{"off-mode", SUT_EXIT_HELD},
		{"off-file", SUT_EXIT_HELD},
		{"off-cmdline", SUT_EXIT_HELD},
		{"pin", SUT_EXIT_HELD},
		{"hold", SUT_EXIT_HELD},
		{"held", SUT_EXIT_HELD},
		{"portal-held", SUT_EXIT_HELD},
		{"stop-flag", SUT_EXIT_HELD},
		{"unreachable", SUT_EXIT_UNREACHABLE},
		{"repository-silent", SUT_EXIT_UNREACHABLE},
		{"metadata-expired", SUT_EXIT_UNREACHABLE},
		{"quarantined", SUT_EXIT_QUARANTINED},
		{"residue", SUT_EXIT_REBOOT_NEEDED},
		{"reboot-needed", SUT_EXIT_REBOOT_NEEDED},
	};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(exits); i++)
		if (strcmp(exits[i].reason, reason) == 0)
			return exits[i].exit;
	return SUT_EXIT_ERROR;
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void step_begin(struct job *j, const char *step)
{
	sut_job_step_begin(&j->steps, step, net_now(j->n), now_ms());
	task_progress(j->t, step, "begin", "", 0, 0);
}

static void step_end(struct job *j, const char *step, const char *text)
{
	sut_job_step_end(&j->steps, step, false, text, net_now(j->n), now_ms());
	task_progress(j->t, step, "end", text, 0, 0);
}

/* What others do for the job is told by their progress. */
static void note(void *ctx, const char *step, const char *state, const char *text)
{
	struct job *j = ctx;

	if (strcmp(state, "begin") == 0)
		sut_job_step_begin(&j->steps, step, net_now(j->n), now_ms());
	else if (strcmp(state, "end") == 0)
		sut_job_step_end(&j->steps, step, false, text, net_now(j->n), now_ms());
}

/* ------------------------------------------------------------------ */
/* What runs.                                                          */

/* NULL when memory is short. */
static json_t *running(const char *root, const json_t *state)
{
	const json_t *patch = json_object_get(state, "patch");
	struct truth_host host;
	char effective[2 * TRUTH_WORD_MAX] = "";

	if (truth_host_read(root, state, &host, NULL) == 0)
		(void)!truth_effective(state, &host, effective);
	return json_pack(
		"{s:s, s:I, s:s?, s:s, s:s, s:O?, s:O?}", "patchset", sut_json_text(patch, "id"),
		"level", json_integer_value(json_object_get(patch, "level")), "effective_version",
		*effective ? effective : NULL, "boot_id", sut_json_text(state, "boot_id"), "phase",
		sut_json_text(state, "phase"), "probation", json_object_get(state, "probation"),
		"quarantined", json_object_get(state, "quarantined"));
}

/* Of the root half as it is now. */
static int look(struct job *j, bool ask, json_t **ret, json_t **ret_state, struct sut_err *err)
{
	json_t *state = NULL;
	int r = apply_state(j->n, ask, &state, err);

	if (r < 0)
		return r;
	json_decref(*ret);
	*ret = running(j->n->root, state);
	if (!j->kernel)
		j->kernel = json_incref(json_object_get(state, "kernel"));
	if (ret_state)
		*ret_state = json_incref(state);
	json_decref(state);
	return *ret ? 0 : sut_err_oom(err);
}

/* ------------------------------------------------------------------ */
/* The result.                                                         */

static json_t *host(struct job *j)
{
	char name[FACTS_HOST_MAX + 1], id[SUT_DSSE_KEYID], machine[IDENTITY_MACHINE + 1];
	_cleanup_(sut_pubkey_freep) struct sut_pubkey *public = NULL;
	uint8_t raw[SUT_ED25519_LEN];

	if (facts_machine_id(j->n->root, machine, NULL) < 0)
		memcpy(machine, j->n->id.machine_id, sizeof(machine));
	facts_hostname(j->n, machine, name);
	if (sut_privkey_public(j->key, &public, NULL) < 0 || sut_pubkey_ed25519(public, raw) < 0)
		return NULL;
	sut_dsse_keyid(raw, id);
	return json_pack("{s:s, s:s?, s:s, s:s, s:s}", "system_id", j->n->id.system_id,
			 "external_id", *j->n->id.external_id ? j->n->id.external_id : NULL,
			 "hostname", name, "machine_id", machine, "key_id", id);
}

static int make_result(struct job *j, const struct sut_err *why, char **ret, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf text = SUT_BUF_INIT(SUT_JOB_RESULT_MAX);
	_cleanup_buf_ struct sut_buf out = SUT_BUF_INIT(SUT_DSSE_MAX);
	struct sut_job_report r = {.job = j->trusted ? j->j.id : NULL,
				   .issuer = j->trusted ? j->j.issuer : NULL,
				   .action = j->trusted ? sut_job_action_word(j->j.action) : NULL,
				   .manifest_sha256 = *j->digest ? j->digest : NULL,
				   .agent = SUTURE_VERSION,
				   .outcome = j->outcome,
				   .exit = j->exit,
				   .dry_run = j->j.dry_run || j->j.action == SUT_JOB_PREFLIGHT,
				   .begun = j->begun,
				   .ended = net_now(j->n),
				   .host = host(j),
				   .kernel = j->kernel,
				   .before = j->before,
				   .after = j->after,
				   .available = j->available,
				   .libraries = j->libraries,
				   .result = j->result,
				   .steps = &j->steps,
				   .error = why};
	int ret_code = r.host ? sut_job_result_make(&r, &text, err) : sut_err_oom(err);

	json_decref(r.host);
	if (ret_code == 0)
		ret_code =
			sut_dsse_sign(j->key, SUT_JOB_RESULT_TYPE, text.data, text.len, &out, err);
	if (ret_code < 0)
		return ret_code;
	*ret = (char *)sut_steal(out.data);
	return 0;
}

/* ------------------------------------------------------------------ */
/* Is it genuine, for us, and its time?                                */

static int read_keys(struct job *j, struct sut_err *err)
{
	struct agent_path path = agent_path(j->n->root, AGENT_JOB_KEYS);
	int r = sut_patch_keys_read(path.s, &j->signers, err);

	if (r < 0)
		return r == -ENOMEM || *err->reason
			       ? r
			       : sut_err_reason(err, -r, "keys", "%s", err->msg);
	for (size_t i = 0; i < j->signers.n; i++) {
		j->keys[i].name = j->signers.v[i].name;
		memcpy(j->keys[i].key, j->signers.v[i].pub.key, SUT_ED25519_LEN);
	}
	if (!j->signers.n)
		return sut_err_reason(err, ENOKEY, "no-keys",
				      "this machine takes jobs from nobody yet (there is no .pub "
				      "file in %s). Put the public key of the platform there",
				      path.s);
	return 0;
}

/* Of what nobody trusts, too, so that who sent it knows which it was. */
static void digest_of(const char *envelope, size_t len, char ret[static SUT_SHA256_HEX])
{
	struct sut_dsse d = {0};

	if (sut_dsse_parse(envelope, len, &d, NULL) < 0)
		return;
	sut_sha256_hex(d.payload.data ? d.payload.data : (const uint8_t *)"", d.payload.len, ret);
	sut_dsse_release(&d);
}

static int genuine(struct job *j, const char *envelope, size_t len, struct sut_err *err)
{
	const struct sut_dsse_key *by = NULL;
	int r;

	step_begin(j, "manifest");
	digest_of(envelope, len, j->digest);
	r = read_keys(j, err);
	if (r == 0)
		r = sut_job_open(envelope, len, j->keys, j->signers.n, &j->j, j->digest, &by, err);
	if (r < 0)
		return r;
	j->trusted = true;
	if (!sut_job_names(&j->j, j->n->id.system_id, j->n->id.external_id))
		return sut_err_reason(err, EXDEV, "foreign",
				      "the job %s is for other systems: this one, %s, is not "
				      "among those it names",
				      j->j.id, j->n->id.system_id);
	if (j->j.library && !j->n->conf.libraries)
		return sut_err_reason(
			err, EOPNOTSUPP, "product",
			"the job %s is to patch libraries, and agent.conf of this "
			"machine says 'libraries = no'. Name the product kernel alone",
			j->j.id);
	if (!j->j.kernel && j->j.action == SUT_JOB_VERIFY)
		return sut_err_reason(err, EOPNOTSUPP, "product",
				      "the job %s is to compare code, which is done for the kernel "
				      "alone. Name the product kernel",
				      j->j.id);
	step_end(j, "manifest", by->name);
	return 0;
}

/* 0: it may begin, or (*ret_opens is set) it has to wait until then. */
static int in_time(struct job *j, int64_t *ret_opens, struct sut_err *err)
{
	struct agent_window w[AGENT_WINDOWS_MAX];
	int64_t floor = 0, now = net_now(j->n), opens = 0;
	int r = sut_job_fresh(&j->j, now, err);
	char at[32];

	_Static_assert((int)SUT_JOB_WINDOWS_MAX <= (int)AGENT_WINDOWS_MAX, "room for windows");
	if (r == -EAGAIN && j->j.wait) {
		*ret_opens = j->j.not_before;
		return 0;
	}
	if (r == 0)
		r = job_store_floor(j->n->root, &floor, err);
	if (r == 0 && j->j.expires <= floor)
		r = sut_err_reason(err, ETIME, "expired",
				   "the job %s had expired already when this machine forgot the "
				   "jobs of then: its clock has gone back. Set it right",
				   j->j.id);
	for (size_t i = 0; r == 0 && i < j->j.windows.n; i++) {
		r = agent_window_parse(j->j.windows.v[i], &w[i], err);
		if (r < 0 && r != -ENOMEM)
			r = sut_err_reason(err, EBADMSG, "format", "the manifest: windows[%zu]: %s",
					   i, err->msg);
	}
	if (r < 0 || !j->j.windows.n || j->from->force ||
	    agent_window_open(w, j->j.windows.n, now, &opens))
		return r;
	if (j->j.wait && opens < j->j.expires) {
		*ret_opens = opens;
		return 0;
	}
	sut_job_time(opens, at);
	return sut_err_reason(err, EAGAIN, "window",
			      "the job %s may only run in its window, which opens at %s. %s",
			      j->j.id, at,
			      j->j.wait ? "It will have expired then"
					: "Run it again then, or give it the option wait");
}

/* ------------------------------------------------------------------ */
/* Doing it.                                                           */

static void set_outcome(struct job *j, const char *word)
{
	(void)snprintf(j->outcome, sizeof(j->outcome), "%s", word);
}

/* A suture-result of the root half becomes the outcome; an error when it is none. */
static int take_result(struct job *j, struct sut_err *err)
{
	const json_t *e = json_object_get(j->result, "error");
	json_int_t exit = json_integer_value(json_object_get(j->result, "exit"));
	const char *word = sut_json_text(j->result, "outcome");

	if (!*word)
		return sut_err_reason(
			err, EPROTO, "root-half",
			"suture-apply did not say what came of it; see 'journalctl -u "
			"suture-apply'");
	set_outcome(j, word);
	j->exit = exit < 0 || exit > 255 ? SUT_EXIT_ERROR : (int)exit;
	if (!j->exit)
		return 0;
	return sut_err_reason(err, EREMOTEIO, word, "%s",
			      *sut_json_text(e, "message") ? sut_json_text(e, "message") : word);
}

/* What it tells now. That it does not answer is no reason not to go on with what it told. */
static void ask_portal(struct job *j)
{
	struct sut_err err = {0};

	step_begin(j, "portal");
	step_end(j, "portal", checkin_now(j->n, &err) < 0 ? err.msg : "");
}

static int do_update(struct job *j, const json_t *state, struct sut_err *err)
{
	const struct sut_job_target *target =
		sut_job_target(&j->j, sut_json_text(json_object_get(state, "kernel"), "build_id"));
	bool dry = j->j.dry_run || j->j.action == SUT_JOB_PREFLIGHT;
	char by[SUT_JOB_ID_MAX + 8];
	struct update_ask ask = {.asks = DECIDE_ASKS_ROOT,
				 .level = target->goal == SUT_JOB_LEVEL ? target->level : 0,
				 .id = target->goal == SUT_JOB_PATCHSET ? target->patchset : NULL,
				 .sha256 = *target->sha256 ? target->sha256 : NULL,
				 .no_down = !j->j.down,
				 .dry_run = dry,
				 .by = by};
	json_t *got = NULL;
	int r;

	(void)snprintf(by, sizeof(by), "job %s", j->j.id);
	r = update_now(j->n, j->t, &ask, &got, err);
	j->result = json_incref(json_object_get(got, "result"));
	if (r == 0 && json_is_object(j->result)) {
		r = take_result(j, err);
		if (r == 0 && dry)
			set_outcome(j, "ready");
	} else if (r == 0 && strcmp(sut_json_text(got, "action"), "staged") == 0) {
		r = sut_err_reason(err, EPERM, "held",
				   "only root may apply it now: suture update --force");
	} else if (r == 0) {
		set_outcome(j, "current");
	}
	json_decref(got);
	return r;
}

static int do_call(struct job *j, const char *verb, struct sut_err *err)
{
	char by[SUT_JOB_ID_MAX + 8];
	json_t *answer = NULL;
	int r;

	(void)snprintf(by, sizeof(by), "job %s", j->j.id);
	step_begin(j, verb);
	r = apply_call(j->n, j->t,
		       json_pack("{s:s, s:s, s:s}", "verb", verb, "by", by, "reason", j->j.issuer),
		       NULL, CALL_MS, &answer, err);
	j->result = json_incref(json_object_get(answer, "result"));
	if (r == 0)
		r = take_result(j, err);
	if (r == 0)
		step_end(j, verb, "");
	json_decref(answer);
	return r;
}

static int do_unload(struct job *j, const json_t *state, struct sut_err *err)
{
	int r;

	if (j->j.dry_run) {
		set_outcome(j, json_is_object(json_object_get(state, "patch")) ? "ready"
									       : "nothing-applied");
		return 0;
	}
	r = do_call(j, "unload", err);
	checkin_soon(j->n);
	return r;
}

static int do_check(struct job *j, struct sut_err *err)
{
	int r;

	ask_portal(j);
	step_begin(j, "metadata");
	r = update_refresh(j->n, err);
	j->available = json_pack("{s:o?, s:o?, s:o?, s:o?}", "available",
				 state_get(j->n, "available"), "told", state_get(j->n, "told"),
				 "held", state_get(j->n, "held"), "stop", state_get(j->n, "stop"));
	if (j->j.library && j->available)
		(void)json_object_set_new(j->available, "libraries", state_get(j->n, "libraries"));
	if (r < 0)
		return r;
	step_end(j, "metadata", "");
	set_outcome(j, "checked");
	return 0;
}

/* Is the kernel meant? An entry that names its build, or a general one. */
static bool for_kernel(const struct job *j, const json_t *state)
{
	bool wanted = j->j.action == SUT_JOB_APPLY || j->j.action == SUT_JOB_PREFLIGHT;

	return j->j.kernel &&
	       (!wanted ||
		sut_job_target(&j->j, sut_json_text(json_object_get(state, "kernel"), "build_id")));
}

static int perform_kernel(struct job *j, const json_t *state, struct sut_err *err)
{
	switch (j->j.action) {
	case SUT_JOB_APPLY:
	case SUT_JOB_PREFLIGHT:
		return do_update(j, state, err);
	case SUT_JOB_UNLOAD:
		return do_unload(j, state, err);
	case SUT_JOB_VERIFY:
		return do_call(j, "verify", err);
	case SUT_JOB_CHECK:
		return do_check(j, err);
	}
	return sut_err_set(err, EINVAL, "there is no such action");
}

/* The kernel first. What fails there keeps no library back. */
static int perform(struct job *j, const json_t *state, struct sut_err *err)
{
	bool kernel = for_kernel(j, state) || j->j.action == SUT_JOB_CHECK;
	char by[SUT_JOB_ID_MAX + 8];
	const char *word = "";
	struct sut_err why = {0};
	int r, l;

	/* What is newest it knows; of libraries it hears in how many processes they are, too. */
	for (size_t i = 0; i < j->j.ntargets; i++)
		if (j->j.targets[i].goal == SUT_JOB_LATEST) {
			ask_portal(j);
			break;
		}
	r = kernel ? perform_kernel(j, state, err) : 0;
	if (!j->j.library)
		return r;
	(void)snprintf(by, sizeof(by), "job %s", j->j.id);
	step_begin(j, "libraries");
	l = job_library_run(j->n, j->t, &j->j, by, &j->libraries, &word, &why);
	if (l == 0)
		step_end(j, "libraries", "");
	if (l < 0 && r == 0) {
		*err = why;
		return l;
	}
	/* What was done is what is told, when it was done to libraries alone. */
	if (r == 0 && *word &&
	    (!kernel || strcmp(j->outcome, "current") == 0 ||
	     strcmp(j->outcome, "nothing-applied") == 0))
		set_outcome(j, word);
	return r;
}

/* ------------------------------------------------------------------ */

/* That it was taken, and how it stands, is on disk before anything else happens. */
static int record(struct job *j, enum job_state state, const char *envelope, const char *result,
		  struct sut_err *err)
{
	struct job_record rec = {.expires = j->j.expires,
				 .taken_at = j->begun,
				 .state = state,
				 .console = j->from->console,
				 .exit = j->exit,
				 .envelope = (char *)envelope,
				 .result = (char *)result};

	memcpy(rec.id, j->j.id, sizeof(rec.id));
	memcpy(rec.digest, j->digest, sizeof(rec.digest));
	memcpy(rec.outcome, j->outcome, sizeof(rec.outcome));
	return job_store_put(j->n->root, &rec, err);
}

/* 1: *ret is the answer. 0: it was never taken, or waits. */
static int known(struct job *j, struct job_answer *ret, struct sut_err *err)
{
	struct job_record rec = {0};
	int r = job_store_find(j->n->root, j->j.id, &rec, err);

	if (r == -ENOENT) {
		*err = (struct sut_err){0};
		return 0;
	}
	if (r < 0)
		return r;
	if (strcmp(rec.digest, j->digest) != 0 || (rec.state == JOB_DONE && !rec.result)) {
		r = sut_err_reason(
			err, EEXIST, "replayed",
			"the id %s was taken by %s already, and a job is done once. Give "
			"the job an id of its own",
			j->j.id, strcmp(rec.digest, j->digest) != 0 ? "another job" : "this job");
	} else if (rec.state == JOB_DONE) {
		ret->result = sut_steal(rec.result);
		memcpy(ret->outcome, rec.outcome, sizeof(ret->outcome));
		ret->exit = rec.exit;
		ret->stored = true;
		r = 1;
	} else if (rec.state == JOB_TAKEN) {
		/* Nothing else runs, so it was interrupted, and job_init() could not write it down. */
		r = sut_err_reason(err, EINTR, "interrupted",
				   "the job %s was interrupted; it is not known how far it came",
				   j->j.id);
	}
	job_record_release(&rec);
	return r;
}

static int wait_for(struct job *j, const char *envelope, int64_t opens, struct sut_err *err)
{
	int64_t in = opens - net_now(j->n);
	int r;

	set_outcome(j, "waiting");
	j->exit = SUT_EXIT_HELD;
	r = record(j, JOB_WAITING, envelope, NULL, err);
	if (r == 0)
		net_due_by(j->n, NET_DUE_JOB, in < 1 ? 1 : in);
	return r;
}

static int take(struct job *j, const char *envelope, json_t **ret_state, struct sut_err *err)
{
	bool wanted = j->j.action == SUT_JOB_APPLY || j->j.action == SUT_JOB_PREFLIGHT;
	const char *build_id;
	int r;

	r = look(j, true, &j->before, ret_state, err);
	if (r < 0)
		return r;
	build_id = sut_json_text(json_object_get(*ret_state, "kernel"), "build_id");
	if (wanted && !for_kernel(j, *ret_state) && !job_library_named(j->n, &j->j))
		return sut_err_reason(
			err, ENOENT, "no-target",
			"the job %s says nothing about %s (build-id of the kernel: %s). Name "
			"it in targets, or add an entry without build_id",
			j->j.id,
			j->j.kernel && !j->j.library ? "this kernel"
			: j->j.kernel ? "this kernel, or a library that is in use here"
				      : "a library that is in use here",
			build_id);
	r = record(j, JOB_TAKEN, envelope, NULL, err);
	j->taken = r == 0;
	return r;
}

/* 0 or an error, with the outcome in j; 1: *ret is the answer of then. */
static int run(struct job *j, const char *envelope, size_t len, struct job_answer *ret,
	       struct sut_err *err)
{
	json_t *state = NULL;
	int64_t opens = 0;
	int r = genuine(j, envelope, len, err);

	if (r == 0)
		r = known(j, ret, err);
	if (r != 0)
		return r;
	r = in_time(j, &opens, err);
	if (r == 0 && opens) {
		ret->waiting = true;
		return wait_for(j, envelope, opens, err);
	}
	if (r == 0)
		r = take(j, envelope, &state, err);
	if (r == 0) {
		r = perform(j, state, err);
		/* Of the repository's metadata, not of the manifest. */
		if (r < 0 && strcmp(err->reason, "expired") == 0)
			(void)snprintf(err->reason, sizeof(err->reason), "metadata-expired");
		/* What happened is told even when it cannot be looked at. */
		(void)!look(j, true, &j->after, NULL, NULL);
	}
	json_decref(state);
	return r;
}

/* The word and the exit status of what went wrong, and the step it went wrong in. */
static void fail(struct job *j, const struct sut_err *why)
{
	const char *word = *why->reason ? why->reason : "error";
	struct sut_job_step *last = j->steps.n ? &j->steps.v[j->steps.n - 1] : NULL;

	if (last && !last->ended)
		sut_job_step_end(&j->steps, last->name, true, why->msg, net_now(j->n), now_ms());
	else if (last && j->taken)
		last->failed = true; /* the root half ends a step before it says how it went */
	set_outcome(j, word);
	if (!j->exit)
		j->exit = job_exit(word);
}

void job_run(struct net *n, struct task *t, const char *envelope, size_t len,
	     const struct job_from *from, struct job_answer *ret)
{
	_cleanup_(job_freep) struct job *j = calloc(1, sizeof(*j));
	struct sut_err err = {0}, late = {0};
	int r;

	*ret = (struct job_answer){0};
	if (!j) {
		sut_err_oom(&ret->why);
		ret->exit = SUT_EXIT_ERROR;
		return;
	}
	*j = (struct job){.n = n, .t = t, .from = from, .begun = net_now(n)};
	if (t) {
		t->note = note;
		t->note_ctx = j;
	}
	r = identity_registered(&n->id)
		    ? job_key_read(n->root, &j->key, &err)
		    : sut_err_reason(&err, ENOENT, "not-registered",
				     "this machine is not registered, so no job can be for it. "
				     "Register it: suture register");
	if (r == 0)
		r = run(j, envelope, len, ret, &err);
	if (t)
		t->note = NULL;
	if (r == 1)
		return;
	if (r < 0) {
		ret->waiting = false;
		fail(j, &err);
		ret->why = err;
	}
	if (j->key && make_result(j, r < 0 ? &err : NULL, &ret->result, &late) < 0)
		net_log(NET_WARNING, "job %s: no result: %s", j->j.id, late.msg);
	if (j->taken && record(j, JOB_DONE, NULL, ret->result, &late) < 0)
		net_log(NET_WARNING, "job %s: the result is not kept: %s", j->j.id, late.msg);
	memcpy(ret->outcome, j->outcome, sizeof(ret->outcome));
	ret->exit = j->exit;
	net_log(NET_INFO, "job %s: %s", j->trusted ? j->j.id : "(not trusted)", j->outcome);
}

void job_give_up(struct net *n, struct job_record *rec, const struct sut_err *why)
{
	_cleanup_(job_freep) struct job *j = calloc(1, sizeof(*j));
	const struct job_from from = {.console = rec->console};
	struct sut_err err = {0};
	char *result = NULL;
	int r;

	if (!j)
		return;
	*j = (struct job){.n = n, .from = &from, .begun = rec->taken_at, .trusted = true};
	r = job_key_read(n->root, &j->key, &err);
	if (r == 0)
		r = sut_job_open(rec->envelope, strlen(rec->envelope), NULL, 0, &j->j, j->digest,
				 NULL, &err);
	if (r == 0) {
		fail(j, why);
		(void)!look(j, false, &j->after, NULL, NULL);
		r = make_result(j, why, &result, &err);
	}
	if (r == 0)
		r = record(j, JOB_DONE, NULL, result, &err);
	if (r == 0 && rec->console)
		console_result(n, result);
	free(result);
	net_log(r < 0 ? NET_WARNING : NET_INFO, "job %s: %s", rec->id, r < 0 ? err.msg : why->msg);
}
