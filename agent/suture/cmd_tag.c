// SPDX-License-Identifier: Apache-2.0
/* suture tag: words by which people and portals find this machine. */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "choose.h"
#include "cmd.h"
#include "options.h"
#include "show.h"

static const char help[] =
	"usage: suture tag [NAME[:VALUE]]... [--clear] [--json]\n\n"
	"Says the tags of this machine, or adds some; the portal gets to know them with the next\n"
	"check-in. A tag of the same name is replaced.\n\n"
	"  --clear  first remove those that are there\n"
	"  --json   one object on stdout (docs/formats/status.md)\n\n"
	"A tag has at most 64 of A-Z a-z 0-9 . _ - / @, and there are at most 32. Changing them\n"
	"needs root.\n\n"
	"Exit status: 0 done, 1 error, 64 usage\n";

static size_t name_len(const char *tag)
{
	return strcspn(tag, ":");
}

/* Adds it, or puts it in the place of one with its name. */
static bool put(struct choice *c, const char *tag)
{
	size_t i = 0, len = name_len(tag);

	while (i < c->ntags && (name_len(c->tags[i]) != len || memcmp(c->tags[i], tag, len) != 0))
		i++;
	if (i == CHOICE_TAGS_MAX)
		return false;
	snprintf(c->tags[i], sizeof(c->tags[i]), "%s", tag);
	c->ntags += i == c->ntags;
	return true;
}

int cmd_tag(int argc, char **argv)
{
	bool json = false, clear = false;
	const struct options_row rows[] = {OPTIONS_FLAG("clear", &clear),
					   OPTIONS_FLAG("json", &json)};
	const struct options o = {"tag",	   help, rows, SUT_ARRAY_SIZE(rows), 0,
				  CHOICE_TAGS_MAX, NULL};
	struct choice c = {0};
	struct sut_err err = {0};
	char **words;
	size_t n;
	int exit = options_parse(&o, argc, argv, &words, &n);

	if (exit != OPTIONS_GO_ON)
		return exit;
	for (size_t i = 0; i < n; i++)
		if (!choice_tag_valid(words[i]))
			return options_usage("tag",
					     "'%s' is no tag: NAME or NAME:VALUE, of A-Z a-z 0-9 "
					     ". _ - / @, at most 64 bytes",
					     words[i]);
	if (!n && !clear)
		return choose("tag", "tags", NULL, json);
	if (!clear && choose_now(&c, &err) < 0)
		return show_end("tag", json, "suture-choose", NULL, &err);
	for (size_t i = 0; i < n; i++)
		if (!put(&c, words[i]))
			return options_usage("tag", "there are at most %d tags", CHOICE_TAGS_MAX);
	return choose("tag", "tags", &c, json);
}
