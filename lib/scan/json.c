// SPDX-License-Identifier: Apache-2.0
#include "json.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { STRING_MAX = 2047 };

static int on_event(void *ctx, struct sut_json_stream *s, enum sut_json_event e, const char *text)
{
	struct scan_json *j = ctx;

	if (sut_json_stream_depth(s) == 0 && e != SUT_JSON_OBJECT && e != SUT_JSON_OBJECT_END)
		return scan_json_bad(
			j, "this is no JSON object: send the file as the scanner wrote it");
	return j->reader->event(j, e, text);
}

void *scan_json_create(struct sut_scan *s, const struct scan_json_reader *reader)
{
	struct scan_json *j = calloc(1, sizeof(*j));
	const struct sut_json_stream_opts o = {
		.string_max = STRING_MAX, .event = on_event, .ctx = j};

	if (!j || sut_json_stream_open(&o, &j->stream) < 0) {
		free(j);
		return NULL;
	}
	j->s = s;
	j->reader = reader;
	j->tail = &j->kept;
	return j;
}

void scan_json_free(void *ctx)
{
	struct scan_json *j = ctx;

	sut_json_stream_free(j->stream);
	scan_found_release(&j->f);
	scan_machine_clear(&j->m);
	scan_pool_release(&j->pool);
	free(j);
}

int scan_json_bad(struct scan_json *j, const char *fmt, ...)
{
	_cleanup_buf_ struct sut_buf path = SUT_BUF_INIT(512);
	char what[512];
	va_list ap;
	int r = 0;

	for (size_t i = 1; r == 0 && i <= sut_json_stream_depth(j->stream); i++) {
		const char *key = sut_json_stream_key(j->stream, i);

		r = sut_buf_addf(&path, "%s%s", i == 1 ? ", at " : ".", *key ? key : "*");
	}
	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	return scan_bad(j->err, "line %llu, column %llu%s: %s",
			(unsigned long long)sut_json_stream_line(j->stream),
			(unsigned long long)sut_json_stream_column(j->stream), sut_buf_str(&path),
			what);
}

static int outcome(struct scan_json *j, int r)
{
	if (r == -EBADMSG && *sut_json_stream_why(j->stream))
		return scan_json_bad(j, "the JSON %s: send it as the scanner wrote it, whole",
				     sut_json_stream_why(j->stream));
	return r == -ENOMEM ? sut_err_oom(j->err) : r;
}

int scan_json_feed(void *ctx, const char *bytes, size_t len, struct sut_err *err)
{
	struct scan_json *j = ctx;

	j->err = err;
	return outcome(j, sut_json_stream_feed(j->stream, bytes, len));
}

int scan_json_finish(void *ctx, struct sut_err *err)
{
	struct scan_json *j = ctx;
	int r;

	j->err = err;
	r = outcome(j, sut_json_stream_finish(j->stream));
	if (r == 0 && j->reader->check)
		r = j->reader->check(j);
	return r < 0 ? r : scan_json_ready(j);
}

int scan_json_ready(struct scan_json *j)
{
	int r;

	if (j->host_given)
		return 0;
	j->host_given = true;
	/* Who says which system it is knows better than a name in the file, which may be that of a folder. */
	if (scan_has_default_host(j->s) || !scan_machine_known(&j->m))
		r = scan_give_default_host(j->s, &j->m, j->err);
	else
		r = scan_give_host(j->s, &j->m, j->err);
	for (; r == 0 && j->kept; j->kept = j->kept->next)
		r = scan_give_kept(j->s, j->kept, NULL, j->err);
	scan_pool_release(&j->pool);
	return r;
}

int scan_json_found(struct scan_json *j)
{
	struct scan_kept *k;
	int r;

	if (j->host_given)
		return scan_give(j->s, &j->f, j->err);
	r = scan_keep(&j->pool, &j->f, &k, j->err);
	if (r == -EFBIG && scan_has_default_host(j->s)) {
		/* Which host it is is known anyway: then without what the rest of the file says of it. */
		r = scan_json_ready(j);
		return r < 0 ? r : scan_give(j->s, &j->f, j->err);
	}
	if (r < 0)
		return r;
	*j->tail = k;
	j->tail = &k->next;
	return 0;
}

bool scan_json_at(const struct scan_json *j, const char *path)
{
	return sut_json_stream_at(j->stream, path);
}
