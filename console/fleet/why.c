// SPDX-License-Identifier: Apache-2.0
#include "fleet/why.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "auth/token.h"
#include "base/str.h"
#include "base/utf8.h"

enum { ASK_SEC = 3, TEXT_MAX = 600 };

static void add(json_t *list, const char *code, const char *text, const json_t *until)
{
	char copy[TEXT_MAX + 1], word[64];

	if (json_array_size(list) >= WHY_MAX)
		return;
	(void)snprintf(copy, sizeof(copy), "%s", text);
	(void)snprintf(word, sizeof(word), "%s", code);
	sut_make_printable(copy, "");
	sut_make_printable(word, "");
	(void)!json_array_append_new(
		list, json_pack("{s:s, s:s, s:O?}", "code", word, "text", copy, "until", until));
}

static const char *text_of(const json_t *j, const char *name)
{
	const char *s = json_string_value(json_object_get(j, name));

	return s ? s : "";
}

static void add_held(json_t *list, const json_t *decision)
{
	const json_t *held = json_object_get(decision, "held"), *h;
	char text[TEXT_MAX];
	size_t i;

	json_array_foreach((json_t *)held, i, h) {
		const char *detail = text_of(h, "detail");
		const json_t *until = json_object_get(h, "until");

		(void)snprintf(text, sizeof(text), "%s is held back: %s", text_of(h, "patchset"),
			       *detail ? detail : text_of(h, "reason"));
		add(list, text_of(h, "reason"), text, json_is_string(until) ? until : NULL);
	}
}

static void add_errors(json_t *list, const json_t *portal)
{
	const json_t *report = json_object_get(portal, "report"), *e;
	const json_t *errors = json_object_get(report, "errors");
	char text[TEXT_MAX];
	size_t i;

	json_array_foreach((json_t *)errors, i, e) {
		const char *message = text_of(e, "message");

		(void)snprintf(text, sizeof(text), "Its agent says: %s",
			       *message ? message : text_of(e, "code"));
		add(list, text_of(e, "code"), text, NULL);
	}
	errors = json_object_get(report, "quarantined");
	json_array_foreach((json_t *)errors, i, e) {
		(void)snprintf(text, sizeof(text),
			       "%s was taken out after an unclean end of the machine, and is not "
			       "tried again until 'suture mode release' there",
			       json_is_string(e) ? json_string_value(e) : "A patch");
		add(list, "quarantined", text, NULL);
	}
}

static void add_state(json_t *list, const char *state)
{
	static const struct {
		const char *state, *text;
	} texts[] = {
		{"new", "Its agent has not checked in yet"},
		{"pending",
		 "A patch is on its way: it is being fetched, or the switch is tried again"},
		{"held", "The system's own policy holds it back: a pin, or a maintenance window"},
		{"failed", "It was told to run a patch and could not; what ran before still runs"},
		{"quarantined", "A patch was taken out after an unclean end of the machine"},
		{"off", "Live patching is switched off on this system"},
		{"unsupported",
		 "No patch can be applied here: a container, another live patcher, or an "
		 "architecture that is not known"},
		{"reboot-needed", "Only a reboot helps this system"},
	};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(texts); i++)
		if (!strcmp(texts[i].state, state))
			add(list, state, texts[i].text, NULL);
}

json_t *why_list(const json_t *portal, const char *state, bool registered, bool silent,
		 bool portal_ok, const json_t *decision)
{
	const char *action = text_of(json_object_get(decision, "kernel"), "action");
	json_t *list = json_array();

	if (!list)
		return NULL;
	if (!registered) {
		add(list, "unregistered",
		    "No agent of this system has registered: nothing can be applied. Enrol it, or "
		    "link it to the system that it is",
		    NULL);
		return list;
	}
	if (silent)
		add(list, "silent", "It has not called the portal for more than a day", NULL);
	add_errors(list, portal);
	add_state(list, state);
	add_held(list, decision);
	if (!portal_ok)
		add(list, "portal-away",
		    "The portal does not answer, so what it holds back, and why, is not known now",
		    NULL);
	else if (decision && *text_of(decision, "explanation"))
		add(list,
		    !strcmp(action, "none")   ? "no-patch"
		    : !strcmp(action, "keep") ? "current"
					      : "told",
		    text_of(decision, "explanation"), NULL);
	return list;
}

int why_ask(struct web_req *q, const char *system_id, json_t **ret, struct sut_err *err)
{
	_cleanup_(link_client_freep) struct link_client *c = NULL;
	struct console *console = console_of(q->server);
	_cleanup_answer_ struct link_answer a = {0};
	_cleanup_link_ struct link l = {0};
	struct sut_err why = {0};
	char path[80];
	bool ok = false;
	int r = link_is_ok(q->db, q->who.tenant, &ok, err);
	const struct link_call call = {.method = "GET", .path = path};

	*ret = NULL;
	if (r < 0 || !ok || !sut_uid_ok(system_id))
		return r;
	r = link_load(console, q->db, q->who.tenant, &l, err);
	if (r <= 0)
		return r;
	(void)snprintf(path, sizeof(path), "/v1/systems/%s/decision", system_id);
	/* Who asks when others ask already goes without. */
	if (atomic_fetch_add(&console->asking, 1) < LINK_ASKING_MAX) {
		r = link_open(&l, ASK_SEC, -1, &c, &why);
		if (r == 0 && link_do(c, &call, &a, &why) == 0 && a.status == 200)
			*ret = sut_steal(a.json);
	}
	atomic_fetch_sub(&console->asking, 1);
	return 0;
}
