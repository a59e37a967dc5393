// SPDX-License-Identifier: Apache-2.0
/*
 * Throwaway keys and signatures of patch files, for the scenarios and the demo.
 * Keys are not encrypted: nothing real may be signed with them.
 *
 * usage: sign key NAME                    NAME.key and NAME.pub
 *        sign patch KEY PATCH [CLAIM]     PATCH.sig; with CLAIM it says about PATCH what
 *                                         is true of that other patch
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/str.h"
#include "crypto/minisign.h"
#include "patch/container.h"
#include "patch/signature.h"

static int die(const struct sut_err *err)
{
	fprintf(stderr, "sign: %s\n", err->msg);
	return 1;
}

static int put(const char *name, const char *suffix, const struct sut_buf *b, mode_t mode,
	       struct sut_err *err)
{
	_cleanup_(sut_freep) char *path = sut_sprintf("%s%s", name, suffix);

	return path ? sut_file_write(path, b->data, b->len, mode, err) : sut_err_oom(err);
}

static int new_key(const char *name, struct sut_err *err)
{
	_cleanup_(sut_privkey_freep) struct sut_privkey *key = NULL;
	_cleanup_(sut_pubkey_freep) struct sut_pubkey *public = NULL;
	_cleanup_secret_ struct sut_buf pem = SUT_BUF_INIT(SUT_KEY_PEM_MAX);
	_cleanup_buf_ struct sut_buf pub = SUT_BUF_INIT(SUT_MINISIGN_FILE_MAX);
	struct sut_minisign_pub mini;
	int r = sut_privkey_new(SUT_KEY_ED25519, &key, err);

	if (r == 0)
		r = sut_privkey_encode(key, NULL, &pem, err);
	if (r == 0)
		r = sut_privkey_public(key, &public, err);
	if (r == 0)
		r = sut_minisign_pub_of(public, &mini, err);
	if (r == 0)
		r = sut_minisign_pub_format(&mini, "throwaway key of a test", &pub, err);
	if (r == 0)
		r = put(name, ".key", &pem, 0600, err);
	return r < 0 ? r : put(name, ".pub", &pub, 0644, err);
}

static int sign(const char *key_file, const char *patch, const char *claim, struct sut_err *err)
{
	_cleanup_(sut_privkey_freep) struct sut_privkey *key = NULL;
	_cleanup_secret_ struct sut_buf pem = SUT_BUF_INIT(SUT_KEY_PEM_MAX);
	_cleanup_buf_ struct sut_buf data = SUT_BUF_INIT(SUT_PATCH_FILE_MAX),
				     sig = SUT_BUF_INIT(SUT_MINISIGN_FILE_MAX);
	_cleanup_(sut_patch_freep) struct sut_patch *p = NULL;
	_cleanup_(sut_manifest_freep) struct sut_manifest *m = NULL;
	int r = sut_file_read(key_file, &pem, err);

	if (r == 0)
		r = sut_privkey_decode(sut_buf_str(&pem), pem.len, NULL, &key, err);
	if (r == 0)
		r = sut_file_read(patch, &data, err);
	if (r == 0)
		r = sut_patch_read(claim, &p, err);
	if (r == 0)
		r = sut_manifest_load(p->manifest, &m, err);
	if (r == 0)
		r = sut_patch_sign(key, m, data.data, data.len, time(NULL), &sig, err);
	return r < 0 ? r : put(patch, ".sig", &sig, 0644, err);
}

int main(int argc, char **argv)
{
	struct sut_err err = {0};

	if (argc == 3 && sut_streq(argv[1], "key"))
		return new_key(argv[2], &err) < 0 ? die(&err) : 0;
	if ((argc == 4 || argc == 5) && sut_streq(argv[1], "patch"))
		return sign(argv[2], argv[3], argv[argc - 1], &err) < 0 ? die(&err) : 0;
	fprintf(stderr, "usage: sign key NAME | sign patch KEY PATCH [CLAIM]\n");
	return 1;
}
