// SPDX-License-Identifier: Apache-2.0
/* suture-admin: runs a portal from the command line, over its API. */
#include <locale.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "admin.h"
#include "options.h"
#include "settings.h"

static void usage(FILE *f)
{
	fputs("usage: suture-admin [OPTION]... NOUN [VERB] [ARGUMENT]... [OPTION]...\n\n", f);
	for (size_t i = 0; admin_nouns[i]; i++) {
		bool first = true;

		fprintf(f, "  %-11s %s", admin_nouns[i]->name, admin_nouns[i]->help);
		for (const struct admin_verb *v = admin_nouns[i]->verbs; v->name; v++) {
			if (!v->name[0])
				continue;
			fprintf(f, "%s%s", first ? ": " : ", ", v->name);
			first = false;
		}
		fputc('\n', f);
	}
	fprintf(f,
		"\n  'suture-admin NOUN --help' tells more\n\n%s"
		"  --help, --version\n\n"
		"Exit status:\n"
		"  0   done\n"
		"  1   error\n"
		"  2   there is none of that name\n"
		"  3   not allowed, or not logged in\n"
		"  4   it is there already, or somebody else has changed it\n"
		"  5   no portal answers there, or it cannot now\n"
		"  64  wrong usage\n",
		options_help);
}

static int wrong(const char *what, const char *word)
{
	fprintf(stderr, "suture-admin: %s%s%s%s\n\n", what, word ? " '" : "", word ? word : "",
		word ? "'" : "");
	usage(stderr);
	return ADMIN_USAGE;
}

static const struct admin_noun *noun_of(const char *name)
{
	for (size_t i = 0; admin_nouns[i]; i++)
		if (sut_streq(admin_nouns[i]->name, name))
			return admin_nouns[i];
	return NULL;
}

static const struct admin_verb *verb_of(const struct admin_noun *n, const char *name)
{
	for (const struct admin_verb *v = n->verbs; v->name; v++)
		if (sut_streq(v->name, name))
			return v;
	return NULL;
}

static int run(struct admin *a, int argc, char **argv)
{
	const struct admin_noun *n = noun_of(argv[0]);
	const struct admin_verb *v;
	const char *word = argc > 1 ? argv[1] : "";

	if (!n)
		return wrong("there is no noun", argv[0]);
	v = word[0] ? verb_of(n, word) : NULL;
	if (v)
		return admin_verb_run(a, n, v, argc - 1, argv + 1);
	v = verb_of(n, "");
	if (sut_streq(word, "--help") || sut_streq(word, "-h")) {
		admin_noun_help(n);
		return ADMIN_OK;
	}
	if (v)
		return admin_verb_run(a, n, v, argc, argv);
	fprintf(stderr, "suture-admin %s: %s%s%s; the verbs are", n->name,
		word[0] ? "there is no verb '" : "what about it?", word, word[0] ? "'" : "");
	for (v = n->verbs; v->name; v++)
		fprintf(stderr, "%s %s", v == n->verbs ? "" : ",", v->name);
	fprintf(stderr, "\n'suture-admin %s --help' tells more\n", n->name);
	return ADMIN_USAGE;
}

/* Options that stand before the noun. Exit status; -1 to go on at optind. */
static int leading(struct admin *a, int argc, char **argv)
{
	struct option list[ADMIN_OPTIONS_MAX + 2];
	size_t n = options_table(list, false, false);
	struct sut_err err = {0};
	int c, r;

	list[n++] = (struct option){"version", no_argument, NULL, 'V'};
	list[n] = (struct option){0};
	while ((c = getopt_long(argc, argv, "+hV", list, NULL)) != -1) {
		if (c == 'h') {
			usage(stdout);
			return ADMIN_OK;
		}
		if (c == 'V') {
			printf("suture-admin %s\n", SUTURE_VERSION);
			return ADMIN_OK;
		}
		r = options_take(a, c, optarg, &err);
		if (r < 0)
			admin_say("%s", err.msg);
		if (r != 0)
			return ADMIN_USAGE;
	}
	return -1;
}

int main(int argc, char **argv)
{
	_cleanup_(settings_release) struct admin a = {0};
	const struct rlimit none = {0, 0};
	int status;

	/* A core file would hold tokens and passwords. */
	(void)!setrlimit(RLIMIT_CORE, &none);
	signal(SIGPIPE, SIG_IGN);
	setlocale(LC_CTYPE, "");
	/* For completion: words that may come next. */
	if (argc >= 2 && sut_streq(argv[1], "--words")) {
		admin_words(argc - 2, argv + 2);
		return ADMIN_OK;
	}
	status = leading(&a, argc, argv);
	if (status < 0 && optind >= argc)
		status = wrong("what is to be done?", NULL);
	if (status < 0)
		status = run(&a, argc - optind, argv + optind);
	if (fflush(stdout) != 0 && status == ADMIN_OK) {
		admin_say("cannot write to standard output");
		status = ADMIN_ERROR;
	}
	return status;
}
