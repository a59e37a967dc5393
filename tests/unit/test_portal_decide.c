// SPDX-License-Identifier: Apache-2.0
/* What a system is told to run. Rules one by one, then combined, then as properties of random input. */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "feed/decide.h"

enum { NOW = 1000000, HOUR = 3600 };

/* Short names for the tables. */
enum { ABS = DECIDE_ABSENT, ACT = DECIDE_ACTIVE, HLD = DECIDE_HELD, WDR = DECIDE_WITHDRAWN };

/* An entry: level N is patchset KN, created at N days, entered `age` hours ago. */
struct row {
	unsigned int level;
	int state;
	int64_t age;   /* hours in the feed */
	int64_t until; /* hours from now; 0: none */
	bool gone;
};

struct expected {
	int action;
	unsigned int level;
	const char *held; /* "3:delay@5 4:pin": level, reason, hours until; highest first */
	int64_t valid;	  /* hours; 0: for ever */
};

struct decide_case {
	const char *name;
	struct row rows[8];
	size_t n;
	unsigned int running;
	const char *running_patchset;
	int64_t delay; /* hours */
	const char *pin;
	int64_t pin_created; /* days, of a patchset pin without an entry */
	int hold;	     /* 0 none, -1 for ever, else hours */
	struct expected want;
};

static char names[16][8];

static void fill(const struct decide_case *c, struct decide_entry *v, struct decide_in *in)
{
	struct sut_err err = {0};

	memset(in, 0, sizeof(*in));
	for (size_t i = 0; i < c->n; i++) {
		const struct row *r = &c->rows[i];

		snprintf(names[r->level], sizeof(names[0]), "K%u", r->level);
		v[i] = (struct decide_entry){
			.level = r->level,
			.patchset = names[r->level],
			.created = (int64_t)r->level * 86400,
			.state = (enum decide_state)r->state,
			.entered = NOW - r->age * HOUR,
			.until = r->until ? NOW + r->until * HOUR : 0,
			.reason = "because",
			.gone = r->gone,
			.path = "kernel/x/kpatch.bin",
			.sha256 = "00",
			.length = 1,
		};
	}
	in->v = v;
	in->n = c->n;
	in->now = NOW;
	in->running = c->running;
	in->running_patchset = c->running_patchset;
	in->delay_sec = c->delay * HOUR;
	in->hold = c->hold != 0;
	in->hold_until = c->hold > 0 ? NOW + c->hold * HOUR : 0;
	in->hold_reason = "maintenance";
	assert_ok(feed_pin_parse(c->pin, &in->pin, &err), err);
	if (in->pin.kind == FEED_PIN_PATCHSET)
		in->pin.created = c->pin_created * 86400;
}

static void held_text(const struct decide_out *out, char *buf, size_t size)
{
	size_t n = 0;

	*buf = 0;
	for (size_t i = 0; i < out->nheld; i++) {
		const struct decide_held *h = &out->held[i];

		n += (size_t)snprintf(buf + n, size - n, "%s%u:%s", i ? " " : "", h->entry->level,
				      decide_why_name(h->why));
		if (h->until)
			n += (size_t)snprintf(buf + n, size - n, "@%lld",
					      (long long)(h->until - NOW) / HOUR);
	}
}

static void run_cases(const struct decide_case *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct decide_case *c = &v[i];
		struct decide_entry entries[8];
		struct decide_in in;
		struct decide_out out;
		char held[512];
		int64_t valid;

		fill(c, entries, &in);
		decide(&in, &out);
		held_text(&out, held, sizeof(held));
		valid = out.valid_until == INT64_MAX ? 0 : (out.valid_until - NOW) / HOUR;
		if ((int)out.action != c->want.action || out.level != c->want.level ||
		    strcmp(held, c->want.held ? c->want.held : "") != 0 || valid != c->want.valid)
			fail_msg("%s: %s level %u held \"%s\" valid %lld", c->name,
				 decide_action_name(out.action), out.level, held, (long long)valid);
		if (out.action == DECIDE_APPLY)
			assert_int_equal(out.target->level, out.level);
		if (out.action == DECIDE_NONE || out.action == DECIDE_UNLOAD)
			assert_null(out.target);
	}
}
#define RUN(t) run_cases(t, SUT_ARRAY_SIZE(t))

