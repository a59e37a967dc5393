// SPDX-License-Identifier: Apache-2.0
/*
 * Every system call that blocks, interrupted by our stops while it does: it gives what it gives without them, in time. Each runs
 * in a process of its own, all at once.
 */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/futex.h>
#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "change/syscall.h"
#include "change/threads.h"

enum { WAIT_MS = 400, STOPS = 8, DEADLINE_US = 2000000 };

/* Time for a machine that does other things as well. */
#define SLACK 1.5

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static const struct timespec wait_ts = {.tv_nsec = WAIT_MS * 1000000L};
static const struct timeval wait_tv = {.tv_usec = WAIT_MS * 1000L};

static void must(bool ok, const char *what)
{
	if (!ok) {
		fprintf(stderr, "# %s: %s\n", what, strerror(errno));
		_exit(3);
	}
}

static long result(long r)
{
	return r < 0 ? -errno : r;
}

/* ---- what ends a wait that has no timeout: another thread, after the same time ---- */

struct later {
	void (*run)(int);
	int arg;
};

static void *later_run(void *arg)
{
	struct later *l = arg;
	struct timespec left = wait_ts;

	while (nanosleep(&left, &left) < 0)
		;
	l->run(l->arg);
	return NULL;
}

static void later(void (*run)(int), int arg)
{
	static struct later l;
	sigset_t all, old;
	pthread_t t;

	l = (struct later){run, arg};
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	must(pthread_create(&t, NULL, later_run, &l) == 0, "pthread_create");
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

static void put8(int fd)
{
	uint64_t one = 1;

	must(write(fd, &one, sizeof(one)) == sizeof(one), "write");
}

static void drain(int fd)
{
	static char buf[1 << 20];

	must(read(fd, buf, sizeof(buf)) > 0, "read");
}

static void nothing(int sig)
{
	(void)sig;
}

static void signal_main(int sig)
{
	must(syscall(SYS_tgkill, getpid(), getpid(), sig) == 0, "tgkill");
}

/* ---- the calls ---- */

static long do_nanosleep(void)
{
	return result(nanosleep(&wait_ts, NULL));
}

static long do_clock_nanosleep_abs(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	ts.tv_nsec += wait_ts.tv_nsec;
	if (ts.tv_nsec >= 1000000000) {
		ts.tv_nsec -= 1000000000;
		ts.tv_sec++;
	}
	return -clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

static long do_poll(void)
{
	return result(poll(NULL, 0, WAIT_MS));
}

static int a_pipe(int which)
{
	static int fds[2] = {-1, -1};

	if (fds[0] < 0)
		must(pipe(fds) == 0, "pipe");
	return fds[which];
}

static long do_poll_forever(void)
{
	struct pollfd p = {.fd = a_pipe(0), .events = POLLIN};

	later(put8, a_pipe(1));
	return result(poll(&p, 1, -1));
}

static long do_ppoll(void)
{
	sigset_t set;

	sigemptyset(&set);
	return result(ppoll(NULL, 0, &wait_ts, &set));
}

static long do_select(void)
{
	struct timeval tv = wait_tv;

	return result(select(0, NULL, NULL, NULL, &tv));
}

static long do_pselect(void)
{
	sigset_t set;

	sigemptyset(&set);
	return result(pselect(0, NULL, NULL, NULL, &wait_ts, &set));
}

static long do_epoll_wait(void)
{
	struct epoll_event ev;

	return result(epoll_wait(epoll_create1(0), &ev, 1, WAIT_MS));
}

static long do_epoll_pwait(void)
{
	struct epoll_event ev;
	sigset_t set;

	sigemptyset(&set);
	return result(epoll_pwait(epoll_create1(0), &ev, 1, WAIT_MS, &set));
}

static long do_epoll_wait_forever(void)
{
	struct epoll_event ev = {.events = EPOLLIN};
	int fd = epoll_create1(0);

	must(epoll_ctl(fd, EPOLL_CTL_ADD, a_pipe(0), &ev) == 0, "epoll_ctl");
	later(put8, a_pipe(1));
	return result(epoll_wait(fd, &ev, 1, -1));
}

static long do_read(void)
{
	char buf[8];

	later(put8, a_pipe(1));
	return result(read(a_pipe(0), buf, sizeof(buf)));
}

static long do_write(void)
{
	static char buf[4096];

	fcntl(a_pipe(1), F_SETFL, O_NONBLOCK);
	while (write(a_pipe(1), buf, sizeof(buf)) > 0)
		;
	fcntl(a_pipe(1), F_SETFL, 0);
	later(drain, a_pipe(0));
	return result(write(a_pipe(1), buf, 8));
}

static int a_pair(int type, int which)
{
	static int fds[2] = {-1, -1};

	if (fds[0] < 0)
		must(socketpair(AF_UNIX, type, 0, fds) == 0, "socketpair");
	return fds[which];
}

static void set_timeout(int fd, int option)
{
	must(setsockopt(fd, SOL_SOCKET, option, &wait_tv, sizeof(wait_tv)) == 0, "setsockopt");
}

static long do_recv(void)
{
	char buf[8];

	later(put8, a_pair(SOCK_STREAM, 1));
	return result(recv(a_pair(SOCK_STREAM, 0), buf, sizeof(buf), 0));
}

static long do_recv_timeout(void)
{
	char buf[8];

	set_timeout(a_pair(SOCK_STREAM, 0), SO_RCVTIMEO);
	return result(recv(a_pair(SOCK_STREAM, 0), buf, sizeof(buf), 0));
}

static long do_recvmsg_timeout(void)
{
	char buf[8];
	struct iovec iov = {buf, sizeof(buf)};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};

	set_timeout(a_pair(SOCK_DGRAM, 0), SO_RCVTIMEO);
	return result(recvmsg(a_pair(SOCK_DGRAM, 0), &m, 0));
}

static long do_recvmmsg_timeout(void)
{
	char buf[8];
	struct iovec iov = {buf, sizeof(buf)};
	struct mmsghdr m = {.msg_hdr = {.msg_iov = &iov, .msg_iovlen = 1}};

	set_timeout(a_pair(SOCK_DGRAM, 0), SO_RCVTIMEO);
	return result(recvmmsg(a_pair(SOCK_DGRAM, 0), &m, 1, 0, NULL));
}

static long do_send_timeout(void)
{
	static char buf[65536];
	int fd = a_pair(SOCK_STREAM, 0);

	while (send(fd, buf, sizeof(buf), MSG_DONTWAIT) > 0)
		;
	set_timeout(fd, SO_SNDTIMEO);
	return result(send(fd, buf, sizeof(buf), 0));
}

static int a_listener(struct sockaddr_un *a, socklen_t *len)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	*a = (struct sockaddr_un){.sun_family = AF_UNIX};
	*len = (socklen_t)offsetof(struct sockaddr_un, sun_path) + 1 +
	       (socklen_t)snprintf(a->sun_path + 1, sizeof(a->sun_path) - 1, "suture-eintr-%d",
				   getpid());
	must(bind(fd, (struct sockaddr *)a, *len) == 0 && listen(fd, 0) == 0, "listen");
	return fd;
}

