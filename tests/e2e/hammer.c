// SPDX-License-Identifier: Apache-2.0
/*
 * hammer URL AUTHFILE SECONDS THREADS OUT: makes tenants as fast as it can. What was not answered is sent again
 * with the same Idempotency-Key, until it is. The names that were acknowledged go to OUT, one a line. Prints
 *   acknowledged N refused N lost N busy N bad N longest-ms N
 * refused: connections; lost: connections that ended without an answer; busy: 503; bad: any other answer.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "http/http.h"

enum { THREADS_MAX = 32 };

struct counts {
	unsigned int acknowledged, refused, lost, busy, bad;
	double longest;
};

struct worker {
	pthread_t thread;
	unsigned int number;
	struct counts n;
	struct sut_buf names;
};

static char *url;
static char auth[256];
static double until;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* One try. True: answered for good. */
static bool try_once(struct worker *w, struct sut_http *h, const char *name)
{
	char body[80], key[80];
	const char *const headers[] = {auth, "Content-Type: application/json", key, NULL};
	struct sut_http_answer a = {.body = SUT_BUF_INIT(65536)};
	struct sut_err err = {0};
	bool done = false;
	int r;

	snprintf(body, sizeof(body), "{\"name\": \"%s\"}", name);
	snprintf(key, sizeof(key), "Idempotency-Key: %s", name);
	r = sut_http_request(h, "POST", url, headers, body, strlen(body), &a, &err);
	if (r == -ECONNREFUSED) {
		w->n.refused++;
	} else if (r < 0) {
		fprintf(stderr, "lost: %s\n", err.msg);
		w->n.lost++;
	} else if (a.status == 201) {
		done = true;
		w->n.acknowledged++;
	} else if (a.status == 503) {
		w->n.busy++;
	} else {
		fprintf(stderr, "%d: %s\n", a.status, sut_buf_str(&a.body));
		w->n.bad++;
		done = true;
	}
	sut_buf_release(&a.body);
	return done;
}

static void *work(void *arg)
{
	const struct sut_http_opts opts = {.total_sec = 60, .connect_sec = 10};
	struct worker *w = arg;
	struct sut_http *h = NULL;

	if (sut_http_new(&opts, &h, NULL) < 0)
		return NULL;
	for (unsigned int i = 0; now() < until; i++) {
		double began = now();
		char name[40];

		snprintf(name, sizeof(name), "h%ld-%u-%u", (long)getpid(), w->number, i);
		while (!try_once(w, h, name)) {
			/* Long after the end: the portal did not come back. */
			if (now() > until + 60)
				goto out;
			usleep(20000);
		}
		if (now() - began > w->n.longest)
			w->n.longest = now() - began;
		if (sut_buf_addf(&w->names, "%s\n", name) < 0)
			break;
	}
out:
	sut_http_free(h);
	return NULL;
}

static int read_auth(const char *path)
{
	struct sut_buf b = SUT_BUF_INIT(sizeof(auth) - 1);

	if (sut_file_read(path, &b, NULL) < 0)
		return -1;
	snprintf(auth, sizeof(auth), "%.*s", (int)strcspn(sut_buf_str(&b), "\r\n"),
		 sut_buf_str(&b));
	sut_buf_release(&b);
	return 0;
}

int main(int argc, char **argv)
{
	static struct worker w[THREADS_MAX];
	uint64_t seconds, threads;
	struct counts n = {0};
	FILE *out;

	if (argc != 6 || sut_parse_u64(argv[3], 3600, &seconds) < 0 ||
	    sut_parse_u64(argv[4], THREADS_MAX, &threads) < 0 || read_auth(argv[2]) < 0)
		return 64;
	url = sut_sprintf("%s/v1/tenants", argv[1]);
	out = fopen(argv[5], "ae");
	if (!url || !out)
		return 1;
	until = now() + (double)seconds;
	for (unsigned int i = 0; i < threads; i++) {
		w[i] = (struct worker){.number = i, .names = SUT_BUF_INIT(64 << 20)};
		if (pthread_create(&w[i].thread, NULL, work, &w[i]) != 0)
			return 1;
	}
	for (unsigned int i = 0; i < threads; i++) {
		pthread_join(w[i].thread, NULL);
		n.acknowledged += w[i].n.acknowledged;
		n.refused += w[i].n.refused;
		n.lost += w[i].n.lost;
		n.busy += w[i].n.busy;
		n.bad += w[i].n.bad;
		n.longest = w[i].n.longest > n.longest ? w[i].n.longest : n.longest;
		fputs(sut_buf_str(&w[i].names), out);
		sut_buf_release(&w[i].names);
	}
	free(url);
	printf("acknowledged %u refused %u lost %u busy %u bad %u longest-ms %.0f\n",
	       n.acknowledged, n.refused, n.lost, n.busy, n.bad, n.longest * 1000);
	return fclose(out) != 0;
}
