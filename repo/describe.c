// SPDX-License-Identifier: Apache-2.0
#include "describe.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "base/str.h"
#include "change_view.h"
#include "tuf/json.h"

enum { DAY = 86400, ID_SHOWN = 16, NAMES_SHOWN = 4, JUMP = 1000 };

struct ctx {
	const struct sut_change *c;
	struct sut_buf *out;
	bool failed; /* no room or no memory */
};

static void put(struct ctx *x, const char *fmt, ...) _printf_(2, 3);

static void put(struct ctx *x, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (sut_buf_vaddf(x->out, fmt, ap) < 0)
		x->failed = true;
	va_end(ap);
}

/* What others wrote must not speak to the terminal, nor look like something else on it: letters of
 * other scripts, text from right to left, spaces up to the next line. All of it is shown: something could hide
 * behind an end that is cut off. */
static void put_ascii(struct ctx *x, const char *s, bool escaped)
{
	unsigned char last = 0;

	for (; *s; s++) {
		unsigned char ch = (unsigned char)*s;

		if (ch < 0x20 || ch >= 0x7f || (ch == ' ' && last == ' ') ||
		    (ch == '\\' && !escaped))
			put(x, "\\x%02x", ch);
		else
			put(x, "%c", ch);
		last = ch;
	}
}

static void put_text(struct ctx *x, const char *s)
{
	put_ascii(x, s, false);
}

static void put_json(struct ctx *x, const json_t *j)
{
	char *s = j ? json_dumps(j, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY |
					    JSON_ENSURE_ASCII)
		    : NULL;

	if (s)
		put_ascii(x, s, true);
	else if (j)
		x->failed = true;
	else
		put(x, "nothing");
	free(s);
}

void sut_describe_time(int64_t t, int64_t now, char ret[static 64])
{
	time_t tt = (time_t)t;
	struct tm tm;
	char date[24];
	int64_t days = (t - now) / DAY;

	if (!gmtime_r(&tt, &tm) || !strftime(date, sizeof(date), "%Y-%m-%d %H:%M", &tm)) {
		snprintf(ret, 64, "an impossible time");
		return;
	}
	if (t <= now)
		snprintf(ret, 64, "%s UTC (expired)", date);
	else if (days < 2)
		snprintf(ret, 64, "%s UTC (in %" PRId64 " hours)", date, (t - now) / 3600);
	else
		snprintf(ret, 64, "%s UTC (in %" PRId64 " days)", date, days);
}

/* "root-1 (ed25519 1a2b3c4d5e6f7081)" */
static void put_key(struct ctx *x, const char *id, const json_t *keys)
{
	const char *name =
		json_string_value(json_object_get(json_object_get(x->c->doc, "names"), id));
	const char *type = json_string_value(json_object_get(json_object_get(keys, id), "keytype"));

	if (name)
		put(x, "%s (", name);
	if (type) {
		put_text(x, type);
		put(x, " ");
	}
	put(x, "%.*s", (int)strnlen(id, ID_SHOWN), id);
	if (name)
		put(x, ")");
}

static bool has_string(const json_t *list, const char *s)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		if (sut_streq(json_string_value(json_array_get(list, i)), s))
			return true;
	return false;
}

static void put_ids(struct ctx *x, char sign, const json_t *from, const json_t *without,
		    const json_t *keys, const char *role)
{
	for (size_t i = 0; i < json_array_size(from); i++) {
		const char *id = json_string_value(json_array_get(from, i));

		if (!id || has_string(without, id))
			continue;
		put(x, "  %c key ", sign);
		put_key(x, id, keys);
		put(x, " of ");
		put_text(x, role);
		put(x, "\n");
	}
}

/* Any field that was not described in words. */
static void put_rest(struct ctx *x, const json_t *old, const json_t *new, const char *const *known,
		     const char *what)
{
	const json_t *sides[2] = {new, old};

	for (int side = 0; side < 2; side++) {
		const char *key;
		json_t *v;

		json_object_foreach((json_t *)sides[side], key, v) {
			const char *const *k = known;

			while (*k && !sut_streq(*k, key))
				k++;
			if (*k || json_equal(v, json_object_get(sides[!side], key)) ||
			    (side && json_object_get(new, key)))
				continue;
			put(x, "  ! ");
			put_text(x, what);
			put(x, " ");
			put_text(x, key);
			put(x, ": ");
			put_json(x, json_object_get(old, key));
			put(x, " -> ");
			put_json(x, json_object_get(new, key));
			put(x, "\n");
		}
	}
}

