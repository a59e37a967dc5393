// SPDX-License-Identifier: Apache-2.0
#include "sutured/job_store.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "common/paths.h"
#include "wire/wire.h"

#define FLOOR AGENT_JOBS "/floor"
#define FORMAT "suture-job-record"

enum {
	END_DIGITS = 12,
	HASH_DIGITS = 40,
	NAME_LEN = END_DIGITS + 1 + HASH_DIGITS, /* and ".json" */
};

static const char *const states[] =
	{[JOB_TAKEN] = "taken", [JOB_WAITING] = "waiting", [JOB_DONE] = "done"};

void job_record_release(struct job_record *r)
{
	free(r->envelope);
	free(r->result);
	*r = (struct job_record){0};
}

/* ------------------------------------------------------------------ */

static int bad(struct sut_err *err, const char *member)
{
	return sut_err_reason(err, EBADMSG, "damaged", "\"%s\" of a job's record is damaged",
			      member);
}

static bool take_text(const json_t *j, const char *key, char *ret, size_t size)
{
	const char *s = json_string_value(json_object_get(j, key));

	if (!s || strlen(s) >= size)
		return false;
	memcpy(ret, s, strlen(s) + 1);
	return true;
}

static int take_copy(const json_t *j, const char *key, char **ret, struct sut_err *err)
{
	const json_t *v = json_object_get(j, key);

	if (json_is_null(v))
		return 0;
	if (!json_is_string(v))
		return bad(err, key);
	*ret = strdup(json_string_value(v));
	return *ret ? 0 : sut_err_oom(err);
}

static int take(const json_t *j, struct job_record *r, struct sut_err *err)
{
	const char *state = json_string_value(json_object_get(j, "state"));
	const json_t *expires = json_object_get(j, "expires");
	const json_t *taken = json_object_get(j, "taken_at"), *exit = json_object_get(j, "exit");
	char format[sizeof(FORMAT)];
	int n;

	if (!take_text(j, "format", format, sizeof(format)) || strcmp(format, FORMAT) != 0 ||
	    json_integer_value(json_object_get(j, "version")) != 1)
		return bad(err, "format");
	if (!take_text(j, "id", r->id, sizeof(r->id)) || !*r->id)
		return bad(err, "id");
	if (!take_text(j, "digest", r->digest, sizeof(r->digest)) ||
	    strspn(r->digest, "0123456789abcdef") != sizeof(r->digest) - 1)
		return bad(err, "digest");
	if (!json_is_integer(expires) || !json_is_integer(taken) || !json_is_integer(exit) ||
	    json_integer_value(expires) <= 0 || json_integer_value(exit) < 0 ||
	    json_integer_value(exit) > 255)
		return bad(err, "expires");
	if (!take_text(j, "outcome", r->outcome, sizeof(r->outcome)))
		return bad(err, "outcome");
	for (n = 0; !state || strcmp(state, states[n]) != 0;)
		if (!state || ++n == SUT_ARRAY_SIZE(states))
			return bad(err, "state");
	r->state = (enum job_state)n;
	r->expires = json_integer_value(expires);
	r->taken_at = json_integer_value(taken);
	r->exit = (int)json_integer_value(exit);
	r->console = json_is_true(json_object_get(j, "console"));
	n = take_copy(j, "envelope", &r->envelope, err);
	if (n == 0)
		n = take_copy(j, "result", &r->result, err);
	if (n == 0 && r->state != JOB_DONE && !r->envelope)
		n = bad(err, "envelope");
	return n;
}

int job_record_parse(const void *text, size_t len, struct job_record *ret, struct sut_err *err)
{
	struct job_record rec = {0};
	json_t *j = NULL;
	int r = len > JOB_RECORD_MAX ? bad(err, "length") : wire_parse(text, len, &j, err);

	if (r == 0)
		r = take(j, &rec, err);
	json_decref(j);
	if (r < 0) {
		job_record_release(&rec);
		return r;
	}
	*ret = rec;
	return 0;
}

json_t *job_record_json(const struct job_record *r)
{
	return json_pack("{s:s, s:i, s:s, s:s, s:I, s:I, s:s, s:b, s:s, s:i, s:s?, s:s?}", "format",
			 FORMAT, "version", 1, "id", r->id, "digest", r->digest, "expires",
			 (json_int_t)r->expires, "taken_at", (json_int_t)r->taken_at, "state",
			 states[r->state], "console", r->console, "outcome", r->outcome, "exit",
			 r->exit, "envelope", r->envelope, "result", r->result);
}

