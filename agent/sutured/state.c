// SPDX-License-Identifier: Apache-2.0
#include "sutured/state.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "sutured/net.h"

/* What is written down. Hidden parts are, too. */
static const char *const kept[] = {"told",	"held",	 "notices", "check",	"stop",
				   "available", "state", "why",	    "libraries"};

static bool is_kept(const char *part)
{
	for (size_t i = 0; i < SUT_ARRAY_SIZE(kept); i++)
		if (!strcmp(part, kept[i]))
			return true;
	return part[0] == '_';
}

static json_t *nothing_heard(void)
{
	return json_pack(
		"{s:s, s:i, s:s, s:b, s:s, s:s, s:s, s:n, s:s, s:s, s:{s:s, s:s, s:s},"
		" s:{s:n, s:n, s:i, s:s}, s:{s:n, s:n, s:i, s:s, s:n}, s:{s:s, s:s, s:i}, s:n, s:[],"
		" s:{s:s, s:s, s:n}, s:s, s:[], s:{}, s:[]}",
		"format", "suture-agent-state", "version", 1, "agent", SUTURE_VERSION, "registered",
		0, "system_id", "", "portal", "", "feed", "", "registered_at", "trouble", "",
		"state", "not-registered", "why", "code", "", "text", "", "advice", "", "checkin",
		"last", "next", "failures", 0, "error", "", "check", "last", "next", "failures", 0,
		"error", "", "expires", "told", "action", "", "patchset", "", "level", 0,
		"available", "held", "stop", "action", "none", "reason", "", "since", "busy", "",
		"notices", "sandbox", "libraries");
}

int state_init(struct net *n, struct sut_err *err)
{
	json_t *j = nothing_heard();

	if (!j)
		return sut_err_oom(err);
	n->state = (struct net_state){.parts = j};
	return 0;
}

int state_forget(struct net *n, struct sut_err *err)
{
	json_t *j = nothing_heard();

	if (!j)
		return sut_err_oom(err);
	pthread_mutex_lock(&n->lock);
	(void)json_object_set(j, "sandbox", json_object_get(n->state.parts, "sandbox"));
	json_decref(n->state.parts);
	n->state = (struct net_state){.parts = j, .dirty = true};
	pthread_mutex_unlock(&n->lock);
	return 0;
}

void state_release(struct net *n)
{
	json_decref(n->state.parts);
	n->state.parts = NULL;
}

void state_set(struct net *n, const char *part, json_t *value)
{
	if (!value)
		return;
	pthread_mutex_lock(&n->lock);
	if (!json_equal(json_object_get(n->state.parts, part), value) &&
	    json_object_set(n->state.parts, part, value) == 0 && is_kept(part))
		n->state.dirty = true;
	pthread_mutex_unlock(&n->lock);
	json_decref(value);
}

void state_update(struct net *n, const char *part, json_t *members)
{
	json_t *now;

	if (!members)
		return;
	now = state_get(n, part);
	if (!json_is_object(now)) {
		json_decref(now);
		state_set(n, part, members);
		return;
	}
	if (json_object_update(now, members) == 0)
		state_set(n, part, json_incref(now));
	json_decref(now);
	json_decref(members);
}

json_t *state_get(struct net *n, const char *part)
{
	json_t *j;

	pthread_mutex_lock(&n->lock);
	j = json_deep_copy(json_object_get(n->state.parts, part));
	pthread_mutex_unlock(&n->lock);
	return j;
}

/* Under the lock; borrowed. */
static const json_t *member_of(struct net *n, const char *part, const char *member)
{
	const json_t *j = json_object_get(n->state.parts, part);

	return member ? json_object_get(j, member) : j;
}

void state_text(struct net *n, const char *part, const char *member, char *ret, size_t size)
{
	const char *text;

	pthread_mutex_lock(&n->lock);
	text = json_string_value(member_of(n, part, member));
	(void)snprintf(ret, size, "%s", text ? text : "");
	pthread_mutex_unlock(&n->lock);
}

int64_t state_int(struct net *n, const char *part, const char *member, int64_t otherwise)
{
	const json_t *j;
	int64_t v;

	pthread_mutex_lock(&n->lock);
	j = member_of(n, part, member);
	v = json_is_integer(j) ? (int64_t)json_integer_value(j) : otherwise;
	pthread_mutex_unlock(&n->lock);
	return v;
}