/* Keys and threshold of a role, in root or in a delegation. */
static void put_role(struct ctx *x, const char *role, const json_t *old, const json_t *old_keys,
		     const json_t *new, const json_t *new_keys)
{
	static const char *const known[] = {"name", "keyids", "threshold", NULL};
	json_int_t t0 = json_integer_value(json_object_get(old, "threshold")),
		   t1 = json_integer_value(json_object_get(new, "threshold"));

	put_ids(x, '+', json_object_get(new, "keyids"), json_object_get(old, "keyids"), new_keys,
		role);
	put_ids(x, '-', json_object_get(old, "keyids"), json_object_get(new, "keyids"), old_keys,
		role);
	if (new &&t0 != t1) {
		put(x, "  %c threshold of ", old ? '!' : '+');
		put_text(x, role);
		if (old)
			put(x, ": %" JSON_INTEGER_FORMAT " -> %" JSON_INTEGER_FORMAT "\n", t0, t1);
		else
			put(x, ": %" JSON_INTEGER_FORMAT "\n", t1);
	}
	if (new)
		put_rest(x, old, new, known, role);
}

static const json_t *delegation(const json_t *list, const char *name)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		if (sut_streq(json_string_value(json_object_get(json_array_get(list, i), "name")),
			      name))
			return json_array_get(list, i);
	return NULL;
}

/* roles: of root (by name) or of delegations (a list) */
static bool has_role(json_t *roles, const char *id)
{
	const char *name;
	json_t *role;
	size_t i;

	json_object_foreach(roles, name, role)
		if (has_string(json_object_get(role, "keyids"), id))
			return true;
	json_array_foreach(roles, i, role)
		if (has_string(json_object_get(role, "keyids"), id))
			return true;
	return false;
}

/* A key that is the same in name only would be a trap: its material is compared, too. And one that
 * comes without a role may wait for it. */
static void put_changed_keys(struct ctx *x, const json_t *old, const json_t *new, json_t *roles)
{
	const char *id;
	json_t *k;

	json_object_foreach((json_t *)new, id, k) {
		if (!json_object_get(old, id) && !has_role(roles, id)) {
			put(x, "  + key ");
			put_key(x, id, new);
			put(x, " of no role\n");
		} else if (json_object_get(old, id) && !json_equal(json_object_get(old, id), k)) {
			put(x, "  ! the key behind the id ");
			put_text(x, id);
			put(x, " is another one\n");
		}
	}
	json_object_foreach((json_t *)old, id, k)
		if (!json_object_get(new, id) && has_role(roles, id)) {
			put(x, "  ! the key ");
			put_text(x, id);
			put(x, " is gone and its role is not\n");
		}
}

/* A new delegation before one that is there may answer in its place. */
static void put_place(struct ctx *x, const json_t *before, const json_t *after, size_t i)
{
	for (i++; i < json_array_size(after); i++) {
		const char *name =
			json_string_value(json_object_get(json_array_get(after, i), "name"));

		if (!name || !delegation(before, name))
			continue;
		put(x, ", before ");
		put_text(x, name);
		return;
	}
}

/* Delegations that change in the same way, such as hash bins whose key is another one, are said once. */
struct group {
	struct sut_strv names;
	struct sut_buf text;  /* of "it" */
	struct sut_buf alone; /* of the first one by its name */
};

/* "kernel-0f": the bytes before its number; 0 when it looks like no hash bin. */
static size_t bin_of(const char *name)
{
	const char *dash = strrchr(name, '-');

	return dash && dash[1] && strspn(dash + 1, "0123456789abcdef") == strlen(dash + 1)
		       ? (size_t)(dash - name)
		       : 0;
}

