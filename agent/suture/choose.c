// SPDX-License-Identifier: Apache-2.0
#include "choose.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ask.h"
#include "base/str.h"
#include "halves.h"
#include "kernel/report.h"
#include "show.h"

void choose_pin_text(const struct choice *c, char *ret, size_t len)
{
	switch (c->pin) {
	case CHOICE_PIN_LEVEL:
		snprintf(ret, len, "not above level %" PRIu32, c->pin_level);
		break;
	case CHOICE_PIN_DATE:
		snprintf(ret, len, "nothing released after %s", c->pin_date);
		break;
	case CHOICE_PIN_PATCHSET:
		snprintf(ret, len, "%s and nothing else", c->pin_patchset);
		break;
	default:
		snprintf(ret, len, "none");
	}
}

void choose_hold_text(const struct choice *c, char *ret, size_t len)
{
	char until[40] = "until it is released";

	if (c->hold_until) {
		memcpy(until, "until ", sizeof("until "));
		sut_report_time(c->hold_until, until + strlen("until "));
	}
	if (c->hold)
		snprintf(ret, len, "%s%s%s", until, *c->hold_reason ? ": " : "", c->hold_reason);
	else
		snprintf(ret, len, "none");
}

static void print(const char *name, const struct choice *c)
{
	char text[512];

	if (sut_streq(name, "mode"))
		show("Mode", "%s", choice_mode_word(c->mode));
	if (sut_streq(name, "pin")) {
		choose_pin_text(c, text, sizeof(text));
		show("Pin", "%s", text);
	}
	if (sut_streq(name, "hold")) {
		choose_hold_text(c, text, sizeof(text));
		show("Hold", "%s", text);
	}
	for (size_t i = 0; sut_streq(name, "tags") && i < c->ntags; i++)
		show(i ? "" : "Tags", "%s", c->tags[i]);
	if (sut_streq(name, "tags") && !c->ntags)
		show("Tags", "none");
}

int choose_now(struct choice *ret, struct sut_err *err)
{
	_cleanup_(halves_release) struct halves h = {0};
	int r = halves_read_apply(ask_root(), &h, err);

	return r < 0 ? r : choice_from_json(json_object_get(h.apply, "choice"), ret, err);
}

static json_t *request(const char *name, const struct choice *c)
{
	_cleanup_(json_decrefp) json_t *all = choice_json(c);

	return json_pack("{s:s,s:O}", "verb", "choose", name, json_object_get(all, name));
}

int choose(const char *command, const char *name, const struct choice *c, bool json)
{
	_cleanup_(json_decrefp) json_t *answer = NULL, *state = NULL, *text = NULL;
	struct progress progress;
	struct choice now = {0};
	struct sut_err err = {0};
	const json_t *result, *patch;
	int r;

	if (!c) {
		r = choose_now(&now, &err);
	} else {
		progress_init(&progress, command, false, json);
		ask_catch_signals(&progress);
		r = ask_need_root("choosing what may run", &err);
		if (r == 0)
			r = ask_call(ASK_APPLY, request(name, c),
				     &(struct ask){.progress = &progress}, &answer, &err);
		state = ask_state(answer);
		if (r == 0)
			r = choice_from_json(json_object_get(state, "choice"), &now, &err);
	}
	/* Switching off takes out what runs. */
	result = show_object(answer, "result");
	patch = show_object(state, "patch");
	if (r == 0 && !json) {
		print(name, &now);
		show_result(result);
	}
	if (r == 0)
		text = choice_json(&now);
	return show_end(
		command, json, "suture-choose",
		json_pack("{s:O?,s:O?,s:O?}", "choice", text, "result", result, "patch", patch),
		&err);
}
