// SPDX-License-Identifier: Apache-2.0
/*
 * Thousands of random histories of a machine: patches are applied, fail, stand their probation or do not, processes are
 * killed between the guard and the kernel, the machine crashes, is shut down in order, boots. A model that
 * knows only the promises (not the rules) watches:
 *
 *   what runs in the kernel, a durable guard names;
 *   what a boot applies stood a probation, is the last one that did, and is not quarantined;
 *   what never stood one and went down with the machine is never applied again by itself;
 *   the third unclean end of a good one without a probation stood in between quarantines it, no earlier one does;
 *   an orderly end blames nobody;
 *   so a patch that always crashes takes the machine down at most once, a good one that begins to at most three times.
 */
#include "unit.h"

#include <string.h>

#include "base/str.h"
#include "suture-apply/guard.h"

enum { PATCHES = 5, NONE = -1, HISTORIES = 1200, EVENTS = 80 };

struct world {
	uint64_t seed;
	/* What there is. */
	struct guard disk; /* the guard as it was last written, and would be read */
	int runs;	   /* in the kernel */
	unsigned int boot;
	int64_t uptime;
	bool ended_clean;
	bool deadly[PATCHES]; /* takes the machine down whenever it runs */
	/* What was promised. */
	int good;
	bool unloaded;
	bool stood[PATCHES];	       /* ever, since it was last quarantined */
	bool banned[PATCHES];	       /* must be quarantined */
	unsigned int unclean[PATCHES]; /* ends since it last stood */
	unsigned int downs[PATCHES];   /* machines taken down since it was released */
	int at_risk[2];		       /* in danger by what the guard says at this moment */
};

static uint32_t chance(struct world *w, uint32_t n)
{
	w->seed = w->seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(w->seed >> 33) % n;
}

static struct guard_patch patch(int i)
{
	struct guard_patch p = {.level = (uint32_t)i + 1};

	snprintf(p.id, sizeof(p.id), "K%d", i);
	memset(p.sha256, '0' + i, SUT_SHA256_HEX - 1);
	return p;
}

static int number_of(const struct guard_patch *p)
{
	return p->id[0] ? p->id[1] - '0' : NONE;
}

static const char *boot_id(const struct world *w)
{
	static char id[37];

	snprintf(id, sizeof(id), "%08x-0000-4000-8000-000000000000", w->boot);
	return id;
}

static void load(const struct world *w, struct guard *g)
{
	*g = w->disk;
}

static void save(struct world *w, const struct guard *g)
{
	json_t *j = guard_json(g);
	_cleanup_(sut_freep) char *text = json_dumps(j, JSON_COMPACT);
	struct sut_err err = {0};

	json_decref(j);
	assert_ok(guard_parse(text, strlen(text), &w->disk, &err), err);
}

/* What runs in the kernel, the guard on the disk names. */
static void check(const struct world *w)
{
	const struct guard *g = &w->disk;

	if (w->runs != NONE)
		assert_true(w->runs == number_of(&g->now) || w->runs == number_of(&g->before) ||
			    w->runs == number_of(&g->good));
	for (int i = 0; i < PATCHES; i++) {
		struct guard_patch p = patch(i);

		assert_int_equal(guard_is_quarantined(g, p.sha256), w->banned[i]);
	}
	assert_int_equal(number_of(&g->good), w->good);
}

static void ban(struct world *w, int i)
{
	w->banned[i] = true;
	w->stood[i] = false;
	w->unclean[i] = 0;
	if (w->good == i)
		w->good = NONE;
}

static void crash(struct world *w)
{
	struct guard g;

	load(w, &g);
	w->at_risk[0] = g.phase == GUARD_IDLE ? NONE : number_of(&g.now);
	w->at_risk[1] = number_of(&g.before);
	w->ended_clean = false;
	w->runs = NONE;
}

/* One in danger when the machine went down. */
static void answer_for(struct world *w, int i, bool was_now)
{
	if (i == NONE || w->banned[i])
		return;
	if (i != w->good)
		ban(w, i);
	else if (was_now && ++w->unclean[i] == 3)
		ban(w, i);
}

static void apply(struct world *w, int i);

static void boot(struct world *w)
{
	struct guard g;
	struct guard_boot b;

	w->boot++;
	w->uptime = 10;
	if (!w->ended_clean) {
		answer_for(w, w->at_risk[0], true);
		answer_for(w, w->at_risk[1], false);
	}
	w->at_risk[0] = w->at_risk[1] = NONE;
	load(w, &g);
	guard_boot(&g, boot_id(w), w->ended_clean, "", 1, &b);
	save(w, &g);
	check(w);
	assert_int_equal(number_of(&b.apply), w->unloaded ? NONE : w->good);
	w->ended_clean = false;
	if (number_of(&b.apply) != NONE)
		apply(w, number_of(&b.apply));
}