/* Bins of one role that follow each other are said as a range; every other name is said. */
static void put_names(struct ctx *x, const struct sut_strv *names)
{
	for (size_t i = 0, j; i < names->n; i = j) {
		const char *first = names->v[i];
		size_t stem = bin_of(first);

		put(x, "%s", i ? ", " : "");
		put_text(x, first);
		for (j = i + 1; stem && j < names->n && bin_of(names->v[j]) == stem &&
				strncmp(names->v[j], first, stem) == 0;)
			j++;
		if (j - i > NAMES_SHOWN) {
			put(x, " … ");
			put_text(x, names->v[j - 1]);
			put(x, " (%zu in all)", j - i);
		} else {
			j = i + 1;
		}
	}
}

static void put_group(struct ctx *x, struct group *g)
{
	if (g->names.n > 1) {
		put(x, "  each of ");
		put_names(x, &g->names);
		put(x, ":\n");
	}
	put(x, "%s", sut_buf_str(g->names.n > 1 ? &g->text : &g->alone));
	sut_strv_release(&g->names);
	sut_buf_release(&g->text);
	sut_buf_release(&g->alone);
}

static void put_delegation(struct ctx *x, struct group *g, const char *name, const json_t *was,
			   const json_t *old_keys, const json_t *d, const json_t *new_keys)
{
	_cleanup_buf_ struct sut_buf text = SUT_BUF_INIT(SUT_DESCRIBE_MAX);
	struct ctx y = {.c = x->c, .out = &text};

	/* Without its name first, to see whether it says the same as the one before. */
	put_role(&y, "it", was, old_keys, d, new_keys);
	if (g->names.n && !sut_streq(sut_buf_str(&text), sut_buf_str(&g->text)))
		put_group(x, g);
	if (!g->names.n) {
		g->alone.max = g->text.max = SUT_DESCRIBE_MAX;
		y.out = &g->alone;
		put_role(&y, name, was, old_keys, d, new_keys);
		if (sut_buf_addstr(&g->text, sut_buf_str(&text)) < 0)
			x->failed = true;
	}
	if (y.failed || sut_strv_add(&g->names, name) < 0)
		x->failed = true;
}

static void put_delegations(struct ctx *x, const json_t *old, const json_t *new)
{
	static const char *const known[] = {"keys", "roles", NULL};
	const json_t *before = json_object_get(old, "roles"),
		     *after = json_object_get(new, "roles");
	struct group g = {0};
	bool moved = false;
	size_t kept = 0;

	for (size_t i = 0; i < json_array_size(after); i++) {
		const json_t *d = json_array_get(after, i);
		const char *name = json_string_value(json_object_get(d, "name"));
		const json_t *was = name ? delegation(before, name) : NULL;

		if (!name)
			continue;
		if (!was) {
			put_group(x, &g);
			put(x, "  + delegation to ");
			put_text(x, name);
			put_place(x, before, after, i);
			put(x, "\n");
		} else {
			/* Those that stay must come in the order in which they were. */
			while (kept < json_array_size(before) &&
			       json_array_get(before, kept) != was)
				kept++;
			moved |= kept == json_array_size(before);
		}
		if (!json_equal(was, d))
			put_delegation(x, &g, name, was, json_object_get(old, "keys"), d,
				       json_object_get(new, "keys"));
		/* A new one is said where it begins. */
		if (!was)
			put_group(x, &g);
	}
	put_group(x, &g);
	for (size_t i = 0; i < json_array_size(before); i++) {
		const char *name =
			json_string_value(json_object_get(json_array_get(before, i), "name"));

		if (name && !delegation(after, name)) {
			put(x, "  - delegation to ");
			put_text(x, name);
			put(x, "\n");
		}
	}
	if (moved)
		put(x, "  ! the order of the delegations\n");
	put_changed_keys(x, json_object_get(old, "keys"), json_object_get(new, "keys"),
			 json_object_get(new, "roles"));
	put_rest(x, old, new, known, "delegations");
}

static bool is_sha256_only(const json_t *hashes)
{
	return json_object_size(hashes) == 1 && json_is_string(json_object_get(hashes, "sha256"));
}

