// SPDX-License-Identifier: Apache-2.0
/* lib/httpd with many connections and threads: nothing is lost, and it ends when it should. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>

#include "base/file.h"
#include "base/str.h"
#include "http/http.h"
#include "sample_httpd.h"

#define HOST "Host: x\r\n"

static struct sample_httpd site;
static char *dir;

static int make_dir(void **state _unused_)
{
	struct rlimit fds;
	struct sut_err err;

	setenv("no_proxy", "127.0.0.1", 1);
	if (getrlimit(RLIMIT_NOFILE, &fds) == 0) {
		fds.rlim_cur = fds.rlim_max < 4096 ? fds.rlim_max : 4096;
		setrlimit(RLIMIT_NOFILE, &fds);
	}
	return sut_tmpdir("suture-unit", &dir, &err);
}

static int remove_dir(void **state _unused_)
{
	struct sut_err err;
	int r = sut_rm_rf(dir, &err);

	free(dir);
	return r;
}

static int stop(void **state _unused_)
{
	if (site.h)
		sample_stop(&site);
	return 0;
}

static bool is_held(void *n)
{
	return sample_held(&site) == *(unsigned int *)n;
}

static void wait_for_held(unsigned int n)
{
	assert_true(sample_wait(is_held, &n));
}

static bool has_connections(void *n)
{
	struct sut_httpd_stats st;

	sut_httpd_stats(site.h, &st);
	return st.connections == *(unsigned int *)n;
}

static void a_thousand_connections_are_served(void **state _unused_)
{
	enum { N = 1000 };
	static int fds[N];
	struct sut_httpd_stats st;
	char request[100], want[100];
	const char *text;
	unsigned int none = 0;

	sample_start(&site, &(struct sut_httpd_opts){.per_address = N}, NULL);
	for (int i = 0; i < N; i++)
		assert_true((fds[i] = sample_connect(&site)) >= 0);
	for (int i = 0; i < N; i++) {
		snprintf(request, sizeof(request), "GET /%s/%d HTTP/1.1\r\n" HOST "\r\n",
			 i % 3 ? "later" : "hold", i);
		sample_sends(fds[i], request);
	}
	wait_for_held((N + 2) / 3);
	sample_release(&site);
	for (int i = N; i-- > 0;) {
		assert_int_equal(sample_answer(fds[i], false, &text), 200);
		snprintf(want, sizeof(want), "GET /%s/%d?", i % 3 ? "later" : "hold", i);
		assert_non_null(strstr(text, want));
	}
	sut_httpd_stats(site.h, &st);
	assert_int_equal(st.connections, N);
	assert_int_equal(st.accepted, N);
	assert_int_equal(st.requests, N);
	/* The next one from this address is one too many. */
	{
		int fd = sample_connect(&site);

		assert_true(sample_ended(fd, NULL));
		close(fd);
	}
	sut_httpd_stats(site.h, &st);
	assert_int_equal(st.refused, 1);
	for (int i = 0; i < N; i++)
		close(fds[i]);
	assert_true(sample_wait(has_connections, &none));
	assert_int_equal(sample_ask(&site, "GET /echo HTTP/1.1\r\n" HOST "\r\n", NULL), 200);
}

/*
 * libmicrohttpd takes 128 events at a time, and when it got so many it waits for more before it looks at them. The threads that
 * answer may add one of their own.
 */
static void as_many_events_as_are_taken_at_once_are_not_left_lying(void **state _unused_)
{
	enum { AT_ONCE = 128, AROUND = 2 };
	int fds[AT_ONCE + AROUND], busy;

	for (int n = AT_ONCE - AROUND; n <= AT_ONCE + AROUND; n++) {
		unsigned int none = 0;

		sample_start(&site,
			     &(struct sut_httpd_opts){
				     .threads = 1, .per_address = 1000, .request_sec = 9},
			     NULL);
		busy = sample_connect(&site);
		for (int i = 0; i < n; i++) {
			fds[i] = sample_connect(&site);
			sample_sends(fds[i], "GET /echo HTTP/1.1\r\n" HOST "\r\n");
			assert_int_equal(sample_answer(fds[i], false, NULL), 200);
		}
		sample_sends(busy, "GET /busy HTTP/1.1\r\n" HOST "\r\n");
		usleep(100000);
		for (int i = 0; i < n; i++)
			sample_sends(fds[i], "GET /echo HTTP/1.1\r\n" HOST "\r\n");
		for (int i = 0; i < n; i++)
			assert_int_equal(sample_answer(fds[i], false, NULL), 200);
		/* Nor the ends of as many. */
		assert_int_equal(sample_answer(busy, false, NULL), 200);
		sample_sends(busy, "GET /busy HTTP/1.1\r\n" HOST "\r\n");
		usleep(100000);
		for (int i = 0; i < n; i++)
			close(fds[i]);
		assert_int_equal(sample_answer(busy, false, NULL), 200);
		close(busy);
		assert_true(sample_wait(has_connections, &none));
		sample_stop(&site);
	}
}

