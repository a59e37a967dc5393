// SPDX-License-Identifier: Apache-2.0
/* suture-repo list, withdraw: what is released, and taking it back. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "args.h"
#include "base/str.h"
#include "release.h"
#include "stop.h"
#include "tuf/json.h"

static const char list_usage[] =
	"usage: suture-repo list [--json] [--repo DIR]\n"
	"\n"
	"Lists the released patches and the stop flag, with the pending change "
	"if there is one.\n"
	"\n" ARGS_REPO_HELP;

static const char withdraw_usage[] =
	"usage: suture-repo withdraw BUILDID LEVEL [OPTION]...\n"
	"\n"
	"Takes a patch out of the metadata: servers find it no more, and the highest level that is left\n"
	"is the latest. Servers that have applied it keep it; 'suture-repo stop unload' reverts it there.\n"
	"\n" ARGS_CHANGE_HELP;

enum { OPT_JSON = ARG_OWN };

static json_t *to_json(const struct sut_releases *l, const json_t *stop)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < l->n; i++) {
		const struct sut_release *r = &l->v[i];
		const json_t *custom = json_object_get(r->entry, "custom");
		bool newest = i + 1 == l->n || !sut_streq(l->v[i + 1].build_id, r->build_id);

		if (json_array_append_new(list, json_pack("{s:s,s:I,s:s,s:I,s:b,s:O*}", "build_id",
							  r->build_id, "level",
							  (json_int_t)r->level, "sha256", r->sha256,
							  "length", (json_int_t)r->length, "latest",
							  newest, "custom", custom)) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return json_pack("{s:o,s:O?}", "patches", list, "stop", stop);
}

static int print_json(const struct sut_releases *l, const json_t *stop)
{
	_cleanup_json_ json_t *j = to_json(l, stop);
	_cleanup_(sut_freep) char *text = j ? json_dumps(j, JSON_INDENT(2)) : NULL;

	if (!text) {
		fprintf(stderr, "suture-repo list: out of memory\n");
		return SUT_EXIT_ERROR;
	}
	puts(text);
	return SUT_EXIT_OK;
}

static void print_text(const struct sut_releases *l, const json_t *stop)
{
	const char *action = json_string_value(json_object_get(stop, "action"));
	const char *reason = json_string_value(json_object_get(stop, "reason"));
	const char *since = json_string_value(json_object_get(stop, "since"));

	for (size_t i = 0; i < l->n; i++) {
		const struct sut_release *r = &l->v[i];
		bool newest = i + 1 == l->n || !sut_streq(l->v[i + 1].build_id, r->build_id);

		if (!i || !sut_streq(l->v[i - 1].build_id, r->build_id))
			printf("%s  %s\n", r->build_id, r->target);
		printf("  level %-4u %-24s %8lld bytes%s\n", r->level, r->id, (long long)r->length,
		       newest ? "  latest" : "");
	}
	if (!l->n)
		puts("no patch is released");
	if (action && !sut_streq(action, "none"))
		printf("STOP: %s since %s: %s\n", action, since ? since : "?",
		       reason ? reason : "");
}

int cmd_list(int argc, char **argv)
{
	static const struct option options[] = {
		ARGS_REPO, {"json", no_argument, NULL, OPT_JSON}, {0}};
	struct args a = ARGS("list", list_usage);
	_cleanup_(sut_repo_freep) struct sut_repo *repo = NULL;
	_cleanup_(sut_change_freep) struct sut_change *c = NULL;
	_cleanup_(sut_releases_release) struct sut_releases l = {0};
	struct sut_err err = {0};
	bool json = false;
	int opt, r;

	while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (opt == OPT_JSON)
			json = true;
		else if (!args_common(&a, opt, &r))
			return r;
	}
	if (optind != argc)
		return args_usage(&a, "there are no arguments");
	r = args_open(&a, &repo, &c);
	if (r)
		return r;
	if (sut_releases_read(c, &l, &err) < 0)
		return cmd_fail(a.name, &err);
	if (json)
		return print_json(&l, sut_stop_get(c));
	print_text(&l, sut_stop_get(c));
	if (!sut_change_empty(c))
		puts("a change is pending and is shown as if it were published; 'suture-repo "
		     "show-change' tells more");
	return SUT_EXIT_OK;
}

static bool is_build_id(const char *s)
{
	uint8_t raw[SUTURE_BUILD_ID_LEN];

	return sut_unhex(s, raw, sizeof(raw)) == 0 && strspn(s, "0123456789abcdef") == strlen(s);
}

int cmd_withdraw(int argc, char **argv)
{
	static const struct option options[] = {ARGS_CHANGE, {0}};
	struct args a = ARGS("withdraw", withdraw_usage);
	_cleanup_(sut_repo_freep) struct sut_repo *repo = NULL;
	_cleanup_(sut_change_freep) struct sut_change *c = NULL;
	struct sut_err err = {0};
	uint64_t level;
	uint32_t latest = 0;
	int opt, r;

	while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1)
		if (!args_common(&a, opt, &r))
			return r;
	if (optind + 2 != argc)
		return args_usage(&a, "name the build-id of the kernel, and the level");
	if (!is_build_id(argv[optind]))
		return args_usage(&a, "a build-id has 40 digits of 0-9 and a-f");
	if (sut_parse_u64(argv[optind + 1], UINT32_MAX, &level) < 0)
		return args_usage(&a, "the level is no number");
	r = args_open(&a, &repo, &c);
	if (r)
		return r;
	if (sut_release_withdraw(c, argv[optind], (uint32_t)level, &latest, &err) < 0)
		return cmd_fail(a.name, &err);
	if (latest)
		printf("level %u is withdrawn; the latest is level %u\n", (unsigned int)level,
		       latest);
	else
		printf("level %u is withdrawn; no patch is left for this kernel\n",
		       (unsigned int)level);
	puts("servers that have applied it keep it until they get another one; 'suture-repo stop "
	     "unload' reverts it there");
	return cmd_finish(repo, c, &a.finish);
}
