// SPDX-License-Identifier: Apache-2.0
#include "job/httpsig.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "crypto/base64.h"
#include "crypto/sha256.h"

#define LABEL "sig1"

int sut_content_digest(const void *body, size_t len, struct sut_buf *out)
{
	uint8_t digest[SUT_SHA256_LEN];
	size_t before = out->len;
	int r;

	sut_sha256(body, len, digest);
	r = sut_buf_addstr(out, "sha-256=:");
	if (r == 0)
		r = sut_base64_encode(digest, sizeof(digest), out);
	if (r == 0)
		r = sut_buf_addstr(out, ":");
	if (r < 0 && out->data)
		out->data[out->len = before] = 0;
	return r;
}

/* Names of fields in lower case, and derived components. */
static bool is_name(const char *s)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-_.";
	size_t len = strlen(s);

	if (*s == '@')
		s++;
	return *s && len < SUT_HTTPSIG_NAME && s[strspn(s, allowed)] == '\0';
}

/* What may stand between quotes without an escape, which nothing that we write needs. */
static bool is_word(const char *s)
{
	for (; *s; s++)
		if (*s < ' ' || *s > '~' || *s == '"' || *s == '\\')
			return false;
	return true;
}

static bool is_value(const char *s)
{
	for (; *s; s++)
		if ((*s < ' ' && *s != '\t') || *s > '~')
			return false;
	return true;
}

/* Section 2.5: a line for each component, and the parameters as the last one, without an end. */
static int add_base(const struct sut_httpsig_component *c, size_t n, const char *inner,
		    struct sut_buf *out)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = sut_buf_addf(out, "\"%s\": %s\n", c[i].name, c[i].value);
	return r < 0 ? r : sut_buf_addf(out, "\"@signature-params\": %s", inner);
}

/* ------------------------------------------------------------------ */

static int add_word(struct sut_buf *b, const char *name, const char *value)
{
	return *value ? sut_buf_addf(b, ";%s=\"%s\"", name, value) : 0;
}

static int add_inner(const struct sut_httpsig_component *c, size_t n,
		     const struct sut_httpsig_params *p, struct sut_buf *b)
{
	int r = sut_buf_addstr(b, "(");

	for (size_t i = 0; r == 0 && i < n; i++)
		r = sut_buf_addf(b, "%s\"%s\"", i ? " " : "", c[i].name);
	if (r == 0)
		r = sut_buf_addstr(b, ")");
	if (r == 0 && p->created >= 0)
		r = sut_buf_addf(b, ";created=%" PRId64, p->created);
	if (r == 0 && p->expires >= 0)
		r = sut_buf_addf(b, ";expires=%" PRId64, p->expires);
	if (r == 0)
		r = add_word(b, "keyid", p->keyid);
	if (r == 0)
		r = add_word(b, "alg", p->alg);
	if (r == 0)
		r = add_word(b, "nonce", p->nonce);
	return r < 0 ? r : add_word(b, "tag", p->tag);
}

static int check_args(const struct sut_httpsig_component *c, size_t n,
		      const struct sut_httpsig_params *p, struct sut_err *err)
{
	bool ok = n <= SUT_HTTPSIG_COMPONENTS && is_word(p->keyid) && is_word(p->alg) &&
		  is_word(p->nonce) && is_word(p->tag);

	for (size_t i = 0; ok && i < n; i++)
		ok = is_name(c[i].name) && is_value(c[i].value);
	return ok ? 0
		  : sut_err_set(err, EINVAL,
				"a request cannot be signed: a name or a value holds what no "
				"header may");
}

static int too_long(int r, struct sut_err *err)
{
	return r == -ENOMEM ? sut_err_oom(err)
			    : sut_err_set(err, EINVAL, "a request is too long to be signed");
}

