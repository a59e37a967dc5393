/* SPDX-License-Identifier: Apache-2.0 */
/* A registered server: its row, as JSON, its tags and its history. */
#ifndef SUTURE_PORTAL_FLEET_SYSTEM_H
#define SUTURE_PORTAL_FLEET_SYSTEM_H

#include <jansson.h>

#include "auth/token.h"
#include "db/db.h"
#include "fleet/line.h"

enum {
	SYSTEM_SILENT_SEC = 86400, /* without a check-in for so long */
	/* A system whose report changes more often than this for long is heard, but its changes are no
	 * longer written into the history: one that is in the wrong hands would fill the disk. */
	SYSTEM_CHATTER_MAX = 120,
	SYSTEM_CHATTER_SEC = 60, /* one is forgotten after so long */
	SYSTEM_TELL_SEC = 3600,	 /* that it was told to be a clone is written so often at most */
};

/* The texts of the row, in the order of the columns. */
enum system_text {
	SYS_UID,
	SYS_MACHINE_ID,
	SYS_PRODUCT_UUID,
	SYS_HOSTNAME,
	SYS_ADDRESS,
	SYS_EXTERNAL_ID, /* NULL: none */
	SYS_STATE,
	SYS_ARCH,
	SYS_RELEASE,
	SYS_BUILD_ID,
	SYS_KERNEL_ID,
	SYS_PATCHSET,
	SYS_AGENT,
	SYS_BOOT_ID,
	SYS_PIN, /* effective; NULL: that of the feed */
	SYS_OWN_PIN,
	SYS_HOLD_REASON,
	SYS_KEY,
	SYS_FEED,     /* effective */
	SYS_OWN_FEED, /* NULL: the key's */
	SYS_CLONE_OF, /* System ID; NULL */
	SYS_TEXTS,
};

/* A row with what its key gives it. */
struct fleet_system {
	int64_t id, tenant, key_id, version;
	char *text[SYS_TEXTS];
	uint8_t credential[SUT_TOKEN_HASH], credential_next[SUT_TOKEN_HASH];
	bool has_next;
	int64_t next_at;
	struct line line;
	int64_t instance, level, errors, booted;
	int64_t last_pause_ns; /* -1: never */
	uint8_t report_hash[32], facts_hash[32], libraries_hash[32];
	bool has_report, has_facts, has_libraries;
	unsigned int products;		/* of the key: FLEET_KERNEL, FLEET_LIBRARY */
	int64_t feed;			/* row id, effective */
	int64_t delay_hours, own_delay; /* -1: that of the feed; of the key */
	bool hold;
	int64_t hold_until;
	int64_t registered, checkin, updated; /* checkin 0: never */
	int64_t chatter;		      /* changes of late */
	bool key_revoked;
};

/* The columns and joins, for statements that end in a condition on s (systems), k (keys), f (feed). */
#define SYSTEM_SELECT                                                                                   \
	"SELECT s.id, s.tenant, s.key_id, s.version, s.credential, s.credential_next,"                  \
	" s.credential_next_at, s.serial, s.nonces, s.displaced, s.conflict_at, s.told_at,"             \
	" s.instance, s.level, s.errors, s.booted, s.last_pause_ns, s.report_hash, s.facts_hash, f.id," \
	" COALESCE(s.delay_hours, k.delay_hours), s.delay_hours, s.hold, s.hold_until,"                 \
	" s.registered, s.checkin, s.updated, s.chatter, k.revoked, s.libraries_hash, k.products,"      \
	" s.uid, s.machine_id, s.product_uuid, s.hostname, s.address, s.external_id, s.state,"          \
	" s.arch, s.release, s.build_id, s.kernel_id, s.patchset, s.agent, s.boot_id,"                  \
	" COALESCE(s.pin, k.pin), s.pin, s.hold_reason, k.uid, f.name, o.name, c.uid"
#define SYSTEM_FROM                                                                                \
	" FROM systems s JOIN keys k ON k.id = s.key_id AND k.tenant = s.tenant"                   \
	" JOIN feeds f ON f.id = COALESCE(s.feed, k.feed)"                                         \
	" LEFT JOIN feeds o ON o.id = s.feed"                                                      \
	" LEFT JOIN systems c ON c.id = s.clone_of AND c.tenant = s.tenant"

/* Copies the row that such a statement is at. Release it. */
int system_read(struct sut_db_rows *rows, struct fleet_system *ret,
		struct sut_err *err) _must_check_;
void system_release(struct fleet_system *s);
#define _cleanup_system_ _cleanup_(system_release)

/* 1: *ret is it; 0: the tenant has no such system. */
int system_by_uid(struct sut_db *db, int64_t tenant, const char *uid, struct fleet_system *ret,
		  struct sut_err *err) _must_check_;
int system_by_id(struct sut_db *db, int64_t tenant, int64_t id, struct fleet_system *ret,
		 struct sut_err *err) _must_check_;
/* By who it is; with a System ID the one of several equal ones that has it. A system that was enrolled
 * without a product_uuid is found by the machine_id alone. */
int system_by_machine(struct sut_db *db, int64_t tenant, const char *machine_id,
		      const char *product_uuid, struct fleet_system *ret,
		      struct sut_err *err) _must_check_;
/* The lowest instance that is free for an identity. */
int system_instance(struct sut_db *db, int64_t tenant, const char *machine_id,
		    const char *product_uuid, int64_t *ret, struct sut_err *err) _must_check_;

/* As the API shows it; with details: facts and the last report, too. */
int system_json(struct sut_db *db, const struct fleet_system *s, bool details, int64_t now,
		json_t **ret, struct sut_err *err) _must_check_;

/* Replaces all tags by those of an object that check_tags() has seen. */
int system_set_tags(struct sut_db *db, int64_t tenant, int64_t id, const json_t *tags,
		    struct sut_err *err) _must_check_;

/* One entry of its history. data: owned. */
int system_event(struct sut_db *db, int64_t id, int64_t now, const char *type, json_t *data,
		 struct sut_err *err) _must_check_;

/* Forgets it; its credentials are retired with the reason, its key has one system less. */
int system_delete(struct sut_db *db, const struct fleet_system *s, int64_t now, const char *reason,
		  struct sut_err *err) _must_check_;

#endif
