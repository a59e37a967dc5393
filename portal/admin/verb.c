// SPDX-License-Identifier: Apache-2.0
/* From the words of the command line to a call, by the tables. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "admin.h"
#include "base/buf.h"
#include "base/conf.h"
#include "call.h"
#include "http/http.h"
#include "options.h"
#include "show.h"

enum { QUERY_MAX = 3500, OPTS_MAX = 48, OWN = 1000 };

int admin_time(const char *s, int64_t now, char ret[static 32], struct sut_err *err)
{
	struct tm tm = {0};
	time_t at;
	int64_t rel;
	const char *end;
	int r;

	if (*s == '+' || *s == '-') {
		r = sut_conf_duration(s + 1, INT64_C(100) * 366 * 86400, &rel, err);
		if (r < 0)
			return r;
		at = (time_t)(now + (*s == '+' ? rel : -rel));
		if (!gmtime_r(&at, &tm) || !strftime(ret, 32, "%Y-%m-%dT%H:%M:%SZ", &tm))
			return sut_err_set(err, ERANGE, "'%s' is too far away", s);
		return 0;
	}
	end = strptime(s, "%Y-%m-%d", &tm);
	if (end && !*end) {
		snprintf(ret, 32, "%.10sT00:00:00Z", s);
		return 0;
	}
	if (end && *end == 'T' && strlen(s) < 32) {
		snprintf(ret, 32, "%s", s);
		return 0;
	}
	return sut_err_set(err, EINVAL,
			   "'%s' is no time: give 2026-11-22T04:05:06Z, 2026-11-22 (UTC), or +90d, "
			   "+12h, -30m from now",
			   s);
}

static json_t *map_add(json_t *map, const char *s, struct sut_err *err)
{
	const char *eq = strchr(s, '=');
	_cleanup_(sut_freep) char *name = eq ? strndup(s, (size_t)(eq - s)) : strdup(s);

	if (!name || !name[0]) {
		sut_err_set(err, EINVAL, "'%s' is not NAME=VALUE", s);
		return NULL;
	}
	if (json_object_set_new(map, name, json_string(eq ? eq + 1 : "")) < 0) {
		sut_err_set(err, EINVAL, "'%s' is not UTF-8", s);
		return NULL;
	}
	return map;
}

static json_t *list_add(json_t *list, const char *s, struct sut_err *err)
{
	while (*s) {
		size_t n = strcspn(s, ",");

		if (n && json_array_append_new(list, json_stringn(s, n)) < 0) {
			sut_err_set(err, EINVAL, "'%s' is not UTF-8", s);
			return NULL;
		}
		s += n + (s[n] == ',');
	}
	return list;
}

/* The value of an option. have: what it had before, of lists and maps. New reference, or NULL. */
static json_t *value_of(const struct admin_opt *o, const char *s, json_t *have, struct sut_err *err)
{
	char at[32];
	uint64_t n;
	bool yes;
	json_t *v = NULL;

	if ((o->flags & ADMIN_NULL) && sut_streq(s, "none"))
		return json_null();
	switch (o->type) {
	case ADMIN_TEXT:
		v = json_string(s);
		break;
	case ADMIN_INT:
		if (sut_parse_u64(s, INT64_MAX, &n) < 0) {
			sut_err_set(err, EINVAL, "'%s' is no number%s", s,
				    o->flags & ADMIN_NULL ? ", nor 'none'" : "");
			return NULL;
		}
		return json_integer((json_int_t)n);
	case ADMIN_BOOL:
		return sut_conf_bool(s, &yes, err) < 0 ? NULL : json_boolean(yes);
	case ADMIN_TIME:
		if (admin_time(s, time(NULL), at, err) < 0)
			return NULL;
		v = json_string(at);
		break;
	case ADMIN_LIST:
		v = json_is_array(have) ? json_incref(have) : json_array();
		if (v && !list_add(v, s, err)) {
			json_decref(v);
			return NULL;
		}
		break;
	case ADMIN_MAP:
		v = json_is_object(have) ? json_incref(have) : json_object();
		/* "" is the empty map. */
		if (v && *s && !map_add(v, s, err)) {
			json_decref(v);
			return NULL;
		}
		break;
	}
	if (!v)
		sut_err_set(err, EINVAL, "'%s' is not UTF-8", s);
	return v;
}

static int query_add(struct sut_buf *q, const struct admin_opt *o, const char *s,
		     struct sut_err *err)
{
	_cleanup_(sut_freep) char *quoted = NULL;
	char at[32];
	bool yes;
	int r;

