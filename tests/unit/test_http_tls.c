// SPDX-License-Identifier: Apache-2.0
/* lib/http and certificates: a server whose certificate nobody vouches for is not spoken to. */
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

#include "base/file.h"
#include "http/http.h"

static struct {
	SSL_CTX *ctx;
	int fd, quit[2];
	unsigned int port;
	pthread_t thread;
	char *dir, ca[512];
} server;

static void answer(int fd)
{
	static const char hello[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
	SSL *ssl = SSL_new(server.ctx);
	char request[4096];

	if (SSL_set_fd(ssl, fd) == 1 && SSL_accept(ssl) == 1 &&
	    SSL_read(ssl, request, sizeof(request)) > 0 &&
	    SSL_write(ssl, hello, sizeof(hello) - 1) > 0)
		SSL_shutdown(ssl);
	SSL_free(ssl);
}

static void *serve(void *arg _unused_)
{
	for (;;) {
		struct pollfd p[] = {{.fd = server.fd, .events = POLLIN},
				     {.fd = server.quit[0], .events = POLLIN}};
		struct timeval limit = {.tv_sec = 10};
		int fd;

		if (poll(p, 2, -1) < 0 || p[1].revents)
			return NULL;
		fd = accept4(server.fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0)
			continue;
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
		answer(fd);
		close(fd);
	}
}

/* A certificate for 127.0.0.1 by its own authority; also written to server.ca. */
static int certify(SSL_CTX *ctx)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();
	X509_NAME *name = X509_get_subject_name(cert);
	X509_EXTENSION *ext;
	FILE *f = fopen(server.ca, "we");
	int ok;

	ok = f && key && X509_set_version(cert, X509_VERSION_3) &&
	     ASN1_INTEGER_set(X509_get_serialNumber(cert), 1) &&
	     X509_gmtime_adj(X509_getm_notBefore(cert), -3600) &&
	     X509_gmtime_adj(X509_getm_notAfter(cert), 3600) && X509_set_pubkey(cert, key) &&
	     X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const uint8_t *)"test", -1, -1,
					0) &&
	     X509_set_issuer_name(cert, name);
	ext = X509V3_EXT_nconf_nid(NULL, NULL, NID_subject_alt_name, "IP:127.0.0.1");
	ok = ok && ext && X509_add_ext(cert, ext, -1) && X509_sign(cert, key, EVP_sha256()) &&
	     PEM_write_X509(f, cert) && SSL_CTX_use_certificate(ctx, cert) == 1 &&
	     SSL_CTX_use_PrivateKey(ctx, key) == 1;
	X509_EXTENSION_free(ext);
	X509_free(cert);
	EVP_PKEY_free(key);
	return f && fclose(f) == 0 && ok ? 0 : -1;
}

static int start(void **state _unused_)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof(a);
	struct sut_err err;

	signal(SIGPIPE, SIG_IGN);
	setenv("no_proxy", "127.0.0.1,localhost", 1);
	if (sut_tmpdir("suture-unit", &server.dir, &err) < 0)
		return -1;
	snprintf(server.ca, sizeof(server.ca), "%s/ca.pem", server.dir);
	server.ctx = SSL_CTX_new(TLS_server_method());
	if (!server.ctx || certify(server.ctx) < 0)
		return -1;
	server.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (server.fd < 0 || bind(server.fd, (struct sockaddr *)&a, sizeof(a)) < 0 ||
	    listen(server.fd, 8) < 0 || getsockname(server.fd, (struct sockaddr *)&a, &len) < 0 ||
	    pipe(server.quit) < 0)
		return -1;
	server.port = ntohs(a.sin_port);
	return pthread_create(&server.thread, NULL, serve, NULL);
}

static int stop(void **state _unused_)
{
	struct sut_err err;

	if (write(server.quit[1], "q", 1) != 1)
		return -1;
	pthread_join(server.thread, NULL);
	close(server.fd);
	close(server.quit[0]);
	close(server.quit[1]);
	SSL_CTX_free(server.ctx);
	if (sut_rm_rf(server.dir, &err) < 0)
		return -1;
	free(server.dir);
	return 0;
}

static int get(const char *ca_file, const char *host, struct sut_buf *b, struct sut_err *err)
{
	struct sut_http_opts o = {.ca_file = ca_file, .connect_sec = 10, .total_sec = 20};
	_cleanup_(sut_http_freep) struct sut_http *h = NULL;
	char url[64];

	*b = SUT_BUF_INIT(100);
	*err = (struct sut_err){0};
	assert_ok(sut_http_new(&o, &h, err), *err);
	snprintf(url, sizeof(url), "https://%s:%u/", host, server.port);
	return sut_http_get(h, url, 100, b, err);
}

static void a_certificate_that_is_vouched_for(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(0);
	struct sut_err err;

	assert_ok(get(server.ca, "127.0.0.1", &b, &err), err);
	assert_string_equal(sut_buf_str(&b), "hello");
}

static void a_certificate_of_an_unknown_authority(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(0);
	struct sut_err err;

	assert_int_equal(get(NULL, "127.0.0.1", &b, &err), -EPROTO);
	assert_string_equal(err.reason, "tls");
	assert_int_equal(b.len, 0);
}

static void a_certificate_for_another_name(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(0);
	struct sut_err err;

	assert_int_equal(get(server.ca, "localhost", &b, &err), -EPROTO);
	assert_int_equal(b.len, 0);
}

/* An authority that was named replaces the system's: a file without any vouches for nobody. */
static void a_missing_file_of_authorities(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(0);
	struct sut_err err;

	assert_int_equal(get("/nonexistent.pem", "127.0.0.1", &b, &err), -EPROTO);
	assert_says(err, "certificate");
}

/* Last: the server stays so. */
static void tls_before_1_2_is_not_spoken(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(0);
	struct sut_err err;

	SSL_CTX_set_security_level(server.ctx, 0);
	assert_int_equal(SSL_CTX_set_max_proto_version(server.ctx, TLS1_1_VERSION), 1);
	assert_int_equal(get(server.ca, "127.0.0.1", &b, &err), -EPROTO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_certificate_that_is_vouched_for),
		cmocka_unit_test(a_certificate_of_an_unknown_authority),
		cmocka_unit_test(a_certificate_for_another_name),
		cmocka_unit_test(a_missing_file_of_authorities),
		cmocka_unit_test(tls_before_1_2_is_not_spoken),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
