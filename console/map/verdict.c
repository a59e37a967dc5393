// SPDX-License-Identifier: Apache-2.0
#include "map/verdict.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/str.h"
#include "cve/changelog.h"

static const char *const names[VERDICTS] = {
	"fix-ready", "partial",	       "fix-held",     "reboot-needed",
	"no-fix",    "unknown-target", "not-affected", "live-fixed",
};

const char *verdict_name(enum verdict v)
{
	return names[v];
}

int verdict_parse(const char *name, enum verdict *ret)
{
	for (enum verdict v = 0; v < VERDICTS; v++)
		if (sut_streq(names[v], name)) {
			*ret = v;
			return 0;
		}
	return -EINVAL;
}

bool verdict_exposed(enum verdict v)
{
	return v != VERDICT_LIVE_FIXED && v != VERDICT_NOT_AFFECTED;
}

enum verdict verdict_worse(enum verdict a, enum verdict b)
{
	if (!verdict_exposed(a) && !verdict_exposed(b))
		return a > b ? a : b;
	return a < b ? a : b;
}

enum verdict verdict_roll(unsigned int mask)
{
	enum verdict v = 0;

	if ((mask & 1 << VERDICT_LIVE_FIXED) &&
	    (mask & ~(1u << VERDICT_LIVE_FIXED | 1u << VERDICT_NOT_AFFECTED)))
		return VERDICT_PARTIAL;
	if (!(mask & ~(1u << VERDICT_LIVE_FIXED | 1u << VERDICT_NOT_AFFECTED)))
		return mask & 1 << VERDICT_LIVE_FIXED ? VERDICT_LIVE_FIXED : VERDICT_NOT_AFFECTED;
	while (!(mask & 1u << v))
		v++;
	return v;
}

/* --- what a host is bound to --- */

static int64_t end_of_day(const char *s)
{
	struct tm tm = {0};
	const char *end = strptime(s, "%Y-%m-%d", &tm);

	return end && !*end ? timegm(&tm) + 24 * 3600 : 1;
}

static void bind_pin(const struct map_index *x, struct verdict_host *h)
{
	const char *pin = h->pin ? h->pin : "";
	uint64_t level;

	h->pin_level = 0;
	h->pin_before = 0;
	if (sut_startswith(pin, "level:") && sut_parse_u64(pin + 6, UINT32_MAX, &level) == 0)
		h->pin_level = (uint32_t)level;
	else if (sut_startswith(pin, "date:"))
		h->pin_before = end_of_day(pin + 5);
	else if (sut_startswith(pin, "patchset:"))
		h->pin_before = index_released(x, pin + 9) + 1;
}

void verdict_bind(const struct map_index *x, struct verdict_host *h)
{
	h->kernel = index_by_build_id(x, h->build_id);
	if (!h->kernel)
		h->kernel = index_by_kernel_id(x, h->kernel_id);
	if (!h->kernel && (!h->build_id || !*h->build_id) && h->release && *h->release &&
	    h->package_version && *h->package_version) {
		_cleanup_(sut_freep) char *package = sut_sprintf("linux-image-%s", h->release);

		h->kernel = index_by_package(x, package, h->package_version);
	}
	if (h->kernel && h->kernel->library)
		h->kernel = NULL;
	for (size_t i = 0; i < h->nlibraries; i++) {
		const struct index_target *t = index_by_build_id(x, h->libraries[i].build_id);

		h->libraries[i].target = t && t->library ? t : NULL;
	}
	h->feed_bit = index_feed(x, h->feed);
	bind_pin(x, h);
}

/* --- one target --- */

static bool beyond_pin(const struct verdict_host *h, const struct index_level *l)
{
	return (h->pin_level && l->level > h->pin_level) ||
	       (h->pin_before && l->released >= h->pin_before);
}

static bool on_hold(const struct verdict_host *h)
{
	return h->hold && (!h->hold_until || h->hold_until > h->now);
}

