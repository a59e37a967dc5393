// SPDX-License-Identifier: Apache-2.0
#include "victim.h"

#include <stdlib.h>

#define KEEP __attribute__((noinline, noclone))

int victim_number = 40;
static int victim_static_number;
#ifndef WITHOUT_TLS
__thread
#endif
	int victim_tls_number = 7;

KEEP int victim_value(int x)
{
	return x + 1;
}

static KEEP int secret(int x)
{
	return victim_number + x - 39;
}

KEEP int victim_secret(int x)
{
	return secret(x);
}

KEEP int victim_tiny(void)
{
	return 0;
}

KEEP const char *victim_name(void)
{
	return "one";
}

KEEP int victim_tls(int add)
{
	victim_tls_number += add;
	return victim_tls_number;
}

KEEP int victim_count(void)
{
	victim_static_number += 1;
	return victim_static_number;
}

KEEP int victim_home(void)
{
	return getenv("HOME") ? 1 : 0;
}

KEEP int victim_with(int (*f)(void *), void *arg)
{
	return 1 + f(arg);
}

/* Two functions that a fix changes together. */
KEEP int victim_left(void);
KEEP int victim_left(void)
{
	return 10;
}

KEEP int victim_right(void);
KEEP int victim_right(void)
{
	return 1;
}

KEEP int victim_pair(void)
{
	return victim_left() + victim_right();
}
