-- SPDX-License-Identifier: Apache-2.0
CREATE TABLE users (
	id @ID@,
	uid TEXT NOT NULL UNIQUE,
	tenant BIGINT NOT NULL REFERENCES tenants (id),
	name TEXT NOT NULL, -- unique in the whole portal: it is what one logs in with
	title TEXT NOT NULL DEFAULT '',
	password TEXT, -- PHC string; NULL: only API tokens
	roles TEXT NOT NULL,
	staff INTEGER NOT NULL DEFAULT 0,
	must_change INTEGER NOT NULL DEFAULT 0,
	created BIGINT NOT NULL,
	disabled BIGINT,
	last_login BIGINT,
	version BIGINT NOT NULL DEFAULT 1,
	UNIQUE (name)
);
CREATE INDEX users_tenant ON users (tenant, id);

CREATE TABLE tokens (
	id @ID@,
	uid TEXT NOT NULL UNIQUE,
	tenant BIGINT NOT NULL REFERENCES tenants (id),
	user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
	kind TEXT NOT NULL, -- api, session
	name TEXT NOT NULL DEFAULT '',
	hash @BLOB@ NOT NULL UNIQUE,
	hint TEXT NOT NULL,
	roles TEXT NOT NULL, -- those of the user that it has
	created BIGINT NOT NULL,
	expires BIGINT,
	last_used BIGINT
);
CREATE INDEX tokens_user ON tokens (user_id);
CREATE INDEX tokens_tenant ON tokens (tenant, id);

-- Failed logins, by name and by address; in the database, so that several portals count together.
CREATE TABLE login_failures (
	subject TEXT PRIMARY KEY, -- "user:NAME", "address:10.0.0.1"
	failures INTEGER NOT NULL,
	last BIGINT NOT NULL,
	blocked_until BIGINT NOT NULL
);

CREATE TABLE webhooks (
	id @ID@,
	uid TEXT NOT NULL UNIQUE,
	tenant BIGINT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
	url TEXT NOT NULL,
	events TEXT NOT NULL, -- JSON list of types, "*" for all
	secret TEXT NOT NULL, -- signs; it must be readable to be used
	note TEXT NOT NULL DEFAULT '',
	active INTEGER NOT NULL DEFAULT 1,
	created BIGINT NOT NULL,
	seen_event BIGINT NOT NULL, -- events up to this id have deliveries
	failing_since BIGINT, -- first failure after the last success
	version BIGINT NOT NULL DEFAULT 1
);
CREATE INDEX webhooks_tenant ON webhooks (tenant, id);

CREATE TABLE deliveries (
	id @ID@,
	uid TEXT NOT NULL UNIQUE, -- webhook-id
	webhook BIGINT NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
	event BIGINT NOT NULL,
	type TEXT NOT NULL,
	body TEXT NOT NULL,
	created BIGINT NOT NULL,
	attempts INTEGER NOT NULL DEFAULT 0,
	next_try BIGINT, -- NULL: done or given up
	status INTEGER, -- of HTTP, last try
	error TEXT NOT NULL DEFAULT '',
	delivered BIGINT
);
CREATE INDEX deliveries_due ON deliveries (webhook, next_try) WHERE next_try IS NOT NULL;
CREATE INDEX deliveries_created ON deliveries (created);
CREATE INDEX deliveries_webhook ON deliveries (webhook, id);
