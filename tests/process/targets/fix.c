// SPDX-License-Identifier: Apache-2.0
/* What patches put in the place of victim.c: fixed_X for level 1, again_X for level 2. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

extern int victim_number, victim_static_number;
extern __thread int victim_tls_number;

int fixed_value(int x);
int again_value(int x);
int fixed_secret(int x);
int fixed_tiny(void);
const char *fixed_name(void);
int fixed_tls(int add);
int fixed_count(void);
int fixed_home(void);
int fixed_with(int (*f)(void *), void *arg);
int fixed_left(void);
int fixed_right(void);
int again_left(void);
int again_right(void);
int fixed_missing(void);
int fixed_calls = 100;
static int calls; /* .bss */

int fixed_value(int x)
{
	calls++;
	fixed_calls++;
	return calls > 0 && fixed_calls > 100 ? x + 2 : -1;
}

int again_value(int x)
{
	return x + 3;
}

int fixed_secret(int x)
{
	return victim_number + x - 38;
}

int fixed_tiny(void)
{
	return 2;
}

const char *fixed_name(void)
{
	return "two";
}

int fixed_tls(int add)
{
	victim_tls_number += 2 * add;
	return victim_tls_number;
}

int fixed_count(void)
{
	victim_static_number += 1000;
	return victim_static_number;
}

/* getenv() is the library's own import, getauxval() is a new one. */
int fixed_home(void)
{
	return getenv("HOME") && getauxval(AT_PAGESZ) == 4096 ? 2 : -1;
}

int fixed_with(int (*f)(void *), void *arg)
{
	return 2 + f(arg);
}

int fixed_left(void)
{
	return 20;
}

int fixed_right(void)
{
	return 2;
}

int again_left(void)
{
	return 30;
}

int again_right(void)
{
	return 3;
}

/*
 * Imports of every kind: two versions of one symbol, of which the old one does not know to make room by itself; an IFUNC that the
 * program has bound; a weak one that nobody has; data.
 */
__asm__(".symver old_realpath, realpath@GLIBC_2.2.5");
__asm__(".symver new_realpath, realpath@GLIBC_2.3");
char *old_realpath(const char *path, char *to);
char *new_realpath(const char *path, char *to);
__attribute__((weak)) int nobody_has_this_either(void);
int fixed_imports(int x);
int fixed_imports(int x)
{
	const char *volatile text = "imported";
	char *made;

	if (strnlen(text, 32) != 8 || nobody_has_this_either || !stdout || !environ)
		return -1;
	errno = 0;
	if (old_realpath("/", NULL) || errno != EINVAL)
		return -2;
	made = new_realpath("/", NULL);
	if (!made || strcmp(made, "/") != 0)
		return -3;
	free(made);
	return x + 2;
}

/* An IFUNC that nobody in the process has bound: which code it is was never decided. */
int fixed_unbound(int x);
int fixed_unbound(int x)
{
	const char *volatile text = "unbound";

	return strpbrk(text, "xyzb") ? x + 2 : -1;
}

/* What is interposed stays so. */
int victim_left(void);
int fixed_pair(void);
int fixed_pair(void)
{
	return victim_left() + 500;
}

/* Needs what nobody has. */
int nobody_has_this(void);
int fixed_missing(void)
{
	return nobody_has_this();
}