int sut_httpsig_sign(const struct sut_privkey *key, const struct sut_httpsig_component *c, size_t n,
		     const struct sut_httpsig_params *p, struct sut_buf *ret_input,
		     struct sut_buf *ret_signature, struct sut_err *err)
{
	_cleanup_(sut_pubkey_freep) struct sut_pubkey *public = NULL;
	_cleanup_buf_ struct sut_buf inner = SUT_BUF_INIT(SUT_HTTPSIG_MAX);
	_cleanup_buf_ struct sut_buf base = SUT_BUF_INIT(SUT_HTTPSIG_BASE_MAX);
	_cleanup_buf_ struct sut_buf sig = SUT_BUF_INIT(SUT_SIG_MAX);
	_cleanup_buf_ struct sut_buf text = SUT_BUF_INIT(SUT_HTTPSIG_MAX);
	int r = check_args(c, n, p, err);

	if (r == 0)
		r = sut_privkey_public(key, &public, err);
	if (r < 0)
		return r;
	if (sut_pubkey_type(public) != SUT_KEY_ED25519)
		return sut_err_set(err, EINVAL, "the key that signs requests is no Ed25519 key");
	r = add_inner(c, n, p, &inner);
	if (r == 0)
		r = add_base(c, n, sut_buf_str(&inner), &base);
	if (r < 0)
		return too_long(r, err);
	r = sut_privkey_sign(key, base.data, base.len, &sig, err);
	if (r < 0)
		return r;
	r = sut_buf_addstr(&text, LABEL "=:");
	if (r == 0)
		r = sut_base64_encode(sig.data, sig.len, &text);
	if (r == 0)
		r = sut_buf_addstr(&text, ":");
	/* Both or none. */
	if (r == 0)
		r = sut_buf_reserve(ret_signature, text.len);
	if (r == 0)
		r = sut_buf_addf(ret_input, LABEL "=%s", sut_buf_str(&inner));
	if (r == 0)
		r = sut_buf_add(ret_signature, text.data, text.len);
	return r < 0 ? too_long(r, err) : 0;
}

/* ------------------------------------------------------------------ */

static int bad(struct sut_err *err, const char *what)
{
	return sut_err_reason(err, EBADMSG, "signature-input",
			      "the signature of the request is not understood: %s. RFC 9421 with "
			      "Ed25519, one signature, and plain names are needed",
			      what);
}

static bool take_char(const char **p, char c)
{
	if (**p != c)
		return false;
	(*p)++;
	return true;
}

/* A quoted text without escapes. */
static bool take_quoted(const char **p, char *ret, size_t size)
{
	size_t n;

	if (!take_char(p, '"'))
		return false;
	n = strcspn(*p, "\"");
	if ((*p)[n] != '"' || n >= size)
		return false;
	memcpy(ret, *p, n);
	ret[n] = 0;
	*p += n + 1;
	return is_word(ret);
}

static bool take_number(const char **p, int64_t *ret)
{
	char digits[20];
	size_t n = strspn(*p, "0123456789");
	uint64_t v;

	if (!n || n > 15 || *ret >= 0)
		return false;
	memcpy(digits, *p, n);
	digits[n] = 0;
	*p += n;
	if (sut_parse_u64(digits, INT64_MAX, &v) < 0)
		return false;
	*ret = (int64_t)v;
	return true;
}

static bool take_param(const char **p, struct sut_httpsig_params *ret)
{
	const struct {
		const char *name;
		char *word;
	} words[] = {{"keyid=", ret->keyid},
		     {"alg=", ret->alg},
		     {"nonce=", ret->nonce},
		     {"tag=", ret->tag}};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(words); i++)
		if (sut_startswith(*p, words[i].name)) {
			*p += strlen(words[i].name);
			return !*words[i].word && take_quoted(p, words[i].word, SUT_HTTPSIG_WORD) &&
			       *words[i].word;
		}
	if (sut_startswith(*p, "created=")) {
		*p += 8;
		return take_number(p, &ret->created);
	}
	if (!sut_startswith(*p, "expires="))
		return false;
	*p += 8;
	return take_number(p, &ret->expires);
}

