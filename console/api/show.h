/* SPDX-License-Identifier: Apache-2.0 */
/* What the lists that are answered from the view have alike: arguments, pages, and parts of their JSON. */
#ifndef SUTURE_CONSOLE_API_SHOW_H
#define SUTURE_CONSOLE_API_SHOW_H

#include "map/map.h"
#include "web/web.h"

/* The argument verdict: one or several, separated by commas. *ret: a mask; 0 without. 0 or WEB_NO. */
int show_verdicts_arg(struct web_req *q, struct web_resp *r, unsigned int *ret) _must_check_;
/* The argument q: 1 to 256 bytes of text; NULL without. */
int show_q_arg(struct web_req *q, struct web_resp *r, const char **ret) _must_check_;
/* Does text have q in it? Case of ASCII does not matter. q NULL: yes. */
bool show_has(const char *text, const char *q);

/* NULL when memory is short, all of them. */
json_t *
show_counts(const uint32_t verdicts[static VERDICTS]); /* {"live-fixed": n, …}, without zeros */
json_t *show_products(unsigned int products);
json_t *show_system(const struct view_host *h); /* {"id", "hostname", "system_id"} */
json_t *show_cve(const struct map_view *v, const struct view_cve *c); /* an item of GET /v1/cves */
json_t *show_text(const char *s);				      /* null for NULL and "" */

/* A page of a list of n that is in order: items from page->after on that pass; the cursor counts places. An item that is
 * NULL: no memory. */
struct show_list {
	size_t n;
	bool (*passes)(void *ctx, size_t i); /* NULL: all */
	json_t *(*item)(void *ctx, size_t i);
	void *ctx;
};
int show_page(struct web_req *q, struct web_resp *r, const struct web_page *page,
	      const struct show_list *l, struct sut_err *err) _must_check_;

#endif
