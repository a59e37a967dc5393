// SPDX-License-Identifier: Apache-2.0
/* suture-repo key: generate, add, list, assign, rotate and revoke keys. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "args.h"
#include "base/file.h"
#include "base/str.h"
#include "edit.h"
#include "tuf/json.h"

static const char usage_text[] =
	"usage: suture-repo key generate NAME [--type TYPE] [OPTION]...\n"
	"       suture-repo key add NAME FILE [--repo DIR]\n"
	"       suture-repo key list [--json] [--repo DIR]\n"
	"       suture-repo key assign ROLE KEY [--threshold N] [OPTION]...\n"
	"       suture-repo key rotate ROLE OLD NEW [OPTION]...\n"
	"       suture-repo key revoke KEY [--replace-with KEY] [OPTION]...\n"
	"\n"
	"  generate  a new key in DIR/keys, protected by a passphrase\n"
	"  add       the public half (PEM) of a key that is kept elsewhere\n"
	"  list      all keys, and the roles that have them\n"
	"  assign    give a role one more key\n"
	"  rotate    put another key into the place of one; a role's hash bins follow\n"
	"  revoke    take a key from all roles\n"
	"\n"
	"A key is named by its name, its id or at least 8 digits of the id.\n"
	"\n"
	"  --type TYPE             ed25519 (default), ecdsa or rsa\n"
	"  --threshold N           how many keys of the role must sign from now on\n"
	"  --replace-with KEY      what the roles get instead\n"
	"  --json                  print JSON\n" ARGS_CHANGE_HELP;

struct key_args {
	struct args args;
	enum sut_key_type type;
	const char *replace;
	uint64_t threshold;
	bool json;
	char **v; /* what follows the verb */
	int n;
};

static int no_such_key(const struct key_args *a, const char *name)
{
	fprintf(stderr,
		"suture-repo key: there is no key %s; 'suture-repo key list' shows them, "
		"'key generate' and 'key add' make one known\n",
		name);
	(void)a;
	return SUT_EXIT_ERROR;
}

static int generate(const struct key_args *a)
{
	_cleanup_secret_ struct sut_buf phrase = SUT_BUF_INIT(SUT_PASSPHRASE_MAX);
	_cleanup_(sut_repo_freep) struct sut_repo *repo = NULL;
	_cleanup_(sut_freep) char *dir = NULL;
	struct sut_err err = {0};
	int r = args_open(&a->args, &repo, NULL);

	if (r)
		return r;
	dir = sut_repo_path(repo, "keys");
	if (!dir)
		return cmd_fail("key", (sut_err_oom(&err), &err));
	if (sut_passphrase_get(a->args.finish.passphrase_file, "Passphrase for the new key", true,
			       &phrase, &err) < 0 ||
	    sut_key_generate(dir, a->v[0], a->type, sut_buf_str(&phrase), &err) < 0)
		return cmd_fail("key", &err);
	printf("%s/%s.key\n%s/%s.pub\n", dir, a->v[0], dir, a->v[0]);
	return SUT_EXIT_OK;
}

/* The public half of a key that somebody else keeps. */
static int add(const struct key_args *a)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_KEY_PEM_MAX);
	_cleanup_buf_ struct sut_buf pem = SUT_BUF_INIT(SUT_KEY_PEM_MAX);
	_cleanup_(sut_repo_freep) struct sut_repo *repo = NULL;
	_cleanup_(sut_pubkey_freep) struct sut_pubkey *pub = NULL;
	_cleanup_(sut_freep) char *path = NULL;
	struct sut_err err = {0};
	int r = args_open(&a->args, &repo, NULL);

	if (r)
		return r;
	if (sut_file_read(a->v[1], &b, &err) < 0 ||
	    sut_pubkey_from_pem(sut_buf_str(&b), b.len, &pub, &err) < 0 ||
	    sut_pubkey_pem(pub, &pem, &err) < 0)
		return cmd_fail("key", &err);
	for (size_t i = 0; i < repo->keys.n; i++)
		if (sut_pubkey_equal(repo->keys.v[i].pub, pub)) {
			fprintf(stderr, "suture-repo key: this key is known as %s already\n",
				repo->keys.v[i].name);
			return SUT_EXIT_ERROR;
		}
	path = sut_repo_path(repo, "keys/%s.pub", a->v[0]);
	if (!path || !sut_repo_name_ok(a->v[0]) || sut_exists(path)) {
		fprintf(stderr,
			"suture-repo key: %s is taken, or is no name for a key (a-z, 0-9, '.', "
			"'_', '-')\n",
			a->v[0]);
		return SUT_EXIT_ERROR;
	}
	if (sut_file_write(path, pem.data, pem.len, 0644, &err) < 0)
		return cmd_fail("key", &err);
	printf("%s\n", path);
	return SUT_EXIT_OK;
}

