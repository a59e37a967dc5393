// SPDX-License-Identifier: Apache-2.0
/* The simulator itself: what the other tests build on. No client runs. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "world.h"

static json_int_t published_version(struct world *w, const char *role)
{
	json_t *whole = sim_parse_last(w->sim, role);

	return json_integer_value(json_object_get(json_object_get(whole, "signed"), "version"));
}

static void first_versions(struct world *w, const void *arg _unused_)
{
	const char *const roles[] = {"root", "timestamp", "snapshot", "targets"};

	for (size_t i = 0; i < 4; i++) {
		EXPECT(published_version(w, roles[i]) == 1, "%s begins with %lld", roles[i],
		       (long long)published_version(w, roles[i]));
		sim_publish(w->sim, roles[i]);
		EXPECT(published_version(w, roles[i]) == 2, "%s goes on with %lld", roles[i],
		       (long long)published_version(w, roles[i]));
	}
}

static void hashes_and_lengths(struct world *w, const void *arg _unused_)
{
	const struct sim_file *f;
	json_t *entry;

	w->sim->hashes = true;
	sim_publish(w->sim, "targets snapshot timestamp");
	entry = sim_meta(w->sim, "timestamp", "snapshot");
	f = sim_last(w->sim, "snapshot");
	EXPECT(json_integer_value(json_object_get(entry, "version")) == 2, "version");
	EXPECT(json_integer_value(json_object_get(entry, "length")) == (json_int_t)f->len,
	       "length");
	EXPECT(strcmp(json_string_value(
			      json_object_get(json_object_get(entry, "hashes"), "sha256")),
		      sim_hash("sha256", f->data, f->len)) == 0,
	       "hash");
	/* FIPS 180-4, "abc" */
	EXPECT(strcmp(sim_hash("sha256", "abc", 3),
		      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad") == 0,
	       "SHA-256");
}

static void expiry_is_published(struct world *w, const void *arg _unused_)
{
	json_t *whole;

	w->sim->now = 1700000000;
	sim_expires(w->sim, "timestamp", -5);
	sim_publish(w->sim, "timestamp");
	whole = sim_parse_last(w->sim, "timestamp");
	EXPECT(strcmp(json_string_value(
			      json_object_get(json_object_get(whole, "signed"), "expires")),
		      "2023-11-09T22:13:20Z") == 0,
	       "expires is %s",
	       json_string_value(json_object_get(json_object_get(whole, "signed"), "expires")));
}

static void canonical_json(struct world *w, const void *arg _unused_)
{
	json_t *j = json_loads(
		"{\"b\": [1, -2, true, false, null, {}], \"a\\\"\\\\\": \"x\\ny\\u00e9\","
		" \"B\": \"\"}",
		0, NULL);
	const char *want =
		"{\"B\":\"\",\"a\\\"\\\\\":\"x\ny\303\251\",\"b\":[1,-2,true,false,null,{}]}";
	char *got = sim_canonical(j, NULL);

	EXPECT(strcmp(got, want) == 0, "'%s' instead of '%s'", got, want);
}

/* Signatures are checked by OpenSSL from the PEM and the hexadecimal text alone. */
static void signatures_verify(struct world *w, const void *arg _unused_)
{
	const enum sim_key_type types[] = {SIM_ECDSA, SIM_ED25519, SIM_RSA};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(types); i++) {
		struct sim_key *k = sim_key_new(types[i]);
		json_t *doc = json_pack("{s:i}", "a", 1);
		char *hex = sim_signature(k, doc);
		EVP_MD_CTX *ctx = EVP_MD_CTX_new();
		EVP_PKEY_CTX *pctx;
		uint8_t sig[1024];
		size_t n = strlen(hex) / 2;

		for (size_t b = 0; b < n; b++) {
			unsigned int v;

			EXPECT(sscanf(hex + 2 * b, "%2x", &v) == 1, "no hexadecimal");
			sig[b] = (uint8_t)v;
		}
		EXPECT(EVP_DigestVerifyInit(ctx, &pctx,
					    types[i] == SIM_ED25519 ? NULL : EVP_sha256(), NULL,
					    k->pkey) == 1,
		       "verify");
		if (types[i] == SIM_RSA)
			EXPECT(EVP_PKEY_CTX_set_rsa_padding(pctx, 6 /* PSS */) == 1, "padding");
		EXPECT(EVP_DigestVerify(ctx, sig, n, (const uint8_t *)"{\"a\":1}", 7) == 1,
		       "signature %zu", i);
		EXPECT(EVP_DigestVerify(ctx, sig, n, (const uint8_t *)"{\"a\":2}", 7) != 1,
		       "anything verifies %zu", i);
	}
}

