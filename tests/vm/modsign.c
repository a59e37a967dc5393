// SPDX-License-Identifier: Apache-2.0
/*
 * Gives a module, or the payloads of a patch file, the kernel's signature.
 *
 * usage: modsign KEY.pem CERT.pem IN OUT
 */
#include <stdio.h>

#include "base/file.h"
#include "base/str.h"
#include "crypto/key.h"
#include "patch/modsign.h"

static int fail(const struct sut_err *err)
{
	fprintf(stderr, "modsign: %s\n", err->msg);
	return 1;
}

static int load(const char *key_path, const char *cert_path, struct sut_modsign_key **ret,
		struct sut_err *err)
{
	_cleanup_secret_ struct sut_buf key = SUT_BUF_INIT(SUT_KEY_PEM_MAX);
	_cleanup_buf_ struct sut_buf cert = SUT_BUF_INIT(SUT_MODSIGN_CERT_MAX);
	int r = sut_file_read(key_path, &key, err);

	if (r == 0)
		r = sut_file_read(cert_path, &cert, err);
	return r < 0 ? r
		     : sut_modsign_key_load(sut_buf_str(&key), key.len, NULL, sut_buf_str(&cert),
					    cert.len, ret, err);
}

static int sign(const struct sut_modsign_key *k, const char *path, struct sut_buf *out,
		struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf in = SUT_BUF_INIT(SUT_PATCH_FILE_MAX);
	_cleanup_(sut_patch_freep) struct sut_patch *p = NULL;
	int r;

	if (sut_endswith(path, ".bin")) {
		r = sut_patch_read(path, &p, err);
		return r < 0 ? r : sut_patch_sign_payloads(p, k, out, err);
	}
	r = sut_file_read(path, &in, err);
	return r < 0 ? r : sut_modsign_sign(k, in.data, in.len, out, err);
}

int main(int argc, char **argv)
{
	_cleanup_buf_ struct sut_buf out = SUT_BUF_INIT(SUT_PATCH_FILE_MAX);
	_cleanup_(sut_modsign_key_freep) struct sut_modsign_key *k = NULL;
	struct sut_err err = {0};

	if (argc != 5) {
		fprintf(stderr, "usage: modsign KEY.pem CERT.pem IN OUT\n");
		return 1;
	}
	if (load(argv[1], argv[2], &k, &err) < 0 || sign(k, argv[3], &out, &err) < 0 ||
	    sut_file_write(argv[4], out.data, out.len, 0644, &err) < 0)
		return fail(&err);
	return 0;
}
