// SPDX-License-Identifier: Apache-2.0
#include "show.h"

#include <errno.h>
#include <langinfo.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/utf8.h"
#include "term.h"

enum { COLUMNS_MAX = 12, COLUMN_LEAST = 9, CELL_MAX = 4096, DEPTH_MAX = 8 };

int show_json(const json_t *v)
{
	/* What a terminal would take as a command is written as \u…. */
	size_t flags = JSON_INDENT(2) | JSON_ENCODE_ANY;
	char *text = json_dumps(v, isatty(STDOUT_FILENO) ? flags | JSON_ENSURE_ASCII : flags);

	if (!text) {
		admin_say("out of memory");
		return ADMIN_ERROR;
	}
	puts(text);
	explicit_bzero(text, strlen(text));
	free(text);
	return ADMIN_OK;
}

/* Seconds since the epoch; -1. */
static int64_t seconds(const char *s)
{
	struct tm tm = {0};
	const char *end = s ? strptime(s, "%Y-%m-%dT%H:%M:%S", &tm) : NULL;

	if (!end || (*end != 'Z' && *end != '.'))
		return -1;
	return timegm(&tm);
}

void show_age(const char *rfc3339, int64_t now, char ret[static 32])
{
	static const struct {
		int64_t from, unit;
		const char *name;
	} units[] = {{2 * 365 * 86400, 365 * 86400, "y"},
		     {2 * 86400, 86400, "d"},
		     {2 * 3600, 3600, "h"},
		     {120, 60, "min"},
		     {0, 1, "s"}};
	int64_t at = seconds(rfc3339), age = now - at;
	size_t i = 0;

	if (!rfc3339 || at < 0) {
		snprintf(ret, 32, "-");
		return;
	}
	while ((age < 0 ? -age : age) < units[i].from)
		i++;
	if (age < 0)
		snprintf(ret, 32, "in %lld %s", (long long)(-age / units[i].unit), units[i].name);
	else
		snprintf(ret, 32, "%lld %s ago", (long long)(age / units[i].unit), units[i].name);
}

void show_local(const char *rfc3339, char ret[static 32])
{
	time_t at = (time_t)seconds(rfc3339);
	struct tm tm;

	if (!rfc3339 || at < 0 || !localtime_r(&at, &tm) ||
	    !strftime(ret, 32, "%Y-%m-%d %H:%M", &tm))
		snprintf(ret, 32, "-");
}

/* "kernel.level" in objects. NULL when there is none. */
static const json_t *field(const json_t *v, const char *name)
{
	while (v && *name) {
		size_t n = strcspn(name, ".");
		char part[64];

		if (n >= sizeof(part))
			return NULL;
		memcpy(part, name, n);
		part[n] = '\0';
		v = json_object_get(v, part);
		name += n + (name[n] == '.');
	}
	return v;
}

static bool ascii_only(void)
{
	return !sut_streq(nl_langinfo(CODESET), "UTF-8");
}

/* Text for people in one line. Adds as much as fits. */
static void scalar(struct sut_buf *b, const json_t *v)
{
	const json_t *e;
	const char *name;
	size_t i;

	switch (v ? json_typeof(v) : JSON_NULL) {
	case JSON_NULL:
		(void)!sut_buf_addstr(b, "-");
		break;
	case JSON_TRUE:
		(void)!sut_buf_addstr(b, "yes");
		break;
	case JSON_FALSE:
		(void)!sut_buf_addstr(b, "no");
		break;
	case JSON_INTEGER:
		(void)!sut_buf_addf(b, "%lld", (long long)json_integer_value(v));
		break;
	case JSON_REAL:
		(void)!sut_buf_addf(b, "%g", json_real_value(v));
		break;
	case JSON_STRING:
		(void)!sut_buf_addstr(b, json_string_length(v) ? json_string_value(v) : "-");
		break;
	case JSON_ARRAY:
		json_array_foreach(v, i, e) {
			if (i)
				(void)!sut_buf_addstr(b, ", ");
			scalar(b, e);
		}
		if (!json_array_size(v))
			(void)!sut_buf_addstr(b, "-");
		break;
	case JSON_OBJECT:
		i = 0;
		json_object_foreach((json_t *)v, name, e) {
			(void)!sut_buf_addf(b, "%s%s=", i++ ? ", " : "", name);
			scalar(b, e);
		}
		if (!i)
			(void)!sut_buf_addstr(b, "-");
		break;
	}
}

