// SPDX-License-Identifier: Apache-2.0
/* truth/truth.h: files of the system and state documents of any form. */
#include <errno.h>
#include <string.h>

#include "fuzz.h"
#include "base/buf.h"
#include "truth/truth.h"

/* A word has no byte that could end a line, a label or a text of JSON. */
static void check_word(const char *w)
{
	FUZZ_ASSERT(strlen(w) < TRUTH_WORD_MAX);
	for (; *w; w++)
		FUZZ_ASSERT(*w > ' ' && *w < 0x7f && !strchr("\"'\\`$<>", *w));
}

static void system_files(const uint8_t *data, size_t size, struct truth_host *h)
{
	char version[TRUTH_WORD_MAX] = "", arch[TRUTH_WORD_MAX] = "";

	truth_os_release(data, size, h);
	if (!truth_dpkg(data, size, "linux-image-6.1.0-47-amd64", version, arch)) {
		FUZZ_ASSERT(*version && *arch);
		memcpy(h->package_version, version, sizeof(version));
		memcpy(h->package_arch, arch, sizeof(arch));
		memcpy(h->package, "linux-image", sizeof("linux-image"));
		memcpy(h->type, "deb", sizeof("deb"));
	}
	check_word(h->os);
	check_word(h->os_version);
	check_word(version);
	check_word(arch);
}

/* Each line is a comment or one sample of ours. */
static void check_metrics(const struct sut_buf *b)
{
	const char *p = sut_buf_str(b);

	FUZZ_ASSERT(strlen(p) == b->len);
	while (*p) {
		const char *nl = strchr(p, '\n');

		FUZZ_ASSERT(nl);
		FUZZ_ASSERT(!strncmp(p, "# HELP suture_", 14) ||
			    !strncmp(p, "# TYPE suture_", 14) || !strncmp(p, "suture_", 7));
		p = nl + 1;
	}
}

static void check_cves(const struct sut_buf *b)
{
	const char *p = sut_buf_str(b);

	while (*p) {
		FUZZ_ASSERT(!strncmp(p, "CVE-", 4));
		p += 4 + strspn(p + 4, "0123456789-");
		FUZZ_ASSERT(*p++ == '\n');
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_buf_ struct sut_buf metrics = SUT_BUF_INIT(TRUTH_FILE_MAX),
				     cves = SUT_BUF_INIT(TRUTH_FILE_MAX);
	struct truth_host h = {0};
	struct sut_err err;
	json_t *state, *j;
	int r;

	system_files(data, size, &h);
	state = json_loadb((const char *)data, size, JSON_ALLOW_NUL | JSON_DECODE_ANY, NULL);
	if (!state)
		return 0;
	r = truth_metrics(state, state, &h, 1795378500, &metrics, &err);
	FUZZ_ASSERT(!r || r == -EBADMSG);
	if (!r)
		check_metrics(&metrics);
	r = truth_cves(state, &cves, &err);
	FUZZ_ASSERT((r == 0) == truth_is_live(state) || r == -E2BIG);
	check_cves(&cves);
	if (!truth_release(state, &h, 1795378500, &j, &err)) {
		FUZZ_ASSERT(json_is_true(json_object_get(j, "live")) == truth_is_live(state));
		json_decref(j);
	}
	if (!truth_vex(state, &h, "host", 1795378500, 1, &j, &err)) {
		FUZZ_ASSERT(truth_is_live(state) && cves.len);
		json_decref(j);
	}
	json_decref(state);
	return 0;
}
