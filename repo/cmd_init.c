// SPDX-License-Identifier: Apache-2.0
/* suture-repo init: keys, roles and the first change of a new repository. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "args.h"
#include "base/file.h"
#include "base/str.h"
#include "crypto/minisign.h"
#include "edit.h"
#include "signer_client.h"

static const char usage_text[] =
	"usage: suture-repo init DIR [OPTION]...\n"
	"\n"
	"Makes the folder DIR with the keys and roles of a new repository:\n"
	"\n"
	"  root, targets  keys in DIR/keys, protected by a passphrase; move them to offline media\n"
	"  kernel         kernel patches; key kernel-1\n"
	"  library        patches of libraries; key library-1\n"
	"  patch-1        is no role: the key that signs kpatch.bin.sig and upatch.bin.sig\n"
	"  stop           the flag that stops or unloads everywhere; key stop-1\n"
	"  snapshot, timestamp\n"
	"                 keys in DIR/online, for suture-signer; move them there\n"
	"\n"
	"  --root-keys N           keys of root; default 3\n"
	"  --root-threshold N      how many of them must sign; default 2\n"
	"  --targets-keys N        keys of targets; default 3\n"
	"  --targets-threshold N   how many of them must sign; default 2\n"
	"  --key-type TYPE         ed25519 (default), ecdsa or rsa\n"
	"  --bins N                split the role kernel into N hash bins (a power of two);\n"
	"                          16 for 500 targets, 32 for 1,000, 128 for 10,000\n"
	"  --expires ROLE=PERIOD,...\n"
	"                          default: root=365d,targets=180d,kernel=90d,library=90d,stop=365d\n"
	"  --signer SOCKET         socket of suture-signer; default: " SUT_SIGNER_SOCKET "\n"
	"  --online-keys DIR       use DIR/snapshot.pub and DIR/timestamp.pub, made by\n"
	"                          'suture-signer --new-keys', instead of making these keys here\n"
	"  --passphrase-file FILE  passphrase of the new keys: the first line of FILE;\n"
	"                          default: asked on the terminal\n"
	"  --stage                 do not publish yet\n";

enum { KEYS_MAX = 16 };

struct init {
	struct args args;
	const char *dir, *expires, *signer, *online;
	enum sut_key_type type;
	uint64_t root_keys, root_threshold, targets_keys, targets_threshold, bins;
	char *tmp; /* DIR.init, renamed when all is there */
	const char *passphrase;
};

static int make_keys(const struct init *in, const char *role, uint64_t n, struct sut_err *err)
{
	_cleanup_(sut_freep) char *dir = sut_sprintf("%s/keys", in->tmp);
	int r = 0;

	if (!dir)
		return sut_err_oom(err);
	for (uint64_t i = 1; r == 0 && i <= n; i++) {
		_cleanup_(sut_freep) char *name = sut_sprintf("%s-%d", role, (int)i);

		if (!name)
			return sut_err_oom(err);
		r = sut_key_generate(dir, name, in->type, in->passphrase, err);
	}
	return r;
}

static int copy_file(const char *from, const char *to, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_KEY_PEM_MAX);
	int r = sut_file_read(from, &b, err);

	return r < 0 ? r : sut_file_write(to, b.data, b.len, 0644, err);
}

/* The public halves are all that stays here. */
static int make_online_key(const struct init *in, const char *role, struct sut_err *err)
{
	_cleanup_(sut_freep) char *dir = sut_sprintf("%s/online", in->tmp),
				  *to = sut_sprintf("%s/keys/%s-1.pub", in->tmp, role),
				  *from = sut_sprintf("%s/%s.pub", in->online ? in->online : dir,
						      role);
	int r = 0;

	if (!dir || !to || !from)
		return sut_err_oom(err);
	/* The signer runs without people: no passphrase. */
	if (!in->online)
		r = sut_key_generate(dir, role, in->type, NULL, err);
	return r < 0 ? r : copy_file(from, to, err);
}

