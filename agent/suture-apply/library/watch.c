// SPDX-License-Identifier: Apache-2.0
#include "suture-apply/library/watch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "base/file.h"
#include "base/str.h"
#include "json/parse.h"
#include "suture-apply/library/daemon.h"

/* The whole document; a new one when there is none that can be read. NULL: memory is short. */
static json_t *read_all(const struct apply *a)
{
	struct agent_path path = agent_path(a->root, AGENT_PATCHED);
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(WATCH_FILE_MAX);
	json_t *j = NULL;

	if (sut_file_read(path.s, &b, NULL) == 0 &&
	    sut_json_object_parse(b.data, b.len, SUT_JSON_DEPTH, &j, NULL) == 0 &&
	    json_is_object(json_object_get(j, "libraries")))
		return j;
	json_decref(j);
	return json_pack("{s:s,s:i,s:{}}", "format", "suture-patched", "version", 1, "libraries");
}

static void write_all(const struct apply *a, const json_t *all)
{
	struct agent_path path = agent_path(a->root, AGENT_PATCHED);
	struct agent_path run = agent_path(a->root, AGENT_RUN);
	_cleanup_(sut_freep) char *text = json_dumps(all, JSON_COMPACT);
	struct sut_err err = {0};

	if (!text)
		(void)!sut_err_oom(&err);
	else if (sut_mkdir_p(run.s, &err) == 0)
		(void)!sut_file_write(path.s, text, strlen(text), 0600, &err);
	if (err.code)
		apply_log(LOG_WARNING, "what is watched cannot be noted: %s", err.msg);
}

/* The list of one build-id, made when it is not there. all's; NULL: memory is short. */
static json_t *list_of(json_t *all, const char *build_id, const char *name)
{
	json_t *libraries = json_object_get(all, "libraries");
	json_t *one = json_object_get(libraries, build_id), *list;

	if (!json_is_object(one)) {
		one = json_object();
		if (json_object_set_new(libraries, build_id, one) < 0)
			return NULL;
	}
	list = json_object_get(one, name);
	if (json_is_array(list))
		return list;
	list = json_array();
	return json_object_set_new(one, name, list) < 0 ? NULL : list;
}

static bool has(const json_t *list, const json_t *value)
{
	const json_t *v;
	size_t i;

	json_array_foreach(list, i, v)
		if (json_equal(v, value))
			return true;
	return false;
}

static void add(json_t *list, json_t *value, size_t max)
{
	if (list && value && json_array_size(list) < max && !has(list, value))
		(void)!json_array_append(list, value);
}

/* One page of processes; the pid to go on after, 0: it was the last. */
static json_int_t take(json_t *answer, json_t *pids, json_t *comms, json_int_t after)
{
	json_int_t next = json_integer_value(json_object_get(answer, "next"));
	json_t *p;
	size_t i;

	json_array_foreach(json_object_get(answer, "processes"), i, p) {
		json_t *comm = json_object_get(p, "comm"), *pid = json_object_get(p, "pid");

		if (json_integer_value(json_object_get(p, "level")) <= 0)
			continue;
		if (json_is_integer(pid) && json_array_size(pids) < WATCH_PIDS_MAX)
			(void)!json_array_append(pids, pid);
		if (json_is_string(comm) && json_string_length(comm) < FAULTS_COMM_MAX)
			add(comms, comm, WATCH_COMMS_MAX);
	}
	return next > after ? next : 0;
}

static int by_number(const void *a, const void *b)
{
	int64_t x = json_integer_value(*(json_t *const *)a),
		y = json_integer_value(*(json_t *const *)b);

	return (x > y) - (x < y);
}

/* Thousands of processes are seen again at each look. */
static json_t *each_once(const json_t *list)
{
	size_t n = json_array_size(list);
	json_t **v = calloc(n ? n : 1, sizeof(json_t *)), *ret = json_array();

	for (size_t i = 0; v && i < n; i++)
		v[i] = json_array_get(list, i);
	if (v)
		qsort(v, n, sizeof(json_t *), by_number);
	for (size_t i = 0; v && i < n; i++)
		if (!i || json_integer_value(v[i]) != json_integer_value(v[i - 1]))
			(void)!json_array_append(ret, v[i]);
	free(v);
	return ret;
}

void watch_patched(struct apply *a, const char *build_id)
{
	json_t *all = read_all(a), *pids = list_of(all, build_id, "pids");
	json_t *comms = list_of(all, build_id, "comms");
	json_int_t after = 0;
	struct sut_err err = {0};

	do {
		json_t *answer = NULL;

		if (daemon_ask(a,
			       json_pack("{s:s,s:s,s:I}", "verb", "processes", "build_id", build_id,
					 "after", after),
			       DAEMON_SHORT_MS, &answer, &err) < 0) {
			apply_log(LOG_NOTICE, "which processes are patched is not known: %s",
				  err.msg);
			break;
		}
		after = pids && comms ? take(answer, pids, comms, after) : 0;
		json_decref(answer);
	} while (after);
	(void)!json_object_set_new(json_object_get(json_object_get(all, "libraries"), build_id),
				   "pids", each_once(pids));
	write_all(a, all);
	json_decref(all);
}

void watch_read(const struct apply *a, const char *build_id, struct watch *ret)
{
	json_t *all = read_all(a);
	json_t *pids = list_of(all, build_id, "pids"), *comms = list_of(all, build_id, "comms");
	struct watch w = {.pids = calloc(json_array_size(pids) + 1, sizeof(*w.pids)),
			  .comms = calloc(json_array_size(comms) + 1, sizeof(*w.comms))};
	const json_t *v;
	size_t i;

	json_array_foreach(pids, i, v)
		if (w.pids && w.npids < WATCH_PIDS_MAX && json_integer_value(v) > 0)
			w.pids[w.npids++] = json_integer_value(v);
	json_array_foreach(comms, i, v) {
		const char *s = json_string_value(v);

		if (w.comms && w.ncomms < WATCH_COMMS_MAX && s && *s && strlen(s) < FAULTS_COMM_MAX)
			snprintf(w.comms[w.ncomms++], FAULTS_COMM_MAX, "%s", s);
	}
	json_decref(all);
	*ret = w;
}

void watch_release(struct watch *w)
{
	free(w->pids);
	free(w->comms);
	*w = (struct watch){0};
}

void watch_forget(struct apply *a, const char *build_id)
{
	json_t *all = read_all(a);

	if (json_object_del(json_object_get(all, "libraries"), build_id) == 0)
		write_all(a, all);
	json_decref(all);
}