/* There is a patch: from `from` on. Is it given to this host? The highest level that is, is told. */
static void waiting(const struct verdict_host *h, const struct index_target *t, uint32_t from,
		    bool whole, struct verdict_answer *a)
{
	const struct index_level *ready = NULL, *lowest = NULL;
	bool pinned = false;

	for (size_t i = 0; i < t->nlevels; i++) {
		const struct index_level *l = &t->levels[i];

		if (l->level < from)
			continue;
		if (!lowest)
			lowest = l;
		if (!(l->feeds & h->feed_bit))
			continue;
		if (beyond_pin(h, l))
			pinned = true;
		else
			ready = l;
	}
	if (ready && !on_hold(h)) {
		a->verdict = VERDICT_FIX_READY;
		a->why = whole ? WHY_NONE : WHY_READY_IN_PART;
		a->level = ready->level;
		a->patchset = ready->patchset;
		return;
	}
	a->verdict = VERDICT_FIX_HELD;
	a->why = on_hold(h) ? WHY_HOLD : pinned ? WHY_PIN : WHY_FEED;
	a->until = on_hold(h) ? h->hold_until : 0;
	a->level = lowest ? lowest->level : from;
	a->patchset = lowest ? lowest->patchset : NULL;
}

static const char *patchset_of(const struct index_target *t, uint32_t level)
{
	for (size_t i = 0; i < t->nlevels; i++)
		if (t->levels[i].level == level)
			return t->levels[i].patchset;
	return NULL;
}

/* Nothing of this target names it. That a package has it closed is said only when a changelog says so: a hole that
 * nobody has closed is in no changelog either. */
static void not_named(const struct map_index *x, const struct index_target *t, int64_t cve,
		      struct verdict_answer *a)
{
	const char *fixed_in = index_fixed_in(x, t, cve);

	a->verdict = VERDICT_NO_FIX;
	if (fixed_in && t->version && sut_debversion_cmp(fixed_in, t->version) <= 0) {
		a->verdict = VERDICT_NOT_AFFECTED;
		a->why = WHY_PACKAGE_HAS_IT;
		a->fixed_in = fixed_in;
	}
}

/* One target at a level. */
static void of_target(const struct map_index *x, const struct verdict_host *h,
		      const struct index_target *t, uint32_t level, int64_t cve,
		      struct verdict_answer *a)
{
	const struct index_fix *f = cve ? index_fix(t, cve) : NULL;

	*a = (struct verdict_answer){.target = t};
	if (!f) {
		not_named(x, t, cve, a);
		return;
	}
	a->fixed_in = f->fixed_in;
	if (f->level && level >= f->level) {
		a->verdict = VERDICT_LIVE_FIXED;
		a->level = f->level;
		a->patchset = patchset_of(t, f->level);
		return;
	}
	if (f->level) {
		waiting(h, t, f->level, true, a);
		return;
	}
	a->note = f->note;
	if (f->partial && level >= f->partial) {
		a->verdict = VERDICT_PARTIAL;
		a->why = WHY_IN_PART;
		a->level = f->partial;
		a->patchset = patchset_of(t, f->partial);
	} else if (f->partial) {
		waiting(h, t, f->partial, false, a);
	} else {
		a->verdict = VERDICT_REBOOT_NEEDED;
		a->why = t->library ? WHY_RESTART : WHY_REBOOT;
	}
}

static void of_kernel(const struct map_index *x, const struct verdict_host *h, int64_t cve,
		      struct verdict_answer *a)
{
	if (h->kernel)
		of_target(x, h, h->kernel, h->level, cve, a);
	else
		*a = (struct verdict_answer){.verdict = VERDICT_UNKNOWN_TARGET,
					     .why = h->registered ? WHY_NO_KERNEL
								  : WHY_UNREGISTERED};
}

/* --- libraries: those in use decide, process by process --- */

static uint32_t at_level(const struct verdict_library *l)
{
	return l->patched < l->processes ? l->patched : l->processes;
}

