// SPDX-License-Identifier: Apache-2.0
/*
 * Is this machine protected? What the root half knows goes before what the network half says: the latter has
 * no rights, and whoever has taken it over shall not be able to call a machine safe that is not.
 */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "halves.h"
#include "kernel/exit.h"
#include "kernel/report.h"
#include "show.h"

static const struct {
	const char *state;
	int exit;
} exits[] = {
	{"current", SUT_EXIT_OK},
	{"pending", SUT_EXIT_PENDING},
	{"held", SUT_EXIT_HELD},
	{"failed", SUT_EXIT_ERROR},
	{"quarantined", SUT_EXIT_QUARANTINED},
	{"off", SUT_EXIT_HELD},
	{"unsupported", SUT_EXIT_NOT_FOR_US},
	{"reboot-needed", SUT_EXIT_REBOOT_NEEDED},
	{"not-registered", SUT_EXIT_NOT_REGISTERED},
	{"silent", SUT_EXIT_UNREACHABLE},
	{"unknown", SUT_EXIT_ERROR},
};

struct find {
	const struct halves *h;
	struct protection *ret;
	char runs[128]; /* "K20261121_01 (level 3) runs", "no patch runs" */
};

_printf_(4, 5) static void say(struct find *f, const char *state, const char *advice,
			       const char *fmt, ...)
{
	va_list ap;

	f->ret->state = "unknown";
	f->ret->exit = SUT_EXIT_ERROR;
	for (size_t i = 0; i < SUT_ARRAY_SIZE(exits); i++)
		if (sut_streq(exits[i].state, state)) {
			f->ret->state = exits[i].state;
			f->ret->exit = exits[i].exit;
		}
	va_start(ap, fmt);
	vsnprintf(f->ret->text, sizeof(f->ret->text), fmt, ap);
	va_end(ap);
	snprintf(f->ret->advice, sizeof(f->ret->advice), "%s", advice);
}

/* Guard or choice cannot be read: nothing new is applied until somebody says a word. */
static bool by_broken_file(struct find *f)
{
	const json_t *e;
	size_t i;

	json_array_foreach(json_object_get(f->h->apply, "errors"), i, e) {
		const char *code = show_string(e, "code");
		bool guard = sut_streq(code, "guard");

		if (!guard && !sut_streq(code, "choice"))
			continue;
		say(f, "failed",
		    guard ? "Run 'suture quarantine release --all', when nothing that was quarantined "
			    "is to stay out"
			  : "Choose anew: 'suture mode normal', and pin, hold and tags if there were any",
		    "%s cannot be read, so nothing new is applied; %s",
		    guard ? "what is quarantined" : "what the administrator has chosen", f->runs);
		return true;
	}
	return false;
}

/* What nobody but root decides; false: nothing of that kind. */
static bool by_root_half(struct find *f)
{
	const json_t *a = f->h->apply, *s = json_object_get(a, "switch");
	const json_t *support = json_object_get(a, "support");
	const char *state = show_string(support, "state"), *by = show_string(s, "by");

	if (show_bool(a, "residue")) {
		say(f, "reboot-needed", "Reboot when that is possible",
		    "the code of the kernel is not what it was before a patch was taken out");
		return true;
	}
	if (*state && !sut_streq(state, "supported")) {
		const char *message = show_string(support, "message");

		say(f, "unsupported", "", "%s",
		    *message ? message : "no patch can be applied to this machine");
		return true;
	}
	if (sut_streq(show_string(s, "state"), "off")) {
		say(f, "off",
		    sut_streq(by, "cmdline")
			    ? "Reboot without suture=off on the kernel command line"
		    : sut_streq(by, "file") ? "Remove /etc/suture/disabled"
					    : "Run 'suture mode normal'",
		    "switched off by %s; %s",
		    sut_streq(by, "cmdline") ? "the kernel command line"
		    : sut_streq(by, "file")  ? "/etc/suture/disabled"
					     : "'suture mode off'",
		    f->runs);
		return true;
	}
	return by_broken_file(f);
}

static bool portal_is_silent(const json_t *network, int64_t now, int64_t grace_s)
{
	const json_t *c = json_object_get(network, "checkin");
	int64_t last;

	return show_int(c, "failures") > 0 &&
	       sut_report_parse_time(show_string(c, "last"), &last) == 0 && now - last > grace_s;
}

