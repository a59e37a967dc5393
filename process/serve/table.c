// SPDX-License-Identifier: Apache-2.0
#include "serve/table.h"

#include <errno.h>
#include <string.h>
#include <time.h>

enum {
	ROWS_MAX = 256,
	BYTES_MAX = 96 << 10, /* of rows in one answer: a message has 128 KiB */
	REASONS_MAX = 64,
};

struct table_entry *table_entry_new(size_t n)
{
	struct table_entry *e = calloc(1, sizeof(*e) + n * sizeof(e->rows[0]));

	if (e)
		e->nrows = n;
	return e;
}

void table_entry_free(struct table_entry *e)
{
	if (!e)
		return;
	for (size_t i = 0; i < e->nrows; i++) {
		free(e->rows[i].text);
		free(e->rows[i].file);
	}
	free(e->exe);
	free(e->unit);
	free(e);
}

void table_entry_freep(struct table_entry **e)
{
	table_entry_free(*e);
}

/* The first with that pid or a higher one. */
static size_t place(const struct table *t, pid_t pid)
{
	size_t low = 0, high = t->n;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (t->v[mid]->pid < pid)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static void take_over(struct table_entry *e, const struct table_entry *old)
{
	for (size_t i = 0; i < e->nrows; i++) {
		struct table_row *row = &e->rows[i];

		for (size_t k = 0; k < old->nrows; k++) {
			const struct table_row *was = &old->rows[k];

			if (memcmp(was->build_id, row->build_id, sizeof(row->build_id)) != 0)
				continue;
			if (was->patched == row->patched && was->level == row->level &&
			    (row->patched || sut_streq(was->reason, row->reason)))
				row->since = was->since;
			/* How long it stood still when that was done. */
			if (sut_streq(row->reason, "current") && row->since == was->since) {
				row->stop_ns = was->stop_ns;
				memcpy(row->reason, was->reason, sizeof(row->reason));
			}
		}
	}
	e->pause_ms = old->pause_ms;
}

static void plan(struct table_entry *e, int64_t now_ms)
{
	bool again = false;

	for (size_t i = 0; i < e->nrows; i++)
		again = again || e->rows[i].again;
	e->retry_ms = 0;
	if (!again) {
		e->pause_ms = 0;
		return;
	}
	e->pause_ms = e->pause_ms ? e->pause_ms * 2 : TABLE_PAUSE_MIN;
	if (e->pause_ms > TABLE_PAUSE_MAX)
		e->pause_ms = TABLE_PAUSE_MAX;
	else
		e->retry_ms = now_ms + e->pause_ms;
}

int table_put(struct table *t, struct table_entry *e, int64_t now_ms)
{
	int64_t now = time(NULL);
	size_t at;

	for (size_t i = 0; i < e->nrows; i++)
		if (!e->rows[i].since)
			e->rows[i].since = now;
	pthread_mutex_lock(&t->lock);
	at = place(t, e->pid);
	if (at < t->n && t->v[at]->pid == e->pid) {
		if (t->v[at]->starttime == e->starttime)
			take_over(e, t->v[at]);
		plan(e, now_ms);
		table_entry_free(t->v[at]);
		t->v[at] = e;
		pthread_mutex_unlock(&t->lock);
		return 0;
	}
	if (t->n == t->room) {
		size_t room = t->room ? t->room * 2 : 64;
		struct table_entry **more = reallocarray(t->v, room, sizeof(void *));

		if (!more) {
			pthread_mutex_unlock(&t->lock);
			table_entry_free(e);
			return -ENOMEM;
		}
		t->v = more;
		t->room = room;
	}
	plan(e, now_ms);
	memmove(&t->v[at + 1], &t->v[at], (t->n - at) * sizeof(void *));
	t->v[at] = e;
	t->n++;
	pthread_mutex_unlock(&t->lock);
	return 0;
}

void table_drop(struct table *t, pid_t pid)
{
	size_t at;

	pthread_mutex_lock(&t->lock);
	at = place(t, pid);
	if (at < t->n && t->v[at]->pid == pid) {
		table_entry_free(t->v[at]);
		t->n--;
		memmove(&t->v[at], &t->v[at + 1], (t->n - at) * sizeof(void *));
	}
	pthread_mutex_unlock(&t->lock);
}

bool table_has(struct table *t, pid_t pid)
{
	size_t at;
	bool has;

	pthread_mutex_lock(&t->lock);
	at = place(t, pid);
	has = at < t->n && t->v[at]->pid == pid;
	pthread_mutex_unlock(&t->lock);
	return has;
}

void table_sweep(struct table *t, bool (*keep)(void *ctx, const struct table_entry *e), void *ctx)
{
	size_t n = 0;

	pthread_mutex_lock(&t->lock);
	for (size_t i = 0; i < t->n; i++) {
		if (keep(ctx, t->v[i]))
			t->v[n++] = t->v[i];
		else
			table_entry_free(t->v[i]);
	}
	t->n = n;
	pthread_mutex_unlock(&t->lock);
}

void table_release(struct table *t)
{
	for (size_t i = 0; i < t->n; i++)
		table_entry_free(t->v[i]);
	free(t->v);
	t->v = NULL;
	t->n = t->room = 0;
}

size_t table_count(struct table *t)
{
	size_t n;

	pthread_mutex_lock(&t->lock);
	n = t->n;
	pthread_mutex_unlock(&t->lock);
	return n;
}

int64_t table_due(struct table *t)
{
	int64_t first = 0;

	pthread_mutex_lock(&t->lock);
	for (size_t i = 0; i < t->n; i++)
		if (t->v[i]->retry_ms && (!first || t->v[i]->retry_ms < first))
			first = t->v[i]->retry_ms;
	pthread_mutex_unlock(&t->lock);
	return first;
}

size_t table_take_due(struct table *t, int64_t now_ms, pid_t *ret, size_t max)
{
	size_t n = 0;

	pthread_mutex_lock(&t->lock);
	for (size_t i = 0; i < t->n && n < max; i++) {
		if (!t->v[i]->retry_ms || t->v[i]->retry_ms > now_ms)
			continue;
		t->v[i]->retry_ms = 0;
		ret[n++] = t->v[i]->pid;
	}
	pthread_mutex_unlock(&t->lock);
	return n;
}

/* ------------------------------------------------------------------ */

struct count {
	size_t processes, patched, nreasons;
	struct {
		char word[32];
		size_t n;
	} reasons[REASONS_MAX];
};

static void count_row(struct count *c, const struct table_row *row)
{
	size_t i;

	c->processes++;
	if (row->patched) {
		c->patched++;
		return;
	}
	for (i = 0; i < c->nreasons; i++)
		if (sut_streq(c->reasons[i].word, row->reason))
			break;
	if (i == REASONS_MAX)
		return;
	if (i == c->nreasons) {
		memcpy(c->reasons[i].word, row->reason, sizeof(row->reason));
		c->reasons[i].n = 0;
		c->nreasons++;
	}
	c->reasons[i].n++;
}

static json_t *library_json(struct table *t, const struct wanted_patch *p)
{
	_cleanup_(sut_freep) struct count *c = calloc(1, sizeof(*c));
	json_t *reasons = json_object(), *j;
	bool bad = !c || !reasons;

	for (size_t i = 0; !bad && i < t->n; i++)
		for (size_t k = 0; k < t->v[i]->nrows; k++)
			if (!memcmp(t->v[i]->rows[k].build_id, p->build_id, sizeof(p->build_id)))
				count_row(c, &t->v[i]->rows[k]);
	for (size_t i = 0; !bad && i < c->nreasons; i++)
		bad = json_object_set_new(reasons, c->reasons[i].word,
					  json_integer((json_int_t)c->reasons[i].n)) < 0;
	if (bad) {
		json_decref(reasons);
		return NULL;
	}
	j = json_pack("{s:s, s:s, s:i, s:s, s:s, s:I, s:I, s:o}", "build_id", p->hex, "name",
		      p->name, "level", (int)p->level, "patch", p->id, "sha256", p->sha256,
		      "processes", (json_int_t)c->processes, "patched", (json_int_t)c->patched,
		      "reasons", reasons);
	return j;
}

json_t *table_libraries(struct table *t, const struct wanted *w)
{
	json_t *list = json_array();

	pthread_mutex_lock(&t->lock);
	for (size_t i = 0; list && w && i < w->n; i++)
		if (json_array_append_new(list, library_json(t, &w->v[i])) < 0) {
			json_decref(list);
			list = NULL;
		}
	pthread_mutex_unlock(&t->lock);
	return list;
}

/* What the system calls something need not be UTF-8. */
static json_t *text_json(const char *s)
{
	char clean[1024];
	size_t n = 0;
	json_t *j;

	if (!s)
		return json_string("");
	j = json_string(s);
	if (j)
		return j;
	for (; *s && n + 1 < sizeof(clean); s++)
		clean[n++] = (unsigned char)*s < 0x80 ? *s : '?';
	clean[n] = '\0';
	return json_string(clean);
}

static json_t *row_json(const struct table_entry *e, const struct table_row *row)
{
	char hex[2 * SUT_LIBRARY_BUILD_ID_LEN + 1];

	sut_hex(row->build_id, sizeof(row->build_id), hex);
	return json_pack("{s:i, s:o, s:o, s:o, s:s, s:o, s:b, s:i, s:s, s:s, s:o, s:I, s:I}", "pid",
			 (int)e->pid, "comm", text_json(e->comm), "exe", text_json(e->exe), "unit",
			 text_json(e->unit), "build_id", hex, "file", text_json(row->file),
			 "deleted", row->deleted, "level", (int)row->level, "patch", row->patch,
			 "reason", row->reason, "text", text_json(row->text), "since",
			 (json_int_t)row->since, "stop_ns", (json_int_t)row->stop_ns);
}

json_t *table_processes(struct table *t, const uint8_t *build_id, pid_t after, pid_t *ret_next)
{
	json_t *list = json_array();
	size_t bytes = 0;
	pid_t last = after;
	bool more = false;

	pthread_mutex_lock(&t->lock);
	for (size_t i = place(t, after + 1); list && !more && i < t->n; i++) {
		const struct table_entry *e = t->v[i];

		/* All of a process or nothing of it: one always fits. */
		more = bytes && (json_array_size(list) + e->nrows > ROWS_MAX || bytes > BYTES_MAX);
		for (size_t k = 0; list && !more && k < e->nrows; k++) {
			json_t *j;

			if (build_id &&
			    memcmp(e->rows[k].build_id, build_id, SUT_LIBRARY_BUILD_ID_LEN) != 0)
				continue;
			if (json_array_size(list) >= ROWS_MAX || bytes > BYTES_MAX + 16384)
				break;
			j = row_json(e, &e->rows[k]);
			bytes += j ? json_dumpb(j, NULL, 0, JSON_COMPACT) + 1 : 0;
			if (json_array_append_new(list, j) < 0) {
				json_decref(list);
				list = NULL;
			}
		}
		if (!more)
			last = e->pid;
	}
	pthread_mutex_unlock(&t->lock);
	*ret_next = more ? last : -1;
	return list;
}
