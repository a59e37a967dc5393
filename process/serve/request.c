// SPDX-License-Identifier: Apache-2.0
/* The verbs of the daemon: docs/internals/process.md has the table. */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <string.h>

#include "base/file.h"
#include "serve/pass.h"
#include "serve/watch.h"
#include "wire/wire.h"

enum { REQUEST_MS = 10000 };

struct call {
	struct serve *s;
	int fd;
	json_t *request;
	struct wire_fds fds;
};

static void tell(void *ctx, size_t done, size_t total)
{
	(void)wire_progress(*(int *)ctx, "processes", "note", "", done, total);
}

static int add_libraries(struct serve *s, json_t *answer, struct sut_err *err)
{
	struct wanted *w = serve_wanted(s);
	json_t *list = table_libraries(&s->table, w);

	wanted_unref(w);
	return list && json_object_set_new(answer, "libraries", list) == 0 ? 0 : sut_err_oom(err);
}

/* Everybody, now; whoever of us is last waits for its turn. */
static int look_at_all(struct call *c, const struct wanted *w, struct sut_err *err)
{
	int r = pass_all(c->s, w, tell, &c->fd, err);

	malloc_trim(0);
	return r;
}

/* ------------------------------------------------------------------ */

static int take_patches(struct call *c, struct wanted *w, struct sut_err *err)
{
	const json_t *list = json_object_get(c->request, "patches");

	if ((list && !json_is_array(list)) || json_array_size(list) != c->fds.n)
		return sut_err_reason(err, EINVAL, "request",
				      "there are %zu descriptors, and \"patches\" has %zu entries",
				      c->fds.n, json_array_size(list));
	for (size_t i = 0; i < c->fds.n; i++) {
		const json_t *sha256 = json_object_get(json_array_get(list, i), "sha256");
		int r = wanted_add(w, c->fds.v[i], json_string_value(sha256), err);

		if (r < 0)
			return r;
	}
	wire_fds_release(&c->fds);
	c->fds.n = 0;
	return 0;
}

static int take_rules(const struct call *c, struct wanted *w, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf users = SUT_BUF_INIT(EXCLUDE_PASSWD_MAX);
	const json_t *init = json_object_get(c->request, "init");
	_cleanup_(sut_freep) char *path = sut_sprintf("%s/etc/passwd", c->s->root);

	if (!path)
		return sut_err_oom(err);
	if (init && !json_is_boolean(init))
		return sut_err_reason(err, EINVAL, "request", "init is neither true nor false");
	w->init = json_is_true(init);
	/* Without it numbers of users are known, and no names. */
	(void)!sut_file_read(path, &users, NULL);
	return exclude_load(json_object_get(c->request, "exclude"), sut_buf_str(&users),
			    &w->exclude, err);
}

/* A list that is too long for one message comes in several. */
static int take_all(struct call *c, struct wanted *w, struct sut_err *err)
{
	for (;;) {
		int r = take_patches(c, w, err);

		if (r < 0)
			return r;
		if (!json_is_true(json_object_get(c->request, "more")))
			return take_rules(c, w, err);
		json_decref(c->request);
		c->request = NULL;
		r = wire_receive(c->fd, REQUEST_MS, &c->request, &c->fds, err);
		if (r < 0)
			return r;
	}
}

static int verb_set(struct call *c, json_t *answer, struct sut_err *err)
{
	_cleanup_(wanted_unrefp) struct wanted *w = wanted_new();
	struct serve *s = c->s;
	struct wanted *old;
	int r = w ? take_all(c, w, err) : sut_err_oom(err);

	if (r < 0)
		return r;
	pthread_mutex_lock(&s->turn);
	pthread_mutex_lock(&s->lock);
	old = s->wanted;
	s->wanted = wanted_ref(w);
	pthread_mutex_unlock(&s->lock);
	wanted_unref(old);
	watch_set(s->watch, w);
	r = look_at_all(c, w, err);
	pthread_mutex_unlock(&s->turn);
	return r < 0 ? r : add_libraries(s, answer, err);
}

static int verb_scan(struct call *c, json_t *answer, struct sut_err *err)
{
	_cleanup_(wanted_unrefp) struct wanted *w = serve_wanted(c->s);
	int r = 0;

	if (w) {
		pthread_mutex_lock(&c->s->turn);
		watch_set(c->s->watch, w);
		r = look_at_all(c, w, err);
		pthread_mutex_unlock(&c->s->turn);
	}
	return r < 0 ? r : add_libraries(c->s, answer, err);
}

/* Processes come and go, and fork: what we say about them is a few seconds old at most, unless somebody works on them
 * just now. */
