// SPDX-License-Identifier: Apache-2.0
/* kcarectl.h: the pure part, what is printed and what the exit statuses are. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/str.h"
#include "common/when.h"
#include "kcarectl.h"
#include "show.h"

bool kcare_is_new(const struct halves *h)
{
	const json_t *available = show_object(h->network, "available"),
		     *told = json_object_get(h->network, "told");
	json_int_t level =
		truth_is_live(h->apply) ? show_int(json_object_get(h->apply, "patch"), "level") : 0;

	return show_int(available, "level") > level ||
	       (sut_streq(show_string(told, "action"), "apply") && show_int(told, "level") > level);
}

int kcare_status(const struct halves *h)
{
	const char *support = show_string(json_object_get(h->apply, "support"), "state");

	if ((*support && !sut_streq(support, "supported")) ||
	    sut_streq(show_string(h->network, "state"), "unsupported"))
		return KCARE_UNKNOWN;
	if (!truth_is_live(h->apply))
		return KCARE_NONE;
	return kcare_is_new(h) ? KCARE_NEWER : KCARE_LATEST;
}

bool kcare_date(const char *text, char ret[sizeof("2018-05-25")])
{
	size_t n = strspn(text, "0123456789");
	const char *t = text;
	char day[sizeof("2018-05-25")];
	int64_t end;

	if (!text[n] && n == 6)
		snprintf(day, sizeof(day), "20%.2s-%.2s-%.2s", t + 4, t + 2, t);
	else if (!text[n] && n == 8)
		snprintf(day, sizeof(day), "%.4s-%.2s-%.2s", t + 4, t + 2, t);
	else
		snprintf(day, sizeof(day), "%.10s", strlen(text) == 10 ? text : "");
	if (!when_parse_day(day, &end))
		return false;
	memcpy(ret, day, sizeof(day));
	return true;
}

/* When the patch was made, or at least when it was applied. 0: not known. */
static time_t built(const json_t *state, const struct kcare_about *a)
{
	int64_t t = 0;

	if (a->manifest && when_parse(a->manifest->created, &t))
		return (time_t)t;
	return when_parse(show_string(json_object_get(state, "patch"), "applied_at"), &t)
		       ? (time_t)t
		       : 0;
}

static const char *effective(const json_t *state, const struct kcare_about *a,
			     char ret[2 * TRUTH_WORD_MAX])
{
	return truth_effective(state, &a->host, ret) < 0 ? "" : ret;
}

int kcare_info(const json_t *state, const struct kcare_about *a, struct sut_buf *out)
{
	char version[2 * TRUTH_WORD_MAX], when[64] = "";
	time_t at = built(state, a);
	struct tm tm;

	if (!truth_is_live(state))
		return sut_buf_addstr(out, "kpatch-state: no patch is applied\n");
	/* ctime(3), without its newline */
	gmtime_r(&at, &tm);
	strftime(when, sizeof(when), "%a %b %e %H:%M:%S %Y", &tm);
	return sut_buf_addf(out,
			    "kpatch-state: patch is applied\n"
			    "kpatch-for: %.*s\n"
			    "kpatch-build-time: %s\n"
			    "kpatch-description: %lld-:%lld;%s\n",
			    (int)strcspn(a->version, "\n"), a->version, when,
			    (long long)show_int(json_object_get(state, "patch"), "level"),
			    (long long)at, effective(state, a, version));
}

static int add_header(const json_t *state, const struct kcare_about *a, struct sut_buf *out)
{
	char version[2 * TRUTH_WORD_MAX], when[64] = "";
	time_t at = built(state, a);
	struct tm tm;

	gmtime_r(&at, &tm);
	strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &tm);
	return sut_buf_addf(out, "OS: %s%s\nkernel: %s%s%s\ntime: %s\nuname: %s\n", a->host.os,
			    a->host.os_version, sut_streq(a->host.type, "rpm") ? "kernel-" : "",
			    sut_streq(a->host.type, "rpm") ? a->host.package_version
							   : a->host.package,
			    *a->host.package || *a->host.package_version ? "" : "N/A", when,
			    effective(state, a, version));
}

static int add_fix(struct sut_buf *out, const char *patchset, const char *name,
		   const char *description, const char *cve, const char *url)
{
	return sut_buf_addf(out,
			    "\n"
			    "kpatch-name: %s/%s\n"
			    "kpatch-description: %s\n"
			    "kpatch-kernel: N/A\n"
			    "kpatch-cve: %s\n"
			    "kpatch-cvss: N/A\n"
			    "kpatch-cve-url: %s%s\n"
			    "kpatch-patch-url: N/A\n",
			    patchset, name, description, *cve ? cve : "N/A", url, *cve ? cve : "");
}

int kcare_patch_info(const json_t *state, const struct kcare_about *a, struct sut_buf *out)
{
	const char *id = show_string(json_object_get(state, "patch"), "id"),
		   *url = sut_streq(a->host.os, "debian")
				  ? "https://security-tracker.debian.org/tracker/"
				  : "https://www.cve.org/CVERecord?id=";
	json_t *cves, *c;
	size_t i;
	int r;

	if (!truth_is_live(state))
		return sut_buf_addstr(out, "no patch is applied\n");
	r = add_header(state, a, out);
	if (!r)
		r = truth_cve_list(state, &cves);
	if (r < 0)
		return r;
	json_array_foreach(cves, i, c) {
		char text[64];

		snprintf(text, sizeof(text), "fix of %s", json_string_value(c));
		if (!r)
			r = add_fix(out, id, json_string_value(c), text, json_string_value(c), url);
	}
	/* What has no CVE is named by its file. */
	for (i = 0; !json_array_size(cves) && a->manifest && i < a->manifest->nfixes && !r; i++)
		r = add_fix(out, id, a->manifest->fixes[i].member, "fix without a CVE", "", "N/A");
	json_decref(cves);
	return r;
}
