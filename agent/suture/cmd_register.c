// SPDX-License-Identifier: Apache-2.0
/*
 * suture register: has sutured enrol this machine at a portal. The secret goes from a file, a pipe or the terminal
 * to sutured; it is in no argument, no environment and no file of ours.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ask.h"
#include "base/file.h"
#include "base/secret.h"
#include "base/str.h"
#include "cmd.h"
#include "common/conf.h"
#include "options.h"
#include "show.h"

enum { CA_MAX = 64 << 10, PATIENCE_MS = 10000 };

static const char help[] =
	"usage: suture register [OPTION]...\n\n"
	"Registers this machine at a portal. The registration key is asked for on the terminal,\n"
	"without being shown, unless it comes from a file. From then on this machine fetches and\n"
	"applies what it is told to run. Registering again keeps the System ID.\n\n"
	"  --portal URL        https://HOST[:PORT] (default: 'portal' in /etc/suture/agent.conf)\n"
	"  --key-file FILE     the first line is the registration key; - for standard input\n"
	"  --customer-id NAME  instead of a key: the name of a customer key\n"
	"  --token-file FILE   with --customer-id: the first line is an API token that may\n"
	"                      register; without it the portal goes by the network we come from\n"
	"  --external-id NAME  the name that another platform has for this machine\n"
	"  --products LIST     kernel, library, or both with a comma (default: kernel)\n"
	"  --ca FILE           certificate authorities of the portal (PEM) instead of the\n"
	"                      system's; they are kept\n"
	"  --json              one object on stdout (docs/formats/status.md)\n\n"
	"Exit status: 0 registered, 1 error or refused, 8 the portal does not answer, 64 usage\n";

struct options_of {
	const char *portal, *key_file, *customer_id, *token_file, *external_id, *products, *ca;
	bool json;
};

static int find_portal(const struct options_of *o, struct agent_conf *conf, const char **ret,
		       struct sut_err *err)
{
	int r;

	*ret = o->portal;
	if (o->portal)
		return 0;
	r = agent_conf_read(ask_root(), conf, err);
	if (r < 0)
		return r;
	*ret = conf->portal;
	if (!*conf->portal)
		return sut_err_reason(err, EINVAL, "no-portal",
				      "it is not known which portal is meant. Use --portal URL, or "
				      "write 'portal = URL' into /etc/suture/agent.conf");
	return 0;
}

static int read_ca(const char *path, struct sut_buf *b, struct sut_err *err)
{
	int r = path ? sut_file_read(path, b, err) : 0;

	if (r < 0)
		return r;
	if (path && !strstr(sut_buf_str(b), "-----BEGIN CERTIFICATE-----"))
		return sut_err_reason(err, EBADMSG, "ca",
				      "%s holds no certificate. Give the authority's certificate "
				      "in PEM form",
				      path);
	return 0;
}

static int read_secret(const struct options_of *o, struct sut_buf *ret, struct sut_err *err)
{
	const char *file = o->customer_id ? o->token_file : o->key_file;
	struct sut_secret_ask ask = {
		.word = o->customer_id ? "token" : "registration key",
		.prompt = "Registration key (it is not shown)",
		.file = file && sut_streq(file, "-") ? "/dev/stdin" : file,
		.advice = "use --key-file FILE (- for standard input)",
	};

	if (o->customer_id && !file)
		return 0;
	return sut_secret_get(&ask, ret, err);
}

/* "kernel,library" as a list; NULL with *bad when a word is neither. */
static json_t *products(const char *text, bool *bad)
{
	json_t *list = json_array();

	while (list && *text && !*bad) {
		size_t len = strcspn(text, ",");

		*bad = !(len == 6 && !memcmp(text, "kernel", 6)) &&
		       !(len == 7 && !memcmp(text, "library", 7));
		if (json_array_append_new(list, json_stringn(text, len)) < 0) {
			json_decref(list);
			return NULL;
		}
		text += len + (text[len] == ',');
	}
	return list;
}

