// SPDX-License-Identifier: Apache-2.0
/* doctor.h: what is wrong with the protection of this machine, and what to do about it. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "cmd_lib.h"
#include "common/when.h"
#include "doctor.h"
#include "show.h"

enum { FREE_MIN = 64 << 20, CLOCK_MIN = 1764000000 /* 2025: before there was such an agent */ };

struct list {
	json_t *j; /* NULL: memory was short */
};

static void add(struct list *l, const char *name, bool ok, const char *advice, const char *fmt, ...)
	_printf_(5, 6);

static void add(struct list *l, const char *name, bool ok, const char *advice, const char *fmt, ...)
{
	char text[SHOW_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (l->j &&
	    json_array_append_new(l->j, json_pack("{s:s, s:b, s:s, s:s}", "name", name, "ok", ok,
						  "text", text, "advice", ok ? "" : advice)) < 0) {
		json_decref(l->j);
		l->j = NULL;
	}
}

static void halves_answer(struct list *l, const struct halves *h)
{
	add(l, "suture-apply", h->apply != NULL,
	    "systemctl start suture-boot.service suture-apply.socket", "%s",
	    h->apply ? h->live ? "answers" : "its last word is read from /run/suture/state.json"
		     : "does not answer");
	add(l, "sutured", h->network != NULL,
	    "systemctl start sutured.service; journalctl -u sutured", "%s",
	    h->network ? "answers" : "does not answer");
}

static void kernel(struct list *l, const json_t *s, const struct doctor_facts *f)
{
	const json_t *support = json_object_get(s, "support"),
		     *engine = json_object_get(s, "engine");
	const char *state = show_string(engine, "state"), *message = show_string(engine, "message");
	bool supported = sut_streq(show_string(support, "state"), "supported");

	add(l, "support", supported, "live patches cannot be applied on this machine", "%s%s%s",
	    show_string(support, "state"), supported ? "" : ": ",
	    supported ? "" : show_string(support, "message"));
	add(l, "engine", sut_streq(state, "loaded") || sut_streq(state, "available"),
	    sut_streq(state, "refused")
		    ? "enrol the key that the message names (mokutil --import), and reboot"
		    : "install suture-dkms, or let the repository provide suture.ko for this kernel",
	    "%s%s%s", state, *message ? ": " : "", message);
	add(l, "lockdown", !sut_streq(state, "refused"),
	    "the kernel takes signed modules only: suture.ko and patches need a signature of a key "
	    "that it knows",
	    "%s", *f->lockdown ? f->lockdown : "not known");
	add(l, "residue", !show_bool(s, "residue"), "reboot when that is possible",
	    show_bool(s, "residue") ? "the code of the kernel is not what it was before the patch"
				    : "none");
}

static void guard(struct list *l, const json_t *s)
{
	const json_t *sw = json_object_get(s, "switch"), *v;
	size_t n = json_array_size(json_object_get(s, "quarantined")), i;
	const char *by = show_string(sw, "by");
	bool normal = sut_streq(show_string(sw, "state"), "normal");

	add(l, "mode", normal,
	    "'suture mode normal', the kernel command line, or /etc/suture/disabled", "%s%s%s",
	    show_string(sw, "state"), *by ? ", said by " : "", by);
	add(l, "quarantine", !n, "'suture quarantine' tells why; report it to who made the patch",
	    "%zu patches", n);
	json_array_foreach(json_object_get(s, "errors"), i, v) {
		add(l, "error", false, "'suture explain' says what helps", "%s: %s",
		    show_string(v, "code"), show_string(v, "message"));
	}
}

static bool passed(const char *time, int64_t now)
{
	int64_t t;

	return when_parse(time, &t) && t < now;
}

static void portal(struct list *l, const json_t *s, const struct doctor_facts *f, int64_t now)
{
	const json_t *in = json_object_get(s, "checkin"), *check = json_object_get(s, "check");
	const char *trouble = show_string(s, "trouble"), *error = show_string(in, "error");
	bool registered = show_bool(s, "registered");

	add(l, "registered", registered || f->repository, "'suture register'", "%s",
	    registered	    ? show_string(s, "system_id")
	    : f->repository ? "no, but a repository is set"
			    : "no");
	if (*trouble)
		add(l, "trouble", false, "'suture explain' says what to do", "%s", trouble);
	if (registered)
		add(l, "check-in", !*error, "see whether the portal can be reached from here",
		    "last answer %s%s%s",
		    *show_string(in, "last") ? show_string(in, "last") : "never",
		    *error ? "; " : "", error);
	error = show_string(check, "error");
	if (registered || f->repository)
		add(l, "repository", !*error && !passed(show_string(check, "expires"), now),
		    "see whether the repository can be reached from here, and whether it is kept fresh",
		    "last look %s, valid until %s%s%s",
		    *show_string(check, "last") ? show_string(check, "last") : "never",
		    *show_string(check, "expires") ? show_string(check, "expires") : "not known",
		    *error ? "; " : "", error);
}

static void files(struct list *l, const struct doctor_facts *f, int64_t now)
{
	add(l, "agent.conf", !*f->conf, "mend the line that it names", "%s",
	    *f->conf ? f->conf : "is well-formed");
	if (f->free_bytes >= 0)
		add(l, "disk", f->free_bytes >= FREE_MIN, "make room: patches are kept there",
		    "%" PRId64 " MiB free below /var/lib/suture", f->free_bytes >> 20);
	if (f->keys >= 0)
		add(l, "keys", f->keys > 0,
		    "put the public key of who signs patches into /etc/suture/keys.d",
		    "%d keys may sign patches", f->keys);
	add(l, "root.json", f->root_json,
	    "put the first root of the repository to /etc/suture/root.json; the installer of the "
	    "portal does so",
	    f->root_json ? "is there" : "is not there, or not readable");
	if (f->identity_mode >= 0)
		add(l, "identity", !(f->identity_mode & 077),
		    "chmod 0600 /var/lib/suture/agent/identity.json, and register again: others could "
		    "read the credential",
		    "permissions %04o", (unsigned int)f->identity_mode);
	add(l, "clock", now >= CLOCK_MIN, "set the clock: nothing that expires can be judged",
	    now >= CLOCK_MIN ? "is plausible" : "is years behind");
}

/* Who is excluded by the administrator is no fault. */
static void library(struct list *l, const json_t *v)
{
	json_int_t left = show_int(v, "processes") - show_int(v, "patched") -
			  show_int(json_object_get(v, "reasons"), "excluded");
	char name[128], counts[512];

	show_patch_name(v, name, sizeof(name));
	lib_counts_text(v, counts, sizeof(counts));
	if (show_bool(v, "unloaded"))
		add(l, show_string(v, "name"), true, "", "taken out on purpose");
	else
		add(l, show_string(v, "name"), left <= 0, "'suture lib explain' names them",
		    "%s runs in %s", name, counts);
}

/* suture-process, and what it needs; then each library. */
static void libraries(struct list *l, const struct halves *h, const struct doctor_facts *f)
{
	const json_t *daemon = json_object_get(h->apply, "daemon"), *v;
	const char *state = show_string(daemon, "state"), *text = show_string(daemon, "text");
	bool runs = sut_streq(state, "running"), wanted = json_array_size(lib_list(h->apply)) != 0,
	     watch = runs ? sut_streq(show_string(daemon, "watch"), "on") : f->fanotify <= 0;
	size_t i, n = 0;

	add(l, "suture-process", f->process ? !sut_streq(state, "failed") : !wanted,
	    f->process ? "systemctl start suture-process; journalctl -u suture-process"
		       : "install the package suture-process",
	    "%s%s%s", f->process ? state : "is not installed", f->process && *text ? ": " : "",
	    f->process ? text : "");
	if (f->process) {
		add(l, "suture-process.service", f->process_enabled,
		    "systemctl enable suture-process", "%s",
		    f->process_enabled ? "is enabled" : "does not start at boot");
		add(l, "ptrace", f->ptrace_scope != 3,
		    "set kernel.yama.ptrace_scope to less than 3, and reboot", "ptrace_scope is %d",
		    f->ptrace_scope < 0 ? 0 : f->ptrace_scope);
		add(l, "fanotify", watch, "processes that start are patched late", "%s",
		    watch  ? "new processes are seen"
		    : runs ? text
			   : strerror(f->fanotify));
	}
	json_array_foreach(json_object_get(h->network, "libraries"), i, v) {
		n += json_is_object(json_object_get(v, "available"));
	}
	add(l, "patchsets", true, "", "for libraries in use: %zu", n);
	json_array_foreach(lib_list(h->apply), i, v) {
		library(l, v);
	}
}

json_t *doctor_checks(const struct halves *h, const struct doctor_facts *f, int64_t now)
{
	struct list l = {json_array()};

	halves_answer(&l, h);
	if (h->apply) {
		kernel(&l, h->apply, f);
		guard(&l, h->apply);
		libraries(&l, h, f);
	}
	if (h->network)
		portal(&l, h->network, f, now);
	files(&l, f, now);
	return l.j;
}
