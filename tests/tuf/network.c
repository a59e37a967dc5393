// SPDX-License-Identifier: Apache-2.0
/*
 * Whoever has the network: bodies without end, of the wrong size, slow, cut, in other places. Every
 * case ends in bounded time and space, changes nothing that is trusted, and afterwards the same
 * client updates from a server that behaves.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "tuf/meta.h"
#include "world.h"

/* A release that is new in every role; the client has the one before. */
static void prepare(struct world *w)
{
	sim_delegate(w->sim, "targets", "delegated", "file", 0);
	sim_target(w->sim, "delegated", "file", "old text");
	sim_release(w->sim, "delegated");
	init(w);
	download(w, "file");
	expect_trusted(w, "delegated:1 root:1 snapshot:2 targets:2 timestamp:2");
	sim_target(w->sim, "delegated", "file", "text");
	sim_publish(w->sim, "root");
	sim_release(w->sim, "delegated");
	forget_requests(w);
}

static char *path_of(const char *role)
{
	if (strcmp(role, "file") == 0)
		return sim_str("/targets/%s.file", sim_hash("sha256", "text", 4));
	if (strcmp(role, "timestamp") == 0)
		return sim_str("/metadata/timestamp.json");
	return sim_str("/metadata/%d.%s.json",
		       strcmp(role, "root") == 0 || strcmp(role, "delegated") == 0 ? 2 : 3, role);
}

/* What is trusted when all before the role went well. */
static const char *trusted_before(const char *role)
{
	static const struct {
		const char *role, *trusted;
	} list[] = {
		{"root", "delegated:1 root:1 snapshot:2 targets:2 timestamp:2"},
		{"timestamp", "delegated:1 root:2 snapshot:2 targets:2 timestamp:2"},
		{"snapshot", "delegated:1 root:2 snapshot:2 targets:2 timestamp:3"},
		{"targets", "delegated:1 root:2 snapshot:3 targets:2 timestamp:3"},
		{"delegated", "delegated:1 root:2 snapshot:3 targets:3 timestamp:3"},
		{"file", "delegated:2 root:2 snapshot:3 targets:3 timestamp:3"},
	};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(list); i++)
		if (strcmp(list[i].role, role) == 0)
			return list[i].trusted;
	sim_die("no role %s", role);
}

static size_t cap_of(const char *role)
{
	return strcmp(role, "root") == 0	? SUT_TUF_ROOT_MAX
	       : strcmp(role, "timestamp") == 0 ? SUT_TUF_TIMESTAMP_MAX
	       : strcmp(role, "snapshot") == 0	? SUT_TUF_SNAPSHOT_MAX
	       : strcmp(role, "file") == 0	? 4
						: SUT_TUF_TARGETS_MAX;
}

/* The file of the old release, and perhaps a beginning of the new one; never a whole other one. */
static void expect_old_file(struct world *w, bool resumable)
{
	if (!resumable)
		expect_downloads(w, "old text", NULL);
}

static void heal(struct world *w)
{
	server_behave(w->server);
	w->patience = NULL;
	download(w, "file");
	expect_downloads(w, "text", NULL);
	expect_trusted(w, "delegated:2 root:2 snapshot:3 targets:3 timestamp:3");
}

struct misdeed {
	const char *role;
	enum server_action action;
	long n;
	const char *text;
	bool hashes; /* with lengths in timestamp and snapshot */
	const char *patience;
};

static void misbehaves(struct world *w, const void *arg)
{
	const struct misdeed *m = arg;
	time_t start;

	w->sim->hashes = m->hashes;
	prepare(w);
	server_rule(w->server, path_of(m->role), m->action, m->n, m->text);
	w->patience = m->patience;
	start = time(NULL);
	download_fails(w, "file");
	EXPECT(time(NULL) - start <= 30, "it took %ld s", (long)(time(NULL) - start));
	expect_trusted(w, trusted_before(m->role));
	expect_old_file(w, strcmp(m->role, "file") == 0);
	if (m->action == SERVER_ENDLESS || m->action == SERVER_HUGE) {
		/* What lies in buffers of the two sockets comes on top. A length that was said is
		 * less than any cap, and one megabyte. */
		uint64_t most = m->hashes ? 1 << 20 : cap_of(m->role) + (8 << 20);

		EXPECT(server_sent(w->server) < most, "%llu bytes were taken",
		       (unsigned long long)server_sent(w->server));
	}
	heal(w);
}

/* 403 and 404 mean that there is no newer root; nothing else does. */
static void no_newer_root(struct world *w, const void *arg)
{
	const long *status = arg;

	prepare(w);
	server_rule(w->server, "/metadata/2.root.json", SERVER_STATUS, *status, NULL);
	download(w, "file");
	expect_trusted(w, "delegated:2 root:1 snapshot:3 targets:3 timestamp:3");
}

