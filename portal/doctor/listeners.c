// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cidr.h"
#include "base/str.h"
#include "doctor/doctor.h"
#include "http/http.h"

enum { HOST_MAX = 300, ANSWER_MAX = 64 << 10, WAIT_SEC = 5 };

static const char start[] = "Start it (systemctl start suture-portal), and look at its log";

static const char untrusted[] =
	"It answers, but not everybody can trust it: a certificate of an own authority, or one of init "
	"--self-signed, has to be given to those who call (suture-admin --ca-file, curl --cacert). "
	"Otherwise look whether tls-cert has the whole chain and the name in 'url'";

/* Where to reach what listens at "HOST:PORT": all addresses have loopback among them. */
static void target(const char *listen, char *ret, size_t size)
{
	static const char *const any[][2] = {
		{"0.0.0.0:", "127.0.0.1:"}, {"[::]:", "[::1]:"}, {":", "127.0.0.1:"}};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(any); i++)
		if (sut_startswith(listen, any[i][0])) {
			snprintf(ret, size, "%s%s", any[i][1], listen + strlen(any[i][0]));
			return;
		}
	snprintf(ret, size, "%s", listen);
}

/* GET /healthz. */
static void probe(struct doctor *d, const char *name, const char *base,
		  const struct sut_http_opts *opts)
{
	_cleanup_(sut_http_freep) struct sut_http *h = NULL;
	_cleanup_(sut_freep) char *url = sut_sprintf("%s/healthz", base);
	struct sut_http_answer a = {.body = SUT_BUF_INIT(ANSWER_MAX)};
	struct sut_err err = {0};
	int r;

	if (!url)
		return;
	r = sut_http_new(opts, &h, &err);
	if (r == 0)
		r = sut_http_request(h, "GET", url, NULL, NULL, 0, &a, &err);
	sut_buf_release(&a.body);
	if (r == -EPROTO)
		doctor_add(d, DOCTOR_WARN, "listener", untrusted, "%s: %s", name, err.msg);
	else if (r < 0)
		doctor_add(d, DOCTOR_WARN, "listener", start, "%s: %s", name, err.msg);
	else if (a.status != 200)
		doctor_add(d, DOCTOR_WARN, "listener", "Look at the portal's log",
			   "%s answers %d to /healthz", name, a.status);
	else
		doctor_add(d, DOCTOR_OK, "listener", NULL, "%s answers", name);
}

static void check(struct doctor *d, const char *listen)
{
	struct sut_http_opts opts = {
		.connect_sec = WAIT_SEC, .total_sec = WAIT_SEC, .ca_file = d->conf.s.tls_cert};
	const char *colon = strrchr(listen, ':');
	char at[HOST_MAX], base[HOST_MAX + 16];
	_cleanup_(sut_freep) char *host = NULL;

	if (sut_startswith(listen, "unix:")) {
		opts.unix_socket = listen + strlen("unix:");
		probe(d, listen, "http://localhost", &opts);
		return;
	}
	host = colon ? strndup(listen, (size_t)(colon - listen)) : NULL;
	if (!host)
		return;
	if (!d->conf.s.tls_cert && !d->conf.s.plain_http && !sut_is_loopback(host)) {
		doctor_add(
			d, DOCTOR_FAIL, "listener",
			"Set tls-cert and tls-key, or listen on loopback behind a proxy that has "
			"TLS; plain-http = yes says that you want it so",
			"%s is beyond loopback and has no TLS: the portal does not start", listen);
		return;
	}
	/* With TLS the name matters: see 'url'. Port 0 is any. */
	if (d->conf.s.tls_cert || !strcmp(colon, ":0"))
		return;
	target(listen, at, sizeof(at));
	snprintf(base, sizeof(base), "http://%s", at);
	probe(d, listen, base, &opts);
}

void doctor_listeners(struct doctor *d)
{
	struct sut_http_opts opts = {.connect_sec = WAIT_SEC, .total_sec = WAIT_SEC};

	for (size_t i = 0; i < d->conf.s.listen.n; i++)
		check(d, d->conf.s.listen.v[i]);
	if (d->conf.s.url)
		probe(d, d->conf.s.url, d->conf.s.url, &opts);
	else
		doctor_add(d, DOCTOR_WARN, "url", "Set 'url' to how the world reaches this portal",
			   "is not set, so /install cannot tell where to come");
}
