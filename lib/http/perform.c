// SPDX-License-Identifier: Apache-2.0
/* One transfer that another thread can end: curl's own loop looks up once a second, ours sleeps. */
#include <poll.h>

#include "http/internal.h"

enum { SLEEP_MS = 3600 * 1000 }; /* curl wakes us for what it has to do */

static bool is_cancelled(struct sut_http *h)
{
	struct pollfd p = {.fd = h->cancel_fd, .events = POLLIN};

	h->cancelled = poll(&p, 1, 0) > 0;
	return h->cancelled;
}

/* The transfer's own result, once it has one. */
static CURLcode result_of(struct sut_http *h)
{
	const CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(h->multi, &left)))
		if (m->msg == CURLMSG_DONE)
			return m->data.result;
	return CURLE_OUT_OF_MEMORY;
}

CURLcode http_perform(struct sut_http *h)
{
	struct curl_waitfd wait = {.fd = h->cancel_fd, .events = CURL_WAIT_POLLIN};
	CURLcode code = CURLE_ABORTED_BY_CALLBACK;
	CURLMcode m;
	int running = 1;

	h->cancelled = false;
	if (!h->cancel_fd)
		return curl_easy_perform(h->curl);
	if (is_cancelled(h))
		return code;
	m = curl_multi_add_handle(h->multi, h->curl);
	if (m != CURLM_OK)
		return CURLE_OUT_OF_MEMORY;
	while (m == CURLM_OK && running && !is_cancelled(h)) {
		m = curl_multi_perform(h->multi, &running);
		if (m == CURLM_OK && running)
			m = curl_multi_poll(h->multi, &wait, 1, SLEEP_MS, NULL);
	}
	if (m != CURLM_OK)
		code = CURLE_OUT_OF_MEMORY;
	else if (!running)
		code = result_of(h);
	h->cancelled = h->cancelled && running;
	curl_multi_remove_handle(h->multi, h->curl);
	return code;
}
