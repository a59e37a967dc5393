// SPDX-License-Identifier: Apache-2.0
/* Programs that work against whoever patches them: nobody but themselves has anything of it. */
#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "trap.h"

#define VALUE "victim_value=fixed_value"

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* What the program changed was seen in time, or it was too late: in no case is it stopped for long, or does what its filter forbids. */
static bool turn_aside(const char *mode)
{
	const char *made = sut_sprintf("%s/made", folder());
	struct proc_patch *p = patch_for("libvictim.so", VALUE);
	bool turned = false;
	struct victim v;

	MUST(start(&v, "hostile", mode, made), "start");
	for (int i = 0; i < 60 && !turned; i++) {
		double before = now();
		struct done d;

		wait_ms(20);
		d = apply(v.pid, p);
		MUST(now() - before < 10, "it took %.1f s", now() - before);
		MUST(access(made, F_OK) < 0, "it has done what its filter forbids");
		turned = ask(&v, 'F') > 0;
		MUST(d.r == 0 || is(&d, "mismatch") || is(&d, "deadline") || is(&d, "busy"),
		     "%s: %s", d.res.reason, d.err.msg);
		MUST(ask(&v, 'k') == 0 && tracer_of(v.pid) == 0, "it was disturbed");
		if (d.r == 0) {
			/* From the beginning: else what is there already is used. */
			MUST(finish(&v) == 0, "end");
			MUST(start(&v, "hostile", mode, made), "start");
		}
	}
	MUST(turned, "its second thread was never quick enough");
	MUST(finish(&v) == 0, "end");
	return true;
}

static bool borrowed_code_changed(void)
{
	return turn_aside("flip");
}

static bool borrowed_code_endless(void)
{
	return turn_aside("spin");
}

/* What one process shows of a file says nothing of that file in others. */
static bool code_taken_out(void)
{
	struct proc_patch *p = patch_for("libvictim.so", VALUE);
	struct victim bad, good;
	struct done d;

	MUST(start(&bad, "hostile", "without-restore", NULL), "start");
	(void)apply(bad.pid, p);
	MUST(start(&good, "host", "plain", NULL), "start");
	d = apply(good.pid, p);
	MUST_BE(d, "applied");
	MUST(ask(&good, 'v') == 2 && finish(&good) == 0, "it is not patched");
	MUST(ask(&bad, 'k') == 0 && finish(&bad) == 0, "it was disturbed");
	return true;
}

const struct trap traps_hostile[] = {
	{"borrowed-code-changed", borrowed_code_changed},
	{"borrowed-code-endless", borrowed_code_endless},
	{"borrowed-code-missing", code_taken_out},
	{NULL, NULL},
};
