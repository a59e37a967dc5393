// SPDX-License-Identifier: Apache-2.0
#include "change/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>

/* One byte of it for each pid. Nobody but root may lock them. */
#define LOCK_FILE "/run/suture-process.lock"

int lock_process(pid_t pid, unsigned int ms, int *ret, struct sut_err *err)
{
	struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = pid, .l_len = 1};
	_cleanup_(sut_closep) int fd =
		open(LOCK_FILE, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	for (unsigned int i = 0; fd >= 0; i++) {
		struct timespec pause = {.tv_nsec = 1000000};

		if (fcntl(fd, F_OFD_SETLK, &l) == 0)
			break;
		if (errno != EAGAIN && errno != EACCES)
			break;
		if (i >= ms)
			return sut_err_reason(
				err, EBUSY, "busy",
				"another suture-process is at work on process %d; it is tried again",
				pid);
		nanosleep(&pause, NULL);
	}
	*ret = sut_steal_fd(&fd);
	return 0;
}
