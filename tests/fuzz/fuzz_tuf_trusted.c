// SPDX-License-Identifier: Apache-2.0
/*
 * tuf/trusted.h: a valid root, and then steps that NUL bytes separate. A step is a letter (r: root, R: root_done,
 * t, T: timestamp, s, S: snapshot, capitals: stored; f: targets, a, b: delegated roles of these names),
 * '+' or '-', and text. After '+' it is a "signed" part, which is signed with all the keys there are,
 * and k1, k2 and k3 among its "keys" are these; after '-' it is a file, and must never be trusted.
 */
#include <string.h>

#include "base/str.h"
#include "fuzz.h"
#include "sample_tuf.h"
#include "tuf/json.h"
#include "tuf/trusted.h"

enum { STEPS_MAX = 12, NKEYS = 3 };

static struct sample_tuf_key *keys[NKEYS];
static struct sut_buf root;

static const char first_root[] =
	"{\"_type\": \"root\", \"spec_version\": \"1.0\", \"version\": 1, \"keys\": {}, "
	"\"expires\": \"2027-01-01T00:00:00Z\", \"roles\": {"
	"\"root\": {\"keyids\": [\"k1\", \"k2\"], \"threshold\": 2}, "
	"\"timestamp\": {\"keyids\": [\"k2\"], \"threshold\": 1}, "
	"\"snapshot\": {\"keyids\": [\"k3\"], \"threshold\": 1}, "
	"\"targets\": {\"keyids\": [\"k1\", \"k2\", \"k3\"], \"threshold\": 2}}}";

/* Text that is a "signed" part becomes a file; anything else leaves *out empty. */
static void sign(const uint8_t *text, size_t len, struct sut_buf *out)
{
	_cleanup_json_ json_t *j = NULL, *doc = NULL;
	json_t *holder;

	if (sut_json_parse(text, len, "x", &j, NULL) < 0)
		return;
	holder = json_object_get(j, "delegations");
	holder = json_object_get(holder ? holder : j, "keys");
	for (size_t i = 0; json_is_object(holder) && i < NKEYS; i++)
		if (json_object_set(holder, keys[i]->id, keys[i]->json) < 0)
			abort();
	doc = sample_tuf_sign(j, (const struct sample_tuf_key *const *)keys, NKEYS);
	sample_tuf_bytes(doc, out);
}

static void begin(void)
{
	if (keys[0])
		return;
	for (int i = 0; i < NKEYS; i++) {
		keys[i] = sample_tuf_key(SUT_KEY_ED25519);
		snprintf(keys[i]->id, sizeof(keys[i]->id), "k%d", i + 1);
	}
	sign((const uint8_t *)first_root, sizeof(first_root) - 1, &root);
}

/* What is trusted, to see that a failure changes nothing. */
struct state {
	const struct sut_tuf_meta *top[5], *a, *b;
	bool rotated;
};

static struct state state_of(const struct sut_tuf_trusted *t)
{
	struct state s = {0};

	for (enum sut_tuf_type i = SUT_TUF_ROOT; i <= SUT_TUF_TARGETS; i++)
		s.top[i] = sut_tuf_trusted_get(t, i);
	s.a = sut_tuf_trusted_role(t, "a", "targets");
	s.b = sut_tuf_trusted_role(t, "b", "a");
	s.rotated = sut_tuf_trusted_rotated(t);
	return s;
}

static void check_targets(const struct sut_tuf_trusted *t, const struct sut_tuf_meta *m,
			  const char *file)
{
	const struct sut_tuf_meta *snapshot = sut_tuf_trusted_get(t, SUT_TUF_SNAPSHOT);
	const struct sut_tuf_ref *ref = snapshot ? sut_tuf_ref(snapshot, file) : NULL;

	FUZZ_ASSERT(m && ref && m->version == ref->version && m->expires > SAMPLE_TUF_NOW);
}

