/* SPDX-License-Identifier: Apache-2.0 */
/* What the command line of a compiler driver (gcc, clang) asks for. Part of suture-record. */
#ifndef SUTURE_BUILDER_LIBRARY_DRIVER_H
#define SUTURE_BUILDER_LIBRARY_DRIVER_H

#include <stdbool.h>
#include <stddef.h>

struct compile {
	bool c, other;			  /* -c; something that makes no object: -E, -S, -M … */
	bool md;			  /* writes dependencies already */
	const char *output, *mf, *source; /* source: the last */
	const char **sources;
	size_t nsources;
	bool lang; /* -x LANGUAGE before the source */
};

/* c is zero but for sources, which has room for argc of them; strings are those of argv. */
void compile_parse(int argc, char **argv, struct compile *c);

/* Where `gcc -c a/b.c` puts its object without -o: "b.o"; dependencies likewise. */
void compile_default(const char *of, const char *ext, char *buf, size_t size);

bool starts(const char *s, const char *with);

#endif
