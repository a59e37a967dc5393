// SPDX-License-Identifier: Apache-2.0
#include "settings.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>

#include "auth/token.h"
#include "base/conf.h"
#include "base/file.h"
#include "http/http.h"
#include "term.h"

/* ~/.config/suture/NAME */
static char *home_file(const char *name)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	const struct passwd *pw;

	if (config && config[0] == '/')
		return sut_sprintf("%s/suture/%s", config, name);
	if (!home || !home[0]) {
		pw = getpwuid(getuid());
		home = pw ? pw->pw_dir : "/";
	}
	return sut_sprintf("%s/.config/suture/%s", home, name);
}

/* A setting of the file, unless an option said it. */
static int keep(char **to, const char *value, struct sut_err *err)
{
	if (*to)
		return 0;
	*to = strdup(value);
	return *to ? 0 : sut_err_oom(err);
}

static int setting(void *ctx, const char *key, const char *value, struct sut_err *err)
{
	struct admin *a = ctx;
	bool yes;
	int r;

	if (!value[0])
		return sut_err_set(err, EINVAL, "'%s' has no value", key);
	if (sut_streq(key, "url"))
		return keep(&a->url, value, err);
	if (sut_streq(key, "token-file"))
		return keep(&a->token_file, value, err);
	if (sut_streq(key, "ca-file"))
		return keep(&a->ca_file, value, err);
	if (sut_streq(key, "tenant"))
		return keep(&a->tenant, value, err);
	if (sut_streq(key, "plain-http")) {
		r = sut_conf_bool(value, &yes, err);
		if (r == 0)
			a->plain_http |= yes;
		return r;
	}
	return sut_err_set(
		err, EINVAL,
		"there is no setting '%s'; there are url, token-file, ca-file, tenant and "
		"plain-http",
		key);
}

/* Whoever writes it says where the token is sent. */
static int conf_read(struct admin *a, bool must, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_CONF_MAX);
	_cleanup_(sut_closep) int fd = open(a->conf_file, O_RDONLY | O_CLOEXEC);
	struct stat st;
	int r;

	if (fd < 0 && errno == ENOENT && !must)
		return 0;
	if (fd < 0 || fstat(fd, &st) < 0)
		return sut_err_errno(err, "cannot read %s", a->conf_file);
	if ((st.st_mode & 022) || (st.st_uid != geteuid() && st.st_uid != 0))
		return sut_err_reason(err, EACCES, "conf-mode",
				      "others may write %s, and so choose where your token goes: "
				      "look at it, then 'chmod 600 %s'",
				      a->conf_file, a->conf_file);
	r = sut_file_read_fd(fd, a->conf_file, &b, err);
	if (r < 0)
		return r;
	return sut_conf_parse(a->conf_file, sut_buf_str(&b), b.len, setting, a, err);
}

static bool loopback(const char *host)
{
	size_t n = host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":/");

	return (n == 9 && !strncmp(host, "localhost", n)) ||
	       (!strncmp(host, "127.", 4) && strspn(host, "0123456789.") == n) ||
	       (n == 5 && !strncmp(host, "[::1]", n));
}

static int url_check(struct admin *a, struct sut_err *err)
{
	size_t n = strlen(a->url);

	while (n && a->url[n - 1] == '/')
		a->url[--n] = '\0';
	if (sut_startswith(a->url, "unix:/"))
		a->base = strdup("http://localhost");
	else if (sut_startswith(a->url, "https://") || sut_startswith(a->url, "http://"))
		a->base = strdup(a->url);
	else
		return sut_err_set(
			err, EINVAL,
			"'%s' is no portal: give https://HOST, or unix:PATH of its socket", a->url);
	if (!a->base)
		return sut_err_oom(err);
	/* Names and passwords in a URL end up in process lists; and what is before the '@' looks like a host. */
	if (strpbrk(a->base, "@?#"))
		return sut_err_set(err, EINVAL, "'%s' has more than scheme, host, port and path",
				   a->url);
	if (!a->plain_http && sut_startswith(a->url, "http://") && !loopback(a->url + 7))
		return sut_err_set(err, EINVAL,
				   "%s would send your token unencrypted: use https, or say "
				   "--plain-http",
				   a->url);
	return 0;
}

int settings_load(struct admin *a, struct sut_err *err)
{
	const char *url = getenv("SUTURE_URL");
	bool must = a->conf_file;
	int r;

	if (!a->url && url && url[0]) {
		a->url = strdup(url);
		if (!a->url)
			return sut_err_oom(err);
	}
	if (!a->conf_file)
		a->conf_file = home_file("admin.conf");
	if (!a->conf_file)
		return sut_err_oom(err);
	r = conf_read(a, must, err);
	if (r < 0)
		return r;
	if (!a->token_file)
		a->token_file = home_file("admin.token");
	if (!a->token_file)
		return sut_err_oom(err);
	if (!a->url)
		return sut_err_reason(err, EDESTADDRREQ, "no-url",
				      "which portal? Give --url, set SUTURE_URL, or write 'url = "
				      "https://…' into %s",
				      a->conf_file);
	return url_check(a, err);
}

