// SPDX-License-Identifier: Apache-2.0
#include "signer/config.h"

#include <ctype.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>

#include "signer_client.h"

struct parser {
	struct sut_signer_config *c;
	const char *credentials;
	unsigned int line;
	struct sut_err *err;
};

static int bad(const struct parser *p, const char *what)
{
	return sut_err_reason(p->err, EBADMSG, "config", "line %u: %s", p->line, what);
}

/* A number and h or d, one hour to a year. */
static int parse_period(const struct parser *p, const char *value, int64_t *ret)
{
	size_t n = strlen(value);
	char digits[16];
	uint64_t v;

	if (n >= 2 && n < sizeof(digits) && strchr("hd", value[n - 1])) {
		memcpy(digits, value, n - 1);
		digits[n - 1] = '\0';
		if (sut_parse_u64(digits, 365 * 24, &v) == 0) {
			v *= value[n - 1] == 'h' ? 3600 : 86400;
			if (v >= 3600 && v <= 365 * 86400) {
				*ret = (int64_t)v;
				return 0;
			}
		}
	}
	return bad(p, "a period is a number and h (hours) or d (days), from 1h to 365d");
}

static int set_path(const struct parser *p, char **field, const char *value)
{
	if (value[0] != '/')
		return bad(p, "a path begins with '/'");
	if (*field)
		return bad(p, "this was said before");
	*field = strdup(value);
	return *field ? 0 : sut_err_oom(p->err);
}

static int add_key(const struct parser *p, struct sut_strv *list, const char *value)
{
	static const char prefix[] = "credential:";

	if (list->n >= 16)
		return bad(p, "more than 16 keys");
	if (sut_startswith(value, prefix)) {
		const char *name = value + sizeof(prefix) - 1;

		if (!*name || strchr(name, '/'))
			return bad(p, "the name of a credential is the name of a file");
		if (!p->credentials)
			return bad(p, "systemd hands over no credentials; see LoadCredential= in "
				      "systemd.exec(5)");
		return sut_strv_addf(list, "%s/%s", p->credentials, name) < 0 ? sut_err_oom(p->err)
									      : 0;
	}
	if (value[0] != '/')
		return bad(p, "a key is a path that begins with '/', or credential:NAME");
	return sut_strv_add(list, value) < 0 ? sut_err_oom(p->err) : 0;
}

static int add_name(const struct parser *p, struct sut_strv *list, const char *value)
{
	if (list->n >= SUT_SIGNER_ALLOWED_MAX)
		return bad(p, "more than 64 names");
	return sut_strv_add(list, value) < 0 ? sut_err_oom(p->err) : 0;
}

static int set(const struct parser *p, const char *key, const char *value)
{
	struct sut_signer_config *c = p->c;

	if (!*value)
		return bad(p, "the value is missing");
	if (sut_streq(key, "metadata"))
		return set_path(p, &c->metadata, value);
	if (sut_streq(key, "root"))
		return set_path(p, &c->root, value);
	if (sut_streq(key, "state"))
		return set_path(p, &c->state, value);
	if (sut_streq(key, "socket"))
		return set_path(p, &c->socket, value);
	if (sut_streq(key, "socket-group")) {
		free(c->socket_group);
		c->socket_group = strdup(value);
		return c->socket_group ? 0 : sut_err_oom(p->err);
	}
	if (sut_streq(key, "snapshot-key"))
		return add_key(p, &c->snapshot, value);
	if (sut_streq(key, "timestamp-key"))
		return add_key(p, &c->timestamp, value);
	if (sut_streq(key, "allow-user"))
		return add_name(p, &c->users, value);
	if (sut_streq(key, "allow-group"))
		return add_name(p, &c->groups, value);
	if (sut_streq(key, "snapshot-expires"))
		return parse_period(p, value, &c->snapshot_sec);
	if (sut_streq(key, "timestamp-expires"))
		return parse_period(p, value, &c->timestamp_sec);
	return bad(p, "this setting is not known; suture-signer(8) lists them");
}

/* Cuts white space at both ends, in place. */
static char *trim(char *s)
{
	size_t n;

	while (isspace((unsigned char)*s))
		s++;
	n = strlen(s);
	while (n && isspace((unsigned char)s[n - 1]))
		s[--n] = '\0';
	return s;
}

