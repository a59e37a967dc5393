// SPDX-License-Identifier: Apache-2.0
/* suture status: is this machine protected, what is applied, and what both halves of the agent know; needs no rights. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "ask.h"
#include "base/str.h"
#include "choose.h"
#include "cmd.h"
#include "cmd_lib.h"
#include "common/conf.h"
#include "halves.h"
#include "kernel/kernel.h"
#include "kernel/report.h"
#include "options.h"
#include "running.h"
#include "show.h"

static const char help[] =
	"usage: suture status [OPTION]...\n\n"
	"Says whether this machine is protected, what is applied to the running kernel, and what\n"
	"the agent knows. Needs no rights. Works without sutured and suture-apply, and says so.\n\n"
	"  --exit-code  end with what the state means, instead of 0\n"
	"  --json       one object on stdout (docs/formats/status.md)\n\n"
	"Exit status: 0; 1 error; 64 usage. With --exit-code: 0 current, 1 failed or not known,\n"
	"3 unsupported, 6 held back or off, 7 not registered, 8 the portal has been silent for too\n"
	"long, 9 quarantined, 10 pending, 11 only a reboot helps\n";

struct status {
	struct running running;
	struct sut_kernel kernel;
	char build_id[2 * SUTURE_BUILD_ID_LEN + 1]; /* "": not known */
	struct halves halves;
	struct protection protection;
	int64_t now;
};

static void status_release(struct status *s)
{
	running_release(&s->running);
	halves_release(&s->halves);
}

/* Containers may hide the build-id; its other names are there all the same. */
static void read_kernel(struct status *s)
{
	struct utsname u;

	if (sut_kernel_read(&s->kernel, NULL) == 0) {
		sut_hex(s->kernel.build_id, SUTURE_BUILD_ID_LEN, s->build_id);
	} else if (uname(&u) == 0) {
		snprintf(s->kernel.release, sizeof(s->kernel.release), "%s", u.release);
		snprintf(s->kernel.machine, sizeof(s->kernel.machine), "%s", u.machine);
	}
}

static int64_t grace(void)
{
	_cleanup_(sut_freep) struct agent_conf *conf = calloc(1, sizeof(*conf));

	return conf && agent_conf_read(ask_root(), conf, NULL) == 0 && conf->grace_s > 0
		       ? conf->grace_s
		       : HALVES_GRACE_S;
}

static int read_all(struct status *s, struct sut_err *err)
{
	_cleanup_(json_decrefp) json_t *patch = NULL;
	int r = running_read(ask_root(), &s->running, err);

	if (r < 0)
		return r;
	read_kernel(s);
	halves_read(ask_root(), &s->halves);
	if (s->running.applied)
		patch = json_pack("{s:o,s:I}", "id", sut_report_text(s->running.id), "level",
				  (json_int_t)s->running.level);
	s->now = time(NULL);
	protection_find(&s->halves, patch, s->now, grace(), &s->protection);
	return 0;
}

/* --- for programs --- */

static json_t *patch_json(const struct running *s)
{
	bool known = *s->record.id;
	char at[32];

	if (!s->applied)
		return json_null();
	sut_report_time((int64_t)s->applied_at, at);
	return json_pack("{s:o,s:I,s:o,s:o,s:o,s:s,s:I,s:I,s:o,s:o}", "id", sut_report_text(s->id),
			 "level", (json_int_t)s->level, "cves", running_words(&s->cves), "module",
			 sut_report_text(s->module), "functions", running_words(&s->functions),
			 "applied_at", at, "pause_ns", (json_int_t)s->pause_ns, "stop_ns",
			 (json_int_t)s->stop_ns, "sha256",
			 known ? json_string(s->record.sha256) : json_null(), "signature",
			 known ? sut_trust_json(&s->record.trust) : json_null());
}

static int print_json(const struct status *s)
{
	const struct running *e = &s->running;

	return sut_report_json(
		json_pack("{s:s,s:i,s:s,s:{s:b,s:o,s:o},s:{s:s,s:s,s:s?},s:o,s:o,s:o}", "format",
			  "suture-status", "version", 1, "state",
			  !e->loaded   ? "not-loaded"
			  : e->applied ? "applied"
				       : "original",
			  "engine", "loaded", e->loaded, "abi",
			  e->loaded ? json_integer((json_int_t)e->abi) : json_null(), "version",
			  e->loaded ? sut_report_text(e->version) : json_null(), "kernel",
			  "release", s->kernel.release, "arch", s->kernel.machine, "build_id",
			  *s->build_id ? s->build_id : NULL, "patch", patch_json(e), "protection",
			  protection_json(&s->protection), "agent", halves_json(&s->halves)),
		SUT_EXIT_OK);
}

/* --- for people --- */

static void print_words(const char *label, const struct sut_buf *b)
{
	_cleanup_(sut_freep) char *copy = strdup(sut_buf_str(b));
	char *save = NULL;

	for (char *w = copy ? strtok_r(copy, " \n", &save) : NULL; w;
	     w = strtok_r(NULL, " \n", &save)) {
		show(label, "%s", w);
		label = "";
	}
}

static void print_signature(const struct sut_applied *a)
{
	char text[SUT_TRUST_NAME_MAX + 128];

	if (!*a->id) {
		show("Signature", "unknown (apply has left no record)");
		return;
	}
	sut_trust_text(&a->trust, text, sizeof(text));
	show("Signature", "%s%s", text,
	     a->trust.insecure_local ? "; applied with --insecure-local" : "");
}

