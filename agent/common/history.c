// SPDX-License-Identifier: Apache-2.0
#include "common/history.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "base/utf8.h"
#include "common/paths.h"
#include "common/when.h"
#include "json/parse.h"

enum { DETAIL_MAX = 2048, WORD_MAX = 256 };

static int set_text(json_t *j, const char *name, const char *value, size_t max)
{
	_cleanup_(sut_freep) char *copy = value ? strndup(value, max) : NULL;

	if (!value)
		return 0;
	if (!copy)
		return -1;
	sut_make_printable(copy, "");
	return json_object_set_new(j, name, json_string(copy));
}

/* One line with its newline; NULL when memory is short. */
static char *line_of(const struct history_entry *e, size_t detail_max)
{
	_cleanup_(sut_freep) char *text = NULL;
	char at[WHEN_MAX];
	json_t *j;

	when_text(e->at, at);
	j = json_pack("{s:s}", "at", at);
	if (j && set_text(j, "event", e->event, WORD_MAX) == 0 &&
	    set_text(j, "id", e->id, WORD_MAX) == 0 &&
	    (!e->id || json_object_set_new(j, "level", json_integer(e->level)) == 0) &&
	    set_text(j, "build_id", e->build_id, WORD_MAX) == 0 &&
	    set_text(j, "by", e->by, WORD_MAX) == 0 &&
	    set_text(j, "detail", e->detail, detail_max) == 0)
		text = json_dumps(j, JSON_COMPACT);
	json_decref(j);
	return text ? sut_sprintf("%s\n", text) : NULL;
}

/* What an entry needs in the file differs from its length: quotation marks take two bytes. */
static char *bounded_line(const struct history_entry *e)
{
	for (size_t max = DETAIL_MAX;; max /= 2) {
		char *line = line_of(e, max);

		if (!line || strlen(line) <= HISTORY_LINE_MAX || max == 0)
			return line;
		free(line);
	}
}

/* The newer half of what is there, from the beginning of a line. */
static int keep_newer_half(const char *path, int fd, off_t size, struct sut_err *err)
{
	_cleanup_(sut_freep) char *half = malloc(HISTORY_MAX / 2);
	ssize_t n;
	char *line;

	if (!half)
		return sut_err_oom(err);
	n = pread(fd, half, HISTORY_MAX / 2, size - HISTORY_MAX / 2);
	if (n < 0)
		return sut_err_errno(err, "cannot read %s", path);
	line = memchr(half, '\n', (size_t)n);
	line = line ? line + 1 : half + n;
	return sut_file_write(path, line, (size_t)(half + n - line), 0644, err);
}

static int append(int fd, off_t size, const char *line)
{
	size_t len = strlen(line);
	char last = '\n';

	if (size > 0 && pread(fd, &last, 1, size - 1) < 0)
		return -errno;
	if (last != '\n' && write(fd, "\n", 1) < 0)
		return -errno;
	while (len) {
		ssize_t n = write(fd, line, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		line += n;
		len -= (size_t)n;
	}
	return fsync(fd) < 0 ? -errno : 0;
}

static int open_file(const char *path, int *ret_fd, off_t *ret_size, struct sut_err *err)
{
	_cleanup_(sut_closep) int fd =
		open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return sut_err_errno(err, "cannot open %s", path);
	if (!S_ISREG(st.st_mode))
		return sut_err_set(err, EINVAL, "%s is not a regular file; move it away", path);
	*ret_fd = sut_steal_fd(&fd);
	*ret_size = st.st_size;
	return 0;
}

/* A name of a new file is as durable as its folder. */
static int sync_folder(const char *path, struct sut_err *err)
{
	_cleanup_(sut_closep) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || fsync(fd) < 0)
		return sut_err_errno(err, "cannot fsync %s", path);
	return 0;
}

int history_add(const char *root, const struct history_entry *e, struct sut_err *err)
{
	struct agent_path path = agent_path(root, AGENT_HISTORY), folder = path;
	_cleanup_(sut_freep) char *line = bounded_line(e);
	_cleanup_(sut_closep) int fd = -1;
	off_t size;
	int r;

	if (!line)
		return sut_err_oom(err);
	r = sut_mkdir_p(dirname(folder.s), err);
	if (r == 0)
		r = open_file(path.s, &fd, &size, err);
	if (r == 0 && size + (off_t)strlen(line) > HISTORY_MAX) {
		r = keep_newer_half(path.s, fd, size, err);
		sut_closep(&fd);
		fd = -1;
		if (r == 0)
			r = open_file(path.s, &fd, &size, err);
	}
	if (r < 0)
		return r;
	r = append(fd, size, line);
	if (r < 0)
		return sut_err_set(err, -r, "cannot write %s: %s", path.s, strerror(-r));
	return size == 0 ? sync_folder(folder.s, err) : 0;
}

/* ------------------------------------------------------------------ */

static bool has_text(const json_t *j, const char *name)
{
	const char *s = json_string_value(json_object_get(j, name));

	return s && *s && strlen(s) == json_string_length(json_object_get(j, name));
}

/* An entry as line_of() writes it; -EBADMSG for any other line. */
static int entry_of(const char *line, size_t len, json_t **ret)
{
	static const char *const texts[] = {"id", "build_id", "by", "detail"};
	json_t *j = NULL;
	int r = len <= HISTORY_LINE_MAX ? sut_json_object_parse(line, len, SUT_JSON_DEPTH, &j, NULL)
					: -EBADMSG;
	const json_t *level = json_object_get(j, "level");
	bool ok = has_text(j, "at") && has_text(j, "event");
	int64_t at;

	if (r < 0)
		return r;
	ok = ok && when_parse(json_string_value(json_object_get(j, "at")), &at);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(texts); i++) {
		const json_t *v = json_object_get(j, texts[i]);

		ok = ok && (!v || json_is_string(v));
	}
	ok = ok && (!level || (json_is_integer(level) && json_integer_value(level) >= 0 &&
			       json_integer_value(level) <= UINT32_MAX));
	if (!ok) {
		json_decref(j);
		return -EBADMSG;
	}
	*ret = j;
	return 0;
}

static json_t *turned_around(json_t *list)
{
	json_t *turned = json_array();

	for (size_t i = json_array_size(list); turned && i > 0; i--)
		if (json_array_append(turned, json_array_get(list, i - 1)) < 0) {
			json_decref(turned);
			turned = NULL;
		}
	json_decref(list);
	return turned;
}

json_t *history_parse(const void *text, size_t len, size_t max)
{
	json_t *list = json_array();

	/* From the end, so that only what is wanted is taken apart. */
	while (list && len && json_array_size(list) < max) {
		const char *newline = memrchr(text, '\n', len);
		size_t from = newline ? (size_t)(newline - (const char *)text) + 1 : 0;
		json_t *entry = NULL;
		int r = entry_of((const char *)text + from, len - from, &entry);

		if (r == -ENOMEM || (r == 0 && json_array_append_new(list, entry) < 0)) {
			json_decref(list);
			return NULL;
		}
		len = newline ? from - 1 : 0;
	}
	return turned_around(list);
}

int history_read(const char *root, size_t max, json_t **ret, struct sut_err *err)
{
	struct agent_path path = agent_path(root, AGENT_HISTORY);
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(2 * HISTORY_MAX);
	int r = sut_file_read(path.s, &b, err);
	json_t *list;

	if (r < 0 && r != -ENOENT)
		return r;
	list = history_parse(sut_buf_str(&b), b.len, max);
	if (!list)
		return sut_err_oom(err);
	*ret = list;
	return 0;
}
