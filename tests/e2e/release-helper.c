// SPDX-License-Identifier: Apache-2.0
/*
 * What tests/e2e/release needs and no command offers:
 *
 *   release-helper patch LEVEL ID OUT [BUILD_ID [CVE]...]
 *                                             a small well-formed patch; with BUILD_ID, /proc/version of its
 *                                             kernel is "Linux version 6.1.0-47-cloud-amd64 (BUILD_ID)"
 *   release-helper library LEVEL ID OUT BUILD_ID [CVE]...
 *                                             the same of a library: libexpat.so.1 of debian/libexpat1
 *   release-helper payloads FILE CERT         are its payloads signed by the certificate's key?
 *   release-helper ask SOCKET [ROLE VERSION]  what suture-signer says: "ok", or reason and message
 *   release-helper forge METADATA ROLE PATH KEY_OF_ROLE KEYS OUT
 *       what a thief of the online keys could make: the role with one more target PATH, signed by
 *       KEY_OF_ROLE in the name of its own key, and a snapshot and a timestamp around it, signed by
 *       KEYS/snapshot.key and KEYS/timestamp.key. All into OUT.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "must.h"
#include "patch/modsign.h"
#include "sample_patch.h"
#include "signer_client.h"
#include "tuf/json.h"
#include "tuf/meta.h"
#include "uapi/suture.h"

static void set_kernel(json_t *m, struct sut_buf *expect, char **args)
{
	struct suture_expect_header *h = (struct suture_expect_header *)expect->data;
	json_t *target = json_object_get(m, "target"), *cves = json_array();
	char banner[128];

	MUST(sut_unhex(args[0], h->build_id, SUTURE_BUILD_ID_LEN));
	snprintf(banner, sizeof(banner), "Linux version 6.1.0-47-cloud-amd64 (%s)", args[0]);
	json_object_set_new(target, "build_id", json_string(args[0]));
	json_object_set_new(target, "banner", json_string(banner));
	for (char **cve = args + 1; *cve; cve++)
		json_array_append_new(cves, json_string(*cve));
	json_object_set_new(m, "cves", cves);
}

/* kernel: BUILD_ID, CVEs, NULL; or just NULL. */
static void make_patch(const char *level, const char *id, const char *out, char **kernel)
{
	_cleanup_buf_ struct sut_buf expect = SUT_BUF_INIT(SUTURE_MAX_EXPECT);
	_cleanup_buf_ struct sut_buf file = SUT_BUF_INIT(SUT_PATCH_FILE_MAX);
	struct sut_member members[SAMPLE_MEMBERS];
	_cleanup_json_ json_t *m = sample_manifest();
	uint64_t n;

	MUST(sut_parse_u64(level, UINT32_MAX, &n));
	json_object_set_new(m, "level", json_integer((json_int_t)n));
	json_object_set_new(m, "id", json_string(id));
	sample_expect(&expect);
	if (*kernel)
		set_kernel(m, &expect, kernel);
	sample_members(&expect, members);
	MUST(sut_patch_pack(m, members, SAMPLE_MEMBERS, SAMPLE_MTIME, &file, &err));
	MUST(sut_file_write(out, file.data, file.len, 0644, &err));
}

static void make_library(const char *level, const char *id, const char *out, char **args)
{
	_cleanup_buf_ struct sut_buf file = SUT_BUF_INIT(SUT_PATCH_FILE_MAX);
	_cleanup_json_ json_t *m = sample_library_manifest();
	json_t *cves = json_array();
	uint64_t n;

	MUST(sut_parse_u64(level, UINT32_MAX, &n));
	json_object_set_new(m, "level", json_integer((json_int_t)n));
	json_object_set_new(m, "id", json_string(id));
	json_object_set_new(json_object_get(m, "target"), "build_id", json_string(args[0]));
	for (char **cve = args + 1; *cve; cve++)
		json_array_append_new(cves, json_string(*cve));
	json_object_set_new(m, "cves", cves);
	sample_library_pack(m, &file);
	MUST(sut_file_write(out, file.data, file.len, 0644, &err));
}

static void check_payloads(const char *file, const char *cert)
{
	_cleanup_(sut_patch_freep) struct sut_patch *p = NULL;
	_cleanup_buf_ struct sut_buf pem = SUT_BUF_INIT(SUT_KEY_PEM_MAX);

	MUST(sut_patch_read(file, &p, &err));
	MUST(sut_file_read(cert, &pem, &err));
	MUST(sut_patch_verify_payloads(p, (const char *)pem.data, pem.len, &err));
}

static int ask(const char *socket, const char *role, const char *version)
{
	_cleanup_signer_docs_ struct sut_signer_docs d = {0};
	struct sut_signer_role r = {.name = role};
	uint64_t n = 0;
	int e;

	if (role)
		MUST(sut_parse_u64(version, INT64_MAX, &n));
	r.version = (int64_t)n;
	e = role ? sut_signer_snapshot(socket, &r, 1, NULL, &d, &err)
		 : sut_signer_timestamp(socket, &d, &err);
	if (e == 0)
		puts("ok");
	else
		printf("%s: %s\n", err.reason, err.msg);
	return e < 0;
}

/* ------------------------------------------------------------------ */

static json_t *read_doc(const char *dir, const char *name)
{
	_cleanup_(sut_freep) char *path = sut_sprintf("%s/%s", dir, name);
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_TUF_TARGETS_MAX);
	json_t *j = NULL;

	MUST(sut_file_read(path, &b, &err));
	MUST(sut_json_parse(b.data, b.len, name, &j, &err));
	return j;
}

