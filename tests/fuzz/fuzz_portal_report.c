/* SPDX-License-Identifier: Apache-2.0 */
/* What systems send: the report of a check-in, the facts of an enrolment, and the serials in between. */
#include "fuzz.h"

#include <errno.h>
#include <string.h>

#include "fleet/line.h"
#include "fleet/report.h"

static void look_at_problem(const struct check *c)
{
	FUZZ_ASSERT(c->pointer[0] && c->detail[0]);
	FUZZ_ASSERT(check_printable(c->pointer, strlen(c->pointer)));
	FUZZ_ASSERT(check_printable(c->detail, strlen(c->detail)));
}

static void look_at_report(const json_t *j, const struct report *r)
{
	struct report again = {0};
	struct check c = {0};

	FUZZ_ASSERT(r->serial >= 0 && r->serial < LINE_SERIAL_MAX);
	FUZZ_ASSERT(strlen(r->nonce) >= LINE_NONCE_MIN && strlen(r->nonce) <= LINE_NONCE_MAX);
	FUZZ_ASSERT(strlen(r->machine_id) >= MACHINE_ID_MIN);
	FUZZ_ASSERT(report_state_ok(r->state));
	FUZZ_ASSERT(r->level >= 0 && r->level <= INT32_MAX);
	FUZZ_ASSERT(strlen(r->text) < 256u << 10);
	FUZZ_ASSERT(r->errors <= REPORT_ERRORS_MAX);
	/* The same report is the same text. */
	FUZZ_ASSERT(report_parse(j, &again, &c) == 0);
	FUZZ_ASSERT(!strcmp(again.text, r->text) && !memcmp(again.hash, r->hash, REPORT_HASH));
	report_release(&again);
}

static void look_at_line(const uint8_t *data, size_t size)
{
	struct line l = {.serial = 5};
	int64_t now = 1795000000;

	for (size_t i = 0; i + 1 < size && i < 200; i += 2) {
		char nonce[LINE_NONCE_MAX + 1];
		int64_t before = l.serial;
		enum line_verdict v;

		memset(nonce, 'a' + data[i] % 26, sizeof(nonce));
		nonce[LINE_NONCE_MIN + data[i] % (LINE_NONCE_MAX - LINE_NONCE_MIN + 1)] = 0;
		now += data[i + 1] * 997;
		v = line_step(&l, data[i + 1] < 128 ? l.serial : before - data[i + 1] % 8 + 1,
			      nonce, now);
		FUZZ_ASSERT(strlen(l.nonces) < sizeof(l.nonces));
		FUZZ_ASSERT(strlen(l.displaced) < sizeof(l.displaced));
		if (v == LINE_ON || v == LINE_CONFLICT)
			FUZZ_ASSERT(l.serial == before + 1);
		else if (v == LINE_AHEAD)
			FUZZ_ASSERT(l.serial > before + 1);
		else
			FUZZ_ASSERT(l.serial == before);
		if (v == LINE_CONFLICT)
			FUZZ_ASSERT(l.conflict_at == now);
		if (v == LINE_CLONED)
			FUZZ_ASSERT(l.told_at == now);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *j = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
	struct machine machine = {0};
	struct report report = {0};
	struct check c = {0};
	int x;

	look_at_line(data, size);
	if (!j)
		return 0;
	x = report_parse(j, &report, &c);
	FUZZ_ASSERT(x == 0 || x == -EINVAL);
	if (x)
		look_at_problem(&c);
	else
		look_at_report(j, &report);
	report_release(&report);

	c = (struct check){0};
	x = machine_parse(
		json_is_object(json_object_get(j, "system")) ? json_object_get(j, "system") : j,
		"/system", &machine, &c);
	FUZZ_ASSERT(x == 0 || x == -EINVAL);
	if (x)
		look_at_problem(&c);
	else
		FUZZ_ASSERT(machine.facts && machine.hostname[0]);
	machine_release(&machine);
	json_decref(j);
	return 0;
}
