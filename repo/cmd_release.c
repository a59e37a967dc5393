// SPDX-License-Identifier: Apache-2.0
/* suture-repo release, sign-patch: from a patch file to what servers download. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "args.h"
#include "base/file.h"
#include "base/str.h"
#include "modkey.h"
#include "patch_key.h"
#include "release.h"
#include "tuf/json.h"

static const char release_usage[] =
	"usage: suture-repo release FILE... [OPTION]...\n"
	"\n"
	"Checks each patch file, signs it with the patch key, and publishes it with its signature\n"
	"and its metadata: all of it, or nothing.\n"
	"\n"
	"  --sig FILE          the signature, made elsewhere by 'sign-patch'; for one patch.\n"
	"                      Without it FILE.sig is used when the patch key is not here\n"
	"  --module-key FILE   sign the kernel modules inside, too (PEM; docs/internals/modsign.md)\n"
	"  --module-cert FILE  the certificate of that key\n"
	"  --force --reason TEXT\n"
	"                      also a level that is not higher than what is released\n"
	"  --dry-run           every check, and nothing is changed\n"
	"  --json              one object on stdout\n" ARGS_CHANGE_HELP;

static const char sign_usage[] =
	"usage: suture-repo sign-patch FILE --key KEY [OPTION]...\n"
	"\n"
	"Checks a patch file and writes FILE.sig, in minisign's format. Needs no repository.\n"
	"\n"
	"  --key FILE              private key (Ed25519, PEM)\n"
	"  -o, --output FILE       the signature; default: the patch file with .sig\n"
	"  --passphrase-file FILE  passphrase of the key: the first line of FILE;\n"
	"                          default: asked on the terminal\n";

struct release {
	struct args args;
	const char *sig, *module_key, *module_cert, *reason;
	bool force, dry_run, json;
	struct sut_repo *repo;
	struct sut_change *change;
	struct sut_modsign_key *modkey;
	struct sut_privkey *key; /* of patches; NULL when it is not here */
	struct sut_release_file *files;
	size_t nfiles;
	size_t nnew; /* of them, those that are not released already */
};

static void release_end(struct release *r)
{
	for (size_t i = 0; i < r->nfiles; i++)
		sut_release_close(&r->files[i]);
	free(r->files);
	sut_modsign_key_free(r->modkey);
	sut_privkey_free(r->key);
	sut_change_free(r->change);
	sut_repo_free(r->repo);
}

static int load_modkey(struct release *r, struct sut_err *err)
{
	return r->module_key ? sut_modkey_open(r->module_key, r->module_cert,
					       r->args.finish.passphrase_file, &r->modkey, err)
			     : 0;
}

/* ------------------------------------------------------------------ */

/* A signature that was made elsewhere, or by the patch key here. */
static int sign_one(struct release *r, const struct sut_key *k, struct sut_release_file *f,
		    struct sut_err *err)
{
	_cleanup_(sut_freep) char *beside = sut_sprintf("%s.sig", f->path);

	if (!beside)
		return sut_err_oom(err);
	if (r->key)
		return sut_release_sign(f, r->key, r->repo->now, err);
	return sut_release_take_sig(f, r->sig ? r->sig : beside, k->pub, err);
}

static int open_files(struct release *r, char **paths, size_t n, struct sut_err *err)
{
	r->files = calloc(n + 1, sizeof(*r->files));
	if (!r->files)
		return sut_err_oom(err);
	for (size_t i = 0; i < n; i++) {
		int e = sut_release_open(paths[i], r->modkey, &r->files[i], err);

		if (e < 0)
			return e;
		r->nfiles++;
	}
	return 0;
}

static int sign_files(struct release *r, struct sut_err *err)
{
	const struct sut_key *k = sut_patch_key_find(r->repo, err);
	int e = k ? 0 : -ENOENT;

	if (e == 0 && !r->sig && k->has_private)
		e = sut_patch_key_open(r->repo, k, r->args.finish.passphrase_file, &r->key, err);
	for (size_t i = 0; e == 0 && i < r->nfiles; i++)
		e = sign_one(r, k, &r->files[i], err);
	if (e == -ENOENT && k && !r->key && !r->sig)
		sut_err_prefix(
			err,
			"the private key %s is not here, and neither is a signature that was "
			"made with it ('suture-repo sign-patch')",
			k->name);
	return e;
}

