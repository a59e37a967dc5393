// SPDX-License-Identifier: Apache-2.0
/* What metadata says of files: entries of "meta" (section 4.4) and of "targets" (section 4.5). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "tuf/load.h"

/* A hash is a part of file names and addresses later: nothing but digits gets through. */
static int get_hash(const struct sut_json_at *hashes, const char *alg, size_t digits,
		    const char **ret)
{
	const char *s;
	int r;

	*ret = "";
	if (!json_object_get(hashes->node, alg))
		return 0;
	r = sut_json_string(hashes, alg, true, &s);
	if (r < 0)
		return r;
	if (!sut_is_hex(s, digits))
		return sut_json_bad(hashes, alg, "is not %zu lower-case hexadecimal digits",
				    digits);
	*ret = s;
	return 0;
}

static int get_hashes(const struct sut_json_at *at, struct sut_tuf_hashes *ret)
{
	struct sut_json_at hashes;
	struct sut_tuf_hashes h = {0};
	int r = sut_json_object(at, "hashes", true, &hashes);

	if (r < 0)
		return r;
	if (!json_object_size(hashes.node))
		return sut_json_bad(at, "hashes", "is empty");
	r = get_hash(&hashes, "sha256", 64, &h.sha256);
	if (r == 0)
		r = get_hash(&hashes, "sha512", 128, &h.sha512);
	if (r == 0)
		*ret = h;
	return r;
}

static int load_ref(const struct sut_json_at *at, const char *name, struct sut_tuf_ref *ret)
{
	struct sut_tuf_ref f = {.name = name, .length = -1, .hashes = {"", ""}};
	int r;

	if (!json_is_object(at->node))
		return sut_json_bad(at, "", "is missing or not an object");
	r = sut_json_int(at, "version", true, 1, SUT_TUF_VERSION_MAX, &f.version);
	if (r == 0)
		r = sut_json_int(at, "length", false, 0, SUT_TUF_VERSION_MAX, &f.length);
	if (r == 0 && json_object_get(at->node, "hashes")) {
		f.has_hashes = true;
		r = get_hashes(at, &f.hashes);
	}
	if (r == 0)
		*ret = f;
	return r;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct sut_tuf_ref *)a)->name, ((const struct sut_tuf_ref *)b)->name);
}

int sut_tuf_refs_load(const struct sut_json_at *signed_, struct sut_tuf_meta *m)
{
	struct sut_json_at meta;
	const char *name;
	json_t *v;
	size_t n;
	int r = sut_json_object(signed_, "meta", true, &meta);

	if (r < 0)
		return r;
	/* The number of entries is bounded by the length of the file. */
	n = m->type == SUT_TUF_TIMESTAMP ? 1 : json_object_size(meta.node);
	m->refs = calloc(n ? n : 1, sizeof(*m->refs));
	if (!m->refs)
		return sut_err_oom(signed_->err);
	if (m->type == SUT_TUF_TIMESTAMP) {
		/* Whatever else a timestamp names is not used (section 4.6). */
		struct sut_json_at at = sut_json_member(&meta, "snapshot.json");

		r = load_ref(&at, "snapshot.json", &m->refs[0]);
		if (r == 0)
			m->nrefs = 1;
		return r;
	}
	json_object_foreach((json_t *)meta.node, name, v) {
		struct sut_json_at at = sut_tuf_at_value(&meta, v);

		if (!*name || strlen(name) > SUT_TUF_NAME_MAX + strlen(".json"))
			return sut_json_bad(&meta, "", "has a name that is not 1 to %zu bytes long",
					    SUT_TUF_NAME_MAX + strlen(".json"));
		r = load_ref(&at, name, &m->refs[m->nrefs]);
		if (r < 0)
			return r;
		m->nrefs++;
	}
	qsort(m->refs, m->nrefs, sizeof(*m->refs), by_name);
	return 0;
}

const struct sut_tuf_ref *sut_tuf_ref(const struct sut_tuf_meta *m, const char *name)
{
	const struct sut_tuf_ref key = {.name = name};

	if (!m->nrefs)
		return NULL;
	return bsearch(&key, m->refs, m->nrefs, sizeof(*m->refs), by_name);
}