static void put_target(struct ctx *x, char sign, const char *path, const json_t *t)
{
	const json_t *custom = json_object_get(t, "custom"), *hashes = json_object_get(t, "hashes");
	const char *key;
	json_t *v;

	put(x, "  %c target ", sign);
	put_text(x, path);
	put(x, ", %" JSON_INTEGER_FORMAT " bytes",
	    json_integer_value(json_object_get(t, "length")));
	if (custom) {
		put(x, ", ");
		put_json(x, custom);
	}
	if (is_sha256_only(hashes)) {
		put(x, ", SHA-256 ");
		put_text(x, json_string_value(json_object_get(hashes, "sha256")));
	}
	json_object_foreach((json_t *)t, key, v) {
		if (v == custom || (v == hashes && is_sha256_only(hashes)) ||
		    (sut_streq(key, "length") && json_is_integer(v)))
			continue;
		put(x, ", ");
		put_text(x, key);
		put(x, " ");
		put_json(x, v);
	}
	put(x, "\n");
}

static void put_targets(struct ctx *x, const json_t *old, const json_t *new)
{
	const char *path;
	json_t *t;

	json_object_foreach((json_t *)new, path, t) {
		const json_t *was = json_object_get(old, path);

		if (!was) {
			put_target(x, '+', path, t);
		} else if (!json_equal(was, t)) {
			put_target(x, '-', path, was);
			put_target(x, '+', path, t);
		}
	}
	json_object_foreach((json_t *)old, path, t)
		if (!json_object_get(new, path))
			put_target(x, '-', path, t);
}

static void put_root(struct ctx *x, const json_t *old, const json_t *new)
{
	json_t *before = json_object_get(old, "roles"), *after = json_object_get(new, "roles"), *v;
	const char *role;

	json_object_foreach(after, role, v) {
		put_role(x, role, json_object_get(before, role), json_object_get(old, "keys"), v,
			 json_object_get(new, "keys"));
	}
	json_object_foreach(before, role, v)
		if (!json_object_get(after, role)) {
			put(x, "  - role ");
			put_text(x, role);
			put(x, "\n");
		}
	put_changed_keys(x, json_object_get(old, "keys"), json_object_get(new, "keys"), after);
}

/* What is different, apart from version and expiry. */
static void put_body(struct ctx *x, const struct sut_change_view_role *r)
{
	/* Of a new file, what every file says is not worth a line. */
	_cleanup_json_ json_t *usual = json_pack("{s:s}", "spec_version", "1.0.34");
	static const char *const root[] = {"_type", "version", "expires", "keys", "roles", NULL};
	static const char *const targets[] = {"_type",	 "version",	"expires",
					      "targets", "delegations", NULL};
	const json_t *new = json_object_get(r->after->doc, "signed"),
		     *old = r->before ? json_object_get(r->before->doc, "signed") : NULL;
	bool is_root = sut_streq(r->name, "root");

	if (!usual || (is_root && json_object_set_new(usual, "consistent_snapshot", json_true()))) {
		x->failed = true;
		return;
	}
	if (is_root) {
		put_root(x, old, new);
	} else {
		put_delegations(x, json_object_get(old, "delegations"),
				json_object_get(new, "delegations"));
		put_targets(x, json_object_get(old, "targets"), json_object_get(new, "targets"));
	}
	put_rest(x, old ? old : usual, new, is_root ? root : targets, "field");
}

/* Files of which nothing but version and expiry changes, with one expiry. */
struct quiet {
	struct sut_strv names;
	int64_t expires;
};

static void put_quiet(struct ctx *x, struct quiet *q, int64_t now)
{
	char when[64];

	if (!q->names.n)
		return;
	sut_describe_time(q->expires, now, when);
	put_names(x, &q->names);
	put(x, ": next version, valid until %s\n  nothing else changes\n", when);
	sut_strv_release(&q->names);
}

static void put_file(struct ctx *x, const struct sut_change_view_role *r, struct quiet *q,
		     int64_t now)
{
	_cleanup_buf_ struct sut_buf body = SUT_BUF_INIT(SUT_DESCRIBE_MAX);
	struct ctx y = {.c = x->c, .out = &body};
	int64_t from = r->before ? r->before->version : 0;
	char when[64];

	put_body(&y, r);
	x->failed |= y.failed;
	if (q->names.n && (body.len || q->expires != r->after->expires))
		put_quiet(x, q, now);
	if (!body.len && r->before && r->after->version == from + 1) {
		q->expires = r->after->expires;
		if (sut_strv_add(&q->names, r->name) < 0)
			x->failed = true;
		return;
	}
	sut_describe_time(r->after->expires, now, when);
	if (r->before)
		put(x, "%s: version %" PRId64 " -> %" PRId64, r->name, from, r->after->version);
	else
		put(x, "%s: new, version %" PRId64, r->name, r->after->version);
	put(x, ", valid until %s\n", when);
	/* Nothing can follow the highest number: a way to lock clients out. */
	if (r->after->version - from > JUMP)
		put(x, "  ! the version jumps by %" PRId64 "\n", r->after->version - from);
	if (r->after->version <= from)
		put(x, "  ! the version goes back\n");
	put(x, "%s", body.len ? sut_buf_str(&body) : "  nothing else changes\n");
}

