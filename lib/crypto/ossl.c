// SPDX-License-Identifier: Apache-2.0
#include "crypto/ossl.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdio.h>

static _Thread_local bool starved;

static void *watched_malloc(size_t n, const char *file _unused_, int line _unused_)
{
	void *p = malloc(n);

	if (!p)
		starved = true;
	return p;
}

static void *watched_realloc(void *old, size_t n, const char *file _unused_, int line _unused_)
{
	void *p;

	/* As OpenSSL's own does. */
	if (n == 0) {
		free(old);
		return NULL;
	}
	p = realloc(old, n);
	if (!p)
		starved = true;
	return p;
}

static void watched_free(void *p, const char *file _unused_, int line _unused_)
{
	free(p);
}

/* OpenSSL takes these only before its first allocation. */
__attribute__((constructor)) static void watch(void)
{
	CRYPTO_set_mem_functions(watched_malloc, watched_realloc, watched_free);
}

int sut_ossl_enter(void)
{
	starved = false;
	return ERR_set_mark();
}

bool sut_ossl_starved(void)
{
	return starved;
}

int sut_ossl_err(struct sut_err *err, int code, const char *fmt, ...)
{
	unsigned long e = ERR_peek_last_error();
	const char *why = e ? ERR_reason_error_string(e) : NULL;
	char msg[SUT_ERR_MSG_MAX];
	va_list ap;

	if (starved)
		return sut_err_oom(err);
	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	return why ? sut_err_set(err, code, "%s (%s)", msg, why)
		   : sut_err_set(err, code, "%s", msg);
}
