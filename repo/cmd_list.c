// SPDX-License-Identifier: Apache-2.0
/* suture-repo list: what is released. */
#include <stdio.h>

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

enum { OPT_JSON = ARG_OWN };

static json_t *to_json(const struct sut_releases *l, const json_t *stop)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < l->n; i++) {
		const struct sut_release *r = &l->v[i];
		const json_t *custom = json_object_get(r->entry, "custom");
		bool newest = i + 1 == l->n || !sut_streq(l->v[i + 1].build_id, r->build_id);

		if (json_array_append_new(list, json_pack("{s:s,s:s,s:I,s:s,s:I,s:b,s:O*}",
							  "product", sut_release_folder(r->library),
							  "build_id", r->build_id, "level",
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