static void of_use(const struct map_index *x, const struct verdict_host *h,
		   const struct verdict_library *l, int64_t cve, struct verdict_answer *a)
{
	if (!l->target) {
		*a = (struct verdict_answer){.verdict = VERDICT_UNKNOWN_TARGET,
					     .why = WHY_NO_LIBRARY};
		return;
	}
	of_target(x, h, l->target, l->level, cve, a);
	if (a->verdict == VERDICT_LIVE_FIXED && l->processes && at_level(l) == 0) {
		/* It was told to run that level, and no process does yet. */
		a->verdict = VERDICT_FIX_READY;
	}
}

static void of_libraries(const struct map_index *x, const struct verdict_host *h,
			 const struct verdict_subject *s, int64_t cve, struct verdict_answer *ret)
{
	uint32_t processes = 0, patched = 0;
	bool any = false;

	for (size_t i = 0; i < s->nuses; i++) {
		const struct verdict_library *l = &h->libraries[s->uses[i]];
		struct verdict_answer a;

		of_use(x, h, l, cve, &a);
		if (a.verdict != VERDICT_NOT_AFFECTED)
			processes += l->processes;
		if (a.verdict == VERDICT_LIVE_FIXED)
			patched += at_level(l);
		if (!any || verdict_worse(a.verdict, ret->verdict) != ret->verdict)
			*ret = a;
		any = true;
	}
	ret->processes = processes;
	ret->patched = patched;
	if (ret->verdict == VERDICT_NOT_AFFECTED)
		return;
	if (patched && patched < processes) {
		ret->verdict = VERDICT_PARTIAL;
		ret->why = WHY_SOME_PROCESSES;
	} else if (ret->verdict == VERDICT_LIVE_FIXED) {
		ret->why = WHY_ALL_PROCESSES;
	}
}

/* No process has it mapped: nothing can be patched, and what starts next loads what lies on the disk. */
static void of_unused(const struct map_index *x, const struct verdict_host *h,
		      const struct verdict_subject *s, int64_t cve, struct verdict_answer *a)
{
	of_target(x, h, s->target, 0, cve, a);
	if (a->verdict == VERDICT_NOT_AFFECTED)
		return;
	a->verdict = a->fixed_in ? VERDICT_REBOOT_NEEDED : VERDICT_NO_FIX;
	a->why = WHY_NOT_IN_USE;
}

static bool names_it(const struct map_index *x, const struct index_target *t, int64_t cve)
{
	return t && cve && (index_fix(t, cve) || index_fixed_in(x, t, cve));
}

static void of_anything(const struct map_index *x, const struct verdict_host *h, int64_t cve,
			struct verdict_answer *a)
{
	struct verdict_subject libraries = {.about = ABOUT_LIBRARY};

	if (names_it(x, h->kernel, cve)) {
		of_kernel(x, h, cve, a);
		return;
	}
	for (size_t i = 0; i < h->nlibraries && libraries.nuses < VERDICT_USES_MAX; i++)
		if (names_it(x, h->libraries[i].target, cve))
			libraries.uses[libraries.nuses++] = (uint16_t)i;
	if (libraries.nuses)
		of_libraries(x, h, &libraries, cve, a);
	else
		*a = (struct verdict_answer){.verdict = VERDICT_UNKNOWN_TARGET,
					     .why = h->kernel ? WHY_NO_PACKAGE : WHY_NO_KERNEL};
}

void verdict_of(const struct map_index *x, const struct verdict_host *h,
		const struct verdict_subject *s, int64_t cve, struct verdict_answer *ret)
{
	switch (s->about) {
	case ABOUT_KERNEL:
		of_kernel(x, h, cve, ret);
		return;
	case ABOUT_LIBRARY:
		of_libraries(x, h, s, cve, ret);
		return;
	case ABOUT_UNUSED:
		of_unused(x, h, s, cve, ret);
		return;
	case ABOUT_ANYTHING:
		of_anything(x, h, cve, ret);
		return;
	case ABOUT_FIXED:
		break;
	}
	*ret = (struct verdict_answer){.verdict = s->verdict, .why = s->why, .target = s->target};
	if (s->why == WHY_UNREGISTERED && s->target) {
		const struct index_fix *f = cve ? index_fix(s->target, cve) : NULL;

		ret->level = f ? f->level : 0;
		ret->patchset = ret->level ? patchset_of(s->target, ret->level) : NULL;
	}
}