#define ROWS(...)                                                                                  \
	.rows = {__VA_ARGS__}, .n = sizeof((struct row[]){__VA_ARGS__}) / sizeof(struct row)

static void highest_active_level_is_applied(void **state)
{
	static const struct decide_case t[] = {
		{"nothing there", .want = {DECIDE_NONE, 0}},
		{"runs what nobody knows", .running = 3, .want = {DECIDE_KEEP, 3}},
		{"one", ROWS({1, ACT}), .want = {DECIDE_APPLY, 1}},
		{"highest, in any order", ROWS({1, ACT}, {3, ACT}, {2, ACT}),
		 .want = {DECIDE_APPLY, 3}},
		{"newer than what runs", ROWS({1, ACT}, {3, ACT}), .running = 1,
		 .want = {DECIDE_APPLY, 3}},
		{"runs it already", ROWS({1, ACT}, {3, ACT}), .running = 3,
		 .want = {DECIDE_KEEP, 3}},
		{"absent ones are not of the feed", ROWS({1, ACT}, {3, ABS}),
		 .want = {DECIDE_APPLY, 1}},
		{"came from a faster feed", ROWS({1, ACT}, {3, ABS}), .running = 3,
		 .want = {DECIDE_KEEP, 3}},
		{"runs something between", ROWS({1, ACT}, {3, ACT}), .running = 2,
		 .want = {DECIDE_APPLY, 3}},
		{"runs something unknown above", ROWS({1, ACT}), .running = 9,
		 .want = {DECIDE_KEEP, 9}},
		{"same level, another patchset", ROWS({3, ACT}), .running = 3,
		 .running_patchset = "other", .want = {DECIDE_APPLY, 3}},
		{"same level, the same patchset", ROWS({3, ACT}), .running = 3,
		 .running_patchset = "K3", .want = {DECIDE_KEEP, 3}},
	};

	(void)state;
	RUN(t);
}

static void delay_counts_from_entering(void **state)
{
	static const struct decide_case t[] = {
		{"too young", ROWS({1, ACT, 10}), .delay = 24,
		 .want = {DECIDE_NONE, 0, "1:delay@14", 14}},
		{"just old enough", ROWS({1, ACT, 24}), .delay = 24, .want = {DECIDE_APPLY, 1}},
		{"older level meanwhile", ROWS({1, ACT, 99}, {2, ACT, 10}), .delay = 24,
		 .want = {DECIDE_APPLY, 1, "2:delay@14", 14}},
		{"several wait; the next one counts",
		 ROWS({1, ACT, 99}, {2, ACT, 20}, {3, ACT, 10}), .delay = 24, .running = 1,
		 .want = {DECIDE_KEEP, 1, "3:delay@14 2:delay@4", 4}},
		{"lower one entered later", ROWS({1, ACT, 5}, {2, ACT, 30}), .delay = 24,
		 .want = {DECIDE_APPLY, 2}},
		{"what runs stays though too young", ROWS({1, ACT, 99}, {2, ACT, 10}), .delay = 24,
		 .running = 2, .want = {DECIDE_KEEP, 2}},
	};

	(void)state;
	RUN(t);
}

static void held_level_is_not_given_out(void **state)
{
	static const struct decide_case t[] = {
		{"until somebody ends it", ROWS({1, ACT}, {2, HLD}),
		 .want = {DECIDE_APPLY, 1, "2:held"}},
		{"until a time", ROWS({1, ACT}, {2, HLD, 0, 5}),
		 .want = {DECIDE_APPLY, 1, "2:held@5", 5}},
		{"the time is over", ROWS({1, ACT}, {2, HLD, 9, -1}), .want = {DECIDE_APPLY, 2}},
		{"what runs it keeps it", ROWS({1, ACT}, {2, HLD}), .running = 2,
		 .want = {DECIDE_KEEP, 2}},
		{"above it, active", ROWS({2, HLD}, {3, ACT}), .running = 1,
		 .want = {DECIDE_APPLY, 3}},
		{"delay lasts longer", ROWS({2, HLD, 1, 5}), .delay = 24,
		 .want = {DECIDE_NONE, 0, "2:delay@23", 23}},
		{"hold lasts longer", ROWS({2, HLD, 1, 30}), .delay = 24,
		 .want = {DECIDE_NONE, 0, "2:held@30", 30}},
	};

	(void)state;
	RUN(t);
}