static int add_files(struct release *r, struct sut_err *err)
{
	const struct sut_release_opts o = {
		.reason = r->force ? r->reason : NULL,
		.dry_run = r->dry_run,
	};

	_cleanup_(sut_release_plan_freep) struct sut_release_plan *plan = NULL;
	int e = sut_release_plan_new(r->change, &plan, err);

	for (size_t i = 0; e == 0 && i < r->nfiles; i++) {
		e = sut_release_add(plan, &r->files[i], &o, err);
		r->nnew += e == 0;
		/* A run that was killed may have got so far. */
		if (e == -EALREADY)
			e = 0;
	}
	return e;
}

static void say(const struct release *r, const char *outcome)
{
	_cleanup_json_ json_t *list = json_array(), *j = NULL;
	_cleanup_(sut_freep) char *text = NULL;

	for (size_t i = 0; i < r->nfiles; i++) {
		const struct sut_release_file *f = &r->files[i];

		if (r->json)
			(void)!json_array_append_new(
				list, json_pack("{s:s,s:s,s:s,s:I,s:s,s:I,s:i}", "file", f->path,
						"id", f->manifest->id, "build_id", f->build_id,
						"level", (json_int_t)f->manifest->level, "sha256",
						f->sha256, "length", (json_int_t)f->data.len,
						"cves", (int)f->manifest->ncves));
		else
			printf("%s: %s, level %u for %s (%s), %zu CVE%s, %zu bytes\n", f->path,
			       f->manifest->id, f->manifest->level, f->manifest->target.name,
			       f->build_id, f->manifest->ncves, f->manifest->ncves == 1 ? "" : "s",
			       f->data.len);
	}
	if (!r->json)
		return;
	j = json_pack("{s:s,s:O}", "outcome", outcome, "patches", list);
	text = j ? json_dumps(j, JSON_INDENT(2)) : NULL;
	puts(text ? text : "{}");
}

/* With --json, what the common end prints goes to standard error. */
static int finish(struct release *r)
{
	int saved = r->json ? dup(STDOUT_FILENO) : -1, exit;

	if (saved >= 0) {
		fflush(stdout);
		(void)!dup2(STDERR_FILENO, STDOUT_FILENO);
	}
	exit = cmd_finish(r->repo, r->change, &r->args.finish);
	fflush(stdout);
	if (saved >= 0) {
		(void)!dup2(saved, STDOUT_FILENO);
		close(saved);
	}
	return exit;
}

static int run(struct release *r, char **paths, size_t n)
{
	struct sut_err err = {0};
	int e = args_open(&r->args, &r->repo, &r->change), exit;

	if (e)
		return e;
	e = load_modkey(r, &err);
	if (e == 0)
		e = open_files(r, paths, n, &err);
	if (e == 0 && !r->dry_run)
		e = sign_files(r, &err);
	if (e == 0)
		e = add_files(r, &err);
	if (e < 0)
		return cmd_fail(r->args.name, &err);
	if (!r->json)
		say(r, NULL);
	if (r->dry_run || (!r->nnew && sut_change_empty(r->change))) {
		if (r->json)
			say(r, r->dry_run ? "dry-run" : "already-released");
		else
			puts(r->dry_run ? "nothing was changed (--dry-run)"
					: "released already; nothing to do");
		return SUT_EXIT_OK;
	}
	exit = finish(r);
	if (r->json)
		say(r, exit == SUT_EXIT_OK	 ? "released"
		       : exit == SUT_EXIT_STAGED ? "staged"
						 : "failed");
	return exit;
}

enum {
	OPT_SIG = ARG_OWN,
	OPT_MODULE_KEY,
	OPT_MODULE_CERT,
	OPT_FORCE,
	OPT_REASON,
	OPT_DRY_RUN,
	OPT_JSON,
	OPT_KEY
};

