// SPDX-License-Identifier: Apache-2.0
#include "running.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "common/paths.h"
#include "kernel/report.h"

enum { ROUNDS = 10 };

#define FOLDER "/sys/kernel/suture/"

void running_release(struct running *s)
{
	sut_buf_release(&s->cves);
	sut_buf_release(&s->functions);
}

static int read_text(const char *root, const char *name, struct sut_buf *b, struct sut_err *err)
{
	_cleanup_(sut_freep) char *path = sut_sprintf("%s" FOLDER "%s", root, name);

	sut_buf_release(b);
	return path ? sut_file_read(path, b, err) : sut_err_oom(err);
}

/* The first line, without its end. */
static int read_line(const char *root, const char *name, char *ret, size_t len, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(RUNNING_ATTRIBUTE_MAX);
	int r = read_text(root, name, &b, err);

	if (r < 0)
		return r;
	snprintf(ret, len, "%.*s", (int)strcspn(sut_buf_str(&b), "\n"), sut_buf_str(&b));
	return 0;
}

static int read_number(const char *root, const char *name, uint64_t *ret, struct sut_err *err)
{
	char text[32];
	int r = read_line(root, name, text, sizeof(text), err);

	if (r < 0)
		return r;
	/* Empty when no patch is applied. */
	if (*text && sut_parse_u64(text, UINT64_MAX, ret) < 0)
		return sut_err_set(err, EBADMSG,
				   FOLDER "%s is not a number. Check that suture.ko "
					  "is of version %s",
				   name, SUTURE_VERSION);
	return 0;
}

static int read_once(const char *root, struct running *s, struct sut_err *err)
{
	char state[32];
	int r = read_line(root, "version", s->version, sizeof(s->version), err);

	if (r == 0)
		r = read_number(root, "abi", &s->abi, err);
	if (r == 0)
		r = read_line(root, "state", state, sizeof(state), err);
	if (r == 0)
		r = read_line(root, "id", s->id, sizeof(s->id), err);
	if (r == 0)
		r = read_line(root, "module", s->module, sizeof(s->module), err);
	if (r == 0)
		r = read_number(root, "level", &s->level, err);
	if (r == 0)
		r = read_number(root, "applied_at", &s->applied_at, err);
	if (r == 0)
		r = read_number(root, "pause_ns", &s->pause_ns, err);
	if (r == 0)
		r = read_number(root, "stop_ns", &s->stop_ns, err);
	if (r == 0)
		r = read_text(root, "cves", &s->cves, err);
	if (r == 0)
		r = read_text(root, "functions", &s->functions, err);
	if (r == 0)
		s->applied = sut_streq(state, "applied");
	return r;
}

/* Who signed what is applied; nothing when apply could not write it down. */
static void read_record(const char *root, struct running *s)
{
	struct agent_path path = agent_path(root, SUT_APPLIED_FILE);
	struct sut_applied a;

	if (s->applied && sut_applied_read(path.s, &a, NULL) == 0 && sut_streq(a.id, s->id) &&
	    a.level == s->level && a.applied_at == s->applied_at)
		s->record = a;
}

/* The files are read one after the other: again when a switch came between. */
int running_read(const char *root, struct running *s, struct sut_err *err)
{
	struct agent_path folder = agent_path(root, FOLDER);

	if (!sut_exists(folder.s))
		return 0;
	s->loaded = true;
	for (int i = 0; i < ROUNDS; i++) {
		char state[32], id[SUTURE_ID_MAX];
		uint64_t at = 0;
		int r = read_once(root, s, err);

		if (r == 0)
			r = read_line(root, "state", state, sizeof(state), err);
		if (r == 0)
			r = read_line(root, "id", id, sizeof(id), err);
		if (r == 0)
			r = read_number(root, "applied_at", &at, err);
		if (r < 0)
			return r;
		if (sut_streq(id, s->id) && at == s->applied_at &&
		    s->applied == sut_streq(state, "applied")) {
			read_record(root, s);
			return 0;
		}
	}
	return sut_err_set(err, EAGAIN, "patches are being switched all the time. Try again");
}

json_t *running_words(const struct sut_buf *b)
{
	_cleanup_(sut_freep) char *copy = strdup(sut_buf_str(b));
	json_t *list = json_array();
	char *save = NULL;

	for (char *w = copy ? strtok_r(copy, " \n", &save) : NULL; w;
	     w = strtok_r(NULL, " \n", &save))
		json_array_append_new(list, sut_report_text(w));
	return list;
}
