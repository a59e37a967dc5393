/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/machine.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

int machine_id_parse(const json_t *j, const char *where, const char *name, size_t min,
		     char ret[static MACHINE_ID_MAX + 1], struct check *c)
{
	const char *s = "";

	if (check_string(c, where, name, j, CHECK_ID, min, MACHINE_ID_MAX, &s))
		return -EINVAL;
	if (min && !s[0])
		return check_bad(c, where, name, "is missing");
	snprintf(ret, MACHINE_ID_MAX + 1, "%s", s);
	for (char *p = ret; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return 0;
}

int machine_kernel_parse(const json_t *j, const char *where, struct machine_kernel *ret,
			 struct check *c)
{
	*ret = (struct machine_kernel){"", "", "", ""};
	if (check_string(c, where, "release", json_object_get(j, "release"), CHECK_WORD, 0, 128,
			 &ret->release) ||
	    check_string(c, where, "build_id", json_object_get(j, "build_id"), CHECK_HEX, 0, 64,
			 &ret->build_id) ||
	    check_string(c, where, "kernel_id", json_object_get(j, "kernel_id"), CHECK_HEX, 0, 64,
			 &ret->kernel_id) ||
	    check_string(c, where, "arch", json_object_get(j, "arch"), CHECK_WORD, 0, 32,
			 &ret->arch))
		return -EINVAL;
	return 0;
}

static bool fact_name(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_");

	return n && n <= MACHINE_FACT_NAME_MAX && !s[n];
}

static int fact_check(const json_t *j, const char *where, const char *name, struct check *c)
{
	const char *s = "";
	size_t i;
	json_t *v;

	if (json_is_integer(j) || json_is_boolean(j) || json_is_null(j))
		return 0;
	if (json_is_string(j))
		return check_string(c, where, name, j, CHECK_PRINTABLE, 0, MACHINE_FACT_TEXT_MAX,
				    &s);
	if (!json_is_array(j))
		return check_bad(c, where, name,
				 "a fact is a text, an integer, true or false, or a list of texts");
	if (json_array_size(j) > MACHINE_FACT_LIST_MAX)
		return check_bad(c, where, name, "may hold at most %d texts",
				 MACHINE_FACT_LIST_MAX);
	json_array_foreach(j, i, v) {
		if (!json_is_string(v))
			return check_bad(c, where, name, "a list in a fact holds texts only");
		if (check_string(c, where, name, v, CHECK_PRINTABLE, 0, MACHINE_FACT_TEXT_MAX, &s))
			return -EINVAL;
	}
	return 0;
}

int machine_facts_check(const json_t *j, const char *where, struct check *c)
{
	const char *key;
	json_t *v;

	if (!json_is_object(j))
		return check_bad(c, where, "", "must be an object");
	if (json_object_size(j) > MACHINE_FACTS_MAX)
		return check_bad(c, where, "", "may hold at most %d facts", MACHINE_FACTS_MAX);
	json_object_foreach((json_t *)j, key, v) {
		if (!fact_name(key))
			return check_bad(c, where, key,
					 "the name of a fact has 1 to %d of a-z 0-9 _",
					 MACHINE_FACT_NAME_MAX);
		if (fact_check(v, where, key, c))
			return -EINVAL;
	}
	if (json_dumpb(j, NULL, 0, JSON_COMPACT) > MACHINE_FACTS_BYTES)
		return check_bad(c, where, "", "all facts together have at most %d bytes",
				 MACHINE_FACTS_BYTES);
	return 0;
}

/* These stand beside "facts" because every platform has them. */
static const char *const COMMON[] = {"fqdn", "addresses", "distribution", "virtualization", NULL};

static int facts_parse(const json_t *j, const char *where, json_t **ret, struct check *c)
{
	json_t *given = json_object_get(j, "facts"), *facts;
	char place[96];
	int r = 0;

	snprintf(place, sizeof(place), "%s/facts", where);
	if (given && !json_is_null(given) && machine_facts_check(given, place, c))
		return -EINVAL;
	facts = json_is_object(given) ? json_copy(given) : json_object();
	if (!facts)
		return -ENOMEM;
	for (size_t i = 0; COMMON[i] && !r; i++) {
		json_t *v = json_object_get(j, COMMON[i]);

		if (!v || json_is_null(v))
			continue;
		r = fact_check(v, where, COMMON[i], c);
		if (!r && json_object_set(facts, COMMON[i], v))
			r = -ENOMEM;
	}
	if (r) {
		json_decref(facts);
		return r;
	}
	*ret = facts;
	return 0;
}

int machine_parse(const json_t *j, const char *where, struct machine *ret, struct check *c)
{
	static const char *const names[] = {
		"machine_id", "product_uuid", "hostname",	"release", "build_id",
		"kernel_id",  "arch",	      "agent",		"fqdn",	   "addresses",
		"facts",      "distribution", "virtualization", NULL};
	struct machine m = {.agent = ""};
	int r;

	if (!json_is_object(j))
		return check_bad(c, where, "", "must be an object");
	if (check_only(c, where, j, names) ||
	    machine_id_parse(json_object_get(j, "machine_id"), where, "machine_id", MACHINE_ID_MIN,
			     m.machine_id, c) ||
	    machine_id_parse(json_object_get(j, "product_uuid"), where, "product_uuid", 0,
			     m.product_uuid, c) ||
	    check_string(c, where, "hostname", json_object_get(j, "hostname"), CHECK_HOST, 1,
			 MACHINE_HOSTNAME_MAX, &m.hostname) ||
	    check_string(c, where, "agent", json_object_get(j, "agent"), CHECK_WORD, 0,
			 FLEET_SHORT_MAX, &m.agent) ||
	    machine_kernel_parse(j, where, &m.kernel, c))
		return -EINVAL;
	if (!m.hostname)
		return check_bad(c, where, "hostname", "is missing");
	r = facts_parse(j, where, &m.facts, c);
	if (r)
		return r;
	*ret = m;
	return 0;
}

void machine_release(struct machine *m)
{
	json_decref(m->facts);
	m->facts = NULL;
}