static void connections_are_limited_in_all(void **state _unused_)
{
	int fds[4];

	sample_start(&site, &(struct sut_httpd_opts){.connections = 3}, NULL);
	for (int i = 0; i < 4; i++)
		fds[i] = sample_connect(&site);
	assert_true(sample_ended(fds[3], NULL));
	sample_sends(fds[2], "GET /echo HTTP/1.1\r\n" HOST "\r\n");
	assert_int_equal(sample_answer(fds[2], false, NULL), 200);
	for (int i = 0; i < 4; i++)
		close(fds[i]);
}

static void unix_sockets_have_no_limit_per_address(void **state _unused_)
{
	_cleanup_(sut_freep) char *where = sut_sprintf("unix:%s/s", dir);
	const char *text;
	struct stat st;
	int fds[10];

	assert_non_null(where);
	sample_start(&site, &(struct sut_httpd_opts){.per_address = 1}, where);
	assert_int_equal(stat(where + 5, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0660);
	for (int i = 0; i < 10; i++) {
		fds[i] = sample_connect(&site);
		sample_sends(fds[i],
			     "GET /echo HTTP/1.1\r\n" HOST
			     "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\n\r\n");
		assert_int_equal(sample_answer(fds[i], false, &text), 200);
		assert_non_null(strstr(text, " 192.0.2.1 https "));
	}
	for (int i = 0; i < 10; i++)
		close(fds[i]);
	sample_stop(&site);
	assert_false(sut_exists(where + 5));
}

/* The name of the client's end may be longer than any address of IP. */
static void a_named_client_of_a_unix_socket_is_served(void **state _unused_)
{
	_cleanup_(sut_freep) char *where = sut_sprintf("unix:%s/s", dir);
	struct sockaddr_un me = {.sun_family = AF_UNIX}, it = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_non_null(where);
	sample_start(&site, NULL, where);
	snprintf(me.sun_path, sizeof(me.sun_path), "%s/%0*d", dir,
		 (int)(sizeof(me.sun_path) - strlen(dir) - 3), 1);
	snprintf(it.sun_path, sizeof(it.sun_path), "%s", where + 5);
	assert_int_equal(bind(fd, (struct sockaddr *)&me, sizeof(me)), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&it, sizeof(it)), 0);
	sample_sends(fd, "GET /echo HTTP/1.1\r\n" HOST "\r\n");
	assert_int_equal(sample_answer(fd, false, NULL), 200);
	close(fd);
}

static void a_socket_left_behind_is_taken_over(void **state _unused_)
{
	_cleanup_(sut_freep) char *where = sut_sprintf("unix:%s/s", dir);
	const char *listen_on[] = {where, NULL};
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sut_httpd *second = NULL;
	struct sut_err err = {0};

	assert_non_null(where);
	snprintf(a.sun_path, sizeof(a.sun_path), "%s", where + 5);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	close(fd);
	sample_start(&site, NULL, where);
	assert_int_equal(sample_ask(&site, "GET /echo HTTP/1.1\r\n" HOST "\r\n", NULL), 200);
	/* But not while it is in use. */
	assert_int_equal(
		sut_httpd_start(&(struct sut_httpd_opts){.listen = listen_on}, &second, &err),
		-EADDRINUSE);
	assert_says(err, "another program");
	assert_int_equal(sample_ask(&site, "GET /echo HTTP/1.1\r\n" HOST "\r\n", NULL), 200);
}

