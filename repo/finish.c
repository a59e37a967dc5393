// SPDX-License-Identifier: Apache-2.0
/* The end of every command that changes the repository. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "cmd.h"
#include "describe.h"
#include "publish.h"

int cmd_fail(const char *name, const struct sut_err *err)
{
	fprintf(stderr, "suture-repo %s: %s\n", name, err->msg);
	return SUT_EXIT_ERROR;
}

/* Passphrases that were given; the terminal is asked once, and only when a key needs it. */
struct secrets {
	const struct cmd_finish *f;
	struct sut_buf phrase;
	bool asked;
};

static int open_key(const struct sut_repo *repo, const struct sut_key *k, struct secrets *s,
		    struct sut_privkey **ret, struct sut_err *err)
{
	_cleanup_(sut_freep) char *dir = sut_repo_path(repo, "keys");
	int r;

	if (!dir)
		return sut_err_oom(err);
	if (!s->phrase.len) {
		r = sut_key_private(dir, k->name, NULL, ret, err);
		if (r != -EKEYREJECTED || s->asked)
			return r;
		s->asked = true;
		r = sut_passphrase_get(s->f->passphrase_file, "Passphrase of the keys", false,
				       &s->phrase, err);
		if (r < 0)
			return r;
	}
	return sut_key_private(dir, k->name, sut_buf_str(&s->phrase), ret, err);
}

/* Is a signature of this key still asked for? */
static bool wanted(const struct sut_change_needs *needs, const char *id)
{
	for (size_t i = 0; i < needs->n; i++)
		if (needs->v[i].have < needs->v[i].threshold && sut_strv_has(&needs->v[i].ids, id))
			return true;
	return false;
}

/* Signs with keys that are here until nothing is missing. No more than needed: every signature is
 * bytes that each client reads. */
static int sign_here(struct sut_change *c, struct secrets *s, bool *ret_signed, struct sut_err *err)
{
	struct sut_repo *repo = c->repo;

	for (size_t i = 0; i < repo->keys.n; i++) {
		_cleanup_(sut_change_needs_release) struct sut_change_needs needs = {0};
		_cleanup_(sut_privkey_freep) struct sut_privkey *key = NULL;
		const struct sut_key *k = &repo->keys.v[i];
		struct sut_err why = {0};
		size_t n;
		int r = sut_change_needs(c, &needs, err);

		if (r < 0 || !needs.unmet)
			return r;
		if (!k->has_private || !wanted(&needs, k->id))
			continue;
		r = open_key(repo, k, s, &key, &why);
		if (r == -ENOTTY)
			return 0;
		if (r < 0) {
			fprintf(stderr, "suture-repo: not signed with %s: %s\n", k->name, why.msg);
			continue;
		}
		r = sut_change_sign(c, key, &n, err);
		if (r < 0)
			return r;
		*ret_signed = true;
	}
	return 0;
}

static int say_needs(const struct sut_change *c)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(1 << 20);
	struct sut_err err = {0};

	if (sut_describe_needs(c, &b, &err) < 0)
		return cmd_fail("show-change", &err);
	printf("The change is staged in %s/staged, not published.\n%s", c->repo->dir,
	       sut_buf_str(&b));
	return SUT_EXIT_STAGED;
}

static int publish(struct sut_repo *repo, struct sut_change *c)
{
	struct sut_err err = {0};

	if (sut_publish(repo, c, &err) == 0) {
		printf("published\n");
		return SUT_EXIT_OK;
	}
	fprintf(stderr, "suture-repo publish: %s\n", err.msg);
	printf("The change is staged with all its signatures; 'suture-repo publish' publishes "
	       "it.\n");
	return sut_streq(err.reason, "no-signer") ? SUT_EXIT_STAGED : SUT_EXIT_ERROR;
}

int cmd_finish(struct sut_repo *repo, struct sut_change *c, const struct cmd_finish *f)
{
	_cleanup_(sut_change_needs_release) struct sut_change_needs needs = {0};
	struct secrets s = {.f = f, .phrase = SUT_BUF_INIT(SUT_PASSPHRASE_MAX)};
	struct sut_err err = {0};
	bool signed_ = false;
	int r;

	if (sut_change_empty(c)) {
		printf("nothing to change\n");
		return SUT_EXIT_OK;
	}
	if (sut_change_save(c, &err) < 0)
		return cmd_fail("change", &err);
	if (f->stage)
		return say_needs(c);
	r = sign_here(c, &s, &signed_, &err);
	sut_secret_release(&s.phrase);
	if (r == 0 && signed_)
		r = sut_change_save(c, &err);
	if (r == 0)
		r = sut_change_needs(c, &needs, &err);
	if (r < 0)
		return cmd_fail("sign", &err);
	return needs.unmet ? say_needs(c) : publish(repo, c);
}
