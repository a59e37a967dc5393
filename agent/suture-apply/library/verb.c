// SPDX-License-Identifier: Apache-2.0
#include "suture-apply/library/verb.h"

#include <errno.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "base/file.h"
#include "common/conf.h"
#include "suture-apply/library/act.h"
#include "suture-apply/library/daemon.h"
#include "suture-apply/library/state.h"

static int no_build_id(struct sut_err *err)
{
	return sut_err_reason(err, EINVAL, "request",
			      "'build_id' of the request must be 40 lower-case hexadecimal digits. "
			      "Are all programs of the agent of the same version?");
}

/* *ret: NULL when none was given. */
static int build_id_of(const struct verb_call *c, const char **ret, struct sut_err *err)
{
	const json_t *v = json_object_get(c->request, "build_id");
	const char *s = json_string_value(v);

	if (v && !json_is_null(v) && (!s || !store_is_build_id(s)))
		return no_build_id(err);
	*ret = s;
	return 0;
}

/* What is told beside every answer; what cannot be had is left out. */
static int put_state(struct apply *a, json_t *answer, bool with_daemon, struct sut_err *err)
{
	json_t *libraries = NULL, *daemon = NULL;
	struct machine_kernel k;
	int r = a->machine.kernel(a->machine.ctx, &k, err);

	if (r == 0 && library_state(a, &k, NULL, NULL, &libraries, &daemon) < 0)
		r = sut_err_oom(err);
	if (r < 0)
		return r;
	if (with_daemon)
		(void)!json_object_set_new(answer, "daemon", daemon);
	else
		json_decref(daemon);
	return json_object_set_new(answer, "libraries", libraries) < 0 ? sut_err_oom(err) : 0;
}

static void tell_state(struct apply *a, json_t *answer)
{
	struct sut_err err = {0};

	if (put_state(a, answer, false, &err) < 0)
		apply_log(LOG_WARNING, "the state cannot be told: %s", err.msg);
}

/* What root said in agent.conf, sutured cannot go beyond. */
static int check_conf(struct apply *a, const struct verb_call *c, struct sut_err *err)
{
	struct agent_conf *conf = calloc(1, sizeof(*conf));
	int r = conf ? agent_conf_read(a->root, conf, err) : sut_err_oom(err);

	if (r == 0 && !conf->libraries && !c->root)
		r = sut_err_reason(err, EPERM, "mode",
				   "agent.conf says 'libraries = no': no patch of a library is "
				   "applied here but by root");
	free(conf);
	return r;
}

int verb_lib_apply(struct apply *a, struct verb_call *c, json_t *answer, struct sut_err *err)
{
	char sha256[SUT_SHA256_HEX];
	struct act_opts o = {0};
	json_t *result = NULL;
	int r = verb_sha256(c, false, sha256, err);

	if (r == 0)
		r = verb_act_options(c, &o, err);
	if (r == 0)
		r = check_conf(a, c, err);
	if (r < 0)
		return r;
	r = library_apply(a, sha256, &o, &result, err);
	if (result)
		(void)!json_object_set_new(answer, "result", result);
	tell_state(a, answer);
	return r;
}

int verb_lib_unload(struct apply *a, struct verb_call *c, json_t *answer, struct sut_err *err)
{
	const char *build_id = NULL;
	struct act_opts o = {0};
	json_t *result = NULL;
	int r = build_id_of(c, &build_id, err);

	if (r == 0)
		r = verb_act_options(c, &o, err);
	if (r < 0)
		return r;
	o.on_purpose = true;
	r = library_unload(a, build_id, &o, &result, err);
	if (result)
		(void)!json_object_set_new(answer, "result", result);
	tell_state(a, answer);
	return r;
}

int verb_lib_status(struct apply *a, struct verb_call *c _unused_, json_t *answer,
		    struct sut_err *err)
{
	struct sut_err why = {0};

	/* Who asks is answered, also while somebody else is at work. */
	if (apply_lock(a, 0, NULL) == 0 && library_settle(a, &why) < 0)
		apply_log(LOG_WARNING, "the probation cannot be ended: %s", why.msg);
	return put_state(a, answer, true, err);
}

/* As suture-process says it: the question is made anew, and of the answer only the list is taken. */
static int pass_on(struct apply *a, json_t *request, const char *list, json_t *answer,
		   struct sut_err *err)
{
	static const char *const members[] = {"next"};
	json_t *said = NULL, *v;
	int r = daemon_ask(a, request, DAEMON_SHORT_MS, &said, err);

	if (r < 0)
		return r;
	v = json_object_get(said, list);
	r = json_object_set_new(answer, list, v ? json_incref(v) : json_array());
	for (size_t i = 0; r == 0 && i < SUT_ARRAY_SIZE(members); i++) {
		v = json_object_get(said, members[i]);
		if (v)
			r = json_object_set(answer, members[i], v);
	}
	json_decref(said);
	return r < 0 ? sut_err_oom(err) : 0;
}

int verb_lib_processes(struct apply *a, struct verb_call *c, json_t *answer, struct sut_err *err)
{
	const json_t *after = json_object_get(c->request, "after");
	const char *build_id = NULL;
	json_t *q;
	int r = build_id_of(c, &build_id, err);

	if (r == 0 && after && (!json_is_integer(after) || json_integer_value(after) < 0))
		r = sut_err_reason(err, EINVAL, "request",
				   "'after' of the request must be a pid. Are all programs of the "
				   "agent of the same version?");
	if (r < 0)
		return r;
	q = json_pack("{s:s,s:I}", "verb", "processes", "after", json_integer_value(after));
	if (q && build_id && json_object_set_new(q, "build_id", json_string(build_id)) < 0) {
		json_decref(q);
		q = NULL;
	}
	return pass_on(a, q, "processes", answer, err);
}

/* It need not run as long as nothing is to run, and then who wants to know what is in use starts it for this once. */
static int files_once(struct apply *a, json_t *answer, struct sut_err *err)
{
	struct machine_kernel k;
	json_t *libraries = NULL, *daemon = NULL;
	/* Its unit looks for this: at a boot it is not to start for nothing. */
	struct agent_path asked = agent_path(a->root, AGENT_ASKED);
	bool wanted = true;
	int r = sut_file_write(asked.s, "", 0, 0644, err);

	if (r == 0)
		r = daemon_start(a, err);
	(void)!unlink(asked.s);
	if (r == 0)
		r = pass_on(a, json_pack("{s:s}", "verb", "files"), "files", answer, err);
	if (r == 0 && a->machine.kernel(a->machine.ctx, &k, NULL) == 0 &&
	    library_state(a, &k, NULL, NULL, &libraries, &daemon) == 0) {
		const json_t *l;
		size_t i;

		wanted = false;
		json_array_foreach(libraries, i, l)
			if (json_integer_value(json_object_get(l, "level")) > 0)
				wanted = true;
	}
	json_decref(libraries);
	json_decref(daemon);
	if (!wanted)
		daemon_stop(a);
	return r;
}

int verb_lib_files(struct apply *a, struct verb_call *c _unused_, json_t *answer,
		   struct sut_err *err)
{
	struct sut_err why = {0};
	int r = pass_on(a, json_pack("{s:s}", "verb", "files"), "files", answer, &why);

	if (r == -ENOENT || r == -ECONNREFUSED)
		return files_once(a, answer, err);
	if (r < 0 && err)
		*err = why;
	return r;
}
