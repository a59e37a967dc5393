// SPDX-License-Identifier: Apache-2.0
#include "change/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/cleanup.h"

/* One byte of it for each pid. Nobody but root may lock them. */
#define LOCK_FILE "/run/suture-process.lock"

/* Who needs it often has it open for as long as his thread lives: locks belong to what open() gave. */
struct file {
	pid_t pid; /* a child has its parent's, and the lock would stay when the child dies */
	int fd;
};

static pthread_key_t key;

static void free_file(void *arg)
{
	struct file *f = arg;

	close(f->fd);
	free(f);
}

static void make_key(void)
{
	(void)pthread_key_create(&key, free_file);
}

static int open_file(void)
{
	return open(LOCK_FILE, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
}

/* -1: there is none. */
static int own_file(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct file *f;

	pthread_once(&once, make_key);
	f = pthread_getspecific(key);
	if (f && f->pid == getpid())
		return f->fd;
	if (f)
		free_file(f);
	(void)pthread_setspecific(key, NULL);
	f = malloc(sizeof(*f));
	if (!f)
		return -1;
	f->pid = getpid();
	f->fd = open_file();
	if (f->fd >= 0 && pthread_setspecific(key, f) == 0)
		return f->fd;
	if (f->fd >= 0)
		close(f->fd);
	free(f);
	return -1;
}

int lock_process(pid_t pid, unsigned int ms, bool keep, int *ret, struct sut_err *err)
{
	struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = pid, .l_len = 1};
	int fd = keep ? own_file() : open_file();

	for (unsigned int i = 0; fd >= 0; i++) {
		struct timespec pause = {.tv_nsec = 1000000};

		if (fcntl(fd, F_OFD_SETLK, &l) == 0)
			break;
		if (errno != EAGAIN && errno != EACCES)
			break;
		if (i >= ms) {
			if (!keep)
				close(fd);
			return sut_err_reason(
				err, EBUSY, "busy",
				"another suture-process is at work on process %d; it is tried again",
				pid);
		}
		nanosleep(&pause, NULL);
	}
	*ret = fd;
	return 0;
}

void lock_release(pid_t pid, bool keep, int fd)
{
	struct flock l = {.l_type = F_UNLCK, .l_whence = SEEK_SET, .l_start = pid, .l_len = 1};

	if (fd < 0)
		return;
	if (keep)
		(void)fcntl(fd, F_OFD_SETLK, &l);
	else
		close(fd);
}
