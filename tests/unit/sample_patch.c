// SPDX-License-Identifier: Apache-2.0
#include "sample_patch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "base/str.h"
#include "crypto/sha256.h"
#include "patch/expect.h"
#include "sample_library.h"
#include "patch/tar.h"

static uint8_t ko[700];
static uint8_t fix[] = "--- a/net/unix/af_unix.c\n+++ b/net/unix/af_unix.c\n@@ -1 +1 @@\n-a\n+b\n";

static const char manifest_text[] =
	"{'format':'suture-patch','version':1,'id':'K20261121_01','level':3,"
	"'created':'2026-11-21T20:15:00Z','generator':'suture-build 0.1.0',"
	"'target':{'kind':'kernel','name':'debian/6.1.0-47-cloud-amd64','arch':'x86_64',"
	"'release':'6.1.0-47-cloud-amd64','package':'linux-image-6.1.0-47-cloud-amd64',"
	"'package_version':'6.1.170-3','build_id':'" SAMPLE_BUILD_ID "'},"
	"'engine':{'abi':1},'cves':['CVE-2026-52928'],"
	"'fixes':[{'member':'fix-1.patch','sha256':'@','files':['net/unix/af_unix.c']}],"
	"'objects':[{'object':'vmlinux','payload':'vmlinux.ko','module':'suture_k20261121_01',"
	"'expect':'vmlinux.expect','keep':false,"
	"'functions':[{'name':'unix_ioctl','source':'net/unix/af_unix.c',"
	"'address':'0xffffffff81b0a000','size':16,'new_size':20,'redirect':'jump-fentry',"
	"'children':[{'name':'unix_ioctl.cold','address':'0xffffffff81e0b000','size':8}]}],"
	"'new_functions':[{'name':'unix_check','size':40}],'new_data':[{'name':'unix_seen',"
	"'size':4}],"
	"'anchors':[{'symbol':'unix_gc','address':'0xffffffff81b0c000','via':'_printk'}]}],"
	"'busy':['unix_stream_read_generic']}";

_Noreturn static void broken(const char *what)
{
	fprintf(stderr, "the fixture is broken: %s\n", what);
	abort();
}

static const char library_text[] =
	"{'format':'suture-patch','version':1,'id':'U20261121_01','level':2,"
	"'created':'2026-11-21T20:15:00Z','generator':'suture-build 0.1.0',"
	"'target':{'kind':'library','name':'debian/libexpat1=2.5.0-1+deb12u1','arch':'x86_64',"
	"'file':'/usr/lib/x86_64-linux-gnu/libexpat.so.1.8.10','soname':'libexpat.so.1',"
	"'package':'libexpat1','package_version':'2.5.0-1+deb12u1','source':'expat',"
	"'source_version':'2.5.0-1+deb12u1','build_id':'" SAMPLE_LIBRARY_BUILD_ID "'},"
	"'engine':{'abi':1},'cves':['CVE-2023-52425'],"
	"'fixes':[{'member':'fix-1.patch','sha256':'@','files':['expat/lib/xmlparse.c']}],"
	"'objects':[{'object':'libexpat.so.1','payload':'libexpat.bin',"
	"'functions':[{'name':'lookup','source':'expat/lib/xmlparse.c',"
	"'address':'0x1100','size':30,'new_size':64,'redirect':'jump-entry',"
	"'children':[{'name':'lookup.cold','address':'0x1080','size':8}]},"
	"{'name':'tiny','address':'0x1140','size':3,'new_size':32,"
	"'redirect':'jump-island'}],"
	"'new_functions':[{'name':'callStoreEntityValue','size':40}],"
	"'new_data':[{'name':'g_reparseDeferralEnabledDefault','size':1}],"
	"'imports':[{'name':'getauxval','version':'GLIBC_2.16'},{'name':'lookup'}]}],"
	"'busy':['caller']}";

static json_t *manifest_of(const char *template)
{
	char text[sizeof(manifest_text) + sizeof(library_text)], hex[SUT_SHA256_HEX], *at;
	json_error_t je;
	json_t *j;

	memcpy(text, template, strlen(template) + 1);
	for (char *p = text; *p; p++)
		if (*p == '\'')
			*p = '"';
	sut_sha256_hex(fix, sizeof(fix) - 1, hex);
	at = strchr(text, '@');
	memmove(at + 64, at + 1, strlen(at + 1) + 1);
	memcpy(at, hex, 64);
	j = json_loads(text, JSON_REJECT_DUPLICATES, &je);
	if (!j)
		broken(je.text);
	return j;
}

json_t *sample_manifest(void)
{
	return manifest_of(manifest_text);
}

json_t *sample_library_manifest(void)
{
	return manifest_of(library_text);
}

void sample_expect(struct sut_buf *out)
{
	static const uint8_t code[16] = {0xe8, 0,    0, 0, 0, 0x41, 0x57, 0x48,
					 0xc7, 0xc7, 0, 0, 0, 0,    0xc3, 0x90};
	static const uint8_t mask[16] = {0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 4, 4, 4, 0, 1};
	static const uint8_t mask64[8] = {3, 4, 4, 4, 4, 4, 4, 4};
	const struct sut_expect_func funcs[] = {
		{"unix_ioctl", 0xffffffff81b0a000, 16,
		 SUTURE_EXPECT_REPLACE | SUTURE_EXPECT_NOSTACK, SUTURE_REDIRECT_JUMP_FENTRY, 5,
		 code, mask},
		{"unix_ioctl.cold", 0xffffffff81e0b000, 8, SUTURE_EXPECT_NOSTACK,
		 SUTURE_REDIRECT_NONE, 0, code, mask64},
		{"unix_stream_read_generic", 0xffffffff81b09000, 5, SUTURE_EXPECT_NOSTACK,
		 SUTURE_REDIRECT_NONE, 0, code, mask},
	};
	uint8_t build_id[SUTURE_BUILD_ID_LEN];
	struct sut_expect *x = NULL;
	struct sut_err err = {0};

	if (sut_unhex(SAMPLE_BUILD_ID, build_id, sizeof(build_id)) < 0 ||
	    sut_expect_new(build_id, 0xffffffff810e0000, &x, &err) < 0)
		broken("build-id");
	for (size_t i = 0; i < SUT_ARRAY_SIZE(funcs); i++)
		if (sut_expect_add(x, &funcs[i], &err) < 0)
			broken(err.msg);
	if (sut_expect_finish(x, out, &err) < 0)
		broken(err.msg);
	sut_expect_free(x);
}

