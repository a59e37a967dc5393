// SPDX-License-Identifier: Apache-2.0
#include "progress.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/str.h"
#include "base/utf8.h"

static bool can_rewrite(void)
{
	const char *term = getenv("TERM");

	return isatty(STDERR_FILENO) && term && *term && !sut_streq(term, "dumb");
}

void progress_init(struct progress *p, const char *command, bool quiet, bool json)
{
	struct winsize w = {0};

	*p = (struct progress){.command = command, .columns = 80, .rewrite = can_rewrite()};
	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col >= 20)
		p->columns = w.ws_col;
	if (!quiet && (!json || p->rewrite))
		p->out = stderr;
}

static const json_t *inner(const json_t *message)
{
	const json_t *in = json_object_get(message, "progress");

	return in ? in : message;
}

static void add_amount(const json_t *m, char *ret, size_t len)
{
	json_int_t done = json_integer_value(json_object_get(m, "done"));
	json_int_t total = json_integer_value(json_object_get(m, "total"));
	double size = (double)total / 1024;
	const char *unit = "KiB";

	if (total <= 0 || done < 0 || done > total)
		return;
	if (size >= 1024) {
		size /= 1024;
		unit = "MiB";
	}
	snprintf(ret, len, ", %d %% of %.*f %s", (int)((double)done * 100 / (double)total),
		 size < 10 ? 1 : 0, size, unit);
}

void progress_text(const json_t *message, char ret[static PROGRESS_LINE_MAX])
{
	const json_t *m = inner(message);
	const char *step = json_string_value(json_object_get(m, "step"));
	const char *text = json_string_value(json_object_get(m, "text"));
	char amount[64] = "";

	ret[0] = '\0';
	if ((!step || !*step) && (!text || !*text))
		return;
	/* Only files have sizes that people want to see. */
	if (sut_streq(step ? step : "", "download"))
		add_amount(m, amount, sizeof(amount));
	snprintf(ret, PROGRESS_LINE_MAX, "%s%s%s%s", step ? step : "",
		 step && *step && text && *text ? ": " : "", text ? text : "", amount);
	sut_make_printable(ret, "");
}

/* Cuts text to so many characters; one of two columns may then wrap, which is no harm. */
static void cut(char *s, size_t columns)
{
	const uint8_t *p = (const uint8_t *)s, *end = p + strlen(s);

	while (columns-- && p < end)
		(void)sut_utf8_next(&p, end);
	s[p - (const uint8_t *)s] = '\0';
}

void progress_end(struct progress *p)
{
	if (p->out && p->shown) {
		fputs("\r\033[K", p->out);
		fflush(p->out);
	}
	p->shown = false;
}

void progress_feed(void *ctx, const json_t *message)
{
	struct progress *p = ctx;
	const json_t *m = inner(message);
	char line[PROGRESS_LINE_MAX];

	if (!p->out)
		return;
	progress_text(m, line);
	if (!*line)
		return;
	if (p->rewrite) {
		cut(line, p->columns - 1);
		fprintf(p->out, "\r\033[K%s", line);
		fflush(p->out);
		p->shown = true;
		return;
	}
	/* In a log each thing once, and no percentages. */
	if (json_integer_value(json_object_get(m, "total")) > 0 &&
	    sut_streq(json_string_value(json_object_get(m, "state")) ?: "", "note"))
		return;
	if (sut_streq(line, p->last))
		return;
	memcpy(p->last, line, sizeof(line));
	fprintf(p->out, "suture: %s: %s\n", p->command, line);
}
