// SPDX-License-Identifier: Apache-2.0
#include "blocked.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Long enough that none of them ends while the test runs. */
enum { SECONDS = 300 };

static void (*tell)(int code);
static void (*ready)(void);
static bool again;

static void pair(int fd[2])
{
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) < 0)
		abort();
}

static long do_read_pipe(void)
{
	int fd[2];
	char c;

	return pipe(fd) < 0 ? 0 : read(fd[0], &c, 1);
}

static long do_write_pipe(void)
{
	static char full[1 << 16];
	int fd[2];

	if (pipe(fd) < 0 || write(fd[1], full, sizeof(full)) < 0)
		return 0;
	return write(fd[1], full, 1);
}

static long do_recv(void)
{
	int fd[2];
	char c;

	pair(fd);
	return recv(fd[0], &c, 1, 0);
}

static long do_recv_timeout(void)
{
	struct timeval t = {SECONDS, 0};
	int fd[2];
	char c;

	pair(fd);
	setsockopt(fd[0], SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t));
	return recv(fd[0], &c, 1, 0);
}

static long do_send_timeout(void)
{
	static char full[1 << 20];
	struct timeval t = {SECONDS, 0};
	int fd[2];

	pair(fd);
	setsockopt(fd[0], SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t));
	while (send(fd[0], full, sizeof(full), MSG_DONTWAIT) > 0)
		;
	return send(fd[0], full, sizeof(full), 0);
}

static int listener(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(fd, 1) < 0)
		abort();
	return fd;
}

static long do_accept(void)
{
	return accept(listener(), NULL, NULL);
}

static long do_accept_timeout(void)
{
	struct timeval t = {SECONDS, 0};
	int fd = listener();

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t));
	return accept(fd, NULL, NULL);
}

static long do_poll(void)
{
	return poll(NULL, 0, SECONDS * 1000);
}

static long do_ppoll(void)
{
	struct timespec t = {SECONDS, 0};
	sigset_t none;

	sigemptyset(&none);
	return ppoll(NULL, 0, &t, &none);
}

static long do_select(void)
{
	struct timeval t = {SECONDS, 0};

	return select(0, NULL, NULL, NULL, &t);
}

static long do_pselect(void)
{
	struct timespec t = {SECONDS, 0};
	sigset_t none;

	sigemptyset(&none);
	return pselect(0, NULL, NULL, NULL, &t, &none);
}

static long do_epoll_wait(void)
{
	struct epoll_event e;

	return epoll_wait(epoll_create1(EPOLL_CLOEXEC), &e, 1, SECONDS * 1000);
}

static long do_epoll_wait_forever(void)
{
	struct epoll_event e;

	return epoll_wait(epoll_create1(EPOLL_CLOEXEC), &e, 1, -1);
}

static long do_epoll_pwait(void)
{
	struct epoll_event e;
	sigset_t none;

	sigemptyset(&none);
	return epoll_pwait(epoll_create1(EPOLL_CLOEXEC), &e, 1, SECONDS * 1000, &none);
}

static long do_nanosleep(void)
{
	struct timespec t = {SECONDS, 0};

	return nanosleep(&t, NULL);
}

static long do_clock_nanosleep(void)
{
	struct timespec t;
	int r;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += SECONDS;
	r = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
	errno = r;
	return r ? -1 : 0;
}

static long do_futex(void)
{
	static uint32_t word;

	return syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
}

static long do_futex_timeout(void)
{
	static uint32_t word;
	struct timespec t = {SECONDS, 0};

	return syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &t, NULL, 0);
}

static long do_sem_timedwait(void)
{
	struct timespec t;
	sem_t s;

	sem_init(&s, 0, 0);
	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_sec += SECONDS;
	return sem_timedwait(&s, &t);
}

static long do_cond_wait(void)
{
	static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
	static pthread_cond_t c = PTHREAD_COND_INITIALIZER;

	pthread_mutex_lock(&m);
	return pthread_cond_wait(&c, &m);
}

static void usual(sigset_t *s)
{
	sigemptyset(s);
	sigaddset(s, SIGUSR2);
}

static long do_sigtimedwait(void)
{
	struct timespec t = {SECONDS, 0};
	sigset_t s;

	usual(&s);
	pthread_sigmask(SIG_BLOCK, &s, NULL);
	return sigtimedwait(&s, NULL, &t);
}

static long do_sigwaitinfo(void)
{
	sigset_t s;

	usual(&s);
	pthread_sigmask(SIG_BLOCK, &s, NULL);
	return sigwaitinfo(&s, NULL);
}