static json_t *request(const struct options_of *o, const char *portal, const struct sut_buf *secret,
		       const struct sut_buf *ca)
{
	const char *text = sut_buf_str(secret);
	bool bad = false;

	return json_pack("{s:s,s:s,s:s*,s:s*,s:s*,s:s*,s:s*,s:o*}", "verb", "register", "portal",
			 portal, "key", o->customer_id ? NULL : text, "customer_id", o->customer_id,
			 "token", o->customer_id && *text ? text : NULL, "external_id",
			 o->external_id, "ca", ca->len ? sut_buf_str(ca) : NULL, "products",
			 o->products ? products(o->products, &bad) : NULL);
}

static int run(const struct options_of *o, json_t **ret, struct sut_err *err)
{
	_cleanup_secret_ struct sut_buf secret = SUT_BUF_INIT(SUT_SECRET_MAX);
	_cleanup_buf_ struct sut_buf ca = SUT_BUF_INIT(CA_MAX);
	struct ask ask = {.patience_ms = PATIENCE_MS};
	_cleanup_(sut_freep) struct agent_conf *conf = calloc(1, sizeof(*conf));
	struct progress progress;
	const char *portal = NULL;
	int r = ask_need_root("registering this machine", err);

	if (!conf)
		return sut_err_oom(err);
	if (r == 0)
		r = find_portal(o, conf, &portal, err);
	if (r == 0)
		r = read_ca(o->ca, &ca, err);
	if (r == 0 && sut_buf_reserve(&secret, secret.max) < 0)
		r = sut_err_oom(err);
	if (r == 0)
		r = read_secret(o, &secret, err);
	if (r < 0)
		return r;
	progress_init(&progress, "register", false, o->json);
	ask_catch_signals(&progress);
	ask.progress = &progress;
	return ask_call(ASK_NETWORK, request(o, portal, &secret, &ca), &ask, ret, err);
}

static int check(const struct options_of *o)
{
	bool bad = false;

	if (o->key_file && o->customer_id)
		return options_usage("register", "--key-file and --customer-id exclude each other");
	if (o->token_file && !o->customer_id)
		return options_usage("register", "--token-file goes with --customer-id");
	if (o->portal && !sut_startswith(o->portal, "https://") &&
	    !sut_startswith(o->portal, "http://"))
		return options_usage("register", "--portal takes https://HOST[:PORT], not '%s'",
				     o->portal);
	if (o->products)
		json_decref(products(o->products, &bad));
	if (bad)
		return options_usage("register",
				     "--products takes kernel, library or both, not "
				     "'%s'",
				     o->products);
	return OPTIONS_GO_ON;
}

int cmd_register(int argc, char **argv)
{
	struct options_of v = {0};
	const struct options_row rows[] = {OPTIONS_TEXT("portal", &v.portal),
					   OPTIONS_TEXT("key-file", &v.key_file),
					   OPTIONS_TEXT("customer-id", &v.customer_id),
					   OPTIONS_TEXT("token-file", &v.token_file),
					   OPTIONS_TEXT("external-id", &v.external_id),
					   OPTIONS_TEXT("products", &v.products),
					   OPTIONS_TEXT("ca", &v.ca),
					   OPTIONS_FLAG("json", &v.json)};
	const struct options o = {"register", help, rows, SUT_ARRAY_SIZE(rows), 0, 0, NULL};
	_cleanup_(json_decrefp) json_t *answer = NULL;
	struct sut_err err = {0};
	const char *id, *feed;
	char **words;
	size_t n;
	int exit = options_parse(&o, argc, argv, &words, &n);

	if (exit == OPTIONS_GO_ON)
		exit = check(&v);
	if (exit != OPTIONS_GO_ON)
		return exit;
	(void)!run(&v, &answer, &err);
	id = show_string(answer, "system_id");
	feed = show_string(answer, "feed");
	if (!err.code && !v.json) {
		show(NULL, "registered: System ID %s, feed %s", id, *feed ? feed : "(none)");
		show(NULL, "What is to run is fetched and applied from now on; 'suture status' "
			   "says how it is.");
	}
	return show_end(
		"register", v.json, "suture-register",
		json_pack("{s:s?,s:s?}", "system_id", *id ? id : NULL, "feed", *feed ? feed : NULL),
		&err);
}