/* The key that signs patch files is always Ed25519, and has a form for minisign, too. */
static int make_patch_key(const struct init *in, struct sut_err *err)
{
	_cleanup_(sut_freep) char *dir = sut_sprintf("%s/keys", in->tmp),
				  *path = sut_sprintf("%s/keys/patch-1.minisign.pub", in->tmp);
	_cleanup_(sut_privkey_freep) struct sut_privkey *key = NULL;
	_cleanup_(sut_pubkey_freep) struct sut_pubkey *pub = NULL;
	_cleanup_buf_ struct sut_buf text = SUT_BUF_INIT(SUT_MINISIGN_FILE_MAX);
	struct sut_minisign_pub m;
	int r;

	if (!dir || !path)
		return sut_err_oom(err);
	r = sut_key_generate(dir, "patch-1", SUT_KEY_ED25519, in->passphrase, err);
	if (r == 0)
		r = sut_key_private(dir, "patch-1", in->passphrase, &key, err);
	if (r == 0)
		r = sut_privkey_public(key, &pub, err);
	if (r == 0)
		r = sut_minisign_pub_of(pub, &m, err);
	if (r == 0)
		r = sut_minisign_pub_format(&m, "suture patch key patch-1", &text, err);
	return r < 0 ? r : sut_file_write(path, text.data, text.len, 0644, err);
}

static int make_folder(const struct init *in, struct sut_err *err)
{
	_cleanup_(sut_settings_release) struct sut_settings s = {0};
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_SETTINGS_MAX);
	_cleanup_(sut_freep) char *path = sut_sprintf("%s/repo.json", in->tmp);
	int r;

	if (!path)
		return sut_err_oom(err);
	r = sut_rm_rf(in->tmp, err);
	if (r == 0)
		r = sut_mkdir_p(in->tmp, err);
	if (r == 0)
		r = make_keys(in, "root", in->root_keys, err);
	if (r == 0)
		r = make_keys(in, "targets", in->targets_keys, err);
	if (r == 0)
		r = make_keys(in, "kernel", 1, err);
	if (r == 0)
		r = make_keys(in, "library", 1, err);
	if (r == 0)
		r = make_keys(in, "stop", 1, err);
	if (r == 0)
		r = make_patch_key(in, err);
	if (r == 0)
		r = make_online_key(in, "snapshot", err);
	if (r == 0)
		r = make_online_key(in, "timestamp", err);
	if (r == 0)
		r = sut_settings_new(in->signer, "patch-1", &s, err);
	if (r == 0 && in->expires)
		r = sut_settings_set_expiries(&s, in->expires, err);
	if (r == 0)
		r = sut_settings_format(&s, &b, err);
	return r < 0 ? r : sut_file_write(path, b.data, b.len, 0644, err);
}

/* The keys ROLE-1, ROLE-2, … */
static size_t keys_of(const struct sut_repo *repo, const char *role, uint64_t n,
		      const struct sut_key *ret[static KEYS_MAX])
{
	size_t found = 0;

	for (uint64_t i = 1; i <= n; i++) {
		char name[80];

		snprintf(name, sizeof(name), "%s-%d", role, (int)i);
		ret[found] = sut_keys_find(&repo->keys, name);
		if (ret[found])
			found++;
	}
	return found;
}

static int edit_root(const struct init *in, struct sut_change *c, struct sut_err *err)
{
	const struct {
		const char *role;
		uint64_t keys, threshold;
	} roles[] = {
		{"root", in->root_keys, in->root_threshold},
		{"targets", in->targets_keys, in->targets_threshold},
		{"snapshot", 1, 1},
		{"timestamp", 1, 1},
	};
	const struct sut_key *keys[KEYS_MAX];
	json_t *root;
	int r = sut_change_edit(c, "root", &root, err);

	for (size_t i = 0; r == 0 && i < SUT_ARRAY_SIZE(roles); i++) {
		size_t n = keys_of(c->repo, roles[i].role, roles[i].keys, keys);

		r = sut_edit_root_role(root, roles[i].role, keys, n, (uint32_t)roles[i].threshold,
				       err);
	}
	return r;
}

