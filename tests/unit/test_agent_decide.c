// SPDX-License-Identifier: Apache-2.0
/*
 * What is to be done to the kernel, situation by situation, and what must be so in all of them.
 *
 * A situation is a line of words; what is not said is as usual: a registered machine of this build, the repository
 * read and good with the levels 1 to 3 (K1 to K3, made and seen a month ago), policy auto, clock right.
 */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "sutured/decide.h"

#define NOW INT64_C(1795300000) /* 2026-11-21 */
#define DAY INT64_C(86400)
#define LEVELS 9

struct scene {
	struct decide_in in;
	struct choice choice;
	struct agent_policy policy;
	struct decide_level levels[LEVELS];
	struct decide_told_held held[LEVELS];
	char ids[LEVELS + 1][8], paths[LEVELS + 1][64], hashes[LEVELS + 1][65];
	const char *cves[LEVELS + 1][1];
	char cve[LEVELS + 1][32];
	char word[64];
};

static void patch_of(struct scene *s, uint32_t n)
{
	snprintf(s->ids[n], sizeof(s->ids[n]), "K%u", n);
	snprintf(s->paths[n], sizeof(s->paths[n]), "kernel/B/%u/kpatch.bin", n);
	memset(s->hashes[n], '0' + (int)n, 64);
	s->hashes[n][64] = 0;
	snprintf(s->cve[n], sizeof(s->cve[n]), "CVE-2026-%04u", n);
	s->cves[n][0] = s->cve[n];
}

static void set_levels(struct scene *s, const char *list)
{
	s->in.nlevels = 0;
	for (; *list; list++) {
		uint32_t n = (uint32_t)(*list - '0');

		if (n < 1 || n > LEVELS)
			continue;
		s->levels[s->in.nlevels++] = (struct decide_level){
			.id = s->ids[n],
			.level = n,
			.path = s->paths[n],
			.sha256 = s->hashes[n],
			.length = 1000 + n,
			.created = NOW - 30 * DAY,
			.seen = NOW - 30 * DAY,
			.cves = s->cves[n],
			.ncves = 1,
		};
	}
}

static void set_running(struct scene *s, uint32_t n)
{
	if (n) {
		snprintf(s->in.half.patch.id, sizeof(s->in.half.patch.id), "%s", s->ids[n]);
		snprintf(s->in.half.patch.sha256, sizeof(s->in.half.patch.sha256), "%s",
			 s->hashes[n]);
	} else {
		s->in.half.patch.id[0] = s->in.half.patch.sha256[0] = 0;
	}
	s->in.half.patch.level = n;
}

static void set_told(struct scene *s, enum decide_told told, uint32_t n)
{
	s->in.told = told;
	if (told != DECIDE_TOLD_APPLY)
		return;
	s->in.told_level = n;
	s->in.told_id = s->ids[n];
	s->in.told_path = s->paths[n];
	s->in.told_sha256 = s->hashes[n];
	s->in.told_length = 1000 + n;
}

static void scene_init(struct scene *s)
{
	*s = (struct scene){0};
	for (uint32_t n = 1; n <= LEVELS; n++)
		patch_of(s, n);
	s->in.half.known = true;
	snprintf(s->in.half.support, sizeof(s->in.half.support), "supported");
	snprintf(s->in.half.release, sizeof(s->in.half.release), "6.1.0-47-cloud-amd64");
	s->in.choice = &s->choice;
	s->in.policy = &s->policy;
	s->in.registered = s->in.repository_set = true;
	s->in.trouble = "";
	s->in.heard = NOW - 60;
	s->in.grace_s = 7 * DAY;
	s->in.held = s->held;
	s->in.repository = DECIDE_REPO_GOOD;
	s->in.levels = s->levels;
	s->in.now = NOW;
	set_levels(s, "123");
}

static struct decide_level *level_of(struct scene *s, uint32_t n)
{
	for (size_t i = 0; i < s->in.nlevels; i++)
		if (s->levels[i].level == n)
			return &s->levels[i];
	fail_msg("no level %u in this scene", n);
	return NULL;
}

static void quarantine(struct scene *s, uint32_t n)
{
	struct decide_half *h = &s->in.half;

	memcpy(h->quarantined[h->nquarantined].id, s->ids[n], sizeof(s->ids[n]));
	memcpy(h->quarantined[h->nquarantined].sha256, s->hashes[n], sizeof(s->hashes[n]));
	h->quarantined[h->nquarantined++].level = n;
}

static void set_mode(struct scene *s, enum decide_switch mode, const char *by)
{
	s->in.half.mode = mode;
	snprintf(s->in.half.mode_by, sizeof(s->in.half.mode_by), "%s", by);
}

