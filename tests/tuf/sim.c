// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "sim.h"

static const char *const top_level[] = {"root", "timestamp", "snapshot", "targets"};

static bool same(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

struct sim_role *sim_role(struct sim *s, const char *role)
{
	for (size_t i = 0; i < s->nroles; i++)
		if (same(s->roles[i].name, role))
			return &s->roles[i];
	sim_die("there is no role '%s'", role);
}

json_t *sim_doc(struct sim *s, const char *role)
{
	return sim_role(s, role)->doc;
}

void sim_set(struct sim *s, const char *role, const char *field, json_t *value)
{
	json_object_set_new(sim_doc(s, role), field, value);
}

void sim_expires(struct sim *s, const char *role, double days)
{
	sim_set(s, role, "expires", json_string(sim_time(s->now + (int64_t)(days * 86400))));
}

void sim_version(struct sim *s, const char *role, json_int_t version)
{
	sim_set(s, role, "version", json_integer(version));
	sim_role(s, role)->exact_version = true;
}

json_t *sim_meta(struct sim *s, const char *in, const char *role)
{
	char *name = sim_str("%s.json", role);
	json_t *entry = json_object_get(json_object_get(sim_doc(s, in), "meta"), name);

	if (!entry)
		sim_die("%s has no %s", in, name);
	free(name);
	return entry;
}

static struct sim_role *new_role(struct sim *s, const char *name, json_t *doc)
{
	struct sim_role *r = &s->roles[s->nroles++];

	if (s->nroles > SIM_ROLES_MAX)
		sim_die("too many roles");
	r->name = sim_str("%s", name);
	r->doc = doc;
	sim_set(s, name, "spec_version", json_string("1.0.34"));
	sim_set(s, name, "version", json_integer(1));
	sim_expires(s, name, 30);
	return r;
}

enum sim_key_type sim_usual_key = SIM_ECDSA;

struct sim *sim_new(int64_t now)
{
	struct sim *s = calloc(1, sizeof(*s));

	if (!s)
		sim_die("out of memory");
	s->now = now ? now : time(NULL);
	new_role(s, "root",
		 json_pack("{s:s, s:b, s:{}, s:{}}", "_type", "root", "consistent_snapshot", 1,
			   "keys", "roles"));
	new_role(s, "timestamp",
		 json_pack("{s:s, s:{s:{s:i}}}", "_type", "timestamp", "meta", "snapshot.json",
			   "version", 1));
	new_role(s, "snapshot",
		 json_pack("{s:s, s:{s:{s:i}}}", "_type", "snapshot", "meta", "targets.json",
			   "version", 1));
	new_role(s, "targets", json_pack("{s:s, s:{}}", "_type", "targets", "targets"));
	for (size_t i = 0; i < 4; i++) {
		json_object_set_new(json_object_get(sim_doc(s, "root"), "roles"), top_level[i],
				    json_pack("{s:[], s:i}", "keyids", "threshold", 1));
		sim_add_key(s, "root", top_level[i]);
	}
	sim_publish(s, "targets snapshot timestamp root");
	return s;
}

/* --- keys of roles --- */

static json_t *keys_of(struct sim *s, const char *delegator)
{
	json_t *doc = sim_doc(s, delegator);

	if (!same(delegator, "root"))
		doc = json_object_get(doc, "delegations");
	return json_object_get(doc, "keys");
}

json_t *sim_role_json(struct sim *s, const char *delegator, const char *role)
{
	json_t *list, *e;
	size_t i;

	if (same(delegator, "root")) {
		e = json_object_get(json_object_get(sim_doc(s, "root"), "roles"), role);
		if (!e)
			sim_die("root has no role %s", role);
		return e;
	}
	list = json_object_get(json_object_get(sim_doc(s, delegator), "delegations"), "roles");
	json_array_foreach(list, i, e)
		if (same(json_string_value(json_object_get(e, "name")), role))
			return e;
	sim_die("%s does not delegate to %s", delegator, role);
}

void sim_trust(struct sim *s, const char *delegator, const char *role, struct sim_key *k)
{
	json_t *ids = json_object_get(sim_role_json(s, delegator, role), "keyids"), *id;
	size_t i;

	json_object_set(keys_of(s, delegator), k->id, k->json);
	json_array_foreach(ids, i, id)
		if (same(json_string_value(id), k->id))
			return;
	json_array_append_new(ids, json_string(k->id));
}

void sim_sign_with(struct sim *s, const char *role, struct sim_key *k)
{
	struct sim_role *r = sim_role(s, role);

	if (r->nsigners == SIM_SIGNERS_MAX)
		sim_die("too many signers");
	r->signers[r->nsigners++] = k;
}

struct sim_key *sim_add_key(struct sim *s, const char *delegator, const char *role)
{
	struct sim_key *k = sim_key_new(sim_usual_key);

	sim_trust(s, delegator, role, k);
	sim_sign_with(s, role, k);
	return k;
}

void sim_clear_keys(struct sim *s, const char *delegator, const char *role)
{
	json_array_clear(json_object_get(sim_role_json(s, delegator, role), "keyids"));
}

void sim_clear_signers(struct sim *s, const char *role)
{
	sim_role(s, role)->nsigners = 0;
}

void sim_drop_signer(struct sim *s, const char *role)
{
	struct sim_role *r = sim_role(s, role);

	if (!r->nsigners)
		sim_die("%s has no signer", role);
	r->nsigners--;
}

struct sim_key *sim_signer(struct sim *s, const char *role, size_t i)
{
	struct sim_role *r = sim_role(s, role);

	if (i >= r->nsigners)
		sim_die("%s has no signer %zu", role, i);
	return r->signers[i];
}

void sim_threshold(struct sim *s, const char *delegator, const char *role, json_int_t n)
{
	json_object_set_new(sim_role_json(s, delegator, role), "threshold", json_integer(n));
}

void sim_rotate(struct sim *s, const char *role)
{
	json_int_t n =
		json_integer_value(json_object_get(sim_role_json(s, "root", role), "threshold"));

	sim_clear_keys(s, "root", role);
	sim_clear_signers(s, role);
	while (n--)
		sim_add_key(s, "root", role);
}

/* --- targets --- */

static json_t *words(const char *text)
{
	json_t *list = json_array();
	char *copy = sim_str("%s", text), *save = NULL;

	for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save))
		json_array_append_new(list, json_string(w));
	free(copy);
	return list;
}

