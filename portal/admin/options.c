// SPDX-License-Identifier: Apache-2.0
#include "options.h"

#include <errno.h>
#include <string.h>

#include "settings.h"

enum {
	O_URL = 256,
	O_CONFIG,
	O_TOKEN_FILE,
	O_CA_FILE,
	O_TENANT,
	O_PLAIN_HTTP,
	O_JSON,
	O_TIMEOUT,
	O_SECRET_FILE,
	O_KEY,
	O_LIMIT,
	O_ALL,
	O_CURSOR,
	O_IF_VERSION,
};

const char options_help[] =
	"  --url URL              the portal: https://HOST[:PORT], or unix:PATH of its local socket;\n"
	"                         else $SUTURE_URL, else 'url' of the configuration\n"
	"  --config FILE          default: ~/.config/suture/admin.conf\n"
	"  --token-file FILE      the token to use; only its owner may read the file\n"
	"  --ca-file FILE         certificate authorities instead of the system's\n"
	"  --tenant NAME          act in this tenant; for staff of the portal\n"
	"  --plain-http           send the token to another machine without TLS\n"
	"  --json                 print the portal's JSON instead of tables\n"
	"  --secret-file FILE     write a new key, token or password there instead of printing it\n"
	"  --idempotency-key KEY  of a command that makes something: the same key again gives the same\n"
	"                         answer, and does nothing twice; default: a fresh one\n"
	"  --timeout SECONDS      for one call; default 60\n";

size_t options_table(struct option *list, bool paged, bool match)
{
	static const struct option all[] = {
		{"url", required_argument, NULL, O_URL},
		{"config", required_argument, NULL, O_CONFIG},
		{"token-file", required_argument, NULL, O_TOKEN_FILE},
		{"ca-file", required_argument, NULL, O_CA_FILE},
		{"tenant", required_argument, NULL, O_TENANT},
		{"plain-http", no_argument, NULL, O_PLAIN_HTTP},
		{"json", no_argument, NULL, O_JSON},
		{"timeout", required_argument, NULL, O_TIMEOUT},
		{"secret-file", required_argument, NULL, O_SECRET_FILE},
		{"idempotency-key", required_argument, NULL, O_KEY},
		{"help", no_argument, NULL, 'h'},
	};
	static const struct option of_lists[] = {
		{"limit", required_argument, NULL, O_LIMIT},
		{"all", no_argument, NULL, O_ALL},
		{"cursor", required_argument, NULL, O_CURSOR},
	};
	size_t n = SUT_ARRAY_SIZE(all);

	memcpy(list, all, sizeof(all));
	if (paged) {
		memcpy(list + n, of_lists, sizeof(of_lists));
		n += SUT_ARRAY_SIZE(of_lists);
	}
	if (match)
		list[n++] = (struct option){"if-version", required_argument, NULL, O_IF_VERSION};
	list[n] = (struct option){0};
	return n;
}

static int text(char **to, const char *arg, struct sut_err *err)
{
	free(*to);
	*to = strdup(arg);
	return *to ? 0 : sut_err_oom(err);
}

static int number(const char *name, const char *arg, uint64_t max, uint64_t *ret,
		  struct sut_err *err)
{
	if (sut_parse_u64(arg, max, ret) == 0 && *ret)
		return 0;
	return sut_err_set(err, EINVAL, "--%s %s: give a number from 1 to %llu", name, arg,
			   (unsigned long long)max);
}

int options_take(struct admin *a, int c, const char *arg, struct sut_err *err)
{
	uint64_t n = 0;
	int r = 0;

	switch (c) {
	case O_URL:
		return text(&a->url, arg, err);
	case O_CONFIG:
		return text(&a->conf_file, arg, err);
	case O_TOKEN_FILE:
		return text(&a->token_file, arg, err);
	case O_CA_FILE:
		return text(&a->ca_file, arg, err);
	case O_TENANT:
		return text(&a->tenant, arg, err);
	case O_SECRET_FILE:
		return text(&a->secret_file, arg, err);
	case O_KEY:
		return text(&a->idempotency_key, arg, err);
	case O_CURSOR:
		return text(&a->cursor, arg, err);
	case O_PLAIN_HTTP:
		a->plain_http = true;
		return 0;
	case O_JSON:
		a->json = true;
		return 0;
	case O_ALL:
		a->all = true;
		return 0;
	case O_TIMEOUT:
		r = number("timeout", arg, 86400, &n, err);
		a->timeout = (unsigned int)n;
		return r;
	case O_LIMIT:
		r = number("limit", arg, 1000000, &n, err);
		a->limit = (int64_t)n;
		return r;
	case O_IF_VERSION:
		r = number("if-version", arg, INT64_MAX, &n, err);
		a->if_version = (int64_t)n;
		return r;
	default:
		return 1;
	}
}

int options_finish(struct admin *a, struct sut_err *err)
{
	return settings_load(a, err);
}
