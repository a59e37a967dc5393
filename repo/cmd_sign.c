// SPDX-License-Identifier: Apache-2.0
/* suture-repo sign: adds signatures to a change, in a repository or on a machine that has only the change. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "args.h"
#include "base/file.h"
#include "base/str.h"
#include "basis.h"
#include "describe.h"

static const char usage_text[] =
	"usage: suture-repo sign [--key FILE]... [--root FILE] [--passphrase-file FILE] [FILE|DIR]\n"
	"\n"
	"Shows in plain words what is about to be signed, and signs it. FILE is a change.json, DIR\n"
	"a folder with one, or a repository; default: the current folder. An offline machine needs\n"
	"nothing else: carry staged/change.json there, and back to its place, or give the copy to\n"
	"'suture-repo publish'.\n"
	"\n"
	"  --key FILE              a private key; may be given several times; default: the keys\n"
	"                          of the repository\n"
	"  --root FILE             a root that you know: the change must be made for it, or for one\n"
	"                          that its keys signed. Without it, compare the SHA-256 shown\n"
	"  --passphrase-file FILE  passphrase of the keys: the first line of FILE;\n"
	"                          default: asked on the terminal\n"
	"  --repo DIR              the same as DIR\n";

struct sign {
	struct args args;
	struct sut_strv keys;
	const char *at;	  /* what was named */
	const char *root; /* what the signer knows, or NULL */
	char *file;	  /* change.json */
	struct sut_buf phrase;
};

/* A repository is locked, so that nobody edits the change meanwhile. */
static int open_repo(struct sign *s, struct sut_repo **ret, struct sut_err *err)
{
	_cleanup_(sut_freep) char *settings = sut_sprintf("%s/repo.json", s->at);

	if (!settings)
		return sut_err_oom(err);
	return sut_exists(settings) ? sut_repo_open(s->at, time(NULL), ret, err) : 0;
}

static int find_file(struct sign *s, const struct sut_repo *repo, struct sut_err *err)
{
	struct stat st;

	if (stat(s->at, &st) < 0)
		return sut_err_errno(err, "cannot find %s", s->at);
	if (!S_ISDIR(st.st_mode))
		s->file = strdup(s->at);
	else
		s->file = sut_sprintf("%s/%schange.json", s->at, repo ? "staged/" : "");
	if (!s->file)
		return sut_err_oom(err);
	if (!sut_exists(s->file))
		return sut_err_set(err, ENOENT, "there is no change to sign: %s is not there",
				   s->file);
	return 0;
}

static int read_change(struct sign *s, struct sut_change **ret, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_CHANGE_MAX);
	int r = sut_file_read(s->file, &b, err);

	if (r == 0)
		r = sut_change_parse(b.data, b.len, ret, err);
	if (r < 0)
		sut_err_prefix(err, "%s", s->file);
	return r;
}

/* In a repository, what is published is known from the first root on. */
static int open_change(const struct sign *s, struct sut_repo *repo, struct sut_change **ret,
		       struct sut_err *err)
{
	_cleanup_(sut_change_freep) struct sut_change *c = NULL;
	int r = sut_change_open(repo, &c, err);

	if (r < 0)
		return r;
	if (sut_change_empty(c))
		return sut_err_set(err, ENOENT,
				   "there is no change to sign: that of %s is published", s->at);
	*ret = sut_steal(c);
	return 0;
}

static int read_root(const char *path, struct sut_tuf_meta **ret, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_TUF_ROOT_MAX);
	int r = sut_file_read(path, &b, err);

	return r < 0 ? r : sut_tuf_meta_parse(b.data, b.len, SUT_TUF_ROOT, path, ret, err);
}

/* What the description is compared with must be what is published. */
static int check_basis(const struct sign *s, const struct sut_change *c, struct sut_err *err)
{
	_cleanup_(sut_tuf_meta_freep) struct sut_tuf_meta *known = NULL;
	char sha256[SUT_DIGEST_HEX_MAX];
	int64_t version = 0;
	int r = s->root ? read_root(s->root, &known, err) : 0;

	if (r == 0)
		r = sut_basis_check(c, known, err);
	if (r == 0)
		r = sut_basis_root(c, &version, sha256, err);
	if (r < 0)
		return r;
	if (!version)
		printf("This begins a new repository.\n");
	else if (known || c->repo)
		printf("Compared with what version %lld of root vouches for:\n",
		       (long long)version);
	else
		printf("Compared with what version %lld of root vouches for, which came with the "
		       "change:\n  SHA-256 %s\nMake sure that it is yours: give --root FILE, or "
		       "compare this with what you signed last.\n\n",
		       (long long)version, sha256);
	return 0;
}

static int write_change(const struct sign *s, const struct sut_change *c, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_CHANGE_MAX);
	int r = sut_change_format(c, &b, err);

	return r < 0 ? r : sut_file_write(s->file, b.data, b.len, 0644, err);
}

static int show(const struct sut_change *c, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_DESCRIBE_MAX);
	int r = sut_describe_change(c, time(NULL), &b, err);

	if (r == 0)
		printf("%s\n", sut_buf_str(&b));
	return r;
}

static bool agreed(void)
{
	char line[16];

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return true;
	printf("Sign this? [y/N] ");
	fflush(stdout);
	return fgets(line, sizeof(line), stdin) && (line[0] == 'y' || line[0] == 'Y');
}

