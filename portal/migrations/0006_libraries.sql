-- SPDX-License-Identifier: Apache-2.0
-- Patches of libraries: what they are for, and what systems say of the libraries they use.
ALTER TABLE patch_targets ADD COLUMN file TEXT NOT NULL DEFAULT ''; -- path in the package; kernels: ''
ALTER TABLE patch_targets ADD COLUMN soname TEXT NOT NULL DEFAULT '';
ALTER TABLE patch_targets ADD COLUMN source TEXT NOT NULL DEFAULT ''; -- the source package, when the manifest says it
ALTER TABLE patch_targets ADD COLUMN source_version TEXT NOT NULL DEFAULT '';

-- Of what is below, to tell whether it changed; NULL: no library was ever reported.
ALTER TABLE systems ADD COLUMN libraries_hash @BLOB@;

-- As of the last report in which anything but a count changed.
CREATE TABLE system_libraries (
	system BIGINT NOT NULL REFERENCES systems (id) ON DELETE CASCADE,
	build_id TEXT NOT NULL,
	name TEXT NOT NULL, -- libssl.so.3
	version TEXT NOT NULL,
	level INTEGER NOT NULL, -- of the patch that processes run; 0: none
	patchset TEXT NOT NULL,
	processes INTEGER NOT NULL, -- that use it
	patched INTEGER NOT NULL, -- of these, those that run the patch
	state TEXT NOT NULL,
	PRIMARY KEY (system, build_id)
);
CREATE INDEX system_libraries_build ON system_libraries (build_id);
