// SPDX-License-Identifier: Apache-2.0
/* Where threads are in the code, and what the new code does: busy functions, replacing, exceptions, TLS, short functions. */
#include <errno.h>
#include <stdlib.h>

#include "base/str.h"
#include "trap.h"

#define WITH "victim_with=fixed_with"

/* Few and short tries: somebody is inside for as long as the test likes. */
static const struct proc_options once = {.deadline_us = 1000000, .tries = 2, .scan_heap = -1};

/* A thread is inside of the old function; when it has left, the patch comes. So it is with the new function and its revert. */
static bool busy(const char *program, const char *mode)
{
	struct proc_patch *p = patch_for("libvictim.so", WITH);
	struct victim v;
	struct done d;
	char tid[16];

	MUST(start(&v, program, mode, NULL), "start");
	d = apply_with(v.pid, p, &once);
	MUST_BE(d, "busy");
	MUST(d.res.again && d.res.tries == 2, "%u tries", d.res.tries);
	MUST(strstr(d.err.msg, "victim_with") != NULL, "%s", d.err.msg);
	snprintf(tid, sizeof(tid), "%d", v.pid);
	MUST(ask(&v, 'G') == 11, "it was inside of the old one");
	d = apply(v.pid, p);
	MUST_BE(d, "applied");
	ask(&v, 'A');
	d = revert_with(v.pid, p, &once);
	MUST_BE(d, "busy");
	MUST(ask(&v, 'G') == 12, "it was inside of the new one");
	d = revert(v.pid, p);
	MUST_BE(d, "reverted");
	ask(&v, 'A');
	MUST(ask(&v, 'G') == 11, "reverted");
	MUST(ask(&v, 'k') == 0 && finish(&v) == 0, "end");
	return true;
}

static bool inside_call(void)
{
	return busy("busy", "inside");
}

static bool alternate_stack(void)
{
	return busy("busy", "altstack");
}

static bool coroutine(void)
{
	return busy("coroutine", NULL);
}

/* Somebody rests in new code on a stack that nobody looks at: the code stays there, so that it can go on. */
static bool new_code_stays(void)
{
	struct proc_options o = {.deadline_us = 1000000, .scan_heap = 0};
	struct proc_patch *p = patch_for("libvictim.so", WITH);
	struct victim v;
	struct done d;

	MUST(start(&v, "coroutine", NULL, NULL), "start");
	MUST(ask(&v, 'G') == 11, "before");
	d = apply_with(v.pid, p, &o);
	MUST_BE(d, "applied");
	ask(&v, 'A');
	d = revert_with(v.pid, p, &o);
	MUST_BE(d, "reverted");
	MUST(ask(&v, 'G') == 12, "it went on in what was taken out");
	ask(&v, 'A');
	MUST(ask(&v, 'G') == 11, "reverted");
	MUST(finish(&v) == 0, "end");
	return true;
}

/* Jumps out of old and new functions, while they are exchanged. */
static bool longjmp_across(void)
{
	struct proc_patch *p = patch_for("libvictim.so", WITH);
	struct proc_options o = {.deadline_us = 1000000, .tries = 40, .scan_heap = -1};
	struct victim v;
	int n = 0, before;

	MUST(start(&v, "busy", "longjmp", NULL), "start");
	before = ask(&v, 'K');
	for (int i = 0; i < 20; i++) {
		struct done d = i % 2 ? revert_with(v.pid, p, &o) : apply_with(v.pid, p, &o);

		MUST(d.r == 0 || is(&d, "busy"), "%s: %s", d.res.reason, d.err.msg);
		n += d.r == 0;
	}
	MUST(n > 0, "never");
	wait_ms(10);
	MUST(ask(&v, 'k') == 0 && ask(&v, 'K') != before, "it noticed: %d", ask(&v, 'k'));
	MUST(finish(&v) == 0, "end");
	return true;
}

/* A function of three bytes: its neighbour is as it was. */
static bool short_function(const char *island_of)
{
	struct upatch u = {
		.target = built("libvictim.so"),
		.object = built("fix.o"),
		.replace = {"victim_tiny=fixed_tiny"},
		.island_of = island_of,
	};
	struct proc_patch *p = patch_of(&u);
	struct victim v;
	struct done d;

	MUST((p->library->funcs[0].redirect == SUT_LIBRARY_ISLAND) == (island_of != NULL), "kind");
	MUST(start(&v, "host", "plain", NULL), "start");
	MUST(ask(&v, 't') == 0, "before");
	d = apply(v.pid, p);
	MUST_BE(d, "applied");
	MUST(ask(&v, 't') == 2, "after");
	MUST(ask(&v, 'v') == 1 && ask(&v, 's') == 1 && ask(&v, 'n') == 1, "a neighbour was hit");
	d = apply(v.pid, p);
	MUST_BE(d, "current");
	d = revert(v.pid, p);
	MUST_BE(d, "reverted");
	MUST(ask(&v, 't') == 0 && ask(&v, 'v') == 1 && ask(&v, 'n') == 1, "reverted");
	MUST(finish(&v) == 0, "end");
	return true;
}

