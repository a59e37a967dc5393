/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scope-bound release of resources.
 *
 *   _cleanup_(sut_freep) char *name = NULL;
 *
 * The pointer must be initialised where it is declared. Hand ownership on
 * with sut_steal(), which leaves NULL (or -1 with sut_steal_fd()) behind.
 */
#ifndef SUTURE_BASE_CLEANUP_H
#define SUTURE_BASE_CLEANUP_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(f) __attribute__((cleanup(f)))
#define _must_check_ __attribute__((warn_unused_result))
#define _printf_(fmt, first) __attribute__((format(printf, fmt, first)))
#define _unused_ __attribute__((unused))

#define SUT_ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Returns the value of *ptr and sets *ptr to NULL. */
#define sut_steal(ptr)                                                                             \
	({                                                                                         \
		__typeof__(ptr) *pp_ = &(ptr);                                                     \
		__typeof__(ptr) v_ = *pp_;                                                         \
		*pp_ = NULL;                                                                       \
		v_;                                                                                \
	})

static inline int sut_steal_fd(int *fd)
{
	int v = *fd;

	*fd = -1;
	return v;
}

static inline void sut_freep(void *p)
{
	free(*(void **)p);
}

static inline void sut_closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void sut_fclosep(FILE **f)
{
	if (*f)
		fclose(*f);
}

static inline void sut_closedirp(DIR **d)
{
	if (*d)
		closedir(*d);
}

#endif
