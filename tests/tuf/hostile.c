// SPDX-License-Identifier: Apache-2.0
/*
 * Documents that are signed as they should be and malformed all the same: each defect is put into
 * every role it fits, one after the other. The file is refused, nothing that is trusted changes,
 * and the same client goes on with the next good version.
 *
 * Defects of form are made before signing, so the signature is good. Those that JSON libraries
 * cannot write are made in the text afterwards, so that a reader which overlooks them sees a
 * document with a good signature.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "world.h"

enum {
	IN_ROOT = 1,
	IN_TIMESTAMP = 2,
	IN_SNAPSHOT = 4,
	IN_TARGETS = 8,
	IN_DELEGATED = 16,
	IN_ALL = 31,
	MAY_PASS = 32, /* may be taken, and fail later: only harm is looked for */
	TAKEN = 64,    /* must be taken */
};

static const char *const roles[] = {"root", "timestamp", "snapshot", "targets", "delegated"};

struct defect {
	int where;
	/* In "signed", before signing: the value at this path ("a/b/0"), as JSON; NULL: removed.
	 * ROLE in the path is the entry of a role, NEXT is what the file lists. */
	const char *path, *value;
	/* Afterwards, with the whole file as text; returns fresh text. */
	char *(*text)(const char *text, size_t *len);
	/* Afterwards, with the whole file as JSON. */
	void (*whole)(json_t *whole);
};

/* --- paths --- */

static const char *step_of(const char *role, const char *step)
{
	if (strcmp(step, "NEXT") == 0)
		return strcmp(role, "timestamp") == 0 ? "snapshot.json" : "targets.json";
	return step;
}

static json_t *child(json_t *j, const char *step)
{
	if (json_is_array(j))
		return json_array_get(j, (size_t)strtoul(step, NULL, 10));
	if (strcmp(step, "*") == 0)
		return json_object_iter_value(json_object_iter(j));
	return json_object_get(j, step);
}

static void put(const char *role, json_t *doc, const char *path, const char *value)
{
	char *copy = sim_str("%s", path), *save = NULL, *step, *next;
	json_t *at = doc, *v = value ? json_loads(value, JSON_DECODE_ANY, NULL) : NULL;
	const char *name;

	if (value && !v)
		sim_die("'%s' is no JSON", value);
	for (step = strtok_r(copy, "/", &save); (next = strtok_r(NULL, "/", &save)); step = next) {
		at = child(at, step_of(role, step));
		if (!at)
			sim_die("%s has no %s", role, path);
	}
	name = step_of(role, step);
	if (json_is_array(at) && v)
		json_array_set_new(at, (size_t)strtoul(name, NULL, 10), v);
	else if (json_is_array(at))
		json_array_remove(at, (size_t)strtoul(name, NULL, 10));
	else if (v)
		json_object_set_new(
			at,
			strcmp(name, "*") == 0 ? json_object_iter_key(json_object_iter(at)) : name,
			v);
	else
		json_object_del(at, name);
}

/* --- the test --- */

static void prepare(struct world *w)
{
	sim_delegate(w->sim, "targets", "delegated", "file", 0);
	sim_target(w->sim, "delegated", "file", "text");
	sim_target(w->sim, "targets", "mine", "text of targets");
	sim_release(w->sim, "delegated");
	init(w);
	refresh(w);
	expect_trusted(w, "root:1 snapshot:2 targets:2 timestamp:2");
}

