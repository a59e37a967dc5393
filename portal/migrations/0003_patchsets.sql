-- SPDX-License-Identifier: Apache-2.0
-- What the repository has, and the feeds that lead it to systems.
CREATE TABLE patchsets (
	id @ID@,
	name TEXT NOT NULL UNIQUE, -- K20261121_01: the id in the manifests
	product TEXT NOT NULL, -- kernel, library
	created BIGINT NOT NULL, -- by the builder (manifest)
	seen BIGINT NOT NULL, -- by this portal
	withdrawn BIGINT, -- no target is in the repository any more
	notes TEXT NOT NULL DEFAULT '',
	version BIGINT NOT NULL DEFAULT 1
);

-- One file for one exact binary.
CREATE TABLE patch_targets (
	id @ID@,
	patchset BIGINT NOT NULL REFERENCES patchsets (id) ON DELETE CASCADE,
	build_id TEXT NOT NULL,
	level INTEGER NOT NULL,
	path TEXT NOT NULL UNIQUE, -- of the TUF target
	length BIGINT NOT NULL,
	sha256 TEXT NOT NULL,
	target TEXT NOT NULL, -- debian/6.1.0-47-cloud-amd64
	arch TEXT NOT NULL,
	release TEXT NOT NULL, -- uname -r
	package TEXT NOT NULL DEFAULT '',
	package_version TEXT NOT NULL DEFAULT '',
	kernel_id TEXT, -- SHA-1 of /proc/version, when the manifest has its text
	manifest TEXT NOT NULL, -- JSON: functions, files, as GET shows them
	gone BIGINT, -- withdrawn from the repository
	UNIQUE (build_id, level)
);
CREATE INDEX patch_targets_patchset ON patch_targets (patchset);
CREATE INDEX patch_targets_kernel_id ON patch_targets (kernel_id);

CREATE TABLE patch_cves (
	target BIGINT NOT NULL REFERENCES patch_targets (id) ON DELETE CASCADE,
	cve TEXT NOT NULL,
	status TEXT NOT NULL DEFAULT 'fixed', -- fixed, partial, mitigated
	note TEXT NOT NULL DEFAULT '',
	PRIMARY KEY (target, cve)
);
CREATE INDEX patch_cves_cve ON patch_cves (cve);

-- tenant 0: feeds of the portal, which every tenant sees. 'test', 'candidate' and 'stable' are made here.
CREATE TABLE feeds (
	id @ID@,
	tenant BIGINT NOT NULL,
	name TEXT NOT NULL,
	title TEXT NOT NULL DEFAULT '',
	follows BIGINT REFERENCES feeds (id) DEFERRABLE, -- takes what becomes active there; NULL: see auto
	auto INTEGER NOT NULL DEFAULT 0, -- new patchsets come by themselves: from `follows`, or from the repository
	delay_hours INTEGER NOT NULL DEFAULT 0,
	pin TEXT, -- "patchset:K20261121_01" or "date:2026-11-21"; NULL: none
	created BIGINT NOT NULL,
	version BIGINT NOT NULL DEFAULT 1,
	UNIQUE (tenant, name)
);
INSERT INTO feeds (tenant, name, title, auto, created) VALUES (0, 'test', 'Everything, as soon as it is released', 1, 0);
INSERT INTO feeds (tenant, name, title, auto, created) VALUES (0, 'candidate', 'What passed our own machines', 0, 0);
INSERT INTO feeds (tenant, name, title, auto, created) VALUES (0, 'stable', 'For production', 0, 0);

CREATE TABLE feed_entries (
	feed BIGINT NOT NULL REFERENCES feeds (id) ON DELETE CASCADE,
	patchset BIGINT NOT NULL REFERENCES patchsets (id) ON DELETE CASCADE,
	state TEXT NOT NULL, -- active, held, withdrawn
	entered BIGINT NOT NULL, -- the delay counts from here
	inherited INTEGER NOT NULL DEFAULT 0, -- came by following; changes there change it here
	reason TEXT NOT NULL DEFAULT '',
	until BIGINT, -- of a hold; NULL: until somebody ends it
	changed BIGINT NOT NULL,
	changed_by TEXT NOT NULL,
	PRIMARY KEY (feed, patchset)
);
CREATE INDEX feed_entries_patchset ON feed_entries (patchset);

-- What the last look at the repository found; one row.
CREATE TABLE repository (
	id INTEGER PRIMARY KEY,
	checked BIGINT NOT NULL DEFAULT 0, -- last look
	good BIGINT NOT NULL DEFAULT 0, -- last one that found it right
	error TEXT NOT NULL DEFAULT '', -- of the last look; empty: none
	reason TEXT NOT NULL DEFAULT '',
	trust TEXT NOT NULL DEFAULT '', -- SHA-256 of the root file that the portal was given
	root_version BIGINT NOT NULL DEFAULT 0, -- of the last good look; never back under the same trust
	timestamp_version BIGINT NOT NULL DEFAULT 0,
	timestamp_sha256 TEXT NOT NULL DEFAULT '',
	expires BIGINT NOT NULL DEFAULT 0, -- the first of what is signed
	state TEXT NOT NULL DEFAULT '{}' -- JSON: roles with version and expiry, stop flag, warnings
);
INSERT INTO repository (id) VALUES (1);