/* --- limits, to the byte --- */

/* Pads the last file of the role with spaces to this size. */
static void pad(struct world *w, const char *role, size_t size)
{
	const struct sim_file *f = sim_last(w->sim, role);
	char *more = malloc(size);

	if (!more || f->len > size)
		sim_die("%s is larger than %zu", role, size);
	memcpy(more, f->data, f->len);
	memset(more + f->len, ' ', size - f->len);
	sim_replace(w->sim, role, more, size);
	free(more);
}

static void at_the_cap(struct world *w, const void *arg)
{
	const char *role = arg;

	prepare(w);
	pad(w, role, cap_of(role));
	download(w, "file");
	expect_same(w, role);
	expect_downloads(w, "text", NULL);
}

static void over_the_cap(struct world *w, const void *arg)
{
	const char *role = arg;
	struct sim_file good;

	prepare(w);
	good = sim_keep(sim_last(w->sim, role));
	pad(w, role, cap_of(role) + 1);
	download_fails(w, "file");
	expect_trusted(w, trusted_before(role));
	sim_replace(w->sim, role, good.data, good.len);
	heal(w);
}

/* One space more than the length that is said; arg: the role. */
static void longer_than_said(struct world *w, const void *arg)
{
	const char *role = arg;

	w->sim->hashes = true;
	prepare(w);
	pad(w, role, sim_last(w->sim, role)->len + 1);
	download_fails(w, "file");
	expect_trusted(w, trusted_before(role));
}

/* Only a length, no hash. */
static void length_alone(struct world *w, const void *arg)
{
	const char *role = arg;

	prepare(w);
	json_object_set_new(
		sim_meta(w->sim, strcmp(role, "snapshot") == 0 ? "timestamp" : "snapshot", role),
		"length", json_integer((json_int_t)sim_last(w->sim, role)->len));
	if (strcmp(role, "snapshot") == 0)
		sim_republish(w->sim, "timestamp");
	else
		sim_republish(w->sim, "snapshot");
	pad(w, role, sim_last(w->sim, role)->len + 1);
	download_fails(w, "file");
	expect_trusted(w, trusted_before(role));
}

/* A length that is beyond all caps does not lift them. */
static void said_length_beyond_cap(struct world *w, const void *arg _unused_)
{
	prepare(w);
	json_object_set_new(sim_meta(w->sim, "timestamp", "snapshot"), "length",
			    json_integer(1099511627776));
	sim_republish(w->sim, "timestamp");
	server_rule(w->server, path_of("snapshot"), SERVER_ENDLESS, 0, NULL);
	download_fails(w, "file");
	EXPECT(server_sent(w->server) < SUT_TUF_SNAPSHOT_MAX + (8 << 20), "%llu bytes were taken",
	       (unsigned long long)server_sent(w->server));
	expect_trusted(w, "delegated:1 root:2 snapshot:2 targets:2 timestamp:3");
}

/* As large as targets.json may be, with entries and not with spaces: within seconds. */
static void large_targets(struct world *w, const void *arg _unused_)
{
	json_t *targets = json_object_get(sim_doc(w->sim, "targets"), "targets"), *entry;
	time_t start;

	sim_target(w->sim, "targets", "file", "text");
	entry = json_object_get(targets, "file");
	for (int i = 0; i < 28000; i++)
		json_object_set(targets, sim_str("kernel/%07d", i), entry);
	sim_release(w->sim, "");
	EXPECT(sim_last(w->sim, "targets")->len > 4000000, "only %zu bytes",
	       sim_last(w->sim, "targets")->len);
	init(w);
	start = time(NULL);
	download(w, "file");
	expect_downloads(w, "text", NULL);
	EXPECT(time(NULL) - start <= 20, "it took %ld s", (long)(time(NULL) - start));
}

/* --- redirects --- */

/* To another path of the same server is what mirrors do. */
static void redirect_is_followed(struct world *w, const void *arg _unused_)
{
	const struct sim_file *f;

	prepare(w);
	f = sim_last(w->sim, "timestamp");
	server_rule(w->server, "/metadata/timestamp.json", SERVER_REDIRECT, 0, "/elsewhere");
	server_rule(w->server, "/elsewhere", SERVER_BODY, (long)f->len, (const char *)f->data);
	download(w, "file");
	expect_trusted(w, "delegated:2 root:2 snapshot:3 targets:3 timestamp:3");
	expect_same(w, "timestamp");
}