/* The role's next version with the defect, and what lists it, right again. */
static void publish_defect(struct world *w, const struct defect *d, const char *role)
{
	json_t *doc = sim_doc(w->sim, role), *kept;
	json_int_t version = json_integer_value(json_object_get(doc, "version")) + 1;
	char *text;
	size_t len;

	sim_version(w->sim, role, version);
	kept = json_deep_copy(doc);
	if (d->path)
		put(role, doc, d->path, d->value);
	sim_publish(w->sim, role);
	/* The defect is not to decide under which number the file is found. */
	sim_role(w->sim, role)->files[sim_role(w->sim, role)->nfiles - 1].version = version;
	if (d->text) {
		text = d->text((const char *)sim_last(w->sim, role)->data, &len);
		sim_replace(w->sim, role, text, len);
	}
	if (d->whole) {
		json_t *whole = sim_parse_last(w->sim, role);

		d->whole(whole);
		sim_replace_json(w->sim, role, whole);
	}
	/* For the next one. */
	sim_role(w->sim, role)->doc = kept;
	if (strcmp(role, "root") == 0)
		return;
	if (strcmp(role, "timestamp") != 0)
		sim_enter(w->sim, role);
	if (strcmp(role, "delegated") == 0)
		sim_publish(w->sim, "targets");
	if (strcmp(role, "targets") == 0 || strcmp(role, "delegated") == 0)
		sim_publish(w->sim, "snapshot");
	if (strcmp(role, "timestamp") != 0)
		sim_publish(w->sim, "timestamp");
}

static void defect(struct world *w, const void *arg)
{
	const struct defect *d = arg;

	prepare(w);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(roles); i++) {
		json_int_t before = trusted_version(w, roles[i]);
		int r;

		if (!(d->where & 1 << i))
			continue;
		publish_defect(w, d, roles[i]);
		r = run_download(w, "file");
		EXPECT(r == 1 || d->where & (MAY_PASS | TAKEN), "%s with this defect was taken",
		       roles[i]);
		EXPECT(r == 0 || !(d->where & TAKEN), "%s was refused and should not have been",
		       roles[i]);
		if (r == 1) {
			EXPECT(trusted_version(w, roles[i]) == before || d->where & MAY_PASS,
			       "%s is trusted now", roles[i]);
			/* A bad root is replaced under its own number: there is no way past it. */
			if (strcmp(roles[i], "root") == 0) {
				sim_unpublish_last(w->sim, "root");
				sim_version(w->sim, "root", before + 1);
			}
		}
		sim_publish(w->sim, "root delegated targets snapshot timestamp");
		download(w, "file");
		for (size_t k = 0; k < SUT_ARRAY_SIZE(roles); k++)
			expect_same(w, roles[k]);
		EXPECT(remove(sim_str("%s/file", w->target_dir)) == 0, "there is no file");
	}
}

/* --- texts --- */

