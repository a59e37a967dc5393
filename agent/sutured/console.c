// SPDX-License-Identifier: Apache-2.0
#include "sutured/console.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <time.h>

#include "base/file.h"
#include "base/str.h"
#include "wire/wire.h"
#include "crypto/base64.h"
#include "crypto/sha256.h"
#include "job/dsse.h"
#include "job/httpsig.h"
#include "sutured/job.h"
#include "sutured/job_run.h"
#include "sutured/packages.h"

enum {
	NONCE_LEN = 16,
	SLACK_S = 30,  /* that a console may answer later than it was asked to */
	RESULT_S = 60, /* that the delivery of a result may take */
	SEEN_MAX = 64, /* jobs that were given to the worker lately */
	SEEN_S = 600,  /* how lately: a console that repeats one later has lost its result */
	PACKAGES_EVERY_S = 86400,
	PACKAGES_RETRY_S = 600, /* after an error; jobs go on meanwhile */
};

/* One job of the console on its way to the worker. */
struct incoming {
	char *envelope;
	struct incoming *next;
};

struct seen {
	char hash[SUT_SHA256_HEX];
	int64_t at; /* seconds since boot; 0: none */
};

struct console {
	struct net *n;
	pthread_t thread;
	int wake; /* eventfd: stop, or a result is to be sent */
	atomic_bool stop;
	/* Set before the thread starts. */
	char url[AGENT_URL_MAX + 1], ca[AGENT_URL_MAX + 1], proxy[AGENT_URL_MAX + 1];
	char system_id[SUT_UID_LEN + 1];
	struct sut_privkey *key;
	/* The thread's. */
	struct sut_http *http;
	struct seen seen[SEEN_MAX];
	size_t nseen;
	unsigned int failures;
	unsigned int retry_after;
	/* The package list that the console has: of this file, at this time since boot. */
	uint64_t packages_stamp;
	int64_t packages_next; /* 0: now */
	/* Under the lock of the net. */
	struct incoming *first;
	size_t waiting;
};

/* ------------------------------------------------------------------ */
/* Signed requests.                                                    */

struct call {
	const char *method;
	char *url;
	const char *body; /* NULL: none */
	const char *type; /* of the body; NULL: an envelope */
	unsigned int total_s;
};

static int sign(struct console *c, const struct call *call, struct sut_strv *headers,
		struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf digest = SUT_BUF_INIT(128), nonce = SUT_BUF_INIT(64);
	_cleanup_buf_ struct sut_buf input = SUT_BUF_INIT(SUT_HTTPSIG_MAX),
				     sig = SUT_BUF_INIT(SUT_HTTPSIG_MAX);
	struct sut_httpsig_params p = {
		.created = net_now(c->n), .expires = -1, .alg = "ed25519", .tag = "suture-agent"};
	struct sut_httpsig_component parts[] = {
		{"@method", call->method}, {"@target-uri", call->url}, {"content-digest", ""}};
	uint8_t random[NONCE_LEN];
	int r;

	if (c->n->ops.random(c->n->ops.ctx, random, sizeof(random)) < 0)
		return sut_err_set(err, EIO, "no random numbers for a request");
	if (sut_base64_encode(random, sizeof(random), &nonce) < 0 ||
	    (call->body && sut_content_digest(call->body, strlen(call->body), &digest) < 0))
		return sut_err_oom(err);
	(void)snprintf(p.keyid, sizeof(p.keyid), "%s", c->system_id);
	(void)snprintf(p.nonce, sizeof(p.nonce), "%s", sut_buf_str(&nonce));
	parts[2].value = sut_buf_str(&digest);
	r = sut_httpsig_sign(c->key, parts, call->body ? 3 : 2, &p, &input, &sig, err);
	if (r < 0)
		return r;
	if (sut_strv_addf(headers, "Signature-Input: %s", sut_buf_str(&input)) < 0 ||
	    sut_strv_addf(headers, "Signature: %s", sut_buf_str(&sig)) < 0 ||
	    (call->body &&
	     (sut_strv_addf(headers, "Content-Digest: %s", sut_buf_str(&digest)) < 0 ||
	      sut_strv_add(headers, "Content-Type: application/vnd.dsse.envelope.v1+json") < 0)))
		return sut_err_oom(err);
	return 0;
}