static bool short_with_padding(void)
{
	return short_function(NULL);
}

static bool short_with_island(void)
{
	return short_function("victim_tiny");
}

static struct proc_patch *level(uint32_t n, const char *const *replace)
{
	struct upatch u = {
		.target = built("libvictim.so"),
		.object = built("fix.o"),
		.id = n == 1 ? "U20261122_01" : "U20261122_02",
		.level = n,
		.busy = {"victim_pair"},
	};

	for (size_t i = 0; replace[i]; i++)
		u.replace[i] = replace[i];
	return patch_of(&u);
}

/* From one level to another in one stop, up and down; what the other one has not is as shipped again. */
static bool replace(void)
{
	static const char *const one[] = {"victim_value=fixed_value", "victim_left=fixed_left",
					  "victim_right=fixed_right", "victim_tiny=fixed_tiny",
					  NULL},
				 *const two[] = {"victim_value=again_value",
						 "victim_left=again_left",
						 "victim_right=again_right",
						 "victim_name=fixed_name", NULL};
	struct proc_patch *p = level(1, one), *q = level(2, two);
	struct victim v;
	struct done d;

	MUST(start(&v, "busy", "spin", "3"), "start");
	d = apply(v.pid, p);
	MUST_BE(d, "applied");
	for (int i = 0; i < 10; i++) {
		d = apply(v.pid, i % 2 ? p : q);
		MUST_BE(d, "replaced");
		MUST(d.res.stops <= 2, "%u stops", d.res.stops);
		MUST(ask(&v, 'v') == (i % 2 ? 2 : 3) && ask(&v, 'p') == (i % 2 ? 22 : 33), "after");
		MUST(ask(&v, 't') == (i % 2 ? 2 : 0), "what is not in the other one stayed");
		MUST(ask(&v, 'n') == (i % 2 ? 1 : 2), "what is only in the other one");
	}
	MUST(ask(&v, 'k') == 0, "it noticed: %d", ask(&v, 'k'));
	d = revert(v.pid, q);
	MUST_BE(d, "reverted");
	MUST(ask(&v, 'v') == 1 && ask(&v, 'p') == 11 && ask(&v, 't') == 0 && ask(&v, 'n') == 1,
	     "reverted");
	MUST(ask(&v, 'k') == 0 && finish(&v) == 0, "end");
	return true;
}

/* What a look tells, by the process's own memory alone. */
static bool look_tells(void)
{
	static const char *const one[] = {"victim_value=fixed_value", NULL};
	struct proc_patch *p = level(7, one);
	struct proc_view view;
	struct sut_err err = {0};
	struct victim v;
	struct done d;

	MUST(start(&v, "host", "plain", NULL), "start");
	for (int i = 0; i < 3; i++) {
		MUST(proc_look(v.pid, &p->library->build_id, 1, &view, &err) == 0, "%s", err.msg);
		MUST(view.nfiles == 1 && strstr(view.files[0].path, "/libvictim.so") &&
			     !view.files[0].deleted && !view.files[0].half,
		     "%zu files", view.nfiles);
		MUST(view.files[0].level == (i == 1 ? 7 : 0), "level %u", view.files[0].level);
		if (i == 1) {
			MUST(sut_streq(view.files[0].patch, "U20261122_02"), "%s",
			     view.files[0].patch);
			MUST(memcmp(view.files[0].sha256, p->sha256, 32) == 0, "digest");
		}
		proc_view_release(&view);
		d = i == 0 ? apply(v.pid, p) : revert(v.pid, p);
		MUST(d.r == 0, "%s", d.err.msg);
	}
	MUST(finish(&v) == 0, "end");
	return true;
}