/* ------------------------------------------------------------------ */
/* Names.                                                              */

static void hash_of(const char *id, char ret[static SUT_SHA256_HEX])
{
	sut_sha256_hex(id, strlen(id), ret);
	ret[HASH_DIGITS] = '\0';
}

/* "000001795292100-…": is it the name of a record? */
static bool read_name(const char *name, int64_t *ret_end, const char **ret_hash)
{
	char digits[END_DIGITS + 1];
	uint64_t v;

	if (strlen(name) != NAME_LEN + 5 || strcmp(name + NAME_LEN, ".json") != 0 ||
	    name[END_DIGITS] != '-' ||
	    strspn(name + END_DIGITS + 1, "0123456789abcdef") != HASH_DIGITS)
		return false;
	memcpy(digits, name, END_DIGITS);
	digits[END_DIGITS] = '\0';
	if (strspn(digits, "0123456789") != END_DIGITS || sscanf(digits, "%" SCNu64, &v) != 1)
		return false;
	*ret_end = (int64_t)v;
	*ret_hash = name + END_DIGITS + 1;
	return true;
}

static int path_of(const char *root, const char *name, struct agent_path *ret, struct sut_err *err)
{
	struct agent_path dir = agent_path(root, AGENT_JOBS);

	if ((size_t)snprintf(ret->s, sizeof(ret->s), "%.3900s/%s", dir.s, name) >= sizeof(ret->s))
		return sut_err_set(err, ENAMETOOLONG, "%.100s… is too long a path", dir.s);
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Names of all records, those that end first in front. None when there is no folder. */
static int list(const char *root, struct sut_strv *ret, struct sut_err *err)
{
	struct agent_path path = agent_path(root, AGENT_JOBS);
	_cleanup_(sut_closedirp) DIR *d = opendir(path.s);
	const struct dirent *e;
	const char *hash;
	int64_t end;

	if (!d)
		return errno == ENOENT ? 0 : sut_err_errno(err, "cannot look into %s", path.s);
	for (errno = 0; (e = readdir(d)); errno = 0)
		if (read_name(e->d_name, &end, &hash) && sut_strv_add(ret, e->d_name) < 0)
			return sut_err_oom(err);
	if (errno)
		return sut_err_errno(err, "cannot look into %s", path.s);
	if (ret->n)
		qsort(ret->v, ret->n, sizeof(*ret->v), by_name);
	return 0;
}

static int read_record(const char *root, const char *name, struct job_record *ret,
		       struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(JOB_RECORD_MAX);
	struct agent_path path;
	int r = path_of(root, name, &path, err);

	if (r == 0)
		r = sut_file_read(path.s, &b, err);
	return r < 0 ? r : job_record_parse(b.data, b.len, ret, err);
}

/* ------------------------------------------------------------------ */

int job_store_find(const char *root, const char *id, struct job_record *ret, struct sut_err *err)
{
	_cleanup_strv_ struct sut_strv names = {0};
	char hash[SUT_SHA256_HEX];
	int r = list(root, &names, err);

	hash_of(id, hash);
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		const char *its = NULL;
		int64_t end = 0;

		if (!read_name(names.v[i], &end, &its) || strncmp(its, hash, HASH_DIGITS) != 0)
			continue;
		r = read_record(root, names.v[i], ret, err);
		if (r == -ENOMEM || r == 0)
			return r;
		*ret = (struct job_record){.state = JOB_DONE, .expires = end};
		(void)snprintf(ret->id, sizeof(ret->id), "%s", id);
		return 0;
	}
	return r < 0 ? r : sut_err_set(err, ENOENT, "the job %s was never taken", id);
}

