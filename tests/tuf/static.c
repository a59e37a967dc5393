// SPDX-License-Identifier: Apache-2.0
/*
 * Long-lived repositories under a fixed clock. The public suite replays two of others here (sigstore
 * root-signing, root 1 to 12, and one of tuf-on-ci); their files are not part of this tree. These
 * go through the same: years of root versions with every kind of change between.
 */
#include <string.h>

#include "base/cleanup.h"
#include "world.h"

enum { YEAR_2021 = 1624000000 };

/* The repository of the world, begun in 2021. */
static void begin(struct world *w)
{
	struct sim *s = sim_new(YEAR_2021);

	/* The server has the pointer. */
	*w->sim = *s;
}

static void expires_after(struct world *w, const char *role, double from, double days)
{
	sim_expires(w->sim, role, from + days);
}

/* Twelve roots of five ECDSA keys, 3 of 5, in which one key after the other is replaced, the
 * threshold changes, online keys are rotated, the encoding of keys changes and a role is split off. */
static void root_1_to_12(struct world *w, const void *arg _unused_)
{
	struct sim_key *keys[12], *sets[13][5];
	char *requests = sim_str("%s", "");
	json_int_t thresholds[13];

	begin(w);
	for (size_t i = 0; i < 12; i++)
		keys[i] = sim_key_new(SIM_ECDSA);
	sim_unpublish(w->sim, "root");
	for (int v = 1; v <= 12; v++) {
		size_t from = (size_t)v / 2;

		thresholds[v] = v < 3 ? 3 : v == 7 ? 4 : 3;
		sim_clear_keys(w->sim, "root", "root");
		sim_clear_signers(w->sim, "root");
		sim_threshold(w->sim, "root", "root", thresholds[v]);
		for (size_t i = 0; i < 5; i++) {
			sets[v][i] = keys[from + i];
			sim_trust(w->sim, "root", "root", sets[v][i]);
			sim_sign_with(w->sim, "root", sets[v][i]);
		}
		/* Keys that are leaving sign once more. */
		if (v > 1 && sets[v - 1][0] != sets[v][0])
			sim_sign_with(w->sim, "root", sets[v - 1][0]);
		if (v % 4 == 0)
			sim_rotate(w->sim, "timestamp");
		if (v % 5 == 0)
			sim_rotate(w->sim, "snapshot");
		if (v == 6) {
			sim_rotate(w->sim, "targets");
			sim_set(w->sim, "root", "x-custom", json_string("since 6"));
		}
		sim_set(w->sim, "root", "spec_version", json_string(v < 6 ? "1.0" : "1.0.31"));
		expires_after(w, "root", v * 150, 180);
		sim_publish(w->sim, "root");
		if (v > 1)
			requests = sim_str("%s%d.root.json ", requests, v);
	}
	sim_delegate(w->sim, "targets", "registry.npmjs.org", "registry.npmjs.org/*",
		     SIM_TERMINATING);
	sim_target(w->sim, "registry.npmjs.org", "registry.npmjs.org/keys.json", "{}");
	sim_target(w->sim, "targets", "trusted_root.json", "trusted root");
	for (size_t i = 0; i < 4; i++) {
		const char *const roles[] = {"targets", "snapshot", "timestamp",
					     "registry.npmjs.org"};

		expires_after(w, roles[i], 1800, i == 2 ? 7 : 180);
	}
	sim_publish(w->sim, "registry.npmjs.org");
	sim_version(w->sim, "snapshot", 161);
	sim_version(w->sim, "timestamp", 301);
	sim_version(w->sim, "targets", 12);
	sim_release(w->sim, "");
	at_day(w, 1801);
	init(w);
	refresh(w);
	expect_requests(w,
			sim_str("%s13.root.json timestamp.json 161.snapshot.json 12.targets.json",
				requests));
	expect_trusted(w, "root:12 snapshot:161 targets:12 timestamp:301");
	expect_same(w, "root");
	download(w, "trusted_root.json registry.npmjs.org/keys.json");
	expect_downloads(w, "trusted root", "{}", NULL);
	/* one hour after the timestamp's end */
	at_day(w, 1807.1);
	refresh_fails(w);
}

