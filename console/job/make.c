// SPDX-License-Identifier: Apache-2.0
#include "job/make.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/str.h"
#include "job/dsse.h"

static json_t *products(const struct job_manifest *m)
{
	json_t *list = json_array();

	if (m->kernel)
		(void)json_array_append_new(list, json_string("kernel"));
	if (m->library)
		(void)json_array_append_new(list, json_string("library"));
	return list;
}

static bool has_targets(enum sut_job_action a)
{
	return a == SUT_JOB_APPLY || a == SUT_JOB_PREFLIGHT;
}

/* NULL when memory is short. */
static json_t *document(const struct job_manifest *m)
{
	char created[32], expires[32], not_before[32];
	json_t *j;

	sut_job_time(m->created, created);
	sut_job_time(m->expires, expires);
	sut_job_time(m->not_before, not_before);
	j = json_pack("{s:s, s:i, s:s, s:s, s:s, s:s, s:s*, s:O, s:s, s:o, s:{s:b, s:b}}", "format",
		      SUT_JOB_FORMAT, "version", SUT_JOB_VERSION, "id", m->name, "issuer",
		      m->issuer, "created", created, "expires", expires, "not_before",
		      m->not_before ? not_before : NULL, "systems", m->systems, "action",
		      sut_job_action_word(m->action), "products", products(m), "options", "dry_run",
		      m->dry_run, "wait", true);
	if (j && has_targets(m->action) &&
	    json_object_set_new(j, "targets", json_pack("[O]", m->target)) < 0) {
		json_decref(j);
		return NULL;
	}
	if (j && json_array_size(m->windows) &&
	    json_object_set(j, "windows", (json_t *)m->windows) < 0) {
		json_decref(j);
		return NULL;
	}
	return j;
}

int job_manifest_make(const struct job_manifest *m, const struct sut_privkey *key,
		      char **ret_envelope, char ret_sha256[static SUT_SHA256_HEX],
		      struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf out = SUT_BUF_INIT(SUT_JOB_ENVELOPE_MAX);
	_cleanup_(sut_freep) char *text = NULL;
	struct sut_job seen = {0};
	json_t *j = document(m);
	char hash[SUT_SHA256_HEX];
	int rc;

	text = j ? json_dumps(j, JSON_COMPACT) : NULL;
	json_decref(j);
	if (!text)
		return sut_err_oom(err);
	rc = sut_job_parse(text, strlen(text), &seen, err);
	sut_job_release(&seen);
	if (rc == 0)
		rc = sut_dsse_sign(key, SUT_JOB_TYPE, text, strlen(text), &out, err);
	if (rc < 0)
		return rc;
	sut_sha256_hex(text, strlen(text), hash);
	memcpy(ret_sha256, hash, sizeof(hash));
	*ret_envelope = (char *)sut_steal(out.data);
	return 0;
}

/* --- windows: what agent/common/conf.c takes --- */

static int day(const char *s, size_t len)
{
	static const char names[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

	for (int i = 0; i < 7; i++)
		if (len == 3 && !strncasecmp(s, names[i], 3))
			return i;
	return -1;
}

/* "Mon-Fri,Sun", "daily" */
static bool days_ok(const char *s, size_t len)
{
	if (len == 5 && !strncasecmp(s, "daily", 5))
		return true;
	for (;;) {
		const char *comma = memchr(s, ',', len);
		size_t n = comma ? (size_t)(comma - s) : len;
		const char *dash = memchr(s, '-', n);

		if (day(s, dash ? (size_t)(dash - s) : n) < 0 ||
		    (dash && day(dash + 1, n - (size_t)(dash - s) - 1) < 0))
			return false;
		if (!comma)
			return true;
		s += n + 1;
		len -= n + 1;
	}
}

/* Minutes of "22:00", up to "24:00"; -1. */
static int minutes(const char *s)
{
	int h, m;

	for (int i = 0; i < 5; i++)
		if (i == 2 ? s[i] != ':' : s[i] < '0' || s[i] > '9')
			return -1;
	h = (s[0] - '0') * 10 + s[1] - '0';
	m = (s[3] - '0') * 10 + s[4] - '0';
	return m > 59 || h * 60 + m > 24 * 60 ? -1 : h * 60 + m;
}

bool job_window_ok(const char *text)
{
	size_t n = strcspn(text, " \t");
	const char *times = text + n + strspn(text + n, " \t");
	int from, till;

	if (strlen(text) > SUT_JOB_WINDOW_MAX || strlen(times) != 11 || times[5] != '-')
		return false;
	from = minutes(times);
	till = minutes(times + 6);
	return n && days_ok(text, n) && from >= 0 && till >= 0 && from < 24 * 60 && from != till;
}
