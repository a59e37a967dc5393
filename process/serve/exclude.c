// SPDX-License-Identifier: Apache-2.0
#include "serve/exclude.h"

#include <errno.h>
#include <fnmatch.h>
#include <string.h>

static int read_list(const json_t *j, const char *key, struct sut_strv *ret, struct sut_err *err)
{
	const json_t *list = json_object_get(j, key), *v;
	size_t i;

	if (!list)
		return 0;
	if (!json_is_array(list) || json_array_size(list) > EXCLUDE_MAX)
		return sut_err_reason(err, EINVAL, "request",
				      "exclude.%s is not a list of at most %d strings", key,
				      EXCLUDE_MAX);
	json_array_foreach(list, i, v) {
		const char *s = json_string_value(v);

		if (!s || !*s || json_string_length(v) != strlen(s) || strlen(s) > EXCLUDE_GLOB_MAX)
			return sut_err_reason(err, EINVAL, "request",
					      "exclude.%s[%zu] is not a string of 1 to %d bytes",
					      key, i, EXCLUDE_GLOB_MAX);
		if (sut_strv_add(ret, s) < 0)
			return sut_err_oom(err);
	}
	return 0;
}

static const char *match(const struct sut_strv *globs, const char *s)
{
	for (size_t i = 0; i < globs->n; i++)
		if (*s && fnmatch(globs->v[i], s, 0) == 0)
			return globs->v[i];
	return NULL;
}

static int by_uid(const void *a, const void *b)
{
	uid_t x = *(const uid_t *)a, y = *(const uid_t *)b;

	return x < y ? -1 : x > y;
}

/* "name:password:uid:…" of one line; false when it is something else. */
static bool user_line(const char *line, size_t len, char *name, size_t size, uid_t *ret)
{
	const char *end = line + len, *colon = memchr(line, ':', len), *second;
	char number[12];
	uint64_t uid;
	size_t n;

	if (!colon || colon == line || (size_t)(colon - line) >= size)
		return false;
	second = memchr(colon + 1, ':', (size_t)(end - colon - 1));
	if (!second)
		return false;
	second++;
	for (n = 0; second + n < end && second[n] != ':'; n++)
		;
	if (n == 0 || n >= sizeof(number))
		return false;
	memcpy(number, second, n);
	number[n] = '\0';
	if (sut_parse_u64(number, UINT32_MAX, &uid) < 0)
		return false;
	memcpy(name, line, (size_t)(colon - line));
	name[colon - line] = '\0';
	*ret = (uid_t)uid;
	return true;
}

static int find_users(struct exclude *e, const char *passwd, struct sut_err *err)
{
	while (e->users.n && *passwd) {
		size_t len = strcspn(passwd, "\n");
		char name[256];
		uid_t uid, *more;

		if (user_line(passwd, len, name, sizeof(name), &uid) && match(&e->users, name) &&
		    e->nuids < EXCLUDE_USERS_MAX) {
			more = reallocarray(e->uids, e->nuids + 1, sizeof(*more));
			if (!more)
				return sut_err_oom(err);
			e->uids = more;
			e->uids[e->nuids++] = uid;
		}
		passwd += len + (passwd[len] != '\0');
	}
	if (e->nuids)
		qsort(e->uids, e->nuids, sizeof(*e->uids), by_uid);
	return 0;
}

int exclude_load(const json_t *j, const char *passwd, struct exclude *ret, struct sut_err *err)
{
	struct exclude e = {0};
	int r = 0;

	if (j && !json_is_object(j))
		return sut_err_reason(err, EINVAL, "request", "exclude is not an object");
	r = read_list(j, "paths", &e.paths, err);
	if (r == 0)
		r = read_list(j, "names", &e.names, err);
	if (r == 0)
		r = read_list(j, "units", &e.units, err);
	if (r == 0)
		r = read_list(j, "users", &e.users, err);
	if (r == 0)
		r = find_users(&e, passwd, err);
	if (r < 0)
		exclude_release(&e);
	else
		*ret = e;
	return r;
}

void exclude_release(struct exclude *e)
{
	sut_strv_release(&e->paths);
	sut_strv_release(&e->names);
	sut_strv_release(&e->units);
	sut_strv_release(&e->users);
	free(e->uids);
	memset(e, 0, sizeof(*e));
}

static const char *match_user(const struct exclude *e, uid_t uid)
{
	char number[12];

	snprintf(number, sizeof(number), "%u", uid);
	if (e->nuids && bsearch(&uid, e->uids, e->nuids, sizeof(uid), by_uid))
		return "its user";
	return match(&e->users, number);
}

bool exclude_has(const struct exclude *e, const struct exclude_who *who, char *text, size_t size)
{
	const struct {
		const char *what, *glob;
	} rules[] = {
		{"lib-exclude-path", match(&e->paths, who->exe)},
		{"lib-exclude-name", match(&e->names, who->comm)},
		{"lib-exclude-unit", match(&e->units, who->unit)},
		{"lib-exclude-user", match_user(e, who->uid)},
	};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(rules); i++) {
		if (!rules[i].glob)
			continue;
		snprintf(text, size, "left alone by %s: %s", rules[i].what, rules[i].glob);
		return true;
	}
	return false;
}

/* ------------------------------------------------------------------ */

static bool ends(const char *s, size_t n, const char *suffix)
{
	size_t k = strlen(suffix);

	return n > k && !memcmp(s + n - k, suffix, k);
}

/* The first part of a path that is a unit and no slice: below it a unit arranges things as it likes. */
static bool unit_of_path(const char *path, size_t len, char *ret)
{
	static const char *const kinds[] = {".service", ".scope", ".socket", ".mount", ".swap"};
	const char *end = path + len;

	while (path < end) {
		size_t n = 0;

		while (path + n < end && path[n] != '/')
			n++;
		/* A name that would mean something else to the kernel has a '_' before it. */
		if (n && *path == '_') {
			path++;
			n--;
		}
		for (size_t i = 0; i < SUT_ARRAY_SIZE(kinds); i++) {
			if (!ends(path, n, kinds[i]) || n >= EXCLUDE_UNIT_MAX)
				continue;
			memcpy(ret, path, n);
			ret[n] = '\0';
			return true;
		}
		if (n && !ends(path, n, ".slice"))
			return false;
		path += n + 1;
	}
	return false;
}

void exclude_unit(const char *cgroup, char ret[static EXCLUDE_UNIT_MAX])
{
	ret[0] = '\0';
	while (*cgroup) {
		size_t len = strcspn(cgroup, "\n");
		const char *end = cgroup + len, *a = memchr(cgroup, ':', len), *b;

		b = a ? memchr(a + 1, ':', (size_t)(end - a - 1)) : NULL;
		/* Of the old hierarchies only the one of systemd has its units. */
		if (b && (b == a + 1 || (b - a == 13 && !memcmp(a, ":name=systemd", 13))) &&
		    unit_of_path(b + 1, (size_t)(end - b - 1), ret))
			return;
		cgroup += len + (cgroup[len] != '\0');
	}
}
