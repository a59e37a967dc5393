// SPDX-License-Identifier: Apache-2.0
/* Limits, filters and namespaces of a process; ways of linking a library or a program. They differ in nothing but the word that must come out. */
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "trap.h"

/* One answer before, another one while the patch is there, the first one afterwards; on a refusal always the first one. */
static bool ask_around(struct victim *v, const struct proc_patch *p, const char *reason,
		       char question, int before, int after)
{
	struct done d;

	MUST(ask(v, question) == before, "before");
	d = apply(v->pid, p);
	MUST_BE(d, reason);
	if (d.r < 0) {
		MUST(ask(v, question) == before, "a refusal changed something");
		MUST(tracer_of(v->pid) == 0, "it is still traced");
		d = revert(v->pid, p);
		MUST(ask(v, question) == before, "a refusal changed something");
	} else {
		MUST(ask(v, question) == after, "the new code does not run");
		d = apply(v->pid, p);
		MUST_BE(d, "current");
		d = revert(v->pid, p);
		MUST_BE(d, "reverted");
		MUST(ask(v, question) == before, "the old code does not run again");
		d = revert(v->pid, p);
		MUST_BE(d, "current");
		/* What is there already is used again. */
		d = apply(v->pid, p);
		MUST_BE(d, "applied");
		MUST(ask(v, question) == after, "the new code does not run a second time");
	}
	return true;
}

static bool run(void)
{
	const struct trap *t = current_trap;
	const char *target = t->library ? t->library : "libvictim.so", *lib = NULL;
	const char *replace = t->replace ? t->replace : "victim_value=fixed_value";
	const char *const argv[] = {built(t->program), t->mode, NULL};
	struct proc_patch *p;
	struct victim v;

	if (t->library && strncmp(t->library, "victim-", 7) == 0) {
		copy_of(t->library, "libvictim.so");
		lib = folder();
	}
	p = patch_for(target, replace);
	MUST(start_with(&v, argv, lib, NULL), "start");
	if (!ask_around(&v, p, t->reason ? t->reason : "applied", 'v', 1, 2))
		return false;
	MUST(finish(&v) == 0, "it did not end by itself");
	return true;
}

/* Each function of the library with its own kind of reference, in every way of linking it. */
static bool every_reference(void)
{
	static const struct {
		char question;
		const char *replace;
		int before, after;
	} all[] = {
		{'v', "victim_value=fixed_value", 1, 2},  {'s', "secret=fixed_secret", 1, 2},
		{'t', "victim_tiny=fixed_tiny", 0, 2},	  {'n', "victim_name=fixed_name", 1, 2},
		{'h', "victim_home=fixed_home", 1, 2},	  {'v', "victim_value=fixed_imports", 1, 2},
		{'p', "victim_pair=fixed_pair", 11, 510},
	};
	const struct trap *t = current_trap;
	const char *const argv[] = {built(t->program), t->mode, NULL};
	const char *lib = NULL;
	struct victim v;

	if (t->library && strncmp(t->library, "victim-", 7) == 0) {
		copy_of(t->library, "libvictim.so");
		lib = folder();
	}
	MUST(start_with(&v, argv, lib, NULL), "start");
	for (size_t i = 0; i < SUT_ARRAY_SIZE(all); i++) {
		struct proc_patch *p =
			patch_for(t->library ? t->library : "libvictim.so", all[i].replace);
		struct done d;

		MUST(ask(&v, all[i].question) == all[i].before, "before %s", all[i].replace);
		d = apply(v.pid, p);
		MUST(is(&d, i ? "replaced" : "applied") || is(&d, "applied"), "%s: %s: %s",
		     all[i].replace, d.res.reason, d.err.msg);
		MUST(ask(&v, all[i].question) == all[i].after, "after %s", all[i].replace);
		d = revert(v.pid, p);
		MUST_BE(d, "reverted");
		MUST(ask(&v, all[i].question) == all[i].before, "reverted %s", all[i].replace);
	}
	MUST(finish(&v) == 0, "it did not end by itself");
	return true;
}

const struct trap traps_env[] = {
	{"plain", run, "host", "plain"},
	{"mdwe", run, "host", "mdwe"},
	{"seccomp-strict", run, "host", "seccomp-strict"},
	{"seccomp-filter", run, "host", "seccomp-filter"},
	{"rlimit-as", run, "host", "rlimit-as", .reason = "memory-limit"},
	{"rlimit-data", run, "host", "rlimit-data", .reason = "memory-limit"},
	{"rlimit-data-code-only", run, "host", "rlimit-data",
	 .replace = "victim_value=fixed_imports"},
	{"mlockall-memlock", run, "host", "mlock", .reason = "memory-limit"},
	{"no-hole-in-reach", run, "host", "full", .reason = "no-room"},
	{"undumpable", run, "host", "undumpable"},
	{"user-namespace", run, "host", "userns"},
	{"mount-namespace", run, "host", "mntns"},
	{"other-user", run, "host", "nobody"},
	{"import-missing", run, "host", "plain", .replace = "victim_value=fixed_missing",
	 .reason = "import"},
	{"import-unbound-ifunc", run, "host", "plain", .replace = "victim_value=fixed_unbound",
	 .reason = "import"},
	{"linked-lazily", every_reference, "host", "plain", "victim-lazy.so"},
	{"linked-now", every_reference, "host", "plain"},
	{"endbr64", every_reference, "host", "plain", "victim-endbr.so"},
	{"relr", every_reference, "host", "plain", "victim-relr.so"},
	{"no-relro", every_reference, "host", "plain", "victim-norelro.so"},
	{"two-loads", every_reference, "host", "plain", "victim-oneload.so"},
	{"prelinked", every_reference, "host", "plain", "victim-prelinked.so"},
	{"huge-alignment", every_reference, "host", "plain", "victim-hugealign.so"},
	{"text-relocations", run, "host", "plain", "victim-textrel.so",
	 .replace = "victim_home=fixed_home", .reason = "mismatch"},
	{"executable", every_reference, "alone", NULL, "alone"},
	{"executable-fixed-address", every_reference, "alone-fixed", NULL, "alone-fixed"},
	{"static-executable", run, "alone-static", NULL, "alone-static"},
	{"static-pie", run, "alone-static-pie", NULL, "alone-static-pie"},
	{"without-libc", run, "raw", NULL, "raw"},
	{"32-bit", run, "raw32", NULL, .reason = "32-bit"},
	{"goroutines", run, "goroutines", NULL, "goroutines", .reason = "goroutines"},
	{NULL, NULL},
};