/* ------------------------------------------------------------------ */

static int roles_of(const struct sut_change *c, const char *id, struct sut_strv *ret,
		    struct sut_err *err)
{
	_cleanup_strv_ struct sut_strv holders = {0};
	int r = sut_edit_holders(c, &holders, err);

	for (size_t i = 0; r == 0 && i < holders.n; i++) {
		_cleanup_strv_ struct sut_strv held = {0};

		r = sut_edit_held(c, holders.v[i], &held, err);
		for (size_t j = 0; r == 0 && j < held.n; j++)
			if (sut_edit_has_key(sut_change_peek(c, holders.v[i]), held.v[j], id) &&
			    sut_strv_add(ret, held.v[j]) < 0)
				return sut_err_oom(err);
	}
	return r;
}

static json_t *describe_key(const struct sut_key *k, const struct sut_strv *roles)
{
	json_t *list = json_array();

	for (size_t i = 0; i < roles->n; i++)
		json_array_append_new(list, json_string(roles->v[i]));
	return json_pack("{s:s s:s s:s s:b s:o}", "name", k->name, "id", k->id, "type",
			 sut_key_type_word(sut_pubkey_type(k->pub)), "private", k->has_private,
			 "roles", list);
}

static void print_key(const struct sut_key *k, const struct sut_strv *roles)
{
	printf("%-16s %-8s %.16s  %-8s", k->name, sut_key_type_word(sut_pubkey_type(k->pub)), k->id,
	       k->has_private ? "here" : "-");
	for (size_t i = 0; i < roles->n && i < 6; i++)
		printf(" %s", roles->v[i]);
	printf("%s\n", roles->n > 6 ? " …" : "");
}

/* The roles as they will be with the pending change. */
static int list(const struct key_args *a)
{
	_cleanup_(sut_repo_freep) struct sut_repo *repo = NULL;
	_cleanup_(sut_change_freep) struct sut_change *c = NULL;
	_cleanup_json_ json_t *all = json_array();
	struct sut_err err = {0};
	int r = args_open(&a->args, &repo, &c);

	if (r)
		return r;
	if (!a->json)
		printf("%-16s %-8s %-16s  %-8s %s\n", "NAME", "TYPE", "ID", "PRIVATE", "ROLES");
	for (size_t i = 0; i < repo->keys.n; i++) {
		const struct sut_key *k = &repo->keys.v[i];
		_cleanup_strv_ struct sut_strv roles = {0};

		if (roles_of(c, k->id, &roles, &err) < 0)
			return cmd_fail("key", &err);
		if (!a->json)
			print_key(k, &roles);
		else if (json_array_append_new(all, describe_key(k, &roles)) < 0)
			return cmd_fail("key", (sut_err_oom(&err), &err));
	}
	if (a->json && json_dumpf(all, stdout, JSON_INDENT(2)) == 0)
		putchar('\n');
	return SUT_EXIT_OK;
}

/* ------------------------------------------------------------------ */

static int set_threshold(struct sut_change *c, const char *holder, const char *role, uint64_t n,
			 struct sut_err *err)
{
	json_t *signed_, *j;
	int r = sut_change_edit(c, holder, &signed_, err);

	if (r < 0)
		return r;
	j = sut_edit_role(signed_, role);
	if (n > json_array_size(json_object_get(j, "keyids")))
		return sut_err_set(err, EINVAL, "%s has fewer than %d keys; assign more first",
				   role, (int)n);
	return json_object_set_new(j, "threshold", json_integer((json_int_t)n)) < 0
		       ? sut_err_oom(err)
		       : 0;
}

static int assign(const struct key_args *a)
{
	_cleanup_(sut_repo_freep) struct sut_repo *repo = NULL;
	_cleanup_(sut_change_freep) struct sut_change *c = NULL;
	_cleanup_(sut_freep) char *copy = NULL;
	const char *holder, *role = a->v[0];
	const struct sut_key *k;
	struct sut_err err = {0};
	json_t *signed_;
	int r = args_open(&a->args, &repo, &c);

	if (r)
		return r;
	k = sut_keys_find(&repo->keys, a->v[1]);
	if (!k)
		return no_such_key(a, a->v[1]);
	r = sut_edit_holder(c, role, &holder, &err);
	if (r == 0) {
		copy = strdup(holder);
		r = copy ? sut_change_edit(c, copy, &signed_, &err) : sut_err_oom(&err);
	}
	/* The same key again, to change only the threshold. */
	if (r == 0 && !(a->threshold && sut_edit_has_key(signed_, role, k->id)))
		r = sut_edit_add_key(signed_, role, k, NULL, &err);
	if (r == 0 && a->threshold)
		r = set_threshold(c, copy, role, a->threshold, &err);
	return r < 0 ? cmd_fail("key", &err) : cmd_finish(repo, c, &a->args.finish);
}