/* --- words --- */

static void with_note(char *buf, size_t size, const char *text, const char *note)
{
	snprintf(buf, size, "%s%s%.300s", text, note && *note ? ": " : "",
		 note && *note ? note : "");
}

static void until_text(int64_t until, char *buf, size_t size)
{
	time_t t = (time_t)until;
	struct tm tm;

	if (!until || !gmtime_r(&t, &tm) || !strftime(buf, size, " until %Y-%m-%d %H:%M UTC", &tm))
		buf[0] = '\0';
}

void verdict_text(const struct verdict_answer *a, char ret[static VERDICT_TEXT_MAX])
{
	const char *patchset = a->patchset ? a->patchset : "a patch";
	const char *version = a->fixed_in ? a->fixed_in : "a newer version";
	const size_t size = VERDICT_TEXT_MAX;
	char until[64];

	ret[0] = '\0';
	switch (a->why) {
	case WHY_ALL_PROCESSES:
		snprintf(ret, size, "All %u processes that use it are patched", a->processes);
		break;
	case WHY_SOME_PROCESSES:
		snprintf(ret, size, "%u of %u processes are patched", a->patched, a->processes);
		break;
	case WHY_IN_PART:
		with_note(ret, size, "The patch that runs closes it in part", a->note);
		break;
	case WHY_READY_IN_PART:
		with_note(ret, size, "The patch that waits closes it in part", a->note);
		break;
	case WHY_FEED:
		snprintf(ret, size,
			 "%.63s closes it, and the feed of this system does not give it yet",
			 patchset);
		break;
	case WHY_HOLD:
		until_text(a->until, until, sizeof(until));
		snprintf(ret, size, "%.63s closes it; the system is on hold%s", patchset, until);
		break;
	case WHY_PIN:
		snprintf(ret, size, "%.63s closes it, and is beyond the pin of this system",
			 patchset);
		break;
	case WHY_REBOOT:
		snprintf(ret, size, "Upgrade the package to %.100s and reboot", version);
		break;
	case WHY_RESTART:
		snprintf(ret, size,
			 "Upgrade the package to %.100s and restart the processes that use it",
			 version);
		break;
	case WHY_NOT_IN_USE:
		snprintf(ret, size, "No process uses it now; upgrade the package%s%.100s",
			 a->fixed_in ? " to " : " when there is a newer one",
			 a->fixed_in ? a->fixed_in : "");
		break;
	case WHY_NOT_RUNNING:
		snprintf(ret, size,
			 "It is of a kernel that is installed and not running "
			 "(installed-not-running)");
		break;
	case WHY_PACKAGE_HAS_IT:
		snprintf(ret, size, "Closed since %.100s, and what runs is not older", version);
		break;
	case WHY_UNREGISTERED:
		snprintf(ret, size,
			 a->level ? "%.63s closes it on this kernel: register the system"
				  : "The portal has not heard of this system: register it%.0s",
			 patchset);
		break;
	case WHY_NO_KERNEL:
		snprintf(ret, size, "The portal has no patches for the kernel that runs");
		break;
	case WHY_NO_LIBRARY:
		snprintf(ret, size, "The portal has no patches for this build of the library");
		break;
	case WHY_OTHER_PACKAGE:
		snprintf(ret, size,
			 "The package is neither a kernel nor a library that is patched");
		break;
	case WHY_NO_PACKAGE:
		snprintf(
			ret, size,
			"The scanner names no package, and no changelog that was read names the CVE");
		break;
	case WHY_NONE:
	case WHYS:
		break;
	}
}
