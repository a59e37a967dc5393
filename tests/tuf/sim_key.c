// SPDX-License-Identifier: Apache-2.0
/* Keys, canonical JSON and signatures of the simulator, made without the libraries under test. */
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sim.h"

void sim_die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("  the test itself is wrong: ", stdout);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
	_Exit(3);
}

char *sim_str(const char *fmt, ...)
{
	va_list ap;
	char *s = NULL;

	va_start(ap, fmt);
	if (vasprintf(&s, fmt, ap) < 0)
		sim_die("out of memory");
	va_end(ap);
	return s;
}

/* --- canonical JSON: keys sorted by bytes, no white space, two characters escaped --- */

struct text {
	char *p;
	size_t len, cap;
};

static void add(struct text *t, const char *s, size_t n)
{
	if (t->len + n + 1 > t->cap) {
		t->cap = (t->len + n + 1) * 2;
		t->p = realloc(t->p, t->cap);
		if (!t->p)
			sim_die("out of memory");
	}
	memcpy(t->p + t->len, s, n);
	t->len += n;
	t->p[t->len] = '\0';
}

static void add_string(struct text *t, const char *s, size_t n)
{
	add(t, "\"", 1);
	for (size_t i = 0; i < n; i++) {
		if (s[i] == '"' || s[i] == '\\')
			add(t, "\\", 1);
		add(t, s + i, 1);
	}
	add(t, "\"", 1);
}

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void add_value(struct text *t, const json_t *j)
{
	const char **keys, *key;
	json_t *value;
	size_t n = 0, i;
	char num[32];

	switch (json_typeof(j)) {
	case JSON_OBJECT:
		keys = calloc(json_object_size(j) + 1, sizeof(*keys));
		if (!keys)
			sim_die("out of memory");
		json_object_foreach((json_t *)j, key, value)
			keys[n++] = key;
		qsort(keys, n, sizeof(*keys), by_bytes);
		add(t, "{", 1);
		for (i = 0; i < n; i++) {
			if (i)
				add(t, ",", 1);
			add_string(t, keys[i], strlen(keys[i]));
			add(t, ":", 1);
			add_value(t, json_object_get(j, keys[i]));
		}
		add(t, "}", 1);
		free(keys);
		break;
	case JSON_ARRAY:
		add(t, "[", 1);
		for (i = 0; i < json_array_size(j); i++) {
			if (i)
				add(t, ",", 1);
			add_value(t, json_array_get(j, i));
		}
		add(t, "]", 1);
		break;
	case JSON_STRING:
		add_string(t, json_string_value(j), json_string_length(j));
		break;
	case JSON_INTEGER:
		snprintf(num, sizeof(num), "%lld", (long long)json_integer_value(j));
		add(t, num, strlen(num));
		break;
	case JSON_TRUE:
		add(t, "true", 4);
		break;
	case JSON_FALSE:
		add(t, "false", 5);
		break;
	case JSON_NULL:
		add(t, "null", 4);
		break;
	default:
		sim_die("a real number has no canonical form");
	}
}

char *sim_canonical(const json_t *j, size_t *ret_len)
{
	struct text t = {0};

	add_value(&t, j);
	if (ret_len)
		*ret_len = t.len;
	return t.p;
}

static char *hex(const uint8_t *p, size_t n)
{
	char *s = malloc(2 * n + 1);

	if (!s)
		sim_die("out of memory");
	s[0] = '\0';
	for (size_t i = 0; i < n; i++)
		snprintf(s + 2 * i, 3, "%02x", p[i]);
	return s;
}

char *sim_hash(const char *name, const void *data, size_t len)
{
	const EVP_MD *md = EVP_get_digestbyname(name);
	uint8_t out[EVP_MAX_MD_SIZE];
	unsigned int n;

	if (!md || EVP_Digest(data, len, out, &n, md, NULL) != 1)
		sim_die("no hash %s", name);
	return hex(out, n);
}

