-- SPDX-License-Identifier: Apache-2.0
-- What scans found.

-- Names that find sets hold as numbers. They stay: a CVE is found again.
CREATE TABLE cves (
	id @ID@,
	name TEXT NOT NULL UNIQUE
);

CREATE TABLE packages (
	id @ID@,
	name TEXT NOT NULL,
	version TEXT NOT NULL,
	UNIQUE (name, version)
);

-- Scanners' own findings: an OVAL definition, a plugin.
CREATE TABLE natives (
	id @ID@,
	tenant BIGINT NOT NULL REFERENCES tenants (id),
	key TEXT NOT NULL,
	title TEXT NOT NULL DEFAULT '',
	UNIQUE (tenant, key)
);

CREATE TABLE scans (
	id @ID@,
	uid TEXT NOT NULL UNIQUE,
	tenant BIGINT NOT NULL REFERENCES tenants (id),
	format TEXT NOT NULL, -- of lib/scan, or builtin; '': not detected yet
	name TEXT NOT NULL, -- of the file
	system TEXT, -- uid of the host that a file without hosts is of; NULL
	systems TEXT, -- builtin: JSON list of uids; NULL: all
	tool TEXT NOT NULL DEFAULT '',
	state TEXT NOT NULL, -- waiting, running, done, failed
	bytes BIGINT NOT NULL DEFAULT 0, -- of the file, as it was sent
	done_bytes BIGINT NOT NULL DEFAULT 0,
	hosts BIGINT NOT NULL DEFAULT 0,
	findings BIGINT NOT NULL DEFAULT 0,
	cves BIGINT NOT NULL DEFAULT 0,
	unmatched BIGINT NOT NULL DEFAULT 0, -- hosts that the portal does not know
	without_cve BIGINT NOT NULL DEFAULT 0,
	error_code TEXT NOT NULL DEFAULT '',
	error TEXT NOT NULL DEFAULT '',
	cancel INTEGER NOT NULL DEFAULT 0, -- somebody deletes it while it runs
	tries INTEGER NOT NULL DEFAULT 0,
	created_by TEXT NOT NULL,
	created BIGINT NOT NULL,
	begun BIGINT,
	finished BIGINT
);
CREATE INDEX scans_tenant ON scans (tenant, id);
CREATE INDEX scans_open ON scans (id) WHERE state IN ('waiting', 'running');

-- Findings of one scan of one host; hosts with the same findings share them (find/set.h).
CREATE TABLE find_sets (
	id @ID@,
	tenant BIGINT NOT NULL REFERENCES tenants (id),
	hash @BLOB@ NOT NULL,
	n INTEGER NOT NULL,
	data @BLOB@ NOT NULL,
	UNIQUE (tenant, hash)
);

-- The last word of each kind of scanner on each host.
CREATE TABLE host_findings (
	tenant BIGINT NOT NULL,
	host BIGINT NOT NULL REFERENCES hosts (id) ON DELETE CASCADE,
	family TEXT NOT NULL, -- openscap, trivy, grype, debsecan, nessus, csv, builtin
	findset BIGINT NOT NULL REFERENCES find_sets (id),
	scan BIGINT NOT NULL REFERENCES scans (id),
	tool TEXT NOT NULL DEFAULT '',
	name TEXT NOT NULL DEFAULT '', -- what the file calls the host
	matched_by TEXT NOT NULL DEFAULT '',
	findings INTEGER NOT NULL DEFAULT 0,
	scanned_at BIGINT NOT NULL,
	PRIMARY KEY (host, family)
);
CREATE INDEX host_findings_scan ON host_findings (scan, host);
CREATE INDEX host_findings_set ON host_findings (findset);
CREATE INDEX host_findings_tenant ON host_findings (tenant, host);

-- How things stood at the end of each day.
CREATE TABLE posture_days (
	tenant BIGINT NOT NULL REFERENCES tenants (id),
	day BIGINT NOT NULL, -- days since the epoch, in UTC
	exposed BIGINT NOT NULL,
	fixable BIGINT NOT NULL,
	live_fixed BIGINT NOT NULL,
	systems BIGINT NOT NULL,
	protected BIGINT NOT NULL,
	PRIMARY KEY (tenant, day)
);

-- How long what a live patch closed had been open: a row for each time a host went up, not one for each CVE.
CREATE TABLE protect_times (
	id @ID@,
	tenant BIGINT NOT NULL REFERENCES tenants (id),
	host BIGINT NOT NULL,
	since BIGINT NOT NULL, -- the scan that found it
	protected BIGINT NOT NULL,
	cves INTEGER NOT NULL, -- that were closed
	UNIQUE (tenant, host, since, cves) -- several processes see the same
);
CREATE INDEX protect_times_at ON protect_times (tenant, protected);