/* A handle for waits of this length: what it sleeps over depends on it. */
static int handle(struct console *c, unsigned int total_s, struct sut_http **ret,
		  struct sut_err *err)
{
	const struct sut_http_opts o = {.proxy = *c->proxy ? c->proxy : NULL,
					.ca_file = *c->ca ? c->ca : NULL,
					.cancel_fd = c->wake,
					.total_sec = total_s,
					.stall_sec = total_s};

	return sut_http_new(&o, ret, err);
}

static int call(struct console *c, const struct call *call, struct sut_http_answer *ret,
		struct sut_err *err)
{
	_cleanup_(sut_http_freep) struct sut_http *h = NULL;
	_cleanup_strv_ struct sut_strv headers = {0};
	bool poll = !call->body;
	int r = sign(c, call, &headers, err);

	/* The handle of polls is kept with its connection; results are rare. */
	if (r == 0 && (!poll || !c->http))
		r = handle(c, call->total_s, poll ? &c->http : &h, err);
	if (r == 0)
		r = sut_http_request(poll ? c->http : h, call->method, call->url,
				     (const char *const *)headers.v, call->body,
				     call->body ? strlen(call->body) : 0, ret, err);
	if (r < 0 && r != -ECANCELED) {
		sut_http_free(c->http);
		c->http = NULL;
	}
	return r;
}

/* What an answer that is none of the expected ones means. */
static int refused(struct console *c, const struct sut_http_answer *a, struct sut_err *err)
{
	if (a->status == 429 || a->status == 503)
		c->retry_after = a->retry_after;
	return sut_err_reason(err, EREMOTEIO, "console", "%s answers %d%s", c->url, a->status,
			      a->status == 401 || a->status == 403
				      ? ": it does not know this system or its key, or the clocks "
					"differ. Has it heard of the system from the portal?"
			      : a->status == 404 ? ": is it the address of a console?"
						 : ". It is tried again");
}

/* ------------------------------------------------------------------ */
/* Results.                                                            */

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Those that wait, the oldest first. */
static int list_outbox(struct net *n, struct sut_strv *ret, struct sut_err *err)
{
	struct agent_path path = agent_path(n->root, CONSOLE_OUTBOX);
	_cleanup_(sut_closedirp) DIR *d = opendir(path.s);
	const struct dirent *e;

	if (!d)
		return errno == ENOENT ? 0 : sut_err_errno(err, "cannot look into %s", path.s);
	while ((e = readdir(d)))
		if (sut_endswith(e->d_name, ".json") && sut_strv_add(ret, e->d_name) < 0)
			return sut_err_oom(err);
	if (ret->n)
		qsort(ret->v, ret->n, sizeof(*ret->v), by_name);
	return 0;
}

static int path_in_outbox(struct net *n, const char *name, char ret[static PATH_MAX],
			  struct sut_err *err)
{
	struct agent_path dir = agent_path(n->root, CONSOLE_OUTBOX);

	return snprintf(ret, PATH_MAX, "%s/%s", dir.s, name) < PATH_MAX
		       ? 0
		       : sut_err_set(err, ENAMETOOLONG, "%.100s… is too long a path", dir.s);
}

void console_result(struct net *n, const char *envelope)
{
	_cleanup_strv_ struct sut_strv names = {0};
	struct agent_path dir = agent_path(n->root, CONSOLE_OUTBOX);
	char path[PATH_MAX], name[96], hash[SUT_SHA256_HEX];
	struct sut_err err = {0};
	int r;

	sut_sha256_hex(envelope, strlen(envelope), hash);
	(void)snprintf(name, sizeof(name), "%012" PRId64 "-%.16s.json", net_now(n), hash);
	r = sut_mkdir_p(dir.s, &err);
	if (r == 0)
		r = list_outbox(n, &names, &err);
	for (size_t i = 0; r == 0 && i + CONSOLE_OUTBOX_MAX <= names.n; i++)
		if (path_in_outbox(n, names.v[i], path, &err) == 0)
			(void)unlink(path);
	if (r == 0)
		r = path_in_outbox(n, name, path, &err);
	if (r == 0)
		r = sut_file_write(path, envelope, strlen(envelope), 0600, &err);
	if (r < 0)
		net_log(NET_WARNING, "a result for the console is not kept: %s", err.msg);
	/* Under the lock: the main thread may be ending it. */
	pthread_mutex_lock(&n->lock);
	if (n->console)
		(void)eventfd_write(n->console->wake, 1);
	pthread_mutex_unlock(&n->lock);
}