static long do_sigsuspend(void)
{
	sigset_t none;

	sigemptyset(&none);
	return sigsuspend(&none);
}

static long do_pause(void)
{
	return pause();
}

static long do_semop(void)
{
	struct sembuf op = {0, -1, 0};
	int id = semget(IPC_PRIVATE, 1, 0600);
	long r = semop(id, &op, 1);
	int saved = errno;

	semctl(id, 0, IPC_RMID);
	errno = saved;
	return r;
}

static long do_semtimedop(void)
{
	struct sembuf op = {0, -1, 0};
	struct timespec t = {SECONDS, 0};

	return semtimedop(semget(IPC_PRIVATE, 1, 0600), &op, 1, &t);
}

static long do_msgrcv(void)
{
	struct {
		long type;
		char text[8];
	} m;

	return msgrcv(msgget(IPC_PRIVATE, 0600), &m, sizeof(m.text), 0, 0);
}

static long do_mq_receive(void)
{
	struct mq_attr a = {.mq_maxmsg = 1, .mq_msgsize = 8};
	char name[32], text[8];
	mqd_t q;

	snprintf(name, sizeof(name), "/suture-test-%d", getpid());
	q = mq_open(name, O_CREAT | O_RDONLY | O_CLOEXEC, 0600, &a);
	if (q == (mqd_t)-1)
		return read(-1, text, 0);
	mq_unlink(name);
	return mq_receive(q, text, sizeof(text), NULL);
}

static long do_flock(void)
{
	FILE *f = tmpfile();
	char path[64];
	int other;

	if (!f)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fileno(f));
	other = open(path, O_RDWR | O_CLOEXEC);
	flock(other, LOCK_EX);
	return flock(fileno(f), LOCK_EX);
}

static long do_eventfd(void)
{
	uint64_t v;

	return read(eventfd(0, EFD_CLOEXEC), &v, sizeof(v));
}

static long do_timerfd(void)
{
	struct itimerspec t = {.it_value = {SECONDS, 0}};
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	uint64_t v;

	timerfd_settime(fd, 0, &t, NULL);
	return read(fd, &v, sizeof(v));
}

/* The child belongs to the thread that made it (__WNOTHREAD), so that nobody else of the program sees it. */
static long do_waitpid(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	return waitpid(pid, NULL, 0);
}

static const struct call {
	const char *name;
	long (*wait)(void);
} calls[] = {
	{"read", do_read_pipe},
	{"write", do_write_pipe},
	{"recv", do_recv},
	{"recv with a timeout", do_recv_timeout},
	{"send with a timeout", do_send_timeout},
	{"accept", do_accept},
	{"accept with a timeout", do_accept_timeout},
	{"poll", do_poll},
	{"ppoll", do_ppoll},
	{"select", do_select},
	{"pselect", do_pselect},
	{"epoll_wait", do_epoll_wait},
	{"epoll_wait without end", do_epoll_wait_forever},
	{"epoll_pwait", do_epoll_pwait},
	{"nanosleep", do_nanosleep},
	{"clock_nanosleep", do_clock_nanosleep},
	{"futex", do_futex},
	{"futex with a timeout", do_futex_timeout},
	{"sem_timedwait", do_sem_timedwait},
	{"pthread_cond_wait", do_cond_wait},
	{"sigtimedwait", do_sigtimedwait},
	{"sigwaitinfo", do_sigwaitinfo},
	{"sigsuspend", do_sigsuspend},
	{"pause", do_pause},
	{"semop", do_semop},
	{"semtimedop", do_semtimedop},
	{"msgrcv", do_msgrcv},
	{"mq_receive", do_mq_receive},
	{"flock", do_flock},
	{"read of an eventfd", do_eventfd},
	{"read of a timerfd", do_timerfd},
	{"waitpid", do_waitpid},
};

static void *blocked(void *arg)
{
	const struct call *c = arg;
	int n = (int)(c - calls);
	long r;

	ready();
	do {
		errno = 0;
		r = c->wait();
	} while (again && r == -1 && errno == EINTR);
	fprintf(stderr, "%s ended: %ld, %m\n", c->name, r);
	tell((errno == EINTR ? 3000 : 4000) + n);
	return NULL;
}

void blocked_start(void (*thread)(void *(*f)(void *), void *arg), void (*found)(int),
		   void (*looked)(void), bool once_more)
{
	again = once_more;
	tell = found;
	ready = looked;
	/* Semaphores and queues that nobody removes end with it. */
	if (unshare(CLONE_NEWIPC) < 0)
		abort();
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		thread(blocked, (void *)&calls[i]);
	/* All of them are in their system call then. */
	usleep(200000);
}