static int edit_targets(const struct init *in, struct sut_change *c, struct sut_err *err)
{
	static const struct {
		const char *role, *paths[2];
	} roles[] = {
		{"kernel", {"kernel/*/*", "kernel/*/*/*"}},
		{"library", {"library/*/*", "library/*/*/*"}},
		{"stop", {"stop/flag.json"}},
	};
	const struct sut_key *keys[KEYS_MAX];
	json_t *targets;
	int r = sut_change_edit(c, "targets", &targets, err);

	for (size_t i = 0; r == 0 && i < SUT_ARRAY_SIZE(roles); i++) {
		_cleanup_strv_ struct sut_strv paths = {0};
		struct sut_edit_delegation d = {
			.name = roles[i].role,
			.paths = &paths,
			.keys = keys,
			.nkeys = keys_of(c->repo, roles[i].role, 1, keys),
			.threshold = 1,
			.terminating = true,
		};

		for (size_t p = 0; p < 2 && roles[i].paths[p]; p++)
			if (sut_strv_add(&paths, roles[i].paths[p]) < 0)
				return sut_err_oom(err);
		r = sut_edit_delegate(targets, &d, err);
	}
	if (r == 0 && in->bins)
		r = sut_edit_bins(c, "kernel", (unsigned int)in->bins, err);
	return r;
}

static int stage(const struct init *in, struct sut_err *err)
{
	_cleanup_(sut_repo_freep) struct sut_repo *repo = NULL;
	_cleanup_(sut_change_freep) struct sut_change *c = NULL;
	int r = sut_repo_open(in->tmp, time(NULL), &repo, err);

	if (r == 0)
		r = sut_change_open(repo, &c, err);
	if (r == 0)
		r = edit_root(in, c, err);
	if (r == 0)
		r = edit_targets(in, c, err);
	return r < 0 ? r : sut_change_save(c, err);
}

/* The new folder gets its name when it is complete: a killed run leaves nothing that looks like a
 * repository. */
static int build(struct init *in, struct sut_err *err)
{
	_cleanup_secret_ struct sut_buf phrase = SUT_BUF_INIT(SUT_PASSPHRASE_MAX);
	_cleanup_(sut_freep) char *tmp = NULL;
	size_t len = strlen(in->dir);
	int r;

	while (len > 1 && in->dir[len - 1] == '/')
		len--;
	tmp = sut_sprintf("%.*s.init", (int)len, in->dir);
	if (!tmp)
		return sut_err_oom(err);
	if (sut_exists(in->dir) && rmdir(in->dir) < 0)
		return sut_err_set(err, EEXIST,
				   "%s is there and not empty; name a folder that is not there",
				   in->dir);
	r = sut_passphrase_get(in->args.finish.passphrase_file, "Passphrase for the new keys", true,
			       &phrase, err);
	if (r < 0)
		return r;
	in->tmp = tmp;
	in->passphrase = sut_buf_str(&phrase);
	r = make_folder(in, err);
	if (r == 0)
		r = stage(in, err);
	in->passphrase = NULL;
	in->tmp = NULL;
	if (r == 0 && rename(tmp, in->dir) < 0)
		r = sut_err_errno(err, "cannot rename %s to %s", tmp, in->dir);
	if (r < 0)
		(void)!sut_rm_rf(tmp, NULL);
	return r;
}

static void explain(const struct init *in)
{
	printf("%s is a repository now.\n"
	       "\n"
	       "keys        %s/keys. Move root-*.key and targets-*.key to offline media, each to\n"
	       "            another place; the repository works without them (suture-repo sign)\n",
	       in->dir, in->dir);
	if (!in->online)
		printf("signer      move %s/online to the signer's host, to a folder that only its\n"
		       "            user can read, and delete it here\n",
		       in->dir);
	printf("            'suture-repo export-root --repo %s FILE' writes the root that\n"
	       "            signer.conf and clients begin with; signer.conf also needs\n"
	       "            metadata = %s/public/metadata (an absolute path)\n"
	       "servers     the trusted patch key is %s/keys/patch-1.minisign.pub\n"
	       "            (/etc/suture/keys.d/); serve %s/public with any web server\n\n",
	       in->dir, in->dir, in->dir, in->dir);
}

