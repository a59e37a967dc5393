// SPDX-License-Identifier: Apache-2.0
/*
 * A TLS server, and a client that notices every message lost: what the demo patches in memory.
 *
 *   tlstalk server PORT CERT KEY   answers "ping N" with "pong N", and "check" with whether the hole of
 *                                  CVE-2026-31790 is open in its own copy of libcrypto; a thread for each connection
 *   tlstalk client PORT            keeps one connection busy and makes a new one now and then, until SIGTERM;
 *                                  then prints what was sent and lost, and the longest time without an answer
 *   tlstalk ask PORT               prints what the server says to "check"
 */
#include <arpa/inet.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LINE = 256, NEW_EVERY = 20 };

static SSL_CTX *context;
static volatile sig_atomic_t stop;
static time_t started;

static __attribute__((noreturn)) void die(const char *what)
{
	perror(what);
	ERR_print_errors_fp(stderr);
	exit(1);
}

/* RSASVE with an even modulus cannot work. A libcrypto with the hole says that it did. */
static bool hole_is_open(void)
{
	unsigned char modulus[256], out[256], secret[256];
	size_t outlen = sizeof(out), secretlen = sizeof(secret);
	OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *make = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL), *use = NULL;
	EVP_PKEY *key = NULL;
	OSSL_PARAM *params;
	BIGNUM *n, *e = BN_new();
	int r = 0;

	memset(modulus, 0xff, sizeof(modulus));
	modulus[sizeof(modulus) - 1] = 0xfe;
	n = BN_bin2bn(modulus, sizeof(modulus), NULL);
	if (!b || !make || !n || !e || !BN_set_word(e, RSA_F4) ||
	    !OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_N, n) ||
	    !OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_E, e))
		die("key");
	params = OSSL_PARAM_BLD_to_param(b);
	if (!params || EVP_PKEY_fromdata_init(make) <= 0 ||
	    EVP_PKEY_fromdata(make, &key, EVP_PKEY_PUBLIC_KEY, params) <= 0)
		die("key");
	use = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	if (!use || EVP_PKEY_encapsulate_init(use, NULL) <= 0 ||
	    EVP_PKEY_CTX_set_kem_op(use, "RSASVE") <= 0)
		die("encapsulate");
	r = EVP_PKEY_encapsulate(use, out, &outlen, secret, &secretlen);
	ERR_clear_error();
	EVP_PKEY_CTX_free(use);
	EVP_PKEY_CTX_free(make);
	EVP_PKEY_free(key);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(b);
	BN_free(n);
	BN_free(e);
	return r > 0;
}

/* A line with its newline; false at the end. */
static bool read_line(SSL *s, char *line)
{
	size_t len = 0;

	while (len < LINE - 1 && SSL_read(s, line + len, 1) == 1)
		if (line[len++] == '\n') {
			line[len] = '\0';
			return true;
		}
	return false;
}

static bool write_line(SSL *s, const char *line)
{
	int len = (int)strlen(line);

	return SSL_write(s, line, len) == len;
}

static void *talk(void *arg)
{
	int fd = (int)(intptr_t)arg;
	SSL *s = SSL_new(context);
	char line[LINE], answer[LINE];

	if (s && SSL_set_fd(s, fd) && SSL_accept(s) == 1)
		while (read_line(s, line)) {
			if (!strcmp(line, "check\n"))
				snprintf(answer, sizeof(answer), "%s (process %d, up for %ld s)\n",
					 hole_is_open() ? "VULNERABLE" : "FIXED", (int)getpid(),
					 (long)(time(NULL) - started));
			else
				snprintf(answer, sizeof(answer), "pong%s",
					 line + strcspn(line, " \n"));
			if (!write_line(s, answer))
				break;
		}
	SSL_free(s);
	close(fd);
	return NULL;
}

static __attribute__((noreturn)) void serve(int port, const char *cert, const char *key)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	context = SSL_CTX_new(TLS_server_method());
	if (!context || SSL_CTX_use_certificate_chain_file(context, cert) != 1 ||
	    SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1)
		die(cert);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) < 0 ||
	    bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(fd, 64) < 0)
		die("listen");
	started = time(NULL);
	for (;;) {
		int c = accept(fd, NULL, NULL);
		pthread_t t;

		if (c < 0)
			die("accept");
		if (pthread_create(&t, NULL, talk, (void *)(intptr_t)c) != 0)
			close(c);
		else
			pthread_detach(t);
	}
}

static SSL *call(int port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	SSL *s = SSL_new(context);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || !s || connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0 ||
	    !SSL_set_fd(s, fd) || SSL_connect(s) != 1) {
		SSL_free(s);
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	return s;
}

static void hang_up(SSL *s)
{
	int fd = s ? SSL_get_fd(s) : -1;

	SSL_free(s);
	if (fd >= 0)
		close(fd);
}

static bool ping(SSL *s, unsigned long n)
{
	char line[LINE], want[LINE];

	snprintf(line, sizeof(line), "ping %lu\n", n);
	snprintf(want, sizeof(want), "pong %lu\n", n);
	return s && write_line(s, line) && read_line(s, line) && !strcmp(line, want);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void on_term(int sig)
{
	(void)sig;
	stop = 1;
}

static int traffic(int port)
{
	struct sigaction act = {.sa_handler = on_term, .sa_flags = SA_RESTART};
	unsigned long sent = 0, lost = 0, connections = 1;
	double longest = 0;
	SSL *s = call(port);

	sigaction(SIGTERM, &act, NULL);
	if (!s)
		die("connect");
	while (!stop) {
		double t = now();
		bool good;

		if (++sent % NEW_EVERY == 0) {
			SSL *fresh = call(port);

			connections++;
			good = ping(fresh, sent);
			hang_up(fresh);
		} else {
			good = ping(s, sent);
			if (now() - t > longest)
				longest = now() - t;
		}
		if (!good) {
			lost++;
			hang_up(s);
			s = call(port);
		}
	}
	printf("messages %lu lost %lu connections %lu longest_us %.0f\n", sent, lost, connections,
	       longest * 1e6);
	hang_up(s);
	return lost != 0;
}

static int ask(int port)
{
	SSL *s = call(port);
	char line[LINE];

	if (!s || !write_line(s, "check\n") || !read_line(s, line))
		die("ask");
	fputs(line, stdout);
	hang_up(s);
	return 0;
}

int main(int argc, char **argv)
{
	int port = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 0;

	signal(SIGPIPE, SIG_IGN);
	if (argc == 5 && !strcmp(argv[1], "server"))
		serve(port, argv[3], argv[4]);
	context = SSL_CTX_new(TLS_client_method());
	if (argc == 3 && context && !strcmp(argv[1], "client"))
		return traffic(port);
	if (argc == 3 && context && !strcmp(argv[1], "ask"))
		return ask(port);
	fprintf(stderr, "usage: tlstalk server PORT CERT KEY | client PORT | ask PORT\n");
	return 64;
}
