-- SPDX-License-Identifier: Apache-2.0
-- The portal, what it told of the fleet, and the hosts that scans know.

-- One for each tenant.
CREATE TABLE portals (
	id @ID@,
	tenant BIGINT NOT NULL UNIQUE REFERENCES tenants (id),
	url TEXT NOT NULL,
	token @BLOB@ NOT NULL, -- sealed (seal.h)
	ca TEXT NOT NULL DEFAULT '', -- PEM; '': the authorities of the system
	state TEXT NOT NULL DEFAULT 'ok', -- ok, away, refused
	since BIGINT NOT NULL, -- of the state
	error TEXT NOT NULL DEFAULT '',
	last_ok BIGINT NOT NULL DEFAULT 0,
	tried BIGINT NOT NULL DEFAULT 0, -- begin of the last turn
	retry_at BIGINT NOT NULL DEFAULT 0, -- not before, says the portal or the pause after errors
	failures INTEGER NOT NULL DEFAULT 0, -- in a row
	wanted BIGINT NOT NULL DEFAULT 0, -- somebody asked for a turn at this time; 0: nobody
	whole_at BIGINT NOT NULL DEFAULT 0, -- all systems were looked at; others only look at those that called
	systems_at BIGINT NOT NULL DEFAULT 0,
	coverage_etag TEXT NOT NULL DEFAULT '',
	coverage @BLOB@, -- the document, zstd
	coverage_at BIGINT NOT NULL DEFAULT 0,
	targets INTEGER NOT NULL DEFAULT 0, -- in it
	changed BIGINT NOT NULL DEFAULT 1, -- counted up with the settings: an answer of the one before is dropped
	version BIGINT NOT NULL DEFAULT 1
);

-- Registration keys that were made here. Their names are the portal's.
CREATE TABLE keys (
	id @ID@,
	uid TEXT NOT NULL,
	tenant BIGINT NOT NULL REFERENCES tenants (id),
	kind TEXT NOT NULL, -- random, customer
	note TEXT NOT NULL DEFAULT '',
	customer_id TEXT,
	feed TEXT NOT NULL DEFAULT '',
	products TEXT NOT NULL DEFAULT '[]', -- JSON list
	max_systems INTEGER, -- NULL: no limit
	limit_kind TEXT NOT NULL DEFAULT 'hard', -- hard, advisory
	systems INTEGER NOT NULL DEFAULT 0, -- as the portal told it last
	server_url TEXT NOT NULL DEFAULT '', -- what servers call the portal; '': as the console does
	hint TEXT NOT NULL DEFAULT '',
	secret @BLOB@, -- sealed; NULL: a customer's ID is none
	expires BIGINT,
	created BIGINT NOT NULL,
	created_by TEXT NOT NULL,
	revoked BIGINT,
	version BIGINT NOT NULL DEFAULT 1,
	UNIQUE (tenant, uid)
);

