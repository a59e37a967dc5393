// SPDX-License-Identifier: Apache-2.0
/* suture cves: is a CVE fixed in the code that runs right now, and if not, by what would it be? */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "ask.h"
#include "cmd.h"
#include "fixes.h"
#include "options.h"
#include "show.h"
#include "truth/truth.h"

static const char help[] =
	"usage: suture cves [OPTION]... [CVE]\n\n"
	"Says whether a CVE is fixed in the kernel that runs right now by its live patch, or what\n"
	"would fix it. Without a CVE, lists all that the live patch fixes and those that further\n"
	"patches would. What the vendor's own package has fixed is not counted here.\n\n"
	"  --live  only those that are fixed now\n"
	"  --json  one object on stdout (docs/formats/schemas/suture-cves.json)\n\n"
	"Exit status: 0 fixed now (or a list), 1 not fixed now, or an error, 64 usage\n";

static void print_row(const json_t *r)
{
	const char *until = show_string(r, "until"), *reason = show_string(r, "reason");
	char name[128];

	show_patch_name(r, name, sizeof(name));
	show(NULL, "%-16s  %-9s  %s%s%s%s%s", show_string(r, "cve"), show_string(r, "state"), name,
	     *reason ? ": " : "", reason, *until ? " until " : "", until);
}

static void say(const char *cve, const struct fix_found *f, const struct halves *h)
{
	const char *until = show_string(f->by, "until");
	char name[128];

	show_patch_name(f->by, name, sizeof(name));
	switch (f->fix) {
	case FIX_LIVE:
		show(NULL, "%s is fixed in %s, by %s", cve,
		     *show_string(f->by, "build_id") ? show_string(f->by, "name")
						     : "the running kernel",
		     name);
		break;
	case FIX_PARTLY:
		show(NULL,
		     "%s is not fixed everywhere: %s runs in %s of %s; see 'suture lib explain'",
		     cve, name, f->text, show_string(f->by, "name"));
		break;
	case FIX_AVAILABLE:
		show(NULL,
		     "%s is not fixed. %s would fix it; 'suture explain %s' says why it is "
		     "not applied yet",
		     cve, name, cve);
		break;
	case FIX_HELD:
		show(NULL, "%s is not fixed. %s would fix it and is held back (%s%s%s)", cve, name,
		     show_string(f->by, "reason"), *until ? ", until " : "", until);
		break;
	case FIX_NONE:
		show(NULL, "%s is not fixed by a live patch, and %s", cve,
		     h->network ? "no patch for this kernel is known that does"
				: "sutured does not answer, so nobody here knows of further ones");
		break;
	}
}

/* null of FIX_NONE */
static json_t *by(const struct fix_found *f)
{
	const char *id = show_string(f->by, "id");

	if (!f->by)
		return json_null();
	return json_pack(
		"{s:s, s:I, s:o?, s:O?}", "patchset", *id ? id : show_string(f->by, "patchset"),
		"level", show_int(f->by, "level"), "reason",
		*f->text ? json_string(f->text) : json_incref(json_object_get(f->by, "reason")),
		"until", json_object_get(f->by, "until"));
}

static int one(const char *word, const struct halves *h, bool json)
{
	char cve[32] = "";
	struct fix_found f;

	for (size_t i = 0; i < sizeof(cve) - 1 && word[i]; i++)
		cve[i] = (char)toupper((unsigned char)word[i]);
	if (strlen(word) != strlen(cve) || !truth_is_cve(cve))
		return options_usage("cves", "'%s' is no CVE; write it as CVE-2026-1234", word);
	fix_find(h, cve, &f);
	if (!json)
		say(cve, &f, h);
	return show_end_with("cves", json, "suture-cves",
			     json_pack("{s:s, s:b, s:s, s:o}", "cve", cve, "fixed",
				       f.fix == FIX_LIVE, "state", fix_word(f.fix), "by", by(&f)),
			     NULL, f.fix == FIX_LIVE ? SUT_EXIT_OK : SUT_EXIT_ERROR);
}

static int all(const struct halves *h, bool only_live, bool json)
{
	_cleanup_(json_decrefp) json_t *list = fix_list(h);
	struct sut_err err = {0};
	const json_t *r;
	size_t i, shown = 0;

	if (!list) {
		(void)!sut_err_oom(&err);
		return show_end("cves", json, "suture-cves", NULL, &err);
	}
	for (i = json_array_size(list); only_live && i-- > 0;)
		if (strcmp(show_string(json_array_get(list, i), "state"), "live"))
			json_array_remove(list, i);
	json_array_foreach(list, i, r)
		if (!json && ++shown)
			print_row(r);
	if (!json && !shown)
		show(NULL, "no live patch fixes a CVE here");
	return show_end("cves", json, "suture-cves",
			json_pack("{s:b, s:O}", "live", truth_is_live(h->apply), "cves", list),
			&err);
}

int cmd_cves(int argc, char **argv)
{
	bool json = false, live = false;
	const struct options_row rows[] = {OPTIONS_FLAG("live", &live),
					   OPTIONS_FLAG("json", &json)};
	const struct options o = {
		"cves", help, rows, SUT_ARRAY_SIZE(rows), 0, 1, "name one CVE, as CVE-2026-1234"};
	_cleanup_(halves_release) struct halves h = {0};
	char **words;
	size_t n;
	int exit = options_parse(&o, argc, argv, &words, &n);

	if (exit != OPTIONS_GO_ON)
		return exit;
	halves_read(ask_root(), &h);
	if (!h.apply)
		return show_end("cves", json, "suture-cves", NULL, &h.apply_err);
	return n ? one(words[0], &h, json) : all(&h, live, json);
}
