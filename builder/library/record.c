// SPDX-License-Identifier: Apache-2.0
#include "library/record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "library/hash.h"

_Static_assert((int)HASH_TEXT == (int)SUT_RECORD_HASH_TEXT, "one size of a hash");

static const char magic[] = "SUTREC1 ";

void sut_record_hash(const uint8_t *p, size_t len, char out[static SUT_RECORD_HASH_TEXT])
{
	hash_text(p, len, out);
}

static int bad(struct sut_err *err)
{
	return sut_err_set(err, EBADMSG, "the log of the recorded build is damaged");
}

/* Adds to a list that ends with NULL. */
static int push(const char ***v, size_t *n, const char *s)
{
	/* Powers of two are full. */
	if (!(*n & (*n + 1)) || !*v) {
		const char **p = realloc(*v, (*n * 2 + 2) * sizeof(*p));

		if (!p)
			return -ENOMEM;
		*v = p;
	}
	(*v)[(*n)++] = s;
	(*v)[*n] = NULL;
	return 0;
}

static int push_input(struct sut_record *r, char *value)
{
	char *space = strchr(value, ' ');

	if (!space)
		return -EBADMSG;
	if (!(r->nin & (r->nin + 1)) || !r->in) {
		struct sut_record_input *p = realloc(r->in, (r->nin * 2 + 2) * sizeof(*p));

		if (!p)
			return -ENOMEM;
		r->in = p;
	}
	*space = 0;
	r->in[r->nin++] = (struct sut_record_input){value, space + 1};
	return 0;
}

static int field(struct sut_record *r, char *key, char *value)
{
	const struct {
		const char *key, **to;
	} plain[] = {
		{"cwd", &r->cwd},   {"epoch", &r->epoch}, {"out", &r->out}, {"hash", &r->hash},
		{"deps", &r->deps}, {"call", &r->call},	  {"map", &r->map},
	};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(plain); i++)
		if (sut_streq(key, plain[i].key)) {
			*plain[i].to = value;
			return 0;
		}
	if (sut_streq(key, "arg"))
		return push(&r->argv, &r->argc, value);
	if (sut_streq(key, "source"))
		return push(&r->sources, &r->nsources, value);
	if (sut_streq(key, "in"))
		return push_input(r, value);
	return 0;
}

static int fields(struct sut_record *r, char *p, char *end)
{
	r->cwd = r->epoch = r->out = r->hash = r->deps = r->call = r->map = "";
	while (p < end) {
		char *nul = memchr(p, 0, (size_t)(end - p)), *eq;
		int e;

		if (!nul)
			return -EBADMSG;
		eq = strchr(p, '=');
		if (!eq)
			return -EBADMSG;
		*eq = 0;
		e = field(r, p, eq + 1);
		if (e < 0)
			return e;
		p = nul + 1;
	}
	return r->argc ? 0 : -EBADMSG;
}

/* "SUTREC1 cc 123\n": moves *p behind it; false when it is none. */
static bool head(char **p, const char *end, bool *ret_link, size_t *ret_len)
{
	char *s = *p + sizeof(magic) - 1, *nl;
	uint64_t len;

	if ((size_t)(end - *p) < sizeof(magic) + 3 || memcmp(*p, magic, sizeof(magic) - 1) != 0)
		return false;
	nl = memchr(s, '\n', (size_t)(end - s) < 32 ? (size_t)(end - s) : 32);
	if (!nl || (memcmp(s, "cc ", 3) != 0 && memcmp(s, "ld ", 3) != 0))
		return false;
	*nl = 0;
	if (sut_parse_u64(s + 3, SUT_RECORD_LOG_MAX, &len) < 0)
		return false;
	*ret_link = *s == 'l';
	*ret_len = len;
	*p = nl + 1;
	return true;
}

