// SPDX-License-Identifier: Apache-2.0
#include "web/script.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>

#include "base/file.h"

#define BEGIN "\n# --- settings"
#define END "# --- end of settings ---\n"

/* NAME='VALUE', whatever VALUE holds. */
static int assign(struct sut_buf *b, const char *name, const char *value)
{
	int r = sut_buf_addf(b, "%s='", name);

	while (r == 0 && *value) {
		size_t n = strcspn(value, "'");

		r = sut_buf_add(b, value, n);
		value += n;
		if (r == 0 && *value) {
			r = sut_buf_addstr(b, "'\\''");
			value++;
		}
	}
	return r < 0 ? r : sut_buf_addstr(b, "'\n");
}

/* The bytes of `script` behind the first line that begins so; NULL: there is none. */
static const char *behind_line(const char *script, size_t len, const char *begin)
{
	const char *at = memmem(script, len, begin, strlen(begin)), *nl;

	if (!at)
		return NULL;
	nl = memchr(at + 1, '\n', len - (size_t)(at + 1 - script));
	return nl ? nl + 1 : NULL;
}

int web_script_fill(const void *script, size_t len, const struct web_script_value *v, size_t n,
		    struct sut_buf *b, struct sut_err *err)
{
	const char *text = script, *begin = behind_line(text, len, BEGIN),
		   *end = memmem(text, len, END, sizeof(END) - 1);
	int r;

	if (!begin || !end || end < begin)
		return sut_err_set(err, EINVAL, "the script has no place for settings");
	r = sut_buf_add(b, text, (size_t)(begin - text));
	for (size_t i = 0; r == 0 && i < n; i++)
		r = assign(b, v[i].name, v[i].value ? v[i].value : "");
	if (r == 0)
		r = sut_buf_add(b, end, len - (size_t)(end - text));
	return r < 0 ? sut_err_oom(err) : 0;
}

static int add_certificate(X509 *x, struct sut_buf *b)
{
	BIO *out = BIO_new(BIO_s_mem());
	char *text;
	long n;
	int r = -ENOMEM;

	if (out && PEM_write_bio_X509(out, x) == 1) {
		n = BIO_get_mem_data(out, &text);
		r = n > 0 ? sut_buf_add(b, text, (size_t)n) : -ENOMEM;
	}
	BIO_free(out);
	return r;
}

/* All certificates, or only the last one, when it signed itself. */
static int certificates(const struct sut_buf *pem, bool root_only, struct sut_buf *b)
{
	BIO *in = BIO_new_mem_buf(pem->data, (int)pem->len);
	X509 *x, *last = NULL;
	int r = in ? 0 : -ENOMEM;

	ERR_set_mark();
	while (r == 0 && (x = PEM_read_bio_X509(in, NULL, NULL, NULL))) {
		if (!root_only)
			r = add_certificate(x, b);
		X509_free(last);
		last = x;
	}
	if (r == 0 && root_only && last && X509_self_signed(last, 1) == 1)
		r = add_certificate(last, b);
	ERR_pop_to_mark();
	X509_free(last);
	BIO_free(in);
	return r;
}

int web_script_ca(const struct sut_buf *given, const char *cert_file, struct sut_buf *b,
		  struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf pem = SUT_BUF_INIT(WEB_SCRIPT_CA_MAX);
	int r = 0;

	if (given->len) {
		r = certificates(given, false, b);
	} else if (cert_file) {
		r = sut_file_read(cert_file, &pem, err);
		if (r < 0)
			return r;
		r = pem.len ? certificates(&pem, true, b) : 0;
	}
	return r < 0 ? sut_err_oom(err) : 0;
}
