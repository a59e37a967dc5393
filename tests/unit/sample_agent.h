/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands of suture with both halves of the agent played by the test: sockets below a root of its own, answers that
 * the test gives beforehand, and what was asked. SUTURE_ROOT is set to the root.
 */
#ifndef SUTURE_TESTS_SAMPLE_AGENT_H
#define SUTURE_TESTS_SAMPLE_AGENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum sample_half { SAMPLE_NETWORK, SAMPLE_APPLY };

void sample_agent_start(void);
/* Also checks that nothing is left of the root. */
void sample_agent_stop(void);
const char *sample_agent_root(void);

/* Nobody listens any more, or again. All do after the start. */
void sample_agent_listen(enum sample_half half, bool yes);

/*
 * From now on `verb` is answered with this message, the last one of several JSON texts in one string (separated by
 * newlines); those before are progress. "": the connection is closed without an answer. NULL: as if it were unknown.
 */
void sample_agent_answer(enum sample_half half, const char *verb, const char *messages);

/* The last request with this verb; NULL: there was none. And the content of its first descriptor (NULL: none). */
const json_t *sample_agent_asked(enum sample_half half, const char *verb);
const char *sample_agent_file(enum sample_half half, const char *verb);
/* How many requests there were since the start. */
size_t sample_agent_calls(void);

/* Runs one command in this process: words separated by spaces, the first is its name. Standard input is in. */
struct sample_said {
	int exit;
	char out[64 << 10], err[64 << 10]; /* what it said on standard output and error */
};
void sample_agent_run(int (*cmd)(int, char **), const char *words, const char *in,
		      struct sample_said *ret);

#endif
