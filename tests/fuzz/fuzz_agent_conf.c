// SPDX-License-Identifier: Apache-2.0
/* The settings of the agent. */
#include <string.h>

#include "base/conf.h"
#include "common/conf.h"
#include "fuzz.h"

static void check_policy(const struct agent_policy *p)
{
	int64_t now = 1795219200, opens = 0;

	FUZZ_ASSERT(p->nwindows <= AGENT_WINDOWS_MAX);
	FUZZ_ASSERT(p->update != AGENT_UPDATE_WINDOW || p->nwindows);
	FUZZ_ASSERT(p->delay_s >= 0);
	FUZZ_ASSERT(!p->sticky_level || !p->sticky_date[0]);
	for (size_t i = 0; i < p->nwindows; i++) {
		FUZZ_ASSERT(p->windows[i].days && p->windows[i].days < 0x80);
		FUZZ_ASSERT(p->windows[i].from < 1440 && p->windows[i].till <= 1440);
	}
	/* One that is not open now opens within eight days. */
	if (p->nwindows && !agent_window_open(p->windows, p->nwindows, now, &opens))
		FUZZ_ASSERT(opens > now && opens <= now + 8 * 86400);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct agent_conf c;
	struct sut_err err = {0};

	if (agent_conf_parse(data, size, &c, &err) < 0) {
		FUZZ_ASSERT(err.msg[0]);
		return 0;
	}
	FUZZ_ASSERT(size <= SUT_CONF_MAX);
	FUZZ_ASSERT(!*c.portal || !strncmp(c.portal, "http", 4));
	FUZZ_ASSERT(!*c.portal || c.portal[strlen(c.portal) - 1] != '/');
	FUZZ_ASSERT(!*c.metrics || *c.metrics == '/');
	FUZZ_ASSERT(c.heartbeat_s == 0 || c.heartbeat_s >= 10);
	FUZZ_ASSERT(c.nfeeds <= AGENT_FEEDS_MAX);
	FUZZ_ASSERT(c.nexcludes <= AGENT_EXCLUDES_MAX);
	for (size_t i = 0; i < c.nexcludes; i++)
		FUZZ_ASSERT(c.excludes[i].by < AGENT_EXCLUDE_BY && *c.excludes[i].glob);
	check_policy(&c.policy);
	for (size_t i = 0; i < c.nfeeds; i++)
		check_policy(agent_conf_policy(&c, c.feeds[i].feed));
	return 0;
}