static int check(const struct sut_signer_config *c, struct sut_err *err)
{
	const char *missing = NULL;

	if (!c->metadata)
		missing = "metadata";
	else if (!c->root)
		missing = "root";
	else if (!c->state)
		missing = "state";
	else if (!c->snapshot.n)
		missing = "snapshot-key";
	else if (!c->timestamp.n)
		missing = "timestamp-key";
	else if (!c->users.n && !c->groups.n)
		missing = "allow-user or allow-group";
	if (missing)
		return sut_err_reason(err, EBADMSG, "config",
				      "the setting %s is missing; suture-signer(8) explains it",
				      missing);
	return 0;
}

static int default_strings(struct sut_signer_config *c, struct sut_err *err)
{
	if (!c->socket)
		c->socket = strdup(SUT_SIGNER_SOCKET);
	if (!c->socket_group)
		c->socket_group = strdup("");
	return c->socket && c->socket_group ? 0 : sut_err_oom(err);
}

int sut_signer_config_parse(const void *data, size_t len, const char *credentials,
			    struct sut_signer_config *ret, struct sut_err *err)
{
	_cleanup_(sut_signer_config_release) struct sut_signer_config c = {
		.snapshot_sec = 7 * 86400,
		.timestamp_sec = 86400,
	};
	_cleanup_(sut_freep) char *text = NULL;
	struct parser p = {&c, credentials, 0, err};
	char *rest, *line;
	int r;

	if (len > SUT_SIGNER_CONFIG_MAX || memchr(data ? data : "", '\0', len))
		return sut_err_reason(err, EBADMSG, "config", "this is no file of settings");
	text = strndup(data ? data : "", len);
	if (!text)
		return sut_err_oom(err);
	rest = text;
	while ((line = strsep(&rest, "\n"))) {
		char *eq;

		p.line++;
		line = trim(line);
		if (!*line || *line == '#')
			continue;
		eq = strchr(line, '=');
		if (!eq)
			return bad(&p, "not of the form 'key = value'");
		*eq = '\0';
		r = set(&p, trim(line), trim(eq + 1));
		if (r < 0)
			return r;
	}
	r = check(&c, err);
	if (r == 0)
		r = default_strings(&c, err);
	if (r < 0)
		return r;
	*ret = c;
	c = (struct sut_signer_config){0};
	return 0;
}

void sut_signer_config_release(struct sut_signer_config *c)
{
	free(c->metadata);
	free(c->root);
	free(c->state);
	free(c->socket);
	free(c->socket_group);
	sut_strv_release(&c->snapshot);
	sut_strv_release(&c->timestamp);
	sut_strv_release(&c->users);
	sut_strv_release(&c->groups);
	*c = (struct sut_signer_config){0};
}

static int find_user(const char *name, uid_t *ret, struct sut_err *err)
{
	const struct passwd *pw;
	uint64_t n;

	if (sut_parse_u64(name, UINT32_MAX - 1, &n) == 0) {
		*ret = (uid_t)n;
		return 0;
	}
	pw = getpwnam(name);
	if (!pw)
		return sut_err_set(err, ENOENT,
				   "there is no user '%s' here. Make it, or correct allow-user",
				   name);
	*ret = pw->pw_uid;
	return 0;
}

int sut_signer_config_gid(const char *name, gid_t *ret, struct sut_err *err)
{
	const struct group *gr;
	uint64_t n;

	if (sut_parse_u64(name, UINT32_MAX - 1, &n) == 0) {
		*ret = (gid_t)n;
		return 0;
	}
	gr = getgrnam(name);
	if (!gr)
		return sut_err_set(err, ENOENT,
				   "there is no group '%s' here. Make it, or correct allow-group "
				   "or socket-group",
				   name);
	*ret = gr->gr_gid;
	return 0;
}

int sut_signer_config_allowed(const struct sut_signer_config *c, struct sut_signer_allowed *ret,
			      struct sut_err *err)
{
	struct sut_signer_allowed a = {0};
	int r = 0;

	for (size_t i = 0; r == 0 && i < c->users.n; i++)
		r = find_user(c->users.v[i], &a.uids[a.nuids++], err);
	for (size_t i = 0; r == 0 && i < c->groups.n; i++)
		r = sut_signer_config_gid(c->groups.v[i], &a.gids[a.ngids++], err);
	if (r == 0)
		*ret = a;
	return r;
}