static int rank(const struct sut_change_view_role *r)
{
	return sut_streq(r->name, "root") ? 0 : sut_streq(r->name, "targets") ? 1 : 2;
}

static int order(const void *a, const void *b)
{
	int d = rank(a) - rank(b);

	return d ? d
		 : strcmp(((const struct sut_change_view_role *)a)->name,
			  ((const struct sut_change_view_role *)b)->name);
}

int sut_describe_change(const struct sut_change *c, int64_t now, struct sut_buf *out,
			struct sut_err *err)
{
	_cleanup_(sut_change_view_release) struct sut_change_view v = {0};
	struct ctx x = {.c = c, .out = out};
	struct quiet q = {0};
	json_t *files = json_object_get(c->doc, "files"), *f;
	size_t i;
	int r = sut_change_view_make(c, &v, err);

	if (r < 0)
		return r;
	if (v.n)
		qsort(v.v, v.n, sizeof(*v.v), order);
	for (i = 0; i < v.n; i++)
		if (v.v[i].after)
			put_file(&x, &v.v[i], &q, now);
	put_quiet(&x, &q, now);
	json_array_foreach(files, i, f) {
		put(&x, "file: ");
		put_text(&x, json_string_value(json_object_get(f, "path")));
		put(&x, ", %" JSON_INTEGER_FORMAT " bytes\n",
		    json_integer_value(json_object_get(f, "length")));
	}
	return x.failed ? sut_err_set(err, EFBIG, "the change is too large to be shown") : 0;
}

/* Hash bins ask for the same keys. A new root is a line for the old keys and one for the new. */
static bool same_need(const struct sut_change_need *a, const struct sut_change_need *b)
{
	if (a == b)
		return true;
	if (sut_streq(a->role, b->role) || a->threshold - a->have != b->threshold - b->have ||
	    a->ids.n != b->ids.n || (a->have < a->threshold) != (b->have < b->threshold))
		return false;
	for (size_t i = 0; i < a->ids.n; i++)
		if (!sut_streq(a->ids.v[i], b->ids.v[i]))
			return false;
	return true;
}

static void put_need(struct ctx *x, const struct sut_change_need *n, const struct sut_strv *roles)
{
	put_names(x, roles);
	put(x, " need%s %u more of", roles->n > 1 ? "" : "s", n->threshold - n->have);
	for (size_t k = 0; k < n->missing.n; k++) {
		put(x, "%s ", k ? "," : "");
		put_text(x, n->missing.v[k]);
	}
	if (sut_streq(n->role, "root") && !sut_streq(n->why, "root"))
		put(x, " (%s)", n->why);
	put(x, "\n");
}

int sut_describe_needs(const struct sut_change *c, struct sut_buf *out, struct sut_err *err)
{
	_cleanup_(sut_change_needs_release) struct sut_change_needs needs = {0};
	struct ctx x = {.c = c, .out = out};
	int r = sut_change_needs(c, &needs, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < needs.n;) {
		_cleanup_strv_ struct sut_strv names = {0};
		const struct sut_change_need *n = &needs.v[i];

		for (; i < needs.n && same_need(n, &needs.v[i]); i++)
			if (sut_strv_add(&names, needs.v[i].role) < 0)
				return sut_err_oom(err);
		if (n->have < n->threshold)
			put_need(&x, n, &names);
	}
	if (needs.unmet)
		put(&x, "Sign with 'suture-repo sign', here or where the keys are: carry "
			"staged/change.json there and\n"
			"back; then run 'suture-repo publish'.\n");
	else
		put(&x, "All signatures are there; 'suture-repo publish' publishes it.\n");
	return x.failed ? sut_err_set(err, EFBIG, "too much to be shown") : 0;
}
