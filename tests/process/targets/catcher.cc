// SPDX-License-Identifier: Apache-2.0
/* Throws through thrower.h's functions: 't' through, 'c' caught there, 'r' without an exception, 'e' how often a destructor ran. */
#include <cstdio>

#include "thrower.h"

static int throws(int x)
{
	if (x)
		throw x;
	return 0;
}

static int answer(int c)
{
	switch (c) {
	case 't':
		try {
			return thrower_through(throws, 7);
		} catch (int e) {
			return e;
		}
	case 'c':
		return thrower_catch(throws, 7);
	case 'r':
		return thrower_through(throws, 0);
	case 'e':
		return thrower_ended;
	default:
		return -1;
	}
}

int main()
{
	int c;

	setvbuf(stdout, nullptr, _IONBF, 0);
	setvbuf(stdin, nullptr, _IONBF, 0);
	std::puts("ready");
	while ((c = std::getchar()) != EOF && c != 'q')
		std::printf("%d\n", answer(c));
	return 0;
}
