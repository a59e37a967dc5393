-- SPDX-License-Identifier: Apache-2.0
-- The line to paste on a server (install/install.h).
ALTER TABLE enrolments ADD COLUMN install_hash @BLOB@; -- of its token; NULL: it has none
ALTER TABLE enrolments ADD COLUMN install_until BIGINT;
CREATE UNIQUE INDEX enrolments_install ON enrolments (install_hash) WHERE install_hash IS NOT NULL;
