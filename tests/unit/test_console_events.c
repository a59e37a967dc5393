// SPDX-License-Identifier: Apache-2.0
/* What a console tells by webhooks is what docs/formats/webhooks.md says. */
#include "unit.h"

#include "console.h"
#include "event_doc.h"

static void types_are_documented_and_documented_ones_are_told(void **state _unused_)
{
	event_doc(console_program.events, "Of a console (its own webhooks, made in the same way):",
		  (const char *const[]){SOURCE_ROOT "/console", SOURCE_ROOT "/lib/account", NULL});
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(types_are_documented_and_documented_ones_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
