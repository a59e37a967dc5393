-- SPDX-License-Identifier: Apache-2.0
-- Registration keys and the systems that came by them.
CREATE TABLE keys (
	id @ID@,
	uid TEXT NOT NULL UNIQUE,
	tenant BIGINT NOT NULL REFERENCES tenants (id),
	kind TEXT NOT NULL, -- random, customer
	hash @BLOB@ UNIQUE, -- of a random key
	hint TEXT NOT NULL DEFAULT '',
	customer_id TEXT,
	note TEXT NOT NULL DEFAULT '',
	max_systems INTEGER, -- NULL: no limit
	limit_kind TEXT NOT NULL DEFAULT 'hard', -- hard, advisory
	expires BIGINT,
	networks TEXT NOT NULL DEFAULT '[]', -- JSON list; empty: from everywhere
	products TEXT NOT NULL DEFAULT '["kernel","library"]',
	tags TEXT NOT NULL DEFAULT '{}', -- put onto new systems
	feed BIGINT NOT NULL REFERENCES feeds (id),
	delay_hours INTEGER, -- NULL: that of the feed
	pin TEXT, -- as in feeds, also "level:3"
	systems INTEGER NOT NULL DEFAULT 0, -- how many there are
	created BIGINT NOT NULL,
	created_by TEXT NOT NULL,
	revoked BIGINT,
	version BIGINT NOT NULL DEFAULT 1,
	UNIQUE (tenant, customer_id)
);
CREATE INDEX keys_tenant ON keys (tenant, id);
CREATE INDEX keys_customer ON keys (customer_id);

CREATE TABLE systems (
	id @ID@,
	uid TEXT NOT NULL UNIQUE, -- the System ID
	tenant BIGINT NOT NULL REFERENCES tenants (id),
	key_id BIGINT NOT NULL REFERENCES keys (id),
	external_id TEXT, -- the partner platform's own name for it
	-- who it is
	machine_id TEXT NOT NULL,
	product_uuid TEXT NOT NULL DEFAULT '',
	instance INTEGER NOT NULL DEFAULT 0, -- tells clones apart that are equal in both
	hostname TEXT NOT NULL,
	address TEXT NOT NULL DEFAULT '', -- where it called from last
	-- how it proves it
	credential @BLOB@ NOT NULL UNIQUE,
	credential_next @BLOB@ UNIQUE, -- of another enrolment; takes the place of the first when it is used
	credential_next_at BIGINT,
	serial BIGINT NOT NULL DEFAULT 1, -- what the next check-in brings
	nonces TEXT NOT NULL DEFAULT '', -- of the last check-ins, newest first
	displaced TEXT NOT NULL DEFAULT '', -- "SERIAL@TIME" of lines that others took over, newest first
	conflict_at BIGINT, -- last time two seemed to use one identity
	told_at BIGINT, -- last time one was told that it is a clone
	clone_of BIGINT,
	-- what it reported
	state TEXT NOT NULL DEFAULT 'new',
	arch TEXT NOT NULL DEFAULT '',
	release TEXT NOT NULL DEFAULT '',
	build_id TEXT NOT NULL DEFAULT '',
	kernel_id TEXT NOT NULL DEFAULT '',
	level INTEGER NOT NULL DEFAULT 0,
	patchset TEXT NOT NULL DEFAULT '',
	agent TEXT NOT NULL DEFAULT '',
	boot_id TEXT NOT NULL DEFAULT '',
	booted BIGINT,
	last_pause_ns BIGINT,
	errors INTEGER NOT NULL DEFAULT 0, -- how many are in the report
	report_hash @BLOB@, -- of what is reported each time, to tell whether anything changed
	facts_hash @BLOB@, -- and of the facts, which come when they changed
	chatter INTEGER NOT NULL DEFAULT 0, -- changes of late, so that nobody fills the history
	-- what is wanted of it
	feed BIGINT REFERENCES feeds (id), -- NULL: the key's
	delay_hours INTEGER, -- NULL: the key's, then the feed's
	pin TEXT, -- NULL: the key's, then the feed's
	hold INTEGER NOT NULL DEFAULT 0,
	hold_reason TEXT NOT NULL DEFAULT '',
	hold_until BIGINT,
	--
	registered BIGINT NOT NULL,
	checkin BIGINT, -- last heartbeat
	updated BIGINT NOT NULL, -- last change of what it reported
	version BIGINT NOT NULL DEFAULT 1,
	UNIQUE (tenant, machine_id, product_uuid, instance),
	UNIQUE (tenant, external_id)
);
CREATE INDEX systems_tenant ON systems (tenant, id);
CREATE INDEX systems_key ON systems (key_id);
CREATE INDEX systems_hostname ON systems (tenant, hostname);
CREATE INDEX systems_build ON systems (tenant, build_id);
CREATE INDEX systems_conflict ON systems (tenant, conflict_at) WHERE conflict_at IS NOT NULL;
-- only pgsql
-- A heartbeat changes no indexed column: with room in the page no index is written.
ALTER TABLE systems SET (fillfactor = 70);
-- end

-- What is long and seldom changes, so that heartbeats rewrite short rows.
CREATE TABLE system_details (
-- only sqlite
	system INTEGER PRIMARY KEY REFERENCES systems (id) ON DELETE CASCADE,
-- end
-- only pgsql
	system BIGINT PRIMARY KEY REFERENCES systems (id) ON DELETE CASCADE,
-- end
	facts TEXT NOT NULL, -- JSON: fqdn, addresses, distribution, virtualisation, …
	report TEXT NOT NULL -- JSON: the last report, without what changes by itself
);

CREATE TABLE system_tags (
	system BIGINT NOT NULL REFERENCES systems (id) ON DELETE CASCADE,
	name TEXT NOT NULL,
	value TEXT NOT NULL DEFAULT '',
	PRIMARY KEY (system, name)
);
CREATE INDEX system_tags_name ON system_tags (name, value);

-- The history of a system: state changes, not heartbeats.
CREATE TABLE system_events (
	id @ID@,
	system BIGINT NOT NULL REFERENCES systems (id) ON DELETE CASCADE,
	at BIGINT NOT NULL,
	type TEXT NOT NULL,
	data TEXT NOT NULL
);
CREATE INDEX system_events_system ON system_events (system, id);

-- Credentials that were good once, so that their holder is told what happened.
CREATE TABLE retired_credentials (
	hash @BLOB@ PRIMARY KEY,
	at BIGINT NOT NULL,
	reason TEXT NOT NULL -- unregistered, deleted, replaced, cloned
);