	if (o->type == ADMIN_TIME) {
		r = admin_time(s, time(NULL), at, err);
		if (r < 0)
			return r;
		s = at;
	} else if (o->type == ADMIN_BOOL) {
		r = sut_conf_bool(s, &yes, err);
		if (r < 0)
			return r;
		s = yes ? "true" : "false";
	}
	quoted = sut_http_quote(s);
	if (!quoted)
		return sut_err_oom(err);
	if (sut_buf_addf(q, "%s%s=%s", q->len ? "&" : "", o->field, quoted) < 0)
		return sut_err_set(err, E2BIG, "so much does not fit into one request");
	return 0;
}

static int option(const struct admin_opt *o, const char *s, struct admin_input *in,
		  struct sut_err *err)
{
	json_t *v;
	int r;

	if (o->flags & ADMIN_QUERY) {
		r = query_add(in->query, o, s, err);
	} else {
		v = value_of(o, s, json_object_get(in->body, o->field), err);
		r = v ? 0 : err->code ? -err->code : sut_err_oom(err);
		if (v && json_object_set_new(in->body, o->field, v) < 0)
			r = sut_err_oom(err);
	}
	return r < 0 ? sut_err_prefix(err, "--%s", o->name) : 0;
}

static size_t count_opts(const struct admin_verb *v)
{
	size_t n = 0;

	while (v->opts && v->opts[n].name)
		n++;
	return n;
}

static size_t count_args(const struct admin_verb *v)
{
	size_t n = 0;

	while (v->args && v->args[n].name)
		n++;
	return n;
}

static void verb_line(FILE *f, const struct admin_noun *n, const struct admin_verb *v)
{
	fprintf(f, "suture-admin %s%s%s", n->name, v->name[0] ? " " : "", v->name);
	for (size_t i = 0; i < count_args(v); i++)
		fprintf(f, " %s", v->args[i].name);
	for (size_t i = 0; i < count_opts(v); i++)
		if (v->opts[i].flags & ADMIN_REQUIRED)
			fprintf(f, " --%s %s", v->opts[i].name, v->opts[i].arg);
	fputs(count_opts(v) ? " [OPTION]...\n" : "\n", f);
}

static void verb_options(FILE *f, const struct admin_verb *v)
{
	for (size_t i = 0; i < count_opts(v); i++) {
		char left[64];

		snprintf(left, sizeof(left), "--%s %s", v->opts[i].name, v->opts[i].arg);
		fprintf(f, "      %-28s %s%s\n", left, v->opts[i].help,
			v->opts[i].flags & ADMIN_NULL ? "; 'none': none" : "");
	}
	if (v->flags & ADMIN_PAGED)
		fprintf(f, "      %-28s %s\n", "--limit N", "at most N; default: 50"),
			fprintf(f, "      %-28s %s\n", "--all", "all of them");
	if (v->flags & ADMIN_MATCH)
		fprintf(f, "      %-28s %s\n", "--if-version N",
			"only when this is still its version; else exit status 4");
}

static void verb_help(FILE *f, const struct admin_noun *n, const struct admin_verb *v)
{
	fputs("usage: ", f);
	verb_line(f, n, v);
	fprintf(f, "\n  %s\n\n", v->help);
	verb_options(f, v);
	fputs("\n'suture-admin --help' has the options of all commands.\n", f);
}

void admin_noun_help(const struct admin_noun *n)
{
	printf("usage: suture-admin %s ...: %s\n\n", n->name, n->help);
	for (const struct admin_verb *v = n->verbs; v->name; v++) {
		fputs("  ", stdout);
		verb_line(stdout, n, v);
		printf("      %s\n", v->help);
		verb_options(stdout, v);
		putchar('\n');
	}
	if (n->more)
		printf("%s\n", n->more);
	puts("'suture-admin --help' has the options of all commands.");
}

/* --- completion --- */

static void words_of(const struct admin_verb *v)
{
	for (size_t i = 0; i < count_opts(v); i++)
		printf("--%s\n", v->opts[i].name);
	if (v->flags & ADMIN_PAGED)
		puts("--limit\n--all");
	if (v->flags & ADMIN_MATCH)
		puts("--if-version");
	puts("--json\n--help");
}

void admin_words(int argc, char **argv)
{
	for (size_t i = 0; admin_nouns[i]; i++) {
		const struct admin_noun *n = admin_nouns[i];

		if (argc < 1) {
			puts(n->name);
			continue;
		}
		if (!sut_streq(n->name, argv[0]))
			continue;
		for (const struct admin_verb *v = n->verbs; v->name; v++) {
			if (argc < 2 && v->name[0])
				puts(v->name);
			else if (sut_streq(v->name, argc < 2 ? "" : argv[1]))
				words_of(v);
		}
	}
}

