// SPDX-License-Identifier: Apache-2.0
#include "library/mirror.h"

#include <errno.h>
#include <string.h>

#include "base/proc.h"

enum { QUERY_TIMEOUT = 120 /* seconds */ };

/* Of each release there are three: what its codename ends with, and where deb.debian.org has it. */
static const struct archive {
	const char *suffix, *uri;
} archives[] = {
	{"", "http://deb.debian.org/debian"},
	{"-updates", "http://deb.debian.org/debian"},
	{"-security", "http://deb.debian.org/debian-security"},
};

/* The URI in the first line "CODENAME URI" of that codename that a root can use; *ret_len 0: none. */
static const char *find(const char *text, const char *suite, const char *suffix, size_t *ret_len)
{
	size_t a = strlen(suite), b = strlen(suffix);

	for (const char *p = text; *p; p += strcspn(p, "\n"), p += *p == '\n') {
		const char *uri = p + a + b + 1;

		if (strncmp(p, suite, a) != 0 || strncmp(p + a, suffix, b) != 0 || p[a + b] != ' ')
			continue;
		if (!sut_startswith(uri, "http://") && !sut_startswith(uri, "https://"))
			continue;
		*ret_len = strcspn(uri, " \n");
		if (uri[*ret_len] == ' ')
			continue;
		*ret_len -= uri[*ret_len - 1] == '/';
		return uri;
	}
	*ret_len = 0;
	return "";
}

int sut_mirrors_parse(struct sut_mirrors *m, const char *text, const char *suite)
{
	static const char *const kinds[] = {"deb", "deb-src"};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(archives); i++) {
		size_t len;
		const char *uri = find(text, suite, archives[i].suffix, &len);

		if (!len) {
			uri = archives[i].uri;
			len = strlen(uri);
		}
		m->own |= len != strlen(archives[i].uri) || strncmp(uri, archives[i].uri, len) != 0;
		m->tls |= sut_startswith(uri, "https:");
		for (size_t k = 0; k < SUT_ARRAY_SIZE(kinds); k++)
			if (sut_strv_addf(&m->lines, "%s %.*s %s%s main", kinds[k], (int)len, uri,
					  suite, archives[i].suffix) < 0)
				return -ENOMEM;
	}
	return 0;
}

int sut_mirrors_parse_proxies(struct sut_mirrors *m, const char *text)
{
	static const char *const keys[] = {"Acquire::http::Proxy", "Acquire::https::Proxy"};

	for (const char *p = text; *p; p += strcspn(p, "\n"), p += *p == '\n')
		for (size_t i = 0; i < SUT_ARRAY_SIZE(keys); i++) {
			size_t n = strlen(keys[i]);

			/* Of all hosts, or of one ("::HOST"); not Proxy-Auto-Detect, a program of this machine. */
			if (sut_startswith(p, keys[i]) && (p[n] == ' ' || p[n] == ':') &&
			    sut_strv_addf(&m->proxies, "%.*s", (int)strcspn(p, "\n"), p) < 0)
				return -ENOMEM;
		}
	return 0;
}

/* What a program of apt says; empty when there is none, or it fails. */
static void ask(const char *const argv[], struct sut_buf *out)
{
	static const char *const env[] = {"LC_ALL=C", NULL};
	const struct sut_run_opts o = {.env = env, .out = out, .timeout_sec = QUERY_TIMEOUT};

	if (sut_run_ok(argv, &o, NULL) < 0)
		sut_buf_release(out);
}

int sut_mirrors_of_host(struct sut_mirrors *m, const char *suite, struct sut_err *err)
{
	/* Others have archives with the codenames of Debian, too. */
	static const char *const targets[] = {
		"apt-get",	  "indextargets", "Created-By: Packages",    "Component: main",
		"Origin: Debian", "--format",	  "$(CODENAME) $(REPO_URI)", NULL};
	static const char *const config[] = {
		"apt-config",	"dump",		 "--no-empty",	   "--format",
		"%F \"%v\";%n", "Acquire::http", "Acquire::https", NULL};
	_cleanup_buf_ struct sut_buf list = SUT_BUF_INIT(1 << 20), dump = SUT_BUF_INIT(1 << 20);

	ask(targets, &list);
	ask(config, &dump);
	if (sut_mirrors_parse(m, sut_buf_str(&list), suite) < 0 ||
	    sut_mirrors_parse_proxies(m, sut_buf_str(&dump)) < 0)
		return sut_err_oom(err);
	return 0;
}

void sut_mirrors_release(struct sut_mirrors *m)
{
	sut_strv_release(&m->lines);
	sut_strv_release(&m->proxies);
	*m = (struct sut_mirrors){0};
}
