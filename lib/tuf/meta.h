/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One metadata file of The Update Framework (specification 1.0.34, chapter 4),
 * parsed and typed, and what can be said of it without any other file.
 *
 * Nothing in a struct sut_tuf_meta is trusted before its signatures were counted with
 * sut_tuf_verify() and the rules of trusted.h were kept.
 */
#ifndef SUTURE_TUF_META_H
#define SUTURE_TUF_META_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "crypto/digest.h"
#include "crypto/key.h"

/* Caps on what is fetched, in bytes, and on what is walked. */
enum {
	SUT_TUF_ROOT_MAX = 512000,
	SUT_TUF_TIMESTAMP_MAX = 16384,
	SUT_TUF_SNAPSHOT_MAX = 2000000,
	SUT_TUF_TARGETS_MAX = 5000000,
	SUT_TUF_ROTATIONS_MAX = 256,  /* root files in one update */
	SUT_TUF_DELEGATIONS_MAX = 32, /* roles visited for one target */
	SUT_TUF_KEYS_MAX = 1024,      /* of one file */
	SUT_TUF_ROLE_KEYS_MAX = 64,   /* of one role: what verifying a file may cost */
	SUT_TUF_SIGS_MAX = 1024,
	SUT_TUF_ROLES_MAX = 16384, /* delegations of one file (hash bins) */
	SUT_TUF_NAME_MAX = 255,	   /* bytes of a role's name */
	SUT_TUF_PATH_MAX = 1024,   /* bytes of a target's path */
};

enum sut_tuf_type { SUT_TUF_ROOT = 1, SUT_TUF_TIMESTAMP, SUT_TUF_SNAPSHOT, SUT_TUF_TARGETS };

struct sut_tuf_key {
	const char *id;		/* any text: it need not be what sut_tuf_keyid() makes of the key */
	struct sut_pubkey *pub; /* NULL: of a type or scheme we do not know; it never counts */
};

/* Strings in all structures point into the document of the sut_tuf_meta. */
struct sut_tuf_role {
	const char **keyids; /* each once */
	size_t nkeyids;
	uint32_t threshold; /* at least 1 */
};

struct sut_tuf_keys {
	struct sut_tuf_key *v; /* each id once */
	size_t n;
};

struct sut_tuf_delegation {
	const char *name;
	struct sut_tuf_role role;
	const char **paths; /* patterns; either these … */
	size_t npaths;
	const char **prefixes; /* … or beginnings of the SHA-256 of the path in hexadecimal */
	size_t nprefixes;
	bool terminating;
};

/* A hash or "" for each algorithm, in lower-case hexadecimal. */
struct sut_tuf_hashes {
	const char *sha256, *sha512;
};

/* An entry of "meta" in timestamp or snapshot. */
struct sut_tuf_ref {
	const char *name; /* as written, "snapshot.json" */
	int64_t version;
	int64_t length; /* bytes; -1: not said */
	struct sut_tuf_hashes hashes;
	bool has_hashes; /* the object is there, perhaps with unknown algorithms only */
};

struct sut_tuf_target {
	const char *path;
	int64_t length;
	struct sut_tuf_hashes hashes; /* at least one, known */
	const json_t *custom;	      /* an object or NULL */
};

struct sut_tuf_meta {
	json_t *doc; /* the whole file: "signatures" and "signed" */
	enum sut_tuf_type type;
	int64_t version;	  /* 1 or more */
	int64_t expires;	  /* seconds since the epoch, UTC */
	struct sut_buf canonical; /* of "signed": what signatures are over */

	/* root */
	bool consistent_snapshot;
	struct sut_tuf_keys keys;     /* also of "delegations" */
	struct sut_tuf_role roles[5]; /* by enum sut_tuf_type; [0] unused */

	/* timestamp (exactly one: "snapshot.json"), snapshot (in the order of their names) */
	struct sut_tuf_ref *refs;
	size_t nrefs;

	/* targets; entries are looked up, not listed */
	struct sut_tuf_delegation *delegations; /* in order */
	size_t ndelegations;
};

/*
 * Parses a file and checks its form: "_type" is type, "spec_version" begins with "1.", version,
 * expiry, and every field of chapter 4. Unknown fields are kept for the signature and ignored.
 * Refused: thresholds below 1, duplicate keyids in "signatures" and in roles, paths and hash
 * prefixes together, unknown types of values. -EBADMSG; what names the file in messages.
 */
int sut_tuf_meta_parse(const void *data, size_t len, enum sut_tuf_type type, const char *what,
		       struct sut_tuf_meta **ret, struct sut_err *err) _must_check_;

/* The same from a document, for those who write metadata. It holds a reference of its own (the
 * caller's stays the caller's), and the document must not be changed while it lives. */
int sut_tuf_meta_load(json_t *doc, enum sut_tuf_type type, const char *what,
		      struct sut_tuf_meta **ret, struct sut_err *err) _must_check_;
void sut_tuf_meta_free(struct sut_tuf_meta *m);
void sut_tuf_meta_freep(struct sut_tuf_meta **m);

/*
 * 0 when at least role->threshold different keys (different by id and by key) of the role signed m.
 * Bad signatures and those of others do not count and do no harm. -EKEYREJECTED (reason
 * "signatures") with the numbers; -ENOMEM or -EIO when they could not be checked. *ret_good (may be NULL) gets the number of good keys unless that was so.
 */
int sut_tuf_verify(const struct sut_tuf_meta *m, const struct sut_tuf_keys *keys,
		   const struct sut_tuf_role *role, const char *what, size_t *ret_good,
		   struct sut_err *err) _must_check_;

/* NULL when it is not there. */
const struct sut_tuf_ref *sut_tuf_ref(const struct sut_tuf_meta *m, const char *name);

/* The entry of a targets file. -ENOENT, -EBADMSG when the entry is malformed or has no hash that we know. */
int sut_tuf_meta_target(const struct sut_tuf_meta *targets, const char *path,
			struct sut_tuf_target *ret, struct sut_err *err) _must_check_;

/* Length (when it is said) and every known hash of data. -EBADMSG (reason "hash", "length"). */
int sut_tuf_ref_check(const struct sut_tuf_ref *ref, const void *data, size_t len,
		      struct sut_err *err) _must_check_;

/* Does the delegation speak for this target path? Patterns: '*' and '?' do not match '/'. */
bool sut_tuf_delegates(const struct sut_tuf_delegation *d, const char *path);

/* "root", "timestamp", "snapshot", "targets". */
const char *sut_tuf_type_name(enum sut_tuf_type type);

/* SHA-256 of the canonical form of a key object, as 64 digits: what a new key is called. */
int sut_tuf_keyid(const json_t *key, char ret[static SUT_DIGEST_HEX_MAX],
		  struct sut_err *err) _must_check_;

/* The key object {"keytype", "scheme", "keyval": {"public"}} of a public key. */
int sut_tuf_key_json(const struct sut_pubkey *k, json_t **ret, struct sut_err *err) _must_check_;

/* "2026-11-21T20:15:00Z" and back; only this form (section 4.2.1). */
int sut_tuf_time_parse(const char *s, int64_t *ret) _must_check_;
void sut_tuf_time_format(int64_t t, char ret[static 32]);

#endif
