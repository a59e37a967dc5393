-- SPDX-License-Identifier: Apache-2.0
-- Jobs: what systems are to do, what was signed for them, what they signed in return.

-- What signs manifests. A key that was replaced keeps its public half: what it signed can still be checked.
CREATE TABLE job_keys (
	id @ID@,
	tenant BIGINT NOT NULL REFERENCES tenants (id),
	key_id TEXT NOT NULL UNIQUE, -- SHA-256 of the public key, in hexadecimal
	public TEXT NOT NULL, -- a .pub file of minisign
	secret @BLOB@, -- sealed; NULL: it was replaced
	created BIGINT NOT NULL,
	created_by TEXT NOT NULL,
	retired BIGINT
);
CREATE UNIQUE INDEX job_keys_current ON job_keys (tenant) WHERE retired IS NULL;
CREATE INDEX job_keys_tenant ON job_keys (tenant, id);

CREATE TABLE jobs (
	id @ID@,
	uid TEXT NOT NULL UNIQUE,
	tenant BIGINT NOT NULL REFERENCES tenants (id),
	title TEXT NOT NULL,
	action TEXT NOT NULL, -- apply, unload, verify, check, preflight
	dry_run INTEGER NOT NULL,
	spec TEXT NOT NULL, -- as it was asked for: job/spec.h
	state TEXT NOT NULL, -- running, stopped, cancelled, done
	stop_reason TEXT NOT NULL DEFAULT '',
	created BIGINT NOT NULL,
	created_by TEXT NOT NULL,
	begun BIGINT, -- the first manifest
	ended BIGINT, -- nothing of it is open any more
	expires BIGINT NOT NULL,
	batch_size INTEGER NOT NULL, -- 0: all at once
	batch_pause_s INTEGER NOT NULL,
	batch_now INTEGER NOT NULL DEFAULT 0, -- the one that is at work; 0: none was begun
	batches INTEGER NOT NULL,
	next_batch BIGINT, -- not before; NULL: when the one before is over
	max_failed INTEGER, -- more than these stop the job; NULL: none does
	retry_of BIGINT REFERENCES jobs (id),
	-- how many of its systems are in which state (job_systems.state)
	n_queued INTEGER NOT NULL DEFAULT 0,
	n_offered INTEGER NOT NULL DEFAULT 0,
	n_running INTEGER NOT NULL DEFAULT 0,
	n_waiting INTEGER NOT NULL DEFAULT 0,
	n_done INTEGER NOT NULL DEFAULT 0,
	n_failed INTEGER NOT NULL DEFAULT 0,
	n_skipped INTEGER NOT NULL DEFAULT 0,
	n_cancelled INTEGER NOT NULL DEFAULT 0,
	n_expired INTEGER NOT NULL DEFAULT 0,
	version BIGINT NOT NULL DEFAULT 1
);
CREATE INDEX jobs_tenant ON jobs (tenant, id);
CREATE INDEX jobs_open ON jobs (id) WHERE ended IS NULL;

CREATE TABLE manifests (
	id @ID@,
	tenant BIGINT NOT NULL REFERENCES tenants (id),
	job BIGINT NOT NULL REFERENCES jobs (id),
	batch INTEGER NOT NULL,
	name TEXT NOT NULL UNIQUE, -- "id" in it: of no other for ever
	sha256 TEXT NOT NULL UNIQUE, -- of the payload
	key_id TEXT NOT NULL,
	envelope TEXT NOT NULL,
	systems INTEGER NOT NULL,
	created BIGINT NOT NULL,
	expires BIGINT NOT NULL
);
CREATE INDEX manifests_job ON manifests (job, id);
CREATE INDEX manifests_tenant ON manifests (tenant, created);

-- A system of a job. Names are those of the time: the host may be gone later.
CREATE TABLE job_systems (
	id @ID@,
	job BIGINT NOT NULL REFERENCES jobs (id),
	tenant BIGINT NOT NULL,
	host BIGINT NOT NULL, -- hosts.id
	host_uid TEXT NOT NULL,
	hostname TEXT NOT NULL,
	system_id TEXT NOT NULL, -- "": it is not registered
	batch INTEGER NOT NULL, -- 0: skipped
	state TEXT NOT NULL, -- queued, offered, running, waiting, done, failed, skipped, cancelled, expired
	outcome TEXT NOT NULL DEFAULT '', -- of the result
	reason TEXT NOT NULL DEFAULT '', -- a word
	message TEXT NOT NULL DEFAULT '', -- a sentence
	offered_at BIGINT,
	given_at BIGINT, -- the agent fetched it
	finished_at BIGINT,
	before_level INTEGER,
	after_level INTEGER,
	took_ms BIGINT,
	manifest BIGINT REFERENCES manifests (id),
	UNIQUE (job, host)
);
CREATE INDEX job_systems_state ON job_systems (job, state, id);
CREATE INDEX job_systems_batch ON job_systems (job, batch, id);
CREATE INDEX job_systems_manifest ON job_systems (manifest, system_id);
CREATE INDEX job_systems_host ON job_systems (tenant, host, id);
-- What an agent that asks is given.
CREATE INDEX job_systems_open ON job_systems (system_id)
	WHERE state IN ('offered', 'running');
CREATE INDEX job_systems_busy ON job_systems (host)
	WHERE state IN ('queued', 'offered', 'running', 'waiting');

-- The one true result of a system of a job, as it signed it.
CREATE TABLE results (
	id @ID@,
	tenant BIGINT NOT NULL REFERENCES tenants (id),
	job_system BIGINT NOT NULL UNIQUE REFERENCES job_systems (id),
	manifest BIGINT NOT NULL REFERENCES manifests (id),
	system_id TEXT NOT NULL,
	job_key TEXT NOT NULL, -- what it is signed with, as the portal told it
	received BIGINT NOT NULL,
	ended BIGINT NOT NULL, -- by the system's clock
	outcome TEXT NOT NULL,
	envelope TEXT NOT NULL,
	document TEXT NOT NULL
);
CREATE INDEX results_tenant ON results (tenant, received);

-- What signed requests have used up.
CREATE TABLE agent_nonces (
	system_id TEXT NOT NULL,
	nonce TEXT NOT NULL,
	at BIGINT NOT NULL,
	PRIMARY KEY (system_id, nonce)
);
CREATE INDEX agent_nonces_at ON agent_nonces (at);

-- What pages are told of (live/live.h): one row for each thing, with the number of its last change.
CREATE TABLE live (
	tenant BIGINT NOT NULL,
	type TEXT NOT NULL, -- posture, scan, system, job, portal
	object TEXT NOT NULL,
	seq BIGINT NOT NULL UNIQUE,
	at BIGINT NOT NULL,
	PRIMARY KEY (tenant, type, object)
);
CREATE INDEX live_seq ON live (tenant, seq);
INSERT INTO meta (name, value) VALUES ('live', 1), ('offers', 1);
