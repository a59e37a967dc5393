// SPDX-License-Identifier: Apache-2.0
/* The key by which this system signs what it says about jobs. */
#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "base/secret.h"
#include "common/paths.h"
#include "crypto/minisign.h"
#include "sutured/job.h"

int job_key_fact(const struct sut_privkey *k, char ret[static JOB_KEY_FACT], struct sut_err *err)
{
	_cleanup_(sut_pubkey_freep) struct sut_pubkey *public = NULL;
	_cleanup_buf_ struct sut_buf text = SUT_BUF_INIT(SUT_MINISIGN_FILE_MAX);
	struct sut_minisign_pub pub;
	const char *line;
	int r = sut_privkey_public(k, &public, err);

	if (r == 0)
		r = sut_minisign_pub_of(public, &pub, err);
	if (r == 0)
		r = sut_minisign_pub_format(&pub, "system", &text, err);
	if (r < 0)
		return r;
	line = strchr(sut_buf_str(&text), '\n');
	if (!line || strcspn(line + 1, "\n") != JOB_KEY_FACT - 1)
		return sut_err_set(err, EINVAL, "the public key has another form than it should");
	memcpy(ret, line + 1, JOB_KEY_FACT - 1);
	ret[JOB_KEY_FACT - 1] = '\0';
	return 0;
}

int job_key_read(const char *root, struct sut_privkey **ret, struct sut_err *err)
{
	_cleanup_secret_ struct sut_buf b = SUT_BUF_INIT(SUT_KEY_PEM_MAX);
	_cleanup_(sut_privkey_freep) struct sut_privkey *k = NULL;
	struct agent_path path = agent_path(root, AGENT_JOB_KEY);
	char fact[JOB_KEY_FACT];
	int r = sut_file_read(path.s, &b, err);

	if (r == -ENOENT)
		return sut_err_reason(err, ENOENT, "not-registered",
				      "this machine has no key of its own to sign results with: "
				      "it is not registered. Register it: suture register");
	if (r == 0)
		r = sut_privkey_decode(sut_buf_str(&b), b.len, NULL, &k, err);
	if (r == 0)
		r = job_key_fact(k, fact, err);
	if (r < 0)
		return r == -ENOMEM ? r : sut_err_prefix(err, "%s", path.s);
	*ret = sut_steal(k);
	return 0;
}

static int make(const char *path, struct sut_privkey **ret, struct sut_err *err)
{
	_cleanup_secret_ struct sut_buf pem = SUT_BUF_INIT(SUT_KEY_PEM_MAX);
	_cleanup_(sut_privkey_freep) struct sut_privkey *k = NULL;
	int r = sut_privkey_new(SUT_KEY_ED25519, &k, err);

	if (r == 0)
		r = sut_privkey_encode(k, NULL, &pem, err);
	if (r == 0)
		r = sut_file_write(path, pem.data, pem.len, 0600, err);
	if (r == 0)
		*ret = sut_steal(k);
	return r;
}

int job_key_make(const char *root, bool fresh, char ret_fact[static JOB_KEY_FACT],
		 struct sut_err *err)
{
	_cleanup_(sut_privkey_freep) struct sut_privkey *k = NULL;
	struct agent_path path = agent_path(root, AGENT_JOB_KEY);
	int r = fresh ? -ENOENT : job_key_read(root, &k, err);

	/* One that is damaged signs nothing any more: the portal hears of another. */
	if (r == -ENOENT || r == -EBADMSG || r == -EFBIG || r == -EOPNOTSUPP || r == -EINVAL ||
	    r == -EKEYREJECTED)
		r = make(path.s, &k, err);
	return r < 0 ? r : job_key_fact(k, ret_fact, err);
}
