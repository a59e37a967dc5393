/* SPDX-License-Identifier: Apache-2.0 */
/* The clock for deadlines and durations. */
#ifndef SUTURE_BASE_CLOCK_H
#define SUTURE_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Nanoseconds of CLOCK_MONOTONIC. */
static inline uint64_t sut_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* The same in seconds. */
static inline double sut_now_s(void)
{
	return (double)sut_now_ns() / 1e9;
}

#endif