static void withdrawn_level_gives_way(void **state)
{
	static const struct decide_case t[] = {
		{"not given out", ROWS({1, ACT}, {2, WDR}),
		 .want = {DECIDE_APPLY, 1, "2:withdrawn"}},
		{"runs: the level below", ROWS({1, ACT}, {2, WDR}), .running = 2,
		 .want = {DECIDE_APPLY, 1, "2:withdrawn"}},
		{"runs: none is left", ROWS({2, WDR}), .running = 2,
		 .want = {DECIDE_UNLOAD, 0, "2:withdrawn"}},
		{"runs: a higher one is there", ROWS({1, ACT}, {2, WDR}, {3, ACT}), .running = 2,
		 .want = {DECIDE_APPLY, 3}},
		{"runs: the one below is held", ROWS({1, HLD, 0, 7}, {2, WDR}), .running = 2,
		 .want = {DECIDE_UNLOAD, 0, "2:withdrawn 1:held@7", 7}},
		{"runs: the one below is too young", ROWS({1, ACT, 1}, {2, WDR, 1}), .running = 2,
		 .delay = 3, .want = {DECIDE_UNLOAD, 0, "2:withdrawn 1:delay@2", 2}},
		{"gone from the repository", ROWS({1, ACT}, {2, ACT, 0, 0, true}), .running = 2,
		 .want = {DECIDE_APPLY, 1, "2:withdrawn"}},
		{"gone, and not of this feed", ROWS({1, ACT}, {2, ABS, 0, 0, true}), .running = 2,
		 .want = {DECIDE_APPLY, 1, "2:withdrawn"}},
		{"gone, not of this feed, not running", ROWS({1, ACT}, {2, ABS, 0, 0, true}),
		 .want = {DECIDE_APPLY, 1}},
		{"same level comes back as another patchset", ROWS({2, ACT}), .running = 2,
		 .running_patchset = "bad", .want = {DECIDE_APPLY, 2}},
	};

	(void)state;
	RUN(t);
}

static void pin_is_the_highest_that_may_run(void **state)
{
	static const struct decide_case t[] = {
		{"level", ROWS({1, ACT}, {2, ACT}, {3, ACT}), .pin = "level:2",
		 .want = {DECIDE_APPLY, 2, "3:pin"}},
		{"level between", ROWS({1, ACT}, {3, ACT}), .pin = "level:2",
		 .want = {DECIDE_APPLY, 1, "3:pin"}},
		{"level, below what runs", ROWS({1, ACT}, {2, ACT}, {3, ACT}), .pin = "level:2",
		 .running = 3, .want = {DECIDE_APPLY, 2, "3:pin"}},
		{"level, nothing that low", ROWS({3, ACT}), .pin = "level:2", .running = 3,
		 .want = {DECIDE_UNLOAD, 0, "3:pin"}},
		{"level, below an unknown one", ROWS({1, ACT}), .pin = "level:2", .running = 9,
		 .want = {DECIDE_APPLY, 1}},
		{"date", ROWS({1, ACT}, {2, ACT}, {3, ACT}), .pin = "date:1970-01-03",
		 .want = {DECIDE_APPLY, 2, "3:pin"}},
		{"date, before everything", ROWS({3, ACT}), .pin = "date:1970-01-03",
		 .want = {DECIDE_NONE, 0, "3:pin"}},
		{"date, below what runs", ROWS({2, ACT}, {3, ACT}), .pin = "date:1970-01-03",
		 .running = 3, .want = {DECIDE_APPLY, 2, "3:pin"}},
		{"patchset", ROWS({1, ACT}, {2, ACT}, {3, ACT}), .pin = "patchset:K2",
		 .want = {DECIDE_APPLY, 2, "3:pin"}},
		{"patchset, withdrawn itself", ROWS({1, ACT}, {2, WDR}, {3, ACT}),
		 .pin = "patchset:K2", .running = 2,
		 .want = {DECIDE_APPLY, 1, "3:pin 2:withdrawn"}},
		{"patchset of another feed", ROWS({1, ACT}, {2, ABS}, {3, ACT}),
		 .pin = "patchset:K2", .want = {DECIDE_APPLY, 1, "3:pin"}},
		{"patchset without this kernel", ROWS({1, ACT}, {3, ACT}), .pin = "patchset:K2",
		 .pin_created = 2, .want = {DECIDE_APPLY, 1, "3:pin"}},
		{"patchset made at the same moment", ROWS({1, ACT}, {3, ACT}), .pin = "patchset:K9",
		 .pin_created = 3, .want = {DECIDE_APPLY, 3}},
		{"patchset nobody knows", ROWS({1, ACT}), .pin = "patchset:K9",
		 .want = {DECIDE_NONE, 0, "1:pin"}},
		{"delay as well", ROWS({1, ACT, 9}, {2, ACT, 1}, {3, ACT, 1}), .pin = "level:2",
		 .delay = 5, .want = {DECIDE_APPLY, 1, "3:pin 2:delay@4", 4}},
	};

	(void)state;
	RUN(t);
}

