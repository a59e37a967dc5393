// SPDX-License-Identifier: Apache-2.0
#include "change/pages.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PAGE = 4096, AT_ONCE = 4096 };

#define PRESENT (UINT64_C(1) << 63)
#define SWAPPED (UINT64_C(1) << 62)

int pages_each(const struct proc *p, uint64_t start, uint64_t end,
	       int (*each)(void *ctx, uint64_t start, uint64_t end), void *ctx)
{
	uint64_t pages[AT_ONCE];
	_cleanup_(sut_closep) int fd = -1;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task/%d/pagemap", p->pid, p->task);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	start &= ~(uint64_t)(PAGE - 1);
	for (uint64_t at = start; at < end; at += (uint64_t)AT_ONCE * PAGE) {
		size_t n = (size_t)((end - at + PAGE - 1) / PAGE), first = 0;
		ssize_t got;

		if (n > AT_ONCE)
			n = AT_ONCE;
		got = fd < 0 ? -1 : pread(fd, pages, n * 8, (off_t)(at / PAGE * 8));
		/* What is not known is read. */
		if (got != (ssize_t)(n * 8))
			memset(pages, 0xff, n * 8);
		for (size_t i = 0; i <= n; i++) {
			bool there = i < n && (pages[i] & (PRESENT | SWAPPED));
			int r;

			if (there)
				continue;
			r = first < i ? each(ctx, at + first * PAGE, at + i * PAGE) : 0;
			if (r)
				return r;
			first = i + 1;
		}
	}
	return 0;
}
