// SPDX-License-Identifier: Apache-2.0
/* The crash guard's file: what is accepted keeps its promises, survives being written again, and every rule can be
 * followed from there. */
#include <string.h>

#include "base/str.h"
#include "fuzz.h"
#include "suture-apply/guard.h"

#define BOOT "99999999-9999-4999-8999-999999999999"

static void check_again(const struct guard *g)
{
	static struct guard back;
	json_t *j = guard_json(g), *again;
	char *text = json_dumps(j, 0);

	FUZZ_ASSERT(text && guard_parse(text, strlen(text), &back, NULL) == 0);
	again = guard_json(&back);
	FUZZ_ASSERT(json_equal(j, again));
	json_decref(j);
	json_decref(again);
	free(text);
}

static void follow_the_rules(const struct guard *from, bool clean)
{
	static struct guard g;
	struct guard_patch p = {.id = "K1", .level = 1};
	struct guard_boot b;

	memset(p.sha256, 'e', SUT_SHA256_HEX - 1);
	g = *from;
	guard_boot(&g, BOOT, clean, "text", 1, &b);
	if (b.apply.id[0]) {
		FUZZ_ASSERT(!g.unloaded && sut_streq(b.apply.sha256, from->good.sha256));
		FUZZ_ASSERT(!guard_is_quarantined(&g, b.apply.sha256));
	}
	if (b.quarantine)
		FUZZ_ASSERT(!clean && guard_is_quarantined(&g, from->now.sha256));
	check_again(&g);
	g = *from;
	guard_begin(&g, &p, BOOT, 1, 2);
	check_again(&g);
	guard_applied(&g, 3, 4);
	check_again(&g);
	guard_settled(&g, 5);
	check_again(&g);
	guard_quarantine(&g, &p, "oops", "a\nb", 6);
	check_again(&g);
	guard_reverted(&g, true);
	check_again(&g);
	guard_release(&g, NULL);
	FUZZ_ASSERT(g.nquarantined == 0);
	check_again(&g);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct guard g;
	struct sut_err err = {0};

	if (guard_parse(data, size, &g, &err) < 0) {
		FUZZ_ASSERT(err.code && err.msg[0]);
		return 0;
	}
	FUZZ_ASSERT(size <= GUARD_MAX && g.nquarantined <= GUARD_QUARANTINED_MAX);
	FUZZ_ASSERT((g.phase == GUARD_IDLE) == !g.now.id[0]);
	FUZZ_ASSERT(!g.good.id[0] || !guard_is_quarantined(&g, g.good.sha256));
	check_again(&g);
	follow_the_rules(&g, false);
	follow_the_rules(&g, true);
	return 0;
}