/* One word of a situation. */
static void word(struct scene *s, const char *w)
{
	const char *v = strchr(w, '=') ? strchr(w, '=') + 1 : "";
	uint32_t n = (uint32_t)strtoul(v, NULL, 10);
	long long t = strtoll(v, NULL, 10);
	const char *colon = strchr(v, ':');
	const char *behind = colon ? colon + 1 : "";
	struct decide_in *in = &s->in;

#define W(name) (!strncmp(w, name, strlen(name)) && (w[strlen(name)] == '=' || !w[strlen(name)]))
	if (W("run"))
		set_running(s, n);
	else if (W("repo"))
		set_levels(s, v);
	else if (W("apply"))
		set_told(s, DECIDE_TOLD_APPLY, n);
	else if (W("keep"))
		set_told(s, DECIDE_TOLD_KEEP, 0);
	else if (W("kept")) /* what was told to be kept */
		in->told_level = n, in->told_id = s->ids[n];
	else if (W("none"))
		set_told(s, DECIDE_TOLD_NONE, 0);
	else if (W("unload"))
		set_told(s, DECIDE_TOLD_UNLOAD, 0);
	else if (W("differs-hash"))
		in->told_sha256 = s->hashes[9];
	else if (W("differs-length"))
		in->told_length++;
	else if (W("differs-level"))
		in->told_level--;
	else if (W("differs-id"))
		in->told_id = "K20991231_01";
	else if (W("alone"))
		in->registered = false;
	else if (W("nowhere"))
		in->registered = in->repository_set = false;
	else if (W("half-silent"))
		in->half.known = false;
	else if (W("hold"))
		s->choice.hold = true;
	else if (W("hold-for"))
		s->choice.hold = true, s->choice.hold_until = NOW + t;
	else if (W("no-apply"))
		set_mode(s, DECIDE_SWITCH_NO_APPLY, v);
	else if (W("off"))
		set_mode(s, DECIDE_SWITCH_OFF, v);
	else if (W("pin"))
		s->choice.pin = CHOICE_PIN_LEVEL, s->choice.pin_level = n;
	else if (W("pin-id"))
		s->choice.pin = CHOICE_PIN_PATCHSET,
		snprintf(s->choice.pin_patchset, sizeof(s->choice.pin_patchset), "%s", v);
	else if (W("pin-date"))
		s->choice.pin = CHOICE_PIN_DATE,
		snprintf(s->choice.pin_date, sizeof(s->choice.pin_date), "%s", v);
	else if (W("sticky"))
		s->policy.sticky_level = n;
	else if (W("sticky-date"))
		snprintf(s->policy.sticky_date, sizeof(s->policy.sticky_date), "%s", v);
	else if (W("manual"))
		s->policy.update = AGENT_UPDATE_MANUAL;
	else if (W("window")) /* closed for so long; open */
		s->policy.update = AGENT_UPDATE_WINDOW, in->window_open = !*v,
		in->window_opens = *v ? NOW + t : 0;
	else if (W("delay"))
		s->policy.delay_s = t;
	else if (W("seen")) /* LEVEL:SECONDS from now */
		level_of(s, n)->seen = NOW + strtoll(behind, NULL, 10);
	else if (W("made"))
		level_of(s, n)->created = NOW + strtoll(behind, NULL, 10);
	else if (W("unsaid"))
		level_of(s, n)->created = 0;
	else if (W("quarantined"))
		quarantine(s, n);
	else if (W("held")) { /* LEVEL:REASON */
		snprintf(s->word, sizeof(s->word), "%s", behind);
		s->held[in->nheld++] = (struct decide_told_held){
			s->ids[n], n, s->word, "because", NOW + DAY, s->cves[n], 1};
	} else if (W("stop"))
		in->stop = sut_streq(v, "unload") ? DECIDE_STOP_UNLOAD : DECIDE_STOP_HALT;
	else if (W("repo-never"))
		in->repository = DECIDE_REPO_NEVER, in->nlevels = 0;
	else if (W("repo-expired"))
		in->repository = DECIDE_REPO_EXPIRED;
	else if (W("check"))
		snprintf(s->word, sizeof(s->word), "%s", v), in->check_code = s->word,
							     in->check_text = "it said so";
	else if (W("clock"))
		in->clock = NOW + t;
	else if (W("floor"))
		in->floor = NOW + t;
	else if (W("heard"))
		in->heard = NOW + t;
	else if (W("trouble"))
		in->trouble = *v ? v : "cloned";
	else if (W("broken"))
		snprintf(in->half.broken, sizeof(in->half.broken), "%s", v),
			snprintf(in->half.broken_text, sizeof(in->half.broken_text), "unreadable");
	else if (W("unloaded"))
		in->half.unloaded = true;
	else if (W("by-us"))
		in->unloaded_by_us = true;
	else if (W("engine"))
		in->half.engine = sut_streq(v, "missing")   ? DECIDE_ENGINE_MISSING
				  : sut_streq(v, "refused") ? DECIDE_ENGINE_REFUSED
							    : DECIDE_ENGINE_AVAILABLE;
	else if (W("support"))
		snprintf(in->half.support, sizeof(in->half.support), "%s", v);
	else if (W("residue"))
		in->half.residue = true;
	else if (W("by-hand"))
		in->half.patch.sha256[0] = 0;
	else if (W("failed")) /* LEVEL:CODE */
		snprintf(s->word, sizeof(s->word), "%s", behind), in->failed_sha256 = s->hashes[n],
								  in->failed_code = s->word,
								  in->failed_text = "it said so";
	else if (W("retry"))
		in->retry_s = t;
	else if (W("root"))
		in->asks = DECIDE_ASKS_ROOT;
	else if (W("force"))
		in->asks = DECIDE_ASKS_FORCE;
	else if (W("to"))
		in->ask_level = n;
	else if (W("to-id"))
		in->ask_id = s->ids[n];
	else if (W("near"))
		in->near = "6.1.0-48-cloud-amd64";
	else
		fail_msg("what is \"%s\"?", w);
#undef W
}