/* 0: it need not be sent again. */
static int send_one(struct console *c, const char *path, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf text = SUT_BUF_INIT(SUT_DSSE_MAX);
	struct sut_http_answer a = {.body = SUT_BUF_INIT(64 << 10)};
	struct call post = {.method = "POST", .total_s = RESULT_S};
	int r = sut_file_read(path, &text, err);

	if (r == -EFBIG || (r == 0 && !text.len))
		return 0;
	if (r < 0)
		return r;
	post.body = sut_buf_str(&text);
	post.url = sut_sprintf("%s/v1/agent/results", c->url);
	r = post.url ? call(c, &post, &a, err) : sut_err_oom(err);
	free(post.url);
	sut_buf_release(&a.body);
	if (r < 0)
		return r;
	if (a.status / 100 == 2 || a.status == 409)
		return 0;
	if (a.status == 400 || a.status == 413 || a.status == 422) {
		net_log(NET_WARNING, "the console does not take a result: it answers %d", a.status);
		return 0;
	}
	return refused(c, &a, err);
}

static int send_results(struct console *c, struct sut_err *err)
{
	_cleanup_strv_ struct sut_strv names = {0};
	char path[PATH_MAX];
	int r = list_outbox(c->n, &names, err);

	for (size_t i = 0; r == 0 && i < names.n && !c->stop; i++) {
		r = path_in_outbox(c->n, names.v[i], path, err);
		if (r == 0)
			r = send_one(c, path, err);
		if (r == 0 && unlink(path) < 0 && errno != ENOENT)
			r = sut_err_errno(err, "cannot remove %s", path);
	}
	return r;
}

/* ------------------------------------------------------------------ */
/* The package list.                                                   */

/* When to look again. A console that does not take lists is not asked until the agent starts again. */
static int64_t packages_answered(const struct sut_http_answer *a)
{
	if (a->status / 100 == 2)
		return PACKAGES_EVERY_S;
	if (a->status == 404 || a->status == 405)
		return INT32_MAX;
	if (a->status == 400 || a->status == 413 || a->status == 422) {
		net_log(NET_WARNING, "the console does not take the package list: it answers %d",
			a->status);
		return PACKAGES_EVERY_S;
	}
	/* It has not heard of this system yet: with the next question, which may then wait for minutes. */
	if (a->status == 401 || a->status == 403)
		return 0;
	return PACKAGES_RETRY_S;
}

/* When the file changed, and once a day. What goes wrong with it keeps no job back. */
static void send_packages(struct console *c)
{
	struct sut_http_answer a = {.body = SUT_BUF_INIT(64 << 10)};
	struct call put = {.method = "PUT", .total_s = RESULT_S, .type = "application/json"};
	uint64_t stamp = packages_stamp(c->n->root);
	int64_t now = net_boot_s(c->n), wait = PACKAGES_RETRY_S;
	struct sut_err err = {0};
	char *text = NULL;

	if (!stamp || (c->packages_next > now &&
		       (stamp == c->packages_stamp || c->packages_next > now + PACKAGES_EVERY_S)))
		return;
	if (packages_text(c->n->root, &text, &err) == 0) {
		put.body = text;
		put.url = sut_sprintf("%s/v1/agent/packages", c->url);
		if (put.url && call(c, &put, &a, &err) == 0)
			wait = packages_answered(&a);
	}
	free(put.url);
	free(text);
	sut_buf_release(&a.body);
	c->packages_stamp = stamp;
	c->packages_next = now + wait;
}

/* ------------------------------------------------------------------ */
/* Jobs.                                                               */

/* In the worker. */
static void run_jobs(struct net *n, struct task *t)
{
	const struct job_from from = {.console = true};
	struct incoming *in;

	for (;;) {
		struct job_answer a = {0};

		pthread_mutex_lock(&n->lock);
		in = n->console ? n->console->first : NULL;
		if (in) {
			n->console->first = in->next;
			n->console->waiting--;
		}
		pthread_mutex_unlock(&n->lock);
		if (!in)
			return;
		job_run(n, t, in->envelope, strlen(in->envelope), &from, &a);
		/* Also that it waits: then the console need not give it again. */
		if (a.result)
			console_result(n, a.result);
		job_answer_release(&a);
		free(in->envelope);
		free(in);
	}
}

/* Where it is remembered; NULL: it is new, or was given so long ago that it is given again. */
static struct seen *find_seen(struct console *c, const char hash[static SUT_SHA256_HEX])
{
	int64_t now = net_boot_s(c->n);

	for (size_t i = 0; i < SEEN_MAX; i++)
		if (c->seen[i].at && now - c->seen[i].at < SEEN_S &&
		    strcmp(c->seen[i].hash, hash) == 0)
			return &c->seen[i];
	return NULL;
}

