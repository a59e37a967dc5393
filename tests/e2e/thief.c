// SPDX-License-Identifier: Apache-2.0
/*
 * What somebody can do who has stolen a key: changes a metadata file and signs it.
 *
 *   thief IN OUT KEY PASSPHRASE_FILE|- EDIT...
 *
 *   version=N            the version
 *   expires=TIME         2026-11-21T20:15:00Z
 *   meta:NAME=N:FILE     entry NAME of a snapshot or timestamp: version N, length and hash of FILE
 *   target:PATH=FILE     one more target with length and hash of FILE
 *
 * The only signature of OUT is the one of KEY, under the id that key really has.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "must.h"
#include "tuf/json.h"
#include "tuf/meta.h"

static struct sut_buf contents(const char *path)
{
	struct sut_buf b = SUT_BUF_INIT(64 << 20);

	MUST(sut_file_read(path, &b, &err));
	return b;
}

static json_t *file_json(const char *path)
{
	_cleanup_buf_ struct sut_buf b = contents(path);
	char hex[SUT_DIGEST_HEX_MAX];

	MUST(sut_digest_of(SUT_DIGEST_SHA256, b.data, b.len, hex, &err));
	return json_pack("{s:I, s:{s:s}}", "length", (json_int_t)b.len, "hashes", "sha256", hex);
}

static json_int_t number(const char *s)
{
	uint64_t n;

	MUST(sut_parse_u64(s, INT64_MAX, &n));
	return (json_int_t)n;
}

static void edit(json_t *doc, char *what)
{
	char *value = strchr(what, '='), *file;
	json_t *entry;

	if (!value)
		exit(64);
	*value++ = 0;
	if (sut_streq(what, "version")) {
		json_object_set_new(doc, what, json_integer(number(value)));
	} else if (sut_streq(what, "expires")) {
		json_object_set_new(doc, what, json_string(value));
	} else if (sut_startswith(what, "meta:")) {
		file = strchr(value, ':');
		if (!file)
			exit(64);
		*file++ = 0;
		entry = file_json(file);
		json_object_set_new(entry, "version", json_integer(number(value)));
		json_object_set_new(json_object_get(doc, "meta"), what + 5, entry);
	} else if (sut_startswith(what, "target:")) {
		json_object_set_new(json_object_get(doc, "targets"), what + 7, file_json(value));
	} else {
		exit(64);
	}
}

int main(int argc, char **argv)
{
	_cleanup_buf_ struct sut_buf canonical = SUT_BUF_INIT(SUT_TUF_TARGETS_MAX);
	_cleanup_buf_ struct sut_buf sig = SUT_BUF_INIT(SUT_SIG_MAX);
	_cleanup_buf_ struct sut_buf out = SUT_BUF_INIT(SUT_TUF_TARGETS_MAX);
	_cleanup_buf_ struct sut_buf in = SUT_BUF_INIT(0), pem = SUT_BUF_INIT(0);
	_cleanup_buf_ struct sut_buf pass = SUT_BUF_INIT(0);
	_cleanup_(sut_privkey_freep) struct sut_privkey *key = NULL;
	_cleanup_(sut_pubkey_freep) struct sut_pubkey *pub = NULL;
	_cleanup_json_ json_t *doc = NULL, *key_doc = NULL;
	char id[SUT_DIGEST_HEX_MAX], hex[2 * SUT_SIG_MAX + 1];
	bool locked;

	if (argc < 5)
		return 64;
	in = contents(argv[1]);
	pem = contents(argv[3]);
	locked = !sut_streq(argv[4], "-");
	if (locked) {
		pass = contents(argv[4]);
		pass.data[strcspn((char *)pass.data, "\n")] = 0;
	}
	MUST(sut_json_parse(in.data, in.len, argv[1], &doc, &err));
	for (int i = 5; i < argc; i++)
		edit(json_object_get(doc, "signed"), argv[i]);
	MUST(sut_privkey_decode((const char *)pem.data, pem.len,
				locked ? (const char *)pass.data : NULL, &key, &err));
	MUST(sut_privkey_public(key, &pub, &err));
	MUST(sut_tuf_key_json(pub, &key_doc, &err));
	MUST(sut_tuf_keyid(key_doc, id, &err));
	MUST(sut_json_canonical(json_object_get(doc, "signed"), &canonical, &err));
	MUST(sut_privkey_sign(key, canonical.data, canonical.len, &sig, &err));
	sut_hex(sig.data, sig.len, hex);
	json_object_set_new(doc, "signatures", json_pack("[{s:s, s:s}]", "keyid", id, "sig", hex));
	MUST(sut_json_canonical(doc, &out, &err));
	MUST(sut_file_write(argv[2], out.data, out.len, 0644, &err));
	return 0;
}
