// SPDX-License-Identifier: Apache-2.0
/* suture-repo delegate, undelegate: who speaks for which targets. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "args.h"
#include "base/str.h"
#include "edit.h"

static const char delegate_usage[] =
	"usage: suture-repo delegate ROLE --path PATTERN... --key KEY... [OPTION]...\n"
	"       suture-repo delegate ROLE --bins N [OPTION]...\n"
	"\n"
	"Lets ROLE speak for the targets whose paths match a pattern; '*' and '?' do not match\n"
	"'/'. For a role that is there, what is not given stays as it is.\n"
	"\n"
	"  --path PATTERN          may be given several times\n"
	"  --key KEY               name or id; may be given several times\n"
	"  --threshold N           how many of the keys must sign; default 1\n"
	"  --terminating           a client that does not find a path here looks no further\n"
	"  --bins N                split the role into N hash bins (a power of two), so that a\n"
	"                          client reads only a small part of a large role\n"
	"  --in ROLE               the role that delegates; default targets\n" ARGS_CHANGE_HELP;

static const char undelegate_usage[] =
	"usage: suture-repo undelegate ROLE [OPTION]...\n"
	"\n"
	"Takes a delegation back. Clients do not find the targets of ROLE any more; their files\n"
	"stay in public/.\n"
	"\n" ARGS_CHANGE_HELP;

enum { KEYS_MAX = 64 };

struct delegate {
	struct args args;
	const char *role, *parent;
	struct sut_strv paths, keys;
	uint64_t threshold, bins;
	bool terminating;
};

/* Fills in from the delegation that is there what was not given. */
static int keep(struct delegate *d, const json_t *old, struct sut_err *err)
{
	json_t *paths = json_object_get(old, "paths"), *ids = json_object_get(old, "keyids"), *v;
	bool no_paths = !d->paths.n, no_keys = !d->keys.n;
	size_t i;

	json_array_foreach(paths, i, v)
		if (no_paths && sut_strv_add(&d->paths, json_string_value(v)) < 0)
			return sut_err_oom(err);
	json_array_foreach(ids, i, v)
		if (no_keys && sut_strv_add(&d->keys, json_string_value(v)) < 0)
			return sut_err_oom(err);
	if (!d->threshold)
		d->threshold = (uint64_t)json_integer_value(json_object_get(old, "threshold"));
	d->terminating |= json_is_true(json_object_get(old, "terminating"));
	return 0;
}

static int delegate(struct delegate *d, struct sut_change *c, struct sut_err *err)
{
	const struct sut_key *keys[KEYS_MAX];
	struct sut_edit_delegation e = {.name = d->role, .paths = &d->paths, .keys = keys};
	const json_t *old;
	json_t *targets;
	int r;

	old = sut_edit_role(sut_change_peek(c, d->parent), d->role);
	/* Bins are the business of the role itself: nobody above it has to sign. */
	if (old && d->bins && !d->paths.n && !d->keys.n && !d->threshold && !d->terminating)
		return sut_edit_bins(c, d->role, (unsigned int)d->bins, err);
	if (old) {
		r = keep(d, old, err);
		if (r < 0)
			return r;
	} else if (sut_change_peek(c, d->role)) {
		return sut_err_set(err, EEXIST,
				   "another role delegates to %s already; choose another name",
				   d->role);
	}
	if (!d->paths.n || !d->keys.n)
		return sut_err_set(err, EINVAL, "a new role needs --path and --key");
	if (d->keys.n > KEYS_MAX)
		return sut_err_set(err, E2BIG, "a role has at most %d keys", KEYS_MAX);
	for (size_t i = 0; i < d->keys.n; i++) {
		keys[i] = sut_keys_find(&c->repo->keys, d->keys.v[i]);
		if (!keys[i])
			return sut_err_set(err, ENOENT,
					   "there is no key %s; 'suture-repo key generate' or 'key "
					   "add' makes one known",
					   d->keys.v[i]);
		for (size_t j = 0; j < i; j++)
			if (keys[j] == keys[i])
				return sut_err_set(err, EINVAL, "the key %s is named twice",
						   keys[i]->name);
	}
	e.nkeys = d->keys.n;
	e.threshold = d->threshold ? (uint32_t)d->threshold : 1;
	e.terminating = d->terminating;
	r = sut_change_edit(c, d->parent, &targets, err);
	if (r == 0)
		r = sut_edit_delegate(targets, &e, err);
	if (r == 0 && d->bins)
		r = sut_edit_bins(c, d->role, (unsigned int)d->bins, err);
	return r;
}

