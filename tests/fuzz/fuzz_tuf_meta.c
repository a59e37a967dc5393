// SPDX-License-Identifier: Apache-2.0
/* tuf/meta.h: the first byte chooses the type (r, t, s, f), the rest is the file. */
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "fuzz.h"
#include "tuf/json.h"
#include "tuf/meta.h"

static void check_role(const struct sut_tuf_role *r)
{
	FUZZ_ASSERT(r->threshold >= 1 && r->nkeyids <= SUT_TUF_ROLE_KEYS_MAX);
	for (size_t i = 1; i < r->nkeyids; i++)
		FUZZ_ASSERT(strcmp(r->keyids[0], r->keyids[i]) != 0);
}

static void check_hashes(const struct sut_tuf_hashes *h)
{
	static const char digits[] = "0123456789abcdef";
	size_t n = strlen(h->sha256), m = strlen(h->sha512);

	FUZZ_ASSERT((n == 0 || n == 64) && strspn(h->sha256, digits) == n);
	FUZZ_ASSERT((m == 0 || m == 128) && strspn(h->sha512, digits) == m);
}

static void check_targets(const struct sut_tuf_meta *m)
{
	json_t *targets = json_object_get(json_object_get(m->doc, "signed"), "targets"), *v;
	struct sut_tuf_target t;
	struct sut_err err = {0};
	const char *path;

	json_object_foreach(targets, path, v) {
		int r = sut_tuf_meta_target(m, path, &t, &err);

		FUZZ_ASSERT(r == 0 || r == -EBADMSG);
		if (r < 0)
			continue;
		FUZZ_ASSERT(!strcmp(t.path, path) && t.length >= 0);
		FUZZ_ASSERT(!t.custom || json_is_object(t.custom));
		FUZZ_ASSERT(*t.hashes.sha256 || *t.hashes.sha512);
		check_hashes(&t.hashes);
		for (size_t i = 0; i < m->ndelegations; i++)
			(void)sut_tuf_delegates(&m->delegations[i], path);
	}
	FUZZ_ASSERT(m->ndelegations <= SUT_TUF_ROLES_MAX);
	for (size_t i = 0; i < m->ndelegations; i++) {
		const struct sut_tuf_delegation *d = &m->delegations[i];

		check_role(&d->role);
		FUZZ_ASSERT(*d->name && strlen(d->name) <= SUT_TUF_NAME_MAX);
		FUZZ_ASSERT(!d->npaths || !d->nprefixes);
		for (size_t j = 0; j < d->npaths; j++) {
			const char *p = d->paths[j];

			/* A pattern without wildcards is its own only path. */
			if (!strpbrk(p, "*?["))
				FUZZ_ASSERT(sut_tuf_delegates(d, p));
		}
	}
}

static void check(const struct sut_tuf_meta *m)
{
	char text[32];
	int64_t t = 0;
	size_t good = 9;

	FUZZ_ASSERT(m->version >= 1 && m->version <= 1LL << 53);
	sut_tuf_time_format(m->expires, text);
	FUZZ_ASSERT(sut_tuf_time_parse(text, &t) == 0 && t == m->expires);
	if (m->type == SUT_TUF_ROOT) {
		for (size_t i = SUT_TUF_ROOT; i <= SUT_TUF_TARGETS; i++)
			check_role(&m->roles[i]);
		if (sut_tuf_verify(m, &m->keys, &m->roles[SUT_TUF_ROOT], "x", &good, NULL) == 0)
			FUZZ_ASSERT(good >= m->roles[SUT_TUF_ROOT].threshold);
		FUZZ_ASSERT(good <= m->roles[SUT_TUF_ROOT].nkeyids);
	}
	FUZZ_ASSERT(m->type != SUT_TUF_TIMESTAMP || m->nrefs == 1);
	for (size_t i = 0; i < m->nrefs; i++) {
		FUZZ_ASSERT(m->refs[i].version >= 1 && m->refs[i].length >= -1);
		FUZZ_ASSERT(sut_tuf_ref(m, m->refs[i].name) == &m->refs[i]);
		check_hashes(&m->refs[i].hashes);
	}
	if (m->type == SUT_TUF_TARGETS)
		check_targets(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char letters[] = "?rtsf";
	const char *letter = size && *data ? strchr(letters, *data) : NULL;
	enum sut_tuf_type type = letter ? (enum sut_tuf_type)(letter - letters) : 0;
	struct sut_tuf_meta *m = NULL, *again = NULL;
	struct sut_err err = {0};

	if (type < SUT_TUF_ROOT)
		return 0;
	if (sut_tuf_meta_parse(data + 1, size - 1, type, "x", &m, &err) < 0) {
		FUZZ_ASSERT(!m && err.code && err.msg[0]);
		return 0;
	}
	FUZZ_ASSERT(m->type == type);
	check(m);
	/* The document alone says the same. */
	FUZZ_ASSERT(sut_tuf_meta_load(m->doc, type, "x", &again, &err) == 0);
	FUZZ_ASSERT(again->canonical.len == m->canonical.len &&
		    !memcmp(again->canonical.data, m->canonical.data, m->canonical.len));
	sut_tuf_meta_free(m);
	sut_tuf_meta_free(again);
	return 0;
}
