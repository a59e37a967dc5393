/* SPDX-License-Identifier: Apache-2.0 */
/* A library in C++: exceptions go through its functions, and through those that take their place. */
#ifndef SUTURE_TESTS_THROWER_H
#define SUTURE_TESTS_THROWER_H

extern "C" {
int thrower_through(
	int (*f)(int),
	int x); /* 1 + f(x); what f throws goes on, and a destructor adds 100 to thrower_ended */
int thrower_catch(int (*f)(int), int x); /* the same; an int that f throws: it + 1 */
extern int thrower_ended;
}

#endif
