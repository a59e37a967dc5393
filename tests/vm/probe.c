// SPDX-License-Identifier: Apache-2.0
/*
 * Asks the running kernel whether it does what a fix forbids. Prints one word,
 * "accepted" or "refused", and the error.
 *
 * usage: probe ip-options | msg-next-id | io-timeout | uffd-wake | getdents-fault
 *        probe comm NAME | hold N SECONDS
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/time_types.h>
#include <linux/userfaultfd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static void die(const char *what)
{
	perror(what);
	exit(2);
}

static int answer(int failed)
{
	if (failed)
		printf("refused: %s\n", strerrorname_np(errno));
	else
		puts("accepted");
	return 0;
}

/* ipv4: a loose source route, set by somebody without CAP_NET_RAW. */
static int ip_options(void)
{
	static const uint8_t route[8] = {131, 7, 4, 127, 0, 0, 1, 0};
	int s = socket(AF_INET, SOCK_DGRAM, 0);

	if (s < 0)
		die("socket");
	return answer(setsockopt(s, IPPROTO_IP, IP_OPTIONS, route, sizeof(route)) < 0);
}

static void write_next_id(void)
{
	int fd = open("/proc/sys/kernel/msg_next_id", O_WRONLY);

	if (fd < 0 || write(fd, "32767", 5) != 5)
		die("/proc/sys/kernel/msg_next_id");
	close(fd);
}

/* ipc: an index above the limit of 32768, by way of msg_next_id. In a namespace
 * of its own, which a child keeps for ever: the unfixed kernel warns when it
 * takes such a queue away. */
static int msg_next_id(void)
{
	int null = open("/dev/null", O_RDWR), failed;

	if (null < 0 || unshare(CLONE_NEWIPC) < 0)
		die("unshare");
	write_next_id();
	if (msgget(IPC_PRIVATE, 0600) < 0)
		die("msgget");
	write_next_id();
	failed = msgget(IPC_PRIVATE, 0600) < 0;
	answer(failed);
	fflush(stdout);
	if (fork() == 0) {
		dup2(null, 0);
		dup2(null, 1);
		dup2(null, 2);
		for (;;)
			pause();
	}
	return 0;
}

/* io_uring: a time-out with a value in a field that is reserved for it. */
static int io_timeout(void)
{
	struct io_uring_params p = {0};
	struct __kernel_timespec ts = {.tv_nsec = 1000000};
	int fd = (int)syscall(SYS_io_uring_setup, 1, &p);
	struct io_uring_sqe *sqe;
	struct io_uring_cqe *cqe;
	uint8_t *sq, *cq;

	if (fd < 0)
		die("io_uring_setup");
	sq = mmap(NULL, p.sq_off.array + p.sq_entries * sizeof(uint32_t), PROT_READ | PROT_WRITE,
		  MAP_SHARED, fd, IORING_OFF_SQ_RING);
	cq = mmap(NULL, p.cq_off.cqes + p.cq_entries * sizeof(*cqe), PROT_READ | PROT_WRITE,
		  MAP_SHARED, fd, IORING_OFF_CQ_RING);
	sqe = mmap(NULL, p.sq_entries * sizeof(*sqe), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		   IORING_OFF_SQES);
	if (sq == MAP_FAILED || cq == MAP_FAILED || sqe == MAP_FAILED)
		die("mmap");
	memset(sqe, 0, sizeof(*sqe));
	sqe->opcode = IORING_OP_TIMEOUT;
	sqe->addr = (uintptr_t)&ts;
	sqe->len = 1;
	((uint64_t *)sqe)[6] = 1; /* addr3, a name that older headers lack */
	atomic_fetch_add((_Atomic uint32_t *)(void *)(sq + p.sq_off.tail), 1);
	if (syscall(SYS_io_uring_enter, fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 0)
		die("io_uring_enter");
	cqe = (struct io_uring_cqe *)(void *)(cq + p.cq_off.cqes);
	errno = -cqe->res;
	return answer(cqe->res != -ETIME);
}

/* userfaultfd: to wake those who wait for the first page; nothing forbids that. */
static int uffd_wake(void)
{
	struct uffdio_api api = {.api = UFFD_API};
	struct uffdio_range first = {.start = 0, .len = 4096};
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);

	if (fd < 0 || ioctl(fd, UFFDIO_API, &api) < 0)
		die("userfaultfd");
	return answer(ioctl(fd, UFFDIO_WAKE, &first) < 0);
}

/* getdents64 into memory that is not there: the exception table must catch it. */
static int getdents_fault(void)
{
	int fd = open("/suture", O_RDONLY | O_DIRECTORY);

	if (fd < 0)
		die("/suture");
	return answer(syscall(SYS_getdents64, fd, (void *)0x10000, 4096) < 0);
}

/* Renames this thread and says what the kernel made of it. */
static int comm(const char *name)
{
	char is[17] = "";

	if (prctl(PR_SET_NAME, name) < 0 || prctl(PR_GET_NAME, is) < 0)
		die("prctl");
	puts(is);
	return 0;
}

static void *nap(void *seconds)
{
	sleep((unsigned int)(uintptr_t)seconds);
	return NULL;
}

/* Many sleeping tasks. */
static int hold(unsigned long threads, unsigned long seconds)
{
	pthread_attr_t attr;
	pthread_t t;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 16384);
	for (unsigned long i = 0; i < threads; i++) {
		errno = pthread_create(&t, &attr, nap, (void *)(uintptr_t)seconds);
		if (errno)
			die("pthread_create");
	}
	puts("ready");
	fflush(stdout);
	sleep((unsigned int)seconds);
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (!strcmp(what, "ip-options"))
		return ip_options();
	if (!strcmp(what, "msg-next-id"))
		return msg_next_id();
	if (!strcmp(what, "io-timeout"))
		return io_timeout();
	if (!strcmp(what, "uffd-wake"))
		return uffd_wake();
	if (!strcmp(what, "getdents-fault"))
		return getdents_fault();
	if (!strcmp(what, "comm") && argc == 3)
		return comm(argv[2]);
	if (!strcmp(what, "hold") && argc == 4)
		return hold(strtoul(argv[2], NULL, 10), strtoul(argv[3], NULL, 10));
	fprintf(stderr, "usage: probe ip-options | msg-next-id | io-timeout | uffd-wake |\n"
			"       getdents-fault | comm NAME | hold THREADS SECONDS\n");
	return 2;
}
