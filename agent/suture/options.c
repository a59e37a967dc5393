// SPDX-License-Identifier: Apache-2.0
#include "options.h"

#include <assert.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "base/utf8.h"
#include "kernel/exit.h"

enum { FIRST = 256 }; /* values of long options: beyond any character */

int options_usage(const char *command, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	sut_make_printable(text, "");
	fprintf(stderr, "suture: %s: %s; see 'suture %s --help'\n", command, text, command);
	return SUT_EXIT_USAGE;
}

static int bad_option(const struct options *o, int c, char **argv)
{
	const char *word = argv[optind - 1];

	for (size_t i = 0; i < o->nrows; i++)
		if (optopt == FIRST + (int)i)
			return options_usage(
				o->command, c == ':' ? "--%s takes a value" : "--%s takes no value",
				o->rows[i].name);
	if (optopt)
		return options_usage(o->command, "there is no option '-%c'", optopt);
	return options_usage(o->command, "there is no option '%s'", word);
}

int options_parse(const struct options *o, int argc, char **argv, char ***ret_words, size_t *ret_n)
{
	struct option table[OPTIONS_MAX + 2] = {{"help", no_argument, NULL, 'h'}};
	size_t n;
	int c;

	assert(o->nrows <= OPTIONS_MAX);
	for (size_t i = 0; i < o->nrows; i++)
		table[i + 1] = (struct option){o->rows[i].name,
					       o->rows[i].flag ? no_argument : required_argument,
					       NULL, FIRST + (int)i};
	opterr = 0;
	optind = 0; /* from the beginning, also the second time */
	while ((c = getopt_long(argc, argv, ":h", table, NULL)) != -1) {
		const struct options_row *row = c >= FIRST ? &o->rows[c - FIRST] : NULL;

		if (c == 'h') {
			fputs(o->help, stdout);
			return SUT_EXIT_OK;
		}
		if (!row)
			return bad_option(o, c, argv);
		if (row->flag)
			*row->flag = true;
		else if (*optarg)
			*row->text = optarg;
		else
			return options_usage(o->command, "--%s takes a value, not ''", row->name);
	}
	n = (size_t)(argc - optind);
	if (n < o->min)
		return options_usage(o->command, "%s", o->words);
	if (n > o->max)
		return options_usage(o->command, "'%s' is one word too many",
				     argv[optind + (int)o->max]);
	*ret_words = argv + optind;
	*ret_n = n;
	return OPTIONS_GO_ON;
}