static long do_accept_timeout(void)
{
	struct sockaddr_un a;
	socklen_t len;
	int fd = a_listener(&a, &len);

	set_timeout(fd, SO_RCVTIMEO);
	return result(accept(fd, NULL, NULL));
}

static long do_connect_timeout(void)
{
	struct sockaddr_un a;
	socklen_t len;
	int fd;

	a_listener(&a, &len);
	/* Its queue is full after a few. */
	do {
		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	} while (connect(fd, (struct sockaddr *)&a, len) == 0);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	set_timeout(fd, SO_SNDTIMEO);
	return result(connect(fd, (struct sockaddr *)&a, len));
}

static long do_sigtimedwait(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return result(sigtimedwait(&set, NULL, &wait_ts));
}

static long do_sigwaitinfo(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	later(signal_main, SIGUSR1);
	return result(sigwaitinfo(&set, NULL));
}

static long with_handler(void)
{
	struct sigaction sa = {.sa_handler = nothing};

	sigaction(SIGUSR1, &sa, NULL);
	later(signal_main, SIGUSR1);
	return 0;
}

static long do_pause(void)
{
	with_handler();
	return result(pause());
}

static long do_sigsuspend(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	with_handler();
	sigemptyset(&set);
	return result(sigsuspend(&set));
}