/* Who it is was lost, or the portal does not want it; false: neither. A disk that is full is no reason. */
static bool by_trouble(struct find *f, const char *trouble, const char *advice)
{
	if (!*trouble || sut_streq(trouble, "disk"))
		return false;
	if (sut_streq(trouble, "identity-damaged"))
		say(f, "not-registered", "Run 'suture register': it gets the same System ID",
		    "who this system is to its portal was lost with a damaged file "
		    "(/var/lib/suture/agent/identity.json.damaged); %s",
		    f->runs);
	else if (sut_streq(trouble, "identity-unreadable"))
		say(f, "not-registered",
		    "Look at the disk (journalctl -u sutured), then run 'systemctl restart sutured'",
		    "/var/lib/suture/agent/identity.json cannot be read; %s", f->runs);
	else if (sut_streq(trouble, "cloned"))
		say(f, "not-registered", "Nothing: it gets a System ID of its own by itself",
		    "the portal takes this system for a copy of another one; %s", f->runs);
	else
		say(f, "not-registered", *advice ? advice : "Run 'suture register' again",
		    "the portal does not accept this system any more (%s); %s", trouble, f->runs);
	return true;
}

static void by_network_half(struct find *f)
{
	const json_t *n = f->h->network, *a = f->h->apply, *why = json_object_get(n, "why");
	const char *state = show_string(n, "state"), *text = show_string(why, "text");
	const char *advice = show_string(why, "advice"), *trouble = show_string(n, "trouble");
	char name[128];

	show_patch_name(json_object_get(n, "available"), name, sizeof(name));
	if (by_trouble(f, trouble, advice))
		;
	else if (sut_streq(state, "not-registered"))
		say(f, state, "Run 'suture register --portal URL'",
		    "not registered at a portal, so nothing new is heard of; %s", f->runs);
	else if (sut_streq(state, "current"))
		say(f, state, "", "%s, and nothing newer is to run", f->runs);
	else if (*text)
		say(f, state, advice, "%s; %s", text, f->runs);
	else if (sut_streq(state, "pending"))
		say(f, state, "Run 'suture update', or wait", "%s is to be applied; %s", name,
		    f->runs);
	else if (sut_streq(state, "unknown") || !*state)
		say(f, "unknown", "Run 'suture check'", "nothing was heard from the portal yet; %s",
		    f->runs);
	else
		say(f, state, "Run 'suture explain'", "%s; %s", state, f->runs);
	if (sut_streq(f->ret->state, "unknown"))
		f->ret->exit = show_int(json_object_get(n, "checkin"), "failures") > 0
				       ? SUT_EXIT_UNREACHABLE
				       : SUT_EXIT_PENDING;
	/* Both say what it runs; who has no rights is not believed against who has. */
	if (sut_streq(f->ret->state, "current") && a && !show_object(a, "patch") &&
	    show_object(a, "good") && !show_bool(a, "unloaded"))
		say(f, "pending", "Run 'suture update'",
		    "sutured says that all is current, but no patch runs");
}

void protection_find(const struct halves *h, const json_t *patch, int64_t now, int64_t grace_s,
		     struct protection *ret)
{
	struct find f = {.h = h, .ret = ret};
	char name[120];

	*ret = (struct protection){0};
	if (h->apply)
		patch = show_object(h->apply, "patch");
	if (patch)
		show_patch_name(patch, name, sizeof(name));
	snprintf(f.runs, sizeof(f.runs), "%s runs", patch ? name : "no patch");
	if (by_root_half(&f))
		return;
	if (!h->network)
		say(&f, "unknown", "Start it: systemctl start sutured.service",
		    "%s; whether there is a newer one is not known, as sutured does not answer",
		    f.runs);
	else
		by_network_half(&f);
	if (h->network && portal_is_silent(h->network, now, grace_s) &&
	    (sut_streq(ret->state, "current") || sut_streq(ret->state, "unknown")))
		say(&f, "silent", "See whether this system reaches the portal: suture explain",
		    "the portal has not answered since %s; %s",
		    show_string(json_object_get(h->network, "checkin"), "last"), f.runs);
}

json_t *protection_json(const struct protection *p)
{
	return json_pack("{s:s,s:o,s:o}", "state", p->state, "text", sut_report_text(p->text),
			 "advice", sut_report_text(p->advice));
}