/* A chain of n, the last of which has the file. */
static void redirect_chain(struct world *w, const void *arg)
{
	const long *n = arg;
	const struct sim_file *f;

	prepare(w);
	f = sim_last(w->sim, "timestamp");
	server_rule(w->server, "/metadata/timestamp.json", SERVER_REDIRECT, 0, "/hop1");
	for (long i = 1; i < *n; i++)
		server_rule(w->server, sim_str("/hop%ld", i), SERVER_REDIRECT, 0,
			    sim_str("/hop%ld", i + 1));
	server_rule(w->server, sim_str("/hop%ld", *n), SERVER_BODY, (long)f->len,
		    (const char *)f->data);
	if (*n <= 5) {
		download(w, "file");
	} else {
		download_fails(w, "file");
		EXPECT(!requested(w, "/hop6"), "six redirects were followed");
		expect_trusted(w, trusted_before("timestamp"));
		heal(w);
	}
}

/* Where the redirect goes there is what would be right: were it followed, all would be well. arg is
 * the role, or "file". */
static void redirect_to_local_file(struct world *w, const void *arg)
{
	const char *role = arg;
	char *file = sim_str("%s/right", w->dir);
	const struct sim_file *f;
	struct sut_err err = {0};
	int r;

	prepare(w);
	f = strcmp(role, "file") == 0 ? NULL : sim_last(w->sim, role);
	r = sut_file_write(file, f ? (const char *)f->data : "text", f ? f->len : 4, 0644, &err);
	EXPECT(r == 0, "%s", err.msg);
	server_rule(w->server, path_of(role), SERVER_REDIRECT, 0, sim_str("file://%s", file));
	download_fails(w, "file");
	expect_trusted(w, trusted_before(role));
	heal(w);
}

/* Not even the connection is made. */
static void redirect_to_https(struct world *w, const void *arg)
{
	const char *role = arg;

	prepare(w);
	server_rule(w->server, path_of(role), SERVER_REDIRECT, 0,
		    sim_str("https://127.0.0.1:%d%s", server_port(w->server), path_of(role)));
	download_fails(w, "file");
	EXPECT(!requested(w, "TLS"), "the client turned to https");
	expect_trusted(w, trusted_before(role));
	heal(w);
}

/* --- others --- */

static void slash_at_end(struct world *w, const void *arg _unused_)
{
	sim_target(w->sim, "targets", "file", "text");
	sim_release(w->sim, "");
	w->metadata_url = sim_str("%s/", w->metadata_url);
	w->targets_url = sim_str("%s/", w->targets_url);
	init(w);
	download(w, "file");
	expect_requests(w, sim_str("2.root.json timestamp.json 2.snapshot.json 2.targets.json "
				   "targets/%s.file",
				   sim_hash("sha256", "text", 4)));
}

static void other_scheme(struct world *w, const void *arg)
{
	init(w);
	w->metadata_url = sim_str("%s%s", (const char *)arg, w->dir);
	refresh_fails(w);
	expect_trusted(w, "root:1");
}

static void nobody_listens(struct world *w, const void *arg _unused_)
{
	init(w);
	w->metadata_url = sim_str("http://127.0.0.1:1/metadata");
	refresh_fails(w);
	expect_trusted(w, "root:1");
}

#define EACH(name, ...)                                                                            \
	{"network/" name "-root", misbehaves, &(const struct misdeed){"root", __VA_ARGS__},        \
	 "5.3.3"},                                                                                 \
		{"network/" name "-timestamp", misbehaves,                                         \
		 &(const struct misdeed){"timestamp", __VA_ARGS__}, "5.4.1"},                      \
		{"network/" name "-snapshot", misbehaves,                                          \
		 &(const struct misdeed){"snapshot", __VA_ARGS__}, "5.5.1"},                       \
		{"network/" name "-targets", misbehaves,                                           \
		 &(const struct misdeed){"targets", __VA_ARGS__}, "5.6.1"},                        \
		{"network/" name "-delegated", misbehaves,                                         \
		 &(const struct misdeed){"delegated", __VA_ARGS__}, "5.6.7"},                      \
	{                                                                                          \
		"network/" name "-file", misbehaves, &(const struct misdeed){"file", __VA_ARGS__}, \
			"5.7.3"                                                                    \
	}

#define ONE(name, ...)                                                                             \
	{                                                                                          \
		"network/" name, misbehaves, &(const struct misdeed){__VA_ARGS__}, NULL            \
	}

#define REDIRECT(name, url)                                                                        \
	ONE("redirect-" name "-timestamp", "timestamp", SERVER_REDIRECT, 0, url),                  \
		ONE("redirect-" name "-file", "file", SERVER_REDIRECT, 0, url)

/* What a server writes into a header may be shown, but no terminal may take it for a command. */
#define EVIL_LOCATION(name, url) REDIRECT("to-control-characters-" name, url)

static const long s403 = 403, s404 = 404, five = 5, six = 6;

