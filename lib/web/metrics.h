/* SPDX-License-Identifier: Apache-2.0 */
/* What /metrics tells, in the text format 0.0.4 of Prometheus. Counters are counted from any thread. */
#ifndef SUTURE_WEB_METRICS_H
#define SUTURE_WEB_METRICS_H

#include "base/buf.h"
#include "base/err.h"
#include "web/router.h"

struct metrics;
struct server;

/* prefix: of the names, "suture_portal". */
int metrics_new(const char *prefix, const struct web_router *r, struct metrics **ret,
		struct sut_err *err) _must_check_;
void metrics_free(struct metrics *m);

/* A request was answered. route: NULL when it had none. */
void metrics_request(struct metrics *m, const struct web_route *route, int status, double seconds);
/* n calls were written in one go. */
void metrics_group(struct metrics *m, size_t n, double seconds);

/* A part of the page that the program makes now and then, whole lines; takes over what is in b. part: 0 to
 * METRICS_PARTS - 1, as the program numbers them. */
enum { METRICS_PARTS = 4 };
void metrics_put(struct metrics *m, unsigned int part, struct sut_buf *b);

/* Adds NAME{LABEL="VALUE"} N, with VALUE escaped. label NULL: none. */
int metrics_line(struct sut_buf *b, const char *name, const char *label, const char *value,
		 double n) _must_check_;
/* Adds the # HELP and # TYPE lines. */
int metrics_head(struct sut_buf *b, const char *name, const char *type,
		 const char *help) _must_check_;

/* Adds the whole page. */
int metrics_write(struct metrics *m, struct server *p, struct sut_buf *b) _must_check_;

#endif
