// SPDX-License-Identifier: Apache-2.0
#include "modkey.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"
#include "keys.h"

static int refuse_existing(const char *path, struct sut_err *err)
{
	return sut_exists(path) ? sut_err_set(err, EEXIST,
					      "%s is there already. Give another name, or move it "
					      "away",
					      path)
				: 0;
}

int sut_modkey_generate(const char *key_path, const char *cert_path, const char *common_name,
			int64_t now, unsigned int days, const char *passphrase, struct sut_err *err)
{
	_cleanup_secret_ struct sut_buf key = SUT_BUF_INIT(SUT_KEY_PEM_MAX);
	_cleanup_buf_ struct sut_buf cert = SUT_BUF_INIT(SUT_MODSIGN_CERT_MAX);
	int r = refuse_existing(key_path, err);

	if (r == 0)
		r = refuse_existing(cert_path, err);
	if (r == 0)
		r = sut_modsign_key_generate(common_name, now, days, passphrase, &key, &cert, err);
	/* A certificate without its key does no harm; a key without its certificate would. */
	if (r == 0)
		r = sut_file_write(cert_path, cert.data, cert.len, 0644, err);
	return r < 0 ? r : sut_file_write(key_path, key.data, key.len, 0600, err);
}

static int read_private(const char *path, struct sut_buf *b, struct sut_err *err)
{
	_cleanup_(sut_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return sut_err_errno(err, "cannot open the key %s", path);
	if (st.st_mode & 077)
		return sut_err_reason(err, EPERM, "permissions",
				      "%s can be read by others than its owner; run 'chmod 600 %s' "
				      "if nobody has, and make another key if somebody may have",
				      path, path);
	return sut_file_read_fd(fd, path, b, err);
}

static int load(const struct sut_buf *key, const struct sut_buf *cert, const char *passphrase,
		struct sut_modsign_key **ret, struct sut_err *err)
{
	return sut_modsign_key_load(sut_buf_str(key), key->len, passphrase, sut_buf_str(cert),
				    cert->len, ret, err);
}

int sut_modkey_open(const char *key_path, const char *cert_path, const char *passphrase_file,
		    struct sut_modsign_key **ret, struct sut_err *err)
{
	_cleanup_secret_ struct sut_buf key = SUT_BUF_INIT(SUT_KEY_PEM_MAX);
	_cleanup_secret_ struct sut_buf passphrase = SUT_BUF_INIT(SUT_PASSPHRASE_MAX);
	_cleanup_buf_ struct sut_buf cert = SUT_BUF_INIT(SUT_MODSIGN_CERT_MAX);
	int r = read_private(key_path, &key, err);

	if (r == 0)
		r = sut_file_read(cert_path, &cert, err);
	if (r < 0)
		return r;
	r = load(&key, &cert, NULL, ret, err);
	if (r == -EKEYREJECTED) {
		r = sut_passphrase_get(passphrase_file, "Passphrase of the module key", false,
				       &passphrase, err);
		if (r == 0)
			r = load(&key, &cert, sut_buf_str(&passphrase), ret, err);
	}
	if (r < 0)
		sut_err_prefix(err, "%s, %s", key_path, cert_path);
	return r;
}
