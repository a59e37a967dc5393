// SPDX-License-Identifier: Apache-2.0
#include "try/step.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"

enum { FRAME_MAX = 160 };

/* One frame "WORD VERB [NAME [STATUS]]", cut at the blanks. */
struct frame {
	char text[FRAME_MAX];
	const char *verb, *name, *status;
};

static bool split(const char *line, size_t len, struct frame *f)
{
	char *save = NULL;

	if (len >= sizeof(f->text) || memchr(line, 0, len))
		return false;
	memcpy(f->text, line, len);
	f->text[len] = 0;
	f->verb = strtok_r(f->text, " ", &save);
	f->name = f->verb ? strtok_r(NULL, " ", &save) : NULL;
	f->status = f->name ? strtok_r(NULL, " ", &save) : NULL;
	return f->verb != NULL;
}

static int begin(struct sut_steps *s, const struct frame *f, const char *output,
		 struct sut_err *err)
{
	struct sut_step *st;

	if (!f->name || strlen(f->name) >= SUT_STEP_NAME_MAX)
		return sut_err_set(err, EBADMSG,
				   "the virtual machine began a step without a "
				   "proper name");
	if (s->n == SUT_STEPS_MAX)
		return sut_err_set(err, EBADMSG, "more than %d steps", SUT_STEPS_MAX);
	st = &s->v[s->n++];
	memset(st, 0, sizeof(*st));
	memcpy(st->name, f->name, strlen(f->name));
	st->status = -1;
	st->output = output;
	return 0;
}

static int end(struct sut_steps *s, const struct frame *f, const char *line, struct sut_err *err)
{
	struct sut_step *st = s->n ? &s->v[s->n - 1] : NULL;
	uint64_t status;

	if (!st || !f->status || !sut_streq(st->name, f->name) ||
	    sut_parse_u64(f->status, 255, &status) < 0)
		return sut_err_set(err, EBADMSG,
				   "the virtual machine ended a step it had not begun");
	st->status = (int)status;
	st->len = (size_t)(line - st->output);
	/* The frame itself begins with a newline. */
	if (st->len && st->output[st->len - 1] == '\n')
		st->len--;
	return 0;
}

int sut_steps_parse(const char *text, size_t len, const char *word, struct sut_steps *ret,
		    struct sut_err *err)
{
	_cleanup_(sut_freep) struct sut_steps *s = calloc(1, sizeof(*s));
	size_t wlen = strlen(word);
	const char *p = text, *stop = text + len;
	bool open = false;

	if (!s)
		return sut_err_oom(err);
	while (p < stop) {
		const char *nl = memchr(p, '\n', (size_t)(stop - p));
		struct frame f;
		int r = 0;

		if (!nl)
			break; /* a frame is only one with its newline */
		if ((size_t)(nl - p) > wlen && !memcmp(p, word, wlen) && p[wlen] == ' ' &&
		    split(p + wlen + 1, (size_t)(nl - p) - wlen - 1, &f)) {
			if (sut_streq(f.verb, "ready")) {
				s->ready = true;
			} else if (sut_streq(f.verb, "done")) {
				s->done = true;
			} else if (sut_streq(f.verb, "begin") && !open) {
				r = begin(s, &f, nl + 1, err);
				open = true;
			} else if (sut_streq(f.verb, "end") && open) {
				r = end(s, &f, p, err);
				open = false;
			} else {
				r = sut_err_set(err, EBADMSG,
						"unexpected '%s' from the virtual "
						"machine",
						f.verb);
			}
			if (r < 0)
				return r;
		}
		p = nl + 1;
	}
	if (open)
		s->v[s->n - 1].len = (size_t)(stop - s->v[s->n - 1].output);
	*ret = *s;
	return 0;
}

const struct sut_step *sut_steps_find(const struct sut_steps *s, const char *name)
{
	for (size_t i = s->n; i > 0; i--)
		if (sut_streq(s->v[i - 1].name, name))
			return &s->v[i - 1];
	return NULL;
}