void sample_members(const struct sut_buf *expect, struct sut_member out[static SAMPLE_MEMBERS])
{
	/* Not compressible, so that a flipped byte of the file is one of these too. */
	for (size_t i = 0; i < sizeof(ko); i++)
		ko[i] = (uint8_t)(i * 167 + (i >> 3) * 31);
	out[0] = (struct sut_member){(char *)"vmlinux.ko", ko, sizeof(ko)};
	out[1] = (struct sut_member){(char *)"vmlinux.expect", expect->data, expect->len};
	out[2] = (struct sut_member){(char *)"fix-1.patch", fix, sizeof(fix) - 1};
}

static void pack(json_t *manifest, struct sut_buf *out)
{
	_cleanup_buf_ struct sut_buf expect = SUT_BUF_INIT(SUTURE_MAX_EXPECT);
	struct sut_member members[SAMPLE_MEMBERS];
	struct sut_err err = {0};

	sample_expect(&expect);
	sample_members(&expect, members);
	if (sut_patch_pack(manifest, members, SAMPLE_MEMBERS, SAMPLE_MTIME, out, &err) < 0)
		broken(err.msg);
}

json_t *sample_manifest_full(void)
{
	_cleanup_buf_ struct sut_buf out = SUT_BUF_INIT(SUT_PATCH_FILE_MAX);
	json_t *j = sample_manifest();

	pack(j, &out);
	return j;
}

void sample_patch(struct sut_buf *out)
{
	json_t *j = sample_manifest();

	pack(j, out);
	json_decref(j);
}

/* A payload for the build-id of the manifest. */
static void payload_of(const json_t *manifest, struct sut_buf *out)
{
	static struct sample_library sample;
	const char *id =
		json_string_value(json_object_get(json_object_get(manifest, "target"), "build_id"));
	struct sut_err err = {0};

	sample_library(&sample);
	if (sut_unhex(id, sample.l.build_id, sizeof(sample.l.build_id)) < 0 ||
	    sut_library_write(&sample.l, out, &err) < 0)
		broken(err.msg);
}

void sample_library_pack(json_t *manifest, struct sut_buf *out)
{
	_cleanup_buf_ struct sut_buf payload = SUT_BUF_INIT(SUT_LIBRARY_MAX);
	struct sut_member members[] = {
		{(char *)"libexpat.bin", NULL, 0},
		{(char *)"fix-1.patch", fix, sizeof(fix) - 1},
	};
	struct sut_err err = {0};

	payload_of(manifest, &payload);
	members[0].data = payload.data;
	members[0].len = payload.len;
	if (sut_patch_pack(manifest, members, SUT_ARRAY_SIZE(members), SAMPLE_MTIME, out, &err) < 0)
		broken(err.msg);
}

json_t *sample_library_manifest_full(void)
{
	_cleanup_buf_ struct sut_buf out = SUT_BUF_INIT(SUT_PATCH_FILE_MAX);
	json_t *j = sample_library_manifest();

	sample_library_pack(j, &out);
	return j;
}

void sample_library_patch(struct sut_buf *out)
{
	json_t *j = sample_library_manifest();

	sample_library_pack(j, out);
	json_decref(j);
}

void sample_tar(struct sut_buf *out)
{
	_cleanup_buf_ struct sut_buf patch = SUT_BUF_INIT(SUT_PATCH_FILE_MAX);
	size_t n;

	sample_patch(&patch);
	n = (size_t)ZSTD_getFrameContentSize(patch.data, patch.len);
	if (sut_buf_addzero(out, n) < 0 ||
	    ZSTD_decompress(out->data, n, patch.data, patch.len) != n)
		broken("zstd");
}

void sample_compress(const struct sut_buf *tar, struct sut_buf *out)
{
	uint8_t trailer[8 + SUT_SHA256_LEN];
	ZSTD_CCtx *ctx = ZSTD_createCCtx();
	size_t bound = ZSTD_compressBound(tar->len), n;

	if (!ctx || sut_buf_reserve(out, bound) < 0)
		broken("memory");
	ZSTD_CCtx_setParameter(ctx, ZSTD_c_compressionLevel, 1);
	ZSTD_CCtx_setParameter(ctx, ZSTD_c_checksumFlag, 1);
	n = ZSTD_compress2(ctx, out->data, bound, tar->data ? tar->data : (uint8_t *)"", tar->len);
	ZSTD_freeCCtx(ctx);
	if (ZSTD_isError(n))
		broken(ZSTD_getErrorName(n));
	out->len = n;
	memcpy(trailer, "\x50\x2a\x4d\x18\x20\0\0\0", 8);
	sut_sha256(out->data, n, trailer + 8);
	if (sut_buf_add(out, trailer, sizeof(trailer)) < 0)
		broken("memory");
}