static int step(struct sut_tuf_trusted *t, char what, const uint8_t *data, size_t len)
{
	const struct sut_tuf_meta *old, *new;
	struct sut_err err = {0};
	int64_t version;
	int r;

	switch (what) {
	case 'r':
		version = sut_tuf_trusted_get(t, SUT_TUF_ROOT)->version;
		r = sut_tuf_trusted_root(t, data, len, &err);
		if (r == 0)
			FUZZ_ASSERT(sut_tuf_trusted_get(t, SUT_TUF_ROOT)->version == version + 1);
		break;
	case 't':
	case 'T': {
		int64_t snapshot;

		old = sut_tuf_trusted_get(t, SUT_TUF_TIMESTAMP);
		version = old ? old->version : 0;
		snapshot = old ? old->refs[0].version : 0;
		r = sut_tuf_trusted_timestamp(t, data, len, what == 'T', &err);
		new = sut_tuf_trusted_get(t, SUT_TUF_TIMESTAMP);
		FUZZ_ASSERT(r != 1 || (old && new == old));
		if (r == 0)
			FUZZ_ASSERT(new->version > version &&new->refs[0].version >= snapshot &&
				    (what == 'T' || new->expires > SAMPLE_TUF_NOW));
		break;
	}
	case 's':
	case 'S':
		r = sut_tuf_trusted_snapshot(t, data, len, what == 'S', &err);
		old = sut_tuf_trusted_get(t, SUT_TUF_TIMESTAMP);
		new = sut_tuf_trusted_get(t, SUT_TUF_SNAPSHOT);
		FUZZ_ASSERT(r != 1 || (what == 'S' && !new));
		if (r == 0)
			FUZZ_ASSERT(new->version == old->refs[0].version &&
				    old->expires > SAMPLE_TUF_NOW &&new->expires > SAMPLE_TUF_NOW);
		break;
	case 'f':
		r = sut_tuf_trusted_targets(t, "targets", "root", data, len, &err);
		if (r == 0)
			check_targets(t, sut_tuf_trusted_get(t, SUT_TUF_TARGETS), "targets.json");
		break;
	case 'a':
		r = sut_tuf_trusted_targets(t, "a", "targets", data, len, &err);
		if (r == 0)
			check_targets(t, sut_tuf_trusted_role(t, "a", "targets"), "a.json");
		break;
	default:
		r = sut_tuf_trusted_targets(t, "b", "a", data, len, &err);
		if (r == 0)
			check_targets(t, sut_tuf_trusted_role(t, "b", "a"), "b.json");
		break;
	}
	FUZZ_ASSERT(r >= 0 || (err.code && err.msg[0]));
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sut_tuf_trusted *t = NULL;
	const uint8_t *end = data + size;
	struct sut_err err = {0};

	begin();
	FUZZ_ASSERT(sut_tuf_trusted_new(root.data, root.len, SAMPLE_TUF_NOW, &t, &err) == 0);
	for (int i = 0; i < STEPS_MAX && data < end; i++) {
		const uint8_t *nul = memchr(data, 0, (size_t)(end - data));
		size_t len = (size_t)((nul ? nul : end) - data);
		struct state before = state_of(t), after;
		_cleanup_buf_ struct sut_buf file = SUT_BUF_INIT(0);
		int r;

		if (len >= 1 && data[0] == 'R') {
			r = sut_tuf_trusted_root_done(t, &err);
			if (r == 0)
				FUZZ_ASSERT(before.top[SUT_TUF_ROOT]->expires > SAMPLE_TUF_NOW);
		} else if (len >= 2 && data[1] == '+') {
			sign(data + 2, len - 2, &file);
			r = step(t, (char)data[0], file.data, file.len);
		} else if (len >= 2) {
			r = step(t, (char)data[0], data + 2, len - 2);
			FUZZ_ASSERT(r < 0);
		} else {
			break;
		}
		after = state_of(t);
		if (r < 0)
			FUZZ_ASSERT(!memcmp(before.top, after.top, sizeof(before.top)) &&
				    before.a == after.a && before.b == after.b &&
				    before.rotated == after.rotated);
		data += len + (nul ? 1 : 0);
	}
	sut_tuf_trusted_free(t);
	return 0;
}
