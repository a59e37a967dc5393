// SPDX-License-Identifier: Apache-2.0
#include "sutured/report.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "base/utf8.h"
#include "json/parse.h"
#include "sutured/facts.h"
#include "sutured/library.h"

#define WORD "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-:+~/@"

enum { PATCHSET_MAX = 63, CODE_MAX = 64 };
static const int64_t pause_max_ns = INT64_C(3600) * 1000000000;

void report_release(struct report *r)
{
	json_decref(r->body);
	r->body = NULL;
}

const char *report_state(const json_t *apply)
{
	const char *support = sut_json_text(json_object_get(apply, "support"), "state");
	const char *sw = sut_json_text(json_object_get(apply, "switch"), "state");

	if (*support && strcmp(support, "supported") != 0)
		return "unsupported";
	if (json_is_true(json_object_get(apply, "residue")))
		return "reboot-needed";
	if (!strcmp(sw, "off"))
		return "off";
	return "";
}

/* By what runs alone, while nobody has decided what is to run. */
static void state_word(struct net *n, const json_t *apply, char *ret, size_t size)
{
	const char *own = report_state(apply);
	bool patched = json_is_object(json_object_get(apply, "patch"));
	char action[16];

	state_text(n, "state", NULL, ret, size);
	if (*own)
		(void)snprintf(ret, size, "%s", own);
	else if (strcmp(ret, "unknown") != 0 && strcmp(ret, "not-registered") != 0 && *ret)
		return;
	else if (!apply)
		(void)snprintf(ret, size, "failed");
	else if (json_array_size(json_object_get(apply, "quarantined")) && !patched)
		(void)snprintf(ret, size, "quarantined");
	else {
		state_text(n, "told", "action", action, sizeof(action));
		(void)snprintf(ret, size, "%s", !strcmp(action, "apply") ? "pending" : "current");
	}
}

static bool is_utc(const char *s)
{
	return strlen(s) == 20 && strcspn(s, "T") == 10 && sut_endswith(s, "Z");
}

static json_t *error_json(const char *code, const char *message, const char *patchset,
			  const char *at)
{
	char word[CODE_MAX + 1], text[REPORT_MESSAGE_MAX + 1], set[PATCHSET_MAX + 1];
	json_t *j;

	facts_filter(code, WORD, '-', word, sizeof(word));
	facts_filter(patchset, WORD, '-', set, sizeof(set));
	(void)snprintf(text, sizeof(text), "%s", message);
	sut_make_printable(text, "");
	j = json_pack("{s:s, s:s}", "code", *word ? word : "error", "message", text);
	if (j && *set)
		(void)json_object_set_new(j, "patchset", json_string(set));
	if (j && is_utc(at))
		(void)json_object_set_new(j, "at", json_string(at));
	return j;
}

static void add_error(json_t *list, const json_t *e, const char *code)
{
	if (json_array_size(list) < REPORT_ERRORS_MAX)
		(void)json_array_append_new(list, error_json(code, sut_json_text(e, "message"),
							     sut_json_text(e, "patchset"),
							     sut_json_text(e, "at")));
}

/* What the root half could not do, then what we could not. */
static json_t *errors(struct net *n, const json_t *apply)
{
	json_t *list = json_array(), *own = state_get(n, "_errors"), *e;
	const char *code;
	size_t i;

	json_array_foreach(json_object_get(apply, "errors"), i, e) {
		add_error(list, e, sut_json_text(e, "code"));
	}
	json_object_foreach(own, code, e) {
		add_error(list, e, code);
	}
	json_decref(own);
	if (n->disk && json_array_size(list) < REPORT_ERRORS_MAX)
		(void)json_array_append_new(
			list, error_json("disk", "the agent cannot write to its disk", "", ""));
	if (!apply && json_array_size(list) < REPORT_ERRORS_MAX)
		(void)json_array_append_new(
			list, error_json("apply-unreachable",
					 "the root half of the agent does not answer", "", ""));
	return list;
}