static const struct tuf_test tests[] = {
	EACH("endless", SERVER_ENDLESS),
	EACH("endless-after-a-huge-length", SERVER_HUGE),
	{"network/endless-with-said-length-snapshot", misbehaves,
	 &(const struct misdeed){"snapshot", SERVER_ENDLESS, .hashes = true}, "5.5.1"},
	{"network/endless-with-said-length-targets", misbehaves,
	 &(const struct misdeed){"targets", SERVER_ENDLESS, .hashes = true}, "5.6.1"},
	EACH("gzip-bomb", SERVER_GZIP_BOMB, 16),
	EACH("cut", SERVER_CUT, 2),
	EACH("no-answer", SERVER_DROP),
	EACH("not-http", SERVER_GARBAGE),
	EACH("status-500", SERVER_STATUS, 500),
	EACH("captive-portal", SERVER_BODY, 26, "<html>Please log in</html>"),
	EACH("empty", SERVER_BODY, 0, ""),
	EACH("stalled", SERVER_STALL, 2, .patience = "2"),
	ONE("slow-retrieval-timestamp", "timestamp", SERVER_SLOW, 1200, .patience = "2"),
	ONE("slow-retrieval-file", "file", SERVER_SLOW, 6, .patience = "2"),
	REDIRECT("to-file-scheme", "file:///etc/passwd"),
	REDIRECT("to-ftp", "ftp://127.0.0.1:1/x"),
	REDIRECT("to-gopher", "gopher://127.0.0.1:1/x"),
	REDIRECT("to-data", "data:application/json,{}"),
	{"network/redirect-to-https-timestamp", redirect_to_https, "timestamp", NULL},
	{"network/redirect-to-https-root", redirect_to_https, "root", NULL},
	{"network/redirect-to-https-file", redirect_to_https, "file", NULL},
	{"network/redirect-to-a-local-file-timestamp", redirect_to_local_file, "timestamp", NULL},
	{"network/redirect-to-a-local-file-root", redirect_to_local_file, "root", NULL},
	{"network/redirect-to-a-local-file-file", redirect_to_local_file, "file", NULL},
	REDIRECT("to-nothing", "http://"),
	EVIL_LOCATION("host", "http://x\033[2J\033]0;owned\007/"),
	EVIL_LOCATION("scheme", "x\033[2J\033]0;owned\007://host/"),
	EVIL_LOCATION("path", "ftp://host/x\033[2J\302\233m\233m"),
	ONE("redirect-loop", "timestamp", SERVER_REDIRECT, 0, "/metadata/timestamp.json"),
	{"network/redirect-is-followed", redirect_is_followed, NULL, NULL},
	{"network/redirect-five-are-followed", redirect_chain, &five, NULL},
	{"network/redirect-six-are-too-many", redirect_chain, &six, NULL},
	{"network/no-newer-root-403", no_newer_root, &s403, "5.3.3"},
	{"network/no-newer-root-404", no_newer_root, &s404, "5.3.3"},
	{"network/at-the-cap-root", at_the_cap, "root", "5.3.3"},
	{"network/at-the-cap-timestamp", at_the_cap, "timestamp", "5.4.1"},
	{"network/at-the-cap-snapshot", at_the_cap, "snapshot", "5.5.1"},
	{"network/at-the-cap-targets", at_the_cap, "targets", "5.6.1"},
	{"network/at-the-cap-delegated", at_the_cap, "delegated", "5.6.7"},
	{"network/over-the-cap-root", over_the_cap, "root", "5.3.3"},
	{"network/over-the-cap-timestamp", over_the_cap, "timestamp", "5.4.1"},
	{"network/over-the-cap-snapshot", over_the_cap, "snapshot", "5.5.1"},
	{"network/over-the-cap-targets", over_the_cap, "targets", "5.6.1"},
	{"network/over-the-cap-delegated", over_the_cap, "delegated", "5.6.7"},
	{"network/longer-than-said-snapshot", longer_than_said, "snapshot", "5.5.1"},
	{"network/longer-than-said-targets", longer_than_said, "targets", "5.6.1"},
	{"network/longer-than-said-delegated", longer_than_said, "delegated", "5.6.7"},
	{"network/length-alone-snapshot", length_alone, "snapshot", "5.5.1"},
	{"network/length-alone-targets", length_alone, "targets", "5.6.1"},
	{"network/length-alone-delegated", length_alone, "delegated", "5.6.7"},
	{"network/said-length-beyond-the-cap", said_length_beyond_cap, NULL, "5.5.1"},
	{"network/large-targets-file", large_targets, NULL, "5.6.1"},
	{"network/slash-at-end-of-urls", slash_at_end, NULL, "CLIENT-CLI"},
	{"network/file-scheme-is-not-spoken", other_scheme, "file://", NULL},
	{"network/ftp-is-not-spoken", other_scheme, "ftp://127.0.0.1:1", NULL},
	{"network/nobody-listens", nobody_listens, NULL, NULL},
};

const struct tuf_group tuf_network = {tests, SUT_ARRAY_SIZE(tests)};
