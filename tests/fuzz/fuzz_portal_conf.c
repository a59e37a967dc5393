// SPDX-License-Identifier: Apache-2.0
/* The settings of the portal. */
#include <string.h>

#include "base/conf.h"
#include "conf.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct portal_conf c;
	struct sut_err err = {0};
	int r;

	if (portal_conf_init(&c, &err) < 0)
		return 0;
	r = portal_conf_parse("f", data, size, &c, &err);
	if (r < 0) {
		FUZZ_ASSERT(err.msg[0]);
	} else {
		FUZZ_ASSERT(size <= SUT_CONF_MAX);
		FUZZ_ASSERT(c.s.database && *c.s.database);
		FUZZ_ASSERT(c.s.listen.n <= SERVER_LISTEN_MAX);
		FUZZ_ASSERT(c.checkin_sec >= 10 && c.checkin_sec <= 86400);
		FUZZ_ASSERT(c.check_sec >= 60);
		FUZZ_ASSERT(c.s.readers >= 1 && c.s.connections >= 1);
		FUZZ_ASSERT(!c.s.tls_cert == !c.s.tls_key);
		FUZZ_ASSERT(!c.repository || c.repository_root);
	}
	portal_conf_release(&c);
	return 0;
}