/* A signal that is handled ends these with EINTR, as it should: after all stops. */
static long do_epoll_wait_signal(void)
{
	struct epoll_event ev;

	with_handler();
	return result(epoll_wait(epoll_create1(0), &ev, 1, -1));
}

static long do_recv_timeout_signal(void)
{
	char buf[8];
	struct timeval tv = {.tv_sec = 20};

	must(setsockopt(a_pair(SOCK_STREAM, 0), SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) == 0,
	     "setsockopt");
	with_handler();
	return result(recv(a_pair(SOCK_STREAM, 0), buf, sizeof(buf), 0));
}

static int a_semaphore(void)
{
	int id = semget(IPC_PRIVATE, 1, 0600);

	must(id >= 0, "semget");
	return id;
}

static void sem_give(int id)
{
	struct sembuf op = {.sem_op = 1};

	must(semop(id, &op, 1) == 0, "semop");
}

static long do_semop(void)
{
	struct sembuf op = {.sem_op = -1};
	int id = a_semaphore();
	long r;

	later(sem_give, id);
	r = result(semop(id, &op, 1));
	semctl(id, 0, IPC_RMID);
	return r;
}

static long do_semtimedop(void)
{
	struct sembuf op = {.sem_op = -1};
	int id = a_semaphore();
	long r = result(semtimedop(id, &op, 1, &wait_ts));

	semctl(id, 0, IPC_RMID);
	return r;
}

struct message {
	long type;
	char text[8192];
};

static struct message message = {.type = 1};

static void message_send(int id)
{
	must(msgsnd(id, &message, 8, 0) == 0, "msgsnd");
}

static void message_take(int id)
{
	static struct message m;

	must(msgrcv(id, &m, sizeof(m.text), 0, 0) >= 0, "msgrcv");
}

static long do_msgrcv(void)
{
	int id = msgget(IPC_PRIVATE, 0600);
	long r;

	must(id >= 0, "msgget");
	later(message_send, id);
	r = result(msgrcv(id, &message, 8, 0, 0));
	msgctl(id, IPC_RMID, NULL);
	return r;
}

static long do_msgsnd(void)
{
	int id = msgget(IPC_PRIVATE, 0600);
	long r;

	must(id >= 0, "msgget");
	while (msgsnd(id, &message, sizeof(message.text), IPC_NOWAIT) == 0)
		;
	later(message_take, id);
	r = result(msgsnd(id, &message, sizeof(message.text), 0));
	msgctl(id, IPC_RMID, NULL);
	return r;
}

static struct timespec realtime_after(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_nsec += wait_ts.tv_nsec;
	if (ts.tv_nsec >= 1000000000) {
		ts.tv_nsec -= 1000000000;
		ts.tv_sec++;
	}
	return ts;
}

static long do_mq_timedreceive(void)
{
	struct mq_attr attr = {.mq_maxmsg = 1, .mq_msgsize = 8};
	struct timespec ts;
	char name[32], buf[8];
	mqd_t q;

	snprintf(name, sizeof(name), "/suture-eintr-%d", getpid());
	q = mq_open(name, O_CREAT | O_RDWR, 0600, &attr);
	must(q >= 0, "mq_open");
	mq_unlink(name);
	ts = realtime_after();
	return result(mq_timedreceive(q, buf, sizeof(buf), NULL, &ts));
}