static void scene_of(struct scene *s, const char *words)
{
	char buf[256];
	char *save = NULL;

	scene_init(s);
	snprintf(buf, sizeof(buf), "%s", words);
	for (char *w = strtok_r(buf, " ", &save); w; w = strtok_r(NULL, " ", &save))
		word(s, w);
}

static const char *describe(const struct decide_out *o, char *buf, size_t size)
{
	if (o->action == DECIDE_APPLY)
		snprintf(buf, size, "%s %u%s | %s | %s", o->down ? "down" : "apply",
			 o->target->level, o->engine ? " engine" : "", o->state,
			 o->nreasons ? o->reasons[0].code : "");
	else
		snprintf(buf, size, "%s%s%s | %s | %s", decide_action_word(o->action),
			 o->unload_by ? " " : "", o->unload_by ? o->unload_by : "", o->state,
			 o->nreasons ? o->reasons[0].code : "");
	return buf;
}

/* The situation | what is done | state | the first reason */
static const char *const table[][2] = {
	/* What the portal tells. */
	{"apply=3", "apply 3 | pending | current"},
	{"run=2 apply=3", "apply 3 | pending | current"},
	{"run=3 apply=3", "none | current | current"},
	{"run=3 keep", "none | current | current"},
	{"none repo=", "none | current | no-patch"},
	{"none repo= near", "none | current | no-patch"},
	{"none", "none | current | portal-held"},
	{"run=2 keep", "none | current | portal-held"},
	{"run=2 keep held=3:delay", "none | current | portal-held"},
	{"run=2 keep held=3:withdrawn", "none | current | portal-held"},
	{"run=3 apply=2", "down 2 | pending | current"},
	{"run=3 apply=2 held=3:withdrawn", "down 2 | pending | portal-held"},
	{"run=3 unload", "unload portal | pending | current"},
	{"unload repo=", "none | current | no-patch"},
	{"run=3 by-hand apply=3", "none | current | current"},
	{"run=3 by-hand apply=2", "down 2 | pending | current"},
	{"apply=3 repo=12", "none | pending | not-in-repository"},
	{"run=3 apply=3 repo=12", "none | current | current"},
	{"apply=3 differs-hash", "none | failed | portal-differs"},
	{"apply=3 differs-length", "none | failed | portal-differs"},
	{"apply=3 differs-level", "none | failed | portal-differs"},
	{"apply=3 differs-id", "none | failed | portal-differs"},
	{"run=2 apply=3 differs-hash", "none | failed | portal-differs"},
	{"", "none | unknown | portal-silent"},
	{"run=2", "none | unknown | portal-silent"},
	{"nowhere", "none | not-registered | not-registered"},
	{"nowhere run=2", "none | not-registered | not-registered"},
	/* A portal that is silent, or does not know us. */
	{"apply=3 heard=-518400", "apply 3 | pending | current"},
	{"apply=3 heard=-691200", "none | held | portal-silent"},
	{"run=3 keep heard=-691200", "none | current | portal-silent"},
	{"run=3 apply=3 heard=-691200", "none | current | portal-silent"},
	{"apply=3 heard=864000", "apply 3 | pending | current"},
	{"apply=3 trouble", "none | held | portal-refused"},
	{"run=3 keep trouble", "none | current | portal-refused"},
	/* What the root half cannot read keeps everything back, and is told also when nothing is to be done. */
	{"apply=3 broken=guard", "none | failed | guard"},
	{"run=3 keep broken=guard", "none | failed | guard"},
	{"apply=3 no-apply=choice broken=choice", "none | failed | choice"},
	{"apply=3 broken=guard force", "none | failed | guard"},
	/* Without a portal. */
	{"alone", "apply 3 | pending | current"},
	{"alone run=3", "none | current | current"},
	{"alone run=3 repo=12", "none | current | current"},
	{"alone repo=", "none | current | no-patch"},
	{"alone quarantined=3", "apply 2 | pending | quarantined"},
	{"alone run=2 quarantined=3", "none | quarantined | quarantined"},
	{"alone delay=86400 seen=3:-60 made=3:-60", "apply 2 | pending | delay"},
	{"alone run=2 delay=86400 seen=3:-60 made=3:-60", "none | held | delay"},
	{"alone run=2 delay=86400 seen=3:-90000 made=3:-90000", "apply 3 | pending | current"},
	{"alone pin=2", "apply 2 | pending | pin"},
	{"alone run=2 pin=2", "none | held | pin"},
	{"alone run=3 pin=2", "down 2 | pending | current"},
	{"alone run=3 pin=2 repo=3", "none | current | pin"},
	{"alone pin-id=K1", "apply 1 | pending | pin"},
	{"alone sticky=2", "apply 2 | pending | sticky"},
	{"alone run=3 sticky=2", "none | current | current"},
	{"alone repo-never", "none | unknown | repository-silent"},
	{"alone repo-expired", "none | pending | metadata-expired"},
	/* Root's word. */
	{"apply=3 hold", "none | held | hold"},
	{"run=3 unload hold", "none | held | hold"},
	{"run=3 apply=2 hold", "none | held | hold"},
	{"run=3 keep hold", "none | current | hold"},
	{"apply=3 hold-for=3600", "none | held | hold"},
	{"apply=3 hold-for=-3600", "apply 3 | pending | current"},
	{"apply=3 pin=2", "apply 2 | pending | pin"},
	{"run=2 apply=3 pin=2", "none | held | pin"},
	{"run=3 keep pin=2", "down 2 | pending | current"},
	{"run=3 apply=3 pin=2", "down 2 | pending | current"},
	{"run=2 keep kept=3 pin=2", "none | held | pin"},
	{"run=3 keep kept=3 pin=2", "down 2 | pending | current"},
	{"run=3 keep kept=3", "none | current | current"},
	{"keep kept=3", "apply 3 | pending | current"},
	{"run=2 keep kept=3", "apply 3 | pending | current"},
	{"run=2 keep kept=3 quarantined=3", "none | quarantined | quarantined"},
	{"keep kept=3 unloaded", "none | held | unloaded"},
	{"keep kept=3 repo=12", "none | current | portal-held"},
	{"run=2 keep kept=3 root to=3", "apply 3 | pending | current"},
	{"apply=3 pin=2 repo=13", "none | held | pin"},
	{"apply=3 pin=2 quarantined=2", "none | held | pin"},
	{"run=1 apply=3 pin=2 held=2:withdrawn", "none | held | pin"},
	{"apply=3 pin-id=K3", "apply 3 | pending | current"},
	{"apply=3 pin-id=K2", "apply 2 | pending | pin"},
	{"apply=3 pin-id=K8", "none | held | pin"},
	{"apply=3 pin-date=2026-11-01", "apply 3 | pending | current"},
	{"apply=3 pin-date=2026-11-01 made=3:-86400", "none | held | pin"},
	{"apply=3 pin-date=2026-11-01 unsaid=3 seen=3:-86400", "none | held | pin"},
	{"run=5 repo=12345 apply=3 pin=2", "down 2 | pending | pin"},
	{"run=5 repo=1345 apply=3 pin=2", "none | held | pin"},
	{"run=2 keep pin-id=K3", "none | current | portal-held"},
	{"apply=2 pin-id=K3", "none | held | pin"},
	{"run=3 keep pin-id=K2", "down 2 | pending | current"},
	{"apply=3 no-apply=choice", "none | held | no-apply"},
	{"apply=3 no-apply=cmdline", "none | held | no-apply"},
	{"run=3 keep no-apply=choice", "none | current | no-apply"},
	{"apply=3 off=cmdline", "none | off | off-cmdline"},
	{"apply=3 off=file", "none | off | off-file"},
	{"apply=3 off=choice", "none | off | off-mode"},
	{"run=3 unload off=file", "none | off | off-file"},
	{"run=2 apply=3 unloaded", "none | held | unloaded"},
	{"apply=3 unloaded", "none | held | unloaded"},
	{"apply=3 unloaded by-us", "apply 3 | pending | current"},
	{"apply=3 unloaded root", "apply 3 | pending | current"},
	/* Policy. */
	{"apply=3 manual", "none | held | manual"},
	{"run=3 unload manual", "none | held | manual"},
	{"run=3 keep manual", "none | current | current"},
	{"apply=3 window=3600", "none | held | window"},
	{"apply=3 window", "apply 3 | pending | current"},
	{"run=3 unload window=3600", "none | held | window"},
	{"run=3 unload window", "unload portal | pending | current"},
	{"apply=3 sticky=2", "none | held | sticky"},
	{"apply=3 sticky-date=2026-11-20", "apply 3 | pending | current"},
	{"apply=3 sticky-date=2026-11-20 made=3:0", "none | held | sticky"},
	{"run=5 repo=12345 apply=3 sticky=2", "down 3 | pending | current"},
	{"apply=3 delay=86400 seen=3:-60 made=3:-60", "none | held | delay"},
	{"run=5 repo=12345 apply=3 delay=86400 seen=3:-60 made=3:-60",
	 "down 3 | pending | current"},
	/* Who asks. */
	{"apply=3 manual root", "apply 3 | pending | current"},
	{"run=3 unload manual root", "unload portal | pending | current"},
	{"apply=3 window=3600 root", "apply 3 | pending | current"},
	{"apply=3 delay=86400 seen=3:-60 made=3:-60 root", "apply 3 | pending | current"},
	{"apply=3 sticky=2 root", "none | held | sticky"},
	{"apply=3 sticky=2 root to=3", "apply 3 | pending | current"},
	{"apply=3 hold root", "none | held | hold"},
	{"apply=3 hold force", "apply 3 | pending | current"},
	{"apply=3 pin=2 force", "apply 3 | pending | current"},
	{"apply=3 no-apply=choice root", "none | held | no-apply"},
	{"apply=3 no-apply=choice force", "apply 3 | pending | current"},
	{"apply=3 off=choice force", "none | off | off-mode"},
	{"apply=3 quarantined=3 force", "none | quarantined | quarantined"},
	{"apply=3 stop=halt force", "none | held | stop-flag"},
	{"run=3 keep root to=2", "down 2 | pending | current"},
	{"run=2 keep root to=3", "none | held | portal-held"},
	{"run=2 keep held=3:withdrawn root to=3", "none | held | portal-held"},
	{"run=2 keep held=3:withdrawn force to=3", "apply 3 | pending | current"},
	{"run=2 keep root to-id=1", "down 1 | pending | portal-held"},
	{"run=2 keep root to=8", "none | pending | not-in-repository"},
	{"run=2 keep root to=2", "none | current | portal-held"},
	{"apply=3 heard=-691200 root to=2", "apply 2 | pending | portal-silent"},
	/* The stop flag. */
	{"apply=3 stop=halt", "none | held | stop-flag"},
	{"run=3 keep stop=halt", "none | current | stop-flag"},
	{"run=3 unload stop=halt", "none | held | stop-flag"},
	{"run=3 keep stop=unload", "unload stop-flag | pending | stop-flag"},
	{"run=3 keep stop=unload hold manual", "unload stop-flag | pending | stop-flag"},
	{"run=3 keep stop=unload off=file", "none | off | off-file"},
	{"run=3 keep stop=unload residue", "none | reboot-needed | reboot-needed"},
	{"apply=3 stop=unload", "none | held | stop-flag"},
	/* What did harm here. */
	{"apply=3 quarantined=3", "none | quarantined | quarantined"},
	{"run=2 keep quarantined=3", "none | quarantined | quarantined"},
	{"run=3 keep quarantined=2", "none | current | current"},
	{"run=2 apply=4 repo=1234 quarantined=3", "apply 4 | pending | quarantined"},
	/* This machine. */
	{"apply=3 half-silent", "none | unknown | root-half"},
	{"apply=3 support=container", "none | unsupported | container"},
	{"apply=3 support=arch", "none | unsupported | arch"},
	{"apply=3 support=foreign", "none | unsupported | foreign"},
	{"run=3 keep stop=unload support=foreign", "none | unsupported | foreign"},
	{"apply=3 residue", "none | reboot-needed | reboot-needed"},
	{"apply=3 engine=available", "apply 3 | pending | current"},
	{"apply=3 engine=missing", "apply 3 engine | pending | current"},
	{"apply=3 engine=refused", "none | failed | engine-refused"},
	{"apply=3 engine=refused root", "apply 3 engine | pending | current"},
	/* What failed before. */
	{"apply=3 failed=3:conflict retry=900", "none | failed | conflict"},
	{"apply=3 failed=3:busy retry=900", "none | pending | busy"},
	{"apply=3 failed=3:disk-full retry=900", "none | failed | disk-full"},
	{"apply=3 failed=3:conflict retry=0", "apply 3 | pending | conflict"},
	{"apply=3 failed=2:conflict retry=900", "apply 3 | pending | current"},
	{"apply=3 failed=3:conflict retry=900 root", "apply 3 | pending | conflict"},
	/* The repository, and the clock. */
	{"apply=3 repo-never", "none | pending | repository-silent"},
	{"apply=3 repo-never check=timeout", "none | pending | repository-silent"},
	{"apply=3 repo-never check=signatures", "none | pending | repository-refused"},
	{"apply=3 check=timeout", "apply 3 | pending | repository-silent"},
	{"run=3 keep check=rollback", "none | current | repository-refused"},
	{"apply=3 repo-expired", "none | pending | metadata-expired"},
	{"run=3 keep repo-expired", "none | current | metadata-expired"},
	{"apply=3 repo-expired clock=-94608000", "none | pending | clock"},
	{"apply=3 repo-expired clock=60", "none | pending | metadata-expired"},
	{"apply=3 repo-expired clock=94608000", "none | pending | clock"},
	{"apply=3 floor=94608000", "apply 3 | pending | clock"},
	{"run=3 keep repo-expired clock=-94608000", "none | current | clock"},
	{"apply=3 delay=86400 seen=3:94608000 made=3:-60", "none | held | delay"},
	{"apply=3 delay=86400 seen=3:-94608000 made=3:-60", "none | held | delay"},
	{"apply=3 delay=86400 seen=3:-94608000 made=3:94608000", "none | held | delay"},
};

