// SPDX-License-Identifier: Apache-2.0
#include "thrower.h"

extern "C" int fixed_through(int (*f)(int), int x);
extern "C" int fixed_catch(int (*f)(int), int x);

namespace
{
struct guard {
	~guard()
	{
		thrower_ended += 1000;
	}
};
}

extern "C" int fixed_through(int (*f)(int), int x)
{
	guard g;

	return 2 + f(x);
}

extern "C" int fixed_catch(int (*f)(int), int x)
{
	try {
		return 2 + f(x);
	} catch (int e) {
		return e + 2;
	}
}
