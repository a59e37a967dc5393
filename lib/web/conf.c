// SPDX-License-Identifier: Apache-2.0
#include "web/conf.h"

#include <errno.h>
#include <string.h>

#include "base/conf.h"
#include "base/file.h"

enum { NETWORKS_MAX = 256, READERS_MAX = 64, CONNECTIONS_MAX = 1000000 };

static const char *const log_words[] =
	{[SERVER_LOG_QUIET] = "quiet", [SERVER_LOG_ALL] = "all", [SERVER_LOG_OFF] = "off", NULL};

static const struct server_setting common[] = {
#define AT(member) .at = offsetof(struct server_conf, member)
#define COUNT(member) .count = offsetof(struct server_conf, member)
	{"database", SERVER_SET_TEXT, AT(database)},
	{"listen", SERVER_SET_LISTEN, AT(listen)},
	{"tls-cert", SERVER_SET_PATH, AT(tls_cert)},
	{"tls-key", SERVER_SET_PATH, AT(tls_key)},
	{"plain-http", SERVER_SET_BOOL, AT(plain_http)},
	{"trusted-proxy", SERVER_SET_NETWORKS, AT(proxies), COUNT(nproxies)},
	{"url", SERVER_SET_URL, AT(url)},
	{"metrics-from", SERVER_SET_NETWORKS, AT(metrics_from), COUNT(nmetrics_from)},
	{"readers", SERVER_SET_NUMBER, AT(readers), .min = 1, .max = READERS_MAX},
	{"connections", SERVER_SET_NUMBER, AT(connections), .min = 1, .max = CONNECTIONS_MAX},
	{"private-webhooks", SERVER_SET_BOOL, AT(private_webhooks)},
	{"access-log", SERVER_SET_WORD, AT(access_log), .words = log_words},
	{0},
#undef AT
#undef COUNT
};

/* The i-th setting: the common ones, then the program's own. NULL: there is none. */
static const struct server_setting *setting(const struct server_conf_desc *d, size_t i)
{
	const size_t n = SUT_ARRAY_SIZE(common) - 1;
	const struct server_setting *s = d->own;

	if (i < n)
		return &common[i];
	for (i -= n; s && s->key && i > 0; i--)
		s++;
	return s && s->key ? s : NULL;
}

static void *at(void *c, size_t offset)
{
	return (char *)c + offset;
}

static const void *at_const(const void *c, size_t offset)
{
	return (const char *)c + offset;
}

int server_conf_init(const struct server_conf_desc *d, struct server_conf *c, struct sut_err *err)
{
	int rc = 0;

	memset(c, 0, d->size);
	c->readers = 4;
	c->connections = 10000;
	if (d->defaults)
		rc = d->defaults(c, err);
	if (rc < 0)
		server_conf_release(d, c);
	return rc;
}

void server_conf_release(const struct server_conf_desc *d, struct server_conf *c)
{
	const struct server_setting *s;

	for (size_t i = 0; (s = setting(d, i)); i++)
		switch (s->kind) {
		case SERVER_SET_TEXT:
		case SERVER_SET_PATH:
		case SERVER_SET_URL:
			free(*(char **)at(c, s->at));
			break;
		case SERVER_SET_NETWORKS:
			free(*(struct sut_cidr **)at(c, s->at));
			break;
		case SERVER_SET_LISTEN:
			sut_strv_release(at(c, s->at));
			break;
		default:
			break;
		}
	memset(c, 0, d->size);
}

static int copy_text(char **to, const char *from)
{
	*to = from ? strdup(from) : NULL;
	return from && !*to ? -ENOMEM : 0;
}

static int copy_networks(struct sut_cidr **to, const struct sut_cidr *from, size_t n)
{
	*to = NULL;
	if (!n)
		return 0;
	*to = calloc(n, sizeof(**to));
	if (!*to)
		return -ENOMEM;
	memcpy(*to, from, n * sizeof(**to));
	return 0;
}

