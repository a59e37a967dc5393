/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A TUF repository in memory that can be wrong in every way: documents are edited as JSON, then
 * published, that is versioned, signed and put where server.h finds them.
 *
 * It shares no code with lib/tuf or lib/crypto: canonical JSON, key ids, hashes and signatures
 * are made here again, so that a mistake there is not repeated here. Names follow the
 * specification: root, timestamp, snapshot, targets, and any delegated role.
 *
 * Nothing is freed and no error is returned: a test is a process that ends soon, and an
 * impossible request ends it at once.
 */
#ifndef SUTURE_TESTS_TUF_SIM_H
#define SUTURE_TESTS_TUF_SIM_H

#include <jansson.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum sim_key_type { SIM_ECDSA, SIM_ED25519, SIM_RSA };

struct sim_key {
	EVP_PKEY *pkey;
	json_t *json; /* {"keytype", "scheme", "keyval"}; edit it, then sim_key_rename() */
	char id[65];
};

/* What a URL answers with. */
struct sim_file {
	int64_t version; /* of the URL; the document may say something else */
	uint8_t *data;
	size_t len;
};

struct sim_artifact {
	char *path;
	uint8_t *data;
	size_t len;
};

enum { SIM_SIGNERS_MAX = 64, SIM_ROLES_MAX = 80, SIM_ARTIFACTS_MAX = 64 };

struct sim_role {
	char *name;
	json_t *doc; /* the "signed" part of the next version */
	struct sim_key *signers[SIM_SIGNERS_MAX];
	size_t nsigners;
	struct sim_file *files; /* every version published, in order */
	size_t nfiles;
	bool exact_version; /* the next one is published with the version it has */
};

struct sim {
	struct sim_role roles[SIM_ROLES_MAX];
	size_t nroles;
	struct sim_artifact artifacts[SIM_ARTIFACTS_MAX];
	size_t nartifacts;
	int64_t now;	/* seconds; where days are counted from */
	bool hashes;	/* put length and hash of files into timestamp and snapshot */
	bool no_prefix; /* artifacts are served without HASH. even with consistent snapshots */
};

/* Of the keys that are made on the way: SIM_ECDSA, as the public suite's simulator has it. */
extern enum sim_key_type sim_usual_key;

/* Version 1 of the four top-level roles, one key each, consistent snapshots, all good for
 * 30 days from now (0: the real time). */
struct sim *sim_new(int64_t now);

/* --- keys --- */
struct sim_key *sim_key_new(enum sim_key_type type);
/* The same pair under another name: an own copy of the JSON and an id of its own. */
struct sim_key *sim_key_alias(const struct sim_key *k, const char *field, json_t *value);
/* Computes the id again, after json was edited. */
void sim_key_rename(struct sim_key *k);

/* In what follows delegator is "root" for top-level roles. */

/* Puts the key among the keys of the delegator, and its id among those of the role. */
void sim_trust(struct sim *s, const char *delegator, const char *role, struct sim_key *k);
/* The role's next versions are also signed with it. */
void sim_sign_with(struct sim *s, const char *role, struct sim_key *k);
/* Both, with a fresh ECDSA key. */
struct sim_key *sim_add_key(struct sim *s, const char *delegator, const char *role);
/* No key of the role is trusted, or signs, any more. */
void sim_clear_keys(struct sim *s, const char *delegator, const char *role);
void sim_clear_signers(struct sim *s, const char *role);
/* The last one signs no more. */
void sim_drop_signer(struct sim *s, const char *role);
void sim_threshold(struct sim *s, const char *delegator, const char *role, json_int_t n);
/* As many new keys as the threshold says, instead of all old ones. */
void sim_rotate(struct sim *s, const char *role);
/* The object {"keyids", "threshold"}; borrowed. */
json_t *sim_role_json(struct sim *s, const char *delegator, const char *role);
struct sim_key *sim_signer(struct sim *s, const char *role, size_t i);

/* --- documents --- */
struct sim_role *sim_role(struct sim *s, const char *role);
json_t *sim_doc(struct sim *s, const char *role);		   /* "signed"; borrowed */
json_t *sim_meta(struct sim *s, const char *in, const char *role); /* entry of "meta"; borrowed */
void sim_set(struct sim *s, const char *role, const char *field, json_t *value);
void sim_expires(struct sim *s, const char *role, double days);
/* The next version is exactly this one, published under its own number. */
void sim_version(struct sim *s, const char *role, json_int_t version);

enum { SIM_TERMINATING = 1, SIM_PREFIXES = 2 };
/* Adds a delegation behind the others, with a fresh key that the role signs with from now on; and
 * the role itself, when there is none. paths: separated by spaces; NULL: neither paths nor prefixes. */
void sim_delegate(struct sim *s, const char *delegator, const char *role, const char *paths,
		  int flags);

/* Adds an entry with the length and the named hashes (separated by spaces), and the artifact. */
void sim_target(struct sim *s, const char *role, const char *path, const char *text);
void sim_target_hashes(struct sim *s, const char *role, const char *path, const char *text,
		       const char *hashes);
/* What is served under the path, whatever the metadata says. */
void sim_artifact(struct sim *s, const char *path, const void *data, size_t len);

/* --- publishing --- */
/* Each role named, in this order: one version more than the one before, unless sim_version() or
 * this is its first; signed; entered in snapshot, or timestamp. */
void sim_publish(struct sim *s, const char *roles);
/* Signs again what the role has now and serves it under its last number: no new version. */
void sim_republish(struct sim *s, const char *role);
/* targets, snapshot, timestamp and the delegated roles named before. */
void sim_release(struct sim *s, const char *delegated);

const struct sim_file *sim_last(struct sim *s, const char *role);
const struct sim_file *sim_nth(struct sim *s, const char *role, size_t i); /* from 0 */
/* A copy that stays when the file is replaced. */
struct sim_file sim_keep(const struct sim_file *f);
/* Serves these bytes for the last version of the role, or under a version of its own. */
void sim_replace(struct sim *s, const char *role, const void *data, size_t len);
void sim_serve(struct sim *s, const char *role, int64_t version, const void *data, size_t len);
/* The last file as it is served, to be edited, and back; signatures stay what they were. */
json_t *sim_parse_last(struct sim *s, const char *role);
void sim_replace_json(struct sim *s, const char *role, json_t *whole);
/* Replaces a text that is there exactly once in the last file. */
void sim_replace_text(struct sim *s, const char *role, const char *from, const char *to);
void sim_unpublish(struct sim *s, const char *role);
void sim_unpublish_last(struct sim *s, const char *role);

/* The last file with its entry in snapshot or timestamp corrected: for edits after signing. */
void sim_enter(struct sim *s, const char *role);

/* --- tools --- */
char *sim_canonical(const json_t *j, size_t *ret_len);
/* A file for this "signed", with a signature of each key. */
void *sim_envelope(const json_t *doc, struct sim_key *const *keys, size_t nkeys, size_t *ret_len);
char *sim_signature(const struct sim_key *k, const json_t *doc);
char *sim_hash(const char *name, const void *data, size_t len);
char *sim_time(int64_t t);
char *sim_quote(const char *name);
__attribute__((format(printf, 1, 2))) char *sim_str(const char *fmt, ...);

/* NULL when there is no such file (404). path: behind "/metadata/" or "/targets/". */
const struct sim_file *sim_find_metadata(struct sim *s, const char *path);
const struct sim_artifact *sim_find_artifact(struct sim *s, const char *path);

/* Ends the test: for what cannot happen in a right test program. */
__attribute__((noreturn, format(printf, 1, 2))) void sim_die(const char *fmt, ...);

#endif
