// SPDX-License-Identifier: Apache-2.0
/* Answers: problems (RFC 9457), documents, and nothing. */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "base/utf8.h"
#include "web/job.h"

#define PROBLEM_TYPE "application/problem+json"

void web_resp_init(struct web_resp *r)
{
	*r = (struct web_resp){.raw = SUT_BUF_INIT(WEB_RAW_MAX)};
}

void web_resp_release(struct web_resp *r)
{
	json_decref(r->json);
	sut_buf_release(&r->raw);
	sut_strv_release(&r->headers);
	if (r->file_once && r->file && r->folder > 0)
		(void)unlinkat(r->folder, r->file, 0);
	free(r->file);
	if (r->folder > 0)
		close(r->folder);
	web_resp_init(r);
}

bool web_is_problem(const struct web_resp *r)
{
	return r->type && !strcmp(r->type, PROBLEM_TYPE);
}

int web_add_header(struct web_resp *r, const char *fmt, ...)
{
	va_list ap;
	char *s = NULL;
	int n, rc;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	if (n < 0)
		return -ENOMEM;
	rc = sut_strv_add(&r->headers, s);
	free(s);
	return rc;
}

/* "key-unknown" is "Key unknown". */
static void title_of(const char *code, char ret[static 64])
{
	snprintf(ret, 64, "%s", code);
	for (char *p = ret; *p; p++)
		if (*p == '-')
			*p = ' ';
	ret[0] = (char)toupper((unsigned char)ret[0]);
}

_printf_(4, 0) static int problem(struct web_resp *r, int status, const char *code, const char *fmt,
				  va_list ap)
{
	char title[64], *detail = NULL;

	/* What the function had begun to answer does not count. Memory that is short costs the body, not
	 * the status. */
	web_resp_release(r);
	r->status = status;
	r->type = PROBLEM_TYPE;
	if (vasprintf(&detail, fmt, ap) < 0)
		return WEB_NO;
	/* It may repeat what the caller sent. */
	sut_make_printable(detail, "");
	title_of(code, title);
	r->json = json_pack("{s:s+, s:s, s:i, s:s, s:s}", "type", "urn:suture:problem:", code,
			    "title", title, "status", status, "detail", detail, "code", code);
	free(detail);
	return WEB_NO;
}

int web_problem(struct web_resp *r, int status, const char *code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	problem(r, status, code, fmt, ap);
	va_end(ap);
	return WEB_NO;
}

int web_bad_field(struct web_resp *r, const char *pointer, const char *fmt, ...)
{
	bool more = web_is_problem(r) && r->status == 422 && json_object_get(r->json, "errors");
	char *detail = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&detail, fmt, ap);
	va_end(ap);
	if (n < 0)
		return web_problem(r, 422, "invalid-field", "%s is not right", pointer);
	sut_make_printable(detail, "");
	if (!more) {
		web_problem(r, 422, "invalid-field", "%s: %s", *pointer ? pointer : "The body",
			    detail);
		if (r->json && json_object_set_new(r->json, "errors", json_array()) < 0)
			goto out;
	}
	if (r->json)
		(void)!json_array_append_new(
			json_object_get(r->json, "errors"),
			json_pack("{s:s, s:s}", "pointer", pointer, "detail", detail));
out:
	free(detail);
	return WEB_NO;
}

int web_not_found(struct web_resp *r, const char *kind, const char *name)
{
	return web_problem(
		r, 404, "not-found",
		"There is no %s '%.80s', or none that you may see. Check the name and the "
		"tenant",
		kind, name ? name : "");
}

int web_json(struct web_resp *r, int status, json_t *json, struct sut_err *err)
{
	if (!json)
		return sut_err_oom(err);
	json_decref(r->json);
	r->json = json;
	r->status = status;
	r->type = NULL;
	return 0;
}

int web_created(struct web_resp *r, json_t *json, struct sut_err *err, const char *location_fmt,
		...)
{
	int rc = web_json(r, 201, json, err);
	char *location = NULL;
	va_list ap;
	int n;

	if (rc < 0)
		return rc;
	va_start(ap, location_fmt);
	n = vasprintf(&location, location_fmt, ap);
	va_end(ap);
	if (n < 0)
		return sut_err_oom(err);
	rc = web_add_header(r, "Location: %s", location);
	free(location);
	return rc < 0 ? sut_err_oom(err) : 0;
}

int web_no_content(struct web_resp *r)
{
	json_decref(r->json);
	r->json = NULL;
	sut_buf_release(&r->raw);
	r->type = NULL;
	r->status = 204;
	return 0;
}