static int copy_list(struct sut_strv *to, const struct sut_strv *from)
{
	int rc = 0;

	*to = (struct sut_strv){0};
	for (size_t i = 0; rc == 0 && i < from->n; i++)
		rc = sut_strv_add(to, from->v[i]);
	return rc;
}

int server_conf_copy(const struct server_conf_desc *d, struct server_conf *to,
		     const struct server_conf *from, struct sut_err *err)
{
	const struct server_setting *s;
	int rc = 0;

	memcpy(to, from, d->size);
	/* All, also after a failure: what is still that of `from` would be freed twice. */
	for (size_t i = 0; (s = setting(d, i)); i++)
		switch (s->kind) {
		case SERVER_SET_TEXT:
		case SERVER_SET_PATH:
		case SERVER_SET_URL:
			rc |= copy_text(at(to, s->at), *(char *const *)at_const(from, s->at));
			break;
		case SERVER_SET_NETWORKS:
			rc |= copy_networks(at(to, s->at),
					    *(struct sut_cidr *const *)at_const(from, s->at),
					    *(const size_t *)at_const(from, s->count));
			break;
		case SERVER_SET_LISTEN:
			rc |= copy_list(at(to, s->at), at_const(from, s->at));
			break;
		default:
			break;
		}
	return rc ? sut_err_oom(err) : 0;
}

static int set_text(char **at, const char *value, struct sut_err *err)
{
	char *s;

	if (!*value)
		return sut_err_reason(err, EINVAL, "conf", "the value is missing");
	s = strdup(value);
	if (!s)
		return sut_err_oom(err);
	free(*at);
	*at = s;
	return 0;
}

static int set_path(char **at, const char *value, struct sut_err *err)
{
	if (value[0] != '/')
		return sut_err_reason(err, EINVAL, "conf",
				      "'%s' is no absolute path. Write it from / on", value);
	return set_text(at, value, err);
}

static int add_network(struct sut_cidr **v, size_t *n, const char *value, struct sut_err *err)
{
	struct sut_cidr c, *more;
	int r = sut_cidr_parse(value, &c, err);

	if (r < 0)
		return r;
	if (*n >= NETWORKS_MAX)
		return sut_err_reason(err, EINVAL, "conf", "there are more than %d networks",
				      NETWORKS_MAX);
	more = realloc(*v, (*n + 1) * sizeof(c));
	if (!more)
		return sut_err_oom(err);
	*v = more;
	more[(*n)++] = c;
	return 0;
}

static int set_number(unsigned int *at, const char *value, unsigned int min, unsigned int max,
		      struct sut_err *err)
{
	uint64_t v;

	if (sut_parse_u64(value, max, &v) < 0 || v < min)
		return sut_err_reason(err, EINVAL, "conf", "'%s' is no number from %u to %u", value,
				      min, max);
	*at = (unsigned int)v;
	return 0;
}

static int set_duration(int64_t *at, const char *value, int64_t min, int64_t max,
			struct sut_err *err)
{
	int64_t v;
	int r = sut_conf_duration(value, max, &v, err);

	if (r < 0)
		return r;
	if (v < min)
		return sut_err_reason(err, EINVAL, "conf", "'%s' is less than %lld seconds", value,
				      (long long)min);
	*at = v;
	return 0;
}

static int set_url(char **at, const char *value, struct sut_err *err)
{
	if (!sut_startswith(value, "https://") && !sut_startswith(value, "http://"))
		return sut_err_reason(err, EINVAL, "conf",
				      "'%s' is no address. Write it as https://portal.example",
				      value);
	if (strpbrk(value, " \t\"'\\<>") || sut_endswith(value, "/"))
		return sut_err_reason(err, EINVAL, "conf",
				      "'%s': write it without quotes, spaces and '/' at the end",
				      value);
	return set_text(at, value, err);
}

