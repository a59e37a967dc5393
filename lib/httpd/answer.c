// SPDX-License-Identifier: Apache-2.0
/* Answers: taken from any thread, sent by the worker that has the connection. */
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "httpd/internal.h"

void httpd_answer_release(struct httpd_answer *a)
{
	if (a->body)
		(a->free_body ? a->free_body : free)(a->body);
	if (a->fd >= 0)
		close(a->fd);
	free(a->headers);
	*a = (struct httpd_answer){.status = a->status, .len = a->len, .fd = -1};
}

/* --- the owner's side --- */

void httpd_answered(struct sut_hreq *q, enum httpd_state how)
{
	struct sut_httpd *h = q->h;
	int state;

	atomic_fetch_add(&h->busy, 1);
	state = HTTPD_HANDED;
	if (!atomic_compare_exchange_strong(&q->state, &state, how) && state == HTTPD_SUSPENDED &&
	    atomic_compare_exchange_strong(&q->state, &state, how))
		MHD_resume_connection(q->mhd);
	atomic_fetch_sub(&h->busy, 1);
	httpd_hreq_unref(q);
}

static int copy_headers(struct httpd_answer *a, const struct sut_hresp *r)
{
	struct sut_buf b = SUT_BUF_INIT(HTTPD_HEADERS_OUT_MAX);
	int ret = 0;

	if (r->type)
		ret = sut_buf_addf(&b, "Content-Type: %s%c", r->type, 0);
	for (size_t i = 0; r->headers && r->headers[i] && ret == 0; i++)
		ret = sut_buf_add(&b, r->headers[i], strlen(r->headers[i]) + 1);
	if (ret == 0)
		ret = sut_buf_add(&b, "", 1);
	if (ret < 0)
		sut_buf_release(&b);
	a->headers = (char *)b.data;
	return ret;
}

void sut_hreq_answer(struct sut_hreq *q, const struct sut_hresp *r)
{
	struct httpd_answer *a = &q->answer;
	int ok = copy_headers(a, r);

	a->len = r->len;
	a->free_body = r->free_body;
	if (r->free_body) {
		a->body = (void *)(uintptr_t)r->body;
	} else if (r->len && ok == 0) {
		a->body = malloc(r->len);
		if (a->body)
			memcpy(a->body, r->body, r->len);
		else
			ok = -ENOMEM;
	}
	a->status = ok == 0 ? r->status : 0; /* 0: the worker closes the connection */
	httpd_answered(q, HTTPD_ANSWERED);
}

void sut_hreq_admit(struct sut_hreq *q)
{
	httpd_answered(q, HTTPD_ADMITTED);
}

/* --- the worker's side --- */

static bool add_lines(struct MHD_Response *r, const char *line)
{
	for (; *line; line += strlen(line) + 1) {
		const char *colon = strchr(line, ':');
		char name[64];
		size_t n = colon ? (size_t)(colon - line) : sizeof(name);

		if (n >= sizeof(name) || !httpd_is_token(line, n))
			return false;
		memcpy(name, line, n);
		name[n] = 0;
		colon++;
		colon += strspn(colon, " ");
		/* It refuses line ends in the value. An empty one is none. */
		if (*colon && MHD_add_response_header(r, name, colon) != MHD_YES)
			return false;
	}
	return true;
}

static bool add_ours(const struct sut_hreq *q, struct MHD_Response *r, bool last)
{
	return MHD_add_response_header(r, "X-Request-Id", q->id) == MHD_YES &&
	       MHD_add_response_header(r, "X-Content-Type-Options", "nosniff") == MHD_YES &&
	       (!q->tls || MHD_add_response_header(r, "Strict-Transport-Security",
						   "max-age=31536000") == MHD_YES) &&
	       (!last || MHD_add_response_header(r, "Connection", "close") == MHD_YES);
}

static struct MHD_Response *make_response(struct httpd_answer *a)
{
	struct MHD_Response *r;

	if (a->fd >= 0 && a->len) {
		r = MHD_create_response_from_fd_at_offset64(a->len, a->fd, a->from);
		if (r)
			a->fd = -1; /* it closes it */
	} else if (a->body && a->len) {
		r = MHD_create_response_from_buffer_with_free_callback(
			a->len, a->body, a->free_body ? a->free_body : free);
		if (r)
			a->body = NULL;
	} else {
		static char nothing[1];

		r = MHD_create_response_from_buffer(0, nothing, MHD_RESPMEM_PERSISTENT);
	}
	return r;
}

bool httpd_send(struct sut_hreq *q)
{
	struct httpd_answer *a = &q->answer;
	struct MHD_Response *r = a->status ? make_response(a) : NULL;
	/* Behind a chunked body nothing is read any more: how its lines end is not checked by
	 * libmicrohttpd, and nobody shall hide a request there. */
	bool last = a->close || q->chunked || atomic_load(&q->h->draining);
	bool ok = r && (!a->headers || add_lines(r, a->headers)) && add_ours(q, r, last);

	httpd_set_phase(q->conn, HTTPD_SENDING,
			httpd_now_ms() + q->h->opts.request_sec * UINT64_C(1000) +
				a->len * 1000 / HTTPD_SLOWEST);
	ok = ok && MHD_queue_response(q->mhd, (unsigned int)a->status, r) == MHD_YES;
	if (r)
		MHD_destroy_response(r);
	if (!ok)
		a->status = 0;
	return ok;
}

void httpd_refuse(struct sut_hreq *q, int status, const char *code, const char *detail, bool close)
{
	static const char head[] = "Content-Type: application/problem+json\0Cache-Control: "
				   "no-store\0";
	struct httpd_answer *a = &q->answer;

	/* None of the strings needs quoting: they are our own. */
	a->body = sut_sprintf("{\"type\":\"urn:suture:problem:%s\",\"title\":\"%s\",\"status\":%d,"
			      "\"detail\":\"%s\",\"code\":\"%s\",\"request_id\":\"%s\"}\n",
			      code, MHD_get_reason_phrase_for((unsigned int)status), status, detail,
			      code, q->id);
	a->headers = malloc(sizeof(head));
	a->close = close;
	a->status = a->body && a->headers ? status : 0;
	a->len = a->body ? strlen(a->body) : 0;
	if (a->headers)
		memcpy(a->headers, head, sizeof(head));
}
