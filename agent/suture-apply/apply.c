// SPDX-License-Identifier: Apache-2.0
#include "apply.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/utf8.h"
#include "wire/wire.h"
#include "kernel/session.h"

enum { LOCK_POLL_MS = 100, STEP_TEXT_MAX = 1024 };

static int64_t real_now(void)
{
	return time(NULL);
}

void apply_init(struct apply *a, const char *root)
{
	*a = (struct apply){.root = root ? root : "", .now = real_now, .lock = -1, .client = -1};
	machine_real("", &a->machine);
}

void apply_release(struct apply *a)
{
	apply_unlock(a);
	json_decref(a->steps);
	json_decref(a->errors);
	a->steps = a->errors = NULL;
}

int apply_lock(struct apply *a, unsigned int wait_ms, struct sut_err *err)
{
	struct agent_path path = agent_path(a->root, SUT_LOCK_FILE);
	struct agent_path run = agent_path(a->root, "/run");
	const struct timespec t = {0, LOCK_POLL_MS * 1000000L};
	int r;

	if (a->lock >= 0)
		return 0;
	if (*a->root) {
		r = sut_mkdir_p(run.s, err);
		if (r < 0)
			return r;
	}
	for (unsigned int waited = 0;; waited += LOCK_POLL_MS) {
		r = sut_session_lock(path.s, &a->lock, err);
		if (r != -EBUSY || waited >= wait_ms || sut_session_interrupted())
			return r;
		nanosleep(&t, NULL);
	}
}

void apply_unlock(struct apply *a)
{
	sut_closep(&a->lock);
	a->lock = -1;
}

void apply_step(struct apply *a, const char *step, const char *state, const char *fmt, ...)
{
	char text[STEP_TEXT_MAX], at[32];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	sut_make_printable(text, "");
	/* Who does not listen is not waited for a second time. */
	if (a->client >= 0 && wire_progress(a->client, step, state, text, 0, 0) < 0)
		a->client = -1;
	if (!a->steps)
		a->steps = json_array();
	if (json_array_size(a->steps) >= APPLY_STEPS_MAX)
		return;
	sut_report_time(a->now(), at);
	(void)!json_array_append_new(a->steps, json_pack("{s:s,s:s,s:s,s:s}", "step", step, "state",
							 state, "text", text, "at", at));
}

json_t *apply_steps(const struct apply *a)
{
	return a->steps ? json_copy(a->steps) : json_array();
}

void apply_log(int level, const char *fmt, ...)
{
	char text[2 * STEP_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	sut_make_printable(text, "");
	fprintf(stderr, "<%d>%s\n", level, text);
}
