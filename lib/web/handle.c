// SPDX-License-Identifier: Apache-2.0
/* A call without a socket. */
#include <pthread.h>
#include <string.h>
#include <strings.h>

#include "web/pool.h"
#include "web/server.h"
#include "web/job.h"

struct handled {
	struct web_job job;
	pthread_mutex_t lock;
	pthread_cond_t answered;
	bool done;
};

static const char *call_header(const struct web_job *j, const char *name)
{
	const struct web_call *c = j->source;
	size_t n = strlen(name);

	for (const char *const *h = c->headers; h && *h; h++)
		if (!strncasecmp(*h, name, n) && (*h)[n] == ':')
			return *h + n + 1 + strspn(*h + n + 1, " \t");
	return NULL;
}

static void wake(struct web_job *j)
{
	struct handled *h = (struct handled *)j;

	pthread_mutex_lock(&h->lock);
	h->done = true;
	pthread_cond_signal(&h->answered);
	pthread_mutex_unlock(&h->lock);
}

static void run(struct server *p, struct handled *h)
{
	enum web_next next = web_begin(&h->job);

	if (next == WEB_ANSWER)
		return;
	pthread_mutex_init(&h->lock, NULL);
	pthread_cond_init(&h->answered, NULL);
	pool_submit(p->pool, &h->job, next);
	pthread_mutex_lock(&h->lock);
	while (!h->done)
		pthread_cond_wait(&h->answered, &h->lock);
	pthread_mutex_unlock(&h->lock);
	pthread_cond_destroy(&h->answered);
	pthread_mutex_destroy(&h->lock);
}

void web_handle(struct server *p, const struct web_call *c, struct web_resp *r)
{
	size_t path_len = strcspn(c->target, "?");
	char *path = strndup(c->target, path_len), id[SUT_UID_LEN + 1] = "none";
	struct handled h = {
		.job = {.q = {.server = p,
			      .raw = c->body,
			      .raw_len = c->len,
			      .body_fd = -1,
			      .request_id = id,
			      .peer = c->peer ? c->peer : "127.0.0.1"},
			.method = c->method,
			.path = path,
			.query = c->target[path_len] ? c->target + path_len + 1 : "",
			.header = call_header,
			.source = c,
			.done = wake},
	};

	web_resp_init(r);
	if (!path || sut_uid_make(id, NULL) < 0) {
		r->status = 503;
		free(path);
		return;
	}
	run(p, &h);
	*r = h.job.r;
	web_resp_init(&h.job.r);
	web_job_release(&h.job);
	free(path);
}