static int get_target(const struct sut_json_at *at, struct sut_tuf_target *ret)
{
	struct sut_tuf_target t = {0};
	int r;

	if (!json_is_object(at->node))
		return sut_json_bad(at, "", "is not an object");
	r = sut_json_int(at, "length", true, 0, SUT_TUF_VERSION_MAX, &t.length);
	if (r == 0)
		r = get_hashes(at, &t.hashes);
	if (r < 0)
		return r;
	t.custom = json_object_get(at->node, "custom");
	if (t.custom && !json_is_object(t.custom))
		return sut_json_bad(at, "custom", "is not an object");
	*ret = t;
	return 0;
}

int sut_tuf_targets_check(const struct sut_json_at *signed_)
{
	struct sut_tuf_target t;
	struct sut_json_at targets;
	const char *path;
	json_t *v;
	int r = sut_json_object(signed_, "targets", true, &targets);

	if (r < 0)
		return r;
	json_object_foreach((json_t *)targets.node, path, v) {
		struct sut_json_at at = sut_tuf_at_value(&targets, v);

		if (!*path || strlen(path) > SUT_TUF_PATH_MAX)
			return sut_json_bad(&targets, "",
					    "has a path that is not 1 to %d bytes long",
					    SUT_TUF_PATH_MAX);
		r = get_target(&at, &t);
		if (r < 0)
			return r;
	}
	return 0;
}

int sut_tuf_meta_target(const struct sut_tuf_meta *targets, const char *path,
			struct sut_tuf_target *ret, struct sut_err *err)
{
	const json_t *all = json_object_get(json_object_get(targets->doc, "signed"), "targets");
	struct sut_json_at at = sut_tuf_top(NULL, "the targets file", err);
	struct sut_tuf_target t;
	void *it;
	int r;

	snprintf(at.path, sizeof(at.path), "targets");
	it = json_object_iter_at((json_t *)all, path);
	if (!it || targets->type != SUT_TUF_TARGETS)
		return sut_err_reason(err, ENOENT, "no-target",
				      "the targets file has no such path. Is it spelled as the "
				      "repository spells it?");
	at.node = json_object_iter_value(it);
	r = get_target(&at, &t);
	if (r < 0)
		return r;
	if (!*t.hashes.sha256 && !*t.hashes.sha512)
		return sut_json_bad(&at, "hashes", "has neither sha256 nor sha512");
	t.path = json_object_iter_key(it);
	*ret = t;
	return 0;
}

static int check_hash(enum sut_digest_alg alg, const char *want, const void *data, size_t len,
		      struct sut_err *err)
{
	char have[SUT_DIGEST_HEX_MAX];
	int r;

	if (!*want)
		return 0;
	r = sut_digest_of(alg, data, len, have, err);
	if (r < 0)
		return r;
	if (strcmp(want, have) != 0)
		return sut_err_reason(err, EBADMSG, "hash",
				      "the file has the hash %s and not %s, which the signed "
				      "metadata names. It was changed on the way, or the mirror is "
				      "between two states: try again later",
				      have, want);
	return 0;
}

int sut_tuf_ref_check(const struct sut_tuf_ref *ref, const void *data, size_t len,
		      struct sut_err *err)
{
	int r;

	if (ref->length >= 0 && (uint64_t)ref->length != len)
		return sut_err_reason(
			err, EBADMSG, "length",
			"the file has %zu bytes and not %lld, which the signed metadata "
			"names. It was changed on the way, or the mirror is between "
			"two states: try again later",
			len, (long long)ref->length);
	if (ref->has_hashes && !*ref->hashes.sha256 && !*ref->hashes.sha512)
		return sut_err_reason(
			err, EBADMSG, "hash",
			"the signed metadata names neither a SHA-256 nor a SHA-512 of "
			"the file, so it cannot be checked. Tell the repository's operator");
	r = check_hash(SUT_DIGEST_SHA256, ref->hashes.sha256, data, len, err);
	return r < 0 ? r : check_hash(SUT_DIGEST_SHA512, ref->hashes.sha512, data, len, err);
}