static int add_listen(struct sut_strv *l, const char *value, struct sut_err *err)
{
	if (!*value)
		return sut_err_reason(err, EINVAL, "conf", "the value is missing");
	if (l->n >= SERVER_LISTEN_MAX)
		return sut_err_reason(err, EINVAL, "conf", "there are more than %d of these",
				      SERVER_LISTEN_MAX);
	return sut_strv_add(l, value) < 0 ? sut_err_oom(err) : 0;
}

/* "'x' is none of: quiet, all, off". */
static int set_word(unsigned int *ret, const char *const *words, const char *value,
		    struct sut_err *err)
{
	char list[128] = "";

	for (unsigned int i = 0; words[i]; i++) {
		size_t n = strlen(list);

		if (!strcmp(value, words[i])) {
			*ret = i;
			return 0;
		}
		snprintf(list + n, sizeof(list) - n, "%s%s", n ? ", " : "", words[i]);
	}
	return sut_err_reason(err, EINVAL, "conf", "'%s' is none of: %s", value, list);
}

struct parse {
	const struct server_conf_desc *d;
	struct server_conf *c;
	bool seen[SERVER_SETTINGS_MAX]; /* by place in the tables: what may stand once */
};

static int apply(struct server_conf *c, const struct server_setting *s, const char *value,
		 struct sut_err *err)
{
	void *p = at(c, s->at);

	switch (s->kind) {
	case SERVER_SET_TEXT:
		return set_text(p, value, err);
	case SERVER_SET_PATH:
		return set_path(p, value, err);
	case SERVER_SET_URL:
		return set_url(p, value, err);
	case SERVER_SET_BOOL:
		return sut_conf_bool(value, p, err);
	case SERVER_SET_NETWORKS:
		return add_network(p, at(c, s->count), value, err);
	case SERVER_SET_LISTEN:
		return add_listen(p, value, err);
	case SERVER_SET_DURATION:
		return set_duration(p, value, s->min, s->max, err);
	case SERVER_SET_NUMBER:
		return set_number(p, value, (unsigned int)s->min, (unsigned int)s->max, err);
	default:
		return set_word(p, s->words, value, err);
	}
}

static int set(void *ctx, const char *key, const char *value, struct sut_err *err)
{
	struct parse *p = ctx;
	const struct server_setting *s;

	for (size_t i = 0; (s = setting(p->d, i)) && i < SERVER_SETTINGS_MAX; i++) {
		bool many = s->kind == SERVER_SET_NETWORKS || s->kind == SERVER_SET_LISTEN;
		int r;

		if (strcmp(key, s->key))
			continue;
		if (p->seen[i] && !many)
			return sut_err_reason(err, EBADMSG, "conf",
					      "'%s' stands here a second time. Remove one", key);
		p->seen[i] = true;
		r = apply(p->c, s, value, err);
		return r < 0 ? (sut_err_prefix(err, "%s", key), r) : 0;
	}
	return sut_err_reason(err, EBADMSG, "conf", "there is no setting '%s'. %s(8) lists them",
			      key, p->d->program);
}

int server_conf_parse(const struct server_conf_desc *d, const char *name, const void *text,
		      size_t len, struct server_conf *c, struct sut_err *err)
{
	struct parse p = {.d = d, .c = c};
	int r = sut_conf_parse(name, text, len, set, &p, err);

	if (r < 0)
		return r;
	if (!c->tls_cert != !c->tls_key)
		return sut_err_reason(
			err, EBADMSG, "conf", "%s: %s is set without %s. TLS needs both", name,
			c->tls_cert ? "tls-cert" : "tls-key", c->tls_cert ? "tls-key" : "tls-cert");
	return d->check ? d->check(name, c, err) : 0;
}

int server_conf_read(const struct server_conf_desc *d, const char *path, struct server_conf *c,
		     struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_CONF_MAX);
	int r = sut_file_read(path, &b, err);

	return r < 0 ? r
		     : server_conf_parse(d, path, b.data ? b.data : (uint8_t *)"", b.len, c, err);
}
