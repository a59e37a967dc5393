// SPDX-License-Identifier: Apache-2.0
#include "serve/young.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/str.h"
#include "serve/pass.h"
#include "serve/watch.h"

enum {
	PAUSE_MS = 2000,
	PAUSE_MAX_MS = 64000,
	PIDS_MAX = 1 << 22,
	SPACES_MAX = 4096, /* mount namespaces of one look */
};

/* When the next of those that are young is looked at again; 0: none. */
static _Atomic int64_t due_ms;

bool young_any(int64_t now_ms)
{
	static uint64_t last;
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(256);
	int64_t due = atomic_load(&due_ms);
	const char *s;
	uint64_t is;

	/* "0.20 0.18 0.12 1/80 11206": the last number that was given to a process or thread. */
	if (sut_file_read("/proc/loadavg", &b, NULL) < 0)
		return false;
	s = strrchr(sut_buf_str(&b), ' ');
	is = s ? strtoull(s, NULL, 10) : 0;
	if (is == last)
		return due && due <= now_ms;
	last = is;
	return true;
}

/* All processes, ascending. */
static int list(pid_t **ret, size_t *ret_n)
{
	_cleanup_(sut_closedirp) DIR *d = opendir("/proc");
	_cleanup_(sut_freep) pid_t *v = NULL;
	size_t n = 0, room = 0;
	struct dirent *e;

	if (!d)
		return -errno;
	while ((e = readdir(d)) && n < PIDS_MAX) {
		uint64_t pid;

		if (!isdigit((unsigned char)e->d_name[0]) ||
		    sut_parse_u64(e->d_name, INT32_MAX, &pid) < 0)
			continue;
		/* The kernel lists them so; one that came out of order is looked at once more. */
		if (n == room) {
			pid_t *more = reallocarray(v, room + 1024, sizeof(*more));

			if (!more)
				return -ENOMEM;
			v = more;
			room += 1024;
		}
		v[n++] = (pid_t)pid;
	}
	*ret = sut_steal(v);
	*ret_n = n;
	return 0;
}

static bool has(const pid_t *v, size_t n, size_t *at, pid_t pid)
{
	while (*at < n && v[*at] < pid)
		(*at)++;
	return *at < n && v[*at] == pid;
}

/* Its mount namespace and its root in there, as one number; 0: it has none any more. */
static uint64_t space_of(const char *who)
{
	char path[48], root[PATH_MAX];
	struct stat st;
	uint64_t sum;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%s/ns/mnt", who);
	if (stat(path, &st) < 0)
		return 0;
	snprintf(path, sizeof(path), "/proc/%s/root", who);
	n = readlink(path, root, sizeof(root));
	sum = st.st_ino;
	for (ssize_t i = 0; i < n; i++)
		sum = sum * 1099511628211u ^ (uint8_t)root[i];
	return n > 0 ? sum | 1 : 0;
}

static void mark_spaces(struct serve *s, const struct wanted *w, const pid_t *pids, size_t n)
{
	_cleanup_(sut_freep) uint64_t *done = calloc(SPACES_MAX, sizeof(*done));
	uint64_t own = space_of("self");
	size_t ndone = 0;

	/* Their numbers are given again: nothing is remembered for the next time. */
	for (size_t i = 0; done && i < n && ndone < SPACES_MAX; i++) {
		char who[16];
		uint64_t is;
		bool known;

		snprintf(who, sizeof(who), "%d", pids[i]);
		is = space_of(who);
		known = !is || is == own;
		for (size_t k = ndone; k-- > 0 && !known;)
			known = done[k] == is;
		if (known || !serve_may(s, pids[i]))
			continue;
		done[ndone++] = is;
		watch_root_of(s->watch, pids[i], w);
	}
}

static void remember(struct young *y, pid_t pid, int64_t now)
{
	if (y->n < YOUNG_MAX)
		y->v[y->n++] = (struct young_one){pid, now + PAUSE_MS, PAUSE_MS};
}

/* Those whose time has come; who is gone, or old enough, is forgotten. */
static size_t take_due(struct young *y, const pid_t *all, size_t nall, int64_t now, pid_t *ret)
{
	size_t n = 0, kept = 0;

	for (size_t i = 0; i < y->n; i++) {
		struct young_one o = y->v[i];
		size_t at = 0;

		if (!has(all, nall, &at, o.pid))
			continue;
		if (o.due_ms <= now) {
			ret[n++] = o.pid;
			o.pause_ms *= 2;
			o.due_ms = now + o.pause_ms;
		}
		if (o.pause_ms <= PAUSE_MAX_MS)
			y->v[kept++] = o;
	}
	y->n = kept;
	return n;
}

static int by_pid(const void *a, const void *b)
{
	const pid_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

void young_begin(struct serve *s, const struct wanted *w, const pid_t *pids, size_t n)
{
	struct young *y = &s->young;
	pid_t *copy = calloc(n + 1, sizeof(*copy));

	if (copy) {
		memcpy(copy, pids, n * sizeof(*copy));
		qsort(copy, n, sizeof(*copy), by_pid);
		free(y->before);
		y->before = copy;
		y->nbefore = n;
	}
	mark_spaces(s, w, pids, n);
}

void young_look(struct serve *s, const struct wanted *w)
{
	_cleanup_(sut_freep) pid_t *all = NULL;
	struct young *y = &s->young;
	pid_t pids[2 * YOUNG_MAX];
	int64_t now = serve_now_ms(), due = 0;
	size_t nall = 0, n, fresh = 0, at = 0;

	if (list(&all, &nall) < 0)
		return;
	n = take_due(y, all, nall, now, pids);
	for (size_t i = 0; y->before && i < nall && fresh < YOUNG_MAX; i++)
		if (!has(y->before, y->nbefore, &at, all[i])) {
			pids[n++] = all[i];
			fresh++;
			remember(y, all[i], now);
		}
	free(y->before);
	y->before = sut_steal(all);
	y->nbefore = nall;
	for (size_t i = 0; i < y->n; i++)
		if (!due || y->v[i].due_ms < due)
			due = y->v[i].due_ms;
	atomic_store(&due_ms, due);
	mark_spaces(s, w, pids, n);
	pass_some(s, w, pids, n);
}