static void each_situation_has_its_answer(void **state)
{
	static struct scene s;
	static struct decide_out out;
	char buf[256];
	int wrong = 0;

	(void)state;
	assert_true(SUT_ARRAY_SIZE(table) >= 60);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(table); i++) {
		scene_of(&s, table[i][0]);
		decide(&s.in, &out);
		if (sut_streq(describe(&out, buf, sizeof(buf)), table[i][1]))
			continue;
		print_error("\"%s\": %s, not %s\n", table[i][0], buf, table[i][1]);
		wrong++;
	}
	assert_int_equal(wrong, 0);
}

static const struct decide_reason *reason_of(const struct decide_out *o, const char *code)
{
	for (size_t i = 0; i < o->nreasons; i++)
		if (sut_streq(o->reasons[i].code, code))
			return &o->reasons[i];
	return NULL;
}

static void every_reason_is_told_not_only_the_first(void **state)
{
	static struct scene s;
	static struct decide_out out;

	(void)state;
	scene_of(&s, "run=2 apply=3 manual hold stop=halt quarantined=3 unloaded held=4:delay");
	decide(&s.in, &out);
	assert_non_null(reason_of(&out, "stop-flag"));
	assert_non_null(reason_of(&out, "hold"));
	assert_non_null(reason_of(&out, "manual"));
	assert_non_null(reason_of(&out, "quarantined"));
	assert_non_null(reason_of(&out, "unloaded"));
	assert_non_null(reason_of(&out, "portal-held"));
	assert_true(reason_of(&out, "hold")->blocks);
	assert_false(reason_of(&out, "portal-held")->blocks);
	assert_string_equal(reason_of(&out, "portal-held")->cves[0], "CVE-2026-0004");
	assert_int_equal(reason_of(&out, "portal-held")->until, NOW + DAY);
	assert_string_equal(reason_of(&out, "manual")->cves[0], "CVE-2026-0003");
}