static void where_it_cannot_listen_is_said(void **state _unused_)
{
	static const char *const bad[] = {
		"",	   "80",	 "x:80",  "127.0.0.1:70000", "127.0.0.1:x",
		"[::1:80", "127.0.0.1:", "unix:", "127.0.0.1:0x50",  ":-1"};
	struct sut_httpd *h = NULL;
	struct sut_err err;

	for (size_t i = 0; i < SUT_ARRAY_SIZE(bad); i++) {
		const char *listen_on[] = {bad[i], NULL};

		err = (struct sut_err){0};
		assert_int_equal(
			sut_httpd_start(&(struct sut_httpd_opts){.listen = listen_on}, &h, &err),
			-EINVAL);
		assert_true(*err.msg);
	}
	assert_int_equal(sut_httpd_start(&(struct sut_httpd_opts){0}, &h, &err), -EINVAL);
	assert_null(h);
}

/* --- clients that are not patient --- */

static void the_client_may_be_gone_before_the_answer(void **state _unused_)
{
	enum { N = 100 };
	struct linger reset = {.l_onoff = 1};
	unsigned int none = 0;
	int fds[N];

	sample_start(&site, NULL, NULL);
	for (int i = 0; i < N; i++) {
		fds[i] = sample_connect(&site);
		sample_sends(fds[i], "GET /hold HTTP/1.1\r\n" HOST "\r\n");
	}
	wait_for_held(N);
	for (int i = 0; i < N; i++) {
		if (i % 2)
			setsockopt(fds[i], SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		close(fds[i]);
	}
	sample_release(&site);
	assert_true(sample_wait(has_connections, &none));
	assert_int_equal(sample_done(&site, NULL), N);
	assert_int_equal(sample_ask(&site, "GET /later HTTP/1.1\r\n" HOST "\r\n", NULL), 200);
}

static void a_client_that_only_listens_any_more_gets_its_answer(void **state _unused_)
{
	static const char *const requests[] = {"GET /hold HTTP/1.1\r\n" HOST "\r\n",
					       "POST /hold HTTP/1.1\r\n" HOST
					       "Content-Length: 3\r\n\r\nabc"};

	sample_start(&site, NULL, NULL);
	for (size_t i = 0; i < 2 * SUT_ARRAY_SIZE(requests); i++) {
		int fd = sample_connect(&site);

		sample_sends(fd, requests[i / 2]);
		if (i % 2)
			wait_for_held(1);
		shutdown(fd, SHUT_WR);
		wait_for_held(1);
		usleep(10000);
		sample_release(&site);
		assert_int_equal(sample_answer(fd, false, NULL), 200);
		close(fd);
	}
}

/* --- many threads --- */

struct client {
	pthread_t thread;
	_Atomic bool *go_on;
	unsigned int number, good, closed, lost;
	bool reconnects;
};

/* One request after the other, each answer the right one. */
static void *keep_asking(void *arg)
{
	struct client *c = arg;
	int fd = -1;

	while (atomic_load(c->go_on)) {
		char request[200], want[100], answer[2048];
		size_t len = 0;
		ssize_t n = 1;

		if (fd < 0)
			fd = sample_connect(&site);
		if (fd < 0)
			break;
		snprintf(request, sizeof(request),
			 "POST /%s/%u-%u HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc",
			 c->good % 5 ? "later" : "echo", c->number, c->good);
		snprintf(want, sizeof(want), "/%u-%u? 127.0.0.1 http 3:abc", c->number, c->good);
		if (send(fd, request, strlen(request), MSG_NOSIGNAL) < 0)
			n = 0;
		answer[0] = 0;
		while (n > 0 && !strstr(answer, "3:abc") && len < sizeof(answer) - 1) {
			n = recv(fd, answer + len, sizeof(answer) - 1 - len, 0);
			len += n > 0 ? (size_t)n : 0;
			answer[len] = 0;
		}
		if (strstr(answer, want))
			c->good++;
		else if (len)
			c->lost++; /* half an answer, or that of another */
		else
			c->closed++;
		if (!strstr(answer, want) || strstr(answer, "Connection: close") ||
		    (c->reconnects && c->good % 7 == 0)) {
			close(fd);
			fd = -1;
		}
	}
	if (fd >= 0)
		close(fd);
	return NULL;
}

enum { CLIENTS = 16 };

static void start_clients(struct client *c, _Atomic bool *go_on)
{
	for (unsigned int i = 0; i < CLIENTS; i++) {
		c[i] = (struct client){.go_on = go_on, .number = i, .reconnects = i % 2};
		assert_int_equal(pthread_create(&c[i].thread, NULL, keep_asking, &c[i]), 0);
	}
}

static unsigned int join_clients(struct client *c)
{
	unsigned int good = 0;

	for (int i = 0; i < CLIENTS; i++) {
		pthread_join(c[i].thread, NULL);
		assert_int_equal(c[i].lost, 0);
		good += c[i].good;
	}
	return good;
}

static void answers_from_many_threads_reach_the_right_ones(void **state _unused_)
{
	struct client c[CLIENTS];
	_Atomic bool go_on = true;
	struct sut_httpd_stats st;
	unsigned int none = 0, good;

	sample_start(&site, NULL, NULL);
	start_clients(c, &go_on);
	usleep(1000000);
	atomic_store(&go_on, false);
	good = join_clients(c);
	for (int i = 0; i < CLIENTS; i++)
		assert_int_equal(c[i].closed, 0);
	assert_true(sample_wait(has_connections, &none));
	sut_httpd_stats(site.h, &st);
	assert_int_equal(st.requests, good);
	assert_int_equal(st.in_flight, 0);
	assert_int_equal(sample_done(&site, NULL), good);
}

static void a_drain_loses_no_request_in_flight(void **state _unused_)
{
	for (int round = 0; round < 3; round++) {
		struct client c[CLIENTS];
		_Atomic bool go_on = true;
		unsigned int done, good;
		int held;

		sample_start(&site, NULL, NULL);
		held = sample_connect(&site);
		sample_sends(held, "GET /hold HTTP/1.1\r\n" HOST "\r\n");
		wait_for_held(1);
		start_clients(c, &go_on);
		usleep(150000);
		/* What is held is not finished. */
		assert_in_range(sut_httpd_drain(site.h, 0), 1, CLIENTS + 1);
		sample_release(&site);
		assert_int_equal(sut_httpd_drain(site.h, 10), 0);
		assert_int_equal(sample_answer(held, false, NULL), 200);
		close(held);
		assert_int_equal(sample_connect(&site), -1);
		done = sample_done(&site, NULL);
		atomic_store(&go_on, false);
		good = join_clients(c);
		/* What was taken was answered, and what was answered arrived. */
		assert_int_equal(good + 1, done);
		sample_stop(&site);
	}
}

static void it_stops_with_requests_that_nobody_answers(void **state _unused_)
{
	struct sample_httpd copy;
	int fds[20];

	for (int round = 0; round < 10; round++) {
		sample_start(&site, NULL, NULL);
		for (int i = 0; i < 20; i++) {
			fds[i] = sample_connect(&site);
			sample_sends(fds[i], i % 2 ? "GET /hold HTTP/1.1\r\n" HOST "\r\n"
						   : "GET /later HTTP/1.1\r\n" HOST "\r\n");
		}
		if (round % 2)
			wait_for_held(10);
		/* sample_stop() answers what is held after the server is gone. */
		copy = site;
		sample_stop(&copy);
		site.h = NULL;
		for (int i = 0; i < 20; i++) {
			assert_true(sample_ended(fds[i], NULL));
			close(fds[i]);
		}
	}
}

static void it_stops_under_load(void **state _unused_)
{
	for (int round = 0; round < 10; round++) {
		struct client c[CLIENTS];
		_Atomic bool go_on = true;

		sample_start(&site, NULL, NULL);
		start_clients(c, &go_on);
		usleep(30000);
		sample_stop(&site);
		atomic_store(&go_on, false);
		for (int i = 0; i < CLIENTS; i++)
			pthread_join(c[i].thread, NULL);
	}
}

static void inherited_sockets_stay_open_for_the_next_one(void **state _unused_)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), waiting;
	struct sut_httpd_opts opts = {.fds = &fd, .nfds = 1};
	struct sut_httpd *h = NULL;
	struct sut_err err = {0};

	assert_int_equal(sut_httpd_start(&opts, &h, &err), -EINVAL);
	assert_says(err, "no socket that listens");
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 16), 0);
	sample_start(&site, &opts, NULL);
	assert_true(site.port > 0);
	assert_int_equal(sample_ask(&site, "GET /echo HTTP/1.1\r\n" HOST "\r\n", NULL), 200);
	assert_int_equal(sut_httpd_drain(site.h, 5), 0);
	/* Between the two nobody is turned away. */
	waiting = sample_connect(&site);
	assert_true(waiting >= 0);
	sample_sends(waiting, "GET /echo HTTP/1.1\r\n" HOST "\r\n");
	sample_stop(&site);
	sample_start(&site, &opts, NULL);
	assert_int_equal(sample_answer(waiting, false, NULL), 200);
	close(waiting);
	close(fd);
}