enum { OPT_PATH = ARG_OWN, OPT_KEY, OPT_THRESHOLD, OPT_TERMINATING, OPT_BINS, OPT_IN };

static const struct option options[] = {
	ARGS_CHANGE,
	{"path", required_argument, NULL, OPT_PATH},
	{"key", required_argument, NULL, OPT_KEY},
	{"threshold", required_argument, NULL, OPT_THRESHOLD},
	{"terminating", no_argument, NULL, OPT_TERMINATING},
	{"bins", required_argument, NULL, OPT_BINS},
	{"in", required_argument, NULL, OPT_IN},
	{0},
};

/* 0; -1: the command ends with *ret_exit. */
static int parse_one(struct delegate *d, int opt, int *ret_exit)
{
	struct sut_err err = {0};
	int r = 0;

	switch (opt) {
	case OPT_PATH:
		r = sut_strv_add(&d->paths, optarg);
		break;
	case OPT_KEY:
		r = sut_strv_add(&d->keys, optarg);
		break;
	case OPT_THRESHOLD:
		r = sut_parse_u64(optarg, KEYS_MAX, &d->threshold);
		break;
	case OPT_TERMINATING:
		d->terminating = true;
		break;
	case OPT_BINS:
		r = sut_parse_u64(optarg, SUT_EDIT_BINS_MAX, &d->bins);
		break;
	case OPT_IN:
		d->parent = optarg;
		break;
	default:
		return args_common(&d->args, opt, ret_exit) ? 0 : -1;
	}
	if (r == 0)
		return 0;
	if (r == -ENOMEM)
		*ret_exit = cmd_fail("delegate", (sut_err_oom(&err), &err));
	else
		*ret_exit = args_usage(&d->args, "a number is out of range");
	return -1;
}

static int run_delegate(struct delegate *d, int argc, char **argv)
{
	_cleanup_(sut_repo_freep) struct sut_repo *repo = NULL;
	_cleanup_(sut_change_freep) struct sut_change *c = NULL;
	struct sut_err err = {0};
	int opt, end;

	while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1)
		if (parse_one(d, opt, &end) < 0)
			return end;
	if (optind + 1 != argc)
		return args_usage(&d->args, "name one role");
	d->role = argv[optind];
	if (!sut_repo_name_ok(d->role) || !sut_repo_is_targets(d->role) ||
	    sut_streq(d->role, "root") || sut_streq(d->role, "targets"))
		return args_usage(&d->args, "this is no name for a role: use up to 64 of a-z, 0-9, "
					    "'.', '_' and '-'");
	end = args_open(&d->args, &repo, &c);
	if (end)
		return end;
	if (!sut_repo_is_targets(d->parent) || !sut_change_peek(c, d->parent))
		return args_usage(&d->args, "--in names a role that does not delegate targets");
	if (delegate(d, c, &err) < 0)
		return cmd_fail("delegate", &err);
	return cmd_finish(repo, c, &d->args.finish);
}

int cmd_delegate(int argc, char **argv)
{
	struct delegate d = {.args = ARGS("delegate", delegate_usage), .parent = "targets"};
	int r = run_delegate(&d, argc, argv);

	sut_strv_release(&d.paths);
	sut_strv_release(&d.keys);
	return r;
}

int cmd_undelegate(int argc, char **argv)
{
	static const struct option opts[] = {ARGS_CHANGE, {0}};
	struct args a = ARGS("undelegate", undelegate_usage);
	_cleanup_(sut_repo_freep) struct sut_repo *repo = NULL;
	_cleanup_(sut_change_freep) struct sut_change *c = NULL;
	_cleanup_(sut_freep) char *copy = NULL;
	const char *holder;
	struct sut_err err = {0};
	json_t *targets;
	int opt, r;

	while ((opt = getopt_long(argc, argv, "h", opts, NULL)) != -1)
		if (!args_common(&a, opt, &r))
			return r;
	if (optind + 1 != argc)
		return args_usage(&a, "name one role");
	r = args_open(&a, &repo, &c);
	if (r)
		return r;
	r = sut_edit_holder(c, argv[optind], &holder, &err);
	if (r == 0 && sut_streq(holder, "root"))
		r = sut_err_set(&err, EINVAL, "%s is no delegated role", argv[optind]);
	if (r == 0) {
		copy = strdup(holder);
		r = copy ? sut_change_edit(c, copy, &targets, &err) : sut_err_oom(&err);
	}
	if (r == 0)
		r = sut_edit_undelegate(targets, argv[optind], &err);
	return r < 0 ? cmd_fail(a.name, &err) : cmd_finish(repo, c, &a.finish);
}
