-- SPDX-License-Identifier: Apache-2.0
-- What the distributions' changelogs say: in which version of a source package a CVE is fixed.
CREATE TABLE sources (
	id @ID@,
	distribution TEXT NOT NULL, -- debian
	name TEXT NOT NULL, -- linux
	version TEXT NOT NULL, -- newest in what was read
	oldest TEXT NOT NULL, -- and oldest
	imported BIGINT NOT NULL,
	UNIQUE (distribution, name)
);

CREATE TABLE source_versions (
	source BIGINT NOT NULL REFERENCES sources (id) ON DELETE CASCADE,
	version TEXT NOT NULL,
	released BIGINT NOT NULL,
	PRIMARY KEY (source, version)
);

CREATE TABLE cve_fixes (
	source BIGINT NOT NULL REFERENCES sources (id) ON DELETE CASCADE,
	cve TEXT NOT NULL,
	version TEXT NOT NULL, -- first one with the fix
	subject TEXT NOT NULL, -- of the changelog's item
	PRIMARY KEY (source, cve)
);
CREATE INDEX cve_fixes_cve ON cve_fixes (cve);