int sut_record_parse(const void *data, size_t len, struct sut_record_log **ret, struct sut_err *err)
{
	_cleanup_(sut_record_freep) struct sut_record_log *l = calloc(1, sizeof(*l));
	size_t cap = 0;
	char *p, *end;

	if (!l || len > SUT_RECORD_LOG_MAX)
		return l ? bad(err) : sut_err_oom(err);
	l->text = malloc(len + 1);
	if (!l->text)
		return sut_err_oom(err);
	if (len)
		memcpy(l->text, data, len);
	l->text[len] = 0;
	for (p = l->text, end = p + len; p < end;) {
		struct sut_record *r;
		size_t n;
		bool link;
		int e;

		if (!head(&p, end, &link, &n))
			return bad(err);
		if (n > (size_t)(end - p))
			break;
		if (l->n == cap) {
			struct sut_record *v;

			cap = cap ? cap * 2 : 256;
			v = cap > SUT_RECORDS_MAX ? NULL : realloc(l->v, cap * sizeof(*v));
			if (!v)
				return cap > SUT_RECORDS_MAX ? bad(err) : sut_err_oom(err);
			l->v = v;
		}
		r = &l->v[l->n++];
		*r = (struct sut_record){.link = link};
		e = fields(r, p, p + n);
		if (e < 0)
			return e == -ENOMEM ? sut_err_oom(err) : bad(err);
		p += n;
	}
	*ret = sut_steal(l);
	return 0;
}

void sut_record_free(struct sut_record_log *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < l->n; i++) {
		free(l->v[i].argv);
		free(l->v[i].sources);
		free(l->v[i].in);
	}
	free(l->v);
	free(l->text);
	free(l);
}

void sut_record_freep(struct sut_record_log **l)
{
	sut_record_free(*l);
}

char *sut_record_path(const char *cwd, const char *path)
{
	size_t n = strlen(cwd) + strlen(path) + 3, len = 0;
	_cleanup_(sut_freep) char *in = malloc(n);
	char *out = malloc(n);

	if (!in || !out) {
		free(out);
		return NULL;
	}
	snprintf(in, n, "%s/%s", *path == '/' ? "" : cwd, path);
	for (const char *p = in; *p;) {
		size_t part = strcspn(p, "/");

		if (part == 2 && !strncmp(p, "..", 2)) {
			while (len && out[--len] != '/')
				;
		} else if (part && !(part == 1 && *p == '.')) {
			out[len++] = '/';
			memcpy(out + len, p, part);
			len += part;
		}
		p += part + (p[part] == '/');
	}
	if (!len)
		out[len++] = '/';
	out[len] = 0;
	return out;
}

static int add_dep(const char *cwd, const char *word, struct sut_strv *ret)
{
	_cleanup_(sut_freep) char *path = sut_record_path(cwd, word);

	return path ? sut_strv_add(ret, path) : -ENOMEM;
}

int sut_record_deps(const char *rule, const char *cwd, struct sut_strv *ret)
{
	_cleanup_(sut_freep) char *word = malloc(strlen(rule) + 1);
	const char *p = rule;
	bool behind = false; /* the colon */
	int r = 0;

	if (!word)
		return -ENOMEM;
	while (*p && r == 0) {
		size_t n = 0;

		if (*p == '\n')
			break;
		if (*p == ' ' || *p == '\t' || (*p == '\\' && p[1] == '\n')) {
			p += *p == '\\' ? 2 : 1;
			continue;
		}
		for (; *p && *p != ' ' && *p != '\t' && *p != '\n'; p++) {
			if (*p == '\\' && p[1] == '\n')
				break;
			if ((*p == '\\' && (p[1] == ' ' || p[1] == '#')) ||
			    (*p == '$' && p[1] == '$'))
				p++;
			word[n++] = *p;
		}
		word[n] = 0;
		if (behind)
			r = add_dep(cwd, word, ret);
		else if (n && word[n - 1] == ':')
			behind = true;
	}
	return r;
}
