// SPDX-License-Identifier: Apache-2.0
/*
 * malloc, calloc and realloc of the whole program, its libraries included: they fail when
 * fault_alloc_arm() asks for it. glibc lets a program replace them, and keeps its own under other names.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>

#include "fault.h"

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);

static atomic_bool armed;
static atomic_ullong count, fail_at;

void fault_alloc_arm(uint64_t n)
{
	count = 0;
	fail_at = n;
	armed = true;
}

uint64_t fault_alloc_disarm(void)
{
	armed = false;
	return count;
}

static bool fails(void)
{
	if (!armed || ++count != fail_at)
		return false;
	errno = ENOMEM;
	return true;
}

void *malloc(size_t n)
{
	return fails() ? NULL : __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
	return fails() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
	return fails() ? NULL : __libc_realloc(p, n);
}
