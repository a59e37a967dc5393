// SPDX-License-Identifier: Apache-2.0
#include "thrower.h"

int thrower_ended;

namespace
{
struct guard {
	~guard()
	{
		thrower_ended += 100;
	}
};
}

extern "C" __attribute__((noinline)) int thrower_through(int (*f)(int), int x)
{
	guard g;

	return 1 + f(x);
}

extern "C" __attribute__((noinline)) int thrower_catch(int (*f)(int), int x)
{
	try {
		return 1 + f(x);
	} catch (int e) {
		return e + 1;
	}
}