/* An old client that stops at each root on its way ends where a new one does. */
static void old_client_catches_up(struct world *w, const void *arg _unused_)
{
	begin(w);
	at_day(w, 1);
	init(w);
	refresh(w);
	for (int v = 2; v <= 12; v++) {
		struct sim_key *old = sim_signer(w->sim, "root", 0);

		sim_rotate(w->sim, "root");
		if (v % 3 == 0)
			sim_rotate(w->sim, "timestamp");
		if (v % 4 == 0)
			sim_rotate(w->sim, "snapshot");
		if (v % 5 == 0)
			sim_rotate(w->sim, "targets");
		sim_sign_with(w->sim, "root", old);
		sim_publish(w->sim, "root");
		/* The old key signs no more. */
		sim_drop_signer(w->sim, "root");
		sim_release(w->sim, "");
		if (v % 2)
			refresh(w);
	}
	refresh(w);
	expect_trusted(w, "root:12 snapshot:12 targets:12 timestamp:12");
	expect_same(w, "root");
	forget_requests(w);
	init(w);
	refresh(w);
	expect_trusted(w, "root:12 snapshot:12 targets:12 timestamp:12");
	expect_same(w, "root");
}

/* As tuf-on-ci lays it out: one key for root and targets, one for the online roles, a delegation
 * with two keys of which one has an empty signature, x- fields everywhere. */
static void like_tuf_on_ci(struct world *w, const void *arg _unused_)
{
	struct sim_key *owner = sim_key_alias(sim_key_new(SIM_ECDSA), "x-tuf-on-ci-keyowner",
					      json_string("@someone"));
	struct sim_key *online = sim_key_alias(sim_key_new(SIM_ECDSA), "x-tuf-on-ci-online-uri",
					       json_string("gcpkms:projects/x"));
	const char *const roles[] = {"root", "targets", "snapshot", "timestamp"};
	json_t *whole;

	begin(w);
	sim_unpublish(w->sim, "root");
	for (size_t i = 0; i < 4; i++) {
		struct sim_key *k = i < 2 ? owner : online;

		sim_clear_keys(w->sim, "root", roles[i]);
		sim_clear_signers(w->sim, roles[i]);
		sim_trust(w->sim, "root", roles[i], k);
		sim_sign_with(w->sim, roles[i], k);
		sim_set(w->sim, roles[i], "x-tuf-on-ci-expiry-period", json_integer(7300));
		expires_after(w, roles[i], 0, 7300);
	}
	sim_publish(w->sim, "root");
	sim_delegate(w->sim, "targets", "delegatedrole",
		     "delegatedrole/* delegatedrole/*/* delegatedrole/*/*/*", SIM_TERMINATING);
	sim_trust(w->sim, "targets", "delegatedrole", owner);
	sim_sign_with(w->sim, "delegatedrole", owner);
	expires_after(w, "delegatedrole", 0, 7300);
	sim_target(w->sim, "delegatedrole", "delegatedrole/artifact", "artifact\n");
	sim_publish(w->sim, "delegatedrole");
	whole = sim_parse_last(w->sim, "delegatedrole");
	json_object_set_new(json_array_get(json_object_get(whole, "signatures"), 0), "sig",
			    json_string(""));
	sim_replace_json(w->sim, "delegatedrole", whole);
	sim_release(w->sim, "");
	at_day(w, 1333);
	init(w);
	refresh(w);
	expect_trusted(w, "root:1 snapshot:2 targets:2 timestamp:2");
	download(w, "delegatedrole/artifact");
	expect_trusted(w, "delegatedrole:1 root:1 snapshot:2 targets:2 timestamp:2");
	expect_downloads(w, "artifact\n", NULL);
}

static const struct tuf_test tests[] = {
	{"static/root-1-to-12", root_1_to_12, NULL,
	 "in place of test_static_repositories.py: [sigstore-root-signing]"},
	{"static/like-tuf-on-ci", like_tuf_on_ci, NULL,
	 "in place of test_static_repositories.py: [tuf-on-ci-0.11]"},
	{"static/old-client-catches-up", old_client_catches_up, NULL, "6.1"},
};

const struct tuf_group tuf_static = {tests, SUT_ARRAY_SIZE(tests)};