static void system_on_hold_only_gives_up_what_was_withdrawn(void **state)
{
	static const struct decide_case t[] = {
		{"nothing new", ROWS({1, ACT}, {2, ACT}), .running = 1, .hold = -1,
		 .want = {DECIDE_KEEP, 1, "2:system-hold"}},
		{"nothing at all", ROWS({1, ACT}), .hold = -1,
		 .want = {DECIDE_NONE, 0, "1:system-hold"}},
		{"for a time", ROWS({1, ACT}, {2, ACT}), .running = 1, .hold = 3,
		 .want = {DECIDE_KEEP, 1, "2:system-hold@3", 3}},
		{"over", ROWS({1, ACT}, {2, ACT}), .running = 1, .hold = 0,
		 .want = {DECIDE_APPLY, 2}},
		{"delay lasts longer", ROWS({2, ACT, 1}), .delay = 9, .hold = 3,
		 .want = {DECIDE_NONE, 0, "2:delay@8", 3}},
		{"pin below what runs waits", ROWS({1, ACT}, {2, ACT}), .running = 2,
		 .pin = "level:1", .hold = 4, .want = {DECIDE_KEEP, 2, "", 4}},
		{"withdrawn: down", ROWS({1, ACT}, {2, WDR}, {3, ACT}), .running = 2, .hold = -1,
		 .want = {DECIDE_APPLY, 1, "3:system-hold 2:withdrawn"}},
		{"withdrawn: not up", ROWS({2, WDR}, {3, ACT}), .running = 2, .hold = -1,
		 .want = {DECIDE_UNLOAD, 0, "3:system-hold 2:withdrawn"}},
		{"withdrawn, the one below too young", ROWS({1, ACT, 1}, {2, WDR}), .running = 2,
		 .hold = 9, .delay = 3, .want = {DECIDE_UNLOAD, 0, "2:withdrawn 1:delay@2", 2}},
	};

	(void)state;
	RUN(t);
}

static void equal_levels_have_one_answer(void **state)
{
	struct decide_entry v[2] =
		{
			{.level = 3, .patchset = "A", .created = 5, .state = DECIDE_ACTIVE},
			{.level = 3, .patchset = "B", .created = 5, .state = DECIDE_ACTIVE},
		},
			    w[2] = {v[1], v[0]};
	struct decide_in in = {.v = v, .n = 2, .now = NOW};
	struct decide_out out;

	(void)state;
	decide(&in, &out);
	assert_string_equal(out.target->patchset, "B");
	in.v = w;
	decide(&in, &out);
	assert_string_equal(out.target->patchset, "B");
	w[1].created = 6;
	decide(&in, &out);
	assert_string_equal(out.target->patchset, "A");
}

static void list_of_held_ones_keeps_the_highest(void **state)
{
	struct decide_entry v[40];
	struct decide_in in = {.v = v, .n = 40, .now = NOW, .delay_sec = 100 * HOUR};
	struct decide_out out;

	(void)state;
	for (unsigned int i = 0; i < 40; i++)
		v[i] = (struct decide_entry){.level = (i * 7) % 40 + 1,
					     .patchset = "K",
					     .state = DECIDE_ACTIVE,
					     .entered = NOW - (int64_t)i};
	decide(&in, &out);
	assert_int_equal(out.nheld, DECIDE_HELD_MAX);
	for (unsigned int i = 0; i < DECIDE_HELD_MAX; i++)
		assert_int_equal(out.held[i].entry->level, 40 - i);
	/* The one that is free first may be below those that are listed. */
	assert_int_equal(out.valid_until, NOW - 39 + 100 * HOUR);
}

