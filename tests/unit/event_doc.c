// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include "event_doc.h"

#include <dirent.h>
#include <jansson.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/str.h"

/* The first column of the table after the line begin. */
static json_t *documented(const char *begin)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(1 << 20);
	struct sut_err err = {0};
	json_t *set = json_object();
	bool there = false;
	char *line, *save = NULL;

	assert_ok(sut_file_read(SOURCE_ROOT "/docs/formats/webhooks.md", &b, &err), err);
	for (line = strtok_r((char *)b.data, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		char type[64];

		if (!strcmp(line, begin))
			there = true;
		else if (there && line[0] != '|')
			break;
		if (there && sscanf(line, "| `%63[a-z.-]` |", type) == 1 && strchr(type, '.'))
			json_object_set_new(set, type, json_true());
	}
	if (!json_object_size(set))
		fail_msg("docs/formats/webhooks.md has no table after '%s'", begin);
	return set;
}

static bool named_in(const char *text, const char *type)
{
	char quoted[80];

	(void)snprintf(quoted, sizeof(quoted), "\"%s\"", type);
	if (strstr(text, quoted))
		return true;
	(void)snprintf(quoted, sizeof(quoted), "'%s'", type);
	return strstr(text, quoted) != NULL;
}

/* The types in the arguments of a call of web_event(), which are before its data, must be known. */
static void read_call(const char *path, const char *call, const json_t *known)
{
	char name[64], arguments[256];
	const char *quote;

	(void)snprintf(arguments, sizeof(arguments), "%s", call);
	if (strstr(arguments, "json_pack"))
		*strstr(arguments, "json_pack") = '\0';
	if (strchr(arguments, ';'))
		*strchr(arguments, ';') = '\0';
	for (quote = arguments; (quote = strchr(quote, '"')); quote++)
		if (sscanf(quote, "\"%63[a-z.-]\"", name) == 1 && strchr(name, '.') &&
		    !json_object_get(known, name))
			fail_msg("%s: there is no type %s in docs/formats/webhooks.md", path, name);
}

static void read_source(const char *path, const json_t *known, json_t *used)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(4 << 20);
	struct sut_err err = {0};
	const char *type, *s;
	char *list;
	json_t *v;

	assert_ok(sut_file_read(path, &b, &err), err);
	list = strstr(sut_buf_str(&b), "event_types[] = {");
	if (list)
		memset(list, ' ', strcspn(list, ";"));
	json_object_foreach((json_t *)known, type, v)
		if (named_in(sut_buf_str(&b), type))
			json_object_set_new(used, type, json_true());
	for (s = sut_buf_str(&b); (s = strstr(s, "web_event(")); s++)
		read_call(path, s, known);
}

static void read_folder(const char *path, const json_t *known, json_t *used)
{
	_cleanup_(sut_closedirp) DIR *d = opendir(path);
	const struct dirent *e;

	assert_non_null(d);
	while ((e = readdir(d))) {
		char sub[512];

		if (e->d_name[0] == '.')
			continue;
		(void)snprintf(sub, sizeof(sub), "%s/%s", path, e->d_name);
		if (e->d_type == DT_DIR && strcmp(e->d_name, "node_modules") != 0)
			read_folder(sub, known, used);
		else if (sut_endswith(sub, ".c"))
			read_source(sub, known, used);
	}
}

void event_doc(const char *const *events, const char *begin, const char *const *folders)
{
	json_t *known = documented(begin), *used = json_object();
	const char *type;
	json_t *v;

	for (size_t i = 0; events[i]; i++) {
		if (!json_object_get(known, events[i]))
			fail_msg("%s is not in docs/formats/webhooks.md after '%s'", events[i],
				 begin);
		assert_true(i == 0 || strcmp(events[i - 1], events[i]) < 0);
	}
	for (; *folders; folders++)
		read_folder(*folders, known, used);
	json_object_foreach(known, type, v) {
		size_t i = 0;

		while (events[i] && strcmp(events[i], type) != 0)
			i++;
		if (!events[i])
			fail_msg("%s cannot be asked for: add it to the event_types of the program",
				 type);
		if (!json_object_get(used, type))
			fail_msg("nobody tells of %s", type);
	}
	json_decref(known);
	json_decref(used);
}