static void remember(struct console *c, const char hash[static SUT_SHA256_HEX])
{
	struct seen *s = &c->seen[c->nseen++ % SEEN_MAX];

	memcpy(s->hash, hash, sizeof(s->hash));
	s->at = net_boot_s(c->n) + 1; /* never 0 */
}

/* Takes envelope over. False: the worker has enough to do, or memory is short; it comes again. */
static bool give(struct console *c, char *envelope)
{
	struct incoming *in = calloc(1, sizeof(*in)), **last;
	bool fits;

	pthread_mutex_lock(&c->n->lock);
	fits = in && c->waiting < CONSOLE_JOBS_MAX;
	if (fits) {
		in->envelope = sut_steal(envelope);
		for (last = &c->first; *last; last = &(*last)->next)
			;
		*last = sut_steal(in);
		c->waiting++;
	}
	pthread_mutex_unlock(&c->n->lock);
	free(envelope);
	free(in);
	return fits;
}

/* *ret: how many were new. */
static int take_jobs(struct console *c, const struct sut_http_answer *a, size_t *ret,
		     struct sut_err *err)
{
	json_t *doc = NULL;
	const json_t *jobs;
	int r = wire_parse(a->body.data, a->body.len, &doc, err);

	jobs = json_object_get(doc, "jobs");
	if (r < 0 || !json_is_array(jobs) || json_array_size(jobs) > CONSOLE_JOBS_MAX) {
		json_decref(doc);
		return sut_err_reason(err, EBADMSG, "console",
				      "%s answers with something that is no list of at most %d "
				      "jobs. Is it the address of a console?",
				      c->url, CONSOLE_JOBS_MAX);
	}
	*ret = 0;
	for (size_t i = 0; i < json_array_size(jobs); i++) {
		char *text = json_dumps(json_array_get(jobs, i), JSON_COMPACT);
		char hash[SUT_SHA256_HEX];

		if (text)
			sut_sha256_hex(text, strlen(text), hash);
		if (!text || find_seen(c, hash)) {
			free(text);
		} else if (give(c, text)) {
			remember(c, hash);
			(*ret)++;
		}
	}
	json_decref(doc);
	if (*ret)
		task_post(c->n, "job", run_jobs);
	return 0;
}

static int poll_jobs(struct console *c, bool *ret_idle, struct sut_err *err)
{
	struct sut_http_answer a = {.body = SUT_BUF_INIT(CONSOLE_ANSWER_MAX)};
	struct call get = {.method = "GET", .total_s = CONSOLE_WAIT_S + SLACK_S};
	size_t fresh = 0;
	int r;

	get.url = sut_sprintf("%s/v1/agent/jobs?system=%s&wait=%d", c->url, c->system_id,
			      CONSOLE_WAIT_S);
	r = get.url ? call(c, &get, &a, err) : sut_err_oom(err);
	free(get.url);
	*ret_idle = false;
	if (r == 0 && a.status == 200) {
		r = take_jobs(c, &a, &fresh, err);
		*ret_idle = r == 0 && !fresh;
	} else if (r == 0 && a.status != 204) {
		r = refused(c, &a, err);
	}
	sut_buf_release(&a.body);
	return r;
}

/* ------------------------------------------------------------------ */
/* The thread.                                                         */

static void tell(struct console *c, const struct sut_err *err)
{
	int64_t now = net_now(c->n);

	if (err)
		state_update(
			c->n, "console",
			json_pack("{s:i, s:s}", "failures", (int)c->failures, "error", err->msg));
	else
		state_update(c->n, "console",
			     json_pack("{s:o, s:i, s:s}", "last", state_time_json(now), "failures",
				       0, "error", ""));
}

/* Until it is woken, or the time is over. */
static void rest(struct console *c, unsigned int seconds)
{
	struct pollfd p = {.fd = c->wake, .events = POLLIN};

	(void)!poll(&p, 1, (int)seconds * 1000);
}

/* 1, 2, 4 … seconds, or what the console asks for. */
static unsigned int retry_s(struct console *c)
{
	unsigned int s = c->failures > 8 ? CONSOLE_RETRY_MAX_S : 1U << (c->failures - 1);

	if (s < c->retry_after)
		s = c->retry_after;
	c->retry_after = 0;
	return s < CONSOLE_RETRY_MAX_S ? s : CONSOLE_RETRY_MAX_S;
}