static int sign_with(struct sign *s, struct sut_change *c, const char *file, struct sut_err *err)
{
	_cleanup_(sut_privkey_freep) struct sut_privkey *key = NULL;
	_cleanup_(sut_freep) char *prompt = sut_sprintf("Passphrase of %s", file);
	char id[SUT_DIGEST_HEX_MAX];
	size_t n;
	int r = prompt ? sut_key_private_file(file, s->phrase.len ? sut_buf_str(&s->phrase) : NULL,
					      &key, id, err)
		       : sut_err_oom(err);

	/* Each key may have a passphrase of its own; the one of the last key is tried first. */
	if (r == -EKEYREJECTED && sut_streq(err->reason, "passphrase") &&
	    !(s->args.finish.passphrase_file && s->phrase.len)) {
		sut_secret_release(&s->phrase);
		r = sut_passphrase_get(s->args.finish.passphrase_file, prompt, false, &s->phrase,
				       err);
		if (r == 0)
			r = sut_key_private_file(file, sut_buf_str(&s->phrase), &key, id, err);
	}
	if (r < 0)
		return r;
	r = sut_change_sign(c, key, &n, err);
	if (r < 0)
		return r;
	if (n)
		printf("%s: signed %zu file%s\n", file, n, n == 1 ? "" : "s");
	else
		printf("%s: has nothing to sign in this change, or has signed it before\n", file);
	return 0;
}

/* Keys of the repository whose signatures are asked for. */
static int add_repo_keys(struct sign *s, const struct sut_repo *repo, const struct sut_change *c,
			 struct sut_err *err)
{
	_cleanup_(sut_change_needs_release) struct sut_change_needs needs = {0};
	int r = sut_change_needs(c, &needs, err);

	for (size_t i = 0; r == 0 && i < repo->keys.n; i++) {
		const struct sut_key *k = &repo->keys.v[i];
		_cleanup_(sut_freep) char *path = sut_repo_path(repo, "keys/%s.key", k->name);

		for (size_t j = 0; k->has_private && j < needs.n; j++)
			if (needs.v[j].have < needs.v[j].threshold &&
			    sut_strv_has(&needs.v[j].ids, k->id)) {
				if (!path || sut_strv_add(&s->keys, path) < 0)
					return sut_err_oom(err);
				break;
			}
	}
	if (r == 0 && !s->keys.n)
		r = sut_err_set(err, ENOKEY,
				"no key here can sign this change; name one with --key");
	return r;
}

static int run(struct sign *s, struct sut_err *err)
{
	_cleanup_(sut_repo_freep) struct sut_repo *repo = NULL;
	_cleanup_(sut_change_freep) struct sut_change *c = NULL;
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_DESCRIBE_MAX);
	int r = open_repo(s, &repo, err);

	if (r == 0)
		r = find_file(s, repo, err);
	if (r == 0)
		r = repo ? open_change(s, repo, &c, err) : read_change(s, &c, err);
	if (r == 0)
		r = check_basis(s, c, err);
	if (r == 0)
		r = show(c, err);
	if (r == 0 && !s->keys.n && !repo)
		r = sut_err_set(err, ENOKEY, "name the key to sign with: --key FILE");
	if (r == 0 && !s->keys.n)
		r = add_repo_keys(s, repo, c, err);
	if (r == 0 && !agreed())
		r = sut_err_set(err, ECANCELED, "nothing was signed");
	for (size_t i = 0; r == 0 && i < s->keys.n; i++)
		r = sign_with(s, c, s->keys.v[i], err);
	if (r == 0)
		r = write_change(s, c, err);
	if (r == 0)
		r = sut_describe_needs(c, &b, err);
	if (r == 0)
		printf("\n%s", sut_buf_str(&b));
	return r;
}

int cmd_sign(int argc, char **argv)
{
	enum { OPT_KEY = ARG_OWN, OPT_ROOT };
	static const struct option options[] = {
		ARGS_REPO,
		{"passphrase-file", required_argument, NULL, ARG_PASSPHRASE},
		{"key", required_argument, NULL, OPT_KEY},
		{"root", required_argument, NULL, OPT_ROOT},
		{0},
	};
	struct sign s = {
		.args = ARGS("sign", usage_text),
		.phrase = SUT_BUF_INIT(SUT_PASSPHRASE_MAX),
	};
	struct sut_err err = {0};
	int opt, end = SUT_EXIT_OK;

	while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (opt == OPT_KEY) {
			if (sut_strv_add(&s.keys, optarg) < 0)
				end = cmd_fail("sign", (sut_err_oom(&err), &err));
		} else if (opt == OPT_ROOT) {
			s.root = optarg;
		} else if (!args_common(&s.args, opt, &end)) {
			sut_strv_release(&s.keys);
			return end;
		}
	}
	if (optind + 1 < argc)
		end = args_usage(&s.args, "name one file or folder");
	s.at = optind < argc ? argv[optind] : s.args.repo;
	if (end == SUT_EXIT_OK && run(&s, &err) < 0)
		end = cmd_fail("sign", &err);
	sut_secret_release(&s.phrase);
	sut_strv_release(&s.keys);
	free(s.file);
	return end;
}