/* --- TLS --- */

static int certify(const char *cert_file, const char *key_file)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();
	X509_NAME *name = X509_get_subject_name(cert);
	X509_EXTENSION *ext;
	FILE *c = fopen(cert_file, "we"), *k = fopen(key_file, "we");
	int ok;

	ok = c && k && key && X509_set_version(cert, X509_VERSION_3) &&
	     ASN1_INTEGER_set(X509_get_serialNumber(cert), 1) &&
	     X509_gmtime_adj(X509_getm_notBefore(cert), -3600) &&
	     X509_gmtime_adj(X509_getm_notAfter(cert), 3600) && X509_set_pubkey(cert, key) &&
	     X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const uint8_t *)"test", -1, -1,
					0) &&
	     X509_set_issuer_name(cert, name);
	ext = X509V3_EXT_nconf_nid(NULL, NULL, NID_subject_alt_name, "IP:127.0.0.1");
	ok = ok && ext && X509_add_ext(cert, ext, -1) && X509_sign(cert, key, EVP_sha256()) &&
	     PEM_write_X509(c, cert) &&
	     PEM_write_PKCS8PrivateKey(k, key, NULL, NULL, 0, NULL, NULL);
	X509_EXTENSION_free(ext);
	X509_free(cert);
	EVP_PKEY_free(key);
	return c && k && fclose(c) == 0 && fclose(k) == 0 && ok ? 0 : -1;
}