static void *run(void *arg)
{
	struct console *c = arg;

	while (!c->stop) {
		struct sut_err err = {0};
		eventfd_t woken;
		bool idle = false;
		int64_t begun = net_boot_s(c->n);
		int r;

		(void)!eventfd_read(c->wake, &woken);
		if (c->stop)
			break;
		r = send_results(c, &err);
		if (r == 0)
			send_packages(c);
		if (r == 0)
			r = poll_jobs(c, &idle, &err);
		if (r == -ECANCELED)
			continue;
		if (r < 0) {
			c->failures++;
			tell(c, &err);
			if (c->failures == 1)
				net_log(NET_WARNING, "console: %s", err.msg);
			rest(c, retry_s(c));
			continue;
		}
		if (c->failures)
			net_log(NET_INFO, "console: it answers again");
		c->failures = 0;
		tell(c, NULL);
		/* One that does not wait, or repeats itself, is not asked in a circle. */
		if (idle)
			rest(c, CONSOLE_AGAIN_S);
		else if (net_boot_s(c->n) - begun < 1)
			rest(c, 1);
	}
	return NULL;
}

static void console_free(struct console *c)
{
	struct incoming *in;

	if (!c)
		return;
	while ((in = c->first)) {
		c->first = in->next;
		free(in->envelope);
		free(in);
	}
	sut_http_free(c->http);
	sut_privkey_free(c->key);
	if (c->wake >= 0)
		close(c->wake);
	free(c);
}

static struct console *console_new(struct net *n, struct sut_err *err)
{
	struct console *c = calloc(1, sizeof(*c));
	size_t len;

	if (!c) {
		sut_err_oom(err);
		return NULL;
	}
	c->n = n;
	c->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	memcpy(c->url, n->conf.console, sizeof(c->url));
	memcpy(c->ca, n->conf.console_ca, sizeof(c->ca));
	memcpy(c->proxy, n->conf.proxy, sizeof(c->proxy));
	memcpy(c->system_id, n->id.system_id, sizeof(c->system_id));
	len = strlen(c->url);
	if (len && c->url[len - 1] == '/')
		c->url[len - 1] = '\0';
	if (c->wake < 0)
		sut_err_errno(err, "no eventfd");
	else if (job_key_read(n->root, &c->key, err) == 0)
		return c;
	console_free(c);
	return NULL;
}

/* Is what it was started with still so? */
static bool is_current(const struct net *n)
{
	const struct console *c = n->console;
	size_t len = strlen(c->url);

	return strcmp(c->system_id, n->id.system_id) == 0 &&
	       strcmp(c->ca, n->conf.console_ca) == 0 && strcmp(c->proxy, n->conf.proxy) == 0 &&
	       strncmp(c->url, n->conf.console, len) == 0 &&
	       (!n->conf.console[len] || sut_streq(n->conf.console + len, "/"));
}

void console_stop(struct net *n)
{
	struct console *c;

	pthread_mutex_lock(&n->lock);
	c = n->console;
	n->console = NULL;
	pthread_mutex_unlock(&n->lock);
	if (!c)
		return;
	c->stop = true;
	(void)eventfd_write(c->wake, 1);
	pthread_join(c->thread, NULL);
	console_free(c);
}

/* As it is configured and registered now. */
static void follow(struct net *n)
{
	bool wanted = *n->conf.console && identity_registered(&n->id) && !*n->id.trouble;
	struct sut_err err = {0};
	struct console *c;
	int r;

	if (n->console && (!wanted || !is_current(n)))
		console_stop(n);
	if (!wanted || n->console || n->once)
		return;
	c = console_new(n, &err);
	if (!c) {
		net_log(NET_WARNING, "console: %s", err.msg);
		return;
	}
	state_set(n, "console",
		  json_pack("{s:s, s:n, s:i, s:s}", "url", c->url, "last", "failures", 0, "error",
			    ""));
	pthread_mutex_lock(&n->lock);
	n->console = c;
	pthread_mutex_unlock(&n->lock);
	r = pthread_create(&c->thread, NULL, run, c);
	if (r == 0)
		return;
	pthread_mutex_lock(&n->lock);
	n->console = NULL;
	pthread_mutex_unlock(&n->lock);
	console_free(c);
	net_log(NET_WARNING, "console: no thread: %s", strerror(r));
}

static void forget(struct net *n, bool purge _unused_)
{
	console_stop(n);
}

const struct net_part console_part = {.init = follow,
				      .told = follow,
				      .forget = forget,
				      .reloaded = follow};