CREATE TABLE hosts (
	id @ID@,
	uid TEXT NOT NULL UNIQUE,
	tenant BIGINT NOT NULL REFERENCES tenants (id),
	system_id TEXT, -- of the portal; NULL: only scans know it
	external_id TEXT,
	machine_id TEXT NOT NULL DEFAULT '', -- as agents make it (match.h)
	hostname TEXT NOT NULL DEFAULT '',
	fqdn TEXT NOT NULL DEFAULT '',
	addresses TEXT NOT NULL DEFAULT '[]', -- JSON list
	os TEXT NOT NULL DEFAULT '',
	arch TEXT NOT NULL DEFAULT '',
	kernel_release TEXT NOT NULL DEFAULT '',
	build_id TEXT NOT NULL DEFAULT '',
	kernel_id TEXT NOT NULL DEFAULT '',
	package_version TEXT NOT NULL DEFAULT '', -- of the running kernel's package, when it is known
	level INTEGER NOT NULL DEFAULT 0,
	patchset TEXT NOT NULL DEFAULT '',
	feed TEXT NOT NULL DEFAULT '',
	state TEXT NOT NULL DEFAULT '', -- of check-ins; '': not registered
	silent INTEGER NOT NULL DEFAULT 0,
	errors INTEGER NOT NULL DEFAULT 0,
	agent TEXT NOT NULL DEFAULT '',
	boot_id TEXT NOT NULL DEFAULT '',
	registered BIGINT,
	last_seen BIGINT, -- check-in
	gone BIGINT, -- the portal has forgotten it at this time; NULL: it knows it, or never did
	portal TEXT NOT NULL DEFAULT '{}', -- JSON: the system as the portal tells it
	portal_hash @BLOB@, -- of what its list tells, without what changes by itself
	libraries TEXT NOT NULL DEFAULT '[]', -- JSON list of check-ins
	job_key TEXT NOT NULL DEFAULT '', -- base64 of 42 bytes; what its agent signs with
	tags TEXT NOT NULL DEFAULT '{}', -- JSON
	packages @BLOB@, -- the list of its agent, zstd
	packages_hash TEXT NOT NULL DEFAULT '',
	packages_at BIGINT, -- the agent confirmed it
	findset BIGINT, -- find_sets.id; NULL: not scanned
	scan BIGINT, -- scans.id
	scanned_at BIGINT,
	scanner TEXT NOT NULL DEFAULT '',
	matched_by TEXT NOT NULL DEFAULT '', -- how scan and system came together: a word of match.h
	created BIGINT NOT NULL,
	updated BIGINT NOT NULL,
	version BIGINT NOT NULL DEFAULT 1,
	UNIQUE (tenant, system_id)
);
CREATE INDEX hosts_tenant ON hosts (tenant, id);
CREATE INDEX hosts_name ON hosts (tenant, hostname, id);
CREATE INDEX hosts_external ON hosts (tenant, external_id) WHERE external_id IS NOT NULL;
CREATE INDEX hosts_build ON hosts (tenant, build_id);
CREATE INDEX hosts_findset ON hosts (findset) WHERE findset IS NOT NULL;
CREATE INDEX hosts_scan ON hosts (scan) WHERE scan IS NOT NULL;
-- What an agent that calls is found by.
CREATE INDEX hosts_system ON hosts (system_id) WHERE system_id IS NOT NULL;

-- What hosts are found by. A value may lead to several: then it decides nothing.
CREATE TABLE host_names (
	tenant BIGINT NOT NULL,
	kind TEXT NOT NULL, -- machine, fqdn, host, mac, ip
	value TEXT NOT NULL,
	host BIGINT NOT NULL REFERENCES hosts (id) ON DELETE CASCADE,
	origin TEXT NOT NULL, -- portal, scan
	PRIMARY KEY (tenant, kind, value, host, origin)
);
CREATE INDEX host_names_host ON host_names (host);

-- The timeline.
CREATE TABLE host_events (
	id @ID@,
	tenant BIGINT NOT NULL,
	host BIGINT NOT NULL REFERENCES hosts (id) ON DELETE CASCADE,
	at BIGINT NOT NULL,
	kind TEXT NOT NULL, -- registered, level, state, boot, scan, job, silent, back, linked, gone
	text TEXT NOT NULL,
	data TEXT NOT NULL DEFAULT '{}' -- JSON
);
CREATE INDEX host_events_host ON host_events (host, id);

CREATE TABLE enrolments (
	id @ID@,
	uid TEXT NOT NULL UNIQUE,
	tenant BIGINT NOT NULL REFERENCES tenants (id),
	key_uid TEXT NOT NULL,
	external_id TEXT NOT NULL,
	hostname TEXT NOT NULL DEFAULT '',
	system_id TEXT, -- NULL: its agent has not registered yet
	state TEXT NOT NULL, -- waiting, registered, active
	created BIGINT NOT NULL,
	created_by TEXT NOT NULL,
	seen BIGINT, -- first check-in
	UNIQUE (tenant, external_id)
);
CREATE INDEX enrolments_tenant ON enrolments (tenant, id);
CREATE INDEX enrolments_open ON enrolments (tenant, state) WHERE state <> 'active';