/* --- running --- */

static int wrong(const struct admin_noun *n, const struct admin_verb *v, const char *why)
{
	fprintf(stderr, "suture-admin %s%s%s: %s\n\n", n->name, v->name[0] ? " " : "", v->name,
		why);
	verb_help(stderr, n, v);
	return ADMIN_USAGE;
}

static void input_release(struct admin_input *in)
{
	sut_strv_release(&in->args);
	json_decref(in->body);
	if (in->query)
		sut_buf_release(in->query);
}

/* Exit status; -1 to go on. */
static int parse(struct admin *a, const struct admin_noun *n, const struct admin_verb *v, int argc,
		 char **argv, struct admin_input *in)
{
	struct option list[OPTS_MAX + ADMIN_OPTIONS_MAX + 1] = {0};
	size_t own = count_opts(v), k = 0;
	struct sut_err err = {0};
	uint64_t given = 0;
	char why[160];
	int c, r;

	for (; k < own; k++)
		list[k] = (struct option){v->opts[k].name, required_argument, NULL, OWN + (int)k};
	k += options_table(list + k, (v->flags & ADMIN_PAGED), (v->flags & ADMIN_MATCH));
	optind = 0;
	while ((c = getopt_long(argc, argv, "h", list, NULL)) != -1) {
		if (c == 'h') {
			verb_help(stdout, n, v);
			return ADMIN_OK;
		}
		if (c >= OWN && c < OWN + (int)own) {
			given |= UINT64_C(1) << (c - OWN);
			r = option(&v->opts[c - OWN], optarg, in, &err);
		} else {
			r = options_take(a, c, optarg, &err);
		}
		if (r == 1) {
			fprintf(stderr, "'suture-admin %s --help' tells more\n", n->name);
			return ADMIN_USAGE;
		}
		if (r < 0) {
			admin_say("%s", err.msg);
			return ADMIN_USAGE;
		}
	}
	for (size_t i = 0; i < own; i++) {
		if (!(v->opts[i].flags & ADMIN_REQUIRED) || (given & UINT64_C(1) << i))
			continue;
		snprintf(why, sizeof(why), "--%s is missing", v->opts[i].name);
		return wrong(n, v, why);
	}
	for (; optind < argc; optind++)
		if (sut_strv_add(&in->args, argv[optind]) < 0)
			return sut_err_oom(&err), admin_fail(&err);
	if (in->args.n < count_args(v)) {
		snprintf(why, sizeof(why), "%s is missing", v->args[in->args.n].name);
		return wrong(n, v, why);
	}
	/* A last one that ends with "..." takes the rest. */
	if (in->args.n > count_args(v) &&
	    (!count_args(v) || !sut_endswith(v->args[count_args(v) - 1].name, "..."))) {
		snprintf(why, sizeof(why), "'%.80s' is too much", in->args.v[count_args(v)]);
		return wrong(n, v, why);
	}
	return -1;
}

/* Positional words become fields of the body, or ids for the path. */
static int words(struct admin *a, const struct admin_verb *v, const struct admin_input *in,
		 struct sut_strv *path)
{
	struct sut_err err = {0};

	for (size_t i = 0; i < count_args(v); i++) {
		_cleanup_(sut_freep) char *id = NULL;
		const char *word = in->args.v[i];
		int status;

		if (v->args[i].field) {
			if (json_object_set_new(in->body, v->args[i].field, json_string(word)) < 0)
				return admin_fail(&(struct sut_err){.msg = "that is not UTF-8"});
			continue;
		}
		if (!word[0])
			return admin_fail(&(struct sut_err){.msg = "an empty word names nothing"});
		if (v->args[i].resolve) {
			status = v->args[i].resolve(a, word, &id);
			if (status != ADMIN_OK)
				return status;
			word = id;
		}
		if (sut_strv_add(path, word) < 0)
			return sut_err_oom(&err), admin_fail(&err);
	}
	return ADMIN_OK;
}

/* Takes "admin.password" out of an answer. NULL: it has none. */
static json_t *take_secret(json_t *json, const char *path)
{
	const char *dot = path ? strchr(path, '.') : NULL;
	_cleanup_(sut_freep) char *outer = dot ? strndup(path, (size_t)(dot - path)) : NULL;
	json_t *secret;

	if (dot) {
		json = outer ? json_object_get(json, outer) : NULL;
		path = dot + 1;
	}
	secret = path ? json_object_get(json, path) : NULL;
	if (!json_is_string(secret))
		return NULL;
	json_incref(secret);
	json_object_del(json, path);
	return secret;
}

