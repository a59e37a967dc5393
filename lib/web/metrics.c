// SPDX-License-Identifier: Apache-2.0
#include "web/metrics.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "web/hold.h"
#include "web/pool.h"
#include "web/server.h"

enum { CLASSES = 6 /* 1xx … 5xx, and the rest */, PART_MAX = 4 << 20, NAME_MAX_BYTES = 96 };

static const double latency_le[] = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
				    0.25,  0.5,	   1,	  2.5,	5,     10};
static const double group_le[] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512};

enum { LE_MAX = 13 };

struct histogram {
	_Atomic uint64_t bucket[LE_MAX + 1]; /* the last: beyond all */
	_Atomic uint64_t sum;		     /* microseconds, or calls */
};

struct metrics {
	const char *prefix; /* of all names here */
	const struct web_router *router;
	size_t n; /* routes; one place more for requests without */
	_Atomic uint64_t (*requests)[CLASSES];
	struct histogram *latency; /* by group of routes: that of its first route */
	struct histogram group_size, commit;
	pthread_mutex_t lock; /* parts */
	struct sut_buf part[METRICS_PARTS];
};

int metrics_new(const char *prefix, const struct web_router *r, struct metrics **ret,
		struct sut_err *err)
{
	struct metrics *m = calloc(1, sizeof(*m));

	if (!m)
		return sut_err_oom(err);
	m->router = r;
	m->prefix = prefix;
	m->n = web_router_count(r);
	pthread_mutex_init(&m->lock, NULL);
	m->requests = calloc(m->n + 1, sizeof(*m->requests));
	m->latency = calloc(m->n + 1, sizeof(*m->latency));
	if (!m->requests || !m->latency) {
		metrics_free(m);
		return sut_err_oom(err);
	}
	*ret = m;
	return 0;
}

void metrics_free(struct metrics *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < METRICS_PARTS; i++)
		sut_buf_release(&m->part[i]);
	pthread_mutex_destroy(&m->lock);
	free(m->requests);
	free(m->latency);
	free(m);
}

static void observe(struct histogram *h, const double *le, size_t n, double v, uint64_t sum)
{
	size_t i = 0;

	while (i < n && v > le[i])
		i++;
	atomic_fetch_add_explicit(&h->bucket[i], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&h->sum, sum, memory_order_relaxed);
}

/* Where the histogram of the route's group is. */
static size_t group_of(const struct metrics *m, size_t i)
{
	size_t k = 0;

	if (i == m->n)
		return i;
	while (web_router_group(m->router, k) != web_router_group(m->router, i))
		k++;
	return k;
}

void metrics_request(struct metrics *m, const struct web_route *route, int status, double seconds)
{
	size_t i = route ? web_router_index(m->router, route) : m->n;
	size_t class = status >= 100 && status < 600 ? (size_t)status / 100 - 1 : CLASSES - 1;

	atomic_fetch_add_explicit(&m->requests[i][class], 1, memory_order_relaxed);
	observe(&m->latency[group_of(m, i)], latency_le, SUT_ARRAY_SIZE(latency_le), seconds,
		seconds > 0 ? (uint64_t)(seconds * 1e6) : 0);
}

void metrics_group(struct metrics *m, size_t n, double seconds)
{
	observe(&m->group_size, group_le, SUT_ARRAY_SIZE(group_le), (double)n, n);
	observe(&m->commit, latency_le, SUT_ARRAY_SIZE(latency_le), seconds,
		seconds > 0 ? (uint64_t)(seconds * 1e6) : 0);
}

void metrics_put(struct metrics *m, unsigned int part, struct sut_buf *b)
{
	struct sut_buf old;

	pthread_mutex_lock(&m->lock);
	old = m->part[part];
	m->part[part] = *b;
	pthread_mutex_unlock(&m->lock);
	sut_buf_release(&old);
	*b = (struct sut_buf){.max = b->max};
}

/* --- the text --- */

static int add_escaped(struct sut_buf *b, const char *s)
{
	int rc = 0;

	for (; rc == 0 && *s; s++) {
		if (*s == '\n')
			rc = sut_buf_addstr(b, "\\n");
		else if (*s == '"' || *s == '\\')
			rc = sut_buf_addf(b, "\\%c", *s);
		else
			rc = sut_buf_add(b, s, 1);
	}
	return rc;
}