static void the_next_moment_of_interest_is_told(void **state)
{
	static struct scene s;
	static struct decide_out out;

	(void)state;
	scene_of(&s, "apply=3 window=3600 delay=86400 seen=3:-86000 made=3:-86000");
	decide(&s.in, &out);
	assert_int_equal(out.again_s, 400);
	assert_int_equal(reason_of(&out, "delay")->until, NOW + 400);
	assert_int_equal(reason_of(&out, "window")->until, NOW + 3600);
	scene_of(&s, "apply=3 failed=3:busy retry=70");
	decide(&s.in, &out);
	assert_int_equal(out.again_s, 70);
	scene_of(&s, "run=3 keep");
	decide(&s.in, &out);
	assert_int_equal(out.again_s, 0);
}

static void words_of_others_do_not_reach_the_terminal_as_they_are(void **state)
{
	static struct scene s;
	static struct decide_out out;

	(void)state;
	scene_of(&s, "run=3 keep stop=halt");
	s.in.stop_reason = "\033[2Jgone\n<6>a line";
	decide(&s.in, &out);
	assert_null(strchr(out.reasons[0].text, '\033'));
	assert_null(strchr(out.reasons[0].text, '\n'));
	assert_non_null(strstr(out.reasons[0].text, "gone"));
}

