// SPDX-License-Identifier: Apache-2.0
/* Having the health checks run, and what came of it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/proc.h"
#include "base/str.h"
#include "base/utf8.h"
#include "boot.h"
#include "health.h"
#include "json/parse.h"
#include "settings.h"

enum { SERVICE_S = 31 * 60 }; /* suture-health.service ends by itself after 30 minutes */

static int bad(struct sut_err *err)
{
	return sut_err_reason(err, EBADMSG, "health", "the result of the health checks is damaged");
}

/* The line of a check's output that tells most: the last one that is not empty. */
static void last_line(const char *output, char *ret, size_t size)
{
	const char *end = output + strlen(output), *begin;

	while (end > output && (end[-1] == '\n' || end[-1] == ' '))
		end--;
	for (begin = end; begin > output && begin[-1] != '\n'; begin--)
		;
	snprintf(ret, size, "%.*s", (int)(end - begin), begin);
}

static int take_check(const json_t *j, struct health *h)
{
	const char *name = json_string_value(json_object_get(j, "name"));
	const char *outcome = json_string_value(json_object_get(j, "outcome"));
	const char *output = json_string_value(json_object_get(j, "output"));
	const json_t *ok = json_object_get(j, "ok");
	char line[HEALTH_TEXT_MAX / 2];
	size_t used = strlen(h->not_run);

	if (!name || !*name || !outcome || !*outcome || !output || !json_is_boolean(ok))
		return -EBADMSG;
	if (sut_streq(outcome, "refused")) {
		h->refused++;
		snprintf(h->not_run + used, sizeof(h->not_run) - used, "%s%.*s", used ? ", " : "",
			 HEALTH_NAME_MAX, name);
		return 0;
	}
	h->run++;
	if (json_is_true(ok) || *h->failed)
		return 0;
	last_line(output, line, sizeof(line));
	snprintf(h->failed, sizeof(h->failed), "%.*s: %.32s%s%s", HEALTH_NAME_MAX, name, outcome,
		 *line ? ": " : "", line);
	sut_make_printable(h->failed, "");
	return 0;
}

int health_parse(const void *text, size_t len, struct health *ret, struct sut_err *err)
{
	struct health h = {0};
	const char *format;
	const json_t *checks, *c;
	json_t *j = NULL;
	size_t i;
	int r = 0;

	if (len <= HEALTH_RESULT_MAX &&
	    sut_json_object_parse(text, len, SUT_JSON_DEPTH, &j, NULL) == -ENOMEM)
		return sut_err_oom(err);
	format = json_string_value(json_object_get(j, "format"));
	checks = json_object_get(j, "checks");
	if (!format || !sut_streq(format, "suture-health") || !json_is_array(checks) ||
	    json_array_size(checks) > HEALTH_CHECKS_MAX)
		r = -EBADMSG;
	json_array_foreach(checks, i, c)
		if (r == 0)
			r = take_check(c, &h);
	sut_make_printable(h.not_run, "");
	h.ok = !*h.failed;
	json_decref(j);
	if (r < 0)
		return bad(err);
	*ret = h;
	return 0;
}

/* ------------------------------------------------------------------ */

static bool has_systemd(const struct apply *a)
{
	return !*a->root && sut_exists("/run/systemd/system");
}

static bool is_going_down(void)
{
	static const char *const argv[] = {"systemctl", "is-system-running", NULL};
	_cleanup_buf_ struct sut_buf out = SUT_BUF_INIT(256);
	struct sut_run_opts o = {.out = &out, .timeout_sec = 10};

	return sut_run(argv, &o, NULL) >= 0 && sut_startswith(sut_buf_str(&out), "stopping");
}

static int not_run(struct sut_err *err, const char *why)
{
	return sut_err_reason(
		err, EAGAIN, "health",
		"the health checks could not be run: %s. The patch stays in probation "
		"until they can; look at 'systemctl status suture-health'",
		why);
}

/* Returns what the service left in result. */
static int ask_service(const char *result, struct sut_buf *text, struct sut_err *err)
{
	static const char *const argv[] = {"systemctl", "start", "suture-health.service", NULL};
	struct sut_run_opts o = {.timeout_sec = SERVICE_S};
	struct sut_err why = {0};
	int r;

	if (is_going_down())
		return sut_err_reason(err, ESHUTDOWN, "health",
				      "the machine is going down, so that nothing is judged");
	if (unlink(result) < 0 && errno != ENOENT)
		return not_run(err, strerror(errno));
	r = sut_run_ok(argv, &o, &why);
	if (r == 0)
		r = sut_file_read(result, text, &why);
	return r < 0 ? not_run(err, why.msg) : 0;
}

static int run_here(struct apply *a, int64_t timeout_s, struct sut_buf *text, struct sut_err *err)
{
	struct sut_err why = {0};
	json_t *result = NULL;
	_cleanup_(sut_freep) char *dump = NULL;
	int r = health_run(a->root, a->now(), timeout_s, &result, &why);

	if (r < 0)
		return not_run(err, why.msg);
	dump = json_dumps(result, JSON_INDENT(1));
	json_decref(result);
	if (!dump || sut_buf_addstr(text, dump) < 0)
		return sut_err_oom(err);
	return 0;
}

int health_ask(struct apply *a, int64_t timeout_s, struct health *ret, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf text = SUT_BUF_INIT(HEALTH_RESULT_MAX);
	struct agent_path result = agent_path(a->root, AGENT_HEALTH_RESULT);
	struct sut_err why = {0};
	int r;

	r = health_count(a->root, &why);
	if (r < 0)
		return not_run(err, why.msg);
	if (r == 0) { /* no service has to be started for that */
		*ret = (struct health){.ok = true};
		return 0;
	}
	r = has_systemd(a) ? ask_service(result.s, &text, err) : run_here(a, timeout_s, &text, err);
	if (r < 0)
		return r;
	r = health_parse(text.data, text.len, ret, &why);
	return r < 0 ? not_run(err, why.msg) : 0;
}

int apply_health(struct apply *a, struct sut_err *err)
{
	struct agent_path path = agent_path(a->root, AGENT_HEALTH_RESULT);
	struct agent_path run = agent_path(a->root, AGENT_RUN);
	_cleanup_buf_ struct sut_buf text = SUT_BUF_INIT(HEALTH_RESULT_MAX);
	struct settings s;
	int r = sut_mkdir_p(run.s, err);

	settings_read(a, &s);
	if (r == 0)
		r = run_here(a, s.health_s, &text, err);
	/* What the checks print is for root alone. */
	return r < 0 ? r : sut_file_write(path.s, text.data, text.len, 0600, err);
}
