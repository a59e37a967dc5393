/* SPDX-License-Identifier: Apache-2.0 */
/* The library that is patched in tests. Each function says which version of it runs: 1 as built, 2 and 3 after a patch. */
#ifndef SUTURE_TESTS_VICTIM_H
#define SUTURE_TESTS_VICTIM_H

int victim_value(int x);       /* x + 1; fixed: x + 2, x + 3 */
int victim_secret(int x);      /* the same, in a static function */
int victim_tiny(void);	       /* 0, in three bytes; fixed: 2 */
const char *victim_name(void); /* "one"; fixed: "two" */
int victim_tls(int add);       /* adds to a number of the thread and gives it; fixed: adds twice */
int victim_count(void);	       /* adds 1 to a static number of the library; fixed: 1000 */
int victim_home(void); /* 1 when HOME is set; fixed: 2, also by what it never called before */
int victim_with(int (*f)(void *),
		void *arg); /* 1 + f(arg), which it is inside of meanwhile; fixed: 2 + f(arg) */
int victim_pair(void);	    /* 11: both halves are of one version; fixed: 22 */

#endif