/* Signs doc by the key, in the name of the key whose signature was there, and writes it. */
static void write_doc(json_t *doc, const char *key_file, const char *dir, const char *name,
		      struct sut_buf *out)
{
	_cleanup_(sut_freep) char *path = sut_sprintf("%s/%s", dir, name);
	_cleanup_buf_ struct sut_buf pem = SUT_BUF_INIT(SUT_KEY_PEM_MAX);
	_cleanup_buf_ struct sut_buf canonical = SUT_BUF_INIT(SUT_TUF_TARGETS_MAX);
	_cleanup_buf_ struct sut_buf sig = SUT_BUF_INIT(SUT_SIG_MAX);
	_cleanup_(sut_privkey_freep) struct sut_privkey *key = NULL;
	json_t *first = json_array_get(json_object_get(doc, "signatures"), 0);
	char hex[2 * SUT_SIG_MAX + 1];

	MUST(sut_file_read(key_file, &pem, &err));
	MUST(sut_privkey_decode((const char *)pem.data, pem.len, NULL, &key, &err));
	MUST(sut_json_canonical(json_object_get(doc, "signed"), &canonical, &err));
	MUST(sut_privkey_sign(key, canonical.data, canonical.len, &sig, &err));
	sut_hex(sig.data, sig.len, hex);
	json_object_set_new(first, "sig", json_string(hex));
	MUST(sut_json_canonical(doc, out, &err));
	MUST(sut_file_write(path, out->data, out->len, 0644, &err));
}

static json_int_t bump(json_t *doc)
{
	json_t *s = json_object_get(doc, "signed");
	json_int_t v = json_integer_value(json_object_get(s, "version")) + 1;

	json_object_set_new(s, "version", json_integer(v));
	return v;
}

static void refer(json_t *doc, const char *name, json_int_t version, const struct sut_buf *b)
{
	char hex[SUT_DIGEST_HEX_MAX];

	MUST(sut_digest_of(SUT_DIGEST_SHA256, b->data, b->len, hex, &err));
	json_object_set_new(json_object_get(json_object_get(doc, "signed"), "meta"), name,
			    json_pack("{s:I,s:I,s:{s:s}}", "version", version, "length",
				      (json_int_t)b->len, "hashes", "sha256", hex));
}

static json_int_t version_in(const json_t *doc, const char *name)
{
	return json_integer_value(json_object_get(
		json_object_get(json_object_get(json_object_get(doc, "signed"), "meta"), name),
		"version"));
}

static void forge(char **a)
{
	const char *dir = a[0], *role = a[1], *target = a[2], *role_key = a[3], *keys = a[4],
		   *out = a[5];
	_cleanup_(sut_freep) char *role_json = sut_sprintf("%s.json", role);
	_cleanup_(sut_freep) char *sn_key = sut_sprintf("%s/snapshot.key", keys);
	_cleanup_(sut_freep) char *ts_key = sut_sprintf("%s/timestamp.key", keys);
	_cleanup_buf_ struct sut_buf rb = SUT_BUF_INIT(SUT_TUF_TARGETS_MAX);
	_cleanup_buf_ struct sut_buf sb = SUT_BUF_INIT(SUT_TUF_SNAPSHOT_MAX);
	_cleanup_buf_ struct sut_buf tb = SUT_BUF_INIT(SUT_TUF_TIMESTAMP_MAX);
	_cleanup_json_ json_t *ts = read_doc(dir, "timestamp.json"), *sn = NULL, *rd = NULL;
	json_int_t sv = version_in(ts, "snapshot.json"), rv;
	char name[200], hash[SUT_DIGEST_HEX_MAX];

	snprintf(name, sizeof(name), "%lld.snapshot.json", (long long)sv);
	sn = read_doc(dir, name);
	snprintf(name, sizeof(name), "%lld.%s", (long long)version_in(sn, role_json), role_json);
	rd = read_doc(dir, name);
	rv = bump(rd);
	MUST(sut_digest_of(SUT_DIGEST_SHA256, "evil", 4, hash, &err));
	json_object_set_new(json_object_get(json_object_get(rd, "signed"), "targets"), target,
			    json_pack("{s:i,s:{s:s},s:{s:s}}", "length", 4, "hashes", "sha256",
				      hash, "custom", "action", "unload"));
	snprintf(name, sizeof(name), "%lld.%s", (long long)rv, role_json);
	write_doc(rd, role_key, out, name, &rb);
	refer(sn, role_json, rv, &rb);
	sv = bump(sn);
	snprintf(name, sizeof(name), "%lld.snapshot.json", (long long)sv);
	write_doc(sn, sn_key, out, name, &sb);
	refer(ts, "snapshot.json", sv, &sb);
	bump(ts);
	write_doc(ts, ts_key, out, "timestamp.json", &tb);
	printf("%lld\n", (long long)rv);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (argc >= 5 && sut_streq(what, "patch"))
		make_patch(argv[2], argv[3], argv[4], argv + 5);
	else if (argc >= 6 && sut_streq(what, "library"))
		make_library(argv[2], argv[3], argv[4], argv + 5);
	else if (argc == 4 && sut_streq(what, "payloads"))
		check_payloads(argv[2], argv[3]);
	else if ((argc == 3 || argc == 5) && sut_streq(what, "ask"))
		return ask(argv[2], argv[3], argc == 5 ? argv[4] : NULL);
	else if (argc == 8 && sut_streq(what, "forge"))
		forge(argv + 2);
	else
		return 64;
	return 0;
}
