// SPDX-License-Identifier: Apache-2.0
#include "describe.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "base/str.h"
#include "change_view.h"

enum { DAY = 86400, TEXT_MAX = 300, ID_SHOWN = 16 };

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

/* What others wrote must not speak to the terminal. */
static void put_text(struct ctx *x, const char *s)
{
	size_t n = 0;

	for (; *s && n < TEXT_MAX; s++, n++) {
		unsigned char ch = (unsigned char)*s;

		/* Also the C1 controls, which are U+0080 to U+009F: C2 80 to C2 9F. */
		if (ch < 0x20 || ch == 0x7f ||
		    (ch == 0xc2 && (unsigned char)s[1] >= 0x80 && (unsigned char)s[1] < 0xa0))
			put(x, "\\x%02x", ch);
		else
			put(x, "%c", ch);
	}
	if (*s)
		put(x, "…");
}

static void put_json(struct ctx *x, const json_t *j)
{
	char *s = j ? json_dumps(j, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY |
					    JSON_ENSURE_ASCII)
		    : NULL;

	if (s)
		put_text(x, s);
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

/* A key that is the same in name only would be a trap: its material is compared, too. */
static void put_changed_keys(struct ctx *x, const json_t *old, const json_t *new)
{
	const char *id;
	json_t *k;

	json_object_foreach((json_t *)new, id, k)
		if (json_object_get(old, id) && !json_equal(json_object_get(old, id), k)) {
			put(x, "  ! the key behind the id ");
			put_text(x, id);
			put(x, " is another one\n");
		}
}

static void put_delegations(struct ctx *x, const json_t *old, const json_t *new)
{
	static const char *const known[] = {"keys", "roles", NULL};
	const json_t *before = json_object_get(old, "roles"),
		     *after = json_object_get(new, "roles");
	bool moved = false;
	size_t kept = 0;

	for (size_t i = 0; i < json_array_size(after); i++) {
		const json_t *d = json_array_get(after, i);
		const char *name = json_string_value(json_object_get(d, "name"));
		const json_t *was = name ? delegation(before, name) : NULL;

		if (!name)
			continue;
		if (!was) {
			put(x, "  + delegation to ");
			put_text(x, name);
			put(x, "\n");
		} else {
			/* Those that stay must come in the order in which they were. */
			while (kept < json_array_size(before) &&
			       json_array_get(before, kept) != was)
				kept++;
			moved |= kept == json_array_size(before);
		}
		if (!json_equal(was, d))
			put_role(x, name, was, json_object_get(old, "keys"), d,
				 json_object_get(new, "keys"));
	}
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
	put_changed_keys(x, json_object_get(old, "keys"), json_object_get(new, "keys"));
	put_rest(x, old, new, known, "delegations");
}

static void put_target(struct ctx *x, char sign, const char *path, const json_t *t)
{
	const json_t *custom = json_object_get(t, "custom");

	put(x, "  %c target ", sign);
	put_text(x, path);
	put(x, ", %" JSON_INTEGER_FORMAT " bytes",
	    json_integer_value(json_object_get(t, "length")));
	if (custom) {
		put(x, ", ");
		put_json(x, custom);
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
	const json_t *before = json_object_get(old, "roles");
	const char *role;
	json_t *v;

	json_object_foreach(json_object_get(new, "roles"), role, v)
		put_role(x, role, json_object_get(before, role), json_object_get(old, "keys"), v,
			 json_object_get(new, "keys"));
	json_object_foreach((json_t *)before, role, v)
		if (!json_object_get(json_object_get(new, "roles"), role)) {
			put(x, "  - role ");
			put_text(x, role);
			put(x, "\n");
		}
	put_changed_keys(x, json_object_get(old, "keys"), json_object_get(new, "keys"));
}

static void put_file(struct ctx *x, const struct sut_change_view_role *r, int64_t now)
{
	static const char *const root[] = {"_type", "version", "expires", "keys", "roles", NULL};
	static const char *const targets[] = {"_type",	 "version",	"expires",
					      "targets", "delegations", NULL};
	const json_t *new = json_object_get(r->after->doc, "signed"),
		     *old = r->before ? json_object_get(r->before->doc, "signed") : NULL;
	bool is_root = sut_streq(r->name, "root");
	char when[64];
	size_t len;

	sut_describe_time(r->after->expires, now, when);
	if (r->before)
		put(x, "%s: version %" PRId64 " -> %" PRId64, r->name, r->before->version,
		    r->after->version);
	else
		put(x, "%s: new, version %" PRId64, r->name, r->after->version);
	put(x, ", valid until %s\n", when);
	len = x->out->len;
	if (is_root) {
		put_root(x, old, new);
	} else {
		put_delegations(x, json_object_get(old, "delegations"),
				json_object_get(new, "delegations"));
		put_targets(x, json_object_get(old, "targets"), json_object_get(new, "targets"));
	}
	/* Of a new file, what every file says is not worth a line. */
	if (old)
		put_rest(x, old, new, is_root ? root : targets, "field");
	if (x->out->len == len)
		put(x, "  nothing else changes\n");
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
	json_t *files = json_object_get(c->doc, "files"), *f;
	size_t i;
	int r = sut_change_view_make(c, &v, err);

	if (r < 0)
		return r;
	if (v.n)
		qsort(v.v, v.n, sizeof(*v.v), order);
	for (i = 0; i < v.n; i++)
		if (v.v[i].after)
			put_file(&x, &v.v[i], now);
	json_array_foreach(files, i, f) {
		put(&x, "file: ");
		put_text(&x, json_string_value(json_object_get(f, "path")));
		put(&x, ", %" JSON_INTEGER_FORMAT " bytes\n",
		    json_integer_value(json_object_get(f, "length")));
	}
	return x.failed ? sut_err_set(err, EFBIG, "the change is too large to be shown") : 0;
}

int sut_describe_needs(const struct sut_change *c, struct sut_buf *out, struct sut_err *err)
{
	_cleanup_(sut_change_needs_release) struct sut_change_needs needs = {0};
	struct ctx x = {.c = c, .out = out};
	int r = sut_change_needs(c, &needs, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < needs.n; i++) {
		const struct sut_change_need *n = &needs.v[i];

		if (n->have >= n->threshold)
			continue;
		put(&x, "%s needs %u more of", n->role, n->threshold - n->have);
		for (size_t k = 0; k < n->missing.n; k++) {
			put(&x, "%s ", k ? "," : "");
			put_text(&x, n->missing.v[k]);
		}
		if (sut_streq(n->role, "root") && !sut_streq(n->why, "root"))
			put(&x, " (%s)", n->why);
		put(&x, "\n");
	}
	if (needs.unmet)
		put(&x, "Sign with 'suture-repo sign', here or where the keys are: carry "
			"staged/change.json there and\n"
			"back; then run 'suture-repo publish'.\n");
	else
		put(&x, "All signatures are there; 'suture-repo publish' publishes it.\n");
	return x.failed ? sut_err_set(err, EFBIG, "too much to be shown") : 0;
}
