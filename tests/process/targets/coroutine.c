// SPDX-License-Identifier: Apache-2.0
/*
 * A coroutine that rests inside of victim_with(), on a stack that no register of a thread points to. 'G' lets it go on to its end and
 * says what victim_with() gave it; its stack is given back then. 'A': again.
 */
#include <stdio.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "serve.h"

enum { STACK = 256 << 10 };

static ucontext_t outer, inner;
static int result;

static int rest(void *arg)
{
	(void)arg;
	swapcontext(&inner, &outer);
	return 10;
}

static void coroutine(void)
{
	result = victim_with(rest, NULL);
}

static void begin(void)
{
	void *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (stack == MAP_FAILED || getcontext(&inner) < 0) {
		perror("coroutine");
		exit(3);
	}
	inner.uc_stack.ss_sp = stack;
	inner.uc_stack.ss_size = STACK;
	inner.uc_link = &outer;
	makecontext(&inner, coroutine, 0);
	swapcontext(&outer, &inner);
}

static int extra(char c)
{
	switch (c) {
	case 'G':
		swapcontext(&outer, &inner);
		munmap(inner.uc_stack.ss_sp, STACK);
		/* The address where it would go on was kept there as well. */
		memset(&inner, 0, sizeof(inner));
		return result;
	case 'A':
		begin();
		return 0;
	default:
		return -1;
	}
}

int main(void)
{
	begin();
	serve(extra);
	return 0;
}