/* A handshake of this version; whether it resumed the session in *session, which becomes the new one. */
static int handshake(int version, SSL_SESSION **session, bool *ret_resumed)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *ssl = SSL_new(ctx);
	char answer[1024];
	int fd = sample_connect(&site), r, n;

	SSL_set_min_proto_version(ssl, version);
	SSL_set_max_proto_version(ssl, version);
	SSL_set_security_level(ssl, 0);
	SSL_set_fd(ssl, fd);
	if (session && *session)
		SSL_set_session(ssl, *session);
	r = SSL_connect(ssl);
	if (r == 1) {
		static const char request[] = "GET /later HTTP/1.1\r\n" HOST "\r\n";

		assert_int_equal(SSL_write(ssl, request, sizeof(request) - 1), sizeof(request) - 1);
		n = SSL_read(ssl, answer, sizeof(answer) - 1);
		assert_true(n > 0);
		answer[n] = 0;
		assert_non_null(strstr(answer, "HTTP/1.1 200"));
		assert_non_null(strcasestr(answer, "Strict-Transport-Security: max-age="));
		if (session) {
			*ret_resumed = SSL_session_reused(ssl);
			SSL_SESSION_free(*session);
			*session = SSL_get1_session(ssl);
		}
		SSL_shutdown(ssl);
	}
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	close(fd);
	return r;
}

static void tls_is_spoken_in_its_newer_versions(void **state _unused_)
{
	_cleanup_(sut_freep) char *cert = sut_sprintf("%s/cert.pem", dir);
	_cleanup_(sut_freep) char *key = sut_sprintf("%s/key.pem", dir);
	static const int resumable[] = {TLS1_2_VERSION, TLS1_3_VERSION};
	struct sut_http_opts opts = {.ca_file = cert, .total_sec = 20};
	_cleanup_(sut_http_freep) struct sut_http *h = NULL;
	struct sut_http_answer a = {.body = SUT_BUF_INIT(4096)};
	struct sut_err err = {0};
	char url[100];

	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(certify(cert, key), 0);
	sample_start(&site, &(struct sut_httpd_opts){.cert_file = cert, .key_file = key}, NULL);
	assert_ok(sut_http_new(&opts, &h, &err), err);
	snprintf(url, sizeof(url), "https://127.0.0.1:%u/later", site.port);
	for (int i = 0; i < 3; i++) {
		assert_ok(sut_http_request(h, "POST", url, NULL, "abc", 3, &a, &err), err);
		assert_string_equal(sut_buf_str(&a.body), "POST /later? 127.0.0.1 https 3:abc");
		sut_buf_release(&a.body);
	}
	assert_int_not_equal(handshake(TLS1_1_VERSION, NULL, NULL), 1);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(resumable); i++) {
		SSL_SESSION *session = NULL;
		bool resumed = true;

		assert_int_equal(handshake(resumable[i], &session, &resumed), 1);
		assert_false(resumed);
		assert_int_equal(handshake(resumable[i], &session, &resumed), 1);
		assert_true(resumed);
		SSL_SESSION_free(session);
	}
	/* Plain HTTP gets no answer there. */
	{
		int fd = sample_connect(&site);

		sample_sends(fd, "GET /echo HTTP/1.1\r\n" HOST "\r\n");
		assert_true(sample_ended(fd, NULL));
		close(fd);
	}
}