static bool parse_count(const char *s, uint64_t max, uint64_t *ret)
{
	return sut_parse_u64(s, max, ret) == 0 && *ret >= 1;
}

enum { OPT_ROOT_KEYS = ARG_OWN, OPT_ROOT_T, OPT_TARGETS_KEYS, OPT_TARGETS_T, OPT_TYPE, OPT_BINS };
enum { OPT_EXPIRES = OPT_BINS + 1, OPT_SIGNER, OPT_ONLINE };

static const struct option options[] = {
	ARGS_CHANGE,
	{"root-keys", required_argument, NULL, OPT_ROOT_KEYS},
	{"root-threshold", required_argument, NULL, OPT_ROOT_T},
	{"targets-keys", required_argument, NULL, OPT_TARGETS_KEYS},
	{"targets-threshold", required_argument, NULL, OPT_TARGETS_T},
	{"key-type", required_argument, NULL, OPT_TYPE},
	{"bins", required_argument, NULL, OPT_BINS},
	{"expires", required_argument, NULL, OPT_EXPIRES},
	{"signer", required_argument, NULL, OPT_SIGNER},
	{"online-keys", required_argument, NULL, OPT_ONLINE},
	{0},
};

/* 0, or an exit status and nothing is to be done. */
static int parse_one(struct init *in, int opt)
{
	struct sut_err err = {0};
	bool ok = true;
	int end = 0;

	switch (opt) {
	case OPT_ROOT_KEYS:
		ok = parse_count(optarg, KEYS_MAX, &in->root_keys);
		break;
	case OPT_ROOT_T:
		ok = parse_count(optarg, KEYS_MAX, &in->root_threshold);
		break;
	case OPT_TARGETS_KEYS:
		ok = parse_count(optarg, KEYS_MAX, &in->targets_keys);
		break;
	case OPT_TARGETS_T:
		ok = parse_count(optarg, KEYS_MAX, &in->targets_threshold);
		break;
	case OPT_TYPE:
		if (sut_key_type_parse(optarg, &in->type, &err) < 0)
			return args_usage(&in->args, err.msg);
		break;
	case OPT_BINS:
		ok = parse_count(optarg, SUT_EDIT_BINS_MAX, &in->bins) && in->bins > 1 &&
		     !(in->bins & (in->bins - 1));
		break;
	case OPT_EXPIRES:
		in->expires = optarg;
		break;
	case OPT_SIGNER:
		in->signer = optarg;
		break;
	case OPT_ONLINE:
		in->online = optarg;
		break;
	default:
		if (!args_common(&in->args, opt, &end))
			return end == SUT_EXIT_OK ? -1 : end;
	}
	return ok ? 0
		  : args_usage(&in->args,
			       "a number is out of range: up to 16 keys, thresholds from "
			       "1, bins a power of two");
}

int cmd_init(int argc, char **argv)
{
	struct init in = {
		.args = ARGS("init", usage_text),
		.signer = SUT_SIGNER_SOCKET,
		.type = SUT_KEY_ED25519,
		.root_keys = 3,
		.root_threshold = 2,
		.targets_keys = 3,
		.targets_threshold = 2,
	};
	_cleanup_(sut_repo_freep) struct sut_repo *repo = NULL;
	_cleanup_(sut_change_freep) struct sut_change *c = NULL;
	struct sut_err err = {0};
	int opt, r;

	while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		r = parse_one(&in, opt);
		if (r)
			return r < 0 ? SUT_EXIT_OK : r;
	}
	if (optind + 1 != argc)
		return args_usage(&in.args, "name one folder");
	if (in.root_threshold > in.root_keys || in.targets_threshold > in.targets_keys)
		return args_usage(&in.args, "a threshold is larger than the number of keys");
	in.dir = argv[optind];
	if (build(&in, &err) < 0)
		return cmd_fail("init", &err);
	explain(&in);
	in.args.repo = in.dir;
	r = args_open(&in.args, &repo, &c);
	return r ? r : cmd_finish(repo, c, &in.args.finish);
}
