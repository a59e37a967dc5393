/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/report.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "crypto/sha256.h"
#include "feed/pin.h"
#include "fleet/library.h"

/* "new" is not among them: it is what the portal says before the first check-in. */
static const char *const STATES[] = {"current",	    "pending",	     "held",
				     "failed",	    "quarantined",   "off",
				     "unsupported", "reboot-needed", NULL};

static const char *const NAMES[] = {
	"serial",    "nonce",  "machine_id",	"product_uuid", "boot_id",     "state",
	"kernel",    "level",  "patchset",	"agent",	"hostname",    "uptime_s",
	"libraries", "errors", "last_pause_ns", "products",	"quarantined", "facts",
	NULL};

bool report_state_ok(const char *s)
{
	for (size_t i = 0; STATES[i]; i++)
		if (!strcmp(STATES[i], s))
			return true;
	return false;
}

/* The place of an entry of a list. */
static void place_of(char buf[static 64], const char *list, size_t i)
{
	snprintf(buf, 64, "/%s/%zu", list, i);
}

static int list_of(const json_t *j, const char *name, size_t max, struct check *c)
{
	if (!j || json_is_null(j))
		return 0;
	if (!json_is_array(j))
		return check_bad(c, "", name, "must be a list");
	if (json_array_size(j) > max)
		return check_bad(c, "", name, "may hold at most %zu entries, not %zu", max,
				 json_array_size(j));
	return 0;
}

static int libraries_check(const json_t *j, struct check *c)
{
	static const char *const names[] = {"name",	 "build_id", "version", "level", "patchset",
					    "processes", "patched",  "state",	NULL};
	char place[64];
	size_t i;
	json_t *v;

	if (list_of(j, "libraries", REPORT_LIBRARIES_MAX, c))
		return -EINVAL;
	json_array_foreach(j, i, v) {
		const char *build_id = NULL, *text = NULL, *state = NULL;
		int64_t n = 0;

		place_of(place, "libraries", i);
		if (!json_is_object(v))
			return check_bad(c, place, "", "must be an object");
		if (check_only(c, place, v, names) ||
		    check_string(c, place, "build_id", json_object_get(v, "build_id"), CHECK_HEX, 8,
				 64, &build_id) ||
		    check_string(c, place, "name", json_object_get(v, "name"), CHECK_PRINTABLE, 1,
				 256, &text) ||
		    check_string(c, place, "version", json_object_get(v, "version"), CHECK_WORD, 0,
				 128, &text) ||
		    check_string(c, place, "patchset", json_object_get(v, "patchset"), CHECK_WORD,
				 0, FEED_PATCHSET_MAX, &text) ||
		    check_int(c, place, "level", json_object_get(v, "level"), 0, INT32_MAX, &n) ||
		    check_int(c, place, "processes", json_object_get(v, "processes"), 0, INT32_MAX,
			      &n) ||
		    check_int(c, place, "patched", json_object_get(v, "patched"), 0, INT32_MAX,
			      &n) ||
		    check_string(c, place, "state", json_object_get(v, "state"), CHECK_WORD, 1,
				 FLEET_SHORT_MAX, &state))
			return -EINVAL;
		if (state && !report_state_ok(state))
			return check_bad(c, place, "state",
					 "is no state of docs/formats/checkin.md");
		if (!build_id)
			return check_bad(c, place, "build_id", "is missing");
	}
	return 0;
}

static int errors_check(const json_t *j, struct check *c)
{
	static const char *const names[] = {"code", "message", "patchset", "at", NULL};
	char place[64];
	size_t i;
	json_t *v;

	if (list_of(j, "errors", REPORT_ERRORS_MAX, c))
		return -EINVAL;
	json_array_foreach(j, i, v) {
		const char *code = NULL, *text = NULL;

		place_of(place, "errors", i);
		if (!json_is_object(v))
			return check_bad(c, place, "", "must be an object");
		if (check_only(c, place, v, names) ||
		    check_string(c, place, "code", json_object_get(v, "code"), CHECK_WORD, 1,
				 FLEET_SHORT_MAX, &code) ||
		    check_string(c, place, "message", json_object_get(v, "message"),
				 CHECK_PRINTABLE, 0, REPORT_MESSAGE_MAX, &text) ||
		    check_string(c, place, "patchset", json_object_get(v, "patchset"), CHECK_WORD,
				 0, FEED_PATCHSET_MAX, &text) ||
		    check_string(c, place, "at", json_object_get(v, "at"), CHECK_WORD, 20, 20,
				 &text))
			return -EINVAL;
		if (!code)
			return check_bad(c, place, "code", "is missing");
	}
	return 0;
}

static int quarantined_check(const json_t *j, struct check *c)
{
	char place[24];
	size_t i;
	json_t *v;

	if (list_of(j, "quarantined", REPORT_QUARANTINED_MAX, c))
		return -EINVAL;
	json_array_foreach(j, i, v) {
		const char *name = NULL;

		snprintf(place, sizeof(place), "%zu", i);
		if (check_string(c, "/quarantined", place, v, CHECK_WORD, 1, FEED_PATCHSET_MAX,
				 &name))
			return -EINVAL;
		if (!name)
			return check_bad(c, "/quarantined", place, "must be a string");
	}
	return 0;
}

static void mix(uint8_t hash[static REPORT_HASH], const uint8_t more[static REPORT_HASH])
{
	uint8_t both[2 * REPORT_HASH];

	memcpy(both, hash, REPORT_HASH);
	memcpy(both + REPORT_HASH, more, REPORT_HASH);
	sut_sha256(both, sizeof(both), hash);
}