static int token_read(const struct admin *a, struct sut_buf *ret, struct sut_err *err)
{
	_cleanup_(sut_closep) int fd = open(a->token_file, O_RDONLY | O_CLOEXEC);
	struct stat st;
	int r;

	if (fd < 0 && errno == ENOENT)
		return sut_err_reason(
			err, ENOENT, "no-token",
			"there is no token in %s: 'suture-admin login', or put an API "
			"token there (chmod 600)",
			a->token_file);
	if (fd < 0 || fstat(fd, &st) < 0)
		return sut_err_errno(err, "cannot read %s", a->token_file);
	if ((st.st_mode & 077) || (st.st_uid != geteuid() && st.st_uid != 0))
		return sut_err_reason(
			err, EACCES, "token-mode",
			"%s may be read by others: the token in it is not used. Revoke "
			"it, make a new one, and 'chmod 600' the file",
			a->token_file);
	if (sut_buf_reserve(ret, ret->max) < 0)
		return sut_err_oom(err);
	r = sut_file_read_fd(fd, a->token_file, ret, err);
	if (r < 0)
		return r;
	while (ret->len && strchr(" \t\r\n", ret->data[ret->len - 1]))
		ret->data[--ret->len] = '\0';
	switch (sut_token_kind(sut_buf_str(ret))) {
	case SUT_TOKEN_API:
	case SUT_TOKEN_SESSION:
	case SUT_TOKEN_SYSTEM:
		return 0;
	default:
		return sut_err_set(
			err, EBADMSG,
			"%s holds no token: an API token begins with 'sutapi_', that of a "
			"login with 'sutses_'",
			a->token_file);
	}
}

int settings_connect(struct admin *a, const char *token, struct sut_err *err)
{
	_cleanup_secret_ struct sut_buf own = SUT_BUF_INIT(4096);
	struct sut_http_opts opts = {
		.ca_file = a->ca_file,
		.user_agent = "suture-admin/" SUTURE_VERSION,
		.connect_sec = 10,
		.total_sec = a->timeout ? a->timeout : 60,
	};
	int r;

	if (a->http)
		return 0;
	if (!token) {
		r = token_read(a, &own, err);
		if (r < 0)
			return r;
		token = sut_buf_str(&own);
	}
	opts.bearer = token[0] ? token : NULL;
	if (sut_startswith(a->url, "unix:"))
		opts.unix_socket = a->url + strlen("unix:");
	return sut_http_new(&opts, &a->http, err);
}

static int folder_of(const char *path, struct sut_err *err)
{
	const char *slash = strrchr(path, '/');
	_cleanup_(sut_freep) char *dir = NULL;

	if (!slash || slash == path)
		return 0;
	dir = strndup(path, (size_t)(slash - path));
	return dir ? sut_mkdir_p(dir, err) : sut_err_oom(err);
}

/* Relative to the folder of the moment when it was typed, which is not where it will be read. */
static int line(struct sut_buf *b, const char *key, const char *value, bool path)
{
	_cleanup_(sut_freep) char *whole = path ? realpath(value, NULL) : NULL;

	return value ? sut_buf_addf(b, "%s = %s\n", key, whole ? whole : value) : 0;
}

int settings_keep(struct admin *a, const char *token, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_CONF_MAX);
	_cleanup_secret_ struct sut_buf t = SUT_BUF_INIT(4096);
	int r;

	r = folder_of(a->token_file, err);
	if (r < 0)
		return r;
	if (sut_buf_reserve(&t, t.max) < 0 || sut_buf_addf(&t, "%s\n", token) < 0)
		return sut_err_oom(err);
	r = sut_file_write(a->token_file, t.data, t.len, 0600, err);
	if (r < 0 || sut_exists(a->conf_file))
		return r;
	if (line(&b, "url", a->url, false) < 0 || line(&b, "token-file", a->token_file, true) < 0 ||
	    line(&b, "ca-file", a->ca_file, true) < 0 || line(&b, "tenant", a->tenant, false) < 0 ||
	    (a->plain_http && sut_buf_addstr(&b, "plain-http = yes\n") < 0))
		return sut_err_oom(err);
	r = folder_of(a->conf_file, err);
	return r < 0 ? r : sut_file_write(a->conf_file, b.data, b.len, 0600, err);
}

void settings_release(struct admin *a)
{
	sut_http_freep(&a->http);
	free(a->conf_file);
	free(a->url);
	free(a->token_file);
	free(a->ca_file);
	free(a->tenant);
	free(a->secret_file);
	free(a->cursor);
	free(a->idempotency_key);
	free(a->base);
}
