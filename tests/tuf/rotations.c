// SPDX-License-Identifier: Apache-2.0
/* Key rotations of root (15 sequences) and of the other roles (10 cases), table-driven. */
#include <string.h>

#include "base/cleanup.h"
#include "world.h"

/* Keys and signers by number, each a digit. */
struct step {
	const char *keys;
	json_int_t threshold;
	const char *sigs;
};

struct rotation {
	bool refused; /* the last step */
	struct step steps[5];
};

static struct sim_key *pool[10];

static void apply(struct world *w, const char *role, const struct step *s)
{
	sim_clear_keys(w->sim, "root", role);
	sim_clear_signers(w->sim, role);
	sim_threshold(w->sim, "root", role, s->threshold);
	for (const char *p = s->keys; *p; p++)
		sim_trust(w->sim, "root", role, pool[*p - '0']);
	for (const char *p = s->sigs; *p; p++)
		sim_sign_with(w->sim, role, pool[*p - '0']);
}

static void root_rotation(struct world *w, const void *arg)
{
	const struct rotation *c = arg;
	char *requests = sim_str("%s", "");
	size_t n = 0;

	for (size_t i = 0; i < SUT_ARRAY_SIZE(pool); i++)
		pool[i] = sim_key_new(SIM_ECDSA);
	sim_unpublish(w->sim, "root");
	for (; c->steps[n].keys; n++) {
		apply(w, "root", &c->steps[n]);
		sim_publish(w->sim, "root");
		if (n)
			requests = sim_str("%s%zu.root.json ", requests, n + 1);
	}
	init(w);
	if (c->refused) {
		refresh_fails(w);
		expect_nth(w, "root", n - 2);
		EXPECT(trusted_version(w, "timestamp") == 0, "the client went on");
		requests[strlen(requests) - 1] = '\0';
		expect_requests(w, requests);
	} else {
		refresh(w);
		expect_same(w, "root");
		expect_requests(w, sim_str("%s%zu.root.json timestamp.json 1.snapshot.json "
					   "1.targets.json",
					   requests, n + 1));
	}
}

/* One role after the other, each client run with all of them as they then are. */
static void other_rotation(struct world *w, const void *arg)
{
	const char *const roles[] = {"timestamp", "snapshot", "targets"};
	const struct rotation *c = arg;

	for (size_t i = 0; i < SUT_ARRAY_SIZE(pool); i++)
		pool[i] = sim_key_new(SIM_ECDSA);
	init(w);
	for (size_t i = 0; i < 3; i++) {
		apply(w, roles[i], &c->steps[0]);
		sim_publish(w->sim, "root targets snapshot timestamp");
		if (c->refused) {
			refresh_fails(w);
			EXPECT(trusted_version(w, roles[i]) == 0, "%s is trusted", roles[i]);
			expect_same(w, "root");
		} else {
			refresh(w);
			expect_same(w, "root");
			expect_same(w, roles[i]);
		}
	}
}

#define ROOT(name, ...)                                                                            \
	{                                                                                          \
		"rotations/root/" name, root_rotation, &(const struct rotation){__VA_ARGS__},      \
			"test_updater_key_rotations.py: test_root_rotation[" name "]"              \
	}
#define OTHER(name, ...)                                                                           \
	{                                                                                          \
		"rotations/other/" name, other_rotation, &(const struct rotation){__VA_ARGS__},    \
			"test_updater_key_rotations.py: test_non_root_rotations[" name "]"         \
	}

static const struct tuf_test tests[] = {
	ROOT("1-of-1-key-rotation", false, {{"1", 1, "1"}, {"2", 1, "21"}, {"2", 1, "2"}}),
	ROOT("1-of-1-key-rotation-unused-signatures", false,
	     {{"1", 1, "314"}, {"2", 1, "3214"}, {"2", 1, "324"}}),
	ROOT("3-of-5-sign-with-different-keycombos", false,
	     {{"01234", 3, "024"}, {"01234", 3, "041"}, {"01234", 3, "013"}, {"01234", 3, "013"}}),
	ROOT("3-of-5-one-key-rotated", false, {{"01234", 3, "024"}, {"01345", 3, "041"}}),
	ROOT("3-of-5-one-key-rotated-with-intermediate-step", false,
	     {{"01234", 3, "024"}, {"01345", 3, "0245"}, {"01345", 3, "045"}}),
	ROOT("3-of-5-all-keys-rotated-with-intermediate-step", false,
	     {{"01234", 3, "024"}, {"56789", 3, "024567"}, {"56789", 3, "567"}}),
	ROOT("1-of-3-threshold-increase-to-2-of-3", false, {{"123", 1, "1"}, {"123", 2, "12"}}),
	ROOT("2-of-3-threshold-decrease-to-1-of-3", false,
	     {{"123", 2, "12"}, {"123", 1, "12"}, {"123", 1, "1"}}),
	ROOT("1-of-2-threshold-increase-to-2-of-2", false, {{"1", 1, "1"}, {"12", 2, "12"}}),
	ROOT("1-of-1-key-rotation-fail-not-signed-with-old-key", true,
	     {{"1", 1, "1"}, {"2", 1, "234"}}),
	ROOT("1-of-1-key-rotation-fail-not-signed-with-new-key", true,
	     {{"1", 1, "1"}, {"2", 1, "134"}}),
	ROOT("3-of-5-one-key-rotate-fails-not-signed-with-3-new-keys", true,
	     {{"01234", 3, "024"}, {"01345", 3, "024"}}),
	ROOT("3-of-5-one-key-rotate-fails-not-signed-with-3-old-keys", true,
	     {{"01234", 3, "024"}, {"01345", 3, "045"}}),
	ROOT("1-of-3-threshold-bump-to-2-of-3-fails-new-threshold-not-reached", true,
	     {{"123", 1, "1"}, {"123", 2, "2"}}),
	ROOT("2-of-3-threshold-decr-to-1-of-3-fails-old-threshold-not-reached", true,
	     {{"123", 2, "12"}, {"123", 1, "1"}}),
	OTHER("1-of-1-key-rotation", false, {{"2", 1, "2"}}),
	OTHER("1-of-1-key-rotation-unused-signatures", false, {{"1", 1, "314"}}),
	OTHER("1-of-1-key-rotation-fail-not-signed-with-new-key", true, {{"2", 1, "134"}}),
	OTHER("3-of-5-one-key-signature-wrong-not-signed-with-3-expected-keys", true,
	      {{"01345", 3, "024"}}),
	OTHER("2-of-5-one-key-signature-missing-threshold-not-reached", true, {{"01345", 3, "04"}}),
	OTHER("3-of-5-sign-first-combo", false, {{"01234", 3, "024"}}),
	OTHER("3-of-5-sign-second-combo", false, {{"01234", 3, "041"}}),
	OTHER("3-of-5-sign-third-combo", false, {{"01234", 3, "013"}}),
	OTHER("3-of-5-sign-fourth-combo", false, {{"01234", 3, "123"}}),
	OTHER("3-of-5-sign-fifth-combo", false, {{"01234", 3, "234"}}),
};

const struct tuf_group tuf_rotations = {tests, SUT_ARRAY_SIZE(tests)};
