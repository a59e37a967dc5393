// SPDX-License-Identifier: Apache-2.0
/* Delegations of a targets file (section 4.5). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/sha256.h"
#include "base/str.h"
#include "tuf/load.h"

void sut_tuf_delegation_release(struct sut_tuf_delegation *d)
{
	sut_tuf_role_release(&d->role);
	free(d->paths);
	free(d->prefixes);
	*d = (struct sut_tuf_delegation){0};
}

static bool is_prefix(const char *s)
{
	return strlen(s) <= SUT_SHA256_HEX - 1 && sut_is_hex(s, strlen(s));
}

static int load_delegation(const struct sut_json_at *at, struct sut_tuf_delegation *ret)
{
	_cleanup_(sut_tuf_delegation_release) struct sut_tuf_delegation d = {0};
	bool paths, prefixes;
	int r;

	if (!json_is_object(at->node))
		return sut_json_bad(at, "", "is not an object");
	r = sut_json_string(at, "name", true, &d.name);
	if (r < 0)
		return r;
	if (!*d.name || strlen(d.name) > SUT_TUF_NAME_MAX)
		return sut_json_bad(at, "name", "is not 1 to %d bytes long", SUT_TUF_NAME_MAX);
	/* Its file would be that of a role of the root. */
	for (enum sut_tuf_type t = SUT_TUF_ROOT; t <= SUT_TUF_TARGETS; t++)
		if (!strcmp(d.name, sut_tuf_type_name(t)))
			return sut_json_bad(at, "name", "is that of a top-level role");
	paths = json_object_get(at->node, "paths");
	prefixes = json_object_get(at->node, "path_hash_prefixes");
	if (paths && prefixes)
		return sut_json_bad(at, "", "has both paths and path_hash_prefixes");
	r = sut_tuf_role_load(at, &d.role);
	if (r == 0)
		r = sut_json_bool(at, "terminating", &d.terminating);
	if (r == 0 && paths)
		r = sut_tuf_get_strings(at, "paths", SUT_TUF_ROLES_MAX, SUT_TUF_PATH_MAX, &d.paths,
					&d.npaths);
	if (r == 0 && prefixes)
		r = sut_tuf_get_strings(at, "path_hash_prefixes", SUT_TUF_ROLES_MAX,
					SUT_SHA256_HEX - 1, &d.prefixes, &d.nprefixes);
	if (r < 0)
		return r;
	for (size_t i = 0; i < d.nprefixes; i++)
		if (!is_prefix(d.prefixes[i]))
			return sut_json_bad(at, "path_hash_prefixes",
					    "has an entry that is not lower-case hexadecimal");
	*ret = d;
	d = (struct sut_tuf_delegation){0};
	return 0;
}

int sut_tuf_delegations_load(const struct sut_json_at *signed_, struct sut_tuf_meta *m)
{
	_cleanup_(sut_freep) const char **names = NULL;
	struct sut_json_at delegations, keys, roles;
	size_t n;
	int r;

	if (!json_object_get(signed_->node, "delegations"))
		return 0;
	r = sut_json_object(signed_, "delegations", true, &delegations);
	if (r == 0)
		r = sut_json_object(&delegations, "keys", true, &keys);
	if (r == 0)
		r = sut_tuf_keys_load(&keys, &m->keys);
	if (r == 0)
		r = sut_json_list(&delegations, "roles", true, 0, SUT_TUF_ROLES_MAX, &roles);
	if (r < 0)
		return r;
	n = json_array_size(roles.node);
	if (!n)
		return 0;
	m->delegations = calloc(n, sizeof(*m->delegations));
	names = calloc(n, sizeof(*names));
	if (!m->delegations || !names)
		return sut_err_oom(signed_->err);
	for (size_t i = 0; i < n; i++) {
		struct sut_json_at at = sut_json_entry(&roles, i);

		r = load_delegation(&at, &m->delegations[i]);
		if (r < 0)
			return r;
		m->ndelegations++;
		names[i] = m->delegations[i].name;
	}
	r = sut_tuf_duplicates(names, n);
	if (r)
		return r < 0 ? sut_err_oom(signed_->err)
			     : sut_json_bad(&roles, "", "names a role twice");
	return 0;
}

/* ------------------------------------------------------------------ */
/*
 * Patterns. fnmatch(3) depends on the locale, takes time exponential in the number of '*' and
 * knows escapes and classes that other TUF clients do not, so this is ours: '*' and
 * '?' match no '/', "[abc]", "[a-c]" and "[!a]" are sets of characters without '/', a '[' that
 * no ']' closes is itself, and nothing else is special. A character is one code point.
 */

/* The bytes of the code point at s as one number; at least one byte. s is UTF-8 or, from a
 * command line, anything. */
static uint32_t next_char(const char **s)
{
	const uint8_t *p = (const uint8_t *)*s;
	uint32_t c = *p++;

	/* The numbers differ where the characters do, and have their order: that is enough. */
	for (int more = 3; more && c >= 0x80 && (*p & 0xc0) == 0x80; more--)
		c = c << 8 | *p++;
	*s = (const char *)p;
	return c;
}

/* *set is behind '['. 1: c is in the set, 0: it is not, -1: this is no set. *set is then behind ']'. */
static int match_set(const char **set, uint32_t c)
{
	const char *s = *set;
	bool not = *s == '!', in = false, first = true;

	if (not )
		s++;
	for (; *s != ']' || first; first = false) {
		uint32_t from, to;

		if (!*s || *s == '/')
			return -1;
		from = to = next_char(&s);
		if (*s == '-' && s[1] && s[1] != ']' && s[1] != '/') {
			s++;
			to = next_char(&s);
		}
		if (c >= from && c <= to)
			in = true;
	}
	*set = s + 1;
	return in != not ;
}

/* One element that is no '*', against one character. */
static bool match_one(const char **pattern, uint32_t c)
{
	const char *p = *pattern;

	if (*p == '?') {
		*pattern = p + 1;
		return c != '/';
	}
	if (*p == '[') {
		int r;

		p++;
		r = match_set(&p, c);
		if (r >= 0) {
			*pattern = p;
			return r && c != '/';
		}
		p = *pattern;
	}
	if (next_char(&p) != c)
		return false;
	*pattern = p;
	return true;
}

static bool match(const char *p, const char *s)
{
	/* Only the last '*' has to be tried with more: what an earlier one took is behind us. */
	const char *star = NULL, *tried = NULL;

	while (*s) {
		const char *p0 = p, *s0 = s;

		if (*p == '*') {
			star = ++p;
			tried = s;
			continue;
		}
		if (*p && match_one(&p, next_char(&s)))
			continue;
		p = p0;
		s = s0;
		if (!star || *tried == '/')
			return false;
		next_char(&tried);
		p = star;
		s = tried;
	}
	while (*p == '*')
		p++;
	return !*p;
}

bool sut_tuf_delegates(const struct sut_tuf_delegation *d, const char *path)
{
	char hex[SUT_SHA256_HEX];

	for (size_t i = 0; i < d->npaths; i++)
		if (match(d->paths[i], path))
			return true;
	if (!d->nprefixes)
		return false;
	sut_sha256_hex(path, strlen(path), hex);
	for (size_t i = 0; i < d->nprefixes; i++)
		if (sut_startswith(hex, d->prefixes[i]))
			return true;
	return false;
}
