// SPDX-License-Identifier: Apache-2.0
/*
 * What sutured takes from the root half, from its own state file and from entries of a repository, and what it makes of
 * them: a JSON object with the members "half", "repository", "custom", "told".
 */
#include <string.h>

#include "base/str.h"
#include "fuzz.h"
#include "sutured/half.h"
#include "sutured/published.h"

#define BUILD "6d1c000000000000000000000000000000000001"
#define HASH "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const char *text_of(const json_t *j, const char *member)
{
	const char *s = json_string_value(json_object_get(j, member));

	return s ? s : "";
}

static void entry(const json_t *custom)
{
	struct sut_tuf_target t = {.path = "kernel/" BUILD "/3/kpatch.bin",
				   .length = 7,
				   .hashes = {HASH, ""},
				   .custom = custom};
	struct published p;
	json_t *l = NULL, *stop, *doc;

	/* What is made of an entry can be read again. */
	if (published_level(&t, BUILD, 1795300000, &l, NULL) == 0) {
		doc = json_pack("{s:[o]}", "levels", l);
		FUZZ_ASSERT(published_read(doc, &p, NULL) == 0);
		FUZZ_ASSERT(p.nlevels == 1 && p.levels[0].level == 3);
		published_release(&p);
		json_decref(doc);
	}
	stop = published_stop(custom, BUILD);
	FUZZ_ASSERT(*text_of(stop, "action"));
	json_decref(stop);
}

static void check(const struct decide_in *in, const struct decide_out *o)
{
	FUZZ_ASSERT(o->nreasons > 0 && o->state[0] && o->again_s >= 0);
	FUZZ_ASSERT((o->action == DECIDE_APPLY) == (o->target != NULL));
	for (size_t i = 0; i < o->nreasons; i++) {
		FUZZ_ASSERT(memchr(o->reasons[i].text, 0, DECIDE_TEXT_MAX));
		FUZZ_ASSERT(!strchr(o->reasons[i].text, '\033'));
		FUZZ_ASSERT(o->reasons[i].code[0]);
	}
	for (size_t i = 0; o->target && i < in->half.nquarantined; i++)
		FUZZ_ASSERT(strcmp(in->half.quarantined[i].sha256, o->target->sha256) != 0);
	if (o->action != DECIDE_NONE)
		FUZZ_ASSERT(in->half.known && in->half.mode != DECIDE_SWITCH_OFF);
}

static void decide_all(const struct half *h, const struct published *p, const json_t *told)
{
	static const struct agent_policy policy;
	static struct decide_out out;
	struct decide_in in = {
		.half = h->h,
		.choice = &h->choice,
		.policy = &policy,
		.repository_set = true,
		.repository = DECIDE_REPO_GOOD,
		.levels = p->levels,
		.nlevels = p->nlevels,
		.near = p->near,
		.stop = p->stop,
		.stop_reason = p->stop_reason,
		.now = 1795300000,
		.trouble = text_of(told, "trouble"),
		.told_id = text_of(told, "patchset"),
		.told_path = text_of(told, "path"),
		.told_sha256 = text_of(told, "sha256"),
		.told_level = (uint32_t)json_integer_value(json_object_get(told, "level")),
		.told_length = json_integer_value(json_object_get(told, "length")),
	};

	for (int i = 0; i <= DECIDE_TOLD_UNLOAD; i++) {
		in.registered = i > 0;
		in.told = (enum decide_told)i;
		for (int asks = 0; asks <= DECIDE_ASKS_FORCE; asks++) {
			in.asks = (enum decide_asks)asks;
			decide(&in, &out);
			check(&in, &out);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct half h;
	struct published p;
	json_t *j = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);

	if (j) {
		entry(json_object_get(j, "custom"));
		h = (struct half){0};
		if (published_read(json_object_get(j, "repository"), &p, NULL) == 0) {
			if (half_read(json_object_get(j, "half"), &h, NULL) == 0)
				decide_all(&h, &p, json_object_get(j, "told"));
			published_release(&p);
		}
	}
	json_decref(j);
	return 0;
}