static void bad_certificates_are_named(void **state _unused_)
{
	_cleanup_(sut_freep) char *cert = sut_sprintf("%s/cert.pem", dir);
	_cleanup_(sut_freep) char *junk = sut_sprintf("%s/junk.pem", dir);
	static const char *const listen_on[] = {"127.0.0.1:0", NULL};
	struct sut_httpd_opts opts = {.listen = listen_on, .cert_file = cert};
	struct sut_httpd *h = NULL;
	struct sut_err err = {0};

	assert_int_equal(sut_httpd_start(&opts, &h, &err), -EINVAL);
	assert_says(err, "both");
	opts.key_file = junk;
	assert_int_equal(sut_httpd_start(&opts, &h, &err), -ENOENT);
	assert_ok(sut_file_write(junk, "junk", 4, 0600, &err), err);
	err = (struct sut_err){0};
	assert_int_equal(sut_httpd_start(&opts, &h, &err), -EINVAL);
	assert_says(err, "junk.pem");
	assert_null(h);
}

/* Who holds its handshake back is let go as well. */
static void slow_handshakes_end(void **state _unused_)
{
	_cleanup_(sut_freep) char *cert = sut_sprintf("%s/cert.pem", dir);
	_cleanup_(sut_freep) char *key = sut_sprintf("%s/key.pem", dir);
	time_t before = time(NULL);
	int fd;

	assert_int_equal(certify(cert, key), 0);
	sample_start(&site,
		     &(struct sut_httpd_opts){
			     .cert_file = cert, .key_file = key, .request_sec = 1, .idle_sec = 60},
		     NULL);
	fd = sample_connect(&site);
	sample_send(fd, "\x16\x03\x01\x02\x00\x01", 6);
	assert_true(sample_ended(fd, NULL));
	assert_in_range(time(NULL) - before, 0, 5);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(a_thousand_connections_are_served, stop),
		cmocka_unit_test_teardown(as_many_events_as_are_taken_at_once_are_not_left_lying,
					  stop),
		cmocka_unit_test_teardown(connections_are_limited_in_all, stop),
		cmocka_unit_test_teardown(unix_sockets_have_no_limit_per_address, stop),
		cmocka_unit_test_teardown(a_named_client_of_a_unix_socket_is_served, stop),
		cmocka_unit_test_teardown(a_socket_left_behind_is_taken_over, stop),
		cmocka_unit_test_teardown(where_it_cannot_listen_is_said, stop),
		cmocka_unit_test_teardown(the_client_may_be_gone_before_the_answer, stop),
		cmocka_unit_test_teardown(a_client_that_only_listens_any_more_gets_its_answer,
					  stop),
		cmocka_unit_test_teardown(answers_from_many_threads_reach_the_right_ones, stop),
		cmocka_unit_test_teardown(a_drain_loses_no_request_in_flight, stop),
		cmocka_unit_test_teardown(it_stops_with_requests_that_nobody_answers, stop),
		cmocka_unit_test_teardown(it_stops_under_load, stop),
		cmocka_unit_test_teardown(inherited_sockets_stay_open_for_the_next_one, stop),
		cmocka_unit_test_teardown(tls_is_spoken_in_its_newer_versions, stop),
		cmocka_unit_test_teardown(bad_certificates_are_named, stop),
		cmocka_unit_test_teardown(slow_handshakes_end, stop),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