void sim_delegate(struct sim *s, const char *delegator, const char *role, const char *paths,
		  int flags)
{
	json_t *doc = sim_doc(s, delegator), *d = json_object_get(doc, "delegations"), *entry;
	bool there = false;

	for (size_t i = 0; i < s->nroles; i++)
		there |= same(s->roles[i].name, role);
	if (!there)
		new_role(s, role, json_pack("{s:s, s:{}}", "_type", "targets", "targets"));
	doc = sim_doc(s, delegator);
	if (!d) {
		d = json_pack("{s:{}, s:[]}", "keys", "roles");
		json_object_set_new(doc, "delegations", d);
	}
	entry = json_pack("{s:s, s:[], s:i, s:b}", "name", role, "keyids", "threshold", 1,
			  "terminating", (flags & SIM_TERMINATING) != 0);
	if (paths)
		json_object_set_new(entry, flags & SIM_PREFIXES ? "path_hash_prefixes" : "paths",
				    words(paths));
	json_array_append_new(json_object_get(d, "roles"), entry);
	sim_add_key(s, delegator, role);
}

void sim_artifact(struct sim *s, const char *path, const void *data, size_t len)
{
	struct sim_artifact *a = NULL;

	for (size_t i = 0; i < s->nartifacts; i++)
		if (same(s->artifacts[i].path, path))
			a = &s->artifacts[i];
	if (!a) {
		if (s->nartifacts == SIM_ARTIFACTS_MAX)
			sim_die("too many artifacts");
		a = &s->artifacts[s->nartifacts++];
		a->path = sim_str("%s", path);
	}
	a->data = malloc(len + 1);
	if (!a->data)
		sim_die("out of memory");
	if (len)
		memcpy(a->data, data, len);
	a->len = len;
}

void sim_target_hashes(struct sim *s, const char *role, const char *path, const char *text,
		       const char *hashes)
{
	json_t *names = words(hashes), *h = json_object();
	size_t len = strlen(text);

	for (size_t i = 0; i < json_array_size(names); i++) {
		const char *name = json_string_value(json_array_get(names, i));

		json_object_set_new(h, name, json_string(sim_hash(name, text, len)));
	}
	json_object_set_new(json_object_get(sim_doc(s, role), "targets"), path,
			    json_pack("{s:I, s:o}", "length", (json_int_t)len, "hashes", h));
	sim_artifact(s, path, text, len);
	json_decref(names);
}

