/* SPDX-License-Identifier: Apache-2.0 */
/* Options of a command: a table of what it takes, --help, and errors that are all said in one way. */
#ifndef SUTURE_AGENT_OPTIONS_H
#define SUTURE_AGENT_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

enum { OPTIONS_MAX = 16 }; /* rows of a table */

struct options_row {
	const char *name;  /* without "--" */
	bool *flag;	   /* set when the option is there; or */
	const char **text; /* what comes with it, which is not empty */
};

#define OPTIONS_FLAG(n, v)                                                                         \
	{                                                                                          \
		.name = (n), .flag = (v)                                                           \
	}
#define OPTIONS_TEXT(n, v)                                                                         \
	{                                                                                          \
		.name = (n), .text = (v)                                                           \
	}

struct options {
	const char *command; /* "job run" */
	const char *help;    /* for --help, on standard output */
	const struct options_row *rows;
	size_t nrows;
	size_t min, max;   /* words that are no options */
	const char *words; /* what they are, for the error: "name one CVE" */
};

enum { OPTIONS_GO_ON = -1 };

/*
 * OPTIONS_GO_ON, or the exit status of the whole command: 0 after --help, SUT_EXIT_USAGE after what is
 * wrong was said. argv is put into order; *ret_words are those that are no options.
 */
int options_parse(const struct options *o, int argc, char **argv, char ***ret_words, size_t *ret_n);

/* "suture: COMMAND: TEXT; see 'suture COMMAND --help'" on standard error. Returns SUT_EXIT_USAGE. */
int options_usage(const char *command, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
