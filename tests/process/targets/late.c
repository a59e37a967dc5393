// SPDX-License-Identifier: Apache-2.0
/*
 * A program that is not linked with the library: 'O' loads it, 'D' lets go of it, 'M' loads it in a namespace of its own, 'P' when it was preloaded;
 * 'V' and 'N' ask the first and the second one, 'C' loads the library whose constructor waits (its path is the second argument).
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int (*first)(int), (*second)(int);
static const char *constructor;
static void *loaded;

static int (*value_of(void *lib))(int)
{
	return lib ? (int (*)(int))dlsym(lib, "victim_value") : NULL;
}

static void *load_constructor(void *arg)
{
	if (!dlopen(arg, RTLD_NOW))
		fprintf(stderr, "%s\n", dlerror());
	return NULL;
}

static int answer(char c, const char *lib)
{
	pthread_t t;

	switch (c) {
	case 'O':
		loaded = dlopen(lib, RTLD_NOW | RTLD_GLOBAL);
		first = value_of(loaded);
		return first != NULL;
	case 'D':
		return loaded && dlclose(loaded) == 0;
	case 'M':
		second = value_of(dlmopen(LM_ID_NEWLM, lib, RTLD_NOW));
		return second != NULL;
	case 'P':
		first = (int (*)(int))dlsym(RTLD_DEFAULT, "victim_value");
		return first != NULL;
	case 'C':
		return pthread_create(&t, NULL, load_constructor, (void *)constructor) == 0;
	case 'V':
	case 'v':
		return first ? first(0) : -1;
	case 'N':
		return second ? second(0) : -1;
	default:
		return -1;
	}
}

int main(int argc, char **argv)
{
	int c;

	if (argc < 2)
		return 64;
	constructor = argc > 2 ? argv[2] : "";
	setvbuf(stdout, NULL, _IONBF, 0);
	setvbuf(stdin, NULL, _IONBF, 0);
	/* strnlen() is an IFUNC: it is bound from here on. */
	if (strnlen(argv[1], 4096) > 0)
		puts("ready");
	while ((c = getchar()) != EOF && c != 'q')
		printf("%d\n", answer((char)c, argv[1]));
	return 0;
}