void state_identity(struct net *n)
{
	const struct identity *i = &n->id;
	bool registered = identity_registered(i);
	const char *trouble = *i->trouble ? i->trouble : n->disk ? "disk" : "";
	char state[40];

	state_set(n, "registered", json_boolean(registered));
	state_set(n, "system_id", json_string(i->system_id));
	state_set(n, "portal", json_string(net_portal(n)));
	state_set(n, "feed", json_string(i->feed));
	state_set(n, "registered_at", state_time_json(i->registered_at));
	state_set(n, "trouble", json_string(trouble));
	/* Also of a boot before: how long a portal has been silent does not begin anew. */
	state_update(n, "checkin", json_pack("{s:o}", "last", state_time_json(i->heard_at)));
	state_text(n, "state", NULL, state, sizeof(state));
	if (!registered && !*n->conf.repository)
		state_set(n, "state", json_string("not-registered"));
	else if (!strcmp(state, "not-registered"))
		state_set(n, "state", json_string("unknown"));
}

/* "next" of check-in and check is what the timer says. */
static json_t *due_json(struct net *n, enum net_due what)
{
	int64_t left = net_due_left(n, what);

	return left < 0 ? json_null() : state_time_json(net_now(n) + left);
}

json_t *state_document(struct net *n)
{
	json_t *checkin = due_json(n, NET_DUE_CHECKIN), *check = due_json(n, NET_DUE_CHECK);
	json_t *j;
	const char *key;
	json_t *value;
	void *next;

	pthread_mutex_lock(&n->lock);
	j = json_deep_copy(n->state.parts);
	if (j && n->queue.now)
		(void)json_object_set_new(j, "busy", json_string(n->queue.now->name));
	pthread_mutex_unlock(&n->lock);
	(void)json_object_set_new(json_object_get(j, "checkin"), "next", checkin);
	(void)json_object_set_new(json_object_get(j, "check"), "next", check);
	json_object_foreach_safe(j, next, key, value) if (key[0] == '_') json_object_del(j, key);
	return j;
}

/* ------------------------------------------------------------------ */

/* A part that is read back has the type it has when nothing was heard yet (null: an object may come). */
static bool fits(const json_t *old, const json_t *new)
{
	if (!old)
		return true;
	if (json_is_null(old))
		return json_is_object(new) || json_is_null(new);
	return json_typeof(old) == json_typeof(new);
}

void state_load(struct net *n)
{
	const struct agent_path path = agent_path(n->root, AGENT_NET_STATE);
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(NET_STATE_MAX);
	struct sut_err err;
	const char *key;
	json_t *j, *value;
	int r = sut_file_read(path.s, &b, &err);

	if (r < 0) {
		if (r != -ENOENT)
			net_log(NET_WARNING, "what was last heard is not known: %s", err.msg);
		return;
	}
	j = json_loadb((const char *)b.data, b.len, JSON_REJECT_DUPLICATES, NULL);
	if (json_integer_value(json_object_get(j, "version")) != 1) {
		net_log(NET_WARNING, "%s is damaged: what was last heard is not known", path.s);
	} else {
		pthread_mutex_lock(&n->lock);
		json_object_foreach(j, key, value)
			if (is_kept(key) && fits(json_object_get(n->state.parts, key), value))
				(void)json_object_set(n->state.parts, key, value);
		pthread_mutex_unlock(&n->lock);
	}
	json_decref(j);
}

void state_save(struct net *n)
{
	const struct agent_path path = agent_path(n->root, AGENT_NET_STATE);
	_cleanup_(sut_freep) char *text = NULL;
	struct sut_err err = {0};
	const char *key;
	json_t *j, *value;

	pthread_mutex_lock(&n->lock);
	if (n->state.dirty) {
		j = json_pack("{s:s, s:i}", "format", "suture-agent-kept", "version", 1);
		json_object_foreach(n->state.parts, key, value)
			if (is_kept(key))
				(void)json_object_set(j, key, value);
		text = j ? json_dumps(j, JSON_COMPACT) : NULL;
		json_decref(j);
		n->state.dirty = false;
	}
	pthread_mutex_unlock(&n->lock);
	if (!text)
		return;
	if (net_disk(n, NET_FILE_STATE, sut_file_write(path.s, text, strlen(text), 0600, &err),
		     &err) < 0) {
		pthread_mutex_lock(&n->lock);
		n->state.dirty = true;
		pthread_mutex_unlock(&n->lock);
	}
}

void state_time(int64_t t, char ret[static sizeof("2026-11-21T20:15:00Z")])
{
	time_t at = (time_t)t;
	struct tm tm;

	*ret = '\0';
	/* Beyond these years it would not fit, and the clock is wrong anyway. */
	if (t > 0 && t < INT64_C(253402300800) && gmtime_r(&at, &tm))
		(void)strftime(ret, sizeof("2026-11-21T20:15:00Z"), "%Y-%m-%dT%H:%M:%SZ", &tm);
}

json_t *state_time_json(int64_t t)
{
	char text[sizeof("2026-11-21T20:15:00Z")];

	state_time(t, text);
	return *text ? json_string(text) : json_null();
}
