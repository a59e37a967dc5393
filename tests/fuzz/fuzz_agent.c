// SPDX-License-Identifier: Apache-2.0
/* What the suture program reads from the kernel, and its own record of what is applied: the
 * first byte says which text the rest is. */
#include <string.h>

#include "kernel/applied.h"
#include "base/str.h"
#include "kernel/conflict.h"
#include "fuzz.h"
#include "kernel/kernel.h"
#include "sample_patch.h"

static void check_texts(char kind, const char *text)
{
	static struct sut_buf bytes = SUT_BUF_INIT(SUTURE_MAX_EXPECT);
	static struct sut_expect_table t;
	_cleanup_(sut_conflicts_release) struct sut_conflicts c = {0};
	struct sut_err err = {0};
	char who[64];
	int r;

	if (!bytes.data) {
		sample_expect(&bytes);
		FUZZ_ASSERT(sut_expect_parse(bytes.data, bytes.len, &t, &err) == 0);
	}
	if (kind == 'l')
		r = sut_conflict_kprobe_list(text, &t, &c, &err);
	else if (kind == 'e')
		r = sut_conflict_kprobe_events(text, &t, &c, &err);
	else
		r = sut_conflict_modules(text, &c, &err);
	FUZZ_ASSERT(r == 0 && c.n <= SUT_CONFLICTS_MAX);
	for (size_t i = 0; i < c.n; i++)
		for (const char *p = c.v[i].what; *p; p++)
			FUZZ_ASSERT(*p >= ' ' && *p <= '~');
	if (sut_conflict_name_probe(text, text, "unix_ioctl", 5, who, sizeof(who)))
		FUZZ_ASSERT(strlen(who) < sizeof(who));
}

static void check_record(const uint8_t *text, size_t len)
{
	struct sut_applied a = {0};
	struct sut_trust back = {0};
	char line[SUT_TRUST_NAME_MAX + 128];
	json_t *j;

	if (sut_applied_parse(text, len, &a, NULL) < 0)
		return;
	FUZZ_ASSERT(*a.id && strlen(a.sha256) == 64);
	sut_trust_text(&a.trust, line, sizeof(line));
	for (const char *p = line; *p; p++)
		FUZZ_ASSERT((unsigned char)*p >= ' ' && *p != 0x7f);
	/* What is shown is what was read. */
	j = sut_trust_json(&a.trust);
	FUZZ_ASSERT(sut_trust_from_json(j, &back) == 0);
	FUZZ_ASSERT(sut_streq(back.key, a.trust.key) &&
		    sut_trust_is_good(&back) == sut_trust_is_good(&a.trust) &&
		    back.insecure_local == a.trust.insecure_local);
	json_decref(j);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t id[SUTURE_BUILD_ID_LEN];
	char *text;

	if (size == 0)
		return 0;
	if (data[0] == 'n') {
		(void)!sut_notes_build_id(data + 1, size - 1, id, NULL);
		return 0;
	}
	if (data[0] == 'a') {
		check_record(data + 1, size - 1);
		return 0;
	}
	text = strndup((const char *)data + 1, size - 1);
	if (text)
		check_texts((char)data[0], text);
	free(text);
	return 0;
}
