// SPDX-License-Identifier: Apache-2.0
/*
 * patch/signature.h: the input is a trusted comment, which a key of ours signs, so that all of it
 * reaches the parser of claims. What it accepts is one line that says the same again.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "fuzz.h"
#include "patch/signature.h"

static struct sut_privkey *priv;
static struct sut_patch_key key = {.name = (char *)"fuzz"};

static void make_key(void)
{
	/* The private key of RFC 8032 section 7.1, test 1. */
	static const char pem[] =
		"-----BEGIN PRIVATE KEY-----\n"
		"MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezKjZb8TBReLf5xg\n"
		"-----END PRIVATE KEY-----\n";
	_cleanup_(sut_pubkey_freep) struct sut_pubkey *p = NULL;

	if (!priv)
		FUZZ_ASSERT(sut_privkey_decode(pem, strlen(pem), NULL, &priv, NULL) == 0 &&
			    sut_privkey_public(priv, &p, NULL) == 0 &&
			    sut_minisign_pub_of(p, &key.pub, NULL) == 0);
}

static void check(const struct sut_patch_claim *c, const char *comment)
{
	char id[2 * SUTURE_BUILD_ID_LEN + 1];
	_cleanup_(sut_freep) char *again = NULL;

	sut_hex(c->build_id, sizeof(c->build_id), id);
	again = sut_sprintf("timestamp:%" PRId64 "\tfile:kpatch.bin\tname:%s\tlevel:%" PRIu32
			    "\tbuild-id:%s",
			    c->time, c->name, c->level, id);
	if (!again)
		return;
	FUZZ_ASSERT(c->time >= 0 && c->level > 0 && sut_member_name_ok(c->name));
	FUZZ_ASSERT(sut_startswith(comment, again));
	FUZZ_ASSERT(!comment[strlen(again)] || comment[strlen(again)] == '\t');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct sut_patch_keys keys = {.v = &key, .n = 1};
	_cleanup_buf_ struct sut_buf sig = SUT_BUF_INIT(SUT_MINISIGN_FILE_MAX);
	_cleanup_(sut_freep) char *comment = strndup((const char *)data, size);
	const struct sut_patch_key *by = NULL;
	struct sut_patch_claim c;
	struct sut_err err = {0};

	make_key();
	if (!comment || sut_minisign_sign(priv, "", comment, "data", 4, &sig, &err) < 0)
		return 0;
	if (sut_patch_sig_verify(&keys, "data", 4, sig.data, sig.len, &c, &by, &err) == 0) {
		FUZZ_ASSERT(by == &key);
		check(&c, comment);
	} else {
		FUZZ_ASSERT(!by && err.code == EBADMSG &&
			    sut_streq(err.reason, "signature-format"));
	}
	return 0;
}