static char *cell(const json_t *v, enum admin_show show)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(CELL_MAX);
	const char *text = json_string_value(v);
	char buf[32];

	switch (show) {
	case ADMIN_AGE:
		show_age(text, time(NULL), buf);
		(void)!sut_buf_addstr(&b, buf);
		break;
	case ADMIN_WHEN:
		show_local(text, buf);
		(void)!sut_buf_addstr(&b, buf);
		break;
	case ADMIN_COUNT:
		(void)!sut_buf_addf(&b, "%zu",
				    json_is_object(v) ? json_object_size(v) : json_array_size(v));
		break;
	case ADMIN_YES: /* null, false and 0 are no, everything else is yes */
		(void)!sut_buf_addstr(&b, !v || json_is_null(v) || json_is_false(v) ? "-" : "yes");
		break;
	case ADMIN_SHORT: /* digests and the like */
		if (json_string_length(v) > 12) {
			(void)!sut_buf_add(&b, text, 12);
			break;
		}
		/* fallthrough */
	case ADMIN_PLAIN:
		scalar(&b, v);
		break;
	}
	if (!b.data)
		return strdup("");
	sut_make_printable((char *)b.data, "");
	if (ascii_only())
		for (size_t i = 0; i < b.len; i++)
			if (b.data[i] & 0x80)
				b.data[i] = '?';
	return (char *)sut_steal(b.data);
}

struct table {
	char **cells; /* rows * n */
	size_t rows, n;
	size_t shown; /* columns */
	size_t width[COLUMNS_MAX];
};

static void table_release(struct table *t)
{
	for (size_t i = 0; t->cells && i < t->rows * t->n; i++)
		free(t->cells[i]);
	free(t->cells);
}

/* Those on the right go when there is no room for a part of each that tells something; then the widest
 * give until the line fits. The first one is what a thing is called, and stays whole. */
static void squeeze(struct table *t, size_t width)
{
	size_t total = 0, least = 0;

	for (size_t c = 0; c < t->n; c++) {
		least += c && t->width[c] > COLUMN_LEAST ? COLUMN_LEAST : t->width[c];
		least += c ? 2 : 0;
		if (c && width && least > width)
			break;
		total += t->width[c] + (c ? 2 : 0);
		t->shown = c + 1;
	}
	while (width && total > width) {
		size_t widest = 0;

		for (size_t c = 1; c < t->shown; c++)
			if (!widest || t->width[c] > t->width[widest])
				widest = c;
		if (!widest || t->width[widest] <= 2)
			return;
		t->width[widest]--;
		total--;
	}
}

static void put_cell(const char *s, size_t width, bool last)
{
	size_t columns = term_columns(s);

	if (columns > width) {
		const char *mark = ascii_only() ? "+" : "\u2026";

		printf("%.*s%s", (int)term_fit(s, width - 1), s, mark);
		columns = term_columns(s) ? width : 0;
	} else {
		fputs(s, stdout);
	}
	if (!last)
		printf("%*s", (int)(width - columns + 2), "");
}

static void put_table(struct table *t, const char *const *titles, size_t indent)
{
	size_t screen = term_width();

	for (size_t c = 0; c < t->n; c++) {
		t->width[c] = strlen(titles[c]);
		for (size_t r = 0; r < t->rows; r++) {
			size_t w = term_columns(t->cells[r * t->n + c]);

			if (w > t->width[c])
				t->width[c] = w;
		}
	}
	squeeze(t, screen > indent ? screen - indent : screen);
	printf("%*s", (int)indent, "");
	for (size_t c = 0; c < t->shown; c++)
		put_cell(titles[c], t->width[c], c + 1 == t->shown);
	putchar('\n');
	for (size_t r = 0; r < t->rows; r++) {
		printf("%*s", (int)indent, "");
		for (size_t c = 0; c < t->shown; c++)
			put_cell(t->cells[r * t->n + c], t->width[c], c + 1 == t->shown);
		putchar('\n');
	}
}