static long do_futex_wait(void)
{
	static uint32_t word;

	return result(syscall(SYS_futex, &word, FUTEX_WAIT, 0, &wait_ts, NULL, 0));
}

static long do_cond_timedwait(void)
{
	pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
	pthread_cond_t c = PTHREAD_COND_INITIALIZER;
	struct timespec ts = realtime_after();

	pthread_mutex_lock(&m);
	return -pthread_cond_timedwait(&c, &m, &ts);
}

static long do_sem_timedwait(void)
{
	struct timespec ts = realtime_after();
	sem_t s;

	sem_init(&s, 0, 0);
	return result(sem_timedwait(&s, &ts));
}

static long do_waitpid(void)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		nanosleep(&wait_ts, NULL);
		_exit(0);
	}
	return result(waitpid(pid, &status, 0)) == pid ? 0 : -errno;
}

static int lock_fd = -1;

static void unlock(int fd)
{
	must(flock(fd, LOCK_UN) == 0, "flock");
}

static long do_flock(void)
{
	char path[64];
	int fd = open("/tmp", O_TMPFILE | O_RDWR, 0600);

	must(fd >= 0 && flock(fd, LOCK_EX) == 0, "flock");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	lock_fd = open(path, O_RDWR);
	later(unlock, fd);
	return result(flock(lock_fd, LOCK_EX));
}

static void ofd_unlock(int fd)
{
	struct flock l = {.l_type = F_UNLCK};

	must(fcntl(fd, F_OFD_SETLK, &l) == 0, "fcntl");
}

static long do_fcntl_lock(void)
{
	struct flock l = {.l_type = F_WRLCK};
	char path[64];
	int fd = open("/tmp", O_TMPFILE | O_RDWR, 0600);

	must(fd >= 0 && fcntl(fd, F_OFD_SETLK, &l) == 0, "fcntl");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	lock_fd = open(path, O_RDWR);
	later(ofd_unlock, fd);
	l.l_pid = 0;
	return result(fcntl(lock_fd, F_OFD_SETLKW, &l));
}

static void signal_self(int sig)
{
	must(kill(getpid(), sig) == 0, "kill");
}

static long do_read_signalfd(void)
{
	struct signalfd_siginfo si;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	later(signal_self, SIGUSR1);
	return result(read(signalfd(-1, &set, 0), &si, sizeof(si))) == sizeof(si) ? 0 : -errno;
}

static long do_read_eventfd(void)
{
	uint64_t n;
	int fd = eventfd(0, 0);

	later(put8, fd);
	return result(read(fd, &n, sizeof(n)));
}

static long do_read_timerfd(void)
{
	struct itimerspec its = {.it_value = wait_ts};
	int fd = timerfd_create(CLOCK_MONOTONIC, 0);
	uint64_t n;

	timerfd_settime(fd, 0, &its, NULL);
	return result(read(fd, &n, sizeof(n)));
}

static char watched[64];

static void touch(int unused)
{
	(void)unused;
	must(creat(watched, 0600) >= 0, "creat");
}

static long do_read_inotify(void)
{
	char folder[] = "/tmp/suture-eintr-XXXXXX", buf[512];
	int fd = inotify_init1(0);
	long r;

	must(mkdtemp(folder) != NULL, "mkdtemp");
	snprintf(watched, sizeof(watched), "%s/x", folder);
	inotify_add_watch(fd, folder, IN_CREATE);
	later(touch, 0);
	r = result(read(fd, buf, sizeof(buf)));
	unlink(watched);
	rmdir(folder);
	return r > 0 ? 0 : r;
}

static void open_other_end(int unused)
{
	(void)unused;
	must(open(watched, O_WRONLY) >= 0, "open");
}