void sim_target(struct sim *s, const char *role, const char *path, const char *text)
{
	sim_target_hashes(s, role, path, text, "sha256");
}

/* --- publishing --- */

static void put(struct sim_role *r, int64_t version, const void *data, size_t len)
{
	struct sim_file *f;

	r->files = realloc(r->files, (r->nfiles + 1) * sizeof(*r->files));
	if (!r->files)
		sim_die("out of memory");
	f = &r->files[r->nfiles++];
	f->version = version;
	f->len = len;
	f->data = malloc(len + 1);
	if (!f->data)
		sim_die("out of memory");
	if (len)
		memcpy(f->data, data, len);
	f->data[len] = '\0';
}

const struct sim_file *sim_last(struct sim *s, const char *role)
{
	struct sim_role *r = sim_role(s, role);

	if (!r->nfiles)
		sim_die("%s was not published", role);
	return &r->files[r->nfiles - 1];
}

const struct sim_file *sim_nth(struct sim *s, const char *role, size_t i)
{
	struct sim_role *r = sim_role(s, role);

	if (i >= r->nfiles)
		sim_die("%s was not published that often", role);
	return &r->files[i];
}

struct sim_file sim_keep(const struct sim_file *f)
{
	struct sim_file copy = {.version = f->version, .len = f->len, .data = malloc(f->len + 1)};

	if (!copy.data)
		sim_die("out of memory");
	memcpy(copy.data, f->data, f->len);
	return copy;
}

/* The entry of a role in the file that lists it. */
static void enter(struct sim *s, const char *role, json_int_t version)
{
	const struct sim_file *f = sim_last(s, role);
	const char *in = same(role, "snapshot") ? "timestamp" : "snapshot";
	char *name = sim_str("%s.json", role);
	json_t *entry = json_pack("{s:I}", "version", version);

	if (s->hashes) {
		json_object_set_new(entry, "length", json_integer((json_int_t)f->len));
		json_object_set_new(
			entry, "hashes",
			json_pack("{s:s}", "sha256", sim_hash("sha256", f->data, f->len)));
	}
	json_object_set_new(json_object_get(sim_doc(s, in), "meta"), name, entry);
	free(name);
}

static json_int_t version_of(struct sim_role *r)
{
	return json_integer_value(json_object_get(r->doc, "version"));
}

static void publish(struct sim *s, const char *role)
{
	struct sim_role *r = sim_role(s, role);
	size_t len;
	void *data;

	if (r->nfiles && !r->exact_version)
		sim_set(s, role, "version", json_integer(version_of(r) + 1));
	r->exact_version = false;
	data = sim_envelope(r->doc, r->signers, r->nsigners, &len);
	put(r, version_of(r), data, len);
	free(data);
	if (!same(role, "root") && !same(role, "timestamp"))
		enter(s, role, version_of(r));
}

void sim_publish(struct sim *s, const char *roles)
{
	char *copy = sim_str("%s", roles), *save = NULL;

	for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save))
		publish(s, w);
	free(copy);
}

void sim_republish(struct sim *s, const char *role)
{
	struct sim_role *r = sim_role(s, role);
	size_t len;
	void *data = sim_envelope(r->doc, r->signers, r->nsigners, &len);

	sim_replace(s, role, data, len);
	free(data);
}

void sim_release(struct sim *s, const char *delegated)
{
	sim_publish(s, delegated);
	sim_publish(s, "targets snapshot timestamp");
}

void sim_replace(struct sim *s, const char *role, const void *data, size_t len)
{
	struct sim_role *r = sim_role(s, role);
	int64_t version = sim_last(s, role)->version;
	/* data may point into what is replaced */
	void *copy = malloc(len + 1);

	if (!copy)
		sim_die("out of memory");
	if (len)
		memcpy(copy, data, len);
	r->nfiles--;
	put(r, version, copy, len);
	free(copy);
}

void sim_serve(struct sim *s, const char *role, int64_t version, const void *data, size_t len)
{
	put(sim_role(s, role), version, data, len);
}

json_t *sim_parse_last(struct sim *s, const char *role)
{
	const struct sim_file *f = sim_last(s, role);
	json_t *whole = json_loadb((const char *)f->data, f->len, 0, NULL);

	if (!whole)
		sim_die("%s is not JSON", role);
	return whole;
}