/* What a look saw is used by the call that follows; meanwhile it may be old. */
static bool seen_before(void)
{
	struct proc_patch *p = patch_for("libvictim.so", "victim_value=fixed_value");
	struct proc_view view;
	const struct proc_options o = {.deadline_us = 1000000, .scan_heap = -1, .seen = &view};
	struct sut_err err = {0};
	struct victim v;
	struct done d;

	for (int old = 0; old < 3; old++) {
		MUST(start(&v, "host", "plain", NULL), "start");
		MUST(proc_look(v.pid, NULL, 0, &view, &err) == 0, "%s", err.msg);
		/* Another patcher was there; it has ended. */
		if (old == 1)
			MUST(apply(v.pid, p).r == 0, "the other one");
		if (old == 2)
			MUST(finish(&v) == 0, "end");
		d = apply_with(v.pid, p, &o);
		MUST_BE(d, old == 0 ? "applied" : old == 1 ? "current" : "gone");
		MUST(!view.p, "it is used up");
		if (old < 2)
			MUST(ask(&v, 'v') == 2 && revert_with(v.pid, p, &o).r == 0 &&
				     ask(&v, 'v') == 1 && finish(&v) == 0,
			     "end");
		proc_view_release(&view);
	}
	return true;
}

/* Variables of a thread: the new code finds the library's own. */
static bool tls_of(const char *library, const char *object)
{
	struct upatch u = {
		.target = built(library),
		.object = built(object),
		.replace = {"victim_tls=fixed_tls"},
	};
	struct proc_patch *p = patch_of(&u);
	const char *const argv[] = {built("host"), "plain", NULL};
	struct victim v;
	struct done d;

	copy_of(library, "libvictim.so");
	MUST(start_with(&v, argv, folder(), NULL), "start");
	MUST(ask(&v, 'l') == 8 && ask(&v, 'l') == 9, "before");
	d = apply(v.pid, p);
	MUST_BE(d, "applied");
	MUST(ask(&v, 'l') == 11 && ask(&v, 'l') == 13, "after");
	d = revert(v.pid, p);
	MUST_BE(d, "reverted");
	MUST(ask(&v, 'l') == 14, "reverted");
	MUST(finish(&v) == 0, "end");
	return true;
}

static bool tls_dynamic(void)
{
	return tls_of("libvictim.so", "fix.o");
}

static bool tls_initial_exec(void)
{
	return tls_of("victim-ie.so", "fix-ie.o");
}

/* A static variable keeps its value from version to version. */
static bool static_data(void)
{
	struct proc_patch *p = patch_for("libvictim.so", "victim_count=fixed_count");
	struct victim v;
	struct done d;

	MUST(start(&v, "host", "plain", NULL), "start");
	MUST(ask(&v, 'c') == 1 && ask(&v, 'c') == 2, "before");
	d = apply(v.pid, p);
	MUST_BE(d, "applied");
	MUST(ask(&v, 'c') == 1002, "after");
	d = revert(v.pid, p);
	MUST_BE(d, "reverted");
	MUST(ask(&v, 'c') == 1003 && finish(&v) == 0, "end");
	return true;
}

/* Its unwinder is part of the program and has no name that anybody could look up. */
static bool exceptions_static(void)
{
	struct upatch u = {
		.target = built("catcher-static"),
		.object = built("thrower-fix.o"),
		.replace = {"thrower_through=fixed_through", "thrower_catch=fixed_catch"},
		.child = {"thrower_through.cold", "thrower_catch.cold"},
		.frames = true,
	};
	struct proc_patch *p = patch_of(&u);
	struct victim v;
	struct done d;

	MUST(start(&v, "catcher-static", NULL, NULL), "start");
	d = apply(v.pid, p);
	MUST_BE(d, "import");
	MUST(ask(&v, 't') == 7 && ask(&v, 'c') == 8, "a refusal changed something");
	MUST(finish(&v) == 0, "end");
	return true;
}

/* Exceptions go through new functions, run their destructors, and are caught there. */
static bool exceptions(void)
{
	struct upatch u = {
		.target = built("libthrower.so"),
		.object = built("thrower-fix.o"),
		.replace = {"thrower_through=fixed_through", "thrower_catch=fixed_catch"},
		.child = {"thrower_through.cold", "thrower_catch.cold"},
		.frames = true,
	};
	struct proc_patch *p = patch_of(&u);
	struct victim v;
	struct done d;

	MUST(start(&v, "catcher", NULL, NULL), "start");
	MUST(ask(&v, 'r') == 1 && ask(&v, 't') == 7 && ask(&v, 'c') == 8 && ask(&v, 'e') == 200,
	     "before");
	d = apply(v.pid, p);
	MUST_BE(d, "applied");
	MUST(ask(&v, 'r') == 2 && ask(&v, 'e') == 1200, "after, without an exception");
	MUST(ask(&v, 't') == 7 && ask(&v, 'e') == 2200, "an exception through new code");
	MUST(ask(&v, 'c') == 9, "an exception caught by new code");
	d = revert(v.pid, p);
	MUST_BE(d, "reverted");
	MUST(ask(&v, 't') == 7 && ask(&v, 'c') == 8 && ask(&v, 'e') == 2300, "reverted");
	MUST(finish(&v) == 0, "end");
	return true;
}