static long do_open_fifo(void)
{
	long r;

	snprintf(watched, sizeof(watched), "/tmp/suture-eintr-%d", getpid());
	must(mkfifo(watched, 0600) == 0, "mkfifo");
	later(open_other_end, 0);
	r = result(open(watched, O_RDONLY));
	unlink(watched);
	return r > 0 ? 0 : r;
}

static long do_io_getevents(void)
{
	struct timespec ts = wait_ts;
	struct io_event ev;
	aio_context_t ctx = 0;

	if (syscall(SYS_io_setup, 1, &ctx) < 0) /* a kernel without it */
		return errno == ENOSYS ? 0 : -errno;
	return result(syscall(SYS_io_getevents, ctx, 1, 1, &ev, &ts));
}

static long do_splice(void)
{
	int out[2];

	must(pipe(out) == 0, "pipe");
	later(put8, a_pipe(1));
	return result(splice(a_pipe(0), NULL, out[1], NULL, 8, 0));
}

/* EXACT: the kernel knows how much is left. ONCE_MORE: a timeout begins again with each stop. */
enum timing { EXACT, ONCE_MORE };

static const struct blocking {
	const char *name;
	long (*run)(void);
	long want;
	enum timing timing;
} calls[] = {
	{"nanosleep", do_nanosleep, 0, EXACT},
	{"clock_nanosleep until", do_clock_nanosleep_abs, 0, EXACT},
	{"poll", do_poll, 0, EXACT},
	{"poll for ever", do_poll_forever, 1, EXACT},
	{"ppoll", do_ppoll, 0, ONCE_MORE},
	{"select", do_select, 0, EXACT},
	{"pselect", do_pselect, 0, ONCE_MORE},
	{"epoll_wait", do_epoll_wait, 0, ONCE_MORE},
	{"epoll_pwait", do_epoll_pwait, 0, ONCE_MORE},
	{"epoll_wait for ever", do_epoll_wait_forever, 1, EXACT},
	{"read", do_read, 8, EXACT},
	{"write", do_write, 8, EXACT},
	{"recv", do_recv, 8, EXACT},
	{"recv with SO_RCVTIMEO", do_recv_timeout, -EAGAIN, ONCE_MORE},
	{"recvmsg with SO_RCVTIMEO", do_recvmsg_timeout, -EAGAIN, ONCE_MORE},
	{"recvmmsg with SO_RCVTIMEO", do_recvmmsg_timeout, -EAGAIN, ONCE_MORE},
	{"send with SO_SNDTIMEO", do_send_timeout, -EAGAIN, ONCE_MORE},
	{"accept with SO_RCVTIMEO", do_accept_timeout, -EAGAIN, ONCE_MORE},
	{"connect with SO_SNDTIMEO", do_connect_timeout, -EAGAIN, ONCE_MORE},
	{"sigtimedwait", do_sigtimedwait, -EAGAIN, ONCE_MORE},
	{"sigwaitinfo", do_sigwaitinfo, SIGUSR1, EXACT},
	{"pause until a signal", do_pause, -EINTR, EXACT},
	{"sigsuspend until a signal", do_sigsuspend, -EINTR, EXACT},
	{"epoll_wait until a signal", do_epoll_wait_signal, -EINTR, EXACT},
	{"recv with SO_RCVTIMEO until a signal", do_recv_timeout_signal, -EINTR, EXACT},
	{"semop", do_semop, 0, EXACT},
	{"semtimedop", do_semtimedop, -EAGAIN, ONCE_MORE},
	{"msgrcv", do_msgrcv, 8, EXACT},
	{"msgsnd", do_msgsnd, 0, EXACT},
	{"mq_timedreceive", do_mq_timedreceive, -ETIMEDOUT, EXACT},
	{"futex", do_futex_wait, -ETIMEDOUT, EXACT},
	{"pthread_cond_timedwait", do_cond_timedwait, -ETIMEDOUT, EXACT},
	{"sem_timedwait", do_sem_timedwait, -ETIMEDOUT, EXACT},
	{"waitpid", do_waitpid, 0, EXACT},
	{"flock", do_flock, 0, EXACT},
	{"fcntl F_OFD_SETLKW", do_fcntl_lock, 0, EXACT},
	{"read of a signalfd", do_read_signalfd, 0, EXACT},
	{"read of an eventfd", do_read_eventfd, 8, EXACT},
	{"read of a timerfd", do_read_timerfd, 8, EXACT},
	{"read of an inotify", do_read_inotify, 0, EXACT},
	{"open of a fifo", do_open_fifo, 0, EXACT},
	{"io_getevents", do_io_getevents, 0, ONCE_MORE},
	{"splice", do_splice, 8, EXACT},
};