static int table_of(const json_t *items, const struct admin_column *columns, size_t n,
		    size_t indent)
{
	_cleanup_(table_release) struct table t = {.rows = json_array_size(items), .n = n};
	const char *titles[COLUMNS_MAX];
	const json_t *e;
	size_t i;

	t.cells = calloc(t.rows * n + 1, sizeof(*t.cells));
	if (!t.cells)
		goto oom;
	for (size_t c = 0; c < n; c++)
		titles[c] = columns[c].title;
	json_array_foreach(items, i, e) {
		for (size_t c = 0; c < n; c++) {
			char *s = cell(field(e, columns[c].field), columns[c].show);

			if (!s)
				goto oom;
			t.cells[i * n + c] = s;
		}
	}
	put_table(&t, titles, indent);
	return ADMIN_OK;
oom:
	admin_say("out of memory");
	return ADMIN_ERROR;
}

int show_table(const json_t *items, const struct admin_column *columns)
{
	size_t n = 0;

	while (n < COLUMNS_MAX && columns[n].title)
		n++;
	return table_of(items, columns, n, 0);
}

/* A list of objects: the fields of the first one are the columns, as many as there is room for. */
static int objects(const json_t *items, size_t indent)
{
	struct admin_column columns[COLUMNS_MAX];
	const json_t *v;
	const char *name;
	size_t n = 0;

	json_object_foreach(json_array_get(items, 0), name, v) {
		if (n == COLUMNS_MAX)
			break;
		columns[n++] = (struct admin_column){.title = name, .field = name};
	}
	return n ? table_of(items, columns, n, indent) : ADMIN_OK;
}

/* A time has its local form and its age beside it. */
static void put_value(const json_t *v)
{
	_cleanup_(sut_freep) char *text = cell(v, ADMIN_PLAIN);
	char local[32], age[32];

	if (json_is_string(v) && seconds(json_string_value(v)) >= 0) {
		show_local(json_string_value(v), local);
		show_age(json_string_value(v), time(NULL), age);
		printf("%s (%s)\n", local, age);
	} else {
		puts(text ? text : "?");
	}
}

static int record(const json_t *object, const char *skip, size_t indent, int depth)
{
	size_t width = 0;
	const char *name;
	const json_t *v;

	json_object_foreach((json_t *)object, name, v) {
		size_t w = term_columns(name);

		if (w > width && w < 40)
			width = w;
	}
	json_object_foreach((json_t *)object, name, v) {
		_cleanup_(sut_freep) char *shown = strdup(name);
		bool inner = json_is_object(v) && json_object_size(v),
		     list = json_is_array(v) && json_is_object(json_array_get(v, 0));
		int status = ADMIN_OK;

		if (sut_streq(name, skip))
			continue;
		if (!shown)
			return ADMIN_ERROR;
		sut_make_printable(shown, "");
		printf("%*s%s:", (int)indent, "", shown);
		if ((inner || list) && depth < DEPTH_MAX) {
			putchar('\n');
			status = inner ? record(v, NULL, indent + 2, depth + 1)
				       : objects(v, indent + 2);
		} else {
			printf("%*s",
			       (int)(term_columns(shown) < width ? width - term_columns(shown) + 1
								 : 1),
			       "");
			put_value(v);
		}
		if (status != ADMIN_OK)
			return status;
	}
	return ADMIN_OK;
}

int show_record(const json_t *object, const char *skip)
{
	return record(object, skip, 0, 0);
}

int show_secret(struct admin *a, const char *name, const char *secret)
{
	_cleanup_secret_ struct sut_buf b = SUT_BUF_INIT(8192);
	struct sut_err err = {0};

	if (!a->secret_file) {
		_cleanup_(sut_freep) char *s = strdup(secret);

		if (!s)
			return admin_fail(&(struct sut_err){.msg = "out of memory"});
		sut_make_printable(s, "");
		printf("%s: %s\n", name, s);
		explicit_bzero(s, strlen(s));
		if (isatty(STDOUT_FILENO))
			admin_say("this is the only time that the %s is shown; clear the screen "
				  "when you have it",
				  name);
		return ADMIN_OK;
	}
	if (sut_buf_reserve(&b, b.max) < 0 || sut_buf_addf(&b, "%s\n", secret) < 0) {
		sut_err_oom(&err);
		return admin_fail(&err);
	}
	if (sut_file_write(a->secret_file, b.data, b.len, 0600, &err) < 0) {
		/* It exists nowhere else. */
		admin_say("%s", err.msg);
		printf("%s: %s\n", name, secret);
		return ADMIN_ERROR;
	}
	return ADMIN_OK;
}
