// SPDX-License-Identifier: Apache-2.0
#include "account/webhook.h"

#include <ctype.h>
#include <errno.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#include "base/buf.h"
#include "base/cidr.h"
#include "base/str.h"
#include "crypto/base64.h"

static int bad(struct sut_err *err, const char *why)
{
	return sut_err_set(err, EINVAL, "%s", why);
}

/* Addresses of this machine and of its links, as sut_http's no_private. */
static bool is_private(const char *host)
{
	static const char *const nets[] = {"0.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4",
					   "::/128",	"fe80::/10",	  "ff00::/8"};

	if (sut_is_loopback(host))
		return true;
	for (size_t i = 0; i < SUT_ARRAY_SIZE(nets); i++) {
		struct sut_cidr net;

		if (sut_cidr_parse(nets[i], &net, NULL) == 0 && sut_cidr_has(&net, host))
			return true;
	}
	return false;
}

/* Where the authority of the URL begins; 0: neither http nor https. */
static size_t scheme_len(const char *url)
{
	return sut_startswith(url, "https://") ? 8 : sut_startswith(url, "http://") ? 7 : 0;
}

int webhook_url_check(const char *url, bool private_ok, struct sut_err *err)
{
	size_t at = scheme_len(url), len, name;
	char host[256];
	const char *port;

	if (strlen(url) > WEBHOOK_URL_MAX)
		return bad(err, "The URL is longer than 2048 bytes.");
	for (const char *p = url; *p; p++)
		if (*p <= ' ' || *p >= 0x7f || strchr("\"<>\\^`{|}", *p))
			return bad(err,
				   "The URL holds characters that have to be percent-encoded.");
	if (!at || (at == 7 && !private_ok))
		return bad(err, private_ok ? "The URL has to begin with https:// or http://."
					   : "The URL has to begin with https://.");
	if (strchr(url, '#'))
		return bad(err, "The URL has a fragment (#…), which is never sent; leave it out.");
	url += at;
	len = strcspn(url, "/?");
	if (memchr(url, '@', len))
		return bad(err,
			   "The URL holds a user or a password, which others would see; let the "
			   "receiver verify the signature instead.");
	if (url[0] == '[') {
		name = strcspn(url, "]");
		if (name >= len || name - 1 >= sizeof(host))
			return bad(err, "The URL has a malformed host.");
		(void)snprintf(host, sizeof(host), "%.*s", (int)name - 1, url + 1);
		if (strspn(host, "0123456789abcdefABCDEF:.") != strlen(host))
			return bad(err, "The URL has a malformed host.");
		name++;
	} else {
		name = strspn(url,
			      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_");
		if (name > len)
			name = len;
		if (name == 0 || name >= sizeof(host))
			return bad(err, "The URL has no host, or a malformed one.");
		(void)snprintf(host, sizeof(host), "%.*s", (int)name, url);
	}
	port = url + name;
	if (name < len) {
		char digits[8];
		uint64_t n;

		if (*port != ':' || len - name - 1 >= sizeof(digits))
			return bad(err, "The URL has a malformed port.");
		(void)snprintf(digits, sizeof(digits), "%.*s", (int)(len - name - 1), port + 1);
		if (sut_parse_u64(digits, 65535, &n) < 0 || n == 0 ||
		    !isdigit((unsigned char)digits[0]))
			return bad(err, "The URL has a malformed port.");
	}
	if (!private_ok && is_private(host))
		return bad(err,
			   "The URL leads to this machine or its link. Where that is wanted, the "
			   "operator sets private-webhooks = yes.");
	return 0;
}

char *webhook_url_short(const char *url)
{
	size_t at = scheme_len(url), len = at + strcspn(url + at, "/?");

	return sut_sprintf("%.*s%s", (int)len, url, url[len] ? "/…" : "");
}

int webhook_sign(const char *secret, const char *id, int64_t timestamp, const char *body,
		 char ret[static WEBHOOK_SIGNATURE_MAX], struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf text = SUT_BUF_INIT(SIZE_MAX / 2);
	_cleanup_buf_ struct sut_buf coded = SUT_BUF_INIT(WEBHOOK_SIGNATURE_MAX);
	uint8_t mac[EVP_MAX_MD_SIZE];
	unsigned int len = 0;

	if (sut_buf_addf(&text, "%s.%lld.", id, (long long)timestamp) < 0 ||
	    sut_buf_addstr(&text, body) < 0)
		return sut_err_oom(err);
	if (!HMAC(EVP_sha256(), secret, (int)strlen(secret), text.data, text.len, mac, &len) ||
	    sut_base64_encode(mac, len, &coded) < 0)
		return sut_err_oom(err);
	(void)snprintf(ret, WEBHOOK_SIGNATURE_MAX, "v1,%s", sut_buf_str(&coded));
	return 0;
}

int64_t webhook_wait(int64_t attempts)
{
	static const int64_t waits[] = {5, 60, 5 * 60, 30 * 60, 2 * 3600, 4 * 3600, 6 * 3600};
	size_t last = SUT_ARRAY_SIZE(waits) - 1;

	if (attempts < 1)
		return waits[0];
	return waits[attempts - 1 < (int64_t)last ? (size_t)attempts - 1 : last];
}