static void print_engine(const struct status *s)
{
	const struct running *e = &s->running;
	char at[32];

	show("Kernel", "%s (build-id %s)", s->kernel.release,
	     *s->build_id ? s->build_id : "not known");
	if (e->loaded)
		show("Engine", "loaded, version %s, ABI %" PRIu64, e->version, e->abi);
	else
		show("Engine", "not loaded");
	if (!e->applied) {
		show("Patch", "none");
		return;
	}
	sut_report_time((int64_t)e->applied_at, at);
	show("Patch", "%s, level %" PRIu64, e->id, e->level);
	show("Applied", "%s, pause %.3f ms (whole switch %.3f ms)", at, (double)e->pause_ns / 1e6,
	     (double)e->stop_ns / 1e6);
	print_signature(&e->record);
	show("Module", "%s", e->module);
	print_words("CVEs", &e->cves);
	print_words("Functions", &e->functions);
}

static void print_choice(const json_t *apply)
{
	struct choice c;
	char text[512];

	if (choice_from_json(json_object_get(apply, "choice"), &c, NULL) < 0)
		return;
	if (c.mode != CHOICE_NORMAL)
		show("Mode", "%s", choice_mode_word(c.mode));
	if (c.pin != CHOICE_PIN_NONE) {
		choose_pin_text(&c, text, sizeof(text));
		show("Pin", "%s", text);
	}
	if (c.hold) {
		choose_hold_text(&c, text, sizeof(text));
		show("Hold", "%s", text);
	}
	for (size_t i = 0; i < c.ntags; i++)
		show(i ? "" : "Tags", "%s", c.tags[i]);
}

static void print_apply(const struct status *s)
{
	const json_t *a = s->halves.apply, *v;
	char name[128], when[96];
	size_t i;

	if (sut_streq(show_string(a, "phase"), "probation"))
		show("Probation", "%" JSON_INTEGER_FORMAT " minutes left",
		     (show_int(json_object_get(a, "probation"), "seconds_left") + 59) / 60);
	json_array_foreach(json_object_get(a, "quarantined"), i, v) {
		show_patch_name(v, name, sizeof(name));
		show(i ? "" : "Quarantine", " %s: %s", name, show_string(v, "why"));
	}
	json_array_foreach(json_object_get(a, "errors"), i, v) {
		show_when(show_string(v, "at"), s->now, when, sizeof(when));
		show(i ? "" : "Errors", "%s: %s, %s", show_string(v, "code"),
		     show_string(v, "message"), when);
	}
	lib_show_lines(a);
	print_choice(a);
	if (!a)
		show("Apply", "%s", s->halves.apply_err.msg);
}

static void print_network(const struct status *s)
{
	const json_t *n = s->halves.network, *checkin = json_object_get(n, "checkin"), *v;
	const char *feed = show_string(n, "feed"), *error = show_string(checkin, "error");
	char when[96], next[96], name[128];
	size_t i;

	if (!n) {
		show("Agent", "%s", s->halves.network_err.msg);
		return;
	}
	if (sut_streq(show_string(n, "trouble"), "disk"))
		show("Disk", "/var/lib/suture/agent cannot be written: what is heard is forgotten "
			     "when sutured ends. Make room, or mount it writable");
	if (show_bool(n, "registered"))
		show("Agent", "%s at %s%s%s", show_string(n, "system_id"), show_string(n, "portal"),
		     *feed ? ", feed " : "", feed);
	else
		show("Agent", "not registered");
	show_when(show_string(checkin, "last"), s->now, when, sizeof(when));
	show_when(show_string(checkin, "next"), s->now, next, sizeof(next));
	if (*when)
		show("Check-in", "%s%s%s", when, *next ? ", next " : "", next);
	if (*error)
		show("", "%s", error);
	json_array_foreach(json_object_get(n, "held"), i, v) {
		const char *until = show_string(v, "until");

		show_patch_name(v, name, sizeof(name));
		show(i ? "" : "Held", "%s: %s%s%s", name, show_string(v, "reason"),
		     *until ? " until " : "", until);
	}
	if (*show_string(n, "busy"))
		show("Busy", "%s", show_string(n, "busy"));
}

/* One word in colour, where a terminal shows it and nobody minds. */
static void print_protection(const struct protection *p)
{
	const char *term = getenv("TERM"), *no = getenv("NO_COLOR");
	bool colour =
		isatty(STDOUT_FILENO) && term && *term && !sut_streq(term, "dumb") && (!no || !*no);

	if (colour)
		printf("%-10s\033[1;%dm%s\033[0m\n", "State",
		       p->exit == SUT_EXIT_OK	   ? 32
		       : p->exit == SUT_EXIT_ERROR ? 31
						   : 33,
		       p->state);
	else
		show("State", "%s", p->state);
	show("", "%s", p->text);
	if (*p->advice)
		show("", "%s", p->advice);
}

int cmd_status(int argc, char **argv)
{
	bool json = false, exit_code = false;
	const struct options_row rows[] = {OPTIONS_FLAG("json", &json),
					   OPTIONS_FLAG("exit-code", &exit_code)};
	const struct options o = {"status", help, rows, SUT_ARRAY_SIZE(rows), 0, 0, NULL};
	_cleanup_(status_release) struct status s = {.running = RUNNING_INIT};
	struct sut_err err = {0};
	char **words;
	size_t n;
	int exit = options_parse(&o, argc, argv, &words, &n);

	if (exit != OPTIONS_GO_ON)
		return exit;
	if (read_all(&s, &err) < 0)
		return show_end("status", json, "suture-status", NULL, &err);
	if (json) {
		exit = print_json(&s);
	} else {
		print_protection(&s.protection);
		print_engine(&s);
		print_apply(&s);
		print_network(&s);
		exit = show_end("status", false, "", NULL, NULL);
	}
	return exit == SUT_EXIT_OK && exit_code ? s.protection.exit : exit;
}
