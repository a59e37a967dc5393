// SPDX-License-Identifier: Apache-2.0
/* suture explain: why is this machine, or this hole in it, not patched? */
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "ask.h"
#include "cmd.h"
#include "halves.h"
#include "options.h"
#include "show.h"

static const char help[] =
	"usage: suture explain [OPTION]... [CVE]\n\n"
	"Says why this machine runs what it runs, and not more: everything that holds a patch\n"
	"back, the strongest reason first, and what to do about each. With a CVE: what became of\n"
	"that one. Needs no rights and changes nothing.\n\n"
	"  --json  one object on stdout (docs/formats/explain.md)\n\n"
	"Exit status: 0 said, 1 error, 64 usage\n";

/* Without sutured: what can be told all the same. */
static json_t *reasons_without(void)
{
	_cleanup_(halves_release) struct halves h = {0};
	struct protection p;
	json_t *first = json_pack("{s:s,s:s,s:s}", "code", "agent-stopped", "text",
				  "sutured does not answer, so nothing new is fetched", "advice",
				  "Start it: systemctl start sutured.service");

	(void)!halves_read_apply(ask_root(), &h, NULL);
	protection_find(&h, NULL, time(NULL), HALVES_GRACE_S, &p);
	if (strcmp(p.state, "unknown") == 0)
		return json_pack("[o]", first);
	return json_pack("[o,{s:s,s:s,s:s}]", first, "code", p.state, "text", p.text, "advice",
			 p.advice);
}

static void print(const json_t *reasons)
{
	const json_t *v;
	size_t i;

	json_array_foreach(reasons, i, v) {
		const char *advice = show_string(v, "advice");

		show(NULL, "%s: %s", show_string(v, "code"), show_string(v, "text"));
		if (*advice)
			show(NULL, "  %s", advice);
	}
}

static bool is_cve(const char *s)
{
	return !strncasecmp(s, "CVE-", 4) && strlen(s) <= 32 &&
	       strspn(s + 4, "0123456789-") == strlen(s + 4) && s[4];
}

int cmd_explain(int argc, char **argv)
{
	static const struct ask quick = {.timeout_ms = 10 * ASK_SHORT_MS};
	bool json = false;
	const struct options_row rows[] = {OPTIONS_FLAG("json", &json)};
	const struct options o = {"explain", help, rows, SUT_ARRAY_SIZE(rows), 0, 1, NULL};
	_cleanup_(json_decrefp) json_t *answer = NULL, *own = NULL;
	const json_t *reasons;
	struct sut_err err = {0};
	char **words;
	size_t n;
	int exit = options_parse(&o, argc, argv, &words, &n), r;

	if (exit != OPTIONS_GO_ON)
		return exit;
	if (n && !is_cve(words[0]))
		return options_usage("explain", "'%s' is no CVE, as CVE-2026-1234", words[0]);
	r = ask_call(ASK_NETWORK,
		     json_pack("{s:s,s:s*}", "verb", "explain", "cve", n ? words[0] : NULL), &quick,
		     &answer, &err);
	reasons = json_object_get(answer, "reasons");
	if (r < 0 && !answer) {
		reasons = own = reasons_without();
		err = (struct sut_err){0};
	}
	if (!json)
		print(reasons);
	return show_end("explain", json, "suture-explain",
			json_pack("{s:s?,s:O?}", "cve", n ? words[0] : NULL, "reasons", reasons),
			&err);
}