static const struct option release_options[] = {
	ARGS_CHANGE,
	{"sig", required_argument, NULL, OPT_SIG},
	{"module-key", required_argument, NULL, OPT_MODULE_KEY},
	{"module-cert", required_argument, NULL, OPT_MODULE_CERT},
	{"force", no_argument, NULL, OPT_FORCE},
	{"reason", required_argument, NULL, OPT_REASON},
	{"dry-run", no_argument, NULL, OPT_DRY_RUN},
	{"json", no_argument, NULL, OPT_JSON},
	{0},
};

static bool take(struct release *r, int opt, int *ret_exit)
{
	switch (opt) {
	case OPT_SIG:
		r->sig = optarg;
		return true;
	case OPT_MODULE_KEY:
		r->module_key = optarg;
		return true;
	case OPT_MODULE_CERT:
		r->module_cert = optarg;
		return true;
	case OPT_FORCE:
		r->force = true;
		return true;
	case OPT_REASON:
		r->reason = optarg;
		return true;
	case OPT_DRY_RUN:
		r->dry_run = true;
		return true;
	case OPT_JSON:
		r->json = true;
		return true;
	default:
		return args_common(&r->args, opt, ret_exit);
	}
}

int cmd_release(int argc, char **argv)
{
	_cleanup_(release_end) struct release r = {.args = ARGS("release", release_usage)};
	int opt, exit;

	while ((opt = getopt_long(argc, argv, "h", release_options, NULL)) != -1)
		if (!take(&r, opt, &exit))
			return exit;
	if (optind == argc)
		return args_usage(&r.args, "name a patch file");
	if (!r.module_key != !r.module_cert)
		return args_usage(&r.args, "--module-key and --module-cert belong together");
	if (r.sig && argc - optind > 1)
		return args_usage(&r.args, "--sig is for one patch");
	if (r.sig && r.module_key)
		return args_usage(&r.args, "--sig is for a file that is released as it is");
	if (r.force != (r.reason && r.reason[0]))
		return args_usage(&r.args, "--force and --reason TEXT belong together");
	if (r.reason && strlen(r.reason) > SUT_RELEASE_REASON_MAX)
		return args_usage(&r.args, "the reason is longer than 500 bytes");
	return run(&r, argv + optind, (size_t)(argc - optind));
}

/* ------------------------------------------------------------------ */

static int sign_patch(const char *path, const char *key_file, const char *out,
		      const char *passphrase_file, struct sut_err *err)
{
	_cleanup_(sut_release_close) struct sut_release_file f = {0};
	_cleanup_(sut_privkey_freep) struct sut_privkey *key = NULL;
	_cleanup_(sut_freep) char *beside = sut_sprintf("%s.sig", path);
	int r = beside ? sut_release_open(path, NULL, &f, err) : sut_err_oom(err);

	if (r == 0)
		r = sut_patch_key_open_file(key_file, passphrase_file, "Passphrase of the key",
					    &key, err);
	if (r == 0)
		r = sut_release_sign(&f, key, time(NULL), err);
	if (r == 0)
		r = sut_file_write(out ? out : beside, f.sig.data, f.sig.len, 0644, err);
	if (r == 0)
		printf("%s: %s, level %u for %s\n", out ? out : beside, f.manifest->id,
		       f.manifest->level, f.manifest->target.name);
	return r;
}

int cmd_sign_patch(int argc, char **argv)
{
	static const struct option options[] = {
		{"key", required_argument, NULL, OPT_KEY},
		{"output", required_argument, NULL, 'o'},
		{"passphrase-file", required_argument, NULL, ARG_PASSPHRASE},
		{"help", no_argument, NULL, ARG_HELP},
		{0},
	};
	struct args a = ARGS("sign-patch", sign_usage);
	const char *key = NULL, *out = NULL;
	struct sut_err err = {0};
	int opt, exit;

	while ((opt = getopt_long(argc, argv, "o:h", options, NULL)) != -1) {
		if (opt == OPT_KEY)
			key = optarg;
		else if (opt == 'o')
			out = optarg;
		else if (!args_common(&a, opt, &exit))
			return exit;
	}
	if (optind + 1 != argc || !key)
		return args_usage(&a, "name one patch file, and the key with --key");
	if (sign_patch(argv[optind], key, out, a.finish.passphrase_file, &err) < 0)
		return cmd_fail(a.name, &err);
	return SUT_EXIT_OK;
}