static void delay_beyond_all_times_does_not_wrap(void **state)
{
	struct decide_entry v = {
		.level = 1, .patchset = "K", .state = DECIDE_ACTIVE, .entered = NOW};
	struct decide_in in = {.v = &v, .n = 1, .now = NOW, .delay_sec = INT64_MAX};
	struct decide_out out;

	(void)state;
	decide(&in, &out);
	assert_int_equal(out.action, DECIDE_NONE);
	assert_int_equal(out.held[0].why, DECIDE_WHY_DELAY);
	assert_int_equal(out.held[0].until, 0);
}

/* ------------------------------------------------------------------ */

static unsigned int rnd(unsigned int n)
{
	return (unsigned int)rand() % n;
}

static char random_names[8][8];

static void random_input(struct decide_entry *v, struct decide_in *in)
{
	memset(in, 0, sizeof(*in));
	in->v = v;
	in->n = rnd(7);
	in->now = NOW;
	for (unsigned int i = 0; i < in->n; i++) {
		snprintf(random_names[i], sizeof(random_names[i]), "K%u", i + 1);
		v[i] = (struct decide_entry){
			.level = i + 1,
			.patchset = random_names[i],
			.created = (int64_t)(i + 1) * 86400 - (int64_t)rnd(3) * 100000,
			.state = (enum decide_state)(rnd(3) ? DECIDE_ACTIVE : rnd(4)),
			.entered = NOW - rnd(20),
			.gone = !rnd(8),
			.reason = "",
		};
		if (v[i].state == DECIDE_HELD && rnd(2))
			v[i].until = NOW - 10 + rnd(20);
	}
	in->running = rnd(3) ? rnd(8) : 0;
	in->delay_sec = rnd(2) ? rnd(20) : 0;
	in->hold = !rnd(4);
	in->hold_until = rnd(2) ? NOW - 5 + rnd(20) : 0;
	in->pin.kind = rnd(2) ? FEED_PIN_NONE : rnd(4);
	in->pin.level = 1 + rnd(7);
	in->pin.created = (int64_t)rnd(8) * 86400;
	snprintf(in->pin.patchset, sizeof(in->pin.patchset), "K%u", 1 + rnd(8));
}

/* The rules once more, without care for speed or reasons. */
static bool may_run(const struct decide_in *in, const struct decide_entry *e)
{
	uint32_t level = UINT32_MAX;
	int64_t created = INT64_MAX;

	if (in->pin.kind == FEED_PIN_LEVEL)
		level = in->pin.level;
	if (in->pin.kind == FEED_PIN_DATE)
		created = in->pin.created;
	if (in->pin.kind == FEED_PIN_PATCHSET) {
		created = in->pin.created ? in->pin.created + 1 : 0;
		for (size_t i = 0; i < in->n; i++)
			if (sut_streq(in->v[i].patchset, in->pin.patchset)) {
				level = in->v[i].level;
				created = INT64_MAX;
			}
	}
	if (e->gone || e->level > level || e->created >= created ||
	    e->entered + in->delay_sec > in->now)
		return false;
	return e->state == DECIDE_ACTIVE ||
	       (e->state == DECIDE_HELD && e->until && e->until <= in->now);
}

static bool same_answer(const struct decide_out *a, const struct decide_out *b)
{
	if (a->action != b->action || a->target != b->target || a->level != b->level ||
	    a->nheld != b->nheld || a->valid_until != b->valid_until)
		return false;
	for (size_t i = 0; i < a->nheld; i++)
		if (a->held[i].entry != b->held[i].entry || a->held[i].why != b->held[i].why ||
		    a->held[i].until != b->held[i].until)
			return false;
	return true;
}