void sim_replace_json(struct sim *s, const char *role, json_t *whole)
{
	char *text = json_dumps(whole, JSON_INDENT(1));

	if (!text)
		sim_die("cannot write JSON");
	sim_replace(s, role, text, strlen(text));
	free(text);
	json_decref(whole);
}

void sim_replace_text(struct sim *s, const char *role, const char *from, const char *to)
{
	const struct sim_file *f = sim_last(s, role);
	char *text = (char *)f->data, *at = strstr(text, from), *out;

	if (!at || strstr(at + 1, from))
		sim_die("'%s' is not there exactly once in %s: %s", from, role, text);
	out = sim_str("%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
	sim_replace(s, role, out, strlen(out));
	free(out);
}

void sim_unpublish(struct sim *s, const char *role)
{
	sim_role(s, role)->nfiles = 0;
}

void sim_unpublish_last(struct sim *s, const char *role)
{
	(void)sim_last(s, role);
	sim_role(s, role)->nfiles--;
}

void sim_enter(struct sim *s, const char *role)
{
	enter(s, role, sim_last(s, role)->version);
}

/* --- what a URL means --- */

static int hexdigit(char c)
{
	const char *digits = "0123456789abcdef", *p = strchr(digits, c | 0x20);

	return c && p ? (int)(p - digits) : -1;
}

static char *unquote(const char *s)
{
	char *out = sim_str("%s", s), *o = out;

	for (; *s; s++) {
		if (*s == '%' && hexdigit(s[1]) >= 0 && hexdigit(s[2]) >= 0) {
			*o++ = (char)(hexdigit(s[1]) << 4 | hexdigit(s[2]));
			s += 2;
		} else {
			*o++ = *s;
		}
	}
	*o = '\0';
	return out;
}

static const struct sim_file *find_file(struct sim *s, const char *role, long long version)
{
	for (size_t i = 0; i < s->nroles; i++) {
		struct sim_role *r = &s->roles[i];

		if (!same(r->name, role) || !r->nfiles)
			continue;
		if (version < 0)
			return &r->files[r->nfiles - 1];
		for (size_t k = r->nfiles; k-- > 0;)
			if (r->files[k].version == version)
				return &r->files[k];
	}
	return NULL;
}

/* Only names of this repository are served: root always with a version, timestamp never, the
 * others with consistent snapshots. */
const struct sim_file *sim_find_metadata(struct sim *s, const char *path)
{
	bool consistent = json_is_true(json_object_get(sim_doc(s, "root"), "consistent_snapshot"));
	char *name = sim_str("%s", path), *end, *role;
	size_t n = strlen(name);
	long long version;

	if (n < 6 || !same(name + n - 5, ".json"))
		return NULL;
	name[n - 5] = '\0';
	if (same(name, "timestamp"))
		return find_file(s, name, -1);
	version = strtoll(name, &end, 10);
	if (end != name && *end == '.') {
		role = unquote(end + 1);
		if (same(role, "timestamp") || (!consistent && !same(role, "root")))
			return NULL;
		return find_file(s, role, version);
	}
	role = unquote(name);
	return consistent || same(role, "root") ? NULL : find_file(s, role, -1);
}

static bool has_hash(struct sim *s, const char *path, const char *hash)
{
	for (size_t i = 0; i < s->nroles; i++) {
		json_t *t = json_object_get(json_object_get(s->roles[i].doc, "targets"), path), *v;
		const char *key;

		json_object_foreach(json_object_get(t, "hashes"), key, v)
			if (json_is_string(v) && same(json_string_value(v), hash))
				return true;
	}
	return false;
}

const struct sim_artifact *sim_find_artifact(struct sim *s, const char *path)
{
	bool consistent = json_is_true(json_object_get(sim_doc(s, "root"), "consistent_snapshot"));
	char *plain = unquote(path), *file, *dot, *hash = NULL;

	if (consistent && !s->no_prefix) {
		file = strrchr(plain, '/');
		file = file ? file + 1 : plain;
		dot = strchr(file, '.');
		if (!dot)
			return NULL;
		hash = sim_str("%.*s", (int)(dot - file), file);
		memmove(file, dot + 1, strlen(dot + 1) + 1);
	}
	for (size_t i = 0; i < s->nartifacts; i++)
		if (same(s->artifacts[i].path, plain))
			return hash && !has_hash(s, plain, hash) ? NULL : &s->artifacts[i];
	return NULL;
}
