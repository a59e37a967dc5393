// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>

#include "admin.h"
#include "auth/token.h"
#include "base/buf.h"
#include "call.h"
#include "http/http.h"
#include "show.h"

/* A System ID, or a host name that only one system has. */
static int resolve(struct admin *a, const char *given, char **ret)
{
	_cleanup_(sut_freep) char *quoted = NULL, *target = NULL;
	const json_t *v;
	json_t *items = NULL;
	size_t i;
	int status;

	if (sut_uid_ok(given)) {
		*ret = strdup(given);
		return *ret ? ADMIN_OK : ADMIN_ERROR;
	}
	quoted = sut_http_quote(given);
	target = quoted ? sut_sprintf("/v1/systems?hostname=%s", quoted) : NULL;
	if (!target)
		return admin_fail(&(struct sut_err){.msg = "out of memory"});
	status = admin_items(a, target, 500, &items);
	if (status != ADMIN_OK)
		return status;
	/* The portal tells those that begin so. */
	for (i = json_array_size(items); i-- > 0;) {
		v = json_object_get(json_array_get(items, i), "hostname");
		if (!sut_streq(json_string_value(v), given))
			json_array_remove(items, i);
	}
	if (json_array_size(items) == 1) {
		v = json_object_get(json_array_get(items, 0), "id");
		*ret = json_is_string(v) ? strdup(json_string_value(v)) : NULL;
		status = *ret ? ADMIN_OK : ADMIN_ERROR;
	} else if (!json_array_size(items)) {
		admin_say("there is no system '%s', neither by System ID nor by host name", given);
		status = ADMIN_NOT_FOUND;
	} else {
		admin_say("several systems are called '%s'; name one by its System ID:", given);
		json_array_foreach(items, i, v) {
			const char *id = json_string_value(json_object_get(v, "id"));

			fprintf(stderr, "  %s\n", id && sut_uid_ok(id) ? id : "?");
		}
		status = ADMIN_CONFLICT;
	}
	json_decref(items);
	return status;
}

static const struct admin_arg system_arg[] = {{"SYSTEM", NULL, resolve}, {0}},
			      tag_arg[] = {{"SYSTEM", NULL, resolve},
					   {"NAME[=VALUE]|NAME-...", "", NULL},
					   {0}};

/* One word: NAME=VALUE, NAME, or NAME- to take it away. */
static int edit_tag(json_t *tags, const char *word)
{
	const char *eq = strchr(word, '=');
	size_t len = eq ? (size_t)(eq - word) : strlen(word);
	_cleanup_(sut_freep) char *name = NULL;
	bool away = !eq && len > 1 && word[len - 1] == '-';

	name = strndup(word, away ? len - 1 : len);
	if (!name || !name[0]) {
		admin_say("'%s' is no tag: give NAME=VALUE, NAME, or NAME- to take it away", word);
		return ADMIN_USAGE;
	}
	if (away) {
		json_object_del(tags, name);
		return ADMIN_OK;
	}
	if (json_object_set_new(tags, name, json_string(eq ? eq + 1 : "")) < 0)
		return admin_fail(&(struct sut_err){.msg = "a tag is to be UTF-8"});
	return ADMIN_OK;
}

/* Reads the tags, changes them, and writes them if nobody else did meanwhile. */
static int edit_tags(struct admin *a, const char *target, const struct admin_input *in,
		     json_t **ret)
{
	json_t *row = NULL, *tags, *body = NULL;
	char match[32];
	int status;

	status = admin_call(a, &(struct call){.method = "GET", .target = target}, &row);
	if (status != ADMIN_OK)
		return status;
	tags = json_deep_copy(json_object_get(row, "tags"));
	if (!json_is_object(tags))
		status = admin_fail(&(struct sut_err){.msg = "the portal's answer has no tags"});
	for (size_t i = 1; i < in->args.n && status == ADMIN_OK; i++)
		status = edit_tag(tags, in->args.v[i]);
	if (status == ADMIN_OK) {
		snprintf(match, sizeof(match), "\"v%lld\"",
			 (long long)json_integer_value(json_object_get(row, "version")));
		body = json_pack("{s:O}", "tags", tags);
		status = !body ? ADMIN_ERROR
			       : admin_call(a,
					    &(struct call){.method = "PATCH",
							   .target = target,
							   .body = body,
							   .if_match = match},
					    ret);
	}
	json_decref(body);
	json_decref(tags);
	json_decref(row);
	return status;
}