/* Before the first exception nothing of the unwinder was used, its tables are not there yet. */
static bool first_exception_later(void)
{
	struct upatch u = {
		.target = built("libthrower.so"),
		.object = built("thrower-fix.o"),
		.replace = {"thrower_through=fixed_through", "thrower_catch=fixed_catch"},
		.frames = true,
	};
	struct proc_patch *p = patch_of(&u);
	struct victim v;
	struct done d;

	MUST(start(&v, "catcher", NULL, NULL), "start");
	d = apply(v.pid, p);
	MUST_BE(d, "applied");
	MUST(ask(&v, 'c') == 9 && ask(&v, 't') == 7 && ask(&v, 'e') == 1000, "after");
	MUST(finish(&v) == 0, "end");
	return true;
}

/* Functions that become free one by one. */
static bool one_by_one(void)
{
	struct proc_options o = {
		.deadline_us = 1000000, .tries = 2, .each_function = true, .scan_heap = -1};
	static const char *const both[] = {WITH, "victim_value=fixed_value", NULL};
	struct proc_patch *p = level(1, both);
	struct victim v;
	struct done d;

	MUST(start(&v, "busy", "inside", NULL), "start");
	d = apply_with(v.pid, p, &o);
	MUST_BE(d, "busy");
	MUST(ask(&v, 'v') == 2 || ask(&v, 'v') == 1, "%d", ask(&v, 'v'));
	MUST(ask(&v, 'G') == 11, "it was inside of the old one");
	d = apply_with(v.pid, p, &o);
	MUST(d.r == 0, "%s", d.err.msg);
	MUST(ask(&v, 'v') == 2, "after");
	ask(&v, 'A');
	MUST(ask(&v, 'G') == 12, "after");
	MUST(finish(&v) == 0, "end");
	return true;
}

/* A set of functions is switched at once or not at all. */
static bool all_or_none(void)
{
	static const char *const both[] = {WITH, "victim_value=fixed_value", NULL};
	struct proc_patch *p = level(1, both);
	struct victim v;
	struct done d;

	MUST(start(&v, "busy", "inside", NULL), "start");
	d = apply_with(v.pid, p, &once);
	MUST_BE(d, "busy");
	MUST(ask(&v, 'v') == 1, "a part was switched");
	MUST(ask(&v, 'G') == 11 && finish(&v) == 0, "end");
	return true;
}

/* Two libraries of one process, each with its own patch. */
static bool two_libraries(void)
{
	const char *const argv[] = {built("host"), "plain", NULL};
	struct upatch u = {
		.target = built("libthrower.so"),
		.object = built("thrower-fix.o"),
		.replace = {"thrower_through=fixed_through"},
		.frames = true,
	};
	struct proc_patch *p = patch_for("libvictim.so", "victim_value=fixed_value"),
			  *q = patch_of(&u);
	struct victim v;
	struct done d;

	MUST(start_with(&v, argv, NULL, built("libthrower.so")), "start");
	d = apply(v.pid, p);
	MUST_BE(d, "applied");
	d = apply(v.pid, q);
	MUST_BE(d, "applied");
	d = revert(v.pid, p);
	MUST_BE(d, "reverted");
	MUST(ask(&v, 'v') == 1, "reverted");
	d = apply(v.pid, q);
	MUST_BE(d, "current");
	MUST(finish(&v) == 0, "end");
	return true;
}

const struct trap traps_code[] = {
	{"busy-inside-a-call", inside_call},
	{"busy-on-alternate-stack", alternate_stack},
	{"busy-in-a-coroutine", coroutine},
	{"new-code-stays-mapped", new_code_stays},
	{"longjmp-across", longjmp_across},
	{"short-function-with-padding", short_with_padding},
	{"short-function-with-island", short_with_island},
	{"replace-in-one-stop", replace},
	{"look-tells-what-is-applied", look_tells},
	{"seen-before", seen_before},
	{"tls-dynamic", tls_dynamic},
	{"tls-initial-exec", tls_initial_exec},
	{"static-data", static_data},
	{"exceptions", exceptions},
	{"exceptions-static", exceptions_static},
	{"first-exception-later", first_exception_later},
	{"functions-one-by-one", one_by_one},
	{"all-functions-or-none", all_or_none},
	{"two-libraries", two_libraries},
	{NULL, NULL},
};