static void crash_and_boot(struct world *w)
{
	crash(w);
	boot(w);
}

/* suture-apply was killed in between; the next one asks the engine. */
static void find_out(struct world *w)
{
	struct guard g;

	load(w, &g);
	if (g.phase == GUARD_APPLYING && w->runs == number_of(&g.now)) {
		guard_applied(&g, w->uptime, 900);
		w->unloaded = false;
	} else if (g.phase == GUARD_APPLYING) {
		guard_failed(&g);
	}
	save(w, &g);
}

static void take_down(struct world *w, int i)
{
	w->downs[i]++;
	assert_in_range(w->downs[i], 1, 3);
	crash_and_boot(w);
}

static void apply(struct world *w, int i)
{
	struct guard g;
	struct guard_patch p = patch(i);

	load(w, &g);
	if (guard_is_quarantined(&g, p.sha256) || w->runs == i)
		return;
	guard_begin(&g, &p, boot_id(w), 1, w->uptime);
	save(w, &g);
	check(w);
	if (chance(w, 20) == 0) {
		crash_and_boot(w); /* a power cut */
		return;
	}
	if (chance(w, 6) == 0) {
		guard_failed(&g);
		save(w, &g);
		check(w);
		return;
	}
	w->runs = i;
	check(w);
	if (w->deadly[i] && chance(w, 2)) {
		take_down(w, i);
		return;
	}
	if (chance(w, 8) == 0) {
		find_out(w);
	} else {
		guard_applied(&g, w->uptime, 900);
		save(w, &g);
		w->unloaded = false;
	}
	check(w);
	if (w->deadly[i])
		take_down(w, i);
}

static void settle(struct world *w)
{
	struct guard g;
	int i;

	load(w, &g);
	w->uptime += 1000;
	if (!guard_due(&g, boot_id(w), w->uptime))
		return;
	i = number_of(&g.now);
	if (chance(w, 4) == 0) { /* it fell ill */
		guard_quarantine(&g, &g.now, "health", "", 1);
		ban(w, i);
		save(w, &g);
		check(w);
		if (chance(w, 4) == 0) {
			crash_and_boot(w);
			return;
		}
		w->runs = NONE;
		guard_reverted(&g, false);
		save(w, &g);
		check(w);
		if (w->good != NONE)
			apply(w, w->good);
		return;
	}
	guard_settled(&g, 1);
	save(w, &g);
	w->good = i;
	w->stood[i] = true;
	w->unclean[i] = 0;
	w->downs[i] = 0;
	check(w);
}

static void unload(struct world *w)
{
	struct guard g;

	load(w, &g);
	w->runs = NONE;
	guard_reverted(&g, true);
	save(w, &g);
	w->unloaded = true;
	check(w);
}

static void shut_down(struct world *w)
{
	crash(w);
	w->ended_clean = true;
	boot(w);
}

static void release(struct world *w)
{
	struct guard g;

	load(w, &g);
	/* Root wants to see whether it was the patch: it is that root who asks for a crash. */
	guard_release(&g, NULL);
	save(w, &g);
	memset(w->banned, 0, sizeof(w->banned));
	memset(w->downs, 0, sizeof(w->downs));
	check(w);
}

static void random_histories_keep_every_promise(void **state)
{
	unsigned int quarantines = 0, brought_back = 0;

	(void)state;
	for (uint64_t n = 0; n < HISTORIES; n++) {
		struct world w = {
			.seed = n * 77, .runs = NONE, .good = NONE, .at_risk = {NONE, NONE}};
		struct guard g = {0};

		save(&w, &g);
		for (int e = 0; e < EVENTS; e++) {
			w.uptime += 30;
			if (chance(&w, 30) == 0)
				w.deadly[chance(&w, PATCHES)] ^= true;
			switch (chance(&w, 16)) {
			case 0 ... 4:
				apply(&w, (int)chance(&w, PATCHES));
				break;
			case 5 ... 9:
				settle(&w);
				break;
			case 10:
				unload(&w);
				break;
			case 11 ... 12:
				shut_down(&w);
				break;
			case 13 ... 14:
				crash_and_boot(&w);
				brought_back += w.runs != NONE && w.runs == w.good;
				break;
			default:
				if (chance(&w, 8) == 0)
					release(&w);
			}
		}
		for (int i = 0; i < PATCHES; i++)
			quarantines += w.banned[i];
	}
	/* The histories are worth something. */
	assert_true(quarantines > HISTORIES / 2);
	assert_true(brought_back > HISTORIES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_histories_keep_every_promise),
	};

	return cmocka_run_group_tests_name("agent_guard_model", tests, NULL, NULL);
}
