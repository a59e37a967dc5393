// SPDX-License-Identifier: Apache-2.0
#include "crypto/pem.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "crypto/base64.h"
#include "crypto/key.h"

static const char dashes[] = "-----";

enum {
	DASHES = sizeof(dashes) - 1,
	LINE_BYTES = 48, /* become 64 characters (RFC 7468 section 2) */
};

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

struct cursor {
	const char *p, *end;
};

static void skip_space(struct cursor *c)
{
	while (c->p < c->end && is_space(*c->p))
		c->p++;
}

static bool take(struct cursor *c, const char *text)
{
	size_t n = strlen(text);

	if ((size_t)(c->end - c->p) < n || memcmp(c->p, text, n) != 0)
		return false;
	c->p += n;
	return true;
}

/* Capital letters, digits and single spaces, as all labels in use are. */
static bool take_label(struct cursor *c, char label[static SUT_PEM_LABEL_MAX])
{
	size_t n = 0;

	while (c->p < c->end && n < SUT_PEM_LABEL_MAX - 1 &&
	       ((*c->p >= 'A' && *c->p <= 'Z') || (*c->p >= '0' && *c->p <= '9') || *c->p == ' '))
		label[n++] = *c->p++;
	label[n] = 0;
	return n > 0;
}

/* The characters of the body without white space; the cursor is then at the first dash. */
static int collect(struct cursor *c, struct sut_buf *body, struct sut_err *err)
{
	if (sut_buf_reserve(body, (size_t)(c->end - c->p)) < 0)
		return sut_err_oom(err);
	for (; c->p < c->end && *c->p != '-'; c->p++)
		if (!is_space(*c->p) && sut_buf_add(body, c->p, 1) < 0)
			return sut_err_oom(err);
	return 0;
}

int sut_pem_decode(const char *text, size_t len, char ret_label[static SUT_PEM_LABEL_MAX],
		   struct sut_buf *out, struct sut_err *err)
{
	_cleanup_secret_ struct sut_buf body = SUT_BUF_INIT(len);
	/* An empty buffer may have no memory. */
	struct cursor c = {.p = len ? text : ""};
	char label[SUT_PEM_LABEL_MAX];
	int r;

	c.end = c.p + len;
	skip_space(&c);
	if (!take(&c, "-----BEGIN ") || !take_label(&c, label) || !take(&c, dashes))
		return sut_err_set(err, EBADMSG,
				   "this is not PEM: it does not begin with \"-----BEGIN \"");
	if (c.p < c.end && !is_space(*c.p))
		return sut_err_set(err, EBADMSG,
				   "the PEM text has no line end after its first line");
	r = collect(&c, &body, err);
	if (r < 0)
		return r;
	if (!take(&c, "-----END ") || !take(&c, label) || !take(&c, dashes))
		return sut_err_set(
			err, EBADMSG,
			"the PEM text has no line \"-----END %s-----\": it is cut short or damaged",
			label);
	skip_space(&c);
	if (c.p < c.end)
		return sut_err_set(
			err, EBADMSG,
			"something follows the PEM text: one %s is wanted and nothing else", label);
	r = sut_base64_decode(sut_buf_str(&body), body.len, out);
	if (r == -EINVAL)
		return sut_err_set(err, EBADMSG, "the PEM text is not well-formed base64");
	if (r < 0)
		return r == -ENOMEM ? sut_err_oom(err)
				    : sut_err_set(err, EBADMSG,
						  "the PEM text has more than %zu bytes of data",
						  out->max);
	memcpy(ret_label, label, sizeof(label));
	return 0;
}

int sut_pem_encode(const char *label, const void *data, size_t len, struct sut_buf *out,
		   struct sut_err *err)
{
	const uint8_t *p = data;
	/* Asked for at once: growing would leave a copy of the text behind. */
	int r = sut_buf_reserve(out, len / 3 * 4 + len / LINE_BYTES +
					     2 * (strlen(label) + sizeof("-----BEGIN -----\n")) +
					     8);

	if (r >= 0)
		r = sut_buf_addf(out, "-----BEGIN %s-----\n", label);
	for (size_t i = 0; r >= 0 && i < len; i += LINE_BYTES) {
		r = sut_base64_encode(p + i, len - i < LINE_BYTES ? len - i : LINE_BYTES, out);
		if (r >= 0)
			r = sut_buf_addstr(out, "\n");
	}
	if (r >= 0)
		r = sut_buf_addf(out, "-----END %s-----\n", label);
	return r >= 0	      ? 0
	       : r == -ENOMEM ? sut_err_oom(err)
			      : sut_err_set(err, -r, "no room for a %s in PEM", label);
}