static void check_choice(const struct decide_in *in, const struct decide_out *out)
{
	bool hold = in->hold && (!in->hold_until || in->hold_until > in->now);

	if (out->action == DECIDE_APPLY) {
		assert_true(may_run(in, out->target));
		if (hold)
			assert_true(out->level < in->running);
	}
	for (size_t i = 0; i < in->n; i++)
		if (may_run(in, &in->v[i]) &&
		    (!hold || (out->level < in->running && in->v[i].level < in->running)))
			assert_true(in->v[i].level <= out->level);
	for (size_t i = 0; i < out->nheld; i++) {
		assert_true(out->held[i].entry->level > out->level);
		assert_true(!out->held[i].until || out->held[i].until > in->now);
	}
}

static void choice_is_right_for_any_input(void **state)
{
	(void)state;
	srand(20261122);
	for (int i = 0; i < 200000; i++) {
		struct decide_entry v[8];
		struct decide_in in;
		struct decide_out out, later;
		uint32_t before;

		random_input(v, &in);
		decide(&in, &out);
		check_choice(&in, &out);
		/* What was obeyed is right: the next answer is to keep it. */
		before = in.running;
		in.running = out.level;
		decide(&in, &later);
		if (!(in.hold && before != out.level)) {
			assert_true(later.action == DECIDE_KEEP || later.action == DECIDE_NONE);
			assert_int_equal(later.level, out.level);
		}
		/* Time alone takes nothing away, and changes nothing before it was said to. */
		in.running = before;
		for (int64_t t = NOW; t < NOW + 45; t++) {
			struct decide_out at;

			in.now = t;
			decide(&in, &at);
			check_choice(&in, &at);
			if (t < out.valid_until)
				assert_true(same_answer(&at, &out));
			else if (t == out.valid_until && (!in.hold_until || t != in.hold_until))
				assert_false(same_answer(&at, &out));
		}
		in.hold = false;
		in.running = 0;
		before = 0;
		for (int64_t t = NOW; t < NOW + 45; t++) {
			struct decide_out at;

			in.now = t;
			decide(&in, &at);
			assert_true(at.level >= before);
			before = in.running = at.level;
		}
	}
}

/* ------------------------------------------------------------------ */

static void pins_have_three_forms(void **state)
{
	static const char *const bad[] = {
		"level:0",	   "level:",	    "level:-1",		"level:0x3",
		"level: 3",	   "level:03",	    "level:2147483648", "level:3 ",
		"patchset:",	   "patchset:a/b",  "patchset:.x",	"date:2026-02-30",
		"date:2026-2-3",   "date:20261121", "date:2026-11-21T", "date:1969-12-31",
		"date:2026-13-01", "newest",	    "date:+026-11-21",	"Level:3"};
	struct sut_err err = {0};
	struct feed_pin p;

	(void)state;
	assert_ok(feed_pin_parse(NULL, &p, &err), err);
	assert_int_equal(p.kind, FEED_PIN_NONE);
	assert_ok(feed_pin_parse("", &p, &err), err);
	assert_int_equal(p.kind, FEED_PIN_NONE);
	assert_ok(feed_pin_parse("level:2147483647", &p, &err), err);
	assert_int_equal(p.kind, FEED_PIN_LEVEL);
	assert_int_equal(p.level, 2147483647);
	assert_ok(feed_pin_parse("patchset:K20261121_01", &p, &err), err);
	assert_int_equal(p.kind, FEED_PIN_PATCHSET);
	assert_string_equal(p.patchset, "K20261121_01");
	assert_ok(feed_pin_parse("date:2026-11-21", &p, &err), err);
	assert_int_equal(p.kind, FEED_PIN_DATE);
	assert_int_equal(p.created, 1795305600); /* 2026-11-22T00:00:00Z */
	assert_ok(feed_pin_parse("date:2028-02-29", &p, &err), err);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(bad); i++)
		if (feed_pin_parse(bad[i], &p, &err) != -EINVAL)
			fail_msg("%s is taken for a pin", bad[i]);
	assert_says(err, "level:N");
}