char *sim_time(int64_t t)
{
	time_t tt = (time_t)t;
	struct tm tm;
	char s[32];

	gmtime_r(&tt, &tm);
	strftime(s, sizeof(s), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return sim_str("%s", s);
}

char *sim_quote(const char *name)
{
	struct text t = {0};

	add(&t, "", 0);
	for (; *name; name++) {
		char c[4];

		if ((*name >= 'a' && *name <= 'z') || (*name >= 'A' && *name <= 'Z') ||
		    (*name >= '0' && *name <= '9') || strchr("-._~", *name))
			snprintf(c, sizeof(c), "%c", *name);
		else
			snprintf(c, sizeof(c), "%%%02X", (unsigned char)*name);
		add(&t, c, strlen(c));
	}
	return t.p;
}

/* --- keys --- */

static char *pem_of(EVP_PKEY *pkey)
{
	BIO *b = BIO_new(BIO_s_mem());
	char *data, *s;
	long n;

	if (!b || PEM_write_bio_PUBKEY(b, pkey) != 1)
		sim_die("no PEM");
	n = BIO_get_mem_data(b, &data);
	s = sim_str("%.*s", (int)n, data);
	BIO_free(b);
	return s;
}

static char *raw_of(EVP_PKEY *pkey)
{
	uint8_t raw[32];
	size_t n = sizeof(raw);

	if (EVP_PKEY_get_raw_public_key(pkey, raw, &n) != 1)
		sim_die("no raw key");
	return hex(raw, n);
}

void sim_key_rename(struct sim_key *k)
{
	size_t n;
	char *c = sim_canonical(k->json, &n), *id = sim_hash("sha256", c, n);

	memcpy(k->id, id, sizeof(k->id));
	free(c);
	free(id);
}

struct sim_key *sim_key_new(enum sim_key_type type)
{
	struct sim_key *k = calloc(1, sizeof(*k));
	const char *keytype, *scheme;
	char *pub;

	if (!k)
		sim_die("out of memory");
	switch (type) {
	case SIM_ECDSA:
		k->pkey = EVP_EC_gen("P-256");
		keytype = "ecdsa";
		scheme = "ecdsa-sha2-nistp256";
		break;
	case SIM_ED25519:
		k->pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
		keytype = scheme = "ed25519";
		break;
	default:
		k->pkey = EVP_RSA_gen(2048);
		keytype = "rsa";
		scheme = "rsassa-pss-sha256";
	}
	if (!k->pkey)
		sim_die("no key");
	pub = type == SIM_ED25519 ? raw_of(k->pkey) : pem_of(k->pkey);
	k->json = json_pack("{s:s, s:s, s:{s:s}}", "keytype", keytype, "scheme", scheme, "keyval",
			    "public", pub);
	free(pub);
	sim_key_rename(k);
	return k;
}

struct sim_key *sim_key_alias(const struct sim_key *k, const char *field, json_t *value)
{
	struct sim_key *a = calloc(1, sizeof(*a));

	if (!a)
		sim_die("out of memory");
	a->pkey = k->pkey;
	a->json = json_deep_copy(k->json);
	json_object_set_new(a->json, field, value);
	sim_key_rename(a);
	return a;
}

char *sim_signature(const struct sim_key *k, const json_t *doc)
{
	int type = EVP_PKEY_get_base_id(k->pkey);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pctx;
	uint8_t sig[1024];
	size_t len, n = sizeof(sig);
	char *text = sim_canonical(doc, &len), *s;

	if (!ctx || EVP_DigestSignInit(ctx, &pctx, type == EVP_PKEY_ED25519 ? NULL : EVP_sha256(),
				       NULL, k->pkey) != 1)
		sim_die("cannot sign");
	if (type == EVP_PKEY_RSA &&
	    (EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) != 1 ||
	     EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, 32) != 1))
		sim_die("no PSS");
	if (EVP_DigestSign(ctx, sig, &n, (const uint8_t *)text, len) != 1)
		sim_die("cannot sign");
	EVP_MD_CTX_free(ctx);
	s = hex(sig, n);
	free(text);
	return s;
}

void *sim_envelope(const json_t *doc, struct sim_key *const *keys, size_t nkeys, size_t *ret_len)
{
	json_t *sigs = json_array(), *whole;
	char *text;

	for (size_t i = 0; i < nkeys; i++) {
		char *sig = sim_signature(keys[i], doc);

		json_array_append_new(sigs,
				      json_pack("{s:s, s:s}", "keyid", keys[i]->id, "sig", sig));
		free(sig);
	}
	whole = json_pack("{s:o, s:O}", "signatures", sigs, "signed", doc);
	/* Indented, so that a client which writes its own form of a file is found out. */
	text = json_dumps(whole, JSON_INDENT(1));
	if (!text)
		sim_die("cannot write JSON");
	json_decref(whole);
	*ret_len = strlen(text);
	return text;
}
