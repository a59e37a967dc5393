// SPDX-License-Identifier: Apache-2.0
/* The decision in words and in JSON. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/utf8.h"
#include "feed/decide.h"

enum { TIME_MAX = 40 };

static void format_time(int64_t t, char buf[static TIME_MAX])
{
	time_t tt = (time_t)t;
	struct tm tm;

	if (!gmtime_r(&tt, &tm) || !strftime(buf, TIME_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm))
		snprintf(buf, TIME_MAX, "%lld", (long long)t);
}

/* " until TIME: REASON", each when there is one. */
static void tail(int64_t until, const char *reason, char *buf, size_t size)
{
	char time[TIME_MAX] = "";

	if (until)
		format_time(until, time);
	snprintf(buf, size, "%s%s%s%s", until ? " until " : "", time, reason && *reason ? ": " : "",
		 reason ? reason : "");
}

void decide_detail(const struct decide_in *in, const struct decide_held *h, char *buf, size_t size)
{
	const struct decide_entry *e = h->entry;
	char what[96], rest[DECIDE_DETAIL_MAX - 128], time[TIME_MAX];

	snprintf(what, sizeof(what), "level %u (%.63s)", e->level, e->patchset);
	switch (h->why) {
	case DECIDE_WHY_WITHDRAWN:
		tail(0, e->state == DECIDE_WITHDRAWN ? e->reason : "", rest, sizeof(rest));
		snprintf(buf, size, "%s was withdrawn%s%s", what,
			 e->state == DECIDE_WITHDRAWN ? "" : " from the repository", rest);
		return;
	case DECIDE_WHY_HELD:
		tail(e->until, e->reason, rest, sizeof(rest));
		snprintf(buf, size, "%s is held in the feed%s", what, rest);
		return;
	case DECIDE_WHY_PIN:
		if (in->pin.kind == FEED_PIN_LEVEL)
			snprintf(rest, sizeof(rest), "level %u", in->pin.level);
		else if (in->pin.kind == FEED_PIN_PATCHSET)
			snprintf(rest, sizeof(rest), "patchset %s", in->pin.patchset);
		else {
			format_time(in->pin.created - 1, time);
			snprintf(rest, sizeof(rest), "%.10s", time);
		}
		snprintf(buf, size, "%s is beyond the pin to %s", what, rest);
		return;
	case DECIDE_WHY_SYSTEM_HOLD:
		tail(in->hold_until, in->hold_reason, rest, sizeof(rest));
		snprintf(buf, size, "%s waits because this system is on hold%s", what, rest);
		return;
	case DECIDE_WHY_DELAY:
		format_time(e->entered, time);
		tail(h->until, NULL, rest, sizeof(rest));
		snprintf(buf, size,
			 "%s entered the feed at %s and waits for the delay of %lld hours%s", what,
			 time, (long long)(in->delay_sec / 3600), rest);
		return;
	}
}

static json_t *held_json(const struct decide_in *in, const struct decide_held *h)
{
	char detail[DECIDE_DETAIL_MAX], until[TIME_MAX] = "";
	json_t *cves = json_array();

	for (size_t i = 0; cves && i < h->entry->ncves; i++)
		if (json_array_append_new(cves, json_string(h->entry->cves[i])) < 0) {
			json_decref(cves);
			return NULL;
		}
	decide_detail(in, h, detail, sizeof(detail));
	if (h->until)
		format_time(h->until, until);
	/* It may have been cut in the middle of a character. */
	sut_make_printable(detail, "\n\t");
	return json_pack("{s:s,s:I,s:o,s:s,s:s?,s:o}", "patchset", h->entry->patchset, "level",
			 (json_int_t)h->entry->level, "cves", cves, "reason",
			 decide_why_name(h->why), "until", h->until ? until : NULL, "detail",
			 json_string(detail));
}

int decide_json(const struct decide_in *in, const struct decide_out *out, json_t **ret_kernel,
		json_t **ret_held, struct sut_err *err)
{
	const struct decide_entry *t = out->target;
	json_t *kernel, *held = json_array();
	bool ok = held;

	kernel = json_pack("{s:s,s:I}", "action", decide_action_name(out->action), "level",
			   (json_int_t)out->level);
	if (t)
		ok = ok && kernel &&
		     json_object_set_new(kernel, "patchset", json_string(t->patchset)) == 0 &&
		     json_object_set_new(kernel, "path", json_string(t->path)) == 0 &&
		     json_object_set_new(kernel, "sha256", json_string(t->sha256)) == 0 &&
		     json_object_set_new(kernel, "length", json_integer(t->length)) == 0;
	for (size_t i = 0; ok && i < out->nheld; i++)
		ok = json_array_append_new(held, held_json(in, &out->held[i])) == 0;
	if (!ok || !kernel) {
		json_decref(kernel);
		json_decref(held);
		return sut_err_oom(err);
	}
	*ret_kernel = kernel;
	*ret_held = held;
	return 0;
}