static int rotate(const struct key_args *a)
{
	_cleanup_(sut_repo_freep) struct sut_repo *repo = NULL;
	_cleanup_(sut_change_freep) struct sut_change *c = NULL;
	const struct sut_key *old, *new;
	struct sut_err err = {0};
	int r = args_open(&a->args, &repo, &c);

	if (r)
		return r;
	old = sut_keys_find(&repo->keys, a->v[1]);
	new = sut_keys_find(&repo->keys, a->v[2]);
	if (!new)
		return no_such_key(a, a->v[2]);
	/* The public half of the old key may be lost: then its whole id will do. */
	r = sut_edit_rotate(c, a->v[0], old ? old->id : a->v[1], new, &err);
	return r < 0 ? cmd_fail("key", &err) : cmd_finish(repo, c, &a->args.finish);
}

static int revoke_key(const struct key_args *a)
{
	_cleanup_(sut_repo_freep) struct sut_repo *repo = NULL;
	_cleanup_(sut_change_freep) struct sut_change *c = NULL;
	_cleanup_strv_ struct sut_strv roles = {0};
	const struct sut_key *old, *by = NULL;
	struct sut_err err = {0};
	int r = args_open(&a->args, &repo, &c);

	if (r)
		return r;
	old = sut_keys_find(&repo->keys, a->v[0]);
	if (a->replace) {
		by = sut_keys_find(&repo->keys, a->replace);
		if (!by)
			return no_such_key(a, a->replace);
	}
	if (sut_edit_revoke(c, old ? old->id : a->v[0], by, &roles, &err) < 0)
		return cmd_fail("key", &err);
	if (!roles.n) {
		fprintf(stderr, "suture-repo key: no role has the key %s\n", a->v[0]);
		return SUT_EXIT_ERROR;
	}
	for (size_t i = 0; i < roles.n; i++)
		printf("%s loses %s%s%s\n", roles.v[i], a->v[0], by ? " and gets " : "",
		       by ? by->name : "");
	return cmd_finish(repo, c, &a->args.finish);
}

static const struct verb {
	const char *name;
	int (*run)(const struct key_args *a);
	int args;
} verbs[] = {
	{"generate", generate, 1}, {"add", add, 2},	  {"list", list, 0},
	{"assign", assign, 2},	   {"rotate", rotate, 3}, {"revoke", revoke_key, 1},
};

enum { OPT_TYPE = ARG_OWN, OPT_REPLACE, OPT_THRESHOLD, OPT_JSON };

static const struct option options[] = {
	ARGS_CHANGE,
	{"type", required_argument, NULL, OPT_TYPE},
	{"replace-with", required_argument, NULL, OPT_REPLACE},
	{"threshold", required_argument, NULL, OPT_THRESHOLD},
	{"json", no_argument, NULL, OPT_JSON},
	{0},
};

int cmd_key(int argc, char **argv)
{
	struct key_args a = {.args = ARGS("key", usage_text), .type = SUT_KEY_ED25519};
	struct sut_err err = {0};
	int opt, end;

	while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (opt == OPT_TYPE) {
			if (sut_key_type_parse(optarg, &a.type, &err) < 0)
				return args_usage(&a.args, err.msg);
		} else if (opt == OPT_REPLACE) {
			a.replace = optarg;
		} else if (opt == OPT_THRESHOLD) {
			if (sut_parse_u64(optarg, SUT_TUF_KEYS_MAX, &a.threshold) < 0 ||
			    !a.threshold)
				return args_usage(&a.args, "a threshold is a number from 1");
		} else if (opt == OPT_JSON) {
			a.json = true;
		} else if (!args_common(&a.args, opt, &end)) {
			return end;
		}
	}
	a.n = argc - optind - 1;
	a.v = argv + optind + 1;
	for (size_t i = 0; a.n >= 0 && i < SUT_ARRAY_SIZE(verbs); i++)
		if (sut_streq(verbs[i].name, argv[optind]))
			return a.n == verbs[i].args
				       ? verbs[i].run(&a)
				       : args_usage(&a.args, "the number of arguments is wrong");
	return args_usage(&a.args, "say what to do");
}
