/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Taking shell command lines apart, as make prints them.
 *
 * Knows quotes and backslashes (POSIX Shell Command Language, 2.2) and the
 * operators between commands. Nothing is expanded: "$x" and `x` stay as they
 * are, which is right for the commands of Kbuild, whose variables make has
 * replaced already.
 */
#ifndef SUTURE_BUILDER_SHELL_H
#define SUTURE_BUILDER_SHELL_H

#include "base/cleanup.h"
#include "base/str.h"

enum {
	SUT_SHELL_WORD_MAX = 1 << 20,  /* bytes of one word */
	SUT_SHELL_WORDS_MAX = 1 << 16, /* words of one command */
};

/*
 * The next simple command of the text from *p to end, as its words; commands
 * end at ; & | ( ) and at newlines, redirection signs only separate words.
 * *p is moved behind it. Returns 1 with at least one word in *ret, 0 at the
 * end of the text, -EBADMSG for a quote that is not closed, -E2BIG when a
 * limit is passed, -ENOMEM. *ret is to be released before the next call.
 */
int sut_shell_next(const char **p, const char *end, struct sut_strv *ret) _must_check_;

#endif
