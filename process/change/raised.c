// SPDX-License-Identifier: Apache-2.0
#include "change/raised.h"

#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef CAP_CHECKPOINT_RESTORE
#define CAP_CHECKPOINT_RESTORE 40
#endif

static const uint32_t wanted[2] = {1u << CAP_SYS_ADMIN, 1u << (CAP_CHECKPOINT_RESTORE - 32)};

static long set(const struct __user_cap_data_struct *v)
{
	struct __user_cap_header_struct h = {.version = _LINUX_CAPABILITY_VERSION_3};

	return syscall(SYS_capset, &h, v);
}

bool raised_begin(struct raised *r)
{
	struct __user_cap_header_struct h = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct v[2];
	uint32_t more = 0;

	memset(r, 0, sizeof(*r));
	if (syscall(SYS_capget, &h, r->before) < 0)
		return false;
	memcpy(v, r->before, sizeof(v));
	for (int i = 0; i < 2; i++) {
		more |= v[i].permitted & ~v[i].effective & wanted[i];
		v[i].effective |= v[i].permitted & wanted[i];
	}
	return more && set(v) == 0;
}

void raised_end(const struct raised *r)
{
	(void)set(r->before);
}