int job_store_put(const char *root, const struct job_record *rec, struct sut_err *err)
{
	_cleanup_strv_ struct sut_strv names = {0};
	struct agent_path dir = agent_path(root, AGENT_JOBS), path;
	char hash[SUT_SHA256_HEX], name[96], *text;
	json_t *j;
	int r;

	if (mkdir(dir.s, 0700) < 0 && errno != EEXIST)
		return sut_err_errno(err, "cannot make the folder %s", dir.s);
	hash_of(rec->id, hash);
	(void)snprintf(name, sizeof(name), "%012" PRId64 "-%s.json", rec->expires, hash);
	r = list(root, &names, err);
	if (r == 0 && names.n >= JOB_RECORDS_MAX && !sut_strv_has(&names, name))
		r = sut_err_reason(err, EDQUOT, "full",
				   "%d jobs were taken that have not expired yet; no more can be "
				   "kept apart. Wait until some have, or let them expire sooner",
				   JOB_RECORDS_MAX);
	if (r == 0)
		r = path_of(root, name, &path, err);
	if (r < 0)
		return r;
	j = job_record_json(rec);
	text = j ? json_dumps(j, JSON_COMPACT) : NULL;
	json_decref(j);
	r = text ? sut_file_write(path.s, text, strlen(text), 0600, err) : sut_err_oom(err);
	free(text);
	return r;
}

int job_store_floor(const char *root, int64_t *ret, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(32);
	struct agent_path path = agent_path(root, FLOOR);
	int64_t v = 0;
	struct sut_err why = {0};
	int r = sut_file_read(path.s, &b, &why);

	if (r == -ENOENT) {
		*ret = 0;
		return 0;
	}
	if (r < 0 && r != -EFBIG)
		return sut_err_set(err, -r, "%s", why.msg);
	if (r < 0 || sscanf(sut_buf_str(&b), "%" SCNd64, &v) != 1 || v < 0)
		return sut_err_reason(err, EBADMSG, "damaged",
				      "%s is damaged, so it is not known which old jobs were "
				      "done. Remove it when you are sure that the clock is right",
				      path.s);
	*ret = v;
	return 0;
}

/* Before the records go. */
static int raise_floor(const char *root, int64_t end, struct sut_err *err)
{
	struct agent_path path = agent_path(root, FLOOR);
	int64_t now = 0;
	char text[32];
	int r = job_store_floor(root, &now, err);

	if (r < 0 || now >= end)
		return r;
	(void)snprintf(text, sizeof(text), "%" PRId64 "\n", end);
	return sut_file_write(path.s, text, strlen(text), 0600, err);
}

static int forget(const char *root, const char *name, int64_t end, struct sut_err *err)
{
	struct agent_path path;
	int r = raise_floor(root, end, err);

	if (r == 0)
		r = path_of(root, name, &path, err);
	if (r == 0 && unlink(path.s) < 0 && errno != ENOENT)
		r = sut_err_errno(err, "cannot remove %s", path.s);
	return r;
}

int job_store_sweep(const char *root, int64_t now, struct sut_err *err)
{
	_cleanup_strv_ struct sut_strv names = {0};
	int r = list(root, &names, err);
	size_t results = 0;

	/* From those that end last: their results are the newest, as near as makes no difference. */
	for (size_t i = names.n; r == 0 && i-- > 0;) {
		struct job_record rec = {0};
		const char *hash;
		int64_t end;
		bool over;

		if (!read_name(names.v[i], &end, &hash))
			continue;
		over = now > end + JOB_KEEP_S;
		r = read_record(root, names.v[i], &rec, err);
		if (r == -ENOMEM)
			break;
		/* One that can never be read again is forgotten in time, too. */
		if (over && (r < 0 || rec.state == JOB_DONE)) {
			r = forget(root, names.v[i], end, err);
		} else if (r == 0 && rec.result && ++results > JOB_RESULTS_MAX) {
			free(rec.result);
			rec.result = NULL;
			r = job_store_put(root, &rec, err);
		} else {
			r = 0;
		}
		job_record_release(&rec);
	}
	return r;
}

int job_store_each(const char *root, job_store_fn fn, void *ctx, struct sut_err *err)
{
	_cleanup_strv_ struct sut_strv names = {0};
	int r = list(root, &names, err);

	for (size_t i = 0; r == 0 && i < names.n; i++) {
		struct job_record rec = {0};

		r = read_record(root, names.v[i], &rec, err);
		if (r == 0)
			r = fn(ctx, &rec, err);
		else if (r != -ENOMEM)
			r = 0;
		job_record_release(&rec);
	}
	return r;
}
