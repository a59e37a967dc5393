-- SPDX-License-Identifier: Apache-2.0
-- What scans found.

-- How things stood at the end of each day.
CREATE TABLE posture_days (
	tenant BIGINT NOT NULL REFERENCES tenants (id),
	day BIGINT NOT NULL, -- days since the epoch, in UTC
	exposed INTEGER NOT NULL,
	fixable INTEGER NOT NULL,
	live_fixed INTEGER NOT NULL,
	systems INTEGER NOT NULL,
	protected INTEGER NOT NULL,
	PRIMARY KEY (tenant, day)
);