static int tag(struct admin *a, const struct admin_verb *v, const struct admin_input *in)
{
	_cleanup_(sut_freep) char *id = NULL, *target = NULL;
	json_t *answer = NULL;
	int status = resolve(a, in->args.v[0], &id);

	if (status != ADMIN_OK)
		return status;
	target = admin_target(v->path, (char *[]){id, NULL}, NULL);
	if (!target)
		return admin_fail(&(struct sut_err){.msg = "out of memory"});
	status = edit_tags(a, target, in, &answer);
	if (status == ADMIN_OK)
		status = a->json ? show_json(answer)
				 : show_record(json_object_get(answer, "tags"), NULL);
	json_decref(answer);
	return status;
}

static const struct admin_column columns[] = {
	{"ID", "id"},
	{"HOSTNAME", "hostname"},
	{"STATE", "state"},
	{"KERNEL", "kernel.release"},
	{"LEVEL", "level"},
	{"PATCHSET", "patchset"},
	{"FEED", "feed"},
	{"HOLD", "hold", ADMIN_YES},
	{"CHECK-IN", "checkin", ADMIN_AGE},
	{"TAGS", "tags"},
	{0},
};
static const struct admin_column event_columns[] = {
	{"AT", "at", ADMIN_WHEN},
	{"TYPE", "type"},
	{"DATA", "data"},
	{0},
};
static const struct admin_opt list_opts[] = {
	{"hostname", "hostname", ADMIN_TEXT, ADMIN_QUERY, "TEXT", "whose name begins with it"},
	{"state", "state", ADMIN_TEXT, ADMIN_QUERY, "STATE", "in this state"},
	{"tag", "tag", ADMIN_TEXT, ADMIN_QUERY, "NAME[=VALUE]", "with this tag"},
	{"key", "key", ADMIN_TEXT, ADMIN_QUERY, "KEY_ID", "enrolled with this key"},
	{"feed", "feed", ADMIN_TEXT, ADMIN_QUERY, "FEED", "of this feed"},
	{"build-id", "build_id", ADMIN_TEXT, ADMIN_QUERY, "ID", "with this kernel"},
	{"release", "release", ADMIN_TEXT, ADMIN_QUERY, "RELEASE", "with this kernel, by uname -r"},
	{"level", "level", ADMIN_INT, ADMIN_QUERY, "N", "at this level"},
	{"external-id", "external_id", ADMIN_TEXT, ADMIN_QUERY, "ID", "the platform's name for it"},
	{"address", "address", ADMIN_TEXT, ADMIN_QUERY, "IP", "that called from there last"},
	{"library", "library", ADMIN_TEXT, ADMIN_QUERY, "ID",
	 "that use the library with this build id, of those that patches are for"},
	{"machine-id", "machine_id", ADMIN_TEXT, ADMIN_QUERY, "ID", "this machine"},
	{"errors", "errors", ADMIN_BOOL, ADMIN_QUERY, "yes|no", "with errors in the last report"},
	{"clones", "clones", ADMIN_BOOL, ADMIN_QUERY, "yes|no", "suspected of being a clone"},
	{"registered-before", "registered_before", ADMIN_TIME, ADMIN_QUERY, "TIME", "such as -30d"},
	{"registered-after", "registered_after", ADMIN_TIME, ADMIN_QUERY, "TIME", "such as -1d"},
	{"checkin-before", "checkin_before", ADMIN_TIME, ADMIN_QUERY, "TIME", "silent since; -7d"},
	{"checkin-after", "checkin_after", ADMIN_TIME, ADMIN_QUERY, "TIME", "heard since; -1h"},
	{0},
};
static const struct admin_opt change_opts[] = {
	{"feed", "feed", ADMIN_TEXT, ADMIN_NULL, "FEED", "instead of the key's"},
	{"delay-hours", "delay_hours", ADMIN_INT, ADMIN_NULL, "N", "instead of the key's"},
	{"pin", "pin", ADMIN_TEXT, ADMIN_NULL, "PIN",
	 "level:N, patchset:NAME or date:YYYY-MM-DD: nothing beyond it"},
	{"hold", "hold", ADMIN_BOOL, 0, "yes|no", "yes: change nothing there"},
	{"hold-reason", "hold_reason", ADMIN_TEXT, 0, "TEXT", "why"},
	{"hold-until", "hold_until", ADMIN_TIME, ADMIN_NULL, "TIME", "such as +12h"},
	{"external-id", "external_id", ADMIN_TEXT, ADMIN_NULL, "ID", "the platform's name for it"},
	{"tags", "tags", ADMIN_MAP, 0, "NAME=VALUE", "all its tags; 'tag' adds and removes"},
	{0},
};
static const struct admin_opt transfer_opts[] = {
	{"tenant", "tenant", ADMIN_TEXT, 0, "TENANT", "the tenant of that key; staff only"},
	{"key", "key", ADMIN_TEXT, ADMIN_REQUIRED, "KEY_ID", "as if it had enrolled with this key"},
	{0},
};
static const struct admin_verb verbs[] = {
	{"list", "the registered servers", "GET", "/v1/systems", .opts = list_opts,
	 .columns = columns, .flags = ADMIN_PAGED},
	{"show", "one server, by System ID or host name", "GET", "/v1/systems/{system}",
	 system_arg},
	{"tag", "add, change and remove tags", "PATCH", "/v1/systems/{system}", tag_arg,
	 .run = tag},
	{"change", "feed, delay, pin, hold, external id", "PATCH", "/v1/systems/{system}",
	 system_arg, change_opts, .flags = ADMIN_MATCH},
	{"explain", "what it should run, what is held, and why", "GET",
	 "/v1/systems/{system}/decision", system_arg},
	{"events", "its history, oldest first", "GET", "/v1/systems/{system}/events", system_arg,
	 .columns = event_columns, .flags = ADMIN_PAGED},
	{"transfer", "to another key, or another tenant", "POST", "/v1/systems/{system}/transfer",
	 system_arg, transfer_opts, .flags = ADMIN_REPEAT},
	{"delete", "forget it; its credential is good no more", "DELETE", "/v1/systems/{system}",
	 system_arg, .flags = ADMIN_MATCH, .done = "deleted"},
	{0},
};
const struct admin_noun admin_system = {"system", "registered servers", verbs, NULL};

static int status(struct admin *a, const struct admin_verb *v,
		  const struct admin_input *in _unused_)
{
	json_t *summary = NULL, *repository = NULL, *both;
	int r;

	r = admin_call(a, &(struct call){.method = "GET", .target = v->path}, &summary);
	if (r == ADMIN_OK)
		r = admin_call(a, &(struct call){.method = "GET", .target = "/v1/repository"},
			       &repository);
	if (r == ADMIN_OK) {
		both = json_pack("{s:O, s:O}", "systems", summary, "repository", repository);
		r = !both     ? admin_fail(&(struct sut_err){.msg = "out of memory"})
		    : a->json ? show_json(both)
			      : show_record(both, NULL);
		json_decref(both);
	}
	json_decref(summary);
	json_decref(repository);
	return r;
}

static const struct admin_verb status_verbs[] = {
	{"", "how many systems are in which state, and the state of the repository", "GET",
	 "/v1/systems/summary", .run = status},
	{0},
};
const struct admin_noun admin_status = {"status", "the fleet and the repository in short",
					status_verbs, NULL};
