// SPDX-License-Identifier: Apache-2.0
#include "patch_key.h"

#include <errno.h>

#include "args.h"
#include "base/secret.h"
#include "base/str.h"

int sut_patch_key_open_file(const char *path, const char *passphrase_file, const char *prompt,
			    struct sut_privkey **ret, struct sut_err *err)
{
	_cleanup_secret_ struct sut_buf phrase = SUT_BUF_INIT(SUT_PASSPHRASE_MAX);
	char id[SUT_DIGEST_HEX_MAX];
	int r = sut_key_private_file(path, NULL, ret, id, err);

	if (r != -EKEYREJECTED)
		return r;
	r = sut_passphrase_get(passphrase_file, prompt, false, &phrase, err);
	return r < 0 ? r : sut_key_private_file(path, sut_buf_str(&phrase), ret, id, err);
}

const struct sut_key *sut_patch_key_find(const struct sut_repo *r, struct sut_err *err)
{
	const char *name = r->settings.patch_key;
	const struct sut_key *k = *name ? sut_keys_find(&r->keys, name) : NULL;

	if (!k)
		sut_err_set(err, ENOENT,
			    "repo.json names no key for patches that is in keys/ (\"patch_key\"). "
			    "Make one with 'suture-repo key generate' and name it there");
	return k;
}

int sut_patch_key_open(const struct sut_repo *r, const struct sut_key *k,
		       const char *passphrase_file, struct sut_privkey **ret, struct sut_err *err)
{
	_cleanup_(sut_freep) char *path = sut_repo_path(r, "keys/%s.key", k->name);
	_cleanup_(sut_freep) char *prompt = sut_sprintf("Passphrase of the key %s", k->name);

	if (!path || !prompt)
		return sut_err_oom(err);
	return sut_patch_key_open_file(path, passphrase_file, prompt, ret, err);
}
