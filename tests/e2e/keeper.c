// SPDX-License-Identifier: Apache-2.0
/*
 * keeper PORTFILE COMMAND...: what systemd does for a service with a socket. Listens on 127.0.0.1, writes the
 * port to PORTFILE, and runs COMMAND with the socket (LISTEN_FDS). SIGUSR1: ends it with SIGTERM, waits, and
 * runs it again; SIGUSR2: the same with SIGKILL. SIGTERM ends both. One line on standard output for each start.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"

static int listen_anywhere(unsigned int *ret_port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(fd, 1024) < 0 ||
	    getsockname(fd, (struct sockaddr *)&a, &len) < 0)
		return -1;
	*ret_port = ntohs(a.sin_port);
	return fd;
}

static pid_t start(int fd, char **argv, const sigset_t *set)
{
	pid_t pid = fork();
	char number[16];

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigprocmask(SIG_UNBLOCK, set, NULL);
	snprintf(number, sizeof(number), "%ld", (long)getpid());
	setenv("LISTEN_PID", number, 1);
	setenv("LISTEN_FDS", "1", 1);
	if (fd != 3 && dup2(fd, 3) < 0)
		_exit(126);
	fcntl(3, F_SETFD, 0);
	execv(argv[0], argv);
	_exit(127);
}

int main(int argc, char **argv)
{
	unsigned int port;
	sigset_t set;
	FILE *f;
	int fd, sig = 0;

	if (argc < 3)
		return 64;
	fd = listen_anywhere(&port);
	f = fopen(argv[1], "we");
	if (fd < 0 || !f)
		return 1;
	fprintf(f, "%u\n", port);
	if (fclose(f) != 0)
		return 1;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	/* A test that is killed leaves nothing behind. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	while (sig != SIGTERM) {
		pid_t pid = start(fd, argv + 2, &set);
		int status;

		if (pid < 0)
			return 1;
		printf("started %ld\n", (long)pid);
		fflush(stdout);
		while (sigwait(&set, &sig) != 0)
			;
		kill(pid, sig == SIGUSR2 ? SIGKILL : SIGTERM);
		if (waitpid(pid, &status, 0) != pid)
			return 1;
		if (sig != SIGUSR2 && status != 0) {
			printf("ended with status %d\n", status);
			return 1;
		}
	}
	return 0;
}
