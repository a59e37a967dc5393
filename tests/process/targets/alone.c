// SPDX-License-Identifier: Apache-2.0
/* An executable that holds the code to be patched itself: linked statically, at a fixed address, or as any other. */
#include <stdlib.h>

#include "serve.h"

int main(void)
{
	setenv("HOME", "/", 1);
	serve(NULL);
	return 0;
}