/* ------------------------------------------------------------------ */
/* Properties, over situations that are drawn                           */

static uint64_t dice = 88172645463325252ULL;

static uint64_t draw(uint64_t n)
{
	dice ^= dice << 13;
	dice ^= dice >> 7;
	dice ^= dice << 17;
	return dice % n;
}

static int64_t draw_time(void)
{
	static const int64_t odd[] = {INT64_MIN, INT64_MAX, 0, 1, -1, NOW, NOW - DAY, NOW + DAY};

	return draw(4) ? NOW + (int64_t)draw(80 * DAY) - 40 * DAY : odd[draw(SUT_ARRAY_SIZE(odd))];
}

static void draw_scene(struct scene *s)
{
	static const char *const words[] = {
		"hold",
		"hold-for=60",
		"no-apply=choice",
		"off=file",
		"off=cmdline",
		"off=choice",
		"pin=1",
		"pin=2",
		"pin=4",
		"pin-id=K2",
		"pin-id=K8",
		"pin-date=2026-11-01",
		"sticky=2",
		"sticky=4",
		"sticky-date=2026-10-30",
		"manual",
		"window",
		"window=600",
		"delay=86400",
		"delay=864000",
		"quarantined=3",
		"quarantined=5",
		"quarantined=1",
		"held=4:delay",
		"held=3:withdrawn",
		"stop=halt",
		"stop=unload",
		"repo-expired",
		"repo-never",
		"check=timeout",
		"clock=-9999999",
		"floor=9999999",
		"heard=-9999999",
		"trouble",
		"unloaded",
		"by-us",
		"engine=missing",
		"engine=refused",
		"support=container",
		"residue",
		"by-hand",
		"failed=3:conflict",
		"failed=4:busy",
		"retry=900",
		"root",
		"force",
		"to=2",
		"to=4",
		"to-id=3",
		"alone",
		"nowhere",
		"half-silent",
		"differs-hash",
		"differs-level",
		"repo=2345",
		"repo=1",
	};
	static const enum decide_told tolds[] = {DECIDE_TOLD_NOTHING, DECIDE_TOLD_NONE,
						 DECIDE_TOLD_KEEP,    DECIDE_TOLD_APPLY,
						 DECIDE_TOLD_APPLY,   DECIDE_TOLD_UNLOAD};

	scene_init(s);
	set_levels(s, "12345");
	set_running(s, (uint32_t)draw(6));
	set_told(s, tolds[draw(SUT_ARRAY_SIZE(tolds))], 1 + (uint32_t)draw(6));
	for (uint64_t n = draw(7); n > 0; n--)
		word(s, words[draw(SUT_ARRAY_SIZE(words))]);
	for (size_t i = 0; i < s->in.nlevels; i++) {
		if (!draw(2))
			s->levels[i].seen = draw_time();
		if (!draw(3))
			s->levels[i].created = draw_time();
	}
	if (!draw(5))
		s->in.now = draw_time();
	if (!draw(6))
		s->in.heard = draw_time();
	if (!draw(9))
		s->in.clock = draw_time();
	if (!draw(9))
		s->choice.hold_until = draw_time();
	if (!draw(9))
		s->in.window_opens = draw_time();
	if (!draw(9))
		s->in.retry_s = draw_time();
}

