/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a program that is patched has in common: it says "ready", then answers questions of one letter on its standard input, each
 * with a number and a newline, and ends with its input. It checks itself meanwhile: the first thing that is wrong is what
 * 'k' tells. Only read() and write() are used for that, so that it also works under a filter.
 */
#ifndef SUTURE_TESTS_SERVE_H
#define SUTURE_TESTS_SERVE_H

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "victim.h"

/* The first fault that a checker found; 0: none. How often they looked. */
static atomic_int fault_found;
static atomic_int looks;
static atomic_int mixture;

static inline void found(int code)
{
	int none = 0;

	atomic_compare_exchange_strong(&fault_found, &none, code);
}

static inline void looked(void)
{
	atomic_fetch_add(&looks, 1);
}

static inline void say(int v)
{
	char buf[16];
	size_t n = sizeof(buf);
	unsigned int u = v < 0 ? -(unsigned int)v : (unsigned int)v;
	ssize_t r;

	buf[--n] = '\n';
	do {
		buf[--n] = (char)('0' + u % 10);
		u /= 10;
	} while (u);
	if (v < 0)
		buf[--n] = '-';
	r = write(1, buf + n, sizeof(buf) - n);
	(void)r;
}

static inline int answer(char c)
{
	switch (c) {
	case 'v':
		return victim_value(0);
	case 's':
		return victim_secret(0);
	case 't':
		return victim_tiny();
	case 'n':
		return victim_name()[1] == 'n' ? 1 : 2;
	case 'l':
		return victim_tls(1);
	case 'c':
		return victim_count();
	case 'h':
		return victim_home();
	case 'p':
		return victim_pair();
	case 'k':
		return atomic_load(&fault_found);
	case 'K':
		return atomic_load(&looks) & 0x3fffffff;
	case 'M': /* a mixture of versions is none from now on */
		atomic_store(&mixture, 1);
		return 0;
	default:
		return -1;
	}
}

/* Once. */
static inline void say_ready(void)
{
	const char *volatile ready = "ready\n";
	static int said;

	/* strnlen() is an IFUNC: it is bound from here on. */
	if (!said++ && write(1, ready, strnlen(ready, 100)) < 0)
		_exit(2);
}

/* extra: letters of this program; NULL. It returns what it has to say. */
static inline void serve(int (*extra)(char c))
{
	ssize_t r;
	char c;

	say_ready();
	while ((r = read(0, &c, 1)) != 0) {
		if (r < 0) {
			/* The reading itself is a system call that must not be disturbed. */
			found(1000 + errno);
			if (errno != EINTR)
				break;
			continue;
		}
		if (c == 'q')
			break;
		say(extra && c >= 'A' && c <= 'Z' && c != 'K' && c != 'M' ? extra(c) : answer(c));
	}
}

#endif
