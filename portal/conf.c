// SPDX-License-Identifier: Apache-2.0
#include "conf.h"

#include <errno.h>
#include <string.h>

#include "base/conf.h"
#include "base/file.h"

enum { NETWORKS_MAX = 256, READERS_MAX = 64, CONNECTIONS_MAX = 1000000 };

int portal_conf_init(struct portal_conf *c, struct sut_err *err)
{
	*c = (struct portal_conf){
		.checkin_sec = 300,
		.check_sec = 4 * 3600,
		.readers = 4,
		.connections = 10000,
	};
	c->database = strdup("sqlite:/var/lib/suture/portal/portal.db");
	return c->database ? 0 : sut_err_oom(err);
}

void portal_conf_release(struct portal_conf *c)
{
	free(c->database);
	sut_strv_release(&c->listen);
	free(c->tls_cert);
	free(c->tls_key);
	free(c->proxies);
	free(c->url);
	free(c->repository);
	free(c->repository_root);
	free(c->agent_dir);
	free(c->metrics_from);
	*c = (struct portal_conf){0};
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
	if (l->n >= PORTAL_LISTEN_MAX)
		return sut_err_reason(err, EINVAL, "conf", "there are more than %d of these",
				      PORTAL_LISTEN_MAX);
	return sut_strv_add(l, value) < 0 ? sut_err_oom(err) : 0;
}

static int set_log(enum portal_access_log *at, const char *value, struct sut_err *err)
{
	static const char *const words[] = {
		[PORTAL_LOG_QUIET] = "quiet", [PORTAL_LOG_ALL] = "all", [PORTAL_LOG_OFF] = "off"};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(words); i++)
		if (!strcmp(value, words[i])) {
			*at = (enum portal_access_log)i;
			return 0;
		}
	return sut_err_reason(err, EINVAL, "conf", "'%s' is none of: quiet, all, off", value);
}

struct parse {
	struct portal_conf *c;
	bool seen[32]; /* by place in the table: what may stand once */
};

enum {
	K_TEXT,
	K_PATH,
	K_URL,
	K_BOOL,
	K_NETWORK,
	K_LISTEN,
	K_CHECKIN,
	K_CHECK,
	K_READERS,
	K_CONNECTIONS,
	K_LOG
};

static const struct {
	const char *key;
	int kind;
	size_t at;
} settings[] = {
#define AT(member) offsetof(struct portal_conf, member)
	{"database", K_TEXT, AT(database)},
	{"listen", K_LISTEN, AT(listen)},
	{"tls-cert", K_PATH, AT(tls_cert)},
	{"tls-key", K_PATH, AT(tls_key)},
	{"plain-http", K_BOOL, AT(plain_http)},
	{"trusted-proxy", K_NETWORK, AT(proxies)},
	{"url", K_URL, AT(url)},
	{"repository", K_PATH, AT(repository)},
	{"repository-root", K_PATH, AT(repository_root)},
	{"agent-packages", K_PATH, AT(agent_dir)},
	{"metrics-from", K_NETWORK, AT(metrics_from)},
	{"checkin-interval", K_CHECKIN, AT(checkin_sec)},
	{"check-interval", K_CHECK, AT(check_sec)},
	{"readers", K_READERS, AT(readers)},
	{"connections", K_CONNECTIONS, AT(connections)},
	{"private-webhooks", K_BOOL, AT(private_webhooks)},
	{"access-log", K_LOG, AT(access_log)},
#undef AT
};

static int apply(struct portal_conf *c, size_t i, const char *value, struct sut_err *err)
{
	void *at = (char *)c + settings[i].at;

	switch (settings[i].kind) {
	case K_TEXT:
		return set_text(at, value, err);
	case K_PATH:
		return set_path(at, value, err);
	case K_URL:
		return set_url(at, value, err);
	case K_BOOL:
		return sut_conf_bool(value, at, err);
	case K_NETWORK:
		return at == &c->proxies
			       ? add_network(&c->proxies, &c->nproxies, value, err)
			       : add_network(&c->metrics_from, &c->nmetrics_from, value, err);
	case K_LISTEN:
		return add_listen(at, value, err);
	case K_CHECKIN:
		return set_duration(at, value, 10, 86400, err);
	case K_CHECK:
		return set_duration(at, value, 60, 30 * 86400, err);
	case K_READERS:
		return set_number(at, value, 1, READERS_MAX, err);
	case K_CONNECTIONS:
		return set_number(at, value, 1, CONNECTIONS_MAX, err);
	default:
		return set_log(at, value, err);
	}
}

static int set(void *ctx, const char *key, const char *value, struct sut_err *err)
{
	struct parse *p = ctx;
	int r;

	for (size_t i = 0; i < SUT_ARRAY_SIZE(settings); i++) {
		bool many = settings[i].kind == K_NETWORK || settings[i].kind == K_LISTEN;

		if (strcmp(key, settings[i].key))
			continue;
		if (p->seen[i] && !many)
			return sut_err_reason(err, EBADMSG, "conf",
					      "'%s' stands here a second time. Remove one", key);
		p->seen[i] = true;
		r = apply(p->c, i, value, err);
		return r < 0 ? (sut_err_prefix(err, "%s", key), r) : 0;
	}
	return sut_err_reason(err, EBADMSG, "conf",
			      "there is no setting '%s'. suture-portal(8) lists them", key);
}

int portal_conf_parse(const char *name, const void *text, size_t len, struct portal_conf *c,
		      struct sut_err *err)
{
	struct parse p = {.c = c};
	int r = sut_conf_parse(name, text, len, set, &p, err);

	if (r < 0)
		return r;
	if (!c->tls_cert != !c->tls_key)
		return sut_err_reason(
			err, EBADMSG, "conf", "%s: %s is set without %s. TLS needs both", name,
			c->tls_cert ? "tls-cert" : "tls-key", c->tls_cert ? "tls-key" : "tls-cert");
	if (c->repository && !c->repository_root)
		return sut_err_reason(
			err, EBADMSG, "conf",
			"%s: repository is set without repository-root, the root.json "
			"that it is verified with. Get it with: suture-repo export-root",
			name);
	return 0;
}

int portal_conf_read(const char *path, struct portal_conf *c, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_CONF_MAX);
	int r = sut_file_read(path, &b, err);

	return r < 0 ? r : portal_conf_parse(path, b.data ? b.data : (uint8_t *)"", b.len, c, err);
}