static bool is_held(const struct scene *s)
{
	return s->choice.hold && (!s->choice.hold_until || s->in.now < s->choice.hold_until);
}

/* The number of the first promise that is broken; 0: none. */
static int broken(const struct scene *s, const struct decide_out *o)
{
	const struct decide_in *in = &s->in;
	uint32_t running = in->half.patch.id[0] ? in->half.patch.level : 0;
	bool force = in->asks == DECIDE_ASKS_FORCE;
	const struct decide_level *t = o->target;

	if ((o->action == DECIDE_APPLY) != (t != NULL) ||
	    (o->action == DECIDE_UNLOAD) != (o->unload_by != NULL))
		return 1;
	if (!o->nreasons || !o->state[0] || o->again_s < 0)
		return 2;
	if (o->action == DECIDE_NONE)
		return 0;
	/* Never anything on a machine that is off, unknown, unsupported, or needs a reboot. */
	if (!in->half.known || in->half.mode == DECIDE_SWITCH_OFF || in->half.residue ||
	    !sut_streq(in->half.support, "supported"))
		return 3;
	if (o->action == DECIDE_UNLOAD) {
		if (!running)
			return 4;
		if (in->stop == DECIDE_STOP_UNLOAD)
			return 0;
		if (!in->registered || in->told != DECIDE_TOLD_UNLOAD || in->stop)
			return 5;
		if (!force && (is_held(s) || in->half.mode == DECIDE_SWITCH_NO_APPLY))
			return 6;
		return 0;
	}
	for (size_t i = 0; i < in->half.nquarantined; i++)
		if (sut_streq(in->half.quarantined[i].sha256, t->sha256))
			return 7;
	if (in->stop)
		return 8;
	if (in->repository != DECIDE_REPO_GOOD)
		return 9;
	if (!force && (is_held(s) || in->half.mode == DECIDE_SWITCH_NO_APPLY))
		return 10;
	if (!force) {
		if (s->choice.pin == CHOICE_PIN_LEVEL && t->level > s->choice.pin_level)
			return 11;
		if (s->choice.pin == CHOICE_PIN_PATCHSET &&
		    !sut_streq(s->choice.pin_patchset, t->id))
			return 12;
		if (t->level > running && s->policy.sticky_level &&
		    t->level > s->policy.sticky_level && !in->ask_level && !in->ask_id)
			return 13;
	}
	if (in->asks == DECIDE_ASKS_NOBODY) {
		if (s->policy.update == AGENT_UPDATE_MANUAL ||
		    (s->policy.update == AGENT_UPDATE_WINDOW && !in->window_open))
			return 14;
		if (in->half.unloaded && !in->unloaded_by_us)
			return 15;
		/* The delay, whatever the clock was when the patch was seen. */
		if (t->level > running && s->policy.delay_s &&
		    (t->created > in->now - s->policy.delay_s ||
		     t->seen > in->now - s->policy.delay_s))
			return 16;
		/* With a portal: what it told, or what root pinned. */
		if (in->registered &&
		    !((in->told == DECIDE_TOLD_APPLY || in->told == DECIDE_TOLD_KEEP) &&
		      t->level == in->told_level) &&
		    !(s->choice.pin == CHOICE_PIN_LEVEL && t->level == s->choice.pin_level) &&
		    !(s->choice.pin == CHOICE_PIN_PATCHSET &&
		      sut_streq(t->id, s->choice.pin_patchset)))
			return 17;
		if (in->registered && in->heard > 0 && in->heard < in->now &&
		    in->now - in->heard > in->grace_s)
			return 18;
		if (in->registered && in->told == DECIDE_TOLD_APPLY && t->level == in->told_level &&
		    (!sut_streq(t->sha256, in->told_sha256) || t->length != in->told_length))
			return 19;
		/* Down: only by the portal's word, or by a pin. */
		if (t->level < running && !in->registered && s->choice.pin == CHOICE_PIN_NONE)
			return 20;
	}
	if (o->down != (running && t->level <= running))
		return 21;
	return 0;
}