enum { NCALLS = SUT_ARRAY_SIZE(calls) };

struct report {
	_Atomic int state; /* 1 about to wait, 2 back */
	long got;
	double seconds;
};

static void nobody_sees_that_it_was_stopped(void **state)
{
	struct report *reports = mmap(NULL, NCALLS * sizeof(*reports), PROT_READ | PROT_WRITE,
				      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pids[NCALLS] = {0};
	bool bad = false;

	(void)state;
	assert_true(reports != MAP_FAILED);
	for (size_t i = 0; i < NCALLS; i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (!pids[i]) {
			double before;

			prctl(PR_SET_PDEATHSIG, SIGKILL);
			alarm(30);
			atomic_store(&reports[i].state, 1);
			before = now();
			reports[i].got = calls[i].run();
			reports[i].seconds = now() - before;
			atomic_store(&reports[i].state, 2);
			_exit(0);
		}
	}
	for (int k = 0; k < STOPS; k++) {
		for (size_t i = 0; i < NCALLS; i++) {
			struct proc p = {.pid = pids[i], .pidfd = -1, .mem = -1, .nthreads = 2};
			struct sut_err err = {0};
			struct threads t;
			int r;

			while (!atomic_load(&reports[i].state))
				sched_yield();
			if (atomic_load(&reports[i].state) == 2)
				continue;
			r = threads_stop(&p, DEADLINE_US, &t, &err);
			/* It may just have ended. */
			if (r == -ESRCH)
				continue;
			assert_ok(r, err);
			threads_go(&t);
		}
		nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
	}
	for (size_t i = 0; i < NCALLS; i++) {
		double want = WAIT_MS / 1000.0;
		int status = -1;

		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		if (!WIFEXITED(status) || WEXITSTATUS(status) || reports[i].got != calls[i].want ||
		    reports[i].seconds < want - 0.01 ||
		    reports[i].seconds > (calls[i].timing == EXACT ? want : 2 * want) + SLACK) {
			print_error("%s: status %d, gave %ld instead of %ld after %.3f s\n",
				    calls[i].name, status, reports[i].got, calls[i].want,
				    reports[i].seconds);
			bad = true;
		}
	}
	assert_false(bad);
	munmap(reports, NCALLS * sizeof(*reports));
}

/* close() has done its work also when it says EINTR: never again. */
static void what_must_not_be_done_twice_is_not(void **state)
{
	(void)state;
	for (long nr = 0; nr < 450; nr++) {
		struct user_regs_struct regs = {.orig_rax = (unsigned long long)nr,
						.rax = (unsigned long long)-EINTR};
		bool once = nr == SYS_close || nr == SYS_dup2 || nr == SYS_dup3 ||
			    nr == SYS_close_range;

		assert_true(syscall_restart(&regs) == !once);
		assert_true(regs.rax == (unsigned long long)(once ? -EINTR : -514));
		/* Not EINTR; not within a system call: left alone. */
		regs.rax = (unsigned long long)-EAGAIN;
		assert_false(syscall_restart(&regs));
		regs.rax = (unsigned long long)-EINTR;
		regs.orig_rax = (unsigned long long)-1;
		assert_false(syscall_restart(&regs));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_sees_that_it_was_stopped),
		cmocka_unit_test(what_must_not_be_done_twice_is_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