/* Texts that hold the secret, such as a command line with a key in it. */
static void drop_copies(json_t *json, const json_t *secret)
{
	const char *name;
	json_t *v;
	void *next;

	json_object_foreach_safe(json, next, name, v)
	{
		if (json_is_string(v) && strstr(json_string_value(v), json_string_value(secret)))
			json_object_del(json, name);
	}
}

static int show(struct admin *a, const struct admin_verb *v, json_t *json)
{
	const json_t *items = json_object_get(json, "items");
	const char *name = v->secret ? strrchr(v->secret, '.') : NULL;
	json_t *secret;
	int status;

	if (!json) {
		if (v->done && !a->json)
			printf("%s\n", v->done);
		return ADMIN_OK;
	}
	if (a->json && !a->secret_file)
		return show_json(json);
	if (json_is_array(items) && v->columns && !a->json)
		return show_table(items, v->columns);
	secret = take_secret(json, v->secret);
	if (secret && a->secret_file)
		drop_copies(json, secret);
	status = a->json ? show_json(json) : show_record(json, NULL);
	if (secret && status == ADMIN_OK)
		status = show_secret(a, name ? name + 1 : v->secret, json_string_value(secret));
	json_decref(secret);
	return status;
}

static int list(struct admin *a, const struct admin_verb *v, const char *target)
{
	int64_t max = a->all ? 0 : a->limit ? a->limit : 50;
	json_t *items = NULL, *json = NULL;
	bool more = false;
	int status;

	/* One more than wanted tells whether there are more. */
	status = admin_items(a, target, max ? max + 1 : 0, &items);
	if (status != ADMIN_OK)
		return status;
	while (max && (int64_t)json_array_size(items) > max) {
		json_array_remove(items, json_array_size(items) - 1);
		more = true;
	}
	if (a->json) {
		json = json_pack("{s:O}", "items", items);
		status = json ? show_json(json) : ADMIN_ERROR;
		json_decref(json);
	} else if (json_array_size(items)) {
		status = show_table(items, v->columns);
	} else {
		puts("none");
	}
	fflush(stdout);
	if (more)
		admin_say("there are more; --all shows them all, --limit N more of them");
	json_decref(items);
	return status;
}

int admin_verb_call(struct admin *a, const struct admin_verb *v, const struct admin_input *in)
{
	_cleanup_strv_ struct sut_strv path = {0};
	_cleanup_(sut_freep) char *target = NULL;
	json_t *json = NULL;
	char match[32];
	int status;

	status = words(a, v, in, &path);
	if (status != ADMIN_OK)
		return status;
	target = admin_target(v->path, path.v ? path.v : (char *[]){NULL}, (char *)in->query->data);
	if (!target)
		return admin_fail(
			&(struct sut_err){.msg = "so much does not fit into one request"});
	if (v->flags & ADMIN_PAGED)
		return list(a, v, target);
	snprintf(match, sizeof(match), "\"v%lld\"", (long long)a->if_version);
	status = admin_call(
		a,
		&(struct call){.method = v->method,
			       .target = target,
			       .body = sut_streq(v->method, "GET") || sut_streq(v->method, "DELETE")
					       ? NULL
					       : in->body,
			       .repeat = v->flags & ADMIN_REPEAT,
			       .no_token = v->flags & ADMIN_NO_TOKEN,
			       .if_match = a->if_version ? match : NULL},
		&json);
	if (status == ADMIN_OK)
		status = show(a, v, json);
	json_decref(json);
	return status;
}

int admin_verb_run(struct admin *a, const struct admin_noun *n, const struct admin_verb *v,
		   int argc, char **argv)
{
	_cleanup_buf_ struct sut_buf query = SUT_BUF_INIT(QUERY_MAX);
	_cleanup_(input_release) struct admin_input in = {.query = &query, .body = json_object()};
	struct sut_err err = {0};
	int status;

	if (!in.body)
		return sut_err_oom(&err), admin_fail(&err);
	status = parse(a, n, v, argc, argv, &in);
	if (status >= 0)
		return status;
	if (options_finish(a, &err) < 0) {
		admin_say("%s", err.msg);
		return sut_streq(err.reason, "no-url") ? ADMIN_USAGE : ADMIN_ERROR;
	}
	return v->run ? v->run(a, v, &in) : admin_verb_call(a, v, &in);
}