static int take_names(const char **p, struct sut_httpsig *s, struct sut_err *err)
{
	while (!take_char(p, ')')) {
		if (s->n == SUT_HTTPSIG_COMPONENTS)
			return bad(err, "it covers too much");
		if ((s->n && !take_char(p, ' ')) ||
		    !take_quoted(p, s->names[s->n], SUT_HTTPSIG_NAME) || !is_name(s->names[s->n]))
			return bad(err, "the list of what it covers is malformed");
		for (size_t i = 0; i < s->n; i++)
			if (strcmp(s->names[i], s->names[s->n]) == 0)
				return bad(err, "it covers something twice");
		s->n++;
	}
	return 0;
}

/* Bytes of the label and '='. 0: there is none. */
static size_t label_len(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_-.*");

	return n && s[n] == '=' && (*s == '*' || (*s >= 'a' && *s <= 'z')) ? n + 1 : 0;
}

int sut_httpsig_parse(const char *input, const char *signature, struct sut_httpsig *ret,
		      struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf raw = SUT_BUF_INIT(SUT_SIG_MAX);
	_cleanup_(sut_freep) struct sut_httpsig *s = NULL;
	size_t label = label_len(input), len = strlen(signature);
	const char *p = input + label;
	int r;

	if (strlen(input) > SUT_HTTPSIG_MAX || len > SUT_HTTPSIG_MAX)
		return bad(err, "it is too long");
	if (!label || len < label + 2 || strncmp(input, signature, label) != 0)
		return bad(err, "the labels of its two headers differ, or there are none");
	if (signature[label] != ':' || signature[len - 1] != ':')
		return bad(err, "Signature is malformed");
	s = calloc(1, sizeof(*s));
	if (!s)
		return sut_err_oom(err);
	s->params.created = s->params.expires = -1;
	r = sut_base64_decode(signature + label + 1, len - label - 2, &raw);
	if (r == -ENOMEM)
		return sut_err_oom(err);
	if (r < 0 || raw.len != sizeof(s->sig))
		return bad(err, "Signature holds no signature of Ed25519");
	memcpy(s->sig, raw.data, sizeof(s->sig));
	memcpy(s->inner, p, strlen(p) + 1);
	if (!take_char(&p, '('))
		return bad(err, "Signature-Input is malformed");
	r = take_names(&p, s, err);
	if (r < 0)
		return r;
	while (*p)
		if (!take_char(&p, ';') || !take_param(&p, &s->params))
			return bad(err, "its parameters are malformed, or one is not known");
	if (*s->params.alg && strcmp(s->params.alg, "ed25519") != 0)
		return bad(err, "its algorithm is another one");
	*ret = *s;
	return 0;
}

static bool covers(const struct sut_httpsig *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->names[i], name) == 0)
			return true;
	return false;
}

int sut_httpsig_verify(const struct sut_httpsig *s, const struct sut_pubkey *key,
		       const struct sut_httpsig_component *c, size_t n, const char *const *must,
		       struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf base = SUT_BUF_INIT(SUT_HTTPSIG_BASE_MAX);
	struct sut_httpsig_component covered[SUT_HTTPSIG_COMPONENTS];
	int r;

	for (; must && *must; must++)
		if (!covers(s, *must))
			return sut_err_reason(err, EKEYREJECTED, "not-covered",
					      "the signature of the request does not cover %s",
					      *must);
	for (size_t i = 0; i < s->n; i++) {
		size_t j = 0;

		while (j < n && strcmp(c[j].name, s->names[i]) != 0)
			j++;
		if (j == n || !is_value(c[j].value))
			return bad(err, "it covers what the message does not have");
		covered[i] = c[j];
	}
	r = add_base(covered, s->n, s->inner, &base);
	if (r < 0)
		return r == -ENOMEM ? sut_err_oom(err) : bad(err, "it covers too much");
	r = sut_pubkey_type(key) == SUT_KEY_ED25519
		    ? sut_pubkey_verify(key, base.data, base.len, s->sig, sizeof(s->sig))
		    : -EKEYREJECTED;
	if (r == -ENOMEM)
		return sut_err_oom(err);
	if (r < 0)
		return sut_err_reason(err, -r, "signature",
				      "the signature of the request is not good: it was changed "
				      "on the way, or another key made it");
	return 0;
}
