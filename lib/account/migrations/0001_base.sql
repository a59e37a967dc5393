-- SPDX-License-Identifier: Apache-2.0
-- Tenants, and what belongs to every call: counters, idempotency, audit, events.
CREATE TABLE meta (
	name TEXT PRIMARY KEY,
	value BIGINT NOT NULL
);
INSERT INTO meta (name, value) VALUES ('generation', 1);

CREATE TABLE tenants (
	id @ID@,
	name TEXT NOT NULL UNIQUE,
	title TEXT NOT NULL DEFAULT '',
	created BIGINT NOT NULL,
	disabled BIGINT,
	version BIGINT NOT NULL DEFAULT 1
);

-- Answers to repeat. The body is encrypted by what only the caller has.
CREATE TABLE idempotency (
	scope TEXT NOT NULL,
	key_hash @BLOB@ NOT NULL,
	request_hash @BLOB@ NOT NULL,
	status INTEGER NOT NULL,
	answer @BLOB@ NOT NULL,
	created BIGINT NOT NULL,
	PRIMARY KEY (scope, key_hash)
);
CREATE INDEX idempotency_created ON idempotency (created);

CREATE TABLE audit (
	id @ID@,
	tenant BIGINT NOT NULL, -- 0: of the portal as a whole
	at BIGINT NOT NULL,
	actor_kind TEXT NOT NULL, -- user, system, portal
	actor TEXT NOT NULL,
	action TEXT NOT NULL,
	object_kind TEXT NOT NULL,
	object TEXT NOT NULL,
	detail TEXT NOT NULL,
	address TEXT NOT NULL,
	request_id TEXT NOT NULL
);
CREATE INDEX audit_tenant ON audit (tenant, id);

-- What happened, for webhooks. Kept for some days.
CREATE TABLE events (
	id @ID@,
	tenant BIGINT NOT NULL, -- 0: for all
	at BIGINT NOT NULL,
	type TEXT NOT NULL,
	data TEXT NOT NULL
);
CREATE INDEX events_tenant ON events (tenant, id);