static void reasons_are_told_in_words(void **state)
{
	struct decide_entry v[] = {
		{.level = 1, .patchset = "K1", .state = DECIDE_ACTIVE, .entered = 1795305600},
		{.level = 2,
		 .patchset = "K2",
		 .state = DECIDE_HELD,
		 .reason = "breaks NFS",
		 .until = 1795392000},
		{.level = 3, .patchset = "K3", .state = DECIDE_WITHDRAWN, .reason = "panics"},
		{.level = 4, .patchset = "K4", .state = DECIDE_ACTIVE, .gone = true},
		{.level = 5, .patchset = "K5", .state = DECIDE_ACTIVE},
	};
	static const char *const cves[] = {"CVE-2026-1234"};
	static const char *const want[] = {
		"level 5 (K5) is beyond the pin to level 4",
		"level 4 (K4) was withdrawn from the repository",
		"level 3 (K3) was withdrawn: panics",
		"level 2 (K2) is held in the feed until 2026-11-23T00:00:00Z: breaks NFS",
		("level 1 (K1) entered the feed at 2026-11-22T00:00:00Z and waits for the delay of 6 hours until "
		 "2026-11-22T06:00:00Z"),
	};
	struct decide_in in = {.v = v, .n = 5, .now = 1795305600, .delay_sec = 6 * HOUR};
	json_t *kernel = NULL, *held = NULL, *h;
	struct sut_err err = {0};
	struct decide_out out;
	char detail[DECIDE_DETAIL_MAX];

	(void)state;
	assert_ok(feed_pin_parse("level:4", &in.pin, &err), err);
	v[1].cves = cves;
	v[1].ncves = 1;
	decide(&in, &out);
	assert_int_equal(out.nheld, 5);
	for (size_t i = 0; i < 5; i++) {
		decide_detail(&in, &out.held[i], detail, sizeof(detail));
		assert_string_equal(detail, want[i]);
	}
	assert_ok(decide_json(&in, &out, &kernel, &held, &err), err);
	assert_string_equal(json_string_value(json_object_get(kernel, "action")), "none");
	h = json_array_get(held, 3);
	assert_string_equal(json_string_value(json_object_get(h, "reason")), "held");
	assert_string_equal(json_string_value(json_object_get(h, "until")), "2026-11-23T00:00:00Z");
	assert_string_equal(json_string_value(json_array_get(json_object_get(h, "cves"), 0)),
			    cves[0]);
	assert_true(json_is_null(json_object_get(json_array_get(held, 2), "until")));
	json_decref(kernel);
	json_decref(held);
	in.hold = true;
	in.hold_reason = "audit";
	in.now += 86400 * 2;
	decide(&in, &out);
	decide_detail(&in, &out.held[4], detail, sizeof(detail));
	assert_string_equal(detail, "level 1 (K1) waits because this system is on hold: audit");
}

static void long_reason_in_any_script_is_cut(void **state)
{
	char reason[1025];
	struct decide_entry v = {
		.level = 1, .patchset = "K1", .state = DECIDE_WITHDRAWN, .reason = reason};
	struct decide_in in = {.v = &v, .n = 1};
	json_t *kernel = NULL, *held = NULL;
	struct sut_err err = {0};
	struct decide_out out;

	(void)state;
	for (size_t shift = 0; shift < 4; shift++) {
		memset(reason, 'x', sizeof(reason));
		for (size_t i = shift; i + 3 < sizeof(reason); i += 3)
			memcpy(reason + i, "\xe2\x82\xac", 3);
		reason[1024] = 0;
		decide(&in, &out);
		assert_ok(decide_json(&in, &out, &kernel, &held, &err), err);
		assert_int_equal(json_array_size(held), 1);
		json_decref(kernel);
		json_decref(held);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(highest_active_level_is_applied),
		cmocka_unit_test(delay_counts_from_entering),
		cmocka_unit_test(held_level_is_not_given_out),
		cmocka_unit_test(withdrawn_level_gives_way),
		cmocka_unit_test(pin_is_the_highest_that_may_run),
		cmocka_unit_test(system_on_hold_only_gives_up_what_was_withdrawn),
		cmocka_unit_test(equal_levels_have_one_answer),
		cmocka_unit_test(list_of_held_ones_keeps_the_highest),
		cmocka_unit_test(delay_beyond_all_times_does_not_wrap),
		cmocka_unit_test(choice_is_right_for_any_input),
		cmocka_unit_test(pins_have_three_forms),
		cmocka_unit_test(reasons_are_told_in_words),
		cmocka_unit_test(long_reason_in_any_script_is_cut),
	};

	return cmocka_run_group_tests_name("portal_decide", tests, NULL, NULL);
}