static void freshen(struct call *c)
{
	_cleanup_(wanted_unrefp) struct wanted *w = serve_wanted(c->s);
	bool old;

	if (!w || !w->n)
		return;
	pthread_mutex_lock(&c->s->lock);
	old = serve_now_ms() - c->s->looked_ms > SERVE_FRESH_MS;
	pthread_mutex_unlock(&c->s->lock);
	if (!old || pthread_mutex_trylock(&c->s->turn) != 0)
		return;
	(void)!look_at_all(c, w, NULL);
	pthread_mutex_unlock(&c->s->turn);
}

static int verb_status(struct call *c, json_t *answer, struct sut_err *err)
{
	struct watch_state watch;
	int64_t since;
	json_t *j;

	freshen(c);
	watch_state(c->s->watch, &watch);
	pthread_mutex_lock(&c->s->lock);
	since = c->s->since;
	pthread_mutex_unlock(&c->s->lock);
	j = json_pack("{s:s, s:s}", "state", watch.state, "text", watch.text);
	if (json_object_set_new(answer, "watch", j) < 0 ||
	    json_object_set_new(answer, "since", json_integer(since)) < 0)
		return sut_err_oom(err);
	return add_libraries(c->s, answer, err);
}

static int verb_processes(struct call *c, json_t *answer, struct sut_err *err)
{
	const json_t *id = json_object_get(c->request, "build_id"),
		     *after = json_object_get(c->request, "after");
	uint8_t build_id[SUT_LIBRARY_BUILD_ID_LEN];
	json_int_t from = json_integer_value(after);
	json_t *list;
	pid_t next;

	if ((id && (!json_is_string(id) ||
		    sut_unhex(json_string_value(id), build_id, sizeof(build_id)) < 0)) ||
	    (after && (!json_is_integer(after) || from < 0 || from >= INT32_MAX)))
		return sut_err_reason(err, EINVAL, "request",
				      "build_id is 40 hexadecimal digits, after is a pid");
	if (!from)
		freshen(c);
	list = table_processes(&c->s->table, id ? build_id : NULL, (pid_t)from, &next);
	if (!list || json_object_set_new(answer, "processes", list) < 0 ||
	    (next >= 0 && json_object_set_new(answer, "next", json_integer(next)) < 0))
		return sut_err_oom(err);
	return 0;
}

static int verb_files(struct call *c, json_t *answer, struct sut_err *err)
{
	json_t *list;
	bool cut;
	int r = pass_files(c->s, &list, &cut, err);

	if (r < 0)
		return r;
	if (json_object_set_new(answer, "files", list) < 0 ||
	    (cut && json_object_set_new(answer, "cut", json_true()) < 0))
		return sut_err_oom(err);
	return 0;
}

static int verb_repair(struct call *c, json_t *answer, struct sut_err *err)
{
	size_t n;
	int r;

	pthread_mutex_lock(&c->s->turn);
	r = pass_repair(c->s, &n, err);
	pthread_mutex_unlock(&c->s->turn);
	if (r == 0 && json_object_set_new(answer, "repaired", json_integer((json_int_t)n)) < 0)
		r = sut_err_oom(err);
	return r;
}

static const struct {
	const char *name;
	int (*run)(struct call *c, json_t *answer, struct sut_err *err);
} verbs[] = {
	{"set", verb_set},     {"status", verb_status}, {"processes", verb_processes},
	{"files", verb_files}, {"scan", verb_scan},	{"repair", verb_repair},
};

static int run(struct call *c, json_t *answer, struct sut_err *err)
{
	const char *verb = json_string_value(json_object_get(c->request, "verb"));

	for (size_t i = 0; verb && i < SUT_ARRAY_SIZE(verbs); i++)
		if (sut_streq(verb, verbs[i].name))
			return verbs[i].run(c, answer, err);
	return sut_err_reason(err, EOPNOTSUPP, "verb",
			      "suture-process knows no verb \"%s\". Are suture-apply and "
			      "suture-process of one version?",
			      verb ? verb : "");
}

static int check_peer(int fd, struct sut_err *err)
{
	struct ucred peer;
	int r = wire_peer(fd, &peer, err);

	if (r == 0 && peer.uid != 0 && peer.uid != geteuid())
		r = sut_err_reason(err, EACCES, "not-root", "only root may ask suture-process");
	return r;
}

void request_serve(struct serve *s, int fd)
{
	struct call c = {.s = s, .fd = fd};
	struct sut_err err = {0};
	json_t *answer = json_object();
	int r = answer ? check_peer(fd, &err) : sut_err_oom(&err);

	if (r == 0)
		r = wire_receive(fd, REQUEST_MS, &c.request, &c.fds, &err);
	if (r == 0)
		r = run(&c, answer, &err);
	/* Somebody who only looked whether we are there. */
	if (r < 0 && r != -ECONNRESET)
		(void)wire_fail(fd, &err, NULL);
	else if (r == 0)
		(void)wire_ok(fd, json_incref(answer));
	wire_fds_release(&c.fds);
	json_decref(c.request);
	json_decref(answer);
}
