// SPDX-License-Identifier: Apache-2.0
#include "sutured/packages.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/str.h"
#include "common/paths.h"
#include "sutured/facts.h"

enum { LINE_MAX_BYTES = 1024 };

struct stanza {
	char name[PACKAGES_WORD_MAX + 1], version[PACKAGES_WORD_MAX + 1];
	char source[PACKAGES_WORD_MAX + 1], source_version[PACKAGES_WORD_MAX + 1];
	bool installed, bad;
};

/* What is no word of dpkg's is not told. */
static void take_word(struct stanza *s, char *to, const char *from, size_t n)
{
	if (!n || n > PACKAGES_WORD_MAX) {
		s->bad = true;
		return;
	}
	for (size_t i = 0; i < n; i++)
		if (from[i] <= ' ' || from[i] > '~') {
			s->bad = true;
			return;
		}
	memcpy(to, from, n);
	to[n] = '\0';
}

/* "name" or "name (version)" */
static void take_source(struct stanza *s, const char *v)
{
	size_t n = strcspn(v, " ");
	const char *p = strchr(v, '('), *end = p ? strchr(p, ')') : NULL;

	take_word(s, s->source, v, n);
	if (p && end)
		take_word(s, s->source_version, p + 1, (size_t)(end - p - 1));
}

static const char *value_of(const char *line, const char *field)
{
	size_t n = strlen(field);

	if (strncmp(line, field, n) != 0 || line[n] != ':')
		return NULL;
	return line + n + 1 + strspn(line + n + 1, " \t");
}

static void take_line(struct stanza *s, const char *line)
{
	const char *v;

	if ((v = value_of(line, "Package")))
		take_word(s, s->name, v, strlen(v));
	else if ((v = value_of(line, "Version")))
		take_word(s, s->version, v, strlen(v));
	else if ((v = value_of(line, "Source")))
		take_source(s, v);
	else if ((v = value_of(line, "Status")))
		s->installed = sut_endswith(v, " installed");
}

/* What is as the package's own is left out. */
static int end_stanza(struct stanza *s, json_t *list)
{
	const char *source = *s->source ? s->source : s->name;
	const char *version = *s->source_version ? s->source_version : s->version;
	bool tell = *s->name && *s->version && s->installed && !s->bad &&
		    json_array_size(list) < PACKAGES_COUNT_MAX;
	int r = 0;

	if (!strcmp(version, s->version)) {
		version = NULL;
		if (!strcmp(source, s->name))
			source = NULL;
	}
	if (tell)
		r = json_array_append_new(
			list, json_pack("[s, s, s*, s*]", s->name, s->version, source, version));
	*s = (struct stanza){0};
	return r;
}

json_t *packages_of_dpkg(FILE *f)
{
	json_t *list = json_array();
	char line[LINE_MAX_BYTES];
	struct stanza s = {0};
	bool within = false; /* the rest of a long line */
	int r = list ? 0 : -1;

	while (r == 0 && fgets(line, sizeof(line), f)) {
		size_t n = strcspn(line, "\n");
		bool whole = line[n] == '\n' || feof(f), rest = within;

		line[n] = '\0';
		within = !whole;
		if (rest)
			continue;
		if (!n)
			r = end_stanza(&s, list);
		/* Continued lines begin with a space; fields that matter are short. */
		else if (whole && line[0] != ' ' && line[0] != '\t')
			take_line(&s, line);
	}
	if (r == 0)
		r = end_stanza(&s, list);
	if (r == 0)
		return list;
	json_decref(list);
	return NULL;
}

int packages_text(const char *root, char **ret, struct sut_err *err)
{
	const struct agent_path path = agent_path(root, PACKAGES_STATUS);
	_cleanup_(sut_fclosep) FILE *f = fopen(path.s, "re");
	char distro[FACTS_TEXT_MAX + 1];
	json_t *list, *doc;
	char *text;

	if (!f)
		return sut_err_errno(err, "cannot read %s", path.s);
	list = packages_of_dpkg(f);
	if (ferror(f)) {
		json_decref(list);
		return sut_err_set(err, EIO, "cannot read %s", path.s);
	}
	facts_distro(root, distro);
	doc = list ? json_pack("{s:s, s:o}", "distribution", *distro ? distro : "unknown",
			       "packages", list)
		   : NULL;
	text = doc ? json_dumps(doc, JSON_COMPACT) : NULL;
	json_decref(doc);
	if (!text)
		return sut_err_oom(err);
	*ret = text;
	return 0;
}

uint64_t packages_stamp(const char *root)
{
	const struct agent_path path = agent_path(root, PACKAGES_STATUS);
	struct stat st;

	if (stat(path.s, &st) < 0 || !S_ISREG(st.st_mode))
		return 0;
	return ((uint64_t)st.st_mtim.tv_sec * 1000000000 + (uint64_t)st.st_mtim.tv_nsec) ^
	       ((uint64_t)st.st_ino << 20) ^ (uint64_t)st.st_size ^ 1;
}