static void nothing_leads_to_what_must_not_be(void **state)
{
	static struct scene s;
	static struct decide_out out;
	char buf[256];
	int applied = 0, unloaded = 0;

	(void)state;
	for (int i = 0; i < 200000; i++) {
		int b;

		draw_scene(&s);
		decide(&s.in, &out);
		applied += out.action == DECIDE_APPLY;
		unloaded += out.action == DECIDE_UNLOAD;
		b = broken(&s, &out);
		if (b)
			fail_msg("draw %d: promise %d: %s", i, b, describe(&out, buf, sizeof(buf)));
	}
	/* The search has to reach what it is about. */
	assert_true(applied > 10000);
	assert_true(unloaded > 1000);
}

static void what_was_done_is_not_done_again_or_undone(void **state)
{
	static struct scene s;
	static struct decide_out out;
	char buf[256];

	(void)state;
	for (int i = 0; i < 100000; i++) {
		draw_scene(&s);
		decide(&s.in, &out);
		if (out.action == DECIDE_NONE)
			continue;
		set_running(&s, out.action == DECIDE_APPLY ? out.target->level : 0);
		s.in.half.unloaded = out.action == DECIDE_UNLOAD;
		s.in.unloaded_by_us = s.in.half.unloaded;
		decide(&s.in, &out);
		/* After the stop flag took it out, the portal's word is still there, and is not obeyed. */
		if (out.action != DECIDE_NONE)
			fail_msg("draw %d: and then: %s", i, describe(&out, buf, sizeof(buf)));
	}
}

static void a_portal_that_falls_silent_changes_nothing(void **state)
{
	static struct scene s;
	static struct decide_out before, after;

	(void)state;
	for (int i = 0; i < 50000; i++) {
		draw_scene(&s);
		s.in.now = NOW;
		s.in.heard = NOW - 60;
		decide(&s.in, &before);
		s.in.heard = NOW - (int64_t)draw(7 * DAY);
		decide(&s.in, &after);
		assert_int_equal(before.action, after.action);
		assert_ptr_equal(before.target, after.target);
		/* Beyond the grace: the same, or nothing. */
		s.in.heard = NOW - 7 * DAY - 1 - (int64_t)draw(1000 * DAY);
		decide(&s.in, &after);
		if (after.action != DECIDE_NONE) {
			assert_int_equal(before.action, after.action);
			assert_ptr_equal(before.target, after.target);
		}
	}
}

static void the_order_of_the_repository_does_not_matter(void **state)
{
	static struct scene s;
	static struct decide_out a, b;

	(void)state;
	for (int i = 0; i < 50000; i++) {
		struct decide_level l;
		uint32_t level;
		size_t x, y;

		draw_scene(&s);
		decide(&s.in, &a);
		level = a.target ? a.target->level : 0;
		if (!s.in.nlevels)
			continue;
		x = draw(s.in.nlevels);
		y = draw(s.in.nlevels);
		l = s.levels[x];
		s.levels[x] = s.levels[y];
		s.levels[y] = l;
		decide(&s.in, &b);
		assert_int_equal(a.action, b.action);
		assert_int_equal(level, b.target ? b.target->level : 0);
		assert_string_equal(a.state, b.state);
		assert_string_equal(a.reasons[0].code, b.reasons[0].code);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_situation_has_its_answer),
		cmocka_unit_test(every_reason_is_told_not_only_the_first),
		cmocka_unit_test(the_next_moment_of_interest_is_told),
		cmocka_unit_test(words_of_others_do_not_reach_the_terminal_as_they_are),
		cmocka_unit_test(nothing_leads_to_what_must_not_be),
		cmocka_unit_test(what_was_done_is_not_done_again_or_undone),
		cmocka_unit_test(a_portal_that_falls_silent_changes_nothing),
		cmocka_unit_test(the_order_of_the_repository_does_not_matter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