int metrics_head(struct sut_buf *b, const char *name, const char *type, const char *help)
{
	return sut_buf_addf(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

int metrics_line(struct sut_buf *b, const char *name, const char *label, const char *value,
		 double n)
{
	int rc = sut_buf_addstr(b, name);

	if (rc == 0 && label) {
		rc = sut_buf_addf(b, "{%s=\"", label);
		if (rc == 0)
			rc = add_escaped(b, value);
		if (rc == 0)
			rc = sut_buf_addstr(b, "\"}");
	}
	return rc < 0 ? rc : sut_buf_addf(b, " %.15g\n", n);
}

static int write_histogram(struct sut_buf *b, const char *name, const char *label,
			   struct histogram *h, const double *le, size_t n, double unit)
{
	uint64_t sum = 0;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < n; i++) {
		sum += atomic_load(&h->bucket[i]);
		rc = sut_buf_addf(b, "%s_bucket{%s%sle=\"%g\"} %llu\n", name, label,
				  *label ? "," : "", le[i], (unsigned long long)sum);
	}
	sum += atomic_load(&h->bucket[n]);
	if (rc == 0)
		rc = sut_buf_addf(b, "%s_bucket{%s%sle=\"+Inf\"} %llu\n", name, label,
				  *label ? "," : "", (unsigned long long)sum);
	if (rc == 0)
		rc = sut_buf_addf(b, "%s_sum%s%s%s %.15g\n", name, *label ? "{" : "", label,
				  *label ? "}" : "", (double)atomic_load(&h->sum) / unit);
	if (rc == 0)
		rc = sut_buf_addf(b, "%s_count%s%s%s %llu\n", name, *label ? "{" : "", label,
				  *label ? "}" : "", (unsigned long long)sum);
	return rc;
}

/* PREFIX_NAME */
static const char *full(const struct metrics *m, const char *name, char buf[static NAME_MAX_BYTES])
{
	snprintf(buf, NAME_MAX_BYTES, "%s_%s", m->prefix, name);
	return buf;
}

static int write_requests(struct metrics *m, struct sut_buf *b)
{
	char s[NAME_MAX_BYTES];
	const char *name = full(m, "requests_total", s);
	static const char *const classes[] = {"1xx", "2xx", "3xx", "4xx", "5xx", "other"};
	int rc = metrics_head(b, name, "counter", "Requests answered.");

	for (size_t i = 0; i <= m->n; i++) {
		const struct web_route *w = i < m->n ? web_router_at(m->router, i) : NULL;

		for (size_t k = 0; rc == 0 && k < CLASSES; k++) {
			uint64_t n = atomic_load(&m->requests[i][k]);

			if (n)
				rc = sut_buf_addf(b,
						  "%s{route=\"%s\",method=\"%s\",status=\"%s\"} "
						  "%llu\n",
						  name, w ? w->path : "none", w ? w->method : "any",
						  classes[k], (unsigned long long)n);
		}
	}
	return rc;
}

static int write_latency(struct metrics *m, struct sut_buf *b)
{
	char s[NAME_MAX_BYTES];
	const char *name = full(m, "request_seconds", s);
	int rc = metrics_head(b, name, "histogram",
			      "From a request being there to its answer sent.");

	for (size_t i = 0; rc == 0 && i < m->n; i++) {
		char label[80];

		if (group_of(m, i) != i)
			continue;
		snprintf(label, sizeof(label), "group=\"%s\"", web_router_group(m->router, i));
		rc = write_histogram(b, name, label, &m->latency[i], latency_le,
				     SUT_ARRAY_SIZE(latency_le), 1e6);
	}
	return rc;
}

static int one(struct metrics *m, struct sut_buf *b, const char *noun, const char *type,
	       const char *help, double n)
{
	char s[NAME_MAX_BYTES];
	const char *name = full(m, noun, s);
	int rc = metrics_head(b, name, type, help);

	return rc < 0 ? rc : metrics_line(b, name, NULL, NULL, n);
}

static int write_pool(struct metrics *m, struct server *p, struct sut_buf *b)
{
	char name[NAME_MAX_BYTES];
	struct pool_stats s;
	int rc;

	pool_stats(p->pool, &s);
	rc = metrics_head(b, full(m, "queue_length", name), "gauge", "Calls that wait.");
	if (rc == 0)
		rc = metrics_line(b, full(m, "queue_length", name), "queue", "readers",
				  (double)s.read_queue);
	if (rc == 0)
		rc = metrics_line(b, full(m, "queue_length", name), "queue", "writer",
				  (double)s.write_queue);
	if (rc == 0 && hold_count(p->hold))
		rc = one(m, b, "calls_held", "gauge", "Calls that wait for news.",
			 (double)hold_count(p->hold));
	if (rc == 0)
		rc = one(m, b, "commits_total", "counter", "Transactions committed.",
			 (double)s.commits);
	if (rc == 0)
		rc = one(m, b, "commit_retries_total", "counter",
			 "Transactions that had to be tried again.", (double)s.retries);
	if (rc == 0)
		rc = one(m, b, "refused_total", "counter", "Calls refused because too many waited.",
			 (double)s.refused);
	if (rc == 0)
		rc = one(m, b, "database_errors_total", "counter",
			 "Calls or groups that failed by the database.", (double)s.database_errors);
	if (rc == 0)
		rc = one(m, b, "generation", "gauge",
			 "Counts the changes of what decisions are made of.",
			 (double)atomic_load(&p->generation));
	return rc;
}

static int write_httpd(struct metrics *m, struct server *p, struct sut_buf *b)
{
	struct sut_httpd_stats s;
	int rc;

	if (!p->httpd)
		return 0;
	sut_httpd_stats(p->httpd, &s);
	rc = one(m, b, "in_flight", "gauge", "Requests that are not answered yet.", s.in_flight);
	if (rc == 0)
		rc = one(m, b, "connections", "gauge", "Open connections.", s.connections);
	if (rc == 0)
		rc = one(m, b, "connections_accepted_total", "counter", "Connections accepted.",
			 (double)s.accepted);
	if (rc == 0)
		rc = one(m, b, "connections_refused_total", "counter",
			 "Connections refused by a limit.", (double)s.refused);
	if (rc == 0)
		rc = one(m, b, "request_timeouts_total", "counter",
			 "Requests that did not arrive in time.", (double)s.timeouts);
	return rc;
}

static int write_parts(struct metrics *m, struct sut_buf *b)
{
	int rc = 0;

	pthread_mutex_lock(&m->lock);
	for (size_t i = 0; rc == 0 && i < METRICS_PARTS; i++)
		if (m->part[i].len)
			rc = sut_buf_add(b, m->part[i].data, m->part[i].len);
	pthread_mutex_unlock(&m->lock);
	return rc;
}

int metrics_write(struct metrics *m, struct server *p, struct sut_buf *b)
{
	char s[NAME_MAX_BYTES];
	int rc = metrics_head(b, full(m, "build_info", s), "gauge", "Always 1.");

	if (rc == 0)
		rc = metrics_line(b, full(m, "build_info", s), "version", SUTURE_VERSION, 1);
	if (rc == 0)
		rc = write_requests(m, b);
	if (rc == 0)
		rc = write_latency(m, b);
	if (rc == 0)
		rc = metrics_head(b, full(m, "group_size", s), "histogram",
				  "Calls written in one transaction.");
	if (rc == 0)
		rc = write_histogram(b, full(m, "group_size", s), "", &m->group_size, group_le,
				     SUT_ARRAY_SIZE(group_le), 1);
	if (rc == 0)
		rc = metrics_head(b, full(m, "commit_seconds", s), "histogram",
				  "From the first call of a group to its commit.");
	if (rc == 0)
		rc = write_histogram(b, full(m, "commit_seconds", s), "", &m->commit, latency_le,
				     SUT_ARRAY_SIZE(latency_le), 1e6);
	if (rc == 0)
		rc = write_pool(m, p, b);
	if (rc == 0)
		rc = write_httpd(m, p, b);
	return rc < 0 ? rc : write_parts(m, b);
}