static char *replaced(const char *text, const char *from, const char *to, size_t *len)
{
	const char *at = strstr(text, from);
	char *out;

	if (!at)
		sim_die("'%s' is not in %s", from, text);
	out = sim_str("%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
	*len = strlen(out);
	return out;
}

/* "version": N, of "signed": the last in the file, as keys are in the order of their making. */
static char *version_replaced(const char *text, const char *fmt, size_t *len)
{
	const char *at = NULL, *end, *p = text;
	char *out;

	while ((p = strstr(p, "\n  \"version\": ")))
		at = p++;
	if (!at)
		sim_die("no version in %s", text);
	p = at + 14;
	end = p + strspn(p, "0123456789");
	out = sim_str("%.*s", (int)(at - text), text);
	out = sim_str("%s\n  \"version\": ", out);
	for (; *fmt; fmt++)
		out = *fmt == '#' ? sim_str("%s%.*s", out, (int)(end - p), p)
				  : sim_str("%s%c", out, *fmt);
	out = sim_str("%s%s", out, end);
	*len = strlen(out);
	return out;
}

#define VERSION_TEXT(name, fmt)                                                                    \
	static char *name(const char *text, size_t *len)                                           \
	{                                                                                          \
		return version_replaced(text, fmt, len);                                           \
	}

VERSION_TEXT(version_real, "#.0")
VERSION_TEXT(version_exponent, "#e0")
VERSION_TEXT(version_leading_zero, "0#")
VERSION_TEXT(version_plus, "+#")
VERSION_TEXT(version_hex, "0x#")
VERSION_TEXT(version_nan, "NaN")
VERSION_TEXT(version_infinity, "Infinity")
VERSION_TEXT(version_2_63, "9223372036854775808")
VERSION_TEXT(version_huge, "99999999999999999999999999999999999999999")
VERSION_TEXT(version_minus_zero, "-0")
VERSION_TEXT(version_twice_same, "#,\n  \"version\": #")
VERSION_TEXT(version_twice_first_wins, "#,\n  \"version\": 99")
VERSION_TEXT(version_escaped_twin, "#,\n  \"v\\u0065rsion\": #")
VERSION_TEXT(comment, "# /* comment */")
VERSION_TEXT(trailing_comma, "#,")

static char *signed_twice(const char *text, size_t *len)
{
	const char *end = strrchr(text, '}');
	char *out = sim_str("%.*s,\n \"signed\": {}\n}", (int)(end - text), text);

	*len = strlen(out);
	return out;
}

static char *signatures_twice(const char *text, size_t *len)
{
	const char *end = strrchr(text, '}');
	char *out = sim_str("%.*s,\n \"signatures\": []\n}", (int)(end - text), text);

	*len = strlen(out);
	return out;
}

static char *around(const char *before, const char *text, const char *after, size_t *len)
{
	char *out = sim_str("%s%s%s", before, text, after);

	*len = strlen(out);
	return out;
}

static char *byte_order_mark(const char *text, size_t *len)
{
	return around("\357\273\277", text, "", len);
}

static char *garbage_behind(const char *text, size_t *len)
{
	return around("", text, "x", len);
}

static char *two_documents(const char *text, size_t *len)
{
	return around(text, text, "", len);
}

static char *nul_behind(const char *text, size_t *len)
{
	*len = strlen(text) + 1;
	return sim_str("%s", text);
}

static char *half(const char *text, size_t *len)
{
	*len = strlen(text) / 2;
	return sim_str("%.*s", (int)*len, text);
}

#define WHOLE_TEXT(name, what)                                                                     \
	static char *name(const char *text _unused_, size_t *len)                                  \
	{                                                                                          \
		*len = strlen(what);                                                               \
		return sim_str("%s", what);                                                        \
	}

WHOLE_TEXT(nothing, "")
WHOLE_TEXT(white_space, " \n\t ")
WHOLE_TEXT(only_null, "null")
WHOLE_TEXT(only_list, "[]")
WHOLE_TEXT(only_string, "\"signed\"")
WHOLE_TEXT(empty_object, "{}")

/* One more field in "signed". No signature covers it, but such a text is not even JSON. */
static char *with_field(const char *text, const char *field, size_t *len)
{
	return replaced(text, "\"_type\"", sim_str("%s, \"_type\"", field), len);
}

#define FIELD_TEXT(name, field)                                                                    \
	static char *name(const char *text, size_t *len)                                           \
	{                                                                                          \
		return with_field(text, field, len);                                               \
	}

FIELD_TEXT(invalid_utf8, "\"x\": \"\377\376\"")
FIELD_TEXT(overlong_utf8, "\"x\": \"\300\257\"")
FIELD_TEXT(encoded_surrogate, "\"x\": \"\355\240\200\"")
FIELD_TEXT(lone_surrogate, "\"x\": \"\\ud800\"")
FIELD_TEXT(raw_control_byte, "\"x\": \"a\001b\"")
FIELD_TEXT(raw_newline, "\"x\": \"a\nb\"")
FIELD_TEXT(bad_escape, "\"x\": \"\\q\"")
FIELD_TEXT(single_quotes, "'x': 1")
FIELD_TEXT(bare_word, "\"x\": undefined")
FIELD_TEXT(real_field, "\"x\": 1.5")
FIELD_TEXT(huge_exponent, "\"x\": 1e999999")
FIELD_TEXT(escaped_nul_key, "\"x\\u0000y\": 1")

static char *repeated(const char *what, size_t n)
{
	size_t len = strlen(what);
	char *s = malloc(n * len + 1);

	if (!s)
		sim_die("out of memory");
	for (size_t i = 0; i < n; i++)
		memcpy(s + i * len, what, len);
	s[n * len] = '\0';
	return s;
}

/* timestamp.json may have 16 KB, and is the narrowest. */
static char *nested_lists(const char *text, size_t *len)
{
	return with_field(text, sim_str("\"x\": %s%s", repeated("[", 5000), repeated("]", 5000)),
			  len);
}

static char *nested_objects(const char *text, size_t *len)
{
	return with_field(
		text, sim_str("\"x\": %s1%s", repeated("{\"\":", 1500), repeated("}", 1500)), len);
}

static char *unclosed_lists(const char *text, size_t *len)
{
	return with_field(text, sim_str("\"x\": %s", repeated("[", 10000)), len);
}

/* --- envelopes --- */

static void no_signed(json_t *whole)
{
	json_object_del(whole, "signed");
}

static void signed_is_list(json_t *whole)
{
	json_object_set_new(whole, "signed", json_array());
}

static void signed_is_text(json_t *whole)
{
	char *text = json_dumps(json_object_get(whole, "signed"), 0);

	json_object_set_new(whole, "signed", json_string(text));
}

static void no_signatures(json_t *whole)
{
	json_object_del(whole, "signatures");
}

static void empty_signatures(json_t *whole)
{
	json_array_clear(json_object_get(whole, "signatures"));
}

static void signatures_is_object(json_t *whole)
{
	json_object_set_new(whole, "signatures", json_object());
}

static json_t *first_signature(json_t *whole)
{
	return json_array_get(json_object_get(whole, "signatures"), 0);
}

static void signature_is_text(json_t *whole)
{
	json_t *sig = json_copy(json_object_get(first_signature(whole), "sig"));

	json_array_set_new(json_object_get(whole, "signatures"), 0, sig);
}

static void no_keyid(json_t *whole)
{
	json_object_del(first_signature(whole), "keyid");
}

static void keyid_is_number(json_t *whole)
{
	json_object_set_new(first_signature(whole), "keyid", json_integer(1));
}

static void no_sig(json_t *whole)
{
	json_object_del(first_signature(whole), "sig");
}

static void sig_is_list(json_t *whole)
{
	json_object_set_new(first_signature(whole), "sig", json_array());
}

static void sig_in_capitals(json_t *whole)
{
	char *s = sim_str("%s", json_string_value(json_object_get(first_signature(whole), "sig")));

	for (char *p = s; *p; p++)
		if (*p >= 'a' && *p <= 'f')
			*p = (char)(*p - 32);
	json_object_set_new(first_signature(whole), "sig", json_string(s));
}

static void sig_with_tail(json_t *whole)
{
	const char *s = json_string_value(json_object_get(first_signature(whole), "sig"));

	json_object_set_new(first_signature(whole), "sig", json_string(sim_str("%s00", s)));
}

static void many_signatures(json_t *whole)
{
	json_t *list = json_object_get(whole, "signatures");

	for (int i = 0; i < 100; i++)
		json_array_append_new(
			list, json_pack("{s:s, s:s}", "keyid", sim_str("k%03d", i), "sig", "00"));
}

/* --- control bytes on the terminal --- */

/* What a holder of one key writes into his metadata is neither obeyed by the administrator's terminal
 * nor a line of its own in the log. In which way the role of that name fails: */
enum nuisance { UNSIGNED = 1, NOT_IN_SNAPSHOT, NOT_THERE };

static void terminal(struct world *w, const void *arg)
{
	const char *evil = "x\033[2J\033]0;owned\007\r\nsuture-tuf:well\xc2\x9b";
	enum nuisance how = *(const enum nuisance *)arg;
	size_t lines = 0;

	sim_delegate(w->sim, "targets", evil, "file", 0);
	sim_target(w->sim, evil, "file", "text");
	if (how == UNSIGNED)
		sim_drop_signer(w->sim, evil);
	for (size_t i = 0; i < 2; i++)
		sim_publish(w->sim, evil);
	if (how == NOT_IN_SNAPSHOT)
		json_object_del(json_object_get(sim_doc(w->sim, "snapshot"), "meta"),
				sim_str("%s.json", evil));
	if (how == NOT_THERE)
		sim_unpublish(w->sim, evil);
	sim_release(w->sim, "");
	init(w);
	download_fails(w, "file");
	for (size_t i = 0; i < w->said.len; i++)
		lines += w->said.data[i] == '\n';
	EXPECT(lines == 1, "%zu lines are said", lines);
}

static const enum nuisance unsigned_role = UNSIGNED, unnamed_role = NOT_IN_SNAPSHOT,
			   absent_role = NOT_THERE;

#define BEFORE(name, w, p, v)                                                                      \
	{                                                                                          \
		"hostile/" name, defect,                                                           \
			&(const struct defect){.where = (w), .path = (p), .value = (v)},           \
			"chapter 4"                                                                \
	}
#define TEXT(name, w, fn)                                                                          \
	{                                                                                          \
		"hostile/" name, defect, &(const struct defect){.where = (w), .text = (fn)},       \
			"4.1; 4.2"                                                                 \
	}
#define WHOLE(name, w, fn)                                                                         \
	{                                                                                          \
		"hostile/" name, defect, &(const struct defect){.where = (w), .whole = (fn)},      \
			"4.2.1"                                                                    \
	}

enum { WITH_TARGETS = IN_TARGETS | IN_DELEGATED, WITH_META = IN_TIMESTAMP | IN_SNAPSHOT };

static const struct tuf_test tests[] = {
	BEFORE("version-missing", IN_ALL, "version", NULL),
	BEFORE("version-zero", IN_ALL, "version", "0"),
	BEFORE("version-negative", IN_ALL, "version", "-1"),
	BEFORE("version-string", IN_ALL, "version", "\"3\""),
	BEFORE("version-null", IN_ALL, "version", "null"),
	BEFORE("version-true", IN_ALL, "version", "true"),
	BEFORE("version-list", IN_ALL, "version", "[3]"),
	TEXT("version-real", IN_ALL, version_real),
	TEXT("version-exponent", IN_ALL, version_exponent),
	TEXT("version-leading-zero", IN_ALL, version_leading_zero),
	TEXT("version-plus", IN_ALL, version_plus),
	TEXT("version-hexadecimal", IN_ALL, version_hex),
	TEXT("version-NaN", IN_ALL, version_nan),
	TEXT("version-Infinity", IN_ALL, version_infinity),
	TEXT("version-2-to-the-63", IN_ALL, version_2_63),
	TEXT("version-41-digits", IN_ALL, version_huge),
	TEXT("version-minus-zero", IN_ALL, version_minus_zero),
	TEXT("duplicate-key-same-value", IN_ALL, version_twice_same),
	TEXT("duplicate-key-other-value", IN_ALL, version_twice_first_wins),
	TEXT("duplicate-key-escaped", IN_ALL, version_escaped_twin),
	TEXT("duplicate-signed", IN_ALL, signed_twice),
	TEXT("duplicate-signatures", IN_ALL, signatures_twice),
	TEXT("comment", IN_ALL, comment),
	TEXT("trailing-comma", IN_ALL, trailing_comma),
	BEFORE("type-missing", IN_ALL, "_type", NULL),
	BEFORE("type-unknown", IN_ALL, "_type", "\"mirrors\""),
	BEFORE("type-number", IN_ALL, "_type", "1"),
	BEFORE("type-capitals", IN_ALL, "_type", "\"Root\""),
	BEFORE("spec-version-missing", IN_ALL, "spec_version", NULL),
	BEFORE("spec-version-2", IN_ALL, "spec_version", "\"2.0.0\""),
	BEFORE("spec-version-10", IN_ALL, "spec_version", "\"10.0.0\""),
	BEFORE("spec-version-empty", IN_ALL, "spec_version", "\"\""),
	BEFORE("spec-version-number", IN_ALL, "spec_version", "1"),
	BEFORE("spec-version-newer-minor", IN_ALL | TAKEN, "spec_version", "\"1.99.7\""),
	BEFORE("expires-missing", IN_ALL, "expires", NULL),
	BEFORE("expires-empty", IN_ALL, "expires", "\"\""),
	BEFORE("expires-number", IN_ALL, "expires", "4102444800"),
	BEFORE("expires-word", IN_ALL, "expires", "\"never\""),
	BEFORE("expires-date-alone", IN_ALL, "expires", "\"2099-01-01\""),
	BEFORE("expires-without-zone", IN_ALL, "expires", "\"2099-01-01T00:00:00\""),
	BEFORE("expires-other-zone", IN_ALL, "expires", "\"2099-01-01T00:00:00+01:00\""),
	BEFORE("expires-fraction", IN_ALL, "expires", "\"2099-01-01T00:00:00.5Z\""),
	BEFORE("expires-month-13", IN_ALL, "expires", "\"2099-13-01T00:00:00Z\""),
	BEFORE("expires-30-february", IN_ALL, "expires", "\"2099-02-30T00:00:00Z\""),
	BEFORE("expires-hour-25", IN_ALL, "expires", "\"2099-01-01T25:00:00Z\""),
	BEFORE("expires-tail", IN_ALL, "expires", "\"2099-01-01T00:00:00Zx\""),
	BEFORE("expires-year-10000", IN_ALL, "expires", "\"10000-01-01T00:00:00Z\""),
	BEFORE("expires-9999", IN_ALL | TAKEN, "expires", "\"9999-12-31T23:59:59Z\""),
	BEFORE("expires-epoch", IN_ALL & ~IN_ROOT, "expires", "\"1970-01-01T00:00:00Z\""),
	WHOLE("signed-missing", IN_ALL, no_signed),
	WHOLE("signed-list", IN_ALL, signed_is_list),
	WHOLE("signed-text", IN_ALL, signed_is_text),
	WHOLE("signatures-missing", IN_ALL, no_signatures),
	WHOLE("signatures-empty", IN_ALL, empty_signatures),
	WHOLE("signatures-object", IN_ALL, signatures_is_object),
	WHOLE("signature-text", IN_ALL, signature_is_text),
	WHOLE("signature-without-keyid", IN_ALL, no_keyid),
	WHOLE("signature-keyid-number", IN_ALL, keyid_is_number),
	WHOLE("signature-without-sig", IN_ALL, no_sig),
	WHOLE("signature-sig-list", IN_ALL, sig_is_list),
	WHOLE("signature-in-capitals", IN_ALL | MAY_PASS, sig_in_capitals),
	WHOLE("signature-with-tail", IN_ALL, sig_with_tail),
	WHOLE("signatures-100-unknown", IN_ALL | TAKEN, many_signatures),
	TEXT("byte-order-mark", IN_ALL, byte_order_mark),
	TEXT("garbage-behind", IN_ALL, garbage_behind),
	TEXT("two-documents", IN_ALL, two_documents),
	TEXT("nul-behind", IN_ALL, nul_behind),
	TEXT("half", IN_ALL, half),
	TEXT("nothing", IN_ALL, nothing),
	TEXT("white-space", IN_ALL, white_space),
	TEXT("null", IN_ALL, only_null),
	TEXT("list", IN_ALL, only_list),
	TEXT("string", IN_ALL, only_string),
	TEXT("empty-object", IN_ALL, empty_object),
	TEXT("invalid-utf-8", IN_ALL, invalid_utf8),
	TEXT("overlong-utf-8", IN_ALL, overlong_utf8),
	TEXT("encoded-surrogate", IN_ALL, encoded_surrogate),
	TEXT("lone-surrogate", IN_ALL, lone_surrogate),
	TEXT("control-byte", IN_ALL, raw_control_byte),
	TEXT("newline-in-string", IN_ALL, raw_newline),
	TEXT("unknown-escape", IN_ALL, bad_escape),
	TEXT("single-quotes", IN_ALL, single_quotes),
	TEXT("bare-word", IN_ALL, bare_word),
	TEXT("real-number", IN_ALL, real_field),
	TEXT("huge-exponent", IN_ALL, huge_exponent),
	TEXT("nul-in-key", IN_ALL, escaped_nul_key),
	TEXT("nested-5000-lists", IN_ALL, nested_lists),
	TEXT("nested-1500-objects", IN_ALL, nested_objects),
	TEXT("unclosed-10000-lists", IN_ALL, unclosed_lists),
	BEFORE("root-keys-missing", IN_ROOT, "keys", NULL),
	BEFORE("root-keys-list", IN_ROOT, "keys", "[]"),
	BEFORE("root-key-number", IN_ROOT, "keys/*", "1"),
	BEFORE("root-key-without-keyval", IN_ROOT, "keys/*/keyval", NULL),
	BEFORE("root-key-without-keytype", IN_ROOT, "keys/*/keytype", NULL),
	BEFORE("root-key-without-scheme", IN_ROOT, "keys/*/scheme", NULL),
	BEFORE("root-key-public-number", IN_ROOT, "keys/*/keyval/public", "1"),
	BEFORE("root-roles-missing", IN_ROOT, "roles", NULL),
	BEFORE("root-roles-list", IN_ROOT, "roles", "[]"),
	BEFORE("root-without-role-root", IN_ROOT, "roles/root", NULL),
	BEFORE("root-without-role-timestamp", IN_ROOT, "roles/timestamp", NULL),
	BEFORE("root-without-role-snapshot", IN_ROOT, "roles/snapshot", NULL),
	BEFORE("root-without-role-targets", IN_ROOT, "roles/targets", NULL),
	BEFORE("root-role-list", IN_ROOT, "roles/timestamp", "[]"),
	BEFORE("root-keyids-missing", IN_ROOT, "roles/timestamp/keyids", NULL),
	BEFORE("root-keyids-string", IN_ROOT, "roles/timestamp/keyids", "\"x\""),
	BEFORE("root-keyid-number", IN_ROOT, "roles/timestamp/keyids/0", "1"),
	BEFORE("root-threshold-missing", IN_ROOT, "roles/timestamp/threshold", NULL),
	BEFORE("root-threshold-string", IN_ROOT, "roles/timestamp/threshold", "\"1\""),
	BEFORE("root-threshold-zero", IN_ROOT, "roles/timestamp/threshold", "0"),
	BEFORE("root-threshold-true", IN_ROOT, "roles/timestamp/threshold", "true"),
	BEFORE("root-threshold-2-to-the-62", IN_ROOT, "roles/timestamp/threshold",
	       "4611686018427387904"),
	BEFORE("root-consistent-snapshot-string", IN_ROOT, "consistent_snapshot", "\"true\""),
	BEFORE("root-consistent-snapshot-number", IN_ROOT, "consistent_snapshot", "1"),
	BEFORE("root-unknown-role", IN_ROOT | TAKEN, "roles/mirrors",
	       "{\"keyids\": [\"x\"], \"threshold\": 1}"),
	BEFORE("meta-missing", WITH_META, "meta", NULL),
	BEFORE("meta-list", WITH_META, "meta", "[]"),
	BEFORE("meta-empty", WITH_META, "meta", "{}"),
	BEFORE("meta-entry-number", WITH_META, "meta/NEXT", "1"),
	BEFORE("meta-version-missing", WITH_META, "meta/NEXT/version", NULL),
	BEFORE("meta-version-string", WITH_META, "meta/NEXT/version", "\"3\""),
	BEFORE("meta-version-zero", WITH_META, "meta/NEXT/version", "0"),
	BEFORE("meta-version-negative", WITH_META, "meta/NEXT/version", "-3"),
	BEFORE("meta-length-string", WITH_META, "meta/NEXT/length", "\"9\""),
	BEFORE("meta-length-negative", WITH_META, "meta/NEXT/length", "-1"),
	BEFORE("meta-length-zero", WITH_META | MAY_PASS, "meta/NEXT/length", "0"),
	BEFORE("meta-hashes-string", WITH_META, "meta/NEXT/hashes", "\"x\""),
	BEFORE("meta-hash-number", WITH_META, "meta/NEXT/hashes", "{\"sha256\": 1}"),
	BEFORE("meta-hash-short", WITH_META, "meta/NEXT/hashes", "{\"sha256\": \"00\"}"),
	BEFORE("meta-hash-empty", WITH_META, "meta/NEXT/hashes", "{\"sha256\": \"\"}"),
	BEFORE("meta-hashes-empty", WITH_META | MAY_PASS, "meta/NEXT/hashes", "{}"),
	BEFORE("targets-missing", WITH_TARGETS, "targets", NULL),
	BEFORE("targets-list", WITH_TARGETS, "targets", "[]"),
	BEFORE("target-number", WITH_TARGETS, "targets/file", "1"),
	BEFORE("target-length-missing", WITH_TARGETS, "targets/file",
	       "{\"hashes\": {\"sha256\": \"982d9e3eb996f559e633f4d194def3761d909f5a3b647d1a851fead67c"
	       "32c9d1\"}}"),
	BEFORE("target-length-negative", WITH_TARGETS, "targets/file",
	       "{\"length\": -1, \"hashes\": {\"sha256\": \"982d9e3eb996f559e633f4d194def3761d909f5a3b"
	       "647d1a851fead67c32c9d1\"}}"),
	BEFORE("target-hashes-missing", WITH_TARGETS, "targets/file", "{\"length\": 4}"),
	BEFORE("target-hash-short", WITH_TARGETS, "targets/file",
	       "{\"length\": 4, \"hashes\": {\"sha256\": \"982d\"}}"),
	BEFORE("target-hash-number", WITH_TARGETS, "targets/file",
	       "{\"length\": 4, \"hashes\": {\"sha256\": 9}}"),
	BEFORE("target-custom-list", WITH_TARGETS | MAY_PASS, "targets/other",
	       "{\"length\": 4, \"hashes\": {\"sha256\": \"982d9e3eb996f559e633f4d194def3761d909f5a3b64"
	       "7d1a851fead67c32c9d1\"}, \"custom\": []}"),
	BEFORE("delegations-list", WITH_TARGETS, "delegations", "[]"),
	BEFORE("delegations-without-keys", IN_TARGETS, "delegations/keys", NULL),
	BEFORE("delegations-without-roles", IN_TARGETS, "delegations/roles", NULL),
	BEFORE("delegations-roles-object", IN_TARGETS, "delegations/roles", "{}"),
	BEFORE("delegation-number", IN_TARGETS, "delegations/roles/0", "1"),
	BEFORE("delegation-without-name", IN_TARGETS, "delegations/roles/0/name", NULL),
	BEFORE("delegation-name-empty", IN_TARGETS, "delegations/roles/0/name", "\"\""),
	BEFORE("delegation-name-number", IN_TARGETS, "delegations/roles/0/name", "1"),
	BEFORE("delegation-without-keyids", IN_TARGETS, "delegations/roles/0/keyids", NULL),
	BEFORE("delegation-keyids-empty", IN_TARGETS | MAY_PASS, "delegations/roles/0/keyids",
	       "[]"),
	BEFORE("delegation-without-threshold", IN_TARGETS, "delegations/roles/0/threshold", NULL),
	BEFORE("delegation-threshold-zero", IN_TARGETS, "delegations/roles/0/threshold", "0"),
	BEFORE("delegation-terminating-string", IN_TARGETS, "delegations/roles/0/terminating",
	       "\"no\""),
	BEFORE("delegation-paths-string", IN_TARGETS, "delegations/roles/0/paths", "\"file\""),
	BEFORE("delegation-path-number", IN_TARGETS, "delegations/roles/0/paths/0", "1"),
	BEFORE("delegation-paths-empty", IN_TARGETS | MAY_PASS, "delegations/roles/0/paths", "[]"),
	{"hostile/control-bytes-are-not-printed", terminal, &unsigned_role, NULL},
	{"hostile/control-bytes-not-in-snapshot", terminal, &unnamed_role, NULL},
	{"hostile/control-bytes-file-is-missing", terminal, &absent_role, NULL},
};

const struct tuf_group tuf_hostile = {tests, SUT_ARRAY_SIZE(tests)};