/* A report is written once and compared with the next ones by its hash. */
static int settle(const json_t *j, struct report *r)
{
	static const char *const aside[] = {"serial",	"nonce", "machine_id", "product_uuid",
					    "uptime_s", "facts", "hostname"};
	json_t *facts = json_object_get(j, "facts"), *rest = json_copy((json_t *)j);
	_cleanup_(sut_freep) char *libraries = NULL;

	if (!rest || library_settle(json_object_get(j, "libraries"), &libraries) < 0) {
		json_decref(rest);
		return -ENOMEM;
	}
	sut_sha256(libraries, strlen(libraries), r->libraries_hash);
	/* They are in a table of their own, and counts are no news. */
	json_object_del(rest, "libraries");
	for (size_t i = 0; i < SUT_ARRAY_SIZE(aside); i++)
		json_object_del(rest, aside[i]);
	r->text = json_dumps(rest, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(rest);
	if (json_is_object(facts))
		r->facts = json_dumps(facts, JSON_COMPACT | JSON_SORT_KEYS);
	if (!r->text || (json_is_object(facts) && !r->facts))
		return -ENOMEM;
	sut_sha256(r->text, strlen(r->text), r->hash);
	r->has_libraries = json_array_size(json_object_get(j, "libraries")) > 0;
	if (r->has_libraries)
		mix(r->hash, r->libraries_hash);
	if (r->facts)
		sut_sha256(r->facts, strlen(r->facts), r->facts_hash);
	return 0;
}

static int parse(const json_t *j, struct report *r, struct check *c)
{
	json_t *kernel = json_object_get(j, "kernel"), *facts = json_object_get(j, "facts");
	static const char *const kernel_names[] = {"release", "build_id", "kernel_id", "arch",
						   NULL};

	if (check_only(c, "", j, NAMES) ||
	    check_int(c, "", "serial", json_object_get(j, "serial"), 0, LINE_SERIAL_MAX - 1,
		      &r->serial) ||
	    check_string(c, "", "nonce", json_object_get(j, "nonce"), CHECK_NONCE, LINE_NONCE_MIN,
			 LINE_NONCE_MAX, &r->nonce) ||
	    machine_id_parse(json_object_get(j, "machine_id"), "", "machine_id", MACHINE_ID_MIN,
			     r->machine_id, c) ||
	    machine_id_parse(json_object_get(j, "product_uuid"), "", "product_uuid", 0,
			     r->product_uuid, c) ||
	    check_string(c, "", "boot_id", json_object_get(j, "boot_id"), CHECK_ID, 1,
			 REPORT_BOOT_ID_MAX, &r->boot_id) ||
	    check_string(c, "", "state", json_object_get(j, "state"), CHECK_WORD, 1,
			 FLEET_SHORT_MAX, &r->state))
		return -EINVAL;
	if (r->serial < 0)
		return check_bad(c, "", "serial", "is missing");
	if (!r->nonce)
		return check_bad(c, "", "nonce", "is missing");
	if (!r->boot_id)
		return check_bad(c, "", "boot_id", "is missing");
	if (!r->state)
		return check_bad(c, "", "state", "is missing");
	if (!report_state_ok(r->state))
		return check_bad(c, "", "state", "is no state of docs/formats/checkin.md");
	if (kernel && !json_is_null(kernel)) {
		if (!json_is_object(kernel))
			return check_bad(c, "", "kernel", "must be an object");
		if (check_only(c, "/kernel", kernel, kernel_names) ||
		    machine_kernel_parse(kernel, "/kernel", &r->kernel, c))
			return -EINVAL;
	}
	if (check_int(c, "", "level", json_object_get(j, "level"), 0, INT32_MAX, &r->level) ||
	    check_string(c, "", "patchset", json_object_get(j, "patchset"), CHECK_WORD, 0,
			 FEED_PATCHSET_MAX, &r->patchset) ||
	    check_string(c, "", "agent", json_object_get(j, "agent"), CHECK_WORD, 0,
			 FLEET_SHORT_MAX, &r->agent) ||
	    check_string(c, "", "hostname", json_object_get(j, "hostname"), CHECK_HOST, 1,
			 MACHINE_HOSTNAME_MAX, &r->hostname) ||
	    check_int(c, "", "uptime_s", json_object_get(j, "uptime_s"), 0, INT32_MAX,
		      &r->uptime_s) ||
	    check_int(c, "", "last_pause_ns", json_object_get(j, "last_pause_ns"), 0,
		      INT64_C(3600000000000), &r->last_pause_ns) ||
	    check_products(c, "", "products", json_object_get(j, "products"), &r->products) ||
	    libraries_check(json_object_get(j, "libraries"), c) ||
	    errors_check(json_object_get(j, "errors"), c) ||
	    quarantined_check(json_object_get(j, "quarantined"), c))
		return -EINVAL;
	r->errors = json_array_size(json_object_get(j, "errors"));
	if (facts && !json_is_null(facts) && machine_facts_check(facts, "/facts", c))
		return -EINVAL;
	return 0;
}

int report_parse(const json_t *j, struct report *ret, struct check *c)
{
	_cleanup_report_ struct report r = {
		.serial = -1,
		.kernel = {"", "", "", ""},
		.patchset = "",
		.agent = "",
		.uptime_s = -1,
		.last_pause_ns = -1,
	};
	int x;

	if (!json_is_object(j))
		return check_bad(c, "", "", "must be an object");
	x = parse(j, &r, c);
	if (!x)
		x = settle(j, &r);
	if (x)
		return x;
	*ret = r;
	r.text = r.facts = NULL;
	return 0;
}

void report_release(struct report *r)
{
	free(r->text);
	free(r->facts);
	r->text = r->facts = NULL;
}
