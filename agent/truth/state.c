// SPDX-License-Identifier: Apache-2.0
/* What the state of suture-apply says of the code that runs: the live patch, the version in effect, the CVEs. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "internal.h"

const char *truth_text(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s ? s : "";
}

bool truth_is_cve(const char *s)
{
	size_t year, number;

	if (strncmp(s, "CVE-", 4))
		return false;
	s += 4;
	year = strspn(s, "0123456789");
	if (year != 4 || s[4] != '-')
		return false;
	number = strspn(s + 5, "0123456789");
	return number >= 4 && number <= 12 && !s[5 + number];
}

/* Somebody wrote over the jumps of the patch, or over the code that it replaces: what runs is not what was applied. */
static bool is_changed(const json_t *state, const char *id)
{
	const json_t *e;
	size_t i;

	json_array_foreach(json_object_get(state, "errors"), i, e) {
		const char *code = truth_text(e, "code");

		/* Another patch that does not fit says nothing about this one. */
		if (sut_streq(code, "changed") ||
		    (sut_streq(code, "mismatch") && sut_streq(truth_text(e, "patchset"), id)))
			return true;
	}
	return false;
}

const json_t *truth_patch(const json_t *state)
{
	const json_t *p = json_object_get(state, "patch");
	const char *id = truth_text(p, "id");

	return *id && !is_changed(state, id) ? p : NULL;
}

bool truth_is_live(const json_t *state)
{
	return truth_patch(state) != NULL;
}

int truth_effective(const json_t *state, const struct truth_host *h, char ret[2 * TRUTH_WORD_MAX])
{
	const json_t *p = truth_patch(state);
	const char *release = truth_text(json_object_get(state, "kernel"), "release");
	char base[TRUTH_WORD_MAX];
	json_int_t level = json_integer_value(json_object_get(p, "level"));

	truth_word(base, release, strlen(release));
	if (*h->package_version)
		memcpy(base, h->package_version, sizeof(base));
	if (!*base)
		return -ENODATA;
	/* Orders above what was booted, and below every later revision of it. */
	if (p && level > 0)
		snprintf(ret, 2 * TRUTH_WORD_MAX, "%s+suture%" JSON_INTEGER_FORMAT, base, level);
	else
		snprintf(ret, 2 * TRUTH_WORD_MAX, "%s", base);
	return 0;
}

static bool is_fixed_in_kernel(const json_t *state, const char *cve)
{
	const json_t *c;
	size_t i;

	json_array_foreach(json_object_get(truth_patch(state), "cves"), i, c) {
		const char *s = json_string_value(c);

		if (s && truth_is_cve(s) && !strcasecmp(s, cve))
			return true;
	}
	return false;
}

bool truth_is_fixed(const json_t *state, const char *cve)
{
	enum truth_library is;

	/* One that is in a library as well is fixed when it is so there, too. */
	if (truth_library_of(state, cve, &is))
		return is == TRUTH_LIBRARY_FIXED;
	return is_fixed_in_kernel(state, cve);
}

static int add_lines(const json_t *list, const json_t *state, struct sut_buf *out)
{
	const json_t *c;
	size_t i;
	int r = 0;

	json_array_foreach(list, i, c) {
		const char *s = json_string_value(c);

		if (r == 0 && s && truth_is_cve(s) && truth_is_fixed(state, s))
			r = sut_buf_addf(out, "%s\n", s);
	}
	return r;
}

int truth_cves(const json_t *state, struct sut_buf *out, struct sut_err *err)
{
	const json_t *list = json_object_get(truth_patch(state), "cves"), *c;
	json_t *more;
	size_t i;
	int r;

	if (json_array_size(list) > TRUTH_CVES_MAX)
		return sut_err_set(err, E2BIG, "the patch names more than %d CVEs", TRUTH_CVES_MAX);
	r = truth_library_list(state, &more);
	if (r < 0)
		return sut_err_oom(err);
	if (!truth_is_live(state) && !json_array_size(more)) {
		json_decref(more);
		return sut_err_reason(err, ENODATA, "no-patch", "no live patch is applied");
	}
	/* Each once. */
	for (i = json_array_size(more); i-- > 0;) {
		c = json_array_get(more, i);
		if (is_fixed_in_kernel(state, json_string_value(c)))
			(void)!json_array_remove(more, i);
	}
	r = add_lines(list, state, out);
	if (r == 0)
		r = add_lines(more, state, out);
	json_decref(more);
	return r < 0 ? sut_err_set(err, -r, "the list of CVEs: %s", strerror(-r)) : 0;
}

int truth_cve_list(const json_t *state, json_t **ret)
{
	const json_t *c;
	json_t *list = json_array();
	size_t i;

	if (!list)
		return -ENOMEM;
	json_array_foreach(json_object_get(truth_patch(state), "cves"), i, c) {
		const char *s = json_string_value(c);

		if (i >= TRUTH_CVES_MAX)
			break;
		if (s && truth_is_cve(s) && json_array_append_new(list, json_string(s)) < 0) {
			json_decref(list);
			return -ENOMEM;
		}
	}
	*ret = list;
	return 0;
}