/* Sends one request and reads until the server closes, or max bytes. */
static size_t talk(struct world *w, const char *request, char *answer, size_t max)
{
	struct sockaddr_in a = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons((uint16_t)server_port(w->server)),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	size_t len = 0;
	ssize_t n;

	EXPECT(fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0, "cannot connect: %s",
	       strerror(errno));
	EXPECT(write(fd, request, strlen(request)) == (ssize_t)strlen(request), "cannot write");
	server_lend(w->server);
	while (len < max - 1 && (n = read(fd, answer + len, max - 1 - len)) > 0)
		len += (size_t)n;
	server_take(w->server);
	answer[len] = '\0';
	close(fd);
	return len;
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"

static void server_answers(struct world *w, const void *arg _unused_)
{
	static char answer[1 << 20];

	sim_target(w->sim, "targets", "a/b", "0123456789");
	talk(w, GET("/metadata/timestamp.json") "\r\n", answer, sizeof(answer));
	EXPECT(strstr(answer, "200 OK") && strstr(answer, "\"_type\": \"timestamp\""), "%s",
	       answer);
	talk(w, GET("/metadata/2.root.json") "\r\n", answer, sizeof(answer));
	EXPECT(strstr(answer, "404"), "%s", answer);
	talk(w, GET("/metadata/snapshot.json") "\r\n", answer, sizeof(answer));
	EXPECT(strstr(answer, "404"), "without a version: %s", answer);
	talk(w,
	     GET("/targets/a/84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882.b") "Range: bytes=4-\r\n\r\n",
	     answer, sizeof(answer));
	EXPECT(strstr(answer, "206") && strstr(answer, "\r\n\r\n456789"), "%s", answer);
	expect_requests(w,
			"timestamp.json 2.root.json snapshot.json targets/a/84d89877f0d4041efb6bf"
			"91a16f0248f2fd573e6af05c19f96bedb9f882f7882.b[4-]");
}

static void server_misbehaves(struct world *w, const void *arg _unused_)
{
	static char answer[1 << 20];
	size_t whole = sim_last(w->sim, "timestamp")->len, n;

	server_rule(w->server, "/metadata/timestamp.json", SERVER_STATUS, 500, NULL);
	talk(w, GET("/metadata/timestamp.json") "\r\n", answer, sizeof(answer));
	EXPECT(strstr(answer, "HTTP/1.1 500"), "%s", answer);
	server_rule(w->server, "/metadata/timestamp.json", SERVER_CUT, 10, NULL);
	n = talk(w, GET("/metadata/timestamp.json") "\r\n", answer, sizeof(answer));
	EXPECT(n < whole && strstr(answer, "Content-Length"), "%s", answer);
	server_rule(w->server, "/metadata/timestamp.json", SERVER_ENDLESS, 0, NULL);
	n = talk(w, GET("/metadata/timestamp.json") "\r\n", answer, sizeof(answer));
	EXPECT(n == sizeof(answer) - 1, "%zu bytes", n);
	server_rule(w->server, "/metadata/timestamp.json", SERVER_DROP, 0, NULL);
	n = talk(w, GET("/metadata/timestamp.json") "\r\n", answer, sizeof(answer));
	EXPECT(n == 0, "%zu bytes", n);
	server_rule(w->server, "/metadata/timestamp.json", SERVER_REDIRECT, 0,
		    "file:///etc/passwd");
	talk(w, GET("/metadata/timestamp.json") "\r\n", answer, sizeof(answer));
	EXPECT(strstr(answer, "Location: file:///etc/passwd\r\n"), "%s", answer);
	server_behave(w->server);
	n = talk(w, GET("/metadata/timestamp.json") "\r\n", answer, sizeof(answer));
	EXPECT(n > whole, "%zu bytes", n);
}

static const struct tuf_test tests[] = {
	{"self/versions-begin-with-one", first_versions, NULL,
	 "test_repository_simulator.py: test_repo_initialization"},
	{"self/hashes-and-lengths", hashes_and_lengths, NULL,
	 "test_repository_simulator.py: test_basic_metadata_hash_support"},
	{"self/expiry-is-published", expiry_is_published, NULL,
	 "test_repository_simulator.py: test_update_timestamp"},
	{"self/canonical-json", canonical_json, NULL, NULL},
	{"self/signatures-verify-with-openssl", signatures_verify, NULL, NULL},
	{"self/server-answers", server_answers, NULL, NULL},
	{"self/server-misbehaves", server_misbehaves, NULL, NULL},
};

const struct tuf_group tuf_self = {tests, SUT_ARRAY_SIZE(tests)};