/* Names, each once; the newest when there are too many. */
static json_t *quarantined(const json_t *apply)
{
	const json_t *all = json_object_get(apply, "quarantined");
	json_t *list = json_array();

	for (size_t i = json_array_size(all);
	     i-- && json_array_size(list) < REPORT_QUARANTINED_MAX;) {
		char id[PATCHSET_MAX + 1];
		bool there = false;
		json_t *e;
		size_t k;

		facts_filter(sut_json_text(json_array_get(all, i), "id"), WORD, 0, id, sizeof(id));
		json_array_foreach(list, k, e)
			there = there || !strcmp(json_string_value(e), id);
		if (*id && !there)
			(void)json_array_append_new(list, json_string(id));
	}
	return list;
}

static int64_t bounded(const json_t *j, int64_t max)
{
	int64_t v = (int64_t)json_integer_value(j);

	return v < 0 ? 0 : v > max ? max : v;
}

static void hash(const json_t *j, char ret[static SUT_SHA256_HEX])
{
	_cleanup_(sut_freep) char *text = j ? json_dumps(j, JSON_COMPACT | JSON_SORT_KEYS) : NULL;

	*ret = '\0';
	if (text)
		sut_sha256_hex(text, strlen(text), ret);
}

static int add_facts(struct net *n, const json_t *apply, const char *machine, const char *known,
		     struct report *r)
{
	char host[FACTS_HOST_MAX + 1];
	json_t *facts = facts_more(n, apply), *both;
	int x = 0;

	facts_hostname(n, machine, host);
	both = json_pack("{s:s, s:o}", "hostname", host, "facts", facts);
	if (!both)
		return -ENOMEM;
	hash(both, r->facts);
	if (strcmp(r->facts, known) != 0)
		x = json_object_update(r->body, both);
	json_decref(both);
	return x;
}

/* One that cannot be told is told the next time. */
static void set_libraries(struct net *n, const json_t *apply, bool counts, json_t *body)
{
	json_t *list = library_report(n, apply, counts);

	if (list && json_object_set(body, "libraries", list) < 0)
		net_log(NET_DEBUG, "libraries are not told: out of memory");
	json_decref(list);
}

int report_make(struct net *n, const json_t *apply, const char *known_facts, struct report *ret,
		struct sut_err *err)
{
	char machine[IDENTITY_MACHINE + 1], product[65], boot[65], state[32];
	char patchset[PATCHSET_MAX + 1];
	const json_t *patch = json_object_get(apply, "patch");
	struct report r = {0};
	int x = facts_machine_id(n->root, machine, err);

	if (x < 0)
		return x;
	facts_product_uuid(apply, product);
	facts_boot_id(apply, boot);
	state_word(n, apply, state, sizeof(state));
	facts_filter(sut_json_text(patch, "id"), WORD, 0, patchset, sizeof(patchset));
	r.body = json_pack("{s:s, s:s, s:s, s:o, s:I, s:s, s:I, s:s, s:o, s:o, s:o}", "machine_id",
			   machine, "boot_id", boot, "state", state, "kernel", facts_kernel(apply),
			   "level", (json_int_t)bounded(json_object_get(patch, "level"), INT32_MAX),
			   "patchset", patchset, "last_pause_ns",
			   (json_int_t)bounded(json_object_get(patch, "pause_ns"), pause_max_ns),
			   "agent", SUTURE_VERSION, "errors", errors(n, apply), "quarantined",
			   quarantined(apply), "products", facts_products(n));
	if (!r.body)
		return sut_err_oom(err);
	if (*product)
		x = json_object_set_new(r.body, "product_uuid", json_string(product));
	/* Numbers of processes change by themselves: they are told, and no news. */
	set_libraries(n, apply, false, r.body);
	hash(r.body, r.what);
	set_libraries(n, apply, true, r.body);
	x |= json_object_set_new(
		r.body, "uptime_s",
		json_integer((json_int_t)(net_boot_s(n) < INT32_MAX ? net_boot_s(n) : INT32_MAX)));
	x |= json_object_set_new(r.body, "serial", json_integer((json_int_t)n->id.serial));
	x |= json_object_set_new(r.body, "nonce", json_string(n->id.nonce));
	if (x == 0)
		x = add_facts(n, apply, machine, known_facts, &r);
	if (x) {
		report_release(&r);
		return sut_err_oom(err);
	}
	*ret = r;
	return 0;
}
